//! What `check` finds, and what booking says of the same.

use serde_json::{Value, json};

use crate::world::{Fault, SECRET, World, header, path, rule_arn};

const GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop/0123456789abcdef";

fn forward(order: u32) -> Value {
    json!({"Type": "forward", "Order": order, "TargetGroupArn": GROUP})
}

fn window(id: &str, start: &str, end: &str) -> Value {
    json!({"id": id, "start": format!("2026-12-06T{start}Z"), "end": format!("2026-12-06T{end}Z")})
}

/// What a check finds, a sentence each, and what it found well.
async fn check(world: &World) -> (Vec<String>, Vec<String>) {
    let found = world.invoke(json!({"action": "check"})).await.expect("checked");
    assert!(found.checked.iter().any(|well| well.starts_with("not tried, since it would change something")));
    (
        found.findings.iter().map(|finding| format!("{:?} {}", finding.severity, finding.sentence())).collect(),
        found.checked,
    )
}

#[track_caller]
fn says(found: &[String], words: &str) {
    assert!(found.iter().any(|line| line.contains(words)), "{words}: {found:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_looked_at_and_is_well_is_said() {
    let mut world = World::probed(1);
    let strong = "4f2d9a7c5e8b1036f2d9a7c5e8b1036f2d9a7c5e8b1036aa";
    world.settings.insert("BYPASS_HEADER_VALUE", strong.to_owned());
    world.settings.insert("ERROR_BUCKET", "error-pages".to_owned());
    world.invoke(window("w", "02:00", "03:00")).await.expect("booked");
    let (found, well) = check(&world).await;
    assert_eq!(found.iter().filter(|line| !line.contains("a tester")).count(), 0, "{found:#?}");
    for words in [
        "the site stands as its windows say",
        "every setting can be used",
        "their listeners answer 503 by default",
        "no other listener serves the same visitors",
        "the bypass value is strong",
        "somebody gets the reports",
        "found in it, without a fault: 1 window and no series",
        "the visitors' page and the bypass link work at the edge",
    ] {
        says(&well, words);
    }
}

#[tokio::test(start_paused = true)]
async fn rules_and_listeners_that_let_visitors_past_the_managed_rule_are_found() {
    let world = World::new(1);
    {
        let mut state = world.state();
        let managed = state.rules.get_mut(&rule_arn(0)).expect("the rule");
        managed.actions = json!([forward(2), {"Type": "authenticate-oidc", "Order": 1}]);
        let mut earlier = managed.clone();
        (earlier.priority, earlier.actions) = ("5".to_owned(), json!([forward(1)]));
        earlier.conditions = vec![path(&["/api/*"])];
        state.rules.insert(rule_arn(7), earlier);
        let other = rule_arn(0).replace(":listener-rule/", ":listener/");
        let other = other.rsplit_once('/').expect("a rule").0.replace("listener0", "other8080");
        // On the second page.
        let another = json!({"ListenerArn": other.replace("8080", "8443"), "DefaultActions": []});
        state.other_listeners = vec![another, json!({"ListenerArn": other, "DefaultActions": [forward(1)]})];
    }
    let (found, _) = check(&world).await;
    says(
        &found,
        "rule web/rule007 of the same listener comes before rule web/rule000 and forwards to the same targets",
    );
    says(&found, "listener other8080 of the same load balancer forwards to the same targets");
    let booked = world.invoke(window("w", "02:00", "03:00")).await.expect("booked");
    says(&booked.warnings, "rule web/rule007 of the same listener comes before rule web/rule000");
}

#[tokio::test(start_paused = true)]
async fn actions_count_in_their_order_and_a_login_before_the_503_is_found() {
    let world = World::new(1);
    // The API lists the forward last although it happens first; what is answered is the 503.
    let fixed = json!({"Type": "fixed-response", "Order": 2, "FixedResponseConfig": {"StatusCode": "503"}});
    world.state().default_actions = Some(json!([fixed, {"Type": "authenticate-oidc", "Order": 1}]));
    let (found, _) = check(&world).await;
    says(&found, "asks visitors to log in before it answers 503 by default");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_was_removed_is_not_one_that_nobody_confirmed() {
    let world = World::new(1);
    for (unsubscribed, words) in [
        (["0", "0"], "nobody has subscribed to the topic"),
        (["1", "2"], "nobody has confirmed a subscription"),
        (["0", "1"], "the topic's last subscription was removed"),
    ] {
        "0".clone_into(&mut world.state().subscribers);
        world.state().unsubscribed = unsubscribed;
        says(&check(&world).await.0, words);
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_cannot_be_asked_now_is_no_topic_that_is_gone() {
    let world = World::new(1);
    world.state().garbled = vec!["GetTopicAttributes"];
    says(&check(&world).await.0, "Warning cannot read the topic: ");
    world.state().garbled.clear();
    world.state().broken = vec!["GetTopicAttributes"];
    says(&check(&world).await.0, "whether anyone hears of a failure is not known; allow sns:GetTopicAttributes");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_expected_of_the_one_address_while_only_part_of_the_site_is_closed() {
    let mut world = World::new(2);
    world.settings.insert("PROBE_URL", "https://www.example.com/".to_owned());
    world.invoke(json!({"action": "on", "duration": "PT1H", "rules": [rule_arn(1)]})).await.expect("on");
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let asked = world.state().site_asked;
    let (found, well) = check(&world).await;
    assert!(!found.iter().chain(&well).any(|line| line.contains("a tester")), "{found:#?} {well:#?}");
    assert_eq!(world.state().site_asked, asked, "nothing is asked");
}

#[tokio::test(start_paused = true)]
async fn an_edge_without_page_and_link_is_found() {
    let mut world = World::probed(1);
    world.settings.insert("ERROR_BUCKET", "error-pages".to_owned());
    world.state().edge_is_bare = true;
    world.state().site_ill = true;
    let (found, _) = check(&world).await;
    says(&found, "the visitors' page is not at ProbeUrl's /errors/503.html: a visitor got status 500");
    says(&found, "the bypass link is not answered at ProbeUrl");
    world.no_secret_was_said();

    // An application that answers 200 everywhere may hide the page as well as stand in for it.
    world.state().site_ill = false;
    let (found, _) = check(&world).await;
    says(&found, "Warning whether the visitors' page is at ProbeUrl's /errors/503.html could not be told");
    says(&found, "if it is not there, visitors would get an empty answer");
    says(&found, "open that address: if it shows the visitors' page, give");
    assert!(!found.iter().any(|line| line.contains("the visitors' page is not at")), "{found:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_booked_window_whose_rule_goes_is_doomed_and_everybody_says_so() {
    let world = World::new(2);
    let mut named = window("w", "02:00", "03:00");
    named["rules"] = json!([rule_arn(1)]);
    world.invoke(named).await.expect("booked");
    world.state().rules.remove(&rule_arn(1));
    let words = "window w will not work as booked: rule web/rule001 no longer exists";
    let later = json!({"action": "reschedule", "id": "w", "start": "2026-12-06T02:30Z"});
    says(&world.invoke(later).await.expect("moved").warnings, words);
    says(&world.invoke(json!({"action": "sweep"})).await.expect("swept").warnings, words);
    let found = check(&world).await.0;
    says(&found, "Error booked window w");
    says(&found, "will not work as booked: rule web/rule001 no longer exists");
    assert!(world.text_of("failed").contains(words), "{}", world.text_of("failed"));
    let told = world.count("failed");
    world.run_until("01:00").await;
    assert_eq!(world.count("failed"), told, "told once");
    // Whoever cannot see the rules forgets nothing of it, and what is dropped is forgotten.
    let noted = world.notices();
    assert!(noted.len() == 1 && noted[0].starts_with("doomed-"), "{noted:?}");
    world.state().broken = vec!["DescribeRules"];
    world.run_until("01:20").await;
    assert_eq!(world.notices(), noted);
    world.state().broken.clear();
    world.run_until("01:40").await;
    assert_eq!((world.count("failed"), world.notices()), (told, noted));
    world.state().broken = vec!["DescribeRules"];
    drop(world.invoke(json!({"action": "cancel", "id": "w"})).await);
    world.run_until("01:50").await;
    assert_eq!(world.notices(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_was_mended_is_forgotten_and_told_anew_if_it_breaks_again() {
    let world = World::new(1);
    world.invoke(window("w", "02:00", "03:00")).await.expect("booked");
    for (failed, [broken, mended]) in [(1, ["00:10", "00:20"]), (2, ["00:30", "00:40"])] {
        let rule = world.state().rules.remove(&rule_arn(0)).expect("a rule");
        world.run_until(broken).await;
        assert_eq!((world.count("failed"), world.notices().len()), (failed, 1), "{broken}");
        world.state().rules.insert(rule_arn(0), rule);
        world.run_until(mended).await;
        assert_eq!((world.count("failed"), world.notices().len()), (failed, 0), "{mended}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_series_over_a_rule_that_is_no_longer_named_is_found() {
    let mut world = World::new(2);
    let series = json!({"id": "nightly", "every": "rate(1 day)", "duration": "PT1H", "rules": [rule_arn(1)]});
    world.invoke(series).await.expect("booked");
    world.settings.insert("RULE_ARNS", rule_arn(0));
    says(&check(&world).await.0, "series nightly covers rules that the stack's RuleArns no longer names: web/rule001");
}

#[tokio::test(start_paused = true)]
async fn a_booking_warns_of_overlaps_and_of_a_start_that_has_passed() {
    let world = World::new(1);
    // A window does not overlap with itself, also where it was given no name.
    for _ in 0..2 {
        let booked = world.invoke(json!({"start": "2026-12-07T02:00Z", "duration": "PT1H"})).await.expect("booked");
        assert!(!booked.warnings.iter().any(|warning| warning.contains("overlaps")), "{:?}", booked.warnings);
    }
    world.invoke(window("a", "02:00", "04:00")).await.expect("booked");
    let booked = world.invoke(window("b", "03:00", "05:00")).await.expect("booked");
    says(&booked.warnings, "window a (Sun 6 Dec 2026 02:00 UTC until Sun 6 Dec 2026 04:00 UTC) overlaps with this one");
    world.run_until("02:30").await;
    let late = world.invoke(window("c", "02:00", "02:50")).await.expect("booked");
    says(&late.warnings, "its start (Sun 6 Dec 2026 02:00 UTC) passed 30m ago, so it begins at once");
}

#[tokio::test(start_paused = true)]
async fn settings_that_hardly_fit_are_found() {
    let world = World::new(36);
    says(&check(&world).await.0, "of the 4096 bytes that Lambda allows");
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_could_not_be_changed_is_not_well() {
    let world = World::new(1);
    world.invoke(window("w", "02:00", "03:00")).await.expect("booked");
    world.state().broken.push("ModifyRule");
    world.run_until("02:10").await;
    let (found, _) = check(&world).await;
    says(&found, "Error Visitors reach the site although it should be in maintenance");
    says(&found, "elasticloadbalancing:ModifyRule may be denied");
}

#[tokio::test(start_paused = true)]
async fn what_helps_a_rule_that_is_not_as_it_should_be_depends_on_what_keeps_it_so() {
    let closed = vec![header("x-maintenance-bypass", SECRET)];
    let fix = async |world: &World| {
        let found = world.invoke(json!({"action": "check"})).await.expect("checked");
        let first = found.findings.into_iter().next().expect("a finding");
        assert_eq!(first.why, "the rules are not as the windows say", "{first:?}");
        (first.fix, world.invoke(json!({"action": "status"})).await.expect("status").next_steps)
    };
    let steps = |steps: &[String], action: &str| steps.iter().any(|step| step.contains(&format!(r#""{action}""#)));

    // Closed by hand, with nothing saved of it: only `off` opens it.
    let world = World::new(2);
    world.set_conditions(0, closed.clone());
    let (found, next) = fix(&world).await;
    assert!(found.starts_with(r#"send {"action":"off"}, which takes the bypass header away"#), "{found}");
    assert!(steps(&next, "off"), "{next:?}");
    world.invoke(json!({"action": "off"})).await.expect("off");
    assert!(!world.is_dark(0), "and so it did");

    // While a window covers another rule, `off` would end that, too.
    world.set_conditions(0, closed.clone());
    world.invoke(json!({"action": "on", "id": "w", "rules": [rule_arn(1)]})).await.expect("on");
    let (found, next) = fix(&world).await;
    assert!(found.contains(r#"by hand; or send {"action":"off"}, but that also ends w"#), "{found}");
    assert!(!steps(&next, "off") && !steps(&next, "sweep"), "{next:?}");

    // It was saved, so the next run opens it, unless ModifyRule is denied.
    let world = World::new(1);
    world.invoke(json!({"action": "on", "id": "w"})).await.expect("on");
    world.forget_window("w");
    let (found, next) = fix(&world).await;
    assert!(found.contains("elasticloadbalancing:ModifyRule may be denied"), "{found}");
    assert!(steps(&next, "off"), "{next:?}");

    // It was saved, but has got a condition that could not be put back: nobody here can open it.
    let odd = json!({"Field": "moon-phase", "Values": ["full"]});
    world.set_conditions(0, [closed.clone(), vec![odd]].concat());
    let (found, next) = fix(&world).await;
    assert_eq!(found, "take its bypass header condition away by hand");
    assert!(!steps(&next, "off") && !steps(&next, "sweep") && steps(&next, "check"), "{next:?}");

    // Two rules, two causes.
    let world = World::new(2);
    world.invoke(json!({"action": "on", "id": "w", "rules": [rule_arn(1)]})).await.expect("on");
    world.forget_window("w");
    world.set_conditions(0, closed);
    let (found, _) = fix(&world).await;
    assert!(found.contains("for web/rule000: send ") && found.contains("for web/rule001: every sweep "), "{found}");
}

#[tokio::test(start_paused = true)]
async fn of_a_rule_that_cannot_be_understood_nobody_says_that_the_site_is_open() {
    let odd = json!({"Field": "moon-phase", "Values": ["full"]});
    let world = World::probed(2);
    world.set_conditions(1, vec![path(&["/shop"]), odd.clone()]);
    for covered in [false, true] {
        if covered {
            world.invoke(json!({"action": "on", "id": "w", "rules": [rule_arn(0)]})).await.expect("on");
        }
        let status = world.invoke(json!({"action": "status"})).await.expect("status");
        assert_eq!(status.outcome, "unknown", "covered: {covered}");
        let words = "How the site stands is not known: nobody can tell whether rule web/rule001 lets visitors in.";
        assert!(status.message.starts_with(words), "{}", status.message);
        assert!(status.message.contains(r#"Rule web/rule001 has a condition on "moon-phase""#), "{}", status.message);
        assert!(status.next_steps.iter().all(|step| !step.contains("status")), "{:?}", status.next_steps);
        assert_eq!(serde_json::to_value(&status).expect("JSON")["site"], "unknown");
    }
    let found = check(&world).await.0;
    assert!(!found.iter().any(|line| line.contains("ProbeUrl answers a visitor")), "rule000 is closed: {found:?}");
    world.invoke(json!({"action": "off"})).await.expect("off");
    says(&check(&world).await.0, "what ProbeUrl should answer is not known");

    // With the bypass header beside it, it lets no visitor in, whatever else it demands.
    let world = World::new(1);
    world.invoke(json!({"action": "on", "id": "w"})).await.expect("on");
    world.set_conditions(0, vec![header("x-maintenance-bypass", SECRET), odd.clone()]);
    let status = world.invoke(json!({"action": "status"})).await.expect("status");
    assert_eq!(status.outcome, "maintenance", "{}", status.message);
    world.state().said.clear();
    world.invoke(json!({"action": "sweep"})).await.expect("swept");
    let active = |world: &World| world.state().said.iter().any(|line| line.contains(r#""MaintenanceActive":1"#));
    assert!(active(&world), "it is still measured as closed");
    // A default rule demands nothing that could be hidden.
    let world = World::new(1);
    world.state().rules.get_mut(&rule_arn(0)).expect("the rule").is_default = true;
    assert_eq!(world.invoke(json!({"action": "status"})).await.expect("status").outcome, "open");
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_does_not_come_is_found() {
    let world = World::new(1);
    let well = "the sweep comes every five minutes, and booked windows have their wake-ups";
    says(&check(&world).await.1, well);
    let set = |key: &str, value: Value| {
        let mut sweep = world.state().sweep.clone().expect("a sweep");
        sweep[key] = value;
        sweep
    };
    let elsewhere = json!({"Arn": "arn:aws:lambda:eu-west-1:123456789012:function:other", "RoleArn": "role"});
    for (sweep, words) in [
        (None, "Error the sweep's schedule maintenance-sweep is not in the stack's group: nothing mends what"),
        (Some(set("State", json!("DISABLED"))), "Error the sweep's schedule maintenance-sweep is disabled"),
        (Some(set("Target", elsewhere)), "Error the sweep's schedule maintenance-sweep invokes arn:aws:lambda:eu-west"),
        (
            Some(set("ScheduleExpression", json!("rate(1 day)"))),
            "Warning the sweep's schedule maintenance-sweep says rate(1 day), not rate(5 minutes)",
        ),
    ] {
        world.state().sweep = sweep;
        let (found, looked) = check(&world).await;
        says(&found, words);
        assert!(!looked.iter().any(|line| line == well), "{looked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn windows_without_their_wake_ups_are_found_as_long_as_these_should_be_there() {
    let world = World::new(1);
    for (nth, (id, end)) in [("a", "01:30"), ("b", "02:30"), ("c", "03:30"), ("d", "04:30")].into_iter().enumerate() {
        world.invoke(window(id, &format!("0{}:00", nth + 1), end)).await.expect("booked");
    }
    let late = |found: &[String]| found.iter().find(|line| line.contains("wake-ups for the start or the end")).cloned();
    assert_eq!(late(&check(&world).await.0), None);
    // A wake-up that is about to fire goes by itself.
    world.run_until("00:58").await;
    let all = world.schedule_names();
    let start = all.iter().find(|name| name.starts_with("a.start")).expect("a start").clone();
    let removed = world.state().schedules.remove(&start).expect("a wake-up");
    let found = late(&check(&world).await.0).expect("it should be there until 00:59");
    assert!(found.starts_with("Warning wake-ups for the start or the end of window a are missing"), "{found}");
    world.until(world.at("00:58:55")).await;
    assert_eq!(late(&check(&world).await.0), None);
    world.state().schedules.insert(start, removed);
    world.run_until("01:10").await;
    assert_eq!(late(&check(&world).await.0), None, "its start has passed");

    // One that is disabled, or wakes another function, is as good as none.
    let end = world.schedule_names().into_iter().find(|name| name.starts_with("c.end")).expect("an end");
    let sound = world.state().schedules[&end].body.clone();
    for (key, value) in [("State", json!("DISABLED")), ("Target", json!({"Arn": "arn:other", "RoleArn": "role"}))] {
        world.state().schedules.get_mut(&end).expect("an end").body[key] = value;
        let found = late(&check(&world).await.0).expect("found");
        assert!(found.contains("of window c are missing, disabled, or for another function"), "{found}");
        world.state().schedules.get_mut(&end).expect("an end").body = sound.clone();
    }

    // Somebody deletes them all; a change of its times makes new ones.
    world.state().schedules.clear();
    let found = late(&check(&world).await.0).expect("found");
    assert!(found.contains("of windows a, b, c and 1 more are missing"), "{found}");
    world.invoke(json!({"action": "reschedule", "id": "b", "start": "2026-12-06T02:05Z"})).await.expect("moved");
    world.invoke(json!({"action": "extend", "id": "a", "by": "PT5M"})).await.expect("extended");
    let found = late(&check(&world).await.0).expect("found");
    assert!(found.contains("of windows c, d are missing"), "{found}");
    // Those that were never made are told apart.
    world.edit_item("window#d", |window| window["wakeups"] = json!("1 another-group role"));
    let found = check(&world).await.0;
    says(&found, "of window c are missing, disabled, or for another function");
    says(&found, "of window d are not made yet");
}

#[tokio::test(start_paused = true)]
async fn schedules_that_may_not_be_read_are_one_finding() {
    let world = World::new(1);
    world.invoke(window("w", "02:00", "03:00")).await.expect("booked");
    world.state().broken = vec!["GetSchedule"];
    let (found, _) = check(&world).await;
    assert_eq!(found.iter().filter(|line| line.contains("scheduler:GetSchedule")).count(), 1, "{found:#?}");
    says(&found, "Warning cannot read the schedule maintenance-sweep: AccessDenied");
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn wake_ups_that_an_earlier_version_made_are_not_called_missing_and_are_deleted_too() {
    let world = World::new(1);
    for id in ["a", "b"] {
        world.invoke(window(id, "02:00", "03:00")).await.expect("booked");
        // The names and the marker as they were.
        world.edit_item(&format!("window#{id}"), |window| {
            let marker = window["wakeups"].as_str().expect("a marker").to_owned();
            let (revision, marked) = marker.split_once(' ').expect("a revision");
            let (_, sender) = marked.split_once(' ').expect("characters");
            window["wakeups"] = json!(format!("{revision} {sender}"));
        });
    }
    let made = std::mem::take(&mut world.state().schedules);
    let former = made.into_iter().map(|(name, schedule)| (name[..name.len() - 4].to_owned(), schedule)).collect();
    world.state().schedules = former;
    let late = |found: &[String]| found.iter().find(|line| line.contains("wake-ups for the start or the end")).cloned();
    let found = late(&check(&world).await.0).expect("found");
    assert!(found.contains("of windows a, b are not made yet"), "{found}");
    // What is dropped before the first sweep leaves none of them.
    world.invoke(json!({"action": "cancel", "id": "a"})).await.expect("cancelled");
    assert!(world.schedule_names().iter().all(|name| name.starts_with("b.")), "{:?}", world.schedule_names());
    world.invoke(json!({"action": "sweep"})).await.expect("swept");
    assert_eq!(late(&check(&world).await.0), None);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_of_schedules_is_told_although_one_could_not_be_read() {
    let world = World::new(1);
    for (id, start) in [("a", "02:00"), ("b", "03:00")] {
        world.invoke(window(id, start, "04:00")).await.expect("booked");
    }
    world.state().schedules.retain(|name, _| !name.starts_with("a."));
    world.state().sweep.as_mut().expect("a sweep")["State"] = json!("DISABLED");
    world.state().calls.clear();
    let invocation = world.state().invocations.len();
    check(&world).await;
    let of_b = world.state().calls.iter().position(|call| call.name == "GetSchedule" && call.subject.starts_with("b."));
    let nth = of_b.expect("it was read");
    world.state().faults.insert((invocation + 1, nth), Fault::Refused);
    let (found, _) = check(&world).await;
    says(&found, "Error the sweep's schedule maintenance-sweep is disabled");
    says(&found, "for the start or the end of window a are missing");
    says(&found, "AccessDenied");
    says(&found, "whether every booked window has its wake-ups is not known; allow scheduler:GetSchedule");
}
