//! The log, as Lambda's settings want it.
//!
//! The subscriber that the Lambda runtime's crate offers takes filters with patterns; a level is all that Lambda sets,
//! and a filter's regular expressions are most of a megabyte.

use tracing::Dispatch;
use tracing_subscriber::{
    filter::{LevelFilter, filter_fn},
    fmt::MakeWriter,
    layer::SubscriberExt,
};

/// The target of lines that are written at DEBUG only: what a run saw and decided.
///
/// They are INFO lines with a target of their own. A release is compiled without all lines below INFO, so that no
/// setting can make the SDK, hyper or rustls write what they say there, secrets among it.
pub const DETAIL: &str = "detail";

/// Writes log lines to standard output from here on: from this level up (INFO if it is none), in JSON if asked for.
///
/// Lambda sets both by the function's logging configuration, for a runtime of one's own too:
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>.
///
/// # Panics
/// The second time: a process has one log.
pub fn start(level: Option<&str>, format: Option<&str>) {
    let dispatch = lines(level, format, std::io::stdout);
    tracing::dispatcher::set_global_default(dispatch).expect("the only log of this process");
}

/// The same, to be written elsewhere.
pub fn lines<W>(level: Option<&str>, format: Option<&str>, writer: W) -> Dispatch
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let detailed = level >= LevelFilter::DEBUG;
    let wanted = filter_fn(move |line| detailed || line.target() != DETAIL);
    let log = tracing_subscriber::fmt().with_target(false).without_time().with_max_level(level).with_writer(writer);
    if format.is_some_and(|format| format.eq_ignore_ascii_case("json")) {
        Dispatch::new(log.json().finish().with(wanted))
    } else {
        Dispatch::new(log.finish().with(wanted))
    }
}
