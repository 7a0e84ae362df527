//! What is told of the site and of windows that are over, and what it is told from: rules, windows, a visitor.

use maintenance_window::report::{finding::Finding, response::Response};
use serde_json::{Value, json};

use crate::world::{SECRET, World, header, path, rule_arn};

fn window() -> Value {
    json!({"id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"})
}

async fn status(world: &World) -> Response {
    world.invoke(json!({"action": "status"})).await.expect("status")
}

#[track_caller]
fn begins(message: &str, words: &str) {
    assert!(message.starts_with(words), "{words}: {message}");
}

#[tokio::test(start_paused = true)]
async fn what_visitors_meet_is_claimed_only_where_one_was_seen_to_meet_it() {
    let world = World::new(1);
    begins(
        &status(&world).await.message,
        "The site is open to visitors, as far as its rules tell. No window is booked.",
    );
    world.invoke(json!({"action": "on", "id": "w"})).await.expect("on");
    begins(
        &status(&world).await.message,
        "The site is in maintenance: visitors get the maintenance page, as far as its rules tell. Window w closed it",
    );
    let check = world.invoke(json!({"action": "check"})).await.expect("checked");
    let unseen = "not looked at, since ProbeUrl is not set: what visitors and testers get";
    assert!(check.checked.iter().any(|line| line == unseen), "{:?}", check.checked);

    let world = World::probed(1);
    begins(&status(&world).await.message, "The site is open to visitors. ");
    let check = world.invoke(json!({"action": "check"})).await.expect("checked");
    assert!(!check.checked.iter().any(|line| line == unseen), "{:?}", check.checked);
    begins(&check.message, "The site is open to visitors. ");
    // A visitor who was seen by the start is one, and so is the next.
    let on = world.invoke(json!({"action": "on", "id": "w"})).await.expect("on");
    begins(&on.message, "The site is in maintenance: visitors get the maintenance page. ");
    world.run_until("00:10").await;
    begins(&status(&world).await.message, "The site is in maintenance: visitors get the maintenance page. ");
    // Who only decides looks at no visitor.
    let mut later = window();
    later["id"] = json!("later");
    let booked = world.invoke(later).await.expect("booked");
    begins(
        &booked.message,
        "The site is in maintenance: visitors get the maintenance page, as far as its rules tell. ",
    );
}

