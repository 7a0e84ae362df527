//! The probe against small real servers on this machine, and, where TLS is spoken of, against answers made up.

use std::{
    fmt::Write as _,
    io::{Read, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::body::SdkBody;
use jiff::{SignedDuration, Timestamp};
use maintenance_window::{
    app::Clock,
    model::{bypass::Bypass, seen::Met},
    probe::{Expect, Glance, NoPage, Probe, Sight, connector},
};
use tokio::time::Instant;

const HEADER: &str = "X-Maintenance-Bypass";
const SECRET: &str = "Tester-Secret-0123456789";
const OLD_SECRET: &str = "old-tester-secret-987654";

/// A server on a port of its own, which remembers the head of every request.
struct Site {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

/// One request, as a server sees it.
struct Asked {
    /// Whether it carries the secret.
    tester: bool,
    path: String,
    /// How many came before it of the same kind, visitor's or tester's.
    before: usize,
}

impl Site {
    /// Answers every request with what `answer` says, and closes the connection.
    fn start(answer: impl Fn(&Asked) -> String + Send + Sync + 'static) -> Self {
        Self::raw(move |asked, stream| {
            let _ = stream.write_all(answer(asked).as_bytes());
        })
    }

    fn raw(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let site = Self { port: listener.local_addr().expect("an address").port(), heads: Arc::default() };
        let (heads, answer) = (site.heads.clone(), Arc::new(answer));
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let (heads, answer) = (heads.clone(), answer.clone());
                thread::spawn(move || {
                    let head = head(&mut stream);
                    let tester = is_tester(&head);
                    let before = {
                        let mut heads = heads.lock().expect("no panic");
                        let before = heads.iter().filter(|head| is_tester(head) == tester).count();
                        heads.push(head.clone());
                        before
                    };
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    answer(&Asked { tester, path, before }, &mut stream);
                });
            }
        });
        site
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }

    /// The paths that were asked for as a tester, or as a visitor.
    fn paths(&self, tester: bool) -> Vec<String> {
        let heads = self.heads();
        let paths = heads.iter().filter(|head| is_tester(head) == tester).filter_map(|head| head.split(' ').nth(1));
        paths.map(str::to_owned).collect()
    }
}

