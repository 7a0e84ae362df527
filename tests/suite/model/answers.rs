//! What `status` and `history` answer must be what the model has.

use serde_json::{Value, json};

use super::{
    expected::Win,
    operator::{Operator, Run},
    owners::Owned,
    steps::Act,
};
use crate::world::rule_arn;

/// How many entries `history` shows unless told otherwise.
const SHOWN: usize = 20;

fn entries(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Names and who asked, in an order of their own: what two lists are compared by.
fn sorted<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_unstable();
    pairs
}

fn named(shown: &[Value]) -> Vec<(&str, &str)> {
    let text = |value: &'_ Value| value.as_str().unwrap_or_default().len();
    debug_assert!(shown.iter().all(|entry| text(&entry["id"]) > 0));
    sorted(
        shown.iter().map(|entry| {
            (entry["id"].as_str().unwrap_or_default(), entry["requested_by"].as_str().unwrap_or_default())
        }),
    )
}

impl Win {
    /// Whether an entry shows these times.
    fn has_times(&self, times: &Value) -> bool {
        times["start"] == json!(self.start) && times["end"] == json!(self.end)
    }

    fn is_shown_rightly(&self, entry: &Value) -> bool {
        let rules = self.rules.as_ref().map_or_else(|| json!("all"), |rules| json!(rules));
        let state = match entry["state"].as_str() {
            Some("booked") => !self.began && self.ended.is_none(),
            Some("active" | "held") => self.began && self.ended.is_none(),
            Some("ending") => self.outcome.is_some(),
            _ => false,
        };
        state && self.has_times(entry) && entry["rules"] == rules && entry["at_end"] == self.at_end.as_str()
    }

    fn is_told_rightly(&self, entry: &Value) -> bool {
        self.has_times(&entry["planned"])
            && entry["outcome"].as_str() == self.outcome.as_deref()
            && entries(&entry["decisions"]).len() == self.decisions
            && entry["actual"]["started"].is_string() >= self.narrowed
            && entry["ended_at"].is_string()
    }
}

impl Operator {
    /// Holds an answer that only looks against the model.
    pub(super) fn answers_rightly(&self, act: Act, id: Option<&str>, run: &Run) -> Result<(), String> {
        let Some(Ok(response)) = &run.result else { return self.refuses_rightly(act, id, run) };
        let answer = serde_json::to_value(response).expect("an answer");
        match act {
            Act::Status { .. } => self.status_is_right(id, &answer),
            Act::History { .. } => self.history_is_right(id, &answer),
            _ => Ok(()),
        }
    }

    /// `status` refuses nothing but a name that is not there.
    fn refuses_rightly(&self, act: Act, id: Option<&str>, run: &Run) -> Result<(), String> {
        let there =
            id.is_none_or(|id| self.expected.present(id).is_some() || self.expected.present_series(id).is_some());
        let looks = matches!(act, Act::Status { .. }) && there || matches!(act, Act::History { .. } | Act::Check);
        if looks { Err(format!("{act:?} of {id:?} was refused: {:?}", run.result)) } else { Ok(()) }
    }

    fn status_is_right(&self, id: Option<&str>, answer: &Value) -> Result<(), String> {
        let meant = |other: &str| id.is_none_or(|id| id == other);
        let windows: Vec<&Win> = self.expected.present_windows().filter(|window| meant(&window.id)).collect();
        let shown = entries(&answer["windows"]);
        let wanted = sorted(windows.iter().map(|window| (window.id.as_str(), window.tag.as_str())));
        if named(shown) != wanted {
            return Err(format!("status shows {:?} instead of {wanted:?}", named(shown)));
        }
        for window in windows {
            let entry = shown.iter().find(|entry| entry["id"] == window.id.as_str()).expect("compared just now");
            if !window.is_shown_rightly(entry) {
                return Err(format!("status shows {entry} for {window:?}"));
            }
        }
        let series: Vec<_> = self.expected.series.values().filter(|one| !one.over && meant(&one.id)).collect();
        let shown = entries(&answer["series"]);
        let right =
            |entry: &Value| series.iter().any(|one| entry["id"] == one.id.as_str() && entry["paused"] == one.paused);
        if shown.len() != series.len() || !shown.iter().all(right) {
            return Err(format!("status shows the series {shown:?} instead of {series:?}"));
        }
        for (rule, owner) in self.expected.owners.iter().enumerate().filter(|(_, owner)| owner.wish.is_some()) {
            let arn = rule_arn(rule);
            let shown = entries(&answer["rules"]).iter().find(|entry| entry["arn"] == arn.as_str());
            let dark = Owned::is_dark(rule, &self.world);
            let state = if dark { "closed" } else { "open" };
            if shown.is_none_or(|entry| entry["state"] != state) {
                return Err(format!("status shows {shown:?} for {owner:?}, which is {state}"));
            }
        }
        Ok(())
    }

    fn history_is_right(&self, id: Option<&str>, answer: &Value) -> Result<(), String> {
        let meant = |other: &str| id.is_none_or(|id| id == other);
        let windows: Vec<&Win> =
            self.expected.windows.values().filter(|window| window.is_past && meant(&window.id)).collect();
        let series = self.expected.series.values().filter(|one| one.over && meant(&one.id));
        let over = windows.iter().map(|window| (window.id.as_str(), window.tag.as_str()));
        let wanted = sorted(over.chain(series.map(|one| (one.id.as_str(), one.tag.as_str()))));
        let shown = entries(&answer["history"]);
        let there = if wanted.len() <= SHOWN { named(shown) == wanted } else { shown.len() == SHOWN };
        if !there {
            return Err(format!("history of {id:?} shows {:?} instead of {wanted:?}", named(shown)));
        }
        for entry in shown.iter().filter(|entry| entry["kind"] == "window") {
            if !windows.iter().any(|window| entry["id"] == window.id.as_str() && window.is_told_rightly(entry)) {
                return Err(format!("history tells {entry}, which no window was"));
            }
        }
        Ok(())
    }
}
