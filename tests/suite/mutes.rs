//! Alarms that are muted for planned work: from the booking on, until the site is open again, and never longer; and the
//! requests that were turned away meanwhile.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use maintenance_window::report::views::PastView;
use serde_json::{Value, json};

use crate::world::{Fault, World};

/// A world whose windows mute two alarms.
fn muting() -> World {
    let mut world = World::new(1);
    world.settings.insert("MUTE_ALARMS", "site-5xx, site-slow".to_owned());
    world
}

fn window() -> Value {
    json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"})
}

fn names(alarms: &[&str]) -> BTreeSet<String> {
    alarms.iter().map(|name| (*name).to_owned()).collect()
}

/// The mute rules as `02:00-04:00 site-5xx,site-slow`.
fn rules(world: &World) -> Vec<String> {
    let clock = |at: jiff::Timestamp| at.strftime("%H:%M").to_string();
    let told = world.mute_rules();
    told.values().map(|rule| format!("{}-{} {}", clock(rule.from), clock(rule.until), rule.alarms.join(","))).collect()
}

fn calls_to_cloudwatch(world: &World) -> Vec<String> {
    let of_it = ["PutAlarmMuteRule", "DeleteAlarmMuteRule", "DescribeAlarms", "GetMetricStatistics"];
    world.take_calls().into_iter().filter(|call| of_it.contains(&call.as_str())).collect()
}

#[tokio::test(start_paused = true)]
async fn alarms_are_muted_from_the_booking_on_until_some_minutes_after_the_end() {
    let world = muting();
    world.invoke(window()).await.expect("booked");
    assert_eq!(rules(&world), ["02:00-04:00 site-5xx,site-slow"], "an hour longer, for an end that is late");
    assert_eq!(world.muted(), names(&[]));
    world.take_calls();
    world.run_until("02:01").await;
    assert_eq!(world.muted(), names(&["site-5xx", "site-slow"]));
    world.run_until("03:04:59").await;
    assert_eq!(world.muted(), names(&["site-5xx", "site-slow"]), "an alarm looks at the last minutes of the window");
    assert_eq!(calls_to_cloudwatch(&world), [""; 0], "nothing was to be done meanwhile");
    world.run_until("03:11").await;
    assert_eq!((rules(&world), world.left_over()), (vec![], vec![]));
    assert_eq!(world.events(), ["booked", "started", "completed"]);
    assert_eq!(calls_to_cloudwatch(&world), ["DeleteAlarmMuteRule", "DescribeAlarms", "GetMetricStatistics"]);
}

#[tokio::test(start_paused = true)]
async fn cloudwatch_mutes_on_time_although_nobody_wakes_the_function() {
    let world = muting();
    world.invoke(window()).await.expect("booked");
    world.until(world.at("02:00:01")).await;
    assert_eq!(world.muted(), names(&["site-5xx", "site-slow"]));
    world.until(world.at("04:00")).await;
    assert_eq!(world.muted(), names(&[]), "and alarms ring again if nobody lives to open the site");
}

#[tokio::test(start_paused = true)]
async fn a_mute_follows_what_people_decide() {
    let world = muting();
    world.invoke(window()).await.expect("booked");
    world.invoke(json!({"action": "extend", "id": "w", "by": "PT30M"})).await.expect("extended");
    assert_eq!(rules(&world), ["02:00-04:30 site-5xx,site-slow"]);
    let later = json!({"action": "reschedule", "id": "w", "start": "2026-12-06T02:10:20Z"});
    world.invoke(later).await.expect("moved");
    assert_eq!(rules(&world), ["02:10-04:41 site-5xx,site-slow"], "to the minute, and never less than the window");
    let more = json!({"action": "edit", "id": "w", "mute_alarms": ["site-canary"]});
    let told = world.invoke(more).await.expect("edited").message;
    assert!(told.ends_with("; alarms it mutes beside those of MuteAlarms: site-canary."), "{told}");
    assert_eq!(rules(&world), ["02:10-04:41 site-5xx,site-slow", "02:10-04:41 site-canary"]);
    let told = world.invoke(json!({"action": "edit", "id": "w", "mute_alarms": []})).await.expect("edited").message;
    assert!(told.ends_with("; it mutes no alarms."), "{told}");
    assert_eq!(rules(&world), [""; 0]);
    world.invoke(json!({"action": "edit", "id": "w", "mute_alarms": ["site-canary"]})).await.expect("edited");
    world.invoke(json!({"action": "cancel", "id": "w"})).await.expect("cancelled");
    world.run_until("00:20").await;
    assert_eq!((rules(&world), world.left_over()), (vec![], vec![]), "what never began rings at once");
}

