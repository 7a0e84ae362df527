//! What the dashboard says of a widget and its viewer: `widgetContext`, read without trusting any of it.
//!
//! Its fields are described at
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_about.html>.

use jiff::{Timestamp, ZonedDateTime, tz::TimeZone};
use serde_json::Value;

use crate::{event::suggest, model::time};

/// The width in pixels below which a widget counts as narrow.
const NARROW: u64 = 560;

/// The width in pixels that is drawn for where the dashboard says none.
const WIDTH_USUAL: u64 = 1200;

/// A part of the page, which `show` among a widget's parameters may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// How the site stands.
    State,
    /// What needs a person.
    Attention,
    /// The last and next days.
    Timeline,
    /// The buttons, and who presses them.
    Actions,
    /// The windows and series that are not over.
    Windows,
    /// The form that books.
    Book,
    /// The listener's rules.
    Rules,
    /// What is over.
    History,
}

impl Part {
    /// Every part, in the order of the page.
    pub const ALL: [Self; 8] = [
        Self::State,
        Self::Attention,
        Self::Timeline,
        Self::Actions,
        Self::Windows,
        Self::Book,
        Self::Rules,
        Self::History,
    ];

    /// The word for it in `show`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Attention => "attention",
            Self::Timeline => "timeline",
            Self::Actions => "actions",
            Self::Windows => "windows",
            Self::Book => "book",
            Self::Rules => "rules",
            Self::History => "history",
        }
    }
}

/// How the dashboard is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark letters on a light ground.
    Light,
    /// Light letters on a dark ground.
    Dark,
}

/// A widget and its viewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// How the dashboard is coloured.
    pub theme: Theme,
    /// Where the viewer is.
    pub zone: Zone,
    /// The widget's width in pixels.
    pub width: u64,
    /// What it is asked to show.
    pub parts: Vec<Part>,
    /// What is wrong with its parameters, a sentence each.
    pub problems: Vec<String>,
}

impl Context {
    /// Reads `widgetContext`; whatever is missing or of another kind is as usual.
    #[must_use]
    pub fn read(context: &Value) -> Self {
        let mut problems = vec![];
        let parts = parts(&context["params"], &mut problems);
        Self {
            theme: if context["theme"] == "dark" { Theme::Dark } else { Theme::Light },
            zone: Zone::read(&context["timezone"]),
            width: context["width"].as_u64().filter(|width| (1..=10_000).contains(width)).unwrap_or(WIDTH_USUAL),
            parts,
            problems,
        }
    }

    /// What it shows: what is wrong with its parameters is told, whatever it is asked to show.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        let told = |part: Part| part == Part::Attention && !self.problems.is_empty();
        Part::ALL.into_iter().filter(|part| self.shows(*part) || told(*part)).collect()
    }

    /// Whether it is asked to show a part.
    #[must_use]
    pub fn shows(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    /// Whether there is little room.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        self.width < NARROW
    }
}

/// The parts that `show` names: one word or a list of them.
fn parts(params: &Value, problems: &mut Vec<String>) -> Vec<Part> {
    let words: Vec<&Value> = match &params["show"] {
        Value::Null => return Part::ALL.to_vec(),
        Value::Array(words) => words.iter().collect(),
        word => vec![word],
    };
    let mut parts = vec![];
    for word in words {
        let named = word.as_str().unwrap_or_default();
        match Part::ALL.into_iter().find(|part| part.word() == named) {
            Some(part) if parts.contains(&part) => {}
            Some(part) => parts.push(part),
            None => {
                let known = Part::ALL.map(Part::word);
                let meant = suggest::did_you_mean(named, known).map(|asks| format!("; {asks}")).unwrap_or_default();
                let found = time::quoted(word.as_str().unwrap_or(&word.to_string()));
                problems.push(format!(
                    "the widget's parameter show: expected any of {}, but found {found}{meant}",
                    known.join(", ")
                ));
            }
        }
    }
    parts.sort();
    if parts.is_empty() { Part::ALL.to_vec() } else { parts }
}

/// Where the viewer is: a place, or only how far from UTC their clock is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    zone: TimeZone,
    /// What it is called; nothing for UTC itself.
    name: Option<String>,
}

