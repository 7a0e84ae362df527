//! The site seen from outside, as a visitor and as a tester.
//!
//! Only the status and headers of an answer count; no body is read. The bypass header goes to where the probe's URL
//! points and nowhere else, and nothing that is said here holds its value.
//!
//! What another site answers after a redirect proves nothing: a load balancer that demands a login and a CDN that parks
//! a name redirect as well while the application is down.

use std::{error::Error, fmt, time::Duration};

use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::{Headers, HttpError},
};
use tokio::time::{Instant, sleep_until, timeout_at};
use url::Url;

use crate::{
    clock::Clock,
    error::chain,
    model::{bypass::Bypass, seen::Met},
    redact::{readable, scrubbed},
};

/// How long a visitor or tester waits for an answer, redirects included; people give up sooner.
pub const TRY_TIMEOUT: Duration = Duration::from_secs(5);

/// How far apart tries begin: often enough to tell seconds, seldom enough for any site.
const TRY_INTERVAL: Duration = Duration::from_secs(1);

/// How many redirects are followed: one to HTTPS, one to a language, one to a login, and some to spare.
const REDIRECTS_MAX: usize = 5;

/// What the site's logs know the probe by.
const USER_AGENT: &str = "maintenance-window-probe";

/// Where the visitors' page is at the edge, …
const PAGE: &str = "/errors/503.html";

/// … and the link that ends a tester's visit, which the edge answers by a redirect.
const SIGN_OUT: &str = "maintenance-bypass=off";

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

/// Asks a URL as a visitor and as a tester.
#[derive(Clone)]
pub struct Probe {
    site: Result<Url, String>,
    bypass: Option<Bypass>,
    clock: Clock,
    web: SharedHttpConnector,
    try_timeout: Duration,
}

/// What came of watching for a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Whether both got what they should.
    pub seen: bool,
    /// How long that took, or how long it was waited for in vain.
    pub after_secs: i64,
    /// What that means.
    pub met: Met,
    /// What the visitor got last, to continue "a visitor got …".
    pub visitor: String,
    /// What the tester got last, to continue "a tester got …".
    pub tester: String,
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
    status: Option<u16>,
    copy: Option<Copied>,
    /// Whether another site answered, to which the probe's URL redirects.
    elsewhere: bool,
    words: String,
}

/// The marks of an answer that a cache gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Copied {
    age_secs: Option<u64>,
}

/// What the edge answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Whether the visitors' page is there; if not, what came instead.
    pub page: Result<(), String>,
    /// Whether a bypass link is answered at the edge; if not, what came instead.
    pub link: Result<(), String>,
}

/// The answer to one request, before any redirect is followed.
struct Hop {
    status: u16,
    copy: Option<Copied>,
    /// Where a redirect leads; none for an answer that is no redirect.
    leads: Option<Result<String, &'static str>>,
}

/// The way to the web: HTTP/1.1 and HTTP/2, with and without TLS, following no redirects.
///
/// Every request gets a connection of its own, so that an address the site has left is not asked for ever, and a
/// connection that died while the process was frozen is not mistaken for a dead site.
#[must_use]
pub fn connector() -> SharedHttpConnector {
    SharedHttpConnector::new(
        Connector::builder()
            .pool_max_idle_per_host(0)
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .build(),
    )
}

impl Probe {
    /// Takes the URL to ask, and the header that makes a tester; a second secret is not tried.
    ///
    /// A user name and password in the URL are not sent. A URL that cannot be asked is every answer's words.
    #[must_use]
    pub fn new(url: &str, bypass: Option<&Bypass>, clock: Clock, web: SharedHttpConnector) -> Self {
        let site = Url::parse(url)
            .map_err(|problem| problem.to_string())
            .and_then(|url| if web_url(&url) { Ok(bare(url)) } else { Err(format!("its scheme is {}", url.scheme())) })
            .map_err(|problem| {
                format!("nothing, since ProbeUrl cannot be asked: expected an http or https URL, but {problem}")
            });
        Self { site, bypass: bypass.cloned(), clock, web, try_timeout: TRY_TIMEOUT }
    }

    /// Waits this long for each answer instead of [`TRY_TIMEOUT`].
    #[must_use]
    pub fn with_try_timeout(self, try_timeout: Duration) -> Self {
        Self { try_timeout, ..self }
    }

