//! Alarms that are muted for planned work: from the booking on, until the site is open again, and never longer; and the
//! visitors who were turned away meanwhile.

use std::collections::BTreeSet;

use jiff::SignedDuration;
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
    world.invoke(more).await.expect("edited");
    assert_eq!(rules(&world), ["02:10-04:41 site-5xx,site-slow", "02:10-04:41 site-canary"]);
    world.invoke(json!({"action": "edit", "id": "w", "mute_alarms": []})).await.expect("edited");
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
    assert!(world.is_dark(0) && world.events() == ["booked", "started"], "{:?}", world.events());
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
