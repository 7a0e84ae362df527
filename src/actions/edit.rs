//! Changing what a window or a series says: why it is, what visitors read, and which alarms it mutes.

use super::{
    Decided, Verdict,
    answers::{self, AnswerOutcome},
    decide, known, recurring, with_decision,
};
use crate::{
    app::Run,
    aws::{items::Write, store::Reads},
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

/// What an edit is about.
enum About {
    /// A window, and whether anything is new.
    Window(Box<Window>, bool),
    /// A series, and whether anything is new.
    Series(Box<Series>, bool),
}

/// Changes the reason of a window or series, its message for visitors, or the alarms it mutes; what is not named stays.
///
/// A series hands them on to its booked windows.
///
/// # Errors
/// [`Error::InvalidEvent`] if the window is unknown or over; otherwise as [`reconcile::reconcile`] and
/// [`reconcile::Done::complete`].
pub async fn edit(run: Run<'_>, id: &WindowId, edit: &Edit, asked: &Asked) -> Result<Response, Error> {
    let decided = decide(run, DecisionKind::Edit, |table, now| {
        let about = vec![id.clone()];
        let edited = |window: &Window| {
            let Said { reason, message, mute_alarms } = Said::from(window).after(edit)?;
            let after = Window { reason, message, mute_alarms, ..window.clone() };
            Some(with_decision(after, now, DecisionKind::Edit, asked))
        };
        if let Some(series) = table.one_series(id) {
            let Some(Said { reason, message, mute_alarms }) = Said::from(series).after(edit) else {
                return Ok(Verdict { what: About::Series(Box::new(series.clone()), false), writes: vec![], about });
            };
            let mut after = Series { reason, message, mute_alarms, ..series.clone() };
            recurring::decided_about(&mut after, now, DecisionKind::Edit, None, asked);
            let booked = table.windows.iter().filter(|window| recurring::is_booked_for(window, id));
            let mut writes: Vec<Write> = booked.filter_map(edited).map(Write::Window).collect();
            writes.push(Write::Series(after.clone()));
            return Ok(Verdict { what: About::Series(Box::new(after), true), writes, about });
        }
        let window = known(table, id)?;
        if matches!(window.state, State::Ending | State::Over) {
            return Err(Error::InvalidEvent(vec![format!(
                "id: expected a window that is not over, but {id} is ending; nothing was changed"
            )]));
        }
        Ok(match edited(window) {
            None => Verdict { what: About::Window(Box::new(window.clone()), false), writes: vec![], about },
            Some(after) => {
                let writes = vec![Write::Window(after.clone())];
                Verdict { what: About::Window(Box::new(after), true), writes, about }
            }
        })
    });
    match decided.await? {
        Decided::Before(before) => {
            // The report of a series is sent again with the request; a window's own the table remembers.
            let table = run.app.aws.store.now(Reads::Windows, run.now()).await?;
            if table.one_series(id).is_some() {
                return recurring::repeated(run, DecisionKind::Edit, id, &before).await;
            }
            answers::repeated(run, &before).await
        }
        Decided::New(About::Series(series, is_new)) => {
            let decided = is_new.then_some((&*series, "edited"));
            let message = |series: &Series| told(&format!("Series {id}"), &Said::from(series), is_new);
            recurring::changed(run, DecisionKind::Edit, id, decided, message).await
        }
        Decided::New(About::Window(window, is_new)) => {
            let decided = is_new.then(|| format!("the edit of window {id} is decided, and that stands"));
            let done = reconcile::reconcile(run).await?.complete(decided)?;
            let usual = if is_new { AnswerOutcome::Edited } else { AnswerOutcome::Unchanged };
            let answer = answers::after(run, DecisionKind::Edit.word(), &window, &done, usual).await;
            if answer.outcome != usual.word() {
                return Ok(answer);
            }
            Ok(Response { message: told(&format!("Window {id}"), &Said::from(&*window), is_new), ..answer })
        }
    }
}

/// What a window or series says.
#[derive(PartialEq)]
struct Said {
    reason: Option<String>,
    message: Option<String>,
    mute_alarms: Option<Vec<String>>,
}

impl From<&Window> for Said {
    fn from(window: &Window) -> Self {
        let Window { reason, message, mute_alarms, .. } = window;
        Self { reason: reason.clone(), message: message.clone(), mute_alarms: mute_alarms.clone() }
    }
}

impl From<&Series> for Said {
    fn from(series: &Series) -> Self {
        let Series { reason, message, mute_alarms, .. } = series;
        Self { reason: reason.clone(), message: message.clone(), mute_alarms: mute_alarms.clone() }
    }
}

impl Said {
    /// What it says after an edit; nothing if all is so already.
    fn after(&self, edit: &Edit) -> Option<Self> {
        let after = Self {
            reason: edit.reason.clone().unwrap_or_else(|| self.reason.clone()),
            message: edit.message.clone().unwrap_or_else(|| self.message.clone()),
            mute_alarms: edit.mute_alarms.clone().or_else(|| self.mute_alarms.clone()),
        };
        (after != *self).then_some(after)
    }
}

fn told(what: &str, said: &Said, is_new: bool) -> String {
    let says = |text: &Option<String>| text.as_ref().map_or("none".to_owned(), |text| format!("\"{text}\""));
    let begins = if is_new { "was edited" } else { "says so already, and nothing was changed" };
    let (reason, message) = (says(&said.reason), says(&said.message));
    let alarms = match said.mute_alarms.as_deref() {
        None => String::new(),
        Some([]) => "; it mutes no alarms".to_owned(),
        Some(names) => format!("; alarms it mutes beside those of MuteAlarms: {}", names.join(", ")),
    };
    format!("{what} {begins}; its reason: {reason}; its message for visitors: {message}{alarms}.")
}
