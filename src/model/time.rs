//! Reading times and durations as people write them, and writing them for people.
//!
//! Pure: the clock is read in `main`.

use jiff::{
    RoundMode, SignedDuration, SignedDurationRound, Span, SpanRelativeTo, Timestamp, TimestampRound, Unit, civil,
    tz::{AmbiguousOffset, Offset, TimeZone},
};

use super::lookalikes;

/// How much of a text is shown to the person who sent it, in characters.
const SHOWN_MAX: usize = 100;

/// Names in the time zone database that stand for no zone: those of a computer that was never set up.
const NO_ZONES: [&str; 2] = ["Etc/Unknown", "Factory"];

/// Reads an instant: RFC 3339 with an offset, RFC 9557 (`2026-12-06T02:00[Europe/London]`), or a local time of `zone`;
/// with hyphens and colons or without (`20261206T020000Z`).
///
/// # Errors
/// A sentence saying what was expected; a local time that does not exist or occurs twice is refused, naming the
/// instants it could mean.
pub fn instant(text: &str, zone: Option<&TimeZone>) -> Result<Timestamp, String> {
    let Some(Parts { local, offset, annotations }) = parts(text) else { return Err(misshapen(text)) };
    let annotated = annotations_zone(annotations, text)?;
    let local: civil::DateTime =
        local.parse().map_err(|_| format!("expected a date and a time that exist, but found {}", quoted(text)))?;
    let zone = annotated.as_ref().or(zone);
    let Some(written) = offset else {
        return match zone {
            Some(zone) => local_instant(text, local, zone),
            None => Err(format!(
                "expected a time with an offset (2026-12-06T02:00:00Z), with a zone (2026-12-06T02:00[Europe/London]), \
                 {ZONE_BESIDE}, but found {}, which could be anywhere",
                quoted(text)
            )),
        };
    };
    let instant = offset_of(written)
        .ok_or_else(|| format!("expected an offset such as +01:00, but found {written:?} in {}", quoted(text)))?
        .to_timestamp(local)
        .map_err(|_| beyond_the_calendar(text))?;
    let in_zone = annotated.map(|zone| zone.to_offset(instant));
    match in_zone {
        Some(in_zone) if !written.eq_ignore_ascii_case("z") && in_zone.to_datetime(instant) != local => Err(format!(
            "expected the offset and the zone of {} to agree, but the zone's offset is {in_zone} then",
            quoted(text)
        )),
        _ => Ok(instant),
    }
}

/// What the refusal of a time says that has no place and finds none in its event.
pub(super) const ZONE_BESIDE: &str = "or a `timezone` beside it";

/// Reads an IANA time zone's name from the database the program carries.
///
/// # Errors
/// A sentence saying what was expected.
pub fn time_zone(name: &str) -> Result<TimeZone, String> {
    let unknown = || format!("expected an IANA time zone such as Europe/London, but found {}", quoted(name));
    if NO_ZONES.iter().any(|none| none.eq_ignore_ascii_case(name)) {
        return Err(format!("{}, which is no place", unknown()));
    }
    TimeZone::get(name).map_err(|_| unknown())
}

/// Reads a positive duration: ISO 8601 (`PT2H30M`) or friendly (`2h 30m`); a day is 24 hours.
///
/// # Errors
/// A sentence saying what was expected.
pub fn duration(text: &str) -> Result<SignedDuration, String> {
    let expected = || format!("expected a duration such as PT2H30M or 2h 30m, but found {}", quoted(text));
    let too_long =
        || format!("expected a duration that a calendar holds, but found {}, which is too long", quoted(text));
    if text.starts_with('+') {
        return Err(expected());
    }
    let span: Span = text.parse().map_err(|_| if is_too_long(text) { too_long() } else { expected() })?;
    if span.get_months() != 0 || span.get_years() != 0 {
        return Err(format!(
            "expected a duration in weeks, days, hours, minutes or seconds, but found {}",
            quoted(text)
        ));
    }
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| too_long())?;
    if duration <= SignedDuration::ZERO {
        return Err(format!("expected a duration longer than nothing, but found {}", quoted(text)));
    }
    Ok(duration)
}

/// A text in quotation marks, shortened if it is long, with what looks like something else named: look-alike hyphens
/// and blanks that cannot be seen come with what is pasted from documents and chats.
#[must_use]
pub fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN_MAX).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    match lookalikes::named(text) {
        None => format!("{shown:?}{more}"),
        Some(odd) => format!("{shown:?}{more}, which holds {odd}"),
    }
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
    let secs = duration.as_secs().unsigned_abs();
    let parts: Vec<String> = [(secs / 86_400, "d"), (secs / 3600 % 24, "h"), (secs / 60 % 60, "m"), (secs % 60, "s")]
        .iter()
        .filter(|(count, _)| *count != 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    match parts.as_slice() {
        [] => "0s".to_owned(),
        parts if duration.is_negative() => format!("minus {}", parts.join(" ")),
        parts => parts.join(" "),
    }
}

