//! What a press of a button came to, for the pop-up that a dashboard shows it in.

use maud::{Markup, html};
use serde_json::Value;

use super::{context::Context, view::framed};
use crate::{
    error::{Error, capitalised},
    model::window::State,
    plan::site::SiteState,
    report::{finding::Severity, response::Response, views::WindowView},
};

/// The pop-up's page for what the event of a press came to.
pub(super) fn answer(context: &Context, event: &Value, result: &Result<Response, Error>) -> Markup {
    let page = match result {
        Ok(answer) => done(answer),
        Err(Error::InvalidEvent(problems)) => refused(problems),
        Err(error) => failed(error, event["action"] != "check" && event["dry_run"] != true),
    };
    framed(context, &page)
}

fn done(answer: &Response) -> Markup {
    let (tone, title) = title(&answer.outcome);
    html! {
        section class={ "state " (tone) } { div { h2 { (title) } p { (answer.message) } } }
        @if !answer.findings.is_empty() {
            section { h3 { "Found" } ul.todo {
                @for found in &answer.findings {
                    li {
                        strong { @match found.severity { Severity::Error => "Error: ", Severity::Warning => "Warning: " } }
                        (found.what) ": " (found.why) ". " (capitalised(&found.fix)) "."
                    }
                }
            } }
        }
        @if !answer.warnings.is_empty() {
            section { h3 { "Worth knowing" } ul { @for warning in &answer.warnings { li { (capitalised(warning)) } } } }
        }
        @if !answer.checked.is_empty() {
            section { h3 { "Looked at and found well" } ul { @for well in &answer.checked { li.soft { (capitalised(well)) } } } }
        }
        (next(&[following(answer), REFRESH]))
    }
}

/// What was not done, and why; the form still holds what was written.
fn refused(problems: &[String]) -> Markup {
    html! {
        section.state.alert { div { h2 { "Refused" } p { "Nothing was changed." } } }
        section { h3 { "Why" } ul.todo { @for problem in problems { li { (capitalised(problem)) } } } }
        (next(&["Close this, correct what is named, and press the button again: the form still holds what you wrote.", REFRESH]))
    }
}

fn failed(error: &Error, decides: bool) -> Markup {
    let (title, then) = match error {
        Error::Incomplete { decided: Some(_), .. } => {
            ("Decided, not done yet", "The next sweep, within five minutes, goes on with it.")
        }
        Error::Incomplete { .. } => ("Not done yet", "The next sweep, within five minutes, goes on with it."),
        Error::InvalidConfig(_) => (
            "Refused",
            "Nothing was changed. Correct the setting that is named here; Check names it too, and tells whether it is well \
             then.",
        ),
        _ if !decides => ("Failed", "Nothing was changed. Press the button again."),
        _ => (
            "Failed",
            "It is not certain whether it was decided. Press the same button again, without a refresh before it: what was \
             decided is not decided twice. Or refresh, and look first whether it shows the change: the buttons are new \
             then, and would decide it once more.",
        ),
    };
    html! {
        section.state.alert { div { h2 { (title) } p { (capitalised(&error.full())) "." } } }
        (next(&[then, REFRESH]))
    }
}

const REFRESH: &str =
    "Close this and refresh the widget: it shows how the site stands now, and each of its buttons acts once.";

fn next(steps: &[&str]) -> Markup {
    html! {
        section { h3 { "What to do next" } ul { @for step in steps { @if !step.is_empty() { li { (step) } } } } }
    }
}

/// How loud an outcome is, and its words.
fn title(outcome: &str) -> (&'static str, String) {
    let (tone, told) = match outcome {
        "dry_run" => ("calm", "It would work"),
        "unchanged" => ("busy", "Nothing changed"),
        "already_booked" => ("busy", "Booked already"),
        "completed" => ("calm", "Ended"),
        "ok" => ("calm", "All well"),
        "warnings" => ("busy", "A window would work"),
        "blocked" => ("alert", "A window could fail"),
        "missed" => ("alert", "Missed"),
        other => return ("calm", capitalised(&other.replace('_', " "))),
    };
    (tone, told.to_owned())
}

/// What a person may want to do after this.
fn following(answer: &Response) -> &'static str {
    let site = answer.site.as_ref();
    match answer.outcome.as_str() {
        "dry_run" => "Nothing was booked. Close this; the form still holds what you wrote, for Book or Start now.",
        "booked" | "already_booked" => match &answer.window {
            Some(window) => until_over(window, site.is_none_or(|site| window.start > site.at)),
            None => {
                "Between its windows the site stays open, unless another window covers it; End series drops the series."
            }
        },
        "started" => match site.map(|site| site.state) {
            Some(SiteState::Maintenance) => {
                "Look at the site as a visitor, in a private window: within some ten seconds it is the maintenance page."
            }
            Some(SiteState::Mixed) => {
                "Look at the site as a visitor, in a private window: within some ten seconds what the window covers is \
                 the maintenance page."
            }
            _ => LOOK,
        },
        "completed" => match site.map(|site| (site.state, site.covering.is_empty())) {
            Some((SiteState::Open, _)) => {
                "Look at the site as a visitor, in a private window: within some ten seconds it is there again."
            }
            Some((SiteState::Maintenance | SiteState::Mixed, false)) => {
                "Visitors stay out where another window covers the site, until that one is over too."
            }
            _ => LOOK,
        },
        "blocked" => "Mend what is named as an error, and check again.",
        "unchanged" => "To do the same once more, refresh the widget first.",
        _ => "",
    }
}

