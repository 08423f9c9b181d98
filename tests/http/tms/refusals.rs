//! Refused key lookups: recorded with their reason, for the person concerned and for administrators.

use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Value, json};
use tms_portal::domain::ids::{AccountName, HostName, TenantId};
use tms_portal::domain::refused_lookup::RefusalReason;
use tms_portal::server::storage::refused_lookups::{self, NewRefusedLookup};
use tms_portal::server::storage::{Error, Storage};

use super::api::{ApiClient, EVERYTHING, NO_KEY, changed, enabled, lasting, login, named_dependencies, text};
use super::endpoints::OWN_KEY;
use super::error;
use crate::app::{PASSWORD, TestApp};
use crate::browser::en;

const NONE: Value = Value::Null;
const LOOKUP: &str = "POST /pubkeys/creds/retrieve";
const PLACE: &str = "testhostaccount1@testhost1";
const MINUTE: Duration = Duration::from_secs(60);

impl TestApp {
    /// All refusals, once so many were recorded: that happens after the response.
    pub async fn refusals(&self, total: i64) -> Vec<String> {
        let recorded = async {
            while self.number("SELECT coalesce(CAST(sum(times) AS BIGINT), 0) FROM refused_lookups").await < total {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), recorded).await.expect("recorded");
        self.texts("SELECT concat_ws(' ', tenant_id, coalesce(user_id, '-'), coalesce(client_id, '-'), reason) FROM refused_lookups ORDER BY number")
            .await
    }
}

/// A lookup of an unknown key for another account.
fn unknown(account: &str) -> Value {
    json!({ "user": account, "host": "testhost1", "public_key_fingerprint": NO_KEY })
}

#[tokio::test]
async fn each_ended_dependency_is_recorded_as_reason() {
    let app = TestApp::start().await;
    let (root, admin, client, host) = (app.admin("default").await, app.admin("test").await, app.client(), app.unauthenticated());
    let [mfa, link, delegation] = named_dependencies();
    let tenant = json!({ "tenant": "test" });
    let switched: [(&ApiClient, &str, [Value; 2], &str); 5] = [
        (&admin, "PATCH /usermfa/upd", [enabled(&mfa, false), enabled(&mfa, true)], "mfa_disabled"),
        (&admin, "PATCH /userhosts/upd", [lasting(&link, 0), lasting(&link, -1)], "link_expired"),
        (&admin, "PATCH /delegations/upd", [lasting(&delegation, 0), lasting(&delegation, -1)], "delegation_expired"),
        (&root, "PATCH /tenants/upd", [enabled(&tenant, false), enabled(&tenant, true)], "tenant_disabled"),
        (&admin, "PATCH /client/upd/testclient1", [NONE, NONE], "client_disabled"),
    ];
    let key = login(&client.make_key(json!({})).await);
    let mut total = 0;
    let mut refused_for = async |reason: &str| {
        assert!(!host.gets_key(&key).await, "{reason}");
        total += 1;
        assert_eq!(app.refusals(total).await.last().expect("a refusal"), &format!("test testuser1 testclient1 {reason}"));
    };
    for (who, call, [end, again], reason) in switched {
        let query = |on| if end.is_null() { format!("{call}?enabled={on}") } else { call.to_owned() };
        who.done(&query(false), end.clone()).await;
        refused_for(reason).await;
        who.done(&query(true), again).await;
    }
    app.switch_person("testuser1", false).await;
    refused_for("user_disabled").await;
    app.switch_person("testuser1", true).await;
    app.sql("UPDATE user_mfa SET expires_at = 1").await;
    refused_for("mfa_expired").await;
    app.sql("DELETE FROM user_mfa").await;
    refused_for("mfa_missing").await;
    app.sql("INSERT INTO user_mfa (number, tenant_id, user_id, enabled, expires_at) VALUES (99, 'test', 'testuser1', true, 253402300799000)").await;
    app.sql("UPDATE delegations SET ended_at = 1").await;
    refused_for("delegation_missing").await;
}

