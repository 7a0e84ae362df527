//! The alarm clock and the store: the schedules of one group. The only room that knows EventBridge Scheduler.

use std::fmt;

use aws_sdk_scheduler::{
    Client,
    operation::{
        create_schedule::CreateScheduleError, delete_schedule::DeleteScheduleError, get_schedule::GetScheduleError,
        update_schedule::UpdateScheduleError,
    },
    types::{ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, Target},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{Timestamp, civil, tz::TimeZone};

use crate::{
    aws::{failed, refusal},
    conditions,
    config::Config,
    error::{Error, Refusal, Service},
    record::{Amendment, Fires, Letter, Part, Record, ScheduleName},
    series::Series,
    window::WindowId,
};

/// How many schedules are read at once: 500 windows are read in about two seconds at 40 ms a call.
const AT_ONCE: usize = 10;

/// The code of a schedule that is not readable as one of ours.
const UNREADABLE: &str = "Unreadable";

/// How long, in seconds, Scheduler keeps trying to hand a wake-up to Lambda. Late wake-ups do no harm.
const DELIVERY_AGE_SECS: i32 = 6 * 3600;

/// How often it tries; the most it allows.
const DELIVERY_ATTEMPTS: i32 = 185;

/// Proof that a window's record is written and has a wake-up still to come. Only this room can make one.
#[derive(Debug)]
pub struct Booked {
    _made_here: (),
}

/// Whether a name was free.
#[derive(Debug)]
pub enum Created {
    /// It was, and the schedule exists now.
    New(Booked),
    /// It was taken, and nothing was overwritten.
    Taken,
}

/// The schedules of the group.
#[derive(Clone)]
pub struct Schedules {
    client: Client,
    group: String,
    role: String,
    dead_letters: Option<String>,
    secrets: Vec<String>,
}

impl fmt::Debug for Schedules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedules({})", self.group)
    }
}

impl Schedules {
    /// Builds the client.
    #[must_use]
    pub fn new(sdk: &aws_config::SdkConfig, config: &Config) -> Self {
        Self {
            client: Client::new(sdk),
            group: config.group.clone(),
            role: config.scheduler_role.clone(),
            dead_letters: config.dead_letter_queue.clone(),
            secrets: config.bypass.values_in_clear(),
        }
    }

