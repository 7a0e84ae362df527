//! Ending maintenance now, and dropping what has not begun.

use jiff::Timestamp;

use super::{
    Decided, Verdict,
    answers::{self, AnswerOutcome},
    decide, known, meant, recurring, request, skips, with_decision,
};
use crate::{
    app::Run,
    aws::{
        items::{Past, RequestItem, Write},
        store::{Reads, Written, is_refused_for_good, refused_unchanged},
    },
    error::Error,
    event::Asked,
    model::{
        id::WindowId,
        rule_arn::RuleArn,
        series::Series,
        window::{DecisionKind, Outcome, State, Window},
    },
    plan::{RuleState, reports::Event, site::Site},
    reconcile::{self, Done},
    report::{
        Report,
        response::Response,
        site,
        views::{RuleLine, WindowView},
    },
};

/// Ends active windows now; without any, reopens every rule that is header-only for no window.
///
/// The decision is taken from the table alone, so that it stands even while the rules cannot be read.
///
/// # Errors
/// [`Error::InvalidEvent`] if the id means no active window; otherwise as [`reconcile::reconcile`] and
/// [`reconcile::Done::complete`].
pub async fn off(run: Run<'_>, id: Option<WindowId>, asked: &Asked) -> Result<Response, Error> {
    let decided = decide(run, DecisionKind::Off, |table, now| {
        let mut targets = vec![];
        let mut writes = vec![];
        if let Some(id) = &id {
            let window = known(table, id)?;
            if window.state == State::Booked && window.start > now {
                return Err(Error::InvalidEvent(vec![format!("id: window {id} has not begun; to drop it use cancel")]));
            }
        }
        for window in table.windows.iter().filter(|window| id.as_ref().is_none_or(|id| id == &window.id)) {
            if let Some(ended) = ended(window, now, asked) {
                writes.push(Write::Window(ended.clone()));
                targets.push(ended);
            } else if window.state == State::Ending {
                // Over, but its last report is not out yet: this run finishes it.
                targets.push(window.clone());
            }
        }
        let about = targets.iter().map(|window| window.id.clone()).collect();
        Ok(Verdict { what: (targets, !writes.is_empty()), writes, about })
    });
    let mut left = vec![];
    let (targets, is_new) = match decided.await {
        Err(error) if id.is_none() && is_refused_for_good(&error) => {
            let (ended, not_ended) = one_by_one(run, asked, error).await?;
            left = not_ended;
            (ended, true)
        }
        Err(error) => return Err(error),
        Ok(Decided::New(what)) => what,
        Ok(Decided::Before(before)) if id.is_some() => return answers::repeated(run, &before).await,
        Ok(Decided::Before(before)) => {
            let done = reconcile::reconcile_and_reopen(run).await?;
            // The first try may have died before it opened and told of rules that were closed for no window.
            let reported = report_reopened(run, &done.site, &done.reopened).await;
            let opened = unsaved(&done.reopened);
            let mut answer = answers::decided_before(run, &before, done).await?;
            reported?;
            answer.warnings.extend(opened);
            return Ok(answer);
        }
    };
    let ids: Vec<String> = targets.iter().map(|window| window.id.to_string()).collect();
    let decided = is_new.then(|| format!("the end of {} is decided, and that stands", ids.join(", ")));
    let mut done =
        if id.is_none() { reconcile::reconcile_and_reopen(run).await? } else { reconcile::reconcile(run).await? };
    left.retain(|problem| !done.left.contains(problem));
    done.left.extend(left);
    let reported = report_reopened(run, &done.site, &done.reopened).await;
    let done = done.complete(decided)?;
    reported?;
    let mut answer = answers::summary(run, DecisionKind::Off.word(), &done);
    // What is in the present no more, another run has made history.
    let over = |window: &Window| Window { state: State::Over, ..window.clone() };
    let stands = |window: &Window| done.window(&window.id, &window.uid).cloned().unwrap_or_else(|| over(window));
    let ended: Vec<Window> = targets.iter().map(stands).collect();
    (answer.outcome, answer.message) = told(&ended, &done);
    answer.warnings.extend(unsaved(&done.reopened));
    answer.windows = ended.iter().map(WindowView::new).collect();
    if let [only] = answer.windows.as_slice() {
        answer.window = Some(only.clone());
        answer.windows.clear();
    }
    Ok(answer)
}

