//! One run: look, decide, carry out, look again until nothing is left to do, then report.
//!
//! Told *which* windows exist by the table and never why it was woken, every run brings all windows and rules to where
//! they should be now. What is to be done is decided in [`crate::plan`]; the order in which it is done is decided here.

mod after;
mod begin;
mod effects;
mod failures;
mod figures;
mod finish;
mod mutes;
mod observe;
mod occurrences;
mod outside;
mod present;
mod reports;

mod state;

mod times;
mod visitors;
mod wakeups;

pub use after::follow_up;
pub use begin::{Begun, begin};
pub use observe::{Observed, observe};
pub use occurrences::book_next;
pub use present::{Present, present, present_and_outside};
pub use reports::{note_finding, notice, orphan_report};
pub use state::{Done, Happened};
pub use visitors::{Problem, tell_visitors};
pub use wakeups::forget_wake_ups;

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::{
    app::Run,
    aws::store::Reads,
    error::Error,
    log::DETAIL,
    model::{seen::Rules, table::Table, window::Window},
    plan::{self, Input, Obstacle, Plan},
    report::{site, views::RuleView},
};

use failures::Failure;
use outside::Outside;
use state::{Progress, Settled};

/// How often a run looks before it leaves the rest to the next one: others keep changing what it depends on.
const LOOKS_MAX: usize = 10;

/// After this time what was read is read again before anything is reported.
const LONG: SignedDuration = SignedDuration::from_secs(2);

/// Brings everything to where it should be now, and reports.
///
/// # Errors
/// [`Error::Aws`] when the table cannot be read; all else that fails is in [`Done`].
pub async fn reconcile(run: Run<'_>) -> Result<Done, Error> {
    Box::pin(go_on(run, Progress::default())).await
}

/// The same, and reads what is left to do of windows that are over, for [`follow_up`].
///
/// # Errors
/// As [`reconcile`].
pub async fn reconcile_and_read_all(run: Run<'_>) -> Result<Done, Error> {
    Box::pin(go_on(run, Progress { reads: Reads::All, ..Progress::default() })).await
}

/// The same, and takes the bypass header off rules that are header-only for no window.
///
/// # Errors
/// As [`reconcile`].
pub async fn reconcile_and_reopen(run: Run<'_>) -> Result<Done, Error> {
    Box::pin(go_on(run, Progress { reopen_orphans: true, ..Progress::default() })).await
}

/// The same for a run that has begun a window.
///
/// # Errors
/// As [`reconcile`].
pub async fn reconcile_after(run: Run<'_>, begun: Begun) -> Result<Done, Error> {
    Box::pin(go_on(run, begun.progress)).await
}

async fn go_on(run: Run<'_>, mut progress: Progress) -> Result<Done, Error> {
    let mut settled = Box::pin(settle(run, &mut progress)).await?;
    let read_at = run.now();
    Box::pin(mutes::keep(run, &mut settled.table.windows)).await;
    let watches = outside::is_needed(run, &settled);
    if watches {
        times::note(run, &mut settled, &progress).await;
    }
    let watch = async { if watches { outside::watch(run, &settled).await } else { None } };
    let (sight, mut told) = tokio::join!(watch, tell_visitors(run, &settled.table, vec![]));
    let mut outside = Outside { sight, page_problem: told.problem.as_ref().map(|problem| problem.what.clone()) };
    settled.table.published = told.published.take().or(settled.table.published);
    if outside.sight.is_some() || run.now().duration_since(read_at) > LONG {
        // Watching, muting or telling visitors took a while: what is true now is read again, and acted on.
        settled = Box::pin(settle(run, &mut progress)).await?;
        outside.forget_unless_expected(run, &settled);
    }
    let (booked, unbooked) = Box::pin(book_next(run, &settled.table)).await;
    if told.problem.is_none() {
        told = tell_visitors(run, &settled.table, booked.clone()).await;
        settled.table.published = told.published.take().or(settled.table.published);
    }
    let mut done = Box::pin(reports::tell(run, &mut settled, &progress, &outside, booked)).await;
    figures::measure(run, &settled, &progress, &outside);
    finish::archive(run, &mut settled, &mut done).await;
    done.left.extend(unbooked);
    done.unpublished = told.problem;
    Ok(finished(run, settled, progress, done))
}

/// Does what follows a decision about a window that is still ahead: its wake-ups and its reports. Rules are only read,
/// to tell how the site stands.
///
/// # Errors
/// [`Error::Incomplete`] with what was `decided`, when a call fails; the sweep goes on from there.
pub async fn follow(run: Run<'_>, window: &mut Window, decided: String) -> Result<Present, Error> {
    let mut announced = window.clone();
    let look_and_tell = async {
        let mut present = present(run, Reads::Windows).await;
        let publish = async {
            if present.windows_seen {
                tell_visitors(run, &present.table, vec![]).await
            } else {
                visitors::Told::default()
            }
        };
        let (told, published) = tokio::join!(reports::tell_by_clock(run, &mut announced, &present.site), publish);
        present.unpublished = published.problem;
        present.table.published = published.published.or(present.table.published);
        (present, told)
    };
    let mut muted = window.clone();
    let (made, (present, told), ()) =
        tokio::join!(wakeups::make_wake_ups(run, window), look_and_tell, Box::pin(mutes::keep_one(run, &mut muted)));
    window.told = announced.told;
    window.mutes = muted.mutes;
    window.mutes_version = muted.mutes_version;
    window.once_muted = muted.once_muted;
    let left: Vec<String> = [made, told].into_iter().filter_map(Result::err).map(|error| error.full()).collect();
    if left.is_empty() {
        return Ok(present);
    }
    Err(Error::Incomplete { site: Some(site::headline(&present.site)), decided: Some(decided), left })
}

