//! The page: what was seen, as HTML. Whatever is not markup is escaped by the compiler's doing.

use jiff::Timestamp;
use maud::{Markup, PreEscaped, html};

use super::{
    Seen,
    buttons::{self, Buttons},
    context::{Context, Part, Theme},
    forms, style, timeline, words,
};
use crate::{
    error::capitalised,
    model::{
        id::WindowId,
        series::SeriesView,
        window::{AtEnd, State, Window},
    },
    plan::site::Site,
    report::{
        response::Response,
        site,
        views::{PastView, RuleView, WindowView},
        words::rule_state,
    },
};

/// The most rows of a table.
const WINDOWS_MAX: usize = 50;
const SERIES_MAX: usize = 20;
const RULES_MAX: usize = 30;
const TODO_MAX: usize = 12;

/// How much of a person's text stands in a row, in characters.
const TEXT_MAX: usize = 60;

/// How many bytes the buttons of windows and series may take together, so that a page of many stays small.
const BUTTONS_MAX: usize = 28_000;

/// How many bytes of that each row takes away, since it fills the page itself.
const BUTTONS_LESS: usize = 330;

/// The whole page of a look; with buttons and a form if it is drawn for somebody who may act.
pub(super) fn page(context: &Context, now: Timestamp, seen: &Seen<'_>, buttons: Option<&Buttons<'_>>) -> Markup {
    let pressing = buttons.filter(|_| context.shows(Part::Actions));
    let part = |part: Part| {
        Some(match part {
            Part::State => state(context, now, seen.present),
            Part::Attention => attention(context, seen),
            Part::Timeline => titled("The last and next days", &timeline::timeline(context, now, seen)),
            Part::Actions => titled("Act", &buttons::bar(pressing?)),
            Part::Windows => windows(context, now, seen, pressing),
            Part::Book => titled("Book", &forms::form(buttons?, pressing.is_none())),
            Part::Rules => rules(&seen.present.rules),
            Part::History => history(context, now, seen),
        })
    };
    framed(
        context,
        &html! {
            @for shown in context.parts() { @if let Some(shown) = part(shown) { (shown) } }
            (footer(context, now))
        },
    )
}

/// A page that says one thing: what went wrong with a look.
pub(super) fn message(context: &Context, title: &str, text: &str) -> Markup {
    let text = html! { section.state.alert { div { h2 { (title) } p { (text) } } } };
    framed(context, &text)
}

pub(super) fn framed(context: &Context, inside: &Markup) -> Markup {
    let theme = match context.theme {
        Theme::Light => "mw-light",
        Theme::Dark => "mw-dark",
    };
    let narrow = if context.is_narrow() { " mw-narrow" } else { "" };
    html! {
        style { (PreEscaped(style::CSS)) }
        div class={ "mw cwdb-no-default-styles " (theme) (narrow) } lang="en" { (inside) }
    }
}

fn titled(title: &str, inside: &Markup) -> Markup {
    html! { section { h3 { (title) } (inside) } }
}

fn footer(context: &Context, now: Timestamp) -> Markup {
    html! {
        p.soft {
            "Seen " (now.strftime("%a %-d %b %Y %H:%M:%S")) " UTC. Times are in UTC"
            @if let Some(zone) = context.zone.name() { "; those beneath or behind them in " (zone) }
            "."
        }
    }
}

/// How the site stands, and what is to happen next.
fn state(context: &Context, now: Timestamp, present: &Response) -> Markup {
    let Some(seen) = &present.site else { return html! {} };
    html! {
        section class={ "state " (words::tone(seen.state)) } {
            div { h2 { (words::state(seen.state)) } p { (site::headline(seen)) } }
            @if let Some((what, at)) = next(seen, now) {
                div.next {
                    span.soft { (what) }
                    span.big { (at.strftime("%H:%M")) " UTC" }
                    span.soft { (at.strftime("%a %-d %b")) " · " (words::distance(now, at)) }
                    @if let Some(zone) = context.zone.name() {
                        span.own { (context.zone.at(at).strftime("%a %H:%M")) " " (zone) }
                    }
                }
            }
        }
    }
}

/// The moment that people wait for: the last end of what covers the site, or the next start; without an end, since when.
fn next(site: &Site, now: Timestamp) -> Option<(&'static str, Timestamp)> {
    if site.covering.is_empty() {
        return site.next.as_ref().map(|window| ("Next window", window.start));
    }
    let ends: Option<Vec<Timestamp>> = site.covering.iter().map(|window| window.end).collect();
    match ends.map(|ends| ends.into_iter().max()) {
        Some(last) => last.map(|last| (if last > now { "Expected end" } else { "Planned end" }, last)),
        // One of them has none.
        None => site.covering.iter().filter_map(Window::really_started).min().map(|first| ("No end; since", first)),
    }
}

