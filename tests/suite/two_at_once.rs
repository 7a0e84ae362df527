//! Two runs at once, their calls interleaved in ways that take up to three changes of turn, and at random beyond.
//!
//! The turn changes before calls that the other run may notice: of the table and of the rules. Reports and wake-ups are
//! seen by neither.

mod meetings;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use maintenance_window::{error::Error, report::response::Response};
use serde_json::{Value, json};

use self::meetings::{Before, MEETINGS, Meeting, Requests};
use crate::faults::tell;
use crate::world::{Gate, World, path, rule_arn};

const SWEEP: &str = r#"{"action":"sweep"}"#;
const OFF: &str = r#"{"action":"off"}"#;

fn owned() -> Vec<Value> {
    vec![path(&["/shop/*", "/cart"])]
}

fn edited() -> Vec<Value> {
    vec![path(&["/shop/*", "/basket"])]
}

fn parsed(event: &str) -> Value {
    serde_json::from_str(event).expect("JSON")
}

/// The calls that one run makes and another notices.
const NOTICED: [&str; 9] = [
    "DescribeRules",
    "ModifyRule",
    "Query",
    "TransactWriteItems",
    "UpdateItem",
    "PutItem",
    "DeleteItem",
    "PutAlarmMuteRule",
    "DeleteAlarmMuteRule",
];

/// What came of a meeting.
struct Met {
    /// After how many of its calls the turn may change, for each; known if one went before the other.
    turns: [Vec<usize>; 2],
    /// What each was answered, in a word.
    answers: [String; 2],
}

type Answer = Option<Result<Response, Error>>;

/// Lets the two meet in one order; or says what was wrong in the end.
fn meet(meeting: &Meeting, runs: &[usize]) -> Result<Met, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let mut world = World::new(1);
        world.set_conditions(0, owned());
        if meeting.mutes {
            world.settings.insert("MUTE_ALARMS", "site-5xx,site-slow".to_owned());
        }
        for (at, before) in meeting.before {
            wait(&world, world.at(at), |_| true).await;
            world.until(world.at(at)).await;
            match before {
                Before::Asked(event) => drop(Box::pin(world.invoke(parsed(event))).await.expect("as asked")),
                Before::Redeployed => world.take_another_role(),
                Before::Edited => {
                    // The bypass header stays, so that only the rest of it is another.
                    let header = world.conditions(0).pop().expect("the bypass header");
                    world.set_conditions(0, [edited(), vec![header]].concat());
                }
            }
        }
        // The meeting's own wake-ups are lost: what the two do is all that happens at first.
        let at = world.at(meeting.at);
        wait(&world, at - SignedDuration::from_secs(70), |_| true).await;
        world.until(at).await;
        world.set_gate(Some(Gate::new(runs)));
        let counted = world.state().invocations.len();
        let events = [parsed(meeting.first), parsed(meeting.second)];
        let requests = match meeting.requests {
            Requests::Two => ["first", "second"],
            Requests::One => ["first", "first"],
            Requests::Repeated => ["first", "request-0"],
        };
        let (one, two) = tokio::join!(
            Box::pin(world.invoke_as(0, &events[0], requests[0])),
            Box::pin(world.invoke_as(1, &events[1], requests[1]))
        );
        let answers = [one, two];
        let turns = turns(&world, counted);
        world.set_gate(None);
        // The next sweep is the bound.
        world.until(world.now() + SignedDuration::from_secs(1)).await;
        Box::pin(world.invoke(parsed(SWEEP))).await.expect("swept");
        let mut wrong = states(&world, meeting);
        wrong.extend(decisions(&world, meeting, at, &events, &answers));
        // What is left goes on by itself; one more off ends what is open-ended, and a series is cancelled.
        let goes_on = |world: &World| has_end(world) || !world.series_ids().is_empty();
        wait(&world, world.at("00:40"), goes_on).await;
        Box::pin(world.try_invoke(&parsed(OFF), "last")).await;
        for id in world.series_ids() {
            Box::pin(world.try_invoke(&json!({"action": "cancel", "id": id}), "last of all")).await;
        }
        wait(&world, world.at("01:30"), |world| !world.schedule_names().is_empty()).await;
        Box::pin(world.invoke(parsed(SWEEP))).await.expect("swept");
        // What follows a window is due some minutes later.
        world.until(world.now() + SignedDuration::from_mins(7)).await;
        Box::pin(world.invoke(parsed(SWEEP))).await.expect("swept");
        wrong.extend(in_the_end(&world, meeting, &answers));
        let answers = answers.map(|answer| match answer {
            Some(Ok(answer)) => answer.outcome,
            Some(Err(error)) => error.kind().to_owned(),
            None => "died".to_owned(),
        });
        if wrong.is_empty() { Ok(Met { turns, answers }) } else { Err(format!("{answers:?}: {}", wrong.join("; "))) }
    })
}

