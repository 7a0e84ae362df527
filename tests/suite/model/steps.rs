//! What an operator and an owner may do, and what may go wrong, one step each.
//!
//! A step holds all that it needs, so that a story without some of its steps is a story still.

use crate::world::{Fault, SECRET};

/// Another value for testers.
pub(super) const SECOND: &str = "second-tester-secret-0007";

/// A name from a small pool, so that names collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    A,
    B,
    C,
    /// Two names for series, which windows may be given too.
    S,
    T,
    /// The latest occurrence of a series that is not over.
    Occurrence,
    /// The name that the occurrence after it would have.
    Following,
    /// The window booked last that is not over.
    Latest,
    Nobody,
}

pub(super) const NAMES: [Name; 9] =
    [Name::A, Name::B, Name::C, Name::S, Name::T, Name::Occurrence, Name::Following, Name::Latest, Name::Nobody];

/// A moment, in seconds from now or from a window's times.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    In(i64),
    Start(Name, i64),
    End(Name, i64),
}

/// How a window's end is said.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    Secs(i64),
    Moment(When),
    /// It is open-ended, or stays as long as it is.
    Open,
}

pub(super) const AT_END: [&str; 3] = ["reopen", "hold", "reopen_if_healthy"];

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Book {
        name: Option<Name>,
        start: When,
        until: Until,
        rules: u8,
        at_end: usize,
        dry: bool,
    },
    On {
        name: Option<Name>,
        until: Until,
        rules: u8,
        at_end: usize,
        dry: bool,
    },
    Off {
        name: Option<Name>,
    },
    ExtendBy {
        name: Name,
        secs: i64,
    },
    ExtendTo {
        name: Name,
        end: When,
    },
    Reschedule {
        name: Name,
        start: Option<When>,
        until: Until,
    },
    /// What it says is another, or is taken away.
    Edit {
        name: Name,
        cleared: bool,
    },
    Cancel {
        name: Name,
    },
    Skip {
        name: Name,
        nth: Option<u8>,
    },
    Unskip {
        name: Name,
        nth: Option<u8>,
    },
    Pause {
        name: Name,
    },
    Resume {
        name: Name,
    },
    Recur {
        name: Name,
        every: usize,
        secs: i64,
        start: Option<When>,
        rules: u8,
        dry: bool,
    },
    Status {
        name: Option<Name>,
    },
    Check,
    CheckWindow {
        name: Option<Name>,
        start: When,
        until: Until,
    },
    History {
        name: Option<Name>,
    },
    Sweep,
    Wake {
        name: Name,
    },
    Bad(usize),
}

/// How series recur: the expression, the minutes from start to start, and whether it is about the clock on the wall.
pub(super) const EVERY: [(&str, i64, bool); 5] = [
    ("rate(10 minutes)", 10, false),
    ("rate(25 minutes)", 25, false),
    ("rate(1 hour)", 60, false),
    ("cron(*/20 * * * ? *)", 20, true),
    ("cron(0 * * * ? *)", 60, true),
];

/// Events that nobody may carry out.
pub(super) const BAD: [&str; 22] = [
    r#"{"action":"off","id":null}"#,
    r#"{"action":"on","duration":null}"#,
    r#"{"action":"on","end":null}"#,
    r#"{"action":"on","rules":null}"#,
    r#"{"action":"extend","id":"a","by":"PT9999999999999H"}"#,
    r#"{"action":"extend","id":"a","by":"P106751991167300D"}"#,
    r#"{"action":"extend","id":"a","by":"PT1M","end":"2026-12-06T09:00Z"}"#,
    r#"{"action":"extend","id":"a"}"#,
    r#"{"action":"on","duration":"PT9223372036854775807S"}"#,
    r#"{"action":"book","id":"a","start":"2026-12-06T05:00Z","duration":"PT2562047788015215H"}"#,
    r#"{"action":"book","id":"a","start":"9999-12-31T23:59:59Z","duration":"PT1H"}"#,
    r#"{"action":"book","id":"a b","start":"2026-12-07T05:00Z","duration":"PT1H"}"#,
    r#"{"action":"book","id":"a","start":"2026-12-07T05:00","duration":"PT1H"}"#,
    r#"{"action":"book","id":"a","start":"2026-12-07T05:00","timezone":"Factory","duration":"PT1H"}"#,
    r#"{"action":"book","id":"a","start":"2026-12-07T05:00Z","duration":"PT1H","colour":"red"}"#,
    r#"{"action":"book","id":"a","start":"2026-12-07T05:00Z","duration":"PT1H","rules":[]}"#,
    r#"{"action":"book","id":"s","every":"rate(10 minutes)","duration":"PT10M"}"#,
    r#"{"action":"book","id":"s","every":"cron(0 2 * * SUN *)","duration":"PT1H"}"#,
    r#"{"action":"reschedule","id":"a"}"#,
    r#"{"action":"pause"}"#,
    r#"{"action":"explode"}"#,
    r#"{"version":"0","detail-type":"x","source":"aws.events","detail":{"action":"off"}}"#,
];

/// A setting and what it is set to.
pub(super) type Setting = (&'static str, Option<&'static str>);

