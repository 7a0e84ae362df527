//! What was asked, in the event's words, and what became of it.

use jiff::{SignedDuration, Timestamp};
use maintenance_window::{error::Error, report::response::Response};
use serde_json::{Map, Value, json};

use super::{
    expected::{Expected, Win},
    steps::{AT_END, Act, BAD, EVERY, Name, Until, When},
};
use crate::world::rule_arn;

/// What an answer says about the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Taken,
    /// It was so already, or nothing was to be done.
    Nothing,
    Refused,
    /// The caller cannot tell.
    Unknown,
}

/// One event of a person's.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Written as `requested_by`, so that its decision can be told from any other.
    pub(super) tag: String,
    /// What it is recognised by when it comes again.
    pub(super) key: String,
    pub(super) request: String,
    pub(super) act: Act,
    pub(super) event: Value,
    pub(super) id: Option<String>,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    pub(super) length: Option<SignedDuration>,
    pub(super) rules: Option<Vec<String>>,
    pub(super) at: Timestamp,
    pub(super) answer: Answer,
    /// Whether a decision of this tag is in the table.
    pub(super) recorded: bool,
    /// Whether one was before it came again.
    pub(super) spent: bool,
    /// It came before.
    pub(super) again: bool,
}

/// A moment as an event says it: to the second.
fn whole(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).expect("a time")
}

fn later(moment: Timestamp, secs: i64) -> Timestamp {
    moment.saturating_add(SignedDuration::from_secs(secs)).expect("a duration")
}

/// The rules that a number stands for: the bits of those that are, all if none.
fn chosen(bits: u8, rules: usize) -> Option<Vec<String>> {
    let chosen: Vec<String> = (0..rules).filter(|nth| bits >> nth & 1 == 1).map(rule_arn).collect();
    if chosen.is_empty() { None } else { Some(chosen) }
}

/// Puts an event together.
struct Writer<'a> {
    expected: &'a Expected,
    now: Timestamp,
    asked: Asked,
    fields: Map<String, Value>,
}

impl Asked {
    pub(super) fn new(act: Act, key: Option<u8>, nth: usize, expected: &Expected, now: Timestamp) -> Self {
        let tag = format!("op-{nth}");
        let request = format!("request-{nth}");
        let asked = Self {
            key: key.map_or_else(|| request.clone(), |key| format!("key-{key}")),
            tag: tag.clone(),
            request,
            act,
            event: Value::Null,
            id: None,
            start: None,
            end: None,
            length: None,
            rules: None,
            at: now,
            answer: Answer::Unknown,
            recorded: false,
            spent: false,
            again: false,
        };
        let mut writer = Writer { expected, now: whole(now), asked, fields: Map::new() };
        if let Act::Bad(nth) = act {
            writer.asked.event = serde_json::from_str(BAD[nth]).expect("JSON");
            return writer.asked;
        }
        writer.write(act);
        if act.decides() {
            writer.put("requested_by", json!(tag));
            if let Some(key) = key {
                writer.put("request_id", json!(format!("key-{key}")));
            }
        }
        let mut asked = writer.asked;
        asked.event = Value::Object(writer.fields);
        asked
    }

    pub(super) fn at_end(&self) -> &str {
        self.event["at_end"].as_str().unwrap_or("reopen")
    }

    /// The reason that it gives what it is about; an empty one takes it away.
    pub(super) fn reason(&self) -> Option<String> {
        self.event["reason"].as_str().filter(|reason| !reason.is_empty()).map(str::to_owned)
    }

    pub(super) fn is_dry(&self) -> bool {
        self.event["dry_run"] == true
    }

