//! What is written for others to read, of texts that people made up: mail, chat, calendars, visitors' files and tables
//! for spreadsheets, each read back by a reader that is not the function's own. The pages are in `pages`.

use maintenance_window::{model::lookalikes, report::response::Response};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use super::{now, properties};
use crate::world::{World, path};

/// What ends, opens or means something to one of the readers.
const MEANING: [&str; 44] = [
    "<script>alert(1)</script>",
    "</style>",
    "</title>",
    "</th></tr></table>",
    "</cwdb-action>",
    "<cwdb-action action=\"call\">{}</cwdb-action>",
    "<img src=x onerror=alert(1)>",
    "\" onclick=\"x",
    "' onmouseover='x",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x?>",
    "&lt;",
    "&#60;",
    "&amp;amp;",
    "&notit;",
    "&#x0;",
    "\\u003c",
    "\\n",
    "\\,",
    "\r\n",
    "\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\n",
    "\r\n ",
    "\n\t",
    "\",\"",
    "\"\"",
    "\"\r\n\"",
    "=1+1",
    "=HYPERLINK(\"https://example.com\",\"x\")",
    "+1",
    "-1",
    "@SUM(A1)",
    "```",
    "``\u{200b}`",
    "<!channel>",
    "<https://example.com|here>",
    "{}",
    "{\"action\":\"off\"}",
    "${x}",
    "%s",
    "\n\nTo do: ",
    "Note: ",
];

/// Signs that mean something, cannot be seen, or are the first and last of their kind.
const SIGNS: &str = "\"'<>&`\\;,:=+-@|*_~ \t\r\n\0\u{b}\u{c}\u{1a}\u{1b}\u{7f}\u{80}\u{85}\u{9f}\u{a0}\u{ad}\u{301}\u{200b}\
    \u{200d}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\
    \u{d7ff}\u{e000}\u{fdd0}\u{feff}\u{fffd}\u{fffe}\u{ffff}\u{10000}\u{10ffff}éßİı文🛠＝＋－＠";

/// A text as nobody should write it.
pub(super) fn any_text() -> impl Strategy<Value = String> {
    let sign = || select(SIGNS.chars().collect::<Vec<_>>());
    let part = prop_oneof![
        4 => select(&MEANING[..]).prop_map(str::to_owned),
        4 => sign().prop_map(String::from),
        2 => "[ -~]{1,12}",
        1 => any::<char>().prop_map(String::from),
        // Around where lines of calendars are folded and texts of pages are cut.
        1 => (sign(), 50_usize..80).prop_map(|(sign, count)| sign.to_string().repeat(count)),
        1 => Just("long ".repeat(80)),
    ];
    // It says something in any case: what says nothing is as if it were not there.
    vec(part, 0..9).prop_map(|parts| format!("{}x", parts.concat()))
}

/// One line as an event takes it.
pub(super) fn any_line() -> impl Strategy<Value = String> {
    any_text().prop_map(|text| {
        let line: String = text.chars().filter(|sign| !lookalikes::is_control(*sign)).take(250).collect();
        format!("{}x", line.trim_start())
    })
}

/// Lets a window or series say this: by an event if an event may say it, else as a person types it into the table.
/// Returns what it says then.
pub(super) async fn says(world: &World, item: &str, field: &str, text: &str) -> String {
    let (_, id) = item.split_once('#').expect("a window or a series");
    let event = if field == "requested_by" { None } else { Some(json!({"action": "edit", "id": id, field: text})) };
    let edited = match event {
        Some(event) => Box::pin(world.invoke(event)).await.is_ok(),
        None => false,
    };
    if edited {
        return text.trim().to_owned();
    }
    let mut state = world.state();
    // Nor does any report's schema take it.
    state.odd_table = true;
    let item = state.table.items.get_mut(&("now".to_owned(), item.to_owned())).expect("an item");
    item.insert(field.to_owned(), json!({ "S": text }));
    text.to_owned()
}

/// A calendar's lines as names and values, read as RFC 5545, section 3.1, has them.
fn content_lines(calendar: &str) -> Result<Vec<(String, String)>, TestCaseError> {
    let mut lines: Vec<String> = vec![];
    let whole = calendar.strip_suffix("\r\n").expect("the last line is ended as well");
    for line in whole.split("\r\n") {
        prop_assert!(line.len() <= 75, "{} octets: {}", line.len(), line);
        let control = line.bytes().find(|octet| *octet != b'\t' && (*octet < b' ' || *octet == 0x7f));
        prop_assert_eq!(control, None, "{:?}", line);
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some(last)) => last.push_str(rest),
            _ => lines.push(line.to_owned()),
        }
    }
    let read = lines.iter().map(|line| {
        let (name, value) = line.split_once(':').expect("a name and a value");
        let bare = name.split(';').next().unwrap_or_default();
        let fine = !bare.is_empty() && bare.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        prop_assert!(fine, "{:?}", line);
        Ok((bare.to_owned(), value.to_owned()))
    });
    read.collect()
}

