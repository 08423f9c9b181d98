//! User agents of browsers; unverified, and only displayed.

use woothee::parser::Parser;

const UNKNOWN: &str = "UNKNOWN";

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

    proptest! {
        #[test]
        fn no_user_agent_causes_a_panic(agent in ".*") {
            let _ = parts(&agent);
        }
    }
}
