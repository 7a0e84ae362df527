//! The last and the next days as one picture: windows as bars, what was planned as outlines, what was as filling, and
//! now as a line. It says nothing that the tables do not say in words.

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::{Seen, context::Context, words};
use crate::{
    model::{
        series::SeriesView,
        window::{Outcome, State},
    },
    report::views::{PastView, WindowView},
};

/// How far back and ahead the picture goes, in days: in a wide widget, and in a narrow one.
const DAYS: (i64, i64) = (2, 5);
const DAYS_NARROW: (i64, i64) = (1, 2);

/// The most rows; what finds no place is counted.
const ROWS_MAX: usize = 8;

/// In pixels: the picture's narrowest, what is left for the widget's own edge, the heights of the days' names, of a row
/// and of a bar, and the width of a letter.
const WIDTH_MIN: i64 = 240;
const EDGE: i64 = 40;
const HEAD: i64 = 22;
const ROW: i64 = 22;
const BAR: i64 = 12;
const LETTER: i64 = 7;

/// How much of a name is written beside its bar, in characters.
const NAME_MAX: usize = 28;

/// From when until when; without an end it goes on.
type Span = (Timestamp, Option<Timestamp>);

/// What stands in one row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bar<'a> {
    name: &'a str,
    /// What kind, as the style sheet and a reader know it.
    kind: &'static str,
    planned: Span,
    /// When visitors were kept out; until now if it goes on.
    actual: Option<Span>,
}

/// The piece of time that is drawn.
#[derive(Clone, Copy, Debug)]
struct Scale {
    from: Timestamp,
    to: Timestamp,
    width: i64,
}

impl Scale {
    fn of(context: &Context, now: Timestamp) -> Self {
        let (back, ahead) = if context.is_narrow() { DAYS_NARROW } else { DAYS };
        let day = |days: i64| SignedDuration::from_hours(24 * days);
        Self {
            from: now.checked_sub(day(back)).unwrap_or(Timestamp::MIN),
            to: now.checked_add(day(ahead)).unwrap_or(Timestamp::MAX),
            width: (i64::try_from(context.width).unwrap_or(WIDTH_MIN) - EDGE).max(WIDTH_MIN),
        }
    }

    /// Where a moment stands, within the picture.
    fn x(&self, at: Timestamp) -> i64 {
        let whole = self.to.duration_since(self.from).as_secs().max(1);
        (at.duration_since(self.from).as_secs().clamp(0, whole) * self.width) / whole
    }

    fn holds(&self, (start, end): Span) -> bool {
        start < self.to && end.is_none_or(|end| end > self.from)
    }

    /// Left edge and width of a piece; one that is too short to be seen is drawn a little longer.
    fn piece(&self, (start, end): Span) -> (i64, i64) {
        let (left, right) = (self.x(start), end.map_or(self.width, |end| self.x(end)));
        (left.min(self.width - 3), (right - left).max(3))
    }
}

/// Draws it.
pub(super) fn timeline(context: &Context, now: Timestamp, seen: &Seen<'_>) -> Markup {
    let scale = Scale::of(context, now);
    let (rows, left_out) = rows(bars(now, seen), &scale);
    let height = HEAD + ROW * i64::try_from(rows.len().max(1)).unwrap_or(1);
    let all = height + 16;
    let count = rows.iter().map(Vec::len).sum::<usize>();
    let here = scale.x(now);
    let unread: Vec<&String> = seen.present_unread.iter().chain(&seen.past_unread).collect();
    html! {
        svg role="img" aria-label=(summary(context, &scale, count, unread.is_empty())) viewBox={ "0 0 " (scale.width) " " (all) } width="100%" {
            @for (at, name) in days(context, &scale) {
                line.day x1=(scale.x(at)) y1="0" x2=(scale.x(at)) y2=(height) {}
                // The last day may have no room for its name.
                @if scale.x(at) + 40 < scale.width { text x=(scale.x(at) + 4) y="12" { (name) } }
            }
            @for (row, bars) in (0_i64..).zip(&rows) {
                @for bar in bars { (drawn(bar, &scale, HEAD + row * ROW)) }
            }
            @if rows.is_empty() && unread.is_empty() { text.name x=(here + 6) y=(HEAD + 14) { "No window in these days" } }
            line.now x1=(here) y1=(HEAD - 4) x2=(here) y2=(height) {}
            text.now x=(here) y=(height + 12) text-anchor="middle" { "now" }
        }
        @for why in unread { p.soft { "Could not be read: " (why) "." } }
        p.legend {
            span.key { span.planned {} " planned" }
            span.key { span.actual {} " closed to visitors" }
            span.key { span.coming {} " to be booked by a series, cancelled or missed" }
            @if left_out > 0 { " " (left_out) " more found no place here." }
        }
    }
}

