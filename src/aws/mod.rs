//! The AWS clients: one file for each service, and what they have in common here: connections, patience, failures.

pub mod bucket;
pub mod cloudwatch;
pub mod items;
mod parts;
pub mod past;
pub mod rules;
mod signed;
pub mod store;
pub mod topic;
pub mod wakeups;

use std::time::Duration;

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
    result::SdkError,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use futures_util::future::join_all;

use self::{rules::Rules, store::Store, topic::Topic, wakeups::WakeUps};
use crate::{
    config::Config,
    error::{Error, Refusal, Service, causes},
    redact::readable,
};

/// How often a call is tried. AWS's throttling ends within seconds, and a run that fails is itself tried again.
const ATTEMPTS: u32 = 4;

/// How long one try may take; a healthy call takes tens of milliseconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a call may take with all its tries.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// The services that the function depends on.
#[derive(Clone, Debug)]
pub struct Aws {
    /// Elastic Load Balancing's listener rules.
    pub rules: Rules,
    /// DynamoDB's table.
    pub store: Store,
    /// EventBridge Scheduler's schedules.
    pub wakeups: WakeUps,
    /// SNS's topic.
    pub topic: Topic,
}

impl Aws {
    /// Builds the clients; none of them connects before its first call.
    #[must_use]
    pub fn new(sdk: &SdkConfig, config: &Config) -> Self {
        Self {
            rules: Rules::new(sdk, config),
            store: Store::new(sdk, config),
            wakeups: WakeUps::new(sdk, config),
            topic: Topic::new(sdk, config),
        }
    }
}

/// The way to AWS: one pool of connections for all clients, so that what was opened ahead is found by each.
#[must_use]
pub fn connector() -> SharedHttpConnector {
    let builder = Connector::builder().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring));
    SharedHttpConnector::new(builder.build())
}

/// Region, credentials and endpoints from Lambda's environment, the first and the last of which reach this file as a
/// lookup.
///
/// The SDK's own loader would ask the same variables, and brings the files, profiles and roles that Lambda has none of.
pub fn sdk_config(
    lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    web: &SharedHttpConnector,
) -> SdkConfig {
    let lookup = move |key: &str| lookup(key).filter(|value| !value.trim().is_empty());
    let is_on = |key| lookup(key).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let web = web.clone();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(lookup("AWS_REGION").or_else(|| lookup("AWS_DEFAULT_REGION")).map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .use_fips(is_on("AWS_USE_FIPS_ENDPOINT"))
        .use_dual_stack(is_on("AWS_USE_DUALSTACK_ENDPOINT"))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .http_client(http_client_fn(move |_, _| web.clone()))
        // Adaptive: once throttled, the client slows down to what Elastic Load Balancing lets through.
        .retry_config(RetryConfig::adaptive().with_max_attempts(ATTEMPTS))
        .timeout_config(
            TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).operation_timeout(CALL_TIMEOUT).build(),
        );
    config.set_endpoint_url(lookup("AWS_ENDPOINT_URL"));
    config.service_config(ServiceVariables(lookup)).build()
}

/// Connects to the services before the first invocation needs them. What cannot be reached is tried again
/// by the call that needs it.
pub async fn warm_up(sdk: &SdkConfig, web: &SharedHttpConnector) {
    let connect = async |url: String| {
        // Unsigned, so it is nobody's call: the answer is a refusal, and the connection stays.
        if let Ok(request) = HttpRequest::get(url) {
            let _ = tokio::time::timeout(ATTEMPT_TIMEOUT, web.call(request)).await;
        }
    };
    join_all(endpoints(sdk).await.into_iter().map(connect)).await;
}

