//! Sentences: headlines, facts, what to do.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::conditions::told;
use crate::{
    model::{
        rule_arn::RuleArn,
        series::Series,
        table::Edit,
        time::{roughly, spoken},
        window::{AtEnd, Window},
    },
    plan::{
        Obstacle, RuleState,
        reports::{Event, Fact},
    },
    probe::Sight,
};

/// The first sentence of a report.
pub(super) fn headline(event: Event) -> &'static str {
    match event {
        Event::Booked => "Maintenance is booked.",
        Event::Rescheduled => "Maintenance has been moved.",
        Event::Extended => "Maintenance has a new end.",
        Event::Cancelled => "Maintenance has been cancelled.",
        Event::Edited => "The reason for maintenance, or what it tells visitors, was changed.",
        Event::Paused => "A series of maintenance windows is paused.",
        Event::Resumed => "A series of maintenance windows goes on.",
        Event::Skipped => "A series of maintenance windows leaves one out.",
        Event::Reminder => "A reminder of maintenance.",
        Event::Started => "Maintenance has started.",
        Event::EndingSoon => "Maintenance is about to end.",
        Event::Completed => "Maintenance is over.",
        Event::Overrunning => "The end has passed, but the site stays in maintenance.",
        Event::Missed => "Maintenance was missed: its time has passed, and no rule was changed for it.",
        Event::Drift => "A listener rule was changed by someone else.",
        Event::Failed => "Maintenance needs a person: something due could not be done.",
    }
}

/// The first sentence of a report about a series.
pub(super) fn series_headline(event: Event) -> &'static str {
    if event == Event::Cancelled { "A series of maintenance windows has been cancelled." } else { headline(event) }
}

/// The first sentence of the report of a rule that is closed for no window.
pub const ORPHANED: &str = "A rule is closed to visitors, but no window is booked or active for it.";

/// The first sentence of a report of what others did to rules.
pub(super) fn drift_headline(facts: &[Fact]) -> &'static str {
    let mut headlines: Vec<&str> = facts.iter().filter_map(did).collect();
    let several = headlines.len() > 1;
    headlines.dedup();
    match (headlines.as_slice(), several) {
        ([only], false) => only,
        _ => "Listener rules of this maintenance were changed by someone else.",
    }
}

/// What someone else did to one rule.
fn did(fact: &Fact) -> Option<&'static str> {
    match fact {
        Fact::Drifted { edit: Edit::Opened, .. } => {
            Some("A rule was opened to visitors by someone else during maintenance.")
        }
        Fact::Drifted { edit: Edit::Edited, .. } | Fact::LeftAlone { .. } => {
            Some("A rule was edited by someone else during maintenance.")
        }
        Fact::Obstacle(_, Obstacle::Gone) => Some("A rule was removed by someone else during maintenance."),
        Fact::Obstacle(_, Obstacle::Unmanaged | Obstacle::StuckUnmanaged) => {
            Some("A rule of this maintenance is no longer named in the settings.")
        }
        Fact::Obstacle(..) => Some("A rule has been given conditions that this function could not put back."),
        _ => None,
    }
}

/// How to find who did it, for each kind of call that may have done it.
pub(super) fn who_did_it(facts: &[Fact]) -> Vec<String> {
    let called = facts.iter().filter_map(|fact| match fact {
        Fact::Drifted { rule, .. } | Fact::LeftAlone { rule, .. } => Some(("ModifyRule", rule)),
        Fact::Obstacle(rule, Obstacle::Gone) => Some(("DeleteRule", rule)),
        Fact::Obstacle(rule, Obstacle::Unsupported(_) | Obstacle::StuckUnsupported(_)) => Some(("ModifyRule", rule)),
        _ => None,
    });
    let mut steps: Vec<String> = called.map(|(call, rule)| who_called(call, rule)).collect();
    steps.sort();
    steps.dedup();
    steps
}

/// How to find who made such a call in the rule's Region.
///
/// CloudTrail keeps such calls for 90 days, newest first, and shows one some minutes after it was made. It shows their
/// parameters too, with the values of headers; so the command asks for nothing but when, who and which.
#[must_use]
pub fn who_called(call: &str, rule: &RuleArn) -> String {
    format!(
        "to find who did it, ask CloudTrail, which knows of a call some minutes later; calls under this function's own \
         name are its own: aws cloudtrail lookup-events --lookup-attributes \
         AttributeKey=EventName,AttributeValue={call} --region {} --max-items 20 --query \
         'Events[].[EventTime,Username,EventId]' --output text",
        rule.region()
    )
}

