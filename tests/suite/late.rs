//! What is said, and refused, where a window's end is too near or could not be written.

use serde_json::{Value, json};

use crate::world::World;

async fn asked(world: &World, event: Value) -> maintenance_window::report::response::Response {
    world.invoke(event).await.expect("answered")
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_can_close_nothing_any_more_is_refused() {
    let ago = |seconds: u64| json!({"id": "w", "start": format!("2026-12-06T01:{:02}:{:02}Z", 59 - seconds / 60, 60 - seconds), "duration": "PT60S"});
    for (seconds, closes) in [(5, true), (19, true), (20, false), (40, false), (59, false)] {
        let world = World::new(1);
        world.until(world.at("02:00")).await;
        for dry in [true, false] {
            let mut event = ago(seconds);
            event["dry_run"] = json!(dry);
            match world.invoke(event).await {
                Ok(booked) => {
                    assert!(closes, "{seconds} s ago: {}", booked.message);
                    let warned = booked.warnings.iter().any(|warning| warning.contains("ago, so it begins at once"));
                    assert!(warned, "{seconds} s ago: {:?}", booked.warnings);
                    assert_eq!(world.is_dark(0), !dry, "{seconds} s ago");
                }
                Err(refused) => {
                    let words = "end: expected more than 40s until the end, since nothing is closed in a window's last 30s, but found ";
                    assert!(!closes && refused.full().contains(words), "{seconds} s ago: {}", refused.full());
                    assert!(world.windows().is_empty(), "{seconds} s ago");
                }
            }
        }
    }
    // A start in the same second has not passed, and what is sent again is no new booking.
    let world = World::new(1);
    let event = json!({"id": "w", "start": world.now(), "duration": "PT60S"});
    assert_eq!(asked(&world, event.clone()).await.warnings, [""; 0]);
    world.until(world.at("00:00:45")).await;
    assert_eq!(asked(&world, event).await.outcome, "already_booked");
}

#[tokio::test(start_paused = true)]
async fn of_a_window_that_runs_out_nobody_is_told_that_a_sweep_closes_it() {
    let world = World::new(1);
    asked(&world, json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"})).await;
    world.state().schedules.clear();
    let status = async |clock: &str| {
        world.until(world.at(clock)).await;
        asked(&world, json!({"action": "status", "id": "w"})).await
    };
    let due = status("02:59:20").await;
    assert!(due.message.contains("Window w is to keep it closed; it ends"), "{}", due.message);
    assert!(due.next_steps.iter().any(|step| step.contains("sweep")), "{:?}", due.next_steps);
    let late = status("02:59:40").await;
    for words in [
        "Window w was to keep it closed; it ends Sun 6 Dec 2026 03:00 UTC, which is too soon to close anything.",
        "Rule web/rule000 was not closed to visitors, since its window is about to end",
        "Window w is due to start since Sun 6 Dec 2026 02:00 UTC, but its end is too near to close anything",
    ] {
        assert!(late.message.contains(words), "{words}: {}", late.message);
    }
    assert!(!late.next_steps.iter().any(|step| step.contains("sweep")), "{:?}", late.next_steps);
    let over = status("03:00:10").await;
    let words = "Window w is over since Sun 6 Dec 2026 03:00 UTC without having begun.";
    assert!(over.message.ends_with(words), "{}", over.message);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_cannot_be_written_is_told_as_planned_by_everybody() {
    let world = World::new(1);
    asked(&world, json!({"action": "on", "id": "w", "duration": "PT10M"})).await;
    world.state().broken = vec!["TransactWriteItems"];
    let words = "although no window covers it: rule web/rule000 lets only testers in. Window w ended Sun 6 Dec 2026 00:10 \
                 UTC, but not all of its rules are open yet.";
    for clock in ["00:10:20", "00:17", "00:33:33"] {
        world.until(world.at(clock)).await;
        let status = asked(&world, json!({"action": "status"})).await;
        assert_eq!(status.outcome, "maintenance_unplanned");
        assert!(status.message.contains(words), "{clock}: {}", status.message);
        let sweep = world.invoke(json!({"action": "sweep"})).await.expect_err("it cannot be written").full();
        assert!(sweep.contains(words), "{clock}: {sweep}");
    }
    world.state().broken.clear();
    world.run_until("00:40").await;
    assert_eq!((world.is_dark(0), world.count("completed")), (false, 1));
    // One that is to be held goes on past its end, as far as anybody can tell.
    asked(&world, json!({"action": "on", "id": "h", "duration": "PT10M", "at_end": "hold"})).await;
    world.state().broken = vec!["TransactWriteItems"];
    world.until(world.at("00:55")).await;
    let status = asked(&world, json!({"action": "status"})).await;
    assert_eq!(status.outcome, "maintenance", "{}", status.message);
    assert!(status.message.contains("its end has passed (Sun 6 Dec 2026 00:50 UTC"), "{}", status.message);
}

#[tokio::test(start_paused = true)]
async fn a_text_that_shows_nothing_is_none_and_one_that_turns_others_around_is_refused() {
    let world = World::new(1);
    let booked = async |reason: &str| {
        let event = json!({"start": "2026-12-06T02:00Z", "duration": "PT1H", "reason": reason, "dry_run": true});
        world.invoke(event).await
    };
    for blank in ["", "   ", "\u{a0}\u{2003}", "\u{200b}", "\u{3164} \u{2800}\u{feff}"] {
        let answer = booked(blank).await.expect("no reason");
        assert_eq!(answer.window.expect("a window").reason, None, "{blank:?}");
    }
    for bad in ["a\u{202e}b", "\u{2066}a", "a\u{2069}", "a\u{2028}b", "a\nb", "a\u{85}b"] {
        let refused = booked(bad).await.expect_err("refused").full();
        assert!(refused.contains("reason: expected one line without control characters"), "{bad:?}: {refused}");
        assert!(!refused.contains(bad), "it is not repeated as it is: {refused}");
        for field in ["message", "requested_by"] {
            let event = json!({"start": "2026-12-06T02:00Z", "duration": "PT1H", field: bad});
            let refused = world.invoke(event).await.expect_err("refused").full();
            assert!(refused.contains(&format!("{field}: expected one line")), "{bad:?}: {refused}");
        }
        let event = json!({"start": "2026-12-06T02:00Z", "duration": "PT1H", "mute_alarms": [bad]});
        let refused = world.invoke(event).await.expect_err("refused").full();
        assert!(refused.contains("without control characters") && !refused.contains(bad), "{bad:?}: {refused}");
    }
    for fine in ["Grüße 👩\u{200d}💻 weiter", "שלום", "a  b"] {
        let answer = booked(fine).await.expect("a reason");
        assert_eq!(answer.window.expect("a window").reason.as_deref(), Some(fine));
    }
}

#[tokio::test(start_paused = true)]
async fn several_rules_are_named_with_one_and() {
    let world = World::new(3);
    asked(&world, json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"})).await;
    world.state().schedules.clear();
    world.until(world.at("02:10")).await;
    let status = asked(&world, json!({"action": "status"})).await;
    let words = "rules web/rule000, web/rule001 and web/rule002 let them in";
    assert!(status.message.contains(words), "{}", status.message);
}
