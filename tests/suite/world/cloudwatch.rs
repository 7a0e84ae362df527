//! CloudWatch: rules that mute alarms, how alarms stand, and what the load balancer counted.
//!
//! A rule mutes from a whole minute on, for whole minutes; one whose minute has come is refused, since nobody says what
//! AWS makes of it. A rule without targets would mute every alarm of the account, and one for an alarm that does not
//! exist, or that the role may not touch, is refused whole. Deleting a rule that is not there is no error.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    State, World,
    wire::{Answer, Refusal},
};

/// The alarms that there are.
pub(crate) const ALARMS: [&str; 3] = ["site-5xx", "site-slow", "site-canary"];

#[derive(Debug)]
pub(crate) struct CloudWatch {
    /// The mute rules, by their names.
    pub(crate) mutes: BTreeMap<String, MuteRule>,
    /// Every alarm, and whether it is in alarm.
    pub(crate) alarms: BTreeMap<String, bool>,
    /// Alarms that the role may not mute.
    pub(crate) denied: BTreeSet<String>,
    /// How many visitors each minute turns away.
    pub(crate) turned_away: u64,
}

impl Default for CloudWatch {
    fn default() -> Self {
        Self {
            mutes: BTreeMap::new(),
            alarms: ALARMS.map(|name| (name.to_owned(), false)).into(),
            denied: BTreeSet::new(),
            turned_away: 0,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MuteRule {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) alarms: Vec<String>,
}

impl World {
    /// The alarms whose actions are muted now.
    pub(crate) fn muted(&self) -> BTreeSet<String> {
        let now = self.now();
        let state = self.state();
        let active = state.cloudwatch.mutes.values().filter(|rule| (rule.from..rule.until).contains(&now));
        active.flat_map(|rule| rule.alarms.iter().cloned()).collect()
    }

    /// The mute rules there are, muting or not.
    pub(crate) fn mute_rules(&self) -> BTreeMap<String, MuteRule> {
        self.state().cloudwatch.mutes.clone()
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationError", message)
}

impl State {
    pub(super) fn put_mute_rule(&mut self, name: &str, input: &Value, now: Timestamp) -> Answer {
        assert!((1..=255).contains(&name.len()) && name.starts_with("maintenance."), "{name} tells whose rule it is");
        assert!(input["Description"].as_str().is_some_and(|text| text.len() <= 1024), "{input}");
        let schedule = &input["Rule"]["Schedule"];
        assert_eq!(schedule["Timezone"], "UTC", "{name} is in UTC");
        let expression = schedule["Expression"].as_str().unwrap_or_default();
        let inner = expression.strip_prefix("at(").and_then(|rest| rest.strip_suffix(')'));
        let from = inner.filter(|text| text.len() == 16).and_then(|text| format!("{text}:00Z").parse().ok());
        let Some(from): Option<Timestamp> = from else { return Err(invalid(format!("Expression {expression}"))) };
        let duration = schedule["Duration"].as_str().unwrap_or_default();
        let minutes = duration.strip_prefix("PT").and_then(|rest| rest.strip_suffix('M')?.parse::<i64>().ok());
        let Some(minutes) = minutes.filter(|minutes| (1..=15 * 24 * 60).contains(minutes)) else {
            return Err(invalid(format!("Duration {duration}")));
        };
        if from <= now {
            return Err(invalid(format!("{expression} is in the past")));
        }
        let alarms: Vec<String> = input["MuteTargets"]["AlarmNames"]
            .as_array()
            .expect("without targets every alarm of the account is muted")
            .iter()
            .map(|name| name.as_str().expect("a name").to_owned())
            .collect();
        assert!((1..=100).contains(&alarms.len()), "{alarms:?}");
        let own = alarms.iter().find(|alarm| alarm.starts_with("maintenance-"));
        assert_eq!(own, None, "the stack's own alarms are never muted");
        if let Some(denied) = alarms.iter().find(|alarm| self.cloudwatch.denied.contains(*alarm)) {
            let message = format!(
                "User: arn:aws:sts::123456789012:assumed-role/maintenance is not authorized to perform: \
                 cloudwatch:PutAlarmMuteRule on resource: arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{denied}"
            );
            return Err(Refusal::new(403, "AccessDenied", message));
        }
        if let Some(unknown) = alarms.iter().find(|alarm| !self.cloudwatch.alarms.contains_key(*alarm)) {
            return Err(Refusal::new(404, "ResourceNotFound", format!("Alarm {unknown} does not exist")));
        }
        let until = from + SignedDuration::from_mins(minutes);
        self.cloudwatch.mutes.insert(name.to_owned(), MuteRule { from, until, alarms });
        Ok(json!({}))
    }

    pub(super) fn delete_mute_rule(&mut self, name: &str) -> Value {
        self.cloudwatch.mutes.remove(name);
        json!({})
    }

    pub(super) fn describe_alarms(&self, input: &Value) -> Value {
        let names = input["AlarmNames"].as_array().expect("names").iter().filter_map(Value::as_str);
        let found = names.filter_map(|name| Some((name, self.cloudwatch.alarms.get(name)?)));
        let shown: Vec<Value> = found
            .map(|(name, rings)| json!({"AlarmName": name, "StateValue": if *rings { "ALARM" } else { "OK" }}))
            .collect();
        json!({"MetricAlarms": shown, "CompositeAlarms": []})
    }

    pub(super) fn metric_statistics(&self, input: &Value) -> Answer {
        assert_eq!(input["Namespace"], "AWS/ApplicationELB");
        assert_eq!(input["MetricName"], "HTTP_Fixed_Response_Count");
        assert_eq!(input["Dimensions"], json!([{"Name": "LoadBalancer", "Value": "app/web/lb"}]));
        let [from, until, period] = ["StartTime", "EndTime", "Period"].map(|key| input[key].as_i64().expect("seconds"));
        if from >= until || (until - from) / period > 1440 {
            return Err(Refusal::new(400, "InvalidParameterCombination", "the times"));
        }
        let whole = |secs: i64| secs - secs.rem_euclid(period);
        let mut points = vec![];
        let mut at = whole(from);
        while at < until && self.cloudwatch.turned_away > 0 {
            points.push(json!({"Timestamp": at, "Sum": self.cloudwatch.turned_away, "Unit": "Count"}));
            at += period;
        }
        Ok(json!({"Label": "HTTP_Fixed_Response_Count", "Datapoints": points}))
    }
}
