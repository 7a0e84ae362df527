//! The words of every report. Pure; `notify` sends them.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    arn::RuleArn,
    plan::RuleState,
    record::Record,
    when::{spoken, spoken_duration},
    window::{AtEnd, WindowId, digest},
};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A window was booked.
    Booked,
    /// A booked window got other times.
    Rescheduled,
    /// A window got another end.
    Extended,
    /// A window was dropped before it began.
    Cancelled,
    /// A window is about to start, or open-ended maintenance still goes on.
    Reminder,
    /// The rules are header-only.
    Started,
    /// A window is about to end.
    EndingSoon,
    /// The rules are as their owners wrote them.
    Completed,
    /// The end has passed and the rules stay header-only, as the window asked.
    Overrunning,
    /// The function was woken only after the end.
    Missed,
    /// Someone else changed a rule.
    Drift,
    /// Something due could not be done.
    Failed,
}

impl Event {
    /// The event's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Rescheduled => "rescheduled",
            Self::Extended => "extended",
            Self::Cancelled => "cancelled",
            Self::Reminder => "reminder",
            Self::Started => "started",
            Self::EndingSoon => "ending_soon",
            Self::Completed => "completed",
            Self::Overrunning => "overrunning",
            Self::Missed => "missed",
            Self::Drift => "drift",
            Self::Failed => "failed",
        }
    }

    fn headline(self) -> &'static str {
        match self {
            Self::Booked => "Maintenance is booked.",
            Self::Rescheduled => "Maintenance has been moved.",
            Self::Extended => "Maintenance has a new end.",
            Self::Cancelled => "Maintenance has been cancelled.",
            Self::Reminder => "A reminder of maintenance.",
            Self::Started => "Maintenance has started.",
            Self::EndingSoon => "Maintenance is about to end.",
            Self::Completed => "Maintenance is over.",
            Self::Overrunning => "The end has passed, but the site stays in maintenance.",
            Self::Missed => {
                "Maintenance was missed: the function was woken only after its end, and nothing was changed."
            }
            Self::Drift => "A listener rule was changed by someone else.",
            Self::Failed => "Maintenance needs a person: something due could not be done.",
        }
    }

    /// What to do whenever this happens; most events leave it to their cause.
    fn next_step(self) -> Option<&'static str> {
        match self {
            Self::Missed => Some("book it again for another time; check tells beforehand what could make it fail"),
            Self::Drift => {
                Some("find out who or what changes the rule (a deployment, perhaps), and let it wait for the end")
            }
            Self::Booked
            | Self::Rescheduled
            | Self::Extended
            | Self::Cancelled
            | Self::Reminder
            | Self::Started
            | Self::EndingSoon
            | Self::Completed
            | Self::Overrunning
            | Self::Failed => None,
        }
    }
}

/// What a report says of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleLine {
    /// The rule.
    pub arn: RuleArn,
    /// How it stands.
    pub state: RuleState,
}

/// When a window was meant to start and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The start.
    pub start: Timestamp,
    /// The end; none while open-ended.
    pub end: Option<Timestamp>,
}

/// When it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Actual {
    /// When the rules were header-only.
    pub started: Option<Timestamp>,
    /// How late that was, in seconds.
    pub start_late_secs: Option<i64>,
    /// When the rules were restored.
    pub ended: Option<Timestamp>,
    /// How late that was, in seconds; negative when it was ended early.
    pub end_late_secs: Option<i64>,
    /// How long after the change a visitor saw it, in seconds, if it was probed.
    pub seen_after_secs: Option<i64>,
}

/// One report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What happened.
    pub event: Event,
    /// When it is told.
    pub at: Timestamp,
    /// The window; none for a rule that no window accounts for.
    pub record: Option<Record>,
    /// The rules concerned.
    pub rules: Vec<RuleLine>,
    /// When the rules were turned.
    pub actual: Actual,
    /// What else is to be known, a sentence each.
    pub notes: Vec<String>,
    /// What to do, a sentence each.
    pub next_steps: Vec<String>,
    /// What sets this report apart from another of the same event and window.
    pub cause: String,
}

