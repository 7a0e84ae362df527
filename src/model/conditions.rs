//! What a listener rule demands of a request, and the two forms a managed rule can have.
//!
//! Pure: no AWS client, no clock.
//! Elastic Load Balancing repeats `Values` beside the typed config in what it returns and refuses both together in what
//! it is sent, so everything here works on one normalised [`Condition`]; `aws::rules` converts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{bypass::Bypass, id::digest};

/// Most condition values one ALB rule may hold ("Condition Values per Rule", a fixed quota of Elastic Load Balancing).
const VALUES_MAX: usize = 5;

/// One condition of a listener rule, in the only six forms that this version can put back faithfully.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "field", rename_all = "kebab-case", deny_unknown_fields)]
#[expect(missing_docs, reason = "variants and fields carry Elastic Load Balancing's own names")]
pub enum Condition {
    HostHeader {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        values: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        regex: Vec<String>,
    },
    PathPattern {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        values: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        regex: Vec<String>,
    },
    HttpHeader {
        name: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        values: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        regex: Vec<String>,
    },
    HttpRequestMethod {
        values: Vec<String>,
    },
    QueryString {
        values: Vec<QueryPair>,
    },
    SourceIp {
        values: Vec<String>,
    },
}

/// One `key=value` (or any key, `value`) of a `query-string` condition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryPair {
    /// The parameter's name; absent means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The parameter's value, wildcards allowed.
    pub value: String,
}

/// Conditions that match every request: what is put where removing the bypass would leave none at all, since a rule
/// without conditions cannot exist.
#[must_use]
pub fn catch_all() -> Vec<Condition> {
    vec![Condition::PathPattern { values: vec!["*".to_owned()], regex: vec![] }]
}

/// What a rule demands besides the bypass header while it is narrowed.
///
/// The owner's conditions stay, so that an origin's lock holds. A catch-all path adds nothing to the header: it is left
/// out where it stands alone, and wherever its place is needed. Conditions that leave no room all the same are left out
/// together: the header alone lets only testers through.
#[must_use]
pub fn rest(owner: &[Condition], bypass: &Bypass) -> Vec<Condition> {
    let needed = needed(owner);
    if needed.is_empty() || !has_room(&needed, bypass) {
        vec![]
    } else if has_room(owner, bypass) {
        owner.to_vec()
    } else {
        needed
    }
}

/// Whether the owner's conditions, but for a catch-all path, leave room for the bypass header.
#[must_use]
pub fn fits(owner: &[Condition], bypass: &Bypass) -> bool {
    has_room(&needed(owner), bypass)
}

/// The conditions that turn some request away.
fn needed(owner: &[Condition]) -> Vec<Condition> {
    owner.iter().filter(|condition| !condition.is_catch_all()).cloned().collect()
}

fn has_room(conditions: &[Condition], bypass: &Bypass) -> bool {
    let values: usize = conditions.iter().map(Condition::value_count).sum();
    values + bypass.value_count() <= VALUES_MAX
}

/// The bypass header's condition.
#[must_use]
pub fn bypass_header(bypass: &Bypass) -> Condition {
    Condition::HttpHeader { name: bypass.name.clone(), values: bypass.values_in_clear(), regex: vec![] }
}

/// Whether a condition demands the bypass header with a value of ours. A header of that name with other values is its
/// owner's.
#[must_use]
pub fn is_bypass(condition: &Condition, bypass: &Bypass) -> bool {
    let Condition::HttpHeader { name, values, .. } = condition else { return false };
    let ours = bypass.values_in_clear();
    let known = |value: &String| ours.iter().any(|ours| ours.eq_ignore_ascii_case(value));
    name.eq_ignore_ascii_case(&bypass.name) && values.iter().any(known)
}

/// Ten digits by which a header's condition is known again without its value; letter case does not matter, as it does
/// not to the load balancer.
#[must_use]
pub fn mark(condition: &Condition) -> Option<String> {
    let Condition::HttpHeader { name, values, regex } = condition else { return None };
    let mut parts: Vec<String> = values.iter().map(|value| value.to_ascii_lowercase()).collect();
    parts.sort();
    parts.push(name.to_ascii_lowercase());
    regex.is_empty().then(|| digest(parts.iter().map(String::as_str)))
}

