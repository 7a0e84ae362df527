//! The moments at which two runs meet.

/// A moment at which two runs meet.
pub(super) struct Meeting {
    pub(super) name: &'static str,
    /// What happened before, and when.
    pub(super) before: &'static [(&'static str, Before)],
    pub(super) at: &'static str,
    pub(super) first: &'static str,
    pub(super) second: &'static str,
    pub(super) requests: Requests,
    /// What each may be answered.
    pub(super) answers: [&'static str; 2],
    /// The reports of drift.
    pub(super) drifts: usize,
    /// Whether windows mute alarms.
    pub(super) mutes: bool,
}

/// Something that happened before.
pub(super) enum Before {
    Asked(&'static str),
    /// The owner gave the rule another path.
    Edited,
    /// The stack was deployed again, under another role for Scheduler.
    Redeployed,
}

/// Whose requests the two are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Requests {
    /// Of two people.
    Two,
    /// Both are one request, which Lambda sends twice.
    One,
    /// The second is Lambda's repetition of the event that booked the window.
    Repeated,
}

use Before::{Asked, Edited, Redeployed};

const BOOKED: &str = r#"{"id":"w","start":"2026-12-06T00:10Z","end":"2026-12-06T00:20Z"}"#;
const ELSEWHEN: &str = r#"{"id":"w","start":"2026-12-06T00:12Z","end":"2026-12-06T00:24Z"}"#;
const NEXT: &str = r#"{"id":"x","start":"2026-12-06T00:20Z","end":"2026-12-06T00:30Z"}"#;
const LONGER: &str = r#"{"id":"x","start":"2026-12-06T00:08Z","end":"2026-12-06T00:30Z"}"#;
const HELD: &str = r#"{"id":"w","start":"2026-12-06T00:10Z","end":"2026-12-06T00:20Z","at_end":"hold"}"#;
const SERIES: &str = r#"{"id":"s","every":"cron(10,30,50 * * * ? *)","duration":"PT5M","timezone":"UTC"}"#;
const WAKE: &str = r#"{"action":"wake","id":"w"}"#;
const WAKE_NEXT: &str = r#"{"action":"wake","id":"x"}"#;
const WAKE_SERIES: &str = r#"{"action":"wake","id":"s-20261206T0010Z"}"#;
const OFF: &str = r#"{"action":"off"}"#;
const OFF_ONE: &str = r#"{"action":"off","id":"w"}"#;
const ON: &str = r#"{"action":"on"}"#;
const ON_FOR: &str = r#"{"action":"on","duration":"PT10M"}"#;
const SWEEP: &str = r#"{"action":"sweep"}"#;
const CANCEL: &str = r#"{"action":"cancel","id":"w"}"#;
const EXTEND: &str = r#"{"action":"extend","id":"w","by":"PT5M"}"#;
const EARLIER: &str = r#"{"action":"reschedule","id":"w","start":"2026-12-06T00:08Z"}"#;
const LATER: &str = r#"{"action":"reschedule","id":"w","start":"2026-12-06T00:14Z"}"#;
const PAUSE: &str = r#"{"action":"pause","id":"s"}"#;
const RESUME: &str = r#"{"action":"resume","id":"s"}"#;
const SKIP: &str = r#"{"action":"skip","id":"s","start":"2026-12-06T00:30Z"}"#;
const CANCEL_SERIES: &str = r#"{"action":"cancel","id":"s"}"#;

/// What a wake-up may say of a start. The other run may have done any part of it, or have told it first: then this one
/// did a part, or nothing.
const STARTED: &str = "started reconciled unchanged";
/// The same of an end.
const ENDED: &str = "completed reconciled unchanged";

const NOTHING: &[(&str, Before)] = &[];
const ONE: &[(&str, Before)] = &[("00:00", Asked(BOOKED))];
const BY_HAND: &[(&str, Before)] = &[("00:00", Asked(ON))];
const OF_SERIES: &[(&str, Before)] = &[("00:00", Asked(SERIES))];

