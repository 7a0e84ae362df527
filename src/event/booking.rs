//! What `book`, `on` and `check` are asked to do: the times and options of windows and series.

use jiff::{Timestamp, tz::TimeZone};

use super::{Asked, Booking, Inquiry, Recurring, fields::Fields};
use crate::{
    config::Config,
    model::{
        id::WindowId,
        recurrence::Recurrence,
        rule_arn::RuleArn,
        series::Series,
        span, time,
        window::{AtEnd, Covered},
    },
};

/// A window with a start and an end of its own.
pub(super) fn window(fields: &mut Fields, now: Timestamp, config: &Config) -> Option<Booking> {
    let options = Options::read(fields, config);
    let start = fields.next_time("start", options.zone.as_ref(), now);
    if start.is_none() && !fields.has_problem("start") {
        fields.problem("start", "required, but missing");
    }
    let blamed = if fields.has("end") { "end" } else { "duration" };
    let without = "leave the field out and use the other of `end` and `duration`";
    let end = ending(fields, start, &options, without, now);
    if matches!(end, Ending::None) {
        fields.problem("end", "expected `end` or `duration` beside `start`, but found neither");
    }
    let (Some(start), Ending::At(end)) = (start, end) else { return None };
    fields.add_problems(span::problems(start, Some(end), blamed, now, config.max_duration));
    options.booking(start, Some(end))
}

/// A window that starts now.
pub(super) fn starting_now(fields: &mut Fields, now: Timestamp, config: &Config) -> Option<Booking> {
    let options = Options::read(fields, config);
    let start = time::whole_second(now);
    let blamed = if fields.has("end") { "end" } else { "duration" };
    let without = "leave the field out; without an end it lasts until `off`";
    let end = match ending(fields, Some(start), &options, without, now) {
        Ending::At(end) => Some(end),
        Ending::None => None,
        Ending::Unclear => return None,
    };
    if end.is_none() && options.at_end != AtEnd::Reopen {
        fields.problem("at_end", "expected it only with `end` or `duration`, since open-ended maintenance has no end");
    }
    fields.add_problems(span::problems(start, end, blamed, now, config.max_duration));
    options.booking(start, end)
}

/// A window that recurs.
pub(super) fn recurring(fields: &mut Fields, asked: &Asked, now: Timestamp, config: &Config) -> Option<Recurring> {
    let options = Options::read(fields, config);
    let every: Option<Recurrence> = fields.read("every", str::parse);
    let anchor = fields.next_time("start", options.zone.as_ref(), now);
    fields.refuse_null("duration", "a duration", "say how long each window lasts");
    let duration = fields.duration("duration");
    if duration.is_none() && !fields.has_problem("duration") {
        fields.problem("duration", "required beside `every`, but missing");
    }
    let (every, duration, rules) = (every?, duration?, options.rules?);
    let timezone = options.timezone.unwrap_or_else(|| "UTC".to_owned());
    let id = options.id.unwrap_or_else(|| {
        let length = duration.to_string();
        let named = match &rules {
            Covered::All(_) => vec!["all"],
            Covered::Some(rules) => {
                let mut names: Vec<&str> = rules.iter().map(RuleArn::as_str).collect();
                names.sort_unstable();
                names
            }
        };
        WindowId::derived("every", [every.as_str(), timezone.as_str(), length.as_str()].into_iter().chain(named))
    });
    let series = Series {
        id,
        uid: String::new(),
        version: 1,
        every,
        duration,
        timezone,
        // A rate counts from its first start; the whole minute after next keeps it readable.
        anchor: anchor.unwrap_or_else(|| time::minute_after_next(now)),
        rules,
        reason: asked.reason.clone(),
        requested_by: asked.requested_by.clone(),
        message: options.message,
        mute_alarms: options.mute_alarms,
        at_end: options.at_end,
        paused: false,
        skipped: vec![],
        booked_until: None,
        booked_at: now,
        decisions: vec![],
    };
    fields.add_problems(series.problems(now, config.max_duration));
    Some(Recurring { series, has_start: anchor.is_some(), dry_run: options.dry_run })
}

/// A check may be about a window, about rules, or about nothing but the settings; what is wrong with its fields is for
/// the check to tell.
pub(super) fn inquiry(fields: &mut Fields, asked: &Asked, now: Timestamp, config: &Config) -> Inquiry {
    let (booking, rules, alarms) = if fields.has("every") {
        let series = recurring(fields, asked, now, config).map(|recurring| recurring.series);
        let (rules, alarms) = series.map(|series| (series.rules, series.mute_alarms)).unzip();
        (None, rules, alarms.flatten())
    } else if fields.has("start") {
        let booking = window(fields, now, config);
        let rules = booking.as_ref().map(|booking| booking.rules.clone());
        let alarms = booking.as_ref().and_then(|booking| booking.mute_alarms.clone());
        (booking, rules, alarms)
    } else {
        let options = Options::read(fields, config);
        (None, options.rules, options.mute_alarms)
    };
    fields.refuse_the_rest("check");
    let rules = rules.unwrap_or(Covered::ALL).resolve(&config.rules);
    Inquiry { booking, rules, alarms: alarms.unwrap_or_default(), problems: fields.take_problems() }
}

/// What an event says of its end.
enum Ending {
    At(Timestamp),
    None,
    Unclear,
}

fn ending(fields: &mut Fields, start: Option<Timestamp>, options: &Options, without: &str, now: Timestamp) -> Ending {
    fields.refuse_null("end", "a time", without);
    fields.refuse_null("duration", "a duration", without);
    let end = fields.next_time("end", options.zone.as_ref(), start.unwrap_or(now));
    let duration = fields.duration("duration");
    match (end, duration, start) {
        _ if fields.has_problem("end") || fields.has_problem("duration") => Ending::Unclear,
        (Some(_), Some(_), _) => {
            fields.problem("end", "expected `end` or `duration`, but found both");
            Ending::Unclear
        }
        (Some(end), None, _) => Ending::At(end),
        (None, Some(duration), Some(start)) => start.checked_add(duration).map_or_else(
            |_| {
                let length = time::spoken_duration(duration);
                let what = format!("expected an end that the calendar holds, but found {length}, which is too long");
                fields.problem("duration", &what);
                Ending::Unclear
            },
            Ending::At,
        ),
        (None, Some(_), None) => Ending::Unclear,
        (None, None, _) => Ending::None,
    }
}

/// What every event that makes a window may say besides its times.
struct Options {
    id: Option<WindowId>,
    rules: Option<Covered>,
    zone: Option<TimeZone>,
    timezone: Option<String>,
    message: Option<String>,
    mute_alarms: Option<Vec<String>>,
    at_end: AtEnd,
    dry_run: bool,
}

impl Options {
    fn read(fields: &mut Fields, config: &Config) -> Self {
        let zone = fields.zone();
        Self {
            id: fields.id(),
            rules: fields.rules(config),
            // In its proper spelling, however it was written.
            timezone: zone.as_ref().and_then(TimeZone::iana_name).map(str::to_owned),
            zone,
            message: fields.prose("message"),
            mute_alarms: fields.alarms(config),
            at_end: fields.at_end(config),
            dry_run: fields.flag("dry_run"),
        }
    }

    fn booking(self, start: Timestamp, end: Option<Timestamp>) -> Option<Booking> {
        Some(Booking {
            id: self.id,
            start,
            end,
            rules: self.rules?,
            timezone: self.timezone,
            message: self.message,
            mute_alarms: self.mute_alarms,
            at_end: self.at_end,
            dry_run: self.dry_run,
        })
    }
}
