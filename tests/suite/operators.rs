//! Everything one wants to do to a window, in every phase.

use serde_json::{Value, json};

use crate::world::{SECRET, World, header, path, rule_arn};

const WINDOW: &str = r#"{"id":"w","start":"2026-12-06T02:00Z","end":"2026-12-06T03:00Z"}"#;

fn parsed(event: &str) -> Value {
    serde_json::from_str(event).expect("JSON")
}

async fn booked() -> World {
    let world = World::new(1);
    world.invoke(parsed(WINDOW)).await.expect("booked");
    world
}

/// What the reports of an event said beside the facts.
fn notes(world: &World, event: &str) -> Vec<String> {
    let state = world.state();
    let of = state.published.iter().filter(|report| report.event() == event);
    of.map(|report| report.document["text"].as_str().expect("text").to_owned()).collect()
}

fn dark_at(world: &World) -> bool {
    world.is_dark(0)
}

#[tokio::test(start_paused = true)]
async fn an_extension_moves_the_end_of_a_booked_and_of_an_active_window() {
    for moment in ["01:00", "02:30", "02:59"] {
        let world = booked().await;
        world.run_until(moment).await;
        let extended = world.invoke(json!({"action": "extend", "id": "w", "by": "PT30M"})).await.expect("extended");
        assert_eq!(extended.outcome, "extended", "{moment}");
        assert!(extended.message.contains("03:30 UTC") && extended.message.contains("03:00 UTC"), "{extended:?}");
        world.run_until("03:15").await;
        assert!(dark_at(&world), "extended at {moment}");
        world.run_until("03:40").await;
        assert!(!dark_at(&world), "extended at {moment}");
        assert_eq!(world.count("extended"), 1);
        assert!(world.left_over().is_empty(), "{:?}", world.left_over());
        let turns: Vec<String> = {
            let state = world.state();
            let turns = state.calls.iter().filter(|call| call.name == "ModifyRule");
            turns.map(|call| call.at.strftime("%H:%M:%S").to_string()).collect()
        };
        assert_eq!(turns, ["02:00:00", "03:30:00"], "extended at {moment}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_lambda_repeats_extends_once_and_one_asked_for_twice_extends_twice() {
    let world = booked().await;
    world.run_until("02:10").await;
    let event = json!({"action": "extend", "id": "w", "by": "PT10M"});
    for (request, outcome, end) in [
        ("one", "extended", "2026-12-06T03:10:00Z"),
        ("one", "unchanged", "2026-12-06T03:10:00Z"),
        ("two", "extended", "2026-12-06T03:20:00Z"),
        ("one", "unchanged", "2026-12-06T03:20:00Z"),
    ] {
        let answer = world.try_invoke(&event, request).await.expect("lives").expect("answered");
        let window = answer.window.expect("a window");
        assert_eq!((answer.outcome.as_str(), window.end.expect("an end").to_string().as_str()), (outcome, end));
    }
    let until = json!({"action": "extend", "id": "w", "end": "2026-12-06T03:20Z"});
    assert_eq!(world.invoke(until).await.expect("the same end").outcome, "unchanged");
    world.run_until("03:30").await;
    assert_eq!((world.count("extended"), world.count("completed")), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn an_extension_of_a_window_that_nobody_has_started_yet_starts_it() {
    let world = booked().await;
    // Neither its wake-up nor a sweep has come.
    world.state().schedules.clear();
    world.until(world.at("02:02")).await;
    let extended = world.invoke(json!({"action": "extend", "by": "PT30M"})).await.expect("extended");
    assert_eq!((extended.outcome.as_str(), dark_at(&world)), ("extended", true), "{}", extended.message);
    assert!(extended.message.starts_with("The site is in maintenance: "), "{}", extended.message);
    assert_eq!(world.events(), ["booked", "extended", "started"]);
    world.run_until("03:15").await;
    assert!(dark_at(&world));
    world.run_until("03:40").await;
    assert_eq!((dark_at(&world), world.count("completed")), (false, 1));
}

#[tokio::test(start_paused = true)]
async fn an_extension_is_refused_where_it_makes_no_sense() {
    let world = booked().await;
    world.run_until("02:10").await;
    let names = world.schedule_names();
    for (event, why) in [
        (json!({"action": "extend", "id": "w", "by": "PT48H"}), "MaxDuration"),
        (json!({"action": "extend", "id": "w", "end": "2026-12-06T02:05Z"}), "off ends it now"),
        (json!({"action": "extend", "id": "x", "by": "PT1H"}), "known is w"),
        (json!({"action": "extend", "id": "w"}), "neither"),
        (json!({"action": "extend", "id": "w", "by": "PT1H", "end": "2026-12-06T05:00Z"}), "both"),
    ] {
        let refused = world.invoke(event).await.expect_err(why);
        assert_eq!(refused.kind(), "InvalidEvent");
        assert!(refused.full().contains(why), "{}", refused.full());
    }
    assert_eq!(world.schedule_names(), names);
    let open = World::new(1);
    open.invoke(json!({"action": "on", "id": "o"})).await.expect("on");
    let refused = open.invoke(json!({"action": "extend", "id": "o", "by": "PT1H"})).await.expect_err("no end");
    assert!(refused.full().contains("has no end"), "{}", refused.full());
    open.invoke(json!({"action": "extend", "id": "o", "end": "2026-12-06T01:00Z"})).await.expect("an end");
    open.run_until("01:05").await;
    assert!(!dark_at(&open) && open.schedule_names().is_empty(), "{:?}", open.schedule_names());
}

#[tokio::test(start_paused = true)]
async fn a_booked_window_is_moved_with_its_wake_ups_and_an_active_one_is_not() {
    let world = booked().await;
    let event = json!({"action": "reschedule", "id": "w", "start": "2026-12-06T04:00Z"});
    let moved = world.invoke(event.clone()).await.expect("moved");
    assert_eq!(moved.outcome, "rescheduled");
    assert_eq!(moved.window.expect("a window").end.expect("an end").to_string(), "2026-12-06T05:00:00Z");
    assert_eq!(world.invoke(event).await.expect("as it is").outcome, "unchanged");
    world.run_until("03:30").await;
    assert!(!dark_at(&world));
    world.run_until("04:10").await;
    assert!(dark_at(&world));
    let late = json!({"action": "reschedule", "id": "w", "start": "2026-12-06T06:00Z"});
    let refused = world.invoke(late).await.expect_err("refused");
    assert!(refused.full().contains("use extend"), "{}", refused.full());
    world.run_until("05:10").await;
    assert_eq!(world.events(), ["booked", "rescheduled", "started", "completed"]);
    assert!(world.left_over().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_move_just_before_the_start_counts_although_the_wake_up_is_on_its_way() {
    let world = booked().await;
    world.run_until("01:58:30").await;
    world.until(world.at("01:59:50")).await;
    let event = json!({"action": "reschedule", "id": "w", "start": "2026-12-06T04:00Z"});
    assert_eq!(world.invoke(event).await.expect("moved").outcome, "rescheduled");
    world.run_until("03:50").await;
    assert!(!dark_at(&world));
    world.run_until("04:10").await;
    assert!(dark_at(&world));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_holds_stays_dark_and_says_so_every_hour_until_off() {
    let world = World::new(1);
    let mut event = parsed(WINDOW);
    event["at_end"] = json!("hold");
    world.invoke(event).await.expect("booked");
    world.run_until("05:10").await;
    assert!(dark_at(&world));
    assert_eq!(world.count("overrunning"), 3, "{:?}", world.events());
    let mut ids: Vec<String> = {
        let state = world.state();
        let hourly = state.published.iter().filter(|report| report.event() == "overrunning");
        hourly.map(|report| report.document["report_id"].to_string()).collect()
    };
    ids.dedup();
    assert_eq!(ids.len(), 3, "each hour's is another report");
    let status = world.invoke(json!({"action": "status"})).await.expect("status");
    assert_eq!(status.outcome, "maintenance");
    world.invoke(json!({"action": "off"})).await.expect("off");
    assert!(!dark_at(&world) && world.left_over().is_empty());
    assert_eq!(world.count("completed"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_held_window_can_be_given_more_time_from_now() {
    let world = World::new(1);
    let mut event = parsed(WINDOW);
    event["at_end"] = json!("hold");
    world.invoke(event).await.expect("booked");
    world.run_until("03:30").await;
    let extended = world.invoke(json!({"action": "extend", "id": "w", "by": "PT1H"})).await.expect("extended");
    assert_eq!(extended.window.expect("a window").end.expect("an end").strftime("%H:%M").to_string(), "04:30");
    world.run_until("04:20").await;
    assert_eq!(world.count("overrunning"), 1);
    world.run_until("04:40").await;
    assert_eq!(world.count("overrunning"), 2, "{:?}", world.events());
}

#[tokio::test(start_paused = true)]
async fn open_ended_maintenance_reminds_every_hour() {
    let world = World::new(1);
    world.invoke(json!({"action": "on"})).await.expect("on");
    world.run_until("04:30").await;
    assert_eq!(world.count("reminder"), 4, "{:?}", world.events());
    assert!(dark_at(&world));
}

#[tokio::test(start_paused = true)]
async fn reminders_and_warnings_come_once_each_and_move_with_the_window() {
    let mut world = World::new(1);
    world.settings.insert("REMIND_BEFORE", "PT1H,PT15M,PT24H".to_owned());
    world.settings.insert("WARN_BEFORE_END", "PT10M".to_owned());
    world.invoke(parsed(WINDOW)).await.expect("booked");
    world.run_until("01:10").await;
    assert_eq!(world.count("reminder"), 1, "a day before was before the booking");
    world.invoke(json!({"action": "reschedule", "id": "w", "start": "2026-12-06T04:00Z"})).await.expect("moved");
    world.run_until("03:50").await;
    assert_eq!(world.count("reminder"), 3, "an hour and a quarter before the new start");
    world.run_until("04:51:30").await;
    assert_eq!(world.count("ending_soon"), 1);
    assert!(notes(&world, "ending_soon")[0].contains(r#""action":"extend""#));
    world.invoke(json!({"action": "extend", "id": "w", "by": "PT30M"})).await.expect("extended");
    world.run_until("05:40").await;
    assert_eq!((world.count("ending_soon"), world.count("completed")), (2, 1), "{:?}", world.events());
    assert!(world.left_over().is_empty(), "{:?}", world.left_over());
}

#[tokio::test(start_paused = true)]
async fn a_check_finds_what_would_make_a_window_fail_and_how_to_mend_it() {
    let world = World::new(2);
    let fine = world.invoke(json!({"action": "check"})).await.expect("checked");
    assert_eq!(fine.outcome, "warnings", "the test's secret is short: {fine:?}");
    assert_eq!(fine.findings.len(), 1);

    world.state().default_action = Some(json!({"Type": "forward"}));
    "0".clone_into(&mut world.state().subscribers);
    world.state().rules.get_mut(&rule_arn(1)).expect("a rule").priority = "20".to_owned();
    let event = json!({"action": "check", "start": "2026-12-06", "duration": "PT1H", "rules": [rule_arn(0)]});
    let found = world.invoke(event).await.expect("checked");
    assert_eq!(found.outcome, "blocked");
    let all: Vec<String> = found.findings.iter().map(maintenance_window::report::finding::Finding::sentence).collect();
    for part in ["start:", "forwards to a target by default", "nobody has subscribed"] {
        assert!(all.iter().any(|found| found.contains(part)), "{part} is missing in {all:#?}");
    }
    let narrow = json!({"action": "check", "rules": [rule_arn(0)]});
    let found = world.invoke(narrow).await.expect("checked");
    assert!(found.findings.iter().any(|found| found.what.contains("matches every request")), "{found:?}");
    assert!(world.left_over().is_empty() && world.events().is_empty());
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn what_blocks_in_a_check_refuses_a_booking() {
    let world = World::new(1);
    world.state().default_action = Some(json!({"Type": "redirect"}));
    let refused = world.invoke(parsed(WINDOW)).await.expect_err("refused");
    assert_eq!(refused.kind(), "InvalidEvent");
    assert!(refused.full().contains("redirects by default"), "{}", refused.full());
    assert!(world.left_over().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_a_finding_and_not_a_failure() {
    let world = World::new(1);
    world.state().broken = vec!["DescribeListeners", "GetTopicAttributes"];
    let found = world.invoke(json!({"action": "check"})).await.expect("checked");
    let fixes: Vec<&str> = found.findings.iter().map(|found| found.fix.as_str()).collect();
    for permission in ["elasticloadbalancing:DescribeListeners", "sns:GetTopicAttributes"] {
        assert!(fixes.iter().any(|fix| fix.contains(permission)), "{permission}: {found:?}");
    }
    world.state().broken = vec!["DescribeListeners"];
    let booked = world.invoke(parsed(WINDOW)).await.expect("booked all the same");
    assert!(booked.warnings.iter().any(|warning| warning.contains("could not be read")), "{booked:?}");
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn status_tells_what_is_and_what_comes_next() {
    let world = World::new(1);
    world.set_conditions(0, vec![path(&["/shop"])]);
    let mut event = parsed(WINDOW);
    event["timezone"] = json!("Europe/Berlin");
    event["requested_by"] = json!("ana");
    world.invoke(event).await.expect("booked");
    let before = world.invoke(json!({"action": "status"})).await.expect("status");
    assert_eq!(
        before.message,
        "The site is open to visitors, as far as its rules tell. Window w starts Sun 6 Dec 2026 02:00 UTC (Sun 03:00 in \
         Europe/Berlin)."
    );
    assert_eq!(before.next_change.expect("a moment").to_string(), "2026-12-06T02:00:00Z");
    world.run_until("02:10").await;
    let during = world.invoke(json!({"action": "status", "id": "w"})).await.expect("status");
    let told = "The site is in maintenance: visitors get the maintenance page, as far as its rules tell. Window w closed it \
                Sun 6 Dec 2026 02:00 UTC";
    assert!(during.message.starts_with(told), "{}", during.message);
    assert_eq!(during.windows[0].requested_by.as_deref(), Some("ana"));
    assert!(during.warnings.is_empty(), "{:?}", during.warnings);
    world.set_conditions(0, vec![path(&["/shop"])]);
    let drifted = world.invoke(json!({"action": "status"})).await.expect("status");
    assert!(drifted.warnings.iter().any(|warning| warning.contains("not as it should be")), "{:?}", drifted.warnings);
}

#[tokio::test(start_paused = true)]
async fn of_windows_that_could_not_be_read_nobody_says_that_none_covers_a_rule() {
    let world = booked().await;
    world.run_until("02:10").await;
    world.state().broken = vec!["Query"];
    for action in ["status", "check"] {
        let answer = world.invoke(json!({ "action": action })).await.expect("answered");
        let told = serde_json::to_string(&answer).expect("JSON");
        assert!(!told.contains("for no window"), "{told}");
        assert!(told.contains("cannot read the windows from the table"), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_person_ended_stays_ended_however_often_lambda_repeats_the_booking() {
    let booking = json!({"id": "w", "start": "2026-12-06T00:10Z", "end": "2026-12-06T02:00Z"});
    for (event, end, ended_at) in [
        (booking.clone(), json!({"action": "off", "id": "w"}), "00:20"),
        (booking, json!({"action": "cancel", "id": "w"}), "00:05"),
        (json!({"action": "on", "duration": "PT2H"}), json!({"action": "off"}), "00:05"),
        (json!({"action": "on"}), json!({"action": "off"}), "00:05"),
    ] {
        let world = World::new(1);
        world.try_invoke(&event, "first").await.expect("lives").expect("booked");
        world.run_until(ended_at).await;
        world.invoke(end.clone()).await.expect("ended");
        let told = world.events();
        // Lambda waits a minute before it repeats, then two.
        for wait in [60, 120] {
            world.until(world.now() + jiff::SignedDuration::from_secs(wait)).await;
            world.try_invoke(&event, "first").await.expect("lives").expect("answered");
            assert!(!dark_at(&world), "{event}");
        }
        world.run_until("00:32").await;
        assert!(!dark_at(&world) && world.windows().is_empty(), "{event}: {:?}", world.windows());
        assert_eq!(world.events(), told, "{event}");
        // Whoever means it can have it again.
        world.try_invoke(&event, "second").await.expect("lives").expect("booked anew");
        world.run_until("00:45").await;
        assert!(dark_at(&world), "{event}");
    }
}

#[tokio::test(start_paused = true)]
async fn maintenance_for_a_while_is_not_begun_again_by_a_repetition_after_its_end() {
    let world = World::new(1);
    let event = json!({"action": "on", "duration": "PT2M"});
    world.try_invoke(&event, "first").await.expect("lives").expect("on");
    world.run_until("00:03").await;
    assert!(!dark_at(&world));
    let again = world.try_invoke(&event, "first").await.expect("lives").expect("answered");
    assert!(again.message.contains("was decided before"), "{again:?}");
    assert!(!dark_at(&world));
    world.run_until("00:06").await;
    assert_eq!(world.events(), ["started", "completed"]);
    assert!(world.windows().is_empty());
}

#[tokio::test(start_paused = true)]
async fn whoever_sent_the_same_event_does_not_bring_it_back_either() {
    let world = World::new(1);
    let event = json!({"action": "on"});
    world.try_invoke(&event, "first").await.expect("lives").expect("on");
    assert_eq!(world.try_invoke(&event, "second").await.expect("lives").expect("on").outcome, "unchanged");
    world.invoke(json!({"action": "off"})).await.expect("off");
    world.run_until("00:02").await;
    world.try_invoke(&event, "second").await.expect("lives").expect("answered");
    assert!(!dark_at(&world));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_series_is_not_booked_again_by_a_repetition_even_after_a_skip() {
    let world = World::new(1);
    let event = json!({"id": "s", "every": "cron(0 2 * * ? *)", "duration": "PT1H", "timezone": "UTC"});
    world.try_invoke(&event, "first").await.expect("lives").expect("booked");
    world.invoke(json!({"action": "skip", "id": "s"})).await.expect("skipped");
    world.invoke(json!({"action": "cancel", "id": "s"})).await.expect("cancelled");
    let again = world.try_invoke(&event, "first").await.expect("lives").expect("answered");
    assert_eq!(again.outcome, "unchanged");
    assert!(world.windows().is_empty() && world.series_ids().is_empty());
    world.try_invoke(&event, "second").await.expect("lives").expect("booked anew");
    assert_eq!(world.series_ids(), ["s"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_window_is_over_and_wakes_nobody() {
    let world = booked().await;
    let cancelled = world.invoke(json!({"action": "cancel", "id": "w"})).await.expect("cancelled");
    assert_eq!((cancelled.outcome.as_str(), cancelled.next_change), ("cancelled", None));
    assert_eq!(serde_json::to_value(cancelled.window).expect("JSON")["state"], "ended");
}

#[tokio::test(start_paused = true)]
async fn a_reminder_due_in_seconds_is_booked_for_a_moment_that_surely_fires() {
    let mut world = World::new(1);
    world.settings.insert("REMIND_BEFORE", "PT1H".to_owned());
    let (now, start) = (world.now(), world.at("01:00:05"));
    world.invoke(json!({"id": "w", "start": start, "duration": "PT1H"})).await.expect("booked");
    let name = world.schedule_names().into_iter().find(|name| name.starts_with("w.remind-")).expect("a reminder");
    let fires = world.state().schedules[&name].next.expect("it fires");
    assert!(fires.duration_since(now).as_secs() >= 10, "{fires}");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_id_is_told_which_was_meant_and_a_series_which_window_of_it() {
    let world = World::new(1);
    let refusal = async |event: Value| world.invoke(event).await.expect_err("refused").full();
    world
        .invoke(json!({"id": "database-move", "start": "2026-12-06T00:20Z", "duration": "PT2H"}))
        .await
        .expect("booked");
    world
        .invoke(json!({"id": "nightly", "every": "cron(0 2 * * ? *)", "duration": "PT1H", "timezone": "UTC"}))
        .await
        .expect("booked");
    let (first, second) = ("nightly-20261206T0200Z", "nightly-20261207T0200Z");
    let misspelt = refusal(json!({"action": "extend", "id": "databse-move", "by": "PT5M"})).await;
    assert_eq!(
        misspelt,
        format!(
            "id: expected a window that is booked or active, but \"databse-move\" is over, was cancelled or never was; \
             did you mean database-move? known are database-move, {first}"
        )
    );
    let of_series = |its: &str| format!("id: expected a window, but nightly is a series; {its}");
    let next = of_series(&format!("its next window is {first}"));
    for action in [json!({"action": "off"}), json!({"action": "extend", "by": "PT5M"})] {
        let mut event = action;
        event["id"] = json!("nightly");
        assert_eq!(refusal(event).await, next);
    }
    assert_eq!(
        refusal(json!({"action": "pause", "id": first})).await,
        format!(
            "id: expected a series, but {first} is a window of the series nightly; did you mean nightly? known is nightly"
        )
    );
    assert_eq!(
        refusal(json!({"action": "pause", "id": "database-move"})).await,
        "id: expected a series, but database-move is a window that belongs to none; known is nightly"
    );
    assert_eq!(
        refusal(json!({"action": "skip", "id": "nihgtly"})).await,
        "id: expected a series, but \"nihgtly\" is none; did you mean nightly? known is nightly"
    );
    world.run_until("02:30").await;
    let status = world.invoke(json!({"action": "status"})).await.expect("status");
    assert!(status.windows.iter().any(|window| window.id.as_str() == second), "the one after it is booked too");
    let begun = of_series(&format!("its window that has begun is {first}"));
    assert_eq!(refusal(json!({"action": "extend", "id": "nightly", "by": "PT5M"})).await, begun);
    world.invoke(json!({"action": "pause", "id": "nightly"})).await.expect("paused");
    world.invoke(json!({"action": "off"})).await.expect("off");
    assert_eq!(refusal(json!({"action": "off", "id": "nightly"})).await, of_series("it has no window now"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_an_id_lists_twenty_names_and_says_how_many_more_there_are() {
    let world = World::new(1);
    for nth in 0..22 {
        let start = format!("2026-12-07T{nth:02}:00Z");
        world.invoke(json!({"id": format!("w{nth:02}"), "start": start, "duration": "PT5M"})).await.expect("booked");
    }
    let refused = world.invoke(json!({"action": "cancel", "id": "other"})).await.expect_err("refused").full();
    assert!(refused.contains("known are w00, w01, ") && refused.ends_with(", w19 and 2 more"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn one_is_told_as_one_and_several_as_several() {
    let world = World::new(2);
    for nth in 0..5 {
        let event = json!({"action": "on", "id": format!("w{nth}"), "duration": "PT1H"});
        world.invoke(event).await.expect("on");
        let status = world.invoke(json!({"action": "status"})).await.expect("status").message;
        let told = [(3, "One more window covers it."), (4, "2 more windows cover it.")];
        for (count, told) in told {
            assert_eq!(status.contains(told), nth == count, "{status}");
        }
    }
    let reopened = async |rules: &[usize]| {
        let world = World::new(2);
        for nth in rules {
            world.set_conditions(*nth, vec![header("x-maintenance-bypass", SECRET)]);
        }
        world.invoke(json!({"action": "off"})).await.expect("off").message
    };
    let answer = reopened(&[0]).await;
    assert!(answer.ends_with(" One rule that was closed for no window is open again."), "{answer}");
    let answer = reopened(&[0, 1]).await;
    assert!(answer.ends_with(" 2 rules that were closed for no window are open again."), "{answer}");
}