/// Where the clients will connect to, as the SDK itself works it out.
async fn endpoints(sdk: &SdkConfig) -> Vec<String> {
    macro_rules! endpoint {
        ($service:ident, $id:literal) => {{
            use $service::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
            let params = Params::builder()
                .set_region(sdk.region().map(ToString::to_string))
                .set_use_fips(sdk.use_fips())
                .set_use_dual_stack(sdk.use_dual_stack())
                .set_endpoint(endpoint_url(sdk, $id))
                .build();
            match params {
                Ok(params) => {
                    DefaultResolver::new().resolve_endpoint(&params).await.ok().map(|found| found.url().to_owned())
                }
                Err(_) => None,
            }
        }};
    }
    [
        endpoint!(aws_sdk_elasticloadbalancingv2, "Elastic Load Balancing v2"),
        endpoint!(aws_sdk_dynamodb, "DynamoDB"),
        endpoint!(aws_sdk_scheduler, "Scheduler"),
        endpoint!(aws_sdk_sns, "SNS"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn endpoint_url(sdk: &SdkConfig, service: &str) -> Option<String> {
    let key =
        ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url").build().ok()?;
    let of_service = sdk.service_config().and_then(|variables| variables.load_config(key));
    of_service.or_else(|| sdk.endpoint_url().map(str::to_owned))
}

/// Settings of a single service, such as `AWS_ENDPOINT_URL_SNS`.
struct ServiceVariables<L>(L);

impl<L> std::fmt::Debug for ServiceVariables<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServiceVariables")
    }
}

impl<L: Fn(&str) -> Option<String> + Send + Sync> LoadServiceConfig for ServiceVariables<L> {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        (self.0)(&format!("{}_{}", key.env(), key.service_id().replace(' ', "_").to_uppercase()))
    }
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
    let said = error.as_service_error();
    let message = said.and_then(ProvideErrorMetadata::message).map_or_else(|| causes(error), str::to_owned);
    let code = said.and_then(ProvideErrorMetadata::code).unwrap_or(way).to_owned();
    Refusal { code, message: readable(&message, secrets) }
}

/// What is said of a request that could not even be made.
fn invalid(message: String) -> Refusal {
    Refusal { code: "InvalidRequest".to_owned(), message }
}

/// The error of a failed call.
pub(crate) fn failed(service: Service, what: impl Into<String>, source: Refusal) -> Error {
    Error::Aws { what: what.into(), service, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn endpoints_of(variables: &[(&'static str, &'static str)]) -> Vec<String> {
        let variables = variables.to_vec();
        let lookup =
            move |key: &str| variables.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned());
        endpoints(&sdk_config(lookup, &connector())).await
    }

    #[tokio::test]
    async fn connections_are_opened_to_where_the_clients_will_go() {
        assert_eq!(
            endpoints_of(&[("AWS_REGION", "eu-west-1")]).await,
            [
                "https://elasticloadbalancing.eu-west-1.amazonaws.com",
                "https://dynamodb.eu-west-1.amazonaws.com",
                "https://scheduler.eu-west-1.amazonaws.com",
                "https://sns.eu-west-1.amazonaws.com",
            ],
        );
        let china = endpoints_of(&[("AWS_REGION", "cn-north-1")]).await;
        assert!(china.iter().all(|url| url.ends_with(".cn-north-1.amazonaws.com.cn")), "{china:?}");
        let fips = endpoints_of(&[("AWS_REGION", "us-east-1"), ("AWS_USE_FIPS_ENDPOINT", "true")]).await;
        assert!(fips.iter().all(|url| url.contains("-fips.us-east-1.")), "{fips:?}");
    }

    #[tokio::test]
    async fn a_service_has_its_own_endpoint_or_that_of_all() {
        let variables = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ENDPOINT_URL", "http://localhost:1"),
            ("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", "http://localhost:2"),
            ("AWS_ENDPOINT_URL_SNS", " "),
        ];
        let urls = endpoints_of(&variables).await;
        assert_eq!(urls, ["http://localhost:2", "http://localhost:1", "http://localhost:1", "http://localhost:1"]);
    }
}
