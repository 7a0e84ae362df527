//! Reports: what is due is published, each by itself, and the table notes that it was told.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use super::{
    failures::{About, Failure},
    outside::Outside,
    present,
    state::{Done, Happened, Progress, Settled, WINDOWS_AT_ONCE},
    times::{self, noted},
};
use crate::{
    app::Run,
    error::Error,
    model::{
        note::Note,
        rule_arn::RuleArn,
        table::Notice,
        time,
        window::{State, Window},
    },
    plan::{
        Form, Obstacle, RulePlan, RuleState, Way,
        reports::{self, Due, Event, Fact},
        site::Site,
    },
    report::{
        Report, drift,
        views::{RuleLine, VisitorView},
        words::{self, remedy},
    },
};

/// How long a finding that belongs to no window stands before it is told again.
const NOTICE_MEMORY: SignedDuration = SignedDuration::from_hours(24);

/// Publishes what is due about every window, a few windows at once. One that cannot be published stops no other.
/// `booked` are windows that this run has booked and told of; they count in how the site stands.
pub(super) async fn tell(
    run: Run<'_>,
    settled: &mut Settled,
    progress: &Progress,
    outside: &Outside,
    booked: Vec<Window>,
) -> Done {
    let seen = &*settled;
    // What this run notes of its windows counts in what it says of the site.
    let own = seen.table.windows.iter().map(|window| noted(window, &times::of(run, seen, progress, window)));
    let windows: Vec<Window> = own.chain(booked).collect();
    let mut site = present::after(run, seen, &windows);
    let sight = outside.sight.as_ref().map(|(_, sight)| sight);
    if let Some(sight) = sight {
        site.met(sight.met, &sight.visitor);
    }
    let visitor = sight.map(|sight| VisitorView {
        met: sight.met,
        got: sight.visitor.clone(),
        after_secs: Some(sight.after_secs),
    });
    let around = &Around { site: &site, outside };
    let told: Vec<(Window, Done)> = stream::iter(&seen.table.windows)
        .map(|window| tell_one(run, seen, progress, around, window))
        .buffered(WINDOWS_AT_ONCE)
        .collect()
        .await;
    let mut done = Done { site, visitor, ..Done::default() };
    settled.table.windows.clear();
    for (window, of_window) in told {
        settled.table.windows.push(window);
        done.happened.extend(of_window.happened);
        done.left.extend(of_window.left);
        done.untold.extend(of_window.untold);
    }
    done
}

/// How the site stands, and what was seen of it from outside.
struct Around<'a> {
    site: &'a Site,
    outside: &'a Outside,
}

async fn tell_one(
    run: Run<'_>,
    settled: &Settled,
    progress: &Progress,
    around: &Around<'_>,
    window: &Window,
) -> (Window, Done) {
    let mut done = Done::default();
    let failures = failures_of(run, settled, progress, window);
    let mut note = times::of(run, settled, progress, window);
    let found_made = times::found_made_since(progress, window, &note);
    // What calls AWS is boxed: there is nothing to tell of most windows, and each of them moves what is not.
    if !failures.is_empty() {
        Box::pin(publish_failures(run, settled, around.site, window, &failures, &mut note, &mut done)).await;
    }
    for mut due in reports::all(window, settled.plan.as_ref(), &settled.table, &run.app.config, run.now()) {
        // The last report says that all is as it should be.
        if !failures.is_empty() && window.state == State::Ending && ends(&due) {
            continue;
        }
        if matches!(due.event, Event::Started | Event::Completed) {
            due.facts.extend(found_made.map(Fact::FoundMade));
        }
        Box::pin(publish(run, settled, &noted(window, &note), &due, around, &mut note, &mut done)).await;
    }
    let window = noted(window, &note);
    let changes = !note.told.is_empty() || note.started_at.is_some() || note.reopened_at.is_some();
    if changes && let Err(error) = Box::pin(run.app.aws.store.note(&window, &note)).await {
        done.left.push(error.full());
    }
    done.left.extend(failures.iter().map(|failure| format!("window {}: {}", window.id, failure.sentence())));
    (window, done)
}

fn ends(due: &Due) -> bool {
    matches!(due.event, Event::Completed | Event::Cancelled | Event::Missed)
}

async fn publish(
    run: Run<'_>,
    settled: &Settled,
    window: &Window,
    due: &Due,
    around: &Around<'_>,
    note: &mut Note,
    done: &mut Done,
) {
    let rules = lines(run, settled, window);
    let mut report = Report { rules, ..Report::due(due, window, run.now()) }.seen(around.site);
    if matches!(due.event, Event::Started | Event::Completed) {
        report.notes.extend(around.outside.page_problem.clone());
        let unseen = report.add_sight(around.outside.sight_of(due.event));
        if let Some(text) = unseen {
            let failure = Failure::of_fact(About::Run, format!("probe {}", due.event.word()), text);
            publish_failures(run, settled, around.site, window, &[failure], note, done).await;
        }
    }
    match run.app.aws.topic.publish(&report, run.target).await {
        Ok(()) => {
            tracing::info!(window.id = %window.id, window.event = due.event.word(), "window reported");
            note.told.extend(due.keys.iter().cloned());
            note.reports.insert(sent(due.event, report.at));
            match due.event {
                Event::Started => note.closed_seen_after_secs = report.actual.seen_after_secs,
                Event::Completed => note.opened_seen_after_secs = report.actual.seen_after_secs,
                _ => {}
            }
            if let Some(what) = happened(due.event) {
                done.happened.insert(window.id.clone(), what);
            }
        }
        Err(error) => done.not_told(window, &error),
    }
}

