//! Items that somebody damaged or put in the wrong place: the site can be opened, and is told of as it is.

use serde_json::{Map, Value, json};

use crate::world::{World, path, rule_arn, rule_item_id};

/// A world in a window from 02:00 to 03:00, whose rule's item has lost these attributes.
async fn damaged(attributes: &[&str]) -> World {
    let world = World::new(1);
    world.set_conditions(0, owned());
    world.invoke(json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"})).await.expect("booked");
    world.run_until("02:10").await;
    assert!(world.is_dark(0));
    world.damage_rule_item(0, attributes);
    world
}

fn owned() -> Vec<Value> {
    vec![path(&["/shop/*"])]
}

/// Changes the secret after which nobody knows the rule's header by its value.
fn change_secret(world: &mut World) {
    world.settings.insert("BYPASS_HEADER_VALUE", "another-secret-0815".to_owned());
}

/// How the site stands, and what a person reads of it.
async fn status(world: &World) -> (String, String, Vec<String>) {
    let answer = world.invoke(json!({"action": "status"})).await.expect("status");
    assert!(answer.warnings.iter().all(|warning| !warning.contains("secret")), "{:?}", answer.warnings);
    (answer.outcome, answer.message, answer.next_steps)
}

#[tokio::test(start_paused = true)]
async fn a_rule_is_opened_at_its_end_if_what_its_owner_wrote_still_reads() {
    for attribute in ["saved_at", "windows", "mark", "drift"] {
        let mut world = damaged(&[attribute]).await;
        if attribute != "mark" {
            change_secret(&mut world);
        }
        world.run_until("02:20").await;
        let (site, message, _) = status(&world).await;
        assert_eq!(site, "maintenance", "{attribute}: {message}");
        let is_told =
            |said: &str| world.state().published.iter().any(|report| report.message.to_string().contains(said));
        assert!(is_told("is left as it is, since what is saved of it in the table cannot be read"), "{attribute}");
        // No other window could close the rule.
        let check = world.invoke(json!({"action": "check"})).await.expect("check");
        assert_eq!(check.outcome, "blocked", "{:?}", check.findings);
        world.run_until("03:10").await;
        assert_eq!(world.conditions(0), owned(), "{attribute}");
        assert_eq!((status(&world).await.0.as_str(), world.windows().len()), ("open", 0), "{attribute}");
        assert_eq!(world.count("completed"), 1, "{attribute}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_whose_owners_conditions_do_not_read_is_told_as_closed_and_opened_by_off() {
    for secret_is_new in [false, true] {
        let mut world = damaged(&["owner"]).await;
        if secret_is_new {
            change_secret(&mut world);
        }
        world.run_until("03:10").await;
        assert_eq!(world.windows(), ["w"], "it is not over while its rule is closed");
        let (site, message, steps) = status(&world).await;
        assert_eq!(site, "maintenance_unplanned", "{message}");
        assert!(message.contains("what its owner wrote cannot be read"), "{message}");
        assert!(steps.iter().any(|step| step.ends_with(r#"{"action":"off"}"#)), "{steps:?}");
        assert!(world.text_of("failed").contains("what its owner wrote cannot be read"));
        assert!(world.count("drift") > 0, "an alarm hears of it");
        let off = world.invoke(json!({"action": "off"})).await.expect("off");
        assert_eq!(world.conditions(0), owned(), "what stood beside the bypass header");
        assert!(off.warnings.iter().any(|warning| warning.contains("opened by hand")), "{:?}", off.warnings);
        world.run_until("03:20").await;
        assert_eq!((status(&world).await.0.as_str(), world.windows().len()), ("open", 0));
        assert_eq!(world.count("completed"), 2, "the window's, and the rule's that was opened by hand");
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_rule_of_which_nothing_is_known_nobody_says_that_it_is_open() {
    let mut world = damaged(&["owner", "mark", "former", "header"]).await;
    change_secret(&mut world);
    let closed = world.conditions(0);
    world.run_until("03:10").await;
    let (site, message, _) = status(&world).await;
    assert_eq!(site, "unknown", "{message}");
    assert!(message.contains("remove its bypass header condition by hand"), "{message}");
    world.invoke(json!({"action": "off"})).await.ok();
    assert_eq!(world.conditions(0), closed, "a header that may be its owner's is left to them");
    world.set_conditions(0, owned());
    world.forget_rule_item(0);
    world.run_until("03:20").await;
    assert_eq!((status(&world).await.0.as_str(), world.windows().len()), ("open", 0));
}

#[tokio::test(start_paused = true)]
async fn a_window_whose_damaged_rule_was_opened_by_hand_comes_to_its_end() {
    let world = damaged(&["owner"]).await;
    world.set_conditions(0, owned());
    world.run_until("03:10").await;
    assert_eq!((world.windows().len(), world.count("completed")), (0, 1));
    assert_eq!(world.conditions(0), owned());
}

/// A world at 02:05 with one item of each kind: two windows, of a rule each, that end at 02:10 and 02:20, a series, what
/// is left of a window that is over, and what visitors are told.
async fn full() -> World {
    let mut world = World::new(2);
    world.settings.insert("ERROR_BUCKET", "error-pages".to_owned());
    for (nth, (id, end)) in [("one", "02:10"), ("two", "02:20")].into_iter().enumerate() {
        world.set_conditions(nth, owned());
        let (end, rules) = (format!("2026-12-06T{end}Z"), [rule_arn(nth)]);
        let booked = json!({"id": id, "start": "2026-12-06T02:00Z", "end": end, "rules": rules});
        world.invoke(booked).await.expect("booked");
    }
    world
        .invoke(json!({"id": "before", "start": "2026-12-06T01:40Z", "end": "2026-12-06T02:00Z"}))
        .await
        .expect("booked");
    world.invoke(json!({"id": "weekly", "every": "rate(7 days)", "duration": "PT5M"})).await.expect("booked");
    world.run_until("02:05").await;
    assert!(world.is_dark(0) && world.is_dark(1));
    world
}

type Stored = Map<String, Value>;

fn present(world: &World) -> Vec<(String, Stored)> {
    let state = world.state();
    let now = state.table.items.iter().filter(|((scope, _), _)| scope == "now");
    now.map(|((_, id), item)| (id.clone(), item.clone())).collect()
}

fn put(world: &World, id: &str, mut item: Stored) {
    item.insert("id".to_owned(), json!({ "S": id }));
    let mut state = world.state();
    state.odd_table = true;
    state.table.items.insert(("now".to_owned(), id.to_owned()), item);
}

/// What status says of an item, and that check and a report name it too.
async fn is_named(world: &World, id: &str) {
    let status = world.invoke(json!({"action": "status"})).await.expect("status");
    let says = format!("item {id} of the table is not readable: its key says {id}, but what is in it belongs to ");
    assert!(status.warnings.iter().any(|warning| warning.contains(&says)), "{id}: {:?}", status.warnings);
    let check = world.invoke(json!({"action": "check"})).await.expect("check");
    assert!(check.findings.iter().any(|finding| finding.what.contains(&says)), "{id}: {:?}", check.findings);
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_an_item_under_another_key_is_named_and_changes_nothing() {
    let kinds = present(&full().await);
    let mut tried = std::collections::BTreeSet::new();
    for (id, item) in kinds {
        let (kind, _) = id.split_once('#').expect("a kind");
        if !tried.insert(kind.to_owned()) {
            continue;
        }
        for copy in [format!("{kind}#aaaa"), format!("{kind}#zzzz")] {
            let world = full().await;
            put(&world, &copy, item.clone());
            is_named(&world, &copy).await;
            world.run_until("02:12").await;
            assert!(!world.is_dark(0) && world.is_dark(1), "{copy} of {id}");
            world.run_until("02:25").await;
            for rule in 0..2 {
                assert_eq!(world.conditions(rule), owned(), "{copy} of {id}");
            }
            assert_eq!(world.windows().into_iter().filter(|id| ["one", "two"].contains(&id.as_str())).count(), 0);
            assert!(world.text_of("failed").contains(&copy), "{copy} of {id}");
        }
    }
    assert_eq!(tried.into_iter().collect::<Vec<_>>(), ["after", "published", "rule", "series", "window"]);
}

#[tokio::test(start_paused = true)]
async fn an_item_with_the_content_of_another_keeps_no_other_window_from_its_end() {
    for (mine, other) in [("window#one", "window#two"), ("window#two", "window#one")] {
        let world = full().await;
        let content = present(&world).into_iter().find(|(id, _)| id == other).expect("it is there").1;
        put(&world, mine, content);
        is_named(&world, mine).await;
        world.run_until("02:25").await;
        let its = usize::from(mine == "window#one");
        assert_eq!(world.conditions(its), owned(), "the rule of {other}");
        let off = world.invoke(json!({"action": "off"})).await;
        assert!(!format!("{off:?}").contains("others"), "{off:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_never_takes_a_write_keeps_no_other_window_from_its_start_or_end() {
    for at in ["01:55", "02:05"] {
        let world = World::new(2);
        for (nth, (id, end)) in [("one", "02:10"), ("two", "02:20")].into_iter().enumerate() {
            let (end, rules) = (format!("2026-12-06T{end}Z"), [rule_arn(nth)]);
            let booked = json!({"id": id, "start": "2026-12-06T02:00Z", "end": end, "rules": rules});
            world.invoke(booked).await.expect("booked");
        }
        world.run_until(at).await;
        world.state().table.stubborn.insert("window#one".to_owned());
        world.run_until("02:01").await;
        assert_eq!((world.is_dark(0), world.is_dark(1)), (at == "02:05", true), "stubborn since {at}");
        world.run_until("02:12").await;
        assert_eq!((world.is_dark(0), world.is_dark(1)), (at == "02:05", true), "stubborn since {at}");
        let text = world.text_of("failed");
        assert!(text.contains("refuses to be changed, though it reads as it did before"), "{text}");
        let off = world.invoke(json!({"action": "off"})).await.expect_err("one of both cannot be written").full();
        assert!(off.contains("The end of two is decided, and that stands; 1 left to do"), "{off}");
        assert!(off.contains("window one") && off.contains("refuses to be changed"), "{off}");
        assert!(!world.is_dark(1), "off opens what it can");
        world.run_until("02:22").await;
        assert_eq!((world.is_dark(1), world.count("completed")), (false, 1), "stubborn since {at}");
        world.state().table.stubborn.clear();
        world.run_until("02:30").await;
        assert_eq!((world.is_dark(0), world.windows().len()), (false, 0), "stubborn since {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_cannot_be_written_is_not_said_to_be_changed_by_others() {
    let world = World::new(1);
    world.state().table.stubborn.insert("window#two".to_owned());
    let booking = json!({"id": "two", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"});
    let refused = world.invoke(booking).await.expect_err("it is not written").full();
    assert!(refused.contains("window two") && refused.contains("refuses to be changed"), "{refused}");
    let world = World::new(1);
    put(&world, "series#deploy", [("version".to_owned(), json!({"N": "1"}))].into_iter().collect());
    for booking in [
        json!({"id": "deploy", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"}),
        json!({"id": "deploy", "every": "rate(7 days)", "duration": "PT5M"}),
    ] {
        let refused = world.invoke(booking).await.expect_err("it has that name").full();
        assert!(refused.contains("deploy is the name of an item series#deploy of the table"), "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_writes_that_meet_others_again_and_again_nobody_says_that_their_items_refuse_them() {
    let world = World::new(1);
    let booked = json!({"id": "one", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"});
    world.invoke(booked).await.expect("booked");
    // Of each run two writes are given up, each after four tries.
    for (before, after, is_dark) in [("01:59", "02:01", true), ("02:59", "03:02", false)] {
        world.run_until(before).await;
        world.state().transaction_conflicts = 8;
        world.run_until(after).await;
        assert_eq!((world.is_dark(0), world.count("failed")), (is_dark, 0), "{:?}", world.events());
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_whose_item_never_takes_a_write_stays_open_and_keeps_no_other_rule_open() {
    let world = World::new(2);
    let booked = json!({"id": "both", "start": "2026-12-06T02:00Z", "end": "2026-12-06T02:20Z"});
    world.invoke(booked).await.expect("booked");
    world.run_until("01:55").await;
    let item = rule_item_id(&rule_arn(0));
    world.state().table.stubborn.insert(item);
    world.run_until("02:01").await;
    assert_eq!((world.is_dark(0), world.is_dark(1)), (false, true));
    let text = world.text_of("failed");
    assert!(text.contains("cannot write to the table (rule "), "it names the rule: {text}");
    world.run_until("02:25").await;
    assert_eq!((world.is_dark(0), world.is_dark(1), world.windows().len()), (false, false, 0));
}
