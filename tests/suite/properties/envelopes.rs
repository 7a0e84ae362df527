//! Events of other services, as they are and as nobody sends them.

use maintenance_window::{error::Error, event};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::{FIELDS, any_event, now, properties};
use crate::world::World;

/// What no refusal may repeat: a presigned address, a token.
const TOKEN: &str = "presigned-token-4711";

/// The keys that tell envelopes from each other, and some of none.
const KEYS: [&str; 40] = [
    "Records",
    "eventSource",
    "EventSource",
    "detail-type",
    "source",
    "detail",
    "body",
    "Sns",
    "Message",
    "cf",
    "requestContext",
    "rawPath",
    "httpMethod",
    "connectionId",
    "requestPayload",
    "responsePayload",
    "methodArn",
    "routeArn",
    "CodePipeline.job",
    "RequestType",
    "ResponseURL",
    "triggerSource",
    "userPoolId",
    "deviceEvent",
    "serialNumber",
    "clickType",
    "deliveryStreamArn",
    "records",
    "awslogs",
    "alarmArn",
    "alarmData",
    "invokingEvent",
    "SecretId",
    "ClientRequestToken",
    "FunctionName",
    "Payload",
    "info",
    "fieldName",
    "a key nobody knows",
    "ein langer Schlüssel, der länger ist, als man ihn nennt",
];

/// What envelopes say about where they are from.
const SOURCES: [&str; 12] = [
    "aws:sqs",
    "aws:sns",
    "aws:s3",
    "aws:ses",
    "aws:kinesis",
    "aws:dynamodb",
    "aws:codecommit",
    "aws.scheduler",
    "Scheduled Event",
    "EC2 Instance State-change Notification",
    "aws.events",
    "",
];

/// Something in an envelope: values, an event of this function, either as a text, and lists and objects of those.
fn any_inner() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        3 => Just(json!(TOKEN)),
        2 => select(&SOURCES[..]).prop_map(|source| json!(source)),
        2 => any_event(),
        2 => any_event().prop_map(|event| json!(event.to_string())),
        1 => any::<i64>().prop_map(|number| json!(number)),
        1 => Just(Value::Null),
        1 => "[{\\[].{0,10}".prop_map(|text| json!(text)),
        1 => (0_usize..300).prop_map(|deep| json!("[".repeat(deep) + &"]".repeat(deep))),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![
            4 => keyed(inner.clone()),
            2 => vec(inner.clone(), 0..4).prop_map(Value::Array),
            1 => inner.prop_map(|value| json!(value.to_string())),
        ]
    })
}

fn keyed(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    vec((select(&KEYS[..]), inner), 0..5).prop_map(|fields| {
        Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<String, Value>>())
    })
}

properties! {
    /// It is refused, and the refusal names fields and kinds, and repeats nothing that is in it.
    fn every_envelope_is_refused_and_nothing_in_it_is_repeated(
        envelope in prop_oneof![4 => keyed(any_inner()), 1 => vec(any_inner(), 0..4).prop_map(Value::Array)],
    ) {
        now(async {
            let world = World::new(1);
            match event::read(&envelope, world.now(), &world.config()) {
                // Nothing but an empty event asks for help.
                Ok(request) => prop_assert_eq!((request.action(), &envelope), ("help", &json!({}))),
                Err(Error::InvalidEvent(problems)) => {
                    prop_assert!(!problems.is_empty());
                    for problem in problems {
                        let named = problem.split_once(": ").is_some_and(|(field, _)| FIELDS.contains(&field));
                        let known = named
                            || problem.starts_with("expected a JSON object")
                            || KEYS.iter().any(|key| problem.contains(key));
                        prop_assert!(known, "{}", problem);
                        prop_assert!(!problem.contains(TOKEN), "{}", problem);
                    }
                }
                Err(other) => prop_assert!(false, "{:?}", other),
            }
            Ok(())
        })?;
    }
}
