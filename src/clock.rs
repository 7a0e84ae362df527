//! The clock and the place for figures, as the rest of the program is handed them.

use std::sync::Arc;

use jiff::Timestamp;

/// The moment it is, in the world or in a test.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Takes a line of figures.
pub type FigureLog = Arc<dyn Fn(&str) + Send + Sync>;
