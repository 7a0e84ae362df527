//! DynamoDB's expressions, as far as the function writes them.
//!
//! Whatever is not known here panics, so the function cannot come to rely on an expression that no test has tried. Names
//! and values come by placeholder only, which also keeps DynamoDB's reserved words out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::attributes::{self, Item};

/// What the `#names` and `:values` of one action stand for.
pub(crate) struct Placeholders {
    names: BTreeMap<String, String>,
    values: Item,
    used: BTreeSet<String>,
}

impl Placeholders {
    /// Takes those of an action; refuses values that no item may hold.
    pub(crate) fn of(action: &Value) -> Result<Self, String> {
        let given = |key: &str, sign: char| -> Map<String, Value> {
            let Some(map) = action.get(key) else { return Map::new() };
            let map = map.as_object().expect("placeholders").clone();
            assert!(!map.is_empty(), "{key} must not be empty");
            assert!(map.keys().all(|name| name.starts_with(sign)), "{key} begin with {sign}: {map:?}");
            map
        };
        let names = given("ExpressionAttributeNames", '#').into_iter();
        let names = names.map(|(key, name)| (key, name.as_str().expect("a name").to_owned())).collect();
        let values = attributes::checked(&given("ExpressionAttributeValues", ':'))?;
        Ok(Self { names, values, used: BTreeSet::new() })
    }

    /// DynamoDB refuses what no expression of the action uses.
    pub(crate) fn all_used(&self) {
        let unused: Vec<&String> =
            self.names.keys().chain(self.values.keys()).filter(|key| !self.used.contains(*key)).collect();
        assert!(unused.is_empty(), "placeholders that no expression uses: {unused:?}");
    }
}

/// What must hold of an item before it is written.
#[derive(Debug, PartialEq)]
pub(crate) enum Condition {
    Exists(String),
    Missing(String),
    Equal(String, Value),
    Less(String, Value),
    Both(Box<Condition>, Box<Condition>),
    Either(Box<Condition>, Box<Condition>),
}

impl Condition {
    pub(crate) fn read(text: &str, placeholders: &mut Placeholders) -> Self {
        let mut reader = Reader::new(text, placeholders);
        reader.no_redundant_parentheses();
        let condition = reader.either();
        reader.ends();
        condition
    }

    /// Whether it holds; an item that is not there has no attribute.
    pub(crate) fn holds(&self, item: Option<&Item>) -> bool {
        let found = |name: &String| item.and_then(|item| item.get(name));
        match self {
            Self::Exists(name) => found(name).is_some(),
            Self::Missing(name) => found(name).is_none(),
            Self::Equal(name, value) => found(name) == Some(value),
            Self::Less(name, value) => found(name).is_some_and(|found| attributes::is_less(found, value)),
            Self::Both(one, other) => one.holds(item) && other.holds(item),
            Self::Either(one, other) => one.holds(item) || other.holds(item),
        }
    }
}

/// Which items of a scope a query asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Ids {
    All,
    Prefix(String),
    From(String),
    Between(String, String),
}

impl Ids {
    /// Reads a key condition; answers the scope too.
    pub(crate) fn read(text: &str, placeholders: &mut Placeholders) -> (String, Self) {
        let mut reader = Reader::new(text, placeholders);
        reader.key("scope");
        reader.expect("=");
        let scope = reader.text_value();
        if reader.peek().is_empty() {
            return (scope, Self::All);
        }
        reader.expect("AND");
        let ids = if reader.peek() == "begins_with" {
            reader.expect("begins_with");
            reader.expect("(");
            reader.key("id");
            reader.expect(",");
            let prefix = reader.text_value();
            reader.expect(")");
            Self::Prefix(prefix)
        } else {
            reader.key("id");
            match reader.next() {
                ">=" => Self::From(reader.text_value()),
                "BETWEEN" => {
                    let from = reader.text_value();
                    reader.expect("AND");
                    let to = reader.text_value();
                    assert!(from <= to, "DynamoDB refuses bounds in this order: {from}, {to}");
                    Self::Between(from, to)
                }
                other => panic!("the world knows no {other:?} in {text}"),
            }
        };
        reader.ends();
        (scope, ids)
    }

