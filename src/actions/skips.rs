//! Leaving out one start of a series, and taking that back.

use jiff::{SignedDuration, Timestamp};

use super::{
    Decided, Verdict, decide, known_series, own_time,
    recurring::{cancelled, changed, decided_about, is_booked_for, repeated},
    with_decision,
};
use crate::{
    app::Run,
    aws::items::Write,
    error::Error,
    event::Asked,
    model::{
        id::WindowId,
        series::Series,
        table::Table,
        time,
        window::{DecisionKind, State, Window},
        written_time::WrittenTime,
    },
    report::response::Response,
};

/// How many starts after one that is no longer left out are looked at.
const LATER_MAX: usize = 1000;

/// Leaves out one occurrence of a series, cancelling its window if it is booked already; without a start the one that
/// would close the site next.
///
/// # Errors
/// [`Error::InvalidEvent`] if there is no such series or occurrence; otherwise as
/// [`crate::reconcile::reconcile`] and [`crate::reconcile::Done::complete`].
pub async fn skip(run: Run<'_>, id: &WindowId, start: Option<WrittenTime>, asked: &Asked) -> Result<Response, Error> {
    let decided = decide(run, DecisionKind::Skip, |table, now| {
        let mut series = known_series(table, id)?.clone();
        let at = match &start {
            None => series.coming(&table.windows, now, 1).first().map(|next| next.start),
            Some(start) => Some(own_time(Some(&series.timezone), "start", start, now)?),
        };
        // A window is left out where it would close the site, wherever it was moved to.
        let starts_then = |window: &&Window| is_booked_for(window, id) && Some(window.start) == at;
        let window = table.windows.iter().find(starts_then);
        let may_be = |at: &Timestamp| *at > now && (window.is_some() || series.has_occurrence(*at));
        let Some(at) = at.filter(may_be) else { return Err(no_start(&series, table, now)) };
        // What is taken back later is the start that the series itself has.
        let occurrence =
            window.and_then(|window| window.occurrence).filter(|_| !series.has_occurrence(at)).unwrap_or(at);
        let told = |at| time::spoken(at, Some(&series.timezone));
        let has_no_window = window.is_none() && series.booked_until.is_some_and(|until| at <= until);
        let message = if has_no_window && !series.skipped.contains(&at) {
            gone(table, id, at, told)
        } else if occurrence == at {
            format!("Series {id} leaves out {}.", told(at))
        } else {
            let back = if occurrence > now { "unskip books it at that time" } else { "unskip cannot take that back" };
            format!(
                "Series {id} leaves out {}, where its window of {} was moved to; {back}.",
                told(at),
                told(occurrence)
            )
        };
        let mut writes = cancelled(table, starts_then, now, DecisionKind::Skip, asked);
        let is_new = window.is_some() || !(has_no_window || series.skipped.contains(&at));
        if is_new {
            series.forget_passed(now);
            series.skipped.retain(|skipped| *skipped != occurrence);
            series.skipped.push(occurrence);
            decided_about(&mut series, now, DecisionKind::Skip, Some(at), asked);
            writes.push(Write::Series(series.clone()));
        }
        Ok(Verdict { what: (series, message, is_new), writes, about: vec![id.clone()] })
    });
    match decided.await? {
        Decided::New((decided, message, is_new)) => {
            changed(run, DecisionKind::Skip, id, is_new.then_some((&decided, "skipped")), |_| message.clone()).await
        }
        Decided::Before(before) => repeated(run, DecisionKind::Skip, id, &before).await,
    }
}

fn no_start(series: &Series, table: &Table, now: Timestamp) -> Error {
    let view = series.view(&table.windows, now);
    let next: Vec<String> = view.next.iter().map(ToString::to_string).collect();
    Error::InvalidEvent(vec![match next.as_slice() {
        [] => format!("start: expected a start to come, but series {} has none: {}", series.id, view.notes.join("; ")),
        next => format!("start: expected one of the starts to come ({}), but found none like it", next.join(", ")),
    }])
}

/// That a start has no window any more, and where that went.
fn gone(table: &Table, id: &WindowId, start: Timestamp, told: impl Fn(Timestamp) -> String) -> String {
    let is_its =
        |window: &&Window| window.is_of(id) && window.occurrence == Some(start) && window.state != State::Ending;
    let went = match table.windows.iter().find(is_its) {
        Some(window) => format!("its window {} was moved to {}, and stays", window.id, told(window.start)),
        None => "its window of then was cancelled".to_owned(),
    };
    format!("Nothing was changed: series {id} has no window at {}; {went}.", told(start))
}

