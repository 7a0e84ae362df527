//! The doorbell: the JSON that wakes us, read into a [`Request`] or refused with all its problems named.
//!
//! Pure: the moment and the settings are arguments.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Map, Value};

use crate::{
    arn::RuleArn,
    config::Config,
    error::Error,
    when,
    window::{AtEnd, HORIZON, LENGTH_MIN, Window, WindowId},
};

/// Every action an event may ask for.
pub const ACTIONS: [&str; 7] = ["book", "on", "off", "cancel", "status", "sweep", "wake"];

/// The longest text a person may attach to a window, in characters.
const TEXT_MAX: usize = 300;

/// What the function is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Book a window.
    Book(Booking),
    /// Start maintenance now.
    On(Booking),
    /// End maintenance now.
    Off {
        /// The window; all active ones if absent.
        id: Option<WindowId>,
    },
    /// Drop a booked window.
    Cancel {
        /// The window.
        id: WindowId,
    },
    /// Tell how things stand.
    Status {
        /// The window; all if absent.
        id: Option<WindowId>,
    },
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
    /// The window.
    pub window: Window,
    /// Whether only to tell what would be done.
    pub dry_run: bool,
}

impl Request {
    /// The action's word.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Book(_) => "book",
            Self::On(_) => "on",
            Self::Off { .. } => "off",
            Self::Cancel { .. } => "cancel",
            Self::Status { .. } => "status",
            Self::Sweep => "sweep",
            Self::Wake { .. } => "wake",
        }
    }
}

/// Reads an event.
///
/// `request` is the invocation's id: it names a window that is started now for a while, so that Lambda's retry of the
/// same event means the same window.
///
/// # Errors
/// [`Error::InvalidEvent`] with one sentence a problem.
pub fn read(event: &Value, now: Timestamp, request: &str, config: &Config) -> Result<Request, Error> {
    let Value::Object(map) = event else {
        return Err(Error::InvalidEvent(vec![format!(
            "expected a JSON object such as {{\"action\": \"status\"}}, but found {event}"
        )]));
    };
    let mut fields = Fields { map: map.clone(), problems: vec![] };
    let action = match fields.text("action") {
        Some(action) => action,
        None if map.contains_key("start") && !map.contains_key("action") => "book".to_owned(),
        None => String::new(),
    };
    let request = match action.as_str() {
        "book" => booking(&mut fields, now, config).map(Request::Book),
        "on" => switching_on(&mut fields, now, request, config).map(Request::On),
        "off" => Some(Request::Off { id: fields.id() }),
        "cancel" => fields.required_id("cancel").map(|id| Request::Cancel { id }),
        "status" => Some(Request::Status { id: fields.id() }),
        "sweep" => Some(Request::Sweep),
        "wake" => {
            // What a record carries besides is read afresh, never from the event.
            for carried in ["window", "closed", "progress", "request"] {
                fields.map.remove(carried);
            }
            let due = fields.text("due").and_then(|text| fields.time("due", &text, None));
            fields.required_id("wake").map(|id| Request::Wake { id, due })
        }
        _ => {
            let found = map.get("action").map_or("none".to_owned(), Value::to_string);
            fields.problems.push(format!("action: expected one of {}, but found {found}", ACTIONS.join(", ")));
            fields.map.clear();
            None
        }
    };
    fields.refuse_the_rest(&action);
    match (request, fields.problems.is_empty()) {
        (Some(request), true) => Ok(request),
        _ => Err(Error::InvalidEvent(fields.problems)),
    }
}

fn booking(fields: &mut Fields, now: Timestamp, config: &Config) -> Option<Booking> {
    let options = Options::read(fields, config);
    let start = fields.text("start");
    let had_start = start.is_some();
    let start = start.and_then(|text| fields.time("start", &text, options.zone.as_ref()));
    if !had_start && !fields.has_problem("start") {
        fields.problems.push("start: required, but missing".to_owned());
    }
    let end = ending(fields, start, options.zone.as_ref());
    if matches!(end, Ending::None) {
        fields.problems.push("end: expected `end` or `duration` beside `start`, but found neither".to_owned());
    }
    let (start, Ending::At(end)) = (start?, end) else { return None };
    check_span(fields, start, Some(end), config);
    if start > now + HORIZON {
        fields.problems.push(format!(
            "start: expected a start within the next year, but found {start}; time-zone rules further ahead are not \
             known yet"
        ));
    }
    let rules = options.rules.clone()?;
    let (first, last) = (start.to_string(), end.to_string());
    let id = options.id.clone().unwrap_or_else(|| {
        let mut names: Vec<&str> = rules.iter().map(RuleArn::as_str).collect();
        names.sort_unstable();
        let label = start.strftime("%Y%m%dT%H%MZ").to_string();
        WindowId::derived(&label, [first.as_str(), last.as_str()].into_iter().chain(names))
    });
    Some(options.booking(id, start, Some(end), rules))
}

