//! The same calls over real HTTP to an AWS that others wrote: moto, started here on a port of its own.

use std::{
    collections::BTreeSet,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::{
    Client as Table,
    types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType},
};
use aws_sdk_elasticloadbalancingv2::{
    Client as Elb,
    types::{
        Action, ActionTypeEnum, FixedResponseActionConfig, HttpHeaderConditionConfig, PathPatternConditionConfig, Rule,
        RuleCondition,
    },
};
use aws_sdk_scheduler::Client as Scheduler;
use aws_sdk_sns::{
    Client as Sns,
    config::{Credentials, SharedCredentialsProvider},
};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::{http::HttpConnector, orchestrator::HttpRequest};
use aws_smithy_types::byte_stream::ByteStream;
use jiff::Timestamp;
use maintenance_window::{
    app::App,
    aws::{Aws, bucket::Bucket, cloudwatch::CloudWatch},
    config::Config,
    handler::{Invocation, answer},
    model::published::{Content, PageNotice},
    probe::connector,
    report::{feeds::files, response::Response},
};
use serde_json::{Value, json};

use crate::world::{FUNCTION, SECRET};

/// moto in a process of its own, ended with the test.
struct Moto {
    process: Child,
    endpoint: String,
}

impl Moto {
    fn start() -> Self {
        let server = tool("moto_server");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
        #[expect(clippy::zombie_processes, reason = "it is waited for when dropped")]
        let process = Command::new(&server)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {server}: {error}; `make test` installs it"));
        for _ in 0..300 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Self { process, endpoint: format!("http://127.0.0.1:{port}") };
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("moto did not answer on port {port}");
    }

    fn sdk(&self) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("id", "key", None, None, "test")))
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .endpoint_url(&self.endpoint)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A program beside moto's server, wherever `make` installed it.
#[expect(clippy::disallowed_methods, reason = "where it is installed is said from outside")]
fn tool(name: &str) -> String {
    let server = std::env::var("MOTO_SERVER")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/.venv/local/bin/moto_server").to_owned());
    server.replace("moto_server", name)
}

fn path(value: &str) -> RuleCondition {
    let config = PathPatternConditionConfig::builder().values(value).build();
    RuleCondition::builder().field("path-pattern").path_pattern_config(config).build()
}

fn fixed(status: &str) -> Action {
    let config = FixedResponseActionConfig::builder().status_code(status).build().into();
    let builder = Action::builder().r#type(ActionTypeEnum::FixedResponse);
    builder.set_fixed_response_config(config).build()
}

/// A load balancer with a 503 by default and one rule for the application; the rule's ARN.
async fn site(sdk: &SdkConfig, vpc: &Value, conditions: Vec<RuleCondition>) -> String {
    let elb = Elb::new(sdk);
    let subnets = vpc.as_array().expect("subnets").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let made = elb.create_load_balancer().name("web").set_subnets(Some(subnets)).send().await.expect("a load balancer");
    let balancer = made.load_balancers()[0].load_balancer_arn().expect("an ARN").to_owned();
    let made = elb
        .create_listener()
        .load_balancer_arn(balancer)
        .protocol("HTTP".into())
        .port(80)
        .default_actions(fixed("503"))
        .send()
        .await
        .expect("a listener");
    let listener = made.listeners()[0].listener_arn().expect("an ARN").to_owned();
    let made = elb
        .create_rule()
        .listener_arn(listener)
        .priority(10)
        .set_conditions(Some(conditions))
        .actions(fixed("200"))
        .send()
        .await
        .expect("a rule");
    made.rules()[0].rule_arn().expect("an ARN").to_owned()
}

