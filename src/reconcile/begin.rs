//! Starting a window in the moment it is booked: one transaction writes the window as active together with what must be
//! saved of its rules, so that the rules turn after as few calls as possible.

use super::{
    effects::{Only, change_rules},
    present::planned,
    state::Progress,
    wakeups::make_schedules,
};
use crate::{
    app::Run,
    aws::{
        items::{RequestItem, Write},
        store::Written,
    },
    error::Error,
    model::{seen::Rules, table::Table, window::Window},
    plan::Plan,
};

/// What came of it, for the run that goes on from here.
pub struct Begun {
    /// Whether the window is written.
    pub written: Written,
    pub(super) progress: Progress,
}

/// Writes a new window whose time has come, and narrows its rules. The rules were read before the table.
///
/// Whatever cannot be done here, or looks odd, is left to [`super::reconcile`], which comes next in any case: then the
/// window is written as booked.
///
/// # Errors
/// [`Error::Aws`] when the window cannot be written.
pub async fn begin(
    run: Run<'_>,
    rules: Option<&Rules>,
    table: &Table,
    window: &Window,
    request: &RequestItem,
) -> Result<Begun, Error> {
    let store = &run.app.aws.store;
    let mut progress = Progress::default();
    let Some((started, plan)) = rules.and_then(|rules| started(run, rules, table, window)) else {
        let written = store.write(Some(request), &[Write::NewWindow(window.clone())]).await?;
        return Ok(Begun { written, progress });
    };
    let saves = plan.rules.iter().filter_map(|rule| rule.save.clone()).map(Write::Rule);
    let writes: Vec<Write> = [Write::NewWindow(started.clone())].into_iter().chain(saves).collect();
    let written = store.write(Some(request), &writes).await?;
    if written != Written::Yes {
        return Ok(Begun { written, progress });
    }
    progress.window_changed(&started);
    match make_schedules(run, &started).await {
        Ok(marker) => {
            let mark = async {
                match &marker {
                    Some(marker) => store.mark_wakeups(&started, marker).await.map(drop),
                    None => Ok(()),
                }
            };
            let (marked, _) = tokio::join!(mark, change_rules(run, table, &plan, Only::Both, &mut progress));
            if let Err(error) = marked {
                tracing::warn!(window.id = %window.id, error = error.full(), "the wake-ups could not be noted yet");
            }
        }
        Err(error) => {
            tracing::warn!(window.id = %window.id, error = error.full(), "the wake-ups could not be made yet");
        }
    }
    Ok(Begun { written, progress })
}

/// The window as active, and the part of the plan that is about its rules; none if something else comes first.
fn started(run: Run<'_>, rules: &Rules, table: &Table, window: &Window) -> Option<(Window, Plan)> {
    let config = &run.app.config;
    // Its wake-ups are made before anything is narrowed for it.
    let wakeups = config.sender().map(|sender| window.wakeups_marker(&sender));
    let mut with_it = table.clone();
    with_it.windows.push(Window { wakeups, ..window.clone() });
    let mut plan = planned(run, rules, &with_it);
    let started = plan.starts.iter().find(|start| start.uid == window.uid)?;
    let started = Window { wakeups: None, ..started.clone() };
    plan.rules.retain(|rule| started.rules.covers(&rule.arn, config.rules.contains(&rule.arn)));
    (!plan.rules.iter().any(|rule| rule.odd)).then_some((started, plan))
}
