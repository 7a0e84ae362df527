//! What people ask for: one file for each action or family, and how any decision is taken.
//!
//! A decision is written from the table alone, in one transaction with the request's own item; everything else is
//! [`crate::reconcile`]'s.

mod answers;
mod book;
mod change;
mod edit;
mod end;
mod history;
mod recurring;
mod same;
mod skips;
mod status;
mod sweep;

pub use answers::repeated;
pub use book::{book, on};
pub use change::{extend, reschedule};
pub use edit::edit;
pub use end::{cancel, off};
pub use history::history;
pub use recurring::{pause, recur, resume};
pub use skips::{skip, unskip};
pub use status::{check, glance, help, status};
pub use sweep::{sweep, wake};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    app::Run,
    aws::{
        failed,
        items::{RequestItem, Write},
        store::{Reads, Written, refused_unchanged},
    },
    error::{Error, Refusal, Service},
    event::{Asked, suggest},
    model::{
        id::WindowId,
        series::Series,
        table::{Table, series_key, window_key},
        time,
        window::{DecisionKind, State, Window},
        written_time::WrittenTime,
    },
    report::response::Response,
};

/// How often a decision is tried again when another one got in between.
const TRIES_MAX: usize = 5;

/// How many writes of one decision go into one transaction: DynamoDB allows 100, and the request's own item is one.
const WRITES_MAX: usize = 96;

/// How many names a refusal lists; `status` lists them all.
const LISTED_MAX: usize = 20;

/// What a decision comes to, as the table stands.
pub(crate) struct Verdict<T> {
    /// What the caller wants to know of it.
    pub(crate) what: T,
    /// What is to be written; nothing if all is so already.
    pub(crate) writes: Vec<Write>,
    /// The windows or series it is about.
    pub(crate) about: Vec<WindowId>,
}

/// What came of a decision.
pub(crate) enum Decided<T> {
    /// It was taken just now.
    New(T),
    /// The same request took it before.
    Before(RequestItem),
}

/// Takes a decision: what `decide` makes of the table as it stands.
///
/// Two people who decide at the same moment decide one after the other, and the second sees what the first decided. A
/// request that is repeated finds its own item, and decides no second time.
pub(crate) async fn decide<T>(
    run: Run<'_>,
    action: DecisionKind,
    decide: impl Fn(&Table, Timestamp) -> Result<Verdict<T>, Error>,
) -> Result<Decided<T>, Error> {
    let mut is_begun = false;
    let mut refused = RefusedWrites::default();
    for _ in 0..TRIES_MAX {
        let table = run.app.aws.store.now(Reads::Windows, run.now()).await?;
        let now = run.now();
        let Verdict { what, writes, about } = match decide(&table, now) {
            Ok(verdict) => verdict,
            Err(refusal) => return before_refusing(run, action, refusal).await.map(Decided::Before),
        };
        // The request's item has the decision's own moment: a request that is repeated finds the decision by it.
        let request = RequestItem { at: now, ..request(run, action, about) };
        match write(run, &request, &writes, &mut is_begun).await? {
            Written::Yes => return Ok(Decided::New(what)),
            Written::Decided => return decided_before(run, action).await.map(Decided::Before),
            Written::Changed => refused.note(table, writes),
            Written::Busy => {}
        }
    }
    Err(if is_begun { half_decided() } else { refused.error() })
}

/// What was refused since something is not as it was read: try after try.
#[derive(Default)]
struct RefusedWrites {
    last: Option<Table>,
    is_unchanged: bool,
    writes: Vec<Write>,
}

impl RefusedWrites {
    /// One try, with what it had read.
    fn note(&mut self, read: Table, writes: Vec<Write>) {
        self.is_unchanged = self.last.as_ref() == Some(&read);
        self.last = Some(read);
        self.writes = writes;
    }

    /// Why no further try is made: others decide all the time, or nobody does and an item never takes a change.
    fn error(&self) -> Error {
        if self.is_unchanged {
            return refused_unchanged(&self.writes);
        }
        Error::InvalidEvent(vec![
            "others change the same windows at this very moment; nothing was decided; ask for status and decide again"
                .to_owned(),
        ])
    }
}

