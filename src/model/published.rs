//! What visitors and calendars are told, and what the table remembers of having told it.
//!
//! Everyone can read it, so nothing internal is in it: the message for visitors, times, and an id of its own.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{id, time, window::Window};

/// What is in the bucket, or is to be. The pages are told of maintenance that goes on; the feeds announce it beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// What the pages are told; none while no maintenance goes on.
    pub notice: Option<PageNotice>,
    /// What the feeds hold, soonest first; none where nothing is to be announced, and the feeds are not there.
    pub announced: Option<Vec<Announcement>>,
}

/// What the pages are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageNotice {
    /// When maintenance is expected to end; null while nobody knows.
    pub end: Option<Timestamp>,
    /// A sentence for visitors.
    pub message: Option<String>,
}

/// One window, as the feeds tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Its id, the same for as long as the window is told of; see [`public_uid`].
    pub uid: String,
    /// How it stands.
    pub standing: Standing,
    /// When it starts, or started.
    pub start: Timestamp,
    /// When it ends, or ended; none while it is open-ended.
    pub end: Option<Timestamp>,
    /// A sentence for visitors; empty once that was taken back, and nothing but the times is told.
    pub message: String,
    /// Grows with each change of the above, as a calendar's `SEQUENCE` (RFC 5545, section 3.8.7.4).
    pub sequence: u64,
    /// When the above changed last, to the second.
    pub changed_at: Timestamp,
}

/// How an announced window stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is ahead, or goes on.
    Planned,
    /// It goes on past its end, nobody knows until when.
    Overrunning,
    /// It does not take place.
    Cancelled,
    /// It is over.
    Over,
}

impl Standing {
    /// Whether it is still to come, or goes on.
    #[must_use]
    pub fn is_ahead(self) -> bool {
        matches!(self, Self::Planned | Self::Overrunning)
    }
}

/// What the table remembers of it. It is written before anything is sent to the bucket, and once more, as settled, when all
/// of it is there: whoever finds it unsettled knows that something may be missing in the bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Counts what was written; each write depends on the one that was read. It is 0 where nothing was.
    pub version: u64,
    /// The bucket.
    pub bucket: String,
    /// What is to be in it.
    pub content: Content,
    /// Whether it surely is.
    pub is_settled: bool,
    /// Until when the run that wrote this may still send something to the bucket.
    pub until: Timestamp,
    /// Why it could not be sent, if the last try failed.
    pub problem: Option<String>,
}

impl Published {
    /// How long a run that has written what is to be told may send it.
    pub const SENDS: SignedDuration = SignedDuration::from_secs(20);

    /// Since when all of it is surely told, at the earliest; none if that is not sure.
    #[must_use]
    pub fn settled_since(&self) -> Option<Timestamp> {
        self.is_settled.then(|| time::shifted(self.until, -Self::SENDS))
    }
}

/// A window's id for everyone: a UUID of version 8 (RFC 9562, section 5.8) made by a digest, so that it is the same in
/// every run and neither the window's name nor anything else can be read from it.
#[must_use]
pub fn public_uid(window: &Window) -> String {
    let booked_at = window.booked_at.to_string();
    let mut digits = id::long_digest(["announced", window.id.as_str(), window.uid.as_str(), booked_at.as_str()]);
    // The version, and the variant in the two upper bits of the digit, where a digest may have anything.
    digits.replace_range(12..13, "8");
    digits.replace_range(16..17, "a");
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..32]];
    parts.join("-")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::window::tests::{at, window};

    /// What is told of a window that is ahead.
    pub(crate) fn announcement() -> Announcement {
        Announcement {
            uid: "u".to_owned(),
            standing: Standing::Planned,
            start: at("02:00:00"),
            end: Some(at("04:00:00")),
            message: "Back soon.".to_owned(),
            sequence: 3,
            changed_at: at("00:30:00"),
        }
    }

    #[test]
    fn an_id_for_everyone_tells_windows_apart_and_nothing_of_them() {
        let uid = public_uid(&window());
        assert_eq!(uid, "48ccbfe9-aa61-8b0c-a351-0fdfb04f2e75");
        assert_eq!(uid, public_uid(&Window { version: 9, revision: 4, start: at("03:00:00"), ..window() }));
        for other in [
            Window { id: "other".parse().expect("an id"), ..window() },
            Window { uid: "bbbbb".to_owned(), ..window() },
            Window { booked_at: at("00:00:01"), ..window() },
        ] {
            assert_ne!(uid, public_uid(&other));
        }
        assert_eq!(uid.len(), 36);
        assert!(!uid.contains("deploy") && !uid.contains("aaaaa"));
    }
}
