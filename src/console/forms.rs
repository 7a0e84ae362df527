//! The form that books, and the ordinary event that what was written into it makes. Nothing is decided here: whether a
//! time or a name will do is for the event's own reader to say.

use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::buttons::{BY, Buttons, key, name};

/// The fields' names. A filter that guards against pages which hide a form's own properties takes names such as `id`
/// away, so they begin with letters of their own, like [`BY`].
const START: &str = "mw-start";
const DURATION: &str = "mw-duration";
const ZONE: &str = "mw-zone";
const EVERY: &str = "mw-every";
const REASON: &str = "mw-reason";
const MESSAGE: &str = "mw-message";

/// What the form's buttons do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FormButton {
    /// Books what is described.
    Book,
    /// Starts maintenance now.
    Start,
    /// Tells what either would do.
    Try,
}

impl FormButton {
    const ALL: [Self; 3] = [Self::Book, Self::Start, Self::Try];

    fn word(self) -> &'static str {
        match self {
            Self::Book => "book",
            Self::Start => "start",
            Self::Try => "try",
        }
    }

    /// The button of this word.
    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|button| button.word() == word)
    }
}

/// The form; it asks for the viewer's name unless the page does so elsewhere.
pub(super) fn form(buttons: &Buttons<'_>, asks_name: bool) -> Markup {
    let sent = |button: FormButton| json!({ "form": { "button": button.word(), "drawing": buttons.drawing } });
    let book = "Book this? From its start to its end visitors get the maintenance page, and only testers with the bypass \
                header reach the site; the same at each start, if it recurs. Until then the site stays open, unless another \
                window covers it.";
    let start = "Start maintenance now? Within some ten seconds visitors get the maintenance page, and only testers with the \
                 bypass header reach the site: for as long as you wrote, or, without a length, until somebody ends it.";
    html! {
        form {
            div.fields {
                label { "Start" input type="datetime-local" name=(START); span.soft { "for Book; leave it empty for Start now" } }
                label { "Length" input type="text" name=(DURATION) value="1h" maxlength="40"; span.soft { "such as 45m or 2h 30m" } }
                label {
                    "Time zone" input type="text" name=(ZONE) value=(buttons.zone.written()) maxlength="60";
                    span.soft { "such as Europe/London, or +01:00" }
                }
                label { "Recurs" input type="text" name=(EVERY) maxlength="100"; span.soft { "if it does: cron(0 2 ? * SUN *)" } }
                @if asks_name { (name()) }
                label { "Reason" input type="text" name=(REASON) maxlength="300"; span.soft { "for reports and the history" } }
                label { "Message for visitors" input type="text" name=(MESSAGE) maxlength="300"; span.soft { "on the maintenance page" } }
            }
            div.acts {
                (buttons.button("Try it", "", &sent(FormButton::Try), None))
                (buttons.button("Book", "", &sent(FormButton::Book), Some(book)))
                (buttons.button("Start now", "", &sent(FormButton::Start), Some(start)))
            }
        }
    }
}

/// The event that a press of one of the form's buttons means, with what was written into it.
///
/// Its key comes from the drawing and from what was written: a second press of the same button decides nothing, and
/// something else that is written into the same form does.
pub(super) fn event(button: FormButton, drawing: &str, fields: &Value) -> Value {
    let text = |name: &str| fields[name].as_str().map(str::trim).filter(|text| !text.is_empty());
    let mut event = Map::new();
    let mut add = |field: &str, value: Option<String>| {
        event.extend(value.map(|value| (field.to_owned(), Value::from(value))));
    };
    let zone = text(ZONE);
    // An offset is no place: it belongs to the time itself.
    let offset = zone.filter(|zone| zone.starts_with(['+', '-']));
    let dated = text(START).is_some() || text(EVERY).is_some();
    let action = match button {
        FormButton::Book => "book",
        FormButton::Try if dated => "book",
        FormButton::Start | FormButton::Try => "on",
    };
    add("action", Some(action.to_owned()));
    add("start", text(START).map(|start| format!("{start}{}", offset.unwrap_or_default())));
    add("duration", text(DURATION).map(str::to_owned));
    // A series needs a place, and says so itself.
    let place = if text(EVERY).is_some() { zone } else { zone.filter(|_| offset.is_none()) };
    add("timezone", place.map(str::to_owned));
    add("every", text(EVERY).map(str::to_owned));
    add("reason", text(REASON).map(str::to_owned));
    add("message", text(MESSAGE).map(str::to_owned));
    add("requested_by", text(BY).map(str::to_owned));
    let mut event = Value::Object(event);
    match button {
        FormButton::Try => event["dry_run"] = true.into(),
        FormButton::Book | FormButton::Start => event["request_id"] = key(drawing, &event).into(),
    }
    event
}

