//! The operator's hand: what people ask for, and what they are told came of it.
//!
//! A decision of a person becomes a schedule first (a record, or an amendment of one); everything else is `reconcile`'s.

mod recurring;

pub use recurring::{pause, recur, skip};

use jiff::Timestamp;

use crate::{
    arn::RuleArn,
    check::{self, Finding, Severity},
    error::Error,
    event::{self, Asked, Booking, NewEnd, NewTimes},
    plan::{self, RuleState, Standing},
    reconcile::{self, Done, Observed, Outcome, Run, observe},
    record::{Amendment, Closed, Part, Record, ScheduleName, TOMBSTONE_MAX},
    response::{Response, RuleView, WindowView},
    schedule::Created,
    strays, when,
    window::{AHEAD_MIN, IN_FLIGHT, LENGTH_MIN, Phase, Window, WindowId},
};

/// How often a decision is tried again when another one got in between.
const DECISIONS_MAX: usize = 5;

/// Books a window, and starts it if its time has come.
///
/// # Errors
/// [`Error::InvalidEvent`] if the window could not work or its id means another one; otherwise as
/// [`reconcile::observe`] and [`Done::complete`].
pub async fn book(run: Run<'_>, booking: Booking, action: &str) -> Result<Response, Error> {
    let now = run.now();
    let Booking { window, dry_run } = booking;
    if window.phase(now) == Phase::Over {
        return book_past(run, &window.id, action, dry_run).await;
    }
    let warnings = examine(run, &window.rules).await?;
    let mut record =
        Record { request: Some(run.request.to_owned()), from_now: action == "on", ..Record::new(window, now) };
    let id = record.id().clone();
    let mut answer = if dry_run {
        rehearse(run, record, now, action).await?
    } else {
        match run.app.aws.schedules.book(&record, run.target).await? {
            Created::Taken => already(run, &record, action).await?,
            Created::New(_) if record.phase(now) == Phase::Active => {
                tracing::info!(window.id = %id, "window booked, and due");
                let mut observed = observe(run).await?;
                include(&mut observed, &record);
                let done = reconcile::settle(run, observed).await.complete()?;
                answer(run, action, &record, &done, "unchanged")
            }
            Created::New(_) => {
                tracing::info!(window.id = %id, window.start = %record.booked.start, "window booked");
                reconcile::book_wakes(run, &mut record).await?;
                reconcile::announce(run, &mut record, vec![]).await?;
                answer(run, action, &record, &Done::default(), "booked")
            }
        }
    };
    answer.warnings.extend(warnings);
    Ok(answer)
}

/// A list may lag behind: what is known to exist is looked after all the same.
fn include(observed: &mut Observed, record: &Record) {
    if observed.records.iter().all(|other| other.id() != record.id()) {
        let mut record = record.clone();
        record.others = ScheduleName::of(record.id(), &observed.listed);
        observed.records.push(record);
    }
}

/// A window that is over is refused, unless it is known: then it is finished.
async fn book_past(run: Run<'_>, id: &WindowId, action: &str, dry_run: bool) -> Result<Response, Error> {
    let observed = observe(run).await?;
    let known = observed.records.iter().find(|record| record.id() == id).cloned();
    let Some(record) = known else {
        return Err(Error::InvalidEvent(vec![format!(
            "end: expected a window that is not over yet, but found one that ended before now ({})",
            when::utc(run.now())
        )]));
    };
    if dry_run {
        return rehearse(run, record, run.now(), action).await;
    }
    let done = reconcile::settle(run, observed).await.complete()?;
    Ok(answer(run, action, &record, &done, "completed"))
}

/// What would make the window fail refuses it; what would make it odd is a warning.
async fn examine(run: Run<'_>, rules: &[RuleArn]) -> Result<Vec<String>, Error> {
    let listeners = check::listeners(run, rules).await;
    let findings = check::rules(rules, &listeners, &run.app.config.bypass);
    let (problems, warnings): (Vec<Finding>, Vec<Finding>) =
        findings.into_iter().partition(|finding| finding.severity == Severity::Blocks);
    let told = |findings: Vec<Finding>| findings.iter().map(Finding::sentence).collect();
    if problems.is_empty() { Ok(told(warnings)) } else { Err(Error::InvalidEvent(told(problems))) }
}

