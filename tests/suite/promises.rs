//! What the function promises its users, one claim a test.

use serde_json::{Value, json};

use crate::world::{Fault, ORIGIN_LOCK, SECRET, World, header, path, rule_arn};

fn window() -> Value {
    json!({"action": "book", "id": "w", "start": "2026-12-06T02:00:00Z", "end": "2026-12-06T03:00:00Z"})
}

#[tokio::test(start_paused = true)]
async fn a_window_starts_and_ends_on_the_second() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.run_until("03:10").await;
    let state = world.state();
    let reports: Vec<(String, i64)> = state
        .published
        .iter()
        .filter_map(|report| {
            let late = report.document["actual"]["end_late_secs"]
                .as_i64()
                .or(report.document["actual"]["start_late_secs"].as_i64())?;
            Some((report.event().to_owned(), late))
        })
        .collect();
    assert_eq!(reports, [("started".to_owned(), 0), ("completed".to_owned(), 0)]);
    let turns: Vec<String> = state
        .calls
        .iter()
        .filter(|call| call.name == "ModifyRule")
        .map(|call| call.at.strftime("%H:%M:%S").to_string())
        .collect();
    assert_eq!(turns, ["02:00:00", "03:00:00"]);
}

/// The calls up to and with the first `ModifyRule`.
fn until_the_rule_turns(calls: &[String]) -> Vec<&str> {
    let turned = calls.iter().position(|call| call == "ModifyRule").expect("a change");
    calls[..=turned].iter().map(String::as_str).collect()
}

#[tokio::test(start_paused = true)]
async fn a_transition_takes_few_calls() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    let booking = world.take_calls();
    // Two of them look how the site stands, for the answer and the report, beside what has to be done.
    assert!(booking.len() <= 11, "{booking:?}");
    world.run_until("01:57").await;
    world.take_calls();
    world.invoke(json!({"action": "sweep"})).await.expect("swept");
    assert_eq!(world.take_calls(), ["DescribeRules", "Query"]);
    world.until(world.at("02:00")).await;
    world.invoke(json!({"action": "wake", "id": "w"})).await.expect("started");
    let start = world.take_calls();
    assert_eq!(until_the_rule_turns(&start), ["DescribeRules", "Query", "TransactWriteItems", "ModifyRule"]);
    assert!(start.len() <= 8, "{start:?}");
    world.until(world.at("03:00")).await;
    world.invoke(json!({"action": "wake", "id": "w"})).await.expect("ended");
    let end = world.take_calls();
    assert_eq!(until_the_rule_turns(&end), ["DescribeRules", "Query", "TransactWriteItems", "ModifyRule"]);
    assert!(end.len() <= 9, "{end:?}");
}

#[tokio::test(start_paused = true)]
async fn by_hand_the_rule_turns_after_five_calls_that_wait_for_each_other() {
    let world = World::new(1);
    world.invoke(json!({"action": "on", "duration": "PT1H"})).await.expect("on");
    // The first three look at the listener and the rule at the same time; the mark is written beside the change.
    let on = world.take_calls();
    let first = ["DescribeListeners", "DescribeRules", "DescribeRules"];
    let mut looks: Vec<&str> = on[..3].iter().map(String::as_str).collect();
    looks.sort_unstable();
    assert_eq!(looks, first);
    let rest: Vec<&str> = until_the_rule_turns(&on)[3..].iter().copied().filter(|call| *call != "UpdateItem").collect();
    assert_eq!(rest, ["Query", "TransactWriteItems", "CreateSchedule", "ModifyRule"]);
    world.invoke(json!({"action": "off"})).await.expect("off");
    let off = world.take_calls();
    assert_eq!(until_the_rule_turns(&off), ["Query", "TransactWriteItems", "DescribeRules", "Query", "ModifyRule"]);
}