fn happened(event: Event) -> Option<Happened> {
    match event {
        Event::Booked => Some(Happened::Booked),
        Event::Started => Some(Happened::Started),
        Event::Completed => Some(Happened::Completed),
        Event::Missed => Some(Happened::Missed),
        Event::Cancelled => Some(Happened::Cancelled),
        Event::Rescheduled
        | Event::Extended
        | Event::Edited
        | Event::Paused
        | Event::Resumed
        | Event::Skipped
        | Event::Unskipped
        | Event::Reminder
        | Event::EndingSoon
        | Event::Overrunning
        | Event::InAlarm
        | Event::Drift
        | Event::Failed => None,
    }
}

/// Reports failures of a window that were not told yet, together.
async fn publish_failures(
    run: Run<'_>,
    settled: &Settled,
    site: &Site,
    window: &Window,
    failures: &[Failure],
    note: &mut Note,
    done: &mut Done,
) {
    let new = |failure: &&Failure| !window.was_told(&failure.key()) && !note.told.contains(&failure.key());
    let new: Vec<&Failure> = failures.iter().filter(new).collect();
    if new.is_empty() {
        return;
    }
    let keys: BTreeSet<String> = new.iter().map(|failure| failure.key()).collect();
    let cause = keys.iter().cloned().collect::<Vec<_>>().join(" ");
    let mut report = Report {
        rules: lines(run, settled, window),
        notes: new.iter().map(|failure| failure.sentence()).collect(),
        ..Report::new(Event::Failed, window, cause, run.now())
    }
    .seen(site);
    let is_closed = |site: &Site| site.ending.iter().any(|ending| ending.uid == window.uid);
    let may_be_closed = window.state == State::Ending && settled.plan.is_none();
    report.next_steps = words::after_failure(is_closed(site) || may_be_closed);
    match run.app.aws.topic.publish(&report, run.target).await {
        Ok(()) => {
            note.told.extend(keys);
            note.reports.insert(sent(Event::Failed, report.at));
        }
        Err(error) => done.not_told(window, &error),
    }
}

/// A report as a window remembers it.
fn sent(event: Event, at: Timestamp) -> String {
    format!("{at} {}", event.word())
}

/// What failed of what is due for a window. One that is still ahead is not told of failures of its rules.
fn failures_of(run: Run<'_>, settled: &Settled, progress: &Progress, window: &Window) -> Vec<Failure> {
    let now = run.now();
    let is_due = window.state != State::Booked || window.start <= now;
    let sender = run.app.config.sender();
    let is_real = |failure: &Failure| failure.is_real(settled.plan.as_ref(), &settled.table, sender.as_deref());
    let own = |failure: &&Failure| match &failure.about {
        About::Window(uid) | About::WakeUps(uid) | About::Transition(uid, _) => uid == &window.uid && is_real(failure),
        About::Change(..) | About::Save(_) | About::Rule(_) | About::Run => false,
    };
    let mut failures: Vec<Failure> = progress.failures.iter().filter(own).cloned().collect();
    if !is_due {
        return failures;
    }
    let Some(plan) = &settled.plan else {
        if let Some(error) = &settled.rules_error {
            failures.push(Failure::new(About::Window(window.uid.clone()), error));
        }
        return failures;
    };
    let rules = reports::rules_of(window, plan, &settled.table, &run.app.config);
    let of_rule = |arn: &RuleArn| rules.iter().any(|rule| &rule.arn == arn);
    let of_rules = |failure: &&Failure| match &failure.about {
        // A window that is ending has no part in what another one narrows.
        About::Change(arn, way) => of_rule(arn) && (*way == Way::Restore || window.is_covering()),
        About::Save(arn) => of_rule(arn) && window.is_covering(),
        About::Rule(_) | About::Window(_) | About::WakeUps(_) | About::Transition(..) | About::Run => false,
    };
    failures.extend(progress.failures.iter().filter(of_rules).filter(|failure| is_real(failure)).cloned());
    for rule in &rules {
        failures.extend(obstacle(window, rule));
    }
    if window.state == State::Booked && window.has_time(now) {
        let why = run.app.config.narrows_nothing().map(|why| format!("it could not start: {why}"));
        failures.extend(why.map(|why| Failure::of_fact(About::Window(window.uid.clone()), "settings", why)));
    }
    // One that has got a condition that could not be put back may be closed all the same.
    let usable = |rule: &&&RulePlan| {
        matches!(rule.state, RuleState::Open | RuleState::HeaderOnly) || rule.form == Some(Form::HeaderOnly)
    };
    if window.is_covering() && !rules.iter().any(|rule| usable(&rule)) {
        let why = "none of its rules can be closed to visitors".to_owned();
        failures.push(Failure::of_fact(About::Window(window.uid.clone()), "no rules", why));
    }
    failures
}