    /// Asks as a visitor and as a tester, about once a second, until both answers to one asking are right or `patience`
    /// has passed; takes at most one [`TRY_TIMEOUT`] longer than that.
    ///
    /// An answer is right for a visitor in [`Expect::Maintenance`] if it is a 503, otherwise if its status is below
    /// 500: a 404 or 401 still shows that the application answered. A cached answer counts only if its `Age` shows that
    /// it was made after the watch began, and an answer of another site never.
    pub async fn watch(&self, expect: Expect, patience: Duration) -> Sight {
        let began = (self.clock)();
        let watched_secs = || (self.clock)().duration_since(began).as_secs().max(0);
        let deadline = Instant::now() + patience;
        loop {
            // An age is compared with the time before asking: the answers may come seconds later.
            let asked_after_secs = watched_secs();
            let next = Instant::now() + TRY_INTERVAL;
            let glance = self.glance().await;
            let seen = glance.shows(expect, asked_after_secs);
            if seen || next.max(Instant::now()) > deadline {
                let Glance { visitor, tester } = glance;
                let (met, after_secs) = (visitor.met(), watched_secs());
                return Sight { seen, after_secs, met, visitor: visitor.words, tester: tester.words };
            }
            sleep_until(next).await;
        }
    }

    /// Asks once as a visitor and as a tester, both at the same time.
    pub async fn glance(&self) -> Glance {
        let secret = self.secrets().into_iter().next();
        let tester = async {
            match &secret {
                Some(secret) => self.ask(Some(secret)).await,
                None => Err("nothing, since there is no bypass value to send".to_owned()),
            }
        };
        let (visitor, tester) = tokio::join!(self.ask(None), tester);
        Glance { visitor: self.in_words(visitor), tester: self.in_words(tester) }
    }

    /// Asks the edge for the visitors' page, and for the end of a bypass link, which needs no secret: the status of
    /// each, or why there is none.
    pub async fn edge(&self) -> Edge {
        let ask = async |path: &str, query: Option<&str>| {
            let mut url = self.site.as_ref().map_err(Clone::clone)?.clone();
            url.set_path(path);
            url.set_query(query);
            let hop = self.hop(&url, None, Instant::now() + self.try_timeout).await?;
            Ok::<(u16, bool), String>((hop.status, hop.leads.is_some()))
        };
        let (page, link) = tokio::join!(ask(PAGE, None), ask("/", Some(SIGN_OUT)));
        let readable = |words: String| readable(&words, &self.secrets());
        Edge {
            page: page.map_err(readable).and_then(
                |(status, _)| {
                    if status == 200 { Ok(()) } else { Err(format!("status {status}")) }
                },
            ),
            link: link.map_err(readable).and_then(
                |(status, leads)| {
                    if leads { Ok(()) } else { Err(format!("status {status}")) }
                },
            ),
        }
    }

    /// Asks with the secret or without, and follows redirects; says in words why there is no answer.
    async fn ask(&self, secret: Option<&str>) -> Result<Answer, String> {
        let site = self.site.as_ref().map_err(Clone::clone)?;
        let deadline = Instant::now() + self.try_timeout;
        let mut url = site.clone();
        // A cached redirect to another host is all that was heard of this one.
        let mut copy_left = None;
        for _ in 0..=REDIRECTS_MAX {
            let sent = secret.filter(|_| url.origin() == site.origin());
            let hop = self.hop(&url, sent, deadline).await?;
            let Some(leads) = hop.leads else {
                let copy = hop.copy.or(copy_left);
                let elsewhere = !is_of_site(&url, site);
                let mut words = words(hop.status, (url != *site).then_some(&url));
                words += note(elsewhere, secret.is_some() && sent.is_none());
                words += &copy.map(|copy| copy.to_string()).unwrap_or_default();
                return Ok(Answer { status: Some(hop.status), copy, elsewhere, words });
            };
            let next = leads
                .map_err(str::to_owned)
                .and_then(|location| self.redirected(&url, &location))
                .map_err(|problem| format!("a redirect ({}) from {} {problem}", hop.status, place(&url)))?;
            if next.host() != url.host() {
                copy_left = copy_left.or(hop.copy);
            }
            url = next;
        }
        Err(format!("more than {REDIRECTS_MAX} redirects, the last to {}", place(&url)))
    }

    async fn hop(&self, url: &Url, secret: Option<&str>, deadline: Instant) -> Result<Hop, String> {
        let request = self
            .request(url, secret)
            .map_err(|error| format!("nothing, since {} cannot be asked: {}", place(url), chain(&error)))?;
        match timeout_at(deadline, self.web.call(request)).await {
            Ok(Ok(response)) => Ok(Hop::new(&response)),
            // The connector's own words only sort its errors; their causes tell.
            Ok(Err(error)) => {
                let told = error.source().map_or_else(|| error.to_string(), chain);
                Err(format!("no HTTP answer from {}: {told}", place(url)))
            }
            Err(_) => Err(format!("no answer from {} within {:?}", place(url), self.try_timeout)),
        }
    }

