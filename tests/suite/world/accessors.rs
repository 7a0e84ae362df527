//! What tests ask of the world, and what a person in the console does to it.

use serde_json::{Value, json};

use super::{ORIGIN_LOCK, SECRET, World, attributes, elb::demands_bypass, rule_arn, watch::rule_item_id};

impl World {
    pub(crate) fn events(&self) -> Vec<String> {
        self.state().published.iter().map(|report| report.event().to_owned()).collect()
    }

    pub(crate) fn count(&self, event: &str) -> usize {
        self.events().iter().filter(|found| *found == event).count()
    }

    /// What the last report of an event said to people.
    pub(crate) fn text_of(&self, event: &str) -> String {
        let state = self.state();
        let last = state.published.iter().rev().find(|report| report.event() == event);
        last.expect("such a report").document["text"].as_str().expect("text").to_owned()
    }

    /// The calls since the log was last taken.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        self.state().calls.drain(..).map(|call| call.name).collect()
    }

    pub(crate) fn conditions(&self, nth: usize) -> Vec<Value> {
        self.state().rules[&rule_arn(nth)].conditions.clone()
    }

    pub(crate) fn set_conditions(&self, nth: usize, conditions: Vec<Value>) {
        self.state().rules.get_mut(&rule_arn(nth)).expect("a rule").conditions = conditions;
    }

    /// Whether only testers get through the rule.
    pub(crate) fn is_dark(&self, nth: usize) -> bool {
        self.state().rules.get(&rule_arn(nth)).is_some_and(|rule| demands_bypass(rule, &self.settings))
    }

    /// What stands under this prefix in the present, without the prefix.
    fn present(&self, prefix: &str) -> Vec<String> {
        self.state().table.with_prefix("now", prefix).map(|(id, _)| id.to_owned()).collect()
    }

    /// An item of the present as plain JSON; sets are sorted lists.
    fn present_item(&self, id: &str) -> Option<Value> {
        self.state().table.item("now", id).map(attributes::plain)
    }

    /// The ids of the windows that are not history yet.
    pub(crate) fn windows(&self) -> Vec<String> {
        self.present("window#")
    }

    pub(crate) fn window(&self, id: &str) -> Option<Value> {
        self.present_item(&format!("window#{id}"))
    }

    /// What is left to do of windows that are over.
    pub(crate) fn to_do(&self) -> Vec<String> {
        self.present("after#")
    }

    pub(crate) fn series_ids(&self) -> Vec<String> {
        self.present("series#")
    }

    pub(crate) fn series(&self, id: &str) -> Option<Value> {
        self.present_item(&format!("series#{id}"))
    }

    /// What is known of the `nth` rule.
    pub(crate) fn rule_item(&self, nth: usize) -> Option<Value> {
        self.present_item(&rule_item_id(&rule_arn(nth)))
    }

    /// The keys of the findings that belong to no window.
    pub(crate) fn notices(&self) -> Vec<String> {
        self.present("notice#")
    }

    /// What the table remembers of what visitors were told.
    pub(crate) fn published(&self) -> Option<Value> {
        self.present_item("published#visitors")
    }

    /// A file of the bucket.
    pub(crate) fn file(&self, name: &str) -> Option<String> {
        let state = self.state();
        let file = state.files.get(&format!("error-pages/errors/{name}"))?;
        file["body"].as_str().map(str::to_owned)
    }

    /// What the visitors' page was told.
    pub(crate) fn page(&self) -> Option<Value> {
        self.file("window.json").map(|body| serde_json::from_str(&body).expect("JSON"))
    }

    /// What the feed announces.
    pub(crate) fn upcoming(&self) -> Option<Value> {
        let feed: Value = serde_json::from_str(&self.file("upcoming.json")?).expect("JSON");
        Some(feed["windows"].clone())
    }

    /// What is over, oldest first.
    pub(crate) fn history(&self) -> Vec<Value> {
        self.state().table.with_prefix("past", "").map(|(_, item)| attributes::plain(item)).collect()
    }

    /// What should be gone once all is over; see [`super::State::left_over`].
    pub(crate) fn left_over(&self) -> Vec<String> {
        self.state().left_over(self.now())
    }

    /// Lets a person change an item of the present in the console, as plain JSON.
    pub(crate) fn edit_item(&self, id: &str, edit: impl FnOnce(&mut Value)) {
        let before = self.present_item(id).expect("such an item");
        let mut after = before.clone();
        edit(&mut after);
        let mut state = self.state();
        let item = state.table.items.get_mut(&("now".to_owned(), id.to_owned())).expect("such an item");
        for (name, value) in after.as_object().expect("attributes") {
            if before.get(name) != Some(value) {
                item.insert(name.clone(), attributes::typed(value));
            }
        }
    }

    /// Puts an item there, as a person in the console does.
    pub(crate) fn put_item(&self, scope: &str, id: &str, plain: &Value) {
        let attributes = plain.as_object().expect("attributes").iter();
        let mut item: attributes::Item =
            attributes.map(|(name, value)| (name.clone(), attributes::typed(value))).collect();
        item.insert("scope".to_owned(), attributes::typed(&Value::from(scope)));
        item.insert("id".to_owned(), attributes::typed(&Value::from(id)));
        self.state().table.items.insert((scope.to_owned(), id.to_owned()), item);
    }

    /// Deploys the stack again: Scheduler's role is another one, and the former is gone.
    pub(crate) fn take_another_role(&mut self) {
        let role = self.settings.get("SCHEDULER_ROLE_ARN").expect("a role").clone();
        self.settings.insert("SCHEDULER_ROLE_ARN", format!("{role}-anew"));
        self.state().roles_gone.insert(role);
    }

    /// Deletes a window's item, as a person in the console does.
    pub(crate) fn forget_window(&self, id: &str) {
        self.state().table.forget("now", &format!("window#{id}")).expect("such a window");
    }

    /// Puts something in these attributes of what is known of the `nth` rule that is not what the function writes there.
    pub(crate) fn damage_rule_item(&self, nth: usize, attributes: &[&str]) {
        let mut state = self.state();
        let key = ("now".to_owned(), rule_item_id(&rule_arn(nth)));
        let item = state.table.items.get_mut(&key).expect("such an item");
        item.extend(attributes.iter().map(|name| ((*name).to_owned(), json!({"N": "7"}))));
    }

    /// Deletes what is known of the `nth` rule.
    pub(crate) fn forget_rule_item(&self, nth: usize) {
        self.state().table.forget("now", &rule_item_id(&rule_arn(nth))).expect("such an item");
    }

    /// Lets the table remove what expired more than two days ago.
    pub(crate) fn expire(&self) {
        self.state().table.expire(self.now());
    }

    /// Everything the function said or kept so far must be free of secrets; only what is saved of a rule may hold the
    /// values of its owner's headers.
    #[track_caller]
    pub(crate) fn no_secret_was_said(&self) {
        let state = self.state();
        let said = state.said.iter().cloned();
        let reports =
            state.published.iter().map(|report| format!("{} {} {}", report.subject, report.message, report.attributes));
        let schedules = state.schedules.values().map(|schedule| schedule.body.to_string());
        let items = state.table.items.iter().map(|((scope, id), item)| {
            let text = attributes::plain(item).to_string();
            if scope == "now" && id.starts_with("rule#") { text.replace(ORIGIN_LOCK, "") } else { text }
        });
        for text in said.chain(reports).chain(schedules).chain(items) {
            assert!(!text.contains(SECRET) && !text.contains(ORIGIN_LOCK), "a secret was said: {text}");
        }
        let kept: Vec<&String> = state.violations.iter().filter(|promise| promise.contains("secret")).collect();
        assert!(kept.is_empty(), "a secret was kept: {kept:?}");
    }
}
