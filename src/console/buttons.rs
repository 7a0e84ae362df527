//! Buttons that send ordinary events, each with what it will do to visitors said before it does it.
//!
//! A dashboard runs a `cwdb-action` when the element before it is pressed:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_interactivity.html>.

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{context::Zone, words::spoken};
use crate::{
    model::{
        id::{WindowId, digest},
        series::SeriesView,
        window::State,
    },
    plan::site::Site,
    report::views::WindowView,
};

/// The field for the viewer's name; its own name begins as those of a form's other fields do.
pub(super) const BY: &str = "mw-by";

/// How much longer a window may be made by one press, in minutes.
const LONGER: [i64; 3] = [15, 30, 60];

/// What a page needs to act: only one that was drawn for somebody who may has it.
#[derive(Clone, Debug)]
pub(super) struct Buttons<'a> {
    /// The function's ARN as it was invoked by, which a press invokes again.
    pub(super) endpoint: &'a str,
    /// What tells this drawing from every other one.
    pub(super) drawing: String,
    /// Where its viewer is.
    pub(super) zone: &'a Zone,
    /// The moment of it.
    pub(super) now: Timestamp,
}

impl<'a> Buttons<'a> {
    /// For a page that is drawn now, in this invocation.
    pub(super) fn new(endpoint: &'a str, request: &str, zone: &'a Zone, now: Timestamp) -> Self {
        Self { endpoint, drawing: digest([request, &now.to_string()]), zone, now }
    }

    /// A button that sends an event once, however often it is pressed.
    pub(super) fn press(&self, label: &str, of: &str, mut event: Value, confirmation: Option<&str>) -> Markup {
        if confirmation.is_some() {
            event["request_id"] = key(&self.drawing, &event).into();
        }
        self.button(label, of, &json!({ "click": event }), confirmation)
    }

    /// A button that sends this to the function, with the widget's fields beside it.
    pub(super) fn button(&self, label: &str, of: &str, sent: &Value, confirmation: Option<&str>) -> Markup {
        html! {
            button.btn type="button" aria-label=[(!of.is_empty()).then(|| format!("{label}: {of}"))] { (label) }
            cwdb-action action="call" display="popup" endpoint=(self.endpoint) confirmation=[confirmation] {
                (plain_json(sent))
            }
        }
    }
}

/// The key under which what one button sends is decided once.
pub(super) fn key(drawing: &str, event: &Value) -> String {
    format!("console-{}", digest([drawing, &event.to_string()]))
}

/// JSON without a sign that HTML knows, however the dashboard gets at it; quotes are escaped like everywhere.
fn plain_json(value: &Value) -> String {
    let mut text = String::new();
    for sign in value.to_string().chars() {
        match sign {
            '<' | '>' | '&' | '\'' | '\u{7f}'.. => {
                let mut units = [0; 2];
                text.extend(sign.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
            }
            _ => text.push(sign),
        }
    }
    text
}

/// What can be done about a window.
pub(super) fn of_window(buttons: &Buttons<'_>, window: &WindowView, site: Option<&Site>) -> Markup {
    let id = &window.id;
    match window.state {
        State::Booked if window.start > buttons.now => {
            let told = format!(
                "Drop window {id}? The site then stays open to visitors at {}, unless another window covers it then.{}",
                spoken(buttons.zone, window.start),
                goes_on(window.series.as_ref())
            );
            buttons.press("Cancel", id.as_str(), json!({ "action": "cancel", "id": id }), Some(&told))
        }
        State::Booked | State::Active | State::Held => html! {
            (buttons.press("End now", id.as_str(), json!({ "action": "off", "id": id }), Some(&ending(id, site))))
            @if let Some(end) = window.end {
                @for minutes in LONGER { (longer(buttons, window, end, minutes)) }
            }
        },
        State::Ending | State::Over => html! {},
    }
}

fn longer(buttons: &Buttons<'_>, window: &WindowView, end: Timestamp, minutes: i64) -> Markup {
    let id = &window.id;
    let drawn = buttons.now.strftime("%H:%M:%S UTC");
    let told = if window.state == State::Held {
        // As `extend` does: what overran its end goes on from the press, whose moment nobody knows yet.
        format!(
            "Give window {id} {minutes} minutes more? Visitors are then kept out until {minutes} minutes from now, if \
             nobody has moved its end since {drawn}."
        )
    } else {
        let until = end.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX);
        format!(
            "Give window {id} {minutes} minutes more? Visitors are then kept out until {} instead of {}, if nobody has \
             moved that end since {drawn} and it is not past its end by then.",
            spoken(buttons.zone, until),
            spoken(buttons.zone, end),
        )
    };
    let event = json!({ "action": "extend", "id": id, "by": format!("PT{minutes}M") });
    buttons.press(&format!("+{minutes} min"), id.as_str(), event, Some(&told))
}

