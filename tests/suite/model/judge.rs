//! Holds the table against what was asked: a decision stands there only if somebody asked for it just now, once, and
//! means what the event said.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    asked::Asked,
    expected::{Expected, Ser, Win, occurrence_id},
    steps::{Act, EVERY},
};
use crate::world::World;

type Wrong = String;

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(|text| text.parse().ok())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn decisions(item: &Value) -> &[Value] {
    item["decisions"].as_array().map_or(&[], Vec::as_slice)
}

fn listed(item: &Value) -> Option<Vec<String>> {
    Some(item["rules"].as_array()?.iter().map(text).collect())
}

impl Expected {
    /// Looks at the table after a step in which these events were asked.
    pub(super) fn judge(&mut self, world: &World, asked: &mut [Asked]) -> Result<(), Wrong> {
        let series_ids = world.series_ids();
        let present: Vec<Value> = world.windows().iter().filter_map(|id| world.window(id)).collect();
        let present_series: Vec<Value> = series_ids.iter().filter_map(|id| world.series(id)).collect();
        let past = world.history();
        let over_before: BTreeSet<String> =
            self.series.values().filter(|series| series.over).map(|series| series.tag.clone()).collect();
        let (past, past_series): (Vec<Value>, Vec<Value>) =
            past.into_iter().partition(|item| item["window"].is_string());
        for (item, over) in
            present_series.iter().map(|item| (item, false)).chain(past_series.iter().map(|item| (item, true)))
        {
            self.judge_series(item, over, asked)?;
        }
        let mut seen = BTreeSet::new();
        for (item, over) in present.iter().map(|item| (item, false)).chain(past.iter().map(|item| (item, true))) {
            let uid = text(&item["uid"]);
            if !seen.insert(uid.clone()) {
                return Err(format!("window {} is there twice", item["window"]));
            }
            if !self.windows.contains_key(&uid) {
                let window = self.new_window(item, asked, &over_before)?;
                self.windows.insert(uid.clone(), window);
            }
            self.judge_window(&uid, item, over, asked)?;
            if let Some(window) = self.windows.get_mut(&uid).filter(|window| window.is_past) {
                window.past_at = window.past_at.or(Some(world.now()));
            }
        }
        if let Some((_, lost)) = self.windows.iter().find(|(uid, _)| !seen.contains(*uid)) {
            return Err(format!("window {} is lost", lost.id));
        }
        for series in self.series.values() {
            let found =
                present_series.iter().chain(&past_series).filter(|item| item["requested_by"] == series.tag.as_str());
            if found.count() != 1 {
                return Err(format!("series {} is lost", series.id));
            }
        }
        Ok(())
    }

    /// A window that was not there before.
    fn new_window(&mut self, item: &Value, asked: &mut [Asked], over_before: &BTreeSet<String>) -> Result<Win, Wrong> {
        let (id, tag) = (text(&item["window"]), text(&item["requested_by"]));
        let first = decisions(item).first().ok_or_else(|| format!("{id} was decided by nobody"))?;
        let start = time(&first["start"]).ok_or("no start")?;
        let mut window = Win {
            id: id.clone(),
            tag: tag.clone(),
            start,
            end: time(&first["end"]),
            rules: listed(item),
            at_end: text(&item["at_end"]),
            reason: None,
            series: item["series"].as_str().map(str::to_owned),
            occurrence: time(&item["occurrence"]),
            decisions: 1,
            ended: None,
            began: false,
            narrowed: false,
            is_past: false,
            past_at: None,
            outcome: None,
            nth: self.windows.len(),
        };
        if window.series.is_some() {
            self.new_occurrence(&mut window, item, over_before)?;
            return Ok(window);
        }
        let Some(by) = asked.iter_mut().find(|by| by.tag == tag) else {
            return Err(format!("window {id} was booked by {tag}, which was not asked now"));
        };
        if by.recorded || first["requested_by"] != by.tag.as_str() {
            return Err(format!("window {id} was booked once more by {tag}"));
        }
        by.recorded = true;
        by.means(&window)?;
        if let Some(rules) = &by.rules
            && window.rules.as_ref().is_some_and(|found| found != rules)
        {
            return Err(format!("window {id} covers {:?} instead of {rules:?}", window.rules));
        }
        Ok(window)
    }

