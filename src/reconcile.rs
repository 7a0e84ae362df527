//! The story: observe, decide, and carry out in the one safe order.
//!
//! Told *which* windows exist by the schedules themselves and never why it was woken, every run brings all windows and
//! rules to where they should be now.
//! The order of effects is that of [`carry_out`]; which effects, was decided in `plan`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, future::join_all, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::{
    arn::RuleArn,
    aws::Aws,
    config::Config,
    error::Error,
    plan::{self, Plan, RuleState, Scene, Seen, Standing, Step, Turn, Way},
    record::{Amendment, Closed, Letter, Part, Record, ScheduleName},
    report::{Actual, Event, Report, RuleLine},
    response::RuleView,
    schedule::Booked,
    window::{LAST_CALL, Phase, WindowId, digest},
};

/// The moment it is, in the world or in a test.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What lives as long as the process.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The AWS clients.
    pub aws: Aws,
    /// The clock.
    pub clock: Clock,
}

/// What lives as long as one invocation.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The process's belongings.
    pub app: &'a App,
    /// The function's own ARN, which wake-ups are addressed to.
    pub target: &'a str,
    /// The invocation's id, which Lambda keeps when it retries an event.
    pub request: &'a str,
}

impl Run<'_> {
    /// The moment it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.app.clock)()
    }
}

/// What was seen of the world.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Every managed rule.
    pub rules: BTreeMap<RuleArn, Seen>,
    /// Every schedule in the group, as listed.
    pub listed: Vec<ScheduleName>,
    /// Every record.
    pub records: Vec<Record>,
}

/// What a run did.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// What became of each window it knew.
    pub windows: BTreeMap<WindowId, Outcome>,
    /// How every rule stands now.
    pub rules: Vec<RuleView>,
    /// Rules that are header-only without a window.
    pub strays: Vec<RuleArn>,
}

/// What became of a window in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing was due.
    Unchanged,
    /// It was reported as booked.
    Booked,
    /// Its rules were narrowed again, or its record was brought up to date.
    Kept,
    /// It was reported as started.
    Started,
    /// It was reported as completed, and forgotten.
    Completed,
    /// It was reported as missed, and forgotten.
    Missed,
    /// It was reported as cancelled, and forgotten.
    Cancelled,
}

