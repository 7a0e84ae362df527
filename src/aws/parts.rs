//! The parts of a transaction, and the updates that are sent alone: each depends on what was read of its item.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{
        AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update,
        builders::{DeleteBuilder, UpdateBuilder},
    },
};
use jiff::Timestamp;
use serde::Serialize;

use crate::model::{after::Measured, mute::Mute, note::Note, window::Window};

/// An item's attributes.
pub type Item = HashMap<String, AttributeValue>;

pub(super) fn key(scope: &str, id: &str) -> Item {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    HashMap::from([("scope".to_owned(), text(scope)), ("id".to_owned(), text(id))])
}

/// A list of what the table holds as a value.
fn list<T: Serialize>(all: &[T]) -> Result<AttributeValue, String> {
    serde_dynamo::to_attribute_value(all).map_err(|error| error.to_string())
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// That nobody has written about a window's mute rules since it was read, with the value that this needs. What is
/// compared is a count and never the list: a list that a person or another version wrote may be read all right, and yet
/// not be what this version would write.
fn same_mutes(window: &Window) -> (&'static str, Option<AttributeValue>) {
    match window.mutes_version {
        0 => ("attribute_not_exists(#mutes_version)", None),
        read => ("#mutes_version = :mutes_read", Some(number(read))),
    }
}

/// A window leaves the present, if nobody has made a mute rule for it since it was read.
pub(super) fn gone_window(table: &str, id: &str, window: &Window) -> Result<TransactWriteItem, String> {
    let (same, read) = same_mutes(window);
    let mut delete = deleted(table, id, &window.uid, window.version)
        .condition_expression(format!("{READ} AND {same}"))
        .expression_attribute_names("#mutes_version", "mutes_version");
    if let Some(read) = read {
        delete = delete.expression_attribute_values(":mutes_read", read);
    }
    Ok(TransactWriteItem::builder().delete(delete.build().map_err(|error| error.to_string())?).build())
}

/// An update of a window that says which mute rules it has from now on, and which alarms were muted by some that are gone.
pub(super) fn mutes(
    update: UpdateItemFluentBuilder,
    window: &Window,
    mutes: &[Mute],
    gone: &BTreeSet<String>,
) -> Result<UpdateItemFluentBuilder, String> {
    let (same, read) = same_mutes(window);
    let mut update = update
        .condition_expression(format!("#uid = :uid AND {same}"))
        .expression_attribute_names("#mutes", "mutes")
        .expression_attribute_names("#mutes_version", "mutes_version")
        .expression_attribute_values(":mutes_version", number(window.mutes_version.saturating_add(1)));
    if let Some(read) = read {
        update = update.expression_attribute_values(":mutes_read", read);
    }
    let mut expression = if mutes.is_empty() {
        "SET #mutes_version = :mutes_version REMOVE #mutes".to_owned()
    } else {
        update = update.expression_attribute_values(":mutes", list(mutes)?);
        "SET #mutes_version = :mutes_version, #mutes = :mutes".to_owned()
    };
    if !gone.is_empty() {
        expression.push_str(" ADD #once_muted :once_muted");
        update = update
            .expression_attribute_names("#once_muted", "once_muted")
            .expression_attribute_values(":once_muted", AttributeValue::Ss(gone.iter().cloned().collect()));
    }
    Ok(update.update_expression(expression))
}

/// An update of a window that notes what a run did; none if it did nothing.
pub(super) fn noted(mut update: UpdateItemFluentBuilder, note: &Note) -> Option<UpdateItemFluentBuilder> {
    let mut set = vec![];
    let moment = |at: Option<Timestamp>| at.map(|at| AttributeValue::S(at.to_string()));
    let secs = |secs: Option<i64>| secs.map(|secs| AttributeValue::N(secs.to_string()));
    for (name, value) in [
        ("started_at", moment(note.started_at)),
        ("reopened_at", moment(note.reopened_at)),
        ("closed_seen_after_secs", secs(note.closed_seen_after_secs)),
        ("opened_seen_after_secs", secs(note.opened_seen_after_secs)),
    ] {
        if let Some(value) = value {
            set.push(format!("#{name} = if_not_exists(#{name}, :{name})"));
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
        }
    }
    let mut parts = if set.is_empty() { vec![] } else { vec![format!("SET {}", set.join(", "))] };
    let sets = [("told", &note.told), ("reports", &note.reports)].into_iter().filter(|(_, set)| !set.is_empty());
    let mut add = vec![];
    for (name, set) in sets {
        add.push(format!("#{name} :{name}"));
        update = update
            .expression_attribute_names(format!("#{name}"), name)
            .expression_attribute_values(format!(":{name}"), AttributeValue::Ss(set.iter().cloned().collect()));
    }
    if !add.is_empty() {
        parts.push(format!("ADD {}", add.join(", ")));
    }
    (!parts.is_empty()).then(|| update.update_expression(parts.join(" ")).condition_expression("#uid = :uid"))
}

/// An item of the present is no longer left to do.
pub(super) fn done(table: &str, id: &str) -> Result<TransactWriteItem, String> {
    let delete = Delete::builder()
        .table_name(table)
        .set_key(Some(key("now", id)))
        .condition_expression("attribute_exists(#id)")
        .expression_attribute_names("#id", "id");
    Ok(TransactWriteItem::builder().delete(delete.build().map_err(|error| error.to_string())?).build())
}

/// Adds what is known some minutes after the end to an item of the past.
pub(super) fn measured(table: &str, id: &str, measured: &Measured) -> Result<TransactWriteItem, String> {
    let mut set = vec!["#in_alarm = :in_alarm"];
    let mut update: UpdateBuilder = Update::builder()
        .table_name(table)
        .set_key(Some(key("past", id)))
        .condition_expression("attribute_exists(#id)")
        .expression_attribute_names("#id", "id")
        .expression_attribute_names("#in_alarm", "in_alarm")
        .expression_attribute_values(":in_alarm", list(&measured.in_alarm)?);
    if let Some(count) = measured.turned_away {
        set.push("#turned_away = :turned_away");
        update = update
            .expression_attribute_names("#turned_away", "turned_away")
            .expression_attribute_values(":turned_away", number(count));
    }
    let update = update.update_expression(format!("SET {}", set.join(", ")));
    Ok(TransactWriteItem::builder().update(update.build().map_err(|error| error.to_string())?).build())
}

/// An item that is not there yet.
pub(super) fn put_new(table: &str, item: Item) -> Result<TransactWriteItem, String> {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(#id)")
        .expression_attribute_names("#id", "id");
    Ok(TransactWriteItem::builder().put(put.build().map_err(|error| error.to_string())?).build())
}

/// That no such item is there.
pub(super) fn absent(table: &str, id: &str) -> Result<TransactWriteItem, String> {
    let check = ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(key("now", id)))
        .condition_expression("attribute_not_exists(#id)")
        .expression_attribute_names("#id", "id");
    Ok(TransactWriteItem::builder().condition_check(check.build().map_err(|error| error.to_string())?).build())
}

/// That an item is as it was read.
const READ: &str = "#uid = :uid AND #version = :read";

fn deleted(table: &str, id: &str, uid: &str, version: u64) -> DeleteBuilder {
    Delete::builder()
        .table_name(table)
        .set_key(Some(key("now", id)))
        .expression_attribute_names("#uid", "uid")
        .expression_attribute_names("#version", "version")
        .expression_attribute_values(":uid", AttributeValue::S(uid.to_owned()))
        .expression_attribute_values(":read", number(version))
}

/// An item leaves the present, if it is as it was read.
pub(super) fn gone(table: &str, id: &str, uid: &str, version: u64) -> Result<TransactWriteItem, String> {
    let delete = deleted(table, id, uid, version).condition_expression(READ);
    Ok(TransactWriteItem::builder().delete(delete.build().map_err(|error| error.to_string())?).build())
}

/// A change of an item: every attribute that this version knows is set, the others stay.
pub(super) fn changed(table: &str, item: Item, uid: &str, read: u64) -> Result<TransactWriteItem, String> {
    let mut update: UpdateBuilder = Update::builder().table_name(table);
    let mut set = vec![];
    let mut attributes: Vec<(String, AttributeValue)> = item.into_iter().collect();
    attributes.sort_by(|one, other| one.0.cmp(&other.0));
    for (name, value) in attributes {
        if name == "scope" || name == "id" {
            update = update.key(name, value);
            continue;
        }
        set.push(format!("#{name} = :{name}"));
        update = update
            .expression_attribute_names(format!("#{name}"), &name)
            .expression_attribute_values(format!(":{name}"), value);
    }
    let update = update
        .update_expression(format!("SET {}", set.join(", ")))
        .condition_expression("#uid = :expected AND #version = :read")
        .expression_attribute_values(":expected", AttributeValue::S(uid.to_owned()))
        .expression_attribute_values(":read", number(read));
    Ok(TransactWriteItem::builder().update(update.build().map_err(|error| error.to_string())?).build())
}
