//! Planned maintenance for sites behind an AWS Application Load Balancer.
//!
//! The function is a level-triggered reconciler. A DynamoDB table says what people decided, the load balancer says what
//! is, and EventBridge Scheduler only wakes. Told which window someone means and never why it was woken, a run reads
//! decisions, rules and clock, works out what should be true now, makes it true in one safe order, and reports.
//!
//! In reading order:
//!
//! - [`handler`]: one invocation, from event to answer;
//! - [`event`]: the JSON of an event, read into a request or refused with every problem named;
//! - [`model`]: windows, series, rules, conditions and times: pure data;
//! - [`plan`]: the decision about what is to be done, pure;
//! - [`reconcile`]: the effects in their one safe order;
//! - [`actions`]: what people ask for, one file for each action or family;
//! - [`checks`]: what would make a window fail, found beforehand;
//! - [`aws`]: one file for each service that is called;
//! - [`probe`]: the site seen from outside, as a visitor and as a tester;
//! - [`report`]: the words and figures of reports and answers;
//! - [`console`]: the page for a dashboard in CloudWatch;
//! - [`config`], [`error`]: the settings, and what can go wrong;
//! - [`app`], [`clock`]: what lives as long as the process, and the clock it is handed;
//! - [`redact`], [`log`]: what others say, without secrets, and the log.

pub mod actions;
pub mod app;
pub mod aws;
pub mod checks;
pub mod clock;
pub mod config;
pub mod console;
pub mod error;
pub mod event;
pub mod handler;
pub mod log;
pub mod model;
pub mod plan;
pub mod probe;
pub mod reconcile;
pub mod redact;
pub mod report;
