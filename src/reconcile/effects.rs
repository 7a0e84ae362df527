//! Carrying out a plan: changes of state with what must be saved, then the rules.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::{
    failures::{About, Failure},
    state::{Progress, WINDOWS_AT_ONCE},
};
use crate::{
    app::Run,
    aws::{
        items::Write,
        store::{Written, is_refused_for_good, refused_unchanged},
    },
    error::Error,
    model::{
        conditions::same,
        may_narrow::MayNarrow,
        rule_arn::RuleArn,
        table::{RuleItem, Table},
        window::{State, Window},
    },
    plan::{Change, Plan, RulePlan, Way},
};

/// How many writes one transaction takes: DynamoDB allows 100 (API reference, `TransactWriteItems`).
const WRITES_MAX: usize = 98;

/// How many rules are changed at once.
const RULES_AT_ONCE: usize = 5;

/// What `ModifyRule` allows: this many at once for an account and Region, …
const CHANGES_AT_ONCE: u32 = 20;

/// … then three a second (Elastic Load Balancing user guide, "API throttling").
const CHANGE_INTERVAL: Duration = Duration::from_millis(340);

/// Carries out a plan: changes of state and what must be saved, then the rules. Says whether anything was done, or may
/// have been: if so, everything is looked at again.
pub(super) async fn carry_out(run: Run<'_>, table: &Table, plan: &Plan, progress: &mut Progress) -> bool {
    let ends = end(run, table, plan, progress).await;
    let starts = start(run, plan, progress).await;
    let rules = match (ends, starts) {
        (Step::Again, _) => return true,
        // A rule of which nothing could be saved keeps no other rule from being restored.
        (_, Step::Again) => change_rules(run, table, plan, Only::Restore, progress).await,
        _ => change_rules(run, table, plan, Only::Both, progress).await,
    };
    [ends, starts, rules] != [Step::Idle; 3]
}

/// Which changes of rules are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Only {
    Both,
    Restore,
}

/// What came of one part of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There was nothing to do.
    Idle,
    /// It is done.
    Done,
    /// What depends on it no longer holds.
    Again,
}

async fn end(run: Run<'_>, table: &Table, plan: &Plan, progress: &mut Progress) -> Step {
    let written: Vec<(&Window, Result<Written, Error>)> = stream::iter(&plan.ends)
        .map(async |window| (window, run.app.aws.store.write(None, &[Write::Window(window.clone())]).await))
        .buffer_unordered(WINDOWS_AT_ONCE)
        .collect()
        .await;
    let mut step = if plan.ends.is_empty() { Step::Idle } else { Step::Done };
    for (window, written) in written {
        if let Ok(Written::Yes) = written {
            progress.window_changed(window);
            continue;
        }
        step = Step::Again;
        let error = match written {
            Err(error) => Some(error),
            Ok(Written::Changed) => refused_again(&Write::Window(window.clone()), progress),
            Ok(_) => None,
        };
        if let Some(error) = error {
            progress.blocked.insert(window.uid.clone());
            let before = table.windows.iter().find(|known| known.uid == window.uid);
            let before = before.map_or(State::Active, |known| known.state);
            progress.fail(Failure::new(About::Transition(window.uid.clone(), before), &error));
        }
    }
    step
}

/// Remembers that the table would not take a change since its item is not as it was read. The second time, of the same
/// version, it is a failure: nobody has changed that item in between, and what else there is to do must not wait for it.
fn refused_again(write: &Write, progress: &mut Progress) -> Option<Error> {
    let (of, read) = match write {
        Write::Window(window) => (window.uid.clone(), window.version),
        Write::Rule(item) => (item.arn.to_string(), item.version),
        // Neither a start nor an end writes anything else.
        _ => return None,
    };
    let is_new = progress.refused.insert((of, read));
    (!is_new).then(|| refused_unchanged(std::slice::from_ref(write)))
}

/// Saves what must be saved of the rules and makes the windows active, in one transaction; or one after the other, where
/// one of these writes would keep the others from ever being made.
async fn start(run: Run<'_>, plan: &Plan, progress: &mut Progress) -> Step {
    let unfailed = plan.rules.iter().filter(|rule| !progress.has_failed(&About::Save(rule.arn.clone())));
    let saves = unfailed.filter_map(|rule| rule.save.clone()).map(Write::Rule);
    let writes: Vec<Write> = saves.chain(plan.starts.iter().cloned().map(Write::Window)).collect();
    for part in writes.chunks(WRITES_MAX) {
        match run.app.aws.store.write(None, part).await {
            Ok(Written::Yes) => {}
            Ok(Written::Busy) => return Step::Again,
            Ok(Written::Changed | Written::Decided) => {
                // At first others did the same, or changed something; then one of these writes may never be taken.
                let is_again = std::mem::replace(&mut progress.starts_refused, true);
                match part {
                    [only] => not_taken(only, progress),
                    several if is_again => one_by_one(run, several, progress).await,
                    _ => {}
                }
                return Step::Again;
            }
            Err(error) if part.len() > 1 && is_refused_for_good(&error) => {
                one_by_one(run, part, progress).await;
                return Step::Again;
            }
            Err(error) => {
                for write in &writes {
                    not_written(write, &error, progress);
                }
                return Step::Again;
            }
        }
    }
    for window in &plan.starts {
        progress.window_changed(window);
    }
    if writes.is_empty() { Step::Idle } else { Step::Done }
}

