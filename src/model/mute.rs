//! Which alarms a window mutes, and the mute rules that it has made or wants.
//!
//! A mute rule is written once and never changed: who wants another makes one of a higher number, so that no late
//! writer puts back what somebody else has changed. The numbers are given out by the window's item in the table, which
//! a run writes before it makes a rule; so each rule that may exist is known there.
//!
//! Pure: the moment is an argument everywhere.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::window::{Outcome, State, Window};

/// How many alarms one rule mutes at most (`PutAlarmMuteRule`, `MuteTargets`).
const ALARMS_MAX: usize = 100;

/// The longest that a rule mutes (`PutAlarmMuteRule`, `Duration`): 15 days.
const LONGEST: SignedDuration = SignedDuration::from_hours(15 * 24);

/// How much longer than the window a rule mutes, for an end that is late; at the real end it is deleted. Should nobody
/// live to delete it, alarms ring again after that.
const GRACE: SignedDuration = SignedDuration::from_hours(1);

/// How far a rule of a window without an end reaches.
const OPEN_ENDED: SignedDuration = SignedDuration::from_hours(24);

/// A rule that mutes for less than this from now on, or from the end on, is followed by another: four sweeps.
const RUNS_OUT: SignedDuration = SignedDuration::from_mins(20);

/// Nothing further ahead than this is looked after yet.
const LOOKS_AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A moment nearer than this has passed once a call arrives.
const CALL: SignedDuration = SignedDuration::from_secs(15);

/// Longer than any run lives: who meant to make a rule before that has made it by now, or never will.
pub const SURELY_OVER: SignedDuration = SignedDuration::from_mins(6);

/// A mute rule that a window has made, or is about to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mute {
    /// Tells it from other rules of its window.
    pub number: u32,
    /// From when on it mutes: a whole minute.
    pub from: Timestamp,
    /// Until when: a whole minute.
    pub until: Timestamp,
    /// The alarms it mutes, by their names.
    pub alarms: Vec<String>,
    /// When somebody set about making it.
    pub since: Timestamp,
    /// Whether it is known to exist; otherwise it may.
    pub made: bool,
    /// Why it could not be made at the last try, in a sentence.
    #[serde(default)]
    pub problem: Option<String>,
}

/// A mute rule as CloudWatch is asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MuteRule {
    /// Its name.
    pub name: String,
    /// What a person reads who finds it in the console.
    pub description: String,
    /// From when on it mutes.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// The alarms it mutes; never none, which would mean all there are.
    pub alarms: Vec<String>,
}

/// What is to be done about a window's mute rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// Rules to be made that are in the table already, or not yet; with their numbers.
    pub make: Vec<Mute>,
    /// Rules to be deleted.
    pub delete: Vec<Mute>,
}

impl Upkeep {
    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.make.is_empty() && self.delete.is_empty()
    }
}

impl Mute {
    /// Its name: the stack's, the window's and its own, which no other rule has. A stack's name holds no dot.
    #[must_use]
    pub fn name(&self, stack: &str, window: &str, uid: &str) -> String {
        format!("{stack}.{window}-{uid}-{}", self.number)
    }

    /// Whether it may be forgotten once it is deleted: nobody is about to make it.
    #[must_use]
    pub fn is_settled(&self, now: Timestamp) -> bool {
        self.made || now.duration_since(self.since) >= SURELY_OVER
    }
}

impl Window {
    /// The alarms that it mutes, in groups of one rule each: those that the settings name, unless it wants none, then
    /// those that its event added. So an alarm that may not be muted takes none of the others with it.
    #[must_use]
    pub fn muted(&self, usual: &[String]) -> Vec<Vec<String>> {
        let more = match &self.mute_alarms {
            Some(none) if none.is_empty() => return vec![],
            Some(more) => more.as_slice(),
            None => &[],
        };
        let more: Vec<String> = more.iter().filter(|name| !usual.contains(name)).cloned().collect();
        [usual, more.as_slice()].iter().flat_map(|names| names.chunks(ALARMS_MAX)).map(<[String]>::to_vec).collect()
    }

