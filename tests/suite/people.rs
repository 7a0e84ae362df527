//! What others do to the rules and the records meanwhile: each has a defined, reported and safe outcome.

use serde_json::{Value, json};

use crate::world::{Call, Fault, ORIGIN_LOCK, SECRET, World, header, path, rule_arn};

fn window() -> Value {
    json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"})
}

async fn active() -> World {
    let world = World::new(1);
    world.set_conditions(0, vec![path(&["/shop/*"])]);
    world.invoke(window()).await.expect("booked");
    world.run_until("02:10").await;
    assert!(world.is_dark(0));
    world
}

fn narrowed(owner: &[Value]) -> Vec<Value> {
    [owner, &[header("x-maintenance-bypass", SECRET)]].concat()
}

#[tokio::test(start_paused = true)]
async fn a_rule_put_back_during_the_window_is_narrowed_again_and_reported() {
    let world = active().await;
    for (moment, opened) in [("02:12", "02:18"), ("02:22", "02:28")] {
        world.run_until(moment).await;
        world.set_conditions(0, vec![path(&["/shop/*"])]);
        world.run_until(opened).await;
        assert!(world.is_dark(0));
    }
    assert_eq!(world.count("drift"), 2, "each time visitors were let in is told");
    world.run_until("03:10").await;
    assert_eq!(world.conditions(0), [path(&["/shop/*"])]);
}

