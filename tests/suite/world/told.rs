//! What visitors and calendars read, held against the table by the contract alone.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::World;

/// What may differ since a run last looked at the clock.
const SLACK: SignedDuration = SignedDuration::from_secs(60);

impl World {
    /// What is wrong with what visitors and calendars read; nothing is while a run is at it.
    pub(crate) fn wrongly_told(&self) -> Option<String> {
        if self.settings.get("ERROR_BUCKET").map(String::as_str) != Some("error-pages") {
            return None;
        }
        let Some(item) = self.published() else { return Some("visitors were never told anything".to_owned()) };
        if item["is_settled"] != json!(true) {
            let until: Timestamp = item["until"].as_str()?.parse().ok()?;
            return (until <= self.now()).then(|| format!("what visitors are told is not settled: {item}"));
        }
        let windows: Vec<Value> = self.windows().iter().filter_map(|id| self.window(id)).collect();
        self.wrong_page(&windows).or_else(|| self.wrong_feeds(&windows))
    }

    fn wrong_page(&self, windows: &[Value]) -> Option<String> {
        let covering: Vec<&Value> =
            windows.iter().filter(|window| window["state"] == "active" || window["state"] == "held").collect();
        let known = covering.iter().all(|window| window["state"] == "active" && window["end"].is_string());
        // Times of one length and zone sort as texts do.
        let end = covering.iter().map(|window| window["end"].clone()).max_by_key(Value::to_string);
        let message = covering.iter().map(|window| &window["message"]).find(|message| message.is_string());
        let expected = end.map(|end| json!({"end": if known { end } else { Value::Null }, "message": message}));
        let found = self.page();
        (found != expected).then(|| format!("the page was told {found:?} in place of {expected:?}"))
    }

    fn wrong_feeds(&self, windows: &[Value]) -> Option<String> {
        let ahead = self.settings.get("ANNOUNCE_BEFORE").and_then(|text| text.parse::<SignedDuration>().ok());
        let (Some(ahead), Some(feed), Some(calendar)) = (ahead, self.upcoming(), self.file("maintenance.ics")) else {
            let there = self.upcoming().is_some() || self.file("maintenance.ics").is_some();
            return (ahead.is_some() || there).then(|| format!("ahead {ahead:?}, but the feeds are there: {there}"));
        };
        let told: BTreeSet<[String; 3]> = feed.as_array()?.iter().map(told).collect();
        let announced = windows.iter().filter(|window| {
            window["message"].is_string() && ["booked", "active", "held"].iter().any(|state| window["state"] == *state)
        });
        let (mut may, mut must) = (BTreeSet::new(), BTreeSet::new());
        for window in announced {
            let mut window = window.clone();
            let start: Timestamp = window["start"].as_str()?.parse().ok()?;
            if window["state"] == "held" {
                window["end"] = Value::Null;
            }
            may.insert(self::told(&window));
            if start.duration_since(self.now()) <= ahead - SLACK {
                must.insert(self::told(&window));
            }
        }
        if !told.is_subset(&may) || !must.is_subset(&told) {
            return Some(format!("{told:?} is announced, where {must:?} must be and {may:?} may be"));
        }
        let missing = told.iter().find(|[start, ..]| {
            let start: String = start.chars().filter(|character| !"\"-:".contains(*character)).collect();
            !calendar.contains(&format!("DTSTART:{start}\r\n"))
        });
        missing.map(|window| format!("{window:?} is not in the calendar: {calendar}"))
    }
}

/// Start, end and message of a window.
fn told(window: &Value) -> [String; 3] {
    ["start", "end", "message"].map(|field| window[field].to_string())
}