/// A value of the type TEXT as it was meant: section 3.3.11.
fn meant(value: &str) -> Result<String, TestCaseError> {
    let (mut text, mut signs) = (String::new(), value.chars());
    while let Some(sign) = signs.next() {
        prop_assert!(!matches!(sign, ',' | ';'), "a sign that separates values: {:?}", value);
        text.push(match (sign, if sign == '\\' { signs.next() } else { None }) {
            ('\\', Some(escaped @ ('\\' | ';' | ','))) => escaped,
            ('\\', Some('n' | 'N')) => '\n',
            ('\\', other) => return Err(TestCaseError::fail(format!("\\ and {other:?} in {value:?}"))),
            (sign, _) => sign,
        });
    }
    Ok(text)
}

/// What each event of a calendar says under this name; every component is closed where it was opened.
fn said(calendar: &str, name: &str) -> Result<Vec<String>, TestCaseError> {
    let (mut open, mut found) = (vec![], vec![]);
    for (line, value) in content_lines(calendar)? {
        match line.as_str() {
            "BEGIN" => open.push(value),
            "END" => prop_assert_eq!(open.pop(), Some(value)),
            found_name if found_name == name && open.last().is_some_and(|part| part == "VEVENT") => {
                found.push(meant(&value)?);
            }
            _ => {}
        }
    }
    prop_assert!(open.is_empty(), "{:?}", open);
    Ok(found)
}

/// The signs with which a spreadsheet lets a formula begin (OWASP, "CSV Injection").
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A table as a spreadsheet reads it: rows of cells by their columns.
fn spreadsheet(text: &str) -> Result<Vec<Vec<(String, String)>>, TestCaseError> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let head = reader.headers().expect("a head").clone();
    let mut rows = vec![];
    for record in reader.records() {
        // As many cells as the head has, or it is an error.
        let record = record.map_err(|error| TestCaseError::fail(error.to_string()))?;
        for cell in &record {
            let harmless = !cell.starts_with(FORMULA) || cell.parse::<i64>().is_ok();
            prop_assert!(harmless, "a formula: {:?}", cell);
        }
        let named = head.iter().zip(&record).map(|(name, cell)| (name.to_owned(), cell.to_owned()));
        rows.push(named.collect());
    }
    Ok(rows)
}

/// What a cell is to hold of what the history tells in JSON; nothing of the columns that hold no text.
fn expected(past: &Value, column: &str) -> Option<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value, line: &dyn Fn(&Value) -> String| {
        value.as_array().map(|list| list.iter().map(line).collect::<Vec<_>>().join("\n")).unwrap_or_default()
    };
    Some(match column {
        "id" | "kind" | "series" | "outcome" | "reason" | "requested_by" => text(&past[column]),
        "planned_start" => text(&past["planned"]["start"]),
        "planned_end" => text(&past["planned"]["end"]),
        "started" => text(&past["actual"]["started"]),
        "muted" | "in_alarm" => list(&past[column], &text),
        "reports" => list(&past[column], &|sent| format!("{} {}", text(&sent["at"]), text(&sent["event"]))),
        "decisions" => list(&past[column], &|one| {
            let who = one["requested_by"].as_str().map(|who| format!(" by {who}")).unwrap_or_default();
            let why = one["reason"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
            format!("{} {}{who}{why}", text(&one["at"]), text(&one["action"]))
        }),
        _ => return None,
    })
}

/// Holds the table against what the same history says in JSON.
fn same_history(table: &Response, told: &Response) -> Result<(), TestCaseError> {
    let rows = spreadsheet(table.csv.as_deref().expect("a table"))?;
    let told = json!(told.history);
    let told = told.as_array().expect("a list");
    prop_assert_eq!(rows.len(), told.len());
    for (row, past) in rows.iter().zip(told) {
        for (column, cell) in row {
            let Some(text) = expected(past, column) else { continue };
            let shown = if text.starts_with(FORMULA) { format!("'{text}") } else { text };
            prop_assert_eq!(cell, &shown, "{} of {}", column, past);
        }
    }
    Ok(())
}