fn drawn(bar: &Bar<'_>, scale: &Scale, top: i64) -> Markup {
    let y = top + (ROW - BAR) / 2;
    let (left, width) = scale.piece(bar.planned);
    let actual = bar.actual.filter(|actual| scale.holds(*actual)).map(|actual| scale.piece(actual));
    let (x, anchor) = name_place(bar, scale);
    html! {
        g class=(bar.kind) {
            title { (bar.name) ", " (bar.kind) }
            rect.planned x=(left) y=(y) width=(width) height=(BAR) rx="2" {}
            @if let Some((left, width)) = actual {
                rect.actual x=(left) y=(y + 3) width=(width) height=(BAR - 6) {}
            }
            text.name x=(x) y=(y + BAR - 2) text-anchor=(anchor) { (words::cut(bar.name, NAME_MAX)) }
        }
    }
}

/// From where to where a bar reaches, both pieces together.
fn extent(bar: &Bar<'_>, scale: &Scale) -> (i64, i64) {
    let pieces = [Some(bar.planned), bar.actual.filter(|actual| scale.holds(*actual))];
    let pieces = pieces.into_iter().flatten().map(|span| scale.piece(span));
    pieces.fold((scale.width, 0), |(left, right), (x, width)| (left.min(x), right.max(x + width)))
}

/// The name stands behind its bar, or before it where the picture ends.
fn name_place(bar: &Bar<'_>, scale: &Scale) -> (i64, &'static str) {
    let (left, right) = extent(bar, scale);
    let length = name_length(bar);
    if right + 6 + length <= scale.width || left < length + 6 { (right + 6, "start") } else { (left - 6, "end") }
}

fn name_length(bar: &Bar<'_>) -> i64 {
    i64::try_from(bar.name.chars().count().min(NAME_MAX)).unwrap_or(0) * LETTER
}

/// The bars in as few rows as they need, each with room for its name; and how many found none.
fn rows<'a>(mut bars: Vec<Bar<'a>>, scale: &Scale) -> (Vec<Vec<Bar<'a>>>, usize) {
    bars.retain(|bar| scale.holds(bar.planned) || bar.actual.is_some_and(|actual| scale.holds(actual)));
    bars.sort_by_key(|bar| (bar.planned.0, bar.name));
    let mut rows: Vec<(i64, Vec<Bar<'a>>)> = vec![];
    let mut left_out = 0;
    for bar in bars {
        let (left, right) = extent(&bar, scale);
        let (from, until) = match name_place(&bar, scale) {
            (x, "end") => (x - name_length(&bar), right),
            (x, _) => (left, x + name_length(&bar)),
        };
        match rows.iter().position(|(taken, _)| *taken + 8 <= from) {
            Some(at) => {
                rows[at].0 = until;
                rows[at].1.push(bar);
            }
            None if rows.len() < ROWS_MAX => rows.push((until, vec![bar])),
            None => left_out += 1,
        }
    }
    (rows.into_iter().map(|(_, row)| row).collect(), left_out)
}

fn bars<'a>(now: Timestamp, seen: &Seen<'a>) -> Vec<Bar<'a>> {
    let past = seen.past.iter().filter_map(of_past);
    let present = seen.present.windows.iter().map(|window| of_window(window, now));
    let series = seen.present.series.iter().flat_map(|series| to_come(series, &seen.present.windows));
    past.chain(present).chain(series).collect()
}

fn of_past(past: &PastView) -> Option<Bar<'_>> {
    let (planned, actual) = (past.planned?, past.actual?);
    let end = actual.ended.or(past.ended_at);
    Some(Bar {
        name: past.id.as_str(),
        kind: match past.outcome {
            Some(Outcome::Cancelled) => "cancelled",
            Some(Outcome::Missed) => "missed",
            Some(Outcome::Completed) | None => "over",
        },
        planned: (planned.start, planned.end.or(end)),
        actual: actual.started.map(|start| (start, end)),
    })
}

fn of_window(window: &WindowView, now: Timestamp) -> Bar<'_> {
    Bar {
        name: window.id.as_str(),
        kind: match window.state {
            State::Booked => "booked",
            State::Active => "active",
            State::Held => "held",
            State::Ending | State::Over => "ending",
        },
        planned: (window.start, window.end),
        actual: window.started.map(|start| (start, Some(now))),
    }
}

/// The starts of a series for which no window is booked yet.
fn to_come<'a>(series: &'a SeriesView, windows: &[WindowView]) -> Vec<Bar<'a>> {
    let booked =
        |at: Timestamp| windows.iter().any(|window| window.series.as_ref() == Some(&series.id) && window.start == at);
    let length = SignedDuration::from_secs(series.duration_secs);
    let starts = series.next.iter().copied().filter(|start| !booked(*start));
    let bar = |start: Timestamp| Bar {
        name: series.id.as_str(),
        kind: "coming",
        planned: (start, start.checked_add(length).ok()),
        actual: None,
    };
    starts.map(bar).collect()
}

