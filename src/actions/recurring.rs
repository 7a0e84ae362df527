//! What people ask of a series: booking, pausing, resuming and cancelling it; `skips` leaves out one of its starts.

use jiff::{SignedDuration, Timestamp};

use super::{Decided, Verdict, answers, decide, known_series, refused, same, with_decision};
use crate::{
    app::Run,
    aws::{
        items::{RequestItem, Write},
        store::Reads,
    },
    checks,
    error::Error,
    event::{Asked, Recurring},
    model::{
        id::{WindowId, uid},
        rule_arn::RuleArn,
        series::{Series, SeriesView},
        table::Table,
        time,
        window::{Decision, DecisionKind, Outcome, State, Window},
    },
    plan::reports::Event,
    reconcile::{self, Done},
    report::{Report, response::Response, site},
};

/// Books a window that recurs: keeps the series, and books its next occurrence.
///
/// # Errors
/// [`Error::InvalidEvent`] if its windows could not work or its id means something else; otherwise as
/// [`reconcile::reconcile`] and [`reconcile::Done::complete`].
pub async fn recur(run: Run<'_>, recurring: Recurring, asked: &Asked) -> Result<Response, Error> {
    let Recurring { series, has_start, dry_run } = recurring;
    if let Some(why) = run.app.config.narrows_nothing() {
        let refusal = Error::InvalidConfig(vec![why]);
        return refused(run, DecisionKind::Book, refusal).await;
    }
    let managed = &run.app.config.rules;
    let covered = series.rules.resolve(managed);
    let (listeners, table) =
        tokio::join!(checks::listeners(run, &covered), run.app.aws.store.now(Reads::Windows, run.now()));
    let table = table?;
    let findings = checks::rules(&covered, &listeners, &table, run.app.config.bypass.as_ref());
    let warns = match checks::refuse_or_warn(findings) {
        Ok(warns) => warns,
        Err(refusal) => return refused(run, DecisionKind::Book, refusal).await,
    };
    let fresh = series.view(&[], run.now());
    let warnings: Vec<String> = warns.into_iter().chain(fresh.notes.clone()).collect();
    if dry_run {
        let found = match same_series(&table, &series, has_start, managed, run.now()) {
            Ok(found) => found,
            Err(refusal) => return refused(run, DecisionKind::Book, refusal).await,
        };
        let seen = found.map(|found| found.view(&table.windows, run.now()));
        let what = match &seen {
            Some(view) if view.next.is_empty() => format!("already exists: {}", view.notes.join("; ")),
            Some(view) => format!("already exists, and comes next {}", spans(view).join("; ")),
            None => format!("would come next {}", spans(&fresh).join("; ")),
        };
        let not_taken = found.and_then(|found| same::not_taken_of_series(found, &series));
        let not_taken = not_taken.map(|fields| fields.sentence).unwrap_or_default();
        return Ok(Response {
            outcome: "dry_run".to_owned(),
            message: format!("Nothing was done; series {} {what}.{not_taken}", series.id),
            series: vec![seen.unwrap_or(fresh)],
            site: Some(reconcile::present(run, Reads::Windows).await.site),
            warnings,
            ..answers::blank(DecisionKind::Book.word())
        });
    }
    let decided = decide(run, DecisionKind::Book, |table, now| {
        let about = vec![series.id.clone()];
        if let Some(found) = same_series(table, &series, has_start, managed, now)? {
            return Ok(Verdict { writes: vec![], what: (found.clone(), "already_booked"), about });
        }
        let mut new = Series { uid: uid([run.request, &now.to_string()]), ..series.clone() };
        decided_about(&mut new, now, DecisionKind::Book, None, asked);
        Ok(Verdict { writes: vec![Write::NewSeries(new.clone())], what: (new, "booked"), about })
    });
    let (kept, outcome) = match decided.await? {
        Decided::New(kept) => kept,
        Decided::Before(before) => return answers::repeated(run, &before).await,
    };
    let table = run.app.aws.store.now(Reads::Windows, run.now()).await?;
    let (booked, left) = reconcile::book_next(run, &table).await;
    let unpublished = reconcile::tell_visitors(run, &table, booked).await.problem;
    if !left.is_empty() {
        return Err(Error::Incomplete {
            site: Some(site::headline(&reconcile::present(run, Reads::Windows).await.site)),
            decided: Some(format!("series {} is booked, and that stands", kept.id)),
            left,
        });
    }
    let present = reconcile::present(run, Reads::Windows).await;
    let kept = present.table.one_series(&kept.id).filter(|found| found.uid == kept.uid).unwrap_or(&kept);
    let view = kept.view(&present.table.windows, run.now());
    let mut message = match (view.paused, told(&view)) {
        (true, _) => format!("Series {} is booked, and paused until it is resumed.", kept.id),
        (false, next) if next.is_empty() => format!("Series {} is booked; {}.", kept.id, view.notes.join("; ")),
        (false, next) => format!("Series {} is booked; it comes next on {}.", kept.id, next.join(", ")),
    };
    let already = Some(kept).filter(|_| outcome == "already_booked");
    let not_taken = already.and_then(|kept| same::not_taken_of_series(kept, &series));
    message.extend(not_taken.iter().map(|fields| fields.sentence.as_str()));
    Ok(Response {
        outcome: outcome.to_owned(),
        message,
        next_change: answers::next_change(&present.table.windows, &present.table, run.now()),
        site: Some(present.site),
        series: vec![view],
        next_steps: not_taken.and_then(|fields| fields.step).into_iter().collect(),
        warnings: warnings.into_iter().chain(answers::unpublished(unpublished.as_ref())).collect(),
        ..answers::blank(DecisionKind::Book.word())
    })
}

