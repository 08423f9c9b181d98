//! `/keys`: its groups, and that no more keys are revoked than were announced.

use serde_json::json;

use crate::app::TestApp;
use crate::browser::{Browser, Page, en};
use crate::database::FAR;

/// Keys of the test person: 12 of `hub` on testhost1 and 3 of `galaxy` on frontera, one of which was used last; 2 of their own on frontera;
/// and 4 of `hub` that have ended.
async fn with_keys() -> TestApp {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    for (id, name) in [("hub", "Jupyter Hub"), ("galaxy", "Galaxy")] {
        admin.done("POST /client", json!({ "tenant": "test", "client_id": id, "app_name": name, "app_version": "1" })).await;
    }
    app.link_host("test", "testuser1", "frontera", FAR).await;
    app.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12),
              wanted(client, host, last, max_uses, expires_at) AS (VALUES
                  ('hub', 'testhost1', 12, 9, 1795262400000), ('galaxy', 'frontera', 3, 9, 253402300799000), (NULL, 'frontera', 2, 9, 1797768000000),
                  ('hub', 'testhost1', 3, 9, 1795100000000), ('hub', 'testhost1', 1, 0, 253402300799000))
         INSERT INTO pubkeys (tenant_id, client_id, user_id, host, account, fingerprint, public_key, key_type, key_bits, max_uses,
                              initial_ttl_minutes, expires_at, created_at, updated_at, last_used_at)
         SELECT 'test', w.client, 'testuser1', a.host, a.account, 'SHA256:' || coalesce(w.client, 'own') || w.expires_at || w.max_uses || '-' || n.i,
                'ssh-ed25519 k', 'ed25519', 256, w.max_uses, 0, w.expires_at, 1795000000000 + n.i, 1795000000000,
                CASE WHEN w.client = 'galaxy' AND n.i = 2 THEN 1795170000000 END
         FROM wanted w JOIN n ON n.i <= w.last JOIN host_accounts a ON a.tenant_id = 'test' AND a.user_id = 'testuser1' AND a.host = w.host
         ORDER BY n.i",
    )
    .await;
    app
}

/// The parts of the page that show a group each.
fn groups(page: &Page) -> Vec<String> {
    let whole = page.text.split("class=\"key-group\"").skip(1).map(|rest| rest.split("</ul>").next().unwrap_or_default().to_owned());
    whole.collect()
}

fn keys_in(html: &str) -> usize {
    html.matches("row-card key").count()
}

/// Sends the confirmation's form.
async fn confirm(browser: &Browser, question: &Page) -> Page {
    let form = question.form("/api/keys/revoke");
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post("/api/keys/revoke", &form).await
}

#[tokio::test]
async fn keys_are_grouped_by_client_with_the_first_five() {
    let app = with_keys().await;
    let browser = app.signed_in().await;
    let page = browser.get("/keys").await;
    let shown = groups(&page);
    let heads = [("Galaxy", 3, 3), ("Jupyter Hub", 12, 5), (&en().keys_group_own(), 2, 2)];
    assert_eq!(shown.len(), heads.len(), "{}", page.words());
    for (group, (name, active, keys)) in shown.iter().zip(heads) {
        assert!(group.contains(&format!(">{name}</bdi></h2>")) && group.contains(&en().keys_count(active)), "{name}: {group}");
        assert_eq!(keys_in(group), keys, "{name}");
        assert!(!group.contains("class=\"badge"), "no state that goes without saying");
    }
    assert!(shown[0].contains(&en().keys_last_used()) && !shown[2].contains(&en().keys_last_used()));
    assert!(page.says(en().keys_summary(17, 3)) && page.says(en().keys_show_all_of_client(12, "Jupyter Hub")), "{}", page.words());
    assert!(!page.says(en().keys_show_all_of_client(3, "Galaxy")), "they are all there");
    assert!(shown[1].contains("class=\"soon\"") && !shown[2].contains("class=\"soon\""), "emphasized within a week");

    let list = browser.get("/keys?q=app%3Ahub").await;
    assert_eq!(keys_in(&list.text), 12);
    assert!(list.says(en().keys_revoke_matching(12)), "{}", list.words());
    assert!(list.says(en().keys_select_all(12)) && !list.says(" checked"), "{}", list.text);
    let selected = browser.get("/keys?q=app%3Ahub&select=all").await;
    assert_eq!((selected.text.matches(" checked").count(), selected.says(en().keys_select_none())), (12, true), "{}", selected.text);
    assert_eq!(keys_in(&browser.get("/keys?client=hub").await.text), 12);
    assert_eq!(keys_in(&browser.get("/keys?q=is%3Aown").await.text), 2);
    assert_eq!(keys_in(&browser.get("/keys?q=jupyter%20hub").await.text), 12, "also found by the client's name");
}

