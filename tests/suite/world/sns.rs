//! SNS, which checks subjects and JSON; and every report is held against its schema.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    State,
    wire::{Answer, Refusal},
};
use crate::schemas::assert_report;

#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) at: Timestamp,
    pub(crate) subject: String,
    pub(crate) document: Value,
    pub(crate) message: Value,
    pub(crate) attributes: Value,
}

impl Published {
    pub(crate) fn event(&self) -> &str {
        self.document["event"].as_str().expect("an event")
    }
}

fn invalid(what: &str) -> Refusal {
    Refusal::new(400, "InvalidParameter", format!("Invalid parameter: {what}"))
}

impl State {
    pub(super) fn publish(&mut self, input: &Value, now: Timestamp) -> Answer {
        let subject = input["Subject"].as_str().unwrap_or_default();
        let fine =
            !subject.is_empty() && subject.len() < 100 && subject.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !fine {
            return Err(invalid("Subject"));
        }
        let message = input["Message"].as_str().unwrap_or_default();
        let Ok(message) = serde_json::from_str::<Value>(message) else {
            return Err(invalid("Message Structure - JSON"));
        };
        if input["MessageStructure"] != "json" || !message["default"].is_string() || message.to_string().len() > 262_144
        {
            return Err(invalid("Message Structure"));
        }
        let [document, chat] =
            ["sqs", "https"].map(|key| serde_json::from_str(message[key].as_str().expect("a document")).expect("JSON"));
        if !self.odd_table {
            assert_report(&document, &chat);
        }
        let attributes = input["MessageAttributes"].clone();
        self.published.push(Published { at: now, subject: subject.to_owned(), document, message, attributes });
        Ok(json!({"MessageId": "m"}))
    }
}
