//! Answers as a whole: every field of what each action tells, in the situations in which one differs from the next.
//! The words of a first sentence are `script`'s business.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::world::{World, header, rule_arn};

/// A world, and what was asked and answered in it.
struct Asked {
    world: World,
    told: String,
}

impl Asked {
    fn new(title: &str, world: World) -> Self {
        Self { world, told: format!("# {title}\n") }
    }

    /// Sends an event, and keeps the answer without what is the same in all of them.
    async fn send(&mut self, event: Value) {
        let clock = self.world.now().strftime("%H:%M");
        let _ = writeln!(self.told, "{clock} > {event}");
        match self.world.invoke(event).await {
            Ok(answer) => {
                let mut answer = serde_json::to_value(&answer).expect("JSON");
                shorten(&mut answer);
                for (name, value) in answer.as_object().expect("an object") {
                    let _ = writeln!(self.told, "      {name}: {value}");
                }
            }
            Err(error) => {
                let _ = writeln!(self.told, "      {error:?}");
            }
        }
    }

    /// The same event twice under one key, as Lambda repeats it.
    async fn twice(&mut self, mut event: Value) {
        event["request_id"] = json!(event["action"]);
        self.send(event.clone()).await;
        self.send(event).await;
    }

    async fn until(&mut self, clock: &str) {
        self.world.run_until(clock).await;
    }
}

/// Takes out what is long and told by other tests: examples of `help`, decisions, and the steps that come next.
fn shorten(answer: &mut Value) {
    let answer = answer.as_object_mut().expect("an object");
    answer.remove("next_steps");
    if let Some(help) = answer.get_mut("help") {
        *help = json!("…");
    }
}

fn window(id: &str, start: &str, end: &str) -> Value {
    json!({"id": id, "start": format!("2026-12-06T{start}Z"), "end": format!("2026-12-06T{end}Z")})
}

fn of(action: &str, id: &str) -> Value {
    json!({"action": action, "id": id})
}

fn with(mut event: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().expect("an object") {
        event[name] = value.clone();
    }
    event
}

async fn a_window_ahead() -> String {
    let mut asked = Asked::new("A window ahead", World::new(1));
    let event = window("w", "02:00", "03:00");
    asked.send(with(event.clone(), &json!({"dry_run": true}))).await;
    asked.send(with(event.clone(), &json!({"reason": "first"}))).await;
    asked.send(event.clone()).await;
    asked.send(with(event.clone(), &json!({"reason": "another"}))).await;
    asked.send(with(event.clone(), &json!({"dry_run": true}))).await;
    asked.send(with(event.clone(), &json!({"at_end": "hold"}))).await;
    asked.send(with(event.clone(), &json!({"rules": [rule_arn(0)]}))).await;
    asked.send(window("w", "02:00", "03:30")).await;
    asked.send(window("v", "02:30", "04:00")).await;
    asked.send(with(of("check", "u"), &json!({"start": "2026-12-06T02:10Z", "end": "2026-12-06T02:20Z"}))).await;
    asked.twice(with(of("edit", "w"), &json!({"reason": "better", "message": "Back soon"}))).await;
    asked.send(with(of("edit", "w"), &json!({"reason": "better"}))).await;
    asked.twice(with(of("extend", "w"), &json!({"by": "PT30M"}))).await;
    asked.send(with(of("reschedule", "w"), &json!({"start": "2026-12-06T02:10Z"}))).await;
    asked.send(with(of("reschedule", "w"), &json!({"start": "2026-12-06T02:10Z"}))).await;
    asked.send(of("status", "w")).await;
    asked.twice(of("cancel", "v")).await;
    asked.send(of("cancel", "nothing")).await;
    asked.send(of("history", "v")).await;
    asked.told
}

