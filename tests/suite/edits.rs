//! Edits of what windows and series say, skips that are taken back, and events that need no id.

use serde_json::{Value, json};

use crate::world::World;

fn window(id: &str, start: &str, end: &str) -> Value {
    json!({"id": id, "start": format!("2026-12-06T{start}Z"), "end": format!("2026-12-06T{end}Z")})
}

fn nightly() -> Value {
    json!({"id": "nightly", "every": "cron(0 2 * * ? *)", "duration": "PT1H", "timezone": "UTC", "reason": "patching"})
}

#[tokio::test(start_paused = true)]
async fn a_windows_reason_and_message_are_edited_and_told_once() {
    let world = World::new(1);
    let mut booking = window("w", "02:00", "04:00");
    booking["reason"] = json!("first");
    booking["message"] = json!("Back soon.");
    world.invoke(booking).await.expect("booked");
    let edit = json!({"action": "edit", "id": "w", "reason": "second", "requested_by": "ana"});
    for (outcome, request) in [("edited", "one"), ("unchanged", "one"), ("unchanged", "two")] {
        let edited = world.try_invoke(&edit, request).await.expect("lives").expect("edited");
        assert_eq!(edited.outcome, outcome);
        let window = edited.window.expect("the window");
        assert_eq!((window.reason.as_deref(), window.message.as_deref()), (Some("second"), Some("Back soon.")));
    }
    assert_eq!(world.events(), ["booked", "edited"]);
    world.run_until("02:10").await;
    // An empty text takes it away, also while the window is active.
    let cleared = world.invoke(json!({"action": "edit", "id": "w", "message": ""})).await.expect("edited");
    assert_eq!((cleared.outcome.as_str(), cleared.window.expect("it").message), ("edited", None));
    assert!(world.is_dark(0));
    world.run_until("04:10").await;
    let refused = world.invoke(edit).await.expect_err("over").full();
    assert!(refused.starts_with("id: "), "{refused}");
    assert_eq!(world.events(), ["booked", "edited", "started", "edited", "completed"]);
    let decisions = world.history()[0]["decisions"].as_array().expect("decisions").len();
    assert_eq!(decisions, 3, "the booking and two edits");
}

#[tokio::test(start_paused = true)]
async fn a_series_hands_an_edit_on_to_its_booked_window_and_those_to_come() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    let edit = json!({"action": "edit", "id": "nightly", "reason": "new kernel", "message": "We are back at three."});
    let edited = world.invoke(edit).await.expect("edited");
    assert_eq!(edited.outcome, "edited");
    assert!(edited.message.contains("Series nightly was edited; its reason: \"new kernel\""), "{}", edited.message);
    let told = |window: &Value| (window["reason"].clone(), window["message"].clone());
    let expected = (json!("new kernel"), json!("We are back at three."));
    assert_eq!(told(&world.window("nightly-20261206T0200Z").expect("booked")), expected);
    world.run_until("03:10").await;
    assert_eq!(told(&world.window("nightly-20261207T0200Z").expect("the next")), expected);
    assert_eq!(world.count("edited"), 2, "of the series and of its window");
}

#[tokio::test(start_paused = true)]
async fn a_skip_is_taken_back_and_nothing_else_comes_with_it() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    let [first, second, third] = ["06", "07", "08"].map(|day| format!("nightly-202612{day}T0200Z"));
    world.invoke(json!({"action": "skip", "id": "nightly"})).await.expect("skipped");
    assert_eq!(world.windows().join(" "), second);
    // The second is dropped by a person, and stays dropped; the third is booked in its place.
    world.invoke(json!({"action": "cancel", "id": second})).await.expect("cancelled");
    assert_eq!(world.windows().join(" "), third);
    let back = world.invoke(json!({"action": "unskip", "id": "nightly", "start": "02:00"})).await.expect("taken back");
    assert_eq!(back.outcome, "unskipped");
    assert_eq!(world.windows(), [first, third.clone()]);
    let nothing = json!({"action": "unskip", "id": "nightly", "start": "2026-12-08T02:00"});
    let refused = world.invoke(nothing).await.expect_err("is not left out").full();
    assert!(refused.starts_with("start: expected a start to come that is left out"), "{refused}");
    world.run_until("03:10").await;
    assert_eq!(world.windows(), [third]);
    assert_eq!(world.count("unskipped"), 1);
    assert_eq!(world.count("completed"), 1, "{:?}", world.events());
    assert_eq!(world.count("failed"), 0, "no name is found taken: {:?}", world.events());
}

