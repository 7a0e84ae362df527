//! What a window wants of its mute rules: which alarms they mute, from when until when, and which are to go.
//!
//! A rule is there for planned work. So none outlives a window that is dropped, or that is over, by more than the alarms
//! need to see that all is well; and a window that cannot end is muted for an hour more and no longer.
//!
//! Pure: the moment is an argument everywhere.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{
    after::RECOVERY,
    mute::Mute,
    time::shifted,
    window::{Outcome, State, Window},
};

/// How many alarms one rule mutes at most (`PutAlarmMuteRule`, `MuteTargets`).
const ALARMS_MAX: usize = 100;

/// The longest that a rule mutes (`PutAlarmMuteRule`, `Duration`): 15 days.
const LONGEST: SignedDuration = SignedDuration::from_hours(15 * 24);

/// How much longer than the window a rule mutes, for an end that is late; at the real end it is deleted. Should nobody
/// live to delete it, or should a rule of the load balancer stay closed, alarms ring again after that.
const GRACE: SignedDuration = SignedDuration::from_hours(1);

/// How far a rule of a window without an end reaches.
const OPEN_ENDED: SignedDuration = SignedDuration::from_hours(24);

/// A rule that mutes for less than this from now on, or from the end on, is followed by another: four sweeps.
const RUNS_OUT: SignedDuration = SignedDuration::from_mins(20);

/// Nothing further ahead than this is looked after yet.
const LOOKS_AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A moment nearer than this has passed once a call arrives.
const CALL: SignedDuration = SignedDuration::from_secs(15);

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

