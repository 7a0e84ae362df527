//! The JSON Schemas in `schemas/`: what an event may say, what a report says, and what chat shows.
//!
//! The one of events is made from the types below, which only describe: the function reads events by hand, to name every
//! problem at once. So the tests hold the two against each other, field by field and event by event.
//! After a change to the types or to `events/`, `UPDATE_SCHEMAS=1 cargo test --test suite schemas` writes them anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    sync::OnceLock,
};

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use maintenance_window::{
    error::Error,
    event::{self, ACTIONS, Action},
    report::help,
};
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::world::{World, rule_arn};

/// For editors.
const EVENT: &str = "schemas/event.json";
/// For the Lambda console: the same in `OpenAPI`'s words, with the files of `events/` as shareable test events.
const TEST_EVENTS: &str = "schemas/test-events.json";

/// What the schema registry takes, in characters.
const CONTENT_MAX: usize = 100_000;
/// What the Lambda console takes for a test event's name, in characters.
const NAME_MAX: usize = 25;

mod shapes {
    //! Events as people write them, a type for each shape.
    #![expect(dead_code, reason = "the fields are read by the derive only")]

    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
    use serde_json::{Value, json};

    /// An event for the function.
    pub(super) struct Event;

    impl JsonSchema for Event {
        fn schema_name() -> Cow<'static, str> {
            "Event".into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let shapes = [
                generator.subschema_for::<Book>(),
                generator.subschema_for::<BookSeries>(),
                generator.subschema_for::<On>(),
                generator.subschema_for::<Off>(),
                generator.subschema_for::<Extend>(),
                generator.subschema_for::<Reschedule>(),
                generator.subschema_for::<Cancel>(),
                generator.subschema_for::<Edit>(),
                generator.subschema_for::<Skip>(),
                generator.subschema_for::<Unskip>(),
                generator.subschema_for::<Pause>(),
                generator.subschema_for::<Resume>(),
                generator.subschema_for::<Status>(),
                generator.subschema_for::<Check>(),
                generator.subschema_for::<CheckWindow>(),
                generator.subschema_for::<CheckSeries>(),
                generator.subschema_for::<History>(),
                generator.subschema_for::<Help>(),
                generator.subschema_for::<Sweep>(),
                generator.subschema_for::<Wake>(),
            ];
            json_schema!({
                "title": "Maintenance window event",
                "description": "What the maintenance-window function is asked to do.",
                "type": "object",
                "oneOf": shapes,
            })
        }
    }

    /// A date and a time, with hyphens and colons or without.
    macro_rules! local {
        () => {
            r"^([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})[Tt ]([0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?|[0-9]{4}([0-9]{2}(\.[0-9]{1,9})?)?)"
        };
    }
    /// What an offset from UTC looks like.
    macro_rules! offset {
        () => {
            r"([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)"
        };
    }
    /// A zone in brackets.
    macro_rules! zone {
        () => {
            r"\[!?([A-Za-z][A-Za-z0-9._+/-]*|[+-][0-9]{2}(:?[0-9]{2})?)\]"
        };
    }
    /// The calendar that programs name.
    macro_rules! calendar {
        () => {
            r"(\[!?u-ca=(gregory|iso8601)\])?$"
        };
    }
    /// A duration in either style.
    macro_rules! duration {
        () => {
            r"(P(\d+[WD])+(T([\d.]+[HMS])+)?|PT([\d.]+[HMS])+|([\d.]+ ?(weeks?|wks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s),? ?)+)"
        };
    }
    /// The names in the database of zones that are no places.
    macro_rules! nowhere {
        () => {
            "([Ee][Tt][Cc]/[Uu][Nn][Kk][Nn][Oo][Ww][Nn]|[Ff][Aa][Cc][Tt][Oo][Rr][Yy])"
        };
    }

    const DATE_TIME: &str = concat!(local!(), offset!(), "?(", zone!(), ")?", calendar!());
    const TIME: &str = concat!(
        local!(),
        offset!(),
        "?(",
        zone!(),
        ")?",
        calendar!(),
        "|^([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?(",
        offset!(),
        "|",
        zone!(),
        ")?$"
    );
    /// What a time with a place of its own has behind its clock: an offset or a zone.
    const PLACED: &str = r"(^[0-9]{1,2}:|[Tt ])[0-9:.]+([Zz+-]|\[[^=\]]+\])";
    const INSTANT: &str = concat!(local!(), "(", offset!(), "(", zone!(), ")?|", zone!(), ")", calendar!());
    const IN_NOWHERE: &str = concat!(r"\[!?", nowhere!(), r"\]");
    const NOWHERE: &str = concat!("^", nowhere!(), "$");
    const DURATION: &str = concat!("^", duration!(), "$");
    const DIFFERENCE: &str = concat!("^-?", duration!(), "$");

    /// Exactly one of the fields.
    fn one_of(fields: [&str; 2]) -> Value {
        json!({"oneOf": fields.map(|field| json!({"required": [field]}))})
    }

    /// Not all of the fields.
    fn not_both(fields: [&str; 2]) -> Value {
        json!({"not": {"required": fields}})
    }

    /// One of the fields at least.
    fn any_of(fields: [&str; 3]) -> Value {
        json!({"anyOf": fields.map(|field| json!({"required": [field]}))})
    }

    /// A time without a place is read in `timezone`, so one of the two there must be.
    fn placed(times: &[&str]) -> Value {
        let placed = json!({"pattern": PLACED});
        let times: serde_json::Map<String, Value> =
            times.iter().map(|time| ((*time).to_owned(), placed.clone())).collect();
        json!({"anyOf": [{"required": ["timezone"]}, {"properties": times}]})
    }

    /// A field that is there and says something.
    fn said(field: &str) -> Value {
        json!({"required": [field], "properties": {field: {"type": "string"}}})
    }

    /// The alarms that are muted, in a list that may be empty.
    fn muting() -> Value {
        json!({"required": ["mute_alarms"], "properties": {"mute_alarms": {"type": "array"}}})
    }

    /// Maintenance without an end cannot do anything at it.
    fn at_end_needs_an_end() -> Value {
        json!({"anyOf": [
            {"required": ["end"]},
            {"required": ["duration"]},
            {"properties": {"at_end": {"enum": ["reopen"]}}},
        ]})
    }

    /// A window's name: letters, digits, dots, underscores and hyphens. `status` lists the names in use.
    #[derive(JsonSchema)]
    #[schemars(extend("pattern" = "^[A-Za-z0-9._-]{1,40}$", "examples" = ["database-move"]))]
    struct Id(String);

    /// A series' name: short, since each of its windows adds its start.
    #[derive(JsonSchema)]
    #[schemars(extend("pattern" = "^[A-Za-z0-9._-]{1,25}$", "examples" = ["sunday-patching"]))]
    struct SeriesId(String);

    /// A time: in UTC or with an offset, with a zone, or as the clock on the wall shows it, in `timezone` or in the
    /// window's own zone. `04:00` is the next such time.
    #[derive(JsonSchema)]
    #[schemars(extend(
        "pattern" = TIME,
        "not" = json!({"pattern": IN_NOWHERE}),
        "examples" = ["2026-12-06T02:00:00Z", "2026-12-06T02:00[Europe/London]", "2026-12-06T02:00", "04:00"],
    ))]
    struct Time(String);

    /// A date and a time: in UTC or with an offset, with a zone, or as the clock on the wall shows it with `timezone`
    /// beside it.
    #[derive(JsonSchema)]
    #[schemars(extend(
        "pattern" = DATE_TIME,
        "not" = json!({"pattern": IN_NOWHERE}),
        "examples" = ["2026-12-06T02:00:00Z", "2026-12-06T02:00[Europe/London]", "2026-12-06T02:00"],
    ))]
    struct DateTime(String);

    /// An instant: in UTC, with an offset or with a zone.
    #[derive(JsonSchema)]
    #[schemars(extend(
        "pattern" = INSTANT,
        "not" = json!({"pattern": IN_NOWHERE}),
        "examples" = ["2026-12-06T02:00:00Z"],
    ))]
    struct Instant(String);

    /// How long, in weeks, days of 24 hours, hours, minutes and seconds: `PT2H30M` or `2h 30m`.
    #[derive(JsonSchema)]
    #[schemars(extend(
        "pattern" = DURATION,
        "examples" = ["PT2H", "2h 30m", "45m"],
    ))]
    struct Duration(String);

    /// How much later, as a duration; earlier with a minus before it.
    #[derive(JsonSchema)]
    #[schemars(extend("pattern" = DIFFERENCE, "examples" = ["PT30M", "-PT30M", "-1h 30m"]))]
    struct Difference(String);

    /// An IANA time zone: times without a place of their own are read in it, and reports tell their times in it too.
    #[derive(JsonSchema)]
    #[schemars(extend(
        "pattern" = "^[A-Za-z][A-Za-z0-9._+/-]*$",
        "not" = json!({"pattern": NOWHERE}),
        "examples" = ["Europe/London", "America/New_York", "Asia/Tokyo", "UTC"],
    ))]
    struct TimeZone(String);

    /// One line of text.
    #[derive(JsonSchema)]
    #[schemars(extend("maxLength" = 300, "pattern" = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
    struct Prose(String);

    /// The ARN of an Application Load Balancer's listener rule; one of `RuleArns`.
    #[derive(JsonSchema)]
    #[schemars(extend(
        "pattern" = "^arn:aws[a-z-]*:elasticloadbalancing:[^:]+:[^:]+:listener-rule/app/[^/]+/[^/]+/[^/]+/[^/]+$",
    ))]
    struct Rule(String);

    /// What happens at the end.
    #[derive(JsonSchema)]
    #[schemars(rename_all = "snake_case")]
    enum AtEnd {
        /// Visitors reach the site again.
        Reopen,
        /// The site stays in maintenance until `off`.
        Hold,
        /// Visitors reach the site again once a tester's request to `ProbeUrl` succeeds.
        ReopenIfHealthy,
    }

    /// Who asked, why, and under which key.
    #[derive(JsonSchema)]
    struct Asked {
        /// Who, for those who read the reports and the history.
        #[schemars(extend("examples" = ["ana@example.com"]))]
        requested_by: Option<Prose>,
        /// Why, for those who read the reports and the history.
        #[schemars(extend("examples" = ["Moving the database"]))]
        reason: Option<Prose>,
        /// A key of your own: what is asked twice under one key is decided once. A schedule made by hand sends
        /// `<aws.scheduler.execution-id>`, which EventBridge replaces.
        #[schemars(extend("pattern" = "^[!-~]{1,128}$", "examples" = ["<aws.scheduler.execution-id>"]))]
        request_id: Option<String>,
    }

    /// What every event that makes a window may say besides its times.
    #[derive(JsonSchema)]
    struct Options {
        /// Which rules; all of `RuleArns` if absent.
        #[schemars(length(min = 1))]
        rules: Option<Vec<Rule>>,
        timezone: Option<TimeZone>,
        #[schemars(flatten)]
        asked: Asked,
        /// A sentence for visitors, shown on the maintenance page.
        #[schemars(extend("examples" = ["Your basket is safe."]))]
        message: Option<Prose>,
        mute_alarms: Option<MuteAlarms>,
        at_end: Option<AtEnd>,
        /// Whether only to tell what would be done.
        dry_run: Option<bool>,
    }

    /// The alarms that are muted besides those of `MuteAlarms`, by their names; none at all if it is empty.
    #[derive(JsonSchema)]
    #[schemars(extend("maxItems" = 100, "examples" = [["shop-5xx"]]))]
    struct MuteAlarms(#[expect(dead_code, reason = "for its schema")] Vec<AlarmName>);

    /// The name of an alarm of `CloudWatch`.
    #[derive(JsonSchema)]
    #[schemars(extend("minLength" = 1, "maxLength" = 255))]
    struct AlarmName(#[expect(dead_code, reason = "for its schema")] String);

    /// What makes a series.
    #[derive(JsonSchema)]
    struct Recurring {
        /// The series' name; made of its expression, zone and rules if absent.
        id: Option<SeriesId>,
        /// When it recurs, as EventBridge writes it: `cron(minutes hours day-of-month month day-of-week year)`, read in
        /// `timezone`, or `rate(value unit)`.
        #[schemars(
            length(max = 256),
            regex(pattern = r"^ *(cron|rate)\([ -~]+\) *$"),
            extend("examples" = ["cron(0 2 ? * SUN *)", "rate(7 days)"])
        )]
        every: String,
        /// How long each window lasts.
        duration: Duration,
        /// The first moment it may start; a rate counts from here.
        start: Option<Time>,
    }

    /// Books a window. The same event again books nothing more.
    #[derive(JsonSchema)]
    #[schemars(
        title = "Book a window",
        deny_unknown_fields,
        extend("allOf" = [one_of(["end", "duration"]), placed(&["start", "end"])])
    )]
    struct Book {
        /// May be left out beside `start`.
        #[schemars(extend("const" = "book"))]
        action: Option<String>,
        /// The window's name; made of its times and rules if absent.
        id: Option<Id>,
        /// When maintenance starts.
        start: Time,
        /// When it ends.
        end: Option<Time>,
        /// How long it lasts, instead of `end`.
        duration: Option<Duration>,
        #[schemars(flatten)]
        options: Options,
    }

    /// Books a window that recurs. Each occurrence becomes a window of its own, named after the series and its start.
    #[derive(JsonSchema)]
    #[schemars(
        title = "Book a series of windows",
        deny_unknown_fields,
        extend("allOf" = [placed(&["start"])])
    )]
    struct BookSeries {
        /// May be left out beside `every`.
        #[schemars(extend("const" = "book"))]
        action: Option<String>,
        #[schemars(flatten)]
        times: Recurring,
        #[schemars(flatten)]
        options: Options,
    }

    /// Starts maintenance now: for a while, until a time, or open-ended until `off`.
    #[derive(JsonSchema)]
    #[schemars(
        title = "Switch maintenance on",
        deny_unknown_fields,
        extend("allOf" = [not_both(["end", "duration"]), at_end_needs_an_end(), placed(&["end"])])
    )]
    struct On {
        #[schemars(extend("const" = "on"))]
        action: String,
        /// The window's name; made of its end and rules if absent.
        id: Option<Id>,
        /// When it ends.
        end: Option<Time>,
        /// How long it lasts, instead of `end`.
        duration: Option<Duration>,
        #[schemars(flatten)]
        options: Options,
    }

    /// Ends maintenance now.
    #[derive(JsonSchema)]
    #[schemars(title = "Switch maintenance off", deny_unknown_fields)]
    struct Off {
        #[schemars(extend("const" = "off"))]
        action: String,
        /// Which window; all active ones if absent.
        id: Option<Id>,
        #[schemars(flatten)]
        asked: Asked,
    }

    /// Moves the end of a booked or active window.
    #[derive(JsonSchema)]
    #[schemars(
        title = "Extend a window",
        deny_unknown_fields,
        extend("allOf" = [one_of(["by", "end"])])
    )]
    struct Extend {
        #[schemars(extend("const" = "extend"))]
        action: String,
        /// Which window; the only one if absent.
        id: Option<Id>,
        /// How much later it ends; how much earlier with a minus before it.
        by: Option<Difference>,
        /// When it ends, instead of `by`.
        end: Option<Time>,
        timezone: Option<TimeZone>,
        #[schemars(flatten)]
        asked: Asked,
    }

    /// Moves a booked window. What is absent stays, and the length stays unless an end or a duration is given.
    #[derive(JsonSchema)]
    #[schemars(
        title = "Reschedule a window",
        deny_unknown_fields,
        extend("allOf" = [
            any_of(["start", "end", "duration"]),
            not_both(["end", "duration"])
        ])
    )]
    struct Reschedule {
        #[schemars(extend("const" = "reschedule"))]
        action: String,
        /// Which window.
        id: Id,
        /// When it starts instead.
        start: Option<Time>,
        /// When it ends instead.
        end: Option<Time>,
        /// How long it lasts instead.
        duration: Option<Duration>,
        timezone: Option<TimeZone>,
        #[schemars(flatten)]
        asked: Asked,
    }

    /// Drops a booked window, or a whole series.
    #[derive(JsonSchema)]
    #[schemars(title = "Cancel a window", deny_unknown_fields)]
    struct Cancel {
        #[schemars(extend("const" = "cancel"))]
        action: String,
        /// Which window or series; the only one if absent.
        id: Option<Id>,
        #[schemars(flatten)]
        asked: Asked,
    }

    /// Leaves out one occurrence of a series.
    #[derive(JsonSchema)]
    #[schemars(title = "Skip one of a series", deny_unknown_fields)]
    struct Skip {
        #[schemars(extend("const" = "skip"))]
        action: String,
        /// Which series.
        id: Id,
        /// The start that is left out; the next one if absent.
        start: Option<Time>,
        timezone: Option<TimeZone>,
        #[schemars(flatten)]
        asked: Asked,
    }

    /// Takes back that one of a series' windows is left out.
    #[derive(JsonSchema)]
    #[schemars(title = "Take a skip back", deny_unknown_fields)]
    struct Unskip {
        #[schemars(extend("const" = "unskip"))]
        action: String,
        /// Which series.
        id: Id,
        /// The start that is no longer left out; the next one that is if absent.
        start: Option<Time>,
        timezone: Option<TimeZone>,
        #[schemars(flatten)]
        asked: Asked,
    }

    /// Changes what a window or series says; what is absent stays, and an empty text takes it away.
    #[derive(JsonSchema)]
    #[schemars(
        title = "Edit the reason, the message or the alarms that are muted",
        deny_unknown_fields,
        extend("allOf" = [json!({"anyOf": [said("reason"), said("message"), muting()]})])
    )]
    struct Edit {
        #[schemars(extend("const" = "edit"))]
        action: String,
        /// Which window or series.
        id: Id,
        /// A sentence for visitors, shown on the maintenance page.
        message: Option<Prose>,
        mute_alarms: Option<MuteAlarms>,
        #[schemars(flatten)]
        asked: Asked,
    }

    /// Lets a series rest until it is resumed.
    #[derive(JsonSchema)]
    #[schemars(title = "Pause a series", deny_unknown_fields)]
    struct Pause {
        #[schemars(extend("const" = "pause"))]
        action: String,
        /// Which series.
        id: Id,
        #[schemars(flatten)]
        asked: Asked,
    }

    /// Lets a paused series go on.
    #[derive(JsonSchema)]
    #[schemars(title = "Resume a series", deny_unknown_fields)]
    struct Resume {
        #[schemars(extend("const" = "resume"))]
        action: String,
        /// Which series.
        id: Id,
        #[schemars(flatten)]
        asked: Asked,
    }

    /// Tells how things stand. Changes nothing.
    #[derive(JsonSchema)]
    #[schemars(title = "Ask how things stand", deny_unknown_fields)]
    struct Status {
        #[schemars(extend("const" = "status"))]
        action: String,
        /// Which window or series; all if absent.
        id: Option<Id>,
    }

    /// Finds what would make a window fail, from the settings to the rules. Changes nothing.
    #[derive(JsonSchema)]
    #[schemars(title = "Check the settings", deny_unknown_fields)]
    struct Check {
        #[schemars(extend("const" = "check"))]
        action: String,
        /// A window's name, to see whether it can be one.
        id: Option<Id>,
        #[schemars(flatten)]
        options: Options,
    }

    /// Finds what would make this window fail, before it is booked. Changes nothing.
    #[derive(JsonSchema)]
    #[schemars(
        title = "Check a window",
        deny_unknown_fields,
        extend("allOf" = [one_of(["end", "duration"]), placed(&["start", "end"])])
    )]
    struct CheckWindow {
        #[schemars(extend("const" = "check"))]
        action: String,
        /// The window's name.
        id: Option<Id>,
        /// When maintenance would start.
        start: Time,
        /// When it would end.
        end: Option<Time>,
        /// How long it would last, instead of `end`.
        duration: Option<Duration>,
        #[schemars(flatten)]
        options: Options,
    }

    /// Finds what would make the windows of this series fail, before it is booked. Changes nothing.
    #[derive(JsonSchema)]
    #[schemars(
        title = "Check a series of windows",
        deny_unknown_fields,
        extend("allOf" = [placed(&["start"])])
    )]
    struct CheckSeries {
        #[schemars(extend("const" = "check"))]
        action: String,
        #[schemars(flatten)]
        times: Recurring,
        #[schemars(flatten)]
        options: Options,
    }

    /// Tells of windows and series that are over, the newest first. Changes nothing.
    #[derive(JsonSchema)]
    #[schemars(
        title = "Look into the history",
        deny_unknown_fields,
        extend("allOf" = [placed(&["since", "until"])])
    )]
    struct History {
        #[schemars(extend("const" = "history"))]
        action: String,
        /// Which window or series; all if absent.
        id: Option<Id>,
        /// Only what ended since.
        since: Option<DateTime>,
        /// Only what ended before.
        until: Option<DateTime>,
        timezone: Option<TimeZone>,
        /// How many at most; 20 if absent, or 200 as comma-separated values.
        #[schemars(range(min = 1, max = 200))]
        limit: Option<u8>,
        format: Option<Format>,
    }

    /// In which form: objects of the answer, or one text of comma-separated values.
    #[derive(JsonSchema)]
    #[schemars(rename_all = "snake_case")]
    enum Format {
        Json,
        Csv,
    }

    /// Tells what can be sent, with examples; so does an empty event. Changes nothing.
    #[derive(JsonSchema)]
    #[schemars(title = "Help", deny_unknown_fields)]
    struct Help {
        #[schemars(extend("const" = "help"))]
        action: Option<String>,
    }

    /// Brings every window and rule to where it should be. A rule of EventBridge asks for it every five minutes.
    #[derive(JsonSchema)]
    #[schemars(title = "Sweep", deny_unknown_fields)]
    struct Sweep {
        #[schemars(extend("const" = "sweep"))]
        action: String,
    }

    /// What the function's own schedules say when they wake it. Not for people: `sweep` does the same.
    #[derive(JsonSchema)]
    #[schemars(title = "Wake", deny_unknown_fields)]
    struct Wake {
        #[schemars(extend("const" = "wake"))]
        action: String,
        /// The window it is about.
        id: Id,
        /// The moment to wait for.
        due: Option<Instant>,
    }
}