/// An obstacle that is a failure: a rule that stays header-only, or that cannot be narrowed.
fn obstacle(window: &Window, rule: &RulePlan) -> Option<Failure> {
    let found = rule.obstacle.as_ref()?;
    let fails = match found {
        Obstacle::StuckUnsupported(_) | Obstacle::StuckUnmanaged | Obstacle::StuckDamaged => {
            window.state == State::Ending
        }
        Obstacle::Damaged | Obstacle::Settings => window.is_covering(),
        Obstacle::Gone | Obstacle::Unsupported(_) | Obstacle::Unmanaged | Obstacle::Orphaned | Obstacle::TooLate => {
            false
        }
    };
    let text = format!("rule {} {}", rule.arn.short(), words::obstacle(found));
    let cause = format!("obstacle {} {}", rule.arn.id(), if found.is_stuck() { "stuck" } else { "settings" });
    fails.then(|| Failure::of_fact(About::Rule(rule.arn.clone()), cause, text))
}

/// How a window's rules stand, where they could be read.
fn lines(run: Run<'_>, settled: &Settled, window: &Window) -> Vec<RuleLine> {
    let Some(plan) = &settled.plan else { return vec![] };
    let rules = reports::rules_of(window, plan, &settled.table, &run.app.config);
    rules.iter().map(|rule| RuleLine { arn: rule.arn.clone(), state: rule.state }).collect()
}

/// Publishes what is due about a window without looking at any rule: that it was booked or moved.
///
/// # Errors
/// [`Error::Aws`] when a call fails.
pub(super) async fn tell_by_clock(run: Run<'_>, window: &mut Window, site: &Site) -> Result<(), Error> {
    let mut note = Note::default();
    let mut failed = None;
    for due in reports::by_clock(window, &run.app.config, run.now()) {
        let report = Report::due(&due, window, run.now()).seen(site);
        match run.app.aws.topic.publish(&report, run.target).await {
            Ok(()) => {
                note.told.extend(due.keys.iter().cloned());
                note.reports.insert(sent(due.event, report.at));
            }
            Err(error) => failed = Some(error),
        }
    }
    if !note.told.is_empty() {
        run.app.aws.store.note(window, &note).await?;
        window.told.extend(note.told);
        window.reports.extend(note.reports);
    }
    failed.map_or(Ok(()), Err)
}

/// Reports a finding that belongs to no window, once a day while it is true.
///
/// It is noted before it is told, so that a report that is sent again keeps its id.
///
/// # Errors
/// [`Error::Aws`] when a call fails.
pub async fn notice(
    run: Run<'_>,
    known: Option<&Notice>,
    key: &str,
    report: impl FnOnce(&str) -> Report,
) -> Result<(), Error> {
    if known.is_some_and(|known| known.told) {
        return Ok(());
    }
    let found_at = known.map_or(run.now(), |known| known.found_at);
    if known.is_none() {
        note_finding(run, key, found_at).await?;
    }
    run.app.aws.topic.publish(&report(&format!("{key} {found_at}")), run.target).await?;
    let told = Notice { key: key.to_owned(), found_at, told: true };
    run.app.aws.store.put_notice(&told, time::shifted(run.now(), NOTICE_MEMORY)).await
}

/// Remembers such a finding, which is told when it is found again.
///
/// # Errors
/// [`Error::Aws`] when the call fails.
pub async fn note_finding(run: Run<'_>, key: &str, found_at: Timestamp) -> Result<(), Error> {
    let noted = Notice { key: key.to_owned(), found_at, told: false };
    run.app.aws.store.put_notice(&noted, time::shifted(found_at, NOTICE_MEMORY)).await
}

/// A report about a rule that is header-only for no window.
#[must_use]
pub fn orphan_report(rule: &RuleArn, site: &Site, at: Timestamp, cause: &str) -> Report {
    let line = RuleLine { arn: rule.clone(), state: RuleState::HeaderOnly };
    let mut report = Report::without_window(Event::Drift, vec![line], at, cause).seen(site);
    drift::ORPHANED.clone_into(&mut report.headline);
    report.notes.push(format!("rule {} {}", rule.short(), words::obstacle(&Obstacle::Orphaned)));
    // It would end the windows that cover other rules, too.
    if site.covering.is_empty() {
        report.next_steps.push(remedy("to reopen it", &serde_json::json!({ "action": "off" })));
    }
    report.next_steps.push(drift::who_called("ModifyRule", rule));
    report
}
