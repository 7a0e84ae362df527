//! What a listener rule demands of a request, and the two forms a managed rule can have.
//!
//! Pure: no AWS client, no clock.
//! Elastic Load Balancing repeats `Values` beside the typed config in what it returns and refuses both together in what
//! it is sent, so everything here works on one normalised [`Condition`]; `rule` converts at the border.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::config::Bypass;

/// Most condition values one ALB rule may hold ("Condition Values per Rule", a fixed quota of Elastic Load Balancing).
pub const VALUES_MAX: usize = 5;

/// Most wildcards (`*`, `?`) one ALB rule may hold.
/// AWS's pages say five in one place and six in another; the smaller one is safe.
pub const WILDCARDS_MAX: usize = 5;

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

/// The names of the headers that have served as bypass: today's and those that records still remember.
///
/// A setting may change while a rule is header-only; the condition it was narrowed with is still ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BypassNames(BTreeSet<String>);

impl BypassNames {
    /// Collects names; letter case does not matter, as it does not to the load balancer.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(str::to_ascii_lowercase).collect())
    }

    fn holds(&self, condition: &Condition) -> bool {
        matches!(condition, Condition::HttpHeader { name, .. } if self.0.contains(&name.to_ascii_lowercase()))
    }
}

/// Conditions that match every request: what is put where removing the bypass would leave none at all, since a rule
/// without conditions cannot exist.
fn catch_all() -> Vec<Condition> {
    vec![Condition::PathPattern { values: vec!["*".to_owned()], regex: vec![] }]
}

/// The header-only form of the conditions its owner wrote: they AND the bypass header.
///
/// A lone catch-all path adds nothing and is left out.
/// Conditions that leave no room for the header under the quotas give way to the header alone; they are safe in the
/// window's record (see [`fits`]).
#[must_use]
pub fn narrowed(owner: &[Condition], bypass: &Bypass) -> Vec<Condition> {
    let header = Condition::HttpHeader { name: bypass.name.clone(), values: bypass.values_in_clear(), regex: vec![] };
    if is_catch_all(owner) || !fits(owner, bypass) {
        return vec![header];
    }
    owner.iter().cloned().chain([header]).collect()
}

/// Whether the owner's conditions leave room for the bypass header under the load balancer's quotas.
#[must_use]
pub fn fits(owner: &[Condition], bypass: &Bypass) -> bool {
    let values: usize = owner.iter().map(Condition::value_count).sum();
    is_catch_all(owner) || values + bypass.value_count() <= VALUES_MAX
}

/// What the owner wrote, as far as it can be read from conditions that may hold the bypass header.
#[must_use]
pub fn without_bypass(conditions: &[Condition], names: &BypassNames) -> Vec<Condition> {
    conditions.iter().filter(|condition| !names.holds(condition)).cloned().collect()
}

/// What a rule is to demand that loses its bypass header and has no record: the rest, or everything if nothing is left.
#[must_use]
pub fn reopened(conditions: &[Condition], names: &BypassNames) -> Vec<Condition> {
    let bare = without_bypass(conditions, names);
    if bare.is_empty() { catch_all() } else { bare }
}