/// A schema that can be asked.
pub(crate) struct Judge {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Judge {
    /// The schema at `pointer` in the document, by the rules of `draft` unless it names its own.
    fn new(document: Value, pointer: &str, draft: Draft) -> Self {
        let place = "https://example.com/schema.json";
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.set_default_draft(draft);
        compiler.enable_format_assertions();
        compiler.add_resource(place, document).expect("a place");
        let index = compiler.compile(&format!("{place}#{pointer}"), &mut schemas);
        let index = index.unwrap_or_else(|error| panic!("{error:#}"));
        Self { schemas, index }
    }

    fn committed(path: &str) -> Self {
        Self::new(read(path), "", Draft::V2020_12)
    }

    pub(crate) fn refusal(&self, value: &Value) -> Option<String> {
        self.schemas.validate(value, self.index).err().map(|error| format!("{error:#}"))
    }
}

/// Asserts that a report is as `schemas/report.json` and `schemas/chat.json` promise its readers.
#[track_caller]
pub(crate) fn assert_report(document: &Value, chat: &Value) {
    static REPORT: OnceLock<Judge> = OnceLock::new();
    static CHAT: OnceLock<Judge> = OnceLock::new();
    for (judge, path, value) in [(&REPORT, "schemas/report.json", document), (&CHAT, "schemas/chat.json", chat)] {
        if let Some(refusal) = judge.get_or_init(|| Judge::committed(path)).refusal(value) {
            panic!("{path}: {refusal}\n{value:#}");
        }
    }
    let inner = chat["metadata"]["additionalContext"]["report"].as_str().expect("a document in the document");
    assert_eq!(&serde_json::from_str::<Value>(inner).expect("JSON"), document, "HTTPS gets what queues get");
}

fn at_root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(at_root(path)).expect(path)).expect(path)
}

