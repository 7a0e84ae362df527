//! The settings: looked up once, each by itself. An unusable one disables what it is for, and nothing else.
//!
//! The environment reaches this file as a lookup, so nothing here reads the process's own.

mod parse;

use std::fmt;

use jiff::SignedDuration;

use crate::{
    error::Error,
    model::{alarm, bypass::Bypass, id::digest, rule_arn::RuleArn, time},
};

/// Every environment variable the function reads; an empty value counts as not set.
pub const VARIABLES: [&str; 16] = [
    "RULE_ARNS",
    "BYPASS_HEADER_NAME",
    "BYPASS_HEADER_VALUE",
    "TABLE_NAME",
    "HISTORY_DAYS",
    "SNS_TOPIC_ARN",
    "SCHEDULE_GROUP",
    "SCHEDULER_ROLE_ARN",
    "DEAD_LETTER_QUEUE_ARN",
    "PROBE_URL",
    "ERROR_BUCKET",
    "ANNOUNCE_BEFORE",
    "REMIND_BEFORE",
    "WARN_BEFORE_END",
    "MAX_DURATION",
    "MUTE_ALARMS",
];

/// For how long history is kept where the setting does not say, or cannot be used.
const HISTORY_DAYS: i64 = 400;

/// The longest window where the setting does not say, or cannot be used.
const MAX_DURATION: SignedDuration = SignedDuration::from_hours(24);

/// What the function is told by its environment.
#[derive(Clone, Debug)]
pub struct Config {
    /// The table that holds windows, series, saved conditions and history. The only setting that nothing works without.
    pub table: String,
    /// For how many days a window that is over is kept.
    pub history_days: i64,
    /// The rules a window covers unless its event names others; no other rule is ever touched.
    pub rules: Vec<RuleArn>,
    /// The header that testers send. Without it nothing can be narrowed.
    pub bypass: Option<Bypass>,
    /// Where reports go.
    pub topic: Option<String>,
    /// The schedule group that wake-ups are made in.
    pub group: Option<String>,
    /// The role that EventBridge Scheduler assumes to invoke the function.
    pub scheduler_role: Option<String>,
    /// The SQS queue for wake-ups that could not be delivered.
    pub dead_letter_queue: Option<String>,
    /// The public URL asked as a visitor and as a tester to see a change take effect.
    pub probe_url: Option<String>,
    /// The bucket whose pages visitors see, to be told when maintenance ends.
    pub error_bucket: Option<String>,
    /// How long before a start visitors and calendars are told of it, in that bucket.
    pub announce_before: Option<SignedDuration>,
    /// How long before a start reminders are sent, longest first.
    pub remind_before: Vec<SignedDuration>,
    /// How long before an end a warning is sent.
    pub warn_before_end: Option<SignedDuration>,
    /// The longest window accepted.
    pub max_duration: SignedDuration,
    /// The alarms that every window mutes, unless its event says otherwise.
    pub mute_alarms: Vec<String>,
    /// How many bytes the settings take in the environment, names included.
    pub size: usize,
    /// What is wrong with the settings, a sentence each.
    pub problems: Vec<Problem>,
    /// What must never be said: the bypass values, usable or not.
    secrets: Secrets,
}

/// Texts that nothing prints.
#[derive(Clone)]
struct Secrets(Vec<String>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The environment variable, which the log names; people read [`parameter`].
    pub setting: &'static str,
    /// What was expected and what was found; never a secret.
    pub what: String,
    /// What does not work without it.
    pub disables: &'static str,
}

impl Problem {
    /// The setting and what is wrong with it.
    #[must_use]
    pub fn what(&self) -> String {
        format!("{}: {}", parameter(self.setting), self.what)
    }

    /// The problem in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{}; {}", self.what(), self.disables)
    }

    /// What it is remembered by once it was told.
    #[must_use]
    pub fn key(&self) -> String {
        format!("setting-{}-{}", self.setting, digest([self.what.as_str()]))
    }
}

