//! DynamoDB: one table with the keys `scope` and `id`.
//!
//! What it holds is looked at with every write: what is past never changes, a version never goes down, and no item holds
//! the secret. What it does not know of an operation's input panics.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    SECRET,
    attributes::{self, Item},
    expressions::{Condition, Ids, Placeholders, Update},
    wire::{Answer, Refusal},
};

pub(crate) const NAME: &str = "maintenance";

/// How much a query reads before it answers with a page.
const PAGE_MAX: usize = 1024 * 1024;
/// The size that the items of a transaction may not exceed together.
const TRANSACTION_MAX: usize = 4 * 1024 * 1024;
/// How many actions a transaction may have.
const ACTIONS_MAX: usize = 100;
/// How long a transaction's token is remembered.
const TOKEN_KEPT: SignedDuration = SignedDuration::from_mins(10);
/// How late an expired item goes.
const EXPIRED_KEPT: SignedDuration = SignedDuration::from_hours(48);

const TOO_LARGE: &str = "Item size has exceeded the maximum allowed size";
const CONFLICT: &str = "Transaction is ongoing for the item";
const CONDITION_FAILED: &str = "The conditional request failed";

/// An item's `scope` and `id`.
pub(crate) type Key = (String, String);

#[derive(Default)]
pub(crate) struct Table {
    pub(crate) items: BTreeMap<Key, Item>,
    /// How many items each page of a query held.
    pub(crate) pages: Vec<usize>,
    /// The transactions that were done, by their tokens.
    done: BTreeMap<String, (Value, Timestamp)>,
    /// How many items queries have read.
    pub(crate) items_read: u64,
    /// Promises that a write broke.
    pub(crate) broken: Vec<String>,
    /// Ids of items of which no condition of a write ever holds.
    pub(crate) stubborn: BTreeSet<String>,
}

/// One write, or the check of a condition, as it was asked for.
struct Action {
    key: Key,
    condition: Option<Condition>,
    change: Change,
    /// A failed condition shows the item.
    shows: bool,
}

enum Change {
    Put(Item),
    Update(Update),
    Delete,
    None,
}

/// Why an action is not carried out.
enum Failure {
    Condition(Option<Item>),
    Invalid(String),
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationException", message)
}

