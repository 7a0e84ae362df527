//! Reading times and durations as people write them, and writing them for people.
//!
//! Pure: the clock is read in `main`.

use jiff::{
    SignedDuration, Span, SpanRelativeTo, Timestamp, Unit, civil,
    tz::{AmbiguousOffset, TimeZone},
};

/// Reads an instant: RFC 3339 with an offset, RFC 9557 (`2026-12-06T02:00[Europe/London]`), or a local time of `zone`.
///
/// # Errors
/// A sentence saying what was expected; a local time that does not exist or occurs twice is refused, naming the
/// instants it could mean.
pub fn instant(text: &str, zone: Option<&TimeZone>) -> Result<Timestamp, String> {
    if let Some((local, annotation)) = text.split_once('[') {
        let name = annotation.trim_end_matches(']');
        let zone = time_zone(name)?;
        return match local.parse::<Timestamp>() {
            Ok(instant) => agreeing(text, instant, local, &zone),
            Err(_) => local_instant(local, &zone),
        };
    }
    match (text.parse::<Timestamp>(), zone) {
        (Ok(instant), _) => Ok(instant),
        (Err(_), Some(zone)) => local_instant(text, zone),
        (Err(_), None) if text.parse::<civil::DateTime>().is_ok() => Err(format!(
            "expected a time with an offset (2026-12-06T02:00:00Z), with a zone (2026-12-06T02:00[Europe/London]), or a \
             `timezone` beside it, but found {text:?}, which could be anywhere"
        )),
        (Err(_), None) => Err(format!("expected a time such as 2026-12-06T02:00:00Z, but found {text:?}")),
    }
}

/// Reads an IANA time zone's name from the database the program carries.
///
/// # Errors
/// A sentence saying what was expected.
pub fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| format!("expected an IANA time zone such as Europe/London, but found {name:?}"))
}

/// Reads a positive duration: ISO 8601 (`PT2H30M`) or friendly (`2h 30m`); a day is 24 hours.
///
/// # Errors
/// A sentence saying what was expected.
pub fn duration(text: &str) -> Result<SignedDuration, String> {
    let expected = || format!("expected a duration such as PT2H30M or 2h 30m, but found {text:?}");
    let span: Span = text.parse().map_err(|_| expected())?;
    if span.get_months() != 0 || span.get_years() != 0 {
        return Err(format!("expected a duration in weeks, days, hours, minutes or seconds, but found {text:?}"));
    }
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| expected())?;
    if duration <= SignedDuration::ZERO {
        return Err(format!("expected a duration longer than nothing, but found {text:?}"));
    }
    Ok(duration)
}

