//! A small AWS in memory behind the SDK's own clients: everything above the HTTP connection is the real thing.
//!
//! It has AWS's manners, not an emulator's: `DescribeRules` repeats `Values` beside the typed config and `ModifyRule`
//! refuses both together, default rules and too many values are refused, an existing schedule is a conflict, an update
//! forgets what it is not sent, a fired schedule goes some time after its delivery, lists may lag, `ModifyRule` is
//! limited to 20 and then 3 a second, SNS checks subjects and JSON.
//!
//! Its clock is tokio's paused one, so every call takes its latency and a night takes milliseconds.

mod wire;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
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
use jiff::{SignedDuration, Timestamp};
use maintenance_window::{
    aws::Aws,
    config::Config,
    error::Error,
    invoke::{Invocation, answer},
    page::Page,
    probe::Probe,
    reconcile::{App, Clock, Figures},
    response::Response,
};
use serde_json::{Value, json};
use tokio::{sync::Notify, time::Instant};

use crate::schemas::assert_report;

/// The secret that must never be seen anywhere.
pub(crate) const SECRET: &str = "tester-secret-4711-abcd";
/// Another header value nobody may see: the lock between CloudFront and the load balancer.
pub(crate) const ORIGIN_LOCK: &str = "edge-lock-0815-secret";
pub(crate) const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:maintenance";

/// The `nth` rule's ARN.
pub(crate) fn rule_arn(nth: usize) -> String {
    let listener = nth / 40;
    format!(
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/web/lb/listener{listener}/rule{nth:03}"
    )
}

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is refused, and nothing happens.
    Refused,
    /// It happens, but its answer is an error.
    AnswerLost,
    /// The process dies before it is sent.
    DiesBefore,
    /// It happens, and the process dies before the answer arrives.
    DiesAfter,
    /// AWS is busy.
    Throttled,
    /// It happens, but its answer comes only after the function's time is up.
    Hangs,
}

pub(crate) const FAULTS: [Fault; 6] =
    [Fault::Refused, Fault::AnswerLost, Fault::DiesBefore, Fault::DiesAfter, Fault::Throttled, Fault::Hangs];

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// In the wire's form, typed configs only.
    pub(crate) conditions: Vec<Value>,
    pub(crate) is_default: bool,
    /// Whatever else the rule has; nobody may change it.
    pub(crate) priority: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) expression: String,
    pub(crate) body: Value,
    pub(crate) created: Timestamp,
    /// The next time it fires; none once it has.
    pub(crate) next: Option<Timestamp>,
    pub(crate) deletes_itself: bool,
}

impl Schedule {
    pub(crate) fn input(&self) -> Value {
        serde_json::from_str(self.body["Target"]["Input"].as_str().expect("an input")).expect("JSON")
    }
}

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

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) at: Timestamp,
    pub(crate) name: String,
    /// The rule or the schedule it is about.
    pub(crate) subject: String,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) rules: BTreeMap<String, Rule>,
    pub(crate) schedules: BTreeMap<String, Schedule>,
    /// When schedules were deleted, for lists that lag.
    deleted: Vec<(String, Timestamp, Timestamp)>,
    pub(crate) published: Vec<Published>,
    pub(crate) calls: Vec<Call>,
    /// Every text that left the function in a request, an answer or an error.
    pub(crate) said: Vec<String>,
    /// How many calls each invocation made, in their order.
    pub(crate) invocations: Vec<usize>,
    /// What goes wrong with which call of which invocation.
    pub(crate) faults: BTreeMap<(usize, usize), Fault>,
    /// Operations that fail whenever they are called.
    pub(crate) broken: Vec<&'static str>,
    /// Tokens left for `ModifyRule`, and when that was known.
    tokens: Option<(f64, Instant)>,
    pub(crate) throttled: usize,
    /// What every listener does by default, if not answer 503.
    pub(crate) default_action: Option<Value>,
    pub(crate) subscribers: String,
    /// How long the load balancer takes to apply a change.
    pub(crate) site_lag: SignedDuration,
    /// How often the site was asked.
    pub(crate) site_asked: usize,
    /// The application answers with errors.
    pub(crate) site_ill: bool,
    /// What the visitors' page was told.
    pub(crate) page: Option<Value>,
    /// Promises that were seen broken, at the moment they were.
    pub(crate) violations: Vec<String>,
}

/// The world, and the process in it.
#[derive(Clone)]
pub(crate) struct World {
    state: Arc<Mutex<State>>,
    origin: Timestamp,
    since: Instant,
    pub(crate) latency: Duration,
    pub(crate) list_lag: SignedDuration,
    pub(crate) retries: u32,
    pub(crate) settings: BTreeMap<&'static str, String>,
    /// Lets one process at a time make a call, in an order that a test chose.
    pub(crate) gate: Option<Arc<Gate>>,
    processes: Arc<Mutex<Processes>>,
}

