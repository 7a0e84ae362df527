//! Recurring windows: when the next ones are.
//!
//! An expression of EventBridge Scheduler, read by its rules, but not handed to it: it skips an occurrence that falls
//! where the clocks go forward, and people who planned a night's work would learn of it the morning after. Here such an
//! occurrence starts as soon as it can, and says so.
//!
//! Pure: the moment is an argument everywhere. Fields are read and matched on wall-clock time in [`cron`]; which instant
//! a wall-clock time is, only `occurrence` decides.

use std::{fmt, iter::FusedIterator, str::FromStr};

use jiff::{
    SignedDuration, Timestamp, civil,
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Serialize};

use super::{cron, time};

/// How far ahead occurrences are looked for: five years, so that a leap day is found and the search always ends.
pub const SEARCH_MAX: SignedDuration = SignedDuration::from_hours(5 * 365 * 24 + 2 * 24);

/// How many occurrences [`Recurrence::min_gap`] compares: more than a month of nights and more than a day of half hours, so
/// that each pair of neighbouring fields has met.
pub const GAP_SAMPLE: usize = 50;

/// The longest expression that EventBridge Scheduler takes.
pub const TEXT_MAX: usize = 256;

/// When a window recurs: `cron(minutes hours day-of-month month day-of-week year)` or `rate(value unit)`.
///
/// A cron expression is about the clock on the wall, so it needs a time zone. Days of the week count from 1 = SUN to
/// 7 = SAT, and exactly one of the two day fields is `?`. A rate is about time that passes: `rate(1 day)` is 24 hours,
/// and so drifts by an hour against the clock on the wall when that changes.
///
/// Two are equal when they are written alike.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Recurrence {
    text: String,
    pattern: Pattern,
}

#[derive(Clone, PartialEq, Eq)]
enum Pattern {
    Cron(cron::Expression),
    Rate(SignedDuration),
}

/// One start of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The instant.
    pub start: Timestamp,
    /// A sentence for people, where the wall-clock time asked for does not exist or occurs twice on that day.
    pub shifted: Option<String>,
}

/// The occurrences after a moment, in order; made by [`Recurrence::after`].
#[derive(Clone, Debug)]
pub struct Occurrences<'a> {
    every: &'a Recurrence,
    zone: &'a TimeZone,
    anchor: Timestamp,
    last: Timestamp,
    until: Timestamp,
}

impl Recurrence {
    /// The occurrences after `moment`, never at it, until [`SEARCH_MAX`] later.
    ///
    /// A cron expression is matched in `zone`. A wall-clock time that does not exist starts at the first instant after
    /// the gap, and one that occurs twice starts at the first of the two only; both say so. Several that fall into one
    /// gap are one occurrence.
    ///
    /// A rate counts from `anchor`, which is its first occurrence; a cron expression has no use for it.
    #[must_use]
    pub fn after<'a>(&'a self, moment: Timestamp, zone: &'a TimeZone, anchor: Timestamp) -> Occurrences<'a> {
        let until = moment.checked_add(SEARCH_MAX).unwrap_or(Timestamp::MAX);
        Occurrences { every: self, zone, anchor, last: moment, until }
    }

    /// The shortest time between one start and the next among the [`GAP_SAMPLE`] after `moment`; none when fewer than
    /// two are left. A window longer than this would still be open when the next one starts.
    ///
    /// Clocks that go forward outside the sample may bring two starts closer on that one day.
    #[must_use]
    pub fn min_gap(&self, moment: Timestamp, zone: &TimeZone, anchor: Timestamp) -> Option<SignedDuration> {
        let starts: Vec<Timestamp> = self.after(moment, zone, anchor).take(GAP_SAMPLE).map(|next| next.start).collect();
        starts.windows(2).map(|pair| pair[1].duration_since(pair[0])).min()
    }

    /// The text it was read from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Recurrence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim_matches(' ');
        if !text.chars().all(|character| matches!(character, ' '..='~')) {
            return Err(format!("expected cron(...) or rate(...) in plain letters, but found {}", time::quoted(text)));
        }
        if text.len() > TEXT_MAX {
            return Err(format!(
                "expected at most {TEXT_MAX} characters of cron(...) or rate(...), but found {}",
                text.len()
            ));
        }
        let pattern = if let Some(fields) = inside(text, "cron") {
            Pattern::Cron(fields.parse()?)
        } else if let Some(rate) = inside(text, "rate") {
            Pattern::Rate(interval(text, rate)?)
        } else if text.starts_with("at(") {
            return Err(format!(
                "expected cron(...) or rate(...), but found {text:?}, which is a single time; book one window with \
                 `start` instead of `every`"
            ));
        } else {
            let fields: Vec<&str> = text.split_whitespace().collect();
            return Err(format!("expected cron(...) or rate(...), but found {text:?}{}", cron::instead(&fields)));
        };
        Ok(Self { text: text.to_owned(), pattern })
    }
}

