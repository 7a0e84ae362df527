//! The history, page by page: nothing is left out, and nobody is told that what was told is all if it is not.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use maintenance_window::report::response::Response;
use serde_json::{Value, json};

use crate::world::World;

/// A world with so many windows that are over, named by their numbers, each at the moment that is told of it.
async fn world(count: usize, over: impl Fn(usize) -> Timestamp) -> World {
    let world = World::new(1);
    world.invoke(json!({"action": "on", "id": "first", "duration": "PT1H"})).await.expect("on");
    world.invoke(json!({"action": "off"})).await.expect("off");
    {
        let mut state = world.state();
        let (key, item) = state.table.items.iter().find(|((scope, _), _)| scope == "past").expect("history");
        let (key, item) = (key.clone(), item.clone());
        state.table.items.remove(&key);
        for nth in 0..count {
            let (name, uid) = (format!("w{nth:03}"), format!("u{nth:04}"));
            let id = format!("{}#{name}#{uid}", over(nth).strftime("%Y-%m-%dT%H:%M:%S.%3fZ"));
            let mut item = item.clone();
            for (attribute, text) in [("id", &id), ("window", &name), ("uid", &uid)] {
                item.insert(attribute.to_owned(), json!({ "S": text }));
            }
            state.table.items.insert(("past".to_owned(), id), item);
        }
    }
    world
}

/// A minute for each.
fn minutes(nth: usize) -> Timestamp {
    let minutes = SignedDuration::from_mins(i64::try_from(nth).expect("few"));
    "2026-11-01T00:00:00.25Z".parse::<Timestamp>().expect("a time") + minutes
}

async fn told(world: &World, event: &Value) -> Response {
    world.invoke(event.clone()).await.expect("told")
}

fn ids(answer: &Response) -> Vec<String> {
    answer.history.iter().map(|past| past.id.to_string()).collect()
}

/// The event of the one next step.
fn next(answer: &Response) -> Value {
    let [step] = answer.next_steps.as_slice() else { panic!("one step: {:?}", answer.next_steps) };
    let event = step.strip_prefix("to see the older ones, invoke the function with ").expect("an event");
    serde_json::from_str(event).expect("JSON")
}

/// All that is told by an event and by the next steps of its answers, as it is told.
async fn all(world: &World, event: Value) -> Vec<String> {
    let (mut event, mut found) = (event, vec![]);
    loop {
        let answer = told(world, &event).await;
        found.extend(ids(&answer));
        assert_eq!(answer.more, !answer.next_steps.is_empty(), "{}", answer.message);
        if !answer.more {
            return found;
        }
        event = next(&answer);
    }
}

