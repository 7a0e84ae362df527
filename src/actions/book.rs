//! Booking a window, and starting maintenance now.

use jiff::{SignedDuration, Timestamp};

use super::{
    RefusedWrites, TRIES_MAX,
    answers::{self, AnswerOutcome},
    decided_before, refused, request, same,
};
use crate::{
    app::Run,
    aws::{
        items::Write,
        store::{Reads, Written},
    },
    checks,
    error::Error,
    event::{Asked, Booking},
    model::{
        id::{WindowId, uid},
        rule_arn::RuleArn,
        seen::Rules,
        table::Table,
        time,
        window::{Covered, DecisionKind, LAST_MOMENTS, State, Window},
    },
    reconcile::{self, Observed},
    report::{finding::Finding, response::Response, views::WindowView},
};

/// What a booking comes to.
enum Booked {
    /// A new window.
    New(Box<Window>),
    /// One that is there already and means the same.
    Already(Box<Window>),
    /// One of that name is over and not history yet.
    Finishing(Box<Window>),
}

/// What a window needs before its last moments to close anything: its wake-ups are made and its rules read first.
const BEFOREHAND: SignedDuration = SignedDuration::from_secs(10);

/// Books a window, and starts it if its time has come.
///
/// # Errors
/// [`Error::InvalidEvent`] if the window could not work or its id means another one; otherwise as
/// [`reconcile::reconcile`] and [`reconcile::Done::complete`].
pub async fn book(run: Run<'_>, booking: Booking, asked: &Asked) -> Result<Response, Error> {
    booked(run, booking, asked, DecisionKind::Book).await
}

/// Starts maintenance now.
///
/// # Errors
/// As [`book`].
pub async fn on(run: Run<'_>, booking: Booking, asked: &Asked) -> Result<Response, Error> {
    booked(run, booking, asked, DecisionKind::On).await
}

async fn booked(run: Run<'_>, booking: Booking, asked: &Asked, action: DecisionKind) -> Result<Response, Error> {
    if let Some(why) = run.app.config.narrows_nothing() {
        return refused(run, action, Error::InvalidConfig(vec![why])).await;
    }
    let covered = booking.rules.resolve(&run.app.config.rules);
    let mut refused_writes = RefusedWrites::default();
    // What a run that finished other windows first could not do, once there was one.
    let mut finished: Option<Vec<String>> = None;
    for _ in 0..TRIES_MAX {
        let (listeners, looked) = tokio::join!(checks::listeners(run, &covered), look(run, &booking));
        let (rules, table) = looked?;
        let findings = checks::rules(&covered, &listeners, &table, run.app.config.bypass.as_ref());
        let mut warnings = match checks::refuse_or_warn(findings) {
            Ok(warnings) => warnings,
            Err(refusal) => return refused(run, action, refusal).await,
        };
        let verdict = verdict(run, &booking, asked, action, &table, finished.is_some());
        let own = match &verdict {
            Ok(Booked::Already(window)) => Some(&window.id),
            Ok(Booked::New(_) | Booked::Finishing(_)) | Err(_) => None,
        };
        let overlaps = checks::overlaps(&booking, own, &table, &run.app.config);
        warnings.extend(overlaps.iter().map(Finding::sentence));
        let is_late = own.is_none() && action == DecisionKind::Book;
        warnings.extend(checks::late_start(&booking, run.now()).filter(|_| is_late));
        if booking.dry_run {
            let site = Some(reconcile::present(run, Reads::Windows).await.site);
            let told = dry_run(run, action, &booking, asked, verdict?)?;
            return Ok(Response { site, warnings, ..told });
        }
        let (window, begun) = match verdict {
            Ok(Booked::Finishing(window)) => {
                if let Some(left) = finished {
                    return refused(run, action, same::finishing(&window, &left)).await;
                }
                // That is done first.
                finished = Some(reconcile::reconcile(run).await?.left);
                continue;
            }
            Err(refusal) => return refused(run, action, refusal).await,
            Ok(Booked::Already(window)) => {
                let request = request(run, action, vec![window.id.clone()]);
                (window, Err(run.app.aws.store.write(Some(&request), &[]).await?))
            }
            Ok(Booked::New(window)) => {
                let request = request(run, action, vec![window.id.clone()]);
                let begun = reconcile::begin(run, rules.as_ref(), &table, &window, &request).await?;
                (window, Ok(begun))
            }
        };
        match begun.as_ref().map_or_else(|written| *written, |begun| begun.written) {
            Written::Changed => {
                // What its rules had may be written with it.
                let rules = table.rules.values().filter(|item| covered.contains(&item.arn)).cloned();
                let writes = rules.map(Write::Rule).chain([Write::NewWindow(*window)]).collect();
                refused_writes.note(table, writes);
                continue;
            }
            Written::Busy => continue,
            Written::Decided => return answers::repeated(run, &decided_before(run, action).await?).await,
            Written::Yes => {}
        }
        let answer = match begun {
            Err(_) => already(run, &window, action, &booking, asked).await?,
            Ok(_) if window.start > run.now() => is_ahead(run, *window, action).await?,
            Ok(begun) => {
                tracing::info!(window.id = %window.id, "window booked, and due");
                let decided = format!("window {} is booked from now on, and that stands", window.id);
                let done = reconcile::reconcile_after(run, begun).await?.complete(Some(decided))?;
                // Another run may have reported its start before this one could.
                let started = done.window(&window.id, &window.uid).is_some_and(|window| window.was_told("started"));
                let usual = if started { AnswerOutcome::Started } else { AnswerOutcome::Booked };
                answers::after(run, action.word(), &window, &done, usual).await
            }
        };
        let warnings = answer.warnings.iter().cloned().chain(warnings).collect();
        return Ok(Response { warnings, ..answer });
    }
    Err(refused_writes.error())
}

