//! An event's fields, taken out one by one; what is left in the end was not expected.
//!
//! `null` says nothing, as if the field were not there, except where leaving a field out means more than naming it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, tz::TimeZone};
use serde_json::{Map, Value};

use super::{Asked, Format, Search, suggest};
use crate::{
    config::Config,
    model::{
        alarm,
        id::WindowId,
        lookalikes,
        rule_arn::RuleArn,
        time,
        window::{AtEnd, Covered},
    },
};

/// The longest text a person may attach to a window, in characters.
const TEXT_MAX: usize = 300;

/// The longest key of a caller's own, in characters.
const REQUEST_ID_MAX: usize = 128;

/// How many alarms an event may name: so many fit into one mute rule.
const ALARMS_MAX: usize = 100;

/// Every field that some action knows.
pub(super) const FIELDS: [&str; 21] = [
    "action",
    "at_end",
    "by",
    "dry_run",
    "due",
    "duration",
    "end",
    "every",
    "format",
    "id",
    "limit",
    "message",
    "mute_alarms",
    "reason",
    "request_id",
    "requested_by",
    "rules",
    "since",
    "start",
    "timezone",
    "until",
];

/// The fields of one event and what is wrong with them.
pub(super) struct Fields {
    pub(super) map: Map<String, Value>,
    /// The fields that were asked for so far, which are those that the action knows.
    known: BTreeSet<String>,
    problems: Vec<String>,
    /// The fields whose times need a zone that was refused. They have no value, and no problem of their own.
    pub(super) without_zone: BTreeSet<String>,
}

impl Fields {
    pub(super) fn new(map: Map<String, Value>) -> Self {
        Self { map, known: BTreeSet::new(), problems: vec![], without_zone: BTreeSet::new() }
    }

