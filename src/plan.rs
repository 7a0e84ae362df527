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
        Part::Record | Part::Amendment(_) | Part::Drift(_) | Part::Series => false,
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

/// The same for all deliveries of one hour's report, and another in the next.
fn hourly(key: &str, since: SignedDuration) -> String {
    format!("{key}:{}", since.as_hours())
}

/// How long ongoing maintenance without an end in sight goes untold: an hour, less what a wake-up may come early.
const QUIET_MAX: SignedDuration = SignedDuration::from_mins(59);

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
                let note = format!("it starts in {}", when::spoken_duration(window.start.duration_since(now)));
                tell.push(Tell::new(Event::Reminder, key, note));
            }
        }
        Standing::Active => {
            let warning = scene.config.warn_before_end.zip(window.end).map(|(before, end)| (end - before, end));
            if let Some((moment, end)) = warning
                && window.start < moment
                && moment <= now
            {
                let note = format!("it ends in {}", when::spoken_duration(end.duration_since(now)));
                tell.push(Tell::new(Event::EndingSoon, format!("ending_soon:{number}"), note));
            }
            let last = told_at("reminder").or(told_at("started"));
            if window.end.is_none() && last.is_some() && quiet(last) {
                let since = when::spoken_duration(now.duration_since(window.start));
                let note = format!("it has no end and has gone on for {since}; off ends it");
                let cause = hourly("reminder", now.duration_since(window.start));
                tell.push(Tell { event: Event::Reminder, key: "reminder".to_owned(), cause, note });
                return tell;
            }
        }
        Standing::Held if quiet(told_at(&format!("overrunning:{number}"))) => {
            let since = window.end.map(|end| when::spoken_duration(now.duration_since(end))).unwrap_or_default();
            let why = match window.at_end {
                AtEnd::ReopenIfHealthy => "the site did not answer a tester well",
                AtEnd::Hold | AtEnd::Reopen => "it was booked to hold until it is switched off",
            };
            let note =
                format!("its end passed {since} ago and its rules are still header-only, since {why}; off reopens");
            let key = format!("overrunning:{number}");
            let cause = hourly(&key, window.end.map(|end| now.duration_since(end)).unwrap_or_default());
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
            let note = format!("it was {}, and is now {}", span(before), span(after));
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
        Seen::Gone => unusable(plan, rule, &covering, &keepers, "no longer exists"),
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