/// What needs a person.
fn attention(context: &Context, seen: &Seen<'_>) -> Markup {
    let present = seen.present;
    let mut todo: Vec<String> = context.problems.clone();
    todo.extend(seen.past_unread.iter().map(|why| format!("The history could not be read: {why}.")));
    if let Some(site) = present.site.as_ref().filter(|site| words::tone(site.state) == "alert") {
        todo.push(site::sentence(site));
        todo.extend(site::next_steps(site).iter().map(|step| capitalised(step)));
    }
    todo.extend(present.windows.iter().filter_map(waits));
    todo.extend(present.warnings.iter().map(|warning| capitalised(warning)));
    let more = todo.len().saturating_sub(TODO_MAX);
    titled(
        "What needs a person",
        &html! {
            @if todo.is_empty() { p.soft { "Nothing." } } @else {
                ul.todo { @for one in todo.iter().take(TODO_MAX) { li { (one) } } }
                @if more > 0 { p.soft { (more) " more; send {\"action\":\"status\"} to see all." } }
            }
        },
    )
}

/// A window that goes on until somebody ends it.
fn waits(window: &WindowView) -> Option<String> {
    let id = &window.id;
    match (window.state, window.at_end, window.end) {
        (State::Held, AtEnd::ReopenIfHealthy, _) => {
            Some(format!("Window {id} is held past its end until the site answers a tester well, or somebody ends it."))
        }
        (State::Held, ..) => Some(format!("Window {id} is held past its end until somebody ends it.")),
        (State::Active, _, None) => Some(format!("Window {id} has no end: it goes on until somebody ends it.")),
        _ => None,
    }
}

/// What stands where a table has no rows: that there is nothing, or that nobody knows.
fn nothing(unread: Option<&String>, empty: &str) -> Markup {
    html! { p.soft { @match unread { Some(why) => { "Could not be read: " (why) "." }, None => (empty) } } }
}

/// The buttons, if there is room for them.
fn fitting(acts: Option<Markup>, room: &mut usize) -> Option<Markup> {
    let acts = acts?;
    *room = room.checked_sub(acts.0.len())?;
    Some(acts)
}

/// The windows that are not over, and the series.
fn windows(context: &Context, now: Timestamp, seen: &Seen<'_>, buttons: Option<&Buttons<'_>>) -> Markup {
    let present = seen.present;
    let shown = present.windows.len().min(WINDOWS_MAX) + present.series.len().min(SERIES_MAX);
    let mut room = BUTTONS_MAX - BUTTONS_LESS * shown;
    let rows: Vec<Markup> = present
        .windows
        .iter()
        .take(WINDOWS_MAX)
        .map(|window| {
            let acts = buttons.map(|buttons| buttons::of_window(buttons, window, present.site.as_ref()));
            row(context, now, window, fitting(acts, &mut room).as_ref())
        })
        .collect();
    let more = present.windows.len().saturating_sub(WINDOWS_MAX);
    titled(
        "Windows",
        &html! {
            @if present.windows.is_empty() { (nothing(seen.present_unread.as_ref(), "None is booked or active.")) } @else {
                table aria-label="Windows that are not over" {
                    thead { tr {
                        th scope="col" { "Window" } th scope="col" { "Stands" }
                        @if context.is_narrow() { th scope="col" { "Time" } } @else {
                            th scope="col" { "Start" } th scope="col" { "End" }
                        }
                    } }
                    tbody { @for row in &rows { (row) } }
                }
                @if more > 0 { p.soft { (more) " more; send {\"action\":\"status\"} to see all." } }
            }
            @if !present.series.is_empty() { (series(context, now, present, buttons, room)) }
        },
    )
}

fn row(context: &Context, now: Timestamp, window: &WindowView, acts: Option<&Markup>) -> Markup {
    let start = words::moment(context, now, window.start);
    let end = html! {
        @match window.end { Some(end) => (words::moment(context, now, end)), None => "until somebody ends it" }
    };
    html! {
        tr {
            (named(&window.id, window.reason.as_deref(), window.requested_by.as_deref(), acts))
            td { (words::window(window.state)) }
            @if context.is_narrow() { td { (start) @if window.end.is_some() { "to " } (end) } } @else { td { (start) } td { (end) } }
        }
    }
}

fn named(id: &WindowId, reason: Option<&str>, by: Option<&str>, acts: Option<&Markup>) -> Markup {
    html! {
        th scope="row" {
            strong { (id) }
            @if let Some(reason) = reason { (words::cut(reason, TEXT_MAX)) }
            @if let Some(by) = by { span.own { (words::cut(by, TEXT_MAX)) } }
            @if let Some(acts) = acts { div.acts { (acts) } }
        }
    }
}

