//! What an event can say, in words, with examples that would be accepted now. Pure.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::Config;

/// What can be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Help {
    /// Each action that people use, in a line.
    pub actions: Vec<String>,
    /// What holds for many of them.
    pub notes: Vec<&'static str>,
    /// Events that would be accepted now, ready to paste.
    pub examples: Vec<Value>,
}

/// An action and the fields of its event.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The action's word.
    pub action: &'static str,
    /// What it does, to continue "it …".
    pub does: &'static str,
    /// The fields that it needs; empty if it needs none.
    pub needs: &'static str,
    /// The fields that it may have besides; empty if it may have none.
    pub may: &'static str,
}

impl Line {
    fn text(&self) -> String {
        let fields = match (self.needs, self.may) {
            ("", "") => String::new(),
            (needs, "") => format!(" Needs {needs}."),
            ("", may) => format!(" May have {may}."),
            (needs, may) => format!(" Needs {needs}. May have {may}."),
        };
        format!("{}: {}.{fields}", self.action, self.does)
    }
}

/// Every action that people use; [`NOTES`] names the fields that many of them share.
pub const LINES: [Line; 16] = [
    line("status", "tells how the site stands, with every window, series and rule", "", "id"),
    line(
        "book",
        "books a window",
        "start, and end or duration",
        "id, timezone, reason, message, rules, mute_alarms, at_end, dry_run",
    ),
    line(
        "book",
        "books a window that recurs",
        "every, duration",
        "id, start, timezone, reason, message, rules, mute_alarms, at_end, dry_run",
    ),
    line(
        "on",
        "starts maintenance now; without an end it lasts until off",
        "",
        "end or duration, id, timezone, reason, message, rules, mute_alarms, at_end, dry_run",
    ),
    line("off", "ends this window now; without id, whatever is in maintenance", "", "id"),
    line("extend", "moves the end of a window; without id, of the one that goes on", "by or end", "id, timezone"),
    line("reschedule", "moves a window that has not begun", "id, and start, end or duration", "timezone"),
    line("cancel", "drops a window that has not begun, or ends a series; without id, the only one", "", "id"),
    line(
        "edit",
        "changes the reason of a window or series, its message for visitors, or the alarms it mutes",
        "id, and reason, message or mute_alarms",
        "",
    ),
    line("skip", "leaves out the next window of a series, or the one at start", "id", "start, timezone"),
    line("unskip", "takes back a skip: the next start that is left out, or the one at start", "id", "start, timezone"),
    line("pause", "lets a series book nothing until it is resumed", "id", ""),
    line("resume", "lets a paused series go on", "id", ""),
    line(
        "check",
        "finds what would make a window fail, and what is wrong with the one that is described",
        "",
        "every, start, end, duration, id, timezone, message, rules, mute_alarms, at_end, dry_run",
    ),
    line("history", "tells of what is over, the latest first", "", "id, since, until, timezone, limit, format"),
    line("help", "tells this, and so does an empty event", "", ""),
];

const fn line(action: &'static str, does: &'static str, needs: &'static str, may: &'static str) -> Line {
    Line { action, does, needs, may }
}

/// What holds for many actions.
pub const NOTES: [&str; 3] = [
    "Every action that decides something, and check, may also have requested_by (who), reason (why) and request_id (a \
     key of your own, under which this is decided once).",
    "A time is 2026-12-06T02:00:00Z, or 2026-12-06T02:00 with timezone beside it; a duration is PT2H30M or 2h 30m.",
    "Two more actions, sweep and wake, are what the stack's own schedules send.",
];

/// What can be sent, with examples that fit the moment and the settings.
#[must_use]
pub fn help(now: Timestamp, config: &Config) -> Help {
    let length = |wanted: SignedDuration| wanted.min(config.max_duration).to_string();
    let (two_hours, half_an_hour) = (length(SignedDuration::from_hours(2)), length(SignedDuration::from_mins(30)));
    Help {
        actions: LINES.iter().map(Line::text).collect(),
        notes: NOTES.to_vec(),
        examples: vec![
            json!({"action": "status"}),
            json!({"action": "book", "start": next_sunday(now), "duration": two_hours, "reason": "Moving the database"}),
            json!({"action": "book", "every": "cron(0 2 ? * SUN *)", "duration": two_hours, "timezone": "Europe/London"}),
            json!({"action": "on", "duration": half_an_hour, "reason": "The payment provider is down"}),
            json!({"action": "off"}),
        ],
    }
}

/// Next Sunday at 02:00 UTC, at least an hour ahead: an example that is pasted late must not begin at once.
fn next_sunday(now: Timestamp) -> Timestamp {
    const HOUR: i64 = 3600;
    const WEEK: i64 = 7 * 24 * HOUR;
    // 1970-01-04.
    const A_SUNDAY_AT_TWO: i64 = 3 * 24 * HOUR + 2 * HOUR;
    let weeks = (now.as_second() + HOUR - A_SUNDAY_AT_TWO).div_euclid(WEEK);
    Timestamp::from_second(A_SUNDAY_AT_TWO + (weeks + 1) * WEEK).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_lies_at_least_an_hour_ahead_and_a_week_at_most() {
        for (now, sunday) in [
            ("2026-12-01T12:00:00Z", "2026-12-06T02:00:00Z"),
            ("2026-12-06T00:59:59.9Z", "2026-12-06T02:00:00Z"),
            ("2026-12-06T01:00:00Z", "2026-12-13T02:00:00Z"),
            ("2026-12-06T02:00:00Z", "2026-12-13T02:00:00Z"),
            ("2026-12-31T23:59:59Z", "2027-01-03T02:00:00Z"),
        ] {
            let now: Timestamp = now.parse().expect("a time");
            assert_eq!(next_sunday(now).to_string(), sunday, "{now}");
        }
    }

    #[test]
    fn an_action_is_a_line_with_its_fields() {
        let lines: Vec<String> = LINES.iter().map(Line::text).collect();
        for told in [
            "extend: moves the end of a window; without id, of the one that goes on. Needs by or end. May have id, timezone.",
            "cancel: drops a window that has not begun, or ends a series; without id, the only one. May have id.",
            "status: tells how the site stands, with every window, series and rule. May have id.",
            "help: tells this, and so does an empty event.",
        ] {
            assert!(lines.iter().any(|line| line == told), "{told}");
        }
    }
}
