//! Booking the next occurrence of each series.

use jiff::Timestamp;

use super::{mutes, present::present, reports, wakeups::make_wake_ups};
use crate::{
    app::Run,
    aws::{
        items::Write,
        store::{Reads, Written},
    },
    checks,
    error::Error,
    model::{
        id::{WindowId, uid},
        recurrence::Occurrence,
        series::Series,
        table::Table,
        window::{DecisionKind, State, Window},
    },
    plan::{reports::Event, series},
    report::{Report, finding::Severity},
};

/// Books the next occurrence of each series that has none booked, and ends what has run out; returns what was booked, and
/// what could not be done, a sentence each.
pub async fn book_next(run: Run<'_>, table: &Table) -> (Vec<Window>, Vec<String>) {
    let (mut booked, mut problems) = (vec![], vec![]);
    for one in &table.series {
        let now = run.now();
        let Some(next) = series::due(one, table, now) else {
            if series::has_run_out(one, table, now)
                && let Err(error) = finish(run, one, table).await
            {
                problems.push(format!("series {}: {}", one.id, error.full()));
            }
            continue;
        };
        match book(run, one, table, &next).await {
            Ok(window) => booked.extend(window),
            Err(error) => problems.push(format!("series {}: {}", one.id, error.full())),
        }
    }
    (booked, problems)
}

async fn book(run: Run<'_>, series: &Series, table: &Table, next: &Occurrence) -> Result<Option<Window>, Error> {
    let id = series.window_id(next.start).map_err(|problem| Error::InvalidEvent(vec![problem]))?;
    let booked_until = Some(series::booked_through(series, table, next.start));
    let further = Series { booked_until, ..series.clone() };
    let namesake = table.window(&id);
    // It is becoming history: then the next sweep books this one.
    if namesake.is_some_and(|window| matches!(window.state, State::Ending | State::Over)) {
        return Ok(None);
    }
    if namesake.is_some() || table.one_series(&id).is_some() {
        let not_booked = series.told_not_booked(&table.windows, run.now());
        return left_out(run, series, &id, next, further, not_booked).await.map(|()| None);
    }
    let mut window = window(run, series, table, id, next).await;
    let writes = [Write::NewWindow(window.clone()), Write::Series(further)];
    match run.app.aws.store.write(None, &writes).await? {
        Written::Yes => {}
        // Another run booked it, or somebody changed the series.
        Written::Changed | Written::Decided | Written::Busy => return Ok(None),
    }
    tracing::info!(window.id = %window.id, series.id = %series.id, "next occurrence booked");
    make_wake_ups(run, &mut window).await?;
    Box::pin(mutes::keep_one(run, &mut window)).await;
    let site = present(run, Reads::Windows).await.site;
    reports::tell_by_clock(run, &mut window, &site).await.map(|()| Some(window))
}

/// A series that has run out is reported, and becomes history.
async fn finish(run: Run<'_>, series: &Series, table: &Table) -> Result<(), Error> {
    let Some(decision) = series.decisions.last() else { return Ok(()) };
    // The same whatever is decided between this report and the next try.
    let cause = "run out".to_owned();
    let about = (series, table.windows.as_slice());
    let mut report = Report { cause, ..Report::of_series(Event::Completed, about, decision, run.request, run.now()) };
    report.notes.extend(series.told_not_booked(&table.windows, run.now()));
    run.app.aws.topic.publish(&report.seen(&present(run, Reads::Windows).await.site), run.target).await?;
    // Another run did it, or somebody changed the series: then it is looked at again.
    run.app.aws.store.write(None, &[Write::PastSeries(series.clone(), run.now())]).await.map(drop)
}

/// The name is taken: that is told before the series goes on, so that no occurrence is left out in silence.
async fn left_out(
    run: Run<'_>,
    series: &Series,
    id: &WindowId,
    next: &Occurrence,
    further: Series,
    not_booked: Option<String>,
) -> Result<(), Error> {
    let cause = format!("{} {} {}", series.id, series.uid, next.start);
    let mut report =
        Report::without_window(Event::Failed, vec![], run.now(), &cause).seen(&present(run, Reads::Windows).await.site);
    report.notes.push(format!(
        "series {} could not book its window of {}, since the name {id} is taken; that window is left out",
        series.id,
        crate::model::time::spoken(next.start, Some(&series.timezone))
    ));
    report.notes.extend(not_booked);
    run.app.aws.topic.publish(&report, run.target).await?;
    run.app.aws.store.write(None, &[Write::Series(further)]).await.map(drop)
}

async fn window(run: Run<'_>, series: &Series, table: &Table, id: WindowId, next: &Occurrence) -> Window {
    let now: Timestamp = run.now();
    let rules = series.rules.resolve(&run.app.config.rules);
    let mut notes: Vec<String> = next.shifted.iter().cloned().collect();
    notes.extend(series.told_not_booked(&table.windows, now));
    let after = Series { booked_until: Some(next.start), ..series.clone() }.next_to_book(now);
    let end = next.start.checked_add(series.duration).ok();
    if after.zip(end).is_some_and(|(after, end)| after.start < end) {
        notes.push("the one after it starts before this one is over, since the clocks change".to_owned());
    }
    // What would make it fail is told as long as it can be mended.
    let listeners = checks::listeners(run, &rules).await;
    let findings = checks::rules(&rules, &listeners, table, run.app.config.bypass.as_ref());
    let blocks = findings.iter().filter(|finding| finding.severity == Severity::Error);
    notes.extend(blocks.map(|finding| format!("it could not work as things are: {}", finding.sentence())));
    let own = uid([series.uid.as_str(), &next.start.to_string(), &now.to_string()]);
    let mut window = Window {
        rules: series.rules.clone(),
        timezone: Some(series.timezone.clone()),
        reason: series.reason.clone(),
        requested_by: series.requested_by.clone(),
        message: series.message.clone(),
        mute_alarms: series.mute_alarms.clone(),
        at_end: series.at_end,
        series: Some(series.id.clone()),
        occurrence: Some(next.start),
        notes,
        ..Window::booked(id, own, next.start, end, now)
    };
    window.decided(now, DecisionKind::Book, series.requested_by.clone(), series.reason.clone());
    window
}
