//! The settings, the topic, and the site as it is seen from outside.

use jiff::Timestamp;

use crate::{
    app::Run,
    aws::topic::Subscriptions,
    config::Config,
    model::{bypass::Bypass, rule_arn::RuleArn, table::Table},
    plan::{Form, Plan, site::SiteState},
    probe::{Expect, NoPage},
    report::finding::Finding,
};

/// A secret shorter than this can be guessed with patience.
const STRONG_LENGTH: usize = 32;

/// What Lambda allows for all environment variables of a function, in bytes (Lambda developer guide, "Quotas").
const ENVIRONMENT_MAX: usize = 4096;

/// What is left of that by names and values that Lambda's own bookkeeping does not count, when it is time to say so.
const ENVIRONMENT_FULL: usize = 3600;

/// Settings that cannot be used; those without which nothing can be narrowed refuse every window.
pub(super) fn settings(config: &Config) -> Vec<Finding> {
    let blocks = config.narrows_nothing();
    let findings = config.problems.iter().map(|problem| {
        let what = problem.what();
        let fix = "change the stack's parameters and deploy";
        if blocks.as_ref().is_some_and(|all| all.contains(&problem.sentence())) {
            Finding::error(what, problem.disables, fix)
        } else {
            Finding::warning(what, problem.disables, fix)
        }
    });
    let full = (config.size >= ENVIRONMENT_FULL).then(|| {
        Finding::warning(
            format!("the settings take {} of the {ENVIRONMENT_MAX} bytes that Lambda allows", config.size),
            "with a few rules more the stack cannot be deployed",
            "put further rules into a stack of their own",
        )
    });
    findings.chain(full).collect()
}

pub(super) fn secret(bypass: &Bypass) -> Vec<Finding> {
    let values = bypass.values_in_clear();
    let mut findings = vec![];
    if values.iter().any(|value| value.len() < STRONG_LENGTH) {
        findings.push(Finding::warning(
            format!("a bypass value is shorter than {STRONG_LENGTH} characters"),
            "who guesses it gets past the maintenance page",
            "make one with `openssl rand -hex 24`",
        ));
    }
    if values.iter().any(|value| value.bytes().any(|byte| byte.is_ascii_uppercase())) {
        findings.push(Finding::warning(
            "a bypass value has upper-case letters".to_owned(),
            "the load balancer ignores case, so they add nothing to its strength",
            "make one with `openssl rand -hex 24`",
        ));
    }
    findings
}

/// The tester's header goes to the probe's own address only, so one that redirects loses it.
pub(super) fn insecure(probe_url: Option<&str>) -> Option<Finding> {
    probe_url.filter(|url| url.starts_with("http://")).map(|_| {
        Finding::warning(
            "ProbeUrl begins with http://".to_owned(),
            "the bypass value can be read on the way, and a redirect to https loses it, so no tester is ever seen",
            "set ProbeUrl to the https address that visitors end up at",
        )
    })
}

pub(super) async fn subscribers(run: Run<'_>) -> Option<Finding> {
    let nobody =
        |what: &str, fix: &str| Some(Finding::warning(what.to_owned(), "reports of a failure would reach no one", fix));
    match run.app.aws.topic.subscriptions().await {
        Ok(Subscriptions { confirmed: 0, pending: 0, deleted: 0 }) => {
            nobody("nobody has subscribed to the topic", "subscribe an address to the stack's topic and confirm it")
        }
        Ok(Subscriptions { confirmed: 0, pending: 0, .. }) => nobody(
            "the topic's last subscription was removed, perhaps by a click on the link in a mail",
            "subscribe an address to the stack's topic again and confirm it",
        ),
        Ok(Subscriptions { confirmed: 0, .. }) => nobody(
            "nobody has confirmed a subscription of the topic",
            "let whoever owns the address run aws sns confirm-subscription --topic-arn ARN --token TOKEN \
             --authenticate-on-unsubscribe true, with the token in the link of AWS's mail; after a click on that link, \
             any reader of a mail can unsubscribe",
        ),
        Ok(_) => None,
        Err(error) if matches!(error.code(), None | Some("NotFound" | "InvalidParameter")) => {
            Some(Finding::error(error.full(), "reports could not be published", "see that the stack's topic exists"))
        }
        Err(error) => Some(Finding::warning(
            error.full(),
            "whether anyone hears of a failure is not known",
            "allow sns:GetTopicAttributes on the topic, and check again",
        )),
    }
}