    fn new_occurrence(&mut self, window: &mut Win, item: &Value, over_before: &BTreeSet<String>) -> Result<(), Wrong> {
        let id = &window.id;
        let series = self.series.values_mut().find(|series| series.tag == window.tag);
        let series = series.ok_or_else(|| format!("{id} belongs to no series that was booked"))?;
        let start = window.occurrence.ok_or_else(|| format!("{id} has no start of its series"))?;
        series.anchor = series.anchor.or(Some(start));
        window.reason.clone_from(&series.reason);
        if over_before.contains(&series.tag) {
            return Err(format!("{id} was booked by a series that was over"));
        }
        if !series.has(start) || start != window.start || *id != occurrence_id(&series.id, start) {
            return Err(format!("{id} is at {start}, which is no start of its series {series:?}"));
        }
        if window.end != Some(start + SignedDuration::from_secs(series.secs)) {
            return Err(format!("{id} lasts until {:?}", window.end));
        }
        // Who skips what was booked a moment before ends its window in the same decision.
        if series.skipped.contains(&start) && decisions(item).len() == 1 {
            return Err(format!("{id} was booked though it was skipped"));
        }
        let pauses = series.pauses;
        if series.booked.insert(start, pauses).is_some_and(|before| before == pauses) {
            return Err(format!("{id} was booked a second time"));
        }
        Ok(())
    }

    fn judge_window(&mut self, uid: &str, item: &Value, over: bool, asked: &mut [Asked]) -> Result<(), Wrong> {
        let mut window = self.windows.remove(uid).expect("it was just put there");
        let judged = self.hold(&mut window, item, over, asked);
        self.windows.insert(uid.to_owned(), window);
        judged
    }

    fn hold(&mut self, window: &mut Win, item: &Value, over: bool, asked: &mut [Asked]) -> Result<(), Wrong> {
        let id = window.id.clone();
        let all = decisions(item);
        if all.len() < window.decisions {
            return Err(format!("{id} lost a decision: {all:?}"));
        }
        if window.is_past && !over {
            return Err(format!("{id} came back out of history"));
        }
        for decision in &all[window.decisions..] {
            self.decided(window, decision, asked)?;
        }
        window.decisions = all.len();
        window.began |= item["activated_at"].is_string();
        window.narrowed |= item["started_at"].is_string();
        window.is_past = over;
        window.outcome = item["ending"]["outcome"].as_str().map(str::to_owned);
        let now = (time(&item["start"]).ok_or("no start")?, time(&item["end"]));
        if now != (window.start, window.end) {
            let meant = (window.start, window.end);
            return Err(format!("{id} is at {now:?}, though what was decided means {meant:?}: {all:?}"));
        }
        if item["reason"].as_str() != window.reason.as_deref() {
            return Err(format!("{id} says {}, not {:?}", item["reason"], window.reason));
        }
        if listed(item) != window.rules
            || item["at_end"] != window.at_end.as_str()
            || item["requested_by"] != window.tag.as_str()
        {
            return Err(format!("{id} was changed: {item}"));
        }
        if time(&item["activated_at"]).is_some_and(|at| at < window.start) {
            return Err(format!("{id} was active before its start: {item}"));
        }
        window.ends_rightly(item)
    }

