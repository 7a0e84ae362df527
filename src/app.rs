//! What lives as long as the process, and what lives as long as one invocation.

use jiff::Timestamp;

pub use crate::clock::{Clock, FigureLog};
use crate::{
    aws::{Aws, bucket::Bucket, cloudwatch::CloudWatch},
    config::Config,
    probe::Probe,
};

/// What lives as long as the process.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The AWS clients.
    pub aws: Aws,
    /// CloudWatch, which mutes alarms and counts requests.
    pub cloudwatch: CloudWatch,
    /// The site seen from outside, if it is to be.
    pub probe: Option<Probe>,
    /// The page that visitors see, if it is to be told when maintenance ends.
    pub bucket: Option<Bucket>,
    /// Where figures go, a line each: standard output, which CloudWatch reads.
    pub figures: FigureLog,
    /// The clock.
    pub clock: Clock,
}

/// What lives as long as one invocation.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// What lives as long as the process.
    pub app: &'a App,
    /// The function's own ARN, which wake-ups invoke.
    pub target: &'a str,
    /// The key of the decision that this invocation may take: Lambda's request id, which stays when Lambda repeats an
    /// event, or the key that the event brings.
    pub request: &'a str,
}

impl Run<'_> {
    /// The moment it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.app.clock)()
    }
}