#[tokio::test]
async fn ended_keys_and_unfit_logins_are_recorded() {
    let app = TestApp::start().await;
    let (admin, client, host) = (app.admin("test").await, app.client(), app.unauthenticated());
    let mut total = 0;
    let mut refused_for = async |login: &Value, said: &str| {
        assert!(!host.gets_key(login).await, "{said}");
        total += 1;
        assert_eq!(app.refusals(total).await.last().expect("a refusal"), said);
    };
    let single = login(&client.make_key(json!({ "num_uses": 1 })).await);
    assert!(host.gets_key(&single).await);
    let made = client.make_key(json!({ "ttl_minutes": 5 })).await;
    let reserved = json!({
        "client_user_id": "testuser1", "host": "testhost1", "public_key_fingerprint": made["public_key_fingerprint"], "ttl_minutes": 10,
    });
    client.done("POST /reservations", reserved).await;
    let expired = login(&client.make_key(json!({ "ttl_minutes": 5 })).await);
    app.clock.advance(10 * MINUTE);
    refused_for(&single, "test testuser1 testclient1 key_used_up").await;
    refused_for(&expired, "test testuser1 testclient1 key_expired").await;
    refused_for(&login(&made), "test testuser1 testclient1 reservation_ended").await;

    let key = login(&client.make_key(json!({})).await);
    refused_for(&changed(key.clone(), json!({ "key_type": "ssh-rsa" })), "test testuser1 testclient1 key_type_mismatch").await;
    app.sql("UPDATE host_accounts SET linked_by = 'mvp'").await;
    refused_for(&changed(key.clone(), json!({ "user_uid": "0" })), "test testuser1 testclient1 uid_below_minimum").await;

    refused_for(&unknown("testhostaccount1"), "test testuser1 - unknown_key").await;
    refused_for(&unknown("somebody"), "test - - link_missing").await;
    app.sql("UPDATE host_accounts SET expires_at = 1").await;
    let other = changed(unknown("testhostaccount1"), json!({ "public_key_fingerprint": format!("{NO_KEY}A") }));
    refused_for(&other, "test - - link_expired").await;

    let listed = admin.get("/hosts/refusals?host=TESTHOST1").await.body;
    assert_eq!(listed["num_refusals"], 8);
    let rows = listed["refusals"].as_array().expect("rows");
    assert!(rows.iter().any(|row| row["message"] == RefusalReason::KeyUsedUp.to_string()));
    assert!(rows.iter().any(|row| row["reason"] == "link_expired"));
    for row in rows {
        assert_eq!((&row["host"], &row["from"], &row["times"]), (&json!("testhost1"), &json!("127.0.0.1"), &json!(1)));
    }
}

#[tokio::test]
async fn refused_hosts_are_recorded() {
    let app = TestApp::start().await;
    let (admin, key) = (app.admin("test").await, login(&app.client().make_key(json!({})).await));
    let other = app.host(&admin, "test", "frontera", false).await;
    app.host(&admin, "test", "testhost1", true).await;
    let strangers = [
        (app.unauthenticated(), "testuser1 testclient1 credential_missing"),
        (app.bearer(&"0".repeat(48)), "testuser1 - credential_invalid"),
        (other, "testuser1 - credential_of_other_host"),
    ];
    for (number, (stranger, said)) in (1..).zip(strangers) {
        assert_eq!(stranger.refusal(LOOKUP, key.clone()).await, 401);
        assert_eq!(app.refusals(number).await.last().expect("a refusal"), &format!("test {said}"));
    }
    // A body that is not one of a lookup changes nothing.
    for body in [json!({}), json!({ "user": "*" }), json!([])] {
        assert_eq!(app.bearer("x").refusal(LOOKUP, body).await, 401);
    }
}

