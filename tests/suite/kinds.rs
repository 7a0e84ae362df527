//! Kinds of faults that were found by trials from outside, each with the story that showed it.

use std::time::Duration;

use jiff::SignedDuration;
use maintenance_window::config::parameter;
use serde_json::{Value, json};

use crate::world::{FAULTS, Fault, Gate, ORIGIN_LOCK, SECRET, World, header, path, rule_arn};

fn window() -> Value {
    json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"})
}

fn nightly(id: &str) -> Value {
    json!({"id": id, "every": "cron(0 2 * * ? *)", "duration": "PT30M", "timezone": "UTC"})
}

/// A world with one rule of these conditions, and a window that is active since 02:00.
async fn active(conditions: Vec<Value>) -> World {
    let world = World::new(1);
    world.set_conditions(0, conditions);
    world.invoke(window()).await.expect("booked");
    world.run_until("02:10").await;
    assert!(world.is_dark(0));
    world
}

#[tokio::test(start_paused = true)]
async fn a_window_and_a_series_never_share_a_name() {
    let world = World::new(1);
    world.invoke(nightly("n")).await.expect("booked");
    let mut same = window();
    same["id"] = json!("n");
    let refused = world.invoke(same).await.expect_err("refused").full();
    assert!(refused.contains("n is a series"), "{refused}");
    assert!(
        world.invoke(json!({"action": "on", "id": "n"})).await.expect_err("refused").full().contains("n is a series")
    );
    world.invoke(window()).await.expect("booked");
    let refused = world.invoke(nightly("w")).await.expect_err("refused").full();
    assert!(refused.contains("w is a window"), "{refused}");
    world.run_until("03:10").await;
    assert_eq!(world.series_ids(), ["n"]);
}