/// Settings that can be used.
pub(super) const SANE: [Setting; 26] = [
    ("BYPASS_HEADER_VALUE", Some(SECRET)),
    ("BYPASS_HEADER_VALUE", Some("tester-secret-4711-abcd,second-tester-secret-0007")),
    ("BYPASS_HEADER_VALUE", Some("second-tester-secret-0007,tester-secret-4711-abcd")),
    ("BYPASS_HEADER_VALUE", Some(SECOND)),
    ("BYPASS_HEADER_NAME", Some("x-maintenance-bypass")),
    ("BYPASS_HEADER_NAME", Some("X-Other-Bypass")),
    ("REMIND_BEFORE", Some("PT10M,PT2M")),
    ("REMIND_BEFORE", None),
    ("WARN_BEFORE_END", Some("PT3M")),
    ("WARN_BEFORE_END", None),
    ("MAX_DURATION", Some("PT6H")),
    ("MAX_DURATION", None),
    ("PROBE_URL", Some("https://www.example.com/")),
    ("PROBE_URL", Some("https://www.example.com/")),
    ("PROBE_URL", None),
    ("ERROR_BUCKET", Some("error-pages")),
    ("ERROR_BUCKET", None),
    ("ANNOUNCE_BEFORE", Some("PT10M")),
    ("ANNOUNCE_BEFORE", None),
    ("MUTE_ALARMS", Some("site-5xx,site-slow")),
    ("MUTE_ALARMS", Some("site-5xx,site-slow")),
    ("MUTE_ALARMS", Some("site-5xx,site-slow")),
    ("MUTE_ALARMS", Some("site-canary")),
    ("MUTE_ALARMS", None),
    ("HISTORY_DAYS", Some("30")),
    ("DEAD_LETTER_QUEUE_ARN", None),
];

/// Settings that cannot.
pub(super) const UNUSABLE: [Setting; 20] = [
    ("WARN_BEFORE_END", Some("P10M")),
    ("REMIND_BEFORE", Some("soon")),
    ("MAX_DURATION", Some("long")),
    ("MAX_DURATION", Some("PT1S")),
    ("PROBE_URL", Some("ftp://www.example.com/")),
    ("ANNOUNCE_BEFORE", Some("soon")),
    ("BYPASS_HEADER_VALUE", None),
    ("BYPASS_HEADER_VALUE", Some("short")),
    ("BYPASS_HEADER_VALUE", Some("two words, and a third one")),
    ("BYPASS_HEADER_NAME", Some("Host")),
    ("BYPASS_HEADER_NAME", None),
    ("SNS_TOPIC_ARN", Some("nowhere")),
    ("SNS_TOPIC_ARN", None),
    ("SCHEDULE_GROUP", None),
    ("SCHEDULER_ROLE_ARN", Some("nobody")),
    ("DEAD_LETTER_QUEUE_ARN", Some("none")),
    ("HISTORY_DAYS", Some("many")),
    ("RULE_ARNS", Some("nonsense")),
    ("MUTE_ALARMS", Some("maintenance-overrun")),
    ("TABLE_NAME", None),
];

/// What an owner, or a tool of theirs, does to a rule.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edit {
    /// Writes other conditions.
    Write(usize),
    /// Adds a condition to what is there.
    OnTop,
    /// Opens it by hand.
    Reopen,
    /// Writes back conditions of a time when it was header-only.
    WriteBack,
    Delete,
}

/// What happens.
#[derive(Clone, Copy, Debug)]
pub(super) enum Doing {
    /// With a key of the caller's own, or without.
    Ask(Act, Option<u8>),
    /// Two at once, the second so many milliseconds later.
    Both(Act, Act, u64),
    /// The event before last, for example, comes once more under its request id.
    Again(usize),
    /// Time passes, and wake-ups arrive as luck has it; none are lost, late or doubled without any.
    Pass {
        secs: i64,
        luck: u64,
    },
    /// Time passes up to some seconds from a window's start or end.
    Edge {
        name: Name,
        end: bool,
        secs: i64,
        luck: u64,
    },
    /// Nothing reaches the function for so many minutes.
    Outage {
        mins: i64,
        lost: bool,
    },
    Set(Setting),
    /// Only the first rule is the stack's, or all are again.
    Rules {
        shortened: bool,
    },
    /// All settings are as they were at first.
    Reset,
    Own {
        rule: usize,
        edit: Edit,
    },
    Break(&'static str),
    Mend,
    Ill(bool),
    Expire,
}

/// One step, and what goes wrong meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) doing: Doing,
    /// In which of its invocations, which call, and how.
    pub(super) faults: Vec<(usize, usize, Fault)>,
    pub(super) conflicts: usize,
    pub(super) stale: bool,
}

/// A story: what the owners' rules are like, how slow AWS is, and what happens.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub(super) owners: Vec<usize>,
    pub(super) latency_ms: u64,
    pub(super) steps: Vec<Step>,
}

impl Step {
    /// Every kind of thing that happens in it, for the generator's coverage.
    pub(super) fn kinds(&self) -> Vec<String> {
        let word = |debug: String| debug.split([' ', '(', '{']).next().unwrap_or_default().to_owned();
        let mut kinds = vec![word(format!("{:?}", self.doing))];
        match self.doing {
            Doing::Ask(act, key) => {
                kinds.push(word(format!("{act:?}")));
                kinds.extend(key.map(|_| "Key".to_owned()));
            }
            Doing::Both(one, two, _) => kinds.extend([one, two].map(|act| format!("Both{}", word(format!("{act:?}"))))),
            Doing::Set((key, value)) => kinds.push(format!("{key}={}", value.unwrap_or("none"))),
            Doing::Own { edit, .. } => kinds.push(word(format!("{edit:?}"))),
            Doing::Break(operation) => kinds.push(operation.to_owned()),
            _ => {}
        }
        kinds.extend(self.faults.iter().map(|(_, _, fault)| format!("{fault:?}")));
        kinds.extend((self.conflicts > 0).then(|| "conflicts".to_owned()));
        kinds.extend(self.stale.then(|| "stale".to_owned()));
        kinds
    }
}
