//! Two runs at once, their calls interleaved in every way that takes up to three changes of turn, and at random beyond.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::faults::tell;
use crate::world::{Gate, World, path, rule_arn};

/// A moment at which two runs meet.
struct Meeting {
    name: &'static str,
    /// What was asked for before, and when.
    before: &'static [(&'static str, &'static str)],
    at: &'static str,
    first: &'static str,
    second: &'static str,
    /// The second is Lambda's repetition of the event that booked the window: it must not bring it back.
    repeats: bool,
}

impl Meeting {
    const fn repeated(name: &'static str, at: &'static str, first: &'static str) -> Self {
        Self { name, before: &[("00:00", BOOKED)], at, first, second: BOOKED, repeats: true }
    }
}

const BOOKED: &str = r#"{"id":"w","start":"2026-12-06T00:10Z","end":"2026-12-06T00:20Z"}"#;
const NEXT: &str = r#"{"id":"x","start":"2026-12-06T00:20Z","end":"2026-12-06T00:30Z"}"#;
const WAKE: &str = r#"{"action":"wake","id":"w"}"#;
const WAKE_NEXT: &str = r#"{"action":"wake","id":"x"}"#;
const OFF: &str = r#"{"action":"off"}"#;
const ON: &str = r#"{"action":"on"}"#;
const SWEEP: &str = r#"{"action":"sweep"}"#;
const CANCEL: &str = r#"{"action":"cancel","id":"w"}"#;

const EXTEND: &str = r#"{"action":"extend","id":"w","by":"PT5M"}"#;

const MEETINGS: [Meeting; 19] = [
    Meeting {
        name: "start and extend",
        before: &[("00:00", BOOKED)],
        at: "00:10",
        first: WAKE,
        second: EXTEND,
        repeats: false,
    },
    Meeting {
        name: "end and extend",
        before: &[("00:00", BOOKED)],
        at: "00:19:59.9",
        first: WAKE,
        second: EXTEND,
        repeats: false,
    },
    Meeting {
        name: "off and extend",
        before: &[("00:00", BOOKED)],
        at: "00:12",
        first: OFF,
        second: EXTEND,
        repeats: false,
    },
    Meeting {
        name: "extend and extend",
        before: &[("00:00", BOOKED)],
        at: "00:12",
        first: EXTEND,
        second: EXTEND,
        repeats: false,
    },
    Meeting {
        name: "start and off",
        before: &[("00:00", BOOKED)],
        at: "00:10",
        first: WAKE,
        second: OFF,
        repeats: false,
    },
    Meeting {
        name: "start and cancel",
        before: &[("00:00", BOOKED)],
        at: "00:09:59.95",
        first: WAKE,
        second: CANCEL,
        repeats: false,
    },
    Meeting {
        name: "start and start",
        before: &[("00:00", BOOKED)],
        at: "00:10",
        first: WAKE,
        second: WAKE,
        repeats: false,
    },
    Meeting {
        name: "start and sweep",
        before: &[("00:00", BOOKED)],
        at: "00:10",
        first: WAKE,
        second: SWEEP,
        repeats: false,
    },
    Meeting {
        name: "start and on",
        before: &[("00:00", BOOKED)],
        at: "00:10",
        first: WAKE,
        second: ON,
        repeats: false,
    },
    Meeting {
        name: "end and end",
        before: &[("00:00", BOOKED)],
        at: "00:20",
        first: WAKE,
        second: WAKE,
        repeats: false,
    },
    Meeting {
        name: "end and off",
        before: &[("00:00", BOOKED)],
        at: "00:20",
        first: WAKE,
        second: OFF,
        repeats: false,
    },
    Meeting {
        name: "end and off, nearly",
        before: &[("00:00", BOOKED)],
        at: "00:19:59.9",
        first: WAKE,
        second: OFF,
        repeats: false,
    },
    Meeting {
        name: "end and the next start",
        before: &[("00:00", BOOKED), ("00:01", NEXT)],
        at: "00:20",
        first: WAKE,
        second: WAKE_NEXT,
        repeats: false,
    },
    Meeting {
        name: "sweep and sweep",
        before: &[("00:00", BOOKED)],
        at: "00:12",
        first: SWEEP,
        second: SWEEP,
        repeats: false,
    },
    Meeting { name: "on and off", before: &[("00:00", ON)], at: "00:12", first: ON, second: OFF, repeats: false },
    Meeting { name: "off and off", before: &[("00:00", ON)], at: "00:12", first: OFF, second: OFF, repeats: false },
    Meeting { name: "book and book", before: &[], at: "00:01", first: BOOKED, second: BOOKED, repeats: false },
    Meeting::repeated("off and the booking again", "00:12", OFF),
    Meeting::repeated("cancel and the booking again", "00:05", CANCEL),
];

fn owned() -> Vec<Value> {
    vec![path(&["/shop/*", "/cart"])]
}

fn parsed(event: &str) -> Value {
    serde_json::from_str(event).expect("JSON")
}

