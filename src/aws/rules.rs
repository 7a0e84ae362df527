//! Reading the load balancer's listener rules and changing their conditions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use aws_sdk_elasticloadbalancingv2::{
    Client,
    types::{
        Action, ActionTypeEnum, ForwardActionConfig, HostHeaderConditionConfig, HttpHeaderConditionConfig,
        HttpRequestMethodConditionConfig, PathPatternConditionConfig, QueryStringConditionConfig,
        QueryStringKeyValuePair, Rule, RuleCondition, SourceIpConditionConfig,
    },
};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{failed, refusal};
use crate::{
    config::Config,
    error::{Error, Refusal, Service},
    model::{
        conditions::{self, Condition, QueryPair, same},
        listed::listed,
        may_narrow::MayNarrow,
        rule_arn::RuleArn,
        seen::{self, Listener, Neighbour, RuleAction, Seen},
    },
};

/// How many rules are asked for in one call: the API names no limit for rule ARNs, twenty is what its siblings allow.
const RULES_PER_CALL: usize = 20;

/// How many calls are under way at once.
const AT_ONCE: usize = 5;

/// Actions happen in their `Order`, in which the API need not list them.
fn read_actions(actions: &[Action]) -> Vec<RuleAction> {
    let mut actions: Vec<&Action> = actions.iter().collect();
    actions.sort_by_key(|action| action.order().unwrap_or(0));
    actions.into_iter().map(read_action).collect()
}

fn read_action(action: &Action) -> RuleAction {
    match action.r#type() {
        Some(ActionTypeEnum::FixedResponse) => RuleAction::Fixed(
            action.fixed_response_config().and_then(|config| config.status_code()).unwrap_or_default().to_owned(),
        ),
        Some(ActionTypeEnum::Forward) => {
            let several = action.forward_config().map(ForwardActionConfig::target_groups).unwrap_or_default();
            let several = several.iter().filter(|group| group.weight() != Some(0));
            let named = several.filter_map(|group| group.target_group_arn()).chain(action.target_group_arn());
            let groups: BTreeSet<String> = named.map(str::to_owned).collect();
            RuleAction::Forward(groups.into_iter().collect())
        }
        Some(ActionTypeEnum::Redirect) => RuleAction::Redirect,
        other => RuleAction::Other(other.map_or("nothing", ActionTypeEnum::as_str).to_owned()),
    }
}

/// The rules of load balancers.
#[derive(Clone)]
pub struct Rules {
    client: Client,
    secrets: Vec<String>,
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rules")
    }
}

impl Rules {
    /// Builds the client.
    #[must_use]
    pub fn new(sdk: &aws_config::SdkConfig, config: &Config) -> Self {
        Self { client: Client::new(sdk), secrets: config.secrets() }
    }

    /// Reads what each rule demands. A rule that does not exist is [`Seen::Gone`], not an error.
    ///
    /// # Errors
    /// [`Error::Aws`] when a call fails.
    pub async fn read(&self, rules: &[RuleArn]) -> Result<seen::Rules, Error> {
        let chunks: Vec<Vec<RuleArn>> = rules.chunks(RULES_PER_CALL).map(<[RuleArn]>::to_vec).collect();
        let read: Vec<seen::Rules> =
            stream::iter(chunks).map(|chunk| self.read_chunk(chunk)).buffered(AT_ONCE).try_collect().await?;
        Ok(together(read))
    }

