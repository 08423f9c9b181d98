//! Where e-mail addresses and groups come from: S139, S201, S202.

use serde_json::{Value, json};
use tms_portal::domain::group::GroupName;
use tms_portal::domain::ids::{ProviderId, UserId};
use tms_portal::domain::mail::{EmailAddress, MailDomain};
use tms_portal::domain::provider::groups::GroupClaim;

use super::start;
use crate::app::{PASSWORD, TestApp};
use crate::authorize::Hub;
use crate::browser::en;
use crate::institution::Institution;

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a user")
}

fn group(name: &str) -> GroupName {
    GroupName::parse(name).expect("a group")
}

/// What the client is told about the test person.
async fn told(hub: &Hub, scope: &str) -> Value {
    let (code, _) = hub.code(&[("scope", scope), ("prompt", "consent")]).await;
    hub.app.userinfo(&hub.redeem(&code).await.token()).await.body
}

#[tokio::test]
async fn administrators_and_the_domain_give_addresses() {
    let hub = start().await;
    assert_eq!(told(&hub, "openid email").await, json!({ "sub": "testuser1" }), "no address, and the sign-in works");
    hub.app.change_tenant("test", |tenant| tenant.policy.email_domain = MailDomain::parse("example.edu").ok()).await;
    let of_domain = json!({ "sub": "testuser1", "email": "testuser1@example.edu", "email_verified": true });
    assert_eq!(told(&hub, "openid email").await, of_domain);
    hub.app.sql("UPDATE people SET email = 'a@campus.example', email_issuer = 'https://campus.example' WHERE user_id = 'testuser1'").await;
    assert_eq!(told(&hub, "openid email").await, of_domain, "before the institution's");
    let operator = hub.app.operator("test").await;
    hub.app.services.set_email(&operator, &user("testuser1"), EmailAddress::parse("set@example.org").ok()).await.expect("set");
    assert_eq!(told(&hub, "openid email").await["email"], "set@example.org");
}

#[tokio::test]
async fn consent_page_shows_what_is_told() {
    let hub = start().await;
    hub.app.change_tenant("test", |tenant| tenant.policy.email_domain = MailDomain::parse("example.edu").ok()).await;
    let operator = hub.app.operator("test").await;
    hub.app.services.set_groups(&operator, &user("testuser1"), vec![group("staff"), group("hpc")]).await.expect("set");
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &[("scope", "openid profile email groups")]).await.words();
    for value in ["testuser1", "Test User", "testuser1@example.edu", "hpc, staff"] {
        assert!(page.contains(value), "{value}: {page}");
    }
    let page = hub.open(&browser, &[("scope", "openid")]).await.words();
    assert!(!page.contains("testuser1@example.edu") && !page.contains("hpc, staff"), "{page}");
}

#[tokio::test]
async fn administrators_set_groups() {
    let hub = start().await;
    let operator = hub.app.operator("test").await;
    assert_eq!(told(&hub, "openid groups").await, json!({ "sub": "testuser1", "groups": [] }));
    for (names, expected) in [(vec!["staff", "hpc", "staff"], json!(["hpc", "staff"])), (vec!["hpc"], json!(["hpc"])), (vec![], json!([]))] {
        hub.app.services.set_groups(&operator, &user("testuser1"), names.into_iter().map(group).collect()).await.expect("set");
        assert_eq!(told(&hub, "openid groups").await["groups"], expected);
    }
    assert_eq!(hub.app.count_audit_events("person_changed").await, 3);
    assert!(hub.app.services.set_groups(&operator, &user("nobody"), vec![group("hpc")]).await.is_err());
}

#[tokio::test]
async fn administrators_set_groups_on_the_page() {
    let app = TestApp::start().await;
    app.sql("UPDATE people SET admin = true WHERE user_id = 'testuser1'").await;
    app.add_person("test", "ann").await;
    let admin = app.signed_in().await;
    let form = |groups: &'static str| [("user", "ann"), ("groups", groups)];
    let page = admin.post("/api/admin/people/groups", &form(" staff, hpc  staff")).await;
    assert!(page.says(en().admin_saved()) && page.says("value=\"hpc staff\""), "{}", page.text);
    let many = (0..51).map(|n| format!("g{n}")).collect::<Vec<_>>().join(" ");
    for bad in ["a=b", "staff é", &many] {
        let refused = admin.post("/api/admin/people/groups", &[("user", "ann"), ("groups", bad)]).await;
        assert!(refused.says(en().admin_people_groups_refused(50)), "{bad}: {}", refused.words());
        assert!(admin.get(&page.address).await.says("value=\"hpc staff\""), "{bad}");
    }
    let page = admin.post("/api/admin/people/groups", &form("")).await;
    assert!(page.says(en().admin_saved()) && !page.says("hpc staff"), "{}", page.words());
    let ann = app.signed_in_as("test", "ann", PASSWORD).await;
    assert_eq!(ann.post("/api/admin/people/groups", &form("root")).await.status, 404);
}