/// Makes these writes each by itself. What the rules had comes before the windows, as nothing is narrowed before both
/// are there.
async fn one_by_one(run: Run<'_>, writes: &[Write], progress: &mut Progress) {
    for write in writes {
        match (run.app.aws.store.write(None, std::slice::from_ref(write)).await, write) {
            (Ok(Written::Yes), Write::Window(window)) => progress.window_changed(window),
            (Ok(Written::Yes | Written::Busy), _) => {}
            (Ok(Written::Changed | Written::Decided), _) => not_taken(write, progress),
            (Err(error), _) => not_written(write, &error, progress),
        }
    }
}

/// Remembers that one write of a start was refused since its item is not as it was read.
fn not_taken(write: &Write, progress: &mut Progress) {
    if let Some(error) = refused_again(write, progress) {
        not_written(write, &error, progress);
    }
}

/// Remembers a start, or what was to be saved of a rule, that could not be written.
fn not_written(write: &Write, error: &Error, progress: &mut Progress) {
    match write {
        Write::Window(window) => {
            progress.blocked.insert(window.uid.clone());
            progress.fail(Failure::new(About::Transition(window.uid.clone(), State::Booked), error));
        }
        Write::Rule(item) => progress.fail(Failure::new(About::Save(item.arn.clone()), error)),
        // A start writes nothing else.
        _ => {}
    }
}

/// Changes the rules that a plan wants changed, as fast as the API lets us; one that fails does not stop the others.
pub(super) async fn change_rules(
    run: Run<'_>,
    table: &Table,
    plan: &Plan,
    only: Only,
    progress: &mut Progress,
) -> Step {
    let pace = Pace::new();
    let changes = plan.rules.iter().filter_map(|rule| Some((rule, rule.change.as_ref()?)));
    let wanted = |(rule, change): &(&RulePlan, &Change)| {
        (change.way == Way::Restore || (only == Only::Both && is_saved(rule, table, progress)))
            && !progress.has_failed(&About::Change(rule.arn.clone(), change.way))
    };
    let changes: Vec<(&RulePlan, &Change)> = changes.filter(wanted).collect();
    let made: BTreeMap<&RuleArn, (Way, Result<bool, Error>)> = stream::iter(&changes)
        .map(async |(rule, change)| {
            let saved = rule.save.as_ref().or(table.rules.get(&rule.arn));
            (&rule.arn, (change.way, change_rule(run, rule, change, saved, &plan.windows, &pace).await))
        })
        .buffer_unordered(RULES_AT_ONCE)
        .collect()
        .await;
    for (rule, (way, made)) in &made {
        match made {
            Ok(true) => {
                tracing::info!(rule.arn = %rule, rule.changed = ?way, "rule changed");
                progress.changed.insert((*rule).clone());
                let is_saved =
                    table.rules.contains_key(*rule) || table.remains_of(rule).is_some_and(|left| left.owner.is_some());
                if *way == Way::Restore && !is_saved {
                    progress.reopened.insert((*rule).clone());
                }
            }
            Ok(false) => {}
            Err(error) => {
                progress.fail(Failure::new(About::Change((*rule).clone(), *way), error));
            }
        }
    }
    if made.is_empty() {
        return Step::Idle;
    }
    if made.values().any(|(_, made)| matches!(made, Ok(true))) {
        progress.changed_at = Some(run.now());
    }
    Step::Done
}

/// Whether the table holds what a rule's plan narrows it from, and to: where that could not be written, what was there
/// before may say the same of both.
fn is_saved(rule: &RulePlan, table: &Table, progress: &Progress) -> bool {
    let Some(item) = rule.save.as_ref().filter(|_| progress.has_failed(&About::Save(rule.arn.clone()))) else {
        return true;
    };
    let says_the_same = |saved: &RuleItem| {
        same(&saved.owner, &item.owner)
            && saved.forms().any(|form| form.mark == item.mark && same(&form.rest, &item.rest))
    };
    table.rules.get(&rule.arn).is_some_and(says_the_same)
}

/// Changes one rule; false if its moment has passed.
async fn change_rule(
    run: Run<'_>,
    rule: &RulePlan,
    change: &Change,
    saved: Option<&RuleItem>,
    windows: &[Window],
    pace: &Pace,
) -> Result<bool, Error> {
    pace.next().await;
    let rules = &run.app.aws.rules;
    match change.way {
        Way::Restore => rules.restore(&rule.arn, &change.to).await.map(|()| true),
        Way::Narrow => {
            let sender = run.app.config.sender();
            // A moment may have passed since the plan was made.
            let proof = saved.and_then(|saved| MayNarrow::prove(saved, windows, sender.as_deref(), run.now()));
            match proof {
                Some(proof) => rules.narrow(&rule.arn, &change.to, &proof).await.map(|()| true),
                None => Ok(false),
            }
        }
    }
}

/// Keeps within what the API allows: a burst, then a steady rate. The SDK slows down further when others use it too.
struct Pace {
    since: Instant,
    taken: AtomicU32,
}

impl Pace {
    fn new() -> Self {
        Self { since: Instant::now(), taken: AtomicU32::new(0) }
    }

    async fn next(&self) {
        let nth = self.taken.fetch_add(1, Ordering::Relaxed);
        let waits = (nth + 1).saturating_sub(CHANGES_AT_ONCE);
        if waits > 0 {
            tokio::time::sleep_until(self.since + CHANGE_INTERVAL * waits).await;
        }
    }
}
