//! What can go wrong, in the operator's words.
//!
//! `Display` never repeats a cause that `source` holds; [`Error::full`] prints the whole chain once.

use std::fmt;

use lambda_runtime::Diagnostic;

/// A failure of an invocation. Its [`kind`](Error::kind) is stable, so that an alarm can filter on it.
#[derive(thiserror::Error)]
pub enum Error {
    /// The event was refused and nothing was changed. A human must look.
    #[error("{}", sentences(.0))]
    InvalidEvent(Vec<String>),
    /// The environment is unusable. A human must look.
    #[error("the configuration is unusable: {}; change the stack's parameters", sentences(.0))]
    InvalidConfig(Vec<String>),
    /// A call to AWS failed. A retry helps where AWS was busy; permissions and missing resources need a human.
    #[error("cannot {what}")]
    Aws {
        /// What was tried, to continue "cannot …".
        what: String,
        /// The service that was asked.
        service: Service,
        /// What it said.
        source: Refusal,
    },
    /// Some of the work was done and some is left; the next wake-up or sweep tries again.
    #[error("{}{}{} left to do, the next wake-up or sweep tries again: {}", first(.site.as_deref()), stands(.decided.as_deref()), .left.len(), sentences(.left))]
    Incomplete {
        /// How the site stands, in a sentence.
        site: Option<String>,
        /// What was decided in this run and stands, in a sentence.
        decided: Option<String>,
        /// What is left, a sentence each.
        left: Vec<String>,
    },
    /// The invocation's time was up before the work was done; the next wake-up or sweep goes on.
    #[error("the invocation's time is up before its work is done; the retry or the next sweep goes on from here")]
    OutOfTime,
}

/// The AWS services that are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Elastic Load Balancing.
    LoadBalancing,
    /// DynamoDB.
    Table,
    /// EventBridge Scheduler.
    Scheduler,
    /// Simple Notification Service.
    Notifications,
    /// CloudWatch.
    CloudWatch,
}

/// What AWS answered instead of doing what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// AWS's error code, or a word for what happened on the way to it.
    pub code: String,
    /// AWS's message, without any secret it may have quoted.
    pub message: String,
}

impl Error {
    /// The stable `errorType`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::InvalidEvent(_) => "InvalidEvent",
            Self::InvalidConfig(_) => "InvalidConfig",
            Self::Aws { service: Service::LoadBalancing, .. } => "LoadBalancingFailed",
            Self::Aws { service: Service::Table, .. } => "TableFailed",
            Self::Aws { service: Service::Scheduler, .. } => "SchedulerFailed",
            Self::Aws { service: Service::Notifications, .. } => "NotificationFailed",
            Self::Aws { service: Service::CloudWatch, .. } => "CloudWatchFailed",
            Self::Incomplete { .. } => "Incomplete",
            Self::OutOfTime => "OutOfTime",
        }
    }

    /// The message and its causes, once each.
    #[must_use]
    pub fn full(&self) -> String {
        chain(self)
    }

    /// AWS's error code, if AWS answered.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Aws { source, .. } => Some(&source.code),
            Self::InvalidEvent(_) | Self::InvalidConfig(_) | Self::Incomplete { .. } | Self::OutOfTime => None,
        }
    }
}

/// The runtime logs errors by `Debug`, so that is what an operator reads.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind(), self.full())
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Self { error_type: error.kind().to_owned(), error_message: error.full() }
    }
}

/// An error and its causes, each once: some repeat their cause.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

/// What an error's causes say, or the error itself if it has none: some errors only sort what caused them.
#[must_use]
pub fn causes(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), chain)
}

fn first(site: Option<&str>) -> String {
    site.map(|site| format!("{site} ")).unwrap_or_default()
}

fn stands(what: Option<&str>) -> String {
    what.map(|what| format!("{}; ", capitalised(what))).unwrap_or_default()
}

/// The text as a sentence begins, with a capital letter.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn sentences(all: &[String]) -> String {
    all.join("; ")
}