    /// What an answer means for the decision.
    pub(super) fn read(&self, result: Option<&Result<Response, Error>>) -> Answer {
        let response = match result {
            Some(Err(Error::InvalidEvent(_))) => return Answer::Refused,
            Some(Err(Error::InvalidConfig(_))) => return Answer::Nothing,
            // `off` says so of what others ended a moment before, too.
            Some(Err(Error::Incomplete { decided: Some(_), .. })) if !matches!(self.act, Act::Off { .. }) => {
                return Answer::Taken;
            }
            // Of one that died nothing was heard.
            None | Some(Err(_)) => return Answer::Unknown,
            Some(Ok(response)) => response,
        };
        match (self.act, response.outcome.as_str()) {
            (Act::Book { .. } | Act::Recur { .. }, "booked")
            | (Act::Book { .. } | Act::On { .. }, "started")
            | (Act::ExtendBy { .. } | Act::ExtendTo { .. }, "extended")
            | (Act::Reschedule { .. }, "rescheduled")
            | (Act::Cancel { .. }, "cancelled")
            | (Act::Skip { .. } | Act::Cancel { .. }, "skipped")
            | (Act::Edit { .. }, "edited")
            | (Act::Unskip { .. }, "unskipped")
            | (Act::Pause { .. }, "paused")
            | (Act::Resume { .. }, "resumed") => Answer::Taken,
            (_, "unchanged" | "already_booked" | "dry_run") => Answer::Nothing,
            _ => Answer::Unknown,
        }
    }
}

impl Act {
    /// Whether it asks for a decision.
    pub(super) fn decides(self) -> bool {
        !matches!(self, Self::Status { .. } | Self::Check | Self::CheckWindow { .. } | Self::History { .. })
            && !matches!(self, Self::Sweep | Self::Wake { .. } | Self::Bad(_))
    }

    /// Whether it only looks.
    pub(super) fn only_looks(self) -> bool {
        matches!(self, Self::Status { .. } | Self::Check | Self::CheckWindow { .. } | Self::History { .. })
    }
}

impl Writer<'_> {
    fn put(&mut self, key: &str, value: Value) {
        self.fields.insert(key.to_owned(), value);
    }

    fn action(&mut self, action: &str) {
        self.put("action", json!(action));
    }

    fn name(&mut self, name: Option<Name>) {
        let Some(name) = name else { return };
        let id = self.expected.resolve(name);
        self.put("id", json!(id));
        self.asked.id = Some(id);
    }

    fn moment(&self, when: When) -> Timestamp {
        let (found, secs) = match when {
            When::In(secs) => (None, secs),
            When::Start(name, secs) => {
                (self.expected.present(&self.expected.resolve(name)).map(|found| found.start), secs)
            }
            When::End(name, secs) => {
                (self.expected.present(&self.expected.resolve(name)).and_then(|found| found.end), secs)
            }
        };
        later(found.unwrap_or(self.now), secs)
    }

    fn start(&mut self, when: When) {
        let start = self.moment(when);
        self.put("start", json!(start.to_string()));
        self.asked.start = Some(start);
    }

    fn length(&mut self, secs: i64) {
        self.put("duration", json!(format!("PT{secs}S")));
        self.asked.length = Some(SignedDuration::from_secs(secs));
        self.asked.end = self.asked.start.map(|start| later(start, secs));
    }

    fn until(&mut self, until: Until) {
        match until {
            Until::Secs(secs) => self.length(secs),
            Until::Moment(when) => {
                let end = self.moment(when);
                self.put("end", json!(end.to_string()));
                self.asked.end = Some(end);
            }
            Until::Open => {}
        }
    }

    fn options(&mut self, bits: u8, at_end: usize, dry: bool) {
        // Of some windows visitors are told, by a message that tells them apart.
        if at_end > 0 || self.now.as_second() % 2 == 0 {
            self.put("message", json!(format!("Message {}", self.asked.tag)));
        }
        self.asked.rules = chosen(bits, self.expected.owners.len());
        if let Some(rules) = self.asked.rules.clone() {
            self.put("rules", json!(rules));
        }
        if at_end > 0 {
            self.put("at_end", json!(AT_END[at_end]));
        }
        if dry {
            self.put("dry_run", json!(true));
        }
    }

    fn write(&mut self, act: Act) {
        match act {
            Act::Book { name, start, until, rules, at_end, dry } => {
                self.action("book");
                self.name(name);
                self.start(start);
                self.until(until);
                self.options(rules, at_end, dry);
            }
            Act::On { name, until, rules, at_end, dry } => {
                self.action("on");
                self.name(name);
                self.until(until);
                self.options(rules, at_end, dry);
            }
            Act::Off { name } => {
                self.action("off");
                self.name(name);
            }
            Act::ExtendBy { name, secs } => {
                self.action("extend");
                self.name(Some(name));
                self.put("by", json!(format!("PT{secs}S")));
                self.asked.length = Some(SignedDuration::from_secs(secs));
            }
            Act::ExtendTo { name, end } => {
                self.action("extend");
                self.name(Some(name));
                self.until(Until::Moment(end));
            }
            Act::Reschedule { name, start, until } => {
                self.action("reschedule");
                self.name(Some(name));
                if let Some(start) = start {
                    self.start(start);
                }
                self.until(until);
            }
            Act::Recur { name, every, secs, start, rules, dry } => {
                self.action("book");
                self.name(Some(name));
                self.put("every", json!(EVERY[every].0));
                if let Some(start) = start {
                    self.start(start);
                }
                self.length(secs);
                self.options(rules, 0, dry);
            }
            Act::CheckWindow { name, start, until } => {
                self.action("check");
                self.name(name);
                self.start(start);
                self.until(until);
            }
            Act::Edit { name, cleared } => {
                self.action("edit");
                self.name(Some(name));
                let reason = if cleared { String::new() } else { format!("Reason of {}", self.asked.tag) };
                self.put("reason", json!(reason));
            }
            Act::Skip { name, nth } | Act::Unskip { name, nth } => {
                self.action(if matches!(act, Act::Skip { .. }) { "skip" } else { "unskip" });
                self.name(Some(name));
                let nth = nth.and_then(|nth| self.expected.coming(self.asked.id.as_deref()?, self.now, nth));
                if let Some(start) = nth {
                    self.put("start", json!(start.to_string()));
                    self.asked.start = Some(start);
                }
            }
            Act::Cancel { name } | Act::Pause { name } | Act::Resume { name } | Act::Wake { name } => {
                let action = match act {
                    Act::Cancel { .. } => "cancel",
                    Act::Pause { .. } => "pause",
                    Act::Resume { .. } => "resume",
                    _ => "wake",
                };
                self.action(action);
                self.name(Some(name));
            }
            Act::Status { name } => {
                self.action("status");
                self.name(name);
            }
            Act::History { name } => {
                self.action("history");
                self.name(name);
            }
            Act::Check => self.action("check"),
            Act::Sweep => self.action("sweep"),
            Act::Bad(_) => {}
        }
    }
}

