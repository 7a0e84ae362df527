//! One night: its story, what goes wrong in it, and what must hold once the storm has passed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::stories::{Step, Story};
use crate::world::{Fault, World, path, rule_arn};

/// How one of the function's schedules reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    After(i64),
    Twice,
    Never,
}

/// Who sends the events of a story.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sender {
    /// Someone who sends an event again when it failed: another request.
    #[default]
    Person,
    /// A schedule made by hand: Lambda repeats what failed as the same request.
    Schedule,
}

/// What goes wrong in a night.
#[derive(Clone, Debug, Default)]
pub(super) struct Storm {
    pub(super) faults: BTreeMap<(usize, usize), Fault>,
    /// By the schedule's suffix.
    pub(super) deliveries: BTreeMap<&'static str, Delivery>,
    /// How many writes meet another transaction, from which invocation on.
    pub(super) conflicts: BTreeMap<usize, usize>,
    /// The invocations that first read the rules as they were before they were last changed.
    pub(super) stale: BTreeSet<usize>,
    pub(super) latency_ms: u64,
    pub(super) sender: Sender,
}

/// A run of a calm night.
#[derive(Clone)]
pub(super) struct Run {
    /// Which invocation it was.
    pub(super) nth: usize,
    /// Its calls' names, in their order.
    pub(super) calls: Vec<String>,
    /// Whether an event of the story was sent, rather than a wake-up or a sweep.
    pub(super) sent: bool,
}

/// A night that nothing went wrong in.
pub(super) struct Calm {
    pub(super) runs: Vec<Run>,
    pub(super) reports: Vec<String>,
    /// Whether wake-ups were booked.
    pub(super) wakes: bool,
}

impl Calm {
    /// Every place where something can go wrong: the invocation and its call, both counted.
    pub(super) fn places(&self) -> Vec<(usize, usize)> {
        self.runs.iter().flat_map(|run| (0..run.calls.len()).map(move |call| (run.nth, call))).collect()
    }
}

/// A night, and what is remembered of it.
struct Night<'a> {
    world: World,
    storm: &'a Storm,
    /// Every window that ever was in the table, by its uid.
    windows: BTreeMap<String, String>,
    /// The invocations that an event of the story was sent to.
    sent: BTreeSet<usize>,
    /// What was asked for, by the action's word.
    asked: BTreeMap<String, Asked>,
}

/// What became of the requests for one action.
#[derive(Default)]
struct Asked {
    requests: usize,
    refused: usize,
    /// Answered as a change of times that was made.
    moved: usize,
}

/// What the owner wrote: two paths, so that the header joins them rather than replacing a catch-all.
fn owned() -> Vec<Value> {
    vec![path(&["/shop/*", "/cart"])]
}

/// Lives through a story in a storm; or says what was wrong in the end.
pub(super) fn live(story: &Story, storm: &Storm) -> Result<Calm, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let mut world = if story.probed { World::probed(story.rules) } else { World::new(story.rules) };
        if story.announced {
            world.settings.insert("ERROR_BUCKET", "error-pages".to_owned());
            world.settings.insert("ANNOUNCE_BEFORE", "PT20M".to_owned());
        }
        if story.mutes {
            world.settings.insert("MUTE_ALARMS", "site-5xx,site-slow".to_owned());
        }
        if storm.latency_ms > 0 {
            world.latency = Duration::from_millis(storm.latency_ms);
            world.table_latency = Duration::from_millis(storm.latency_ms / 4 + 1);
        }
        for nth in 0..story.rules {
            world.set_conditions(nth, owned());
        }
        world.state().faults = storm.faults.clone();
        let mut night = Night { world, storm, windows: BTreeMap::new(), sent: BTreeSet::new(), asked: BTreeMap::new() };
        for step in story.steps {
            let (Step::Sent(at, _) | Step::Ill(at) | Step::Well(at) | Step::Redeployed(at)) = step;
            night.pass(night.world.at(at)).await;
            match step {
                Step::Sent(at, event) => night.send(at, &serde_json::from_str(event).expect("JSON")).await,
                Step::Ill(_) => night.world.state().site_ill = true,
                Step::Well(_) => night.world.state().site_ill = false,
                Step::Redeployed(_) => night.world.take_another_role(),
            }
        }
        night.pass(night.world.at("02:30")).await;
        // The next sweep is the bound.
        night.world.until(night.world.next_sweep()).await;
        night.deliver(&json!({"action": "sweep"}), "sweep").await;
        let lived = night.lived();
        night.verdict(story).await?;
        Ok(lived)
    })
}

