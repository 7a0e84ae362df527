//! Decisions about windows that are between two states, were decided before, or are decided by others meanwhile.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{Fault, SECRET, World, header, path, rule_arn};

fn window() -> Value {
    json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"})
}

/// A world at this moment, whose window was booked and whose function nobody has woken since.
async fn asleep_until(moment: &str) -> World {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.state().schedules.clear();
    world.until(world.at(moment)).await;
    world
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_due_is_told_as_such_and_can_no_longer_be_moved() {
    let world = asleep_until("02:00:30").await;
    let status = world.invoke(json!({"action": "status", "id": "w"})).await.expect("status");
    assert_eq!(status.outcome, "open_unplanned", "{}", status.message);
    let due = "Window w is due to start since Sun 6 Dec 2026 02:00 UTC.";
    assert!(status.message.ends_with(due), "{}", status.message);
    let later = json!({"action": "reschedule", "id": "w", "start": "2026-12-06T05:00Z"});
    let refused = world.invoke(later).await.expect_err("it has begun").full();
    assert!(refused.contains("window w has begun"), "{refused}");
    // It is the one that goes on, so that an event without an id means it.
    let extended = world.invoke(json!({"action": "extend", "by": "PT30M"})).await.expect("extended");
    assert_eq!(extended.window.expect("w").end, Some(world.at("03:30")));
    // Once its end has passed, nothing of it is due.
    let world = asleep_until("03:00:30").await;
    assert_eq!(world.invoke(json!({"action": "status"})).await.expect("status").outcome, "open");
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_due_is_cancelled_by_off() {
    let world = asleep_until("02:00:30").await;
    let off = world.invoke(json!({"action": "off"})).await.expect("off");
    assert_eq!(off.outcome, "cancelled", "{}", off.message);
    world.run_until("03:10").await;
    assert_eq!(world.events(), ["booked", "cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_answers_for_the_window_that_it_was_made_for() {
    let world = World::new(1);
    for (id, start, end) in [("a", "02:00", "03:00"), ("b", "05:00", "06:00")] {
        world.invoke(json!({"id": id, "start": world.at(start), "end": world.at(end)})).await.expect("booked");
    }
    world.state().schedules.clear();
    world.until(world.at("02:00")).await;
    let wake = async || {
        let woken = world.invoke(json!({"action": "wake", "id": "a"})).await.expect("woken");
        (woken.outcome, woken.message, woken.window.expect("a").id.to_string())
    };
    let (outcome, message, id) = wake().await;
    assert_eq!((outcome.as_str(), id.as_str()), ("started", "a"), "{message}");
    let (outcome, message, id) = wake().await;
    assert_eq!((outcome.as_str(), id.as_str()), ("unchanged", "a"), "{message}");
    assert!(message.contains("Nothing was changed: window a is active until"), "{message}");
    // Somebody opens the rule: nothing happens to the window, and yet something is done.
    world.set_conditions(0, vec![path(&["*"])]);
    let (outcome, message, id) = wake().await;
    assert_eq!((outcome.as_str(), id.as_str()), ("reconciled", "a"), "{message}");
    assert!(message.contains("What was due is done: window a is active until"), "{message}");
    let late = world.invoke(json!({"action": "wake", "id": "gone"})).await.expect("woken");
    assert!(
        late.message.ends_with("Nothing is due for window gone: it is over, was cancelled or never was."),
        "{}",
        late.message
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_says_that_visitors_could_not_be_told_and_that_an_item_cannot_be_read() {
    let mut world = World::new(1);
    world.settings.insert("ERROR_BUCKET", "error-pages".to_owned());
    world.state().broken = vec!["PutObject"];
    let on = world.invoke(json!({"action": "on", "duration": "PT1H"})).await.expect("on");
    assert!(on.warnings.iter().any(|warning| warning.contains("page could not be told")), "{:?}", on.warnings);
    let world = World::new(1);
    let sweep = async || world.invoke(json!({"action": "sweep"})).await.expect("swept").message;
    assert!(sweep().await.ends_with("Nothing was due."));
    world.state().odd_table = true;
    world.put_item("now", "window#odd", &json!({"note": "mine"}));
    let message = sweep().await;
    assert!(message.ends_with("An item of the table cannot be read; check names it."), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_repeated_says_so_whatever_is_done_then_and_does_no_more() {
    let world = World::new(2);
    let on = json!({"action": "on", "id": "w", "rules": [rule_arn(0)]});
    world.state().broken = vec!["ModifyRule"];
    let failed = world.try_invoke(&on, "on").await.expect("lives").expect_err("the rule cannot be changed");
    assert_eq!(failed.kind(), "Incomplete", "{}", failed.full());
    world.state().broken.clear();
    let again = world.try_invoke(&on, "on").await.expect("lives").expect("it starts now");
    assert!(world.is_dark(0));
    assert_eq!(again.outcome, "unchanged", "what it decided was decided before: {}", again.message);
    // Another rule is closed by hand after the window was ended: who named the window did not mean that.
    let off = json!({"action": "off", "id": "w"});
    world.try_invoke(&off, "off").await.expect("lives").expect("off");
    world.set_conditions(1, vec![header("x-maintenance-bypass", SECRET)]);
    let again = world.try_invoke(&off, "off").await.expect("lives").expect("known");
    assert_eq!((again.outcome.as_str(), world.is_dark(0), world.is_dark(1)), ("unchanged", false, true));
}

#[tokio::test(start_paused = true)]
async fn starting_the_same_maintenance_again_means_what_goes_on_already() {
    for (first, second, is_same) in [
        (json!({"duration": "PT1H"}), json!({"duration": "PT1H"}), true),
        (json!({"end": "2026-12-06T03:00Z"}), json!({"end": "2026-12-06T03:00Z"}), true),
        (json!({"duration": "PT1H"}), json!({"duration": "PT2H"}), false),
        (json!({"end": "2026-12-06T03:00Z"}), json!({"end": "2026-12-06T04:00Z"}), false),
        (json!({"duration": "PT1H"}), json!({"duration": "PT1H", "at_end": "hold"}), false),
    ] {
        let world = World::new(1);
        let on = |times: &Value| {
            let mut event = times.clone();
            (event["action"], event["id"]) = (json!("on"), json!("a"));
            event
        };
        world.invoke(on(&first)).await.expect("on");
        world.until(world.at("00:10")).await;
        match world.invoke(on(&second)).await {
            Ok(again) => assert_eq!((again.outcome.as_str(), is_same), ("unchanged", true), "{first} {second}"),
            Err(refused) => {
                assert!(!is_same && refused.full().contains("window a is there already"), "{first} {second}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_is_sent_again_is_known_by_its_first_times_and_by_those_it_has_now() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.invoke(json!({"action": "extend", "id": "w", "by": "PT30M"})).await.expect("extended");
    for (end, known) in [("03:00", true), ("03:30", true), ("03:15", false)] {
        let again = world.invoke(json!({"id": "w", "start": "2026-12-06T02:00Z", "end": world.at(end)})).await;
        assert_eq!(again.is_ok_and(|again| again.outcome == "already_booked"), known, "{end}");
    }
    assert_eq!(world.window("w").expect("w")["end"], "2026-12-06T03:30:00Z");
}

#[tokio::test(start_paused = true)]
async fn the_name_of_a_window_that_is_being_finished_is_given_again_only_once_it_is_over() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.state().broken = vec!["Publish"];
    let cancel = |id: &str| json!({"action": "cancel", "id": id});
    world.invoke(cancel("w")).await.expect_err("it could not be reported");
    // Whoever chose the name gets no other one.
    let refused = world.invoke(window()).await.expect_err("its name is taken").full();
    assert!(refused.contains("but its last report is not out yet, and until then its name is taken"), "{refused}");
    assert_eq!(world.windows(), ["w"]);
    world.state().broken.clear();
    world.invoke(window()).await.expect("booked");
    // A name that nobody chose is the same for the same times, as soon as the one before is history.
    let unnamed = json!({"start": "2026-12-06T05:00Z", "end": "2026-12-06T06:00Z"});
    let book = async || world.invoke(unnamed.clone()).await.expect("booked").window.expect("a window").id.to_string();
    let first = book().await;
    world.state().broken = vec!["Publish"];
    world.invoke(cancel(&first)).await.expect_err("it could not be reported");
    world.state().broken.clear();
    assert_eq!(book().await, first);
    let mut windows = world.windows();
    windows.sort();
    assert_eq!(windows, [first.as_str(), "w"]);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_moved_is_not_reminded_of_at_a_moment_that_had_passed() {
    for (start, reminders) in [("01:20", 0), ("01:40", 1)] {
        let mut world = World::new(1);
        world.settings.insert("REMIND_BEFORE", "PT1H".to_owned());
        world.invoke(window()).await.expect("booked");
        world.run_until("00:30").await;
        let moved = json!({"action": "reschedule", "id": "w", "start": world.at(start)});
        world.invoke(moved).await.expect("moved");
        world.run_until("01:19").await;
        assert_eq!(world.count("reminder"), reminders, "{start}: {:?}", world.events());
    }
}

/// A world whose first process waits five seconds for each answer about rules, so that others can act meanwhile.
async fn slow() -> World {
    let mut world = World::new(1);
    world.latency = Duration::from_secs(5);
    world.invoke(json!({"action": "help"})).await.expect("a process of its own");
    world.latency = Duration::from_millis(40);
    world
}

/// What the second process is asked, which must answer.
async fn meanwhile(world: &World, event: Value) {
    let request = format!("meanwhile-{}", world.state().invocations.len());
    world.invoke_as(1, &event, &request).await.expect("lives").expect("done");
}

#[tokio::test(start_paused = true)]
async fn what_others_ended_meanwhile_is_told_as_it_ended() {
    // Too near its end to begin, it is dropped by a person before the run that edited it is through.
    let world = slow().await;
    meanwhile(&world, window()).await;
    world.state().schedules.clear();
    world.until(world.at("02:59:35")).await;
    let edit = json!({"action": "edit", "id": "w", "message": "Soon"});
    let person = async {
        while world.window("w").is_none_or(|window| window["message"] != "Soon") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        meanwhile(&world, json!({"action": "off"})).await;
    };
    let (edited, ()) = tokio::join!(world.invoke_as(0, &edit, "edit"), person);
    let edited = edited.expect("lives").expect("answered");
    assert_eq!(edited.outcome, "cancelled", "{}", edited.message);
    let view = serde_json::to_value(edited.window.expect("w")).expect("JSON");
    assert_eq!((&view["state"], &view["outcome"]), (&json!("ended"), &json!("cancelled")));
    assert!(!world.is_dark(0) && world.windows().is_empty());
}

#[tokio::test(start_paused = true)]
async fn another_window_of_the_name_is_not_taken_for_the_one_that_is_over() {
    let world = slow().await;
    meanwhile(&world, window()).await;
    let cancel = json!({"action": "cancel", "id": "w"});
    let others = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for event in [
            json!({"action": "sweep"}),
            json!({"action": "on", "id": "w", "duration": "PT1H"}),
            json!({"action": "off", "id": "w"}),
        ] {
            meanwhile(&world, event).await;
        }
    };
    let (cancelled, ()) = tokio::join!(world.invoke_as(0, &cancel, "cancel"), others);
    let cancelled = cancelled.expect("lives").expect("answered");
    assert_eq!(cancelled.outcome, "cancelled", "{}", cancelled.message);
    assert_eq!(world.history().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_others_ended_meanwhile_is_told_as_over_though_the_history_cannot_be_read() {
    let mut last_call = None;
    for what in ["as it is", "with a history that cannot be read"] {
        let world = slow().await;
        meanwhile(&world, window()).await;
        let invocation = world.state().invocations.len();
        world.state().faults.extend(last_call.map(|nth| ((invocation, nth), Fault::Refused)));
        let cancel = json!({"action": "cancel", "id": "w"});
        let others = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            meanwhile(&world, json!({"action": "sweep"})).await;
        };
        let (cancelled, ()) = tokio::join!(world.invoke_as(0, &cancel, "cancel"), others);
        let cancelled = cancelled.expect("lives").expect("answered");
        assert_eq!(world.take_calls().last().map(String::as_str), Some("Query"), "the history is asked last");
        assert!(world.state().faults.is_empty(), "{what}");
        assert_eq!(cancelled.outcome, "cancelled", "{what}: {}", cancelled.message);
        assert_eq!(serde_json::to_value(cancelled.window.expect("w")).expect("JSON")["state"], "ended", "{what}");
        last_call = world.state().invocations[invocation].checked_sub(1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_off_decided_and_others_finished_is_told_as_over() {
    let world = slow().await;
    meanwhile(&world, json!({"action": "on", "id": "w"})).await;
    let off = json!({"action": "off", "id": "w"});
    let others = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        meanwhile(&world, json!({"action": "sweep"})).await;
    };
    let (off, ()) = tokio::join!(world.invoke_as(0, &off, "off"), others);
    let off = off.expect("lives").expect("answered");
    assert!(off.outcome == "completed" && off.message.ends_with("Ended: w."), "{} {}", off.outcome, off.message);
    assert_eq!(serde_json::to_value(off.window.expect("w")).expect("JSON")["state"], "ended");
    assert!(world.now() < world.at("00:00") + SignedDuration::from_mins(2));
}