/// The series of this name that there is, if it is the same one; refused if it is another, or a window has the name.
fn same_series<'a>(
    table: &'a Table,
    asked: &Series,
    has_start: bool,
    managed: &[RuleArn],
    now: Timestamp,
) -> Result<Option<&'a Series>, Error> {
    let id = &asked.id;
    if table.window(id).is_some() {
        return Err(Error::InvalidEvent(vec![format!(
            "id: expected a name of its own, but {id} is a window; choose another id"
        )]));
    }
    super::is_readable(table, id)?;
    let Some(found) = table.one_series(id) else { return Ok(None) };
    if !found.same_plan(asked, managed) {
        return Err(Error::InvalidEvent(vec![format!(
            "id: series {id} exists already and is another one; cancel it first, or choose another id"
        )]));
    }
    // Without a start it begins at once: that is one which has begun, whenever that was.
    if found.same_starts(asked, now) || (!has_start && found.anchor <= asked.anchor) {
        return Ok(Some(found));
    }
    let first = |series: &Series| {
        series.first_after(now).map_or("never".to_owned(), |start| time::spoken(start, Some(&series.timezone)))
    };
    Err(Error::InvalidEvent(vec![format!(
        "start: series {id} exists already with other starts: from now on it has its first {}, and by this event would \
         have it {}; cancel it first, or choose another id",
        first(found),
        first(asked)
    )]))
}

fn told(view: &SeriesView) -> Vec<String> {
    view.next.iter().map(|start| time::spoken(*start, Some(&view.timezone))).collect()
}

/// When its next windows start and end.
fn spans(view: &SeriesView) -> Vec<String> {
    let length = SignedDuration::from_secs(view.duration_secs);
    let ends = view.next.iter().map(|start| start.checked_add(length).unwrap_or(*start));
    let spoken = |at| time::spoken(at, Some(&view.timezone));
    view.next.iter().zip(ends).map(|(start, end)| format!("from {} until {}", spoken(*start), spoken(end))).collect()
}

