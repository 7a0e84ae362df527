//! What the caller reads: one JSON object for every event.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    finding::Finding,
    help::Help,
    views::{PastView, RuleView, WindowView},
};
use crate::model::series::SeriesView;

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
    /// What is over, the latest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<PastView>,
    /// What can be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<Help>,
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
