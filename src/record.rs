//! What is known of a window: its record, the changes made to it since, and the schedules that carry both.
//!
//! Pure: `schedule` reads and writes what is described here.
//!
//! A window's record is the schedule `<id>.end`.
//! EventBridge Scheduler has no compare-and-swap, so two runs that update one record would overwrite each other.
//! Therefore only a window's *progress* is ever updated, and what people decide later (a new end, `off`, `cancel`) is
//! an [`Amendment`]: a schedule of its own, `<id>.end-2`, `-3`, …, created once and never updated.
//! Creating an existing name fails, so two people who decide at once cannot lose each other's decision.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    arn::RuleArn,
    conditions::Condition,
    config::Config,
    series::Series,
    window::{AHEAD_MIN, IN_FLIGHT, LAST_CALL, Phase, Window, WindowId, digest},
};

/// How long Lambda may repeat an event whose run failed, always under the same request id: six hours at most.
/// Source: AWS Lambda API reference, `MaximumEventAgeInSeconds`.
pub const TOMBSTONE_MAX: SignedDuration = SignedDuration::from_hours(6);

/// How long after the end the wake-up acts that stands in for a record's own.
const GUARD_DELAY: SignedDuration = SignedDuration::from_secs(10);

/// A schedule that is never updated fires; one this near may already have.
const SURE_TO_FIRE: SignedDuration = SignedDuration::from_secs(2);

/// What a schedule hands the function, and what the function remembers by it.
///
/// Fields it does not know are passed over: after a rollback, an older version must still be able to end a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Always `wake`.
    pub action: WakeAction,
    /// The window.
    pub id: WindowId,
    /// The moment the wake-up is for; it is booked earlier and waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// The window as booked or as amended; only in a record and its amendments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// How the window was ended before its time; only in amendments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
    /// What has been done so far; only in a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// A series; only in the schedule that keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Box<Series>>,
    /// The invocation that wrote a record or an amendment, so that its repetition is recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Whether the window's times were counted from when it was asked for; only in a record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_now: bool,
}

/// The one action of a wake-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WakeAction {
    /// Look at the window and do what is due.
    Wake,
}

impl Letter {
    /// A wake-up that carries nothing but its moment.
    #[must_use]
    pub fn wake(id: &WindowId, due: Timestamp) -> Self {
        Self {
            action: WakeAction::Wake,
            id: id.clone(),
            due: Some(due),
            window: None,
            closed: None,
            progress: None,
            series: None,
            request: None,
            from_now: false,
        }
    }
}

/// How a window was ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// When.
    pub at: Timestamp,
    /// Whether it was dropped before it began.
    pub cancelled: bool,
}

/// What has been done for a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// The conditions their owner wrote, of each rule that was or is about to be narrowed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub saved: BTreeMap<RuleArn, Vec<Condition>>,
    /// The bypass header's name when the rules were narrowed: the setting may change meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// When narrowing first began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub narrowing_at: Option<Timestamp>,
    /// When all its rules were first seen header-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub narrowed_at: Option<Timestamp>,
    /// When its rules were restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restored_at: Option<Timestamp>,
    /// Edits by someone else that were answered but not yet reported, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<String>,
    /// What has been reported, and when.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reported: BTreeMap<String, Timestamp>,
}

/// A change to a window after it was booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amendment {
    /// Its number: the schedule is `<id>.end-<number>`, and the first is 2.
    pub number: u32,
    /// When it wakes the function.
    pub fires: Timestamp,
    /// The window from now on.
    pub window: Window,
    /// How the window was ended before its time.
    pub closed: Option<Closed>,
    /// The invocation that wrote it.
    pub request: Option<String>,
}

impl Amendment {
    /// The moment its wake-up is for.
    ///
    /// A guard's is a little after the end: usually the record's own wake-up has done the work by then.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        match (self.closed, self.window.end, &self.request) {
            (Some(closed), ..) => closed.at,
            (None, Some(end), Some(_)) => end,
            (None, Some(end), None) => end + GUARD_DELAY,
            (None, None, _) => self.fires,
        }
    }
}

/// When a record wakes the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fires {
    /// Once.
    At(Timestamp),
    /// Every hour: the record of an open-ended window.
    Hourly,
    /// Every day: a series.
    Daily,
}

