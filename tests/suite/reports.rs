//! Every report as people read it.

use serde_json::{Value, json};

use crate::world::{FUNCTION, ORIGIN_LOCK, Published, SECRET, World, header, path, rule_arn};

/// The longest subject that SNS takes.
const SUBJECT_MAX: usize = 99;

/// The reports since `from`, each as a mail: subject, blank line, text.
fn mails(world: &World, from: usize) -> String {
    let state = world.state();
    let mails: Vec<String> = state.published[from..]
        .iter()
        .map(|report| {
            assert_reads_well(report);
            format!("Subject: {}\n\n{}", report.subject, text(report))
        })
        .collect();
    mails.join("\n----\n\n")
}

fn text(report: &Published) -> &str {
    report.message["email"].as_str().expect("a text")
}

fn last_chat(world: &World) -> Value {
    let state = world.state();
    let chat = state.published.last().expect("a report").message["https"].as_str().expect("a document").to_owned();
    serde_json::from_str(&chat).expect("JSON")
}

#[track_caller]
fn assert_reads_well(report: &Published) {
    let (subject, text) = (&report.subject, text(report));
    assert!(subject.len() <= SUBJECT_MAX && subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{subject}");
    assert!(text.ends_with('\n') && !text.ends_with("\n\n") && !text.contains("\n\n\n"), "{text:?}");
    for line in text.lines() {
        assert!(line.trim_end() == line && !line.contains(char::is_control), "{line:?}");
        for odd in ["None", "null", "Some(", "T02:", ".000", "  and", "..", ";;", "()"] {
            assert!(!line.contains(odd), "{odd:?} in {line:?}");
        }
        assert!(!line.ends_with([';', ',', ':']), "{line:?}");
    }
}

async fn booked(settings: &[(&'static str, &str)], event: Value) -> World {
    let mut world = World::new(1);
    world.settings.extend(settings.iter().map(|(key, value)| (*key, (*value).to_owned())));
    world.set_conditions(0, vec![path(&["/shop/*"])]);
    world.invoke(event).await.expect("booked");
    world
}

fn plain() -> Value {
    json!({"id": "database-move", "start": "2026-12-06T02:00Z", "end": "2026-12-06T04:00Z"})
}

/// A window that is moved, reminded of, started, disturbed, extended and completed.
#[tokio::test(start_paused = true)]
async fn the_mails_of_a_whole_night() {
    let event = json!({
        "id": "database-move", "start": "2026-12-06T02:00", "duration": "PT2H", "timezone": "Europe/Berlin",
        "reason": "Moving the database to its new home", "requested_by": "ana@example.com",
        "message": "Your basket is safe.",
    });
    let world = booked(&[("REMIND_BEFORE", "PT1H"), ("WARN_BEFORE_END", "PT15M")], event).await;
    let later = json!({"action": "reschedule", "id": "database-move", "start": "2026-12-06T02:00Z"});
    world.invoke(later).await.expect("moved");
    world.run_until("02:20").await;
    world.set_conditions(0, vec![path(&["/shop/*"])]);
    world.run_until("03:40").await;
    world.invoke(json!({"action": "extend", "id": "database-move", "by": "PT30M"})).await.expect("extended");
    world.run_until("05:00").await;
    assert_eq!(
        world.events(),
        ["booked", "rescheduled", "reminder", "started", "drift", "extended", "ending_soon", "completed"]
    );
    insta::assert_snapshot!(mails(&world, 0));
    insta::assert_json_snapshot!(last_chat(&world));
    insta::assert_json_snapshot!(world.state().published.last().expect("a report").document);
}

#[tokio::test(start_paused = true)]
async fn the_mail_of_a_window_that_is_cancelled() {
    let world = booked(&[], plain()).await;
    world.invoke(json!({"action": "cancel", "id": "database-move"})).await.expect("cancelled");
    assert_eq!(world.events(), ["booked", "cancelled"]);
    insta::assert_snapshot!(mails(&world, 1));
}

#[tokio::test(start_paused = true)]
async fn the_mail_of_a_window_that_is_held() {
    let mut event = plain();
    event["at_end"] = json!("hold");
    let world = booked(&[], event).await;
    world.run_until("04:10").await;
    assert_eq!(world.events(), ["booked", "started", "overrunning"]);
    insta::assert_snapshot!(mails(&world, 2));
}

#[tokio::test(start_paused = true)]
async fn the_mail_of_a_window_that_was_slept_through() {
    let world = booked(&[], plain()).await;
    world.until(world.at("06:00")).await;
    world.invoke(json!({"action": "sweep"})).await.expect("swept");
    assert_eq!(world.events(), ["booked", "missed"]);
    insta::assert_snapshot!(mails(&world, 1));
}

#[tokio::test(start_paused = true)]
async fn the_mail_and_the_chat_of_a_start_that_fails() {
    let world = booked(&[], plain()).await;
    world.state().broken.push("ModifyRule");
    world.run_until("02:10").await;
    assert_eq!(world.events(), ["booked", "failed"]);
    insta::assert_snapshot!(mails(&world, 1));
    insta::assert_json_snapshot!(last_chat(&world));
}

#[tokio::test(start_paused = true)]
async fn the_mails_of_maintenance_without_an_end() {
    let mut world = World::new(1);
    world.settings.insert("WARN_BEFORE_END", "PT15M".to_owned());
    let on = json!({"action": "on", "id": "hotfix", "reason": "Payment provider is down", "timezone": "Asia/Tokyo"});
    world.invoke(on).await.expect("on");
    world.run_until("01:10").await;
    world.invoke(json!({"action": "extend", "id": "hotfix", "end": "2026-12-06T02:00Z"})).await.expect("extended");
    world.invoke(json!({"action": "off", "id": "hotfix"})).await.expect("off");
    assert_eq!(world.events(), ["started", "reminder", "extended", "completed"]);
    insta::assert_snapshot!(mails(&world, 0));
}

#[tokio::test(start_paused = true)]
async fn the_mails_of_a_rule_without_a_window() {
    let world = World::new(1);
    world.set_conditions(0, vec![path(&["/shop/*"]), header("x-maintenance-bypass", SECRET)]);
    world.run_until("00:10").await;
    world.invoke(json!({"action": "off"})).await.expect("off");
    assert_eq!(world.events(), ["drift", "completed"]);
    insta::assert_snapshot!(mails(&world, 0));
}

/// What was there and what came, without the values of headers.
#[tokio::test(start_paused = true)]
async fn the_mails_of_rules_that_are_opened_edited_and_left_as_they_were_edited() {
    let mut world = World::new(1);
    world.settings.insert("BYPASS_HEADER_NAME", "x-maintenance-bypass".to_owned());
    world.set_conditions(0, vec![path(&["/shop/*"]), header("X-Origin-Lock", ORIGIN_LOCK)]);
    world.invoke(plain()).await.expect("booked");
    world.run_until("02:10").await;
    world.set_conditions(0, vec![path(&["/shop/*", "/cart"])]);
    world.run_until("02:20").await;
    let bypass = header("x-maintenance-bypass", SECRET);
    world.set_conditions(0, vec![path(&["/shop/*"]), header("X-Origin-Lock", ORIGIN_LOCK), bypass]);
    world.run_until("03:58").await;
    world.set_conditions(0, vec![path(&["/new"]), header("X-Origin-Lock", ORIGIN_LOCK)]);
    world.run_until("04:10").await;
    assert_eq!(world.events(), ["booked", "started", "drift", "drift", "drift", "completed"]);
    insta::assert_snapshot!(mails(&world, 2));
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn the_mails_of_a_rule_that_goes() {
    let world = World::new(2);
    world.invoke(plain()).await.expect("booked");
    world.run_until("02:10").await;
    world.state().rules.remove(&rule_arn(1));
    world.run_until("04:10").await;
    assert_eq!(world.events(), ["booked", "started", "drift", "completed"]);
    insta::assert_snapshot!(mails(&world, 2));
}

#[tokio::test(start_paused = true)]
async fn the_longest_name_leaves_the_subject_whole() {
    let id = "a-name-of-forty-characters.none-to-spare";
    assert_eq!(id.len(), 40);
    let mut event = plain();
    event["id"] = json!(id);
    event["reason"] = json!("Umzug der Datenbank – größer, schöner, 早い");
    let world = booked(&[("REMIND_BEFORE", "PT1H"), ("WARN_BEFORE_END", "PT15M")], event).await;
    let later = json!({"action": "reschedule", "id": id, "start": "2026-12-06T12:30Z"});
    world.invoke(later).await.expect("moved");
    world.run_until("15:00").await;
    let state = world.state();
    let subjects: Vec<&str> = state.published.iter().map(|report| report.subject.as_str()).collect();
    state.published.iter().for_each(assert_reads_well);
    insta::assert_snapshot!(subjects.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn the_mails_of_a_series_that_is_skipped_paused_resumed_and_cancelled() {
    let event = json!({
        "id": "nightly", "every": "cron(0 2 * * ? *)", "duration": "PT30M", "timezone": "Europe/Berlin",
        "reason": "Patching",
    });
    let world = booked(&[], event).await;
    for (action, reason) in [
        ("skip", "Black Friday & friends"),
        ("pause", "Freeze at 02:00 UTC (all teams)"),
        ("resume", "The freeze is over"),
        ("cancel", "Patched by the vendor now"),
    ] {
        let event = json!({"action": action, "id": "nightly", "reason": reason, "requested_by": "ana@example.com"});
        world.invoke(event).await.expect(action);
    }
    // Each is told before the windows that are cancelled or booked for it.
    assert_eq!(
        world.events(),
        [
            "booked",
            "skipped",
            "booked",
            "cancelled",
            "paused",
            "cancelled",
            "resumed",
            "booked",
            "cancelled",
            "cancelled"
        ]
    );
    let of_series = |report: &&Published| report.document["series"].is_object();
    let mails: Vec<String> = {
        let state = world.state();
        let mail = |report: &Published| {
            assert_reads_well(report);
            format!("Subject: {}\n\n{}", report.subject, text(report))
        };
        state.published.iter().filter(of_series).map(mail).collect()
    };
    insta::assert_snapshot!(mails.join("\n----\n\n"));
    let state = world.state();
    let paused = state.published.iter().find(|report| report.event() == "paused").expect("a report");
    insta::assert_json_snapshot!(paused.document);
}

/// Who gets a mail of two stacks sees at once which one it is from, and can ask that one how it stands.
#[tokio::test(start_paused = true)]
async fn every_report_says_which_function_sent_it() {
    let world = booked(&[], plain()).await;
    world.set_conditions(0, vec![path(&["/shop/*"]), header("x-maintenance-bypass", SECRET)]);
    world.run_until("00:10").await;
    world.invoke(json!({"action": "off"})).await.expect("off");
    world.run_until("04:10").await;
    assert_eq!(world.events(), ["booked", "drift", "completed", "started", "completed"]);
    for report in &world.state().published {
        let text = text(report);
        assert!(text.contains("\nStack     maintenance in eu-west-1, account 123456789012\n"), "{text}");
        for end in [
            "https://console.aws.amazon.com/lambda/home?region=eu-west-1#/functions/maintenance\n",
            "aws lambda invoke --function-name maintenance --region eu-west-1 --cli-binary-format raw-in-base64-out \
             --payload '{\"action\":\"status\"}' /dev/stdout\n",
        ] {
            assert!(text.contains(end), "{text}");
            let chat: Value = serde_json::from_str(report.message["https"].as_str().expect("chat")).expect("JSON");
            assert!(chat["content"]["description"].as_str().expect("text").contains(end.trim_end()), "{chat}");
        }
        assert_eq!(report.document["function"]["arn"], FUNCTION);
    }
}

/// Only a window that is over as it should be leaves nothing to do.
#[tokio::test(start_paused = true)]
async fn whoever_can_do_something_reads_what() {
    let night = booked(&[("REMIND_BEFORE", "PT1H"), ("WARN_BEFORE_END", "PT15M")], plain()).await;
    night.invoke(json!({"action": "extend", "id": "database-move", "by": "PT30M"})).await.expect("extended");
    night.run_until("02:20").await;
    night.set_conditions(0, vec![path(&["/shop/*"])]);
    night.run_until("05:00").await;
    let gone = booked(&[], plain()).await;
    gone.state().rules.clear();
    gone.run_until("05:00").await;
    for world in [night, gone] {
        for report in &world.state().published {
            let idle = !report.message["https"].as_str().expect("a document").contains(r#""nextSteps":["#);
            let done = ["completed", "cancelled"].contains(&report.event());
            assert_eq!(text(report).contains("\nTo do: "), !done, "{}", text(report));
            assert_eq!(idle, done, "chat says it too");
        }
    }
}
