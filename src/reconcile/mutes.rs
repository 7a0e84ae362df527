//! Muting the alarms of windows, from their booking on until some minutes after their rules are open again. Whatever
//! fails here is a warning: no rule waits for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    time::Duration,
};

use futures_util::{StreamExt, stream};

use super::state::WINDOWS_AT_ONCE;
use crate::{
    app::Run,
    error::Error,
    model::{
        mute::{Mute, MuteRule},
        time::spoken,
        window::Window,
    },
};

/// How long wake-ups, reports and all else may wait for this. What is cut off then is where a crash leaves it, and the
/// next run goes on from there.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes the mute rules that windows lack, and deletes those that they do not want any more. A window that mutes nothing
/// costs no call.
pub(super) async fn keep(run: Run<'_>, windows: &mut [Window]) {
    let due: Vec<&mut Window> = windows.iter_mut().filter(|window| is_due(run, window)).collect();
    let all = stream::iter(due).for_each_concurrent(WINDOWS_AT_ONCE, |window| look_after(run, window));
    in_time(all).await;
}

/// The same for one window.
pub(super) async fn keep_one(run: Run<'_>, window: &mut Window) {
    if is_due(run, window) {
        in_time(look_after(run, window)).await;
    }
}

async fn in_time(work: impl Future<Output = ()>) {
    if tokio::time::timeout(PATIENCE, work).await.is_err() {
        tracing::warn!(after_secs = PATIENCE.as_secs(), "muting alarms took too long; the next run goes on");
    }
}

/// Whether there is anything to do: for most windows there is not, and a sweep may see hundreds of them.
fn is_due(run: Run<'_>, window: &Window) -> bool {
    let upkeep = window.mute_upkeep(&run.app.config.mute_alarms, run.now());
    // A rule that could not be deleted may be wanted again: then that is no problem any more.
    !upkeep.is_nothing() || window.mutes.iter().any(|mute| mute.problem.is_some())
}

async fn look_after(run: Run<'_>, window: &mut Window) {
    let upkeep = window.mute_upkeep(&run.app.config.mute_alarms, run.now());
    let meant = |mute: &&Mute| !upkeep.make.iter().any(|made| made.number == mute.number);
    let mut mutes: Vec<Mute> = window.mutes.iter().filter(meant).cloned().collect();
    mutes.extend(upkeep.make.iter().cloned());
    mutes.sort_by_key(|mute| mute.number);
    // What is about to be made is in the table first, or nobody would know of it if this run died.
    if !write(run, window, mutes, BTreeSet::new()).await {
        return;
    }
    let wanted = window.clone();
    let made = stream::iter(&upkeep.make)
        .map(async |mute| (mute.number, run.app.cloudwatch.mute(&rule(run, &wanted, mute)).await))
        .buffer_unordered(WINDOWS_AT_ONCE)
        .collect::<Vec<_>>();
    let (made, deleted) = tokio::join!(made, delete(run, window.id.as_str(), &window.uid, &upkeep.delete));
    let (gone, mut mutes): (Vec<Mute>, Vec<Mute>) =
        window.mutes.iter().cloned().partition(|mute| deleted.gone.contains(&mute.number));
    for mute in mutes.iter_mut().filter(|mute| mute.made) {
        mute.problem = deleted.failed.get(&mute.number).cloned();
    }
    for (number, made) in made {
        let Some(mute) = mutes.iter_mut().find(|mute| mute.number == number) else { continue };
        mute.made = made.is_ok();
        mute.problem = made.err().map(|error| problem(&error));
        if let Some(problem) = &mute.problem {
            tracing::warn!(window.id = %window.id, problem, "alarms could not be muted");
        }
    }
    // The rule is gone, and the history tells of it all the same.
    let gone = gone.into_iter().filter(|mute| mute.has_muted(run.now())).flat_map(|mute| mute.alarms).collect();
    write(run, window, mutes, gone).await;
}

/// Writes which mute rules a window has, if that is news, and which alarms were muted by others that are gone; false if
/// somebody else did meanwhile.
async fn write(run: Run<'_>, window: &mut Window, mutes: Vec<Mute>, gone: BTreeSet<String>) -> bool {
    if mutes == window.mutes {
        return true;
    }
    match run.app.aws.store.note_mutes(window, &mutes, &gone).await {
        Ok(true) => {
            window.mutes = mutes;
            window.mutes_version = window.mutes_version.saturating_add(1);
            window.once_muted.extend(gone);
            true
        }
        // Another run looks after them, or the window is over: the next run sees what is left.
        Ok(false) => false,
        Err(error) => {
            tracing::warn!(window.id = %window.id, error = error.full(), "the muted alarms could not be noted");
            false
        }
    }
}

/// What came of deleting mute rules.
#[derive(Default)]
pub(super) struct Deleted {
    /// The numbers of those that can be forgotten.
    pub(super) gone: Vec<u32>,
    /// Why others could not be deleted, by their numbers, in a sentence.
    pub(super) failed: BTreeMap<u32, String>,
}

/// Deletes mute rules of a window.
pub(super) async fn delete(run: Run<'_>, window: &str, uid: &str, mutes: &[Mute]) -> Deleted {
    let stack = &run.app.config.table;
    let deleted: Vec<(&Mute, Result<(), Error>)> = stream::iter(mutes)
        .map(async |mute| (mute, run.app.cloudwatch.unmute(&mute.name(stack, window, uid)).await))
        .buffer_unordered(WINDOWS_AT_ONCE)
        .collect()
        .await;
    let mut all = Deleted::default();
    for (mute, deleted) in deleted {
        match deleted {
            Ok(()) if mute.is_settled(run.now()) => all.gone.push(mute.number),
            // Who set about making it may still be at it.
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(window.id = window, error = error.full(), "a mute rule could not be deleted");
                all.failed.insert(mute.number, error.full());
            }
        }
    }
    all
}

fn rule(run: Run<'_>, window: &Window, mute: &Mute) -> MuteRule {
    let zone = window.timezone.as_deref();
    let end = window.end.map_or("until it is switched off".to_owned(), |end| format!("until {}", spoken(end, zone)));
    MuteRule {
        name: mute.name(&run.app.config.table, window.id.as_str(), &window.uid),
        description: format!(
            "Maintenance window {}, {end}. The function of the stack {} deletes it once the site is open again.",
            window.id, run.app.config.table
        ),
        from: mute.from,
        until: mute.until,
        alarms: mute.alarms.clone(),
    }
}

/// What a person reads of a failure, with what to do where permission is lacking.
fn problem(error: &Error) -> String {
    let denied = matches!(error.code(), Some(code) if code.starts_with("AccessDenied"));
    let advice = "; name the alarm in the stack's MuteAlarms, which gives the permission";
    format!("{}{}", error.full(), if denied { advice } else { "" })
}