/// A window's record with its amendments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The window as it was booked.
    pub booked: Window,
    /// When the record itself wakes the function.
    pub fires: Fires,
    /// What has been done.
    pub progress: Progress,
    /// The invocation that booked it; none for an occurrence of a series.
    pub request: Option<String>,
    /// Its times were counted from when it was asked for: the same event repeated would mean a later window.
    pub from_now: bool,
    /// What was decided later, in order.
    pub amendments: Vec<Amendment>,
    /// The window's other schedules in the group, as last listed.
    pub others: Vec<ScheduleName>,
}

impl Record {
    /// A record about to be written.
    #[must_use]
    pub fn new(window: Window, now: Timestamp) -> Self {
        let fires = window.end_wake(now).map_or(Fires::Hourly, Fires::At);
        Self {
            booked: window,
            fires,
            progress: Progress::default(),
            request: None,
            from_now: false,
            amendments: vec![],
            others: vec![],
        }
    }

    /// The window as it stands after all amendments.
    #[must_use]
    pub fn window(&self) -> &Window {
        self.amendments.last().map_or(&self.booked, |amendment| &amendment.window)
    }

    /// The window's name.
    #[must_use]
    pub fn id(&self) -> &WindowId {
        &self.booked.id
    }

    /// How the window was ended before its time, if it was.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.amendments.last().and_then(|amendment| amendment.closed)
    }

    /// The phase at `now`, early endings included.
    #[must_use]
    pub fn phase(&self, now: Timestamp) -> Phase {
        if self.closed().is_some() || self.is_revived(now) { Phase::Over } else { self.window().phase(now) }
    }

    /// Whether the window was ended before its time and is here only because the event that booked it was repeated:
    /// its own tombstone stands. While an end is being carried out it does so, too, but then the window is over.
    #[must_use]
    pub fn is_revived(&self, now: Timestamp) -> bool {
        let own = self.request.as_deref().map(|request| ScheduleName::tombstone(self.id(), request));
        self.closed().is_none()
            && self.window().phase(now) != Phase::Over
            && own.is_some_and(|own| self.others.contains(&own))
    }

    /// Whether a rule may still be narrowed for the window: it has begun, and a call sent now lands before its end.
    #[must_use]
    pub fn may_narrow(&self, now: Timestamp) -> bool {
        self.phase(now) == Phase::Active && self.phase(now + LAST_CALL) == Phase::Active
    }

    /// The number of the window's present version: 1 as booked, then its amendments'.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.amendments.last().map_or(1, |amendment| amendment.number)
    }

    /// The number of the last change that people made: guards change nothing.
    #[must_use]
    pub fn revision(&self) -> u32 {
        let mut decided = self.amendments.iter().rev().filter(|amendment| amendment.request.is_some());
        decided.next().map_or(1, |amendment| amendment.number)
    }

    /// Whether a report of this key is out.
    #[must_use]
    pub fn reported(&self, key: &str) -> bool {
        self.progress.reported.contains_key(key)
    }

    /// What to write when the record is updated: an update sends everything, and a moment still to come.
    #[must_use]
    pub fn letter(&self) -> Letter {
        Letter {
            window: Some(self.booked.clone()),
            progress: Some(self.progress.clone()),
            due: self.booked.end,
            request: self.request.clone(),
            from_now: self.from_now,
            ..Letter::wake(self.id(), self.booked.start)
        }
    }

    /// Until when a repetition of the event that booked the window must be recognised although the window is over, if
    /// it would book it anew.
    #[must_use]
    pub fn tombstone_until(&self, now: Timestamp) -> Option<Timestamp> {
        let longest = now + TOMBSTONE_MAX;
        let until = self.booked.end.filter(|_| !self.from_now).map_or(longest, |end| end.min(longest));
        (until > now).then(|| until.max(now + AHEAD_MIN))
    }

    /// The wake-ups that belong to the window's present version, each with the moment it is for.
    #[must_use]
    pub fn wakes(&self, config: &Config) -> Vec<(ScheduleName, Timestamp)> {
        let (window, number) = (self.window(), self.revision());
        let name = |part| ScheduleName::new(self.id(), part);
        let mut wakes = vec![(name(Part::Start(number)), window.start)];
        for before in &config.remind_before {
            let secs = u32::try_from(before.as_secs()).unwrap_or(u32::MAX);
            wakes.push((name(Part::Remind(number, secs)), window.start - *before));
        }
        if let (Some(before), Some(end)) = (config.warn_before_end, window.end)
            && end - before > window.start
        {
            wakes.push((name(Part::Warn(number)), end - before));
        }
        wakes
    }

    /// When an update of the record at `now` lets it fire.
    #[must_use]
    pub fn refire(&self, now: Timestamp) -> Fires {
        match (self.booked.end_wake(now), self.phase(now)) {
            (None, _) => Fires::Hourly,
            (Some(at), Phase::Booked | Phase::Active) => Fires::At(at),
            // Only a harmless extra look; the sweep is what finishes a window whose wake-ups have fired.
            (Some(at), Phase::Over) => Fires::At(at.max(now + IN_FLIGHT + IN_FLIGHT)),
        }
    }

    /// Whether the end has a wake-up that an update of the record cannot disturb: the record's own while it is not in
    /// flight, or an amendment's, which is never updated.
    #[must_use]
    pub fn end_is_safe(&self, now: Timestamp) -> bool {
        match (self.amendments.last(), self.fires) {
            (Some(last), _) if last.window.end.is_some() => last.fires > now + SURE_TO_FIRE,
            (Some(_), _) | (None, Fires::Hourly | Fires::Daily) => true,
            (None, Fires::At(at)) => at >= now + IN_FLIGHT,
        }
    }

    /// An amendment that changes nothing and carries the end's wake-up while the record is updated.
    #[must_use]
    pub fn guard(&self, now: Timestamp) -> Option<Amendment> {
        Some(Amendment {
            number: self.version() + 1,
            fires: self.window().end_wake(now)?,
            window: self.window().clone(),
            closed: self.closed(),
            request: None,
        })
    }
}