/// The rules are read, before the table, only where the window is to start at once.
async fn look(run: Run<'_>, booking: &Booking) -> Result<(Option<Rules>, Table), Error> {
    if booking.start <= run.now() && !booking.dry_run {
        let Observed { rules, table } = reconcile::observe(run, Reads::Windows).await?;
        return Ok((rules.ok(), table));
    }
    Ok((None, run.app.aws.store.now(Reads::Windows, run.now()).await?))
}

/// A window that is still ahead gets its wake-ups, and is reported; no rule is looked at.
async fn is_ahead(run: Run<'_>, mut window: Window, action: DecisionKind) -> Result<Response, Error> {
    tracing::info!(window.id = %window.id, window.start = %window.start, "window booked");
    let decided = format!("window {} is booked, and that stands", window.id);
    let present = reconcile::follow(run, &mut window, decided).await?;
    Ok(answers::ahead(run, action.word(), &window, present, AnswerOutcome::Booked))
}

/// What a booking comes to, as the table stands.
fn verdict(
    run: Run<'_>,
    booking: &Booking,
    asked: &Asked,
    action: DecisionKind,
    table: &Table,
    is_finished: bool,
) -> Result<Booked, Error> {
    let (managed, now) = (&run.app.config.rules, run.now());
    let fresh = window(run, booking, asked, action, now);
    let is_over = fresh.has_ended(now);
    if let (None, DecisionKind::On, None) = (&booking.id, action, booking.end)
        && let Some(same) = open_ended(table, &fresh.rules, managed)
    {
        return Ok(Booked::Already(Box::new(same.clone())));
    }
    if table.one_series(&fresh.id).is_some() {
        return Err(Error::InvalidEvent(vec![format!(
            "id: expected a name of its own, but {} is a series; choose another id",
            fresh.id
        )]));
    }
    super::is_readable(table, &fresh.id)?;
    let Some(found) = table.window(&fresh.id) else {
        if is_over {
            return Err(Error::InvalidEvent(vec![format!(
                "end: expected a window that is not over yet, but found one that ended before now ({})",
                time::utc(now)
            )]));
        }
        return match too_short(&fresh, now) {
            Some(problem) => Err(Error::InvalidEvent(vec![problem])),
            None => Ok(Booked::New(Box::new(fresh))),
        };
    };
    if found.state == State::Ending {
        if !is_finished || booking.id.is_some() || is_over {
            return Ok(Booked::Finishing(Box::new(found.clone())));
        }
        // Its report cannot be sent, perhaps for hours: that must not keep a name that nobody chose.
        let id = format!("{}-{}", fresh.id, fresh.uid).parse().unwrap_or_else(|_| fresh.id.clone());
        return Ok(Booked::New(Box::new(Window { id, ..fresh })));
    }
    let differences = same::differences(found, &fresh, action, managed);
    if differences.is_empty() {
        return Ok(Booked::Already(Box::new(found.clone())));
    }
    Err(same::another(found, &differences, now))
}

/// That a window would be over before anything could be closed for it.
fn too_short(window: &Window, now: Timestamp) -> Option<String> {
    let end = window.end?;
    let (needed, left) = (LAST_MOMENTS.saturating_add(BEFOREHAND), end.duration_since(now));
    (left <= needed).then(|| {
        format!(
            "end: expected more than {} until the end, since nothing is closed in a window's last {}, but found {} until {}",
            time::spoken_duration(needed),
            time::spoken_duration(LAST_MOMENTS),
            time::spoken_duration(SignedDuration::from_secs(left.as_secs())),
            time::spoken(end, window.timezone.as_deref())
        )
    })
}

