//! The decision: what the rules show, what the records say and what time it is, turned into what is to be done.
//!
//! Pure, synchronous and total; the plan leaves no choice to those who carry it out.
//! It is not told why the function was woken, and it makes the same plan however often it is asked.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::{
    arn::RuleArn,
    conditions::{self, BypassNames, Condition},
    config::{Bypass, Config},
    record::{Part, Progress, Record, ScheduleName},
    report::Event,
    when,
    window::{AtEnd, IN_FLIGHT, Phase, Window, WindowId},
};

/// What a rule was seen to demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Conditions that can be put back as they are.
    Conditions(Vec<Condition>),
    /// The rule no longer exists.
    Gone,
    /// A condition this version could not put back faithfully, or a rule that must not be turned.
    Unsupported {
        /// Why, in a sentence.
        why: String,
        /// The conditions that were understood.
        known: Vec<Condition>,
    },
}

/// Everything a plan is made from.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The moment.
    pub now: Timestamp,
    /// The settings.
    pub config: &'a Config,
    /// Whether a tester's request was seen to succeed; asked for only where a window's end depends on it.
    pub healthy: bool,
    /// Every managed rule.
    pub rules: &'a BTreeMap<RuleArn, Seen>,
    /// Every record in the group.
    pub records: &'a [Record],
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// One for each record, in the scene's order.
    pub steps: Vec<Step>,
    /// The rules whose conditions are to change.
    pub turns: Vec<Turn>,
    /// How every managed rule stands before any turn.
    pub states: BTreeMap<RuleArn, RuleState>,
    /// Header-only rules that no record accounts for.
    pub strays: Vec<RuleArn>,
    /// Rules that someone else seems to have changed.
    pub drifting: BTreeSet<RuleArn>,
}

/// What is to be done for one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The window.
    pub id: WindowId,
    /// How the window stands.
    pub standing: Standing,
    /// What the record must hold before any of its rules is narrowed.
    pub hold: Option<Progress>,
    /// Missing wake-ups to book, each with the moment it is for.
    pub wakes: Vec<(ScheduleName, Timestamp)>,
    /// Reports that are due by the clock or by what people decided.
    pub tell: Vec<Tell>,
    /// Wake-ups that a later version of the window made useless.
    pub stale: Vec<ScheduleName>,
    /// Its rules that are missing or cannot be turned, a sentence each; they do not stop the others.
    pub unusable: BTreeMap<RuleArn, String>,
    /// Its rules that someone else has edited and that are left as they are.
    pub left_alone: Vec<RuleArn>,
    /// Its rules that are header-only and cannot be restored, a sentence each; the window is kept until they are.
    pub stuck: Vec<String>,
    /// It is too near its end to narrow rules of its that are still open.
    pub late: bool,
}

/// How a window stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its start is still to come.
    Booked,
    /// Its rules are, or are about to be, header-only.
    Active,
    /// Its end has passed and its rules stay header-only, as it asked.
    Held,
    /// It is over and did its work.
    Completed,
    /// It is over and nothing was ever narrowed for it.
    Missed,
    /// It was dropped before it began.
    Cancelled,
}

impl Standing {
    /// Whether the window's rules are to be header-only.
    #[must_use]
    pub fn covers(self) -> bool {
        matches!(self, Self::Active | Self::Held)
    }

    /// Whether nothing is left to do but to report and to forget it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Missed | Self::Cancelled)
    }
}

/// A change of one rule's conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The rule.
    pub rule: RuleArn,
    /// Which way.
    pub way: Way,
    /// What it is to demand afterwards.
    pub to: Vec<Condition>,
}

/// Which way a rule is turned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// To header-only, for these windows.
    Narrow(Vec<WindowId>),
    /// To what its owner wrote.
    Restore,
}

/// How a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleState {
    /// It matches as its owner wrote it.
    Open,
    /// Only requests with the bypass header match.
    HeaderOnly,
    /// It does not exist.
    Gone,
    /// It holds a condition this version cannot put back.
    Unsupported,
}

/// How a window stands at `now`; `healthy` matters only to `reopen_if_healthy`.
#[must_use]
pub fn standing(record: &Record, now: Timestamp, healthy: bool) -> Standing {
    if record.is_revived(now) {
        return Standing::Cancelled;
    }
    if let Some(closed) = record.closed() {
        return if closed.cancelled { Standing::Cancelled } else { Standing::Completed };
    }
    match (record.phase(now), record.window().at_end) {
        (Phase::Booked, _) => Standing::Booked,
        (Phase::Active, _) => Standing::Active,
        (Phase::Over, _) if record.progress.saved.is_empty() && record.progress.narrowed_at.is_none() => {
            Standing::Missed
        }
        (Phase::Over, AtEnd::Hold) => Standing::Held,
        (Phase::Over, AtEnd::ReopenIfHealthy) if !healthy => Standing::Held,
        (Phase::Over, AtEnd::Reopen | AtEnd::ReopenIfHealthy) => Standing::Completed,
    }
}