/// Finds what would make a window fail, and changes nothing.
///
/// # Errors
/// None but running out of time: what cannot be read is a finding.
pub async fn check(run: Run<'_>, asked: &Asked) -> Result<Response, Error> {
    let now = run.now();
    let observed = observe(run).await;
    let records = observed.as_ref().map(|observed| observed.records.as_slice());
    let findings = check::everything(run, asked, records).await;
    let blocks = findings.iter().filter(|finding| finding.severity == Severity::Blocks).count();
    let (outcome, message) = match (blocks, findings.len()) {
        (0, 0) => ("ok", "Nothing was found that would make a window fail.".to_owned()),
        (0, all) => ("warnings", format!("A window would work; {all} things are worth knowing.")),
        (blocks, _) => ("blocked", format!("A window would fail; {blocks} things must be mended first.")),
    };
    Ok(Response {
        action: "check".to_owned(),
        outcome: outcome.to_owned(),
        message,
        window: asked.booking.as_ref().map(|booking| WindowView::new(&Record::new(booking.window.clone(), now), now)),
        findings,
        ..Response::default()
    })
}

/// Tells what a booking would do.
async fn rehearse(run: Run<'_>, record: Record, now: Timestamp, action: &str) -> Result<Response, Error> {
    let existing = run.app.aws.schedules.record(record.id(), &[]).await?;
    let what = match (existing, record.phase(now)) {
        (Some(_), _) => "already exists".to_owned(),
        (None, Phase::Active) => "would start now".to_owned(),
        (None, Phase::Booked | Phase::Over) => format!("would be booked from {}", when::utc(record.booked.start)),
    };
    Ok(Response {
        action: action.to_owned(),
        outcome: "dry_run".to_owned(),
        message: format!("Nothing was done; window {} {what}.", record.id()),
        window: Some(WindowView::new(&record, now)),
        ..Response::default()
    })
}

/// The id is taken: by the same window, or by another.
async fn already(run: Run<'_>, wanted: &Record, action: &str) -> Result<Response, Error> {
    let mut observed = observe(run).await?;
    let found = match observed.records.iter().find(|record| record.id() == wanted.id()) {
        Some(found) => Some(found.clone()),
        None => run.app.aws.schedules.record(wanted.id(), &[]).await?,
    };
    let Some(found) = found else {
        return Err(Error::InvalidEvent(vec![format!(
            "id: window {} was ended at this very moment; send the event again to book it anew",
            wanted.id()
        )]));
    };
    let (before, after) = (&found.booked, &wanted.booked);
    // Switching on means from now on, whenever that is; who did it first has started it.
    let same = before.same_plan(after)
        || (action == "on" && before.end == after.end && before.rules == after.rules)
        || (action == "on" && before.length() == after.length() && before.rules == after.rules);
    if !same {
        return Err(Error::InvalidEvent(vec![format!(
            "id: window {} is already booked from {} to {}; to change it use reschedule or extend, or choose another id",
            found.id(),
            found.window().start,
            found.window().end.map_or("open end".to_owned(), |end| end.to_string()),
        )]));
    }
    let mut found = found;
    if found.request.as_deref() != Some(run.request) {
        // Should this run fail and be repeated after a person ended the window, it is not to book it anew.
        let until = run.now() + TOMBSTONE_MAX;
        run.app.aws.schedules.bury(found.id(), run.request, until, run.target).await?;
    }
    if found.phase(run.now()) == Phase::Booked && !found.others.iter().any(|name| matches!(name.part, Part::Start(_))) {
        reconcile::book_wakes(run, &mut found).await?;
    }
    include(&mut observed, &found);
    let done = reconcile::settle(run, observed).await.complete()?;
    let mut answer = answer(run, action, &found, &done, "already_booked");
    if action == "on" && answer.outcome == "already_booked" {
        "unchanged".clone_into(&mut answer.outcome);
    }
    Ok(answer)
}

