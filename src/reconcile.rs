//! The story: observe, decide, and carry out in the one safe order.
//!
//! Told *which* windows exist by the schedules themselves and never why it was woken, every run brings all windows and
//! rules to where they should be now.
//! The order of effects is that of `carry_out`; which effects, was decided in `plan`.

mod closing;

pub use closing::announce;

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

use closing::{After, actual, close, mark, report_failure};

use crate::{
    arn::RuleArn,
    aws::Aws,
    config::Config,
    error::Error,
    metrics::{self, Measure, Metric},
    page::{Notice, Page},
    plan::{self, Plan, RuleState, Scene, Seen, Standing, Step, Turn, Way},
    probe::{Expect, Probe, Sight},
    record::{Letter, Part, Record, ScheduleName},
    report::{Event, RuleLine},
    response::RuleView,
    schedule::Booked,
    series::Series,
    window::{AHEAD_MIN, AtEnd, Phase, WindowId},
};

/// The moment it is, in the world or in a test.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Takes a line of figures.
pub type Figures = Arc<dyn Fn(&str) + Send + Sync>;

/// What lives as long as the process.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The AWS clients.
    pub aws: Aws,
    /// The site seen from outside, if it is to be.
    pub probe: Option<Probe>,
    /// The page that visitors see, if it is to be told when maintenance ends.
    pub page: Option<Page>,
    /// Where figures go, a line each: standard output, which CloudWatch reads.
    pub figures: Figures,
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
    /// Every series.
    pub series: Vec<Series>,
    /// Whether a tester's request succeeded, where a window's end depends on it.
    pub healthy: bool,
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
    /// What could not be done, a sentence each.
    pub left: Vec<String>,
}

impl Done {
    /// Itself, if nothing is left to do.
    ///
    /// # Errors
    /// [`Error::Incomplete`] naming everything that is left.
    pub fn complete(self) -> Result<Self, Error> {
        if self.left.is_empty() { Ok(self) } else { Err(Error::Incomplete(self.left)) }
    }
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

/// What `ModifyRule` allows: this many at once for an account and Region, …
const TURNS_AT_ONCE: u32 = 20;

/// … then three a second.
const TURN_INTERVAL: Duration = Duration::from_millis(340);

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
    let series = schedules.series(&listed).await?;
    for record in &mut records {
        unlisted_amendments(run, record).await?;
    }
    match rules {
        Ok(rules) => {
            let healthy = healthy(run, &records).await;
            Ok(Observed { rules, listed, records, series, healthy })
        }
        Err(error) => {
            report_blindness(run, records, &error).await;
            Err(error)
        }
    }
}

/// Asks the site as a tester, if a window that is over ends only once that succeeds.
async fn healthy(run: Run<'_>, records: &[Record]) -> bool {
    let now = run.now();
    let depends = |record: &&Record| {
        plan::standing(record, now, false) == Standing::Held && record.window().at_end == AtEnd::ReopenIfHealthy
    };
    match &run.app.probe {
        Some(probe) if records.iter().any(|record| depends(&record)) => probe.glance().await.tester_is_well(),
        _ => false,
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
        if plan::standing(&record, now, false) == Standing::Booked {
            continue;
        }
        // Read again: another run that can see the rules may be writing what this one must not erase.
        let Ok(Some(mut record)) = run.app.aws.schedules.record(record.id(), &record.others).await else { continue };
        let told = report_failure(run, &mut record, vec![], &[error.full()], error.code().unwrap_or("unknown")).await;
        let noted = match told {
            Ok(true) => mark(run, &mut record, Standing::Active).await.map(drop),
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(also) = noted {
            tracing::warn!(window.id = %record.id(), error = also.full(), "the failure could not be reported");
        }
    }
}

/// Decides on what was seen and carries it out; repairs this run's own traces if a window was ended by another run
/// meanwhile. What could not be done is in [`Done::left`].
pub async fn settle(run: Run<'_>, observed: Observed) -> Done {
    let mut pass = Box::pin(carry_out(run, observed)).await;
    let unseen = second_look(run, &mut pass).await.err();
    if pass.vanished.is_empty() {
        pass.done.left.extend(unseen.map(|error| error.full()));
        return pass.done;
    }
    match observe(run).await {
        Err(error) => pass.done.left.push(error.full()),
        Ok(mut observed) => {
            let ghosts = std::mem::take(&mut pass.vanished).into_iter();
            let known: Vec<WindowId> = observed.records.iter().map(|record| record.id().clone()).collect();
            observed.records.extend(ghosts.filter(|ghost| !known.contains(ghost.id())));
            let repair = Box::pin(carry_out(run, observed)).await.done;
            pass.done.left = repair.left;
            pass.done.left.extend(unseen.map(|error| error.full()));
            pass.done.rules = repair.rules;
            pass.done.windows.extend(repair.windows);
        }
    }
    pass.done
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
    /// Windows whose record disappeared after one of their rules was narrowed here.
    vanished: Vec<Record>,
    /// Windows ended before their time and forgotten here.
    closed: Vec<Record>,
}

/// What came of turning a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Turned {
    /// It shows what was asked for.
    Done,
    /// It failed, perhaps after it took effect.
    Failed(String),
    /// It was not tried.
    Unsent(String),
}