/// The series, with the room that windows leave for buttons.
fn series(
    context: &Context,
    now: Timestamp,
    present: &Response,
    buttons: Option<&Buttons<'_>>,
    mut room: usize,
) -> Markup {
    let all = &present.series;
    let mut acts = |one: &SeriesView| {
        fitting(buttons.map(|buttons| buttons::of_series(buttons, one, &present.windows)), &mut room)
    };
    let more = all.len().saturating_sub(SERIES_MAX);
    html! {
        table aria-label="Series" {
            thead { tr { th scope="col" { "Series" } th scope="col" { "Recurs" } th scope="col" { "Next starts" } } }
            tbody {
                @for one in all.iter().take(SERIES_MAX) {
                    tr {
                        (named(&one.id, one.reason.as_deref(), one.requested_by.as_deref(), acts(one).as_ref()))
                        td {
                            (one.every) span.own { (one.timezone) }
                            @for note in &one.notes { span.own { (words::cut(note, 200)) } }
                        }
                        td {
                            @if one.paused { "paused" } @else if one.next.is_empty() { "none" }
                            @for start in &one.next { div { (words::moment(context, now, *start)) } }
                            @if !one.skipped.is_empty() { span.own { (one.skipped.len()) " left out" } }
                        }
                    }
                }
            }
        }
        @if more > 0 { p.soft { (more) " more series." } }
    }
}

/// The listener's rules.
fn rules(rules: &[RuleView]) -> Markup {
    let more = rules.len().saturating_sub(RULES_MAX);
    titled(
        "Rules",
        &html! {
            @if rules.is_empty() { p.soft { "None could be read." } } @else {
                ul {
                    @for rule in rules.iter().take(RULES_MAX) {
                        li { strong { (rule.arn.short()) } " " span.soft { (rule_state(rule.state)) } }
                    }
                }
                @if more > 0 { p.soft { (more) " more." } }
            }
        },
    )
}

/// What is over: what was planned, and what was.
fn history(context: &Context, now: Timestamp, seen: &Seen<'_>) -> Markup {
    let past = seen.past;
    titled(
        "History",
        &html! {
            @if past.is_empty() { (nothing(seen.past_unread.as_ref(), "No window is over yet.")) } @else {
                table aria-label="Windows that are over, the latest first" {
                    thead { tr {
                        th scope="col" { "Window" } th scope="col" { "Outcome" } th scope="col" { "Planned" }
                        @if !context.is_narrow() { th scope="col" { "Really" } th scope="col" { "Decided" } }
                    } }
                    tbody { @for one in past { (over(context, now, one)) } }
                }
                @if seen.past_goes_on { p.soft { "There are more; send {\"action\":\"history\"} to see them." } }
            }
        },
    )
}

/// How many requests were turned away, in words; a visitor may make many.
fn turned_away(count: u64) -> String {
    if count == 1 { "1 request turned away".to_owned() } else { format!("{count} requests turned away") }
}

fn over(context: &Context, now: Timestamp, past: &PastView) -> Markup {
    let span = |start: Option<Timestamp>, end: Option<Timestamp>| {
        html! {
            @if let Some(start) = start { (words::moment(context, now, start)) }
            @if let Some(end) = end { div { "to " (words::moment(context, now, end)) } }
        }
    };
    let actual = past.actual.unwrap_or_default();
    html! {
        tr {
            (named(&past.id, past.reason.as_deref(), past.requested_by.as_deref(), None))
            td { (past.kind) " " (words::outcome(past.outcome)) }
            td {
                @match past.planned {
                    Some(planned) => (span(Some(planned.start), planned.end)),
                    None => @if let Some(at) = past.ended_at { "ended " (words::moment(context, now, at)) },
                }
            }
            @if !context.is_narrow() {
                td {
                    (span(actual.started, actual.ended))
                    @if let Some(late) = actual.start_late_secs.filter(|late| *late > 0) {
                        div.own { "started " (length(late)) " late" }
                    }
                    @if let Some(late) = actual.end_late_secs.filter(|late| *late != 0) {
                        div.own { (lateness(late)) }
                    }
                    @if let Some(seen) = seen_after(past) { div.soft { (seen) } }
                    @if let Some(count) = past.turned_away { div.soft { (turned_away(count)) } }
                }
                td { (words::decisions(&past.decisions)) }
            }
        }
    }
}

/// How long visitors took to see the change at the start and at the end, where the site was watched.
fn seen_after(past: &PastView) -> Option<String> {
    let told = |what: &str, secs: i64| format!("{what} seen after {secs} s");
    match (past.closed_seen_after_secs, past.opened_seen_after_secs) {
        (Some(closed), Some(opened)) => Some(format!("{}, opening after {opened} s", told("closing", closed))),
        (Some(closed), None) => Some(told("closing", closed)),
        (None, Some(opened)) => Some(told("opening", opened)),
        (None, None) => None,
    }
}

fn length(secs: i64) -> String {
    crate::model::time::roughly(jiff::SignedDuration::from_secs(secs.abs()))
}

fn lateness(secs: i64) -> String {
    let length = length(secs);
    if secs < 0 { format!("ended {length} early") } else { format!("ended {length} late") }
}
