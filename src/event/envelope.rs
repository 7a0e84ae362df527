//! Events that other services wrap around a payload, recognised so that they can be refused by name.

use serde_json::{Map, Value};

/// Says of an event without an action that it is another service's, and where the payload belongs; nothing if it is
/// none that is known.
pub(super) fn refusal(event: &Map<String, Value>) -> Option<String> {
    let text = |key: &str| event.get(key).and_then(Value::as_str);
    let first = event.get("Records").and_then(|records| records.get(0));
    let first = |key: &str| first.and_then(|record| record.get(key)).and_then(Value::as_str);
    let (from, instead) = if let Some(kind) = text("detail-type") {
        match (text("source"), kind) {
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
        }
    } else if first("eventSource") == Some("aws:sqs") {
        ("messages of an SQS queue", "invoke the function with what is in the message's body")
    } else if first("EventSource") == Some("aws:sns") {
        ("a message of an SNS topic", "invoke the function with what is in the message")
    } else if event.contains_key("Records") {
        ("records of another AWS service", "invoke the function with the payload itself")
    } else if event.contains_key("requestContext")
        && (event.contains_key("rawPath") || event.contains_key("httpMethod"))
    {
        (
            "an HTTP request through API Gateway, a function URL or a load balancer",
            "invoke the function itself with what is in the request's body",
        )
    } else {
        return None;
    };
    Some(format!(
        "action: expected the payload itself, such as {{\"action\": \"status\"}}, but found {from}; {instead}"
    ))
}
