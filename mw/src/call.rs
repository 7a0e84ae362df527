//! One event, sent until it is certain what came of it.
//!
//! The SDK repeats nothing by itself. Every try carries the same payload, and with it the same key, which the function
//! remembers for a day: whichever try arrives first is decided, and the others are told so. So a lost answer is asked for
//! again, and nothing is done twice.

use std::{error::Error, time::Duration};

use aws_config::{
    BehaviorVersion, Region, environment::EnvironmentVariableRegionProvider, meta::region::RegionProviderChain,
    profile::ProfileFileRegionProvider, retry::RetryConfig, stalled_stream_protection::StalledStreamProtectionConfig,
    timeout::TimeoutConfig,
};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_lambda::{Client, error::SdkError, operation::invoke::InvokeOutput, primitives::Blob};
use aws_smithy_http_client::{Connector, proxy::ProxyConfig, tls};
use aws_smithy_runtime_api::client::{
    http::{SharedHttpClient, SharedHttpConnector, http_client_fn},
    orchestrator::HttpResponse,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use hyper_util::client::legacy::Error as HttpError;
use tokio::time::sleep;

use crate::{
    answer::{Answer, Failure},
    cli::Global,
    event::{Event, decides},
};

/// How long a connection may take, and a call that only lists.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const LIST_TIMEOUT: Duration = Duration::from_secs(20);

/// How long to wait before the second try; before each further one twice as long, …
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// … but no longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Too many requests: the event was not handed to the function.
const THROTTLED: u16 = 429;

/// The way to AWS.
#[derive(Clone, Debug)]
pub struct Lambda {
    /// For invocations: patient, and repeats nothing.
    pub invoking: Client,
    /// For calls that change nothing.
    pub listing: Client,
    /// The Region.
    pub region: String,
}

/// A function, and how it is asked.
#[derive(Clone, Debug)]
pub struct Function {
    /// The way to AWS.
    pub lambda: Lambda,
    /// Its name or ARN.
    pub name: String,
    /// How often to ask.
    pub tries: u32,
}

/// What came of an event.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The function's answer, as it came and as it is read.
    Answered(String, Box<Answer>),
    /// The event was refused and decided nothing.
    Refused(String, Failure),
    /// The function failed each time, the last time so.
    Failed(String, Failure),
    /// It is not known whether the event arrived, or what came of it.
    Uncertain(String),
    /// The event certainly did not arrive.
    Unsent(String),
}

impl Outcome {
    /// The function's answer, as it came and as it is read, or why there is none.
    ///
    /// # Errors
    /// A sentence.
    pub fn answer(self) -> Result<(String, Box<Answer>), String> {
        match self {
            Self::Answered(text, answer) => Ok((text, answer)),
            Self::Refused(_, failure) | Self::Failed(_, failure) => Err(failure.to_string()),
            Self::Uncertain(why) | Self::Unsent(why) => Err(why),
        }
    }
}

/// What came of one try.
enum Try {
    Answered(String, Box<Answer>),
    Refused(String, Failure),
    Failed(String, Failure),
    /// Whether it arrived is not known.
    Lost(String),
    /// It did not arrive, and may the next time.
    Missed(String),
    /// It did not arrive, and never will.
    Denied(String),
}

impl Lambda {
    /// Finds credentials, Region and endpoint as the AWS CLI does; nothing is called yet.
    ///
    /// # Errors
    /// A sentence, if there is no Region.
    pub async fn new(global: &Global) -> Result<Self, String> {
        let mut of_profile = ProfileFileRegionProvider::builder();
        if let Some(profile) = &global.profile {
            of_profile = of_profile.profile_name(profile);
        }
        let region = RegionProviderChain::first_try(global.region.clone().map(Region::new))
            .or_else(EnvironmentVariableRegionProvider::new())
            .or_else(of_profile.build())
            .region()
            .await
            .ok_or("no Region is set: name one with --region, AWS_REGION, or the profile's `region`")?;
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).region(region.clone()).http_client(web());
        if let Some(profile) = &global.profile {
            loader = loader.profile_name(profile);
        }
        let sdk = loader.load().await;
        let invoking = aws_sdk_lambda::config::Builder::from(&sdk)
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(global.answer_timeout).build(),
            )
            // The function may be silent for as long as the answer may take.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        let listing = aws_sdk_lambda::config::Builder::from(&sdk)
            .timeout_config(
                TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_timeout(LIST_TIMEOUT).build(),
            )
            .build();
        Ok(Self {
            invoking: Client::from_conf(invoking),
            listing: Client::from_conf(listing),
            region: region.to_string(),
        })
    }
}

/// HTTPS on rustls, by way of the proxy that the environment names.
fn web() -> SharedHttpClient {
    http_client_fn(|settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .connector_settings(settings.clone())
            .proxy_config(ProxyConfig::from_env());
        connector.set_sleep_impl(components.sleep_impl());
        SharedHttpConnector::new(connector.build())
    })
}

