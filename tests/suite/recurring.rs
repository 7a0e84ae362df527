//! Windows that recur: booked one at a time, skipped, paused, resumed and cancelled.

use serde_json::{Value, json};

use crate::world::{Call, Fault, World, rule_arn};

fn nightly() -> Value {
    json!({"action": "book", "id": "nightly", "every": "cron(0 2 * * ? *)", "duration": "PT30M", "timezone": "UTC"})
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
    assert_eq!(world.windows(), ["nightly-20261206T0200Z"]);
    run_until(&world, "2026-12-06T02:10:00Z").await;
    assert!(world.is_dark(0));
    assert_eq!(world.windows().len(), 2, "the next one is booked as soon as this one has begun");
    run_until(&world, "2026-12-08T12:00:00Z").await;
    assert!(!world.is_dark(0));
    assert_eq!((world.count("booked"), world.count("started"), world.count("completed")), (4, 3, 3));
    assert_eq!(world.schedule_names().len(), 2, "only those of the next: {:?}", world.schedule_names());
    assert_eq!(world.history().len(), 3);
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
    assert_eq!(world.windows(), ["nightly-20261207T0200Z"]);
    world.invoke(json!({"action": "cancel", "id": "nightly-20261207T0200Z"})).await.expect("left out");
    run_until(&world, "2026-12-07T12:00:00Z").await;
    assert_eq!((world.count("cancelled"), world.count("started")), (2, 0));
    assert_eq!(world.windows(), ["nightly-20261208T0200Z"]);
    let wrong = json!({"action": "skip", "id": "nightly", "start": "2026-12-09T03:00:00Z"});
    assert!(world.invoke(wrong).await.expect_err("refused").full().contains("starts to come"));
}

