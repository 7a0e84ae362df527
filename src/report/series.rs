//! The words of reports about a series.

use serde_json::json;

use super::words::remedy;
use crate::{model::series::Series, plan::reports::Event};

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
pub(super) fn next_event(event: Event, series: &Series) -> Option<String> {
    match event {
        Event::Skipped => Some(remedy("to take that back", &json!({ "action": "unskip", "id": series.id }))),
        Event::Paused => Some(remedy("to let it go on", &json!({ "action": "resume", "id": series.id }))),
        Event::Resumed => Some(remedy("to pause it again", &json!({ "action": "pause", "id": series.id }))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::series::tests::series;

    #[test]
    fn a_paused_series_can_go_on_and_one_that_goes_on_can_be_paused() {
        let resume = "to let it go on, invoke the function with {\"action\":\"resume\",\"id\":\"nightly\"}";
        let pause = "to pause it again, invoke the function with {\"action\":\"pause\",\"id\":\"nightly\"}";
        assert_eq!(next_event(Event::Paused, &series()).as_deref(), Some(resume));
        assert_eq!(next_event(Event::Resumed, &series()).as_deref(), Some(pause));
        let unskip = "to take that back, invoke the function with {\"action\":\"unskip\",\"id\":\"nightly\"}";
        assert_eq!(next_event(Event::Skipped, &series()).as_deref(), Some(unskip));
        assert_eq!(next_event(Event::Cancelled, &series()), None);
        assert!(note(Event::Paused).is_some() && note(Event::Resumed).is_none());
    }
}