    /// One rule that is missing, or cannot be described, fails the call for all of them: then each is asked for by itself.
    async fn read_chunk(&self, rules: Vec<RuleArn>) -> Result<seen::Rules, Error> {
        match self.describe(&rules).await {
            Ok(read) => return Ok(read),
            Err(error) if rules.len() == 1 => return one_refused(&rules[0], error),
            Err(error) if !ONE_FAILS_ALL.contains(&error.code().unwrap_or_default()) => return Err(error),
            Err(_) => {}
        }
        let read: Vec<seen::Rules> = stream::iter(rules)
            .map(async |rule| match self.describe(std::slice::from_ref(&rule)).await {
                Ok(read) => Ok(read),
                Err(error) => one_refused(&rule, error),
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(together(read))
    }

    async fn describe(&self, rules: &[RuleArn]) -> Result<seen::Rules, Error> {
        let arns = rules.iter().map(ToString::to_string).collect();
        let answer = self.client.describe_rules().set_rule_arns(Some(arns)).send().await.map_err(|error| {
            failed(Service::LoadBalancing, "read the listener rules", refusal(&error, &self.secrets))
        })?;
        let found: BTreeMap<&str, &Rule> =
            answer.rules().iter().filter_map(|rule| Some((rule.rule_arn()?, rule))).collect();
        let seen = |arn: &RuleArn| (arn.clone(), found.get(arn.as_str()).map_or(Seen::Gone, |rule| seen(rule)));
        let idle = |arn: &&RuleArn| found.get(arn.as_str()).is_some_and(|rule| forwards_nobody(rule));
        Ok(seen::Rules { seen: rules.iter().map(seen).collect(), idle: rules.iter().filter(idle).cloned().collect() })
    }

    /// Reads a listener with all its rules; none if it does not exist.
    ///
    /// # Errors
    /// [`Error::Aws`] when a call fails.
    pub async fn listener(&self, arn: &str) -> Result<Option<Listener>, Error> {
        let (default, rules) = tokio::join!(self.default_actions_of(arn), self.rules_of(arn));
        Ok(default?.zip(rules?).map(|(default, rules)| Listener { arn: arn.to_owned(), default, rules }))
    }

    /// The other listeners of a load balancer, but for those that are known.
    ///
    /// # Errors
    /// [`Error::Aws`] when a call fails.
    pub async fn other_listeners(&self, load_balancer: &str, known: &[&str]) -> Result<Vec<Listener>, Error> {
        let pages = self.client.describe_listeners().load_balancer_arn(load_balancer).into_paginator();
        let listeners: Result<Vec<_>, _> = pages.items().send().collect().await;
        let listeners = listeners.map_err(|error| {
            failed(Service::LoadBalancing, "read the other listeners", refusal(&error, &self.secrets))
        })?;
        let mut others = vec![];
        for listener in listeners {
            let Some(arn) = listener.listener_arn().filter(|arn| !known.contains(arn)) else { continue };
            let rules = self.rules_of(arn).await?.unwrap_or_default();
            others.push(Listener { arn: arn.to_owned(), default: read_actions(listener.default_actions()), rules });
        }
        Ok(others)
    }

    async fn default_actions_of(&self, arn: &str) -> Result<Option<Vec<RuleAction>>, Error> {
        match self.client.describe_listeners().listener_arns(arn).send().await {
            Ok(found) => Ok(found.listeners().first().map(|found| read_actions(found.default_actions()))),
            Err(error) => unless_missing(refusal(&error, &self.secrets)),
        }
    }

    async fn rules_of(&self, arn: &str) -> Result<Option<Vec<Neighbour>>, Error> {
        let rules: Result<Vec<_>, _> =
            self.client.describe_rules().listener_arn(arn).into_paginator().items().send().collect().await;
        match rules {
            Ok(rules) => Ok(Some(rules.iter().filter_map(neighbour).collect())),
            Err(error) => unless_missing(refusal(&error, &self.secrets)),
        }
    }

    /// Makes a rule header-only, which demands proof that its owner's conditions are saved and its end has a wake-up.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails or answers other conditions than were asked for.
    pub async fn narrow(&self, rule: &RuleArn, to: &[Condition], _proof: &MayNarrow) -> Result<(), Error> {
        self.write(rule, to, "close").await
    }

    /// Gives a rule back to its owner.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails or answers other conditions than were asked for.
    pub async fn restore(&self, rule: &RuleArn, to: &[Condition]) -> Result<(), Error> {
        self.write(rule, to, "open").await
    }

    /// Only conditions are sent: what `ModifyRule` is not sent, it leaves as it is (Elastic Load Balancing API
    /// reference, `ModifyRule`).
    async fn write(&self, rule: &RuleArn, to: &[Condition], verb: &str) -> Result<(), Error> {
        let what = || format!("{verb} rule {} to visitors", rule.short());
        let answer = self
            .client
            .modify_rule()
            .rule_arn(rule.as_str())
            .set_conditions(Some(to.iter().map(wire).collect()))
            .send()
            .await
            .map_err(|error| failed(Service::LoadBalancing, what(), refusal(&error, &self.secrets_with(to))))?;
        let now = answer.rules().iter().find(|found| found.rule_arn() == Some(rule.as_str())).map(seen);
        match now {
            Some(Seen::Conditions(now)) if same(&now, to) => Ok(()),
            _ => Err(failed(
                Service::LoadBalancing,
                what(),
                Refusal {
                    code: "Unconfirmed".to_owned(),
                    message: "the answer does not show the conditions that were sent".to_owned(),
                },
            )),
        }
    }

    /// AWS's messages may quote what they were sent.
    fn secrets_with(&self, conditions: &[Condition]) -> Vec<String> {
        let mut all = self.secrets.clone();
        all.extend(conditions::header_values(conditions).map(str::to_owned));
        all
    }
}

/// No listener, if that is why it was refused.
fn unless_missing<T>(refusal: Refusal) -> Result<Option<T>, Error> {
    match refusal.code.as_str() {
        "ListenerNotFound" => Ok(None),
        _ => Err(failed(Service::LoadBalancing, "read the listener", refusal)),
    }
}

fn neighbour(rule: &Rule) -> Option<Neighbour> {
    Some(Neighbour {
        arn: rule.rule_arn()?.parse().ok()?,
        priority: rule.priority().and_then(|priority| priority.parse().ok()),
        seen: seen(rule),
        actions: read_actions(rule.actions()),
    })
}

/// Refusals that may be about one of the rules that were asked for.
const ONE_FAILS_ALL: [&str; 2] = ["RuleNotFound", "ValidationError"];

/// What a refusal says of the one rule that was asked for, if it is about that rule.
fn one_refused(rule: &RuleArn, error: Error) -> Result<seen::Rules, Error> {
    let seen = match error.code() {
        Some("RuleNotFound") => Seen::Gone,
        Some("ValidationError") => {
            Seen::Unsupported { why: format!("cannot be read ({})", error.full()), known: vec![], whole: false }
        }
        _ => return Err(error),
    };
    Ok(seen::Rules { seen: BTreeMap::from([(rule.clone(), seen)]), idle: BTreeSet::new() })
}

fn together(read: Vec<seen::Rules>) -> seen::Rules {
    let mut all = seen::Rules::default();
    for some in read {
        all.extend(some);
    }
    all
}

/// Whether whoever matches the rule meets an error: its last action is a fixed response of 4xx or 5xx, or forwards to
/// target groups of which all have the weight 0.
fn forwards_nobody(rule: &Rule) -> bool {
    let Some(last) = rule.actions().iter().max_by_key(|action| action.order().unwrap_or(0)) else { return false };
    match last.r#type() {
        Some(ActionTypeEnum::FixedResponse) => {
            let status = last.fixed_response_config().and_then(|config| config.status_code()).unwrap_or_default();
            status.starts_with(['4', '5'])
        }
        Some(ActionTypeEnum::Forward) => last.forward_config().is_some_and(|forward| {
            let groups = forward.target_groups();
            !groups.is_empty() && groups.iter().all(|group| group.weight() == Some(0))
        }),
        _ => false,
    }
}

fn seen(rule: &Rule) -> Seen {
    if rule.is_default() == Some(true) {
        return Seen::Unsupported {
            why: "is its listener's default rule, whose conditions cannot be changed".to_owned(),
            known: vec![],
            whole: true,
        };
    }
    let read: Vec<Result<Condition, String>> = rule.conditions().iter().map(read_condition).collect();
    let problems: Vec<&str> = read.iter().filter_map(|one| one.as_ref().err().map(String::as_str)).collect();
    let why = listed(&problems);
    let known: Vec<Condition> = read.into_iter().filter_map(Result::ok).collect();
    if why.is_empty() { Seen::Conditions(known) } else { Seen::Unsupported { why, known, whole: false } }
}

/// Reads one condition. Elastic Load Balancing repeats `Values` (and perhaps `RegexValues`) beside the typed config;
/// the typed config is what counts, and the repetition alone is used only where there is none.
fn read_condition(condition: &RuleCondition) -> Result<Condition, String> {
    let field = condition.field().unwrap_or_default();
    let legacy = || condition.values().to_vec();
    let read = match field {
        "host-header" => condition.host_header_config().map_or_else(
            || Condition::HostHeader { values: legacy(), regex: condition.regex_values().to_vec() },
            |config| Condition::HostHeader { values: config.values().to_vec(), regex: config.regex_values().to_vec() },
        ),
        "path-pattern" => condition.path_pattern_config().map_or_else(
            || Condition::PathPattern { values: legacy(), regex: condition.regex_values().to_vec() },
            |config| Condition::PathPattern { values: config.values().to_vec(), regex: config.regex_values().to_vec() },
        ),
        "http-header" => {
            let config = condition.http_header_config();
            Condition::HttpHeader {
                name: config.and_then(|config| config.http_header_name()).unwrap_or_default().to_owned(),
                values: config.map(|config| config.values().to_vec()).unwrap_or_default(),
                regex: config.map(|config| config.regex_values().to_vec()).unwrap_or_default(),
            }
        }
        "http-request-method" => Condition::HttpRequestMethod {
            values: condition.http_request_method_config().map(|config| config.values().to_vec()).unwrap_or_default(),
        },
        "query-string" => Condition::QueryString {
            values: condition
                .query_string_config()
                .map(|config| config.values().iter().map(read_pair).collect())
                .unwrap_or_default(),
        },
        "source-ip" => Condition::SourceIp {
            values: condition.source_ip_config().map(|config| config.values().to_vec()).unwrap_or_default(),
        },
        other => {
            return Err(format!("has a condition on {other:?}, which this version could not put back faithfully"));
        }
    };
    if is_empty(&read) {
        return Err(format!("has a {field} condition whose values this version cannot read"));
    }
    Ok(read)
}

fn read_pair(pair: &QueryStringKeyValuePair) -> QueryPair {
    QueryPair { key: pair.key().map(str::to_owned), value: pair.value().unwrap_or_default().to_owned() }
}

fn is_empty(condition: &Condition) -> bool {
    match condition {
        Condition::HostHeader { values, regex } | Condition::PathPattern { values, regex } => {
            values.is_empty() && regex.is_empty()
        }
        Condition::HttpHeader { name, values, regex } => name.is_empty() || (values.is_empty() && regex.is_empty()),
        Condition::HttpRequestMethod { values } | Condition::SourceIp { values } => values.is_empty(),
        Condition::QueryString { values } => values.is_empty(),
    }
}

/// Writes one condition in its typed form only.
fn wire(condition: &Condition) -> RuleCondition {
    let some = |values: &Vec<String>| (!values.is_empty()).then(|| values.clone());
    let builder = RuleCondition::builder();
    match condition {
        Condition::HostHeader { values, regex } => builder.field("host-header").host_header_config(
            HostHeaderConditionConfig::builder().set_values(some(values)).set_regex_values(some(regex)).build(),
        ),
        Condition::PathPattern { values, regex } => builder.field("path-pattern").path_pattern_config(
            PathPatternConditionConfig::builder().set_values(some(values)).set_regex_values(some(regex)).build(),
        ),
        Condition::HttpHeader { name, values, regex } => builder.field("http-header").http_header_config(
            HttpHeaderConditionConfig::builder()
                .http_header_name(name)
                .set_values(some(values))
                .set_regex_values(some(regex))
                .build(),
        ),
        Condition::HttpRequestMethod { values } => builder
            .field("http-request-method")
            .http_request_method_config(HttpRequestMethodConditionConfig::builder().set_values(some(values)).build()),
        Condition::QueryString { values } => builder.field("query-string").query_string_config(
            QueryStringConditionConfig::builder()
                .set_values(Some(
                    values
                        .iter()
                        .map(|pair| {
                            QueryStringKeyValuePair::builder().set_key(pair.key.clone()).value(&pair.value).build()
                        })
                        .collect(),
                ))
                .build(),
        ),
        Condition::SourceIp { values } => builder
            .field("source-ip")
            .source_ip_config(SourceIpConditionConfig::builder().set_values(some(values)).build()),
    }
    .build()
}
