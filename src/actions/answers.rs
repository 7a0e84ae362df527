//! The answers to decisions, in words.

use jiff::Timestamp;

use crate::{
    app::Run,
    aws::items::{Past, RequestItem},
    error::Error,
    event::Search,
    model::{
        id::WindowId,
        table::Table,
        time::{self, spoken},
        window::{Outcome, State, Window},
    },
    plan::unworkable::{self, Unworkable},
    reconcile::{self, Done, Happened, Present, Problem},
    report::{response::Response, views::WindowView, words},
};

/// How many windows and series of one name, over since a decision, are looked through for the one it was about: a name
/// is seldom used twice in a day.
const SEARCHED: usize = 20;

/// What an answer adds where the event named no window or series.
pub(super) const MEANT: &str = " The event named no id, and this was the only one that it could mean.";

/// An answer with nothing in it yet.
pub(super) fn blank(action: &str) -> Response {
    Response { action: action.to_owned(), ..Response::default() }
}

/// An answer about whatever a run did.
pub(super) fn summary(run: Run<'_>, action: &str, done: &Done) -> Response {
    let told: Vec<String> = done.happened.iter().map(|(id, what)| format!("{id} {}", what.word())).collect();
    let changed = done.rules.iter().any(|rule| rule.changed);
    let (outcome, message) = match (told.is_empty(), changed) {
        (true, false) if !done.table.unreadable.is_empty() => {
            ("unchanged", "Nothing was changed. An item of the table cannot be read; check names it.".to_owned())
        }
        (true, false) => ("unchanged", "Nothing was due.".to_owned()),
        (true, true) => ("reconciled", "Rules were changed back to what they should be.".to_owned()),
        (false, _) => ("reconciled", format!("Done: {}.", told.join(", "))),
    };
    let site = Some(done.site.clone());
    let warnings = done.unworkable.iter().map(will_not_work).chain(unpublished(done.unpublished.as_ref())).collect();
    Response {
        outcome: outcome.to_owned(),
        message,
        site,
        warnings,
        rules: done.rules.clone(),
        visitor: done.visitor.clone(),
        next_change: next_change(&done.windows, &done.table, run.now()),
        ..blank(action)
    }
}

/// What an answer says came of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerOutcome {
    Booked,
    AlreadyBooked,
    Started,
    Extended,
    Rescheduled,
    Edited,
    Completed,
    Cancelled,
    Missed,
    Reconciled,
    Unchanged,
}

impl AnswerOutcome {
    pub(super) fn ended(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Completed => Self::Completed,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Missed => Self::Missed,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::AlreadyBooked => "already_booked",
            Self::Started => "started",
            Self::Extended => "extended",
            Self::Rescheduled => "rescheduled",
            Self::Edited => "edited",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Missed => "missed",
            Self::Reconciled => "reconciled",
            Self::Unchanged => "unchanged",
        }
    }
}

/// An answer about one window that this run looked after; `usual` is what came of it when there was nothing more to do.
pub(super) async fn after(run: Run<'_>, action: &str, window: &Window, done: &Done, usual: AnswerOutcome) -> Response {
    let (came, window) = match done.window(&window.id, &window.uid) {
        Some(window) => (came(window, done, usual), window.clone()),
        None => ended_meanwhile(run, window).await,
    };
    // Nothing was decided, but what was due was done.
    let denies = came == AnswerOutcome::Unchanged && did_something(&window, done);
    let told = about(run, action, &window, came);
    let message = if denies { about(run, action, &window, AnswerOutcome::Reconciled).message } else { told.message };
    Response {
        message,
        rules: done.rules.clone(),
        site: Some(done.site.clone()),
        visitor: done.visitor.clone(),
        next_change: next_change(&done.windows, &done.table, run.now()),
        warnings: told.warnings.into_iter().chain(unpublished(done.unpublished.as_ref())).collect(),
        ..told
    }
}

fn came(window: &Window, done: &Done, usual: AnswerOutcome) -> AnswerOutcome {
    match done.happened.get(&window.id) {
        Some(Happened::Started) => AnswerOutcome::Started,
        Some(Happened::Completed) => AnswerOutcome::Completed,
        Some(Happened::Missed) => AnswerOutcome::Missed,
        Some(Happened::Cancelled) => AnswerOutcome::Cancelled,
        None | Some(Happened::Changed | Happened::Booked) => usual,
    }
}

