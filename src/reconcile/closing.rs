//! What follows the turns, window by window: the reports, the note of them in the record, and in the end forgetting.
//!
//! Which reports are due was decided in `plan`; their words are `report`'s.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{Hold, Outcome, Pass, Run, Turned, guard_end};
use crate::{
    arn::RuleArn,
    error::Error,
    plan::{RuleState, Standing, Step, Turn, Way},
    probe::Sight,
    record::{Amendment, Closed, Part, Record, ScheduleName},
    report::{Actual, Event, Report, RuleLine, remedy},
    window::{LAST_CALL, Phase, digest},
};

/// What a window's closing needs to know of the run so far.
pub(super) struct After<'a> {
    pub(super) step: &'a Step,
    pub(super) hold: &'a Hold,
    pub(super) turns: &'a [Turn],
    pub(super) turned: &'a BTreeMap<RuleArn, Turned>,
    pub(super) lines: &'a [RuleLine],
    /// Some record could not be written: nothing is forgotten, since another window may rely on what it holds.
    pub(super) unheld: bool,
    /// When the turns were through.
    pub(super) turned_at: Timestamp,
    /// What was seen from outside after the turns.
    pub(super) sight: Option<&'a Sight>,
    /// Why the visitors' page could not be told, if it could not.
    pub(super) untold: Option<&'a String>,
}

impl After<'_> {
    /// What is left undone for the window's rules, a sentence each.
    fn failures(&self, record: &Record) -> Vec<String> {
        // A window that only covers the rule later has no part in it yet.
        let turned = self.turned.iter().filter(|(rule, _)| record.progress.saved.contains_key(*rule));
        let mut failures: Vec<String> = turned.filter_map(|(_, turned)| turned.problem().cloned()).collect();
        failures.extend(self.hold.failure().map(Error::full));
        if self.step.standing.is_over() {
            failures.extend(self.step.stuck.iter().cloned());
        }
        if self.step.standing.covers() && self.step.unusable.len() >= record.window().rules.len() {
            failures.push("none of its rules can be narrowed".to_owned());
        }
        failures
    }

    /// Whether a rule was, or may have been, narrowed for the window in this run.
    fn tried_narrowing(&self) -> bool {
        self.turns.iter().any(|turn| {
            let meant = matches!(&turn.way, Way::Narrow(windows) if windows.contains(&self.step.id));
            meant && matches!(self.turned.get(&turn.rule), Some(Turned::Done | Turned::Failed(_)))
        })
    }

    /// Whether one of the rules narrowed for the window was restored in this run.
    fn restored(&self, record: &Record) -> bool {
        let saved = |turn: &&Turn| turn.way == Way::Restore && record.progress.saved.contains_key(&turn.rule);
        self.turns.iter().filter(saved).any(|turn| self.turned.get(&turn.rule) == Some(&Turned::Done))
    }

    fn lines(&self, record: &Record) -> Vec<RuleLine> {
        self.lines.iter().filter(|line| record.window().rules.contains(&line.arn)).cloned().collect()
    }
}

/// Reports on a window and notes that it did, or forgets the window if it is over.
///
/// Whatever could not be reported, a narrowing is always noted: the note is what finds out that another run has ended
/// the window meanwhile.
pub(super) async fn close(
    run: Run<'_>,
    record: &mut Record,
    after: &After<'_>,
    pass: &mut Pass,
) -> Result<Outcome, Error> {
    if matches!(after.hold, Hold::Gone) {
        // Another run ended the window before this one narrowed anything for it.
        return Ok(Outcome::Unchanged);
    }
    let failures = after.failures(record);
    if !failures.is_empty() {
        let told = report_failure(run, record, after.lines(record), &failures, &failures.join("; ")).await;
        if after.tried_narrowing() || matches!(told, Ok(true)) {
            note(run, record, after, pass).await?;
        }
        told?;
        return Err(Error::Incomplete(failures));
    }
    let standing = after.step.standing;
    if standing.is_over() {
        let outcome = forget(run, record, after).await?;
        // A natural end needs no second look: nothing is narrowed for a window in its last moments.
        if record.closed().is_some() {
            pass.closed.push(record.clone());
        }
        return Ok(outcome);
    }
    let before = record.progress.clone();
    if standing == Standing::Active && !after.step.late {
        record.progress.narrowed_at.get_or_insert(after.turned_at);
    }
    let due = tell_due(run, record, after).await;
    let outcome = match standing {
        Standing::Booked => tell_once(run, record, Event::Booked, after, Outcome::Booked).await,
        Standing::Active if !after.step.late => tell_once(run, record, Event::Started, after, Outcome::Started).await,
        _ => Ok(Outcome::Unchanged),
    };
    let drift = tell_drift(run, record, after).await;
    if record.progress != before || after.tried_narrowing() {
        note(run, record, after, pass).await?;
    }
    due?;
    drift?;
    match (outcome?, after.hold) {
        (Outcome::Unchanged, Hold::Written(_)) => Ok(Outcome::Kept),
        (outcome, _) => Ok(outcome),
    }
}

