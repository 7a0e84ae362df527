//! The settings: looked up once, all problems reported together.
//!
//! The environment reaches this room as a lookup, so nothing here reads the process's own.

use std::fmt;

use jiff::SignedDuration;

use crate::{arn::RuleArn, error::Error, when};

/// Every environment variable the function reads; an empty value counts as not set.
pub const VARIABLES: [&str; 12] = [
    "RULE_ARNS",
    "BYPASS_HEADER_NAME",
    "BYPASS_HEADER_VALUE",
    "SNS_TOPIC_ARN",
    "SCHEDULE_GROUP",
    "SCHEDULER_ROLE_ARN",
    "DEAD_LETTER_QUEUE_ARN",
    "PROBE_URL",
    "ERROR_BUCKET",
    "REMIND_BEFORE",
    "WARN_BEFORE_END",
    "MAX_DURATION",
];

/// What the function is told by its environment.
#[derive(Clone, Debug)]
pub struct Config {
    /// The rules a window covers unless its event names others; no other rule is ever touched.
    pub rules: Vec<RuleArn>,
    /// The header that testers send.
    pub bypass: Bypass,
    /// Where reports go.
    pub topic: String,
    /// The schedule group that holds windows and nothing else.
    pub group: String,
    /// The role that EventBridge Scheduler assumes to invoke the function.
    pub scheduler_role: String,
    /// The SQS queue for wake-ups that could not be delivered.
    pub dead_letter_queue: Option<String>,
    /// The public URL asked as a visitor and as a tester to see a change take effect.
    pub probe_url: Option<String>,
    /// The bucket whose pages visitors see, to be told when maintenance ends.
    pub error_bucket: Option<String>,
    /// How long before a start reminders are sent, longest first.
    pub remind_before: Vec<SignedDuration>,
    /// How long before an end a warning is sent.
    pub warn_before_end: Option<SignedDuration>,
    /// The longest window accepted.
    pub max_duration: SignedDuration,
}

/// The bypass header: its name, and the secret values of which any one lets a tester through.
///
/// A second value keeps an old secret working while testers move to a new one.
#[derive(Clone, PartialEq, Eq)]
pub struct Bypass {
    /// The header's name.
    pub name: String,
    values: Vec<String>,
}

impl Bypass {
    /// Takes a name and values that have been checked.
    #[must_use]
    pub fn new(name: &str, values: &[&str]) -> Self {
        Self { name: name.to_owned(), values: values.iter().map(ToString::to_string).collect() }
    }

    /// How many values the header's condition takes.
    #[must_use]
    pub fn value_count(&self) -> usize {
        self.values.len()
    }

    /// The secrets themselves: for a rule's condition, a tester's request and the scrubbing of AWS's messages only.
    #[must_use]
    pub fn values_in_clear(&self) -> Vec<String> {
        self.values.clone()
    }
}

impl fmt::Debug for Bypass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bypass({}: {} secret values)", self.name, self.values.len())
    }
}

impl Config {
    /// Reads all settings, or names every problem with them; no problem quotes a secret.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] with one sentence a problem.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let mut reader = Reader { lookup, problems: vec![] };
        let rules = reader.required("RULE_ARNS", parse_rules);
        let name = reader.required("BYPASS_HEADER_NAME", parse_header_name);
        let values = reader.required("BYPASS_HEADER_VALUE", parse_header_values);
        let topic = reader.required("SNS_TOPIC_ARN", |text| parse_arn(text, "sns", "an SNS topic"));
        let group = reader.required("SCHEDULE_GROUP", parse_group);
        let scheduler_role = reader.required("SCHEDULER_ROLE_ARN", |text| parse_arn(text, "iam", "an IAM role"));
        let dead_letter_queue = reader.optional("DEAD_LETTER_QUEUE_ARN", |text| parse_arn(text, "sqs", "an SQS queue"));
        let probe_url = reader.optional("PROBE_URL", parse_url);
        let error_bucket = reader.optional("ERROR_BUCKET", parse_bucket);
        let remind_before = reader.optional("REMIND_BEFORE", parse_durations);
        let warn_before_end = reader.optional("WARN_BEFORE_END", parse_duration);
        let max_duration = reader.optional("MAX_DURATION", parse_duration);
        if let (Some(rules), Some(topic)) = (&rules, &topic) {
            reader.same_region(rules, topic);
        }
        match (rules, name, values, topic, group, scheduler_role) {
            (Some(rules), Some(name), Some(values), Some(topic), Some(group), Some(scheduler_role))
                if reader.problems.is_empty() =>
            {
                Ok(Self {
                    rules,
                    bypass: Bypass { name, values },
                    topic,
                    group,
                    scheduler_role,
                    dead_letter_queue,
                    probe_url,
                    error_bucket,
                    remind_before: remind_before.unwrap_or_default(),
                    warn_before_end,
                    max_duration: max_duration.unwrap_or(SignedDuration::from_hours(24)),
                })
            }
            _ => Err(Error::InvalidConfig(reader.problems)),
        }
    }
}

