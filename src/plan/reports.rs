//! Which reports are due about a window: by the clock, by what people decided, and by what its rules show.
//!
//! Facts only; their words are in [`crate::report`]. A report is told once by its key, and the key sets it apart from
//! every other report about the window.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Obstacle, Plan, RulePlan, RuleState};
use crate::{
    config::Config,
    model::{
        conditions::{Condition, same},
        rule_arn::RuleArn,
        table::{Drift, Edit, RuleItem, Table},
        window::{AtEnd, DecisionKind, Outcome, State, Window},
    },
};

/// What a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A window was booked.
    Booked,
    /// A booked window got other times.
    Rescheduled,
    /// A window got another end.
    Extended,
    /// A window was dropped before it began, or a series ended.
    Cancelled,
    /// The reason of a window or a series, its message for visitors, or the alarms it mutes were changed.
    Edited,
    /// A series books nothing until it is resumed.
    Paused,
    /// A paused series goes on.
    Resumed,
    /// A series leaves out one occurrence.
    Skipped,
    /// A start of a series is no longer left out.
    Unskipped,
    /// A window is about to start, or open-ended maintenance still goes on.
    Reminder,
    /// The rules are header-only.
    Started,
    /// A window is about to end.
    EndingSoon,
    /// The rules are as their owners wrote them.
    Completed,
    /// The end has passed and the rules stay header-only, as the window asked.
    Overrunning,
    /// Nothing was ever narrowed for a window.
    Missed,
    /// Alarms that a window had muted are still in alarm some minutes after its end.
    InAlarm,
    /// Someone else changed a rule.
    Drift,
    /// Something due could not be done.
    Failed,
}

impl Event {
    /// The event's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Rescheduled => "rescheduled",
            Self::Extended => "extended",
            Self::Cancelled => "cancelled",
            Self::Edited => "edited",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Skipped => "skipped",
            Self::Unskipped => "unskipped",
            Self::Reminder => "reminder",
            Self::Started => "started",
            Self::EndingSoon => "ending_soon",
            Self::Completed => "completed",
            Self::Overrunning => "overrunning",
            Self::Missed => "missed",
            Self::InAlarm => "in_alarm",
            Self::Drift => "drift",
            Self::Failed => "failed",
        }
    }
}

/// Something a report says beside the window's own facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The start is this far ahead.
    StartsIn(SignedDuration),
    /// The end is this far ahead.
    EndsIn(SignedDuration),
    /// It has no end and has gone on for so long.
    NoEndSince(SignedDuration),
    /// Its end has passed by so long, and it is held for this.
    PastEnd(SignedDuration, AtEnd),
    /// Its times were others before.
    TimesWere(Option<Timestamp>, Option<Timestamp>),
    /// Someone else did this to a rule; it was narrowed again.
    Drifted {
        /// The rule.
        rule: RuleArn,
        /// What was done.
        edit: Edit,
        /// Its owner's conditions until then.
        before: Vec<Condition>,
        /// The conditions that were found, but for the bypass header.
        after: Vec<Condition>,
    },
    /// Someone else edited a rule; what they wrote stands.
    LeftAlone {
        /// The rule.
        rule: RuleArn,
        /// Its owner's conditions until then.
        before: Vec<Condition>,
        /// The conditions that were found, but for the bypass header.
        after: Vec<Condition>,
    },
    /// A rule cannot be switched.
    Obstacle(RuleArn, Obstacle),
    /// A rule that cannot be read any more had these conditions of its owner's.
    Had(RuleArn, Vec<Condition>),
    /// A rule is open with what somebody else wrote into it during the window.
    KeptEdit(RuleArn),
    /// A rule stays in maintenance for another window.
    HeldByAnother(RuleArn),
    /// What is odd about its start.
    Said(String),
    /// The change was found made, and no run noted when it made it: some time since then.
    FoundMade(Timestamp),
    /// The change was not looked at from outside.
    NotProbed,
}

/// A report that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What it is about.
    pub event: Event,
    /// What the table remembers it by; several for a report about several things.
    pub keys: Vec<String>,
    /// What else it says.
    pub facts: Vec<Fact>,
}

impl Due {
    fn new(event: Event, key: impl Into<String>, facts: Vec<Fact>) -> Self {
        Self { event, keys: vec![key.into()], facts }
    }
}

const HOUR: i64 = 3600;

