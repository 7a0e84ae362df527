//! Windows, rules and times as readers of answers and reports see them.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    model::{
        id::WindowId,
        rule_arn::RuleArn,
        seen::Met,
        window::{AtEnd, Covered, Decision, Outcome, State, Window},
    },
    plan::RuleState,
};

/// What a report says of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleLine {
    /// The rule.
    pub arn: RuleArn,
    /// How it stands.
    pub state: RuleState,
}

/// When a window was meant to start and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The start.
    pub start: Timestamp,
    /// The end; none while open-ended.
    pub end: Option<Timestamp>,
}

/// When it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Actual {
    /// When the rules were header-only.
    pub started: Option<Timestamp>,
    /// How late that was, in seconds.
    pub start_late_secs: Option<i64>,
    /// When the rules were restored.
    pub ended: Option<Timestamp>,
    /// How late that was, in seconds; negative when it was ended early.
    pub end_late_secs: Option<i64>,
    /// How long after the change a visitor saw it, in seconds, if it was probed.
    pub seen_after_secs: Option<i64>,
}

impl Actual {
    /// When a window's rules were narrowed and restored.
    #[must_use]
    pub fn of(window: &Window) -> Self {
        let late = |at: Option<Timestamp>, due: Option<Timestamp>| Some(at?.duration_since(due?).as_secs());
        let started = window.really_started();
        let ended = window.reopened_at.filter(|_| started.is_some());
        Self {
            started,
            start_late_secs: late(started, Some(window.start)),
            ended,
            end_late_secs: late(ended, window.end),
            ..Self::default()
        }
    }
}

/// A window as callers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WindowView {
    /// Its name.
    pub id: WindowId,
    /// Its start.
    pub start: Timestamp,
    /// Its end; null while open-ended.
    pub end: Option<Timestamp>,
    /// How it stands.
    pub state: State,
    /// The rules it covers.
    pub rules: Covered,
    /// The zone people want its times told in.
    pub timezone: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Who.
    pub requested_by: Option<String>,
    /// A sentence for visitors.
    pub message: Option<String>,
    /// The alarms it mutes besides those of the settings, or none at all if it is empty; left out if it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mute_alarms: Option<Vec<String>>,
    /// What happens at its end.
    pub at_end: AtEnd,
    /// The series it is an occurrence of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<WindowId>,
    /// When its rules were narrowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

impl WindowView {
    /// A window as it stands.
    #[must_use]
    pub fn new(window: &Window) -> Self {
        Self {
            id: window.id.clone(),
            start: window.start,
            end: window.end,
            state: window.state,
            rules: window.rules.clone(),
            timezone: window.timezone.clone(),
            reason: window.reason.clone(),
            requested_by: window.requested_by.clone(),
            message: window.message.clone(),
            mute_alarms: window.mute_alarms.clone(),
            at_end: window.at_end,
            series: window.series.clone(),
            started: window.started_at,
            outcome: window.ending.map(|ending| ending.outcome),
        }
    }
}

/// A report that was sent, as the history tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// When.
    pub at: Timestamp,
    /// The event's word.
    pub event: String,
}

impl Sent {
    /// Reads what a window remembers of it; none if that says something else.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (at, event) = text.split_once(' ')?;
        Some(Self { at: at.parse().ok()?, event: event.to_owned() })
    }
}

/// A window or a series that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastView {
    /// Its name.
    pub id: WindowId,
    /// Whether it is a `window` or a `series`.
    pub kind: &'static str,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// When it was planned; of a window only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<Planned>,
    /// When it really was; of a window only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<Actual>,
    /// How many seconds after its rules were narrowed a visitor saw it, if that was watched for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_seen_after_secs: Option<i64>,
    /// How many seconds after they were restored a visitor saw that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_seen_after_secs: Option<i64>,
    /// How many requests were turned away; some minutes after its end, if CloudWatch told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turned_away: Option<u64>,
    /// The alarms it muted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub muted: Vec<String>,
    /// Those of them that were still in alarm some minutes after its end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_alarm: Vec<String>,
    /// When its rules were as their owners wrote them, or, if that is not known, when its end was decided.
    pub ended_at: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
    /// Who.
    pub requested_by: Option<String>,
    /// The series it was an occurrence of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<WindowId>,
    /// What was decided about it, oldest first.
    pub decisions: Vec<Decision>,
    /// What was reported about it, oldest first; of a window only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<Sent>,
}

/// What a visitor got at the site's public address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VisitorView {
    /// What that means.
    pub met: Met,
    /// The answer, to continue "a visitor got …".
    pub got: String,
    /// How long that took to be seen after the change, or was waited for in vain; left out where nothing was waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_secs: Option<i64>,
}

/// A rule as callers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleView {
    /// The rule.
    pub arn: RuleArn,
    /// How it stands now.
    pub state: RuleState,
    /// Whether this run changed it.
    pub changed: bool,
}
