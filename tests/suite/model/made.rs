//! Stories made from a number, the same whenever they are made from it.

use fastrand::Rng;

use super::{
    owners::OWNERS,
    steps::{AT_END, Act, BAD, Doing, EVERY, Edit, NAMES, Name, SANE, Step, Story, UNUSABLE, Until, When},
};
use crate::world::FAULTS;

pub(super) const BREAKABLE: [&str; 13] = [
    "Publish",
    "DescribeRules",
    "ModifyRule",
    "CreateSchedule",
    "DeleteSchedule",
    "Query",
    "TransactWriteItems",
    "UpdateItem",
    "PutObject",
    "PutAlarmMuteRule",
    "DeleteAlarmMuteRule",
    "DescribeAlarms",
    "GetMetricStatistics",
];

pub(super) fn made(seed: u64) -> Story {
    let mut dice = Rng::with_seed(seed);
    let rules = dice.usize(1..=3);
    let owners = (0..rules).map(|_| dice.usize(0..OWNERS)).collect();
    let latency_ms = if dice.u8(0..5) == 0 { dice.u64(1..900) } else { 40 };
    let calm = dice.u8(0..4) == 0;
    let count = dice.usize(6..26);
    let steps = (0..count).map(|nth| step(&mut dice, nth, rules, calm)).collect();
    Story { owners, latency_ms, steps }
}

fn step(dice: &mut Rng, nth: usize, rules: usize, calm: bool) -> Step {
    let doing = if nth == 0 { Doing::Ask(beginning(dice), None) } else { doing(dice, rules, calm) };
    let runs =
        matches!(doing, Doing::Ask(..) | Doing::Both(..) | Doing::Again(_) | Doing::Pass { .. } | Doing::Edge { .. });
    let mut faults = vec![];
    if runs && !calm && dice.u8(0..5) == 0 {
        for _ in 0..dice.usize(1..3) {
            faults.push((dice.usize(0..3), dice.usize(0..9), FAULTS[dice.usize(0..FAULTS.len())]));
        }
    }
    let conflicts = if runs && !calm && dice.u8(0..16) == 0 { dice.usize(1..7) } else { 0 };
    let stale = runs && !calm && dice.u8(0..16) == 0;
    Step { doing, faults, conflicts, stale }
}

fn doing(dice: &mut Rng, rules: usize, calm: bool) -> Doing {
    match dice.u8(0..100) {
        0..38 => {
            let key = (dice.u8(0..12) == 0).then(|| dice.u8(0..2));
            Doing::Ask(act(dice), key)
        }
        38..44 => Doing::Both(act(dice), act(dice), dice.u64(0..700)),
        44..48 => Doing::Again(dice.usize(0..4)),
        48..60 => Doing::Pass { secs: passing(dice), luck: luck(dice, calm) },
        60..76 => {
            let secs = [-121, -61, -31, -29, -5, -1, 0, 1, 2, 31, 90][dice.usize(0..11)];
            Doing::Edge { name: window(dice), end: dice.bool(), secs, luck: luck(dice, calm) }
        }
        76..79 if !calm => Doing::Outage { mins: dice.i64(1..90), lost: dice.bool() },
        79..83 => Doing::Set(SANE[dice.usize(0..SANE.len())]),
        83..85 if !calm => Doing::Set(UNUSABLE[dice.usize(0..UNUSABLE.len())]),
        85..86 if !calm => Doing::Rules { shortened: dice.bool() },
        86..88 => Doing::Reset,
        88..93 => Doing::Own { rule: dice.usize(0..rules), edit: edit(dice) },
        93..95 if !calm => Doing::Break(BREAKABLE[dice.usize(0..BREAKABLE.len())]),
        95..98 => Doing::Mend,
        98 => Doing::Ill(dice.u8(0..3) > 0),
        99 => Doing::Expire,
        _ => Doing::Pass { secs: passing(dice), luck: 0 },
    }
}

/// How long, in seconds: mostly some minutes.
fn passing(dice: &mut Rng) -> i64 {
    match dice.u8(0..6) {
        0 => dice.i64(1..20),
        1..=3 => dice.i64(20..400),
        4 => dice.i64(400..2400),
        _ => dice.i64(2400..7200),
    }
}

fn luck(dice: &mut Rng, calm: bool) -> u64 {
    if calm || dice.bool() { 0 } else { dice.u64(1..) }
}

fn edit(dice: &mut Rng) -> Edit {
    match dice.u8(0..12) {
        0..5 => Edit::Write(dice.usize(0..OWNERS)),
        5..8 => Edit::OnTop,
        8..10 => Edit::Reopen,
        10 => Edit::WriteBack,
        _ => Edit::Delete,
    }
}

/// Mostly a name that windows have.
fn window(dice: &mut Rng) -> Name {
    match dice.u8(0..10) {
        0..4 => Name::A,
        4..6 => Name::B,
        6 => Name::Latest,
        7 => Name::Occurrence,
        _ => NAMES[dice.usize(0..NAMES.len())],
    }
}

