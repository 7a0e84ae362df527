//! What visitors and calendars are to be told, as the table stands.
//!
//! Pure, and the same however often it is asked: what was told before is an argument, and what is told of a window only
//! changes when the window does.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::{
    config::Config,
    model::{
        published::{Announcement, Content, PageNotice, Standing, public_uid},
        table::Table,
        time::whole_second,
        window::{Outcome, State, Window},
    },
};

/// For how long a window is told of after it was cancelled or over: a calendar that others host may ask no more than once
/// a day or two.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How many windows ahead are announced, and how many that are cancelled or over: DynamoDB takes an item of 400 KB.
const MANY: usize = 50;

/// What is to be told now, given what was told before.
#[must_use]
pub fn content(before: Option<&Content>, table: &Table, config: &Config, now: Timestamp) -> Content {
    Content {
        notice: notice(&table.windows),
        announced: config.announce_before.map(|ahead| {
            let before = before.and_then(|before| before.announced.as_deref()).unwrap_or_default();
            announced(before, table, ahead, now)
        }),
    }
}

/// What the pages are told while maintenance goes on.
fn notice(windows: &[Window]) -> Option<PageNotice> {
    let covering: Vec<&Window> = windows.iter().filter(|window| window.is_covering()).collect();
    // With several windows the last end counts, and one without an end hides all others.
    let end = |window: &&Window| window.end.filter(|_| window.state == State::Active);
    let ends: Option<Vec<Timestamp>> = covering.iter().map(end).collect();
    let message = covering.iter().find_map(|window| window.message.clone());
    (!covering.is_empty()).then(|| PageNotice { end: ends.and_then(|ends| ends.into_iter().max()), message })
}

fn announced(before: &[Announcement], table: &Table, ahead: SignedDuration, now: Timestamp) -> Vec<Announcement> {
    let mut known: BTreeMap<&str, &Announcement> = before.iter().map(|one| (one.uid.as_str(), one)).collect();
    let mut all: Vec<Announcement> = vec![];
    for window in &table.windows {
        let uid = public_uid(window);
        let before = known.remove(uid.as_str());
        all.extend(of_window(window, uid, before, ahead, now));
    }
    // An unreadable window may be one of those that are left, so all of them stay as they were told.
    let all_seen = !table.unreadable.keys().any(|id| id.starts_with("window#"));
    all.extend(known.into_values().map(|one| if all_seen { gone(one, now) } else { one.clone() }));
    let is_fresh = |one: &Announcement| now.duration_since(one.changed_at) < KEPT;
    let (mut planned, mut rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.standing.is_ahead());
    planned.sort_by(|one, other| (one.start, &one.uid).cmp(&(other.start, &other.uid)));
    planned.truncate(MANY);
    rest.retain(is_fresh);
    rest.sort_by(|one, other| (other.changed_at, &other.uid).cmp(&(one.changed_at, &one.uid)));
    rest.truncate(MANY);
    planned.extend(rest);
    planned.sort_by(|one, other| (one.start, &one.uid).cmp(&(other.start, &other.uid)));
    planned
}

