//! Items and their attributes in DynamoDB's JSON: `{"S": "text"}`, `{"N": "1"}` and so on.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value, json};

/// Attributes by name, each checked and in one form, so that equal ones are equal as JSON.
pub(crate) type Item = Map<String, Value>;

/// The size that no item may exceed.
pub(crate) const SIZE_MAX: usize = 400 * 1024;

/// Brings attributes into one form, or says why no item may hold one of them.
pub(crate) fn checked(attributes: &Map<String, Value>) -> Result<Item, String> {
    attributes.iter().map(|(name, value)| Ok((name.clone(), form(value)?))).collect()
}

fn form(value: &Value) -> Result<Value, String> {
    let typed = value.as_object().filter(|map| map.len() == 1).and_then(|map| map.iter().next());
    let (kind, inner) = typed.unwrap_or_else(|| panic!("not an attribute: {value}"));
    let inner = match kind.as_str() {
        "S" => json!(inner.as_str().expect("a string")),
        "N" => json!(plain_number(inner.as_str().expect("a number in a string"))?.to_string()),
        "BOOL" => json!(inner.as_bool().expect("a truth")),
        "NULL" => {
            assert_eq!(*inner, json!(true), "NULL is true");
            json!(true)
        }
        "L" => inner.as_array().expect("a list").iter().map(form).collect::<Result<Value, String>>()?,
        "M" => Value::Object(checked(inner.as_object().expect("a map"))?),
        "SS" => {
            let elements = inner.as_array().expect("a set");
            let set: BTreeSet<&str> = elements.iter().map(|element| element.as_str().expect("a string")).collect();
            if set.is_empty() {
                return Err("One or more parameter values were invalid: An string set  may not be empty".to_owned());
            }
            if set.len() < elements.len() {
                return Err(
                    "One or more parameter values were invalid: Input collection contains duplicates".to_owned()
                );
            }
            json!(set)
        }
        other => panic!("the world knows no attributes of type {other}"),
    };
    Ok(json!({ kind: inner }))
}

fn plain_number(text: &str) -> Result<Number, String> {
    let digits = text.strip_suffix(".0").unwrap_or(text);
    let whole = digits.parse::<i64>().ok().map(Number::from).or(digits.parse::<u64>().ok().map(Number::from));
    let number = whole.or_else(|| Number::from_f64(text.parse().ok()?));
    number.ok_or_else(|| "The parameter cannot be converted to a numeric value".to_owned())
}

/// A whole number, if it is one.
pub(crate) fn number(value: &Value) -> Option<i64> {
    value["N"].as_str()?.parse().ok()
}

pub(crate) fn string_set(value: &Value) -> Option<BTreeSet<String>> {
    value["SS"].as_array().map(|set| set.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Whether the first is less; attributes of different types never are.
pub(crate) fn is_less(one: &Value, other: &Value) -> bool {
    if let (Some(one), Some(other)) = (one["S"].as_str(), other["S"].as_str()) {
        return one < other;
    }
    let number = |value: &Value| value["N"].as_str().and_then(|text| text.parse::<f64>().ok());
    number(one).zip(number(other)).is_some_and(|(one, other)| one < other)
}

/// How much of an item's 400 KB, and of a page's megabyte, it takes.
pub(crate) fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &Value) -> usize {
    let (kind, inner) = value.as_object().and_then(|map| map.iter().next()).expect("an attribute");
    match (kind.as_str(), inner) {
        ("S", Value::String(text)) => text.len(),
        ("N", Value::String(digits)) => digits.len().div_ceil(2) + 1,
        ("L", Value::Array(list)) => 3 + list.iter().map(|value| 1 + value_size(value)).sum::<usize>(),
        ("M", Value::Object(map)) => {
            3 + map.iter().map(|(name, value)| 1 + name.len() + value_size(value)).sum::<usize>()
        }
        ("SS", Value::Array(set)) => set.iter().filter_map(Value::as_str).map(str::len).sum(),
        _ => 1,
    }
}

/// An item as plain JSON.
pub(crate) fn plain(item: &Item) -> Value {
    item.iter().map(|(name, value)| (name.clone(), plain_value(value))).collect()
}

fn plain_value(value: &Value) -> Value {
    let (kind, inner) = value.as_object().and_then(|map| map.iter().next()).expect("an attribute");
    match (kind.as_str(), inner) {
        ("N", Value::String(digits)) => Value::Number(plain_number(digits).expect("a number")),
        ("L", Value::Array(list)) => list.iter().map(plain_value).collect(),
        ("M", Value::Object(map)) => plain(map),
        ("NULL", _) => Value::Null,
        _ => inner.clone(),
    }
}

/// Plain JSON as an item's attributes, as a person types them in the console.
pub(crate) fn typed(plain: &Value) -> Value {
    match plain {
        Value::Null => json!({"NULL": true}),
        Value::Bool(truth) => json!({"BOOL": truth}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::String(text) => json!({"S": text}),
        Value::Array(list) => json!({"L": list.iter().map(typed).collect::<Vec<_>>()}),
        Value::Object(map) => {
            json!({"M": map.iter().map(|(name, value)| (name.clone(), typed(value))).collect::<Item>()})
        }
    }
}