/// A duration for people who wait: to the minute from two minutes on.
#[must_use]
pub fn roughly(duration: SignedDuration) -> String {
    let minutes = SignedDurationRound::new().smallest(Unit::Minute);
    let long = duration >= SignedDuration::from_mins(2);
    spoken_duration(if long { duration.round(minutes).unwrap_or(duration) } else { duration })
}

/// The instant to the millisecond: people read it in the table, and nobody needs more.
#[must_use]
pub fn millisecond(instant: Timestamp) -> Timestamp {
    floor(instant, Unit::Millisecond)
}

/// The instant without its fraction: EventBridge Scheduler knows none, and a time must come back as it was written.
#[must_use]
pub fn whole_second(instant: Timestamp) -> Timestamp {
    floor(instant, Unit::Second)
}

fn floor(instant: Timestamp, unit: Unit) -> Timestamp {
    instant.round(TimestampRound::new().smallest(unit).mode(RoundMode::Floor)).unwrap_or(instant)
}

/// The instant so much later, or earlier; the first or the last there is, where the calendar ends. Moments of the table
/// may be anything, since people may edit it.
#[must_use]
pub fn shifted(instant: Timestamp, by: SignedDuration) -> Timestamp {
    instant.saturating_add(by).unwrap_or(instant)
}

/// The full minute after next; the last instant there is, where the calendar ends.
#[must_use]
pub fn minute_after_next(instant: Timestamp) -> Timestamp {
    shifted(floor(instant, Unit::Minute), SignedDuration::from_mins(2))
}

/// A time's text, taken apart.
struct Parts<'a> {
    local: &'a str,
    offset: Option<&'a str>,
    annotations: &'a str,
}

/// Takes a text apart if it has the shape of a time; none of its numbers has been looked at then.
///
/// The pattern of times in `schemas/event.json` says the same, and a test holds the two against each other.
fn parts(text: &str) -> Option<Parts<'_>> {
    let rest = either(text, &["0000-00-00", "00000000"])?.strip_prefix(['T', 't', ' '])?;
    let rest = match either(rest, &["00:00:00", "000000"]) {
        Some(rest) => rest.strip_prefix('.').map_or(Some(rest), |fraction| {
            let rest = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
            (1..=9).contains(&(fraction.len() - rest.len())).then_some(rest)
        })?,
        None => either(rest, &["00:00", "0000"])?,
    };
    let (local, _) = text.split_at(text.len() - rest.len());
    let annotations = match rest.strip_prefix(['Z', 'z']) {
        Some(annotations) => annotations,
        None => offset_end(rest).unwrap_or(rest),
    };
    let (offset, _) = rest.split_at(rest.len() - annotations.len());
    let offset = Some(offset).filter(|offset| !offset.is_empty());
    (annotations.is_empty() || annotations.starts_with('[') && annotations.ends_with(']')).then_some(Parts {
        local,
        offset,
        annotations,
    })
}

/// Whether a text is a date and a time that exist, without an offset or a zone.
#[must_use]
pub(super) fn has_no_place(text: &str) -> bool {
    parts(text).is_some_and(|Parts { local, offset, annotations }| {
        let has_zone = annotations_zone(annotations, text).map_or(true, |zone| zone.is_some());
        offset.is_none() && !has_zone && local.parse::<civil::DateTime>().is_ok()
    })
}

/// Whether a text looks like an offset, or like one zone in brackets.
#[must_use]
pub(super) fn is_place(text: &str) -> bool {
    let zone = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    matches!(text, "Z" | "z")
        || offset_end(text) == Some("")
        || zone.is_some_and(|zone| !zone.contains(['[', ']', '=']))
}

/// The zone that an offset or one zone in brackets stands for; none for no text.
pub(super) fn place(text: &str) -> Result<Option<TimeZone>, String> {
    if text.is_empty() || text.starts_with('[') {
        return annotations_zone(text, text);
    }
    let offset =
        offset_of(text).ok_or_else(|| format!("expected an offset such as +01:00, but found {}", quoted(text)))?;
    Ok(Some(TimeZone::fixed(offset)))
}

