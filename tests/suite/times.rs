//! Times as people say them: in a window's own zone, as times of day, and as differences.

use serde_json::{Value, json};

use crate::world::World;

/// A window from 02:00 to 03:00 UTC, which are 21:00 and 22:00 in New York.
async fn in_new_york() -> World {
    let world = World::new(1);
    let event = json!({
        "id": "w",
        "start": "2026-12-05T21:00",
        "end": "2026-12-05T22:00",
        "timezone": "america/new_york",
    });
    world.invoke(event).await.expect("booked");
    world
}

async fn times(world: &World, event: Value) -> (String, String) {
    let answer = world.invoke(event.clone()).await.unwrap_or_else(|error| panic!("{event}: {}", error.full()));
    let window = answer.window.expect("a window");
    (window.start.to_string(), window.end.expect("an end").to_string())
}

async fn refusal(world: &World, event: Value) -> String {
    let refused = world.invoke(event.clone()).await.err().unwrap_or_else(|| panic!("{event} is accepted"));
    assert_eq!(refused.kind(), "InvalidEvent");
    refused.full()
}

#[tokio::test(start_paused = true)]
async fn a_time_without_a_zone_is_in_the_windows_own() {
    let world = in_new_york().await;
    for (end, timezone, expected) in [
        ("2026-12-05T23:00", None, "2026-12-06T04:00:00Z"),
        ("23:30", None, "2026-12-06T04:30:00Z"),
        ("05:00", Some("Europe/London"), "2026-12-06T05:00:00Z"),
        ("5:30Z", None, "2026-12-06T05:30:00Z"),
    ] {
        let event = json!({"action": "extend", "id": "w", "end": end, "timezone": timezone});
        assert_eq!(times(&world, event).await.1, expected, "{end} {timezone:?}");
    }
    let moved = json!({"action": "reschedule", "id": "w", "start": "22:00", "end": "01:00"});
    let expected = ("2026-12-06T03:00:00Z".to_owned(), "2026-12-06T06:00:00Z".to_owned());
    assert_eq!(times(&world, moved).await, expected, "the end is the next such time after the new start");
    let moved = json!({"action": "reschedule", "id": "w", "start": "2026-12-07T21:00"});
    let expected = ("2026-12-08T02:00:00Z".to_owned(), "2026-12-08T05:00:00Z".to_owned());
    assert_eq!(times(&world, moved).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_time_without_any_zone_is_refused_and_changes_nothing() {
    let world = World::new(1);
    let event = json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"});
    world.invoke(event).await.expect("booked");
    let names = world.schedule_names();
    for (action, field) in [("extend", "end"), ("reschedule", "start"), ("reschedule", "end")] {
        for time in ["2026-12-06T04:00", "04:00"] {
            let refused = refusal(&world, json!({"action": action, "id": "w", field: time})).await;
            assert!(refused.contains(&format!("{field}: expected")), "{refused}");
            assert!(refused.contains("`timezone`") && refused.contains("anywhere"), "{refused}");
        }
    }
    assert_eq!(world.schedule_names(), names);
}

#[tokio::test(start_paused = true)]
async fn a_skipped_start_is_read_in_the_zone_of_the_series() {
    let world = World::new(1);
    let series = json!({"id": "s", "every": "cron(0 21 * * ? *)", "duration": "PT1H", "timezone": "America/New_York"});
    world.invoke(series).await.expect("booked");
    for (start, expected) in [("2026-12-06T21:00", "2026-12-07T02:00:00Z"), ("21:00", "2026-12-06T02:00:00Z")] {
        world.invoke(json!({"action": "skip", "id": "s", "start": start})).await.expect("skipped");
        let skipped = world.series("s").expect("a series").to_string();
        assert!(skipped.contains(expected), "{skipped}");
    }
    let refused = refusal(&world, json!({"action": "skip", "id": "s", "start": "20:00"})).await;
    assert!(refused.contains("start: expected one of the starts to come"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_time_of_day_can_book_and_start_a_window_where_its_place_is_known() {
    let world = World::new(1);
    let booked = json!({"id": "b", "start": "22:00", "end": "02:00", "timezone": "America/New_York"});
    let expected = ("2026-12-06T03:00:00Z".to_owned(), "2026-12-06T07:00:00Z".to_owned());
    assert_eq!(times(&world, booked).await, expected);
    let on = json!({"action": "on", "id": "o", "end": "04:00+01:00"});
    assert_eq!(times(&world, on).await.1, "2026-12-06T03:00:00Z");
    let refused = refusal(&world, json!({"start": "22:00", "duration": "PT1H"})).await;
    assert!(refused.contains("start: expected a time of day with an offset"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_window_is_shortened_by_a_negative_difference() {
    let world = in_new_york().await;
    let by = |by: &str| json!({"action": "extend", "id": "w", "by": by});
    let refused = refusal(&world, by("-PT1H")).await;
    assert!(refused.contains("by: expected at least a minute after the start"), "{refused}");
    assert!(refused.contains("cancel drops the window"), "it has not begun: {refused}");
    world.run_until("02:10").await;
    assert_eq!(times(&world, by("-15m")).await.1, "2026-12-06T02:45:00Z");
    for (less, told) in [("-PT40M", "by: expected an end after now"), ("-P9999999D", "by: expected")] {
        let refused = refusal(&world, by(less)).await;
        assert!(refused.contains(told), "{refused}");
    }
    let refused = refusal(&world, by("-PT35M")).await;
    assert!(refused.contains("off ends it now"), "{refused}");
    world.run_until("02:50").await;
    assert!(!world.is_dark(0) && world.left_over().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_problem_blames_the_field_that_was_written() {
    let world = in_new_york().await;
    for (event, blamed) in [
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT30S"}), "duration: expected a window of at least"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "P9D"}), "duration: expected a window of at most"),
        (json!({"start": "2026-12-06T02:00Z", "end": "2026-12-16T02:00Z"}), "end: expected a window of at most"),
        (json!({"action": "on", "duration": "P9D"}), "duration: expected a window of at most"),
        (json!({"action": "on", "end": "2026-12-16T02:00Z"}), "end: expected a window of at most"),
        (json!({"every": "rate(30 days)", "duration": "P9D"}), "duration: expected a window of at most"),
        (json!({"action": "reschedule", "id": "w", "duration": "P9D"}), "duration: expected a window of at most"),
        (json!({"action": "reschedule", "id": "w", "end": "2026-12-16T02:00Z"}), "end: expected a window of at most"),
        (json!({"action": "extend", "id": "w", "by": "P9D"}), "by: expected a window of at most"),
        (json!({"action": "extend", "id": "w", "end": "2026-12-16T02:00Z"}), "end: expected a window of at most"),
    ] {
        let refused = refusal(&world, event).await;
        assert!(refused.contains(blamed), "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_shows_start_and_end_in_utc_and_in_the_zone() {
    let world = World::new(1);
    let mut event =
        json!({"start": "2026-12-06T02:00", "duration": "PT2H", "timezone": "EUROPE/paris", "dry_run": true});
    let told = world.invoke(event.clone()).await.expect("told").message;
    for time in ["Sun 6 Dec 2026 01:00 UTC (Sun 02:00 in Europe/Paris)", "03:00 UTC (Sun 04:00 in Europe/Paris)"] {
        assert!(told.contains(time), "{told}");
    }
    event["every"] = json!("cron(0 2 ? * SUN *)");
    let told = world.invoke(event).await.expect("told").message;
    for time in ["from Sun 6 Dec 2026 01:00 UTC (Sun 02:00 in Europe/Paris)", "03:00 UTC (Sun 04:00 in Europe/Paris)"] {
        assert!(told.contains(time), "{told}");
    }
    let on = json!({"action": "on", "dry_run": true});
    let told = world.invoke(on).await.expect("told").message;
    assert!(told.ends_with("until off is sent."), "{told}");
}

#[tokio::test(start_paused = true)]
async fn where_the_zone_is_refused_no_time_asks_for_one() {
    let world = in_new_york().await;
    for event in [
        json!({"id": "a", "start": "2026-12-06T02:00", "end": "04:00"}),
        json!({"id": "a", "start": "02:00", "duration": "PT1H"}),
        json!({"action": "on", "end": "04:00"}),
        json!({"action": "history", "since": "2026-12-06T02:00"}),
        json!({"action": "extend", "id": "w", "end": "04:00"}),
    ] {
        let mut wrong = event.clone();
        wrong["timezone"] = json!("London");
        let refused = refusal(&world, wrong).await;
        assert_eq!(
            refused, "timezone: expected an IANA time zone such as Europe/London, but found \"London\"",
            "{event}"
        );
    }
    // What else is wrong is said all the same, and without a zone each time asks for one.
    let wrong = json!({"id": "a", "start": "yesterday", "end": "04:00", "timezone": "London"});
    let refused = refusal(&world, wrong).await;
    assert!(refused.contains("start: expected") && !refused.contains("end: "), "{refused}");
    let refused = refusal(&world, json!({"id": "a", "start": "2026-12-06T02:00", "end": "04:00"})).await;
    assert_eq!(refused.matches("or a `timezone` beside it").count(), 2, "{refused}");
}
