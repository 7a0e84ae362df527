//! What subscribers were told: each report once by its id, each failure once, and only what was so.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    expected::{Expected, Win},
    steps::SECOND,
};
use crate::world::{ORIGIN_LOCK, Published, SECRET};

/// The events that a window has once.
const ONCE: [&str; 5] = ["booked", "started", "completed", "cancelled", "missed"];
/// Those of them that say that it is over.
const OVER: [&str; 3] = ["completed", "cancelled", "missed"];

/// Whom a report is about: the window's name, and who asked for it.
type About = (String, String);

#[derive(Clone, Debug, Default)]
pub(super) struct Reports {
    heard: usize,
    /// What each report is about, by its id.
    ids: BTreeMap<String, (String, Option<About>)>,
    /// The ids of the reports of an event about a window.
    of: BTreeMap<(About, String), BTreeSet<String>>,
    pub(super) edited_at: Option<Timestamp>,
    /// The `failed` reports about no window, as they were shown.
    general: Vec<String>,
    /// The ids of the `failed` reports that said the same about a window.
    failed: BTreeMap<(About, String), BTreeSet<String>>,
}

/// What a report says beside how things stand.
fn notes(text: &Value) -> String {
    let lines = text.as_str().unwrap_or_default().lines();
    lines.filter(|line| line.starts_with("Note: ")).collect::<Vec<_>>().join("\n")
}

impl Reports {
    /// Whether an owner edited a rule after that.
    pub(super) fn edited_since(&self, moment: Option<Timestamp>) -> bool {
        self.edited_at.is_some_and(|at| moment.is_none_or(|moment| at >= moment))
    }

    /// Whether it was told that a series left an occurrence out, since its name was taken.
    pub(super) fn told_of_left_out(&self, id: &str) -> bool {
        self.general.iter().any(|shown| shown.contains(id) && shown.contains("taken"))
    }

    pub(super) fn take_new(&mut self, published: &mut [Published]) -> Vec<(Timestamp, Value)> {
        let new = published[self.heard..].iter().map(|report| (report.at, report.document.clone())).collect();
        self.heard = published.len();
        new
    }

    pub(super) fn hear(&mut self, new: &[(Timestamp, Value)], expected: &Expected, known: bool) -> Result<(), String> {
        for (at, report) in new {
            self.hear_one(*at, report, expected, known)?;
        }
        Ok(())
    }

    fn hear_one(&mut self, at: Timestamp, report: &Value, expected: &Expected, known: bool) -> Result<(), String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (event, id) = (text(&report["event"]), text(&report["report_id"]));
        let window = &report["window"];
        let about = window.is_object().then(|| (text(&window["id"]), text(&window["requested_by"])));
        let first = self.ids.entry(id.clone()).or_insert_with(|| (event.clone(), about.clone()));
        if *first != (event.clone(), about.clone()) {
            return Err(format!("report {id} is about {first:?} and about {event} of {about:?}"));
        }
        let shown = report.to_string();
        if [SECOND, ORIGIN_LOCK].iter().any(|secret| shown.contains(secret)) || known && shown.contains(SECRET) {
            return Err(format!("a report holds a secret: {shown}"));
        }
        let Some(about) = about else {
            self.general.extend((event == "failed").then_some(shown));
            return Ok(());
        };
        let windows: Vec<&Win> =
            expected.windows.values().filter(|window| (&window.id, &window.tag) == (&about.0, &about.1)).collect();
        let Some(last) = windows.last() else {
            return Err(format!("{event} is about {about:?}, which was never booked"));
        };
        if event == "failed" {
            let said = self.failed.entry((about.clone(), notes(&report["text"]))).or_default();
            said.insert(id.clone());
            if said.len() > windows.len() {
                return Err(format!("failed was told {} times of {}: {shown}", said.len(), last.id));
            }
        }
        let told = self.of.entry((about, event.clone())).or_default();
        told.insert(id);
        if ONCE.contains(&event.as_str()) && told.len() > windows.len() {
            return Err(format!("{event} of {} has {} report ids for {} windows", last.id, told.len(), windows.len()));
        }
        let fits = windows.iter().any(|window| match event.as_str() {
            "started" | "ending_soon" | "overrunning" => at >= window.start,
            "completed" => window.ended.is_some() || window.end.is_some_and(|end| at >= end),
            "cancelled" => window.ended.is_some(),
            "missed" => window.ended.is_some() || window.end.is_some_and(|end| at >= end),
            _ => true,
        });
        if fits { Ok(()) } else { Err(format!("{event} was told at {at}: {last:?}")) }
    }

    fn count(&self, window: &Win, event: &str) -> usize {
        self.of.get(&((window.id.clone(), window.tag.clone()), event.to_owned())).map_or(0, BTreeSet::len)
    }

    /// What was never told, or too often, once all is over.
    pub(super) fn all_was_told(&self, expected: &Expected) -> Result<(), String> {
        for window in expected.windows.values() {
            let same = expected.windows.values().filter(|other| (&other.id, &other.tag) == (&window.id, &window.tag));
            let same = same.count();
            let over: usize = OVER.iter().map(|event| self.count(window, event)).sum();
            if over != same {
                return Err(format!("{} of {} was told {over} times to be over", window.id, window.tag));
            }
        }
        Ok(())
    }
}
