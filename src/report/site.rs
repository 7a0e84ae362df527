//! How the site stands, in words: the first sentence of every answer and report, and the events that make sense then.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::words::{obstacle, remedy};
use crate::{
    model::{
        listed::listed,
        rule_arn::RuleArn,
        time::{roughly, spoken},
        window::{AtEnd, State, Window},
    },
    plan::{
        Obstacle,
        site::{Passage, Site, SiteRule, SiteState, runs_out},
    },
};

/// How many rules or windows are named in one sentence.
const NAMED: usize = 3;

/// What visitors meet, since when, why, until when, and what comes next; and that it is told from the rules alone, where
/// no visitor was seen to meet it.
#[must_use]
pub fn headline(site: &Site) -> String {
    let (mut told, details) = (sentence(site), details(site));
    // The other sentences name the rules that they are told from.
    if !site.is_confirmed && matches!(site.state, SiteState::Open | SiteState::Maintenance) {
        told = format!("{}, as far as its rules tell.", told.trim_end_matches('.'));
    }
    if details.is_empty() { told } else { format!("{told} {details}") }
}

/// What visitors meet, in one sentence.
#[must_use]
pub fn sentence(site: &Site) -> String {
    match site.state {
        SiteState::Open => "The site is open to visitors.".to_owned(),
        SiteState::Maintenance => "The site is in maintenance: visitors get the maintenance page.".to_owned(),
        SiteState::Mixed => format!(
            "Part of the site is in maintenance: {} closed to visitors, {} open.",
            are(site, |rule| rule.is == Passage::Closed),
            are(site, |rule| rule.is == Passage::Open),
        ),
        SiteState::MaintenanceUnplanned => {
            let closed = site.rules_that(|rule| rule.is == Passage::Closed && !rule.covered);
            let lets = lists(&closed, "lets", "let");
            let is_whole = closed.len() == site.rules.len();
            // A window may well mean such a rule; but nothing opens it at the end.
            if !closed.is_empty() && closed.iter().all(|rule| rule.obstacle == Some(Obstacle::StuckUnmanaged)) {
                let what = if is_whole { "The site" } else { "Part of the site" };
                let them = if closed.len() == 1 { "it" } else { "them" };
                return format!(
                    "{what} is closed to visitors, and no end of a window and no off opens it: {lets} only testers in, \
                     and RuleArns no longer names {them}."
                );
            }
            if is_whole {
                format!("The site is closed to visitors although no window covers it: {lets} only testers in.")
            } else {
                format!(
                    "Part of the site is closed to visitors although no window covers that part: {lets} only testers in."
                )
            }
        }
        SiteState::OpenUnplanned => {
            let open = site.rules_that(|rule| rule.is == Passage::Open && rule.covered);
            let because = match (&site.visitor, open.is_empty()) {
                (Some(visitor), true) => format!("every rule is closed, yet a visitor got {visitor} just now"),
                _ => format!("{} them in", lists(&open, "lets", "let")),
            };
            format!("Visitors reach the site although it should be in maintenance: {because}.")
        }
        SiteState::Broken => format!("The site does not work for visitors: {}.", broken(site)),
        SiteState::Unknown => unknown(site),
    }
}

/// What is not known, and what the rules tell all the same.
fn unknown(site: &Site) -> String {
    let untold = site.rules_that(|rule| rule.is == Passage::Unknown);
    let Some(unseen) = &site.unseen else {
        return if untold.is_empty() {
            "How the site stands is not known: RuleArns names no rule that can be read.".to_owned()
        } else {
            let lets = lists(&untold, "lets", "let");
            format!("How the site stands is not known: nobody can tell whether {lets} visitors in.")
        };
    };
    let is = |passage: Passage| site.rules.iter().any(|rule| rule.is == passage);
    // Rules that could be read, but not the windows that they are held against.
    let by_rules = match (is(Passage::Open), is(Passage::Closed)) {
        _ if !untold.is_empty() => None,
        (false, false) => None,
        (true, false) => Some("the site is open to visitors; whether it should be".to_owned()),
        (false, true) => Some("the site is closed to visitors, not to testers; whether it should be".to_owned()),
        (true, true) => Some(format!(
            "{} closed to visitors, {} open; whether that should be so",
            are(site, |rule| rule.is == Passage::Closed),
            are(site, |rule| rule.is == Passage::Open),
        )),
    };
    match by_rules {
        Some(told) => format!("By its rules alone {told} is not known: {unseen}."),
        None => format!("How the site stands is not known: {unseen}."),
    }
}

