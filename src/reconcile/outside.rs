//! The site from outside: watched after a change, and asked before one that depends on it.

use std::time::Duration;

use super::state::Settled;
use crate::{
    app::Run,
    plan::{
        RuleState,
        reports::{self, Event},
    },
    probe::{Expect, Sight},
};

/// How long a change is watched for from outside.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of looking outside.
#[derive(Debug)]
pub(super) struct Outside {
    /// What was watched for, and what was seen.
    pub(super) sight: Option<(Expect, Sight)>,
    /// Why visitors could not be told, if they could not.
    pub(super) page_problem: Option<String>,
}

impl Outside {
    /// Drops what was seen if the windows have changed since, so that visitors should now see something else.
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

/// Whether something is about to be reported that shows from outside.
pub(super) fn is_needed(run: Run<'_>, settled: &Settled) -> bool {
    run.app.probe.is_some() && expected(run, settled).is_some()
}

/// Watches for the change: what was watched for, and what was seen.
pub(super) async fn watch(run: Run<'_>, settled: &Settled) -> Option<(Expect, Sight)> {
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
