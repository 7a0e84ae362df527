//! What the caller reads: one JSON object for every event.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    arn::RuleArn,
    check::Finding,
    plan::RuleState,
    record::Record,
    series::SeriesView,
    window::{AtEnd, Phase, WindowId},
};

/// The answer to an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Response {
    /// The action that was asked for.
    pub action: String,
    /// What came of it, in a word.
    pub outcome: String,
    /// One sentence for a person.
    pub message: String,
    /// The window concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowView>,
    /// Every window, where several are concerned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowView>,
    /// The series concerned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<SeriesView>,
    /// The rules concerned.
    pub rules: Vec<RuleView>,
    /// When the function looks again of its own accord, apart from the sweep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_wake: Option<Timestamp>,
    /// What a check found, the worst first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What the caller should know although it stopped nothing.
    pub warnings: Vec<String>,
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
    /// Where now lies.
    pub phase: Phase,
    /// The rules it covers.
    pub rules: Vec<RuleArn>,
    /// Why.
    pub reason: Option<String>,
    /// Who.
    pub booked_by: Option<String>,
    /// What happens at its end.
    pub at_end: AtEnd,
    /// When its rules were narrowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
}

impl WindowView {
    /// A record as seen at `now`.
    #[must_use]
    pub fn new(record: &Record, now: Timestamp) -> Self {
        let window = record.window();
        Self {
            id: window.id.clone(),
            start: window.start,
            end: window.end,
            phase: record.phase(now),
            rules: window.rules.clone(),
            reason: window.reason.clone(),
            booked_by: window.booked_by.clone(),
            at_end: window.at_end,
            started: record.progress.narrowed_at,
        }
    }
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
