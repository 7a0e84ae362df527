//! A time as an event says it, before the zone is known that it is read in.
//!
//! An event may leave the zone to the window or series it is about, which only the table knows.
//!
//! Pure: the moment is an argument.

use jiff::{
    Timestamp, civil,
    tz::{AmbiguousOffset, TimeZone},
};

use super::time;

/// A time as an event says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrittenTime {
    /// An instant.
    At(Timestamp),
    /// A date and a time as the event says them, without a zone.
    Local(String),
    /// The next time that a clock on the wall shows this.
    Clock {
        /// As the event says it.
        text: String,
        /// What the clock shows.
        shows: civil::Time,
        /// Where the clock is, if the event says so.
        zone: Option<TimeZone>,
    },
}

impl WrittenTime {
    /// Reads what [`time::instant`] reads, the same without a zone, or a time of day: `04:00`, `4:00`, `04:00:00`, with
    /// an offset or a zone behind it or without. `zone` is the event's own.
    ///
    /// # Errors
    /// As [`time::instant`].
    pub fn read(text: &str, zone: Option<&TimeZone>) -> Result<Self, String> {
        if let Some((digits, place)) = clock(text) {
            let place = time::place(place)?;
            let shows = of_day(digits).ok_or_else(|| {
                format!("expected a time of day from 00:00 to 23:59, but found {}", time::quoted(text))
            })?;
            return Ok(Self::Clock { text: text.to_owned(), shows, zone: place.or_else(|| zone.cloned()) });
        }
        if zone.is_none() && time::has_no_place(text) {
            return Ok(Self::Local(text.to_owned()));
        }
        time::instant(text, zone).map(time::whole_second).map(Self::At)
    }

    /// The instant that is meant: read in `zone` unless the event names a place; a time of day is the next one after
    /// `after`.
    ///
    /// # Errors
    /// A sentence, if no zone is known, or as [`time::instant`].
    pub fn resolve(&self, zone: Option<&TimeZone>, after: Timestamp) -> Result<Timestamp, String> {
        match self {
            Self::At(instant) => Ok(*instant),
            Self::Local(text) => time::instant(text, zone).map(time::whole_second),
            Self::Clock { text, shows, zone: own } => match own.as_ref().or(zone) {
                Some(zone) => next(text, *shows, zone, after),
                None => Err(format!(
                    "expected a time of day with an offset (04:00Z), {}, but found {}, which could be anywhere",
                    time::ZONE_BESIDE,
                    time::quoted(text)
                )),
            },
        }
    }
}

/// A time of day and the place behind it.
fn clock(text: &str) -> Option<(&str, &str)> {
    let place = time::either(text, &["00:00:00", "0:00:00", "00:00", "0:00"])?;
    (place.is_empty() || time::is_place(place)).then(|| text.split_at(text.len() - place.len()))
}

