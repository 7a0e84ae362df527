//! `--wait` and `watch`.

use serde_json::{Value, json};

use crate::lambda::{Lambda, Reply, answer, with};

fn status(site: &str, met: Option<&str>) -> Reply {
    let told = answer("status", site, site, "How the site stands. And so on.");
    Reply::Answer(match met {
        Some(met) => with(told, &json!({ "visitor": { "met": met, "got": format!("what is {met}") } })),
        None => told,
    })
}

fn done(action: &str, site: &str, met: &str) -> Reply {
    let told = answer(action, "started", site, "Done. And so on.");
    Reply::Answer(with(told, &json!({ "visitor": { "met": met, "got": format!("what is {met}"), "after_secs": 7 } })))
}

#[test]
fn waiting_ends_when_visitors_see_it() {
    for (action, site, met, words) in
        [("on", "maintenance", "maintenance", "the maintenance page"), ("off", "open", "application", "the site")]
    {
        let before = (action == "on").then(|| status("open", Some("application")));
        let lambda = Lambda::new(before.into_iter().chain([done(action, site, met)]));
        let ran = lambda.run(&[action, "--wait"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let seen = format!("mw: visitors get {words} (what is {met}, 7s after the change)\n");
        assert!(ran.err.ends_with(&seen), "{ran:?}");
    }
}

#[test]
fn what_the_change_itself_did_not_show_is_asked_for() {
    let lambda = Lambda::new([
        status("open", Some("application")),
        done("on", "maintenance", "application"),
        status("maintenance", Some("application")),
        status("maintenance", Some("maintenance")),
    ]);
    let ran = lambda.run(&["on", "--wait"]);
    assert_eq!((ran.code, lambda.asked().len()), (Some(0), 4), "{ran:?}");
}

#[test]
fn when_visitors_do_not_see_it_the_site_is_not_as_asked() {
    let lambda = Lambda::new([
        status("open", Some("application")),
        done("on", "open_unplanned", "application"),
        status("open_unplanned", Some("application")),
    ]);
    let ran = lambda.run(&["on", "--wait", "--wait-timeout", "1s"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(
        ran.err.contains("visitors do not get the maintenance page after 1s: a visitor got what is application"),
        "{ran:?}"
    );
    // Another window covers it: nothing is left to wait for.
    let lambda = Lambda::new([done("off", "maintenance", "maintenance"), status("maintenance", Some("maintenance"))]);
    let ran = lambda.run(&["off", "a", "--wait"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("a window still covers the site"), "{ran:?}");
}

#[test]
fn where_nobody_looks_nothing_is_closed_and_an_end_is_an_end() {
    let lambda = Lambda::new([status("open", None)]);
    let ran = lambda.run(&["on", "--wait"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("ProbeUrl") && ran.err.contains("nothing was decided"), "{ran:?}");
    assert!(lambda.events().iter().all(|event| event["action"] == "status"));
    let ended = Reply::Answer(answer("off", "completed", "open", "The site is open. Ended: a."));
    let lambda = Lambda::new([ended, status("open", None)]);
    let ran = lambda.run(&["off", "--wait"]);
    assert_eq!((ran.code, lambda.events()[0]["action"].as_str()), (Some(2), Some("off")), "{ran:?}");
}

fn window(state: &str, end: &str) -> Value {
    json!({ "id": "a", "state": state, "start": "2020-12-06T02:00:00Z", "end": end, "rules": "all" })
}

fn seen(state: &str, site: &str) -> Reply {
    let windows = json!({ "windows": [window(state, "2020-12-06T04:00:00Z")] });
    Reply::Answer(with(answer("status", site, site, "How the site stands."), &windows))
}

fn gone() -> Reply {
    Reply::Fails("InvalidEvent", "id: there is no window a")
}

fn history(outcome: &str) -> Reply {
    let past = json!({
        "id": "a", "kind": "window", "outcome": outcome, "ended_at": "2020-12-06T04:00:00Z",
        "planned": { "start": "2020-12-06T02:00:00Z", "end": "2020-12-06T04:00:00Z" },
        "actual": { "started": null, "ended": null }, "decisions": [],
    });
    Reply::Answer(json!({ "action": "history", "outcome": "history", "message": "", "history": [past] }))
}

#[test]
fn watching_ends_with_the_window() {
    for (outcome, site, code) in [
        ("completed", "open", 0),
        ("completed", "maintenance", 0),
        ("completed", "maintenance_unplanned", 3),
        ("completed", "unknown", 2),
        ("cancelled", "open", 3),
        ("missed", "open", 3),
    ] {
        let lambda = Lambda::new([seen("active", "maintenance"), gone(), history(outcome), status(site, None)]);
        let ran = lambda.run(&["watch", "--interval", "1s"]);
        assert_eq!(ran.code, Some(code), "{outcome}, {site}: {ran:?}");
        let expected = format!(
            "maintenance a active: ends Sun 6 Dec 2020 04:00 UTC\nWindow a is over: {outcome}, Sun 6 Dec 2020 04:00 UTC.\n"
        );
        assert!(ran.out.starts_with(&expected), "{ran:?}");
        let events = lambda.events();
        assert_eq!(events[0], json!({ "action": "status" }));
        assert_eq!(events[1], json!({ "action": "status", "id": "a" }));
        assert_eq!(events[2], json!({ "action": "history", "id": "a", "limit": 1 }));
    }
}

#[test]
fn each_change_gets_a_line_and_nothing_else_does() {
    let lambda = Lambda::new([
        seen("active", "maintenance"),
        seen("active", "maintenance"),
        seen("held", "maintenance"),
        gone(),
        history("completed"),
        status("open", None),
    ]);
    let ran = lambda.run(&["watch", "a", "--interval", "1s"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines: Vec<&str> = ran.out.lines().take(3).collect();
    assert!(
        lines[0].contains("a active")
            && lines[1].contains("a held: its end has passed")
            && lines[2].contains("is over"),
        "{ran:?}"
    );
}

#[test]
fn watching_survives_what_is_lost_on_the_way() {
    let lambda = Lambda::new([
        seen("active", "maintenance"),
        Reply::Lost,
        Reply::Aws(429, "TooManyRequestsException", "Rate exceeded"),
        Reply::Fails("LoadBalancingFailed", "throttled"),
        gone(),
        history("completed"),
        status("open", None),
    ]);
    let ran = lambda.run(&["watch", "--interval", "1s"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("; no answer: "), "{ran:?}");
}

#[test]
fn a_watch_that_hears_nothing_gives_up_and_says_so() {
    let lambda = Lambda::new([seen("active", "maintenance"), Reply::Lost]);
    let ran = lambda.run(&["watch", "--interval", "1s", "--give-up-after", "2s"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("not certain: nothing was heard of window a for "), "{ran:?}");
}

#[test]
fn what_is_over_already_is_told_as_such() {
    let lambda = Lambda::new([gone(), history("completed"), status("open", None)]);
    assert_eq!(lambda.run(&["watch", "a"]).code, Some(0));
    let series = json!({ "id": "a", "kind": "series", "ended_at": "2020-12-06T04:00:00Z", "decisions": [] });
    let series = json!({ "action": "history", "outcome": "history", "message": "", "history": [series] });
    let ran = Lambda::new([gone(), Reply::Answer(series)]).run(&["watch", "a"]);
    assert_eq!(ran.code, Some(1), "a series is no window: {ran:?}");
    let lambda = Lambda::new([status("open", None)]);
    let ran = lambda.run(&["watch"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("no window is booked or active"), "{ran:?}");
}
