//! The changes of a window's state that the clock brings.

use jiff::Timestamp;

use super::{Form, Input, read_rule};
use crate::model::{
    seen::Seen,
    window::{AtEnd, Outcome, State, Window},
};

/// What comes next for a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing is due.
    Stay,
    /// It becomes active.
    Start(Window),
    /// It ends, or is held.
    End(Window),
    /// Whether it ends depends on whether the site is healthy.
    AskHealth,
}

/// Whether a window's wake-ups are to be made: some are still to come, and none of its revision is known to exist.
pub(super) fn needs_wake_ups(window: &Window, sender: Option<&str>, now: Timestamp) -> bool {
    matches!(window.state, State::Booked | State::Active)
        && window.end.is_some_and(|end| end > now)
        && sender.is_some()
        && !window.has_wakeups(sender)
}

/// What comes next for a window.
pub(super) fn next(window: &Window, input: &Input<'_>) -> Next {
    let now = input.now;
    if input.blocked.contains(&window.uid) {
        return Next::Stay;
    }
    match window.state {
        State::Booked if window.has_ended(now) => Next::End(window.to_end(now, Outcome::Missed)),
        State::Booked if window.start <= now && window.has_time(now) && can_start(window, input) => {
            Next::Start(Window { state: State::Active, activated_at: Some(now), ..window.clone() })
        }
        State::Active if window.has_ended(now) => at_end(window, input),
        State::Held => at_end(window, input),
        State::Booked | State::Active | State::Ending | State::Over => Next::Stay,
    }
}

/// A window whose end could be missed, or for which nothing could be narrowed, does not start.
fn can_start(window: &Window, input: &Input<'_>) -> bool {
    input.config.bypass.is_some() && window.has_wakeups(input.config.sender().as_deref())
}

fn at_end(window: &Window, input: &Input<'_>) -> Next {
    let now = input.now;
    if window.state == State::Active && window.started_at.is_none() && !narrowed_anything(window, input) {
        return Next::End(window.to_end(now, Outcome::Missed));
    }
    // Without a probe, or a header to ask with, nobody can tell, and no setting may keep a site dark.
    let can_ask = input.config.probe_url.is_some() && input.config.bypass.is_some();
    let healthy = if can_ask { input.healthy } else { Some(true) };
    match (window.at_end, healthy, window.state) {
        (AtEnd::Reopen, ..) | (AtEnd::ReopenIfHealthy, Some(true), _) => {
            Next::End(window.to_end(now, Outcome::Completed))
        }
        (AtEnd::ReopenIfHealthy, None, _) => Next::AskHealth,
        (AtEnd::Hold, ..) | (AtEnd::ReopenIfHealthy, Some(false), _) if window.state == State::Active => {
            Next::End(Window { state: State::Held, ..window.clone() })
        }
        (AtEnd::Hold, ..) | (AtEnd::ReopenIfHealthy, Some(false), _) => Next::Stay,
    }
}

