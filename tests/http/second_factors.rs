//! Second factors: enrollment, the second step of a sign-in, and step-up. Passkeys are covered by the browser tests.

use std::time::Duration;

use tms_portal::domain::help_contact::HelpContact;
use totp_rs::{Algorithm, Builder, Secret};

use crate::app::{PASSWORD, Setup, TestApp};
use crate::browser::{Browser, Page, en};

const MINUTE: Duration = Duration::from_secs(60);
/// The period of a code (RFC 6238).
const STEP: Duration = Duration::from_secs(30);

/// An authenticator app.
pub struct App {
    secret: String,
}

impl App {
    /// Reads the secret from the enrollment page.
    pub fn scan(page: &Page) -> Self {
        let (_, secret) = page.text.split_once("data-copy=\"").expect("a secret to copy");
        Self { secret: secret.split('"').next().expect("its end").to_owned() }
    }

    /// The current code.
    pub fn code(&self, app: &TestApp) -> String {
        let secret = Secret::try_from_base32(&self.secret).expect("a secret");
        let totp = Builder::new().with_algorithm(Algorithm::SHA1).with_secret(secret).with_account_name("x").build().expect("an app");
        totp.generate(u64::try_from(app.services.now().as_seconds()).expect("after 1970")).to_string()
    }
}

/// `ann` has enrolled an app: her browser, app and recovery codes.
async fn with_app(app: &TestApp) -> (Browser, App, Vec<String>) {
    with_app_of(app, "ann").await
}

async fn with_app_of(app: &TestApp, user: &str) -> (Browser, App, Vec<String>) {
    app.add_person("test", user).await;
    let browser = app.signed_in_as("test", user, PASSWORD).await;
    let ann = App::scan(&browser.get("/identities/app").await);
    let page = browser.post("/api/second-factors/app", &[("code", &ann.code(app))]).await;
    assert_eq!(page.path, "/identities/recovery", "{}", page.words());
    let codes = codes(&page);
    app.clock.advance(STEP);
    (browser, ann, codes)
}

fn codes(page: &Page) -> Vec<String> {
    let (_, codes) = page.text.split_once("data-copy=\"").expect("codes to copy");
    codes.split('"').next().expect("their end").lines().map(str::to_owned).collect()
}

/// Enters the password; the second factor is requested next.
async fn pending_sign_in(browser: &Browser) -> Page {
    let page = browser.sign_in("test", "ann", PASSWORD).await;
    assert_eq!((page.status, page.path.as_str()), (200, "/sign-in/second-factor"), "{}", page.words());
    page
}

/// A tab with a sign-in that waits for the second factor, on the way to a page.
pub async fn pending_sign_in_of(browser: &Browser, user: &str, then: &str) -> Page {
    let page = browser.post("/sign-in/password", &[("tenant", "test"), ("user_name", user), ("password", PASSWORD), ("then", then)]).await;
    assert_eq!((page.status, page.path.as_str()), (200, "/sign-in/second-factor"), "{}", page.words());
    page
}

/// Enters a code in the form of that tab.
async fn submit_code_in(browser: &Browser, tab: &Page, code: &str) -> Page {
    let (attempt, then) = (tab.field("attempt"), tab.field("then"));
    browser.post("/sign-in/second-factor/show", &[("attempt", &*attempt), ("then", &*then), ("code", code)]).await
}

/// Enters a code in the form of an enrollment tab.
async fn enroll_in(browser: &Browser, tab: &Page, code: &str) -> Page {
    let (ceremony, then) = (tab.field("ceremony"), tab.field("then"));
    browser.post("/api/second-factors/app", &[("ceremony", &*ceremony), ("then", &*then), ("code", code)]).await
}

/// Approves a device without host accounts.
async fn allow(browser: &Browser, consent: &Page) -> Page {
    let form = [("grant", &*consent.field("grant")), ("decision", "allow"), ("lifetime", "28800"), ("started_this", "yes")];
    browser.post("/api/device/decide", &form).await
}

async fn show(browser: &Browser, code: &str) -> Page {
    browser.post("/sign-in/second-factor/show", &[("code", code)]).await
}

#[tokio::test]
async fn app_enrollment_requires_a_code_and_gives_recovery_codes() {
    let app = TestApp::start().await;
    app.add_person("test", "ann").await;
    let browser = app.signed_in_as("test", "ann", PASSWORD).await;
    let page = browser.get("/identities/app").await;
    assert!(page.says("<svg") && page.says("role=\"img\""), "a code to scan");
    let ann = App::scan(&page);
    assert_eq!(App::scan(&browser.get(&page.address).await).secret, ann.secret, "what was scanned stays good");
    let wrong = browser.post("/api/second-factors/app", &[("code", "000000")]).await;
    assert!(wrong.path == "/identities/app" && wrong.problem().starts_with(&en().factors_wrong_code()), "{}", wrong.words());
    assert_eq!(App::scan(&wrong).secret, ann.secret);
    assert_eq!(app.number("SELECT count(*) FROM totp").await, 0);

    let page = browser.post("/api/second-factors/app", &[("code", &ann.code(&app)), ("then", "/keys")]).await;
    let codes = codes(&page);
    assert_eq!(codes.len(), 10);
    assert!(page.says("href=\"/keys\""), "one goes on where one was");
    assert!(!browser.get("/identities/recovery").await.says(&codes[0]), "shown once");
    assert!(browser.get("/identities").await.says(en().factors_app()));
    assert_eq!((app.count_audit_events("second_factor_added").await, app.count_audit_events("mfa_opened").await), (1, 1));

    // Neither secrets nor codes are readable on disk.
    let hex = Secret::try_from_base32(&ann.secret).expect("a secret").as_bytes().iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    let dump = format!("{:?}", app.dump("test").await);
    for secret in [ann.secret.as_str(), &hex, codes[0].as_str(), &codes[0].replace('-', "")] {
        assert!(!dump.contains(secret), "{secret} stands in the database");
    }
    // A second app does not replace the first.
    assert!(browser.post("/api/second-factors/app", &[("code", &ann.code(&app))]).await.path == "/identities/app", "nothing is being set up");
    let exists = browser.get("/identities/app").await;
    assert!(exists.status == 422 && !exists.says("data-copy") && exists.says("href=\"/identities/remove?factor=app\""), "{}", exists.text);
    assert!(exists.problem().starts_with(&en().factors_exists()), "{}", exists.words());
}

