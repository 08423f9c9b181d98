//! `/hosts`.

use crate::app::{PASSWORD, TestApp};
use crate::browser::en;
use crate::database::FAR;

#[tokio::test]
async fn own_host_accounts_are_listed_with_expiry() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    app.link_host("test", "testuser1", "frontera", FAR).await;
    app.link_host("test", "testuser1", "stampede", 1_795_175_999_999).await;
    app.link_host("test", "eve", "secret-host", FAR).await;
    let words = app.signed_in().await.get("/hosts").await.words();
    assert!(words.contains(&format!("frontera testuser1-on-frontera {}", en().hosts_linked())), "{words}");
    assert!(words.contains(&format!("stampede testuser1-on-stampede {}", en().state_expired())), "{words}");
    assert!(
        words.contains(&format!("testhost1 testhostaccount1 {}", en().hosts_linked()))
            && words.contains(&format!("{} {}", en().hosts_expires(), en().never())),
        "{words}"
    );
    assert!(words.contains(&en().hosts_linked_by_admin()) && words.contains(&format!("{} {}", en().hosts_last_login(), en().never())), "{words}");
    assert!(!words.contains("secret-host"), "{words}");

    let words = app.signed_in_as("test", "eve", PASSWORD).await.get("/hosts").await.words();
    assert!(words.contains("secret-host") && !words.contains("frontera"), "{words}");
}

#[tokio::test]
async fn empty_list_says_how_to_link_an_account() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    let words = app.signed_in_as("test", "eve", PASSWORD).await.get("/hosts").await.words();
    assert!(words.contains(&format!("{} {}", en().hosts_empty_title(), en().hosts_empty())), "{words}");
}
