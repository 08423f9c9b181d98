//! What applies to all pages and forms: sign-in, the same-origin check, headers, limits.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::num::NonZeroU32;
use std::time::Duration;

use leptos::server_fn::axum::server_fn_paths;
use leptos_router::SsrMode;
use reqwest::Method;
use tms_portal::domain::paths;
use tms_portal::server::listen::Timeouts;

use crate::app::{PASSWORD, Setup, TestApp, no_limits};
use crate::browser::{Browser, en};

/// The paths of all pages.
pub fn pages() -> Vec<String> {
    let routes = leptos_axum::generate_route_list(tms_portal::pages::App);
    routes.iter().map(|route| format!("/{}", route.path().trim_matches('/'))).collect()
}

/// The paths of all server functions.
pub fn actions() -> BTreeSet<&'static str> {
    server_fn_paths().map(|(path, _)| path).collect()
}

#[tokio::test]
async fn pages_wait_for_data_and_server_functions_are_posts() {
    let _app = TestApp::start().await;
    let routes = leptos_axum::generate_route_list(tms_portal::pages::App);
    assert!(routes.len() >= 7);
    for route in routes {
        assert_eq!(route.mode(), &SsrMode::Async, "{}", route.path());
    }
    assert!(actions().len() >= 12, "{:?}", actions());
    for (path, method) in server_fn_paths() {
        assert_eq!(method, Method::POST, "{path}");
        assert!(path.starts_with(&format!("{}/", paths::ACTIONS)), "{path} is not behind the guard of {}", paths::ACTIONS);
    }
}

#[tokio::test]
async fn anonymous_access_is_limited_to_public_pages() {
    let app = TestApp::start().await;
    for path in pages() {
        let public = paths::PUBLIC_PAGES.contains(&path.as_str());
        for method in [Method::GET, Method::HEAD] {
            let answer = app.browser().request(method, &path).header("accept", "text/html").send().await.expect("an answer");
            let location = answer.headers().get("location").and_then(|to| to.to_str().ok());
            let location = location.map(|to| to.split('?').next().unwrap_or_default());
            // Requires a sign-in that waits for the second factor, which the test does not have.
            let public = public && path != paths::SECOND_FACTOR;
            assert_eq!((answer.status().as_u16(), location), if public { (200, None) } else { (303, Some(paths::SIGN_IN)) }, "{path}");
        }
    }
    for path in actions() {
        let public = paths::PUBLIC_ACTIONS.contains(&path);
        let machine = app.browser().request(Method::POST, path).send().await.expect("an answer");
        let person = app.browser().post_once(path, &[]).send().await.expect("an answer");
        if public {
            assert!(person.status() == 303 && machine.status() != 401, "{path}: {} {}", person.status(), machine.status());
            continue;
        }
        assert_eq!(machine.status(), 401, "{path}");
        let location = person.headers().get("location").and_then(|to| to.to_str().ok());
        assert_eq!((person.status().as_u16(), location), (303, Some(paths::SIGN_IN)), "{path}");
    }
}

#[tokio::test]
async fn other_spelling_of_a_path_requires_sign_in() {
    let app = TestApp::start().await;
    for path in
        ["/hosts/", "//hosts", "/hosts/.", "/device/../hosts", "/%68osts", "/HOSTS", "/hosts%2f", "/hosts;x", "/api/hosts/list/", "/api//hosts/list"]
    {
        for method in [Method::GET, Method::POST] {
            let answer = app.browser().request(method, path).header("accept", "text/html").send().await.expect("an answer");
            assert_ne!(answer.status(), 200, "{path}");
        }
    }
}