#[tokio::test]
async fn password_alone_is_pending_with_second_factor() {
    let app = TestApp::start().await;
    let (_, ann, _) = with_app(&app).await;
    let browser = app.browser();
    let device = app.start_device().await;
    browser.enter(&device.user_code).await;
    pending_sign_in(&browser).await;
    for closed in ["/keys", "/identities", "/identities/app", "/activity"] {
        assert_eq!(browser.get(closed).await.path, "/sign-in", "{closed}");
    }
    assert_eq!(browser.post("/api/keys/revoke-everything", &[]).await.path, "/sign-in");
    assert_eq!(app.number("SELECT count(*) FROM browser_sessions WHERE user_id = 'ann' AND signed_in_at IS NOT NULL").await, 1, "her own");
    assert!(!browser.get("/").await.says(en().sign_out()));

    let page = show(&browser, "000000").await;
    assert_eq!((page.status, page.path.as_str()), (422, "/sign-in/second-factor"));
    assert!(page.problem().starts_with(&en().second_factor_wrong()), "{}", page.words());
    let page = show(&browser, &format!(" {} ", ann.code(&app))).await;
    assert!(page.path == "/device" && page.says("TMS command line"), "and the code has been kept: {}", page.words());
    let recorded = [
        app.count_audit_events("first_factor_shown").await,
        app.count_audit_events("second_factor_failed").await,
        app.count_audit_events("signed_in").await,
    ];
    assert_eq!(recorded, [1, 1, 2]);
    assert_eq!(show(&browser, &ann.code(&app)).await.path, "/sign-in", "there is nothing more to show");
}

#[tokio::test]
async fn app_code_is_single_use() {
    let app = TestApp::start().await;
    let (_, ann, _) = with_app(&app).await;
    let (one, other) = (app.browser(), app.browser());
    pending_sign_in(&one).await;
    pending_sign_in(&other).await;
    let code = ann.code(&app);
    let (first, second) = tokio::join!(show(&one, &code), show(&other, &code));
    let mut paths = [first.path.as_str(), second.path.as_str()];
    paths.sort_unstable();
    assert_eq!(paths, ["/", "/sign-in/second-factor"], "two at once: one of them");
    let late = app.browser();
    pending_sign_in(&late).await;
    app.clock.advance(STEP);
    assert_eq!(show(&late, &code).await.status, 422, "although a code is taken one step late");
    assert_eq!(show(&late, &ann.code(&app)).await.path, "/");
}

#[tokio::test]
async fn code_of_the_future_does_not_block_later_ones() {
    let app = TestApp::start().await;
    let (_, ann, _) = with_app(&app).await;
    let day = Duration::from_secs(24 * 60 * 60);
    for back in [false, true] {
        if back {
            app.clock.set_back(day);
        } else {
            app.clock.advance(day);
        }
        let browser = app.browser();
        pending_sign_in(&browser).await;
        let code = ann.code(&app);
        assert_eq!(show(&browser, &code).await.path, "/", "back: {back}");
        let again = app.browser();
        pending_sign_in(&again).await;
        assert_eq!(show(&again, &code).await.status, 422, "still single-use");
    }
}

#[tokio::test]
async fn codes_are_valid_one_step_early_or_late() {
    let app = TestApp::start().await;
    let (_, ann, _) = with_app(&app).await;
    let browser = app.browser();
    pending_sign_in(&browser).await;
    let old = ann.code(&app);
    app.clock.advance(2 * STEP);
    assert_eq!(show(&browser, &old).await.status, 422);
    let late = ann.code(&app);
    app.clock.advance(STEP);
    assert_eq!(show(&browser, &late).await.path, "/");
}

#[tokio::test]
async fn four_wrong_codes_block_codes_but_not_recovery_codes() {
    let app = TestApp::start_as(Setup { behind_proxy: true, ..Setup::default() }).await;
    let (_, ann, recovery) = with_app(&app).await;
    let browser = app.browser_at("192.0.2.1");
    pending_sign_in(&browser).await;
    for wrong in ["000000", "111111", "", "nonsense"] {
        assert_eq!(show(&browser, wrong).await.status, 422, "{wrong:?}");
    }
    let page = show(&browser, &ann.code(&app)).await;
    assert_eq!((page.status, page.retry_after()), (429, Some(900)));
    assert_eq!(app.texts("SELECT subject FROM activity WHERE kind = 'sign_in_blocked'").await, ["second_factor"]);
    assert!(page.problem() == en().second_factor_too_many(en().span_minutes(15)), "{}", page.problem());
    let elsewhere = app.browser_at("198.51.100.1");
    pending_sign_in(&elsewhere).await;
    assert_eq!(show(&elsewhere, &ann.code(&app)).await.path, "/", "the person themselves, elsewhere");
    assert_eq!(show(&browser, &recovery[0]).await.path, "/", "60 random bits");
    app.clock.advance(15 * MINUTE);
    pending_sign_in(&browser).await;
    assert_eq!(show(&browser, &ann.code(&app)).await.path, "/");
}

