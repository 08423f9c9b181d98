//! Old audit events are deleted as each tenant's retention says.

use std::time::Duration;

use serde_json::{Value, json};
use tms_portal::domain::audit_log::retention::Retention;
use tms_portal::domain::ids::TenantId;
use tms_portal::server::service::audit_log::follow::{Follower, Gap, GapReason, Position};

use crate::app::TestApp;
use crate::browser::en;

const DAY: i64 = 86_400_000;

impl TestApp {
    /// Inserts an event of the test person that is so many days old.
    async fn insert_old(&self, tenant: &str, days: i64, kind: &str) {
        self.insert_activity(tenant, "testuser1", self.services.now().as_millis() - days * DAY, kind).await;
    }

    async fn keep(&self, tenant: &str, days: u32, security_days: u32) {
        let retention = Retention::new(days, security_days).expect("a retention");
        self.change_tenant(tenant, move |tenant| tenant.policy.retention = retention).await;
    }

    /// The old events of a tenant that are left: kinds and days.
    async fn left(&self, tenant: &'static str) -> Vec<String> {
        self.services.delete_old_audit_events().await.expect("deleted");
        let query =
            "SELECT concat(tenant_id, ' ', kind, ' ', (1795176000000 - at) / 86400000) FROM activity WHERE at < 1795176000000 - 86400000 ORDER BY at";
        self.texts(query).await.into_iter().filter_map(|line| line.strip_prefix(&format!("{tenant} ")).map(str::to_owned)).collect()
    }
}

#[tokio::test]
async fn security_relevant_events_are_kept_longer() {
    let app = TestApp::start().await;
    for tenant in ["test", "default"] {
        for (days, kind) in [(800, "key_revoked"), (700, "of_a_newer_release"), (100, "signed_in"), (95, "key_revoked"), (10, "key_used")] {
            app.insert_old(tenant, days, kind).await;
        }
    }
    let all = ["key_revoked 800", "of_a_newer_release 700", "signed_in 100", "key_revoked 95", "key_used 10"];
    assert_eq!(app.left("test").await, all, "for ever");
    app.keep("test", 90, 0).await;
    assert_eq!(app.left("test").await, ["key_revoked 800", "of_a_newer_release 700", "key_revoked 95", "key_used 10"]);
    app.keep("test", 90, 730).await;
    assert_eq!(app.left("test").await, ["of_a_newer_release 700", "key_revoked 95", "key_used 10"]);
    app.keep("test", 5, 90).await;
    assert_eq!(app.left("test").await, Vec::<String>::new());
    assert_eq!(app.left("default").await, all, "another tenant's");
    assert_eq!(app.signed_in().await.get("/activity").await.status, 200);
}

#[tokio::test]
async fn only_archived_events_are_deleted_if_the_tenant_asks_for_that() {
    let app = TestApp::start().await;
    app.insert_old("test", 40, "key_used").await;
    app.keep("test", 30, 0).await;
    app.change_tenant("test", |tenant| tenant.policy.archive_first = true).await;
    assert_eq!(app.left("test").await, ["key_used 40"]);
    let (operator, now) = (app.operator("test").await, app.services.now());
    let archive = app.services.plan_archive(&operator, now - Duration::from_secs(86_400), false).await.expect("a plan").expect("events");
    let archived = app.services.archived_events(&archive, archive.after).await.expect("events");
    assert_eq!(archived.last().map(|event| event.fields.kind.as_str()), Some("key_used"));
    assert_eq!(app.left("test").await, ["key_used 40"], "not stored yet");
    app.services.record_archive(archive).await.expect("recorded");
    app.insert_old("test", 35, "key_used").await;
    assert_eq!(app.left("test").await, ["key_used 35"]);
}

#[tokio::test]
async fn tenant_whose_events_must_be_archived_is_not_deleted_before() {
    let app = TestApp::start().await;
    let other = app.add_tenant("other").await;
    app.insert_old("other", 40, "key_used").await;
    app.change_tenant("other", |tenant| tenant.policy.archive_first = true).await;
    for call in ["DELETE /tenants/del/other", "DELETE /tenants/wipe/other"] {
        assert_eq!(other.refusal(call, Value::Null).await, 409, "{call}");
    }
    let (operator, now) = (app.operator("other").await, app.services.now());
    let archive = app.services.plan_archive(&operator, now + Duration::from_secs(1), false).await.expect("a plan").expect("events");
    app.services.record_archive(archive).await.expect("recorded");
    other.done("DELETE /tenants/wipe/other", Value::Null).await;
}

/// More than two batches, among more that are kept.
#[tokio::test]
async fn many_events_are_deleted_in_batches() {
    let app = TestApp::start().await;
    app.sql(
        "INSERT INTO activity (tenant_id, at, kind, user_id)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2400)
         SELECT 'test', i, CASE WHEN i % 2 = 0 THEN 'key_used' ELSE 'key_revoked' END, 'testuser1' FROM n",
    )
    .await;
    app.keep("test", 30, 0).await;
    app.services.delete_old_audit_events().await.expect("deleted");
    assert_eq!((app.count_audit_events("key_used").await, app.count_audit_events("key_revoked").await), (0, 1_200));
}