impl Config {
    /// Reads all settings; what is wrong with them is in [`Config::problems`], and no problem quotes a secret.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] without a table.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let mut reader = Reader { lookup, problems: vec![] };
        let name = reader.required("BYPASS_HEADER_NAME", parse::header_name);
        let values = reader.required("BYPASS_HEADER_VALUE", parse::header_values);
        let topic = reader.required("SNS_TOPIC_ARN", |text| parse::arn(text, "sns", "an SNS topic"));
        let (mut rules, mut topic) = (reader.rules(), topic);
        if let Some(region) = reader.text("AWS_REGION") {
            rules = reader.in_region(rules, &region);
            topic = topic.filter(|topic| reader.is_in_region(topic, &region));
        }
        let table = reader.required("TABLE_NAME", parse::table).unwrap_or_default();
        let size = VARIABLES.iter().filter_map(|name| Some(name.len() + reader.text(name)?.len())).sum();
        let config = Self {
            size,
            mute_alarms: reader.each("MUTE_ALARMS", |name| alarm::name(name, &table)),
            table,
            history_days: reader.optional("HISTORY_DAYS", parse::days).unwrap_or(HISTORY_DAYS),
            rules,
            bypass: name
                .zip(values)
                .map(|(name, values)| Bypass::new(&name, &values.iter().map(String::as_str).collect::<Vec<_>>())),
            topic,
            group: reader.required("SCHEDULE_GROUP", parse::group),
            scheduler_role: reader.required("SCHEDULER_ROLE_ARN", |text| parse::arn(text, "iam", "an IAM role")),
            dead_letter_queue: reader.optional("DEAD_LETTER_QUEUE_ARN", |text| parse::arn(text, "sqs", "an SQS queue")),
            probe_url: reader.optional("PROBE_URL", parse::url),
            error_bucket: reader.optional("ERROR_BUCKET", parse::bucket),
            announce_before: reader.optional("ANNOUNCE_BEFORE", time::duration),
            remind_before: reader.optional("REMIND_BEFORE", parse::durations).unwrap_or_default(),
            warn_before_end: reader.optional("WARN_BEFORE_END", time::duration),
            max_duration: reader.optional("MAX_DURATION", time::duration).unwrap_or(MAX_DURATION),
            secrets: Secrets(reader.secrets()),
            problems: reader.problems,
        };
        if config.table.is_empty() {
            return Err(Error::InvalidConfig(config.problems.iter().map(Problem::sentence).collect()));
        }
        Ok(config)
    }

    /// What must never be said, for cutting it out of what others say.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        self.secrets.0.clone()
    }

    /// What wake-ups are made with: the group and the role. A wake-up made with others may never be delivered.
    #[must_use]
    pub fn sender(&self) -> Option<String> {
        Some(format!("{} {}", self.group.as_ref()?, self.scheduler_role.as_ref()?))
    }

    /// Why nothing can be narrowed, if nothing can.
    #[must_use]
    pub fn narrows_nothing(&self) -> Option<String> {
        let needed = ["BYPASS_HEADER_NAME", "BYPASS_HEADER_VALUE", "SCHEDULE_GROUP", "SCHEDULER_ROLE_ARN"];
        let missing = |problem: &&Problem| {
            needed.contains(&problem.setting) || (problem.setting == "RULE_ARNS" && self.rules.is_empty())
        };
        let why: Vec<String> = self.problems.iter().filter(missing).map(Problem::sentence).collect();
        (!why.is_empty()).then(|| why.join("; "))
    }
}

struct Reader<L> {
    lookup: L,
    problems: Vec<Problem>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    fn required<T>(&mut self, setting: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        if self.text(setting).is_none() {
            self.problem(setting, "is required but not set".to_owned());
        }
        self.optional(setting, parse)
    }

    fn optional<T>(&mut self, setting: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match parse(self.text(setting)?.trim()) {
            Ok(value) => Some(value),
            Err(what) => {
                self.problem(setting, what);
                None
            }
        }
    }

    fn problem(&mut self, setting: &'static str, what: String) {
        self.problems.push(Problem { setting, what, disables: disables(setting) });
    }

    fn text(&self, setting: &str) -> Option<String> {
        (self.lookup)(setting).filter(|text| !text.trim().is_empty())
    }

