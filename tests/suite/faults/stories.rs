//! What people ask for in a night, and what they are told if nothing goes wrong.

/// One night.
pub(super) struct Story {
    pub(super) name: &'static str,
    pub(super) rules: usize,
    /// Whether the site is looked at from outside.
    pub(super) probed: bool,
    /// Whether visitors and calendars are told.
    pub(super) announced: bool,
    /// Whether windows mute alarms.
    pub(super) mutes: bool,
    pub(super) steps: &'static [Step],
    /// The reports of a calm night, in their order.
    pub(super) reports: &'static str,
}

/// What happens at a moment of the night.
pub(super) enum Step {
    /// Somebody sends an event.
    Sent(&'static str, &'static str),
    /// The application answers with errors from now on.
    Ill(&'static str),
    /// It answers well again.
    Well(&'static str),
    /// The stack is deployed again, and Scheduler's role is another one.
    Redeployed(&'static str),
}

use Step::{Ill, Redeployed, Sent, Well};

const fn story(name: &'static str, steps: &'static [Step], reports: &'static str) -> Story {
    Story { name, rules: 1, probed: false, announced: false, mutes: false, steps, reports }
}

pub(super) const SHORT: Story = story(
    "short",
    &[Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:02Z","end":"2026-12-06T00:03:30Z"}"#)],
    "booked started completed",
);

pub(super) const STORIES: [Story; 27] = [
    SHORT,
    story(
        "ended early",
        &[
            Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:06Z","end":"2026-12-06T00:20Z"}"#),
            Sent("00:12", r#"{"action":"off","id":"w"}"#),
        ],
        "booked started completed",
    ),
    story(
        "booked",
        &[Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:10Z","end":"2026-12-06T00:20Z"}"#)],
        "booked started completed",
    ),
    story("by hand", &[Sent("00:02", r#"{"action":"on"}"#), Sent("00:09", r#"{"action":"off"}"#)], "started completed"),
    story("for a while", &[Sent("00:02", r#"{"action":"on","duration":"PT8M"}"#)], "started completed"),
    story(
        "by hand twice",
        &[
            Sent("00:02", r#"{"action":"on"}"#),
            Sent("00:09", r#"{"action":"off"}"#),
            Sent("00:09:20", r#"{"action":"on"}"#),
            Sent("00:14", r#"{"action":"off"}"#),
        ],
        "started completed started completed",
    ),
    story(
        "cancelled",
        &[
            Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:10Z","end":"2026-12-06T00:20Z"}"#),
            Sent("00:04", r#"{"action":"cancel","id":"w"}"#),
        ],
        "booked cancelled",
    ),
    story(
        "cancelled and booked again",
        &[
            Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:10Z","end":"2026-12-06T00:20Z"}"#),
            Sent("00:04", r#"{"action":"cancel","id":"w"}"#),
            Sent("00:05", r#"{"id":"w","start":"2026-12-06T00:12Z","end":"2026-12-06T00:22Z"}"#),
        ],
        "booked cancelled booked started completed",
    ),
    story(
        "ended by two people",
        &[
            Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:06Z","end":"2026-12-06T00:20Z"}"#),
            Sent("00:12", r#"{"action":"off","id":"w","requested_by":"ana"}"#),
            Sent("00:12:01", r#"{"action":"off","requested_by":"ben"}"#),
        ],
        "booked started completed",
    ),
    story(
        "overlapping",
        &[
            Sent("00:00", r#"{"id":"v","start":"2026-12-06T00:06Z","end":"2026-12-06T00:14Z"}"#),
            Sent("00:01", r#"{"id":"w","start":"2026-12-06T00:10Z","end":"2026-12-06T00:20Z"}"#),
        ],
        "booked booked started started completed completed",
    ),
    Story {
        rules: 2,
        ..story(
            "overlapping on different rules",
            &[
                Sent("00:00", r#"{"id":"v","start":"2026-12-06T00:06Z","end":"2026-12-06T00:16Z"}"#),
                Sent(
                    "00:01",
                    r#"{"id":"w","start":"2026-12-06T00:10Z","end":"2026-12-06T00:20Z","rules":["arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/web/lb/listener0/rule001"]}"#,
                ),
            ],
            "booked booked started started completed completed",
        )
    },
    story(
        "back to back",
        &[
            Sent("00:00", r#"{"id":"v","start":"2026-12-06T00:06Z","end":"2026-12-06T00:12Z"}"#),
            Sent("00:01", r#"{"id":"w","start":"2026-12-06T00:12Z","end":"2026-12-06T00:20Z"}"#),
        ],
        "booked booked started completed started completed",
    ),
    story(
        "extended",
        &[
            Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:06Z","end":"2026-12-06T00:14Z"}"#),
            Sent("00:12", r#"{"action":"extend","id":"w","by":"PT6M"}"#),
        ],
        "booked started extended completed",
    ),
    story(
        "moved",
        &[
            Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:06Z","end":"2026-12-06T00:14Z"}"#),
            Sent("00:02", r#"{"action":"reschedule","id":"w","start":"2026-12-06T00:12Z"}"#),
        ],
        "booked rescheduled started completed",
    ),
    story(
        "deployed again while it is booked",
        &[Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:06Z","end":"2026-12-06T00:14Z"}"#), Redeployed("00:02")],
        "booked started completed",
    ),
    story(
        "deployed again while it goes on, and extended",
        &[
            Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:06Z","end":"2026-12-06T00:18Z"}"#),
            Redeployed("00:08"),
            Sent("00:12", r#"{"action":"extend","id":"w","by":"PT6M"}"#),
        ],
        "booked started extended completed",
    ),
    story(
        "held",
        &[
            Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:06Z","end":"2026-12-06T00:14Z","at_end":"hold"}"#),
            Sent("00:24", r#"{"action":"off"}"#),
        ],
        "booked started overrunning completed",
    ),
    story(
        "extended while held",
        &[
            Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:06Z","end":"2026-12-06T00:14Z","at_end":"hold"}"#),
            Sent("00:18", r#"{"action":"extend","id":"w","by":"PT6M"}"#),
            Sent("00:34", r#"{"action":"off"}"#),
        ],
        "booked started overrunning extended overrunning completed",
    ),
    Story {
        probed: true,
        ..story(
            "reopened once healthy",
            &[
                Sent(
                    "00:00",
                    r#"{"id":"w","start":"2026-12-06T00:06Z","end":"2026-12-06T00:14Z","at_end":"reopen_if_healthy"}"#,
                ),
                Ill("00:12"),
                Well("00:22"),
            ],
            "booked started overrunning completed",
        )
    },
    story(
        "a series",
        &[
            Sent("00:00", r#"{"id":"s","every":"cron(10,30,50 * * * ? *)","duration":"PT5M","timezone":"UTC"}"#),
            Sent("00:18", r#"{"action":"skip","id":"s"}"#),
            Sent("00:57", r#"{"action":"cancel","id":"s"}"#),
        ],
        "booked booked started completed skipped booked cancelled booked started completed cancelled cancelled",
    ),
    story(
        "a series that is paused",
        &[
            Sent("00:00", r#"{"id":"s","every":"cron(10,30,50 * * * ? *)","duration":"PT5M","timezone":"UTC"}"#),
            Sent("00:12", r#"{"action":"pause","id":"s"}"#),
            Sent("00:36", r#"{"action":"resume","id":"s"}"#),
            Sent("00:52", r#"{"action":"cancel","id":"s"}"#),
        ],
        "booked booked started paused cancelled completed resumed booked booked started cancelled cancelled completed",
    ),
    Story {
        mutes: true,
        ..story(
            "muted",
            &[Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:04Z","end":"2026-12-06T00:08Z"}"#)],
            "booked started completed",
        )
    },
    Story {
        mutes: true,
        ..story(
            "muted and moved",
            &[
                Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:06Z","end":"2026-12-06T00:14Z"}"#),
                Sent("00:02", r#"{"action":"reschedule","id":"w","start":"2026-12-06T00:08Z"}"#),
                Sent("00:12", r#"{"action":"extend","id":"w","by":"PT2H"}"#),
                Sent("00:22", r#"{"action":"edit","id":"w","mute_alarms":["site-canary"]}"#),
                Sent("00:34", r#"{"action":"off"}"#),
            ],
            "booked rescheduled started extended edited completed",
        )
    },
    Story {
        mutes: true,
        ..story(
            "muted and cancelled",
            &[
                Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:10Z","end":"2026-12-06T00:20Z"}"#),
                Sent("00:04", r#"{"action":"cancel","id":"w"}"#),
            ],
            "booked cancelled",
        )
    },
    Story {
        mutes: true,
        ..story(
            "muted by hand",
            &[Sent("00:02", r#"{"action":"on"}"#), Sent("00:09", r#"{"action":"off"}"#)],
            "started completed",
        )
    },
    Story {
        probed: true,
        ..story(
            "watched from outside",
            &[
                Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:06Z","end":"2026-12-06T00:14Z"}"#),
                Sent("00:10", r#"{"action":"extend","id":"w","by":"PT6M"}"#),
                Sent("00:17", r#"{"action":"off","id":"w"}"#),
            ],
            "booked started extended completed",
        )
    },
    Story {
        announced: true,
        ..story(
            "announced",
            &[
                Sent("00:00", r#"{"id":"w","start":"2026-12-06T00:06Z","end":"2026-12-06T00:14Z","message":"Soon."}"#),
                Sent("00:02", r#"{"action":"reschedule","id":"w","start":"2026-12-06T00:09Z"}"#),
                Sent("00:12", r#"{"action":"extend","id":"w","by":"PT6M"}"#),
                Sent("00:13", r#"{"id":"v","start":"2026-12-06T00:40Z","end":"2026-12-06T00:50Z","message":"Late."}"#),
                Sent("00:17", r#"{"action":"cancel","id":"v"}"#),
            ],
            "booked rescheduled started extended booked cancelled completed",
        )
    },
];
