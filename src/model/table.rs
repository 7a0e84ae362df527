//! What the table holds of the present: windows, series, rules and notices, as one run read them.
//!
//! Pure: `aws::store` reads and writes what is described here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    after::After,
    conditions::Condition,
    id::WindowId,
    published::{Published, public_uid},
    rule_arn::RuleArn,
    series::Series,
    time::spoken,
    window::Window,
};

/// What is known of a rule that was narrowed. It stays when the rule is restored: it is the only copy of its owner's
/// conditions, and whoever finds the rule header-only later restores it from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleItem {
    /// The rule.
    pub arn: RuleArn,
    /// Counts what was written about it; each write depends on the one that was read.
    pub version: u64,
    /// The conditions its owner wrote.
    pub owner: Vec<Condition>,
    /// The name of the bypass header that it was narrowed with. The value is not kept.
    pub header: String,
    /// Ten digits by which that header's condition is known again, whatever the settings say later.
    pub mark: String,
    /// What it demands besides that header while it is narrowed.
    pub rest: Vec<Condition>,
    /// How it was narrowed before. The rule may stand so still, if the change to the present form failed.
    #[serde(default)]
    pub former: Option<Narrowed>,
    /// When this was written.
    pub saved_at: Timestamp,
    /// For which windows, by name and uid: `id#uid`.
    pub windows: Vec<String>,
    /// The last edit by someone else that was answered by narrowing again.
    pub drift: Option<Drift>,
    /// The conditions its owner had written before that edit; since then they are `owner`.
    #[serde(default)]
    pub owner_before: Vec<Condition>,
}

/// What can still be read of a rule's item that is not as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remains {
    /// The conditions its owner wrote.
    pub owner: Option<Vec<Condition>>,
    /// By what the bypass header's condition is known again, in each form that could be read.
    pub marks: Vec<String>,
    /// Whether every form could be read.
    pub all_marks: bool,
    /// The name of that header.
    pub header: Option<String>,
}

/// A form that a rule was narrowed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowed {
    /// By what the bypass header's condition is known again.
    pub mark: String,
    /// What it demanded besides.
    pub rest: Vec<Condition>,
}

impl RuleItem {
    /// The forms that the rule may stand in while it is narrowed: the present one first.
    pub fn forms(&self) -> impl Iterator<Item = Narrowed> {
        let present = Narrowed { mark: self.mark.clone(), rest: self.rest.clone() };
        [present].into_iter().chain(self.former.clone())
    }
}

/// An edit of a rule by someone else during a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// When it was found.
    pub at: Timestamp,
    /// The version of the rule's item that was saved before it: whoever finds the same edit finds the same version.
    #[serde(default)]
    pub after: u64,
    /// What was done.
    pub edit: Edit,
    /// Whether the rule was seen narrowed again since: until then it is one and the same edit.
    pub answered: bool,
}

/// What someone else did to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// Visitors were let in.
    Opened,
    /// Other conditions were written.
    Edited,
}

/// The key of the finding that visitors could not be told something.
pub const UNTOLD: &str = "visitors-told";

/// A finding that belongs to no window, told once a day: an unusable setting, a rule that is header-only for no window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is about.
    pub key: String,
    /// When it was found.
    pub found_at: Timestamp,
    /// Whether its report is out.
    pub told: bool,
}

/// The present, as one strongly consistent query read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Every window that is not history yet.
    pub windows: Vec<Window>,
    /// Every series.
    pub series: Vec<Series>,
    /// What is known of rules.
    pub rules: BTreeMap<RuleArn, RuleItem>,
    /// What is left to do of windows that are over.
    pub after: Vec<After>,
    /// What was told of findings that belong to no window, and is not to be told again yet.
    pub notices: Vec<Notice>,
    /// What visitors and calendars were told, if they were.
    pub published: Option<Published>,
    /// Items that could not be read, by their ids, and why.
    pub unreadable: BTreeMap<String, String>,
    /// What is left of those that are rules', by their ids.
    pub remains: BTreeMap<String, Remains>,
}

/// The id of a window's item in the present.
#[must_use]
pub fn window_key(id: &WindowId) -> String {
    format!("window#{id}")
}

/// The id of a series' item in the present.
#[must_use]
pub fn series_key(id: &WindowId) -> String {
    format!("series#{id}")
}

/// The id of a rule's item in the present.
#[must_use]
pub fn rule_key(rule: &RuleArn) -> String {
    format!("rule#{}", rule.key())
}

impl Table {
    /// Whether visitors and calendars surely read of a window that is ahead or goes on, with its message.
    #[must_use]
    pub fn announces(&self, window: &Window) -> bool {
        let published = self.published.as_ref().filter(|published| published.is_settled);
        let announced = published.and_then(|published| published.content.announced.as_deref()).unwrap_or_default();
        let uid = public_uid(window);
        announced.iter().any(|one| one.uid == uid && one.standing.is_ahead() && !one.message.is_empty())
    }