/// Every file in `events/`, by name; what a dashboard sends is in a folder of it and has no schema.
fn examples() -> BTreeMap<String, Value> {
    let files = fs::read_dir(at_root("events")).expect("events");
    files
        .map(|file| file.expect("a file").path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, serde_json::from_str(&fs::read_to_string(&path).expect("text")).expect("JSON"))
        })
        .collect()
}

/// An absent field says the same as null, and better: nobody should be offered null.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(without_null),
        Value::Object(map) => {
            map.values_mut().for_each(without_null);
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|found| found != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(any)) = map.get_mut("anyOf") {
                any.retain(|found| *found != json!({"type": "null"}));
                if let [Value::Object(only)] = any.as_slice() {
                    let only = only.clone();
                    map.remove("anyOf");
                    map.extend(only);
                }
            }
        }
        _ => {}
    }
}

fn generator(mut settings: SchemaSettings) -> SchemaGenerator {
    let lean = |schema: &mut Schema| {
        let mut value = std::mem::take(schema).to_value();
        without_null(&mut value);
        *schema = value.try_into().expect("a schema");
    };
    settings.transforms.insert(0, Box::new(lean));
    settings.into_generator()
}

/// The schema for editors; each shape has its examples from `events/`.
fn event_schema() -> Value {
    let settings = SchemaSettings::draft2020_12();
    let mut schema = generator(settings).into_root_schema_for::<shapes::Event>().to_value();
    let judges = shapes_of(&schema);
    for event in examples().into_values() {
        let examples = &mut schema["$defs"][shape_of(&judges, &event)]["examples"];
        match examples.as_array_mut() {
            Some(examples) => examples.push(event),
            None => *examples = json!([event]),
        }
    }
    schema
}

