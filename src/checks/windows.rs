//! Booked windows and series: what they meet, and whether they could work. Pure.

use jiff::Timestamp;

use crate::{
    config::Config,
    event::Booking,
    model::{
        id::WindowId,
        rule_arn::RuleArn,
        series::Series,
        table::Table,
        time,
        window::{Covered, State, Window},
    },
    plan::unworkable::Unworkable,
    report::{
        finding::{Finding, Severity},
        words,
    },
};

/// How many windows that overlap are named.
const NAMED: usize = 3;

/// The windows that a described one meets on the same rules; `own` is the one that it is already.
#[must_use]
pub fn overlaps(booking: &Booking, own: Option<&WindowId>, table: &Table, config: &Config) -> Vec<Finding> {
    let before = |end: Option<_>, start| end.is_some_and(|end| end <= start);
    let rules = booking.rules.resolve(&config.rules);
    let others = table.windows.iter().filter(|other| {
        let covers = rules.iter().any(|rule| other.rules.covers(rule, config.rules.contains(rule)));
        let ahead = matches!(other.state, State::Booked | State::Active | State::Held);
        let meets = !before(other.end.filter(|_| other.state != State::Held), booking.start)
            && !before(booking.end, other.start);
        covers && ahead && meets && Some(&other.id) != own.or(booking.id.as_ref())
    });
    let warning = |what: String| {
        Finding::warning(what, "the site opens only when the last of them is over", "nothing, if that is meant")
    };
    let told = |other: &Window| {
        let zone = other.timezone.as_deref();
        let end = other.end.map_or("it is switched off".to_owned(), |end| time::spoken(end, zone));
        let start = time::spoken(other.start, zone);
        warning(format!("window {} ({start} until {end}) overlaps with this one on the same rules", other.id))
    };
    let others: Vec<&Window> = others.collect();
    let mut findings: Vec<Finding> = others.iter().copied().take(NAMED).map(told).collect();
    findings.extend(match others.len().saturating_sub(NAMED) {
        0 => None,
        1 => Some(warning("one more window overlaps with this one on the same rules".to_owned())),
        more => Some(warning(format!("{more} more windows overlap with this one on the same rules"))),
    });
    findings
}

/// Windows that should be history by now.
pub(super) fn lingering(windows: &[Window], now: Timestamp) -> Vec<Finding> {
    let told = |window: &Window| {
        let what = format!("window {}: {}", window.id, words::lingers(window.lingers_since(now)?));
        Some(Finding::warning(what, "its name cannot be booked again", "every sweep tries again"))
    };
    windows.iter().filter_map(told).collect()
}

/// Windows that are over, and of which nobody has been told so.
pub(super) fn untold<'a>(windows: impl Iterator<Item = &'a Window>, now: Timestamp) -> Vec<Finding> {
    let told = |window: &Window| {
        let since = window.untold_since(now)?;
        let what = format!("window {} {}", window.id, words::untold(since, window.timezone.as_deref()));
        let fix = "if that stays so, look for a failed report and in the function's log: sns:Publish may be denied";
        Some(Finding::warning(what, "nobody has heard of its end", fix))
    };
    windows.filter_map(told).collect()
}

/// A start of an event that has passed, of which the caller may not be aware.
#[must_use]
pub fn late_start(booking: &Booking, now: Timestamp) -> Option<String> {
    let late = now.duration_since(booking.start);
    let late = jiff::SignedDuration::from_secs(late.as_secs());
    late.is_positive().then(|| {
        format!(
            "its start ({}) passed {} ago, so it begins at once",
            time::spoken(booking.start, booking.timezone.as_deref()),
            time::roughly(late)
        )
    })
}

/// Booked windows that could not work as things are.
#[must_use]
pub(super) fn unworkable(unworkable: &[Unworkable]) -> Vec<Finding> {
    let told = |one: &Unworkable| {
        let (id, start) = (&one.window.id, time::spoken(one.window.start, one.window.timezone.as_deref()));
        Finding::error(
            format!("booked window {id} ({start}) will not work as booked: {}", words::unworkable(one)),
            "those rules would stay open to visitors, or could not be opened again",
            "fix the rules or the stack's RuleArns before it starts, or cancel the window and book it anew",
        )
    };
    unworkable.iter().map(told).collect()
}

/// Series whose windows would cover rules that the settings no longer name.
#[must_use]
pub(super) fn series(series: &[Series], managed: &[RuleArn]) -> Vec<Finding> {
    let told = |one: &Series| {
        let Covered::Some(rules) = &one.rules else { return None };
        let strangers: Vec<String> = rules.iter().filter(|rule| !managed.contains(rule)).map(RuleArn::short).collect();
        (!strangers.is_empty()).then(|| Finding {
            severity: Severity::Error,
            what: format!(
                "series {} covers rules that the stack's RuleArns no longer names: {}",
                one.id,
                strangers.join(", ")
            ),
            why: "its windows leave them open to visitors".to_owned(),
            fix: "name them again, or cancel the series and book it anew".to_owned(),
        })
    };
    series.iter().filter_map(told).collect()
}
