//! Carries a story out, and looks after every step whether all is as it should be.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use maintenance_window::{error::Error, report::response::Response};
use serde_json::Value;

use super::{
    asked::{Answer, Asked},
    expected::{Expected, Stand},
    owners::{Owned, owned},
    reports::Reports,
    steps::{Act, Doing, SANE, Step, Story, UNUSABLE},
    time::Delivery,
};
use crate::world::{ORIGIN_LOCK, SECRET, Settings, World};

/// What changes something.
const READS: [&str; 8] = [
    "DescribeRules",
    "DescribeListeners",
    "GetTopicAttributes",
    "GetSchedule",
    "Query",
    "GetItem",
    "DescribeAlarms",
    "GetMetricStatistics",
];

pub(super) struct Operator {
    pub(super) world: World,
    pub(super) expected: Expected,
    pub(super) reports: Reports,
    pub(super) asked: Vec<Asked>,
    pub(super) on_the_way: Vec<Delivery>,
    base: Settings,
    unusable: BTreeSet<&'static str>,
    shortened: bool,
    /// Whether reports may have gone nowhere.
    pub(super) topic_was_unusable: bool,
    /// What a reader of the story sees.
    pub(super) log: Vec<String>,
    said: usize,
}

/// One invocation that is over.
pub(super) struct Run {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) result: Option<Result<Response, Error>>,
    /// Nothing went wrong around it.
    pub(super) calm: bool,
    pub(super) changed: Vec<String>,
}

pub(super) fn secs(secs: i64) -> SignedDuration {
    SignedDuration::from_secs(secs)
}

pub(super) fn short(result: Option<&Result<Response, Error>>) -> String {
    match result {
        None => "died".to_owned(),
        Some(Ok(response)) => format!("{}: {}", response.outcome, response.message),
        Some(Err(error)) => format!("{error:?}"),
    }
}

impl Operator {
    pub(super) fn new(story: &Story) -> Self {
        let mut world = World::new(story.owners.len());
        world.latency = std::time::Duration::from_millis(story.latency_ms);
        for (rule, nth) in story.owners.iter().enumerate() {
            world.set_conditions(rule, owned(*nth));
        }
        world.settings.insert("ERROR_BUCKET", "error-pages".to_owned());
        world.settings.insert("ANNOUNCE_BEFORE", "PT1H".to_owned());
        let owners = story.owners.iter().map(|nth| Owned::new(*nth)).collect();
        Self {
            base: world.settings.clone(),
            world,
            expected: Expected { owners, ..Expected::default() },
            reports: Reports::default(),
            asked: vec![],
            on_the_way: vec![],
            unusable: BTreeSet::new(),
            shortened: false,
            topic_was_unusable: false,
            log: vec![],
            said: 0,
        }
    }

    pub(super) fn note(&mut self, what: &str) {
        self.log.push(format!("{} {what}", self.world.now().strftime("%d %H:%M:%S%.3f")));
    }

    /// Whether settings and services are as they should be.
    pub(super) fn is_sane(&self) -> bool {
        let state = self.world.state();
        self.unusable.is_empty() && !self.shortened && state.broken.is_empty()
    }

    pub(super) async fn run(&mut self, number: usize, event: &Value, request: &str) -> Run {
        let from = self.world.now();
        let (begun, undisturbed) = {
            let state = self.world.state();
            let nth = state.invocations.len();
            let faults = state.faults.keys().any(|(of, _)| *of == nth);
            let fine = !faults && state.transaction_conflicts == 0 && state.stale_rules == 0 && state.broken.is_empty();
            (state.calls.len(), fine)
        };
        let result = self.world.invoke_as(number, event, request).await;
        let calls: Vec<String> = self.world.state().calls[begun..].iter().map(|call| call.name.clone()).collect();
        let changed = calls.into_iter().filter(|name| !READS.contains(&name.as_str())).collect();
        Run { from, to: self.world.now(), result, calm: undisturbed, changed }
    }

    /// Carries out one step; says what was wrong then.
    pub(super) async fn step(&mut self, step: &Step) -> Result<(), String> {
        let before = self.world.state().violations.len();
        {
            let mut state = self.world.state();
            let nth = state.invocations.len();
            state.faults = step.faults.iter().map(|(run, call, fault)| ((nth + run, *call), *fault)).collect();
            state.transaction_conflicts = step.conflicts;
        }
        if step.stale && self.may_be_stale() {
            self.world.state().stale_rules = 1;
        }
        if !step.faults.is_empty() || step.conflicts > 0 || step.stale {
            self.note(&format!("with {:?}, {} conflicts, stale {}", step.faults, step.conflicts, step.stale));
        }
        let done = self.carry_out(step.doing).await;
        {
            let mut state = self.world.state();
            state.faults.clear();
            state.transaction_conflicts = 0;
            state.stale_rules = 0;
            if matches!(step.doing, Doing::Both(..)) {
                // Who is told by two at once what was true a moment ago is put right by the one that looks later.
                let passing =
                    |promise: &String| promise.contains("was reported but") || promise.contains("was narrowed");
                let late: Vec<String> = state.violations.split_off(before);
                state.violations.extend(late.into_iter().filter(|promise| !passing(promise)));
            }
        }
        done?;
        self.look()
    }