/// The document that the Lambda console keeps shareable test events in.
fn test_events() -> Value {
    let mut generator = generator(SchemaSettings::openapi3());
    generator.subschema_for::<shapes::Event>();
    let examples: Map<String, Value> =
        examples().into_iter().map(|(name, event)| (name, json!({ "value": event }))).collect();
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Maintenance window events", "version": "1.0.0"},
        "paths": {},
        "components": {"schemas": generator.take_definitions(true), "examples": examples},
    })
}

/// A judge for each shape of event, by its name.
fn shapes_of(schema: &Value) -> BTreeMap<String, Judge> {
    let shapes = schema["oneOf"].as_array().expect("shapes");
    let names = shapes.iter().map(|shape| shape["$ref"].as_str().and_then(|path| path.strip_prefix('#')));
    names
        .map(|pointer| {
            let pointer = pointer.expect("a reference");
            let name = pointer.rsplit('/').next().unwrap_or_default().to_owned();
            (name, Judge::new(schema.clone(), pointer, Draft::V2020_12))
        })
        .collect()
}

#[track_caller]
fn shape_of<'a>(judges: &'a BTreeMap<String, Judge>, event: &Value) -> &'a str {
    let fits: Vec<&String> =
        judges.iter().filter(|(_, judge)| judge.refusal(event).is_none()).map(|(name, _)| name).collect();
    match fits.as_slice() {
        [only] => only,
        _ => panic!("expected exactly one shape to fit {event}, but found {fits:?}"),
    }
}

