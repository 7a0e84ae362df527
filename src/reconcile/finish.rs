//! The last step of a window: it becomes history.

use futures_util::{StreamExt, stream};

use super::{
    state::{Done, Settled, WINDOWS_AT_ONCE},
    wakeups::forget_wake_ups,
};
use crate::{
    app::Run,
    aws::{items::Write, store::Written},
    model::{
        after::After,
        window::{State, Window},
    },
    report::words,
};

/// Makes history of windows whose last report is out; the others stay in the present.
pub(super) async fn archive(run: Run<'_>, settled: &mut Settled, done: &mut Done) {
    let is_over = |window: &Window| is_finished(window) && !done.untold.contains(&window.uid);
    let (over, present) = std::mem::take(&mut settled.table.windows).into_iter().partition(is_over);
    settled.table.windows = present;
    let archived: Vec<(Window, Result<(), String>)> = stream::iter::<Vec<Window>>(over)
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
            Err(problem) => {
                done.left.push(format!("window {}: {problem}", window.id));
                settled.table.windows.push(window);
            }
        }
    }
    done.windows.extend(settled.table.windows.iter().cloned());
}

fn is_finished(window: &Window) -> bool {
    window.state == State::Ending && window.last_report_is_out()
}

async fn archive_one(run: Run<'_>, window: &Window) -> Result<(), String> {
    let now = run.now();
    let store = &run.app.aws.store;
    forget_wake_ups(run, window).await;
    let ended = window.reopened_at.or(window.ending.map(|ending| ending.at)).unwrap_or(now);
    let left = After::of(window, ended, now).map(Box::new);
    let written = store.write(None, &[Write::PastWindow(window.clone(), ended, left)]).await;
    match written.map_err(|error| error.full())? {
        Written::Yes => tracing::info!(window.id = %window.id, "window is history"),
        // Mostly another run did it. If it is still there after so long, something else is in the way.
        Written::Changed | Written::Decided | Written::Busy => {
            if let Some(since) = window.lingers_since(now)
                && store.is_present(window).await.map_err(|error| error.full())?
            {
                return Err(words::lingers(since));
            }
        }
    }
    Ok(())
}
