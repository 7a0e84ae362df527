//! The function's processes, their invocations, and how their calls reach the services.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_config::{Region, SdkConfig};
use aws_sdk_sns::config::{BehaviorVersion, Credentials, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::{body::SdkBody, retry::RetryConfig};
use jiff::SignedDuration;
use maintenance_window::{
    app::{App, Clock, FigureLog},
    aws::{Aws, bucket::Bucket, cloudwatch::CloudWatch},
    config::Config,
    error::Error,
    handler::{Invocation, Reply, reply},
    probe::Probe,
    report::response::Response,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{
    Call, Fault, ORIGIN_LOCK, SECRET, Settings, World, table,
    wire::{self, Answer, Refusal},
};

/// The processes by their number and settings.
pub(super) type Processes = BTreeMap<(usize, Settings), (Arc<App>, Arc<Mutex<Present>>)>;

/// A process of the function, as AWS sees it: one of two that may run at once.
///
/// A process that died and the one that follows it differ in nothing, since the function remembers nothing, so the
/// clients are built once.
#[derive(Clone)]
struct Process {
    world: World,
    number: usize,
    present: Arc<Mutex<Present>>,
}

/// What a process is at.
#[derive(Clone, Default)]
pub(super) struct Present {
    invocation: usize,
    death: Arc<Notify>,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Process({})", self.number)
    }
}

impl World {
    fn sdk(&self, process: Process) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("id", "key", None, None, "test")))
            .retry_config(RetryConfig::standard().with_max_attempts(self.retries))
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(process.clone())))
            .build()
    }

    /// A process, which the settings may keep from starting.
    fn process(&self, number: usize) -> Result<(Arc<App>, Arc<Mutex<Present>>), Error> {
        let config = Config::from_lookup(|key| self.settings.get(key).cloned())?;
        let mut processes = self.processes.lock().expect("no test panicked here");
        let key = (number, self.settings.clone());
        let made = processes.entry(key).or_insert_with(|| {
            // Without the processes, or the world would hold itself.
            let world = Self { processes: Arc::default(), ..self.clone() };
            let process = Process { world, number, present: Arc::default() };
            let (clock, present) = (process.world.clone(), process.present.clone());
            let (sdk, witness) = (self.sdk(process.clone()), process.world.clone());
            let clock: Clock = Arc::new(move || clock.now());
            let bucket = config
                .error_bucket
                .as_ref()
                .map(|bucket| Bucket::new(&sdk, bucket, clock.clone(), SharedHttpConnector::new(process.clone())));
            let figures: FigureLog = Arc::new(move |line| witness.state().said.push(line.to_owned()));
            let probe = config.probe_url.as_ref().map(|url| {
                Probe::new(url, config.bypass.as_ref(), clock.clone(), SharedHttpConnector::new(process.clone()))
            });
            let web = SharedHttpConnector::new(process.clone());
            let cloudwatch = CloudWatch::new(&sdk, &config, clock.clone(), web);
            let aws = Aws::new(&sdk, &config);
            (Arc::new(App { aws, cloudwatch, config, probe, bucket, figures, clock }), present)
        });
        Ok((made.0.clone(), made.1.clone()))
    }

    /// Invokes the function as one process; `None` if it died.
    pub(crate) async fn try_invoke(&self, event: &Value, request: &str) -> Option<Result<Response, Error>> {
        self.invoke_as(0, event, request).await
    }

    /// The same as one of two at once.
    pub(crate) async fn invoke_as(
        &self,
        number: usize,
        event: &Value,
        request: &str,
    ) -> Option<Result<Response, Error>> {
        let reply = self.reply_as(number, event, request).await?;
        Some(reply.map(|reply| match reply {
            Reply::Answer(answer) => *answer,
            Reply::Page(page) => panic!("a page answers {event}: {page}"),
        }))
    }

    /// Asks for a page, as a dashboard does; the process must live, and a page never fails.
    pub(crate) async fn widget(&self, event: &Value) -> String {
        let request = format!("request-{}", self.state().invocations.len());
        match self.reply_as(0, event, &request).await.expect("the process lives") {
            Ok(Reply::Page(page)) => page,
            other => panic!("no page answers {event}: {other:?}"),
        }
    }

    async fn reply_as(&self, number: usize, event: &Value, request: &str) -> Option<Result<Reply, Error>> {
        let invocation = {
            let mut state = self.state();
            state.invocations.push(0);
            state.invocations.len() - 1
        };
        let result = match self.process(number) {
            Err(error) => Some(Err(error)),
            Ok((app, present)) => {
                let death = Arc::new(Notify::new());
                *present.lock().expect("no test panicked here") = Present { invocation, death: death.clone() };
                let invocation = Invocation {
                    request_id: request.to_owned(),
                    function_arn: self.invoked.clone(),
                    deadline: Some(self.now() + SignedDuration::from_secs(300)),
                };
                tokio::select! {
                    result = Box::pin(reply(&app, event, &invocation)) => Some(result),
                    () = death.notified() => None,
                }
            }
        };
        if let Some(gate) = self.gate() {
            gate.done(number);
        }
        match &result {
            Some(Ok(reply)) => self.state().said.push(serde_json::to_string(reply).expect("JSON")),
            Some(Err(error)) => self.state().said.push(error.full()),
            None => {}
        }
        result
    }

    /// Invokes the function, which must survive.
    pub(crate) async fn invoke(&self, event: Value) -> Result<Response, Error> {
        let request = format!("request-{}", self.state().invocations.len());
        self.try_invoke(&event, &request).await.expect("the process lives")
    }

    /// Delivers an event asynchronously: twice more if it fails.
    pub(crate) async fn deliver(&self, event: &Value, request: &str) {
        for wait in [60, 120, 0] {
            match self.try_invoke(event, request).await {
                Some(Ok(_)) => return,
                Some(Err(_)) | None => tokio::time::sleep(Duration::from_secs(wait)).await,
            }
        }
    }

    fn effect(&self, name: &str, subject: &str, input: &Value) -> Answer {
        let now = self.now();
        let state = &mut *self.state();
        match name {
            "PutObject" | "DeleteObject" => {
                let body = input["body"].as_str().map(str::to_owned);
                match body {
                    Some(_) => state.files.insert(subject.to_owned(), input.clone()),
                    None => state.files.remove(subject),
                };
                Ok(json!({}))
            }
            "DescribeRules" => state.describe_rules(input),
            "DescribeListeners" => Ok(state.describe_listeners(input)),
            "GetTopicAttributes" => {
                let entry = |key: &str, value: &str| json!({"key": key, "value": value});
                let [pending, deleted] = state.unsubscribed;
                Ok(json!({"Attributes": {"entry": [
                    entry("SubscriptionsConfirmed", &state.subscribers),
                    entry("SubscriptionsPending", pending),
                    entry("SubscriptionsDeleted", deleted),
                ]}}))
            }
            "ModifyRule" => state.modify_rule(subject, input),
            "CreateSchedule" => state.create_schedule(subject, input, &self.settings),
            "DeleteSchedule" => state.delete_schedule(subject),
            "GetSchedule" => state.get_schedule(subject),
            "PutAlarmMuteRule" => state.put_mute_rule(subject, input, now),
            "DeleteAlarmMuteRule" => Ok(state.delete_mute_rule(subject)),
            "DescribeAlarms" => Ok(state.describe_alarms(input)),
            "GetMetricStatistics" => state.metric_statistics(input),
            "Publish" => state.publish(input, now),
            "Query" | "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems" => {
                state.table.call(name, input, now, &mut state.transaction_conflicts)
            }
            other => panic!("the world does not know {other}"),
        }
    }
}

