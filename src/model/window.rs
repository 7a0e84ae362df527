//! A maintenance window: its times, its state, and what people decided about it.
//!
//! Pure: the moment is an argument everywhere.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{id::WindowId, mute::Mute, rule_arn::RuleArn};

/// In a window's last moments no rule is narrowed: a call sent now might take effect after the end, when nobody looks
/// for it. It is longer than any call may take.
pub const LAST_MOMENTS: SignedDuration = SignedDuration::from_secs(30);

/// The furthest ahead that a window may start.
pub const HORIZON: SignedDuration = SignedDuration::from_hours(366 * 24);

/// The shortest window: below it, its start and its end could not be told apart by wake-ups.
pub const LENGTH_MIN: SignedDuration = SignedDuration::from_mins(1);

/// How a window stands.
///
/// It is booked, becomes active at its start, may be held past its end, is ending once its end is decided or has come,
/// and is over when it has become history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its start is still to come.
    Booked,
    /// Its rules are, or are about to be, header-only.
    Active,
    /// Its end has passed and its rules stay header-only, as it asked.
    Held,
    /// Its end is decided for good; its rules are being restored and its last report is being sent.
    Ending,
    /// It is history.
    #[serde(rename = "ended")]
    Over,
}

/// How a window ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did its work.
    Completed,
    /// It was dropped before it began.
    Cancelled,
    /// Nothing was ever narrowed for it.
    Missed,
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Missed => "missed",
        }
    }
}

/// When and how a window ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// When that was decided or noticed.
    pub at: Timestamp,
    /// How.
    pub outcome: Outcome,
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

/// The rules that a window covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Covered {
    /// Every rule that the settings name, whenever it is asked.
    All(All),
    /// These.
    Some(Vec<RuleArn>),
}

/// The word for every rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum All {
    /// `all`.
    All,
}

impl Covered {
    /// Every rule that the settings name.
    pub const ALL: Self = Self::All(All::All);

    /// Whether it covers a rule, given whether the settings name it.
    #[must_use]
    pub fn covers(&self, rule: &RuleArn, managed: bool) -> bool {
        match self {
            Self::All(_) => managed,
            Self::Some(rules) => rules.contains(rule),
        }
    }

    /// The rules themselves, given those that the settings name.
    #[must_use]
    pub fn resolve(&self, managed: &[RuleArn]) -> Vec<RuleArn> {
        match self {
            Self::All(_) => managed.to_vec(),
            Self::Some(rules) => rules.clone(),
        }
    }

    /// Whether both mean the same rules, given those that the settings name.
    #[must_use]
    pub fn same(&self, other: &Self, managed: &[RuleArn]) -> bool {
        let sorted = |covered: &Self| {
            let mut rules = covered.resolve(managed);
            rules.sort();
            rules
        };
        sorted(self) == sorted(other)
    }
}

/// What kind of decision an action takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the action of this name")]
pub enum DecisionKind {
    Book,
    On,
    Off,
    Extend,
    Reschedule,
    Cancel,
    Skip,
    Unskip,
    Pause,
    Resume,
    Edit,
}

impl DecisionKind {
    /// The action's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Book => "book",
            Self::On => "on",
            Self::Off => "off",
            Self::Extend => "extend",
            Self::Reschedule => "reschedule",
            Self::Cancel => "cancel",
            Self::Skip => "skip",
            Self::Unskip => "unskip",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Edit => "edit",
        }
    }
}

/// Something that a person, or a schedule of theirs, decided about a window or a series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// What kind of decision.
    pub action: DecisionKind,
    /// Who asked for it.
    pub requested_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The start since then; of a series, the start it was about.
    pub start: Option<Timestamp>,
    /// The end since then; none while open-ended.
    pub end: Option<Timestamp>,
}