/// Ends active windows now; without any, reopens every rule that is header-only for no window.
///
/// # Errors
/// [`Error::InvalidEvent`] if the id means no active window; otherwise as [`reconcile::observe`] and [`Done::complete`].
pub async fn off(run: Run<'_>, id: Option<WindowId>) -> Result<Response, Error> {
    let mut decisions = vec![];
    let mut targets: Vec<Record> = vec![];
    let observed = observe(run).await?;
    let now = run.now();
    for record in &observed.records {
        let standing = plan::standing(record, now, observed.healthy);
        let meant = id.as_ref().is_none_or(|id| id == record.id());
        match (meant, standing.covers(), &id) {
            (true, true, _) => {
                decisions.push(close_now(run, record, false).await?);
                targets.push(record.clone());
            }
            // Over, but its end did not get through yet: this run finishes it.
            (true, false, _) if standing.is_over() => targets.push(record.clone()),
            (true, false, Some(_)) if standing == Standing::Booked => {
                return Err(Error::InvalidEvent(vec![format!(
                    "id: window {} has not begun; to drop it use cancel",
                    record.id()
                )]));
            }
            _ => {}
        }
    }
    if let (Some(id), true) = (&id, targets.is_empty()) {
        return Err(unknown(id, &observed.records));
    }
    let done = decided(run, &decisions).await?;
    let reopened = if id.is_none() { strays::reopen(run, &done.strays).await? } else { vec![] };
    let mut answer = summary(run, "off", &done);
    for view in &mut answer.rules {
        if reopened.contains(&view.arn) {
            (view.state, view.changed) = (RuleState::Open, true);
        }
    }
    let ids: Vec<String> = targets.iter().map(|record| record.id().to_string()).collect();
    (answer.outcome, answer.message) = match (ids.len(), reopened.len()) {
        (0, 0) => ("unchanged".to_owned(), "Nothing is in maintenance; nothing was changed.".to_owned()),
        (0, count) => ("restored".to_owned(), format!("{count} rules that no window accounted for are open again.")),
        _ => ("completed".to_owned(), format!("Maintenance is over: {}.", ids.join(", "))),
    };
    answer.windows =
        targets.iter().map(|record| WindowView { phase: Phase::Over, ..WindowView::new(record, now) }).collect();
    if let [only] = answer.windows.as_slice() {
        answer.window = Some(only.clone());
        answer.windows.clear();
    }
    Ok(answer)
}

/// Drops a booked window.
///
/// # Errors
/// [`Error::InvalidEvent`] if the window is active or unknown; otherwise as [`reconcile::observe`] and [`Done::complete`].
pub async fn cancel(run: Run<'_>, id: &WindowId) -> Result<Response, Error> {
    let observed = observe(run).await?;
    if let Some(series) = observed.series.iter().find(|series| &series.id == id) {
        return recurring::cancel(run, &observed, series.clone()).await;
    }
    let record = known(&observed, id)?;
    if plan::standing(record, run.now(), false).covers() {
        return Err(Error::InvalidEvent(vec![format!("id: window {id} has begun; to end it now use off")]));
    }
    let series = observed.series.iter().find(|series| Some(&series.id) == record.window().series.as_ref());
    let moved = record.window().start != record.booked.start;
    if let Some(series) = series.filter(|_| !moved) {
        // Or the series would book it again.
        return recurring::skip(run, &series.id, Some(record.booked.start)).await;
    }
    let decision = close_now(run, record, true).await?;
    let done = decided(run, std::slice::from_ref(&decision)).await?;
    let dropped = Record { amendments: [record.amendments.as_slice(), &[decision]].concat(), ..record.clone() };
    Ok(answer(run, "cancel", &dropped, &done, "cancelled"))
}

/// Writes the decision to end a window, or to drop it, as its next amendment.
async fn close_now(run: Run<'_>, record: &Record, cancelled: bool) -> Result<Amendment, Error> {
    let decided = amend(run, record, |record, now| {
        let closed = Closed { at: now, cancelled: cancelled && record.phase(now) == Phase::Booked };
        let already = record.closed().is_some();
        Ok((!already).then(|| (record.window().clone(), Some(closed))))
    });
    match decided.await? {
        Amended::New(amendment) | Amended::Already(Some(amendment)) => Ok(amendment),
        Amended::Already(None) => Err(busy(record)),
    }
}

