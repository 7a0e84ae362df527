//! Elastic Load Balancing, and the site behind it.
//!
//! `DescribeRules` repeats `Values` beside the typed config and `ModifyRule` refuses both together, default rules and too
//! many values are refused, and `ModifyRule` is limited to 20 calls and then 3 a second.

use aws_smithy_runtime_api::{
    client::orchestrator::{HttpRequest, HttpResponse},
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    SECRET, Settings, State, World,
    wire::{Answer, Refusal},
};

/// The `nth` rule's ARN.
pub(crate) fn rule_arn(nth: usize) -> String {
    let listener = nth / 40;
    format!(
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/web/lb/listener{listener}/rule{nth:03}"
    )
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// In the wire's form, typed configs only.
    pub(crate) conditions: Vec<Value>,
    pub(crate) is_default: bool,
    /// Whatever else the rule has; nobody may change it.
    pub(crate) priority: String,
    pub(crate) actions: Value,
}

/// A path condition in the wire's form.
pub(crate) fn path(values: &[&str]) -> Value {
    json!({"Field": "path-pattern", "PathPatternConfig": {"Values": values}})
}

/// A header condition in the wire's form.
pub(crate) fn header(name: &str, value: &str) -> Value {
    json!({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": name, "Values": [value]}})
}

/// Whether only testers get through a rule: it demands the bypass header, of the first settings or of these.
pub(crate) fn demands_bypass(rule: &Rule, settings: &Settings) -> bool {
    let setting = |key: &str| settings.get(key).map_or("", String::as_str);
    let names = ["x-maintenance-bypass", setting("BYPASS_HEADER_NAME")];
    let values: Vec<&str> = setting("BYPASS_HEADER_VALUE").split(',').map(str::trim).chain([SECRET]).collect();
    rule.conditions.iter().any(|condition| {
        let config = &condition["HttpHeaderConfig"];
        let name = config["HttpHeaderName"].as_str().unwrap_or_default();
        let mut demanded = config["Values"].as_array().into_iter().flatten().filter_map(Value::as_str);
        names.iter().any(|ours| name.eq_ignore_ascii_case(ours)) && demanded.any(|value| values.contains(&value))
    })
}

impl World {
    /// The site as its public name shows it: the first rule decides, some time after it was changed.
    pub(super) fn site(&self, request: &HttpRequest) -> HttpResponse {
        let mut state = self.state();
        state.site_asked += 1;
        let edge = [("/errors/503.html", 200), ("/?maintenance-bypass=off", 302)];
        if let Some((_, status)) = edge.iter().find(|(path, _)| !state.edge_is_bare && request.uri().ends_with(path)) {
            let mut response = HttpResponse::new(StatusCode::try_from(*status).expect("a status"), SdkBody::empty());
            response.headers_mut().insert("location", "/");
            response.headers_mut().insert("retry-after", "300");
            return response;
        }
        let secret = request.headers().get("x-maintenance-bypass") == Some(SECRET);
        let changed = state.calls.iter().rev().find(|call| call.name == "ModifyRule").map(|call| call.at);
        let settled = changed.is_none_or(|at| self.now().duration_since(at) >= state.site_lag);
        let dark = state.rules.values().next().is_some_and(|rule| demands_bypass(rule, &self.settings)) == settled;
        let status = match (dark && !secret, state.site_ill) {
            (true, _) => 503,
            (false, true) => 500,
            (false, false) => 200,
        };
        HttpResponse::new(StatusCode::try_from(status).expect("a status"), SdkBody::empty())
    }
}

impl State {
    pub(super) fn describe_listeners(&self, input: &Value) -> Value {
        let Some(arn) = input["ListenerArns"][0].as_str() else {
            assert!(input["LoadBalancerArn"].as_str().expect("an ARN").contains(":loadbalancer/app/web/lb"), "{input}");
            return paged("Listeners", &self.other_listeners, 1, input);
        };
        let action = json!({"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}});
        let action = self.default_action.clone().unwrap_or(action);
        json!({"Listeners": [{"ListenerArn": arn, "DefaultActions": self.default_actions.clone().unwrap_or(json!([action]))}]})
    }

    pub(super) fn describe_rules(&mut self, input: &Value) -> Answer {
        if let Some(listener) = input["ListenerArn"].as_str() {
            let prefix = format!("{}/", listener.replacen(":listener/", ":listener-rule/", 1));
            let rules = self.rules.iter().filter(|(arn, _)| arn.starts_with(&prefix));
            let rules: Vec<Value> = rules.map(|(arn, rule)| shown(arn, rule)).collect();
            return Ok(paged("Rules", &rules, 20, input));
        }
        let arns: Vec<&str> = input["RuleArns"].as_array().expect("ARNs").iter().filter_map(Value::as_str).collect();
        let stale = self.stale_rules > 0;
        self.stale_rules -= usize::from(stale);
        let mut rules = vec![];
        for arn in arns {
            let Some(rule) = self.rules.get(arn) else {
                return Err(Refusal::new(400, "RuleNotFound", "One or more rules not found"));
            };
            let before = self.before.get(arn).filter(|_| stale);
            let rule = Rule { conditions: before.unwrap_or(&rule.conditions).clone(), ..rule.clone() };
            rules.push(shown(arn, &rule));
        }
        Ok(json!({ "Rules": rules }))
    }

    pub(super) fn modify_rule(&mut self, arn: &str, input: &Value) -> Answer {
        let (tokens, since) = self.tokens.unwrap_or((20.0, Instant::now()));
        let tokens = (tokens + since.elapsed().as_secs_f64() * 3.0).min(20.0);
        if tokens < 1.0 {
            self.tokens = Some((tokens, Instant::now()));
            self.throttled += 1;
            return Err(Refusal::new(400, "ThrottlingException", "Rate exceeded"));
        }
        self.tokens = Some((tokens - 1.0, Instant::now()));
        assert!(input.get("Actions").is_none() && input.get("Transforms").is_none(), "only conditions are ever sent");
        let conditions = input["Conditions"].as_array().expect("conditions").clone();
        let Some(rule) = self.rules.get_mut(arn) else {
            return Err(Refusal::new(400, "RuleNotFound", "The specified rule does not exist."));
        };
        if rule.is_default {
            let message = format!("Default rule '{arn}' cannot be modified");
            return Err(Refusal::new(400, "OperationNotPermitted", message));
        }
        valid(&conditions).map_err(|message| Refusal::new(400, "ValidationError", message))?;
        let before = std::mem::replace(&mut rule.conditions, conditions);
        self.before.insert(arn.to_owned(), before);
        Ok(json!({ "Rules": [shown(arn, rule)] }))
    }
}

/// So many of them, from the marker on, and the next marker if there are more.
fn paged(name: &str, all: &[Value], size: usize, input: &Value) -> Value {
    let from = input["Marker"].as_str().map_or(0, |marker| marker.parse().expect("a marker"));
    let next = from + size;
    let marker = (next < all.len()).then(|| next.to_string());
    json!({ name: all.iter().skip(from).take(size).collect::<Vec<_>>(), "NextMarker": marker })
}

fn shown(arn: &str, rule: &Rule) -> Value {
    let conditions: Vec<Value> = rule.conditions.iter().cloned().map(echoed).collect();
    json!({"RuleArn": arn, "Priority": rule.priority, "IsDefault": rule.is_default, "Conditions": conditions, "Actions": rule.actions})
}

/// What AWS returns repeats the values of a path or host condition at its top.
fn echoed(mut condition: Value) -> Value {
    for config in ["PathPatternConfig", "HostHeaderConfig"] {
        if let Some(values) = condition.get(config).and_then(|config| config.get("Values")).cloned() {
            condition["Values"] = values;
        }
    }
    condition
}

fn valid(conditions: &[Value]) -> Result<(), String> {
    let mut count = 0;
    let mut wildcards = 0;
    for condition in conditions {
        let field = condition["Field"].as_str().ok_or("A condition field must be specified")?;
        let config = match field {
            "path-pattern" => "PathPatternConfig",
            "host-header" => "HostHeaderConfig",
            "http-header" => "HttpHeaderConfig",
            "http-request-method" => "HttpRequestMethodConfig",
            "query-string" => "QueryStringConfig",
            "source-ip" => "SourceIpConfig",
            other => return Err(format!("Condition field '{other}' must be one of '[…]'")),
        };
        if condition.get("Values").is_some() && condition.get(config).is_some() {
            return Err(format!("You cannot provide both Values and '{config}' for a condition of type '{field}'"));
        }
        let empty = vec![];
        let list = |key: &str| condition[config][key].as_array().unwrap_or(&empty).clone();
        let values: Vec<Value> = [list("Values"), list("RegexValues")].concat();
        if values.is_empty() {
            return Err("The value for a condition can't be empty".to_owned());
        }
        if field == "http-header" {
            let name = condition[config]["HttpHeaderName"].as_str().unwrap_or_default();
            if name.is_empty() || name.len() > 40 || name.eq_ignore_ascii_case("host") {
                return Err(format!("The 'HttpHeaderName' value '{name}' is invalid"));
            }
        }
        count += values.len();
        wildcards += values.iter().map(|value| value.to_string().matches(['*', '?']).count()).sum::<usize>();
    }
    if count > 5 {
        return Err("A rule can only have '5' condition values".to_owned());
    }
    if wildcards > 5 {
        return Err("A rule can only have '5' wildcards".to_owned());
    }
    Ok(())
}