/// Whether a condition is about the header of this name.
#[must_use]
pub fn names_header(condition: &Condition, header: &str) -> bool {
    matches!(condition, Condition::HttpHeader { name, .. } if name.eq_ignore_ascii_case(header))
}

/// Whether two lists of conditions match the same requests, whatever the order they are written in.
#[must_use]
pub fn same(left: &[Condition], right: &[Condition]) -> bool {
    sorted(left) == sorted(right)
}

/// Whether some request could match both, as far as their exact hosts tell: other fields and patterns may overlap.
#[must_use]
pub fn may_meet(left: &[Condition], right: &[Condition]) -> bool {
    let hosts = |conditions: &[Condition]| -> Option<BTreeSet<String>> {
        conditions.iter().find_map(|condition| match condition {
            Condition::HostHeader { values, regex }
                if regex.is_empty() && values.iter().all(|value| !value.contains(['*', '?'])) =>
            {
                Some(values.iter().map(|value| value.to_ascii_lowercase()).collect())
            }
            _ => None,
        })
    };
    match (hosts(left), hosts(right)) {
        (Some(left), Some(right)) => !left.is_disjoint(&right),
        _ => true,
    }
}

/// The values of every header condition: secrets, for all we know (an origin lock is one).
pub fn header_values(conditions: &[Condition]) -> impl Iterator<Item = &str> {
    conditions.iter().flat_map(|condition| match condition {
        Condition::HttpHeader { values, regex, .. } => values.iter().chain(regex).map(String::as_str).collect(),
        Condition::HostHeader { .. }
        | Condition::PathPattern { .. }
        | Condition::HttpRequestMethod { .. }
        | Condition::QueryString { .. }
        | Condition::SourceIp { .. } => vec![],
    })
}

/// Whether the conditions match every request.
#[must_use]
pub fn match_all(conditions: &[Condition]) -> bool {
    conditions.iter().all(Condition::is_catch_all)
}

fn sorted(conditions: &[Condition]) -> Vec<Condition> {
    let mut all: Vec<Condition> = conditions.iter().cloned().map(Condition::sorted).collect();
    all.sort();
    all
}

impl Condition {
    /// Whether it matches every request.
    fn is_catch_all(&self) -> bool {
        matches!(self, Self::PathPattern { values, .. } if values.iter().any(|value| value == "*" || value == "/*"))
    }

    fn value_count(&self) -> usize {
        match self {
            Self::HostHeader { values, regex }
            | Self::PathPattern { values, regex }
            | Self::HttpHeader { values, regex, .. } => values.len() + regex.len(),
            Self::HttpRequestMethod { values } | Self::SourceIp { values } => values.len(),
            Self::QueryString { values } => values.len(),
        }
    }

    fn sorted(mut self) -> Self {
        match &mut self {
            Self::HttpHeader { name, values, regex } => {
                name.make_ascii_lowercase();
                values.sort();
                regex.sort();
            }
            Self::HostHeader { values, regex } | Self::PathPattern { values, regex } => {
                values.sort();
                regex.sort();
            }
            Self::HttpRequestMethod { values } | Self::SourceIp { values } => values.sort(),
            Self::QueryString { values } => values.sort(),
        }
        self
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn header(name: &str, values: &[&str]) -> Condition {
        Condition::HttpHeader { name: name.to_owned(), values: texts(values), regex: vec![] }
    }

    pub(crate) fn paths(values: &[&str]) -> Condition {
        Condition::PathPattern { values: texts(values), regex: vec![] }
    }

    fn hosts(values: &[&str], regex: &[&str]) -> Condition {
        Condition::HostHeader { values: texts(values), regex: texts(regex) }
    }

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(ToString::to_string).collect()
    }

    /// One condition of every kind, with every part that it can have.
    pub(crate) fn every_kind() -> Vec<Condition> {
        let pair = |key: Option<&str>| QueryPair { key: key.map(str::to_owned), value: "v*".to_owned() };
        vec![
            hosts(&["a.example.com"], &["^b"]),
            Condition::PathPattern { values: texts(&["/p"]), regex: texts(&["^/q"]) },
            Condition::HttpHeader { name: "X-Lock".to_owned(), values: texts(&["a"]), regex: texts(&["^b"]) },
            Condition::HttpRequestMethod { values: texts(&["GET", "HEAD"]) },
            Condition::QueryString { values: vec![pair(Some("k")), pair(None)] },
            Condition::SourceIp { values: texts(&["10.0.0.0/8"]) },
        ]
    }

