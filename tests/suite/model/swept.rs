//! What must be so after a sweep that nothing disturbed.

use super::{
    operator::{Operator, Run, secs},
    owners::Owned,
};

impl Operator {
    /// After a sweep that nothing disturbed, every rule stands as windows and owners have it.
    pub(super) fn swept(&self, run: &Run) -> Result<(), String> {
        if !run.calm || !matches!(run.result, Some(Ok(_))) {
            return Ok(());
        }
        if let Some(wrong) = Some(self.world.wrongly_told()).filter(|_| self.is_sane()).flatten() {
            return Err(format!("after a calm sweep {wrong}"));
        }
        let setting = |key: &str| self.world.settings.get(key).map_or("", String::as_str);
        let narrows = self.is_sane();
        for (rule, owner) in self.expected.owners.iter().enumerate() {
            let ours = setting("RULE_ARNS").contains(&crate::world::rule_arn(rule));
            if owner.wish.is_none() || !ours || self.is_orphaned(rule) {
                continue;
            }
            let covering: Vec<Option<bool>> = self
                .expected
                .present_windows()
                .filter(|window| window.covers(rule))
                .map(|window| window.darkens(run.from, run.to))
                .collect();
            let wrong = if covering.contains(&Some(true)) {
                let can = narrows && owner.can_be_narrowed(setting("BYPASS_HEADER_NAME"));
                if can { owner.wrong(rule, true, &self.world) } else { None }
            } else if covering.contains(&None) {
                None
            } else {
                owner.wrong(rule, false, &self.world)
            };
            if let Some(wrong) = wrong {
                return Err(format!(
                    "after a calm sweep {wrong}; {:?}",
                    self.expected.present_windows().collect::<Vec<_>>()
                ));
            }
        }
        self.alarms_are_muted(run)?;
        self.series_are_booked(run)
    }

    /// After such a sweep the alarms of the settings are muted for each window that goes on, from the next minute on at
    /// the latest, and what mutes them is no rule of a window that nobody knows.
    fn alarms_are_muted(&self, run: &Run) -> Result<(), String> {
        let wanted = self.world.settings.get("MUTE_ALARMS").map_or("", String::as_str);
        let wanted: Vec<&str> = wanted.split(',').filter(|name| name.starts_with("site-")).collect();
        let soon = run.to + secs(76);
        let rules = self.world.mute_rules();
        let is_muted = |window: &str, alarm: &str| {
            let own = format!("maintenance.{window}-");
            let of_window = rules.iter().filter(|(name, _)| name.starts_with(&own)).map(|(_, rule)| rule);
            let mut muting = of_window.filter(|rule| rule.alarms.iter().any(|name| name == alarm));
            muting.any(|rule| rule.from <= soon && rule.until > run.to)
        };
        let going_on = self.expected.present_windows().filter(|window| window.darkens(run.from, run.to) == Some(true));
        for window in going_on {
            if let Some(alarm) = wanted.iter().find(|alarm| !is_muted(&window.id, alarm)) {
                return Err(format!("{alarm} is not muted for {}: {rules:?}", window.id));
            }
        }
        Ok(())
    }

    /// Whether a rule is header-only though it was never narrowed, as far as the table knows.
    fn is_orphaned(&self, rule: usize) -> bool {
        let saved = self
            .world
            .rule_item(rule)
            .is_some_and(|item| item["owner"].as_array().is_some_and(|owner| !owner.is_empty()));
        !saved && Owned::is_dark(rule, &self.world)
    }

    /// After such a sweep the next occurrence of every series is booked.
    fn series_are_booked(&self, run: &Run) -> Result<(), String> {
        if !self.is_sane() {
            return Ok(());
        }
        for series in self.expected.series.values().filter(|series| !series.over && !series.paused) {
            let next = series.after(run.to).find(|start| !series.skipped.contains(start));
            let Some(next) = next.filter(|next| next.duration_since(run.to) < secs(86_400 * 300)) else { continue };
            let id = super::expected::occurrence_id(&series.id, next);
            let taken = self.expected.present_series(&id).is_some()
                || self.expected.present(&id).is_some_and(|found| found.tag != series.tag)
                // A window that became history in this very run leaves its name to the next one.
                || self.expected.was_taken_after(&id, run.from);
            if !series.booked.contains_key(&next) && !taken && !self.reports.told_of_left_out(&id) {
                return Err(format!("{id} is not booked: {series:?}"));
            }
        }
        Ok(())
    }
}
