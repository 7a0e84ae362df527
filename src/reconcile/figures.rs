//! The figures of what goes on; nothing of a site that was open and stays so.

use jiff::SignedDuration;

use super::{
    outside::Outside,
    state::{Progress, Settled},
};
use crate::{
    app::Run,
    model::window::{Outcome, State, Window},
    plan::{Form, Obstacle, Plan, RulePlan, RuleState, reports},
    report::{
        metrics::{self, Measure, Metric},
        views::Actual,
    },
};

/// A start or an end that was noted within this run: any earlier one was measured then.
const FRESH: SignedDuration = SignedDuration::from_secs(75);

/// Writes the figures down.
pub(super) fn measure(run: Run<'_>, settled: &Settled, progress: &Progress, outside: &Outside) {
    let Some(plan) = &settled.plan else { return };
    let now = run.now();
    let mut measures: Vec<Measure> = plan
        .rules
        .iter()
        .filter(|rule| rule.form == Some(Form::HeaderOnly) || progress.changed.contains(&rule.arn))
        .map(|rule| Measure {
            metric: Metric::MaintenanceActive,
            value: i64::from(rule.form == Some(Form::HeaderOnly)),
            rule: Some(rule.arn.clone()),
        })
        .collect();
    let figure = |metric, value| Measure { metric, value, rule: None };
    for window in &settled.table.windows {
        let actual = Actual::of(window);
        let is_fresh = |at: jiff::Timestamp| now.duration_since(at) < FRESH && progress.touched.contains(&window.uid);
        if window.state == State::Active && window.started_at.is_some_and(is_fresh) {
            measures.extend(actual.start_late_secs.map(|secs| figure(Metric::StartLateSeconds, secs)));
        }
        if ended_now(window) {
            measures.extend(actual.end_late_secs.map(|secs| figure(Metric::EndLateSeconds, secs)));
        }
        let over = window.end.filter(|end| *end < now && overruns(run, settled, plan, window));
        measures.extend(over.map(|end| figure(Metric::OverrunSeconds, now.duration_since(end).as_secs())));
    }
    let drifted = plan.rules.iter().filter(|rule| has_drifted(rule, settled, plan, run)).count();
    if drifted > 0 {
        measures.push(figure(Metric::Drift, i64::try_from(drifted).unwrap_or(i64::MAX)));
    }
    let seen = outside.sight.as_ref().map(|(_, sight)| sight).filter(|sight| sight.seen);
    measures.extend(seen.map(|sight| figure(Metric::SeenAfterSeconds, sight.after_secs)));
    for line in metrics::lines(&measures, &run.app.config.table, now) {
        (run.app.figures)(&line);
    }
}

/// Whether the window's end is reported by this run.
fn ended_now(window: &Window) -> bool {
    let completed = window.ending.is_some_and(|ending| ending.outcome == Outcome::Completed);
    window.state == State::Ending && completed && window.was_told("completed")
}

/// Whether the window keeps rules past its end.
fn overruns(run: Run<'_>, settled: &Settled, plan: &Plan, window: &Window) -> bool {
    let rules = reports::rules_of(window, plan, &settled.table, &run.app.config);
    let kept = |rule: &&RulePlan| rule.change.is_some() || rule.obstacle.as_ref().is_some_and(Obstacle::is_stuck);
    match window.state {
        State::Held => true,
        State::Ending | State::Active => rules.iter().any(|rule| rule.state != RuleState::Open && kept(rule)),
        State::Booked | State::Over => false,
    }
}

/// Whether someone else changed or removed the rule, or it is header-only for no window.
fn has_drifted(rule: &RulePlan, settled: &Settled, plan: &Plan, run: Run<'_>) -> bool {
    let under_way = plan.windows.iter().any(|window| {
        window.state != State::Booked && window.rules.covers(&rule.arn, run.app.config.rules.contains(&rule.arn))
    });
    let obstructed = rule
        .obstacle
        .as_ref()
        .is_some_and(|obstacle| obstacle.waits_for_off() || (under_way && obstacle.is_others_doing()));
    let just_now = settled
        .table
        .rules
        .get(&rule.arn)
        .and_then(|saved| saved.drift)
        .is_some_and(|drift| under_way && run.now().duration_since(drift.at) < FRESH);
    obstructed || rule.left_alone.is_some() || just_now
}