/// Everything that is due about a window, given what was seen of the rules, if they could be read.
#[must_use]
pub fn all(window: &Window, plan: Option<&Plan>, table: &Table, config: &Config, now: Timestamp) -> Vec<Due> {
    let mut due = by_clock(window, config, now);
    if let Some(plan) = plan {
        let rules = rules_of(window, plan, table, config);
        due.extend(started(window, &rules, config));
        due.extend(drift(window, &rules, table));
        due.extend(ended(window, &rules).map(|mut due| {
            due.facts.extend(kept_edits(window, &rules, table));
            due
        }));
    }
    due
}

/// What is due without looking at the rules: bookings, changes, reminders and warnings.
#[must_use]
pub fn by_clock(window: &Window, config: &Config, now: Timestamp) -> Vec<Due> {
    let mut due = vec![];
    if window.state == State::Booked && window.start > window.booked_at {
        due.push(Due::new(Event::Booked, "booked", window.notes.iter().cloned().map(Fact::Said).collect()));
    }
    due.extend(changes(window));
    match window.state {
        State::Booked => due.extend(reminder(window, config, now)),
        State::Active => {
            due.extend(warning(window, config, now));
            due.extend(still_on(window, now));
        }
        State::Held => {
            let over = window.end.map(|end| now.duration_since(end)).unwrap_or_default();
            let key = format!("overrunning:{}:{}", window.revision, over.as_secs() / HOUR);
            due.push(Due::new(Event::Overrunning, key, vec![Fact::PastEnd(over, window.at_end)]));
        }
        State::Ending | State::Over => {}
    }
    due.retain(|due| due.keys.iter().any(|key| !window.was_told(key)));
    due
}

/// Only a reminder that was still ahead when the times were decided, and of several only the latest.
fn reminder(window: &Window, config: &Config, now: Timestamp) -> Option<Due> {
    if window.start <= now {
        return None;
    }
    let moment = |before: &SignedDuration| window.start.checked_sub(*before).ok();
    let is_due =
        |before: &&SignedDuration| moment(before).is_some_and(|moment| moment <= now && window.times_set_at < moment);
    let before = config.remind_before.iter().filter(is_due).min()?;
    let key = format!("reminder:{}:{}", window.revision, before.as_secs());
    Some(Due::new(Event::Reminder, key, vec![Fact::StartsIn(window.start.duration_since(now))]))
}

fn warning(window: &Window, config: &Config, now: Timestamp) -> Option<Due> {
    let end = window.end?;
    let moment = end.checked_sub(config.warn_before_end?).ok()?;
    let is_due = window.start < moment && moment <= now && now < end;
    let key = format!("ending_soon:{}", window.revision);
    is_due.then(|| Due::new(Event::EndingSoon, key, vec![Fact::EndsIn(end.duration_since(now))]))
}

/// Open-ended maintenance is reminded of every hour.
fn still_on(window: &Window, now: Timestamp) -> Option<Due> {
    let since = now.duration_since(window.really_started()?);
    let hours = since.as_secs() / HOUR;
    let is_due = window.end.is_none() && hours > 0 && window.was_told("started");
    is_due.then(|| Due::new(Event::Reminder, format!("still_on:{hours}"), vec![Fact::NoEndSince(since)]))
}

/// What people changed about it, decision by decision.
fn changes(window: &Window) -> Vec<Due> {
    if window.state == State::Ending {
        // What comes next is that it is over.
        return vec![];
    }
    let pairs = window.decisions.iter().zip(window.decisions.iter().skip(1)).enumerate();
    let changed = pairs.filter_map(|(nth, (before, after))| {
        let event = match after.action {
            DecisionKind::Extend => Event::Extended,
            DecisionKind::Reschedule => Event::Rescheduled,
            // The window's own facts say what is so now.
            DecisionKind::Edit => return Some(Due::new(Event::Edited, format!("edit:{}", nth + 1), vec![])),
            DecisionKind::Book
            | DecisionKind::On
            | DecisionKind::Off
            | DecisionKind::Cancel
            | DecisionKind::Skip
            | DecisionKind::Unskip
            | DecisionKind::Pause
            | DecisionKind::Resume => return None,
        };
        let facts = vec![Fact::TimesWere(before.start, before.end)];
        Some(Due::new(event, format!("{}:{}", event.word(), nth + 1), facts))
    });
    changed.collect()
}