#[tokio::test(start_paused = true)]
async fn an_active_window_that_gets_longer_is_muted_without_a_gap() {
    let world = muting();
    world.invoke(window()).await.expect("booked");
    world.run_until("02:30").await;
    world.invoke(json!({"action": "extend", "id": "w", "by": "PT2H"})).await.expect("extended");
    let both = ["02:00-04:00 site-5xx,site-slow", "02:31-06:00 site-5xx,site-slow"];
    assert_eq!(rules(&world), both, "what mutes stays until what follows it does");
    for minute in 30..36 {
        world.run_until(&format!("02:{minute}:30")).await;
        assert_eq!(world.muted(), names(&["site-5xx", "site-slow"]), "{minute}");
    }
    world.run_until("02:41").await;
    assert_eq!(rules(&world), ["02:31-06:00 site-5xx,site-slow"]);
    world.invoke(json!({"action": "edit", "id": "w", "mute_alarms": []})).await.expect("edited");
    assert_eq!(world.muted(), names(&[]));
    world.run_until("02:55").await;
    assert_eq!(rules(&world), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_held_or_has_no_end_stays_muted_as_long_as_it_goes_on() {
    for (begins, off) in [
        (json!({"action": "on", "id": "w"}), "23:00"),
        (json!({"action": "on", "id": "w", "duration": "PT1H", "at_end": "hold"}), "09:00"),
    ] {
        let world = muting();
        world.invoke(begins).await.expect("on");
        let mut minute = world.at("00:03");
        while minute < world.at(off) {
            while world.next_event(minute, SignedDuration::from_secs(5), true).await {}
            world.until(minute).await;
            assert_eq!(world.muted(), names(&["site-5xx", "site-slow"]), "{minute}");
            minute += SignedDuration::from_mins(7);
        }
        assert!(world.mute_rules().len() <= 2, "{:?}", world.mute_rules());
        world.invoke(json!({"action": "off"})).await.expect("off");
        let over = world.now() + SignedDuration::from_mins(12);
        while world.next_event(over, SignedDuration::from_secs(5), true).await {}
        assert_eq!((rules(&world), world.left_over()), (vec![], vec![]));
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_is_muted_while_any_window_wants_it() {
    let world = muting();
    world.invoke(window()).await.expect("booked");
    let other =
        json!({"id": "x", "start": "2026-12-06T02:30Z", "end": "2026-12-06T05:30Z", "mute_alarms": ["site-canary"]});
    world.invoke(other).await.expect("booked");
    world.run_until("02:10").await;
    assert_eq!(world.muted(), names(&["site-5xx", "site-slow"]));
    world.run_until("03:20").await;
    assert_eq!(world.muted(), names(&["site-5xx", "site-slow", "site-canary"]), "the first is over, the other goes on");
    world.run_until("05:45").await;
    assert_eq!((rules(&world), world.left_over()), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_window_without_mutes_makes_no_call_for_them() {
    let mut wants_none = window();
    wants_none["mute_alarms"] = json!([]);
    for event in [window(), wants_none] {
        // Its clock begins with it.
        let world = if event["mute_alarms"].is_array() { muting() } else { World::new(1) };
        world.invoke(event).await.expect("booked");
        world.run_until("03:12").await;
        assert_eq!(calls_to_cloudwatch(&world), ["GetMetricStatistics"], "visitors are counted");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_hidden_is_handed_back() {
    let world = muting();
    world.invoke(window()).await.expect("booked");
    world.run_until("02:30").await;
    for alarm in ["site-5xx", "site-slow"] {
        world.state().cloudwatch.alarms.insert(alarm.to_owned(), true);
    }
    world.state().cloudwatch.turned_away = 25;
    world.run_until("03:04").await;
    world.state().cloudwatch.alarms.insert("site-5xx".to_owned(), false);
    assert_eq!(world.events(), ["booked", "started", "completed"]);
    world.run_until("03:30").await;
    assert_eq!(world.events(), ["booked", "started", "completed", "in_alarm"], "once");
    let text = world.text_of("in_alarm");
    assert!(text.contains("Note: alarm site-slow is in alarm") && !text.contains("alarm site-5xx is"), "{text}");
    let told = world.invoke(json!({"action": "history", "id": "w"})).await.expect("told");
    let past = &told.history[0];
    assert_eq!(past.muted, ["site-5xx", "site-slow"]);
    assert_eq!((past.in_alarm.as_slice(), past.turned_away), (["site-slow".to_owned()].as_slice(), Some(25 * 61)));
    let csv = world.invoke(json!({"action": "history", "format": "csv"})).await.expect("told").csv.expect("a table");
    assert!(csv.ends_with(",1525,\"site-5xx\nsite-slow\",site-slow\r\n"), "{csv}");
}

#[tokio::test(start_paused = true)]
async fn a_mute_that_cannot_be_made_is_a_warning_and_stops_nothing() {
    let world = muting();
    world.state().cloudwatch.denied.insert("site-canary".to_owned());
    let mut event = window();
    event["mute_alarms"] = json!(["site-canary"]);
    let booked = world.invoke(event).await.expect("booked");
    assert_eq!(booked.outcome, "booked");
    let [warning] = booked.warnings.as_slice() else { panic!("{:?}", booked.warnings) };
    assert!(
        warning.starts_with("window w does not mute site-canary (cannot mute the alarms of the rule "),
        "{warning}"
    );
    assert!(warning.contains("AccessDenied") && warning.contains("MuteAlarms"), "{warning}");
    assert_eq!(rules(&world), ["02:00-04:00 site-5xx,site-slow"], "the others are muted all the same");
    world.run_until("02:20").await;
    let status = world.invoke(json!({"action": "status"})).await.expect("told");
    assert_eq!(status.warnings.iter().filter(|warning| warning.contains("site-canary")).count(), 1, "{status:?}");
    let check = world.invoke(json!({"action": "check"})).await.expect("told");
    assert!(check.findings.iter().any(|found| found.what.contains("does not mute site-canary")), "{check:?}");
    // Of an active window too, whatever is decided about it.
    for event in [
        json!({"action": "extend", "id": "w", "by": "PT1M"}),
        json!({"action": "edit", "id": "w", "reason": "why"}),
        json!({"action": "extend", "id": "w", "by": "-PT1M"}),
    ] {
        let answer = world.invoke(event.clone()).await.expect("decided");
        assert!(answer.warnings.iter().any(|warning| warning.contains("site-canary")), "{event}: {answer:?}");
    }
    assert!(world.is_dark(0) && world.events()[..2] == ["booked", "started"], "{:?}", world.events());
    world.state().cloudwatch.denied.clear();
    world.run_until("02:40").await;
    assert_eq!(world.muted(), names(&["site-5xx", "site-slow", "site-canary"]), "every sweep tries again");
    let status = world.invoke(json!({"action": "status"})).await.expect("told");
    assert_eq!(status.warnings, [""; 0]);
    world.run_until("03:12").await;
    assert_eq!((rules(&world), world.left_over()), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_mute_that_outlives_its_window_is_told_and_removed_by_a_sweep() {
    let world = muting();
    world.invoke(window()).await.expect("booked");
    world.run_until("02:30").await;
    world.state().broken = vec!["DeleteAlarmMuteRule"];
    world.run_until("03:30").await;
    assert_eq!((world.is_dark(0), world.muted()), (false, names(&["site-5xx", "site-slow"])));
    let status = world.invoke(json!({"action": "status"})).await.expect("told");
    assert!(status.warnings.iter().any(|warning| warning.contains("window w is over, but alarms")), "{status:?}");
    assert_eq!(world.count("completed"), 1);
    world.state().broken.clear();
    world.run_until("03:40").await;
    assert_eq!((rules(&world), world.left_over()), (vec![], vec![]));
    assert_eq!(world.count("failed"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_dies_around_a_mute_leaves_none_behind() {
    for fault in [Fault::DiesBefore, Fault::DiesAfter, Fault::AnswerLost, Fault::Hangs] {
        for call in 0..12 {
            let world = muting();
            world.state().faults.insert((0, call), fault);
            drop(world.try_invoke(&window(), "booking").await);
            // Before any sweep sees it the window is gone again, if it was booked.
            drop(world.invoke(json!({"action": "cancel", "id": "w"})).await);
            world.run_until("00:25").await;
            assert_eq!((rules(&world), world.left_over()), (vec![], vec![]), "{fault:?} {call}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_stacks_own_alarms_are_never_muted() {
    let mut world = muting();
    let mut event = window();
    event["mute_alarms"] = json!(["maintenance-overrun"]);
    let refused = world.invoke(event).await.expect_err("refused").full();
    assert_eq!(refused, "mute_alarms: maintenance-overrun is an alarm of this stack itself, which is never muted");
    world.settings.insert("MUTE_ALARMS", "maintenance-no-sweep,site-5xx,maintenance-of-the-shop".to_owned());
    let config = world.config();
    assert_eq!(config.mute_alarms, ["site-5xx", "maintenance-of-the-shop"], "another's may be called alike");
    let [problem] = config.problems.as_slice() else { panic!("{:?}", config.problems) };
    assert!(problem.sentence().ends_with("which is never muted; such an alarm is not muted"), "{}", problem.sentence());
    world.settings.insert("MUTE_ALARMS", "maintenance-no-sweep,site-5xx".to_owned());
    world.invoke(window()).await.expect("booked");
    assert_eq!(rules(&world), ["02:00-04:00 site-5xx"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_setting_reaches_windows_that_are_booked_and_active() {
    let mut world = World::new(1);
    world.invoke(window()).await.expect("booked");
    assert_eq!(rules(&world), [""; 0]);
    world.settings.insert("MUTE_ALARMS", "site-5xx".to_owned());
    world.run_until("01:00").await;
    assert_eq!(rules(&world), ["02:00-04:00 site-5xx"]);
    world.run_until("02:21").await;
    world.settings.insert("MUTE_ALARMS", "site-slow".to_owned());
    world.run_until("02:40").await;
    assert_eq!(world.muted(), names(&["site-slow"]));
    world.settings.remove("MUTE_ALARMS");
    world.run_until("02:50").await;
    assert_eq!(rules(&world), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_series_mutes_for_each_of_its_windows() {
    let world = muting();
    let series = json!({
        "id": "s", "every": "cron(0 2,4 * * ? *)", "duration": "PT30M", "timezone": "UTC", "mute_alarms": ["site-canary"]
    });
    world.invoke(series).await.expect("booked");
    assert_eq!(rules(&world), ["02:00-03:30 site-5xx,site-slow", "02:00-03:30 site-canary"]);
    world.run_until("02:50").await;
    assert_eq!(rules(&world), ["04:00-05:30 site-5xx,site-slow", "04:00-05:30 site-canary"]);
    world.invoke(json!({"action": "skip", "id": "s"})).await.expect("skipped");
    let next: Vec<String> = rules(&world).into_iter().filter(|rule| rule.starts_with("04:00")).collect();
    assert_eq!(next, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn figures_that_cloudwatch_does_not_tell_are_left_out_in_the_end() {
    for is_refused in [true, false] {
        let world = World::new(1);
        world.invoke(window()).await.expect("booked");
        let failing = vec!["GetMetricStatistics"];
        if is_refused {
            world.state().broken = failing;
        } else {
            world.state().garbled = failing;
        }
        world.run_until("04:30").await;
        let history = world.invoke(json!({"action": "history"})).await.expect("told").history;
        assert_eq!((history[0].turned_away, world.left_over()), (None, vec![]));
        assert_eq!(world.events(), ["booked", "started", "completed"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_hidden_is_handed_back_whatever_else_fails_and_once() {
    for broken in ["GetMetricStatistics", "DeleteAlarmMuteRule"] {
        let world = muting();
        world.invoke(window()).await.expect("booked");
        world.run_until("02:30").await;
        world.state().cloudwatch.alarms.insert("site-slow".to_owned(), true);
        world.state().broken = vec![broken];
        world.run_until("03:40").await;
        assert_eq!(world.events(), ["booked", "started", "completed", "in_alarm"], "{broken}");
        world.state().broken.clear();
        world.run_until("04:30").await;
        assert_eq!((world.count("in_alarm"), world.left_over()), (1, vec![]), "{broken}");
        let history = world.invoke(json!({"action": "history"})).await.expect("told").history;
        assert_eq!(history[0].in_alarm, ["site-slow"], "{broken}");
        assert!(history[0].turned_away.is_some(), "{broken}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_another_window_mutes_is_handed_back_by_that_window() {
    let world = muting();
    world.invoke(window()).await.expect("booked");
    let longer = json!({"id": "longer", "start": "2026-12-06T02:30Z", "end": "2026-12-06T04:00Z"});
    world.invoke(longer).await.expect("booked");
    world.run_until("02:40").await;
    world.state().cloudwatch.alarms.insert("site-slow".to_owned(), true);
    world.run_until("03:50").await;
    assert_eq!(world.count("in_alarm"), 0, "{:?}", world.events());
    world.run_until("04:30").await;
    assert_eq!((world.count("in_alarm"), world.left_over()), (1, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_cloudwatch_that_hangs_holds_up_no_report_and_no_wake_up() {
    let mut world = muting();
    world.retries = 4;
    let hanging = ["PutAlarmMuteRule", "DeleteAlarmMuteRule"];
    world.state().hanging = hanging.to_vec();
    let before = world.now();
    world.invoke(json!({"action": "on", "id": "w", "duration": "PT1H"})).await.expect("on");
    assert!(world.now().duration_since(before) < jiff::SignedDuration::from_secs(12), "{}", world.now());
    assert_eq!(world.events(), ["started"]);
}

/// What the history tells of the only window.
async fn past(world: &World) -> PastView {
    let told = world.invoke(json!({"action": "history", "id": "w"})).await.expect("told");
    let [past] = told.history.as_slice() else { panic!("{:?}", told.history) };
    past.clone()
}

#[tokio::test(start_paused = true)]
async fn alarms_ring_again_although_the_last_report_cannot_be_sent_and_are_told_with_it() {
    let world = muting();
    world.invoke(window()).await.expect("booked");
    world.run_until("02:30").await;
    world.state().cloudwatch.alarms.insert("site-slow".to_owned(), true);
    world.state().broken = vec!["Publish"];
    world.run_until("03:04:59").await;
    assert_eq!(world.muted(), names(&["site-5xx", "site-slow"]), "an alarm looks at the last minutes of the window");
    world.run_until("03:11").await;
    assert_eq!((world.windows(), rules(&world)), (vec!["w".to_owned()], vec![]));
    world.run_until("04:11").await;
    assert_eq!(
        (world.windows(), world.events()),
        (vec!["w".to_owned()], ["booked", "started"].map(str::to_owned).into())
    );
    world.state().broken.clear();
    world.run_until("04:25").await;
    assert_eq!((world.left_over(), world.count("completed"), world.count("in_alarm")), (vec![], 1, 1));
    let past = past(&world).await;
    assert_eq!(
        (past.muted, past.in_alarm),
        (vec!["site-5xx".to_owned(), "site-slow".to_owned()], vec!["site-slow".to_owned()])
    );
    assert!(past.turned_away.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_window_that_was_dropped_mutes_nothing_although_that_cannot_be_reported() {
    let world = muting();
    world.invoke(window()).await.expect("booked");
    world.state().broken = vec!["Publish"];
    world.invoke(json!({"action": "cancel", "id": "w"})).await.expect_err("not all was done");
    assert_eq!((rules(&world), world.windows()), (vec![], vec!["w".to_owned()]));
    world.run_until("02:30").await;
    assert_eq!((world.muted(), world.windows()), (names(&[]), vec!["w".to_owned()]));
    world.state().broken.clear();
    world.run_until("02:45").await;
    assert_eq!((world.left_over(), past(&world).await.muted), (vec![], vec![]), "nor did it ever");
}

#[tokio::test(start_paused = true)]
async fn a_window_that_cannot_end_is_muted_for_an_hour_more_and_no_longer() {
    for broken in ["ModifyRule", "DescribeRules"] {
        let world = muting();
        world.invoke(window()).await.expect("booked");
        world.run_until("02:30").await;
        world.state().broken = vec![broken];
        world.run_until("03:50").await;
        assert_eq!(world.muted(), names(&["site-5xx", "site-slow"]), "{broken}");
        world.run_until("04:06").await;
        assert!(world.is_dark(0), "{broken}");
        assert_eq!(rules(&world), [""; 0], "{broken}: what is closed against the plan calls people");
        world.state().broken.clear();
        world.run_until("04:30").await;
        assert_eq!(world.left_over(), [""; 0], "{broken}");
        assert_eq!(past(&world).await.muted, ["site-5xx", "site-slow"], "{broken}");
    }
}

/// What a person does to an item.
type Edit = fn(&mut Value);

#[tokio::test(start_paused = true)]
async fn what_a_person_or_another_version_wrote_of_mute_rules_keeps_no_window_from_its_end() {
    let other_forms: [(&str, Edit); 4] = [
        ("an empty list", |window| window["mutes"] = json!([])),
        ("times of another form", |window| {
            for mute in window["mutes"].as_array_mut().into_iter().flatten() {
                mute["from"] = json!("2026-12-06T03:00:00.000+01:00");
                mute["since"] = json!("2026-12-06T00:00Z");
            }
        }),
        ("a field of a later version", |window| {
            for mute in window["mutes"].as_array_mut().into_iter().flatten() {
                mute["later"] = json!("value");
            }
        }),
        ("no field that may be left out", |window| {
            for mute in window["mutes"].as_array_mut().into_iter().flatten() {
                mute.as_object_mut().expect("a rule").remove("problem");
            }
        }),
    ];
    for (what, edit) in other_forms {
        for extends in [false, true] {
            let world = muting();
            world.invoke(window()).await.expect("booked");
            world.run_until("02:30").await;
            world.edit_item("window#w", edit);
            if extends {
                world.invoke(json!({"action": "extend", "id": "w", "by": "PT2H"})).await.expect("extended");
                let longer = rules(&world).iter().filter(|rule| rule.starts_with("02:31-06:00")).count();
                assert_eq!(longer, 1, "{what}: {:?}", rules(&world));
            }
            world.run_until(if extends { "05:12" } else { "03:12" }).await;
            assert_eq!(world.windows(), [""; 0], "{what}");
            assert_eq!(world.count("completed"), 1, "{what}");
        }
    }
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.edit_item("window#w", |window| window["mutes"] = json!([]));
    world.run_until("03:12").await;
    assert_eq!((world.left_over(), world.count("completed")), (vec![], 1));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_the_table_does_not_take_as_history_says_so() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.run_until("02:30").await;
    world.state().broken = vec!["Publish"];
    world.run_until("03:10").await;
    let item = world.window("w").expect("its report is not out");
    let ended: jiff::Timestamp = item["reopened_at"].as_str().expect("open").parse().expect("a time");
    let key = format!("{}#w#{}", ended.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"), item["uid"].as_str().expect("a uid"));
    world.put_item("past", &key, &json!({"of": "another table"}));
    world.state().broken.clear();
    world.run_until("03:18").await;
    let told = world.invoke(json!({"action": "sweep"})).await;
    assert!(told.is_ok(), "it may be another run's doing so far: {told:?}");
    world.run_until("03:29").await;
    let says = |text: &str| text.contains("window w: it is over, and its last report is out since ");
    let left = world.invoke(json!({"action": "sweep"})).await.expect_err("left").full();
    assert!(says(&left), "{left}");
    let status = world.invoke(json!({"action": "status"})).await.expect("told");
    assert!(status.warnings.iter().any(|warning| says(warning)), "{status:?}");
    let check = world.invoke(json!({"action": "check"})).await.expect("told");
    assert!(check.findings.iter().any(|finding| says(&finding.what)), "{check:?}");
    world.state().table.forget("past", &key).expect("there");
    world.run_until("03:50").await;
    assert_eq!((world.left_over(), world.count("completed")), (vec![], 1));
}

#[tokio::test(start_paused = true)]
async fn the_history_tells_of_every_alarm_that_was_muted_and_of_no_other() {
    let edit = |alarms: Value| json!({"action": "edit", "id": "w", "mute_alarms": alarms});
    let with_canary = || {
        let mut window = window();
        window["mute_alarms"] = json!(["site-canary"]);
        window
    };
    let world = muting();
    world.invoke(with_canary()).await.expect("booked");
    world.run_until("02:30").await;
    world.invoke(edit(json!([]))).await.expect("edited");
    world.run_until("03:12").await;
    assert_eq!(past(&world).await.muted, ["site-5xx", "site-canary", "site-slow"]);
    let world = muting();
    world.invoke(with_canary()).await.expect("booked");
    world.run_until("01:30").await;
    world.invoke(edit(json!(["site-slow"]))).await.expect("edited");
    world.run_until("03:12").await;
    assert_eq!(past(&world).await.muted, ["site-5xx", "site-slow"], "a rule that never began");
}

#[tokio::test(start_paused = true)]
async fn a_rule_of_earlier_times_that_cannot_be_deleted_is_told_and_deleted_later() {
    let world = muting();
    world.invoke(window()).await.expect("booked");
    world.state().broken = vec!["DeleteAlarmMuteRule"];
    let later = json!({"action": "reschedule", "id": "w", "start": "2026-12-06T12:00Z"});
    let moved = world.invoke(later.clone()).await.expect("moved");
    let says = |warnings: &[String]| {
        let told =
            "window w may mute site-5xx, site-slow for longer than it should, until 2026-12-06T04:00:00Z (cannot ";
        warnings.iter().filter(|warning| warning.starts_with(told)).count()
    };
    assert_eq!(says(&moved.warnings), 1, "{moved:?}");
    let back = json!({"action": "reschedule", "id": "w", "start": "2026-12-06T02:00Z"});
    let back = world.invoke(back).await.expect("moved");
    assert_eq!(says(&back.warnings), 0, "the rule is wanted again: {back:?}");
    world.invoke(later).await.expect("moved");
    let status = world.invoke(json!({"action": "status"})).await.expect("told");
    assert_eq!(says(&status.warnings), 1, "{status:?}");
    let check = world.invoke(json!({"action": "check"})).await.expect("told");
    let found: Vec<String> = check.findings.into_iter().map(|finding| finding.what).collect();
    assert_eq!(says(&found), 1, "{found:?}");
    world.state().broken.clear();
    world.run_until("00:10").await;
    assert_eq!(rules(&world), ["12:00-14:00 site-5xx,site-slow"]);
    let status = world.invoke(json!({"action": "status"})).await.expect("told");
    assert_eq!(status.warnings, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_windows_that_are_over_is_small_and_read_by_those_who_need_it() {
    let world = muting();
    for nth in 0..20 {
        let on = json!({"action": "on", "id": format!("w{nth}"), "reason": "x".repeat(300)});
        world.invoke(on).await.expect("on");
        world.invoke(json!({"action": "off"})).await.expect("off");
    }
    assert_eq!(world.to_do().len(), 20, "{:?}", world.to_do());
    for (_, item) in world.state().table.with_prefix("now", "after#") {
        let only = ["due", "ended", "id", "mutes", "scope", "uid", "window"];
        assert!(item.keys().all(|name| only.contains(&name.as_str())), "{item:?}");
    }
    let read_by = async |event: Value| {
        let before = world.state().table.items_read;
        world.invoke(event).await.expect("done");
        world.state().table.items_read - before
    };
    let on = read_by(json!({"action": "on", "id": "w"})).await;
    let off = read_by(json!({"action": "off"})).await;
    assert!(on < 20 && off < 20, "{on} {off}");
    assert!(read_by(json!({"action": "sweep"})).await >= 20);
    world.run_until("00:20").await;
    assert_eq!(world.left_over(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_version_left_to_do_is_done() {
    let world = muting();
    world.invoke(window()).await.expect("booked");
    world.run_until("02:59").await;
    let mut before = world.window("w").expect("a window");
    world.run_until("03:01").await;
    let [key] = world.to_do().try_into().expect("one");
    let (ended, mutes) = (world.history()[0]["ended_at"].clone(), before["mutes"].clone());
    before.as_object_mut().expect("an item").retain(|name, _| !["scope", "id"].contains(&name.as_str()));
    let left =
        json!({"window": before, "ended": ended, "due": "2026-12-06T03:05:00Z", "mutes": mutes, "in_alarm": null});
    world.put_item("now", &format!("after#{key}"), &left);
    world.run_until("03:12").await;
    assert_eq!((rules(&world), world.left_over()), (vec![], vec![]));
    assert!(past(&world).await.turned_away.is_some());
    assert_eq!(world.count("failed"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_check_looks_up_the_alarms_of_the_event_and_of_what_is_booked() {
    let world = muting();
    let check = async |mut event: Value| {
        event["action"] = json!("check");
        let found = world.invoke(event).await.expect("told").findings;
        found.into_iter().map(|finding| finding.what).filter(|what| what.contains("alarm")).collect::<Vec<String>>()
    };
    let unknown = "there is no alarm site-nope in this account and Region";
    let times = json!({"start": "2026-12-07T02:00Z", "duration": "PT1H"});
    for described in [
        json!({"mute_alarms": ["site-nope", "site-canary"]}),
        json!({"mute_alarms": ["site-nope"], "start": times["start"], "duration": times["duration"]}),
        json!({"mute_alarms": ["site-nope"], "every": "rate(1 day)", "duration": "PT1H", "timezone": "UTC", "id": "s"}),
    ] {
        assert_eq!(check(described.clone()).await, [unknown], "{described}");
    }
    assert_eq!(check(json!({})).await, [""; 0]);
    world.state().cloudwatch.alarms.insert("site-nope".to_owned(), false);
    let mut event = window();
    event["mute_alarms"] = json!(["site-nope"]);
    world.invoke(event).await.expect("booked");
    let series = json!({
        "id": "s", "every": "cron(0 2 * * ? *)", "duration": "PT1H", "timezone": "UTC", "mute_alarms": ["site-nope"]
    });
    world.invoke(series).await.expect("booked");
    assert_eq!(check(json!({})).await, [""; 0]);
    world.state().cloudwatch.alarms.remove("site-nope");
    assert_eq!(check(json!({})).await, [format!("{unknown}, which series s is to mute")]);
}

/// The calls that CloudWatch got of this kind since the calls were last taken.
fn deletions(world: &World) -> usize {
    world.take_calls().iter().filter(|call| *call == "DeleteAlarmMuteRule").count()
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_cannot_be_deleted_is_tried_for_a_day_and_no_longer() {
    let world = muting();
    world.invoke(window()).await.expect("booked");
    world.run_until("02:30").await;
    world.state().broken = vec!["DeleteAlarmMuteRule"];
    world.run_until("03:20").await;
    assert_eq!(world.to_do().len(), 1);
    // It mutes until 04:00; a day later it is CloudWatch's, and harmless.
    let a_day_later = world.at("04:00") + SignedDuration::from_hours(24);
    for (ahead, left) in [(SignedDuration::from_mins(-1), 1), (SignedDuration::from_mins(1), 0)] {
        world.until(a_day_later + ahead).await;
        world.take_calls();
        world.invoke(json!({"action": "sweep"})).await.expect("swept");
        assert_eq!((deletions(&world), world.to_do().len()), (1, left), "{ahead:?} after that");
    }
    world.take_calls();
    world.invoke(json!({"action": "sweep"})).await.expect("swept");
    assert_eq!(deletions(&world), 0);
    let status = world.invoke(json!({"action": "status"})).await.expect("told");
    assert_eq!(status.warnings, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn of_two_rules_only_the_one_that_is_still_there_is_deleted_again() {
    let world = muting();
    let mut event = window();
    event["mute_alarms"] = json!(["site-canary"]);
    world.invoke(event).await.expect("booked");
    world.run_until("03:04").await;
    assert_eq!(world.mute_rules().len(), 2);
    world.until(world.at("03:06")).await;
    let invocation = world.state().invocations.len();
    // After the rules and the table.
    world.state().faults.insert((invocation, 2), Fault::Refused);
    for (left, deleted) in [(1, 2), (0, 1), (0, 0)] {
        world.take_calls();
        world.invoke(json!({"action": "sweep"})).await.expect("swept");
        assert_eq!((deletions(&world), world.mute_rules().len()), (deleted, left));
    }
    assert_eq!(world.left_over(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_is_wanted_again_is_no_warning_any_more() {
    let world = muting();
    world.invoke(window()).await.expect("booked");
    world.state().broken = vec!["DeleteAlarmMuteRule"];
    let edit = |alarms: Value| json!({"action": "edit", "id": "w", "mute_alarms": alarms});
    let without = world.invoke(edit(json!([]))).await.expect("edited");
    assert!(without.warnings.iter().any(|warning| warning.contains("may mute site-5xx, site-slow")), "{without:?}");
    // One of the alarms that the settings name, so that nothing else is to be muted.
    let again = world.invoke(edit(json!(["site-5xx"]))).await.expect("edited");
    assert_eq!(again.warnings, [""; 0]);
    let status = world.invoke(json!({"action": "status"})).await.expect("told");
    assert_eq!(status.warnings, [""; 0]);
    assert_eq!(rules(&world), ["02:00-04:00 site-5xx,site-slow"]);
}

#[tokio::test(start_paused = true)]
async fn a_mute_that_lands_after_its_window_was_dropped_is_deleted_in_the_end() {
    let calls = {
        let world = muting();
        world.invoke(window()).await.expect("booked");
        world.take_calls()
    };
    let put = calls.iter().position(|call| call == "PutAlarmMuteRule").expect("muted");
    let world = muting();
    world.state().faults.insert((0, put), Fault::DiesBefore);
    assert!(world.try_invoke(&window(), "booking").await.is_none());
    let item = world.window("w").expect("booked");
    world.invoke(json!({"action": "cancel", "id": "w"})).await.expect("cancelled");
    // The request of the run that died was on its way.
    let name = format!("maintenance.w-{}-{}", item["uid"].as_str().expect("a uid"), item["mutes"][0]["number"]);
    let late = crate::world::MuteRule {
        from: world.at("02:00"),
        until: world.at("04:00"),
        alarms: vec!["site-5xx".to_owned(), "site-slow".to_owned()],
    };
    world.state().cloudwatch.mutes.insert(name, late);
    world.run_until("00:20").await;
    assert_eq!((rules(&world), world.left_over()), (vec![], vec![]));
}
