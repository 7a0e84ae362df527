//! What holds for every rule, event, calendar, item of the table and text, looked for with made-up ones. Each run tries
//! the same few, and prints the smallest that fails; `make fuzz` goes on with others, for as many minutes as it is told.
//!
//! Whatever reads or writes what others made gets a property here, or in a file of its own beside those below.

mod calendars;
mod envelopes;
mod items;
mod pages;
mod writers;

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use maintenance_window::{error::Error, event};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{select, subsequence},
    test_runner::{RngSeed, TestRunner},
};
use serde_json::{Map, Value, json};

use crate::{
    faults::tell,
    schemas::{self, Judge},
    world::{SECRET, World, header, rule_arn},
};

const CASES: u32 = 400;

/// Tries a property with so many made-up values, and goes on with others for as many minutes as `FUZZ_MINUTES` says.
/// `SEED` says with which ones it begins.
#[expect(clippy::disallowed_methods, reason = "how long to search is said from outside")]
fn tried<S: Strategy>(name: &str, cases: u32, values: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let told = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (minutes, first) = (told("FUZZ_MINUTES").unwrap_or(0), told("SEED").unwrap_or(20_261_125));
    let started = Instant::now();
    for round in 1.. {
        let seed = first.wrapping_add(round - 1);
        let config = ProptestConfig {
            cases,
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(seed),
            ..ProptestConfig::default()
        };
        if let Err(failed) = TestRunner::new(config).run(values, &test) {
            panic!("with SEED={seed}: {failed}");
        }
        if started.elapsed() >= Duration::from_secs(60 * minutes) {
            if minutes > 0 {
                tell(&format!("{name}: {} cases", round * u64::from(cases)));
            }
            return;
        }
    }
}

/// Runs a test on a large stack: strategies of many parts need more than a test's thread has.
fn with_room<T: Send + 'static>(test: fn() -> T) -> T {
    const STACK: usize = 64 * 1024 * 1024;
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(test).expect("a thread");
    thread.join().unwrap_or_else(|panicked| std::panic::resume_unwind(panicked))
}

