//! The console: a page for a custom widget of a CloudWatch dashboard.
//!
//! The dashboard invokes the function with its viewer's own permissions and shows the HTML that comes back:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard.html>. JavaScript,
//! `iframe` and `use` are taken out of it, so the page needs none of them.
//!
//! A look reads what `status` and `history` read, changes nothing and asks no visitor's question. A press of a button
//! makes an ordinary event, which is read, decided and answered like any other; only its answer is a page too. Only
//! [`look`] calls anything; everything else is pure.
//!
//! - [`context`]: what the dashboard says of the widget and its viewer;
//! - `view`, `timeline`, `words`, `style`: the page;
//! - `buttons`, `forms`: what can be pressed, and the events that come of it;
//! - `answer`: what came of a press.

mod answer;
mod buttons;
pub mod context;
mod forms;
mod style;
mod timeline;
mod view;
mod words;

use serde_json::Value;

use self::{
    buttons::Buttons,
    context::{Context, Part},
    forms::FormButton,
};
use crate::{
    actions,
    app::Run,
    error::Error,
    event::{Format, Search},
    model::function,
    report::{response::Response, views::PastView},
};

/// How many windows and series of the past a page shows.
const PAST_MAX: usize = 10;

/// What is documented of the widget where a dashboard is edited, in Markdown.
pub const DESCRIPTION: &str = "\
## Maintenance windows

How the site stands, what needs a person, the last and next days, the windows, the rules and the history, with buttons
that end, extend, cancel, skip and pause, and a form that books.
Nobody but a viewer who may invoke the function sees it, and each look and each press is an invocation under that
viewer's name. An endpoint that ends in `:look` is of a function that only looks.

### Parameters

| parameter | what it does |
|---|---|
| `show` | a list of the parts that this widget shows; without it, all of them |

The parts are `state`, `attention`, `timeline`, `actions`, `windows`, `book`, `rules` and `history`.

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
    /// What a press of a button means.
    Act {
        /// The widget that it stands in.
        context: Box<Context>,
        /// An event like any other, still to be read.
        event: Value,
    },
}

/// What only a button may send: a widget that has it among its parameters would act whenever it is looked at.
const PRESSES: [&str; 2] = ["click", "form"];

/// What a page is made from.
#[derive(Clone, Debug)]
struct Seen<'a> {
    present: &'a Response,
    past: &'a [PastView],
    /// Whether there is more of the past than that.
    past_goes_on: bool,
    /// Why the windows and series could not be read.
    present_unread: Option<String>,
    /// Why the past could not be read.
    past_unread: Option<String>,
}

/// What a dashboard asks for with this event; nothing if no dashboard sent it.
#[must_use]
pub fn asked(event: &Value) -> Option<Asked> {
    let map = event.as_object()?;
    // An event that says what to do is no question, whatever else it says.
    if map.get("describe").is_some_and(|asks| asks == true) && !map.contains_key("action") {
        return Some(Asked::Description);
    }
    let given = map.get("widgetContext")?;
    let mut context = Box::new(Context::read(given));
    if let Some(found) = PRESSES.iter().find(|found| given["params"].get(found).is_some()) {
        context.problems.push(format!("the widget's parameter {found}: only a button may send it; take it out"));
        return Some(Asked::Look(context));
    }
    Some(match pressed(event, &given["forms"]["all"]) {
        Some(event) => Asked::Act { context, event },
        None => Asked::Look(context),
    })
}

/// The event that a press means, with what was written into the widget's fields.
fn pressed(sent: &Value, fields: &Value) -> Option<Value> {
    if let Some(event) = sent.get("click") {
        return Some(forms::signed(event.clone(), fields));
    }
    let form = sent.get("form")?;
    Some(match form["button"].as_str().and_then(FormButton::of) {
        Some(button) => forms::event(button, form["drawing"].as_str().unwrap_or_default(), fields),
        // For the reader to refuse.
        None => form.clone(),
    })
}

/// The page for a look. What cannot be read is told on it.
pub async fn look(run: Run<'_>, context: &Context) -> String {
    let past = async {
        if context.shows(Part::History) || context.shows(Part::Timeline) {
            let search = Search { limit: PAST_MAX, ..Search::default() };
            actions::history(run, &search, Format::Json).await.map(|answer| (answer.history, answer.more))
        } else {
            Ok((vec![], false))
        }
    };
    let present = async {
        // The history alone needs nothing of the present.
        if context.parts() == [Part::History] { (Response::default(), None) } else { actions::glance(run).await }
    };
    let ((present, present_unread), past) = tokio::join!(present, past);
    let now = run.now();
    let may_act = !function::only_looks(run.target);
    let buttons = may_act.then(|| Buttons::new(run.target, run.request, &context.zone, now));
    let ((past, past_goes_on), past_unread) = match past {
        Ok(past) => (past, None),
        Err(error) => ((vec![], false), Some(error.full())),
    };
    let seen = Seen { present: &present, past: &past, past_goes_on, present_unread, past_unread };
    view::page(context, now, &seen, buttons.as_ref()).into_string()
}

/// The page for what a press, with this event, came to: what was refused or failed is told on it too.
#[must_use]
pub fn answered(context: &Context, event: &Value, result: &Result<Response, Error>) -> String {
    answer::answer(context, event, result).into_string()
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
    fn a_press_is_an_event_and_a_parameter_is_none() {
        let fields = json!({"mw-by": "ana"});
        let click = json!({"action": "off", "id": "w", "request_id": "k"});
        let sent = json!({"click": click, "widgetContext": {"forms": {"all": fields}, "params": {"show": "state"}}});
        let Some(Asked::Act { event, .. }) = asked(&sent) else { panic!("no press") };
        assert_eq!(event, json!({"action": "off", "id": "w", "request_id": "k", "requested_by": "ana"}));
        for parameter in PRESSES {
            let mut forged = sent.clone();
            forged["widgetContext"]["params"] = json!({ parameter: click });
            let Some(Asked::Look(context)) = asked(&forged) else { panic!("a parameter acts") };
            assert!(context.problems[0].contains(parameter), "{:?}", context.problems);
        }
        // What says what to do at the top is no press.
        assert!(matches!(asked(&json!({"action": "off", "widgetContext": {}})), Some(Asked::Look(_))));
    }

    #[test]
    fn the_description_names_every_part() {
        for part in Part::ALL {
            assert!(DESCRIPTION.contains(&format!("`{}`", part.word())), "{part:?}");
        }
    }
}
