//! One invocation: read the event, wait for the moment it is for, act, and close with one line in the log.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::{
    actions,
    app::{App, Run},
    console::{self, Asked},
    error::Error,
    event::{self, Action, Request},
    model::{function, wakeup::LEAD},
    report::{
        metrics::{self, Measure, Metric},
        response::Response,
    },
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

/// What goes back to whoever invoked the function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// The answer to an event.
    Answer(Box<Response>),
    /// A text for a dashboard: a page of HTML, or Markdown.
    Page(String),
}

/// Answers an event, or a dashboard with a page.
///
/// A page tells of a failure by itself, since whoever asked reads it; the sweep meets the same failure, and that is what
/// the alarm on errors hears of. What a press asks for and is refused is no failed run, so it is not counted as refused
/// either: the alarm subtracts the one from the other.
///
/// # Errors
/// As [`answer`]; none for a page.
pub async fn reply(app: &App, event: &Value, invocation: &Invocation) -> Result<Reply, Error> {
    match console::asked(event) {
        None => answer(app, event, invocation).await.map(Box::new).map(Reply::Answer),
        Some(Asked::Description) => Ok(Reply::Page(console::DESCRIPTION.to_owned())),
        Some(Asked::Look(context)) => {
            let run = Run { app, target: &invocation.function_arn, request: &invocation.request_id };
            let look = async { Ok(console::look(run, &context).await) };
            let page = in_time(run, invocation, look).await;
            tracing::info!(action = "look", failed = page.is_err(), "a dashboard was shown how the site stands");
            Ok(Reply::Page(page.unwrap_or_else(|error| console::failure(&context, &error))))
        }
        Some(Asked::Act { context, event }) => {
            let result = answer_at(app, &event, invocation, (app.clock)()).await;
            match &result {
                Ok(_) => {}
                Err(Error::InvalidEvent(_)) => {
                    tracing::info!(action = "press", "what a dashboard asked for was refused");
                }
                Err(error) => {
                    tracing::error!(action = "press", error = error.full(), "what a dashboard asked for failed");
                }
            }
            Ok(Reply::Page(console::answered(&context, &event, &result)))
        }
    }
}

/// What is replied where the function cannot work at all: to a dashboard a page that says so.
///
/// # Errors
/// The error, unless a dashboard asked.
pub fn cannot_work(event: &Value, error: Error) -> Result<Reply, Error> {
    Ok(Reply::Page(match console::asked(event) {
        None => return Err(error),
        Some(Asked::Description) => console::DESCRIPTION.to_owned(),
        Some(Asked::Look(context)) => console::failure(&context, &error),
        Some(Asked::Act { context, event }) => console::answered(&context, &event, &Err(error)),
    }))
}

/// Does the work within the invocation's time, as far as that is known.
async fn in_time<T>(
    run: Run<'_>,
    invocation: &Invocation,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    // Without a deadline there is time enough. The work is awaited in one place only: the executable holds it once for
    // each, with all that it calls.
    let left = invocation.deadline.map_or(Duration::MAX, |deadline| {
        Duration::try_from((deadline - ANSWER_TIME).duration_since(run.now())).unwrap_or_default()
    });
    // Dropping the work at any point is what a crash does, and every point survives a crash.
    tokio::time::timeout(left, work).await.unwrap_or(Err(Error::OutOfTime))
}

/// Answers an event, and counts it if it is refused.
///
/// # Errors
/// Whatever went wrong, with a stable kind; see [`Error`].
pub async fn answer(app: &App, event: &Value, invocation: &Invocation) -> Result<Response, Error> {
    let invoked_at = (app.clock)();
    let result = answer_at(app, event, invocation, invoked_at).await;
    if let Err(Error::InvalidEvent(_)) = &result {
        let refused = Measure { metric: Metric::RefusedEvents, value: 1, rule: None };
        // Lambda dates an error by the moment of the invocation too, and the alarm subtracts the one from the other.
        // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
        for line in metrics::lines(&[refused], &app.config.table, invoked_at) {
            (app.figures)(&line);
        }
    }
    result
}

