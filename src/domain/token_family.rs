//! Token families: one sign-in of one program under an authorization, and all tokens that it gets.
//!
//! ```text
//!                 refresh                   end
//!   Live(n) ─────────────────► Live(n + 1) ─────────► Ended(reason)
//! ```
//!
//! A family ends with its authorization or before it. Its refresh tokens are numbered by the generation; none is stored.

mod rotation;

use super::authorization::{AlreadyEnded, EndState, RequestSource, TokenUse};
use super::ids::{AuthorizationId, ClientId, HostAccountId, SessionId, TenantId, TokenFamilyId};
use super::resource_server::GrantedResource;
use super::scope::ScopeSet;
use super::step_up::AuthenticationTimes;
use super::stored_words::stored_words;
use super::time::Timestamp;

pub use rotation::{GRACE_PERIOD, MAX_RETRIES, Presented, UNSEEN_PERIOD};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFamily {
    pub tenant_id: TenantId,
    pub id: TokenFamilyId,
    pub authorization_id: AuthorizationId,
    pub client_id: ClientId,
    /// The scope of its tokens: a part of the authorization's.
    pub scope: ScopeSet,
    /// Access to other resource servers, a part of the authorization's.
    pub resources: Vec<GrantedResource>,
    /// Random; without it, the key with which refresh tokens are computed makes none of this family.
    pub salt: [u8; SALT_BYTES],
    /// The number of the current refresh token; counted from 0 and never lowered.
    pub generation: u32,
    /// When the current refresh token was first sent, or last sent again after the grace period.
    pub rotated_at: Timestamp,
    /// Whether the current refresh token, or an access token issued with it, was presented.
    pub successor_seen: bool,
    /// How often the current refresh token was sent again since `rotated_at`.
    pub retries: u32,
    /// Whether it outlives the browser session in which it began (`offline_access`); always for the device flow.
    pub offline: bool,
    /// The browser session in which it began, and with which it ends unless it is offline. `None`: device flow.
    pub session: Option<SessionId>,
    /// When the person had authenticated in that session. `None`: device flow.
    pub authenticated: Option<AuthenticationTimes>,
    /// The account whose name the client is told, if it has a host and the person selected one.
    pub username_account: Option<HostAccountId>,
    pub begun: RequestSource,
    /// The last refresh; `None`: not refreshed yet.
    pub refreshed: Option<TokenUse>,
    /// When it ends unless it is refreshed before; its authorization may end earlier. `None`: it has no refresh token.
    pub idle_until: Option<Timestamp>,
    pub state: TokenFamilyState,
}

/// Length of a family's salt.
pub const SALT_BYTES: usize = 32;

pub type TokenFamilyState = EndState<FamilyEnd>;

/// Why a token family ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyEnd {
    /// Its authorization ended.
    Authorization,
    /// Its client revoked one of its tokens (RFC 7009).
    Client,
    /// The person ended this sign-in of the program.
    Person,
    /// An administrator ended this sign-in of the program.
    Administrator,
    /// The browser session of a family that is not offline ended.
    SignedOut,
    /// A refresh token was used again after its successor (RFC 9700 §4.14.2).
    TokenReuse,
    /// The code that it was issued for was redeemed again (RFC 6749 §10.5).
    CodeReplay,
}

impl TokenFamily {
    /// Whether it has not ended. Its authorization is to be checked as well.
    pub fn is_live(&self) -> bool {
        self.state == TokenFamilyState::Live
    }

    /// Whether it has not ended, and was refreshed in time. Its authorization is to be checked as well.
    pub fn lasts(&self, now: Timestamp) -> bool {
        self.is_live() && self.idle_until.is_none_or(|until| now < until)
    }

    /// Ends it for good. Refused if it had ended before.
    pub fn end(self, reason: FamilyEnd, now: Timestamp) -> Result<Self, AlreadyEnded> {
        Ok(Self { state: self.state.end(reason, now)?, ..self })
    }
}

stored_words!(FamilyEnd {
    Authorization = "authorization",
    Client = "client",
    Person = "person",
    Administrator = "administrator",
    SignedOut = "signed_out",
    TokenReuse = "token_reuse",
    CodeReplay = "code_replay",
});