    fn bypass() -> Bypass {
        Bypass::new("X-Bypass", &["tester-secret-4711"])
    }

    #[test]
    fn a_catch_all_path_is_left_out_where_it_is_alone_or_its_place_is_needed() {
        let lock = header("X-Lock", &["a"]);
        let three = header("X-Lock", &["a", "b", "c"]);
        let four = header("X-Lock", &["a", "b", "c", "d"]);
        let five = header("X-Lock", &["a", "b", "c", "d", "e"]);
        let regex = Condition::PathPattern { values: vec![], regex: texts(&["*"]) };
        for (owner, rest_is) in [
            (vec![paths(&["*"])], vec![]),
            (vec![paths(&["/*"])], vec![]),
            (vec![paths(&["/a", "/*"])], vec![]),
            (vec![paths(&["/a"])], vec![paths(&["/a"])]),
            (vec![paths(&["/a*"])], vec![paths(&["/a*"])]),
            (vec![regex.clone()], vec![regex]),
            (vec![paths(&["*"]), lock.clone()], vec![paths(&["*"]), lock]),
            (vec![paths(&["*"]), three.clone()], vec![paths(&["*"]), three]),
            (vec![paths(&["*"]), four.clone()], vec![four.clone()]),
            (vec![four.clone()], vec![four]),
            (vec![five.clone()], vec![]),
            (vec![paths(&["*"]), five], vec![]),
        ] {
            assert_eq!(rest(&owner, &bypass()), rest_is, "{owner:?}");
            let has_room = !rest_is.is_empty() || owner.iter().all(Condition::is_catch_all);
            assert_eq!(fits(&owner, &bypass()), has_room, "{owner:?}");
        }
    }

    #[test]
    fn every_value_of_every_kind_takes_a_place_and_so_does_each_secret() {
        for (condition, values) in every_kind().into_iter().zip([2, 2, 2, 2, 2, 1]) {
            let with = |count: usize| [condition.clone(), header("X-Fill", &["v"; 5][..count])];
            assert!(fits(&with(4 - values), &bypass()), "{condition:?}");
            assert!(!fits(&with(5 - values), &bypass()), "{condition:?}");
        }
        let two = Bypass::new("X-B", &["one-one-one-one-1", "two-two-two-two-2"]);
        assert!(fits(&[paths(&["/a", "/b", "/c"])], &two));
        assert!(!fits(&[paths(&["/a", "/b", "/c", "/d"])], &two));
    }

    #[test]
    fn the_bypass_header_demands_any_of_the_secrets_and_nothing_else() {
        let two = Bypass::new("X-B", &["one", "two"]);
        assert_eq!(bypass_header(&two), header("X-B", &["one", "two"]));
    }

    #[test]
    fn a_header_is_ours_by_name_and_value_in_any_case() {
        let two = Bypass::new("X-Bypass", &["old-secret", "new-secret"]);
        for (condition, ours) in [
            (header("X-Bypass", &["old-secret"]), true),
            (header("x-bYPASS", &["NEW-secret"]), true),
            (header("X-Bypass", &["old-secret", "new-secret"]), true),
            (header("X-Bypass", &["theirs", "new-secret"]), true),
            (header("X-Bypass", &["theirs"]), false),
            (header("X-Bypass", &[]), false),
            (header("X-Other", &["old-secret"]), false),
            (paths(&["old-secret"]), false),
        ] {
            assert_eq!(is_bypass(&condition, &two), ours, "{condition:?}");
        }
        assert!(names_header(&header("x-bYPASS", &["theirs"]), "X-Bypass"));
        assert!(!names_header(&header("X-Other", &["theirs"]), "X-Bypass"));
        assert!(!names_header(&paths(&["X-Bypass"]), "X-Bypass"));
    }

