//! Telling how things stand, what would make a window fail, and what is over. Nothing is changed.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{answers, unknown};
use crate::{
    app::Run,
    aws::{items::Past, store::Search},
    checks,
    config::Problem,
    error::Error,
    event::Inquiry,
    model::{
        id::WindowId,
        table::Table,
        time::spoken,
        window::{Decision, State, Window},
    },
    plan::{self, Obstacle, Plan, RulePlan, RuleState, Scene},
    reconcile::{self, Observed},
    report::{
        finding::Severity,
        help,
        response::Response,
        views::{Actual, PastView, Planned, RuleView, WindowView},
        words,
    },
};

/// Tells how things stand; what cannot be read is told as such.
///
/// # Errors
/// [`Error::InvalidEvent`] if the id is unknown; [`Error::Aws`] when neither rules nor windows can be read.
pub async fn status(run: Run<'_>, id: Option<WindowId>) -> Result<Response, Error> {
    let now = run.now();
    let (rules, table, unseen) = match reconcile::observe(run).await {
        Ok(Observed { rules: Ok(rules), table }) => (Some(rules), table, vec![]),
        Ok(Observed { rules: Err(error), table }) => (None, table, vec![error.full()]),
        Err(error) => {
            // The windows cannot be read; the rules perhaps can.
            let rules = run.app.aws.rules.read(&run.app.config.rules).await?;
            (Some(rules), Table::default(), vec![error.full()])
        }
    };
    let windows_seen = unseen.is_empty() || rules.is_none();
    let is_known = |id: &WindowId| table.window(id).is_some() || table.one_series(id).is_some();
    if let Some(id) = id.as_ref().filter(|id| windows_seen && !is_known(id)) {
        return Err(unknown(&table, id));
    }
    let plan = rules.as_ref().map(|rules| {
        plan::plan(&Scene {
            now,
            config: &run.app.config,
            rules,
            table: &table,
            healthy: None,
            blocked: &BTreeSet::new(),
            changed: &BTreeSet::new(),
            reopen_orphans: false,
        })
    });
    let meant = |other: &WindowId| id.as_ref().is_none_or(|id| id == other);
    let mut shown: Vec<&Window> = table.windows.iter().filter(|window| meant(&window.id)).collect();
    shown.sort_by_key(|window| (window.start, window.id.clone()));
    let dark = plan.iter().flat_map(|plan| &plan.rules).any(|rule| rule.state == RuleState::HeaderOnly);
    let active = shown.iter().any(|window| window.is_covering());
    let outcome = match (&plan, active || dark, windows_seen) {
        (Some(_), false, true) => "open",
        (_, true, _) => "maintenance",
        _ => "unknown",
    };
    let mut warnings: Vec<String> =
        unseen.iter().map(|problem| format!("not everything could be seen: {problem}")).collect();
    warnings.extend(run.app.config.problems.iter().map(Problem::sentence));
    warnings.extend(table.unreadable.values().cloned());
    warnings.extend(plan.iter().flat_map(rule_warnings));
    let views = |rule: &RulePlan| RuleView { arn: rule.arn.clone(), state: rule.state, changed: false };
    Ok(Response {
        outcome: outcome.to_owned(),
        message: headline(&shown, dark, outcome),
        windows: shown.iter().map(|window| WindowView::new(window)).collect(),
        series: table.series.iter().filter(|series| meant(&series.id)).map(|series| series.view(now)).collect(),
        rules: plan.iter().flat_map(|plan| &plan.rules).map(views).collect(),
        next_wake: answers::next_wake(&table.windows, now),
        warnings,
        ..answers::blank("status")
    })
}

fn headline(shown: &[&Window], dark: bool, outcome: &str) -> String {
    let zone = |window: &Window| window.timezone.clone();
    let active: Vec<&&Window> = shown.iter().filter(|window| window.is_covering()).collect();
    let next = shown.iter().find(|window| window.state == State::Booked);
    match (active.as_slice(), next) {
        _ if outcome == "unknown" => "How the site stands could not be seen; the warnings say why.".to_owned(),
        ([], _) if dark => {
            "The site is in maintenance although no window is active; the warnings say what reopens it.".to_owned()
        }
        ([], None) => "The site is open and no window is booked.".to_owned(),
        ([], Some(next)) => {
            format!("The site is open; window {} starts {}.", next.id, spoken(next.start, zone(next).as_deref()))
        }
        ([one, rest @ ..], _) => {
            let zone = zone(one);
            let until = one
                .end
                .map_or("until it is switched off".to_owned(), |end| format!("until {}", spoken(end, zone.as_deref())));
            let more = match rest.len() {
                0 => String::new(),
                1 => ", and one more window is active".to_owned(),
                count => format!(", and {count} more windows are active"),
            };
            let since = spoken(one.start, zone.as_deref());
            format!("The site is in maintenance for window {} since {since} {until}{more}.", one.id)
        }
    }
}

