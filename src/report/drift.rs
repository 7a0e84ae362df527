//! What others did to rules, in words, and how to find who did it.

use super::conditions::told;
use crate::{
    model::{conditions::Condition, rule_arn::RuleArn, table::Edit},
    plan::{Obstacle, reports::Fact},
};

/// The first sentence of the report of a rule that is closed for no window.
pub const ORPHANED: &str = "A rule is closed to visitors, but no window is booked or active for it.";

/// The first sentence of a report of what others did to rules.
pub(super) fn headline(facts: &[Fact]) -> &'static str {
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

/// What helps where nobody's edit has to wait for a window's end; empty if that is all that helps.
pub(super) fn what_helps(facts: &[Fact]) -> Vec<String> {
    if facts.iter().any(|fact| matches!(fact, Fact::Drifted { .. } | Fact::LeftAlone { .. })) {
        return vec![];
    }
    let mut helps: Vec<String> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Obstacle(_, Obstacle::Gone) => {
                Some("make the rule again, with the conditions that it had, and name its new ARN in RuleArns")
            }
            Fact::Obstacle(_, Obstacle::Unmanaged | Obstacle::StuckUnmanaged) => {
                Some("name the rule in RuleArns again, and deploy; the next sweep goes on from there")
            }
            _ => None,
        })
        .map(str::to_owned)
        .collect();
    helps.sort();
    helps.dedup();
    helps
}

/// How to find who did it, for each kind of call that may have done it.
pub(super) fn who_did_it(facts: &[Fact]) -> Vec<String> {
    let called = facts.iter().filter_map(|fact| match fact {
        Fact::Drifted { rule, .. }
        | Fact::LeftAlone { rule, .. }
        | Fact::Obstacle(rule, Obstacle::Unsupported(_) | Obstacle::StuckUnsupported(_)) => Some(("ModifyRule", rule)),
        Fact::Obstacle(rule, Obstacle::Gone) => Some(("DeleteRule", rule)),
        _ => None,
    });
    let mut steps: Vec<String> = called.map(|(call, rule)| who_called(call, rule)).collect();
    steps.sort();
    steps.dedup();
    steps
}

/// How to find who made such a call in the rule's Region.
///
/// AWS `CloudTrail` keeps such calls for 90 days and lists the newest first; a call is there some minutes after it was
/// made (source: AWS `CloudTrail`'s user guide, "Viewing events with event history"). It holds the calls' parameters too,
/// with the values of headers; so the command asks for nothing but when, who and which.
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

/// Someone else edited a rule that is to be closed to visitors.
pub(super) fn edited(rule: &RuleArn, edit: Edit, before: &[Condition], after: &[Condition]) -> String {
    let (what, now, header) = match edit {
        Edit::Opened => ("was opened to visitors", "this function closes it to visitors again", ""),
        Edit::Edited => ("was edited", "it stays closed to visitors", BYPASS),
    };
    format!(
        "rule {} {what} by someone else during the window; {now}, and at the end it gets the conditions that they \
         wrote{}",
        rule.short(),
        change(&format!("{}{BYPASS}", told(before)), &format!("{}{header}", told(after)))
    )
}

/// Someone else edited a rule, and what they wrote stands.
pub(super) fn left_alone(rule: &RuleArn, before: &[Condition], after: &[Condition]) -> String {
    let what = "was edited by someone else during the window; what they wrote stands";
    format!("rule {} {what}{}", rule.short(), change(&told(before), &told(after)))
}

/// The conditions of a rule that is gone or can no longer be read.
pub(super) fn had(rule: &RuleArn, conditions: &[Condition]) -> String {
    format!("before, rule {} had these conditions: {}", rule.short(), told(conditions))
}

/// What a rule demands beside its owner's conditions while it is closed to visitors.
const BYPASS: &str = "; the bypass header";

/// A change in two lines of their own, below the sentence that they belong to.
fn change(before: &str, after: &str) -> String {
    format!("\n{:<10}{before}\n{:<10}{after}", "Before", "After")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{conditions::tests::header, window::tests::rule};

    fn lock() -> Vec<Condition> {
        vec![header("X-Lock", &["edge-lock-0815"])]
    }

    #[test]
    fn what_others_did_has_the_headline_and_the_command_that_fit_it() {
        let drifted = |edit| Fact::Drifted { rule: rule("one"), edit, before: lock(), after: lock() };
        let alone = Fact::LeftAlone { rule: rule("one"), before: lock(), after: lock() };
        let kept = |obstacle| Fact::Obstacle(rule("one"), obstacle);
        let odd = || "is odd".to_owned();
        for (fact, beginning, call) in [
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
            assert!(headline(&facts).starts_with(beginning), "{facts:?}: {}", headline(&facts));
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
        let gone = what_helps(&[kept(Obstacle::Gone), Fact::Had(rule("one"), lock())]);
        assert!(gone.len() == 1 && gone[0].starts_with("make the rule again"), "{gone:?}");
        let unnamed = what_helps(&[kept(Obstacle::StuckUnmanaged), kept(Obstacle::Unmanaged)]);
        assert!(unnamed.len() == 1 && unnamed[0].starts_with("name the rule in RuleArns again"), "{unnamed:?}");
        assert!(what_helps(&[drifted(Edit::Opened), kept(Obstacle::Gone)]).is_empty());
        let two = [alone, kept(Obstacle::Gone)];
        assert!(headline(&two).starts_with("Listener rules"));
        assert_eq!(who_did_it(&two).len(), 2);
    }
}