/// Since when, why, until when, and what comes next.
#[must_use]
pub fn details(site: &Site) -> String {
    let is_closed = matches!(site.state, SiteState::Maintenance | SiteState::Mixed);
    let named = site.covering.iter().take(NAMED);
    let mut told: Vec<String> = named.map(|window| covers(window, is_closed, site.at)).collect();
    told.extend(match site.covering.len().saturating_sub(NAMED) {
        0 => None,
        1 => Some("One more window covers it.".to_owned()),
        more => Some(format!("{more} more windows cover it.")),
    });
    for window in &site.ending {
        let at = window.ending.map(|ending| spoken(ending.at, window.timezone.as_deref())).unwrap_or_default();
        told.push(format!("Window {} ended {at}, but not all of its rules are open yet.", window.id));
    }
    told.extend(site.rules.iter().filter_map(in_the_way));
    let nothing_due = matches!(site.state, SiteState::Open | SiteState::MaintenanceUnplanned) && site.unseen.is_none();
    match &site.next {
        Some(next) => {
            told.push(format!("Window {} starts {}.", next.id, spoken(next.start, next.timezone.as_deref())));
        }
        None if nothing_due && site.covering.is_empty() => told.push("No window is booked.".to_owned()),
        None => {}
    }
    told.extend(match site.paused.as_slice() {
        [] => None,
        [one] => Some(format!("Series {one} is paused.")),
        [one, rest @ ..] => Some(format!("Series {one} and {} more are paused.", rest.len())),
    });
    told.join(" ")
}

/// Whether starting maintenance is among the events that make sense now.
#[must_use]
pub fn offers_start(site: &Site) -> bool {
    site.state == SiteState::Open && site.next.is_none() && !site.cannot_close
}

/// The events that make sense now, ready to be sent.
#[must_use]
pub fn next_steps(site: &Site) -> Vec<String> {
    let step = |aim: &str, event: Value| remedy(aim, &event);
    let check = || step("to see what is in the way", json!({ "action": "check" }));
    let off = |window: &Window| {
        step(&format!("to end window {} now", window.id), json!({ "action": "off", "id": window.id }))
    };
    let mut steps: Vec<String> = vec![];
    match site.state {
        SiteState::Open => match &site.next {
            Some(next) => {
                steps.push(step(&format!("to drop window {}", next.id), json!({ "action": "cancel", "id": next.id })));
            }
            None if !offers_start(site) => {
                steps.push(step("to see what keeps it from being closed", json!({ "action": "check" })));
            }
            None => {
                steps.push(step(
                    "to start maintenance now",
                    json!({ "action": "on", "duration": "PT30M", "reason": "why" }),
                ));
            }
        },
        SiteState::Maintenance | SiteState::Mixed => {
            if site.covering.len() > 1 {
                steps.push(step("to end all of these windows now and open the site", json!({ "action": "off" })));
            }
            for window in &site.covering {
                steps.push(off(window));
            }
            let with_end = site.covering.iter().find(|window| window.end.is_some());
            steps.extend(with_end.map(|window| {
                step(
                    &format!("to give window {} more time", window.id),
                    json!({ "action": "extend", "id": window.id, "by": "PT30M" }),
                )
            }));
        }
        SiteState::MaintenanceUnplanned => {
            let closed = site.rules_that(|rule| rule.is == Passage::Closed && !rule.covered);
            let due = closed.iter().any(|rule| rule.obstacle.is_none());
            let orphaned = closed.iter().any(|rule| rule.obstacle.as_ref().is_some_and(Obstacle::waits_for_off));
            // It would end the windows that cover other rules, too.
            if site.covering.is_empty() && (due || orphaned) {
                steps.push(step("to open the site", json!({ "action": "off" })));
            } else if due {
                steps.push(step("to open it now instead of at the next sweep", json!({ "action": "sweep" })));
            }
            steps.push(check());
        }
        SiteState::OpenUnplanned => {
            let due = |rule: &SiteRule| rule.is == Passage::Open && rule.covered && rule.obstacle.is_none();
            if !site.rules_that(due).is_empty() {
                steps.push(step("to close the site now instead of at the next sweep", json!({ "action": "sweep" })));
            }
            steps.push(check());
            steps.extend(site.covering.iter().map(off));
        }
        SiteState::Broken => {
            steps.push(check());
            steps.extend(site.covering.iter().map(off));
        }
        SiteState::Unknown => {
            // What a rule demands stays as it is until its owner changes it.
            if site.unseen.is_some() || site.rules.is_empty() {
                steps.push(step("to look again", json!({ "action": "status" })));
            }
            steps.push(check());
        }
    }
    steps
}