impl HttpConnector for Process {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let process = self.clone();
        HttpConnectorFuture::new(async move { Ok(process.serve(request).await) })
    }
}

impl Process {
    async fn serve(&self, request: HttpRequest) -> HttpResponse {
        let world = &self.world;
        if request.uri().contains("www.example.com") {
            return world.site(&request);
        }
        let (protocol, name, subject, input) = understand(&request);
        let invocation = self.present.lock().expect("no test panicked here").invocation;
        if let Some(gate) = world.gate() {
            gate.pass(self.number).await;
        }
        let (fault, broken) = {
            let mut state = world.state();
            let nth = state.invocations[invocation];
            state.invocations[invocation] += 1;
            state.calls.push(Call { at: world.now(), name: name.clone(), subject: subject.clone() });
            let hangs = state.hanging.iter().any(|operation| *operation == name).then_some(Fault::Hangs);
            let fault = state.faults.remove(&(invocation, nth)).or(hangs);
            (fault, state.broken.iter().any(|operation| *operation == name))
        };
        if fault == Some(Fault::DiesBefore) {
            self.die().await;
        }
        tokio::time::sleep(if protocol == Protocol::Table { world.table_latency } else { world.latency }).await;
        if fault == Some(Fault::Refused) || broken {
            // AWS's messages quote what they were sent; that is no bypass value which the settings have no more.
            let sent = input.to_string();
            let is_known = self.world.settings.get("BYPASS_HEADER_VALUE").is_some_and(|value| value.contains(SECRET));
            let quoted = [(SECRET, is_known), (ORIGIN_LOCK, sent.contains(ORIGIN_LOCK))];
            let quoted = quoted.map(|(value, is_quoted)| if is_quoted { value } else { "" }).join(" ");
            let quoted = format!("{quoted} is not something we like");
            return respond(protocol, &name, &Err(Refusal::new(400, "AccessDenied", quoted)));
        }
        if fault == Some(Fault::Throttled) {
            return respond(protocol, &name, &Err(Refusal::new(400, "ThrottlingException", "Rate exceeded")));
        }
        let answer = world.effect(&name, &subject, &input);
        if answer.is_ok() {
            world.watch(&name, &subject);
        }
        if let Some(gate) = world.gate() {
            gate.through();
        }
        match fault {
            Some(Fault::AnswerLost) => {
                respond(protocol, &name, &Err(Refusal::new(500, "InternalFailure", "something broke")))
            }
            Some(Fault::DiesAfter) => self.die().await,
            Some(Fault::Hangs) => std::future::pending().await,
            _ if world.state().garbled.iter().any(|operation| *operation == name) => {
                HttpResponse::new(StatusCode::try_from(200).expect("a status"), SdkBody::from("<html>"))
            }
            _ => respond(protocol, &name, &answer),
        }
    }