/// Of what takes more than one transaction, some was written and the rest was not.
fn half_decided() -> Error {
    let message = "others change the same windows at this very moment; what was decided before that stands, and the next \
                   sweep carries it out; send the same again for the rest";
    let what = "decide about all of these windows";
    failed(Service::Table, what, Refusal { code: "Busy".to_owned(), message: message.to_owned() })
}

/// The request's own item goes with the last part of what is written. `is_begun` becomes true once any part is written.
async fn write(run: Run<'_>, request: &RequestItem, writes: &[Write], is_begun: &mut bool) -> Result<Written, Error> {
    let (first, last) = writes.split_at(writes.len().saturating_sub(1) / WRITES_MAX * WRITES_MAX);
    for part in first.chunks(WRITES_MAX) {
        let written = run.app.aws.store.write(None, part).await?;
        if written != Written::Yes {
            return Ok(written);
        }
        *is_begun = true;
    }
    run.app.aws.store.write(Some(request), last).await
}

pub(crate) fn request(run: Run<'_>, action: DecisionKind, about: Vec<WindowId>) -> RequestItem {
    RequestItem { request: run.request.to_owned(), action, about, at: run.now() }
}

/// What a request's first try decided is not refused by its second.
pub(crate) async fn before_refusing(run: Run<'_>, action: DecisionKind, refusal: Error) -> Result<RequestItem, Error> {
    match run.app.aws.store.request(run.request, run.now()).await? {
        Some(before) => same_action(before, action),
        None => Err(refusal),
    }
}

/// Refuses, unless the request has taken this decision before: then it is answered.
async fn refused(run: Run<'_>, action: DecisionKind, refusal: Error) -> Result<Response, Error> {
    let before = before_refusing(run, action, refusal).await?;
    answers::repeated(run, &before).await
}

/// What an event that cannot be read as it stands now has decided: what is refused today may have been decided in time
/// by the same request's first try. None also if that cannot be told.
pub async fn decided_in_time(run: Run<'_>, event: &Value) -> Option<RequestItem> {
    let word = event.get("action").cloned().unwrap_or_else(|| DecisionKind::Book.word().into());
    let action = serde_json::from_value::<DecisionKind>(word).ok()?;
    let before = run.app.aws.store.request(run.request, run.now()).await.ok().flatten();
    before.filter(|before| before.action == action)
}

pub(crate) async fn decided_before(run: Run<'_>, action: DecisionKind) -> Result<RequestItem, Error> {
    let gone =
        || Error::InvalidEvent(vec!["request_id: it was used before, and what it decided has expired".to_owned()]);
    same_action(run.app.aws.store.request(run.request, run.now()).await?.ok_or_else(gone)?, action)
}

fn same_action(before: RequestItem, action: DecisionKind) -> Result<RequestItem, Error> {
    if before.action == action {
        Ok(before)
    } else {
        Err(Error::InvalidEvent(vec![format!(
            "request_id: expected a key of its own for each decision, but this one was used for {} before",
            before.action.word()
        )]))
    }
}

/// A window by its name, or a refusal that lists the names there are.
pub(crate) fn known<'a>(table: &'a Table, id: &WindowId) -> Result<&'a Window, Error> {
    table.window(id).ok_or_else(|| unknown(table, id))
}

/// What an event without an id means: the only one it can mean, or a refusal that names them all. It is never guessed.
pub(crate) fn meant(id: Option<&WindowId>, may_be: &[&WindowId], action: DecisionKind) -> Result<WindowId, Error> {
    let word = action.word();
    let problem = match (id, may_be) {
        (Some(id), _) => return Ok(id.clone()),
        (None, [only]) => return Ok((*only).clone()),
        (None, []) => format!("id: there is nothing to {word}; status lists every window and series"),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|id| id.as_str()).collect();
            format!("id: expected the one to {word}, but the event names none of {}", names.join(", "))
        }
    };
    Err(Error::InvalidEvent(vec![problem]))
}

/// Refuses a new name that an item has which cannot be read.
pub(crate) fn is_readable(table: &Table, id: &WindowId) -> Result<(), Error> {
    let problem = [window_key(id), series_key(id)].iter().find_map(|key| table.unreadable.get(key).cloned());
    problem.map_or(Ok(()), |problem| Err(Error::InvalidEvent(vec![format!("id: {id} is the name of an {problem}")])))
}

