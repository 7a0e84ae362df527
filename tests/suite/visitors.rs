//! What visitors are told, and what is measured.

use serde_json::{Value, json};

use crate::world::World;

fn world() -> World {
    let mut world = World::new(1);
    world.settings.insert("ERROR_BUCKET", "error-pages".to_owned());
    world
}

fn window() -> Value {
    json!({
        "id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z",
        "message": "Back with a faster shop.", "reason": "internal: database move"
    })
}

#[tokio::test(start_paused = true)]
async fn the_page_knows_the_end_while_maintenance_lasts_and_nothing_secret() {
    let world = world();
    world.invoke(window()).await.expect("booked");
    assert_eq!(world.state().page, None);
    world.run_until("02:10").await;
    let told = json!({"end": "2026-12-06T03:00:00Z", "message": "Back with a faster shop."});
    assert_eq!(world.state().page, Some(told));
    world.invoke(json!({"action": "extend", "id": "w", "by": "PT30M"})).await.expect("extended");
    assert_eq!(world.state().page.as_ref().expect("told")["end"], "2026-12-06T03:30:00Z");
    world.run_until("03:40").await;
    assert_eq!(world.state().page, None);
}

#[tokio::test(start_paused = true)]
async fn the_page_is_told_the_last_end_of_several_and_none_if_one_is_open() {
    let world = world();
    world.invoke(window()).await.expect("booked");
    world.run_until("02:10").await;
    world.invoke(json!({"action": "on", "duration": "PT2H", "id": "longer"})).await.expect("on");
    assert_eq!(world.state().page.as_ref().expect("told")["end"], "2026-12-06T04:10:00Z");
    world.invoke(json!({"action": "on", "id": "open"})).await.expect("on");
    assert_eq!(world.state().page.as_ref().expect("told")["end"], Value::Null);
    world.invoke(json!({"action": "off"})).await.expect("off");
    assert_eq!(world.state().page, None);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_cannot_be_told_is_a_warning_in_the_report_and_stops_nothing() {
    let world = world();
    world.state().broken = vec!["PutObject", "DeleteObject"];
    world.invoke(window()).await.expect("booked");
    world.run_until("03:10").await;
    assert_eq!(world.events(), ["booked", "started", "completed"]);
    for report in &world.state().published[1..] {
        let text = report.document["text"].as_str().expect("text");
        assert!(text.contains("page could not be told") && text.contains("ERROR_BUCKET"), "{text}");
    }
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn figures_are_told_of_what_goes_on_and_of_nothing_else() {
    let world = world();
    world.invoke(window()).await.expect("booked");
    world.run_until("01:50").await;
    let figures = |world: &World| -> Vec<Value> {
        let said = world.state().said.clone();
        said.iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|line: &Value| line["_aws"].is_object())
            .collect()
    };
    assert!(figures(&world).is_empty(), "an idle night pays for nothing");
    world.run_until("03:10").await;
    let told = figures(&world);
    let of = |name: &str| -> Vec<i64> { told.iter().filter_map(|line| line[name].as_i64()).collect() };
    assert_eq!((of("StartLateSeconds"), of("EndLateSeconds")), (vec![0], vec![0]));
    assert_eq!(of("MaintenanceActive").last(), Some(&0));
    assert!(of("MaintenanceActive").contains(&1) && of("Drift").is_empty());
}

fn probed() -> World {
    let mut world = World::new(1);
    world.settings.insert("PROBE_URL", "https://www.example.com/".to_owned());
    world
}

#[tokio::test(start_paused = true)]
async fn a_start_and_an_end_are_reported_once_visitors_see_them() {
    let world = probed();
    world.state().site_lag = jiff::SignedDuration::from_secs(12);
    world.invoke(window()).await.expect("booked");
    world.run_until("03:10").await;
    assert_eq!(world.events(), ["booked", "started", "completed"]);
    for report in &world.state().published[1..] {
        let seen = report.document["actual"]["seen_after_secs"].as_i64().expect("seen");
        assert!((11..=14).contains(&seen), "{seen}");
        let late = &report.document["actual"];
        assert_eq!(late["start_late_secs"], 0, "the watch is not lateness");
        assert!(report.document["text"].as_str().is_some_and(|text| text.contains("by visitors after")));
    }
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn a_change_that_visitors_never_see_is_a_failure_that_says_what_they_got() {
    let world = probed();
    world.state().site_lag = jiff::SignedDuration::from_hours(9);
    world.invoke(window()).await.expect("booked");
    world.run_until("02:20").await;
    assert_eq!(world.events(), ["booked", "failed", "started"]);
    let text = world.state().published[1].document["text"].as_str().expect("text").to_owned();
    assert!(text.contains("a visitor got status 200"), "{text}");
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn a_window_that_reopens_if_healthy_waits_for_the_application() {
    let world = probed();
    let mut event = window();
    event["at_end"] = json!("reopen_if_healthy");
    world.invoke(event).await.expect("booked");
    world.run_until("02:30").await;
    world.state().site_ill = true;
    world.run_until("03:20").await;
    assert!(world.is_dark(0));
    assert_eq!(world.count("overrunning"), 1);
    world.state().site_ill = false;
    world.run_until("03:30").await;
    assert!(!world.is_dark(0));
    assert_eq!(world.count("completed"), 1);
}
