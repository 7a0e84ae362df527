//! Every file in `events/` is read as what its name says, and what events mean besides.

use std::{collections::BTreeSet, fs};

use jiff::{SignedDuration, Timestamp};
use maintenance_window::{
    error::Error,
    event::{self, ACTIONS, Action, Asked, Booking, NewEnd, Request},
    model::window::Covered,
};
use serde_json::{Value, json};

use crate::world::{World, rule_arn};

#[track_caller]
fn read(world: &World, event: &Value) -> Request {
    event::read(event, world.now(), &world.config()).unwrap_or_else(|error| panic!("{event}: {}", error.full()))
}

fn refusals(world: &World, event: &Value) -> Vec<String> {
    match event::read(event, world.now(), &world.config()) {
        Err(Error::InvalidEvent(problems)) => problems,
        other => panic!("{event}: {other:?}"),
    }
}

#[track_caller]
fn booking(request: Request) -> Booking {
    match request.action {
        Action::Book(booking) | Action::On(booking) => booking,
        other => panic!("{other:?}"),
    }
}

fn example(name: &str) -> Value {
    let text = fs::read_to_string(format!("{}/events/{name}.json", env!("CARGO_MANIFEST_DIR"))).expect("text");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn every_example_is_accepted_and_every_action_has_one() {
    let world = World::new(1);
    let mut seen = BTreeSet::new();
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/events")).expect("events") {
        let path = file.expect("a file").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let action = read(&world, &example(&name)).action();
        assert!(name == action || name.starts_with(&format!("{action}-")), "{name} asks for {action}");
        seen.insert(action);
    }
    assert_eq!(seen, BTreeSet::from(ACTIONS));
}

#[tokio::test(start_paused = true)]
async fn a_local_time_a_duration_and_no_action_mean_what_they_look_like() {
    let world = World::new(1);
    let read = |name: &str| booking(read(&world, &example(name)));
    for name in ["book", "book-from-scheduler"] {
        let window = read(name);
        let span = (window.start.to_string(), window.end.expect("an end").to_string());
        assert_eq!(span, ("2026-12-06T02:00:00Z".to_owned(), "2026-12-06T04:00:00Z".to_owned()), "{name}");
    }
    assert!(read("book-dry-run").dry_run);
}

#[tokio::test(start_paused = true)]
async fn who_why_and_under_which_key_are_read_for_everything_that_decides() {
    let world = World::new(1);
    let said = |text: &str| Some(text.to_owned());
    let asked = Asked { requested_by: said("Zoë"), reason: said("why"), request_id: said("a/b:c") };
    for (action, rest) in [
        ("book", json!({"start": "2026-12-06T02:00Z", "duration": "PT2H"})),
        ("book", json!({"every": "rate(7 days)", "duration": "PT2H"})),
        ("on", json!({})),
        ("off", json!({})),
        ("extend", json!({"id": "w", "by": "PT5M"})),
        ("reschedule", json!({"id": "w", "duration": "PT2H"})),
        ("cancel", json!({"id": "w"})),
        ("skip", json!({"id": "w"})),
        ("pause", json!({"id": "w"})),
        ("resume", json!({"id": "w"})),
    ] {
        let mut event = rest;
        event["action"] = json!(action);
        assert_eq!(read(&world, &event).asked, Asked::default());
        event["requested_by"] = json!(" Zoë ");
        event["reason"] = json!("why");
        event["request_id"] = json!("a/b:c");
        let request = read(&world, &event);
        assert_eq!((request.action(), &request.asked), (action, &asked));
        if let Action::Recur(recurring) = request.action {
            assert_eq!((recurring.series.requested_by, recurring.series.reason), (said("Zoë"), said("why")));
        }
        event["booked_by"] = json!("Zoë");
        let told = format!("booked_by: {action} knows no such field; use requested_by");
        assert_eq!(refusals(&world, &event), [told]);
    }
    assert_eq!(read(&world, &example("book-from-scheduler")).asked.request_id, said("<aws.scheduler.execution-id>"));
}

