//! What a visitor or a tester got, and what it shows.

use std::fmt;

use aws_smithy_runtime_api::{client::orchestrator::HttpResponse, http::Headers};
use url::Url;

use super::address::place;
use crate::model::seen::Met;

/// The status of the maintenance page.
const MAINTENANCE: u16 = 503;

/// What visitors should get; testers should get the application either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The maintenance page.
    Maintenance,
    /// The application.
    Open,
}

/// What a visitor and a tester got at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// What the visitor got.
    pub visitor: Answer,
    /// What the tester got.
    pub tester: Answer,
}

/// What one of them got; its `Display` continues "a visitor got …" and holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub(super) status: Option<u16>,
    pub(super) copy: Option<Copied>,
    /// Whether another site answered, to which the probe's URL redirects.
    pub(super) elsewhere: bool,
    pub(super) words: String,
}

/// The marks of an answer that a cache gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Copied {
    age_secs: Option<u64>,
}

/// The answer to one request, before any redirect is followed.
pub(super) struct Hop {
    pub(super) status: u16,
    pub(super) copy: Option<Copied>,
    /// Whether it says when to ask again.
    pub(super) retry_after: bool,
    /// Where a redirect leads; none for an answer that is no redirect.
    pub(super) leads: Option<Result<String, &'static str>>,
}

impl Glance {
    /// Whether the tester's request succeeded just now: a status below 400, from the site itself and from no cache.
    ///
    /// Stricter than what shows that a rule was opened: whoever reopens a site by it wants to know that the application
    /// works, and a missing front page is no sign of that.
    #[must_use]
    pub fn tester_is_well(&self) -> bool {
        self.tester.is_application(0) && self.tester.status.is_some_and(|status| status < 400)
    }

    /// Whether both got what they should.
    pub(crate) fn shows(&self, expect: Expect, watched_secs: i64) -> bool {
        let visitor = match expect {
            Expect::Maintenance => self.visitor.is_maintenance(watched_secs),
            Expect::Open => self.visitor.is_application(watched_secs),
        };
        visitor && self.tester.is_application(watched_secs)
    }
}

impl Answer {
    /// The status, if there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// What it shows of the site just now.
    #[must_use]
    pub fn met(&self) -> Met {
        if !self.is_proof(0) {
            Met::Nothing
        } else if self.is_maintenance(0) {
            Met::Maintenance
        } else if self.is_application(0) {
            Met::Application
        } else {
            Met::Failure
        }
    }

    fn is_maintenance(&self, watched_secs: i64) -> bool {
        self.is_proof(watched_secs) && self.status == Some(MAINTENANCE)
    }

    fn is_application(&self, watched_secs: i64) -> bool {
        self.is_proof(watched_secs) && self.status.is_some_and(|status| (200..500).contains(&status))
    }

    /// Whether the site itself made the answer, after the watch began. Ages are whole seconds, rounded down.
    fn is_proof(&self, watched_secs: i64) -> bool {
        let since = |age: u64| i64::try_from(age).is_ok_and(|age| age < watched_secs);
        !self.elsewhere && self.copy.is_none_or(|copy| copy.age_secs.is_some_and(since))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Hop {
    pub(super) fn new(response: &HttpResponse) -> Self {
        let status = response.status().as_u16();
        let leads =
            matches!(status, 301 | 302 | 303 | 307 | 308).then(|| match response.headers().try_get("location") {
                Some(Ok(location)) => Ok(location.to_owned()),
                Some(Err(_)) => Err("to an address that cannot be read: it is not UTF-8"),
                None => Err("that does not say where to: expected a Location header, but found none"),
            });
        let retry_after = response.headers().get("retry-after").is_some();
        Self { status, copy: Copied::new(status, response.headers()), retry_after, leads }
    }
}

impl Copied {
    /// The marks of a cache, if there are any: an `Age`, or an `X-Cache` that says so.
    ///
    /// CloudFront fetches its page for a 503 from elsewhere and may send that page's age with it, though the site was
    /// asked; it marks such an answer as an error.
    fn new(status: u16, headers: &Headers) -> Option<Self> {
        let age_secs = headers.get("age").and_then(|age| age.trim().parse().ok());
        let told = headers.get("x-cache").unwrap_or_default().trim().to_ascii_lowercase();
        let error_page = status == MAINTENANCE && told.starts_with("error");
        let copied = age_secs.is_some_and(|age: u64| age > 0) || told.starts_with("hit");
        (copied && !error_page).then_some(Self { age_secs })
    }
}

/// To continue "status 503 from …".
impl fmt::Display for Copied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let age = self.age_secs.map(|age| format!(" {age}s old")).unwrap_or_default();
        write!(f, " from a cache{age} (set ProbeUrl to a page that is not cached)")
    }
}

pub(super) fn words(status: u16, place_reached: Option<&Url>) -> String {
    let reached = place_reached.map(|url| format!(" from {}", place(url))).unwrap_or_default();
    format!("status {status}{reached}")
}

/// Why an answer proves nothing, or less than it seems to, and what to do.
pub(super) fn note(elsewhere: bool, without_header: bool) -> &'static str {
    match (elsewhere, without_header) {
        (true, true) => {
            " (another host or port than ProbeUrl's, so the bypass header was not sent and the answer shows nothing of \
             the site; set ProbeUrl to a page that the site answers itself, or to this address if it is the same site)"
        }
        (true, false) => {
            " (another host or port than ProbeUrl's, so the answer shows nothing of the site; set ProbeUrl to a page \
             that the site answers itself, or to this address if it is the same site)"
        }
        (false, true) => {
            " (not ProbeUrl's scheme, host and port, so the bypass header was not sent; set ProbeUrl to this address)"
        }
        (false, false) => "",
    }
}
