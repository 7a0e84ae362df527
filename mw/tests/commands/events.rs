//! What each command sends, held against the function's own reader.

use std::{collections::BTreeSet, fs, process::Command};

use clap::Parser;
use jiff::Timestamp;
use maintenance_window::{
    config::Config,
    event::{ACTIONS, Request, read},
};
use mw::{
    cli::Cli,
    event::{decides, event},
    shell::Prefix,
};
use serde_json::{Value, json};

const RULE: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/web/lb/listener0/rule000";

fn config() -> Config {
    Config::from_lookup(|key| {
        let value = match key {
            "RULE_ARNS" => RULE,
            "BYPASS_HEADER_NAME" => "X-Maintenance-Bypass",
            "BYPASS_HEADER_VALUE" => "0123456789abcdef0123456789abcdef",
            "SNS_TOPIC_ARN" => "arn:aws:sns:eu-west-1:123456789012:maintenance",
            "TABLE_NAME" | "SCHEDULE_GROUP" => "maintenance",
            "SCHEDULER_ROLE_ARN" => "arn:aws:iam::123456789012:role/scheduler",
            "PROBE_URL" => "https://www.example.com/",
            "MAX_DURATION" => "PT24H",
            _ => return None,
        };
        Some(value.to_owned())
    })
    .expect("settings")
}

fn now() -> Timestamp {
    "2026-12-01T12:00:00Z".parse().expect("a time")
}

fn understood(event: &Value) -> Request {
    read(event, now(), &config()).unwrap_or_else(|error| panic!("{event}: {}", error.full()))
}

fn sent(arguments: &[&str]) -> Value {
    let typed =
        Cli::try_parse_from([&["mw"], arguments].concat()).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
    let made = event(&typed.command, &|| Some("Europe/Berlin".to_owned()));
    made.expect("an event").map(Value::Object).expect("an event")
}

fn refused(arguments: &[&str]) -> String {
    match Cli::try_parse_from([&["mw"], arguments].concat()) {
        Err(error) => error.to_string(),
        Ok(typed) => event(&typed.command, &|| None).expect_err("no event"),
    }
}

/// The options of a window as they are typed.
const OPTIONS: [&str; 10] = [
    "--timezone",
    "Europe/London",
    "--rule",
    RULE,
    "--message",
    "Soon back",
    "--mute-alarm",
    "a",
    "--at-end",
    "reopen_if_healthy",
];

/// The same as an event has them.
fn options() -> Value {
    json!({
        "timezone": "Europe/London", "rules": [RULE], "message": "Soon back", "mute_alarms": ["a"],
        "at_end": "reopen_if_healthy"
    })
}