    /// `DescribeRules` may lag behind what was just written, but only so long.
    fn may_be_stale(&self) -> bool {
        let state = self.world.state();
        let last = state.calls.iter().rev().find(|call| call.name == "ModifyRule").map(|call| call.at);
        last.is_some_and(|at| self.world.now().duration_since(at) < secs(10)) && !self.reports.edited_since(last)
    }

    /// What must hold at every moment.
    pub(super) fn look(&mut self) -> Result<(), String> {
        let mut state = self.world.state();
        if let Some(violation) = state.violations.first() {
            return Err(violation.clone());
        }
        // The world's refusals quote the first value always; a process of other settings cannot know it.
        let known = self.world.settings.get("BYPASS_HEADER_VALUE").is_some_and(|values| values.contains(SECRET));
        let told = |text: &&String| {
            text.contains(super::steps::SECOND) || text.contains(ORIGIN_LOCK) || known && text.contains(SECRET)
        };
        if let Some(text) = state.said[self.said..].iter().find(told) {
            return Err(format!("a secret was said: {text}"));
        }
        self.said = state.said.len();
        let new = self.reports.take_new(&mut state.published);
        drop(state);
        self.reports.hear(&new, &self.expected, known)
    }

    async fn carry_out(&mut self, doing: Doing) -> Result<(), String> {
        match doing {
            Doing::Ask(act, key) => {
                let asked = Asked::new(act, key, self.asked.len(), &self.expected, self.world.now());
                self.ask(asked).await
            }
            Doing::Again(back) => {
                let decided: Vec<&Asked> = self.asked.iter().filter(|asked| asked.act.decides()).collect();
                let Some(asked) = decided.len().checked_sub(back + 1).map(|nth| decided[nth].clone()) else {
                    return Ok(());
                };
                let at = if asked.recorded { asked.at } else { self.world.now() };
                self.ask(Asked { at, again: true, ..asked }).await
            }
            Doing::Both(one, two, ms) => self.both(one, two, ms).await,
            Doing::Pass { secs: long, luck } => {
                self.note(&format!("{long} s pass, luck {luck}"));
                self.pass(self.world.now() + secs(long), luck).await
            }
            Doing::Edge { name, end, secs: off, luck } => {
                let id = self.expected.resolve(name);
                let found = self.expected.present(&id);
                let moment = found.and_then(|found| if end { found.end } else { Some(found.start) });
                let Some(moment) = moment.map(|moment| moment + secs(off)) else { return Ok(()) };
                let ahead = moment.duration_since(self.world.now());
                if ahead > secs(3 * 3600) || ahead.is_negative() {
                    return Ok(());
                }
                self.note(&format!(
                    "until {off} s from the {} of {id}, luck {luck}",
                    if end { "end" } else { "start" }
                ));
                self.pass(moment, luck).await
            }
            Doing::Outage { mins, lost } => {
                self.note(&format!("nothing gets through for {mins} min, lost: {lost}"));
                self.outage(mins, lost).await;
                Ok(())
            }
            Doing::Expire => {
                self.world.expire();
                Ok(())
            }
            other => {
                self.note(&format!("{other:?}"));
                self.change(other);
                Ok(())
            }
        }
    }

    /// What is no invocation.
    fn change(&mut self, doing: Doing) {
        match doing {
            Doing::Set((key, value)) => {
                match value {
                    Some(value) => self.world.settings.insert(key, value.to_owned()),
                    None => self.world.settings.remove(key),
                };
                if UNUSABLE.contains(&(key, value)) {
                    self.unusable.insert(key);
                } else if SANE.contains(&(key, value)) {
                    self.unusable.remove(key);
                }
                self.topic_was_unusable |= key == "SNS_TOPIC_ARN";
            }
            Doing::Rules { shortened } => {
                let all = &self.base["RULE_ARNS"];
                let arns = if shortened { all.split(',').next().unwrap_or_default().to_owned() } else { all.clone() };
                self.shortened = arns != *all;
                self.unusable.remove("RULE_ARNS");
                self.world.settings.insert("RULE_ARNS", arns);
            }
            Doing::Reset => {
                self.world.settings = self.base.clone();
                self.unusable.clear();
                self.shortened = false;
            }
            Doing::Own { rule, edit } => {
                let world = self.world.clone();
                if let Some(owner) = self.expected.owners.get_mut(rule)
                    && let Some(shown) = owner.edit(rule, edit, &world)
                {
                    self.reports.edited_at = Some(self.world.now());
                    self.note(&format!("rule {rule} is now {shown}"));
                }
            }
            Doing::Break(operation) => self.world.state().broken.push(operation),
            Doing::Mend => {
                let mut state = self.world.state();
                state.broken.clear();
                state.site_ill = false;
            }
            Doing::Ill(ill) => self.world.state().site_ill = ill,
            _ => {}
        }
    }

