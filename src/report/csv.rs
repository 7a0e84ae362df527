//! The history as comma-separated values, as RFC 4180 has them: a line for each window or series, with a head.
//!
//! Who opens it in a spreadsheet opens what people typed: a text that a spreadsheet would take for a formula gets an
//! apostrophe before it.

use jiff::Timestamp;

use super::views::{PastView, Sent};
use crate::model::{id::WindowId, window::Decision};

/// The head: the names of the columns. New ones are added at the end.
const COLUMNS: [&str; 19] = [
    "id",
    "kind",
    "series",
    "outcome",
    "planned_start",
    "planned_end",
    "started",
    "start_late_secs",
    "ended",
    "end_late_secs",
    "closed_seen_after_secs",
    "opened_seen_after_secs",
    "requested_by",
    "reason",
    "decisions",
    "reports",
    "turned_away",
    "muted",
    "in_alarm",
];

/// A cell before it is written.
enum Cell {
    /// What nobody typed.
    Plain(String),
    /// What somebody may have typed.
    Typed(String),
}

/// The whole table, each line ended by CR LF.
#[must_use]
pub fn table(history: &[PastView]) -> String {
    let head = line(COLUMNS.map(|name| Cell::Plain(name.to_owned())));
    history.iter().map(|past| line(cells(past))).fold(head, |table, line| table + &line)
}

/// The cells of one line, in the order of the columns.
fn cells(past: &PastView) -> [Cell; COLUMNS.len()] {
    let moment = |at: Option<Timestamp>| Cell::Plain(at.map(|at| at.to_string()).unwrap_or_default());
    let secs = |secs: Option<i64>| Cell::Plain(secs.map(|secs| secs.to_string()).unwrap_or_default());
    let typed = |text: Option<&str>| Cell::Typed(text.unwrap_or_default().to_owned());
    let outcome = past.outcome.map(|outcome| outcome.word().to_owned());
    let actual = past.actual.unwrap_or_default();
    let decisions: Vec<String> = past.decisions.iter().map(decision).collect();
    let reports: Vec<String> = past.reports.iter().map(|Sent { at, event }| format!("{at} {event}")).collect();
    [
        typed(Some(past.id.as_str())),
        Cell::Plain(past.kind.to_owned()),
        typed(past.series.as_ref().map(WindowId::as_str)),
        Cell::Plain(outcome.unwrap_or_default()),
        moment(past.planned.map(|planned| planned.start)),
        moment(past.planned.and_then(|planned| planned.end)),
        moment(actual.started),
        secs(actual.start_late_secs),
        moment(actual.ended.or(past.ended_at)),
        secs(actual.end_late_secs),
        secs(past.closed_seen_after_secs),
        secs(past.opened_seen_after_secs),
        typed(past.requested_by.as_deref()),
        typed(past.reason.as_deref()),
        Cell::Typed(decisions.join("\n")),
        Cell::Plain(reports.join("\n")),
        Cell::Plain(past.turned_away.map(|count| count.to_string()).unwrap_or_default()),
        Cell::Typed(past.muted.join("\n")),
        Cell::Typed(past.in_alarm.join("\n")),
    ]
}

/// A decision in a line: when, what, who, and why.
fn decision(decision: &Decision) -> String {
    let who = decision.requested_by.as_ref().map(|who| format!(" by {who}")).unwrap_or_default();
    let why = decision.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    format!("{} {}{who}{why}", decision.at, decision.action.word())
}

/// The cells as a line, with its end.
fn line(cells: [Cell; COLUMNS.len()]) -> String {
    cells.map(written).join(",") + "\r\n"
}