/// Whether a run that decided nothing new about a window did something all the same.
pub(super) fn did_something(window: &Window, done: &Done) -> bool {
    done.happened.contains_key(&window.id) || done.rules.iter().any(|rule| rule.changed)
}

/// Looks for what has been over since a decision.
pub(super) fn since(id: Option<WindowId>, decided_at: Timestamp) -> Search {
    Search { id, since: Some(decided_at), until: None, limit: SEARCHED }
}

/// How a window ended that another run has made history: the present knows it no longer.
async fn ended_meanwhile(run: Run<'_>, window: &Window) -> (AnswerOutcome, Window) {
    let search = since(Some(window.id.clone()), window.booked_at);
    let found = run.app.aws.store.history(&search, run.now()).await.unwrap_or_default();
    let own = found.past.into_iter().find_map(|past| match past {
        Past::Window(past, _) if past.uid == window.uid => Some(*past),
        Past::Window(..) | Past::Series(..) => None,
    });
    let known = own.unwrap_or_else(|| window.clone());
    let outcome = known.ending.map_or(Outcome::Completed, |ending| ending.outcome);
    (AnswerOutcome::ended(outcome), Window { state: State::Over, ..known })
}

/// What visitors could not be told, which stopped nothing.
pub(super) fn unpublished(problem: Option<&Problem>) -> impl Iterator<Item = String> {
    problem.map(Problem::sentence).into_iter()
}

/// An answer about one window.
pub(super) fn about(run: Run<'_>, action: &str, window: &Window, came: AnswerOutcome) -> Response {
    let (id, zone) = (&window.id, window.timezone.as_deref());
    let until = window.end.map_or("until it is switched off".to_owned(), |end| format!("until {}", spoken(end, zone)));
    let message = match came {
        AnswerOutcome::Booked => format!("Window {id} is booked from {} {until}.", spoken(window.start, zone)),
        AnswerOutcome::Started => format!("Window {id} has started; it goes on {until}."),
        AnswerOutcome::Completed => format!("Window {id} has ended."),
        AnswerOutcome::Cancelled => format!("Window {id} is cancelled; nothing was or will be changed for it."),
        AnswerOutcome::Missed => format!("Window {id} was missed; nothing was changed for it."),
        AnswerOutcome::Extended | AnswerOutcome::Rescheduled => {
            format!("The times of window {id} are {} {until}.", spoken(window.start, zone))
        }
        AnswerOutcome::Edited => format!("Window {id} was edited."),
        AnswerOutcome::Reconciled => {
            format!("What was due is done: window {id} is {}.", stands(window, run.now(), zone))
        }
        AnswerOutcome::AlreadyBooked | AnswerOutcome::Unchanged => {
            format!("Nothing was changed: window {id} is {}.", stands(window, run.now(), zone))
        }
    };
    Response {
        outcome: came.word().to_owned(),
        message,
        warnings: [window.unmuted(), window.still_muted()].concat(),
        window: Some(WindowView::new(window)),
        ..blank(action)
    }
}

/// An answer about one window that is still ahead.
pub(super) fn ahead(run: Run<'_>, action: &str, window: &Window, present: Present, came: AnswerOutcome) -> Response {
    let next_change = next_change(&present.table.windows, &present.table, run.now());
    let unworkable = present.plan.map(|plan| unworkable::unworkable(&plan, &run.app.config.rules)).unwrap_or_default();
    let own = unworkable.iter().filter(|unworkable| unworkable.window.uid == window.uid);
    let answer = about(run, action, window, came);
    let unpublished = unpublished(present.unpublished.as_ref());
    let warnings = own.map(will_not_work).chain(unpublished).chain(answer.warnings).collect();
    let message = answer.message.clone() + announced(&present.table, window);
    Response { site: Some(present.site), warnings, message, next_change, ..answer }
}

/// That visitors know of a window beforehand, to follow another sentence.
pub(super) fn announced(table: &Table, window: &Window) -> &'static str {
    if table.announces(window) { " Visitors and calendars are told of it." } else { "" }
}

/// That a booked window could not do what it is for.
pub(super) fn will_not_work(unworkable: &Unworkable) -> String {
    format!("window {} will not work as booked: {}", unworkable.window.id, words::unworkable(unworkable))
}