/// Lets time pass until then, or until nobody waits any longer. Sweeps are the test's own.
async fn wait(world: &World, until: Timestamp, waits: impl Fn(&World) -> bool) {
    while waits(world) && Box::pin(world.next_event(until, SignedDuration::from_secs(5), false)).await {}
}

/// Whether a window's end is still to come.
fn has_end(world: &World) -> bool {
    let ahead = |window: &Value| window["end"].is_string() && window["state"] != "held";
    world.windows().iter().filter_map(|id| world.window(id)).any(|window| ahead(&window))
}

/// A rule is open if and only if no active or held window covers it; what was ended is history.
fn states(world: &World, meeting: &Meeting) -> Vec<String> {
    let mut wrong = vec![];
    let windows: Vec<Value> = world.windows().iter().filter_map(|id| world.window(id)).collect();
    let covered = windows.iter().any(|window| window["state"] == "active" || window["state"] == "held");
    if world.is_dark(0) != covered {
        wrong.push(format!("header-only: {}, covered: {covered}", world.is_dark(0)));
    }
    for window in windows.iter().filter(|window| meeting.mutes && window["state"] != "ending") {
        // From the next minute on at the latest.
        let own = format!("maintenance.{}-", window["window"].as_str().expect("an id"));
        let start = window["start"].as_str().and_then(|text| text.parse::<Timestamp>().ok()).expect("a moment");
        let soon = start.max(world.now() + SignedDuration::from_secs(76));
        let rules = world.mute_rules();
        let muted = rules.iter().any(|(name, rule)| name.starts_with(&own) && (rule.from..rule.until).contains(&soon));
        if !muted {
            wrong.push(format!("{} is not muted: {rules:?}", window["window"]));
        }
    }
    for window in &windows {
        let last = window["decisions"].as_array().and_then(|decisions| decisions.last()).expect("a decision");
        if last["start"] != window["start"] || last["end"] != window["end"] {
            wrong.push(format!("the times of {} are not those that were decided: {window}", window["window"]));
        }
        if ["off", "cancel", "pause"].iter().any(|action| last["action"] == *action) || window["state"] == "ending" {
            wrong.push(format!("{} was ended, and is still there: {window}", window["window"]));
        }
    }
    for id in world.series_ids() {
        let series = world.series(&id).expect("a series");
        let booked = windows.iter().filter(|window| window["series"] == id.as_str() && window["state"] == "booked");
        let expected = usize::from(series["paused"] == false);
        if booked.count() != expected {
            wrong.push(format!("{id} has not {expected} booked window: {series}"));
        }
    }
    wrong
}