#[tokio::test]
async fn attacker_with_password_does_not_block_the_person() {
    let app = TestApp::start_as(Setup { behind_proxy: true, ..Setup::default() }).await;
    let (_, ann, _) = with_app(&app).await;
    let stranger = app.browser_at("192.0.2.1");
    for _ in 0..5 {
        pending_sign_in(&stranger).await;
        for _ in 0..5 {
            show(&stranger, "000000").await;
        }
        app.clock.advance(15 * MINUTE);
    }
    for _ in 0..20 {
        show(&stranger, "AAAA-AAAA-AAAA").await;
    }
    let own = app.browser_at("198.51.100.1");
    pending_sign_in(&own).await;
    assert_eq!(show(&own, &ann.code(&app)).await.path, "/");
}

#[tokio::test]
async fn ending_sessions_ends_pending_sign_ins() {
    let app = TestApp::start().await;
    let (own, ann, recovery) = with_app(&app).await;
    let half_in = async || {
        let browser = app.browser();
        pending_sign_in(&browser).await;
        browser
    };
    let mut spare = recovery.iter();
    let mut finished = async |browser: &Browser| show(browser, spare.next().expect("a code")).await.path;
    let browser = half_in().await;
    assert_eq!(own.post("/api/keys/revoke-everything", &[]).await.path, "/activity");
    assert_eq!(finished(&browser).await, "/sign-in");

    let browser = half_in().await;
    app.sql("UPDATE people SET admin = true WHERE user_id = 'testuser1'").await;
    let admin = app.signed_in().await;
    for change in ["disable", "enable"] {
        admin.post("/api/admin/people/change", &[("user", "ann"), ("change", change)]).await;
    }
    assert_eq!(finished(&browser).await, "/sign-in");
    assert_eq!(app.number("SELECT count(*) FROM recovery_codes").await, 10, "none was spent");

    // It is not a session, and keeps no session of another person in the same browser.
    let browser = app.signed_in().await;
    pending_sign_in(&browser).await;
    assert_eq!(browser.get("/keys").await.path, "/sign-in");
    assert_eq!(show(&browser, &ann.code(&app)).await.path, "/");
    half_in().await;
    assert_eq!(browser.get("/sessions").await.text.matches("row-card").count(), 1, "no halves");
}

#[tokio::test]
async fn session_alone_adds_no_key_and_extends_nothing() {
    let app = TestApp::start().await;
    let (browser, ann, _) = with_app(&app).await;
    app.change_tenant("test", |tenant| tenant.policy.second_factor_at_consent = true).await;
    let device = app.start_device().await;
    let consent = browser.enter(&device.user_code).await;
    assert!(allow(&browser, &consent).await.says(en().result_connected()));
    let number = app.texts("SELECT number || '' FROM delegations WHERE user_id = 'ann'").await.remove(0);
    app.clock.advance(15 * MINUTE);
    assert_eq!(browser.get("/keys/add").await.path, "/sign-in/second-factor", "before anything is typed");
    let form = [("host_account", "hac_x"), ("public_key", "x"), ("days", "7")];
    assert_eq!(browser.post("/api/keys/add", &form).await.path, "/sign-in/second-factor");
    let change = async |seconds: &str| browser.post("/api/apps/change", &[("app", &number), ("ends", seconds)]).await;
    assert!(change("3600").await.tells(|x| en().apps_changed(x)), "sooner takes nothing but the wish");
    assert_eq!(change("86400").await.path, "/sign-in/second-factor");
    browser.post("/sign-in/second-factor/show", &[("again", "1"), ("then", "/apps"), ("code", &ann.code(&app))]).await;
    assert!(change("86400").await.tells(|x| en().apps_changed(x)));
    assert_eq!(browser.get("/keys/add").await.path, "/keys/add");
}

#[tokio::test]
async fn previously_shown_secret_is_not_enrolled() {
    let app = TestApp::start().await;
    app.add_person("test", "ann").await;
    let browser = app.signed_in_as("test", "ann", PASSWORD).await;
    let seen = App::scan(&browser.get("/identities/app").await).secret;
    browser.sign_in("test", "ann", PASSWORD).await;
    let anew = App::scan(&browser.get("/identities/app").await).secret;
    assert_ne!(anew, seen, "signing in again begins anew");
    app.clock.advance(15 * MINUTE);
    let form = [("tenant", "test"), ("user_name", "ann"), ("password", PASSWORD), ("again", "1"), ("then", "/identities/app")];
    let page = browser.post("/sign-in/password", &form).await;
    assert_ne!(App::scan(&page).secret, anew);
}

#[tokio::test]
async fn recovery_code_works_once_for_its_owner() {
    let app = TestApp::start().await;
    let (browser, _, recovery) = with_app(&app).await;
    let (one, other) = (app.browser(), app.browser());
    pending_sign_in(&one).await;
    pending_sign_in(&other).await;
    assert_eq!(show(&one, &recovery[3].to_lowercase().replace('-', " ")).await.path, "/");
    assert_eq!(show(&other, &recovery[3]).await.status, 422, "it is spent");
    assert_eq!(app.count_audit_events("recovery_code_used").await, 1);
    assert!(browser.get("/identities").await.says(en().factors_recovery_left(9)));
    // New ones invalidate the old ones.
    let page = browser.post("/api/second-factors/recovery", &[]).await;
    let new = codes(&page);
    assert_eq!((page.path.as_str(), new.len()), ("/identities/recovery", 10));
    assert_eq!(show(&other, &recovery[4]).await.status, 422);
    assert_eq!(show(&other, &new[4]).await.path, "/");
    // Another person's are not accepted.
    app.add_person("test", "bob").await;
    let bob = app.signed_in_as("test", "bob", PASSWORD).await;
    assert_eq!(bob.post("/api/second-factors/recovery", &[]).await.path, "/identities");
    assert_eq!(app.number("SELECT count(*) FROM recovery_codes WHERE user_id = 'bob'").await, 0, "codes alone are no second factor");
}

