//! The calendar: a window, its phase at a moment, and when its wake-ups are due.
//!
//! Pure: the moment is an argument everywhere.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::arn::RuleArn;

/// How long before its moment a wake-up is booked.
/// EventBridge Scheduler invokes within 60 s after the time asked for; the function waits out the rest itself.
pub const LEAD: SignedDuration = SignedDuration::from_secs(60);

/// The shortest time ahead that a wake-up is booked for: whether a time in the past fires is not documented.
pub const AHEAD_MIN: SignedDuration = SignedDuration::from_secs(10);

/// In a window shorter than the lead, the end's wake-up still leaves the start this much room.
pub const END_AFTER_START: SignedDuration = SignedDuration::from_secs(30);

/// A wake-up nearer than this may already be on its way, and whether a change to it is honoured is not documented.
pub const IN_FLIGHT: SignedDuration = SignedDuration::from_secs(120);

/// In a window's last moments no rule is narrowed any more: a call sent now might still land after the end, when nobody
/// looks for it. It is longer than any call may take.
pub const LAST_CALL: SignedDuration = SignedDuration::from_secs(25);

/// The furthest ahead that a window may start.
pub const HORIZON: SignedDuration = SignedDuration::from_hours(366 * 24);

/// The shortest window: below it, wake-ups cannot be told apart.
pub const LENGTH_MIN: SignedDuration = SignedDuration::from_mins(1);

/// A window's name: 1 to 40 of `A-Z a-z 0-9 . _ -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WindowId(String);

impl WindowId {
    /// An id that is the same whenever the same parts are given, so that an event delivered twice is one window.
    #[must_use]
    pub fn derived<'a>(label: &str, parts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(format!("{label}-{}", digest(parts)))
    }

    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Ten hexadecimal digits that stand for the parts, the same in every build.
#[must_use]
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(5).fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

impl FromStr for WindowId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fine = (1..=40).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if fine {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("expected 1 to 40 of A-Z a-z 0-9 . _ -, but found {text:?}"))
        }
    }
}

impl TryFrom<String> for WindowId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<WindowId> for String {
    fn from(id: WindowId) -> Self {
        id.0
    }
}

impl fmt::Display for WindowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What happens at a window's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtEnd {
    /// The rules are restored.
    #[default]
    Reopen,
    /// The rules stay header-only until `off`.
    Hold,
    /// The rules are restored once a tester's request succeeds, and stay header-only until then.
    ReopenIfHealthy,
}

/// Planned maintenance over the half-open interval `[start, end)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its name.
    pub id: WindowId,
    /// The first instant in it.
    pub start: Timestamp,
    /// The first instant after it; absent while it is open-ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    /// The rules it covers.
    pub rules: Vec<RuleArn>,
    /// The zone people want its times told in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booked_by: Option<String>,
    /// A sentence for visitors, shown on the maintenance page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What happens at its end.
    #[serde(default)]
    pub at_end: AtEnd,
    /// The series it is an occurrence of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<WindowId>,
}

/// Where a moment lies with respect to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before its start.
    Booked,
    /// From its start until just before its end.
    Active,
    /// From its end on.
    Over,
}

impl Window {
    /// The phase at `now`; the start belongs to the window, the end does not.
    #[must_use]
    pub fn phase(&self, now: Timestamp) -> Phase {
        if now < self.start {
            Phase::Booked
        } else if self.end.is_none_or(|end| now < end) {
            Phase::Active
        } else {
            Phase::Over
        }
    }

    /// Whether both mean the same maintenance: the same time on the same rules with the same ending.
    /// Who booked it and why may differ.
    #[must_use]
    pub fn same_plan(&self, other: &Self) -> bool {
        let sorted = |window: &Self| {
            let mut rules = window.rules.clone();
            rules.sort();
            rules
        };
        (self.start, self.end, self.at_end) == (other.start, other.end, other.at_end) && sorted(self) == sorted(other)
    }

    /// When to book the start's wake-up for.
    #[must_use]
    pub fn start_wake(&self, now: Timestamp) -> Timestamp {
        (self.start - LEAD).max(now + AHEAD_MIN)
    }

