//! The console: a page for a custom widget of a CloudWatch dashboard.
//!
//! The dashboard invokes the function with its viewer's own permissions and shows the HTML that comes back:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard.html>. JavaScript,
//! `iframe` and `use` are taken out of it, so the page needs none of them.
//!
//! A look reads what `status` and `history` read, changes nothing and asks no visitor's question. Only [`look`] calls
//! anything; everything else is pure.
//!
//! - [`context`]: what the dashboard says of the widget and its viewer;
//! - `view`, `timeline`, `words`, `style`: the page.

pub mod context;
mod style;
mod timeline;
mod view;
mod words;

use jiff::Timestamp;
use serde_json::Value;

use self::context::{Context, Part};
use crate::{
    actions,
    app::Run,
    error::Error,
    event::{Format, Search},
    report::{response::Response, views::PastView},
};

/// How many windows and series of the past a page shows.
const PAST_MAX: usize = 10;

/// What is documented of the widget where a dashboard is edited, in Markdown.
pub const DESCRIPTION: &str = "\
## Maintenance windows

How the site stands, what needs a person, the last and next days, the windows, the rules and the history.
Nobody but a viewer who may invoke the function sees it, and each look is an invocation under that viewer's name.

### Parameters

| parameter | what it does |
|---|---|
| `show` | a list of the parts that this widget shows; without it, all of them |

The parts are `state`, `attention`, `timeline`, `windows`, `rules` and `history`.

### Example

```yaml
show:
  - state
  - timeline
```
";

/// What a dashboard asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// What the widget is, in Markdown.
    Description,
    /// The page.
    Look(Box<Context>),
}

/// What a page is made from.
#[derive(Clone, Debug)]
struct Seen<'a> {
    present: &'a Response,
    past: &'a [PastView],
    /// Why the past could not be read.
    unread: Option<String>,
}

/// What a dashboard asks for with this event; nothing if no dashboard sent it.
#[must_use]
pub fn asked(event: &Value) -> Option<Asked> {
    let map = event.as_object()?;
    // An event that says what to do is no question, whatever else it says.
    if map.get("describe").is_some_and(|asks| asks == true) && !map.contains_key("action") {
        return Some(Asked::Description);
    }
    map.get("widgetContext").map(|context| Asked::Look(Box::new(Context::read(context))))
}

/// The page for a look. What cannot be read is told on it.
pub async fn look(run: Run<'_>, context: &Context) -> String {
    let past = async {
        if context.shows(Part::History) || context.shows(Part::Timeline) {
            let search = Search { limit: PAST_MAX, ..Search::default() };
            actions::history(run, &search, Format::Json).await.map(|answer| answer.history)
        } else {
            Ok(vec![])
        }
    };
    let present = async {
        // The history alone needs nothing of the present.
        if context.parts == [Part::History] { Response::default() } else { actions::glance(run).await }
    };
    let (present, past) = tokio::join!(present, past);
    shown(context, run.now(), &present, past)
}

/// The page, from what was read.
fn shown(context: &Context, now: Timestamp, present: &Response, past: Result<Vec<PastView>, Error>) -> String {
    let (past, unread) = match past {
        Ok(past) => (past, None),
        Err(error) => (vec![], Some(format!("The history could not be read: {}.", error.full()))),
    };
    view::page(context, now, &Seen { present, past: &past, unread }).into_string()
}

/// The page that tells of a failure, where nothing else can be shown.
#[must_use]
pub fn failure(context: &Context, error: &Error) -> String {
    view::message(context, "Not known", &format!("The function could not look: {}.", error.full())).into_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_a_dashboard_sends_is_for_the_console() {
        for event in [
            json!({}),
            json!({"action": "status"}),
            json!({"describe": false}),
            json!({"describe": "true"}),
            json!({"action": "status", "describe": true}),
            json!([{"widgetContext": {}}]),
            json!("widgetContext"),
            Value::Null,
        ] {
            assert_eq!(asked(&event), None, "{event}");
        }
        assert_eq!(asked(&json!({"describe": true})), Some(Asked::Description));
        assert!(matches!(asked(&json!({"show": ["state"], "widgetContext": {}})), Some(Asked::Look(_))));
        assert!(matches!(asked(&json!({"widgetContext": null})), Some(Asked::Look(_))));
        let both = json!({"describe": true, "widgetContext": {}});
        assert_eq!(asked(&both), Some(Asked::Description), "whether or not the widget is there already");
    }

    #[test]
    fn the_description_names_every_part() {
        for part in Part::ALL {
            assert!(DESCRIPTION.contains(&format!("`{}`", part.word())), "{part:?}");
        }
    }
}
