//! What an answer must be where nothing goes wrong and no moment is near.

use jiff::{SignedDuration, Timestamp};
use maintenance_window::{error::Error, report::response::Response};

use super::{
    asked::{Answer, Asked},
    expected::{Expected, Stand, Win},
    operator::Operator,
    steps::{Act, EVERY, Until},
};

/// What must become of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Take,
    Refuse,
    /// Whatever is answered, nothing is decided.
    Nothing,
}

impl Verdict {
    pub(super) fn holds(
        self,
        asked: &Asked,
        result: Option<&Result<Response, Error>>,
        at: Timestamp,
    ) -> Result<(), String> {
        let right = match self {
            Self::Take => asked.recorded,
            Self::Refuse => !asked.recorded && asked.answer == Answer::Refused,
            Self::Nothing => !asked.recorded,
        };
        // A run that took long may have come upon another moment.
        if right || at.duration_since(asked.at) > SignedDuration::from_secs(10) {
            return Ok(());
        }
        Err(format!("{} should be {self:?}, but recorded {}: {result:?}", asked.event, asked.recorded))
    }
}

fn secs(secs: i64) -> SignedDuration {
    SignedDuration::from_secs(secs)
}

const DAY: i64 = 86_400;

/// How a window stands, if that is sure for the next seconds and runs have kept up.
fn stands(window: &Win, now: Timestamp) -> Stand {
    window.stand(now - secs(1), now + secs(15))
}

fn in_sight(expected: &Expected, id: &str) -> bool {
    expected.present(id).is_some() || expected.present_series(id).is_some()
}

impl Operator {
    /// The longest window that the settings allow.
    fn longest(&self) -> SignedDuration {
        secs(if self.world.settings.contains_key("MAX_DURATION") { 6 * 3600 } else { DAY })
    }

    fn length(&self, start: Timestamp, end: Timestamp) -> Option<Verdict> {
        let length = end.duration_since(start);
        (length < secs(60) || length > self.longest()).then_some(Verdict::Refuse)
    }

    /// What must become of an event; nothing where it may be either.
    pub(super) fn verdict(&self, asked: &Asked) -> Option<Verdict> {
        let now = asked.at;
        if asked.is_dry() || asked.key != asked.request {
            return asked.is_dry().then_some(Verdict::Nothing);
        }
        match asked.act {
            Act::Book { .. } => self.booked(asked),
            Act::On { until, .. } => self.on(asked, until),
            Act::ExtendBy { .. } | Act::ExtendTo { .. } | Act::Reschedule { .. } => self.moved(asked),
            Act::Cancel { .. } => self.cancelled(asked),
            Act::Off { name: Some(_) } => self.off(asked),
            Act::Edit { .. } => self.edited(asked),
            Act::Skip { .. } | Act::Unskip { .. } | Act::Pause { .. } | Act::Resume { .. } => {
                let Some(series) = self.expected.present_series(asked.id.as_deref()?) else {
                    return Some(Verdict::Refuse);
                };
                match asked.act {
                    Act::Pause { .. } => Some(if series.paused { Verdict::Nothing } else { Verdict::Take }),
                    Act::Resume { .. } => Some(if series.paused { Verdict::Take } else { Verdict::Nothing }),
                    _ => None,
                }
            }
            Act::Recur { every, secs: long, .. } => {
                if long >= EVERY[every].1 * 60 {
                    return Some(Verdict::Refuse);
                }
                let id = asked.id.as_deref()?;
                if id.len() > 25 {
                    return Some(Verdict::Refuse);
                }
                if self.expected.present(id).is_some_and(|found| stands(found, now) != Stand::Over) {
                    return Some(Verdict::Refuse);
                }
                let far = asked.start.is_some_and(|start| start > now + secs(300 * DAY));
                (!in_sight(&self.expected, id) && self.narrowable(asked) && !far && long <= 6 * 3600)
                    .then_some(Verdict::Take)
            }
            _ => None,
        }
    }

    /// Whether every rule that it is about can be narrowed.
    fn narrowable(&self, asked: &Asked) -> bool {
        let name = self.world.settings.get("BYPASS_HEADER_NAME").map_or("", String::as_str);
        let owners = self.expected.owners.iter().enumerate();
        let arn = crate::world::rule_arn;
        let mut about = owners.filter(|(nth, _)| asked.rules.as_ref().is_none_or(|rules| rules.contains(&arn(*nth))));
        about.all(|(_, owner)| owner.can_be_narrowed(name))
    }

    fn healthy_end_without_probe(&self, asked: &Asked) -> bool {
        asked.at_end() == "reopen_if_healthy" && !self.world.settings.contains_key("PROBE_URL")
    }

    fn booked(&self, asked: &Asked) -> Option<Verdict> {
        let now = asked.at;
        let (start, end) = (asked.start?, asked.end);
        let Some(end) = end else { return Some(Verdict::Refuse) };
        if end <= now || start > now + secs(367 * DAY) || self.healthy_end_without_probe(asked) {
            return Some(Verdict::Refuse);
        }
        let refused = self.length(start, end);
        if refused.is_some() {
            return refused;
        }
        if let Some(id) = &asked.id {
            if self.expected.present_series(id).is_some() {
                return Some(Verdict::Refuse);
            }
            if let Some(found) = self.expected.present(id) {
                let same = found.start == start
                    && found.end == Some(end)
                    && found.at_end == asked.at_end()
                    && found.rules == asked.rules;
                return match stands(found, now) {
                    Stand::Booked | Stand::Active | Stand::Held if same => Some(Verdict::Nothing),
                    Stand::Booked | Stand::Active | Stand::Held if found.start != start || found.end != Some(end) => {
                        Some(Verdict::Refuse)
                    }
                    _ => None,
                };
            }
        }
        if !self.narrowable(asked) {
            return Some(Verdict::Refuse);
        }
        let sure = end > now + secs(60) && start < now + secs(360 * DAY) && asked.id.is_some();
        let occurrence = asked.id.as_ref().is_some_and(|id| id.len() > 6);
        (sure && !occurrence).then_some(Verdict::Take)
    }