/// What a call is about, for the log: its items, or the scope that a query reads.
pub(crate) fn subject(operation: &str, input: &Value) -> String {
    let part = |value: &Value| value["S"].as_str().unwrap_or_default().to_owned();
    let named = |action: &Value| {
        let keys = [&action["Key"], &action["Item"]].into_iter().find(|keys| keys.is_object()).expect("a key");
        format!("{}/{}", part(&keys["scope"]), part(&keys["id"]))
    };
    match operation {
        "Query" => scope_asked(input),
        "TransactWriteItems" => {
            let actions = input["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object);
            actions.flat_map(|action| action.values().map(named)).collect::<Vec<_>>().join(" ")
        }
        _ => named(input),
    }
}

fn scope_asked(input: &Value) -> String {
    let mut placeholders = Placeholders::of(input).expect("values");
    Ids::read(input["KeyConditionExpression"].as_str().expect("a key condition"), &mut placeholders).0
}

impl Table {
    /// Carries out one call; so many writes as `conflicts` says meet another transaction and do nothing.
    pub(crate) fn call(&mut self, operation: &str, input: &Value, now: Timestamp, conflicts: &mut usize) -> Answer {
        match operation {
            "Query" => {
                let answer = self.query(input)?;
                self.items_read += answer["Count"].as_u64().expect("a count");
                Ok(answer)
            }
            "GetItem" => self.get_item(input),
            "TransactWriteItems" => self.transact(input, now, conflicts),
            "PutItem" | "UpdateItem" | "DeleteItem" => {
                let kind = operation.trim_end_matches("Item");
                let action = Action::read(kind, input, &["ReturnValues"]).map_err(invalid)?;
                if take(conflicts) {
                    return Err(Refusal::new(400, "TransactionConflictException", CONFLICT));
                }
                self.write(&action, input["ReturnValues"].as_str().unwrap_or("NONE"))
            }
            other => panic!("the world's table does not know {other}"),
        }
    }

    fn get_item(&self, input: &Value) -> Answer {
        only(input, &["TableName", "Key", "ConsistentRead"]);
        assert_eq!(input["ConsistentRead"], true, "an item is read as it is now");
        let found = self.items.get(&key(&input["Key"], true).map_err(invalid)?);
        Ok(found.map_or_else(|| json!({}), |item| json!({ "Item": item })))
    }

    fn query(&mut self, input: &Value) -> Answer {
        only(
            input,
            &[
                "TableName",
                "KeyConditionExpression",
                "ExpressionAttributeNames",
                "ExpressionAttributeValues",
                "ConsistentRead",
                "Limit",
                "ScanIndexForward",
                "ExclusiveStartKey",
            ],
        );
        let mut placeholders = Placeholders::of(input).map_err(invalid)?;
        let text = input["KeyConditionExpression"].as_str().expect("a key condition");
        let (scope, ids) = Ids::read(text, &mut placeholders);
        placeholders.all_used();
        assert!(scope != "now" || input["ConsistentRead"] == true, "the present is read as it is now");
        let limit = input["Limit"].as_u64().map_or(usize::MAX, |limit| usize::try_from(limit).expect("a limit"));
        assert!(limit > 0, "a limit is at least 1");
        let backward = input["ScanIndexForward"] == false;
        let after = match input.get("ExclusiveStartKey") {
            None => None,
            Some(start) => Some(key(start, true).map_err(invalid)?),
        };
        assert!(after.as_ref().is_none_or(|(other, _)| *other == scope), "a page goes on in its own scope");
        let mut found: Vec<(&Key, &Item)> =
            self.items.iter().filter(|((other, id), _)| *other == scope && ids.cover(id)).collect();
        if backward {
            found.reverse();
        }
        let follows =
            |found: &Key| after.as_ref().is_none_or(|after| if backward { found < after } else { found > after });
        let mut found = found.into_iter().filter(|(key, _)| follows(key)).peekable();
        let (mut page, mut size, mut last) = (vec![], 0, None);
        while let Some((key, item)) = found
            .next_if(|(_, item)| page.is_empty() || page.len() < limit && size + attributes::size(item) <= PAGE_MAX)
        {
            size += attributes::size(item);
            last = Some(key);
            page.push(item);
        }
        let read = page.len();
        let mut answer = json!({"Count": read, "ScannedCount": read, "Items": page});
        // A page that its limit filled says so, whether or not anything follows.
        if let Some((scope, id)) = last.filter(|_| found.peek().is_some() || read == limit) {
            answer["LastEvaluatedKey"] = json!({"scope": {"S": scope}, "id": {"S": id}});
        }
        self.pages.push(read);
        Ok(answer)
    }

    fn write(&mut self, action: &Action, returned: &str) -> Answer {
        let before = self.items.get(&action.key).cloned();
        let after = self.outcome(action).map_err(|failure| match failure {
            Failure::Invalid(message) => invalid(message),
            Failure::Condition(item) => {
                let refusal = Refusal::new(400, "ConditionalCheckFailedException", CONDITION_FAILED);
                item.into_iter().fold(refusal, |refusal, item| refusal.with("Item", Value::Object(item)))
            }
        })?;
        self.store(&action.key, after.clone());
        let shown = match (returned, &action.change) {
            ("NONE", _) => None,
            ("ALL_OLD", _) => before,
            ("ALL_NEW", Change::Update(_)) => after,
            (other, _) => panic!("the world does not know the return values {other}"),
        };
        Ok(shown.map_or_else(|| json!({}), |item| json!({ "Attributes": item })))
    }

    fn transact(&mut self, input: &Value, now: Timestamp, conflicts: &mut usize) -> Answer {
        only(input, &["TransactItems", "ClientRequestToken"]);
        let token = input["ClientRequestToken"].as_str().expect("the SDK makes a token");
        let actions = &input["TransactItems"];
        self.done.retain(|_, (_, at)| now.duration_since(*at) < TOKEN_KEPT);
        if let Some((done, _)) = self.done.get(token) {
            let same = done == actions;
            let other = "The request was made with a token that was already used for another request";
            let mismatch = Refusal::new(400, "IdempotentParameterMismatchException", other);
            return if same { Ok(json!({})) } else { Err(mismatch) };
        }
        let read: Result<Vec<Action>, String> =
            actions.as_array().expect("actions").iter().map(Action::of_transaction).collect();
        let read = read.map_err(invalid)?;
        if read.is_empty() || read.len() > ACTIONS_MAX {
            return Err(invalid(format!("{} actions; Member must have length less than or equal to 100", read.len())));
        }
        let keys: BTreeSet<&Key> = read.iter().map(|action| &action.key).collect();
        if keys.len() < read.len() {
            return Err(invalid("Transaction request cannot include multiple operations on one item"));
        }
        if take(conflicts) {
            let reasons = (0..read.len()).map(|nth| match nth {
                0 => json!({"Code": "TransactionConflict", "Message": CONFLICT}),
                _ => json!({"Code": "None"}),
            });
            return Err(cancelled(&reasons.collect::<Vec<_>>()));
        }
        let outcomes: Vec<Result<Option<Item>, Failure>> = read.iter().map(|action| self.outcome(action)).collect();
        if outcomes.iter().any(Result::is_err) {
            return Err(cancelled(&outcomes.into_iter().map(reason).collect::<Vec<_>>()));
        }
        let outcomes: Vec<Option<Item>> = outcomes.into_iter().filter_map(Result::ok).collect();
        if outcomes.iter().flatten().map(attributes::size).sum::<usize>() > TRANSACTION_MAX {
            return Err(invalid("Collection size of items in the transaction has exceeded the limit"));
        }
        for (action, after) in read.iter().zip(outcomes) {
            if !matches!(action.change, Change::None) {
                self.store(&action.key, after);
            }
        }
        self.done.insert(token.to_owned(), (actions.clone(), now));
        Ok(json!({}))
    }

    /// What an item would be after an action.
    fn outcome(&self, action: &Action) -> Result<Option<Item>, Failure> {
        let before = self.items.get(&action.key);
        let is_stubborn = self.stubborn.contains(&action.key.1);
        if action.condition.as_ref().is_some_and(|condition| is_stubborn || !condition.holds(before)) {
            return Err(Failure::Condition(before.filter(|_| action.shows).cloned()));
        }
        let after = match &action.change {
            Change::Put(item) => item.clone(),
            Change::Delete => return Ok(None),
            Change::None => return Ok(before.cloned()),
            Change::Update(update) => {
                let (scope, id) = &action.key;
                let bare = || {
                    Item::from_iter([("scope".to_owned(), json!({"S": scope})), ("id".to_owned(), json!({"S": id}))])
                };
                update.apply(&before.cloned().unwrap_or_else(bare)).map_err(Failure::Invalid)?
            }
        };
        if attributes::size(&after) > attributes::SIZE_MAX {
            return Err(Failure::Invalid(TOO_LARGE.to_owned()));
        }
        Ok(Some(after))
    }

    /// Writes or removes an item, and holds the promises against that.
    fn store(&mut self, key: &Key, after: Option<Item>) {
        let before = self.items.remove(key);
        let (scope, id) = key;
        // What is known only some minutes after the end is added once.
        let as_it_ended = |item: &Item| {
            let mut item = item.clone();
            item.retain(|name, _| !["turned_away", "in_alarm"].contains(&name.as_str()));
            item
        };
        let closed = before.as_ref().is_some_and(|item| item.contains_key("in_alarm"));
        let same = before.as_ref().map(as_it_ended) == after.as_ref().map(as_it_ended);
        if scope == "past" && before.is_some() && (!same || closed && before != after) {
            self.broken.push(format!("{id} is history and was changed"));
        }
        if scope == "now"
            && let (Some(before), Some(after)) = (&before, &after)
        {
            let version = |item: &Item| item.get("version").and_then(attributes::number);
            if before.get("uid") == after.get("uid") && version(after) < version(before) {
                self.broken.push(format!("{id} went back to an earlier version"));
            }
        }
        if after.as_ref().is_some_and(|item| json!(item).to_string().contains(SECRET)) {
            self.broken.push(format!("{id} holds the secret"));
        }
        self.items.extend(after.map(|item| (key.clone(), item)));
    }

    /// The items of a scope whose ids begin so, in the order of their ids.
    pub(crate) fn with_prefix(&self, scope: &str, prefix: &str) -> impl Iterator<Item = (&str, &Item)> {
        let found = self.items.iter().filter(move |((other, id), _)| other == scope && id.starts_with(prefix));
        found.map(move |((_, id), item)| (&id[prefix.len()..], item))
    }

    pub(crate) fn item(&self, scope: &str, id: &str) -> Option<&Item> {
        self.items.get(&(scope.to_owned(), id.to_owned()))
    }

    /// Takes an item out, as a person in the console does.
    pub(crate) fn forget(&mut self, scope: &str, id: &str) -> Option<Item> {
        self.items.remove(&(scope.to_owned(), id.to_owned()))
    }

    /// Removes what expired more than two days ago; it has no promise to be sooner.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        let latest = (now - EXPIRED_KEPT).as_second();
        self.items.retain(|_, item| item.get("expires").and_then(attributes::number).is_none_or(|at| at >= latest));
    }
}

