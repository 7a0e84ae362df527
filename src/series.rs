//! Recurring windows: a series is kept in a schedule of its own, and its next occurrence is always booked as a window
//! like any other.
//!
//! The schedule `<id>.series` only stores the series, and looks in once a day; the sweep and every wake-up book the next
//! occurrence as soon as the one before it has begun.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    arn::RuleArn,
    every::{Every, Occurrence},
    when,
    window::{AtEnd, Window, WindowId},
};

/// How many occurrences are shown ahead.
const SHOWN: usize = 3;

/// A window that recurs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// Its name, of which the names of its windows are made.
    pub id: WindowId,
    /// When it recurs.
    pub every: Every,
    /// How long each window lasts.
    pub duration: SignedDuration,
    /// The zone its times are in.
    pub timezone: String,
    /// The first moment it may start; a rate counts from here.
    pub anchor: Timestamp,
    /// The rules it covers.
    pub rules: Vec<RuleArn>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booked_by: Option<String>,
    /// A sentence for visitors, shown on the maintenance page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What happens at each end.
    #[serde(default)]
    pub at_end: AtEnd,
    /// Whether it is to rest until it is resumed.
    #[serde(default)]
    pub paused: bool,
    /// Starts that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Timestamp>,
    /// The invocation that changed it last, so that its repetition is recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The invocation that booked it, which must not do so again once it is cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking: Option<String>,
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
    /// Whether it rests.
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
    pub booked_by: Option<String>,
}

impl Series {
    /// Whether both mean the same maintenance; how far one has come, and whether it rests, may differ.
    #[must_use]
    pub fn same_plan(&self, other: &Self) -> bool {
        let plan = |series: &Self| {
            (series.every.clone(), series.duration, series.timezone.clone(), series.rules.clone(), series.at_end)
        };
        plan(self) == plan(other)
    }

    /// Its occurrences after `now` that are not left out, soonest first; none while it is paused.
    #[must_use]
    pub fn next(&self, now: Timestamp, count: usize) -> Vec<Occurrence> {
        if self.paused {
            return vec![];
        }
        // The name was checked when the series was booked.
        let zone = when::time_zone(&self.timezone).unwrap_or(TimeZone::UTC);
        let from = now.max(self.anchor - SignedDuration::from_secs(1));
        let wanted = |occurrence: &Occurrence| !self.skipped.contains(&occurrence.start);
        self.every.after(from, &zone, self.anchor).filter(wanted).take(count).collect()
    }

    /// The window of an occurrence; its name is the series' and its start.
    ///
    /// # Errors
    /// A sentence, if the series' name is too long to take a start.
    pub fn window(&self, start: Timestamp) -> Result<Window, String> {
        Ok(Window {
            id: format!("{}-{}", self.id, start.strftime("%Y%m%dT%H%MZ")).parse()?,
            start,
            end: Some(start + self.duration),
            rules: self.rules.clone(),
            timezone: Some(self.timezone.clone()),
            reason: self.reason.clone(),
            booked_by: self.booked_by.clone(),
            message: self.message.clone(),
            at_end: self.at_end,
            series: Some(self.id.clone()),
        })
    }

