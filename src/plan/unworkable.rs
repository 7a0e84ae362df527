//! Booked windows that could not do what they are for, as things are now.

use super::{Obstacle, Plan};
use crate::model::{
    rule_arn::RuleArn,
    window::{State, Window},
};

/// A booked window some of whose rules could not be switched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unworkable {
    /// The window.
    pub window: Window,
    /// The rules, and what is wrong with each.
    pub rules: Vec<(RuleArn, Obstacle)>,
}

/// The booked windows with rules that are gone, cannot be put back, or are no longer named by the settings.
#[must_use]
pub fn unworkable(plan: &Plan, managed: &[RuleArn]) -> Vec<Unworkable> {
    let booked = plan.windows.iter().filter(|window| window.state == State::Booked);
    let unworkable = booked.map(|window| {
        let own = plan.rules.iter().filter(|rule| window.rules.covers(&rule.arn, managed.contains(&rule.arn)));
        let rules = own.filter_map(|rule| {
            let obstacle = rule.obstacle.clone().filter(Obstacle::is_others_doing)?;
            Some((rule.arn.clone(), obstacle))
        });
        Unworkable { window: window.clone(), rules: rules.collect() }
    });
    unworkable.filter(|unworkable| !unworkable.rules.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            seen::Seen,
            window::{
                Covered,
                tests::{active, rule, window},
            },
        },
        plan::tests::{config, owned, planned, table},
    };

    #[test]
    fn a_booked_window_cannot_work_with_a_rule_that_is_gone_or_no_longer_named() {
        let named = Window { rules: Covered::Some(vec![rule("one"), rule("two")]), ..window() };
        let open = Seen::Conditions(owned());
        for (what, window, one, two, expected) in [
            ("fine", window(), open.clone(), open.clone(), vec![]),
            ("gone", window(), Seen::Gone, open.clone(), vec![(rule("one"), Obstacle::Gone)]),
            ("no longer named", named.clone(), open.clone(), open.clone(), vec![(rule("two"), Obstacle::Unmanaged)]),
            ("under way", active(), Seen::Gone, open.clone(), vec![]),
        ] {
            let seen = [("one", one), ("two", two)];
            let plan = planned("01:00:00", &config(&[]), &seen, &table(std::slice::from_ref(&window), &[]));
            let found = unworkable(&plan, &[rule("one")]);
            let rules: Vec<_> = found.into_iter().flat_map(|unworkable| unworkable.rules).collect();
            assert_eq!(rules, expected, "{what}");
        }
    }
}