impl Action {
    fn read(kind: &str, input: &Value, more: &[&str]) -> Result<Self, String> {
        let holder = if kind == "Put" { "Item" } else { "Key" };
        let known = [
            holder,
            "TableName",
            "ConditionExpression",
            "ExpressionAttributeNames",
            "ExpressionAttributeValues",
            "ReturnValuesOnConditionCheckFailure",
        ];
        let update = (kind == "Update").then_some("UpdateExpression");
        only(input, &[&known[..], more, update.as_slice()].concat());
        let mut placeholders = Placeholders::of(input)?;
        let text = |key: &str| input.get(key).map(|text| text.as_str().expect("an expression"));
        let condition = text("ConditionExpression").map(|text| Condition::read(text, &mut placeholders));
        let key = key(&input[holder], kind != "Put")?;
        let change = match kind {
            "Put" => {
                let item = attributes::checked(input["Item"].as_object().expect("an item"))?;
                if attributes::size(&item) > attributes::SIZE_MAX {
                    return Err(TOO_LARGE.to_owned());
                }
                Change::Put(item)
            }
            "Update" => Change::Update(Update::read(text("UpdateExpression").expect("an update"), &mut placeholders)),
            "Delete" => Change::Delete,
            "ConditionCheck" => {
                assert!(condition.is_some(), "a check has a condition");
                Change::None
            }
            other => panic!("the world's table does not know {other}"),
        };
        placeholders.all_used();
        let shows = match input["ReturnValuesOnConditionCheckFailure"].as_str() {
            None | Some("NONE") => false,
            Some("ALL_OLD") => true,
            Some(other) => panic!("a failed condition cannot return {other}"),
        };
        Ok(Self { key, condition, change, shows })
    }