    fn secrets(&self) -> Vec<String> {
        let text = self.text("BYPASS_HEADER_VALUE").unwrap_or_default();
        text.split(',').map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
    }

    /// Each part of a list that can be used, whatever is wrong with the others.
    fn each<T: PartialEq>(&mut self, setting: &'static str, read: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let text = self.text(setting).unwrap_or_default();
        let mut all = vec![];
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match read(part) {
                Ok(one) if all.contains(&one) => self.problem(setting, format!("{part} is listed twice")),
                Ok(one) => all.push(one),
                Err(what) => self.problem(setting, what),
            }
        }
        all
    }

    /// The rules that can be used.
    fn rules(&mut self) -> Vec<RuleArn> {
        let rules = self.each("RULE_ARNS", str::parse);
        if rules.is_empty() {
            let what = "expected listener rule ARNs separated by commas, but found none that can be used";
            self.problem("RULE_ARNS", what.to_owned());
        }
        rules
    }

    /// The same for the topic.
    fn is_in_region(&mut self, topic: &str, region: &str) -> bool {
        let found = topic.split(':').nth(3).unwrap_or_default();
        if found != region {
            self.problem("SNS_TOPIC_ARN", format!("{topic} is in {found:?}, but the function is in {region}"));
        }
        found == region
    }

    /// One Region's clients serve all calls, so a rule elsewhere could never be reached.
    fn in_region(&mut self, rules: Vec<RuleArn>, region: &str) -> Vec<RuleArn> {
        let (here, elsewhere): (Vec<RuleArn>, Vec<RuleArn>) =
            rules.into_iter().partition(|rule| rule.region() == region);
        for rule in elsewhere {
            self.problem("RULE_ARNS", format!("{rule} is in {}, but the function is in {region}", rule.region()));
        }
        here
    }
}

/// What people know a setting by: the stack's parameter that it comes from, or the stack's resource.
#[must_use]
pub fn parameter(variable: &str) -> &'static str {
    match variable {
        "RULE_ARNS" => "RuleArns",
        "BYPASS_HEADER_NAME" => "BypassHeaderName",
        "BYPASS_HEADER_VALUE" => "BypassHeaderValue (or BypassHeaderSecret, BypassHeaderParameter)",
        "TABLE_NAME" => "the stack's table",
        "HISTORY_DAYS" => "HistoryDays",
        "SNS_TOPIC_ARN" => "the stack's topic",
        "SCHEDULE_GROUP" => "the stack's schedule group",
        "SCHEDULER_ROLE_ARN" => "the stack's role for schedules",
        "DEAD_LETTER_QUEUE_ARN" => "the stack's dead-letter queue",
        "PROBE_URL" => "ProbeUrl",
        "ERROR_BUCKET" => "ErrorBucket",
        "ANNOUNCE_BEFORE" => "AnnounceBefore",
        "REMIND_BEFORE" => "RemindBefore",
        "WARN_BEFORE_END" => "WarnBeforeEnd",
        "MAX_DURATION" => "MaxDuration",
        "MUTE_ALARMS" => "MuteAlarms",
        _ => "a setting",
    }
}

