//! The text of all pages in English: `copy/*.txt` has one file per path and one part per state, with variable parts masked. After
//! an intended change: `COPY=write cargo test … --test http copy`, and read the diff.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use tms_portal::domain::paths;

use crate::admin::deployment_administrator;
use crate::app::{PASSWORD, TestApp};
use crate::browser::{Browser, Page, read};
use crate::database::FAR;
use crate::guards::pages;
use crate::institution::Institution;
use crate::second_factors::{App, pending_sign_in_of};

/// Pages tested elsewhere: the API documentation is checked against `/spec`, and the account proposal needs a list of accounts
/// (tests/http/upstream_accounts.rs).
const ELSEWHERE: [&str; 2] = [paths::API_DOCS, paths::UPSTREAM_ACCOUNTS];

/// The texts of pages, by path.
#[derive(Default)]
struct Texts {
    /// Variable texts and their placeholders.
    masks: Vec<(String, &'static str)>,
    said: BTreeMap<String, String>,
}

impl Texts {
    /// Opens a page and records its text.
    async fn open(&mut self, browser: &Browser, address: &str) -> Page {
        let page = browser.get(address).await;
        assert_eq!(page.status, 200, "{address}: {}", page.words());
        assert_eq!(Some(page.path.as_str()), address.split('?').next(), "{address}: {}", page.words());
        self.note(address.split_once('?').map_or("", |(_, query)| query), &page);
        page
    }

    /// Records the text of a page in a named state.
    fn note(&mut self, state: &str, page: &Page) {
        let lines: Vec<String> = read(&without_times(&page.text)).iter().map(|line| self.masked(line)).collect();
        let text = format!("### {} {}\n{}\n\n{}\n\n", page.status, self.masked(state), self.masked(page.title()), lines.join("\n"));
        *self.said.entry(page.path.clone()).or_default() += &text;
    }

    fn masked(&self, line: &str) -> String {
        let line = self.masks.iter().fold(line.to_owned(), |line, (from, to)| line.replace(from, to));
        line.split(' ').map(masked_word).collect::<Vec<_>>().join(" ")
    }

    fn compare_with_snapshot(&self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/copy");
        let file = |path: &str| match path.trim_matches('/') {
            "" => folder.join("home.txt"),
            name => folder.join(format!("{}.txt", name.replace('/', "-"))),
        };
        if std::env::var_os("COPY").is_some_and(|what| what == "write") {
            std::fs::create_dir_all(&folder).expect("a folder");
            self.said.iter().for_each(|(path, said)| std::fs::write(file(path), said).expect("written"));
        }
        for (path, said) in &self.said {
            let file = file(path);
            let written = std::fs::read_to_string(&file).unwrap_or_default();
            let (written, said): (Vec<&str>, Vec<&str>) = (written.lines().collect(), said.lines().collect());
            for (number, line) in said.iter().enumerate() {
                assert_eq!(*line, written.get(number).copied().unwrap_or("(nothing)"), "{}, line {}", file.display(), number + 1);
            }
            assert_eq!(said.len(), written.len(), "{} has more than is said", file.display());
        }
        let mut known: Vec<PathBuf> = self.said.keys().map(|path| file(path)).collect();
        let mut there: Vec<PathBuf> = std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
        known.sort();
        there.sort();
        assert_eq!(there, known, "a file of no page");
    }
}

/// The HTML with constant words in each `<time>`.
fn without_times(html: &str) -> String {
    let mut parts = html.split("<time");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "<time>(time)</time>" + part.split_once("</time>").map_or("", |(_, after)| after))
}

/// Masks fingerprints, user codes and other long secrets; keeps the characters around them.
fn masked_word(word: &str) -> String {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || "-_+/=:".contains(c);
    let inside = word.trim_matches(|c: char| !is_inside(c)).trim_end_matches(':');
    let is_code = |text: &str| {
        let groups: Vec<&str> = text.split('-').collect();
        (2..=3).contains(&groups.len())
            && groups.iter().all(|group| group.len() == 4 && group.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()))
    };
    let mask = if inside.starts_with("SHA256:") {
        "SHA256:(fingerprint)"
    } else if is_code(inside) {
        "(code)"
    } else if inside.len() >= 24
        && inside.bytes().any(|b| b.is_ascii_digit())
        && inside.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_+=".contains(&b))
    {
        "(secret)"
    } else {
        return word.to_owned();
    };
    word.replace(inside, mask)
}

