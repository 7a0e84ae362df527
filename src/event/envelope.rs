//! Events that other services wrap around a payload, recognised so that they can be refused by name.
//!
//! What a refusal tells of them is their kind, and where in them an event of this function lies; nothing of what they
//! hold is quoted, since some hold secrets: a presigned address, a token.

use serde_json::{Map, Value};

use super::ACTIONS;

/// How deep inside an envelope an event of this function is looked for.
const DEPTH_MAX: usize = 8;

/// The longest key that is told on the way to it.
const KEY_MAX: usize = 40;

/// Says of an event without an action that it is another service's, and where the payload belongs; nothing if it is
/// none that is known and holds no event of this function.
pub(super) fn refusal(event: &Value) -> Option<String> {
    let payload = r#"the payload itself, such as {"action":"status"}"#;
    let (expected, found) = match event {
        Value::Object(map) => {
            let unknown =
                ("an event of this function wrapped in something else", "invoke the function with that alone");
            let shape = of_records(map).or_else(|| of_event_bridge(map)).or_else(|| by_fields(event));
            (format!("action: expected {payload}"), shape.or_else(|| held(event).map(|_| unknown)))
        }
        Value::Array(all) if all.first().is_some_and(Value::is_object) => {
            let list = (
                "a list, as EventBridge Pipes sends it",
                "invoke the function with each event by itself, for example from a state machine that maps over the list",
            );
            (r#"expected a JSON object such as {"action":"status"}"#.to_owned(), Some(list))
        }
        Value::String(text) => {
            let is_object = serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object());
            let quoted = ("a text that holds one", "send it without quotation marks around it");
            (r#"expected a JSON object such as {"action":"status"}"#.to_owned(), is_object.then_some(quoted))
        }
        _ => return None,
    };
    let (from, instead) = found?;
    let inside = match held(event) {
        Some((path, action)) if !path.is_empty() => format!("; what is at {path} is such an event ({action})"),
        _ => String::new(),
    };
    Some(format!("{expected}, but found {from}; {instead}{inside}"))
}

/// What an envelope is, and where the payload belongs instead.
type Shape = (&'static str, &'static str);

fn of_event_bridge(event: &Map<String, Value>) -> Option<Shape> {
    let text = |key: &str| event.get(key).and_then(Value::as_str);
    Some(match (text("source"), text("detail-type")?) {
        (Some("aws.scheduler"), _) => {
            ("a schedule of EventBridge Scheduler that has no payload", "write the payload as the target's input")
        }
        (_, "Scheduled Event") => (
            "a scheduled rule of EventBridge that has no payload",
            "write the payload as the target's input, \"Constant (JSON text)\" in the console",
        ),
        _ => (
            "an EventBridge event",
            "let the rule's target send the payload, as a constant or with an input transformer",
        ),
    })
}

/// What comes as `Records` says by each record where it is from.
fn of_records(event: &Map<String, Value>) -> Option<Shape> {
    let first = event.get("Records")?.get(0);
    let source = |key: &str| first.and_then(|record| record.get(key)).and_then(Value::as_str);
    let only_itself = "invoke the function with the payload itself";
    Some(match source("eventSource").or_else(|| source("EventSource")) {
        Some("aws:sqs") => ("messages of an SQS queue", "invoke the function with what is in the message's body"),
        Some("aws:sns") => ("a message of an SNS topic", "invoke the function with what is in the message"),
        Some("aws:s3") => ("a notification of an S3 bucket", only_itself),
        Some("aws:ses") => ("an e-mail that SES received", only_itself),
        Some("aws:kinesis") => {
            ("records of a Kinesis stream", "invoke the function with what is in a record's data, decoded")
        }
        Some("aws:dynamodb") => ("changes of a DynamoDB table's stream", only_itself),
        Some("aws:codecommit") => ("a trigger of a CodeCommit repository", only_itself),
        _ if first.is_some_and(|record| record.get("cf").is_some()) => ("a request through CloudFront", only_itself),
        _ => ("records of another AWS service", only_itself),
    })
}

/// Every other service is known by the fields, as JSON pointers, that only its events have together. In this order: a
/// destination's record has a context too.
const BY_FIELDS: [(&[&str], &str, &str); 24] = [
    (
        &["/requestContext", "/requestPayload"],
        "the record of a Lambda destination",
        "invoke the function with what is in requestPayload",
    ),
    (&["/methodArn"], AUTHORISER.0, AUTHORISER.1),
    (&["/routeArn"], AUTHORISER.0, AUTHORISER.1),
    (&["/requestContext", "/rawPath"], HTTP.0, HTTP.1),
    (&["/requestContext", "/httpMethod"], HTTP.0, HTTP.1),
    (&["/requestContext/connectionId"], HTTP.0, HTTP.1),
    (
        &["/CodePipeline.job"],
        "a job of CodePipeline, which waits for an answer that this function does not give",
        "let a build project of the pipeline invoke the function with the payload",
    ),
    (
        &["/RequestType", "/ResponseURL"],
        "a request for a custom resource of CloudFormation, which waits for an answer that this function does not give",
        "invoke the function before or after the deployment, with the payload",
    ),
    (
        &["/triggerSource", "/userPoolId"],
        "a trigger of a Cognito user pool",
        "take this function out of the pool's triggers",
    ),
    (&["/deviceEvent"], BUTTON.0, BUTTON.1),
    (&["/serialNumber", "/clickType"], BUTTON.0, BUTTON.1),
    (
        &["/deliveryStreamArn", "/records"],
        "records of a Firehose stream",
        "take this function out of the stream: it transforms nothing",
    ),
    (
        &["/awslogs"],
        "log lines of a CloudWatch Logs subscription",
        "let an alarm on a metric filter, or a function of your own, send the payload",
    ),
    (
        &["/alarmArn", "/alarmData"],
        "the action of a CloudWatch alarm",
        "let a rule of EventBridge for the alarm's change of state send the payload, as a constant",
    ),
    (
        &["/invokingEvent"],
        "an evaluation by AWS Config",
        "let a rule of EventBridge for its result send the payload, as a constant",
    ),
    (
        &["/SecretId", "/ClientRequestToken"],
        "a rotation of Secrets Manager",
        "name another function for the secret's rotation",
    ),
    (&["/FunctionName", "/Payload"], "the arguments of a Step Functions task", "let the task send what is in Payload"),
    (&["/Execution", "/StateMachine"], TASK.0, TASK.1),
    (&["/TaskToken"], TASK.0, TASK.1),
    (&["/eventSource", "/records"], BROKER.0, BROKER.1),
    (&["/rmqMessagesByQueue"], BROKER.0, BROKER.1),
    (&["/invocationSchemaVersion", "/tasks"], "a job of S3 Batch Operations", "name another function for the job"),
    (&["/getObjectContext"], "a request to an S3 Object Lambda access point", "name another function for it"),
    (&["/info/fieldName"], "a field of AppSync", "invoke the function with the payload itself"),
];

const AUTHORISER: Shape = ("a request to authorise a call of API Gateway", "name another function as the authoriser");
const HTTP: Shape = (
    "an HTTP request through API Gateway, a function URL or a load balancer",
    "invoke the function itself with what is in the request's body",
);
const BUTTON: Shape = ("a click of an IoT button", "let a function of your own send the payload");
const TASK: Shape = ("the context of a Step Functions task", "write the payload itself as the task's Payload");
const BROKER: Shape =
    ("messages of a Kafka cluster or a broker of Amazon MQ", "invoke the function with what is in a message, decoded");

fn by_fields(event: &Value) -> Option<Shape> {
    let found = BY_FIELDS.iter().find(|(fields, ..)| fields.iter().all(|field| event.pointer(field).is_some()));
    found.map(|(_, from, instead)| (*from, *instead))
}

/// Where in an envelope an event of this function lies, and what it asks for.
fn held(envelope: &Value) -> Option<(String, String)> {
    find(envelope, String::new(), DEPTH_MAX)
}

fn find(value: &Value, path: String, depth: usize) -> Option<(String, String)> {
    if depth == 0 {
        return None;
    }
    match value {
        Value::Object(map) => match action_of(map) {
            Some(action) => Some((path, action)),
            None => map.iter().find_map(|(key, inner)| {
                let dot = if path.is_empty() { "" } else { "." };
                find(inner, format!("{path}{dot}{}", plain(key)), depth - 1)
            }),
        },
        Value::Array(all) => {
            all.iter().enumerate().find_map(|(nth, inner)| find(inner, format!("{path}[{nth}]"), depth - 1))
        }
        // Queues and topics send texts, whose JSON is written within JSON.
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            find(&serde_json::from_str(text).ok()?, path, depth - 1)
        }
        _ => None,
    }
}

/// What an event of this function asks for; nothing if it is none.
fn action_of(event: &Map<String, Value>) -> Option<String> {
    let is_text = |key: &str| event.get(key).is_some_and(Value::is_string);
    let is_booking = (is_text("start") || is_text("every")) && (is_text("duration") || is_text("end"));
    let action = event.get("action").map_or(is_booking.then_some("book"), Value::as_str);
    action.filter(|action| ACTIONS.contains(action)).map(str::to_owned)
}

/// A key as it can be told: no long one and none of odd letters, which may be anything.
fn plain(key: &str) -> &str {
    let is_plain =
        key.len() <= KEY_MAX && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if is_plain { key } else { "…" }
}