    fn of_transaction(action: &Value) -> Result<Self, String> {
        let one = action.as_object().filter(|map| map.len() == 1).and_then(|map| map.iter().next());
        let (kind, input) = one.expect("one action an entry");
        Self::read(kind, input, &[])
    }
}

/// Makes sure that an input has nothing but this, and is about the one table.
#[track_caller]
fn only(input: &Value, known: &[&str]) {
    for key in input.as_object().expect("an input").keys() {
        assert!(known.contains(&key.as_str()), "the world's table does not know {key}");
    }
    assert!(!known.contains(&"TableName") || input["TableName"] == NAME, "there is one table: {}", input["TableName"]);
}

/// An item's key; `alone` if nothing else may stand with it.
fn key(found: &Value, alone: bool) -> Result<Key, String> {
    assert!(!alone || found.as_object().is_some_and(|map| map.len() == 2), "a key is scope and id: {found}");
    let part = |name: &str| {
        let text = found[name]["S"].as_str().unwrap_or_else(|| panic!("no {name} in {found}"));
        let empty = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value";
        if text.is_empty() { Err(empty.to_owned()) } else { Ok(text.to_owned()) }
    };
    Ok((part("scope")?, part("id")?))
}

/// Counts one down, if there is one left.
fn take(count: &mut usize) -> bool {
    let left = *count > 0;
    *count -= usize::from(left);
    left
}

