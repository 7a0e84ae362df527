//! The table: what people decided, what was saved of the rules, and what is over.
//!
//! Every write depends on what was read: on the `uid` and the `version` of the item, or on there being none. Reads are
//! strongly consistent. How an item looks is in [`super::items`].

use std::{collections::BTreeSet, fmt};

use aws_sdk_dynamodb::{
    Client,
    operation::{
        put_item::PutItemError,
        query::builders::QueryFluentBuilder,
        transact_write_items::TransactWriteItemsError,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::AttributeValue,
};
use jiff::{SignedDuration, Timestamp};

use super::{
    failed, invalid,
    items::{self, Item, Past, RequestItem, Write},
    parts, refusal,
};
use crate::{
    config::Config,
    error::{Error, Refusal, Service},
    model::{
        after::{After, Measured},
        conditions,
        mute::Mute,
        note::Note,
        table::{Notice, Table, window_key},
        window::Window,
    },
};

/// How much of the present is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// All but what is left to do of windows that are over: one item for each of the last minutes' windows, however many
    /// those are.
    #[default]
    Windows,
    /// All of it, for those who do what is left, or tell of it.
    All,
}

/// How often a write that met a transaction of another run is tried.
const TRIES: u32 = 4;

/// What came of a write that depends on what was read.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is written.
    Yes,
    /// Nothing is: this request has taken its decision already.
    Decided,
    /// Nothing is: something it depends on has changed since it was read.
    Changed,
    /// Nothing is: others kept writing the same items.
    Busy,
}

/// The table of one stack.
#[derive(Clone)]
pub struct Store {
    client: Client,
    table: String,
    history_days: i64,
    pub(super) secrets: Vec<String>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.table)
    }
}

impl Store {
    /// Builds the client.
    #[must_use]
    pub fn new(sdk: &aws_config::SdkConfig, config: &Config) -> Self {
        Self {
            client: Client::new(sdk),
            table: config.table.clone(),
            history_days: config.history_days,
            secrets: config.secrets(),
        }
    }