    /// A request that asks caches to ask the site, in one header that changes neither the URL nor what the site sees
    /// of it.
    fn request(&self, url: &Url, secret: Option<&str>) -> Result<HttpRequest, HttpError> {
        let mut request = HttpRequest::get(url.as_str())?;
        let headers = request.headers_mut();
        headers.insert("accept", "*/*");
        headers.insert("cache-control", "no-cache");
        headers.insert("user-agent", USER_AGENT);
        if let Some((bypass, secret)) = self.bypass.as_ref().zip(secret) {
            headers.try_insert(bypass.name.to_ascii_lowercase(), secret.to_owned())?;
        }
        Ok(request)
    }

    /// Where a redirect leads, or why it is not followed, to continue "a redirect …".
    fn redirected(&self, from: &Url, location: &str) -> Result<Url, String> {
        let to = from.join(location).map_err(|problem| format!("to an address that cannot be read: {problem}"))?;
        if !web_url(&to) {
            return Err(format!("to a scheme that is not followed: expected http or https, but found {}", to.scheme()));
        }
        if from.scheme() == "https" && to.scheme() == "http" && site_name(from) == site_name(&to) {
            return Err("to the same host without TLS, which was not followed: everything sent there can be read on \
                        the way"
                .to_owned());
        }
        let elsewhere = to.origin() != from.origin();
        if elsewhere && scrubbed(to.as_str(), &self.secrets()) != to.as_str() {
            return Err("to another host with the bypass value in its address, which was not followed".to_owned());
        }
        Ok(bare(to))
    }

    fn secrets(&self) -> Vec<String> {
        self.bypass.iter().flat_map(Bypass::values_in_clear).collect()
    }

    fn in_words(&self, asked: Result<Answer, String>) -> Answer {
        let answer = asked.unwrap_or_else(|words| Answer { status: None, copy: None, elsewhere: false, words });
        Answer { words: readable(&answer.words, &self.secrets()), ..answer }
    }
}

/// The URL is left out but for its origin: it may hold a token.
impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let site = self.site.as_ref().map(|url| url.origin().ascii_serialization());
        f.debug_struct("Probe").field("site", &site).field("bypass", &self.bypass).finish_non_exhaustive()
    }
}

impl Glance {
    /// Whether the tester's request succeeded just now: a status below 400, from the site itself and from no cache.
    ///
    /// Stricter than what shows that a rule was turned, since whoever reopens a site by it wants to know that the
    /// application works, and a missing front page is no sign of that.
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
    fn new(response: &HttpResponse) -> Self {
        let status = response.status().as_u16();
        let leads =
            matches!(status, 301 | 302 | 303 | 307 | 308).then(|| match response.headers().try_get("location") {
                Some(Ok(location)) => Ok(location.to_owned()),
                Some(Err(_)) => Err("to an address that cannot be read: it is not UTF-8"),
                None => Err("that does not say where to: expected a Location header, but found none"),
            });
        Self { status, copy: Copied::new(status, response.headers()), leads }
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

fn words(status: u16, place_reached: Option<&Url>) -> String {
    let reached = place_reached.map(|url| format!(" from {}", place(url))).unwrap_or_default();
    format!("status {status}{reached}")
}

/// Why an answer proves nothing, or less than it seems to, and what to do.
fn note(elsewhere: bool, without_header: bool) -> &'static str {
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

/// Whether this is the site that the probe is to ask: the same host, with or without `www.`, by the same way or by TLS
/// instead of HTTP.
///
/// Names are compared whole: whether `login.example.com` is a part of `www.example.com` only its owner knows, and a port
/// of its own is a server of its own.
fn is_of_site(url: &Url, site: &Url) -> bool {
    let same_way = match (site.scheme(), url.scheme()) {
        ("http", "https") => site.port().is_none() && url.port().is_none(),
        (asked, reached) => asked == reached && site.port() == url.port(),
    };
    same_way && site_name(url) == site_name(site)
}

/// The host's name without `www.` and without the dot that may end a full name.
fn site_name(url: &Url) -> Option<&str> {
    let host = url.host_str()?;
    let host = host.strip_suffix('.').unwrap_or(host);
    Some(host.strip_prefix("www.").unwrap_or(host))
}

/// The URL without what may be secret in it.
fn place(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

/// The URL without a user name and password, and without the fragment that no server sees.
fn bare(mut url: Url) -> Url {
    // Refused only for URLs that cannot have them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    url
}

fn web_url(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}
