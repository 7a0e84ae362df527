//! A mute rule of a window: how the table knows it, and how CloudWatch is asked for it.
//!
//! A mute rule is written once and never changed: who wants another makes one of a higher number, so that no late
//! writer puts back what somebody else has changed. The numbers are given out by the window's item in the table, which
//! a run writes before it makes a rule; so each rule that may exist is known there.
//!
//! Pure: the moment is an argument everywhere. What a window wants of its rules is in [`super::muting`].

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Longer than any run lives: who meant to make a rule before that has made it by now, or never will.
pub const SURELY_OVER: SignedDuration = SignedDuration::from_mins(6);

/// A mute rule that a window has made, or is about to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mute {
    /// Tells it from other rules of its window.
    pub number: u32,
    /// From when on it mutes: a whole minute.
    pub from: Timestamp,
    /// Until when: a whole minute.
    pub until: Timestamp,
    /// The alarms it mutes, by their names.
    pub alarms: Vec<String>,
    /// When somebody set about making it.
    pub since: Timestamp,
    /// Whether it is known to exist; otherwise it may.
    pub made: bool,
    /// Why it could not be made, or deleted if it is made, at the last try; in a sentence.
    #[serde(default)]
    pub problem: Option<String>,
}

/// A mute rule as CloudWatch is asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MuteRule {
    /// Its name.
    pub name: String,
    /// What a person reads who finds it in the console.
    pub description: String,
    /// From when on it mutes.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// The alarms it mutes; never none, which would mean all there are.
    pub alarms: Vec<String>,
}

impl Mute {
    /// Its name: the stack's, the window's and its own, which no other rule has. A stack's name holds no dot.
    #[must_use]
    pub fn name(&self, stack: &str, window: &str, uid: &str) -> String {
        format!("{stack}.{window}-{uid}-{}", self.number)
    }

    /// Whether it may be forgotten once it is deleted: nobody is about to make it.
    #[must_use]
    pub fn is_settled(&self, now: Timestamp) -> bool {
        self.made || now.duration_since(self.since) >= SURELY_OVER
    }

    /// Whether it exists and has begun to mute.
    #[must_use]
    pub fn has_muted(&self, now: Timestamp) -> bool {
        self.made && self.from <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mute() -> Mute {
        let at = |text: &str| format!("2026-12-06T{text}Z").parse().expect("a time");
        Mute {
            number: 1,
            from: at("02:00:00"),
            until: at("05:00:00"),
            alarms: vec!["5xx".to_owned()],
            since: at("00:00:00"),
            made: true,
            problem: None,
        }
    }

    #[test]
    fn a_rule_is_forgotten_only_when_nobody_can_make_it_any_more() {
        let meant = Mute { made: false, ..mute() };
        let mins = |mins| meant.since + SignedDuration::from_mins(mins);
        assert!(!meant.is_settled(mins(6) - SignedDuration::from_secs(1)) && meant.is_settled(mins(6)));
        assert!(mute().is_settled(mins(0)));
    }

    #[test]
    fn a_rule_has_muted_once_it_exists_and_its_start_has_come() {
        let second = SignedDuration::from_secs(1);
        assert!(!mute().has_muted(mute().from - second) && mute().has_muted(mute().from));
        assert!(!Mute { made: false, ..mute() }.has_muted(mute().until));
    }

    #[test]
    fn names_are_apart_and_tell_whose_they_are() {
        assert_eq!(mute().name("shop", "deploy", "aaaaa"), "shop.deploy-aaaaa-1");
        assert!(mute().name(&"s".repeat(58), &"x".repeat(40), "aaaaa").len() <= 255);
    }
}
