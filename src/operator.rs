//! The operator's hand: what people ask for, and what they are told came of it.
//!
//! A decision of a person becomes a schedule first (a record, or an amendment of one); everything else is `reconcile`'s.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    arn::RuleArn,
    conditions::{self, BypassNames},
    error::Error,
    event::Booking,
    plan::{self, RuleState, Seen, Standing},
    reconcile::{self, Done, Observed, Outcome, Run, observe},
    record::{Amendment, Closed, Part, Record, ScheduleName},
    report::{Event, Report, RuleLine},
    response::{Response, RuleView, WindowView},
    schedule::Created,
    when,
    window::{AHEAD_MIN, Phase, WindowId},
};

/// How often a decision is tried again when another one got in between.
const DECISIONS_MAX: usize = 5;

/// Books a window, and starts it if its time has come.
///
/// # Errors
/// [`Error::InvalidEvent`] if the window could not work or its id means another one; otherwise as
/// [`reconcile::reconcile`].
pub async fn book(run: Run<'_>, booking: Booking, action: &str) -> Result<Response, Error> {
    let now = run.now();
    let Booking { window, dry_run } = booking;
    if window.phase(now) == Phase::Over {
        return book_past(run, &window.id, action, dry_run).await;
    }
    let rules = run.app.aws.rules.read(&window.rules).await?;
    let warnings = examine(&rules, run)?;
    let mut record = Record::new(window, now);
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
                let start = ScheduleName::new(&id, Part::Start(1));
                reconcile::book_start(run, &record, &start).await?;
                record.others.push(start);
                reconcile::announce(run, &mut record).await?;
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
        observed.records.push(record.clone());
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

/// The rules must exist and be restorable; what else would make the window odd is a warning.
fn examine(rules: &BTreeMap<RuleArn, Seen>, run: Run<'_>) -> Result<Vec<String>, Error> {
    let bypass = &run.app.config.bypass;
    let (mut problems, mut warnings) = (vec![], vec![]);
    for (rule, seen) in rules {
        match seen {
            Seen::Gone => problems.push(format!(
                "rules: rule {rule} does not exist; a rule that was replaced has a new ARN, which RULE_ARNS must name"
            )),
            Seen::Unsupported { why, .. } => problems.push(format!("rules: rule {rule} {why}")),
            Seen::Conditions(found) if !conditions::fits(found, bypass) => warnings.push(format!(
                "rule {} has no room for the bypass header beside its own conditions; it will demand the header alone \
                 and get its conditions back at the end",
                rule.short()
            )),
            Seen::Conditions(_) => {}
        }
    }
    if problems.is_empty() { Ok(warnings) } else { Err(Error::InvalidEvent(problems)) }
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
    if found.phase(run.now()) == Phase::Booked && !found.others.iter().any(|name| matches!(name.part, Part::Start(_))) {
        reconcile::book_start(run, &found, &ScheduleName::new(found.id(), Part::Start(found.version()))).await?;
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
/// [`Error::InvalidEvent`] if the id means no active window; otherwise as [`reconcile::reconcile`].
pub async fn off(run: Run<'_>, id: Option<WindowId>) -> Result<Response, Error> {
    let mut decisions = vec![];
    let mut targets: Vec<Record> = vec![];
    let observed = observe(run).await?;
    let now = run.now();
    for record in &observed.records {
        let standing = plan::standing(record, now);
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
    let reopened = if id.is_none() { reopen_strays(run, &done.strays).await? } else { vec![] };
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
    answer.windows = targets.iter().map(|record| WindowView::new(record, now)).collect();
    if let [only] = answer.windows.as_slice() {
        answer.window = Some(only.clone());
        answer.windows.clear();
    }
    Ok(answer)
}

/// Drops a booked window.
///
/// # Errors
/// [`Error::InvalidEvent`] if the window is active or unknown; otherwise as [`reconcile::reconcile`].
pub async fn cancel(run: Run<'_>, id: &WindowId) -> Result<Response, Error> {
    let observed = observe(run).await?;
    let Some(record) = observed.records.iter().find(|record| record.id() == id) else {
        return Err(unknown(id, &observed.records));
    };
    if plan::standing(record, run.now()).covers() {
        return Err(Error::InvalidEvent(vec![format!("id: window {id} has begun; to end it now use off")]));
    }
    let decision = close_now(run, record, true).await?;
    let done = decided(run, &[decision]).await?;
    Ok(answer(run, "cancel", record, &done, "cancelled"))
}

/// Writes the decision to end a window, or to drop it, as its next amendment.
async fn close_now(run: Run<'_>, record: &Record, cancelled: bool) -> Result<Amendment, Error> {
    let mut record = record.clone();
    for _ in 0..DECISIONS_MAX {
        let now = run.now();
        let closed = Some(Closed { at: now, cancelled: cancelled && record.phase(now) == Phase::Booked });
        let amendment = Amendment {
            number: record.version() + 1,
            fires: now + AHEAD_MIN,
            window: record.window().clone(),
            closed,
            request: Some(run.request.to_owned()),
        };
        match run.app.aws.schedules.amend(&amendment, run.target).await? {
            Created::New(_) => return Ok(amendment),
            // Someone decided something else at the same moment; this decision comes after theirs.
            Created::Taken => match run.app.aws.schedules.amendment(record.id(), amendment.number).await? {
                Some(theirs) if theirs.closed.is_some() => return Ok(theirs),
                Some(theirs) => record.amendments.push(theirs),
                None => break,
            },
        }
    }
    Err(Error::InvalidEvent(vec![format!(
        "id: window {} is being changed by others at this very moment; ask for status and decide again",
        record.id()
    )]))
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

/// Reopens rules that are header-only for no window; returns those it reopened.
async fn reopen_strays(run: Run<'_>, strays: &[RuleArn]) -> Result<Vec<RuleArn>, Error> {
    if strays.is_empty() {
        return Ok(vec![]);
    }
    let names = BypassNames::new([run.app.config.bypass.name.as_str()]);
    let mut reopened = vec![];
    let mut left = vec![];
    for (rule, seen) in run.app.aws.rules.read(strays).await? {
        match seen {
            Seen::Conditions(found) if conditions::demands_bypass(&found, &names) => {
                let bare = conditions::without_bypass(&found, &names);
                let to = if bare.is_empty() { conditions::catch_all() } else { bare };
                match run.app.aws.rules.restore(&rule, &to).await {
                    Ok(()) => reopened.push(rule),
                    Err(error) => left.push(error.full()),
                }
            }
            Seen::Unsupported { why, .. } => left.push(format!("rule {} {why}; mend it by hand", rule.short())),
            Seen::Conditions(_) | Seen::Gone => {}
        }
    }
    if !reopened.is_empty() {
        let lines = reopened.iter().map(|arn| RuleLine { arn: arn.clone(), state: RuleState::Open }).collect();
        let mut report = Report::of_rules(Event::Completed, lines, run.now(), run.request);
        report.notes.push("these rules were in maintenance for no window, and were reopened by hand".to_owned());
        run.app.aws.topic.publish(&report).await?;
    }
    if left.is_empty() { Ok(reopened) } else { Err(Error::Incomplete(left)) }
}

/// Tells how things stand.
///
/// # Errors
/// [`Error::InvalidEvent`] if the id is unknown; [`Error::Aws`] when a call fails.
pub async fn status(run: Run<'_>, id: Option<WindowId>) -> Result<Response, Error> {
    let observed = observe(run).await?;
    let now = run.now();
    let scene = plan::Scene { now, bypass: &run.app.config.bypass, rules: &observed.rules, records: &observed.records };
    let plan = plan::plan(&scene);
    if let Some(id) = &id
        && observed.records.iter().all(|record| record.id() != id)
    {
        return Err(unknown(id, &observed.records));
    }
    let mut shown: Vec<&Record> =
        observed.records.iter().filter(|record| id.as_ref().is_none_or(|id| id == record.id())).collect();
    shown.sort_by_key(|record| record.window().start);
    let active: Vec<&&Record> = shown.iter().filter(|record| plan::standing(record, now).covers()).collect();
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
/// As [`reconcile::reconcile`].
pub async fn sweep(run: Run<'_>) -> Result<Response, Error> {
    let observed = observe(run).await?;
    let listed = observed.listed.clone();
    let known: Vec<WindowId> = observed.records.iter().map(|record| record.id().clone()).collect();
    let records = observed.records.clone();
    let done = reconcile::settle(run, observed).await;
    reconcile::tidy(run, &listed, &known, &done.strays).await?;
    let mut answer = summary(run, "sweep", &done.complete()?);
    answer.next_wake = next_wake(&records, run.now());
    Ok(answer)
}

/// The same for one of the function's own wake-ups.
///
/// # Errors
/// As [`reconcile::reconcile`].
pub async fn wake(run: Run<'_>, id: &WindowId) -> Result<Response, Error> {
    let observed = observe(run).await?;
    let record = observed.records.iter().find(|record| record.id() == id).cloned();
    let done = reconcile::settle(run, observed).await.complete()?;
    match record {
        Some(record) => Ok(answer(run, "wake", &record, &done, "unchanged")),
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
