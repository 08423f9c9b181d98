//! Which URLs a provider may have.

use ::url::{SyntaxViolation, Url};

use crate::domain::loopback::is_loopback;
use crate::server::providers::error::ProviderError;

/// Checks the base URL of endpoints, as a person wrote it: normalized and without query.
pub fn check_base_url(address: &str) -> Result<(), ProviderError> {
    check_url(address, true)?;
    let violation = std::cell::Cell::new(None);
    let note = |found| violation.set(Some(found));
    let url = Url::options().syntax_violation_callback(Some(&note)).parse(address);
    let misspelt = violation.get().map(|violation: SyntaxViolation| violation.description());
    let query = url.is_ok_and(|url| url.query().is_some()).then_some("the URL has a query");
    match misspelt.or(query) {
        Some(why) => Err(ProviderError::Misconfigured(format!("{address}: {why}"))),
        None => Ok(()),
    }
}

/// Requires TLS, or loopback if the provider is on this machine, because secrets and keys are sent.
pub fn check_url(address: &str, local: bool) -> Result<(), ProviderError> {
    let url = Url::parse(address).map_err(|error| ProviderError::Misconfigured(format!("{address}: {error}")))?;
    // The URL appears in logs and on pages; and a fragment is not sent (RFC 6749 §3.1).
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(ProviderError::Misconfigured("a URL contains a user name, a password or a fragment".into()));
    }
    let here = url.host_str().is_some_and(is_loopback);
    match url.scheme() {
        "https" => Ok(()),
        "http" if here && local => Ok(()),
        _ => Err(ProviderError::Misconfigured(format!("{address} is not https"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_require_tls_or_loopback() {
        for good in [
            "https://idp.example/realms/x",
            "http://127.0.0.1:8080",
            "http://localhost/x",
            "http://localhost.:8080",
            "http://idp.localhost",
            "http://[::1]:1",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert_eq!(check_url(good, true), Ok(()), "{good}");
        }
        assert!(check_url("http://127.0.0.1:1", false).is_err(), "not what a provider elsewhere names");
        for bad in [
            "http://idp.example",
            "http://localhost.example",
            "ftp://127.0.0.1",
            "idp.example",
            "",
            "javascript:alert(1)",
            "http://127.0.0.1.evil.example",
        ] {
            assert!(check_url(bad, true).is_err(), "{bad}");
        }
        for bad in ["https://u:p@idp.example", "https://u@idp.example/x", "https://idp.example/#x", "https://idp.example:abc", "https://[::1"] {
            assert!(check_url(bad, true).is_err() && check_base_url(bad).is_err(), "{bad}");
        }
        for bad in ["https:\\\\idp.example", "https:/idp.example", "https://idp.example\\x", " https://idp.example", "https://idp.example?x"] {
            assert!(check_base_url(bad).is_err(), "{bad}");
        }
        assert_eq!(check_base_url("https://idp.example:8443/realms/x"), Ok(()));
    }
}