impl Outcome {
    /// The outcome's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Booked => "booked",
            Self::Kept => "kept",
            Self::Started => "started",
            Self::Completed => "completed",
            Self::Missed => "missed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How many windows are brought up to date at once.
const WINDOWS_AT_ONCE: usize = 8;

/// How many rules are turned at once.
const RULES_AT_ONCE: usize = 5;

/// ModifyRule's allowance: this many at once for an account and Region, …
const TURNS_AT_ONCE: u32 = 20;

/// … then three a second.
const TURN_INTERVAL: Duration = Duration::from_millis(340);

/// How long a finding about a rule without a window stands before it is told again.
const DRIFT_MEMORY: SignedDuration = SignedDuration::from_hours(24);

/// Brings every window and rule to where it should be now.
///
/// # Errors
/// [`Error::Aws`] if the world could not be seen; [`Error::Incomplete`] naming everything that is left, after all that
/// could be done was done.
pub async fn reconcile(run: Run<'_>) -> Result<Done, Error> {
    let observed = observe(run).await?;
    settle(run, observed).await
}

/// Sees the world: the rules first, then the records.
///
/// The order matters. A run saves a rule's conditions before it narrows the rule, so whoever sees a rule header-only
/// and reads the record afterwards finds them there, and no stale copy of the record can erase them.
///
/// # Errors
/// [`Error::Aws`] when a call fails. When only the rules could not be read, the windows that are due report it.
pub async fn observe(run: Run<'_>) -> Result<Observed, Error> {
    let Aws { rules, schedules, .. } = &run.app.aws;
    let (rules, listed) = tokio::join!(rules.read(&run.app.config.rules), schedules.list());
    let listed = listed?;
    let mut records = schedules.records(&listed).await?;
    for record in &mut records {
        unlisted_amendments(run, record).await?;
    }
    match rules {
        Ok(rules) => Ok(Observed { rules, listed, records }),
        Err(error) => {
            report_blindness(run, records, &error).await;
            Err(error)
        }
    }
}

/// Asks for amendments that the list may not show yet, before a window is taken for over: it may have been extended.
async fn unlisted_amendments(run: Run<'_>, record: &mut Record) -> Result<(), Error> {
    while record.closed().is_none() && record.phase(run.now()) == Phase::Over {
        match run.app.aws.schedules.amendment(record.id(), record.version() + 1).await? {
            Some(amendment) => record.amendments.push(amendment),
            None => return Ok(()),
        }
    }
    Ok(())
}

/// The rules cannot be read: windows that are active or over cannot be looked after, and someone must know.
async fn report_blindness(run: Run<'_>, records: Vec<Record>, error: &Error) {
    let now = run.now();
    for record in records {
        if plan::standing(&record, now) == Standing::Booked {
            continue;
        }
        // Read again: another run that can see the rules may be writing what this one must not erase.
        let Ok(Some(mut record)) = run.app.aws.schedules.record(record.id(), &record.others).await else { continue };
        if let Err(also) =
            report_failure(run, &mut record, vec![], &[error.full()], error.code().unwrap_or("unknown")).await
        {
            tracing::warn!(window.id = %record.id(), error = also.full(), "the failure could not be reported");
        }
    }
}

/// Decides on what was seen and carries it out; repairs this run's own traces if a window was ended by another run
/// meanwhile.
///
/// # Errors
/// As [`reconcile`].
pub async fn settle(run: Run<'_>, observed: Observed) -> Result<Done, Error> {
    let mut pass = Box::pin(carry_out(run, observed)).await;
    second_look(run, &mut pass).await?;
    if !pass.vanished.is_empty() {
        let mut observed = observe(run).await?;
        let ghosts: Vec<Record> = std::mem::take(&mut pass.vanished)
            .into_iter()
            .filter(|ghost| observed.records.iter().all(|record| record.id() != ghost.id()))
            .collect();
        observed.records.extend(ghosts);
        let repair = Box::pin(carry_out(run, observed)).await;
        pass.left = repair.left;
        pass.done.rules = repair.done.rules;
        pass.done.windows.extend(repair.done.windows);
    }
    if pass.left.is_empty() { Ok(pass.done) } else { Err(Error::Incomplete(pass.left)) }
}

/// Looks once more at the rules of windows that were ended before their time.
///
/// A start that was under way may have narrowed a rule after this run saw it open. Either it finds the record gone when
/// it notes what it did, and repairs that itself, or it noted it before the record was deleted, and then this look,
/// which comes after, sees the rule.
async fn second_look(run: Run<'_>, pass: &mut Pass) -> Result<(), Error> {
    let closed = std::mem::take(&mut pass.closed);
    let rules: BTreeSet<RuleArn> = closed.iter().flat_map(|record| record.window().rules.clone()).collect();
    if rules.is_empty() {
        return Ok(());
    }
    let seen = run.app.aws.rules.read(&rules.into_iter().collect::<Vec<_>>()).await?;
    let was_open =
        |rule: &RuleArn| pass.done.rules.iter().any(|line| &line.arn == rule && line.state == RuleState::Open);
    let narrowed_since = |rule: &RuleArn| {
        was_open(rule) && seen.get(rule).is_some_and(|seen| plan::header_only(seen, &run.app.config.bypass))
    };
    pass.vanished.extend(closed.into_iter().filter(|record| record.window().rules.iter().any(narrowed_since)));
    Ok(())
}

#[derive(Default)]
struct Pass {
    done: Done,
    /// What could not be done, a sentence each.
    left: Vec<String>,
    /// Windows whose record disappeared after one of their rules was narrowed here.
    vanished: Vec<Record>,
    /// Windows ended before their time and forgotten here.
    closed: Vec<Record>,
}

/// Whether a window's record holds what it must before a rule is narrowed for it.
enum Hold {
    /// Nothing had to be written.
    Standing,
    /// It was written, and the end has a wake-up still to come.
    Written(Booked),
    /// The record is gone: another run ended the window.
    Gone,
    /// It could not be written.
    Failed(Error),
}

/// The one safe order: records, then rules, then reports, then forgetting.
async fn carry_out(run: Run<'_>, observed: Observed) -> Pass {
    let now = run.now();
    let Observed { mut rules, listed: _, mut records } = observed;
    let decide = |rules: &BTreeMap<RuleArn, Seen>, records: &[Record]| {
        plan::plan(&Scene { now, bypass: &run.app.config.bypass, rules, records })
    };
    let mut plan = decide(&rules, &records);
    if !plan.drifting.is_empty() {
        // The rules were read before the records, and another run may have turned them in between: look again before
        // someone is said to have changed them.
        let suspects: Vec<RuleArn> = plan.drifting.iter().cloned().collect();
        match run.app.aws.rules.read(&suspects).await {
            Ok(seen) => rules.extend(seen),
            Err(error) => return Pass { left: vec![error.full()], ..Pass::default() },
        }
        plan = decide(&rules, &records);
    }
    let Plan { steps, turns, states, strays, drifting: _ } = plan;

    // 1. Every window's end is booked and every record holds what must survive.
    let holds: Vec<Hold> = stream::iter(records.iter_mut().zip(&steps))
        .map(|(record, step)| hold(run, record, step))
        .buffered(WINDOWS_AT_ONCE)
        .collect()
        .await;
    let proofs: BTreeMap<&WindowId, &Hold> = steps.iter().map(|step| &step.id).zip(&holds).collect();

    // 2. The rules, as fast as the API lets us; one that fails does not stop the others.
    let pace = Pace::new();
    let turned: BTreeMap<RuleArn, Result<(), String>> = stream::iter(&turns)
        .map(async |turn| (turn.rule.clone(), turn_rule(run, turn, &proofs, &records, &pace).await))
        .buffer_unordered(RULES_AT_ONCE)
        .collect()
        .await;

    // 3. Reports and what follows them, window by window.
    let mut pass = Pass::default();
    let lines = lines_after(&states, &turns, &turned);
    let unheld = holds.iter().any(|hold| matches!(hold, Hold::Failed(_)));
    for ((record, step), hold) in records.iter_mut().zip(&steps).zip(&holds) {
        let view = After { step, hold, turns: &turns, turned: &turned, lines: &lines, unheld };
        match close(run, record, &view, &mut pass).await {
            Ok(outcome) => {
                pass.done.windows.insert(step.id.clone(), outcome);
            }
            Err(error) => pass.left.push(format!("window {}: {}", step.id, error.full())),
        }
    }
    let changed = |arn: &RuleArn| turned.get(arn).is_some_and(Result::is_ok);
    pass.done.rules = lines
        .iter()
        .map(|line| RuleView { arn: line.arn.clone(), state: line.state, changed: changed(&line.arn) })
        .collect();
    pass.done.strays = strays;
    pass
}

/// Books what is missing and writes what must survive, before any rule of the window is touched.
async fn hold(run: Run<'_>, record: &mut Record, step: &Step) -> Hold {
    match try_hold(run, record, step).await {
        Ok(hold) => hold,
        Err(error) => Hold::Failed(error),
    }
}

async fn try_hold(run: Run<'_>, record: &mut Record, step: &Step) -> Result<Hold, Error> {
    let schedules = &run.app.aws.schedules;
    for name in &step.wakes {
        book_start(run, record, name).await?;
    }
    for name in &step.stale {
        schedules.delete(name).await?;
    }
    let Some(progress) = &step.hold else { return Ok(Hold::Standing) };
    guard_end(run, record).await?;
    record.progress = progress.clone();
    let written = schedules.update(record, run.now(), run.target).await?;
    Ok(written.map_or(Hold::Gone, Hold::Written))
}

/// Books the wake-up of a window's start.
///
/// # Errors
/// [`Error::Aws`] when the call fails.
pub async fn book_start(run: Run<'_>, record: &Record, name: &ScheduleName) -> Result<(), Error> {
    let window = record.window();
    let letter = Letter::wake(&window.id, window.start);
    run.app.aws.schedules.wake(name, window.start_wake(run.now()), &letter, run.target).await
}

/// An update of the record could disturb a wake-up that is about to fire, so another one carries the end first.
async fn guard_end(run: Run<'_>, record: &mut Record) -> Result<(), Error> {
    let now = run.now();
    if record.end_is_safe(now) || plan::standing(record, now).is_over() {
        return Ok(());
    }
    if let Some(guard) = record.guard(now) {
        // A taken number is another run's wake-up for the same end, or a person's decision, which the next look finds.
        run.app.aws.schedules.amend(&guard, run.target).await?;
        record.amendments.push(guard);
    }
    Ok(())
}

async fn turn_rule(
    run: Run<'_>,
    turn: &Turn,
    proofs: &BTreeMap<&WindowId, &Hold>,
    records: &[Record],
    pace: &Pace,
) -> Result<(), String> {
    let rules = &run.app.aws.rules;
    let result = match &turn.way {
        Way::Restore => {
            pace.next().await;
            rules.restore(&turn.rule, &turn.to).await
        }
        Way::Narrow(windows) => {
            let mut proof = None;
            for id in windows {
                match proofs.get(id) {
                    Some(Hold::Written(booked)) => proof = Some(booked),
                    Some(Hold::Failed(error)) => {
                        return Err(format!("not narrowed, since its record failed: {}", error.full()));
                    }
                    Some(Hold::Gone | Hold::Standing) | None => {}
                }
            }
            let Some(proof) = proof else {
                return Err("not narrowed, since its window was ended meanwhile".to_owned());
            };
            pace.next().await;
            let now = run.now();
            let still = |record: &&Record| plan::still_narrows(record, plan::standing(record, now), now);
            if !records.iter().filter(|record| windows.contains(record.id())).any(|record| still(&record)) {
                return Err("not narrowed, since its window ended meanwhile".to_owned());
            }
            rules.narrow(&turn.rule, &turn.to, proof).await
        }
    };
    let state = match turn.way {
        Way::Narrow(_) => RuleState::HeaderOnly,
        Way::Restore => RuleState::Open,
    };
    match result {
        Ok(()) => {
            tracing::info!(rule.arn = %turn.rule, rule.state = ?state, "rule turned");
            Ok(())
        }
        Err(error) => Err(error.full()),
    }
}

/// Keeps within what the API allows: a burst, then a steady rate. The SDK slows down further when others use it too.
struct Pace {
    since: Instant,
    taken: AtomicU32,
}

impl Pace {
    fn new() -> Self {
        Self { since: Instant::now(), taken: AtomicU32::new(0) }
    }

