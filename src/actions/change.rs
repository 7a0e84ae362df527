//! Moving a window's times.

use jiff::{SignedDuration, Timestamp};

use super::{
    Decided, Verdict,
    answers::{self, AnswerOutcome},
    decide, known, meant, own_time, skips, with_decision,
};
use crate::{
    app::Run,
    aws::items::Write,
    error::Error,
    event::{Asked, NewEnd, NewTimes},
    model::{
        id::WindowId,
        span,
        table::Table,
        time,
        window::{DecisionKind, LENGTH_MIN, State, Window},
    },
    reconcile,
    report::response::Response,
};

/// What a change comes to.
struct Moved {
    before: Window,
    after: Window,
}

/// Moves the end of a booked, active or held window. Without an id that is the only one that has begun.
///
/// # Errors
/// [`Error::InvalidEvent`] if the window is unknown or over, or the new end is unusable; otherwise as
/// [`reconcile::reconcile`] and [`reconcile::Done::complete`].
pub async fn extend(run: Run<'_>, id: Option<&WindowId>, by: &NewEnd, asked: &Asked) -> Result<Response, Error> {
    let longest = run.app.config.max_duration;
    let decided = decide(run, DecisionKind::Extend, |table, now| {
        let id = &id.map_or_else(|| goes_on(table, now), |id| Ok(id.clone()))?;
        let window = known(table, id)?;
        if window.state == State::Ending || (window.state == State::Booked && window.has_ended(now)) {
            return Err(too_late(id));
        }
        let end = new_end(window, by, now)?;
        let blamed = if matches!(by, NewEnd::By(_)) { "by" } else { "end" };
        let problem = end_problem(window, end, blamed, now, longest);
        if let Some(problem) = problem {
            return Err(Error::InvalidEvent(vec![problem]));
        }
        let state = if window.state == State::Held { State::Active } else { window.state };
        Ok(moved(window, Window { end: Some(end), state, ..window.clone() }, now, DecisionKind::Extend, asked))
    });
    let decided = decided.await?;
    let is_meant = id.is_none() && matches!(decided, Decided::New(_));
    let mut answer = changed(run, DecisionKind::Extend, decided).await?;
    if is_meant {
        answer.message.push_str(answers::MEANT);
    }
    Ok(answer)
}

/// The window that an `extend` without an id means: the only one that goes on. Never one that has not begun: who sends
/// this a moment too late would move another night, and believe that the site stays closed.
fn goes_on(table: &Table, now: Timestamp) -> Result<WindowId, Error> {
    let ids = |which: &dyn Fn(&Window) -> bool| -> Vec<&WindowId> {
        table.windows.iter().filter(|window| which(window)).map(|window| &window.id).collect()
    };
    let begun = ids(&|window| match window.state {
        State::Active | State::Held => true,
        State::Booked => window.start <= now && !window.has_ended(now),
        State::Ending | State::Over => false,
    });
    let ahead = ids(&|window| window.state == State::Booked);
    if !begun.is_empty() || ahead.is_empty() {
        return meant(None, &begun, DecisionKind::Extend);
    }
    let names: Vec<&str> = ahead.iter().map(|id| id.as_str()).collect();
    Err(Error::InvalidEvent(vec![format!(
        "id: expected a window that has begun, but none goes on; to close the site again send on, and to move the end \
         of one that is booked give its id: {}",
        names.join(", ")
    )]))
}

fn new_end(window: &Window, by: &NewEnd, now: Timestamp) -> Result<Timestamp, Error> {
    let id = &window.id;
    let by = match by {
        NewEnd::At(end) => return own_time(window.timezone.as_deref(), "end", end, now.max(window.start)),
        NewEnd::By(by) => *by,
    };
    let from = match window.end {
        // What overran its end is extended from now.
        Some(_) if window.state == State::Held => time::whole_second(now),
        Some(end) => end,
        None => {
            return Err(Error::InvalidEvent(vec![format!(
                "by: window {id} has no end to move; send `end` instead, or off when it is done"
            )]));
        }
    };
    from.checked_add(by).map_err(|_| {
        let problem = "by: expected an end that a calendar holds, but it would be beyond it";
        Error::InvalidEvent(vec![problem.to_owned()])
    })
}

/// What is wrong with a new end; `blamed` is the field of the event that says it, `end` or `by`.
fn end_problem(
    window: &Window,
    end: Timestamp,
    blamed: &str,
    now: Timestamp,
    longest: SignedDuration,
) -> Option<String> {
    let length = end.duration_since(window.start);
    // What has not begun is not ended, but dropped.
    let instead = if window.start > now { "cancel drops the window" } else { "off ends it now" };
    if end <= now {
        Some(format!("{blamed}: expected an end after now ({}), but found {end}; {instead}", time::utc(now)))
    } else if length < LENGTH_MIN {
        Some(format!(
            "{blamed}: expected at least a minute after the start ({}), but found {end}; {instead}",
            window.start
        ))
    } else if length > longest {
        Some(format!(
            "{blamed}: expected a window of at most {} (MaxDuration), but it would last {}",
            time::spoken_duration(longest),
            time::spoken_duration(length)
        ))
    } else {
        None
    }
}