/// What came of a decision.
enum Amended {
    /// It is written.
    New(Amendment),
    /// It needed no writing; the amendment that says so already, if one does.
    Already(Option<Amendment>),
}

/// Writes a decision about a window as its next amendment: what `decide` makes of the window as it stands, or nothing.
///
/// The number can be taken only once, so two people who decide at the same moment decide one after the other, and the
/// second sees what the first decided. An invocation that Lambda repeats finds its own decision and adds no other.
async fn amend(
    run: Run<'_>,
    record: &Record,
    decide: impl Fn(&Record, Timestamp) -> Result<Option<(Window, Option<Closed>)>, Error>,
) -> Result<Amended, Error> {
    let mut record = record.clone();
    for _ in 0..DECISIONS_MAX {
        let own = |amendment: &&Amendment| amendment.request.as_deref() == Some(run.request);
        if let Some(own) = record.amendments.iter().rev().find(own) {
            return Ok(Amended::Already(Some(own.clone())));
        }
        let now = run.now();
        let Some((window, closed)) = decide(&record, now)? else {
            return Ok(Amended::Already(record.amendments.last().cloned()));
        };
        let fires = if closed.is_some() { now + AHEAD_MIN } else { window.end_wake(now).unwrap_or(now + AHEAD_MIN) };
        let request = Some(run.request.to_owned());
        let amendment = Amendment { number: record.version() + 1, fires, window, closed, request };
        match run.app.aws.schedules.amend(&amendment, run.target).await? {
            Created::New(_) => return Ok(Amended::New(amendment)),
            Created::Taken => match run.app.aws.schedules.amendment(record.id(), amendment.number).await? {
                Some(theirs) => record.amendments.push(theirs),
                None => break,
            },
        }
    }
    Err(busy(&record))
}

fn busy(record: &Record) -> Error {
    Error::InvalidEvent(vec![format!(
        "id: window {} is being changed by others at this very moment; ask for status and decide again",
        record.id()
    )])
}

/// Moves the end of a booked, active or held window.
///
/// # Errors
/// [`Error::InvalidEvent`] if the window is unknown or over, or the new end is unusable; otherwise as
/// [`reconcile::observe`] and [`Done::complete`].
pub async fn extend(run: Run<'_>, id: &WindowId, by: &NewEnd) -> Result<Response, Error> {
    let observed = observe(run).await?;
    let record = known(&observed, id)?;
    let longest = run.app.config.max_duration;
    let moved = amend(run, record, |record, now| {
        let window = record.window();
        let held = plan::standing(record, now, false) == Standing::Held;
        if record.closed().is_some() || (record.phase(now) == Phase::Over && !held) {
            return Err(too_late(id));
        }
        let end = match (by, window.end) {
            (NewEnd::At(end), _) => *end,
            // What overran its end is extended from now.
            (NewEnd::By(by), Some(_)) if held => when::whole_second(now) + *by,
            (NewEnd::By(by), Some(end)) => end + *by,
            (NewEnd::By(_), None) => {
                return Err(Error::InvalidEvent(vec![format!(
                    "by: window {id} has no end to move; send `end` instead, or off when it is done"
                )]));
            }
        };
        let length = end.duration_since(window.start);
        let problem = if end <= now + AHEAD_MIN {
            format!("end: expected an end after now, but found {end}; to end the window now use off")
        } else if length < LENGTH_MIN {
            format!("end: expected at least a minute after the start ({}), but found {end}", window.start)
        } else if length > longest {
            format!(
                "end: expected a window of at most {} (MAX_DURATION), but it would last {}",
                when::spoken_duration(longest),
                when::spoken_duration(length)
            )
        } else {
            let moved = Window { end: Some(end), ..window.clone() };
            return Ok((moved.end != window.end).then_some((moved, None)));
        };
        Err(Error::InvalidEvent(vec![problem]))
    });
    // While it is held, a window cannot end under our hands.
    let held = plan::standing(record, run.now(), false) == Standing::Held;
    let deadline = record.window().end.filter(|_| !held);
    changed(run, "extend", record, moved.await?, deadline).await
}