/// An instant in UTC to the second: `2026-12-06 02:00:00 UTC`.
#[must_use]
pub fn utc(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// An instant for people: in UTC, and in the window's own zone where it has one.
#[must_use]
pub fn spoken(instant: Timestamp, zone: Option<&str>) -> String {
    // Windows are mostly booked to the minute, and a phone shows some forty characters.
    let clock = if instant.as_second() % 60 == 0 { "%H:%M" } else { "%H:%M:%S" };
    let utc = instant.strftime(&format!("%a %-d %b %Y {clock} UTC")).to_string();
    let local = zone.filter(|name| *name != "UTC").and_then(|name| TimeZone::get(name).ok().map(|zone| (name, zone)));
    match local {
        None => utc,
        Some((name, zone)) => {
            let local = instant.to_zoned_datetime(zone);
            format!("{utc} ({} in {name})", local.strftime(&format!("%a {clock}")))
        }
    }
}

/// A duration for people, to the second: `2h 30m`.
#[must_use]
pub fn spoken_duration(duration: SignedDuration) -> String {
    let secs = duration.as_secs();
    let parts: Vec<String> = [(secs / 86_400, "d"), (secs / 3600 % 24, "h"), (secs / 60 % 60, "m"), (secs % 60, "s")]
        .iter()
        .filter(|(count, _)| *count != 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// A duration for people who wait: to the minute from two minutes on.
#[must_use]
pub fn roughly(duration: SignedDuration) -> String {
    let minutes = jiff::SignedDurationRound::new().smallest(Unit::Minute);
    let long = duration >= SignedDuration::from_mins(2);
    spoken_duration(if long { duration.round(minutes).unwrap_or(duration) } else { duration })
}

/// The instant without its fraction: EventBridge Scheduler knows none, and a record must come back as it was written.
#[must_use]
pub fn whole_second(instant: Timestamp) -> Timestamp {
    instant.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Floor)).unwrap_or(instant)
}

/// The full minute after next.
#[must_use]
pub fn next_minute(instant: Timestamp) -> Timestamp {
    let minute = jiff::TimestampRound::new().smallest(Unit::Minute).mode(jiff::RoundMode::Floor);
    instant.round(minute).unwrap_or(instant) + SignedDuration::from_secs(120)
}

fn agreeing(text: &str, instant: Timestamp, local: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let offset = zone.to_offset(instant);
    let written: Option<civil::DateTime> = local.parse().ok();
    if local.ends_with(['Z', 'z']) || written == Some(offset.to_datetime(instant)) {
        return Ok(instant);
    }
    Err(format!("expected the offset and the zone of {text:?} to agree, but the zone's offset is {offset} then"))
}

fn local_instant(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let local: civil::DateTime =
        text.parse().map_err(|_| format!("expected a local time such as 2026-12-06T02:00, but found {text:?}"))?;
    if !text.contains([':']) {
        return Err(format!("expected a date and a time such as 2026-12-06T02:00, but found only a date: {text:?}"));
    }
    let name = zone.iana_name().unwrap_or("its zone");
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let (why, before, after) = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => {
            return ambiguous
                .unambiguous()
                .map_err(|_| format!("expected a time this calendar holds, but found {text:?}"));
        }
        AmbiguousOffset::Gap { before, after } => ("does not exist", before, after),
        AmbiguousOffset::Fold { before, after } => ("occurs twice", before, after),
    };
    let candidates: Vec<String> = [before, after]
        .iter()
        .filter_map(|offset| offset.to_timestamp(local).ok())
        .map(|instant| instant.to_string())
        .collect();
    Err(format!(
        "{text} {why} in {name}, where the clocks change; write the instant you mean: {}",
        candidates.join(" or ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(text: &str, zone: Option<&str>, expected: &str) {
        let zone = zone.map(|name| time_zone(name).expect("a zone"));
        assert_eq!(instant(text, zone.as_ref()).expect(text).to_string(), expected);
    }

    #[track_caller]
    fn refuses(text: &str, zone: Option<&str>, parts: &[&str]) {
        let zone = zone.map(|name| time_zone(name).expect("a zone"));
        let problem = instant(text, zone.as_ref()).expect_err(text);
        for part in parts {
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn every_form_of_a_time_is_read() {
        reads("2026-12-06T02:00:00Z", None, "2026-12-06T02:00:00Z");
        reads("2026-12-06T02:00+01:00", None, "2026-12-06T01:00:00Z");
        reads("2026-12-06T02:00+01:00", Some("America/New_York"), "2026-12-06T01:00:00Z");
        reads("2026-07-06T02:00[Europe/London]", None, "2026-07-06T01:00:00Z");
        reads("2026-07-06T02:00+01:00[Europe/London]", None, "2026-07-06T01:00:00Z");
        reads("2026-07-06T02:00Z[Europe/London]", None, "2026-07-06T02:00:00Z");
        reads("2026-07-06T02:00", Some("Europe/London"), "2026-07-06T01:00:00Z");
        reads("2028-02-29T02:00:00Z", None, "2028-02-29T02:00:00Z");
    }

    #[test]
    fn unclear_times_are_refused_with_what_they_could_mean() {
        refuses("2026-12-06T02:00", None, &["timezone", "anywhere"]);
        refuses("2026-12-06", Some("Europe/London"), &["only a date"]);
        refuses("2026-12-06", None, &["expected a time"]);
        refuses("tomorrow", None, &["expected a time such as"]);
        refuses("tomorrow", Some("Europe/London"), &["expected a local time"]);
        refuses("2026-02-29T02:00:00Z", None, &["expected a time"]);
        refuses("2026-07-06T02:00+02:00[Europe/London]", None, &["agree", "+01"]);
        refuses("2026-07-06T02:00[Europe/Lodnon]", None, &["IANA time zone"]);
        // Clocks go forward on 29 March 2026 at 01:00 UTC, back on 25 October 2026 at 01:00 UTC.
        refuses(
            "2026-03-29T01:30",
            Some("Europe/London"),
            &["does not exist", "2026-03-29T01:30:00Z or 2026-03-29T00:30:00Z"],
        );
        refuses(
            "2026-10-25T01:30[Europe/London]",
            None,
            &["occurs twice", "2026-10-25T00:30:00Z or 2026-10-25T01:30:00Z"],
        );
    }

    #[test]
    fn durations_are_read_in_both_styles_and_must_be_positive() {
        for (text, minutes) in [("PT2H30M", 150), ("2h 30m", 150), ("90m", 90), ("P1D", 1440), ("1 day", 1440)] {
            assert_eq!(duration(text), Ok(SignedDuration::from_mins(minutes)), "{text}");
        }
        for bad in ["", "2", "PT0S", "-PT1H", "P1M", "soon"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        for calendar in ["P1M", "P1Y", "1 month", "P1Y1M"] {
            assert!(duration(calendar).expect_err(calendar).contains("weeks, days"), "{calendar}");
        }
    }

    #[test]
    fn people_read_utc_and_their_own_time() {
        let at = "2026-07-06T01:00:00Z".parse().expect("valid");
        assert_eq!(spoken(at, None), "Mon 6 Jul 2026 01:00 UTC");
        assert_eq!(spoken(at, Some("UTC")), "Mon 6 Jul 2026 01:00 UTC");
        assert_eq!(spoken(at, Some("Europe/London")), "Mon 6 Jul 2026 01:00 UTC (Mon 02:00 in Europe/London)");
        assert_eq!(utc(at), "2026-07-06 01:00:00 UTC");
        let second = at + SignedDuration::from_secs(1);
        assert_eq!(
            spoken(second, Some("Europe/London")),
            "Mon 6 Jul 2026 01:00:01 UTC (Mon 02:00:01 in Europe/London)"
        );
        assert_eq!(spoken_duration(SignedDuration::from_secs(9000)), "2h 30m");
        assert_eq!(spoken_duration(SignedDuration::from_secs(90_061)), "1d 1h 1m 1s");
        assert_eq!(spoken_duration(SignedDuration::ZERO), "0s");
        for (secs, told) in [(119, "1m 59s"), (120, "2m"), (3594, "1h"), (5430, "1h 31m")] {
            assert_eq!(roughly(SignedDuration::from_secs(secs)), told);
        }
    }

    #[test]
    fn a_fraction_of_a_second_is_dropped_downwards() {
        let at: Timestamp = "2026-07-06T01:00:00.999Z".parse().expect("valid");
        assert_eq!(whole_second(at).to_string(), "2026-07-06T01:00:00Z");
        assert_eq!(next_minute(at).to_string(), "2026-07-06T01:02:00Z");
    }
}