/// Moves a booked window.
///
/// # Errors
/// [`Error::InvalidEvent`] if the window is unknown or has begun, or the new times are unusable; otherwise as
/// [`reconcile::reconcile`] and [`reconcile::Done::complete`].
pub async fn reschedule(run: Run<'_>, id: &WindowId, times: &NewTimes, asked: &Asked) -> Result<Response, Error> {
    let longest = run.app.config.max_duration;
    let decided = decide(run, DecisionKind::Reschedule, |table, now| {
        let window = known(table, id)?;
        let zone = window.timezone.as_deref();
        let start = match &times.start {
            Some(start) => own_time(zone, "start", start, now)?,
            None => window.start,
        };
        let length = times.duration.or(window.length());
        let end = match (&times.end, length) {
            (Some(end), _) => Some(own_time(zone, "end", end, start)?),
            (None, Some(length)) => Some(start.checked_add(length).map_err(|_| {
                let problem = "duration: expected an end that a calendar holds, but it would be too far ahead";
                Error::InvalidEvent(vec![problem.to_owned()])
            })?),
            (None, None) => None,
        };
        let after = Window { start, end, ..window.clone() };
        if after == *window {
            return Ok(moved(window, after, now, DecisionKind::Reschedule, asked));
        }
        if window.state == State::Ending {
            return Err(too_late(id));
        }
        if window.state != State::Booked || window.start <= now {
            return Err(Error::InvalidEvent(vec![format!(
                "id: window {id} has begun; use extend to move its end, or off"
            )]));
        }
        // Without an end the length stays, or is the duration.
        let blamed = if times.end.is_some() { "end" } else { "duration" };
        let mut problems = span::problems(start, end, blamed, now, longest);
        if start <= now {
            problems.push(format!("start: expected a start after now, but found {start}; to start now use on"));
        }
        if problems.is_empty() {
            let left_out = skips::leaving_out(table, window, now);
            let mut verdict = moved(window, after, now, DecisionKind::Reschedule, asked);
            verdict.writes.extend(left_out);
            Ok(verdict)
        } else {
            Err(Error::InvalidEvent(problems))
        }
    });
    changed(run, DecisionKind::Reschedule, decided.await?).await
}

fn too_late(id: &WindowId) -> Error {
    Error::InvalidEvent(vec![format!("id: window {id} is ending, and can no longer be moved; nothing was changed")])
}

/// The verdict on new times: nothing is written if they are as they were.
fn moved(before: &Window, after: Window, now: Timestamp, action: DecisionKind, asked: &Asked) -> Verdict<Moved> {
    let about = vec![before.id.clone()];
    if (before.start, before.end, before.state) == (after.start, after.end, after.state) {
        return Verdict { what: Moved { before: before.clone(), after }, writes: vec![], about };
    }
    let after = Window { revision: before.revision.wrapping_add(1), times_set_at: now, ..after };
    let after = with_decision(after, now, action, asked);
    let writes = vec![Write::Window(after.clone())];
    Verdict { what: Moved { before: before.clone(), after }, writes, about }
}

/// Makes the new wake-ups, does what is due, and answers.
async fn changed(run: Run<'_>, action: DecisionKind, decided: Decided<Moved>) -> Result<Response, Error> {
    let Moved { before, mut after } = match decided {
        Decided::Before(before) => return answers::repeated(run, &before).await,
        Decided::New(moved) => moved,
    };
    let is_new = before.revision != after.revision;
    let usual = match (is_new, action) {
        (false, _) => AnswerOutcome::Unchanged,
        (true, DecisionKind::Extend) => AnswerOutcome::Extended,
        (true, _) => AnswerOutcome::Rescheduled,
    };
    let decided = is_new.then(|| format!("the new times of window {} are decided, and stand", after.id));
    // One whose start has come is not ahead any more, though no run has closed a rule for it yet.
    let is_ahead = after.state == State::Booked && after.start > run.now();
    let mut answer = if let (true, Some(decided)) = (is_ahead, &decided) {
        let present = reconcile::follow(run, &mut after, decided.clone()).await?;
        answers::ahead(run, action.word(), &after, present, usual)
    } else {
        let done = reconcile::reconcile(run).await?.complete(decided)?;
        answers::after(run, action.word(), &after, &done, usual).await
    };
    if is_new {
        reconcile::forget_wake_ups(run, &before).await;
        usual.word().clone_into(&mut answer.outcome);
        let zone = after.timezone.as_deref();
        let told = |end: Option<Timestamp>| end.map_or("open end".to_owned(), |end| time::spoken(end, zone));
        answer.message = format!(
            "The times of window {} are {} to {}; its end was {}.",
            after.id,
            time::spoken(after.start, zone),
            told(after.end),
            told(before.end)
        );
        if answer.window.as_ref().is_some_and(|window| window.state == State::Over) {
            answer.message.push_str(" It has ended meanwhile.");
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::window::tests::{active, at, window};

    #[test]
    fn an_end_lies_ahead_and_leaves_at_least_a_minute_and_at_most_the_longest() {
        let (ahead, ends) = ("cancel drops the window", "off ends it now");
        for (what, window, now, end, expected) in [
            ("the shortest", window(), "01:00:00", "02:01:00", None),
            ("too short", window(), "01:00:00", "02:00:59", Some(("at least a minute after the start", ahead))),
            ("the longest", window(), "01:00:00", "06:00:00", None),
            ("too long", window(), "01:00:00", "06:00:01", Some(("at most 4h (MaxDuration)", "would last 4h 1s"))),
            ("now", active(), "03:00:00", "03:00:00", Some(("an end after now", ends))),
            ("a moment ahead", active(), "03:00:00", "03:00:01", None),
            ("due", window(), "02:00:00", "02:00:00", Some(("an end after now", ends))),
            ("a moment before its start", window(), "01:59:59", "01:59:00", Some(("an end after now", ahead))),
        ] {
            let found = end_problem(&window, at(end), "end", at(now), SignedDuration::from_hours(4));
            match (&found, expected) {
                (None, None) => {}
                (Some(found), Some((problem, more))) => {
                    assert!(found.contains(problem) && found.contains(more), "{what}: {found}");
                }
                _ => panic!("{what}: {found:?}"),
            }
        }
    }
}
