//! Events as commands that can be pasted: what the function says to do next, and how to go on after an uncertain answer.

use serde_json::Value;

use crate::event::Event;

/// What the function puts between an aim and the event that reaches it.
const INVOKE: &str = ", invoke the function with ";

/// The flag of each field that is not in a place of its own.
const FLAGS: [(&str, &str); 15] = [
    ("start", "--start"),
    ("end", "--until"),
    ("duration", "--for"),
    ("every", "--every"),
    ("timezone", "--timezone"),
    ("message", "--message"),
    ("mute_alarms", "--mute-alarm"),
    ("at_end", "--at-end"),
    ("since", "--since"),
    ("until", "--until"),
    ("limit", "--limit"),
    ("reason", "--reason"),
    ("requested_by", "--requested-by"),
    ("request_id", "--request-id"),
    ("rules", "--rule"),
];

/// How this command was told where the function is, to be told again.
#[derive(Clone, Debug, Default)]
pub struct Prefix {
    /// `--function`, `--profile` and `--region`, as far as they were given.
    pub flags: Vec<(&'static str, String)>,
}

impl Prefix {
    /// The command that sends an event; none if there is none.
    #[must_use]
    pub fn command(&self, event: &Event) -> Option<String> {
        let action = event.get("action")?.as_str()?;
        let known = [
            "status",
            "check",
            "book",
            "on",
            "off",
            "extend",
            "reschedule",
            "cancel",
            "skip",
            "unskip",
            "pause",
            "resume",
            "edit",
            "history",
            "sweep",
        ];
        if !known.contains(&action) {
            return None;
        }
        let mut words = vec![action.to_owned()];
        words.extend(event.get("by").and_then(Value::as_str).map(|by| quoted(&short(by))));
        let id = event.get("id").and_then(Value::as_str).map(quoted);
        let (id, id_like_a_flag): (Vec<String>, Vec<String>) = id.into_iter().partition(|id| !id.starts_with('-'));
        words.extend(id);
        for (key, flag) in FLAGS {
            match event.get(key) {
                Some(Value::String(text)) if key == "duration" => {
                    words.push(valued(flag, &short(text)));
                }
                Some(Value::String(text)) => words.push(valued(flag, text)),
                Some(Value::Array(none)) if key == "mute_alarms" && none.is_empty() => {
                    words.push("--mute-none".to_owned());
                }
                Some(Value::Array(all)) => {
                    words.extend(all.iter().filter_map(Value::as_str).map(|one| valued(flag, one)));
                }
                Some(other) if !other.is_null() => words.push(valued(flag, &other.to_string())),
                _ => {}
            }
        }
        if event.get("dry_run") == Some(&Value::Bool(true)) {
            words.push("--dry-run".to_owned());
        }
        if event.get("format").and_then(Value::as_str) == Some("csv") {
            words.push("--csv".to_owned());
        }
        for id in id_like_a_flag {
            words.extend(["--".to_owned(), id]);
        }
        Some(self.with(&words.join(" ")))
    }

    /// The command with where the function is.
    #[must_use]
    pub fn with(&self, command: &str) -> String {
        let flags: String = self.flags.iter().map(|(flag, value)| valued(flag, value) + " ").collect();
        format!("mw {flags}{command}")
    }

    /// A next step as the function says it: the aim, and the command in place of the event.
    #[must_use]
    pub fn step(&self, sentence: &str) -> Option<(String, String)> {
        let (aim, event) = sentence.rsplit_once(INVOKE)?;
        let event: Event = serde_json::from_str(event).ok()?;
        Some((aim.to_owned(), self.command(&event)?))
    }
}

/// A flag and its value; in one word if the value looks like a flag.
fn valued(flag: &str, value: &str) -> String {
    let between = if value.starts_with('-') { "=" } else { " " };
    format!("{flag}{between}{}", quoted(value))
}

/// A duration as people write it, if it is one.
fn short(text: &str) -> String {
    match text.parse::<jiff::SignedDuration>() {
        Ok(duration) => {
            // A negative one would be written as "30m ago", which is no longer read as one.
            let sign = if duration.is_negative() { "-" } else { "" };
            format!("{sign}{:#}", duration.abs()).replace(' ', "")
        }
        Err(_) => text.to_owned(),
    }
}

/// A word for a shell.
#[must_use]
pub fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,=".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(event: &str) -> Option<String> {
        Prefix::default().command(&serde_json::from_str(event).expect("an event"))
    }

    #[test]
    fn an_event_becomes_the_command_that_sends_it() {
        for (event, command) in [
            (r#"{"action":"off","id":"a"}"#, "mw off a"),
            (r#"{"action":"off","id":"-a","reason":"b"}"#, "mw off --reason b -- -a"),
            (r#"{"action":"extend","id":"a","by":"PT30M"}"#, "mw extend 30m a"),
            (r#"{"action":"extend","id":"a","by":"-PT1H30M"}"#, "mw extend -1h30m a"),
            (
                r#"{"action":"on","duration":"PT30M","reason":"it's \"why\""}"#,
                r#"mw on --for 30m --reason 'it'\''s "why"'"#,
            ),
            (r#"{"action":"edit","id":"a","message":"","reason":"--x"}"#, "mw edit a --message '' --reason=--x"),
            (
                r#"{"action":"book","start":"04:00","rules":["a","b"],"dry_run":true}"#,
                "mw book --start 04:00 --rule a --rule b --dry-run",
            ),
            (r#"{"action":"on","mute_alarms":["shop 5xx","b"]}"#, "mw on --mute-alarm 'shop 5xx' --mute-alarm b"),
            (r#"{"action":"edit","id":"a","mute_alarms":[]}"#, "mw edit a --mute-none"),
            (r#"{"action":"history","limit":5}"#, "mw history --limit 5"),
            (r#"{"action":"history","format":"csv"}"#, "mw history --csv"),
            (r#"{"action":"history","until":"2026-12-06T03:00:02.25Z"}"#, "mw history --until 2026-12-06T03:00:02.25Z"),
        ] {
            assert_eq!(told(event).as_deref(), Some(command), "{event}");
        }
        assert_eq!(told(r#"{"action":"wake","id":"a"}"#), None);
        assert_eq!(told("{}"), None);
    }

    #[test]
    fn a_next_step_is_told_with_the_way_to_the_function() {
        let prefix = Prefix { flags: vec![("--function", "shop".to_owned()), ("--region", "eu-west-1".to_owned())] };
        let step = prefix.step(r#"to end window a now, invoke the function with {"action":"off","id":"a"}"#);
        let expected = ("to end window a now".to_owned(), "mw --function shop --region eu-west-1 off a".to_owned());
        assert_eq!(step, Some(expected));
        assert_eq!(prefix.step("fix what it names"), None);
    }
}
