//! `username-of-host`: people arrive at a client under the name of their account on its host. T102, S143.

use tms_portal::domain::ids::HostName;

use super::{claims, refresh, start};
use crate::app::{Answer, TestApp};
use crate::authorize::{Hub, answer, asks, decide, error_of};
use crate::browser::{Browser, Page, en};
use crate::database::FAR;

const PROFILE: (&str, &str) = ("scope", "openid profile offline_access");
const SECOND_ACCOUNT: &str = "INSERT INTO host_accounts (number, tenant_id, id, user_id, host, account, linked_at, expires_at)
     SELECT max(number) + 1, 'test', 'hac_second', 'testuser1', 'frontera', 'zweitkonto', 0, 9000000000000 FROM host_accounts";

async fn start_with_host() -> Hub {
    let hub = start().await;
    hub.change(|client, _| client.username_of_host = HostName::parse("Frontera").ok()).await;
    hub
}

async fn link(app: &TestApp) {
    app.link_host("test", "testuser1", "frontera", FAR).await;
}

async fn allowed(hub: &Hub, browser: &Browser, page: &Page, account: &str) -> Answer {
    hub.redeem(&answer(&decide(browser, page, &[("decision", "allow"), ("username_account", account)]).await)["code"]).await
}

#[tokio::test]
async fn person_without_account_learns_how_to_link_one() {
    let hub = start_with_host().await;
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &[PROFILE]).await;
    assert!(page.says(en().authorize_no_username("Frontera")) && page.says(en().hosts_link()), "{}", page.words());
    assert!(!page.says("value=\"allow\""), "{}", page.text);
    assert!(page.says("value=\"deny\""), "{}", page.text);
    assert_eq!(error_of(&hub.open(&browser, &[PROFILE, ("prompt", "none")]).await), "access_denied");
    let forged = decide(&browser, &page, &[("decision", "allow")]).await;
    assert!(forged.left_for.is_none() && asks(&forged), "{}", forged.words());
    assert_eq!(error_of(&decide(&browser, &page, &[("decision", "deny")]).await), "access_denied");
    link(&hub.app).await;
    let page = hub.open(&browser, &[PROFILE]).await;
    assert!(page.says("testuser1-on-frontera"), "{}", page.words());
    // Whoever is told no name needs no account.
    hub.app.sql("DELETE FROM host_accounts WHERE host = 'frontera'").await;
    let page = hub.open(&browser, &[("scope", "openid")]).await;
    assert!(page.says("value=\"allow\""), "{}", page.words());
}

#[tokio::test]
async fn only_account_is_the_user_name() {
    let hub = start_with_host().await;
    link(&hub.app).await;
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &[PROFILE]).await;
    let tokens = allowed(&hub, &browser, &page, "").await;
    let told = claims(&hub, &tokens).await;
    assert_eq!((&told["sub"], &told["preferred_username"]), (&"testuser1".into(), &"testuser1-on-frontera".into()));
    assert_eq!(hub.app.userinfo(&tokens.token()).await.body["preferred_username"], "testuser1-on-frontera");
    // A second account does not change the name of this sign-in.
    hub.app.sql(SECOND_ACCOUNT).await;
    let refreshed = refresh(&hub, &tokens, "").await;
    assert_eq!(claims(&hub, &refreshed).await["preferred_username"], "testuser1-on-frontera");
    hub.app.sql("DELETE FROM host_accounts WHERE account = 'testuser1-on-frontera'").await;
    let unlinked = claims(&hub, &refresh(&hub, &refreshed, "").await).await;
    assert_eq!(unlinked.get("preferred_username"), None, "nor does it become the other one");
    assert_eq!(hub.app.userinfo(&refreshed.token()).await.body.get("preferred_username"), None);
}

#[tokio::test]
async fn one_of_several_accounts_is_selected() {
    let hub = start_with_host().await;
    link(&hub.app).await;
    hub.app.sql(SECOND_ACCOUNT).await;
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &[PROFILE]).await;
    assert!(page.says("hac_frontera") && page.says("zweitkonto"), "{}", page.words());
    let foreign = decide(&browser, &page, &[("decision", "allow"), ("username_account", "hac_none")]).await;
    assert!(asks(&foreign), "{}", foreign.words());
    let tokens = allowed(&hub, &browser, &page, "hac_second").await;
    assert_eq!(claims(&hub, &tokens).await["preferred_username"], "zweitkonto");
    assert_eq!(hub.app.userinfo(&tokens.token()).await.body["preferred_username"], "zweitkonto");
    let page = hub.open(&browser, &[("scope", "openid profile")]).await;
    assert!(asks(&page), "it is asked again, although what was allowed is in force: {}", page.words());
    assert_eq!(error_of(&hub.open(&browser, &[("scope", "openid profile"), ("prompt", "none")]).await), "consent_required");
}