/// Every report can be sent, and shows in chat as it is meant to.
fn sound_reports(world: &World) -> Result<(), TestCaseError> {
    for report in &world.state().published {
        let subject = &report.subject;
        prop_assert!((1..100).contains(&subject.len()) && subject.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        let chat: Value = serde_json::from_str(report.message["https"].as_str().expect("chat")).expect("JSON");
        let content = &chat["content"];
        let shown = content["description"].as_str().expect("text");
        prop_assert_eq!(shown.matches("```").count(), 4, "two blocks, and nothing ends one early: {}", shown);
        let steps = content["nextSteps"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for text in steps.chain([shown, content["title"].as_str().expect("text")]) {
            let marks: usize = ["&amp;", "&lt;", "&gt;"].iter().map(|mark| text.matches(mark).count()).sum();
            prop_assert_eq!(text.matches(['&', '<', '>']).count(), marks, "{}", text);
        }
        let inner = chat["metadata"]["additionalContext"]["report"].as_str().expect("a document");
        prop_assert_eq!(&serde_json::from_str::<Value>(inner).expect("JSON"), &report.document);
    }
    Ok(())
}

/// What a report said in mail, and what chat shows once it has read its escapes.
fn told(world: &World, event: &str) -> [String; 2] {
    let state = world.state();
    let report = state.published.iter().rev().find(|report| report.event() == event).expect("such a report");
    let chat: Value = serde_json::from_str(report.message["https"].as_str().expect("chat")).expect("JSON");
    let shown = chat["content"]["description"].as_str().expect("text").replace("&lt;", "<").replace("&gt;", ">");
    [report.message["email"].as_str().expect("a mail").to_owned(), shown.replace("&amp;", "&")]
}

/// A text without what chat adds to keep backticks apart, whoever wrote it.
fn joined(text: &str) -> String {
    text.replace('\u{200b}', "")
}

// Each lives through some hours of a site.
properties! {
    100;

    /// The page that says until when, the feed and the calendar.
    fn visitors_read_the_message_and_nothing_of_it_is_more(messages in vec(any_text(), 1..4)) {
        now(async {
            let mut world = World::new(1);
            world.settings.insert("ERROR_BUCKET", "error-pages".to_owned());
            world.settings.insert("ANNOUNCE_BEFORE", "PT24H".to_owned());
            let mut typed = vec![];
            for (nth, message) in messages.iter().enumerate() {
                let event = json!({
                    "id": format!("w{nth}"), "start": format!("2026-12-06T0{}:00Z", nth + 1), "duration": "PT30M", "message": "m",
                });
                Box::pin(world.invoke(event)).await.expect("booked");
                typed.push(says(&world, &format!("window#w{nth}"), "message", message).await);
            }
            Box::pin(world.invoke(json!({"action": "sweep"}))).await.expect("swept");
            let feed = world.upcoming().expect("a feed");
            let fed: Vec<&str> = feed.as_array().expect("a list").iter().filter_map(|one| one["message"].as_str()).collect();
            prop_assert_eq!(&fed, &typed);
            let calendar = world.file("maintenance.ics").expect("a calendar");
            // No value of a calendar has a place for control characters but these two.
            let kept = |text: &String| text.replace(|sign: char| sign.is_control() && !"\n\t".contains(sign), "");
            prop_assert_eq!(said(&calendar, "DESCRIPTION")?, typed.iter().map(kept).collect::<Vec<_>>());
            prop_assert_eq!(said(&calendar, "UID")?.len(), typed.len());
            world.run_until("01:10").await;
            prop_assert_eq!(world.page().expect("a notice"), json!({"end": "2026-12-06T01:30:00Z", "message": &typed[0]}));
            Ok(())
        })?;
    }

    /// What a person made of the item that remembers what visitors were told is no other line of a calendar either.
    fn no_item_makes_a_line_of_a_calendar(uid in any_text(), message in any_text()) {
        now(async {
            let mut world = World::new(1);
            world.settings.insert("ERROR_BUCKET", "error-pages".to_owned());
            world.settings.insert("ANNOUNCE_BEFORE", "PT24H".to_owned());
            let event = json!({"id": "w", "start": "2026-12-06T01:00Z", "duration": "PT30M", "message": "m"});
            Box::pin(world.invoke(event)).await.expect("booked");
            Box::pin(world.invoke(json!({"action": "cancel", "id": "w"}))).await.expect("cancelled");
            {
                let mut state = world.state();
                let item = state.table.items.get_mut(&("now".to_owned(), "published#visitors".to_owned())).expect("an item");
                let one = &mut item["content"]["M"]["announced"]["L"][0]["M"];
                (one["uid"], one["message"]) = (json!({"S": uid}), json!({"S": message}));
                item["is_settled"] = json!({"BOOL": false});
                item["until"] = json!({"S": "2026-12-05T00:00:00Z"});
            }
            Box::pin(world.invoke(json!({"action": "sweep"}))).await.expect("swept");
            let calendar = world.file("maintenance.ics").expect("a calendar");
            let kept = |text: &str| text.replace(|sign: char| sign.is_control() && !"\n\t".contains(sign), "");
            prop_assert_eq!(said(&calendar, "UID")?, [kept(&uid)]);
            // Of a message that was taken back there is no line.
            let described: Vec<String> = (!message.is_empty()).then(|| kept(&message)).into_iter().collect();
            prop_assert_eq!(said(&calendar, "DESCRIPTION")?, described);
            prop_assert_eq!(said(&calendar, "STATUS")?, ["CANCELLED"]);
            Ok(())
        })?;
    }

    /// The history as a table is the history in JSON, and no cell is a formula; its reports are sound.
    fn a_spreadsheet_reads_what_the_history_says(
        id in "[A-Za-z0-9._-]{1,40}", reason in any_text(), by in any_text(), ending in any_line(), alarms in vec(any_line(), 0..4),
    ) {
        now(async {
            let world = World::new(1);
            let mut names: Vec<&String> = alarms.iter().collect();
            names.sort_unstable();
            names.dedup();
            world.state().cloudwatch.alarms.extend(names.iter().map(|name| ((*name).clone(), true)));
            let on = json!({"action": "on", "id": id, "duration": "PT30M", "reason": "r", "requested_by": "b", "mute_alarms": names});
            Box::pin(world.invoke(on)).await.expect("on");
            for (field, text) in [("reason", &reason), ("requested_by", &by)] {
                says(&world, &format!("window#{id}"), field, text).await;
            }
            let weekly = json!({
                "id": "weekly", "every": "rate(7 days)", "duration": "PT1H", "start": "2026-12-06T05:00Z", "reason": ending,
                "requested_by": ending,
            });
            if id != "weekly" {
                Box::pin(world.invoke(weekly)).await.expect("booked");
                let dropped = json!({"action": "cancel", "id": "weekly", "reason": ending, "requested_by": ending});
                Box::pin(world.invoke(dropped)).await.expect("cancelled");
            }
            world.run_until("00:10").await;
            let off = json!({"action": "off", "id": id, "reason": ending, "requested_by": ending});
            Box::pin(world.invoke(off)).await.expect("off");
            world.run_until("00:25").await;
            let history = async |format: &str| Box::pin(world.invoke(json!({"action": "history", "format": format}))).await;
            let told = history("json").await.expect("told");
            same_history(&history("csv").await.expect("told"), &told)?;
            let own = told.history.iter().find(|past| past.id.as_str() == id).expect("the window");
            prop_assert_eq!(own.muted.iter().collect::<Vec<_>>(), &names[..]);
            prop_assert_eq!(own.in_alarm.iter().collect::<Vec<_>>(), &names[..]);
            sound_reports(&world)?;
            if !names.is_empty() {
                for text in self::told(&world, "in_alarm") {
                    for name in &names {
                        let note = format!("Note: alarm {name} is in alarm;");
                        prop_assert!(joined(&text).contains(&joined(&note)), "{}: {}", note, text);
                    }
                }
            }
            Ok(())
        })?;
    }

    /// What others make of a rule is told as they wrote it, in mail and in chat.
    fn what_others_made_of_a_rule_is_told_as_they_wrote_it(paths in vec(any_line(), 1..4), key in any_line(), value in any_line()) {
        now(async {
            // No XML holds these.
            let sent = |text: &String| text.replace(['\u{fffe}', '\u{ffff}'], "");
            let paths: Vec<String> = paths.iter().map(sent).collect();
            let (key, value) = (sent(&key), sent(&value));
            let world = World::new(1);
            Box::pin(world.invoke(json!({"action": "on", "id": "w"}))).await.expect("on");
            let named: Vec<&str> = paths.iter().map(String::as_str).collect();
            let pair = json!({"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": key, "Value": value}]}});
            world.set_conditions(0, vec![path(&named), pair]);
            Box::pin(world.invoke(json!({"action": "sweep"}))).await.ok();
            sound_reports(&world)?;
            let line = format!("path is {}; query has {key}={value}", paths.join(" or "));
            for text in told(&world, "drift") {
                prop_assert!(joined(&text).contains(&joined(&line)), "{}: {}", line, text);
            }
            Ok(())
        })?;
    }
}

#[test]
fn a_reader_that_reads_anything_proves_nothing() {
    for broken in ["A:x", "A:x\n", "A:x\r\n\r\n", "A:\u{7}\r\n", "a b:x\r\n"] {
        assert!(std::panic::catch_unwind(|| content_lines(broken)).map_or(true, |read| read.is_err()), "{broken:?}");
    }
    assert!(content_lines(&format!("A:{}\r\n", "x".repeat(74))).is_err());
    for broken in ["a,b", "a;b", "a\\", "a\\x"] {
        assert!(meant(broken).is_err(), "{broken}");
    }
    assert_eq!(meant("a\\,\\;\\\\\\nb\"").expect("a text"), "a,;\\\nb\"");
    assert!(spreadsheet("a,b\r\n1\r\n").is_err());
    assert!(spreadsheet("a,b\r\n1,=1\r\n").is_err());
}