/// Open-ended maintenance that goes on over the same rules.
fn open_ended<'a>(table: &'a Table, rules: &Covered, managed: &[RuleArn]) -> Option<&'a Window> {
    table.windows.iter().find(|window| {
        let goes_on = matches!(window.state, State::Booked | State::Active) && window.end.is_none();
        goes_on && window.rules.same(rules, managed)
    })
}

/// The window that a booking means.
fn window(run: Run<'_>, booking: &Booking, asked: &Asked, action: DecisionKind, now: Timestamp) -> Window {
    let (start, end) = (booking.start, booking.end);
    let own = uid([run.request, &now.to_string()]);
    let id = booking.id.clone().unwrap_or_else(|| derived(booking, action, &own));
    let mut window = Window {
        rules: booking.rules.clone(),
        timezone: booking.timezone.clone(),
        reason: asked.reason.clone(),
        requested_by: asked.requested_by.clone(),
        message: booking.message.clone(),
        mute_alarms: booking.mute_alarms.clone(),
        at_end: booking.at_end,
        ..Window::booked(id, own, start, end, now)
    };
    window.decided(now, action, asked.requested_by.clone(), asked.reason.clone());
    window
}

/// A name for a window that was given none. A booking's is the same for the same times and rules, so that an event sent
/// twice is one window; that of `on` is its own.
fn derived(booking: &Booking, action: DecisionKind, own: &str) -> WindowId {
    let label = booking.start.strftime("%Y%m%dT%H%MZ").to_string();
    if action == DecisionKind::On {
        let fresh = format!("on-{label}-{own}").parse();
        return fresh.unwrap_or_else(|_| WindowId::derived("on", [own]));
    }
    let (start, end) = (booking.start.to_string(), booking.end.map(|end| end.to_string()).unwrap_or_default());
    let mut rules: Vec<&str> = match &booking.rules {
        Covered::All(_) => vec!["all"],
        Covered::Some(rules) => rules.iter().map(RuleArn::as_str).collect(),
    };
    rules.sort_unstable();
    WindowId::derived(&label, [start.as_str(), end.as_str()].into_iter().chain(rules))
}

/// Tells what a booking would do.
fn dry_run(
    run: Run<'_>,
    action: DecisionKind,
    booking: &Booking,
    asked: &Asked,
    booked: Booked,
) -> Result<Response, Error> {
    let (window, what, not_taken) = match booked {
        Booked::Finishing(window) => return Err(same::finishing(&window, &[])),
        Booked::Already(window) => {
            let not_taken = same::not_taken_of_window(&window, booking, asked).map(|fields| fields.sentence);
            (window, "already exists", not_taken)
        }
        Booked::New(window) if window.start <= run.now() => (window, "would start now", None),
        Booked::New(window) => (window, "would be booked", None),
    };
    let zone = window.timezone.as_deref();
    let start = time::spoken(window.start, zone);
    let end = window.end.map_or("off is sent".to_owned(), |end| time::spoken(end, zone));
    let mut message = format!("Nothing was done; window {} {what}, from {start} until {end}.", window.id);
    message.extend(not_taken);
    let window = Some(WindowView::new(&window));
    Ok(Response { outcome: "dry_run".to_owned(), message, window, ..answers::blank(action.word()) })
}

/// The window is there already: whatever is due for it is done.
async fn already(
    run: Run<'_>,
    window: &Window,
    action: DecisionKind,
    booking: &Booking,
    asked: &Asked,
) -> Result<Response, Error> {
    let done = reconcile::reconcile(run).await?.complete(None)?;
    let came = if action == DecisionKind::On { AnswerOutcome::Unchanged } else { AnswerOutcome::AlreadyBooked };
    let window = done.window(&window.id, &window.uid).unwrap_or(window);
    let about = answers::about(run, action.word(), window, came);
    let mut answer = Response {
        site: Some(done.site.clone()),
        rules: done.rules.clone(),
        visitor: done.visitor.clone(),
        next_change: answers::next_change(&done.windows, &done.table, run.now()),
        warnings: about.warnings.iter().cloned().chain(answers::unpublished(done.unpublished.as_ref())).collect(),
        ..about
    };
    if answers::did_something(window, &done) {
        answer.message = answers::about(run, action.word(), window, AnswerOutcome::Reconciled).message;
    }
    if let Some(not_taken) = same::not_taken_of_window(window, booking, asked) {
        answer.message.push_str(&not_taken.sentence);
        answer.next_steps.extend(not_taken.step);
    }
    Ok(answer)
}