#[tokio::test]
async fn listed_values_of_a_claim_are_groups() {
    const GROUPS: &str = "SELECT name FROM person_groups ORDER BY name";
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    app.add_institution(&institution, "open").await;
    let (operator, campus) = (app.operator("test").await, ProviderId::parse("campus").expect("a provider"));
    let groups = [("cn=staff", "staff"), ("cn=hpc", "hpc")].map(|(value, name)| (value.to_owned(), group(name)));
    let mapping = GroupClaim { claim: "isMemberOf".into(), groups: groups.into_iter().collect() };
    app.services.edit_provider(&operator, &campus, None, move |provider| provider.group_claim = Some(mapping)).await.expect("changed");
    for (values, expected) in
        [(json!(["cn=staff", "cn=hpc", "cn=root", "hpc2"]), &["hpc", "staff"][..]), (json!(["cn=hpc"]), &["hpc"]), (json!([]), &[])]
    {
        app.sign_in_with_new_browser(&institution, json!({ "isMemberOf": values })).await;
        assert_eq!(app.texts(GROUPS).await, expected, "{values}");
    }
    app.sign_in_with_new_browser(&institution, json!({ "isMemberOf": ["cn=hpc"] })).await;
    app.services.set_groups(&operator, &user("jdoe~campus"), vec![group("hpc"), group("own")]).await.expect("set");
    assert_eq!(app.texts(GROUPS).await, ["hpc", "hpc", "own"], "each source has its own");
    let identity = app.services.identities_of(&operator, &user("jdoe~campus")).await.expect("listed").remove(0);
    app.services.unlink_identity_of(&operator, &user("jdoe~campus"), identity.number).await.expect("unlinked");
    assert_eq!(app.texts(GROUPS).await, ["hpc", "own"], "with the identity");
}

#[tokio::test]
async fn memberships_end_when_no_provider_lists_the_group() {
    const GROUPS: &str = "SELECT name FROM person_groups ORDER BY name, issuer";
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    app.add_institution(&institution, "open").await;
    let (operator, campus) = (app.operator("test").await, ProviderId::parse("campus").expect("a provider"));
    let mapping = |names: &[&str]| {
        let groups = names.iter().map(|name| (format!("cn={name}"), group(name))).collect();
        Some(GroupClaim { claim: "isMemberOf".into(), groups })
    };
    let both = mapping(&["hpc", "staff"]);
    app.services.edit_provider(&operator, &campus, None, move |provider| provider.group_claim = both).await.expect("changed");
    app.sign_in_with_new_browser(&institution, json!({ "isMemberOf": ["cn=staff", "cn=hpc"] })).await;
    app.services.set_groups(&operator, &user("jdoe~campus"), vec![group("staff")]).await.expect("set");
    assert_eq!(app.texts(GROUPS).await, ["hpc", "staff", "staff"]);
    let one = mapping(&["hpc"]);
    app.services.edit_provider(&operator, &campus, None, move |provider| provider.group_claim = one).await.expect("changed");
    assert_eq!(app.texts(GROUPS).await, ["hpc", "staff"], "the administrator's stays");
    app.services.remove_provider(&operator, &campus).await.expect("removed");
    assert_eq!(app.texts(GROUPS).await, ["staff"]);
}

/// OpenID Connect Core §5.3: many providers have it at the userinfo endpoint only.
#[tokio::test]
async fn group_claim_is_read_from_userinfo() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    institution.describe(json!({ "sub": "42", "isMemberOf": ["cn=hpc"] }));
    app.add_institution(&institution, "open").await;
    let (operator, campus) = (app.operator("test").await, ProviderId::parse("campus").expect("a provider"));
    let mapping = GroupClaim { claim: "isMemberOf".into(), groups: [("cn=hpc".to_owned(), group("hpc"))].into_iter().collect() };
    app.services.edit_provider(&operator, &campus, None, move |provider| provider.group_claim = Some(mapping)).await.expect("changed");
    app.sign_in_with_new_browser(&institution, json!({})).await;
    assert_eq!(app.texts("SELECT name FROM person_groups").await, ["hpc"]);
}
