//! What a run did, what it remembers between its looks, and what it saw last.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{
    failures::{About, Failure},
    visitors::Problem,
};
use crate::{
    aws::store::Reads,
    error::Error,
    model::{
        id::WindowId,
        rule_arn::RuleArn,
        table::{RuleItem, Table},
        window::Window,
    },
    plan::{Plan, site::Site, unworkable::Unworkable},
    report::{
        site,
        views::{RuleView, VisitorView},
    },
};

/// What became of a window in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happened {
    /// It was reported as booked.
    Booked,
    /// Its rules were changed or its state was.
    Changed,
    /// It was reported as started.
    Started,
    /// It was reported as completed.
    Completed,
    /// It was reported as missed.
    Missed,
    /// It was reported as cancelled.
    Cancelled,
}

impl Happened {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Changed => "changed",
            Self::Started => "started",
            Self::Completed => "completed",
            Self::Missed => "missed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a run did, and what it saw last.
#[derive(Debug, Default)]
pub struct Done {
    /// What became of windows.
    pub happened: BTreeMap<WindowId, Happened>,
    /// Every window as it stands, those included that became history in this run.
    pub windows: Vec<Window>,
    /// How every rule stands.
    pub rules: Vec<RuleView>,
    /// Rules that are header-only for no window, and whose owner's conditions are not known.
    pub orphans: Vec<RuleArn>,
    /// Rules of that kind that lost the bypass header in this run.
    pub reopened: Vec<RuleArn>,
    /// Windows, by their uids, of which a report could not be sent.
    pub untold: BTreeSet<String>,
    /// What could not be done, a sentence each.
    pub left: Vec<String>,
    /// Why the rules could not be read, if they could not.
    pub rules_error: Option<Error>,
    /// The present as it was read last.
    pub table: Table,
    /// How the site stands.
    pub site: Site,
    /// What a visitor got, if that was watched for.
    pub visitor: Option<VisitorView>,
    /// Booked windows that could not work as things are.
    pub unworkable: Vec<Unworkable>,
    /// What visitors could not be told, if there was something.
    pub unpublished: Option<Problem>,
}

impl Done {
    /// Itself, if nothing is left to do; `decided` is what was decided in this run and stands all the same.
    ///
    /// # Errors
    /// [`Error::Incomplete`] naming everything that is left, or why the rules could not be read.
    pub fn complete(mut self, decided: Option<String>) -> Result<Self, Error> {
        match (self.rules_error.take(), decided) {
            (None, _) if self.left.is_empty() => Ok(self),
            (Some(error), None) => Err(error),
            (rules_error, decided) => {
                // What could not be read is in the headline.
                let left = rules_error.iter().map(Error::full).chain(self.left).collect();
                Err(Error::Incomplete { site: Some(site::headline(&self.site)), decided, left })
            }
        }
    }

    /// Remembers that a report of a window could not be sent: it stays in the present until all are.
    pub(super) fn not_told(&mut self, window: &Window, error: &Error) {
        self.untold.insert(window.uid.clone());
        self.left.push(format!("window {}: {}", window.id, error.full()));
    }

    /// A window by its name and uid, as it stands.
    #[must_use]
    pub fn window(&self, id: &WindowId, uid: &str) -> Option<&Window> {
        self.windows.iter().find(|window| &window.id == id && window.uid == uid)
    }
}

/// What a run remembers between its looks.
#[derive(Default)]
pub(super) struct Progress {
    /// Windows, by their uids, whose change of state failed.
    pub(super) blocked: BTreeSet<String>,
    /// What failed.
    pub(super) failures: Vec<Failure>,
    /// What the table would not take since it was not as it was read: the uids and ARNs, and the versions read.
    pub(super) refused: BTreeSet<(String, u64)>,
    /// Whether it would not take a transaction of starts for that reason.
    pub(super) starts_refused: bool,
    /// Rules that were changed.
    pub(super) changed: BTreeSet<RuleArn>,
    /// Rules that were header-only for no window and were reopened.
    pub(super) reopened: BTreeSet<RuleArn>,
    /// When the last change of a rule was through.
    pub(super) changed_at: Option<Timestamp>,
    /// Windows, by their uids, that this run changed.
    pub(super) touched: BTreeSet<String>,
    /// What looked odd and is looked at again.
    pub(super) odd: BTreeMap<RuleArn, Option<RuleItem>>,
    /// Whether rules that are header-only for no window are to lose the bypass header.
    pub(super) reopen_orphans: bool,
    /// How much of the table it reads.
    pub(super) reads: Reads,
    /// Whether a tester's request succeeded, and when that was asked.
    pub(super) healthy: Option<(bool, Timestamp)>,
}

/// What was seen last, with nothing left to do about it but what failed.
pub(super) struct Settled {
    pub(super) table: Table,
    /// None when the rules could not be read.
    pub(super) plan: Option<Plan>,
    pub(super) rules_error: Option<Error>,
}

/// How many windows are looked after at once.
pub(super) const WINDOWS_AT_ONCE: usize = 8;

/// How long the answer to whether the site is healthy may be acted on.
const HEALTH_FRESH: SignedDuration = SignedDuration::from_secs(10);

impl Progress {
    /// Whether a tester's request succeeded, if that was asked just now.
    pub(super) fn fresh_health(&self, now: Timestamp) -> Option<bool> {
        let fresh = |(_, at): &(bool, Timestamp)| now.duration_since(*at) < HEALTH_FRESH;
        self.healthy.filter(fresh).map(|(healthy, _)| healthy)
    }

    /// Remembers a failure, once.
    pub(super) fn fail(&mut self, failure: Failure) {
        if !self.failures.iter().any(|known| known.key() == failure.key() && known.about == failure.about) {
            self.failures.push(failure);
        }
    }

    /// Whether this failed already: the next run tries again.
    pub(super) fn has_failed(&self, about: &About) -> bool {
        self.failures.iter().any(|failure| &failure.about == about)
    }

    /// Remembers that this run changed a window's state.
    pub(super) fn window_changed(&mut self, window: &Window) {
        tracing::info!(window.id = %window.id, window.state = ?window.state, "window changed");
        self.touched.insert(window.uid.clone());
    }
}