#[tokio::test]
async fn pending_sign_in_expires_after_15_minutes() {
    let app = TestApp::start().await;
    let (_, ann, _) = with_app(&app).await;
    let browser = app.browser();
    pending_sign_in(&browser).await;
    app.clock.advance(15 * MINUTE);
    let page = show(&browser, &ann.code(&app)).await;
    assert!(page.path == "/sign-in" && page.problem().starts_with(&en().second_factor_too_late()), "{}", page.words());
    pending_sign_in(&browser).await;
    app.switch_person("ann", false).await;
    assert_eq!(show(&browser, &ann.code(&app)).await.path, "/sign-in");
    assert_eq!(browser.get("/keys").await.path, "/sign-in");
    // A second factor without a first one is not accepted.
    assert_eq!(show(&app.browser(), &ann.code(&app)).await.path, "/sign-in");
    assert_eq!(app.browser().get("/sign-in/second-factor?again=1").await.path, "/sign-in");
}

#[tokio::test]
async fn sensitive_actions_require_step_up_and_continue() {
    let app = TestApp::start().await;
    let (browser, ann, _) = with_app(&app).await;
    assert!(browser.get("/keys/revoke-everything").await.says(en().keys_everything_question()), "just now is fresh enough");
    app.clock.advance(15 * MINUTE);
    let page = browser.get("/keys/revoke-everything").await;
    assert_eq!(page.path, "/sign-in/second-factor", "{}", page.words());
    assert!(page.says(en().second_factor_again()));
    assert_eq!(browser.post("/api/keys/revoke-everything", &[]).await.path, "/sign-in/second-factor", "nor by the form alone");
    // The password alone is not enough: it leads to the second factor again.
    let form = [("tenant", "test"), ("user_name", "ann"), ("password", PASSWORD), ("again", "1"), ("then", "/keys/revoke-everything")];
    assert_eq!(browser.post("/sign-in/password", &form).await.path, "/sign-in/second-factor");
    assert_eq!(browser.get("/keys/revoke-everything").await.path, "/sign-in/second-factor");

    let again = |code: &str| [("again", "1".to_owned()), ("then", "/keys/revoke-everything".to_owned()), ("code", code.to_owned())];
    let send = async |code: String| {
        let form = again(&code);
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post("/sign-in/second-factor/show", &form).await
    };
    let page = send("000000".into()).await;
    assert!(page.path == "/sign-in/second-factor" && page.field("then") == "/keys/revoke-everything", "{}", page.words());
    let cookie = browser.cookie();
    assert_eq!(send(ann.code(&app)).await.path, "/keys/revoke-everything");
    assert_ne!(browser.cookie(), cookie, "a new cookie for a session that may do more");
    assert_eq!(browser.post("/api/keys/revoke-everything", &[]).await.path, "/activity");
    let form = [("again", "1"), ("then", "https://evil.example/"), ("code", "000000")];
    assert_eq!(browser.post("/sign-in/second-factor/show", &form).await.field("then"), "/", "never to an address out of a request");
}

#[tokio::test]
async fn administrators_need_one_by_policy() {
    let app = TestApp::start().await;
    app.change_tenant("test", |tenant| tenant.policy.second_factor_for_admins = true).await;
    app.sql("UPDATE people SET admin = true WHERE user_id = 'testuser1'").await;
    let browser = app.signed_in().await;
    let page = browser.get("/admin/clients").await;
    assert_eq!(page.path, "/identities/second-factor", "{}", page.words());
    assert!(page.says("/identities/app?then=/admin/clients"), "{}", page.text);
    assert_eq!(browser.post("/api/admin/clients/delete", &[("client", "testclient1")]).await.path, "/identities/second-factor");
    let page = browser.get("/identities/app?then=/admin/clients").await;
    let own = App::scan(&page);
    let page = browser.post("/api/second-factors/app", &[("code", &own.code(&app)), ("then", &page.field("then"))]).await;
    assert!(page.says("href=\"/admin/clients\""), "{}", page.text);
    assert_eq!(browser.get("/admin/clients").await.path, "/admin/clients");
}