pub(super) fn decided_about(
    series: &mut Series,
    at: Timestamp,
    action: DecisionKind,
    start: Option<Timestamp>,
    asked: &Asked,
) {
    let (requested_by, reason) = (asked.requested_by.clone(), asked.reason.clone());
    series.decisions.push(Decision { at, action, requested_by, reason, start, end: None });
}

/// Lets a series book nothing until it is resumed, and cancels its booked window.
///
/// # Errors
/// As [`super::skip`].
pub async fn pause(run: Run<'_>, id: &WindowId, asked: &Asked) -> Result<Response, Error> {
    let decided = decide(run, DecisionKind::Pause, |table, now| {
        let mut series = known_series(table, id)?.clone();
        let mut writes = cancelled(table, |window| is_booked_for(window, id), now, DecisionKind::Pause, asked);
        if !series.paused || !writes.is_empty() {
            // What is cancelled here may come again once it is resumed; what was cancelled before may not.
            let own = |window: &&Window| is_booked_for(window, id) && window.occurrence == Some(window.start);
            let first = table.windows.iter().filter(own).map(|window| window.start).min();
            let before = first.and_then(|start| start.checked_sub(SignedDuration::from_secs(1)).ok());
            series.booked_until = series.booked_until.map(|until| before.map_or(until, |before| until.min(before)));
            series.paused = true;
            decided_about(&mut series, now, DecisionKind::Pause, None, asked);
            writes.push(Write::Series(series.clone()));
        }
        Ok(Verdict { what: Some(series).filter(|_| !writes.is_empty()), writes, about: vec![id.clone()] })
    });
    match decided.await? {
        Decided::New(decided) => {
            let message = |_: &Series| format!("Series {id} books no window until it is resumed.");
            changed(run, DecisionKind::Pause, id, decided.as_ref().map(|series| (series, "paused")), message).await
        }
        Decided::Before(before) => repeated(run, DecisionKind::Pause, id, &before).await,
    }
}

/// Lets a paused series go on.
///
/// # Errors
/// As [`super::skip`].
pub async fn resume(run: Run<'_>, id: &WindowId, asked: &Asked) -> Result<Response, Error> {
    let decided = decide(run, DecisionKind::Resume, |table, now| {
        let mut series = known_series(table, id)?.clone();
        let mut writes = vec![];
        if series.paused {
            series.paused = false;
            // What would have started during the pause was left out on purpose.
            series.booked_until = Some(series.booked_until.map_or(now, |until| until.max(now)));
            decided_about(&mut series, now, DecisionKind::Resume, None, asked);
            writes.push(Write::Series(series.clone()));
        }
        Ok(Verdict { what: Some(series).filter(|_| !writes.is_empty()), writes, about: vec![id.clone()] })
    });
    match decided.await? {
        Decided::New(decided) => {
            let message = |_: &Series| format!("Series {id} goes on.");
            changed(run, DecisionKind::Resume, id, decided.as_ref().map(|series| (series, "resumed")), message).await
        }
        Decided::Before(before) => repeated(run, DecisionKind::Resume, id, &before).await,
    }
}

pub(super) fn is_booked_for(window: &Window, series: &WindowId) -> bool {
    window.is_of(series) && window.state == State::Booked
}

/// The writes that cancel windows of a series; one that is active goes on to its end.
pub(super) fn cancelled(
    table: &Table,
    which: impl Fn(&&Window) -> bool,
    now: Timestamp,
    action: DecisionKind,
    asked: &Asked,
) -> Vec<Write> {
    let windows = table.windows.iter().filter(which);
    windows
        .map(|window| Write::Window(with_decision(window.to_end(now, Outcome::Cancelled), now, action, asked)))
        .collect()
}

/// The series as it ends, and the writes that end it with its booked windows.
pub(super) fn cancelling(table: &Table, series: &Series, now: Timestamp, asked: &Asked) -> (Series, Vec<Write>) {
    let mut writes = cancelled(table, |window| is_booked_for(window, &series.id), now, DecisionKind::Cancel, asked);
    let mut over = series.clone();
    decided_about(&mut over, now, DecisionKind::Cancel, None, asked);
    writes.push(Write::PastSeries(over.clone(), now));
    (over, writes)
}