const LOOK: &str = "Look at the site as a visitor, in a private window, and press Check: it says what is in the way.";

/// What a window that was asked for does to visitors, as it stands.
fn until_over(window: &WindowView, is_ahead: bool) -> &'static str {
    match window.state {
        State::Booked if is_ahead => {
            "Until its start the site stays open to visitors, unless another window covers it; Cancel drops it."
        }
        State::Booked | State::Active | State::Held => {
            "It has begun: visitors are kept out of what it covers until End now ends it."
        }
        State::Ending | State::Over => "It is over; another one can be booked.",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        error::{Refusal, Service},
        plan::site::Site,
    };

    fn told(result: &Result<Response, Error>) -> String {
        told_of(&json!({"action": "off"}), result)
    }

    fn told_of(event: &Value, result: &Result<Response, Error>) -> String {
        answer(&Context::read(&Value::Null), event, result).into_string()
    }

    #[test]
    fn a_refusal_says_that_nothing_was_changed_and_each_reason() {
        let page = told(&Err(Error::InvalidEvent(vec!["start: required".to_owned(), "id: <b>".to_owned()])));
        for part in ["Refused", "Nothing was changed.", "<li>Start: required</li>", "<li>Id: &lt;b&gt;</li>"] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }

    #[test]
    fn a_failure_says_what_is_certain() {
        let left = |decided: Option<&str>| Error::Incomplete {
            site: None,
            decided: decided.map(str::to_owned),
            left: vec!["rule x".to_owned()],
        };
        let source = Refusal { code: "Throttling".to_owned(), message: "slow".to_owned() };
        let aws = Error::Aws { what: "read".to_owned(), service: Service::Table, source };
        for (error, title) in [
            (left(Some("it is booked")), "Decided, not done yet"),
            (left(None), "Not done yet"),
            (Error::OutOfTime, "Failed"),
            (aws, "Failed"),
            (Error::InvalidConfig(vec!["RuleArns: required".to_owned()]), "Refused"),
        ] {
            let is_config = matches!(error, Error::InvalidConfig(_));
            let page = told(&Err(error));
            assert!(page.contains(&format!("<h2>{title}</h2>")), "{title}: {page}");
            assert_eq!(page.contains("It is not certain whether it was decided."), title == "Failed", "{page}");
            assert_eq!(page.contains("Nothing was changed."), is_config, "{page}");
        }
        for asks in [json!({"action": "check"}), json!({"action": "book", "dry_run": true})] {
            let page = told_of(&asks, &Err(Error::OutOfTime));
            assert!(page.contains("Nothing was changed.") && !page.contains("not certain"), "{page}");
        }
    }

    #[test]
    fn what_comes_after_an_outcome_is_true_of_the_site_and_the_window() {
        let window = crate::model::window::tests::window();
        let after = |outcome: &str, state: SiteState, is: State| {
            let covering = if is == State::Active { vec![window.clone()] } else { vec![] };
            let site = Site { state, covering, ..Site::default() };
            let view = WindowView { state: is, ..WindowView::new(&window) };
            following(&Response {
                outcome: outcome.to_owned(),
                site: Some(site),
                window: Some(view),
                ..Response::default()
            })
        };
        for (outcome, state, is, words) in [
            ("completed", SiteState::Open, State::Over, "it is there again"),
            ("completed", SiteState::Maintenance, State::Active, "another window covers"),
            ("completed", SiteState::Mixed, State::Active, "another window covers"),
            ("completed", SiteState::Broken, State::Over, "press Check"),
            ("started", SiteState::Maintenance, State::Active, "it is the maintenance page"),
            ("started", SiteState::Mixed, State::Active, "what the window covers is"),
            ("started", SiteState::OpenUnplanned, State::Active, "press Check"),
            ("booked", SiteState::Open, State::Booked, "Until its start"),
            ("already_booked", SiteState::Open, State::Booked, "Until its start"),
            ("already_booked", SiteState::Maintenance, State::Active, "It has begun"),
            ("already_booked", SiteState::Open, State::Ending, "It is over"),
        ] {
            let told = after(outcome, state, is);
            assert!(told.contains(words), "{outcome}, {state:?}, {is:?}: {told}");
        }
    }

    #[test]
    fn every_outcome_has_words() {
        for (outcome, words) in
            [("dry_run", "It would work"), ("rescheduled", "Rescheduled"), ("blocked", "A window could fail")]
        {
            let answer = Response { outcome: outcome.to_owned(), ..Response::default() };
            assert!(told(&Ok(answer)).contains(&format!("<h2>{words}</h2>")), "{outcome}");
        }
    }
}