/// A window that has begun, or should have, as ended now; none if there is nothing to end.
fn ended(window: &Window, now: Timestamp, asked: &Asked) -> Option<Window> {
    let outcome = match window.state {
        State::Active | State::Held => Outcome::Completed,
        State::Booked if window.start <= now => Outcome::Cancelled,
        State::Booked | State::Ending | State::Over => return None,
    };
    Some(with_decision(window.to_end(now, outcome), now, DecisionKind::Off, asked))
}

/// Ends each window by itself, since one that takes no change must not keep the others closed. Returns those that are
/// ended, and a sentence about each of the others.
///
/// # Errors
/// `refusal`, if none could be ended; [`Error::Aws`] when the table cannot be read.
async fn one_by_one(run: Run<'_>, asked: &Asked, refusal: Error) -> Result<(Vec<Window>, Vec<String>), Error> {
    let store = &run.app.aws.store;
    let table = store.now(Reads::Windows, run.now()).await?;
    let all: Vec<Window> = table.windows.iter().filter_map(|window| ended(window, run.now(), asked)).collect();
    // The request's own item goes with the first one that is taken.
    let mut own = Some(request(run, DecisionKind::Off, all.iter().map(|window| window.id.clone()).collect()));
    let (mut ends, mut left) = (vec![], vec![]);
    for window in all {
        let write = [Write::Window(window.clone())];
        let error = match store.write(own.as_ref(), &write).await {
            Ok(Written::Yes) => {
                own = None;
                ends.push(window);
                continue;
            }
            Ok(Written::Changed | Written::Decided | Written::Busy) => refused_unchanged(&write),
            Err(error) => error,
        };
        left.push(format!("window {}: {}", window.id, error.full()));
    }
    if ends.is_empty() { Err(refusal) } else { Ok((ends, left)) }
}

/// What came of `off`: of the windows it ended, or found ending, and of rules that no window accounted for.
fn told(ended: &[Window], done: &Done) -> (String, String) {
    let of = |outcome: Outcome| -> Vec<String> {
        let such = ended.iter().filter(|window| window.ending.is_some_and(|ending| ending.outcome == outcome));
        such.map(|window| window.id.to_string()).collect()
    };
    let (completed, cancelled, missed) = (of(Outcome::Completed), of(Outcome::Cancelled), of(Outcome::Missed));
    let changed = done.rules.iter().filter(|rule| rule.changed).count();
    let (came, message) = match (completed.as_slice(), cancelled.as_slice(), missed.as_slice(), changed) {
        ([], [], [], 0) => {
            ("unchanged", "Nothing was changed: no window has begun, and no rule is closed for none.".to_owned())
        }
        ([], [], [], 1) => ("restored", "One rule that was closed for no window is open again.".to_owned()),
        ([], [], [], count) => ("restored", format!("{count} rules that were closed for no window are open again.")),
        ([], [], missed, _) => (AnswerOutcome::Missed.word(), format!("Ended without a start: {}.", missed.join(", "))),
        ([], cancelled, _, _) => (AnswerOutcome::Cancelled.word(), format!("Cancelled: {}.", cancelled.join(", "))),
        (completed, ..) => (AnswerOutcome::Completed.word(), format!("Ended: {}.", completed.join(", "))),
    };
    (came.to_owned(), message)
}

/// Reports rules that were header-only for no window and were reopened by hand.
async fn report_reopened(run: Run<'_>, site: &Site, reopened: &[RuleArn]) -> Result<(), Error> {
    if reopened.is_empty() {
        return Ok(());
    }
    let lines = reopened.iter().map(|arn| RuleLine { arn: arn.clone(), state: RuleState::Open }).collect();
    let mut report = Report::without_window(Event::Completed, lines, run.now(), run.request).seen(site);
    report.notes.extend(unsaved(reopened));
    run.app.aws.topic.publish(&report, run.target).await.map_err(|error| {
        let names: Vec<String> = reopened.iter().map(RuleArn::short).collect();
        let decided = Some(format!("open again: {}", names.join(", ")));
        Error::Incomplete { site: Some(site::headline(site)), decided, left: vec![error.full()] }
    })
}

/// Of a rule that was closed for no window nobody knows what it demanded before.
fn unsaved(reopened: &[RuleArn]) -> Option<String> {
    let names: Vec<String> = reopened.iter().map(RuleArn::short).collect();
    (!names.is_empty()).then(|| {
        format!(
            "closed for no window, and opened by hand: {}; what such a rule demanded before was saved nowhere, so it now \
             demands what stood beside the bypass header, or matches every request if nothing did; compare its \
             conditions with those it should have",
            names.join(", ")
        )
    })
}

