//! What a browser says it is, in words. Unverified, and only ever shown as such.

use woothee::parser::Parser;

const UNKNOWN: &str = "UNKNOWN";

/// `Chrome on Linux`; `Unknown browser` when it cannot be told.
pub fn in_words(agent: &str) -> String {
    let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty() && text != UNKNOWN);
    let parsed = Parser::new().parse(agent);
    let browser = parsed.as_ref().and_then(|parsed| known(parsed.name));
    let system = parsed.as_ref().and_then(|parsed| known(parsed.os));
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "Unknown browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn browsers_are_named_as_people_know_them() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
        assert_eq!(in_words(firefox), "Firefox on Linux");
        assert_eq!(in_words(""), "Unknown browser");
    }

    proptest! {
        #[test]
        fn no_agent_makes_it_panic(agent in ".*") {
            let _ = in_words(&agent);
        }
    }
}
