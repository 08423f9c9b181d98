//! The authorization code (RFC 6749 §4.1.2): issued once for an answered request, redeemed once for tokens.
//!
//! ```text
//!              redeem
//!   Issued ─────────────► Redeemed
//! ```
//!
//! It ends unredeemed after 60 seconds, or with the fifth token request that does not match it.

use std::time::Duration;

use super::code_challenge::CodeChallenge;
use super::ids::{AuthorizationId, AuthorizationRequestId, ClientId, HostAccountId, SessionId, TenantId, TokenFamilyId, UserId};
use super::refused_request::RefusedRequestReason;
use super::resource_server::GrantedResource;
use super::scope::ScopeSet;
use super::step_up::AuthenticationTimes;
use super::time::Timestamp;

/// RFC 6749 §4.1.2 recommends at most ten minutes; clients redeem a code at once.
pub const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// The number of token requests that do not match the code with which it ends.
pub const MAX_WRONG_TRIES: u32 = 5;
/// A repetition within this time is the same client's, which sent its request twice.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(1);

/// Bound to all that the token request must match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationCode {
    pub tenant_id: TenantId,
    /// The request that it answers.
    pub request_id: AuthorizationRequestId,
    pub client_id: ClientId,
    /// What the request's answer was sent to.
    pub redirect_uri: String,
    /// Whether the request named it.
    pub redirect_uri_named: bool,
    pub challenge: Option<CodeChallenge>,
    /// For the ID token.
    pub nonce: Option<String>,
    pub person: UserId,
    /// The browser session in which the person answered.
    pub session: SessionId,
    /// When the person had authenticated in it.
    pub authenticated: AuthenticationTimes,
    pub authorization_id: AuthorizationId,
    /// Whether the authorization was made with this code. False: consent was in force.
    pub made_authorization: bool,
    /// What the tokens get.
    pub scope: ScopeSet,
    /// What they get at resource servers besides the TMS API.
    pub resources: Vec<GrantedResource>,
    /// The account whose name the client is told, if it has a host.
    pub username_account: Option<HostAccountId>,
    pub issued_at: Timestamp,
    pub wrong_tries: u32,
    pub state: AuthorizationCodeState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizationCodeState {
    Issued,
    Redeemed { at: Timestamp, family: TokenFamilyId },
}

/// What a token request has to match.
#[derive(Clone, Debug)]
pub struct CodeRedemption<'a> {
    pub client_id: &'a ClientId,
    pub redirect_uri: Option<&'a str>,
    /// The S256 challenge of the `code_verifier` that was sent.
    pub challenge: Option<CodeChallenge>,
}

/// What is to be done about a token request. All but the first are `invalid_grant` (RFC 6749 §5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedemptionOutcome {
    /// It gets tokens.
    Ready,
    /// It does not match the code, which can still be redeemed: counted as a wrong try.
    WrongTry(Mismatch),
    /// The code has ended, or does not match and was redeemed: nothing changes.
    Refused,
    /// It matches, and another one redeemed the code within the last second: nothing changes.
    Duplicate,
    /// It matches, and the code was redeemed before: what it gave ends (RFC 6749 §10.5).
    Replay,
}

/// Why a token request does not match its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    Client,
    RedirectUri,
    /// Missing although the request had a challenge.
    VerifierMissing,
    /// Sent although the request had none (RFC 9700 §2.1.1).
    VerifierUnexpected,
    VerifierWrong,
}

impl Mismatch {
    /// The reason, for the audit log.
    pub fn reason(self) -> RefusedRequestReason {
        match self {
            Self::Client => RefusedRequestReason::CodeClient,
            Self::RedirectUri => RefusedRequestReason::CodeRedirectUri,
            Self::VerifierMissing => RefusedRequestReason::VerifierMissing,
            Self::VerifierUnexpected => RefusedRequestReason::VerifierUnexpected,
            Self::VerifierWrong => RefusedRequestReason::VerifierWrong,
        }
    }
}

