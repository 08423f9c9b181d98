//! User agents of browsers and programs; unverified, and only displayed.

use std::net::IpAddr;

use woothee::parser::Parser;

const UNKNOWN: &str = "UNKNOWN";
/// Longer names of programs are truncated.
const MAX_PROGRAM_LENGTH: usize = 80;

/// Maximum length of a stored user agent of a request, which is shown on the consent page.
const MAX_STORED_CHARS: usize = 200;

/// The user agent of a request, as it is stored.
pub fn stored(agent: &str) -> String {
    agent.chars().filter(|c| !c.is_control()).take(MAX_STORED_CHARS).collect()
}

/// A program and its address, as far as they are known: `tms 0.4.0 (laptop; Linux), 192.0.2.1`.
pub fn program_at(agent: &str, from: Option<IpAddr>) -> Option<String> {
    let parts: Vec<String> = program(agent).into_iter().chain(from.map(|from| from.to_string())).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The name of a program that is no browser: the first product of its user agent with version and comment (RFC 9110 §10.1.5), as
/// `tms 0.4.0 (laptop; Linux)`. `None` for browsers, and for an empty user agent.
pub fn program(agent: &str) -> Option<String> {
    let agent = agent.trim();
    let (product, rest) = agent.split_once(' ').unwrap_or((agent, ""));
    let (name, version) = product.split_once('/').unwrap_or((product, ""));
    if name.is_empty() || name == "Mozilla" {
        return None;
    }
    let comment = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map(|(comment, _)| format!("({comment})")).unwrap_or_default();
    let parts: Vec<&str> = [name, version, &comment].into_iter().filter(|part| !part.is_empty()).collect();
    Some(parts.join(" ").chars().take(MAX_PROGRAM_LENGTH).collect())
}

/// The names of browser and operating system, as far as recognized: `Chrome`, `Linux`.
pub fn parts(agent: &str) -> (Option<String>, Option<String>) {
    let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty() && text != UNKNOWN);
    let parsed = Parser::new().parse(agent);
    (parsed.as_ref().and_then(|parsed| known(parsed.name)), parsed.as_ref().and_then(|parsed| known(parsed.os)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn browsers_have_their_usual_names() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
        assert_eq!(parts(firefox), (Some("Firefox".into()), Some("Linux".into())));
        assert_eq!(parts(""), (None, None));
    }

    #[test]
    fn programs_are_named_by_their_first_product() {
        for (agent, named) in [
            ("tms/0.4.0 (laptop; Linux)", Some("tms 0.4.0 (laptop; Linux)")),
            ("python-requests/2.31.0", Some("python-requests 2.31.0")),
            ("Go-http-client/1.1 x/2", Some("Go-http-client 1.1")),
            ("notebook", Some("notebook")),
            ("git/2.4 (unclosed", Some("git 2.4")),
            ("  ", None),
            ("/1.0", None),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", None),
        ] {
            assert_eq!(program(agent).as_deref(), named, "{agent}");
        }
        assert_eq!(program(&"x".repeat(500)).map(|name| name.len()), Some(MAX_PROGRAM_LENGTH));
    }

    proptest! {
        #[test]
        fn no_user_agent_causes_a_panic(agent in ".*") {
            let _ = (parts(&agent), program(&agent));
        }
    }
}