/// The starts to come that a series leaves out, as people are told, and all that its item holds.
async fn left_out(world: &World) -> (Vec<String>, Value) {
    let status = world.invoke(json!({"action": "status", "id": "nightly"})).await.expect("status");
    let told = status.series[0].skipped.iter().map(ToString::to_string).collect();
    (told, world.series("nightly").expect("it")["skipped"].clone())
}

#[tokio::test(start_paused = true)]
async fn other_starts_that_are_left_out_stay_so_and_those_that_have_passed_are_forgotten() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    world.invoke(json!({"action": "skip", "id": "nightly"})).await.expect("skipped");
    let tenth = "2026-12-10T02:00:00Z";
    world.invoke(json!({"action": "skip", "id": "nightly", "start": tenth})).await.expect("skipped");
    world.invoke(json!({"action": "unskip", "id": "nightly"})).await.expect("the first is taken back");
    assert_eq!(left_out(&world).await, (vec![tenth.to_owned()], json!([tenth])));
    world.invoke(json!({"action": "skip", "id": "nightly"})).await.expect("skipped");
    world.run_until("03:10").await;
    let twelfth = "2026-12-12T02:00:00Z";
    world.invoke(json!({"action": "skip", "id": "nightly", "start": twelfth})).await.expect("skipped");
    assert_eq!(left_out(&world).await.1, json!([tenth, twelfth]));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_cancelled_is_over_and_no_start_that_a_series_leaves_out() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    world.invoke(json!({"action": "cancel", "id": "nightly-20261206T0200Z"})).await.expect("cancelled");
    assert_eq!(left_out(&world).await, (vec![], json!([])));
    let refused = world.invoke(json!({"action": "unskip", "id": "nightly"})).await.expect_err("none").full();
    assert!(refused.contains("none is left out"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_skip_is_taken_back_before_its_report_got_out() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    world.state().broken = vec!["Publish"];
    world.invoke(json!({"action": "skip", "id": "nightly"})).await.expect_err("not told");
    world.invoke(json!({"action": "unskip", "id": "nightly"})).await.expect_err("not told");
    world.state().broken.clear();
    world.run_until("00:20").await;
    assert!(world.windows().contains(&"nightly-20261206T0200Z".to_owned()), "{:?}", world.windows());
    world.run_until("02:10").await;
    assert!(world.is_dark(0));
}

#[tokio::test(start_paused = true)]
async fn what_was_moved_to_another_nights_start_takes_its_place_no_more_than_it_comes_back() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    let [first, second, third] = ["06", "07", "08"].map(|day| format!("nightly-202612{day}T0200Z"));
    world.invoke(json!({"action": "skip", "id": "nightly"})).await.expect("skipped");
    world.invoke(json!({"action": "cancel", "id": second})).await.expect("cancelled");
    let moved = json!({"action": "reschedule", "id": third, "start": "2026-12-07T02:00:00Z"});
    world.invoke(moved).await.expect("moved");
    world.invoke(json!({"action": "unskip", "id": "nightly"})).await.expect("taken back");
    assert_eq!(world.windows(), [first.clone(), third.clone()]);
    world.run_until("02:10").await;
    assert_eq!(world.windows(), [first, third], "the second was cancelled");
}

#[tokio::test(start_paused = true)]
async fn what_a_person_cancelled_stays_so_though_a_skip_is_taken_back_while_the_series_is_paused() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    world.invoke(json!({"action": "skip", "id": "nightly"})).await.expect("skipped");
    world.invoke(json!({"action": "cancel", "id": "nightly-20261207T0200Z"})).await.expect("cancelled");
    for action in ["pause", "unskip", "resume"] {
        world.invoke(json!({"action": action, "id": "nightly"})).await.expect(action);
    }
    assert_eq!(world.windows(), ["nightly-20261206T0200Z"]);
    world.run_until("02:10").await;
    assert_eq!(world.windows(), ["nightly-20261206T0200Z", "nightly-20261208T0200Z"], "not the second");
}