/// The part of `html` after `before`, up to the next quote.
fn after<'a>(html: &'a str, before: &str) -> &'a str {
    html.split(before).nth(1).and_then(|rest| rest.split(['"', '&']).next()).unwrap_or_else(|| panic!("no {before} in {html}"))
}

#[tokio::test]
async fn every_page_matches_its_snapshot() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    let mut texts = Texts::default();
    for address in [institution.url(), app.base.clone()] {
        let mask = if address == app.base { "<portal>" } else { "<provider>" };
        let host = address.strip_prefix("http://").expect("no TLS").to_owned();
        texts.masks.extend([(address, mask), (host, mask)]);
    }
    app.link_host("test", "testuser1", "frontera", FAR).await;
    app.link_host("test", "testuser1", "stampede", 1_795_175_999_999).await;
    app.client().make_key(json!({})).await;
    record_anonymous_pages(&app, &mut texts).await;
    record_device_pages(&app, &mut texts).await;
    record_person_pages(&app, &institution, &mut texts).await;
    record_second_factor_pages(&app, &mut texts).await;
    record_admin_pages(&app, &mut texts).await;
    for (state, page) in crate::authorize::pages_of_a_run(&app).await {
        texts.note(state, &page);
    }

    let missing: Vec<String> = pages().into_iter().filter(|page| !texts.said.contains_key(page) && !ELSEWHERE.contains(&page.as_str())).collect();
    assert_eq!(missing, Vec::<String>::new(), "pages of which nothing is written down");
    texts.compare_with_snapshot();
}

async fn record_anonymous_pages(app: &TestApp, texts: &mut Texts) {
    let browser = app.browser();
    for address in
        ["/", "/device", "/device/report", "/sign-in", "/sign-in?tenant=test", "/sign-in?then=/keys", "/signed-out", "/sign-out/confirm", "/settings"]
    {
        texts.open(&browser, address).await;
    }
    texts.note("refused", &browser.enter("").await);
    texts.note("refused", &browser.sign_in("test", "testuser1", "wrong").await);
    texts.note("", &browser.get("/nowhere").await);
}

async fn record_device_pages(app: &TestApp, texts: &mut Texts) {
    let browser = app.signed_in().await;
    let devices = [app.start_device().await, app.start_device().await, app.start_device().await];
    let mut consents = Vec::new();
    for device in &devices {
        consents.push(browser.enter(&device.user_code).await);
    }
    texts.note("asks", &consents[0]);
    texts.open(&browser, "/device").await;
    texts.open(&browser, "/").await;
    texts.note("allowed", &browser.allow(&consents[0]).await);
    app.poll(&devices[0]).await;
    texts.note("fetched", &browser.get(&format!("/device/result?grant={}", consents[0].field("grant"))).await);
    texts.note("denied", &browser.deny(&consents[1]).await);
    texts.note("nothing", &browser.get("/device/result").await);
    texts.note("taken back", &browser.post("/api/device/withdraw", &[("grant", &consents[0].field("grant"))]).await);
    browser.allow(&consents[2]).await;
}

async fn record_person_pages(app: &TestApp, institution: &Institution, texts: &mut Texts) {
    app.add_institution(institution, "open").await;
    let (browser, other) = (app.signed_in().await, app.signed_in().await);
    let link = "/sign-in/with/test/campus?link=1";
    texts.note("", &browser.upstream_login(institution, link, app.seconds(), &json!({})).await);
    texts.note("linked", &browser.post("/api/identities/link", &[]).await);
    for address in [
        "/",
        "/hosts",
        "/hosts/link",
        "/hosts/unlink?account=hac_frontera",
        "/keys",
        "/keys?q=nothing-like-that",
        "/keys/add",
        "/keys/revoke?key=1",
        "/keys/revoke-everything",
        "/sign-out/confirm",
        "/identities/password",
        "/identities/second-factor",
    ] {
        texts.open(&browser, address).await;
    }
    texts.note("none ticked", &browser.get("/keys/revoke").await);
    let apps = texts.open(&browser, "/apps").await;
    let number = after(&apps.text, "/apps/change?app=").to_owned();
    texts.open(&browser, &format!("/apps/change?app={number}")).await;
    texts.open(&browser, &format!("/apps/change?app={number}&end=1")).await;
    for address in ["/apps/application?client=testclient1", "/apps/revoke?client=testclient1", "/keys?by=host", "/keys/revoke?client=testclient1"] {
        texts.open(&browser, address).await;
    }
    let identities = texts.open(&browser, "/identities").await;
    texts.open(&browser, &format!("/identities/unlink?identity={}", after(&identities.text, "/identities/unlink?identity="))).await;
    let sessions = texts.open(&browser, "/sessions").await;
    let name = after(&sessions.text, "/sessions/end?session=").to_owned();
    texts.masks.push((name.clone(), "<name>"));
    texts.open(&browser, &format!("/sessions/end?session={name}")).await;
    texts.open(&browser, "/activity").await;
    texts.open(&browser, "/activity?q=nothing-like-that").await;
    texts.note("ended", &other.post("/api/sessions/end-others", &[]).await);
}

