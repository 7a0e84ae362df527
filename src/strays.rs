//! What no window accounts for: header-only rules without a record, and schedules that outlived theirs.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::{
    arn::RuleArn,
    conditions::{self, BypassNames},
    error::Error,
    plan::{RuleState, Seen},
    reconcile::Run,
    record::{Letter, Part, ScheduleName},
    report::{Event, Report, RuleLine, remedy},
    window::WindowId,
};

/// How long a finding about a rule without a window stands before it is told again.
const DRIFT_MEMORY: SignedDuration = SignedDuration::from_hours(24);

/// Looks for what no window accounts for: header-only rules, and schedules without a record. Only the sweep does this,
/// five minutes apart, because a list may lag behind: what it finds once is noted, what it finds again is reported.
///
/// # Errors
/// [`Error::Aws`] when a call fails.
pub async fn tidy(run: Run<'_>, listed: &[ScheduleName], known: &[WindowId], strays: &[RuleArn]) -> Result<(), Error> {
    let schedules = &run.app.aws.schedules;
    let seen = |rule: &RuleArn| -> Option<ScheduleName> {
        let id = format!("rule-{}", rule.id()).parse().ok()?;
        Some(ScheduleName::new(&id, Part::Drift(1)))
    };
    for rule in strays {
        let Some(first) = seen(rule) else { continue };
        let told = ScheduleName::new(&first.id, Part::Drift(2));
        let next = if !listed.contains(&first) {
            first
        } else if listed.contains(&told) {
            continue;
        } else {
            tell_stray(run, rule).await?;
            told
        };
        let until = run.now() + DRIFT_MEMORY;
        schedules.wake(&next, until, &Letter::wake(&next.id, until), run.target).await?;
    }
    let current: BTreeSet<WindowId> = strays.iter().filter_map(seen).map(|name| name.id).collect();
    for name in listed {
        let idle = match name.part {
            Part::Drift(_) => !current.contains(&name.id),
            Part::Record | Part::Series | Part::Tombstone(_) => false,
            Part::Amendment(_) | Part::Start(_) | Part::Remind(..) | Part::Warn(_) => {
                !known.contains(&name.id) && schedules.is_free(&name.id).await?
            }
        };
        if idle {
            schedules.delete(name).await?;
            tracing::info!(schedule.name = %name, "leftover schedule deleted");
        }
    }
    Ok(())
}

async fn tell_stray(run: Run<'_>, rule: &RuleArn) -> Result<(), Error> {
    let line = RuleLine { arn: rule.clone(), state: RuleState::HeaderOnly };
    let mut report = Report::of_rules(Event::Drift, vec![line], run.now(), rule.as_str());
    report
        .notes
        .push(format!("rule {} lets only testers through, but no window is booked or active for it", rule.short()));
    report.next_steps.push(remedy("to reopen it", &serde_json::json!({ "action": "off" })));
    run.app.aws.topic.publish(&report).await?;
    tracing::warn!(rule.arn = %rule, "rule is header-only without a window");
    Ok(())
}

/// Reopens rules that are header-only for no window; returns those it reopened.
pub async fn reopen(run: Run<'_>, strays: &[RuleArn]) -> Result<Vec<RuleArn>, Error> {
    if strays.is_empty() {
        return Ok(vec![]);
    }
    let names = BypassNames::new([run.app.config.bypass.name.as_str()]);
    let mut reopened = vec![];
    let mut left = vec![];
    for (rule, seen) in run.app.aws.rules.read(strays).await? {
        match seen {
            Seen::Conditions(found) if conditions::demands_bypass(&found, &names) => {
                let to = conditions::reopened(&found, &names);
                match run.app.aws.rules.restore(&rule, &to).await {
                    Ok(()) => reopened.push(rule),
                    Err(error) => left.push(error.full()),
                }
            }
            Seen::Unsupported { why, .. } => left.push(format!("rule {} {why}; mend it by hand", rule.short())),
            Seen::Conditions(_) | Seen::Gone => {}
        }
    }
    if !reopened.is_empty() {
        let lines = reopened.iter().map(|arn| RuleLine { arn: arn.clone(), state: RuleState::Open }).collect();
        let mut report = Report::of_rules(Event::Completed, lines, run.now(), run.request);
        report.notes.push("these rules were in maintenance for no window, and were reopened by hand".to_owned());
        run.app.aws.topic.publish(&report).await?;
    }
    if left.is_empty() { Ok(reopened) } else { Err(Error::Incomplete(left)) }
}