async fn answer_at(app: &App, event: &Value, invocation: &Invocation, now: Timestamp) -> Result<Response, Error> {
    let read = event::read(event, now, &app.config);
    let given = match &read {
        Ok(request) => request.asked.request_id.clone(),
        Err(_) => event.get("request_id").and_then(Value::as_str).map(str::to_owned),
    };
    let key = given.unwrap_or_else(|| invocation.request_id.clone());
    let run = Run { app, target: own_arn(&invocation.function_arn), request: &key };
    let only_looks = function::only_looks(&invocation.function_arn);
    let request = match read {
        Ok(request) => request,
        // Whoever may only look has decided nothing before, and has nothing done by a second try.
        Err(refusal) if only_looks => return Err(refusal),
        Err(refusal) => {
            let before = in_time(run, invocation, async { Ok(actions::decided_in_time(run, event).await) }).await;
            let Ok(Some(before)) = before else { return Err(refusal) };
            let answer = in_time(run, invocation, actions::repeated(run, &before)).await;
            return answer.map(Response::with_headline);
        }
    };
    if only_looks && !request.only_looks() {
        return Err(Error::InvalidEvent(vec![format!(
            "action: expected status, history, check or help, since the function was invoked by its alias {}, which only \
             looks, but found {}; invoke it without the alias, if you may",
            function::LOOK,
            request.action()
        )]));
    }
    let action = request.action();
    let deadline = invocation.deadline.map(|deadline| deadline - ANSWER_TIME);
    let result = in_time(run, invocation, act(run, request, deadline)).await;
    let result = result.map(Response::with_headline);
    if let Ok(response) = &result {
        tracing::info!(
            action,
            outcome = response.outcome,
            window.id = response.window.as_ref().map_or("", |window| window.id.as_str()),
            next_change = response.next_change.map(|at| at.to_string()),
            "{}",
            response.message
        );
    }
    result
}

async fn act(run: Run<'_>, request: Request, deadline: Option<Timestamp>) -> Result<Response, Error> {
    let Request { action, asked } = request;
    match action {
        Action::Book(booking) => actions::book(run, booking, &asked).await,
        Action::On(booking) => actions::on(run, booking, &asked).await,
        Action::Recur(recurring) => actions::recur(run, recurring, &asked).await,
        Action::Edit { id, edit } => actions::edit(run, &id, &edit, &asked).await,
        Action::Unskip { id, start } => actions::unskip(run, &id, start, &asked).await,
        Action::Skip { id, start } => actions::skip(run, &id, start, &asked).await,
        Action::Pause { id } => actions::pause(run, &id, &asked).await,
        Action::Resume { id } => actions::resume(run, &id, &asked).await,
        Action::Off { id } => actions::off(run, id, &asked).await,
        Action::Extend { id, end } => actions::extend(run, id.as_ref(), &end, &asked).await,
        Action::Reschedule { id, times } => actions::reschedule(run, &id, &times, &asked).await,
        Action::Cancel { id } => actions::cancel(run, id.as_ref(), &asked).await,
        Action::Status { id } => actions::status(run, id).await,
        Action::History { search, format } => actions::history(run, &search, format).await,
        Action::Help => Ok(actions::help(run)),
        Action::Check(inquiry) => actions::check(run, &inquiry).await,
        Action::Sweep => actions::sweep(run).await,
        Action::Wake { id, due } => {
            if let Some(due) = due {
                wait(run, due, deadline).await;
            }
            actions::wake(run, &id).await
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
    use serde_json::json;

    use super::*;

    #[test]
    fn a_function_that_cannot_work_says_so_and_to_a_press_that_nothing_was_changed() {
        let error = || Error::InvalidConfig(vec!["TABLE_NAME: required".to_owned()]);
        let page = |event: Value| match cannot_work(&event, error()) {
            Ok(Reply::Page(page)) => page,
            other => panic!("no page: {other:?}"),
        };
        let press = page(json!({"click": {"action": "off"}, "widgetContext": {}}));
        assert!(press.contains("Nothing was changed.") && press.contains("TABLE_NAME: required"), "{press}");
        let look = page(json!({"widgetContext": {}}));
        assert!(look.contains("The function could not look") && !look.contains("Nothing was changed."), "{look}");
        assert!(cannot_work(&json!({"action": "off"}), error()).is_err());
    }

    #[test]
    fn wake_ups_are_addressed_to_the_function_itself() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:function:maintenance";
        for qualifier in ["", ":7", ":$LATEST", ":live"] {
            assert_eq!(own_arn(&format!("{arn}{qualifier}")), arn);
        }
    }
}
