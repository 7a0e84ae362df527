//! A rule's conditions in words. Paths, hosts and names of headers are shown; values of headers never are.

use crate::model::conditions::Condition;

/// The conditions in one line.
#[must_use]
pub(super) fn told(conditions: &[Condition]) -> String {
    let told: Vec<String> = conditions.iter().map(one).collect();
    told.join("; ")
}

fn one(condition: &Condition) -> String {
    match condition {
        Condition::HostHeader { values, regex } => format!("host is {}", any(values, regex)),
        Condition::PathPattern { values, regex } => format!("path is {}", any(values, regex)),
        // A value may be a secret, such as the one by which the origin knows its CDN.
        Condition::HttpHeader { name, .. } => format!("header {name} has one of its values (not shown)"),
        Condition::HttpRequestMethod { values } => format!("method is {}", any(values, &[])),
        Condition::QueryString { values } => {
            let pair = |key: Option<&String>, value: &str| key.map_or(value.to_owned(), |key| format!("{key}={value}"));
            let pairs: Vec<String> = values.iter().map(|found| pair(found.key.as_ref(), &found.value)).collect();
            format!("query has {}", any(&pairs, &[]))
        }
        Condition::SourceIp { values } => format!("source IP is {}", any(values, &[])),
    }
}

fn any(values: &[String], regex: &[String]) -> String {
    let regex = regex.iter().map(|regex| format!("like the regex {regex}"));
    let all: Vec<String> = values.iter().cloned().chain(regex).collect();
    all.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::conditions::tests::every_kind;

    #[test]
    fn every_kind_of_condition_is_told_and_no_headers_value() {
        assert_eq!(
            told(&every_kind()),
            "host is a.example.com or like the regex ^b; path is /p or like the regex ^/q; header X-Lock has one of \
             its values (not shown); method is GET or HEAD; query has k=v* or v*; source IP is 10.0.0.0/8"
        );
    }
}
