//! How the site stands for visitors: one state, from the rules, the windows and what a visitor met, as last read.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{Form, Obstacle, Plan, RuleState};
use crate::model::{
    id::WindowId,
    rule_arn::RuleArn,
    seen::Met,
    series::Series,
    table::Table,
    window::{AtEnd, Outcome, State, Window},
};

/// The state of the site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteState {
    /// Visitors reach it, and no window says otherwise.
    Open,
    /// Visitors are kept out, as a window says.
    Maintenance,
    /// Visitors are kept out although no window covers it.
    MaintenanceUnplanned,
    /// Visitors reach it although a window covers it.
    OpenUnplanned,
    /// Visitors reach part of it, as the windows say.
    Mixed,
    /// A rule is missing or forwards nobody, or visitors meet an error though every rule is open.
    Broken,
    /// It could not be read, or a rule has a condition that this version does not know.
    #[default]
    Unknown,
}

impl SiteState {
    /// The state's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Maintenance => "maintenance",
            Self::MaintenanceUnplanned => "maintenance_unplanned",
            Self::OpenUnplanned => "open_unplanned",
            Self::Mixed => "mixed",
            Self::Broken => "broken",
            Self::Unknown => "unknown",
        }
    }

    /// The state for a subject line; none where nothing is to be said.
    #[must_use]
    pub fn in_short(self) -> Option<&'static str> {
        match self {
            Self::Open => None,
            Self::Maintenance => Some("site in maintenance"),
            Self::MaintenanceUnplanned => Some("closed, unplanned"),
            Self::OpenUnplanned => Some("open, unplanned"),
            Self::Mixed => Some("site partly closed"),
            Self::Broken => Some("site broken"),
            Self::Unknown => Some("site unknown"),
        }
    }
}

/// The site as last read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// Its state.
    pub state: SiteState,
    /// When it was read.
    pub at: Timestamp,
    /// The rules that matter to visitors now.
    pub rules: Vec<SiteRule>,
    /// The windows that keep visitors out, or should, the earliest first.
    pub covering: Vec<Window>,
    /// Windows that are over, whose rules are not open yet.
    pub ending: Vec<Window>,
    /// The window that starts next.
    pub next: Option<Window>,
    /// Series that are paused.
    pub paused: Vec<WindowId>,
    /// Why rules or windows could not be read.
    pub unseen: Option<String>,
    /// What a visitor met, to continue "a visitor got …", where that is not what the rules show.
    pub visitor: Option<String>,
    /// Whether a visitor met what the rules show; otherwise all that is said is told from the rules alone.
    pub is_confirmed: bool,
    /// Whether a window could not close the site, as far as the settings and the rules tell.
    pub cannot_close: bool,
}

/// Programs read the state alone.
impl Serialize for Site {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.state.serialize(serializer)
    }
}

/// A rule as it matters to visitors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteRule {
    /// The rule.
    pub arn: RuleArn,
    /// What it is to visitors.
    pub is: Passage,
    /// Whether a window covers it.
    pub covered: bool,
    /// What keeps it from being as it should be.
    pub obstacle: Option<Obstacle>,
}

/// What a rule is to visitors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It lets them in.
    Open,
    /// It lets only testers in.
    Closed,
    /// It does not exist.
    Missing,
    /// It matches, and forwards to nobody.
    Nowhere,
    /// What is known of its conditions does not tell.
    Unknown,
}

/// What the site is made out from.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The moment.
    pub now: Timestamp,
    /// The rules; none if they could not be read.
    pub plan: Option<&'a Plan>,
    /// Every window of the present.
    pub windows: &'a [Window],
    /// The present.
    pub table: &'a Table,
    /// The rules that the settings name.
    pub managed: &'a [RuleArn],
    /// Why something could not be read.
    pub unseen: Option<String>,
    /// Whether the settings let rules be closed.
    pub can_narrow: bool,
}