/// Decides.
#[must_use]
pub fn plan(scene: &Scene<'_>) -> Plan {
    let names = bypass_names(scene);
    let mut plan = Plan { steps: scene.records.iter().map(|record| step(record, scene)).collect(), ..Plan::default() };
    for (rule, seen) in scene.rules {
        plan.states.insert(rule.clone(), state(seen, &names));
        decide_rule(scene, &names, rule, seen, &mut plan);
    }
    for (record, step) in scene.records.iter().zip(&mut plan.steps) {
        unmanaged(scene, record, step);
        let dark = |rule: &RuleArn| plan.states.get(rule) == Some(&RuleState::HeaderOnly);
        if step.standing == Standing::Completed
            && record.closed().is_none()
            && record.progress.narrowed_at.is_none()
            && !record.progress.saved.keys().any(dark)
        {
            // Its conditions were saved, but narrowing never came about.
            step.standing = Standing::Missed;
        }
        if let Some(hold) = &mut step.hold {
            hold.header = Some(scene.config.bypass.name.clone());
            hold.narrowing_at = record.progress.narrowing_at.or(Some(scene.now));
        }
    }
    plan
}

/// Rules that were taken out of the settings: they may not be touched, so one that was narrowed cannot be restored.
fn unmanaged(scene: &Scene<'_>, record: &Record, step: &mut Step) {
    for rule in &record.window().rules {
        if scene.rules.contains_key(rule) {
            continue;
        }
        let name = rule.short();
        if record.progress.saved.contains_key(rule) {
            step.stuck.push(format!(
                "rule {name} was narrowed, but RULE_ARNS no longer names it; name it again until the window is over"
            ));
        } else {
            step.unusable.insert(rule.clone(), format!("rule {name} is no longer named by RULE_ARNS"));
        }
    }
}

fn bypass_names(scene: &Scene<'_>) -> BypassNames {
    let remembered = scene.records.iter().filter_map(|record| record.progress.header.as_deref());
    BypassNames::new(remembered.chain([scene.config.bypass.name.as_str()]))
}

/// Whether a rule demands today's bypass header.
#[must_use]
pub fn header_only(seen: &Seen, bypass: &Bypass) -> bool {
    state(seen, &BypassNames::new([bypass.name.as_str()])) == RuleState::HeaderOnly
}

/// How a rule stands.
fn state(seen: &Seen, names: &BypassNames) -> RuleState {
    match seen {
        Seen::Gone => RuleState::Gone,
        Seen::Unsupported { .. } => RuleState::Unsupported,
        Seen::Conditions(conditions) if conditions::demands_bypass(conditions, names) => RuleState::HeaderOnly,
        Seen::Conditions(_) => RuleState::Open,
    }
}

fn step(record: &Record, scene: &Scene<'_>) -> Step {
    let now = scene.now;
    let standing = standing(record, now, scene.healthy);
    let wanted = if standing.is_over() || standing == Standing::Held { vec![] } else { record.wakes(scene.config) };
    // Nearer than this a wake-up may have fired already and be gone for that reason.
    let missing = wanted.iter().filter(|(name, due)| !record.others.contains(name) && *due > now + IN_FLIGHT);
    let outdated = |name: &&ScheduleName| match name.part {
        Part::Start(number) | Part::Remind(number, _) | Part::Warn(number) => number < record.revision(),
        Part::Record | Part::Amendment(_) | Part::Drift(_) | Part::Series | Part::Tombstone(_) => false,
    };
    Step {
        id: record.id().clone(),
        standing,
        hold: None,
        wakes: missing.cloned().collect(),
        stale: record.others.iter().filter(outdated).cloned().collect(),
        tell: tell(record, standing, scene),
        unusable: BTreeMap::new(),
        left_alone: vec![],
        stuck: vec![],
        late: false,
    }
}

/// A report that is due, told once by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tell {
    /// What happened.
    pub event: Event,
    /// What the record remembers it by.
    pub key: String,
    /// What tells it from an earlier one of the same key.
    pub cause: String,
    /// What else is to be known.
    pub note: String,
}

impl Tell {
    /// A report that is told only once by its key.
    fn new(event: Event, key: String, note: String) -> Self {
        Self { event, cause: key.clone(), key, note }
    }
}

/// How long ongoing maintenance without an end in sight goes untold: an hour, less what a wake-up may come early.
const QUIET_MAX: SignedDuration = SignedDuration::from_mins(59);

/// The same for all deliveries of one hour's report, and another in the next.
fn hourly(key: &str, since: SignedDuration) -> String {
    format!("{key}:{}", since.as_secs() / QUIET_MAX.as_secs())
}