/// What to know of a decision about a series.
pub(super) fn series_note(event: Event) -> Option<&'static str> {
    match event {
        Event::Paused => Some("a window of it that is booked is cancelled; one that has begun goes on to its end"),
        Event::Cancelled => Some("its booked windows are cancelled with it; one that has begun goes on to its end"),
        _ => None,
    }
}

/// The event that makes sense after a decision about a series, ready to be sent.
pub(super) fn next_of_series(event: Event, series: &Series) -> Option<String> {
    match event {
        Event::Paused => Some(remedy("to let it go on", &json!({ "action": "resume", "id": series.id }))),
        Event::Resumed => Some(remedy("to pause it again", &json!({ "action": "pause", "id": series.id }))),
        _ => None,
    }
}

/// What to do whenever this happens; most events leave it to their cause.
pub(super) fn next_step(event: Event) -> Option<&'static str> {
    match event {
        Event::Missed => Some("book it again for another time; check tells beforehand what could make it fail"),
        Event::Drift => {
            Some("find out who or what changes the rule (a deployment, perhaps), and let it wait for the end")
        }
        Event::Booked
        | Event::Rescheduled
        | Event::Extended
        | Event::Cancelled
        | Event::Edited
        | Event::Paused
        | Event::Resumed
        | Event::Skipped
        | Event::Reminder
        | Event::Started
        | Event::EndingSoon
        | Event::Completed
        | Event::Overrunning
        | Event::Failed => None,
    }
}

/// The events that make sense after a report, ready to be sent.
pub(super) fn next_events(event: Event, window: &Window) -> Vec<String> {
    let off = || remedy("to end it now", &json!({ "action": "off", "id": window.id }));
    let cancel = || remedy("to drop it", &json!({ "action": "cancel", "id": window.id }));
    let extend = |aim| remedy(aim, &json!({ "action": "extend", "id": window.id, "by": "PT30M" }));
    match event {
        Event::EndingSoon => vec![extend("to move its end")],
        Event::Overrunning => vec![off(), extend("to give it more time from now")],
        Event::Booked | Event::Rescheduled | Event::Extended | Event::Edited | Event::Reminder | Event::Started => {
            vec![if window.is_covering() { off() } else { cancel() }]
        }
        Event::Missed
        | Event::Drift
        | Event::Completed
        | Event::Cancelled
        | Event::Paused
        | Event::Resumed
        | Event::Skipped
        | Event::Failed => vec![],
    }
}

/// What to do after a failure.
#[must_use]
pub fn after_failure() -> Vec<String> {
    vec![
        "every sweep tries again, at most five minutes from now; if the cause stays, mend what it names".to_owned(),
        remedy("to see what else is in the way", &json!({ "action": "check" })),
    ]
}

/// What visitors and testers got instead of what they should.
pub(super) fn unseen(sight: &Sight) -> String {
    format!(
        "after {}s a visitor got {}, and a tester got {}; the rules are as they should be, so look at what is in front \
         of the load balancer",
        sight.after_secs, sight.visitor, sight.tester
    )
}

/// A fact in a sentence.
pub(super) fn fact(fact: &Fact, zone: Option<&str>) -> String {
    match fact {
        Fact::StartsIn(ahead) => format!("it starts in {}", roughly(*ahead)),
        Fact::EndsIn(ahead) => format!("it ends in {}", roughly(*ahead)),
        Fact::NoEndSince(since) => format!("it has no end and has gone on for {}; off ends it", roughly(*since)),
        Fact::PastEnd(over, at_end) => past_end(*over, *at_end),
        Fact::TimesWere(start, end) => {
            let told = |at: &Option<Timestamp>| at.map_or("open end".to_owned(), |at| spoken(at, zone));
            format!("before, it was {} to {}", told(start), told(end))
        }
        Fact::Drifted { rule, edit, before, after } => {
            let (what, header) = match edit {
                Edit::Opened => ("was opened to visitors by someone else", ""),
                Edit::Edited => ("was edited by someone else", BYPASS),
            };
            format!(
                "rule {} {what} during the window; this function closes it to visitors again, and at the end gives it \
                 the conditions that they wrote{}",
                rule.short(),
                change(&format!("{}{BYPASS}", told(before)), &format!("{}{header}", told(after)))
            )
        }
        Fact::LeftAlone { rule, before, after } => {
            let what = "was edited by someone else during the window; what they wrote stands";
            format!("rule {} {what}{}", rule.short(), change(&told(before), &told(after)))
        }
        Fact::Had(rule, conditions) => {
            format!("before, rule {} had these conditions: {}", rule.short(), told(conditions))
        }
        Fact::Obstacle(rule, found) => format!("rule {} {}", rule.short(), obstacle(found)),
        Fact::HeldByAnother(rule) => format!("rule {} stays in maintenance for another window", rule.short()),
        Fact::Said(text) => text.clone(),
        Fact::NotProbed => {
            "the load balancer takes about ten seconds to apply a change; it was not checked from outside".to_owned()
        }
    }
}

