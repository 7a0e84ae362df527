//! The site from outside: watched after a change, asked before one that depends on it, and what its visitors' page is
//! told.

use std::time::Duration;

use jiff::Timestamp;

use super::state::Settled;
use crate::{
    app::Run,
    aws::page::Notice,
    model::window::{Outcome, State, Window},
    plan::{
        Plan, RuleState,
        reports::{self, Event},
    },
    probe::{Expect, Sight},
};

/// How long a change is watched for from outside.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of looking outside.
#[derive(Debug, Default)]
pub(super) struct Outside {
    /// What was watched for, and what was seen.
    pub(super) sight: Option<(Expect, Sight)>,
    /// Why the visitors' page could not be told, if it could not.
    pub(super) page_problem: Option<String>,
}

impl Outside {
    /// What was seen means nothing to what has become of the windows since.
    pub(super) fn forget_unless_expected(&mut self, run: Run<'_>, settled: &Settled) {
        let now_expected = expected(run, settled);
        self.sight = self.sight.take().filter(|(expect, _)| now_expected == Some(*expect));
    }

    /// What was seen, if it was watched for because of such a report.
    pub(super) fn sight_of(&self, event: Event) -> Option<&Sight> {
        let meant = match event {
            Event::Started => Expect::Maintenance,
            Event::Completed => Expect::Open,
            _ => return None,
        };
        self.sight.as_ref().filter(|(expect, _)| *expect == meant).map(|(_, sight)| sight)
    }
}

/// Whether a tester's request succeeds.
pub(super) async fn is_healthy(run: Run<'_>) -> bool {
    match &run.app.probe {
        Some(probe) => probe.glance().await.tester_is_well(),
        None => false,
    }
}

/// Whether something is about to be reported that shows from outside, or that the visitors' page is to be told.
pub(super) fn is_needed(run: Run<'_>, settled: &Settled) -> bool {
    (run.app.probe.is_some() && expected(run, settled).is_some()) || (run.app.page.is_some() && is_news(run, settled))
}

/// Watches for the change, and tells the visitors' page at the same time.
pub(super) async fn look(run: Run<'_>, settled: &Settled) -> Outside {
    let (sight, page_problem) = tokio::join!(watch(run, settled), tell_page(run, settled));
    Outside { sight, page_problem }
}

async fn watch(run: Run<'_>, settled: &Settled) -> Option<(Expect, Sight)> {
    let probe = run.app.probe.as_ref()?;
    let expect = expected(run, settled)?;
    Some((expect, probe.watch(expect, PATIENCE).await))
}

/// What visitors should see, if a start or an end is about to be reported. One URL shows one state, so nothing is asked
/// while some rules are open and others are not.
fn expected(run: Run<'_>, settled: &Settled) -> Option<Expect> {
    let plan = settled.plan.as_ref()?;
    let reported = |event: Event| event == Event::Started || event == Event::Completed;
    let (table, config) = (&settled.table, &run.app.config);
    let mut due = table.windows.iter().flat_map(|window| reports::all(window, Some(plan), table, config, run.now()));
    if !due.any(|due| reported(due.event)) {
        return None;
    }
    let all = |state: RuleState| !plan.rules.is_empty() && plan.rules.iter().all(|rule| rule.state == state);
    match (all(RuleState::HeaderOnly), all(RuleState::Open)) {
        (true, _) => Some(Expect::Maintenance),
        (_, true) => Some(Expect::Open),
        _ => None,
    }
}

/// Whether the visitors' page has something new to show.
fn is_news(run: Run<'_>, settled: &Settled) -> bool {
    let Some(plan) = &settled.plan else { return false };
    settled.table.windows.iter().any(|window| concerns_page(run, settled, plan, window))
}

fn concerns_page(run: Run<'_>, settled: &Settled, plan: &Plan, window: &Window) -> bool {
    let rules = reports::rules_of(window, plan, &settled.table, &run.app.config);
    let due = reports::by_clock(window, &run.app.config, run.now());
    let has = |event: Event| due.iter().any(|due| due.event == event);
    match window.state {
        State::Active => {
            has(Event::Extended) || has(Event::Edited) || reports::started(window, &rules, &run.app.config).is_some()
        }
        State::Held => has(Event::Overrunning) || has(Event::Edited),
        State::Ending => {
            window.ending.is_some_and(|ending| ending.outcome == Outcome::Completed)
                && reports::ended(window, &rules).is_some()
        }
        State::Booked | State::Over => false,
    }
}

/// Tells the visitors' page when maintenance ends, if that has changed; says why if it could not.
async fn tell_page(run: Run<'_>, settled: &Settled) -> Option<String> {
    let page = run.app.page.as_ref()?;
    if !is_news(run, settled) {
        return None;
    }
    let covering: Vec<&Window> = settled.table.windows.iter().filter(|window| window.is_covering()).collect();
    // With several windows the last end counts, and one without an end hides all others.
    let end = |window: &&Window| window.end.filter(|_| window.state == State::Active);
    let ends: Option<Vec<Timestamp>> = covering.iter().map(end).collect();
    let message = covering.iter().find_map(|window| window.message.clone());
    let notice = (!covering.is_empty()).then(|| Notice { end: ends.and_then(|ends| ends.into_iter().max()), message });
    let problem = page.tell(notice.as_ref()).await.err()?;
    tracing::warn!(problem, "the visitors' page was not told");
    Some(problem)
}
