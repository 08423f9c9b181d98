//! The answer to an authorization request: the address to which the browser returns (RFC 6749 §4.1.2, RFC 9207).

use serde::{Deserialize, Serialize};

use super::problem::RequestProblem;
use crate::domain::paths::encode;
use crate::domain::redirect_uri::RedirectUri;

/// Where the answer goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerTarget {
    /// As the request named it, or the only registered one.
    pub redirect_uri: RedirectUri,
    /// Whether the request named it.
    pub named: bool,
    /// Returned as it was sent.
    pub state: Option<String>,
}

/// An error that a valid request is answered with (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationError {
    /// The person denied the request, or the client may have nothing of it any more.
    AccessDenied,
    /// `prompt=none`, and the person is not signed in, or not as demanded.
    LoginRequired,
    /// `prompt=none`, and no consent is in force.
    ConsentRequired,
    /// `prompt=none`, and the person would have to do something else.
    InteractionRequired,
    /// `prompt=none`, and the account is to be chosen.
    AccountSelectionRequired,
    /// What is wrong with the request.
    Problem(RequestProblem),
}

impl AuthorizationError {
    pub fn code(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::Problem(problem) => problem.code(),
        }
    }

    pub fn description(self) -> &'static str {
        match self {
            Self::AccessDenied => "The user or the authorization server denied the request.",
            Self::LoginRequired => "The user has to sign in.",
            Self::ConsentRequired => "The user has to consent.",
            Self::InteractionRequired => "The user has to answer a page.",
            Self::AccountSelectionRequired => "The user has to choose an account.",
            Self::Problem(problem) => problem.description(),
        }
    }
}

impl AnswerTarget {
    /// The address with a code.
    pub fn with_code(&self, code: &str, issuer: &str) -> String {
        self.with(&[("code", code)], issuer)
    }

    /// The address with an error.
    pub fn with_error(&self, error: AuthorizationError, issuer: &str) -> String {
        self.with(&[("error", error.code()), ("error_description", error.description())], issuer)
    }

    /// The registered query is kept, and the parameters are added to it (RFC 6749 §3.1.2).
    fn with(&self, parameters: &[(&str, &str)], issuer: &str) -> String {
        let state = self.state.as_deref().map(|state| ("state", state));
        let all = parameters.iter().copied().chain(state).chain([("iss", issuer)]);
        let added: Vec<String> = all.map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let separator = match self.redirect_uri.as_str().split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{}{separator}{}", self.redirect_uri, added.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://tms.example/t/test";

    fn target(redirect_uri: &str, state: Option<&str>) -> AnswerTarget {
        AnswerTarget { redirect_uri: RedirectUri::parse(redirect_uri).expect("a redirect URI"), named: true, state: state.map(str::to_owned) }
    }

    #[test]
    fn parameters_are_added_to_the_registered_query() {
        let iss = "iss=https%3A//tms.example/t/test";
        for (redirect_uri, expected) in [
            ("https://g.example/cb", format!("https://g.example/cb?code=c-_&{iss}")),
            ("https://g.example/cb?a=1", format!("https://g.example/cb?a=1&code=c-_&{iss}")),
            ("https://g.example/cb?", format!("https://g.example/cb?code=c-_&{iss}")),
            ("http://127.0.0.1:4242/", format!("http://127.0.0.1:4242/?code=c-_&{iss}")),
            ("org.example.app:/cb", format!("org.example.app:/cb?code=c-_&{iss}")),
        ] {
            assert_eq!(target(redirect_uri, None).with_code("c-_", ISSUER), expected);
        }
    }

    #[test]
    fn state_and_issuer_come_with_code_and_error() {
        let target = target("https://g.example/cb", Some("&\0\"<\u{e9} +"));
        let state = "state=%26%00%22%3C%C3%A9%20%2B";
        for address in [target.with_code("c", ISSUER), target.with_error(AuthorizationError::AccessDenied, ISSUER)] {
            assert!(address.contains(state) && address.ends_with("iss=https%3A//tms.example/t/test"), "{address}");
        }
        let error = target.with_error(AuthorizationError::Problem(RequestProblem::ResponseTypeUnsupported), ISSUER);
        assert!(error.contains("?error=unsupported_response_type&error_description=The%20only"), "{error}");
    }
}
