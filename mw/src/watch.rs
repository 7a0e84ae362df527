//! Following a window until it has ended.

use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    answer::{Answer, Past, Window},
    call::{Function, Outcome},
    cli::Watch,
    event::{Event, status},
    exit::Exit,
    shell::Prefix,
    show::{self, Screen, length, moment},
    text::clean,
    world::Clock,
};

/// How soon to ask when something is due, and how late after unanswered questions.
const SOONEST: Duration = Duration::from_secs(2);
const LATEST: Duration = Duration::from_secs(120);

/// What is known of the window.
struct Known {
    window: Window,
    site: String,
    /// Why the last question was not answered, and since when none was.
    silent: Option<(Instant, String)>,
}

/// Follows a window; says what becomes of it.
pub async fn watch(function: &Function, asked: &Watch, screen: &Screen, prefix: &Prefix, clock: Clock) -> Exit {
    let mut live = Live::new(screen);
    // The first question has to be answered: what is wrong with it is wrong with all.
    let first = function.ask(&about(asked.id.as_deref()), &mut |why| screen.note("", why)).await;
    let mut known = match first {
        Outcome::Answered(text, answer) => match chosen(&answer, asked.id.as_deref()) {
            Ok(window) => {
                screen.whole(&text);
                Known { window, site: answer.site.unwrap_or_default(), silent: None }
            }
            Err(why) => {
                screen.whole(&text);
                screen.note("refused", &why);
                return Exit::Refused;
            }
        },
        Outcome::Refused(text, failure) => {
            if let Some(id) = asked.id.as_deref().filter(|_| failure.kind == "InvalidEvent")
                && let Some(past) = past(function, id).await
            {
                return over(function, screen, prefix, &past).await;
            }
            screen.whole(&text);
            screen.note("refused", &failure.message);
            return Exit::Refused;
        }
        Outcome::Failed(text, failure) => {
            screen.whole(&text);
            screen.note("failed", &failure.to_string());
            return Exit::Uncertain;
        }
        Outcome::Uncertain(why) | Outcome::Unsent(why) => {
            screen.note("failed", &why);
            return Exit::Uncertain;
        }
    };
    let id = known.window.id.clone();
    let mut unanswered = 0;
    loop {
        let until = Instant::now() + pause(asked.interval, unanswered, &known.window, clock());
        live.show_until(until, &known, clock).await;
        let why = match function.ask_once(&about(Some(&id))).await {
            Outcome::Answered(_, answer) => {
                match answer.windows.iter().find(|window| window.id == id) {
                    Some(window) => {
                        let site = answer.site.clone().unwrap_or_default();
                        known = Known { window: window.clone(), site, silent: None };
                        unanswered = 0;
                        continue;
                    }
                    // The rules were read but not the windows, or a series has its name.
                    None => "the window could not be read".to_owned(),
                }
            }
            Outcome::Refused(_, failure) if failure.kind == "InvalidEvent" => match past(function, &id).await {
                Some(past) => {
                    live.done();
                    return over(function, screen, prefix, &past).await;
                }
                None => "it is over, but the history could not be read".to_owned(),
            },
            Outcome::Refused(_, failure) | Outcome::Failed(_, failure) => failure.to_string(),
            Outcome::Uncertain(why) | Outcome::Unsent(why) => why,
        };
        unanswered += 1;
        let since = known.silent.as_ref().map_or_else(Instant::now, |(since, _)| *since);
        if since.elapsed() > asked.give_up_after {
            live.done();
            screen.note(
                "not certain",
                &format!("nothing was heard of window {id} for {}s: {why}", since.elapsed().as_secs()),
            );
            return Exit::Uncertain;
        }
        known.silent = Some((since, why));
    }
}

fn about(id: Option<&str>) -> Event {
    let mut event = status();
    if let Some(id) = id {
        event.insert("id".to_owned(), json!(id));
    }
    event
}

