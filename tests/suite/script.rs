//! An operator's nights as a script: what was sent, what was answered, what was mailed. Each scene is one in which the
//! first sentence decides what a person does next.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::world::{SECRET, World, header, path, rule_arn};

/// A world, and what has been said in it.
struct Scene {
    world: World,
    script: String,
    mails: usize,
}

impl Scene {
    fn new(title: &str, rules: usize) -> Self {
        Self { world: World::new(rules), script: format!("# {title}\n"), mails: 0 }
    }

    fn clock(&self) -> String {
        self.world.now().strftime("%H:%M").to_string()
    }

    /// Something happens outside.
    fn note(&mut self, what: &str) {
        let _ = writeln!(self.script, "{} ({what})", self.clock());
    }

    /// A person sends an event and reads the answer; returns how the site stands and the message.
    async fn send(&mut self, event: Value) -> (String, String) {
        let _ = writeln!(self.script, "{} > {event}", self.clock());
        let answered = self.world.invoke(event).await;
        self.mailed();
        match answered {
            Ok(answer) => {
                let document = serde_json::to_value(&answer).expect("JSON");
                let site = document["site"].as_str().unwrap_or("-").to_owned();
                let _ = writeln!(self.script, "      {site} / {}: {}", answer.outcome, answer.message);
                for finding in &answer.findings {
                    let _ = writeln!(self.script, "      {:?}: {}", finding.severity, finding.sentence());
                }
                for warning in &answer.warnings {
                    let _ = writeln!(self.script, "      warning: {warning}");
                }
                for step in &answer.next_steps {
                    let _ = writeln!(self.script, "      next: {step}");
                }
                (site, answer.message)
            }
            Err(error) => {
                let _ = writeln!(self.script, "      {error:?}");
                (String::new(), error.full())
            }
        }
    }

    async fn until(&mut self, clock: &str) {
        self.world.run_until(clock).await;
        self.mailed();
    }

    /// What was mailed since, without the lines that only repeat the window.
    fn mailed(&mut self) {
        let mails: Vec<(String, String)> = {
            let state = self.world.state();
            let new = state.published[self.mails..].iter();
            new.map(|mail| (mail.subject.clone(), mail.message["email"].as_str().expect("a text").to_owned())).collect()
        };
        self.mails += mails.len();
        for (subject, text) in mails {
            let _ = writeln!(self.script, "      mail: {subject}");
            let said = |line: &&str| line.starts_with("Note: ") || line.starts_with("To do: ") || line.ends_with('.');
            for line in text.lines().filter(said) {
                let _ = writeln!(self.script, "            {line}");
            }
        }
    }

    fn end(self) -> String {
        self.world.no_secret_was_said();
        self.script
    }
}

/// What a message begins with.
#[track_caller]
fn begins(answered: &(String, String), site: &str, words: &str) {
    assert!(answered.0 == site && answered.1.starts_with(words), "{site}, {words}: {answered:?}");
}

const OPEN: &str = "The site is open to visitors, as far as its rules tell.";
const CLOSED: &str = "The site is in maintenance: visitors get the maintenance page, as far as its rules tell.";

fn window(id: &str, start: &str, end: &str) -> Value {
    json!({"id": id, "start": format!("2026-12-06T{start}Z"), "end": format!("2026-12-06T{end}Z")})
}

async fn a_window_as_planned() -> String {
    let mut scene = Scene::new("A window as planned", 1);
    scene.send(json!({"action": "status"})).await;
    begins(&scene.send(window("move", "02:00", "03:00")).await, "open", OPEN);
    scene.until("02:10").await;
    begins(&scene.send(json!({"action": "status"})).await, "maintenance", CLOSED);
    begins(&scene.send(json!({"action": "off", "id": "move"})).await, "open", OPEN);
    begins(&scene.send(json!({"action": "status"})).await, "open", OPEN);
    scene.end()
}

async fn two_windows_overlap() -> String {
    let mut scene = Scene::new("Two windows overlap, and one is switched off", 1);
    scene.send(window("a", "02:00", "04:00")).await;
    scene.send(window("b", "02:30", "05:00")).await;
    scene.until("03:00").await;
    let status = scene.world.invoke(json!({"action": "status"})).await.expect("status");
    let all = r#"to end all of these windows now and open the site, invoke the function with {"action":"off"}"#;
    assert_eq!(status.next_steps.first().map(String::as_str), Some(all));
    let off = scene.send(json!({"action": "off", "id": "a"})).await;
    begins(&off, "maintenance", CLOSED);
    assert!(
        off.1.contains("Window b closed it Sun 6 Dec 2026 02:30 UTC; it ends Sun 6 Dec 2026 05:00 UTC."),
        "{off:?}"
    );
    scene.until("05:10").await;
    scene.end()
}

