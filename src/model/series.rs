//! Recurring windows: a series is kept, and its next occurrence is always booked as a window like any other.
//!
//! Pure: the moment is an argument everywhere.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    id::WindowId,
    recurrence::{Occurrence, Recurrence},
    rule_arn::RuleArn,
    span, time,
    window::{AtEnd, Covered, Decision, DecisionKind, State, Window},
};

/// How many occurrences are shown ahead.
const SHOWN: usize = 3;

/// The longest name of a series: each window adds its start to it.
const ID_MAX: usize = 25;

/// A window that recurs, as the table holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// Its name, of which the names of its windows are made.
    #[serde(rename = "series")]
    pub id: WindowId,
    /// Tells it from other series that had or will have its name.
    pub uid: String,
    /// Counts what was written about it; each write depends on the one that was read.
    pub version: u64,
    /// When it recurs.
    pub every: Recurrence,
    /// How long each window lasts.
    pub duration: SignedDuration,
    /// The zone its times are in.
    pub timezone: String,
    /// The first moment it may start; a rate counts from here.
    pub anchor: Timestamp,
    /// The rules it covers.
    pub rules: Covered,
    /// Why.
    pub reason: Option<String>,
    /// Who.
    pub requested_by: Option<String>,
    /// A sentence for visitors, shown on the maintenance page.
    pub message: Option<String>,
    /// The alarms that each window mutes besides those that the settings name; none at all if it is an empty list.
    #[serde(default)]
    pub mute_alarms: Option<Vec<String>>,
    /// What happens at each end.
    pub at_end: AtEnd,
    /// Whether it books nothing until it is resumed.
    pub paused: bool,
    /// Starts to come that are left out.
    pub skipped: Vec<Timestamp>,
    /// The start up to which occurrences have been booked: none up to it is booked again.
    pub booked_until: Option<Timestamp>,
    /// When it was booked.
    pub booked_at: Timestamp,
    /// What was decided about it, oldest first.
    pub decisions: Vec<Decision>,
}

/// A series as callers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeriesView {
    /// Its name.
    pub id: WindowId,
    /// When it recurs.
    pub every: String,
    /// The zone that is in.
    pub timezone: String,
    /// How long each window lasts, in seconds.
    pub duration_secs: i64,
    /// Whether it is paused.
    pub paused: bool,
    /// Starts to come that are left out, soonest first.
    pub skipped: Vec<Timestamp>,
    /// When its next windows start, wherever they were moved to: three at most, within five years, soonest first.
    pub next: Vec<Timestamp>,
    /// What is odd about them, a sentence each.
    pub notes: Vec<String>,
    /// Why.
    pub reason: Option<String>,
    /// Who.
    pub requested_by: Option<String>,
}

impl Window {
    /// Whether it is one of this series.
    #[must_use]
    pub fn is_of(&self, series: &WindowId) -> bool {
        self.series.as_ref() == Some(series)
    }
}

impl Series {
    /// Whether both mean the same maintenance at any start, given the rules that the settings name; how far one has come, and
    /// whether it is paused, may differ.
    #[must_use]
    pub fn same_plan(&self, other: &Self, managed: &[RuleArn]) -> bool {
        let plan = |series: &Self| (series.every.clone(), series.duration, series.timezone.clone(), series.at_end);
        plan(self) == plan(other) && self.rules.same(&other.rules, managed)
    }

    /// Its occurrences after `now` that are not left out, soonest first; none while it is paused.
    #[must_use]
    pub fn next(&self, now: Timestamp, count: usize) -> Vec<Occurrence> {
        if self.paused {
            return vec![];
        }
        self.occurrences(now, Timestamp::MAX, count, |occurrence| !self.skipped.contains(&occurrence.start))
    }

