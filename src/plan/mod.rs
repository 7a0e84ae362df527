//! The decision: what the rules show, what the table says and what time it is, turned into what is to be done.
//!
//! Pure, synchronous and total. It is not told why the function was woken, and makes the same plan however often it is
//! asked. It returns facts; their words are in [`crate::report`].

pub mod reports;
mod rules;
pub mod series;
pub mod site;
mod transitions;
pub mod unworkable;
pub mod visitors;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    config::Config,
    model::{
        conditions::Condition,
        rule_arn::RuleArn,
        seen::Rules,
        table::{RuleItem, Table},
        window::Window,
    },
};

pub use rules::{Form, read_rule};

/// Everything a plan is made from.
#[derive(Debug)]
pub struct Input<'a> {
    /// The moment.
    pub now: Timestamp,
    /// The settings.
    pub config: &'a Config,
    /// Every managed rule, and those that windows of the table were narrowed for.
    pub rules: &'a Rules,
    /// The present.
    pub table: &'a Table,
    /// Whether a tester's request succeeded, if that was asked just now.
    pub healthy: Option<bool>,
    /// Windows, by their uids, whose change of state failed in this run.
    pub blocked: &'a BTreeSet<String>,
    /// Rules that this run has changed.
    pub changed: &'a BTreeSet<RuleArn>,
    /// Whether rules that are header-only for no window are to lose the bypass header, as `off` asks.
    pub reopen_orphans: bool,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Windows whose wake-ups are to be made, before anything is narrowed for them.
    pub wake_ups: Vec<Window>,
    /// Windows that become active, as they are to be.
    pub starts: Vec<Window>,
    /// Windows that end or are held, as they are to be.
    pub ends: Vec<Window>,
    /// Every window as it stands after these changes.
    pub windows: Vec<Window>,
    /// Every rule.
    pub rules: Vec<RulePlan>,
    /// Whether a window's end depends on whether the site is healthy, and that was not asked yet.
    pub asks_health: bool,
}

/// What is known of a rule, and what is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulePlan {
    /// The rule.
    pub arn: RuleArn,
    /// How it stands.
    pub state: RuleState,
    /// How its conditions read; none of a rule that does not exist, or of which what is known does not tell.
    pub form: Option<Form>,
    /// Whoever it matches, it forwards to nobody.
    pub idle: bool,
    /// What the table is to hold of it first.
    pub save: Option<RuleItem>,
    /// How its conditions are to change.
    pub change: Option<Change>,
    /// What keeps it from being as it should be.
    pub obstacle: Option<Obstacle>,
    /// It looks as if someone else had edited it, or what was saved would be overwritten: it is looked at again first.
    pub odd: bool,
    /// What someone else wrote since it was saved, where no window covers it: that stays.
    pub left_alone: Option<Vec<Condition>>,
}

/// A change of one rule's conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which way.
    pub way: Way,
    /// What it is to demand afterwards.
    pub to: Vec<Condition>,
}

/// Which way a rule is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To header-only.
    Narrow,
    /// To what its owner wrote.
    Restore,
}

/// How a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleState {
    /// It matches as its owner wrote it.
    Open,
    /// Only requests with the bypass header match: it is closed to visitors.
    #[serde(rename = "closed")]
    HeaderOnly,
    /// It does not exist.
    #[serde(rename = "missing")]
    Gone,
    /// It holds a condition this version cannot put back.
    Unsupported,
}

/// What keeps a rule from being as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It does not exist.
    Gone,
    /// It cannot be put back faithfully, for this reason, and is not header-only.
    Unsupported(String),
    /// It is header-only, cannot be put back for this reason, and no window covers it.
    StuckUnsupported(String),
    /// The settings no longer name it, and it is open.
    Unmanaged,
    /// The settings no longer name it, it is header-only, and no window covers it.
    StuckUnmanaged,
    /// It is header-only for no window, and its owner's conditions are not known.
    Orphaned,
    /// What is saved of it cannot be read, so it cannot be narrowed.
    Damaged,
    /// It is header-only for no window, and its owner's conditions cannot be read.
    StuckDamaged,
    /// The settings allow no narrowing.
    Settings,
    /// Its windows are too near their end, or have no wake-up of it.
    TooLate,
}