impl TryFrom<String> for Recurrence {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Recurrence> for String {
    fn from(every: Recurrence) -> Self {
        every.text
    }
}

impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

// The parsed form holds a bit for each of five thousand years, which nobody wants in a log.
impl fmt::Debug for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recurrence").field(&self.text).finish()
    }
}

impl Iterator for Occurrences<'_> {
    type Item = Occurrence;

    fn next(&mut self) -> Option<Occurrence> {
        let next = match &self.every.pattern {
            Pattern::Cron(expression) => on_calendar(expression, self.last, self.zone)?,
            Pattern::Rate(interval) => at_rate(*interval, self.last, self.anchor)?,
        };
        if next.start > self.until {
            return None;
        }
        self.last = next.start;
        Some(next)
    }
}

impl FusedIterator for Occurrences<'_> {}

fn on_calendar(expression: &cron::Expression, last: Timestamp, zone: &TimeZone) -> Option<Occurrence> {
    let mut wall = zone.to_datetime(last);
    // In the second pass of a repeated hour, the wall-clock times still to come have had their turn in the first.
    loop {
        wall = expression.next(wall)?;
        let next = occurrence(wall, zone)?;
        if next.start > last {
            return Some(next);
        }
    }
}

/// A rate counts from the anchor, not from the occurrence before, so that one missed or skipped moves none after it.
fn at_rate(interval: SignedDuration, last: Timestamp, anchor: Timestamp) -> Option<Occurrence> {
    let start = if last < anchor {
        anchor
    } else {
        let passed = last.duration_since(anchor).as_secs() / interval.as_secs();
        anchor.checked_add(SignedDuration::from_secs((passed + 1).checked_mul(interval.as_secs())?)).ok()?
    };
    Some(Occurrence { start, shifted: None })
}

/// The instant at which a wall-clock time starts; none where the calendar ends.
fn occurrence(local: civil::DateTime, zone: &TimeZone) -> Option<Occurrence> {
    let (start, what, which) = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => {
            return Some(Occurrence { start: offset.to_timestamp(local).ok()?, shifted: None });
        }
        AmbiguousOffset::Gap { before, after } => {
            // Read with the offset that follows, it lies before the change, by the gap's length at most.
            let (early, late) = (after.to_timestamp(local).ok()?, before.to_timestamp(local).ok()?);
            let change = zone.following(early).next().map_or(late, |change| change.timestamp());
            (change, "does not exist", "the first instant that does")
        }
        AmbiguousOffset::Fold { before, .. } => {
            (before.to_timestamp(local).ok()?, "occurs twice", "the first of the two")
        }
    };
    let shifted = format!(
        "{} {what} in {}, where the clocks change; it starts at {which}, {}",
        local.strftime("%a %-d %b %Y %H:%M"),
        zone.iana_name().unwrap_or("its zone"),
        time::spoken(start, zone.iana_name()),
    );
    Some(Occurrence { start, shifted: Some(shifted) })
}

fn inside<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