impl Night<'_> {
    /// What each run called; the calls of one come before those of the next.
    fn lived(&self) -> Calm {
        let state = self.world.state();
        let mut names = state.calls.iter().map(|call| call.name.clone());
        let counts = state.invocations.iter().enumerate();
        let run = |(nth, count): (usize, &usize)| Run {
            nth,
            calls: names.by_ref().take(*count).collect(),
            sent: self.sent.contains(&nth),
        };
        let runs = counts.map(run).collect();
        let reports = state.published.iter().map(|report| report.event().to_owned()).collect();
        Calm { runs, reports, wakes: !state.created_ever.is_empty() }
    }

    /// Sends an event until it is refused or done.
    async fn send(&mut self, at: &str, event: &Value) {
        let action = event["action"].as_str().unwrap_or("book").to_owned();
        if self.storm.sender == Sender::Schedule {
            self.asked.entry(action.clone()).or_default().requests += 1;
            for wait in [60, 120, 0] {
                if self.try_once(&action, event, at).await {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(wait)).await;
            }
        }
        for nth in 0..6 {
            self.asked.entry(action.clone()).or_default().requests += 1;
            if self.try_once(&action, event, &format!("{at} {nth}")).await {
                return;
            }
        }
    }

    /// Sends an event once; whether there is no use in sending it again.
    async fn try_once(&mut self, action: &str, event: &Value, request: &str) -> bool {
        self.before_invoking();
        self.sent.insert(self.world.state().invocations.len());
        let answer = Box::pin(self.world.try_invoke(event, request)).await;
        self.remember();
        let asked = self.asked.entry(action.to_owned()).or_default();
        match answer {
            Some(Ok(answer)) => {
                asked.moved += usize::from(["extended", "rescheduled"].contains(&answer.outcome.as_str()));
                true
            }
            Some(Err(error)) if error.kind() == "InvalidEvent" => {
                asked.refused += 1;
                true
            }
            // It says that it is decided, and that the rest follows.
            Some(Err(error)) => error.kind() == "Incomplete" && error.full().contains("stand"),
            None => false,
        }
    }

    fn before_invoking(&self) {
        let mut state = self.world.state();
        let next = state.invocations.len();
        state.transaction_conflicts = self.storm.conflicts.get(&next).copied().unwrap_or_default();
        state.stale_rules = usize::from(self.storm.stale.contains(&next));
    }

    async fn deliver(&mut self, event: &Value, request: &str) {
        self.before_invoking();
        Box::pin(self.world.deliver(event, request)).await;
        self.remember();
    }

    fn remember(&mut self) {
        for id in self.world.windows() {
            let window = self.world.window(&id).expect("a window");
            self.windows.insert(window["uid"].as_str().expect("a uid").to_owned(), id);
        }
    }

    /// Whether nothing is left that anybody could wait for.
    fn is_over(&self) -> bool {
        let windows = self.world.windows().is_empty() && self.world.series_ids().is_empty();
        windows && self.world.schedule_names().is_empty() && self.world.to_do().is_empty()
    }

    /// Lets time pass, wake-ups arriving as the storm has it. A sweep of an empty night tells nothing new.
    async fn pass(&mut self, until: Timestamp) {
        let mut repeats: Vec<(Timestamp, Value)> = vec![];
        while !self.is_over() || !repeats.is_empty() {
            let now = self.world.now();
            let storm = self.storm;
            let due = |name: &str, at: Timestamp| match delivery(storm, name) {
                Delivery::After(secs) => (at + SignedDuration::from_secs(secs)).max(now),
                Delivery::Twice | Delivery::Never => at.max(now),
            };
            let next = {
                let state = self.world.state();
                state.schedules.iter().filter_map(|(name, found)| Some((due(name, found.next?), name.clone()))).min()
            };
            let repeat = repeats.iter().map(|(at, _)| *at).min();
            let sweep = self.world.next_sweep();
            let soonest = [next.as_ref().map(|(at, _)| *at), repeat, Some(sweep)].into_iter().flatten().min();
            let soonest = soonest.expect("a sweep");
            if soonest > until {
                break;
            }
            self.world.until(soonest).await;
            if let Some((at, name)) = next
                && at == soonest
            {
                let Some(input) = self.world.fire(&name) else { continue };
                match delivery(storm, &name) {
                    Delivery::Never => {}
                    Delivery::After(_) => self.deliver(&input, &name).await,
                    Delivery::Twice => {
                        self.deliver(&input, &name).await;
                        repeats.push((soonest + SignedDuration::from_secs(90), input));
                    }
                }
                self.world.clear_fired(&name);
            } else if let Some(at) = repeats.iter().position(|(at, _)| *at == soonest) {
                let (_, input) = repeats.remove(at);
                self.deliver(&input, "repeat").await;
            } else {
                self.deliver(&json!({"action": "sweep"}), "sweep").await;
            }
        }
        self.world.until(until).await;
    }

    /// What must hold once the storm has passed.
    async fn verdict(&self, story: &Story) -> Result<(), String> {
        let mut wrong = self.broken_promises(story);
        wrong.extend(self.wrong_history());
        wrong.extend(self.wrong_reports());
        wrong.extend(self.world.wrongly_told());
        // Nothing is left to do: a run that is woken now reads and changes nothing.
        self.world.state().faults.clear();
        self.world.state().stale_rules = 0;
        let before = self.world.state().calls.len();
        Box::pin(self.world.try_invoke(&json!({"action": "sweep"}), "last")).await;
        let more: Vec<String> =
            self.world.state().calls[before..].iter().map(|call| format!("{} {}", call.name, call.subject)).collect();
        if more != ["DescribeRules ", "Query now"] {
            wrong.push(format!("a last sweep still made {more:?}"));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }

    fn broken_promises(&self, story: &Story) -> Vec<String> {
        let state = self.world.state();
        // A rule that was read as it was before cannot be known better.
        let stale = |promise: &&String| self.storm.stale.is_empty() || !promise.contains("does not show it");
        let mut wrong: Vec<String> = state.violations.iter().filter(stale).cloned().collect();
        for nth in 0..story.rules {
            let conditions = &state.rules[&rule_arn(nth)].conditions;
            if *conditions != owned() {
                wrong.push(format!("rule {nth} was left as {conditions:?}"));
            }
        }
        drop(state);
        let left_over = self.world.left_over();
        if !left_over.is_empty() {
            wrong.push(format!("left over: {left_over:?}"));
        }
        let muting = self.world.mute_rules();
        if !muting.is_empty() {
            wrong.push(format!("{muting:?} mute for no window"));
        }
        if !self.world.series_ids().is_empty() {
            wrong.push("the series goes on".to_owned());
        }
        wrong
    }

    /// Every window is in the history once, with what was decided about it, and that as often as it was asked for.
    fn wrong_history(&self) -> Vec<String> {
        let history = self.world.history();
        let of = |uid: &String| history.iter().filter(|past| past["uid"] == uid.as_str()).count();
        let counted = self.windows.iter().map(|(uid, id)| (of(uid), uid, id)).filter(|(count, ..)| *count != 1);
        let mut wrong: Vec<String> =
            counted.map(|(count, uid, id)| format!("{id} ({uid}) is in the history {count} times")).collect();
        for (action, asked) in &self.asked {
            let decided: BTreeSet<&str> = history
                .iter()
                .flat_map(|past| past["decisions"].as_array().expect("decisions"))
                // The windows of a series repeat its own booking.
                .filter(|decision| decision["action"] == action.as_str() && action != "book")
                .map(|decision| decision["at"].as_str().expect("a moment"))
                .collect();
            let (decided, most) = (decided.len(), asked.requests - asked.refused);
            if decided > most || decided < asked.moved {
                wrong.push(format!("{action} was decided {decided} times, at most {most}, at least {}", asked.moved));
            }
        }
        let occurrences: Vec<&Value> =
            history.iter().filter(|past| past["series"] == "s" && past["occurrence"].is_string()).collect();
        let mut starts = BTreeMap::<&str, usize>::new();
        for past in occurrences.iter().filter(|past| past["ending"]["outcome"] != "cancelled") {
            *starts.entry(past["occurrence"].as_str().expect("a start")).or_default() += 1;
        }
        wrong.extend(starts.iter().filter(|(_, count)| **count > 1).map(|(at, _)| format!("{at} came twice")));
        wrong
    }

    fn wrong_reports(&self) -> Vec<String> {
        let state = self.world.state();
        let mut told = BTreeMap::<(&str, &str), BTreeSet<&str>>::new();
        for report in &state.published {
            let id = report.document["window"]["id"].as_str().unwrap_or("-");
            let report_id = report.document["report_id"].as_str().expect("an id");
            told.entry((id, report.event())).or_default().insert(report_id);
        }
        let count = |id: &str, event: &str| told.get(&(id, event)).map_or(0, BTreeSet::len);
        let mut wrong = vec![];
        let ids: BTreeSet<&str> = self.windows.values().map(String::as_str).collect();
        for id in ids {
            let windows = self.windows.values().filter(|other| *other == id).count();
            let over = count(id, "completed") + count(id, "cancelled") + count(id, "missed");
            if over != windows {
                wrong.push(format!("{windows} windows {id} were reported as over {over} times"));
            }
            let ended = count(id, "completed") + count(id, "cancelled");
            if count(id, "started") > ended {
                wrong.push(format!("{id} was reported as started but not as completed"));
            }
        }
        // Nobody else touches a rule.
        if self.storm.stale.is_empty() && told.keys().any(|(_, event)| *event == "drift") {
            wrong.push("drift was reported".to_owned());
        }
        wrong
    }
}

fn delivery(storm: &Storm, name: &str) -> Delivery {
    let part = name.rsplit_once('.').map_or(name, |(_, part)| part);
    storm.deliveries.get(part.split('-').next().unwrap_or_default()).copied().unwrap_or(Delivery::After(5))
}
