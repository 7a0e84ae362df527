//! What is wrong with a window's times.
//!
//! Pure: the moment is an argument.

use jiff::{SignedDuration, Timestamp};

use super::{
    time,
    window::{HORIZON, LENGTH_MIN},
};

/// What is wrong with the times of a window as seen from `now`, a sentence each; `blamed` is the field of the event that
/// says the end, `end` or `duration`.
#[must_use]
pub fn problems(
    start: Timestamp,
    end: Option<Timestamp>,
    blamed: &str,
    now: Timestamp,
    longest: SignedDuration,
) -> Vec<String> {
    let mut problems = vec![];
    if let Some(end) = end {
        let length = end.duration_since(start);
        if end <= start {
            problems.push(format!("{blamed}: expected an end after the start ({start}), but found {end}"));
        } else if length < LENGTH_MIN {
            problems.push(format!(
                "{blamed}: expected a window of at least a minute, but found one of {}",
                time::spoken_duration(length)
            ));
        } else if length > longest {
            problems.push(format!(
                "{blamed}: expected a window of at most {} (MaxDuration), but found one of {}; check the date, or raise \
                 the limit",
                time::spoken_duration(longest),
                time::spoken_duration(length)
            ));
        }
    }
    if now.checked_add(HORIZON).is_ok_and(|horizon| start > horizon) {
        problems.push(format!(
            "start: expected a start within the next year, but found {start}; time-zone rules further ahead are not \
             known yet"
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::window::tests::at;

    fn told(start: Timestamp, end: Option<Timestamp>) -> String {
        problems(start, end, "end", at("00:00:00"), SignedDuration::from_hours(2)).join("; ")
    }

    #[test]
    fn a_window_lasts_a_minute_to_the_longest_allowed() {
        let start = at("02:00:00");
        for (end, expected) in [
            ("02:01:00", ""),
            ("04:00:00", ""),
            ("01:00:00", "expected an end after the start (2026-12-06T02:00:00Z), but found 2026-12-06T01:00:00Z"),
            ("02:00:00", "expected an end after the start"),
            ("02:00:59", "at least a minute, but found one of 59s"),
            ("04:00:01", "at most 2h (MaxDuration)"),
        ] {
            let told = told(start, Some(at(end)));
            assert!(if expected.is_empty() { told.is_empty() } else { told.contains(expected) }, "{end}: {told}");
            assert!(told.matches("expected").count() <= 1, "one sentence: {told}");
        }
        assert_eq!(told(start, None), "");
    }

    #[test]
    fn it_starts_within_a_year_and_its_leap_day_and_may_have_started() {
        let start = |text: &str| told(text.parse().expect("a time"), None);
        assert_eq!(start("2027-12-07T00:00:00Z"), "");
        assert!(start("2027-12-07T00:00:01Z").starts_with("start: expected a start within the next year"));
        assert_eq!(start("2020-01-01T00:00:00Z"), "");
        let last = problems(Timestamp::MAX, None, "end", Timestamp::MAX, SignedDuration::MAX);
        assert!(last.is_empty(), "no year follows the last: {last:?}");
    }

    #[test]
    fn the_field_that_says_the_end_is_blamed() {
        let (start, longest) = (at("02:00:00"), SignedDuration::from_hours(2));
        for end in ["02:00:00", "02:00:30", "05:00:00"] {
            for blamed in ["end", "duration"] {
                let told = problems(start, Some(at(end)), blamed, at("00:00:00"), longest).join("; ");
                assert!(told.starts_with(&format!("{blamed}: expected")), "{told}");
            }
        }
    }

    #[test]
    fn every_problem_is_named() {
        let far: Timestamp = "2030-01-01T00:00:00Z".parse().expect("a time");
        assert_eq!(problems(far, Some(far), "end", at("00:00:00"), SignedDuration::from_hours(2)).len(), 2);
    }
}