#[tokio::test]
async fn keys_are_grouped_by_host() {
    let app = with_keys().await;
    let browser = app.signed_in().await;
    let page = browser.get("/keys?by=host").await;
    let shown = groups(&page);
    assert_eq!(shown.iter().map(|group| keys_in(group)).collect::<Vec<_>>(), [5, 5], "{}", page.words());
    assert!(shown[0].contains(">frontera</bdi></h2>") && shown[0].contains(&en().keys_count(5)));
    assert!(shown[0].contains("Galaxy") && shown[0].contains(&en().keys_group_own()), "says who created each");
    assert!(shown[1].contains(">testhost1</bdi></h2>") && shown[1].contains(&en().keys_count(12)));
    let question = browser.get("/keys/revoke?host=frontera&show=active").await;
    assert!(question.says(en().keys_revoke_question(5)), "{}", question.words());
    assert!(confirm(&browser, &question).await.says(en().keys_revoked(5)));
    assert_eq!(app.number("SELECT count(*) FROM pubkeys WHERE host = 'frontera'").await, 0);
    assert_eq!(app.number("SELECT count(*) FROM pubkeys").await, 16);
    assert_eq!(app.count_audit_events("key_revoked").await, 5);
}

#[tokio::test]
async fn ended_keys_are_listed_apart() {
    let app = with_keys().await;
    let browser = app.signed_in().await;
    let page = browser.get("/keys").await;
    assert!(page.says(en().keys_ended(4)) && !page.says("class=\"badge bad\""), "{}", page.words());
    for active in ["/keys?show=active", "/keys?q=testhost1", "/keys?show=unused", "/keys?show=soon", "/keys?sort=expires"] {
        let page = browser.get(active).await;
        assert!(keys_in(&page.text) > 0 && !page.says("class=\"badge bad\""), "{active}");
    }
    assert_eq!(keys_in(&browser.get("/keys?show=soon").await.text), 12);
    let page = browser.get("/keys?show=ended").await;
    assert_eq!(keys_in(&page.text), 4);
    assert!(page.says(en().state_expired()) && page.says(en().state_used_up()), "{}", page.words());
    assert_eq!(keys_in(&browser.get("/keys?show=all").await.text), 21);
    assert_eq!(keys_in(&browser.get("/keys?q=SHA256:hub17951000000009-1").await.text), 1, "a fingerprint finds any key");
    assert!(browser.get("/keys?q=app%3Ahub").await.says(en().keys_search_ended()));
    app.sql("UPDATE pubkeys SET max_uses = 0").await;
    let page = browser.get("/keys").await;
    assert!(page.says(en().keys_ended(21)) && page.says(en().keys_empty_title()), "{}", page.words());
}

#[tokio::test]
async fn group_is_revoked_without_others() {
    let app = with_keys().await;
    let browser = app.signed_in().await;
    let page = browser.get("/keys").await;
    let revoke = page.text.split("href=\"").filter_map(|rest| rest.split('"').next()).find(|url| url.starts_with("/keys/revoke?q=app%3Ahub"));
    let question = browser.get(&revoke.expect("a link").replace("&amp;", "&")).await;
    assert!(question.says(en().keys_revoke_question(12)) && question.says(en().keys_and_more(2)), "{}", question.words());
    let page = confirm(&browser, &question).await;
    assert!(page.path == "/keys" && page.says(en().keys_revoked(12)), "{}", page.words());
    assert_eq!(app.texts("SELECT DISTINCT coalesce(client_id, 'own') FROM pubkeys ORDER BY 1").await, ["galaxy", "hub", "own"], "ended keys stay");
    let question = browser.get("/keys/revoke?q=is:own&all=1").await;
    assert!(confirm(&browser, &question).await.says(en().keys_revoked(2)));
    let question = browser.get("/keys/revoke?client=hub").await;
    assert!(question.says(en().keys_revoke_question(4)), "with those that ended");
    assert!(confirm(&browser, &question).await.says(en().keys_revoked(4)));
    assert_eq!(app.texts("SELECT DISTINCT client_id FROM pubkeys").await, ["galaxy"]);
}

