//! E-mail about notifications, with a real mail server.

mod smtp_server;

use std::time::Duration;

use serde_json::{Value, json};
use tms_portal::domain::ids::{ClientId, UserId};
use tms_portal::domain::mail::{EmailAddress, MAX_ATTEMPTS};
use tms_portal::i18n::Languages;
use tms_portal::server::mail::{MailSender, Password, Round, SmtpSettings, SmtpTls, parse_sender};
use tokio::sync::watch;

use self::smtp_server::SmtpServer;
use crate::app::{PASSWORD, TestApp};
use crate::browser::en;
use crate::institution::Institution;
use crate::notifications::{behind_proxy, signed_in_at};

const QUEUED: &str = "SELECT count(*) FROM mail_outbox";

fn settings(port: u16) -> SmtpSettings {
    let from = parse_sender("Trust Manager <tms@example.org>").expect("a sender");
    SmtpSettings { host: "127.0.0.1".into(), port, tls: SmtpTls::None, login: None, from, root_certs: Vec::new() }
}

impl TestApp {
    async fn sender(&self, settings: &SmtpSettings) -> MailSender {
        self.services.set_mail_enabled(true).await.expect("set");
        MailSender::new(self.services.clone(), settings, Languages::built_in()).expect("a sender")
    }

    async fn set_email(&self, user: &str, address: &str) {
        let (user, address) = (UserId::parse(user).expect("a person"), EmailAddress::parse(address).expect("an address"));
        self.services.set_email(&self.operator("test").await, &user, Some(address)).await.expect("set");
    }

    /// Causes a notification for the person: an administrator removes their second factors.
    async fn remove_factors(&self, user: &str) {
        self.sql("INSERT INTO totp (tenant_id, user_id, secret_sealed, last_step, created_at) VALUES ('test', 'testuser1', unhex('00'), 0, 0)").await;
        let user = UserId::parse(user).expect("a person");
        assert!(self.services.reset_second_factors(&self.operator("test").await, &user).await.expect("an answer"));
    }

    /// Causes an optional notification: an administrator lets an application act for the person anew.
    async fn let_act(&self, user: &str) {
        let (operator, client) = (self.operator("test").await, ClientId::parse("testclient1").expect("a client"));
        let user = UserId::parse(user).expect("a person");
        self.services.revoke_delegation(&operator, &client, &user).await.expect("revoked");
        self.services.create_delegation(&operator, &client, &user, -1).await.expect("created");
    }
}

/// Sends what is due.
async fn send(sender: &MailSender) -> Round {
    let (_stop, stopped) = watch::channel(false);
    sender.send_due(&stopped).await.expect("an answer")
}

