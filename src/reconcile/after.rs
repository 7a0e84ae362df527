//! What is left to do some minutes after a window's end, once CloudWatch knows of it: its alarms ring again, those that
//! were muted and are still in alarm are told, and the visitors who were turned away are counted.
//!
//! What is left is an item of the present, so a sweep that finds none makes no call for it.

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use super::{mutes, state::WINDOWS_AT_ONCE};
use crate::{
    app::Run,
    error::Error,
    model::{
        after::{After, Books},
        mute::Mute,
    },
    plan::{reports::Event, site::Site},
    report::{Report, words},
};

/// For how long CloudWatch is asked again for what it did not tell: what is not known by then is left out.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);

/// For how long a mute rule is tried to be deleted after it has ceased to mute.
const TIDIES: SignedDuration = SignedDuration::from_hours(24);

/// Does what is due of it. What cannot be done is tried again by the next sweep.
pub async fn follow_up(run: Run<'_>, all: &[After], site: &Site) {
    let now = run.now();
    let due = all.iter().filter(|after| after.due <= now);
    stream::iter(due)
        .for_each_concurrent(WINDOWS_AT_ONCE, async |after| {
            if let Err(error) = one(run, after, site).await {
                tracing::warn!(window.id = %after.window.id, error = error.full(), "not all that follows a window is done");
            }
        })
        .await;
}

async fn one(run: Run<'_>, after: &After, site: &Site) -> Result<(), Error> {
    let store = &run.app.aws.store;
    let mutes::Deleted { gone, problem } = mutes::delete(run, &after.window, &after.mutes).await;
    let is_left = |mute: &&Mute| {
        let harmless = mute.until.saturating_add(TIDIES).is_ok_and(|long_ago| long_ago < run.now());
        !gone.contains(&mute.number) && !harmless
    };
    let left: Vec<Mute> = after.mutes.iter().filter(is_left).cloned().collect();
    // What could not be counted so far may be told by the next sweep.
    let counted = books(run, after).await;
    let gives_up = after.due.saturating_add(PATIENCE).is_ok_and(|late| late < run.now());
    let counted = if gives_up { Ok(counted.unwrap_or_default()) } else { counted };
    if left.is_empty()
        && let Ok(books) = &counted
    {
        hand_back(run, after, books, site).await?;
        return store.close_books(after, books).await;
    }
    if left != after.mutes || problem != after.problem {
        store.put_after(&After { mutes: left, problem, ..after.clone() }).await?;
    }
    counted.map(drop)
}

/// What CloudWatch knows of the window.
async fn books(run: Run<'_>, after: &After) -> Result<Books, Error> {
    if !After::counts(&after.window) {
        return Ok(Books::default());
    }
    let (window, cloudwatch) = (&after.window, &run.app.cloudwatch);
    let muted: Vec<String> = after.muted().into_iter().map(str::to_owned).collect();
    let rules = window.rules.resolve(&run.app.config.rules);
    let span: Option<(Timestamp, Timestamp)> = window.really_started().zip(window.reopened_at.or(Some(after.ended)));
    let in_alarm = async {
        match muted.as_slice() {
            [] => Ok(vec![]),
            names => cloudwatch.alarms(names).await.map(|alarms| alarms.in_alarm.into_iter().collect()),
        }
    };
    let turned_away = async {
        match span {
            Some((from, until)) => cloudwatch.turned_away(&rules, from, until).await.map(Some),
            None => Ok(None),
        }
    };
    let (in_alarm, turned_away) = tokio::join!(in_alarm, turned_away);
    Ok(Books { turned_away: turned_away?, in_alarm: in_alarm? })
}

/// Tells which alarms were muted and are still in alarm.
async fn hand_back(run: Run<'_>, after: &After, books: &Books, site: &Site) -> Result<(), Error> {
    if books.in_alarm.is_empty() {
        return Ok(());
    }
    let mut report = Report::new(Event::InAlarm, &after.window, Event::InAlarm.word().to_owned(), run.now()).seen(site);
    report.notes = books.in_alarm.iter().map(|name| words::in_alarm(name)).collect();
    run.app.aws.topic.publish(&report, run.target).await
}
