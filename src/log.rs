//! The log, as Lambda's settings want it.
//!
//! The subscriber that the Lambda runtime's crate offers takes filters with patterns; a level is all that Lambda sets,
//! and a filter's regular expressions are most of a megabyte.

use tracing_subscriber::filter::LevelFilter;

/// Writes log lines to standard output from here on: from this level up (INFO if it is none), in JSON if asked for.
pub fn start(level: Option<&str>, format: Option<&str>) {
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let log = tracing_subscriber::fmt().with_target(false).without_time().with_max_level(level);
    if format.is_some_and(|format| format.eq_ignore_ascii_case("json")) {
        log.json().init();
    } else {
        log.init();
    }
}
