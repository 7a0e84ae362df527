//! What a person reads: a few lines that answer the question, the first of which says how the site stands.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use jiff::{SignedDuration, Timestamp};

use crate::{
    answer::{Answer, Past, Window},
    shell::Prefix,
    text::{clean, clean_csv, clean_json},
};

/// How many warnings, next steps and findings are shown; the rest is in the whole answer. Next steps are all there is to
/// do, and only many windows at once have more of them.
const WARNINGS: usize = 2;
const STEPS: usize = 8;
const FINDINGS: usize = 3;

/// How many windows are named in one line.
const NAMED: usize = 5;

/// How many entries of the history are shown, unless the command says how many.
pub const ENTRIES: usize = 5;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();

/// Where it is written.
#[derive(Debug)]
pub struct Screen {
    /// Whether the answer is wanted as it came.
    pub json: bool,
}

impl Screen {
    /// Lines for the person, or nothing if the answer is wanted as it came.
    pub fn lines(&self, lines: &[String]) {
        if !self.json {
            let mut out = anstream::stdout().lock();
            for line in lines {
                let _ = writeln!(out, "{line}");
            }
        }
    }

    /// The answer as it came, if it is wanted so.
    pub fn whole(&self, text: &str) {
        if self.json {
            let _ = writeln!(io::stdout(), "{}", clean_json(text.trim_end()));
        }
    }

    /// Comma-separated values as they came: what a file is to hold.
    pub fn csv(&self, table: &str) {
        if !self.json {
            let _ = write!(io::stdout(), "{}", clean_csv(table));
        }
    }

    /// What happened on the way, or went wrong: a word, and what it was.
    pub fn note(&self, word: &str, what: &str) {
        let style = match word {
            "" => DIM,
            _ => RED,
        };
        let told = if word.is_empty() { String::new() } else { format!(" {style}{word}:{style:#}") };
        let _ = writeln!(anstream::stderr(), "{DIM}mw:{DIM:#}{told} {}", clean(what));
    }
}

/// The colour of a state of the site.
#[must_use]
pub fn style(site: &str) -> Style {
    match site {
        "open" => GREEN,
        "maintenance" | "mixed" => YELLOW,
        _ => RED,
    }
}

/// The answer in a few lines; of the history, so many entries.
#[must_use]
pub fn lines(answer: &Answer, prefix: &Prefix, entries: usize) -> Vec<String> {
    let mut lines = message(answer);
    lines.extend(answer.findings.iter().take(FINDINGS).map(|finding| {
        let style = if finding.severity == "error" { RED } else { YELLOW };
        format!("{style}{}{style:#}: {}; {}", clean(&finding.severity), clean(&finding.what), clean(&finding.fix))
    }));
    lines.extend(more(answer.findings.len(), FINDINGS, "finding"));
    if !answer.checked.is_empty() {
        lines.push(format!("{DIM}What was looked at and is well, and what was not:{DIM:#}"));
        lines.extend(answer.checked.iter().map(|line| format!("{DIM}  {}{DIM:#}", clean(line))));
    }
    lines.extend(answer.history.iter().take(entries).map(past));
    lines.extend(more(answer.history.len(), entries, "entry"));
    lines.extend(all_windows(answer));
    lines.extend(answer.visitor.as_ref().map(|visitor| {
        let when = visitor.after_secs.map_or_else(|| "just now".to_owned(), |secs| format!("{secs}s after the change"));
        format!("A visitor got {} {when}.", clean(&visitor.got))
    }));
    lines.extend(
        answer.warnings.iter().take(WARNINGS).map(|warning| format!("{YELLOW}warning{YELLOW:#}: {}", clean(warning))),
    );
    lines.extend(more(answer.warnings.len(), WARNINGS, "warning"));
    lines.extend(answer.next_steps.iter().take(STEPS).map(|step| match prefix.step(step) {
        Some((aim, command)) => format!("{DIM}{}:{DIM:#} {BOLD}{}{BOLD:#}", clean(&aim), clean(&command)),
        None => format!("{DIM}{}{DIM:#}", clean(step)),
    }));
    lines.extend(more(answer.next_steps.len(), STEPS, "next step"));
    lines
}