/// The window that is meant: the one that is asked for, the only one that covers the site, or else the next.
fn chosen(answer: &Answer, id: Option<&str>) -> Result<Window, String> {
    if let Some(id) = id {
        return answer.windows.iter().find(|window| window.id == id).cloned().ok_or_else(|| {
            match answer.series.first() {
                Some(series) => format!("{} is a series; name one of its windows, which `mw status` lists", series.id),
                None => format!("of window {id} nothing could be read"),
            }
        });
    }
    let (booked, covering): (Vec<&Window>, Vec<&Window>) =
        answer.windows.iter().partition(|window| window.state == "booked");
    match (covering.as_slice(), booked.as_slice()) {
        ([only], _) => Ok((*only).clone()),
        ([], booked) => {
            let next = booked.iter().min_by_key(|window| window.start);
            next.map(|next| (*next).clone()).ok_or_else(|| "no window is booked or active".to_owned())
        }
        (several, _) => {
            let names: Vec<&str> = several.iter().map(|window| window.id.as_str()).collect();
            Err(format!("several windows are active: {}; name the one to watch", names.join(", ")))
        }
    }
}

/// How long until the next question: soon when something is due, later when none was answered.
fn pause(interval: Duration, unanswered: u32, window: &Window, now: Timestamp) -> Duration {
    if unanswered > 0 {
        return interval.saturating_mul(2_u32.saturating_pow(unanswered)).min(LATEST.max(interval));
    }
    let due = if window.state == "booked" { Some(window.start) } else { window.end.filter(|_| window.state != "held") };
    let left = due.and_then(|due| Duration::try_from(due.duration_since(now)).ok());
    match left {
        // A little later than that, since the function then needs a moment.
        Some(left) => interval.min(left + SOONEST),
        // It is due and not done.
        None if due.is_some() => interval.min(SOONEST * 2),
        None => interval,
    }
}

async fn past(function: &Function, id: &str) -> Option<Past> {
    let mut event = Event::new();
    event.insert("action".to_owned(), json!("history"));
    event.insert("id".to_owned(), json!(id));
    event.insert("limit".to_owned(), json!(1));
    let (_, answer) = function.ask(&event, &mut |_| ()).await.answer().ok()?;
    answer.history.into_iter().find(|past| past.kind.as_deref() != Some("series"))
}

/// How it ended, and how the site stands then.
async fn over(function: &Function, screen: &Screen, prefix: &Prefix, past: &Past) -> Exit {
    let outcome = past.outcome.clone().unwrap_or_else(|| "over".to_owned());
    let planned = past.planned.as_ref().and_then(|planned| planned.end);
    let when = match (past.actual.as_ref().and_then(|actual| actual.ended).or(past.ended_at), planned) {
        (Some(at), Some(planned)) if at < planned - SignedDuration::from_secs(30) => {
            format!(", {}, {} before its planned end", moment(at), length(planned.duration_since(at)))
        }
        (Some(at), _) => format!(", {}", moment(at)),
        (None, _) => String::new(),
    };
    screen.lines(&[clean(&format!("Window {} is over: {outcome}{when}.", past.id))]);
    let site = match function.ask(&status(), &mut |why| screen.note("", why)).await.answer() {
        Ok((text, answer)) => {
            screen.whole(&text);
            screen.lines(&show::lines(&answer, prefix, 0));
            answer.site.unwrap_or_default()
        }
        Err(why) => {
            screen.note("failed", &why);
            return Exit::Uncertain;
        }
    };
    match (outcome.as_str(), site.as_str()) {
        (_, "unknown" | "") => Exit::Uncertain,
        // Another window may cover the site by now.
        ("completed", "open" | "maintenance" | "mixed") => Exit::Done,
        _ => Exit::OtherState,
    }
}

/// One line that is kept up to date on a terminal, a line for each change elsewhere.
struct Live {
    on_terminal: bool,
    json: bool,
    last: String,
}

impl Live {
    fn new(screen: &Screen) -> Self {
        Self { on_terminal: std::io::stdout().is_terminal() && !screen.json, json: screen.json, last: String::new() }
    }

    async fn show_until(&mut self, until: Instant, known: &Known, clock: Clock) {
        if self.json {
            tokio::time::sleep_until(until).await;
            return;
        }
        loop {
            let site = &known.site;
            let style = show::style(site);
            // Elsewhere what is left would make every line another.
            let line = clean(&told(known, self.on_terminal.then(clock)));
            let line = format!("{style}{}{style:#} {line}", clean(site));
            if self.on_terminal {
                let mut out = anstream::stdout().lock();
                // Cut at the edge of the terminal: a second line would stay.
                let _ = write!(out, "\r\x1b[K\x1b[?7l{line}\x1b[?7h");
                let _ = out.flush();
            } else if line != self.last {
                let _ = writeln!(anstream::stdout(), "{line}");
            }
            self.last = line;
            let now = Instant::now();
            if now >= until {
                return;
            }
            sleep(Duration::from_secs(1).min(until - now)).await;
        }
    }