/// What follows the offset that a text begins with.
fn offset_end(text: &str) -> Option<&str> {
    either(text.strip_prefix(['+', '-'])?, &["00:00", "0000", "00"])
}

/// What follows the first of the patterns that fits the text's beginning; a zero stands for any digit.
pub(super) fn either<'a>(text: &'a str, patterns: &[&str]) -> Option<&'a str> {
    patterns.iter().find_map(|pattern| {
        let (head, rest) = text.split_at_checked(pattern.len())?;
        let fits = |(found, wanted): (u8, u8)| found == wanted || wanted == b'0' && found.is_ascii_digit();
        head.bytes().zip(pattern.bytes()).all(fits).then_some(rest)
    })
}

/// The offset that a text of its shape stands for: `Z`, `+01:00`, `+0100` or `+01`.
pub(crate) fn offset_of(text: &str) -> Option<Offset> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = digits.split_at_checked(2).unwrap_or(("0", ""));
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, format!("0{minutes}").parse().ok()?);
    let secs = (minutes < 60).then_some(hours * 3600 + minutes * 60)?;
    Offset::from_seconds(if text.starts_with('-') { -secs } else { secs }).ok()
}

/// The zone in the brackets behind a time. A calendar may follow, as programs write it: `[u-ca=gregory]`. Whoever
/// cannot take something else marks it with `!`, and nothing else is taken here anyway.
fn annotations_zone(annotations: &str, text: &str) -> Result<Option<TimeZone>, String> {
    let Some(inside) = annotations.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else { return Ok(None) };
    let mut parts = inside.split("][").map(|part| part.strip_prefix('!').unwrap_or(part)).peekable();
    let zone = match parts.next_if(|part| !part.contains('=')) {
        None => None,
        Some(name) if name.starts_with(['+', '-']) => {
            let offset = offset_of(name).filter(|_| offset_end(name) == Some(""));
            let offset =
                offset.ok_or_else(|| format!("expected an offset such as +01:00, but found {}", quoted(name)))?;
            Some(TimeZone::fixed(offset))
        }
        Some(name) => Some(time_zone(name)?),
    };
    match (parts.next(), parts.next()) {
        (None | Some("u-ca=gregory" | "u-ca=iso8601"), None) => Ok(zone),
        _ => Err(format!("expected a zone and at most [u-ca=gregory] in brackets, but found {}", quoted(text))),
    }
}

/// What is wrong with a text that does not have the shape of a time.
fn misshapen(text: &str) -> String {
    let found = quoted(text);
    let since_1970 = |timestamp: Result<Timestamp, jiff::Error>, unit: &str| {
        let written = timestamp.map(|timestamp| format!("; if it counts {unit} since 1970, write {timestamp}"));
        format!("expected a time such as 2026-12-06T02:00:00Z, but found {found}{}", written.unwrap_or_default())
    };
    match text.parse::<i64>() {
        Ok(number) if (9..=10).contains(&text.len()) => return since_1970(Timestamp::from_second(number), "seconds"),
        Ok(number) if text.len() == 13 => return since_1970(Timestamp::from_millisecond(number), "milliseconds"),
        _ => {}
    }
    if text.matches('[').count() != text.matches(']').count() {
        return format!("expected as many [ as ], as in 2026-12-06T02:00[Europe/London], but found {found}");
    }
    if either(text, &["0000-00-00", "00000000"]) == Some("") {
        return format!("expected a date and a time such as 2026-12-06T02:00:00Z, but found only a date: {found}");
    }
    format!("expected a time such as 2026-12-06T02:00:00Z, but found {found}")
}

pub(super) fn beyond_the_calendar(text: &str) -> String {
    format!("expected a time that the calendar holds, but found {}, which is beyond it", quoted(text))
}

/// Whether a text would be a duration if its numbers were smaller.
fn is_too_long(text: &str) -> bool {
    let mut small = String::new();
    for character in text.chars().map(|character| if character.is_ascii_digit() { '1' } else { character }) {
        if !(character == '1' && small.ends_with('1')) {
            small.push(character);
        }
    }
    small.parse::<Span>().is_ok()
}