/// Whether the conditions demand a bypass header.
#[must_use]
pub fn demands_bypass(conditions: &[Condition], names: &BypassNames) -> bool {
    conditions.iter().any(|condition| names.holds(condition))
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

/// How many wildcards the conditions hold.
#[must_use]
pub fn wildcard_count(conditions: &[Condition]) -> usize {
    let texts = conditions.iter().flat_map(|condition| match condition {
        Condition::HostHeader { values, .. }
        | Condition::PathPattern { values, .. }
        | Condition::HttpHeader { values, .. } => values.clone(),
        Condition::QueryString { values } => {
            values.iter().flat_map(|pair| pair.key.iter().chain([&pair.value])).cloned().collect()
        }
        Condition::HttpRequestMethod { .. } | Condition::SourceIp { .. } => vec![],
    });
    texts.map(|text| text.matches(['*', '?']).count()).sum()
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
pub fn is_catch_all(conditions: &[Condition]) -> bool {
    matches!(conditions, [Condition::PathPattern { values, regex }]
        if regex.is_empty() && matches!(values.as_slice(), [only] if only == "*" || only == "/*"))
}

fn sorted(conditions: &[Condition]) -> Vec<Condition> {
    let mut all: Vec<Condition> = conditions.iter().cloned().map(Condition::sorted).collect();
    all.sort();
    all
}

impl Condition {
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
mod tests {
    use super::*;

    fn bypass() -> Bypass {
        Bypass::new("X-Maintenance-Bypass", &["only-for-testers-4711"])
    }

    fn header() -> Condition {
        http_header("X-Maintenance-Bypass", "only-for-testers-4711")
    }

    fn http_header(name: &str, value: &str) -> Condition {
        Condition::HttpHeader { name: name.to_owned(), values: vec![value.to_owned()], regex: vec![] }
    }

    fn paths(values: &[&str]) -> Condition {
        Condition::PathPattern { values: values.iter().map(ToString::to_string).collect(), regex: vec![] }
    }

    #[test]
    fn a_lone_catch_all_becomes_the_header_alone() {
        for star in ["*", "/*"] {
            assert_eq!(narrowed(&[paths(&[star])], &bypass()), [header()], "{star}");
        }
        assert_eq!(narrowed(&[paths(&["*", "/a"])], &bypass()), [paths(&["*", "/a"]), header()]);
    }

    #[test]
    fn an_origin_lock_stays_beside_the_header() {
        let lock = http_header("X-Origin-Lock", "from-the-edge");
        assert_eq!(narrowed(&[paths(&["*"]), lock.clone()], &bypass()), [paths(&["*"]), lock, header()]);
    }

    #[test]
    fn five_values_leave_no_room_and_four_do() {
        let four = [paths(&["/a", "/b", "/c", "/d"])];
        let five = [paths(&["/a", "/b", "/c", "/d", "/e"])];
        assert!(fits(&four, &bypass()));
        assert_eq!(narrowed(&four, &bypass()).len(), 2);
        assert!(!fits(&five, &bypass()));
        assert_eq!(narrowed(&five, &bypass()), [header()]);
    }

    #[test]
    fn two_bypass_values_take_two_places() {
        let two = Bypass::new("X-B", &["one-one-one-one-1", "two-two-two-two-2"]);
        assert!(!fits(&[paths(&["/a", "/b", "/c", "/d"])], &two));
        assert!(fits(&[paths(&["/a", "/b", "/c"])], &two));
    }

    #[test]
    fn regex_values_count_and_every_field_counts() {
        let full = [
            Condition::HostHeader { values: vec!["a.b".into()], regex: vec!["^a".into()] },
            Condition::HttpRequestMethod { values: vec!["GET".into()] },
            Condition::SourceIp { values: vec!["10.0.0.0/8".into()] },
            Condition::QueryString { values: vec![QueryPair { key: None, value: "v".into() }] },
        ];
        assert!(!fits(&full, &bypass()));
        assert!(fits(&full[1..], &bypass()));
    }

    #[test]
    fn removing_the_bypass_ignores_case_and_keeps_the_rest() {
        let names = BypassNames::new(["x-maintenance-bypass"]);
        let rule = [paths(&["/shop"]), header()];
        assert!(demands_bypass(&rule, &names));
        assert_eq!(without_bypass(&rule, &names), [paths(&["/shop"])]);
        assert!(!demands_bypass(&[http_header("X-Other", "v")], &names));
    }

    #[test]
    fn a_rule_that_would_be_left_with_nothing_matches_everything() {
        let names = BypassNames::new(["x-maintenance-bypass"]);
        assert_eq!(reopened(&[header()], &names), [paths(&["*"])]);
        assert_eq!(reopened(&[paths(&["/shop"]), header()], &names), [paths(&["/shop"])]);
    }

    #[test]
    fn order_and_header_case_do_not_matter_but_values_do() {
        assert!(same(
            &[paths(&["/b", "/a"]), header()],
            &[http_header("x-maintenance-bypass", "only-for-testers-4711"), paths(&["/a", "/b"])]
        ));
        assert!(!same(&[paths(&["/a"])], &[paths(&["/A"])]));
        assert!(!same(&[paths(&["/a"])], &[paths(&["/a"]), paths(&["/a"])]));
    }

    #[test]
    fn only_exact_hosts_tell_that_no_request_matches_both() {
        let host = |values: &[&str], regex: &[&str]| Condition::HostHeader {
            values: values.iter().map(ToString::to_string).collect(),
            regex: regex.iter().map(ToString::to_string).collect(),
        };
        let shop = [paths(&["/shop"]), host(&["shop.example.com", "example.com"], &[])];
        for (other, meet) in [
            (host(&["blog.example.com"], &[]), false),
            (host(&["blog.example.com", "SHOP.example.com"], &[]), true),
            (host(&["*.example.org"], &[]), true),
            (host(&["blog.example.com", "?.example.org"], &[]), true),
            (host(&["blog.example.com"], &["^blog"]), true),
            (paths(&["/blog"]), true),
        ] {
            assert_eq!(may_meet(&shop, std::slice::from_ref(&other)), meet, "{other:?}");
            assert_eq!(may_meet(std::slice::from_ref(&other), &shop), meet, "{other:?}");
        }
    }

    #[test]
    fn every_value_of_a_header_may_be_a_secret() {
        let lock = Condition::HttpHeader { name: "X-Lock".into(), values: vec!["a".into()], regex: vec!["^b".into()] };
        let all = [paths(&["/p"]), lock, header()];
        assert_eq!(header_values(&all).collect::<Vec<_>>(), ["a", "^b", "only-for-testers-4711"]);
    }

    #[test]
    fn wildcards_are_counted_in_every_field_that_has_them() {
        let rule = [
            paths(&["/a*", "/?"]),
            Condition::QueryString { values: vec![QueryPair { key: Some("k*".into()), value: "*v*".into() }] },
            Condition::HttpRequestMethod { values: vec!["GET".into()] },
        ];
        assert_eq!(wildcard_count(&rule), 5);
    }

    #[test]
    fn a_saved_condition_survives_its_way_through_a_record() {
        let all = vec![
            paths(&["/a"]),
            header(),
            Condition::QueryString { values: vec![QueryPair { key: Some("k".into()), value: "v".into() }] },
        ];
        let json = serde_json::to_string(&all).expect("serialises");
        assert_eq!(serde_json::from_str::<Vec<Condition>>(&json).expect("parses"), all);
    }
}