/// Moves a booked window.
///
/// # Errors
/// [`Error::InvalidEvent`] if the window is unknown, has begun or is about to, or the new times are unusable; otherwise
/// as [`reconcile::observe`] and [`Done::complete`].
pub async fn reschedule(run: Run<'_>, id: &WindowId, times: &NewTimes) -> Result<Response, Error> {
    let observed = observe(run).await?;
    let record = known(&observed, id)?;
    let longest = run.app.config.max_duration;
    let moved = amend(run, record, |record, now| {
        let window = record.window();
        let start = times.start.unwrap_or(window.start);
        let end = match (times.end, times.duration, window.length()) {
            (Some(end), ..) => Some(end),
            (None, Some(duration), _) => Some(start + duration),
            (None, None, Some(length)) => Some(start + length),
            (None, None, None) => None,
        };
        let moved = Window { start, end, ..window.clone() };
        if moved == *window {
            return Ok(None);
        }
        if record.phase(now) != Phase::Booked || window.start < now + IN_FLIGHT {
            return Err(Error::InvalidEvent(vec![format!(
                "id: window {id} has begun or is about to; use extend to move its end, or off"
            )]));
        }
        let mut problems = event::span_problems(&moved, now, longest);
        if start <= now {
            problems.push(format!("start: expected a start after now, but found {start}; to start now use on"));
        }
        if problems.is_empty() { Ok(Some((moved, None))) } else { Err(Error::InvalidEvent(problems)) }
    });
    let deadline = Some(record.window().start - AHEAD_MIN);
    let moved = moved.await?;
    if matches!(moved, Amended::New(_)) {
        recurring::moving(run, &observed, record).await?;
    }
    changed(run, "reschedule", record, moved, deadline).await
}

/// Carries out a change of a window's times, or takes it back if it came too late to be seen in time.
async fn changed(
    run: Run<'_>,
    action: &str,
    record: &Record,
    amended: Amended,
    deadline: Option<Timestamp>,
) -> Result<Response, Error> {
    let mut record = record.clone();
    let (amendment, usual) = match amended {
        Amended::Already(None) => (None, "unchanged"),
        Amended::Already(Some(amendment)) => (Some(amendment), "unchanged"),
        Amended::New(amendment) => {
            // A run that began at the old moment may have looked before this was written.
            if deadline.is_some_and(|deadline| deadline <= run.now()) {
                let name = ScheduleName::new(record.id(), Part::Amendment(amendment.number));
                run.app.aws.schedules.delete(&name).await?;
                return Err(too_late(record.id()));
            }
            (Some(amendment), if action == "extend" { "extended" } else { "rescheduled" })
        }
    };
    let before = record.window().end;
    if let Some(amendment) = &amendment {
        if record.version() < amendment.number {
            record.amendments.push(amendment.clone());
        }
        if record.phase(run.now()) == Phase::Booked && usual != "unchanged" {
            reconcile::book_wakes(run, &mut record).await?;
        }
    }
    let done = decided(run, amendment.as_slice()).await?;
    let mut answer = answer(run, action, &record, &done, usual);
    if usual != "unchanged" {
        usual.clone_into(&mut answer.outcome);
        let window = record.window();
        let zone = window.timezone.as_deref();
        let told = |end: Option<Timestamp>| end.map_or("open end".to_owned(), |end| when::spoken(end, zone));
        answer.message = format!(
            "The times of window {} are {} to {}; its end was {}.",
            window.id,
            when::spoken(window.start, zone),
            told(window.end),
            told(before)
        );
    }
    Ok(answer)
}

fn known<'a>(observed: &'a Observed, id: &WindowId) -> Result<&'a Record, Error> {
    observed.records.iter().find(|record| record.id() == id).ok_or_else(|| unknown(id, &observed.records))
}

fn too_late(id: &WindowId) -> Error {
    Error::InvalidEvent(vec![format!(
        "id: window {id} has just ended or begun, or was ended, and can no longer be moved; nothing was changed"
    )])
}

/// Carries out what was just decided, whether or not the list shows the decisions yet.
async fn decided(run: Run<'_>, decisions: &[Amendment]) -> Result<Done, Error> {
    let mut observed = observe(run).await?;
    for decision in decisions {
        let record = observed.records.iter_mut().find(|record| record.id() == &decision.window.id);
        if let Some(record) = record.filter(|record| record.version() < decision.number) {
            record.amendments.push(decision.clone());
        }
    }
    reconcile::settle(run, observed).await.complete()
}

