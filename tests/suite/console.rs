//! The console: what a dashboard is shown, with what calls, and what nobody can put into it.

pub(crate) mod markup;
mod presses;

use std::{collections::BTreeSet, fs, sync::OnceLock};

use maintenance_window::console::{self, Asked, DESCRIPTION};
use proptest::{collection::vec, prelude::*, sample::select, test_runner::RngSeed};
use serde_json::{Value, json};

use self::markup::{Page, read};
use crate::world::{Fault, SECRET, World};

/// The widest page with the most that it shows stays below this, in bytes.
const PAGE_MAX: usize = 60_000;

/// What a dashboard sends for a widget with these parameters and this context.
fn look(params: &Value, context: &Value) -> Value {
    let mut all = json!({
        "dashboardName": "maintenance", "widgetId": "widget-1", "accountId": "123456789012", "locale": "en",
        "timezone": {"label": "Local", "offsetISO": "+01:00", "offsetInMinutes": -60},
        "theme": "light", "title": "Maintenance", "forms": {"all": {}}, "params": params, "width": 1180, "height": 900,
    });
    let mut event = params.clone();
    if let (Some(all), Some(more)) = (all.as_object_mut(), context.as_object()) {
        all.extend(more.clone());
    }
    event["widgetContext"] = all;
    event
}

fn usual() -> Value {
    look(&json!({}), &json!({}))
}

/// A look at everything, taken apart.
async fn seen(world: &World) -> Page {
    read(&world.widget(&usual()).await)
}

/// The page in words, with the moment that a test may not depend on left in.
fn told(page: &Page) -> String {
    page.text()
}