    /// Every schedule of ours in the group, in the order of their names. The list may lag behind what was just done.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn list(&self) -> Result<Vec<ScheduleName>, Error> {
        let mut names = vec![];
        let mut page: Option<String> = None;
        loop {
            let answer = self
                .client
                .list_schedules()
                .group_name(&self.group)
                .max_results(100)
                .set_next_token(page)
                .send()
                .await
                .map_err(|error| self.failed("list the booked windows", &refusal(&error, &self.secrets)))?;
            names.extend(answer.schedules().iter().filter_map(|found| ScheduleName::parse(found.name()?)));
            page = answer.next_token().map(str::to_owned);
            if page.is_none() {
                names.sort();
                return Ok(names);
            }
        }
    }

    /// The records among the listed schedules, each with its amendments. One that is gone by now is left out, and so
    /// is one that is not readable as ours: it must not keep the other windows from ending.
    ///
    /// # Errors
    /// [`Error::Aws`] when a call fails.
    pub async fn records(&self, listed: &[ScheduleName]) -> Result<Vec<Record>, Error> {
        let ids: Vec<&WindowId> = listed.iter().filter(|name| name.part == Part::Record).map(|name| &name.id).collect();
        let found: Vec<Option<Record>> = stream::iter(ids)
            .map(async |id| match self.record(id, listed).await {
                Err(error) if error.code() == Some(UNREADABLE) => {
                    tracing::warn!(window.id = %id, error = error.full(), "a record in the group is not readable");
                    Ok(None)
                }
                read => read,
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// One window's record with its listed amendments, or nothing if there is none.
    ///
    /// # Errors
    /// [`Error::Aws`] when a call fails, or when the schedule is not readable as one of ours.
    pub async fn record(&self, id: &WindowId, listed: &[ScheduleName]) -> Result<Option<Record>, Error> {
        let name = ScheduleName::new(id, Part::Record);
        let Some((fires, letter)) = self.get(&name).await? else { return Ok(None) };
        let Letter { window: Some(booked), progress, request, from_now, .. } = letter else {
            return Err(self.failed(&format!("read the record {name}"), &unreadable("it holds no window")));
        };
        let mut record = Record {
            booked,
            fires,
            progress: progress.unwrap_or_default(),
            request,
            from_now,
            amendments: vec![],
            others: ScheduleName::of(id, listed),
        };
        let numbers: Vec<u32> = record
            .others
            .iter()
            .filter_map(|other| match other.part {
                Part::Amendment(number) => Some(number),
                Part::Record
                | Part::Start(_)
                | Part::Remind(..)
                | Part::Warn(_)
                | Part::Drift(_)
                | Part::Series
                | Part::Tombstone(_) => None,
            })
            .collect();
        for number in numbers {
            record.amendments.extend(self.amendment(id, number).await?);
        }
        Ok(Some(record))
    }

    /// Whether there is no record of this name, readable or not.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn is_free(&self, id: &WindowId) -> Result<bool, Error> {
        match self.get(&ScheduleName::new(id, Part::Record)).await {
            Ok(found) => Ok(found.is_none()),
            Err(error) if error.code() == Some(UNREADABLE) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// One amendment, or nothing if there is none of this number.
    ///
    /// # Errors
    /// As [`Schedules::record`].
    pub async fn amendment(&self, id: &WindowId, number: u32) -> Result<Option<Amendment>, Error> {
        let name = ScheduleName::new(id, Part::Amendment(number));
        Ok(match self.get(&name).await? {
            Some((Fires::At(fires), Letter { window: Some(window), closed, request, .. })) => {
                Some(Amendment { number, fires, window, closed, request })
            }
            _ => None,
        })
    }

    async fn get(&self, name: &ScheduleName) -> Result<Option<(Fires, Letter)>, Error> {
        let what = format!("read the schedule {name}");
        let answer = match self.client.get_schedule().group_name(&self.group).name(name.to_string()).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(GetScheduleError::is_resource_not_found_exception) => {
                return Ok(None);
            }
            Err(error) => return Err(self.failed(&what, &refusal(&error, &self.secrets))),
        };
        let input = answer.target().and_then(Target::input).unwrap_or_default();
        let letter: Letter = serde_json::from_str(input).map_err(|error| {
            // serde's message names the place and the field, never a value of ours.
            self.failed(
                &what,
                &unreadable(&format!("its input is not ours (line {}, column {})", error.line(), error.column())),
            )
        })?;
        let fires = answer
            .schedule_expression()
            .and_then(read_expression)
            .ok_or_else(|| self.failed(&what, &unreadable("its expression is neither at(…) nor rate(1 hour)")))?;
        Ok(Some((fires, letter)))
    }

    /// Books a new window by writing its record, unless the name is taken.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn book(&self, record: &Record, target: &str) -> Result<Created, Error> {
        let name = ScheduleName::new(record.id(), Part::Record);
        self.create(&name, record.fires, &record.letter(), target).await
    }

    /// Writes an amendment, unless its number is taken.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn amend(&self, amendment: &Amendment, target: &str) -> Result<Created, Error> {
        let name = ScheduleName::new(&amendment.window.id, Part::Amendment(amendment.number));
        let letter = Letter {
            window: Some(amendment.window.clone()),
            closed: amendment.closed,
            request: amendment.request.clone(),
            ..Letter::wake(&amendment.window.id, amendment.due())
        };
        self.create(&name, Fires::At(amendment.fires), &letter, target).await
    }

    /// Books a wake-up that deletes itself once it has fired. A name already taken is a wake-up already booked.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn wake(&self, name: &ScheduleName, at: Timestamp, letter: &Letter, target: &str) -> Result<(), Error> {
        self.create(name, Fires::At(at), letter, target).await.map(drop)
    }

    /// Keeps an invocation from booking a window, or series, again until then: what was ended by hand stays ended,
    /// even if AWS repeats the event that booked it.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn bury(&self, id: &WindowId, request: &str, until: Timestamp, target: &str) -> Result<(), Error> {
        self.wake(&ScheduleName::tombstone(id, request), until, &Letter::wake(id, until), target).await
    }

    /// Whether an invocation may no longer book a window, or series.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn is_buried(&self, id: &WindowId, request: &str) -> Result<bool, Error> {
        Ok(self.get(&ScheduleName::tombstone(id, request)).await?.is_some())
    }

    async fn create(&self, name: &ScheduleName, fires: Fires, letter: &Letter, target: &str) -> Result<Created, Error> {
        let what = format!("create the schedule {name}");
        let result = self
            .client
            .create_schedule()
            .group_name(&self.group)
            .name(name.to_string())
            .description(description(name))
            .schedule_expression(expression(fires))
            .schedule_expression_timezone("UTC")
            .flexible_time_window(self.exact(&what)?)
            .action_after_completion(after_completion(name))
            .target(self.target(letter, target, &what)?)
            .send()
            .await;
        match result {
            Ok(_) => Ok(Created::New(Booked { _made_here: () })),
            Err(error) if error.as_service_error().is_some_and(CreateScheduleError::is_conflict_exception) => {
                Ok(Created::Taken)
            }
            Err(error) => Err(self.failed(&what, &refusal(&error, &self.secrets_of(letter)))),
        }
    }

    /// Writes a record's progress; `None` if the record is gone, which means that the window was ended meanwhile.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn update(&self, record: &Record, now: Timestamp, target: &str) -> Result<Option<Booked>, Error> {
        let name = ScheduleName::new(record.id(), Part::Record);
        self.rewrite(&name, record.refire(now), &record.letter(), target).await
    }

    /// The series among the listed schedules. One that is gone by now is left out, and so is one that is not readable:
    /// it must not keep the windows from ending.
    ///
    /// # Errors
    /// [`Error::Aws`] when a call fails.
    pub async fn series(&self, listed: &[ScheduleName]) -> Result<Vec<Series>, Error> {
        let names = listed.iter().filter(|name| name.part == Part::Series);
        let found: Vec<Option<(Fires, Letter)>> = stream::iter(names)
            .map(async |name| match self.get(name).await {
                Err(error) if error.code() == Some(UNREADABLE) => {
                    tracing::warn!(series.id = %name.id, error = error.full(), "a series in the group is not readable");
                    Ok(None)
                }
                read => read,
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().filter_map(|(_, letter)| letter.series).map(|series| *series).collect())
    }

    /// Keeps a new series, unless its name is taken.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn keep(&self, series: &Series, target: &str) -> Result<Created, Error> {
        let (name, letter) = kept(series);
        self.create(&name, Fires::Daily, &letter, target).await
    }

    /// Writes a changed series; false if it is gone.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn rekeep(&self, series: &Series, target: &str) -> Result<bool, Error> {
        let (name, letter) = kept(series);
        Ok(self.rewrite(&name, Fires::Daily, &letter, target).await?.is_some())
    }

    async fn rewrite(
        &self,
        name: &ScheduleName,
        fires: Fires,
        letter: &Letter,
        target: &str,
    ) -> Result<Option<Booked>, Error> {
        let what = format!("update the schedule {name}");
        // An update replaces everything: whatever is not sent again falls back to its default.
        let result = self
            .client
            .update_schedule()
            .group_name(&self.group)
            .name(name.to_string())
            .description(description(name))
            .schedule_expression(expression(fires))
            .schedule_expression_timezone("UTC")
            .flexible_time_window(self.exact(&what)?)
            .action_after_completion(after_completion(name))
            .target(self.target(letter, target, &what)?)
            .send()
            .await;
        match result {
            Ok(_) => Ok(Some(Booked { _made_here: () })),
            Err(error)
                if error.as_service_error().is_some_and(UpdateScheduleError::is_resource_not_found_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(self.failed(&what, &refusal(&error, &self.secrets_of(letter)))),
        }
    }

    /// Deletes a schedule; one that is gone already is deleted.
    ///
    /// # Errors
    /// [`Error::Aws`] when the call fails.
    pub async fn delete(&self, name: &ScheduleName) -> Result<(), Error> {
        match self.client.delete_schedule().group_name(&self.group).name(name.to_string()).send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(DeleteScheduleError::is_resource_not_found_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(self.failed(&format!("delete the schedule {name}"), &refusal(&error, &self.secrets))),
        }
    }

    fn exact(&self, what: &str) -> Result<FlexibleTimeWindow, Error> {
        FlexibleTimeWindow::builder()
            .mode(FlexibleTimeWindowMode::Off)
            .build()
            .map_err(|error| self.failed(what, &unreadable(&error.to_string())))
    }

    fn target(&self, letter: &Letter, arn: &str, what: &str) -> Result<Target, Error> {
        let input =
            serde_json::to_string(letter).map_err(|error| self.failed(what, &unreadable(&error.to_string())))?;
        Target::builder()
            .arn(arn)
            .role_arn(&self.role)
            .input(input)
            .retry_policy(
                RetryPolicy::builder()
                    .maximum_event_age_in_seconds(DELIVERY_AGE_SECS)
                    .maximum_retry_attempts(DELIVERY_ATTEMPTS)
                    .build(),
            )
            .set_dead_letter_config(self.dead_letters.as_ref().map(|arn| DeadLetterConfig::builder().arn(arn).build()))
            .build()
            .map_err(|error| self.failed(what, &unreadable(&error.to_string())))
    }

    /// AWS's validation messages quote what they were sent.
    fn secrets_of(&self, letter: &Letter) -> Vec<String> {
        let saved = letter.progress.iter().flat_map(|progress| progress.saved.values());
        let values = saved.flat_map(|conditions| conditions::header_values(conditions)).map(str::to_owned);
        self.secrets.iter().cloned().chain(values).collect()
    }

    #[expect(clippy::unused_self, reason = "reads as part of the room at its many callers")]
    fn failed(&self, what: &str, refusal: &Refusal) -> Error {
        failed(Service::Scheduler, what, refusal.clone())
    }
}

