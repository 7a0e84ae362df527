//! A booking that is sent again: whether it means the window of its name, and what of it is not taken, also of a series. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::answers;
use crate::{
    error::Error,
    event::{Asked, Booking},
    model::{
        id::WindowId,
        listed::listed,
        rule_arn::RuleArn,
        series::Series,
        time::spoken,
        window::{DecisionKind, State, Window},
    },
    report::words::remedy,
};

/// What an event says of a window or series that is there already, and what is not taken from it.
pub(super) struct NotTaken {
    /// To follow other sentences.
    pub(super) sentence: String,
    /// The event that changes it, where one can.
    pub(super) step: Option<String>,
}

/// In which fields a booking means another maintenance than a window; none if it is the same. Starting now means from now
/// on, whenever that is; who did it first has started it.
pub(super) fn differences(
    found: &Window,
    fresh: &Window,
    action: DecisionKind,
    managed: &[RuleArn],
) -> Vec<&'static str> {
    let (start, end) = (Some(fresh.start), fresh.end);
    let booked = found.decisions.first().map(|decision| (decision.start, decision.end));
    let (starts_so, ends_so) = match (action, booked) {
        (DecisionKind::On, Some((began, ended))) => {
            let length = ended.zip(began).map(|(ended, began)| ended.duration_since(began));
            (found.start <= fresh.start, ended == end || length == fresh.length())
        }
        // As it was booked, though it may have been moved since.
        (_, booked) if booked == Some((start, end)) => (true, true),
        _ => (found.start == fresh.start, found.end == end),
    };
    let fields = [
        ("start", starts_so),
        ("end", ends_so),
        ("rules", found.rules.same(&fresh.rules, managed)),
        ("at_end", found.at_end == fresh.at_end),
    ];
    fields.into_iter().filter(|(_, is_same)| !is_same).map(|(field, _)| field).collect()
}

/// Refuses a booking that means another maintenance than the window of its name.
pub(super) fn another(found: &Window, differences: &[&str], now: Timestamp) -> Error {
    let has_begun = found.state != State::Booked || found.start <= now;
    let differs = |field: &&str| differences.contains(field);
    let times: Vec<&str> = ["start", "end"].into_iter().filter(differs).collect();
    let others: Vec<&str> = ["rules", "at_end"].into_iter().filter(differs).collect();
    let mut ways = vec![];
    if !times.is_empty() {
        let fields = listed(&times);
        ways.push(match (has_begun, times.contains(&"end")) {
            (false, _) => format!("to change its {fields} use reschedule or extend"),
            (true, true) => "it has begun, so only its end can be changed: use extend, or off".to_owned(),
            (true, false) => "it has begun, so its start stays".to_owned(),
        });
    }
    if !others.is_empty() {
        let end_it = if has_begun { "end it with off" } else { "cancel it" };
        ways.push(format!("no event changes its {}: {end_it} and book it anew", listed(&others)));
    }
    ways.push("or choose another id".to_owned());
    Error::InvalidEvent(vec![format!(
        "id: window {} is there already, {}, and this event differs from it in {}; {}",
        found.id,
        answers::stands(found, now, found.timezone.as_deref()),
        listed(differences),
        ways.join("; ")
    )])
}

/// What a booking says of the same window, and the window does not say.
pub(super) fn not_taken_of_window(found: &Window, booking: &Booking, asked: &Asked) -> Option<NotTaken> {
    let end_it = if found.state == State::Booked { "cancel it" } else { "end it with off" };
    let fields = [
        ("reason", is_other(asked.reason.as_deref(), found.reason.as_deref()), Some(json!(asked.reason))),
        ("message", is_other(booking.message.as_deref(), found.message.as_deref()), Some(json!(booking.message))),
        (
            "mute_alarms",
            mutes_others(booking.mute_alarms.as_deref(), found.mute_alarms.as_deref()),
            Some(json!(booking.mute_alarms)),
        ),
        ("requested_by", is_other(asked.requested_by.as_deref(), found.requested_by.as_deref()), None),
        ("timezone", is_other(booking.timezone.as_deref(), found.timezone.as_deref()), None),
    ];
    not_taken("window", &found.id, end_it, fields)
}

/// What a booking says of the same series, and the series does not say.
pub(super) fn not_taken_of_series(found: &Series, asked: &Series) -> Option<NotTaken> {
    let fields = [
        ("reason", is_other(asked.reason.as_deref(), found.reason.as_deref()), Some(json!(asked.reason))),
        ("message", is_other(asked.message.as_deref(), found.message.as_deref()), Some(json!(asked.message))),
        (
            "mute_alarms",
            mutes_others(asked.mute_alarms.as_deref(), found.mute_alarms.as_deref()),
            Some(json!(asked.mute_alarms)),
        ),
        ("requested_by", is_other(asked.requested_by.as_deref(), found.requested_by.as_deref()), None),
    ];
    not_taken("series", &found.id, "cancel it", fields)
}

fn is_other(given: Option<&str>, has: Option<&str>) -> bool {
    given.is_some() && given != has
}

/// The order of the alarms means nothing.
fn mutes_others(given: Option<&[String]>, has: Option<&[String]>) -> bool {
    let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<String>>();
    given.is_some() && given.map(set) != has.map(set)
}

/// Tells which fields were not taken: of each its name, whether the event says something else, and what `edit` would be
/// given to change it; nothing where no event changes it.
fn not_taken(
    what: &str,
    id: &WindowId,
    end_it: &str,
    fields: impl IntoIterator<Item = (&'static str, bool, Option<Value>)>,
) -> Option<NotTaken> {
    let mut edit = json!({ "action": "edit", "id": id });
    let (mut all, mut changeable, mut fixed) = (vec![], vec![], vec![]);
    for (field, _, given) in fields.into_iter().filter(|(_, is_other, _)| *is_other) {
        all.push(field);
        match given {
            Some(given) => {
                changeable.push(field);
                edit[field] = given;
            }
            None => fixed.push(field),
        }
    }
    let were = match all.as_slice() {
        [] => return None,
        [_] => "was",
        _ => "were",
    };
    let mut parts = vec![format!(" It was there before, so the {} {were} not taken", listed(&all))];
    if !changeable.is_empty() {
        parts.push(format!("edit changes the {}", listed(&changeable)));
    }
    if !fixed.is_empty() {
        parts.push(format!("no event changes its {}: {end_it} and book it anew", listed(&fixed)));
    }
    let sentence = parts.join("; ") + ".";
    let step = (!changeable.is_empty())
        .then(|| remedy(&format!("to change the {} of {what} {id}", listed(&changeable)), &edit));
    Some(NotTaken { sentence, step })
}

/// Refuses a booking whose name is that of a window that is over and not history yet; `left` is what a run just now could
/// not do.
pub(super) fn finishing(found: &Window, left: &[String]) -> Error {
    let over = found.ending.map_or_else(
        || "is over".to_owned(),
        |ending| format!("is over since {}", spoken(ending.at, found.timezone.as_deref())),
    );
    let waits = if found.last_report_is_out() {
        "and becomes history any moment"
    } else {
        "but its last report is not out yet"
    };
    let tries = if left.is_empty() {
        "send the event again in a minute".to_owned()
    } else {
        format!("every sweep tries again; what failed just now: {}", left.join("; "))
    };
    Error::InvalidEvent(vec![format!(
        "id: window {} {over}, {waits}, and until then its name is taken; {tries}; or choose another id",
        found.id
    )])
}
