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
    window::{AtEnd, Covered, Decision},
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
    /// Starts to come that are left out.
    pub skipped: Vec<Timestamp>,
    /// Its next starts.
    pub next: Vec<Timestamp>,
    /// What is odd about them, a sentence each.
    pub notes: Vec<String>,
    /// Why.
    pub reason: Option<String>,
    /// Who.
    pub requested_by: Option<String>,
}

impl Series {
    /// Whether both mean the same maintenance, given the rules that the settings name; how far one has come, and
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
        self.occurrences(now, count, |occurrence| !self.skipped.contains(&occurrence.start))
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
        let Ok(before) = start.checked_sub(SignedDuration::from_secs(1)) else { return false };
        self.occurrences(before, 1, |_| true).first().is_some_and(|next| next.start == start)
    }

    fn occurrences(&self, after: Timestamp, count: usize, wanted: impl Fn(&Occurrence) -> bool) -> Vec<Occurrence> {
        // The name was checked when the series was booked.
        let zone = time::time_zone(&self.timezone).unwrap_or(TimeZone::UTC);
        let first = time::shifted(self.anchor, -SignedDuration::from_secs(1));
        self.every.after(after.max(first), &zone, self.anchor).filter(wanted).take(count).collect()
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

    /// The series as seen at `now`.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> SeriesView {
        let next = self.next(now, SHOWN);
        SeriesView {
            id: self.id.clone(),
            every: self.every.to_string(),
            timezone: self.timezone.clone(),
            duration_secs: self.duration.as_secs(),
            paused: self.paused,
            skipped: self.skipped.iter().copied().filter(|start| *start > now).collect(),
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
        let view = Series { skipped, ..series() }.view(at("2026-07-06T01:00:00Z"));
        assert_eq!(view.skipped, [at("2026-07-07T01:00:00Z")], "what has passed is not shown");
        assert_eq!(view.next, ["08", "09", "10"].map(|day| at(&format!("2026-07-{day}T01:00:00Z"))));
        assert_eq!((view.every.as_str(), view.timezone.as_str()), ("cron(0 2 * * ? *)", "Europe/London"));
        assert_eq!((view.duration_secs, view.paused), (3600, false));
        assert!(view.notes.is_empty());
        let in_the_gap = Series { every: "cron(30 1 * * ? *)".parse().expect("an expression"), ..series() };
        assert_eq!(in_the_gap.view(at("2027-03-27T12:00:00Z")).notes.len(), 1, "01:30 does not exist that night");
    }
}