fn switching_on(fields: &mut Fields, now: Timestamp, request: &str, config: &Config) -> Option<Booking> {
    let options = Options::read(fields, config);
    let start = when::whole_second(now);
    // Only a time that was written out says the same whenever it is read.
    let written_end = fields.map.get("end").map(Value::to_string);
    let for_a_while = fields.map.contains_key("duration");
    let end = match ending(fields, Some(start), options.zone.as_ref()) {
        Ending::At(end) => Some(end),
        Ending::None => None,
        Ending::Unclear => return None,
    };
    check_span(fields, start, end, config);
    if end.is_none() && options.at_end != AtEnd::Reopen {
        fields.problems.push(
            "at_end: expected it only with `end` or `duration`, since open-ended maintenance has no end".to_owned(),
        );
    }
    let rules = options.rules.clone()?;
    let id = options.id.clone().unwrap_or_else(|| {
        let mut names: Vec<&str> = rules.iter().map(RuleArn::as_str).collect();
        names.sort_unstable();
        let how_long = written_end.unwrap_or_else(|| if for_a_while { request.to_owned() } else { "open".to_owned() });
        WindowId::derived("on", [how_long.as_str()].into_iter().chain(names))
    });
    Some(options.booking(id, start, end, rules))
}

fn check_span(fields: &mut Fields, start: Timestamp, end: Option<Timestamp>, config: &Config) {
    let Some(end) = end else { return };
    let length = end.duration_since(start);
    if end <= start {
        fields.problems.push(format!("end: expected an end after the start ({start}), but found {end}"));
    } else if length < LENGTH_MIN {
        fields.problems.push(format!(
            "end: expected a window of at least a minute, but found one of {}",
            when::spoken_duration(length)
        ));
    } else if length > config.max_duration {
        fields.problems.push(format!(
            "end: expected a window of at most {} (MAX_DURATION), but found one of {}; check the date, or raise the limit",
            when::spoken_duration(config.max_duration),
            when::spoken_duration(length)
        ));
    }
}

/// What an event says of its end.
enum Ending {
    At(Timestamp),
    None,
    Unclear,
}

fn ending(fields: &mut Fields, start: Option<Timestamp>, zone: Option<&TimeZone>) -> Ending {
    let before = fields.problems.len();
    let end = fields.text("end").and_then(|text| fields.time("end", &text, zone));
    let duration = fields.duration("duration");
    match (end, duration, start) {
        _ if fields.problems.len() > before => Ending::Unclear,
        (Some(_), Some(_), _) => {
            fields.problems.push("end: expected `end` or `duration`, but found both".to_owned());
            Ending::Unclear
        }
        (Some(end), None, _) => Ending::At(end),
        (None, Some(duration), Some(start)) => start.checked_add(duration).map_or(Ending::Unclear, Ending::At),
        (None, Some(_), None) => Ending::Unclear,
        (None, None, _) => Ending::None,
    }
}

/// What every event that makes a window may say besides its times.
struct Options {
    id: Option<WindowId>,
    rules: Option<Vec<RuleArn>>,
    zone: Option<TimeZone>,
    timezone: Option<String>,
    reason: Option<String>,
    booked_by: Option<String>,
    at_end: AtEnd,
    dry_run: bool,
}

impl Options {
    fn read(fields: &mut Fields, config: &Config) -> Self {
        let timezone = fields.text("timezone");
        let zone = timezone.as_deref().and_then(|name| match when::time_zone(name) {
            Ok(zone) => Some(zone),
            Err(problem) => {
                fields.problems.push(format!("timezone: {problem}"));
                None
            }
        });
        Self {
            id: fields.id(),
            rules: fields.rules(config),
            zone,
            timezone,
            reason: fields.prose("reason"),
            booked_by: fields.prose("booked_by"),
            at_end: fields.at_end(config),
            dry_run: fields.flag("dry_run"),
        }
    }

    fn booking(self, id: WindowId, start: Timestamp, end: Option<Timestamp>, rules: Vec<RuleArn>) -> Booking {
        Booking {
            window: Window {
                id,
                start,
                end,
                rules,
                timezone: self.timezone,
                reason: self.reason,
                booked_by: self.booked_by,
                at_end: self.at_end,
            },
            dry_run: self.dry_run,
        }
    }
}

