//! The schedules that wake the function: the sweep's, which the template makes, and the wake-ups of booked windows.
//!
//! Nothing but a check reads schedules: a run goes by the table and makes what it needs.

use futures_util::{StreamExt, stream};

use crate::{
    app::Run,
    aws::wakeups::Schedule,
    error::Error,
    model::window::{State, Window},
    report::finding::Finding,
};

/// Of how many windows the wake-ups are looked for, those that start first: each takes two calls.
const WINDOWS_MAX: usize = 20;

/// How many schedules are read at once.
const AT_ONCE: usize = 5;

/// How many windows are named.
const NAMED: usize = 3;

/// How often the template's sweep comes.
const SWEEPS: &str = "rate(5 minutes)";

/// Whether the sweep and the wake-ups are there; none if the settings name no group or no role for them, which is a
/// finding of its own.
pub(super) async fn schedules(run: Run<'_>, windows: &[Window]) -> Option<Vec<Finding>> {
    let sender = run.app.config.sender()?;
    let sweep = run.app.aws.wakeups.sweep()?;
    let mut found: Vec<Finding> = match run.app.aws.wakeups.read(&sweep).await {
        Ok(schedule) => sweeps(&sweep, schedule.as_ref(), run.target).into_iter().collect(),
        // The others would hardly be read either.
        Err(error) => return Some(vec![unread(&error, "whether anything wakes the function is not known")]),
    };
    found.extend(wake_ups(run, &sender, windows).await);
    Some(found)
}

/// What is wrong with the wake-ups of the windows that start first; nothing more is read once one could not be.
async fn wake_ups(run: Run<'_>, sender: &str, windows: &[Window]) -> Vec<Finding> {
    let mut ahead: Vec<&Window> =
        windows.iter().filter(|window| matches!(window.state, State::Booked | State::Active)).collect();
    ahead.sort_by_key(|window| (window.start, &window.id));
    let (made, unmade): (Vec<&Window>, Vec<&Window>) =
        ahead.into_iter().take(WINDOWS_MAX).partition(|window| window.has_wakeups(Some(sender)));
    let looks = stream::iter(made).map(async |window| {
        for wake_up in window.wake_ups_ahead(sender, run.now()) {
            let schedule = run.app.aws.wakeups.read(&wake_up.name).await?;
            if !schedule.is_some_and(|schedule| schedule.is_enabled && schedule.target == run.target) {
                return Ok(Some(window));
            }
        }
        Ok::<_, Error>(None)
    });
    let mut looks = std::pin::pin!(looks.buffered(AT_ONCE));
    let mut missing: Vec<&Window> = vec![];
    let mut found: Vec<Finding> = vec![];
    while let Some(looked) = looks.next().await {
        match looked {
            Ok(window) => missing.extend(window),
            Err(error) => {
                found.push(unread(&error, "whether every booked window has its wake-ups is not known"));
                break;
            }
        }
    }
    found.extend(late(
        &missing,
        "missing, disabled, or for another function",
        "if that is too late, change its times by reschedule, or extend once it has begun, and back again: each change \
         makes new ones",
    ));
    found.extend(late(&unmade, "not made yet", "every sweep makes them; if that stays so, look for a failed report"));
    found
}

fn unread(error: &Error, why: &str) -> Finding {
    let fix = "allow scheduler:GetSchedule on the schedules of the stack's group, and check again";
    Finding::warning(error.full(), why, fix)
}

/// What is wrong with the sweep's schedule.
fn sweeps(name: &str, schedule: Option<&Schedule>, target: &str) -> Option<Finding> {
    let mends_nothing = |what: String, fix: &str| {
        let why = "nothing mends what a lost wake-up or a failed run leaves behind, so a site could stay closed after its \
                   window's end";
        Some(Finding::error(what, why, fix))
    };
    match schedule {
        None => mends_nothing(
            format!("the sweep's schedule {name} is not in the stack's group"),
            "deploy the stack again; if that does not bring it back, see \"The schedules or their group were deleted\" in \
             docs/RUNBOOK.md",
        ),
        Some(schedule) if !schedule.is_enabled => {
            mends_nothing(format!("the sweep's schedule {name} is disabled"), "enable it in the console of EventBridge")
        }
        Some(schedule) if schedule.target != target => mends_nothing(
            format!("the sweep's schedule {name} invokes {}, not this function", schedule.target),
            "deploy the stack again, or set its target to this function",
        ),
        Some(schedule) if schedule.expression != SWEEPS => Some(Finding::warning(
            format!("the sweep's schedule {name} says {}, not {SWEEPS}", schedule.expression),
            "what a lost wake-up or a failed run leaves behind is mended at another time than the documents say",
            "set it to rate(5 minutes) again, unless that is meant",
        )),
        Some(_) => None,
    }
}

/// That windows start and end late for want of their wake-ups; nothing if there are none.
fn late(windows: &[&Window], wrong: &str, fix: &str) -> Option<Finding> {
    let names: Vec<&str> = windows.iter().take(NAMED).map(|window| window.id.as_str()).collect();
    let named = match (names.as_slice(), windows.len().saturating_sub(NAMED)) {
        ([], _) => return None,
        ([name], 0) => format!("window {name}"),
        (names, 0) => format!("windows {}", names.join(", ")),
        (names, more) => format!("windows {} and {more} more", names.join(", ")),
    };
    let what = format!("wake-ups for the start or the end of {named} are {wrong}");
    Some(Finding::warning(what, "only a sweep starts and ends what has none, up to five minutes late", fix))
}
