//! The JSON that the function is invoked with, read into a [`Request`] or refused with all its problems named.
//!
//! Pure: the moment and the settings are arguments.

mod booking;
mod details;
mod envelope;
mod fields;
pub(crate) mod suggest;
mod times;

use jiff::Timestamp;
use serde_json::{Map, Value};

pub use self::details::{Edit, Format, NewEnd, NewTimes, Search};
use self::fields::Fields;
use crate::{
    config::Config,
    error::Error,
    model::{
        id::WindowId,
        rule_arn::RuleArn,
        series::Series,
        time,
        window::{AtEnd, Covered},
        written_time::WrittenTime,
    },
};

/// Every action an event may ask for.
pub const ACTIONS: [&str; 17] = [
    "book",
    "on",
    "off",
    "extend",
    "reschedule",
    "edit",
    "cancel",
    "skip",
    "unskip",
    "pause",
    "resume",
    "status",
    "check",
    "history",
    "help",
    "sweep",
    "wake",
];

/// The actions that say who asked, why, and under which key: those that decide something, and the check of one.
const ATTRIBUTED: [&str; 12] =
    ["book", "on", "off", "extend", "reschedule", "edit", "cancel", "skip", "unskip", "pause", "resume", "check"];

/// What the function is asked to do, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What to do.
    pub action: Action,
    /// Who asked for it.
    pub asked: Asked,
}

/// Who asked, why, and under which key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Who.
    pub requested_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The caller's own key: what is asked twice under one key is decided once.
    pub request_id: Option<String>,
}

/// What the function is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Book a window.
    Book(Booking),
    /// Book a window that recurs.
    Recur(Recurring),
    /// Start maintenance now.
    On(Booking),
    /// End maintenance now.
    Off {
        /// The window; all active ones if absent.
        id: Option<WindowId>,
    },
    /// Move the end of a booked or active window.
    Extend {
        /// The window; the only one if absent.
        id: Option<WindowId>,
        /// Where to.
        end: NewEnd,
    },
    /// Move a booked window.
    Reschedule {
        /// The window.
        id: WindowId,
        /// Where to.
        times: NewTimes,
    },
    /// Drop a booked window or a series.
    Cancel {
        /// The window or series; the only one if absent.
        id: Option<WindowId>,
    },
    /// Change what a window or series says.
    Edit {
        /// The window or series.
        id: WindowId,
        /// What it is to say.
        edit: Edit,
    },
    /// Leave out one occurrence of a series.
    Skip {
        /// The series.
        id: WindowId,
        /// The start that is left out; the next one if absent.
        start: Option<WrittenTime>,
    },
    /// Take back that an occurrence of a series is left out.
    Unskip {
        /// The series.
        id: WindowId,
        /// The start that is no longer left out; if absent, the next one that is left out.
        start: Option<WrittenTime>,
    },
    /// Let a series book nothing until it is resumed.
    Pause {
        /// The series.
        id: WindowId,
    },
    /// Let a paused series go on.
    Resume {
        /// The series.
        id: WindowId,
    },
    /// Tell how things stand.
    Status {
        /// The window or series; all if absent.
        id: Option<WindowId>,
    },
    /// Tell of windows that are over.
    History {
        /// Of which, the newest first.
        search: Search,
        /// In which form.
        format: Format,
    },
    /// Tell what can be sent.
    Help,
    /// Find what would make a window fail.
    Check(Inquiry),
    /// Bring every window and rule to where it should be.
    Sweep,
    /// The same, as one of the function's own schedules asks for.
    Wake {
        /// The window it is about.
        id: WindowId,
        /// The moment to wait for.
        due: Option<Timestamp>,
    },
}

/// A window that someone asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// The name it is to have.
    pub id: Option<WindowId>,
    /// The first instant in it; of `on`, the second it was asked for in.
    pub start: Timestamp,
    /// The first instant after it; none for open-ended maintenance.
    pub end: Option<Timestamp>,
    /// The rules it covers.
    pub rules: Covered,
    /// The zone people want its times told in.
    pub timezone: Option<String>,
    /// A sentence for visitors.
    pub message: Option<String>,
    /// The alarms it mutes besides those that the settings name; none at all if it is an empty list.
    pub mute_alarms: Option<Vec<String>>,
    /// What happens at its end.
    pub at_end: AtEnd,
    /// Whether only to tell what would be done.
    pub dry_run: bool,
}

