//! What others decide while a run is at it: between its look and its write, or while it waits.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{Call, Gate, World};

fn window() -> Value {
    json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"})
}

fn wake() -> Value {
    json!({"action": "wake", "id": "w"})
}

/// How often a rule was turned since the calls were last taken.
fn turns(world: &World) -> usize {
    world.state().calls.iter().filter(|call: &&Call| call.name == "ModifyRule").count()
}

/// A run at this moment has read the rules and the table when a person decides something, and goes on after that. Says
/// how often it turned a rule, and what became of the decision.
async fn decided_between(world: &World, moment: &str, decision: &Value) -> (usize, bool) {
    world.until(world.at(moment)).await;
    world.take_calls();
    world.set_gate(Some(Gate::new(&[2, usize::MAX])));
    let wake = wake();
    let (woken, decided) = tokio::join!(world.invoke_as(0, &wake, "wake"), world.invoke_as(1, decision, "decision"));
    woken.expect("lives").expect("woken");
    world.set_gate(None);
    (turns(world), decided.expect("lives").is_ok())
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_moved_in_its_last_moment_opens_nothing() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.run_until("02:10").await;
    world.state().schedules.clear();
    let extend = json!({"action": "extend", "id": "w", "by": "PT30M"});
    assert_eq!(decided_between(&world, "03:00", &extend).await, (0, true), "the rule stays closed all the while");
    world.run_until("03:10").await;
    assert!(world.is_dark(0));
    assert_eq!(world.count("completed"), 0, "{:?}", world.events());
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_cancelled_in_its_first_moment_closes_nothing() {
    for decision in [json!({"action": "off", "id": "w"}), json!({"action": "off"})] {
        let world = World::new(1);
        world.invoke(window()).await.expect("booked");
        assert_eq!(decided_between(&world, "02:00", &decision).await, (0, true), "{decision}");
        world.run_until("02:10").await;
        assert_eq!((world.is_dark(0), world.count("cancelled"), world.count("started")), (false, 1, 0), "{decision}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_said_on_what_was_read_before_a_long_wait_for_alarms() {
    let mut world = World::new(1);
    world.settings.insert("MUTE_ALARMS", "site-5xx".to_owned());
    world.state().hanging = vec!["PutAlarmMuteRule"];
    world.invoke(window()).await.expect("booked");
    world.until(world.at("02:00")).await;
    let (wake, off) = (wake(), json!({"action": "off"}));
    let person = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        world.invoke_as(1, &off, "off").await.expect("lives").expect("off");
    };
    let (started, ()) = tokio::join!(world.invoke_as(0, &wake, "wake"), person);
    started.expect("lives").expect("woken");
    world.run_until("02:20").await;
    assert_eq!(world.events(), ["booked", "completed"], "it is over, so nobody reads that it has begun");
}

#[tokio::test(start_paused = true)]
async fn what_was_watched_for_an_end_is_no_failure_once_another_window_has_begun() {
    let world = World::probed(1);
    world.state().site_lag = SignedDuration::from_secs(30);
    world.invoke(window()).await.expect("booked");
    world.run_until("02:50").await;
    world.until(world.at("03:00")).await;
    let (wake, on) = (wake(), json!({"action": "on", "id": "x"}));
    let person = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        world.invoke_as(1, &on, "on").await.expect("lives").expect("on");
    };
    let (end, ()) = tokio::join!(world.invoke_as(0, &wake, "wake"), person);
    end.expect("lives").expect("ended");
    world.run_until("03:20").await;
    assert_eq!(world.count("completed"), 1, "{:?}", world.events());
    assert_eq!(world.count("failed"), 0, "nobody should see the site open by now: {:?}", world.events());
    assert!(!world.text_of("completed").contains("a visitor got"), "{}", world.text_of("completed"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_about_the_window_that_was_asked_for_and_not_about_a_later_one_of_its_name() {
    let mut world = World::new(1);
    world.settings.insert("MUTE_ALARMS", "site-5xx".to_owned());
    world.state().hanging = vec!["PutAlarmMuteRule"];
    world.invoke(window()).await.expect("booked");
    world.run_until("02:10").await;
    // Its answer waits for the alarms, while others end the window and close the site again under the same name.
    let extend = json!({"action": "extend", "id": "w", "by": "PT30M"});
    let others = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.state().hanging.clear();
        world.invoke_as(1, &json!({"action": "off", "id": "w"}), "off").await.expect("lives").expect("off");
        let on = json!({"action": "on", "id": "w", "duration": "PT4H"});
        world.invoke_as(1, &on, "on").await.expect("lives").expect("on");
    };
    let (extended, ()) = tokio::join!(world.invoke_as(0, &extend, "extend"), others);
    let answer = extended.expect("lives").expect("answered");
    let told = answer.window.expect("a window");
    let state = serde_json::to_value(told.state).expect("JSON");
    let end = told.end.map(|end| end.to_string());
    assert_eq!((state, end.as_deref()), (json!("ended"), Some("2026-12-06T03:30:00Z")), "{}", answer.message);
    assert!(world.is_dark(0), "the later one goes on");
}
