//! Sentences: headlines, facts, what to do.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::drift;
use crate::{
    model::{
        time::{roughly, spoken, utc},
        window::{AtEnd, Window},
    },
    plan::{
        Obstacle, RuleState,
        reports::{Event, Fact},
        unworkable::Unworkable,
    },
    probe::Sight,
};

/// What happened, in a sentence; `about` is the window or series, such as "window deploy".
pub(super) fn headline(event: Event, about: Option<&str>) -> String {
    let Some(about) = about else {
        return match event {
            Event::Completed => "Rules that were closed for no window are open again.",
            _ => "Something needs a person.",
        }
        .to_owned();
    };
    let subject = about[..1].to_ascii_uppercase() + &about[1..];
    match event {
        Event::Booked => format!("{subject} is booked."),
        Event::Rescheduled => format!("{subject} has been moved."),
        Event::Extended => format!("{subject} has a new end."),
        Event::Cancelled => format!("{subject} has been cancelled."),
        Event::Edited => {
            format!("{subject} has been edited: its reason, its message for visitors, or the alarms it mutes.")
        }
        Event::Paused => format!("{subject} is paused."),
        Event::Resumed => format!("{subject} goes on."),
        Event::Skipped => format!("{subject} leaves one start out."),
        Event::Unskipped => format!("{subject} no longer leaves out one start."),
        Event::Reminder => format!("This is a reminder of {about}."),
        Event::Started => format!("{subject} has started."),
        Event::EndingSoon => format!("{subject} is about to end."),
        Event::Completed => format!("{subject} has ended."),
        Event::Overrunning => format!("The end of {about} has passed, and it is held."),
        Event::Missed => format!("{subject} was missed: its time has passed, and no rule was changed for it."),
        Event::InAlarm => format!("Alarms that {about} had muted are in alarm now that it is over."),
        Event::Drift => format!("A listener rule of {about} was changed by someone else."),
        Event::Failed => format!("Something due for {about} could not be done."),
    }
}

/// What to do whenever this happens; most events leave it to their cause.
pub(super) fn next_step(event: Event) -> Option<&'static str> {
    match event {
        Event::Missed => Some("book it again for another time; check tells beforehand what could make it fail"),
        Event::Drift => {
            Some("find out who or what changes the rule (a deployment, perhaps), and let it wait for the end")
        }
        Event::Booked
        | Event::Rescheduled
        | Event::Extended
        | Event::Cancelled
        | Event::Edited
        | Event::Paused
        | Event::Resumed
        | Event::Skipped
        | Event::Unskipped
        | Event::Reminder
        | Event::Started
        | Event::EndingSoon
        | Event::Completed
        | Event::Overrunning
        | Event::InAlarm
        | Event::Failed => None,
    }
}

/// The events that make sense after a report, ready to be sent.
pub(super) fn next_events(event: Event, window: &Window) -> Vec<String> {
    let off = || remedy("to end it now", &json!({ "action": "off", "id": window.id }));
    let cancel = || remedy("to drop it", &json!({ "action": "cancel", "id": window.id }));
    let extend = |aim| remedy(aim, &json!({ "action": "extend", "id": window.id, "by": "PT30M" }));
    match event {
        Event::EndingSoon => vec![extend("to move its end")],
        Event::Overrunning => vec![off(), extend("to give it more time from now")],
        Event::Booked | Event::Rescheduled | Event::Extended | Event::Edited | Event::Reminder | Event::Started => {
            vec![if window.is_covering() { off() } else { cancel() }]
        }
        Event::Missed
        | Event::InAlarm
        | Event::Drift
        | Event::Completed
        | Event::Cancelled
        | Event::Paused
        | Event::Resumed
        | Event::Skipped
        | Event::Unskipped
        | Event::Failed => vec![],
    }
}

/// What is to be known of a window whose last report is out since then, and that is still not history; to follow its name.
#[must_use]
pub fn lingers(since: Timestamp) -> String {
    format!(
        "it is over, and its last report is out since {}, but the table does not take it as history; if that stays so, \
         compare its item in the scope now with those of its name in the scope past, and delete the one that is too much",
        utc(since)
    )
}

/// What is to be known of a window that is over since then and whose last report is not out; to follow its name.
#[must_use]
pub fn untold(since: Timestamp, zone: Option<&str>) -> String {
    format!("is over since {}, but its last report is not out yet; every sweep tries again", spoken(since, zone))
}

/// What is to be known of an alarm that was muted and is still in alarm.
#[must_use]
pub fn in_alarm(name: &str) -> String {
    format!("alarm {name} is in alarm; it was muted, and rings again since the window is over")
}

