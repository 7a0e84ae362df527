//! What a command says and how it exits.

use std::time::Duration;

use serde_json::{Value, json};

use crate::lambda::{Lambda, Ran, Reply, answer, mw, with};

const OPEN: &str = "The site is open to visitors. No window is booked.";
const CLOSED: &str = "The site is in maintenance: visitors get the maintenance page. Window a closed it; it ends soon.";

fn status(site: &str, message: &str) -> Reply {
    Reply::Answer(answer("status", site, site, message))
}

#[test]
fn the_first_line_says_how_the_site_stands_and_the_next_steps_can_be_pasted() {
    let told = json!({
        "next_steps": [
            r#"to end window a now, invoke the function with {"action":"off","id":"a"}"#,
            r#"to give window a more time, invoke the function with {"action":"extend","by":"PT30M","id":"a"}"#,
            r#"to see what is in the way, invoke the function with {"action":"check"}"#,
        ],
        "visitor": { "met": "maintenance", "got": "503 Service Unavailable" },
        "warnings": ["one", "two", "three"],
    });
    let lambda = Lambda::new([Reply::Answer(with(answer("status", "maintenance", "maintenance", CLOSED), &told))]);
    let ran = lambda.run(&["status", "--region", "eu-west-1"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(ran.out, @"
    The site is in maintenance: visitors get the maintenance page.
    Window a closed it; it ends soon.
    A visitor got 503 Service Unavailable just now.
    warning: one
    warning: two
    and 1 more warning: --json
    to end window a now: mw --function shop --region eu-west-1 off a
    to give window a more time: mw --function shop --region eu-west-1 extend 30m a
    to see what is in the way: mw --function shop --region eu-west-1 check
    ");
    assert_eq!(ran.err, "");
    assert_eq!(lambda.asked()[0].path, "/2015-03-31/functions/shop/invocations");
}

#[test]
fn of_many_next_steps_the_first_are_shown_and_how_many_more_there_are() {
    let off =
        |nth: usize| format!(r#"to end window w{nth} now, invoke the function with {{"action":"off","id":"w{nth}"}}"#);
    let told = json!({ "next_steps": (0..10).map(off).collect::<Vec<_>>() });
    let lambda = Lambda::new([Reply::Answer(with(answer("status", "maintenance", "maintenance", CLOSED), &told))]);
    let ran = lambda.run(&["status"]);
    assert_eq!(ran.out.matches(" off w").count(), 8, "{}", ran.out);
    assert!(ran.out.ends_with("and 2 more next steps: --json\n"), "{}", ran.out);
}

#[test]
fn a_check_says_what_it_looked_at() {
    let told = json!({ "findings": [], "checked": ["every setting can be used", "not tried: \u{1b}[2J"] });
    let ran = Lambda::new([Reply::Answer(with(answer("check", "ok", "open", OPEN), &told))]).run(&["check"]);
    let looked =
        "What was looked at and is well, and what was not:\n  every setting can be used\n  not tried: \\u{1b}[2J\n";
    assert!(ran.out.ends_with(looked), "{}", ran.out);
    let ran = Lambda::new([Reply::Answer(answer("check", "ok", "open", OPEN))]).run(&["check"]);
    assert!(!ran.out.contains("looked at"), "an older function tells nothing of it: {}", ran.out);
}

#[test]
fn several_windows_are_named_in_one_line() {
    let window = |id: &str, state: &str| json!({ "id": id, "state": state, "start": "2026-12-06T02:00:00Z", "end": "2026-12-06T04:00:00Z", "rules": "all" });
    let windows = json!({ "windows": [window("a", "active"), window("b", "booked")] });
    let lambda = Lambda::new([Reply::Answer(with(answer("status", "maintenance", "maintenance", CLOSED), &windows))]);
    let ran = lambda.run(&["status"]);
    let line = "Windows: a (active until Sun 6 Dec 2026 04:00 UTC), b (booked from Sun 6 Dec 2026 02:00 UTC)\n";
    assert!(ran.out.ends_with(line), "{}", ran.out);
}

#[test]
fn the_exit_code_says_whether_the_site_is_as_expected() {
    for (site, expected, code) in [
        ("maintenance", "maintenance", 0),
        ("open", "maintenance", 3),
        ("open", "maintenance,open", 0),
        ("maintenance_unplanned", "maintenance", 3),
        ("maintenance_unplanned", "maintenance_unplanned", 0),
        ("unknown", "open", 2),
        ("unknown", "unknown", 0),
    ] {
        let lambda = Lambda::new([status(site, OPEN)]);
        let ran = lambda.run(&["status", "--expect", expected]);
        assert_eq!(ran.code, Some(code), "{site}, {expected}: {ran:?}");
        assert_eq!(ran.err.contains(&format!("the site is {site}, not ")), code == 3, "{ran:?}");
    }
    // Without the question, an answer is all that was asked for.
    assert_eq!(Lambda::new([status("broken", OPEN)]).run(&["status"]).code, Some(0));
}

#[test]
fn what_was_done_is_trusted_only_if_the_site_is_so() {
    for (arguments, outcome, site, code) in [
        (&["on"][..], "started", "maintenance", 0),
        (&["on"], "started", "mixed", 0),
        (&["on"], "started", "open_unplanned", 3),
        (&["on"], "started", "broken", 3),
        (&["on"], "started", "unknown", 2),
        // It was decided before, and ended since.
        (&["on"], "unchanged", "open", 0),
        (&["on", "--dry-run"], "dry_run", "open", 0),
        (&["off"], "completed", "open", 0),
        (&["off"], "completed", "maintenance", 3),
        (&["off"], "completed", "maintenance_unplanned", 3),
        (&["off", "a"], "completed", "maintenance", 0),
        (&["off", "a"], "completed", "broken", 3),
        (&["book", "--start", "04:00Z", "--for", "1h"], "booked", "open", 0),
        (&["book", "--start", "04:00Z", "--for", "1h"], "started", "open_unplanned", 3),
        (&["extend", "30m"], "extended", "open", 0),
    ] {
        let lambda = Lambda::new([Reply::Answer(answer(arguments[0], outcome, site, OPEN))]);
        let ran = lambda.run(arguments);
        assert_eq!(ran.code, Some(code), "{arguments:?}, {outcome}, {site}: {ran:?}");
    }
}

#[test]
fn a_check_that_blocks_exits_as_a_refusal() {
    let finding = json!({ "severity": "error", "what": "rule web/one is gone", "why": "", "fix": "make it anew" });
    for (outcome, findings, code) in
        [("ok", json!([]), 0), ("warnings", json!([]), 0), ("blocked", json!([finding]), 1)]
    {
        let told = with(answer("check", outcome, "open", OPEN), &json!({ "findings": findings }));
        let ran = Lambda::new([Reply::Answer(told)]).run(&["check"]);
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert_eq!(ran.out.contains("error: rule web/one is gone; make it anew\n"), code == 1, "{ran:?}");
    }
}

#[test]
fn a_refusal_is_said_and_not_repeated() {
    for kind in ["InvalidEvent", "InvalidConfig"] {
        let lambda = Lambda::new([Reply::Fails(kind, "id: there is no window x")]);
        let ran = lambda.run(&["off", "x"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
        assert_eq!(ran.err, "mw: refused: id: there is no window x\n");
        assert_eq!(lambda.asked().len(), 1);
    }
}

#[test]
fn a_time_without_a_zone_is_not_guessed_but_this_machines_is_offered() {
    let why = "start: expected a time with an offset, or a `timezone` beside it, but found \"04:00\"";
    let ran = Lambda::new([Reply::Fails("InvalidEvent", why)]).run(&["book", "--start", "04:00", "--for", "1h"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("this machine's zone: --timezone Europe/Berlin, or MW_TIMEZONE=local"), "{ran:?}");
}

#[test]
fn the_zone_of_the_environment_is_for_what_needs_one_only() {
    let zone = |arguments: &[&str]| {
        let lambda = Lambda::new([Reply::Answer(answer(arguments[0], "unchanged", "open", OPEN))]);
        let ran = Ran::new(lambda.command(arguments).env("MW_TIMEZONE", "local").output().expect("it runs"));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        lambda.events()[0].get("timezone").cloned()
    };
    assert_eq!(zone(&["on", "--until", "04:00"]), Some("Europe/Berlin".into()));
    assert_eq!(zone(&["history", "--since", "2026-11-01"]), Some("Europe/Berlin".into()));
    assert_eq!(zone(&["history", "--until", "2026-11-01"]), Some("Europe/Berlin".into()));
    assert_eq!(zone(&["history"]), None);
    // A window has a zone of its own, and 04:00 is meant in that.
    assert_eq!(zone(&["extend", "--until", "04:00"]), None);
    assert_eq!(zone(&["skip", "s", "--start", "2026-12-13T02:00"]), None);
}

#[test]
fn json_is_the_functions_whole_answer_also_when_it_fails() {
    let whole = with(answer("status", "open", "open", OPEN), &json!({ "something_new": { "b": 1, "a": ["\u{9b}"] } }));
    let ran = Lambda::new([Reply::Answer(whole.clone())]).run(&["status", "--json", "--expect", "maintenance"]);
    assert_eq!(ran.code, Some(3));
    assert_eq!(serde_json::from_str::<Value>(&ran.out).expect("JSON"), whole);
    assert!(!ran.out.contains('\u{9b}'), "{:?}", ran.out);

    let ran = Lambda::new([Reply::Fails("InvalidEvent", "no")]).run(&["off", "--json"]);
    let told: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((ran.code, told), (Some(1), json!({ "errorType": "InvalidEvent", "errorMessage": "no" })));

    let ran = Lambda::new([Reply::Aws(403, "AccessDeniedException", "not you")]).run(&["off", "--json"]);
    let told: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((ran.code, told["errorType"].as_str()), (Some(2), Some("NotSent")));
}

#[test]
fn hostile_texts_reach_the_terminal_as_what_they_are() {
    let hostile = "\u{1b}]0;pwned\u{7}\u{1b}[2J\u{9b}31m\u{202e}evil\r\nFAKE";
    let told = with(
        answer("status", "open", "open", &format!("The site is open to visitors. {hostile}")),
        &json!({
            "warnings": [hostile],
            "next_steps": [format!("to {hostile}, invoke the function with {{\"action\":\"off\",\"id\":\"a\"}}")],
            "windows": [
                { "id": hostile, "state": hostile, "start": "2026-12-06T02:00:00Z", "end": null },
                { "id": "b", "state": "booked", "start": "2026-12-06T02:00:00Z", "end": null },
            ],
            "visitor": { "met": "failure", "got": hostile },
        }),
    );
    let acts = |text: &str| text.chars().any(|sign| (sign.is_control() && sign != '\n') || sign == '\u{202e}');
    for (reply, arguments) in [
        (Reply::Answer(told.clone()), &["status"][..]),
        (Reply::Answer(told), &["status", "--json"]),
        (Reply::Fails("InvalidEvent", "\u{1b}[2J\u{9b}31m\u{202e}evil\r\nFAKE"), &["off"]),
    ] {
        // As on a terminal that shows colours: nothing is taken out but what is cleaned here.
        let lambda = Lambda::new([reply]);
        let ran = Ran::new(lambda.command(arguments).env("CLICOLOR_FORCE", "1").output().expect("it runs"));
        let own_colours = |text: &str| {
            let mut plain = text.to_owned();
            while let Some(at) = plain.find("\u{1b}[") {
                let end = plain[at..].find('m').map_or(plain.len(), |end| at + end + 1);
                assert!(plain[at + 2..end - 1].bytes().all(|byte| byte.is_ascii_digit() || byte == b';'), "{plain:?}");
                plain.replace_range(at..end, "");
            }
            plain
        };
        assert!(!acts(&own_colours(&ran.out)) && !acts(&own_colours(&ran.err)), "{ran:?}");
        assert!(!ran.out.lines().chain(ran.err.lines()).any(|line| line.starts_with("FAKE")), "{ran:?}");
        assert!(ran.out.contains("evil") || ran.err.contains("evil"), "{ran:?}");
    }
}

#[test]
fn colour_is_for_terminals_and_never_with_no_color() {
    let lambda = Lambda::new([status("open", OPEN)]);
    assert!(!lambda.run(&["status"]).out.contains('\u{1b}'));
    let forced = |no_color: &str| {
        let mut command = lambda.command(&["status"]);
        Ran::new(command.env("CLICOLOR_FORCE", "1").env("NO_COLOR", no_color).output().expect("it runs")).out
    };
    assert!(forced("").contains("\u{1b}[1m\u{1b}[32mThe site is open to visitors."), "{:?}", forced(""));
    assert!(!forced("1").contains('\u{1b}'));
}

#[test]
fn a_call_that_can_never_work_is_not_repeated_and_nothing_was_decided() {
    for (status, code) in
        [(403, "AccessDeniedException"), (404, "ResourceNotFoundException"), (413, "RequestTooLargeException")]
    {
        let lambda = Lambda::new([Reply::Aws(status, code, "not here")]);
        let ran = lambda.run(&["on"]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_eq!(ran.err, format!("mw: failed: AWS answered {code}: not here; nothing was decided\n"));
        assert_eq!(lambda.asked().len(), 1);
    }
    let lambda = Lambda::new([status("open", OPEN)]);
    let mut command = lambda.command(&["on"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let ran = Ran::new(command.output().expect("it runs"));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(
        ran.err.starts_with("mw: failed: no credentials: ") && ran.err.ends_with("; nothing was decided\n"),
        "{ran:?}"
    );
    assert!(lambda.asked().is_empty());
}

#[test]
fn what_was_never_connected_was_not_sent() {
    let mut command = mw(&["on", "--tries", "2"]);
    // A port that nothing listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let ran = Ran::new(
        command
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
            .env("MW_FUNCTION", "shop")
            .output()
            .expect("it runs"),
    );
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("try 1 of 2: no answer: ") && ran.err.ends_with("; nothing was decided\n"), "{ran:?}");
}

#[test]
fn the_function_is_found_where_there_is_one_and_never_guessed() {
    let listed = |names: &[&str]| {
        let ours = "Closes a site for planned maintenance and opens it again.";
        let mut functions: Vec<Value> =
            names.iter().map(|name| json!({ "FunctionName": name, "Description": ours, "CodeSize": 0 })).collect();
        functions.push(json!({ "FunctionName": "other", "Description": "Something else", "CodeSize": 0 }));
        Reply::Answer(json!({ "Functions": functions }))
    };
    let run = |replies: Vec<Reply>| {
        let lambda = Lambda::new(replies);
        let ran = Ran::new(lambda.command(&["status"]).env_remove("MW_FUNCTION").output().expect("it runs"));
        (ran, lambda.asked())
    };
    let (ran, asked) = run(vec![listed(&["blog"]), status("open", OPEN)]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(asked[0].path.starts_with("/2015-03-31/functions"), "{asked:?}");
    assert_eq!(asked[1].path, "/2015-03-31/functions/blog/invocations");
    let (ran, asked) = run(vec![listed(&["shop", "blog"])]);
    assert_eq!((ran.code, asked.len()), (Some(1), 1), "{ran:?}");
    assert!(ran.err.contains("in eu-west-1: blog, shop; say which with --function or MW_FUNCTION"), "{ran:?}");
    let (ran, _) = run(vec![listed(&[])]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("no maintenance stack was found in eu-west-1"), "{ran:?}");
    let (ran, _) = run(vec![Reply::Aws(403, "AccessDeniedException", "no")]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("AccessDeniedException") && ran.err.contains("--function or MW_FUNCTION"), "{ran:?}");
    // An empty variable of a script is no leave to take any.
    let lambda = Lambda::new([listed(&["blog"])]);
    let ran = Ran::new(lambda.command(&["off"]).env("MW_FUNCTION", "").output().expect("it runs"));
    assert_eq!((ran.code, lambda.asked().len()), (Some(1), 0), "{ran:?}");
}

#[test]
fn without_a_region_it_says_how_to_name_one() {
    let ran = Ran::new(mw(&["status", "--function", "shop"]).env_remove("AWS_REGION").output().expect("it runs"));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("--region, AWS_REGION"), "{ran:?}");
}

#[test]
fn the_history_is_a_line_for_each() {
    let entry = |id: &str, outcome: &str| {
        json!({
            "id": id, "kind": "window", "outcome": outcome, "ended_at": "2026-12-06T04:00:00Z",
            "planned": { "start": "2026-12-06T02:00:00Z", "end": "2026-12-06T04:00:00Z" },
            "actual": { "started": null, "ended": null }, "turned_away": 1832, "reason": "why", "requested_by": null, "decisions": [],
        })
    };
    let entries: Vec<Value> = (0..7).map(|nth| entry(&format!("w{nth}"), "completed")).collect();
    let told = json!({ "action": "history", "outcome": "history", "message": "7 were found.", "history": entries, "rules": [], "warnings": [] });
    let lambda = Lambda::new([Reply::Answer(told)]);
    let short = lambda.run(&["history"]).out;
    assert!(
        short.contains("completed w0: Sun 6 Dec 2026 02:00 UTC, 2h, 1832 requests turned away, \"why\"\n"),
        "{short}"
    );
    assert!(short.ends_with("and 2 more entries: --json\n"), "{short}");
    assert_eq!(lambda.run(&["history", "--limit", "7"]).out.lines().count(), 8);
}

#[test]
fn the_history_for_an_audit_is_the_table_and_nothing_else() {
    let table = "id,reason\r\na,\"one\nand \u{1b}[2J two\"\r\n";
    let told = json!({ "action": "history", "outcome": "history", "message": "One was found.", "csv": table, "rules": [], "warnings": [] });
    let mut told = told;
    let ran = Lambda::new([Reply::Answer(told.clone())]).run(&["history", "--csv"]);
    let written = "id,reason\r\na,\"one\nand \\u{1b}[2J two\"\r\n";
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), written));
    assert!(!ran.err.contains("One was found."), "{}", ran.err);
    told["more"] = json!(true);
    told["next_steps"] = json!([
        r#"to see the older ones, invoke the function with {"action":"history","format":"csv","until":"2026-11-01T00:00:00Z"}"#
    ]);
    let ran = Lambda::new([Reply::Answer(told)]).run(&["history", "--csv"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), written), "the table stays one");
    assert!(ran.err.contains("One was found.") && ran.err.contains("to see the older ones: mw "), "{}", ran.err);
    assert!(ran.err.contains("history --until 2026-11-01T00:00:00Z --csv"), "{}", ran.err);
}

#[test]
fn a_late_answer_is_waited_for_as_long_as_asked() {
    let late = Reply::Late(Duration::from_secs(3), answer("on", "started", "maintenance", CLOSED));
    let lambda = Lambda::new([late]);
    let ran = lambda.run(&["on", "--answer-timeout", "20s"]);
    assert_eq!((ran.code, lambda.asked().len()), (Some(0), 1), "{ran:?}");
}
