//! Cron expressions, rates, lengths and times, as people write them and as they do not.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use maintenance_window::model::{
    recurrence::{Recurrence, SEARCH_MAX},
    time,
    written_time::WrittenTime,
};
use proptest::{collection::vec, prelude::*, sample::select};

use super::properties;

/// How many starts of a series are looked at.
const STARTS: usize = 20;

/// A moment of the whole calendar, more often one of these years, and its ends.
pub(super) fn any_moment() -> impl Strategy<Value = Timestamp> {
    let within = |from: i64, to: i64| {
        (from..=to, 0..1_000_000_000_i32)
            .prop_map(|(second, nanosecond)| Timestamp::new(second, nanosecond).unwrap_or(Timestamp::MAX))
    };
    prop_oneof![
        6 => within(1_700_000_000, 2_000_000_000),
        2 => within(Timestamp::MIN.as_second(), Timestamp::MAX.as_second()),
        1 => select(vec![Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX]),
    ]
}

/// The names of zones, of some whose clocks are odd, and of none.
fn any_zone() -> impl Strategy<Value = &'static str> {
    select(vec![
        "UTC",
        "Europe/London",
        "America/New_York",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "Africa/Casablanca",
        "Antarctica/Troll",
        "Australia/Lord_Howe",
        "Mars/Base",
        "",
    ])
}

/// One field of a cron expression, or something like one.
fn any_field() -> impl Strategy<Value = String> {
    let known = select(vec![
        "*",
        "?",
        "0",
        "1",
        "5",
        "15",
        "23",
        "24",
        "29",
        "31",
        "59",
        "60",
        "7",
        "12",
        "SUN",
        "mon",
        "MON-FRI",
        "jan",
        "DEC-FEB",
        "L",
        "LW",
        "L-3",
        "15W",
        "W",
        "6#3",
        "6L",
        "SUN#5",
        "*/15",
        "0/7",
        "5-10",
        "10-5",
        "1-59/2",
        "0,30",
        "1,2,,3",
        "2026",
        "2026-2030",
        "1970",
        "2199",
        "2200",
        "18446744073709551616",
        "-1",
        "+1",
        "0x1",
        "/",
        "#",
        "-",
    ]);
    let number = (0_u32..70).prop_map(|number| number.to_string());
    prop_oneof![
        6 => known.prop_map(str::to_owned),
        3 => number.clone(),
        2 => (number.clone(), "[-/#,]", number).prop_map(|(one, sign, other)| one + &sign + &other),
        1 => "[0-9A-Za-z*?,/#LW-]{0,8}",
    ]
}

/// Cron expressions, most of them with six fields, rates, and texts that are neither.
fn any_expression() -> impl Strategy<Value = String> {
    let cron = prop_oneof![8 => vec(any_field(), 6), 1 => vec(any_field(), 0..9)]
        .prop_map(|fields| format!("cron({})", fields.join(" ")));
    // Most of what is made above is refused; these are taken more often.
    let likely =
        (0_u32..60, 0_u32..24, select(vec!["? * SUN *", "* * ? *", "L * ? *", "31 * ? *", "29 2 ? *", "? * 6#5 *"]))
            .prop_map(|(minute, hour, rest)| format!("cron({minute} {hour} {rest})"));
    let rate = (any::<i64>(), select(vec!["minute", "minutes", "hours", "day", "days", "weeks", ""]))
        .prop_map(|(count, unit)| format!("rate({count} {unit})"));
    let small = (0_u32..2000, select(vec!["minutes", "hours", "days"]))
        .prop_map(|(count, unit)| format!("rate({count} {unit})"));
    prop_oneof![6 => cron, 4 => likely, 1 => rate, 2 => small, 1 => ".{0,40}", 1 => "(cron|rate|at)\\(.{0,20}\\)?"]
}