/// Writes what was done into the record; a window whose record is gone is remembered for repair.
async fn note(run: Run<'_>, record: &mut Record, after: &After<'_>, pass: &mut Pass) -> Result<(), Error> {
    if let Marked::Gone = mark(run, record, after.step.standing).await?
        && after.tried_narrowing()
    {
        pass.vanished.push(ghost(record, run.now()));
    }
    Ok(())
}

/// Whether the record was there to be marked.
#[must_use]
pub(super) enum Marked {
    Written,
    Gone,
}

/// Writes the record's progress.
///
/// A run that knows a window only from before its start writes nothing once the start is near: by then another run may
/// have saved the rules' conditions, and this copy of the record would erase them. The report is sent again instead.
pub(super) async fn mark(run: Run<'_>, record: &mut Record, standing: Standing) -> Result<Marked, Error> {
    guard_end(run, record).await?;
    if standing == Standing::Booked && record.phase(run.now() + LAST_CALL) != Phase::Booked {
        return Ok(Marked::Written);
    }
    let written = run.app.aws.schedules.update(record, run.now(), run.target).await?;
    Ok(if written.is_some() { Marked::Written } else { Marked::Gone })
}

/// A window that another run ended while this one narrowed a rule for it: as if switched off just now.
fn ghost(record: &Record, now: Timestamp) -> Record {
    let mut ghost = record.clone();
    ghost.amendments.push(Amendment {
        number: record.version() + 1,
        fires: now,
        window: record.window().clone(),
        closed: Some(Closed { at: now, cancelled: false }),
        request: None,
    });
    ghost
}

async fn tell_once(
    run: Run<'_>,
    record: &mut Record,
    event: Event,
    after: &After<'_>,
    outcome: Outcome,
) -> Result<Outcome, Error> {
    if record.reported(event.word()) {
        return Ok(Outcome::Unchanged);
    }
    let now = run.now();
    let mut report = Report { rules: after.lines(record), ..Report::new(event, record, now) };
    if event == Event::Started {
        report.actual = actual(record);
        report.notes.extend(after.step.unusable.values().cloned());
        seen_from_outside(run, record, after, &mut report).await?;
        report.next_steps.push(to_end_it(record));
    } else {
        report.next_steps.push(to_drop_it(record));
    }
    run.app.aws.topic.publish(&report).await?;
    record.progress.reported.insert(event.word().to_owned(), now);
    tracing::info!(window.id = %record.id(), window.event = event.word(), "window changed");
    Ok(outcome)
}

/// Publishes what is due by the clock or by what people decided.
async fn tell_due(run: Run<'_>, record: &mut Record, after: &After<'_>) -> Result<(), Error> {
    for tell in &after.step.tell {
        let now = run.now();
        let mut report = Report {
            rules: after.lines(record),
            actual: actual(record),
            notes: vec![tell.note.clone()],
            cause: tell.cause.clone(),
            ..Report::new(tell.event, record, now)
        };
        report.next_steps.push(match (tell.event, after.step.standing.covers()) {
            (Event::EndingSoon, _) => {
                remedy("to move its end", &serde_json::json!({ "action": "extend", "id": record.id(), "by": "PT30M" }))
            }
            (_, true) => to_end_it(record),
            (_, false) => to_drop_it(record),
        });
        run.app.aws.topic.publish(&report).await?;
        record.progress.reported.insert(tell.key.clone(), now);
    }
    Ok(())
}

