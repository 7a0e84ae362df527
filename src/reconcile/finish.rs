//! The last step of a window: it becomes history.

use futures_util::{StreamExt, stream};

use super::{
    mutes,
    state::{Done, Settled, WINDOWS_AT_ONCE},
    wakeups::forget_wake_ups,
};
use crate::{
    app::Run,
    aws::{items::Write, store::Written},
    error::Error,
    model::{
        after::After,
        mute::Mute,
        window::{State, Window},
    },
};

/// Makes history of windows whose last report is out; the others stay in the present.
pub(super) async fn archive(run: Run<'_>, settled: &mut Settled, done: &mut Done) {
    let is_over = |window: &Window| is_finished(window) && !done.untold.contains(&window.uid);
    let (over, present) = std::mem::take(&mut settled.table.windows).into_iter().partition(is_over);
    settled.table.windows = present;
    let archived: Vec<(Window, Result<(), Error>)> = stream::iter::<Vec<Window>>(over)
        .map(async |window| {
            let archived = archive_one(run, &window).await;
            (window, archived)
        })
        .buffered(WINDOWS_AT_ONCE)
        .collect()
        .await;
    for (window, archived) in archived {
        match archived {
            Ok(()) => done.windows.push(Window { state: State::Over, ..window }),
            Err(error) => {
                done.left.push(format!("window {}: {}", window.id, error.full()));
                settled.table.windows.push(window);
            }
        }
    }
    done.windows.extend(settled.table.windows.iter().cloned());
}

fn is_finished(window: &Window) -> bool {
    window.state == State::Ending && ["completed", "cancelled", "missed"].iter().any(|key| window.was_told(key))
}

async fn archive_one(run: Run<'_>, window: &Window) -> Result<(), Error> {
    let now = run.now();
    forget_wake_ups(run, window).await;
    // Alarms of a window that was carried out ring again some minutes later.
    let left: Vec<Mute> = if After::counts(window) {
        window.mutes.clone()
    } else {
        let deleted = Box::pin(mutes::delete(run, window, &window.mutes)).await;
        window.mutes.iter().filter(|mute| !deleted.gone.contains(&mute.number)).cloned().collect()
    };
    let ended = window.reopened_at.or(window.ending.map(|ending| ending.at)).unwrap_or(now);
    let left = After::of(window, ended, left, now).map(Box::new);
    match run.app.aws.store.write(None, &[Write::PastWindow(window.clone(), ended, left)]).await? {
        Written::Yes => tracing::info!(window.id = %window.id, "window is history"),
        // Another run did it.
        Written::Changed | Written::Decided => {}
    }
    Ok(())
}
