//! `/keys`: listing, revoking and adding SSH keys.

mod groups;

use std::time::Duration;

use serde_json::json;

use crate::app::{PASSWORD, TestApp};
use crate::browser::{Browser, en};
use crate::tms::api::login;

const PUBLIC_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIErqSGC5Fd9/VWqg20dtfAYEmp4uPDSwenE5VfeMKJvA jdoe@laptop";

async fn account(browser: &Browser) -> String {
    let page = browser.get("/keys/add").await;
    page.text.split("<option value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a host account").to_owned()
}

#[tokio::test]
async fn person_lists_keys_and_revokes_one() {
    let app = TestApp::start().await;
    let key = app.client().make_key(json!({ "num_uses": 3, "ttl_minutes": 600 })).await;
    let fingerprint = key["public_key_fingerprint"].as_str().expect("a fingerprint");
    let browser = app.signed_in().await;
    let words = browser.get("/keys").await.words();
    for part in [
        fingerprint,
        &format!("{} testclient1", en().keys_client_id()),
        &format!("{}, {} {}", en().keys_not_used(), en().keys_created_then(), en().just_now()),
        &format!("{} {}", en().keys_expires(), en().in_span(en().span_hours(10))),
        &format!("{} 3", en().keys_uses_left()),
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(app.client().gets_key(&login(&key)).await);
    app.clock.advance(Duration::from_secs(3 * 3_600));
    let browser = app.signed_in().await;
    let words = browser.get("/keys").await.words();
    let used = format!("{} {}", en().keys_last_used(), en().span_ago(en().span_hours(3)));
    assert!(words.contains(&used) && words.contains(&en().keys_used_on("testhost1")), "{words}");
    assert!(words.contains(&format!("{} 2", en().keys_uses_left())), "{words}");

    let question = browser.get("/keys/revoke?key=1").await;
    assert!(question.says(en().keys_revoke_question(1)) && question.says(fingerprint) && question.says(en().keys_revoke_consequence()));
    let page = browser.post("/api/keys/revoke", &[("key[]", &question.field("key[]"))]).await;
    assert!(page.path == "/keys" && page.says(en().keys_revoked(1)), "{}", page.words());
    assert!(!app.client().gets_key(&login(&key)).await, "and so it is");
    assert!(!browser.get("/keys").await.says(en().keys_revoked(1)), "said once");
    let revoked = en().event_key_revoked_app_host("testapp1", "testhostaccount1", "testhost1");
    assert!(browser.get("/activity").await.words().contains(&revoked));
}

#[tokio::test]
async fn keys_are_revoked_by_selection_and_by_client() {
    let app = TestApp::start().await;
    for _ in 0..12 {
        app.client().make_key(json!({})).await;
    }
    let browser = app.signed_in().await;
    let question = browser.get("/keys/revoke?key=1&key=2&key=nonsense&key=99999").await;
    assert!(question.says(en().keys_revoke_question(2)), "{}", question.words());
    let page = browser.post("/api/keys/revoke", &[("key[]", "1"), ("key[]", "2"), ("key[]", "99999")]).await;
    assert!(page.says(en().keys_revoked(2)), "{}", page.words());
    let question = browser.get("/keys/revoke?client=testclient1&host=testhost1").await;
    assert!(question.says(en().keys_revoke_question(10)) && question.says(en().keys_revoke_number(10)), "{}", question.words());
    assert!(
        question.tells(|name| en().keys_all_of_client(10, name)) && question.says(en().keys_all_of_host(10, "testhost1")),
        "{}",
        question.words()
    );
    let form = question.form("/api/keys/revoke");
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert!(browser.post("/api/keys/revoke", &form).await.says(en().keys_revoked(10)));
    assert!(browser.get("/keys/revoke?client=no%20id").await.says(en().keys_none_selected_title()));
    assert!(browser.get("/keys/revoke?client=tms-cli").await.says(en().keys_none_selected_title()));
    assert!(browser.get("/keys/revoke").await.says(en().keys_none_selected_title()));
    app.client().make_key(json!({})).await;
    let (long, longest) = ("x".repeat(300), "x".repeat(128));
    for filter in [
        "client=bad%20id".to_owned(),
        "client=".to_owned(),
        "host=%00".to_owned(),
        format!("client={long}"),
        format!("client=testclient1&q={long}"),
        format!("host=testhost1&q={longest}%20{longest}%20app:other"),
        "client=testclient1&q=app:other".to_owned(),
        "client=other&q=app:testclient1".to_owned(),
        "show=nonsense".to_owned(),
    ] {
        let question = browser.get(&format!("/keys/revoke?all=1&{filter}")).await;
        assert!(question.says(en().keys_none_selected_title()), "{filter}: {}", question.words());
    }
    assert!(!browser.get("/keys?client=bad%20id").await.says("row-card key"));
    let cut = [("query[q]", format!("{} app:other", " testhost1".repeat(30))), ("newest", "99".to_owned()), ("count", "99".to_owned())];
    let cut: Vec<(&str, &str)> = cut.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert!(browser.post("/api/keys/revoke", &cut).await.problem().contains(&en().keys_more_than_announced()));
    assert_eq!(app.number("SELECT count(*) FROM pubkeys").await, 1);
}

#[tokio::test]
async fn keys_of_others_are_not_accessible() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    app.add_person("default", "testuser1").await;
    app.add_dora().await;
    let key = app.client().make_key(json!({})).await;
    for (tenant, user) in [("test", "eve"), ("default", "testuser1")] {
        let other = app.signed_in_as(tenant, user, PASSWORD).await;
        assert!(other.get("/keys").await.says(en().keys_empty_title()));
        assert!(other.get("/keys/revoke?key=1").await.says(en().keys_none_selected_title()));
        assert!(other.get("/keys/revoke?client=testclient1").await.says(en().keys_none_selected_title()));
        assert!(other.get("/keys/revoke?all=1").await.says(en().keys_none_selected_title()));
        assert!(other.post("/api/keys/revoke", &[("key[]", "1")]).await.says(en().keys_revoked(0)));
        let all = [("query[show]", "all"), ("newest", "99"), ("count", "99")];
        assert!(other.post("/api/keys/revoke", &all).await.says(en().keys_revoked(0)));
        other.post("/api/keys/revoke-everything", &[]).await;
    }
    assert!(app.client().gets_key(&login(&key)).await);
    assert_eq!(app.count_audit_events("key_revoked").await, 0);
}