/// Both forms of the schema: the second by the rules of draft 4, which is what the registry knows.
pub(crate) fn both() -> [Judge; 2] {
    [Judge::new(event_schema(), "", Draft::V2020_12), Judge::new(test_events(), "/components/schemas/Event", Draft::V4)]
}

/// What the function has against an event; of a check, what it finds wrong with its description.
fn refusals(world: &World, event: &Value) -> Vec<String> {
    match event::read(event, world.now(), &world.config()) {
        Ok(request) => match request.action {
            Action::Check(inquiry) => inquiry.problems,
            _ => vec![],
        },
        Err(Error::InvalidEvent(problems)) => {
            assert!(!problems.is_empty(), "{event} is refused without a word");
            problems
        }
        Err(error) => panic!("{event}: {}", error.full()),
    }
}

fn action_of(event: &Value) -> String {
    event["action"].as_str().unwrap_or("book").to_owned()
}

#[test]
fn the_committed_schemas_are_those_of_the_types_and_examples() {
    for (path, schema) in [(EVENT, event_schema()), (TEST_EVENTS, test_events())] {
        let text = format!("{schema:#}\n");
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            fs::write(at_root(path), &text).expect(path);
        }
        let committed = fs::read_to_string(at_root(path)).unwrap_or_default();
        assert!(
            committed == text,
            "{path} is out of date; write it anew with UPDATE_SCHEMAS=1 cargo test --test suite schemas"
        );
    }
}

#[test]
fn the_registry_and_the_console_take_the_test_events() {
    let length = format!("{:#}", test_events()).chars().count();
    assert!(length < CONTENT_MAX, "{length} characters");
    for name in examples().keys() {
        let fine =
            name.len() <= NAME_MAX && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        assert!(fine, "{name}");
    }
}

#[test]
fn every_example_is_of_one_shape_and_every_shape_has_one() {
    let schema = event_schema();
    let judges = shapes_of(&schema);
    let both = both();
    let mut seen = BTreeSet::new();
    for (name, event) in examples() {
        for judge in &both {
            assert_eq!(judge.refusal(&event), None, "{name}");
        }
        seen.insert(shape_of(&judges, &event).to_owned());
    }
    assert_eq!(seen, judges.into_keys().collect());
}

/// Every word that stands in quotes where events are read is tried as a field of every example: the function itself says
/// whether it knows it.
#[tokio::test(start_paused = true)]
async fn the_schema_and_the_function_know_the_same_fields() {
    let world = World::probed(1);
    let schema = event_schema();
    let judges = shapes_of(&schema);
    let source: String = ["mod", "fields", "booking"]
        .map(|file| fs::read_to_string(at_root(&format!("src/event/{file}.rs"))).expect("text"))
        .concat();
    let is_word = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let words: BTreeSet<&str> = source.split('"').filter(is_word).collect();
    let mut known_to_function: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut known_to_schema = known_to_function.clone();
    for event in examples().into_values() {
        let action = action_of(&event);
        let known = |word: &str| {
            let mut event = event.clone();
            if event.get(word).is_none() {
                event[word] = json!(7);
            }
            let unknown = format!("{word}: {action} knows no such field");
            !refusals(&world, &event).iter().any(|problem| problem.starts_with(&unknown))
        };
        let properties = schema["$defs"][shape_of(&judges, &event)]["properties"].as_object().expect("properties");
        for property in properties.keys() {
            assert!(known(property), "the schema lets {action} say {property}, which the function does not know");
        }
        // A wake-up may say more, since another version of the function may have made it: what it says is not read.
        let words = words.iter().filter(|word| known(word) && (action != "wake" || properties.contains_key(**word)));
        let words = words.map(ToString::to_string);
        known_to_function.entry(action.clone()).or_default().extend(words);
        known_to_schema.entry(action).or_default().extend(properties.keys().cloned());
    }
    assert_eq!(known_to_schema, known_to_function);
    assert_eq!(known_to_schema.keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(ACTIONS));
}

#[test]
fn help_names_each_action_that_people_use_with_the_fields_of_the_schema() {
    let schema = event_schema();
    let judges = shapes_of(&schema);
    let of_asking = ["action", "requested_by", "reason", "request_id"];
    let mut in_schema: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in examples().into_values() {
        let properties = schema["$defs"][shape_of(&judges, &event)]["properties"].as_object().expect("properties");
        let fields = properties.keys().filter(|key| !of_asking.contains(&key.as_str())).cloned();
        in_schema.entry(action_of(&event)).or_default().extend(fields);
    }
    // What schedules send.
    assert!(in_schema.remove("sweep").is_some() && in_schema.remove("wake").is_some());
    let mut in_help: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in help::LINES {
        let words = line.needs.split([',', ' ']).chain(line.may.split([',', ' '])).map(str::to_owned);
        let no_fields = ["", "and", "or"];
        let fields = words.filter(|word| ![no_fields.as_slice(), &of_asking].concat().contains(&word.as_str()));
        in_help.entry(line.action.to_owned()).or_default().extend(fields);
    }
    assert_eq!(in_help, in_schema);
    let notes = help::NOTES.concat();
    assert!(of_asking[1..].iter().all(|field| notes.contains(field)), "{notes}");
    assert_eq!(notes.matches("sweep and wake").count(), 1, "{notes}");
}

