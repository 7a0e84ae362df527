//! The words of reports about a series.

use serde_json::json;

use super::words::remedy;
use crate::{
    model::{series::Series, window::Decision},
    plan::reports::Event,
};

/// What to know of a decision about a series.
pub(super) fn note(event: Event) -> Option<&'static str> {
    match event {
        Event::Paused => Some("a window of it that is booked is cancelled; one that has begun goes on to its end"),
        Event::Completed => Some("it has no start to come; book it anew if it is to go on"),
        Event::Cancelled => Some("its booked windows are cancelled with it; one that has begun goes on to its end"),
        _ => None,
    }
}

/// The event that makes sense after a decision about a series, ready to be sent.
pub(super) fn next_event(event: Event, series: &Series, decision: &Decision) -> Option<String> {
    match event {
        Event::Skipped => {
            let own = series.skipped.iter().find(|start| Some(**start) == decision.start);
            // Of a window that was moved, its first time was left out: that is the last one until something else is decided.
            let first_time = || series.skipped.last().filter(|_| series.decisions.last() == Some(decision));
            let start = own.or_else(first_time).filter(|start| **start > decision.at)?;
            let what =
                if Some(*start) == decision.start { "to take that back" } else { "to book it at its first time" };
            Some(remedy(what, &json!({ "action": "unskip", "id": series.id, "start": start })))
        }
        Event::Paused => Some(remedy("to let it go on", &json!({ "action": "resume", "id": series.id }))),
        Event::Resumed => Some(remedy("to pause it again", &json!({ "action": "pause", "id": series.id }))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{series::tests::series, window::DecisionKind};
    use jiff::Timestamp;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn skip(start: Option<Timestamp>) -> Decision {
        let (at, action) = (at("2026-07-06T00:00:00Z"), DecisionKind::Skip);
        Decision { at, action, requested_by: None, reason: None, start, end: None }
    }

    /// After a decision about this start, which is the last one.
    fn next(event: Event, series: &Series, start: Option<Timestamp>) -> Option<String> {
        next_event(event, &Series { decisions: vec![skip(start)], ..series.clone() }, &skip(start))
    }

    #[test]
    fn a_skip_is_taken_back_by_its_start_and_for_what_was_moved_by_the_first_one() {
        let (ninth, seventh) = (at("2026-07-09T01:00:00Z"), at("2026-07-07T01:00:00Z"));
        let skipping = Series { skipped: vec![ninth, seventh], ..series() };
        let unskip =
            "invoke the function with {\"action\":\"unskip\",\"id\":\"nightly\",\"start\":\"2026-07-07T01:00:00Z\"}";
        let told = |start| next(Event::Skipped, &skipping, Some(start)).expect("a remedy");
        assert_eq!(told(seventh), format!("to take that back, {unskip}"));
        assert_eq!(told(at("2026-07-06T23:00:00Z")), format!("to book it at its first time, {unskip}"));
        let passed = Series { skipped: vec![ninth, at("2026-07-05T01:00:00Z")], ..series() };
        assert_eq!(next(Event::Skipped, &passed, Some(seventh)), None, "its first time has passed");
    }

    #[test]
    fn a_skip_told_again_takes_back_no_other_one() {
        let (seventh, ninth) = (at("2026-07-07T01:00:00Z"), at("2026-07-09T01:00:00Z"));
        let told = |start: Timestamp, skipped: &[Timestamp]| {
            let decisions = vec![skip(Some(start)), skip(Some(ninth))];
            let later = Series { skipped: skipped.to_vec(), decisions, ..series() };
            next_event(Event::Skipped, &later, &skip(Some(start)))
        };
        let own = told(seventh, &[seventh, ninth]).expect("a remedy");
        assert!(own.starts_with("to take that back") && own.contains("2026-07-07T01:00:00Z"), "{own}");
        assert_eq!(told(seventh, &[ninth]), None, "it was taken back");
        let moved = at("2026-07-06T23:00:00Z");
        assert_eq!(told(moved, &[seventh, ninth]), None, "which first time it had is not known any more");
    }

    #[test]
    fn a_paused_series_can_go_on_and_one_that_goes_on_can_be_paused() {
        let resume = "to let it go on, invoke the function with {\"action\":\"resume\",\"id\":\"nightly\"}";
        let pause = "to pause it again, invoke the function with {\"action\":\"pause\",\"id\":\"nightly\"}";
        assert_eq!(next(Event::Paused, &series(), None).as_deref(), Some(resume));
        assert_eq!(next(Event::Resumed, &series(), None).as_deref(), Some(pause));
        assert_eq!(next(Event::Cancelled, &series(), None), None);
        assert!(note(Event::Paused).is_some() && note(Event::Resumed).is_none());
    }
}