    /// When to book the end's wake-up for; none while the window is open-ended.
    #[must_use]
    pub fn end_wake(&self, now: Timestamp) -> Option<Timestamp> {
        Some((self.end? - LEAD).max(self.start + END_AFTER_START).max(now + AHEAD_MIN))
    }

    /// How long the window lasts; none while it is open-ended.
    #[must_use]
    pub fn length(&self) -> Option<SignedDuration> {
        Some(self.end?.duration_since(self.start))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A moment of the tests' one day.
    pub(crate) fn at(text: &str) -> Timestamp {
        format!("2026-12-06T{text}Z").parse().expect("a time")
    }

    /// A window over no rule.
    pub(crate) fn window(start: &str, end: &str) -> Window {
        Window {
            id: "w".parse().expect("an id"),
            start: at(start),
            end: Some(at(end)),
            rules: vec![],
            timezone: None,
            reason: None,
            booked_by: None,
            message: None,
            at_end: AtEnd::Reopen,
            series: None,
        }
    }

    #[test]
    fn the_start_belongs_to_the_window_and_the_end_does_not() {
        let window = window("02:00:00", "04:00:00");
        for (now, phase) in [
            ("01:59:59.999", Phase::Booked),
            ("02:00:00", Phase::Active),
            ("03:59:59.999", Phase::Active),
            ("04:00:00", Phase::Over),
        ] {
            assert_eq!(window.phase(at(now)), phase, "{now}");
        }
        let open_ended = Window { end: None, ..window };
        assert_eq!(open_ended.phase(at("23:59:59")), Phase::Active);
    }

    #[test]
    fn windows_may_start_within_a_year_and_its_leap_day() {
        assert_eq!(HORIZON.as_hours(), 366 * 24);
    }

    #[test]
    fn wake_ups_are_a_minute_early_but_never_in_the_past_nor_before_the_start_has_room() {
        let long = window("02:00:00", "04:00:00");
        assert_eq!(long.length(), Some(SignedDuration::from_hours(2)));
        assert_eq!(long.start_wake(at("00:00:00")), at("01:59:00"));
        assert_eq!(long.start_wake(at("01:59:30")), at("01:59:40"));
        assert_eq!(long.end_wake(at("00:00:00")), Some(at("03:59:00")));
        assert_eq!(long.end_wake(at("03:59:30")), Some(at("03:59:40")));
        let short = window("02:00:00", "02:01:00");
        assert_eq!(short.end_wake(at("00:00:00")), Some(at("02:00:30")));
        assert_eq!(Window { end: None, ..short }.end_wake(at("00:00:00")), None);
    }

    #[test]
    fn a_derived_id_depends_on_every_part_and_on_where_parts_end() {
        let id = |parts: &[&str]| WindowId::derived("20261206T0200Z", parts.iter().copied());
        assert_eq!(id(&["a", "b"]), id(&["a", "b"]));
        assert_ne!(id(&["a", "b"]), id(&["ab", ""]));
        assert_eq!(id(&["a", "b"]).as_str(), "20261206T0200Z-8fb20ef63c");
    }

    #[test]
    fn ids_keep_to_what_a_schedule_name_can_hold() {
        for bad in ["", "a b", "ü", "a/b", &"x".repeat(41)] {
            assert!(bad.parse::<WindowId>().is_err(), "{bad}");
        }
        let id: WindowId = "Deploy_4.2-rc1".parse().expect("an id");
        assert_eq!(String::from(id), "Deploy_4.2-rc1");
    }

    #[test]
    fn the_same_plan_ignores_who_and_why_and_the_order_of_rules() {
        let one = window("02:00:00", "04:00:00");
        let other = Window { reason: Some("why".into()), ..one.clone() };
        assert!(one.same_plan(&other));
        assert!(!one.same_plan(&Window { end: None, ..one.clone() }));
        let rules = |names: [&str; 2]| {
            names.map(|name| {
                let arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/web/lb/listener";
                format!("{arn}/{name}").parse().expect("an ARN")
            })
        };
        let both = Window { rules: rules(["a", "b"]).to_vec(), ..one.clone() };
        assert!(both.same_plan(&Window { rules: rules(["b", "a"]).to_vec(), ..one.clone() }));
        assert!(!both.same_plan(&one));
        assert!(!one.same_plan(&Window { at_end: AtEnd::Hold, ..one.clone() }));
    }
}