/// A cell as it is written: within quotes if it holds what separates cells or lines.
fn written(cell: Cell) -> String {
    let text = match cell {
        // What spreadsheets take for the beginning of a formula (OWASP, "CSV Injection").
        Cell::Typed(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) => {
            format!("'{text}")
        }
        Cell::Plain(text) | Cell::Typed(text) => text,
    };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::window::{
            DecisionKind, Outcome,
            tests::{active, at},
        },
        report::views::{Actual, Planned},
    };

    fn past(reason: &str) -> PastView {
        let window = active();
        PastView {
            id: window.id.clone(),
            kind: "window",
            outcome: Some(Outcome::Completed),
            planned: Some(Planned { start: window.start, end: window.end }),
            actual: Some(Actual { end_late_secs: Some(-600), ..Actual::of(&window) }),
            closed_seen_after_secs: Some(9),
            opened_seen_after_secs: None,
            turned_away: Some(4711),
            muted: vec!["site-5xx".to_owned(), "site-slow".to_owned()],
            in_alarm: vec!["site-slow".to_owned()],
            ended_at: Some(at("03:50:00")),
            reason: Some(reason.to_owned()),
            requested_by: Some("ana".to_owned()),
            series: None,
            decisions: vec![Decision {
                at: at("00:00:00"),
                action: DecisionKind::Book,
                requested_by: Some("ana".to_owned()),
                reason: Some(reason.to_owned()),
                start: None,
                end: None,
            }],
            reports: ["booked", "started"].map(|event| Sent { at: at("00:00:01"), event: event.to_owned() }).to_vec(),
        }
    }

    /// Reads a table as RFC 4180 has it.
    fn read(table: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut cell) = (vec![], vec![], String::new());
        let (mut quoted, mut signs) = (false, table.chars().peekable());
        while let Some(sign) = signs.next() {
            match (sign, quoted) {
                ('"', true) if signs.peek() == Some(&'"') => cell.extend(signs.next()),
                ('"', _) => quoted = !quoted,
                (',', false) => row.push(std::mem::take(&mut cell)),
                ('\r', false) => assert_eq!(signs.next(), Some('\n')),
                (other, _) => cell.push(other),
            }
            if sign == '\r' && !quoted {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
        }
        assert!(row.is_empty() && cell.is_empty(), "each line is ended");
        rows
    }

    #[test]
    fn each_window_is_a_line_under_a_head() {
        let rows = read(&table(&[past("new disks"), past("more, and \"better\" ones")]));
        assert_eq!((rows.len(), rows[0].as_slice()), (3, COLUMNS.map(str::to_owned).as_slice()));
        assert!(rows.iter().all(|row| row.len() == COLUMNS.len()), "{rows:?}");
        let cell = |row: usize, name: &str| {
            let nth = COLUMNS.iter().position(|column| *column == name).expect("a column");
            rows[row][nth].clone()
        };
        for (name, expected) in [
            ("id", "deploy"),
            ("outcome", "completed"),
            ("planned_start", "2026-12-06T02:00:00Z"),
            ("started", "2026-12-06T02:00:01Z"),
            ("ended", "2026-12-06T03:50:00Z"),
            ("end_late_secs", "-600"),
            ("closed_seen_after_secs", "9"),
            ("opened_seen_after_secs", ""),
            ("reason", "new disks"),
            ("turned_away", "4711"),
            ("muted", "site-5xx\nsite-slow"),
            ("in_alarm", "site-slow"),
            ("decisions", "2026-12-06T00:00:00Z book by ana: new disks"),
            ("reports", "2026-12-06T00:00:01Z booked\n2026-12-06T00:00:01Z started"),
        ] {
            assert_eq!(cell(1, name), expected, "{name}");
        }
        assert_eq!(cell(2, "reason"), "more, and \"better\" ones");
    }

    #[test]
    fn nothing_that_somebody_typed_is_a_formula() {
        for reason in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "=HYPERLINK(\"x\",\"y\")"] {
            let rows = read(&table(&[past(reason)]));
            assert!(rows[1].contains(&format!("'{reason}")), "{rows:?}");
            let numbers = |cell: &&String| cell.parse::<i64>().is_err();
            let begins = |cell: &String| cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝']);
            assert!(!rows[1].iter().filter(numbers).any(begins), "{rows:?}");
        }
        assert!(table(&[past("a-b")]).contains(",a-b,"), "what is none stays as it is");
    }

    #[test]
    fn of_nothing_there_is_a_head() {
        assert_eq!(read(&table(&[])).len(), 1);
    }
}
