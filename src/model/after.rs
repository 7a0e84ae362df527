//! What is left to do once a window has become history, and what comes of it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    mute::{Mute, SURELY_OVER},
    time,
    window::{Outcome, Window},
};

/// How long after the end alarms stay muted and visitors are counted: an alarm that looks at the window's own minutes
/// would ring for them the moment it is no longer muted (CloudWatch user guide, "How alarm mute rules work"), and
/// CloudWatch has the last minute's figures some minutes later.
pub const RECOVERY: SignedDuration = SignedDuration::from_mins(5);

/// What is left to do of a window that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// The window as it became history.
    pub window: Window,
    /// The moment that its item of the past is found by.
    pub ended: Timestamp,
    /// When it is due.
    pub due: Timestamp,
    /// Its mute rules that are still to be deleted, or may be.
    pub mutes: Vec<Mute>,
    /// Why one of them could not be deleted at the last try, in a sentence.
    #[serde(default)]
    pub problem: Option<String>,
    /// Its muted alarms that were in alarm when they were handed back; none as long as that is not known.
    #[serde(default)]
    pub in_alarm: Option<Vec<String>>,
}

/// What is known of a window some minutes after its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// How many visitors got a fixed answer of the load balancer's meanwhile.
    pub turned_away: Option<u64>,
    /// The alarms it had muted that were still in alarm then.
    pub in_alarm: Vec<String>,
}

impl After {
    /// What is left of a window that ends now, with the mute rules it still has; none if nothing is.
    #[must_use]
    pub fn of(window: &Window, ended: Timestamp, mutes: Vec<Mute>, now: Timestamp) -> Option<Self> {
        let wait = if Self::counts(window) { RECOVERY } else { SURELY_OVER };
        let due = time::shifted(now, wait);
        let is_left = Self::counts(window) || !mutes.is_empty();
        is_left.then(|| Self { window: window.clone(), ended, due, mutes, problem: None, in_alarm: None })
    }

    /// Whether there is something to count of a window: visitors were turned away for it.
    #[must_use]
    pub fn counts(window: &Window) -> bool {
        let completed = window.ending.is_some_and(|ending| ending.outcome == Outcome::Completed);
        completed && window.really_started().is_some()
    }

    /// The alarms that the window had muted.
    #[must_use]
    pub fn muted(&self) -> BTreeSet<&str> {
        let made = self.window.mutes.iter().filter(|mute| mute.made);
        made.flat_map(|mute| &mute.alarms).map(String::as_str).collect()
    }

    /// What is to be known of its rules that were not deleted, in a sentence.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let problem = self.problem.as_ref()?;
        Some(format!("window {} is over, but alarms that it muted may still be muted: {problem}", self.window.id))
    }
}