impl Obstacle {
    /// Whether someone else brought it about: they removed the rule, changed it, or took it out of the settings.
    #[must_use]
    pub fn is_others_doing(&self) -> bool {
        match self {
            Self::Gone | Self::Unsupported(_) | Self::StuckUnsupported(_) | Self::Unmanaged | Self::StuckUnmanaged => {
                true
            }
            Self::Orphaned | Self::Damaged | Self::StuckDamaged | Self::Settings | Self::TooLate => false,
        }
    }

    /// Whether the rule is header-only for no window, and opened only if somebody asks for it.
    #[must_use]
    pub fn waits_for_off(&self) -> bool {
        matches!(self, Self::Orphaned | Self::StuckDamaged)
    }

    /// Whether the rule stays header-only although it should not.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        matches!(self, Self::StuckUnsupported(_) | Self::StuckUnmanaged | Self::StuckDamaged)
    }
}

impl Plan {
    /// What looks odd, in a form that can be compared with what is seen when looking again.
    #[must_use]
    pub fn odd(&self) -> BTreeMap<RuleArn, Option<RuleItem>> {
        let odd = self.rules.iter().filter(|rule| rule.odd);
        odd.map(|rule| {
            // The moment of looking is no difference.
            let seen = rule.save.clone().map(|item| RuleItem { saved_at: Timestamp::UNIX_EPOCH, drift: None, ..item });
            (rule.arn.clone(), seen)
        })
        .collect()
    }

    /// A rule's part.
    #[must_use]
    pub fn rule(&self, arn: &RuleArn) -> Option<&RulePlan> {
        self.rules.iter().find(|rule| &rule.arn == arn)
    }
}

/// The windows whose wake-ups are to be made: some are still to come, and none is known to exist.
#[must_use]
pub fn without_wake_ups(table: &Table, sender: Option<&str>, now: Timestamp) -> Vec<Window> {
    table.windows.iter().filter(|window| transitions::needs_wake_ups(window, sender, now)).cloned().collect()
}

