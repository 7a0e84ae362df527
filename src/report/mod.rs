//! The words of every report. Pure; `aws::topic` sends them.

mod calendar;
mod chat;
mod conditions;
pub mod csv;
pub mod drift;
pub mod feeds;
pub mod finding;
pub mod help;
pub mod metrics;
pub mod response;
mod series;
pub mod site;
pub mod views;
pub mod words;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    model::{
        function::Function,
        id::{WindowId, digest},
        series::{Series, SeriesView},
        time::{spoken, spoken_duration},
        window::{AtEnd, Decision, Window},
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
    /// The headline.
    pub headline: String,
    /// The window; none for a finding that belongs to no window.
    pub window: Option<Window>,
    /// How the site stands, where that was looked at.
    pub site: Option<Site>,
    /// The series, what was decided about it, and how callers see it; none for a report about anything else.
    pub series: Option<Box<(Series, Decision, SeriesView)>>,
    /// The rules concerned.
    pub rules: Vec<RuleLine>,
    /// When its rules were closed and opened.
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
            headline: words::headline(event, Some(&format!("window {}", window.id))),
            window: Some(window.clone()),
            site: None,
            series: None,
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
        report.next_steps.extend(words::next_events(due.event, window));
        if due.event == Event::Drift {
            drift::headline(&due.facts).clone_into(&mut report.headline);
            let helps = drift::what_helps(&due.facts);
            if !helps.is_empty() {
                report.next_steps = helps;
            }
            report.next_steps.extend(drift::who_did_it(&due.facts));
        }
        report
    }

    /// A report about a decision about a series, taken by this request; `series` goes with the windows that there are.
    #[must_use]
    pub fn of_series(
        event: Event,
        (series, windows): (&Series, &[Window]),
        decision: &Decision,
        request: &str,
        at: Timestamp,
    ) -> Self {
        let cause = format!("{request} {}", decision.at);
        Self {
            headline: words::headline(event, Some(&format!("series {}", series.id))),
            series: Some(Box::new((series.clone(), decision.clone(), series.view(windows, at)))),
            notes: series::note(event).map(str::to_owned).into_iter().collect(),
            next_steps: series::next_event(event, series, decision).into_iter().collect(),
            ..Self::without_window(event, vec![], at, &cause)
        }
    }

    /// A report about something that belongs to no window.
    #[must_use]
    pub fn without_window(event: Event, rules: Vec<RuleLine>, at: Timestamp, cause: &str) -> Self {
        Self {
            event,
            at,
            headline: words::headline(event, None),
            window: None,
            site: None,
            series: None,
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
        let of_window = self.window.as_ref().map(|window| (window.id.as_str(), window.uid.as_str()));
        let of_series = || self.series.as_ref().map(|about| (about.0.id.as_str(), about.0.uid.as_str()));
        let (id, uid) = of_window.or_else(of_series).unwrap_or(("-", "-"));
        digest([id, uid, self.event.word(), &self.cause])
    }

    /// The window's name.
    #[must_use]
    pub fn window_id(&self) -> Option<&WindowId> {
        self.window.as_ref().map(|window| &window.id)
    }

    /// The name of the window or the series.
    fn name(&self) -> Option<&WindowId> {
        self.window_id().or_else(|| self.series.as_ref().map(|about| &about.0.id))
    }

    /// The e-mail's subject: printable ASCII, at most 99 characters.
    #[must_use]
    pub fn subject(&self) -> String {
        let what = self.event.word().replace('_', " ");
        let subject = match &self.window {
            None => match self.name() {
                None => format!("[maintenance] {what}"),
                Some(series) => format!("[maintenance] {what}: {series}"),
            },
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

    /// The e-mail's text, sent by the function.
    #[must_use]
    pub fn text(&self, function: &Function) -> String {
        let steps: String = self.next_steps.iter().map(|step| format!("To do: {step}\n")).collect();
        let gap = if steps.is_empty() { "" } else { "\n" };
        let console = function.console.iter().map(|link| format!("The function in the console: {link}\n"));
        let end: String = console.chain([format!("{}: {}\n", words::COMMAND, command(function))]).collect();
        format!("{}\n\n{}{gap}{steps}\n{end}", self.title(), self.details(function))
    }

    /// How the site stands, then what happened.
    fn title(&self) -> String {
        let site = self.site.as_ref().map(site::sentence);
        [site, Some(self.headline.clone())].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// What is between the title and what to do.
    fn details(&self, function: &Function) -> String {
        let site = self.site.as_ref().map(site::details).filter(|details| !details.is_empty());
        let mut details = site.map(|details| format!("{details}\n\n")).unwrap_or_default();
        let Function { name, region, account, .. } = function;
        details.push_str(&labelled("Stack", &format!("{name} in {region}, account {account}")));
        details.extend(self.window.as_ref().map(|window| self.facts(window)));
        details.extend(self.series.as_ref().map(|about| self.facts_of_series(about)));
        for rule in &self.rules {
            details.push_str(&labelled("Rule", &format!("{}: {}", rule.arn.short(), words::rule_state(rule.state))));
        }
        if !self.notes.is_empty() {
            details.push('\n');
        }
        details.extend(self.notes.iter().map(|note| format!("Note: {note}\n")));
        details
    }

    fn facts(&self, window: &Window) -> String {
        let zone = window.timezone.as_deref();
        let mut lines = vec![("Window", window.id.to_string()), ("Start", two_lines(&spoken(window.start, zone)))];
        let end = window.end.map_or("open, until it is switched off".to_owned(), |end| two_lines(&spoken(end, zone)));
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
        lines.extend(window.message.clone().map(|message| ("Visitors", message)));
        lines.iter().map(|(label, value)| labelled(label, value)).collect()
    }

    fn facts_of_series(&self, (series, decision, view): &(Series, Decision, SeriesView)) -> String {
        let zone = Some(series.timezone.as_str());
        let mut lines = vec![
            ("Series", series.id.to_string()),
            ("Recurs", format!("{} in {}", series.every, series.timezone)),
            ("Length", spoken_duration(series.duration)),
        ];
        let which = if self.event == Event::Unskipped { "Included" } else { "Left out" };
        lines.extend(decision.start.map(|start| (which, two_lines(&spoken(start, zone)))));
        if self.event != Event::Cancelled {
            let next = view.next.first().map(|next| two_lines(&spoken(*next, zone)));
            let none = if series.paused { "none until it is resumed" } else { "none: no start lies ahead" };
            lines.push(("Next", next.unwrap_or_else(|| none.to_owned())));
        }
        let edited = Some(series).filter(|_| self.event == Event::Edited);
        let reason = edited.map_or(&decision.reason, |series| &series.reason);
        lines.extend(reason.clone().map(|reason| ("Reason", reason)));
        lines.extend(decision.requested_by.clone().map(|who| ("Asked by", who)));
        lines.extend(edited.and_then(|series| series.message.clone()).map(|message| ("Visitors", message)));
        lines.iter().map(|(label, value)| labelled(label, value)).collect()
    }

    /// The JSON document, sent by the function.
    #[must_use]
    pub fn document(&self, function: &Function) -> Value {
        json!({
            "version": 1,
            "report_id": self.report_id(),
            "event": self.event,
            "at": self.at,
            "site": self.site.as_ref().map(|site| site.state),
            "function": function,
            "window": self.window.as_ref().map(WindowView::new),
            "series": self.series.as_ref().map(|about| &about.2),
            "rules": self.rules,
            "planned": self.window.as_ref().map(|window| Planned { start: window.start, end: window.end }),
            "actual": self.actual,
            "text": self.text(function),
        })
    }
}

/// The command that asks how the site stands.
fn command(function: &Function) -> String {
    function.command(&json!({ "action": "status" }))
}

/// A labelled line. What people typed stands in it as they typed it.
fn labelled(label: &str, value: &str) -> String {
    format!("{label:<10}{value}\n")
}

/// A spoken time over two lines where it is told in two zones: a phone shows some forty characters.
fn two_lines(spoken: &str) -> String {
    spoken.replacen(" UTC (", &format!(" UTC\n{:10}(", ""), 1)
}

fn punctual(at: Timestamp, late_secs: Option<i64>, zone: Option<&str>) -> String {
    let by = |secs: i64| spoken_duration(SignedDuration::from_secs(secs.abs()));
    let at = two_lines(&spoken(at, zone));
    match late_secs {
        None => at,
        Some(0 | 1) => format!("{at}, on time"),
        Some(secs) if secs < 0 => format!("{at}, {} early", by(secs)),
        Some(secs) => format!("{at}, {} late", by(secs)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        series::tests::series,
        window::{
            DecisionKind,
            tests::{active, at},
        },
    };

    fn function() -> Function {
        Function::of("arn:aws-iso:lambda:us-iso-east-1:123456789012:function:shop")
    }

    #[test]
    fn an_edited_series_is_told_with_its_new_words() {
        let (reason, requested_by) = (Some("asked to".to_owned()), Some("ana".to_owned()));
        let (at, action) = (at("01:00:00"), DecisionKind::Edit);
        let decision = Decision { at, action, requested_by, reason, start: None, end: None };
        let words = |text: &str| Some(text.to_owned());
        let edited = Series { reason: words("new & why"), message: words("Back by 5 UTC (sharp)"), ..series() };
        let report = Report::of_series(Event::Edited, (&edited, &[]), &decision, "request", at);
        let text = report.text(&function());
        for line in ["Series    nightly", "Reason    new & why", "Asked by  ana", "Visitors  Back by 5 UTC (sharp)"] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        assert_eq!(report.subject(), "[maintenance] edited: nightly");
    }

    #[test]
    fn a_decision_about_a_series_has_one_id_and_every_other_has_another() {
        let decision = |moment: &str| {
            let (at, action) = (at(moment), DecisionKind::Pause);
            Decision { at, action, requested_by: None, reason: None, start: None, end: None }
        };
        let id = |series: &Series, moment: &str, request: &str, told: &str| {
            Report::of_series(Event::Paused, (series, &[]), &decision(moment), request, at(told)).report_id()
        };
        let first = id(&series(), "01:00:00", "one", "01:00:01");
        assert_eq!(first, id(&Series { paused: true, ..series() }, "01:00:00", "one", "02:00:00"));
        let other = Series { uid: "other".to_owned(), ..series() };
        for another in [
            id(&series(), "01:00:00", "two", "01:00:01"),
            id(&series(), "01:00:01", "one", "01:00:01"),
            id(&other, "01:00:00", "one", "01:00:01"),
        ] {
            assert_ne!(first, another);
        }
    }

    #[test]
    fn where_the_console_is_not_known_the_command_is_there_all_the_same() {
        let text = Report::new(Event::Started, &active(), String::new(), at("02:00:00")).text(&function());
        assert!(text.contains("Stack     shop in us-iso-east-1, account 123456789012\n"), "{text}");
        assert!(!text.contains("console") && text.contains("aws lambda invoke --function-name shop"), "{text}");
    }
}
