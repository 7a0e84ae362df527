//! The promises, held against what the world shows right after each effect.

use jiff::Timestamp;
use serde_json::Value;

use super::{Settings, State, World, attributes, elb::demands_bypass};

/// A window of the table: mostly one whose rules are, or are about to be, header-only.
struct Dark {
    id: String,
    uid: String,
    revision: u64,
    start: Timestamp,
    end: Option<Timestamp>,
    /// None: every rule of the settings.
    rules: Option<Vec<String>>,
}

impl Dark {
    fn covers(&self, rule: &str, settings: &Settings) -> bool {
        self.rules.as_ref().map_or_else(|| is_ours(rule, settings), |rules| rules.iter().any(|other| other == rule))
    }

    /// Whether it has no end, or one that wakes the function by a role that is there.
    fn has_its_end(&self, state: &State) -> bool {
        let name = self.wake_up("end");
        let fits = |(other, role): (&String, &String)| other.starts_with(&name) && !state.roles_gone.contains(role);
        self.end.is_none() || state.created_ever.iter().any(fits)
    }

    /// How the name of one of its wake-ups begins.
    fn wake_up(&self, what: &str) -> String {
        format!("{}.{what}-{}-{}-", self.id, self.uid, self.revision)
    }
}

/// Whether the settings name a rule.
fn is_ours(rule: &str, settings: &Settings) -> bool {
    ours(settings).any(|other| other == rule)
}

fn ours(settings: &Settings) -> impl Iterator<Item = &str> {
    settings.get("RULE_ARNS").map_or("", String::as_str).split(',').map(str::trim).filter(|arn| !arn.is_empty())
}