/// Planned maintenance over the half-open interval `[start, end)`, as the table holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its name.
    #[serde(rename = "window")]
    pub id: WindowId,
    /// Tells it from other windows that had or will have its name.
    pub uid: String,
    /// Counts what was written about it; each write depends on the one that was read.
    pub version: u64,
    /// Counts the changes of its times, from 1.
    pub revision: u32,
    /// How it stands.
    pub state: State,
    /// The first instant in it.
    pub start: Timestamp,
    /// The first instant after it; none while it is open-ended.
    pub end: Option<Timestamp>,
    /// The rules it covers.
    pub rules: Covered,
    /// The zone people want its times told in.
    pub timezone: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Who.
    pub requested_by: Option<String>,
    /// A sentence for visitors, shown on the maintenance page.
    pub message: Option<String>,
    /// The alarms it mutes besides those that the settings name; none at all if it is an empty list.
    #[serde(default)]
    pub mute_alarms: Option<Vec<String>>,
    /// What happens at its end.
    pub at_end: AtEnd,
    /// The series it is an occurrence of.
    pub series: Option<WindowId>,
    /// The start that its series gave it.
    pub occurrence: Option<Timestamp>,
    /// What is odd about that start: the clocks change then.
    #[serde(default)]
    pub notes: Vec<String>,
    /// When it was booked.
    pub booked_at: Timestamp,
    /// When its times were last decided.
    pub times_set_at: Timestamp,
    /// When it became active.
    pub activated_at: Option<Timestamp>,
    /// When and how it ends.
    pub ending: Option<Ending>,
    /// What was decided about it, oldest first.
    pub decisions: Vec<Decision>,
    /// What has been reported of it. Written beside the version, as are those that follow.
    #[serde(default)]
    pub told: BTreeSet<String>,
    /// Each report and when it was sent: a moment, a blank and the event's word.
    #[serde(default)]
    pub reports: BTreeSet<String>,
    /// Which revision has its wake-ups, in which group and under which role.
    #[serde(default)]
    pub wakeups: Option<String>,
    /// Its mute rules: those that were made, or that somebody is about to make.
    #[serde(default)]
    pub mutes: Vec<Mute>,
    /// Counts what was written about its mute rules; each such write depends on the one that was read.
    #[serde(default)]
    pub mutes_version: u64,
    /// The alarms that were muted by rules of it that are gone by now.
    #[serde(default)]
    pub once_muted: BTreeSet<String>,
    /// When all its rules were first seen header-only.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When its rules were restored.
    #[serde(default)]
    pub reopened_at: Option<Timestamp>,
    /// How many seconds after its rules were narrowed a visitor saw it, if that was watched for.
    #[serde(default)]
    pub closed_seen_after_secs: Option<i64>,
    /// The same of its end.
    #[serde(default)]
    pub opened_seen_after_secs: Option<i64>,
}

impl Window {
    /// A window that is booked now, and of which nothing more is known yet.
    #[must_use]
    pub fn booked(id: WindowId, uid: String, start: Timestamp, end: Option<Timestamp>, now: Timestamp) -> Self {
        Self {
            id,
            uid,
            version: 1,
            revision: 1,
            state: State::Booked,
            start,
            end,
            rules: Covered::ALL,
            timezone: None,
            reason: None,
            requested_by: None,
            message: None,
            mute_alarms: None,
            at_end: AtEnd::Reopen,
            series: None,
            occurrence: None,
            notes: vec![],
            booked_at: now,
            times_set_at: now,
            activated_at: None,
            ending: None,
            decisions: vec![],
            told: BTreeSet::new(),
            reports: BTreeSet::new(),
            wakeups: None,
            mutes: vec![],
            mutes_version: 0,
            once_muted: BTreeSet::new(),
            started_at: None,
            reopened_at: None,
            closed_seen_after_secs: None,
            opened_seen_after_secs: None,
        }
    }