async fn a_rule_is_deleted() -> String {
    let mut scene = Scene::new("Somebody deletes a rule", 2);
    scene.until("00:10").await;
    scene.world.state().rules.remove(&rule_arn(1));
    scene.note("rule001 is deleted");
    let words = "The site does not work for visitors: rule web/rule001 no longer exists";
    begins(&scene.send(json!({"action": "status"})).await, "broken", words);
    begins(&scene.send(json!({"action": "sweep"})).await, "broken", words);
    begins(&scene.send(json!({"action": "check"})).await, "broken", words);
    scene.end()
}

async fn a_rule_that_leads_nowhere() -> String {
    let mut scene = Scene::new("Somebody takes every target out of a rule", 1);
    for rule in scene.world.state().rules.values_mut() {
        rule.actions = json!([{"Type": "forward", "ForwardConfig": {"TargetGroups": [
            {"TargetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop/1", "Weight": 0}
        ]}}]);
    }
    let words = "The site does not work for visitors: rule web/rule000 forwards visitors to no target";
    begins(&scene.send(json!({"action": "status"})).await, "broken", words);
    scene.end()
}

async fn a_rule_is_opened_by_hand() -> String {
    let mut scene = Scene::new("Somebody opens a rule during a window", 1);
    scene.send(window("move", "02:00", "04:00")).await;
    scene.until("02:10").await;
    scene.world.set_conditions(0, vec![path(&["/*"])]);
    scene.note("rule000 gets the condition /*");
    let words = "Visitors reach the site although it should be in maintenance: rule web/rule000 lets them in.";
    begins(&scene.send(json!({"action": "status"})).await, "open_unplanned", words);
    begins(&scene.send(json!({"action": "sweep"})).await, "maintenance", CLOSED);
    scene.end()
}

async fn the_rule_cannot_be_changed() -> String {
    let mut scene = Scene::new("ModifyRule is denied", 1);
    scene.send(window("move", "02:00", "04:00")).await;
    scene.world.state().broken.push("ModifyRule");
    scene.note("ModifyRule is denied from now on");
    scene.until("02:10").await;
    let words = "Visitors reach the site although it should be in maintenance: rule web/rule000 lets them in.";
    begins(&scene.send(json!({"action": "status"})).await, "open_unplanned", words);
    begins(&scene.send(json!({"action": "check"})).await, "open_unplanned", words);
    let swept = scene.send(json!({"action": "sweep"})).await;
    assert!(swept.1.starts_with(words), "{swept:?}");
    scene.until("04:10").await;
    begins(&scene.send(json!({"action": "status"})).await, "open", OPEN);
    assert_eq!(scene.world.events().last().map(String::as_str), Some("missed"));
    scene.end()
}

async fn the_start_fails_for_an_hour() -> String {
    let mut scene = Scene::new("The start comes an hour late", 1);
    scene.send(window("move", "02:00", "05:00")).await;
    scene.world.state().broken.push("ModifyRule");
    scene.until("03:00").await;
    scene.world.state().broken.clear();
    scene.until("03:10").await;
    let status = scene.send(json!({"action": "status"})).await;
    begins(&status, "maintenance", CLOSED);
    assert!(status.1.contains("Window move closed it Sun 6 Dec 2026 03:0"), "{status:?}");
    scene.end()
}

async fn a_window_is_held() -> String {
    let mut scene = Scene::new("A window is held past its end", 1);
    let mut held = window("move", "02:00", "03:00");
    held["at_end"] = json!("hold");
    scene.send(held).await;
    scene.until("02:30").await;
    let before = scene.send(json!({"action": "status"})).await;
    let held = "its end is Sun 6 Dec 2026 03:00 UTC, and then it is held until off is sent.";
    assert!(before.1.contains(held), "{before:?}");
    scene.until("03:20").await;
    let status = scene.send(json!({"action": "status"})).await;
    begins(&status, "maintenance", CLOSED);
    let held = "its end has passed (Sun 6 Dec 2026 03:00 UTC, 20m ago); it is held until off is sent.";
    assert!(status.1.contains(held), "{status:?}");
    scene.end()
}

async fn a_window_booked_over_its_start() -> String {
    let mut scene = Scene::new("A window is booked over its start", 1);
    scene.until("02:30").await;
    begins(&scene.send(window("move", "02:00", "04:00")).await, "maintenance", CLOSED);
    scene.end()
}

async fn maintenance_without_an_end() -> String {
    let mut scene = Scene::new("Maintenance without an end, and on again", 1);
    scene.until("00:05").await;
    scene.send(json!({"action": "on", "id": "incident", "reason": "Payment provider is down"})).await;
    let bounded = scene.send(json!({"action": "on", "id": "while", "duration": "PT30M"})).await;
    begins(&bounded, "maintenance", CLOSED);
    let goes_on = "Window incident (\"Payment provider is down\") closed it Sun 6 Dec 2026 00:05 UTC; it lasts until off is sent.";
    assert!(bounded.1.contains(goes_on), "{bounded:?}");
    let again = scene.send(json!({"action": "on", "reason": "Database too"})).await;
    assert!(again.1.contains("the reason was not taken"), "{again:?}");
    scene.send(json!({"action": "off"})).await;
    scene.end()
}