/// A series that someone asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurring {
    /// The series; its uid is empty and its version 1 until it is booked.
    pub series: Series,
    /// Whether the event says when it may start first; otherwise that is about now.
    pub has_start: bool,
    /// Whether only to tell what would be done.
    pub dry_run: bool,
}

/// What a check is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    /// The window, if one was described well enough.
    pub booking: Option<Booking>,
    /// The rules.
    pub rules: Vec<RuleArn>,
    /// The alarms it mutes besides those that the settings name.
    pub alarms: Vec<String>,
    /// What is wrong with the description, a sentence each.
    pub problems: Vec<String>,
}

impl Request {
    /// The action's word.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self.action {
            Action::Book(_) | Action::Recur(_) => "book",
            Action::On(_) => "on",
            Action::Off { .. } => "off",
            Action::Extend { .. } => "extend",
            Action::Reschedule { .. } => "reschedule",
            Action::Cancel { .. } => "cancel",
            Action::Edit { .. } => "edit",
            Action::Skip { .. } => "skip",
            Action::Unskip { .. } => "unskip",
            Action::Pause { .. } => "pause",
            Action::Resume { .. } => "resume",
            Action::Status { .. } => "status",
            Action::History { .. } => "history",
            Action::Help => "help",
            Action::Check(_) => "check",
            Action::Sweep => "sweep",
            Action::Wake { .. } => "wake",
        }
    }

    /// Whether it changes nothing, whatever comes of it; a dry run counts as the decision that it tries.
    #[must_use]
    pub fn only_looks(&self) -> bool {
        match self.action {
            Action::Status { .. } | Action::History { .. } | Action::Help | Action::Check(_) => true,
            Action::Book(_)
            | Action::Recur(_)
            | Action::On(_)
            | Action::Off { .. }
            | Action::Extend { .. }
            | Action::Reschedule { .. }
            | Action::Cancel { .. }
            | Action::Edit { .. }
            | Action::Skip { .. }
            | Action::Unskip { .. }
            | Action::Pause { .. }
            | Action::Resume { .. }
            | Action::Sweep
            | Action::Wake { .. } => false,
        }
    }
}

/// Reads an event.
///
/// # Errors
/// [`Error::InvalidEvent`] with one sentence a problem.
pub fn read(event: &Value, now: Timestamp, config: &Config) -> Result<Request, Error> {
    let Value::Object(map) = event else {
        let problem = envelope::refusal(event).unwrap_or_else(|| {
            // What another service's list holds is not repeated.
            let found = if event.is_array() { "a list".to_owned() } else { fields::shown(event) };
            format!("expected a JSON object such as {{\"action\":\"status\"}}, but found {found}")
        });
        return Err(Error::InvalidEvent(vec![problem]));
    };
    let mut fields = Fields::new(map.clone());
    let word = match (fields.text("action"), fields.has_problems()) {
        (Some(word), _) => word,
        (None, false) if fields.has("start") || fields.has("every") => "book".to_owned(),
        // What `aws lambda invoke` sends without a payload.
        (None, false) if map.is_empty() => "help".to_owned(),
        (None, false) => {
            let problem =
                envelope::refusal(event).unwrap_or_else(|| no_action("none", misspelt_action(map).as_deref()));
            return Err(Error::InvalidEvent(vec![problem]));
        }
        (None, true) => return Err(Error::InvalidEvent(vec![no_action(&fields::shown(&map["action"]), None)])),
    };
    let asked = if ATTRIBUTED.contains(&word.as_str()) { fields.asked() } else { Asked::default() };
    let action = match word.as_str() {
        "book" if fields.has("every") => booking::recurring(&mut fields, &asked, now, config).map(Action::Recur),
        "book" => booking::window(&mut fields, now, config).map(Action::Book),
        "on" => booking::starting_now(&mut fields, now, config).map(Action::On),
        "off" => {
            fields.refuse_null("id", "a window's name", "leave the field out to mean every window");
            Some(Action::Off { id: fields.id() })
        }
        "extend" => extending(&mut fields),
        "reschedule" => rescheduling(&mut fields),
        "cancel" => Some(Action::Cancel { id: fields.id() }),
        "edit" => editing(&mut fields, &asked, map.get("reason"), config),
        "skip" | "unskip" => {
            let id = fields.required_id(&word);
            let zone = fields.zone();
            let start = fields.written_time("start", zone.as_ref());
            id.map(|id| if word == "skip" { Action::Skip { id, start } } else { Action::Unskip { id, start } })
        }
        "pause" => fields.required_id("pause").map(|id| Action::Pause { id }),
        "resume" => fields.required_id("resume").map(|id| Action::Resume { id }),
        "status" => Some(Action::Status { id: fields.id() }),
        "history" => {
            let (id, (since, until), format) = (fields.id(), fields.period(), fields.format());
            Some(Action::History { search: Search { id, since, until, limit: fields.limit(format) }, format })
        }
        "check" => Some(Action::Check(booking::inquiry(&mut fields, &asked, now, config))),
        "help" => Some(Action::Help),
        "sweep" => Some(Action::Sweep),
        "wake" => {
            let due = fields.time("due", None);
            let id = fields.required_id("wake");
            // A schedule that another version of the function made may say more.
            fields.forget_the_rest();
            id.map(|id| Action::Wake { id, due })
        }
        _ => {
            let people_use = ACTIONS.into_iter().filter(|action| *action != "wake");
            let meant = suggest::did_you_mean_or(&word, people_use, &suggest::ACTION_WORDS);
            return Err(Error::InvalidEvent(vec![no_action(&time::quoted(&word), meant.as_deref())]));
        }
    };
    fields.refuse_the_rest(&word);
    match (action, fields.take_problems()) {
        (Some(action), problems) if problems.is_empty() => Ok(Request { action, asked }),
        (_, problems) => Err(Error::InvalidEvent(problems)),
    }
}