type Processes = BTreeMap<(usize, BTreeMap<&'static str, String>), (Arc<App>, Arc<Mutex<Present>>)>;

/// The order in which two processes' calls reach AWS: so many of the one, so many of the other, and so on.
#[derive(Debug)]
pub(crate) struct Gate {
    order: Mutex<Order>,
    changed: Notify,
}

#[derive(Debug)]
struct Order {
    runs: Vec<usize>,
    turn: usize,
    done: [bool; 2],
}

impl Gate {
    /// The first process makes `runs[0]` calls, the second `runs[1]`, the first `runs[2]`, …; in the end all are free.
    pub(crate) fn new(runs: &[usize]) -> Arc<Self> {
        let mut order = Order { runs: runs.iter().rev().copied().collect(), turn: 0, done: [false; 2] };
        order.settle();
        Arc::new(Self { order: Mutex::new(order), changed: Notify::new() })
    }

    async fn pass(&self, process: usize) {
        loop {
            let changed = self.changed.notified();
            {
                let mut order = self.order.lock().expect("no test panicked here");
                let turn = order.turn;
                match order.runs.last_mut() {
                    None => return,
                    Some(left) if turn == process && *left > 0 => {
                        *left -= 1;
                        return;
                    }
                    Some(_) => {}
                }
            }
            changed.await;
        }
    }

    /// A call is through: perhaps it is the other's turn now.
    fn through(&self) {
        self.order.lock().expect("no test panicked here").settle();
        self.changed.notify_waiters();
    }

    fn done(&self, process: usize) {
        self.order.lock().expect("no test panicked here").done[process] = true;
        self.through();
    }
}

impl Order {
    fn settle(&mut self) {
        while let Some(left) = self.runs.last() {
            if *left > 0 && !self.done[self.turn] {
                return;
            }
            self.runs.pop();
            self.turn = 1 - self.turn;
        }
    }
}

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
struct Present {
    invocation: usize,
    death: Arc<Notify>,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Process({})", self.number)
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

/// A path condition in the wire's form.
pub(crate) fn path(values: &[&str]) -> Value {
    json!({"Field": "path-pattern", "PathPatternConfig": {"Values": values}})
}

/// A header condition in the wire's form.
pub(crate) fn header(name: &str, value: &str) -> Value {
    json!({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": name, "Values": [value]}})
}

impl World {
    /// A world with so many catch-all rules, at midnight.
    pub(crate) fn new(rules: usize) -> Self {
        let arns: Vec<String> = (0..rules).map(rule_arn).collect();
        let settings = BTreeMap::from([
            ("RULE_ARNS", arns.join(",")),
            ("BYPASS_HEADER_NAME", "x-maintenance-bypass".to_owned()),
            ("BYPASS_HEADER_VALUE", SECRET.to_owned()),
            ("SNS_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:maintenance".to_owned()),
            ("SCHEDULE_GROUP", "maintenance".to_owned()),
            ("SCHEDULER_ROLE_ARN", "arn:aws:iam::123456789012:role/maintenance-scheduler".to_owned()),
            ("DEAD_LETTER_QUEUE_ARN", "arn:aws:sqs:eu-west-1:123456789012:dead".to_owned()),
        ]);
        let world = Self {
            state: Arc::default(),
            origin: "2026-12-06T00:00:00Z".parse().expect("a time"),
            since: Instant::now(),
            latency: Duration::from_millis(40),
            list_lag: SignedDuration::ZERO,
            retries: 1,
            settings,
            gate: None,
            processes: Arc::default(),
        };
        for arn in arns {
            let rule = Rule { conditions: vec![path(&["*"])], is_default: false, priority: "10".to_owned() };
            world.state().rules.insert(arn, rule);
        }
        "1".clone_into(&mut world.state().subscribers);
        world
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panicked here")
    }

    pub(crate) fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.since.elapsed()).expect("short");
        self.origin + elapsed
    }

    /// A moment of the night: `02:00` or `02:00:30`.
    #[expect(clippy::unused_self, reason = "every moment of a test is a moment of its world")]
    pub(crate) fn at(&self, clock: &str) -> Timestamp {
        let seconds = if clock.len() == 5 { ":00" } else { "" };
        format!("2026-12-06T{clock}{seconds}Z").parse().expect("a time")
    }

    /// Lets time pass until then.
    pub(crate) async fn until(&self, moment: Timestamp) {
        if let Ok(ahead) = Duration::try_from(moment.duration_since(self.now())) {
            tokio::time::sleep(ahead).await;
        }
    }

    pub(crate) fn config(&self) -> Config {
        Config::from_lookup(|key| self.settings.get(key).cloned()).expect("good settings")
    }

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

    fn process(&self, number: usize) -> (Arc<App>, Arc<Mutex<Present>>) {
        let mut processes = self.processes.lock().expect("no test panicked here");
        let key = (number, self.settings.clone());
        let made = processes.entry(key).or_insert_with(|| {
            // Without the processes, or the world would hold itself.
            let world = Self { processes: Arc::default(), ..self.clone() };
            let process = Process { world, number, present: Arc::default() };
            let (config, clock, present) = (self.config(), process.world.clone(), process.present.clone());
            let (sdk, witness) = (self.sdk(process.clone()), process.world.clone());
            let clock: Clock = Arc::new(move || clock.now());
            let page = config
                .error_bucket
                .as_ref()
                .map(|bucket| Page::new(&sdk, bucket, clock.clone(), SharedHttpConnector::new(process.clone())));
            let figures: Figures = Arc::new(move |line| witness.state().said.push(line.to_owned()));
            let probe = config
                .probe_url
                .as_ref()
                .map(|url| Probe::new(url, &config.bypass, clock.clone(), SharedHttpConnector::new(process.clone())));
            (Arc::new(App { aws: Aws::new(&sdk, &config), config, probe, page, figures, clock }), present)
        });
        (made.0.clone(), made.1.clone())
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
        let invocation = {
            let mut state = self.state();
            state.invocations.push(0);
            state.invocations.len() - 1
        };
        let death = Arc::new(Notify::new());
        let (app, present) = self.process(number);
        *present.lock().expect("no test panicked here") = Present { invocation, death: death.clone() };
        let invocation = Invocation {
            request_id: request.to_owned(),
            function_arn: FUNCTION.to_owned(),
            deadline: Some(self.now() + SignedDuration::from_secs(300)),
        };
        let result = tokio::select! {
            result = answer(&app, event, &invocation) => Some(result),
            () = death.notified() => None,
        };
        if let Some(gate) = &self.gate {
            gate.done(number);
        }
        match &result {
            Some(Ok(response)) => self.state().said.push(serde_json::to_string(response).expect("JSON")),
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

    /// Fires the next schedule that is due by `until`, or sweeps, whichever is first; false if neither is due.
    ///
    /// A wake-up arrives `late` after its time and is retried as Lambda does, one minute and then two minutes later.
    pub(crate) async fn next_event(&self, until: Timestamp, late: SignedDuration, sweeps: bool) -> bool {
        let sweep_at = sweeps.then(|| next_sweep(self.now()));
        let due = {
            let state = self.state();
            let next = state.schedules.iter().filter_map(|(name, found)| Some((found.next?, name.clone())));
            next.min()
        };
        let due = due.map(|(at, name)| ((at + late).max(self.now()), Some(name)));
        let sweep = sweep_at.map(|at| (at, None));
        let Some((at, name)) = [due, sweep].into_iter().flatten().min_by_key(|(at, _)| *at) else { return false };
        if at > until {
            return false;
        }
        self.until(at).await;
        let Some(name) = name else {
            self.deliver(&json!({"action": "sweep"}), "sweep").await;
            return true;
        };
        let Some(input) = self.fire(&name) else { return true };
        self.deliver(&input, &name).await;
        self.clear_fired(&name);
        true
    }

    /// A schedule that deletes itself goes some time after its delivery.
    pub(crate) fn clear_fired(&self, name: &str) {
        let mut state = self.state();
        if state.schedules.get(name).is_some_and(|found| found.deletes_itself && found.next.is_none()) {
            forget(&mut state, name, self.now());
        }
    }

    /// When the next sweep is due.
    pub(crate) fn next_sweep(&self) -> Timestamp {
        next_sweep(self.now())
    }

    /// Takes a schedule's wake-up: what it says, with its next time set.
    pub(crate) fn fire(&self, name: &str) -> Option<Value> {
        let mut state = self.state();
        let now = self.now();
        let schedule = state.schedules.get_mut(name)?;
        schedule.next = match schedule.expression.as_str() {
            "rate(1 hour)" => Some(now + SignedDuration::from_hours(1)),
            "rate(1 day)" => Some(now + SignedDuration::from_hours(24)),
            _ => None,
        };
        Some(schedule.input())
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

    /// Lets the night go on until then.
    pub(crate) async fn run_until(&self, clock: &str) {
        let until = self.at(clock);
        while self.next_event(until, SignedDuration::from_secs(5), true).await {}
        self.until(until).await;
    }

    pub(crate) fn events(&self) -> Vec<String> {
        self.state().published.iter().map(|report| report.event().to_owned()).collect()
    }

    pub(crate) fn count(&self, event: &str) -> usize {
        self.events().iter().filter(|found| *found == event).count()
    }

    /// What the last report of an event said to people.
    pub(crate) fn text_of(&self, event: &str) -> String {
        let state = self.state();
        let last = state.published.iter().rev().find(|report| report.event() == event);
        last.expect("such a report").document["text"].as_str().expect("text").to_owned()
    }

    /// The calls since the log was last taken.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        self.state().calls.drain(..).map(|call| call.name).collect()
    }

    pub(crate) fn conditions(&self, nth: usize) -> Vec<Value> {
        self.state().rules[&rule_arn(nth)].conditions.clone()
    }

    pub(crate) fn set_conditions(&self, nth: usize, conditions: Vec<Value>) {
        self.state().rules.get_mut(&rule_arn(nth)).expect("a rule").conditions = conditions;
    }

    /// The schedules in the group but for tombstones, which outlive their windows and go by themselves.
    pub(crate) fn schedule_names(&self) -> Vec<String> {
        self.state().schedule_names()
    }

    /// The tombstones in the group.
    pub(crate) fn tombstones(&self) -> Vec<String> {
        self.state().schedules.keys().filter(|name| is_tombstone(name)).cloned().collect()
    }

    /// Whether only testers get through the rule.
    pub(crate) fn is_dark(&self, nth: usize) -> bool {
        self.state().rules.get(&rule_arn(nth)).is_some_and(demands_bypass)
    }

    /// Everything the function said so far must be free of secrets.
    #[track_caller]
    pub(crate) fn no_secret_was_said(&self) {
        let state = self.state();
        let said = state.said.iter().cloned();
        let reports =
            state.published.iter().map(|report| format!("{} {} {}", report.subject, report.message, report.attributes));
        for text in said.chain(reports) {
            assert!(!text.contains(SECRET) && !text.contains(ORIGIN_LOCK), "a secret was said: {text}");
        }
    }
}

fn is_tombstone(name: &str) -> bool {
    name.contains(".over-")
}

/// Five minutes apart, a little after the full minute.
fn next_sweep(now: Timestamp) -> Timestamp {
    let secs = now.as_second() - 17;
    Timestamp::from_second(secs - secs.rem_euclid(300) + 300 + 17).expect("a time")
}

fn demands_bypass(rule: &Rule) -> bool {
    rule.conditions.iter().any(|condition| {
        condition["HttpHeaderConfig"]["HttpHeaderName"]
            .as_str()
            .is_some_and(|name| name.eq_ignore_ascii_case("x-maintenance-bypass"))
    })
}

fn forget(state: &mut State, name: &str, now: Timestamp) {
    if let Some(gone) = state.schedules.remove(name) {
        state.deleted.push((name.to_owned(), gone.created, now));
    }
}

impl HttpConnector for Process {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let process = self.clone();
        HttpConnectorFuture::new(async move { Ok(process.serve(request).await) })
    }
}

impl World {
    /// The site as its public name shows it: the first rule decides, some time after it was turned.
    fn site(&self, request: &HttpRequest) -> HttpResponse {
        let mut state = self.state();
        state.site_asked += 1;
        let secret = request.headers().get("x-maintenance-bypass") == Some(SECRET);
        let turned = state.calls.iter().rev().find(|call| call.name == "ModifyRule").map(|call| call.at);
        let settled = turned.is_none_or(|at| self.now().duration_since(at) >= state.site_lag);
        let dark = state.rules.values().next().is_some_and(demands_bypass) == settled;
        let status = match (dark && !secret, state.site_ill) {
            (true, _) => 503,
            (false, true) => 500,
            (false, false) => 200,
        };
        HttpResponse::new(StatusCode::try_from(status).expect("a status"), SdkBody::empty())
    }
}

enum Protocol {
    Xml,
    Json,
}

/// An answer before it has a format.
type Answer = Result<Value, (u16, &'static str, String)>;

impl Process {
    async fn serve(&self, request: HttpRequest) -> HttpResponse {
        let world = &self.world;
        if request.uri().contains("www.example.com") {
            return world.site(&request);
        }
        let (protocol, name, subject, input) = understand(&request);
        let invocation = self.present.lock().expect("no test panicked here").invocation;
        if let Some(gate) = &world.gate {
            gate.pass(self.number).await;
        }
        let (fault, broken) = {
            let mut state = world.state();
            let nth = state.invocations[invocation];
            state.invocations[invocation] += 1;
            state.calls.push(Call { at: world.now(), name: name.clone(), subject: subject.clone() });
            (state.faults.remove(&(invocation, nth)), state.broken.iter().any(|operation| *operation == name))
        };
        if fault == Some(Fault::DiesBefore) {
            self.die().await;
        }
        tokio::time::sleep(world.latency).await;
        if fault == Some(Fault::Refused) || broken {
            // AWS's messages quote what they were sent.
            let lock = if input.to_string().contains(ORIGIN_LOCK) { ORIGIN_LOCK } else { "" };
            let quoted = format!("{SECRET} {lock} is not something we like");
            return respond(&protocol, &name, &Err((400, "AccessDenied", quoted)));
        }
        if fault == Some(Fault::Throttled) {
            return respond(&protocol, &name, &Err((400, "ThrottlingException", "Rate exceeded".to_owned())));
        }
        let answer = world.effect(&name, &subject, &input);
        world.watch(&name, &subject);
        if let Some(gate) = &world.gate {
            gate.through();
        }
        match fault {
            Some(Fault::AnswerLost) => {
                respond(&protocol, &name, &Err((500, "InternalFailure", "something broke".to_owned())))
            }
            Some(Fault::DiesAfter) => self.die().await,
            Some(Fault::Hangs) => std::future::pending().await,
            _ => respond(&protocol, &name, &answer),
        }
    }

    async fn die(&self) -> HttpResponse {
        self.present.lock().expect("no test panicked here").death.notify_one();
        std::future::pending().await
    }
}

/// A window as the schedules of the group tell it: from, to, and whether a wake-up of its end is still to come.
struct Told {
    start: Timestamp,
    end: Option<Timestamp>,
    closed: bool,
    rules: Vec<String>,
    ending: bool,
}

impl World {
    /// Holds the promises against what the world shows right after an effect.
    fn watch(&self, name: &str, subject: &str) {
        let now = self.now();
        let mut state = self.state();
        let told = state.told();
        let active = |window: &&Told| !window.closed && window.start <= now && window.end.is_none_or(|end| now < end);
        let mut broken = vec![];
        if name == "ModifyRule" && state.rules.get(subject).is_some_and(demands_bypass) {
            let covers = |window: &&Told| window.rules.iter().any(|rule| rule == subject);
            let begun = |window: &&Told| window.start <= now && window.ending;
            // An end decided by another run at this very moment is repaired by whichever looks later.
            if self.gate.is_none() && !told.iter().filter(covers).filter(active).any(|window| begun(&window)) {
                broken.push(format!("{now}: {subject} was narrowed for no window whose end is still to come"));
            }
            if !told.iter().filter(covers).any(|window| window.start <= now) && self.gate.is_none() {
                broken.push(format!("{now}: {subject} was narrowed before its window's start"));
            }
        }
        if name == "Publish"
            && let Some(report) = state.published.last()
        {
            let rules: Vec<&str> =
                report.document["window"]["rules"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            for rule in rules {
                let dark = state.rules.get(rule).is_some_and(demands_bypass);
                let covered = told.iter().filter(active).any(|window| window.rules.iter().any(|other| other == rule));
                let wrong = match report.event() {
                    "started" => state.rules.contains_key(rule) && !dark,
                    "completed" => dark && !covered,
                    _ => false,
                };
                if wrong && self.gate.is_none() {
                    broken.push(format!("{now}: {} was reported but {rule} does not show it", report.event()));
                }
            }
        }
        state.violations.extend(broken);
    }

    fn effect(&self, name: &str, subject: &str, input: &Value) -> Answer {
        let now = self.now();
        let mut state = self.state();
        match name {
            "PutObject" | "DeleteObject" => {
                assert_eq!(subject, "error-pages/errors/window.json");
                state.page = Some(input.clone()).filter(|input| !input.is_null());
                Ok(json!({}))
            }
            "DescribeRules" => state.describe_rules(input),
            "DescribeListeners" => Ok(state.describe_listeners(input)),
            "GetTopicAttributes" => {
                Ok(json!({"Attributes": {"entry": {"key": "SubscriptionsConfirmed", "value": state.subscribers}}}))
            }
            "ModifyRule" => state.modify_rule(subject, input),
            "ListSchedules" => Ok(state.list_schedules(input, now - self.list_lag)),
            "GetSchedule" => state.get_schedule(subject),
            "CreateSchedule" => state.create_schedule(subject, input, now),
            "UpdateSchedule" => state.update_schedule(subject, input),
            "DeleteSchedule" => state.delete_schedule(subject, now),
            "Publish" => state.publish(input, now),
            other => panic!("the world does not know {other}"),
        }
    }
}

fn understand(request: &HttpRequest) -> (Protocol, String, String, Value) {
    let body = std::str::from_utf8(request.body().bytes().unwrap_or_default()).expect("UTF-8");
    let uri = request.uri();
    let host = uri.split('/').nth(2).unwrap_or_default();
    if host.starts_with("s3.") {
        assert!(request.headers().get("authorization").is_some_and(|signature| signature.contains("/s3/aws4_request")));
        let operation = if request.method() == "PUT" { "PutObject" } else { "DeleteObject" };
        let subject = uri.splitn(4, '/').nth(3).unwrap_or_default().to_owned();
        let input = if body.is_empty() { Value::Null } else { serde_json::from_str(body).expect("JSON") };
        return (Protocol::Xml, operation.to_owned(), subject, input);
    }
    if host.starts_with("scheduler.") {
        let rest = uri.splitn(4, '/').nth(3).unwrap_or_default();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let name = wire::decode(path.strip_prefix("schedules").expect("schedules").trim_start_matches('/'));
        let operation = match (request.method(), name.is_empty()) {
            ("GET", true) => "ListSchedules",
            ("GET", false) => "GetSchedule",
            ("POST", _) => "CreateSchedule",
            ("PUT", _) => "UpdateSchedule",
            ("DELETE", _) => "DeleteSchedule",
            other => panic!("the world does not know {other:?}"),
        };
        let mut input = if body.is_empty() { json!({}) } else { serde_json::from_str(body).expect("JSON") };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').expect("a pair");
            input[key] = Value::String(wire::decode(value));
        }
        let group = input["GroupName"].as_str().or(input["groupName"].as_str()).or(input["ScheduleGroup"].as_str());
        assert_eq!(group, Some("maintenance"), "every call names the group");
        return (Protocol::Json, operation.to_owned(), name, input);
    }
    let input = wire::read_query(body);
    let operation = input["Action"].as_str().expect("an action").to_owned();
    let subject = input["RuleArn"].as_str().unwrap_or_default().to_owned();
    (Protocol::Xml, operation, subject, input)
}

fn respond(protocol: &Protocol, operation: &str, answer: &Answer) -> HttpResponse {
    let status = answer.as_ref().map_or_else(|(status, ..)| *status, |_| 200);
    let body = match (protocol, answer) {
        (Protocol::Json, Ok(value)) => value.to_string(),
        (Protocol::Json, Err((_, _, message))) => json!({ "Message": message }).to_string(),
        (Protocol::Xml, Ok(value)) => {
            wire::xml(&format!("{operation}Response"), &json!({ format!("{operation}Result"): value }))
        }
        (Protocol::Xml, Err((_, code, message))) => {
            wire::xml("ErrorResponse", &json!({"Error": {"Type": "Sender", "Code": code, "Message": message}}))
        }
    };
    let mut response = HttpResponse::new(StatusCode::try_from(status).expect("a status"), SdkBody::from(body));
    if let (Protocol::Json, Err((_, code, _))) = (protocol, answer) {
        response.headers_mut().insert("x-amzn-errortype", *code);
    }
    response
}

impl State {
    pub(crate) fn schedule_names(&self) -> Vec<String> {
        self.schedules.keys().filter(|name| !is_tombstone(name)).cloned().collect()
    }

    /// What should not be in the group any more: all but tombstones that go by themselves within six hours.
    pub(crate) fn left_over(&self, now: Timestamp) -> Vec<String> {
        let goes = |found: &Schedule| {
            let ahead = found.next.map(|next| next.duration_since(now).as_secs());
            found.deletes_itself && ahead.is_some_and(|secs| (0..=6 * 3600).contains(&secs))
        };
        let stays = self.schedules.iter().filter(|(name, found)| !is_tombstone(name) || !goes(found));
        stays.map(|(name, _)| name.clone()).collect()
    }

    fn describe_listeners(&self, input: &Value) -> Value {
        let arn = input["ListenerArns"][0].as_str().expect("an ARN");
        let action = json!({"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}});
        let action = self.default_action.clone().unwrap_or(action);
        json!({"Listeners": [{"ListenerArn": arn, "DefaultActions": [action]}]})
    }

    fn describe_rules(&self, input: &Value) -> Answer {
        if let Some(listener) = input["ListenerArn"].as_str() {
            let prefix = format!("{}/", listener.replacen(":listener/", ":listener-rule/", 1));
            let rules = self.rules.iter().filter(|(arn, _)| arn.starts_with(&prefix));
            let rules: Vec<Value> = rules.map(|(arn, rule)| shown(arn, rule)).collect();
            return Ok(json!({ "Rules": rules }));
        }
        let arns: Vec<&str> = input["RuleArns"].as_array().expect("ARNs").iter().filter_map(Value::as_str).collect();
        let mut rules = vec![];
        for arn in arns {
            let Some(rule) = self.rules.get(arn) else {
                return Err((400, "RuleNotFound", "One or more rules not found".to_owned()));
            };
            rules.push(shown(arn, rule));
        }
        Ok(json!({ "Rules": rules }))
    }

    fn modify_rule(&mut self, arn: &str, input: &Value) -> Answer {
        let (tokens, since) = self.tokens.unwrap_or((20.0, Instant::now()));
        let tokens = (tokens + since.elapsed().as_secs_f64() * 3.0).min(20.0);
        if tokens < 1.0 {
            self.tokens = Some((tokens, Instant::now()));
            self.throttled += 1;
            return Err((400, "ThrottlingException", "Rate exceeded".to_owned()));
        }
        self.tokens = Some((tokens - 1.0, Instant::now()));
        assert!(input.get("Actions").is_none() && input.get("Transforms").is_none(), "only conditions are ever sent");
        let conditions = input["Conditions"].as_array().expect("conditions").clone();
        let Some(rule) = self.rules.get_mut(arn) else {
            return Err((400, "RuleNotFound", "The specified rule does not exist.".to_owned()));
        };
        if rule.is_default {
            return Err((400, "OperationNotPermitted", format!("Default rule '{arn}' cannot be modified")));
        }
        valid(&conditions).map_err(|message| (400, "ValidationError", message))?;
        rule.conditions = conditions;
        Ok(json!({ "Rules": [shown(arn, rule)] }))
    }

    fn list_schedules(&self, input: &Value, as_of: Timestamp) -> Value {
        let there = self.schedules.iter().filter(|(_, found)| found.created <= as_of).map(|(name, _)| name.clone());
        let ghosts = self
            .deleted
            .iter()
            .filter(|(name, created, gone)| *created <= as_of && *gone > as_of && !self.schedules.contains_key(name))
            .map(|(name, ..)| name.clone());
        let mut names: Vec<String> = there.chain(ghosts).collect();
        names.sort();
        names.dedup();
        let from: usize = input["NextToken"].as_str().map_or(0, |token| token.parse().expect("a token"));
        let size: usize = input["MaxResults"].as_str().map_or(50, |size| size.parse().expect("a size"));
        let page: Vec<Value> = names
            .iter()
            .skip(from)
            .take(size)
            .map(|name| json!({"Name": name, "GroupName": "maintenance", "State": "ENABLED"}))
            .collect();
        let more = (from + page.len() < names.len()).then(|| (from + page.len()).to_string());
        json!({"Schedules": page, "NextToken": more})
    }

    fn get_schedule(&self, name: &str) -> Answer {
        match self.schedules.get(name) {
            Some(found) => Ok(found.body.clone()),
            None => Err(missing(name)),
        }
    }

    fn create_schedule(&mut self, name: &str, input: &Value, now: Timestamp) -> Answer {
        if self.schedules.contains_key(name) {
            return Err((409, "ConflictException", format!("Schedule {name} already exists.")));
        }
        let schedule = schedule(name, input, now)?;
        self.schedules.insert(name.to_owned(), schedule);
        Ok(json!({"ScheduleArn": format!("arn:aws:scheduler:eu-west-1:123456789012:schedule/maintenance/{name}")}))
    }

    fn update_schedule(&mut self, name: &str, input: &Value) -> Answer {
        let Some(before) = self.schedules.get(name) else { return Err(missing(name)) };
        let after = schedule(name, input, before.created)?;
        // A fired schedule is never known to fire again, so nothing may rely on it.
        let next = if before.next.is_some() { after.next } else { None };
        self.schedules.insert(name.to_owned(), Schedule { next, ..after });
        Ok(json!({"ScheduleArn": name}))
    }

    fn delete_schedule(&mut self, name: &str, now: Timestamp) -> Answer {
        if !self.schedules.contains_key(name) {
            return Err(missing(name));
        }
        forget(self, name, now);
        Ok(json!({}))
    }

    fn publish(&mut self, input: &Value, now: Timestamp) -> Answer {
        let subject = input["Subject"].as_str().unwrap_or_default();
        let fine =
            !subject.is_empty() && subject.len() < 100 && subject.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !fine {
            return Err((400, "InvalidParameter", "Invalid parameter: Subject".to_owned()));
        }
        let message = input["Message"].as_str().unwrap_or_default();
        let Ok(message) = serde_json::from_str::<Value>(message) else {
            return Err((400, "InvalidParameter", "Invalid parameter: Message Structure - JSON".to_owned()));
        };
        if input["MessageStructure"] != "json" || !message["default"].is_string() || message.to_string().len() > 262_144
        {
            return Err((400, "InvalidParameter", "Invalid parameter: Message Structure".to_owned()));
        }
        let [document, chat] =
            ["sqs", "https"].map(|key| serde_json::from_str(message[key].as_str().expect("a document")).expect("JSON"));
        assert_report(&document, &chat);
        let attributes = input["MessageAttributes"].clone();
        self.published.push(Published { at: now, subject: subject.to_owned(), document, message, attributes });
        Ok(json!({"MessageId": "m"}))
    }

    fn told(&self) -> Vec<Told> {
        let mut told: BTreeMap<String, (u32, Told)> = BTreeMap::new();
        for (name, schedule) in &self.schedules {
            let Some((id, part)) = name.rsplit_once('.') else { continue };
            let number = match part.strip_prefix("end") {
                Some("") => 1,
                Some(number) => number.trim_start_matches('-').parse().expect("a number"),
                None => continue,
            };
            let input = schedule.input();
            let window = &input["window"];
            let time = |key: &str| window[key].as_str().map(|text| text.parse().expect("a time"));
            let ending = schedule.next.is_some();
            let rules =
                window["rules"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            let fresh = Told {
                start: time("start").expect("a start"),
                end: time("end"),
                closed: !input["closed"].is_null(),
                rules,
                ending,
            };
            match told.get_mut(id) {
                None => {
                    told.insert(id.to_owned(), (number, fresh));
                }
                Some((known, window)) => {
                    let ending = window.ending || fresh.ending;
                    if number > *known {
                        (*known, *window) = (number, fresh);
                    }
                    window.ending = ending;
                }
            }
        }
        told.into_values().map(|(_, window)| window).collect()
    }
}

fn missing(name: &str) -> (u16, &'static str, String) {
    (404, "ResourceNotFoundException", format!("Schedule {name} does not exist."))
}

fn shown(arn: &str, rule: &Rule) -> Value {
    let conditions: Vec<Value> = rule.conditions.iter().cloned().map(echoed).collect();
    json!({"RuleArn": arn, "Priority": rule.priority, "IsDefault": rule.is_default, "Conditions": conditions, "Actions": [{"Type": "forward"}]})
}

/// What AWS returns repeats the values of a path or host condition at its top.
fn echoed(mut condition: Value) -> Value {
    for config in ["PathPatternConfig", "HostHeaderConfig"] {
        if let Some(values) = condition.get(config).and_then(|config| config.get("Values")).cloned() {
            condition["Values"] = values;
        }
    }
    condition
}

fn valid(conditions: &[Value]) -> Result<(), String> {
    let mut count = 0;
    let mut wildcards = 0;
    for condition in conditions {
        let field = condition["Field"].as_str().ok_or("A condition field must be specified")?;
        let config = match field {
            "path-pattern" => "PathPatternConfig",
            "host-header" => "HostHeaderConfig",
            "http-header" => "HttpHeaderConfig",
            "http-request-method" => "HttpRequestMethodConfig",
            "query-string" => "QueryStringConfig",
            "source-ip" => "SourceIpConfig",
            other => return Err(format!("Condition field '{other}' must be one of '[…]'")),
        };
        if condition.get("Values").is_some() && condition.get(config).is_some() {
            return Err(format!("You cannot provide both Values and '{config}' for a condition of type '{field}'"));
        }
        let empty = vec![];
        let list = |key: &str| condition[config][key].as_array().unwrap_or(&empty).clone();
        let values: Vec<Value> = [list("Values"), list("RegexValues")].concat();
        if values.is_empty() {
            return Err("The value for a condition can't be empty".to_owned());
        }
        if field == "http-header" {
            let name = condition[config]["HttpHeaderName"].as_str().unwrap_or_default();
            if name.is_empty() || name.len() > 40 || name.eq_ignore_ascii_case("host") {
                return Err(format!("The 'HttpHeaderName' value '{name}' is invalid"));
            }
        }
        count += values.len();
        wildcards += values.iter().map(|value| value.to_string().matches(['*', '?']).count()).sum::<usize>();
    }
    if count > 5 {
        return Err("A rule can only have '5' condition values".to_owned());
    }
    if wildcards > 5 {
        return Err("A rule can only have '5' wildcards".to_owned());
    }
    Ok(())
}

fn schedule(name: &str, input: &Value, created: Timestamp) -> Result<Schedule, (u16, &'static str, String)> {
    let refuse = |message: String| Err((400, "ValidationException", message));
    let fine = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !fine {
        return refuse(format!("1 validation error detected: '{name}'"));
    }
    let expression = input["ScheduleExpression"].as_str().unwrap_or_default();
    let inner = expression.strip_prefix("at(").and_then(|rest| rest.strip_suffix(')'));
    let next = match inner {
        None if expression == "rate(1 hour)" => created + SignedDuration::from_hours(1),
        None if expression == "rate(1 day)" => created + SignedDuration::from_hours(24),
        Some(text) if text.len() == 19 => match format!("{text}Z").parse() {
            Ok(at) => at,
            Err(_) => return refuse(format!("Invalid Schedule Expression {expression}.")),
        },
        _ => return refuse(format!("Invalid Schedule Expression {expression}.")),
    };
    let input_text = input["Target"]["Input"].as_str().unwrap_or_default();
    if serde_json::from_str::<Value>(input_text).is_err() || input_text.len() > 262_144 {
        return refuse("Invalid RequestJson provided. Reason The Input must be JSON.".to_owned());
    }
    assert_eq!(input["ScheduleExpressionTimezone"], "UTC", "{name} is in UTC");
    assert_eq!(input["FlexibleTimeWindow"]["Mode"], "OFF", "{name} is exact");
    assert_eq!(input["Target"]["Arn"], FUNCTION, "{name} wakes the function");
    assert_eq!(input["Target"]["DeadLetterConfig"]["Arn"], "arn:aws:sqs:eu-west-1:123456789012:dead", "{name}");
    let mut body = input.clone();
    body["Name"] = json!(name);
    Ok(Schedule {
        expression: expression.to_owned(),
        deletes_itself: input["ActionAfterCompletion"] == "DELETE",
        body,
        created,
        next: Some(next),
    })
}
