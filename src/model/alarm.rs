//! Which alarms may be muted.

use super::{lookalikes, time::quoted};

/// How the stack's own alarms are named after its name. They are never muted: they watch over what mutes.
pub const OWN_ALARMS: [&str; 10] = [
    "dead-letters",
    "errors",
    "throttles",
    "no-sweep",
    "overrun",
    "dropped-events",
    "lost-dead-letters",
    "schedule-errors",
    "schedules-dropped",
    "undelivered-reports",
];

/// The longest name of an alarm, in characters (CloudWatch API reference, `PutAlarmMuteRule`).
const ALARM_NAME_MAX: usize = 255;

/// Reads the name of an alarm that is to be muted by the stack of this name.
///
/// # Errors
/// What was expected and what was found.
pub fn name(name: &str, stack: &str) -> Result<String, String> {
    let length = name.chars().count();
    if !(1..=ALARM_NAME_MAX).contains(&length) || name.chars().any(lookalikes::is_control) {
        return Err(format!(
            "expected an alarm's name, 1 to {ALARM_NAME_MAX} characters without control characters, but found {}",
            quoted(name)
        ));
    }
    let own = name.strip_prefix(stack).and_then(|rest| rest.strip_prefix('-'));
    if own.is_some_and(|rest| OWN_ALARMS.contains(&rest)) {
        return Err(format!("{name} is an alarm of this stack itself, which is never muted"));
    }
    Ok(name.to_owned())
}