#[tokio::test(start_paused = true)]
async fn what_the_owner_wants_now_is_what_comes_back() {
    let world = active().await;
    world.set_conditions(0, vec![path(&["/new/*"]), header("x-origin-lock", ORIGIN_LOCK)]);
    world.run_until("02:20").await;
    assert_eq!(world.conditions(0), narrowed(&[path(&["/new/*"]), header("x-origin-lock", ORIGIN_LOCK)]));
    assert_eq!(world.count("drift"), 1);
    world.run_until("03:10").await;
    assert_eq!(world.conditions(0), [path(&["/new/*"]), header("x-origin-lock", ORIGIN_LOCK)]);
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn a_rule_edited_while_header_only_keeps_the_edit_and_loses_the_header() {
    let world = active().await;
    world.set_conditions(0, narrowed(&[path(&["/edited"])]));
    world.run_until("02:20").await;
    assert_eq!(world.conditions(0), narrowed(&[path(&["/edited"])]));
    world.run_until("03:10").await;
    assert_eq!(world.conditions(0), [path(&["/edited"])]);
    assert_eq!((world.count("drift"), world.count("completed")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_edit_just_before_the_end_stands_and_is_reported() {
    let world = active().await;
    world.run_until("02:58:50").await;
    world.set_conditions(0, vec![path(&["/late"])]);
    world.run_until("03:10").await;
    assert_eq!(world.conditions(0), [path(&["/late"])]);
    assert_eq!((world.count("drift"), world.count("completed")), (1, 1), "{:?}", world.events());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_rule_is_reported_and_does_not_keep_the_others_dark() {
    let world = World::new(2);
    let window = json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"});
    world.invoke(window).await.expect("booked");
    world.run_until("02:10").await;
    world.state().rules.remove(&rule_arn(1));
    world.run_until("03:10").await;
    assert!(!world.is_dark(0));
    assert_eq!((world.count("drift"), world.count("completed")), (1, 1), "{:?}", world.events());
    assert!(world.left_over().is_empty(), "{:?}", world.left_over());
}

#[tokio::test(start_paused = true)]
async fn a_window_whose_every_rule_is_gone_fails_aloud_and_is_missed() {
    let world = World::new(1);
    let window = json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"});
    world.invoke(window).await.expect("booked");
    world.state().rules.clear();
    world.run_until("03:10").await;
    // Once while it was still to come, and once when its start was due.
    assert_eq!(world.count("failed"), 2, "{:?}", world.events());
    assert_eq!((world.count("started"), world.count("missed")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_window_deleted_by_hand_leaves_its_rules_to_the_next_sweep() {
    let world = active().await;
    world.forget_window("w");
    world.run_until("02:30").await;
    assert!(!world.is_dark(0), "what was saved of the rule outlives its window");
    assert_eq!(world.conditions(0), [path(&["/shop/*"])]);
    assert_eq!(world.count("drift"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_new_bypass_value_narrows_again_and_the_old_one_is_not_restored() {
    let mut world = active().await;
    world.settings.insert("BYPASS_HEADER_VALUE", "another-secret-0815".to_owned());
    world.run_until("02:20").await;
    assert_eq!(world.conditions(0), [path(&["/shop/*"]), header("x-maintenance-bypass", "another-secret-0815")]);
    world.run_until("03:10").await;
    assert_eq!(world.conditions(0), [path(&["/shop/*"])]);
    assert_eq!(world.count("drift"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_new_header_name_is_taken_over_and_the_old_one_is_not_taken_for_the_owners() {
    let mut world = active().await;
    world.settings.insert("BYPASS_HEADER_NAME", "x-let-me-in".to_owned());
    world.run_until("02:20").await;
    assert_eq!(world.conditions(0), [path(&["/shop/*"]), header("x-let-me-in", SECRET)]);
    world.run_until("03:10").await;
    assert_eq!(world.conditions(0), [path(&["/shop/*"])]);
}

#[tokio::test(start_paused = true)]
async fn priorities_and_actions_are_the_owners_business() {
    let world = active().await;
    world.state().rules.get_mut(&rule_arn(0)).expect("a rule").priority = "77".to_owned();
    world.run_until("03:10").await;
    assert_eq!(world.state().rules[&rule_arn(0)].priority, "77");
    assert_eq!(world.count("drift"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_could_not_be_restored_is_left_alone_and_reported_once() {
    let world = active().await;
    world.set_conditions(0, vec![json!({"Field": "moon-phase", "Values": ["full"]})]);
    world.run_until("03:10").await;
    assert_eq!(world.conditions(0), [json!({"Field": "moon-phase", "Values": ["full"]})]);
    assert_eq!(world.count("completed"), 1, "{:?}", world.events());
    assert!(world.left_over().is_empty(), "{:?}", world.left_over());
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_looks_edited_is_read_again_and_left_if_that_fails() {
    let world = active().await;
    world.run_until("02:12").await;
    world.set_conditions(0, vec![path(&["/new/*"])]);
    let invocation = world.state().invocations.len();
    world.take_calls();
    let swept = world.invoke(json!({"action": "sweep"})).await.expect("swept");
    assert_eq!(swept.outcome, "reconciled");
    let calls = world.take_calls();
    let reads: Vec<usize> = (0..calls.len()).filter(|nth| calls[*nth] == "DescribeRules").collect();
    let turned = calls.iter().position(|call| call == "ModifyRule").expect("narrowed again");
    let second = reads[1];
    assert!(second < turned, "it is read twice before anything is done: {calls:?}");
    assert_eq!(world.state().invocations[invocation], calls.len());
    world.set_conditions(0, vec![path(&["/newer/*"])]);
    let invocation = world.state().invocations.len();
    world.state().faults.insert((invocation, second), Fault::Refused);
    let refused = world.invoke(json!({"action": "sweep"})).await.expect_err("it could not be read again").full();
    assert!(refused.contains("read the listener rules"), "{refused}");
    assert_eq!(world.conditions(0), [path(&["/newer/*"])], "nothing was turned on a guess");
    world.run_until("02:30").await;
    assert_eq!(world.conditions(0), narrowed(&[path(&["/newer/*"])]));
    // A calm sweep reads the rules once.
    world.take_calls();
    world.invoke(json!({"action": "sweep"})).await.expect("swept");
    assert_eq!(world.take_calls().iter().filter(|call| *call == "DescribeRules").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_edit_is_a_report_of_its_own() {
    let world = active().await;
    for (moment, path_now) in [("02:12", "/one"), ("02:22", "/two")] {
        world.run_until(moment).await;
        let header_too = if moment == "02:22" { narrowed(&[path(&[path_now])]) } else { vec![path(&[path_now])] };
        world.set_conditions(0, header_too);
    }
    world.run_until("02:30").await;
    let state = world.state();
    let drifts: Vec<&Value> = state
        .published
        .iter()
        .filter(|report| report.event() == "drift")
        .map(|report| &report.document["report_id"])
        .collect();
    assert!(matches!(drifts.as_slice(), [opened, edited] if opened != edited), "{drifts:?}");
}

/// Which of the calls so far turned a rule.
fn turns_of(world: &World, nth: usize) -> usize {
    let turned = |call: &&Call| call.name == "ModifyRule" && call.subject == rule_arn(nth);
    world.state().calls.iter().filter(turned).count()
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_the_settings_do_not_name_is_never_turned() {
    let mut world = World::new(2);
    let foreign = json!({"action": "on", "rules": [rule_arn(7)]});
    let refused = world.invoke(foreign).await.expect_err("refused").full();
    assert!(refused.contains("RuleArns"), "{refused}");
    let mut both = window();
    both["rules"] = json!([rule_arn(0), rule_arn(1)]);
    world.invoke(both).await.expect("booked");
    world.run_until("01:50").await;
    world.settings.insert("RULE_ARNS", rule_arn(0));
    world.run_until("03:10").await;
    assert_eq!((turns_of(&world, 0), turns_of(&world, 1)), (2, 0));
    // The sweep says beforehand that the window cannot close what the settings no longer name.
    assert_eq!(world.events(), ["booked", "failed", "started", "completed"]);
    let text = world.text_of("started");
    assert!(text.contains("rule web/rule001 is no longer named by RuleArns"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_narrowed_rule_that_the_settings_no_longer_name_keeps_its_window_until_they_do_again() {
    let mut world = World::new(2);
    let both = world.settings["RULE_ARNS"].clone();
    world.invoke(window()).await.expect("booked");
    world.run_until("02:30").await;
    world.settings.insert("RULE_ARNS", rule_arn(0));
    world.run_until("03:30").await;
    assert_eq!((world.is_dark(0), world.is_dark(1)), (false, true));
    assert_eq!((world.count("failed"), world.count("completed")), (1, 0), "{:?}", world.events());
    let text = world.text_of("failed");
    assert!(text.contains("ule web/rule001 was closed to visitors, but RuleArns no longer names it"), "{text}");
    let first = "Part of the site is closed to visitors, and no end of a window and no off opens it: rule web/rule001 lets only testers in, and RuleArns no longer names it.";
    assert!(text.starts_with(first), "{text}");
    world.settings.insert("RULE_ARNS", both);
    world.run_until("03:40").await;
    assert!(!world.is_dark(1));
    assert_eq!(world.count("completed"), 1);
    assert!(world.left_over().is_empty(), "{:?}", world.left_over());
}
