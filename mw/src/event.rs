//! Commands as the function's events.

use serde_json::{Map, Value};

use crate::cli::{Asked, Check, Command, Extend, Mutes, Options, duration, word};

/// An event: the action and its fields.
pub type Event = Map<String, Value>;

/// The event of a command; none for those that send something else or nothing.
///
/// Times are sent as they were typed. `local_zone` names this machine's zone where the command asks for it.
///
/// # Errors
/// A sentence, if what was typed makes no event.
pub fn event(command: &Command, local_zone: &dyn Fn() -> Option<String>) -> Result<Option<Event>, String> {
    let zone = |zone: &Option<String>| named_zone(zone.as_ref(), local_zone);
    let mut fields = Fields::default();
    let action = match command {
        Command::Status(status) => {
            fields.text("id", status.id.as_ref());
            "status"
        }
        Command::Check(check) => {
            inquiry(&mut fields, check, zone(&check.options.timezone)?.as_ref());
            "check"
        }
        Command::Book(book) => {
            fields.text("id", book.id.as_ref());
            fields.text("start", book.start.as_ref());
            fields.text("end", book.until.as_ref());
            fields.text("duration", book.length.as_ref());
            fields.text("every", book.every.as_ref());
            fields.options(&book.options, zone(&book.options.timezone)?.as_ref());
            fields.dry_run(book.dry_run);
            fields.asked(&book.asked);
            "book"
        }
        Command::On(on) => {
            fields.text("id", on.id.as_ref());
            fields.text("end", on.until.as_ref());
            fields.text("duration", on.length.as_ref());
            fields.options(&on.options, zone(&on.options.timezone)?.as_ref());
            fields.dry_run(on.dry_run);
            fields.asked(&on.asked);
            "on"
        }
        Command::Off(off) => {
            fields.text("id", off.id.as_ref());
            fields.asked(&off.asked);
            "off"
        }
        Command::Extend(extend) => {
            extension(&mut fields, extend)?;
            fields.text("timezone", zone(&extend.timezone)?.as_ref());
            fields.asked(&extend.asked);
            "extend"
        }
        Command::Reschedule(moved) => {
            fields.text("id", Some(&moved.id));
            fields.text("start", moved.start.as_ref());
            fields.text("end", moved.until.as_ref());
            fields.text("duration", moved.length.as_ref());
            fields.text("timezone", zone(&moved.timezone)?.as_ref());
            fields.asked(&moved.asked);
            "reschedule"
        }
        Command::Cancel(cancel) => {
            fields.text("id", cancel.id.as_ref());
            fields.asked(&cancel.asked);
            "cancel"
        }
        Command::Skip(skip) | Command::Unskip(skip) => {
            fields.text("id", Some(&skip.id));
            fields.text("start", skip.start.as_ref());
            fields.text("timezone", zone(&skip.timezone)?.as_ref());
            fields.asked(&skip.asked);
            if matches!(command, Command::Skip(_)) { "skip" } else { "unskip" }
        }
        Command::Pause(series) | Command::Resume(series) => {
            fields.text("id", Some(&series.id));
            fields.asked(&series.asked);
            if matches!(command, Command::Pause(_)) { "pause" } else { "resume" }
        }
        Command::Edit(edit) => {
            fields.text("id", Some(&edit.id));
            fields.text("message", edit.message.as_ref());
            fields.mutes(&edit.mutes);
            fields.asked(&edit.asked);
            "edit"
        }
        Command::History(history) => {
            fields.text("id", history.id.as_ref());
            fields.text("since", history.since.as_ref());
            fields.text("until", history.until.as_ref());
            // Without a time there is nothing to read in a zone that the environment names.
            if history.since.is_some() || history.until.is_some() {
                fields.text("timezone", zone(&history.timezone)?.as_ref());
            }
            if let Some(limit) = history.limit {
                fields.0.insert("limit".to_owned(), limit.into());
            }
            if history.csv {
                fields.0.insert("format".to_owned(), "csv".into());
            }
            "history"
        }
        Command::Sweep => "sweep",
        Command::Watch(_) | Command::Completions { .. } | Command::Man { .. } => return Ok(None),
    };
    fields.0.insert("action".to_owned(), action.into());
    Ok(Some(fields.0))
}