impl Site {
    /// Makes out how the site stands.
    #[must_use]
    pub fn of(view: &View<'_>) -> Self {
        let now = view.now;
        let windows: Vec<Window> = view.windows.iter().map(|window| by_the_clock(window, view)).collect();
        let is_due = |window: &&Window| window.state == State::Booked && window.start <= now && !window.has_ended(now);
        let mut covering: Vec<Window> =
            windows.iter().filter(|window| window.is_covering() || is_due(window)).cloned().collect();
        covering.sort_by_key(|window| (window.really_started().unwrap_or(window.start), window.id.clone()));
        let mut rules = vec![];
        for rule in view.plan.iter().flat_map(|plan| &plan.rules) {
            let managed = view.managed.contains(&rule.arn);
            let its = || covering.iter().filter(|window| window.rules.covers(&rule.arn, managed));
            let covered = its().next().is_some();
            let is = match (rule.state, rule.form) {
                (RuleState::Gone, _) => Passage::Missing,
                (_, Some(Form::HeaderOnly)) => Passage::Closed,
                _ if rule.idle => Passage::Nowhere,
                (_, Some(Form::Open)) => Passage::Open,
                (_, None) => Passage::Unknown,
            };
            // A rule that is nobody's any more matters while it keeps visitors out, or should.
            if managed || covered || is == Passage::Closed {
                let is_late = is == Passage::Open && covered && its().all(|window| runs_out(window, now));
                let obstacle = rule.obstacle.clone().or_else(|| is_late.then_some(Obstacle::TooLate));
                rules.push(SiteRule { arn: rule.arn.clone(), is, covered, obstacle });
            }
        }
        let booked = windows.iter().filter(|window| window.state == State::Booked && window.start > now);
        let next = booked.min_by_key(|window| (window.start, window.id.clone())).cloned();
        let paused = |series: &&Series| series.paused;
        let narrowed = |window: &&Window| {
            window.state == State::Ending
                && rules
                    .iter()
                    .any(|rule| rule.is == Passage::Closed && !rule.covered && window.rules.covers(&rule.arn, true))
        };
        let ending = windows.iter().filter(narrowed).cloned().collect();
        // Without a window no other obstacle stands before an open rule than one that would refuse the window.
        let is_hindered = |rule: &SiteRule| rule.is == Passage::Open && !rule.covered && rule.obstacle.is_some();
        let cannot_close = !view.can_narrow || rules.iter().any(is_hindered);
        Self {
            state: state(&rules, view.unseen.is_none()),
            at: now,
            rules,
            covering,
            ending,
            next,
            paused: view.table.series.iter().filter(paused).map(|series| series.id.clone()).collect(),
            unseen: view.unseen.clone(),
            visitor: None,
            is_confirmed: false,
            cannot_close,
        }
    }

    /// Whether a window is over, and not all of its rules are open yet.
    #[must_use]
    pub fn has_yet_to_open(&self, window: &Window) -> bool {
        self.ending.iter().any(|ending| ending.uid == window.uid)
    }

    /// Takes account of what a visitor met just now. Rules that changed a moment ago say nothing yet: the load balancer
    /// takes some ten seconds to apply a change.
    pub fn met(&mut self, met: Met, words: &str) {
        let state = match (self.state, met) {
            (SiteState::Open, Met::Maintenance | Met::Failure) => SiteState::Broken,
            (SiteState::Maintenance, Met::Application) => SiteState::OpenUnplanned,
            (SiteState::Open, Met::Application) | (SiteState::Maintenance, Met::Maintenance) => {
                self.is_confirmed = true;
                return;
            }
            _ => return,
        };
        (self.state, self.visitor) = (state, Some(words.to_owned()));
    }

    /// The rules of one kind.
    pub fn rules_that(&self, which: impl Fn(&SiteRule) -> bool) -> Vec<&SiteRule> {
        self.rules.iter().filter(|rule| which(rule)).collect()
    }
}

/// Whether a window's start has come and nothing is closed for it any more, since its end is too near.
#[must_use]
pub fn runs_out(window: &Window, now: Timestamp) -> bool {
    window.state == State::Booked && window.start <= now && !window.has_time(now)
}

/// A window as it stands by the clock, though nobody could note that yet: one that is to reopen the site is over at its
/// planned end, whoever is asked, and not when that is asked.
fn by_the_clock(window: &Window, view: &View<'_>) -> Window {
    let Some(end) = window.end.filter(|end| *end <= view.now && view.plan.is_some()) else { return window.clone() };
    let is_noted = || {
        let mut noted = view.table.windows.iter().filter(|noted| noted.uid == window.uid);
        noted.any(|noted| noted.ending.is_some())
    };
    match (window.state, window.ending) {
        (State::Active, _) if window.at_end == AtEnd::Reopen => window.to_end(end, Outcome::Completed),
        (State::Ending, Some(ending)) if !is_noted() => window.to_end(end, ending.outcome),
        _ => window.clone(),
    }
}