/// What a window wants of its mute rules as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// That they mute while it goes on.
    Mutes,
    /// That they stay as they are.
    AsTheyAre,
    /// That there are none.
    None,
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

    /// The alarms that it has muted by then, be it for a part of its time.
    #[must_use]
    pub fn has_muted(&self, by: Timestamp) -> BTreeSet<String> {
        let rules = self.mutes.iter().filter(|mute| mute.has_muted(by));
        rules.flat_map(|mute| &mute.alarms).chain(&self.once_muted).cloned().collect()
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

    /// What is to be known of its rules that it does not want any more and that could not be deleted, a sentence each.
    #[must_use]
    pub fn still_muted(&self) -> Vec<String> {
        let told = |mute: &Mute| {
            let problem = mute.problem.as_ref().filter(|_| mute.made)?;
            let alarms = mute.alarms.join(", ");
            Some(format!(
                "window {} may mute {alarms} for longer than it should, until {} ({problem})",
                self.id, mute.until
            ))
        };
        self.mutes.iter().filter_map(told).collect()
    }

    /// What is to be done about its mute rules, as the table has them.
    #[must_use]
    pub fn mute_upkeep(&self, usual: &[String], now: Timestamp) -> Upkeep {
        match self.wanted(now) {
            Wanted::Mutes => self.kept_up(usual, now),
            Wanted::AsTheyAre => Upkeep::default(),
            Wanted::None => Upkeep { make: vec![], delete: self.mutes.clone() },
        }
    }

    fn wanted(&self, now: Timestamp) -> Wanted {
        let open_since = match (self.state, self.ending) {
            (State::Booked | State::Active | State::Held, _) => None,
            (State::Ending, Some(ending)) if ending.outcome == Outcome::Completed => self.reopened_at,
            // It closed nothing.
            (State::Ending, _) => return Wanted::None,
            (State::Over, _) => return Wanted::AsTheyAre,
        };
        match open_since {
            // Its last steps see to them, unless its report cannot be sent.
            Some(open) if now.duration_since(open) < RECOVERY => Wanted::AsTheyAre,
            Some(_) => Wanted::None,
            // A rule that begins with the next minute would mute nothing any more.
            None if self.latest(now).is_some_and(|latest| latest <= reachable_minute(now)) => Wanted::None,
            None => Wanted::Mutes,
        }
    }

    fn kept_up(&self, usual: &[String], now: Timestamp) -> Upkeep {
        let mut upkeep = Upkeep::default();
        let (from, until) = self.span_to_mute(now);
        // Its own first minute is out of reach.
        let begun = from != floor(self.start);
        let mut next = self.mutes.iter().map(|mute| mute.number).max().map_or(1, |number| number + 1);
        // Each group of alarms, the rule that mutes it, and whether that is surely in force.
        let mut kept: Vec<(Vec<String>, u32, bool)> = vec![];
        for alarms in self.muted(usual) {
            let serves = |mute: &&Mute| {
                let times = if begun {
                    // It may have begun before, and reach further.
                    mute.from <= from && mute.until >= self.needed_until(now)
                } else {
                    (mute.from, mute.until) == (from, until)
                };
                // One that was never made, and whose start has passed, could not be made any more.
                let possible = mute.made || mute.from >= reachable_minute(now);
                mute.alarms == alarms && times && possible
            };
            let found = self.mutes.iter().filter(serves).max_by_key(|mute| mute.number);
            if let Some(mute) = found {
                kept.push((alarms, mute.number, mute.has_muted(now - SignedDuration::from_mins(1))));
                if !mute.made {
                    upkeep.make.push(mute.clone());
                }
            } else {
                // One that was never made, and that nobody is about to make any more, lends its number.
                let lends = |mute: &&Mute| mute.alarms == alarms && !mute.made && mute.is_settled(now);
                let number = self.mutes.iter().find(lends).map_or(next, |mute| mute.number);
                next += u32::from(number == next);
                kept.push((alarms.clone(), number, false));
                upkeep.make.push(Mute { number, from, until, alarms, since: now, made: false, problem: None });
            }
        }
        // While it goes on, what mutes an alarm stays until what follows it is surely in force.
        let is_free = |alarm: &String| kept.iter().all(|(alarms, _, in_force)| *in_force || !alarms.contains(alarm));
        let goes = |mute: &&Mute| {
            let is_kept = kept.iter().any(|(_, number, _)| *number == mute.number);
            !is_kept && (!begun || mute.alarms.iter().all(is_free))
        };
        upkeep.delete = self.mutes.iter().filter(goes).cloned().collect();
        upkeep
    }

    /// From when until when a rule that is made now is to mute.
    fn span_to_mute(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        let from = floor(self.start).max(reachable_minute(now));
        let open_ended = || shifted(shifted(from, OPEN_ENDED), GRACE);
        let until = self.latest(now).unwrap_or_else(open_ended);
        (from, ceil(until.min(shifted(from, LONGEST))))
    }

    /// Until when its alarms may be muted at the latest, as things are; none as long as it has no end.
    fn latest(&self, now: Timestamp) -> Option<Timestamp> {
        Some(ceil(shifted(self.expected_end(now)?, GRACE)))
    }

    /// When it is over, as far as anybody can say; none as long as it has no end.
    fn expected_end(&self, now: Timestamp) -> Option<Timestamp> {
        match (self.state, self.ending) {
            (State::Held, _) => self.end.map(|end| end.max(reachable_minute(now))),
            (State::Ending | State::Over, Some(ending)) => Some(floor(ending.at)),
            (State::Booked | State::Active | State::Ending | State::Over, _) => self.end,
        }
    }

    /// Until when what mutes now must reach at least, so that nothing follows it yet.
    fn needed_until(&self, now: Timestamp) -> Timestamp {
        let end = match self.state {
            // It may still take a while, but no longer than its latest.
            State::Ending | State::Over => now,
            State::Booked | State::Active | State::Held => self.expected_end(now).unwrap_or(now),
        };
        let needed = shifted(end, RUNS_OUT).min(shifted(now, LOOKS_AHEAD));
        self.latest(now).map_or(needed, |latest| needed.min(latest))
    }
}

/// The first whole minute that a call made now still reaches.
fn reachable_minute(now: Timestamp) -> Timestamp {
    ceil(shifted(now, CALL))
}

fn floor(at: Timestamp) -> Timestamp {
    let secs = at.as_second();
    Timestamp::from_second(secs - secs.rem_euclid(60)).unwrap_or(at)
}