    /// One more decision about a window.
    fn decided(&mut self, window: &mut Win, decision: &Value, asked: &mut [Asked]) -> Result<(), Wrong> {
        let (id, tag, action) = (&window.id, text(&decision["requested_by"]), text(&decision["action"]));
        let at = time(&decision["at"]).ok_or("no time")?;
        let Some(by) = asked.iter_mut().find(|by| by.tag == tag) else {
            return Err(format!("{id} has a decision of {tag}, which was not asked now: {decision}"));
        };
        let about = match by.act {
            Act::Off { name: None } => true,
            Act::Cancel { .. } | Act::Pause { .. } | Act::Skip { .. } | Act::Unskip { .. } | Act::Edit { .. } => {
                by.id.as_ref() == Some(id) || by.id.is_some() && by.id == window.series
            }
            _ => by.id.as_ref() == Some(id),
        };
        if !about {
            return Err(format!("{id} was changed by {tag}, which was about {:?}", by.id));
        }
        let of_many = matches!(
            by.act,
            Act::Off { name: None }
                | Act::Cancel { .. }
                | Act::Pause { .. }
                | Act::Skip { .. }
                | Act::Unskip { .. }
                | Act::Edit { .. }
        );
        if by.recorded && !of_many {
            return Err(format!("{tag} was decided twice: {decision}"));
        }
        if by.spent {
            return Err(format!("{tag} came again and was decided again: {decision}"));
        }
        by.recorded = true;
        if window.ended.is_some() {
            return Err(format!("{id} was ended for good and then changed by {tag}"));
        }
        let (start, end) = (time(&decision["start"]), time(&decision["end"]));
        match by.act {
            Act::ExtendBy { .. } => {
                let by = by.length.ok_or("no length")?;
                let old = window.end.ok_or_else(|| format!("{id} is open-ended and was extended"))?;
                let end = end.ok_or("an extension without an end")?;
                // An end that has passed can be moved until it was acted on; of a window that is held, from now.
                let may_be_held = old <= at && window.at_end != "reopen";
                let off = |wanted: Timestamp| end.duration_since(wanted).abs();
                if off(old + by).is_positive() && !(may_be_held && off(at + by) <= SignedDuration::from_secs(1)) {
                    return Err(format!("{id} was extended at {at} by {by:#} from {old} until {end}"));
                }
                window.end = Some(end);
            }
            Act::ExtendTo { .. } => window.end = by.end,
            Act::Reschedule { .. } => {
                if window.start <= at {
                    return Err(format!("{id} was moved at {at}, after its start"));
                }
                let length = window.end.map(|end| end.duration_since(window.start));
                window.start = by.start.unwrap_or(window.start);
                window.end = by.end.or_else(|| Some(window.start + by.length.or(length)?));
            }
            Act::Edit { .. } => window.reason = by.reason(),
            // It is written so that who cancels it at the same moment decides anew.
            Act::Unskip { .. } => {}
            Act::Off { .. } | Act::Cancel { .. } | Act::Skip { .. } | Act::Pause { .. } => {
                if let (Some(series), Act::Cancel { .. } | Act::Skip { .. }) = (&window.series, by.act)
                    && let Some(series) =
                        self.series.values_mut().find(|found| found.id == *series && found.tag == window.tag)
                {
                    series.skipped.extend(window.occurrence);
                }
                window.ended = Some((action, at));
            }
            other => return Err(format!("{id} was changed by {other:?}")),
        }
        // A decision that ends a window has no new times.
        let times = if window.ended.is_some() { (None, None) } else { (Some(window.start), window.end) };
        if (start, end) != times {
            return Err(format!("{tag} made {id} {start:?} to {end:?}, not {} to {:?}", window.start, window.end));
        }
        Ok(())
    }

