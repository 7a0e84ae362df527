//! What people ask of a series: booking, skipping, pausing, resuming and cancelling it.
//!
//! A series is written by people only, so the last of two who change it at the same moment wins.

use jiff::{SignedDuration, Timestamp};

use super::{close_now, decided, examine, summary, unknown};
use crate::{
    error::Error,
    event::Recurrence,
    reconcile::{self, Observed, Run, observe},
    record::{Part, Record, ScheduleName, TOMBSTONE_MAX},
    response::Response,
    schedule::Created,
    series::Series,
    when,
    window::{Phase, WindowId},
};

/// Books a window that recurs: keeps the series, and books its next occurrence.
///
/// # Errors
/// [`Error::InvalidEvent`] if its windows could not work or its id means another series; otherwise as
/// [`reconcile::observe`] and [`reconcile::Done::complete`].
pub async fn recur(run: Run<'_>, recurrence: Recurrence) -> Result<Response, Error> {
    let Recurrence { mut series, dry_run } = recurrence;
    let (warnings, buried) =
        tokio::try_join!(examine(run, &series.rules), run.app.aws.schedules.is_buried(&series.id, run.request))?;
    if buried {
        return Ok(Response {
            action: "book".to_owned(),
            outcome: "unchanged".to_owned(),
            message: format!("Series {} was booked by this event before, and was cancelled since.", series.id),
            ..Response::default()
        });
    }
    series.booking = Some(run.request.to_owned());
    let view = series.view(run.now());
    let told: Vec<String> = view.next.iter().map(|start| when::spoken(*start, Some(&series.timezone))).collect();
    let mut answer = Response {
        action: "book".to_owned(),
        outcome: "dry_run".to_owned(),
        message: format!("Nothing was done; series {} would come next on {}.", series.id, told.join(", ")),
        series: vec![view.clone()],
        warnings: warnings.into_iter().chain(view.notes).collect(),
        ..Response::default()
    };
    if dry_run {
        return Ok(answer);
    }
    let (kept, outcome) = match run.app.aws.schedules.keep(&series, run.target).await? {
        Created::New(_) => (series, "booked"),
        Created::Taken => {
            let found = one_series(run, &series.id).await?.filter(|found| found.same_plan(&series));
            let found = found.ok_or_else(|| {
                Error::InvalidEvent(vec![format!(
                    "id: series {} exists already and is another one; cancel it first, or choose another id",
                    series.id
                )])
            })?;
            (found, "already_booked")
        }
    };
    book_next(run, std::slice::from_ref(&kept), &[]).await?;
    let view = kept.view(run.now());
    let told: Vec<String> = view.next.iter().map(|start| when::spoken(*start, Some(&kept.timezone))).collect();
    answer.message = match (view.paused, told.as_slice()) {
        (true, _) => format!("Series {} is booked, and rests until it is resumed.", kept.id),
        (false, next) => format!("Series {} is booked; it comes next on {}.", kept.id, next.join(", ")),
    };
    outcome.clone_into(&mut answer.outcome);
    answer.next_wake = view.next.first().copied();
    answer.series = vec![view];
    Ok(answer)
}

async fn one_series(run: Run<'_>, id: &WindowId) -> Result<Option<Series>, Error> {
    let name = ScheduleName::new(id, Part::Series);
    Ok(run.app.aws.schedules.series(&[name]).await?.into_iter().next())
}

/// Books the next occurrence of each series that is not among the known windows; returns those it booked.
pub(super) async fn book_next(run: Run<'_>, all: &[Series], known: &[WindowId]) -> Result<Vec<WindowId>, Error> {
    let mut booked = vec![];
    for series in all {
        let now = run.now();
        let upcoming = series.next(now, 2);
        let Some(next) = upcoming.first() else { continue };
        let window = series.window(next.start).map_err(|problem| Error::InvalidEvent(vec![problem]))?;
        if known.contains(&window.id) {
            continue;
        }
        // Read again: it may have been paused, changed or cancelled since it was seen.
        if one_series(run, &series.id).await?.as_ref() != Some(series) {
            continue;
        }
        let mut record = Record::new(window, now);
        if let Created::New(_) = run.app.aws.schedules.book(&record, run.target).await? {
            tracing::info!(window.id = %record.id(), series.id = %series.id, "next occurrence booked");
            reconcile::book_wakes(run, &mut record).await?;
            let mut notes: Vec<String> = next.shifted.iter().cloned().collect();
            if upcoming.get(1).is_some_and(|after| after.start < next.start + series.duration) {
                notes.push("the one after it starts before this one is over, since the clocks change".to_owned());
            }
            reconcile::announce(run, &mut record, notes).await?;
            booked.push(record.id().clone());
        }
    }
    Ok(booked)
}