/// Subnets need the EC2 API, which this project has no client for: moto's own Python makes them.
fn subnets(endpoint: &str) -> Value {
    let python = tool("python");
    let script = "import boto3, json, sys\n\
        ec2 = boto3.client('ec2', endpoint_url=sys.argv[1], region_name='eu-west-1', aws_access_key_id='id', aws_secret_access_key='key')\n\
        found = ec2.describe_subnets()['Subnets'][:2]\n\
        print(json.dumps([subnet['SubnetId'] for subnet in found]))";
    let output = Command::new(python).args(["-c", script, endpoint]).output().expect("Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The table as the template makes it, as far as its keys go.
async fn table(sdk: &SdkConfig) {
    let mut make = Table::new(sdk).create_table().table_name("maintenance").billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("scope", KeyType::Hash), ("id", KeyType::Range)] {
        let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder().attribute_name(name).key_type(kind);
        make = make.attribute_definitions(attribute.build().expect("an attribute"));
        make = make.key_schema(key.build().expect("a key"));
    }
    make.send().await.expect("a table");
}

/// The function beside an AWS that others wrote.
struct Function {
    app: App,
    sdk: SdkConfig,
    rule: String,
    asked: AtomicU32,
    /// Kept for as long as the function: it ends when it is dropped.
    _moto: Moto,
}

impl Function {
    /// With one rule that demands a path and a header.
    async fn deployed() -> Self {
        let moto = Moto::start();
        let sdk = moto.sdk();
        let lock = HttpHeaderConditionConfig::builder().http_header_name("x-lock").values("edge-lock-value").build();
        let lock = RuleCondition::builder().field("http-header").http_header_config(lock).build();
        let rule = site(&sdk, &subnets(&moto.endpoint), vec![path("/shop/*"), lock]).await;
        table(&sdk).await;
        let topic = Sns::new(&sdk).create_topic().name("reports").send().await.expect("a topic");
        Scheduler::new(&sdk).create_schedule_group().name("maintenance").send().await.expect("a group");
        let topic = topic.topic_arn().expect("an ARN").to_owned();
        let settings = |key: &str| {
            Some(match key {
                "RULE_ARNS" => rule.clone(),
                "BYPASS_HEADER_NAME" => "x-maintenance-bypass".to_owned(),
                "BYPASS_HEADER_VALUE" => SECRET.to_owned(),
                "TABLE_NAME" | "SCHEDULE_GROUP" => "maintenance".to_owned(),
                "SNS_TOPIC_ARN" => topic.clone(),
                "SCHEDULER_ROLE_ARN" => "arn:aws:iam::123456789012:role/scheduler".to_owned(),
                _ => return None,
            })
        };
        let config = Config::from_lookup(settings).expect("settings with a table");
        assert!(config.problems.is_empty(), "{:?}", config.problems);
        #[expect(clippy::disallowed_methods, reason = "this test runs in real time")]
        let app = App {
            aws: Aws::new(&sdk, &config),
            cloudwatch: CloudWatch::new(&sdk, &config, Arc::new(Timestamp::now), connector()),
            config,
            probe: None,
            bucket: None,
            figures: Arc::new(|_| ()),
            clock: Arc::new(Timestamp::now),
        };
        Self { app, sdk, rule, asked: AtomicU32::new(0), _moto: moto }
    }

    async fn try_as(&self, request: &str, event: &Value) -> Result<Response, maintenance_window::error::Error> {
        let request_id = request.to_owned();
        let invocation = Invocation { request_id, function_arn: FUNCTION.to_owned(), deadline: None };
        answer(&self.app, event, &invocation).await
    }

    /// Sends an event that must succeed; returns its answer's outcome.
    async fn ask(&self, event: Value) -> Response {
        let request = format!("request-{}", self.asked.fetch_add(1, Ordering::Relaxed));
        self.try_as(&request, &event).await.unwrap_or_else(|error| panic!("{event}: {}", error.full()))
    }

    async fn rule(&self) -> Rule {
        let rules = Elb::new(&self.sdk).describe_rules().rule_arns(&self.rule).send().await.expect("the rule");
        rules.rules()[0].clone()
    }

    /// The names of the wake-ups without their revisions' marks: `<id>.<kind>`.
    async fn wake_ups(&self) -> BTreeSet<String> {
        let list = Scheduler::new(&self.sdk).list_schedules().group_name("maintenance").send().await.expect("a list");
        let names = list.schedules().iter().filter_map(|found| found.name()).map(|name| {
            let (id, rest) = name.rsplit_once('.').expect("a wake-up");
            format!("{id}.{}", rest.split('-').next().unwrap_or_default())
        });
        names.collect()
    }
}

/// A moment of the day after tomorrow.
#[expect(clippy::disallowed_methods, reason = "this test runs in real time")]
fn ahead(hours: i64) -> String {
    (Timestamp::now() + jiff::SignedDuration::from_hours(48 + hours)).strftime("%Y-%m-%dT%H:%M:00Z").to_string()
}

#[tokio::test]
async fn a_window_means_the_same_to_an_aws_that_others_wrote() {
    let function = Function::deployed().await;
    let before = function.rule().await;
    let event = json!({"action": "on", "duration": "PT1H", "id": "by-hand", "reason": "é <wire>"});
    assert_eq!(function.ask(event.clone()).await.outcome, "started");
    let during = function.rule().await;
    assert_eq!(during.conditions().len(), 3);
    assert_eq!((during.actions(), during.priority()), (before.actions(), before.priority()));
    assert_eq!(function.wake_ups().await, BTreeSet::from(["by-hand.end".to_owned()]));
    assert_eq!(function.ask(json!({"action": "status"})).await.outcome, "maintenance");
    assert_eq!(function.ask(event).await.outcome, "unchanged");
    let extend = json!({"action": "extend", "id": "by-hand", "by": "PT30M", "requested_by": "ana"});
    assert_eq!(function.try_as("one", &extend).await.expect("extended").outcome, "extended");
    // A transaction that is refused for the request's own item is told apart from one that is refused for a version.
    assert_eq!(function.try_as("one", &extend).await.expect("the same").outcome, "unchanged");
    assert_eq!(function.ask(json!({"action": "sweep"})).await.outcome, "unchanged");
    assert_eq!(function.ask(json!({"action": "off", "requested_by": "ben"})).await.outcome, "completed");
    assert_eq!(function.rule().await.conditions(), before.conditions());
    let past = &function.ask(json!({"action": "history"})).await.history[0];
    let decided: Vec<(Value, Option<&str>)> =
        past.decisions.iter().map(|one| (json!(one.action), one.requested_by.as_deref())).collect();
    assert_eq!(decided, [(json!("on"), None), (json!("extend"), Some("ana")), (json!("off"), Some("ben"))]);
    assert_eq!(past.reason.as_deref(), Some("é <wire>"));
    let status = function.ask(json!({"action": "status"})).await;
    assert_eq!((status.outcome.as_str(), status.windows.len()), ("open", 0));
    // What would wake for the first end does nothing, and goes by itself.
    assert!(function.wake_ups().await.is_subset(&BTreeSet::from(["by-hand.end".to_owned()])));
    let rehearsed = function.ask(json!({"action": "on", "id": "later", "duration": "PT1H", "dry_run": true})).await;
    assert_eq!(rehearsed.outcome, "dry_run");
}

#[tokio::test]
async fn what_is_booked_means_the_same_to_an_aws_that_others_wrote() {
    let function = Function::deployed().await;
    let book = json!({"id": "ahead", "start": ahead(0), "end": ahead(1)});
    assert_eq!(function.ask(book.clone()).await.outcome, "booked");
    assert_eq!(function.ask(book).await.outcome, "already_booked");
    let moved = json!({"action": "reschedule", "id": "ahead", "start": ahead(2)});
    assert_eq!(function.ask(moved).await.outcome, "rescheduled");
    let pair = |id: &str| BTreeSet::from([format!("{id}.end"), format!("{id}.start")]);
    assert_eq!(function.wake_ups().await, pair("ahead"));
    let other = function.try_as("other", &json!({"id": "ahead", "start": ahead(5), "end": ahead(6)})).await;
    assert_eq!(other.expect_err("another window of this name").kind(), "InvalidEvent");
    assert_eq!(function.ask(json!({"action": "cancel", "id": "ahead"})).await.outcome, "cancelled");

    let series = json!({"id": "nightly", "every": "cron(0 2 * * ? *)", "duration": "PT30M", "timezone": "UTC"});
    assert_eq!(function.ask(series.clone()).await.outcome, "booked");
    assert_eq!(function.ask(series).await.outcome, "already_booked");
    let windows = async || function.ask(json!({"action": "status"})).await.windows;
    let first = windows().await;
    assert_eq!(first.len(), 1);
    assert_eq!(function.ask(json!({"action": "skip", "id": "nightly"})).await.outcome, "skipped");
    let second = windows().await;
    assert!(second.len() == 1 && second[0].start > first[0].start, "{second:?}");
    assert_eq!(function.ask(json!({"action": "pause", "id": "nightly"})).await.outcome, "paused");
    assert_eq!(windows().await.len(), 0);
    assert_eq!(function.ask(json!({"action": "resume", "id": "nightly"})).await.outcome, "resumed");
    assert_eq!(function.ask(json!({"action": "cancel", "id": "nightly"})).await.outcome, "cancelled");
    assert_eq!(windows().await.len(), 0);

    let history = function.ask(json!({"action": "history", "limit": 10})).await.history;
    let past: Vec<(&str, &str)> = history.iter().map(|past| (past.id.as_str(), past.kind)).collect();
    assert_eq!(past.len(), 5, "the window, three occurrences and the series: {past:?}");
    assert_eq!(past.iter().filter(|(id, kind)| *id == "nightly" && *kind == "series").count(), 1, "{past:?}");
    let one = function.ask(json!({"action": "history", "id": "ahead"})).await.history;
    assert_eq!((one.len(), one[0].decisions.len()), (1, 3));
    let latest = function.ask(json!({"action": "history", "limit": 1})).await;
    assert_eq!((latest.history.len(), latest.more), (1, history.len() > 1));
    let future = function.ask(json!({"action": "history", "since": ahead(0)})).await.history;
    assert_eq!(future.len(), 0);
}

/// The status and body of a request to moto.
async fn ask(method: &str, url: &str) -> (u16, String) {
    let mut request = HttpRequest::get(url).expect("a request");
    request.set_method(method).expect("a method");
    // moto reads no signature, but shows a private object to nobody without one.
    let scope = "AWS4-HMAC-SHA256 Credential=id/20261206/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
    request.headers_mut().insert("authorization", scope);
    let answer = connector().call(request).await.expect("an answer");
    let status = answer.status().as_u16();
    let body = ByteStream::new(answer.into_body()).collect().await.expect("a body").to_vec();
    (status, String::from_utf8(body).expect("UTF-8"))
}

#[tokio::test]
async fn the_page_is_told_by_requests_that_an_s3_of_others_understands() {
    let moto = Moto::start();
    #[expect(clippy::disallowed_methods, reason = "this test runs in real time")]
    let page = |bucket: &str| Bucket::new(&moto.sdk(), bucket, Arc::new(Timestamp::now), connector());
    let notice = PageNotice { end: Some(Timestamp::UNIX_EPOCH), message: Some("Back soon, déjà.".to_owned()) };
    let [file, ..] = files(&Content { notice: Some(notice), announced: None });
    let [none, ..] = files(&Content::default());
    for bucket in ["pages", "pages.example.com"] {
        let url = format!("{}/{bucket}/errors/window.json", moto.endpoint);
        let missing = page(bucket).write(&file).await.expect_err("no bucket yet");
        assert!(missing.contains("(S3 answered 404); see that ErrorBucket exists"), "{missing}");
        assert_eq!(ask("PUT", &format!("{}/{bucket}", moto.endpoint)).await.0, 200);
        page(bucket).write(&file).await.expect("told");
        let (status, body) = ask("GET", &url).await;
        let told: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((status, told), (200, json!({"end": "1970-01-01T00:00:00Z", "message": "Back soon, déjà."})));
        page(bucket).write(&none).await.expect("removed");
        assert_eq!(ask("GET", &url).await.0, 404);
    }
}

/// Tells moto's CloudWatch something, as a tool of others would.
async fn tell_cloudwatch(moto: &Moto, operation: &str, input: &Value) {
    let mut request = HttpRequest::new(input.to_string().into());
    request.set_method("POST").expect("a method");
    request.set_uri(format!("{}/", moto.endpoint)).expect("an address");
    let scope =
        "AWS4-HMAC-SHA256 Credential=id/20261206/eu-west-1/monitoring/aws4_request, SignedHeaders=host, Signature=0";
    request.headers_mut().insert("authorization", scope);
    request.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    request.headers_mut().insert("x-amz-target", format!("GraniteServiceVersion20100801.{operation}"));
    assert!(connector().call(request).await.expect("an answer").status().is_success(), "{operation}");
}

/// Mute rules it has none of: those are held against the model of the service only.
#[tokio::test]
async fn what_a_cloudwatch_of_others_tells_is_understood() {
    let moto = Moto::start();
    let settings = |key: &str| (key == "TABLE_NAME").then(|| "maintenance".to_owned());
    let config = Config::from_lookup(settings).expect("a table");
    #[expect(clippy::disallowed_methods, reason = "this test runs in real time")]
    let cloudwatch = CloudWatch::new(&moto.sdk(), &config, Arc::new(Timestamp::now), connector());
    for (name, state) in [("site-5xx", "ALARM"), ("site-slow", "OK")] {
        let alarm = json!({
            "AlarmName": name, "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "MetricName": "m",
            "Namespace": "n", "Period": 60, "Statistic": "Sum", "Threshold": 1
        });
        tell_cloudwatch(&moto, "PutMetricAlarm", &alarm).await;
        let state = json!({"AlarmName": name, "StateValue": state, "StateReason": "said so"});
        tell_cloudwatch(&moto, "SetAlarmState", &state).await;
    }
    let asked = ["site-5xx", "site-slow", "site-gone"].map(str::to_owned);
    let alarms = cloudwatch.alarms(&asked).await.expect("alarms");
    assert_eq!(alarms.known, ["site-5xx", "site-slow"].map(str::to_owned).into());
    assert_eq!(alarms.in_alarm, ["site-5xx".to_owned()].into());
    let start: Timestamp = "2026-12-06T02:00:00Z".parse().expect("a time");
    for (minute, count) in [(-1, 100), (0, 7), (30, 11), (60, 1), (62, 100)] {
        let at = start.as_second() + minute * 60 + 20;
        let data = json!({"Namespace": "AWS/ApplicationELB", "MetricData": [{
            "MetricName": "HTTP_Fixed_Response_Count", "Timestamp": at, "Value": count,
            "Dimensions": [{"Name": "LoadBalancer", "Value": "app/web/50dc6c495c0c9188"}]
        }]});
        tell_cloudwatch(&moto, "PutMetricData", &data).await;
    }
    let listener =
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc";
    let rules = ["one", "two"].map(|rule| format!("{listener}/{rule}").parse().expect("an ARN"));
    let until = start + jiff::SignedDuration::from_mins(60);
    let count = cloudwatch.turned_away(&rules, start, until).await.expect("a count");
    assert_eq!(count, 19, "of one load balancer once, until its last node knows that the rule is open");
}