/// What is told of a window that is not history yet; nothing before its time, or if it never had a message for visitors.
fn of_window(
    window: &Window,
    uid: String,
    before: Option<&Announcement>,
    ahead: SignedDuration,
    now: Timestamp,
) -> Option<Announcement> {
    // Whoever was told of it is told as well that it was moved far ahead.
    let is_time = before.is_some() || window.start.duration_since(now) <= ahead;
    let planned = |standing: Standing| {
        let message = match (&window.message, before) {
            (Some(message), _) if is_time => message.clone(),
            // It still takes place, so whoever noted its times goes on hearing of them.
            (None, Some(before)) if before.standing.is_ahead() => String::new(),
            (None, _) => return before.cloned(),
            (Some(_), _) => return None,
        };
        let fresh = Announcement {
            uid,
            standing,
            start: window.start,
            end: window.end,
            message,
            sequence: window.version,
            changed_at: whole_second(now),
        };
        Some(before.map_or_else(|| fresh.clone(), |before| changed(before, &fresh)))
    };
    match window.state {
        State::Booked | State::Active => planned(Standing::Planned),
        State::Held => planned(Standing::Overrunning),
        State::Ending | State::Over => {
            let before = before?;
            let Some(ending) = window.ending.filter(|_| before.standing.is_ahead()) else {
                return Some(before.clone());
            };
            let over = match ending.outcome {
                Outcome::Completed => over(before, window.end, ending.at),
                Outcome::Cancelled | Outcome::Missed => {
                    Announcement { standing: Standing::Cancelled, ..before.clone() }
                }
            };
            Some(changed(before, &Announcement { sequence: window.version, changed_at: whole_second(now), ..over }))
        }
    }
}

/// What was told of a window that has become history before that could be told.
fn gone(before: &Announcement, now: Timestamp) -> Announcement {
    if !before.standing.is_ahead() {
        return before.clone();
    }
    let gone = if now < before.start {
        Announcement { standing: Standing::Cancelled, ..before.clone() }
    } else {
        over(before, before.end, now)
    };
    changed(before, &Announcement { changed_at: whole_second(now), ..gone })
}

/// A window that is over: its end is the planned one, unless it really ended before that, or was held past it.
fn over(before: &Announcement, planned: Option<Timestamp>, at: Timestamp) -> Announcement {
    let as_planned = planned.filter(|planned| *planned <= at && before.standing != Standing::Overrunning);
    Announcement { standing: Standing::Over, end: as_planned.or(Some(whole_second(at))), ..before.clone() }
}

