//! What `history`, `edit`, `extend` and `reschedule` are asked to do.

use jiff::{SignedDuration, Timestamp};

use crate::model::{id::WindowId, written_time::WrittenTime};

/// What of the history is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Windows and series of this name only.
    pub id: Option<WindowId>,
    /// Those that were over at that moment or later.
    pub since: Option<Timestamp>,
    /// Those that were over before that moment.
    pub until: Option<Timestamp>,
    /// How many at most.
    pub limit: usize,
}

impl Search {
    /// How many windows and series one answer tells of at most: their decisions and reports have to fit into it.
    pub const LIMIT_MAX: usize = 200;
}

/// In which form the history is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// As objects of the answer.
    #[default]
    Json,
    /// As one text of comma-separated values.
    Csv,
}

impl Format {
    /// How many windows and series are told of, unless the event says otherwise: a table for an audit is to hold all.
    #[must_use]
    pub fn usual_limit(self) -> usize {
        match self {
            Self::Json => 20,
            Self::Csv => Search::LIMIT_MAX,
        }
    }
}

/// New texts of a window or series; what is absent stays, and an empty text takes it away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Why it is.
    pub reason: Option<Option<String>>,
    /// A sentence for visitors.
    pub message: Option<Option<String>>,
    /// The alarms it mutes besides those that the settings name; none at all if it is an empty list.
    pub mute_alarms: Option<Vec<String>>,
}

/// A window's new end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewEnd {
    /// So much later than it is; earlier if negative.
    By(SignedDuration),
    /// Then.
    At(WrittenTime),
}

/// A booked window's new times; what is absent stays, and the length stays unless an end or a duration is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTimes {
    /// The new start.
    pub start: Option<WrittenTime>,
    /// The new end.
    pub end: Option<WrittenTime>,
    /// The new length.
    pub duration: Option<SignedDuration>,
}