/// A series by its name, or a refusal that lists the names there are.
pub(crate) fn known_series<'a>(table: &'a Table, id: &WindowId) -> Result<&'a Series, Error> {
    table.one_series(id).ok_or_else(|| {
        let what = match table.window(id) {
            Some(Window { series: Some(series), .. }) => format!("{id} is a window of the series {series}"),
            Some(_) => format!("{id} is a window that belongs to none"),
            None => format!("{:?} is none", id.as_str()),
        };
        let all = names(table.series.iter().map(|series| &series.id));
        let meant = suggest::did_you_mean(id.as_str(), all.iter().copied());
        Error::InvalidEvent(vec![told(&format!("expected a series, but {what}"), meant, &all)])
    })
}

pub(crate) fn unknown(table: &Table, id: &WindowId) -> Error {
    if table.one_series(id).is_some() {
        let its = match of_series(table, id) {
            Some(Window { id, state: State::Booked, .. }) => format!("its next window is {id}"),
            Some(Window { id, .. }) => format!("its window that has begun is {id}"),
            None => "it has no window now".to_owned(),
        };
        return Error::InvalidEvent(vec![format!("id: expected a window, but {id} is a series; {its}")]);
    }
    let windows = names(table.windows.iter().map(|window| &window.id));
    let all = windows.iter().copied().chain(table.series.iter().map(|series| series.id.as_str()));
    let meant = suggest::did_you_mean(id.as_str(), all);
    let what = format!(
        "expected a window that is booked or active, but {:?} is over, was cancelled or never was",
        id.as_str()
    );
    Error::InvalidEvent(vec![told(&what, meant, &windows)])
}

/// The window of a series that an event most likely means: one that has begun, or else the next one.
fn of_series<'a>(table: &'a Table, series: &WindowId) -> Option<&'a Window> {
    let its = table
        .windows
        .iter()
        .filter(|window| window.is_of(series) && !matches!(window.state, State::Ending | State::Over));
    its.min_by_key(|window| (!matches!(window.state, State::Active | State::Held), window.start))
}

fn names<'a>(ids: impl Iterator<Item = &'a WindowId>) -> Vec<&'a str> {
    ids.map(WindowId::as_str).collect()
}

/// A refusal of an id, with the id that was perhaps meant and the ids there are.
fn told(what: &str, meant: Option<String>, known: &[&str]) -> String {
    let meant = meant.map(|question| format!("{question} ")).unwrap_or_default();
    let known = match known {
        [] => "none is known".to_owned(),
        [only] => format!("known is {only}"),
        known if known.len() > LISTED_MAX => {
            format!("known are {} and {} more", known[..LISTED_MAX].join(", "), known.len() - LISTED_MAX)
        }
        known => format!("known are {}", known.join(", ")),
    };
    format!("id: {what}; {meant}{known}")
}

/// A time of an event about a window or series: in its own zone, unless the event names a place. A time of day is the
/// next one after `after`. `key` is the event's field.
pub(crate) fn own_time(
    zone: Option<&str>,
    key: &str,
    written: &WrittenTime,
    after: Timestamp,
) -> Result<Timestamp, Error> {
    let zone = zone.and_then(|name| time::time_zone(name).ok());
    written.resolve(zone.as_ref(), after).map_err(|problem| Error::InvalidEvent(vec![format!("{key}: {problem}")]))
}

/// The window with one more decision about it.
pub(crate) fn with_decision(mut window: Window, at: Timestamp, action: DecisionKind, asked: &Asked) -> Window {
    window.decided(at, action, asked.requested_by.clone(), asked.reason.clone());
    window
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_lists_as_many_names_as_a_person_reads_and_counts_the_others() {
        let names: Vec<String> = (1..=22).map(|nth| format!("w{nth}")).collect();
        let told = |count: usize| {
            let known: Vec<&str> = names.iter().take(count).map(String::as_str).collect();
            told("expected a window", None, &known)
        };
        assert_eq!(told(0), "id: expected a window; none is known");
        assert_eq!(told(1), "id: expected a window; known is w1");
        assert_eq!(told(2), "id: expected a window; known are w1, w2");
        assert!(told(20).ends_with("w19, w20"), "{}", told(20));
        assert!(told(21).ends_with("w19, w20 and 1 more"), "{}", told(21));
        assert!(told(22).ends_with("w19, w20 and 2 more"), "{}", told(22));
    }
}