    pub(crate) fn cover(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Prefix(prefix) => id.starts_with(prefix.as_str()),
            Self::From(from) => id >= from.as_str(),
            Self::Between(from, to) => (from.as_str()..=to.as_str()).contains(&id),
        }
    }
}

#[derive(Debug, PartialEq)]
enum Change {
    Set(Value),
    SetIfMissing(String, Value),
    Remove,
    Add(Value),
    Delete(Value),
}

/// How an item is changed.
#[derive(Debug, PartialEq)]
pub(crate) struct Update(Vec<(String, Change)>);

impl Update {
    pub(crate) fn read(text: &str, placeholders: &mut Placeholders) -> Self {
        let mut reader = Reader::new(text, placeholders);
        let mut changes: Vec<(String, Change)> = vec![];
        let mut sections = BTreeSet::new();
        while !reader.peek().is_empty() {
            let section = reader.next().to_owned();
            assert!(sections.insert(section.clone()), "{section} stands twice in {text}");
            loop {
                changes.push(reader.change(&section));
                if reader.peek() != "," {
                    break;
                }
                reader.expect(",");
            }
        }
        assert!(!changes.is_empty(), "an update must change something");
        let names: BTreeSet<&str> = changes.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), changes.len(), "an attribute is changed twice in {text}");
        assert!(!names.contains("scope") && !names.contains("id"), "the key cannot be changed: {text}");
        Self(changes)
    }

    /// The item as it is then. Every change starts from the item as it was before.
    pub(crate) fn apply(&self, before: &Item) -> Result<Item, String> {
        let mut after = before.clone();
        for (name, change) in &self.0 {
            let found = before.get(name);
            let value = match change {
                Change::Set(value) => Some(value.clone()),
                Change::SetIfMissing(other, value) => Some(before.get(other).unwrap_or(value).clone()),
                Change::Remove => None,
                Change::Add(value) => Some(found.map_or_else(|| Ok(value.clone()), |found| added(found, value))?),
                Change::Delete(value) => found.map(|found| without(found, value)).transpose()?.flatten(),
            };
            match value {
                Some(value) => after.insert(name.clone(), value),
                None => after.remove(name),
            };
        }
        Ok(after)
    }
}

/// What DynamoDB says of a set added to a number and the like.
fn wrong_type() -> String {
    "An operand in the update expression has an incorrect data type".to_owned()
}

fn added(found: &Value, value: &Value) -> Result<Value, String> {
    if let (Some(found), Some(value)) = (attributes::number(found), attributes::number(value)) {
        return Ok(json!({"N": (found + value).to_string()}));
    }
    let [found, value] = [found, value].map(attributes::string_set);
    let union: BTreeSet<String> =
        found.ok_or_else(wrong_type)?.into_iter().chain(value.ok_or_else(wrong_type)?).collect();
    Ok(json!({ "SS": union }))
}

/// A set that loses its last element goes.
fn without(found: &Value, value: &Value) -> Result<Option<Value>, String> {
    let [found, value] = [found, value].map(attributes::string_set);
    let value = value.ok_or_else(wrong_type)?;
    let left: BTreeSet<String> =
        found.ok_or_else(wrong_type)?.into_iter().filter(|element| !value.contains(element)).collect();
    Ok(Some(json!({ "SS": left })).filter(|_| !left.is_empty()))
}