/// Every decision that was answered as taken is taken, once; one that was refused is not.
fn decisions(
    world: &World,
    meeting: &Meeting,
    at: Timestamp,
    events: &[Value; 2],
    answers: &[Answer; 2],
) -> Vec<String> {
    let present = world.windows().into_iter().filter_map(|id| world.window(&id));
    let series = world.series_ids().into_iter().filter_map(|id| world.series(&id));
    let items: Vec<Value> = present.chain(series).chain(world.history()).collect();
    let is_new = |decision: &&Value| {
        decision["at"].as_str().and_then(|text| text.parse::<Timestamp>().ok()).is_some_and(|decided| decided >= at)
    };
    let mut wrong = vec![];
    for (nth, (event, answer)) in events.iter().zip(answers).enumerate() {
        let action = event["action"].as_str().unwrap_or("book");
        if action == "wake" || action == "sweep" {
            continue;
        }
        let same = |other: usize| events[other]["action"].as_str().unwrap_or("book") == action;
        let not_refused = |answer: &Answer| !matches!(answer, Some(Err(error)) if error.kind() == "InvalidEvent");
        let most = match meeting.requests {
            Requests::One => 1,
            Requests::Repeated if nth == 1 => 0,
            _ => (0..2).filter(|other| same(*other) && not_refused(&answers[*other])).count(),
        };
        let taken = |answer: &Answer| {
            let moved = ["extended", "rescheduled", "booked", "skipped", "paused", "resumed"];
            matches!(answer, Some(Ok(answer)) if moved.contains(&answer.outcome.as_str()))
        };
        let least = (0..2).filter(|other| same(*other) && taken(&answers[*other])).count().min(most);
        let count = |item: &Value| {
            let decided = item["decisions"].as_array().expect("decisions").iter().filter(is_new);
            // The windows of a series repeat its own booking.
            let repeats = item["series"] == "s" && !item["paused"].is_boolean();
            decided.filter(|decision| !repeats && decision["action"] == action).count()
        };
        let counts: Vec<usize> = items.iter().map(count).collect();
        if counts.iter().any(|count| *count > most) || counts.iter().sum::<usize>() < least {
            wrong.push(format!("{action} was decided {counts:?} times ({answer:?}): {items:?}"));
        }
    }
    for item in &items {
        let decided = item["decisions"].as_array().expect("decisions");
        let end = |decision: &Value| decision["end"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
        for pair in decided.windows(2).filter(|pair| pair[1]["action"] == "extend") {
            let (before, after) = (end(&pair[0]).expect("an end"), end(&pair[1]).expect("an end"));
            let from = pair[1]["at"].as_str().and_then(|text| text.parse::<Timestamp>().ok()).expect("a moment");
            let five = SignedDuration::from_mins(5);
            // What is held is extended from now.
            let held = before <= from && after.duration_since(from) <= five;
            if after != before + five && !held {
                wrong.push(format!("an extension is lost: {decided:?}"));
            }
        }
    }
    wrong
}

/// What must hold once everything is over.
fn in_the_end(world: &World, meeting: &Meeting, answers: &[Answer; 2]) -> Vec<String> {
    let mut wrong = vec![];
    let state = world.state();
    wrong.extend(state.violations.iter().cloned());
    let conditions = &state.rules[&rule_arn(0)].conditions;
    if *conditions != if meeting.drifts > 0 { edited() } else { owned() } {
        wrong.push(format!("the rule was left as {conditions:?}"));
    }
    let mut told = BTreeMap::<(&str, &str), BTreeSet<&str>>::new();
    for report in &state.published {
        let id = report.document["window"]["id"].as_str().unwrap_or("-");
        let report_id = report.document["report_id"].as_str().expect("an id");
        told.entry((id, report.event())).or_default().insert(report_id);
    }
    let all =
        |event: &str| told.iter().filter(|((_, told), _)| *told == event).map(|(_, ids)| ids.len()).sum::<usize>();
    if (all("drift"), all("failed")) != (meeting.drifts, 0) {
        wrong.push(format!("{} times drift and {} failures were reported", all("drift"), all("failed")));
    }
    drop(state);
    let left_over = world.left_over();
    if !left_over.is_empty() {
        wrong.push(format!("left over: {left_over:?}"));
    }
    let muting = world.mute_rules();
    if !muting.is_empty() {
        wrong.push(format!("{muting:?} mute for no window"));
    }
    let history = world.history();
    let windows: Vec<&Value> = history.iter().filter(|past| past["window"].is_string()).collect();
    let uids: BTreeSet<&str> = windows.iter().filter_map(|past| past["uid"].as_str()).collect();
    if uids.len() != windows.len() {
        wrong.push(format!("a window is in the history twice: {windows:?}"));
    }
    let ids: BTreeSet<&str> = windows.iter().filter_map(|past| past["window"].as_str()).collect();
    for id in &ids {
        let count = |event: &str| {
            let state = world.state();
            let of = state
                .published
                .iter()
                .filter(|report| report.event() == event && report.document["window"]["id"] == *id);
            of.map(|report| report.document["report_id"].clone())
                .collect::<Vec<_>>()
                .iter()
                .map(Value::to_string)
                .collect::<BTreeSet<_>>()
                .len()
        };
        let known = windows.iter().filter(|past| past["window"] == *id).count();
        let over = count("completed") + count("cancelled") + count("missed");
        if over != known {
            wrong.push(format!("{known} windows {id} were reported as over {over} times"));
        }
        if count("started") > count("completed") + count("cancelled") {
            wrong.push(format!("{id} was started, but never completed"));
        }
    }
    for answer in answers.iter().flatten().flatten() {
        if answer.message.contains("Nothing was changed") && answer.rules.iter().any(|rule| rule.changed) {
            wrong.push(format!("an answer denies what its run did: {}", answer.message));
        }
        if let Some(window) = answer.window.as_ref().filter(|window| !ids.contains(window.id.as_str())) {
            wrong.push(format!("{} was answered, and is not in the history", window.id));
        }
    }
    let mut starts: Vec<&str> = windows
        .iter()
        .filter(|past| past["ending"]["outcome"] == "completed")
        .filter_map(|past| past["occurrence"].as_str())
        .collect();
    let count = starts.len();
    starts.sort_unstable();
    starts.dedup();
    if starts.len() != count {
        wrong.push(format!("an occurrence came twice: {windows:?}"));
    }
    wrong
}

/// Where the turn may change, of two runs of which one went before the other.
fn turns(world: &World, first: usize) -> [Vec<usize>; 2] {
    let state = world.state();
    let before: usize = state.invocations[..first].iter().sum();
    let mut calls = state.calls[before..].iter();
    [first, first + 1].map(|run| {
        let count = state.invocations[run];
        let names: Vec<&str> = calls.by_ref().take(count).map(|call| call.name.as_str()).collect();
        (0..=count).filter(|nth| *nth == 0 || names.get(*nth).is_none_or(|name| NOTICED.contains(name))).collect()
    })
}

/// Every order with up to three changes of turn, either run first, each once.
fn orders(turns: &[Vec<usize>; 2]) -> Vec<Vec<usize>> {
    let [first, second] = turns;
    let counts = turns.each_ref().map(|turns| *turns.last().expect("a run"));
    let mut orders = BTreeMap::new();
    let mut add = |order: Vec<usize>| {
        orders.entry(sequence(&order, counts)).or_insert(order);
    };
    for &a in first {
        for &b in second {
            // first a, second b, then all of the first, and the mirror image.
            add(vec![a, b, usize::MAX]);
            add(vec![0, b, a, usize::MAX]);
            for c in first.iter().filter_map(|c| c.checked_sub(a)) {
                add(vec![a, b, c, usize::MAX]);
            }
        }
    }
    orders.into_values().collect()
}

/// Whose call comes when, if both make as many as they would one after the other.
fn sequence(order: &[usize], mut left: [usize; 2]) -> Vec<bool> {
    let stretches = order.iter().copied().chain([usize::MAX, usize::MAX]).enumerate();
    let mut sequence = vec![];
    for (nth, stretch) in stretches {
        let calls = stretch.min(left[nth % 2]);
        left[nth % 2] -= calls;
        sequence.extend(std::iter::repeat_n(nth % 2 == 1, calls));
    }
    sequence
}

/// Orders with any number of changes of turn, the same in each run.
fn random_orders(nth: usize, count: usize) -> Vec<Vec<usize>> {
    let mut dice = fastrand::Rng::with_seed(20_261_126 + nth as u64);
    let mut order = || {
        let mut runs: Vec<usize> = (0..40).map(|_| dice.usize(1..4)).collect();
        runs[0] = dice.usize(0..3);
        runs
    };
    (0..count).map(|_| order()).collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long to search is said from outside")]
fn two_runs_at_once_are_right_in_any_order() {
    let told = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    // EVERY=1 takes all of the systematic orders, which is minutes; ORDERS says how many random ones.
    let (every, random) = (told("EVERY").unwrap_or(3), told("ORDERS").unwrap_or(20));
    let mut total = 0;
    let mut failures: Vec<String> = vec![];
    for (nth, meeting) in MEETINGS.iter().enumerate() {
        let calm = meet(meeting, &[usize::MAX]).unwrap_or_else(|wrong| panic!("{}: {wrong}", meeting.name));
        let systematic = orders(&calm.turns).into_iter().skip(nth % every).step_by(every);
        let orders: Vec<Vec<usize>> = systematic.chain(random_orders(nth, random)).collect();
        total += orders.len();
        let run = |first: usize| -> Vec<Result<Met, String>> {
            let told = |order: &Vec<usize>| {
                meet(meeting, order).map_err(|wrong| format!("{} in order {order:?}: {wrong}", meeting.name))
            };
            orders.iter().skip(first).step_by(2).map(told).collect()
        };
        let met = std::thread::scope(|scope| {
            let other = scope.spawn(|| run(1));
            let mut met = run(0);
            met.extend(other.join().expect("no panic"));
            met
        });
        let mut answers = [BTreeSet::new(), BTreeSet::new()];
        for met in met {
            match met {
                Ok(met) => {
                    for (all, answer) in answers.iter_mut().zip(met.answers) {
                        all.insert(answer);
                    }
                }
                Err(wrong) => failures.push(wrong),
            }
        }
        for (seen, listed) in answers.iter().zip(meeting.answers) {
            if !seen.iter().all(|answer| listed.split(' ').any(|may| may == answer)) {
                failures.push(format!("{} was answered {answers:?}", meeting.name));
            }
        }
    }
    tell(&format!("two at once: {total} orders, {} failed", failures.len()));
    let shown: Vec<&String> = failures.iter().step_by((failures.len() / 8).max(1)).collect();
    assert!(failures.is_empty(), "{} of {total} failed, among them:\n{shown:#?}", failures.len());
}

#[tokio::test(start_paused = true)]
async fn an_off_looks_once_more_for_what_a_start_did_meanwhile() {
    let world = World::new(1);
    world.set_conditions(0, owned());
    let booked = json!({"id": "w", "start": "2026-12-06T00:10Z", "end": "2026-12-06T00:20Z"});
    Box::pin(world.invoke(booked)).await.expect("booked");
    world.until(world.at("00:10")).await;
    // The start has saved what to restore and narrows when the off decides, which sees the rule still open.
    let (off, wake) = (parsed(OFF), json!({"action": "wake", "id": "w"}));
    let off = async {
        tokio::time::sleep(Duration::from_millis(54)).await;
        Box::pin(world.invoke_as(1, &off, "off")).await.expect("lives").expect("off");
    };
    let (start, ()) = tokio::join!(Box::pin(world.invoke_as(0, &wake, "wake")), off);
    start.expect("lives").expect("started");
    let state = world.state();
    let turns: Vec<_> = state.calls.iter().filter(|call| call.name == "ModifyRule").collect();
    assert!(turns.len() >= 2, "narrowed and restored: {turns:?}");
    assert_eq!(state.rules[&rule_arn(0)].conditions, owned());
    drop(state);
    assert_eq!((world.windows().len(), world.history().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_lambda_repeats_is_one_window() {
    let world = World::new(1);
    let on = json!({"action": "on", "duration": "PT10M"});
    Box::pin(world.try_invoke(&on, "one")).await.expect("lives").expect("on");
    let again = Box::pin(world.try_invoke(&on, "one")).await.expect("lives").expect("the same");
    assert_eq!(again.outcome, "unchanged");
    assert_eq!((world.count("started"), world.windows().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_older_than_the_order_of_turns_keeps_to_it_too() {
    let world = World::new(1);
    world.invoke(parsed(SWEEP)).await.expect("swept");
    let before = world.state().calls.len();
    world.set_gate(Some(Gate::new(&[0, 2, usize::MAX])));
    let (history, sweep) = (json!({"action": "history"}), parsed(SWEEP));
    let (one, two) =
        tokio::join!(Box::pin(world.invoke_as(0, &history, "history")), Box::pin(world.invoke_as(1, &sweep, "sweep")));
    one.expect("lives").expect("history");
    two.expect("lives").expect("swept");
    let state = world.state();
    let calls: Vec<String> =
        state.calls[before..].iter().map(|call| format!("{} {}", call.name, call.subject)).collect();
    assert_eq!(calls, ["DescribeRules ", "Query now", "Query past"]);
}