/// The name of a schedule in the group, taken apart at its last dot (an id may hold dots, what follows it may not).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScheduleName {
    /// The window.
    pub id: WindowId,
    /// What the schedule is to it.
    pub part: Part,
}

/// What a schedule is to its window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// `.end`: the record.
    Record,
    /// `.end-<number>`: an amendment.
    Amendment(u32),
    /// `.start`, and `.start-<number>` once the window was moved.
    Start(u32),
    /// `.remind-<number>-<seconds>`: so many seconds before the start.
    Remind(u32, u32),
    /// `.warn-<number>`: some time before the end.
    Warn(u32),
    /// `.drift` and `.drift-2`: not of a window but of a rule that was found header-only without one, and told.
    Drift(u32),
    /// `.series`: not of a window but of a series.
    Series,
    /// `.over-<number>`: a tombstone, the number standing for the invocation that must not book the window again.
    Tombstone(u32),
}

impl ScheduleName {
    /// The name of a window's schedule.
    #[must_use]
    pub fn new(id: &WindowId, part: Part) -> Self {
        Self { id: id.clone(), part }
    }

    /// What else is listed of a window than its record.
    #[must_use]
    pub fn of(id: &WindowId, listed: &[Self]) -> Vec<Self> {
        listed.iter().filter(|other| &other.id == id && other.part != Part::Record).cloned().collect()
    }

    /// The name of the tombstone that stops one invocation from booking the window, or series, again.
    #[must_use]
    pub fn tombstone(id: &WindowId, request: &str) -> Self {
        let number = u32::from_str_radix(&digest([request])[..8], 16).unwrap_or_default();
        Self::new(id, Part::Tombstone(number))
    }

    /// Reads a schedule's name; none of ours is `None`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (id, part) = name.rsplit_once('.')?;
        let mut words = part.split('-');
        let word = words.next()?;
        let numbers: Vec<u32> = words.map(str::parse).collect::<Result<_, _>>().ok()?;
        let part = match (word, numbers.as_slice()) {
            ("end", []) => Part::Record,
            ("end", [number @ 2..=u32::MAX]) => Part::Amendment(*number),
            ("start", []) => Part::Start(1),
            ("start", [number @ 2..=u32::MAX]) => Part::Start(*number),
            ("remind", [number, secs]) => Part::Remind(*number, *secs),
            ("warn", [number]) => Part::Warn(*number),
            ("series", []) => Part::Series,
            ("over", [number]) => Part::Tombstone(*number),
            ("drift", []) => Part::Drift(1),
            ("drift", [2]) => Part::Drift(2),
            _ => return None,
        };
        Some(Self { id: id.parse().ok()?, part })
    }
}