/// Tells how things stand.
///
/// # Errors
/// [`Error::InvalidEvent`] if the id is unknown; [`Error::Aws`] when a call fails.
pub async fn status(run: Run<'_>, id: Option<WindowId>) -> Result<Response, Error> {
    let observed = observe(run).await?;
    let now = run.now();
    let scene = plan::Scene {
        now,
        config: &run.app.config,
        healthy: observed.healthy,
        rules: &observed.rules,
        records: &observed.records,
    };
    let plan = plan::plan(&scene);
    let meant = |other: &WindowId| id.as_ref().is_none_or(|id| id == other);
    if let Some(id) = &id
        && observed
            .records
            .iter()
            .map(Record::id)
            .chain(observed.series.iter().map(|series| &series.id))
            .all(|known| known != id)
    {
        return Err(unknown(id, &observed.records));
    }
    let mut shown: Vec<&Record> = observed.records.iter().filter(|record| meant(record.id())).collect();
    shown.sort_by_key(|record| record.window().start);
    let active: Vec<&&Record> =
        shown.iter().filter(|record| plan::standing(record, now, observed.healthy).covers()).collect();
    let next = shown.iter().find(|record| record.phase(now) == Phase::Booked);
    let mut warnings: Vec<String> = plan
        .turns
        .iter()
        .map(|turn| format!("rule {} is not as it should be; the next sweep turns it", turn.rule.short()))
        .collect();
    warnings.extend(plan.steps.iter().flat_map(|step| step.unusable.values().cloned()));
    warnings.extend(plan.strays.iter().map(|rule| {
        format!("rule {} is in maintenance for no window; {{\"action\":\"off\"}} reopens it", rule.short())
    }));
    let dark = plan.states.values().any(|state| *state == RuleState::HeaderOnly);
    let message = match (active.as_slice(), next) {
        ([], _) if dark => {
            "The site is in maintenance although no window is active; the warnings say what reopens it.".to_owned()
        }
        ([], None) => "The site is open and no window is booked.".to_owned(),
        ([], Some(next)) => format!(
            "The site is open; window {} starts {}.",
            next.id(),
            when::spoken(next.window().start, next.window().timezone.as_deref())
        ),
        ([one, rest @ ..], _) => {
            let window = one.window();
            let until = window.end.map_or("until it is switched off".to_owned(), |end| {
                format!("until {}", when::spoken(end, window.timezone.as_deref()))
            });
            let more =
                if rest.is_empty() { String::new() } else { format!(", and {} more windows are active", rest.len()) };
            format!(
                "The site is in maintenance for window {} since {} {until}{more}.",
                window.id,
                when::spoken(window.start, window.timezone.as_deref())
            )
        }
    };
    let outcome = if active.is_empty() && !dark { "open" } else { "maintenance" };
    Ok(Response {
        action: "status".to_owned(),
        outcome: outcome.to_owned(),
        message,
        windows: shown.iter().map(|record| WindowView::new(record, now)).collect(),
        series: observed.series.iter().filter(|series| meant(&series.id)).map(|series| series.view(now)).collect(),
        rules: plan
            .states
            .iter()
            .map(|(arn, state)| RuleView { arn: arn.clone(), state: *state, changed: false })
            .collect(),
        next_wake: next_wake(&observed.records, now),
        warnings,
        ..Response::default()
    })
}

/// Brings everything to where it should be, and looks for what no window accounts for.
///
/// # Errors
/// As [`reconcile::observe`] and [`Done::complete`].
pub async fn sweep(run: Run<'_>) -> Result<Response, Error> {
    let observed = observe(run).await?;
    let listed = observed.listed.clone();
    let known: Vec<WindowId> = observed.records.iter().map(|record| record.id().clone()).collect();
    let records = observed.records.clone();
    let series = observed.series.clone();
    let done = reconcile::settle(run, observed).await;
    // A run that saw nothing knows of no strays either.
    let tidied = if done.rules.is_empty() { Ok(()) } else { strays::tidy(run, &listed, &known, &done.strays).await };
    let booked = recurring::book_next(run, &series, &known).await;
    let mut answer = summary(run, "sweep", &done.complete()?);
    tidied?;
    booked?;
    answer.next_wake = next_wake(&records, run.now());
    Ok(answer)
}

