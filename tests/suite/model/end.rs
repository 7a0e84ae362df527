//! What must be so at the end, once everything works again.

use jiff::SignedDuration;
use serde_json::json;

use super::{
    asked::Asked,
    operator::{Operator, short},
    owners::Owned,
    steps::{Act, Name, SECOND},
};
use crate::world::{ORIGIN_LOCK, SECRET};

impl Operator {
    /// Lets everything settle, ends what is on, and looks at what is left.
    pub(super) async fn end(&mut self) -> Result<(), String> {
        self.clear_up();
        self.pass(self.world.now() + SignedDuration::from_mins(26), 0).await?;
        self.quiet().await?;
        let series: Vec<String> =
            self.expected.series.values().filter(|series| !series.over).map(|series| series.id.clone()).collect();
        for id in series {
            self.end_one(&id, "cancel").await?;
        }
        self.must(Act::Off { name: None }).await?;
        let booked: Vec<String> = self.expected.present_windows().map(|window| window.id.clone()).collect();
        for id in booked {
            self.end_one(&id, "cancel").await?;
        }
        self.pass(self.world.now() + SignedDuration::from_mins(31), 0).await?;
        // A window that started meanwhile.
        self.must(Act::Off { name: None }).await?;
        self.pass(self.world.now() + SignedDuration::from_mins(11), 0).await?;
        self.quiet().await?;
        self.must(Act::Status { name: None }).await?;
        self.must(Act::History { name: None }).await?;
        self.all_is_over()
    }

    fn all_is_over(&mut self) -> Result<(), String> {
        let (windows, series) = (self.world.windows(), self.world.series_ids());
        if !windows.is_empty() || !series.is_empty() {
            return Err(format!("{windows:?} and {series:?} are left"));
        }
        for (rule, owner) in self.expected.owners.iter().enumerate() {
            if let Some(wrong) = owner.wrong(rule, false, &self.world) {
                return Err(format!("in the end {wrong}"));
            }
            debug_assert!(owner.wish.is_none() || !Owned::is_dark(rule, &self.world));
        }
        let mut left = self.world.left_over();
        // Schedules of reminders that the settings no longer ask for stay until they fire, and then find nothing to do.
        left.retain(|name| !name.contains(".remind-") && !name.contains(".warn-"));
        if !left.is_empty() {
            return Err(format!("{left:?} are left over"));
        }
        let muting = self.world.mute_rules();
        if !muting.is_empty() {
            return Err(format!("{muting:?} mute for no window"));
        }
        let known = self
            .world
            .history()
            .iter()
            .chain(self.world.windows().iter().filter_map(|id| self.world.window(id)).collect::<Vec<_>>().iter())
            .any(|item| [SECRET, SECOND, ORIGIN_LOCK].iter().any(|secret| item.to_string().contains(secret)));
        if known {
            return Err("the table holds a secret".to_owned());
        }
        if let Some(wrong) = self.world.wrongly_told() {
            return Err(format!("in the end {wrong}"));
        }
        if !self.topic_was_unusable {
            self.reports.all_was_told(&self.expected)?;
        }
        Ok(())
    }

    /// Asks for something that must be done.
    pub(super) async fn must(&mut self, act: Act) -> Result<(), String> {
        let asked = Asked::new(act, None, self.asked.len(), &self.expected, self.world.now());
        self.ask(asked).await
    }

    /// Sweeps until nothing is left to do, which must be soon.
    pub(super) async fn quiet(&mut self) -> Result<(), String> {
        let mut done = vec![];
        for _ in 0..3 {
            let request = format!("quiet-{}", self.world.state().invocations.len());
            let run = self.run(0, &json!({"action": "sweep"}), &request).await;
            let gone = self.expected.owners.iter().any(|owner| owner.wish.is_none());
            if !matches!(run.result, Some(Ok(_))) && !gone {
                return Err(format!("a sweep in calm: {}", short(run.result.as_ref())));
            }
            self.settle(&mut [])?;
            self.swept(&run)?;
            self.look()?;
            if run.changed.is_empty() {
                return Ok(());
            }
            done.push(run.changed);
        }
        Err(format!("sweeps go on changing things: {done:?}"))
    }

    /// Cancels something by its name.
    pub(super) async fn end_one(&mut self, id: &str, action: &str) -> Result<(), String> {
        let mut asked =
            Asked::new(Act::Cancel { name: Name::Nobody }, None, self.asked.len(), &self.expected, self.world.now());
        asked.event["id"] = json!(id);
        asked.event["action"] = json!(action);
        asked.id = Some(id.to_owned());
        self.ask(asked).await
    }
}