/// Lengths: in ISO 8601, in the friendly form, and texts that are none.
fn any_length() -> impl Strategy<Value = String> {
    let iso = ("-?P?", vec(("[0-9]{1,20}(\\.[0-9]{1,10})?", "[YMWDTHS]?"), 0..5))
        .prop_map(|(start, parts)| start + &parts.into_iter().map(|(number, unit)| number + &unit).collect::<String>());
    let friendly = vec(("-?[0-9]{1,20}", select(vec!["h", "m", "s", "d", "min", "hours", " ", "ms", ""])), 0..4)
        .prop_map(|parts| parts.into_iter().map(|(number, unit)| number + unit).collect());
    prop_oneof![4 => iso, 3 => friendly, 1 => ".{0,20}"]
}

properties! {
    /// An expression is refused with what was expected, or has starts that come one after the other.
    fn every_expression_is_refused_or_has_its_starts_in_their_order(
        text in any_expression(), moment in any_moment(), anchor in any_moment(), zone in any_zone(),
    ) {
        match text.parse::<Recurrence>() {
            Err(problem) => prop_assert!(problem.contains("expected"), "{}", problem),
            Ok(every) => {
                prop_assert_eq!(every.as_str(), text.trim_matches(' '));
                prop_assert_eq!(every.as_str().parse::<Recurrence>(), Ok(every.clone()));
                let zone = time::time_zone(zone).unwrap_or(TimeZone::UTC);
                let mut last = moment;
                for next in every.after(moment, &zone, anchor).take(STARTS) {
                    prop_assert!(next.start > last, "{} after {}: {}", text, last, next.start);
                    prop_assert!(next.start.duration_since(moment) <= SEARCH_MAX, "{}: {}", text, next.start);
                    last = next.start;
                }
                if let Some(gap) = every.min_gap(moment, &zone, anchor) {
                    prop_assert!(gap > SignedDuration::ZERO, "{}: {:#}", text, gap);
                }
            }
        }
    }

    /// A length is refused with what was expected, or can be told, and is read as the same again.
    fn every_length_is_refused_or_can_be_told(text in any_length()) {
        match time::duration(&text) {
            Err(problem) => prop_assert!(problem.contains("expected"), "{}", problem),
            Ok(length) => {
                prop_assert!(!time::spoken_duration(length).is_empty() && !time::roughly(length).is_empty());
                prop_assert_eq!(time::duration(&length.to_string()), Ok(length), "{}", text);
            }
        }
    }

    /// A time is refused with what was expected, or is an instant, at any moment and in any zone.
    fn every_time_is_refused_or_is_an_instant(
        text in prop_oneof![3 => super::any_time(), 1 => "[0-2]?[0-9][:.]?[0-9]{0,3}Z?", 1 => ".{0,30}"],
        moment in any_moment(), zone in any_zone(),
    ) {
        let place = time::time_zone(zone).ok();
        let read = WrittenTime::read(&text, place.as_ref());
        let found = read.and_then(|written| written.resolve(place.as_ref(), moment));
        if let Err(problem) = &found {
            // Of a time that the clocks skip or pass twice the instants are named.
            let told = ["expected", "does not exist", "occurs twice"].iter().any(|words| problem.contains(words));
            prop_assert!(told, "{}", problem);
        }
        if let Ok(instant) = time::instant(&text, place.as_ref()) {
            prop_assert_eq!(found, Ok(time::whole_second(instant)), "{}", text);
        }
    }

    /// Every moment can be told, also the first and the last.
    fn every_moment_can_be_told(moment in any_moment(), zone in any_zone()) {
        prop_assert!(!time::utc(moment).is_empty() && !time::spoken(moment, Some(zone)).is_empty());
        for rounded in [time::millisecond(moment), time::whole_second(moment), time::minute_after_next(moment)] {
            prop_assert!(rounded.duration_since(moment).abs() <= SignedDuration::from_mins(2), "{}: {}", moment, rounded);
        }
    }
}
