//! What the caller reads: one JSON object for every event.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    finding::Finding,
    help::Help,
    site,
    views::{PastView, RuleView, VisitorView, WindowView},
};
use crate::{model::series::SeriesView, plan::site::Site};

/// The answer to an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Response {
    /// The action that was asked for.
    pub action: String,
    /// What came of it, in a word.
    pub outcome: String,
    /// How the site stands, in a word; left out of an answer that is not about the present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
    /// How the site stands, then what came of the event, in sentences for a person.
    pub message: String,
    /// The events that make sense now, ready to be sent, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub next_steps: Vec<String>,
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
    /// Whether there are older ones that are not told; [`Response::next_steps`] says how to get them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// The same as comma-separated values, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csv: Option<String>,
    /// What can be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<Help>,
    /// The rules concerned.
    pub rules: Vec<RuleView>,
    /// What a visitor got at `ProbeUrl`, if this run asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visitor: Option<VisitorView>,
    /// When a window starts or ends next, whichever that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_change: Option<Timestamp>,
    /// What a check looked at and found well, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checked: Vec<String>,
    /// What a check found, the worst first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What the caller should know although it stopped nothing.
    pub warnings: Vec<String>,
}

impl Response {
    /// The answer with the state of the site as its first words, and what makes sense next.
    #[must_use]
    pub fn with_headline(mut self) -> Self {
        if let Some(seen) = &self.site {
            let told = [site::headline(seen), self.message].into_iter().filter(|part| !part.is_empty());
            self.message = told.collect::<Vec<_>>().join(" ");
            // Whoever has just sent an event is not told to send it again.
            let same = format!("{{\"action\":\"{}\"}}", self.action);
            self.next_steps.extend(site::next_steps(seen).into_iter().filter(|step| !step.ends_with(&same)));
        }
        self
    }
}
