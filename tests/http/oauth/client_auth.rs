//! Client authentication at each endpoint that requires it (RFC 6749 §2.3).

use super::{CONFIDENTIAL, error, refused};
use crate::app::{Answer, DEVICE_CODE_GRANT, TestApp, no_limits, number};

const SECRET: &str = CONFIDENTIAL.1;

/// The Authorization header, if any; the client parameters of the body; the authenticated client or the error.
type Row = (Option<Parameter>, &'static [Parameter], Taken);
type Parameter = (&'static str, &'static str);
type Taken = Result<(), (u16, &'static str)>;

const NO: Taken = Err((401, "invalid_client"));
const BAD: Taken = Err((400, "invalid_request"));

const TABLE: &[Row] = &[
    // Confidential.
    (Some(("testclient1", SECRET)), &[], Ok(())),
    (Some(("testclient1", SECRET)), &[("client_id", "testclient1")], Ok(())),
    (Some(("testclient1", SECRET)), &[("client_id", ""), ("client_secret", "")], Ok(())),
    (Some(("%74estclient1", "secre%741")), &[], Ok(())),
    (None, &[("client_id", "testclient1"), ("client_secret", SECRET)], Ok(())),
    (Some(("testclient1", "wrong")), &[], NO),
    (Some(("testclient1", "secret1 ")), &[], NO),
    (Some(("testclient1", "")), &[], NO),
    (Some(("testclient1", "%zz")), &[], NO),
    (Some(("testclient1", SECRET)), &[("client_id", "tms-cli")], NO),
    (Some(("testclient1", SECRET)), &[("client_secret", SECRET)], BAD),
    (Some(("testclient1", SECRET)), &[("client_id", "testclient1"), ("client_secret", SECRET)], BAD),
    (None, &[("client_id", "testclient1"), ("client_secret", "wrong")], NO),
    (None, &[("client_id", "testclient1"), ("client_secret", "")], NO),
    (None, &[("client_id", "testclient1")], NO),
    (None, &[("client_secret", SECRET)], BAD),
    // Public. oidc-agent and Go's x/oauth2 send Basic with an empty secret, step an empty one in the body.
    (None, &[("client_id", "tms-cli")], Ok(())),
    (None, &[("client_id", "tms-cli"), ("client_secret", "")], Ok(())),
    (Some(("tms-cli", "")), &[], Ok(())),
    (Some(("tms-cli", "")), &[("client_id", "tms-cli")], Ok(())),
    (Some(("tms-cli", "")), &[("client_id", "testclient1")], NO),
    (Some(("tms-cli", "x")), &[], NO),
    (Some(("tms-cli", "x")), &[("client_id", "tms-cli")], NO),
    (None, &[("client_id", "tms-cli"), ("client_secret", "x")], NO),
    // No client.
    (Some(("", "")), &[], NO),
    (Some(("nobody", "x")), &[], NO),
    (None, &[("client_id", "nobody")], NO),
    (None, &[("client_id", "tms-cli\0")], NO),
    (None, &[("client_id", "TMS-CLI")], NO),
    (None, &[("client_id", "tms-cli' OR '1'='1")], NO),
    (None, &[("client_id", "")], BAD),
    (None, &[], BAD),
];

/// Each endpoint with the rest of a request, and its response to an authenticated client.
const ENDPOINTS: [(&str, &[Parameter], u16, &str); 3] = [
    ("/oauth/device_authorization", &[], 200, ""),
    ("/oauth/token", &[("grant_type", DEVICE_CODE_GRANT), ("device_code", "x")], 400, "invalid_grant"),
    ("/oauth/revoke", &[("token", "x")], 200, ""),
];

#[tokio::test]
async fn every_endpoint_authenticates_clients_alike() {
    let app = TestApp::start().await;
    for (path, rest, known, code) in ENDPOINTS {
        for (basic, body, expected) in TABLE {
            let mut request = app.http.post(app.tenant(path)).form(&[*body, rest].concat());
            if let Some((id, secret)) = basic {
                request = request.basic_auth(id, Some(secret));
            }
            let answer = Answer::of(request).await;
            let said = format!("{path} {basic:?} {body:?}");
            match expected {
                Ok(()) => assert_eq!((answer.status, answer.error()), (known, code), "{said}"),
                Err((status, code)) => assert_eq!(error(&answer), refused(*status, code), "{said}"),
            }
        }
    }
}

#[tokio::test]
async fn other_authorization_scheme_is_refused() {
    let app = TestApp::start().await;
    for header in ["Basic", "Basic ", "Basic !!!", "Basic dG1zLWNsaQ==", "Basic /////w==", "Bearer abc", "Digest username=tms-cli", "x"] {
        let request = app.http.post(app.tenant("/oauth/device_authorization")).header("authorization", header).form(&[("client_id", "tms-cli")]);
        assert_eq!(error(&Answer::of(request).await), refused(401, "invalid_client"), "{header}");
    }
}

#[tokio::test]
async fn credentials_in_the_query_are_ignored() {
    let app = TestApp::start().await;
    let path = "/oauth/device_authorization?client_id=testclient1&client_secret=secret1";
    assert_eq!(error(&app.send(path, &[]).await), refused(400, "invalid_request"));
    assert_eq!(error(&app.send(path, &[("client_id", "testclient1")]).await), refused(401, "invalid_client"));
}

#[tokio::test]
async fn disabled_client_is_treated_as_unknown() {
    let app = TestApp::start().await;
    app.switch_client("tms-cli", false).await;
    for (path, rest, ..) in ENDPOINTS {
        let answer = app.send(path, &[&[("client_id", "tms-cli")], rest].concat()).await;
        assert_eq!(error(&answer), refused(401, "invalid_client"), "{path}");
    }
}

#[tokio::test]
async fn secret_guessing_is_limited() {
    let mut limits = no_limits();
    limits.wrong_secrets = number(3);
    let app = TestApp::start_with(limits).await;
    let try_secret = async |id: &str, secret: &str| app.send("/oauth/revoke", &[("client_id", id), ("client_secret", secret), ("token", "x")]).await;
    for attempt in 0..3 {
        assert_eq!(error(&try_secret("testclient1", &format!("guess {attempt}")).await), refused(401, "invalid_client"));
    }
    let wall = try_secret("testclient1", "guess 3").await;
    assert_eq!(error(&wall), refused(429, "temporarily_unavailable"));
    assert!((1..=60).contains(&wall.header("retry-after").parse().expect("seconds")));
    assert_eq!(error(&try_secret("testclient1", SECRET).await).0, 429, "behind the wall, the right secret is no better than a wrong one");
    assert_eq!(try_secret("tms-cli", "").await.status, 200, "other clients are not behind it");
    for attempt in 0..5 {
        try_secret("unknown", &format!("guess {attempt}")).await;
    }
    let guessed = "SELECT concat_ws(' ', tenant_id, client_id, subject, from_address) FROM activity WHERE kind = 'secret_guessing_stopped'";
    assert_eq!(app.texts(guessed).await, ["test testclient1 testclient1 127.0.0.1"], "once, and not for unknown clients");
}
