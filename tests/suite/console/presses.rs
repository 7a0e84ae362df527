//! Buttons and the form: what a press does, how often, and what its viewer is told.

use maintenance_window::{
    config::Config,
    error::Error,
    event,
    handler::{self, Reply},
    model::function::LOOK,
};
use proptest::{collection::vec, prelude::*, sample::select, test_runner::RngSeed};
use serde_json::{Value, json};

use super::{FORBIDDEN, any_json, any_line, lived, look, markup::read, now, usual};
use crate::world::{Fault, World};

/// A button as a dashboard reads it.
#[derive(Clone, Debug)]
struct Button {
    label: String,
    asks: Option<String>,
    display: String,
    endpoint: String,
    sent: Value,
}

/// Every button of a page, each with the action that follows it.
fn buttons(html: &str) -> Vec<Button> {
    let plain =
        |text: &str| text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    let between = |text: &str, from: &str, to: &str| -> Option<String> {
        let rest = &text[text.find(from)? + from.len()..];
        Some(plain(&rest[..rest.find(to)?]))
    };
    html.split("<button ")
        .skip(1)
        .map(|rest| {
            let label = between(rest, "aria-label=\"", "\"").filter(|_| rest.find("aria-label") < rest.find('>'));
            let action = &rest[rest.find("</button><cwdb-action ").expect("an action right behind its button")..];
            let tag = between(action, "<cwdb-action ", ">").expect("a tag");
            assert!(tag.starts_with("action=\"call\""), "{tag}");
            let head = &action[..action["</button>".len()..].find('>').expect("an end") + "</button>".len()];
            Button {
                label: label.unwrap_or_else(|| between(rest, ">", "</button>").expect("a label")),
                asks: between(head, "confirmation=\"", "\""),
                display: between(head, "display=\"", "\"").expect("a display"),
                endpoint: between(head, "endpoint=\"", "\"").expect("an endpoint"),
                sent: serde_json::from_str(&between(&action[head.len()..], ">", "</cwdb-action>").expect("JSON"))
                    .expect("JSON"),
            }
        })
        .collect()
}

/// The page's button of this name.
#[track_caller]
fn button(html: &str, label: &str) -> Button {
    let all = buttons(html);
    let found = all.iter().find(|button| button.label == label);
    found
        .unwrap_or_else(|| panic!("no {label} among {:?}", all.iter().map(|one| &one.label).collect::<Vec<_>>()))
        .clone()
}

/// What a dashboard sends for a press, with what stands in the widget's fields.
fn pressed(button: &Button, fields: &Value) -> Value {
    let mut event = look(&json!({}), &json!({"forms": {"all": fields}}));
    event.as_object_mut().expect("an object").extend(button.sent.as_object().expect("an object").clone());
    event
}

/// Presses it; answers the pop-up's text.
async fn press(world: &World, button: &Button) -> String {
    press_with(world, button, &json!({"mw-by": "ana"})).await
}

async fn press_with(world: &World, button: &Button, fields: &Value) -> String {
    read(&world.widget(&pressed(button, fields)).await).text()
}