#[tokio::test]
async fn consent_requires_one_by_policy() {
    let app = TestApp::start().await;
    let (_, ann, _) = with_app(&app).await;
    app.change_tenant("test", |tenant| tenant.policy.second_factor_at_consent = true).await;
    let device = app.start_device().await;
    let browser = app.browser();
    pending_sign_in(&browser).await;
    show(&browser, &ann.code(&app)).await;
    let consent = browser.enter(&device.user_code).await;
    app.sql("UPDATE device_grants SET expires_at = expires_at + 3600000").await;
    app.clock.advance(15 * MINUTE);
    let asked = browser.get(&consent.address).await;
    assert!(asked.path == "/device" && asked.says(en().consent_missing_second_factor()) && !asked.says("value=\"allow\""), "{}", asked.words());
    let grant = consent.field("grant");
    assert!(asked.says(format!("/sign-in/second-factor?again=1&amp;then=/device%3Fgrant%3D{grant}")), "{}", asked.text);
    assert_eq!(allow(&browser, &consent).await.path, "/sign-in/second-factor", "nor by the form alone");
    assert_eq!(app.poll(&device).await.error(), "authorization_pending");
    let form = [("again", "1"), ("then", &consent.address), ("code", &ann.code(&app))];
    let consent = browser.post("/sign-in/second-factor/show", &form).await;
    assert!(allow(&browser, &consent).await.says(en().result_connected()));

    // Of a person who has none.
    app.add_person("test", "bob").await;
    let bob = app.signed_in_as("test", "bob", PASSWORD).await;
    let (third, fourth) = (app.start_device().await, app.start_device().await);
    let page = bob.enter(&third.user_code).await;
    assert!(
        page.path == "/device" && page.says(en().consent_missing_own()) && page.says("href=\"/identities/second-factor?then=/device%3Fgrant%3D"),
        "{}",
        page.words()
    );
    assert_eq!(allow(&bob, &page).await.path, "/identities/second-factor");
    let page = bob.deny(&page).await;
    assert!(page.path == "/device/result" && page.says(en().result_denied()), "no takes nothing but the wish: {}", page.words());
    let address = bob.enter(&fourth.user_code).await.address;
    let then = tms_portal::domain::paths::encode(&address);
    let own = App::scan(&bob.get(&format!("/identities/app?then={then}")).await);
    bob.post("/api/second-factors/app", &[("code", &own.code(&app)), ("then", &address)]).await;
    let consent = bob.get(&address).await;
    assert!(allow(&bob, &consent).await.says(en().result_connected()), "and on where they were");
}

#[tokio::test]
async fn removing_the_last_one_leaves_the_password() {
    let app = TestApp::start().await;
    let (browser, ann, recovery) = with_app(&app).await;
    app.clock.advance(15 * MINUTE);
    assert_eq!(browser.post("/api/second-factors/remove", &[("factor", "app")]).await.path, "/sign-in/second-factor", "only by whoever has it");
    let form = [("again", "1"), ("then", "/identities/remove?factor=app"), ("code", &ann.code(&app))];
    let page = browser.post("/sign-in/second-factor/show", &form).await;
    assert!(page.says(en().factors_remove_last()), "{}", page.words());
    for nothing in ["1", "", "x", "-1", "99999999999999999999"] {
        let page = browser.post("/api/second-factors/remove", &[("factor", nothing)]).await;
        assert!(page.problem().starts_with(&en().factors_gone()), "{nothing}");
    }
    assert!(browser.post("/api/second-factors/remove", &[("factor", "app")]).await.says(en().factors_removed()));
    assert_eq!(app.number("SELECT count(*) FROM recovery_codes").await, 0, "{}", recovery[0]);
    assert_eq!(app.browser().sign_in("test", "ann", PASSWORD).await.path, "/");
    assert_eq!(app.count_audit_events("second_factor_removed").await, 1);
}

#[tokio::test]
async fn lost_sealing_key_is_reported_at_start() {
    let app = TestApp::start().await;
    with_app(&app).await;
    assert!(app.services.lost_secrets().await.expect("an answer").is_empty());
    app.sql("UPDATE totp SET secret_sealed = unhex('000000')").await;
    assert_eq!(app.services.lost_secrets().await.expect("an answer"), ["authenticator apps"]);
}

#[tokio::test]
async fn passkeys_require_a_host_name_and_valid_responses() {
    let app = TestApp::start().await;
    let (browser, _, _) = with_app(&app).await;
    assert!(browser.get("/identities/passkey").await.says(en().factors_passkey_no_name()));
    for answer in ["", "{}", "[]", "null", "\0", &"[".repeat(20_000)] {
        let page = browser.post("/api/second-factors/passkey", &[("passkey", answer), ("name", "x")]).await;
        assert_eq!(page.path, "/identities/passkey");
        let other = app.browser();
        pending_sign_in(&other).await;
        let shown = other.post("/sign-in/second-factor/show", &[("passkey", answer)]).await;
        assert!(matches!(shown.status, 422 | 429), "{}", shown.words());
    }
    assert_eq!(app.number("SELECT count(*) FROM passkeys").await, 0);
}

#[tokio::test]
async fn administrator_resets_lost_second_factors() {
    let app = TestApp::start().await;
    let (own, _, recovery) = with_app(&app).await;
    app.sql("UPDATE people SET admin = true WHERE user_id = 'testuser1'").await;
    let admin = app.signed_in().await;
    assert!(!admin.get("/admin/people/person?user=testuser1").await.says(en().admin_people_forget_factors()), "there are none");
    assert!(admin.get("/admin/people/person?user=ann").await.says(en().admin_people_forget_factors()));
    let question = admin.get("/admin/people/change?user=ann&change=forget-factors").await;
    assert!(question.says(en().admin_people_forget_factors_question("ann")), "{}", question.words());
    admin.post("/api/admin/people/change", &[("user", "ann"), ("change", "forget-factors")]).await;
    assert_eq!(own.get("/keys").await.path, "/sign-in", "a stolen session ends");
    assert_eq!(app.browser().sign_in("test", "ann", PASSWORD).await.path, "/", "{}", recovery[0]);
    assert_eq!(app.number("SELECT (SELECT count(*) FROM totp) + (SELECT count(*) FROM recovery_codes)").await, 0);
    assert_eq!(app.texts("SELECT admin_id FROM activity WHERE kind = 'second_factor_removed' AND user_id = 'ann'").await, ["person:testuser1"]);
    let page = admin.post("/api/admin/people/change", &[("user", "ann"), ("change", "forget-factors")]).await;
    assert!(!page.problem().is_empty(), "they have none any more");
}

