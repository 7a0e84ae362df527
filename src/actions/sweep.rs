//! Bringing everything to where it should be, regularly and when woken.

use jiff::Timestamp;

use super::answers::{self, AnswerOutcome};
use crate::{
    app::Run,
    error::Error,
    model::{
        id::{WindowId, digest},
        rule_arn::RuleArn,
        table::UNTOLD,
        window::{State, Window},
    },
    plan::{reports::Event, site::Site},
    reconcile::{self, Done, Problem},
    report::{Report, response::Response, words::remedy},
};

/// Brings everything to where it should be, and looks for what no window accounts for.
///
/// # Errors
/// As [`reconcile::reconcile`] and [`reconcile::Done::complete`].
pub async fn sweep(run: Run<'_>) -> Result<Response, Error> {
    let done = reconcile::reconcile_and_read_all(run).await?;
    let noticed = notices(run, &done).await;
    Box::pin(reconcile::follow_up(run, &done)).await;
    let done = done.complete(None)?;
    noticed?;
    Ok(answers::summary(run, "sweep", &done))
}

/// The same for one of the function's own wake-ups.
///
/// # Errors
/// As [`sweep`].
pub async fn wake(run: Run<'_>, id: &WindowId) -> Result<Response, Error> {
    let done = reconcile::reconcile(run).await?.complete(None)?;
    match done.windows.iter().find(|window| &window.id == id) {
        Some(window) => {
            // Another run may have told what this one did.
            let usual = if answers::did_something(window, &done) {
                AnswerOutcome::Reconciled
            } else {
                AnswerOutcome::Unchanged
            };
            Ok(answers::after(run, "wake", window, &done, usual).await)
        }
        None => Ok(Response {
            message: format!("Nothing is due for window {id}: it is over, was cancelled or never was."),
            ..answers::summary(run, "wake", &done)
        }),
    }
}

/// Tells what belongs to no window, once a day, and forgets what is no longer true.
async fn notices(run: Run<'_>, done: &Done) -> Result<(), Error> {
    let now = run.now();
    let mut current: Vec<String> = vec![];
    let mut failed = None;
    for rule in &done.orphans {
        let key = format!("orphan-{}", rule.key());
        let told = reconcile::notice(run, done.table.notice(&key), &key, |cause| {
            reconcile::orphan_report(rule, &done.site, now, cause)
        });
        failed = told.await.err().or(failed);
        current.push(key);
    }
    for unworkable in &done.unworkable {
        let rules: Vec<String> = unworkable.rules.iter().map(|(rule, found)| format!("{rule} {found:?}")).collect();
        let key = format!("doomed-{}-{}", unworkable.window.uid, digest(rules.iter().map(String::as_str)));
        let report = |cause: &str| {
            let mut report = Report::new(Event::Failed, &unworkable.window, cause.to_owned(), now).seen(&done.site);
            report.notes.push(answers::will_not_work(unworkable));
            report.next_steps = vec![
                "fix the rules or the stack's RuleArns before it starts".to_owned(),
                remedy("to drop it", &serde_json::json!({ "action": "cancel", "id": unworkable.window.id })),
            ];
            report
        };
        failed = reconcile::notice(run, done.table.notice(&key), &key, report).await.err().or(failed);
        current.push(key);
    }
    let helps = Some("change that parameter of the stack, and deploy");
    let settings = run.app.config.problems.iter().map(|problem| (problem.key(), problem.sentence(), helps));
    let items = done.table.unreadable.iter().map(|(id, problem)| (format!("item-{id}"), problem.clone(), None));
    // A try that failed once is not worth a report, but is remembered: not every failure could be noted with what was to
    // be told.
    let is_first = |problem: &Problem| !problem.again && done.table.notice_of_untold().is_none();
    if done.unpublished.as_ref().is_some_and(is_first) {
        failed = reconcile::note_finding(run, UNTOLD, now).await.err().or(failed);
        current.push(UNTOLD.to_owned());
    }
    let unpublished = done.unpublished.iter().filter(|problem| !is_first(problem));
    let unpublished = unpublished.map(|problem| (UNTOLD.to_owned(), problem.sentence(), None));
    for (key, sentence, helps) in settings.chain(items).chain(unpublished) {
        let known = if key == UNTOLD { done.table.notice_of_untold() } else { done.table.notice(&key) };
        let told = reconcile::notice(run, known, &key, |cause| {
            let mut report = without_window(&sentence, &done.site, now, cause);
            report.next_steps.splice(..0, helps.map(str::to_owned));
            report
        });
        failed = told.await.err().or(failed);
        current.push(key);
    }
    // A run that could not read the rules does not know what is wrong with them.
    let is_past = |key: &String| {
        !current.contains(key)
            && match key.split_once('-') {
                Some(("orphan", _)) => done.rules_error.is_none(),
                Some(("doomed", of_window)) => !is_unread(run, done, of_window),
                Some(("visitors", _)) => done.table.published.as_ref().is_none_or(|published| published.is_settled),
                _ => true,
            }
    };
    for notice in done.table.notices.iter().map(|notice| &notice.key).filter(|key| is_past(key)) {
        failed = run.app.aws.store.delete_notice(notice).await.err().or(failed);
    }
    failed.map_or(Ok(()), Err)
}

/// Whether a window that was told to be unworkable is still booked, and not all of its rules could be read by this run.
fn is_unread(run: Run<'_>, done: &Done, of_window: &str) -> bool {
    let is_meant = |window: &&Window| of_window.starts_with(&format!("{}-", window.uid));
    let read = |rule: &RuleArn| done.rules.iter().any(|seen| &seen.arn == rule);
    done.table.windows.iter().find(is_meant).is_some_and(|window| {
        window.state == State::Booked && !window.rules.resolve(&run.app.config.rules).iter().all(read)
    })
}

fn without_window(sentence: &str, site: &Site, now: Timestamp, cause: &str) -> Report {
    let mut report = Report::without_window(Event::Failed, vec![], now, cause).seen(site);
    report.notes.push(sentence.to_owned());
    let check = serde_json::json!({ "action": "check" });
    report.next_steps.push(remedy("to see what else is in the way", &check));
    report
}