fn tell(record: &Record, standing: Standing, scene: &Scene<'_>) -> Vec<Tell> {
    let now = scene.now;
    let window = record.window();
    let number = record.revision();
    let told_at = |key: &str| record.progress.reported.get(key).copied();
    let mut tell = changes(record);
    tell.retain(|tell| told_at(&tell.key).is_none());
    let quiet = |since: Option<Timestamp>| since.is_none_or(|since| now.duration_since(since) >= QUIET_MAX);
    match standing {
        Standing::Booked => {
            // Only what was still ahead when the window was booked, and of several only the latest.
            let due = scene.config.remind_before.iter().filter(|before| {
                let moment = window.start - **before;
                moment <= now && told_at("booked").is_some_and(|booked| booked < moment)
            });
            if let Some(before) = due.min() {
                let key = format!("reminder:{number}:{}", before.as_secs());
                let note = format!("it starts in {}", when::roughly(window.start.duration_since(now)));
                tell.push(Tell::new(Event::Reminder, key, note));
            }
        }
        Standing::Active => {
            let warning = scene.config.warn_before_end.zip(window.end).map(|(before, end)| (end - before, end));
            if let Some((moment, end)) = warning
                && window.start < moment
                && moment <= now
            {
                let note = format!("it ends in {}", when::roughly(end.duration_since(now)));
                tell.push(Tell::new(Event::EndingSoon, format!("ending_soon:{number}"), note));
            }
            let last = told_at("reminder").or(told_at("started"));
            if window.end.is_none() && last.is_some() && quiet(last) {
                let since = when::roughly(now.duration_since(window.start));
                let note = format!("it has no end and has gone on for {since}; off ends it");
                let cause = hourly("reminder", now.duration_since(window.start));
                tell.push(Tell { event: Event::Reminder, key: "reminder".to_owned(), cause, note });
                return tell;
            }
        }
        Standing::Held if quiet(told_at(&format!("overrunning:{number}"))) => {
            let over = window.end.map(|end| now.duration_since(end)).unwrap_or_default();
            let passed = if over < SignedDuration::from_mins(1) {
                "has just passed".to_owned()
            } else {
                format!("passed {} ago", when::roughly(over))
            };
            let why = match window.at_end {
                AtEnd::ReopenIfHealthy => "the site did not answer a tester well",
                AtEnd::Hold | AtEnd::Reopen => "it was booked to hold until it is switched off",
            };
            let note = format!("its end {passed}, and its rules stay in maintenance, since {why}; off reopens them");
            let key = format!("overrunning:{number}");
            let cause = hourly(&key, over);
            tell.push(Tell { event: Event::Overrunning, key, cause, note });
            return tell;
        }
        Standing::Held | Standing::Completed | Standing::Missed | Standing::Cancelled => {}
    }
    tell.retain(|tell| told_at(&tell.key).is_none());
    tell
}

/// What people changed about the window, amendment by amendment.
fn changes(record: &Record) -> Vec<Tell> {
    let mut before = &record.booked;
    let mut changes = vec![];
    let span = |window: &Window| {
        let zone = window.timezone.as_deref();
        let end = window.end.map_or("open end".to_owned(), |end| when::spoken(end, zone));
        format!("{} to {end}", when::spoken(window.start, zone))
    };
    for amendment in &record.amendments {
        let after = &amendment.window;
        let event = if before.start == after.start { Event::Extended } else { Event::Rescheduled };
        if (before.start, before.end) != (after.start, after.end) {
            let note = format!("before, it was {}", span(before));
            changes.push(Tell::new(event, format!("changed:{}", amendment.number), note));
        }
        before = after;
    }
    changes
}

fn decide_rule(scene: &Scene<'_>, names: &BypassNames, rule: &RuleArn, seen: &Seen, plan: &mut Plan) {
    let covering: Vec<usize> = (0..scene.records.len())
        .filter(|at| plan.steps[*at].standing.covers() && covers(&scene.records[*at], rule))
        .collect();
    let keepers: Vec<usize> =
        (0..scene.records.len()).filter(|at| scene.records[*at].progress.saved.contains_key(rule)).collect();
    match seen {
        Seen::Gone => unusable(
            plan,
            rule,
            &covering,
            &keepers,
            "no longer exists; leave it out of RULE_ARNS, or name its successor there",
        ),
        Seen::Unsupported { why, known } => {
            unusable(plan, rule, &covering, &keepers, why);
            if conditions::demands_bypass(known, names) && covering.is_empty() {
                if keepers.is_empty() {
                    plan.strays.push(rule.clone());
                }
                for at in keepers {
                    plan.steps[at].stuck.push(format!(
                        "rule {} cannot be restored, since it {why}; remove its bypass header condition by hand",
                        rule.short()
                    ));
                }
            }
        }
        Seen::Conditions(current) => {
            let owner = owner(scene, names, rule, current);
            if covering.is_empty() {
                open(names, rule, current, &owner, &keepers, plan);
            } else {
                narrow(scene, names, rule, current, &owner, &covering, plan);
            }
        }
    }
}

fn covers(record: &Record, rule: &RuleArn) -> bool {
    record.window().rules.contains(rule)
}

fn unusable(plan: &mut Plan, rule: &RuleArn, covering: &[usize], keepers: &[usize], why: &str) {
    for at in covering.iter().chain(keepers).copied().collect::<BTreeSet<_>>() {
        plan.steps[at].unusable.insert(rule.clone(), format!("rule {} {why}", rule.short()));
    }
}

/// What the rule's owner wants it to demand, and whether that is news.
struct Owner {
    conditions: Vec<Condition>,
    /// It differs from what every record has saved.
    edited: bool,
}

/// Reads the owner's wish off a rule.
///
/// An open rule says it itself.
/// A header-only rule that looks as one of the records narrowed it stands for what that record has saved; any other was
/// edited while header-only, and its owner's wish is all but the bypass header.
fn owner(scene: &Scene<'_>, names: &BypassNames, rule: &RuleArn, current: &[Condition]) -> Owner {
    let mut saved: Vec<(Option<Timestamp>, &Vec<Condition>)> = scene
        .records
        .iter()
        .filter_map(|record| Some((record.progress.narrowing_at, record.progress.saved.get(rule)?)))
        .collect();
    // The latest narrowing saw the rule last.
    saved.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let bare = conditions::without_bypass(current, names);
    let as_narrowed = |saved: &Vec<Condition>| {
        conditions::same(&bare, &conditions::without_bypass(&conditions::narrowed(saved, &scene.config.bypass), names))
    };
    if !conditions::demands_bypass(current, names) {
        let edited = !saved.is_empty() && !saved.iter().any(|(_, saved)| conditions::same(saved, current));
        return Owner { conditions: current.to_vec(), edited };
    }
    match saved.iter().find(|(_, saved)| as_narrowed(saved)) {
        Some((_, saved)) => Owner { conditions: (*saved).clone(), edited: false },
        None => Owner { conditions: conditions::reopened(current, names), edited: !saved.is_empty() },
    }
}