    async fn next(&self) {
        let turn = self.taken.fetch_add(1, Ordering::Relaxed);
        let waits = (turn + 1).saturating_sub(TURNS_AT_ONCE);
        if waits > 0 {
            tokio::time::sleep_until(self.since + TURN_INTERVAL * waits).await;
        }
    }
}

fn lines_after(
    states: &BTreeMap<RuleArn, RuleState>,
    turns: &[Turn],
    turned: &BTreeMap<RuleArn, Result<(), String>>,
) -> Vec<RuleLine> {
    let after = |arn: &RuleArn, before: RuleState| {
        let turn = turns.iter().find(|turn| &turn.rule == arn && matches!(turned.get(arn), Some(Ok(()))));
        turn.map_or(before, |turn| match turn.way {
            Way::Narrow(_) => RuleState::HeaderOnly,
            Way::Restore => RuleState::Open,
        })
    };
    states.iter().map(|(arn, before)| RuleLine { arn: arn.clone(), state: after(arn, *before) }).collect()
}

/// What a window's closing needs to know of the run so far.
struct After<'a> {
    step: &'a Step,
    hold: &'a Hold,
    turns: &'a [Turn],
    turned: &'a BTreeMap<RuleArn, Result<(), String>>,
    lines: &'a [RuleLine],
    /// Some record could not be written: nothing is forgotten, since another window may rely on what it holds.
    unheld: bool,
}