/// The days' first moments where the viewer is, and their names.
fn days(context: &Context, scale: &Scale) -> Vec<(Timestamp, String)> {
    let mut days = vec![];
    let mut day = context.zone.at(scale.from).tomorrow().and_then(|day| day.start_of_day());
    while let Ok(first) = day {
        if first.timestamp() >= scale.to {
            break;
        }
        let name = if context.is_narrow() { "%a" } else { "%a %-d" };
        days.push((first.timestamp(), first.strftime(name).to_string()));
        day = first.tomorrow().and_then(|day| day.start_of_day());
    }
    days
}

fn summary(context: &Context, scale: &Scale, count: usize, is_whole: bool) -> String {
    let day = |at: Timestamp| context.zone.at(at).strftime("%A %-d %B").to_string();
    let windows = if count == 1 { "window".to_owned() } else { format!("{count} windows") };
    let windows = match (count, is_whole) {
        (0, true) => "no window".to_owned(),
        (_, true) => windows,
        (0, false) => "what could not be read left out".to_owned(),
        (_, false) => format!("{windows}, and what could not be read left out"),
    };
    format!("Timeline from {} to {} with {windows}; the tables say the same in words", day(scale.from), day(scale.to))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{model::window::tests::at, report::response::Response};

    fn scale() -> Scale {
        Scale { from: at("00:00:00"), to: at("10:00:00"), width: 1000 }
    }

    fn bar(name: &'static str, start: &str, end: &str) -> Bar<'static> {
        Bar { name, kind: "booked", planned: (at(start), Some(at(end))), actual: None }
    }

    #[test]
    fn a_moment_stands_where_its_time_is_and_never_outside() {
        assert_eq!(scale().x(at("02:30:00")), 250);
        assert_eq!(scale().x(at("23:00:00")), 1000);
        assert_eq!(scale().x("2026-12-05T00:00:00Z".parse().expect("a time")), 0);
        assert_eq!(scale().piece((at("02:00:00"), Some(at("03:00:00")))), (200, 100));
        assert_eq!(scale().piece((at("02:00:00"), None)), (200, 800), "without an end it goes on");
        assert_eq!(scale().piece((at("02:00:00"), Some(at("02:00:01")))), (200, 3), "a second can be seen");
    }

    #[test]
    fn windows_share_a_row_unless_one_or_its_name_would_cover_another() {
        let apart = vec![bar("a", "00:00:00", "01:00:00"), bar("b", "05:00:00", "06:00:00")];
        assert_eq!(rows(apart, &scale()).0.len(), 1);
        let long = "a-name-of-twenty-eight-signs";
        let named = vec![bar(long, "00:00:00", "01:00:00"), bar("b", "02:00:00", "03:00:00")];
        assert_eq!(rows(named, &scale()).0.len(), 2);
        let many: Vec<Bar<'_>> = (0..10).map(|_| bar("w", "01:00:00", "02:00:00")).collect();
        let (drawn, left_out) = rows(many, &scale());
        assert_eq!((drawn.len(), left_out), (ROWS_MAX, 2));
        let elsewhere = vec![bar("a", "11:00:00", "12:00:00")];
        assert_eq!(rows(elsewhere, &scale()), (vec![], 0));
    }

    #[test]
    fn a_name_stands_before_its_bar_where_the_picture_ends() {
        assert_eq!(name_place(&bar("deploy", "01:00:00", "02:00:00"), &scale()), (206, "start"));
        assert_eq!(name_place(&bar("deploy", "09:00:00", "10:00:00"), &scale()), (894, "end"));
    }

    #[test]
    fn days_begin_at_the_viewers_midnight() {
        let context = Context::read(&json!({"timezone": {"label": "Local", "offsetISO": "+02:00"}}));
        let days = days(&context, &Scale { to: "2026-12-08T00:00:00Z".parse().expect("a time"), ..scale() });
        let told: Vec<String> = days.iter().map(|(at, name)| format!("{name} {}", at.strftime("%H:%M"))).collect();
        assert_eq!(told, ["Mon 7 22:00", "Tue 8 22:00"]);
    }

    #[test]
    fn a_picture_at_either_end_of_the_calendar_is_drawn() {
        let (context, present) = (Context::read(&json!({"width": 1})), Response::default());
        for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            let seen =
                Seen { present: &present, past: &[], past_goes_on: false, present_unread: None, past_unread: None };
            assert!(timeline(&context, now, &seen).into_string().contains("No window in these days"));
        }
    }
}
