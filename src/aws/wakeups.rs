//! Wake-ups: one-time schedules that invoke the function and delete themselves. They carry no state.

use std::fmt;

use aws_sdk_scheduler::{
    Client,
    operation::{
        create_schedule::CreateScheduleError, delete_schedule::DeleteScheduleError, get_schedule::GetScheduleError,
    },
    types::{
        ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy,
        ScheduleState, Target,
    },
};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde_json::json;

use super::{failed, invalid, refusal};
use crate::{
    config::Config,
    error::{Error, Service},
    model::{
        wakeup::{Wake, WakeUp},
        window::Window,
    },
};

/// How many schedules are made or deleted at once.
const AT_ONCE: usize = 5;

/// How long, in seconds, Scheduler keeps trying to hand a wake-up to Lambda. Late wake-ups do no harm.
const DELIVERY_AGE_SECS: i32 = 6 * 3600;

/// How often it tries; the most it allows.
const DELIVERY_ATTEMPTS: i32 = 185;

/// A schedule as it stands, for a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Whether it fires at all.
    pub is_enabled: bool,
    /// When it fires, as Scheduler writes it, such as `rate(5 minutes)`.
    pub expression: String,
    /// The ARN of what it invokes.
    pub target: String,
}

/// The schedules of the stack's group.
#[derive(Clone)]
pub struct WakeUps {
    client: Client,
    group: Option<String>,
    role: Option<String>,
    dead_letters: Option<String>,
    secrets: Vec<String>,
}

impl fmt::Debug for WakeUps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WakeUps({:?})", self.group)
    }
}

impl WakeUps {
    /// Builds the client.
    #[must_use]
    pub fn new(sdk: &aws_config::SdkConfig, config: &Config) -> Self {
        Self {
            client: Client::new(sdk),
            group: config.group.clone(),
            role: config.scheduler_role.clone(),
            dead_letters: config.dead_letter_queue.clone(),
            secrets: config.secrets(),
        }
    }

    /// Makes wake-ups of a window that invoke `target`. A name that exists is a wake-up already made.
    ///
    /// # Errors
    /// [`Error::Aws`] when a call fails; [`Error::InvalidConfig`] without a usable group and role.
    pub async fn create(&self, window: &Window, wake_ups: &[WakeUp], target: &str) -> Result<(), Error> {
        stream::iter(wake_ups)
            .map(|wake_up| self.create_one(window, wake_up, target))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn create_one(&self, window: &Window, wake_up: &WakeUp, target: &str) -> Result<(), Error> {
        let what = format!("create the schedule {}", wake_up.name);
        let (Some(group), Some(role)) = (&self.group, &self.role) else { return Err(unusable()) };
        let fail = |message: String| failed(Service::Scheduler, &what, invalid(message));
        let input = json!({ "action": "wake", "id": window.id, "due": wake_up.due });
        let target = Target::builder()
            .arn(target)
            .role_arn(role)
            .input(input.to_string())
            .retry_policy(
                RetryPolicy::builder()
                    .maximum_event_age_in_seconds(DELIVERY_AGE_SECS)
                    .maximum_retry_attempts(DELIVERY_ATTEMPTS)
                    .build(),
            )
            .set_dead_letter_config(self.dead_letters.as_ref().map(|arn| DeadLetterConfig::builder().arn(arn).build()))
            .build()
            .map_err(|error| fail(error.to_string()))?;
        let exact = FlexibleTimeWindow::builder()
            .mode(FlexibleTimeWindowMode::Off)
            .build()
            .map_err(|error| fail(error.to_string()))?;
        let created = self
            .client
            .create_schedule()
            .group_name(group)
            .name(&wake_up.name)
            .description(description(window, wake_up.wake))
            .schedule_expression(expression(wake_up.at))
            .schedule_expression_timezone("UTC")
            .flexible_time_window(exact)
            .action_after_completion(ActionAfterCompletion::Delete)
            .target(target)
            .send()
            .await;
        match created {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(CreateScheduleError::is_conflict_exception) => Ok(()),
            Err(error) => Err(failed(Service::Scheduler, what, refusal(&error, &self.secrets))),
        }
    }

    /// Deletes schedules by their names; one that is gone already is deleted.
    ///
    /// # Errors
    /// [`Error::Aws`] when a call fails.
    pub async fn delete(&self, names: &[String]) -> Result<(), Error> {
        // Without a group none could be made.
        let Some(group) = &self.group else { return Ok(()) };
        stream::iter(names)
            .map(async |name| match self.client.delete_schedule().group_name(group).name(name).send().await {
                Ok(_) => Ok(()),
                Err(error)
                    if error.as_service_error().is_some_and(DeleteScheduleError::is_resource_not_found_exception) =>
                {
                    Ok(())
                }
                Err(error) => {
                    let what = format!("delete the schedule {name}");
                    Err(failed(Service::Scheduler, what, refusal(&error, &self.secrets)))
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// The name of the sweep's schedule, which the template makes; none without a group.
    #[must_use]
    pub fn sweep(&self) -> Option<String> {
        self.group.as_ref().map(|group| format!("{group}-sweep"))
    }

    /// How a schedule stands; none if there is none of that name in the group, or no group.
    ///
    /// # Errors
    /// [`Error::Aws`] when a call fails; [`Error::InvalidConfig`] without a usable group.
    pub async fn read(&self, name: &str) -> Result<Option<Schedule>, Error> {
        let Some(group) = &self.group else { return Err(unusable()) };
        match self.client.get_schedule().group_name(group).name(name).send().await {
            Ok(found) => Ok(Some(Schedule {
                is_enabled: found.state() == Some(&ScheduleState::Enabled),
                expression: found.schedule_expression().unwrap_or_default().to_owned(),
                target: found.target().map(|target| target.arn().to_owned()).unwrap_or_default(),
            })),
            Err(error) if error.as_service_error().is_some_and(GetScheduleError::is_resource_not_found_exception) => {
                Ok(None)
            }
            Err(error) => {
                let what = format!("read the schedule {name}");
                Err(failed(Service::Scheduler, what, refusal(&error, &self.secrets)))
            }
        }
    }
}

fn unusable() -> Error {
    Error::InvalidConfig(vec![
        "the stack's schedule group and its role for schedules: expected both, since without wake-ups an end could be missed"
            .to_owned(),
    ])
}

/// What a person reads who finds the schedule in the console.
fn description(window: &Window, wake: Wake) -> String {
    let what = match wake {
        Wake::Start => "The start",
        Wake::End => "The end",
        Wake::Warn => "A warning before the end",
        Wake::Remind(_) => "A reminder",
    };
    format!("{what} of maintenance window {}. It only wakes the function; the table holds the window.", window.id)
}

/// `at()` takes whole seconds and no zone (Scheduler user guide, "Schedule types"); the schedule's own zone is UTC.
fn expression(at: Timestamp) -> String {
    at.strftime("at(%Y-%m-%dT%H:%M:%S)").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_scheduler_reads_it() {
        let at = "2026-12-06T02:00:00.5Z".parse().expect("a time");
        assert_eq!(expression(at), "at(2026-12-06T02:00:00)");
    }
}