/// Whether one of its rules is header-only now, though no run lived to note that.
fn narrowed_anything(window: &Window, input: &Input<'_>) -> bool {
    input.rules.seen.iter().any(|(arn, seen)| {
        let current = match seen {
            Seen::Conditions(current) | Seen::Unsupported { known: current, .. } => current,
            Seen::Gone => return false,
        };
        let item = input.table.rules.get(arn).filter(|item| item.windows.contains(&window.name()));
        item.is_some() && read_rule(current, item, input.config.bypass.as_ref()).form == Form::HeaderOnly
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        config::Config,
        model::{
            conditions::{
                self,
                tests::{header, paths},
            },
            seen::Rules,
            table::{RuleItem, Table},
            window::tests::{SENDER, active, at, rule, window},
        },
        plan::tests::{config, narrowed, owned, saved, table},
    };

    fn probing() -> Config {
        config(&[("PROBE_URL", "https://www.example.com/")])
    }

    fn after(window: &Window, now: &str, config: &Config, healthy: Option<bool>) -> Next {
        let table = table(std::slice::from_ref(window), &[]);
        next(window, &Input { healthy, ..input(now, config, &Rules::default(), &table) })
    }

    /// In which nobody was asked how the site is, and nothing was done yet.
    fn input<'a>(now: &str, config: &'a Config, rules: &'a Rules, table: &'a Table) -> Input<'a> {
        Input {
            now: at(now),
            config,
            rules,
            table,
            healthy: None,
            blocked: const { &BTreeSet::new() },
            changed: const { &BTreeSet::new() },
            reopen_orphans: false,
        }
    }

    fn ended(window: &Window, now: &str, outcome: Outcome) -> Next {
        Next::End(window.to_end(at(now), outcome))
    }

    #[test]
    fn a_booked_window_starts_with_its_start_if_it_can_still_be_carried_out() {
        let active =
            |window: Window, now| Next::Start(Window { state: State::Active, activated_at: Some(at(now)), ..window });
        let unwoken = Window { wakeups: None, ..window() };
        let open_ended = Window { end: None, ..unwoken.clone() };
        let blind = config(&[("BYPASS_HEADER_VALUE", "")]);
        let roleless = config(&[("SCHEDULER_ROLE_ARN", "")]);
        for (what, window, now, config, expected) in vec![
            ("before", window(), "01:59:59.999", config(&[]), Next::Stay),
            ("at its start", window(), "02:00:00", config(&[]), active(window(), "02:00:00")),
            ("late", window(), "03:59:29", config(&[]), active(window(), "03:59:29")),
            ("too late", window(), "03:59:30", config(&[]), Next::Stay),
            ("at its end", window(), "04:00:00", config(&[]), ended(&window(), "04:00:00", Outcome::Missed)),
            ("without wake-ups", unwoken.clone(), "03:00:00", config(&[]), Next::Stay),
            (
                "without wake-ups, over",
                unwoken.clone(),
                "04:00:00",
                config(&[]),
                ended(&unwoken, "04:00:00", Outcome::Missed),
            ),
            ("without bypass", window(), "03:00:00", blind, Next::Stay),
            ("without role", window(), "03:00:00", roleless, Next::Stay),
            ("without end", open_ended.clone(), "03:00:00", config(&[]), active(open_ended, "03:00:00")),
        ] {
            assert_eq!(after(&window, now, &config, None), expected, "{what}");
        }
    }

    #[test]
    fn an_active_window_ends_with_its_end_as_it_asked() {
        let with = |at_end| Window { at_end, ..active() };
        let (hold, healthy) = (with(AtEnd::Hold), with(AtEnd::ReopenIfHealthy));
        let held = |window: &Window| Next::End(Window { state: State::Held, ..window.clone() });
        let over = |window: &Window| ended(window, "04:00:00", Outcome::Completed);
        for (window, healthy_is, expected) in [
            (active(), None, over(&active())),
            (active(), Some(false), over(&active())),
            (hold.clone(), None, held(&hold)),
            (hold.clone(), Some(true), held(&hold)),
            (healthy.clone(), None, Next::AskHealth),
            (healthy.clone(), Some(false), held(&healthy)),
            (healthy.clone(), Some(true), over(&healthy)),
        ] {
            assert_eq!(after(&window, "04:00:00", &probing(), healthy_is), expected, "{window:?} {healthy_is:?}");
            assert_eq!(after(&window, "03:59:59.999", &probing(), healthy_is), Next::Stay, "{window:?}");
            let open_ended = Window { end: None, ..window };
            assert_eq!(after(&open_ended, "23:00:00", &probing(), healthy_is), Next::Stay);
        }
        assert_eq!(after(&healthy, "04:00:00", &config(&[]), None), over(&healthy), "without a probe nobody can tell");
        let blind = config(&[("PROBE_URL", "https://www.example.com/"), ("BYPASS_HEADER_VALUE", "")]);
        assert_eq!(after(&healthy, "04:00:00", &blind, None), over(&healthy), "nor without a header to ask with");
    }

    #[test]
    fn a_held_window_ends_by_itself_only_once_the_site_is_healthy() {
        let held = |at_end| Window { state: State::Held, at_end, ..active() };
        let healthy = held(AtEnd::ReopenIfHealthy);
        for (window, healthy_is, expected) in [
            (held(AtEnd::Hold), Some(true), Next::Stay),
            (held(AtEnd::Hold), None, Next::Stay),
            (healthy.clone(), None, Next::AskHealth),
            (healthy.clone(), Some(false), Next::Stay),
            (healthy.clone(), Some(true), ended(&healthy, "05:00:00", Outcome::Completed)),
            (
                Window { started_at: None, ..healthy.clone() },
                Some(true),
                ended(&Window { started_at: None, ..healthy.clone() }, "05:00:00", Outcome::Completed),
            ),
        ] {
            assert_eq!(after(&window, "05:00:00", &probing(), healthy_is), expected, "{window:?} {healthy_is:?}");
        }
    }

    #[test]
    fn a_window_for_which_nothing_was_narrowed_was_missed() {
        let settings = config(&[]);
        let unnoted = Window { started_at: None, ..active() };
        let shown = |window: &Window, seen: Seen, items: &[RuleItem]| {
            let table = table(std::slice::from_ref(window), items);
            let rules = Rules { seen: [(rule("one"), seen)].into(), ..Rules::default() };
            match next(window, &input("04:00:00", &settings, &rules, &table)) {
                Next::End(after) => (after.state, after.ending.map(|ending| ending.outcome)),
                other => panic!("expected an end, but found {other:?}"),
            }
        };
        let missed = (State::Ending, Some(Outcome::Missed));
        let completed = (State::Ending, Some(Outcome::Completed));
        let (own, others) = ([saved("one", &["aaaaa"])], [saved("one", &["bbbbb"])]);
        let dark = Seen::Conditions(narrowed(&owned()));
        assert_eq!(shown(&unnoted, Seen::Conditions(owned()), &own), missed, "what was saved alone is no maintenance");
        assert_eq!(shown(&unnoted, Seen::Gone, &own), missed);
        assert_eq!(shown(&unnoted, dark.clone(), &[]), missed, "narrowed for nobody");
        assert_eq!(shown(&unnoted, dark.clone(), &others), missed, "narrowed for another");
        assert_eq!(shown(&unnoted, dark.clone(), &own), completed);
        let odd = Seen::Unsupported { why: "odd".to_owned(), known: narrowed(&owned()), whole: false };
        assert_eq!(shown(&unnoted, odd, &own), completed, "narrowed, and then given an unknown condition");
        let edited = vec![paths(&["/new"]), header("X-Bypass", &["former-secret-0815"])];
        let former = conditions::mark(&edited[1]).expect("a mark");
        let renewed = [RuleItem { mark: former, ..saved("one", &["aaaaa"]) }];
        assert_eq!(shown(&unnoted, Seen::Conditions(edited), &renewed), completed, "edited on top of a former secret");
        assert_eq!(shown(&active(), Seen::Conditions(owned()), &own), completed);
        let hold = Window { at_end: AtEnd::Hold, ..unnoted };
        assert_eq!(shown(&hold, Seen::Conditions(owned()), &own), missed, "nothing is held");
        assert_eq!(shown(&hold, dark, &own), (State::Held, None));
    }

    #[test]
    fn what_is_decided_or_failed_in_this_run_stays() {
        let settings = config(&[]);
        for state in [State::Ending, State::Over] {
            assert_eq!(after(&Window { state, ..active() }, "05:00:00", &settings, None), Next::Stay);
        }
        let (table, rules) = (table(&[active()], &[]), Rules::default());
        let blocked = BTreeSet::from(["aaaaa".to_owned()]);
        let input = Input { blocked: &blocked, ..input("04:00:00", &settings, &rules, &table) };
        assert_eq!(next(&active(), &input), Next::Stay);
        let other = Window { uid: "bbbbb".to_owned(), ..active() };
        assert!(matches!(next(&other, &input), Next::End(_)));
    }

    #[test]
    fn wake_ups_are_missing_only_where_something_is_still_to_come() {
        let unwoken = Window { wakeups: None, ..window() };
        let with = |state| Window { state, ..unwoken.clone() };
        for (window, role, now, missing) in [
            (unwoken.clone(), Some(SENDER), "00:00:00", true),
            (unwoken.clone(), Some(SENDER), "03:59:59.999", true),
            (unwoken.clone(), Some(SENDER), "04:00:00", false),
            (unwoken.clone(), None, "00:00:00", false),
            (window(), Some(SENDER), "00:00:00", false),
            (window(), Some("another role"), "00:00:00", true),
            (Window { end: None, ..unwoken.clone() }, Some(SENDER), "00:00:00", false),
            (with(State::Active), Some(SENDER), "03:00:00", true),
            (with(State::Held), Some(SENDER), "03:00:00", false),
            (with(State::Ending), Some(SENDER), "03:00:00", false),
        ] {
            assert_eq!(needs_wake_ups(&window, role, at(now)), missing, "{now} {role:?}: {window:?}");
        }
    }
}