    /// When its next windows start as seen at `now`, soonest first; none while it is paused.
    ///
    /// They are those of `windows` that are booked for it, wherever they were moved to, and those that it is yet to
    /// book. What was cancelled, and the first time of what was moved, does not come.
    #[must_use]
    pub fn coming(&self, windows: &[Window], now: Timestamp, count: usize) -> Vec<Occurrence> {
        if self.paused {
            return vec![];
        }
        let own = || windows.iter().filter(|window| window.is_of(&self.id));
        let has_window =
            |start| own().any(|window| window.occurrence == Some(start) && !matches!(window.state, State::Ending));
        let from = self.booked_until.map_or(now, |booked| booked.max(now));
        let mut coming = self.occurrences(from, Timestamp::MAX, count, |next| {
            !self.skipped.contains(&next.start) && !has_window(next.start)
        });
        for window in own().filter(|window| window.state == State::Booked && window.start > now) {
            let first = Some(window.start).filter(|start| window.occurrence == Some(*start));
            let shifted = first.and_then(|start| self.occurrence_at(start)?.shifted);
            coming.push(Occurrence { start: window.start, shifted });
        }
        coming.sort_by_key(|next| next.start);
        coming.dedup_by_key(|next| next.start);
        coming.truncate(count);
        coming
    }

    /// The starts that have passed and had no window, though they were neither left out nor cancelled, oldest first:
    /// nothing booked them in time. Of one that is paused, only those before its pause: the others were left out on purpose.
    #[must_use]
    pub fn not_booked_in_time(&self, windows: &[Window], now: Timestamp) -> Vec<Timestamp> {
        let had_window =
            |start| windows.iter().any(|window| window.is_of(&self.id) && window.occurrence == Some(start));
        let from = self.booked_until.unwrap_or(self.booked_at);
        let paused = self.decisions.iter().rfind(|decision| decision.action == DecisionKind::Pause);
        let until = paused.filter(|_| self.paused).map_or(now, |decision| now.min(decision.at));
        let passed = self.occurrences(from, until, usize::MAX, |passed| {
            !self.skipped.contains(&passed.start) && !had_window(passed.start)
        });
        passed.into_iter().map(|passed| passed.start).collect()
    }

    /// What to tell of the starts that were [`not_booked_in_time`](Self::not_booked_in_time), if there are any.
    #[must_use]
    pub fn told_not_booked(&self, windows: &[Window], now: Timestamp) -> Option<String> {
        let spoken = |start: &Timestamp| time::spoken(*start, Some(&self.timezone));
        let which = match self.not_booked_in_time(windows, now).as_slice() {
            [] => return None,
            [one] => format!("its start of {}", spoken(one)),
            all @ [first, .., last] => format!("{} starts, from {} to {}", all.len(), spoken(first), spoken(last)),
        };
        Some(format!("series {} left out {which}: the function did not run, or could not book it in time", self.id))
    }

    /// Forgets the starts left out that have passed; one that nothing was booked after is still to be known.
    pub fn forget_passed(&mut self, now: Timestamp) {
        let until = self.booked_until;
        self.skipped.retain(|skipped| *skipped > now || until.is_none_or(|until| *skipped > until));
    }

    /// Whether both come at the same times from `now` on; how far one has come, and what it leaves out, may differ.
    #[must_use]
    pub fn same_starts(&self, other: &Self, now: Timestamp) -> bool {
        self.every == other.every && self.timezone == other.timezone && self.first_after(now) == other.first_after(now)
    }

    /// Its first start after `now`, left out or not.
    #[must_use]
    pub fn first_after(&self, now: Timestamp) -> Option<Timestamp> {
        self.occurrences(now, Timestamp::MAX, 1, |_| true).first().map(|first| first.start)
    }

    /// The next occurrence that is to be booked: after now, and after those that have been.
    #[must_use]
    pub fn next_to_book(&self, now: Timestamp) -> Option<Occurrence> {
        let from = self.booked_until.map_or(now, |booked| booked.max(now));
        self.next(from, 1).into_iter().next()
    }

    /// Whether it has an occurrence at this moment, left out or not.
    #[must_use]
    pub fn has_occurrence(&self, start: Timestamp) -> bool {
        self.occurrence_at(start).is_some()
    }

    fn occurrence_at(&self, start: Timestamp) -> Option<Occurrence> {
        let before = start.checked_sub(SignedDuration::from_secs(1)).ok()?;
        self.occurrences(before, Timestamp::MAX, 1, |_| true).into_iter().find(|next| next.start == start)
    }