async fn record_second_factor_pages(app: &TestApp, texts: &mut Texts) {
    app.add_person("test", "ann").await;
    let browser = app.signed_in_as("test", "ann", PASSWORD).await;
    for address in ["/", "/hosts", "/keys", "/keys/add", "/apps", "/activity", "/identities"] {
        texts.open(&browser, address).await;
    }
    texts.note("without a name", &browser.get("/identities/passkey").await);
    let set_up = browser.get("/identities/app").await;
    let ann = App::scan(&set_up);
    texts.masks.push((after(&set_up.text, "data-copy=\"").to_owned(), "(secret)"));
    texts.note("", &set_up);
    let codes = browser.post("/api/second-factors/app", &[("code", &ann.code(app))]).await;
    texts.note("once", &codes);
    app.sql("INSERT INTO passkeys VALUES (7, 'test', 'ann', unhex('01'), '{}', 'blue', 0, NULL, NULL)").await;
    for address in
        ["/identities", "/identities/recovery/new", "/identities/remove?factor=app", "/identities/remove?factor=7", "/identities/rename?factor=7"]
    {
        texts.open(&browser, address).await;
    }
    texts.note("shown already", &browser.get("/identities/recovery").await);
    texts.note("", &pending_sign_in_of(&app.browser(), "ann", "/keys").await);
}

async fn record_admin_pages(app: &TestApp, texts: &mut Texts) {
    app.add_person("test", "eve").await;
    let browser = app.signed_in().await;
    texts.note("added", &browser.post("/api/admin/hosts/add", &[("host", "vista"), ("address", "192.0.2.7")]).await);
    let data = [("resource", "https://data.example.org"), ("name", "Data"), ("scopes", "read=Read your files|Leer sus archivos"), ("clients", "*")];
    texts.note("registered", &browser.post("/api/admin/resources/add", &data).await);
    for address in [
        "/admin",
        "/admin/clients",
        "/admin/clients/add",
        "/admin/clients/client?client=testclient1",
        "/admin/clients/delete?client=testclient1",
        "/admin/hosts",
        "/admin/hosts/add",
        "/admin/hosts/host?host=testhost1",
        "/admin/hosts/remove?host=vista&address=192.0.2.7",
        "/admin/providers",
        "/admin/providers/add",
        "/admin/providers/provider?provider=campus",
        "/admin/providers/remove?provider=campus",
        "/admin/resources",
        "/admin/resources/add",
        "/admin/resources/resource?resource=https://data.example.org",
        "/admin/resources/remove?resource=https://data.example.org",
        "/admin/people",
        "/admin/people/add",
        "/admin/people/person?user=testuser1",
        "/admin/people/person?user=eve",
        "/admin/people/change?user=ann&change=forget-factors",
        "/admin/people/change?user=testuser1&change=close-mfa",
        "/admin/people/change?user=eve&change=end-sessions",
        "/admin/people/change?user=eve&change=disable",
        "/admin/people/change?user=eve&change=appoint",
        "/admin/people/change?user=eve&change=password",
        "/admin/people/change?user=testuser1&change=dismiss",
        "/admin/delegations",
        "/admin/delegations/add",
        "/admin/delegations/end?client=testclient1&user=testuser1",
        "/admin/keys",
        "/admin/keys/revoke?key=1",
        "/admin/activity",
        "/admin/policy",
    ] {
        texts.open(&browser, address).await;
    }
    let dora = deployment_administrator(app).await;
    for address in ["/admin/tenants", "/admin/tenants/change?tenant=test&change=off", "/admin/tenants/change?tenant=test&change=delete"] {
        texts.open(&dora, address).await;
    }
}