#[tokio::test(start_paused = true)]
async fn rules_left_out_are_all_rules_and_named_ones_are_those() {
    let world = World::new(2);
    let on = |event: Value| booking(read(&world, &event)).rules;
    assert_eq!(on(json!({"action": "on"})), Covered::ALL);
    let (one, other) = (rule_arn(0), rule_arn(1));
    let Covered::Some(named) = on(json!({"action": "on", "rules": [other, one, other]})) else { panic!("all") };
    assert_eq!(named.iter().map(ToString::to_string).collect::<Vec<_>>(), [other.clone(), one.clone()]);
    let told = refusals(&world, &json!({"action": "on", "rules": [rule_arn(7)]}));
    assert!(told[0].contains("is not one of RuleArns"), "{told:?}");
    // A series' own name depends on which rules it names, not on their order, and not on the settings' list.
    let series = |rules: Value| {
        let mut event = json!({"every": "rate(7 days)", "duration": "PT2H"});
        if !rules.is_null() {
            event["rules"] = rules;
        }
        match read(&world, &event).action {
            Action::Recur(recurring) => recurring.series.id,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(series(json!([one, other])), series(json!([other, one])));
    assert_ne!(series(json!([one, other])), series(Value::Null));
    assert_ne!(series(json!([one])), series(Value::Null));
}

#[tokio::test(start_paused = true)]
async fn null_is_refused_where_leaving_out_means_more_and_says_nothing_elsewhere() {
    let world = World::new(1);
    for (event, told) in [
        (
            json!({"action": "off", "id": null}),
            "id: expected a window's name, but found null; leave the field out to mean every window",
        ),
        (
            json!({"action": "on", "rules": null}),
            "rules: expected a list of listener rule ARNs, but found null; leave the field out to mean every rule",
        ),
        (
            json!({"action": "on", "end": null}),
            "end: expected a time, but found null; leave the field out; without an end it lasts until `off`",
        ),
        (
            json!({"action": "on", "duration": null}),
            "duration: expected a duration, but found null; leave the field out; without an end it lasts until `off`",
        ),
    ] {
        assert_eq!(refusals(&world, &event), [told]);
    }
    let id = Some("w".parse().expect("an id"));
    for (event, action) in [
        (json!({"action": "off", "id": "w", "reason": null, "request_id": null}), Action::Off { id: id.clone() }),
        (json!({"action": "status", "id": null}), Action::Status { id: None }),
        (
            json!({"action": "history", "since": null, "limit": null}),
            Action::History { id: None, since: None, limit: 20 },
        ),
        (json!({"action": "history", "id": "w", "limit": 200}), Action::History { id, since: None, limit: 200 }),
        (json!({"action": "sweep", "id": null}), Action::Sweep),
    ] {
        assert_eq!(read(&world, &event).action, action, "{event}");
    }
    let booked =
        booking(read(&world, &json!({"action": null, "start": "2026-12-06T02:00Z", "duration": "PT2H", "id": null})));
    assert_eq!(booked.id, None);
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_of_another_version_is_read_for_what_is_known() {
    let world = World::new(1);
    let event = json!({
        "action": "wake", "id": "w", "due": "2026-12-06T02:00:00Z", "window": {"start": 7}, "requested_by": 7, "rules": null,
    });
    let due: Timestamp = "2026-12-06T02:00:00Z".parse().expect("a time");
    assert_eq!(
        read(&world, &event),
        Request { action: Action::Wake { id: "w".parse().expect("an id"), due: Some(due) }, asked: Asked::default() }
    );
    assert!(refusals(&world, &json!({"action": "wake", "window": {}}))[0].starts_with("id: required by wake"));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_long_for_the_calendar_is_refused_in_words() {
    let world = World::new(1);
    for (event, told) in [
        (
            json!({"start": "2026-12-06T02:00Z", "duration": "P7304484D"}),
            "duration: expected an end that the calendar holds",
        ),
        (
            json!({"start": "2026-12-06T02:00Z", "duration": "P999999999D"}),
            "duration: expected a duration that a calendar",
        ),
        (json!({"action": "on", "duration": "P7304484D"}), "duration: expected an end that the calendar holds"),
        (
            json!({"action": "on", "duration": "PT9223372036854775807S"}),
            "duration: expected a duration that a calendar",
        ),
        (json!({"action": "on", "duration": "PT0.5S"}), "duration: expected a second at least"),
        (json!({"every": "rate(7 days)", "duration": "P7304484D"}), "duration: expected"),
        (
            json!({"start": "9999-12-31T23:59:59Z", "duration": "PT1H"}),
            "start: expected a time that the calendar holds",
        ),
        (
            json!({"start": "9999-12-30T21:59:59Z", "duration": "PT1H"}),
            "duration: expected an end that the calendar holds",
        ),
        (json!({"start": 1_796_522_400, "duration": "PT2H"}), "start: expected a time such as"),
    ] {
        let problems = refusals(&world, &event);
        assert!(problems[0].starts_with(told), "{event}: {problems:?}");
    }
    let seconds = &refusals(&world, &json!({"start": 1_796_522_400, "duration": "PT2H"}))[0];
    assert!(seconds.ends_with("if it counts seconds since 1970, write 2026-12-06T02:00:00Z"), "{seconds}");
    // A longer end than any is for the action to refuse, which knows the window.
    let by = SignedDuration::from_hours(7_304_484 * 24);
    match read(&world, &json!({"action": "extend", "id": "w", "by": "P7304484D"})).action {
        Action::Extend { end, .. } => assert_eq!(end, NewEnd::By(by)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_service_wraps_around_a_payload_is_refused_by_its_name() {
    let world = World::new(1);
    for (event, name, place) in [
        (
            json!({"version": "0", "id": "i", "detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": "{}"}),
            "a schedule of EventBridge Scheduler that has no payload",
            "the target's input",
        ),
        (
            json!({"version": "0", "id": "i", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}),
            "a scheduled rule of EventBridge",
            "Constant (JSON text)",
        ),
        (
            json!({"detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2", "detail": {"action": "on"}}),
            "an EventBridge event",
            "input transformer",
        ),
        (json!({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}), "an SQS queue", "the message's body"),
        (json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "{}"}}]}), "an SNS topic", "in the message"),
        (json!({"Records": [{"eventSource": "aws:s3"}]}), "another AWS service", "the payload itself"),
        (json!({"Records": []}), "another AWS service", "the payload itself"),
        (
            json!({"version": "2.0", "rawPath": "/", "requestContext": {"http": {"method": "POST"}}, "body": "{}"}),
            "a function URL",
            "the request's body",
        ),
        (json!({"httpMethod": "POST", "requestContext": {}, "body": "{}"}), "API Gateway", "the request's body"),
    ] {
        let problems = refusals(&world, &event);
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert!(problem.starts_with("action: expected the payload itself"), "{problem}");
        assert!(problem.contains(name) && problem.contains(place), "{problem}");
    }
    // An event that says what to do is read as one, and whatever it says besides is named.
    let problems = refusals(&world, &json!({"action": "status", "detail-type": "x"}));
    assert_eq!(problems, ["detail-type: status knows no such field; check its spelling"]);
    assert!(refusals(&world, &json!({}))[0].ends_with("but found none"));
    assert!(refusals(&world, &json!({"action": 7, "start": "2026-12-06T02:00Z"}))[0].ends_with("but found 7"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_stays_short_whatever_was_sent() {
    let world = World::new(1);
    let long = "x".repeat(100_000);
    for event in [
        json!(long),
        json!([long]),
        json!({ "action": long }),
        json!({ "action": [long] }),
        json!({"start": long, "end": [long], "duration": long, "id": long, "timezone": long, "rules": [[long]]}),
        json!({"every": long, "duration": long, "at_end": long, "dry_run": long, "request_id": long, "reason": long}),
        json!({"action": "history", "limit": long, long.clone(): 7}),
    ] {
        let told = refusals(&world, &event).join("; ");
        assert!(told.len() < 3000, "{}", told.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_zone_is_kept_in_its_proper_spelling() {
    let world = World::new(1);
    let event = json!({"start": "2026-12-06T02:00", "duration": "PT2H", "timezone": "europe/LONDON"});
    assert_eq!(booking(read(&world, &event)).timezone.as_deref(), Some("Europe/London"));
}