    /// So many of its occurrences after one moment, until another.
    fn occurrences(
        &self,
        after: Timestamp,
        until: Timestamp,
        count: usize,
        wanted: impl Fn(&Occurrence) -> bool,
    ) -> Vec<Occurrence> {
        // The name was checked when the series was booked.
        let zone = time::time_zone(&self.timezone).unwrap_or(TimeZone::UTC);
        let first = time::shifted(self.anchor, -SignedDuration::from_secs(1));
        let all = self.every.after(after.max(first), &zone, self.anchor).take_while(|next| next.start <= until);
        all.filter(wanted).take(count).collect()
    }

    /// The name of the window of an occurrence: the series' and its start.
    ///
    /// # Errors
    /// A sentence, if the series' name is too long to take a start.
    pub fn window_id(&self, start: Timestamp) -> Result<WindowId, String> {
        format!("{}-{}", self.id, start.strftime("%Y%m%dT%H%MZ")).parse()
    }

    /// What is wrong with it as seen from `now`, a sentence each.
    #[must_use]
    pub fn problems(&self, now: Timestamp, longest: SignedDuration) -> Vec<String> {
        let Some(first) = self.next(now, 1).into_iter().next() else {
            return vec![format!("every: expected a time that comes, but {} has none ahead", self.every)];
        };
        let mut problems = vec![];
        if self.id.as_str().len() > ID_MAX {
            problems.push(format!(
                "id: expected at most {ID_MAX} characters for a series, since each window adds its start, but found {:?}",
                self.id.as_str()
            ));
        }
        // A series may begin as far ahead as its expression says.
        match first.start.checked_add(self.duration) {
            Ok(end) => {
                problems.extend(span::problems(first.start, Some(end), "duration", first.start, longest));
            }
            Err(_) => problems.push("duration: expected an end that a calendar holds, but it is too long".to_owned()),
        }
        let zone = time::time_zone(&self.timezone).unwrap_or(TimeZone::UTC);
        if let Some(gap) = self.every.min_gap(now, &zone, self.anchor).filter(|gap| *gap <= self.duration) {
            problems.push(format!(
                "duration: expected less than the {} between two starts, but found {}",
                time::spoken_duration(gap),
                time::spoken_duration(self.duration)
            ));
        }
        problems
    }