impl Report {
    /// A report about a window.
    #[must_use]
    pub fn new(event: Event, record: &Record, at: Timestamp) -> Self {
        Self {
            event,
            at,
            record: Some(record.clone()),
            rules: vec![],
            actual: Actual::default(),
            notes: vec![],
            next_steps: event.next_step().map(str::to_owned).into_iter().collect(),
            cause: String::new(),
        }
    }

    /// A report about rules that no window accounts for.
    #[must_use]
    pub fn of_rules(event: Event, rules: Vec<RuleLine>, at: Timestamp, cause: &str) -> Self {
        Self {
            event,
            at,
            record: None,
            rules,
            actual: Actual::default(),
            notes: vec![],
            next_steps: vec![],
            cause: cause.to_owned(),
        }
    }

    /// The same for every delivery of one report, so that a reader can drop duplicates.
    #[must_use]
    pub fn report_id(&self) -> String {
        let id = self.window_id().map_or("-", WindowId::as_str);
        digest([id, self.event.word(), &self.cause])
    }

    /// The window's name.
    #[must_use]
    pub fn window_id(&self) -> Option<&WindowId> {
        self.record.as_ref().map(Record::id)
    }

    /// The e-mail's subject: printable ASCII, at most 99 characters.
    #[must_use]
    pub fn subject(&self) -> String {
        let what = self.event.word().replace('_', " ");
        let subject = match self.record.as_ref().map(Record::window) {
            None => format!("[maintenance] {what}"),
            Some(window) => {
                let when = |instant: Timestamp| instant.strftime("%a %-d %b %H:%M UTC").to_string();
                let tail = match (self.event, window.end) {
                    (Event::Reminder, _) if window.start <= self.at => format!(", since {}", when(window.start)),
                    (Event::Booked | Event::Rescheduled | Event::Reminder, _) => {
                        format!(", starts {}", when(window.start))
                    }
                    (Event::Started | Event::Extended | Event::EndingSoon, Some(end)) => {
                        format!(", until {}", when(end))
                    }
                    _ => String::new(),
                };
                format!("[maintenance] {what}: {}{tail}", window.id)
            }
        };
        subject.chars().filter(|found| (' '..='~').contains(found)).take(99).collect()
    }

    /// The e-mail's text.
    #[must_use]
    pub fn text(&self) -> String {
        let steps: String = self.next_steps.iter().map(|step| format!("To do: {step}\n")).collect();
        let gap = if steps.is_empty() { "" } else { "\n" };
        format!("{}\n\n{}{gap}{steps}", self.title(), self.details())
    }

    fn title(&self) -> String {
        format!("{}{}", self.event.headline(), self.reach())
    }

    /// What is between the title and what to do.
    fn details(&self) -> String {
        let mut details = self.record.as_ref().map(|record| self.facts(record)).unwrap_or_default();
        for rule in &self.rules {
            details.push_str(&fact("Rule", &format!("{}: {}", rule.arn.short(), spoken_state(rule.state))));
        }
        if !self.notes.is_empty() {
            details.push('\n');
        }
        details.extend(self.notes.iter().map(|note| format!("Note: {note}\n")));
        details
    }