/// The same for one of the function's own wake-ups.
///
/// # Errors
/// As [`reconcile::observe`] and [`Done::complete`].
pub async fn wake(run: Run<'_>, id: &WindowId) -> Result<Response, Error> {
    let observed = observe(run).await?;
    let record = observed.records.iter().find(|record| record.id() == id).cloned();
    let known: Vec<WindowId> = observed.records.iter().map(|record| record.id().clone()).collect();
    let series = observed.series.clone();
    let done = reconcile::settle(run, observed).await;
    let of_series = series.iter().any(|series| &series.id == id);
    let booked = recurring::book_next(run, &series, &known).await;
    let done = done.complete()?;
    booked?;
    match record {
        Some(record) => Ok(answer(run, "wake", &record, &done, "unchanged")),
        None if of_series => Ok(summary(run, "wake", &done)),
        None => Ok(Response {
            message: format!("Window {id} is over or was cancelled; nothing is due for it."),
            ..summary(run, "wake", &done)
        }),
    }
}

/// An answer about one window, `usual` being its outcome when the run itself found nothing more to do.
fn answer(run: Run<'_>, action: &str, record: &Record, done: &Done, usual: &str) -> Response {
    let now = run.now();
    let outcome = match done.windows.get(record.id()) {
        None | Some(Outcome::Unchanged | Outcome::Kept) => usual,
        Some(outcome) => outcome.word(),
    };
    let window = record.window();
    let zone = window.timezone.as_deref();
    let until =
        window.end.map_or("until it is switched off".to_owned(), |end| format!("until {}", when::spoken(end, zone)));
    let message = match outcome {
        "booked" => format!("Window {} is booked from {} {until}.", window.id, when::spoken(window.start, zone)),
        "started" => format!("The site is in maintenance for window {} {until}.", window.id),
        "completed" => format!("Window {} is over and its rules are as they were.", window.id),
        "cancelled" => format!("Window {} is cancelled; nothing was or will be changed for it.", window.id),
        "missed" => format!("Window {} was missed; nothing was changed for it.", window.id),
        _ => format!("Window {} is as it should be; nothing was changed.", window.id),
    };
    Response {
        outcome: outcome.to_owned(),
        message,
        window: Some(WindowView::new(record, now)),
        next_wake: next_wake(std::slice::from_ref(record), now),
        ..summary(run, action, done)
    }
}

/// An answer about whatever a run did.
fn summary(_: Run<'_>, action: &str, done: &Done) -> Response {
    let mut told: Vec<String> = done
        .windows
        .iter()
        .filter(|(_, outcome)| **outcome != Outcome::Unchanged)
        .map(|(id, outcome)| format!("{id} {}", outcome.word()))
        .collect();
    told.sort();
    let quiet = told.is_empty();
    Response {
        action: action.to_owned(),
        outcome: if quiet { "unchanged" } else { "reconciled" }.to_owned(),
        message: if quiet { "Everything is as it should be.".to_owned() } else { format!("{}.", told.join(", ")) },
        rules: done.rules.clone(),
        ..Response::default()
    }
}

/// The next moment a window starts or ends.
fn next_wake(records: &[Record], now: Timestamp) -> Option<Timestamp> {
    records
        .iter()
        .filter(|record| record.closed().is_none())
        .flat_map(|record| [Some(record.window().start), record.window().end])
        .flatten()
        .filter(|moment| *moment > now)
        .min()
}

fn unknown(id: &WindowId, records: &[Record]) -> Error {
    let known: Vec<&str> = records.iter().map(|record| record.id().as_str()).collect();
    let known = if known.is_empty() { "none is known".to_owned() } else { format!("known are {}", known.join(", ")) };
    Error::InvalidEvent(vec![format!(
        "id: expected a window that is booked or active, but {id:?} is over, was cancelled or never was; {known}",
        id = id.as_str()
    )])
}