impl After<'_> {
    /// What is left undone for the window's rules, a sentence each.
    fn failures(&self, record: &Record) -> Vec<String> {
        let concerned =
            |rule: &RuleArn| record.window().rules.contains(rule) || record.progress.saved.contains_key(rule);
        let mut failures: Vec<String> = self
            .turned
            .iter()
            .filter(|(rule, _)| concerned(rule))
            .filter_map(|(rule, result)| Some(format!("rule {}: {}", rule.short(), result.as_ref().err()?)))
            .collect();
        if let Hold::Failed(error) = self.hold {
            failures.push(error.full());
        }
        if self.step.standing.covers() && self.step.unusable.len() >= record.window().rules.len() {
            failures.push("none of its rules can be narrowed".to_owned());
        }
        failures
    }

    /// Whether one of the window's rules was narrowed in this run.
    fn narrowed(&self) -> bool {
        self.turns.iter().any(|turn| {
            matches!(&turn.way, Way::Narrow(windows) if windows.contains(&self.step.id))
                && matches!(self.turned.get(&turn.rule), Some(Ok(())))
        })
    }

    fn lines(&self, record: &Record) -> Vec<RuleLine> {
        self.lines.iter().filter(|line| record.window().rules.contains(&line.arn)).cloned().collect()
    }
}