#[tokio::test(start_paused = true)]
async fn a_second_run_at_the_same_instant_changes_nothing() {
    let world = World::new(3);
    world.invoke(window()).await.expect("booked");
    for moment in ["01:00", "02:00", "02:30"] {
        world.until(world.at(moment)).await;
        world.invoke(json!({"action": "sweep"})).await.expect("first");
        world.take_calls();
        let again = world.invoke(json!({"action": "sweep"})).await.expect("second");
        assert_eq!(again.outcome, "unchanged");
        let calls = world.take_calls();
        let reads = |call: &String| ["DescribeRules", "Query"].contains(&call.as_str());
        assert!(calls.iter().all(reads), "{moment}: {calls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_is_open_exactly_while_no_window_covers_it() {
    let world = World::new(2);
    world.set_conditions(0, vec![path(&["/a", "/b"])]);
    let first =
        json!({"id": "first", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z", "rules": [rule_arn(0)]});
    let second = json!({"id": "second", "start": "2026-12-06T02:30Z", "end": "2026-12-06T03:30Z"});
    world.invoke(first).await.expect("booked");
    world.invoke(second).await.expect("booked");
    for (moment, dark) in [
        ("01:59", [false, false]),
        ("02:01", [true, false]),
        ("02:31", [true, true]),
        ("03:01", [true, true]),
        ("03:31", [false, false]),
    ] {
        world.run_until(moment).await;
        assert_eq!([world.is_dark(0), world.is_dark(1)], dark, "{moment}");
    }
    assert_eq!(world.conditions(0), [path(&["/a", "/b"])]);
    assert_eq!((world.count("started"), world.count("completed")), (2, 2));
    assert!(world.left_over().is_empty(), "{:?}", world.left_over());
}

#[tokio::test(start_paused = true)]
async fn conditions_with_no_room_for_the_header_come_back_as_they_were() {
    let world = World::new(1);
    let full = vec![path(&["/a", "/b", "/c", "/d"]), header("x-origin-lock", ORIGIN_LOCK)];
    world.set_conditions(0, full.clone());
    let booked = world.invoke(window()).await.expect("booked");
    assert!(booked.warnings.iter().any(|warning| warning.contains("no room")), "{:?}", booked.warnings);
    world.run_until("02:10").await;
    assert_eq!(world.conditions(0), [header("x-maintenance-bypass", SECRET)]);
    world.run_until("03:10").await;
    assert_eq!(world.conditions(0), full);
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn an_origin_lock_stays_in_force_during_maintenance() {
    let world = World::new(1);
    let owner = vec![path(&["*"]), header("x-origin-lock", ORIGIN_LOCK)];
    world.set_conditions(0, owner.clone());
    world.invoke(window()).await.expect("booked");
    world.run_until("02:10").await;
    assert!(world.conditions(0).contains(&header("x-origin-lock", ORIGIN_LOCK)) && world.is_dark(0));
    world.run_until("03:10").await;
    assert_eq!(world.conditions(0), owner);
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn the_same_event_twice_is_one_window() {
    let world = World::new(1);
    let event = json!({"start": "2026-12-06T02:00Z", "duration": "PT1H"});
    let first = world.invoke(event.clone()).await.expect("booked");
    let second = world.invoke(event).await.expect("known");
    assert_eq!((first.outcome.as_str(), second.outcome.as_str()), ("booked", "already_booked"));
    assert_eq!(first.window.expect("a window").id, second.window.expect("a window").id);
    assert_eq!(world.count("booked"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_id_cannot_mean_two_windows() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    let names = world.schedule_names();
    let other = json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T04:00Z"});
    let refused = world.invoke(other).await.expect_err("refused");
    assert_eq!(refused.kind(), "InvalidEvent");
    assert!(refused.full().contains("reschedule or extend"), "{}", refused.full());
    assert_eq!(world.schedule_names(), names);
}

#[tokio::test(start_paused = true)]
async fn on_and_off_by_hand_take_effect_at_once_and_never_wait() {
    let world = World::new(1);
    let on = world.invoke(json!({"action": "on", "reason": "hotfix"})).await.expect("on");
    assert_eq!(on.outcome, "started");
    assert!(world.is_dark(0) && on.rules[0].changed);
    let again = world.invoke(json!({"action": "on"})).await.expect("still on");
    assert_eq!(again.outcome, "unchanged");
    assert!(!again.rules[0].changed);
    let status = world.invoke(json!({"action": "status"})).await.expect("status");
    assert_eq!(status.outcome, "maintenance");
    let off = world.invoke(json!({"action": "off"})).await.expect("off");
    assert_eq!(off.outcome, "completed", "{off:?}");
    assert!(!world.is_dark(0) && world.left_over().is_empty());
    assert_eq!(world.events(), ["started", "completed"]);
    assert!(world.now() < world.at("00:01"));
}

#[tokio::test(start_paused = true)]
async fn maintenance_for_a_while_ends_by_itself() {
    let world = World::new(1);
    world.invoke(json!({"action": "on", "duration": "90s"})).await.expect("on");
    assert!(world.is_dark(0));
    world.run_until("00:05").await;
    assert!(!world.is_dark(0) && world.left_over().is_empty(), "{:?}", world.left_over());
    assert_eq!(world.events(), ["started", "completed"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_window_never_starts() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    let cancelled = world.invoke(json!({"action": "cancel", "id": "w"})).await.expect("cancelled");
    assert_eq!(cancelled.outcome, "cancelled");
    world.run_until("03:10").await;
    assert_eq!(world.events(), ["booked", "cancelled"]);
    assert!(world.left_over().is_empty(), "{:?}", world.left_over());
    assert!(!world.state().calls.iter().any(|call| call.name == "ModifyRule"));
}

#[tokio::test(start_paused = true)]
async fn cancel_and_off_know_the_phase_they_are_for() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    let off = world.invoke(json!({"action": "off", "id": "w"})).await.expect_err("refused");
    assert!(off.full().contains("use cancel"), "{}", off.full());
    world.run_until("02:10").await;
    let cancel = world.invoke(json!({"action": "cancel", "id": "w"})).await.expect_err("refused");
    assert!(cancel.full().contains("use off"), "{}", cancel.full());
    let unknown = world.invoke(json!({"action": "off", "id": "x"})).await.expect_err("refused");
    assert!(unknown.full().contains("known is w"), "{}", unknown.full());
}

#[tokio::test(start_paused = true)]
async fn off_reopens_a_header_only_rule_that_no_window_accounts_for() {
    let world = World::new(2);
    world.set_conditions(0, vec![header("X-Maintenance-Bypass", &SECRET.to_uppercase())]);
    world.set_conditions(1, vec![path(&["/shop"]), header("x-maintenance-bypass", SECRET)]);
    let off = world.invoke(json!({"action": "off"})).await.expect("off");
    assert_eq!(off.outcome, "restored");
    assert_eq!(world.conditions(0), [path(&["*"])]);
    assert_eq!(world.conditions(1), [path(&["/shop"])]);
}

#[tokio::test(start_paused = true)]
async fn a_header_only_rule_without_a_window_is_reported_once_with_its_remedy() {
    let world = World::new(1);
    world.set_conditions(0, vec![header("x-maintenance-bypass", SECRET)]);
    world.run_until("00:08").await;
    assert_eq!(world.events(), ["drift"]);
    world.run_until("01:00").await;
    assert_eq!(world.events(), ["drift"]);
    let text = world.text_of("drift");
    assert!(text.contains(r#"{"action":"off"}"#), "{text}");
    assert!(world.is_dark(0), "the sweep reports, a person decides");
    world.invoke(json!({"action": "off"})).await.expect("off");
    world.run_until("01:20").await;
    assert!(world.notices().is_empty(), "{:?}", world.notices());
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn a_start_whose_window_goes_meanwhile_takes_back_what_it_did() {
    for (after_ms, dark) in [(60, false), (130, false)] {
        let world = World::new(1);
        world.invoke(window()).await.expect("booked");
        world.until(world.at("02:00")).await;
        let wake = json!({"action": "wake", "id": "w"});
        // The rules, the table, the transaction, the rule, and both looks again: 40, 5, 5, 40, 40 and 5 ms.
        let start = world.try_invoke(&wake, "wake");
        let other = async {
            tokio::time::sleep(std::time::Duration::from_millis(after_ms)).await;
            world.forget_window("w");
        };
        let (answer, ()) = tokio::join!(start, other);
        answer.expect("lives").expect("repaired");
        assert_eq!(world.is_dark(0), dark, "gone after {after_ms} ms");
        assert!(world.take_calls().iter().filter(|call| *call == "ModifyRule").count() == 2);
    }
}

#[tokio::test(start_paused = true)]
async fn reports_tell_when_rules_were_turned_even_if_the_run_that_did_it_died() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.until(world.at("02:00")).await;
    let wake = json!({"action": "wake", "id": "w"});
    let invocation = world.state().invocations.len();
    // After the reads and the saving comes the rule.
    world.state().faults.insert((invocation, 3), Fault::DiesAfter);
    assert!(world.try_invoke(&wake, "start").await.is_none());
    assert!(world.is_dark(0));
    world.until(world.at("03:00")).await;
    world.invoke(wake.clone()).await.expect("ended");
    let actual = world.state().published.last().expect("a report").document["actual"].clone();
    assert_eq!(world.events(), ["booked", "completed"]);
    assert!(actual["started"].as_str().is_some_and(|at| at.starts_with("2026-12-06T02:00:00")), "{actual}");
    assert_eq!((&actual["start_late_secs"], &actual["end_late_secs"]), (&json!(0), &json!(0)));

    let never = World::new(1);
    never.invoke(window()).await.expect("booked");
    never.run_until("01:58").await;
    never.state().broken = vec!["ModifyRule"];
    never.run_until("03:10").await;
    let last = never.state().published.last().expect("a report").document.clone();
    assert_eq!((&last["event"], &last["actual"]["started"]), (&json!("missed"), &Value::Null));
}

#[tokio::test(start_paused = true)]
async fn a_booking_whose_report_failed_is_reported_by_the_next_sweep() {
    let world = World::new(1);
    world.state().broken = vec!["Publish"];
    world.invoke(window()).await.expect_err("it could not be reported");
    world.state().broken.clear();
    world.run_until("00:20").await;
    assert_eq!(world.events(), ["booked"]);
}

#[tokio::test(start_paused = true)]
async fn a_start_in_the_last_seconds_neither_happens_nor_is_reported() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.until(world.at("02:59:40")).await;
    world.invoke(json!({"action": "sweep"})).await.expect("swept");
    assert!(!world.is_dark(0));
    world.run_until("03:10").await;
    assert_eq!(world.events(), ["booked", "missed"]);
}

#[tokio::test(start_paused = true)]
async fn a_booking_just_before_its_start_still_starts_and_ends() {
    for ahead in [30, 20, 2] {
        let world = World::new(1);
        let start = world.now() + jiff::SignedDuration::from_secs(ahead);
        world.invoke(json!({"id": "w", "start": start, "duration": "PT10M"})).await.expect("booked");
        world.run_until("00:01").await;
        assert!(world.is_dark(0), "{ahead} s ahead");
        world.run_until("00:12").await;
        assert!(!world.is_dark(0) && world.count("completed") == 1, "{ahead} s ahead");
    }
}

#[tokio::test(start_paused = true)]
async fn off_leaves_alone_what_someone_else_reopens_at_that_moment() {
    let world = World::new(1);
    world.set_conditions(0, vec![header("x-maintenance-bypass", SECRET)]);
    let off = async { world.invoke(json!({"action": "off"})).await.expect("off") };
    let owner = async {
        // The decision is taken after 10 ms, and the rule is being read.
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        world.set_conditions(0, vec![path(&["/new"])]);
    };
    let (answer, ()) = tokio::join!(off, owner);
    assert_eq!(answer.outcome, "unchanged");
    assert!(!world.take_calls().contains(&"ModifyRule".to_owned()));
    assert_eq!(world.events(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn rules_without_a_window_are_told_each_for_itself_and_again_after_a_day() {
    let world = World::new(3);
    let dark = || vec![header("x-maintenance-bypass", SECRET)];
    world.set_conditions(0, dark());
    world.run_until("00:10").await;
    world.set_conditions(1, dark());
    world.run_until("00:20").await;
    assert_eq!(world.events(), ["drift", "drift"]);
    let told: Vec<Value> =
        world.state().published.iter().map(|report| report.document["rules"][0]["arn"].clone()).collect();
    assert_eq!(told, [rule_arn(0), rule_arn(1)]);
    // One is mended: what was noted of it goes, the other's stays.
    world.set_conditions(0, vec![path(&["*"])]);
    world.run_until("00:30").await;
    assert_eq!(world.notices(), ["orphan-listener0/rule001"]);
    // A run that cannot see the rules forgets nothing of them.
    world.state().broken = vec!["DescribeRules"];
    world.run_until("00:40").await;
    assert_eq!(world.notices(), ["orphan-listener0/rule001"]);
    world.state().broken.clear();
    let day = world.now() + jiff::SignedDuration::from_hours(24);
    while world.next_event(day, jiff::SignedDuration::ZERO, true).await {}
    assert_eq!(world.count("drift"), 3, "whoever overlooked it is told again");
}

#[tokio::test(start_paused = true)]
async fn a_window_woken_only_after_its_end_is_missed_and_changes_nothing() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.until(world.at("03:00")).await;
    world.run_until("03:30").await;
    assert_eq!(world.events(), ["booked", "missed"]);
    assert!(!world.state().calls.iter().any(|call| call.name == "ModifyRule"));
    assert!(world.left_over().is_empty(), "{:?}", world.left_over());
}

#[tokio::test(start_paused = true)]
async fn a_past_window_is_refused_and_one_under_way_starts_at_once() {
    let world = World::new(1);
    world.until(world.at("02:30")).await;
    let past = json!({"start": "2026-12-06T01:00Z", "end": "2026-12-06T02:00Z"});
    assert_eq!(world.invoke(past).await.expect_err("refused").kind(), "InvalidEvent");
    assert_eq!(world.invoke(window()).await.expect("started").outcome, "started");
    assert!(world.is_dark(0));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_does_nothing() {
    let world = World::new(1);
    let mut event = window();
    event["dry_run"] = json!(true);
    let answer = world.invoke(event).await.expect("told");
    assert_eq!(answer.outcome, "dry_run");
    assert!(answer.message.contains("would be booked"), "{}", answer.message);
    assert!(world.schedule_names().is_empty() && world.events().is_empty());
}

#[tokio::test(start_paused = true)]
async fn bad_input_names_every_problem_and_changes_nothing() {
    let world = World::new(1);
    let bad = json!({
        "start": "2026-12-06", "end": "never", "id": "no spaces", "rules": ["rule"], "timezone": "Mars/Base",
        "at_end": "maybe", "reasno": "typo", "dry_run": "yes", "reason": 7
    });
    let refused = world.invoke(bad).await.expect_err("refused");
    assert_eq!(refused.kind(), "InvalidEvent");
    for field in ["start:", "end:", "id:", "rules:", "timezone:", "at_end:", "reasno:", "dry_run:", "reason:"] {
        assert!(refused.full().contains(field), "{field} is missing in {}", refused.full());
    }
    assert_eq!(world.take_calls(), ["GetItem"], "whether this request has decided before");
}

#[tokio::test(start_paused = true)]
async fn rules_that_could_not_be_restored_are_refused_up_front() {
    let world = World::new(3);
    world.state().rules.remove(&rule_arn(0));
    world.state().rules.get_mut(&rule_arn(1)).expect("a rule").is_default = true;
    world.set_conditions(2, vec![json!({"Field": "moon-phase", "Values": ["full"]})]);
    let refused = world.invoke(window()).await.expect_err("refused").full();
    for reason in ["does not exist", "default rule", "moon-phase"] {
        assert!(refused.contains(reason), "{refused}");
    }
    assert!(world.left_over().is_empty(), "{:?}", world.left_over());
}

#[tokio::test(start_paused = true)]
async fn a_report_speaks_to_people_programs_and_chat() {
    let world = World::new(1);
    let mut event = window();
    event["reason"] = json!("Ümzug der Datenbank");
    event["timezone"] = json!("Europe/London");
    world.invoke(event).await.expect("booked");
    world.run_until("03:10").await;
    for report in &world.state().published {
        assert_eq!(report.message["default"], report.message["email"]);
        assert_eq!(report.document["version"], 1);
        let chat: Value = serde_json::from_str(report.message["https"].as_str().expect("text")).expect("JSON");
        assert_eq!((&chat["version"], &chat["source"]), (&json!("1.0"), &json!("custom")));
        assert!(chat["content"]["description"].as_str().is_some_and(|text| text.contains("Ümzug")));
    }
    world.no_secret_was_said();
}
