//! The function's answer, as far as it is read here; what a newer function adds is passed over.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;

/// The answer to an event.
#[derive(Clone, Debug, Deserialize)]
pub struct Answer {
    /// The action that was asked for.
    pub action: String,
    /// What came of it, in a word.
    pub outcome: String,
    /// How the site stands, in a word.
    pub site: Option<String>,
    /// The same, and what came of the event, in sentences.
    pub message: String,
    /// What makes sense next.
    #[serde(default)]
    pub next_steps: Vec<String>,
    /// The window concerned.
    pub window: Option<Window>,
    /// Every window, where several are concerned.
    #[serde(default)]
    pub windows: Vec<Window>,
    /// The series concerned.
    #[serde(default)]
    pub series: Vec<Series>,
    /// What is over, the latest first.
    #[serde(default)]
    pub history: Vec<Past>,
    /// Whether there are older ones that are not told.
    #[serde(default)]
    pub more: bool,
    /// The same as comma-separated values, if they were asked for.
    pub csv: Option<String>,
    /// What a visitor got at `ProbeUrl`.
    pub visitor: Option<Visitor>,
    /// When a window starts or ends next.
    pub next_change: Option<Timestamp>,
    /// What a check looked at and found well, and what it could not try.
    #[serde(default)]
    pub checked: Vec<String>,
    /// What a check found, the worst first.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// What the caller should know although it stopped nothing.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// A window.
#[derive(Clone, Debug, Deserialize)]
pub struct Window {
    /// Its name.
    pub id: String,
    /// Its start.
    pub start: Timestamp,
    /// Its end; none while open-ended.
    pub end: Option<Timestamp>,
    /// How it stands.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// What happens at its end.
    pub at_end: Option<String>,
    /// How it ended.
    pub outcome: Option<String>,
}

/// A window that recurs.
#[derive(Clone, Debug, Deserialize)]
pub struct Series {
    /// Its name.
    pub id: String,
    /// Its next starts.
    #[serde(default)]
    pub next: Vec<Timestamp>,
    /// Whether it books nothing until it is resumed.
    #[serde(default)]
    pub paused: bool,
}

/// A window or a series that is over.
#[derive(Clone, Debug, Deserialize)]
pub struct Past {
    /// Its name.
    pub id: String,
    /// `window` or `series`.
    pub kind: Option<String>,
    /// How it ended.
    pub outcome: Option<String>,
    /// When its rules were restored, or, if that is not known, when its end was decided.
    pub ended_at: Option<Timestamp>,
    /// When it was planned.
    pub planned: Option<Planned>,
    /// When it really was.
    pub actual: Option<Actual>,
    /// How many requests were turned away.
    pub turned_away: Option<u64>,
    /// Why.
    pub reason: Option<String>,
    /// Who asked for it.
    pub requested_by: Option<String>,
}

/// When a window was meant to start and end.
#[derive(Clone, Debug, Deserialize)]
pub struct Planned {
    /// The start.
    pub start: Timestamp,
    /// The end.
    pub end: Option<Timestamp>,
}

/// When it did.
#[derive(Clone, Debug, Deserialize)]
pub struct Actual {
    /// The start.
    pub started: Option<Timestamp>,
    /// The end.
    pub ended: Option<Timestamp>,
}

/// What a visitor got.
#[derive(Clone, Debug, Deserialize)]
pub struct Visitor {
    /// What that means: `maintenance`, `application`, `failure` or `nothing`.
    pub met: String,
    /// The answer, to continue "a visitor got …".
    pub got: String,
    /// How long it took, or was waited for.
    pub after_secs: Option<i64>,
}

/// A finding of a check.
#[derive(Clone, Debug, Deserialize)]
pub struct Finding {
    /// `error` or `warning`.
    pub severity: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub fix: String,
}

/// Why the function failed.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Failure {
    /// A stable word.
    #[serde(rename = "errorType", default)]
    pub kind: String,
    /// What and why.
    #[serde(rename = "errorMessage", default)]
    pub message: String,
}

impl Failure {
    /// Whether the event was refused and decided nothing.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self.kind.as_str(), "InvalidEvent" | "InvalidConfig")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl Answer {
    /// Every window that the answer tells of.
    pub fn all_windows(&self) -> impl Iterator<Item = &Window> {
        self.window.iter().chain(&self.windows)
    }
}