    /// What tells it from every other window, also of its id: `id#uid`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}#{}", self.id, self.uid)
    }

    /// Whether its rules are to be header-only.
    #[must_use]
    pub fn is_covering(&self) -> bool {
        matches!(self.state, State::Active | State::Held)
    }

    /// Whether its end has come.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.end.is_some_and(|end| end <= now)
    }

    /// Whether a call sent now surely takes effect before its end.
    #[must_use]
    pub fn has_time(&self, now: Timestamp) -> bool {
        self.end.is_none_or(|end| end.duration_since(now) > LAST_MOMENTS)
    }

    /// How long it lasts; none while it is open-ended.
    #[must_use]
    pub fn length(&self) -> Option<SignedDuration> {
        Some(self.end?.duration_since(self.start))
    }

    /// Whether a report of this key is out.
    #[must_use]
    pub fn was_told(&self, key: &str) -> bool {
        self.told.contains(key)
    }

    /// When it really started; if no run lived to note that, when it became active. One that was missed never did.
    #[must_use]
    pub fn really_started(&self) -> Option<Timestamp> {
        let missed = self.ending.is_some_and(|ending| ending.outcome == Outcome::Missed);
        self.started_at.or(self.activated_at.filter(|_| !missed))
    }

    /// Adds a decision, with the times as they are now; one that ends the window sets none.
    pub fn decided(
        &mut self,
        at: Timestamp,
        action: DecisionKind,
        requested_by: Option<String>,
        reason: Option<String>,
    ) {
        let ends = self.ending.is_some();
        let (start, end) = (Some(self.start).filter(|_| !ends), self.end.filter(|_| !ends));
        self.decisions.push(Decision { at, action, requested_by, reason, start, end });
    }

    /// The window with its end decided.
    #[must_use]
    pub fn to_end(&self, at: Timestamp, outcome: Outcome) -> Self {
        Self { state: State::Ending, ending: Some(Ending { at, outcome }), ..self.clone() }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::wakeup::{Wake, WakeUp};

    /// A moment of the tests' one day.
    pub(crate) fn at(text: &str) -> Timestamp {
        format!("2026-12-06T{text}Z").parse().expect("a time")
    }

    /// A rule of the tests' one listener.
    pub(crate) fn rule(name: &str) -> RuleArn {
        let listener = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/web/lb/listener";
        format!("{listener}/{name}").parse().expect("an ARN")
    }

    /// The role of the tests' wake-ups.
    pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/scheduler";

    /// The group and the role that they are made with.
    pub(crate) const SENDER: &str = "group arn:aws:iam::123456789012:role/scheduler";

    /// A window over every rule, booked at midnight for 02:00 to 04:00, with its wake-ups.
    pub(crate) fn window() -> Window {
        let id = "deploy".parse().expect("an id");
        let booked = Window::booked(id, "aaaaa".to_owned(), at("02:00:00"), Some(at("04:00:00")), at("00:00:00"));
        Window { version: 3, wakeups: Some(booked.wakeups_marker(SENDER)), ..booked }
    }

    /// The same after its start was reported.
    pub(crate) fn active() -> Window {
        Window {
            state: State::Active,
            activated_at: Some(at("02:00:00")),
            started_at: Some(at("02:00:01")),
            told: ["booked".to_owned(), "started".to_owned()].into(),
            ..window()
        }
    }

    fn lasting(start: &str, end: &str) -> Window {
        Window { start: at(start), end: Some(at(end)), ..window() }
    }

    /// The schedules of a window that are still to come: what follows its name, when each fires, and what for.
    fn wakes(window: &Window, now: &str, remind: &[SignedDuration], warn: Option<SignedDuration>) -> Vec<String> {
        let wake_ups = window.wake_ups(SENDER, at(now), remind, warn);
        let told = |wake_up: &WakeUp| {
            assert_eq!(wake_up.name, window.wake_name(wake_up.wake, SENDER));
            let when = |moment: Timestamp| moment.strftime("%H:%M:%S");
            format!("{:?} {} {}", wake_up.wake, when(wake_up.at), when(wake_up.due))
        };
        wake_ups.iter().map(told).collect()
    }

    #[test]
    fn the_end_does_not_belong_to_the_window() {
        assert!(!window().has_ended(at("03:59:59.999")));
        assert!(window().has_ended(at("04:00:00")));
        assert!(!Window { end: None, ..window() }.has_ended(at("23:59:59")));
    }

    #[test]
    fn nothing_is_begun_in_the_last_thirty_seconds() {
        assert!(window().has_time(at("03:59:29.999")));
        assert!(!window().has_time(at("03:59:30")));
        assert!(!window().has_time(at("05:00:00")));
        assert!(Window { end: None, ..window() }.has_time(at("23:59:59")));
    }

    #[test]
    fn only_active_and_held_windows_cover_their_rules() {
        let covering = [State::Booked, State::Active, State::Held, State::Ending, State::Over]
            .map(|state| Window { state, ..window() }.is_covering());
        assert_eq!(covering, [false, true, true, false, false]);
    }

    #[test]
    fn its_length_is_the_time_from_start_to_end() {
        assert_eq!(window().length(), Some(SignedDuration::from_hours(2)));
        assert_eq!(Window { end: None, ..window() }.length(), None);
    }

    #[test]
    fn wake_ups_come_a_minute_early_and_reminders_and_warnings_on_time() {
        let remind = [SignedDuration::from_hours(1), SignedDuration::from_mins(30)];
        let warn = Some(SignedDuration::from_mins(15));
        let all = [
            "End 03:59:00 04:00:00",
            "Start 01:59:00 02:00:00",
            "Warn 03:45:00 03:45:00",
            "Remind(0) 01:00:00 01:00:00",
            "Remind(1) 01:30:00 01:30:00",
        ];
        assert_eq!(wakes(&window(), "00:00:00", &remind, warn), all);
        assert_eq!(wakes(&window(), "00:59:49", &remind, warn), all);
        assert_eq!(wakes(&Window { end: None, ..window() }, "00:00:00", &remind, warn), [""; 0]);
    }

    #[test]
    fn no_wake_up_is_made_for_a_moment_that_has_come() {
        let remind = [SignedDuration::from_hours(1)];
        let warn = Some(SignedDuration::from_mins(15));
        for (now, expected) in [
            ("00:59:59", vec!["End", "Start", "Warn", "Remind(0)"]),
            ("01:00:00", vec!["End", "Start", "Warn"]),
            ("01:59:59", vec!["End", "Start", "Warn"]),
            ("02:00:00", vec!["End", "Warn"]),
            ("03:45:00", vec!["End"]),
            ("03:59:59", vec!["End"]),
            ("04:00:00", vec![]),
        ] {
            let wakes = wakes(&window(), now, &remind, warn);
            let kinds: Vec<&str> = wakes.iter().filter_map(|told| told.split(' ').next()).collect();
            assert_eq!(kinds, expected, "{now}");
        }
    }

    #[test]
    fn a_wake_up_is_never_made_for_the_past_and_an_end_leaves_room_after_its_start() {
        for (window, now, expected) in [
            (window(), "01:59:30", ["End 03:59:00 04:00:00", "Start 01:59:40 02:00:00"].as_slice()),
            (window(), "01:59:55", &["End 03:59:00 04:00:00", "Start 02:00:05 02:00:00"]),
            (window(), "03:59:30", &["End 03:59:40 04:00:00"]),
            (lasting("02:00:00", "02:01:00"), "02:00:00", &["End 02:00:30 02:01:00"]),
            (lasting("02:00:00", "02:01:31"), "02:00:00", &["End 02:00:31 02:01:31"]),
            (lasting("02:00:00", "02:02:00"), "02:00:00", &["End 02:01:00 02:02:00"]),
        ] {
            assert_eq!(wakes(&window, now, &[], None), expected, "{now}");
        }
    }

    #[test]
    fn a_warning_comes_within_the_window_and_no_moment_is_before_the_calendar() {
        let warned = |before| wakes(&window(), "00:00:00", &[], Some(before)).len() == 3;
        assert!(warned(SignedDuration::from_secs(2 * 3600 - 1)));
        assert!(!warned(SignedDuration::from_hours(2)), "at the start it is none");
        assert!(!warned(SignedDuration::from_hours(3)));
        assert!(!warned(SignedDuration::MAX));
        assert_eq!(wakes(&window(), "00:00:00", &[SignedDuration::MAX], None).len(), 2);
    }

    #[test]
    fn schedules_are_named_within_what_scheduler_takes_and_apart_from_each_other() {
        // Before it is moved ten thousand times its item is too large for the table.
        let longest = Window { id: "x".repeat(40).parse().expect("an id"), revision: 9_999, ..window() };
        let kinds = [Wake::Start, Wake::End, Wake::Warn, Wake::Remind(0), Wake::Remind(9)];
        let mut names = BTreeSet::new();
        for wake in kinds {
            let name = longest.wake_name(wake, SENDER);
            assert!(name.len() <= 64, "{name}");
            names.insert(name);
            names.insert(Window { revision: 2, ..longest.clone() }.wake_name(wake, SENDER));
            names.insert(Window { uid: "bbbbb".to_owned(), ..longest.clone() }.wake_name(wake, SENDER));
            names.insert(longest.wake_name(wake, ROLE));
        }
        assert_eq!(names.len(), 20);
        let named = kinds.map(|wake| window().wake_name(wake, SENDER));
        let expected = ["start-aaaaa-1", "end-aaaaa-1", "warn-aaaaa-1", "remind-aaaaa-1-0", "remind-aaaaa-1-9"];
        assert_eq!(named, expected.map(|name| format!("deploy.{name}-c0j")));
    }

    #[test]
    fn wake_ups_count_only_for_the_revision_the_group_and_the_role_they_were_made_for() {
        assert!(window().has_wakeups(Some(SENDER)));
        assert!(!window().has_wakeups(Some(ROLE)), "of another group");
        assert!(!window().has_wakeups(None));
        assert!(!Window { revision: 2, ..window() }.has_wakeups(Some(SENDER)));
        assert!(!Window { wakeups: None, ..window() }.has_wakeups(Some(SENDER)));
        assert_eq!(window().wakeups_sender(), Some(SENDER));
        assert_eq!(Window { revision: 2, ..window() }.wakeups_sender(), None);
        let another = Window { revision: 11, ..window() }.wakeups_marker(SENDER);
        assert_eq!(Window { wakeups: Some(another), ..window() }.wakeups_sender(), None);
        assert_eq!(Window { wakeups: None, ..window() }.wakeups_sender(), None);
        let open_ended = Window { end: None, wakeups: None, ..window() };
        assert!(open_ended.has_wakeups(None), "there is no end that could be missed");
    }

    #[test]
    fn wake_ups_with_an_earlier_versions_names_are_no_present_ones_and_are_known_for_what_they_are() {
        let former = Window { wakeups: Some(format!("1 {SENDER}")), ..window() };
        assert!(!former.has_wakeups(Some(SENDER)));
        assert!(former.has_former_wakeups() && !window().has_former_wakeups());
        assert_eq!(former.wakeups_sender(), Some(SENDER));
        for none in [Window { revision: 2, ..former.clone() }, Window { wakeups: None, ..window() }] {
            assert!(!none.has_former_wakeups());
        }
        let wake_ups = former.wake_ups(SENDER, at("00:00:00"), &[SignedDuration::from_hours(1)], None);
        let names: Vec<&str> = wake_ups.iter().map(WakeUp::former_name).collect();
        assert_eq!(names, ["deploy.end-aaaaa-1", "deploy.start-aaaaa-1", "deploy.remind-aaaaa-1-0"]);
    }

    #[test]
    fn what_was_noted_tells_when_it_started_unless_it_never_did() {
        let ended = |window: Window, outcome| window.to_end(at("04:00:00"), outcome);
        let unnoted = Window { started_at: None, ..active() };
        for (window, started) in [
            (window(), None),
            (active(), Some("02:00:01")),
            (unnoted.clone(), Some("02:00:00")),
            (ended(unnoted.clone(), Outcome::Completed), Some("02:00:00")),
            (ended(unnoted, Outcome::Missed), None),
            (ended(active(), Outcome::Missed), Some("02:00:01")),
        ] {
            assert_eq!(window.really_started(), started.map(at), "{window:?}");
        }
    }

    #[test]
    fn a_decision_is_kept_with_the_times_as_they_are_since() {
        let mut window = window();
        window.decided(at("00:00:00"), DecisionKind::Book, Some("ada".to_owned()), None);
        window.end = None;
        window.decided(at("01:00:00"), DecisionKind::Extend, None, Some("slow".to_owned()));
        let told = window.decisions.iter().map(|one| (one.at, one.action, one.start, one.end));
        let start = Some(at("02:00:00"));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                (at("00:00:00"), DecisionKind::Book, start, Some(at("04:00:00"))),
                (at("01:00:00"), DecisionKind::Extend, start, None)
            ]
        );
        let mut ended =
            Window { end: Some(at("04:00:00")), ..window.clone() }.to_end(at("03:00:00"), Outcome::Completed);
        ended.decided(at("03:00:00"), DecisionKind::Off, None, None);
        assert_eq!((ended.decisions[2].start, ended.decisions[2].end), (None, None), "an end sets no times");
        assert_eq!(window.decisions[0].requested_by.as_deref(), Some("ada"));
        assert_eq!(window.decisions[1].reason.as_deref(), Some("slow"));
    }

    #[test]
    fn a_decided_end_changes_nothing_but_state_and_ending() {
        let ended = active().to_end(at("03:00:00"), Outcome::Cancelled);
        let ending = Some(Ending { at: at("03:00:00"), outcome: Outcome::Cancelled });
        assert_eq!(ended, Window { state: State::Ending, ending, ..active() });
    }

    #[test]
    fn every_rule_means_those_that_the_settings_name() {
        let (one, two) = (rule("one"), rule("two"));
        let some = Covered::Some(vec![two.clone(), one.clone()]);
        for (covered, managed, covers) in [
            (&Covered::ALL, true, true),
            (&Covered::ALL, false, false),
            (&some, true, true),
            (&some, false, true),
            (&Covered::Some(vec![two.clone()]), true, false),
        ] {
            assert_eq!(covered.covers(&one, managed), covers, "{covered:?} {managed}");
        }
        let managed = [one.clone(), two.clone()];
        assert_eq!(Covered::ALL.resolve(&managed), managed);
        assert_eq!(some.resolve(&[]), [two.clone(), one.clone()]);
        assert!(some.same(&Covered::ALL, &managed), "in whatever order");
        assert!(!some.same(&Covered::ALL, &managed[..1]));
        assert!(!some.same(&Covered::Some(vec![two, rule("three")]), &managed));
    }
}
