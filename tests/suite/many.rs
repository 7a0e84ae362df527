//! Many rules, many windows, and AWS failing for hours.

use std::time::Duration;

use serde_json::json;

use crate::world::{ORIGIN_LOCK, World, header, path, rule_arn};

#[tokio::test(start_paused = true)]
async fn a_hundred_rules_are_turned_within_the_rate_and_none_is_reported_early() {
    for rules in [1, 20, 100] {
        let mut world = World::new(rules);
        world.retries = 3;
        let window = json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"});
        world.invoke(window).await.expect("booked");
        world.run_until("03:30").await;
        assert_eq!(world.events(), ["booked", "started", "completed"], "{rules} rules");
        assert_eq!(world.state().throttled, 0, "{rules} rules");
        assert!((0..rules).all(|nth| world.conditions(nth) == [path(&["*"])]));
        let state = world.state();
        let turns: Vec<_> = state.calls.iter().filter(|call| call.name == "ModifyRule").collect();
        assert_eq!(turns.len(), 2 * rules);
        let took = turns[rules - 1].at.duration_since(turns[0].at).as_secs();
        let floor = i64::try_from(rules.saturating_sub(20) / 3).expect("few");
        assert!(took <= floor + floor / 5 + 1, "{rules} rules took {took} s, the rate permits {floor} s");
        assert!(state.violations.is_empty(), "{:?}", state.violations);
    }
}