/// Reads one expression, token by token.
struct Reader<'a> {
    text: &'a str,
    tokens: Vec<&'a str>,
    at: usize,
    placeholders: &'a mut Placeholders,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, placeholders: &'a mut Placeholders) -> Self {
        Self { text, tokens: tokens(text), at: 0, placeholders }
    }

    /// The next token; nothing at the end.
    fn peek(&self) -> &'a str {
        self.tokens.get(self.at).copied().unwrap_or_default()
    }

    fn next(&mut self) -> &'a str {
        let token = self.peek();
        self.at += 1;
        token
    }

    #[track_caller]
    fn expect(&mut self, token: &str) {
        let found = self.next();
        assert_eq!(found, token, "the world cannot read {}", self.text);
    }

    #[track_caller]
    fn ends(&self) {
        assert_eq!(self.peek(), "", "the world cannot read {} to its end", self.text);
    }

    fn name(&mut self) -> String {
        let placeholder = self.next();
        assert!(placeholder.starts_with('#'), "not a name's placeholder in {}: {placeholder:?}", self.text);
        self.placeholders.used.insert(placeholder.to_owned());
        let name = self.placeholders.names.get(placeholder);
        name.unwrap_or_else(|| panic!("{placeholder} stands for nothing in {}", self.text)).clone()
    }

    fn value(&mut self) -> Value {
        let placeholder = self.next();
        assert!(placeholder.starts_with(':'), "not a value's placeholder in {}: {placeholder:?}", self.text);
        self.placeholders.used.insert(placeholder.to_owned());
        let value = self.placeholders.values.get(placeholder);
        value.unwrap_or_else(|| panic!("{placeholder} stands for nothing in {}", self.text)).clone()
    }

    fn key(&mut self, key: &str) {
        let name = self.name();
        assert_eq!(name, key, "a key condition names the table's keys: {}", self.text);
    }

    fn text_value(&mut self) -> String {
        self.value()["S"].as_str().expect("the table's keys are strings").to_owned()
    }

    fn either(&mut self) -> Condition {
        let mut condition = self.both();
        while self.peek() == "OR" {
            self.next();
            condition = Condition::Either(Box::new(condition), Box::new(self.both()));
        }
        condition
    }

    fn both(&mut self) -> Condition {
        let mut condition = self.term();
        while self.peek() == "AND" {
            self.next();
            condition = Condition::Both(Box::new(condition), Box::new(self.term()));
        }
        condition
    }

    fn term(&mut self) -> Condition {
        match self.peek() {
            "(" => {
                self.next();
                let condition = self.either();
                self.expect(")");
                condition
            }
            function @ ("attribute_exists" | "attribute_not_exists") => {
                self.next();
                self.expect("(");
                let name = self.name();
                self.expect(")");
                if function == "attribute_exists" { Condition::Exists(name) } else { Condition::Missing(name) }
            }
            _ => {
                let name = self.name();
                match self.next() {
                    "=" => Condition::Equal(name, self.value()),
                    "<" => Condition::Less(name, self.value()),
                    other => panic!("the world knows no {other:?} in {}", self.text),
                }
            }
        }
    }

    fn change(&mut self, section: &str) -> (String, Change) {
        let name = self.name();
        let change = match section {
            "SET" => {
                self.expect("=");
                if self.peek() == "if_not_exists" {
                    self.next();
                    self.expect("(");
                    let other = self.name();
                    self.expect(",");
                    let value = self.value();
                    self.expect(")");
                    Change::SetIfMissing(other, value)
                } else {
                    Change::Set(self.value())
                }
            }
            "REMOVE" => Change::Remove,
            "ADD" => {
                let value = self.value();
                let fits = attributes::number(&value).is_some() || attributes::string_set(&value).is_some();
                assert!(fits, "only numbers and sets are added: {}", self.text);
                Change::Add(value)
            }
            "DELETE" => {
                let value = self.value();
                assert!(attributes::string_set(&value).is_some(), "only sets are taken away: {}", self.text);
                Change::Delete(value)
            }
            other => panic!("the world knows no {other:?} in {}", self.text),
        };
        (name, change)
    }

    /// DynamoDB refuses a pair of parentheses directly in another.
    fn no_redundant_parentheses(&self) {
        let mut open = vec![];
        let mut last = None;
        for (at, token) in self.tokens.iter().enumerate() {
            match *token {
                "(" => open.push(at),
                ")" => {
                    let pair = (open.pop().unwrap_or_else(|| panic!("too many ')' in {}", self.text)), at);
                    assert_ne!(last, Some((pair.0 + 1, pair.1 - 1)), "redundant parentheses in {}", self.text);
                    last = Some(pair);
                }
                _ => {}
            }
        }
    }
}