#[tokio::test]
async fn ten_thousand_keys_are_paged_without_duplicates() {
    let app = TestApp::start().await;
    app.sql(
        "INSERT INTO pubkeys (tenant_id, client_id, user_id, host, account, fingerprint, public_key, key_type, key_bits, max_uses,
                              initial_ttl_minutes, expires_at, created_at, updated_at, last_used_at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
         SELECT 'test', 'testclient1', 'testuser1', 'testhost1', 'testhostaccount1', 'SHA256:' || substr(CAST(100000 + i AS TEXT), 2), 'k', 'ed25519', 256, i % 3, 0,
                1795176000000 + i % 7, 1795000000000, 1795000000000, CASE WHEN i % 5 <> 0 THEN 1795000000000 + i % 11 END FROM n",
    )
    .await;
    let browser = app.signed_in().await;
    for address in
        ["/keys?q=SHA256:0000", "/keys?q=SHA256:0000&sort=used", "/keys?q=SHA256:0000&sort=expires&show=ended", "/keys?q=SHA256:0000&sort=host"]
    {
        let (mut next, mut seen) = (Some(address.to_owned()), Vec::new());
        while let Some(address) = next {
            let page = browser.get(&address).await;
            assert_eq!(page.status, 200, "{address}");
            seen.extend(page.text.match_indices("\">SHA256:0").map(|(at, _)| page.text[at + 2..at + 14].to_owned()));
            let more = page.text.split("rel=\"next\"").next().filter(|before| before.len() < page.text.len());
            next =
                more.and_then(|before| before.rsplit("href=\"").next()).map(|rest| rest.split('"').next().unwrap_or_default().replace("&amp;", "&"));
        }
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(all, seen.len(), "{address}: none twice");
        assert!(all >= 4, "{address}: {all}");
        if !address.contains("show") {
            assert_eq!(all, 9, "{address}");
        }
    }
    let page = browser.get("/keys?show=active").await;
    assert!(page.says("1–25 of ") && page.text.matches("class=\"row-card key\"").count() == 25);
    for nonsense in ["/keys?after=x", "/keys?after=99999999999999999999.1", "/keys?show=%00&sort=%27%3B--", "/keys?q=%25_%5C", "/keys?q=%F0%9F%94%91"]
    {
        assert_eq!(browser.get(nonsense).await.status, 200, "{nonsense}");
    }
}

