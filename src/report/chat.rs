//! A report as the custom notification that Amazon Q Developer in chat applications shows in Slack and Teams.

use serde_json::{Value, json};

use super::Report;
use crate::{model::id::WindowId, plan::reports::Event};

impl Report {
    /// The custom notification that Amazon Q Developer in chat applications shows in Slack and Teams.
    /// A document of any other shape is dropped there without a word.
    #[must_use]
    pub fn chat(&self) -> Value {
        let id = self.window_id().map_or("no window", WindowId::as_str);
        let mut keywords = vec![self.event.word().to_owned()];
        keywords.extend(self.window_id().map(ToString::to_string));
        let mut content = json!({
            "textType": "client-markdown",
            "title": format!("{} {}", self.symbol(), self.title()),
            "description": format!("```\n{}```", self.details().replace("```", "'''")),
            "keywords": keywords,
        });
        if !self.next_steps.is_empty() {
            content["nextSteps"] = json!(self.next_steps);
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
            },
        })
    }

    fn symbol(&self) -> &'static str {
        match self.event {
            Event::Booked | Event::Rescheduled | Event::Extended | Event::Reminder | Event::EndingSoon => ":calendar:",
            Event::Started => ":construction:",
            Event::Completed | Event::Cancelled => ":white_check_mark:",
            Event::Overrunning | Event::Missed | Event::Drift | Event::Failed => ":warning:",
        }
    }
}