    fn on(&self, asked: &Asked, until: Until) -> Option<Verdict> {
        let now = asked.at;
        if self.healthy_end_without_probe(asked) || matches!(until, Until::Open) && asked.at_end() != "reopen" {
            return Some(Verdict::Refuse);
        }
        let length = match until {
            Until::Secs(long) => Some(secs(long)),
            Until::Moment(_) => asked.end.map(|end| end.duration_since(now)),
            Until::Open => None,
        };
        if length.is_some_and(|length| length < secs(59) || length > self.longest() + secs(1)) {
            return Some(Verdict::Refuse);
        }
        if !self.narrowable(asked) {
            return None;
        }
        let another = self.expected.present_windows().any(|window| window.end.is_none());
        let sure = length.is_none_or(|length| length > secs(61) && length < self.longest()) && asked.id.is_none();
        (sure && !(length.is_none() && another)).then_some(Verdict::Take)
    }

    fn moved(&self, asked: &Asked) -> Option<Verdict> {
        let now = asked.at;
        let id = asked.id.as_deref()?;
        let Some(window) = self.expected.present(id) else { return Some(Verdict::Refuse) };
        if window.series.is_some() {
            return None;
        }
        let stand = stands(window, now);
        if stand == Stand::Over || stand == Stand::Unsure {
            return None;
        }
        match asked.act {
            Act::ExtendBy { .. } => {
                let by = asked.length?;
                let Some(end) = window.end else { return Some(Verdict::Refuse) };
                let end = if stand == Stand::Held { now + by } else { end + by };
                self.extended(window, stand, end, now)
            }
            Act::ExtendTo { .. } => {
                let end = asked.end?;
                if end <= now {
                    return Some(Verdict::Refuse);
                }
                if window.end == Some(end) {
                    return Some(Verdict::Nothing);
                }
                self.extended(window, stand, end, now)
            }
            _ => {
                if stand != Stand::Booked {
                    return Some(Verdict::Refuse);
                }
                let start = asked.start.unwrap_or(window.start);
                let length = asked.length.or_else(|| Some(window.end?.duration_since(window.start)))?;
                let end = asked.end.unwrap_or(start + length);
                if let Some(refused) = self.length(start, end) {
                    return Some(refused);
                }
                if (start, Some(end)) == (window.start, window.end) {
                    return Some(Verdict::Nothing);
                }
                let sure = start > now + secs(130) && window.start > now + secs(130) && start < now + secs(360 * DAY);
                sure.then_some(Verdict::Take)
            }
        }
    }

    fn extended(&self, window: &Win, stand: Stand, end: Timestamp, now: Timestamp) -> Option<Verdict> {
        let length = end.duration_since(window.start);
        if length > self.longest() + secs(2) {
            return Some(Verdict::Refuse);
        }
        let close = window.end.is_some_and(|old| stand != Stand::Held && old < now + secs(35));
        let sure = end > now + secs(60) && length < self.longest() - secs(2) && length > secs(61) && !close;
        sure.then_some(Verdict::Take)
    }

    fn cancelled(&self, asked: &Asked) -> Option<Verdict> {
        let id = asked.id.as_deref()?;
        if self.expected.present_series(id).is_some() {
            return Some(Verdict::Take);
        }
        let Some(window) = self.expected.present(id) else { return Some(Verdict::Nothing) };
        match stands(window, asked.at) {
            Stand::Booked => Some(Verdict::Take),
            // What no run got through to start is still booked, although its start has passed.
            Stand::Active | Stand::Held if !window.began => None,
            Stand::Active | Stand::Held => Some(Verdict::Refuse),
            Stand::Over | Stand::Unsure => None,
        }
    }

    fn edited(&self, asked: &Asked) -> Option<Verdict> {
        let id = asked.id.as_deref()?;
        let decides =
            |before: &Option<String>| Some(if *before == asked.reason() { Verdict::Nothing } else { Verdict::Take });
        if let Some(series) = self.expected.present_series(id) {
            return decides(&series.reason);
        }
        let Some(window) = self.expected.present(id) else { return Some(Verdict::Refuse) };
        match stands(window, asked.at) {
            Stand::Booked | Stand::Active | Stand::Held => decides(&window.reason),
            Stand::Over | Stand::Unsure => None,
        }
    }

    fn off(&self, asked: &Asked) -> Option<Verdict> {
        let Some(window) = self.expected.present(asked.id.as_deref()?) else { return Some(Verdict::Nothing) };
        match stands(window, asked.at) {
            Stand::Booked => Some(Verdict::Nothing),
            Stand::Active | Stand::Held => Some(Verdict::Take),
            Stand::Over | Stand::Unsure => None,
        }
    }
}
