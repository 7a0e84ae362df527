//! A report as the custom notification that Amazon Q Developer in chat applications shows in Slack and Teams.

use serde_json::{Value, json};

use super::{Report, command, words};
use crate::{
    model::{function::Function, id::WindowId},
    plan::reports::Event,
};

impl Report {
    /// The custom notification that Amazon Q Developer in chat applications shows in Slack and Teams.
    /// A document of any other shape is dropped there without a word.
    /// Its `metadata.additionalContext` holds strings and is not shown: `report` is the report's own document there, for
    /// programs that subscribe over HTTPS.
    #[must_use]
    pub fn chat(&self, function: &Function) -> Value {
        let id = self.name().map_or("no window", WindowId::as_str);
        let mut keywords = vec![self.event.word().to_owned()];
        keywords.extend(self.name().map(ToString::to_string));
        let console: String =
            function.console.iter().map(|link| format!("The function: {}\n", escaped(link))).collect();
        let mut content = json!({
            "textType": "client-markdown",
            "title": format!("{} {}", self.symbol(), escaped(&self.title())),
            "description": format!(
                "```\n{}```\n{console}{}:\n```{}```",
                escaped(&self.details(function)),
                words::COMMAND,
                escaped(&command(function)),
            ),
            "keywords": keywords,
        });
        if !self.next_steps.is_empty() {
            content["nextSteps"] = self.next_steps.iter().map(|step| escaped(step)).collect();
        }
        json!({
            "version": "1.0",
            "source": "custom",
            "id": self.report_id(),
            "content": content,
            "metadata": {
                "threadId": id,
                "summary": self.subject(),
                "eventType": self.event.word(),
                "relatedResources": self.rules.iter().map(|rule| rule.arn.as_str()).collect::<Vec<_>>(),
                "additionalContext": { "report": self.document(function).to_string() },
            },
        })
    }

    fn symbol(&self) -> &'static str {
        match self.event {
            Event::Booked
            | Event::Rescheduled
            | Event::Extended
            | Event::Edited
            | Event::Paused
            | Event::Resumed
            | Event::Skipped
            | Event::Unskipped
            | Event::Reminder
            | Event::EndingSoon => ":calendar:",
            Event::Started => ":construction:",
            Event::Completed | Event::Cancelled => ":white_check_mark:",
            Event::Overrunning | Event::Missed | Event::InAlarm | Event::Drift | Event::Failed => ":warning:",
        }
    }
}

/// The text so that chat shows it as it is: `&`, `<` and `>` as Slack demands them, everything else as it stands.
/// Three backticks would end the block of text that it stands in; a space without width keeps them apart.
///
/// Source: Slack's "Formatting text for app surfaces", section "Escaping text".
fn escaped(text: &str) -> String {
    let mut text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    while text.contains("```") {
        text = text.replace("```", "``\u{200b}`");
    }
    text
}