/// Reports on a window and notes that it did, or forgets the window if it is over.
async fn close(run: Run<'_>, record: &mut Record, after: &After<'_>, pass: &mut Pass) -> Result<Outcome, Error> {
    if matches!(after.hold, Hold::Gone) {
        // Another run ended the window before this one narrowed anything for it.
        return Ok(Outcome::Unchanged);
    }
    let failures = after.failures(record);
    if !failures.is_empty() {
        let narrowed_any = after.narrowed();
        let cause = failures.join("; ");
        if let Marked::Gone = report_failure(run, record, after.lines(record), &failures, &cause).await?
            && narrowed_any
        {
            pass.vanished.push(ghost(record, run.now()));
        }
        return Err(Error::Incomplete(failures));
    }
    let outcome = match after.step.standing {
        Standing::Booked => tell_once(run, record, "booked", Event::Booked, after, Outcome::Booked).await?,
        Standing::Active => tell_once(run, record, "started", Event::Started, after, Outcome::Started).await?,
        Standing::Held => Outcome::Unchanged,
        Standing::Completed | Standing::Missed | Standing::Cancelled => {
            let outcome = forget(run, record, after).await?;
            // A natural end needs no second look: nothing is narrowed for a window in its last moments.
            if record.closed().is_some() {
                pass.closed.push(record.clone());
            }
            return Ok(outcome);
        }
    };
    let told = tell_drift(run, record, after).await?;
    if outcome == Outcome::Unchanged && !told && !after.narrowed() {
        return Ok(match after.hold {
            Hold::Written(_) => Outcome::Kept,
            Hold::Standing | Hold::Gone | Hold::Failed(_) => Outcome::Unchanged,
        });
    }
    if let Marked::Gone = mark(run, record).await?
        && after.narrowed()
    {
        pass.vanished.push(ghost(record, run.now()));
    }
    Ok(if outcome == Outcome::Unchanged { Outcome::Kept } else { outcome })
}

/// Whether the record was there to be marked.
#[must_use]
enum Marked {
    Written,
    Gone,
}

/// Writes the record's progress.
///
/// A run that knows a window only from before its start writes nothing once the start is near: by then another run may
/// have saved the rules' conditions, and this copy of the record would erase them. The report is sent again instead.
async fn mark(run: Run<'_>, record: &mut Record) -> Result<Marked, Error> {
    if record.progress.saved.is_empty() && record.phase(run.now() + LAST_CALL) == Phase::Active {
        return Ok(Marked::Written);
    }
    guard_end(run, record).await?;
    let written = run.app.aws.schedules.update(record, run.now(), run.target).await?;
    Ok(if written.is_some() { Marked::Written } else { Marked::Gone })
}