impl Asked {
    /// Whether a window is what this event meant.
    pub(super) fn means(&self, window: &Win) -> Result<(), String> {
        let second = SignedDuration::from_secs(1);
        let times = match self.act {
            Act::Book { .. } => Some(window.start) == self.start && window.end == self.end,
            Act::On { until, .. } => {
                let close = window.start.duration_since(self.at).abs() <= second * 60;
                let end = match until {
                    Until::Open => window.end.is_none(),
                    Until::Secs(_) => window.end.map(|end| end.duration_since(window.start)) == self.length,
                    Until::Moment(_) => window.end == self.end,
                };
                close && end
            }
            _ => false,
        };
        let same = self.id.as_ref().is_none_or(|id| *id == window.id) && self.at_end() == window.at_end;
        if times && same && !self.is_dry() {
            return Ok(());
        }
        Err(format!("{} was booked as {window:?}", self.event))
    }

    /// What is wrong between what was answered and what is in the table.
    pub(super) fn answered_rightly(&self, expected: &Expected) -> Result<(), String> {
        let (tag, answer) = (&self.tag, self.answer);
        let now = self.recorded && !self.spent;
        // What another ended a moment before is as this one wanted it.
        let ended = |window: &Win| Some(&window.id) == self.id.as_ref() && window.ended.is_some();
        if matches!(self.act, Act::Cancel { .. }) && !self.recorded && expected.windows.values().any(ended) {
            return Ok(());
        }
        match answer {
            Answer::Taken if !self.recorded => Err(format!("{tag} was answered as taken, but is not in the table")),
            Answer::Refused if now => Err(format!("{tag} was refused, but it was decided")),
            Answer::Nothing if now => Err(format!("{tag} was answered as nothing new, but it was decided")),
            Answer::Refused if self.spent => Err(format!("{tag} was refused when it came again, after it was decided")),
            _ => Ok(()),
        }
    }
}
