//! The page's short words, and times as it tells them.

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::context::{Context, Zone};
use crate::{
    model::{
        time::{self, roughly},
        window::{Decision, Outcome, State},
    },
    plan::site::SiteState,
};

/// The text, cut with an ellipsis after so many characters, so that a page has room for fifty windows: a sign that HTML
/// escapes counts as what it becomes.
pub(super) fn cut(text: &str, most: usize) -> String {
    let mut taken = 0;
    for (at, sign) in text.char_indices() {
        taken += match sign {
            '"' => "&quot;".len(),
            '&' => "&amp;".len(),
            '<' | '>' => "&lt;".len(),
            _ => 1,
        };
        if taken > most {
            return format!("{}…", text[..at].trim_end());
        }
    }
    text.to_owned()
}

/// How the site stands, to be read from across a room.
pub(super) fn state(state: SiteState) -> &'static str {
    match state {
        SiteState::Open => "Open",
        SiteState::Maintenance => "In maintenance",
        SiteState::Mixed => "Partly in maintenance",
        SiteState::MaintenanceUnplanned => "Closed, unplanned",
        SiteState::OpenUnplanned => "Open, unplanned",
        SiteState::Broken => "Broken",
        SiteState::Unknown => "Not known",
    }
}

/// How much it asks of a person, as the style sheet knows it.
pub(super) fn tone(state: SiteState) -> &'static str {
    match state {
        SiteState::Open => "calm",
        SiteState::Maintenance | SiteState::Mixed => "busy",
        SiteState::MaintenanceUnplanned | SiteState::OpenUnplanned | SiteState::Broken | SiteState::Unknown => "alert",
    }
}

/// How a window stands.
pub(super) fn window(state: State) -> &'static str {
    match state {
        State::Booked => "booked",
        State::Active => "active",
        State::Held => "held past its end",
        State::Ending => "ending",
        State::Over => "over",
    }
}

/// How a window ended; a series that is over has no outcome of its own.
pub(super) fn outcome(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Completed) => "completed",
        Some(Outcome::Cancelled) => "cancelled",
        Some(Outcome::Missed) => "missed",
        None => "ended",
    }
}

/// A moment in UTC, and beneath it on the viewer's clock.
pub(super) fn moment(context: &Context, now: Timestamp, at: Timestamp) -> Markup {
    let year = |at: Timestamp| at.strftime("%Y").to_string();
    let long = if year(at) == year(now) { "%a %-d %b %H:%M" } else { "%a %-d %b %Y %H:%M" };
    html! {
        (at.strftime(long))
        @if context.zone.name().is_some() { span.own { (context.zone.at(at).strftime("%a %H:%M")) } }
    }
}

/// The same within a sentence.
pub(super) fn spoken(zone: &Zone, at: Timestamp) -> String {
    let own = zone.name().map(|name| format!(" ({} {name})", zone.at(at).strftime("%a %H:%M"))).unwrap_or_default();
    format!("{}{own}", time::spoken(at, None))
}

/// How far a moment is from now.
pub(super) fn distance(now: Timestamp, at: Timestamp) -> String {
    match at.duration_since(now) {
        ahead if ahead > SignedDuration::ZERO => format!("in {}", roughly(ahead)),
        ago if ago > SignedDuration::from_mins(-1) => "just now".to_owned(),
        ago => format!("{} ago", roughly(-ago)),
    }
}

/// Who decided what: `book by ana, off by bob`.
pub(super) fn decisions(all: &[Decision]) -> String {
    let told = all.iter().map(|one| match &one.requested_by {
        Some(who) => format!("{} by {}", one.action.word(), cut(who, 24)),
        None => one.action.word().to_owned(),
    });
    cut(&told.collect::<Vec<_>>().join(", "), 100)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::window::tests::at;

    #[test]
    fn a_long_text_is_cut_and_a_short_one_is_whole() {
        assert_eq!((cut("été", 3), cut("été", 2)), ("été".to_owned(), "ét…".to_owned()));
        assert_eq!(cut("one two", 4), "one…");
        assert_eq!((cut("<b>", 9), cut("a\"\"", 12)), ("<b>".to_owned(), "a\"…".to_owned()));
    }

    #[test]
    fn a_moment_is_told_in_utc_and_on_the_viewers_clock() {
        let context = |label: &str| Context::read(&json!({"timezone": {"label": label, "offsetISO": "+05:30"}}));
        let told = |label, moment: &str, now: &str| {
            let moment: Timestamp = moment.parse().expect("a time");
            super::moment(&context(label), now.parse().expect("a time"), moment).into_string()
        };
        assert_eq!(
            told("Local", "2026-12-06T20:00:00Z", "2026-12-06T02:00:00Z"),
            "Sun 6 Dec 20:00<span class=\"own\">Mon 01:30</span>"
        );
        assert_eq!(told("UTC", "2027-01-06T20:00:00Z", "2026-12-06T02:00:00Z"), "Wed 6 Jan 2027 20:00");
    }

    #[test]
    fn a_distance_is_ahead_just_now_or_ago() {
        let now = at("02:00:00");
        for (moment, told) in
            [("03:30:00", "in 1h 30m"), ("02:00:00", "just now"), ("01:59:30", "just now"), ("01:30:00", "30m ago")]
        {
            assert_eq!(distance(now, at(moment)), told);
        }
    }
}
