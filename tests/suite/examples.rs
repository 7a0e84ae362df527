//! Every file in `events/` is read as what its name says, and what events mean besides.

use std::{collections::BTreeSet, fs};

use jiff::{SignedDuration, Timestamp};
use maintenance_window::{
    error::Error,
    event::{self, ACTIONS, Action, Asked, Booking, Format, NewEnd, Request, Search},
    model::{id::WindowId, window::Covered},
};
use serde_json::{Value, json};

use crate::world::{SECRET, World, rule_arn};

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

fn history(id: Option<WindowId>, limit: usize, format: Format) -> Action {
    Action::History { search: Search { id, since: None, until: None, limit }, format }
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
        // Those of the console are in a folder.
        if path.is_dir() {
            continue;
        }
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
        ("unskip", json!({"id": "w"})),
        ("edit", json!({"id": "w", "message": "m"})),
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
        let told = format!("booked_by: {action} knows no such field; did you mean requested_by? {action} knows ");
        let refused = refusals(&world, &event);
        assert!(matches!(refused.as_slice(), [only] if only.starts_with(&told)), "{refused:?}");
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
        (json!({"action": "history", "since": null, "limit": null}), history(None, 20, Format::Json)),
        (json!({"action": "history", "id": "w", "limit": 200}), history(id, 200, Format::Json)),
        (json!({"action": "history", "format": "json"}), history(None, 20, Format::Json)),
        (json!({"action": "history", "format": "csv"}), history(None, 200, Format::Csv)),
        (json!({"action": "history", "format": "csv", "limit": 7}), history(None, 7, Format::Csv)),
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
            json!({"detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2", "detail": {"state": "on"}}),
            "an EventBridge event",
            "input transformer",
        ),
        (json!({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}), "an SQS queue", "the message's body"),
        (json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "{}"}}]}), "an SNS topic", "in the message"),
        (json!({"Records": [{"eventSource": "aws:s3", "s3": {}}]}), "an S3 bucket", "the payload itself"),
        (json!({"Records": [{"eventSource": "aws:ses", "ses": {}}]}), "SES", "the payload itself"),
        (
            json!({"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": "e30="}}]}),
            "a Kinesis stream",
            "decoded",
        ),
        (
            json!({"Records": [{"eventSource": "aws:dynamodb", "dynamodb": {}}]}),
            "a DynamoDB table",
            "the payload itself",
        ),
        (json!({"Records": [{"eventSource": "aws:codecommit"}]}), "CodeCommit", "the payload itself"),
        (json!({"Records": [{"cf": {"request": {}}}]}), "CloudFront", "the payload itself"),
        (json!({"Records": [{"eventSource": "aws:other"}]}), "another AWS service", "the payload itself"),
        (json!({"Records": []}), "another AWS service", "the payload itself"),
        (
            json!({"version": "2.0", "rawPath": "/", "requestContext": {"http": {"method": "POST"}}, "body": "{}"}),
            "a function URL",
            "the request's body",
        ),
        (json!({"httpMethod": "POST", "requestContext": {}, "body": "{}"}), "API Gateway", "the request's body"),
        (json!({"requestContext": {"connectionId": "c"}, "body": "{}"}), "API Gateway", "the request's body"),
        (json!({"type": "TOKEN", "methodArn": "arn"}), "authorise", "another function"),
        (
            json!({"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": {}}),
            "a Lambda destination",
            "requestPayload",
        ),
        (json!({"CodePipeline.job": {"id": "i", "data": {}}}), "a job of CodePipeline", "a build project"),
        (
            json!({"RequestType": "Create", "ResponseURL": "https://s3/?X-Amz-Signature=s", "StackId": "arn"}),
            "a custom resource of CloudFormation",
            "before or after the deployment",
        ),
        (
            json!({"version": "1", "triggerSource": "PreSignUp_SignUp", "userPoolId": "p", "request": {}}),
            "a Cognito user pool",
            "the pool's triggers",
        ),
        (json!({"serialNumber": "G030", "clickType": "SINGLE", "batteryVoltage": "1mV"}), "an IoT button", "your own"),
        (json!({"deviceInfo": {}, "deviceEvent": {"buttonClicked": {}}}), "an IoT button", "your own"),
        (
            json!({"invocationId": "i", "deliveryStreamArn": "arn", "records": []}),
            "a Firehose stream",
            "out of the stream",
        ),
        (json!({"awslogs": {"data": "H4sI"}}), "a CloudWatch Logs subscription", "metric filter"),
        (
            json!({"source": "aws.cloudwatch", "alarmArn": "arn", "accountId": "1", "alarmData": {}}),
            "a CloudWatch alarm",
            "a rule of EventBridge",
        ),
        (
            json!({"invokingEvent": "{}", "ruleParameters": "{}", "resultToken": "t"}),
            "AWS Config",
            "a rule of EventBridge",
        ),
        (
            json!({"SecretId": "arn", "ClientRequestToken": "t", "Step": "createSecret"}),
            "Secrets Manager",
            "another function",
        ),
        (json!({"FunctionName": "maintenance", "Payload": {}}), "a Step Functions task", "in Payload"),
        (json!({"Execution": {}, "StateMachine": {}, "State": {}}), "a Step Functions task", "the task's Payload"),
        (json!({"Input": {}, "TaskToken": "t"}), "a Step Functions task", "the task's Payload"),
        (json!({"eventSource": "aws:kafka", "records": {}}), "a Kafka cluster", "decoded"),
        (json!({"eventSource": "aws:rmq", "rmqMessagesByQueue": {}}), "Amazon MQ", "decoded"),
        (json!({"invocationSchemaVersion": "1.0", "job": {}, "tasks": []}), "S3", "another function"),
        (json!({"getObjectContext": {}}), "S3", "another function"),
        (json!({"arguments": {}, "info": {"fieldName": "f"}}), "AppSync", "the payload itself"),
    ] {
        let problems = refusals(&world, &event);
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert!(problem.starts_with("action: expected the payload itself"), "{problem}");
        assert!(problem.contains(name) && problem.contains(place), "{problem}");
        // Signatures and tokens are keys to something.
        assert!(!problem.contains("Signature") && !problem.contains("is such an event"), "{problem}");
    }
    // An event that says what to do is read as one, and whatever it says besides is named.
    let problems = refusals(&world, &json!({"action": "status", "detail-type": "x"}));
    assert_eq!(problems, ["detail-type: status knows no such field; status knows id"]);
}