fn rule_warnings(plan: &Plan) -> Vec<String> {
    let mut warnings = vec![];
    for rule in &plan.rules {
        let name = rule.arn.short();
        if rule.change.is_some() {
            warnings.push(format!("rule {name} is not as it should be; the next sweep changes it"));
        }
        match &rule.obstacle {
            Some(Obstacle::Orphaned) => {
                warnings
                    .push(format!("rule {name} is in maintenance for no window; {{\"action\":\"off\"}} reopens it"));
            }
            Some(obstacle) => warnings.push(format!("rule {name} {}", words::obstacle(obstacle))),
            None => {}
        }
    }
    warnings
}

/// Finds what would make a window fail.
///
/// # Errors
/// None but running out of time: what cannot be read is a finding.
pub async fn check(run: Run<'_>, asked: &Inquiry) -> Result<Response, Error> {
    let table = run.app.aws.store.now(run.now()).await;
    let findings = checks::everything(run, asked, table.as_ref()).await;
    let blocks = findings.iter().filter(|finding| finding.severity == Severity::Blocks).count();
    let (outcome, message) = match (blocks, findings.len()) {
        (0, 0) => ("ok", "Nothing was found that would make a window fail.".to_owned()),
        (0, 1) => ("warnings", "A window would work; one thing is worth knowing.".to_owned()),
        (0, all) => ("warnings", format!("A window would work; {all} things are worth knowing.")),
        (1, _) => ("blocked", "A window would fail; one thing must be mended first.".to_owned()),
        (blocks, _) => ("blocked", format!("A window would fail; {blocks} things must be mended first.")),
    };
    Ok(Response { outcome: outcome.to_owned(), message, findings, ..answers::blank("check") })
}

/// Tells what can be sent. Nothing is read for it.
#[must_use]
pub fn help(run: Run<'_>) -> Response {
    Response {
        outcome: "help".to_owned(),
        message: "Each line says what an action does and which fields it has; the examples can be sent as they are."
            .to_owned(),
        help: Some(help::help(run.now(), &run.app.config)),
        ..answers::blank("help")
    }
}

/// Tells what is over, the latest first.
///
/// # Errors
/// [`Error::Aws`] when the history cannot be read.
pub async fn history(
    run: Run<'_>,
    id: Option<WindowId>,
    since: Option<Timestamp>,
    limit: usize,
) -> Result<Response, Error> {
    let search = Search { id, since, limit };
    let found = run.app.aws.store.history(&search, run.now()).await?;
    let message = match found.len() {
        0 => "No window that is over was found.".to_owned(),
        1 => "One window or series that is over was found.".to_owned(),
        count => format!("{count} windows and series that are over were found, the latest first."),
    };
    Ok(Response {
        outcome: "history".to_owned(),
        message,
        history: found.iter().map(past).collect(),
        ..answers::blank("history")
    })
}

fn past(past: &Past) -> PastView {
    let empty: Vec<Decision> = vec![];
    let blank = PastView {
        id: past.id().clone(),
        kind: "window",
        outcome: None,
        planned: None,
        actual: None,
        ended_at: None,
        reason: None,
        requested_by: None,
        series: None,
        decisions: empty,
    };
    match past {
        Past::Window(window) => PastView {
            outcome: window.ending.map(|ending| ending.outcome),
            planned: Some(Planned { start: window.start, end: window.end }),
            actual: Some(Actual::of(window)),
            ended_at: window.reopened_at.or(window.ending.map(|ending| ending.at)),
            reason: window.reason.clone(),
            requested_by: window.requested_by.clone(),
            series: window.series.clone(),
            decisions: window.decisions.clone(),
            ..blank
        },
        Past::Series(series, at) => PastView {
            kind: "series",
            ended_at: Some(*at),
            reason: series.reason.clone(),
            requested_by: series.requested_by.clone(),
            decisions: series.decisions.clone(),
            ..blank
        },
    }
}