    #[test]
    fn a_header_is_known_again_by_a_mark_that_does_not_tell_its_value() {
        let marked = |name: &str, values: &[&str]| mark(&header(name, values)).expect("a mark");
        let known = marked("X-Bypass", &["old-secret", "new-secret"]);
        assert_eq!(known.len(), 10);
        assert_eq!(known, marked("x-bYPASS", &["NEW-secret", "old-secret"]), "whatever order and letters");
        for (name, values) in [
            ("X-Other", ["old-secret", "new-secret"].as_slice()),
            ("X-Bypass", &["old-secret"]),
            ("X-Bypass", &["old-secret", "other-secret"]),
        ] {
            assert_ne!(known, marked(name, values), "{name} {values:?}");
        }
        let regex = Condition::HttpHeader { name: "X-Bypass".to_owned(), values: vec![], regex: texts(&["^a"]) };
        assert_eq!((mark(&regex), mark(&paths(&["/a"]))), (None, None), "we write no such condition");
    }

    #[test]
    fn order_and_a_headers_case_do_not_matter_but_values_do() {
        let mut turned = every_kind();
        turned.reverse();
        for condition in &mut turned {
            match condition {
                Condition::HttpHeader { name, values, .. } => {
                    name.make_ascii_uppercase();
                    values.reverse();
                }
                Condition::HostHeader { values, .. }
                | Condition::PathPattern { values, .. }
                | Condition::HttpRequestMethod { values }
                | Condition::SourceIp { values } => values.reverse(),
                Condition::QueryString { values } => values.reverse(),
            }
        }
        assert!(same(&every_kind(), &turned));
        let several = |values: &[&str], turned: &[&str]| {
            let of = |values: &[&str]| {
                let (values, none) = (texts(values), vec![]);
                [
                    Condition::HostHeader { values: values.clone(), regex: values.clone() },
                    Condition::PathPattern { values: values.clone(), regex: values.clone() },
                    Condition::HttpHeader { name: "n".to_owned(), values: none, regex: values.clone() },
                    Condition::SourceIp { values },
                ]
            };
            of(values)
                .iter()
                .zip(&of(turned))
                .all(|(one, two)| same(std::slice::from_ref(one), std::slice::from_ref(two)))
        };
        assert!(several(&["a", "b"], &["b", "a"]));
        for (one, other) in [
            (paths(&["/a"]), paths(&["/A"])),
            (paths(&["/a"]), paths(&["/a", "/a"])),
            (header("n", &["a"]), header("n", &["A"])),
            (header("n", &["a"]), header("m", &["a"])),
            (hosts(&["a"], &[]), hosts(&[], &["a"])),
        ] {
            assert!(!same(&[one], std::slice::from_ref(&other)), "{other:?}");
        }
        assert!(!same(&[paths(&["/a"])], &[paths(&["/a"]), paths(&["/a"])]));
    }

    #[test]
    fn only_exact_hosts_tell_that_no_request_matches_both() {
        let shop = [paths(&["/shop"]), hosts(&["shop.example.com", "example.com"], &[])];
        for (other, meet) in [
            (hosts(&["blog.example.com"], &[]), false),
            (hosts(&["blog.example.com", "SHOP.example.com"], &[]), true),
            (hosts(&["*.example.org"], &[]), true),
            (hosts(&["blog.example.com", "?.example.org"], &[]), true),
            (hosts(&["blog.example.com"], &["^blog"]), true),
            (paths(&["/blog"]), true),
        ] {
            assert_eq!(may_meet(&shop, std::slice::from_ref(&other)), meet, "{other:?}");
            assert_eq!(may_meet(std::slice::from_ref(&other), &shop), meet, "{other:?}");
        }
    }

    #[test]
    fn every_value_of_a_header_may_be_a_secret_and_nothing_else_is() {
        assert_eq!(header_values(&every_kind()).collect::<Vec<_>>(), ["a", "^b"]);
    }

    #[test]
    fn what_is_put_where_nothing_is_left_matches_every_request() {
        assert!(match_all(&catch_all()));
        assert!(match_all(&[paths(&["/*"]), paths(&["*"])]));
        assert!(!match_all(&[paths(&["*"]), paths(&["/a"])]));
        assert!(!match_all(&every_kind()));
    }
}