    fn judge_series(&mut self, item: &Value, over: bool, asked: &mut [Asked]) -> Result<(), Wrong> {
        let (uid, id, tag) = (text(&item["uid"]), text(&item["series"]), text(&item["requested_by"]));
        let all = decisions(item);
        if !self.series.contains_key(&uid) {
            let by = asked.iter_mut().find(|by| by.tag == tag && !by.recorded);
            let by = by.ok_or_else(|| format!("series {id} was booked by {tag}, which was not asked now"))?;
            let Act::Recur { every, secs, .. } = by.act else { return Err(format!("{tag} booked a series")) };
            if by.id.as_deref() != Some(&id) || by.is_dry() {
                return Err(format!("series {id} was booked by {}", by.event));
            }
            by.recorded = true;
            let (_, _, on_the_clock) = EVERY[every];
            let anchor = if on_the_clock { None } else { time(&item["anchor"]) };
            if by.start.is_some() && anchor.is_some() && anchor != by.start {
                return Err(format!("series {id} counts from {anchor:?}"));
            }
            let from = by.start.unwrap_or(by.at);
            let series = Ser {
                id: id.clone(),
                tag: tag.clone(),
                every,
                secs,
                from,
                anchor,
                paused: false,
                pauses: 0,
                reason: None,
                over: false,
                skipped: BTreeSet::new(),
                booked: std::collections::BTreeMap::new(),
                decisions: 1,
            };
            self.series.insert(uid.clone(), series);
        }
        let series = self.series.get_mut(&uid).expect("it was just put there");
        if series.over && !over || all.len() < series.decisions {
            return Err(format!("series {id} went back: {item}"));
        }
        for decision in &all[series.decisions..] {
            let tag = text(&decision["requested_by"]);
            let by = asked.iter_mut().find(|by| by.tag == tag);
            let by = by.ok_or_else(|| format!("series {id} has a decision of {tag}, which was not asked now"))?;
            let occurrence = by.id.as_ref().is_some_and(|of| of.starts_with(&format!("{id}-")));
            if by.id.as_ref() != Some(&id) && !(occurrence && matches!(by.act, Act::Cancel { .. })) {
                return Err(format!("series {id} was changed by {tag}, which was about {:?}", by.id));
            }
            if by.spent {
                return Err(format!("{tag} came again and was decided again: {decision}"));
            }
            by.recorded = true;
            match by.act {
                Act::Pause { .. } => {
                    series.paused = true;
                    series.pauses += 1;
                }
                Act::Resume { .. } => series.paused = false,
                Act::Skip { .. } => series.skipped.extend(by.start.or(time(&decision["start"]))),
                Act::Cancel { .. } => series.skipped.extend(time(&decision["start"])),
                Act::Unskip { .. } => {
                    let start = by.start.or(time(&decision["start"])).ok_or("no start")?;
                    if !series.skipped.remove(&start) {
                        return Err(format!("{start} of series {id} was taken back and was not left out"));
                    }
                    series.booked.remove(&start);
                }
                Act::Edit { .. } => series.reason = by.reason(),
                other => return Err(format!("series {id} was changed by {other:?}")),
            }
        }
        if item["reason"].as_str() != series.reason.as_deref() {
            return Err(format!("series {id} says {}, not {:?}", item["reason"], series.reason));
        }
        series.decisions = all.len();
        series.over = over;
        if !over && item["paused"] != series.paused {
            return Err(format!("series {id} is paused: {}, though decided otherwise: {all:?}", item["paused"]));
        }
        Ok(())
    }
}

impl Win {
    /// What is wrong with how it ends, given what was decided.
    fn ends_rightly(&self, item: &Value) -> Result<(), Wrong> {
        let id = &self.id;
        let ending = &item["ending"];
        let outcome = ending["outcome"].as_str();
        let Some(outcome) = outcome else {
            return if self.is_past { Err(format!("{id} is history without an outcome: {item}")) } else { Ok(()) };
        };
        let at = time(&ending["at"]).ok_or("no time")?;
        let right = match (&self.ended, self.began) {
            (Some((action, _)), began) => match action.as_str() {
                "off" if began => outcome == "completed",
                "off" => true,
                _ => outcome == "cancelled" && !began,
            },
            (None, began) => {
                let held = self.narrowed && self.at_end == "hold";
                if self.end.is_none_or(|end| at < end) || held {
                    return Err(format!("{id} was ended at {at} by nobody: {item}"));
                }
                match outcome {
                    "completed" => began,
                    "missed" => !self.narrowed,
                    _ => false,
                }
            }
        };
        if right { Ok(()) } else { Err(format!("{id} is {outcome}, though {:?}, began {}", self.ended, self.began)) }
    }
}