/// How a window stands, to continue "window … is".
pub(super) fn stands(window: &Window, now: Timestamp, zone: Option<&str>) -> String {
    let end = |until: &str| {
        window.end.map_or("until it is switched off".to_owned(), |end| format!("{until} {}", spoken(end, zone)))
    };
    match window.state {
        State::Booked if window.start > now => format!("booked from {} {}", spoken(window.start, zone), end("until")),
        State::Booked if window.has_ended(now) => format!("over {} without having begun", end("since")),
        State::Booked if !window.has_time(now) => {
            let start = spoken(window.start, zone);
            format!("due to start since {start}, but its end is too near to close anything ({})", end("it ends"))
        }
        State::Booked => format!("due to start since {}", spoken(window.start, zone)),
        State::Active => format!("active {}", end("until")),
        State::Held => format!("held past its end ({})", end("which was")),
        State::Ending => "ending".to_owned(),
        State::Over => "ended".to_owned(),
    }
}

/// The same request was decided before: whatever is due is done, and how its window stands is told.
///
/// # Errors
/// As [`reconcile::reconcile`] and [`Done::complete`].
pub async fn repeated(run: Run<'_>, before: &RequestItem) -> Result<Response, Error> {
    let done = reconcile::reconcile(run).await?;
    decided_before(run, before, done).await
}

/// What is told of a request that was decided before, after a run that did whatever is due.
pub(super) async fn decided_before(run: Run<'_>, before: &RequestItem, done: Done) -> Result<Response, Error> {
    let at = time::utc(before.at);
    let done = done.complete(Some(format!("this request was decided before, at {at}, and that stands")))?;
    let window = before.about.iter().find_map(|id| done.windows.iter().find(|window| &window.id == id));
    let answer = match window {
        Some(window) => after(run, before.action.word(), window, &done, AnswerOutcome::Unchanged).await,
        None => summary(run, before.action.word(), &done),
    };
    Ok(Response {
        outcome: AnswerOutcome::Unchanged.word().to_owned(),
        message: format!("This request was decided before, at {at}; it was not decided again."),
        ..answer
    })
}

/// The next moment one of all windows starts or ends, those included that series are about to book.
pub(super) fn next_change(windows: &[Window], table: &Table, now: Timestamp) -> Option<Timestamp> {
    let goes_on = windows.iter().filter(|window| !matches!(window.state, State::Ending | State::Over));
    let booked = goes_on.flat_map(|window| [Some(window.start), window.end]).flatten();
    let to_book = table.series.iter().filter_map(|series| series.next_to_book(now)).map(|next| next.start);
    booked.chain(to_book).filter(|moment| *moment > now).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::window::tests::{active, at, window};

    #[test]
    fn a_window_is_due_from_its_start_on_until_it_has_begun() {
        let open_ended = Window { end: None, ..active() };
        for (moment, window, expected) in [
            ("01:59:59", window(), "booked from Sun 6 Dec 2026 02:00 UTC until Sun 6 Dec 2026 04:00 UTC"),
            ("02:00:00", window(), "due to start since Sun 6 Dec 2026 02:00 UTC"),
            ("02:00:01", window(), "due to start since Sun 6 Dec 2026 02:00 UTC"),
            ("02:00:01", active(), "active until Sun 6 Dec 2026 04:00 UTC"),
            ("02:00:01", open_ended, "active until it is switched off"),
        ] {
            assert_eq!(stands(&window, at(moment), None), expected, "{moment}");
        }
    }

    #[test]
    fn the_next_change_lies_ahead_and_is_none_of_what_is_over() {
        let over = window().to_end(at("00:30:00"), Outcome::Cancelled);
        let later = Window { start: at("05:00:00"), end: None, ..window() };
        for (moment, windows, expected) in [
            ("01:59:59", vec![later.clone(), window()], Some("02:00:00")),
            ("02:00:00", vec![later.clone(), window()], Some("04:00:00")),
            ("04:00:00", vec![later.clone(), window()], Some("05:00:00")),
            ("05:00:00", vec![later.clone(), window()], None),
            ("01:00:00", vec![over, later], Some("05:00:00")),
        ] {
            assert_eq!(next_change(&windows, &Table::default(), at(moment)), expected.map(at), "{moment}");
        }
    }
}