    /// What is wrong with it as seen from `now`, a sentence each.
    #[must_use]
    pub fn problems(&self, now: Timestamp, longest: SignedDuration) -> Vec<String> {
        let mut problems = vec![];
        let Some(first) = self.next(now, 1).into_iter().next() else {
            return vec![format!("every: expected a time that comes, but {} has none ahead", self.every)];
        };
        match self.window(first.start) {
            Err(_) => problems.push(format!(
                "id: expected at most 25 characters for a series, since each window adds its start, but found {:?}",
                self.id.as_str()
            )),
            Ok(window) => problems.extend(
                // A series may begin as far ahead as its expression says.
                crate::event::span_problems(&window, first.start, longest),
            ),
        }
        let zone = when::time_zone(&self.timezone).unwrap_or(TimeZone::UTC);
        if let Some(gap) = self.every.min_gap(now, &zone, self.anchor).filter(|gap| *gap <= self.duration) {
            problems.push(format!(
                "duration: expected less than the {} between two starts, but found {}",
                when::spoken_duration(gap),
                when::spoken_duration(self.duration)
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
            notes: next.iter().filter_map(|occurrence| occurrence.shifted.clone()).collect(),
            next: next.into_iter().map(|occurrence| occurrence.start).collect(),
            reason: self.reason.clone(),
            booked_by: self.booked_by.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// Every night at two in London, for an hour.
    fn series() -> Series {
        Series {
            id: "nightly".parse().expect("an id"),
            every: "cron(0 2 * * ? *)".parse().expect("an expression"),
            duration: SignedDuration::from_hours(1),
            timezone: "Europe/London".to_owned(),
            anchor: at("2026-07-01T00:00:00Z"),
            rules: vec![],
            reason: None,
            booked_by: None,
            message: Some("Back soon.".to_owned()),
            at_end: AtEnd::Hold,
            paused: false,
            skipped: vec![],
            request: None,
            booking: None,
        }
    }

    fn starts(series: &Series, now: &str, count: usize) -> Vec<String> {
        series.next(at(now), count).iter().map(|next| next.start.to_string()).collect()
    }

    #[test]
    fn its_occurrences_lie_ahead_from_its_first_on_and_leave_out_what_is_skipped() {
        let mut series = series();
        assert_eq!(starts(&series, "2026-06-01T00:00:00Z", 1), ["2026-07-01T01:00:00Z"]);
        assert_eq!(starts(&series, "2026-07-06T01:00:00Z", 2), ["2026-07-07T01:00:00Z", "2026-07-08T01:00:00Z"]);
        series.anchor = at("2026-07-01T01:00:00Z");
        assert_eq!(starts(&series, "2026-06-01T00:00:00Z", 1), ["2026-07-01T01:00:00Z"], "the anchor may be one");
        series.skipped = vec![at("2026-07-07T01:00:00Z")];
        assert_eq!(starts(&series, "2026-07-06T01:00:00Z", 1), ["2026-07-08T01:00:00Z"]);
        series.paused = true;
        assert_eq!(starts(&series, "2026-07-06T01:00:00Z", 1), [""; 0]);
    }

    #[test]
    fn each_occurrence_is_a_window_with_a_name_of_its_own() {
        let window = series().window(at("2026-07-07T01:00:00Z")).expect("a window");
        assert_eq!(window.id.as_str(), "nightly-20260707T0100Z");
        assert_eq!(window.end, Some(at("2026-07-07T02:00:00Z")));
        assert_eq!((window.at_end, window.message.as_deref()), (AtEnd::Hold, Some("Back soon.")));
        assert_eq!(window.series, Some(series().id));
    }

    #[test]
    fn the_same_plan_may_be_paused_and_have_come_further() {
        let further = Series { paused: true, skipped: vec![at("2026-07-07T01:00:00Z")], ..series() };
        assert!(series().same_plan(&further));
        assert!(!series().same_plan(&Series { timezone: "UTC".to_owned(), ..series() }));
        assert!(!series().same_plan(&Series { duration: SignedDuration::from_hours(2), ..series() }));
        assert!(!series().same_plan(&Series { at_end: AtEnd::Reopen, ..series() }));
    }

    #[test]
    fn what_could_not_work_is_told_beforehand() {
        let now = at("2026-07-06T00:00:00Z");
        let problems = |series: Series| series.problems(now, SignedDuration::from_hours(48)).join("; ");
        assert_eq!(problems(series()), "");
        let day = |hours: i64| Series { duration: SignedDuration::from_hours(hours), ..series() };
        assert_eq!(problems(day(23)), "");
        assert!(problems(day(24)).contains("less than the 1d between two starts"), "they would touch");
        assert!(problems(day(49)).contains("MAX_DURATION"));
        let never = Series { every: "cron(0 2 6 12 ? 2026)".parse().expect("once"), anchor: now, ..series() };
        assert!(never.problems(at("2026-12-07T00:00:00Z"), SignedDuration::MAX)[0].contains("none ahead"));
        let long = Series { id: "x".repeat(26).parse().expect("an id"), ..series() };
        assert!(problems(long).contains("at most 25 characters"));
    }

    #[test]
    fn people_see_what_comes_next_and_what_was_left_out() {
        let skipped = vec![at("2026-07-06T01:00:00Z"), at("2026-07-07T01:00:00Z")];
        let view = Series { skipped, ..series() }.view(at("2026-07-06T01:00:00Z"));
        assert_eq!(view.skipped, [at("2026-07-07T01:00:00Z")]);
        assert_eq!(view.next.len(), 3);
        assert_eq!((view.next[0], view.duration_secs), (at("2026-07-08T01:00:00Z"), 3600));
        assert!(view.notes.is_empty());
        let autumn = series().view(at("2026-10-24T12:00:00Z"));
        assert!(autumn.notes.is_empty(), "two o'clock comes once that night");
    }
}