#[tokio::test(start_paused = true)]
async fn changing_the_number_of_bypass_values_during_a_window_loses_nothing() {
    let owned = vec![path(&["/a", "/b", "/c"]), header("x-origin-lock", ORIGIN_LOCK)];
    let two = format!("{SECRET},another-secret-0815");
    for (before, after) in [(two.clone(), SECRET.to_owned()), (SECRET.to_owned(), two)] {
        let mut world = World::new(1);
        world.settings.insert("BYPASS_HEADER_VALUE", before);
        world.set_conditions(0, owned.clone());
        world.invoke(window()).await.expect("booked");
        world.run_until("02:10").await;
        world.settings.insert("BYPASS_HEADER_VALUE", after);
        world.run_until("02:30").await;
        assert!(world.is_dark(0));
        world.run_until("03:10").await;
        assert_eq!(world.conditions(0), owned);
        assert_eq!(world.events(), ["booked", "started", "completed"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_header_of_the_bypasss_name_with_a_foreign_value_is_its_owners() {
    let locked = vec![path(&["*"]), header("X-Maintenance-Bypass", ORIGIN_LOCK)];
    let world = World::new(1);
    world.set_conditions(0, locked.clone());
    let refused = world.invoke(window()).await.expect_err("refused").full();
    assert!(refused.contains("let no tester through") && !refused.contains(ORIGIN_LOCK), "{refused}");
    let status = world.invoke(json!({"action": "status"})).await.expect("status");
    assert_eq!(status.outcome, "open");
    assert_eq!(world.invoke(json!({"action": "off"})).await.expect("off").outcome, "unchanged");
    world.run_until("00:30").await;
    assert_eq!((world.conditions(0), world.events()), (locked.clone(), vec![]));
    // The owner adds it after a window was over: what was saved of the rule long ago does not make it ours.
    let later = active(vec![path(&["/shop"])]).await;
    later.run_until("03:10").await;
    later.set_conditions(0, locked.clone());
    later.run_until("03:30").await;
    later.invoke(json!({"action": "off"})).await.expect("off");
    assert_eq!(later.conditions(0), locked);
}

#[tokio::test(start_paused = true)]
async fn an_unusable_setting_disables_what_it_is_for_and_nothing_else() {
    for (setting, bad) in [
        ("WARN_BEFORE_END", "P10M"),
        ("REMIND_BEFORE", "soon"),
        ("MAX_DURATION", "forever"),
        ("PROBE_URL", "www.example.com"),
        ("ERROR_BUCKET", "No Bucket"),
        ("HISTORY_DAYS", "many"),
        ("DEAD_LETTER_QUEUE_ARN", "queue"),
        ("SCHEDULE_GROUP", "a b"),
        ("SCHEDULER_ROLE_ARN", "role"),
        ("BYPASS_HEADER_VALUE", "short"),
        ("BYPASS_HEADER_NAME", "Host"),
    ] {
        let name = parameter(setting);
        for by_hand in [false, true] {
            let mut world = active(vec![path(&["/shop", "/cart"])]).await;
            world.settings.insert(setting, bad.to_owned());
            world.run_until("02:20").await;
            let status = world.invoke(json!({"action": "status"})).await.expect("status");
            assert!(status.warnings.iter().any(|warning| warning.contains(name)), "{status:?}");
            let check = world.invoke(json!({"action": "check"})).await.expect("checked");
            assert!(check.findings.iter().any(|finding| finding.what.contains(name)), "{check:?}");
            if by_hand {
                world.invoke(json!({"action": "off"})).await.expect("off");
            } else {
                world.run_until("03:06").await;
            }
            assert!(!world.is_dark(0), "{setting}");
            assert_eq!(world.conditions(0), [path(&["/shop", "/cart"])], "{setting}");
            world.run_until("03:40").await;
            let failed: Vec<String> = world
                .state()
                .published
                .iter()
                .filter(|report| report.event() == "failed")
                .map(|report| report.document["text"].as_str().expect("text").to_owned())
                .collect();
            assert!(
                matches!(failed.as_slice(), [text] if text.contains(name) && !text.contains(setting)),
                "{setting}: {failed:#?}"
            );
            assert_eq!(world.count("completed"), 1, "{setting}");
            world.no_secret_was_said();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_table_every_event_says_so() {
    let mut world = World::new(1);
    world.settings.insert("TABLE_NAME", String::new());
    for event in [json!({"action": "off"}), json!({"action": "status"}), window()] {
        assert_eq!(world.invoke(event).await.expect_err("refused").kind(), "InvalidConfig");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_still_being_finished_swallows_no_new_maintenance() {
    for event in [json!({"action": "on"}), json!({"action": "on", "duration": "PT1H"})] {
        let world = World::new(1);
        world.invoke(event.clone()).await.expect("on");
        world.state().broken = vec!["Publish"];
        world.invoke(json!({"action": "off"})).await.expect_err("it could not be reported");
        assert!(!world.is_dark(0));
        let _ = world.invoke(event).await;
        assert!(world.is_dark(0), "it is on again");
        world.state().broken.clear();
        world.run_until("00:20").await;
        assert!(world.is_dark(0), "and stays so");
        assert_eq!((world.windows().len(), world.history().len()), (1, 1));
    }
    // A booking with the times of one that was just cancelled.
    let world = World::new(1);
    let booking = json!({"start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"});
    let id = world.invoke(booking.clone()).await.expect("booked").window.expect("a window").id.to_string();
    world.state().broken = vec!["Publish"];
    world.invoke(json!({"action": "cancel", "id": id})).await.expect_err("it could not be reported");
    let _ = world.invoke(booking).await;
    world.state().broken.clear();
    world.run_until("02:10").await;
    assert!(world.is_dark(0));
}

#[tokio::test(start_paused = true)]
async fn what_was_ended_does_not_come_back_wherever_the_run_that_ended_it_dies() {
    for nth in 0..14 {
        for fault in FAULTS {
            let world = World::new(1);
            let mut event = window();
            event["at_end"] = json!("hold");
            world.invoke(event).await.expect("booked");
            world.run_until("03:10").await;
            let invocation = world.state().invocations.len();
            world.state().faults.insert((invocation, nth), fault);
            let answer = world.try_invoke(&json!({"action": "off"}), "off").await;
            let taken = world.state().table.items.contains_key(&("request".to_owned(), "off".to_owned()));
            if let Some(Ok(_)) = answer {
                assert!(taken);
            }
            if taken {
                world.run_until("03:30").await;
                assert!(!world.is_dark(0), "{fault:?} of call {nth}");
                world.run_until("05:00").await;
                assert!(!world.is_dark(0) && world.count("completed") >= 1, "{fault:?} of call {nth}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_no_run_noted_is_told_as_found_and_not_as_made_then() {
    // The run that turns the rule dies before it notes so, and nobody wakes the function until the sweep.
    let ways = [("started", "02:00", "02:04", "02:06"), ("completed", "03:00", "03:04", "03:06")];
    for (event, moment, before_sweep, after_sweep) in ways {
        for dies in [true, false] {
            let world = World::new(1);
            world.invoke(window()).await.expect("booked");
            world.run_until(if event == "started" { "01:58" } else { "02:58" }).await;
            world.until(world.at(moment)).await;
            let invocation = world.state().invocations.len();
            if dies {
                // DescribeRules, Query, TransactWriteItems, ModifyRule.
                world.state().faults.insert((invocation, 3), Fault::DiesAfter);
            }
            let answer = world.try_invoke(&json!({"action": "wake", "id": "w"}), "wake").await;
            assert_eq!(answer.is_none(), dies);
            world.state().schedules.clear();
            world.until(world.at(before_sweep)).await;
            assert_eq!((world.is_dark(0), world.count(event)), (event == "started", usize::from(!dies)), "{event}");
            world.run_until(after_sweep).await;
            let text = world.text_of(event);
            let caveat = format!("which may have been at any time since Sun 6 Dec 2026 {moment} UTC");
            assert_eq!(text.contains(&caveat), dies, "{text}");
            assert_eq!(text.contains(", 5m 17s late"), dies, "{text}");
        }
    }
    // Where the change itself was late, it was made when it is told.
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.run_until("01:50").await;
    world.state().broken.push("ModifyRule");
    world.run_until("02:08").await;
    world.state().broken.clear();
    world.run_until("02:12").await;
    let text = world.text_of("started");
    assert!(text.contains(" late\n") && !text.contains("at any time since"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn rules_that_another_run_turned_since_they_were_read_are_not_told_as_unplanned() {
    for (moment, state) in [("02:00", "maintenance"), ("03:00", "open")] {
        let world = World::new(1);
        world.invoke(window()).await.expect("booked");
        world.run_until(if moment == "02:00" { "01:58" } else { "02:58" }).await;
        world.until(world.at(moment)).await;
        // The one has read the rules when the other one begins, and reads the table when that is through.
        world.set_gate(Some(Gate::new(&[1, usize::MAX])));
        let (status, wake) = (json!({"action": "status"}), json!({"action": "wake", "id": "w"}));
        let (told, woken) = tokio::join!(world.invoke_as(0, &status, "status"), world.invoke_as(1, &wake, "wake"));
        woken.expect("lives").expect("woken");
        let told = told.expect("lives").expect("told");
        assert_eq!(told.outcome, state, "{}", told.message);
    }
}

#[tokio::test(start_paused = true)]
async fn an_occurrence_that_was_ended_never_comes_back() {
    for nth in 0..14 {
        for fault in [Fault::DiesAfter, Fault::DiesBefore] {
            let world = World::new(1);
            world.invoke(nightly("n")).await.expect("booked");
            world.run_until("02:10").await;
            let invocation = world.state().invocations.len();
            world.state().faults.insert((invocation, nth), fault);
            let off = json!({"action": "off", "id": "n-20261206T0200Z"});
            if world.try_invoke(&off, "off").await.is_none() {
                world.try_invoke(&off, "off").await.expect("lives").expect("off");
            }
            world.run_until("02:25").await;
            assert!(!world.is_dark(0), "{fault:?} of call {nth}");
            assert_eq!(world.count("started"), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_or_said_on_what_was_read_before_a_long_watch() {
    // Its end is being watched when a person asks for more time.
    for after_ms in [20, 60, 100, 5_000, 20_000] {
        let world = World::probed(1);
        world.state().site_lag = SignedDuration::from_secs(30);
        world.invoke(window()).await.expect("booked");
        world.run_until("02:50").await;
        world.until(world.at("03:00")).await;
        let (wake, extend) =
            (json!({"action": "wake", "id": "w"}), json!({"action": "extend", "id": "w", "by": "PT30M"}));
        let person = async {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            world.invoke_as(1, &extend, "extend").await.expect("lives")
        };
        let (end, extended) = tokio::join!(world.invoke_as(0, &wake, "wake"), person);
        let _ = end.expect("lives");
        world.run_until("03:10").await;
        assert_eq!(world.is_dark(0), extended.is_ok(), "after {after_ms} ms: {extended:?}");
        world.run_until("03:50").await;
        assert!(!world.is_dark(0) && world.windows().is_empty());
    }
    // Its start is being watched when a person ends it.
    let world = World::probed(1);
    world.state().site_lag = SignedDuration::from_secs(30);
    world.invoke(window()).await.expect("booked");
    world.until(world.at("02:00")).await;
    let wake = json!({"action": "wake", "id": "w"});
    let person = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        world.state().site_lag = SignedDuration::ZERO;
        world.invoke_as(1, &json!({"action": "off"}), "off").await.expect("lives").expect("off");
    };
    let (start, ()) = tokio::join!(world.invoke_as(0, &wake, "wake"), person);
    let _ = start.expect("lives");
    assert_eq!(world.count("started"), 0, "{:?}", world.events());
    // Its end is being watched when another window narrows the rule.
    let world = World::probed(1);
    world.state().site_lag = SignedDuration::from_secs(30);
    world.invoke(window()).await.expect("booked");
    world.run_until("02:50").await;
    world.until(world.at("03:00")).await;
    let person = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let _ = world.invoke_as(1, &json!({"action": "on", "id": "next"}), "on").await.expect("lives");
    };
    let (end, ()) = tokio::join!(world.invoke_as(0, &wake, "wake"), person);
    let _ = end.expect("lives");
    world.run_until("03:10").await;
    assert!(world.is_dark(0));
    let text = world.text_of("completed");
    assert!(!text.contains("Visitors reach the site again"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_decision_stands_although_the_rules_cannot_be_read() {
    let world = active(vec![path(&["/shop"])]).await;
    world.invoke(json!({"id": "later", "start": "2026-12-06T05:00Z", "duration": "PT1H"})).await.expect("booked");
    world.state().broken = vec!["DescribeRules"];
    let status = world.invoke(json!({"action": "status"})).await.expect("status answers");
    assert!(status.warnings.iter().any(|warning| warning.contains("listener rules")), "{status:?}");
    let off = world.invoke(json!({"action": "off", "id": "w"})).await.expect_err("half of it").full();
    assert!(off.contains("The end of w is decided, and that stands") && off.contains("listener rules"), "{off}");
    let cancel = world.invoke(json!({"action": "cancel", "id": "later"})).await.expect_err("half of it").full();
    assert!(cancel.contains("The cancellation of later is decided, and that stands"), "{cancel}");
    world.state().broken.clear();
    world.invoke(json!({"action": "sweep"})).await.expect("swept");
    assert!(!world.is_dark(0) && world.windows().is_empty());
    // And the other way round: windows that cannot be read.
    world.state().broken = vec!["Query"];
    let status = world.invoke(json!({"action": "status"})).await.expect("status answers");
    assert_eq!((status.outcome.as_str(), status.rules.len()), ("unknown", 1), "{status:?}");
}

#[tokio::test(start_paused = true)]
async fn every_report_has_an_id_of_its_own() {
    let world = World::new(1);
    for _ in 0..3 {
        world.invoke(json!({"action": "on"})).await.expect("on");
        world.invoke(json!({"action": "off"})).await.expect("off");
        world.invoke(json!({"action": "on", "id": "same"})).await.expect("on");
        world.invoke(json!({"action": "off"})).await.expect("off");
    }
    assert_ids_differ(&world, 3 * 4);
    let world = World::new(1);
    for _ in 0..2 {
        world.set_conditions(0, vec![header("x-maintenance-bypass", SECRET)]);
        world.run_until(&(world.now() + SignedDuration::from_mins(7)).strftime("%H:%M").to_string()).await;
        world.set_conditions(0, vec![path(&["*"])]);
        world.run_until(&(world.now() + SignedDuration::from_mins(7)).strftime("%H:%M").to_string()).await;
    }
    assert_ids_differ(&world, 2);
}

#[track_caller]
fn assert_ids_differ(world: &World, count: usize) {
    let state = world.state();
    let mut ids: Vec<String> = state.published.iter().map(|report| report.document["report_id"].to_string()).collect();
    assert_eq!(
        ids.len(),
        count,
        "{:?}",
        state.published.iter().map(super::world::Published::event).collect::<Vec<_>>()
    );
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[tokio::test(start_paused = true)]
async fn all_rules_means_those_of_the_settings_at_the_start() {
    let mut world = World::new(2);
    let both = world.settings["RULE_ARNS"].clone();
    world.settings.insert("RULE_ARNS", rule_arn(0));
    world.invoke(nightly("n")).await.expect("booked");
    world.settings.insert("RULE_ARNS", both);
    world.run_until("02:10").await;
    assert!(world.is_dark(0) && world.is_dark(1));
    world.run_until("02:40").await;
    assert!(!world.is_dark(0) && !world.is_dark(1));
    // What would make the next occurrence fail is told when it is booked.
    let unworkable = World::new(1);
    unworkable.invoke(nightly("n")).await.expect("booked");
    unworkable.state().default_action = Some(json!({"Type": "forward"}));
    unworkable.run_until("02:10").await;
    let text = unworkable.text_of("booked");
    assert!(text.contains("forwards to a target by default"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn one_failing_rule_silences_no_other_report() {
    let mut world = World::new(3);
    world.settings.insert("WARN_BEFORE_END", "PT15M".to_owned());
    world.invoke(window()).await.expect("booked");
    world.run_until("02:10").await;
    // One rule can no longer be narrowed, another is opened by someone else.
    world.set_conditions(1, vec![path(&["/*/*/*/*/*/*"])]);
    world.set_conditions(2, vec![path(&["/opened"])]);
    world.run_until("02:50").await;
    assert!(world.is_dark(0) && world.is_dark(2));
    assert_eq!((world.count("failed"), world.count("ending_soon")), (1, 1), "{:?}", world.events());
    let drift = world.text_of("drift");
    assert_eq!(world.count("drift"), 1, "an edit that cannot be answered is told once: {:?}", world.events());
    assert!(drift.contains("rule001 was opened") && drift.contains("rule002 was opened"), "{drift}");
    // Another rule fails as well: one mail about that, and none about the first.
    world.set_conditions(0, vec![path(&["/*/*/*/*/*/*"])]);
    world.run_until("02:58").await;
    assert_eq!(world.count("failed"), 2, "{:?}", world.events());
    let text = world.text_of("failed");
    assert!(text.contains("rule000") && !text.contains("narrow rule web/rule001"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_repeated_request_decides_once_whatever_it_asks() {
    let world = World::new(1);
    world.invoke(nightly("n")).await.expect("booked");
    let pause = json!({"action": "pause", "id": "n"});
    world.try_invoke(&pause, "pause").await.expect("lives").expect("paused");
    world.invoke(json!({"action": "resume", "id": "n"})).await.expect("resumed");
    world.try_invoke(&pause, "pause").await.expect("lives").expect("answered");
    assert_eq!(world.series("n").expect("there")["paused"], false);
    assert_eq!(world.windows(), ["n-20261206T0200Z"]);
    for (event, key) in [(json!({"action": "off"}), "off"), (json!({"action": "off", "request_id": "mine"}), "lambda")]
    {
        world.invoke(json!({"action": "on", "id": "a"})).await.expect("on");
        world.try_invoke(&event, key).await.expect("lives").expect("off");
        world.invoke(json!({"action": "on", "id": "b"})).await.expect("on");
        let other = if key == "off" { "off" } else { "another invocation" };
        world.try_invoke(&event, other).await.expect("lives").expect("answered");
        assert!(world.is_dark(0), "what was switched on since stays on");
        world.invoke(json!({"action": "off"})).await.expect("off");
    }
    let refused = json!({"action": "on", "request_id": "mine"});
    assert!(world.invoke(refused).await.expect_err("another action").full().contains("used for off before"));
}

#[tokio::test(start_paused = true)]
async fn what_was_decided_in_time_is_not_refused_when_lambda_repeats_it_too_late() {
    for event in [
        json!({"action": "on", "end": "2026-12-06T00:05Z"}),
        json!({"start": "2026-12-06T00:01Z", "end": "2026-12-06T00:05Z"}),
    ] {
        let mut world = World::new(1);
        world.try_invoke(&event, "one").await.expect("lives").expect("decided");
        world.run_until("00:10").await;
        let again = world.try_invoke(&event, "one").await.expect("lives").expect("answered");
        assert_eq!(again.outcome, "unchanged", "{again:?}");
        assert_eq!(world.invoke(event.clone()).await.expect_err("too late").kind(), "InvalidEvent");
        // Nor when the settings have become unusable since.
        world.settings.insert("BYPASS_HEADER_VALUE", "short".to_owned());
        world.try_invoke(&event, "one").await.expect("lives").expect("answered");
        assert_eq!(world.history().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_occurrence_whose_name_is_taken_is_not_left_out_in_silence() {
    let world = World::new(1);
    let taken = json!({"id": "n-20261207T0200Z", "start": "2026-12-10T02:00Z", "duration": "PT1H"});
    world.invoke(taken).await.expect("booked");
    world.invoke(nightly("n")).await.expect("booked");
    world.run_until("02:40").await;
    assert_eq!(world.count("failed"), 1, "{:?}", world.events());
    let text = world.text_of("failed");
    assert!(text.contains("n-20261207T0200Z is taken") && text.contains("left out"), "{text}");
    assert!(world.windows().contains(&"n-20261208T0200Z".to_owned()), "{:?}", world.windows());
    assert_eq!(world.windows().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn no_duration_is_too_long_to_be_refused() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    for huge in ["P999999999D", "PT9223372036854775807S", "P10000000W", "PT175307616H"] {
        for event in [
            json!({"start": "2026-12-06T02:00Z", "duration": huge}),
            json!({"action": "on", "duration": huge}),
            json!({"action": "extend", "id": "w", "by": huge}),
            json!({"action": "reschedule", "id": "w", "duration": huge}),
            json!({"every": "rate(7 days)", "duration": huge}),
            json!({"start": "9999-12-31T23:00Z", "duration": huge}),
        ] {
            assert_eq!(world.invoke(event.clone()).await.expect_err("refused").kind(), "InvalidEvent", "{event}");
        }
    }
    let mut world = World::new(1);
    for setting in ["MAX_DURATION", "WARN_BEFORE_END", "REMIND_BEFORE"] {
        world.settings.insert(setting, "P999W999DT99999H999999M999999S".to_owned());
    }
    world.invoke(window()).await.expect("booked");
    world.run_until("03:10").await;
    assert_eq!(world.events(), ["booked", "started", "completed"]);
    // Open-ended maintenance has no wake-up that could fire at once.
    world.invoke(json!({"action": "on"})).await.expect("on");
    assert_eq!(world.schedule_names(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn null_where_leaving_out_means_more_is_refused() {
    let world = World::new(1);
    world.invoke(json!({"action": "on", "id": "a"})).await.expect("on");
    for event in [
        json!({"action": "off", "id": null}),
        json!({"action": "off", "Id": null}),
        json!({"action": "on", "end": null}),
        json!({"action": "on", "duration": null}),
        json!({"action": "on", "rules": null}),
    ] {
        assert_eq!(world.invoke(event.clone()).await.expect_err("refused").kind(), "InvalidEvent", "{event}");
    }
    assert_eq!(world.windows(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_wide_path_gives_its_place_to_the_header_and_the_origins_lock_stays() {
    let host = json!({"Field": "host-header", "HostHeaderConfig": {"Values": ["a.example", "b.example", "c.example"]}});
    let owned = vec![path(&["/*"]), host.clone(), header("x-origin-lock", ORIGIN_LOCK)];
    let world = active(owned.clone()).await;
    let lock = header("x-origin-lock", ORIGIN_LOCK);
    assert_eq!(world.conditions(0), [host, lock, header("x-maintenance-bypass", SECRET)]);
    world.run_until("03:10").await;
    assert_eq!(world.conditions(0), owned);
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn the_history_tells_who_did_what_when_and_how_late() {
    let world = World::new(1);
    let mut event = window();
    event["requested_by"] = json!("ana");
    event["reason"] = json!("database move");
    world.invoke(event).await.expect("booked");
    world.run_until("02:30").await;
    let more = json!({"action": "extend", "id": "w", "by": "PT30M", "requested_by": "ben", "reason": "slow disk"});
    world.invoke(more).await.expect("extended");
    world.run_until("03:40").await;
    world.invoke(nightly("n")).await.expect("booked");
    world.invoke(json!({"action": "cancel", "id": "n", "requested_by": "cleo"})).await.expect("cancelled");
    let told = world.invoke(json!({"action": "history"})).await.expect("told");
    let told = serde_json::to_value(told.history).expect("JSON");
    let ids: Vec<&str> = told.as_array().expect("a list").iter().filter_map(|past| past["id"].as_str()).collect();
    assert_eq!(ids.len(), 3, "{told:#}");
    assert_eq!(ids[2], "w", "the latest first");
    let window = &told[2];
    assert_eq!((&window["outcome"], &window["requested_by"]), (&json!("completed"), &json!("ana")));
    assert_eq!(window["planned"], json!({"start": "2026-12-06T02:00:00Z", "end": "2026-12-06T03:30:00Z"}));
    assert_eq!((&window["actual"]["start_late_secs"], &window["actual"]["end_late_secs"]), (&json!(0), &json!(0)));
    let who: Vec<(&str, &str, &str)> = window["decisions"]
        .as_array()
        .expect("decisions")
        .iter()
        .map(|made| {
            let text = |key: &str| made[key].as_str().expect(key);
            (text("action"), text("requested_by"), text("reason"))
        })
        .collect();
    assert_eq!(who, [("book", "ana", "database move"), ("extend", "ben", "slow disk")]);
    let series = told.as_array().expect("a list").iter().find(|past| past["kind"] == "series").expect("the series");
    assert_eq!(series["decisions"][1]["requested_by"], "cleo");
    let one = world.invoke(json!({"action": "history", "id": "w", "limit": 1})).await.expect("told");
    assert_eq!(one.history.len(), 1);
    let reports: Vec<(String, &str)> =
        one.history[0].reports.iter().map(|sent| (sent.at.to_string(), sent.event.as_str())).collect();
    let events: Vec<&str> = reports.iter().map(|(_, event)| *event).collect();
    assert_eq!(events, ["booked", "started", "extended", "completed"], "each report, with its time");
    assert!(reports.is_sorted() && reports[3].0.starts_with("2026-12-06T03:30:00"), "{reports:?}");
    let csv = world.invoke(json!({"action": "history", "format": "csv"})).await.expect("told");
    let table = csv.csv.expect("a table");
    assert!(csv.history.is_empty() && table.contains("book by ana: database move\n"), "{table}");
    assert_eq!(table.matches("\r\n").count(), 4, "a head and three lines: {table}");
    let none = world.invoke(json!({"action": "history", "since": "2026-12-07T00:00Z"})).await.expect("told");
    assert!(none.history.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_new_header_name_whose_change_fails_loses_nothing() {
    for fault in [Fault::Refused, Fault::DiesBefore, Fault::DiesAfter, Fault::AnswerLost] {
        let owned = vec![path(&["/a", "/b"])];
        let mut world = active(owned.clone()).await;
        world.settings.insert("BYPASS_HEADER_NAME", "x-let-me-in".to_owned());
        let invocation = world.state().invocations.len();
        // The rules, the table, what is saved anew, and the rule.
        world.state().faults.insert((invocation, 3), fault);
        let _ = world.try_invoke(&json!({"action": "sweep"}), "sweep").await;
        world.invoke(json!({"action": "sweep"})).await.expect("swept");
        assert_eq!(world.conditions(0), [owned[0].clone(), header("x-let-me-in", SECRET)], "{fault:?}");
        world.run_until("03:10").await;
        assert_eq!(world.conditions(0), owned, "{fault:?}");
        assert_eq!((world.count("drift"), world.count("completed")), (0, 1), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_the_owner_writes_during_a_window_stays_the_owners() {
    let world = active(vec![path(&["/shop"])]).await;
    let locked = vec![header("X-Maintenance-Bypass", ORIGIN_LOCK), path(&["/owner/*"])];
    world.set_conditions(0, locked.clone());
    world.run_until("02:20").await;
    assert!(world.is_dark(0));
    world.run_until("03:10").await;
    assert_eq!(world.conditions(0), locked);
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_we_narrowed_with_an_older_value_refuses_no_booking() {
    let mut world = active(vec![path(&["/shop"])]).await;
    world.settings.insert("BYPASS_HEADER_VALUE", "another-secret-0815".to_owned());
    world.invoke(json!({"id": "x", "start": "2026-12-06T05:00Z", "duration": "PT1H"})).await.expect("booked");
    let check = world.invoke(json!({"action": "check"})).await.expect("checked");
    assert!(check.outcome != "blocked", "{check:?}");
}

#[tokio::test(start_paused = true)]
async fn off_reopens_whatever_is_dark_although_something_else_fails() {
    // A window that cannot be finished, and a rule that no window accounts for.
    let mut world = World::new(2);
    let both = world.settings["RULE_ARNS"].clone();
    world.settings.insert("RULE_ARNS", rule_arn(0));
    world.invoke(json!({"action": "on", "id": "a"})).await.expect("on");
    world.settings.insert("RULE_ARNS", both);
    world.set_conditions(1, vec![path(&["/shop"]), header("x-maintenance-bypass", SECRET)]);
    world.state().broken = vec!["Publish"];
    world.invoke(json!({"action": "off"})).await.expect_err("nothing can be reported");
    assert!(!world.is_dark(0) && !world.is_dark(1));
    // And when the first try got no further than its decision.
    let world = World::new(1);
    world.set_conditions(0, vec![path(&["/shop"]), header("x-maintenance-bypass", SECRET)]);
    world.state().broken = vec!["DescribeRules"];
    let off = json!({"action": "off"});
    world.try_invoke(&off, "off").await.expect("lives").expect_err("the rules cannot be read");
    world.state().broken.clear();
    world.try_invoke(&off, "off").await.expect("lives").expect("reopened");
    assert_eq!(world.conditions(0), [path(&["/shop"])]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_keeps_no_site_dark() {
    for (setting, value) in [("PROBE_URL", "www.example.com"), ("BYPASS_HEADER_VALUE", "short"), ("PROBE_URL", "")] {
        let mut world = World::probed(1);
        let mut event = window();
        event["at_end"] = json!("reopen_if_healthy");
        world.invoke(event).await.expect("booked");
        world.run_until("02:10").await;
        world.settings.insert(setting, value.to_owned());
        world.run_until("03:10").await;
        assert!(!world.is_dark(0), "{setting}={value}");
        assert_eq!(world.count("completed"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_cannot_be_read_stops_no_other_window() {
    let world = World::new(2);
    for (nth, id) in [(0, "one"), (1, "two")] {
        let event =
            json!({"id": id, "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z", "rules": [rule_arn(nth)]});
        world.invoke(event).await.expect("booked");
    }
    world.run_until("02:10").await;
    world.damage_rule_item(1, &["owner"]);
    world.run_until("03:10").await;
    assert!(!world.is_dark(0) && world.is_dark(1), "what is saved of the other rule is unknown");
    assert_eq!(world.history().len(), 1);
    let text = world.text_of("failed");
    assert!(text.contains("rule001"), "{text}");
    world.invoke(json!({"action": "off"})).await.expect("a person asks for it");
    assert_eq!(world.conditions(1), [path(&["*"])]);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_was_booked_for_later_is_not_taken_for_what_starts_now() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    for event in [
        json!({"action": "on", "id": "w", "duration": "PT1H"}),
        json!({"action": "on", "id": "w", "end": "2026-12-06T03:00Z"}),
    ] {
        let refused = world.invoke(event).await.expect_err("refused").full();
        assert!(refused.contains("window w is there already, booked from"), "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_seen_of_a_start_is_not_told_of_an_end() {
    let world = World::probed(1);
    world.state().site_lag = SignedDuration::from_secs(20);
    world.invoke(window()).await.expect("booked");
    world.until(world.at("02:00")).await;
    let wake = json!({"action": "wake", "id": "w"});
    let person = async {
        tokio::time::sleep(Duration::from_secs(15)).await;
        world.invoke_as(1, &json!({"action": "off"}), "off").await.expect("lives").expect("off");
    };
    let (start, ()) = tokio::join!(world.invoke_as(0, &wake, "wake"), person);
    let _ = start.expect("lives");
    let completed = world.text_of("completed");
    let state = world.state();
    let seen: Vec<i64> = state
        .published
        .iter()
        .filter(|report| report.event() == "completed")
        .filter_map(|report| report.document["actual"]["seen_after_secs"].as_i64())
        .collect();
    assert!(seen.iter().all(|secs| *secs >= 18), "{seen:?} {completed}");
    assert_eq!(state.published.iter().filter(|report| report.event() == "started").count(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_no_longer_holds_is_not_told_late() {
    let world = World::new(1);
    world.invoke(json!({"action": "on", "id": "a", "duration": "PT1H"})).await.expect("on");
    world.state().broken = vec!["Publish"];
    world.invoke(json!({"action": "extend", "id": "a", "by": "PT1H"})).await.expect_err("not told");
    world.invoke(json!({"action": "off"})).await.expect_err("not told");
    world.state().broken.clear();
    world.run_until("00:10").await;
    assert_eq!(world.events(), ["started", "completed"]);
    // What is over and was cancelled is told as that, whoever asks.
    world.invoke(window()).await.expect("booked");
    world.state().broken = vec!["Publish"];
    world.invoke(json!({"action": "cancel", "id": "w"})).await.expect_err("not told");
    world.state().broken.clear();
    let off = world.invoke(json!({"action": "off", "id": "w"})).await.expect("finished");
    assert_eq!(
        (off.outcome.as_str(), off.message.as_str()),
        ("cancelled", "The site is open to visitors, as far as its rules tell. No window is booked. Cancelled: w.")
    );
}

#[tokio::test(start_paused = true)]
async fn an_occurrence_that_was_cancelled_stays_so_through_pause_and_resume() {
    let world = World::new(1);
    world.invoke(nightly("n")).await.expect("booked");
    world.invoke(json!({"action": "cancel", "id": "n-20261206T0200Z"})).await.expect("cancelled");
    for action in ["pause", "resume"] {
        world.invoke(json!({"action": action, "id": "n"})).await.expect(action);
    }
    assert_eq!(world.windows(), ["n-20261207T0200Z"]);
    assert_eq!(world.invoke(json!({"action": "resume", "id": "n"})).await.expect("resumed").outcome, "unchanged");
    // What the pause itself dropped comes again.
    world.run_until("02:30").await;
    for action in ["pause", "resume"] {
        world.invoke(json!({"action": action, "id": "n"})).await.expect(action);
    }
    assert_eq!(world.windows(), ["n-20261207T0200Z"]);
}

#[tokio::test(start_paused = true)]
async fn an_occurrence_that_was_cancelled_never_comes_back_wherever_the_run_that_booked_it_died() {
    let mut booked = 0;
    for nth in 0..14 {
        for fault in [Fault::DiesAfter, Fault::DiesBefore] {
            let world = World::new(1);
            let invocation = world.state().invocations.len();
            world.state().faults.insert((invocation, nth), fault);
            let _ = world.try_invoke(&nightly("n"), "n").await;
            if world.windows() != ["n-20261206T0200Z"] {
                continue;
            }
            booked += 1;
            world.invoke(json!({"action": "cancel", "id": "n-20261206T0200Z"})).await.expect("cancelled");
            world.run_until("02:10").await;
            assert!(!world.is_dark(0) && world.windows() == ["n-20261207T0200Z"], "{fault:?} of call {nth}");
        }
    }
    assert!(booked > 0);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_cancel_drops_nothing_that_was_booked_since() {
    for (booking, left) in [(window(), "w"), (nightly("w"), "w-20261206T0200Z")] {
        let world = World::new(1);
        let cancel = json!({"action": "cancel", "id": "w"});
        world.invoke(booking.clone()).await.expect("booked");
        world.try_invoke(&cancel, "cancel").await.expect("lives").expect("cancelled");
        assert!(world.windows().is_empty() && world.series_ids().is_empty());
        world.invoke(booking).await.expect("booked again");
        world.try_invoke(&cancel, "cancel").await.expect("lives").expect("answered");
        assert_eq!(world.windows(), [left]);
    }
}

#[tokio::test(start_paused = true)]
async fn no_rule_is_narrowed_while_what_its_owner_wrote_cannot_be_saved() {
    let world = World::new(1);
    world.invoke(json!({"action": "on", "id": "w"})).await.expect("on");
    // So many values leave the header no room beside them: what is not saved of them is lost with the narrowing.
    let written = vec![path(&["/a", "/b", "/c"]), header("X-Mine", "1"), header("X-Other", "2")];
    world.set_conditions(0, written.clone());
    world.state().broken = vec!["TransactWriteItems"];
    for _ in 0..2 {
        let left = world.invoke(json!({"action": "sweep"})).await.expect_err("it cannot be saved").full();
        assert!(left.contains("cannot write to the table (rule web/rule000)"), "{left}");
        assert_eq!(world.conditions(0), written);
    }
    world.state().broken.clear();
    world.invoke(json!({"action": "sweep"})).await.expect("swept");
    assert!(world.is_dark(0));
    // What the table says already needs no saving: only that this edit was found cannot be kept.
    world.set_conditions(0, written.clone());
    world.state().broken = vec!["TransactWriteItems"];
    drop(world.invoke(json!({"action": "sweep"})).await);
    assert!(world.is_dark(0));
    world.state().broken.clear();
    world.invoke(json!({"action": "off"})).await.expect("off");
    assert_eq!(world.conditions(0), written);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_cannot_be_turned_keeps_no_other_rule_and_no_other_window_back() {
    let world = World::new(2);
    for (nth, id) in [(0, "a"), (1, "b")] {
        let event =
            json!({"id": id, "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z", "rules": [rule_arn(nth)]});
        world.invoke(event).await.expect("booked");
    }
    // Its owner writes what the load balancer takes from nobody again.
    let odd = path(&["/*/*/*/*/*/*"]);
    world.set_conditions(0, vec![odd.clone()]);
    world.run_until("02:10").await;
    assert!(!world.is_dark(0) && world.is_dark(1));
    assert_eq!((world.count("failed"), world.count("started")), (1, 1), "{:?}", world.events());
    world.set_conditions(0, vec![odd, header("x-maintenance-bypass", SECRET)]);
    world.invoke(json!({"action": "off"})).await.expect_err("one stays as it is");
    assert!(world.is_dark(0) && !world.is_dark(1));
    assert_eq!(world.windows(), ["a"]);
    assert!(world.text_of("completed").contains('b'), "{:?}", world.events());
}

#[tokio::test(start_paused = true)]
async fn no_refusal_quotes_more_of_an_event_than_a_person_reads() {
    let long = "x".repeat(20_000);
    let whole = json!({
        "action": "book", "id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z", "duration": "PT1H",
        "by": "PT1H", "every": "P7D", "timezone": "UTC", "rules": [rule_arn(0)], "mute_alarms": ["a"],
        "at_end": "reopen", "since": "2026-12-06", "until": "2026-12-07", "format": "csv", "reason": "why",
        "message": "soon", "requested_by": "me", "request_id": "r", "due": "2026-12-06T03:00Z", "unknown": "?",
    });
    let fields: Vec<&String> = whole.as_object().expect("an object").keys().collect();
    let mut refused = 0;
    for action in ["book", "on", "off", "extend", "reschedule", "cancel", "skip", "edit", "history", "check", "wake"] {
        for &field in &fields {
            let mut event = json!({"action": action, "id": "w"});
            event[field] = if whole[field].is_array() { json!([long]) } else { json!(long) };
            if let Err(error) = World::new(1).invoke(event).await {
                refused += 1;
                assert!(error.full().len() < 2_000, "{action} with a long {field}: {}", error.full().len());
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_refused_though_nobody_can_tell_what_was_decided_before() {
    for fault in [Fault::Refused, Fault::Hangs] {
        let world = World::new(1);
        world.state().faults.insert((0, 0), fault);
        let error = world.invoke(json!({"action": "on", "rules": null})).await.expect_err("refused");
        assert_eq!(error.kind(), "InvalidEvent", "{fault:?}: {}", error.full());
    }
}

#[tokio::test(start_paused = true)]
async fn an_occurrence_waits_until_the_window_of_its_name_is_history() {
    let world = World::new(1);
    let name = "n-20261206T0200Z";
    world.invoke(json!({"action": "on", "id": name})).await.expect("started");
    world.state().broken = vec!["Publish"];
    world.invoke(json!({"action": "off", "id": name})).await.expect_err("its report cannot be sent");
    drop(world.invoke(nightly("n")).await);
    world.run_until("00:20").await;
    world.state().broken.clear();
    world.run_until("00:40").await;
    assert_eq!(world.windows(), [name], "the series has booked it");
    assert!(world.window(name).is_some_and(|window| window["series"] == "n"), "{:?}", world.window(name));
    assert_eq!(world.count("failed"), 0, "{:?}", world.events());
    world.run_until("02:10").await;
    assert!(world.is_dark(0));
}
