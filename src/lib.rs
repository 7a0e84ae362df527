//! Planned maintenance for sites behind an AWS Application Load Balancer.
//!
//! The function is a level-triggered reconciler: told which windows exist and never why it was woken, it looks at the
//! clock, the windows' records and the listener rules, works out what should be true now and makes it true in one safe
//! order. EventBridge Scheduler is both its alarm clock and its only store.
//!
//! In reading order:
//!
//! - [`event`]: the JSON that wakes us, read into a request;
//! - [`when`], [`window`], [`record`]: the calendar, and what is known of a window;
//! - [`every`], [`series`]: when recurring windows come, and what is kept of them;
//! - [`arn`], [`conditions`]: a listener rule, and the two forms it can have;
//! - [`plan`]: the decision;
//! - [`reconcile`]: the effects in their one safe order;
//! - [`strays`]: what no window accounts for;
//! - [`operator`], [`invoke`]: what people ask for, and one invocation from event to answer;
//! - [`check`]: what would make a window fail, found beforehand;
//! - [`rule`], [`schedule`], [`notify`], [`aws`]: one room for each AWS service, and what they share;
//! - [`probe`]: the site seen from outside, as a visitor and as a tester;
//! - [`page`]: what the visitors' page is told;
//! - [`report`], [`response`], [`metrics`]: the words and the figures;
//! - [`config`], [`error`], [`redact`], [`log`]: the settings, what can go wrong, what others say of it, and the log.

pub mod arn;
pub mod aws;
pub mod check;
pub mod conditions;
pub mod config;
pub mod error;
pub mod event;
pub mod every;
pub mod invoke;
pub mod log;
pub mod metrics;
pub mod notify;
pub mod operator;
pub mod page;
pub mod plan;
pub mod probe;
pub mod reconcile;
pub mod record;
pub mod redact;
pub mod report;
pub mod response;
pub mod rule;
pub mod schedule;
pub mod series;
pub mod strays;
pub mod when;
pub mod window;