/// Reports a decision that this request has taken about a series, if it took one; returns what went wrong, in a sentence.
///
/// It is published again whenever the request is repeated, since nobody notes that it was; its id is the same then, so
/// that a reader can drop it.
pub(super) async fn report(run: Run<'_>, series: &Series, decision: Option<&Decision>) -> Option<String> {
    let decision = decision?;
    let event = match decision.action {
        DecisionKind::Skip => Event::Skipped,
        DecisionKind::Unskip => Event::Unskipped,
        DecisionKind::Pause => Event::Paused,
        DecisionKind::Resume => Event::Resumed,
        DecisionKind::Edit => Event::Edited,
        DecisionKind::Cancel => Event::Cancelled,
        // Its windows have reports of their own.
        DecisionKind::Book | DecisionKind::On | DecisionKind::Off | DecisionKind::Extend | DecisionKind::Reschedule => {
            return None;
        }
    };
    // What comes next may be a window that was moved. Where the table cannot be read, the calendar alone tells it.
    let windows = run.app.aws.store.now(Reads::Windows, run.now()).await.unwrap_or_default().windows;
    let mut report = Report::of_series(event, (series, &windows), decision, run.request, run.now());
    if matches!(event, Event::Paused | Event::Cancelled) {
        report.notes.extend(series.told_not_booked(&windows, decision.at));
    }
    let error = run.app.aws.topic.publish(&report, run.target).await.err()?;
    Some(format!("series {}: {}", series.id, error.full()))
}

/// The decision that this request took before, if it changed the series.
pub(super) fn decision_of<'a>(series: &'a Series, before: &RequestItem) -> Option<&'a Decision> {
    series.decisions.iter().find(|decision| decision.at == before.at && decision.action == before.action)
}

/// Reports a decision about a series, does what is due after it, which books its next window, and answers.
///
/// `decided` is the series with the decision as its last one, and the outcome's word; none where nothing was decided.
pub(super) async fn changed(
    run: Run<'_>,
    action: DecisionKind,
    id: &WindowId,
    decided: Option<(&Series, &str)>,
    message: impl Fn(&Series) -> String,
) -> Result<Response, Error> {
    let (series, outcome) = decided.unzip();
    let untold = match series {
        Some(series) => report(run, series, series.decisions.last()).await,
        None => None,
    };
    let mut done = reconcile::reconcile(run).await?;
    done.left.extend(untold);
    let done = done.complete(outcome.map(|_| format!("the change of series {id} is decided, and stands")))?;
    Ok(answer(run, action, id, outcome, &done, message))
}

fn answer(
    run: Run<'_>,
    action: DecisionKind,
    id: &WindowId,
    outcome: Option<&str>,
    done: &Done,
    message: impl Fn(&Series) -> String,
) -> Response {
    let now = run.now();
    let series = done.table.one_series(id);
    Response {
        outcome: outcome.unwrap_or("unchanged").to_owned(),
        message: series.map(message).unwrap_or_default(),
        series: series.map(|series| series.view(&done.table.windows, now)).into_iter().collect(),
        ..answers::summary(run, action.word(), done)
    }
}

pub(super) async fn repeated(
    run: Run<'_>,
    action: DecisionKind,
    id: &WindowId,
    before: &RequestItem,
) -> Result<Response, Error> {
    let said = format!("Series {id} was changed by this request before, at {}.", time::utc(before.at));
    let mut done = reconcile::reconcile(run).await?;
    if let Some(series) = done.table.one_series(id) {
        done.left.extend(report(run, series, decision_of(series, before)).await);
    }
    let done = done.complete(Some(format!("the change of series {id} was decided before, and stands")))?;
    Ok(answer(run, action, id, None, &done, |_| said.clone()))
}
