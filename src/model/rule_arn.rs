//! The name of a listener rule.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::time::quoted;

/// The ARN of an Application Load Balancer's listener rule.
///
/// `arn:aws:elasticloadbalancing:REGION:ACCOUNT:listener-rule/app/NAME/LB-ID/LISTENER-ID/RULE-ID`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RuleArn(String);

impl RuleArn {
    /// The ARN's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The Region the rule is in.
    #[must_use]
    pub fn region(&self) -> &str {
        self.0.split(':').nth(3).unwrap_or_default()
    }

    /// The ARN of the listener the rule belongs to.
    #[must_use]
    pub fn listener(&self) -> String {
        let listener = self.0.rsplit_once('/').map_or(self.0.as_str(), |(listener, _)| listener);
        listener.replacen(":listener-rule/", ":listener/", 1)
    }

    /// Short enough for a sentence, long enough to tell rules apart: the load balancer's name and the rule's id.
    #[must_use]
    pub fn short(&self) -> String {
        format!("{}/{}", self.0.split('/').nth(2).unwrap_or_default(), self.id())
    }

    /// The ARN of the load balancer it belongs to.
    #[must_use]
    pub fn load_balancer(&self) -> String {
        let (arn, _) = self.0.split_once(":listener-rule/").unwrap_or_default();
        format!("{arn}:loadbalancer/{}", self.load_balancer_dimension())
    }

    /// The load balancer as CloudWatch's figures name it: the ARN's part after `loadbalancer/`.
    #[must_use]
    pub fn load_balancer_dimension(&self) -> String {
        self.0.split('/').skip(1).take(3).collect::<Vec<_>>().join("/")
    }

    /// The name of the rule's item in the table: its listener's id and its own.
    #[must_use]
    pub fn key(&self) -> String {
        let parts: Vec<&str> = self.0.rsplitn(3, '/').collect();
        format!("{}/{}", parts.get(1).copied().unwrap_or_default(), self.id())
    }

    /// The rule's own id, the ARN's last part.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl FromStr for RuleArn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "elasticloadbalancing", region, account, resource] = parts.as_slice() else {
            return Err(format!("expected a listener rule's ARN, but found {}", quoted(text)));
        };
        let path: Vec<&str> = resource.split('/').collect();
        match path.as_slice() {
            ["listener-rule", "app", rest @ ..]
                if rest.len() == 4
                    && rest.iter().all(|part| !part.is_empty())
                    && partition.starts_with("aws")
                    && !region.is_empty()
                    && !account.is_empty() =>
            {
                Ok(Self(text.to_owned()))
            }
            ["listener-rule", "net" | "gwy", ..] => {
                Err(format!("expected a rule of an Application Load Balancer, but found {}", quoted(text)))
            }
            ["listener" | "loadbalancer", ..] => Err(format!(
                "expected a listener rule's ARN (…:listener-rule/app/…), but found that of a {}: {}",
                path[0],
                quoted(text)
            )),
            _ => Err(format!("expected a listener rule's ARN (…:listener-rule/app/…), but found {}", quoted(text))),
        }
    }
}

impl TryFrom<String> for RuleArn {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RuleArn> for String {
    fn from(arn: RuleArn) -> Self {
        arn.0
    }
}

impl fmt::Display for RuleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/web/aa/bb/cc";

    #[test]
    fn a_rule_knows_its_listener_region_and_short_name() {
        let rule: RuleArn = RULE.parse().expect("valid");
        assert_eq!(rule.listener(), "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/aa/bb");
        assert_eq!((rule.region(), rule.short().as_str(), rule.id()), ("eu-west-1", "web/cc", "cc"));
        assert_eq!(rule.key(), "bb/cc");
    }

    #[test]
    fn other_resources_are_refused_by_what_they_are() {
        for (bad, why) in [
            (RULE.replace("/app/", "/net/"), "Application Load Balancer"),
            (RULE.replace("listener-rule/", "listener/"), "that of a listener"),
            (RULE.replace("/cc", ""), "listener rule's ARN"),
            (RULE.replace("/cc", "/"), "listener rule's ARN"),
            (RULE.replace("eu-west-1", ""), "listener rule's ARN"),
            ("rule".to_owned(), "listener rule's ARN"),
        ] {
            let problem = bad.parse::<RuleArn>().expect_err(&bad);
            assert!(problem.contains(why), "{problem}");
        }
    }
}