/// What does not work without a setting.
fn disables(setting: &str) -> &'static str {
    match setting {
        "RULE_ARNS" => "such a rule is not switched",
        "BYPASS_HEADER_NAME" | "BYPASS_HEADER_VALUE" => "nothing can be put into maintenance without it",
        "TABLE_NAME" => "nothing works without it",
        "HISTORY_DAYS" => "history is kept for 400 days",
        "SNS_TOPIC_ARN" => "no report can be sent",
        "SCHEDULE_GROUP" | "SCHEDULER_ROLE_ARN" => "nothing can be put into maintenance, since its end could be missed",
        "DEAD_LETTER_QUEUE_ARN" => "wake-ups that are lost are not kept",
        "PROBE_URL" => "the site is not looked at from outside",
        "ERROR_BUCKET" => "visitors are told neither when maintenance ends nor what is planned",
        "ANNOUNCE_BEFORE" => "nothing is announced",
        "REMIND_BEFORE" => "no reminders are sent",
        "WARN_BEFORE_END" => "no warning is sent before an end",
        "MAX_DURATION" => "windows may last a day",
        "MUTE_ALARMS" => "such an alarm is not muted",
        _ => "what it is for is disabled",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    const SECRET: &str = "s3cret-value-for-testers";
    const RULE: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/web/1/2/3";
    const OTHER: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/web/1/2/4";
    const ELSEWHERE: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/web/1/2/3";

    fn read(changes: &[(&'static str, &str)]) -> Result<Config, Error> {
        let mut settings = BTreeMap::from([
            ("RULE_ARNS", RULE),
            ("BYPASS_HEADER_NAME", "x-bypass"),
            ("BYPASS_HEADER_VALUE", SECRET),
            ("TABLE_NAME", "maintenance"),
            ("AWS_REGION", "eu-west-1"),
            ("SNS_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:maintenance"),
            ("SCHEDULE_GROUP", "maintenance"),
            ("SCHEDULER_ROLE_ARN", "arn:aws:iam::123456789012:role/maintenance-scheduler"),
        ]);
        settings.extend(changes.iter().copied());
        Config::from_lookup(|key| settings.get(key).map(ToString::to_string))
    }

    fn with(setting: &'static str, value: &str) -> Config {
        read(&[(setting, value)]).expect("a table")
    }

    fn problems(config: &Config) -> Vec<String> {
        config.problems.iter().map(Problem::sentence).collect()
    }

    #[test]
    fn the_required_settings_suffice_and_the_others_have_defaults() {
        let config = read(&[]).expect("settings");
        assert_eq!(problems(&config), [""; 0]);
        assert_eq!((config.history_days, config.max_duration), (400, SignedDuration::from_hours(24)));
        assert_eq!(config.table, "maintenance");
        assert_eq!(config.rules, [RULE.parse().expect("an ARN")]);
        assert!(config.remind_before.is_empty() && config.warn_before_end.is_none());
        assert!(config.probe_url.is_none() && config.error_bucket.is_none() && config.dead_letter_queue.is_none());
        assert_eq!(config.narrows_nothing(), None);
    }

    #[test]
    fn every_setting_is_read_without_blanks_around_it() {
        let config = read(&[
            ("RULE_ARNS", &format!(" {RULE} , {OTHER} ,")),
            ("BYPASS_HEADER_VALUE", " old-secret-0123456 , new-secret-0123456 "),
            ("HISTORY_DAYS", " 30 "),
            ("DEAD_LETTER_QUEUE_ARN", " arn:aws-cn:sqs:eu-west-1:123456789012:q "),
            ("PROBE_URL", " https://www.example.com/ "),
            ("ERROR_BUCKET", " pages.example "),
            ("ANNOUNCE_BEFORE", " PT72H "),
            ("REMIND_BEFORE", "PT1H, PT24H,PT1H"),
            ("WARN_BEFORE_END", "PT15M"),
            ("MAX_DURATION", "PT2H"),
            ("MUTE_ALARMS", " site-5xx, slow & broken ,"),
        ])
        .expect("settings");
        assert_eq!(problems(&config), [""; 0]);
        assert_eq!(config.rules.iter().map(RuleArn::as_str).collect::<Vec<_>>(), [RULE, OTHER]);
        let bypass = config.bypass.expect("a bypass");
        assert_eq!((bypass.name.as_str(), bypass.value_count()), ("x-bypass", 2));
        assert_eq!(bypass.values_in_clear(), ["old-secret-0123456", "new-secret-0123456"]);
        assert_eq!(config.history_days, 30);
        assert_eq!(config.dead_letter_queue.as_deref(), Some("arn:aws-cn:sqs:eu-west-1:123456789012:q"));
        assert_eq!(config.probe_url.as_deref(), Some("https://www.example.com/"));
        assert_eq!(config.error_bucket.as_deref(), Some("pages.example"));
        assert_eq!(config.announce_before, Some(SignedDuration::from_hours(72)));
        assert_eq!(config.remind_before, [24, 1].map(SignedDuration::from_hours), "longest first, once each");
        assert_eq!(config.warn_before_end, Some(SignedDuration::from_mins(15)));
        assert_eq!(config.max_duration, SignedDuration::from_hours(2));
        assert_eq!(config.mute_alarms, ["site-5xx", "slow & broken"]);
        assert_eq!(config.topic.as_deref(), Some("arn:aws:sns:eu-west-1:123456789012:maintenance"));
        assert_eq!(config.group.as_deref(), Some("maintenance"));
        assert_eq!(config.scheduler_role.as_deref(), Some("arn:aws:iam::123456789012:role/maintenance-scheduler"));
    }

    #[test]
    fn only_a_missing_table_stops_everything_and_every_problem_is_named_then() {
        for bad in ["", " ", "ab", "a b", &"t".repeat(256)] {
            let Err(Error::InvalidConfig(problems)) = read(&[("TABLE_NAME", bad), ("MAX_DURATION", "long")]) else {
                panic!("expected a refusal of {bad:?}")
            };
            assert_eq!(problems.len(), 2, "{problems:?}");
            assert!(
                problems[0].starts_with("the stack's table: ") && problems[0].ends_with("; nothing works without it")
            );
        }
        for good in ["abc", "A-z_0.9", &"t".repeat(255)] {
            assert_eq!(with("TABLE_NAME", good).table, good);
        }
        let alone = Config::from_lookup(|key| (key == "TABLE_NAME").then(|| "maintenance".to_owned()));
        let settings = alone.expect("a table").problems.iter().map(|problem| problem.setting).collect::<BTreeSet<_>>();
        let required = ["RULE_ARNS", "BYPASS_HEADER_NAME", "BYPASS_HEADER_VALUE", "SNS_TOPIC_ARN", "SCHEDULE_GROUP"];
        assert_eq!(settings, required.into_iter().chain(["SCHEDULER_ROLE_ARN"]).collect());
    }

    #[test]
    fn an_empty_value_counts_as_not_set() {
        assert_eq!(problems(&with("PROBE_URL", " ")), [""; 0]);
        let config = with("SCHEDULE_GROUP", " ");
        assert_eq!(
            problems(&config),
            [
                "the stack's schedule group: is required but not set; nothing can be put into maintenance, since its end \
                 could be missed"
            ]
        );
        assert_eq!(config.group, None);
    }

    #[test]
    fn an_unusable_setting_is_named_once_and_disables_only_itself() {
        for (setting, bad) in [
            ("BYPASS_HEADER_NAME", "Host"),
            ("BYPASS_HEADER_NAME", "hOST"),
            ("BYPASS_HEADER_NAME", "under_score"),
            ("BYPASS_HEADER_NAME", &"n".repeat(41)),
            ("BYPASS_HEADER_VALUE", "a-fine-secret-012,a-fine-secret-013,a-fine-secret-014"),
            ("BYPASS_HEADER_VALUE", "a-fine-secret-012,"),
            ("HISTORY_DAYS", "0"),
            ("HISTORY_DAYS", "36501"),
            ("HISTORY_DAYS", "a year"),
            ("SNS_TOPIC_ARN", "arn:aws:sqs:eu-west-1:123456789012:q"),
            ("SNS_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:"),
            ("SNS_TOPIC_ARN", "arn:azure:sns:eu-west-1:123456789012:topic"),
            ("SCHEDULE_GROUP", "default"),
            ("SCHEDULE_GROUP", "a b"),
            ("SCHEDULE_GROUP", &"g".repeat(65)),
            ("SCHEDULER_ROLE_ARN", "role"),
            ("DEAD_LETTER_QUEUE_ARN", "arn:aws:sns:eu-west-1:123456789012:topic"),
            ("PROBE_URL", "www.example.com"),
            ("PROBE_URL", "ftp://www.example.com/"),
            ("PROBE_URL", "http://[::1"),
            ("ERROR_BUCKET", "s3://bucket"),
            ("ERROR_BUCKET", "Bucket"),
            ("ERROR_BUCKET", "ab"),
            ("ERROR_BUCKET", &"b".repeat(64)),
            ("REMIND_BEFORE", "PT1H,,PT2H"),
            ("WARN_BEFORE_END", "-PT1H"),
            ("MAX_DURATION", "PT0S"),
            ("MUTE_ALARMS", "maintenance-overrun"),
            ("MUTE_ALARMS", "site-5xx,site-5xx"),
            ("MUTE_ALARMS", &"a".repeat(256)),
        ] {
            let (config, fine) = (with(setting, bad), read(&[]).expect("settings"));
            let [problem] = config.problems.as_slice() else { panic!("{setting}={bad}: {:?}", config.problems) };
            assert_eq!(problem.setting, setting, "{bad}");
            let used = |config: &Config| {
                let optional = [&config.topic, &config.group, &config.scheduler_role].map(Option::is_some);
                (config.rules.clone(), config.bypass.is_some(), optional)
            };
            let (mut rest, fine) = (used(&config), used(&fine));
            match setting {
                "BYPASS_HEADER_NAME" | "BYPASS_HEADER_VALUE" => rest.1 = !rest.1,
                "SNS_TOPIC_ARN" => rest.2[0] = !rest.2[0],
                "SCHEDULE_GROUP" => rest.2[1] = !rest.2[1],
                "SCHEDULER_ROLE_ARN" => rest.2[2] = !rest.2[2],
                _ => {
                    assert_eq!((config.history_days, config.max_duration), (400, SignedDuration::from_hours(24)));
                    assert!(config.probe_url.is_none() && config.error_bucket.is_none());
                    assert!(config.dead_letter_queue.is_none());
                    assert!(config.remind_before.is_empty() && config.warn_before_end.is_none());
                }
            }
            assert_eq!(rest, fine, "{setting}={bad}");
        }
    }

    #[test]
    fn settings_at_the_edge_of_what_is_allowed_are_taken() {
        for (setting, good) in [
            ("BYPASS_HEADER_NAME", &*"n".repeat(40)),
            ("BYPASS_HEADER_NAME", "Host-2"),
            ("BYPASS_HEADER_VALUE", &"s".repeat(16)),
            ("BYPASS_HEADER_VALUE", &"s".repeat(128)),
            ("HISTORY_DAYS", "1"),
            ("HISTORY_DAYS", "36500"),
            ("SCHEDULE_GROUP", &"g".repeat(64)),
            ("SCHEDULE_GROUP", "a.b_c-D"),
            ("PROBE_URL", "http://www.example.com:8080/health?full=1"),
            ("ERROR_BUCKET", "abc"),
            ("ERROR_BUCKET", &"b".repeat(63)),
        ] {
            assert_eq!(problems(&with(setting, good)), [""; 0], "{setting}={good}");
        }
    }

    #[test]
    fn a_bad_secret_is_described_and_never_quoted() {
        for (bad, said) in [
            ("too-short", "found 9 characters in secret 1"),
            ("a-fine-secret-0123456,~", "found 1 character in secret 2"),
            ("has-a-wildcard-*-inside", "found 23 characters, some of them others, in secret 1"),
            ("has a blank in its middle", "some of them others"),
            (&"x".repeat(129), "found 129 characters in secret 1"),
            ("a-fine-secret-0123456,short", "found 5 characters in secret 2"),
            ("a,b,c", "expected one secret, or two separated by a comma, but found 3"),
        ] {
            let told = problems(&with("BYPASS_HEADER_VALUE", bad)).join(" ");
            assert!(told.contains(said) && !told.contains(bad), "{bad}: {told}");
        }
        let shown = format!("{:?}", read(&[]).expect("settings"));
        assert!(!shown.contains(SECRET), "{shown}");
    }

    #[test]
    fn rules_that_can_be_used_are_whatever_is_wrong_with_others() {
        let bad = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/net/web/1/2/3";
        for (text, used, said) in [
            (format!("{RULE},{bad},{OTHER}"), vec![RULE, OTHER], vec!["an Application Load Balancer"]),
            (format!("{RULE},{RULE}"), vec![RULE], vec!["is listed twice"]),
            (format!("{ELSEWHERE},{RULE}"), vec![RULE], vec!["is in us-east-1, but the function is in eu-west-1"]),
            (bad.to_owned(), vec![], vec!["an Application Load Balancer", "none that can be used"]),
            (",".to_owned(), vec![], vec!["none that can be used"]),
            (String::new(), vec![], vec!["none that can be used"]),
        ] {
            let config = with("RULE_ARNS", &text);
            assert_eq!(config.rules.iter().map(RuleArn::as_str).collect::<Vec<_>>(), used, "{text}");
            let found = problems(&config);
            assert_eq!(found.len(), said.len(), "{found:?}");
            assert!(found.iter().zip(said).all(|(found, said)| found.contains(said)), "{found:?}");
            assert!(found.iter().all(|found| found.ends_with("; such a rule is not switched")), "{found:?}");
        }
    }

    #[test]
    fn a_topic_of_another_region_disables_reports_and_not_the_rules() {
        let config = with("SNS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:maintenance");
        assert_eq!((config.rules, config.topic), (vec![RULE.parse().expect("an ARN")], None));
    }

    #[test]
    fn nothing_is_narrowed_without_a_rule_a_bypass_or_a_way_to_wake() {
        for needed in ["RULE_ARNS", "BYPASS_HEADER_NAME", "BYPASS_HEADER_VALUE", "SCHEDULE_GROUP", "SCHEDULER_ROLE_ARN"]
        {
            let why = with(needed, "").narrows_nothing().unwrap_or_default();
            assert!(why.starts_with(parameter(needed)), "{needed}: {why}");
        }
        for other in ["SNS_TOPIC_ARN", "MAX_DURATION", "PROBE_URL", "HISTORY_DAYS"] {
            assert_eq!(with(other, "unusable").narrows_nothing(), None, "{other}");
        }
        let one_is_left = with("RULE_ARNS", &format!("{RULE},nonsense"));
        assert_eq!((one_is_left.problems.len(), one_is_left.narrows_nothing()), (1, None));
        let two = read(&[("SCHEDULE_GROUP", ""), ("RULE_ARNS", "")]).expect("a table").narrows_nothing();
        assert!(two.is_some_and(|why| why.contains("RuleArns: ") && why.contains("; the stack's schedule group: ")));
    }

    #[test]
    fn each_setting_says_what_does_not_work_without_it() {
        let said: BTreeSet<&str> = VARIABLES.iter().map(|setting| disables(setting)).collect();
        assert_eq!(said.len(), 14, "two settings make the bypass, and two the wake-ups");
        assert!(!said.contains(disables("ANYTHING_ELSE")));
    }

    #[test]
    fn no_problem_names_a_variable_and_each_setting_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = VARIABLES.iter().map(|setting| parameter(setting)).collect();
        assert_eq!(names.len(), VARIABLES.len());
        assert!(!names.contains(parameter("ANYTHING_ELSE")));
        for bad in ["", "*", ELSEWHERE, &"x y".repeat(100)] {
            let config = Config::from_lookup(|key| {
                let text = if key == "TABLE_NAME" { "maintenance" } else { bad };
                Some(text.to_owned())
            });
            let config = config.expect("a table");
            assert!(config.problems.len() > 5, "{:?}", config.problems);
            let told = format!("{:?} {:?}", problems(&config), config.narrows_nothing());
            assert!(!VARIABLES.iter().any(|variable| told.contains(variable)), "{told}");
        }
    }

    #[test]
    fn a_problem_is_told_again_only_if_it_is_another() {
        let key = |setting, value| with(setting, value).problems[0].key();
        assert_eq!(key("HISTORY_DAYS", "x"), key("HISTORY_DAYS", "x"));
        assert_ne!(key("HISTORY_DAYS", "x"), key("HISTORY_DAYS", "y"));
        assert_ne!(key("SCHEDULE_GROUP", ""), key("SCHEDULER_ROLE_ARN", ""));
        assert!(key("HISTORY_DAYS", "x").starts_with("setting-HISTORY_DAYS-"));
    }
}