/// What becomes of visitors when a window is ended.
fn ending(id: &WindowId, site: Option<&Site>) -> String {
    let others: Vec<&str> = site
        .iter()
        .flat_map(|site| &site.covering)
        .filter(|window| window.id != *id)
        .map(|window| window.id.as_str())
        .collect();
    let visitors = match others.as_slice() {
        [] => "Visitors reach the site again within some ten seconds.".to_owned(),
        [one] => format!("Visitors stay out where window {one} covers the site too, and reach the rest again."),
        [one, rest @ ..] => format!(
            "Visitors stay out where window {one} or {} more cover the site too, and reach the rest again.",
            rest.len()
        ),
    };
    format!("End window {id} at once? {visitors} It cannot be begun again; a new one can be.")
}

fn goes_on(series: Option<&WindowId>) -> String {
    series.map(|series| format!(" Series {series} goes on with its next start.")).unwrap_or_default()
}

/// What can be done about a series.
pub(super) fn of_series(buttons: &Buttons<'_>, series: &SeriesView, windows: &[WindowView]) -> Markup {
    let id = &series.id;
    let booked: Vec<&WindowView> =
        windows.iter().filter(|window| window.series.as_ref() == Some(id) && window.state == State::Booked).collect();
    let dropped = match booked.first() {
        Some(window) => format!(
            " Its booked window of {} is dropped: visitors reach the site then, unless another window covers it.",
            spoken(buttons.zone, window.start)
        ),
        None => String::new(),
    };
    let begun = "Visitors are kept out to the end of one that has begun.";
    let pause = format!("Let series {id} book nothing until it is resumed?{dropped} {begun}");
    let resume = format!("Let series {id} go on? Visitors are kept out at its next start again.");
    let cancel = format!("End series {id} for good?{dropped} {begun}");
    html! {
        @if series.paused {
            (buttons.press("Resume", id.as_str(), json!({ "action": "resume", "id": id }), Some(&resume)))
        } @else {
            @if let Some(next) = series.next.first() { (skipping(buttons, id, *next)) }
            (buttons.press("Pause", id.as_str(), json!({ "action": "pause", "id": id }), Some(&pause)))
        }
        (buttons.press("End series", id.as_str(), json!({ "action": "cancel", "id": id }), Some(&cancel)))
    }
}

/// Names the start, so that a page that is old leaves out no other one.
fn skipping(buttons: &Buttons<'_>, id: &WindowId, next: Timestamp) -> Markup {
    let told = format!(
        "Leave out the window of series {id} at {}? Visitors reach the site then, unless another window covers it; the \
         starts after it stay.",
        spoken(buttons.zone, next)
    );
    let event = json!({ "action": "skip", "id": id, "start": next });
    buttons.press("Skip next", id.as_str(), event, Some(&told))
}

/// What can be done about nothing in particular.
pub(super) fn bar(buttons: &Buttons<'_>) -> Markup {
    html! {
        div.bar {
            (name())
            div.acts { (buttons.press("Check", "", json!({ "action": "check" }), None)) }
        }
    }
}

/// The field for the viewer's name: a dashboard passes none.
pub(super) fn name() -> Markup {
    html! {
        label { "Your name" input type="text" name=(BY) maxlength="300" autocomplete="off"; span.soft { "for reports and the history" } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        console::context::Context,
        model::window::tests::{at, window},
    };

    #[test]
    fn more_time_is_told_as_it_is_given_from_the_end_or_from_the_press() {
        let zone = Context::read(&Value::Null).zone;
        let buttons = Buttons::new("arn", "r", &zone, at("04:10:00"));
        let told = |state: State| {
            let view = WindowView { state, ..WindowView::new(&window()) };
            of_window(&buttons, &view, None).into_string()
        };
        let held = told(State::Held);
        assert!(held.contains("kept out until 30 minutes from now, if nobody has moved its end"), "{held}");
        assert!(!held.contains("04:40"), "{held}");
        let active = told(State::Active);
        assert!(active.contains("kept out until Sun 6 Dec 2026 04:30 UTC instead of"), "{active}");
        assert!(active.contains("and it is not past its end by then"), "{active}");
    }

    #[test]
    fn json_in_a_page_has_no_sign_of_html_and_reads_the_same() {
        let value = json!({"a": "<b>&'\"\\ é 😀 \u{2028}\u{7f}", "<": 1});
        let text = plain_json(&value);
        assert!(text.is_ascii() && !text.contains(['<', '>', '&', '\'']), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
    }

    #[test]
    fn each_button_of_each_drawing_has_a_key_of_its_own() {
        let zone = Context::read(&Value::Null).zone;
        let drawn = |request: &str, now: &str| Buttons::new("arn", request, &zone, at(now)).drawing;
        let (one, other) = (json!({"action": "off", "id": "a"}), json!({"action": "off", "id": "b"}));
        let keys = [
            key(&drawn("r", "02:00:00"), &one),
            key(&drawn("r", "02:00:00"), &other),
            key(&drawn("r", "02:00:01"), &one),
            key(&drawn("s", "02:00:00"), &one),
        ];
        let apart: std::collections::BTreeSet<&String> = keys.iter().collect();
        assert_eq!(apart.len(), 4, "{keys:?}");
        assert_eq!(keys[0], key(&drawn("r", "02:00:00"), &one), "the same button has the same");
    }
}