/// Whether a rule may still be narrowed for a window; a window that holds its rules has no end to be late for.
#[must_use]
pub fn still_narrows(record: &Record, standing: Standing, now: Timestamp) -> bool {
    standing == Standing::Held || (standing == Standing::Active && record.may_narrow(now))
}

/// No window covers the rule: it is to be open.
fn open(names: &BypassNames, rule: &RuleArn, current: &[Condition], owner: &Owner, keepers: &[usize], plan: &mut Plan) {
    let dark = conditions::demands_bypass(current, names);
    if dark && keepers.is_empty() {
        plan.strays.push(rule.clone());
        return;
    }
    if dark {
        plan.turns.push(Turn { rule: rule.clone(), way: Way::Restore, to: owner.conditions.clone() });
    }
    if owner.edited {
        plan.drifting.insert(rule.clone());
        for at in keepers {
            plan.steps[*at].left_alone.push(rule.clone());
        }
    }
}

/// At least one window covers the rule: it is to be header-only, and every such window is to know what to restore.
fn narrow(
    scene: &Scene<'_>,
    names: &BypassNames,
    rule: &RuleArn,
    current: &[Condition],
    owner: &Owner,
    covering: &[usize],
    plan: &mut Plan,
) {
    let to = conditions::narrowed(&owner.conditions, &scene.config.bypass);
    let turning = !conditions::same(current, &to);
    let in_time = |at: &usize| still_narrows(&scene.records[*at], plan.steps[*at].standing, scene.now);
    if turning && !covering.iter().any(in_time) {
        for at in covering {
            plan.steps[*at].late = true;
        }
        return;
    }
    let was_open = !conditions::demands_bypass(current, names);
    for at in covering {
        let (record, step) = (&scene.records[*at], &mut plan.steps[*at]);
        let saved = record.progress.saved.get(rule);
        let saved_anew = saved.is_none_or(|saved| !conditions::same(saved, &owner.conditions));
        // A rule that is open after its window was reported as started was opened by someone else.
        let reopened = was_open && record.reported("started") && saved.is_some();
        if !turning && !saved_anew {
            continue;
        }
        let hold = step.hold.get_or_insert_with(|| record.progress.clone());
        hold.saved.insert(rule.clone(), owner.conditions.clone());
        if owner.edited || reopened {
            plan.drifting.insert(rule.clone());
            let what = if was_open { "was opened by someone else" } else { "was edited by someone else" };
            let note = format!(
                "rule {} {what} during the window; it was narrowed again from what it then said, and that is what \
                 will be restored",
                rule.short()
            );
            if !hold.drift.contains(&note) {
                hold.drift.push(note);
            }
        }
    }
    if turning {
        let windows = covering.iter().map(|at| scene.records[*at].id().clone()).collect();
        plan.turns.push(Turn { rule: rule.clone(), way: Way::Narrow(windows), to });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        record::{Amendment, Closed},
        window::tests::{at, window},
    };

    const PREFIX: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/web/lb/listener";

    fn rule(name: &str) -> RuleArn {
        format!("{PREFIX}/{name}").parse().expect("an ARN")
    }

    /// Settings for one rule, `one`.
    fn config(more: &[(&str, &str)]) -> Config {
        let rules = format!("{PREFIX}/one");
        Config::from_lookup(|key| {
            let found = more.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
            found.map(str::to_owned).or(match key {
                "RULE_ARNS" => Some(rules.clone()),
                "BYPASS_HEADER_NAME" => Some("x-bypass".to_owned()),
                "BYPASS_HEADER_VALUE" => Some("tester-secret-4711-abcd".to_owned()),
                "SNS_TOPIC_ARN" => Some("arn:aws:sns:eu-west-1:123456789012:topic".to_owned()),
                "SCHEDULE_GROUP" => Some("group".to_owned()),
                "SCHEDULER_ROLE_ARN" => Some("arn:aws:iam::123456789012:role/scheduler".to_owned()),
                _ => None,
            })
        })
        .expect("settings")
    }

    /// A window over the rule, 02:00 to 04:00.
    fn record(id: &str) -> Record {
        let id = id.parse().expect("an id");
        Record::new(Window { id, rules: vec![rule("one")], ..window("02:00:00", "04:00:00") }, at("00:00:00"))
    }

    /// The same after its start: the rule's conditions are saved.
    fn started(id: &str) -> Record {
        let mut record = record(id);
        record.progress.saved.insert(rule("one"), owned());
        record.progress.narrowing_at = Some(at("02:00:00"));
        record.progress.narrowed_at = Some(at("02:00:00"));
        record.progress.reported.insert("started".to_owned(), at("02:00:00"));
        record
    }

    fn amended(mut record: Record, change: impl Fn(&mut Window), closed: Option<Closed>) -> Record {
        let mut window = record.window().clone();
        change(&mut window);
        let (number, request) = (record.version() + 1, Some("request".to_owned()));
        record.amendments.push(Amendment { number, fires: at("03:59:00"), window, closed, request });
        record
    }

    fn closed(record: Record, cancelled: bool) -> Record {
        amended(record, |_| {}, Some(Closed { at: at("00:30:00"), cancelled }))
    }

    fn paths(values: &[&str]) -> Vec<Condition> {
        vec![Condition::PathPattern { values: values.iter().map(ToString::to_string).collect(), regex: vec![] }]
    }

    fn owned() -> Vec<Condition> {
        paths(&["/shop", "/cart"])
    }

    fn dark(owner: &[Condition]) -> Vec<Condition> {
        conditions::narrowed(owner, &config(&[]).bypass)
    }

    fn planned(now: &str, config: &Config, seen: Seen, records: &[Record]) -> Plan {
        let rules = BTreeMap::from([(rule("one"), seen)]);
        plan(&Scene { now: at(now), config, healthy: false, rules: &rules, records })
    }

    /// A plan for the one rule, seen with these conditions.
    fn decided(now: &str, seen: &[Condition], records: &[Record]) -> Plan {
        planned(now, &config(&[]), Seen::Conditions(seen.to_vec()), records)
    }

    fn restores(plan: &Plan, to: &[Condition]) -> bool {
        matches!(plan.turns.as_slice(), [turn] if turn.way == Way::Restore && turn.to == to)
    }

    fn narrows(plan: &Plan, to: &[Condition], windows: &[&str]) -> bool {
        matches!(plan.turns.as_slice(), [Turn { way: Way::Narrow(ids), to: found, .. }]
            if found == to && ids.iter().map(WindowId::as_str).eq(windows.iter().copied()))
    }

    #[test]
    fn how_a_window_stands_follows_from_the_clock_and_from_what_was_done() {
        let with = |at_end: AtEnd, record: Record| amended(record, |window| window.at_end = at_end, None);
        let noted = |mut record: Record| {
            record.progress.saved.clear();
            record
        };
        let saved = |mut record: Record| {
            record.progress.narrowed_at = None;
            record
        };
        for (record, now, healthy, standing_then) in [
            (record("w"), "01:59:59", false, Standing::Booked),
            (record("w"), "02:00:00", false, Standing::Active),
            (record("w"), "04:00:00", false, Standing::Missed),
            (with(AtEnd::Hold, record("w")), "04:00:00", false, Standing::Missed),
            (started("w"), "04:00:00", false, Standing::Completed),
            (noted(started("w")), "04:00:00", false, Standing::Completed),
            (saved(started("w")), "04:00:00", false, Standing::Completed),
            (with(AtEnd::Hold, started("w")), "04:00:00", true, Standing::Held),
            (with(AtEnd::ReopenIfHealthy, started("w")), "04:00:00", false, Standing::Held),
            (with(AtEnd::ReopenIfHealthy, started("w")), "04:00:00", true, Standing::Completed),
            (closed(started("w"), false), "03:00:00", false, Standing::Completed),
            (closed(record("w"), true), "01:00:00", false, Standing::Cancelled),
        ] {
            assert_eq!(standing(&record, at(now), healthy), standing_then, "{now}: {record:?}");
        }
    }

    #[test]
    fn saved_conditions_alone_are_no_maintenance() {
        let mut saved = started("w");
        saved.progress.narrowed_at = None;
        let stands = |now: &str, seen: &[Condition], record: &Record| {
            decided(now, seen, std::slice::from_ref(record)).steps[0].standing
        };
        assert_eq!(stands("04:00:00", &owned(), &saved), Standing::Missed);
        assert_eq!(stands("04:00:00", &dark(&owned()), &saved), Standing::Completed);
        assert_eq!(stands("04:00:00", &owned(), &started("w")), Standing::Completed);
        assert_eq!(stands("03:00:00", &owned(), &closed(saved.clone(), false)), Standing::Completed);
        assert_eq!(stands("03:00:00", &dark(&owned()), &saved), Standing::Active);
    }

    #[test]
    fn missing_wake_ups_are_booked_unless_they_may_have_fired() {
        let settings = config;
        let config = settings(&[("REMIND_BEFORE", "PT1H"), ("WARN_BEFORE_END", "PT15M")]);
        let wakes = |now: &str, record: &Record| -> Vec<String> {
            let plan = planned(now, &config, Seen::Conditions(owned()), std::slice::from_ref(record));
            plan.steps[0].wakes.iter().map(|(name, due)| format!("{name} {}", due.strftime("%H:%M"))).collect()
        };
        let booked = record("w");
        assert_eq!(wakes("00:30:00", &booked), ["w.start 02:00", "w.remind-1-3600 01:00", "w.warn-1 03:45"]);
        assert_eq!(wakes("01:57:59", &booked), ["w.start 02:00", "w.warn-1 03:45"]);
        assert_eq!(wakes("01:58:00", &booked), ["w.warn-1 03:45"]);
        let mut known = booked.clone();
        known.others = vec![ScheduleName::new(booked.id(), Part::Start(1))];
        assert_eq!(wakes("01:30:00", &known), ["w.warn-1 03:45"]);
        assert_eq!(wakes("00:30:00", &closed(booked.clone(), true)), [""; 0]);
        for before in ["PT2H", "PT3H"] {
            let too_long = settings(&[("WARN_BEFORE_END", before)]);
            let plan = planned("00:30:00", &too_long, Seen::Conditions(owned()), std::slice::from_ref(&booked));
            assert_eq!(plan.steps[0].wakes.len(), 1, "a warning before the start is none");
        }
        assert_eq!(wakes("02:30:00", &closed(started("w"), false)), [""; 0]);
    }

    #[test]
    fn wake_ups_of_an_earlier_version_are_stale() {
        let mut moved = amended(record("w"), |window| window.start = at("02:30:00"), None);
        let parts = [
            Part::Start(1),
            Part::Start(2),
            Part::Remind(1, 3600),
            Part::Remind(2, 3600),
            Part::Warn(1),
            Part::Warn(2),
            Part::Amendment(2),
        ];
        moved.others = parts.into_iter().map(|part| ScheduleName::new(moved.id(), part)).collect();
        let plan = decided("00:30:00", &owned(), &[moved]);
        let stale: Vec<Part> = plan.steps[0].stale.iter().map(|name| name.part.clone()).collect();
        assert_eq!(stale, [Part::Start(1), Part::Remind(1, 3600), Part::Warn(1)]);
    }

    /// The reports due for a window: event and cause.
    fn told(now: &str, config: &Config, record: &Record) -> Vec<String> {
        let plan = planned(now, config, Seen::Conditions(dark(&owned())), std::slice::from_ref(record));
        plan.steps[0].tell.iter().map(|tell| format!("{} {}", tell.event.word(), tell.cause)).collect()
    }

    #[test]
    fn of_several_reminders_the_latest_is_due_if_it_was_ahead_at_the_booking() {
        let config = config(&[("REMIND_BEFORE", "PT1H, PT30M")]);
        let booked_at = |moment: &str| {
            let mut record = record("w");
            record.progress.reported.insert("booked".to_owned(), at(moment));
            record
        };
        let none = [""; 0];
        assert_eq!(told("00:59:59", &config, &booked_at("00:00:00")), none);
        assert_eq!(told("01:00:00", &config, &booked_at("00:00:00")), ["reminder reminder:1:3600"]);
        assert_eq!(told("01:30:00", &config, &booked_at("00:00:00")), ["reminder reminder:1:1800"]);
        assert_eq!(told("01:15:00", &config, &booked_at("01:00:00")), none);
        assert_eq!(told("01:15:00", &config, &record("w")), none, "not reported as booked yet");
        let mut reminded = booked_at("00:00:00");
        reminded.progress.reported.insert("reminder:1:3600".to_owned(), at("01:00:00"));
        assert_eq!(told("01:15:00", &config, &reminded), none);
        assert_eq!(told("02:00:00", &config, &booked_at("00:00:00")), none);
    }

    #[test]
    fn a_warning_comes_before_the_end_of_windows_long_enough() {
        let none = [""; 0];
        let warn = |before: &'static str| config(&[("WARN_BEFORE_END", before)]);
        assert_eq!(told("03:44:59", &warn("PT15M"), &started("w")), none);
        assert_eq!(told("03:45:00", &warn("PT15M"), &started("w")), ["ending_soon ending_soon:1"]);
        assert_eq!(told("03:45:00", &config(&[]), &started("w")), none);
        for too_long in ["PT2H", "PT3H"] {
            assert_eq!(told("03:45:00", &warn(too_long), &started("w")), none);
        }
        let mut warned = started("w");
        warned.progress.reported.insert("ending_soon:1".to_owned(), at("03:45:00"));
        assert_eq!(told("03:50:00", &warn("PT15M"), &warned), none);
    }

    #[test]
    fn maintenance_without_an_end_is_told_every_hour_each_time_as_another_report() {
        let none = [""; 0];
        let open = |mut record: Record, reminded: Option<&str>| {
            record.booked.end = None;
            record.progress.reported.extend(reminded.map(|moment| ("reminder".to_owned(), at(moment))));
            record
        };
        let settings = config(&[]);
        assert_eq!(told("02:58:59", &settings, &open(started("w"), None)), none);
        assert_eq!(told("02:59:00", &settings, &open(started("w"), None)), ["reminder reminder:1"]);
        assert_eq!(told("03:57:59", &settings, &open(started("w"), Some("02:59:00"))), none);
        assert_eq!(told("03:58:00", &settings, &open(started("w"), Some("02:59:00"))), ["reminder reminder:2"]);
        assert_eq!(told("03:30:00", &settings, &open(record("w"), None)), none, "not reported as started yet");
        assert_eq!(told("03:30:00", &settings, &started("w")), none, "it has an end");
    }

    #[test]
    fn a_held_window_is_told_every_hour_each_time_as_another_report() {
        let settings = config(&[]);
        let held = |told: Option<&str>| {
            let mut record = started("w");
            record.booked.at_end = AtEnd::Hold;
            record.progress.reported.extend(told.map(|moment| ("overrunning:1".to_owned(), at(moment))));
            record
        };
        assert_eq!(told("04:00:00", &settings, &held(None)), ["overrunning overrunning:1:0"]);
        assert_eq!(told("04:58:59", &settings, &held(Some("04:00:00"))), [""; 0]);
        assert_eq!(told("04:59:00", &settings, &held(Some("04:00:00"))), ["overrunning overrunning:1:1"]);
        let note = |now: &str, at_end: AtEnd| {
            let mut record = held(None);
            record.booked.at_end = at_end;
            let plan = planned(now, &settings, Seen::Conditions(dark(&owned())), &[record]);
            plan.steps[0].tell[0].note.clone()
        };
        assert!(note("04:00:59", AtEnd::Hold).starts_with("its end has just passed, and its rules stay"));
        assert!(note("04:01:00", AtEnd::Hold).starts_with("its end passed 1m ago, and its rules stay"));
        assert!(note("04:01:00", AtEnd::Hold).contains("booked to hold"));
        assert!(note("04:01:00", AtEnd::ReopenIfHealthy).contains("did not answer a tester well"));
    }

    #[test]
    fn what_people_changed_is_told_once_and_guards_change_nothing() {
        let settings = config(&[]);
        let moved = amended(record("w"), |window| window.start = at("02:30:00"), None);
        let guarded = amended(moved, |_| {}, None);
        let mut extended = amended(guarded, |window| window.end = Some(at("05:00:00")), None);
        assert_eq!(told("01:00:00", &settings, &extended), ["rescheduled changed:2", "extended changed:4"]);
        extended.progress.reported.insert("changed:2".to_owned(), at("00:30:00"));
        assert_eq!(told("01:00:00", &settings, &extended), ["extended changed:4"]);
    }

    #[test]
    fn a_rule_that_is_gone_or_not_understood_stops_nothing_else() {
        let unusable = |plan: &Plan| plan.steps[0].unusable.get(&rule("one")).cloned().unwrap_or_default();
        let gone = |records: &[Record]| planned("03:00:00", &config(&[]), Seen::Gone, records);
        assert!(unusable(&gone(&[record("w")])).contains("no longer exists"));
        assert!(unusable(&gone(&[closed(started("w"), false)])).contains("no longer exists"));
        assert_eq!(unusable(&gone(&[closed(record("w"), true)])), "");
        let odd = |known: Vec<Condition>, records: &[Record]| {
            planned("03:00:00", &config(&[]), Seen::Unsupported { why: "is odd".to_owned(), known }, records)
        };
        let covered = odd(dark(&owned()), &[started("w")]);
        assert_eq!(unusable(&covered), "rule web/one is odd");
        assert!(covered.strays.is_empty() && covered.steps[0].stuck.is_empty() && covered.turns.is_empty());
        assert_eq!(odd(dark(&owned()), &[]).strays, [rule("one")]);
        assert!(odd(owned(), &[]).strays.is_empty());
        let over = odd(dark(&owned()), &[closed(started("w"), false)]);
        assert!(over.strays.is_empty());
        assert!(matches!(over.steps[0].stuck.as_slice(), [stuck] if stuck.contains("by hand")), "{over:?}");
        assert!(odd(owned(), &[closed(started("w"), false)]).steps[0].stuck.is_empty());
    }

    #[test]
    fn a_rule_that_no_window_covers_is_opened_to_what_its_owner_wants() {
        let over = closed(started("w"), false);
        let only = std::slice::from_ref(&over);
        assert!(restores(&decided("03:00:00", &dark(&owned()), only), &owned()));
        let open = decided("03:00:00", &owned(), only);
        assert!(open.turns.is_empty() && open.drifting.is_empty() && open.steps[0].left_alone.is_empty());
        let edited = decided("03:00:00", &dark(&paths(&["/new"])), only);
        assert!(restores(&edited, &paths(&["/new"])));
        assert_eq!((edited.drifting.len(), edited.steps[0].left_alone.len()), (1, 1));
        let replaced = decided("03:00:00", &paths(&["/new"]), only);
        assert!(replaced.turns.is_empty());
        assert_eq!((replaced.drifting.len(), replaced.steps[0].left_alone.len()), (1, 1));
        let stray = decided("03:00:00", &dark(&owned()), &[closed(record("w"), true)]);
        assert_eq!((stray.strays, stray.turns), (vec![rule("one")], vec![]));
        let calm = decided("03:00:00", &owned(), &[]);
        assert!(calm.strays.is_empty() && calm.turns.is_empty() && calm.drifting.is_empty());
        assert_eq!(calm.states[&rule("one")], RuleState::Open);
        let mut elsewhere = record("w");
        elsewhere.booked.rules = vec![rule("two")];
        let other = decided("03:00:00", &owned(), &[elsewhere]);
        assert!(other.turns.is_empty() && other.steps[0].hold.is_none());
    }

    #[test]
    fn of_several_saved_conditions_those_of_the_latest_narrowing_count() {
        // Both look alike once they are narrowed: a lone catch-all and one that leaves no room for the header.
        let mut early = closed(started("v"), false);
        early.progress.narrowing_at = Some(at("01:00:00"));
        early.progress.saved.insert(rule("one"), paths(&["*"]));
        let mut late = closed(started("w"), false);
        late.progress.saved.insert(rule("one"), paths(&["/a", "/b", "/c", "/d", "/e"]));
        for records in [[early.clone(), late.clone()], [late, early]] {
            let plan = decided("03:00:00", &dark(&paths(&["*"])), &records);
            assert!(restores(&plan, &paths(&["/a", "/b", "/c", "/d", "/e"])), "{plan:?}");
        }
    }

    #[test]
    fn a_covered_rule_is_narrowed_once_every_window_knows_what_to_restore() {
        let before = decided("01:59:59", &owned(), &[record("w")]);
        assert!(before.turns.is_empty() && before.steps[0].hold.is_none());
        let start = decided("02:00:00", &owned(), &[record("v"), record("w")]);
        assert!(narrows(&start, &dark(&owned()), &["v", "w"]));
        for step in &start.steps {
            let hold = step.hold.as_ref().expect("conditions to save");
            assert_eq!((hold.saved.get(&rule("one")), hold.narrowing_at), (Some(&owned()), Some(at("02:00:00"))));
            assert!(hold.drift.is_empty() && !step.late);
        }
        assert!(start.drifting.is_empty());
        let during = decided("03:00:00", &dark(&owned()), &[started("w")]);
        assert!(during.turns.is_empty() && during.steps[0].hold.is_none() && during.drifting.is_empty());
        // A window that joins one under way learns what the other has saved.
        let joined = decided("03:00:00", &dark(&owned()), &[started("w"), record("x")]);
        assert!(joined.turns.is_empty() && joined.steps[0].hold.is_none());
        assert_eq!(joined.steps[1].hold.as_ref().and_then(|hold| hold.saved.get(&rule("one"))), Some(&owned()));
    }

    #[test]
    fn an_edit_during_a_window_is_narrowed_again_saved_and_noted() {
        let told = |plan: &Plan| plan.steps[0].hold.as_ref().map(|hold| hold.drift.clone()).unwrap_or_default();
        let reopened = decided("03:00:00", &owned(), &[started("w")]);
        assert!(narrows(&reopened, &dark(&owned()), &["w"]) && reopened.drifting.len() == 1);
        assert!(told(&reopened)[0].contains("was opened by someone else"), "{reopened:?}");
        let edited = decided("03:00:00", &dark(&paths(&["/new"])), &[started("w")]);
        assert!(edited.turns.is_empty() && edited.drifting.len() == 1);
        assert!(told(&edited)[0].contains("was edited by someone else"), "{edited:?}");
        assert_eq!(edited.steps[0].hold.as_ref().expect("news").saved[&rule("one")], paths(&["/new"]));
        let mut again = started("w");
        again.progress.drift = told(&reopened);
        assert_eq!(told(&decided("03:05:00", &owned(), &[again])).len(), 1, "the same is noted once");
        // Before the start was reported, nobody else opened it: this run is the first to see it, or died before.
        let mut unreported = started("w");
        unreported.progress.reported.clear();
        let retried = decided("02:00:30", &owned(), &[unreported]);
        assert!(narrows(&retried, &dark(&owned()), &["w"]) && retried.drifting.is_empty());
        assert!(told(&retried).is_empty());
        // One that joins did not see it as it was, so it has nothing to say of the edit.
        let mut joining = record("w");
        joining.progress.reported.insert("started".to_owned(), at("02:00:00"));
        assert!(told(&decided("03:00:00", &owned(), &[joining])).is_empty());
    }

    #[test]
    fn in_the_last_moments_nothing_is_narrowed_unless_another_window_goes_on() {
        let late = decided("03:59:40", &owned(), &[started("w")]);
        assert!(late.turns.is_empty() && late.steps[0].late && late.steps[0].hold.is_none());
        let next = amended(record("x"), |window| window.end = Some(at("05:00:00")), None);
        let both = decided("03:59:40", &owned(), &[started("w"), next]);
        assert!(narrows(&both, &dark(&owned()), &["w", "x"]) && !both.steps[0].late);
        let calm = decided("03:59:40", &dark(&owned()), &[started("w")]);
        assert!(!calm.steps[0].late);
        let mut held = started("w");
        held.booked.at_end = AtEnd::Hold;
        assert!(narrows(&decided("04:10:00", &owned(), &[held]), &dark(&owned()), &["w"]));
        assert!(still_narrows(&started("w"), Standing::Active, at("03:00:00")));
        assert!(!still_narrows(&started("w"), Standing::Booked, at("03:00:00")));
        assert!(!still_narrows(&started("w"), Standing::Completed, at("03:00:00")));
    }

    #[test]
    fn a_new_bypass_value_is_put_in_place_of_the_old() {
        let settings = config(&[("BYPASS_HEADER_VALUE", "another-secret-0815-efgh")]);
        let plan = planned("03:00:00", &settings, Seen::Conditions(dark(&owned())), &[started("w")]);
        assert!(narrows(&plan, &conditions::narrowed(&owned(), &settings.bypass), &["w"]));
    }

    #[test]
    fn only_todays_header_makes_a_rule_header_only() {
        let bypass = config(&[]).bypass;
        assert!(header_only(&Seen::Conditions(dark(&owned())), &bypass));
        assert!(!header_only(&Seen::Conditions(owned()), &bypass));
        assert!(!header_only(&Seen::Gone, &bypass));
        let mut remembering = started("w");
        remembering.progress.header = Some("x-former".to_owned());
        let former = Condition::HttpHeader { name: "X-Former".into(), values: vec!["v".into()], regex: vec![] };
        let plan = decided("03:00:00", &[owned(), vec![former]].concat(), &[closed(remembering, false)]);
        assert!(restores(&plan, &owned()));
    }

    #[test]
    fn a_rule_the_settings_do_not_name_is_not_planned_for() {
        let mut wider = record("w");
        wider.booked.rules.push(rule("two"));
        let step = decided("03:00:00", &owned(), &[wider.clone()]).steps.remove(0);
        assert!(step.unusable[&rule("two")].contains("no longer named by RULE_ARNS") && step.stuck.is_empty());
        wider.progress.saved.insert(rule("two"), owned());
        let step = decided("03:00:00", &owned(), &[wider]).steps.remove(0);
        assert!(!step.unusable.contains_key(&rule("two")));
        assert!(matches!(step.stuck.as_slice(), [stuck] if stuck.contains("RULE_ARNS no longer names it")), "{step:?}");
    }
}
