//! The calendar that visitors subscribe to (RFC 5545): one event for each announced window, times in UTC, which every
//! calendar shows in the zone of whoever reads it.

use jiff::Timestamp;

use crate::model::published::{Announcement, Standing};

/// The longest line in bytes, without its end (section 3.1).
const LINE: usize = 75;

/// What a calendar has to hold at least one component for (section 3.6); a zone is one that shows nothing.
const NOTHING: [&str; 7] = [
    "BEGIN:VTIMEZONE",
    "TZID:Etc/UTC",
    "BEGIN:STANDARD",
    "DTSTART:19700101T000000",
    "TZOFFSETFROM:+0000",
    "TZOFFSETTO:+0000",
    "END:STANDARD",
];

/// The whole calendar.
#[must_use]
pub(super) fn calendar(announced: &[Announcement]) -> String {
    let mut lines: Vec<String> = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//maintenance-window//maintenance-window//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        // Its name and how often it is to be asked for: as RFC 7986 has them, and as older programs do.
        "NAME:Planned maintenance",
        "X-WR-CALNAME:Planned maintenance",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    ]
    .map(str::to_owned)
    .to_vec();
    if announced.is_empty() {
        lines.extend(NOTHING.map(str::to_owned));
        lines.push("END:VTIMEZONE".to_owned());
    }
    lines.extend(announced.iter().flat_map(event));
    lines.push("END:VCALENDAR".to_owned());
    lines.iter().map(|line| folded(line)).collect()
}

fn event(one: &Announcement) -> Vec<String> {
    let changed = moment(one.changed_at);
    let status = if one.standing == Standing::Cancelled { "CANCELLED" } else { "CONFIRMED" };
    let mut lines = vec![
        "BEGIN:VEVENT".to_owned(),
        // A digest, unless a person wrote another one into the table.
        format!("UID:{}", escaped(&one.uid)),
        format!("DTSTAMP:{changed}"),
        format!("LAST-MODIFIED:{changed}"),
        format!("SEQUENCE:{}", one.sequence),
        format!("STATUS:{status}"),
        format!("DTSTART:{}", moment(one.start)),
    ];
    // Without an end it is a moment; an end must come after the start (section 3.8.2.2).
    lines.extend(one.end.filter(|end| *end > one.start).map(|end| format!("DTEND:{}", moment(end))));
    lines.push("SUMMARY:Planned maintenance".to_owned());
    lines.extend((!one.message.is_empty()).then(|| format!("DESCRIPTION:{}", escaped(&one.message))));
    lines.extend([
        // Nobody is busy then, and it is no secret.
        "TRANSP:TRANSPARENT".to_owned(),
        "CLASS:PUBLIC".to_owned(),
        "END:VEVENT".to_owned(),
    ]);
    lines
}

/// A moment in UTC (section 3.3.5, form 2).
fn moment(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A text as a value (section 3.3.11); control characters have no place in one.
fn escaped(text: &str) -> String {
    let mut value = String::new();
    for character in text.chars() {
        match character {
            '\\' | ';' | ',' => value.extend(['\\', character]),
            '\n' => value.push_str("\\n"),
            '\t' => value.push('\t'),
            character if character.is_control() => {}
            character => value.push(character),
        }
    }
    value
}

/// A line with its end, folded so that no part is longer than a line may be, and no character is torn.
fn folded(line: &str) -> String {
    let (mut text, mut length) = (String::new(), 0);
    for character in line.chars() {
        if length + character.len_utf8() > LINE {
            text.push_str("\r\n ");
            length = 1;
        }
        text.push(character);
        length += character.len_utf8();
    }
    text + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{published::tests::announcement, window::tests::at};

    fn lines(one: Announcement) -> Vec<String> {
        let text = calendar(&[one]);
        let unfolded = text.replace("\r\n ", "");
        assert!(
            unfolded.ends_with("END:VCALENDAR\r\n") && !unfolded.contains("\n\r") && !unfolded.contains("\r\n\r\n")
        );
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        unfolded.lines().map(str::to_owned).collect()
    }

    #[test]
    fn an_event_has_times_in_utc_and_says_what_changed_when() {
        let expected = [
            "BEGIN:VEVENT",
            "UID:u",
            "DTSTAMP:20261206T003000Z",
            "LAST-MODIFIED:20261206T003000Z",
            "SEQUENCE:3",
            "STATUS:CONFIRMED",
            "DTSTART:20261206T020000Z",
            "DTEND:20261206T040000Z",
            "SUMMARY:Planned maintenance",
            "DESCRIPTION:Back soon.",
            "TRANSP:TRANSPARENT",
            "CLASS:PUBLIC",
            "END:VEVENT",
        ];
        let found = lines(announcement());
        let from = found.iter().position(|line| line == expected[0]).expect("an event");
        assert_eq!(found[from..from + expected.len()], expected);
        assert_eq!(found[..2], ["BEGIN:VCALENDAR", "VERSION:2.0"]);
    }

    #[test]
    fn what_is_cancelled_says_so_and_what_has_no_end_none() {
        for (standing, status) in [
            (Standing::Cancelled, "STATUS:CANCELLED"),
            (Standing::Over, "STATUS:CONFIRMED"),
            (Standing::Overrunning, "STATUS:CONFIRMED"),
        ] {
            assert!(lines(Announcement { standing, ..announcement() }).contains(&status.to_owned()));
        }
        for end in [None, Some(at("02:00:00")), Some(at("01:00:00"))] {
            assert!(!lines(Announcement { end, ..announcement() }).iter().any(|line| line.starts_with("DTEND")));
        }
    }

    #[test]
    fn without_a_message_an_event_has_no_description() {
        let found = lines(Announcement { message: String::new(), ..announcement() });
        assert!(found.contains(&"SUMMARY:Planned maintenance".to_owned()));
        assert!(!found.iter().any(|line| line.starts_with("DESCRIPTION")));
    }

    #[test]
    fn texts_are_escaped_and_without_control_characters() {
        let message = "a;b,c\\d\ne\r\u{7}\tf:g\"".to_owned();
        let found = lines(Announcement { uid: message.clone(), message, ..announcement() });
        for name in ["UID", "DESCRIPTION"] {
            assert!(found.contains(&format!("{name}:a\\;b\\,c\\\\d\\ne\tf:g\"")), "{found:?}");
        }
    }

    #[test]
    fn no_line_is_longer_than_seventy_five_bytes_and_no_character_is_torn() {
        for character in ["x", "é", "文", "🛠"] {
            for count in 64..300 {
                let message = character.repeat(count);
                let text = calendar(&[Announcement { message: message.clone(), ..announcement() }]);
                let longest = text.split("\r\n").map(str::len).max().expect("lines");
                assert!(longest <= 75 && longest > 70, "{longest}");
                assert!(text.replace("\r\n ", "").contains(&format!("\r\nDESCRIPTION:{message}\r\n")));
            }
        }
    }

    #[test]
    fn a_calendar_without_events_holds_a_zone_since_it_must_hold_something() {
        let text = calendar(&[]);
        assert!(text.contains("\r\nBEGIN:VTIMEZONE\r\n") && text.contains("\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"));
        assert!(!text.contains("VEVENT") && !calendar(&[announcement()]).contains("VTIMEZONE"));
    }
}