/// Reports a window that was just booked, and notes that it did. No rule is looked at: its start does that.
///
/// # Errors
/// [`Error::Aws`] when a call fails.
pub async fn announce(run: Run<'_>, record: &mut Record, notes: Vec<String>) -> Result<(), Error> {
    let now = run.now();
    let mut report = Report { notes, ..Report::new(Event::Booked, record, now) };
    report.next_steps.push(to_drop_it(record));
    run.app.aws.topic.publish(&report).await?;
    record.progress.reported.insert(Event::Booked.word().to_owned(), now);
    // A record that is gone was cancelled at this very moment.
    mark(run, record, Standing::Booked).await.map(drop)
}

/// What a report says where no probe has looked.
const UNPROBED: &str = "the load balancer takes about ten seconds to apply a change; it was not checked from outside";

/// Adds to a report what was seen from outside, and reports a failure first if that was not what should be.
async fn seen_from_outside(
    run: Run<'_>,
    record: &mut Record,
    after: &After<'_>,
    report: &mut Report,
) -> Result<(), Error> {
    report.notes.extend(after.untold.cloned());
    // Where another window still holds the rules, what was seen is its doing.
    let own = report.event != Event::Completed || report.rules.iter().all(|rule| rule.state == RuleState::Open);
    let Some(sight) = after.sight.filter(|_| own) else {
        report.notes.push(UNPROBED.to_owned());
        return Ok(());
    };
    if sight.seen {
        report.actual.seen_after_secs = Some(sight.after_secs);
        return Ok(());
    }
    let note = format!(
        "after {}s a visitor got {}, and a tester got {}; the rules are as they should be, so look at what is in front \
         of the load balancer",
        sight.after_secs, sight.visitor, sight.tester
    );
    report.notes.push(note.clone());
    let cause = format!("probe:{}", report.event.word());
    report_failure(run, record, after.lines(record), &[note], &cause).await.map(drop)
}

fn to_end_it(record: &Record) -> String {
    remedy("to end it now", &serde_json::json!({ "action": "off", "id": record.id() }))
}

fn to_drop_it(record: &Record) -> String {
    remedy("to drop it", &serde_json::json!({ "action": "cancel", "id": record.id() }))
}

/// When the window's rules were turned, as its record tells it.
pub(super) fn actual(record: &Record) -> Actual {
    let (window, progress) = (record.window(), &record.progress);
    let late = |at: Option<Timestamp>, due: Option<Timestamp>| Some(at?.duration_since(due?).as_secs());
    Actual {
        started: progress.narrowed_at,
        start_late_secs: late(progress.narrowed_at, Some(window.start)),
        ended: progress.restored_at,
        end_late_secs: late(progress.restored_at, window.end),
        ..Actual::default()
    }
}

/// Reports what others did to the window's rules.
async fn tell_drift(run: Run<'_>, record: &mut Record, after: &After<'_>) -> Result<(), Error> {
    let mut notes = record.progress.drift.clone();
    let mut keys = vec![];
    let unusable = after.step.unusable.iter().map(|(rule, note)| (format!("unusable:{}", rule.id()), note.clone()));
    let left_alone = after.step.left_alone.iter().map(|rule| {
        let note =
            format!("rule {} was edited by someone else during the window; what they wrote stands", rule.short());
        (format!("edited:{}", rule.id()), note)
    });
    for (key, note) in unusable.chain(left_alone) {
        if !record.reported(&key) {
            notes.push(note);
            keys.push(key);
        }
    }
    if notes.is_empty() {
        return Ok(());
    }
    let now = run.now();
    let report =
        Report { rules: after.lines(record), cause: notes.join("; "), notes, ..Report::new(Event::Drift, record, now) };
    run.app.aws.topic.publish(&report).await?;
    record.progress.drift.clear();
    record.progress.reported.extend(keys.into_iter().map(|key| (key, now)));
    tracing::warn!(window.id = %record.id(), drift = report.cause, "someone else changed a rule");
    Ok(())
}

