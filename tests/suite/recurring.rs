//! Windows that recur: booked one at a time, skipped, paused, resumed and cancelled.

use serde_json::{Value, json};

use crate::world::World;

fn nightly() -> Value {
    json!({"action": "book", "id": "nightly", "every": "cron(0 2 * * ? *)", "duration": "PT30M", "timezone": "UTC"})
}

fn windows(world: &World) -> Vec<String> {
    world.schedule_names().into_iter().filter(|name| name.split('.').next_back() == Some("end")).collect()
}

/// A moment of a later night: the world's own `at` knows only the first.
fn moment(text: &str) -> jiff::Timestamp {
    text.parse().expect("a time")
}

async fn run_until(world: &World, until: &str) {
    while world.next_event(moment(until), jiff::SignedDuration::from_secs(5), true).await {}
    world.until(moment(until)).await;
}

#[tokio::test(start_paused = true)]
async fn each_night_is_a_window_of_its_own() {
    let world = World::new(1);
    let booked = world.invoke(nightly()).await.expect("booked");
    assert_eq!(booked.outcome, "booked");
    let next: Vec<String> = booked.series[0].next.iter().map(ToString::to_string).collect();
    assert_eq!(next, ["2026-12-06T02:00:00Z", "2026-12-07T02:00:00Z", "2026-12-08T02:00:00Z"]);
    assert_eq!(windows(&world), ["nightly-20261206T0200Z.end"]);
    run_until(&world, "2026-12-06T02:10:00Z").await;
    assert!(world.is_dark(0));
    assert_eq!(windows(&world).len(), 2, "the next one is booked as soon as this one has begun");
    run_until(&world, "2026-12-08T12:00:00Z").await;
    assert!(!world.is_dark(0));
    assert_eq!((world.count("booked"), world.count("started"), world.count("completed")), (4, 3, 3));
    assert_eq!(world.schedule_names().len(), 3, "{:?}", world.schedule_names());
}

#[tokio::test(start_paused = true)]
async fn the_same_series_twice_is_one_and_another_of_its_name_is_refused() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    assert_eq!(world.invoke(nightly()).await.expect("known").outcome, "already_booked");
    let mut other = nightly();
    other["duration"] = json!("PT45M");
    assert_eq!(world.invoke(other).await.expect_err("refused").kind(), "InvalidEvent");
    assert_eq!(world.count("booked"), 1);
}

#[tokio::test(start_paused = true)]
async fn one_night_can_be_left_out_by_skip_or_by_cancelling_its_window() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    let skipped = world.invoke(json!({"action": "skip", "id": "nightly"})).await.expect("skipped");
    assert_eq!(skipped.series[0].next[0].to_string(), "2026-12-07T02:00:00Z");
    assert_eq!(windows(&world), ["nightly-20261207T0200Z.end"]);
    world.invoke(json!({"action": "cancel", "id": "nightly-20261207T0200Z"})).await.expect("left out");
    run_until(&world, "2026-12-07T12:00:00Z").await;
    assert_eq!((world.count("cancelled"), world.count("started")), (2, 0));
    assert_eq!(windows(&world), ["nightly-20261208T0200Z.end"]);
    let wrong = json!({"action": "skip", "id": "nightly", "start": "2026-12-09T03:00:00Z"});
    assert!(world.invoke(wrong).await.expect_err("refused").full().contains("starts to come"));
}

#[tokio::test(start_paused = true)]
async fn a_series_can_rest_go_on_and_end() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    world.invoke(json!({"action": "pause", "id": "nightly"})).await.expect("paused");
    assert!(windows(&world).is_empty());
    run_until(&world, "2026-12-07T12:00:00Z").await;
    assert_eq!(world.count("started"), 0);
    let resumed = world.invoke(json!({"action": "resume", "id": "nightly"})).await.expect("resumed");
    assert_eq!(resumed.next_wake.expect("a moment").to_string(), "2026-12-08T02:00:00Z");
    run_until(&world, "2026-12-08T02:10:00Z").await;
    assert!(world.is_dark(0));
    let status = world.invoke(json!({"action": "status"})).await.expect("status");
    assert_eq!((status.series.len(), status.windows.len()), (1, 2));
    world.invoke(json!({"action": "cancel", "id": "nightly"})).await.expect("cancelled");
    run_until(&world, "2026-12-09T12:00:00Z").await;
    assert!(!world.is_dark(0) && world.schedule_names().is_empty(), "{:?}", world.schedule_names());
    assert_eq!(world.count("completed"), 1, "the active one went on to its end");
}