/// What a rule demands beside its owner's conditions while it is closed to visitors.
const BYPASS: &str = "; the bypass header";

/// A change in two lines of their own, below the sentence that they belong to.
fn change(before: &str, after: &str) -> String {
    format!("\n{:<10}{before}\n{:<10}{after}", "Before", "After")
}

fn past_end(over: SignedDuration, at_end: AtEnd) -> String {
    let passed = if over < SignedDuration::from_mins(1) {
        "has just passed".to_owned()
    } else {
        format!("passed {} ago", roughly(over))
    };
    let why = match at_end {
        AtEnd::ReopenIfHealthy => "the site did not answer a tester well",
        AtEnd::Hold | AtEnd::Reopen => "it was booked to hold until it is switched off",
    };
    format!("its end {passed}, and its rules stay in maintenance, since {why}; off reopens them")
}

/// What keeps a rule from being switched, to continue "rule … ".
#[must_use]
pub fn obstacle(found: &Obstacle) -> String {
    match found {
        Obstacle::Gone => "no longer exists; leave it out of RULE_ARNS, or name its successor there".to_owned(),
        Obstacle::Unsupported(why) => why.clone(),
        Obstacle::StuckUnsupported(why) => {
            format!("cannot be restored, since it {why}; remove its bypass header condition by hand")
        }
        Obstacle::Unmanaged => "is no longer named by RULE_ARNS".to_owned(),
        Obstacle::StuckUnmanaged => {
            "was narrowed, but RULE_ARNS no longer names it; name it again until the window is over".to_owned()
        }
        Obstacle::Orphaned => "lets only testers through, but no window is booked or active for it".to_owned(),
        Obstacle::Damaged => {
            "is left as it is, since what is saved of it in the table cannot be read; mend or delete that item"
                .to_owned()
        }
        Obstacle::Settings => "cannot be narrowed with these settings; check names what is wrong with them".to_owned(),
        Obstacle::TooLate => "was not narrowed, since its window is about to end or could miss its end".to_owned(),
    }
}

pub(super) fn rule_state(state: RuleState) -> &'static str {
    match state {
        RuleState::Open => "open to visitors",
        RuleState::HeaderOnly => "in maintenance, testers only",
        RuleState::Gone => "no longer exists",
        RuleState::Unsupported => "has conditions that could not be put back",
    }
}

/// What to do by sending an event, and what for.
#[must_use]
pub fn remedy(aim: &str, event: &Value) -> String {
    format!("{aim}, invoke the function with {event}")
}