#[tokio::test(start_paused = true)]
async fn an_event_without_an_id_means_the_only_one_and_is_never_guessed() {
    let world = World::new(1);
    let extend = json!({"action": "extend", "by": "PT30M"});
    let cancel = json!({"action": "cancel"});
    for event in [&extend, &cancel] {
        let refused = world.invoke(event.clone()).await.expect_err("nothing there").full();
        assert!(refused.starts_with("id: there is nothing to "), "{refused}");
    }
    world.invoke(window("a", "02:00", "03:00")).await.expect("booked");
    world.invoke(window("b", "05:00", "06:00")).await.expect("booked");
    let refused = world.invoke(cancel.clone()).await.expect_err("two").full();
    assert!(refused.contains("but the event names none of a, b"), "{refused}");
    let refused = world.invoke(extend.clone()).await.expect_err("none has begun").full();
    assert!(refused.contains("id: expected a window that has begun") && refused.contains("its id: a, b"), "{refused}");
    world.run_until("02:10").await;
    // One goes on, so that is the one meant, whatever else is booked.
    let extended = world.invoke(extend.clone()).await.expect("the only one that goes on");
    assert_eq!(extended.window.expect("a").end.expect("an end").to_string(), "2026-12-06T03:30:00Z");
    let told = "The times of window a are Sun 6 Dec 2026 02:00 UTC to Sun 6 Dec 2026 03:30 UTC";
    let meant = "The event named no id, and this was the only one that it could mean.";
    assert!(extended.message.contains(told) && extended.message.ends_with(meant), "{}", extended.message);
    let named = json!({"action": "extend", "id": "a", "by": "-PT5M"});
    assert!(!world.invoke(named).await.expect("extended").message.contains(meant));
    world.invoke(json!({"action": "on", "id": "c", "duration": "PT1H"})).await.expect("on");
    let refused = world.invoke(extend.clone()).await.expect_err("two go on").full();
    assert!(refused.ends_with("the event names none of a, c"), "{refused}");
    world.invoke(json!({"action": "off", "id": "c"})).await.expect("off");
    // One has begun, so only the other can be dropped.
    let dropped = world.invoke(cancel.clone()).await.expect("the only one ahead");
    assert!(dropped.message.ends_with(meant), "{}", dropped.message);
    assert_eq!((dropped.outcome.as_str(), dropped.window.expect("b").id.as_str()), ("cancelled", "b"));
    world.invoke(nightly()).await.expect("booked");
    let refused = world.invoke(cancel).await.expect_err("the series and its window").full();
    assert!(refused.contains("nightly"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn an_extend_that_comes_after_the_end_moves_no_other_night() {
    let world = World::new(1);
    world.invoke(window("a", "02:00", "03:00")).await.expect("booked");
    world.invoke(nightly()).await.expect("booked");
    world.run_until("03:05").await;
    let before = world.windows();
    let refused = world.invoke(json!({"action": "extend", "by": "PT30M"})).await.expect_err("too late").full();
    assert!(refused.contains("but none goes on; to close the site again send on"), "{refused}");
    assert_eq!(world.windows(), before);
}

#[tokio::test(start_paused = true)]
async fn a_series_that_has_run_out_is_reported_and_becomes_history() {
    let world = World::new(1);
    let twice = json!({"id": "twice", "every": "cron(0 2,5 6 12 ? 2026)", "duration": "PT1H", "timezone": "UTC"});
    world.invoke(twice).await.expect("booked");
    world.run_until("03:10").await;
    assert_eq!(world.series_ids(), ["twice"]);
    world.run_until("06:10").await;
    assert!(world.series_ids().is_empty() && world.left_over().is_empty(), "{:?}", world.left_over());
    assert_eq!(world.count("completed"), 3, "two windows and the series: {:?}", world.events());
    let last = world.state().published.last().expect("a report").document["text"].as_str().expect("text").to_owned();
    assert!(last.contains("Series twice has ended.") && last.contains("it has no start to come"), "{last}");
    let past = world.invoke(json!({"action": "history", "id": "twice"})).await.expect("history");
    assert_eq!(past.history.iter().map(|past| past.kind).collect::<Vec<_>>(), ["series"]);
    // One that is paused tells why nothing comes next.
    world.invoke(nightly()).await.expect("booked");
    let paused = world.invoke(json!({"action": "pause", "id": "nightly"})).await.expect("paused");
    assert_eq!(paused.series[0].notes, ["it is paused, and books nothing until it is resumed"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_cancelled_or_moved_after_a_skip_was_taken_back_stays_so() {
    for change in [
        json!({"action": "cancel", "id": "nightly-20261207T0200Z"}),
        json!({"action": "reschedule", "id": "nightly-20261207T0200Z", "start": "2026-12-06T22:00Z"}),
    ] {
        let world = World::new(1);
        world.invoke(nightly()).await.expect("booked");
        world.invoke(json!({"action": "skip", "id": "nightly"})).await.expect("skipped");
        world.invoke(json!({"action": "unskip", "id": "nightly"})).await.expect("taken back");
        assert_eq!(world.windows(), ["nightly-20261206T0200Z", "nightly-20261207T0200Z"]);
        world.invoke(change.clone()).await.expect("changed");
        world.run_until("03:10").await;
        let again =
            world.window("nightly-20261207T0200Z").is_some_and(|window| window["start"] != "2026-12-06T22:00:00Z");
        assert!(!again, "{change}: {:?}", world.windows());
        assert_eq!(world.count("failed"), 0, "{change}: {:?}", world.events());
    }
}

#[tokio::test(start_paused = true)]
async fn a_skip_that_is_taken_back_asks_its_own_series_only() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    let sundays = json!({"id": "other", "every": "cron(0 2 7 12 ? 2026)", "duration": "PT1H", "timezone": "UTC"});
    world.invoke(json!({"action": "skip", "id": "nightly"})).await.expect("skipped");
    world.invoke(json!({"action": "cancel", "id": "nightly-20261207T0200Z"})).await.expect("cancelled");
    world.invoke(sundays).await.expect("booked");
    world.invoke(json!({"action": "unskip", "id": "nightly"})).await.expect("taken back");
    world.run_until("03:10").await;
    assert!(world.window("nightly-20261207T0200Z").is_none(), "{:?}", world.windows());
}

#[tokio::test(start_paused = true)]
async fn the_report_of_an_edited_series_comes_with_the_repeated_request() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    world.invoke(json!({"action": "pause", "id": "nightly"})).await.expect("paused");
    let edit = json!({"action": "edit", "id": "nightly", "reason": "new kernel"});
    world.state().broken = vec!["Publish"];
    world.try_invoke(&edit, "one").await.expect("lives").expect_err("not told");
    world.state().broken.clear();
    let again = world.try_invoke(&edit, "one").await.expect("lives").expect("the same");
    assert_eq!((again.outcome.as_str(), world.count("edited")), ("unchanged", 1));
}

#[tokio::test(start_paused = true)]
async fn a_time_of_day_for_the_end_of_a_booked_window_comes_after_its_start() {
    let world = World::new(1);
    let mut late = json!({"id": "w", "start": "2026-12-07T22:00Z", "end": "2026-12-07T23:00Z", "timezone": "UTC"});
    late["reason"] = json!("disks");
    world.invoke(late).await.expect("booked");
    let extended = world.invoke(json!({"action": "extend", "id": "w", "end": "23:30"})).await.expect("extended");
    assert_eq!(extended.window.expect("it").end.expect("an end").to_string(), "2026-12-07T23:30:00Z");
}

#[tokio::test(start_paused = true)]
async fn the_next_change_is_the_sites_whatever_an_answer_is_about() {
    let world = World::new(1);
    let next = async |event: Value| {
        let answer = world.invoke(event.clone()).await.expect("answered");
        let told = answer.next_change.map(|at| at.strftime("%H:%M").to_string());
        assert_eq!(
            told,
            world
                .invoke(json!({"action": "status"}))
                .await
                .expect("status")
                .next_change
                .map(|at| at.strftime("%H:%M").to_string()),
            "as status tells it: {event}"
        );
        told.unwrap_or_default()
    };
    assert_eq!(next(window("a", "02:00", "03:00")).await, "02:00");
    assert_eq!(next(window("b", "05:00", "06:00")).await, "02:00", "booked");
    assert_eq!(next(window("b", "05:00", "06:00")).await, "02:00", "already booked");
    assert_eq!(next(json!({"action": "reschedule", "id": "b", "start": "2026-12-06T06:00Z"})).await, "02:00", "moved");
    assert_eq!(next(json!({"action": "edit", "id": "b", "reason": "new"})).await, "02:00", "edited");
    let series = json!({"id": "late", "every": "cron(0 9 * * ? *)", "duration": "PT1H", "timezone": "UTC"});
    assert_eq!(next(series).await, "02:00", "a series");
    assert_eq!(next(json!({"action": "skip", "id": "late"})).await, "02:00", "a skip");
    assert_eq!(next(json!({"action": "cancel", "id": "late"})).await, "02:00", "a series that ends");
    assert_eq!(next(json!({"action": "on", "id": "now", "duration": "PT8H"})).await, "02:00", "on");
    assert_eq!(next(json!({"action": "extend", "id": "now", "by": "PT1H"})).await, "02:00", "extended");
    assert_eq!(next(json!({"action": "off", "id": "now"})).await, "02:00", "off");
    assert_eq!(next(json!({"action": "cancel", "id": "a"})).await, "06:00", "cancelled");
}