/// Ids of the test person's objects return nothing for another person.
#[tokio::test]
async fn ids_of_other_people_return_nothing() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    app.add_dora().await;
    let device = app.start_device().await;
    let owner = app.signed_in().await;
    let consent = owner.enter(&device.user_code).await;
    let session = app.texts("SELECT public_id FROM browser_sessions WHERE user_id = 'testuser1'").await.remove(0);
    let before = app.grants().await;
    for (tenant, user) in [("test", "eve"), ("default", "dora")] {
        let other = app.signed_in_as(tenant, user, PASSWORD).await;
        for path in pages() {
            let page = other.get(&path).await;
            // Pages of administrators, and unknown ids, return 404.
            let there = if path.starts_with(paths::ADMIN) { [404, 404] } else { [200, 404] };
            assert!(there.contains(&page.status), "{path}: {}", page.status);
            assert!(!page.says("testhost1") && !page.says("TMS command line"), "{path}: {}", page.words());
        }
        // It revokes the caller's own access to the page, so it comes last.
        let (last, rest): (Vec<_>, Vec<_>) = actions().into_iter().partition(|path| path.ends_with("switch-tenant"));
        for path in rest.into_iter().chain(last).filter(|path| !paths::PUBLIC_ACTIONS.contains(path)) {
            let form = [
                ("grant", consent.field("grant")),
                ("decision", "allow".into()),
                ("lifetime", "28800".into()),
                ("started_this", "yes".into()),
                ("session", session.clone()),
                ("tenant", "test".into()),
                ("user_code", device.user_code.clone()),
            ];
            let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let answer = other.post_once(path, &form).send().await.expect("an answer").text().await.expect("a text");
            for secret in ["testhost1", "TMS command line", &session] {
                assert!(!answer.contains(secret), "{path}: {answer}");
            }
        }
    }
    assert_eq!(app.grants().await, before);
    assert!(owner.allow(&consent).await.says(en().result_connected()));
}

#[tokio::test]
async fn server_functions_accept_post_only() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    for path in actions().into_iter().chain([paths::SIGN_IN_PASSWORD, paths::SIGN_OUT]) {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = browser.request(method.clone(), path).header("sec-fetch-site", "same-origin").send().await.expect("an answer");
            assert_eq!((answer.status().as_u16(), answer.headers()["allow"].as_bytes()), (405, &b"POST"[..]), "{method} {path}");
        }
        let page = browser.get(path).await;
        assert_eq!(
            (page.status, page.title(), page.header("allow")),
            (405, en().document_title_refused(en().error_method()).as_str(), "POST"),
            "{path}"
        );
    }
    assert_eq!(browser.get("/hosts").await.status, 200, "still signed in");
}

#[tokio::test]
async fn cross_site_forms_are_refused() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    let browser = app.signed_in().await;
    let consent = browser.enter(&device.user_code).await;
    let before = app.grants().await;
    let grant = consent.field("grant");
    let elsewhere: [&[(&str, &str)]; 6] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "http://127.0.0.1:1")],
    ];
    for headers in elsewhere {
        for path in actions().into_iter().chain([paths::SIGN_IN_PASSWORD, paths::SIGN_OUT]) {
            let form = [("grant", grant.as_str()), ("decision", "deny"), ("user_code", device.user_code.as_str())];
            let mut request = browser.request(Method::POST, path).form(&form);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let page = browser.follow(request).await;
            assert_eq!((page.status, page.title()), (403, en().document_title_refused(en().error_forbidden()).as_str()), "{path} {headers:?}");
            assert!(page.says(en().error_forbidden_means()));
        }
    }
    assert_eq!(app.grants().await, before);
    assert_eq!(browser.get(&consent.address).await.title(), consent.title(), "the request still waits, and the person is still signed in");
}

#[tokio::test]
async fn cross_site_links_open_pages() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let answer = browser.request(Method::GET, "/hosts").header("sec-fetch-site", "cross-site").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

/// One URL for each kind of response.
const KINDS: [(&str, &str, u16); 9] = [
    ("page", "/", 200),
    ("form page", "/device", 200),
    ("redirect", "/hosts", 303),
    ("file", "/favicon.svg", 200),
    ("built file", "/pkg/tms-portal.0123.js", 200),
    ("no such page", "/nowhere", 404),
    ("not this way", "/sign-out", 405),
    ("machine", "/healthz", 200),
    ("metadata", "/.well-known/oauth-authorization-server/t/test", 200),
];

#[tokio::test]
async fn every_response_has_the_security_headers() {
    for https in [false, true] {
        let app = TestApp::start_as(Setup { https, ..Setup::default() }).await;
        for (kind, path, status) in KINDS {
            for accept in ["text/html", "*/*"] {
                let answer = app.http.get(app.url(path)).header("accept", accept).send().await.expect("an answer");
                assert_eq!(answer.status(), status, "{kind}");
                assert_secure(answer.headers(), https, kind);
            }
        }
        app.services.close().await;
        for path in ["/device", "/readyz", "/.well-known/oauth-authorization-server/t/test"] {
            let answer = app
                .http
                .get(app.url(path))
                .header("accept", "text/html")
                .header("cookie", "tms=AAAAAAAAAAAAAAAAAAAAAA; __Host-tms=AAAAAAAAAAAAAAAAAAAAAA");
            let answer = answer.send().await.expect("an answer");
            assert!(answer.status().is_server_error(), "{path}: {}", answer.status());
            assert_secure(answer.headers(), https, path);
        }
    }
}

