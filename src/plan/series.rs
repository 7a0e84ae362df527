//! Which occurrence of a series is to be booked.

use jiff::Timestamp;

use crate::model::{
    recurrence::Occurrence,
    series::Series,
    table::Table,
    window::{State, Window},
};

/// The occurrence that is to be booked now, if one is: the next one is always booked, and no other.
#[must_use]
pub fn due(series: &Series, table: &Table, now: Timestamp) -> Option<Occurrence> {
    let next = series.next_to_book(now)?;
    // One further ahead may be booked already, where a start before it is no longer left out.
    let is_booked = table.windows.iter().any(|window| {
        window.is_of(&series.id)
            && window.state == State::Booked
            && window.occurrence.is_some_and(|occurrence| now < occurrence && occurrence <= next.start)
    });
    if is_booked {
        return None;
    }
    // Its window was cancelled and is not history yet: its name is not free before that.
    let finishing = series
        .window_id(next.start)
        .ok()
        .and_then(|id| table.window(&id))
        .is_some_and(|window| window.is_of(&series.id) && window.state == State::Ending);
    (!finishing).then_some(next)
}

/// The start up to which occurrences are booked once that of `start` is: those after it that are booked already, since it
/// was left out for a while, are not looked for again.
#[must_use]
pub fn booked_through(series: &Series, table: &Table, start: Timestamp) -> Timestamp {
    let is_booked = |occurrence| {
        table.windows.iter().any(|window| {
            window.is_of(&series.id) && window.occurrence == Some(occurrence) && window.state == State::Booked
        })
    };
    let mut until = start;
    while let Some(next) = series.next(until, 1).into_iter().next().filter(|next| is_booked(next.start)) {
        until = next.start;
    }
    until
}

