//! The words of every report. Pure; `aws::topic` sends them.

mod chat;
pub mod finding;
pub mod help;
pub mod metrics;
pub mod response;
pub mod site;
pub mod views;
pub mod words;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    model::{
        id::{WindowId, digest},
        time::{spoken, spoken_duration},
        window::{AtEnd, Window},
    },
    plan::{
        RuleState,
        reports::{Due, Event, Fact},
        site::Site,
    },
    probe::Sight,
};

use views::{Actual, Planned, RuleLine, WindowView};

/// One report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What happened.
    pub event: Event,
    /// When it is told.
    pub at: Timestamp,
    /// The window; none for a finding that belongs to no window.
    pub window: Option<Window>,
    /// How the site stands, where that was looked at.
    pub site: Option<Site>,
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
    pub fn new(event: Event, window: &Window, cause: String, at: Timestamp) -> Self {
        Self {
            event,
            at,
            window: Some(window.clone()),
            site: None,
            rules: vec![],
            actual: Actual::default(),
            notes: vec![],
            next_steps: words::next_step(event).map(str::to_owned).into_iter().collect(),
            cause,
        }
    }

    /// A report that is due about a window.
    #[must_use]
    pub fn due(due: &Due, window: &Window, at: Timestamp) -> Self {
        let zone = window.timezone.as_deref();
        let mut report = Self::new(due.event, window, due.keys.join(" "), at);
        report.actual = Actual::of(window);
        report.notes = due.facts.iter().map(|fact| words::fact(fact, zone)).collect();
        report.next_steps.extend(words::next_event(due.event, window));
        report
    }

    /// A report about something that belongs to no window.
    #[must_use]
    pub fn without_window(event: Event, rules: Vec<RuleLine>, at: Timestamp, cause: &str) -> Self {
        Self {
            event,
            at,
            window: None,
            site: None,
            rules,
            actual: Actual::default(),
            notes: vec![],
            next_steps: vec![],
            cause: cause.to_owned(),
        }
    }

    /// The report with how the site stands as its first words.
    #[must_use]
    pub fn seen(self, site: &Site) -> Self {
        Self { site: Some(site.clone()), ..self }
    }

    /// Adds what was seen from outside; returns what is wrong if visitors did not see the change.
    pub fn add_sight(&mut self, sight: Option<&Sight>) -> Option<String> {
        // Where another window still holds the rules, what was seen is its doing.
        let own = self.event != Event::Completed || self.rules.iter().all(|rule| rule.state == RuleState::Open);
        let Some(sight) = sight.filter(|_| own) else {
            self.notes.push(words::fact(&Fact::NotProbed, None));
            return None;
        };
        if sight.seen {
            self.actual.seen_after_secs = Some(sight.after_secs);
            return None;
        }
        let note = words::unseen(sight);
        self.notes.push(note.clone());
        Some(note)
    }

    /// The same for every delivery of one report, so that a reader can drop duplicates.
    #[must_use]
    pub fn report_id(&self) -> String {
        let (id, uid) = self.window.as_ref().map_or(("-", "-"), |window| (window.id.as_str(), window.uid.as_str()));
        digest([id, uid, self.event.word(), &self.cause])
    }

    /// The window's name.
    #[must_use]
    pub fn window_id(&self) -> Option<&WindowId> {
        self.window.as_ref().map(|window| &window.id)
    }

    /// The e-mail's subject: printable ASCII, at most 99 characters.
    #[must_use]
    pub fn subject(&self) -> String {
        let what = self.event.word().replace('_', " ");
        let subject = match &self.window {
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
                    (Event::Completed | Event::Cancelled | Event::Missed | Event::Failed | Event::Drift, _) => {
                        let state = self.site.as_ref().and_then(|site| site.state.in_short());
                        state.map(|state| format!(", {state}")).unwrap_or_default()
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

    /// How the site stands, then what happened.
    fn title(&self) -> String {
        let site = self.site.as_ref().map(site::sentence);
        [site, Some(words::headline(self.event, self.window_id()))].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// What is between the title and what to do.
    fn details(&self) -> String {
        let site = self.site.as_ref().map(site::details).filter(|details| !details.is_empty());
        let mut details = site.map(|details| format!("{details}\n\n")).unwrap_or_default();
        details.extend(self.window.as_ref().map(|window| self.facts(window)));
        for rule in &self.rules {
            details.push_str(&fact("Rule", &format!("{}: {}", rule.arn.short(), words::rule_state(rule.state))));
        }
        if !self.notes.is_empty() {
            details.push('\n');
        }
        details.extend(self.notes.iter().map(|note| format!("Note: {note}\n")));
        details
    }

    fn facts(&self, window: &Window) -> String {
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
        lines.extend(window.requested_by.clone().map(|who| ("Asked by", who)));
        lines.iter().map(|(label, value)| fact(label, value)).collect()
    }

    /// The JSON document.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({
            "version": 1,
            "report_id": self.report_id(),
            "event": self.event,
            "at": self.at,
            "site": self.site.as_ref().map(|site| site.state),
            "window": self.window.as_ref().map(WindowView::new),
            "rules": self.rules,
            "planned": self.window.as_ref().map(|window| Planned { start: window.start, end: window.end }),
            "actual": self.actual,
            "text": self.text(),
        })
    }
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