#[tokio::test(start_paused = true)]
async fn without_the_table_the_rules_still_tell_whether_visitors_get_in() {
    let world = World::new(2);
    world.state().broken = vec!["Query"];
    let told = async |words: &str| {
        let status = status(&world).await;
        assert_eq!(status.outcome, "unknown");
        begins(&status.message, words);
        assert!(status.message.contains("cannot read the windows from the table"), "{}", status.message);
    };
    told("By its rules alone the site is open to visitors; whether it should be is not known: cannot read").await;
    let closed = vec![path(&["/shop"]), header("x-maintenance-bypass", SECRET)];
    world.set_conditions(0, closed.clone());
    told(
        "By its rules alone rule web/rule000 is closed to visitors, rule web/rule001 is open; whether that should be so \
         is not known: cannot read",
    )
    .await;
    world.set_conditions(1, closed.clone());
    told(
        "By its rules alone the site is closed to visitors, not to testers; whether it should be is not known: cannot read",
    )
    .await;
    // A header of that name with another value may be the function's own from before the value was replaced.
    world.set_conditions(1, vec![header("X-Maintenance-Bypass", "another-value-0815-abcd")]);
    told("How the site stands is not known: cannot read").await;
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_to_start_what_could_not_close_the_site() {
    let steps = |answer: &Response, action: &str| {
        answer.next_steps.iter().any(|step| step.contains(&format!(r#""action":"{action}""#)))
    };
    let mut world = World::new(2);
    let fine = status(&world).await;
    assert!(steps(&fine, "on") && !steps(&fine, "check"), "{:?}", fine.next_steps);
    assert!(steps(&world.invoke(json!({"action": "check"})).await.expect("checked"), "on"));

    // What is wrong with the listener the next steps know, too.
    world.state().default_action = Some(json!({"Type": "forward"}));
    let forwarding = status(&world).await;
    assert!(!steps(&forwarding, "on") && steps(&forwarding, "check"), "{:?}", forwarding.next_steps);
    world.state().broken = vec!["DescribeListeners"];
    assert!(steps(&status(&world).await, "on"), "nobody knows");
    world.state().broken.clear();
    let check = world.invoke(json!({"action": "check"})).await.expect("checked");
    assert_eq!((check.outcome.as_str(), check.next_steps.len()), ("blocked", 0), "{:?}", check.next_steps);
    world.state().default_action = None;

    // It would be taken although something else must be fixed.
    let sweep = world.state().sweep.take();
    let check = world.invoke(json!({"action": "check"})).await.expect("checked");
    assert_eq!(check.outcome, "blocked");
    assert!(steps(&check, "on") && steps(&status(&world).await, "on"), "{:?}", check.next_steps);
    world.state().sweep = sweep;

    let odd = json!({"Field": "moon-phase", "Values": ["full"]});
    world.state().rules.get_mut(&rule_arn(0)).expect("the rule").is_default = true;
    let unsupported = status(&world).await;
    assert_eq!(unsupported.outcome, "open");
    assert!(!steps(&unsupported, "on") && steps(&unsupported, "check"), "{:?}", unsupported.next_steps);
    // Nor is whoever reads no listener.
    let swept = world.invoke(json!({"action": "sweep"})).await.expect("swept");
    assert!(!steps(&swept, "on") && steps(&swept, "check"), "{:?}", swept.next_steps);
    world.state().rules.get_mut(&rule_arn(0)).expect("the rule").is_default = false;
    world.set_conditions(0, vec![odd]);
    assert!(!steps(&status(&world).await, "on"));
    world.set_conditions(0, vec![path(&["*"])]);

    world.settings.insert("SCHEDULER_ROLE_ARN", "nobody".to_owned());
    let unusable = status(&world).await;
    assert_eq!(unusable.outcome, "open");
    assert!(!steps(&unusable, "on") && steps(&unusable, "check"), "{:?}", unusable.next_steps);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_over_is_named_until_its_last_report_is_out() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.run_until("02:10").await;
    world.state().broken = vec!["Publish"];
    world.run_until("03:04").await;
    assert_eq!(world.windows(), ["w"]);
    let words = "window w is over since Sun 6 Dec 2026 03:00 UTC, but its last report is not out yet";
    let told = status(&world).await;
    begins(&told.message, "The site is open to visitors");
    assert_eq!(told.warnings, [format!("{words}; every sweep tries again")]);
    let check = world.invoke(json!({"action": "check"})).await.expect("checked");
    let found: Vec<String> = check.findings.iter().map(Finding::sentence).collect();
    assert!(found.iter().any(|line| line.starts_with(words) && line.contains("sns:Publish")), "{found:?}");
    world.state().broken.clear();
    world.run_until("03:20").await;
    assert_eq!((world.count("completed"), world.windows().len()), (1, 0));
    assert_eq!(status(&world).await.warnings, [""; 0]);

    // Of one that still keeps visitors out the first sentences say more.
    world.invoke(json!({"action": "on", "id": "v", "duration": "PT5M"})).await.expect("on");
    world.state().broken = vec!["ModifyRule"];
    world.run_until("03:40").await;
    let told = status(&world).await;
    assert!(told.message.contains("Window v ended ") && told.message.contains("not all of its rules are open yet"));
    assert!(!told.warnings.iter().any(|warning| warning.contains("is over since")), "{:?}", told.warnings);
    let check = world.invoke(json!({"action": "check"})).await.expect("checked");
    let found: Vec<String> = check.findings.iter().map(Finding::sentence).collect();
    assert!(check.message.contains("not all of its rules are open yet"), "{}", check.message);
    assert!(!found.iter().any(|line| line.contains("nobody has heard of its end")), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_end_says_where_it_is_told_how_to_open_a_rule_by_hand() {
    let by_hand = r#"open the rules by hand: docs/RUNBOOK.md, "Reopening a rule by hand""#;
    let section = "\n## Reopening a rule by hand\n";
    assert!(include_str!("../../docs/RUNBOOK.md").contains(section), "{section}");
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.state().broken = vec!["ModifyRule"];
    world.run_until("02:10").await;
    assert!(!world.text_of("failed").contains(by_hand), "its start failed: {}", world.text_of("failed"));
    world.state().broken.clear();
    world.run_until("02:20").await;
    for broken in ["ModifyRule", "DescribeRules"] {
        world.state().broken = vec![broken];
        world.run_until(if broken == "ModifyRule" { "03:10" } else { "03:20" }).await;
        assert!(world.text_of("failed").contains(by_hand), "{broken}: {}", world.text_of("failed"));
    }

    // Where the rules are open, there is nothing to open.
    let world = World::probed(1);
    world.invoke(json!({"action": "on", "id": "w"})).await.expect("on");
    world.run_until("00:10").await;
    world.state().site_ill = true;
    drop(world.invoke(json!({"action": "off"})).await);
    let failed = world.text_of("failed");
    assert!(failed.contains("a visitor got") && !failed.contains(by_hand), "{failed}");
}

#[tokio::test(start_paused = true)]
async fn the_last_report_says_that_a_rule_keeps_what_somebody_else_wrote() {
    let world = World::new(2);
    world.invoke(window()).await.expect("booked");
    world.run_until("02:10").await;
    let header = header("x-maintenance-bypass", SECRET);
    // One is edited while it is closed, the other opened as it was.
    world.set_conditions(0, vec![path(&["/new"]), header]);
    world.set_conditions(1, vec![path(&["*"])]);
    world.run_until("03:10").await;
    assert_eq!(world.count("drift"), 1);
    let text = world.text_of("completed");
    let kept = "Note: rule web/rule000 now has what someone else wrote into it during the window";
    assert!(text.contains(kept) && !text.contains("rule web/rule001 now has"), "{text}");

    // One edit is found only as the rule is opened.
    world.invoke(json!({"action": "on", "id": "late", "end": "2026-12-06T04:00Z"})).await.expect("on");
    world.run_until("03:58").await;
    let known = world.count("drift");
    world.set_conditions(1, vec![path(&["/late"]), self::header("x-maintenance-bypass", SECRET)]);
    world.run_until("04:10").await;
    assert_eq!(world.count("drift"), known + 1);
    let text = world.text_of("completed");
    assert!(text.contains("rule web/rule001 now has") && !text.contains("rule web/rule000 now has"), "{text}");

    // The next window of the same rules keeps nothing of it.
    world.invoke(json!({"action": "on", "id": "next", "duration": "PT5M"})).await.expect("on");
    world.run_until("04:30").await;
    assert!(!world.text_of("completed").contains("now has what"), "{}", world.text_of("completed"));
}

#[tokio::test(start_paused = true)]
async fn of_a_rule_that_was_edited_and_edited_back_nothing_untrue_is_said() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    let first = world.conditions(0);
    world.run_until("02:10").await;
    for (path_then, until) in [(path(&["/new"]), "02:20"), (first[0].clone(), "03:10")] {
        world.set_conditions(0, vec![path_then, header("x-maintenance-bypass", SECRET)]);
        world.run_until(until).await;
    }
    assert_eq!((world.count("drift"), world.conditions(0)), (2, first));
    let text = world.text_of("completed");
    let kept = "Note: rule web/rule000 now has what someone else wrote into it during the window";
    assert!(text.lines().any(|line| line == kept), "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_status_of_a_series_tells_its_next_starts_and_what_it_leaves_out() {
    let world = World::new(1);
    let nightly = json!({"id": "n", "every": "cron(0 2 * * ? *)", "duration": "PT1H", "timezone": "UTC"});
    world.invoke(nightly).await.expect("booked");
    let told = async || world.invoke(json!({"action": "status", "id": "n"})).await.expect("status").message;
    let [six, seven, eight, nine] = ["Sun 6", "Mon 7", "Tue 8", "Wed 9"].map(|day| format!("{day} Dec 2026 02:00 UTC"));
    let message = told().await;
    assert!(message.ends_with(&format!("Series n comes next on {six}, {seven}, {eight}.")), "{message}");
    world.invoke(json!({"action": "skip", "id": "n"})).await.expect("skipped");
    let message = told().await;
    let expected = format!("Series n comes next on {seven}, {eight}, {nine}. It leaves out {six}.");
    assert!(message.ends_with(&expected), "{message}");
}