    /// Reads the present, as far as it is asked for. An item that is not readable is left out, and named: it must not
    /// keep the other windows from ending.
    ///
    /// # Errors
    /// [`Error::Aws`] when a call fails.
    pub async fn now(&self, reads: Reads, now: Timestamp) -> Result<Table, Error> {
        let mut table = Table::default();
        let query = match reads {
            Reads::All => self.scope("now").key_condition_expression("#scope = :scope"),
            Reads::Windows => self
                .scope("now")
                .key_condition_expression("#scope = :scope AND #id >= :first")
                .expression_attribute_names("#id", "id")
                .expression_attribute_values(":first", text(items::BEHIND_AFTER)),
        };
        let mut items = query.into_paginator().items().send();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| {
                failed(Service::Table, "read the windows from the table", refusal(&error, &self.secrets))
            })?;
            if let Err((id, problem)) = items::read_now(&item, now, &mut table) {
                tracing::warn!(item.id = id, problem, "an item of the table is not readable");
                table.unreadable.insert(id, problem);
            }
        }
        Ok(table)
    }

    /// A strongly consistent query of one scope.
    pub(super) fn scope(&self, scope: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .expression_attribute_names("#scope", "scope")
            .expression_attribute_values(":scope", text(scope))
    }

    /// The decision that a request has taken, if it has.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn request(&self, id: &str, now: Timestamp) -> Result<Option<RequestItem>, Error> {
        let found = self.item("request", id, "read a request from the table").await?;
        Ok(found.and_then(|item| items::read_request(&item, now)))
    }

    /// The history of a window of which something is left to do; none if it was deleted.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn past(&self, after: &After, now: Timestamp) -> Result<Option<Window>, Error> {
        let found = self.item("past", &items::past_key_of(after), "read what a window was from the table").await?;
        match found.and_then(|item| items::read_past(&item, now)) {
            Some(Past::Window(window, _)) => Ok(Some(*window)),
            Some(Past::Series(..)) | None => Ok(None),
        }
    }

    /// Whether a window is still of the present.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn is_present(&self, window: &Window) -> Result<bool, Error> {
        let found = self.item("now", &window_key(&window.id), "read a window from the table").await?;
        Ok(found.is_some_and(|item| item.get("uid") == Some(&text(&window.uid))))
    }

    /// One item, as it is now.
    async fn item(&self, scope: &str, id: &str, what: &str) -> Result<Option<Item>, Error> {
        let key = Some(items::key(scope, id));
        let get = self.client.get_item().table_name(&self.table).consistent_read(true).set_key(key).send().await;
        let answer = get.map_err(|error| failed(Service::Table, what, refusal(&error, &self.secrets)))?;
        Ok(answer.item)
    }

    /// Writes all or nothing: the request's own item, if it is a decision, and whatever it changes.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails for another reason than that something has changed.
    pub async fn write(&self, request: Option<&RequestItem>, writes: &[Write]) -> Result<Written, Error> {
        let what = || format!("write to the table ({})", described(writes));
        let secrets = self.secrets_of(writes);
        let items = items::transaction(&self.table, self.history_days, request, writes)
            .map_err(|problem| failed(Service::Table, what(), invalid(problem)))?;
        for attempt in 1..=TRIES {
            let sent = self.client.transact_write_items().set_transact_items(Some(items.clone())).send().await;
            let Err(error) = sent else { return Ok(Written::Yes) };
            let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() else {
                if self.was_written(request).await {
                    return Ok(Written::Yes);
                }
                return Err(failed(Service::Table, what(), refusal(&error, &secrets)));
            };
            let codes: Vec<&str> =
                canceled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None")).collect();
            if request.is_some() && codes.first() == Some(&NOT_AS_READ) {
                return Ok(Written::Decided);
            }
            if codes.contains(&NOT_AS_READ) {
                return Ok(Written::Changed);
            }
            if !codes.contains(&"TransactionConflict") {
                let code = codes.iter().find(|code| **code != "None").copied().unwrap_or("TransactionCanceled");
                let message = "the transaction was refused".to_owned();
                return Err(failed(Service::Table, what(), Refusal { code: code.to_owned(), message }));
            }
            pause(attempt).await;
        }
        Ok(Written::Busy)
    }

    /// Whether a decision is there although its answer was lost.
    async fn was_written(&self, request: Option<&RequestItem>) -> bool {
        let Some(meant) = request else { return false };
        matches!(self.request(&meant.request, meant.at).await, Ok(Some(found)) if found == *meant)
    }

    /// Writes what is beside a window's version; false if the window is no longer there.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn note(&self, window: &Window, note: &Note) -> Result<bool, Error> {
        let Some(update) = parts::noted(self.update_of(window), note) else { return Ok(true) };
        self.update(&format!("note what was done for window {}", window.id), update).await
    }

    /// Writes which mute rules a window has made or is about to make, and which alarms were muted by others that are gone;
    /// false if somebody else has written of its rules since it was read, or the window is no longer there.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn note_mutes(&self, window: &Window, mutes: &[Mute], gone: &BTreeSet<String>) -> Result<bool, Error> {
        let what = format!("note the mute rules of window {}", window.id);
        let update = parts::mutes(self.update_of(window), window, mutes, gone);
        let update = update.map_err(|problem| failed(Service::Table, what.as_str(), invalid(problem)))?;
        self.update(&what, update).await
    }

    /// Writes what is still left to do of a window that is over, unless it is done by now.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn put_after(&self, after: &After) -> Result<(), Error> {
        let what = "note what is left of a window";
        let item = items::after(after).map_err(|problem| failed(Service::Table, what, invalid(problem)))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_exists(#id)")
            .expression_attribute_names("#id", "id");
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(())
            }
            Err(error) => Err(failed(Service::Table, what, refusal(&error, &self.secrets))),
        }
    }

    /// Adds what is known some minutes after a window's end to its item of the past, and forgets that it was left to do.
    ///
    /// # Errors
    /// [`Error::Aws`] when a call fails.
    pub async fn add_measured(&self, after: &After, measured: &Measured) -> Result<(), Error> {
        match self.write(None, &[Write::Measured(Box::new(after.clone()), measured.clone())]).await? {
            // Where others were at it, the next run tries again.
            Written::Yes | Written::Busy => Ok(()),
            // Another run did it, or the past has been deleted: nothing is left either way.
            Written::Changed | Written::Decided => self.delete(&items::after_key(after), "forget what was left").await,
        }
    }

    /// Marks a window as having the wake-ups of its revision; false if it has another one by now, or is gone.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn mark_wakeups(&self, window: &Window, marker: &str) -> Result<bool, Error> {
        let update = self
            .update_of(window)
            .update_expression("SET #wakeups = :wakeups")
            .condition_expression("#uid = :uid AND #revision = :revision")
            .expression_attribute_names("#wakeups", "wakeups")
            .expression_attribute_names("#revision", "revision")
            .expression_attribute_values(":wakeups", text(marker))
            .expression_attribute_values(":revision", AttributeValue::N(window.revision.to_string()));
        self.update(&format!("note that window {} has its wake-ups", window.id), update).await
    }

    /// An update of a window's item, with the `uid` by which its condition knows the window again.
    fn update_of(&self, window: &Window) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(items::key("now", &window_key(&window.id))))
            .expression_attribute_names("#uid", "uid")
            .expression_attribute_values(":uid", text(&window.uid))
    }

    async fn update(&self, what: &str, update: UpdateItemFluentBuilder) -> Result<bool, Error> {
        for attempt in 1..=TRIES {
            let Err(error) = update.clone().send().await else { return Ok(true) };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => return Ok(false),
                Some(UpdateItemError::TransactionConflictException(_)) if attempt < TRIES => pause(attempt).await,
                _ => return Err(failed(Service::Table, what, refusal(&error, &self.secrets))),
            }
        }
        Ok(false)
    }

    /// Remembers that a finding was told; it may be told again once this has expired.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn put_notice(&self, notice: &Notice, expires: Timestamp) -> Result<(), Error> {
        let what = "note what was told";
        let item = items::notice(notice, expires).map_err(|problem| failed(Service::Table, what, invalid(problem)))?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        put.map(drop).map_err(|error| failed(Service::Table, what, refusal(&error, &self.secrets)))
    }

    /// Forgets that a finding was told: it is no longer true.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn delete_notice(&self, key: &str) -> Result<(), Error> {
        self.delete(&items::notice_key(key), "forget what was told").await
    }

    /// Deletes an item of the present.
    async fn delete(&self, id: &str, what: &str) -> Result<(), Error> {
        let key = items::key("now", id);
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key)).send().await;
        delete.map(drop).map_err(|error| failed(Service::Table, what, refusal(&error, &self.secrets)))
    }

    /// AWS's messages may quote what they were sent.
    fn secrets_of(&self, writes: &[Write]) -> Vec<String> {
        let saved = writes.iter().filter_map(|write| match write {
            Write::Rule(item) => Some(item),
            _ => None,
        });
        let conditions: Vec<_> = saved
            .flat_map(|item| {
                let owner = item.owner.iter().chain(&item.owner_before).cloned();
                owner.chain(item.forms().flat_map(|form| form.rest))
            })
            .collect();
        let values = conditions::header_values(&conditions).map(str::to_owned);
        self.secrets.iter().cloned().chain(values).collect()
    }
}

