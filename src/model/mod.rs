//! What the function works with: pure data and arithmetic, without AWS, clock or tasks.

pub mod after;
pub mod alarm;
pub mod bypass;
pub mod conditions;
pub mod cron;
pub mod function;
pub mod id;
mod last_report;
pub mod listed;
pub mod lookalikes;
pub mod may_narrow;
pub mod mute;
pub mod muting;
pub mod note;
pub mod published;
pub mod recurrence;
pub mod rule_arn;
pub mod seen;
pub mod series;
pub mod span;
pub mod table;
pub mod time;
pub mod wakeup;
pub mod window;
pub mod written_time;
