//! The site seen from outside, as a visitor and as a tester.
//!
//! Only the status and headers of an answer count; no body is read. The bypass header goes to where the probe's URL
//! points and nowhere else, and nothing that is said here holds its value.
//!
//! What another site answers after a redirect proves nothing: a load balancer that demands a login and a CDN that parks
//! a name redirect as well while the application is down.

mod address;
mod answer;

pub use answer::{Answer, Expect, Glance};

use std::{fmt, time::Duration};

use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, SharedHttpConnector},
        orchestrator::HttpRequest,
    },
    http::HttpError,
};
use tokio::time::{Instant, sleep_until, timeout_at};
use url::Url;

use address::{bare, is_of_site, place, site_name, web_url};
use answer::{Hop, note, words};

use crate::{
    clock::Clock,
    error::{causes, chain},
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

/// … and the link that ends a tester's visit, which the edge answers by a redirect to the same page without it.
const SIGN_OUT: &str = "maintenance-bypass=off";

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

/// What the edge answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Whether the visitors' page is there; if not, what came instead.
    pub page: Result<(), NoPage>,
    /// Whether a bypass link is answered at the edge; if not, what came instead.
    pub link: Result<(), String>,
}

/// What came instead of the visitors' page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPage {
    /// Something else, to continue "a visitor got …".
    Other(String),
    /// An answer with status 200 that may be the page, or the application's own, as some answer so to every path: the
    /// header is missing by which the edge's policy for pages marks its own.
    Unmarked,
}

/// The way to the web: HTTP/1.1 and HTTP/2, with and without TLS, following no redirects.
///
/// Every request gets a connection of its own, so that an address that the site has left is not asked forever, and a
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

    /// Asks the edge for the visitors' page, and for the end of a bypass link, which needs no secret.
    pub async fn edge(&self) -> Edge {
        let ask = async |path: &str, query: Option<&str>| {
            let mut url = self.site.as_ref().map_err(Clone::clone)?.clone();
            url.set_path(path);
            url.set_query(query);
            self.hop(&url, None, Instant::now() + self.try_timeout).await
        };
        let (page, link) = tokio::join!(ask(PAGE, None), ask("/", Some(SIGN_OUT)));
        let other = |asked: Result<Hop, String>| match asked {
            Ok(hop) => format!("status {}", hop.status),
            Err(words) => readable(&words, &self.secrets()),
        };
        Edge {
            page: match page {
                Ok(hop) if hop.status == 200 && hop.retry_after => Ok(()),
                Ok(hop) if hop.status == 200 => Err(NoPage::Unmarked),
                page => Err(NoPage::Other(other(page))),
            },
            // Where the site itself redirects to says nothing of the edge.
            link: match link {
                Ok(Hop { leads: Some(Ok(location)), .. }) if location == "/" => Ok(()),
                link => Err(other(link)),
            },
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
            Ok(Err(error)) => Err(format!("no HTTP answer from {}: {}", place(url), causes(&error))),
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