#[tokio::test]
async fn each_pending_sign_in_returns_to_its_page() {
    let app = TestApp::start().await;
    let (_, ann, _) = with_app(&app).await;
    let browser = app.browser();
    let (first, second) = (pending_sign_in_of(&browser, "ann", "/keys").await, pending_sign_in_of(&browser, "ann", "/hosts").await);
    let wrong = submit_code_in(&browser, &first, "000000").await;
    assert!(wrong.problem().starts_with(&en().second_factor_wrong()) && wrong.field("then") == "/keys", "{}", wrong.words());
    assert_eq!(submit_code_in(&browser, &second, &ann.code(&app)).await.path, "/hosts");
    assert_eq!(browser.get(&first.address).await.path, "/keys", "who is signed in goes on");
    assert_eq!(submit_code_in(&browser, &first, &ann.code(&app)).await.path, "/keys");
    app.clock.advance(20 * MINUTE);
    assert_eq!(submit_code_in(&browser, &first, &ann.code(&app)).await.path, "/keys", "also when it is late");
    assert_eq!(app.count_audit_events("signed_in").await, 2, "once there, once here");
}

#[tokio::test]
async fn two_people_have_pending_sign_ins_in_one_browser() {
    let app = TestApp::start().await;
    let (_, ann, _) = with_app(&app).await;
    let (_, bob, _) = with_app_of(&app, "bob").await;
    let browser = app.browser();
    let (anns, bobs) = (pending_sign_in_of(&browser, "ann", "/keys").await, pending_sign_in_of(&browser, "bob", "/hosts").await);
    assert!(anns.says(en().second_factor_lead("ann")) && bobs.says(en().second_factor_lead("bob")));
    assert_eq!(submit_code_in(&browser, &anns, &bob.code(&app)).await.status, 422, "each by their own");
    assert_eq!(submit_code_in(&browser, &bobs, &bob.code(&app)).await.path, "/hosts");
    let page = submit_code_in(&browser, &anns, &ann.code(&app)).await;
    assert_eq!((page.status, page.path.as_str()), (422, "/sign-in"), "{}", page.words());
    assert!(page.problem().starts_with(&en().sign_in_gone()) && page.says(en().sign_in_signed_in("bob")), "{}", page.words());
    assert_eq!(page.field("then"), "/keys");
    assert!(browser.get("/").await.says(en().home_hello("bob")));
}

#[tokio::test]
async fn late_second_factor_keeps_return_to() {
    let app = TestApp::start().await;
    let (_, ann, _) = with_app(&app).await;
    let browser = app.browser();
    let tab = pending_sign_in_of(&browser, "ann", "/keys?q=a").await;
    app.clock.advance(15 * MINUTE);
    let page = submit_code_in(&browser, &tab, &ann.code(&app)).await;
    assert!(page.path == "/sign-in" && page.problem().starts_with(&en().second_factor_too_late()), "{}", page.words());
    assert_eq!(page.field("then"), "/keys?q=a");
    // Also without any state.
    for page in [submit_code_in(&app.browser(), &tab, "000000").await, app.browser().get(&tab.address).await] {
        assert_eq!((page.status, page.path.as_str(), page.field("then").as_str()), (422, "/sign-in", "/keys?q=a"), "{}", page.words());
    }
}

#[tokio::test]
async fn refused_second_factor_states_its_reason() {
    let app = TestApp::start().await;
    let (_, _, recovery) = with_app(&app).await;
    let browser = app.browser();
    let tab = pending_sign_in_of(&browser, "ann", "/keys").await;
    assert!(submit_code_in(&browser, &tab, "hello").await.problem().starts_with(&en().second_factor_no_code()));
    assert!(submit_code_in(&browser, &tab, "AAAA-AAAA-AAAA").await.problem().starts_with(&en().second_factor_wrong_recovery()));
    let passkey = [("attempt", tab.field("attempt")), ("passkey", "{}".to_owned()), ("ceremony", "tab_unknown".to_owned())];
    let passkey: Vec<(&str, &str)> = passkey.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let page = browser.post("/sign-in/second-factor/show", &passkey).await;
    assert!(page.path == "/sign-in/second-factor" && page.problem().starts_with(&en().second_factor_not_asked()), "{}", page.words());
    app.sql("DELETE FROM totp").await;
    app.sql(
        "INSERT INTO passkeys (tenant_id, user_id, credential_id, passkey, name, created_at) VALUES ('test', 'ann', unhex('01'), '{}', 'blue', 0)",
    )
    .await;
    let tab = pending_sign_in_of(&app.browser(), "ann", "/keys").await;
    assert!(!tab.says(en().second_factor_code()));
    assert!(
        submit_code_in(&browser, &pending_sign_in_of(&browser, "ann", "/keys").await, "123456")
            .await
            .problem()
            .starts_with(&en().second_factor_no_app())
    );
    assert_eq!(submit_code_in(&browser, &pending_sign_in_of(&browser, "ann", "/keys").await, &recovery[0]).await.path, "/keys");
}