#[tokio::test]
async fn person_registers_own_public_key() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let account = account(&browser).await;
    let form = [("host_account", account.as_str()), ("public_key", PUBLIC_KEY), ("days", "7")];
    let page = browser.post("/api/keys/add", &form).await;
    assert!(
        page.path == "/keys" && page.says(en().keys_added("SHA256:Z/Fn8ioe1ARfZ2DK7IhiMfPhs4E8WPyk3yJfI3BRjEI", "testhost1")),
        "{}",
        page.words()
    );
    assert!(page.words().contains("jdoe@laptop testhostaccount1@testhost1") && page.words().contains(&en().keys_group_own()), "{}", page.words());
    let lookup = json!({ "user": "testhostaccount1", "user_uid": "1000", "host": "testhost1", "key_type": "ssh-ed25519",
                         "public_key_fingerprint": "SHA256:Z/Fn8ioe1ARfZ2DK7IhiMfPhs4E8WPyk3yJfI3BRjEI" });
    assert!(app.client().gets_key(&lookup).await);
    app.sql("UPDATE clients SET enabled = false").await;
    app.sql("DELETE FROM delegations").await;
    assert!(app.unauthenticated().gets_key(&lookup).await, "it rests on no client and no delegation");
    assert!(browser.post("/api/keys/add", &form).await.problem().contains(&en().key_refused_exists()));
    app.clock.advance(Duration::from_secs(7 * 86_400));
    assert!(!app.unauthenticated().gets_key(&lookup).await, "and ends when it was to end");
}

#[tokio::test]
async fn invisible_key_name_is_refused() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let account = account(&browser).await;
    let add = async |key: &str, label: &str| {
        browser.post("/api/keys/add", &[("host_account", account.as_str()), ("public_key", key), ("label", label), ("days", "7")]).await
    };
    let odd = format!("{PUBLIC_KEY}\u{202e}x");
    for (key, label, said) in [
        (PUBLIC_KEY, "lap\u{200b}top", en().name_refused_invisible()),
        (PUBLIC_KEY, "\u{3164}", en().name_refused_invisible()),
        (&odd, "", en().key_refused_comment()),
    ] {
        let page = add(key, label).await;
        assert!(page.status == 422 && page.problem().starts_with(&said), "{label:?}: {} {}", page.status, page.words());
    }
    assert_eq!(add(&odd, "laptop").await.path, "/keys", "with a name, the comment does not matter");
    assert_eq!(app.texts("SELECT label FROM pubkeys").await, ["laptop"]);
}

