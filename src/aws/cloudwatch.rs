//! CloudWatch: rules that mute alarms, how alarms stand, and how many requests were turned away.
//!
//! Four operations do not need the whole client, which brings compression, CBOR and a second `http` into the executable:
//! they are sent as JSON, one of the three protocols that CloudWatch speaks (its model: `smithy-rpc-v2-cbor`, `json`,
//! `query`), and signed with the SDK's own signing crate.

use std::{collections::BTreeSet, fmt, time::Duration};

use aws_config::SdkConfig;
use aws_sdk_elasticloadbalancingv2::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_types::byte_stream::ByteStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{ATTEMPT_TIMEOUT, ATTEMPTS, endpoint_url, failed, signed::Signer};
use crate::{
    clock::Clock,
    config::Config,
    error::{Error, Refusal, Service, causes, chain},
    model::{mute::MuteRule, rule_arn::RuleArn},
    redact::readable,
};

/// What CloudWatch's JSON operations are called by (`targetPrefix` in its model).
const TARGET: &str = "GraniteServiceVersion20100801";

/// How long to wait before the second try; twice that before the third, and so on.
const PAUSE: Duration = Duration::from_millis(200);

/// How many metrics are read at once.
const AT_ONCE: usize = 5;

/// How many names `DescribeAlarms` takes in one call (API reference, `AlarmNames`).
const NAMES_MAX: usize = 100;

/// Up to this long the figures are read by minutes, and beyond it by hours: one call tells 1440 of them at most (API
/// reference, `GetMetricStatistics`).
const BY_MINUTES: SignedDuration = SignedDuration::from_hours(23);

/// The load balancer goes on turning visitors away until every node of it knows the rule again.
const APPLIED: SignedDuration = SignedDuration::from_mins(1);

/// CloudWatch of the function's Region.
#[derive(Clone)]
pub struct CloudWatch {
    address: Address,
    signer: Signer,
    web: SharedHttpConnector,
    attempts: u32,
    secrets: Vec<String>,
}

/// Where CloudWatch is.
#[derive(Clone)]
enum Address {
    /// An endpoint of one's own, such as a local AWS.
    Own(String),
    /// Worked out from these.
    Public(Result<Params, String>),
}

impl fmt::Debug for CloudWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloudWatch({})", self.signer.region())
    }
}

impl CloudWatch {
    /// Takes what the AWS clients were made from; connects to nothing before its first call.
    #[must_use]
    pub fn new(sdk: &SdkConfig, config: &Config, clock: Clock, web: SharedHttpConnector) -> Self {
        let address = endpoint_url(sdk, "CloudWatch").map_or_else(
            || {
                let place = Params::builder()
                    .set_region(sdk.region().map(ToString::to_string))
                    .set_use_fips(sdk.use_fips())
                    .set_use_dual_stack(sdk.use_dual_stack())
                    .build();
                Address::Public(place.map_err(|error| error.to_string()))
            },
            Address::Own,
        );
        Self {
            address,
            signer: Signer::new(sdk, "monitoring", clock),
            web,
            attempts: sdk.retry_config().map_or(ATTEMPTS, aws_config::retry::RetryConfig::max_attempts),
            secrets: config.secrets(),
        }
    }

