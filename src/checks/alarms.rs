//! The alarms that windows mute: whether they exist, and what could not be done about them.

use std::collections::BTreeMap;

use crate::{
    app::Run,
    model::{after::After, table::Table, window::Window},
    report::finding::Finding,
};

/// The alarms that are muted by the settings, by windows and series, or by the event that is checked; none if none are.
pub(super) async fn alarms(run: Run<'_>, asked: &[String], table: Option<&Table>) -> Option<Vec<Finding>> {
    let windows = table.map(|table| table.windows.as_slice()).unwrap_or_default();
    let after = table.map(|table| table.after.as_slice()).unwrap_or_default();
    let mut found = not_done(windows, after);
    let named = named(&run.app.config.mute_alarms, asked, table);
    if !named.is_empty() {
        let names: Vec<String> = named.keys().map(|name| (*name).to_owned()).collect();
        match run.app.cloudwatch.alarms(&names).await {
            Ok(alarms) => {
                let unknown = named.iter().filter(|(name, _)| !alarms.known.contains(**name));
                found.extend(unknown.map(|(name, by)| by.unknown(name)));
            }
            Err(error) => found.push(Finding::warning(
                error.full(),
                "whether the alarms that are to be muted exist is not known",
                "allow cloudwatch:DescribeAlarms",
            )),
        }
    }
    let any = !named.is_empty() || !found.is_empty() || windows.iter().any(|window| !window.mutes.is_empty());
    any.then_some(found)
}

/// Who names an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
enum By {
    Settings,
    Asked,
    /// A window or a series, in words.
    Booked(String),
}

impl By {
    fn unknown(&self, name: &str) -> Finding {
        let what = format!("there is no alarm {name} in this account and Region");
        let (what, why, fix) = match self {
            Self::Settings => (
                what,
                "CloudWatch refuses to mute the alarms that MuteAlarms names, all of them",
                "leave it out of MuteAlarms, or make it",
            ),
            Self::Asked => (
                what,
                "CloudWatch refuses to mute the alarms that mute_alarms names, all of them",
                "leave it out of mute_alarms, or make it",
            ),
            Self::Booked(who) => (
                format!("{what}, which {who} is to mute"),
                "CloudWatch refuses to mute the alarms that its mute_alarms names, all of them",
                "send edit with mute_alarms without it, or make it",
            ),
        };
        Finding::warning(what, why, fix)
    }
}

/// Each alarm that is to be muted, and who names it: the settings before all others, since a window leaves those out.
fn named<'a>(usual: &'a [String], asked: &'a [String], table: Option<&'a Table>) -> BTreeMap<&'a str, By> {
    let mut named: BTreeMap<&str, By> = usual.iter().map(|name| (name.as_str(), By::Settings)).collect();
    let mut more = |names: &'a [String], by: By| {
        for name in names {
            named.entry(name).or_insert_with(|| by.clone());
        }
    };
    more(asked, By::Asked);
    if let Some(table) = table {
        for series in &table.series {
            let by = By::Booked(format!("series {}", series.id));
            more(series.mute_alarms.as_deref().unwrap_or_default(), by);
        }
        for window in &table.windows {
            let by = By::Booked(format!("window {}", window.id));
            more(window.mute_alarms.as_deref().unwrap_or_default(), by);
        }
    }
    named
}

/// What could not be muted, or be handed back.
fn not_done(windows: &[Window], after: &[After]) -> Vec<Finding> {
    let unmuted = windows.iter().flat_map(Window::unmuted).map(|what| {
        Finding::warning(what, "it would call people for planned work", "see what it names; every sweep tries again")
    });
    let of_windows = windows.iter().flat_map(Window::still_muted);
    let still = of_windows.chain(after.iter().filter_map(After::warning)).map(|what| {
        Finding::warning(what, "an alarm that is muted calls nobody", "delete the rule in the console of CloudWatch")
    });
    unmuted.chain(still).collect()
}