    async fn die(&self) -> HttpResponse {
        self.present.lock().expect("no test panicked here").death.notify_one();
        std::future::pending().await
    }
}

/// How a service talks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// Elastic Load Balancing, SNS and S3.
    Xml,
    /// Scheduler.
    Json,
    /// DynamoDB.
    Table,
    /// CloudWatch.
    Alarms,
}

/// What a request asks for: the operation, what it is about, and its input.
fn understand(request: &HttpRequest) -> (Protocol, String, String, Value) {
    let body = std::str::from_utf8(request.body().bytes().unwrap_or_default()).expect("UTF-8");
    let uri = request.uri();
    let host = uri.split('/').nth(2).unwrap_or_default();
    if host.starts_with("s3.") {
        assert!(request.headers().get("authorization").is_some_and(|signature| signature.contains("/s3/aws4_request")));
        let operation = if request.method() == "PUT" { "PutObject" } else { "DeleteObject" };
        let subject = uri.splitn(4, '/').nth(3).unwrap_or_default().to_owned();
        let header = |name: &str| request.headers().get(name).unwrap_or_default();
        let input = if request.method() == "PUT" {
            json!({"body": body, "type": header("content-type"), "cache": header("cache-control")})
        } else {
            Value::Null
        };
        return (Protocol::Xml, operation.to_owned(), subject, input);
    }
    if host.starts_with("monitoring.") {
        let header = |name: &str| request.headers().get(name).unwrap_or_default();
        assert!(header("authorization").contains("/eu-west-1/monitoring/aws4_request"), "{}", header("authorization"));
        assert_eq!((request.method(), header("content-type")), ("POST", "application/x-amz-json-1.0"));
        let operation = header("x-amz-target").strip_prefix("GraniteServiceVersion20100801.").expect("CloudWatch");
        let input: Value = serde_json::from_str(body).expect("JSON");
        let name = input["Name"].as_str().or(input["AlarmMuteRuleName"].as_str()).unwrap_or_default().to_owned();
        return (Protocol::Alarms, operation.to_owned(), name, input);
    }
    if host.starts_with("dynamodb.") {
        let target = request.headers().get("x-amz-target").expect("a target");
        let operation = target.strip_prefix("DynamoDB_20120810.").expect("DynamoDB").to_owned();
        let input = serde_json::from_str(body).expect("JSON");
        let subject = table::subject(&operation, &input);
        return (Protocol::Table, operation, subject, input);
    }
    if host.starts_with("scheduler.") {
        let rest = uri.splitn(4, '/').nth(3).unwrap_or_default();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let name = wire::decode(path.strip_prefix("schedules/").expect("one schedule"));
        let operation = match request.method() {
            "POST" => "CreateSchedule",
            "DELETE" => "DeleteSchedule",
            "GET" => "GetSchedule",
            other => panic!("the world does not know {other} of a schedule"),
        };
        let mut input = if body.is_empty() { json!({}) } else { serde_json::from_str(body).expect("JSON") };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').expect("a pair");
            input[key] = Value::String(wire::decode(value));
        }
        let group = input["GroupName"].as_str().or(input["groupName"].as_str());
        assert_eq!(group, Some("maintenance"), "every call names the group");
        return (Protocol::Json, operation.to_owned(), name, input);
    }
    let input = wire::read_query(body);
    let operation = input["Action"].as_str().expect("an action").to_owned();
    let subject = input["RuleArn"].as_str().unwrap_or_default().to_owned();
    (Protocol::Xml, operation, subject, input)
}

fn respond(protocol: Protocol, operation: &str, answer: &Answer) -> HttpResponse {
    let status = answer.as_ref().map_or_else(|refusal| refusal.status, |_| 200);
    let body = match (protocol, answer) {
        (Protocol::Json | Protocol::Table | Protocol::Alarms, Ok(value)) => value.to_string(),
        (Protocol::Alarms, Err(refusal)) => {
            let kind = format!("com.amazonaws.cloudwatch#{}", refusal.code);
            json!({ "__type": kind, "message": refusal.message }).to_string()
        }
        (Protocol::Json, Err(refusal)) => json!({ "Message": refusal.message }).to_string(),
        (Protocol::Table, Err(refusal)) => wire::table_error(refusal).to_string(),
        (Protocol::Xml, Ok(value)) => {
            wire::xml(&format!("{operation}Response"), &json!({ format!("{operation}Result"): value }))
        }
        (Protocol::Xml, Err(Refusal { code, message, .. })) => {
            wire::xml("ErrorResponse", &json!({"Error": {"Type": "Sender", "Code": code, "Message": message}}))
        }
    };
    let mut response = HttpResponse::new(StatusCode::try_from(status).expect("a status"), SdkBody::from(body));
    if let (Protocol::Json, Err(refusal)) = (protocol, answer) {
        response.headers_mut().insert("x-amzn-errortype", refusal.code);
    }
    response
}
