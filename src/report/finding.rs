//! What a check finds.

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A window could not work, and is refused.
    Error,
    /// A window works, but someone should know.
    Warning,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to do about it.
    pub fix: String,
}

impl Finding {
    /// One that refuses a window.
    #[must_use]
    pub fn error(what: String, why: &str, fix: &str) -> Self {
        Self { severity: Severity::Error, what, why: why.to_owned(), fix: fix.to_owned() }
    }

    /// One that someone should know.
    #[must_use]
    pub fn warning(what: String, why: &str, fix: &str) -> Self {
        Self { severity: Severity::Warning, what, why: why.to_owned(), fix: fix.to_owned() }
    }

    /// The finding in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{}: {}; {}", self.what, self.why, self.fix)
    }
}
