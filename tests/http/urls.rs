//! Unknown URLs, other spellings of paths, and documents that may be read across origins.

use reqwest::Method;

use crate::app::{Answer, TestApp};
use crate::browser::en;
use crate::guards::pages;
use crate::{oauth, tms};

const METHODS: [Method; 7] = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS];

#[tokio::test]
async fn unknown_oauth_url_is_a_json_404() {
    let app = TestApp::start().await;
    for path in [
        "/t/test/oauth/token/",
        "/t/test/oauth/device_authorization/",
        "/t/test/oauth/jwks/",
        "/t/test/oauth/Token",
        "/T/test/oauth/token",
        "/t/nobody",
        "/t/test",
        "/t/test/",
        "/t/",
        "/.well-known/nothing",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration/",
    ] {
        for method in METHODS {
            for accept in ["*/*", "text/html"] {
                let answer = Answer::of(app.http.request(method.clone(), app.url(path)).header("accept", accept)).await;
                assert_eq!((answer.status, answer.header("content-type")), (404, "application/json"), "{method} {path}");
                if method != Method::HEAD {
                    assert_eq!(oauth::error(&answer), oauth::refused(404, "invalid_request"), "{method} {path}");
                }
            }
        }
    }
}

#[tokio::test]
async fn unknown_tms_api_url_is_a_json_404() {
    let app = TestApp::start().await;
    for path in ["/v1", "/v1/", "/v1/tms", "/v1/tms/me/", "/v1/tms/nothing", "/V1/tms/version", "/spec/", "/SPEC"] {
        for method in METHODS.into_iter().filter(|method| method != Method::HEAD) {
            let answer = Answer::of(app.http.request(method.clone(), app.url(path)).header("accept", "text/html")).await;
            assert_eq!(tms::error(&answer), 404, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn unknown_url_is_404_for_every_method() {
    let app = TestApp::start().await;
    for path in ["/nowhere", "/nowhere.svg", "/pkg/nothing.js", "/device/", "/Device", "/d", "//evil.example", "/favicon.svg/"] {
        for method in METHODS.into_iter().filter(|method| !matches!(*method, Method::GET | Method::HEAD)) {
            let answer = app.http.request(method.clone(), app.url(path)).send().await.expect("an answer");
            assert_eq!(answer.status(), 404, "{method} {path}");
        }
    }
    for path in ["/favicon.svg", "/pkg/tms-portal.0123.js"] {
        let answer = Answer::of(app.http.post(app.url(path))).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET,HEAD"), "{path}: there is something");
    }
    let signed_in = app.signed_in().await;
    for method in METHODS {
        let answer = signed_in.request(method.clone(), "/api/nothing").send().await.expect("an answer");
        assert_eq!(answer.status(), 404, "{method}");
    }
    let page = app.browser().post("/nowhere", &[]).await;
    assert!(page.status == 404 && page.says(en().error_not_found()), "{}", page.words());
}

#[tokio::test]
async fn other_spelling_of_a_page_redirects() {
    let app = TestApp::start().await;
    let location = async |method: Method, path: &str| {
        let answer = Answer::of(app.http.request(method, app.url(path))).await;
        (answer.status, answer.header("location").to_owned())
    };
    for path in pages().into_iter().filter(|path| path.len() > 1) {
        for written in [format!("{path}/"), path.to_uppercase(), format!("{path}//")] {
            for method in [Method::GET, Method::HEAD] {
                assert_eq!(location(method, &written).await, (308, path.clone()), "{written}");
            }
        }
    }
    for (written, page) in [
        ("/d", "/device"),
        ("/D/", "/device"),
        ("/d?user_code=WDJB-MJHT", "/device?user_code=WDJB-MJHT"),
        ("/Device/?user_code=WDJB-MJHT&x=//evil.example", "/device?user_code=WDJB-MJHT&x=//evil.example"),
        ("/hosts/link/?", "/hosts/link?"),
    ] {
        assert_eq!(location(Method::GET, written).await, (308, page.to_owned()), "{written}");
    }
    for nowhere in
        ["//evil.example", "//evil.example/device", "//device", "///", "/%2fevil.example/", "/\\evil.example/", "/dd", "/device/x/", "/d/x"]
    {
        assert_eq!(location(Method::GET, nowhere).await, (404, String::new()), "{nowhere}");
    }
}

#[tokio::test]
async fn public_documents_allow_cross_origin_reads() {
    let app = TestApp::start().await;
    for path in [
        "/.well-known/oauth-authorization-server/t/test",
        "/.well-known/openid-configuration/t/test",
        "/t/test/.well-known/oauth-authorization-server",
        "/t/test/.well-known/openid-configuration",
        "/t/test/oauth/jwks",
        "/.well-known/oauth-protected-resource/v1/tms",
        "/spec",
    ] {
        let answer = Answer::of(app.http.get(app.url(path)).header("origin", "https://elsewhere.example")).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"), "{path}");
        assert_eq!(answer.headers.get("access-control-allow-credentials"), None);
        let preflight = app.http.request(Method::OPTIONS, app.url(path)).header("origin", "https://elsewhere.example");
        let preflight = preflight.header("access-control-request-method", "GET").header("access-control-request-headers", "x-library");
        let answer = Answer::of(preflight).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"), "{path}");
        assert_eq!((answer.header("access-control-allow-methods"), answer.header("access-control-allow-headers")), ("GET,HEAD", "*"), "{path}");
    }
    let missing = app.http.get(app.url("/t/nobody/oauth/jwks")).header("origin", "https://elsewhere.example");
    assert_eq!(Answer::of(missing).await.header("access-control-allow-origin"), "*", "a script reads why there is none");
}

#[tokio::test]
async fn other_urls_deny_cross_origin_reads() {
    let app = TestApp::start().await;
    for path in [
        "/t/test/oauth/token",
        "/t/test/oauth/device_authorization",
        "/t/test/oauth/revoke",
        "/t/test/oauth/introspect",
        "/t/test/nothing",
        "/v1/tms/me",
        "/v1/tms/version",
        "/device",
        "/api/device/waiting",
        "/healthz",
        "/favicon.svg",
    ] {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let request = app.http.request(method.clone(), app.url(path)).header("origin", "https://elsewhere.example");
            let answer = Answer::of(request.header("access-control-request-method", "POST")).await;
            for (name, _) in &answer.headers {
                assert!(!name.as_str().starts_with("access-control-"), "{method} {path}: {name}");
            }
        }
    }
}