/// What makes sense next, without colours.
pub fn steps(answer: &Answer, prefix: &Prefix) -> impl Iterator<Item = String> {
    answer.next_steps.iter().map(|step| match prefix.step(step) {
        Some((aim, command)) => format!("{aim}: {command}"),
        None => step.clone(),
    })
}

/// How the site stands, in the colour of that, and then the rest.
fn message(answer: &Answer) -> Vec<String> {
    let text = clean(&answer.message);
    let Some(site) = &answer.site else { return vec![format!("{BOLD}{text}{BOLD:#}")] };
    let style = style(site);
    match text.split_once(". ") {
        Some((first, rest)) => vec![format!("{style}{first}.{style:#}"), rest.to_owned()],
        None => vec![format!("{style}{text}{style:#}")],
    }
}

fn more(all: usize, shown: usize, what: &str) -> Option<String> {
    let left = all.checked_sub(shown).filter(|left| *left > 0)?;
    let what = match (left, what) {
        (1, what) => what.to_owned(),
        (_, "entry") => "entries".to_owned(),
        (_, what) => format!("{what}s"),
    };
    Some(format!("{DIM}and {left} more {what}: --json{DIM:#}"))
}

/// Every window of the status in one line, if there are several: the message tells of those that matter most.
fn all_windows(answer: &Answer) -> Option<String> {
    if answer.action != "status" || answer.windows.len() < 2 {
        return None;
    }
    let named: Vec<String> = answer.windows.iter().take(NAMED).map(in_short).collect();
    let left = match answer.windows.len().saturating_sub(NAMED) {
        0 => String::new(),
        left => format!(", and {left} more (--json)"),
    };
    Some(format!("Windows: {}{left}", named.join(", ")))
}

fn in_short(window: &Window) -> String {
    let when = match (window.state.as_str(), window.end) {
        ("booked", _) => format!("from {}", moment(window.start)),
        (_, Some(end)) => format!("until {}", moment(end)),
        (_, None) => "until off".to_owned(),
    };
    format!("{} ({} {when})", clean(&window.id), clean(&window.state))
}

fn past(past: &Past) -> String {
    let outcome = past.outcome.as_deref().unwrap_or("ended");
    let colour = match outcome {
        "completed" => GREEN,
        "missed" => RED,
        _ => YELLOW,
    };
    let (actual, planned) = (past.actual.as_ref(), past.planned.as_ref());
    let start = actual.and_then(|actual| actual.started).or(planned.map(|planned| planned.start));
    let end = actual.and_then(|actual| actual.ended).or(past.ended_at);
    let when = match (start, end) {
        (Some(start), Some(end)) if end > start => format!("{}, {}", moment(start), length(end.duration_since(start))),
        (Some(at), _) | (None, Some(at)) => moment(at),
        (None, None) => "at no known time".to_owned(),
    };
    let turned_away = match past.turned_away {
        None => String::new(),
        Some(1) => ", 1 request turned away".to_owned(),
        Some(count) => format!(", {count} requests turned away"),
    };
    let why = past.reason.as_ref().map(|reason| format!(", \"{}\"", clean(reason))).unwrap_or_default();
    let who = past.requested_by.as_ref().map(|who| format!(", {}", clean(who))).unwrap_or_default();
    format!("{colour}{}{colour:#} {}: {when}{turned_away}{why}{who}", clean(outcome), clean(&past.id))
}

/// A moment as the function's messages tell it.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    let clock = if at.as_second() % 60 == 0 { "%H:%M" } else { "%H:%M:%S" };
    at.strftime(&format!("%a %-d %b %Y {clock} UTC")).to_string()
}

/// A length of time, to the second below an hour, then to the minute.
#[must_use]
pub fn length(duration: SignedDuration) -> String {
    let secs = duration.as_secs().unsigned_abs();
    let parts = [(secs / 86_400, "d"), (secs / 3600 % 24, "h"), (secs / 60 % 60, "m"), (secs % 60, "s")];
    let of_note = if secs >= 3600 { &parts[..3] } else { &parts[..] };
    let told: Vec<String> =
        of_note.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if told.is_empty() { "0s".to_owned() } else { told.join(" ") }
}