/// Without a rule nothing is known. Otherwise the worst counts: visitors who reach a site under maintenance, then visitors
/// who meet errors, then visitors who are kept out for no window.
fn state(rules: &[SiteRule], windows_seen: bool) -> SiteState {
    let any = |is: Passage, covered: bool| rules.iter().any(|rule| rule.is == is && rule.covered == covered);
    let is = |is: Passage| rules.iter().any(|rule| rule.is == is);
    if rules.is_empty() {
        SiteState::Unknown
    } else if any(Passage::Open, true) {
        SiteState::OpenUnplanned
    } else if is(Passage::Missing) || is(Passage::Nowhere) {
        SiteState::Broken
    } else if !windows_seen {
        SiteState::Unknown
    } else if any(Passage::Closed, false) {
        SiteState::MaintenanceUnplanned
    } else if is(Passage::Unknown) {
        SiteState::Unknown
    } else {
        match (is(Passage::Closed), is(Passage::Open)) {
            (true, true) => SiteState::Mixed,
            (true, false) => SiteState::Maintenance,
            (false, _) => SiteState::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::window::{
            Outcome,
            tests::{active, at, rule, window},
        },
        plan::RulePlan,
    };

    /// A rule as it was seen.
    fn seen(form: Form) -> RulePlan {
        RulePlan {
            arn: rule("one"),
            state: form.into(),
            form: Some(form),
            idle: false,
            save: None,
            change: None,
            obstacle: None,
            odd: false,
            left_alone: None,
        }
    }

    /// The site with this one rule, which the settings name or not.
    fn site(form: Form, is_managed: bool, windows: &[Window], now: &str) -> Site {
        let plan = Plan { rules: vec![seen(form)], ..Plan::default() };
        let managed = Vec::from_iter(is_managed.then(|| rule("one")));
        let table = Table::default();
        Site::of(&View {
            now: at(now),
            plan: Some(&plan),
            windows,
            table: &table,
            managed: &managed,
            unseen: None,
            can_narrow: true,
        })
    }

    #[test]
    fn a_window_comes_next_until_its_start_and_is_due_until_its_end() {
        let covered = SiteState::OpenUnplanned;
        for (moment, state, covering, next) in [
            ("01:59:59", SiteState::Open, 0, true),
            ("02:00:00", covered, 1, false),
            ("03:59:59", covered, 1, false),
            ("04:00:00", SiteState::Open, 0, false),
        ] {
            let site = site(Form::Open, true, &[window()], moment);
            assert_eq!((site.state, site.covering.len(), site.next.is_some()), (state, covering, next), "{moment}");
        }
    }

    #[test]
    fn a_rule_that_the_settings_do_not_name_matters_only_while_it_keeps_visitors_out() {
        for (form, is_managed, expected) in [
            (Form::Open, true, (SiteState::Open, 1)),
            (Form::HeaderOnly, true, (SiteState::MaintenanceUnplanned, 1)),
            (Form::Open, false, (SiteState::Unknown, 0)),
            (Form::HeaderOnly, false, (SiteState::MaintenanceUnplanned, 1)),
        ] {
            let site = site(form, is_managed, &[], "01:00:00");
            assert_eq!((site.state, site.rules.len()), expected, "{form:?} {is_managed}");
        }
    }

    #[test]
    fn a_closed_rule_is_still_that_of_the_window_that_ends_and_of_no_other() {
        let ending = || active().to_end(at("03:00:00"), Outcome::Completed);
        for (what, form, window, expected) in [
            ("its rule is still closed", Form::HeaderOnly, ending(), 1),
            ("its rule is open", Form::Open, ending(), 0),
            ("it goes on", Form::HeaderOnly, active(), 0),
            ("it is still to come", Form::HeaderOnly, Window { start: at("03:30:00"), ..window() }, 0),
        ] {
            assert_eq!(site(form, true, &[window], "03:00:01").ending.len(), expected, "{what}");
        }
    }

    #[test]
    fn what_a_visitor_met_counts_where_the_rules_show_something_else() {
        let (open, closed) = (SiteState::Open, SiteState::Maintenance);
        for (state, met, expected) in [
            (open, Met::Application, None),
            (open, Met::Maintenance, Some(SiteState::Broken)),
            (open, Met::Failure, Some(SiteState::Broken)),
            (open, Met::Nothing, None),
            (closed, Met::Application, Some(SiteState::OpenUnplanned)),
            (closed, Met::Maintenance, None),
            (closed, Met::Failure, None),
            (closed, Met::Nothing, None),
        ] {
            let mut site = Site { state, ..Site::default() };
            site.met(met, "answer");
            assert_eq!(site.state, expected.unwrap_or(state), "{state:?} {met:?}");
            assert_eq!(site.visitor.is_some(), expected.is_some(), "{state:?} {met:?}");
        }
    }
}