/// How DynamoDB refuses what it would refuse again: an item that has grown too large, or that holds what none may (API
/// reference, `TransactWriteItems`, under its errors), and one that is not as it reads.
const REFUSED_FOR_GOOD: [&str; 4] =
    ["ValidationError", "ValidationException", "ItemCollectionSizeLimitExceeded", NOT_AS_READ];

/// How it refuses a write whose condition does not hold.
const NOT_AS_READ: &str = "ConditionalCheckFailed";

/// Whether a write would be refused again, however often it is tried.
#[must_use]
pub fn is_refused_for_good(error: &Error) -> bool {
    error.code().is_some_and(|code| REFUSED_FOR_GOOD.contains(&code))
}

/// The error of writes one of which is refused since its item is not as it was read, although it was read anew and had not
/// changed.
#[must_use]
pub fn refused_unchanged(writes: &[Write]) -> Error {
    let what = format!("write to the table ({})", described(writes));
    let message = "an item refuses to be changed, though it reads as it did before; look for it in the table, and fix or \
                   delete it";
    failed(Service::Table, what, Refusal { code: NOT_AS_READ.to_owned(), message: message.to_owned() })
}

/// Lets the transaction of another run finish.
async fn pause(attempt: u32) {
    let millis = SignedDuration::from_millis(i64::from(20 * attempt));
    tokio::time::sleep(millis.unsigned_abs()).await;
}

pub(super) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// What a transaction is about, for an error's sentence.
fn described(writes: &[Write]) -> String {
    let mut names: Vec<String> = writes.iter().map(Write::subject).collect();
    names.dedup();
    if names.is_empty() { "the request".to_owned() } else { names.join(", ") }
}