fn of_day(digits: &str) -> Option<civil::Time> {
    let mut parts = digits.split(':').map(|part| part.parse::<i8>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    civil::Time::new(hours, minutes, seconds, 0).ok()
}

/// The next instant after `after` at which a clock in `zone` shows a time.
///
/// Where the clocks skip it or show it twice on the day it comes next, it is refused as any local time is, unless only
/// one of the instants lies ahead.
fn next(text: &str, shows: civil::Time, zone: &TimeZone, after: Timestamp) -> Result<Timestamp, String> {
    let mut day = zone.to_datetime(after).date();
    // Today's may have passed; tomorrow's is ahead wherever the clocks go.
    for _ in 0..3 {
        let local = day.to_datetime(shows);
        let ambiguous = zone.to_ambiguous_timestamp(local);
        let (offsets, is_skipped) = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } => (vec![offset], false),
            AmbiguousOffset::Gap { before, after } => (vec![before, after], true),
            AmbiguousOffset::Fold { before, after } => (vec![before, after], false),
        };
        let instants = offsets.iter().filter_map(|offset| offset.to_timestamp(local).ok());
        let ahead: Vec<Timestamp> = instants.filter(|instant| *instant > after).collect();
        match ahead.as_slice() {
            [] => {}
            [only] if !is_skipped => return Ok(*only),
            _ => return time::local_instant(&format!("{text} on {day}"), local, zone),
        }
        let Ok(tomorrow) = day.tomorrow() else { break };
        day = tomorrow;
    }
    Err(time::beyond_the_calendar(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str, own: Option<&str>, zone: Option<&str>, after: &str) -> Result<String, String> {
        let named = |name: &str| time::time_zone(name).expect("a zone");
        let after = after.parse().expect("an instant");
        let written = WrittenTime::read(text, own.map(named).as_ref())?;
        written.resolve(zone.map(named).as_ref(), after).map(|instant| instant.to_string())
    }

    #[test]
    fn a_time_without_a_zone_waits_for_one_and_the_events_own_wins() {
        let (london, tokyo) = (Some("Europe/London"), Some("Asia/Tokyo"));
        let after = "2026-07-06T00:00:00Z";
        for (text, own, zone, expected) in [
            ("2026-07-07T02:00", None, london, "2026-07-07T01:00:00Z"),
            ("20260707T0200", None, london, "2026-07-07T01:00:00Z"),
            ("2026-07-07T02:00[u-ca=gregory]", None, london, "2026-07-07T01:00:00Z"),
            ("2026-07-07T02:00", tokyo, london, "2026-07-06T17:00:00Z"),
            ("2026-07-07T02:00Z", None, london, "2026-07-07T02:00:00Z"),
            ("04:00", None, london, "2026-07-06T03:00:00Z"),
            ("4:00", None, london, "2026-07-06T03:00:00Z"),
            ("04:00:30", None, london, "2026-07-06T03:00:30Z"),
            ("04:00", tokyo, london, "2026-07-06T19:00:00Z"),
            ("04:00Z", tokyo, london, "2026-07-06T04:00:00Z"),
            ("4:00+02:00", None, None, "2026-07-06T02:00:00Z"),
            ("04:00[Asia/Tokyo]", None, london, "2026-07-06T19:00:00Z"),
        ] {
            assert_eq!(resolved(text, own, zone, after).as_deref(), Ok(expected), "{text} {own:?}");
        }
        for text in ["04:00", "2026-07-07T02:00"] {
            assert!(resolved(text, None, None, after).expect_err(text).contains("anywhere"), "{text}");
        }
    }

    #[test]
    fn a_time_of_day_is_the_next_one() {
        let london = Some("Europe/London");
        for (after, expected) in [
            ("2026-12-06T03:59:59Z", "2026-12-06T04:00:00Z"),
            ("2026-12-06T04:00:00Z", "2026-12-07T04:00:00Z"),
            ("2026-12-06T23:30:00Z", "2026-12-07T04:00:00Z"),
        ] {
            assert_eq!(resolved("04:00", None, london, after).as_deref(), Ok(expected), "{after}");
        }
    }

    #[test]
    fn a_time_of_day_that_is_skipped_or_shown_twice_is_refused_with_what_it_could_mean() {
        let london = Some("Europe/London");
        // Clocks go forward on 29 March 2026 at 01:00 UTC, back on 25 October 2026 at 01:00 UTC.
        let skipped = resolved("01:30", None, london, "2026-03-28T12:00:00Z").expect_err("skipped");
        assert!(skipped.contains("01:30 on 2026-03-29 does not exist"), "{skipped}");
        // One of the two instants that it could mean has passed; that it never was shown stays true.
        let skipped = resolved("01:30", None, london, "2026-03-29T00:45:00Z").expect_err("skipped");
        assert!(skipped.contains("01:30 on 2026-03-29 does not exist"), "{skipped}");
        let twice = resolved("01:30", None, london, "2026-10-24T12:00:00Z").expect_err("twice");
        assert!(twice.contains("occurs twice") && twice.contains("2026-10-25T00:30:00Z or"), "{twice}");
        for (after, expected) in [
            ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
            ("2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"),
            ("2026-03-29T02:00:00Z", "2026-03-30T00:30:00Z"),
        ] {
            assert_eq!(resolved("01:30", None, london, after).as_deref(), Ok(expected), "{after}");
        }
    }

    #[test]
    fn what_is_no_time_of_day_is_refused() {
        for text in ["24:00", "4:60", "04:00:60", "4", "04:0", "04:00 Z", "04:00+1:00", "04:00[", "04:00[u-ca=gregory]"]
        {
            assert!(WrittenTime::read(text, None).expect_err(text).starts_with("expected"), "{text}");
        }
        let after = Timestamp::MAX;
        let written = WrittenTime::read("04:00Z", None).expect("a time of day");
        assert!(written.resolve(None, after).expect_err("the last day").contains("beyond it"));
    }
}