#[tokio::test(start_paused = true)]
async fn what_people_write_is_accepted_by_both() {
    let (world, judges) = (World::probed(1), both());
    let rule = rule_arn(0);
    for event in [
        json!({"start": "2026-12-06T02:00Z", "end": "2026-12-06T04:00+00:00"}),
        json!({"start": "2026-12-06 02:00:00+01", "duration": "90 minutes"}),
        json!({"start": "2026-12-06T02:00[America/Argentina/Buenos_Aires]", "duration": "1h30m"}),
        json!({"start": "2026-12-06T02:00:00.5Z", "duration": "PT0.5H"}),
        json!({"start": "2026-12-06T02:00+00:00[Europe/London]", "duration": "1 hour, 30 mins"}),
        json!({"start": "2026-12-06T02:00", "end": "2026-12-06T04:00:00", "timezone": "Etc/GMT+5"}),
        json!({"start": "20261206T020000Z", "end": "20261206T0400+0000"}),
        json!({"start": "20261206t0200", "end": "2026-12-06 04:00:00.25z", "timezone": "Europe/London"}),
        json!({"start": "2026-12-06T02:00[!Europe/London][u-ca=gregory]", "end": "2026-12-06T05:00[+01:00]"}),
        json!({"start": "2026-12-06T02:00[u-ca=iso8601]", "duration": "PT2H", "timezone": "UTC"}),
        json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "request_id": "<aws.scheduler.execution-id>"}),
        json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "requested_by": "Zoë", "request_id": "!~"}),
        json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "at_end": "hold", "rules": [rule], "dry_run": false}),
        json!({"start": "2026-12-06T02:00Z", "duration": "P1D", "at_end": "reopen_if_healthy", "id": "a.B-1_"}),
        json!({"every": "rate(7 days)", "duration": "PT2H"}),
        json!({"every": "cron(30 1 ? * MON-FRI *)", "duration": "45m", "start": "2027-01-01T00:00Z", "id": "patching"}),
        json!({"action": "on", "end": "2026-12-06T02:00Z", "at_end": "hold"}),
        json!({"action": "on", "at_end": "reopen", "message": "Zurück um 5"}),
        json!({"action": "extend", "id": "w", "end": "2026-12-06T02:00Z"}),
        json!({"action": "extend", "id": "w", "end": "2026-12-06T02:00"}),
        json!({"action": "extend", "id": "w", "end": "04:00"}),
        json!({"action": "extend", "id": "w", "end": "4:00:30", "timezone": "Europe/London"}),
        json!({"action": "extend", "id": "w", "by": "-PT30M"}),
        json!({"action": "extend", "id": "w", "by": "-1h 30m"}),
        json!({"action": "reschedule", "id": "w", "start": "23:00", "end": "04:00"}),
        json!({"action": "skip", "id": "w", "start": "2026-12-06T02:00"}),
        json!({"action": "skip", "id": "w", "start": "02:00"}),
        json!({"action": "on", "end": "04:00", "timezone": "Europe/London"}),
        json!({"action": "on", "end": "04:00+01:00"}),
        json!({"start": "22:00", "end": "02:00", "timezone": "Europe/London"}),
        json!({"start": "22:00Z", "duration": "PT2H"}),
        json!({"action": "reschedule", "id": "w", "duration": "PT3H"}),
        json!({"action": "reschedule", "id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z"}),
        json!({"action": "skip", "id": "w"}),
        json!({"action": "extend", "by": "PT30M"}),
        json!({"action": "cancel"}),
        json!({"action": "unskip", "id": "w"}),
        json!({"action": "edit", "id": "w", "reason": "why"}),
        json!({"action": "edit", "id": "w", "message": ""}),
        json!({"action": "edit", "id": "w", "mute_alarms": []}),
        json!({"action": "on", "mute_alarms": ["site-5xx", "a, b"]}),
        json!({"action": "off", "requested_by": "ana", "reason": "done", "request_id": "1"}),
        json!({"action": "extend", "id": "w", "by": "PT5M", "requested_by": "ana", "reason": "slow"}),
        json!({"action": "reschedule", "id": "w", "duration": "PT3H", "request_id": "a".repeat(128)}),
        json!({"action": "cancel", "id": "w", "request_id": "c"}),
        json!({"action": "skip", "id": "w", "request_id": "s"}),
        json!({"action": "pause", "id": "w", "reason": "holidays"}),
        json!({"action": "resume", "id": "w", "requested_by": "ana"}),
        json!({"action": "history", "id": "w", "since": "2026-11-01T00:00[Europe/London]", "limit": 200}),
        json!({"action": "history", "since": "2026-11-01T00:00", "until": "2026-12-01T00:00", "timezone": "UTC"}),
        json!({"action": "history", "limit": 1}),
        json!({"action": "history", "format": "csv"}),
        json!({"action": "check", "rules": [rule], "requested_by": "ana"}),
        json!({"action": "wake", "id": "w"}),
        json!({}),
    ] {
        assert_eq!(refusals(&world, &event), Vec::<String>::new(), "{event}");
        for judge in &judges {
            assert_eq!(judge.refusal(&event), None, "{event}");
        }
    }
}

/// Every way to put a time together, with what is lost or changed in pasting.
fn written_times() -> Vec<String> {
    let brackets = [
        "",
        "[Europe/London]",
        "[!europe/london]",
        "[u-ca=gregory]",
        "[!u-ca=iso8601]",
        "[u-ca=hebrew]",
        "[Europe/London][u-ca=gregory]",
        "[+00:00]",
        "[+00:0]",
        "[Factory]",
        "[!etc/unknown]",
        "[Europe/London",
        "Europe/London]",
        "[]",
    ];
    let mut written = vec!["1796522400".to_owned(), "1796522400000".to_owned(), "2026-12-06".to_owned(), String::new()];
    for date in ["2026-12-06T", "20261206T", "2026-12-06t", "2026-12-06 ", "2026-12-06", "T", ""] {
        for clock in ["02:00", "0200", "2:00", "02:00:00", "020000", "02:00:00.5", "02:00:00.", "02"] {
            for offset in ["", "Z", "z", "+00:00", "-00", "+0"] {
                written.extend(brackets.map(|bracket| format!("{date}{clock}{offset}{bracket}")));
            }
        }
    }
    written
}