/// A click's event with the name that its viewer wrote, unless it says another one or takes none.
pub(super) fn signed(mut event: Value, fields: &Value) -> Value {
    let by = fields[BY].as_str().map(str::trim).filter(|by| !by.is_empty());
    if let (Some(by), Some(event)) = (by, event.as_object_mut()) {
        event.entry("requested_by").or_insert_with(|| by.into());
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Value {
        json!({
            "mw-start": " 2026-12-06T02:00 ", "mw-duration": "2h", "mw-zone": "Europe/Berlin", "mw-every": "", "mw-reason": "why",
            "mw-message": "Back soon.", "mw-by": "ana",
        })
    }

    #[test]
    fn what_is_written_becomes_an_ordinary_event() {
        let mut booked = event(FormButton::Book, "d", &fields());
        let key = booked["request_id"].take();
        assert!(key.as_str().is_some_and(|key| key.starts_with("console-")), "{key}");
        assert_eq!(
            booked,
            json!({
                "action": "book", "start": "2026-12-06T02:00", "duration": "2h", "timezone": "Europe/Berlin", "reason": "why",
                "message": "Back soon.", "requested_by": "ana", "request_id": null,
            })
        );
        assert_eq!(event(FormButton::Book, "d", &fields())["request_id"], key, "a second press means the same");
        let mut other = fields();
        other["mw-reason"] = json!("another");
        assert_ne!(event(FormButton::Book, "d", &other)["request_id"], key, "something else is something else");
    }

    #[test]
    fn a_try_decides_nothing_and_is_of_what_is_written() {
        let mut fields = fields();
        assert_eq!(event(FormButton::Try, "d", &fields)["action"], "book");
        fields["mw-start"] = json!("");
        let tried = event(FormButton::Try, "d", &fields);
        assert_eq!(
            (&tried["action"], &tried["dry_run"], &tried["request_id"]),
            (&json!("on"), &json!(true), &Value::Null)
        );
        fields["mw-every"] = json!("rate(7 days)");
        assert_eq!(event(FormButton::Try, "d", &fields)["action"], "book");
    }

    #[test]
    fn an_offset_goes_with_the_time_and_a_place_beside_it() {
        let mut fields = fields();
        fields["mw-zone"] = json!("+01:00");
        let booked = event(FormButton::Book, "d", &fields);
        assert_eq!((&booked["start"], &booked["timezone"]), (&json!("2026-12-06T02:00+01:00"), &Value::Null));
        fields["mw-every"] = json!("rate(7 days)");
        assert_eq!(event(FormButton::Book, "d", &fields)["timezone"], "+01:00", "for the reader to refuse");
    }

    #[test]
    fn what_is_no_text_is_as_if_it_were_not_there() {
        for fields in [Value::Null, json!([]), json!({"mw-start": 7, "mw-by": {"x": 1}}), json!("mw-start")] {
            let mut event = event(FormButton::Start, "d", &fields);
            event["request_id"].take();
            assert_eq!(event, json!({"action": "on", "request_id": null}), "{fields}");
        }
        assert_eq!(signed(json!({"action": "off"}), &json!({"mw-by": " "})), json!({"action": "off"}));
        let by = json!({"mw-by": " ana "});
        assert_eq!(signed(json!({"action": "off"}), &by), json!({"action": "off", "requested_by": "ana"}));
        assert_eq!(signed(json!({"requested_by": "bob"}), &by), json!({"requested_by": "bob"}));
    }
}
