//! The doorbell: the JSON that wakes us, read into a [`Request`] or refused with all its problems named.
//!
//! Pure: the moment and the settings are arguments.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Map, Value};

use crate::{
    arn::RuleArn,
    config::Config,
    error::Error,
    every::Every,
    series::Series,
    when,
    window::{AtEnd, HORIZON, LENGTH_MIN, Window, WindowId},
};

/// Every action an event may ask for.
pub const ACTIONS: [&str; 13] = [
    "book",
    "on",
    "off",
    "extend",
    "reschedule",
    "cancel",
    "skip",
    "pause",
    "resume",
    "status",
    "check",
    "sweep",
    "wake",
];

/// The longest text a person may attach to a window, in characters.
const TEXT_MAX: usize = 300;

/// What the function is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Book a window.
    Book(Booking),
    /// Book a window that recurs.
    Recur(Recurrence),
    /// Leave out one occurrence of a series.
    Skip {
        /// The series.
        id: WindowId,
        /// The start that is left out; the next one if absent.
        start: Option<Timestamp>,
    },
    /// Let a series rest, or go on.
    Pause {
        /// The series.
        id: WindowId,
        /// Whether it is to rest.
        paused: bool,
    },
    /// Start maintenance now.
    On(Booking),
    /// End maintenance now.
    Off {
        /// The window; all active ones if absent.
        id: Option<WindowId>,
    },
    /// Move the end of a booked or active window.
    Extend {
        /// The window.
        id: WindowId,
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
    /// Find what would make a window fail.
    Check(Asked),
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

/// A series that someone asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    /// The series.
    pub series: Series,
    /// Whether only to tell what would be done.
    pub dry_run: bool,
}

/// A window that someone asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// The window.
    pub window: Window,
    /// Whether only to tell what would be done.
    pub dry_run: bool,
}

/// What a check is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The window, if one was described well enough.
    pub booking: Option<Booking>,
    /// The rules.
    pub rules: Vec<RuleArn>,
    /// What is wrong with the description, a sentence each.
    pub problems: Vec<String>,
}

/// A window's new end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewEnd {
    /// So much later than it is.
    By(SignedDuration),
    /// Then.
    At(Timestamp),
}

/// A booked window's new times; what is absent stays, and the length stays unless an end or a duration is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTimes {
    /// The new start.
    pub start: Option<Timestamp>,
    /// The new end.
    pub end: Option<Timestamp>,
    /// The new length.
    pub duration: Option<SignedDuration>,
}

