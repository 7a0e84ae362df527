//! The report that a window sends in the end, and what is late where it is not out, or has been out for long.

use jiff::{SignedDuration, Timestamp};

use super::window::{State, Window};

/// The words of the reports of which each window sends one in the end.
const LAST_REPORTS: [&str; 3] = ["completed", "cancelled", "missed"];

/// Whoever sends a window's last report also makes it history, and two sweeps after that somebody else should have.
const LINGERS: SignedDuration = SignedDuration::from_mins(11);

/// How long an end takes that goes well: the site is watched for a minute of it.
const ENDS_WITHIN: SignedDuration = SignedDuration::from_mins(2);

impl Window {
    /// Whether its last report is out.
    #[must_use]
    pub fn last_report_is_out(&self) -> bool {
        LAST_REPORTS.iter().any(|key| self.was_told(key))
    }

    /// Since when its last report is out, if that is so long that it should be history by now.
    #[must_use]
    pub fn lingers_since(&self, now: Timestamp) -> Option<Timestamp> {
        if self.state != State::Ending {
            return None;
        }
        let last = |(_, event): &(&str, &str)| LAST_REPORTS.contains(event);
        let sent = self.reports.iter().filter_map(|sent| sent.split_once(' ')).filter(last);
        let since: Timestamp = sent.filter_map(|(at, _)| at.parse().ok()).min()?;
        (now.duration_since(since) >= LINGERS).then_some(since)
    }

    /// Since when it is over, if its last report is not out and should be by now.
    #[must_use]
    pub fn untold_since(&self, now: Timestamp) -> Option<Timestamp> {
        let ending = self.ending.filter(|_| self.state == State::Ending)?;
        let is_late = now.duration_since(ending.at) >= ENDS_WITHIN;
        (is_late && !self.last_report_is_out()).then_some(ending.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::window::{
        Outcome,
        tests::{active, at},
    };

    #[test]
    fn a_window_lingers_if_its_last_report_is_out_for_two_sweeps() {
        let reports = ["2026-12-06T03:00:00Z failed", "2026-12-06T03:05:00.25Z completed", "odd", "x missed"];
        let ending = Window {
            reports: reports.map(str::to_owned).into(),
            ..active().to_end(at("03:00:00"), Outcome::Completed)
        };
        assert_eq!(ending.lingers_since(at("03:16:00")), None);
        assert_eq!(ending.lingers_since(at("03:16:01")), Some(at("03:05:00.25")));
        assert_eq!(Window { state: State::Over, ..ending.clone() }.lingers_since(at("05:00:00")), None);
        let untold = Window { reports: ["2026-12-06T03:00:00Z failed".to_owned()].into(), ..ending };
        assert_eq!(untold.lingers_since(at("05:00:00")), None);
    }

    #[test]
    fn a_window_is_untold_if_it_is_over_for_two_minutes_without_a_last_report() {
        let ending = active().to_end(at("03:00:00"), Outcome::Completed);
        assert_eq!(ending.untold_since(at("03:01:59")), None);
        assert_eq!(ending.untold_since(at("03:02:00")), Some(at("03:00:00")));
        assert_eq!(Window { state: State::Over, ..ending.clone() }.untold_since(at("05:00:00")), None);
        let sent = |event: &str| Window { told: [event.to_owned()].into(), ..ending.clone() };
        assert_eq!(sent("failed").untold_since(at("05:00:00")), Some(at("03:00:00")));
        for last in LAST_REPORTS {
            assert_eq!(sent(last).untold_since(at("05:00:00")), None, "{last}");
        }
    }
}
