//! Telling what is over: windows and series, what was decided about them, and what was reported. Nothing is changed.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::answers;
use crate::{
    app::Run,
    aws::items::Past,
    error::Error,
    event::{Format, Search},
    model::{after::Books, series::Series, window::Window},
    report::{
        csv,
        response::Response,
        views::{Actual, PastView, Planned, Sent},
    },
};

/// Tells what is over, the latest first.
///
/// # Errors
/// [`Error::Aws`] when the history cannot be read.
pub async fn history(run: Run<'_>, search: &Search, format: Format) -> Result<Response, Error> {
    let found = run.app.aws.store.history(search, run.now()).await?;
    let message = match found.len() {
        0 => "No window that is over was found.".to_owned(),
        1 => "One window or series that is over was found.".to_owned(),
        count => format!("{count} windows and series that are over were found, the latest first."),
    };
    let history: Vec<PastView> = found.iter().map(past).collect();
    let (history, csv) = match format {
        Format::Json => (history, None),
        Format::Csv => (vec![], Some(csv::table(&history))),
    };
    Ok(Response { outcome: "history".to_owned(), message, history, csv, ..answers::blank("history") })
}

fn past(past: &Past) -> PastView {
    match past {
        Past::Window(window, books) => of_window(window, books),
        Past::Series(series, at) => of_series(series, *at),
    }
}

fn of_window(window: &Window, books: &Books) -> PastView {
    PastView {
        id: window.id.clone(),
        kind: "window",
        outcome: window.ending.map(|ending| ending.outcome),
        planned: Some(Planned { start: window.start, end: window.end }),
        actual: Some(Actual::of(window)),
        closed_seen_after_secs: window.closed_seen_after_secs,
        opened_seen_after_secs: window.opened_seen_after_secs,
        turned_away: books.turned_away,
        muted: muted(window),
        in_alarm: books.in_alarm.clone(),
        ended_at: window.reopened_at.or(window.ending.map(|ending| ending.at)),
        reason: window.reason.clone(),
        requested_by: window.requested_by.clone(),
        series: window.series.clone(),
        decisions: window.decisions.clone(),
        reports: window.reports.iter().filter_map(|sent| Sent::read(sent)).collect(),
    }
}

/// The alarms that it muted.
fn muted(window: &Window) -> Vec<String> {
    let made = window.mutes.iter().filter(|mute| mute.made).flat_map(|mute| mute.alarms.iter().cloned());
    made.collect::<BTreeSet<_>>().into_iter().collect()
}

fn of_series(series: &Series, at: Timestamp) -> PastView {
    PastView {
        id: series.id.clone(),
        kind: "series",
        outcome: None,
        planned: None,
        actual: None,
        closed_seen_after_secs: None,
        opened_seen_after_secs: None,
        turned_away: None,
        muted: vec![],
        in_alarm: vec![],
        ended_at: Some(at),
        reason: series.reason.clone(),
        requested_by: series.requested_by.clone(),
        series: None,
        decisions: series.decisions.clone(),
        reports: vec![],
    }
}
