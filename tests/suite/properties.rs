//! What holds for every rule and every event, looked for with made-up ones. Each run tries the same, and prints the
//! smallest that fails.

use maintenance_window::{error::Error, event};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{select, subsequence},
    test_runner::RngSeed,
};
use serde_json::{Map, Value, json};

use crate::world::{SECRET, World, rule_arn};

const CASES: u32 = 400;

fn seeded() -> ProptestConfig {
    ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_125),
        ..ProptestConfig::default()
    }
}

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

/// Every field an event may have, and two that none has.
const FIELDS: [&str; 17] = [
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
    "booked_by",
    "message",
    "at_end",
    "dry_run",
    "due",
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
        "-009999-01-01T00:00Z",
        "now",
    ]);
    let lengths = select(vec!["PT2H", "30m", "PT0S", "-PT1H", "P1M", "PT9999999999H", "P10000000Y", "1s", ""]);
    let rest = select(vec![
        "cron(0 2 ? * SUN *)",
        "rate(7 days)",
        "rate(0 days)",
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

fn now<T>(future: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(future)
}

proptest! {
    #![proptest_config(seeded())]

    /// Saved, narrowed and restored, by way of the wire both ways and of a record.
    #[test]
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

    /// Whatever is sent, it is read or refused in sentences that name the field, and read alike each time.
    #[test]
    fn every_event_is_read_or_refused_with_the_fields_named(event in any_event()) {
        now(async {
            let world = World::new(1);
            let read = || event::read(&event, world.now(), "request", &world.config());
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
}