/// Tests that hold for all values of some strategies; so many values are tried at a time, if not `CASES`.
macro_rules! properties {
    ($(#[$meta:meta])* fn $($rest:tt)+) => {
        crate::properties::properties! { crate::properties::CASES; $(#[$meta])* fn $($rest)+ }
    };
    ($cases:expr; $($(#[$meta:meta])* fn $name:ident($($value:ident in $values:expr),+ $(,)?) $body:block)+) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            crate::properties::with_room(|| {
                crate::properties::tried(stringify!($name), $cases, &($($values,)+), |($($value,)+)| {
                    $body
                    Ok(())
                });
            });
        }
    )+}
}
use properties;

/// Values and regular expressions as Elastic Load Balancing takes them; at least one of either.
fn values(pattern: &'static str) -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
    (vec(pattern, 0..4), vec("\\^[a-z]{1,6}(\\.\\*)?\\$", 0..3))
        .prop_filter("a condition holds a value", |(values, regex)| !(values.is_empty() && regex.is_empty()))
}

/// A condition in the wire's form: an empty list is not sent.
fn condition(field: &str, config: &str, rest: &Value, (values, regex): (Vec<String>, Vec<String>)) -> Value {
    let mut held = rest.clone();
    for (key, list) in [("Values", values), ("RegexValues", regex)] {
        if !list.is_empty() {
            held[key] = json!(list);
        }
    }
    json!({ "Field": field, config: held })
}

fn any_condition() -> impl Strategy<Value = Value> {
    let host = values("[a-z0-9*?]{1,8}(\\.[a-z]{2,3})?");
    let path = values("/[a-zA-Z0-9*?_.$~@:+&-]{0,8}");
    let header = ("X-[A-Za-z]{1,8}", values("[a-zA-Z0-9*? ]{1,8}"));
    let pair = (option::of("[a-z*?]{1,5}"), "[a-zA-Z0-9*?]{1,5}");
    prop_oneof![
        host.prop_map(|held| condition("host-header", "HostHeaderConfig", &json!({}), held)),
        path.prop_map(|held| condition("path-pattern", "PathPatternConfig", &json!({}), held)),
        header.prop_map(|(name, held)| condition(
            "http-header",
            "HttpHeaderConfig",
            &json!({ "HttpHeaderName": name }),
            held
        )),
        vec("[A-Z]{3,6}", 1..4).prop_map(|methods| condition(
            "http-request-method",
            "HttpRequestMethodConfig",
            &json!({}),
            (methods, vec![])
        )),
        vec("10\\.[0-9]\\.[0-9]\\.0/24", 1..4).prop_map(|networks| condition(
            "source-ip",
            "SourceIpConfig",
            &json!({}),
            (networks, vec![])
        )),
        vec(pair, 1..4).prop_map(|pairs| {
            let pairs: Vec<Value> = pairs
                .into_iter()
                .map(|(key, value)| key.map_or(json!({ "Value": value }), |key| json!({ "Key": key, "Value": value })))
                .collect();
            json!({ "Field": "query-string", "QueryStringConfig": { "Values": pairs } })
        }),
    ]
}

/// A rule within the load balancer's quotas: five values, five wildcards.
fn any_rule() -> impl Strategy<Value = Vec<Value>> {
    let count = |rule: &[Value], list: &str| -> usize {
        let configs = rule.iter().filter_map(Value::as_object).flat_map(Map::values);
        configs.filter_map(|config| config[list].as_array()).map(Vec::len).sum()
    };
    vec(any_condition(), 1..4)
        .prop_filter("five values", move |rule| count(rule, "Values") + count(rule, "RegexValues") <= 5)
        .prop_filter("five wildcards", |rule| json!(rule).to_string().matches(['*', '?']).count() <= 5)
}

/// Settings of the bypass header that can be used.
fn any_bypass() -> impl Strategy<Value = [(&'static str, String); 2]> {
    let names = select(vec!["x-maintenance-bypass", "X-Maintenance-Bypass", "x-other-way-in"]);
    let second = "second-secret-0123456789";
    let values = select(vec![SECRET.to_owned(), format!("{SECRET},{second}"), format!("{second}, {SECRET}")]);
    (names, values).prop_map(|(name, value)| [("BYPASS_HEADER_NAME", name.to_owned()), ("BYPASS_HEADER_VALUE", value)])
}

/// One line of what people type, with all that means something to a report or to a chat.
fn any_line() -> impl Strategy<Value = String> {
    let meaning = select(vec![
        " UTC (",
        "UTC",
        "```",
        "``",
        "`",
        "&",
        "<",
        ">",
        "&amp;",
        "<!channel>",
        "<https://example.com|here>",
        "*",
        "_",
        "~",
        "\\",
        "\"",
        "'",
        "{}",
        "{reason}",
        "%s",
        "To do: ",
        "Note: ",
        "Reason    ",
        ":warning:",
    ]);
    let part = prop_oneof![3 => meaning.prop_map(str::to_owned), 1 => "\\PC{1,6}"];
    vec(part, 1..12).prop_map(|parts| format!("x{}x", parts.concat()).replace(['\u{2028}', '\u{2029}'], ""))
}

/// Every field an event may have, and two that none has.
const FIELDS: [&str; 20] = [
    "action",
    "start",
    "end",
    "duration",
    "by",
    "every",
    "timezone",
    "id",
    "rules",
    "reason",
    "requested_by",
    "request_id",
    "message",
    "at_end",
    "dry_run",
    "due",
    "since",
    "limit",
    "ids",
    "Start",
];

/// What people, programs and accidents put into fields.
fn any_value() -> impl Strategy<Value = Value> {
    let words = select(&event::ACTIONS[..]).prop_map(|word| json!(word));
    let times = select(vec![
        "2026-12-06T02:00Z",
        "2026-12-06T04:00:00+01:00",
        "2026-12-06T02:00[Europe/London]",
        "2026-12-06T02:00",
        "2026-03-29T01:30",
        "2026-12-06",
        "2020-01-01T00:00Z",
        "9999-12-31T23:59:59Z",
        "9999-12-30T21:59:59Z",
        "0000-01-01T00:00Z",
        "-009999-01-01T00:00Z",
        "1796522400",
        "now",
    ]);
    let lengths = select(vec![
        "PT2H",
        "30m",
        "PT0S",
        "-PT1H",
        "P1M",
        "PT9999999999H",
        "P10000000Y",
        "P999999999D",
        "P7304484D",
        "PT9223372036854775807S",
        "PT631107417600S",
        "1s",
        "",
    ]);
    let rest = select(vec![
        "cron(0 2 ? * SUN *)",
        "rate(7 days)",
        "rate(0 days)",
        "rate(1 minute)",
        "rate(1827 days)",
        "cron()",
        "Europe/London",
        "UTC",
        "Mars/Base",
        "w",
        "with blank",
        "hold",
        "reopen",
        "reopen_if_healthy",
        "e\u{301}\u{0}\n",
        "\u{202e}",
    ]);
    let text = prop_oneof![times, lengths, rest].prop_map(|text| json!(text));
    let other = prop_oneof![
        any::<bool>().prop_map(|flag| json!(flag)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!([rule_arn(0)])),
        Just(json!([rule_arn(0), rule_arn(0)])),
        Just(json!([rule_arn(9), 7])),
        ".{0,12}".prop_map(|text| json!(text)),
        "x{290,310}".prop_map(|text| json!(text)),
    ];
    prop_oneof![1 => words, 6 => text, 3 => other]
}

fn any_event() -> impl Strategy<Value = Value> {
    let action = option::weighted(0.8, select(&event::ACTIONS[..]));
    let fields = subsequence(FIELDS.to_vec(), 0..7)
        .prop_flat_map(|names| names.into_iter().map(|name| (Just(name), any_value())).collect::<Vec<_>>());
    let object = (action, fields).prop_map(|(action, fields)| {
        let mut event: Map<String, Value> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        event.extend(action.map(|action| ("action".to_owned(), json!(action))));
        Value::Object(event)
    });
    prop_oneof![20 => object, 1 => any_value()]
}

/// Texts made of the parts of times, in an order that a time may have or not.
fn any_time() -> impl Strategy<Value = String> {
    let dates = select(vec!["2026-12-06", "20261206", "2026-02-30", "9999-12-31", "2026-1-6", "٢٠٢٦-12-06", ""]);
    let between = select(vec!["T", "t", " ", "\u{a0}", "  ", "", "_"]);
    let clocks =
        select(vec!["02:00", "0200", "02:00:00", "020000", "02:00:00.5", "02:00:00.1234567891", "25:00", "2:00", ""]);
    let offsets = select(vec![
        "",
        "",
        "Z",
        "z",
        "+01:00",
        "-0530",
        "+01",
        "+01:0",
        "\u{2212}05:00",
        "+25:59",
        "+26:00",
        "+01:75",
    ]);
    let zones = select(vec![
        "",
        "",
        "[Europe/London]",
        "[!Europe/London]",
        "[+01:00]",
        "[!-05]",
        "[europe/london]",
        "[Mars/Base]",
        "[Factory]",
        "[etc/Unknown]",
        "[]",
        "[!]",
        "[+1]",
        "[Europe/London",
        "Europe/London]",
        "[Europe/London ]",
    ]);
    let calendars =
        select(vec!["", "", "[u-ca=gregory]", "[!u-ca=iso8601]", "[u-ca=hebrew]", "[Europe/London]", "\u{200b}", "\n"]);
    (dates, between, clocks, offsets, zones, calendars).prop_map(|(date, between, clock, offset, zone, calendar)| {
        [date, between, clock, offset, zone, calendar].concat()
    })
}

fn now<T>(future: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(future)
}

properties! {
    /// Saved, narrowed and restored, by way of the wire both ways and of the table.
    fn every_rule_is_narrowed_and_comes_back_as_it_was(rule in any_rule()) {
        now(async {
            let world = World::new(1);
            world.set_conditions(0, rule.clone());
            world.invoke(json!({"action": "on"})).await.expect("on");
            prop_assert!(world.is_dark(0));
            world.invoke(json!({"action": "off"})).await.expect("off");
            prop_assert_eq!(world.conditions(0), rule);
            prop_assert_eq!(world.events(), ["started", "completed"]);
            world.no_secret_was_said();
            Ok(())
        })?;
    }

    /// In mail and in the document it is the very same; in chat, once chat has read its escapes.
    fn what_people_typed_arrives_as_they_typed_it(
        reason in any_line(), requested_by in any_line(), message in any_line(),
    ) {
        now(async {
            let world = World::new(1);
            let event = json!({
                "id": "w", "start": "2026-12-06T02:00", "duration": "PT2H", "timezone": "Europe/Berlin",
                "reason": reason, "requested_by": requested_by, "message": message,
            });
            world.invoke(event).await.expect("booked");
            let state = world.state();
            let report = &state.published[0];
            let chat: Value = serde_json::from_str(report.message["https"].as_str().expect("chat")).expect("JSON");
            let shown = chat["content"]["description"].as_str().expect("text");
            prop_assert_eq!(shown.matches("```").count(), 4, "two blocks, and nothing ends one early: {}", shown);
            let marks: usize = ["&amp;", "&lt;", "&gt;"].iter().map(|mark| shown.matches(mark).count()).sum();
            prop_assert_eq!(shown.matches(['&', '<', '>']).count(), marks);
            let read = shown.replace('\u{200b}', "");
            let read = read.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            let mail = report.message["email"].as_str().expect("a mail");
            for (label, typed) in [("Reason", &reason), ("Asked by", &requested_by), ("Visitors", &message)] {
                let line = format!("\n{label:<10}{typed}\n");
                prop_assert!(mail.contains(&line), "{}: {}", line, mail);
                prop_assert!(read.contains(&line), "{}: {}", line, read);
            }
            let window = &report.document["window"];
            prop_assert_eq!(
                (&window["reason"], &window["requested_by"], &window["message"]),
                (&json!(reason), &json!(requested_by), &json!(message))
            );
            Ok(())
        })?;
    }

    /// Other values, another name or none that can be used: what was saved says how the rule was narrowed.
    fn every_rule_comes_back_as_it_was_whatever_becomes_of_the_bypass_header(
        rule in any_rule(), before in any_bypass(), after in any_bypass(), usable in any::<bool>(), swept in any::<bool>()
    ) {
        now(async {
            let mut world = World::new(1);
            world.settings.extend(before);
            world.set_conditions(0, rule.clone());
            Box::pin(world.invoke(json!({"action": "on"}))).await.expect("on");
            prop_assert!(world.is_dark(0));
            world.settings.extend(after);
            if !usable {
                world.settings.insert("BYPASS_HEADER_VALUE", "short".to_owned());
            }
            if swept {
                Box::pin(world.invoke(json!({"action": "sweep"}))).await.expect("swept");
            }
            Box::pin(world.invoke(json!({"action": "off"}))).await.expect("off");
            prop_assert_eq!(world.conditions(0), rule);
            let told: Vec<String> = world.events().into_iter().filter(|event| event != "failed").collect();
            prop_assert_eq!(told, ["started", "completed"]);
            prop_assert_eq!(world.count("failed"), usize::from(swept && !usable), "the setting is told, and nothing else");
            world.no_secret_was_said();
            Ok(())
        })?;
    }

    /// A header of the bypass header's name is its owner's if its value is: such a rule is refused, and stays as it is.
    fn a_rule_that_demands_the_bypass_headers_name_with_a_value_of_its_owners_is_never_changed(
        rule in any_rule(), lock in "[a-z]{4,12}", at in any::<prop::sample::Index>()
    ) {
        now(async {
            let world = World::new(1);
            let mut conditions = rule;
            conditions.truncate(2);
            conditions.insert(at.index(conditions.len() + 1), header("X-Maintenance-Bypass", &lock));
            world.set_conditions(0, conditions.clone());
            let refused = Box::pin(world.invoke(json!({"action": "on"}))).await;
            prop_assert_eq!(refused.map_err(|error| error.kind()).err(), Some("InvalidEvent"));
            for action in ["off", "sweep"] {
                Box::pin(world.invoke(json!({"action": action}))).await.expect(action);
            }
            prop_assert_eq!(world.conditions(0), conditions);
            prop_assert_eq!(world.events(), [""; 0]);
            Ok(())
        })?;
    }

    /// Whatever somebody makes of a rule during a window is narrowed too, is told once, and stands at the end.
    fn what_is_made_of_a_rule_during_a_window_is_what_comes_back(rule in any_rule(), other in any_rule()) {
        now(async {
            let world = World::new(1);
            world.set_conditions(0, rule);
            Box::pin(world.invoke(json!({"action": "on"}))).await.expect("on");
            world.set_conditions(0, other.clone());
            for _ in 0..2 {
                Box::pin(world.invoke(json!({"action": "sweep"}))).await.expect("swept");
                prop_assert!(world.is_dark(0));
            }
            Box::pin(world.invoke(json!({"action": "off"}))).await.expect("off");
            prop_assert_eq!(world.conditions(0), other);
            prop_assert_eq!(world.events(), ["started", "drift", "completed"]);
            world.no_secret_was_said();
            Ok(())
        })?;
    }

    /// Whatever is sent, it is read or refused in sentences that name the field, and read alike each time.
    fn every_event_is_read_or_refused_with_the_fields_named(event in any_event()) {
        now(async {
            let world = World::new(1);
            let read = || event::read(&event, world.now(), &world.config());
            match (read(), read()) {
                (Ok(once), Ok(again)) => prop_assert_eq!(once, again),
                (Err(Error::InvalidEvent(problems)), Err(Error::InvalidEvent(again))) => {
                    prop_assert!(!problems.is_empty());
                    for problem in &problems {
                        let field = problem.split_once(": ").map(|(field, _)| field);
                        let named = field.is_some_and(|field| FIELDS.contains(&field));
                        prop_assert!(named || problem.starts_with("expected a JSON object"), "{}", problem);
                        prop_assert!(!problem.contains(SECRET), "{}", problem);
                    }
                    prop_assert_eq!(problems, again);
                }
                (once, again) => prop_assert!(false, "{:?} and then {:?}", once, again),
            }
            Ok(())
        })?;
    }

    /// The first and the last moments that the calendar has are read like any other.
    fn no_event_is_too_much_at_any_moment(event in any_event()) {
        now(async {
            let config = World::new(1).config();
            for moment in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
                if let Err(Error::InvalidEvent(problems)) = event::read(&event, moment, &config) {
                    prop_assert!(!problems.is_empty(), "{}", event);
                }
            }
            Ok(())
        })?;
    }

    /// What the schema takes for a time is one, unless its numbers or names are of none; and the other way round.
    fn the_schema_and_the_function_know_the_same_times(text in any_time(), placed in any::<bool>()) {
        static JUDGES: OnceLock<[Judge; 2]> = OnceLock::new();
        now(async {
            let config = World::new(1).config();
            let mut event = json!({"action": "skip", "id": "w", "start": text});
            if placed {
                event["timezone"] = json!("UTC");
            }
            let problem = match event::read(&event, Timestamp::UNIX_EPOCH, &config) {
                Err(Error::InvalidEvent(problems)) => Some(problems.join("; ")),
                _ => None,
            };
            let of_no_time = ["that exist", "that the calendar holds", "to agree", "IANA time zone", "an offset such as"];
            let looks_fine = problem.as_ref().is_some_and(|problem| {
                of_no_time.iter().any(|part| problem.contains(part)) && !problem.contains("no place")
            });
            for judge in JUDGES.get_or_init(schemas::both) {
                match judge.refusal(&event) {
                    None => prop_assert!(problem.is_none() || looks_fine, "{:?}: {:?}", text, problem),
                    Some(refusal) => prop_assert!(problem.is_some(), "{:?}: {}", text, refusal),
                }
            }
            Ok(())
        })?;
    }
}