fn ceil(at: Timestamp) -> Timestamp {
    let floor = floor(at);
    if floor == at { at } else { shifted(floor, SignedDuration::from_mins(1)) }
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
        assert_eq!(upkeep(&moved, "02:29:45").1, [1], "a call still reaches that minute");
        assert_eq!(upkeep(&moved, "02:29:46"), nothing(), "what mutes already goes on");
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
        let late = upkeep(&with(active(), std::slice::from_ref(&meant)), "02:00:10");
        assert_eq!(late.0, ["1 06 02:01-06 05:00"], "its start has passed, so it begins with a later minute");
        let being_made = Mute { since: at("00:59:50"), ..meant.clone() };
        assert_eq!(
            upkeep(&with(window(), &[being_made]), "01:00:00"),
            (vec!["1 06 02:00-06 05:00".to_owned()], vec![]),
            "the same rule, whoever else is making it"
        );
        let fresh = Mute { since: at("02:29:00"), ..meant };
        assert_eq!(upkeep(&with(active(), &[fresh]), "02:30:00").0, ["2 06 02:31-06 05:00"], "somebody may be at it");
    }

    #[test]
    fn a_window_whose_end_is_decided_stays_muted_until_its_rules_are_open_and_some_minutes_longer() {
        let over = |outcome| with(active(), &[mute(1, "02:00:00", "03:00:00")]).to_end(at("02:50:00"), outcome);
        assert_eq!(upkeep(&over(Outcome::Completed), "02:50:00").0, ["2 06 02:51-06 03:50"]);
        let open = Window { reopened_at: Some(at("02:50:00")), ..over(Outcome::Completed) };
        assert_eq!(upkeep(&open, "02:54:59"), nothing());
        assert_eq!(upkeep(&open, "02:55:00"), (vec![], vec![1]), "its report may never get out");
        for outcome in [Outcome::Cancelled, Outcome::Missed] {
            assert_eq!(upkeep(&over(outcome), "02:50:00"), (vec![], vec![1]), "{outcome:?}");
        }
        assert_eq!(upkeep(&Window { state: State::Over, ..open }, "02:55:00"), nothing(), "`After` sees to it");
    }

    #[test]
    fn a_window_that_cannot_end_is_muted_for_an_hour_more_and_no_longer() {
        let muted = || with(active(), &[mute(1, "02:00:00", "05:00:00")]);
        let gone = (vec![], vec![1]);
        for stuck in
            [muted().to_end(at("04:00:00.5"), Outcome::Completed), muted(), Window { state: State::Booked, ..muted() }]
        {
            assert_eq!(upkeep(&stuck, "04:58:45"), nothing(), "{:?}", stuck.state);
            assert_eq!(upkeep(&stuck, "04:58:46"), gone, "{:?}", stuck.state);
        }
        let early = muted().to_end(at("03:00:30"), Outcome::Completed);
        assert_eq!((upkeep(&early, "03:58:00"), upkeep(&early, "03:59:00")), (nothing(), gone));
        let was_held = Window { state: State::Held, ..muted() }.to_end(at("04:50:10"), Outcome::Completed);
        assert_eq!(upkeep(&was_held, "04:50:10").0, ["2 06 04:51-06 05:50"]);
    }

    #[test]
    fn a_rule_of_alarms_that_nobody_wants_muted_goes_whatever_becomes_of_other_rules() {
        let of = |alarm: &str, mute: Mute| Mute { alarms: vec![alarm.to_owned()], ..mute };
        let refused = Mute { made: false, ..mute(1, "03:01:00", "05:00:00") };
        let canary = of("canary", mute(2, "02:00:00", "05:00:00"));
        let edited = Window { mute_alarms: None, ..with(active(), &[refused.clone(), canary]) };
        assert_eq!(upkeep(&edited, "03:00:00").1, [2]);
        let shrunk =
            with(active(), &[refused, mute(2, "01:00:00", "02:30:00"), of("slow", mute(3, "02:00:00", "05:00:00"))]);
        assert_eq!(upkeep(&shrunk, "03:00:00").1, [0; 0], "what mutes an alarm stays until what follows it does");
    }

    #[test]
    fn what_a_window_has_muted_is_known_though_the_rule_is_gone() {
        let canary = Mute { alarms: vec!["canary".to_owned()], ..mute(2, "03:00:00", "05:00:00") };
        let refused = Mute { alarms: vec!["denied".to_owned()], made: false, ..mute(3, "02:00:00", "05:00:00") };
        let rules = [mute(1, "02:00:00", "05:00:00"), canary, refused];
        let window = Window { once_muted: ["former".to_owned()].into(), ..with(active(), &rules) };
        let by = |moment| Vec::from_iter(window.has_muted(at(moment)));
        assert_eq!(by("01:59:59"), ["former"]);
        assert_eq!(by("02:59:59"), ["5xx", "former", "slow"]);
        assert_eq!(by("03:00:00"), ["5xx", "canary", "former", "slow"]);
    }

    #[test]
    fn a_rule_that_could_not_be_deleted_is_told_and_none_that_was_not_made() {
        let problem = || Some("why".to_owned());
        let refused = Mute { made: false, problem: problem(), ..mute(2, "02:00:00", "05:00:00") };
        let kept = Mute { problem: problem(), ..mute(1, "02:00:00", "05:00:00") };
        let window = with(active(), &[kept, refused]);
        let still = "window deploy may mute 5xx, slow for longer than it should, until 2026-12-06T05:00:00Z (why)";
        assert_eq!(window.still_muted(), [still]);
        assert_eq!(window.unmuted(), ["window deploy does not mute 5xx, slow (why); all else goes on"]);
    }
}
