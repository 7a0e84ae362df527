//! Telling how things stand, and what would make a window fail. Nothing is changed.

use jiff::Timestamp;

use super::{answers, unknown};
use crate::{
    app::Run,
    aws::store::Reads,
    checks,
    config::Problem,
    error::Error,
    event::Inquiry,
    model::{after::After, id::WindowId, table::Table, time::spoken, window::Window},
    plan::{Plan, RulePlan, site::Site, unworkable},
    reconcile::{self, Present},
    report::{
        finding::Severity,
        help,
        response::Response,
        site,
        views::{RuleView, WindowView},
        words,
    },
};

/// Tells how things stand; what cannot be read is told as such.
///
/// # Errors
/// [`Error::InvalidEvent`] if the id is unknown.
pub async fn status(run: Run<'_>, id: Option<WindowId>) -> Result<Response, Error> {
    let mut present = reconcile::present_and_outside(run).await;
    // Nobody is told to send what would be refused, and only the listeners tell of their default.
    if site::offers_start(&present.site) {
        let config = &run.app.config;
        let seen = checks::listeners(run, &config.rules).await;
        let findings = checks::rules(&config.rules, &seen, &present.table, config.bypass.as_ref());
        present.site.cannot_close = findings.iter().any(|finding| finding.severity == Severity::Error);
    }
    told(run, present, id.as_ref())
}

/// The same of everything, without asking the site, and with what will not work as booked; and why the windows could not
/// be read, if they could not.
pub async fn glance(run: Run<'_>) -> (Response, Option<String>) {
    let present = reconcile::present(run, Reads::All).await;
    let unread = if present.windows_seen { None } else { present.unseen.first().cloned() };
    let unworkable =
        present.plan.as_ref().map(|plan| unworkable::unworkable(plan, &run.app.config.rules)).unwrap_or_default();
    // Only an id can be refused.
    let mut answer = told(run, present, None).unwrap_or_default();
    answer.warnings.extend(unworkable.iter().map(answers::will_not_work));
    (answer, unread)
}

fn told(run: Run<'_>, present: Present, id: Option<&WindowId>) -> Result<Response, Error> {
    let now = run.now();
    let Present { site, plan, table, windows_seen, unseen, visitor, .. } = present;
    let is_known = |id: &WindowId| table.window(id).is_some() || table.one_series(id).is_some();
    if let Some(id) = id.filter(|id| windows_seen && !is_known(id)) {
        return Err(unknown(&table, id));
    }
    let meant = |other: &WindowId| id.is_none_or(|id| id == other);
    let mut shown: Vec<&Window> = table.windows.iter().filter(|window| meant(&window.id)).collect();
    shown.sort_by_key(|window| (window.start, window.id.clone()));
    let mut warnings: Vec<String> =
        unseen.iter().map(|problem| format!("not everything could be seen: {problem}")).collect();
    warnings.extend(run.app.config.problems.iter().map(Problem::sentence));
    warnings.extend(table.unreadable.values().cloned());
    warnings.extend(table.windows.iter().flat_map(Window::unmuted));
    warnings.extend(table.windows.iter().flat_map(Window::still_muted));
    warnings.extend(table.windows.iter().filter_map(|window| {
        let since = window.lingers_since(now)?;
        Some(format!("window {}: {}", window.id, words::lingers(since)))
    }));
    // Of one whose rules are not open yet the first sentences tell.
    let is_over = |window: &&Window| !site.has_yet_to_open(window);
    warnings.extend(table.windows.iter().filter(is_over).filter_map(|window| {
        Some(format!("window {} {}", window.id, words::untold(window.untold_since(now)?, window.timezone.as_deref())))
    }));
    warnings.extend(table.after.iter().filter_map(After::warning));
    warnings.extend(plan.iter().flat_map(rule_warnings));
    warnings.extend(table.untold(now).filter(|_| run.app.bucket.is_some()));
    let view = |rule: &RulePlan| RuleView { arn: rule.arn.clone(), state: rule.state, changed: false };
    Ok(Response {
        outcome: site.state.word().to_owned(),
        message: id.map(|id| one(id, &table, now)).unwrap_or_default(),
        site: Some(site),
        windows: shown.iter().map(|window| WindowView::new(window)).collect(),
        series: table
            .series
            .iter()
            .filter(|series| meant(&series.id))
            .map(|series| series.view(&table.windows, now))
            .collect(),
        rules: plan.iter().flat_map(|plan| &plan.rules).map(view).collect(),
        visitor,
        next_change: answers::next_change(&table.windows, &table, now),
        warnings,
        ..answers::blank("status")
    })
}

/// How the window or series stands that was asked for.
fn one(id: &WindowId, table: &Table, now: Timestamp) -> String {
    if let Some(window) = table.window(id) {
        let stands = answers::stands(window, now, window.timezone.as_deref());
        return format!("Window {id} is {stands}.{}", answers::announced(table, window));
    }
    let Some(series) = table.one_series(id) else { return format!("Of {id} nothing could be read.") };
    match series.view(&table.windows, now) {
        view if view.paused => format!("Series {id} books no window until it is resumed."),
        view => {
            let told = |starts: &[Timestamp]| -> String {
                starts.iter().map(|start| spoken(*start, Some(&view.timezone))).collect::<Vec<_>>().join(", ")
            };
            let next = match view.next.as_slice() {
                [] => format!("Series {id} has no start to come."),
                next => format!("Series {id} comes next on {}.", told(next)),
            };
            match view.skipped.as_slice() {
                [] => next,
                skipped => format!("{next} It leaves out {}.", told(skipped)),
            }
        }
    }
}

fn rule_warnings(plan: &Plan) -> Vec<String> {
    let mut warnings = vec![];
    for rule in &plan.rules {
        let name = rule.arn.short();
        if rule.change.is_some() {
            warnings.push(format!("rule {name} is not as it should be; the next sweep tries to change it"));
        }
        warnings.extend(rule.obstacle.iter().map(|obstacle| format!("rule {name} {}", words::obstacle(obstacle))));
    }
    warnings
}

/// Finds what would make a window fail.
///
/// # Errors
/// None but running out of time: what cannot be read is a finding.
pub async fn check(run: Run<'_>, asked: &Inquiry) -> Result<Response, Error> {
    let Present { site, plan, table, windows_seen, unseen, .. } = reconcile::present(run, Reads::All).await;
    let unread = unseen.first().map(String::as_str).unwrap_or_default();
    let read = checks::Present {
        table: if windows_seen { Ok(&table) } else { Err(unread) },
        plan: plan.as_ref(),
        site: &site,
    };
    let checks::Checked { findings, well, is_seen, cannot_close } = checks::everything(run, asked, read).await;
    let blocks = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let (outcome, message) = match (blocks, findings.len()) {
        (0, 0) => ("ok", "Nothing was found that would make a window fail.".to_owned()),
        (0, 1) => ("warnings", "A window would work; one thing is worth knowing.".to_owned()),
        (0, all) => ("warnings", format!("A window would work; {all} things are worth knowing.")),
        (1, _) => ("blocked", "A window could fail; one thing must be fixed first.".to_owned()),
        (blocks, _) => ("blocked", format!("A window could fail; {blocks} things must be fixed first.")),
    };
    // Nobody is told to send what would be refused; `on` is taken whatever else must be fixed.
    let cannot_close = site.cannot_close || cannot_close;
    let (outcome, site) = (outcome.to_owned(), Some(Site { cannot_close, is_confirmed: is_seen, ..site }));
    Ok(Response { outcome, message, site, findings, checked: well, ..answers::blank("check") })
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