/// What comes before the body; of what is not HTTP, such as TLS, the first byte.
fn head(stream: &mut TcpStream) -> String {
    let mut head: Vec<u8> = vec![];
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        head.push(byte[0]);
        if !head[0].is_ascii_uppercase() {
            break;
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn is_tester(head: &str) -> bool {
    head.contains(SECRET)
}

fn status(status: u16) -> String {
    answer(status, &[])
}

fn answer(status: u16, headers: &[(&str, &str)]) -> String {
    let mut text = format!("HTTP/1.1 {status} So\r\nContent-Length: 3\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").expect("a string");
    }
    text + "\r\nso\n"
}

fn redirect(to: &str) -> String {
    answer(302, &[("Location", to)])
}

/// Behind a rule that is header-only.
fn narrowed(asked: &Asked) -> String {
    status(if asked.tester { 200 } else { 503 })
}

/// A clock that is tokio's.
fn clock() -> Clock {
    let began = Instant::now();
    Arc::new(move || Timestamp::UNIX_EPOCH + SignedDuration::try_from(began.elapsed()).expect("short"))
}

fn bypass() -> Bypass {
    Bypass::new(HEADER, &[SECRET, OLD_SECRET])
}

fn probe(url: &str) -> Probe {
    Probe::new(url, Some(&bypass()), clock(), connector())
}

/// For servers that never answer; one that does may take longer on a busy machine.
fn hasty(url: &str) -> Probe {
    probe(url).with_try_timeout(Duration::from_millis(800))
}

/// Watches for one asking.
async fn watch(url: &str, expect: Expect) -> Sight {
    watch_with(&probe(url), Duration::ZERO, expect).await
}

/// Watches for so long that each is asked twice.
async fn watch_twice(url: &str, expect: Expect) -> Sight {
    watch_with(&probe(url), Duration::from_millis(1900), expect).await
}

async fn watch_with(probe: &Probe, patience: Duration, expect: Expect) -> Sight {
    let sight = probe.watch(expect, patience).await;
    without_secret(&format!("{sight:?} {probe:?}"));
    sight
}

/// What a visitor and a tester get once, in words.
async fn glance(probe: &Probe) -> (String, String) {
    let glance = probe.glance().await;
    without_secret(&format!("{glance:?} {probe:?}"));
    (glance.visitor.to_string(), glance.tester.to_string())
}

#[track_caller]
fn without_secret(text: &str) {
    for secret in [SECRET, OLD_SECRET] {
        assert!(!text.to_ascii_lowercase().contains(&secret.to_ascii_lowercase()), "a secret in {text}");
    }
}

#[tokio::test]
async fn right_answers_are_seen_at_once() {
    let site = Site::start(narrowed);
    let sight = watch(&site.url("/"), Expect::Maintenance).await;
    assert!(sight.seen && sight.after_secs == 0, "{sight:?}");
    assert_eq!((sight.visitor.as_str(), sight.tester.as_str()), ("status 503", "status 200"));

    let open = Site::start(|_| status(200));
    let sight = watch(&open.url("/"), Expect::Open).await;
    assert!(sight.seen && sight.after_secs == 0, "{sight:?}");
    assert_eq!(open.heads().len(), 2, "each asked once");
}

#[tokio::test]
async fn requests_name_the_probe_and_only_a_testers_carries_the_header() {
    let site = Site::start(narrowed);
    watch(&site.url("/health?deep=1"), Expect::Maintenance).await;
    let mut heads: Vec<String> = site.heads().iter().map(|head| head.to_ascii_lowercase()).collect();
    heads.sort_by_key(|head| head.contains(&HEADER.to_ascii_lowercase()));
    let [visitor, tester] = heads.as_slice() else { panic!("{heads:?}") };
    for head in [visitor, tester] {
        assert!(head.starts_with("get /health?deep=1 http/1.1\r\n"), "{head}");
        assert!(head.contains("user-agent: maintenance-window-probe\r\n"), "{head}");
        assert!(head.contains("cache-control: no-cache\r\n"), "{head}");
        assert!(head.contains(&format!("host: 127.0.0.1:{}\r\n", site.port)), "{head}");
        without_secret(&head.replace(&format!("x-maintenance-bypass: {}", SECRET.to_ascii_lowercase()), ""));
    }
    assert!(!visitor.contains("bypass"), "{visitor}");
    assert!(tester.contains(&format!("x-maintenance-bypass: {}\r\n", SECRET.to_ascii_lowercase())), "{tester}");
}

#[tokio::test]
async fn any_status_below_500_is_the_application_and_any_other_is_not() {
    for (got, seen) in [(204, true), (304, true), (401, true), (404, true), (500, false), (502, false), (503, false)] {
        let site = Site::start(move |asked| status(if asked.tester { got } else { 503 }));
        let sight = watch(&site.url("/"), Expect::Maintenance).await;
        assert_eq!(sight.seen, seen, "as a tester: {sight:?}");
        let site = Site::start(move |asked| status(if asked.tester { 200 } else { got }));
        let sight = watch(&site.url("/"), Expect::Open).await;
        assert_eq!(sight.seen, seen, "as a visitor: {sight:?}");
        let sight = watch(&site.url("/"), Expect::Maintenance).await;
        assert_eq!(sight.seen, got == 503, "as a visitor in maintenance: {sight:?}");
    }
}

#[tokio::test]
async fn a_change_that_takes_a_while_is_seen_and_timed() {
    let site = Site::start(|asked| status(if asked.tester || asked.before < 2 { 200 } else { 503 }));
    let sight = watch_with(&probe(&site.url("/")), Duration::from_secs(20), Expect::Maintenance).await;
    assert!(sight.seen && (1..=10).contains(&sight.after_secs), "{sight:?}");
    assert_eq!(sight.visitor, "status 503");
    assert_eq!(site.paths(false).len(), 3);
}

#[tokio::test]
async fn both_answers_to_one_asking_must_be_right() {
    // Load balancer nodes that disagree: whenever one of the two gets what it should, the other does not.
    let site = Site::start(|asked| status(if asked.before.is_multiple_of(2) == asked.tester { 200 } else { 503 }));
    let sight = watch_twice(&site.url("/"), Expect::Open).await;
    assert!(!sight.seen, "{sight:?}");
}

#[tokio::test]
async fn a_change_that_never_comes_is_told_with_what_was_seen() {
    let site = Site::start(|_| status(200));
    let sight = watch_twice(&site.url("/"), Expect::Maintenance).await;
    assert!(!sight.seen && sight.after_secs <= 5, "{sight:?}");
    assert_eq!((sight.visitor.as_str(), sight.tester.as_str()), ("status 200", "status 200"));
    assert!(site.paths(false).len() >= 2);

    let locked_out = Site::start(|_| status(503));
    let sight = watch(&locked_out.url("/"), Expect::Maintenance).await;
    assert!(!sight.seen && sight.tester == "status 503", "{sight:?}");
}

#[tokio::test]
async fn a_slow_answer_is_waited_for_and_its_body_is_not() {
    let site = Site::raw(|asked, stream| {
        thread::sleep(Duration::from_millis(300));
        let status = if asked.tester { 200 } else { 503 };
        let _ = write!(stream, "HTTP/1.1 {status} So\r\nContent-Length: 1000000\r\n\r\n");
        thread::sleep(Duration::from_secs(30));
    });
    let sight = watch(&site.url("/"), Expect::Maintenance).await;
    assert!(sight.seen, "{sight:?}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let site = Site::raw(|_, _| thread::sleep(Duration::from_secs(30)));
    let began = Instant::now();
    let sight = watch_with(&hasty(&site.url("/")), Duration::from_millis(1000), Expect::Open).await;
    assert!(!sight.seen && began.elapsed() < Duration::from_secs(8), "{sight:?}");
    assert_eq!(sight.visitor, format!("no answer from {} within 800ms", site.url("/")));
    assert_eq!(sight.tester, sight.visitor);
}

#[tokio::test]
async fn a_server_that_dribbles_its_headers_is_given_up() {
    let site = Site::raw(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 So\r\n");
        while stream.write_all(b"X-More: so\r\n").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    let (visitor, _) = glance(&hasty(&site.url("/"))).await;
    assert!(visitor.starts_with("no answer from "), "{visitor}");
}

#[tokio::test]
async fn one_hung_asker_does_not_hide_what_the_other_got() {
    let site = Site::raw(|asked, stream| {
        if asked.tester {
            thread::sleep(Duration::from_secs(30));
        }
        let _ = stream.write_all(status(503).as_bytes());
    });
    let sight = watch_with(&hasty(&site.url("/")), Duration::ZERO, Expect::Maintenance).await;
    assert!(!sight.seen && sight.visitor == "status 503" && sight.tester.contains("within 800ms"), "{sight:?}");
}

#[tokio::test]
async fn a_closed_port_is_no_answer() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let sight = watch(&format!("http://127.0.0.1:{port}/"), Expect::Open).await;
    assert!(!sight.seen, "{sight:?}");
    assert!(sight.visitor.starts_with(&format!("no HTTP answer from http://127.0.0.1:{port}/: ")), "{sight:?}");
    assert!(sight.visitor.contains("refused"), "{sight:?}");
}

#[tokio::test]
async fn a_server_without_tls_is_no_answer_over_https() {
    let site = Site::start(|_| status(200));
    let sight = watch(&format!("https://127.0.0.1:{}/", site.port), Expect::Open).await;
    assert!(!sight.seen, "{sight:?}");
    assert!(sight.tester.starts_with("no HTTP answer from https://127.0.0.1:"), "{sight:?}");
}

#[tokio::test]
async fn garbage_is_no_answer() {
    for garbage in ["SSH-2.0-OpenSSH_9.6\r\n", "", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 So\r\nno colon\r\n\r\n"] {
        let site = Site::start(|_| garbage.to_owned());
        let (visitor, tester) = glance(&probe(&site.url("/"))).await;
        assert!(visitor.starts_with("no HTTP answer from "), "{garbage:?}: {visitor}");
        assert!(tester.starts_with("no HTTP answer from "), "{garbage:?}: {tester}");
    }
}

#[tokio::test]
async fn redirects_within_the_site_keep_the_header() {
    let site = Site::start(|asked| match asked.path.as_str() {
        "/" => redirect("/en"),
        "/en" => redirect("home?a=1#top"),
        _ => narrowed(asked),
    });
    let sight = watch(&site.url("/"), Expect::Maintenance).await;
    assert!(sight.seen, "{sight:?}");
    assert_eq!(site.paths(true), ["/", "/en", "/home?a=1"]);
    assert_eq!(sight.visitor, format!("status 503 from {}", site.url("/home")), "no query, which may hold a token");
}

#[tokio::test]
async fn the_header_never_goes_to_another_port() {
    let other = Site::start(narrowed);
    let there = other.url("/login");
    let site = Site::start(move |_| redirect(&there));
    let sight = watch(&site.url("/"), Expect::Maintenance).await;
    assert!(!sight.seen && sight.tester.contains("the bypass header was not sent"), "{sight:?}");
    assert!(sight.visitor.starts_with("status 503 from ") && !sight.visitor.contains("bypass"), "{sight:?}");
    assert!(sight.visitor.contains("another host or port than ProbeUrl's"), "{sight:?}");
    assert!(!site.paths(true).is_empty() && !other.heads().is_empty());
    assert!(other.paths(true).is_empty() && !other.heads().concat().to_lowercase().contains("bypass"));
}

#[tokio::test]
async fn the_header_never_goes_to_another_host_but_comes_back_with_the_tester() {
    let port = Arc::new(Mutex::new(0));
    let known = port.clone();
    // One server under two names: what it is asked as `localhost` is another host's.
    let site = Site::start(move |asked| {
        let port = *known.lock().expect("no panic");
        match asked.path.as_str() {
            "/" => redirect(&format!("//localhost:{port}/login")),
            "/login" => redirect(&format!("http://127.0.0.1:{port}/home")),
            _ => narrowed(asked),
        }
    });
    *port.lock().expect("no panic") = site.port;
    let sight = watch(&site.url("/"), Expect::Maintenance).await;
    assert!(sight.seen, "{sight:?}");
    assert_eq!(site.paths(true), ["/", "/home"]);
    assert!(site.paths(false).iter().filter(|path| *path == "/login").count() == 2, "both came by");
}

#[tokio::test]
async fn a_login_elsewhere_does_not_show_that_the_application_answered() {
    let login = Site::start(|_| status(200));
    let there = login.url("/authorize?state=abc");
    let site = Site::start(move |asked| if asked.tester { redirect(&there) } else { status(503) });
    let probe = probe(&site.url("/"));
    let sight = watch_with(&probe, Duration::ZERO, Expect::Maintenance).await;
    assert!(!sight.seen, "the load balancer may ask for the login while the application is down: {sight:?}");
    let advice = "set ProbeUrl to a page that the site answers itself, or to this address if it is the same site";
    assert!(sight.tester.starts_with("status 200 from ") && sight.tester.contains(advice), "{sight:?}");
    assert!(!probe.glance().await.tester_is_well());
}

#[tokio::test]
async fn a_secret_sent_back_in_a_redirect_goes_nowhere() {
    let other = Site::start(|_| status(200));
    let there = other.url(&format!("/login?from={}", SECRET.to_ascii_uppercase()));
    let site = Site::start(move |_| redirect(&there));
    let (_, tester) = glance(&probe(&site.url("/"))).await;
    assert!(tester.contains("with the bypass value in its address, which was not followed"), "{tester}");
    assert!(other.heads().is_empty());

    let site = Site::start(|_| redirect(&format!("http://{SECRET}.invalid/{OLD_SECRET}")));
    glance(&probe(&site.url("/"))).await;
    let site =
        Site::start(|asked| if asked.path == "/" { redirect(&format!("/{OLD_SECRET}/{SECRET}")) } else { status(500) });
    let (_, tester) = glance(&probe(&site.url("/"))).await;
    assert!(tester.ends_with("/[secret]/[secret]"), "{tester}");
}

#[tokio::test]
async fn a_redirect_loop_ends() {
    let site = Site::start(|asked| redirect(if asked.path == "/a" { "/b" } else { "/a" }));
    let (visitor, tester) = glance(&probe(&site.url("/a"))).await;
    assert!(visitor.starts_with("more than 5 redirects, the last to http://127.0.0.1:"), "{visitor}");
    assert_eq!(visitor, tester);
    assert_eq!(site.heads().len(), 12, "six each");
}

#[tokio::test]
async fn five_redirects_are_followed() {
    let site =
        Site::start(|asked| if asked.path == "/-----" { status(200) } else { redirect(&(asked.path.clone() + "-")) });
    assert!(watch(&site.url("/"), Expect::Open).await.seen);
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_is_told() {
    let cases = [
        (status(301), "that does not say where to"),
        (redirect("http://"), "to an address that cannot be read"),
        (redirect("http://[::1/"), "to an address that cannot be read"),
        (redirect("ftp://127.0.0.1/"), "expected http or https, but found ftp"),
        (redirect("javascript:alert(1)"), "expected http or https, but found javascript"),
    ];
    for (answer, expected) in cases {
        let site = Site::start(move |_| answer.clone());
        let sight = watch(&site.url("/"), Expect::Open).await;
        assert!(!sight.seen && sight.visitor.contains(expected), "{sight:?}");
        assert!(sight.visitor.starts_with("a redirect (30"), "{sight:?}");
    }
    let site = Site::raw(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 302 So\r\nLocation: /\xff\xfe\r\n\r\n");
    });
    let (visitor, _) = glance(&probe(&site.url("/"))).await;
    assert!(visitor.ends_with("it is not UTF-8"), "{visitor}");
}

#[tokio::test]
async fn a_cached_answer_is_not_yet() {
    let cases: [&[(&str, &str)]; 5] = [
        &[("Age", "40")],
        &[("X-Cache", "Hit from cloudfront")],
        &[("X-Cache", "HIT, HIT")],
        &[("X-Cache", "Hit from cloudfront"), ("Age", "300")],
        &[("X-Cache", "Miss from cloudfront"), ("Age", "7")],
    ];
    for headers in cases {
        let site = Site::start(move |_| answer(200, headers));
        let probe = probe(&site.url("/"));
        let sight = probe.watch(Expect::Open, Duration::ZERO).await;
        assert!(!sight.seen && sight.visitor.starts_with("status 200 from a cache"), "{headers:?}: {sight:?}");
        assert!(sight.tester.contains("set ProbeUrl to a page that is not cached"), "{headers:?}: {sight:?}");
        assert!(!probe.glance().await.tester_is_well(), "{headers:?}");
    }
    let site = Site::start(|asked| if asked.tester { status(200) } else { answer(503, &[("Age", "40")]) });
    let sight = watch_twice(&site.url("/"), Expect::Maintenance).await;
    assert!(!sight.seen && sight.visitor.starts_with("status 503 from a cache 40s old"), "{sight:?}");
}

#[tokio::test]
async fn an_answer_that_passed_a_cache_by_counts() {
    let cases: [&[(&str, &str)]; 5] = [
        &[("Age", "0")],
        &[("Age", "soon")],
        &[("X-Cache", "Miss from cloudfront")],
        &[("X-Cache", "RefreshHit from cloudfront")],
        &[("X-Cache", "Error from cloudfront")],
    ];
    for headers in cases {
        let site = Site::start(move |_| answer(404, headers));
        assert!(watch(&site.url("/"), Expect::Open).await.seen, "{headers:?}");
    }
}

#[tokio::test]
async fn the_age_of_an_error_page_is_not_the_answers() {
    let page = [("X-Cache", "Error from cloudfront"), ("Age", "86000")];
    let site = Site::start(move |asked| if asked.tester { status(200) } else { answer(503, &page) });
    assert!(watch(&site.url("/"), Expect::Maintenance).await.seen);
}

#[tokio::test]
async fn a_cached_answer_made_since_the_watch_began_counts() {
    // A busy site's page is cached again within moments, and then every answer is.
    let site = Site::start(|_| answer(200, &[("X-Cache", "Hit from cloudfront"), ("Age", "1")]));
    let sight = watch_with(&probe(&site.url("/")), Duration::from_secs(20), Expect::Open).await;
    assert!(sight.seen && (2..=10).contains(&sight.after_secs), "{sight:?}");
}

#[tokio::test]
async fn a_cached_redirect_to_another_host_says_nothing_of_this_one() {
    let port = Arc::new(Mutex::new(0));
    let known = port.clone();
    let site = Site::start(move |asked| match asked.path.as_str() {
        "/" => {
            let there = format!("http://localhost:{}/login", *known.lock().expect("no panic"));
            answer(302, &[("Location", there.as_str()), ("Age", "40")])
        }
        "/short" => answer(302, &[("Location", "/home"), ("Age", "40")]),
        _ => status(200),
    });
    *port.lock().expect("no panic") = site.port;
    let sight = watch(&site.url("/"), Expect::Open).await;
    assert!(!sight.seen && sight.visitor.contains("from a cache 40s old"), "{sight:?}");
    assert!(watch(&site.url("/short"), Expect::Open).await.seen, "within the site the last answer counts");
}

#[tokio::test]
async fn a_tester_is_well_only_with_a_success() {
    for (got, well) in [(200, true), (304, true), (404, false), (500, false), (503, false)] {
        let site = Site::start(move |asked| status(if asked.tester { got } else { 503 }));
        let glance = probe(&site.url("/")).glance().await;
        assert_eq!(glance.tester_is_well(), well, "{glance:?}");
        assert_eq!((glance.tester.status(), glance.visitor.status()), (Some(got), Some(503)));
    }
}

#[tokio::test]
async fn the_edge_is_known_by_the_visitors_page_and_by_a_redirect_of_its_own() {
    let failed = |words: &str| Err(words.to_owned());
    let marked = answer(200, &[("Retry-After", "300")]);
    let other = |words: &str| Err(NoPage::Other(words.to_owned()));
    for (page, link, expected) in [
        (marked, redirect("/"), (Ok(()), Ok(()))),
        (status(200), redirect("/"), (Err(NoPage::Unmarked), Ok(()))),
        (status(404), redirect("/en"), (other("status 404"), failed("status 302"))),
        (redirect("/"), status(200), (other("status 302"), failed("status 200"))),
    ] {
        let site = Site::start(move |asked| match asked.path.as_str() {
            "/errors/503.html" => page.clone(),
            "/?maintenance-bypass=off" => link.clone(),
            _ => status(500),
        });
        let edge = probe(&site.url("/shop?page=1")).edge().await;
        assert_eq!((edge.page, edge.link), expected);
        assert_eq!(site.paths(true), [""; 0], "the secret is not needed");
    }
}

#[tokio::test]
async fn a_url_that_cannot_be_asked_is_told() {
    for url in ["nonsense", "ftp://127.0.0.1/", "http://[::1", "https://"] {
        let sight = watch(url, Expect::Open).await;
        assert!(!sight.seen && sight.visitor.contains("expected an http or https URL, but "), "{url}: {sight:?}");
        assert!(sight.visitor.starts_with("nothing, since ProbeUrl cannot be asked: "), "{url}: {sight:?}");
    }
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_is_told_without_it() {
    let site = Site::start(narrowed);
    for bypass in [Bypass::new("no good", &[SECRET]), Bypass::new(HEADER, &["Tester-Secret-0123456789\n"])] {
        let probe = Probe::new(&site.url("/"), Some(&bypass), clock(), connector());
        let (visitor, tester) = glance(&probe).await;
        assert_eq!(visitor, "status 503");
        assert!(tester.starts_with("nothing, since "), "{tester}");
    }
    let empty = Bypass::new(HEADER, &[]);
    for bypass in [Some(&empty), None] {
        let probe = Probe::new(&site.url("/"), bypass, clock(), connector());
        let (visitor, tester) = glance(&probe).await;
        assert_eq!(visitor, "status 503");
        assert_eq!(tester, "nothing, since there is no bypass value to send");
    }
}

#[tokio::test]
async fn a_password_in_the_url_is_neither_sent_nor_told() {
    let site = Site::start(|asked| if asked.path.starts_with("/?") { redirect("/x") } else { status(500) });
    let probe = probe(&format!("http://ops:hunter2@127.0.0.1:{}/?key=hunter2", site.port));
    let (visitor, tester) = glance(&probe).await;
    let told = format!("{visitor} {tester} {probe:?}");
    assert!(!told.contains("hunter2") && told.contains(&site.url("/x")), "{told}");
    assert!(!site.heads().concat().to_lowercase().contains("authorization"));
}

#[tokio::test]
async fn long_answers_are_told_short() {
    let site = Site::start(|asked| if asked.path == "/" { redirect(&"/é".repeat(2000)) } else { status(500) });
    let (visitor, _) = glance(&probe(&site.url("/"))).await;
    assert_eq!(visitor.chars().count(), 401);
}

/// Answers made up for every URL, and who asked for them with the header.
#[derive(Clone, Debug, Default)]
struct MadeUp {
    redirects: Vec<(&'static str, &'static str)>,
    with_header: Arc<Mutex<Vec<String>>>,
    /// Whether visitors get the application.
    open: bool,
}

impl HttpConnector for MadeUp {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let tester = request.headers().get(HEADER) == Some(SECRET);
        if tester {
            self.with_header.lock().expect("no panic").push(request.uri().to_owned());
        }
        let to = self.redirects.iter().find(|(from, _)| *from == request.uri()).map(|(_, to)| *to);
        let status = if to.is_some() {
            301
        } else if tester || self.open {
            200
        } else {
            503
        };
        let mut response = HttpResponse::new(status.try_into().expect("a status"), SdkBody::empty());
        if let Some(to) = to {
            response.headers_mut().insert("location", to);
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

async fn made_up(url: &str, redirects: &[(&'static str, &'static str)]) -> (Sight, Vec<String>) {
    let web = MadeUp { redirects: redirects.to_vec(), ..MadeUp::default() };
    let probe = Probe::new(url, Some(&bypass()), clock(), SharedHttpConnector::new(web.clone()));
    let sight = probe.watch(Expect::Maintenance, Duration::ZERO).await;
    without_secret(&format!("{sight:?} {probe:?}"));
    let with_header = web.with_header.lock().expect("no panic").clone();
    (sight, with_header)
}

#[tokio::test]
async fn a_redirect_that_drops_tls_is_not_followed() {
    let (sight, with_header) =
        made_up("https://www.example.com/", &[("https://www.example.com/", "http://www.example.com/home")]).await;
    assert!(!sight.seen && sight.tester.contains("to the same host without TLS, which was not followed"), "{sight:?}");
    assert_eq!(with_header, ["https://www.example.com/"]);
}

#[tokio::test]
async fn a_redirect_to_tls_drops_the_header_and_says_what_to_do() {
    let redirects = [("http://www.example.com/", "https://www.example.com/")];
    let (sight, with_header) = made_up("http://www.example.com/", &redirects).await;
    assert!(!sight.seen && sight.visitor == "status 503 from https://www.example.com/", "{sight:?}");
    assert!(sight.tester.contains("set ProbeUrl to this address"), "{sight:?}");
    assert_eq!(with_header, ["http://www.example.com/"]);
}

#[tokio::test]
async fn only_the_very_origin_gets_the_header() {
    let same = [
        "https://www.example.com:443/a",
        "https://WWW.example.com/a",
        "/a",
        "https:/a",
        "https:\\\\www.example.com\\a",
    ];
    for to in same {
        let (sight, with_header) = made_up("https://www.example.com/", &[("https://www.example.com/", to)]).await;
        assert!(sight.seen, "{to}: {sight:?}");
        assert_eq!(with_header, ["https://www.example.com/", "https://www.example.com/a"], "{to}");
    }
    let others = [
        "https://www.example.com:8443/a",
        "https://example.com/a",
        "https://www.example.com.evil.test/a",
        "https://www.example.com@evil.test/a",
        "https://evil.test\\@www.example.com/a",
        "https://evil.test#@www.example.com/a",
        "//evil.test/a",
        "\\\\evil.test/a",
        "http://evil.test/a",
    ];
    for to in others {
        let (sight, with_header) = made_up("https://www.example.com/", &[("https://www.example.com/", to)]).await;
        assert!(!sight.seen, "{to}: {sight:?}");
        assert_eq!(with_header, ["https://www.example.com/"], "{to}");
    }
}

/// What is made of an open site whose front page redirects.
async fn open_and_redirected(url: &str, redirects: &[(&'static str, &'static str)]) -> (bool, Glance) {
    let web = MadeUp { redirects: redirects.to_vec(), open: true, ..MadeUp::default() };
    let probe = Probe::new(url, Some(&bypass()), clock(), SharedHttpConnector::new(web));
    let seen = watch_with(&probe, Duration::ZERO, Expect::Open).await.seen;
    (seen, probe.glance().await)
}

#[tokio::test]
async fn another_name_or_way_of_the_same_site_is_the_site() {
    let cases = [
        ("https://www.example.com/", "/en"),
        ("http://www.example.com/", "https://www.example.com/"),
        ("http://www.example.com/", "https://example.com/"),
        ("https://www.example.com/", "https://example.com/"),
        ("https://example.com/", "https://www.example.com/"),
        ("https://example.com/", "https://WWW.Example.com.:443/"),
        ("https://example.com:8443/", "https://www.example.com:8443/"),
    ];
    for (from, to) in cases {
        let (seen, glance) = open_and_redirected(from, &[(from, to)]).await;
        assert!(seen && glance.tester_is_well(), "{from} to {to}: {glance:?}");
        assert_eq!(glance.visitor.met(), Met::Application, "{from} to {to}");
    }
}

#[tokio::test]
async fn what_another_site_answers_is_no_proof_of_health() {
    let cases = [
        ("https://www.example.com/", "https://login.example.com/"),
        ("https://www.example.com/", "https://parked.example.net/"),
        ("https://www.example.com/", "https://www.example.com.evil.test/"),
        ("https://www.example.com/", "https://www.example.com:8443/"),
        ("https://wwwexample.com/", "https://example.com/"),
        ("http://www.example.com:8080/", "https://www.example.com:8443/"),
        ("https://www.example.com/", "http://login.example.com/"),
    ];
    for (from, to) in cases {
        let (seen, glance) = open_and_redirected(from, &[(from, to)]).await;
        assert!(!seen && !glance.tester_is_well(), "{from} to {to}: {glance:?}");
        assert_eq!((glance.tester.status(), glance.visitor.met()), (Some(200), Met::Nothing), "{from} to {to}");
        let advice = "another host or port than ProbeUrl's, so the answer shows nothing of the site; set ProbeUrl to";
        assert!(glance.visitor.to_string().contains(advice), "{from} to {to}: {glance:?}");
    }
}

#[tokio::test]
async fn a_503_of_another_site_is_not_the_maintenance_page() {
    let elsewhere = Site::start(|_| status(503));
    let there = elsewhere.url("/");
    let site = Site::start(move |asked| if asked.tester { status(200) } else { redirect(&there) });
    let sight = watch(&site.url("/"), Expect::Maintenance).await;
    assert!(!sight.seen && sight.met == Met::Nothing, "{sight:?}");
}

#[tokio::test]
async fn who_comes_back_from_a_login_elsewhere_is_answered_by_the_site() {
    let redirects = [
        ("https://www.example.com/", "https://login.example.com/"),
        ("https://login.example.com/", "https://www.example.com/home"),
    ];
    let (seen, glance) = open_and_redirected("https://www.example.com/", &redirects).await;
    assert!(seen && glance.tester_is_well(), "{glance:?}");
}

#[tokio::test]
async fn a_redirect_to_the_bare_name_without_tls_is_not_followed() {
    let redirects = [("https://www.example.com/", "http://example.com/")];
    let (seen, glance) = open_and_redirected("https://www.example.com/", &redirects).await;
    assert!(!seen && glance.visitor.to_string().contains("to the same host without TLS"), "{glance:?}");
}