#[tokio::test]
async fn no_more_keys_are_revoked_than_announced() {
    let app = with_keys().await;
    let browser = app.signed_in().await;
    let question = browser.get("/keys/revoke?client=galaxy&show=active").await;
    assert!(question.says(en().keys_revoke_question(3)));
    app.sql(
        "INSERT INTO pubkeys (tenant_id, client_id, user_id, host, account, fingerprint, public_key, key_type, key_bits, max_uses,
                              initial_ttl_minutes, expires_at, created_at, updated_at)
         SELECT tenant_id, client_id, user_id, host, account, fingerprint || 'new', public_key, key_type, key_bits, max_uses,
                initial_ttl_minutes, expires_at, created_at, updated_at FROM pubkeys WHERE client_id = 'galaxy'",
    )
    .await;
    assert!(confirm(&browser, &question).await.says(en().keys_revoked(3)));
    assert_eq!(app.number("SELECT count(*) FROM pubkeys WHERE client_id = 'galaxy'").await, 3, "those created since remain");

    let question = browser.get("/keys/revoke?client=hub&show=active").await;
    assert!(question.says(en().keys_revoke_question(12)));
    app.sql("UPDATE pubkeys SET expires_at = 253402300799000 WHERE client_id = 'hub'").await;
    let page = confirm(&browser, &question).await;
    assert!(page.problem().contains(&en().keys_more_than_announced()), "{}", page.words());
    assert_eq!(app.number("SELECT count(*) FROM pubkeys WHERE client_id = 'hub'").await, 16);
    let none = [("query[show]", "all"), ("newest", "999999")];
    assert!(browser.post("/api/keys/revoke", &none).await.says(en().keys_revoked(0)), "a list without a number is no list");
}

#[tokio::test]
async fn page_of_many_keys_and_groups_stays_small() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    app.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25)
         INSERT INTO clients (tenant_id, client_id, app_name, app_version, enabled, device_grant, scope, verified, created_at, number)
         SELECT 'test', 'app' || i, 'App ' || i, '1', true, false, '', false, 1, 100 + i FROM n",
    )
    .await;
    app.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
         INSERT INTO pubkeys (tenant_id, client_id, user_id, host, account, fingerprint, public_key, key_type, key_bits, max_uses,
                              initial_ttl_minutes, expires_at, created_at, updated_at)
         SELECT 'test', 'app' || (1 + i % 25), 'testuser1', 'testhost1', 'testhostaccount1', 'SHA256:' || i, 'k', 'ed25519', 256, 9, 0,
                253402300799000, 1795000000000 + i, 1795000000000 FROM n",
    )
    .await;
    let (mut url, mut seen) = (Some("/keys".to_owned()), Vec::new());
    while let Some(page_url) = url {
        let page = browser.get(&page_url).await;
        let shown = groups(&page);
        assert!(shown.len() <= 10 && keys_in(&page.text) == shown.len() * 5, "{page_url}");
        assert!(page.text.len() < 150_000, "{page_url}: {} bytes", page.text.len());
        assert!(page.says(en().keys_summary(200, 25)), "{}", page.words());
        seen.extend(shown.iter().filter_map(|group| Some(group.split("</bdi></h2>").next()?.rsplit('>').next()?.to_owned())));
        let next = page.text.split('<').find(|tag| tag.contains("rel=\"next\"")).and_then(|tag| tag.split("href=\"").nth(1));
        url = next.and_then(|rest| rest.split('"').next()).map(|url| url.replace("&amp;", "&"));
    }
    assert_eq!(seen.len(), 25);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 25, "none twice");
    for nonsense in ["/keys?page=99999999999", "/keys?page=-1", "/keys?page=4294967295&by=host", "/keys?by=%00"] {
        assert_eq!(browser.get(nonsense).await.status, 200, "{nonsense}");
    }
}
