//! EventBridge Scheduler: one-time schedules in one group, and the sweep's, which is the stack's own.
//!
//! An existing name is a conflict, a time in the past is accepted and fires at once, and a schedule that fired goes some
//! time after its delivery. Only a check reads them.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    FUNCTION, SECRET, Settings, State, World,
    attributes::Item,
    wire::{Answer, Refusal},
};

pub(crate) const DEAD_LETTER_QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:dead";

/// The name of the sweep's schedule.
const SWEEP: &str = "maintenance-sweep";

/// How far ahead a schedule without a window may fire: it does nothing, and goes by itself.
const GOES_SOON: SignedDuration = SignedDuration::from_hours(48);

/// When what is left to do of a window is done at the latest.
const TWO_SWEEPS: SignedDuration = SignedDuration::from_mins(11);

/// A window's name and uid, as its mute rules have them.
fn name(id: &str, item: &Item) -> Option<String> {
    Some(format!("{id}-{}", item.get("uid")?["S"].as_str()?))
}

#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) body: Value,
    /// When it fires; none once it has.
    pub(crate) next: Option<Timestamp>,
}

impl Schedule {
    pub(crate) fn input(&self) -> Value {
        serde_json::from_str(self.body["Target"]["Input"].as_str().expect("an input")).expect("JSON")
    }

    fn role(&self) -> &str {
        self.body["Target"]["RoleArn"].as_str().expect("a role")
    }
}

impl World {
    /// Fires the next schedule that is due by `until`, or sweeps, whichever is first; false if neither is due.
    ///
    /// A wake-up arrives `late` after its time and is retried as Lambda does, one minute and then two minutes later.
    pub(crate) async fn next_event(&self, until: Timestamp, late: SignedDuration, sweeps: bool) -> bool {
        let due = {
            let state = self.state();
            let next = state.schedules.iter().filter_map(|(name, found)| Some((found.next?, name.clone())));
            next.min()
        };
        let due = due.map(|(at, name)| ((at + late).max(self.now()), Some(name)));
        let sweep = sweeps.then(|| (self.next_sweep(), None));
        let Some((at, name)) = [due, sweep].into_iter().flatten().min_by_key(|(at, _)| *at) else { return false };
        if at > until {
            return false;
        }
        self.until(at).await;
        // Lambda gives every event an id of its own, which only its own retries share.
        let nth = self.state().invocations.len();
        let Some(name) = name else {
            self.deliver(&json!({"action": "sweep"}), &format!("sweep-{nth}")).await;
            return true;
        };
        let Some(input) = self.fire(&name) else { return true };
        self.deliver(&input, &format!("{name}-{nth}")).await;
        self.clear_fired(&name);
        true
    }

    /// A schedule goes some time after its delivery.
    pub(crate) fn clear_fired(&self, name: &str) {
        let mut state = self.state();
        if state.schedules.get(name).is_some_and(|found| found.next.is_none()) {
            state.schedules.remove(name);
        }
    }

    /// When the next sweep is due: five minutes apart, a little after the full minute.
    pub(crate) fn next_sweep(&self) -> Timestamp {
        let secs = self.now().as_second() - 17;
        Timestamp::from_second(secs - secs.rem_euclid(300) + 300 + 17).expect("a time")
    }

    /// Takes a schedule's wake-up: what it says, unless its role is gone. It does not fire again.
    pub(crate) fn fire(&self, name: &str) -> Option<Value> {
        let state = &mut *self.state();
        let schedule = state.schedules.get_mut(name)?;
        schedule.next = None;
        if state.roles_gone.contains(schedule.role()) {
            state.schedules.remove(name);
            return None;
        }
        Some(schedule.input())
    }

    /// The schedules in the group.
    pub(crate) fn schedule_names(&self) -> Vec<String> {
        self.state().schedules.keys().cloned().collect()
    }
}