fn texts(list: &Value) -> Option<Vec<String>> {
    Some(list.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Whether a condition may be the bypass header's, of settings before these too: as every test calls it.
fn may_be_ours(condition: &Value) -> bool {
    let name = condition["HttpHeaderConfig"]["HttpHeaderName"].as_str().unwrap_or_default().to_lowercase();
    name.contains("bypass") || name.contains("way-in")
}

/// All that conditions demand, in the wire's form or the table's.
fn words(conditions: &Value) -> Vec<String> {
    let mut found = match conditions {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(words).collect(),
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !key.eq_ignore_ascii_case("field"))
            .flat_map(|(_, value)| words(value))
            .collect(),
        _ => vec![],
    };
    found.sort();
    found
}

/// The id of a rule's item.
pub(crate) fn rule_item_id(arn: &str) -> String {
    let mut parts = arn.rsplit('/');
    let (rule, listener) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("rule#{listener}/{rule}")
}

impl World {
    pub(super) fn watch(&self, name: &str, subject: &str) {
        let now = self.now();
        let mut state = self.state();
        let mut broken = std::mem::take(&mut state.table.broken);
        match name {
            "ModifyRule" => {
                if !is_ours(subject, &self.settings) {
                    broken.push(format!("{subject} was modified, which is not ours"));
                }
                if state.rules.get(subject).is_some_and(|rule| demands_bypass(rule, &self.settings)) {
                    broken.extend(self.narrowed(&state, subject));
                }
            }
            "Publish" => broken.extend(self.told(&state)),
            "DeleteSchedule" => broken.extend(state.awaited(subject, now)),
            _ => {}
        }
        state.violations.extend(broken.into_iter().map(|promise| format!("{now}: {promise}")));
    }

    /// What is wrong with having narrowed a rule.
    fn narrowed(&self, state: &State, rule: &str) -> Vec<String> {
        let mut broken = vec![];
        let item = state.table.item("now", &rule_item_id(rule)).map(attributes::plain);
        let saved = item.as_ref().is_some_and(|item| item["owner"].as_array().is_some_and(|owner| !owner.is_empty()));
        if !saved {
            broken.push(format!("{rule} was narrowed before its owner's conditions were saved"));
        }
        // An end decided by another run at this very moment is repaired by whichever looks later.
        if self.gate().is_some() {
            return broken;
        }
        let before = state.before.get(rule).filter(|before| !before.iter().any(may_be_ours));
        if let (Some(before), Some(item)) = (before, item) {
            let (before, owner) = (words(&Value::from(before.clone())), words(&item["owner"]));
            if before != owner {
                broken.push(format!("{rule} was narrowed from {before:?}, and {owner:?} was saved"));
            }
        }
        let now = self.now();
        let dark: Vec<Dark> =
            state.dark_windows().into_iter().filter(|window| window.covers(rule, &self.settings)).collect();
        if dark.is_empty() {
            broken.push(format!("{rule} was narrowed for no window"));
        } else if !dark.iter().any(|window| window.start <= now) {
            broken.push(format!("{rule} was narrowed before its window's start"));
        } else if !dark.iter().any(|window| window.start <= now && window.has_its_end(state)) {
            broken.push(format!("{rule} was narrowed before its end was booked"));
        }
        broken
    }

    /// What is wrong with the last report.
    fn told(&self, state: &State) -> Vec<String> {
        let Some(report) = state.published.last().filter(|_| self.gate().is_none()) else { return vec![] };
        let windows = state.dark_windows();
        let rules = &report.document["window"]["rules"];
        let rules = if rules == "all" {
            ours(&self.settings).map(str::to_owned).collect()
        } else {
            let managed: Vec<&str> = ours(&self.settings).collect();
            let managed = |rule: &String| managed.contains(&rule.as_str());
            texts(rules).unwrap_or_default().into_iter().filter(managed).collect::<Vec<String>>()
        };
        let wrong = |rule: &String| {
            let dark = state.rules.get(rule).is_some_and(|rule| demands_bypass(rule, &self.settings));
            match report.event() {
                "started" => state.rules.contains_key(rule) && !dark,
                // One that was never narrowed was closed by its owner's hand.
                "completed" => {
                    dark && state.table.item("now", &rule_item_id(rule)).is_some()
                        && !windows.iter().any(|window| window.covers(rule, &self.settings))
                }
                _ => false,
            }
        };
        let wrong = rules.into_iter().filter(wrong);
        wrong.map(|rule| format!("{} was reported but {rule} does not show it", report.event())).collect()
    }
}

impl State {
    /// The windows that are active or held; one that somebody made unreadable is none.
    fn dark_windows(&self) -> Vec<Dark> {
        self.windows_in(&["active", "held"])
    }

    /// What is wrong with having deleted a schedule: a window that is not over waits for it.
    fn awaited(&self, deleted: &str, now: Timestamp) -> Option<String> {
        let windows = self.windows_in(&["booked", "active"]);
        let waits = |window: &&Dark| {
            let mut wake_ups = ["start", "end", "warn", "remind"].iter().map(|what| window.wake_up(what));
            window.end.is_some_and(|end| end > now) && wake_ups.any(|name| deleted.starts_with(&name))
        };
        windows.iter().find(waits).map(|window| format!("{deleted} was deleted, which {} waits for", window.id))
    }

    /// The windows in one of these states.
    fn windows_in(&self, states: &[&str]) -> Vec<Dark> {
        let windows = self.table.with_prefix("now", "window#").map(|(id, item)| (id, attributes::plain(item)));
        let windows = windows.filter(|(_, item)| states.iter().any(|state| item["state"] == *state));
        let time = |text: &Value| text.as_str().and_then(|text| text.parse().ok());
        let dark = windows.filter_map(|(id, item)| {
            Some(Dark {
                id: id.to_owned(),
                uid: item["uid"].as_str()?.to_owned(),
                revision: item["revision"].as_u64()?,
                start: time(&item["start"])?,
                end: time(&item["end"]),
                rules: if item["rules"] == "all" { None } else { Some(texts(&item["rules"])?) },
            })
        });
        dark.collect()
    }
}