/// Looks, decides and carries out until a look shows nothing left to do.
async fn settle(run: Run<'_>, progress: &mut Progress) -> Result<Settled, Error> {
    let mut last = Table::default();
    for _ in 0..LOOKS_MAX {
        let Observed { rules, mut table } = observe(run, progress.reads).await?;
        let rules = match rules {
            Ok(rules) => rules,
            Err(error) => {
                // Nothing is decided about rules, but what people booked still gets its wake-ups.
                let without = plan::without_wake_ups(&table, run.app.config.sender().as_deref(), run.now());
                wakeups::make_missing(run, &without, &mut table, progress).await;
                return Ok(Settled { table, plan: None, rules_error: Some(error) });
            }
        };
        let mut plan = decide(run, &rules, &table, progress);
        // No rule waits for wake-ups but those of its own windows.
        let (urgent, others): (Vec<Window>, Vec<Window>) =
            plan.wake_ups.iter().cloned().partition(|window| window.start <= run.now());
        if !urgent.is_empty() {
            wakeups::make_missing(run, &urgent, &mut table, progress).await;
            plan = decide(run, &rules, &table, progress);
        }
        describe(&plan);
        let odd = plan.odd();
        if !odd.is_empty() && odd != progress.odd {
            progress.odd = odd;
        } else if effects::carry_out(run, &table, &plan, progress).await {
            // What was done is seen by the next look.
        } else if plan.asks_health && progress.fresh_health(run.now()).is_none() {
            progress.healthy = Some((outside::is_healthy(run).await, run.now()));
        } else {
            wakeups::make_missing(run, &others, &mut table, progress).await;
            return Ok(Settled { table, plan: Some(plan), rules_error: None });
        }
        last = table;
    }
    let left = vec!["others keep changing the windows or rules that this run looks at".to_owned()];
    Ok(Settled { table: last, plan: None, rules_error: Some(Error::Incomplete { site: None, decided: None, left }) })
}

/// What a look saw and what follows, for a log at DEBUG; no header's value is among it.
fn describe(plan: &Plan) {
    // Looking through what nobody reads costs time where there are many windows.
    if !tracing::enabled!(target: DETAIL, tracing::Level::INFO) {
        return;
    }
    for window in &plan.windows {
        let lacks_wake_ups = plan.wake_ups.iter().any(|other| other.uid == window.uid);
        tracing::info!(
            target: DETAIL,
            {
                window.id = %window.id,
                window.state = ?window.state,
                window.start = %window.start,
                window.end = window.end.map(tracing::field::display),
                window.lacks_wake_ups = lacks_wake_ups
            },
            "window seen"
        );
    }
    for rule in &plan.rules {
        let change = rule.change.as_ref().map(|change| tracing::field::debug(change.way));
        tracing::info!(
            target: DETAIL,
            {
                rule.arn = %rule.arn,
                rule.state = ?rule.state,
                rule.change = change,
                rule.looks_edited = rule.odd,
                rule.has_obstacle = rule.obstacle.is_some()
            },
            "rule seen"
        );
    }
}

fn decide(run: Run<'_>, rules: &Rules, table: &Table, progress: &Progress) -> Plan {
    let now = run.now();
    plan::plan(&Input {
        now,
        config: &run.app.config,
        rules,
        table,
        healthy: progress.fresh_health(now),
        blocked: &progress.blocked,
        changed: &progress.changed,
        reopen_orphans: progress.reopen_orphans,
    })
}

fn finished(run: Run<'_>, settled: Settled, progress: Progress, mut done: Done) -> Done {
    let sender = run.app.config.sender();
    if let Some(plan) = &settled.plan {
        done.unworkable = plan::unworkable::unworkable(plan, &run.app.config.rules);
        let view = |rule: &plan::RulePlan| RuleView {
            arn: rule.arn.clone(),
            state: rule.state,
            changed: progress.changed.contains(&rule.arn),
        };
        done.rules = plan.rules.iter().map(view).collect();
        let orphaned = |rule: &&plan::RulePlan| rule.obstacle.as_ref().is_some_and(Obstacle::waits_for_off);
        done.orphans = plan.rules.iter().filter(orphaned).map(|rule| rule.arn.clone()).collect();
    }
    let real = |failure: &&Failure| failure.is_real(settled.plan.as_ref(), &settled.table, sender.as_deref());
    done.left.extend(progress.failures.iter().filter(real).map(Failure::sentence));
    for window in &done.windows {
        if progress.touched.contains(&window.uid) {
            done.happened.entry(window.id.clone()).or_insert(Happened::Changed);
        }
    }
    let mut told = BTreeSet::new();
    done.left.retain(|problem| told.insert(problem.clone()));
    // What failed for a window is named with it, and not once more without.
    let with_window: Vec<String> = done.left.iter().filter(|problem| problem.starts_with("window ")).cloned().collect();
    done.left.retain(|problem| !with_window.iter().any(|other| other.ends_with(&format!(": {problem}"))));
    done.reopened = progress.reopened.into_iter().collect();
    done.rules_error = settled.rules_error;
    done.table = settled.table;
    done
}