/// The event that asks how the site stands.
#[must_use]
pub fn status() -> Event {
    Event::from_iter([("action".to_owned(), "status".into())])
}

/// The actions that decide something, each under a key.
#[must_use]
pub fn decides(event: &Event) -> bool {
    let reads = ["status", "check", "history", "help", "sweep"];
    event.get("action").and_then(Value::as_str).is_some_and(|action| !reads.contains(&action))
}

/// Whether the event only asks what would be done.
#[must_use]
pub fn is_dry_run(event: &Event) -> bool {
    event.get("dry_run") == Some(&Value::Bool(true))
}

fn inquiry(fields: &mut Fields, check: &Check, zone: Option<&String>) {
    fields.text("id", check.id.as_ref());
    fields.text("start", check.start.as_ref());
    fields.text("end", check.until.as_ref());
    fields.text("duration", check.length.as_ref());
    fields.text("every", check.every.as_ref());
    // A zone that the environment names changes nothing where there is no window to check.
    fields.options(&check.options, zone);
}

/// `BY [ID]`, or `[ID]` beside `--until`.
fn extension(fields: &mut Fields, extend: &Extend) -> Result<(), String> {
    // Beside --until the only word is the window.
    let (by, id) = match (&extend.by, &extend.id, &extend.until) {
        (None, _, None) => {
            return Err("expected how much later the window ends, such as `mw extend 30m`, or --until".to_owned());
        }
        (by, id, None) => (by.as_ref(), id.as_ref()),
        (id, None, Some(_)) => (None, id.as_ref()),
        (_, Some(_), Some(_)) => return Err("expected BY or --until, but found both".to_owned()),
    };
    if let Some(by) = by {
        let by = duration(by).map_err(|why| format!("'{by}': {why}, and then the window"))?;
        fields.text("by", Some(&by.to_string()));
    }
    fields.text("end", extend.until.as_ref());
    fields.text("id", id);
    Ok(())
}

fn named_zone(zone: Option<&String>, local: &dyn Fn() -> Option<String>) -> Result<Option<String>, String> {
    match zone {
        Some(zone) if zone.eq_ignore_ascii_case("local") => local().map(Some).ok_or_else(|| {
            "this machine's time zone has no name that is known here; name one, such as --timezone Europe/London"
                .to_owned()
        }),
        zone => Ok(zone.cloned()),
    }
}

#[derive(Default)]
struct Fields(Event);

impl Fields {
    /// An empty text is sent too: where a field that is left out means "all", an empty variable of a script must not.
    fn text(&mut self, key: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value.clone().into());
        }
    }

    fn dry_run(&mut self, is_one: bool) {
        if is_one {
            self.0.insert("dry_run".to_owned(), true.into());
        }
    }

    fn options(&mut self, options: &Options, zone: Option<&String>) {
        self.text("timezone", zone);
        if !options.rules.is_empty() {
            self.0.insert("rules".to_owned(), options.rules.clone().into());
        }
        self.text("message", options.message.as_ref());
        self.mutes(&options.mutes);
        self.text("at_end", options.at_end.as_ref().map(word).as_ref());
    }

    fn mutes(&mut self, mutes: &Mutes) {
        if mutes.mute_none || !mutes.mute_alarms.is_empty() {
            self.0.insert("mute_alarms".to_owned(), mutes.mute_alarms.clone().into());
        }
    }

    fn asked(&mut self, asked: &Asked) {
        self.text("reason", asked.reason.as_ref());
        self.text("requested_by", asked.requested_by.as_ref());
        self.text("request_id", asked.request_id.as_ref());
    }
}
