//! How the site stands, made out without changing anything.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{
    observe::{Observed, observe},
    state::Settled,
    visitors::Problem,
};
use crate::{
    app::Run,
    aws::store::Reads,
    model::{
        conditions::names_header,
        rule_arn::RuleArn,
        seen::{Met, Rules, Seen},
        table::Table,
        window::Window,
    },
    plan::{
        self, Form, Input, Obstacle, Plan,
        site::{Site, SiteState, View},
    },
    report::views::VisitorView,
};

/// What a visitor meets within this time of a change may still be what was before it: the load balancer takes some ten
/// seconds, and a cache in front of it may take longer.
const UNSETTLED: SignedDuration = SignedDuration::from_mins(1);

/// How long the load balancer takes to apply a change, with some to spare.
const APPLIED: std::time::Duration = std::time::Duration::from_secs(12);

/// What was read, and what follows from it.
pub struct Present {
    /// How the site stands.
    pub site: Site,
    /// What is due, if the rules could be read.
    pub plan: Option<Plan>,
    /// The present; empty if it could not be read.
    pub table: Table,
    /// Whether it was read.
    pub windows_seen: bool,
    /// What could not be read, a sentence each.
    pub unseen: Vec<String>,
    /// What a visitor got just now, if there is an address and it was asked.
    pub visitor: Option<VisitorView>,
    /// What visitors could not be told just now, if there was something.
    pub unpublished: Option<Problem>,
}

/// Looks at the rules and the table, as far as that is asked for; what cannot be read is told as such.
///
/// The rules are read first, and another run may turn them before the table is read, which takes seconds while AWS is
/// slow or busy. So nobody is told that the rules are not as the windows say before that was seen twice.
pub async fn present(run: Run<'_>, reads: Reads) -> Present {
    let seen = look(run, reads).await;
    match seen.site.state {
        SiteState::OpenUnplanned | SiteState::MaintenanceUnplanned => look(run, reads).await,
        SiteState::Open | SiteState::Maintenance | SiteState::Mixed | SiteState::Broken | SiteState::Unknown => seen,
    }
}

async fn look(run: Run<'_>, reads: Reads) -> Present {
    let now = run.now();
    let (rules, table, windows_seen, unseen) = match observe(run, reads).await {
        Ok(Observed { rules: Ok(rules), table }) => (Some(rules), table, true, vec![]),
        Ok(Observed { rules: Err(error), table }) => (None, table, true, vec![error.full()]),
        // The windows cannot be read; the rules perhaps can.
        Err(error) => match run.app.aws.rules.read(&run.app.config.rules).await {
            Ok(rules) => (Some(rules), Table::default(), false, vec![error.full()]),
            Err(other) => (None, Table::default(), false, vec![error.full(), other.full()]),
        },
    };
    let mut plan = rules.as_ref().map(|rules| planned(run, rules, &table));
    if !windows_seen {
        // Of windows that were not read nobody can say that none covers a rule.
        for rule in plan.iter_mut().flat_map(|plan| &mut plan.rules) {
            rule.obstacle = rule.obstacle.take().filter(|obstacle| *obstacle != Obstacle::Orphaned);
            // A bypass header with a value that was replaced is known by the table only.
            if rules.as_ref().is_some_and(|rules| may_be_closed(run, rules, &rule.arn)) {
                rule.form = rule.form.filter(|form| *form == Form::HeaderOnly);
            }
        }
    }
    let windows = plan.as_ref().map_or(&table.windows, |plan| &plan.windows);
    let view = View {
        now,
        plan: plan.as_ref(),
        windows,
        table: &table,
        managed: &run.app.config.rules,
        unseen: (!unseen.is_empty()).then(|| unseen.join("; ")),
        can_narrow: run.app.config.narrows_nothing().is_none(),
    };
    let site = Site::of(&view);
    Present { site, plan, table, windows_seen, unseen, visitor: None, unpublished: None }
}

/// The same with all of the table, and what a visitor meets now, if there is an address to ask.
pub async fn present_and_outside(run: Run<'_>) -> Present {
    let glance = async {
        match &run.app.probe {
            Some(probe) => Some(probe.glance().await),
            None => None,
        }
    };
    let (mut present, glance) = tokio::join!(present(run, Reads::All), glance);
    let Some(mut glance) = glance else { return present };
    if is_settled(run, &present.table) {
        if let (SiteState::Open, Met::Maintenance, Some(probe)) =
            (present.site.state, glance.visitor.met(), &run.app.probe)
        {
            // A window that has just become history leaves no trace in the present: perhaps the rule was opened just now.
            tokio::time::sleep(APPLIED).await;
            glance = probe.glance().await;
        }
        present.site.met(glance.visitor.met(), &glance.visitor.to_string());
    }
    let (met, got) = (glance.visitor.met(), glance.visitor.to_string());
    present.visitor = Some(VisitorView { met, got, after_secs: None });
    present
}

/// What is due, for somebody who has done nothing yet.
pub(super) fn planned(run: Run<'_>, rules: &Rules, table: &Table) -> Plan {
    plan::plan(&Input {
        now: run.now(),
        config: &run.app.config,
        rules,
        table,
        healthy: None,
        blocked: &BTreeSet::new(),
        changed: &BTreeSet::new(),
        reopen_orphans: false,
    })
}

/// How the site stands after a run, whose windows may have been noted since.
pub(super) fn after(run: Run<'_>, settled: &Settled, windows: &[Window]) -> Site {
    Site::of(&View {
        now: run.now(),
        plan: settled.plan.as_ref(),
        windows,
        table: &settled.table,
        managed: &run.app.config.rules,
        unseen: settled.rules_error.as_ref().map(crate::error::Error::full),
        can_narrow: run.app.config.narrows_nothing().is_none(),
    })
}

/// Whether a rule demands a header of the bypass header's name, whatever its value.
fn may_be_closed(run: Run<'_>, rules: &Rules, arn: &RuleArn) -> bool {
    let Some(bypass) = &run.app.config.bypass else { return true };
    match rules.seen.get(arn) {
        Some(Seen::Conditions(demanded) | Seen::Unsupported { known: demanded, .. }) => {
            demanded.iter().any(|condition| names_header(condition, &bypass.name))
        }
        Some(Seen::Gone) | None => false,
    }
}

/// Whether no rule was changed just now, as far as the table tells.
fn is_settled(run: Run<'_>, table: &Table) -> bool {
    let long_ago = |at: jiff::Timestamp| run.now().duration_since(at) >= UNSETTLED;
    table.rules.values().all(|rule| long_ago(rule.saved_at))
        && table.windows.iter().all(|window| {
            let moments = [window.activated_at, window.started_at, window.reopened_at, window.ending.map(|end| end.at)];
            moments.into_iter().flatten().all(long_ago)
        })
}
