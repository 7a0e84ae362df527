//! Figures for CloudWatch, as log lines in its embedded metric format: no agent, no call, no permission. Pure.
//!
//! Nothing is measured while nothing goes on, so an idle stack pays for no metric.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::model::rule_arn::RuleArn;

/// The metrics' namespace.
pub const NAMESPACE: &str = "MaintenanceWindow";

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// What is measured.
    pub metric: Metric,
    /// How much.
    pub value: i64,
    /// The rule, for a figure about one.
    pub rule: Option<RuleArn>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Whether a rule is header-only, 1 or 0; not told of rules that were open and stay so.
    MaintenanceActive,
    /// How late after a window's start its rules were header-only.
    StartLateSeconds,
    /// How late after a window's end its rules were restored.
    EndLateSeconds,
    /// How long after a change it was seen from outside.
    SeenAfterSeconds,
    /// How long a window's rules have been header-only past its end.
    OverrunSeconds,
    /// Rules that someone else changed, or that are header-only without a window.
    Drift,
    /// Events that were refused. Their runs fail, so that whoever sent one sees it; the alarm on errors leaves them out.
    RefusedEvents,
}

impl Metric {
    /// The metric's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MaintenanceActive => "MaintenanceActive",
            Self::StartLateSeconds => "StartLateSeconds",
            Self::EndLateSeconds => "EndLateSeconds",
            Self::SeenAfterSeconds => "SeenAfterSeconds",
            Self::OverrunSeconds => "OverrunSeconds",
            Self::Drift => "Drift",
            Self::RefusedEvents => "RefusedEvents",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::StartLateSeconds | Self::EndLateSeconds | Self::SeenAfterSeconds | Self::OverrunSeconds => "Seconds",
            Self::MaintenanceActive | Self::Drift | Self::RefusedEvents => "Count",
        }
    }
}

/// A log line for each figure. `stack` tells one installation from another.
#[must_use]
pub fn lines(measures: &[Measure], stack: &str, at: Timestamp) -> Vec<String> {
    measures.iter().map(|measure| line(measure, stack, at).to_string()).collect()
}

fn line(measure: &Measure, stack: &str, at: Timestamp) -> Value {
    let name = measure.metric.name();
    let dimensions = if measure.rule.is_some() { json!([["Stack", "Rule"]]) } else { json!([["Stack"]]) };
    let mut line = json!({
        "_aws": {
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": dimensions,
                "Metrics": [{"Name": name, "Unit": measure.metric.unit()}],
            }],
        },
        "Stack": stack,
        name: measure.value,
        // Lambda drops lines below its level, and takes one without a level for none of its business.
        "level": "INFO",
    });
    if let Some(rule) = &measure.rule {
        line["Rule"] = json!(rule.short());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_a_line_that_cloudwatch_reads() {
        let rule = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/web/aa/bb/cc".parse();
        let measures = [
            Measure { metric: Metric::MaintenanceActive, value: 1, rule: rule.ok() },
            Measure { metric: Metric::EndLateSeconds, value: 3, rule: None },
        ];
        let at = "2026-12-06T02:00:00Z".parse().expect("a time");
        let lines = lines(&measures, "maintenance", at);
        let first: Value = serde_json::from_str(&lines[0]).expect("JSON");
        assert_eq!(first["MaintenanceActive"], 1);
        assert_eq!(first["Rule"], "web/cc");
        assert_eq!(first["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["Stack", "Rule"]]));
        assert_eq!(first["_aws"]["Timestamp"], 1_796_522_400_000_i64);
        let second: Value = serde_json::from_str(&lines[1]).expect("JSON");
        assert_eq!(
            second["_aws"]["CloudWatchMetrics"][0]["Metrics"],
            json!([{"Name": "EndLateSeconds", "Unit": "Seconds"}])
        );
    }
}