#[tokio::test]
async fn new_network_is_mailed_in_the_persons_language() {
    let Some(mut server) = SmtpServer::start().await else { return };
    let app = behind_proxy().await;
    let sender = app.sender(&settings(server.port)).await;
    app.set_email("testuser1", "jdoe@example.org").await;
    let browser = signed_in_at(&app, "192.0.2.1").await;
    assert_eq!(send(&sender).await, Round::Empty, "the first sign-in");
    browser.get("/").await;
    browser.post("/api/preferences/set", &[("language", "es"), ("back", "/")]).await;
    assert_eq!(app.texts("SELECT language FROM people WHERE user_id = 'testuser1'").await, ["es"]);
    let spanish = Languages::built_in().choose(Some("es"), None);
    // The sign-in stores the language of that browser, so the notification comes from elsewhere.
    app.remove_factors("testuser1").await;
    assert_eq!(send(&sender).await, Round::Empty);
    let mail = server.message().await;
    assert_eq!((&mail["from"], &mail["to"]), (&json!("tms@example.org"), &json!(["jdoe@example.org"])));
    let header = |name: &str| mail["headers"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(header("Subject"), spanish.mail_subject_one("Test", spanish.mail_title_second_factor_removed()));
    assert_eq!((header("From"), header("To")), ("Trust Manager <tms@example.org>".into(), "jdoe@example.org".into()));
    assert_eq!((header("Auto-Submitted"), header("Content-Language")), ("auto-generated".into(), "es".into()));
    assert_eq!(header("Date"), "Fri, 20 Nov 2026 12:00:00 +0000");
    let text = mail["text"].as_str().expect("a text");
    assert!(text.contains(&spanish.notification_second_factor_removed()), "{text}");
    assert!(text.contains(&format!("{}/keys/revoke-everything", app.base)), "{text}");
    assert_eq!(app.number(QUEUED).await, 0);

    app.clock.advance(Duration::from_secs(600));
    signed_in_at(&app, "198.51.100.7").await;
    assert_eq!(send(&sender).await, Round::Empty);
    let mail = server.message().await;
    assert_eq!(mail["headers"]["Subject"], en().mail_subject_one("Test", en().mail_title_new_network()));
    assert!(mail["text"].as_str().expect("a text").contains(&en().notification_new_network("198.51.100.7")));
    assert_eq!(server.stop().await, Vec::<Value>::new());
}

#[tokio::test]
async fn mail_is_sent_once_after_the_server_is_back() {
    let Some(server) = SmtpServer::start().await else { return };
    let port = server.port;
    server.stop().await;
    let app = TestApp::start().await;
    let sender = app.sender(&settings(port)).await;
    app.set_email("testuser1", "jdoe@example.org").await;
    app.remove_factors("testuser1").await;
    assert_eq!(send(&sender).await, Round::Failed);
    assert_eq!(send(&sender).await, Round::Empty, "not due yet");
    let mut server = SmtpServer::start_with(port, None).await.expect("a server");
    app.clock.advance(Duration::from_secs(5 * 60));
    assert_eq!(send(&sender).await, Round::Empty);
    server.message().await;
    app.clock.advance(Duration::from_secs(86_400));
    assert_eq!(send(&sender).await, Round::Empty);
    assert_eq!(server.stop().await, Vec::<Value>::new());
}

#[tokio::test]
async fn rejected_mail_is_dropped() {
    let Some(server) = SmtpServer::start().await else { return };
    let app = TestApp::start().await;
    let sender = app.sender(&settings(server.port)).await;
    app.set_email("testuser1", "gone@example.org").await;
    app.remove_factors("testuser1").await;
    assert_eq!((send(&sender).await, app.number(QUEUED).await), (Round::Empty, 0));
    assert_eq!(server.stop().await, Vec::<Value>::new());
}

#[tokio::test]
async fn mail_is_tried_a_limited_number_of_times() {
    let Some(server) = SmtpServer::start().await else { return };
    let app = TestApp::start().await;
    let sender = app.sender(&settings(server.port)).await;
    app.set_email("testuser1", "busy@example.org").await;
    app.remove_factors("testuser1").await;
    let mut attempts = 0;
    while app.number(QUEUED).await > 0 {
        attempts = app.number("SELECT max(attempts) FROM mail_outbox").await;
        assert!(attempts < MAX_ATTEMPTS);
        assert_eq!(send(&sender).await, Round::Empty);
        app.clock.advance(Duration::from_secs(60 * 60));
    }
    assert_eq!(attempts, MAX_ATTEMPTS - 1, "before the last one");
}

#[tokio::test]
async fn busy_mailbox_does_not_delay_mail_to_others() {
    let Some(mut server) = SmtpServer::start().await else { return };
    let app = TestApp::start().await;
    let sender = app.sender(&settings(server.port)).await;
    app.add_person("test", "eve").await;
    app.set_email("eve", "busy@example.org").await;
    app.set_email("testuser1", "jdoe@example.org").await;
    app.let_act("eve").await;
    app.clock.advance(Duration::from_secs(1));
    app.remove_factors("testuser1").await;
    assert_eq!(send(&sender).await, Round::Empty);
    assert_eq!(server.message().await["to"], json!(["jdoe@example.org"]));
    assert_eq!(app.number(QUEUED).await, 1, "it is sent again");
}

#[tokio::test]
async fn applications_do_not_displace_mail_that_waits() {
    let app = TestApp::start().await;
    app.services.set_mail_enabled(true).await.expect("set");
    app.set_email("testuser1", "jdoe@example.org").await;
    app.sql("UPDATE people SET optional_mail = false").await;
    app.remove_factors("testuser1").await;
    for _ in 0..60 {
        app.let_act("testuser1").await;
    }
    assert_eq!((app.number("SELECT count(*) FROM notifications").await, app.number(QUEUED).await), (51, 1));
    assert!(app.signed_in().await.get("/").await.words().contains(&en().notification_second_factor_removed()));
    app.sql("UPDATE people SET optional_mail = true").await;
    for _ in 0..110 {
        app.let_act("testuser1").await;
    }
    assert_eq!(app.number(QUEUED).await, 100, "a limited number");
    app.remove_factors("testuser1").await;
    assert_eq!(app.number(QUEUED).await, 101);
}

#[tokio::test]
async fn clock_that_was_ahead_does_not_delay_mail() {
    let app = TestApp::start().await;
    app.services.set_mail_enabled(true).await.expect("set");
    app.set_email("testuser1", "jdoe@example.org").await;
    app.sql("UPDATE people SET mailed_at = 9999999999999").await;
    app.remove_factors("testuser1").await;
    assert_eq!(app.number("SELECT due_at - created_at FROM mail_outbox").await, 0);
}

#[tokio::test]
async fn a_person_gets_few_messages() {
    let Some(mut server) = SmtpServer::start().await else { return };
    let app = TestApp::start().await;
    let sender = app.sender(&settings(server.port)).await;
    app.set_email("testuser1", "jdoe@example.org").await;
    app.remove_factors("testuser1").await;
    assert_eq!(send(&sender).await, Round::Empty);
    server.message().await;
    for _ in 0..3 {
        app.remove_factors("testuser1").await;
    }
    assert_eq!((send(&sender).await, app.number(QUEUED).await), (Round::Empty, 3), "they wait");
    app.clock.advance(Duration::from_secs(6 * 60));
    assert_eq!((send(&sender).await, app.number(QUEUED).await), (Round::Empty, 0));
    let mail = server.message().await;
    assert_eq!(mail["headers"]["Subject"], en().mail_subject_many("Test", 3));
    assert_eq!(server.stop().await, Vec::<Value>::new());
}

#[tokio::test]
async fn starttls_and_login_are_used() {
    let dir = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let Some(mut server) = SmtpServer::start_with(0, Some((&certificate, &key))).await else { return };
    let app = TestApp::start().await;
    app.set_email("testuser1", "jdoe@example.org").await;
    let login = |password: &str| Some(("tms".to_owned(), Password::new(password)));
    let right = SmtpSettings {
        host: "localhost".into(),
        tls: SmtpTls::StartTls,
        login: login("s3cret"),
        root_certs: vec![made.cert.der().to_vec()],
        ..settings(server.port)
    };
    let untrusted = SmtpSettings { root_certs: Vec::new(), ..right.clone() };
    let wrong_password = SmtpSettings { login: login("wrong"), ..right.clone() };
    app.sender(&right).await;
    app.remove_factors("testuser1").await;
    for settings in [untrusted, wrong_password] {
        assert_eq!(send(&app.sender(&settings).await).await, Round::Failed, "it is kept");
        app.clock.advance(Duration::from_secs(60 * 60));
    }
    assert_eq!(send(&app.sender(&right).await).await, Round::Empty);
    server.message().await;
    assert_eq!(app.number(QUEUED).await, 0);
}

#[tokio::test]
async fn nothing_is_queued_without_mail_server_or_address() {
    let app = TestApp::start().await;
    app.set_email("testuser1", "jdoe@example.org").await;
    app.remove_factors("testuser1").await;
    assert_eq!(app.number(QUEUED).await, 0, "no mail server");
    app.services.set_mail_enabled(true).await.expect("set");
    app.remove_factors("testuser1").await;
    assert_eq!(app.number(QUEUED).await, 1);
    app.services.set_mail_enabled(false).await.expect("set");
    assert_eq!(app.number(QUEUED).await, 0);
    app.services.set_mail_enabled(true).await.expect("set");
    app.sql("UPDATE people SET email = NULL").await;
    app.remove_factors("testuser1").await;
    assert_eq!(app.number(QUEUED).await, 0, "no address");
}

#[tokio::test]
async fn mail_about_applications_can_be_turned_off() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    assert!(!browser.get("/identities").await.says(en().mail_optional()), "the server sends no e-mail");
    app.services.set_mail_enabled(true).await.expect("set");
    assert!(browser.get("/identities").await.says(en().mail_no_address()));
    app.set_email("testuser1", "jdoe@example.org").await;
    let page = browser.get("/identities").await;
    assert!(page.words().contains(&en().mail_sent_to("jdoe@example.org")) && page.says("name=\"optional\" value=\"1\" checked"), "{}", page.text);
    assert!(browser.post("/api/notifications/mail", &[]).await.says(en().mail_optional_off()));
    let (operator, client) = (app.operator("test").await, ClientId::parse("tms-cli").expect("a client"));
    let person = UserId::parse("testuser1").expect("a person");
    app.services.create_delegation(&operator, &client, &person, -1).await.expect("created");
    assert_eq!(app.number(QUEUED).await, 0);
    assert!(browser.post("/api/notifications/mail", &[("optional", "1")]).await.says(en().mail_optional_on()));
    app.sql("UPDATE people SET optional_mail = false").await;
    app.remove_factors("testuser1").await;
    assert_eq!(app.number(QUEUED).await, 1, "always sent");
}