/// A window that another run ended while this one narrowed a rule for it: as if switched off just now.
fn ghost(record: &Record, now: Timestamp) -> Record {
    let mut ghost = record.clone();
    ghost.amendments.push(Amendment {
        number: record.version() + 1,
        fires: now,
        window: record.window().clone(),
        closed: Some(Closed { at: now, cancelled: false }),
        request: None,
    });
    ghost
}

async fn tell_once(
    run: Run<'_>,
    record: &mut Record,
    key: &str,
    event: Event,
    after: &After<'_>,
    outcome: Outcome,
) -> Result<Outcome, Error> {
    if record.reported(key) {
        return Ok(Outcome::Unchanged);
    }
    let now = run.now();
    let mut report = Report { rules: after.lines(record), ..Report::new(event, record, now) };
    if event == Event::Started {
        report.actual = started(record, now);
        report.notes.extend(after.step.unusable.values().cloned());
        report.notes.push(UNPROBED.to_owned());
        report.next_steps.push(format!("to end it now, invoke the function with {}", command("off", record.id())));
    } else {
        report.next_steps.push(format!("to drop it, invoke the function with {}", command("cancel", record.id())));
    }
    run.app.aws.topic.publish(&report).await?;
    record.progress.reported.insert(key.to_owned(), now);
    tracing::info!(window.id = %record.id(), window.event = event.word(), "window changed");
    Ok(outcome)
}

/// What a report says where no probe has looked.
const UNPROBED: &str = "the load balancer takes about ten seconds to apply a change; it was not checked from outside";

fn command(action: &str, id: &WindowId) -> String {
    serde_json::json!({ "action": action, "id": id }).to_string()
}

fn started(record: &Record, at: Timestamp) -> Actual {
    let late = at.duration_since(record.window().start).as_secs();
    Actual { started: Some(at), start_late_secs: Some(late), ..Actual::default() }
}

/// Reports what others did to the window's rules; true if there was something to tell.
async fn tell_drift(run: Run<'_>, record: &mut Record, after: &After<'_>) -> Result<bool, Error> {
    let mut notes = std::mem::take(&mut record.progress.drift);
    let mut keys = vec![];
    for (rule, note) in &after.step.unusable {
        let key = format!("unusable:{}", rule.id());
        if !record.reported(&key) {
            notes.push(note.clone());
            keys.push(key);
        }
    }
    for rule in &after.step.left_alone {
        notes.push(format!(
            "rule {} was edited by someone else during the window; what they wrote stands",
            rule.short()
        ));
    }
    if notes.is_empty() {
        return Ok(false);
    }
    let now = run.now();
    let report =
        Report { rules: after.lines(record), cause: notes.join("; "), notes, ..Report::new(Event::Drift, record, now) };
    run.app.aws.topic.publish(&report).await?;
    record.progress.reported.extend(keys.into_iter().map(|key| (key, now)));
    tracing::warn!(window.id = %record.id(), drift = report.cause, "someone else changed a rule");
    Ok(true)
}

/// Reports a failure, once for each cause and window.
async fn report_failure(
    run: Run<'_>,
    record: &mut Record,
    rules: Vec<RuleLine>,
    failures: &[String],
    cause: &str,
) -> Result<Marked, Error> {
    let key = format!("failed:{}", digest([cause]));
    if record.reported(&key) {
        return Ok(Marked::Written);
    }
    let now = run.now();
    let report = Report {
        rules,
        notes: failures.to_vec(),
        next_steps: vec![
            "every sweep tries again, at most five minutes from now; if the cause stays, mend what it names".to_owned(),
        ],
        cause: cause.to_owned(),
        ..Report::new(Event::Failed, record, now)
    };
    run.app.aws.topic.publish(&report).await?;
    record.progress.reported.insert(key, now);
    mark(run, record).await
}