/// A host that names no tenant, whose name another tenant has.
#[tokio::test]
async fn key_in_another_tenant_is_told_to_its_owner() {
    let app = TestApp::start().await;
    let other = app.add_tenant("other").await;
    let client = app.add_client(&other, "other", "testclient1").await;
    app.add_all(&other, "other", "testclient1", "eve", "testhost1", "testhostaccount1").await;
    let hers = login(&client.make_key(json!({ "client_user_id": "eve", "public_key": OWN_KEY })).await);
    assert!(!app.unauthenticated().gets_key(&hers).await);
    assert_eq!(app.refusals(2).await, ["other eve testclient1 host_of_other_tenant", "test testuser1 - unknown_key"]);
    let row = |listed: Value| listed["refusals"][0].clone();
    let (ours, theirs) = (app.admin("test").await.get("/hosts/refusals?host=testhost1").await, other.get("/hosts/refusals?host=testhost1").await);
    assert_eq!((&row(ours.body)["reason"], &row(theirs.body)["reason"]), (&json!("unknown_key"), &json!("host_of_other_tenant")));
    // With the tenant named, only that one is told.
    assert!(!app.unauthenticated().with("x-tms-tenant", "test").gets_key(&changed(hers, json!({ "user": "nobody" }))).await);
    assert_eq!(app.refusals(3).await.last().expect("one"), "test - - link_missing");
}

#[tokio::test]
async fn same_refusal_is_recorded_once_a_minute() {
    let app = TestApp::start().await;
    let key = login(&app.client().make_key(json!({ "ttl_minutes": 0 })).await);
    for _ in 0..5 {
        assert!(!app.unauthenticated().gets_key(&key).await);
    }
    app.refusals(1).await;
    app.clock.advance(MINUTE);
    assert!(!app.unauthenticated().gets_key(&key).await);
    app.refusals(2).await;
    let listed = app.admin("test").await.get("/hosts/refusals?host=testhost1").await.body;
    assert_eq!((&listed["num_refusals"], &listed["refusals"][0]["times"]), (&json!(1), &json!(2)));
    assert_eq!(listed["refusals"][0]["first_at"], "2026-11-20T12:00:00+00:00");
    assert_eq!(listed["refusals"][0]["last_at"], "2026-11-20T12:01:00+00:00");
}

/// What anybody can send leaves no trace for hosts that the tenant does not have, and is limited for those that it has.
#[tokio::test]
async fn floods_of_lookups_leave_few_rows() {
    let app = TestApp::start().await;
    let host = app.unauthenticated();
    for number in 0..20 {
        let invented = json!({ "user": "root", "host": format!("invented{number}"), "public_key_fingerprint": NO_KEY });
        assert!(!host.gets_key(&invented).await && !host.with("x-tms-tenant", "test").gets_key(&invented).await);
    }
    let odd = changed(unknown("testhostaccount1"), json!({ "public_key_fingerprint": "SHA256:<script>\u{202e}" }));
    assert!(!host.gets_key(&odd).await);
    app.clock.advance(MINUTE);
    let key = login(&app.client().make_key(json!({ "ttl_minutes": 0 })).await);
    for number in 0..100 {
        assert!(!host.gets_key(&changed(unknown("testhostaccount1"), json!({ "public_key_fingerprint": format!("{NO_KEY}{number}") }))).await);
    }
    assert!(!host.gets_key(&key).await);
    let own = async {
        while app.number("SELECT count(*) FROM refused_lookups WHERE reason = 'key_expired'").await == 0 {
            // It was dropped if too many were being recorded.
            app.clock.advance(MINUTE);
            assert!(!host.gets_key(&key).await);
        }
    };
    tokio::time::timeout(Duration::from_secs(10), own).await.expect("recorded");
    assert!(app.number("SELECT count(*) FROM refused_lookups WHERE key_known = false").await <= 10);
    assert_eq!(app.number("SELECT count(*) FROM refused_lookups WHERE host <> 'testhost1'").await, 0);
}

