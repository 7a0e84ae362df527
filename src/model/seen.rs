//! What the load balancer was seen to show: rules, and the listeners they belong to.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{conditions::Condition, rule_arn::RuleArn};

/// Rules as they were read together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What each demands.
    pub seen: BTreeMap<RuleArn, Seen>,
    /// Those that forward to nobody: visitors who match them meet an error.
    pub idle: BTreeSet<RuleArn>,
}

impl Rules {
    /// Adds rules that were read by another call.
    pub fn extend(&mut self, more: Self) {
        self.seen.extend(more.seen);
        self.idle.extend(more.idle);
    }
}

/// What a rule was seen to demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Conditions that can be put back as they are.
    Conditions(Vec<Condition>),
    /// The rule no longer exists.
    Gone,
    /// A condition this version could not put back faithfully, or a rule that must not be changed.
    Unsupported {
        /// Why, in a sentence.
        why: String,
        /// The conditions that were understood.
        known: Vec<Condition>,
        /// Whether it demands nothing else.
        whole: bool,
    },
}

/// A listener: what it answers by default, and its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its ARN.
    pub arn: String,
    /// What requests get that no rule matches, in the order in which it happens.
    pub default: Vec<RuleAction>,
    /// Its rules.
    pub rules: Vec<Neighbour>,
}

/// A rule beside others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The rule.
    pub arn: RuleArn,
    /// Its place: the lowest number is asked first; none for the default rule.
    pub priority: Option<u32>,
    /// What it demands.
    pub seen: Seen,
    /// What requests get that it matches, in the order in which it happens.
    pub actions: Vec<RuleAction>,
}

impl Listener {
    /// The target groups that it leads to, by default or by a rule.
    pub fn targets(&self) -> impl Iterator<Item = &String> {
        let actions = self.default.iter().chain(self.rules.iter().flat_map(|rule| &rule.actions));
        actions.flat_map(RuleAction::targets)
    }
}

impl Neighbour {
    /// The target groups that it leads to.
    pub fn targets(&self) -> impl Iterator<Item = &String> {
        self.actions.iter().flat_map(RuleAction::targets)
    }
}

/// What a listener or a rule does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleAction {
    /// A fixed response of this status.
    Fixed(String),
    /// The application, or another target: the ARNs of the target groups.
    Forward(Vec<String>),
    /// Another address.
    Redirect,
    /// Anything else, by its name.
    Other(String),
}

/// What a visitor met at the site's public address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Met {
    /// The application.
    Application,
    /// The maintenance page.
    Maintenance,
    /// An error, or no answer.
    Failure,
    /// A copy from a cache, or the answer of another site: it says nothing about this one now.
    Nothing,
}

impl RuleAction {
    /// The target groups that it leads to.
    #[must_use]
    pub fn targets(&self) -> &[String] {
        match self {
            Self::Forward(groups) => groups,
            Self::Fixed(_) | Self::Redirect | Self::Other(_) => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_forwards_leads_to_target_groups() {
        let [one, two] = ["one", "two"].map(str::to_owned);
        let forward = RuleAction::Forward(vec![one.clone(), two.clone()]);
        assert_eq!(forward.targets(), [one, two]);
        for leads_nowhere in
            [RuleAction::Fixed("503".to_owned()), RuleAction::Redirect, RuleAction::Other("sign in".to_owned())]
        {
            assert_eq!(leads_nowhere.targets(), [""; 0], "{leads_nowhere:?}");
        }
    }
}