/// Decides.
#[must_use]
pub fn plan(input: &Input<'_>) -> Plan {
    let sender = input.config.sender();
    let mut plan = Plan { wake_ups: without_wake_ups(input.table, sender.as_deref(), input.now), ..Plan::default() };
    for window in &input.table.windows {
        let next = transitions::next(window, input);
        plan.asks_health |= next == transitions::Next::AskHealth;
        let after = match next {
            transitions::Next::Start(after) => {
                plan.starts.push(after.clone());
                after
            }
            transitions::Next::End(after) => {
                plan.ends.push(after.clone());
                after
            }
            transitions::Next::Stay | transitions::Next::AskHealth => window.clone(),
        };
        plan.windows.push(after);
    }
    plan.rules = input.rules.seen.iter().map(|(arn, seen)| rules::plan_rule(input, &plan.windows, arn, seen)).collect();
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        bypass::Bypass,
        conditions::{self, tests::paths},
        seen::Seen,
        table::{Drift, Edit},
        window::{
            AtEnd, Outcome, State,
            tests::{ROLE, SENDER, active, at, rule, window},
        },
    };

    /// The secret of the tests' settings.
    pub(super) const SECRET: &str = "tester-secret-4711";

    pub(super) fn bypass() -> Bypass {
        Bypass::new("X-Bypass", &[SECRET])
    }

    /// Settings for one rule, `one`, with changes.
    pub(super) fn config(changes: &[(&str, &str)]) -> Config {
        let rules = rule("one").to_string();
        let settings = [
            ("RULE_ARNS", rules.as_str()),
            ("BYPASS_HEADER_NAME", "X-Bypass"),
            ("BYPASS_HEADER_VALUE", SECRET),
            ("TABLE_NAME", "maintenance"),
            ("SNS_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:topic"),
            ("SCHEDULE_GROUP", "group"),
            ("SCHEDULER_ROLE_ARN", ROLE),
        ];
        let lookup = |key: &str| changes.iter().chain(&settings).find(|(name, _)| *name == key);
        Config::from_lookup(|key| lookup(key).map(|(_, value)| (*value).to_owned())).expect("settings")
    }

    /// What the tests' owner wants of a rule.
    pub(super) fn owned() -> Vec<Condition> {
        vec![paths(&["/shop", "/cart"])]
    }

    /// A rule's conditions once it is narrowed.
    pub(super) fn narrowed(owner: &[Condition]) -> Vec<Condition> {
        [conditions::rest(owner, &bypass()), vec![conditions::bypass_header(&bypass())]].concat()
    }

    /// What is saved of a rule that was narrowed for windows of these uids.
    pub(super) fn saved(name: &str, uids: &[&str]) -> RuleItem {
        RuleItem {
            arn: rule(name),
            version: 7,
            owner: owned(),
            header: "X-Bypass".to_owned(),
            mark: conditions::mark(&conditions::bypass_header(&bypass())).expect("a mark"),
            rest: owned(),
            former: None,
            saved_at: at("02:00:00"),
            windows: uids.iter().map(|uid| format!("deploy#{uid}")).collect(),
            drift: None,
            owner_before: vec![],
        }
    }

    pub(super) fn table(windows: &[Window], rules: &[RuleItem]) -> Table {
        let rules = rules.iter().map(|item| (item.arn.clone(), item.clone())).collect();
        Table { windows: windows.to_vec(), rules, ..Table::default() }
    }

    /// What is planned when rules are seen like this.
    pub(super) fn planned(now: &str, config: &Config, seen: &[(&str, Seen)], table: &Table) -> Plan {
        let seen = seen.iter().map(|(name, seen)| (rule(name), seen.clone())).collect();
        let rules = Rules { seen, ..Rules::default() };
        plan(&Input {
            now: at(now),
            config,
            rules: &rules,
            table,
            healthy: None,
            blocked: &BTreeSet::new(),
            changed: &BTreeSet::new(),
            reopen_orphans: false,
        })
    }

    fn looking(now: &str, current: &[Condition], windows: &[Window], rules: &[RuleItem]) -> Plan {
        planned(now, &config(&[]), &[("one", Seen::Conditions(current.to_vec()))], &table(windows, rules))
    }

    fn ways(plan: &Plan) -> Vec<Way> {
        plan.rules.iter().filter_map(|rule| rule.change.as_ref()).map(|change| change.way).collect()
    }

    #[test]
    fn a_window_that_starts_has_its_rules_narrowed_in_the_same_plan() {
        let plan = looking("02:00:00", &owned(), &[window()], &[]);
        let started = Window { state: State::Active, activated_at: Some(at("02:00:00")), ..window() };
        assert_eq!((&plan.starts, &plan.windows), (&vec![started.clone()], &vec![started]));
        assert_eq!((plan.ends.len(), ways(&plan)), (0, vec![Way::Narrow]));
        let before = looking("01:59:59", &owned(), &[window()], &[]);
        assert_eq!((before.starts.len(), before.windows), (0, vec![window()]));
        assert_eq!(before.rules[0].change, None);
    }

    #[test]
    fn a_window_that_ends_has_its_rules_restored_in_the_same_plan() {
        let plan = looking("04:00:00", &narrowed(&owned()), &[active()], &[saved("one", &["aaaaa"])]);
        let ended = active().to_end(at("04:00:00"), Outcome::Completed);
        assert_eq!((&plan.ends, &plan.windows), (&vec![ended.clone()], &vec![ended]));
        assert_eq!((plan.starts.len(), ways(&plan)), (0, vec![Way::Restore]));
    }

    #[test]
    fn the_same_sight_at_the_same_moment_makes_nothing_to_do_once_it_is_done() {
        let during = looking("03:00:00", &narrowed(&owned()), &[active()], &[saved("one", &["aaaaa"])]);
        let after = looking("05:00:00", &owned(), &[], &[saved("one", &["aaaaa"])]);
        for plan in [during, after] {
            assert!(plan.starts.is_empty() && plan.ends.is_empty() && plan.wake_ups.is_empty(), "{plan:?}");
            let rule = plan.rule(&rule("one")).expect("the rule");
            assert!(rule.save.is_none() && rule.change.is_none() && rule.obstacle.is_none(), "{rule:?}");
        }
    }

    #[test]
    fn health_is_asked_for_only_where_an_end_depends_on_it() {
        let settings = config(&[("PROBE_URL", "https://www.example.com/")]);
        let asks = |at_end, now| {
            let window = Window { at_end, ..active() };
            planned(now, &settings, &[], &table(&[window], &[])).asks_health
        };
        assert!(asks(AtEnd::ReopenIfHealthy, "04:00:00"));
        assert!(!asks(AtEnd::ReopenIfHealthy, "03:59:59"));
        assert!(!asks(AtEnd::Reopen, "04:00:00"));
        let one_of_two = [Window { at_end: AtEnd::ReopenIfHealthy, ..active() }, window()];
        assert!(planned("04:00:00", &settings, &[], &table(&one_of_two, &[])).asks_health);
    }

    #[test]
    fn windows_that_are_without_wake_ups_are_named() {
        let without = Window { uid: "bbbbb".to_owned(), wakeups: None, ..window() };
        let plan = looking("00:00:00", &owned(), &[window(), without.clone()], &[]);
        assert_eq!(plan.wake_ups, [without]);
        let moved = Window { revision: 2, ..window() };
        assert_eq!(without_wake_ups(&table(std::slice::from_ref(&moved), &[]), Some(SENDER), at("01:00:00")), [moved]);
        assert_eq!(without_wake_ups(&table(&[window()], &[]), Some(SENDER), at("01:00:00")), []);
    }

    #[test]
    fn an_odd_sight_is_the_same_whenever_it_is_seen() {
        let odd = |now, current: &[Condition], drift| {
            let item = RuleItem { drift, ..saved("one", &["aaaaa"]) };
            looking(now, current, &[active()], &[item]).odd()
        };
        let edited = narrowed(&[paths(&["/new"])]);
        let first = odd("03:00:00", &edited, None);
        assert_eq!(first.keys().collect::<Vec<_>>(), [&rule("one")]);
        let before = Some(Drift { at: at("02:30:00"), after: 5, edit: Edit::Opened, answered: true });
        assert_eq!(first, odd("03:00:07", &edited, before));
        assert_ne!(first, odd("03:00:00", &narrowed(&[paths(&["/newer"])]), None), "another edit");
        assert!(odd("03:00:00", &narrowed(&owned()), None).is_empty());
    }

    #[test]
    fn only_a_rule_that_should_be_open_and_cannot_be_is_stuck() {
        let why = || "is odd".to_owned();
        for obstacle in [Obstacle::StuckUnsupported(why()), Obstacle::StuckUnmanaged, Obstacle::StuckDamaged] {
            assert!(obstacle.is_stuck(), "{obstacle:?}");
        }
        for obstacle in [
            Obstacle::Gone,
            Obstacle::Unsupported(why()),
            Obstacle::Unmanaged,
            Obstacle::Orphaned,
            Obstacle::Damaged,
            Obstacle::Settings,
            Obstacle::TooLate,
        ] {
            assert!(!obstacle.is_stuck(), "{obstacle:?}");
        }
    }
}
