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