    /// The series as seen at `now`, with the windows that there are.
    #[must_use]
    pub fn view(&self, windows: &[Window], now: Timestamp) -> SeriesView {
        let next = self.coming(windows, now, SHOWN);
        let mut skipped: Vec<Timestamp> = self.skipped.iter().copied().filter(|start| *start > now).collect();
        skipped.sort();
        SeriesView {
            id: self.id.clone(),
            every: self.every.to_string(),
            timezone: self.timezone.clone(),
            duration_secs: self.duration.as_secs(),
            paused: self.paused,
            skipped,
            notes: match (next.as_slice(), self.paused) {
                ([], true) => vec!["it is paused, and books nothing until it is resumed".to_owned()],
                ([], false) => vec!["it has no start to come".to_owned()],
                (next, _) => next.iter().filter_map(|occurrence| occurrence.shifted.clone()).collect(),
            },
            next: next.into_iter().map(|occurrence| occurrence.start).collect(),
            reason: self.reason.clone(),
            requested_by: self.requested_by.clone(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::window::tests::rule;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// Every night at two in London, for an hour, from July on.
    pub(crate) fn series() -> Series {
        Series {
            id: "nightly".parse().expect("an id"),
            uid: "sssss".to_owned(),
            version: 4,
            every: "cron(0 2 * * ? *)".parse().expect("an expression"),
            duration: SignedDuration::from_hours(1),
            timezone: "Europe/London".to_owned(),
            anchor: at("2026-07-01T00:00:00Z"),
            rules: Covered::ALL,
            reason: None,
            requested_by: None,
            message: None,
            mute_alarms: None,
            at_end: AtEnd::Hold,
            paused: false,
            skipped: vec![],
            booked_until: None,
            booked_at: at("2026-06-01T00:00:00Z"),
            decisions: vec![],
        }
    }

    fn starts(series: &Series, now: &str, count: usize) -> Vec<String> {
        series.next(at(now), count).iter().map(|next| next.start.to_string()).collect()
    }

    #[test]
    fn its_occurrences_lie_ahead_from_its_first_on() {
        assert_eq!(starts(&series(), "2026-06-01T00:00:00Z", 1), ["2026-07-01T01:00:00Z"]);
        assert_eq!(starts(&series(), "2026-07-06T01:00:00Z", 2), ["2026-07-07T01:00:00Z", "2026-07-08T01:00:00Z"]);
        let from = |anchor: &str| Series { anchor: at(anchor), ..series() };
        let first = |anchor: &str| starts(&from(anchor), "2026-06-01T00:00:00Z", 1);
        assert_eq!(first("2026-07-01T01:00:00Z"), ["2026-07-01T01:00:00Z"], "the first moment may be one");
        assert_eq!(first("2026-07-01T01:00:01Z"), ["2026-07-02T01:00:00Z"]);
    }

    #[test]
    fn what_is_skipped_or_paused_does_not_come() {
        let skipping = Series { skipped: vec![at("2026-07-07T01:00:00Z")], ..series() };
        assert_eq!(starts(&skipping, "2026-07-06T01:00:00Z", 1), ["2026-07-08T01:00:00Z"]);
        let paused = Series { paused: true, ..series() };
        assert_eq!(starts(&paused, "2026-07-06T01:00:00Z", 1), [""; 0]);
        assert!(paused.next_to_book(at("2026-07-06T01:00:00Z")).is_none());
    }

    #[test]
    fn the_next_to_book_is_neither_past_nor_booked_before() {
        for (booked_until, now, expected) in [
            (None, "2026-07-06T00:00:00Z", "2026-07-06T01:00:00Z"),
            (None, "2026-07-06T01:00:00Z", "2026-07-07T01:00:00Z"),
            (Some("2026-07-09T01:00:00Z"), "2026-07-06T00:00:00Z", "2026-07-10T01:00:00Z"),
            (Some("2026-07-02T01:00:00Z"), "2026-07-06T00:00:00Z", "2026-07-06T01:00:00Z"),
        ] {
            let series = Series { booked_until: booked_until.map(at), ..series() };
            let next = series.next_to_book(at(now)).map(|next| next.start);
            assert_eq!(next, Some(at(expected)), "{booked_until:?} {now}");
        }
    }

    /// The window of a start, where it stands now.
    fn booked(occurrence: &str, start: &str, state: State) -> Window {
        let id = "any".parse().expect("an id");
        let window = Window::booked(id, "uuuuu".to_owned(), at(start), None, at("2026-07-01T00:00:00Z"));
        Window { series: Some(series().id), occurrence: Some(at(occurrence)), state, ..window }
    }

    #[test]
    fn what_comes_is_where_windows_stand_and_what_is_yet_to_be_booked() {
        let until = Series { booked_until: Some(at("2026-07-07T01:00:00Z")), ..series() };
        let coming = |series: &Series, windows: &[Window]| -> Vec<String> {
            let coming = series.coming(windows, at("2026-07-06T12:00:00Z"), 2);
            coming.iter().map(|next| next.start.strftime("%dT%H").to_string()).collect()
        };
        let seventh = "2026-07-07T01:00:00Z";
        let moved = |start: &str| booked(seventh, start, State::Booked);
        let of_another = Window { series: Some("another".parse().expect("an id")), ..moved(seventh) };
        for (what, windows, expected) in [
            ("in place", vec![moved(seventh)], ["07T01", "08T01"]),
            ("moved ahead", vec![moved("2026-07-06T22:00:00Z")], ["06T22", "08T01"]),
            ("moved behind the next", vec![moved("2026-07-08T05:00:00Z")], ["08T01", "08T05"]),
            ("moved onto the next", vec![moved("2026-07-08T01:00:00Z")], ["08T01", "09T01"]),
            ("its start has come", vec![moved("2026-07-06T12:00:00Z")], ["08T01", "09T01"]),
            ("cancelled", vec![booked(seventh, seventh, State::Ending)], ["08T01", "09T01"]),
            ("of another series", vec![of_another], ["08T01", "09T01"]),
            ("none", vec![], ["08T01", "09T01"]),
        ] {
            assert_eq!(coming(&until, &windows), expected, "{what}");
        }
        assert_eq!(
            coming(&series(), &[booked("2026-07-08T01:00:00Z", "2026-07-08T01:00:00Z", State::Booked)]),
            ["07T01", "08T01"]
        );
        assert_eq!(
            coming(&series(), &[booked(seventh, "2026-07-06T10:00:00Z", State::Active)]),
            ["08T01", "09T01"],
            "it is under way"
        );
        assert_eq!(coming(&Series { paused: true, ..until }, &[]), [""; 0]);
    }

    #[test]
    fn what_passed_without_a_window_was_not_booked_in_time() {
        let until = Series { booked_until: Some(at("2026-07-07T01:00:00Z")), ..series() };
        let now = at("2026-07-10T01:00:00Z");
        let days = |series: &Series, windows: &[Window]| -> Vec<String> {
            series.not_booked_in_time(windows, now).iter().map(|start| start.strftime("%d").to_string()).collect()
        };
        assert_eq!(days(&until, &[]), ["08", "09", "10"]);
        let eighth = booked("2026-07-08T01:00:00Z", "2026-07-08T05:00:00Z", State::Ending);
        assert_eq!(days(&until, &[eighth]), ["09", "10"], "it had a window");
        let mut skipping = Series {
            skipped: ["07", "09", "11"].map(|day| at(&format!("2026-07-{day}T01:00:00Z"))).to_vec(),
            ..until.clone()
        };
        assert_eq!(days(&skipping, &[]), ["08", "10"]);
        skipping.forget_passed(now);
        assert_eq!(skipping.skipped.len(), 2, "what nothing was booked after is still known");
        assert_eq!(days(&skipping, &[]), ["08", "10"]);
        assert_eq!(
            days(&Series { booked_at: at("2026-07-09T12:00:00Z"), ..series() }, &[]),
            ["10"],
            "since it was booked"
        );
        let (action, paused_at) = (DecisionKind::Pause, at("2026-07-08T12:00:00Z"));
        let decision = Decision { at: paused_at, action, requested_by: None, reason: None, start: None, end: None };
        let paused = Series { paused: true, decisions: vec![decision], ..until.clone() };
        assert_eq!(days(&paused, &[]), ["08"], "a pause is on purpose");
        assert_eq!(days(&Series { paused: false, ..paused }, &[]), ["08", "09", "10"], "it was resumed");
        let told = |now| until.told_not_booked(&[], at(now)).unwrap_or_default();
        assert_eq!(told("2026-07-08T00:59:59Z"), "");
        assert!(
            told("2026-07-08T01:00:00Z").starts_with("series nightly left out its start of Wed 8 Jul 2026 01:00 UTC")
        );
        assert!(
            told("2026-07-09T01:00:00Z").starts_with("series nightly left out 2 starts, from Wed 8 Jul 2026 01:00 UTC")
        );
    }

    #[test]
    fn a_moment_is_an_occurrence_only_to_the_second() {
        let left_out = Series { skipped: vec![at("2026-07-07T01:00:00Z")], ..series() };
        assert!(left_out.has_occurrence(at("2026-07-07T01:00:00Z")), "left out or not");
        assert!(left_out.has_occurrence(at("2026-07-01T01:00:00Z")), "the first");
        for no_start in ["2026-07-07T01:00:01Z", "2026-07-07T00:59:59Z", "2026-06-30T01:00:00Z"] {
            assert!(!left_out.has_occurrence(at(no_start)), "{no_start}");
        }
        assert!(!left_out.has_occurrence(Timestamp::MIN));
    }

    #[test]
    fn each_occurrence_has_a_name_of_its_own() {
        let name = |series: &Series| series.window_id(at("2026-07-07T01:00:00Z"));
        assert_eq!(name(&series()).expect("a name").as_str(), "nightly-20260707T0100Z");
        let named = |length: usize| Series { id: "x".repeat(length).parse().expect("an id"), ..series() };
        assert_eq!(name(&named(ID_MAX)).expect("a name").as_str().len(), 40);
        assert!(name(&named(ID_MAX + 1)).is_err());
    }

    #[test]
    fn the_same_plan_may_be_paused_and_have_come_further() {
        let managed = [rule("one")];
        let further = Series {
            paused: true,
            skipped: vec![at("2026-07-07T01:00:00Z")],
            booked_until: Some(at("2026-07-06T01:00:00Z")),
            rules: Covered::Some(vec![rule("one")]),
            reason: Some("why".to_owned()),
            ..series()
        };
        assert!(series().same_plan(&further, &managed));
        for other in [
            Series { every: "cron(0 3 * * ? *)".parse().expect("an expression"), ..series() },
            Series { timezone: "UTC".to_owned(), ..series() },
            Series { duration: SignedDuration::from_hours(2), ..series() },
            Series { at_end: AtEnd::Reopen, ..series() },
            Series { rules: Covered::Some(vec![rule("two")]), ..series() },
        ] {
            assert!(!series().same_plan(&other, &managed), "{other:?}");
        }
    }

    #[test]
    fn what_could_not_work_is_told_beforehand() {
        let now = at("2026-07-06T00:00:00Z");
        let problems = |series: Series| series.problems(now, SignedDuration::from_hours(48)).join("; ");
        assert_eq!(problems(series()), "");
        let lasting = |duration| Series { duration, ..series() };
        assert_eq!(problems(lasting(SignedDuration::from_secs(24 * 3600 - 1))), "");
        let whole_day = problems(lasting(SignedDuration::from_hours(24)));
        assert!(
            whole_day.contains("less than the 1d between two starts, but found 1d"),
            "they would touch: {whole_day}"
        );
        assert!(problems(lasting(SignedDuration::from_hours(49))).contains("MaxDuration"));
        assert!(problems(lasting(SignedDuration::from_secs(59))).contains("at least a minute"));
        assert!(problems(lasting(SignedDuration::MAX)).contains("an end that a calendar holds"));
        let long = problems(Series { id: "x".repeat(26).parse().expect("an id"), ..series() });
        assert!(long.contains("at most 25 characters"), "{long}");
        assert_eq!(problems(Series { id: "x".repeat(25).parse().expect("an id"), ..series() }), "");
    }

    #[test]
    fn a_series_may_begin_years_ahead_but_not_never() {
        let once = Series { every: "cron(0 2 6 12 ? 2030)".parse().expect("once"), ..series() };
        let problems = |now: &str| once.problems(at(now), SignedDuration::from_hours(24));
        assert!(problems("2026-07-06T00:00:00Z").is_empty());
        assert_eq!(
            problems("2030-12-07T00:00:00Z"),
            ["every: expected a time that comes, but cron(0 2 6 12 ? 2030) has none ahead"]
        );
    }

    #[test]
    fn people_see_what_comes_next_and_what_was_left_out() {
        let skipped = vec![at("2026-07-06T01:00:00Z"), at("2026-07-07T01:00:00Z")];
        let view = Series { skipped, ..series() }.view(&[], at("2026-07-06T01:00:00Z"));
        assert_eq!(view.skipped, [at("2026-07-07T01:00:00Z")], "what has passed is not shown");
        assert_eq!(view.next, ["08", "09", "10"].map(|day| at(&format!("2026-07-{day}T01:00:00Z"))));
        assert_eq!((view.every.as_str(), view.timezone.as_str()), ("cron(0 2 * * ? *)", "Europe/London"));
        assert_eq!((view.duration_secs, view.paused), (3600, false));
        assert!(view.notes.is_empty());
        let in_the_gap = Series { every: "cron(30 1 * * ? *)".parse().expect("an expression"), ..series() };
        assert_eq!(in_the_gap.view(&[], at("2027-03-27T12:00:00Z")).notes.len(), 1, "01:30 does not exist that night");
    }
}
