//! A small AWS in memory behind the SDK's own clients: everything above the HTTP connection is the real thing.
//!
//! It has AWS's manners, not an emulator's; each service's file says which. What it does not know, it refuses by a panic,
//! so that no test passes on what AWS would not do.
//!
//! Its clock is tokio's paused one, so every call takes its latency and a night takes milliseconds.

mod accessors;
mod attributes;
mod cloudwatch;
mod elb;
mod expressions;
mod gate;
mod process;
mod scheduler;
mod sns;
mod table;
mod told;
mod watch;
mod wire;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use maintenance_window::config::Config;
use serde_json::{Value, json};
use tokio::time::Instant;

use self::{cloudwatch::CloudWatch, process::Processes, table::Table};
pub(crate) use self::{
    cloudwatch::MuteRule,
    elb::{Rule, header, path, rule_arn},
    gate::Gate,
    scheduler::Schedule,
    sns::Published,
    watch::rule_item_id,
};

/// The secret that must never be seen anywhere.
pub(crate) const SECRET: &str = "tester-secret-4711-abcd";
/// Another header value nobody may see: the lock between CloudFront and the load balancer.
pub(crate) const ORIGIN_LOCK: &str = "edge-lock-0815-secret";
pub(crate) const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:maintenance";

/// What the function's environment says; a test may say anything.
pub(crate) type Settings = BTreeMap<&'static str, String>;

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

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) at: Timestamp,
    pub(crate) name: String,
    /// The rule, the schedule, the item (`scope/id`) or the items (with blanks between them) that it is about.
    pub(crate) subject: String,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) rules: BTreeMap<String, Rule>,
    pub(crate) schedules: BTreeMap<String, Schedule>,
    /// The sweep's schedule, which the stack makes and no run changes, as its owner sees it.
    pub(crate) sweep: Option<Value>,
    /// The name of every schedule that ever was, and the role that it was made under.
    pub(crate) created_ever: BTreeMap<String, String>,
    /// Roles that are gone: what was made under them is not delivered.
    pub(crate) roles_gone: BTreeSet<String>,
    pub(crate) table: Table,
    pub(crate) cloudwatch: CloudWatch,
    /// So many of the next writes to the table meet another transaction.
    pub(crate) transaction_conflicts: usize,
    /// So many of the next answers about named rules are what the rules were before they were last modified.
    pub(crate) stale_rules: usize,
    /// The conditions of each rule before it was last modified.
    before: BTreeMap<String, Vec<Value>>,
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
    /// Operations that are done, and answered by what is not AWS's.
    pub(crate) garbled: Vec<&'static str>,
    /// Operations that are never answered.
    pub(crate) hanging: Vec<&'static str>,
    /// Tokens left for `ModifyRule`, and when that was known.
    tokens: Option<(f64, Instant)>,
    pub(crate) throttled: usize,
    /// What every listener does by default, if not answer 503.
    pub(crate) default_action: Option<Value>,
    /// Several actions, in the order in which the API lists them.
    pub(crate) default_actions: Option<Value>,
    pub(crate) subscribers: String,
    /// Subscriptions that nobody has confirmed, and those that were removed.
    pub(crate) unsubscribed: [&'static str; 2],
    /// Other listeners of the load balancer, each with its default action.
    pub(crate) other_listeners: Vec<Value>,
    /// The distribution serves neither pages nor bypass links.
    pub(crate) edge_is_bare: bool,
    /// How long the load balancer takes to apply a change.
    pub(crate) site_lag: SignedDuration,
    /// How often the site was asked.
    pub(crate) site_asked: usize,
    /// The application answers with errors.
    pub(crate) site_ill: bool,
    /// The bucket's files, by bucket and key, each with its `body`, `type` and `cache`.
    pub(crate) files: BTreeMap<String, Value>,
    /// A person wrote into the table, perhaps what no report's schema takes.
    pub(crate) odd_table: bool,
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
    /// How long a call to the table takes.
    pub(crate) table_latency: Duration,
    pub(crate) retries: u32,
    pub(crate) settings: Settings,
    /// The ARN that the function is invoked by.
    pub(crate) invoked: String,
    /// Lets one process at a time make a call, in an order that a test chose.
    ///
    /// Shared with the processes, also those that were made before it was set.
    gate: Arc<Mutex<Option<Arc<Gate>>>>,
    processes: Arc<Mutex<Processes>>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
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
            ("DEAD_LETTER_QUEUE_ARN", scheduler::DEAD_LETTER_QUEUE.to_owned()),
            ("TABLE_NAME", table::NAME.to_owned()),
        ]);
        let world = Self {
            state: Arc::default(),
            origin: "2026-12-06T00:00:00Z".parse().expect("a time"),
            since: Instant::now(),
            latency: Duration::from_millis(40),
            table_latency: Duration::from_millis(5),
            retries: 1,
            settings,
            gate: Arc::default(),
            invoked: FUNCTION.to_owned(),
            processes: Arc::default(),
        };
        for arn in arns {
            let rule = Rule {
                conditions: vec![path(&["*"])],
                is_default: false,
                priority: "10".to_owned(),
                actions: json!([{"Type": "forward"}]),
            };
            world.state().rules.insert(arn, rule);
        }
        "1".clone_into(&mut world.state().subscribers);
        world.state().sweep = Some(scheduler::sweep());
        world
    }

    /// Such a world whose settings name the site's address.
    pub(crate) fn probed(rules: usize) -> Self {
        let mut world = Self::new(rules);
        world.settings.insert("PROBE_URL", "https://www.example.com/".to_owned());
        world
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panicked here")
    }

    /// Lets every process make its calls in the gate's order from now on; without one all are free.
    pub(crate) fn set_gate(&self, gate: Option<Arc<Gate>>) {
        *self.gate.lock().expect("no test panicked here") = gate;
    }

    fn gate(&self) -> Option<Arc<Gate>> {
        self.gate.lock().expect("no test panicked here").clone()
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

    /// Lets the night go on until then.
    pub(crate) async fn run_until(&self, clock: &str) {
        let until = self.at(clock);
        while self.next_event(until, SignedDuration::from_secs(5), true).await {}
        self.until(until).await;
        let violations = self.state().violations.clone();
        assert!(violations.is_empty(), "{violations:#?}");
    }

    pub(crate) fn config(&self) -> Config {
        Config::from_lookup(|key| self.settings.get(key).cloned()).expect("settings with a table")
    }
}
