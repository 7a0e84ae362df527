//! A lost answer never makes a command act twice.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use crate::lambda::{Lambda, Reply, answer};

fn started() -> Reply {
    Reply::Answer(answer("on", "started", "maintenance", "The site is in maintenance. It has started."))
}

fn keys(events: &[Value]) -> BTreeSet<String> {
    events.iter().map(|event| event["request_id"].as_str().expect("a key").to_owned()).collect()
}

#[test]
fn whatever_is_lost_is_asked_again_under_the_same_key() {
    for lost in [
        Reply::Lost,
        Reply::Aws(500, "ServiceException", "later"),
        Reply::Aws(502, "", ""),
        Reply::Aws(429, "TooManyRequestsException", "Rate exceeded"),
        Reply::Text("not JSON"),
        Reply::Text("{}"),
        Reply::Text("null"),
        Reply::Text(r#"{"action":"status","outcome":"open","message":"of another question"}"#),
        Reply::Fails("Sandbox.Timedout", "Task timed out after 300.00 seconds"),
        Reply::Fails("Incomplete", "one thing left to do"),
        Reply::Fails("LoadBalancingFailed", "throttled"),
        Reply::Fails("OutOfTime", "cut off"),
    ] {
        let lambda = Lambda::new([lost.clone(), started()]);
        let ran = lambda.run(&["on", "--for", "45m", "--reason", "Hotfix"]);
        assert_eq!(ran.code, Some(0), "{lost:?}: {ran:?}");
        let events = lambda.events();
        assert_eq!(events.len(), 2, "{lost:?}");
        assert_eq!(events[0], events[1], "the same payload");
        assert!(ran.err.contains("mw: try 1 of 4: ") && ran.err.contains("under the same key"), "{ran:?}");
    }
}

#[test]
fn a_late_answer_is_a_lost_one() {
    let lambda =
        Lambda::new([Reply::Late(Duration::from_secs(8), answer("on", "started", "maintenance", "Late.")), started()]);
    let ran = lambda.run(&["on", "--answer-timeout", "1s"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!((lambda.asked().len(), keys(&lambda.events()).len()), (2, 1));
    assert!(ran.err.contains("no answer in time"), "{ran:?}");
}

#[test]
fn the_sdk_repeats_nothing_behind_it() {
    let lambda = Lambda::new([Reply::Aws(500, "ServiceException", "later")]);
    assert_eq!(lambda.run(&["on", "--tries", "1"]).code, Some(2));
    assert_eq!(lambda.asked().len(), 1);
}

#[test]
fn after_the_last_try_it_says_what_is_not_known_and_how_to_go_on() {
    let lambda = Lambda::new([Reply::Lost]);
    let ran = lambda.run(&["extend", "30m", "a", "--tries", "2"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    let events = lambda.events();
    assert_eq!(events.len(), 2);
    let key = events[0]["request_id"].as_str().expect("a key");
    assert!(ran.err.contains("mw: try 1 of 2: no answer"), "{ran:?}");
    assert!(ran.err.contains("mw: not certain: the same as above; whether it was decided is not known"), "{ran:?}");
    assert!(ran.err.contains("to see how things stand: mw --function shop status\n"), "{ran:?}");
    let go_on = format!("mw --function shop extend 30m a --request-id {key}\n");
    assert!(ran.err.ends_with(&go_on), "{ran:?}");
    // As it is said, so it works.
    let again = lambda.run(&go_on.split_whitespace().skip(3).chain(["--tries", "1"]).collect::<Vec<_>>());
    assert_eq!(again.code, Some(2));
    assert_eq!(keys(&lambda.events()).len(), 1);
}

#[test]
fn what_was_perhaps_decided_is_never_called_not_sent() {
    let lambda = Lambda::new([Reply::Lost, Reply::Aws(403, "ExpiredTokenException", "expired")]);
    let ran = lambda.run(&["off", "--json"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let told: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(told["errorType"], "Uncertain");
    assert_eq!(told["request_id"], lambda.events()[0]["request_id"]);
    assert!(ran.err.contains("whether it was decided is not known"), "{ran:?}");
}

#[test]
fn a_function_that_keeps_failing_is_told_in_its_own_words() {
    let lambda =
        Lambda::new([Reply::Fails("Incomplete", "window a is booked from now on, and that stands; 1 left to do")]);
    let words = "Incomplete: window a is booked from now on, and that stands; 1 left to do";
    // In full once, however often it is tried.
    for (tries, expected) in [("1", "mw: failed: "), ("3", "mw: try 1 of 3: ")] {
        let ran = lambda.run(&["on", "a", "--tries", tries]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(
            ran.err.contains(&format!("{expected}{words}")) && ran.err.matches("and that stands").count() == 1,
            "{ran:?}"
        );
        assert!(ran.err.contains("to go on under the same key"), "{ran:?}");
        if tries == "3" {
            assert!(ran.err.contains("mw: try 2 of 3: the same; sent again under the same key in 2s\n"), "{ran:?}");
            assert!(ran.err.contains("mw: failed: Incomplete: the same as above\n"), "{ran:?}");
        }
    }
    assert_eq!(keys(&lambda.events()).len(), 2);
    // Of what was never said nothing is the same.
    let ran = Lambda::new([Reply::Fails("Incomplete", "")]).run(&["on", "a", "--tries", "1"]);
    assert!(ran.err.contains("mw: failed: Incomplete") && !ran.err.contains("the same as above"), "{ran:?}");
    // Another failure is another one.
    let lambda = Lambda::new([Reply::Fails("Incomplete", "one is left"), Reply::Fails("Incomplete", "two are left")]);
    let ran = lambda.run(&["on", "a", "--tries", "2"]);
    assert!(
        ran.err.contains("Incomplete: one is left; sent") && ran.err.contains("Incomplete: two are left\n"),
        "{ran:?}"
    );
}

#[test]
fn each_command_has_a_key_of_its_own_unless_one_is_given() {
    let lambda = Lambda::new([started()]);
    for _ in 0..3 {
        assert_eq!(lambda.run(&["on"]).code, Some(0));
    }
    assert_eq!(keys(&lambda.events()).len(), 3);
    for key in keys(&lambda.events()) {
        assert!(key.len() == 35 && key.starts_with("mw-"), "{key}");
    }
    let lambda = Lambda::new([started()]);
    lambda.run(&["on", "--request-id", "deploy-17"]);
    assert_eq!(keys(&lambda.events()), BTreeSet::from(["deploy-17".to_owned()]));
}

#[test]
fn what_only_looks_has_no_key_and_is_repeated_too() {
    let lambda = Lambda::new([Reply::Lost, Reply::Answer(answer("status", "open", "open", "The site is open."))]);
    let ran = lambda.run(&["status"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(lambda.events().iter().all(|event| event.get("request_id").is_none()));
    let ran = Lambda::new([Reply::Lost]).run(&["status", "--tries", "1"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.starts_with("mw: failed: ") && !ran.err.contains("decided"), "{ran:?}");
}
