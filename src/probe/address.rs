//! Addresses of the site, and what may be said of them.

use url::Url;

/// Whether this is the site that the probe is to ask: the same host, with or without `www.`, by the same way or by TLS
/// instead of HTTP.
///
/// Names are compared whole: whether `login.example.com` is a part of `www.example.com` only its owner knows, and a port
/// of its own is a server of its own.
pub(super) fn is_of_site(url: &Url, site: &Url) -> bool {
    let same_way = match (site.scheme(), url.scheme()) {
        ("http", "https") => site.port().is_none() && url.port().is_none(),
        (asked, reached) => asked == reached && site.port() == url.port(),
    };
    same_way && site_name(url) == site_name(site)
}

/// The host's name without `www.` and without the dot that may end a full name.
pub(super) fn site_name(url: &Url) -> Option<&str> {
    let host = url.host_str()?;
    let host = host.strip_suffix('.').unwrap_or(host);
    Some(host.strip_prefix("www.").unwrap_or(host))
}

/// The URL without what may be secret in it.
pub(super) fn place(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

/// The URL without a user name and password, and without the fragment that no server sees.
pub(super) fn bare(mut url: Url) -> Url {
    // Refused only for URLs that cannot have them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    url
}

pub(super) fn web_url(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}