const fn meeting(
    name: &'static str,
    before: &'static [(&'static str, Before)],
    at: &'static str,
    first: &'static str,
    second: &'static str,
    answers: [&'static str; 2],
) -> Meeting {
    Meeting { name, before, at, first, second, requests: Requests::Two, answers, drifts: 0, mutes: false }
}

impl Meeting {
    const fn muting(self) -> Self {
        Self { mutes: true, ..self }
    }

    const fn of(self, requests: Requests) -> Self {
        Self { requests, ..self }
    }
}

pub(super) const MEETINGS: [Meeting; 48] = [
    meeting("start and extend", ONE, "00:10", WAKE, EXTEND, [STARTED, "extended"]),
    meeting("end and extend, nearly", ONE, "00:19:59.9", WAKE, EXTEND, ["unchanged", "extended"]),
    meeting("end and extend", ONE, "00:20", WAKE, EXTEND, [ENDED, "InvalidEvent extended"]),
    meeting("hold and extend", &[("00:00", Asked(HELD))], "00:20", WAKE, EXTEND, ["reconciled unchanged", "extended"]),
    meeting("held and extend twice", &[("00:00", Asked(HELD))], "00:22", EXTEND, EXTEND, ["extended", "extended"]),
    meeting("hold and off", &[("00:00", Asked(HELD))], "00:20", WAKE, OFF, [ENDED, "completed"]),
    meeting(
        "held, off and extend",
        &[("00:00", Asked(HELD))],
        "00:22",
        OFF,
        EXTEND,
        ["completed", "InvalidEvent extended"],
    ),
    meeting("off and extend", ONE, "00:12", OFF, EXTEND, ["completed", "InvalidEvent extended"]),
    meeting("extend and extend", ONE, "00:12", EXTEND, EXTEND, ["extended", "extended"]),
    meeting("one extend twice at once", ONE, "00:12", EXTEND, EXTEND, ["extended unchanged", "extended unchanged"])
        .of(Requests::One),
    // What the wake-up has started, the other may end before the wake-up answers.
    meeting(
        "start and off",
        ONE,
        "00:10",
        WAKE,
        OFF,
        ["cancelled completed reconciled started unchanged", "cancelled completed"],
    ),
    // The calls of the one take time, so that the start may have come when the other decides.
    meeting(
        "start and cancel",
        ONE,
        "00:09:59.95",
        WAKE,
        CANCEL,
        ["cancelled started reconciled unchanged", "InvalidEvent cancelled"],
    ),
    meeting("start and reschedule", ONE, "00:09:59.95", WAKE, LATER, [STARTED, "InvalidEvent rescheduled"]),
    meeting("start and start", ONE, "00:10", WAKE, WAKE, [STARTED, STARTED]),
    meeting("start and sweep", ONE, "00:10", WAKE, SWEEP, [STARTED, "reconciled unchanged"]),
    meeting(
        "sweep and sweep at the start",
        ONE,
        "00:10",
        SWEEP,
        SWEEP,
        ["reconciled unchanged", "reconciled unchanged"],
    ),
    meeting("start and on", ONE, "00:10", WAKE, ON, [STARTED, "started"]),
    meeting("end and end", ONE, "00:20", WAKE, WAKE, [ENDED, ENDED]),
    meeting("end and off", ONE, "00:20", WAKE, OFF, [ENDED, "completed unchanged"]),
    meeting("end and off, nearly", ONE, "00:19:59.9", WAKE, OFF, [ENDED, "completed"]),
    meeting("end and on", ONE, "00:20", WAKE, ON, [ENDED, "started"]),
    meeting(
        "end and the next start",
        &[("00:00", Asked(BOOKED)), ("00:01", Asked(NEXT))],
        "00:20",
        WAKE,
        WAKE_NEXT,
        [ENDED, STARTED],
    ),
    meeting(
        "off of one of two and sweep",
        &[("00:00", Asked(BOOKED)), ("00:01", Asked(LONGER))],
        "00:12",
        OFF_ONE,
        SWEEP,
        ["completed", "reconciled unchanged"],
    ),
    meeting("sweep and sweep", ONE, "00:12", SWEEP, SWEEP, ["unchanged", "unchanged"]),
    meeting(
        "sweep and start after a deployment",
        &[("00:00", Asked(BOOKED)), ("00:09", Redeployed)],
        "00:10",
        SWEEP,
        WAKE,
        ["reconciled unchanged", STARTED],
    ),
    Meeting {
        drifts: 1,
        ..meeting(
            "drift found by two",
            &[("00:00", Asked(BOOKED)), ("00:11:50", Edited)],
            "00:12",
            SWEEP,
            SWEEP,
            ["reconciled unchanged", "reconciled unchanged"],
        )
    },
    Meeting {
        drifts: 1,
        ..meeting(
            "drift and off",
            &[("00:00", Asked(BOOKED)), ("00:11:50", Edited)],
            "00:12",
            SWEEP,
            OFF,
            ["reconciled unchanged", "completed"],
        )
    },
    meeting("on and off", BY_HAND, "00:12", ON, OFF, ["started unchanged", "completed"]),
    // The off ends whatever has begun when it decides, also what the other has just begun.
    meeting("off and on for a while", BY_HAND, "00:12", OFF, ON_FOR, ["completed", "completed started"]),
    meeting("off and off", BY_HAND, "00:12", OFF, OFF, ["completed unchanged", "completed unchanged"]),
    meeting("on and on", NOTHING, "00:01", ON, ON, ["started unchanged", "started unchanged"]),
    meeting("one on twice at once", NOTHING, "00:01", ON_FOR, ON_FOR, ["started unchanged", "started unchanged"])
        .of(Requests::One),
    meeting("reschedule and reschedule", ONE, "00:02", EARLIER, LATER, ["rescheduled", "rescheduled"]),
    meeting("reschedule and cancel", ONE, "00:02", LATER, CANCEL, ["InvalidEvent rescheduled", "cancelled"]),
    meeting("book and book", NOTHING, "00:01", BOOKED, BOOKED, ["already_booked booked", "already_booked booked"]),
    meeting(
        "book and book something else",
        NOTHING,
        "00:01",
        BOOKED,
        ELSEWHEN,
        ["InvalidEvent booked", "InvalidEvent booked"],
    ),
    meeting("off and the booking again", ONE, "00:12", OFF, BOOKED, ["completed", "unchanged"]).of(Requests::Repeated),
    meeting("cancel and the booking again", ONE, "00:05", CANCEL, BOOKED, ["cancelled", "unchanged"])
        .of(Requests::Repeated),
    meeting(
        "pause and the booking of the next",
        OF_SERIES,
        "00:10",
        WAKE_SERIES,
        PAUSE,
        ["cancelled started reconciled unchanged", "paused"],
    ),
    meeting(
        "cancel of a series and the booking of the next",
        OF_SERIES,
        "00:10",
        WAKE_SERIES,
        CANCEL_SERIES,
        ["cancelled started reconciled unchanged", "cancelled"],
    ),
    meeting("skip and the booking of the next", OF_SERIES, "00:10", WAKE_SERIES, SKIP, [STARTED, "skipped"]),
    meeting("two book the next of a series", OF_SERIES, "00:10", WAKE_SERIES, SWEEP, [STARTED, "reconciled unchanged"]),
    meeting("moved twice, muted", ONE, "00:02", EARLIER, LATER, ["rescheduled", "rescheduled"]).muting(),
    meeting("cancelled while moved, muted", ONE, "00:02", LATER, CANCEL, ["InvalidEvent rescheduled", "cancelled"])
        .muting(),
    meeting("extended while it starts, muted", ONE, "00:10", WAKE, EXTEND, [STARTED, "extended"]).muting(),
    meeting("off while swept, muted", ONE, "00:12", OFF, SWEEP, ["completed", "reconciled unchanged"]).muting(),
    meeting("two by hand, muted", NOTHING, "00:01", ON, ON_FOR, [STARTED, STARTED]).muting(),
    meeting("pause and resume", OF_SERIES, "00:12", PAUSE, RESUME, ["paused", "resumed unchanged"]),
];
