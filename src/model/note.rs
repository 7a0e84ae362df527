//! What a run notes of a window that changes no decision.

use std::collections::BTreeSet;

use jiff::Timestamp;

#[cfg(doc)]
use super::window::Window;

/// What is written beside a window's version, so that it conflicts with no decision.
#[derive(Clone, Debug, Default)]
pub struct Note {
    /// Reports that were told, by their keys.
    pub told: BTreeSet<String>,
    /// Each of them with its moment, as [`Window::reports`] has it.
    pub reports: BTreeSet<String>,
    /// When all its rules were first seen header-only.
    pub started_at: Option<Timestamp>,
    /// When its rules were restored.
    pub reopened_at: Option<Timestamp>,
    /// How many seconds after the start a visitor saw it.
    pub closed_seen_after_secs: Option<i64>,
    /// The same of the end.
    pub opened_seen_after_secs: Option<i64>,
}
