//! Proof that a rule may be narrowed. The compiler asks for it where the rule is changed.

use jiff::Timestamp;

use super::{
    table::RuleItem,
    window::{State, Window},
};

/// Proof that the owner's conditions of a rule are saved for a window that is under way, has time left, and cannot miss
/// its end.
#[derive(Debug)]
pub struct MayNarrow {
    _only_here: (),
}

impl MayNarrow {
    /// Looks for a window that the rule may be narrowed for; `saved` is what the table holds of the rule.
    #[must_use]
    pub fn prove<'a>(
        saved: &RuleItem,
        windows: impl IntoIterator<Item = &'a Window>,
        sender: Option<&str>,
        now: Timestamp,
    ) -> Option<Self> {
        let fine = |window: &Window| saved.windows.contains(&window.name()) && may_narrow(window, sender, now);
        windows.into_iter().any(fine).then_some(Self { _only_here: () })
    }
}

/// Whether rules may be narrowed for a window now, once their owner's conditions are saved.
#[must_use]
pub fn may_narrow(window: &Window, sender: Option<&str>, now: Timestamp) -> bool {
    match window.state {
        // It has no end that could be missed.
        State::Held => true,
        State::Active => window.has_time(now) && window.has_wakeups(sender),
        State::Booked | State::Ending | State::Over => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        conditions::catch_all,
        window::tests::{SENDER, active, at, rule},
    };

    #[test]
    fn a_rule_is_narrowed_for_windows_under_way_that_cannot_miss_their_end() {
        let with = |state| Window { state, ..active() };
        let unwoken = |state| Window { wakeups: None, ..with(state) };
        for (window, now, may) in [
            (with(State::Booked), "03:00:00", false),
            (with(State::Active), "03:00:00", true),
            (with(State::Active), "03:59:29.999", true),
            (with(State::Active), "03:59:30", false),
            (unwoken(State::Active), "03:00:00", false),
            (Window { end: None, ..unwoken(State::Active) }, "03:00:00", true),
            (unwoken(State::Held), "05:00:00", true),
            (with(State::Ending), "03:00:00", false),
            (with(State::Over), "03:00:00", false),
        ] {
            assert_eq!(may_narrow(&window, Some(SENDER), at(now)), may, "{now}: {window:?}");
        }
        assert!(!may_narrow(&active(), None, at("03:00:00")), "a wake-up of no group and role is none");
    }

    #[test]
    fn the_proof_needs_conditions_that_were_saved_for_such_a_window() {
        let saved = |windows: &[&str]| RuleItem {
            arn: rule("one"),
            version: 1,
            owner: catch_all(),
            header: "x-bypass".to_owned(),
            mark: "0123456789".to_owned(),
            rest: vec![],
            former: None,
            saved_at: at("02:00:00"),
            windows: windows.iter().map(|uid| format!("deploy#{uid}")).collect(),
            drift: None,
            owner_before: vec![],
        };
        let other = Window { uid: "bbbbb".to_owned(), state: State::Ending, ..active() };
        let proven = |windows: &[&str]| {
            MayNarrow::prove(&saved(windows), [&other, &active()], Some(SENDER), at("03:00:00")).is_some()
        };
        assert!(proven(&["aaaaa"]));
        assert!(proven(&["bbbbb", "aaaaa"]));
        assert!(!proven(&["bbbbb"]), "that window is ending");
        assert!(!proven(&["ccccc"]), "that window is not known");
        assert!(!proven(&[]));
    }
}