#[tokio::test(start_paused = true)]
async fn an_envelope_tells_where_in_it_an_event_lies_and_quotes_nothing_of_it() {
    let world = World::new(1);
    let off = json!({"action": "off", "reason": SECRET, "id": "w"});
    let booking = json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "reason": SECRET});
    let topic = json!({"Type": "Notification", "Message": off.to_string()});
    for (event, path) in [
        (
            json!({"Records": [{"eventSource": "aws:sqs", "body": off.to_string()}]}),
            "Records[0].body is such an event (off)",
        ),
        (
            json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": booking.to_string()}}]}),
            "Records[0].Sns.Message is such an event (book)",
        ),
        (
            json!({"Records": [{"eventSource": "aws:sqs", "body": topic.to_string()}]}),
            "Records[0].body.Message is such an event (off)",
        ),
        (json!({"detail-type": "x", "source": "mine", "detail": off}), "detail is such an event (off)"),
        (
            json!({"rawPath": "/", "requestContext": {"http": {}}, "body": off.to_string()}),
            "body is such an event (off)",
        ),
        (json!({"FunctionName": "maintenance", "Payload": off}), "Payload is such an event (off)"),
        (
            json!({"CodePipeline.job": {"data": {"actionConfiguration": {"configuration": {"UserParameters": off.to_string()}}}}}),
            "CodePipeline.job.data.actionConfiguration.configuration.UserParameters is such an event (off)",
        ),
        (json!({"payload": off}), "payload is such an event (off)"),
        (json!({"key of mine with blanks": off}), "what is at … is such an event (off)"),
        (
            json!([{"messageId": "m", "eventSource": "aws:sqs", "body": off.to_string()}]),
            "[0].body is such an event (off)",
        ),
        (json!(off.to_string()), "found a text that holds one; send it without quotation marks around it"),
    ] {
        let problems = refusals(&world, &event);
        assert!(matches!(problems.as_slice(), [only] if only.ends_with(path)), "{problems:?}");
        assert!(!problems[0].contains(SECRET), "{problems:?}");
    }
    for nothing in [json!({"body": "{}"}), json!({"payload": {"action": "fly"}}), json!({"x": {"start": "now"}})] {
        assert!(refusals(&world, &nothing)[0].contains("but found none; "), "{nothing}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_action_is_told_which_was_meant_and_what_lists_them_all() {
    let world = World::new(1);
    let expected = r#"action: expected what to do, such as {"action":"status"}, but found"#;
    let lists = r#"{"action":"help"} lists all that can be sent"#;
    for (event, found) in [
        (json!({"action": "stauts"}), r#""stauts"; did you mean status?"#),
        (json!({"action": "Status"}), r#""Status"; did you mean status?"#),
        (json!({"action": "end", "id": "w"}), r#""end"; did you mean off?"#),
        (json!({"action": "wak"}), r#""wak";"#),
        (json!({"action": "destroy"}), r#""destroy";"#),
        (json!({"action": 7, "start": "2026-12-06T02:00Z"}), "7;"),
        (json!({"action": null}), "none;"),
        (json!({"requested_by": "ana"}), "none;"),
        (json!({"Action": "status"}), r#"none; did you mean action where "Action" stands?"#),
        (json!({"acton": "status"}), r#"none; did you mean action where "acton" stands?"#),
    ] {
        assert_eq!(refusals(&world, &event), [format!("{expected} {found} {lists}")], "{event}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_field_is_told_which_was_meant_and_which_the_action_knows() {
    let world = World::new(1);
    let book = "at_end, dry_run, duration, end, id, message, mute_alarms, reason, request_id, requested_by, rules, start, timezone";
    for (event, told) in [
        (
            json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "end_at": "x"}),
            vec![format!("end_at: book knows no such field; book knows {book}")],
        ),
        (
            json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "reasn": "x", "tz": "UTC"}),
            vec![
                "reasn: book knows no such field; did you mean reason?".to_owned(),
                format!("tz: book knows no such field; did you mean timezone? book knows {book}"),
            ],
        ),
        (
            json!({"action": "extend", "id": "w", "by": "PT5M", "duration": "PT30M"}),
            vec![
                "duration: extend knows no such field; did you mean by? extend knows by, end, id, reason, request_id, \
                 requested_by, timezone"
                    .to_owned(),
            ],
        ),
        (
            json!({"action": "sweep", "id": "w"}),
            vec!["id: sweep knows no such field; sweep knows only the field action".to_owned()],
        ),
        (
            json!({"every": "rate(7 days)", "duration": "PT2H", "end": "2026-12-06T04:00Z"}),
            vec![
                "end: book knows no such field; book knows at_end, dry_run, duration, every, id, message, mute_alarms, reason, \
                 request_id, requested_by, rules, start, timezone"
                    .to_owned(),
            ],
        ),
    ] {
        assert_eq!(refusals(&world, &event), told, "{event}");
    }
}

#[tokio::test(start_paused = true)]
async fn help_answers_an_empty_event_with_examples_that_are_accepted() {
    let mut world = World::new(1);
    for longest in ["", "PT5M"] {
        world.settings.insert("MAX_DURATION", longest.to_owned());
        for event in [json!({}), json!({"action": "help"})] {
            let answer = world.invoke(event).await.expect("help");
            assert_eq!((answer.action.as_str(), answer.outcome.as_str()), ("help", "help"));
            let help = answer.help.expect("help");
            assert_eq!(help.examples.len(), 5);
            let actions: Vec<&str> = help.examples.iter().map(|event| read(&world, event).action()).collect();
            assert_eq!(actions, ["status", "book", "book", "on", "off"]);
            assert!(!help.actions.iter().any(|line| line.starts_with("sweep") || line.starts_with("wake")));
        }
    }
    assert_eq!(world.take_calls(), [""; 0], "it reads nothing");
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