/// What the public name answers now, held against what the rules show; none if there is no address to ask. One URL shows
/// one state, so nothing is asked while some rules are open and others are not.
pub(super) async fn outside(run: Run<'_>, plan: Option<&Plan>, covered: &[RuleArn]) -> Option<Vec<Finding>> {
    let probe = run.app.probe.as_ref()?;
    let forms: Vec<Option<Form>> = covered.iter().map(|rule| plan?.rule(rule)?.form).collect();
    let any = |form: Option<Form>| forms.contains(&form);
    let expected = match (any(Some(Form::HeaderOnly)), any(Some(Form::Open)), any(None)) {
        (true, true, _) => return None,
        (true, false, _) => Expect::Maintenance,
        (false, _, true) => {
            return Some(vec![Finding::warning(
                "what ProbeUrl should answer is not known".to_owned(),
                "whether a rule lets visitors in could not be told",
                "fix what else was found about the rules, and check again",
            )]);
        }
        (false, _, false) => Expect::Open,
    };
    let glance = probe.glance().await;
    if glance.shows(expected, 0) {
        return Some(vec![]);
    }
    Some(vec![Finding::warning(
        format!("ProbeUrl answers a visitor {} and a tester {}", glance.visitor, glance.tester),
        "a window's start and end could not be seen from outside",
        "see that ProbeUrl leads to the rules, and that what is in front of them passes the bypass header on",
    )])
}

/// What visitors could not be told when that was last tried. It is not tried here, since it would change something; the
/// first sweep after a deployment tries it.
pub(super) fn bucket(table: &Table, now: Timestamp) -> Option<Finding> {
    let problem = table.untold(now)?;
    let fix = "see that ErrorBucket exists, in the stack's Region, and that its policy lets the function write, then wait for \
               the next sweep";
    Some(Finding::warning(problem, "visitors may read what is no longer so", fix))
}

/// A setting that needs another one.
pub(super) fn announces_nowhere(config: &Config) -> Option<Finding> {
    (config.announce_before.is_some() && config.error_bucket.is_none()).then(|| {
        Finding::warning(
            "AnnounceBefore is set, but ErrorBucket is not".to_owned(),
            "nothing is announced",
            "set ErrorBucket to the bucket of the edge, or leave AnnounceBefore empty",
        )
    })
}

/// The visitors' page and the bypass link at the edge, asked while the site is open; none if there is no edge to ask.
pub(super) async fn edge(run: Run<'_>, site: SiteState) -> Option<Vec<Finding>> {
    let (probe, _page) = run.app.probe.as_ref().zip(run.app.bucket.as_ref())?;
    if site != SiteState::Open {
        return None;
    }
    let edge = probe.edge().await;
    let page = edge.page.err().map(|instead| match instead {
        NoPage::Other(found) => Finding::warning(
            format!("the visitors' page is not at ProbeUrl's /errors/503.html: a visitor got {found}"),
            "during maintenance visitors would get an empty answer or the load balancer's bare one",
            "upload the pages to the stack's ErrorBucket, and see that the distribution serves /errors/*.html from it, with \
             the response headers policy for pages",
        ),
        NoPage::Unmarked => Finding::warning(
            "whether the visitors' page is at ProbeUrl's /errors/503.html could not be told from an answer of the \
             application: a visitor got status 200 without Retry-After, which the edge adds to its pages"
                .to_owned(),
            "if it is not there, visitors would get an empty answer during maintenance or the load balancer's bare one",
            "open that address: if it shows the visitors' page, give the distribution's behaviour for /errors/*.html the \
             response headers policy for pages; otherwise upload the pages to the stack's ErrorBucket, and see that the \
             distribution serves /errors/*.html from it",
        ),
    });
    let link = edge.link.err().map(|found| {
        Finding::warning(
            format!(
                "the bypass link is not answered at ProbeUrl: ?maintenance-bypass=off got {found}, not a redirect to /"
            ),
            "testers could pass by the header only",
            "give the distribution's behaviours the edge's function, or leave the link out and send the header",
        )
    });
    Some(page.into_iter().chain(link).collect())
}
