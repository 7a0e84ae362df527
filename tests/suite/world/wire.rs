//! AWS's wire formats, as far as the world speaks them: query requests in, XML out, and what an answer is before it has
//! a format.

use serde_json::{Map, Value, json};

/// An answer before it has a format.
pub(crate) type Answer = Result<Value, Refusal>;

/// An error that AWS answers with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// What some of DynamoDB's errors say beside their message.
    pub(crate) more: Map<String, Value>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), more: Map::new() }
    }

    /// Says something beside the message.
    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.more.insert(key.to_owned(), value);
        self
    }
}

/// An error as DynamoDB writes it.
pub(crate) fn table_error(refusal: &Refusal) -> Value {
    let mut body = Value::Object(refusal.more.clone());
    body["__type"] = json!(format!("com.amazonaws.dynamodb.v20120810#{}", refusal.code));
    // DynamoDB's errors differ in how they write the key.
    let transaction = ["TransactionCanceledException", "IdempotentParameterMismatchException"].contains(&refusal.code);
    body[if transaction { "Message" } else { "message" }] = json!(refusal.message);
    body
}

/// Reads a query-protocol body into a tree: `A.member.1.B=c` becomes `{"A":[{"B":"c"}]}`.
pub(crate) fn read_query(body: &str) -> Value {
    let mut tree = json!({});
    for pair in body.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let mut at = &mut tree;
        for part in decode(key).split('.') {
            let part = if part == "entry" { "member" } else { part };
            at = at.as_object_mut().expect("an object").entry(part).or_insert_with(|| json!({}));
        }
        *at = Value::String(decode(value));
    }
    lists(tree)
}

/// `{"member": {"1": a, "2": b}}` is how a list looks on the way in.
fn lists(value: Value) -> Value {
    let Value::Object(mut map) = value else { return value };
    if let (1, Some(Value::Object(members))) = (map.len(), map.get("member")) {
        let mut numbered: Vec<(usize, Value)> =
            members.iter().map(|(n, v)| (n.parse().expect("a number"), v.clone())).collect();
        numbered.sort_by_key(|(n, _)| *n);
        return Value::Array(numbered.into_iter().map(|(_, v)| lists(v)).collect());
    }
    for value in map.values_mut() {
        *value = lists(value.take());
    }
    Value::Object(map)
}

/// Undoes percent and plus encoding.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (vec![], 0);
    while at < bytes.len() {
        match bytes[at] {
            b'%' => {
                out.push(u8::from_str_radix(&text[at + 1..at + 3], 16).expect("two digits"));
                at += 3;
            }
            b'+' => {
                out.push(b' ');
                at += 1;
            }
            other => {
                out.push(other);
                at += 1;
            }
        }
    }
    String::from_utf8(out).expect("UTF-8")
}

/// Writes a tree as XML, lists as `member`s.
pub(crate) fn xml(tag: &str, value: &Value) -> String {
    let inner = match value {
        Value::Object(map) => fields(map),
        Value::Array(items) => items.iter().map(|item| xml("member", item)).collect(),
        Value::String(text) => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        Value::Null => return String::new(),
        other => other.to_string(),
    };
    format!("<{tag}>{inner}</{tag}>")
}

fn fields(map: &Map<String, Value>) -> String {
    let field = |(tag, value): (&String, &Value)| match value {
        // A map is a list of entries without a list around them.
        Value::Array(entries) if tag == "entry" => entries.iter().map(|entry| xml(tag, entry)).collect(),
        value => xml(tag, value),
    };
    map.iter().map(field).collect()
}