/// What is told now: as before, or with the next sequence number if anything is new.
fn changed(before: &Announcement, fresh: &Announcement) -> Announcement {
    let told = |one: &Announcement| (one.standing, one.start, one.end, one.message.clone());
    if told(before) == told(fresh) {
        return before.clone();
    }
    Announcement { sequence: fresh.sequence.max(before.sequence + 1), ..fresh.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        published::{public_uid, tests::announcement},
        window::{
            Ending,
            tests::{active, at, window},
        },
    };

    /// A message for visitors, or a reason.
    macro_rules! text {
        ($text:literal) => {
            Some($text.to_owned())
        };
    }

    fn booked() -> Window {
        Window { message: text!("Back soon."), reason: text!("internal"), ..window() }
    }

    fn ended(outcome: Outcome, moment: &str) -> Window {
        let ending = Some(Ending { at: at(moment), outcome });
        Window { state: State::Ending, version: 9, ending, message: text!("Back soon."), ..active() }
    }

    fn of(windows: &[Window]) -> Table {
        Table { windows: windows.to_vec(), ..Table::default() }
    }

    /// What is told after tables that were seen one after the other, two hours ahead.
    fn after(seen: &[(&str, Table)]) -> Vec<Announcement> {
        let mut all = vec![];
        for (moment, table) in seen {
            all = announced(&all, table, SignedDuration::from_hours(2), at(moment));
            assert_eq!(all, announced(&all, table, SignedDuration::from_hours(2), at(moment)), "asked twice");
        }
        all
    }

    fn first() -> Announcement {
        Announcement { uid: public_uid(&window()), ..announcement() }
    }

    #[test]
    fn a_window_is_announced_from_its_time_on_if_it_has_a_message() {
        let from = |hours: i64, moment: &str| {
            let ahead = SignedDuration::from_hours(hours);
            announced(&[], &of(&[booked()]), ahead, at(moment)).len()
        };
        assert_eq!((from(2, "00:00:00"), from(1, "00:59:59"), from(1, "01:00:00")), (1, 0, 1));
        assert_eq!(after(&[("00:30:00.7", of(&[booked()]))]), [first()]);
        assert_eq!(after(&[("00:30:00", of(&[window()]))]), [], "nothing for visitors");
    }

    #[test]
    fn what_is_told_changes_with_the_window_and_with_nothing_else() {
        let same = Window { version: 4, reason: text!("other"), ..booked() };
        assert_eq!(after(&[("00:30:00", of(&[booked()])), ("00:40:00", of(&[same]))]), [first()]);
        let next_year: Timestamp = "2027-12-06T02:00:00Z".parse().expect("a time");
        for (window, fresh) in [
            (Window { start: at("03:00:00"), ..booked() }, Announcement { start: at("03:00:00"), ..first() }),
            (
                Window { start: next_year, end: None, ..booked() },
                Announcement { start: next_year, end: None, ..first() },
            ),
            (Window { message: text!("Soon."), ..booked() }, Announcement { message: "Soon.".to_owned(), ..first() }),
            (Window { message: None, ..booked() }, Announcement { message: String::new(), ..first() }),
            (Window { state: State::Held, ..booked() }, Announcement { standing: Standing::Overrunning, ..first() }),
        ] {
            let seen = of(&[Window { version: 8, ..window }]);
            let expected = Announcement { sequence: 8, changed_at: at("00:40:00"), ..fresh };
            assert_eq!(after(&[("00:30:00", of(&[booked()])), ("00:40:00", seen)]), [expected]);
        }
    }

    #[test]
    fn a_window_without_its_message_is_still_told_of_until_it_is_over_and_then_not_again() {
        let announced = ("00:30:00", of(&[booked()]));
        let silent = Window { message: None, version: 5, ..booked() };
        let seen = |moment, window: &Window| (moment, of(std::slice::from_ref(window)));
        let moved = Window { start: at("03:00:00"), version: 6, ..silent.clone() };
        let all = after(&[announced.clone(), seen("00:40:00", &silent), seen("00:50:00", &moved)]);
        let told = |one: &Announcement| (one.standing, one.start, one.message.clone(), one.sequence);
        assert_eq!(all.iter().map(told).collect::<Vec<_>>(), [(Standing::Planned, at("03:00:00"), String::new(), 6)]);
        let dropped = Window { message: None, ..ended(Outcome::Cancelled, "01:00:00") };
        let all = after(&[announced.clone(), seen("00:40:00", &silent), seen("01:00:00", &dropped)]);
        assert_eq!(all.iter().map(told).collect::<Vec<_>>(), [(Standing::Cancelled, at("02:00:00"), String::new(), 9)]);
        // Somebody put the item of a window back that was told to be off.
        let gone = ("00:40:00", Table::default());
        let all = after(&[announced.clone(), gone, seen("00:50:00", &silent)]);
        assert_eq!(all[0].standing, Standing::Cancelled);
        let again = Window { version: 7, ..booked() };
        let all = after(&[announced, seen("00:40:00", &silent), seen("00:50:00", &again)]);
        assert_eq!(
            all.iter().map(told).collect::<Vec<_>>(),
            [(Standing::Planned, at("02:00:00"), "Back soon.".to_owned(), 7)]
        );
    }

    #[test]
    fn a_window_that_ends_is_over_or_cancelled_as_it_came_about() {
        let planned = ("00:30:00", of(&[booked()]));
        let held = ("04:01:00", of(&[Window { state: State::Held, version: 7, ..booked() }]));
        let over = |moment: &str| (Standing::Over, Some(at(moment)));
        let cancelled = (Standing::Cancelled, Some(at("04:00:00")));
        for (outcome, moment, expected) in [
            (Outcome::Completed, "04:00:00.05", over("04:00:00")),
            (Outcome::Completed, "03:10:00.5", over("03:10:00")),
            (Outcome::Cancelled, "01:00:00", cancelled),
            (Outcome::Missed, "05:00:00", cancelled),
        ] {
            let ending = (moment, of(&[ended(outcome, moment)]));
            let all = after(&[planned.clone(), ending.clone(), ("05:30:00", Table::default())]);
            let found = [(all[0].standing, all[0].end)];
            assert_eq!((found, all[0].sequence, all[0].changed_at), ([expected], 9, whole_second(at(moment))));
            assert_eq!(after(&[ending]), [], "what was never announced");
        }
        let all = after(&[planned, held, ("05:00:00", of(&[ended(Outcome::Completed, "05:00:00")]))]);
        assert_eq!((all[0].standing, all[0].end), over("05:00:00"));
    }

    #[test]
    fn what_became_history_unseen_is_over_or_cancelled_unless_it_may_be_unreadable() {
        let planned = ("00:30:00", of(&[booked()]));
        let mut one = after(&[planned.clone(), ("01:00:00", Table::default())]);
        assert_eq!((one[0].standing, one[0].sequence), (Standing::Cancelled, 4));
        one = after(&[planned.clone(), ("02:00:00", Table::default())]);
        assert_eq!((one[0].standing, one[0].end), (Standing::Over, Some(at("02:00:00"))), "it may have begun");
        one = after(&[planned.clone(), ("03:00:00", Table::default())]);
        assert_eq!((one[0].standing, one[0].end), (Standing::Over, Some(at("03:00:00"))));
        one = after(&[planned.clone(), ("05:00:00", Table::default())]);
        assert_eq!((one[0].standing, one[0].end), (Standing::Over, Some(at("04:00:00"))));
        let unreadable = |id: &str| Table { unreadable: [(id.to_owned(), String::new())].into(), ..Table::default() };
        assert_eq!(after(&[planned.clone(), ("01:00:00", unreadable("window#deploy"))]), [first()]);
        assert_ne!(after(&[planned, ("01:00:00", unreadable("series#nightly"))]), [first()]);
    }

    #[test]
    fn what_is_over_is_told_of_for_two_weeks() {
        let cancelled = after(&[("00:30:00", of(&[booked()])), ("01:00:00", Table::default())]);
        let later = |now: &str| {
            let now: Timestamp = now.parse().expect("a time");
            announced(&cancelled, &Table::default(), SignedDuration::from_hours(2), now).len()
        };
        assert_eq!((later("2026-12-20T00:59:59Z"), later("2026-12-20T01:00:00Z")), (1, 0));
    }

    #[test]
    fn the_soonest_are_told_where_there_are_too_many() {
        let window = |nth: u32| Window {
            uid: format!("{nth:05}"),
            start: at("02:00:00") + SignedDuration::from_secs(i64::from(nth)),
            ..booked()
        };
        let many: Vec<Window> = (0..60).rev().map(window).collect();
        let told = after(&[("00:30:00", of(&many))]);
        assert_eq!((told.len(), told[0].start), (50, at("02:00:00")));
        let gone = after(&[("00:30:00", of(&many)), ("00:31:00", of(&many[..5]))]);
        assert_eq!((gone.len(), gone.iter().filter(|one| one.standing.is_ahead()).count()), (55, 5));
    }

    #[test]
    fn the_pages_are_told_the_last_end_while_a_window_covers_rules() {
        let (one, held) = (active(), Window { state: State::Held, ..active() });
        let later = Window { end: Some(at("05:00:00")), message: text!("Back soon."), ..active() };
        let open = Window { end: None, ..active() };
        for (windows, expected) in [
            (vec![window()], None),
            (vec![ended(Outcome::Completed, "04:00:00")], None),
            (vec![one.clone()], Some((Some(at("04:00:00")), None))),
            (vec![one.clone(), later.clone()], Some((Some(at("05:00:00")), text!("Back soon.")))),
            (vec![later.clone(), open], Some((None, text!("Back soon.")))),
            (vec![held, later], Some((None, text!("Back soon.")))),
        ] {
            assert_eq!(notice(&windows), expected.map(|(end, message)| PageNotice { end, message }), "{windows:?}");
        }
    }
}