impl std::fmt::Display for ScheduleName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = &self.id;
        match self.part {
            Part::Record => write!(f, "{id}.end"),
            Part::Amendment(number) => write!(f, "{id}.end-{number}"),
            Part::Start(1) => write!(f, "{id}.start"),
            Part::Start(number) => write!(f, "{id}.start-{number}"),
            Part::Remind(number, secs) => write!(f, "{id}.remind-{number}-{secs}"),
            Part::Warn(number) => write!(f, "{id}.warn-{number}"),
            Part::Series => write!(f, "{id}.series"),
            Part::Tombstone(number) => write!(f, "{id}.over-{number}"),
            Part::Drift(1) => write!(f, "{id}.drift"),
            Part::Drift(number) => write!(f, "{id}.drift-{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::tests::{at, window};

    fn record() -> Record {
        Record::new(window("02:00:00", "04:00:00"), at("00:00:00"))
    }

    #[test]
    fn names_are_read_back_as_they_were_written() {
        for name in [
            "w.end",
            "w.end-2",
            "w.start",
            "w.start-3",
            "w.remind-1-3600",
            "w.warn-2",
            "a.end.end",
            "a.b.start",
            "rule.drift",
            "rule.drift-2",
            "w.series",
            "w.over-4294967295",
        ] {
            assert_eq!(ScheduleName::parse(name).expect(name).to_string(), name);
        }
        for foreign in ["w", "w.", ".end", "w.end-1", "w.end-0", "w.end-x", "w.other", "w.drift-3", "w.record"] {
            assert_eq!(ScheduleName::parse(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn the_last_amendment_is_the_window() {
        let mut record = record();
        let moved = Window { end: Some(at("05:00:00")), ..record.booked.clone() };
        record.amendments.push(Amendment {
            number: 2,
            fires: at("04:59:00"),
            window: moved,
            closed: None,
            request: None,
        });
        assert_eq!(record.phase(at("04:30:00")), Phase::Active);
        assert_eq!(record.version(), 2);
        let closed = Amendment {
            number: 3,
            closed: Some(Closed { at: at("03:00:00"), cancelled: false }),
            ..record.amendments[0].clone()
        };
        record.amendments.push(closed);
        assert_eq!(record.phase(at("03:00:01")), Phase::Over);
    }

    #[test]
    fn a_record_may_be_updated_only_while_its_wake_up_is_not_in_flight() {
        let mut record = record();
        assert_eq!(record.fires, Fires::At(at("03:59:00")));
        assert!(record.end_is_safe(at("03:57:00")));
        assert!(!record.end_is_safe(at("03:57:01")));
        record.amendments.extend(record.guard(at("03:58:00")));
        assert!(record.end_is_safe(at("03:58:00")));
    }

    #[test]
    fn an_update_always_fires_in_the_future() {
        let record = record();
        assert_eq!(record.refire(at("02:00:00")), Fires::At(at("03:59:00")));
        assert_eq!(record.refire(at("04:00:05")), Fires::At(at("04:04:05")));
    }

    fn amended(mut record: Record, change: impl Fn(&mut Amendment)) -> Record {
        let mut amendment = Amendment {
            number: record.version() + 1,
            fires: at("03:59:00"),
            window: record.window().clone(),
            closed: None,
            request: Some("request".to_owned()),
        };
        change(&mut amendment);
        record.amendments.push(amendment);
        record
    }

    #[test]
    fn a_rule_may_be_narrowed_from_the_start_until_a_call_could_land_after_the_end() {
        let record = record();
        for (now, may) in
            [("01:59:59", false), ("02:00:00", true), ("03:59:34", true), ("03:59:35", false), ("04:00:00", false)]
        {
            assert_eq!(record.may_narrow(at(now)), may, "{now}");
        }
        assert!(
            !amended(record, |amendment| {
                amendment.closed = Some(Closed { at: at("03:00:00"), cancelled: false });
            })
            .may_narrow(at("03:00:00"))
        );
    }

    #[test]
    fn guards_make_a_version_but_no_revision() {
        let mut record = record();
        assert_eq!((record.version(), record.revision()), (1, 1));
        record = amended(record, |_| {});
        record.amendments.extend(record.guard(at("01:00:00")));
        assert_eq!((record.version(), record.revision()), (3, 2));
        let guard = &record.amendments[1];
        assert_eq!((guard.number, guard.fires, guard.request.as_deref()), (3, at("03:59:00"), None));
        let open = amended(record, |amendment| amendment.window.end = None);
        assert_eq!(open.guard(at("01:00:00")), None, "what has no end needs no guard");
    }

    #[test]
    fn an_amendment_acts_at_its_end_or_when_it_was_decided_and_a_guard_a_little_later() {
        let due = |change: &dyn Fn(&mut Amendment)| amended(record(), change).amendments[0].due();
        assert_eq!(due(&|_| {}), at("04:00:00"));
        assert_eq!(due(&|amendment| amendment.request = None), at("04:00:10"));
        let closed = Some(Closed { at: at("03:00:00"), cancelled: false });
        assert_eq!(due(&|amendment| amendment.closed = closed), at("03:00:00"));
        assert_eq!(due(&|amendment| amendment.window.end = None), at("03:59:00"));
    }

    #[test]
    fn an_end_is_safe_if_a_wake_up_carries_it_that_nobody_updates() {
        let mut open = record();
        (open.booked.end, open.fires) = (None, Fires::Hourly);
        assert!(open.end_is_safe(at("03:00:00")));
        let extended = amended(record(), |amendment| amendment.window.end = Some(at("05:00:00")));
        assert!(extended.end_is_safe(at("03:58:57")), "it fires at 03:59");
        assert!(!extended.end_is_safe(at("03:58:58")));
        let endless = amended(record(), |amendment| amendment.window.end = None);
        assert!(endless.end_is_safe(at("03:58:59")));
    }

    #[test]
    fn an_update_of_an_open_ended_record_goes_on_firing_every_hour() {
        let mut open = record();
        open.booked.end = None;
        assert_eq!(open.refire(at("03:00:00")), Fires::Hourly);
        let closed = amended(record(), |amendment| {
            amendment.closed = Some(Closed { at: at("03:00:00"), cancelled: false });
        });
        assert_eq!(closed.refire(at("03:00:00")), Fires::At(at("03:59:00")), "its own moment is still to come");
        assert_eq!(closed.refire(at("03:58:00")), Fires::At(at("04:02:00")));
    }

    #[test]
    fn a_letter_holds_all_that_a_record_is() {
        let mut record = Record { request: Some("booking".to_owned()), from_now: true, ..record() };
        record.progress.narrowed_at = Some(at("02:00:00"));
        let letter = record.letter();
        assert_eq!((&letter.window, &letter.progress), (&Some(record.booked.clone()), &Some(record.progress.clone())));
        assert_eq!((letter.due, letter.request.as_deref()), (Some(at("04:00:00")), Some("booking")));
        assert!(letter.from_now);
        record.booked.end = None;
        assert_eq!(record.letter().due, None, "a look every hour waits for nothing");
    }

    #[test]
    fn a_tombstone_stands_for_as_long_as_its_event_may_be_repeated_in_vain() {
        let mut record = amended(record(), |amendment| amendment.window.end = Some(at("05:00:00")));
        assert_eq!(record.tombstone_until(at("03:00:00")), Some(at("04:00:00")));
        assert_eq!(record.tombstone_until(at("03:59:55")), Some(at("04:00:05")));
        assert_eq!(record.tombstone_until(at("04:00:00")), None);
        for end in [None, Some(at("04:00:00") + SignedDuration::from_hours(48))] {
            record.booked.end = end;
            assert_eq!(record.tombstone_until(at("03:00:00")), Some(at("09:00:00")));
        }
        record.booked.end = Some(at("04:00:00"));
        record.from_now = true;
        assert_eq!(
            record.tombstone_until(at("04:00:00")),
            Some(at("10:00:00")),
            "its event repeated means another end"
        );
        let name = ScheduleName::tombstone(record.id(), "one");
        assert_eq!(ScheduleName::parse(&name.to_string()), Some(name.clone()));
        assert_ne!(name, ScheduleName::tombstone(record.id(), "two"));
    }

    #[test]
    fn a_window_beside_its_own_tombstone_is_over_and_never_began() {
        let mut booked = Record { request: Some("one".to_owned()), ..record() };
        booked.others = vec![ScheduleName::tombstone(booked.id(), "two")];
        assert!(!booked.is_revived(at("03:00:00")), "another invocation's");
        booked.others.push(ScheduleName::tombstone(booked.id(), "one"));
        assert!(booked.is_revived(at("01:00:00")) && booked.is_revived(at("03:00:00")));
        assert_eq!(booked.phase(at("03:00:00")), Phase::Over);
        assert!(!booked.is_revived(at("04:00:00")), "its end is being carried out");
        assert!(
            !amended(booked.clone(), |amendment| {
                amendment.closed = Some(Closed { at: at("03:00:00"), cancelled: false });
            })
            .is_revived(at("03:00:00"))
        );
        assert!(!Record { request: None, ..booked }.is_revived(at("03:00:00")));
    }
}
