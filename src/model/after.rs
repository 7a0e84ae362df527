//! What is left to do once a window has become history, and what comes of it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    id::WindowId,
    mute::{Mute, SURELY_OVER},
    time::shifted,
    window::{Outcome, Window},
};

/// How long after the end alarms stay muted and requests are counted: an alarm that looks at the window's own minutes
/// would ring for them the moment it is no longer muted (CloudWatch user guide, "How alarm mute rules work"), and
/// CloudWatch has the last minute's figures some minutes later.
pub const RECOVERY: SignedDuration = SignedDuration::from_mins(5);

/// What is left to do of a window that is over. All else about it is in its item of the past.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// The window's name.
    #[serde(rename = "window")]
    pub id: WindowId,
    /// Tells it from other windows of its name.
    pub uid: String,
    /// The moment that its item of the past is found by.
    pub ended: Timestamp,
    /// When it is due.
    pub due: Timestamp,
    /// Its mute rules that are still to be deleted, or may be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mutes: Vec<Mute>,
    /// Why one of them could not be deleted at the last try, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Its muted alarms that were in alarm when they were handed back; none as long as that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_alarm: Option<Vec<String>>,
}

/// The same as earlier versions wrote it, with the whole window.
#[derive(Clone, Debug, Deserialize)]
pub struct WithWindow {
    window: Window,
    ended: Timestamp,
    due: Timestamp,
    mutes: Vec<Mute>,
    #[serde(default)]
    problem: Option<String>,
    #[serde(default)]
    in_alarm: Option<Vec<String>>,
}

impl From<WithWindow> for After {
    fn from(before: WithWindow) -> Self {
        let WithWindow { window: Window { id, uid, .. }, ended, due, mutes, problem, in_alarm } = before;
        Self { id, uid, ended, due, mutes, problem, in_alarm }
    }
}

/// What is known of a window some minutes after its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// How many requests got a fixed answer of the load balancer's meanwhile.
    pub turned_away: Option<u64>,
    /// The alarms it had muted that were still in alarm then.
    pub in_alarm: Vec<String>,
}

impl After {
    /// What is left of a window that becomes history now; none if nothing is.
    #[must_use]
    pub fn of(window: &Window, ended: Timestamp, now: Timestamp) -> Option<Self> {
        let due = if Self::counts(window) {
            shifted(ended, RECOVERY).max(now)
        } else if window.mutes.iter().all(|mute| mute.is_settled(now)) {
            now
        } else {
            shifted(now, SURELY_OVER)
        };
        let is_left = Self::counts(window) || !window.mutes.is_empty();
        is_left.then(|| Self {
            id: window.id.clone(),
            uid: window.uid.clone(),
            ended,
            due,
            mutes: window.mutes.clone(),
            problem: window.mutes.iter().filter(|mute| mute.made).find_map(|mute| mute.problem.clone()),
            in_alarm: None,
        })
    }

    /// Whether there is something to count of a window: it was carried out, so that requests may have been turned away.
    #[must_use]
    pub fn counts(window: &Window) -> bool {
        let completed = window.ending.is_some_and(|ending| ending.outcome == Outcome::Completed);
        completed && window.really_started().is_some()
    }

    /// What is to be known of its rules that were not deleted, in a sentence.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let problem = self.problem.as_ref()?;
        Some(format!("window {} is over, but alarms that it muted may still be muted: {problem}", self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::window::tests::{active, at, window};

    fn mute(made: bool) -> Mute {
        let (from, until, since) = (at("02:00:00"), at("05:00:00"), at("02:59:00"));
        Mute { number: 1, from, until, alarms: vec!["5xx".to_owned()], since, made, problem: None }
    }

    fn with(window: &Window, mutes: &[Mute], outcome: Outcome) -> Window {
        Window { mutes: mutes.to_vec(), ..window.to_end(at("03:00:00"), outcome) }
    }

    #[test]
    fn what_is_left_of_a_window_is_due_some_minutes_after_its_end_however_late_it_is_told() {
        let completed = with(&active(), &[mute(true)], Outcome::Completed);
        let due = |now| After::of(&completed, at("03:00:00"), at(now)).map(|after| (after.due, after.mutes.len()));
        assert_eq!(due("03:00:01"), Some((at("03:05:00"), 1)));
        assert_eq!(due("04:00:00"), Some((at("04:00:00"), 1)));
        let unmuted = with(&active(), &[], Outcome::Completed);
        assert!(After::of(&unmuted, at("03:00:00"), at("03:00:01")).is_some(), "requests are counted");
    }

    #[test]
    fn requests_are_counted_for_what_was_carried_out_and_for_nothing_else() {
        let over = |window: Window, outcome| window.to_end(at("03:00:00"), outcome);
        for (what, window, counts) in [
            ("carried out", over(active(), Outcome::Completed), true),
            ("ended before a rule was closed", over(window(), Outcome::Completed), false),
            ("dropped", over(window(), Outcome::Cancelled), false),
            ("dropped while its rules were being closed", over(active(), Outcome::Cancelled), false),
            ("going on", active(), false),
        ] {
            assert_eq!(After::counts(&window), counts, "{what}");
        }
    }

    #[test]
    fn of_a_window_that_closed_nothing_only_rules_that_may_be_there_are_left() {
        for outcome in [Outcome::Cancelled, Outcome::Missed] {
            let due = |mutes: &[Mute]| {
                let window = with(&window(), mutes, outcome);
                After::of(&window, at("03:00:00"), at("03:00:01")).map(|after| after.due)
            };
            assert_eq!(due(&[]), None);
            assert_eq!(due(&[mute(true)]), Some(at("03:00:01")), "it could not be deleted, and rings too late already");
            assert_eq!(due(&[mute(true), mute(false)]), Some(at("03:06:01")), "who set about making it may be at it");
        }
    }
}