impl Turned {
    fn problem(&self) -> Option<&String> {
        match self {
            Self::Done => None,
            Self::Failed(problem) | Self::Unsent(problem) => Some(problem),
        }
    }
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

impl Hold {
    fn proof(&self) -> Option<&Booked> {
        match self {
            Self::Written(booked) => Some(booked),
            Self::Standing | Self::Gone | Self::Failed(_) => None,
        }
    }

    fn failure(&self) -> Option<&Error> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Standing | Self::Gone | Self::Written(_) => None,
        }
    }
}

/// The one safe order: records, then rules, then reports, then forgetting.
async fn carry_out(run: Run<'_>, observed: Observed) -> Pass {
    let now = run.now();
    let Observed { mut rules, listed: _, mut records, series: _, healthy } = observed;
    let decide = |rules: &BTreeMap<RuleArn, Seen>, records: &[Record]| {
        plan::plan(&Scene { now, config: &run.app.config, healthy, rules, records })
    };
    let mut plan = decide(&rules, &records);
    if !plan.drifting.is_empty() {
        // The rules were read before the records, and another run may have turned them in between: look again before
        // someone is said to have changed them.
        let suspects: Vec<RuleArn> = plan.drifting.iter().cloned().collect();
        match run.app.aws.rules.read(&suspects).await {
            Ok(seen) => rules.extend(seen),
            Err(error) => {
                let done = Done { left: vec![error.full()], ..Done::default() };
                return Pass { done, ..Pass::default() };
            }
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
    let turned: BTreeMap<RuleArn, Turned> = stream::iter(&turns)
        .map(async |turn| (turn.rule.clone(), turn_rule(run, turn, &proofs, &records, &pace).await))
        .buffer_unordered(RULES_AT_ONCE)
        .collect()
        .await;

    let turned_at = run.now();

    // 3. The site from outside, if a start or an end is to be reported.
    let lines = lines_after(&states, &turns, &turned);
    note_before_watching(run, &mut records, &steps, &lines, turned_at).await;
    let (sight, untold) = tokio::join!(look(run, &records, &steps, &lines), tell_page(run, &records, &steps));
    if sight.is_some() {
        read_again(run, &mut records).await;
    }

    // 4. Reports and what follows them, window by window.
    let mut pass = Pass::default();
    let unheld = holds.iter().any(|hold| matches!(hold, Hold::Failed(_)));
    for ((record, step), hold) in records.iter_mut().zip(&steps).zip(&holds) {
        let view = After {
            step,
            hold,
            turns: &turns,
            turned: &turned,
            lines: &lines,
            unheld,
            turned_at,
            sight: sight.as_ref(),
            untold: untold.as_ref(),
        };
        match close(run, record, &view, &mut pass).await {
            Ok(outcome) => {
                pass.done.windows.insert(step.id.clone(), outcome);
            }
            Err(Error::Incomplete(left)) => {
                pass.done.left.extend(left.into_iter().map(|left| format!("window {}: {left}", step.id)));
            }
            Err(error) => pass.done.left.push(format!("window {}: {}", step.id, error.full())),
        }
    }
    measure(run, &records, &steps, &lines, &turned, &strays, sight.as_ref());
    let changed = |arn: &RuleArn| turned.get(arn) == Some(&Turned::Done);
    pass.done.rules = lines
        .iter()
        .map(|line| RuleView { arn: line.arn.clone(), state: line.state, changed: changed(&line.arn) })
        .collect();
    pass.done.strays = strays;
    pass
}

/// Writes down the figures of what goes on; nothing of a site that was open and stays so.
fn measure(
    run: Run<'_>,
    records: &[Record],
    steps: &[Step],
    lines: &[RuleLine],
    turned: &BTreeMap<RuleArn, Turned>,
    strays: &[RuleArn],
    sight: Option<&Sight>,
) {
    let now = run.now();
    let figure = |metric, value| Measure { metric, value, rule: None };
    let mut measures: Vec<Measure> = lines
        .iter()
        .filter(|line| line.state == RuleState::HeaderOnly || turned.contains_key(&line.arn))
        .map(|line| Measure {
            metric: Metric::MaintenanceActive,
            value: i64::from(line.state == RuleState::HeaderOnly),
            rule: Some(line.arn.clone()),
        })
        .collect();
    let mut drifted = strays.len();
    for (record, step) in records.iter().zip(steps) {
        let answered = step.hold.as_ref().map_or(0, |hold| hold.drift.len());
        drifted += step.left_alone.len() + step.unusable.len() + answered;
        let actual = actual(record);
        if step.standing == Standing::Active
            && record.progress.reported.get("started").is_some_and(|at| now.duration_since(*at) < FRESH)
        {
            measures.extend(actual.start_late_secs.map(|secs| figure(Metric::StartLateSeconds, secs)));
        }
        if step.standing == Standing::Completed {
            measures.extend(actual.end_late_secs.map(|secs| figure(Metric::EndLateSeconds, secs)));
        }
        let failed = |rule: &RuleArn| matches!(turned.get(rule), Some(Turned::Failed(_)));
        let stays = step.standing == Standing::Held
            || (step.standing == Standing::Completed && !step.stuck.is_empty())
            || record.progress.saved.keys().any(failed);
        let over = record.window().end.filter(|end| *end < now && stays);
        measures.extend(over.map(|end| figure(Metric::OverrunSeconds, now.duration_since(end).as_secs())));
    }
    if drifted > 0 {
        measures.push(figure(Metric::Drift, i64::try_from(drifted).unwrap_or(i64::MAX)));
    }
    measures.extend(sight.filter(|sight| sight.seen).map(|sight| figure(Metric::SeenAfterSeconds, sight.after_secs)));
    for line in metrics::lines(&measures, &run.app.config.group, now) {
        (run.app.figures)(&line);
    }
}

/// A start that was reported within this run: any earlier one was measured then.
const FRESH: SignedDuration = SignedDuration::from_secs(5);

/// Tells the visitors' page when maintenance ends, if that has changed; says why if it could not.
async fn tell_page(run: Run<'_>, records: &[Record], steps: &[Step]) -> Option<String> {
    let page = run.app.page.as_ref()?;
    let news = records.iter().zip(steps).any(|(record, step)| match step.standing {
        Standing::Active => !record.reported("started") || step.tell.iter().any(|tell| tell.event == Event::Extended),
        Standing::Held => step.tell.iter().any(|tell| tell.event == Event::Overrunning),
        Standing::Completed => true,
        // One that came back may have begun before it was recognised.
        Standing::Cancelled => record.progress.narrowing_at.is_some(),
        Standing::Booked | Standing::Missed => false,
    });
    if !news {
        return None;
    }
    let active: Vec<(&Record, Standing)> =
        records.iter().zip(steps).map(|(record, step)| (record, step.standing)).filter(|(_, it)| it.covers()).collect();
    // With several windows the last end counts, and one without an end hides all others.
    let end = |(record, standing): &(&Record, Standing)| record.window().end.filter(|_| *standing == Standing::Active);
    let ends: Option<Vec<Timestamp>> = active.iter().map(end).collect();
    let message = active.iter().find_map(|(record, _)| record.window().message.clone());
    let notice = (!active.is_empty()).then(|| Notice { end: ends.and_then(|ends| ends.into_iter().max()), message });
    let problem = page.tell(notice.as_ref()).await.err()?;
    tracing::warn!(problem, "the visitors' page was not told");
    Some(problem)
}

/// How long a change is watched for from outside.
const PROBE_PATIENCE: Duration = Duration::from_secs(60);

/// Watching takes up to a minute, in which this run may die or others may write: what was narrowed is noted first. A
/// note that fails, or finds its record gone, is made again after the watch.
async fn note_before_watching(
    run: Run<'_>,
    records: &mut [Record],
    steps: &[Step],
    lines: &[RuleLine],
    turned_at: Timestamp,
) {
    if run.app.probe.is_none() {
        return;
    }
    for (record, step) in records.iter_mut().zip(steps) {
        let dark = |rule: &RuleArn| lines.iter().all(|line| &line.arn != rule || line.state != RuleState::Open);
        let narrowed = step.standing == Standing::Active && !step.late && record.window().rules.iter().all(dark);
        if narrowed && record.progress.narrowed_at.is_none() {
            record.progress.narrowed_at = Some(turned_at);
            if let Err(error) = mark(run, record, step.standing).await {
                tracing::warn!(window.id = %record.id(), error = error.full(), "the start could not be noted yet");
            }
        }
    }
}

/// Takes over what others wrote into the records during the watch.
async fn read_again(run: Run<'_>, records: &mut [Record]) {
    for record in records {
        if let Ok(Some(fresh)) = run.app.aws.schedules.record(record.id(), &record.others).await {
            record.progress = fresh.progress;
        }
    }
}

/// Watches for visitors and testers to get what they should, once for all windows that are about to be reported.
///
/// One URL shows one state, so nothing is asked while some rules are open and others are not.
async fn look(run: Run<'_>, records: &[Record], steps: &[Step], lines: &[RuleLine]) -> Option<Sight> {
    let probe = run.app.probe.as_ref()?;
    let due = records.iter().zip(steps).any(|(record, step)| match step.standing {
        Standing::Active => !record.reported("started") && !step.late,
        standing => standing == Standing::Completed,
    });
    let all = |state: RuleState| !lines.is_empty() && lines.iter().all(|line| line.state == state);
    match (due, all(RuleState::HeaderOnly), all(RuleState::Open)) {
        (true, true, _) => Some(probe.watch(Expect::Maintenance, PROBE_PATIENCE).await),
        (true, _, true) => Some(probe.watch(Expect::Open, PROBE_PATIENCE).await),
        _ => None,
    }
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
    for (name, due) in &step.wakes {
        book_wake(run, record, name, *due).await?;
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

/// Books one of a window's wake-ups; that of its start is early and waits, the others need not be exact.
async fn book_wake(run: Run<'_>, record: &Record, name: &ScheduleName, due: Timestamp) -> Result<(), Error> {
    let at = match name.part {
        Part::Start(_) => record.window().start_wake(run.now()),
        _ => due.max(run.now() + AHEAD_MIN),
    };
    run.app.aws.schedules.wake(name, at, &Letter::wake(record.id(), due), run.target).await
}

/// Books all wake-ups that a new or moved window still has ahead, at once.
///
/// # Errors
/// [`Error::Aws`] when a call fails.
pub async fn book_wakes(run: Run<'_>, record: &mut Record) -> Result<(), Error> {
    let now = run.now();
    let ahead: Vec<_> = record.wakes(&run.app.config).into_iter().filter(|(_, due)| *due > now).collect();
    for booked in join_all(ahead.iter().map(|(name, due)| book_wake(run, record, name, *due))).await {
        booked?;
    }
    record.others.extend(ahead.into_iter().map(|(name, _)| name));
    Ok(())
}

/// An update of the record could disturb a wake-up that is about to fire, so another one carries the end first.
async fn guard_end(run: Run<'_>, record: &mut Record) -> Result<(), Error> {
    let now = run.now();
    if record.end_is_safe(now) || plan::standing(record, now, true).is_over() {
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
) -> Turned {
    let rules = &run.app.aws.rules;
    let (result, state) = match &turn.way {
        Way::Restore => {
            pace.next().await;
            (rules.restore(&turn.rule, &turn.to).await, RuleState::Open)
        }
        Way::Narrow(windows) => {
            let unsent =
                |why: &str| Turned::Unsent(format!("rule {} was not narrowed, since {why}", turn.rule.short()));
            let holds = || windows.iter().filter_map(|id| proofs.get(id));
            if let Some(error) = holds().find_map(|hold| hold.failure()) {
                return unsent(&format!("its window's record failed: {}", error.full()));
            }
            let Some(proof) = holds().find_map(|hold| hold.proof()) else {
                return unsent("its window was ended meanwhile");
            };
            pace.next().await;
            let now = run.now();
            let mut meant = records.iter().filter(|record| windows.contains(record.id()));
            if !meant.any(|record| plan::still_narrows(record, plan::standing(record, now, false), now)) {
                return unsent("its window is about to end");
            }
            (rules.narrow(&turn.rule, &turn.to, proof).await, RuleState::HeaderOnly)
        }
    };
    match result {
        Ok(()) => {
            tracing::info!(rule.arn = %turn.rule, rule.state = ?state, "rule turned");
            Turned::Done
        }
        Err(error) => Turned::Failed(error.full()),
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
    turned: &BTreeMap<RuleArn, Turned>,
) -> Vec<RuleLine> {
    let after = |arn: &RuleArn, before: RuleState| {
        let turn = turns.iter().find(|turn| &turn.rule == arn && turned.get(arn) == Some(&Turned::Done));
        turn.map_or(before, |turn| match turn.way {
            Way::Narrow(_) => RuleState::HeaderOnly,
            Way::Restore => RuleState::Open,
        })
    };
    states.iter().map(|(arn, before)| RuleLine { arn: arn.clone(), state: after(arn, *before) }).collect()
}