async fn a_series_is_paused() -> String {
    let mut scene = Scene::new("A series is paused", 1);
    let nightly = json!({"id": "nightly", "every": "cron(0 2 * * ? *)", "duration": "PT1H", "timezone": "UTC"});
    scene.send(nightly).await;
    scene.send(json!({"action": "pause", "id": "nightly"})).await;
    let status = scene.send(json!({"action": "status"})).await;
    assert!(status.1.contains("Series nightly is paused."), "{status:?}");
    let extend = scene.send(json!({"action": "extend", "id": "nightly", "by": "PT30M"})).await;
    assert!(extend.1.contains("is a series"), "{extend:?}");
    scene.end()
}

async fn a_rule_closed_by_hand() -> String {
    let mut scene = Scene::new("A rule is closed by hand, without a window", 1);
    scene.world.set_conditions(0, vec![header("x-maintenance-bypass", SECRET)]);
    scene.note("rule000 demands the bypass header alone");
    let words = "The site is closed to visitors although no window covers it: rule web/rule000 lets only testers in.";
    begins(&scene.send(json!({"action": "status"})).await, "maintenance_unplanned", words);
    begins(&scene.send(json!({"action": "off"})).await, "open", OPEN);
    scene.end()
}

async fn part_of_the_site_closed_by_hand() -> String {
    let mut scene = Scene::new("Part of the site is closed by hand, while a window covers the rest", 2);
    scene.world.set_conditions(1, vec![header("x-maintenance-bypass", SECRET)]);
    let words = "Part of the site is closed to visitors although no window covers that part: rule web/rule001 lets";
    begins(&scene.send(json!({"action": "status"})).await, "maintenance_unplanned", words);
    let mut shop = window("shop", "00:30", "03:00");
    shop["rules"] = json!([rule_arn(0)]);
    scene.send(shop).await;
    scene.until("00:40").await;
    // `off` would end the window, too, and let visitors in.
    let status = scene.world.invoke(json!({"action": "status"})).await.expect("status");
    assert!(!status.next_steps.iter().any(|step| step.ends_with("{\"action\":\"off\"}")), "{:?}", status.next_steps);
    scene.send(json!({"action": "status"})).await;
    scene.end()
}

async fn part_of_the_site() -> String {
    let mut scene = Scene::new("Part of the site is in maintenance", 2);
    let mut part = window("shop", "02:00", "03:00");
    part["rules"] = json!([rule_arn(0)]);
    scene.send(part).await;
    scene.until("02:10").await;
    let words = "Part of the site is in maintenance: rule web/rule000 is closed to visitors, rule web/rule001 is open.";
    begins(&scene.send(json!({"action": "status"})).await, "mixed", words);
    scene.end()
}

async fn the_application_is_ill() -> String {
    let mut scene = Scene::new("Every rule is open, and a visitor meets an error", 1);
    scene.world.settings.insert("PROBE_URL", "https://www.example.com/".to_owned());
    scene.world.state().site_ill = true;
    let words = "The site does not work for visitors: every rule is open, yet a visitor got status 500 just now.";
    begins(&scene.send(json!({"action": "status"})).await, "broken", words);
    scene.end()
}

async fn nothing_can_be_read() -> String {
    let mut scene = Scene::new("The load balancer does not answer", 1);
    scene.send(window("move", "02:00", "03:00")).await;
    scene.until("02:10").await;
    scene.world.state().broken = vec!["DescribeRules"];
    scene.note("DescribeRules is denied");
    let status = scene.send(json!({"action": "status"})).await;
    begins(&status, "unknown", "How the site stands is not known: cannot read the listener rules");
    assert!(status.1.contains("Window move is to keep it closed; it ends Sun 6 Dec 2026 03:00 UTC."), "{status:?}");
    scene.world.state().broken = vec!["DescribeRules", "Query"];
    scene.note("Query is denied, too");
    begins(&scene.send(json!({"action": "status"})).await, "unknown", "How the site stands is not known: ");
    scene.end()
}

#[tokio::test(start_paused = true)]
async fn every_answer_and_every_mail_begins_with_how_the_site_stands() {
    let scenes = [
        a_window_as_planned().await,
        two_windows_overlap().await,
        a_rule_is_deleted().await,
        a_rule_that_leads_nowhere().await,
        a_rule_is_opened_by_hand().await,
        the_rule_cannot_be_changed().await,
        the_start_fails_for_an_hour().await,
        a_window_is_held().await,
        a_window_booked_over_its_start().await,
        maintenance_without_an_end().await,
        a_series_is_paused().await,
        a_rule_closed_by_hand().await,
        part_of_the_site().await,
        part_of_the_site_closed_by_hand().await,
        the_application_is_ill().await,
        nothing_can_be_read().await,
    ];
    insta::assert_snapshot!(scenes.join("\n"));
}