    /// What is to be known of its alarms that could not be muted, a sentence each.
    #[must_use]
    pub fn unmuted(&self) -> Vec<String> {
        let is_last = |mute: &&Mute| {
            let later = |other: &Mute| other.alarms == mute.alarms && other.number > mute.number;
            !self.mutes.iter().any(later)
        };
        let told = |mute: &Mute| {
            let problem = mute.problem.as_ref().filter(|_| !mute.made)?;
            Some(format!("window {} does not mute {} ({problem}); all else goes on", self.id, mute.alarms.join(", ")))
        };
        self.mutes.iter().filter(is_last).filter_map(told).collect()
    }

    /// Whether its alarms are to be muted, now or once it begins.
    fn is_to_mute(&self) -> bool {
        match self.state {
            State::Booked | State::Active | State::Held => true,
            // Until its rules are open again.
            State::Ending => {
                let completed = self.ending.is_some_and(|ending| ending.outcome == Outcome::Completed);
                completed && self.reopened_at.is_none()
            }
            State::Over => false,
        }
    }

    /// What is to be done about its mute rules, as the table has them.
    #[must_use]
    pub fn mute_upkeep(&self, usual: &[String], now: Timestamp) -> Upkeep {
        let mut upkeep = Upkeep::default();
        if !self.is_to_mute() {
            // The last steps of a window see to them.
            return upkeep;
        }
        let (from, until) = self.span_to_mute(now);
        let begun = floor(self.start) < now + CALL;
        let mut next = self.mutes.iter().map(|mute| mute.number).max().map_or(1, |number| number + 1);
        let mut kept: Vec<u32> = vec![];
        let mut in_force = true;
        for alarms in self.muted(usual) {
            let serves = |mute: &&Mute| {
                let times = if begun {
                    // It may have begun before, and reach further.
                    mute.from <= from && mute.until >= self.needed_until(now)
                } else {
                    (mute.from, mute.until) == (from, until)
                };
                // One that was never made, and whose start has passed, could not be made any more.
                let possible = mute.made || mute.from > now + CALL;
                mute.alarms == alarms && times && possible
            };
            let found = self.mutes.iter().filter(serves).max_by_key(|mute| mute.number);
            if let Some(mute) = found {
                kept.push(mute.number);
                in_force &= mute.made && mute.from < now - SignedDuration::from_mins(1);
                if !mute.made {
                    upkeep.make.push(mute.clone());
                }
            } else {
                in_force = false;
                // One that was never made, and that nobody is about to make any more, lends its number.
                let lends = |mute: &&Mute| mute.alarms == alarms && !mute.made && mute.is_settled(now);
                let number = self.mutes.iter().find(lends).map_or(next, |mute| mute.number);
                next += u32::from(number == next);
                kept.push(number);
                upkeep.make.push(Mute { number, from, until, alarms, since: now, made: false, problem: None });
            }
        }
        // While it goes on, what mutes stays until what follows it is surely in force.
        if !begun || in_force {
            upkeep.delete = self.mutes.iter().filter(|mute| !kept.contains(&mute.number)).cloned().collect();
        }
        upkeep
    }

    /// From when until when a rule that is made now is to mute.
    fn span_to_mute(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        let start = floor(self.start);
        let from = if start < now + CALL { ceil(now + CALL) } else { start };
        let end = match self.end {
            Some(end) => end.max(from),
            None => from.saturating_add(OPEN_ENDED).unwrap_or(Timestamp::MAX),
        };
        let until = end.saturating_add(GRACE).unwrap_or(Timestamp::MAX);
        (from, ceil(until.min(from.saturating_add(LONGEST).unwrap_or(Timestamp::MAX))))
    }

    /// Until when what mutes now must reach at least, so that nothing follows it yet.
    fn needed_until(&self, now: Timestamp) -> Timestamp {
        let end = self.end.map_or(now, |end| end.max(now));
        let needed = end.saturating_add(RUNS_OUT).unwrap_or(Timestamp::MAX);
        needed.min(now.saturating_add(LOOKS_AHEAD).unwrap_or(Timestamp::MAX))
    }
}

fn floor(at: Timestamp) -> Timestamp {
    let secs = at.as_second();
    Timestamp::from_second(secs - secs.rem_euclid(60)).unwrap_or(at)
}