impl AuthorizationCode {
    pub fn expires_at(&self) -> Timestamp {
        self.issued_at + CODE_LIFETIME
    }

    /// Whether it can still be redeemed.
    pub fn is_redeemable(&self, now: Timestamp) -> bool {
        self.state == AuthorizationCodeState::Issued && self.issued_at.is_within(CODE_LIFETIME, now) && self.wrong_tries < MAX_WRONG_TRIES
    }

    /// Judges a token request that has this code.
    pub fn judge(&self, redemption: &CodeRedemption<'_>, now: Timestamp) -> RedemptionOutcome {
        match (self.mismatch(redemption), &self.state) {
            (None, AuthorizationCodeState::Issued) if self.is_redeemable(now) => RedemptionOutcome::Ready,
            (Some(mismatch), AuthorizationCodeState::Issued) if self.is_redeemable(now) => RedemptionOutcome::WrongTry(mismatch),
            (None, AuthorizationCodeState::Redeemed { at, .. }) if at.is_within(DUPLICATE_WINDOW, now) => RedemptionOutcome::Duplicate,
            (None, AuthorizationCodeState::Redeemed { .. }) => RedemptionOutcome::Replay,
            _ => RedemptionOutcome::Refused,
        }
    }

    /// Redeems it for a token family. `None` if it cannot be redeemed any more.
    pub fn redeem(mut self, family: TokenFamilyId, now: Timestamp) -> Option<Self> {
        if !self.is_redeemable(now) {
            return None;
        }
        self.state = AuthorizationCodeState::Redeemed { at: now, family };
        Some(self)
    }