    fn done(&mut self) {
        if self.on_terminal && !self.last.is_empty() {
            let _ = writeln!(anstream::stdout());
        }
    }
}

/// How a window stands, with what is left if the time is told.
fn told(known: &Known, now: Option<Timestamp>) -> String {
    let Known { window, silent, .. } = known;
    let towards = |what: &str, at: Timestamp| match now.map(|now| at.duration_since(now)) {
        Some(left) if left.is_positive() => format!("{what}s in {} ({})", length(left), moment(at)),
        Some(_) => format!("{what} due since {}", moment(at)),
        None => format!("{what}s {}", moment(at)),
    };
    let stands = match (window.state.as_str(), window.end) {
        ("booked", _) => towards("start", window.start),
        ("held", Some(end)) => format!("its end has passed, {}; `mw off {}` ends it", moment(end), window.id),
        ("ending", _) => "ending".to_owned(),
        (_, Some(end)) => towards("end", end),
        (_, None) => "lasts until `mw off`".to_owned(),
    };
    let silent = match (silent, now) {
        (None, _) => String::new(),
        (Some((since, why)), Some(_)) => format!("; no answer for {}s: {why}", since.elapsed().as_secs()),
        (Some((_, why)), None) => format!("; no answer: {why}"),
    };
    format!("{} {}: {stands}{silent}", window.id, window.state)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(id: &str, state: &str, start: &str) -> Window {
        let start: Timestamp = start.parse().expect("a time");
        let end = Some(start + SignedDuration::from_hours(1));
        let (id, state) = (id.to_owned(), state.to_owned());
        Window { id, start, end, state, reason: None, at_end: None, outcome: None }
    }

    fn answer(windows: Vec<Window>) -> Answer {
        let json = json!({ "action": "status", "outcome": "open", "message": "" });
        Answer { windows, ..serde_json::from_value(json).expect("an answer") }
    }

    #[test]
    fn the_window_to_watch_is_never_guessed_among_several_that_are_active() {
        let (a, b) = (window("a", "active", "2026-12-06T02:00:00Z"), window("b", "held", "2026-12-06T01:00:00Z"));
        let (c, d) = (window("c", "booked", "2026-12-08T02:00:00Z"), window("d", "booked", "2026-12-07T02:00:00Z"));
        let chosen = |windows: &[&Window], id: Option<&str>| {
            chosen(&answer(windows.iter().map(|window| (*window).clone()).collect()), id).map(|window| window.id)
        };
        assert_eq!(chosen(&[&c, &a], None).as_deref(), Ok("a"));
        assert_eq!(chosen(&[&c, &d], None).as_deref(), Ok("d"), "the next");
        assert_eq!(chosen(&[&a, &b], Some("b")).as_deref(), Ok("b"));
        assert!(chosen(&[&a, &b], None).expect_err("two").contains("a, b"));
        assert!(chosen(&[], None).is_err());
        assert!(chosen(&[&a], Some("x")).is_err());
    }

    #[test]
    fn it_asks_sooner_when_something_is_due_and_later_when_nobody_answers() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let secs = Duration::from_secs;
        let active = window("a", "active", "2026-12-06T02:00:00Z");
        let held = Window { state: "held".to_owned(), ..active.clone() };
        let wait = |unanswered, window: &Window, now: &str| pause(secs(20), unanswered, window, at(now));
        assert_eq!(wait(0, &active, "2026-12-06T02:30:00Z"), secs(20));
        assert_eq!(wait(0, &active, "2026-12-06T02:59:55Z"), secs(7));
        assert_eq!(wait(0, &active, "2026-12-06T03:00:10Z"), secs(4));
        assert_eq!(wait(0, &held, "2026-12-06T03:00:10Z"), secs(20), "it waits for a person");
        assert_eq!(wait(1, &active, "2026-12-06T03:00:10Z"), secs(40));
        assert_eq!(wait(30, &active, "2026-12-06T03:00:10Z"), secs(120));
    }
}