fn example(name: &str) -> Value {
    let text = fs::read_to_string(format!("{}/events/console/{name}.json", env!("CARGO_MANIFEST_DIR"))).expect("text");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn the_examples_are_what_their_names_say() {
    assert_eq!(console::asked(&example("describe")), Some(Asked::Description));
    let Some(Asked::Look(context)) = console::asked(&example("look")) else { panic!("no look") };
    assert_eq!(context.problems, [""; 0]);
    let pressed = |name: &str| match console::asked(&example(name)) {
        Some(Asked::Act { event, .. }) => event,
        other => panic!("no press: {other:?}"),
    };
    assert_eq!(pressed("click")["action"], "extend");
    let booked = pressed("form");
    assert_eq!((&booked["start"], &booked["requested_by"]), (&json!("2026-12-06T02:00"), &json!("ana@example.com")));
    let world = World::new(1);
    assert_eq!(world.widget(&example("describe")).await, DESCRIPTION);
    assert!(told(&read(&world.widget(&example("look")).await)).starts_with("Open\n"));
}

#[tokio::test(start_paused = true)]
async fn a_look_reads_once_what_it_shows_and_changes_nothing() {
    let world = World::probed(3);
    world.invoke(json!({"action": "on", "duration": "PT2H", "id": "now"})).await.expect("on");
    for (show, calls) in [
        (json!({}), vec!["DescribeRules", "Query", "Query"]),
        (json!({"show": ["state", "attention", "windows", "rules"]}), vec!["DescribeRules", "Query"]),
        (json!({"show": "history"}), vec!["Query"]),
    ] {
        world.take_calls();
        let asked = world.state().site_asked;
        world.widget(&look(&show, &json!({}))).await;
        let mut made = world.take_calls();
        made.sort();
        assert_eq!(made, calls, "{show}");
        assert_eq!(world.state().site_asked, asked, "the site is not asked");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_of_a_whole_night() {
    let world = World::new(2);
    let mut pages = vec![("nothing is booked", seen(&world).await)];
    let night = json!({
        "id": "db-move", "start": "2026-12-06T02:00", "duration": "PT2H", "timezone": "Europe/Berlin",
        "reason": "Moving the database", "requested_by": "ana", "message": "Back soon.",
    });
    world.invoke(night).await.expect("booked");
    let weekly = json!({"id": "patching", "every": "cron(0 3 ? * MON *)", "duration": "PT1H", "timezone": "UTC"});
    world.invoke(weekly).await.expect("booked");
    pages.push(("a window and a series are booked", seen(&world).await));
    world.run_until("01:30").await;
    pages.push(("the window is active", seen(&world).await));
    world.invoke(json!({"action": "on", "id": "hotfix"})).await.expect("on");
    pages.push(("one has no end", seen(&world).await));
    world.invoke(json!({"action": "off", "requested_by": "bob"})).await.expect("off");
    world.run_until("03:30").await;
    pages.push(("both are over", seen(&world).await));
    let told: Vec<String> = pages.iter().map(|(when, page)| format!("== {when}\n{}", told(page))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_told_on_the_page() {
    let world = World::new(1);
    for (broken, told) in [
        (vec!["DescribeRules"], vec!["Not known", "Not everything could be seen: cannot read the listener rules"]),
        (vec!["Query"], vec!["Not known", "The history could not be read: cannot read the history"]),
        (vec!["DescribeRules", "Query"], vec!["Not known", "None could be read."]),
    ] {
        world.state().broken.clone_from(&broken);
        let page = seen(&world).await.text();
        for part in told {
            assert!(page.contains(part), "{broken:?}: {page}");
        }
        let part = read(&world.widget(&look(&json!({"show": "attention"}), &json!({}))).await).text();
        assert!(part.contains("is not known: cannot read"), "{broken:?}: {part}");
        // No part says that there is nothing where nobody knows.
        for (show, empty) in [
            ("windows", "None is booked or active."),
            ("history", "No window is over yet."),
            ("timeline", "No window in these days"),
        ] {
            let part = read(&world.widget(&look(&json!({ "show": show }), &json!({}))).await).text();
            let is_unread = broken.contains(&"Query");
            assert_eq!(part.contains("Could not be read: cannot read"), is_unread, "{broken:?}: {part}");
            assert_eq!(part.contains(empty), !is_unread, "{broken:?}: {part}");
        }
    }
    world.state().broken.clear();
    for show in ["state", "history"] {
        let page = read(&world.widget(&look(&json!({"show": [show, "widows"]}), &json!({}))).await).text();
        assert!(page.contains("What needs a person\n") && page.contains("did you mean windows?"), "{show}: {page}");
    }
    let page = read(&world.widget(&look(&json!({"show": ["widows"]}), &json!({}))).await).text();
    assert!(page.contains("did you mean windows?"), "{page}");
    world.no_secret_was_said();
    let figures = world.state().said.iter().any(|said| said.contains("RefusedEvents"));
    assert!(!figures, "a page is never a refused event");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_takes_too_long_says_so() {
    let world = World::new(1);
    let invocation = world.state().invocations.len();
    world.state().faults.insert((invocation, 0), Fault::Hangs);
    let page = seen(&world).await.text();
    assert!(page.starts_with("Not known\nThe function could not look: the invocation's time is up"), "{page}");
}

#[tokio::test(start_paused = true)]
async fn what_needs_a_person_is_said_first_and_nothing_if_nothing_does() {
    let world = World::new(1);
    assert!(seen(&world).await.text().contains("What needs a person\nNothing."));
    // Someone closed the rule by hand.
    world.invoke(json!({"action": "on", "id": "w"})).await.expect("on");
    assert!(seen(&world).await.text().contains("Window w has no end: it goes on until somebody ends it."));
    world.forget_window("w");
    let page = seen(&world).await.text();
    assert!(page.starts_with("Closed, unplanned\n"), "{page}");
    assert!(page.contains("To open the site, invoke the function with {\"action\":\"off\"}"), "{page}");
}

#[tokio::test(start_paused = true)]
async fn themes_widths_and_parts_are_as_the_dashboard_asks() {
    let world = World::new(1);
    for (context, class) in [
        (json!({"theme": "light"}), "mw cwdb-no-default-styles mw-light"),
        (json!({"theme": "dark"}), "mw cwdb-no-default-styles mw-dark"),
        (json!({"theme": "dark", "width": 300}), "mw cwdb-no-default-styles mw-dark mw-narrow"),
        (json!({"theme": 7, "width": "x"}), "mw cwdb-no-default-styles mw-light"),
    ] {
        let page = read(&world.widget(&look(&json!({}), &context)).await);
        assert_eq!(page.attributes["div class"][0], class, "{context}");
    }
    let page = read(&world.widget(&look(&json!({"show": ["state"]}), &json!({}))).await);
    assert!(!page.text().contains("History") && !page.skeleton.contains(&"svg".to_owned()));
}

/// Fifty windows, with what people and attackers write, all shown.
async fn full(world: &World, text: &str) {
    for nth in 0..50 {
        let event = json!({
            "id": format!("window-of-the-night-{nth:02}"), "duration": "PT2H", "timezone": "Europe/London",
            "start": format!("2026-12-{:02}T{:02}:00", 7 + nth / 10, nth % 10 * 2),
            "reason": text, "requested_by": text, "message": text,
        });
        world.invoke(event).await.expect("booked");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_of_fifty_windows_and_twenty_series_is_small() {
    for text in ["Moving the database to its new home, as planned for months ".repeat(5), "\"".repeat(300)] {
        let world = World::new(1);
        full(&world, text.trim()).await;
        for nth in 0..10 {
            let past = json!({"action": "on", "id": format!("over-{nth}"), "reason": text, "requested_by": text});
            world.invoke(past).await.expect("on");
            world.invoke(json!({"action": "off", "id": format!("over-{nth}")})).await.expect("off");
        }
        // Some of them have all the buttons that there are.
        for nth in 0..4 {
            let active = json!({"action": "on", "id": format!("active-{nth}"), "duration": "PT2H", "reason": text});
            world.invoke(active).await.expect("on");
        }
        for nth in 0..20 {
            let series = json!({
                "id": format!("patching-of-the-week-{nth:02}"), "every": "rate(7 days)", "duration": "PT1H",
                "start": format!("2026-12-20T{nth:02}:00Z"), "timezone": "Europe/London", "reason": text, "requested_by": text,
            });
            world.invoke(series).await.expect("booked");
        }
        let page = world.widget(&usual()).await;
        let series = read(&page).texts.iter().filter(|text| text.starts_with("patching-of-the-week-")).count();
        assert!(series >= 20, "{series}");
        assert!(page.len() < PAGE_MAX, "{} bytes", page.len());
        let rows = read(&page).texts.iter().filter(|text| text.starts_with("window-of-the-night-")).count();
        assert!(rows >= 46, "{rows}");
    }
}

/// Elements and attributes that run, load or lead somewhere; AWS takes the first three out by itself.
const FORBIDDEN: [&str; 14] = [
    "script",
    "iframe",
    "use",
    "object",
    "embed",
    "link",
    "meta",
    "base",
    "img",
    "a",
    "  href",
    "  src",
    "  onclick",
    "  id",
];

/// One line of what people type and attackers try.
fn any_line() -> impl Strategy<Value = String> {
    let meaning = select(vec![
        "<script>alert(1)</script>",
        "</style>",
        "</div></section>",
        "<cwdb-action action=\"call\">{}</cwdb-action>",
        "</cwdb-action>",
        "<iframe src=x>",
        "<svg><use href=x>",
        "<img src=x onerror=alert(1)>",
        "\" onclick=\"x",
        "' onmouseover='x",
        "\"}",
        "{\"action\":\"off\"}",
        "javascript:alert(1)",
        "&lt;b&gt;",
        "&#60;",
        "&amp;amp;",
        "<!--",
        "-->",
        "]]>",
        "`",
        "${x}",
        "\\u003c",
        "ı",
        "😀",
    ]);
    let part = prop_oneof![3 => meaning.prop_map(str::to_owned), 1 => "\\PC{1,6}"];
    vec(part, 1..6).prop_map(|parts| format!("x{}x", parts.concat()).replace(['\u{2028}', '\u{2029}'], ""))
}

/// Anything a JSON value can be, in a widget's context and parameters.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any_line().prop_map(Value::from),
        select(vec!["UTC", "Local", "Europe/London", "+01:00", "-99:99", "dark", "state", "Etc/Unknown", "/"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((select(vec!["label", "offsetISO", "all", "show", "theme"]), inner), 0..3)
                .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Value>()),
        ]
    })
}

fn any_context() -> impl Strategy<Value = Value> {
    let keys = ["timezone", "theme", "width", "height", "params", "forms", "title", "locale", "widgetId"];
    let context = vec((select(keys.to_vec()), any_json()), 0..6)
        .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Value>());
    prop_oneof![6 => context, 1 => any_json()]
}

fn now<T>(future: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(future)
}

/// Windows of every kind, all of which say this.
async fn lived(text: &str) -> World {
    let world = World::new(1);
    let with = |mut event: Value| {
        for field in ["reason", "requested_by", "message"] {
            event[field] = json!(text);
        }
        event
    };
    world.invoke(with(json!({"action": "on", "id": "over"}))).await.expect("on");
    world.invoke(json!({"action": "off", "id": "over", "requested_by": text, "reason": text})).await.expect("off");
    world.invoke(with(json!({"action": "on", "id": "now", "duration": "PT2H"}))).await.expect("on");
    let later = json!({"id": "later", "start": "2026-12-06T05:00Z", "duration": "PT2H"});
    world.invoke(with(later)).await.expect("booked");
    let series = json!({"id": "weekly", "every": "rate(7 days)", "duration": "PT2H", "start": "2026-12-07T05:00Z"});
    world.invoke(with(series)).await.expect("booked");
    world
}

/// What a page is made of when all that people wrote is one letter.
static HARMLESS: OnceLock<Vec<String>> = OnceLock::new();

fn harmless() -> Vec<String> {
    // Apart, since a runtime may not wait within another one.
    let made = std::thread::spawn(|| now(async { seen(&Box::pin(lived("x")).await).await.skeleton }));
    made.join().expect("a page")
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_127),
        ..ProptestConfig::default()
    })]

    /// Whatever people wrote, the page has the elements that it has with a harmless text, and shows what they wrote.
    #[test]
    fn no_text_becomes_markup(text in any_line()) {
        now(async {
            let page = Box::pin(seen(&Box::pin(lived(&text)).await)).await;
            prop_assert_eq!(&page.skeleton, HARMLESS.get_or_init(harmless));
            let elements: BTreeSet<&str> = page.skeleton.iter().map(String::as_str).collect();
            for forbidden in FORBIDDEN {
                prop_assert!(!elements.contains(forbidden), "{}", forbidden);
            }
            // Long ones are cut, and a sign that is escaped counts as several.
            let start: String = text.chars().take(3).collect();
            let shown = page.texts.iter().filter(|shown| shown.starts_with(start.trim_end())).count();
            prop_assert!(shown >= 8, "{} times {}", shown, start);
            Ok(())
        })?;
    }

    /// Whatever a dashboard says of itself, there is a page, and it is well-formed.
    #[test]
    fn every_context_is_shown_a_page(context in any_context()) {
        now(async {
            let world = World::new(1);
            world.invoke(json!({"action": "on", "id": "now", "duration": "PT2H"})).await.expect("on");
            let page = read(&Box::pin(world.widget(&json!({"widgetContext": context}))).await);
            prop_assert!(page.texts.len() > 1, "{:?}", page.texts);
            prop_assert!(!page.text().contains(SECRET));
            for forbidden in FORBIDDEN {
                prop_assert!(!page.skeleton.iter().any(|part| part == forbidden), "{}", forbidden);
            }
            Ok(())
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn the_history_tells_how_soon_visitors_saw_a_change() {
    let world = World::probed(1);
    world.invoke(json!({"action": "on", "id": "w", "duration": "PT1H"})).await.expect("on");
    world.run_until("00:20").await;
    world.invoke(json!({"action": "off", "id": "w"})).await.expect("off");
    let past = world.invoke(json!({"action": "history"})).await.expect("told").history.remove(0);
    let (closed, opened) = (past.closed_seen_after_secs.expect("seen"), past.opened_seen_after_secs.expect("seen"));
    let page = seen(&world).await.text();
    assert!(page.contains(&format!("closing seen after {closed} s, opening after {opened} s")), "{page}");
}
