//! Items of rules that somebody damaged: the site can be opened, and is told of as it is.

use serde_json::{Value, json};

use crate::world::{World, path};

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
