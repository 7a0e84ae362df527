//! Events about a window that is there already, or whose name is not free yet.

use serde_json::{Value, json};

use crate::world::{World, rule_arn};

fn window(more: &Value) -> Value {
    let mut event = json!({
        "id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z", "reason": "move", "message": "Back soon",
        "mute_alarms": ["one", "two"], "requested_by": "ann", "timezone": "Europe/London",
    });
    for (field, value) in more.as_object().expect("fields") {
        event[field] = value.clone();
    }
    event
}

#[tokio::test(start_paused = true)]
async fn what_a_repeated_booking_would_change_is_named_with_what_changes_it() {
    let world = World::new(2);
    world.invoke(window(&json!({}))).await.expect("booked");
    let edit = |field: &str| format!("{field} was not taken; edit changes the {field}.");
    let anew =
        |field: &str| format!("{field} was not taken; no event changes its {field}: cancel it and book it anew.");
    for (more, expected, is_editable) in [
        (json!({}), None, false),
        (json!({"mute_alarms": ["two", "one"]}), None, false),
        (json!({"reason": null, "message": null, "requested_by": null, "timezone": null}), None, false),
        (json!({"reason": "other"}), Some(edit("reason")), true),
        (json!({"message": "Later"}), Some(edit("message")), true),
        (json!({"mute_alarms": []}), Some(edit("mute_alarms")), true),
        (json!({"mute_alarms": ["one"]}), Some(edit("mute_alarms")), true),
        (json!({"requested_by": "eve"}), Some(anew("requested_by")), false),
        (json!({"timezone": "Europe/Paris"}), Some(anew("timezone")), false),
        (
            json!({"reason": "other", "message": "Later", "requested_by": "eve", "timezone": "Europe/Paris"}),
            Some(
                "so the reason, message, requested_by and timezone were not taken; edit changes the reason and message; no \
                 event changes its requested_by and timezone: cancel it and book it anew."
                    .to_owned(),
            ),
            true,
        ),
    ] {
        let again = world.invoke(window(&more)).await.expect("known");
        assert_eq!(again.outcome, "already_booked", "{more}");
        match &expected {
            Some(words) => assert!(again.message.ends_with(words.as_str()), "{more}: {}", again.message),
            None => assert!(!again.message.contains("taken"), "{more}: {}", again.message),
        }
        let step = again.next_steps.iter().find(|step| step.contains(r#""action":"edit""#));
        assert_eq!(step.is_some(), is_editable, "{more}: {:?}", again.next_steps);
        let mut dry = window(&more);
        dry["dry_run"] = json!(true);
        let dry = world.invoke(dry).await.expect("known");
        assert_eq!(dry.message.contains("not taken"), expected.is_some(), "{more}: {}", dry.message);
    }
    // The event that the answer gives does it.
    let again = world.invoke(window(&json!({"message": "Later", "mute_alarms": []}))).await.expect("known");
    let step = again.next_steps.iter().find(|step| step.contains(r#""action":"edit""#)).expect("a step");
    let event = &step[step.find('{').expect("an event")..];
    world.invoke(serde_json::from_str(event).expect("JSON")).await.expect("edited");
    let again = world.invoke(window(&json!({"message": "Later", "mute_alarms": []}))).await.expect("known");
    assert!(!again.message.contains("taken"), "{}", again.message);
}

#[tokio::test(start_paused = true)]
async fn what_a_repeated_on_would_change_is_named_too() {
    let world = World::new(1);
    world.invoke(json!({"action": "on", "reason": "why", "message": "Back soon"})).await.expect("on");
    let again = async |more: Value| {
        let mut event = json!({"action": "on"});
        event.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        let again = world.invoke(event).await.expect("on");
        assert_eq!(again.outcome, "unchanged");
        again.message
    };
    assert!(!again(json!({})).await.contains("taken"));
    assert!(!again(json!({"reason": "why", "message": "Back soon"})).await.contains("taken"));
    let message = again(json!({"message": "Later"})).await;
    assert!(message.ends_with("so the message was not taken; edit changes the message."), "{message}");
    let message = again(json!({"requested_by": "eve"})).await;
    assert!(message.ends_with("no event changes its requested_by: end it with off and book it anew."), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_means_another_window_of_the_name_names_what_differs_and_what_changes_it() {
    let one = json!([rule_arn(0)]);
    let anew = |end_it: &str| format!(": {end_it} and book it anew; or choose another id");
    let (cancel, off) = (anew("cancel it"), anew("end it with off"));
    let end = "2026-12-06T04:00Z";
    for (now, more, differs, what) in [
        ("01:00", json!({"rules": one}), "rules", format!("no event changes its rules{cancel}")),
        ("01:00", json!({"at_end": "hold"}), "at_end", format!("no event changes its at_end{cancel}")),
        ("01:00", json!({"rules": one, "at_end": "hold"}), "rules and at_end", cancel.clone()),
        ("01:00", json!({"end": end}), "end", "to change its end use reschedule or extend; or".to_owned()),
        ("01:00", json!({"start": "2026-12-06T02:10Z"}), "start", "use reschedule or extend; or".to_owned()),
        ("01:00", json!({"end": end, "at_end": "hold"}), "end and at_end", cancel.clone()),
        ("02:10", json!({"rules": one}), "rules", format!("no event changes its rules{off}")),
        ("02:10", json!({"end": end}), "end", "only its end can be changed: use extend, or off".to_owned()),
        ("02:10", json!({"start": "2026-12-06T02:10Z"}), "start", "it has begun, so its start stays".to_owned()),
    ] {
        let world = World::new(2);
        world.invoke(window(&json!({}))).await.expect("booked");
        world.run_until(now).await;
        let refused = world.invoke(window(&more)).await.expect_err("another one").full();
        let stands = if now < "02:00" { "booked from Sun 6 Dec 2026 02:00 UTC" } else { "active until" };
        assert!(refused.contains(&format!("id: window w is there already, {stands}")), "{more}: {refused}");
        assert!(refused.contains(&format!("this event differs from it in {differs}; ")), "{more}: {refused}");
        assert!(refused.contains(&what), "{more}: {refused}");
        assert_eq!(refused.contains("reschedule"), what.contains("reschedule") || refused.contains("its end use"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_waits_for_its_last_report_is_refused_with_the_cause() {
    let world = World::new(1);
    world.invoke(json!({"action": "on", "id": "w", "duration": "PT10M"})).await.expect("on");
    world.state().broken = vec!["Publish"];
    world.run_until("01:00").await;
    let on = json!({"action": "on", "id": "w", "duration": "PT10M"});
    let refused = world.invoke(on.clone()).await.expect_err("its name is taken").full();
    let words = "id: window w is over since Sun 6 Dec 2026 00:10 UTC, but its last report is not out yet, and until then \
                 its name is taken; every sweep tries again; what failed just now: ";
    assert!(refused.contains(words) && refused.contains("publish"), "{refused}");
    assert!(refused.ends_with("or choose another id") && !refused.contains("at this moment"), "{refused}");
    let dry = json!({"action": "on", "id": "w", "duration": "PT10M", "dry_run": true});
    let refused = world.invoke(dry).await.expect_err("its name is taken").full();
    assert!(refused.contains("but its last report is not out yet"), "{refused}");
    assert_eq!(world.windows(), ["w"]);
    world.state().broken.clear();
    // The run that is asked finishes it first.
    assert_eq!(world.invoke(on).await.expect("on").outcome, "started");
}
