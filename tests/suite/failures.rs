//! What fails is told once, of the window that it happened to, with its cause, and only while it is so.

use serde_json::{Value, json};

use crate::world::{Fault, World, path, rule_arn};

fn window(id: &str) -> Value {
    json!({"id": id, "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"})
}

/// A window of the `nth` rule alone.
fn of_rule(id: &str, nth: usize) -> Value {
    let mut event = window(id);
    event["rules"] = json!([rule_arn(nth)]);
    event
}

/// The windows that a report of this event was about, in their order.
fn told_of(world: &World, event: &str) -> Vec<String> {
    let state = world.state();
    let mut ids: Vec<String> = state
        .published
        .iter()
        .filter(|report| report.event() == event)
        .map(|report| report.document["window"]["id"].as_str().unwrap_or("none").to_owned())
        .collect();
    ids.sort();
    ids
}

async fn sweep(world: &World) -> Result<String, String> {
    let swept = world.invoke(json!({"action": "sweep"})).await;
    swept.map(|answer| answer.message).map_err(|error| error.full())
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_made_although_its_answer_was_lost_is_no_failure() {
    for (moment, event) in [("02:00", "started"), ("03:00", "completed")] {
        // The write to the table, and the rule.
        for call in [2, 3] {
            let world = World::new(1);
            world.invoke(window("w")).await.expect("booked");
            world.run_until(if event == "started" { "01:58" } else { "02:58" }).await;
            world.until(world.at(moment)).await;
            let invocation = world.state().invocations.len();
            world.state().faults.insert((invocation, call), Fault::AnswerLost);
            world.invoke(json!({"action": "wake", "id": "w"})).await.expect("all is as it should be");
            assert_eq!((world.count(event), world.count("failed")), (1, 0), "{event} {call}: {:?}", world.events());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_held_window_whose_end_cannot_be_written_says_so() {
    let world = World::probed(1);
    let mut event = window("w");
    event["at_end"] = json!("reopen_if_healthy");
    world.invoke(event).await.expect("booked");
    world.run_until("02:30").await;
    world.state().site_ill = true;
    world.run_until("03:20").await;
    assert_eq!(world.events(), ["booked", "started", "overrunning"]);
    world.state().site_ill = false;
    world.state().broken = vec!["TransactWriteItems"];
    let left = sweep(&world).await.expect_err("it cannot be ended");
    assert!(left.contains("window w: cannot write to the table (window w)"), "{left}");
    assert_eq!(told_of(&world, "failed"), ["w"]);
    assert!(world.is_dark(0), "what was not decided opens nothing");
    world.state().broken.clear();
    world.run_until("03:30").await;
    assert_eq!((world.is_dark(0), world.count("completed")), (false, 1));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_cannot_start_since_the_settings_allow_nothing_says_why_when_its_start_comes() {
    let mut world = World::new(1);
    world.invoke(window("w")).await.expect("booked");
    world.settings.insert("BYPASS_HEADER_VALUE", "short".to_owned());
    world.run_until("01:58").await;
    let before = world.count("failed");
    world.run_until("02:10").await;
    assert_eq!((world.is_dark(0), world.count("failed")), (false, before + 1), "{:?}", world.events());
    let text = world.text_of("failed");
    assert!(text.contains("it could not start: "), "{text}");
}

#[tokio::test(start_paused = true)]
async fn wake_ups_that_cannot_be_made_are_told_of_the_window_that_lacks_them_and_of_no_other() {
    let world = World::new(2);
    world.invoke(window("fine")).await.expect("booked");
    world.state().broken = vec!["CreateSchedule"];
    world.invoke(of_rule("one", 0)).await.expect_err("without wake-ups");
    sweep(&world).await.expect_err("they cannot be made");
    assert_eq!(told_of(&world, "failed"), ["one"]);
    // Another window fails for the same cause: that is news, too.
    world.invoke(of_rule("two", 1)).await.expect_err("without wake-ups");
    let left = sweep(&world).await.expect_err("they cannot be made");
    assert!(left.contains("window one: ") && left.contains("window two: "), "{left}");
    assert_eq!(told_of(&world, "failed"), ["one", "two"]);
    sweep(&world).await.expect_err("they cannot be made");
    assert_eq!(told_of(&world, "failed"), ["one", "two"], "each once");
}

#[tokio::test(start_paused = true)]
async fn what_fails_at_each_look_of_a_run_is_one_note() {
    let world = World::new(2);
    world.invoke(of_rule("fine", 0)).await.expect("booked");
    world.state().broken = vec!["CreateSchedule"];
    world.invoke(of_rule("w", 1)).await.expect_err("without wake-ups");
    // As the one starts the other is looked at again and again.
    world.until(world.at("02:00")).await;
    let left = sweep(&world).await.expect_err("one has no wake-ups");
    assert_eq!((world.is_dark(0), world.is_dark(1)), (true, false));
    assert_eq!(told_of(&world, "failed"), ["w"]);
    let text = world.text_of("failed");
    let notes: Vec<&str> = text.lines().filter(|line| line.starts_with("Note")).collect();
    assert!(matches!(notes.as_slice(), [note] if note.contains("schedule")), "{text}");
    assert_eq!(left.matches("window w: ").count(), 1, "{left}");
}

#[tokio::test(start_paused = true)]
async fn a_start_that_lacked_its_wake_ups_comes_in_the_run_that_makes_them() {
    let world = World::new(2);
    world.state().broken = vec!["CreateSchedule"];
    world.invoke(of_rule("w", 0)).await.expect_err("without wake-ups");
    let later = json!({"id": "later", "start": "2026-12-06T05:00Z", "duration": "PT1H"});
    world.invoke(later).await.expect_err("without wake-ups");
    world.until(world.at("02:01")).await;
    world.state().broken.clear();
    let told = sweep(&world).await.expect("swept");
    assert!(world.is_dark(0) && !world.is_dark(1), "{:?}", world.events());
    assert!(told.ends_with(" Done: w started."), "{told}");
    let names = world.schedule_names().join(" ");
    assert!(names.contains("w.end-") && names.contains("later.start-") && names.contains("later.end-"), "{names}");
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_cannot_be_saved_is_told_of_the_windows_of_its_rule() {
    let world = World::new(2);
    for (nth, id) in [(0, "one"), (1, "two")] {
        world.invoke(of_rule(id, nth)).await.expect("booked");
    }
    world.run_until("02:10").await;
    world.set_conditions(1, vec![path(&["/new"])]);
    world.state().broken = vec!["TransactWriteItems"];
    let left = sweep(&world).await.expect_err("it cannot be saved");
    assert!(left.contains("window two: ") && !left.contains("window one: "), "{left}");
    assert_eq!(told_of(&world, "failed"), ["two"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_header_that_cannot_be_saved_is_not_put_in_place() {
    let mut world = World::new(1);
    world.invoke(window("w")).await.expect("booked");
    world.run_until("02:10").await;
    let narrowed = world.conditions(0);
    world.settings.insert("BYPASS_HEADER_NAME", "x-way-in".to_owned());
    world.state().broken = vec!["TransactWriteItems"];
    let left = sweep(&world).await.expect_err("it cannot be saved");
    assert!(left.contains("cannot write to the table (rule web/rule000)"), "{left}");
    assert_eq!(world.conditions(0), narrowed, "nobody would know the new one for ours");
    world.state().broken.clear();
    sweep(&world).await.expect("swept");
    assert_ne!(world.conditions(0), narrowed);
    world.run_until("03:10").await;
    assert_eq!(world.conditions(0), [path(&["*"])]);
}

#[tokio::test(start_paused = true)]
async fn what_others_did_is_told_although_a_rule_cannot_be_opened() {
    let world = World::new(2);
    world.invoke(window("w")).await.expect("booked");
    world.run_until("02:58").await;
    world.set_conditions(1, vec![path(&["/new"])]);
    world.state().broken = vec!["ModifyRule"];
    world.run_until("03:04").await;
    assert_eq!(world.events(), ["booked", "started", "failed", "drift"], "its last report waits");
    world.state().broken.clear();
    world.run_until("03:10").await;
    assert_eq!((world.count("drift"), world.count("completed")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_answers_what_became_of_each_window() {
    let world = World::new(1);
    world.invoke(window("w")).await.expect("booked");
    let mut late = window("late");
    late["start"] = json!("2026-12-06T02:30Z");
    world.invoke(late).await.expect("booked");
    world.state().schedules.clear();
    let says = async |words: &str| {
        let told = sweep(&world).await.expect("swept");
        assert!(told.ends_with(&format!(" {words}")), "{told}");
    };
    world.until(world.at("02:01")).await;
    says("Done: w started.").await;
    world.state().broken = vec!["Publish"];
    world.invoke(json!({"action": "cancel", "id": "late"})).await.expect_err("not told");
    world.state().broken.clear();
    says("Done: late cancelled.").await;
    says("Nothing was due.").await;
    world.until(world.at("03:01")).await;
    says("Done: w completed.").await;
}
