//! Making a window's wake-ups, and deleting those that are not needed any more.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};

use super::{
    failures::{About, Failure},
    state::{Progress, WINDOWS_AT_ONCE},
};
use crate::{
    app::Run,
    error::Error,
    model::{table::Table, wakeup::WakeUp, window::Window},
};

/// Makes the schedules of a window's present revision that are still to come; returns what marks the window as having
/// them, or nothing if it needs none. Those of another group or role stay until they fire.
pub(super) async fn make_schedules(run: Run<'_>, window: &Window) -> Result<Option<String>, Error> {
    let config = &run.app.config;
    let Some(sender) = config.sender() else { return Ok(None) };
    if window.has_wakeups(Some(&sender)) {
        return Ok(None);
    }
    let wake_ups = window.wake_ups(&sender, run.now(), &config.remind_before, config.warn_before_end);
    run.app.aws.wakeups.create(window, &wake_ups, run.target).await?;
    Ok(Some(window.wakeups_marker(&sender)))
}

/// Makes the wake-ups of a window's present revision that are still to come, and marks the window as having them.
///
/// # Errors
/// [`Error::Aws`] when a call fails.
pub(super) async fn make_wake_ups(run: Run<'_>, window: &mut Window) -> Result<(), Error> {
    let Some(marker) = make_schedules(run, window).await? else { return Ok(()) };
    if run.app.aws.store.mark_wakeups(window, &marker).await? {
        window.wakeups = Some(marker);
    } else {
        // It was moved or ended meanwhile: these wake nobody for anything.
        forget_wake_ups(run, window).await;
    }
    Ok(())
}

/// Makes the wake-ups of windows that have none; what has failed in this run is left to the next one.
pub(super) async fn make_missing(run: Run<'_>, windows: &[Window], table: &mut Table, progress: &mut Progress) {
    let untried = windows.iter().filter(|window| !progress.has_failed(&About::WakeUps(window.uid.clone())));
    let made: Vec<(Window, Result<(), Error>)> = stream::iter(untried.cloned().collect::<Vec<_>>())
        .map(async |mut window| {
            let made = make_wake_ups(run, &mut window).await;
            (window, made)
        })
        .buffer_unordered(WINDOWS_AT_ONCE)
        .collect()
        .await;
    for (window, made) in made {
        match made {
            Ok(()) => {
                if let Some(known) = table.windows.iter_mut().find(|known| known.uid == window.uid) {
                    known.wakeups = window.wakeups;
                }
            }
            Err(error) => progress.fail(Failure::new(About::WakeUps(window.uid.clone()), &error)),
        }
    }
}

/// Deletes the wake-ups of a window's times that are still to come: of times that it has no more, or of a window that is
/// over, since two runs at once could leave one that is still awaited without any. One that stays finds nothing to do
/// when it fires.
pub async fn forget_wake_ups(run: Run<'_>, window: &Window) {
    let config = &run.app.config;
    let sender = config.sender();
    let left = |sender| window.wake_ups(sender, run.now(), &config.remind_before, config.warn_before_end);
    // Those that the table knows of may be of a role that the stack has no more.
    let senders: BTreeSet<&str> = sender.as_deref().into_iter().chain(window.wakeups_sender()).collect();
    let wake_ups: Vec<WakeUp> = senders.into_iter().flat_map(left).collect();
    let mut names: BTreeSet<String> = wake_ups.iter().map(|wake_up| wake_up.name.clone()).collect();
    if window.has_former_wakeups() {
        names.extend(wake_ups.iter().map(|wake_up| wake_up.former_name().to_owned()));
    }
    let names: Vec<String> = names.into_iter().collect();
    if let Err(error) = run.app.aws.wakeups.delete(&names).await {
        tracing::warn!(window.id = %window.id, error = error.full(), "wake-ups that are not needed could not be deleted");
    }
}
