//! A site that does not stand as its windows say, and what helps: that depends on what keeps its rules so. Pure.

use std::collections::BTreeMap;

use crate::{
    model::window::Window,
    plan::{
        Obstacle,
        site::{Passage, Site, SiteRule, SiteState},
    },
    report::{finding::Finding, site},
};

/// What is wrong with how the site stands.
pub(super) fn stands(site: &Site) -> Option<Finding> {
    if ![SiteState::OpenUnplanned, SiteState::MaintenanceUnplanned].contains(&site.state) {
        return None;
    }
    Some(Finding::error(
        site::sentence(site).trim_end_matches('.').to_owned(),
        "the rules are not as the windows say",
        &fixes(site),
    ))
}

/// What to do about each rule that is not as it should be; said once where it is the same for all of them.
fn fixes(site: &Site) -> String {
    let wrong = |rule: &SiteRule| match rule.is {
        Passage::Open => rule.covered,
        Passage::Closed => !rule.covered,
        Passage::Missing | Passage::Nowhere | Passage::Unknown => false,
    };
    let mut fixes = BTreeMap::<String, Vec<String>>::new();
    for rule in site.rules_that(wrong) {
        fixes.entry(fix(rule.obstacle.as_ref(), &site.covering)).or_default().push(rule.arn.short());
    }
    match fixes.len() {
        0 => "look at what is in front of the load balancer".to_owned(),
        1 => fixes.into_keys().collect(),
        _ => {
            let told = fixes.into_iter().map(|(fix, rules)| format!("for {}: {fix}", rules.join(", ")));
            told.collect::<Vec<_>>().join("; ")
        }
    }
}

fn fix(obstacle: Option<&Obstacle>, covering: &[Window]) -> String {
    let Some(obstacle) = obstacle else {
        return "every sweep tries to change it; if it stays, look for a failed report and in the function's log: \
                elasticloadbalancing:ModifyRule may be denied"
            .to_owned();
    };
    let fix = match (obstacle, covering) {
        (Obstacle::Orphaned | Obstacle::StuckDamaged, []) => {
            r#"send {"action":"off"}, which takes the bypass header away, and compare the rule with how it should be"#
        }
        // It would end them.
        (Obstacle::Orphaned | Obstacle::StuckDamaged, windows) => {
            let names: Vec<&str> = windows.iter().map(|window| window.id.as_str()).collect();
            return format!(
                r#"take its bypass header condition away by hand; or send {{"action":"off"}}, but that also ends {}"#,
                names.join(", ")
            );
        }
        (Obstacle::Damaged, _) => {
            "fix the table's item of it, which cannot be read, or delete it once the rule is as its owner wants it"
        }
        (Obstacle::Settings, _) => "fix the settings that this check names",
        (Obstacle::TooLate, _) => {
            "its window is about to end, or the wake-up of its end could not be made: then look for a failed report"
        }
        (Obstacle::StuckUnsupported(_), _) => "take its bypass header condition away by hand",
        (Obstacle::Unsupported(_) | Obstacle::Gone, _) => "name another rule in RuleArns, or change this one",
        (Obstacle::Unmanaged | Obstacle::StuckUnmanaged, _) => "name it in RuleArns again until the window is over",
    };
    fix.to_owned()
}