#[tokio::test]
async fn rejects_invalid_keys_and_never_stores_private_keys() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    let browser = app.signed_in().await;
    let account = account(&browser).await;
    let add = async |browser: &Browser, account: &str, key: &str| {
        browser.post("/api/keys/add", &[("host_account", account), ("public_key", key), ("days", "7")]).await
    };
    let page = add(&browser, &account, "command=\"sh\" ssh-ed25519 AAAA <b>").await;
    assert_eq!((page.status, page.path.as_str()), (422, "/keys/add"));
    assert!(
        page.problem().contains(&en().key_refused_text_before()) && page.says("command=&quot;sh&quot;") | page.says("command=\"sh\" ssh"),
        "what was typed stays"
    );
    assert!(page.has_error_title() && page.says("aria-invalid=\"true\""));
    let private = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0LWhhbGY=\n-----END OPENSSH PRIVATE KEY-----";
    let page = add(&browser, &account, private).await;
    assert!(page.problem().contains(&en().key_refused_private()) && !page.says("c2VjcmV0"), "{}", page.words());
    let own = app.signed_in_as("test", "eve", PASSWORD).await;
    assert!(add(&own, &account, PUBLIC_KEY).await.says(en().keys_add_no_account()), "not for an account of another person");
    assert!(own.get("/keys/add").await.says(en().keys_add_none()));

    app.change_tenant("test", |tenant| tenant.policy.own_keys = false).await;
    let private = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----";
    let page = add(&browser, &account, private).await;
    assert!(page.problem().contains(&en().key_refused_private()) && !page.says("b3BlbnNzaC1"), "{}", page.text);
    assert!(add(&browser, &account, PUBLIC_KEY).await.problem().contains(&en().key_refused_not_here()));
    app.change_tenant("test", |tenant| tenant.policy.own_keys = true).await;
    app.sql("UPDATE user_mfa SET enabled = false").await;
    assert!(add(&browser, &account, PUBLIC_KEY).await.problem().contains(&en().key_refused_mfa()));
    assert_eq!(app.number("SELECT count(*) FROM pubkeys").await, 0);
}

#[tokio::test]
async fn revoking_everything_requires_recent_authentication() {
    let app = TestApp::start().await;
    let key = app.client().make_key(json!({})).await;
    let other = app.signed_in().await;
    let browser = app.signed_in().await;
    let device = app.start_device().await;
    let consent = browser.enter(&device.user_code).await;
    browser.allow(&consent).await;
    let token = app.poll(&device).await.token();

    app.clock.advance(Duration::from_secs(16 * 60));
    let page = browser.get("/keys/revoke-everything").await;
    assert!(page.path == "/sign-in" && page.says(en().sign_in_again_title()), "{}", page.words());
    let page = browser.post("/api/keys/revoke-everything", &[]).await;
    assert_eq!(page.path, "/sign-in", "nor by the form alone");
    assert!(app.client().gets_key(&login(&key)).await);

    let again = |password: &'static str| {
        [("tenant", "test"), ("user_name", "testuser1"), ("password", password), ("again", "1"), ("then", "/keys/revoke-everything")]
    };
    let page = browser.post("/sign-in/password", &again("wrong")).await;
    assert!(page.says(en().sign_in_again_title()) && page.problem().contains(&en().sign_in_refused_wrong()), "{}", page.words());
    let page = browser.post("/sign-in/password", &again(PASSWORD)).await;
    assert!(page.says(en().keys_everything_question()), "{}", page.words());
    let page = browser.post("/api/keys/revoke-everything", &[]).await;
    assert_eq!(page.path, "/activity");
    assert!(page.says(en().keys_everything_revoked(1, 2, 1)), "{}", page.words());
    assert!(page.words().contains(&en().event_everything_revoked()), "{}", page.words());
    assert!(!app.client().gets_key(&login(&key)).await);
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
    assert_eq!(other.get("/keys").await.path, "/sign-in");
    assert_eq!(app.count_audit_events("everything_revoked").await, 1);
}

#[tokio::test]
async fn revoked_key_is_explained_from_the_audit_log() {
    let app = TestApp::start().await;
    let key = app.client().make_key(json!({})).await;
    let browser = app.signed_in().await;
    let (_, stop) = browser.get("/activity").await.text.split_once("href=\"/keys?q=").map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a link");
    let stop = format!("/keys?q={}", stop.split('"').next().expect("its end"));
    assert!(browser.get(&stop).await.says(key["public_key_fingerprint"].as_str().expect("a fingerprint")));
    browser.post("/api/keys/revoke", &[("key[]", "1")]).await;
    browser.get("/keys").await;
    let page = browser.get(&stop).await;
    assert!(page.says(en().keys_gone()) && !page.says(en().list_nothing_found()), "{}", page.words());
    let page = browser.get("/keys?q=SHA256:unknown").await;
    assert!(page.says(en().list_nothing_found()), "{}", page.words());
    assert!(browser.get("/apps?q=testclient9").await.says(en().apps_none_in_force()));
}
