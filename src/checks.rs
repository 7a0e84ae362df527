//! Everything that would make a window fail, found beforehand.
//!
//! It only reads. What it may not read is a finding of its own, not a failure.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

use crate::{
    app::Run,
    config::Config,
    error::Error,
    event::{Booking, Inquiry},
    model::{
        bypass::Bypass,
        conditions::{self, Condition},
        rule_arn::RuleArn,
        seen::{Answer, Listener, Seen},
        table::Table,
        window::State,
    },
    plan,
    probe::Expect,
    report::finding::{Finding, Severity},
};

/// How many listeners are read at once.
const AT_ONCE: usize = 5;

/// A secret shorter than this can be guessed with patience.
const STRONG_LENGTH: usize = 32;

/// The listeners of rules: what each was seen to be, or why it could not be read.
pub type Listeners = BTreeMap<String, Result<Option<Listener>, String>>;

/// Reads the listeners that the rules belong to.
pub async fn listeners(run: Run<'_>, rules: &[RuleArn]) -> Listeners {
    let arns: BTreeSet<String> = rules.iter().map(RuleArn::listener).collect();
    stream::iter(arns)
        .map(async |arn| {
            let read = run.app.aws.rules.listener(&arn).await.map_err(|error| error.full());
            (arn, read)
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// What is wrong with the rules of a window, as their listeners show them and given what is saved of them. Pure.
#[must_use]
pub fn rules(rules: &[RuleArn], listeners: &Listeners, saved: &Table, bypass: Option<&Bypass>) -> Vec<Finding> {
    let mut findings = vec![];
    for (arn, listener) in listeners {
        let name = arn.rsplit('/').next().unwrap_or_default();
        match listener {
            Err(problem) => findings.push(Finding::warns(
                format!("listener {name} could not be read ({problem})"),
                "whether visitors get a 503 during maintenance is not known",
                "allow elasticloadbalancing:DescribeListeners and DescribeRules, and check again",
            )),
            Ok(None) => {}
            Ok(Some(listener)) => findings.extend(default_answer(name, listener)),
        }
    }
    for rule in rules {
        if let Some(Ok(listener)) = listeners.get(&rule.listener()) {
            findings.extend(one_rule(rule, rules, listener.as_ref(), saved, bypass));
        }
    }
    findings
}

/// Visitors who match no rule any more get the listener's default: it must be a 503.
fn default_answer(name: &str, listener: &Listener) -> Option<Finding> {
    let what = match listener.default.last() {
        Some(Answer::Fixed(status)) if status == "503" => return None,
        Some(Answer::Fixed(status)) => {
            return Some(Finding::warns(
                format!("listener {name} answers {status} by default, not 503"),
                "CloudFront shows the maintenance page for a 503, and robots take other answers for the site's own",
                "change the listener's default action to a fixed response of 503",
            ));
        }
        Some(Answer::Forward) => "forwards to a target",
        Some(Answer::Redirect) => "redirects",
        Some(Answer::Other(_)) | None => "does something else than answer 503",
    };
    Some(Finding::blocks(
        format!("listener {name} {what} by default"),
        "during maintenance that is what visitors would get",
        "change the listener's default action to a fixed response of 503",
    ))
}

fn one_rule(
    rule: &RuleArn,
    all: &[RuleArn],
    listener: Option<&Listener>,
    saved: &Table,
    bypass: Option<&Bypass>,
) -> Vec<Finding> {
    let name = rule.short();
    let own = listener.and_then(|listener| listener.rules.iter().find(|found| &found.arn == rule));
    let Some((listener, own)) = listener.zip(own) else {
        return vec![Finding::blocks(
            format!("rule {name} does not exist"),
            "a rule that was replaced has another ARN, and this one cannot be turned",
            "name the new ARN in the stack's RuleArns",
        )];
    };
    let conditions = match &own.seen {
        Seen::Conditions(conditions) => conditions,
        Seen::Unsupported { why, .. } => {
            return vec![Finding::blocks(
                format!("rule {name} {why}"),
                "it could not be given back as it was",
                "name another rule, or change this one",
            )];
        }
        Seen::Gone => return vec![],
    };
    let mut findings = vec![];
    // A rule that is narrowed now is judged by what its owner wrote.
    let bare = plan::read_rule(conditions, saved.rules.get(rule), bypass).owner;
    if let Some(bypass) = bypass {
        if bare.iter().any(|condition| conditions::names_header(condition, &bypass.name)) {
            findings.push(Finding::blocks(
                format!("rule {name} demands the header {} itself, with another value", bypass.name),
                "during maintenance it would demand both values of one header, and let no tester through",
                "choose another BypassHeaderName for the stack",
            ));
        }
        if !conditions::fits(&bare, bypass) {
            findings.push(Finding::warns(
                format!("rule {name} has no room for the bypass header beside its own conditions"),
                "a rule holds five condition values, so it will demand the header alone, without its own conditions",
                "nothing, if that is fine: its conditions come back at the end",
            ));
        }
    }
    let after = |other: &u32| own.priority.is_some_and(|own| *other > own);
    for other in listener.rules.iter().filter(|other| other.priority.as_ref().is_some_and(after)) {
        let reaches = matches!(other.answers.last(), Some(Answer::Forward | Answer::Redirect));
        let Seen::Conditions(theirs) = &other.seen else { continue };
        if all.contains(&other.arn) || !reaches || !conditions::may_meet(&bare, theirs) {
            continue;
        }
        let what = format!("rule {} of the same listener comes after rule {name}", other.arn.short());
        if conditions::match_all(theirs) {
            findings.push(Finding::blocks(
                format!("{what} and matches every request"),
                "during maintenance it would catch the visitors",
                "let the window cover it too, or give it other conditions",
            ));
        } else {
            findings.push(Finding::warns(
                format!("{what} and may match some of its visitors"),
                "during maintenance it would catch them",
                "let the window cover it too if it serves the same site",
            ));
        }
    }
    findings
}

/// What would make a window fail refuses it; what would make it odd is returned, a sentence each.
///
/// # Errors
/// [`Error::InvalidEvent`] naming all that would make it fail.
pub fn refuse_or_warn(findings: Vec<Finding>) -> Result<Vec<String>, Error> {
    let (problems, warnings): (Vec<Finding>, Vec<Finding>) =
        findings.into_iter().partition(|finding| finding.severity == Severity::Blocks);
    let told = |findings: Vec<Finding>| findings.iter().map(Finding::sentence).collect();
    if problems.is_empty() { Ok(told(warnings)) } else { Err(Error::InvalidEvent(told(problems))) }
}

/// Everything about the settings and the surroundings that a window depends on.
pub async fn everything(run: Run<'_>, asked: &Inquiry, table: Result<&Table, &Error>) -> Vec<Finding> {
    let config = &run.app.config;
    let refused = |problem: &String| Finding::blocks(problem.clone(), "the window would be refused", "mend the field");
    let mut findings: Vec<Finding> = asked.problems.iter().map(refused).collect();
    findings.extend(settings(config));
    let covered = &asked.rules;
    let seen = listeners(run, covered).await;
    let nothing = Table::default();
    findings.extend(rules(covered, &seen, table.unwrap_or(&nothing), config.bypass.as_ref()));
    findings.extend(config.bypass.iter().flat_map(secret));
    findings.extend(insecure(config.probe_url.as_deref()));
    findings.extend(subscribers(run).await);
    match table {
        Err(error) => findings.push(Finding::blocks(
            error.full(),
            "windows are kept in the table",
            "see that the stack's table exists and that the function may read and write it",
        )),
        Ok(table) => {
            findings.extend(asked.booking.iter().flat_map(|booking| overlaps(booking, table, config)));
            findings.extend(table.unreadable.values().map(|problem| {
                Finding::warns(problem.clone(), "what it stands for is not looked after", "mend or delete the item")
            }));
        }
    }
    findings.extend(outside(run, &seen, covered).await);
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// Settings that cannot be used; those without which nothing can be narrowed refuse every window.
fn settings(config: &Config) -> Vec<Finding> {
    let blocks = config.narrows_nothing();
    let findings = config.problems.iter().map(|problem| {
        let what = problem.what();
        let fix = "change the stack's parameters and deploy";
        if blocks.as_ref().is_some_and(|all| all.contains(&problem.sentence())) {
            Finding::blocks(what, problem.disables, fix)
        } else {
            Finding::warns(what, problem.disables, fix)
        }
    });
    findings.collect()
}

fn secret(bypass: &Bypass) -> Vec<Finding> {
    let values = bypass.values_in_clear();
    let mut findings = vec![];
    if values.iter().any(|value| value.len() < STRONG_LENGTH) {
        findings.push(Finding::warns(
            format!("a bypass value is shorter than {STRONG_LENGTH} characters"),
            "who guesses it gets past the maintenance page",
            "make one with `openssl rand -hex 24`",
        ));
    }
    if values.iter().any(|value| value.bytes().any(|byte| byte.is_ascii_uppercase())) {
        findings.push(Finding::warns(
            "a bypass value has upper-case letters".to_owned(),
            "the load balancer ignores case, so they add nothing to its strength",
            "make one with `openssl rand -hex 24`",
        ));
    }
    findings
}

/// The tester's header goes to the probe's own address only, so one that redirects loses it.
fn insecure(probe_url: Option<&str>) -> Option<Finding> {
    probe_url.filter(|url| url.starts_with("http://")).map(|_| {
        Finding::warns(
            "ProbeUrl begins with http://".to_owned(),
            "the bypass value can be read on the way, and a redirect to https loses it, so no tester is ever seen",
            "set ProbeUrl to the https address that visitors end up at",
        )
    })
}

async fn subscribers(run: Run<'_>) -> Option<Finding> {
    match run.app.aws.topic.subscriber_count().await {
        Ok(0) => Some(Finding::warns(
            "nobody has confirmed a subscription of the topic".to_owned(),
            "reports of a failure would reach no one",
            "subscribe an address to the stack's topic and confirm it",
        )),
        Ok(_) => None,
        Err(error) if matches!(error.code(), Some("AuthorizationError" | "AccessDenied" | "AccessDeniedException")) => {
            Some(Finding::warns(
                "the topic may not be read".to_owned(),
                "whether anyone hears of a failure is not known",
                "allow sns:GetTopicAttributes on the topic",
            ))
        }
        Err(error) => {
            Some(Finding::blocks(error.full(), "reports could not be published", "see that the stack's topic exists"))
        }
    }
}

fn overlaps(booking: &Booking, table: &Table, config: &Config) -> Vec<Finding> {
    let before = |end: Option<_>, start| end.is_some_and(|end| end <= start);
    let rules = booking.rules.resolve(&config.rules);
    let others = table.windows.iter().filter(|other| {
        let covers = rules.iter().any(|rule| other.rules.covers(rule, config.rules.contains(rule)));
        let ahead = matches!(other.state, State::Booked | State::Active);
        let meets = !before(other.end, booking.start) && !before(booking.end, other.start);
        covers && ahead && meets && Some(&other.id) != booking.id.as_ref()
    });
    others
        .map(|other| {
            Finding::warns(
                format!("window {} overlaps with this one on the same rules", other.id),
                "the site opens only when the last of them is over",
                "nothing, if that is meant",
            )
        })
        .collect()
}

/// What the public name answers now, held against what the rules show.
async fn outside(run: Run<'_>, listeners: &Listeners, covered: &[RuleArn]) -> Option<Finding> {
    let probe = run.app.probe.as_ref()?;
    let bypass = run.app.config.bypass.as_ref();
    let ours = |condition: &Condition| bypass.is_some_and(|bypass| conditions::is_bypass(condition, bypass));
    let dark = covered.iter().any(|rule| {
        let Some(Ok(Some(listener))) = listeners.get(&rule.listener()) else { return false };
        listener
            .rules
            .iter()
            .any(|found| &found.arn == rule && matches!(&found.seen, Seen::Conditions(all) if all.iter().any(ours)))
    });
    let glance = probe.glance().await;
    if glance.shows(if dark { Expect::Maintenance } else { Expect::Open }, 0) {
        return None;
    }
    Some(Finding::warns(
        format!("ProbeUrl answers a visitor {} and a tester {}", glance.visitor, glance.tester),
        "a window's start and end could not be seen from outside",
        "see that ProbeUrl leads to the rules, and that what is in front of them passes the bypass header on",
    ))
}