fn tokens(text: &str) -> Vec<&str> {
    let part_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let word = |text: &str| text.bytes().take_while(part_of_word).count();
    let mut tokens = vec![];
    let mut rest = text.trim_start();
    while let Some(first) = rest.bytes().next() {
        let length = match first {
            b'#' | b':' => 1 + word(&rest[1..]),
            b'(' | b')' | b',' | b'=' => 1,
            b'<' | b'>' => 1 + usize::from(rest[1..].starts_with(['=', '>'])),
            _ => word(rest),
        };
        assert!(length > 0, "the world cannot read {text} at {rest}");
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The placeholders `#a` to `#c`, and some values.
    fn placeholders() -> Placeholders {
        let action = json!({
            "ExpressionAttributeNames": {"#a": "a", "#b": "b", "#c": "c", "#scope": "scope", "#id": "id"},
            "ExpressionAttributeValues": {
                ":one": {"N": "1"}, ":two": {"N": "2.0"}, ":x": {"S": "x"}, ":y": {"S": "y"}, ":set": {"SS": ["y", "x"]},
            },
        });
        Placeholders::of(&action).expect("good values")
    }

    fn item(attributes: &Value) -> Item {
        attributes::checked(attributes.as_object().expect("attributes")).expect("good attributes")
    }

    fn holds(text: &str, attributes: &Value) -> bool {
        Condition::read(text, &mut placeholders()).holds(Some(&item(attributes)))
    }

    fn updated(text: &str, attributes: &Value) -> Result<Value, String> {
        Ok(Value::Object(Update::read(text, &mut placeholders()).apply(&item(attributes))?))
    }

    #[track_caller]
    fn is_unknown(read: impl FnOnce(&mut Placeholders) + std::panic::UnwindSafe) {
        assert!(std::panic::catch_unwind(|| read(&mut placeholders())).is_err());
    }

    #[test]
    fn conditions_compare_attributes_of_one_type() {
        assert!(holds("#a = :two", &json!({"a": {"N": "2"}})));
        assert!(!holds("#a = :two", &json!({"a": {"S": "2"}})));
        assert!(!holds("#a = :two", &json!({})));
        assert!(holds("#a < :two", &json!({"a": {"N": "-10"}})));
        assert!(!holds("#a < :two", &json!({"a": {"N": "10"}})));
        assert!(!holds("#a < :two", &json!({"a": {"S": "1"}})));
        assert!(!holds("#a < :two", &json!({})));
        assert!(holds("#a < :y", &json!({"a": {"S": "x"}})));
        assert!(!holds("#a < :y", &json!({"a": {"S": "y"}})));
        assert!(holds("#a = :set", &json!({"a": {"SS": ["x", "y"]}})));
    }

    #[test]
    fn conditions_ask_whether_attributes_exist() {
        assert!(holds("attribute_exists(#a)", &json!({"a": {"NULL": true}})));
        assert!(!holds("attribute_exists(#a)", &json!({})));
        assert!(holds("attribute_not_exists(#a)", &json!({"b": {"S": ""}})));
        assert!(Condition::read("attribute_not_exists(#id)", &mut placeholders()).holds(None));
        assert!(!Condition::read("attribute_exists(#id) OR #a = :x", &mut placeholders()).holds(None));
    }

    #[test]
    fn and_binds_closer_than_or() {
        let both = json!({"a": {"S": "x"}, "b": {"S": "x"}});
        assert!(holds("#a = :x OR #b = :y AND #c = :y", &both));
        assert!(!holds("(#a = :x OR #b = :y) AND #c = :y", &both));
        assert!(holds("(#a = :x) AND (#b = :x)", &both));
        assert!(holds("#a = :y AND #b = :x OR (#a = :x AND attribute_not_exists(#c))", &both));
    }

    #[test]
    fn key_conditions_choose_ids() {
        let read = |text: &str| Ids::read(text, &mut placeholders());
        assert_eq!(read("#scope = :x"), ("x".to_owned(), Ids::All));
        assert_eq!(read("#scope = :x AND begins_with(#id, :y)").1, Ids::Prefix("y".to_owned()));
        assert_eq!(read("#scope = :x AND #id >= :y").1, Ids::From("y".to_owned()));
        let between = read("#scope = :x AND #id BETWEEN :x AND :y").1;
        assert_eq!(["w", "x", "xz", "y", "yz"].map(|id| between.cover(id)), [false, true, true, true, false]);
        assert_eq!(["x", "y", "yz"].map(|id| Ids::Prefix("y".to_owned()).cover(id)), [false, true, true]);
        assert_eq!(["x", "y", "yz"].map(|id| Ids::From("y".to_owned()).cover(id)), [false, true, true]);
    }

    #[test]
    fn updates_set_and_remove_from_what_was_before() {
        let before = json!({"a": {"S": "old"}, "c": {"S": "gone"}});
        let after = updated("SET #a = :x, #b = if_not_exists(#a, :y) REMOVE #c", &before);
        assert_eq!(after, Ok(json!({"a": {"S": "x"}, "b": {"S": "old"}})));
        assert_eq!(updated("SET #b = if_not_exists(#b, :y) REMOVE #c", &json!({})), Ok(json!({"b": {"S": "y"}})));
    }

    #[test]
    fn updates_add_to_sets_and_numbers() {
        let added = updated("ADD #a :set, #b :one", &json!({"a": {"SS": ["x", "k"]}, "b": {"N": "41"}}));
        assert_eq!(added, Ok(json!({"a": {"SS": ["k", "x", "y"]}, "b": {"N": "42"}})));
        let added = updated("ADD #a :set, #b :one", &json!({}));
        assert_eq!(added, Ok(json!({"a": {"SS": ["x", "y"]}, "b": {"N": "1"}})));
        assert_eq!(updated("ADD #a :set", &json!({"a": {"S": "x"}})), Err(wrong_type()));
        assert_eq!(updated("ADD #a :one", &json!({"a": {"SS": ["x"]}})), Err(wrong_type()));
    }

    #[test]
    fn updates_take_from_sets_and_no_set_is_left_empty() {
        assert_eq!(updated("DELETE #a :set", &json!({"a": {"SS": ["x", "k"]}})), Ok(json!({"a": {"SS": ["k"]}})));
        assert_eq!(updated("DELETE #a :set", &json!({"a": {"SS": ["x"]}})), Ok(json!({})));
        assert_eq!(updated("DELETE #a :set", &json!({})), Ok(json!({})));
    }

    #[test]
    fn what_is_not_known_panics() {
        for text in [
            "",
            "#a",
            "a = :x",
            "#a = #b",
            "#a <> :x",
            "#a <= :x",
            "#a > :x",
            "#a.b = :x",
            "#a = :x AND",
            "#a = :x #b = :y",
            "#a = :x and #b = :y",
            "NOT #a = :x",
            "size(#a) = :one",
            "((#a = :x))",
            "(#a = :x",
            "#a = :x)",
            "#d = :x",
            "#a = :z",
            "attribute_exists(a)",
        ] {
            is_unknown(|placeholders| drop(Condition::read(text, placeholders)));
        }
        for text in [
            "",
            "SET",
            "SET #a = :x,",
            "SET #a = #b",
            "SET #a = #a + :one",
            "SET #a = :x SET #b = :y",
            "SET #a = :x REMOVE #a",
            "SET #id = :x",
            "SET a = :x",
            "set #a = :x",
            "ADD #a :x",
            "DELETE #a :one",
            "REMOVE",
        ] {
            is_unknown(|placeholders| drop(Update::read(text, placeholders)));
        }
        for text in [
            "",
            "#a = :x",
            "#id = :x",
            "#scope >= :x",
            "#scope = :one",
            "#scope = :x OR #id = :y",
            "#scope = :x AND #id = :y",
            "#scope = :x AND #id < :y",
            "#scope = :x AND begins_with(#scope, :y)",
            "#scope = :x AND #id >= :y AND #id >= :x",
        ] {
            is_unknown(|placeholders| drop(Ids::read(text, placeholders)));
        }
    }

    #[test]
    fn every_placeholder_is_used() {
        let read = |text: &str| {
            let action = json!({
                "ExpressionAttributeNames": {"#a": "a"}, "ExpressionAttributeValues": {":x": {"S": "x"}},
            });
            let mut placeholders = Placeholders::of(&action).expect("good values");
            drop(Condition::read(text, &mut placeholders));
            placeholders.all_used();
        };
        read("#a = :x");
        assert!(std::panic::catch_unwind(|| read("attribute_exists(#a)")).is_err());
        let none = || drop(Placeholders::of(&json!({"ExpressionAttributeNames": {}})));
        assert!(std::panic::catch_unwind(none).is_err());
    }
}
