//! A browser without JavaScript: keeps cookies, sends forms, follows redirects.

use std::sync::{Arc, Mutex};

use reqwest::Client;
use reqwest::cookie::{CookieStore, Jar};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION, ORIGIN, RETRY_AFTER};
use tms_portal::i18n::{Translations, fallback};

/// The English sentences: tests name a sentence by its key, so its wording can change without them.
pub fn en() -> Translations {
    fallback()
}

/// Whether `text` holds a sentence with any arguments: `sentence` returns it with a placeholder for each of them.
pub fn holds(text: &str, sentence: impl FnOnce(&str) -> String) -> bool {
    const ARGUMENT: &str = "\u{1}";
    let mut rest = text;
    sentence(ARGUMENT).split(ARGUMENT).all(|part| {
        let found = rest.split_once(part.trim());
        rest = found.map_or("", |(_, after)| after);
        found.is_some()
    })
}

pub struct Browser {
    http: Client,
    cookies: Arc<Jar>,
    /// The hidden account field of the last page's forms.
    account: Mutex<String>,
    /// The path of the last page.
    page: Mutex<String>,
    /// The portal's URL; changes when it is restarted.
    pub base: String,
}

/// A page after redirects.
pub struct Page {
    pub status: u16,
    /// Its path.
    pub path: String,
    /// Its path with the query.
    pub address: String,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
    /// The address of another site to which the last answer redirects; the browser has not gone there.
    pub left_for: Option<String>,
}

impl Page {
    pub fn says(&self, words: impl AsRef<str>) -> bool {
        self.text.contains(words.as_ref())
    }

    /// Whether the page says a sentence, with any arguments: see [`holds`].
    pub fn tells(&self, sentence: impl FnOnce(&str) -> String) -> bool {
        holds(&self.words(), sentence)
    }

    /// Whether the problem on the page is a sentence, with any arguments: see [`holds`].
    pub fn refuses(&self, sentence: impl FnOnce(&str) -> String) -> bool {
        holds(&self.problem(), sentence)
    }

    /// Its visible text: without tags and repeated spaces.
    pub fn words(&self) -> String {
        read(&self.text.replace("<wbr>", "")).join(" ")
    }

    pub fn title(&self) -> &str {
        let (_, title) = self.text.split_once("<title>").unwrap_or_default();
        title.split("</title>").next().unwrap_or_default()
    }

    /// Whether the title reports a refusal.
    pub fn has_error_title(&self) -> bool {
        holds(self.title(), |title| en().document_title_refused(title))
    }

    /// The refusal shown on the page; empty if there is none.
    pub fn problem(&self) -> String {
        let (_, problem) = self.text.split_once("role=\"alert\"").unwrap_or_default();
        let (_, problem) = problem.split_once('>').unwrap_or_default();
        unescaped(problem.split('<').next().unwrap_or_default())
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn retry_after(&self) -> Option<u64> {
        self.headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()
    }

    /// The fields of the first form with this `action`, with hidden, filled, checked and selected values.
    pub fn form(&self, action: &str) -> Vec<(String, String)> {
        let (_, form) = self.text.split_once(&format!("action=\"{action}\"")).unwrap_or_else(|| panic!("no form for {action} in {}", self.words()));
        let form = form.split("</form>").next().expect("an end");
        let attribute =
            |tag: &str, name: &str| Some(tag.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split('"').next())?.replace("&amp;", "&"));
        let (mut fields, mut select) = (Vec::new(), String::new());
        for tag in form.split('<').skip(1) {
            let head = tag.split('>').next().unwrap_or_default();
            let has = |name: &str| head.split_whitespace().any(|part| part == name || part == format!("{name}=\"\""));
            let value = attribute(tag, "value").unwrap_or_default();
            if tag.starts_with("select") {
                select = attribute(tag, "name").unwrap_or_default();
            } else if tag.starts_with("option") && has("selected") {
                fields.push((select.clone(), value));
            } else if tag.starts_with("textarea") {
                fields.push((attribute(tag, "name").unwrap_or_default(), tag.split_once('>').map(|(_, text)| unescaped(text)).unwrap_or_default()));
            } else if tag.starts_with("input")
                && (!["checkbox", "radio"].contains(&attribute(tag, "type").unwrap_or_default().as_str()) || has("checked"))
            {
                fields.push((attribute(tag, "name").unwrap_or_default(), value));
            }
        }
        fields
    }