/// Reports a failure, once for each cause and window; true if it did.
pub(super) async fn report_failure(
    run: Run<'_>,
    record: &mut Record,
    rules: Vec<RuleLine>,
    failures: &[String],
    cause: &str,
) -> Result<bool, Error> {
    let key = format!("failed:{}", digest([cause]));
    if record.reported(&key) {
        return Ok(false);
    }
    let now = run.now();
    let report = Report {
        rules,
        notes: failures.to_vec(),
        next_steps: vec![
            "every sweep tries again, at most five minutes from now; if the cause stays, mend what it names".to_owned(),
            remedy("to see what else is in the way", &serde_json::json!({ "action": "check" })),
        ],
        cause: cause.to_owned(),
        ..Report::new(Event::Failed, record, now)
    };
    run.app.aws.topic.publish(&report).await?;
    record.progress.reported.insert(key, now);
    Ok(true)
}

/// The last step of a window: the report, its other schedules, the record last of all.
async fn forget(run: Run<'_>, record: &mut Record, after: &After<'_>) -> Result<Outcome, Error> {
    if after.unheld {
        let wait = "its end waits until the records of all windows can be written".to_owned();
        return Err(Error::Incomplete(vec![wait]));
    }
    // Before anything that tells a person it is over.
    if let (Some(request), Some(until)) = (&record.request, record.tombstone_until(run.now())) {
        run.app.aws.schedules.bury(record.id(), request, until, run.target).await?;
    }
    let before = record.progress.clone();
    if after.restored(record) {
        record.progress.narrowed_at = record.progress.narrowed_at.or(record.progress.narrowing_at);
    }
    if record.progress.narrowed_at.is_some() {
        record.progress.restored_at.get_or_insert(after.turned_at);
    }
    let told = tell_end(run, record, after).await;
    if told.is_err() && record.progress != before {
        // The report will be late; what it says of the end must not be.
        mark(run, record, after.step.standing).await.map(drop)?;
    }
    let outcome = told?;
    let passes = |name: &&ScheduleName| !matches!(name.part, Part::Tombstone(_));
    let mut names: BTreeSet<ScheduleName> = record.others.iter().filter(passes).cloned().collect();
    let own = |amendment: &Amendment| ScheduleName::new(record.id(), Part::Amendment(amendment.number));
    names.extend(record.amendments.iter().map(own));
    for deleted in join_all(names.iter().map(|name| run.app.aws.schedules.delete(name))).await {
        deleted?;
    }
    run.app.aws.schedules.delete(&ScheduleName::new(record.id(), Part::Record)).await?;
    Ok(outcome)
}

async fn tell_end(run: Run<'_>, record: &mut Record, after: &After<'_>) -> Result<Outcome, Error> {
    let (event, outcome) = match after.step.standing {
        Standing::Missed => (Event::Missed, Outcome::Missed),
        Standing::Cancelled => (Event::Cancelled, Outcome::Cancelled),
        Standing::Completed | Standing::Booked | Standing::Active | Standing::Held => {
            (Event::Completed, Outcome::Completed)
        }
    };
    tell_drift(run, record, after).await?;
    let mut report = Report { rules: after.lines(record), ..Report::new(event, record, run.now()) };
    report.actual = actual(record);
    if record.is_revived(run.now()) {
        report.notes.push("the event that booked it was delivered again after it had been ended".to_owned());
    }
    if event == Event::Completed {
        seen_from_outside(run, record, after, &mut report).await?;
        for line in report.rules.iter().filter(|line| line.state == RuleState::HeaderOnly) {
            report.notes.push(format!("rule {} stays in maintenance for another window", line.arn.short()));
        }
    }
    run.app.aws.topic.publish(&report).await?;
    tracing::info!(window.id = %record.id(), window.event = event.word(), "window changed");
    Ok(outcome)
}