fn kept(series: &Series) -> (ScheduleName, Letter) {
    // It looks in rather than waits for a moment of its own.
    let letter =
        Letter { due: None, series: Some(Box::new(series.clone())), ..Letter::wake(&series.id, series.anchor) };
    (ScheduleName::new(&series.id, Part::Series), letter)
}

fn unreadable(message: &str) -> Refusal {
    Refusal { code: UNREADABLE.to_owned(), message: message.to_owned() }
}

/// Records and amendments stay until the function deletes them; other wake-ups go once they have fired.
fn after_completion(name: &ScheduleName) -> ActionAfterCompletion {
    match name.part {
        Part::Record | Part::Amendment(_) | Part::Series => ActionAfterCompletion::None,
        Part::Start(_) | Part::Remind(..) | Part::Warn(_) | Part::Drift(_) | Part::Tombstone(_) => {
            ActionAfterCompletion::Delete
        }
    }
}

/// What a person reads who finds the schedule in the console.
fn description(name: &ScheduleName) -> String {
    let id = &name.id;
    match name.part {
        Part::Record => {
            format!("The record and end of maintenance window {id}. Send off or cancel instead of deleting it.")
        }
        Part::Amendment(_) => format!("A change to maintenance window {id}."),
        Part::Series => format!("The recurring maintenance window {id}. Send cancel instead of deleting it."),
        Part::Start(_) => format!("The start of maintenance window {id}."),
        Part::Remind(..) => format!("A reminder of maintenance window {id}."),
        Part::Warn(_) => format!("A warning before the end of maintenance window {id}."),
        Part::Tombstone(_) => {
            format!("Maintenance window {id} is over; the event that booked it must not do so again.")
        }
        Part::Drift(_) => format!("Rule {id} was found in maintenance without a window."),
    }
}