    fn mismatch(&self, redemption: &CodeRedemption<'_>) -> Option<Mismatch> {
        if *redemption.client_id != self.client_id {
            return Some(Mismatch::Client);
        }
        match redemption.redirect_uri {
            Some(sent) if sent != self.redirect_uri => return Some(Mismatch::RedirectUri),
            // PKCE binds the code to the request as well (OAuth 2.1 §10.2).
            None if self.redirect_uri_named && self.challenge.is_none() => return Some(Mismatch::RedirectUri),
            _ => {}
        }
        match (&self.challenge, &redemption.challenge) {
            (None, None) => None,
            (Some(_), None) => Some(Mismatch::VerifierMissing),
            (None, Some(_)) => Some(Mismatch::VerifierUnexpected),
            (Some(challenge), Some(sent)) => (challenge != sent).then_some(Mismatch::VerifierWrong),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUED: Timestamp = Timestamp::from_millis(1_795_176_000_000);
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const URI: &str = "https://hub.example/cb";

    fn at(millis: u64) -> Timestamp {
        ISSUED + Duration::from_millis(millis)
    }

    fn challenge(text: &str) -> CodeChallenge {
        CodeChallenge::parse(text).expect("a challenge")
    }

    fn client(id: &str) -> ClientId {
        ClientId::parse(id).expect("a client id")
    }

    fn family() -> TokenFamilyId {
        TokenFamilyId::parse("fam_1").expect("an id")
    }

    fn issued() -> AuthorizationCode {
        AuthorizationCode {
            tenant_id: TenantId::parse("test").expect("a tenant id"),
            request_id: AuthorizationRequestId::parse("arq_1").expect("an id"),
            client_id: client("hub"),
            redirect_uri: URI.to_owned(),
            redirect_uri_named: true,
            challenge: Some(challenge(CHALLENGE)),
            nonce: None,
            person: UserId::parse("jdoe").expect("a user id"),
            session: SessionId::parse("ses_1").expect("an id"),
            authenticated: AuthenticationTimes::first_factor(ISSUED),
            authorization_id: AuthorizationId::parse("aut_1").expect("an id"),
            made_authorization: true,
            resources: Vec::new(),
            username_account: None,
            scope: ScopeSet::parse_known("hosts:read"),
            issued_at: ISSUED,
            wrong_tries: 0,
            state: AuthorizationCodeState::Issued,
        }
    }

    /// Judges a token request of a client with these parameters.
    fn judge(code: &AuthorizationCode, id: &str, redirect_uri: Option<&str>, sent: Option<&str>, now: Timestamp) -> RedemptionOutcome {
        code.judge(&CodeRedemption { client_id: &client(id), redirect_uri, challenge: sent.map(challenge) }, now)
    }

    #[test]
    fn code_is_redeemed_once_within_a_minute() {
        let right = |code: &AuthorizationCode, now| judge(code, "hub", Some(URI), Some(CHALLENGE), now);
        assert_eq!(right(&issued(), at(59_999)), RedemptionOutcome::Ready);
        assert_eq!(right(&issued(), at(60_000)), RedemptionOutcome::Refused);
        assert_eq!(right(&issued(), ISSUED - Duration::from_secs(86_400)), RedemptionOutcome::Refused, "the clock was set back");
        let redeemed = issued().redeem(family(), at(10)).expect("redeemed");
        assert!(redeemed.clone().redeem(family(), at(20)).is_none() && issued().redeem(family(), at(60_000)).is_none());
        assert_eq!(right(&redeemed, at(1_009)), RedemptionOutcome::Duplicate);
        assert_eq!(right(&redeemed, at(1_010)), RedemptionOutcome::Replay);
        assert_eq!(right(&redeemed, at(600_000)), RedemptionOutcome::Replay, "also after the code has expired");
    }

    #[test]
    fn request_that_does_not_match_leaves_the_code() {
        let other = &CHALLENGE.replace('9', "8");
        for (id, redirect_uri, sent, mismatch) in [
            ("eve", Some(URI), Some(CHALLENGE), Mismatch::Client),
            ("hub", Some("https://hub.example/CB"), Some(CHALLENGE), Mismatch::RedirectUri),
            ("hub", Some(URI), None, Mismatch::VerifierMissing),
            ("hub", Some(URI), Some(other), Mismatch::VerifierWrong),
        ] {
            assert_eq!(judge(&issued(), id, redirect_uri, sent, at(1)), RedemptionOutcome::WrongTry(mismatch));
            let redeemed = issued().redeem(family(), at(10)).expect("redeemed");
            assert_eq!(judge(&redeemed, id, redirect_uri, sent, at(5_000)), RedemptionOutcome::Refused, "no replay");
        }
        assert_eq!(judge(&issued(), "hub", None, Some(CHALLENGE), at(1)), RedemptionOutcome::Ready, "PKCE binds it");
        let fourth = AuthorizationCode { wrong_tries: 4, ..issued() };
        assert_eq!(judge(&fourth, "hub", Some(URI), Some(CHALLENGE), at(1)), RedemptionOutcome::Ready);
        let fifth = AuthorizationCode { wrong_tries: 5, ..issued() };
        assert_eq!(judge(&fifth, "hub", Some(URI), Some(CHALLENGE), at(1)), RedemptionOutcome::Refused);
    }

    #[test]
    fn code_without_pkce_takes_no_verifier_and_needs_the_redirect_uri() {
        let code = AuthorizationCode { challenge: None, ..issued() };
        assert_eq!(judge(&code, "hub", Some(URI), None, at(1)), RedemptionOutcome::Ready);
        assert_eq!(judge(&code, "hub", Some(URI), Some(CHALLENGE), at(1)), RedemptionOutcome::WrongTry(Mismatch::VerifierUnexpected));
        assert_eq!(judge(&code, "hub", None, None, at(1)), RedemptionOutcome::WrongTry(Mismatch::RedirectUri));
        let unnamed = AuthorizationCode { redirect_uri_named: false, ..code };
        assert_eq!(judge(&unnamed, "hub", None, None, at(1)), RedemptionOutcome::Ready);
        assert_eq!(judge(&unnamed, "hub", Some("https://other.example"), None, at(1)), RedemptionOutcome::WrongTry(Mismatch::RedirectUri));
    }
}