impl State {
    /// What should be gone: windows that are not history, what follows them and is overdue, mute rules that none of both
    /// knows of, and schedules that have fired or should have, or whose window
    /// is gone and that do not go by themselves soon.
    pub(crate) fn left_over(&self, now: Timestamp) -> Vec<String> {
        let windows: Vec<String> = self.table.with_prefix("now", "window#").map(|(id, _)| id.to_owned()).collect();
        let stays = |name: &str, schedule: &Schedule| {
            let id = name.rsplit_once('.').map_or(name, |(id, _)| id);
            let known = windows.iter().any(|window| window == id);
            schedule.next.is_none_or(|at| at <= now || !known && at > now + GOES_SOON)
        };
        let schedules = self.schedules.iter().filter(|(name, schedule)| stays(name, schedule));
        let schedules: Vec<String> = schedules.map(|(name, _)| name.clone()).collect();
        let after: Vec<(&str, &Item)> = self.table.with_prefix("now", "after#").collect();
        let late = |item: &Item| {
            let due: Option<Timestamp> = item.get("due").and_then(|due| due["S"].as_str()?.parse().ok());
            due.is_none_or(|due| due + TWO_SWEEPS < now)
        };
        // Of which window a mute rule is, its name says.
        let uids: Vec<String> =
            self.table.with_prefix("now", "window#").filter_map(|(id, item)| name(id, item)).collect();
        let over = after.iter().map(|(id, _)| id.replace('#', "-"));
        let known: Vec<String> = uids.into_iter().chain(over).map(|name| format!("maintenance.{name}-")).collect();
        let mutes = self.cloudwatch.mutes.keys().filter(|rule| !known.iter().any(|name| rule.starts_with(name)));
        let mutes: Vec<String> = mutes.map(|name| format!("mute rule {name}")).collect();
        let after: Vec<String> =
            after.iter().filter(|(_, item)| late(item)).map(|(id, _)| format!("after {id}")).collect();
        [windows, schedules, after, mutes].concat()
    }

    pub(super) fn create_schedule(&mut self, name: &str, input: &Value, settings: &Settings) -> Answer {
        if self.schedules.contains_key(name) {
            return Err(Refusal::new(409, "ConflictException", format!("Schedule {name} already exists.")));
        }
        let schedule = schedule(name, input, settings)?;
        self.created_ever.insert(name.to_owned(), schedule.role().to_owned());
        self.schedules.insert(name.to_owned(), schedule);
        Ok(json!({"ScheduleArn": format!("arn:aws:scheduler:eu-west-1:123456789012:schedule/maintenance/{name}")}))
    }

    pub(super) fn delete_schedule(&mut self, name: &str) -> Answer {
        match self.schedules.remove(name) {
            Some(_) => Ok(json!({})),
            None => Err(Refusal::new(404, "ResourceNotFoundException", format!("Schedule {name} does not exist."))),
        }
    }

    pub(super) fn get_schedule(&self, name: &str) -> Answer {
        let found = if name == SWEEP { self.sweep.as_ref() } else { self.schedules.get(name).map(|found| &found.body) };
        found
            .cloned()
            .ok_or_else(|| Refusal::new(404, "ResourceNotFoundException", format!("Schedule {name} does not exist.")))
    }
}

/// The sweep's schedule as the template makes it.
pub(super) fn sweep() -> Value {
    json!({
        "Name": SWEEP,
        "State": "ENABLED",
        "ScheduleExpression": "rate(5 minutes)",
        "Target": {"Arn": FUNCTION, "RoleArn": "arn:aws:iam::123456789012:role/maintenance-scheduler"},
    })
}

fn schedule(name: &str, input: &Value, settings: &Settings) -> Result<Schedule, Refusal> {
    let refuse = |message: String| Err(Refusal::new(400, "ValidationException", message));
    let fine = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !fine {
        return refuse(format!("1 validation error detected: '{name}'"));
    }
    let expression = input["ScheduleExpression"].as_str().unwrap_or_default();
    let inner = expression.strip_prefix("at(").and_then(|rest| rest.strip_suffix(')'));
    assert!(inner.is_some(), "{name} is a wake-up: {expression}");
    let next = inner.filter(|text| text.len() == 19).and_then(|text| format!("{text}Z").parse().ok());
    let Some(next) = next else { return refuse(format!("Invalid Schedule Expression {expression}.")) };
    let text = input["Target"]["Input"].as_str().unwrap_or_default();
    let said: Value = serde_json::from_str(text).expect("a wake-up says something in JSON");
    let keys: Vec<&str> = said.as_object().expect("an event").keys().map(String::as_str).collect();
    assert_eq!(keys, ["action", "due", "id"], "{name} says what to look at and when, and nothing else");
    assert!(!input.to_string().contains(SECRET), "{name} holds the secret");
    assert_eq!(input["ActionAfterCompletion"], "DELETE", "{name} goes by itself");
    assert_eq!(input["ScheduleExpressionTimezone"], "UTC", "{name} is in UTC");
    assert_eq!(input["FlexibleTimeWindow"]["Mode"], "OFF", "{name} is exact");
    assert_eq!(input["Target"]["Arn"], FUNCTION, "{name} wakes the function");
    // A queue that the settings do not name, or not as one, is left out.
    if settings.get("DEAD_LETTER_QUEUE_ARN").is_some_and(|queue| queue == DEAD_LETTER_QUEUE) {
        assert_eq!(input["Target"]["DeadLetterConfig"]["Arn"], DEAD_LETTER_QUEUE, "{name}");
    }
    let mut body = input.clone();
    body["Name"] = json!(name);
    body["State"] = json!("ENABLED");
    Ok(Schedule { body, next: Some(next) })
}