struct Reader<L> {
    lookup: L,
    problems: Vec<String>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    fn required<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let found = self.optional(key, parse);
        if self.text(key).is_none() {
            self.problems.push(format!("{key} is required but not set"));
        }
        found
    }

    fn optional<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match parse(self.text(key)?.trim()) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problems.push(format!("{key}: {problem}"));
                None
            }
        }
    }

    fn text(&self, key: &str) -> Option<String> {
        (self.lookup)(key).filter(|text| !text.trim().is_empty())
    }

    /// One Region's clients serve all calls, so a rule elsewhere could never be reached.
    fn same_region(&mut self, rules: &[RuleArn], topic: &str) {
        let region = topic.split(':').nth(3).unwrap_or_default();
        for rule in rules.iter().filter(|rule| rule.region() != region) {
            self.problems.push(format!(
                "RULE_ARNS: {rule} is in {}, but SNS_TOPIC_ARN is in {region}; expected one Region for all",
                rule.region()
            ));
        }
    }
}

fn parse_rules(text: &str) -> Result<Vec<RuleArn>, String> {
    let mut rules: Vec<RuleArn> = vec![];
    let mut problems = vec![];
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.parse() {
            Ok(rule) if rules.contains(&rule) => problems.push(format!("{part} is listed twice")),
            Ok(rule) => rules.push(rule),
            Err(problem) => problems.push(problem),
        }
    }
    match (rules.is_empty(), problems.is_empty()) {
        (true, true) => Err("expected listener rule ARNs separated by commas, but found none".to_owned()),
        (false, true) => Ok(rules),
        (_, false) => Err(problems.join("; ")),
    }
}

fn parse_header_name(text: &str) -> Result<String, String> {
    let fine = (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match (fine, text.eq_ignore_ascii_case("host")) {
        (true, false) => Ok(text.to_owned()),
        (_, true) => Err("expected a header name of your own, but found Host, which a rule cannot match".to_owned()),
        (false, _) => Err(format!("expected 1 to 40 of A-Z a-z 0-9 -, but found {text:?}")),
    }
}

fn parse_header_values(text: &str) -> Result<Vec<String>, String> {
    let values: Vec<String> = text.split(',').map(|value| value.trim().to_owned()).collect();
    let fine = |value: &String| {
        (16..=128).contains(&value.len())
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // The text is a secret: a problem may count and describe it, never quote it.
    if values.len() > 2 {
        return Err(format!("expected one secret, or two separated by a comma, but found {}", values.len()));
    }
    match values.iter().position(|value| !fine(value)) {
        None => Ok(values),
        Some(nth) => Err(format!(
            "expected 16 to 128 of A-Z a-z 0-9 _ - (the load balancer reads * and ? as wildcards), but found {} \
             characters{} in secret {}; make one with `openssl rand -hex 24`",
            values[nth].len(),
            if (16..=128).contains(&values[nth].len()) { ", some of them others," } else { "" },
            nth + 1
        )),
    }
}

fn parse_arn(text: &str, service: &str, what: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", partition, found, _, _, resource]
            if partition.starts_with("aws") && *found == service && !resource.is_empty() =>
        {
            Ok(text.to_owned())
        }
        _ => Err(format!("expected the ARN of {what} (arn:aws:{service}:…), but found {text:?}")),
    }
}

fn parse_group(text: &str) -> Result<String, String> {
    let fine = text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    match (fine, text == "default") {
        (true, false) => Ok(text.to_owned()),
        (_, true) => Err("expected a schedule group of its own, but found default, which others use too".to_owned()),
        (false, _) => Err(format!("expected 1 to 64 of A-Z a-z 0-9 . _ -, but found {text:?}")),
    }
}

fn parse_url(text: &str) -> Result<String, String> {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(text.to_owned()),
        _ => Err(format!("expected a URL such as https://www.example.com/, but found {text:?}")),
    }
}

fn parse_bucket(text: &str) -> Result<String, String> {
    let fine = (3..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte));
    if fine {
        Ok(text.to_owned())
    } else {
        Err(format!("expected an S3 bucket's name, 3 to 63 of a-z 0-9 . -, but found {text:?}"))
    }
}

fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    when::duration(text)
}

