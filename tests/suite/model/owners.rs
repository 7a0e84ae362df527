//! The rules as their owners want them, and how they stand.

use serde_json::{Value, json};

use super::steps::{Edit, SECOND};
use crate::world::{ORIGIN_LOCK, SECRET, World, header, path, rule_arn};

/// How many forms of a rule there are.
pub(super) const OWNERS: usize = 9;

/// Every name that the bypass header has in any story.
const BYPASS_NAMES: [&str; 2] = ["x-maintenance-bypass", "x-other-bypass"];

fn host(name: &str) -> Value {
    json!({"Field": "host-header", "HostHeaderConfig": {"Values": [name]}})
}

/// What an owner may have written.
pub(super) fn owned(nth: usize) -> Vec<Value> {
    let source = json!({"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8", "192.168.0.0/16"]}});
    let methods = json!({"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET", "POST"]}});
    match nth {
        0 => vec![path(&["*"])],
        1 => vec![path(&["/*"])],
        2 => vec![path(&["/shop/*", "/cart"])],
        3 => vec![path(&["/*"]), header("X-Origin-Lock", ORIGIN_LOCK)],
        4 => vec![host("a.example"), path(&["/a", "/b"]), source],
        5 => vec![path(&["/*"]), header("X-Origin-Lock", ORIGIN_LOCK), host("a.example"), methods],
        6 => vec![header("X-Maintenance-Bypass", "owner-value"), path(&["/owner/*"])],
        7 => vec![path(&["/*", "/shop"]), host("b.example")],
        _ => vec![header("X-Origin-Lock", ORIGIN_LOCK), path(&["/one", "/two", "/three"])],
    }
}

fn values(condition: &Value) -> usize {
    let config = condition.as_object().and_then(|map| map.values().find(|value| value.is_object()));
    config.and_then(|config| config["Values"].as_array()).map_or(0, Vec::len)
}

fn count(conditions: &[Value]) -> usize {
    conditions.iter().map(values).sum()
}

fn header_name(condition: &Value) -> Option<&str> {
    condition["HttpHeaderConfig"]["HttpHeaderName"].as_str()
}

/// Whether a condition is the bypass header's, of whichever settings.
fn is_ours(condition: &Value) -> bool {
    let config = &condition["HttpHeaderConfig"];
    let named =
        header_name(condition).is_some_and(|name| BYPASS_NAMES.iter().any(|ours| name.eq_ignore_ascii_case(ours)));
    let mut demanded = config["Values"].as_array().into_iter().flatten().filter_map(Value::as_str);
    named && demanded.any(|value| [SECRET, SECOND].contains(&value))
}

/// Whether a condition lets everybody through.
fn is_catch_all(condition: &Value) -> bool {
    let values = condition["PathPatternConfig"]["Values"].as_array();
    values.is_some_and(|values| values.iter().any(|value| value == "*" || value == "/*"))
}

/// A rule as its owner last wanted it; nothing if it was deleted.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    pub(super) wish: Option<Vec<Value>>,
}

impl Owned {
    pub(super) fn new(nth: usize) -> Self {
        Self { wish: Some(owned(nth)) }
    }

    /// Whether the bypass header fits into it: its owner does not demand that header with another value.
    pub(super) fn can_be_narrowed(&self, bypass_name: &str) -> bool {
        let locks = |condition: &Value| {
            !is_ours(condition) && header_name(condition).is_some_and(|name| name.eq_ignore_ascii_case(bypass_name))
        };
        self.wish.as_ref().is_some_and(|wish| !wish.iter().any(locks))
    }

    /// Carries out an edit; says what is there then, if it makes sense.
    pub(super) fn edit(&mut self, rule: usize, edit: Edit, world: &World) -> Option<String> {
        let arn = rule_arn(rule);
        self.wish.as_ref()?;
        let now = world.conditions(rule);
        let (written, wish) = match edit {
            Edit::Write(nth) => (owned(nth), owned(nth)),
            Edit::OnTop => {
                let mut edited = now;
                edited.push(host("top.example"));
                let twice = edited.iter().filter(|condition| **condition == host("top.example")).count() > 1;
                if count(&edited) > 5 || twice {
                    return None;
                }
                let wish = edited.iter().filter(|condition| !is_ours(condition)).cloned().collect();
                (edited, wish)
            }
            Edit::Reopen => (self.wish.clone()?, self.wish.clone()?),
            Edit::WriteBack => {
                let wish = self.wish.clone()?;
                // It was written by this stack: under a name that its table or its settings know.
                let item = world.rule_item(rule);
                let name = item.as_ref().and_then(|item| item["header"].as_str());
                let name = name.or(world.settings.get("BYPASS_HEADER_NAME").map(String::as_str))?;
                if !name.eq_ignore_ascii_case("x-maintenance-bypass") {
                    return None;
                }
                let back = [wish.clone(), vec![header("x-maintenance-bypass", SECRET)]].concat();
                if count(&back) > 5 || !self.can_be_narrowed("x-maintenance-bypass") {
                    return None;
                }
                (back, wish)
            }
            Edit::Delete => {
                world.state().rules.remove(&arn);
                self.wish = None;
                return Some("deleted".to_owned());
            }
        };
        let shown = json!(written).to_string();
        world.set_conditions(rule, written);
        self.wish = Some(wish);
        Some(shown)
    }

    /// What is wrong with how the rule stands, given whether only testers should get through.
    pub(super) fn wrong(&self, rule: usize, dark: bool, world: &World) -> Option<String> {
        let wish = self.wish.as_ref()?;
        let now = world.conditions(rule);
        let shown = json!(now);
        if !dark {
            return (now != *wish).then(|| format!("rule {rule} is {shown}, but its owner wants {}", json!(wish)));
        }
        if !now.iter().any(is_ours) {
            return Some(format!("rule {rule} is {shown}, which lets visitors through"));
        }
        let needed: Vec<&Value> = wish.iter().filter(|condition| !is_catch_all(condition)).collect();
        let fits = needed.iter().map(|condition| values(condition)).sum::<usize>() + 2 <= 5;
        let lost = needed.iter().any(|condition| !now.contains(condition));
        (fits && lost).then(|| format!("rule {rule} is {shown}, which lost some of {}", json!(wish)))
    }

    pub(super) fn is_dark(rule: usize, world: &World) -> bool {
        world.conditions(rule).iter().any(is_ours)
    }
}