#[tokio::test(start_paused = true)]
async fn the_schema_and_the_function_agree_on_every_time_that_is_pasted() {
    let (world, judges) = (World::probed(1), both());
    let agree = |event: Value| -> bool {
        let problems = refusals(&world, &event);
        for judge in &judges {
            assert_eq!(judge.refusal(&event).is_none(), problems.is_empty(), "{event}: {problems:?}");
        }
        problems.is_empty()
    };
    let mut accepted = 0;
    for text in written_times() {
        accepted += usize::from(agree(json!({"start": text, "duration": "PT2H"})));
        accepted += usize::from(agree(json!({"action": "on", "end": text, "timezone": "Europe/London"})));
        accepted += usize::from(agree(json!({"action": "extend", "id": "w", "end": text})));
        accepted += usize::from(agree(json!({"action": "history", "since": text})));
        accepted += usize::from(agree(json!({"action": "history", "until": text})));
        accepted += usize::from(agree(json!({"action": "wake", "id": "w", "due": text})));
    }
    assert!(accepted > 1000, "{accepted}");
    let odd = "\t\n\u{a0}\u{ad}\u{2009}\u{200b}\u{200d}\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2015}\u{202f}\u{2060}\
               \u{2212}\u{feff}\u{fe63}\u{ff0d}";
    for text in ["2026-12-06T02:00-05:00", "2026-12-06 02:00[America/Port-au-Prince]", "04:00Z"] {
        for character in odd.chars() {
            for place in 0..=text.len() {
                for taken in [0, 1] {
                    let (before, rest) = text.split_at(place);
                    let pasted = format!("{before}{character}{}", rest.get(taken..).unwrap_or_default());
                    let event = json!({"start": pasted, "duration": "PT2H"});
                    let problems = refusals(&world, &event).join("; ");
                    assert!(!agree(event), "{pasted:?}");
                    let told = format!("U+{:04X}", u32::from(character));
                    assert!(problems.contains(&told) && problems.contains("as character"), "{pasted:?}: {problems}");
                }
            }
        }
    }
}