#[tokio::test]
async fn verified_address_of_the_institution_is_used() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    app.add_institution(&institution, "open").await;
    let address = "SELECT coalesce(email, '') FROM people WHERE user_id LIKE 'jdoe%'";
    for (claims, expected) in [
        (json!({ "email": "x@example.org" }), ""),
        (json!({ "email": "x@example.org", "email_verified": false }), ""),
        (json!({ "email": "a@example.org", "email_verified": true }), "a@example.org"),
        (json!({ "email": "b@example.org", "email_verified": true }), "b@example.org"),
        (json!({}), "b@example.org"),
        (json!({ "email": "c@example.org", "email_verified": false }), ""),
        (json!({ "email": "b@example.org", "email_verified": true }), "b@example.org"),
    ] {
        app.sign_in_with_new_browser(&institution, claims.clone()).await;
        assert_eq!(app.texts(address).await, [expected], "{claims}");
    }
    app.sql("UPDATE people SET email = 'set@example.org', email_issuer = NULL WHERE user_id LIKE 'jdoe%'").await;
    app.sign_in_with_new_browser(&institution, json!({ "email": "a@example.org", "email_verified": true })).await;
    assert_eq!(app.texts(address).await, ["set@example.org"], "an administrator's is kept");
}

#[tokio::test]
async fn administrator_sets_an_address() {
    let app = TestApp::start().await;
    app.sql("UPDATE people SET admin = true WHERE user_id = 'testuser1'").await;
    app.add_person("test", "ann").await;
    let admin = app.signed_in_as("test", "testuser1", PASSWORD).await;
    assert!(admin.get("/admin/people/person?user=ann").await.says(en().admin_people_email_none()));
    for bad in ["nonsense", "a@b\r\nBcc: c@d", "jdoé@example.org"] {
        let page = admin.post("/api/admin/people/email", &[("user", "ann"), ("email", bad)]).await;
        assert!(page.says(en().admin_people_email_refused()), "{bad}: {}", page.words());
    }
    let page = admin.post("/api/admin/people/email", &[("user", "ann"), ("email", " ann@example.org ")]).await;
    assert!(page.says(en().admin_saved()) && page.says("ann@example.org") && page.says(en().admin_people_email_set()), "{}", page.words());
    let page = admin.post("/api/admin/people/email", &[("user", "ann"), ("email", "")]).await;
    assert!(page.says(en().admin_people_email_none()), "{}", page.words());
    let ann = app.signed_in_as("test", "ann", PASSWORD).await;
    ann.get("/").await;
    assert_eq!(ann.post("/api/admin/people/email", &[("user", "testuser1"), ("email", "x@example.org")]).await.status, 404);
}
