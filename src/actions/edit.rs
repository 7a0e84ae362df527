//! Changing what a window or a series says: why it is, and what visitors read.

use super::{
    Decided, Verdict,
    answers::{self, Came},
    decide, known, recurring, with_decision,
};
use crate::{
    app::Run,
    aws::items::Write,
    error::Error,
    event::{Asked, Edit},
    model::{
        id::WindowId,
        series::Series,
        window::{DecisionKind, State, Window},
    },
    reconcile,
    report::response::Response,
};

/// What an edit comes to.
enum Edited {
    /// A window, and whether anything is new.
    Window(Box<Window>, bool),
    /// A series, and whether anything is new.
    Series(Box<Series>, bool),
}

/// Changes the reason of a window or series, or its message for visitors; what is not named stays.
///
/// A series hands both on to its booked windows.
///
/// # Errors
/// [`Error::InvalidEvent`] if the window is unknown or over; otherwise as [`reconcile::reconcile`] and
/// [`reconcile::Done::complete`].
pub async fn edit(run: Run<'_>, id: &WindowId, edit: &Edit, asked: &Asked) -> Result<Response, Error> {
    let decided = decide(run, DecisionKind::Edit, |table, now| {
        let about = vec![id.clone()];
        let edited = |window: &Window| {
            let texts = new_texts((&window.reason, &window.message), edit);
            let (reason, message) = texts?;
            Some(with_decision(Window { reason, message, ..window.clone() }, now, DecisionKind::Edit, asked))
        };
        if let Some(series) = table.one_series(id) {
            let Some((reason, message)) = new_texts((&series.reason, &series.message), edit) else {
                return Ok(Verdict { what: Edited::Series(Box::new(series.clone()), false), writes: vec![], about });
            };
            let mut after = Series { reason, message, ..series.clone() };
            recurring::decided_about(&mut after, now, DecisionKind::Edit, None, asked);
            let booked = table.windows.iter().filter(|window| recurring::is_booked_for(window, id));
            let mut writes: Vec<Write> = booked.filter_map(edited).map(Write::Window).collect();
            writes.push(Write::Series(after.clone()));
            return Ok(Verdict { what: Edited::Series(Box::new(after), true), writes, about });
        }
        let window = known(table, id)?;
        if matches!(window.state, State::Ending | State::Over) {
            return Err(Error::InvalidEvent(vec![format!(
                "id: expected a window that is not over, but {id} is ending; nothing was changed"
            )]));
        }
        Ok(match edited(window) {
            None => Verdict { what: Edited::Window(Box::new(window.clone()), false), writes: vec![], about },
            Some(after) => {
                let writes = vec![Write::Window(after.clone())];
                Verdict { what: Edited::Window(Box::new(after), true), writes, about }
            }
        })
    });
    match decided.await? {
        Decided::Before(before) => {
            // The report of a series is sent again with the request; a window's own the table remembers.
            let table = run.app.aws.store.now(run.now()).await?;
            if table.one_series(id).is_some() {
                return recurring::repeated(run, DecisionKind::Edit, id, &before).await;
            }
            answers::repeated(run, &before).await
        }
        Decided::New(Edited::Series(series, is_new)) => {
            let decided = is_new.then_some((&*series, "edited"));
            let message = |series: &Series| {
                told(&format!("Series {id}"), series.reason.as_deref(), series.message.as_deref(), is_new)
            };
            recurring::changed(run, DecisionKind::Edit, id, decided, message).await
        }
        Decided::New(Edited::Window(window, is_new)) => {
            let decided = is_new.then(|| format!("the edit of window {id} is decided, and that stands"));
            let done = reconcile::reconcile(run).await?.complete(decided)?;
            let usual = if is_new { Came::Edited } else { Came::Unchanged };
            let answer = answers::after(run, DecisionKind::Edit.word(), &window, &done, usual).await;
            if answer.outcome != usual.word() {
                return Ok(answer);
            }
            Ok(Response {
                message: told(&format!("Window {id}"), window.reason.as_deref(), window.message.as_deref(), is_new),
                ..answer
            })
        }
    }
}

/// The reason and the message after an edit; nothing if both are so already.
fn new_texts(
    (reason, message): (&Option<String>, &Option<String>),
    edit: &Edit,
) -> Option<(Option<String>, Option<String>)> {
    let new = (edit.reason.clone().unwrap_or(reason.clone()), edit.message.clone().unwrap_or(message.clone()));
    (new != (reason.clone(), message.clone())).then_some(new)
}

fn told(what: &str, reason: Option<&str>, message: Option<&str>, is_new: bool) -> String {
    let says = |text: Option<&str>| text.map_or("none".to_owned(), |text| format!("\"{text}\""));
    let begins = if is_new { "was edited" } else { "says so already, and nothing was changed" };
    format!("{what} {begins}; its reason: {}; its message for visitors: {}.", says(reason), says(message))
}