impl Request {
    /// The action's word.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Book(_) | Self::Recur(_) => "book",
            Self::Skip { .. } => "skip",
            Self::Pause { paused: true, .. } => "pause",
            Self::Pause { paused: false, .. } => "resume",
            Self::On(_) => "on",
            Self::Off { .. } => "off",
            Self::Extend { .. } => "extend",
            Self::Reschedule { .. } => "reschedule",
            Self::Cancel { .. } => "cancel",
            Self::Status { .. } => "status",
            Self::Check(_) => "check",
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
    let mut map = map.clone();
    // Null says nothing, as if the field were not there.
    map.retain(|_, value| !value.is_null());
    let mut fields = Fields { map: map.clone(), problems: vec![] };
    let action = match fields.text("action") {
        Some(action) => action,
        None if (map.contains_key("start") || map.contains_key("every")) && !map.contains_key("action") => {
            "book".to_owned()
        }
        None => String::new(),
    };
    let request = match action.as_str() {
        "book" if map.contains_key("every") => recurring(&mut fields, now, config).map(Request::Recur),
        "skip" => {
            let id = fields.required_id("skip");
            let zone = fields.zone();
            let start = fields.text("start");
            let start = start.and_then(|text| fields.time("start", &text, zone.as_ref().map(|(_, zone)| zone)));
            id.map(|id| Request::Skip { id, start })
        }
        "pause" => fields.required_id("pause").map(|id| Request::Pause { id, paused: true }),
        "resume" => fields.required_id("resume").map(|id| Request::Pause { id, paused: false }),
        "book" => booking(&mut fields, now, config).map(Request::Book),
        "on" => switching_on(&mut fields, now, request, config).map(Request::On),
        "off" => Some(Request::Off { id: fields.id() }),
        "extend" => extending(&mut fields),
        "reschedule" => rescheduling(&mut fields),
        "cancel" => fields.required_id("cancel").map(|id| Request::Cancel { id }),
        "status" => Some(Request::Status { id: fields.id() }),
        "check" => Some(Request::Check(asked(&mut fields, now, config))),
        "sweep" => Some(Request::Sweep),
        "wake" => {
            // What a record carries besides is read afresh, never from the event.
            for carried in ["window", "closed", "progress", "series", "request", "from_now"] {
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
    let rules = options.rules.clone()?;
    let (first, last) = (start.to_string(), end.to_string());
    let id = options.id.clone().unwrap_or_else(|| {
        let mut names: Vec<&str> = rules.iter().map(RuleArn::as_str).collect();
        names.sort_unstable();
        let label = start.strftime("%Y%m%dT%H%MZ").to_string();
        WindowId::derived(&label, [first.as_str(), last.as_str()].into_iter().chain(names))
    });
    let booking = options.booking(id, start, Some(end), rules);
    fields.problems.extend(span_problems(&booking.window, now, config.max_duration));
    Some(booking)
}

fn recurring(fields: &mut Fields, now: Timestamp, config: &Config) -> Option<Recurrence> {
    let options = Options::read(fields, config);
    let every = fields.text("every").and_then(|text| match text.parse::<Every>() {
        Ok(every) => Some(every),
        Err(problem) => {
            fields.problems.push(format!("every: {problem}"));
            None
        }
    });
    let anchor = fields.text("start").and_then(|text| fields.time("start", &text, options.zone.as_ref()));
    let duration = fields.duration("duration");
    if duration.is_none() && !fields.has_problem("duration") {
        fields.problems.push("duration: required beside `every`, but missing".to_owned());
    }
    let (every, duration, rules) = (every?, duration?, options.rules?);
    let timezone = options.timezone.unwrap_or_else(|| "UTC".to_owned());
    let id = options.id.unwrap_or_else(|| {
        let mut names: Vec<&str> = rules.iter().map(RuleArn::as_str).collect();
        names.sort_unstable();
        let length = duration.to_string();
        WindowId::derived("every", [every.as_str(), timezone.as_str(), length.as_str()].into_iter().chain(names))
    });
    let series = Series {
        id,
        every,
        duration,
        timezone,
        // A rate counts from its first start; the whole minute after next keeps it readable.
        anchor: anchor.unwrap_or_else(|| when::next_minute(now)),
        rules,
        reason: options.reason,
        booked_by: options.booked_by,
        message: options.message,
        at_end: options.at_end,
        paused: false,
        skipped: vec![],
        request: None,
        booking: None,
    };
    fields.problems.extend(series.problems(now, config.max_duration));
    Some(Recurrence { series, dry_run: options.dry_run })
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
    let booking = options.booking(id, start, end, rules);
    fields.problems.extend(span_problems(&booking.window, now, config.max_duration));
    Some(booking)
}

/// A check may be about a window, about rules, or about nothing but the settings; what is wrong with its fields is for
/// the check to tell.
fn asked(fields: &mut Fields, now: Timestamp, config: &Config) -> Asked {
    let (booking, rules) = if fields.map.contains_key("every") {
        (None, recurring(fields, now, config).map(|recurrence| recurrence.series.rules))
    } else if fields.map.contains_key("start") {
        let booking = booking(fields, now, config);
        let rules = booking.as_ref().map(|booking| booking.window.rules.clone());
        (booking, rules)
    } else {
        (None, Options::read(fields, config).rules)
    };
    fields.refuse_the_rest("check");
    fields.map.clear();
    let problems = std::mem::take(&mut fields.problems);
    Asked { booking, rules: rules.unwrap_or_else(|| config.rules.clone()), problems }
}

fn extending(fields: &mut Fields) -> Option<Request> {
    let id = fields.required_id("extend");
    let zone = fields.zone();
    let end = fields.text("end").and_then(|text| fields.time("end", &text, zone.as_ref().map(|(_, zone)| zone)));
    let by = fields.duration("by");
    let end = match (by, end) {
        (Some(by), None) => NewEnd::By(by),
        (None, Some(end)) => NewEnd::At(end),
        (by, _) => {
            if !fields.has_problem("by") && !fields.has_problem("end") {
                let found = if by.is_some() { "both" } else { "neither" };
                fields.problems.push(format!("by: expected `by` or `end`, but found {found}"));
            }
            return None;
        }
    };
    Some(Request::Extend { id: id?, end })
}

fn rescheduling(fields: &mut Fields) -> Option<Request> {
    let id = fields.required_id("reschedule");
    let zone = fields.zone();
    let zone = zone.as_ref().map(|(_, zone)| zone);
    let start = fields.text("start").and_then(|text| fields.time("start", &text, zone));
    let end = fields.text("end").and_then(|text| fields.time("end", &text, zone));
    let duration = fields.duration("duration");
    let times = NewTimes { start, end, duration };
    if end.is_some() && duration.is_some() {
        fields.problems.push("end: expected `end` or `duration`, but found both".to_owned());
    } else if times == NewTimes::default() && fields.problems.is_empty() {
        fields.problems.push("start: expected `start`, `end` or `duration`, but found none of them".to_owned());
    }
    Some(Request::Reschedule { id: id?, times })
}

/// What is wrong with a window's times, a sentence each.
#[must_use]
pub fn span_problems(window: &Window, now: Timestamp, longest: SignedDuration) -> Vec<String> {
    let (start, mut problems) = (window.start, vec![]);
    if let Some(end) = window.end {
        let length = end.duration_since(start);
        if end <= start {
            problems.push(format!("end: expected an end after the start ({start}), but found {end}"));
        } else if length < LENGTH_MIN {
            problems.push(format!(
                "end: expected a window of at least a minute, but found one of {}",
                when::spoken_duration(length)
            ));
        } else if length > longest {
            problems.push(format!(
                "end: expected a window of at most {} (MAX_DURATION), but found one of {}; check the date, or raise \
                 the limit",
                when::spoken_duration(longest),
                when::spoken_duration(length)
            ));
        }
    }
    if start > now + HORIZON {
        problems.push(format!(
            "start: expected a start within the next year, but found {start}; time-zone rules further ahead are not \
             known yet"
        ));
    }
    problems
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
    message: Option<String>,
    at_end: AtEnd,
    dry_run: bool,
}

impl Options {
    fn read(fields: &mut Fields, config: &Config) -> Self {
        let (timezone, zone) = fields.zone().unzip();
        Self {
            id: fields.id(),
            rules: fields.rules(config),
            zone,
            timezone,
            reason: fields.prose("reason"),
            booked_by: fields.prose("booked_by"),
            message: fields.prose("message"),
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
                message: self.message,
                at_end: self.at_end,
                series: None,
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

    /// The time zone's name and rules.
    fn zone(&mut self) -> Option<(String, TimeZone)> {
        let name = self.text("timezone")?;
        match when::time_zone(&name) {
            Ok(zone) => Some((name, zone)),
            Err(problem) => {
                self.problems.push(format!("timezone: {problem}"));
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