#[tokio::test]
async fn each_tab_enrolls_the_app_it_showed() {
    let app = TestApp::start().await;
    app.add_person("test", "ann").await;
    let browser = app.signed_in_as("test", "ann", PASSWORD).await;
    let first = browser.get("/identities/app?then=/keys").await;
    app.clock.advance(MINUTE);
    browser.sign_in("test", "ann", PASSWORD).await;
    let second = browser.get("/identities/app?then=/hosts").await;
    let (firsts, seconds) = (App::scan(&first), App::scan(&second));
    assert_ne!(firsts.secret, seconds.secret);
    assert_eq!(App::scan(&browser.get(&first.address).await).secret, firsts.secret, "a reload changes nothing");
    let wrong = enroll_in(&browser, &first, &seconds.code(&app)).await;
    assert!(wrong.problem().starts_with(&en().factors_wrong_code()), "{}", wrong.words());
    assert_eq!(App::scan(&wrong).secret, firsts.secret);
    let page = enroll_in(&browser, &first, &firsts.code(&app)).await;
    assert!(page.path == "/identities/recovery" && page.says("href=\"/keys\""), "{}", page.words());
    let page = enroll_in(&browser, &second, &seconds.code(&app)).await;
    assert!(page.problem().starts_with(&en().factors_exists()), "{}", page.words());
}

#[tokio::test]
async fn expired_enrollment_is_explained_and_restarted() {
    let app = TestApp::start().await;
    app.add_person("test", "ann").await;
    let browser = app.signed_in_as("test", "ann", PASSWORD).await;
    app.clock.advance(10 * MINUTE);
    let tab = browser.get("/identities/app?then=/keys").await;
    let ann = App::scan(&tab);
    app.clock.advance(10 * MINUTE);
    assert_eq!(App::scan(&browser.get(&tab.address).await).secret, ann.secret, "begun in time, finished in time");
    app.clock.advance(5 * MINUTE);
    browser.sign_in("test", "ann", PASSWORD).await;
    for page in [enroll_in(&browser, &tab, &ann.code(&app)).await, browser.get(&tab.address).await] {
        assert!(page.path == "/identities/app" && page.problem().contains(&en().factors_app_ended()), "{}", page.words());
        assert!(App::scan(&page).secret != ann.secret && page.field("then") == "/keys");
    }
}

#[tokio::test]
async fn concurrent_tabs_keep_each_others_state() {
    let app = TestApp::start().await;
    let (browser, ann, _) = with_app(&app).await;
    let halves = app.browser();
    halves.enter("BB").await;
    let open = async |then: &'static str| pending_sign_in_of(&halves, "ann", then).await;
    let tabs = tokio::join!(open("/keys"), open("/hosts"), open("/apps"), open("/sessions"), open("/activity"));
    for (tab, then) in [(&tabs.0, "/keys"), (&tabs.1, "/hosts"), (&tabs.2, "/apps"), (&tabs.3, "/sessions"), (&tabs.4, "/activity")] {
        assert_eq!(halves.get(&tab.address).await.field("then"), then);
    }
    assert_eq!(submit_code_in(&halves, &tabs.2, &ann.code(&app)).await.path, "/apps");
    assert_eq!(browser.get("/identities").await.status, 200);
}

#[tokio::test]
async fn recovery_codes_are_downloadable_for_15_minutes() {
    let app = TestApp::start().await;
    let (browser, ann, _) = with_app(&app).await;
    let page = browser.post("/api/second-factors/recovery", &[]).await;
    let codes = codes(&page);
    let (_, link) = page.text.split_once("href=\"/identities/recovery.txt").expect("a link to the file");
    let file = format!("/identities/recovery.txt{}", link.split('"').next().expect("its end"));
    let get = async |browser: &Browser| browser.request(reqwest::Method::GET, &file).send().await.expect("an answer");
    let answer = get(&browser).await;
    let header = |name: &str| answer.headers()[name].to_str().expect("ASCII").to_owned();
    assert_eq!((header("content-type"), header("cache-control")), ("text/plain; charset=utf-8".into(), "no-store".into()));
    assert!(header("content-disposition").starts_with("attachment; filename="));
    let text = answer.text().await.expect("a text");
    assert!(codes.iter().all(|code| text.contains(code)) && text.contains(&app.base) && text.contains("ann"), "{text}");
    assert!(browser.get(&page.address).await.says(&codes[0]), "a reload shows them again");
    let (_, printed) = page.text.split_once("class=\"only-print\"").expect("what is printed");
    let printed = printed.split("</div>").next().expect("its end");
    assert!(printed.contains(&app.base) && printed.contains("<time datetime=") && printed.contains("ann at "), "{printed}");
    assert!(page.says("data-print"));

    let other = app.browser();
    let tab = pending_sign_in_of(&other, "ann", "/keys").await;
    submit_code_in(&other, &tab, &ann.code(&app)).await;
    assert_eq!(get(&other).await.status(), 303, "not in another session");
    assert_eq!(get(&app.browser()).await.headers()["location"], "/sign-in");
    app.clock.advance(15 * MINUTE);
    assert_eq!(get(&browser).await.headers()["location"], "/identities/recovery");
    assert!(!browser.get(&page.address).await.says(&codes[0]));
}

