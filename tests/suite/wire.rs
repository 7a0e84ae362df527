//! The same calls over real HTTP to an AWS that others wrote: moto, started here on a port of its own.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_elasticloadbalancingv2::{
    Client as Elb,
    types::{
        Action, ActionTypeEnum, FixedResponseActionConfig, HttpHeaderConditionConfig, PathPatternConditionConfig,
        RuleCondition,
    },
};
use aws_sdk_scheduler::Client as Scheduler;
use aws_sdk_sns::{
    Client as Sns,
    config::{Credentials, SharedCredentialsProvider},
};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use jiff::Timestamp;
use maintenance_window::{
    aws::Aws,
    config::Config,
    invoke::{Invocation, answer},
    reconcile::App,
    response::Response,
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

#[tokio::test]
async fn the_calls_mean_the_same_to_an_aws_that_others_wrote() {
    let moto = Moto::start();
    let sdk = moto.sdk();
    let lock = HttpHeaderConditionConfig::builder().http_header_name("x-lock").values("edge-lock-value").build();
    let lock = RuleCondition::builder().field("http-header").http_header_config(lock).build();
    let arn = site(&sdk, &subnets(&moto.endpoint), vec![path("/shop/*"), lock]).await;
    let topic = Sns::new(&sdk).create_topic().name("reports").send().await.expect("a topic");
    Scheduler::new(&sdk).create_schedule_group().name("maintenance").send().await.expect("a group");
    let topic = topic.topic_arn().expect("an ARN").to_owned();
    let settings = |key: &str| {
        Some(match key {
            "RULE_ARNS" => arn.clone(),
            "BYPASS_HEADER_NAME" => "x-maintenance-bypass".to_owned(),
            "BYPASS_HEADER_VALUE" => SECRET.to_owned(),
            "SNS_TOPIC_ARN" => topic.clone(),
            "SCHEDULE_GROUP" => "maintenance".to_owned(),
            "SCHEDULER_ROLE_ARN" => "arn:aws:iam::123456789012:role/scheduler".to_owned(),
            _ => return None,
        })
    };
    let config = Config::from_lookup(settings).expect("good settings");
    #[expect(clippy::disallowed_methods, reason = "this test runs in real time")]
    let app = App {
        aws: Aws::new(&sdk, &config),
        config,
        probe: None,
        page: None,
        figures: Arc::new(|_| ()),
        clock: Arc::new(Timestamp::now),
    };
    let invocation =
        Invocation { request_id: "request-1".to_owned(), function_arn: FUNCTION.to_owned(), deadline: None };
    let ask = async |event: Value| -> Response {
        answer(&app, &event, &invocation).await.unwrap_or_else(|error| panic!("{event}: {}", error.full()))
    };
    let elb = Elb::new(&sdk);
    let conditions = async || {
        let rules = elb.describe_rules().rule_arns(&arn).send().await.expect("the rule");
        rules.rules()[0].clone()
    };
    let before = conditions().await;

    let on = ask(json!({"action": "on", "duration": "PT1H", "id": "by-hand", "reason": "é <wire>"})).await;
    assert_eq!(on.outcome, "started");
    let during = conditions().await;
    assert_eq!(during.conditions().len(), 3);
    assert_eq!((during.actions(), during.priority()), (before.actions(), before.priority()));
    assert_eq!(ask(json!({"action": "status"})).await.outcome, "maintenance");
    assert_eq!(
        ask(json!({"action": "on", "duration": "PT1H", "id": "by-hand", "reason": "é <wire>"})).await.outcome,
        "unchanged"
    );
    assert_eq!(ask(json!({"action": "off"})).await.outcome, "completed");
    assert_eq!(conditions().await.conditions(), before.conditions());

    let booked = ask(json!({"action": "on", "id": "later", "duration": "PT1H", "dry_run": true})).await;
    assert_eq!(booked.outcome, "dry_run");
    let names = Scheduler::new(&sdk).list_schedules().group_name("maintenance").send().await.expect("a list");
    // All that is left remembers that the first event must not be repeated.
    let left: Vec<&str> = names.schedules().iter().filter_map(|found| found.name()).collect();
    assert!(matches!(left.as_slice(), [only] if only.starts_with("by-hand.over-")), "{left:?}");
}
