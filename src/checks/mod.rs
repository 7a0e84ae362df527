//! Everything that would make a window fail, found beforehand.
//!
//! It only reads. What it may not read is a finding of its own, not a failure.

mod alarms;
mod rules;
mod schedules;
mod site;
mod surroundings;
mod windows;

pub use rules::rules;
pub use windows::{late_start, overlaps};

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

use crate::{
    app::Run,
    error::Error,
    event::Inquiry,
    model::{
        rule_arn::RuleArn,
        seen::{Listener, Neighbour},
        table::{Table, rule_key},
    },
    plan::{Plan, site::Site, unworkable::unworkable},
    report::finding::{Finding, Severity},
};

/// How many listeners are read at once.
const AT_ONCE: usize = 5;

/// The listeners of rules: what each was seen to be, or why it could not be read.
pub type Listeners = BTreeMap<String, Result<Option<Listener>, String>>;

/// Reads the listeners that the rules belong to.
pub async fn listeners(run: Run<'_>, rules: &[RuleArn]) -> Listeners {
    let arns: BTreeSet<String> = rules.iter().map(RuleArn::listener).collect();
    stream::iter(arns)
        .map(async |arn| {
            let read = run.app.aws.rules.listener(&arn).await.map_err(|error| error.full());
            (arn, read)
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// What would make a window fail refuses it; what would make it odd is returned, a sentence each.
///
/// # Errors
/// [`Error::InvalidEvent`] naming all that would make it fail.
pub fn refuse_or_warn(findings: Vec<Finding>) -> Result<Vec<String>, Error> {
    let (problems, warnings): (Vec<Finding>, Vec<Finding>) =
        findings.into_iter().partition(|finding| finding.severity == Severity::Error);
    let told = |findings: Vec<Finding>| findings.iter().map(Finding::sentence).collect();
    if problems.is_empty() { Ok(told(warnings)) } else { Err(Error::InvalidEvent(told(problems))) }
}

/// What was read of the present, for a check.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// The table, or why it could not be read.
    pub table: Result<&'a Table, &'a str>,
    /// What is due, if the rules could be read.
    pub plan: Option<&'a Plan>,
    /// How the site stands.
    pub site: &'a Site,
}

/// What a check found, and what it looked at and found well.
#[derive(Debug, Default)]
pub struct Checked {
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
    /// What is well, a sentence each.
    pub well: Vec<String>,
    /// Whether a visitor and a tester were seen to get what the rules show.
    pub is_seen: bool,
    /// Whether what is wrong with the rules or their listeners would refuse a window.
    pub cannot_close: bool,
}

impl Checked {
    /// Adds what one look found; if it found nothing, what is well is said.
    fn look(&mut self, well: &str, found: impl IntoIterator<Item = Finding>) {
        let before = self.findings.len();
        self.findings.extend(found);
        if self.findings.len() == before {
            self.well.push(well.to_owned());
        }
    }
}

/// Everything about the settings and the surroundings that a window depends on.
pub async fn everything(run: Run<'_>, asked: &Inquiry, present: Present<'_>) -> Checked {
    let config = &run.app.config;
    let mut checked = Checked::default();
    checked.look("the site stands as its windows say", site::stands(present.site));
    let refused = |problem: &String| Finding::error(problem.clone(), "the window would be refused", "fix the field");
    checked.findings.extend(asked.problems.iter().map(refused));
    checked.look("every setting can be used", surroundings::settings(config));
    checked.findings.extend(surroundings::announces_nowhere(config));
    let covered = &asked.rules;
    let seen = listeners(run, covered).await;
    let nothing = Table::default();
    let table = present.table.unwrap_or(&nothing);
    let found = rules(covered, &seen, table, config.bypass.as_ref());
    checked.cannot_close = found.iter().any(|finding| finding.severity == Severity::Error);
    checked.look("the rules exist, can be closed and opened again, and their listeners answer 503 by default", found);
    checked.look("no other listener serves the same visitors", other_listeners(run, covered, &seen).await);
    checked.look(
        "the bypass value is strong",
        config.bypass.iter().flat_map(surroundings::secret).chain(surroundings::insecure(config.probe_url.as_deref())),
    );
    checked.look("somebody gets the reports", surroundings::subscribers(run).await);
    match present.table {
        Err(problem) => checked.findings.push(Finding::error(
            problem.to_owned(),
            "windows are kept in the table",
            "see that the stack's table exists and that the function may read and write it",
        )),
        Ok(table) => {
            checked.findings.extend(asked.booking.iter().flat_map(|booking| overlaps(booking, None, table, config)));
            let unreadable = table.unreadable.iter().map(|(id, problem)| {
                if config.rules.iter().any(|rule| *id == rule_key(rule)) {
                    let why = "no window can close the rule to visitors";
                    return Finding::error(problem.clone(), why, "fix the item, or delete it once the rule is open");
                }
                let why = "what it stands for is not looked after";
                Finding::warning(problem.clone(), why, "fix or delete the item")
            });
            let unworkable = present.plan.map(|plan| unworkable(plan, &config.rules)).unwrap_or_default();
            let booked =
                windows::unworkable(&unworkable).into_iter().chain(windows::series(&table.series, &config.rules));
            let lingering = windows::lingering(&table.windows, run.now());
            // Of one whose rules are not open yet the answer's first sentences tell.
            let over = table.windows.iter().filter(|window| !present.site.has_yet_to_open(window));
            let untold = windows::untold(over, run.now());
            checked.look(
                &windows_told(table.windows.len(), table.series.len()),
                unreadable.chain(booked).chain(lingering).chain(untold).collect::<Vec<_>>(),
            );
        }
    }
    if let Some(found) = schedules::schedules(run, &table.windows).await {
        checked.look("the sweep comes every five minutes, and booked windows have their wake-ups", found);
    }
    let untold = surroundings::bucket(table, run.now());
    if run.app.bucket.is_some() && (table.published.is_some() || untold.is_some()) {
        checked.look("what visitors are told is in the bucket", untold);
    }
    if let Some(found) = Box::pin(alarms::alarms(run, &asked.alarms, present.table.ok())).await {
        checked.look("the alarms that windows mute exist, and could be muted", found);
    }
    match surroundings::outside(run, present.plan, covered).await {
        Some(found) => {
            checked.is_seen = found.is_empty();
            checked.look("a visitor and a tester get what they should", found);
        }
        None if run.app.probe.is_none() => {
            checked.well.push("not looked at, since ProbeUrl is not set: what visitors and testers get".to_owned());
        }
        None => {}
    }
    if let Some(found) = surroundings::edge(run, present.site.state).await {
        checked.look("the visitors' page and the bypass link work at the edge", found);
    }
    checked.well.push(
        "not tried, since it would change something: ModifyRule, writing to the table, making wake-ups (iam:PassRole), \
         publishing"
            .to_owned(),
    );
    checked.findings.sort_by_key(|finding| finding.severity);
    checked
}

fn windows_told(windows: usize, series: usize) -> String {
    let counted = |count: usize, one: &str, many: &str| match count {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    format!(
        "the table can be read; found in it, without a fault: {} and {}",
        counted(windows, "window", "windows"),
        counted(series, "series", "series")
    )
}

/// Other listeners of the same load balancers that lead to the same targets.
async fn other_listeners(run: Run<'_>, covered: &[RuleArn], seen: &Listeners) -> Vec<Finding> {
    let known: Vec<&str> = seen.keys().map(String::as_str).collect();
    let own: BTreeSet<&String> = seen
        .values()
        .filter_map(|listener| listener.as_ref().ok()?.as_ref())
        .flat_map(|listener| listener.rules.iter().filter(|rule| covered.contains(&rule.arn)))
        .flat_map(Neighbour::targets)
        .collect();
    let load_balancers: BTreeSet<String> = covered.iter().map(RuleArn::load_balancer).collect();
    let mut findings = vec![];
    for load_balancer in load_balancers {
        match run.app.aws.rules.other_listeners(&load_balancer, &known).await {
            Ok(others) => findings.extend(rules::others(&others, &own)),
            Err(error) => findings.push(Finding::warning(
                error.full(),
                "whether another listener serves the same visitors is not known",
                "allow elasticloadbalancing:DescribeListeners and DescribeRules, and check again",
            )),
        }
    }
    findings
}