#[tokio::test(start_paused = true)]
async fn a_series_can_be_paused_go_on_and_end_and_is_history_then() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    world.invoke(json!({"action": "pause", "id": "nightly"})).await.expect("paused");
    assert!(world.windows().is_empty());
    run_until(&world, "2026-12-07T12:00:00Z").await;
    assert_eq!(world.count("started"), 0);
    let resumed = world.invoke(json!({"action": "resume", "id": "nightly"})).await.expect("resumed");
    assert_eq!(resumed.next_change.expect("a moment").to_string(), "2026-12-08T02:00:00Z");
    run_until(&world, "2026-12-08T02:10:00Z").await;
    assert!(world.is_dark(0));
    let status = world.invoke(json!({"action": "status"})).await.expect("status");
    assert_eq!((status.series.len(), status.windows.len()), (1, 2));
    world.invoke(json!({"action": "cancel", "id": "nightly"})).await.expect("cancelled");
    run_until(&world, "2026-12-09T12:00:00Z").await;
    assert!(!world.is_dark(0) && world.series_ids().is_empty());
    assert_eq!(world.left_over(), [""; 0]);
    assert_eq!(world.count("completed"), 1, "the active one went on to its end");
    let history = world.history();
    let series = history.iter().find(|past| past["series"] == "nightly" && past["paused"].is_boolean()).expect("it");
    let decided: Vec<&str> =
        series["decisions"].as_array().expect("decisions").iter().filter_map(|one| one["action"].as_str()).collect();
    assert_eq!(decided, ["book", "pause", "resume", "cancel"]);
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
async fn a_dry_run_of_a_series_says_what_is_odd_about_it_and_books_nothing() {
    let world = World::new(1);
    let event = json!({
        "every": "cron(30 1 28 3 ? 2027)", "duration": "PT30M", "timezone": "Europe/London", "id": "spring",
        "dry_run": true
    });
    let told = world.invoke(event).await.expect("told");
    assert_eq!((told.outcome.as_str(), told.warnings.len()), ("dry_run", 1), "{:?}", told.warnings);
    assert!(world.series_ids().is_empty() && world.windows().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_series_says_when_it_comes_next_or_that_it_is_paused() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    let told = async || world.invoke(json!({"action": "status", "id": "nightly"})).await.expect("status").message;
    let message = told().await;
    let nights = "Sun 6 Dec 2026 02:00 UTC, Mon 7 Dec 2026 02:00 UTC, Tue 8 Dec 2026 02:00 UTC";
    assert!(message.ends_with(&format!("Series nightly comes next on {nights}.")), "{message}");
    world.invoke(json!({"action": "pause", "id": "nightly"})).await.expect("paused");
    let message = told().await;
    assert!(
        message.ends_with("Series nightly is paused. Series nightly books no window until it is resumed."),
        "{message}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_series_whose_last_window_goes_on_can_be_paused() {
    let world = World::new(1);
    let once = json!({"id": "once", "every": "cron(0 2 6 12 ? 2026)", "duration": "PT30M", "timezone": "UTC"});
    world.invoke(once).await.expect("booked");
    run_until(&world, "2026-12-06T02:10:00Z").await;
    let paused = world.invoke(json!({"action": "pause", "id": "once"})).await.expect("paused");
    assert_eq!((paused.outcome.as_str(), paused.series[0].paused), ("paused", true), "{}", paused.message);
    assert!(world.is_dark(0), "what goes on is left alone");
    run_until(&world, "2026-12-06T03:00:00Z").await;
    assert_eq!(world.series_ids(), ["once"], "it may be resumed");
}

#[tokio::test(start_paused = true)]
async fn what_a_person_cancelled_stays_so_though_another_series_comes_earlier() {
    let world = World::new(1);
    let early = json!({"id": "early", "every": "cron(0 1 * * ? *)", "duration": "PT30M", "timezone": "UTC"});
    world.invoke(early).await.expect("booked");
    world.invoke(nightly()).await.expect("booked");
    world.invoke(json!({"action": "cancel", "id": "nightly-20261206T0200Z"})).await.expect("cancelled");
    for action in ["pause", "resume"] {
        world.invoke(json!({"action": action, "id": "nightly"})).await.expect(action);
    }
    assert_eq!(world.windows(), ["early-20261206T0100Z", "nightly-20261207T0200Z"]);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_skip_reports_its_own_decision() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    let skip = json!({"action": "skip", "id": "nightly"});
    for request in ["one", "two", "two"] {
        world.try_invoke(&skip, request).await.expect("lives").expect("skipped");
        world.until(world.now() + jiff::SignedDuration::from_mins(1)).await;
    }
    let reports = of_series(&world);
    let [one, two, again] = reports.as_slice() else { panic!("{reports:?}") };
    assert!(one != two && two == again, "{reports:?}");
}

#[tokio::test(start_paused = true)]
async fn a_skip_repeated_after_another_one_offers_to_take_back_its_own_start() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    for (day, request) in [(7, "one"), (8, "two"), (7, "one")] {
        let skip = json!({"action": "skip", "id": "nightly", "start": format!("2026-12-{day:02}T02:00:00Z")});
        world.try_invoke(&skip, request).await.expect("lives").expect("skipped");
        let mail = world.text_of("skipped");
        assert!(mail.contains("to take that back"), "{day}: {mail}");
        let start = format!("2026-12-{day:02}T02:00:00Z");
        assert!(mail.lines().any(|line| line.contains("unskip") && line.contains(&start)), "{day}: {mail}");
        world.until(world.now() + jiff::SignedDuration::from_mins(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_skip_leaves_out_a_start_of_its_own_series_and_nothing_that_was_moved() {
    let world = World::new(1);
    let backup = json!({"id": "backup", "every": "cron(0 2 * * ? *)", "duration": "PT30M", "timezone": "UTC"});
    world.invoke(nightly()).await.expect("booked");
    world.invoke(backup).await.expect("booked");
    world.invoke(json!({"action": "skip", "id": "nightly"})).await.expect("skipped");
    assert_eq!(world.windows(), ["backup-20261206T0200Z", "nightly-20261207T0200Z"]);
    let moved = json!({"action": "reschedule", "id": "backup-20261206T0200Z", "start": "2026-12-06T05:00:00Z"});
    world.invoke(moved).await.expect("moved");
    let skip = json!({"action": "skip", "id": "backup", "start": "2026-12-06T02:00:00Z"});
    world.invoke(skip).await.expect("skipped");
    assert_eq!(world.windows(), ["backup-20261206T0200Z", "nightly-20261207T0200Z"]);
    assert_eq!(world.count("cancelled"), 1, "the window of the series that skips");
}

#[tokio::test(start_paused = true)]
async fn a_series_that_could_not_work_is_refused_with_its_reasons() {
    let world = World::new(1);
    for (field, value, why) in [
        ("every", json!("0 2 * * *"), "every:"),
        ("every", json!("rate(20 minutes)"), "duration:"),
        ("duration", json!("PT48H"), "MaxDuration"),
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
    assert!(world.schedule_names().is_empty() && world.series_ids().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_again_neither_resumes_a_paused_series_nor_books_twice() {
    let world = World::new(1);
    let rate = json!({"every": "rate(7 days)", "duration": "PT30M", "id": "weekly"});
    world.invoke(rate.clone()).await.expect("booked");
    world.until(world.at("00:01:30")).await;
    assert_eq!(world.invoke(rate.clone()).await.expect("known").outcome, "already_booked");
    assert_eq!(world.windows().len(), 1);
    world.invoke(json!({"action": "pause", "id": "weekly"})).await.expect("paused");
    let again = world.invoke(rate).await.expect("known");
    assert!(again.message.contains("paused") && world.windows().is_empty(), "{again:?}");
}

/// The reports about a series: event and id.
fn of_series(world: &World) -> Vec<(String, String)> {
    let state = world.state();
    let reports = state.published.iter().filter(|report| report.document["series"].is_object());
    reports.map(|report| (report.event().to_owned(), report.document["report_id"].to_string())).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_decided_about_a_series_is_reported_under_one_id_however_often_it_comes() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    let mut ids = vec![];
    for (action, told) in [("skip", "skipped"), ("pause", "paused"), ("resume", "resumed"), ("cancel", "cancelled")] {
        let event = json!({"action": action, "id": "nightly"});
        for _ in 0..2 {
            world.try_invoke(&event, action).await.expect("lives").expect(action);
            world.until(world.now() + jiff::SignedDuration::from_mins(1)).await;
        }
        let reports = of_series(&world);
        let [.., first, again] = reports.as_slice() else { panic!("{reports:?}") };
        assert_eq!((first.0.as_str(), first), (told, again), "{action}");
        ids.push(first.1.clone());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4, "each decision has an id of its own");
    // What changes nothing is no news.
    world.invoke(nightly()).await.expect("booked");
    let before = of_series(&world).len();
    for _ in 0..2 {
        let resume = json!({"action": "resume", "id": "nightly"});
        world.try_invoke(&resume, "idle").await.expect("lives").expect("unchanged");
    }
    assert_eq!(of_series(&world).len(), before);
}

#[tokio::test(start_paused = true)]
async fn a_decision_about_a_series_stands_although_its_report_fails_and_is_told_by_the_next_try() {
    for (action, told) in [("skip", "skipped"), ("pause", "paused"), ("cancel", "cancelled")] {
        let world = World::new(1);
        world.invoke(nightly()).await.expect("booked");
        let event = json!({"action": action, "id": "nightly"});
        world.state().broken = vec!["Publish"];
        let failed = world.try_invoke(&event, "one").await.expect("lives").expect_err("untold");
        assert_eq!(failed.kind(), "Incomplete", "{}", failed.full());
        assert!(failed.full().contains("stands") && failed.full().contains("series nightly"), "{}", failed.full());
        let series = world.series("nightly");
        match action {
            "skip" => assert_eq!(series.expect("it")["skipped"].as_array().map(Vec::len), Some(1)),
            "pause" => assert_eq!(series.expect("it")["paused"], true),
            _ => assert!(series.is_none()),
        }
        assert!(of_series(&world).is_empty());
        world.state().broken.clear();
        world.try_invoke(&event, "one").await.expect("lives").expect("told now");
        assert_eq!(of_series(&world).iter().map(|report| report.0.as_str()).collect::<Vec<_>>(), [told]);
    }
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
    assert_eq!(world.windows(), ["nightly-20261208T0200Z"]);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_pause_does_not_undo_what_was_decided_since() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    let pause = json!({"action": "pause", "id": "nightly"});
    world.try_invoke(&pause, "one").await.expect("lives").expect("paused");
    world.invoke(json!({"action": "resume", "id": "nightly"})).await.expect("resumed");
    let again = world.try_invoke(&pause, "one").await.expect("lives").expect("known");
    assert_eq!(again.outcome, "unchanged");
    assert_eq!(world.series("nightly").expect("a series")["paused"], false);
    assert_eq!(world.windows(), ["nightly-20261206T0200Z"]);
    let cancel = json!({"action": "cancel", "id": "nightly"});
    world.try_invoke(&cancel, "two").await.expect("lives").expect("cancelled");
    world.invoke(nightly()).await.expect("another series of the name");
    world.try_invoke(&cancel, "two").await.expect("lives").expect("known");
    assert_eq!((world.series_ids().len(), world.windows().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_occurrence_that_was_paused_away_comes_again_once_resumed_and_happens_once() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    run_until(&world, "2026-12-06T01:00:00Z").await;
    world.invoke(json!({"action": "pause", "id": "nightly"})).await.expect("paused");
    run_until(&world, "2026-12-06T01:20:00Z").await;
    assert!(world.windows().is_empty());
    world.invoke(json!({"action": "resume", "id": "nightly"})).await.expect("resumed");
    assert_eq!(world.windows(), ["nightly-20261206T0200Z"]);
    run_until(&world, "2026-12-06T02:10:00Z").await;
    // The night has begun: to pause and resume now leaves it alone, and does not bring it again.
    world.invoke(json!({"action": "pause", "id": "nightly"})).await.expect("paused");
    world.invoke(json!({"action": "resume", "id": "nightly"})).await.expect("resumed");
    run_until(&world, "2026-12-06T12:00:00Z").await;
    assert_eq!((world.count("started"), world.count("completed")), (1, 1), "{:?}", world.events());
}

#[tokio::test(start_paused = true)]
async fn what_a_person_ended_does_not_come_back_with_a_pause() {
    // One night is cancelled, or is moved to earlier and has happened.
    let cancel = json!({"action": "cancel", "id": "nightly-20261206T0200Z"});
    let earlier = json!({"action": "reschedule", "id": "nightly-20261206T0200Z", "start": "2026-12-06T00:20:00Z"});
    for (change, started) in [(cancel, 0), (earlier, 1)] {
        let world = World::new(1);
        world.invoke(nightly()).await.expect("booked");
        world.invoke(change).await.expect("changed");
        run_until(&world, "2026-12-06T01:00:00Z").await;
        world.invoke(json!({"action": "pause", "id": "nightly"})).await.expect("paused");
        run_until(&world, "2026-12-06T01:20:00Z").await;
        world.invoke(json!({"action": "resume", "id": "nightly"})).await.expect("resumed");
        assert_eq!(world.windows(), ["nightly-20261207T0200Z"]);
        run_until(&world, "2026-12-06T12:00:00Z").await;
        assert_eq!(world.count("started"), started, "{:?}", world.events());
    }
}

#[tokio::test(start_paused = true)]
async fn an_occurrence_that_was_switched_off_does_not_come_back() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    run_until(&world, "2026-12-06T02:10:00Z").await;
    // The run that ends it dies at each of its calls, and the next sweep goes on.
    for nth in 0..12 {
        let invocation = world.state().invocations.len();
        world.state().faults.insert((invocation, nth), crate::world::Fault::DiesAfter);
        world.try_invoke(&json!({"action": "off"}), &format!("off {nth}")).await;
    }
    world.state().faults.clear();
    run_until(&world, "2026-12-06T12:00:00Z").await;
    assert_eq!((world.count("started"), world.is_dark(0)), (1, false), "{:?}", world.events());
    assert_eq!(world.windows(), ["nightly-20261207T0200Z"]);
}

#[tokio::test(start_paused = true)]
async fn a_series_covers_the_rules_that_the_settings_name_at_each_start() {
    let mut world = World::new(2);
    world.settings.insert("RULE_ARNS", rule_arn(0));
    world.invoke(nightly()).await.expect("booked");
    world.settings.insert("RULE_ARNS", [rule_arn(0), rule_arn(1)].join(","));
    run_until(&world, "2026-12-06T02:10:00Z").await;
    assert!(world.is_dark(0) && world.is_dark(1));
    run_until(&world, "2026-12-06T12:00:00Z").await;
    assert!(!world.is_dark(0) && !world.is_dark(1));
    world.settings.insert("RULE_ARNS", rule_arn(1));
    run_until(&world, "2026-12-07T02:10:00Z").await;
    assert!(!world.is_dark(0) && world.is_dark(1));
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_could_not_work_is_told_when_its_occurrence_is_booked() {
    let world = World::new(1);
    world.invoke(nightly()).await.expect("booked");
    world.state().rules.get_mut(&rule_arn(0)).expect("a rule").is_default = true;
    world.invoke(json!({"action": "skip", "id": "nightly"})).await.expect("skipped");
    let text = world.text_of("booked");
    assert!(text.contains("could not work as things are") && text.contains("default"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_occurrence_whose_name_is_taken_is_left_out_and_that_is_told() {
    let world = World::new(1);
    let taken = json!({"id": "nightly-20261207T0200Z", "start": "2026-12-10T02:00Z", "end": "2026-12-10T03:00Z"});
    world.invoke(taken).await.expect("booked");
    world.invoke(nightly()).await.expect("booked");
    run_until(&world, "2026-12-06T02:10:00Z").await;
    assert_eq!(world.count("failed"), 1);
    assert!(
        world.text_of("failed").contains("the name nightly-20261207T0200Z is taken"),
        "{}",
        world.text_of("failed")
    );
    run_until(&world, "2026-12-07T12:00:00Z").await;
    assert_eq!((world.count("failed"), world.count("started")), (1, 1), "{:?}", world.events());
    run_until(&world, "2026-12-08T02:10:00Z").await;
    assert!(world.is_dark(0), "the series goes on");
}

#[tokio::test(start_paused = true)]
async fn a_window_and_a_series_of_one_name_cannot_be() {
    let world = World::new(1);
    let window = json!({"id": "nightly", "start": "2026-12-06T00:30Z", "end": "2026-12-06T00:40Z"});
    world.invoke(nightly()).await.expect("booked");
    let refused = world.invoke(window.clone()).await.expect_err("a series has the name").full();
    assert!(refused.contains("nightly is a series"), "{refused}");
    world.invoke(json!({"action": "cancel", "id": "nightly"})).await.expect("cancelled");
    world.invoke(window).await.expect("booked");
    let refused = world.invoke(nightly()).await.expect_err("a window has the name").full();
    assert!(refused.contains("nightly is a window"), "{refused}");
    run_until(&world, "2026-12-06T01:00:00Z").await;
    // Its end frees the name, and takes nothing of the series with it.
    world.invoke(nightly()).await.expect("booked");
    run_until(&world, "2026-12-06T02:10:00Z").await;
    assert!(world.is_dark(0));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_the_clocks_bring_too_near_the_next_says_so_and_no_other_does() {
    // In the night to 28 March 2027 the clocks go forward, so that its noons are 23 hours apart.
    let words = "the one after it starts before this one is over, since the clocks change";
    for (duration, is_told) in [("PT23H30M", true), ("PT23H", false)] {
        let world = World::new(1);
        let began = world.now();
        let event = json!({
            "id": "daily", "every": "cron(0 12 * * ? *)", "duration": duration, "timezone": "Europe/Berlin"
        });
        world.invoke(event).await.expect("booked");
        world.until(moment("2027-03-27T10:30:00Z") + world.now().duration_since(began)).await;
        let mut tries = 0;
        while world.window("daily-20270327T1100Z").is_none() && tries < 3 {
            world.invoke(json!({"action": "sweep"})).await.expect("swept");
            tries += 1;
        }
        assert!(world.window("daily-20270327T1100Z").is_some(), "{:?}", world.windows());
        assert_eq!(world.text_of("booked").contains(words), is_told, "{duration}: {}", world.text_of("booked"));
    }
}

#[tokio::test(start_paused = true)]
async fn that_a_series_has_run_out_is_told_under_one_id_whatever_is_decided_in_between() {
    let once = json!({"id": "once", "every": "cron(0 2 6 12 ? 2026)", "duration": "PT1H", "timezone": "UTC"});
    // The sweep after its last window ends the series; so many calls of it go well.
    let last_night = async |calls: Option<usize>| {
        let world = World::new(1);
        world.invoke(once.clone()).await.expect("booked");
        world.run_until("03:00:10").await;
        let invocation = world.state().invocations.len();
        world.state().faults.extend(calls.map(|nth| ((invocation, nth), Fault::Refused)));
        world.take_calls();
        assert_eq!(world.invoke(json!({"action": "sweep"})).await.is_err(), calls.is_some());
        world
    };
    let fine = last_night(None).await;
    let becomes_history = |call: &Call| call.name == "TransactWriteItems" && call.subject.contains("series#once");
    let written = fine.state().calls.iter().position(becomes_history).expect("it becomes history");
    let world = last_night(Some(written)).await;
    let ids = |world: &World| -> Vec<String> {
        of_series(world).into_iter().filter(|(event, _)| event == "completed").map(|(_, id)| id).collect()
    };
    assert_eq!((ids(&world).len(), world.series_ids().len()), (1, 1), "{:?}", world.events());
    world.invoke(json!({"action": "edit", "id": "once", "reason": "for the records"})).await.expect("edited");
    world.run_until("03:20").await;
    let ids = ids(&world);
    assert_eq!((ids.len(), ids.first() == ids.last()), (2, true), "{ids:?} {:?}", world.events());
    assert_eq!(world.series_ids(), [""; 0]);
}

/// Every hour for five minutes, booked at midnight: its first window is that of one o'clock.
async fn hourly() -> World {
    let world = World::new(1);
    let event = json!({"action": "book", "id": "s", "every": "cron(0 * * * ? *)", "duration": "PT5M"});
    world.invoke(event).await.expect("booked");
    assert_eq!(world.windows(), [hour(1)]);
    world
}

/// The window of an hour of the first night.
fn hour(hour: u8) -> String {
    format!("s-20261206T{hour:02}00Z")
}

/// What `status` says comes next, as times of the day.
async fn coming(world: &World) -> Vec<String> {
    let status = world.invoke(json!({"action": "status", "id": "s"})).await.expect("status");
    status.series[0].next.iter().map(|start| start.strftime("%H:%M").to_string()).collect()
}

fn reschedule(hours: u8, start: &str) -> Value {
    json!({"action": "reschedule", "id": hour(hours), "start": start})
}

#[tokio::test(start_paused = true)]
async fn the_next_one_that_is_skipped_is_the_one_that_would_close_the_site_next() {
    let skip = json!({"action": "skip", "id": "s"});
    // Moved ahead of its time.
    let world = hourly().await;
    world.invoke(reschedule(1, "2026-12-06T00:45:00Z")).await.expect("moved");
    assert_eq!(coming(&world).await, ["00:45", "02:00", "03:00"]);
    let skipped = world.invoke(skip.clone()).await.expect("skipped");
    let words =
        "Series s leaves out Sun 6 Dec 2026 00:45 UTC, where its window of Sun 6 Dec 2026 01:00 UTC was moved to";
    assert!(skipped.message.contains(words), "{}", skipped.message);
    assert_eq!((skipped.outcome.as_str(), world.windows()), ("skipped", vec![hour(2)]));
    let mail = world.text_of("skipped");
    assert!(mail.contains("Left out  Sun 6 Dec 2026 00:45 UTC\nNext      Sun 6 Dec 2026 02:00 UTC"), "{mail}");
    assert!(mail.contains("first time, invoke") && mail.contains(r#""start":"2026-12-06T01:00:00Z"}"#), "{mail}");
    // It comes back at the time that the series has.
    let back = world.invoke(json!({"action": "unskip", "id": "s"})).await.expect("taken back");
    assert!(back.message.ends_with("Series s no longer leaves out Sun 6 Dec 2026 01:00 UTC."), "{}", back.message);
    assert_eq!(
        (world.windows(), coming(&world).await),
        (vec![hour(1), hour(2)], ["01:00", "02:00", "03:00"].map(str::to_owned).to_vec())
    );
    let mail = world.text_of("unskipped");
    assert!(mail.contains("Included  Sun 6 Dec 2026 01:00 UTC\nNext      Sun 6 Dec 2026 01:00 UTC"), "{mail}");
    world.run_until("00:50").await;
    assert!(!world.is_dark(0), "nothing starts where it had been moved to");
    world.run_until("01:03").await;
    assert!(world.is_dark(0));

    // Cancelled: the next one is that of two o'clock.
    let world = hourly().await;
    world.invoke(json!({"action": "cancel", "id": hour(1)})).await.expect("cancelled");
    assert_eq!(coming(&world).await, ["02:00", "03:00", "04:00"]);
    let skipped = world.invoke(skip.clone()).await.expect("skipped");
    assert!(skipped.message.ends_with("Series s leaves out Sun 6 Dec 2026 02:00 UTC."), "{}", skipped.message);
    assert_eq!(world.windows(), [hour(3)]);

    // Moved behind the one after it, which comes first, and then past its own time.
    let world = hourly().await;
    world.invoke(reschedule(1, "2026-12-06T02:30:00Z")).await.expect("moved");
    assert_eq!(coming(&world).await, ["02:00", "02:30", "03:00"]);
    world.invoke(skip.clone()).await.expect("skipped");
    world.run_until("02:10").await;
    assert!(!world.is_dark(0));
    assert_eq!(coming(&world).await, ["02:30", "03:00", "04:00"]);
    let skipped = world.invoke(skip).await.expect("skipped");
    assert!(skipped.message.ends_with("was moved to; unskip cannot take that back."), "{}", skipped.message);
    assert!(!world.text_of("skipped").contains("unskip"), "{}", world.text_of("skipped"));
    world.invoke(json!({"action": "unskip", "id": "s"})).await.expect_err("its own time has passed");
    world.run_until("02:40").await;
    assert!(!world.is_dark(0));
    assert_eq!(world.windows(), [hour(3)]);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_has_no_window_any_more_cannot_be_skipped_and_its_new_one_can() {
    let world = hourly().await;
    world.invoke(reschedule(1, "2026-12-06T00:45:00Z")).await.expect("moved");
    let skip = |start: &str| json!({"action": "skip", "id": "s", "start": start});
    let dead = world.invoke(skip("01:00")).await.expect("answered");
    assert_eq!((dead.outcome.as_str(), world.windows()), ("unchanged", vec![hour(1)]));
    let words = "Nothing was changed: series s has no window at Sun 6 Dec 2026 01:00 UTC; its window s-20261206T0100Z was \
                 moved to Sun 6 Dec 2026 00:45 UTC, and stays.";
    assert!(dead.message.ends_with(words), "{}", dead.message);
    assert_eq!(world.count("skipped"), 0);
    let refused = world.invoke(skip("00:50")).await.expect_err("no such start").full();
    assert!(refused.contains("(2026-12-06T00:45:00Z, 2026-12-06T02:00:00Z, 2026-12-06T03:00:00Z)"), "{refused}");
    // As the console names what comes next.
    let skipped = world.invoke(skip("2026-12-06T00:45:00Z")).await.expect("skipped");
    assert_eq!((skipped.outcome.as_str(), world.windows()), ("skipped", vec![hour(2)]));
    world.invoke(json!({"action": "cancel", "id": hour(2)})).await.expect("cancelled");
    let dead = world.invoke(skip("02:00")).await.expect("answered");
    assert_eq!(dead.outcome, "unchanged");
    assert!(dead.message.ends_with("02:00 UTC; its window of then was cancelled."), "{}", dead.message);
}

#[tokio::test(start_paused = true)]
async fn starts_that_are_left_out_are_told_in_the_order_of_time() {
    let world = hourly().await;
    for start in ["04:00", "03:00", "05:00"] {
        world.invoke(json!({"action": "skip", "id": "s", "start": start})).await.expect("skipped");
    }
    let status = world.invoke(json!({"action": "status", "id": "s"})).await.expect("status");
    let told: Vec<String> = status.series[0].skipped.iter().map(|at| at.strftime("%H").to_string()).collect();
    assert_eq!(told, ["03", "04", "05"]);
    let wrong = json!({"action": "unskip", "id": "s", "start": "06:00"});
    let refused = world.invoke(wrong).await.expect_err("not left out").full();
    assert!(refused.contains("(2026-12-06T03:00:00Z, 2026-12-06T04:00:00Z, 2026-12-06T05:00:00Z)"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_series_that_is_booked_again_with_another_start_is_refused_and_with_the_same_is_known() {
    let world = World::new(1);
    let rate = json!({"action": "book", "id": "r", "every": "rate(1 hour)", "duration": "PT5M", "start": "2026-12-06T00:10:00Z"});
    let starting = |event: &Value, start: Value| {
        let mut event = event.clone();
        event["start"] = start;
        event
    };
    world.invoke(rate.clone()).await.expect("booked");
    for other in ["2026-12-06T00:40:00Z", "2027-01-05T00:10:00Z"] {
        let mut dry = starting(&rate, json!(other));
        let refused = world.invoke(dry.clone()).await.expect_err(other).full();
        dry["dry_run"] = json!(true);
        assert_eq!(world.invoke(dry).await.expect_err("nor tried").full(), refused);
        assert!(refused.starts_with("start: series r exists already with other starts"), "{refused}");
        assert!(refused.contains("from now on it has its first Sun 6 Dec 2026 00:10 UTC"), "{refused}");
    }
    let mut dry = rate.clone();
    dry["dry_run"] = json!(true);
    let told = world.invoke(dry).await.expect("told").message;
    let words = "Nothing was done; series r already exists, and comes next from Sun 6 Dec 2026 00:10 UTC until Sun";
    assert!(told.contains(words), "{told}");
    world.run_until("01:20").await;
    assert_eq!(world.invoke(rate.clone()).await.expect("known").outcome, "already_booked", "also later");
    world.invoke(starting(&rate, json!("2026-12-06T05:00:00Z"))).await.expect_err("at other minutes");

    // The function chose the first start of a rate, and would choose a later one now.
    let chosen = json!({"action": "book", "id": "c", "every": "rate(1 hour)", "duration": "PT5M"});
    world.invoke(chosen.clone()).await.expect("booked");
    world.run_until("01:40").await;
    assert_eq!(world.invoke(chosen).await.expect("known").outcome, "already_booked");

    let cron = json!({"action": "book", "id": "n", "every": "cron(0 3 * * ? *)", "duration": "PT5M"});
    world.invoke(cron.clone()).await.expect("booked");
    world.invoke(starting(&cron, json!("2027-06-01T00:00Z"))).await.expect_err("from June on");
    for same in [cron.clone(), starting(&cron, json!("2026-12-06T02:00Z"))] {
        assert_eq!(world.invoke(same).await.expect("known").outcome, "already_booked", "the same nights");
    }
    let june = json!({"action": "book", "id": "j", "every": "cron(0 3 * * ? *)", "duration": "PT5M", "start": "2027-06-01T00:00Z"});
    world.invoke(june.clone()).await.expect("booked");
    assert_eq!(world.invoke(june.clone()).await.expect("known").outcome, "already_booked");
    let mut at_once = june;
    at_once.as_object_mut().expect("an object").remove("start");
    world.invoke(at_once).await.expect_err("it would begin at once");
}

#[tokio::test(start_paused = true)]
async fn what_a_series_booked_again_would_change_is_named_as_for_a_window() {
    let world = World::new(1);
    let series = |more: &Value| {
        let mut event = nightly();
        event["mute_alarms"] = json!(["one", "two"]);
        event["requested_by"] = json!("ann");
        event.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        event
    };
    world.invoke(series(&json!({}))).await.expect("booked");
    let anew = "no event changes its requested_by: cancel it and book it anew.";
    for (more, words, step) in [
        (json!({}), String::new(), None),
        (json!({"mute_alarms": ["two", "one"]}), String::new(), None),
        (json!({"requested_by": "eve"}), format!("the requested_by was not taken; {anew}"), None),
        (
            json!({"mute_alarms": []}),
            "the mute_alarms was not taken; edit changes the mute_alarms.".to_owned(),
            Some(json!({"action": "edit", "id": "nightly", "mute_alarms": []})),
        ),
        (
            json!({"reason": "another", "message": "Back soon", "requested_by": "eve"}),
            format!("the reason, message and requested_by were not taken; edit changes the reason and message; {anew}"),
            Some(json!({"action": "edit", "id": "nightly", "reason": "another", "message": "Back soon"})),
        ),
    ] {
        let mut dry = series(&more);
        dry["dry_run"] = json!(true);
        for (event, outcome) in [(dry, "dry_run"), (series(&more), "already_booked")] {
            let known = world.invoke(event).await.expect("known");
            assert_eq!(known.outcome, outcome);
            let told = known.message.split_once(" It was there before, so ").map_or("", |(_, told)| told);
            assert_eq!(told, words, "{more}: {}", known.message);
            let steps = known.next_steps.iter().filter(|step| step.starts_with("to change the "));
            let steps: Vec<Value> =
                steps.map(|step| serde_json::from_str(&step[step.find('{').expect("JSON")..]).expect("JSON")).collect();
            assert_eq!(steps, step.clone().filter(|_| outcome != "dry_run").as_slice(), "{more}");
        }
    }
    let step = json!({"action": "edit", "id": "nightly", "reason": "another", "message": "Back soon"});
    world.invoke(step).await.expect("edited");
    let known = world.invoke(series(&json!({"reason": "another", "message": "Back soon"}))).await.expect("known");
    assert!(!known.message.contains("not taken"), "{}", known.message);
}

/// No invocation comes until this moment.
async fn outage(world: &World, until: &str) {
    world.until(moment(until)).await;
    world.invoke(json!({"action": "sweep"})).await.expect("swept");
}

#[tokio::test(start_paused = true)]
async fn what_an_outage_made_a_series_leave_out_is_told_with_the_next_window() {
    let world = hourly().await;
    world.run_until("01:10").await;
    world.invoke(json!({"action": "skip", "id": "s", "start": "05:00"})).await.expect("skipped");
    outage(&world, "2026-12-07T01:20:00Z").await;
    assert_eq!((world.count("missed"), world.windows()), (1, vec!["s-20261207T0200Z".to_owned()]));
    // From three o'clock to one o'clock there are 23, of which one was to be left out.
    let words = "Note: series s left out 22 starts, from Sun 6 Dec 2026 03:00 UTC to Mon 7 Dec 2026 01:00 UTC: the function \
                 did not run, or could not book it in time";
    let mail = world.text_of("booked");
    assert!(mail.contains(words), "{mail}");
    run_until(&world, "2026-12-07T02:10:00Z").await;
    assert!(!world.text_of("booked").contains("left out"), "told once: {}", world.text_of("booked"));
    outage(&world, "2026-12-07T04:20:00Z").await;
    assert!(
        world.text_of("booked").contains("series s left out its start of Mon 7 Dec 2026 04:00 UTC:"),
        "{}",
        world.text_of("booked")
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_left_out_on_purpose_is_not_told_as_not_booked() {
    // During a pause, by a skip, and what was booked beside one that came back.
    let world = hourly().await;
    world.invoke(json!({"action": "skip", "id": "s"})).await.expect("skipped");
    world.invoke(json!({"action": "unskip", "id": "s"})).await.expect("taken back");
    assert_eq!(world.windows(), [hour(1), hour(2)]);
    world.run_until("01:10").await;
    world.run_until("02:10").await;
    world.invoke(json!({"action": "skip", "id": "s", "start": "04:00"})).await.expect("skipped");
    world.run_until("04:10").await;
    world.invoke(json!({"action": "pause", "id": "s"})).await.expect("paused");
    world.run_until("08:10").await;
    world.invoke(json!({"action": "resume", "id": "s"})).await.expect("resumed");
    world.run_until("09:10").await;
    assert_eq!((world.count("completed"), world.count("missed")), (4, 0), "{:?}", world.events());
    let state = world.state();
    for report in &state.published {
        assert!(
            !report.document["text"].as_str().expect("text").contains("did not run"),
            "{}",
            report.document["text"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_series_cancelled_during_its_pause_does_not_tell_the_starts_of_the_pause_as_not_booked() {
    let world = hourly().await;
    world.run_until("04:10").await;
    world.invoke(json!({"action": "pause", "id": "s"})).await.expect("paused");
    world.run_until("08:10").await;
    world.invoke(json!({"action": "cancel", "id": "s"})).await.expect("cancelled");
    let state = world.state();
    let reports = state.published.iter().filter(|report| report.event() == "cancelled");
    let mails: Vec<String> = reports.map(|report| report.document["text"].to_string()).collect();
    assert!(mails.iter().any(|mail| mail.contains("eries s")), "{mails:?}");
    assert!(!mails.iter().any(|mail| mail.contains("left out")), "{mails:?}");
}

#[tokio::test(start_paused = true)]
async fn what_an_outage_made_a_series_leave_out_is_told_also_where_nothing_more_is_booked() {
    let words = "left out 2 starts, from Sun 6 Dec 2026 03:00 UTC to Sun 6 Dec 2026 04:00 UTC";
    let event = |every: &str| json!({"action": "book", "id": "s", "every": every, "duration": "PT5M"});
    let world = World::new(1);
    world.invoke(event("cron(0 1-4 6 12 ? 2026)")).await.expect("booked");
    world.run_until("01:10").await;
    outage(&world, "2026-12-06T05:20:00Z").await;
    world.run_until("05:40").await;
    assert!(world.text_of("completed").contains(words), "it has run out: {}", world.text_of("completed"));
    for (action, told) in [("pause", "paused"), ("cancel", "cancelled")] {
        let world = hourly().await;
        world.run_until("01:10").await;
        world.until(moment("2026-12-06T04:20:00Z")).await;
        world.invoke(json!({"action": action, "id": "s"})).await.expect(action);
        let mails = world
            .state()
            .published
            .iter()
            .filter(|report| report.event() == told)
            .map(|report| report.document["text"].to_string())
            .collect::<String>();
        assert!(mails.contains(words), "{action}: {mails}");
    }
    // The name of the next one is taken.
    let world = hourly().await;
    world.run_until("01:10").await;
    let taken = json!({"id": hour(5), "start": "2026-12-10T02:00Z", "end": "2026-12-10T03:00Z"});
    world.invoke(taken).await.expect("booked");
    outage(&world, "2026-12-06T04:20:00Z").await;
    assert!(world.text_of("failed").contains(words), "{}", world.text_of("failed"));
}

#[tokio::test(start_paused = true)]
async fn that_a_series_is_paused_is_said_once() {
    let world = hourly().await;
    for event in [json!({"action": "pause", "id": "s"}), json!({"action": "status", "id": "s"})] {
        let told = world.invoke(event).await.expect("told").message;
        assert!(told.ends_with("Series s is paused. Series s books no window until it is resumed."), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_series_without_a_start_to_come_says_so_when_it_is_booked_again() {
    let world = World::new(1);
    let once = json!({"action": "book", "id": "once", "every": "cron(0 2 6 12 ? 2026)", "duration": "PT30M"});
    world.invoke(once.clone()).await.expect("booked");
    world.invoke(json!({"action": "skip", "id": "once"})).await.expect("skipped");
    let known = world.invoke(once.clone()).await.expect("known");
    assert!(known.message.ends_with("Series once is booked; it has no start to come."), "{}", known.message);
    let mut dry = once;
    dry["dry_run"] = json!(true);
    let told = world.invoke(dry).await.expect("told").message;
    assert!(told.ends_with("series once already exists: it has no start to come."), "{told}");
}

#[tokio::test(start_paused = true)]
async fn what_is_cancelled_behind_a_start_that_came_back_is_over_and_not_left_out() {
    let world = hourly().await;
    world.invoke(json!({"action": "skip", "id": "s"})).await.expect("skipped");
    world.invoke(json!({"action": "unskip", "id": "s"})).await.expect("taken back");
    world.invoke(json!({"action": "cancel", "id": hour(2)})).await.expect("cancelled");
    let status = world.invoke(json!({"action": "status", "id": "s"})).await.expect("status");
    assert_eq!((world.windows(), status.series[0].skipped.len()), (vec![hour(1)], 0));
    assert_eq!(coming(&world).await, ["01:00", "03:00", "04:00"]);
    world.run_until("03:03").await;
    assert!(world.is_dark(0));
    assert_eq!(world.count("started"), 2, "{:?}", world.events());
}

#[tokio::test(start_paused = true)]
async fn a_start_onto_which_another_window_was_moved_is_left_out_with_both() {
    let world = hourly().await;
    world.invoke(reschedule(1, "2026-12-06T02:00:00Z")).await.expect("moved");
    assert_eq!(coming(&world).await, ["02:00", "03:00", "04:00"]);
    let skipped = world.invoke(json!({"action": "skip", "id": "s"})).await.expect("skipped");
    assert!(skipped.message.ends_with("Series s leaves out Sun 6 Dec 2026 02:00 UTC."), "{}", skipped.message);
    assert_eq!(
        (world.windows(), coming(&world).await),
        (vec![hour(3)], ["03:00", "04:00", "05:00"].map(str::to_owned).to_vec())
    );
    world.run_until("02:10").await;
    assert_eq!(world.count("started"), 0, "{:?}", world.events());
}

#[tokio::test(start_paused = true)]
async fn what_is_cancelled_behind_a_start_that_is_yet_to_be_booked_again_stays_cancelled() {
    for (decision, at) in [("cancel", "2026-12-07T02:00:00Z"), ("reschedule", "2026-12-07T05:00:00Z")] {
        let world = World::new(1);
        world.invoke(nightly()).await.expect("booked");
        world.invoke(json!({"action": "skip", "id": "nightly"})).await.expect("left out");
        assert_eq!(world.windows(), ["nightly-20261207T0200Z"]);
        // The run that took it back died before it booked that night.
        world.edit_item("series#nightly", |item| {
            item["skipped"] = json!([]);
            item["booked_until"] = json!("2026-12-06T01:59:59Z");
        });
        let mut event = json!({"action": decision, "id": "nightly-20261207T0200Z"});
        if decision == "reschedule" {
            event["start"] = json!(at);
        }
        world.invoke(event).await.expect("decided");
        world.invoke(json!({"action": "sweep"})).await.expect("swept");
        assert!(world.windows().contains(&"nightly-20261206T0200Z".to_owned()), "{:?}", world.windows());
        world.until(moment("2026-12-06T02:40:00Z")).await;
        world.invoke(json!({"action": "sweep"})).await.expect("swept");
        let then: Vec<String> = world.windows().into_iter().filter(|id| id.ends_with("20261207T0200Z")).collect();
        assert_eq!(then.len(), usize::from(decision == "reschedule"), "{decision}: {:?}", world.windows());
        let is_next = world.windows().contains(&"nightly-20261208T0200Z".to_owned());
        assert_eq!(is_next, decision == "cancel", "{:?}", world.windows());
        assert_eq!(world.count("failed"), 0, "{decision}: its name is not wanted twice");
    }
}