/// Leaves out one occurrence of a series, cancelling its window if it is booked already.
///
/// # Errors
/// [`Error::InvalidEvent`] if there is no such series or occurrence; otherwise as [`reconcile::observe`] and
/// [`reconcile::Done::complete`].
pub async fn skip(run: Run<'_>, id: &WindowId, start: Option<Timestamp>) -> Result<Response, Error> {
    let observed = observe(run).await?;
    let mut series = known_series(&observed, id)?;
    let now = run.now();
    if start.is_none() && series.request.as_deref() == Some(run.request) {
        // Lambda repeats the event; the next start by now is another one.
        let message = format!("Series {id} has left out what it was asked to.");
        return change_series(run, "skip", &observed, series, "unchanged", message).await;
    }
    series.request = Some(run.request.to_owned());
    let start = match start {
        None => series.next(now, 1).first().map(|next| next.start),
        Some(start) if series.skipped.contains(&start) => Some(start),
        // Occurrences are looked through for as long as windows may be booked ahead.
        Some(start) => series
            .next(start - SignedDuration::from_secs(1), 1)
            .first()
            .map(|next| next.start)
            .filter(|next| *next == start),
    };
    let Some(start) = start.filter(|start| *start > now) else {
        let next: Vec<String> = series.view(now).next.iter().map(ToString::to_string).collect();
        return Err(Error::InvalidEvent(vec![format!(
            "start: expected one of the starts to come ({}), but found none like it",
            next.join(", ")
        )]));
    };
    if !series.skipped.contains(&start) {
        series.skipped.retain(|skipped| *skipped > now);
        series.skipped.push(start);
    }
    let message = format!("Series {id} leaves out {}.", when::spoken(start, Some(&series.timezone)));
    change_series(run, "skip", &observed, series, "skipped", message).await
}

/// Lets a series rest, cancelling its booked window, or go on.
///
/// # Errors
/// [`Error::InvalidEvent`] if there is no such series; otherwise as [`reconcile::observe`] and
/// [`reconcile::Done::complete`].
pub async fn pause(run: Run<'_>, id: &WindowId, paused: bool) -> Result<Response, Error> {
    let observed = observe(run).await?;
    let mut series = known_series(&observed, id)?;
    series.paused = paused;
    let (action, outcome, message) = if paused {
        ("pause", "paused", format!("Series {id} rests until it is resumed."))
    } else {
        ("resume", "resumed", format!("Series {id} goes on."))
    };
    change_series(run, action, &observed, series, outcome, message).await
}

/// Writes a changed series, cancels the booked windows that no longer belong to it, and books its next one.
async fn change_series(
    run: Run<'_>,
    action: &str,
    observed: &Observed,
    series: Series,
    outcome: &str,
    message: String,
) -> Result<Response, Error> {
    if !run.app.aws.schedules.rekeep(&series, run.target).await? {
        return Err(unknown(&series.id, &observed.records));
    }
    let now = run.now();
    let mut decisions = vec![];
    for record in &observed.records {
        let of_series = record.window().series.as_ref() == Some(&series.id) && record.phase(now) == Phase::Booked;
        // One that was moved is a window of its own: its first start is left out, and it stays.
        let left_out = series.skipped.contains(&record.booked.start) && record.window().start == record.booked.start;
        if of_series && (series.paused || left_out) {
            decisions.push(close_now(run, record, true).await?);
        }
    }
    let done = decided(run, &decisions).await?;
    let known: Vec<WindowId> = observed.records.iter().map(|record| record.id().clone()).collect();
    book_next(run, std::slice::from_ref(&series), &known).await?;
    Ok(Response {
        outcome: outcome.to_owned(),
        message,
        series: vec![series.view(run.now())],
        next_wake: series.next(run.now(), 1).first().map(|next| next.start),
        ..summary(run, action, &done)
    })
}

/// Leaves out the first start of an occurrence that is about to be moved, or the series would book it again.
pub(super) async fn moving(run: Run<'_>, observed: &Observed, record: &Record) -> Result<(), Error> {
    let of = observed.series.iter().find(|series| Some(&series.id) == record.window().series.as_ref());
    let Some(series) = of.filter(|series| !series.skipped.contains(&record.booked.start)) else { return Ok(()) };
    let mut series = series.clone();
    series.skipped.push(record.booked.start);
    run.app.aws.schedules.rekeep(&series, run.target).await.map(drop)
}

/// Ends a series with its booked windows; one that is active goes on to its end.
pub(super) async fn cancel(run: Run<'_>, observed: &Observed, series: Series) -> Result<Response, Error> {
    if let Some(request) = &series.booking {
        run.app.aws.schedules.bury(&series.id, request, run.now() + TOMBSTONE_MAX, run.target).await?;
    }
    let paused = Series { paused: true, ..series };
    let name = ScheduleName::new(&paused.id, Part::Series);
    let message = format!("Series {} is cancelled, with its booked windows.", paused.id);
    let answer = change_series(run, "cancel", observed, paused, "cancelled", message).await?;
    run.app.aws.schedules.delete(&name).await?;
    Ok(Response { series: vec![], next_wake: None, ..answer })
}

fn known_series(observed: &Observed, id: &WindowId) -> Result<Series, Error> {
    observed.series.iter().find(|series| &series.id == id).cloned().ok_or_else(|| {
        let known: Vec<&str> = observed.series.iter().map(|series| series.id.as_str()).collect();
        let known =
            if known.is_empty() { "none is known".to_owned() } else { format!("known are {}", known.join(", ")) };
        Error::InvalidEvent(vec![format!("id: expected a series, but {:?} is none; {known}", id.as_str())])
    })
}