impl Zone {
    /// Reads `timezone`, whose label is a place, `UTC` or `Local`. Only `offsetISO` says which way it goes.
    fn read(timezone: &Value) -> Self {
        let utc = Self { zone: TimeZone::UTC, name: None };
        let label = timezone["label"].as_str().unwrap_or_default();
        if label == "UTC" {
            return utc;
        }
        // A place knows its summer; a word such as "GMT" or "EST" is none.
        if let Some(zone) = Some(label).filter(|label| label.contains('/')).and_then(|name| time::time_zone(name).ok())
        {
            return Self { zone, name: Some(label.to_owned()) };
        }
        let offset =
            timezone["offsetISO"].as_str().filter(|text| text.starts_with(['+', '-'])).and_then(time::offset_of);
        match offset {
            Some(offset) if offset.seconds() != 0 => {
                let (sign, minutes) = (if offset.is_negative() { '-' } else { '+' }, offset.seconds().abs() / 60);
                let name = format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60);
                Self { zone: TimeZone::fixed(offset), name: Some(name) }
            }
            _ => utc,
        }
    }

    /// What it is called; nothing for UTC itself.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// How a person would write it beside a time: a place, or how far it is from UTC.
    #[must_use]
    pub fn written(&self) -> &str {
        self.name.as_deref().map_or("UTC", |name| name.strip_prefix("UTC").unwrap_or(name))
    }

    /// A moment as the viewer's clock shows it.
    #[must_use]
    pub fn at(&self, moment: Timestamp) -> ZonedDateTime {
        moment.to_zoned_datetime(self.zone.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn zone(timezone: &Value) -> (Option<String>, String) {
        let zone = Zone::read(timezone);
        let moment: Timestamp = "2026-07-06T02:00:00Z".parse().expect("a time");
        (zone.name.clone(), zone.at(moment).strftime("%H:%M").to_string())
    }

    #[test]
    fn the_viewers_zone_is_a_place_or_an_offset_or_utc() {
        for (timezone, name, clock) in [
            (json!({"label": "UTC", "offsetISO": "+00:00"}), None, "02:00"),
            (json!({"label": "Local", "offsetISO": "+05:30", "offsetInMinutes": 330}), Some("UTC+05:30"), "07:30"),
            (json!({"label": "Local", "offsetISO": "-08:00"}), Some("UTC-08:00"), "18:00"),
            (json!({"label": "Local", "offsetISO": "+00:00"}), None, "02:00"),
            (json!({"label": "Europe/London", "offsetISO": "+00:00"}), Some("Europe/London"), "03:00"),
            (json!({"label": "Mars/Base", "offsetISO": "+01:00"}), Some("UTC+01:00"), "03:00"),
            (json!({"label": "<b>", "offsetISO": "<b>"}), None, "02:00"),
            (json!({"label": 7, "offsetISO": "+99:99"}), None, "02:00"),
            (json!("x"), None, "02:00"),
            (Value::Null, None, "02:00"),
        ] {
            assert_eq!(zone(&timezone), (name.map(str::to_owned), clock.to_owned()), "{timezone}");
        }
    }

    #[test]
    fn a_widget_shows_what_its_parameters_name_and_all_if_they_name_nothing() {
        let show = |show: Value| {
            let context = Context::read(&json!({"params": {"show": show}}));
            (context.parts, context.problems)
        };
        assert_eq!(show(Value::Null), (Part::ALL.to_vec(), vec![]));
        assert_eq!(show(json!("state")), (vec![Part::State], vec![]));
        assert_eq!(show(json!(["history", "state", "history"])), (vec![Part::State, Part::History], vec![]));
        let (parts, problems) = show(json!(["state", "widows", 7]));
        assert_eq!(parts, [Part::State]);
        assert!(problems[0].ends_with("but found \"widows\"; did you mean windows?"), "{problems:?}");
        assert!(problems[1].ends_with("but found \"7\""), "{problems:?}");
        assert_eq!(show(json!([])).0, Part::ALL);
    }

    #[test]
    fn whatever_the_dashboard_says_of_itself_something_is_shown() {
        for context in [Value::Null, json!(7), json!({"width": -1, "theme": 7}), json!({"width": 1e300, "params": "x"})]
        {
            let read = Context::read(&context);
            assert_eq!(
                (read.theme, read.width, read.parts.len()),
                (Theme::Light, WIDTH_USUAL, Part::ALL.len()),
                "{context}"
            );
        }
        let read = Context::read(&json!({"width": 400, "theme": "dark"}));
        assert_eq!((read.theme, read.width, read.is_narrow()), (Theme::Dark, 400, true));
    }
}