fn assert_secure(headers: &reqwest::header::HeaderMap, https: bool, kind: &str) {
    let value = |name: &str| {
        let mut all = headers.get_all(name).iter();
        let first = all.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert!(all.next().is_none(), "{kind}: {name} twice");
        first
    };
    assert_eq!(value("x-request-id").len(), 32, "{kind}");
    assert_eq!(value("x-content-type-options"), "nosniff", "{kind}");
    assert_eq!(value("referrer-policy"), "same-origin", "{kind}");
    assert_eq!(value("x-frame-options"), "DENY", "{kind}");
    assert_eq!(value("cross-origin-opener-policy"), "same-origin", "{kind}");
    assert_eq!(value("cross-origin-resource-policy"), "same-origin", "{kind}");
    assert_eq!(value("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=(), usb=()", "{kind}");
    assert_eq!(value("strict-transport-security"), if https { "max-age=63072000; includeSubDomains" } else { "" }, "{kind}");
    assert_eq!(value("server"), "", "{kind}");
    let policy = value("content-security-policy");
    for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action '"] {
        assert!(policy.contains(part), "{kind}: {policy}");
    }
    assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'") && !policy.contains('*') && !policy.contains("http"), "{policy}");
    let html = value("content-type").starts_with("text/html");
    assert_eq!(policy.contains("script-src 'self' 'nonce-"), html, "{kind}: {policy}");
    assert_eq!(policy.contains("require-trusted-types-for 'script'"), html, "{kind}: {policy}");
    let cache = value("cache-control");
    match kind {
        "built file" => assert_eq!(cache, "public, max-age=31536000, immutable"),
        "metadata" => assert!(!cache.is_empty()),
        _ => assert_eq!(cache, "no-store", "{kind}"),
    }
}

#[tokio::test]
async fn every_page_has_a_nonce_and_no_external_content() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let mut nonces = BTreeSet::new();
    for path in pages().into_iter().chain(["/".into(), "/nowhere".into()]) {
        let page = browser.get(&path).await;
        let policy = page.header("content-security-policy").to_owned();
        let nonce = policy.split_once("'nonce-").and_then(|(_, rest)| rest.split_once('\'')).expect("a nonce").0;
        assert!(nonce.len() >= 20 && nonces.insert(nonce.to_owned()), "{path}: {nonce}");
        for script in page.text.split("<script").skip(1) {
            let tag = script.split('>').next().expect("a tag");
            assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "{path}: <script{tag}>");
        }
        assert!(!page.says("<style") && !page.says(" style=") && !page.says("onclick="), "{path}: {}", page.text);
        let outside = page.text.replace(&app.base, "").replace("http://www.w3.org/", "").replace(&en().admin_resources_indicator_hint(), "");
        assert!(!outside.contains("http://") && !outside.contains("https://"), "{path}: {outside}");
    }
}