/// What is due about an active window once its rules are header-only.
#[must_use]
pub fn started(window: &Window, rules: &[&RulePlan], config: &Config) -> Option<Due> {
    if window.state != State::Active || window.was_told("started") || !are_closed(rules, config) {
        return None;
    }
    let mut due = Due::new(Event::Started, "started", vec![]);
    for (key, fact) in obstacles(window, rules) {
        due.keys.push(key);
        due.facts.push(fact);
    }
    Some(due)
}

/// Whether all managed rules among these that can be switched are header-only, and at least one is.
#[must_use]
pub fn are_closed(rules: &[&RulePlan], config: &Config) -> bool {
    let mut managed = rules.iter().filter(|rule| config.rules.contains(&rule.arn));
    let narrowed = managed.clone().any(|rule| rule.state == RuleState::HeaderOnly);
    narrowed && !managed.any(|rule| rule.state == RuleState::Open)
}

/// What others did to the rules of a window whose start was reported, or to one that is ending.
#[must_use]
pub fn drift(window: &Window, rules: &[&RulePlan], table: &Table) -> Option<Due> {
    if !window.was_told("started") {
        return None;
    }
    let mut found = obstacles(window, rules);
    for rule in rules {
        let Some(saved) = table.rules.get(&rule.arn).filter(|saved| saved.windows.contains(&window.name())) else {
            continue;
        };
        // One edit has one key, whether a run narrowed the rule again or left it as it was made.
        let key = |version: u64| format!("drift:{}:{version}", rule.arn.id());
        if let Some(Drift { after, edit, .. }) = saved.drift.filter(|drift| Some(drift.at) >= window.activated_at) {
            let key = key(after);
            let (before, after) = (saved.owner_before.clone(), saved.owner.clone());
            found.push((key, Fact::Drifted { rule: rule.arn.clone(), edit, before, after }));
        }
        if let Some(after) = rule.left_alone.clone().filter(|_| window.state == State::Ending) {
            let fact = Fact::LeftAlone { rule: rule.arn.clone(), before: saved.owner.clone(), after };
            found.push((key(saved.version), fact));
        }
    }
    found.retain(|(key, _)| !window.was_told(key));
    let (keys, mut facts): (Vec<String>, Vec<Fact>) = found.into_iter().unzip();
    let had: Vec<Fact> = facts.iter().filter_map(|fact| had(fact, table)).collect();
    facts.extend(had);
    (!keys.is_empty()).then_some(Due { event: Event::Drift, keys, facts })
}

/// What is known of a rule that is gone or can no longer be read.
fn had(fact: &Fact, table: &Table) -> Option<Fact> {
    let Fact::Obstacle(rule, Obstacle::Gone | Obstacle::Unsupported(_) | Obstacle::StuckUnsupported(_)) = fact else {
        return None;
    };
    table.rules.get(rule).map(|saved| Fact::Had(rule.clone(), saved.owner.clone()))
}

/// Rules of a window that cannot be switched; the others are.
fn obstacles(window: &Window, rules: &[&RulePlan]) -> Vec<(String, Fact)> {
    let found = rules.iter().filter_map(|rule| {
        let obstacle = rule.obstacle.clone().filter(Obstacle::is_others_doing)?;
        let key = format!("obstacle:{}", rule.arn.id());
        (!window.was_told(&key)).then(|| (key, Fact::Obstacle(rule.arn.clone(), obstacle)))
    });
    found.collect()
}

/// The last report about a window that is ending.
#[must_use]
pub fn ended(window: &Window, rules: &[&RulePlan]) -> Option<Due> {
    let outcome = window.ending.filter(|_| window.state == State::Ending)?.outcome;
    let event = match outcome {
        Outcome::Completed => Event::Completed,
        Outcome::Cancelled => Event::Cancelled,
        Outcome::Missed => Event::Missed,
    };
    let held = rules.iter().filter(|rule| outcome == Outcome::Completed && rule.state == RuleState::HeaderOnly);
    let facts = held.map(|rule| Fact::HeldByAnother(rule.arn.clone())).collect();
    (!window.was_told(event.word())).then(|| Due::new(event, event.word(), facts))
}