#[tokio::test]
async fn housekeeping_deletes_old_events_once_an_hour() {
    let app = TestApp::start().await;
    app.keep("test", 30, 0).await;
    for (minutes, left) in [(0, 0), (2, 1), (62, 0)] {
        app.insert_old("test", 40, "key_used").await;
        app.clock.advance(Duration::from_secs(minutes * 60));
        app.services.run_due_housekeeping().await.expect("tidied");
        assert_eq!(app.count_audit_events("key_used").await, left, "after {minutes} minutes");
    }
}

#[tokio::test]
async fn follower_is_told_what_was_deleted_before_it_came() {
    let app = TestApp::start().await;
    let tenant = TenantId::parse("test").expect("a tenant");
    let follower = |position| Follower::new(app.database.clone(), Some(tenant.clone()), position);
    let seen = follower(Position::default()).next().await.expect("read").expect("a tenant");
    assert_eq!(seen.gap, None);
    for days in [50, 40] {
        app.insert_old("test", days, "key_used").await;
    }
    let last = app.services.last_audit_event().await.expect("a number");
    app.keep("test", 30, 0).await;
    assert_eq!(app.left("test").await, Vec::<String>::new());
    app.client().make_key(json!({})).await;
    let mut late = follower(seen.position);
    let followed = late.next().await.expect("read").expect("a tenant");
    assert_eq!(followed.gap, Some(Gap { after: seen.position.after, until: last, reason: GapReason::Deleted }));
    assert!(followed.events.iter().any(|(_, event)| event.fields.kind == "key_created"), "what is there is read");
    assert_eq!(late.next().await.expect("read").expect("a tenant").gap, None, "told once");
    assert_eq!(follower(Position::default()).next().await.expect("read").expect("a tenant").gap, None, "a first one begins with what is kept");
}

#[tokio::test]
async fn followers_of_all_tenants_are_told_of_a_deleted_tenant() {
    let app = TestApp::start().await;
    let mut follower = Follower::new(app.database.clone(), None, Position::default());
    let seen = follower.next().await.expect("read").expect("events").position;
    app.add_tenant("gone").await;
    let (operator, gone) = (app.operator("default").await, TenantId::parse("gone").expect("a tenant"));
    assert!(app.services.delete_tenant(&operator, &gone, true).await.is_ok());
    let followed = follower.next().await.expect("read").expect("events");
    assert!(followed.gap.is_some_and(|gap| gap.after == seen.after && gap.reason == GapReason::Deleted), "{:?}", followed.gap);
    assert_eq!(followed.events.last().map(|(_, event)| event.fields.kind.as_str()), Some("tenant_deleted"));
    let mut of_it = Follower::new(app.database.clone(), Some(gone), Position::default());
    assert!(of_it.next().await.expect("read").is_none());
}

#[tokio::test]
async fn administrators_set_the_retention_within_limits() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let stored = "SELECT concat(keep_activity_days, ' ', keep_security_activity_days) FROM tenants WHERE id = 'test'";
    let form = |seen: &str, days: &str, security_days: &str| {
        [
            ("seen", seen),
            ("display_name", "Test"),
            ("code_minutes", "15"),
            ("access_days", "30"),
            ("mfa_hours", "24"),
            ("link_days", "365"),
            ("lowest_linked_uid", "1000"),
            ("keep_activity_days", days),
            ("keep_security_activity_days", security_days),
        ]
        .map(|(name, value)| (format!("policy[{name}]"), value.to_owned()))
    };
    let save = async |days: &str, security_days: &str| {
        let seen = browser.get("/admin/policy").await.field("policy[seen]");
        let form = form(&seen, days, security_days);
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        browser.post("/api/admin/policy/save", &form).await
    };
    assert!(save("90", "365").await.says(en().admin_saved()));
    assert_eq!(app.texts(stored).await, ["90 365"]);
    for (days, security_days) in [("29", "365"), ("90", "89"), ("0", "365"), ("36501", "0")] {
        assert!(save(days, security_days).await.problem().contains(&en().admin_policy_retention_refused()), "{days} {security_days}");
    }
    assert_eq!(app.texts(stored).await, ["90 365"]);
    // The operator's shorter time stays when something else is changed, and so does their decision to archive first.
    app.keep("test", 7, 14).await;
    app.change_tenant("test", |tenant| tenant.policy.archive_first = true).await;
    assert!(save("7", "14").await.says(en().admin_saved()));
    assert_eq!(app.texts(stored).await, ["7 14"]);
    assert_eq!(app.number("SELECT count(*) FROM tenants WHERE id = 'test' AND archive_first").await, 1);
}