impl Function {
    /// Sends an event until it is certain what came of it, or as often as allowed; `say` is told why it is sent again.
    /// What went wrong several times in the same way is said in full once.
    pub async fn ask(&self, event: &Event, say: &mut dyn FnMut(&str)) -> Outcome {
        let mut last = None;
        let payload = serde_json::Value::Object(event.clone()).to_string();
        let mut may_have_arrived = false;
        let mut pause = FIRST_PAUSE;
        for nth in 1.. {
            let is_last = nth >= self.tries;
            let why = match self.once(&payload, event).await {
                Try::Answered(text, answer) => return Outcome::Answered(text, answer),
                Try::Refused(text, failure) => return Outcome::Refused(text, failure),
                Try::Failed(text, failure) if is_last => return Outcome::Failed(text, failure),
                Try::Lost(why) if is_last => return Outcome::Uncertain(why),
                Try::Missed(why) if is_last => return unsent(may_have_arrived, why),
                Try::Denied(why) => return unsent(may_have_arrived, why),
                Try::Failed(_, failure) => {
                    may_have_arrived = true;
                    failure.to_string()
                }
                Try::Lost(why) => {
                    may_have_arrived = true;
                    why
                }
                Try::Missed(why) => why,
            };
            let how = if decides(event) { " under the same key" } else { "" };
            let told = if last.as_ref() == Some(&why) { "the same" } else { why.as_str() };
            say(&format!("try {nth} of {}: {told}; sent again{how} in {}s", self.tries, pause.as_secs()));
            last = Some(why);
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        unsent(may_have_arrived, "no try was allowed".to_owned())
    }

    /// Sends an event once: for questions that are asked again anyway.
    pub async fn ask_once(&self, event: &Event) -> Outcome {
        let once = Self { tries: 1, ..self.clone() };
        once.ask(event, &mut |_| ()).await
    }

    async fn once(&self, payload: &str, event: &Event) -> Try {
        let sent = self.lambda.invoking.invoke().function_name(&self.name).payload(Blob::new(payload)).send().await;
        match sent {
            Ok(output) => read(&output, event),
            Err(error) => not_answered(&error),
        }
    }
}

fn unsent(may_have_arrived: bool, why: String) -> Outcome {
    if may_have_arrived { Outcome::Uncertain(why) } else { Outcome::Unsent(why) }
}

/// What Lambda handed over from the function.
fn read(output: &InvokeOutput, event: &Event) -> Try {
    let text =
        output.payload().map(|payload| String::from_utf8_lossy(payload.as_ref()).into_owned()).unwrap_or_default();
    if output.function_error().is_some() {
        let failure: Failure = serde_json::from_str(&text).unwrap_or_default();
        return if failure.is_refusal() { Try::Refused(text, failure) } else { Try::Failed(text, failure) };
    }
    let asked = event.get("action").and_then(serde_json::Value::as_str);
    match serde_json::from_str::<Answer>(&text) {
        Ok(answer) if asked == Some(answer.action.as_str()) => Try::Answered(text, Box::new(answer)),
        Ok(answer) => Try::Lost(format!("expected an answer to {asked:?}, but it is one to {:?}", answer.action)),
        Err(problem) => Try::Lost(format!("what was answered is no answer of the maintenance function: {problem}")),
    }
}

fn not_answered<E>(error: &SdkError<E, HttpResponse>) -> Try
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let why = told(error);
    match error {
        SdkError::ConstructionFailure(_) => Try::Denied(why),
        SdkError::DispatchFailure(_) if caused_by::<CredentialsError>(error).is_some() => Try::Denied(why),
        SdkError::DispatchFailure(_) => {
            let connecting = caused_by::<HttpError>(error).is_some_and(HttpError::is_connect);
            if connecting { Try::Missed(why) } else { Try::Lost(why) }
        }
        SdkError::ServiceError(answer) => match answer.raw().status().as_u16() {
            THROTTLED => Try::Missed(why),
            400..=499 => Try::Denied(why),
            _ => Try::Lost(why),
        },
        _ => Try::Lost(why),
    }
}

/// Why a call failed, as a person wants to read it.
#[must_use]
pub fn told<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let SdkError::ServiceError(answer) = error {
        let meta = answer.err().meta();
        let status = answer.raw().status().as_u16();
        let code = meta.code().map_or_else(|| format!("HTTP {status}"), str::to_owned);
        return match meta.message() {
            Some(message) => format!("AWS answered {code}: {message}"),
            None => format!("AWS answered {code}"),
        };
    }
    let first = match error {
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::ResponseError(_) => "the answer could not be read",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "no answer in time",
        SdkError::DispatchFailure(_) if caused_by::<CredentialsError>(error).is_some() => "no credentials",
        SdkError::DispatchFailure(_) => "no answer",
        _ => "the request could not be made",
    };
    let mut told = first.to_owned();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        // The SDK's own sorts say nothing more, and some causes are in what they caused.
        if !said.is_empty()
            && !told.contains(&said)
            && !["dispatch failure", "other", "io error", "timeout"].contains(&said.as_str())
        {
            told = format!("{told}: {said}");
        }
        cause = error.source();
    }
    told
}

fn caused_by<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