#[tokio::test]
async fn oldest_rows_are_dropped_beyond_the_limits() {
    let app = TestApp::start().await;
    let storage = Storage::open(&app.database, false).await.expect("the database");
    let now = app.services.now();
    let row = move |n: u32, key_known: bool, account: String| NewRefusedLookup {
        tenant_id: TenantId::parse("test").expect("a tenant"),
        host: HostName::parse("testhost1").expect("a host"),
        account: AccountName::parse(account).expect("an account"),
        fingerprint: format!("SHA256:{n}"),
        reason: RefusalReason::UnknownKey,
        key_known,
        user_id: None,
        client_id: None,
        from: None,
        at: now + Duration::from_secs(n.into()),
    };
    let write = async |rows: Vec<NewRefusedLookup>| {
        let work = storage.write(move |db| {
            async move {
                for row in &rows {
                    refused_lookups::record(db, row).await?;
                }
                Ok::<_, Error>(())
            }
            .boxed()
        });
        work.await.expect("written");
    };
    write((0..60).map(|n| row(n, true, "jdoe".to_owned())).collect()).await;
    assert_eq!(app.number("SELECT count(*) FROM refused_lookups").await, 40, "of one account");
    assert_eq!(app.number("SELECT min(last_at) FROM refused_lookups").await, (now + Duration::from_secs(20)).as_millis());
    write((0..300).map(|n| row(n, false, format!("guess{n}"))).collect()).await;
    assert_eq!(app.number("SELECT count(*) FROM refused_lookups WHERE key_known = false").await, 50, "of one host");
    write((0..300).map(|n| row(n, true, format!("user{n}"))).collect()).await;
    assert_eq!(app.number("SELECT count(*) FROM refused_lookups WHERE key_known = true").await, 150);
    assert_eq!(app.number("SELECT count(*) FROM refused_lookups").await, 200);
    storage.close().await;
}

#[tokio::test]
async fn refusals_are_deleted_after_thirty_days() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    assert!(!app.unauthenticated().gets_key(&unknown("testhostaccount1")).await);
    app.refusals(1).await;
    app.clock.advance(Duration::from_secs(30 * 86_400));
    app.services.run_housekeeping().await.expect("done");
    assert_eq!(admin.get("/hosts/refusals?host=testhost1").await.body["num_refusals"], 1);
    app.clock.advance(Duration::from_millis(1));
    assert_eq!(admin.get("/hosts/refusals?host=testhost1").await.body["num_refusals"], 0);
    app.services.run_housekeeping().await.expect("done");
    assert_eq!(app.number("SELECT count(*) FROM refused_lookups").await, 0);
}

#[tokio::test]
async fn person_sees_own_refusals_only() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    app.add_person("test", "eve").await;
    let key = login(&app.client().make_key(json!({ "ttl_minutes": 0 })).await);
    assert!(!app.unauthenticated().gets_key(&key).await);
    app.refusals(1).await;

    let (owner, eve) = (app.signed_in().await, app.signed_in_as("test", "eve", PASSWORD).await);
    let said = en().refused_key_expired(PLACE);
    let page = owner.get("/activity").await;
    assert!(page.says(&said) && page.says(en().refused_title()) && page.says("href=\"/keys?q=SHA256"), "{}", page.words());
    assert!(!eve.get("/activity").await.says(en().refused_title()));

    // An account of two people: each sees the refusals of their own keys, and neither those of unknown keys.
    app.add_all(&admin, "test", "testclient1", "eve", "testhost1", "testhostaccount1").await;
    let hers = login(&app.client().make_key(json!({ "client_user_id": "eve", "ttl_minutes": 0 })).await);
    assert!(!app.unauthenticated().gets_key(&hers).await && !app.unauthenticated().gets_key(&unknown("testhostaccount1")).await);
    app.refusals(3).await;
    for (browser, own, others) in [(&owner, &key, &hers), (&eve, &hers, &key)] {
        let page = browser.get("/activity").await;
        let shows = |login: &Value| page.says(text(&login["public_key_fingerprint"]));
        assert!(shows(own) && !shows(others) && !page.says(NO_KEY), "{}", page.words());
    }
}

#[tokio::test]
async fn device_lists_refusals_of_its_host_accounts() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    let device = app.device_with(EVERYTHING).await;
    let second = json!({ "tenant": "test", "tms_user_id": "testuser1", "host": "zweiter", "host_account": "tu1", "ttl_minutes": -1 });
    admin.done("POST /userhosts", second).await;
    let key = login(&app.client().make_key(json!({ "ttl_minutes": 0 })).await);
    assert!(!app.unauthenticated().gets_key(&key).await);
    let elsewhere = changed(unknown("tu1"), json!({ "host": "zweiter" }));
    assert!(!app.unauthenticated().gets_key(&elsewhere).await);
    app.refusals(2).await;
    let listed = device.get("/me/refusals").await.body;
    assert_eq!((&listed["num_refusals"], &listed["as_of"]), (&json!(1), &json!("2026-11-20T12:00:00+00:00")));
    let row = &listed["refusals"][0];
    assert_eq!((&row["reason"], &row["host_account"], &row["client_id"]), (&json!("key_expired"), &json!("testhostaccount1"), &json!("testclient1")));
    for (query, number) in [("host=TestHost1", 1), ("host=testhost1&host_account=testhostaccount1", 1), ("host_account=tu1", 0), ("host=zweiter", 0)]
    {
        assert_eq!(device.get(&format!("/me/refusals?{query}")).await.body["num_refusals"], number, "{query}");
    }
    assert_eq!(error(&app.device_with("hosts:read").await.get("/me/refusals").await), 403);
    assert_eq!(error(&device.get("/me/refusals?host=a%20b").await), 400);
}