/// Whether a series has nothing more to come, and nothing of it is left to look after. One that is paused may still be
/// resumed, and a start that is left out may be taken back.
#[must_use]
pub fn has_run_out(series: &Series, table: &Table, now: Timestamp) -> bool {
    let is_own = |window: &Window| window.is_of(&series.id);
    !series.paused
        && series.next_to_book(now).is_none()
        && series.skipped.iter().all(|skipped| *skipped <= now)
        && !table.windows.iter().any(is_own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{series::tests::series, window::tests::window};

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// A window of a series, for the occurrence of the 7th.
    fn occurrence(series: Option<&str>, state: State) -> Window {
        let start = at("2026-07-07T01:00:00Z");
        Window {
            id: "nightly-20260707T0100Z".parse().expect("an id"),
            series: series.map(|series| series.parse().expect("an id")),
            occurrence: Some(start),
            start,
            state,
            ..window()
        }
    }

    fn due_at(now: &str, series: &Series, windows: Vec<Window>) -> Option<String> {
        let table = Table { windows, ..Table::default() };
        due(series, &table, at(now)).map(|next| next.start.to_string())
    }

    #[test]
    fn the_next_occurrence_is_booked_and_no_other() {
        let booked = Series { booked_until: Some(at("2026-07-07T01:00:00Z")), ..series() };
        let (seventh, eighth) = (Some("2026-07-07T01:00:00Z"), Some("2026-07-08T01:00:00Z"));
        let own = |state| occurrence(Some("nightly"), state);
        let moved = Window { start: at("2026-07-09T01:00:00Z"), ..own(State::Booked) };
        let no_occurrence = Window { occurrence: None, ..own(State::Booked) };
        let noon = "2026-07-06T12:00:00Z";
        for (what, now, series, windows, expected) in [
            ("the first", noon, series(), vec![], seventh),
            ("booked", noon, booked.clone(), vec![own(State::Booked)], None),
            ("another series'", noon, booked.clone(), vec![occurrence(Some("weekly"), State::Booked)], eighth),
            ("no series'", noon, booked.clone(), vec![occurrence(None, State::Booked)], eighth),
            ("booked by hand", noon, booked.clone(), vec![no_occurrence], eighth),
            ("moved, ahead", noon, booked.clone(), vec![moved.clone()], None),
            ("moved, its own time has come", "2026-07-07T01:00:00Z", booked.clone(), vec![moved], eighth),
            ("a moment before", "2026-07-07T00:59:59Z", booked.clone(), vec![own(State::Booked)], None),
            ("not started yet", "2026-07-07T01:00:00Z", booked.clone(), vec![own(State::Booked)], eighth),
            ("under way", "2026-07-07T01:00:00Z", booked.clone(), vec![own(State::Active)], eighth),
            ("cancelled", noon, booked.clone(), vec![own(State::Ending)], eighth),
            ("paused", noon, Series { paused: true, ..booked }, vec![], None),
        ] {
            assert_eq!(due_at(now, &series, windows).as_deref(), expected, "{what}");
        }
    }

    #[test]
    fn what_is_booked_behind_a_start_that_came_back_is_not_looked_for_again() {
        let booked = |day: u8, state| Window {
            occurrence: Some(at(&format!("2026-07-{day:02}T01:00:00Z"))),
            ..occurrence(Some("nightly"), state)
        };
        let through = |windows: Vec<Window>, skipped: Vec<Timestamp>| {
            let table = Table { windows, ..Table::default() };
            let series = Series { skipped, ..series() };
            booked_through(&series, &table, at("2026-07-07T01:00:00Z")).strftime("%d").to_string()
        };
        assert_eq!(through(vec![], vec![]), "07");
        assert_eq!(through(vec![booked(8, State::Booked), booked(9, State::Booked)], vec![]), "09");
        assert_eq!(through(vec![booked(9, State::Booked)], vec![]), "07", "the eighth is yet to be booked");
        assert_eq!(through(vec![booked(9, State::Booked)], vec![at("2026-07-08T01:00:00Z")]), "09");
        assert_eq!(through(vec![booked(8, State::Ending)], vec![]), "07");
    }

    #[test]
    fn a_series_has_run_out_once_nothing_of_it_is_left_or_can_come_back() {
        let last = at("2026-07-07T01:00:00Z");
        let once = Series { every: "cron(0 2 7 7 ? 2026)".parse().expect("once"), ..series() };
        let skipping = Series { skipped: vec![last], ..once.clone() };
        let (before, after) = ("2026-07-07T00:59:59Z", "2026-07-07T01:00:00Z");
        let own = || vec![occurrence(Some("nightly"), State::Active)];
        for (what, series, windows, now, expected) in [
            ("to come", once.clone(), vec![], before, false),
            ("nothing to come", once.clone(), vec![], after, true),
            ("its last window goes on", once.clone(), own(), after, false),
            ("another's window", once.clone(), vec![occurrence(Some("weekly"), State::Active)], after, true),
            ("its last start is left out, which may be taken back", skipping.clone(), vec![], before, false),
            ("what was left out has passed", skipping, vec![], after, true),
            ("it may be resumed", Series { paused: true, ..once }, vec![], after, false),
        ] {
            let table = Table { windows, ..Table::default() };
            assert_eq!(has_run_out(&series, &table, at(now)), expected, "{what}");
        }
    }

    #[test]
    fn the_name_of_a_cancelled_occurrence_is_waited_for() {
        let noon = "2026-07-06T12:00:00Z";
        let seventh = Some("2026-07-07T01:00:00Z");
        assert_eq!(due_at(noon, &series(), vec![occurrence(Some("nightly"), State::Ending)]), None);
        for taken in [occurrence(None, State::Ending), occurrence(Some("weekly"), State::Ending)] {
            assert_eq!(due_at(noon, &series(), vec![taken]).as_deref(), seventh, "another's name is reported as taken");
        }
        let of_another_day = Window {
            id: "nightly-20260706T0100Z".parse().expect("an id"),
            ..occurrence(Some("nightly"), State::Ending)
        };
        assert_eq!(due_at(noon, &series(), vec![of_another_day]).as_deref(), seventh);
    }
}