    /// What visitors may not be told as it is, as far as the table knows; a sentence.
    #[must_use]
    pub fn untold(&self, now: Timestamp) -> Option<String> {
        let published = self.published.as_ref();
        let refused = published.and_then(|published| published.problem.clone());
        let cut_off = published.is_some_and(|published| !published.is_settled && published.until < now);
        let since = self.notice_of_untold().map(|notice| notice.found_at);
        let why = match since {
            Some(since) => format!("it fails since {}, and the function's log says why", spoken(since, None)),
            None => "the last try did not come to its end".to_owned(),
        };
        let vague = || format!("what visitors are told could not be brought up to date: {why}");
        refused.or_else(|| (cut_off || since.is_some()).then(vague))
    }

    /// A window by its name.
    #[must_use]
    pub fn window(&self, id: &WindowId) -> Option<&Window> {
        self.windows.iter().find(|window| &window.id == id)
    }

    /// A series by its name.
    #[must_use]
    pub fn one_series(&self, id: &WindowId) -> Option<&Series> {
        self.series.iter().find(|series| &series.id == id)
    }

    /// What is left of what was saved of a rule, if its item could not be read.
    #[must_use]
    pub fn remains_of(&self, rule: &RuleArn) -> Option<&Remains> {
        self.remains.get(&rule_key(rule))
    }

    /// What is noted of visitors who could not be told something, unless all was told since.
    #[must_use]
    pub fn notice_of_untold(&self) -> Option<&Notice> {
        let settled = self.published.as_ref().and_then(Published::settled_since);
        self.notice(UNTOLD).filter(|notice| settled.is_none_or(|settled| notice.found_at >= settled))
    }

    /// What is noted of a finding that belongs to no window.
    #[must_use]
    pub fn notice(&self, key: &str) -> Option<&Notice> {
        self.notices.iter().find(|notice| notice.key == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        published::Content,
        series::tests::series,
        window::tests::{at, rule, window},
    };

    #[test]
    fn what_is_left_of_a_rules_item_is_found_by_that_rule_only() {
        let remains = [("rule#listener/one".to_owned(), Remains::default())].into();
        let table = Table { remains, ..Table::default() };
        assert!(table.remains_of(&rule("one")).is_some() && table.remains_of(&rule("two")).is_none());
    }

    #[test]
    fn windows_series_and_notices_are_found_by_their_own_names_only() {
        let table = Table {
            windows: vec![Window { id: "other".parse().expect("an id"), ..window() }, window()],
            series: vec![series()],
            notices: vec![Notice { key: "orphan".to_owned(), found_at: at("01:00:00"), told: true }],
            ..Table::default()
        };
        let id = |text: &str| text.parse::<WindowId>().expect("an id");
        assert_eq!(table.window(&id("deploy")), Some(&window()));
        assert_eq!(table.one_series(&id("nightly")), Some(&series()));
        assert_eq!(table.notice("orphan").map(|notice| notice.told), Some(true));
        assert!(table.window(&id("nightly")).is_none() && table.one_series(&id("deploy")).is_none());
        assert!(table.notice("deploy").is_none());
    }

    #[test]
    fn what_visitors_may_not_be_told_is_known_by_a_refusal_a_try_cut_off_or_a_finding() {
        let published = |is_settled, problem: Option<&str>| Published {
            version: 1,
            bucket: "pages".to_owned(),
            content: Content::default(),
            is_settled,
            until: at("01:00:00"),
            problem: problem.map(str::to_owned),
        };
        let told = |published, notices: &[Notice], now| {
            Table { published: Some(published), notices: notices.to_vec(), ..Table::default() }.untold(at(now))
        };
        let noted = |found_at| Notice { key: UNTOLD.to_owned(), found_at: at(found_at), told: false };
        let found = noted("00:59:40");
        let vague = |why: &str| Some(format!("what visitors are told could not be brought up to date: {why}"));
        assert_eq!(told(published(true, None), &[], "02:00:00"), None);
        assert_eq!(told(published(false, None), &[], "01:00:00"), None, "a run may be at it");
        assert_eq!(told(published(false, None), &[], "01:00:01"), vague("the last try did not come to its end"));
        let since = vague("it fails since Sun 6 Dec 2026 00:59:40 UTC, and the function's log says why");
        assert_eq!(told(published(true, None), std::slice::from_ref(&found), "02:00:00"), since);
        assert_eq!(told(published(true, None), &[noted("00:59:39")], "02:00:00"), None, "all was told since");
        assert_eq!(told(published(false, None), std::slice::from_ref(&found), "00:59:50"), since);
        assert_eq!(told(published(false, Some("S3 is away")), &[found], "02:00:00"), Some("S3 is away".to_owned()));
    }
}