#[tokio::test(start_paused = true)]
async fn a_night_the_clocks_skip_starts_when_it_can_and_says_so() {
    let world = World::new(1);
    run_until(&world, "2026-12-06T00:01:00Z").await;
    let event = json!({
        "every": "cron(30 1 28 3 ? 2027)", "duration": "PT30M", "timezone": "Europe/London", "id": "spring"
    });
    let booked = world.invoke(event).await.expect("booked");
    assert_eq!(booked.series[0].next[0].to_string(), "2027-03-28T01:00:00Z");
    assert_eq!(booked.warnings.len(), 1, "{:?}", booked.warnings);
    let text = world.text_of("booked");
    assert!(text.contains("Note"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_series_that_could_not_work_is_refused_with_its_reasons() {
    let world = World::new(1);
    for (field, value, why) in [
        ("every", json!("0 2 * * *"), "every:"),
        ("every", json!("rate(20 minutes)"), "duration:"),
        ("duration", json!("PT48H"), "MAX_DURATION"),
        ("duration", Value::Null, "duration:"),
        ("timezone", json!("Mars/Base"), "timezone:"),
        ("id", json!("a-name-that-is-too-long-to-take-a-start"), "id:"),
        ("end", json!("2026-12-07T02:00Z"), "end:"),
    ] {
        let mut event = nightly();
        event[field] = value;
        let refused = world.invoke(event).await.expect_err(why);
        assert!(refused.full().contains(why), "{}", refused.full());
    }
    assert!(world.schedule_names().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_again_neither_wakes_a_resting_series_nor_books_twice() {
    let world = World::new(1);
    let rate = json!({"every": "rate(7 days)", "duration": "PT30M", "id": "weekly"});
    world.invoke(rate.clone()).await.expect("booked");
    world.until(world.at("00:01:30")).await;
    assert_eq!(world.invoke(rate.clone()).await.expect("known").outcome, "already_booked");
    assert_eq!(windows(&world).len(), 1);
    world.invoke(json!({"action": "pause", "id": "weekly"})).await.expect("paused");
    let again = world.invoke(rate).await.expect("known");
    assert!(again.message.contains("rests") && windows(&world).is_empty(), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_skip_that_lambda_repeats_leaves_out_one_night() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    let skip = json!({"action": "skip", "id": "nightly"});
    for _ in 0..2 {
        let skipped = world.try_invoke(&skip, "one").await.expect("lives").expect("skipped");
        assert_eq!(skipped.series[0].next[0].to_string(), "2026-12-07T02:00:00Z");
    }
}

#[tokio::test(start_paused = true)]
async fn an_occurrence_that_was_moved_happens_once_and_can_be_cancelled() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    let moved = json!({"action": "reschedule", "id": "nightly-20261206T0200Z", "start": "2026-12-06T00:30:00Z"});
    world.invoke(moved).await.expect("moved");
    run_until(&world, "2026-12-06T12:00:00Z").await;
    assert_eq!((world.count("started"), world.count("completed")), (1, 1), "{:?}", world.events());
    let moved = json!({"action": "reschedule", "id": "nightly-20261207T0200Z", "start": "2026-12-07T05:00:00Z"});
    world.invoke(moved).await.expect("moved");
    run_until(&world, "2026-12-07T03:00:00Z").await;
    world.invoke(json!({"action": "cancel", "id": "nightly-20261207T0200Z"})).await.expect("cancelled");
    run_until(&world, "2026-12-07T12:00:00Z").await;
    assert_eq!((world.count("started"), world.count("cancelled")), (1, 1), "{:?}", world.events());
    assert_eq!(windows(&world), ["nightly-20261208T0200Z.end"]);
}
