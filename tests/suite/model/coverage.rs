//! Whether the stories hold every kind of step there is, so that what they try is what this folder says.

use std::collections::BTreeSet;

use maintenance_window::event::ACTIONS;

use super::{
    FROM, STORIES,
    made::{BREAKABLE, made},
    steps::{SANE, Setting, UNUSABLE},
};
use crate::world::FAULTS;

/// What is asked for, alone or with another at once.
const ACTS: [&str; 20] = [
    "Book",
    "On",
    "Off",
    "ExtendBy",
    "ExtendTo",
    "Reschedule",
    "Edit",
    "Cancel",
    "Skip",
    "Unskip",
    "Pause",
    "Resume",
    "Recur",
    "Status",
    "Check",
    "CheckWindow",
    "History",
    "Sweep",
    "Wake",
    "Bad",
];

/// The other kinds of steps, what owners do, and what goes wrong.
const OTHERS: [&str; 21] = [
    "Ask",
    "Both",
    "Again",
    "Key",
    "Pass",
    "Edge",
    "Outage",
    "Set",
    "Rules",
    "Reset",
    "Own",
    "Write",
    "OnTop",
    "Reopen",
    "WriteBack",
    "Delete",
    "Break",
    "Mend",
    "Ill",
    "Expire",
    "conflicts",
];

fn setting((key, value): &Setting) -> String {
    format!("{key}={}", value.unwrap_or("none"))
}

/// `help` asks AWS for nothing.
#[test]
fn every_action_is_asked_for() {
    let asks = |action: &str| ACTS.iter().any(|act| act.to_ascii_lowercase().starts_with(action));
    let missing: Vec<&str> = ACTIONS.into_iter().filter(|action| *action != "help" && !asks(action)).collect();
    assert!(missing.is_empty(), "{missing:?} are in no story: a step in steps.rs, its kind in ACTS");
}

#[test]
fn every_kind_of_step_occurs_among_the_stories() {
    let stories = FROM..FROM + STORIES;
    let found: BTreeSet<String> = stories.flat_map(|seed| made(seed).steps).flat_map(|step| step.kinds()).collect();
    let wanted = ACTS.iter().flat_map(|act| [(*act).to_owned(), format!("Both{act}")]);
    let wanted = wanted
        .chain(OTHERS.iter().map(|kind| (*kind).to_owned()))
        .chain(BREAKABLE.iter().map(|kind| (*kind).to_owned()))
        .chain(FAULTS.iter().map(|fault| format!("{fault:?}")))
        .chain(SANE.iter().chain(&UNUSABLE).map(setting))
        .chain(["stale".to_owned()]);
    let missing: Vec<String> = wanted.filter(|kind| !found.contains(kind)).collect();
    assert!(missing.is_empty(), "{missing:?} occur in none of {STORIES} stories");
}