/// What to do after a failure; `keeps_out` if it is over and may still keep visitors out.
#[must_use]
pub fn after_failure(keeps_out: bool) -> Vec<String> {
    let mut steps = vec![
        "every sweep tries again, at most five minutes from now; if the cause stays, fix what it names".to_owned(),
        remedy("to see what else is in the way", &json!({ "action": "check" })),
    ];
    if keeps_out {
        steps.push(
            "if visitors cannot wait for that, open the rules by hand: docs/RUNBOOK.md, \"Reopening a rule by hand\""
                .to_owned(),
        );
    }
    steps
}

/// What visitors and testers got instead of what they should.
pub(super) fn unseen(sight: &Sight) -> String {
    format!(
        "after {}s a visitor got {}, and a tester got {}; the rules are as they should be, so look at what is in front \
         of the load balancer",
        sight.after_secs, sight.visitor, sight.tester
    )
}

/// A fact in a sentence.
pub(super) fn fact(fact: &Fact, zone: Option<&str>) -> String {
    match fact {
        Fact::StartsIn(ahead) => format!("it starts in {}", roughly(*ahead)),
        Fact::EndsIn(ahead) => format!("it ends in {}", roughly(*ahead)),
        Fact::NoEndSince(since) => format!("it has no end and has gone on for {}; off ends it", roughly(*since)),
        Fact::PastEnd(over, at_end) => past_end(*over, *at_end),
        Fact::TimesWere(start, end) => {
            let told = |at: &Option<Timestamp>| at.map_or("open end".to_owned(), |at| spoken(at, zone));
            format!("before, it was {} to {}", told(start), told(end))
        }
        Fact::Drifted { rule, edit, before, after } => drift::edited(rule, *edit, before, after),
        Fact::LeftAlone { rule, before, after } => drift::left_alone(rule, before, after),
        Fact::Had(rule, conditions) => drift::had(rule, conditions),
        Fact::Obstacle(rule, found) => format!("rule {} {}", rule.short(), obstacle(found)),
        Fact::KeptEdit(rule) => {
            format!("rule {} now has what someone else wrote into it during the window", rule.short())
        }
        Fact::HeldByAnother(rule) => format!("rule {} stays closed to visitors for another window", rule.short()),
        Fact::Said(text) => text.clone(),
        Fact::FoundMade(since) => format!(
            "the change was found made at that time; no run noted when it made it, which may have been at any time since {}",
            spoken(*since, zone)
        ),
        Fact::NotProbed => {
            "the load balancer takes about ten seconds to apply a change; it was not checked from outside".to_owned()
        }
    }
}

fn past_end(over: SignedDuration, at_end: AtEnd) -> String {
    let passed = if over < SignedDuration::from_mins(1) {
        "has just passed".to_owned()
    } else {
        format!("passed {} ago", roughly(over))
    };
    let why = match at_end {
        AtEnd::ReopenIfHealthy => "the site did not answer a tester well",
        AtEnd::Hold | AtEnd::Reopen => "it was booked to hold until it is switched off",
    };
    format!("its end {passed}, and its rules stay closed to visitors, since {why}; off opens them")
}

/// What keeps a rule from being switched, to continue "rule … ".
#[must_use]
pub fn obstacle(found: &Obstacle) -> String {
    match found {
        Obstacle::Gone => "no longer exists; leave it out of RuleArns, or name its successor there".to_owned(),
        Obstacle::Unsupported(why) => why.clone(),
        Obstacle::StuckUnsupported(why) => {
            format!("cannot be restored, since it {why}; remove its bypass header condition by hand")
        }
        Obstacle::Unmanaged => "is no longer named by RuleArns".to_owned(),
        Obstacle::StuckUnmanaged => {
            "was closed to visitors, but RuleArns no longer names it; name it again until the window is over".to_owned()
        }
        Obstacle::Orphaned => "is closed to visitors for no window".to_owned(),
        Obstacle::Damaged => {
            "is left as it is, since what is saved of it in the table cannot be read; fix that item, or delete it \
             once the rule is as its owner wants it"
                .to_owned()
        }
        Obstacle::StuckDamaged => {
            "is closed to visitors for no window, and what its owner wrote cannot be read from the table; off opens it, \
             with what stands beside the bypass header"
                .to_owned()
        }
        Obstacle::Settings => {
            "cannot be closed to visitors with these settings; check names what is wrong with them".to_owned()
        }
        Obstacle::TooLate => {
            "was not closed to visitors, since its window is about to end or could miss its end".to_owned()
        }
    }
}