    /// Lets everything be as it should: what is left is that the function finds its way.
    pub(super) fn clear_up(&mut self) {
        self.change(Doing::Reset);
        self.change(Doing::Mend);
        self.note("all is mended");
    }

    pub(super) async fn ask(&mut self, mut asked: Asked) -> Result<(), String> {
        asked.spent = asked.recorded;
        let sane = self.is_sane();
        let verdict = self.verdict(&asked);
        let run = self.run(0, &asked.event, &asked.request).await;
        asked.answer = asked.read(run.result.as_ref());
        self.note(&format!("{} {} -> {}", asked.request, asked.event, short(run.result.as_ref())));
        if asked.act.only_looks() && !run.changed.is_empty() {
            return Err(format!("{} changed something: {:?}", asked.event, run.changed));
        }
        let refused = matches!(asked.answer, Answer::Refused | Answer::Nothing) || run.result.is_none();
        if matches!(asked.act, Act::Bad(_)) && !(run.changed.is_empty() && refused) {
            return Err(format!("{} was not refused, or changed something: {:?}", asked.event, run.changed));
        }
        let mut now = vec![asked];
        self.settle(&mut now)?;
        if run.calm && sane {
            if let Some(verdict) = verdict.filter(|_| !now[0].again) {
                verdict.holds(&now[0], run.result.as_ref(), run.to)?;
            }
            self.answers_rightly(now[0].act, now[0].id.as_deref(), &run)?;
            if matches!((now[0].act, &run.result), (Act::Off { name: None }, Some(Ok(_)))) && !now[0].again {
                self.all_is_off(&run)?;
            }
        }
        if matches!(now[0].act, Act::Sweep) {
            self.swept(&run)?;
        }
        self.remember(now);
        Ok(())
    }

    /// After `off` nothing that had started goes on.
    fn all_is_off(&self, run: &Run) -> Result<(), String> {
        let on = self
            .expected
            .present_windows()
            .find(|window| matches!(window.stand(run.from, run.to), Stand::Active | Stand::Held));
        on.map_or(Ok(()), |window| Err(format!("{} goes on after off", window.id)))
    }

    fn remember(&mut self, asked: Vec<Asked>) {
        for asked in asked {
            match self.asked.iter_mut().find(|known| known.tag == asked.tag) {
                Some(known) => known.recorded = asked.recorded,
                None => self.asked.push(asked),
            }
        }
    }

    /// Holds the table against what was asked, and the answers against the table.
    pub(super) fn settle(&mut self, now: &mut [Asked]) -> Result<(), String> {
        let world = self.world.clone();
        self.expected.judge(&world, now)?;
        let before: BTreeSet<(&str, &str)> = self
            .asked
            .iter()
            .filter(|asked| asked.recorded)
            .map(|asked| (asked.key.as_str(), asked.tag.as_str()))
            .collect();
        for asked in now.iter() {
            let another = before.iter().any(|(key, tag)| *key == asked.key && *tag != asked.tag);
            if asked.recorded && !asked.spent && another {
                return Err(format!("{} was decided under a key that was used", asked.tag));
            }
            if !another {
                asked.answered_rightly(&self.expected)?;
            }
        }
        Ok(())
    }

    async fn both(&mut self, one: Act, two: Act, ms: u64) -> Result<(), String> {
        let now = self.world.now();
        let nth = self.asked.len();
        let first = Asked::new(one, None, nth, &self.expected, now);
        let second = Asked::new(two, None, nth + 1, &self.expected, now);
        let world = self.world.clone();
        let later = async {
            tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
            world.invoke_as(1, &second.event, &second.request).await
        };
        let (one, two) = tokio::join!(world.invoke_as(0, &first.event, &first.request), later);
        let mut both = vec![first, second];
        for (asked, result) in both.iter_mut().zip([&one, &two]) {
            asked.answer = asked.read(result.as_ref());
        }
        let told = |asked: &Asked, result| format!("{} {} -> {}", asked.request, asked.event, short(result));
        self.note(&format!(
            "at once, {ms} ms apart: {} | {}",
            told(&both[0], one.as_ref()),
            told(&both[1], two.as_ref())
        ));
        self.settle(&mut both)?;
        self.remember(both);
        Ok(())
    }
}
