//! What a script learns from the exit code.

use std::process::ExitCode;

/// What came of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It is done.
    Done,
    /// It was refused, here or by the function, and nothing was decided.
    Refused,
    /// It failed, or it is not certain what came of it.
    Uncertain,
    /// It is done or nothing was asked, but the site is not in the state asked for.
    OtherState,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Uncertain => 2,
            Self::OtherState => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
