//! The function as people find it: its name, where it runs, its page in the console, and a command that invokes it.

use serde::Serialize;
use serde_json::Value;

/// The alias through which the function only looks.
pub const LOOK: &str = "look";

/// Whether whoever invoked the function by this ARN may only look: the permission to invoke can name an alias, and
/// Lambda tells with each invocation which was named.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html> (`Lambda-Runtime-Invoked-Function-Arn`)
#[must_use]
pub fn only_looks(invoked: &str) -> bool {
    invoked.splitn(8, ':').nth(7) == Some(LOOK)
}

/// A Lambda function.
///
/// The stack gives the function its own name, so the function's name is the stack's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Function {
    /// Its ARN, `arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME`, without a version or an alias.
    pub arn: String,
    /// Its name, which is also the stack's.
    pub name: String,
    /// The Region it runs in.
    pub region: String,
    /// The account it runs in: twelve digits.
    pub account: String,
    /// Its page in the AWS console; none in a partition whose console this version does not know.
    pub console: Option<String>,
}

impl Function {
    /// Reads the ARN that Lambda gives with an invocation. Parts that are missing are empty.
    #[must_use]
    pub fn of(arn: &str) -> Self {
        let mut parts = arn.splitn(7, ':').map(str::to_owned);
        let mut part = |skipped: usize| parts.nth(skipped).unwrap_or_default();
        let (partition, region, account, name) = (part(1), part(1), part(0), part(1));
        let host = match partition.as_str() {
            "aws" => Some("console.aws.amazon.com"),
            "aws-us-gov" => Some("console.amazonaws-us-gov.com"),
            "aws-cn" => Some("console.amazonaws.cn"),
            _ => None,
        };
        let console = host.map(|host| format!("https://{host}/lambda/home?region={region}#/functions/{name}"));
        Self { arn: arn.to_owned(), name, region, account, console }
    }

    /// A command for the AWS CLI, version 2, in a POSIX shell, that sends the event and shows the answer.
    ///
    /// The CLI takes `--payload` as base64 unless it is told `raw-in-base64-out`; the last argument is the file that
    /// the answer is written to.
    #[must_use]
    pub fn command(&self, event: &Value) -> String {
        format!(
            "aws lambda invoke --function-name {} --region {} --cli-binary-format raw-in-base64-out --payload {} \
             /dev/stdout",
            shell_word(&self.name),
            shell_word(&self.region),
            quoted(&event.to_string())
        )
    }
}

/// The text as one word of a POSIX shell: in quotes, unless every character stands for itself there.
fn shell_word(text: &str) -> String {
    let is_plain = |found: char| found.is_ascii_alphanumeric() || "-_./:@%+=,".contains(found);
    if !text.is_empty() && text.chars().all(is_plain) { text.to_owned() } else { quoted(text) }
}

/// In single quotes a POSIX shell changes nothing; a single quote itself stands between two quoted parts.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_function_is_read_from_its_arn() {
        let found = Function::of("arn:aws:lambda:eu-west-1:123456789012:function:shop");
        let parts = (found.name.as_str(), found.region.as_str(), found.account.as_str());
        assert_eq!(parts, ("shop", "eu-west-1", "123456789012"));
        assert_eq!(found.arn, "arn:aws:lambda:eu-west-1:123456789012:function:shop");
        assert_eq!(Function::of("odd").name, "");
    }

    #[test]
    fn only_who_invokes_by_the_alias_may_do_no_more_than_look() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:function:shop";
        assert!(only_looks(&format!("{arn}:look")));
        let function_named_look = arn.replace("shop", "look");
        for may_act in [arn, &function_named_look, &format!("{arn}:live"), &format!("{arn}:looks"), "look", ""] {
            assert!(!only_looks(may_act), "{may_act}");
        }
    }

    #[test]
    fn each_partition_has_a_console_of_its_own() {
        for (partition, region, link) in [
            ("aws", "eu-west-1", Some("https://console.aws.amazon.com/lambda/home?region=eu-west-1#/functions/shop")),
            (
                "aws-us-gov",
                "us-gov-west-1",
                Some("https://console.amazonaws-us-gov.com/lambda/home?region=us-gov-west-1#/functions/shop"),
            ),
            (
                "aws-cn",
                "cn-north-1",
                Some("https://console.amazonaws.cn/lambda/home?region=cn-north-1#/functions/shop"),
            ),
            ("aws-iso", "us-iso-east-1", None),
        ] {
            let arn = format!("arn:{partition}:lambda:{region}:123456789012:function:shop");
            assert_eq!(Function::of(&arn).console.as_deref(), link, "{partition}");
        }
    }

    #[test]
    fn nothing_of_an_arn_is_read_by_a_shell_as_more_than_a_word() {
        let command = Function::of("arn:aws:lambda:$HOME:123456789012:function:a;b").command(&Value::Null);
        assert!(command.contains("--function-name 'a;b' --region '$HOME' "), "{command}");
        let command = Function::of("odd").command(&Value::Null);
        assert!(command.contains("--function-name '' --region '' "), "{command}");
    }

    #[test]
    fn a_command_works_as_it_stands() {
        let function = Function::of("arn:aws:lambda:eu-west-1:123456789012:function:shop");
        assert_eq!(
            function.command(&serde_json::json!({"action": "status"})),
            "aws lambda invoke --function-name shop --region eu-west-1 --cli-binary-format raw-in-base64-out --payload \
             '{\"action\":\"status\"}' /dev/stdout"
        );
        let reason = "it's $HOME `id` \"x\" \\ ! *";
        let command = function.command(&serde_json::json!({"action": "off", "reason": reason}));
        // A shell reads the words; `printf` takes the place of the CLI.
        let shown = Command::new("sh").args(["-c", &command.replacen("aws", r"printf '%s\n'", 1)]).output();
        let words = String::from_utf8(shown.expect("a shell").stdout).expect("text");
        let words: Vec<&str> = words.lines().collect();
        let payload: Value = serde_json::from_str(words[9]).expect("JSON");
        assert_eq!((words.len(), &payload["reason"]), (11, &Value::from(reason)), "{words:?}");
    }
}