    /// Whom the site is open to once maintenance is over.
    fn reach(&self) -> &'static str {
        match (self.event, self.rules.iter().all(|rule| rule.state == RuleState::Open)) {
            (Event::Completed, true) => " Visitors reach the site again.",
            (Event::Completed, false) => " Not every rule is open to visitors.",
            _ => "",
        }
    }

    fn facts(&self, record: &Record) -> String {
        let window = record.window();
        let zone = window.timezone.as_deref();
        let mut lines = vec![("Window", window.id.to_string()), ("Start", spoken(window.start, zone))];
        let end = window.end.map_or("open, until it is switched off".to_owned(), |end| spoken(end, zone));
        lines.push(("End", end));
        lines.extend(match window.at_end {
            AtEnd::Reopen => None,
            AtEnd::Hold => Some(("Then", "held until it is switched off".to_owned())),
            AtEnd::ReopenIfHealthy => Some(("Then", "held until a tester finds the site healthy".to_owned())),
        });
        lines.extend(window.length().map(|length| ("Length", spoken_duration(length))));
        lines.extend(self.actual.started.map(|at| ("Started", punctual(at, self.actual.start_late_secs, zone))));
        lines.extend(self.actual.ended.map(|at| ("Ended", punctual(at, self.actual.end_late_secs, zone))));
        lines.extend(self.actual.seen_after_secs.map(|secs| ("Seen", format!("by visitors after {secs}s"))));
        lines.extend(window.reason.clone().map(|reason| ("Reason", reason)));
        lines.extend(window.booked_by.clone().map(|who| ("Booked by", who)));
        lines.iter().map(|(label, value)| fact(label, value)).collect()
    }

    /// The JSON document.
    #[must_use]
    pub fn document(&self) -> Value {
        let window = self.record.as_ref().map(Record::window);
        json!({
            "version": 1,
            "report_id": self.report_id(),
            "event": self.event,
            "at": self.at,
            "window": window,
            "rules": self.rules,
            "planned": window.map(|window| Planned { start: window.start, end: window.end }),
            "actual": self.actual,
            "text": self.text(),
        })
    }

    /// The custom notification that Amazon Q Developer in chat applications shows in Slack and Teams.
    /// A document of any other shape is dropped there without a word.
    #[must_use]
    pub fn chat(&self) -> Value {
        let id = self.window_id().map_or("no window", WindowId::as_str);
        let mut keywords = vec![self.event.word().to_owned()];
        keywords.extend(self.window_id().map(ToString::to_string));
        let mut content = json!({
            "textType": "client-markdown",
            "title": format!("{} {}", self.symbol(), self.title()),
            "description": format!("```\n{}```", self.details().replace("```", "'''")),
            "keywords": keywords,
        });
        if !self.next_steps.is_empty() {
            content["nextSteps"] = json!(self.next_steps);
        }
        json!({
            "version": "1.0",
            "source": "custom",
            "id": self.report_id(),
            "content": content,
            "metadata": {
                "threadId": id,
                "summary": self.subject(),
                "eventType": self.event.word(),
                "relatedResources": self.rules.iter().map(|rule| rule.arn.as_str()).collect::<Vec<_>>(),
            },
        })
    }

    fn symbol(&self) -> &'static str {
        match self.event {
            Event::Booked | Event::Rescheduled | Event::Extended | Event::Reminder | Event::EndingSoon => ":calendar:",
            Event::Started => ":construction:",
            Event::Completed | Event::Cancelled => ":white_check_mark:",
            Event::Overrunning | Event::Missed | Event::Drift | Event::Failed => ":warning:",
        }
    }
}

/// What to do by an event of one's own, and what for.
#[must_use]
pub fn remedy(aim: &str, event: &Value) -> String {
    format!("{aim}, invoke the function with {event}")
}

/// A labelled line. The local time beside one in UTC gets a line of its own: a phone shows some forty characters.
fn fact(label: &str, value: &str) -> String {
    let value = value.replacen(" UTC (", &format!(" UTC\n{:10}(", ""), 1);
    format!("{label:<10}{value}\n")
}

fn punctual(at: Timestamp, late_secs: Option<i64>, zone: Option<&str>) -> String {
    let by = |secs: i64| spoken_duration(SignedDuration::from_secs(secs.abs()));
    match late_secs {
        None => spoken(at, zone),
        Some(0 | 1) => format!("{}, on time", spoken(at, zone)),
        Some(secs) if secs < 0 => format!("{}, {} early", spoken(at, zone), by(secs)),
        Some(secs) => format!("{}, {} late", spoken(at, zone), by(secs)),
    }
}

fn spoken_state(state: RuleState) -> &'static str {
    match state {
        RuleState::Open => "open to visitors",
        RuleState::HeaderOnly => "in maintenance, testers only",
        RuleState::Gone => "no longer exists",
        RuleState::Unsupported => "has conditions that could not be put back",
    }
}