/// What a command does that asks how the site stands.
pub(super) const COMMAND: &str = "To see how the site stands, or to send another event in place of this one";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            conditions::{Condition, catch_all, tests::header},
            series::tests::series,
            window::{
                State,
                tests::{active, at, rule, window},
            },
        },
        plan::reports::tests::EVENTS,
    };

    #[test]
    fn every_report_begins_with_a_sentence_of_its_own() {
        let mut headlines: Vec<&str> = EVENTS.into_iter().map(headline).collect();
        assert!(headlines.iter().all(|headline| headline.ends_with('.')));
        headlines.sort_unstable();
        headlines.dedup();
        assert_eq!(headlines.len(), EVENTS.len());
    }

    #[test]
    fn what_can_be_done_next_is_ready_to_be_sent() {
        let cancel = Some("to drop it, invoke the function with {\"action\":\"cancel\",\"id\":\"deploy\"}");
        let off = Some("to end it now, invoke the function with {\"action\":\"off\",\"id\":\"deploy\"}");
        let extend = Some(
            "to move its end, invoke the function with {\"action\":\"extend\",\"by\":\"PT30M\",\"id\":\"deploy\"}",
        );
        let held = Window { state: State::Held, ..active() };
        for (event, window, expected) in [
            (Event::Booked, window(), cancel),
            (Event::Rescheduled, window(), cancel),
            (Event::Extended, window(), cancel),
            (Event::Extended, active(), off),
            (Event::Reminder, window(), cancel),
            (Event::Reminder, active(), off),
            (Event::Started, active(), off),
            (Event::Edited, window(), cancel),
            (Event::Edited, active(), off),
            (Event::EndingSoon, active(), extend),
            (Event::Cancelled, window(), None),
            (Event::Completed, active(), None),
            (Event::Missed, window(), None),
            (Event::Drift, active(), None),
            (Event::Failed, active(), None),
        ] {
            assert_eq!(next_events(event, &window), Vec::from_iter(expected), "{event:?}");
        }
        let more = "to give it more time from now, invoke the function with \
                    {\"action\":\"extend\",\"by\":\"PT30M\",\"id\":\"deploy\"}";
        assert_eq!(next_events(Event::Overrunning, &held), [off.unwrap_or_default(), more]);
    }

    #[test]
    fn a_person_is_asked_to_do_something_only_where_someone_must() {
        let asked: Vec<Event> = EVENTS.into_iter().filter(|event| next_step(*event).is_some()).collect();
        assert_eq!(asked, [Event::Missed, Event::Drift]);
        assert!(next_step(Event::Missed).is_some_and(|step| step.starts_with("book it again")));
        assert!(next_step(Event::Drift).is_some_and(|step| step.contains("changes the rule")));
        let steps = after_failure();
        assert_eq!(steps[1], "to see what else is in the way, invoke the function with {\"action\":\"check\"}");
        assert!(steps[0].contains("every sweep tries again"));
    }

    #[test]
    fn every_fact_is_a_sentence() {
        let minutes = SignedDuration::from_mins;
        for (told, sentence) in [
            (Fact::StartsIn(minutes(30)), "it starts in 30m"),
            (Fact::EndsIn(minutes(15)), "it ends in 15m"),
            (Fact::NoEndSince(minutes(60)), "it has no end and has gone on for 1h; off ends it"),
            (
                Fact::TimesWere(Some(at("02:00:00")), None),
                "before, it was Sun 6 Dec 2026 02:00 UTC (Sun 03:00 in Europe/Berlin) to open end",
            ),
            (
                Fact::Drifted { rule: rule("one"), edit: Edit::Opened, before: lock(), after: catch_all() },
                "rule web/one was opened to visitors by someone else during the window; this function closes it to \
                 visitors again, and at the end gives it the conditions that they wrote\n\
                 Before    header X-Lock has one of its values (not shown); the bypass header\n\
                 After     path is *",
            ),
            (
                Fact::LeftAlone { rule: rule("one"), before: lock(), after: catch_all() },
                "rule web/one was edited by someone else during the window; what they wrote stands\n\
                 Before    header X-Lock has one of its values (not shown)\n\
                 After     path is *",
            ),
            (Fact::Had(rule("one"), catch_all()), "before, rule web/one had these conditions: path is *"),
            (Fact::Obstacle(rule("one"), Obstacle::Unmanaged), "rule web/one is no longer named by RULE_ARNS"),
            (Fact::HeldByAnother(rule("one")), "rule web/one stays in maintenance for another window"),
            (Fact::Said("the clocks change".to_owned()), "the clocks change"),
            (
                Fact::NotProbed,
                "the load balancer takes about ten seconds to apply a change; it was not checked from outside",
            ),
        ] {
            assert_eq!(fact(&told, Some("Europe/Berlin")), sentence);
        }
        let edited = Fact::Drifted { rule: rule("one"), edit: Edit::Edited, before: lock(), after: catch_all() };
        let edited = fact(&edited, None);
        assert!(edited.starts_with("rule web/one was edited by someone else during the window; this function closes"));
        assert!(edited.ends_with("After     path is *; the bypass header"), "{edited}");
    }

    fn lock() -> Vec<Condition> {
        vec![header("X-Lock", &["edge-lock-0815"])]
    }

    #[test]
    fn what_others_did_has_the_headline_and_the_command_that_fit_it() {
        let drifted = |edit| Fact::Drifted { rule: rule("one"), edit, before: lock(), after: lock() };
        let alone = Fact::LeftAlone { rule: rule("one"), before: lock(), after: lock() };
        let kept = |obstacle| Fact::Obstacle(rule("one"), obstacle);
        let odd = || "is odd".to_owned();
        for (fact, headline, call) in [
            (drifted(Edit::Opened), "A rule was opened to visitors by", Some("ModifyRule")),
            (drifted(Edit::Edited), "A rule was edited by", Some("ModifyRule")),
            (alone.clone(), "A rule was edited by", Some("ModifyRule")),
            (kept(Obstacle::Gone), "A rule was removed by", Some("DeleteRule")),
            (kept(Obstacle::Unmanaged), "A rule of this maintenance is no longer named", None),
            (kept(Obstacle::StuckUnmanaged), "A rule of this maintenance is no longer named", None),
            (kept(Obstacle::Unsupported(odd())), "A rule has been given conditions", Some("ModifyRule")),
            (kept(Obstacle::StuckUnsupported(odd())), "A rule has been given conditions", Some("ModifyRule")),
        ] {
            let facts = [fact, Fact::Had(rule("one"), lock())];
            assert!(drift_headline(&facts).starts_with(headline), "{facts:?}: {}", drift_headline(&facts));
            let command = call.map(|call| {
                format!(
                    "aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue={call} \
                     --region eu-west-1 --max-items 20 --query 'Events[].[EventTime,Username,EventId]' --output text"
                )
            });
            let steps = who_did_it(&facts);
            assert_eq!(steps.len(), usize::from(command.is_some()), "{facts:?}");
            assert!(steps.iter().zip(&command).all(|(step, command)| step.ends_with(command)), "{steps:?}");
        }
        let two = [alone, kept(Obstacle::Gone)];
        assert!(drift_headline(&two).starts_with("Listener rules"));
        assert_eq!(who_did_it(&two).len(), 2);
    }

    #[test]
    fn a_paused_series_can_go_on_and_one_that_goes_on_can_be_paused() {
        let resume = "to let it go on, invoke the function with {\"action\":\"resume\",\"id\":\"nightly\"}";
        let pause = "to pause it again, invoke the function with {\"action\":\"pause\",\"id\":\"nightly\"}";
        assert_eq!(next_of_series(Event::Paused, &series()).as_deref(), Some(resume));
        assert_eq!(next_of_series(Event::Resumed, &series()).as_deref(), Some(pause));
        assert_eq!(next_of_series(Event::Cancelled, &series()), None);
        assert_ne!(series_headline(Event::Cancelled), headline(Event::Cancelled));
        assert_eq!(series_headline(Event::Paused), headline(Event::Paused));
        assert!(series_note(Event::Paused).is_some() && series_note(Event::Resumed).is_none());
    }

    #[test]
    fn a_held_window_says_how_long_ago_its_end_was_and_why_it_is_held() {
        let told = |secs, at_end| fact(&Fact::PastEnd(SignedDuration::from_secs(secs), at_end), None);
        let held = "since it was booked to hold until it is switched off; off reopens them";
        assert_eq!(
            told(59, AtEnd::Hold),
            format!("its end has just passed, and its rules stay in maintenance, {held}")
        );
        assert_eq!(told(60, AtEnd::Hold), format!("its end passed 1m ago, and its rules stay in maintenance, {held}"));
        assert!(told(60, AtEnd::ReopenIfHealthy).contains("since the site did not answer a tester well; off"));
    }

    #[test]
    fn what_keeps_a_rule_from_being_switched_says_what_to_do() {
        let why = || "is odd".to_owned();
        for (found, said) in [
            (Obstacle::Gone, "no longer exists; leave it out of RULE_ARNS"),
            (Obstacle::Unsupported(why()), "is odd"),
            (Obstacle::StuckUnsupported(why()), "cannot be restored, since it is odd; remove its bypass header"),
            (Obstacle::Unmanaged, "is no longer named by RULE_ARNS"),
            (Obstacle::StuckUnmanaged, "was narrowed, but RULE_ARNS no longer names it; name it again"),
            (Obstacle::Orphaned, "lets only testers through, but no window is booked or active for it"),
            (Obstacle::Settings, "cannot be narrowed with these settings; check names"),
            (Obstacle::TooLate, "was not narrowed, since its window is about to end"),
        ] {
            let told = obstacle(&found);
            assert!(told.starts_with(said), "{told}");
        }
    }

    #[test]
    fn a_sight_from_outside_says_who_got_what() {
        let sight = Sight { seen: false, after_secs: 60, visitor: "200 OK".to_owned(), tester: "nothing".to_owned() };
        assert!(
            unseen(&sight).starts_with("after 60s a visitor got 200 OK, and a tester got nothing; the rules are as")
        );
    }

    #[test]
    fn each_state_of_a_rule_has_words_of_its_own() {
        let words = [RuleState::Open, RuleState::HeaderOnly, RuleState::Gone, RuleState::Unsupported].map(rule_state);
        let expected = ["open to visitors", "in maintenance, testers only", "no longer exists"];
        assert_eq!(words[..3], expected);
        assert_eq!(words[3], "has conditions that could not be put back");
    }
}
