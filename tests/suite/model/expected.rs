//! What should be: windows as intervals over rules, series as rows of starts, and what was decided about them.
//!
//! It follows the contract and the README alone. The table is read only to learn which decisions stand where a caller
//! cannot know, and to hold it against what those decisions mean.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{
    owners::Owned,
    steps::{EVERY, Name},
};
use crate::world::rule_arn;

/// A window that was booked.
#[derive(Clone, Debug)]
pub(super) struct Win {
    pub(super) id: String,
    /// Who asked for it: the tag of the event that booked it or its series.
    pub(super) tag: String,
    pub(super) start: Timestamp,
    pub(super) end: Option<Timestamp>,
    /// None: all of them.
    pub(super) rules: Option<Vec<String>>,
    pub(super) at_end: String,
    pub(super) reason: Option<String>,
    pub(super) series: Option<String>,
    pub(super) occurrence: Option<Timestamp>,
    /// How many of its decisions have been looked at.
    pub(super) decisions: usize,
    /// By which action it was ended, and when.
    pub(super) ended: Option<(String, Timestamp)>,
    /// It has been active.
    pub(super) began: bool,
    /// All its rules were seen header-only.
    pub(super) narrowed: bool,
    pub(super) is_past: bool,
    /// When it was first seen to be history.
    pub(super) past_at: Option<Timestamp>,
    /// How it ended, as the table has it, which was held against what was decided.
    pub(super) outcome: Option<String>,
    /// The number of its booking among all.
    pub(super) nth: usize,
}

/// A series that was booked.
#[derive(Clone, Debug)]
pub(super) struct Ser {
    pub(super) id: String,
    pub(super) tag: String,
    pub(super) every: usize,
    pub(super) secs: i64,
    pub(super) from: Timestamp,
    /// A start of a rate; the others are counted from it.
    pub(super) anchor: Option<Timestamp>,
    pub(super) paused: bool,
    pub(super) pauses: usize,
    pub(super) reason: Option<String>,
    pub(super) over: bool,
    pub(super) skipped: BTreeSet<Timestamp>,
    /// The occurrences booked, each with how often the series had been paused.
    pub(super) booked: BTreeMap<Timestamp, usize>,
    pub(super) decisions: usize,
}

/// How a window stands by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    Booked,
    Active,
    Held,
    Over,
    /// Too near to a moment, or what only the site's health decides.
    Unsure,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Expected {
    pub(super) owners: Vec<Owned>,
    /// By uid.
    pub(super) windows: BTreeMap<String, Win>,
    pub(super) series: BTreeMap<String, Ser>,
}

impl Win {
    pub(super) fn covers(&self, rule: usize) -> bool {
        let arn = rule_arn(rule);
        self.rules.as_ref().is_none_or(|rules| rules.contains(&arn))
    }

    /// How it stands between two moments, if it stands so in all of them and runs have kept up.
    pub(super) fn stand(&self, from: Timestamp, to: Timestamp) -> Stand {
        if self.is_past || self.ended.is_some() {
            return Stand::Over;
        }
        if to < self.start {
            return Stand::Booked;
        }
        if from < self.start {
            return Stand::Unsure;
        }
        match self.end {
            None => Stand::Active,
            Some(end) if to < end => Stand::Active,
            Some(end) if from < end => Stand::Unsure,
            Some(_) => match self.at_end.as_str() {
                "hold" if self.narrowed => Stand::Held,
                "hold" | "reopen_if_healthy" if self.began => Stand::Unsure,
                _ => Stand::Over,
            },
        }
    }

    /// Whether its rules are to be header-only after a run between two moments; nothing if it may be either.
    pub(super) fn darkens(&self, from: Timestamp, to: Timestamp) -> Option<bool> {
        let last_moments = self.end.is_some_and(|end| to > end - SignedDuration::from_secs(33));
        match self.stand(from, to) {
            Stand::Booked | Stand::Over => Some(false),
            Stand::Active if last_moments => None,
            Stand::Active | Stand::Held => Some(true),
            Stand::Unsure => None,
        }
    }
}

impl Ser {
    /// Whether it may start then.
    pub(super) fn has(&self, start: Timestamp) -> bool {
        let (_, minutes, on_the_clock) = EVERY[self.every];
        let period = minutes * 60;
        let counted = if on_the_clock { 0 } else { self.anchor.map_or(start.as_second(), Timestamp::as_second) };
        start >= self.from && (start.as_second() - counted).rem_euclid(period) == 0
    }

    /// Its starts after a moment.
    pub(super) fn after(&self, moment: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        let (_, minutes, on_the_clock) = EVERY[self.every];
        let counted = if on_the_clock { Some(0) } else { self.anchor.map(Timestamp::as_second) };
        let period = minutes * 60;
        let from = moment.as_second().max(self.from.as_second() - 1);
        let first = counted.map(|counted| from - (from - counted).rem_euclid(period) + period);
        (0..if first.is_some() { 1000 } else { 0 })
            .filter_map(move |nth| Timestamp::from_second(first? + nth * period).ok())
    }
}

impl Expected {
    /// The window of a name that is not over.
    pub(super) fn present(&self, id: &str) -> Option<&Win> {
        self.windows.values().find(|window| window.id == id && !window.is_past)
    }

    /// Whether the name was a window's after this moment: what was history by then frees it.
    pub(super) fn was_taken_after(&self, id: &str, moment: Timestamp) -> bool {
        let mut namesakes = self.windows.values().filter(|window| window.id == id);
        namesakes.any(|window| window.past_at.is_some_and(|past| past > moment))
    }

    pub(super) fn present_series(&self, id: &str) -> Option<&Ser> {
        self.series.values().find(|series| series.id == id && !series.over)
    }

    pub(super) fn present_windows(&self) -> impl Iterator<Item = &Win> {
        self.windows.values().filter(|window| !window.is_past)
    }

    /// The `nth` start of a series from now.
    pub(super) fn coming(&self, id: &str, now: Timestamp, nth: u8) -> Option<Timestamp> {
        self.present_series(id)?.after(now).nth(usize::from(nth))
    }

    fn latest_occurrence(&self) -> Option<&Win> {
        let occurrences = self.present_windows().filter(|window| window.series.is_some());
        occurrences.max_by_key(|window| window.nth)
    }

    pub(super) fn resolve(&self, name: Name) -> String {
        let fixed = match name {
            Name::A => "a",
            Name::B => "b",
            Name::C => "c",
            Name::S => "s",
            Name::T => "t",
            Name::Nobody => "nobody",
            Name::Occurrence => {
                return self
                    .latest_occurrence()
                    .map_or_else(|| "s-20261206T0100Z".to_owned(), |window| window.id.clone());
            }
            Name::Following => return self.following().unwrap_or_else(|| "t-20261206T0100Z".to_owned()),
            Name::Latest => {
                let latest = self.present_windows().max_by_key(|window| window.nth);
                return latest.map_or_else(|| "c".to_owned(), |window| window.id.clone());
            }
        };
        fixed.to_owned()
    }

    /// The name of the occurrence after the latest.
    fn following(&self) -> Option<String> {
        let latest = self.latest_occurrence()?;
        let series = self.series.values().find(|series| series.tag == latest.tag)?;
        let start = series.after(latest.occurrence?).next()?;
        Some(occurrence_id(&series.id, start))
    }
}

pub(super) fn occurrence_id(series: &str, start: Timestamp) -> String {
    format!("{series}-{}", start.strftime("%Y%m%dT%H%MZ"))
}
