//! The rules of a window and their listeners. Pure.

use std::collections::BTreeSet;

use super::Listeners;
use crate::{
    model::{
        bypass::Bypass,
        conditions::{self, Condition},
        rule_arn::RuleArn,
        seen::{Listener, Neighbour, RuleAction, Seen},
        table::Table,
    },
    plan,
    report::finding::Finding,
};

/// What is wrong with the rules of a window, as their listeners show them and given what is saved of them. Pure.
#[must_use]
pub fn rules(rules: &[RuleArn], listeners: &Listeners, saved: &Table, bypass: Option<&Bypass>) -> Vec<Finding> {
    let mut findings = vec![];
    for (arn, listener) in listeners {
        let name = arn.rsplit('/').next().unwrap_or_default();
        match listener {
            Err(problem) => findings.push(Finding::warning(
                format!("listener {name} could not be read ({problem})"),
                "whether visitors get a 503 during maintenance is not known",
                "allow elasticloadbalancing:DescribeListeners and DescribeRules, and check again",
            )),
            Ok(None) => {}
            Ok(Some(listener)) => findings.extend(default_answer(name, listener)),
        }
    }
    for rule in rules {
        if let Some(Ok(listener)) = listeners.get(&rule.listener()) {
            findings.extend(one_rule(rule, rules, listener.as_ref(), saved, bypass));
        }
    }
    findings
}

/// Visitors who match no rule any more get the listener's default: it must be a 503.
fn default_answer(name: &str, listener: &Listener) -> Option<Finding> {
    let asks_first = listener.default.iter().any(|answer| matches!(answer, RuleAction::Other(_)));
    let what = match listener.default.last() {
        Some(RuleAction::Fixed(status)) if status == "503" && asks_first => {
            return Some(Finding::warning(
                format!("listener {name} asks visitors to log in before it answers 503 by default"),
                "during maintenance a visitor who is not logged in gets the login instead of the maintenance page",
                "take the login out of the listener's default actions, and leave it in the rules",
            ));
        }
        Some(RuleAction::Fixed(status)) if status == "503" => return None,
        Some(RuleAction::Fixed(status)) => {
            return Some(Finding::warning(
                format!("listener {name} answers {status} by default, not 503"),
                "CloudFront shows the maintenance page for a 503, and robots take other answers for the site's own",
                "change the listener's default action to a fixed response of 503",
            ));
        }
        Some(RuleAction::Forward(_)) => "forwards to a target",
        Some(RuleAction::Redirect) => "redirects",
        Some(RuleAction::Other(_)) | None => "does something else than answer 503",
    };
    Some(Finding::error(
        format!("listener {name} {what} by default"),
        "during maintenance that is what visitors would get",
        "change the listener's default action to a fixed response of 503",
    ))
}

fn one_rule(
    rule: &RuleArn,
    all: &[RuleArn],
    listener: Option<&Listener>,
    saved: &Table,
    bypass: Option<&Bypass>,
) -> Vec<Finding> {
    let name = rule.short();
    let own = listener.and_then(|listener| listener.rules.iter().find(|found| &found.arn == rule));
    let Some((listener, own)) = listener.zip(own) else {
        return vec![Finding::error(
            format!("rule {name} does not exist"),
            "a rule that was replaced has another ARN, and this one cannot be closed",
            "name the new ARN in the stack's RuleArns",
        )];
    };
    let conditions = match &own.seen {
        Seen::Conditions(conditions) => conditions,
        Seen::Unsupported { why, .. } => {
            return vec![Finding::error(
                format!("rule {name} {why}"),
                "it could not be given back as it was",
                "name another rule, or change this one",
            )];
        }
        Seen::Gone => return vec![],
    };
    let mut findings = vec![];
    // A rule that is narrowed now is judged by what its owner wrote.
    let bare = plan::read_rule(conditions, saved.rules.get(rule), bypass).owner;
    if let Some(bypass) = bypass {
        if bare.iter().any(|condition| conditions::names_header(condition, &bypass.name)) {
            findings.push(Finding::error(
                format!("rule {name} demands the header {} itself, with another value", bypass.name),
                "during maintenance it would demand both values of one header, and let no tester through",
                "choose another BypassHeaderName for the stack",
            ));
        }
        if !conditions::fits(&bare, bypass) {
            findings.push(Finding::warning(
                format!("rule {name} has no room for the bypass header beside its own conditions"),
                "a rule holds five condition values, so it will demand the header alone, without its own conditions",
                "nothing, if that is fine: its conditions come back at the end",
            ));
        }
    }
    findings.extend(before(own, all, listener, &bare));
    let after = |other: &u32| own.priority.is_some_and(|own| *other > own);
    for other in listener.rules.iter().filter(|other| other.priority.as_ref().is_some_and(after)) {
        let reaches = matches!(other.actions.last(), Some(RuleAction::Forward(_) | RuleAction::Redirect));
        let Seen::Conditions(theirs) = &other.seen else { continue };
        if all.contains(&other.arn) || !reaches || !conditions::may_meet(&bare, theirs) {
            continue;
        }
        let what = format!("rule {} of the same listener comes after rule {name}", other.arn.short());
        if conditions::match_all(theirs) {
            findings.push(Finding::error(
                format!("{what} and matches every request"),
                "during maintenance it would catch the visitors",
                "let the window cover it too, or give it other conditions",
            ));
        } else {
            findings.push(Finding::warning(
                format!("{what} and may match some of its visitors"),
                "during maintenance it would catch them",
                "let the window cover it too if it serves the same site",
            ));
        }
    }
    findings
}

/// Rules that are asked before the managed one and lead some of its visitors to the same targets.
fn before(own: &Neighbour, all: &[RuleArn], listener: &Listener, bare: &[Condition]) -> Vec<Finding> {
    let earlier = |other: &&Neighbour| own.priority.zip(other.priority).is_some_and(|(own, other)| other < own);
    let same_targets = |other: &&Neighbour| other.targets().any(|group| own.targets().any(|own| own == group));
    let meets = |other: &&Neighbour| match &other.seen {
        Seen::Conditions(theirs) => conditions::may_meet(bare, theirs),
        Seen::Gone | Seen::Unsupported { .. } => true,
    };
    let found = listener.rules.iter().filter(|other| !all.contains(&other.arn));
    let found = found.filter(earlier).filter(same_targets).filter(meets);
    let told = |other: &Neighbour| {
        Finding::warning(
            format!(
                "rule {} of the same listener comes before rule {} and forwards to the same targets",
                other.arn.short(),
                own.arn.short()
            ),
            "during maintenance visitors whom it matches still reach the application",
            "let the window cover it too if it serves the same visitors",
        )
    };
    found.map(told).collect()
}

/// Other listeners of the load balancer that lead to the targets of managed rules.
pub(super) fn others(others: &[Listener], own: &BTreeSet<&String>) -> Vec<Finding> {
    let serving = others.iter().filter(|listener| listener.targets().any(|group| own.contains(group)));
    let told = |listener: &Listener| {
        let name = listener.arn.rsplit('/').next().unwrap_or_default();
        Finding::warning(
            format!("listener {name} of the same load balancer forwards to the same targets"),
            "during maintenance visitors who come through it still reach the application",
            "name its rules in the stack's RuleArns too, or let it redirect to the other listener",
        )
    };
    serving.map(told).collect()
}
