//! What wakes the function for a window, and when.
//!
//! Pure: the moment is an argument everywhere.

use jiff::{SignedDuration, Timestamp};

use super::{id, time, window::Window};

/// How long before its moment a wake-up is booked.
/// EventBridge Scheduler invokes within 60 s after the time asked for (Scheduler user guide, "Schedule types"); the
/// function waits for the second itself.
pub const LEAD: SignedDuration = SignedDuration::from_secs(60);

/// The shortest time ahead that a wake-up is booked for: whether a time in the past fires is not documented.
const AHEAD_MIN: SignedDuration = SignedDuration::from_secs(10);

/// In a window shorter than the lead, the end's wake-up still comes this long after the start.
const END_AFTER_START: SignedDuration = SignedDuration::from_secs(30);

/// What wakes the function for a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wake {
    /// Its start.
    Start,
    /// Its end.
    End,
    /// The warning before its end.
    Warn,
    /// A reminder before its start, by its place among the settings.
    Remind(usize),
}

/// A wake-up: its name, when it fires, and the moment it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WakeUp {
    /// The schedule's name.
    pub name: String,
    /// What it is for.
    pub wake: Wake,
    /// When it fires.
    pub at: Timestamp,
    /// The moment it is for.
    pub due: Timestamp,
}

impl WakeUp {
    /// The name that an earlier version gave it: the same without the group and role.
    #[must_use]
    pub fn former_name(&self) -> &str {
        self.name.rsplit_once('-').map_or(self.name.as_str(), |(former, _)| former)
    }
}

/// The characters in which the names of wake-ups of a group and role end.
fn names_end(sender: &str) -> String {
    id::uid([sender])[..3].to_owned()
}

/// The group and role behind these characters; none if there are no such characters.
fn after_names_end(marked: &str) -> Option<&str> {
    let (end, sender) = marked.split_once(' ')?;
    (end == names_end(sender)).then_some(sender)
}

impl Window {
    /// What `wakeups` holds once the present revision has its wake-ups. The schedules' group and role are part of it,
    /// since those made in a group, or under a role, that is gone are not delivered. So is how their names end: a marker
    /// without that is an earlier version's, whose wake-ups have other names.
    #[must_use]
    pub fn wakeups_marker(&self, sender: &str) -> String {
        format!("{} {} {sender}", self.revision, names_end(sender))
    }

    /// The group and role of which the present revision has wake-ups, as far as the table knows.
    #[must_use]
    pub fn wakeups_sender(&self) -> Option<&str> {
        let marked = self.marked()?;
        Some(after_names_end(marked).unwrap_or(marked))
    }

    /// Whether the present revision has wake-ups with the names that an earlier version gave them, as far as the table
    /// knows.
    #[must_use]
    pub fn has_former_wakeups(&self) -> bool {
        self.marked().is_some_and(|marked| after_names_end(marked).is_none())
    }

    /// What follows the present revision in the marker.
    fn marked(&self) -> Option<&str> {
        let (revision, marked) = self.wakeups.as_ref()?.split_once(' ')?;
        (revision == self.revision.to_string()).then_some(marked)
    }

    /// Whether the present revision has wake-ups of this group and role, so that its end cannot be missed; without an end
    /// it needs none.
    #[must_use]
    pub fn has_wakeups(&self, sender: Option<&str>) -> bool {
        let marked = |sender| self.wakeups.as_deref() == Some(&self.wakeups_marker(sender));
        self.end.is_none() || sender.is_some_and(marked)
    }

    /// The name of one of its schedules: at most 64 characters, which is what Scheduler takes.
    ///
    /// Three characters stand for the group and role, so that those of another role have other names: none has to be
    /// deleted before another can be made in its place, which a run that dies in between would leave empty.
    #[must_use]
    pub fn wake_name(&self, wake: Wake, sender: &str) -> String {
        let (what, nth) = match wake {
            Wake::Start => ("start", String::new()),
            Wake::End => ("end", String::new()),
            Wake::Warn => ("warn", String::new()),
            Wake::Remind(nth) => ("remind", format!("-{nth}")),
        };
        format!("{}.{what}-{}-{}{nth}-{}", self.id, self.uid, self.revision, names_end(sender))
    }

    /// The wake-ups of its present revision that are still to come, of this group and role. Reminders and warnings need
    /// not be exact.
    #[must_use]
    pub fn wake_ups(
        &self,
        sender: &str,
        now: Timestamp,
        remind: &[SignedDuration],
        warn: Option<SignedDuration>,
    ) -> Vec<WakeUp> {
        let Some(end) = self.end else { return vec![] };
        let soon = time::shifted(now, AHEAD_MIN);
        let wake_up =
            |wake, at: Timestamp, due| WakeUp { name: self.wake_name(wake, sender), wake, at: at.max(soon), due };
        let mut wake_ups =
            vec![wake_up(Wake::End, time::shifted(end, -LEAD).max(time::shifted(self.start, END_AFTER_START)), end)];
        wake_ups.push(wake_up(Wake::Start, time::shifted(self.start, -LEAD), self.start));
        wake_ups.extend(
            warn.and_then(|before| end.checked_sub(before).ok())
                .filter(|due| *due > self.start)
                .map(|due| wake_up(Wake::Warn, due, due)),
        );
        for (nth, before) in remind.iter().enumerate() {
            wake_ups.extend(self.start.checked_sub(*before).ok().map(|due| wake_up(Wake::Remind(nth), due, due)));
        }
        wake_ups.retain(|wake_up| wake_up.due > now);
        wake_ups
    }

    /// The wake-ups for its start and its end that have not fired yet and will not within moments, so that their
    /// schedules should be there.
    #[must_use]
    pub fn wake_ups_ahead(&self, sender: &str, now: Timestamp) -> Vec<WakeUp> {
        let soon = time::shifted(now, AHEAD_MIN);
        self.wake_ups(sender, now, &[], None).into_iter().filter(|wake_up| wake_up.at > soon).collect()
    }
}
