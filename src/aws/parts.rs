//! The parts of a transaction: each depends on what was read of its item.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update,
    builders::{DeleteBuilder, UpdateBuilder},
};
use serde::Serialize;

use crate::model::{after::Books, window::Window};

/// An item's attributes.
pub type Item = HashMap<String, AttributeValue>;

pub(super) fn key(scope: &str, id: &str) -> Item {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    HashMap::from([("scope".to_owned(), text(scope)), ("id".to_owned(), text(id))])
}

/// A list of what the table holds as a value.
pub(super) fn list<T: Serialize>(all: &[T]) -> Result<AttributeValue, String> {
    serde_dynamo::to_attribute_value(all).map_err(|error| error.to_string())
}

/// A window leaves the present, if nobody has made a mute rule for it since it was read.
pub(super) fn gone_window(table: &str, id: &str, window: &Window) -> Result<TransactWriteItem, String> {
    let delete = deleted(table, id, &window.uid, window.version).expression_attribute_names("#mutes", "mutes");
    let delete = if window.mutes.is_empty() {
        delete.condition_expression(format!("{READ} AND attribute_not_exists(#mutes)"))
    } else {
        delete
            .condition_expression(format!("{READ} AND #mutes = :mutes"))
            .expression_attribute_values(":mutes", list(&window.mutes)?)
    };
    Ok(TransactWriteItem::builder().delete(delete.build().map_err(|error| error.to_string())?).build())
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
pub(super) fn books(table: &str, id: &str, books: &Books) -> Result<TransactWriteItem, String> {
    let mut set = vec!["#in_alarm = :in_alarm"];
    let mut update: UpdateBuilder = Update::builder()
        .table_name(table)
        .set_key(Some(key("past", id)))
        .condition_expression("attribute_exists(#id)")
        .expression_attribute_names("#id", "id")
        .expression_attribute_names("#in_alarm", "in_alarm")
        .expression_attribute_values(":in_alarm", list(&books.in_alarm)?);
    if let Some(count) = books.turned_away {
        set.push("#turned_away = :turned_away");
        update = update
            .expression_attribute_names("#turned_away", "turned_away")
            .expression_attribute_values(":turned_away", AttributeValue::N(count.to_string()));
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
        .expression_attribute_values(":read", AttributeValue::N(version.to_string()))
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
        .expression_attribute_values(":read", AttributeValue::N(read.to_string()));
    Ok(TransactWriteItem::builder().update(update.build().map_err(|error| error.to_string())?).build())
}