/// Lets the two meet in one order; returns how many calls each made, or what was wrong in the end.
fn meet(meeting: &Meeting, runs: &[usize]) -> Result<[usize; 2], String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let mut world = World::new(1);
        world.set_conditions(0, owned());
        for (at, event) in meeting.before {
            world.run_until(at).await;
            world.invoke(parsed(event)).await.expect("as asked");
        }
        // The meeting's own wake-ups are lost: what the two do is all that happens at first.
        let at = world.at(meeting.at);
        while world.next_event(at - SignedDuration::from_secs(70), SignedDuration::ZERO, true).await {}
        world.until(at).await;
        let gate = Gate::new(runs);
        world.gate = Some(gate);
        let counted = world.state().invocations.len();
        let (first, second) = (parsed(meeting.first), parsed(meeting.second));
        let again = if meeting.repeats { "request-0" } else { "second" };
        let (one, two) = tokio::join!(world.invoke_as(0, &first, "first"), world.invoke_as(1, &second, again));
        let calls = {
            let state = world.state();
            [state.invocations[counted], state.invocations[counted + 1]]
        };
        world.gate = None;
        let asked = format!(
            "{:?} and {:?}",
            one.map(|one| one.map(|one| one.outcome)),
            two.map(|two| two.map(|two| two.outcome))
        );
        let dark_at_once = world.is_dark(0);
        let recorded = world.schedule_names().iter().any(|name| name.contains(".end"));
        let mut wrong = vec![];
        if dark_at_once && !recorded {
            wrong.push("the rule is header-only without a record".to_owned());
        }
        if meeting.repeats {
            // The next sweep is the bound.
            world.until(world.now() + SignedDuration::from_secs(1)).await;
            world.invoke(parsed(SWEEP)).await.expect("swept");
            if world.is_dark(0) || !world.schedule_names().is_empty() {
                wrong.push(format!("it came back: {:?}", world.schedule_names()));
            }
        }
        // What is left goes on by itself, and one more off ends what is open-ended.
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.run_until("01:00").await;
        world.try_invoke(&parsed(OFF), "last").await;
        world.run_until("01:30").await;
        let state = world.state();
        if state.rules[&rule_arn(0)].conditions != owned() {
            wrong.push(format!("the rule was left as {:?}", state.rules[&rule_arn(0)].conditions));
        }
        let left_over = state.left_over(world.now());
        if !left_over.is_empty() {
            wrong.push(format!("schedules are left over: {left_over:?}"));
        }
        for event in ["drift", "failed"] {
            if state.published.iter().any(|report| report.event() == event) {
                wrong.push(format!("{event} was reported"));
            }
        }
        let told = |event: &str| state.published.iter().filter(|report| report.event() == event).count();
        if told("started") > 0 && told("completed") + told("cancelled") == 0 {
            wrong.push("started, but never completed".to_owned());
        }
        if wrong.is_empty() { Ok(calls) } else { Err(format!("{asked}: {}", wrong.join("; "))) }
    })
}

/// Every order with up to three changes of turn, either run first.
fn orders([first, second]: [usize; 2]) -> Vec<Vec<usize>> {
    let mut orders = vec![];
    for a in 0..=first {
        for b in 0..=second {
            // first a, second b, then all of the first, and the mirror image.
            orders.push(vec![a, b, usize::MAX]);
            orders.push(vec![0, b, a, usize::MAX]);
        }
    }
    for a in 0..=first {
        for b in 1..=second {
            for c in 1..=first.saturating_sub(a) {
                orders.push(vec![a, b, c, usize::MAX]);
            }
        }
    }
    orders
}

#[test]
fn two_runs_at_once_are_right_in_every_order() {
    let mut total = 0;
    let mut failures: Vec<String> = vec![];
    for meeting in &MEETINGS {
        let calls = meet(meeting, &[usize::MAX]).unwrap_or_else(|wrong| panic!("{}: {wrong}", meeting.name));
        let orders = Arc::new(orders(calls));
        total += orders.len();
        let (left, right) = orders.split_at(orders.len() / 2);
        let run = |orders: &[Vec<usize>]| -> Vec<String> {
            orders
                .iter()
                .filter_map(|order| {
                    Some(format!("{} in order {order:?}: {}", meeting.name, meet(meeting, order).err()?))
                })
                .collect()
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(|| run(right));
            failures.extend(run(left));
            failures.extend(other.join().expect("no panic"));
        });
    }
    tell(&format!("two at once: {total} orders, {} failed", failures.len()));
    let shown: Vec<&String> = failures.iter().step_by((failures.len() / 8).max(1)).collect();
    assert!(failures.is_empty(), "{} of {total} failed, among them:\n{shown:#?}", failures.len());
}

#[tokio::test(start_paused = true)]
async fn an_off_looks_once_more_for_what_a_start_did_meanwhile() {
    let world = World::new(1);
    world.set_conditions(0, owned());
    world.invoke(parsed(BOOKED)).await.expect("booked");
    world.until(world.at("00:10")).await;
    // The off has seen the rule open when the start narrows it, and the start has noted that when the off forgets.
    let (off, wake) = (parsed(OFF), parsed(WAKE));
    let start = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        world.invoke_as(0, &wake, "wake").await.expect("lives").expect("started");
    };
    let (off, ()) = tokio::join!(world.invoke_as(1, &off, "off"), start);
    off.expect("lives").expect("off");
    let state = world.state();
    let turns: Vec<_> = state.calls.iter().filter(|call| call.name == "ModifyRule").collect();
    assert_eq!(turns.len(), 2, "narrowed and restored: {turns:?}");
    assert_eq!(state.rules[&rule_arn(0)].conditions, owned());
    assert!(state.left_over(world.now()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_event_that_lambda_retries_while_it_runs_is_one_window() {
    let world = World::new(1);
    let on = json!({"action": "on", "duration": "PT10M"});
    world.try_invoke(&on, "one").await.expect("lives").expect("on");
    let again = world.try_invoke(&on, "one").await.expect("lives").expect("the same");
    assert_eq!(again.outcome, "unchanged");
    assert_eq!(world.count("started"), 1);
}