#[tokio::test]
async fn passkey_is_renamed_by_its_owner() {
    let app = TestApp::start().await;
    let (browser, _, _) = with_app(&app).await;
    app.sql("INSERT INTO passkeys VALUES (7, 'test', 'ann', unhex('01'), '{}', 'blue', 0, NULL, NULL)").await;
    assert!(browser.get("/identities").await.says("/identities/rename?factor=7"));
    let form = browser.get("/identities/rename?factor=7").await;
    assert_eq!((form.field("name").as_str(), form.field("factor").as_str()), ("blue", "7"));
    let rename = async |factor: &str, name: &str| browser.post("/api/second-factors/rename", &[("factor", factor), ("name", name)]).await;
    let page = rename("7", " green key ").await;
    assert!(page.path == "/identities" && page.says(en().factors_renamed()) && page.says("green key"), "{}", page.words());
    for (name, said) in [
        ("", en().name_refused_empty()),
        ("  ", en().name_refused_empty()),
        ("a\u{202e}b", en().name_refused_invisible()),
        (&"x".repeat(200), en().name_refused_too_long()),
    ] {
        let page = rename("7", name).await;
        assert_eq!((page.path.as_str(), page.problem()), ("/identities/rename", said), "{name:?}");
    }
    for nothing in ["8", "app", ""] {
        assert!(rename(nothing, "x").await.problem().starts_with(&en().factors_gone()), "{nothing}");
    }
    assert_eq!(app.texts("SELECT name FROM passkeys").await, ["green key"]);
    assert_eq!(app.count_audit_events("second_factor_renamed").await, 1);
    app.add_person("test", "bob").await;
    let bob = app.signed_in_as("test", "bob", PASSWORD).await;
    assert_eq!(bob.get("/identities/rename?factor=7").await.status, 404);
    assert!(!bob.post("/api/second-factors/rename", &[("factor", "7"), ("name", "mine")]).await.problem().is_empty());
}

#[tokio::test]
async fn password_change_accepts_a_second_factor() {
    const NEW: &str = "violet tractor seldom winter";
    let app = TestApp::start().await;
    let (browser, ann, _) = with_app(&app).await;
    let other = app.browser();
    let tab = pending_sign_in_of(&other, "ann", "/keys").await;
    app.clock.advance(14 * MINUTE);
    assert!(!browser.get("/identities/password").await.says("name=\"current_password\""), "one was shown just now");
    app.clock.advance(MINUTE);
    assert_eq!(browser.get("/identities/password").await.path, "/sign-in/second-factor");
    let form = [("new_password", NEW), ("repeated_password", NEW), ("current_password", PASSWORD)];
    assert_eq!(browser.post("/api/password/change", &form).await.path, "/sign-in/second-factor", "the password alone is not enough");
    let late = pending_sign_in_of(&other, "ann", "/keys").await;
    let again = [("again", "1"), ("then", "/identities/password"), ("code", &ann.code(&app))];
    assert_eq!(browser.post("/sign-in/second-factor/show", &again).await.path, "/identities/password");
    assert!(browser.post("/api/password/change", &[("new_password", NEW), ("repeated_password", NEW)]).await.says(en().password_changed()));
    app.clock.advance(STEP);
    for pending_sign_in in [&tab, &late] {
        assert_eq!(submit_code_in(&other, pending_sign_in, &ann.code(&app)).await.path, "/sign-in", "half sign-ins end as well");
    }
    assert_eq!(other.get("/keys").await.path, "/sign-in");
}

/// The attributes of the field with this id.
fn field_of<'a>(page: &'a Page, id: &str) -> &'a str {
    let tag = page.text.split("<input").find(|tag| tag.contains(&format!(" id=\"{id}\""))).unwrap_or_else(|| panic!("no {id}: {}", page.text));
    tag.split('>').next().expect("an end")
}

#[tokio::test]
async fn app_codes_have_a_numeric_field_and_recovery_codes_their_own() {
    let app = TestApp::start().await;
    let (_, ann, recovery) = with_app(&app).await;
    let browser = app.browser();
    let page = pending_sign_in(&browser).await;
    let digits = field_of(&page, "code");
    for attribute in ["inputmode=\"numeric\"", "pattern=\"[0-9 ]*\"", "autocomplete=\"one-time-code\"", "autofocus"] {
        assert!(digits.contains(attribute), "{attribute}: {digits}");
    }
    let letters = field_of(&page, "recovery-code");
    assert!(!letters.contains("inputmode") && !letters.contains("pattern") && !letters.contains("one-time-code"), "{letters}");
    assert!(!page.says("<details open"), "the recovery code is collapsed: {}", page.text);

    // A wrong recovery code is reported in its form, which is open then; a wrong app code is not.
    let attempt = page.field("attempt");
    let submit =
        async |code: &str, with: &str| browser.post("/sign-in/second-factor/show", &[("attempt", &*attempt), ("with", with), ("code", code)]).await;
    let page = submit("AAAA-AAAA-AAAA", "recovery").await;
    assert_eq!((page.status, page.problem()), (422, en().second_factor_wrong_recovery()));
    assert!(page.says("<details open") && field_of(&page, "recovery-code").contains("aria-invalid"), "{}", page.text);
    assert!(!field_of(&page, "code").contains("aria-invalid"));
    let page = submit("000000", "").await;
    assert!(!page.says("<details open") && field_of(&page, "code").contains("aria-invalid"), "{}", page.text);
    assert_eq!(submit(&recovery[0], "recovery").await.path, "/");
    assert_ne!(ann.code(&app), "");
}

#[tokio::test]
async fn another_account_can_be_used_instead_of_the_second_factor() {
    let app = TestApp::start().await;
    with_app(&app).await;
    app.change_tenant("test", |tenant| tenant.policy.help_contact = HelpContact::parse("help@tacc.example").ok()).await;
    let browser = app.browser();
    let page = pending_sign_in(&browser).await;
    assert!(page.says("href=\"mailto:help@tacc.example\""), "{}", page.text);
    assert!(page.says("href=\"/sign-in?another=1&amp;tenant=test\""), "{}", page.text);
    assert_eq!(browser.get("/sign-in?another=1&tenant=test").await.path, "/sign-in");
}
