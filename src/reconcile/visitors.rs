//! Telling visitors and calendars: the files of the bucket follow what the table holds.
//!
//! The table is written first, with what is to be in the bucket, then the files, then the table once more. A run that
//! dies, or whose files could not be written, leaves an item that is not settled, and the sweep writes the files again.
//! A run that overtakes another, whose requests may land after its own, leaves its item like that, too.
//!
//! What a run tells of a table that has changed since it read it is put right by the next sweep.

use std::{borrow::Cow, time::Duration};

use futures_util::future::join_all;

use crate::{
    app::Run,
    aws::{
        bucket::Bucket,
        items::{PUBLISHED_KEY, Write},
        store::{Reads, Written},
    },
    error::Error,
    model::{published::Published, table::Table, window::Window},
    plan::visitors::content,
    report::feeds::{File, files},
};

/// How many times a run tries while other runs write the same item.
const TRIES: usize = 3;

/// How long the reports may wait for this: less than [`Published::SENDS`].
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of telling.
#[derive(Debug, Default)]
pub struct Told {
    /// What the table remembers since; none where nothing was due.
    pub published: Option<Published>,
    /// Why not everything could be told, if it could not.
    pub problem: Option<Problem>,
}

/// What could not be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What, why, and what to do.
    pub what: String,
    /// Whether the try before failed, too.
    pub again: bool,
}

impl Problem {
    /// The problem, and what happens next.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{}; the next sweep tries again", self.what)
    }
}

/// Writes what is not as it should be, if anything is; `booked` are windows that were booked since the table was read.
///
/// Whatever goes wrong is left to the next run, and stops nothing.
pub async fn tell_visitors(run: Run<'_>, table: &Table, booked: Vec<Window>) -> Told {
    let Some(bucket) = &run.app.bucket else { return Told::default() };
    let mut table = Cow::Borrowed(table);
    if !booked.is_empty() {
        table.to_mut().windows.extend(booked);
    }
    if due(run, bucket, &table).is_none() {
        return Told::default();
    }
    let again = table.published.as_ref().is_some_and(|before| before.problem.is_some());
    let problem = match tokio::time::timeout(PATIENCE, Box::pin(tell(run, bucket, &table))).await {
        Ok(Ok(told)) => return told,
        Ok(Err(error)) => error.full(),
        Err(_) => format!("that took more than {} s", PATIENCE.as_secs()),
    };
    let what = format!("what visitors are told could not be brought up to date: {problem}");
    tracing::warn!(problem = what, "visitors were not told");
    Told { problem: Some(Problem { what, again }), ..Told::default() }
}

/// What the table is to remember, if it is something else than it does, or if the bucket may not hold it.
fn due(run: Run<'_>, bucket: &Bucket, table: &Table) -> Option<Published> {
    // Of an item that is not readable nobody knows the version; check and the sweep name it.
    if table.unreadable.contains_key(PUBLISHED_KEY) {
        return None;
    }
    let now = run.now();
    let before = table.published.as_ref();
    let content = content(before.map(|before| &before.content), table, &run.app.config, now);
    let is_same = |before: &&Published| before.content == content && before.bucket == bucket.name();
    if before.filter(is_same).is_some_and(|before| before.is_settled || now < before.until) {
        return None;
    }
    let problem = before.and_then(|before| before.problem.clone());
    Some(Published {
        version: before.map_or(0, |before| before.version),
        bucket: bucket.name().to_owned(),
        content,
        is_settled: false,
        until: now + Published::SENDS,
        problem,
    })
}

async fn tell(run: Run<'_>, bucket: &Bucket, table: &Table) -> Result<Told, Error> {
    let store = &run.app.aws.store;
    let mut read = None;
    for _ in 0..TRIES {
        let table = read.as_ref().unwrap_or(table);
        let Some(next) = due(run, bucket, table) else { break };
        match store.write(None, &[Write::Published(next.clone())]).await? {
            Written::Yes => return send(run, bucket, table.published.as_ref(), next).await,
            Written::Changed | Written::Decided | Written::Busy => {
                read = Some(store.now(Reads::Windows, run.now()).await?);
            }
        }
    }
    // Another run tells the same, or goes on changing it: then that one's is the last word.
    Ok(Told { published: read.and_then(|table| table.published), problem: None })
}

/// Sends the files that the bucket may not hold as they are to be, and notes what came of it.
async fn send(run: Run<'_>, bucket: &Bucket, before: Option<&Published>, next: Published) -> Result<Told, Error> {
    let surely = before.filter(|before| before.is_settled && before.bucket == next.bucket);
    let held = surely.map(|before| files(&before.content));
    let is_new = |(nth, file): &(usize, File)| held.as_ref().is_none_or(|held| held[*nth] != *file);
    let new: Vec<File> = files(&next.content).into_iter().enumerate().filter(is_new).map(|(_, file)| file).collect();
    // What an earlier run still sends may land after this.
    let overtakes = before.is_some_and(|before| !before.is_settled && run.now() < before.until);
    let sent = join_all(new.iter().map(|file| bucket.write(file))).await;
    let problem = sent.into_iter().find_map(Result::err);
    let settled = Published {
        version: next.version + 1,
        is_settled: problem.is_none() && !overtakes,
        problem: problem.clone(),
        ..next.clone()
    };
    if let Some(problem) = &problem {
        tracing::warn!(problem, "visitors were not told");
    }
    let again = next.problem.is_some();
    // If another run has overtaken this one, what it wrote stays as it is.
    let noted = run.app.aws.store.write(None, &[Write::Published(settled.clone())]).await?;
    let published = (noted == Written::Yes).then(|| Published { version: settled.version + 1, ..settled });
    Ok(Told { published, problem: problem.map(|what| Problem { what, again }) })
}