    /// The value of the first field of that name.
    pub fn field(&self, name: &str) -> String {
        let tag =
            self.text.split('<').find(|tag| tag.contains(&format!("name=\"{name}\""))).unwrap_or_else(|| panic!("no field {name} in {}", self.text));
        let (_, value) = tag.split_once("value=\"").unwrap_or_default();
        value.split('"').next().unwrap_or_default().replace("&amp;", "&")
    }
}

impl Browser {
    pub fn new(base: &str) -> Self {
        Self::with_headers(base, HeaderMap::new())
    }

    /// A browser whose requests have `address` in the proxy's header.
    pub fn at(base: &str, address: &str) -> Self {
        Self::with_headers(base, [("x-forwarded-for".parse().expect("a name"), address.parse().expect("a value"))].into_iter().collect())
    }

    fn with_headers(base: &str, headers: HeaderMap) -> Self {
        let cookies = Arc::new(Jar::default());
        let http = Client::builder()
            .cookie_provider(Arc::clone(&cookies))
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self { http, cookies, account: Mutex::default(), page: Mutex::default(), base: base.to_owned() }
    }

    /// The cookies as one header; empty if there are none.
    pub fn cookie(&self) -> String {
        let cookies = self.cookies.cookies(&self.base.parse().expect("an address"));
        cookies.map(|cookies| cookies.to_str().expect("ASCII").to_owned()).unwrap_or_default()
    }

    /// Sets a cookie, as `name=value`.
    pub fn take_cookie(&self, cookie: &str) {
        self.cookies.add_cookie_str(cookie, &self.base.parse().expect("an address"));
    }

    pub async fn get(&self, path: &str) -> Page {
        self.follow(self.http.get(format!("{}{path}", self.base))).await
    }