async fn a_window_that_goes_on() -> String {
    let mut asked = Asked::new("A window that goes on", World::new(2));
    asked.send(with(window("w", "02:00", "03:00"), &json!({"at_end": "hold", "rules": [rule_arn(0)]}))).await;
    asked.until("02:10").await;
    asked.send(with(window("w", "02:00", "03:00"), &json!({"at_end": "hold", "rules": [rule_arn(0)]}))).await;
    asked.send(with(of("extend", "w"), &json!({"end": "2026-12-06T03:00Z"}))).await;
    asked.send(of("cancel", "w")).await;
    asked.send(json!({"action": "on", "rules": [rule_arn(1)], "dry_run": true})).await;
    asked.twice(json!({"action": "on", "rules": [rule_arn(1)]})).await;
    asked.send(json!({"action": "on", "rules": [rule_arn(1)]})).await;
    asked.send(json!({"action": "sweep"})).await;
    asked.until("03:10").await;
    asked.send(json!({"action": "status"})).await;
    asked.twice(of("off", "w")).await;
    asked.send(of("off", "w")).await;
    asked.send(json!({"action": "off", "dry_run": true})).await;
    asked.send(json!({"action": "off"})).await;
    asked.send(json!({"action": "off"})).await;
    asked.send(json!({"action": "history", "limit": 1})).await;
    asked.told
}

async fn a_start_that_fails() -> String {
    let mut asked =
        Asked::new("A start that fails, a wake-up that is lost, and a rule that others changed", World::new(1));
    asked.send(window("w", "02:00", "03:00")).await;
    asked.world.state().broken = vec!["ModifyRule"];
    asked.until("02:01").await;
    asked.send(window("w", "02:00", "03:00")).await;
    asked.send(of("status", "w")).await;
    asked.world.state().broken.clear();
    asked.send(window("w", "02:00", "03:00")).await;
    asked.world.set_conditions(0, vec![header("x-owner", "lock")]);
    asked.send(json!({"action": "sweep"})).await;
    asked.world.edit_item("window#w", |item| item["state"] = json!("odd"));
    asked.send(json!({"action": "sweep"})).await;
    asked.send(json!({"action": "status"})).await;
    asked.told
}

async fn a_series() -> String {
    let mut asked = Asked::new("A series", World::new(1));
    let event = json!({
        "action": "book", "id": "n", "every": "cron(0 2 * * ? *)", "duration": "PT30M", "timezone": "Europe/Berlin",
    });
    asked.send(with(event.clone(), &json!({"dry_run": true}))).await;
    asked.twice(with(event.clone(), &json!({"reason": "nightly"}))).await;
    asked.send(event.clone()).await;
    asked.send(with(event.clone(), &json!({"duration": "PT45M"}))).await;
    asked.twice(with(of("skip", "n"), &json!({"start": "2026-12-06T02:00"}))).await;
    asked.send(with(of("skip", "n"), &json!({"start": "2026-12-06T02:00"}))).await;
    asked.send(with(of("skip", "n"), &json!({"start": "2026-12-07T02:00"}))).await;
    asked.send(with(of("skip", "n"), &json!({"start": "2026-12-07T03:00"}))).await;
    asked.twice(with(of("unskip", "n"), &json!({"start": "2026-12-06T02:00"}))).await;
    asked.send(with(of("unskip", "n"), &json!({"start": "2026-12-06T02:00"}))).await;
    asked.send(with(of("edit", "n"), &json!({"reason": "each night", "mute_alarms": []}))).await;
    asked.send(with(of("edit", "n"), &json!({"reason": "each night"}))).await;
    asked.twice(of("pause", "n")).await;
    asked.send(of("pause", "n")).await;
    asked.send(of("status", "n")).await;
    asked.send(of("skip", "n")).await;
    asked.twice(of("resume", "n")).await;
    asked.send(of("resume", "n")).await;
    asked.twice(of("cancel", "n")).await;
    asked.send(of("history", "n")).await;
    asked.send(json!({"action": "help"})).await;
    asked.told
}

#[tokio::test(start_paused = true)]
async fn every_answer_is_whole() {
    let told = [a_window_ahead().await, a_window_that_goes_on().await, a_start_that_fails().await, a_series().await]
        .join("\n");
    insta::assert_snapshot!(told);
}
