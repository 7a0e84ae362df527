//! Telling what is over: windows and series, what was decided about them, and what was reported. Nothing is changed.

use jiff::Timestamp;
use serde_json::json;

use super::answers;
use crate::{
    app::Run,
    aws::{items::Past, past::More},
    error::Error,
    event::{Format, Search},
    model::{after::Measured, series::Series, window::Window},
    report::{
        csv,
        response::Response,
        views::{Actual, PastView, Planned, Sent},
        words::remedy,
    },
};

/// Tells what is over, the latest first, and whether there is more.
///
/// # Errors
/// [`Error::Aws`] when the history cannot be read.
pub async fn history(run: Run<'_>, search: &Search, format: Format) -> Result<Response, Error> {
    let found = run.app.aws.store.history(search, run.now()).await?;
    let message = match (found.past.len(), found.more) {
        (0, _) => "No window that is over was found.".to_owned(),
        (1, None) => "One window or series that is over was found.".to_owned(),
        (1, Some(_)) => {
            "More than one window or series that is over was found. This is the latest; there are more.".to_owned()
        }
        (count, None) => format!("{count} windows and series that are over were found, the latest first."),
        (count, Some(_)) => {
            format!(
                "More than {count} windows and series that are over were found. These are the latest {count}, the latest \
                 first; there are more."
            )
        }
    };
    let next_steps = found.more.map(|more| older(search, format, more)).into_iter().collect();
    let more = found.more.is_some();
    let history: Vec<PastView> = found.past.iter().map(past).collect();
    let (history, csv) = match format {
        Format::Json => (history, None),
        Format::Csv => (vec![], Some(csv::table(&history))),
    };
    let outcome = "history".to_owned();
    Ok(Response { outcome, message, next_steps, history, more, csv, ..answers::blank("history") })
}

/// How to get what is older than what is told.
fn older(search: &Search, format: Format, more: More) -> String {
    let (until, limit) = match more {
        More::Before(moment) => (Some(moment), search.limit),
        More::SameMoment if search.limit < Search::LIMIT_MAX => (search.until, Search::LIMIT_MAX),
        More::SameMoment => {
            return "to see the older ones, ask for each by its id: so many were over at once".to_owned();
        }
    };
    let mut event = json!({ "action": "history" });
    let mut add = |field: &str, value: Option<String>| {
        if let Some(value) = value {
            event[field] = value.into();
        }
    };
    add("id", search.id.as_ref().map(ToString::to_string));
    add("since", search.since.map(|since| since.to_string()));
    add("until", until.map(|until| until.to_string()));
    add("format", (format == Format::Csv).then(|| "csv".to_owned()));
    if limit != format.usual_limit() {
        event["limit"] = limit.into();
    }
    remedy("to see the older ones", &event)
}

fn past(past: &Past) -> PastView {
    match past {
        Past::Window(window, measured) => of_window(window, measured),
        Past::Series(series, at) => of_series(series, *at),
    }
}

fn of_window(window: &Window, measured: &Measured) -> PastView {
    let ended_at = window.reopened_at.or(window.ending.map(|ending| ending.at));
    PastView {
        id: window.id.clone(),
        kind: "window",
        outcome: window.ending.map(|ending| ending.outcome),
        planned: Some(Planned { start: window.start, end: window.end }),
        actual: Some(Actual::of(window)),
        closed_seen_after_secs: window.closed_seen_after_secs,
        opened_seen_after_secs: window.opened_seen_after_secs,
        turned_away: measured.turned_away,
        muted: ended_at.map(|at| window.has_muted(at).into_iter().collect()).unwrap_or_default(),
        in_alarm: measured.in_alarm.clone(),
        ended_at,
        reason: window.reason.clone(),
        requested_by: window.requested_by.clone(),
        series: window.series.clone(),
        decisions: window.decisions.clone(),
        reports: window.reports.iter().filter_map(|sent| Sent::read(sent)).collect(),
    }
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
