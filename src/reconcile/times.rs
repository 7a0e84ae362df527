//! The times that are noted of a window: when it really started, and when its rules were restored.

use jiff::Timestamp;

use super::{
    LONG,
    state::{Progress, Settled},
};
use crate::{
    app::Run,
    model::{
        note::Note,
        window::{State, Window},
    },
    plan::{Obstacle, RulePlan, reports},
};

/// When a window's rules were first all header-only, or restored, if that shows and was not noted yet.
pub(super) fn of(run: Run<'_>, settled: &Settled, progress: &Progress, window: &Window) -> Note {
    let mut note = Note::default();
    let Some(plan) = &settled.plan else { return note };
    let config = &run.app.config;
    let rules = reports::rules_of(window, plan, &settled.table, config);
    let at = progress.changed_at.unwrap_or_else(|| run.now());
    match window.state {
        State::Active | State::Held if window.started_at.is_none() => {
            note.started_at = reports::are_closed(&rules, config).then_some(at);
        }
        State::Ending if window.reopened_at.is_none() && window.activated_at.is_some() => {
            let stuck = |rule: &RulePlan| rule.obstacle.as_ref().is_some_and(Obstacle::is_stuck);
            let waits = rules.iter().any(|rule| rule.change.is_some() || stuck(rule));
            note.reopened_at = (!waits).then_some(at);
        }
        State::Booked | State::Active | State::Held | State::Ending | State::Over => {}
    }
    note
}

/// Since when its rules may have been as this run found them, if it notes a time of that and changed no rule itself: the
/// run that changed them died before it noted when, or another one is about to.
pub(super) fn found_made_since(progress: &Progress, window: &Window, note: &Note) -> Option<Timestamp> {
    let (at, since) = match (note.started_at, note.reopened_at) {
        (_, Some(at)) => (at, window.ending?.at),
        (Some(at), None) => (at, window.activated_at?),
        (None, None) => return None,
    };
    (progress.changed_at.is_none() && at.duration_since(since) > LONG).then_some(since)
}

/// Notes these times before the site is watched: watching takes up to a minute, in which this run may die.
pub(super) async fn note(run: Run<'_>, settled: &mut Settled, progress: &Progress) {
    for nth in 0..settled.table.windows.len() {
        let window = settled.table.windows[nth].clone();
        let note = of(run, settled, progress, &window);
        if note.started_at.is_none() && note.reopened_at.is_none() {
            continue;
        }
        match run.app.aws.store.note(&window, &note).await {
            Ok(_) => settled.table.windows[nth] = noted(&window, &note),
            Err(error) => {
                tracing::warn!(window.id = %window.id, error = error.full(), "the change could not be noted yet");
            }
        }
    }
}

/// The window with what this run has noted about it.
pub(super) fn noted(window: &Window, note: &Note) -> Window {
    let mut window = window.clone();
    window.told.extend(note.told.iter().cloned());
    window.reports.extend(note.reports.iter().cloned());
    window.started_at = window.started_at.or(note.started_at);
    window.reopened_at = window.reopened_at.or(note.reopened_at);
    window.closed_seen_after_secs = window.closed_seen_after_secs.or(note.closed_seen_after_secs);
    window.opened_seen_after_secs = window.opened_seen_after_secs.or(note.opened_seen_after_secs);
    window
}