#[tokio::test]
async fn refusals_of_unknown_keys_do_not_hide_others() {
    let app = TestApp::start().await;
    app.sql(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 12)
         INSERT INTO refused_lookups (number, tenant_id, host, account, fingerprint, reason, key_known, user_id, client_id, first_at, last_at, times)
         SELECT i + 1, 'test', 'testhost1', 'testhostaccount1', 'SHA256:refused' || i, CASE WHEN i = 0 THEN 'key_expired' ELSE 'unknown_key' END,
                i = 0, 'testuser1', CASE WHEN i = 0 THEN 'testclient1' END, 1795170000000 + i, 1795170000000 + i, 1 FROM n",
    )
    .await;
    let page = app.signed_in().await.get("/activity").await;
    assert!(page.says(en().refused_key_expired(PLACE)) && page.says(en().refused_do_new_key()) && page.says(en().refused_newest(10)));
    assert!(page.says("href=\"/keys?q=SHA256%3Arefused0\"") && !page.says("q=SHA256%3Arefused1"), "{}", page.text);
    assert!(page.words().contains(&format!("{} testapp1", en().refused_client())), "the application's name: {}", page.words());
    let listed = app.device_with(EVERYTHING).await.get("/me/refusals").await.body;
    assert_eq!((&listed["num_refusals"], &listed["refusals"][12]["reason"]), (&json!(13), &json!("key_expired")), "newest first");
}

/// `ssh` offers all keys that it has: those before the right one are no refused login.
#[tokio::test]
async fn unknown_keys_before_a_login_are_not_shown() {
    let app = TestApp::start().await;
    let device = app.device_with(EVERYTHING).await;
    let key = login(&app.client().make_key(json!({ "num_uses": 5 })).await);
    assert!(!app.unauthenticated().gets_key(&unknown("testhostaccount1")).await);
    app.refusals(1).await;
    assert_eq!(device.get("/me/refusals").await.body["num_refusals"], 1);
    assert!(app.unauthenticated().gets_key(&key).await);
    assert_eq!(device.get("/me/refusals").await.body["num_refusals"], 0);
    assert_eq!(app.admin("test").await.get("/hosts/refusals?host=testhost1").await.body["num_refusals"], 1);
}

#[tokio::test]
async fn administrators_see_refusals_of_hosts_and_people() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    admin.done("POST /hosts", json!({ "tenant": "test", "host": "testhost1", "addr": "login1.example.org" })).await;
    let browser = app.signed_in().await;
    let pages = ["/admin/hosts/host?host=testhost1", "/admin/people/person?user=testuser1"];
    for page in pages {
        assert!(browser.get(page).await.says(en().refused_none()), "{page}");
    }
    let key = login(&app.client().make_key(json!({ "ttl_minutes": 0 })).await);
    // Under another of its names.
    assert!(!app.unauthenticated().gets_key(&changed(key, json!({ "host": "Login1.example.org" }))).await);
    app.refusals(1).await;
    for page in pages {
        let page = browser.get(page).await;
        assert!(page.says(en().refused_key_expired(PLACE)) && page.says("testapp1"), "{}", page.words());
    }
    let elsewhere = app.add_tenant("other").await;
    assert_eq!(elsewhere.get("/hosts/refusals?host=testhost1").await.body["num_refusals"], 0);
    assert_eq!(error(&admin.get("/hosts/refusals").await), 400);
}