/// Asserts that each event is refused by the schema and by the function, which names the field.
async fn refused_by_both(events: &[(Value, &str)]) {
    let (world, judges) = (World::probed(1), both());
    for (event, field) in events {
        let problems = refusals(&world, event);
        assert!(problems.iter().any(|problem| problem.starts_with(field)), "{event}: {problems:?}");
        for judge in &judges {
            assert!(judge.refusal(event).is_some(), "the schema accepts {event}, but {problems:?}");
        }
        let answer = world.invoke(event.clone()).await;
        let blocked = answer.as_ref().is_ok_and(|answer| answer.outcome == "blocked");
        assert!(answer.is_err_and(|error| error.kind() == "InvalidEvent") || blocked, "{event}");
    }
    // A check reads; nothing else asked AWS for anything.
    let looks = ["DescribeRules", "DescribeListeners", "Query", "GetItem", "GetTopicAttributes", "GetSchedule"];
    let reads = |call: &String| looks.contains(&call.as_str());
    let calls = world.take_calls();
    assert!(calls.iter().all(reads), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_window_is_refused_by_both() {
    let network = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/net/web/1/2/3";
    let long = "x".repeat(301);
    refused_by_both(&[
        (json!("status"), "expected a JSON object"),
        (json!([]), "expected a JSON object"),
        (json!({"action": "help", "id": "w"}), "id"),
        (json!({"requested_by": "ana"}), "action"),
        (json!({"action": "destroy"}), "action"),
        (json!({"action": "Status"}), "action"),
        (json!({"action": 1, "start": "2026-12-06T02:00Z", "duration": "PT2H"}), "action"),
        (json!({"action": "book"}), "start"),
        (json!({"action": "book", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06T02:00Z"}), "end"),
        (json!({"start": "2026-12-06T02:00Z", "end": "2026-12-06T04:00Z", "duration": "PT2H"}), "end"),
        (json!({"start": "2026-12-06T02:00Z", "end": "2026-12-06T04:00"}), "end"),
        (json!({"start": 1_780_000_000, "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "end_at": "x"}), "end_at"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "id": "with blank"}), "id"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "id": "x".repeat(41)}), "id"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "id": ""}), "id"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "reason": long}), "reason"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "requested_by": "two\nlines"}), "requested_by"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "booked_by": "ana"}), "booked_by"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "request_id": ""}), "request_id"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "request_id": "a b"}), "request_id"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "request_id": "é"}), "request_id"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "request_id": "x".repeat(129)}), "request_id"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "request_id": 7}), "request_id"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "message": 7}), "message"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "at_end": "close"}), "at_end"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "dry_run": "yes"}), "dry_run"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "rules": []}), "rules"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "rules": rule_arn(0)}), "rules"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "rules": [network]}), "rules"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "rules": null}), "rules"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "end": null}), "end"),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_time_zone_or_duration_is_refused_by_both() {
    refused_by_both(&[
        (json!({"start": "2026-12-06T02:00", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06", "duration": "PT2H", "timezone": "Europe/London"}), "start"),
        (json!({"start": "2026-12-06", "duration": "PT2H"}), "start"),
        (json!({"start": "tomorrow", "duration": "PT2H"}), "start"),
        (json!({"start": "1796522400", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06T02:00[Europe/London", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06T02:00Europe/London]", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06T02:00[]", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06T02:00[Etc/Unknown]", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06T02:00Z[!factory]", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06T02:00[u-ca=gregory]", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06T02:00Z[u-ca=hebrew]", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06T02:00[Europe/London][Europe/London]", "duration": "PT2H"}), "start"),
        (json!({"start": "2026\u{2010}12\u{2010}06T02:00Z", "duration": "PT2H"}), "start"),
        (json!({"start": "2026\u{2011}12-06T02:00Z", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12\u{2012}06T02:00Z", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12\u{2013}06T02:00Z", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06T02:00\u{2014}05:00", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06T02:00\u{2015}05:00", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06T02:00\u{2212}05:00", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06\u{a0}02:00Z", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06T02:00Z\u{200b}", "duration": "PT2H"}), "start"),
        (json!({"start": "\u{feff}2026-12-06T02:00Z", "duration": "PT2H"}), "start"),
        (json!({"start": "٢٠٢٦-12-06T02:00Z", "duration": "PT2H"}), "start"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "2h\u{a0}30m"}), "duration"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "2"}), "duration"),
        (json!({"start": "2026-12-06T02:00Z", "duration": 120}), "duration"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "-PT2H"}), "duration"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "P1M"}), "duration"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "1 month"}), "duration"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "timezone": "Not a zone"}), "timezone"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "timezone": "Etc/Unknown"}), "timezone"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "timezone": "factory"}), "timezone"),
        (json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "timezone": "+01:00"}), "timezone"),
        (
            json!({"start": "2026-12-06T02:00Z", "duration": "PT2H", "timezone": "America/Port\u{2011}au-Prince"}),
            "timezone",
        ),
        (json!({"start": "2026-12-06T02:00Z", "end": "2026-12-06T04:00Z", "duration": null}), "duration"),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_series_is_refused_by_both() {
    refused_by_both(&[
        (json!({"every": "rate(7 days)"}), "duration"),
        (json!({"every": "0 2 * * 0", "duration": "PT2H"}), "every"),
        (json!({"every": "at(2026-12-06T02:00:00)", "duration": "PT2H"}), "every"),
        (json!({"every": "cron(0 2 ? * MON\u{2011}FRI *)", "duration": "PT2H"}), "every"),
        (json!({"every": "cron(0\u{a0}2 ? * SUN *)", "duration": "PT2H"}), "every"),
        (json!({"every": "rate(7 days)", "duration": null}), "duration"),
        (json!({"every": "rate(7 days)", "duration": "PT2H", "end": "2026-12-06T02:00Z"}), "end"),
        (json!({"every": "rate(7 days)", "duration": "PT2H", "id": "x".repeat(26)}), "id"),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_an_action_cannot_mean_is_refused_by_both() {
    refused_by_both(&[
        (json!({"action": "on", "end": "2026-12-06T02:00Z", "duration": "PT2H"}), "end"),
        (json!({"action": "on", "end": "2026-12-06T02:00"}), "end"),
        (json!({"action": "on", "at_end": "hold"}), "at_end"),
        (json!({"action": "on", "start": "2026-12-06T02:00Z", "duration": "PT2H"}), "start"),
        (json!({"action": "on", "end": null}), "end"),
        (json!({"action": "on", "duration": null}), "duration"),
        (json!({"action": "on", "rules": null}), "rules"),
        (json!({"action": "on", "mute_alarms": null}), "mute_alarms"),
        (json!({"action": "on", "mute_alarms": "site-5xx"}), "mute_alarms"),
        (json!({"action": "edit", "id": "w", "mute_alarms": [""]}), "mute_alarms"),
        (json!({"action": "history", "format": "xml"}), "format"),
        (json!({"action": "off", "end": "2026-12-06T02:00Z"}), "end"),
        (json!({"action": "off", "id": null}), "id"),
        (json!({"action": "off", "booked_by": "ana"}), "booked_by"),
        (json!({"action": "off", "message": "Zurück um 5"}), "message"),
        (json!({"action": "extend", "id": "w", "by": "PT30M", "end": null}), "end"),
        (json!({"action": "reschedule", "id": "w", "start": "2026-12-06T02:00Z", "duration": null}), "duration"),
        (json!({"action": "status", "requested_by": "ana"}), "requested_by"),
        (json!({"action": "history", "reason": "audit"}), "reason"),
        (json!({"action": "history", "since": "2026-11-01T00:00"}), "since"),
        (json!({"action": "history", "until": "2026-11-01T00:00"}), "until"),
        (json!({"action": "history", "limit": 0}), "limit"),
        (json!({"action": "history", "limit": 201}), "limit"),
        (json!({"action": "history", "limit": 1.5}), "limit"),
        (json!({"action": "history", "limit": -1}), "limit"),
        (json!({"action": "history", "limit": "20"}), "limit"),
        (json!({"action": "sweep", "request_id": "r"}), "request_id"),
        (json!({"action": "extend", "id": "w"}), "by"),
        (json!({"action": "extend", "id": "w", "by": "PT30M", "end": "2026-12-06T02:00Z"}), "by"),
        (json!({"action": "extend", "id": "w", "duration": "PT30M"}), "duration"),
        (json!({"action": "reschedule", "id": "w"}), "start"),
        (json!({"action": "reschedule", "start": "2026-12-06T02:00Z"}), "id"),
        (json!({"action": "reschedule", "id": "w", "end": "2026-12-06T02:00Z", "duration": "PT2H"}), "end"),
        (json!({"action": "skip"}), "id"),
        (json!({"action": "unskip"}), "id"),
        (json!({"action": "edit", "reason": "why"}), "id"),
        (json!({"action": "edit", "id": "w", "message": null}), "reason"),
        (json!({"action": "extend", "id": "w", "end": "24:00"}), "end"),
        (json!({"action": "extend", "id": "w", "by": "--PT30M"}), "by"),
        (json!({"action": "extend", "id": "w", "by": "\u{2212}PT30M"}), "by"),
        (json!({"action": "on", "duration": "-PT30M"}), "duration"),
        (json!({"action": "on", "duration": "+PT30M"}), "duration"),
        (json!({"action": "on", "end": "04:00"}), "end"),
        (json!({"start": "04:00", "duration": "PT2H"}), "start"),
        (json!({"action": "history", "since": "04:00", "timezone": "UTC"}), "since"),
        (json!({"action": "wake", "id": "w", "due": "04:00Z"}), "due"),
        (json!({"action": "pause"}), "id"),
        (json!({"action": "resume", "id": "w", "start": "2026-12-06T02:00Z"}), "start"),
        (json!({"action": "status", "ids": ["w"]}), "ids"),
        (json!({"action": "check", "duration": "PT2H"}), "duration"),
        (json!({"action": "check", "start": "2026-12-06T02:00Z"}), "end"),
        (json!({"action": "check", "every": "rate(7 days)"}), "duration"),
        (json!({"action": "sweep", "id": "w"}), "id"),
        (json!({"action": "wake"}), "id"),
        (json!({"action": "wake", "id": "w", "due": "2026-12-06T02:00"}), "due"),
    ])
    .await;
}

/// Calls `look` for every schema that lies in another.
fn walk<'a>(schema: &'a Value, path: &str, look: &mut dyn FnMut(&str, &'a Map<String, Value>)) {
    match schema {
        Value::Object(map) => {
            look(path, map);
            for (key, inner) in map {
                walk(inner, &format!("{path}/{key}"), look);
            }
        }
        Value::Array(all) => all.iter().for_each(|inner| walk(inner, path, look)),
        _ => {}
    }
}

#[test]
fn every_schema_is_strict_and_explains_every_field() {
    for (path, schema) in [
        (EVENT, event_schema()),
        ("schemas/report.json", read("schemas/report.json")),
        ("schemas/chat.json", read("schemas/chat.json")),
    ] {
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        walk(&schema, path, &mut |place, found| {
            // What only narrows a field that was explained elsewhere needs no words.
            let narrows = place.contains("/allOf") || place.contains("/not") || place.contains("examples");
            let Some(Value::Object(properties)) = found.get("properties").filter(|_| !narrows) else { return };
            let closed = found.get("additionalProperties") == Some(&json!(false))
                || found.get("unevaluatedProperties") == Some(&json!(false));
            assert!(closed, "{place} lets anything in");
            for (name, property) in properties {
                let explained = ["description", "$ref", "const"].iter().any(|key| property.get(key).is_some());
                assert!(explained, "{place}/{name} is not explained");
            }
        });
    }
}