/// The rules that are open with conditions that somebody else wrote with the last edit during the window. Of what was
/// there before earlier edits nothing is kept.
fn kept_edits(window: &Window, rules: &[&RulePlan], table: &Table) -> Vec<Fact> {
    let of_window = |rule: &RulePlan| table.rules.get(&rule.arn).filter(|saved| saved.windows.contains(&window.name()));
    let is_within = |drift: Drift| Some(drift.at) >= window.activated_at;
    let was_kept = |saved: &RuleItem| saved.drift.is_some_and(is_within) && !same(&saved.owner_before, &saved.owner);
    let is_kept = |rule: &&&RulePlan| {
        rule.state == RuleState::Open && (rule.left_alone.is_some() || of_window(rule).is_some_and(was_kept))
    };
    rules.iter().filter(is_kept).map(|rule| Fact::KeptEdit(rule.arn.clone())).collect()
}

/// The rules of a window: those it covers, and those that were narrowed for it.
#[must_use]
pub fn rules_of<'a>(window: &Window, plan: &'a Plan, table: &Table, config: &Config) -> Vec<&'a RulePlan> {
    let of_window = |rule: &&RulePlan| {
        window.rules.covers(&rule.arn, config.rules.contains(&rule.arn))
            || table.rules.get(&rule.arn).is_some_and(|saved| saved.windows.contains(&window.name()))
    };
    plan.rules.iter().filter(of_window).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        model::{
            conditions::{Condition, catch_all},
            seen::Seen,
            table::RuleItem,
            window::{
                Covered, Decision, Ending,
                tests::{active, at, rule, window},
            },
        },
        plan::tests::{config, narrowed, owned, planned, saved, table},
    };

    pub(crate) const EVENTS: [Event; 18] = [
        Event::Booked,
        Event::Rescheduled,
        Event::Extended,
        Event::Cancelled,
        Event::Edited,
        Event::Paused,
        Event::Resumed,
        Event::Skipped,
        Event::Unskipped,
        Event::Reminder,
        Event::Started,
        Event::EndingSoon,
        Event::Completed,
        Event::Overrunning,
        Event::Missed,
        Event::InAlarm,
        Event::Drift,
        Event::Failed,
    ];

    fn told(window: Window, more: &[&str]) -> Window {
        let told = window.told.iter().cloned().chain(more.iter().map(ToString::to_string)).collect();
        Window { told, ..window }
    }

    fn keys(due: &[Due]) -> Vec<&str> {
        due.iter().flat_map(|due| &due.keys).map(String::as_str).collect()
    }

    fn clock(window: &Window, settings: &[(&str, &str)], now: &str) -> Vec<Due> {
        by_clock(window, &config(settings), at(now))
    }

    const NONE: [&str; 0] = [];

    #[test]
    fn a_booking_is_told_once_with_what_is_odd_about_it() {
        let odd = Window { notes: vec!["the clocks change".to_owned()], ..window() };
        let said = vec![Fact::Said("the clocks change".to_owned())];
        let due = Due { event: Event::Booked, keys: vec!["booked".to_owned()], facts: said };
        assert_eq!(clock(&odd, &[], "00:00:00"), [due]);
        assert_eq!(clock(&told(odd, &["booked"]), &[], "00:00:00"), []);
        let at_once = Window { booked_at: at("02:00:00"), ..window() };
        assert_eq!(clock(&at_once, &[], "02:00:00"), [], "its start is told");
        assert_eq!(keys(&clock(&Window { told: [].into(), ..active() }, &[], "02:30:00")), NONE, "it was too short");
    }

    #[test]
    fn of_several_reminders_the_latest_is_due_if_it_was_ahead_when_the_times_were_decided() {
        let booked = |decided: &str| told(Window { times_set_at: at(decided), ..window() }, &["booked"]);
        let (hour, half) = ("reminder:1:3600", "reminder:1:1800");
        for (decided, now, expected) in [
            ("00:00:00", "00:59:59.999", vec![]),
            ("00:00:00", "01:00:00", vec![hour]),
            ("00:00:00", "01:29:59", vec![hour]),
            ("00:00:00", "01:30:00", vec![half]),
            ("00:59:59", "01:00:00", vec![hour]),
            ("01:00:00", "01:15:00", vec![]),
            ("01:00:00", "01:30:00", vec![half]),
            ("01:30:00", "01:45:00", vec![]),
        ] {
            let due = clock(&booked(decided), &[("REMIND_BEFORE", "PT1H,PT30M")], now);
            assert_eq!(keys(&due), expected, "{decided} {now}");
        }
        let again = told(booked("00:00:00"), &[hour]);
        assert_eq!(clock(&again, &[("REMIND_BEFORE", "PT1H")], "01:15:00"), []);
        let moved = Window { revision: 2, ..again };
        let due = clock(&moved, &[("REMIND_BEFORE", "PT1H")], "01:15:00");
        assert_eq!((keys(&due), due[0].event), (vec!["reminder:2:3600"], Event::Reminder));
        assert_eq!(due[0].facts, [Fact::StartsIn(SignedDuration::from_mins(45))]);
        assert_eq!(clock(&moved, &[], "01:15:00"), []);
    }

    #[test]
    fn a_warning_comes_once_within_a_window_that_is_long_enough() {
        let warned = told(active(), &["ending_soon:1"]);
        for (what, window, before, now, expected) in [
            ("a moment before", active(), "PT15M", "03:44:59.999", vec![]),
            ("at its moment", active(), "PT15M", "03:45:00", vec!["ending_soon:1"]),
            ("late", active(), "PT15M", "03:59:59", vec!["ending_soon:1"]),
            ("at the end", active(), "PT15M", "04:00:00", vec![]),
            ("told", warned.clone(), "PT15M", "03:45:00", vec![]),
            ("told of other times", Window { revision: 2, ..warned }, "PT15M", "03:45:00", vec!["ending_soon:2"]),
            ("just long enough", active(), "PT1H59M59S", "03:45:00", vec!["ending_soon:1"]),
            ("as long as the window", active(), "PT2H", "03:45:00", vec![]),
            ("beyond the calendar", active(), "PT175000000H", "03:45:00", vec![]),
            ("no end", Window { end: None, ..active() }, "PT15M", "03:45:00", vec!["still_on:1"]),
        ] {
            assert_eq!(keys(&clock(&window, &[("WARN_BEFORE_END", before)], now)), expected, "{what}");
        }
        assert_eq!(clock(&active(), &[], "03:59:00"), []);
        let due = clock(&active(), &[("WARN_BEFORE_END", "PT15M")], "03:50:00");
        assert_eq!(due[0].event, Event::EndingSoon);
        assert_eq!(due[0].facts, [Fact::EndsIn(SignedDuration::from_mins(10))]);
    }

    #[test]
    fn maintenance_without_an_end_is_told_every_hour_after_its_start_was() {
        let open = Window { end: None, started_at: Some(at("02:00:00")), ..active() };
        for (window, now, expected) in [
            (open.clone(), "02:59:59.999", vec![]),
            (open.clone(), "03:00:00", vec!["still_on:1"]),
            (told(open.clone(), &["still_on:1"]), "03:59:59", vec![]),
            (told(open.clone(), &["still_on:1"]), "04:00:00", vec!["still_on:2"]),
            (Window { started_at: None, ..open.clone() }, "03:00:00", vec!["still_on:1"]),
            (Window { started_at: None, activated_at: None, ..open.clone() }, "03:00:00", vec![]),
            (Window { told: [].into(), ..open.clone() }, "03:00:00", vec![]),
            (Window { end: Some(at("08:00:00")), ..open.clone() }, "03:00:00", vec![]),
        ] {
            assert_eq!(keys(&clock(&window, &[], now)), expected, "{now} {window:?}");
        }
        let due = clock(&open, &[], "03:10:00");
        assert_eq!(due[0].event, Event::Reminder);
        assert_eq!(due[0].facts, [Fact::NoEndSince(SignedDuration::from_mins(70))]);
    }

    #[test]
    fn a_held_window_is_told_at_its_end_and_every_hour_after() {
        let held = |at_end| Window { state: State::Held, at_end, ..active() };
        let due = clock(&held(AtEnd::Hold), &[], "04:00:00");
        assert_eq!((keys(&due), due[0].event), (vec!["overrunning:1:0"], Event::Overrunning));
        assert_eq!(due[0].facts, [Fact::PastEnd(SignedDuration::ZERO, AtEnd::Hold)]);
        let again = told(held(AtEnd::ReopenIfHealthy), &["overrunning:1:0"]);
        assert_eq!(clock(&again, &[], "04:59:59"), []);
        let due = clock(&again, &[], "05:00:00");
        assert_eq!(keys(&due), ["overrunning:1:1"]);
        assert_eq!(due[0].facts, [Fact::PastEnd(SignedDuration::from_hours(1), AtEnd::ReopenIfHealthy)]);
        let extended = Window { revision: 2, ..again };
        assert_eq!(keys(&clock(&extended, &[], "04:30:00")), ["overrunning:2:0"]);
    }

    #[test]
    fn each_change_of_times_is_told_once_with_the_times_before() {
        let decision = |action: DecisionKind, start: &str, end: Option<&str>| Decision {
            at: at("00:30:00"),
            action,
            requested_by: None,
            reason: None,
            start: Some(at(start)),
            end: end.map(at),
        };
        let decisions = vec![
            decision(DecisionKind::Book, "01:00:00", Some("03:00:00")),
            decision(DecisionKind::Reschedule, "02:00:00", Some("04:00:00")),
            decision(DecisionKind::Off, "02:00:00", None),
            decision(DecisionKind::Extend, "02:00:00", Some("05:00:00")),
        ];
        let changed = told(Window { decisions, ..window() }, &["booked"]);
        let times = |start, end: Option<&str>| vec![Fact::TimesWere(Some(at(start)), end.map(at))];
        let moved = Due::new(Event::Rescheduled, "rescheduled:1", times("01:00:00", Some("03:00:00")));
        let extended = Due::new(Event::Extended, "extended:3", times("02:00:00", None));
        assert_eq!(clock(&changed, &[], "00:30:00"), [moved, extended.clone()]);
        let again = told(changed, &["rescheduled:1"]);
        assert_eq!(clock(&again, &[], "00:30:00"), [extended]);
        let mut edited = again.clone();
        edited.decisions.push(decision(DecisionKind::Edit, "02:00:00", Some("05:00:00")));
        let edited = told(edited, &["extended:3"]);
        assert_eq!(clock(&edited, &[], "00:30:00"), [Due::new(Event::Edited, "edit:4", vec![])]);
        let ending = Window { state: State::Ending, ..again };
        assert_eq!(clock(&ending, &[], "00:30:00"), [], "what comes next is that it is over");
    }

    /// A part of a plan.
    fn part(name: &str, state: RuleState, obstacle: Option<Obstacle>) -> RulePlan {
        RulePlan {
            arn: rule(name),
            state,
            form: None,
            idle: false,
            save: None,
            change: None,
            obstacle,
            odd: false,
            left_alone: None,
        }
    }

    fn both() -> Config {
        config(&[("RULE_ARNS", &format!("{},{}", rule("one"), rule("two")))])
    }

    #[test]
    fn a_start_is_told_once_all_that_can_be_narrowed_is() {
        let untold = |state| Window { state, told: [].into(), ..active() };
        let dark = |name| part(name, RuleState::HeaderOnly, None);
        let open = |name| part(name, RuleState::Open, None);
        let gone = |name| part(name, RuleState::Gone, Some(Obstacle::Gone));
        for (what, window, rules, is_due) in [
            ("all narrowed", untold(State::Active), vec![dark("one"), dark("two")], true),
            ("one is open", untold(State::Active), vec![dark("one"), open("two")], false),
            ("none can be narrowed", untold(State::Active), vec![gone("one"), gone("two")], false),
            ("one cannot be narrowed", untold(State::Active), vec![dark("one"), gone("two")], true),
            ("one is not named", untold(State::Active), vec![dark("one"), open("three")], true),
            ("only one that is not named", untold(State::Active), vec![dark("three")], false),
            ("told", active(), vec![dark("one")], false),
            ("held", untold(State::Held), vec![dark("one")], false),
            ("ending", untold(State::Ending), vec![dark("one")], false),
            ("booked", untold(State::Booked), vec![dark("one")], false),
        ] {
            let due = started(&window, &rules.iter().collect::<Vec<_>>(), &both());
            assert_eq!(due.is_some(), is_due, "{what}");
        }
        let rules = [dark("one"), gone("two")];
        let due = started(&untold(State::Active), &[&rules[0], &rules[1]], &both()).expect("a report");
        assert_eq!(
            (due.event, due.keys.as_slice()),
            (Event::Started, ["started", "obstacle:two"].map(str::to_owned).as_slice())
        );
        assert_eq!(due.facts, [Fact::Obstacle(rule("two"), Obstacle::Gone)]);
    }

    #[test]
    fn a_rule_that_cannot_be_switched_is_told_once_after_the_start() {
        let why = || "is odd".to_owned();
        for (obstacle, worth_telling) in [
            (Obstacle::Gone, true),
            (Obstacle::Unsupported(why()), true),
            (Obstacle::StuckUnsupported(why()), true),
            (Obstacle::Unmanaged, true),
            (Obstacle::StuckUnmanaged, true),
            (Obstacle::Orphaned, false),
            (Obstacle::Damaged, false),
            (Obstacle::StuckDamaged, false),
            (Obstacle::Settings, false),
            (Obstacle::TooLate, false),
        ] {
            let rule_one = part("one", RuleState::Gone, Some(obstacle.clone()));
            let due = |window: &Window| drift(window, &[&rule_one], &Table::default());
            let expected = Due::new(Event::Drift, "obstacle:one", vec![Fact::Obstacle(rule("one"), obstacle)]);
            assert_eq!(due(&active()), worth_telling.then_some(expected));
            assert_eq!(due(&told(active(), &["obstacle:one"])), None);
            assert_eq!(due(&Window { told: [].into(), ..active() }), None, "its start will tell");
        }
    }

    #[test]
    fn what_others_did_to_a_windows_own_rules_is_told_once() {
        let drifted = |at: Timestamp| RuleItem {
            drift: Some(Drift { at, after: 6, edit: Edit::Opened, answered: true }),
            owner_before: catch_all(),
            ..saved("one", &["aaaaa"])
        };
        let found = at("03:00:00");
        let key = "drift:one:6";
        let rule_one = part("one", RuleState::HeaderOnly, None);
        let due = |window: &Window, item: RuleItem| drift(window, &[&rule_one], &table(&[], &[item]));
        let (edit, before, after) = (Edit::Opened, catch_all(), owned());
        let fact = Fact::Drifted { rule: rule("one"), edit, before, after };
        let expected = Due::new(Event::Drift, key, vec![fact]);
        assert_eq!(due(&active(), drifted(found)), Some(expected));
        assert!(due(&active(), drifted(at("02:00:00"))).is_some(), "with its start");
        assert_eq!(due(&active(), drifted(at("01:59:59"))), None, "of an earlier window");
        assert_eq!(due(&told(active(), &[key]), drifted(found)), None);
        let another = Some(Drift { at: found, after: 7, edit, answered: true });
        assert!(due(&told(active(), &[key]), RuleItem { drift: another, ..drifted(found) }).is_some(), "another");
        assert_eq!(due(&active(), saved("one", &["aaaaa"])), None);
        let others = RuleItem { windows: vec!["deploy#bbbbb".to_owned()], ..drifted(found) };
        assert_eq!(due(&active(), others), None, "not narrowed for it");
        assert_eq!(due(&Window { told: [].into(), ..active() }, drifted(found)), None);
    }

    #[test]
    fn what_someone_wrote_and_stands_is_told_with_the_end() {
        let ending = Window { state: State::Ending, ..active() };
        let alone = RulePlan { left_alone: Some(catch_all()), ..part("one", RuleState::Open, None) };
        let due = |window: &Window, rule: &RulePlan| drift(window, &[rule], &table(&[], &[saved("one", &["aaaaa"])]));
        let fact = Fact::LeftAlone { rule: rule("one"), before: owned(), after: catch_all() };
        let expected = Due::new(Event::Drift, "drift:one:7", vec![fact]);
        assert_eq!(due(&ending, &alone), Some(expected));
        assert_eq!(due(&told(ending.clone(), &["drift:one:7"]), &alone), None);
        assert_eq!(due(&active(), &alone), None, "it is narrowed again");
        assert_eq!(due(&ending, &part("one", RuleState::Open, None)), None);
        assert_eq!(drift(&ending, &[&alone], &Table::default()), None, "it was never narrowed");
    }

    #[test]
    fn what_a_rule_had_that_is_gone_is_told_with_it() {
        let gone = part("one", RuleState::Gone, Some(Obstacle::Gone));
        let unnamed = part("one", RuleState::Open, Some(Obstacle::Unmanaged));
        let facts = |rule: &RulePlan| {
            drift(&active(), &[rule], &table(&[], &[saved("one", &["aaaaa"])])).expect("a report").facts
        };
        let had = Fact::Had(rule("one"), owned());
        assert_eq!(facts(&gone), [Fact::Obstacle(rule("one"), Obstacle::Gone), had]);
        assert_eq!(facts(&unnamed), [Fact::Obstacle(rule("one"), Obstacle::Unmanaged)]);
    }

    #[test]
    fn several_findings_are_one_report() {
        let rules =
            [part("one", RuleState::Gone, Some(Obstacle::Gone)), part("two", RuleState::Gone, Some(Obstacle::Gone))];
        let due = |window: &Window| drift(window, &[&rules[0], &rules[1]], &Table::default()).expect("a report");
        assert_eq!(keys(&[due(&active())]), ["obstacle:one", "obstacle:two"]);
        assert_eq!(keys(&[due(&told(active(), &["obstacle:one"]))]), ["obstacle:two"]);
    }

    #[test]
    fn each_window_has_one_last_report_by_how_it_ended() {
        let rules = [part("one", RuleState::HeaderOnly, None), part("two", RuleState::Open, None)];
        let held = vec![Fact::HeldByAnother(rule("one"))];
        for (outcome, event, facts) in [
            (Outcome::Completed, Event::Completed, held),
            (Outcome::Cancelled, Event::Cancelled, vec![]),
            (Outcome::Missed, Event::Missed, vec![]),
        ] {
            let window = active().to_end(at("04:00:00"), outcome);
            let due = |window: &Window| ended(window, &[&rules[0], &rules[1]]);
            assert_eq!(due(&window), Some(Due::new(event, event.word(), facts)));
            assert_eq!(due(&told(window.clone(), &[event.word()])), None);
            assert_eq!(due(&Window { state: State::Held, ..window.clone() }), None);
            assert_eq!(due(&Window { ending: None, ..window }), None);
        }
    }

    #[test]
    fn a_windows_rules_are_those_it_covers_and_those_narrowed_for_it() {
        let seen = |names: &[&'static str]| {
            let seen = |name: &&'static str| (*name, Seen::Conditions(owned()));
            names.iter().map(seen).collect::<Vec<_>>()
        };
        let table = table(&[], &[saved("two", &["aaaaa"]), saved("three", &["bbbbb"])]);
        let plan = planned("03:00:00", &config(&[]), &seen(&["one", "two", "three", "four"]), &table);
        let names = |window: &Window| {
            let rules = rules_of(window, &plan, &table, &config(&[]));
            rules.iter().map(|rule| rule.arn.id().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(&active()), ["one", "two"]);
        let named = Window { rules: Covered::Some(vec![rule("four")]), ..active() };
        assert_eq!(names(&named), ["four", "two"]);
    }

    #[test]
    fn whatever_the_rules_show_is_told_beside_what_the_clock_brings() {
        let open: Vec<Condition> = owned();
        let window = Window { state: State::Ending, ending: ending(Outcome::Completed), ..active() };
        let item = RuleItem {
            drift: Some(Drift { at: at("03:00:00"), after: 6, edit: Edit::Edited, answered: false }),
            ..saved("one", &["aaaaa"])
        };
        let table = table(std::slice::from_ref(&window), &[item]);
        let settings = config(&[]);
        let plan = |current: &[Condition]| {
            planned("04:00:00", &settings, &[("one", Seen::Conditions(current.to_vec()))], &table)
        };
        let due = all(&window, Some(&plan(&open)), &table, &settings, at("04:00:00"));
        assert_eq!(due.iter().map(|due| due.event).collect::<Vec<_>>(), [Event::Drift, Event::Completed]);
        let starting = Window { told: [].into(), ..active() };
        let due = all(&starting, Some(&plan(&narrowed(&open))), &table, &settings, at("03:00:00"));
        assert_eq!(keys(&due), ["started"]);
        assert_eq!(all(&window, None, &table, &settings, at("04:00:00")), [], "nothing is told of what was not seen");
        let blind = Window { state: State::Held, ..window };
        assert_eq!(keys(&all(&blind, None, &table, &settings, at("04:00:00"))), ["overrunning:1:0"]);
    }

    #[expect(clippy::unnecessary_wraps, reason = "as a window holds it")]
    fn ending(outcome: Outcome) -> Option<Ending> {
        Some(Ending { at: at("04:00:00"), outcome })
    }

    #[test]
    fn an_events_word_is_the_one_its_document_holds() {
        for event in EVENTS {
            assert_eq!(serde_json::json!(event), event.word());
        }
    }

    #[test]
    fn no_reminder_is_told_of_a_start_that_has_passed() {
        let stuck = told(window(), &["booked"]);
        assert_eq!(clock(&stuck, &[("REMIND_BEFORE", "PT1H")], "02:30:00"), []);
    }
}