    /// Submits a form and follows redirects.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Page {
        self.follow(self.post_once(path, form)).await
    }

    /// A form as a request that has not been sent; adds the account field of the last page if it has none.
    pub fn post_once(&self, path: &str, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let account = self.account.lock().expect("a lock").clone();
        let mut form = form.to_vec();
        let page = self.page.lock().expect("a lock").clone();
        for (field, value) in [("form_account", account.as_str()), ("form_page", page.as_str())] {
            if !form.iter().any(|(name, _)| *name == field) {
                form.push((field, value));
            }
        }
        self.http
            .post(format!("{}{path}", self.base))
            .header(ACCEPT, "text/html")
            .header(ORIGIN, &self.base)
            .header("sec-fetch-site", "same-origin")
            .form(&form)
    }

    /// Any request with this browser's cookies.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub async fn sign_in(&self, tenant: &str, user: &str, password: &str) -> Page {
        self.post("/sign-in/password", &[("tenant", tenant), ("user_name", user), ("password", password)]).await
    }

    /// Enters a code on `/device`.
    pub async fn enter(&self, code: &str) -> Page {
        self.post("/api/device/enter", &[("user_code", code)]).await
    }

    /// Approves the request on the page with the preselected choices and the required checkbox.
    pub async fn allow(&self, consent: &Page) -> Page {
        let mut form = vec![
            ("grant", consent.field("grant")),
            ("decision", "allow".into()),
            ("lifetime", consent.field("lifetime")),
            ("started_this", "yes".into()),
        ];
        // Without a permission of the TMS API there are none.
        if consent.text.contains("name=\"host_accounts[]\"") {
            form.push(("host_accounts[]", consent.field("host_accounts[]")));
        }
        self.post("/api/device/decide", &form.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>()).await
    }

    pub async fn deny(&self, consent: &Page) -> Page {
        self.post("/api/device/decide", &[("grant", &consent.field("grant")), ("decision", "deny")]).await
    }

    /// Enters a code on `/hosts/link`.
    pub async fn enter_link(&self, code: &str) -> Page {
        self.post("/api/links/enter", &[("user_code", code)]).await
    }

    /// Links the account on the page.
    pub async fn link(&self, question: &Page) -> Page {
        self.post("/api/links/answer", &[("request", &question.field("request")), ("answer", "link")]).await
    }

    /// Refuses the link ("Not me").
    pub async fn refuse_link(&self, question: &Page) -> Page {
        self.post("/api/links/answer", &[("request", &question.field("request")), ("answer", "refuse")]).await
    }

    /// Sends a request and follows redirects.
    pub async fn follow(&self, request: reqwest::RequestBuilder) -> Page {
        let page = self.follow_out(request).await;
        assert_eq!(page.left_for, None);
        page
    }

    /// Sends a request and follows redirects as far as another site.
    pub async fn follow_out(&self, request: reqwest::RequestBuilder) -> Page {
        let mut response = request.header(ACCEPT, "text/html").send().await.expect("an answer");
        let mut left_for = None;
        for _ in 0..5 {
            let Some(location) = response.headers().get(LOCATION) else { break };
            let location = location.to_str().expect("a path").to_owned();
            assert_eq!(response.status(), 303, "only 303 may follow a form");
            if !location.starts_with('/') || location.starts_with("//") {
                left_for = Some(location);
                break;
            }
            response = self.http.get(format!("{}{location}", self.base)).header(ACCEPT, "text/html").send().await.expect("an answer");
        }
        let (status, path, headers) = (response.status().as_u16(), response.url().path().to_owned(), response.headers().clone());
        // The draft's id is not part of the page's identity.
        let query: Vec<&str> =
            response.url().query().unwrap_or_default().split('&').filter(|part| !part.is_empty() && !part.starts_with("draft=")).collect();
        let address = if query.is_empty() { path.clone() } else { format!("{path}?{}", query.join("&")) };
        let html = headers.get(CONTENT_TYPE).is_some_and(|content| content.as_bytes().starts_with(b"text/html"));
        let text = response.text().await.expect("a body");
        assert!(html || status != 200, "{path} is not a page");
        if let Some((_, account)) = text.split_once("name=\"form_account\" value=\"") {
            *self.account.lock().expect("a lock") = account.split('"').next().unwrap_or_default().to_owned();
        }
        if let Some((_, page)) = text.split_once("name=\"form_page\" value=\"") {
            *self.page.lock().expect("a lock") = page.split('"').next().unwrap_or_default().replace("&amp;", "&");
        }
        Page { status, path, address, headers, text, left_for }
    }
}

/// Characters and their HTML escapes; `&` first, as the others contain it.
const ESCAPES: [(&str, &str); 4] = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;")];

fn unescaped(html: &str) -> String {
    ESCAPES.iter().rev().fold(html.to_owned(), |text, (plain, escaped)| text.replace(escaped, plain))
}

/// The lines of text in the main part of a page.
pub fn read(html: &str) -> Vec<String> {
    let body = html.split_once("<main").map_or(html, |(_, main)| main);
    let body = body.split_once("</main>").map_or(body, |(main, _)| main);
    let plain: String = body.split('<').filter_map(|tag| tag.split_once('>')).map(|(tag, text)| spaced(tag) + text).collect();
    unescaped(&plain).lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|line| !line.is_empty()).collect()
}

/// Inline tags stay in the line; all others begin a new one.
fn spaced(tag: &str) -> String {
    let inline = ["strong", "/strong", "!", "span", "/span", "a ", "/a", "code", "/code", "time", "/time"];
    if inline.iter().any(|name| tag.starts_with(name)) { String::new() } else { "\n".to_owned() }
}
