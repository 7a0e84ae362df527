//! What is left to do some minutes after a window's end, once CloudWatch knows of it: its alarms ring again, those that
//! were muted and are still in alarm are told, and the requests that were turned away are counted.
//!
//! What is left is an item of the present, so a sweep that finds none makes no call for it; what the window was is read
//! from its history.

use futures_util::{StreamExt, stream};
use jiff::SignedDuration;

use super::{
    mutes,
    state::{Done, WINDOWS_AT_ONCE},
};
use crate::{
    app::Run,
    error::Error,
    model::{
        after::{After, Measured},
        mute::Mute,
        window::Window,
    },
    plan::{reports::Event, site::Site},
    report::{Report, words},
};

/// For how long CloudWatch is asked again for what it did not tell: what is not known by then is left out.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);

/// For how long a mute rule is tried to be deleted after it has ceased to mute.
const TIDIES: SignedDuration = SignedDuration::from_hours(24);

/// Does what is due of it. What cannot be done is tried again by the next sweep.
pub async fn follow_up(run: Run<'_>, done: &Done) {
    let now = run.now();
    let due = done.table.after.iter().filter(|after| after.due <= now);
    stream::iter(due)
        .for_each_concurrent(WINDOWS_AT_ONCE, async |after| {
            if let Err(error) = one(run, after, &done.windows, &done.site).await {
                tracing::warn!(window.id = %after.id, error = error.full(), "not all that follows a window is done");
            }
        })
        .await;
}

async fn one(run: Run<'_>, after: &After, present: &[Window], site: &Site) -> Result<(), Error> {
    let store = &run.app.aws.store;
    // Alarms ring again whatever else fails.
    let mutes::Deleted { gone, failed } = mutes::delete(run, after.id.as_str(), &after.uid, &after.mutes).await;
    let is_left = |mute: &&Mute| {
        let harmless = mute.until.saturating_add(TIDIES).is_ok_and(|long_ago| long_ago < run.now());
        !gone.contains(&mute.number) && !harmless
    };
    let left: Vec<Mute> = after.mutes.iter().filter(is_left).cloned().collect();
    let (past, unread) = match store.past(after, run.now()).await {
        Ok(past) => (past, None),
        Err(error) => (None, Some(error)),
    };
    let window = past.as_ref().filter(|window| After::counts(window));
    let (in_alarm, turned_away) = match window {
        Some(window) => tokio::join!(in_alarm(run, after, window), turned_away(run, after, window)),
        // Nothing was closed for it; or its history was deleted, and with it whatever could be told.
        None => (Ok(vec![]), Ok(None)),
    };
    // Neither a rule that cannot be deleted nor a figure that cannot be read keeps back what was hidden.
    if let (Ok(names), None, Some(window)) = (&in_alarm, &after.in_alarm, window) {
        hand_back(run, window, names, present, site).await?;
    }
    // What could not be counted so far may be told by the next sweep.
    let gives_up = after.due.saturating_add(PATIENCE).is_ok_and(|late| late < run.now());
    if left.is_empty() && (gives_up || (in_alarm.is_ok() && turned_away.is_ok() && unread.is_none())) {
        let measured =
            Measured { turned_away: turned_away.unwrap_or_default(), in_alarm: in_alarm.unwrap_or_default() };
        return store.add_measured(after, &measured).await;
    }
    let known = if unread.is_none() { in_alarm.as_ref().ok().cloned() } else { after.in_alarm.clone() };
    let problem = failed.into_values().next();
    let next = After { mutes: left, problem, in_alarm: known, ..after.clone() };
    if next != *after {
        store.put_after(&next).await?;
    }
    unread.map_or_else(|| in_alarm.and(turned_away).map(drop), Err)
}

/// The alarms that the window had muted and that are in alarm.
async fn in_alarm(run: Run<'_>, after: &After, window: &Window) -> Result<Vec<String>, Error> {
    if let Some(known) = &after.in_alarm {
        return Ok(known.clone());
    }
    let muted: Vec<String> = window.has_muted(after.ended).into_iter().collect();
    if muted.is_empty() {
        return Ok(vec![]);
    }
    run.app.cloudwatch.alarms(&muted).await.map(|alarms| alarms.in_alarm.into_iter().collect())
}

/// How many requests were turned away for the window, if there is a load balancer to count them.
async fn turned_away(run: Run<'_>, after: &After, window: &Window) -> Result<Option<u64>, Error> {
    let rules = window.rules.resolve(&run.app.config.rules);
    let span = window.really_started().zip(window.reopened_at.or(Some(after.ended)));
    match span.filter(|_| !rules.is_empty()) {
        Some((from, until)) => run.app.cloudwatch.turned_away(&rules, from, until).await.map(Some),
        None => Ok(None),
    }
}

/// Tells which alarms were muted and are still in alarm. One that another window mutes is that window's to tell.
async fn hand_back(
    run: Run<'_>,
    window: &Window,
    in_alarm: &[String],
    present: &[Window],
    site: &Site,
) -> Result<(), Error> {
    let now = run.now();
    let mutes = present.iter().flat_map(|window| &window.mutes);
    let in_force: Vec<&Mute> = mutes.filter(|mute| mute.has_muted(now) && now < mute.until).collect();
    let rings = |name: &&String| !in_force.iter().any(|mute| mute.alarms.contains(name));
    let notes: Vec<String> = in_alarm.iter().filter(rings).map(|name| words::in_alarm(name)).collect();
    if notes.is_empty() {
        return Ok(());
    }
    let report = Report::new(Event::InAlarm, window, Event::InAlarm.word().to_owned(), now).seen(site);
    run.app.aws.topic.publish(&Report { notes, ..report }, run.target).await
}
