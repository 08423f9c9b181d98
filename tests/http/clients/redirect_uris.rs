//! What is registered is what a browser opens: the rules of `RedirectUri` compared with the parser of browsers (WHATWG URL).

use proptest::prelude::*;
use reqwest::Url;
use tms_portal::domain::redirect_uri::RedirectUri;

/// Parts that are written next to each other, in any order.
fn texts() -> impl Strategy<Value = String> {
    static PARTS: &[&str] = &[
        "https://",
        "http://",
        "HTTPS://",
        "org.example:/",
        "org.example://",
        "javascript:",
        "//",
        "/",
        "\\",
        "@",
        ":",
        ":443",
        ":8443",
        ":0",
        "?",
        "#",
        "&",
        "=",
        ".",
        "..",
        "%2e",
        "%2F",
        "%zz",
        "*",
        "[::1]",
        "[2001:db8::1]",
        "[::ffff:127.0.0.1]",
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "localhost",
        "gateway.example.org",
        "Gateway",
        "bücher.example",
        "a b",
        "\t",
        "callback",
        "code=1",
        "xn--bcher-kva.example",
    ];
    prop::collection::vec(prop::sample::select(PARTS), 1..8).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn registered_address_is_read_alike_by_browsers(text in prop_oneof![texts(), texts().prop_map(|rest| format!("https://{rest}")), texts().prop_map(|rest| format!("http://{rest}"))]) {
        let Ok(registered) = RedirectUri::parse(&text) else { return Ok(()) };
        let url = Url::parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert!(url.fragment().is_none() && url.username().is_empty() && url.password().is_none(), "{}", text);
        if let Some(host) = registered.host() {
            prop_assert_eq!(url.host_str(), Some(host), "{}", &text);
            prop_assert!(url.scheme() == "https" || ["127.0.0.1", "[::1]", "localhost"].contains(&host), "{}", text);
            // The path is not repaired.
            prop_assert!(url.path() == "/" || text.contains(url.path()), "{} {}", text, url.path());
        }
        prop_assert!(registered.matches(&text));
    }
}