fn names(numbers: impl DoubleEndedIterator<Item = usize>) -> Vec<String> {
    numbers.rev().map(|nth| format!("w{nth:03}")).collect()
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_all_says_so_and_how_to_go_on() {
    let world = world(45, minutes).await;
    let first = told(&world, &json!({"action": "history"})).await;
    assert_eq!((ids(&first), first.more), (names(25..45), true));
    assert!(
        first.message.starts_with("More than 20 windows and series that are over were found. "),
        "{}",
        first.message
    );
    assert_eq!(next(&first), json!({"action": "history", "until": minutes(25).to_string()}));
    assert_eq!(all(&world, json!({"action": "history"})).await, names(0..45));
    let one = told(&world, &json!({"action": "history", "limit": 1})).await;
    assert!(one.message.ends_with("This is the latest; there are more."), "{}", one.message);
    for (event, expected) in [
        (json!({"action": "history", "limit": 45}), names(0..45)),
        (json!({"action": "history", "id": "w007"}), names(7..8)),
    ] {
        let answer = told(&world, &event).await;
        assert_eq!((ids(&answer), answer.more, answer.next_steps.len()), (expected, false, 0), "{event}");
        assert!(answer.message.contains(" found") && !answer.message.contains("there are more"), "{}", answer.message);
        let written = serde_json::to_value(&answer).expect("JSON");
        assert_eq!(written.get("more"), None, "nothing is said of what is not");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_over_from_then_to_before_then_is_told() {
    let world = world(10, minutes).await;
    for (since, until, expected) in [
        (minutes(3), minutes(6), names(3..6)),
        (minutes(3) + SignedDuration::from_millis(1), minutes(6) + SignedDuration::from_millis(1), names(4..7)),
        (minutes(20), minutes(21), names(0..0)),
    ] {
        let event = json!({"action": "history", "since": since.to_string(), "until": until.to_string()});
        assert_eq!(ids(&told(&world, &event).await), expected, "{event}");
        let paged = json!({"action": "history", "since": since.to_string(), "until": until.to_string(), "limit": 1});
        assert_eq!(all(&world, paged).await, expected, "its pages keep within it");
    }
    let local = json!({"action": "history", "until": "2026-11-01T01:02", "timezone": "Europe/Berlin"});
    assert_eq!(ids(&told(&world, &local).await), names(0..2), "in the zone beside it");
    for (since, until) in [(minutes(6), minutes(3)), (minutes(6), minutes(6))] {
        let event = json!({"action": "history", "since": since.to_string(), "until": until.to_string()});
        let refused = world.invoke(event).await.expect_err("refused").full();
        assert!(refused.contains("until: expected a time after since"), "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_over_at_one_moment_is_not_lost_between_two_pages() {
    // Windows that one `off` ended: 18 to 22 and 30 to 35 at once.
    let world = world(45, |nth| match nth {
        18..=22 => minutes(18),
        30..=35 => minutes(30),
        nth => minutes(nth),
    })
    .await;
    for limit in [6, 20, 23] {
        let found = all(&world, json!({"action": "history", "limit": limit})).await;
        let apart: BTreeSet<&String> = found.iter().collect();
        assert_eq!(apart.len(), 45, "{limit}: {found:?}");
        assert!(found.len() <= 45 + 4 * 45 / limit, "{limit}: only those of one moment are told again: {found:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn more_at_one_moment_than_are_told_are_told_with_the_highest_limit() {
    let at_once = world(205, |_| minutes(0)).await;
    let first = told(&at_once, &json!({"action": "history", "id": null})).await;
    assert_eq!(next(&first), json!({"action": "history", "limit": 200}));
    let most = told(&at_once, &next(&first)).await;
    assert_eq!((most.history.len(), most.more), (200, true));
    assert_eq!(most.next_steps, ["to see the older ones, ask for each by its id: so many were over at once"]);
}

#[tokio::test(start_paused = true)]
async fn a_table_for_an_audit_holds_two_hundred_and_stays_a_table() {
    let world = world(203, minutes).await;
    let csv = json!({"action": "history", "format": "csv", "since": minutes(1).to_string()});
    let first = told(&world, &csv).await;
    let table = first.csv.as_deref().expect("a table");
    assert_eq!(
        (table.matches("\r\n").count(), first.more, first.history.len()),
        (201, true, 0),
        "a head and 200 lines"
    );
    assert!(!table.contains("more"), "that there are more is no row");
    assert!(first.message.contains("there are more"), "{}", first.message);
    let rest = json!({
        "action": "history", "format": "csv", "since": minutes(1).to_string(), "until": minutes(3).to_string(),
    });
    assert_eq!(next(&first), rest);
    let last = told(&world, &next(&first)).await;
    assert_eq!((last.csv.expect("a table").matches("\r\n").count(), last.more), (3, false));
}

/// How many items of the past were read for this event, page by page.
async fn read(world: &World, event: &Value) -> Vec<usize> {
    world.state().table.pages.clear();
    told(world, event).await;
    world.state().table.pages.clone()
}

#[tokio::test(start_paused = true)]
async fn no_more_of_the_past_is_read_than_is_told() {
    let world = world(300, minutes).await;
    for limit in [1, 20, 200] {
        assert_eq!(read(&world, &json!({"action": "history", "limit": limit})).await, [limit + 1]);
    }
    let rare = json!({"action": "history", "id": "w000", "limit": 1});
    assert_eq!(read(&world, &rare).await, [2, 4, 8, 16, 32, 64, 128, 46], "what lies far apart takes few calls");
    assert_eq!(ids(&told(&world, &rare).await), ["w000"]);
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_takes_no_place() {
    let world = world(30, minutes).await;
    for ((scope, id), item) in &mut world.state().table.items {
        if scope == "past" && ["0#", "2#", "4#", "6#", "8#"].iter().any(|even| id.contains(even)) {
            item.insert("expires".to_owned(), json!({"N": "1"}));
        }
    }
    let odd: Vec<usize> = (0..30).filter(|nth| nth % 2 == 1).collect();
    assert_eq!(all(&world, json!({"action": "history", "limit": 7})).await, names(odd.into_iter()));
    let first = told(&world, &json!({"action": "history", "limit": 15})).await;
    assert!(!first.more, "nothing that has expired is more");
}

#[tokio::test(start_paused = true)]
async fn the_console_says_that_it_shows_the_latest_of_more() {
    for (count, more) in [(10, false), (11, true)] {
        let world = world(count, minutes).await;
        let page = world.widget(&json!({"widgetContext": {"params": {"show": "history"}}})).await;
        assert_eq!(
            page.contains("There are more; send {&quot;action&quot;:&quot;history&quot;} to see them."),
            more,
            "{page}"
        );
        assert_eq!(world.state().table.pages.last(), Some(&count.min(11)));
    }
}
