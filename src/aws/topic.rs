//! Publishing reports to the SNS topic.

use std::fmt;

use aws_sdk_sns::{Client, types::MessageAttributeValue};
use serde_json::json;

use super::{failed, invalid, refusal};
use crate::{
    config::Config,
    error::{Error, Service},
    model::{function::Function, id::WindowId},
    report::Report,
};

/// The subscriptions of a topic, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscriptions {
    /// Confirmed ones.
    pub confirmed: u32,
    /// Ones that nobody has confirmed yet.
    pub pending: u32,
    /// Ones that were removed (API reference, `GetTopicAttributes`).
    pub deleted: u32,
}

/// The topic that reports go to.
#[derive(Clone)]
pub struct Topic {
    client: Client,
    arn: Option<String>,
    secrets: Vec<String>,
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Topic({:?})", self.arn)
    }
}

impl Topic {
    /// Builds the client.
    #[must_use]
    pub fn new(sdk: &aws_config::SdkConfig, config: &Config) -> Self {
        Self { client: Client::new(sdk), arn: config.topic.clone(), secrets: config.secrets() }
    }

    /// Publishes a report of the function in the form each kind of subscriber can use: text for people, a JSON document
    /// for programs, and for HTTPS the document that Amazon Q Developer shows in chat, with the other one in it.
    ///
    /// The function is named by its ARN.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn publish(&self, report: &Report, function: &str) -> Result<(), Error> {
        let what = || format!("publish the report {:?}", report.event.word());
        let function = Function::of(function);
        let text = report.text(&function);
        let document = report.document(&function).to_string();
        // `MessageStructure: json` takes strings, and SNS refuses the whole message if one key is missing: `default`.
        let message = json!({
            "default": text,
            "email": text,
            "sqs": document,
            "lambda": document,
            "http": document,
            "https": report.chat(&function).to_string(),
        });
        let mut publish = self
            .client
            .publish()
            .topic_arn(self.usable()?)
            .subject(report.subject())
            .message(message.to_string())
            .message_structure("json")
            .message_attributes("event", attribute(report.event.word(), what)?);
        if let Some(id) = report.window_id() {
            publish = publish.message_attributes("window_id", attribute(id.as_str(), what)?);
        }
        publish.send().await.map_err(|error| failed(Service::Notifications, what(), refusal(&error, &self.secrets)))?;
        tracing::info!(
            report.event = report.event.word(),
            report.id = report.report_id(),
            window.id = report.window_id().map_or("", WindowId::as_str),
            "report published"
        );
        Ok(())
    }

    fn usable(&self) -> Result<&str, Error> {
        let problem = || Error::InvalidConfig(vec!["the stack's topic: no report can be sent without it".to_owned()]);
        self.arn.as_deref().ok_or_else(problem)
    }

    /// How many subscriptions there are, and were.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn subscriptions(&self) -> Result<Subscriptions, Error> {
        let answer = self
            .client
            .get_topic_attributes()
            .topic_arn(self.usable()?)
            .send()
            .await
            .map_err(|error| failed(Service::Notifications, "read the topic", refusal(&error, &self.secrets)))?;
        let count = |name: &str| {
            let count = answer.attributes().and_then(|all| all.get(name));
            count.and_then(|count| count.parse().ok()).unwrap_or(0)
        };
        Ok(Subscriptions {
            confirmed: count("SubscriptionsConfirmed"),
            pending: count("SubscriptionsPending"),
            deleted: count("SubscriptionsDeleted"),
        })
    }
}

fn attribute(value: &str, what: impl Fn() -> String) -> Result<MessageAttributeValue, Error> {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build()
        .map_err(|error| failed(Service::Notifications, what(), invalid(error.to_string())))
}