/// The last step of a window: the report, its other schedules, the record last of all.
async fn forget(run: Run<'_>, record: &mut Record, after: &After<'_>) -> Result<Outcome, Error> {
    let (event, outcome) = match after.step.standing {
        Standing::Missed => (Event::Missed, Outcome::Missed),
        Standing::Cancelled => (Event::Cancelled, Outcome::Cancelled),
        Standing::Completed | Standing::Booked | Standing::Active | Standing::Held => {
            (Event::Completed, Outcome::Completed)
        }
    };
    if after.unheld {
        let wait = "its end waits until the records of all windows can be written".to_owned();
        return Err(Error::Incomplete(vec![wait]));
    }
    tell_drift(run, record, after).await?;
    let now = run.now();
    let mut report = Report { rules: after.lines(record), ..Report::new(event, record, now) };
    if event == Event::Completed {
        let began = record.progress.reported.get("started").copied().or(record.progress.narrowing_at);
        report.actual = began.map(|at| started(record, at)).unwrap_or_default();
        report.actual.ended = Some(now);
        report.actual.end_late_secs = record.window().end.map(|end| now.duration_since(end).as_secs());
        report.notes.push(UNPROBED.to_owned());
        for line in report.rules.iter().filter(|line| line.state == RuleState::HeaderOnly) {
            report.notes.push(format!("rule {} stays in maintenance for another window", line.arn.short()));
        }
    }
    run.app.aws.topic.publish(&report).await?;
    tracing::info!(window.id = %record.id(), window.event = event.word(), "window changed");
    let deletes = record.others.iter().map(|name| run.app.aws.schedules.delete(name));
    for deleted in join_all(deletes).await {
        deleted?;
    }
    let mut own: BTreeSet<ScheduleName> = record
        .amendments
        .iter()
        .map(|amendment| ScheduleName::new(record.id(), Part::Amendment(amendment.number)))
        .collect();
    own.retain(|name| !record.others.contains(name));
    for name in own {
        run.app.aws.schedules.delete(&name).await?;
    }
    run.app.aws.schedules.delete(&ScheduleName::new(record.id(), Part::Record)).await?;
    Ok(outcome)
}

/// Looks for what no window accounts for: header-only rules, and schedules without a record. Only the sweep does this,
/// five minutes apart, because a list may lag behind: what it finds once is noted, what it finds again is reported.
///
/// # Errors
/// [`Error::Aws`] when a call fails.
pub async fn tidy(run: Run<'_>, listed: &[ScheduleName], known: &[WindowId], strays: &[RuleArn]) -> Result<(), Error> {
    let schedules = &run.app.aws.schedules;
    let seen = |rule: &RuleArn| -> Option<ScheduleName> {
        let id = format!("rule-{}", rule.id()).parse().ok()?;
        Some(ScheduleName::new(&id, Part::Drift(1)))
    };
    for rule in strays {
        let Some(first) = seen(rule) else { continue };
        let told = ScheduleName::new(&first.id, Part::Drift(2));
        let next = if !listed.contains(&first) {
            first
        } else if listed.contains(&told) {
            continue;
        } else {
            tell_stray(run, rule).await?;
            told
        };
        let now = run.now();
        schedules.wake(&next, now + DRIFT_MEMORY, &Letter::wake(&next.id, now + DRIFT_MEMORY), run.target).await?;
    }
    let current: BTreeSet<WindowId> = strays.iter().filter_map(seen).map(|name| name.id).collect();
    for name in listed {
        let idle = match name.part {
            Part::Drift(_) => !current.contains(&name.id),
            Part::Record => false,
            Part::Amendment(_) | Part::Start(_) => {
                !known.contains(&name.id) && schedules.record(&name.id, &[]).await?.is_none()
            }
        };
        if idle {
            schedules.delete(name).await?;
            tracing::info!(schedule.name = %name, "leftover schedule deleted");
        }
    }
    Ok(())
}

async fn tell_stray(run: Run<'_>, rule: &RuleArn) -> Result<(), Error> {
    let line = RuleLine { arn: rule.clone(), state: RuleState::HeaderOnly };
    let mut report = Report::of_rules(Event::Drift, vec![line], run.now(), rule.as_str());
    report
        .notes
        .push(format!("rule {} lets only testers through, but no window is booked or active for it", rule.short()));
    report.next_steps.push(r#"to reopen it, invoke the function with {"action":"off"}"#.to_owned());
    run.app.aws.topic.publish(&report).await?;
    tracing::warn!(rule.arn = %rule, "rule is header-only without a window");
    Ok(())
}
