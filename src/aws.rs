//! The three AWS clients with their patience, and what their failures have in common.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, SdkConfig,
    environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider},
    retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::{
    config::Config,
    error::{Error, Refusal, Service},
    notify::Topic,
    rule::Rules,
    schedule::Schedules,
};

/// How often a call is tried. AWS's throttling ends within seconds, and a run that fails is itself tried again.
const ATTEMPTS: u32 = 4;

/// How long one try may take; a healthy call takes tens of milliseconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a call may take with all its tries.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// The rooms that talk to AWS.
#[derive(Clone, Debug)]
pub struct Aws {
    /// The switch.
    pub rules: Rules,
    /// The alarm clock and the store.
    pub schedules: Schedules,
    /// The town crier.
    pub topic: Topic,
}

impl Aws {
    /// Builds the clients; none of them connects before its first call.
    #[must_use]
    pub fn new(sdk: &SdkConfig, config: &Config) -> Self {
        Self { rules: Rules::new(sdk, config), schedules: Schedules::new(sdk, config), topic: Topic::new(sdk, config) }
    }
}

/// Region, credentials and endpoints from Lambda's environment; nothing is asked of any other source.
pub async fn sdk_config() -> SdkConfig {
    let https =
        Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https();
    patient(aws_config::defaults(BehaviorVersion::v2026_01_12()))
        .region(EnvironmentVariableRegionProvider::new())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .http_client(https)
        .load()
        .await
}

fn patient(loader: aws_config::ConfigLoader) -> aws_config::ConfigLoader {
    loader
        // Adaptive: once throttled, the client slows down to what Elastic Load Balancing lets through.
        .retry_config(RetryConfig::adaptive().with_max_attempts(ATTEMPTS))
        .timeout_config(
            TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).operation_timeout(CALL_TIMEOUT).build(),
        )
}

/// What AWS said, or what happened on the way, with every secret cut out.
pub(crate) fn refusal<E, R>(error: &SdkError<E, R>, secrets: &[String]) -> Refusal
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let way = match error {
        SdkError::TimeoutError(_) => "Timeout",
        SdkError::DispatchFailure(_) => "Unreachable",
        SdkError::ConstructionFailure(_) => "InvalidRequest",
        SdkError::ResponseError(_) => "UnreadableAnswer",
        _ => "Unknown",
    };
    let message = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::message)
        .map_or_else(|| std::error::Error::source(error).map_or_else(|| error.to_string(), chain), str::to_owned);
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or(way).to_owned();
    Refusal { code, message: scrubbed(&message, secrets) }
}

/// The error of a failed call.
pub(crate) fn failed(service: Service, what: impl Into<String>, source: Refusal) -> Error {
    Error::Aws { what: what.into(), service, source }
}

/// The text with every secret replaced, and no longer than a person reads.
fn scrubbed(text: &str, secrets: &[String]) -> String {
    const LONGEST: usize = 400;
    let mut text = secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "[secret]"));
    if let Some((at, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(at);
        text.push('…');
    }
    text
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_secret_never_leaves() {
        let secrets = ["tester-secret-1".to_owned(), String::new()];
        assert_eq!(scrubbed("value 'tester-secret-1' is bad", &secrets), "value '[secret]' is bad");
        assert!(scrubbed(&"é".repeat(1000), &secrets).chars().count() == 401);
    }
}