    /// Makes a rule that mutes its alarms, or makes it anew.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn mute(&self, rule: &MuteRule) -> Result<(), Error> {
        // Without targets it would mute every alarm of the account.
        if rule.alarms.is_empty() {
            return Ok(());
        }
        let what = format!("mute the alarms of the rule {} ({})", rule.name, rule.alarms.join(", "));
        let input = json!({
            "Name": rule.name,
            "Description": rule.description,
            "Rule": {"Schedule": {"Expression": expression(rule.from), "Duration": duration(rule), "Timezone": "UTC"}},
            "MuteTargets": {"AlarmNames": rule.alarms},
        });
        self.ask("PutAlarmMuteRule", what, &input).await.map(drop)
    }

    /// Deletes a mute rule by its name; one that is gone already is deleted.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn unmute(&self, name: &str) -> Result<(), Error> {
        let what = format!("delete the mute rule {name}");
        match self.ask("DeleteAlarmMuteRule", what, &json!({ "AlarmMuteRuleName": name })).await {
            Err(error) if error.code().is_some_and(|code| code.starts_with("ResourceNotFound")) => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Those of these alarms that exist, and those that are in alarm, by their names.
    ///
    /// # Errors
    /// [`Error::Aws`] when a call fails.
    pub async fn alarms(&self, names: &[String]) -> Result<Alarms, Error> {
        let mut found = Alarms::default();
        for part in names.chunks(NAMES_MAX) {
            let input = json!({
                "AlarmNames": part,
                "AlarmTypes": ["MetricAlarm", "CompositeAlarm", "LogAlarm"],
                "MaxRecords": NAMES_MAX,
            });
            let answer = self.ask("DescribeAlarms", "see how the muted alarms stand", &input).await?;
            for kind in ["MetricAlarms", "CompositeAlarms", "LogAlarms"] {
                for alarm in answer[kind].as_array().into_iter().flatten() {
                    let Some(name) = alarm["AlarmName"].as_str() else { continue };
                    found.known.insert(name.to_owned());
                    if alarm["StateValue"] == "ALARM" {
                        found.in_alarm.insert(name.to_owned());
                    }
                }
            }
        }
        Ok(found)
    }

    /// How many requests the load balancers of these rules answered by themselves, with a fixed response, between two
    /// moments: that is, turned away.
    ///
    /// # Errors
    /// [`Error::Aws`] when a call fails.
    pub async fn turned_away(&self, rules: &[RuleArn], from: Timestamp, until: Timestamp) -> Result<u64, Error> {
        let load_balancers: BTreeSet<String> = rules.iter().map(RuleArn::load_balancer_dimension).collect();
        let counts: Vec<u64> = stream::iter(load_balancers)
            .map(async |load_balancer| self.turned_away_by(&load_balancer, from, until).await)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(counts.iter().sum())
    }

    async fn turned_away_by(&self, load_balancer: &str, from: Timestamp, until: Timestamp) -> Result<u64, Error> {
        let period = if until.duration_since(from) < BY_MINUTES { 60 } else { 3600 };
        let input = json!({
            "Namespace": "AWS/ApplicationELB",
            "MetricName": "HTTP_Fixed_Response_Count",
            "Dimensions": [{"Name": "LoadBalancer", "Value": load_balancer}],
            "StartTime": from.as_second(),
            "EndTime": until.saturating_add(APPLIED).unwrap_or(until).as_second(),
            "Period": period,
            "Statistics": ["Sum"],
        });
        let answer = self.ask("GetMetricStatistics", "read how many requests were turned away", &input).await?;
        let points = answer["Datapoints"].as_array().into_iter().flatten();
        let sum: f64 = points.filter_map(|point| point["Sum"].as_f64()).sum();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of requests")]
        Ok(sum.round() as u64)
    }

    /// Asks until there is an answer or no use in asking again.
    async fn ask(&self, operation: &str, what: impl Into<String>, input: &Value) -> Result<Value, Error> {
        let what = what.into();
        let mut attempt = 1;
        loop {
            let answer = tokio::time::timeout(ATTEMPT_TIMEOUT, self.ask_once(operation, input)).await;
            let (again, refusal) = match answer {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failure)) => failure,
                Err(_) => (true, self.refusal("Timeout", "there was no answer in time")),
            };
            if !again || attempt >= self.attempts {
                return Err(failed(Service::CloudWatch, what, refusal));
            }
            tokio::time::sleep(PAUSE * attempt).await;
            attempt += 1;
        }
    }

    /// The answer, or what was refused, and whether another try may help.
    async fn ask_once(&self, operation: &str, input: &Value) -> Result<Value, (bool, Refusal)> {
        let here = |problem: String| (false, self.refusal("InvalidRequest", &problem));
        let url = self.url().await.map_err(here)?;
        let target = format!("{TARGET}.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target.as_str())];
        let request = self.signer.signed("POST", &url, &headers, input.to_string()).await.map_err(here)?;
        let answer = self.web.call(request).await;
        let answer = answer.map_err(|error| (true, self.refusal("Unreachable", &causes(&error))))?;
        let status = answer.status().as_u16();
        // As `awsQueryCompatible` services have it: the code that the older protocol knows.
        let code = answer.headers().get("x-amzn-query-error").and_then(|header| header.split(';').next());
        let code = code.map(str::to_owned);
        let body = ByteStream::new(answer.into_body()).collect().await;
        let body = body.map_err(|error| (true, self.refusal("UnreadableAnswer", &chain(&error))))?.into_bytes();
        let body = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice::<Value>(&body) };
        if (200..300).contains(&status) {
            return body.map_err(|error| (true, self.refusal("UnreadableAnswer", &error.to_string())));
        }
        let body = body.unwrap_or_default();
        let kind = body["__type"].as_str().map(|kind| kind.rsplit('#').next().unwrap_or(kind).to_owned());
        let code = code.or(kind).unwrap_or_else(|| format!("Status{status}"));
        let message = body["message"].as_str().or(body["Message"].as_str()).unwrap_or("no reason was given");
        let again = status >= 500 || code.starts_with("Throttl") || code == "LimitExceeded";
        Err((again, self.refusal(&code, message)))
    }

    fn refusal(&self, code: &str, message: &str) -> Refusal {
        Refusal { code: code.to_owned(), message: readable(message, &self.secrets) }
    }

    /// Where CloudWatch is.
    ///
    /// Its endpoint rules are those of Elastic Load Balancing with another first word, for every Region, FIPS and dual
    /// stack; only in `GovCloud`, where the plain name is the FIPS one, the name of both together differs (compared over
    /// all 53 Regions of botocore 1.43.106).
    async fn url(&self) -> Result<String, String> {
        let place = match &self.address {
            Address::Own(url) => return Ok(format!("{}/", url.trim_end_matches('/'))),
            Address::Public(place) => place.as_ref().map_err(Clone::clone)?,
        };
        let found = DefaultResolver::new().resolve_endpoint(place).await.map_err(|error| chain(&*error))?;
        let url = found.url().replacen("elasticloadbalancing", "monitoring", 1);
        let gov = self.signer.region().starts_with("us-gov-");
        Ok(if gov { url.replacen("monitoring-fips", "monitoring", 1) } else { url } + "/")
    }
}

/// How alarms stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alarms {
    /// Those that exist.
    pub known: BTreeSet<String>,
    /// Those of them that are in alarm.
    pub in_alarm: BTreeSet<String>,
}

/// `at()` takes whole minutes and no zone (API reference, `Schedule`); the rule's own zone is UTC.
fn expression(from: Timestamp) -> String {
    from.strftime("at(%Y-%m-%dT%H:%M)").to_string()
}

/// How long a rule mutes, in whole minutes.
fn duration(rule: &MuteRule) -> String {
    format!("PT{}M", rule.until.duration_since(rule.from).as_mins())
}