fn no_action(found: &str, meant: Option<&str>) -> String {
    let meant = meant.map(|question| format!("{question} ")).unwrap_or_default();
    format!(
        "action: expected what to do, such as {{\"action\":\"status\"}}, but found {found}; {meant}{{\"action\":\"help\"}} \
         lists all that can be sent"
    )
}

/// The field that looks as if `action` was meant by it.
fn misspelt_action(event: &Map<String, Value>) -> Option<String> {
    let found = event.keys().find(|key| *key != "action" && suggest::did_you_mean(key, ["action"]).is_some())?;
    Some(format!("did you mean action where {} stands?", time::quoted(found)))
}

fn extending(fields: &mut Fields) -> Option<Action> {
    let id = fields.id();
    fields.refuse_null("end", "a time", "leave the field out and use `by`, or say when");
    let zone = fields.zone();
    let (end, by) = (fields.written_time("end", zone.as_ref()), fields.difference("by"));
    let end = match (by, end) {
        (Some(by), None) => NewEnd::By(by),
        (None, Some(end)) => NewEnd::At(end),
        (by, _) => {
            if !fields.has_problem("by") && !fields.has_problem("end") {
                let found = if by.is_some() { "both" } else { "neither" };
                fields.problem("by", &format!("expected `by` or `end`, but found {found}"));
            }
            return None;
        }
    };
    Some(Action::Extend { id, end })
}

fn editing(fields: &mut Fields, asked: &Asked, reason: Option<&Value>, config: &Config) -> Option<Action> {
    let id = fields.required_id("edit");
    let message = fields.has("message").then(|| fields.prose("message"));
    // The reason was taken out of the event with who asked.
    let reason = reason.filter(|reason| !reason.is_null()).map(|_| asked.reason.clone());
    let edit = Edit { reason, message, mute_alarms: fields.alarms(config) };
    if edit == Edit::default() && !fields.has_problems() {
        fields.problem("reason", "expected `reason`, `message` or `mute_alarms`, but found none of them");
    }
    Some(Action::Edit { id: id?, edit })
}

fn rescheduling(fields: &mut Fields) -> Option<Action> {
    let id = fields.required_id("reschedule");
    fields.refuse_null("end", "a time", "leave the field out to keep the length");
    fields.refuse_null("duration", "a duration", "leave the field out to keep the length");
    let zone = fields.zone();
    let (start, end) = (fields.written_time("start", zone.as_ref()), fields.written_time("end", zone.as_ref()));
    let times = NewTimes { start, end, duration: fields.duration("duration") };
    if times.end.is_some() && times.duration.is_some() {
        fields.problem("end", "expected `end` or `duration`, but found both");
    } else if times == NewTimes::default() && !fields.has_problems() {
        fields.problem("start", "expected `start`, `end` or `duration`, but found none of them");
    }
    Some(Action::Reschedule { id: id?, times })
}