/// Takes back that one occurrence of a series is left out; its window is booked again.
///
/// # Errors
/// As [`skip`].
pub async fn unskip(run: Run<'_>, id: &WindowId, start: Option<WrittenTime>, asked: &Asked) -> Result<Response, Error> {
    let decided = decide(run, DecisionKind::Unskip, |table, now| {
        let mut series = known_series(table, id)?.clone();
        let mut left_out: Vec<Timestamp> = series.skipped.iter().copied().filter(|skipped| *skipped > now).collect();
        left_out.sort();
        let asked_for =
            start.as_ref().map(|start| own_time(Some(&series.timezone), "start", start, now)).transpose()?;
        let Some(start) = asked_for.or(left_out.first().copied()).filter(|start| left_out.contains(start)) else {
            let told: Vec<String> = left_out.iter().map(ToString::to_string).collect();
            let found = if told.is_empty() { "none is left out".to_owned() } else { told.join(", ") };
            return Err(Error::InvalidEvent(vec![format!(
                "start: expected a start to come that is left out ({found}), but found none like it"
            )]));
        };
        series.forget_passed(now);
        series.skipped.retain(|skipped| *skipped != start);
        let mut writes = rewound(&mut series, table, start, now, asked);
        decided_about(&mut series, now, DecisionKind::Unskip, Some(start), asked);
        writes.push(Write::Series(series.clone()));
        Ok(Verdict { what: (series, start), writes, about: vec![id.clone()] })
    });
    match decided.await? {
        Decided::New((series, start)) => {
            let told = time::spoken(start, Some(&series.timezone));
            let message = |_: &Series| format!("Series {id} no longer leaves out {told}.");
            changed(run, DecisionKind::Unskip, id, Some((&series, "unskipped")), message).await
        }
        Decided::Before(before) => repeated(run, DecisionKind::Unskip, id, &before).await,
    }
}

/// Puts the cursor of a series before `start`, so that it is booked again, and returns what else is to be written.
///
/// What a person cancelled or moved among the later ones does not come back: it is left out from now on. Windows that
/// stay booked are written too, so that somebody who cancels one at this moment decides anew.
fn rewound(series: &mut Series, table: &Table, start: Timestamp, now: Timestamp, asked: &Asked) -> Vec<Write> {
    let own = |window: &&Window| window.is_of(&series.id);
    let windows: Vec<&Window> = table.windows.iter().filter(own).collect();
    let Some(until) = series.booked_until.filter(|until| *until >= start) else { return vec![] };
    if windows.iter().any(|window| window.occurrence == Some(start) && window.state != State::Ending) {
        // It was moved, and is a window of its own.
        return vec![];
    }
    let in_place = |start: Timestamp| {
        windows
            .iter()
            .copied()
            .find(|window| window.state == State::Booked && window.occurrence == Some(start) && window.start == start)
    };
    let going_on = Series { paused: false, ..series.clone() };
    let later = going_on.next(start, LATER_MAX).into_iter().map(|next| next.start).filter(|later| *later <= until);
    let mut writes = vec![];
    let mut left_out = vec![];
    for later in later {
        match in_place(later) {
            Some(window) => {
                writes.push(Write::Window(with_decision(window.clone(), now, DecisionKind::Unskip, asked)));
            }
            None => left_out.push(later),
        }
    }
    series.skipped.extend(left_out);
    series.booked_until = Some(time::shifted(start, -SignedDuration::from_secs(1)));
    writes
}

/// The series of a window that is cancelled or moved, if the occurrence would be booked once more: then it is left out.
pub(super) fn leaving_out(table: &Table, window: &Window, now: Timestamp) -> Option<Write> {
    let occurrence = window.occurrence.filter(|occurrence| *occurrence > now)?;
    let series = table.one_series(window.series.as_ref()?)?;
    let is_behind = series.booked_until.is_none_or(|until| until < occurrence);
    let fresh = is_behind && !series.skipped.contains(&occurrence);
    fresh.then(|| {
        let mut series = series.clone();
        series.skipped.push(occurrence);
        Write::Series(series)
    })
}