    /// Whether a field is there and says something.
    pub(super) fn has(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| !value.is_null())
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        self.known.insert(key.to_owned());
        self.map.remove(key)
    }

    pub(super) fn problem(&mut self, key: &str, what: &str) {
        self.problems.push(format!("{key}: {what}"));
    }

    pub(super) fn add_problems(&mut self, problems: Vec<String>) {
        self.problems.extend(problems);
    }

    pub(super) fn has_problem(&self, key: &str) -> bool {
        self.without_zone.contains(key) || self.problems.iter().any(|problem| problem.starts_with(&format!("{key}: ")))
    }

    pub(super) fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }

    pub(super) fn take_problems(&mut self) -> Vec<String> {
        std::mem::take(&mut self.problems)
    }

    /// Refuses an explicit `null` in a field whose absence means more than any value of it.
    pub(super) fn refuse_null(&mut self, key: &str, expected: &str, instead: &str) {
        if self.map.get(key) == Some(&Value::Null) {
            self.map.remove(key);
            self.problem(key, &format!("expected {expected}, but found null; {instead}"));
        }
    }

    /// Names every field that was not asked for.
    pub(super) fn refuse_the_rest(&mut self, action: &str) {
        let rest = std::mem::take(&mut self.map);
        // In a field of another action null says nothing; in a misspelt one nobody knows what it was meant to say.
        let says_nothing = |key: &str, value: &Value| value.is_null() && FIELDS.contains(&key);
        let known: Vec<&str> = self.known.iter().map(String::as_str).filter(|key| *key != "action").collect();
        let unknown: Vec<&String> =
            rest.iter().filter(|(key, value)| !says_nothing(key, value)).map(|(key, _)| key).collect();
        for (nth, key) in unknown.iter().enumerate() {
            let meant = suggest::did_you_mean_or(key, known.iter().copied(), &suggest::FIELD_WORDS);
            // Once is enough.
            let all = (nth + 1 == unknown.len()).then(|| match known.as_slice() {
                [] => format!("{action} knows only the field action"),
                known => format!("{action} knows {}", known.join(", ")),
            });
            let more = [meant, all].into_iter().flatten().fold(String::new(), |more, part| {
                let before = if more.is_empty() { "; " } else { " " };
                more + before + &part
            });
            self.problems.push(format!("{}: {action} knows no such field{more}", short(key)));
        }
    }

    /// Passes over every field that was not asked for.
    pub(super) fn forget_the_rest(&mut self) {
        self.map.clear();
    }

    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            Value::Null => None,
            other => {
                self.problem(key, &format!("expected a text, but found {}", shown(&other)));
                None
            }
        }
    }

    /// What reading a field's text gives.
    pub(super) fn read<T>(&mut self, key: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(key)?;
        match read(&text) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problem(key, &problem);
                None
            }
        }
    }

    /// Who asked, why, and under which key.
    pub(super) fn asked(&mut self) -> Asked {
        Asked {
            requested_by: self.prose("requested_by"),
            reason: self.prose("reason"),
            request_id: self.read("request_id", |text| {
                let fine =
                    (1..=REQUEST_ID_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
                fine.then(|| text.to_owned()).ok_or_else(|| {
                    format!(
                        "expected 1 to {REQUEST_ID_MAX} printable ASCII characters without blanks, but found {}",
                        time::quoted(text)
                    )
                })
            }),
        }
    }

    /// One line of a person's words.
    pub(super) fn prose(&mut self, key: &str) -> Option<String> {
        self.read(key, |text| {
            let length = text.chars().count();
            if length > TEXT_MAX {
                return Err(format!("expected at most {TEXT_MAX} characters, but found {length}"));
            }
            if text.chars().any(lookalikes::is_control) {
                return Err(format!("expected one line without control characters, but found {text:?}"));
            }
            let says_nothing = text.chars().all(lookalikes::is_blank);
            Ok(if says_nothing { String::new() } else { text.trim().to_owned() })
        })
        .filter(|text| !text.is_empty())
    }

    pub(super) fn id(&mut self) -> Option<WindowId> {
        self.read("id", |text| {
            text.parse().map_err(|_| format!("expected 1 to 40 of A-Z a-z 0-9 . _ -, but found {}", time::quoted(text)))
        })
    }

    pub(super) fn required_id(&mut self, action: &str) -> Option<WindowId> {
        let id = self.id();
        if id.is_none() && !self.has_problem("id") {
            self.problem("id", &format!("required by {action}, but missing; status lists the ids"));
        }
        id
    }

    /// A duration of whole seconds.
    pub(super) fn duration(&mut self, key: &str) -> Option<SignedDuration> {
        self.read(key, whole_seconds)
    }

    /// A duration, or one with a minus before it.
    pub(super) fn difference(&mut self, key: &str) -> Option<SignedDuration> {
        self.read(key, |text| match text.strip_prefix('-') {
            Some(less) => whole_seconds(less).map(|less| -less),
            None => whole_seconds(text),
        })
    }

    pub(super) fn zone(&mut self) -> Option<TimeZone> {
        self.read("timezone", time::time_zone)
    }

    pub(super) fn flag(&mut self, key: &str) -> bool {
        match self.take(key) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => flag,
            Some(other) => {
                self.problem(key, &format!("expected true or false, but found {}", shown(&other)));
                false
            }
        }
    }

    /// How many windows of the past to tell of, in this form.
    pub(super) fn limit(&mut self, format: Format) -> usize {
        const MAX: usize = Search::LIMIT_MAX;
        let Some(found) = self.take("limit").filter(|found| !found.is_null()) else { return format.usual_limit() };
        let limit = found.as_u64().and_then(|limit| usize::try_from(limit).ok());
        limit.filter(|limit| (1..=MAX).contains(limit)).unwrap_or_else(|| {
            self.problem("limit", &format!("expected a whole number from 1 to {MAX}, but found {}", shown(&found)));
            format.usual_limit()
        })
    }

    /// In which form the history is told.
    pub(super) fn format(&mut self) -> Format {
        self.read("format", |text| match text {
            "json" => Ok(Format::Json),
            "csv" => Ok(Format::Csv),
            other => Err(format!("expected json or csv, but found {}", time::quoted(other))),
        })
        .unwrap_or_default()
    }

    pub(super) fn at_end(&mut self, config: &Config) -> AtEnd {
        self.read("at_end", |text| match text {
            "reopen" => Ok(AtEnd::Reopen),
            "hold" => Ok(AtEnd::Hold),
            "reopen_if_healthy" if config.probe_url.is_some() => Ok(AtEnd::ReopenIfHealthy),
            "reopen_if_healthy" => Err("reopen_if_healthy needs ProbeUrl, which is not set; set it in the stack's \
                                        parameters"
                .to_owned()),
            other => Err(format!("expected reopen, hold or reopen_if_healthy, but found {}", time::quoted(other))),
        })
        .unwrap_or_default()
    }

    /// The alarms that an event mutes besides those that the settings name; an empty list mutes none at all.
    pub(super) fn alarms(&mut self, config: &Config) -> Option<Vec<String>> {
        let without = "leave the field out for those of MuteAlarms, or send [] to mute none";
        self.refuse_null("mute_alarms", "a list of alarm names", without);
        let named = match self.take("mute_alarms")? {
            Value::Array(named) if named.len() <= ALARMS_MAX => named,
            Value::Array(named) => {
                self.problem(
                    "mute_alarms",
                    &format!("expected at most {ALARMS_MAX} alarm names, but found {}", named.len()),
                );
                return None;
            }
            other => {
                self.problem("mute_alarms", &format!("expected a list of alarm names, but found {}", shown(&other)));
                return None;
            }
        };
        let mut alarms: Vec<String> = vec![];
        for name in named {
            match name.as_str().map(|name| alarm::name(name, &config.table)) {
                Some(Ok(alarm)) if alarms.contains(&alarm) => {}
                Some(Ok(alarm)) => alarms.push(alarm),
                Some(Err(problem)) => self.problem("mute_alarms", &problem),
                None => self.problem("mute_alarms", &format!("expected an alarm's name, but found {}", shown(&name))),
            }
        }
        (!self.has_problem("mute_alarms")).then_some(alarms)
    }

    /// The rules that an event names, each one a managed rule; every managed rule, whenever it is asked, if it names
    /// none.
    pub(super) fn rules(&mut self, config: &Config) -> Option<Covered> {
        self.refuse_null("rules", "a list of listener rule ARNs", "leave the field out to mean every rule");
        let named = match self.take("rules") {
            None if self.has_problem("rules") => return None,
            None => return Some(Covered::ALL),
            Some(Value::Array(named)) if !named.is_empty() => named,
            Some(other) => {
                self.problem("rules", &format!("expected a list of listener rule ARNs, but found {}", shown(&other)));
                return None;
            }
        };
        let mut rules: Vec<RuleArn> = vec![];
        for name in named {
            match name.as_str().map(str::parse::<RuleArn>) {
                Some(Ok(rule)) if !config.rules.contains(&rule) => self.problem(
                    "rules",
                    &format!(
                        "{rule} is not one of RuleArns, and no other rule may be touched; to add it, change that \
                         parameter of the stack"
                    ),
                ),
                Some(Ok(rule)) if rules.contains(&rule) => {}
                Some(Ok(rule)) => rules.push(rule),
                Some(Err(problem)) => self.problem("rules", &problem),
                None => self.problem("rules", &format!("expected a listener rule's ARN, but found {}", shown(&name))),
            }
        }
        (!self.has_problem("rules")).then_some(Covered::Some(rules))
    }
}

fn whole_seconds(text: &str) -> Result<SignedDuration, String> {
    match SignedDuration::from_secs(time::duration(text)?.as_secs()) {
        SignedDuration::ZERO => Err(format!("expected a second at least, but found {}", time::quoted(text))),
        duration => Ok(duration),
    }
}

/// A value as it came, shortened if it is long.
pub(super) fn shown(value: &Value) -> String {
    short(&value.to_string())
}

fn short(text: &str) -> String {
    const MAX: usize = 200;
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