/// What is wrong with the rules of a booked window.
#[must_use]
pub fn unworkable(unworkable: &Unworkable) -> String {
    let told = unworkable.rules.iter().map(|(rule, found)| format!("rule {} {}", rule.short(), obstacle(found)));
    told.collect::<Vec<_>>().join("; ")
}

pub(crate) fn rule_state(state: RuleState) -> &'static str {
    match state {
        RuleState::Open => "open to visitors",
        RuleState::HeaderOnly => "closed to visitors, open to testers",
        RuleState::Gone => "no longer exists",
        RuleState::Unsupported => "has conditions that could not be put back",
    }
}

/// What to do by sending an event, and what for.
#[must_use]
pub fn remedy(aim: &str, event: &Value) -> String {
    format!("{aim}, invoke the function with {event}")
}

/// What a command does that asks how the site stands.
pub(super) const COMMAND: &str = "To see how the site stands, or to send another event in place of this one";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            conditions::{Condition, catch_all, tests::header},
            seen::Met,
            table::Edit,
            window::{
                State,
                tests::{active, at, rule, window},
            },
        },
        plan::reports::tests::EVENTS,
    };

    #[test]
    fn every_report_begins_with_a_sentence_of_its_own() {
        let mut headlines: Vec<String> =
            EVENTS.into_iter().map(|event| headline(event, Some("window deploy"))).collect();
        assert!(headlines.iter().all(|headline| headline.ends_with('.')));
        headlines.sort_unstable();
        headlines.dedup();
        assert_eq!(headlines.len(), EVENTS.len());
    }

    #[test]
    fn what_can_be_done_next_is_ready_to_be_sent() {
        let cancel = Some("to drop it, invoke the function with {\"action\":\"cancel\",\"id\":\"deploy\"}");
        let to_end_it = "to end it now, invoke the function with {\"action\":\"off\",\"id\":\"deploy\"}";
        let off = Some(to_end_it);
        let extend = Some(
            "to move its end, invoke the function with {\"action\":\"extend\",\"by\":\"PT30M\",\"id\":\"deploy\"}",
        );
        let held = Window { state: State::Held, ..active() };
        for (event, window, expected) in [
            (Event::Booked, window(), cancel),
            (Event::Rescheduled, window(), cancel),
            (Event::Extended, window(), cancel),
            (Event::Extended, active(), off),
            (Event::Reminder, window(), cancel),
            (Event::Reminder, active(), off),
            (Event::Started, active(), off),
            (Event::Edited, window(), cancel),
            (Event::Edited, active(), off),
            (Event::EndingSoon, active(), extend),
            (Event::Cancelled, window(), None),
            (Event::Completed, active(), None),
            (Event::Missed, window(), None),
            (Event::Drift, active(), None),
            (Event::Failed, active(), None),
        ] {
            assert_eq!(next_events(event, &window), Vec::from_iter(expected), "{event:?}");
        }
        let more = "to give it more time from now, invoke the function with \
                    {\"action\":\"extend\",\"by\":\"PT30M\",\"id\":\"deploy\"}";
        assert_eq!(next_events(Event::Overrunning, &held), [to_end_it, more]);
    }

    #[test]
    fn a_person_is_asked_to_do_something_only_where_someone_must() {
        let asked: Vec<Event> = EVENTS.into_iter().filter(|event| next_step(*event).is_some()).collect();
        assert_eq!(asked, [Event::Missed, Event::Drift]);
        assert!(next_step(Event::Missed).is_some_and(|step| step.starts_with("book it again")));
        assert!(next_step(Event::Drift).is_some_and(|step| step.contains("changes the rule")));
        assert_eq!((after_failure(false).len(), after_failure(true).len()), (2, 3));
        let steps = after_failure(true);
        assert!(steps[2].contains("docs/RUNBOOK.md"), "{steps:?}");
        assert_eq!(steps[1], "to see what else is in the way, invoke the function with {\"action\":\"check\"}");
        assert!(steps[0].contains("every sweep tries again"));
    }

    #[test]
    fn every_fact_is_a_sentence() {
        let minutes = SignedDuration::from_mins;
        for (told, sentence) in [
            (Fact::StartsIn(minutes(30)), "it starts in 30m"),
            (Fact::EndsIn(minutes(15)), "it ends in 15m"),
            (Fact::NoEndSince(minutes(60)), "it has no end and has gone on for 1h; off ends it"),
            (
                Fact::TimesWere(Some(at("02:00:00")), None),
                "before, it was Sun 6 Dec 2026 02:00 UTC (Sun 03:00 in Europe/Berlin) to open end",
            ),
            (
                Fact::Drifted { rule: rule("one"), edit: Edit::Opened, before: lock(), after: catch_all() },
                "rule web/one was opened to visitors by someone else during the window; this function closes it to \
                 visitors again, and at the end it gets the conditions that they wrote\n\
                 Before    header X-Lock has one of its values (not shown); the bypass header\n\
                 After     path is *",
            ),
            (
                Fact::LeftAlone { rule: rule("one"), before: lock(), after: catch_all() },
                "rule web/one was edited by someone else during the window; what they wrote stands\n\
                 Before    header X-Lock has one of its values (not shown)\n\
                 After     path is *",
            ),
            (Fact::Had(rule("one"), catch_all()), "before, rule web/one had these conditions: path is *"),
            (Fact::Obstacle(rule("one"), Obstacle::Unmanaged), "rule web/one is no longer named by RuleArns"),
            (Fact::HeldByAnother(rule("one")), "rule web/one stays closed to visitors for another window"),
            (Fact::Said("the clocks change".to_owned()), "the clocks change"),
            (
                Fact::FoundMade(at("02:00:00")),
                "the change was found made at that time; no run noted when it made it, which may have been at any time \
                 since Sun 6 Dec 2026 02:00 UTC (Sun 03:00 in Europe/Berlin)",
            ),
            (
                Fact::NotProbed,
                "the load balancer takes about ten seconds to apply a change; it was not checked from outside",
            ),
        ] {
            assert_eq!(fact(&told, Some("Europe/Berlin")), sentence);
        }
        let edited = Fact::Drifted { rule: rule("one"), edit: Edit::Edited, before: lock(), after: catch_all() };
        let edited = fact(&edited, None);
        assert!(edited.starts_with("rule web/one was edited by someone else during the window; it stays closed"));
        assert!(edited.ends_with("After     path is *; the bypass header"), "{edited}");
    }

    fn lock() -> Vec<Condition> {
        vec![header("X-Lock", &["edge-lock-0815"])]
    }

    #[test]
    fn a_held_window_says_how_long_ago_its_end_was_and_why_it_is_held() {
        let told = |secs, at_end| fact(&Fact::PastEnd(SignedDuration::from_secs(secs), at_end), None);
        let held = "since it was booked to hold until it is switched off; off opens them";
        assert_eq!(
            told(59, AtEnd::Hold),
            format!("its end has just passed, and its rules stay closed to visitors, {held}")
        );
        assert_eq!(
            told(60, AtEnd::Hold),
            format!("its end passed 1m ago, and its rules stay closed to visitors, {held}")
        );
        assert!(told(60, AtEnd::ReopenIfHealthy).contains("since the site did not answer a tester well; off"));
    }

    #[test]
    fn what_keeps_a_rule_from_being_switched_says_what_to_do() {
        let why = || "is odd".to_owned();
        for (found, said) in [
            (Obstacle::Gone, "no longer exists; leave it out of RuleArns"),
            (Obstacle::Unsupported(why()), "is odd"),
            (Obstacle::StuckUnsupported(why()), "cannot be restored, since it is odd; remove its bypass header"),
            (Obstacle::Unmanaged, "is no longer named by RuleArns"),
            (Obstacle::StuckUnmanaged, "was closed to visitors, but RuleArns no longer names it; name it again"),
            (Obstacle::Orphaned, "is closed to visitors for no window"),
            (Obstacle::Damaged, "is left as it is, since what is saved of it in the table cannot be read"),
            (Obstacle::StuckDamaged, "is closed to visitors for no window, and what its owner wrote cannot be read"),
            (Obstacle::Settings, "cannot be closed to visitors with these settings; check names"),
            (Obstacle::TooLate, "was not closed to visitors, since its window is about to end"),
        ] {
            let told = obstacle(&found);
            assert!(told.starts_with(said), "{told}");
        }
    }

    #[test]
    fn a_sight_from_outside_says_who_got_what() {
        let met = Met::Application;
        let sight =
            Sight { seen: false, after_secs: 60, met, visitor: "200 OK".to_owned(), tester: "nothing".to_owned() };
        assert!(
            unseen(&sight).starts_with("after 60s a visitor got 200 OK, and a tester got nothing; the rules are as")
        );
    }

    #[test]
    fn each_state_of_a_rule_has_words_of_its_own() {
        let words = [RuleState::Open, RuleState::HeaderOnly, RuleState::Gone, RuleState::Unsupported].map(rule_state);
        let expected = ["open to visitors", "closed to visitors, open to testers", "no longer exists"];
        assert_eq!(words[..3], expected);
        assert_eq!(words[3], "has conditions that could not be put back");
    }
}