fn parse_durations(text: &str) -> Result<Vec<SignedDuration>, String> {
    let mut all = text.split(',').map(|part| when::duration(part.trim())).collect::<Result<Vec<_>, _>>()?;
    all.sort();
    all.dedup();
    all.reverse();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const SECRET: &str = "s3cret-value-for-testers";

    fn good() -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("RULE_ARNS", "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/web/1/2/3".into()),
            ("BYPASS_HEADER_NAME", "x-maintenance-bypass".into()),
            ("BYPASS_HEADER_VALUE", SECRET.into()),
            ("SNS_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:maintenance".into()),
            ("SCHEDULE_GROUP", "maintenance".into()),
            ("SCHEDULER_ROLE_ARN", "arn:aws:iam::123456789012:role/maintenance-scheduler".into()),
        ])
    }

    fn read(settings: &BTreeMap<&'static str, String>) -> Result<Config, Vec<String>> {
        Config::from_lookup(|key| settings.get(key).cloned()).map_err(|error| match error {
            Error::InvalidConfig(problems) => problems,
            other => vec![format!("not a configuration problem: {other:?}")],
        })
    }

    fn with(key: &'static str, value: &str) -> Result<Config, Vec<String>> {
        let mut settings = good();
        settings.insert(key, value.to_owned());
        read(&settings)
    }

    #[test]
    fn the_required_settings_suffice_and_the_others_have_defaults() {
        let config = read(&good()).expect("valid");
        assert_eq!(config.max_duration, SignedDuration::from_hours(24));
        assert!(config.remind_before.is_empty() && config.probe_url.is_none());
    }

    #[test]
    fn an_empty_value_counts_as_not_set() {
        assert!(with("PROBE_URL", " ").expect("valid").probe_url.is_none());
        assert_eq!(with("SCHEDULE_GROUP", "").expect_err("refused"), ["SCHEDULE_GROUP is required but not set"]);
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let problems = Config::from_lookup(|key| (key == "MAX_DURATION").then(|| "forever".to_owned()));
        let Err(Error::InvalidConfig(problems)) = problems else { panic!("expected a refusal") };
        assert_eq!(problems.len(), 7, "{problems:?}");
    }

    #[test]
    fn reminders_are_sorted_longest_first_and_once_each() {
        let hours: Vec<i64> = with("REMIND_BEFORE", "PT1H, PT24H,PT1H")
            .expect("valid")
            .remind_before
            .iter()
            .map(SignedDuration::as_hours)
            .collect();
        assert_eq!(hours, [24, 1]);
    }

    #[test]
    fn two_secrets_may_be_given_and_three_not() {
        assert_eq!(
            with("BYPASS_HEADER_VALUE", "old-secret-0123456, new-secret-0123456").expect("valid").bypass.value_count(),
            2
        );
        assert!(with("BYPASS_HEADER_VALUE", "a,b,c").is_err());
    }

    #[test]
    fn a_bad_secret_is_refused_without_being_quoted() {
        for bad in ["short", "has-a-wildcard-*-inside", "has a blank in its middle", &"x".repeat(129)] {
            let problems = with("BYPASS_HEADER_VALUE", bad).expect_err(bad).join(" ");
            assert!(!problems.contains(bad), "{problems}");
        }
        let shown = format!("{:?}", read(&good()).expect("valid"));
        assert!(!shown.contains(SECRET), "{shown}");
    }

    #[test]
    fn unusable_settings_are_refused() {
        for (key, bad) in [
            ("BYPASS_HEADER_NAME", "Host"),
            ("BYPASS_HEADER_NAME", "under_score"),
            ("BYPASS_HEADER_NAME", &"n".repeat(41)),
            ("SCHEDULE_GROUP", "default"),
            ("SCHEDULE_GROUP", "a b"),
            ("SNS_TOPIC_ARN", "arn:aws:sqs:eu-west-1:123456789012:q"),
            ("SNS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:elsewhere"),
            ("SCHEDULER_ROLE_ARN", "role"),
            ("PROBE_URL", "www.example.com"),
            ("PROBE_URL", "ftp://www.example.com/"),
            ("PROBE_URL", "http://[::1"),
            ("ERROR_BUCKET", "s3://bucket"),
            ("ERROR_BUCKET", "Bucket"),
            ("WARN_BEFORE_END", "-PT1H"),
            ("REMIND_BEFORE", "PT1H,,PT2H"),
            ("RULE_ARNS", ","),
            ("RULE_ARNS", "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/net/web/1/2/3"),
        ] {
            assert!(with(key, bad).is_err(), "{key}={bad}");
        }
    }
}
