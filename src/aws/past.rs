//! The table's past: what is over, as much of it as was asked for.

use jiff::{SignedDuration, Timestamp};

use super::{
    failed,
    items::{self, Item, Past},
    refusal,
    store::{Store, text},
};
use crate::{
    error::{Error, Service},
    event::Search,
    model::time,
};

/// What of the history was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// As many as were asked for, the latest first.
    pub past: Vec<Past>,
    /// Where the older ones are, if there are more.
    pub more: Option<More>,
}

/// Where older windows and series of the history are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// Those that were over before this moment, none left out; some that are told may be told once more.
    Before(Timestamp),
    /// All that are told, and one more at least, were over in the same millisecond: no time tells them apart.
    SameMoment,
}

impl Found {
    /// What is told, with the moment of each, and that of the next older one.
    fn with_more(told: Vec<(Past, Timestamp)>, next: Timestamp) -> Self {
        let more = match (told.first(), told.last()) {
            (Some((_, first)), _) if *first == next => More::SameMoment,
            // A search ends before its moment: what was over at that of the next one is told again, so that none is lost.
            (_, Some((_, last))) if *last == next => More::Before(time::shifted(next, SignedDuration::from_millis(1))),
            (_, last) => More::Before(last.map_or(next, |(_, last)| *last)),
        };
        Self { past: told.into_iter().map(|(past, _)| past).collect(), more: Some(more) }
    }
}

impl Store {
    /// Windows and series that are over, the latest first. What has expired counts as gone, though it may still be
    /// there for days.
    ///
    /// # Errors
    /// [`Error::Aws`] when a call fails.
    pub async fn history(&self, search: &Search, now: Timestamp) -> Result<Found, Error> {
        let since = search.since.unwrap_or(Timestamp::UNIX_EPOCH);
        let until = search.until.unwrap_or(Timestamp::MAX);
        let query = self
            .scope("past")
            .scan_index_forward(false)
            // No key is just a moment, so that the later one is not in it.
            .key_condition_expression("#scope = :scope AND #id BETWEEN :since AND :until")
            .expression_attribute_names("#id", "id")
            .expression_attribute_values(":since", text(&items::moment(since)))
            .expression_attribute_values(":until", text(&items::moment(until)));
        let mut found = vec![];
        // One more than is told shows whether there are more.
        let (mut page, mut from) = (search.limit.saturating_add(1), None);
        loop {
            let limit = i32::try_from(page).unwrap_or(i32::MAX);
            let answer = query.clone().limit(limit).set_exclusive_start_key(from).send().await.map_err(|error| {
                failed(Service::Table, "read the history from the table", refusal(&error, &self.secrets))
            })?;
            for item in answer.items() {
                let Some((past, moment)) = items::read_past(item, now).zip(moment_of(item)) else { continue };
                if search.id.as_ref().is_some_and(|id| id != past.id()) {
                    continue;
                }
                if found.len() == search.limit {
                    return Ok(Found::with_more(found, moment));
                }
                found.push((past, moment));
            }
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok(Found { past: found.into_iter().map(|(past, _)| past).collect(), more: None });
            }
            // What is looked for may lie far apart.
            page = page.saturating_mul(2);
        }
    }
}

/// When an item of the past was over, to the millisecond, as its key says.
fn moment_of(item: &Item) -> Option<Timestamp> {
    let (moment, _) = item.get("id")?.as_s().ok()?.split_once('#')?;
    moment.parse().ok()
}