/// `at()` takes whole seconds and no zone; the schedule's own zone is UTC.
fn expression(fires: Fires) -> String {
    match fires {
        Fires::At(at) => at.strftime("at(%Y-%m-%dT%H:%M:%S)").to_string(),
        Fires::Hourly => "rate(1 hour)".to_owned(),
        Fires::Daily => "rate(1 day)".to_owned(),
    }
}

fn read_expression(text: &str) -> Option<Fires> {
    if text == "rate(1 hour)" || text == "rate(1 hours)" {
        return Some(Fires::Hourly);
    }
    if text == "rate(1 day)" || text == "rate(1 days)" {
        return Some(Fires::Daily);
    }
    let local: civil::DateTime = text.strip_prefix("at(")?.strip_suffix(')')?.parse().ok()?;
    Some(Fires::At(TimeZone::UTC.to_timestamp(local).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_back_as_they_were_written() {
        let fires = Fires::At("2026-12-06T02:00:00Z".parse().expect("a time"));
        assert_eq!(expression(fires), "at(2026-12-06T02:00:00)");
        assert_eq!(read_expression("at(2026-12-06T02:00:00)"), Some(fires));
        assert_eq!(read_expression(&expression(Fires::Hourly)), Some(Fires::Hourly));
        for foreign in ["cron(0 2 * * ? *)", "at()", "rate(5 minutes)"] {
            assert_eq!(read_expression(foreign), None, "{foreign}");
        }
    }
}