fn reason(outcome: Result<Option<Item>, Failure>) -> Value {
    match outcome {
        Ok(_) => json!({"Code": "None"}),
        Err(Failure::Invalid(message)) => json!({"Code": "ValidationError", "Message": message}),
        Err(Failure::Condition(None)) => json!({"Code": "ConditionalCheckFailed", "Message": CONDITION_FAILED}),
        Err(Failure::Condition(Some(item))) => {
            json!({"Code": "ConditionalCheckFailed", "Message": CONDITION_FAILED, "Item": item})
        }
    }
}

fn cancelled(reasons: &[Value]) -> Refusal {
    let codes: Vec<&str> = reasons.iter().filter_map(|reason| reason["Code"].as_str()).collect();
    let message =
        format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", "));
    Refusal::new(400, "TransactionCanceledException", message).with("CancellationReasons", json!(reasons))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + secs).expect("a time")
    }

    fn do_at(table: &mut Table, secs: i64, operation: &str, input: &Value) -> Answer {
        table.call(operation, input, at(secs), &mut 0)
    }

    fn do_now(table: &mut Table, operation: &str, input: &Value) -> Answer {
        do_at(table, 0, operation, input)
    }

    /// An item with more attributes.
    fn item(scope: &str, id: &str, more: &Value) -> Value {
        let mut item = json!({"scope": {"S": scope}, "id": {"S": id}});
        for (name, value) in more.as_object().expect("attributes") {
            item[name] = attributes::typed(value);
        }
        item
    }

    fn put(table: &mut Table, scope: &str, id: &str, more: &Value) -> Answer {
        do_now(table, "PutItem", &json!({"TableName": NAME, "Item": item(scope, id, more)}))
    }

    /// The put of an item that must not exist.
    fn first(id: &str) -> Value {
        json!({
            "TableName": NAME,
            "Item": item("now", id, &json!({"version": 1})),
            "ConditionExpression": "attribute_not_exists(#id)",
            "ExpressionAttributeNames": {"#id": "id"},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        })
    }

    fn transaction(token: &str, actions: &Value) -> Value {
        json!({"ClientRequestToken": token, "TransactItems": actions})
    }

    fn code(answer: &Answer) -> &str {
        answer.as_ref().map_or_else(|refusal| refusal.code, |_| "done")
    }

    fn found(table: &Table, id: &str) -> Option<Value> {
        table.item("now", id).map(attributes::plain)
    }

    #[test]
    fn an_item_is_read_as_it_was_written() {
        let mut table = Table::default();
        let more = json!({"n": 7, "list": [1, {"deep": null}], "truth": true});
        assert_eq!(put(&mut table, "now", "a", &more), Ok(json!({})));
        let get = |id: &str| json!({"TableName": NAME, "Key": item("now", id, &json!({})), "ConsistentRead": true});
        assert_eq!(do_now(&mut table, "GetItem", &get("a")), Ok(json!({"Item": item("now", "a", &more)})));
        assert_eq!(do_now(&mut table, "GetItem", &get("b")), Ok(json!({})));
        let plain = json!({"scope": "now", "id": "a", "n": 7, "list": [1, {"deep": null}], "truth": true});
        assert_eq!(found(&table, "a"), Some(plain));
        assert_eq!(subject("GetItem", &get("a")), "now/a");
    }

    #[test]
    fn a_failed_condition_changes_nothing_and_shows_what_was_there() {
        let mut table = Table::default();
        assert_eq!(code(&do_now(&mut table, "PutItem", &first("a"))), "done");
        let again = do_now(&mut table, "PutItem", &first("a")).expect_err("it is there");
        assert_eq!((again.status, again.code), (400, "ConditionalCheckFailedException"));
        assert_eq!(again.more["Item"], item("now", "a", &json!({"version": 1})));
        let delete = json!({
            "TableName": NAME,
            "Key": item("now", "a", &json!({})),
            "ConditionExpression": "#version = :version",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {":version": {"N": "2"}},
        });
        let refused = do_now(&mut table, "DeleteItem", &delete.clone()).expect_err("another version");
        assert!(refused.more.is_empty() && found(&table, "a").is_some());
        let mut delete = delete;
        delete["ExpressionAttributeValues"][":version"] = json!({"N": "1"});
        assert_eq!(code(&do_now(&mut table, "DeleteItem", &delete)), "done");
        assert_eq!(found(&table, "a"), None);
    }

    #[test]
    fn an_update_makes_the_item_it_does_not_find() {
        let mut table = Table::default();
        let update = json!({
            "TableName": NAME,
            "Key": item("now", "a", &json!({})),
            "UpdateExpression": "ADD #told :keys",
            "ExpressionAttributeNames": {"#told": "told"},
            "ExpressionAttributeValues": {":keys": {"SS": ["b", "a"]}},
            "ReturnValues": "ALL_NEW",
        });
        let answer = do_now(&mut table, "UpdateItem", &update).expect("updated");
        assert_eq!(answer["Attributes"]["told"], json!({"SS": ["a", "b"]}));
        assert_eq!(found(&table, "a"), Some(json!({"scope": "now", "id": "a", "told": ["a", "b"]})));
    }

    #[test]
    fn what_no_item_may_hold_is_refused() {
        let mut table = Table::default();
        assert_eq!(code(&put(&mut table, "now", "", &json!({}))), "ValidationException");
        let full = SIZE_OF_TEXT;
        assert_eq!(code(&put(&mut table, "now", "a", &json!({"text": "x".repeat(full)}))), "done");
        assert_eq!(code(&put(&mut table, "now", "a", &json!({"text": "x".repeat(full + 1)}))), "ValidationException");
        let mut empty = item("now", "b", &json!({}));
        empty["told"] = json!({"SS": []});
        let refused = do_now(&mut table, "PutItem", &json!({"TableName": NAME, "Item": empty}));
        assert_eq!(code(&refused), "ValidationException");
        assert_eq!(table.items.len(), 1);
    }

    /// What fills an item: 400 KB without its key and the attribute's name.
    const SIZE_OF_TEXT: usize = 409_600 - "scopenowidatext".len();

    #[test]
    fn a_transaction_is_all_or_nothing_and_says_what_failed() {
        let mut table = Table::default();
        assert_eq!(code(&put(&mut table, "now", "a", &json!({"version": 3}))), "done");
        let check = |version: &str| {
            json!({"ConditionCheck": {
                "TableName": NAME,
                "Key": item("now", "c", &json!({})),
                "ConditionExpression": "attribute_not_exists(#id) OR #version < :version",
                "ExpressionAttributeNames": {"#id": "id", "#version": "version"},
                "ExpressionAttributeValues": {":version": {"N": version}},
            }})
        };
        let input = transaction("t", &json!([{"Put": first("b")}, {"Put": first("a")}, check("1")]));
        assert_eq!(subject("TransactWriteItems", &input), "now/b now/a now/c");
        let refused = do_now(&mut table, "TransactWriteItems", &input).expect_err("a is there");
        assert_eq!(refused.code, "TransactionCanceledException");
        assert!(refused.message.ends_with("[None, ConditionalCheckFailed, None]"), "{}", refused.message);
        let reasons = &refused.more["CancellationReasons"];
        assert_eq!(reasons[0], json!({"Code": "None"}));
        assert_eq!(reasons[1]["Item"], item("now", "a", &json!({"version": 3})));
        assert_eq!((found(&table, "b"), table.items.len()), (None, 1));
        let input = transaction("t", &json!([{"Put": first("b")}, check("1")]));
        assert_eq!(do_now(&mut table, "TransactWriteItems", &input), Ok(json!({})));
        assert!(found(&table, "b").is_some() && found(&table, "c").is_none());
    }

    #[test]
    fn a_token_does_its_transaction_once_in_ten_minutes() {
        let mut table = Table::default();
        let input = |id: &str| transaction("t", &json!([{"Put": first(id)}]));
        assert_eq!(code(&do_now(&mut table, "TransactWriteItems", &input("a"))), "done");
        assert_eq!(code(&do_at(&mut table, 599, "TransactWriteItems", &input("a"))), "done");
        let mismatch = do_at(&mut table, 599, "TransactWriteItems", &input("b"));
        assert_eq!(code(&mismatch), "IdempotentParameterMismatchException");
        let late = do_at(&mut table, 600, "TransactWriteItems", &input("a"));
        assert_eq!(code(&late), "TransactionCanceledException");
    }

    #[test]
    fn a_transaction_has_its_limits() {
        let mut table = Table::default();
        let twice = transaction("t", &json!([{"Put": first("a")}, {"Put": first("a")}]));
        assert_eq!(code(&do_now(&mut table, "TransactWriteItems", &twice)), "ValidationException");
        let puts = |count: usize| (0..count).map(|nth| json!({"Put": first(&format!("{nth}"))})).collect::<Value>();
        let many = do_now(&mut table, "TransactWriteItems", &transaction("t", &puts(101)));
        assert_eq!(code(&many), "ValidationException");
        assert_eq!(code(&do_now(&mut table, "TransactWriteItems", &transaction("t", &puts(100)))), "done");
        assert_eq!(table.items.len(), 100);
    }

    #[test]
    fn a_conflict_has_no_effect() {
        let (mut table, mut conflicts) = (Table::default(), 2);
        let input = transaction("t", &json!([{"Put": first("a")}, {"Put": first("b")}]));
        let refused = table.call("TransactWriteItems", &input, at(0), &mut conflicts).expect_err("a conflict");
        assert!(refused.message.ends_with("[TransactionConflict, None]"), "{}", refused.message);
        let refused = table.call("PutItem", &first("a"), at(0), &mut conflicts);
        assert_eq!(code(&refused), "TransactionConflictException");
        assert_eq!((table.items.len(), conflicts), (0, 0));
        assert_eq!(table.call("TransactWriteItems", &input, at(0), &mut conflicts), Ok(json!({})));
    }

    fn query(more: &Value) -> Value {
        let mut input = json!({
            "TableName": NAME,
            "KeyConditionExpression": "#scope = :scope AND begins_with(#id, :prefix)",
            "ExpressionAttributeNames": {"#scope": "scope", "#id": "id"},
            "ExpressionAttributeValues": {":scope": {"S": "now"}, ":prefix": {"S": "window#"}},
            "ConsistentRead": true,
        });
        input.as_object_mut().expect("an input").extend(more.as_object().expect("more").clone());
        input
    }

    fn ids(answer: &Value) -> Vec<&str> {
        answer["Items"].as_array().expect("items").iter().filter_map(|item| item["id"]["S"].as_str()).collect()
    }

    #[test]
    fn a_query_reads_a_scope_in_order_page_by_page() {
        let mut table = Table::default();
        for id in ["window#c", "series#a", "window#a", "window#b", "x"] {
            put(&mut table, "now", id, &json!({})).expect("put");
        }
        put(&mut table, "past", "window#d", &json!({})).expect("put");
        let all = do_now(&mut table, "Query", &query(&json!({}))).expect("read");
        assert_eq!(ids(&all), ["window#a", "window#b", "window#c"]);
        assert!(all.get("LastEvaluatedKey").is_none());
        let newest = json!({"ScanIndexForward": false, "Limit": 2});
        let page = do_now(&mut table, "Query", &query(&newest)).expect("read");
        assert_eq!(ids(&page), ["window#c", "window#b"]);
        let mut next = newest;
        next["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
        let page = do_now(&mut table, "Query", &query(&next)).expect("read");
        assert_eq!(ids(&page), ["window#a"]);
        assert!(page.get("LastEvaluatedKey").is_none());
        assert_eq!(subject("Query", &query(&json!({}))), "now");
        let full = do_now(&mut table, "Query", &query(&json!({"Limit": 3}))).expect("read");
        assert_eq!(full["LastEvaluatedKey"]["id"]["S"], "window#c", "a full page does not know that it is the last");
    }

    #[test]
    fn a_page_holds_a_megabyte() {
        let mut table = Table::default();
        for nth in 0..6 {
            put(&mut table, "now", &format!("window#{nth}"), &json!({"text": "x".repeat(300_000)})).expect("put");
        }
        let (mut pages, mut more) = (vec![], json!({}));
        loop {
            let page = do_now(&mut table, "Query", &query(&more)).expect("read");
            pages.push(ids(&page).len());
            let Some(last) = page.get("LastEvaluatedKey") else { break };
            more = json!({ "ExclusiveStartKey": last });
        }
        assert_eq!(pages, [3, 3]);
    }

    #[test]
    fn what_expired_goes_two_days_later() {
        let mut table = Table::default();
        for (id, expires) in [("a", 1_000_000), ("b", 1_000_001)] {
            put(&mut table, "past", id, &json!({ "expires": expires })).expect("put");
        }
        put(&mut table, "now", "c", &json!({})).expect("put");
        table.expire(at(1));
        assert_eq!(table.items.len(), 3);
        table.expire(at(48 * 3600 + 1));
        assert_eq!(table.items.iter().map(|((_, id), _)| id.as_str()).collect::<Vec<_>>(), ["c", "b"]);
    }

    #[test]
    fn broken_promises_are_seen() {
        let mut table = Table::default();
        let version = |uid: &str, version: i64| json!({"uid": uid, "version": version});
        for (scope, more) in [
            ("now", version("u", 2)),
            ("now", version("u", 3)),
            ("now", version("v", 1)),
            ("past", version("u", 3)),
            ("past", version("u", 3)),
        ] {
            put(&mut table, scope, "w", &more).expect("put");
        }
        assert_eq!(table.broken, [""; 0]);
        put(&mut table, "now", "w", &version("v", 0)).expect("put");
        put(&mut table, "past", "w", &version("u", 4)).expect("put");
        put(&mut table, "now", "s", &json!({"header": [SECRET]})).expect("put");
        assert_eq!(table.broken.len(), 3, "{:?}", table.broken);
    }

    #[test]
    fn what_is_not_known_panics() {
        for (operation, input) in [
            ("Scan", json!({"TableName": NAME})),
            ("GetItem", json!({"TableName": NAME, "Key": item("now", "a", &json!({}))})),
            ("GetItem", json!({"TableName": "other", "Key": item("now", "a", &json!({})), "ConsistentRead": true})),
            ("GetItem", json!({"TableName": NAME, "Key": {"id": {"S": "a"}}, "ConsistentRead": true})),
            ("PutItem", json!({"TableName": NAME, "Item": item("now", "a", &json!({})), "Expected": {}})),
            ("PutItem", json!({"TableName": NAME, "Item": {"scope": {"S": "now"}, "id": {"S": "a"}, "b": {"B": ""}}})),
            ("Query", query(&json!({"ConsistentRead": false}))),
            ("Query", query(&json!({"FilterExpression": "attribute_exists(#id)"}))),
        ] {
            let call = || drop(do_now(&mut Table::default(), operation, &input));
            assert!(std::panic::catch_unwind(call).is_err(), "{operation} {input}");
        }
    }
}