#[tokio::test(start_paused = true)]
async fn each_button_asks_first_and_says_what_becomes_of_visitors() {
    let world = lived("why").await;
    world.invoke(json!({"action": "on", "id": "held", "duration": "PT2H"})).await.expect("on");
    world.invoke(json!({"id": "paused", "every": "rate(7 days)", "duration": "PT1H"})).await.expect("booked");
    world.invoke(json!({"action": "pause", "id": "paused"})).await.expect("paused");
    let page = world.widget(&usual()).await;
    let all = buttons(&page);
    let labels: Vec<&str> = all.iter().map(|button| button.label.as_str()).collect();
    for label in [
        "Check",
        "Try it",
        "Book",
        "Start now",
        "End now: now",
        "+15 min: now",
        "+30 min: now",
        "+60 min: now",
        "Cancel: later",
        "Skip next: weekly",
        "Pause: weekly",
        "End series: weekly",
        "Resume: paused",
        "End now: held",
    ] {
        assert!(labels.contains(&label), "{label}: {labels:?}");
    }
    let mut keys = std::collections::BTreeSet::new();
    for button in &all {
        assert_eq!((button.display.as_str(), button.endpoint.as_str()), ("popup", world.invoked.as_str()));
        if ["Check", "Try it"].contains(&button.label.as_str()) {
            assert_eq!(button.asks, None, "{} decides nothing", button.label);
            continue;
        }
        let asks = button.asks.as_deref().unwrap_or_else(|| panic!("{} asks nothing", button.label));
        assert!(asks.contains('?') && asks.contains("isitors"), "{}: {asks}", button.label);
        if let Some(key) = button.sent["click"]["request_id"].as_str() {
            assert!(keys.insert(key.to_owned()), "{} has a key of its own", button.label);
        }
    }
    let longer = button(&page, "+30 min: now").asks.expect("asks");
    assert!(longer.contains("kept out until Sun 6 Dec 2026 02:30 UTC (Sun 03:30 UTC+01:00) instead of"), "{longer}");
    let end = button(&page, "End now: now").asks.expect("asks");
    assert!(end.contains("Visitors stay out where window held covers the site too"), "{end}");
    let cancel = button(&page, "Cancel: later").asks.expect("asks");
    assert!(cancel.contains("stays open to visitors at Sun 6 Dec 2026 05:00 UTC"), "{cancel}");
    for label in ["Cancel: later", "Skip next: weekly", "Pause: weekly", "End series: weekly"] {
        let asks = button(&page, label).asks.expect("asks");
        assert!(asks.contains("unless another window covers it"), "{label}: {asks}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_press_does_what_its_button_says_and_a_second_one_nothing() {
    let world = lived("why").await;
    let page = world.widget(&usual()).await;
    let end = |world: &World| world.window("now").map(|window| window["end"].clone());
    assert_eq!(end(&world), Some(json!("2026-12-06T02:00:00Z")));
    for (label, title) in [
        ("+15 min: now", "Extended"),
        ("Skip next: weekly", "Skipped"),
        ("Pause: weekly", "Paused"),
        ("Cancel: later", "Cancelled"),
        ("End now: now", "Ended"),
    ] {
        let button = button(&page, label);
        let told = press(&world, &button).await;
        assert!(told.starts_with(&format!("{title}\n")), "{label}: {told}");
        assert!(told.contains("What to do next\n"), "{told}");
        if label == "+15 min: now" {
            assert_eq!(end(&world), Some(json!("2026-12-06T02:15:00Z")));
        }
        let again = press(&world, &button).await;
        assert!(again.starts_with("Nothing changed\n") && again.contains(" before, at "), "{label}: {again}");
        if label == "+15 min: now" {
            assert_eq!(end(&world), Some(json!("2026-12-06T02:15:00Z")), "once");
        }
    }
    assert!(!world.is_dark(0));
    assert_eq!(world.window("later"), None);
    let weekly = world.series("weekly").expect("it is there");
    assert_eq!((weekly["paused"].clone(), weekly["skipped"].as_array().map(Vec::len)), (json!(true), Some(1)));
    let decided: Vec<&Value> = weekly["decisions"].as_array().expect("decisions").iter().collect();
    assert!(decided.iter().skip(1).all(|decision| decision["requested_by"] == "ana"), "{decided:?}");
    // The page as it is now has other buttons, with other keys.
    let page = world.widget(&usual()).await;
    assert!(press(&world, &button(&page, "Resume: weekly")).await.starts_with("Resumed\n"));
    let page = world.widget(&usual()).await;
    assert!(press(&world, &button(&page, "End series: weekly")).await.starts_with("Cancelled\n"));
    assert_eq!(world.series("weekly"), None);
}

#[tokio::test(start_paused = true)]
async fn the_form_books_tries_and_starts_what_is_written_into_it() {
    let world = World::new(1);
    let page = world.widget(&usual()).await;
    let fields = json!({
        "mw-by": "ana", "mw-start": "2026-12-07T02:00", "mw-duration": "2h", "mw-zone": "+01:00", "mw-every": "",
        "mw-reason": "why", "mw-message": "Back soon.",
    });
    let tried = press_with(&world, &button(&page, "Try it"), &fields).await;
    assert!(tried.starts_with("It would work\n"), "{tried}");
    assert_eq!(world.windows(), [""; 0]);
    let booked = press_with(&world, &button(&page, "Book"), &fields).await;
    assert!(
        booked.starts_with("Booked\n")
            && booked.contains("Until its start the site stays open to visitors, unless another"),
        "{booked}"
    );
    let again = press_with(&world, &button(&page, "Book"), &fields).await;
    assert!(again.starts_with("Nothing changed\n"), "{again}");
    let [id] = world.windows().try_into().expect("one window");
    let window = world.window(id.trim_start_matches("window#")).expect("it is there");
    assert_eq!((&window["start"], &window["requested_by"]), (&json!("2026-12-07T01:00:00Z"), &json!("ana")));
    // Something else written into the same form is another request.
    let mut other = fields.clone();
    other["mw-start"] = json!("2026-12-08T02:00");
    assert!(press_with(&world, &button(&page, "Book"), &other).await.starts_with("Booked\n"));
    other["mw-start"] = json!("");
    other["mw-zone"] = json!("Europe/Berlin");
    other["mw-every"] = json!("cron(0 2 ? * SUN *)");
    assert!(press_with(&world, &button(&page, "Book"), &other).await.starts_with("Booked\n"));
    assert_eq!(world.series_ids().len(), 1);
    other["mw-every"] = json!("");
    let started = press_with(&world, &button(&page, "Start now"), &other).await;
    assert!(started.starts_with("Started\n") && started.contains("as a visitor"), "{started}");
    assert!(world.is_dark(0));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_in_the_events_own_words_and_counts_as_none() {
    let world = World::new(1);
    let page = world.widget(&usual()).await;
    let fields = json!({"mw-start": "yesterday", "mw-duration": "a while", "mw-zone": "Mars/Base", "mw-reason": "x".repeat(301)});
    let told = press_with(&world, &button(&page, "Book"), &fields).await;
    assert!(told.starts_with("Refused\nNothing was changed.\n"), "{told}");
    let event =
        json!({"start": "yesterday", "duration": "a while", "timezone": "Mars/Base", "reason": "x".repeat(301)});
    let Err(Error::InvalidEvent(problems)) = event::read(&event, world.now(), &world.config()) else { panic!("read") };
    assert_eq!(problems.len(), 4);
    for problem in problems {
        let (first, rest) = problem.split_at(1);
        assert!(told.contains(&format!("{}{rest}", first.to_uppercase())), "{problem}: {told}");
    }
    assert_eq!(world.windows(), [""; 0]);
    assert!(
        !world.state().said.iter().any(|said| said.contains("RefusedEvents")),
        "the alarm subtracts what is counted"
    );
    // A window that is over, on a page that is old.
    world.invoke(json!({"action": "on", "id": "w", "duration": "PT1H"})).await.expect("on");
    let page = world.widget(&usual()).await;
    world.invoke(json!({"action": "off"})).await.expect("off");
    let told = press(&world, &button(&page, "+30 min: w")).await;
    assert!(told.starts_with("Refused\n") && told.contains("\"w\" is over"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_and_what_was_decided_stands() {
    let world = World::new(1);
    world.invoke(json!({"action": "on", "id": "w", "duration": "PT1H"})).await.expect("on");
    let page = world.widget(&usual()).await;
    world.state().broken = vec!["ModifyRule"];
    let told = press(&world, &button(&page, "End now: w")).await;
    assert!(told.starts_with("Decided, not done yet\n"), "{told}");
    world.state().broken = vec!["TransactWriteItems"];
    world.invoke(json!({"action": "sweep"})).await.ok();
    world.state().broken = vec!["Query"];
    let told = press(&world, &button(&page, "+30 min: w")).await;
    assert!(told.starts_with("Failed\n") && told.contains("decided twice"), "{told}");
    world.state().broken.clear();
    let invocation = world.state().invocations.len();
    world.state().faults.insert((invocation, 0), Fault::Hangs);
    let told = press(&world, &button(&page, "+60 min: w")).await;
    assert!(told.starts_with("Failed\n") && told.contains("Or refresh, and look first"), "{told}");
    world.no_secret_was_said();
}

#[test]
fn a_press_while_the_settings_are_unusable_is_told_that_it_changed_nothing_and_which_they_are() {
    let settings = [("TABLE_NAME", "x"), ("MAX_DURATION", "long")];
    let lookup = |name: &str| settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let unusable = |event: &Value| handler::cannot_work(event, Config::from_lookup(lookup).expect_err("no table"));
    let page = |event: &Value| match unusable(event) {
        Ok(Reply::Page(page)) => read(&page).text(),
        other => panic!("{event}: {other:?}"),
    };
    let mut sent = usual();
    sent["click"] = json!({"action": "off", "id": "w"});
    let pressed = page(&sent);
    assert!(pressed.starts_with("Refused\n") && pressed.contains("Nothing was changed."), "{pressed}");
    assert!(!pressed.contains("could not look"), "{pressed}");
    let looked = page(&usual());
    assert!(looked.starts_with("Not known\n") && looked.contains("The function could not look: "), "{looked}");
    for told in [pressed, looked] {
        assert!(told.contains("the stack's table: expected") && told.contains("MaxDuration: expected"), "{told}");
    }
    assert_eq!(unusable(&json!({"action": "off"})).expect_err("an error").kind(), "InvalidConfig");
}

#[tokio::test(start_paused = true)]
async fn by_the_alias_that_only_looks_nothing_can_be_changed() {
    let mut world = lived("why").await;
    let page = world.widget(&usual()).await;
    let rules = world.conditions(0);
    let before = (world.windows(), world.series_ids(), world.history().len());
    world.invoked = format!("{}:{LOOK}", world.invoked);
    let seen = world.widget(&usual()).await;
    assert!(buttons(&seen).is_empty() && !seen.contains("<input"), "{seen}");
    for button in buttons(&page) {
        let told = press(&world, &button).await;
        let looks = button.label == "Check";
        assert_eq!(looks, !told.starts_with("Refused\n"), "{}: {told}", button.label);
    }
    for action in event::ACTIONS {
        let event = match action {
            "book" => json!({"start": "2026-12-09T02:00Z", "duration": "PT1H", "dry_run": true}),
            "extend" => json!({"action": action, "id": "now", "by": "PT5M"}),
            "reschedule" => json!({"action": action, "id": "later", "duration": "PT3H"}),
            "edit" => json!({"action": action, "id": "now", "message": "m"}),
            "skip" | "unskip" | "pause" | "resume" => json!({"action": action, "id": "weekly"}),
            "cancel" => json!({"action": action, "id": "later"}),
            "wake" => json!({"action": action, "id": "now"}),
            _ => json!({"action": action}),
        };
        match (action, world.invoke(event).await) {
            ("status" | "history" | "check" | "help", Ok(_)) => {}
            (_, Err(Error::InvalidEvent(problems))) => {
                assert!(
                    problems[0].starts_with("action: expected status, history, check or help"),
                    "{action}: {problems:?}"
                );
            }
            (action, other) => panic!("{action}: {other:?}"),
        }
    }
    assert_eq!((world.windows(), world.series_ids(), world.history().len()), before);
    assert_eq!(world.conditions(0), rules);
    // Any other alias or version is the function itself.
    world.invoked = world.invoked.replace(LOOK, "live");
    let page = world.widget(&usual()).await;
    assert!(press(&world, &button(&page, "End now: now")).await.starts_with("Ended\n"));
}

/// What people, programs and accidents put into the form's fields.
fn any_fields() -> impl Strategy<Value = Value> {
    let names = vec!["mw-by", "mw-start", "mw-duration", "mw-zone", "mw-every", "mw-reason", "mw-message", "id"];
    let texts = select(vec!["2026-12-07T02:00", "1h", "+01:00", "Europe/London", "rate(7 days)", "", " "]);
    let value = prop_oneof![
        4 => texts.prop_map(Value::from),
        3 => any_line().prop_map(Value::from),
        1 => any_json(),
    ];
    vec((select(names), value), 0..8)
        .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Value>())
}

/// What a button sends, and what pretends to be one.
fn any_press() -> impl Strategy<Value = Value> {
    let buttons = select(vec!["book", "start", "try", "fly", ""]);
    let form =
        (buttons, any_line()).prop_map(|(button, drawing)| json!({"form": {"button": button, "drawing": drawing}}));
    let actions = select(&event::ACTIONS[..]);
    let click =
        (actions, any_line()).prop_map(|(action, id)| json!({"click": {"action": action, "id": id, "reason": id}}));
    prop_oneof![
        3 => form,
        3 => click,
        1 => any_json().prop_map(|sent| json!({ "click": sent })),
        1 => any_json().prop_map(|sent| json!({ "form": sent })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_128),
        ..ProptestConfig::default()
    })]

    /// Whatever a press sends, its viewer is answered with a page that holds no markup of theirs, and never an error.
    #[test]
    fn every_press_is_answered_with_a_page(sent in any_press(), fields in any_fields()) {
        now(async {
            let world = World::new(1);
            let mut event = look(&json!({}), &json!({"forms": {"all": fields}}));
            event.as_object_mut().expect("an object").extend(sent.as_object().expect("an object").clone());
            let page = read(&Box::pin(world.widget(&event)).await);
            for forbidden in FORBIDDEN {
                prop_assert!(!page.skeleton.iter().any(|part| part == forbidden), "{}", forbidden);
            }
            prop_assert!(!page.skeleton.iter().any(|part| part == "cwdb-action"), "no button stands in a pop-up");
            prop_assert!(page.text().contains("What to do next"), "{}", page.text());
            prop_assert!(!world.state().said.iter().any(|said| said.contains("RefusedEvents")));
            Ok(())
        })?;
    }
}