/// An event's fields, taken out one by one; what is left in the end was not expected.
struct Fields {
    map: Map<String, Value>,
    problems: Vec<String>,
}

impl Fields {
    fn text(&mut self, key: &str) -> Option<String> {
        match self.map.remove(key)? {
            Value::String(text) => Some(text),
            Value::Null => None,
            other => {
                self.problems.push(format!("{key}: expected a text, but found {other}"));
                None
            }
        }
    }

    fn has_problem(&self, key: &str) -> bool {
        self.problems.iter().any(|problem| problem.starts_with(&format!("{key}: ")))
    }

    fn prose(&mut self, key: &str) -> Option<String> {
        let text = self.text(key)?;
        let length = text.chars().count();
        if length > TEXT_MAX {
            self.problems.push(format!("{key}: expected at most {TEXT_MAX} characters, but found {length}"));
            return None;
        }
        if text.chars().any(char::is_control) {
            self.problems.push(format!("{key}: expected one line without control characters, but found {text:?}"));
            return None;
        }
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn id(&mut self) -> Option<WindowId> {
        match self.text("id")?.parse() {
            Ok(id) => Some(id),
            Err(problem) => {
                self.problems.push(format!("id: {problem}"));
                None
            }
        }
    }

    fn required_id(&mut self, action: &str) -> Option<WindowId> {
        let before = self.problems.len();
        let id = self.id();
        if id.is_none() && self.problems.len() == before {
            self.problems.push(format!("id: required by {action}, but missing; status lists the ids"));
        }
        id
    }

    fn time(&mut self, key: &str, text: &str, zone: Option<&TimeZone>) -> Option<Timestamp> {
        match when::instant(text, zone) {
            Ok(instant) => Some(when::whole_second(instant)),
            Err(problem) => {
                self.problems.push(format!("{key}: {problem}"));
                None
            }
        }
    }

    fn duration(&mut self, key: &str) -> Option<SignedDuration> {
        let text = self.text(key)?;
        match when::duration(&text) {
            Ok(duration) => Some(SignedDuration::from_secs(duration.as_secs())),
            Err(problem) => {
                self.problems.push(format!("{key}: {problem}"));
                None
            }
        }
    }

    fn flag(&mut self, key: &str) -> bool {
        match self.map.remove(key) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => flag,
            Some(other) => {
                self.problems.push(format!("{key}: expected true or false, but found {other}"));
                false
            }
        }
    }

    fn at_end(&mut self, config: &Config) -> AtEnd {
        match self.text("at_end").as_deref() {
            None | Some("reopen") => AtEnd::Reopen,
            Some("hold") => AtEnd::Hold,
            Some("reopen_if_healthy") => {
                if config.probe_url.is_none() {
                    self.problems.push(
                        "at_end: reopen_if_healthy needs PROBE_URL, which is not set; set it in the stack's parameters"
                            .to_owned(),
                    );
                }
                AtEnd::ReopenIfHealthy
            }
            Some(other) => {
                self.problems.push(format!("at_end: expected reopen, hold or reopen_if_healthy, but found {other:?}"));
                AtEnd::Reopen
            }
        }
    }

    /// The rules an event names, all of them managed; every managed rule if it names none.
    fn rules(&mut self, config: &Config) -> Option<Vec<RuleArn>> {
        let named = match self.map.remove("rules") {
            None | Some(Value::Null) => return Some(config.rules.clone()),
            Some(Value::Array(named)) if !named.is_empty() => named,
            Some(other) => {
                self.problems.push(format!("rules: expected a list of listener rule ARNs, but found {other}"));
                return None;
            }
        };
        let before = self.problems.len();
        let mut rules: Vec<RuleArn> = vec![];
        for name in named {
            let parsed = name.as_str().map(str::parse::<RuleArn>);
            match parsed {
                Some(Ok(rule)) if !config.rules.contains(&rule) => self.problems.push(format!(
                    "rules: {rule} is not one of RULE_ARNS, and no other rule may be touched; add it to the stack's parameters"
                )),
                Some(Ok(rule)) if rules.contains(&rule) => {}
                Some(Ok(rule)) => rules.push(rule),
                Some(Err(problem)) => self.problems.push(format!("rules: {problem}")),
                None => self.problems.push(format!("rules: expected a listener rule's ARN, but found {name}")),
            }
        }
        (self.problems.len() == before).then_some(rules)
    }

    fn refuse_the_rest(&mut self, action: &str) {
        for key in self.map.keys() {
            self.problems.push(format!("{key}: {action} knows no such field; check its spelling"));
        }
    }
}