/// The instant at which a clock on the wall of `zone` shows a time.
pub(super) fn local_instant(text: &str, local: civil::DateTime, zone: &TimeZone) -> Result<Timestamp, String> {
    let name = zone.iana_name().unwrap_or("its zone");
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let (why, before, after) = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => return ambiguous.unambiguous().map_err(|_| beyond_the_calendar(text)),
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
        refuses("2026-12-06", None, &["only a date"]);
        refuses("20261206", None, &["but found only a date: \"20261206\""]);
        refuses("tomorrow", None, &["expected a time such as"]);
        refuses("tomorrow", Some("Europe/London"), &["expected a time such as"]);
        refuses("2026-02-29T02:00:00Z", None, &["that exist"]);
        refuses("2026-12-06T02:00:00+01:60", None, &["an offset", "+01:60"]);
        refuses("2026-12-06T02:00:00-26:00", None, &["an offset", "-26:00"]);
        refuses("2026-12-06T02:00+01:00:00", None, &["expected a time such as"]);
        refuses("+002026-12-06T02:00Z", None, &["expected a time such as"]);
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
    fn times_are_read_as_programs_write_them() {
        for (text, expected) in [
            ("20261206T020000Z", "2026-12-06T02:00:00Z"),
            ("20261206T0200+0100", "2026-12-06T01:00:00Z"),
            ("20261206T0200-05", "2026-12-06T07:00:00Z"),
            ("20260706T020000[Europe/London]", "2026-07-06T01:00:00Z"),
            ("2026-12-06t02:00:00z", "2026-12-06T02:00:00Z"),
            ("2026-12-06 02:00:00.5z", "2026-12-06T02:00:00.5Z"),
            ("2026-07-06T02:00+01:00[Europe/London][u-ca=gregory]", "2026-07-06T01:00:00Z"),
            ("2026-07-06T02:00[!Europe/London][!u-ca=iso8601]", "2026-07-06T01:00:00Z"),
            ("2026-12-06T02:00Z[u-ca=gregory]", "2026-12-06T02:00:00Z"),
            ("2026-12-06T02:00[+01:00]", "2026-12-06T01:00:00Z"),
            ("2026-12-06T02:00[!-0530]", "2026-12-06T07:30:00Z"),
            ("2026-12-06T02:00+01:00[+01]", "2026-12-06T01:00:00Z"),
            ("2026-12-06T02:00[europe/london]", "2026-12-06T02:00:00Z"),
        ] {
            reads(text, None, expected);
        }
        reads("2026-07-06T02:00[u-ca=gregory]", Some("Europe/London"), "2026-07-06T01:00:00Z");
        reads("20260706t0200", Some("Europe/London"), "2026-07-06T01:00:00Z");
        refuses("2026-07-06T02:00[u-ca=gregory]", None, &["anywhere"]);
        refuses("2026-12-06T02:00+02:00[+01:00]", None, &["agree", "+01"]);
        refuses("2026-12-06T02:00Z[u-ca=hebrew]", None, &["at most [u-ca=gregory]"]);
        refuses("2026-12-06T02:00Z[u-ca=gregory][Europe/London]", None, &["at most [u-ca=gregory]"]);
        refuses("2026-12-06T02:00[Europe/London][Europe/Paris]", None, &["at most [u-ca=gregory]"]);
        refuses("2026-12-06T02:00[+1:00]", None, &["an offset", "+1:00"]);
        refuses("2026-12-06T02:00[+01:00:00]", None, &["an offset"]);
        refuses("2026-12-06T02:00[]", None, &["IANA time zone"]);
    }

    #[test]
    fn what_was_lost_in_pasting_is_named() {
        for text in ["2026-12-06T02:00[Europe/London", "2026-12-06T02:00Europe/London]", "2026-12-06T02:00Z["] {
            refuses(text, None, &["as many [ as ]"]);
        }
        refuses("1796522400", None, &["seconds since 1970", "write 2026-12-06T02:00:00Z"]);
        refuses("1796522400000", Some("Europe/London"), &["milliseconds since 1970", "write 2026-12-06T02:00:00Z"]);
        refuses("20261206020000", None, &["expected a time such as"]);
        for (text, odd) in [
            ("2026\u{2010}12-06T02:00Z", "U+2010"),
            ("2026\u{2011}12-06T02:00Z", "U+2011"),
            ("2026-12\u{2012}06T02:00Z", "U+2012"),
            ("2026-12\u{2013}06T02:00Z", "U+2013"),
            ("2026-12-06T02:00\u{2014}05:00", "U+2014"),
            ("2026-12-06T02:00\u{2015}05:00", "U+2015"),
            ("2026-12-06T02:00\u{2212}05:00", "U+2212"),
            ("2026-12-06\u{a0}02:00Z", "U+00A0"),
            ("2026-12-06T02:00Z\u{200b}", "U+200B"),
            ("\u{feff}2026-12-06T02:00Z", "U+FEFF"),
            ("2026-12-06T02:00\u{2060}", "U+2060"),
            ("2026-12-06T02:00[Europe/London]\u{202f}", "U+202F"),
            ("2026-12-06T02:00[Europe\u{2215}London]", "U+2215"),
            ("2026-12-06T02:00Z\n", "U+000A"),
        ] {
            refuses(text, None, &[odd]);
            refuses(text, Some("Europe/London"), &[odd]);
        }
        assert!(
            time_zone("America/Port\u{2011}au\u{2011}Prince")
                .expect_err("odd")
                .contains("which holds U+2011 (non-breaking hyphen) as character 13")
        );
        assert!(duration("2h\u{a0}30m").expect_err("odd").contains("U+00A0"));
        assert_eq!(
            quoted("\u{200b}é"),
            "\"\\u{200b}é\", which holds U+200B (zero width space) as character 1 and U+00E9 as character 2"
        );
        assert_eq!(quoted(&"x".repeat(200)).chars().count(), SHOWN_MAX + 3);
    }

    #[test]
    fn a_computer_that_was_told_no_place_is_in_no_zone() {
        for name in ["Etc/Unknown", "etc/unknown", "Factory", "FACTORY", "Mars/Base", "", "Z", "+01:00"] {
            assert!(time_zone(name).expect_err(name).contains("IANA time zone"), "{name}");
        }
        refuses("2026-12-06T02:00[Factory]", None, &["no place"]);
        refuses("2026-12-06T02:00Z[!Etc/Unknown]", None, &["no place"]);
    }

    #[test]
    fn nothing_is_too_large_to_be_refused_in_words() {
        for text in [
            "P999999999D",
            "PT9223372036854775807S",
            "PT9223372036854775808S",
            "-P99999999999999999999W",
            "99999999999999999999 hours",
        ] {
            let problem = duration(text).expect_err(text);
            assert!(problem.contains("too long") || problem.contains("such as"), "{problem}");
        }
        assert!(duration("P999999999D").expect_err("long").contains("too long"));
        for text in ["soon", "1 fortnight", ""] {
            let problem = duration(text).expect_err(text);
            assert!(problem.starts_with("expected a duration such as PT2H30M"), "{problem}");
        }
        assert!(duration("9223372036854775808s").expect_err("long").contains("too long"));
        assert!(duration("P7304484DT175307616H631107417600S").is_ok(), "longer than the calendar, but a length");
        let zones: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        assert!(zones.len() > 400, "{}", zones.len());
        for name in zones.iter().map(String::as_str).chain(["Mars/Base"]) {
            let zone = time_zone(name).ok();
            for text in ["9999-12-30T22:00:00", "9999-12-31T23:59:59", "0000-01-01T00:00", "9999-12-31T23:59:60"] {
                if let Err(problem) = instant(text, zone.as_ref()) {
                    let fine = ["calendar", "anywhere"].iter().any(|part| problem.contains(part));
                    assert!(fine, "{problem}");
                }
            }
            for edge in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
                assert!(spoken(edge, Some(name)).contains("UTC"), "{name}");
            }
        }
        refuses("9999-12-31T23:59:59Z", None, &["beyond it"]);
        refuses("9999-12-31T00:00[-25:59]", None, &["beyond it"]);
        refuses("9999-12-31T23:59[Europe/London]", None, &["beyond it"]);
        reads("9999-12-31T23:59+25:59", None, "9999-12-30T22:00:00Z");
        for edge in [Timestamp::MIN, Timestamp::MAX] {
            assert!(whole_second(edge) <= edge && minute_after_next(edge) > edge.min(Timestamp::UNIX_EPOCH));
            assert!(utc(edge).ends_with("UTC"));
        }
        assert_eq!(minute_after_next(Timestamp::MAX), Timestamp::MAX);
        assert_eq!(roughly(SignedDuration::MAX), "106751991167300d 15h 30m");
        assert_eq!(spoken_duration(SignedDuration::from_secs(-5400)), "minus 1h 30m");
        assert_eq!(spoken_duration(SignedDuration::MAX), "106751991167300d 15h 30m 7s");
        assert_eq!(spoken_duration(SignedDuration::MIN), "minus 106751991167300d 15h 30m 8s");
    }

    #[test]
    fn durations_are_read_in_both_styles_and_must_be_positive() {
        for (text, minutes) in [("PT2H30M", 150), ("2h 30m", 150), ("90m", 90), ("P1D", 1440), ("1 day", 1440)] {
            assert_eq!(duration(text), Ok(SignedDuration::from_mins(minutes)), "{text}");
        }
        for bad in ["", "2", "PT0S", "-PT1H", "+PT1H", "P1M", "soon"] {
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
        assert_eq!(minute_after_next(at).to_string(), "2026-07-06T01:02:00Z");
    }
}