fn series(dice: &mut Rng) -> Name {
    match dice.u8(0..8) {
        0..5 => Name::S,
        5 | 6 => Name::T,
        _ => NAMES[dice.usize(0..NAMES.len())],
    }
}

fn when(dice: &mut Rng) -> When {
    let near = [-60, -30, -1, 0, 1, 30, 60, 300][dice.usize(0..8)];
    match dice.u8(0..8) {
        0 => When::Start(window(dice), near),
        1 | 2 => When::End(window(dice), near),
        3 => When::In(dice.i64(-600..60)),
        4 => When::In([59, 60, 61, 119, 120, 121][dice.usize(0..6)]),
        5 => When::In(if dice.u8(0..4) == 0 { dice.i64(360 * 86400..370 * 86400) } else { dice.i64(60..7200) }),
        _ => When::In(dice.i64(90..1500)),
    }
}

fn until(dice: &mut Rng) -> Until {
    match dice.u8(0..8) {
        0 => Until::Secs([59, 60, 61, 90][dice.usize(0..4)]),
        1 => Until::Moment(when(dice)),
        2 => Until::Secs(dice.i64(3600..90_000)),
        _ => Until::Secs(dice.i64(60..1500)),
    }
}

fn rules(dice: &mut Rng) -> u8 {
    if dice.u8(0..3) > 0 { 0 } else { dice.u8(1..8) }
}

fn at_end(dice: &mut Rng) -> usize {
    if dice.u8(0..4) > 0 { 0 } else { dice.usize(0..AT_END.len()) }
}

/// What a story begins with: something that will be in maintenance soon.
fn beginning(dice: &mut Rng) -> Act {
    match dice.u8(0..6) {
        0 => Act::On { name: None, until: Until::Open, rules: rules(dice), at_end: 0, dry: false },
        1 => recur(dice),
        _ => Act::Book {
            name: Some(Name::A),
            start: When::In(dice.i64(30..600)),
            until: Until::Secs(dice.i64(60..1500)),
            rules: rules(dice),
            at_end: at_end(dice),
            dry: false,
        },
    }
}

fn recur(dice: &mut Rng) -> Act {
    let every = dice.usize(0..EVERY.len());
    let secs = dice.i64(60..EVERY[every].1 * 60);
    let start = (dice.u8(0..3) == 0).then(|| when(dice));
    Act::Recur { name: series(dice), every, secs, start, rules: rules(dice), dry: dice.u8(0..12) == 0 }
}

fn act(dice: &mut Rng) -> Act {
    match dice.u8(0..70) {
        0..12 => Act::Book {
            name: if dice.u8(0..5) == 0 { None } else { Some(window(dice)) },
            start: when(dice),
            until: until(dice),
            rules: rules(dice),
            at_end: at_end(dice),
            dry: dice.u8(0..12) == 0,
        },
        12..16 => Act::On {
            name: if dice.bool() { None } else { Some(window(dice)) },
            until: if dice.bool() { Until::Open } else { until(dice) },
            rules: rules(dice),
            at_end: if dice.u8(0..6) == 0 { at_end(dice) } else { 0 },
            dry: dice.u8(0..12) == 0,
        },
        16..21 => Act::Off { name: if dice.bool() { None } else { Some(window(dice)) } },
        21..25 => {
            let secs = [1, 60, 300, dice.i64(1..3600), dice.i64(3600..90_000)][dice.usize(0..5)];
            Act::ExtendBy { name: window(dice), secs }
        }
        25..29 => Act::ExtendTo { name: window(dice), end: when(dice) },
        29..34 => {
            let start = if dice.u8(0..4) > 0 { Some(when(dice)) } else { None };
            let until = if start.is_none() || dice.bool() { until(dice) } else { Until::Open };
            Act::Reschedule { name: window(dice), start, until }
        }
        34..37 => Act::Cancel { name: if dice.bool() { window(dice) } else { series(dice) } },
        37..39 => Act::Skip { name: series(dice), nth: dice.bool().then(|| dice.u8(0..3)) },
        39..41 => Act::Pause { name: series(dice) },
        41..43 => Act::Resume { name: series(dice) },
        43..47 => recur(dice),
        47..49 => Act::Status { name: if dice.bool() { None } else { Some(window(dice)) } },
        49 => Act::Check,
        50 => Act::CheckWindow {
            name: if dice.bool() { None } else { Some(window(dice)) },
            start: when(dice),
            until: until(dice),
        },
        51..53 => Act::History { name: if dice.bool() { None } else { Some(window(dice)) } },
        53..57 => Act::Sweep,
        57..60 => Act::Wake { name: window(dice) },
        60..64 => Act::Bad(dice.usize(0..BAD.len())),
        64..67 => {
            let name = if dice.bool() { window(dice) } else { series(dice) };
            Act::Edit { name, cleared: dice.u8(0..4) == 0 }
        }
        _ => Act::Unskip { name: series(dice), nth: dice.bool().then(|| dice.u8(0..3)) },
    }
}