fn ceil(at: Timestamp) -> Timestamp {
    let floor = floor(at);
    if floor == at { at } else { floor.saturating_add(SignedDuration::from_mins(1)).unwrap_or(floor) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::window::tests::{active, at, window};

    fn usual() -> Vec<String> {
        vec!["5xx".to_owned(), "slow".to_owned()]
    }

    /// A rule that exists, with the alarms of the settings.
    fn mute(number: u32, from: &str, until: &str) -> Mute {
        Mute {
            number,
            from: at(from),
            until: at(until),
            alarms: usual(),
            since: at("00:00:00"),
            made: true,
            problem: None,
        }
    }

    fn with(window: Window, mutes: &[Mute]) -> Window {
        Window { mutes: mutes.to_vec(), ..window }
    }

    /// What is to be made, as `2 03:01-05:00`, and the numbers of what is to be deleted.
    fn upkeep(window: &Window, now: &str) -> (Vec<String>, Vec<u32>) {
        let Upkeep { make, delete } = window.mute_upkeep(&usual(), at(now));
        let clock = |at: Timestamp| at.strftime("%d %H:%M").to_string();
        let told = |mute: &Mute| format!("{} {}-{}", mute.number, clock(mute.from), clock(mute.until));
        (make.iter().map(told).collect(), delete.iter().map(|mute| mute.number).collect())
    }

    fn nothing() -> (Vec<String>, Vec<u32>) {
        (vec![], vec![])
    }

    #[test]
    fn a_booked_window_has_one_rule_of_its_own_times() {
        assert_eq!(upkeep(&window(), "00:00:00"), (vec!["1 06 02:00-06 05:00".to_owned()], vec![]));
        let right = with(window(), &[mute(1, "02:00:00", "05:00:00")]);
        assert_eq!(upkeep(&right, "00:00:00"), nothing());
        let odd = Window { start: at("02:00:40"), end: Some(at("03:59:20")), ..window() };
        assert_eq!(upkeep(&odd, "00:00:00").0, ["1 06 02:00-06 05:00"], "whole minutes around it");
        let moved = Window { start: at("02:30:00"), ..right };
        assert_eq!(upkeep(&moved, "00:00:00"), (vec!["2 06 02:30-06 05:00".to_owned()], vec![1]));
    }

    #[test]
    fn what_mutes_while_a_window_goes_on_stays_until_what_follows_it_does() {
        let right = with(active(), &[mute(1, "02:00:00", "05:00:00")]);
        assert_eq!(upkeep(&right, "03:59:00"), nothing());
        let longer = Window { end: Some(at("06:00:00")), ..right };
        assert_eq!(upkeep(&longer, "03:00:20"), (vec!["2 06 03:01-06 07:00".to_owned()], vec![]));
        let both = with(longer, &[mute(1, "02:00:00", "05:00:00"), mute(2, "03:01:00", "07:00:00")]);
        assert_eq!(upkeep(&both, "03:01:59"), nothing(), "it may not be in force yet");
        assert_eq!(upkeep(&both, "03:02:01"), (vec![], vec![1]));
        let shorter = Window { end: Some(at("03:30:00")), ..with(active(), &[mute(1, "02:00:00", "05:00:00")]) };
        assert_eq!(upkeep(&shorter, "03:00:00"), nothing(), "it is deleted at the end");
    }

    #[test]
    fn a_window_that_starts_now_is_muted_from_the_next_minute_that_a_call_reaches() {
        for (now, from) in [("02:00:00", "02:01"), ("02:00:44", "02:01"), ("02:00:46", "02:02"), ("01:59:50", "02:01")]
        {
            let (make, _) = upkeep(&window(), now);
            assert_eq!(make, [format!("1 06 {from}-06 05:00")], "{now}");
        }
    }

    #[test]
    fn what_goes_on_past_its_end_or_has_none_is_given_further_rules() {
        let held = Window { state: State::Held, ..with(active(), &[mute(1, "02:00:00", "05:00:00")]) };
        assert_eq!(upkeep(&held, "04:39:00"), nothing());
        assert_eq!(upkeep(&held, "04:41:00").0, ["2 06 04:42-06 05:42"]);
        let open_ended = Window { end: None, ..active() };
        assert_eq!(upkeep(&open_ended, "02:00:30").0, ["1 06 02:01-07 03:01"]);
        let muted = with(open_ended, &[mute(1, "02:01:00", "23:00:00")]);
        assert_eq!(upkeep(&muted, "22:39:00"), nothing());
        assert_eq!(upkeep(&muted, "22:41:00").0, ["2 06 22:42-07 23:42"]);
    }

    #[test]
    fn no_rule_is_longer_than_cloudwatch_takes() {
        let month = at("02:00:00") + SignedDuration::from_hours(30 * 24);
        let long = Window { end: Some(month), ..window() };
        let Upkeep { make, .. } = long.mute_upkeep(&usual(), at("00:00:00"));
        assert_eq!(make[0].until.duration_since(make[0].from), LONGEST);
        let going_on = Window { mutes: vec![Mute { made: true, ..make[0].clone() }], state: State::Active, ..long };
        assert!(going_on.mute_upkeep(&usual(), at("03:00:00")).is_nothing());
        let later = at("02:00:00") + SignedDuration::from_hours(9 * 24);
        assert_eq!(going_on.mute_upkeep(&usual(), later).make.len(), 1);
    }

    #[test]
    fn an_event_adds_alarms_or_mutes_none_and_each_group_fits_into_a_rule() {
        let says = |alarms: &[&str]| Window {
            mute_alarms: Some(alarms.iter().map(|name| (*name).to_owned()).collect()),
            ..window()
        };
        assert_eq!(window().muted(&usual()), [usual()]);
        assert_eq!(says(&[]).muted(&usual()), Vec::<Vec<String>>::new());
        assert_eq!(says(&["slow", "canary"]).muted(&usual()), [usual(), vec!["canary".to_owned()]]);
        assert_eq!(says(&["canary"]).muted(&[]), [vec!["canary".to_owned()]]);
        let many: Vec<String> = (0..250).map(|nth| format!("alarm {nth}")).collect();
        let groups: Vec<usize> = window().muted(&many).iter().map(Vec::len).collect();
        assert_eq!(groups, [100, 100, 50]);
    }

    #[test]
    fn what_is_not_wanted_any_more_is_deleted_at_once() {
        let without = Window { mute_alarms: Some(vec![]), ..with(active(), &[mute(1, "02:00:00", "05:00:00")]) };
        assert_eq!(upkeep(&without, "03:00:00"), (vec![], vec![1]));
        let never = Window { mute_alarms: Some(vec![]), ..window() };
        assert_eq!(upkeep(&never, "00:00:00"), nothing());
    }

    #[test]
    fn a_rule_that_may_not_exist_is_made_again_as_long_as_its_start_lies_ahead() {
        let meant = Mute { made: false, ..mute(1, "02:00:00", "05:00:00") };
        assert_eq!(upkeep(&with(window(), std::slice::from_ref(&meant)), "01:00:00").0, ["1 06 02:00-06 05:00"]);
        let (make, delete) = upkeep(&with(active(), std::slice::from_ref(&meant)), "02:30:00");
        assert_eq!(
            (make, delete),
            (vec!["1 06 02:31-06 05:00".to_owned()], vec![]),
            "under its number: nobody is at it"
        );
        let fresh = Mute { since: at("02:29:00"), ..meant };
        assert_eq!(upkeep(&with(active(), &[fresh]), "02:30:00").0, ["2 06 02:31-06 05:00"], "somebody may be at it");
    }

    #[test]
    fn a_rule_is_forgotten_only_when_nobody_can_make_it_any_more() {
        let meant = Mute { made: false, ..mute(1, "02:00:00", "05:00:00") };
        assert!(!meant.is_settled(at("00:05:59")) && meant.is_settled(at("00:06:00")));
        assert!(Mute { made: true, ..meant }.is_settled(at("00:00:01")));
    }

    #[test]
    fn a_window_whose_end_is_decided_stays_muted_until_its_rules_are_open() {
        let over = |outcome| with(active(), &[mute(1, "02:00:00", "03:00:00")]).to_end(at("02:50:00"), outcome);
        assert_eq!(upkeep(&over(Outcome::Completed), "02:50:00").0, ["2 06 02:51-06 05:00"]);
        let open = Window { reopened_at: Some(at("02:50:00")), ..over(Outcome::Completed) };
        assert_eq!(upkeep(&open, "02:50:00"), nothing());
        assert_eq!(upkeep(&over(Outcome::Cancelled), "02:50:00"), nothing());
    }

    #[test]
    fn names_are_apart_and_tell_whose_they_are() {
        let first = mute(1, "02:00:00", "05:00:00");
        assert_eq!(first.name("shop", "deploy", "aaaaa"), "shop.deploy-aaaaa-1");
        assert!(first.name(&"s".repeat(58), &"x".repeat(40), "aaaaa").len() <= 255);
    }
}