#[test]
fn each_command_sends_what_the_function_understands() {
    let every = ["--reason", "why", "--requested-by", "ana", "--request-id", "key-1"];
    let with = |arguments: &[&'static str]| [arguments, &every].concat();
    let asked = json!({ "reason": "why", "requested_by": "ana", "request_id": "key-1" });
    let and_asked = |mut event: Value| {
        event.as_object_mut().expect("an object").extend(asked.as_object().expect("an object").clone());
        event
    };
    let and_options = |mut event: Value| {
        event.as_object_mut().expect("an object").extend(options().as_object().expect("an object").clone());
        event
    };
    let cases: Vec<(Vec<&str>, Value)> = vec![
        (vec!["status"], json!({ "action": "status" })),
        (vec!["status", "a", "--expect", "maintenance"], json!({ "action": "status", "id": "a" })),
        (vec!["check"], json!({ "action": "check" })),
        (
            [&["check", "a", "--start", "2026-12-06T02:00", "--for", "2h30m"], &OPTIONS[..]].concat(),
            and_options(json!({ "action": "check", "id": "a", "start": "2026-12-06T02:00", "duration": "PT2H30M" })),
        ),
        (
            vec!["check", "--start", "02:00Z", "--until", "03:00Z"],
            json!({ "action": "check", "start": "02:00Z", "end": "03:00Z" }),
        ),
        (
            vec!["check", "--every", "rate(1 day)", "--for", "1h"],
            json!({ "action": "check", "every": "rate(1 day)", "duration": "PT1H" }),
        ),
        (
            with(&[&["book", "a", "--start", "2026-12-06T02:00", "--for", "PT2H", "--dry-run"], &OPTIONS[..]].concat()),
            and_asked(and_options(
                json!({ "action": "book", "id": "a", "start": "2026-12-06T02:00", "duration": "PT2H", "dry_run": true }),
            )),
        ),
        (
            vec!["book", "--start", "2026-12-06T02:00Z", "--end", "2026-12-06T04:00Z"],
            json!({ "action": "book", "start": "2026-12-06T02:00Z", "end": "2026-12-06T04:00Z" }),
        ),
        (
            vec!["book", "a", "--every", "cron(0 2 ? * SUN *)", "--for", "2h", "--timezone", "local"],
            json!({ "action": "book", "id": "a", "every": "cron(0 2 ? * SUN *)", "duration": "PT2H", "timezone": "Europe/Berlin" }),
        ),
        (vec!["on"], json!({ "action": "on" })),
        (
            with(&[&["on", "a", "--for", "45m", "--dry-run"], &OPTIONS[..]].concat()),
            and_asked(and_options(json!({ "action": "on", "id": "a", "duration": "PT45M", "dry_run": true }))),
        ),
        (
            vec!["on", "--until", "04:00", "--timezone", "Europe/London", "--wait", "--wait-timeout", "1m"],
            json!({ "action": "on", "end": "04:00", "timezone": "Europe/London" }),
        ),
        (vec!["off"], json!({ "action": "off" })),
        (with(&["off", "a"]), and_asked(json!({ "action": "off", "id": "a" }))),
        (vec!["extend", "30m"], json!({ "action": "extend", "by": "PT30M" })),
        (vec!["extend", "-30m", "a"], json!({ "action": "extend", "by": "-PT30M", "id": "a" })),
        (vec!["extend", "-1h30m"], json!({ "action": "extend", "by": "-PT1H30M" })),
        (with(&["extend", "1h", "a"]), and_asked(json!({ "action": "extend", "by": "PT1H", "id": "a" }))),
        (with(&["extend", "--until", "04:00"]), and_asked(json!({ "action": "extend", "end": "04:00" }))),
        (
            vec!["extend", "--until", "04:00", "a", "--timezone", "local"],
            json!({ "action": "extend", "end": "04:00", "id": "a", "timezone": "Europe/Berlin" }),
        ),
        (
            with(&["reschedule", "a", "--start", "2026-12-13T02:00", "--for", "3h", "--timezone", "Europe/London"]),
            and_asked(
                json!({ "action": "reschedule", "id": "a", "start": "2026-12-13T02:00", "duration": "PT3H", "timezone": "Europe/London" }),
            ),
        ),
        (vec!["reschedule", "a", "--until", "05:00"], json!({ "action": "reschedule", "id": "a", "end": "05:00" })),
        (vec!["cancel"], json!({ "action": "cancel" })),
        (with(&["cancel", "a"]), and_asked(json!({ "action": "cancel", "id": "a" }))),
        (
            with(&["skip", "s", "--start", "2026-12-13T02:00", "--timezone", "Europe/London"]),
            and_asked(json!({ "action": "skip", "id": "s", "start": "2026-12-13T02:00", "timezone": "Europe/London" })),
        ),
        (vec!["unskip", "s"], json!({ "action": "unskip", "id": "s" })),
        (with(&["pause", "s"]), and_asked(json!({ "action": "pause", "id": "s" }))),
        (with(&["resume", "s"]), and_asked(json!({ "action": "resume", "id": "s" }))),
        (
            with(&["edit", "a", "--message", "", "--mute-none"]),
            and_asked(json!({ "action": "edit", "id": "a", "message": "", "mute_alarms": [] })),
        ),
        (vec!["edit", "a", "--reason", ""], json!({ "action": "edit", "id": "a", "reason": "" })),
        (vec!["history", "--csv", "--limit", "50"], json!({ "action": "history", "format": "csv", "limit": 50 })),
        (
            vec!["history", "a", "--since", "2026-11-01T00:00", "--until", "2026-12-01T00:00", "--timezone", "UTC"],
            json!({ "action": "history", "id": "a", "since": "2026-11-01T00:00", "until": "2026-12-01T00:00", "timezone": "UTC" }),
        ),
        (vec!["sweep"], json!({ "action": "sweep" })),
    ];
    let mut actions = BTreeSet::new();
    for (arguments, expected) in cases {
        let event = sent(&arguments);
        assert_eq!(event, expected, "{arguments:?}");
        actions.insert(understood(&event).action());
        let keyed = event.as_object().expect("an object").contains_key("request_id");
        assert!(!keyed || decides(event.as_object().expect("an object")), "{arguments:?}");
    }
    // `help` is clap's, and `wake` is the function's own.
    let known =
        BTreeSet::from(ACTIONS.map(|action| action)).into_iter().filter(|action| !["help", "wake"].contains(action));
    assert_eq!(actions, known.collect());
}

#[test]
fn what_decides_takes_a_key_and_what_only_looks_takes_none() {
    for action in ACTIONS {
        let keyed = json!({ "action": action, "id": "a", "request_id": "key-1", "by": "PT1M" });
        let told = read(&keyed, now(), &config()).map_or_else(|error| error.full(), |_| String::new());
        let takes = !told.contains("request_id: ");
        let event = json!({ "action": action });
        // A check and a wake-up pass over it.
        if !["check", "wake"].contains(&action) {
            assert_eq!(decides(event.as_object().expect("an object")), takes, "{action}: {told}");
        }
    }
}

/// Every example, as a command that is typed into a shell, means what it means as an event.
#[test]
fn each_example_can_be_typed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");
    let mut typed = 0;
    for file in fs::read_dir(folder).expect("examples") {
        let path = file.expect("a file").path();
        // What a dashboard sends is no command.
        if path.is_dir() {
            continue;
        }
        let mut example: Value = serde_json::from_str(&fs::read_to_string(&path).expect("a text")).expect("JSON");
        let fields = example.as_object_mut().expect("an object");
        fields.entry("action").or_insert_with(|| "book".into());
        if ["help", "wake"].contains(&fields["action"].as_str().expect("a word")) {
            continue;
        }
        let command = Prefix::default().command(fields).unwrap_or_else(|| panic!("{path:?}"));
        let words = words(&command);
        let again = sent(&words[1..].iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(understood(&again), understood(&example), "{command}");
        typed += 1;
    }
    assert!(typed > 20, "{typed}");
}

#[test]
fn a_shell_reads_every_text_as_it_is() {
    for text in ["it's", "a b", "$(reboot)", "`x`", "a\"b", "--flag", "", "\\", "*", "é", "a;b", "~", "!1"] {
        let event = json!({ "action": "edit", "id": "a", "reason": text });
        let command = Prefix::default().command(event.as_object().expect("an object")).expect("a command");
        let words = words(&command);
        assert_eq!(sent(&words[1..].iter().map(String::as_str).collect::<Vec<_>>()), event, "{command}");
    }
}

/// The words of a command, as a shell splits it.
fn words(command: &str) -> Vec<String> {
    let script = format!("printf '%s\\0' {command}");
    let output = Command::new("sh").args(["-c", &script]).output().expect("a shell");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.strip_suffix('\0').unwrap_or(&text).split('\0').map(str::to_owned).collect()
}

/// A script's variable that is empty must not become "all windows".
#[test]
fn an_empty_name_is_sent_and_refused() {
    for action in ["off", "extend", "cancel", "status"] {
        let mut arguments = vec![action];
        arguments.extend((action == "extend").then_some("30m"));
        arguments.push("");
        let event = sent(&arguments);
        assert_eq!(event["id"], "", "{action}");
        let told = read(&event, now(), &config()).expect_err("refused").full();
        assert!(told.contains("id: expected 1 to 40"), "{told}");
    }
}

#[test]
fn what_makes_no_event_is_refused_before_anything_is_sent() {
    for (arguments, expected) in [
        (&["extend"][..], "expected how much later"),
        (&["extend", "database-move"], "'database-move': expected a duration such as 45m"),
        (&["extend", "30m", "--until", "04:00", "a"], "expected BY or --until, but found both"),
        (&["extend", "30m", "a", "b"], "unexpected"),
        (&["on", "--for=-5m"], "longer than nothing"),
        (&["on", "--for", "soon"], "expected a duration such as 45m"),
        (&["on", "--for", "2 months"], "weeks, days, hours"),
        (&["on", "--for", "5m", "--until", "04:00"], "cannot be used with"),
        (&["on", "--dry-run", "--wait"], "cannot be used with"),
        (&["book", "a"], "--start"),
        (&["book", "--start", "04:00Z"], "--for"),
        (&["reschedule", "a"], "--start"),
        (&["edit", "a"], "--reason"),
        (&["skip"], "<ID>"),
        (&["status", "--expect", "closed"], "maintenance"),
        (&["on", "--timezone", "local"], "no name that is known"),
        (&["onn"], "on"),
    ] {
        let told = refused(arguments);
        assert!(told.contains(expected), "{arguments:?}: {told}");
    }
}