#[tokio::test(start_paused = true)]
async fn one_rule_that_fails_does_not_stop_the_others_and_is_named() {
    let world = World::new(3);
    let window = json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"});
    world.invoke(window).await.expect("booked");
    // A rule with a condition that ModifyRule refuses to take back.
    world.set_conditions(1, vec![path(&["/*/*/*/*/*/*"])]);
    world.run_until("02:20").await;
    assert_eq!([0, 1, 2].map(|nth| world.is_dark(nth)), [true, false, true]);
    assert_eq!((world.count("started"), world.count("failed")), (0, 1), "{:?}", world.events());
    let text = world.text_of("failed");
    let notes: Vec<&str> = text.lines().filter(|line| line.starts_with("Note")).collect();
    assert!(matches!(notes.as_slice(), [note] if note.contains("rule001") && note.contains("wildcards")), "{text}");
    world.set_conditions(1, vec![path(&["/*"])]);
    world.run_until("02:30").await;
    assert_eq!(world.count("started"), 1);
    world.run_until("03:10").await;
    assert_eq!(world.count("completed"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_that_cannot_be_made_is_tried_once_by_each_run_and_stops_no_other_window() {
    let world = World::new(2);
    let one = |id: &str, rule: usize| json!({"id": id, "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z", "rules": [rule_arn(rule)]});
    world.invoke(one("w", 0)).await.expect("booked");
    world.state().broken = vec!["CreateSchedule"];
    let untold = world.invoke(one("without", 1)).await.expect_err("no wake-ups");
    assert!(untold.full().contains("create the schedule"), "{}", untold.full());
    world.until(world.at("02:00")).await;
    world.take_calls();
    let failed = world.invoke(json!({"action": "sweep"})).await.expect_err("one cannot start");
    assert!(failed.full().contains("window without: cannot create the schedule without.end-"), "{}", failed.full());
    let calls = world.take_calls();
    assert_eq!(calls.iter().filter(|call| *call == "CreateSchedule").count(), 1, "{calls:?}");
    assert!(calls.iter().filter(|call| *call == "DescribeRules").count() > 1, "it looks again: {calls:?}");
    assert_eq!((world.is_dark(0), world.is_dark(1)), (true, false));
    world.state().broken.clear();
    world.invoke(json!({"action": "sweep"})).await.expect("the next run tries again");
    assert!(world.is_dark(1));
}

/// What may be started is: a window whose item has grown too large for the table stops no other.
#[tokio::test(start_paused = true)]
async fn a_start_that_the_table_refuses_for_good_holds_up_no_other() {
    let world = World::new(3);
    for (id, rule) in [("first", 0), ("full", 1), ("last", 2)] {
        let window =
            json!({"id": id, "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z", "rules": [rule_arn(rule)]});
        world.invoke(window).await.expect("booked");
    }
    // So many times was it moved.
    world.edit_item("window#full", |item| item["decisions"] = vec![item["decisions"][0].clone(); 5_000].into());
    world.run_until("02:01").await;
    assert_eq!([0, 1, 2].map(|nth| world.is_dark(nth)), [true, false, true]);
    let told = world.text_of("failed");
    assert!(told.contains("(window full): ValidationError"), "{told}");
    assert_eq!(world.count("started"), 2, "{:?}", world.events());
    world.run_until("03:01").await;
    assert_eq!([0, 1, 2].map(|nth| world.conditions(nth)), [(); 3].map(|()| vec![path(&["*"])]));
    assert_eq!(world.windows(), ["full"]);
}

/// An `off` of more windows than one transaction takes, while somebody goes on changing one of the last.
#[tokio::test(start_paused = true)]
async fn of_a_decision_that_was_written_in_part_it_is_said_that_this_part_stands() {
    for (count, ended, expected) in [(100, 96, "TableFailed"), (1, 0, "InvalidEvent")] {
        let world = World::new(1);
        world.invoke(json!({"id": "w000", "action": "on", "duration": "PT5M"})).await.expect("on");
        let started = world.state().table.item("now", "window#w000").cloned().expect("the window");
        for nth in 1..count {
            let name = format!("w{nth:03}");
            let id = format!("window#{name}");
            let mut item = started.clone();
            item.insert("id".to_owned(), json!({"S": id}));
            item.insert("window".to_owned(), json!({"S": name}));
            item.insert("uid".to_owned(), json!({"S": format!("u{nth:04}")}));
            world.state().table.items.insert(("now".to_owned(), id), item);
        }
        let last = format!("window#w{:03}", count - 1);
        let others = async {
            loop {
                world.edit_item(&last, |item| item["version"] = json!(item["version"].as_u64().expect("a number") + 1));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let off = tokio::select! {
            off = world.invoke(json!({"action": "off"})) => off.expect_err("others are faster"),
            () = others => unreachable!("it goes on"),
        };
        assert_eq!(off.kind(), expected, "{}", off.full());
        assert_eq!(off.full().contains("nothing was decided"), ended == 0, "{}", off.full());
        let over = world.windows().iter().filter(|id| world.window(id).expect("it")["state"] == "ending").count();
        assert_eq!(over, ended, "{}", off.full());
        let again = world.invoke(json!({"action": "off"})).await.expect("nobody is in the way");
        assert_eq!((again.outcome.as_str(), world.windows().len()), ("completed", 0), "{}", again.message);
        assert!(!world.is_dark(0));
    }
}

#[tokio::test(start_paused = true)]
async fn five_hundred_windows_are_read_within_seconds() {
    let world = World::new(2);
    let window = json!({"id": "w000", "start": world.at("12:00"), "duration": "PT2M", "rules": [rule_arn(0)]});
    world.invoke(window).await.expect("booked");
    // Booking each of them would read all those before it once more.
    let booked = world.state().table.item("now", "window#w000").cloned().expect("the window");
    for nth in 1..500 {
        let start = world.at("12:00") + jiff::SignedDuration::from_mins(nth * 3);
        let (name, id) = (format!("w{nth:03}"), format!("window#w{nth:03}"));
        let mut item = booked.clone();
        item.insert("id".to_owned(), json!({"S": id}));
        item.insert("window".to_owned(), json!({"S": name}));
        item.insert("uid".to_owned(), json!({"S": format!("u{nth:04}")}));
        item.insert("start".to_owned(), json!({"S": start}));
        item.insert("end".to_owned(), json!({"S": start + jiff::SignedDuration::from_mins(2)}));
        world.state().table.items.insert(("now".to_owned(), id), item);
    }
    let before = world.now();
    let status = world.invoke(json!({"action": "status"})).await.expect("status");
    assert_eq!(status.windows.len(), 500);
    let took = world.now().duration_since(before).as_secs_f64();
    assert!(took < 5.0, "status took {took} s at 40 ms a call");
    let on = world.invoke(json!({"action": "on", "duration": "PT5M"})).await.expect("on");
    assert_eq!(on.outcome, "started");
    assert!(world.is_dark(0) && world.is_dark(1));
    let ended = world.now() + jiff::SignedDuration::from_mins(7);
    while world.next_event(ended, jiff::SignedDuration::ZERO, true).await {}
    assert!(!world.is_dark(0) && !world.is_dark(1));
}

#[tokio::test(start_paused = true)]
async fn off_ends_more_windows_at_once_than_one_transaction_takes() {
    let world = World::new(1);
    world.invoke(json!({"action": "on", "id": "w000", "duration": "PT1H"})).await.expect("on");
    {
        let items = &mut world.state().table.items;
        let first = items[&("now".to_owned(), "window#w000".to_owned())].clone();
        for nth in 1..100 {
            let (name, uid) = (format!("w{nth:03}"), format!("u{nth:04}"));
            let id = format!("window#{name}");
            let mut item = first.clone();
            for (attribute, text) in [("id", &id), ("window", &name), ("uid", &uid)] {
                item.insert(attribute.to_owned(), json!({ "S": text }));
            }
            items.insert(("now".to_owned(), id), item);
        }
    }
    let off = world.invoke(json!({"action": "off"})).await.expect("off");
    assert_eq!(off.windows.len(), 100);
    assert_eq!((world.is_dark(0), world.windows().len(), world.history().len()), (false, 0, 100));
    assert_eq!(world.count("completed"), 100);
}

#[tokio::test(start_paused = true)]
async fn reports_get_out_even_if_publishing_fails_for_hours() {
    let world = World::new(1);
    let window = json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"});
    world.invoke(window).await.expect("booked");
    world.run_until("01:50").await;
    world.state().broken = vec!["Publish"];
    world.run_until("06:00").await;
    assert!(!world.is_dark(0), "the rules do not wait for the reports");
    world.state().broken.clear();
    world.run_until("06:10").await;
    assert_eq!(world.events(), ["booked", "completed"]);
    let actual = world.state().published[1].document["actual"].clone();
    assert_eq!(
        (&actual["start_late_secs"], &actual["end_late_secs"]),
        (&json!(0), &json!(0)),
        "the report is late only"
    );
    assert!(world.schedule_names().is_empty());
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn a_lasting_failure_is_reported_once_and_ends_by_itself() {
    for broken in ["ModifyRule", "DescribeRules"] {
        let world = World::new(1);
        world.set_conditions(0, vec![path(&["*"]), header("x-origin-lock", ORIGIN_LOCK)]);
        let window = json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"});
        world.invoke(window).await.expect("booked");
        world.run_until("02:10").await;
        world.state().broken = vec![broken];
        world.run_until("04:00").await;
        assert!(world.is_dark(0));
        assert_eq!(world.count("failed"), 1, "{broken}: {:?}", world.events());
        world.state().broken.clear();
        world.run_until("04:10").await;
        assert!(!world.is_dark(0));
        assert_eq!(world.count("completed"), 1);
        world.no_secret_was_said();
    }
}

#[tokio::test(start_paused = true)]
async fn rules_that_cannot_be_read_are_told_for_windows_under_way_and_for_no_other() {
    let world = World::new(1);
    world.invoke(json!({"id": "x", "start": "2026-12-06T05:00Z", "end": "2026-12-06T06:00Z"})).await.expect("booked");
    world.run_until("01:00").await;
    world.state().broken = vec!["DescribeRules"];
    world.run_until("02:00").await;
    assert_eq!(world.events(), ["booked"], "a booked window loses nothing yet");
    world.state().broken.clear();
    world.invoke(json!({"action": "on", "id": "now"})).await.expect("on");
    world.state().broken = vec!["DescribeRules"];
    world.run_until("03:00").await;
    assert_eq!(world.count("failed"), 1, "{:?}", world.events());
    assert!(world.text_of("failed").contains("now"));
}

#[tokio::test(start_paused = true)]
async fn a_table_that_cannot_be_written_narrows_nothing_and_says_so() {
    let world = World::new(1);
    world.invoke(json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"})).await.expect("booked");
    world.run_until("01:58").await;
    world.state().broken = vec!["TransactWriteItems"];
    world.run_until("02:01").await;
    assert!(!world.is_dark(0));
    let text = world.text_of("failed");
    assert!(text.contains("cannot write to the table (rule web/rule000, window w)"), "{text}");
    world.state().broken.clear();
    world.run_until("02:10").await;
    assert!(world.is_dark(0) && world.count("started") == 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_that_of_the_window_it_happened_to() {
    let world = World::new(1);
    world.invoke(json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"})).await.expect("booked");
    world.invoke(json!({"id": "x", "start": "2026-12-06T05:00Z", "end": "2026-12-06T06:00Z"})).await.expect("booked");
    world.run_until("02:10").await;
    world.state().broken = vec!["ModifyRule"];
    world.run_until("03:30").await;
    assert_eq!(world.count("failed"), 1, "the later window on the same rule has no part in it");
    assert!(world.text_of("failed").contains("Window    w\n"), "{}", world.text_of("failed"));
}

#[tokio::test(start_paused = true)]
async fn no_refusal_repeats_a_header_that_it_quotes() {
    for broken in ["TransactWriteItems", "CreateSchedule", "ModifyRule"] {
        let world = World::new(1);
        world.set_conditions(0, vec![path(&["*"]), header("x-origin-lock", ORIGIN_LOCK)]);
        world.state().broken = vec![broken];
        let refused = world.invoke(json!({"action": "on", "duration": "PT1H"})).await.expect_err("refused").full();
        assert!(refused.contains("[secret]"), "{broken}: {refused}");
        world.no_secret_was_said();
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_throttled_goes_on_with_the_clients_own_patience() {
    let mut world = World::new(1);
    world.retries = 4;
    world.state().faults = (0..3).map(|call| ((0, call), crate::world::Fault::Throttled)).collect();
    let on = world.invoke(json!({"action": "on"})).await.expect("on");
    assert_eq!(on.outcome, "started");
}

#[tokio::test(start_paused = true)]
async fn work_that_outlasts_the_invocation_ends_in_time_to_say_so() {
    let mut world = World::new(1);
    world.latency = Duration::from_secs(90);
    let late = world.invoke(json!({"action": "on"})).await.expect_err("out of time");
    assert_eq!(late.kind(), "OutOfTime");
    // Also where the event is refused as it stands now, and the same request decided before.
    let world = World::new(1);
    world.invoke(json!({"action": "on", "request_id": "r"})).await.expect("on");
    world.state().hanging = vec!["DescribeRules"];
    let late =
        world.invoke(json!({"action": "on", "request_id": "r", "duration": "?"})).await.expect_err("out of time");
    assert_eq!(late.kind(), "OutOfTime");
}
