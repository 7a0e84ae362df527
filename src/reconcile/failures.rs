//! What failed in a run, so that it can be told once by its cause.

use crate::{
    error::Error,
    model::{
        id::digest,
        rule_arn::RuleArn,
        table::Table,
        window::{State, Window},
    },
    plan::{Plan, Way},
};

/// What a failure is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// A rule that could not be changed this way.
    Change(RuleArn, Way),
    /// A rule of which nothing could be saved.
    Save(RuleArn),
    /// A rule that cannot be switched.
    Rule(RuleArn),
    /// A window, by its uid, that could not be brought out of this state.
    Transition(String, State),
    /// A window, by its uid, whose wake-ups could not be made.
    WakeUps(String),
    /// A window, by its uid.
    Window(String),
    /// The run as a whole.
    Run,
}

/// Something due that could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) about: About,
    /// The same for the same failure of another run.
    cause: String,
    text: String,
}

impl Failure {
    pub(super) fn new(about: About, error: &Error) -> Self {
        let code = error.code().unwrap_or_else(|| error.kind());
        let cause = match &about {
            About::Change(rule, way) => format!("{way:?} {} {code}", rule.id()),
            About::Save(rule) => format!("save {} {code}", rule.id()),
            About::Rule(rule) => format!("rule {} {code}", rule.id()),
            About::Transition(_, state) => format!("leave {state:?} {code}"),
            About::WakeUps(_) => format!("wake-ups {code}"),
            About::Window(_) | About::Run => format!("read rules {code}"),
        };
        Self { about, cause, text: error.full() }
    }

    /// Something that is wrong without a call having failed.
    pub(super) fn of_fact(about: About, cause: impl Into<String>, text: String) -> Self {
        Self { about, cause: cause.into(), text }
    }

    /// What the table remembers it by once it was told.
    pub(super) fn key(&self) -> String {
        format!("failed:{}", digest([self.cause.as_str()]))
    }

    pub(super) fn sentence(&self) -> String {
        self.text.clone()
    }

    /// Whether the last look still shows it: a call whose answer was lost may have taken effect.
    pub(super) fn is_real(&self, plan: Option<&Plan>, table: &Table, role: Option<&str>) -> bool {
        let rule = |arn: &RuleArn| plan.and_then(|plan| plan.rule(arn));
        let window = |uid: &String| table.windows.iter().find(|window: &&Window| &window.uid == uid);
        match &self.about {
            About::Change(arn, _) => rule(arn).is_some_and(|rule| rule.change.is_some()),
            About::Save(arn) => rule(arn).is_some_and(|rule| rule.save.is_some()),
            About::Transition(uid, state) => window(uid).is_some_and(|window| window.state == *state),
            About::WakeUps(uid) => window(uid).is_some_and(|window| !window.has_wakeups(role)),
            About::Rule(_) | About::Window(_) | About::Run => true,
        }
    }
}
