//! One invocation: read the event, wait for the moment it is for, act, and close with one line in the log.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    error::Error,
    event::{self, Request},
    operator,
    reconcile::{App, Run},
    response::Response,
    window::LEAD,
};

/// The longest a wake-up waits for its moment: its lead, and a little more for clocks that differ.
const WAIT_MAX: SignedDuration = SignedDuration::from_secs(LEAD.as_secs() + 30);

/// What must be left of the invocation's time after waiting, to do the work.
const WORK_TIME: SignedDuration = SignedDuration::from_secs(60);

/// What is kept of the invocation's time to answer instead of being cut off.
const ANSWER_TIME: SignedDuration = SignedDuration::from_secs(1);

/// What Lambda says of an invocation.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Its id, the same when Lambda retries an event.
    pub request_id: String,
    /// The ARN the function was invoked by.
    pub function_arn: String,
    /// When it is cut off.
    pub deadline: Option<Timestamp>,
}

/// Answers an event.
///
/// # Errors
/// Whatever went wrong, with a stable kind; see [`Error`].
pub async fn answer(app: &App, event: &Value, invocation: &Invocation) -> Result<Response, Error> {
    let run = Run { app, target: own_arn(&invocation.function_arn), request: &invocation.request_id };
    let request = event::read(event, run.now(), run.request, &app.config)?;
    let action = request.action();
    let result = match invocation.deadline.map(|deadline| deadline - ANSWER_TIME) {
        None => act(run, request, None).await,
        Some(deadline) => {
            let left = Duration::try_from(deadline.duration_since(run.now())).unwrap_or_default();
            // Dropping the work at any point is what a crash does, and every point survives a crash.
            tokio::time::timeout(left, act(run, request, Some(deadline))).await.unwrap_or(Err(Error::OutOfTime))
        }
    };
    if let Ok(response) = &result {
        tracing::info!(
            action,
            outcome = response.outcome,
            window.id = response.window.as_ref().map_or("", |window| window.id.as_str()),
            next_wake = response.next_wake.map(|at| at.to_string()),
            "{}",
            response.message
        );
    }
    result
}

async fn act(run: Run<'_>, request: Request, deadline: Option<Timestamp>) -> Result<Response, Error> {
    let action = request.action();
    match request {
        Request::Book(booking) | Request::On(booking) => operator::book(run, booking, action).await,
        Request::Recur(recurrence) => operator::recur(run, recurrence).await,
        Request::Skip { id, start } => operator::skip(run, &id, start).await,
        Request::Pause { id, paused } => operator::pause(run, &id, paused).await,
        Request::Off { id } => operator::off(run, id).await,
        Request::Extend { id, end } => operator::extend(run, &id, &end).await,
        Request::Reschedule { id, times } => operator::reschedule(run, &id, &times).await,
        Request::Cancel { id } => operator::cancel(run, &id).await,
        Request::Status { id } => operator::status(run, id).await,
        Request::Check(asked) => operator::check(run, &asked).await,
        Request::Sweep => operator::sweep(run).await,
        Request::Wake { id, due } => {
            if let Some(due) = due {
                wait(run, due, deadline).await;
            }
            operator::wake(run, &id).await
        }
    }
}

/// Waits for the moment a wake-up was booked ahead of, if it is near and leaves time to work.
async fn wait(run: Run<'_>, due: Timestamp, deadline: Option<Timestamp>) {
    let now = run.now();
    let ahead = due.duration_since(now);
    if ahead <= SignedDuration::ZERO {
        if ahead < -LEAD {
            tracing::warn!(late_by_secs = -ahead.as_secs(), "woken late");
        }
        return;
    }
    if ahead > WAIT_MAX || deadline.is_some_and(|deadline| deadline.duration_since(due) < WORK_TIME) {
        tracing::warn!(early_by_secs = ahead.as_secs(), "woken too early to wait; a later wake-up or sweep acts");
        return;
    }
    // A timer may end a fraction early, and a moment before the start is still before it.
    while run.now() < due {
        tokio::time::sleep(Duration::try_from(due.duration_since(run.now())).unwrap_or_default()).await;
    }
}

/// Wake-ups go to the function as it is now, not to the version or alias that happened to be invoked: the settings for
/// retries and failed runs are those of the unqualified function.
fn own_arn(invoked: &str) -> &str {
    invoked.match_indices(':').nth(6).map_or(invoked, |(at, _)| &invoked[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wake_ups_are_addressed_to_the_function_itself() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:function:maintenance";
        for qualifier in ["", ":7", ":$LATEST", ":live"] {
            assert_eq!(own_arn(&format!("{arn}{qualifier}")), arn);
        }
    }
}