/// What a window has done to the site or should do, and until when.
fn covers(window: &Window, is_closed: bool, now: Timestamp) -> String {
    let (id, zone) = (&window.id, window.timezone.as_deref());
    let why = window.reason.as_ref().map(|reason| format!(" (\"{reason}\")")).unwrap_or_default();
    let until = until(window, now);
    match window.really_started().filter(|_| is_closed) {
        Some(at) => format!("Window {id}{why} closed it {}; {until}.", spoken(at, zone)),
        None if runs_out(window, now) => {
            format!("Window {id}{why} was to keep it closed; {until}, which is too soon to close anything.")
        }
        None => format!("Window {id}{why} is to keep it closed; {until}."),
    }
}

fn until(window: &Window, now: Timestamp) -> String {
    let Some(end) = window.end else { return "it lasts until off is sent".to_owned() };
    let end_told = spoken(end, window.timezone.as_deref());
    if window.state != State::Held && end > now {
        return match window.at_end {
            AtEnd::Reopen => format!("it ends {end_told}"),
            AtEnd::ReopenIfHealthy => format!("it ends {end_told}, if the site answers a tester well then"),
            AtEnd::Hold => format!("its end is {end_told}, and then it is held until off is sent"),
        };
    }
    let passed = match now.duration_since(end) {
        over if over < SignedDuration::from_mins(1) => "just now".to_owned(),
        over => format!("{} ago", roughly(over)),
    };
    match (window.state, window.at_end) {
        (State::Held, AtEnd::ReopenIfHealthy) => {
            format!(
                "its end has passed ({end_told}, {passed}); it is held until the site answers a tester well, or off is sent"
            )
        }
        (State::Held, _) => format!("its end has passed ({end_told}, {passed}); it is held until off is sent"),
        _ => format!("its end has passed ({end_told}, {passed})"),
    }
}

fn broken(site: &Site) -> String {
    let missing = site.rules_that(|rule| rule.is == Passage::Missing);
    let nowhere = site.rules_that(|rule| rule.is == Passage::Nowhere);
    let mut causes = vec![];
    if !missing.is_empty() {
        let gone = lists(&missing, "no longer exists", "no longer exist");
        causes.push(format!("{gone}, so visitors there get what the listener answers by default"));
    }
    if !nowhere.is_empty() {
        causes.push(format!("{} visitors to no target", lists(&nowhere, "forwards", "forward")));
    }
    causes.extend(
        site.visitor.as_ref().map(|visitor| format!("every rule is open, yet a visitor got {visitor} just now")),
    );
    causes.join("; ")
}

/// What keeps a rule from being as it should be, unless the first sentence has said it.
fn in_the_way(rule: &SiteRule) -> Option<String> {
    let found = rule.obstacle.as_ref().filter(|found| !matches!(found, Obstacle::Orphaned | Obstacle::Gone))?;
    let wrong = match rule.is {
        Passage::Unknown => true,
        Passage::Open | Passage::Closed | Passage::Missing | Passage::Nowhere => {
            (rule.is == Passage::Open) == rule.covered
        }
    };
    wrong.then(|| format!("Rule {} {}.", rule.arn.short(), obstacle(found)))
}

/// "rule web/one lets", "rules web/one and web/two let".
fn lists(rules: &[&SiteRule], one: &str, many: &str) -> String {
    let names: Vec<String> = rules.iter().map(|rule| rule.arn.short()).collect();
    named(&names, one, many)
}

fn named(names: &[String], one: &str, many: &str) -> String {
    match names {
        [name] => format!("rule {name} {one}"),
        names if names.len() > NAMED => {
            format!("rules {} and {} more {many}", names[..NAMED].join(", "), names.len() - NAMED)
        }
        names => format!("rules {} {many}", listed(names)),
    }
}

fn are(site: &Site, which: impl Fn(&SiteRule) -> bool) -> String {
    let names: Vec<String> = site.rules_that(which).into_iter().map(|rule| &rule.arn).map(RuleArn::short).collect();
    named(&names, "is", "are")
}