fn interval(text: &str, rate: &str) -> Result<SignedDuration, String> {
    let expected = |what: &str, instead: &str| format!("expected {what}, but found {text:?}; write {instead}");
    let whole = "rate(value unit) with a positive whole number and minutes, hours or days";
    let parts: Vec<&str> = rate.split_whitespace().collect();
    let [count, unit] = parts[..] else {
        return Err(expected(whole, "rate(7 days), for example"));
    };
    let Some(value) = cron::number::<u32>(count).filter(|value| *value > 0) else {
        return Err(expected(whole, "rate(7 days), for example"));
    };
    let secs = match unit {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3600,
        "day" | "days" => 86_400,
        "second" | "seconds" => return Err(expected("a rate in minutes, hours or days", "rate(1 minute) or longer")),
        "week" | "weeks" => {
            return Err(expected("a rate in minutes, hours or days", &format!("rate({} days)", u64::from(value) * 7)));
        }
        _ => return Err(expected(whole, "rate(7 days), for example")),
    };
    if value > 1 && !unit.ends_with('s') {
        return Err(expected("a plural after a number above one", &format!("rate({value} {unit}s)")));
    }
    let interval = SignedDuration::from_secs(secs * i64::from(value));
    if interval > SEARCH_MAX {
        return Err(expected("a rate of five years at most", "one window for each occurrence"));
    }
    Ok(interval)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const UTC: &str = "UTC";
    const LONDON: &str = "Europe/London";
    const NEW_YORK: &str = "America/New_York";

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn every(text: &str) -> Recurrence {
        text.parse().expect(text)
    }

    fn zone(name: &str) -> TimeZone {
        time::time_zone(name).expect("a zone")
    }

    /// The first starts after `moment`, as many as are named.
    #[track_caller]
    fn starts(text: &str, name: &str, moment: &str, expected: &[&str]) {
        let (every, zone, moment) = (every(text), zone(name), at(moment));
        let found: Vec<String> =
            every.after(moment, &zone, moment).take(expected.len()).map(|next| next.start.to_string()).collect();
        assert_eq!(found, expected, "{text} in {name} after {moment}");
    }

    /// The same, with what is said about each; an empty string stands for nothing to say.
    #[track_caller]
    fn says(text: &str, name: &str, moment: &str, expected: &[(&str, &str)]) {
        let (every, zone, moment) = (every(text), zone(name), at(moment));
        let found: Vec<(String, String)> = every
            .after(moment, &zone, moment)
            .take(expected.len())
            .map(|next| (next.start.to_string(), next.shifted.unwrap_or_default()))
            .collect();
        let expected: Vec<_> = expected.iter().map(|(start, said)| ((*start).to_owned(), (*said).to_owned())).collect();
        assert_eq!(found, expected, "{text} in {name} after {moment}");
    }

    #[track_caller]
    fn refuses(text: &str, parts: &[&str]) {
        let problem = text.parse::<Recurrence>().expect_err(text);
        for part in parts {
            assert!(problem.contains(part), "{problem}");
        }
    }

    // 1 July 2026 is a Wednesday.
    const JULY: &str = "2026-07-01T00:00:00Z";

    #[test]
    fn days_of_the_week_count_from_sunday_as_one() {
        let sundays = ["2026-07-05T01:00:00Z", "2026-07-12T01:00:00Z", "2026-07-19T01:00:00Z"];
        for text in ["cron(0 2 ? * SUN *)", "cron(0 2 ? * 1 *)", "cron(0 2 ? * sun *)", " cron( 0  2 ? * 1 * ) "] {
            starts(text, LONDON, JULY, &sundays);
        }
        let days = ["2026-07-05", "2026-07-06", "2026-07-07", "2026-07-01", "2026-07-02", "2026-07-03", "2026-07-04"];
        let names = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
        for (number, (name, day)) in (1..).zip(names.iter().zip(days)) {
            let expected = format!("{day}T02:00:00Z");
            starts(&format!("cron(0 2 ? * {number} *)"), UTC, JULY, &[&expected]);
            starts(&format!("cron(0 2 ? * {name} *)"), UTC, JULY, &[&expected]);
        }
        let working = ["2026-07-06T02:00:00Z", "2026-07-07T02:00:00Z", "2026-07-08T02:00:00Z", "2026-07-09T02:00:00Z"];
        starts("cron(0 2 ? * MON-FRI *)", UTC, "2026-07-04T00:00:00Z", &working);
        starts("cron(0 2 ? * 2-6 *)", UTC, "2026-07-04T00:00:00Z", &working);
        starts("cron(0 2 ? * 1,MON,7 *)", UTC, JULY, &["2026-07-04T02:00:00Z", "2026-07-05T02:00:00Z", working[0]]);
        starts("cron(0 2 ? * * *)", UTC, JULY, &["2026-07-01T02:00:00Z", "2026-07-02T02:00:00Z"]);
        starts("cron(0 2 * * ? *)", UTC, JULY, &["2026-07-01T02:00:00Z", "2026-07-02T02:00:00Z"]);
    }

    #[test]
    fn the_last_and_the_nth_weekday_of_a_month_are_found() {
        // Fridays in July 2026: 3, 10, 17, 24, 31; in August: 7, 14, 21, 28.
        for text in ["cron(0 2 ? * 6L *)", "cron(0 2 ? * FRIL *)", "cron(0 2 ? * fril *)"] {
            starts(text, UTC, JULY, &["2026-07-31T02:00:00Z", "2026-08-28T02:00:00Z"]);
        }
        for text in ["cron(0 2 ? * 6#2 *)", "cron(0 2 ? * FRI#2 *)"] {
            starts(text, UTC, JULY, &["2026-07-10T02:00:00Z", "2026-08-14T02:00:00Z"]);
        }
        // The example in Amazon's own words: `3#2` is the second Tuesday.
        starts("cron(0 2 ? * 3#2 *)", UTC, JULY, &["2026-07-14T02:00:00Z", "2026-08-11T02:00:00Z"]);
        starts("cron(0 2 ? * 1L *)", UTC, JULY, &["2026-07-26T02:00:00Z", "2026-08-30T02:00:00Z"]);
        starts("cron(0 2 ? * 7#1 *)", UTC, JULY, &["2026-07-04T02:00:00Z", "2026-08-01T02:00:00Z"]);
        // Of the months from July 2026 on, August and November are the first with five Sundays.
        starts("cron(0 2 ? * SUN#5 *)", UTC, JULY, &["2026-08-30T02:00:00Z", "2026-11-29T02:00:00Z"]);
        // Alone, it is the last day of the week.
        starts("cron(0 2 ? * L *)", UTC, JULY, &["2026-07-04T02:00:00Z", "2026-07-11T02:00:00Z"]);
    }

    #[test]
    fn the_last_day_and_the_nearest_weekday_stay_in_their_month() {
        let last = ["2026-12-31T02:00:00Z", "2027-01-31T02:00:00Z", "2027-02-28T02:00:00Z"];
        starts("cron(0 2 L * ? *)", UTC, "2026-12-01T00:00:00Z", &last);
        starts("cron(0 2 L 2 ? *)", UTC, JULY, &["2027-02-28T02:00:00Z", "2028-02-29T02:00:00Z"]);
        // 15 August 2026 is a Saturday, 15 November a Sunday.
        starts(
            "cron(0 2 15W 7,8,11 ? *)",
            UTC,
            JULY,
            &["2026-07-15T02:00:00Z", "2026-08-14T02:00:00Z", "2026-11-16T02:00:00Z"],
        );
        // 1 August 2026 is a Saturday, 1 November a Sunday.
        starts("cron(0 2 1W 8,11 ? *)", UTC, JULY, &["2026-08-03T02:00:00Z", "2026-11-02T02:00:00Z"]);
        // 31 May 2026 is a Sunday, 31 October a Saturday; June has no 31st.
        starts(
            "cron(0 2 31w 5,6,10 ? *)",
            UTC,
            "2026-05-01T00:00:00Z",
            &["2026-05-29T02:00:00Z", "2026-10-30T02:00:00Z"],
        );
        starts("cron(0 2 LW 5,6 ? *)", UTC, "2026-05-01T00:00:00Z", &["2026-05-29T02:00:00Z", "2026-06-30T02:00:00Z"]);
    }

    #[test]
    fn steps_lists_ranges_names_and_years_are_read() {
        for (text, times) in [
            ("cron(0/20 * * * ? *)", ["00:20", "00:40", "01:00"]),
            ("cron(*/20 * * * ? *)", ["00:20", "00:40", "01:00"]),
            ("cron(5/25 * * * ? *)", ["00:05", "00:30", "00:55"]),
            ("cron(10-30/15,59 * * * ? *)", ["00:10", "00:25", "00:59"]),
            ("cron(30 21/1 * * ? *)", ["21:30", "22:30", "23:30"]),
            ("cron(0 1,3-4 * * ? *)", ["01:00", "03:00", "04:00"]),
        ] {
            let expected = times.map(|time| format!("2026-07-01T{time}:00Z"));
            starts(text, UTC, JULY, &expected.each_ref().map(String::as_str));
        }
        starts(
            "cron(0 3 1-7/3 jul ? *)",
            UTC,
            JULY,
            &["2026-07-01T03:00:00Z", "2026-07-04T03:00:00Z", "2026-07-07T03:00:00Z", "2027-07-01T03:00:00Z"],
        );
        starts(
            "cron(0 3 1 JAN-MAR/2,12 ? 2026,2028/1)",
            UTC,
            JULY,
            &["2026-12-01T03:00:00Z", "2028-01-01T03:00:00Z", "2028-03-01T03:00:00Z"],
        );
    }

    #[test]
    fn the_search_is_bounded_and_a_series_can_end() {
        let utc = zone(UTC);
        let count = |text: &str, moment: &str| every(text).after(at(moment), &utc, at(moment)).count();
        assert_eq!(count("cron(0 2 1 * ? 2026)", JULY), 6, "July to December");
        assert_eq!(count("cron(0 2 1 * ? 2025)", JULY), 0, "all of it past");
        assert_eq!(count("cron(0 2 1 1 ? 2031)", JULY), 1, "within five years");
        assert_eq!(count("cron(0 2 1 1 ? 2032)", JULY), 0, "beyond five years");
        assert_eq!(count("cron(0 0 29 2 ? *)", JULY), 1, "29 February 2028");
        // There is no leap day from 2097 to 2103.
        assert_eq!(count("cron(0 0 29 2 ? *)", "2097-01-01T00:00:00Z"), 0);
        assert_eq!(count("rate(1 day)", JULY), 1827);
        assert_eq!(count("cron(0 0 * * ? *)", "9999-01-01T00:00:00Z"), 0, "after the last year there is");
        let series = every("cron(0 2 1 * ? 2026)");
        let mut ended = series.after(at("2026-12-01T02:00:00Z"), &utc, at(JULY));
        assert_eq!((ended.next(), ended.next()), (None, None));
    }

    #[test]
    fn an_occurrence_at_the_moment_is_not_after_it() {
        starts("cron(0 2 * * ? *)", UTC, "2026-07-01T01:59:59.999Z", &["2026-07-01T02:00:00Z"]);
        starts("cron(0 2 * * ? *)", UTC, "2026-07-01T02:00:00Z", &["2026-07-02T02:00:00Z"]);
        starts("cron(0 2 * * ? *)", UTC, "2026-07-01T02:00:00.5Z", &["2026-07-02T02:00:00Z"]);
    }

    #[test]
    fn a_rate_counts_from_its_anchor_whatever_the_clocks_do() {
        let (london, series) = (zone(LONDON), every("rate(1 day)"));
        let next = |moment: &str| series.after(at(moment), &london, at("2026-03-28T02:00:00Z")).next();
        let starts = |start: &str| Some(Occurrence { start: at(start), shifted: None });
        assert_eq!(next("2026-01-01T00:00:00Z"), starts("2026-03-28T02:00:00Z"), "the anchor is the first");
        assert_eq!(next("2026-03-28T01:59:59.9Z"), starts("2026-03-28T02:00:00Z"));
        assert_eq!(next("2026-03-28T02:00:00Z"), starts("2026-03-29T02:00:00Z"), "24 hours, over the change");
        assert_eq!(next("2026-03-29T01:59:59Z"), starts("2026-03-29T02:00:00Z"));
        assert_eq!(next("2027-01-01T12:00:00.5Z"), starts("2027-01-02T02:00:00Z"));
        // An anchor's fraction of a second stays.
        let minutes = every("rate(90 minutes)");
        let (anchor, utc) = (at("2026-03-28T02:00:00.25Z"), zone(UTC));
        let next = |moment: &str| minutes.after(at(moment), &utc, anchor).next().map(|next| next.start);
        assert_eq!(next("2026-03-28T03:30:00Z"), Some(at("2026-03-28T03:30:00.25Z")));
        assert_eq!(next("2026-03-28T03:30:00.25Z"), Some(at("2026-03-28T05:00:00.25Z")));
        for (text, hours) in
            [("rate(1 hour)", 1), ("rate(60 minutes)", 1), ("rate(1 minutes)", 0), ("rate( 7  days )", 168)]
        {
            let gap = every(text).min_gap(at(JULY), &utc, at(JULY)).expect("two occurrences");
            assert_eq!(gap.as_hours(), hours, "{text}");
        }
    }

    #[test]
    fn a_time_in_the_gap_starts_as_soon_as_it_can_and_says_so() {
        // London: on 29 March 2026, 01:00 GMT becomes 02:00 BST.
        says(
            "cron(30 1 ? * SUN *)",
            LONDON,
            "2026-03-22T00:00:00Z",
            &[
                ("2026-03-22T01:30:00Z", ""),
                (
                    "2026-03-29T01:00:00Z",
                    "Sun 29 Mar 2026 01:30 does not exist in Europe/London, where the clocks change; it starts at the \
                 first instant that does, Sun 29 Mar 2026 01:00 UTC (Sun 02:00 in Europe/London)",
                ),
                ("2026-04-05T00:30:00Z", ""),
            ],
        );
        // Its edges: the gap holds 01:00, but not 02:00.
        let first = "Sun 29 Mar 2026 01:00 does not exist in Europe/London, where the clocks change; it starts at the \
                     first instant that does, Sun 29 Mar 2026 01:00 UTC (Sun 02:00 in Europe/London)";
        says("cron(0 1 29 3 ? 2026)", LONDON, "2026-03-01T00:00:00Z", &[("2026-03-29T01:00:00Z", first)]);
        says("cron(0 2 29 3 ? 2026)", LONDON, "2026-03-01T00:00:00Z", &[("2026-03-29T01:00:00Z", "")]);
        says("cron(59 0 29 3 ? 2026)", LONDON, "2026-03-01T00:00:00Z", &[("2026-03-29T00:59:00Z", "")]);
        // New York: on 8 March 2026, 02:00 EST becomes 03:00 EDT.
        starts(
            "cron(30 2 * * ? *)",
            NEW_YORK,
            "2026-03-07T00:00:00Z",
            &["2026-03-07T07:30:00Z", "2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"],
        );
        // Cairo has no midnight on 30 April 2027, São Paulo had none on 4 November 2018: the day starts at 01:00.
        starts(
            "cron(0 0 * * ? *)",
            "Africa/Cairo",
            "2027-04-29T00:00:00Z",
            &["2027-04-29T22:00:00Z", "2027-04-30T21:00:00Z"],
        );
        starts(
            "cron(15 0 ? * SUN *)",
            "America/Sao_Paulo",
            "2018-11-01T00:00:00Z",
            &["2018-11-04T03:00:00Z", "2018-11-11T02:15:00Z"],
        );
        // Lord Howe's clocks go forward by half an hour: 02:00 becomes 02:30 on 4 October 2026.
        starts(
            "cron(0,15,30,45 2 4 10 ? *)",
            "Australia/Lord_Howe",
            JULY,
            &["2026-10-03T15:30:00Z", "2026-10-03T15:45:00Z"],
        );
        // Samoa had no 30 December 2011 at all.
        says(
            "cron(0 2 * * ? *)",
            "Pacific/Apia",
            "2011-12-29T00:00:00Z",
            &[
                ("2011-12-29T12:00:00Z", ""),
                (
                    "2011-12-30T10:00:00Z",
                    "Fri 30 Dec 2011 02:00 does not exist in Pacific/Apia, where the clocks change; it starts at the \
                 first instant that does, Fri 30 Dec 2011 10:00 UTC (Sat 00:00 in Pacific/Apia)",
                ),
                ("2011-12-30T12:00:00Z", ""),
            ],
        );
    }

    #[test]
    fn several_times_in_one_gap_are_one_occurrence() {
        let expected = ["2026-03-28T01:00:00Z", "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"];
        starts("cron(0,30 1 * * ? *)", LONDON, "2026-03-28T00:00:00Z", &expected);
        // The gap's end itself joins them.
        starts(
            "cron(0/20 1-2 29 3 ? 2026)",
            LONDON,
            "2026-03-28T00:00:00Z",
            &["2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z", "2026-03-29T01:40:00Z"],
        );
    }

    #[test]
    fn a_time_that_occurs_twice_runs_at_the_first_and_says_so() {
        // London: on 25 October 2026, 02:00 BST becomes 01:00 GMT.
        says(
            "cron(30 1 ? * SUN *)",
            LONDON,
            "2026-10-18T00:00:00Z",
            &[
                ("2026-10-18T00:30:00Z", ""),
                (
                    "2026-10-25T00:30:00Z",
                    "Sun 25 Oct 2026 01:30 occurs twice in Europe/London, where the clocks change; it starts at the \
                 first of the two, Sun 25 Oct 2026 00:30 UTC (Sun 01:30 in Europe/London)",
                ),
                ("2026-11-01T01:30:00Z", ""),
            ],
        );
        // Nothing runs again in the second pass, even when that is where we stand.
        for moment in ["2026-10-25T00:45:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:15:00Z", "2026-10-25T01:59:00Z"] {
            starts("cron(0/15 * * * ? *)", LONDON, moment, &["2026-10-25T02:00:00Z", "2026-10-25T02:15:00Z"]);
        }
        // New York: on 1 November 2026, 02:00 EDT becomes 01:00 EST.
        starts("cron(0 1,2 1 11 ? *)", NEW_YORK, JULY, &["2026-11-01T05:00:00Z", "2026-11-01T07:00:00Z"]);
        // Cairo lives the last hour of 28 October 2027 twice, Lord Howe half an hour of 5 April 2026.
        starts("cron(30 23 28 10 ? *)", "Africa/Cairo", "2027-01-01T00:00:00Z", &["2027-10-28T20:30:00Z"]);
        starts(
            "cron(0,30 1,2 5 4 ? *)",
            "Australia/Lord_Howe",
            "2026-01-01T00:00:00Z",
            &["2026-04-04T14:00:00Z", "2026-04-04T14:30:00Z", "2026-04-04T15:30:00Z", "2026-04-04T16:00:00Z"],
        );
    }

    #[test]
    fn the_smallest_gap_tells_which_windows_would_meet() {
        let london = zone(LONDON);
        let gap = |text: &str| {
            let gap = every(text).min_gap(at("2026-06-01T00:00:00Z"), &london, at("2026-06-01T00:00:00Z"));
            gap.map(time::spoken_duration)
        };
        for (text, expected) in [
            ("cron(0 2 ? * SUN *)", Some("6d 23h")),
            ("cron(0 2 * * ? *)", Some("1d")),
            ("cron(0 2,22 ? * SUN *)", Some("20h")),
            ("cron(0,50 * * * ? *)", Some("10m")),
            ("cron(30 0-20/2,21 * * ? *)", Some("1h")),
            ("cron(0 2 1,31 * ? *)", Some("1d")),
            ("cron(* 2 1 * ? *)", Some("1m")),
            ("rate(36 hours)", Some("1d 12h")),
            ("cron(0 2 7 6 ? 2026)", None),
        ] {
            assert_eq!(gap(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_series_is_refused_with_what_to_write_instead() {
        refuses("", &["expected cron(...) or rate(...)", "write cron(0 2 ? * SUN *), for example"]);
        refuses("weekly", &["but found \"weekly\""]);
        refuses("CRON(0 2 ? * SUN *)", &["expected cron(...)"]);
        refuses("cron(0 2 ? * SUN *", &["expected cron(...)"]);
        refuses("at(2026-07-05T02:00:00)", &["single time", "`start`"]);
        refuses(&format!("cron({} 2 ? * SUN *)", "0,".repeat(150)), &["at most 256 characters", "found 318"]);
        refuses("cron()", &["six fields", "found 0"]);
        // Five fields are crontab's, where 0 and 7 are Sunday and 1 is Monday.
        for (crontab, meant) in [
            ("0 2 * * 0", "cron(0 2 ? * SUN *)"),
            ("0 2 * * 7", "cron(0 2 ? * SUN *)"),
            ("0 2 * * 1-5", "cron(0 2 ? * MON-FRI *)"),
            ("*/15 2 1,15 * *", "cron(*/15 2 1,15 * ? *)"),
            ("0 2 * * *", "cron(0 2 * * ? *)"),
            ("0 2 * * 5-7", "cron(0 2 ? * FRI-SAT,SUN *)"),
            ("0 2 1 * 1", "cron(0 2 ? * SUN *), for example"),
        ] {
            refuses(crontab, &["expected cron(...)", &format!("; write {meant}")]);
            refuses(&format!("cron({crontab})"), &["six fields", "found 5", &format!("; write {meant}")]);
        }
        // Seconds in front are another dialect's.
        refuses("cron(0 0 2 ? * SUN *)", &["six fields", "found 7", "write cron(0 2 ? * SUN *)"]);
        refuses("cron(0 30 4 ? * MON *)", &["found 7", "write cron(30 4 ? * MON *)"]);
        refuses("cron(0 0 2 ? * SUN)", &["`?`", "neither", "write cron(0 2 ? * SUN *)"]);
        refuses("cron(0 0 2 * * ?)", &["`?`", "neither", "write cron(0 2 * * ? *)"]);
        refuses("0 2 ? * SUN *", &["expected cron(...)", "write cron(0 2 ? * SUN *)"]);
        refuses("cron(0 2 * * SUN *)", &["`?`", "neither", "write cron(0 2 ? * SUN *)"]);
        refuses("cron(0 2 * * 2 *)", &["neither", "write cron(0 2 ? * MON *)"]);
        refuses("cron(0 2 * * * *)", &["neither", "write cron(0 2 * * ? *)"]);
        refuses("cron(0 2 1 * SUN *)", &["neither", "for example"]);
        refuses("cron(0 2 ? * ? *)", &["both", "write cron(0 2 * * ? *)"]);
    }

    #[test]
    fn rates_that_mean_nothing_are_refused() {
        for text in
            ["rate(0 days)", "rate(-1 days)", "rate(+1 days)", "rate(1.5 days)", "rate(days)", "rate(7days)", "rate()"]
        {
            refuses(text, &["positive whole number", "write rate(7 days)"]);
        }
        refuses("rate(1 month)", &["minutes, hours or days"]);
        refuses("rate(99999999999 days)", &["positive whole number"]);
        refuses("rate(30 seconds)", &["rate(1 minute) or longer"]);
        refuses("rate(2 weeks)", &["write rate(14 days)"]);
        refuses("rate(5 minute)", &["plural", "write rate(5 minutes)"]);
        refuses("rate(1828 days)", &["five years at most"]);
        assert!("rate(1827 days)".parse::<Recurrence>().is_ok());
    }

    #[test]
    fn it_travels_as_its_text() {
        let series = every(" cron(0 2 ? * SUN *) ");
        assert_eq!(series.to_string(), "cron(0 2 ? * SUN *)");
        assert_eq!(format!("{series:?}"), r#"Recurrence("cron(0 2 ? * SUN *)")"#);
        let json = serde_json::to_string(&series).expect("text");
        assert_eq!(json, r#""cron(0 2 ? * SUN *)""#);
        assert_eq!(serde_json::from_str::<Recurrence>(&json).expect("the same"), series);
        let problem = serde_json::from_str::<Recurrence>(r#""cron(0 2 ? * 0 *)""#).expect_err("refused").to_string();
        assert!(problem.contains("where 1 is SUN"), "{problem}");
    }

    #[test]
    fn a_text_may_be_as_long_as_a_schedule_expression_and_no_longer() {
        let padded = |length: usize| format!("rate(1{}day)", " ".repeat(length - "rate(1day)".len()));
        assert_eq!(every(&padded(TEXT_MAX)).as_str().len(), TEXT_MAX);
        assert!(padded(TEXT_MAX + 1).parse::<Recurrence>().expect_err("too long").contains("characters"));
    }

    #[test]
    fn what_only_looks_like_a_blank_or_a_hyphen_is_named() {
        refuses("cron(0\u{a0}2 ? * SUN *)", &["plain letters", "U+00A0"]);
        refuses("cron(0 2 ? * MON\u{2011}FRI *)", &["plain letters", "U+2011"]);
        refuses("\u{200b}rate(7 days)", &["plain letters", "U+200B"]);
        refuses("rate(7\tdays)", &["plain letters", "U+0009"]);
    }

    #[test]
    fn no_moment_of_the_calendar_is_too_early_or_too_late() {
        let edges = [Timestamp::MIN, at("0000-01-01T00:00:00Z"), at("2199-12-31T23:00:00Z"), Timestamp::MAX];
        for name in [UTC, LONDON, "Pacific/Apia", "Pacific/Kiritimati", "Africa/Monrovia"] {
            let zone = zone(name);
            for text in ["cron(0 2 * * ? *)", "cron(0 0 29 2 ? *)", "rate(1 minute)", "rate(1827 days)"] {
                let every = every(text);
                for moment in edges {
                    for anchor in edges {
                        let mut last = moment;
                        for next in every.after(moment, &zone, anchor).take(3) {
                            assert!(next.start > last, "{text} in {name} after {moment}: {next:?}");
                            last = next.start;
                        }
                        assert!(every.min_gap(moment, &zone, anchor).is_none_or(|gap| gap.is_positive()));
                    }
                }
            }
        }
        let utc = zone(UTC);
        assert_eq!(every("rate(1 minute)").after(Timestamp::MAX, &utc, Timestamp::MIN).next(), None);
        assert_eq!(every("rate(1 minute)").after(at(JULY), &utc, Timestamp::MAX).next(), None, "beyond the search");
    }

    /// Goal: no start is missed, invented, early or out of order, whatever the zone's clocks do.
    /// Method: step through more than a year of wall-clock quarters of an hour and ask a second, simpler matcher.
    #[test]
    fn every_time_that_exists_once_is_found_and_no_other_goes_unexplained() {
        type Matches = fn(civil::DateTime) -> bool;
        let series: [(&str, Matches); 6] = [
            ("cron(0 2 ? * SUN *)", |at| at.weekday() == civil::Weekday::Sunday && (at.hour(), at.minute()) == (2, 0)),
            ("cron(30 1 * * ? *)", |at| (at.hour(), at.minute()) == (1, 30)),
            ("cron(0/15 0-3 * * ? *)", |at| at.hour() < 4),
            ("cron(45 23 L * ? *)", |at| {
                at.day() == at.date().last_of_month().day() && (at.hour(), at.minute()) == (23, 45)
            }),
            ("cron(0,30 * ? 3,4,10 SAT,1 *)", |at| {
                matches!(at.weekday(), civil::Weekday::Saturday | civil::Weekday::Sunday)
                    && matches!(at.month(), 3 | 4 | 10)
                    && at.minute() % 30 == 0
            }),
            ("cron(15 0 ? * FRI#5 *)", |at| {
                at.weekday() == civil::Weekday::Friday && at.day() > 28 && (at.hour(), at.minute()) == (0, 15)
            }),
        ];
        let zones = [
            (LONDON, 2026),
            (NEW_YORK, 2026),
            ("Australia/Lord_Howe", 2026),
            ("Africa/Cairo", 2027),
            ("America/Sao_Paulo", 2018),
            ("Pacific/Apia", 2011),
            ("Asia/Kolkata", 2026),
        ];
        for (name, year) in zones {
            let zone = zone(name);
            let (from, to) = (civil::date(year, 1, 1).at(0, 0, 0, 0), civil::date(year + 1, 2, 1).at(0, 0, 0, 0));
            let moment = zone.to_timestamp(from.saturating_sub(SignedDuration::from_secs(1))).expect("a time");
            let end = zone.to_timestamp(to).expect("a time");
            for (text, matches) in series {
                let every = every(text);
                let found: Vec<Occurrence> =
                    every.after(moment, &zone, moment).take_while(|next| next.start < end).collect();
                let mut last = moment;
                for next in &found {
                    assert!(next.start > last, "{text} in {name}: {next:?} after {last}");
                    last = next.start;
                    let local = zone.to_datetime(next.start);
                    assert!(matches(local) || next.shifted.is_some(), "{text} in {name}: {next:?} at {local}");
                }
                let mut expected = BTreeSet::new();
                let mut local = from;
                while local < to {
                    if matches(local) {
                        expected.insert(match zone.to_ambiguous_timestamp(local).offset() {
                            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).expect("a time"),
                            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).expect("a time"),
                            // The first quarter of an hour that exists, found by walking.
                            AmbiguousOffset::Gap { .. } => {
                                let mut exists = local;
                                while zone.to_ambiguous_timestamp(exists).is_ambiguous() {
                                    exists = exists.saturating_add(SignedDuration::from_mins(15));
                                }
                                zone.to_timestamp(exists).expect("a time")
                            }
                        });
                    }
                    local = local.saturating_add(SignedDuration::from_mins(15));
                }
                let starts: Vec<Timestamp> = found.iter().map(|next| next.start).collect();
                assert_eq!(starts, expected.into_iter().collect::<Vec<_>>(), "{text} in {name}");
            }
        }
    }

    /// Goal: where we stand changes nothing but what is past. Method: ask anew every five minutes of a whole week
    /// around each change of the clocks, and compare with the series read in one go.
    #[test]
    fn the_same_series_is_seen_from_every_moment() {
        for (name, change) in [
            (LONDON, "2026-03-29T01:00:00Z"),
            (LONDON, "2026-10-25T01:00:00Z"),
            (NEW_YORK, "2026-03-08T07:00:00Z"),
            (NEW_YORK, "2026-11-01T06:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
            ("Africa/Cairo", "2027-04-29T22:00:00Z"),
            ("Africa/Cairo", "2027-10-28T21:00:00Z"),
            ("Pacific/Apia", "2011-12-30T10:00:00Z"),
        ] {
            let (zone, change) = (zone(name), at(change));
            let (from, to) = (change - SignedDuration::from_hours(84), change + SignedDuration::from_hours(84));
            for text in ["cron(0/10 * * * ? *)", "cron(30 0-2 * * ? *)", "cron(0 0 ? * SUN,FRI *)", "rate(7 hours)"] {
                let every = every(text);
                let all: Vec<Occurrence> = every.after(from, &zone, from).take(1200).collect();
                let mut moment = from;
                while moment < to {
                    let expected = all.iter().find(|next| next.start > moment);
                    assert_eq!(every.after(moment, &zone, from).next().as_ref(), expected, "{text}, {name}, {moment}");
                    moment += SignedDuration::from_mins(5);
                }
            }
        }
    }
}