#[tokio::test]
async fn page_requests_over_the_limit_get_retry_after() {
    let limits = tms_portal::server::state::RequestLimits { pages: NonZeroU32::new(3).expect("not zero"), ..no_limits() };
    let app = TestApp::start_as(Setup { limits, behind_proxy: true, ..Setup::default() }).await;
    let browser = app.browser_at("192.0.2.1");
    for _ in 0..3 {
        assert_eq!(browser.get("/").await.status, 200);
    }
    let page = browser.get("/").await;
    assert!(page.status == 429 && page.says(en().error_too_many_means()), "{}", page.text);
    assert!((1..=60).contains(&page.retry_after().expect("Retry-After")));
    assert_eq!(browser.sign_in("test", "testuser1", PASSWORD).await.status, 429);
    assert_eq!(app.browser_at("192.0.2.2").get("/").await.status, 200, "others are free");
    assert_eq!(browser.request(Method::GET, "/healthz").send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn urls_contain_no_error_texts() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    app.sql("DROP TABLE delegation_host_accounts").await;
    app.sql("ALTER TABLE host_accounts RENAME TO gone").await;
    for path in actions() {
        for form in [&[][..], &[("grant", "dgr_x"), ("decision", "allow"), ("lifetime", "28800"), ("started_this", "yes")]] {
            let request = browser.post_once(path, form).header("referer", format!("{}/device?x=1", browser.base));
            let answer = request.send().await.expect("an answer");
            let location = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or_default().to_owned();
            // Those redirect to a page that requires sign-in, or name a request.
            let redirects = path == "/api/links/switch" && location == "/sign-in?then=/hosts/link";
            let named = location.split_once('?').is_none_or(|(_, query)| query == "grant=dgr_x");
            assert!(!location.contains("__err") && (redirects || named), "{path}: {location}");
            assert_ne!(answer.status(), 302, "{path} went to {location}");
        }
    }
}

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(60);

#[test]
fn idle_connections_outlive_those_of_proxies() {
    let Timeouts { opening, idle, write } = Timeouts::default();
    assert!(idle > Duration::from_secs(75) && opening <= Duration::from_secs(10) && write <= LONG);
}

#[tokio::test]
async fn connection_without_a_request_is_closed() {
    let timeouts = Timeouts { opening: SHORT, idle: LONG, write: LONG };
    for (sent, tls) in [
        (&b""[..], false),
        // The first bytes of a ClientHello: a record of 512 bytes, of which only two are sent.
        (b"\x16\x03\x01\x02\x00\x01\x00", true),
    ] {
        assert_eq!(response_until_close(sent, timeouts, tls).await, b"");
    }
}

#[tokio::test]
async fn incomplete_headers_time_out() {
    let timeouts = Timeouts { opening: LONG, idle: SHORT, write: LONG };
    let answer = response_until_close(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ", timeouts, false).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}

/// The response of a server until it closes the connection.
async fn response_until_close(sent: &'static [u8], timeouts: Timeouts, tls: bool) -> Vec<u8> {
    on_connection(timeouts, tls, move |mut connection| {
        connection.write_all(sent).expect("sent");
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).expect("closed by the server, in time");
        answer
    })
    .await
}

#[tokio::test]
async fn idle_connection_is_kept_for_the_next_request() {
    let timeouts = Timeouts { opening: SHORT, idle: LONG, write: SHORT };
    on_connection(timeouts, false, |mut connection| {
        for _ in 0..2 {
            connection.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
            let mut answer = [0; 12];
            connection.read_exact(&mut answer).expect("an answer");
            assert_eq!(&answer, b"HTTP/1.1 200");
            // The rest of the response; then idle for longer than the other limits.
            let mut rest = [0; 4096];
            connection.set_read_timeout(Some(2 * SHORT)).expect("set");
            while connection.read(&mut rest).is_ok_and(|length| length > 0) {}
            connection.set_read_timeout(Some(LONG)).expect("set");
        }
    })
    .await;
}

#[tokio::test]
async fn connection_whose_peer_does_not_read_is_closed() {
    let timeouts = Timeouts { opening: LONG, idle: LONG, write: SHORT };
    let ended = on_connection(timeouts, false, |mut connection| {
        connection.set_write_timeout(Some(Duration::from_secs(10))).expect("set");
        loop {
            // The responses fill the buffers, after which the server reads no more requests.
            if let Err(error) = connection.write_all(&b"GET /spec/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100)) {
                return error.kind();
            }
        }
    });
    assert!(matches!(ended.await, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe));
}

/// Runs `work` with a connection to a server with these limits.
async fn on_connection<T: Send + 'static>(timeouts: Timeouts, tls: bool, work: impl FnOnce(TcpStream) -> T + Send + 'static) -> T {
    let app = TestApp::start_as(Setup { timeouts, tls, ..Setup::default() }).await;
    let address = app.base.trim_start_matches("http://").to_owned();
    let left = tokio::task::spawn_blocking(move || {
        let connection = TcpStream::connect(address).expect("connected");
        connection.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
        work(connection)
    });
    left.await.expect("a thread")
}

#[tokio::test]
async fn anonymous_page_views_store_nothing() {
    let app = TestApp::start().await;
    for path in paths::PUBLIC_PAGES {
        let page = Browser::new(&app.base).get(path).await;
        assert_eq!(page.header("set-cookie"), "", "{path}");
    }
    assert_eq!(app.number("SELECT count(*) FROM browser_sessions").await, 0);
}