/// What is cancelled.
enum Dropped {
    /// A window, and whether that was decided just now.
    Window(Box<Window>, bool),
    /// A series, with that decision as its last.
    Series(Box<Series>),
}

/// Answers a request that was decided before. Where it ended a series, that is reported again, under the same id.
async fn cancelled_before(run: Run<'_>, before: &RequestItem) -> Result<Response, Error> {
    let mut done = reconcile::reconcile(run).await?;
    let search = answers::since(before.about.first().cloned(), before.at);
    match run.app.aws.store.history(&search, run.now()).await {
        Ok(found) => {
            for past in found.past {
                if let Past::Series(over, _) = past {
                    done.left.extend(recurring::report(run, &over, recurring::decision_of(&over, before)).await);
                }
            }
        }
        Err(error) => done.left.push(error.full()),
    }
    answers::decided_before(run, before, done).await
}

/// Drops a booked window, or a series with its booked windows.
///
/// # Errors
/// [`Error::InvalidEvent`] if the window has begun or is unknown; otherwise as [`reconcile::reconcile`] and
/// [`reconcile::Done::complete`].
pub async fn cancel(run: Run<'_>, id: Option<&WindowId>, asked: &Asked) -> Result<Response, Error> {
    let decided = decide(run, DecisionKind::Cancel, |table, now| {
        let ahead = |window: &&Window| window.state == State::Booked;
        let windows = table.windows.iter().filter(ahead).map(|window| &window.id);
        let may_be: Vec<&WindowId> = windows.chain(table.series.iter().map(|series| &series.id)).collect();
        let id = &meant(id, &may_be, DecisionKind::Cancel)?;
        let about = vec![id.clone()];
        if let Some(series) = table.one_series(id) {
            let (over, writes) = recurring::cancelling(table, series, now, asked);
            return Ok(Verdict { what: Dropped::Series(Box::new(over)), writes, about });
        }
        let window = known(table, id)?;
        let what = match window.state {
            State::Booked => {
                let dropped = with_decision(window.to_end(now, Outcome::Cancelled), now, DecisionKind::Cancel, asked);
                let left_out = skips::leaving_out(table, window, now);
                return Ok(Verdict {
                    writes: [Write::Window(dropped.clone())].into_iter().chain(left_out).collect(),
                    what: Dropped::Window(Box::new(dropped), true),
                    about,
                });
            }
            State::Ending | State::Over => Dropped::Window(Box::new(window.clone()), false),
            State::Active | State::Held => {
                return Err(Error::InvalidEvent(vec![format!("id: window {id} has begun; to end it now use off")]));
            }
        };
        Ok(Verdict { what, writes: vec![], about })
    });
    let meant = if id.is_none() { answers::MEANT } else { "" };
    let dropped = match decided.await? {
        Decided::New(dropped) => dropped,
        Decided::Before(before) => return cancelled_before(run, &before).await,
    };
    let untold = match &dropped {
        Dropped::Series(over) => recurring::report(run, over, over.decisions.last()).await,
        Dropped::Window(..) => None,
    };
    let id = match &dropped {
        Dropped::Window(window, _) => window.id.clone(),
        Dropped::Series(series) => series.id.clone(),
    };
    let is_new = !matches!(dropped, Dropped::Window(_, false));
    let mut done = reconcile::reconcile(run).await?;
    done.left.extend(untold);
    let done = done.complete(is_new.then(|| format!("the cancellation of {id} is decided, and that stands")))?;
    Ok(match dropped {
        Dropped::Window(window, _) => {
            // Somebody else may have ended it just before: what is told is how it ended.
            let usual = window.ending.map_or(AnswerOutcome::Cancelled, |ending| AnswerOutcome::ended(ending.outcome));
            let mut answer = answers::after(run, DecisionKind::Cancel.word(), &window, &done, usual).await;
            answer.message.push_str(meant);
            answer
        }
        Dropped::Series(_) => Response {
            outcome: AnswerOutcome::Cancelled.word().to_owned(),
            message: format!("Series {id} is cancelled, and so is every booked window of it.{meant}"),
            ..answers::summary(run, DecisionKind::Cancel.word(), &done)
        },
    })
}
