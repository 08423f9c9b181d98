//! Renewal of a sign-in's tokens with its refresh token (RFC 6749 §6), by one `tms` at a time.
//!
//! The server issues a new refresh token each time, and takes the use of an old one for theft, unless its successor was never used. So
//! new tokens are on disk before they are used, and nothing is requested that could not be stored.

use std::fs::File;
use std::time::Duration;

use oauth2::basic::{BasicErrorResponse, BasicErrorResponseType};
use oauth2::{AccessToken, HttpRequest, HttpResponse, RefreshToken};
use thiserror::Error;
use tokio::time::timeout;

use super::credentials::Credentials;
use super::credentials_file::CredentialsError;
use super::error_code::ErrorCode;
use super::http::{TransportError, TransportErrorKind};
use super::oauth_client::{granted_scope, oauth_client, refusal, request_error, tokens};
use super::output::Output;
use super::server_api::{ApiError, ServerApi};
use super::state_dir;
use super::target::Target;
use super::time_format::{format_validity, now};
use super::tokens::Tokens;
use crate::domain::paths;
use crate::domain::time::{CLOCK_TOLERANCE, Timestamp};

/// Not the lock of the credentials file, which is held while that is written, also by earlier versions of `tms`.
const LOCK_FILE: &str = "refresh.lock";
/// Longer than a renewal takes: then the process with the lock is stopped, or a file server has lost it.
const MAX_LOCK_WAIT: Duration = Duration::from_secs(90);

/// Why the tokens were not renewed.
#[derive(Debug, Error)]
pub enum RefreshError {
    #[error("you allowed access to {target} {}, and that time has passed: run `tms login` to allow it again", end(.until))]
    AccessEnded { target: Target, until: Timestamp },
    #[error("your sign-in to {target} was valid {} unless used before, and has expired: run `tms login`", end(.until))]
    Unused { target: Target, until: Timestamp },
    #[error(
        "your sign-in to {target} was ended elsewhere: in the portal, by an administrator, or because a copy of it was used. {}{} in any browser shows what happened; `tms login` signs in again",
        .target.server, paths::ACTIVITY
    )]
    EndedElsewhere { target: Target },
    #[error("you are not signed in to {0}: run `tms login`")]
    SignedOut(Target),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl RefreshError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::AccessEnded { .. } | Self::Unused { .. } | Self::SignedOut(_) => ErrorCode::NotSignedIn,
            Self::EndedElsewhere { .. } => ErrorCode::SignInEnded,
            Self::Credentials(_) => ErrorCode::Credentials,
            Self::Api(error) => error.code(),
        }
    }

    /// `invalid_grant` says that the refresh token is not valid, and not why.
    fn invalid_grant(target: &Target, presented: &Tokens, now: Timestamp) -> Self {
        let has_passed = |end: Option<Timestamp>| end.filter(|end| *end <= now + CLOCK_TOLERANCE);
        let target = target.clone();
        match (has_passed(presented.access_until), has_passed(presented.refresh_expires_at)) {
            (Some(until), _) => Self::AccessEnded { target, until },
            (None, Some(until)) => Self::Unused { target, until },
            (None, None) => Self::EndedElsewhere { target },
        }
    }
}

fn end(time: &Timestamp) -> String {
    format_validity(Some(*time))
}

/// The right to renew or revoke the stored sign-ins; ends when dropped.
pub struct RenewalLock {
    /// `None` on file systems without locks: then the server answers processes that present the same refresh token alike.
    _file: Option<File>,
}

impl RenewalLock {
    /// Waits for another `tms` that renews or revokes a sign-in.
    pub async fn acquire() -> Self {
        // On a separate thread, so that Ctrl-C still works.
        let locked = tokio::task::spawn_blocking(|| state_dir::lock_file(&state_dir::directory().ok()?, LOCK_FILE).ok());
        Self { _file: timeout(MAX_LOCK_WAIT, locked).await.ok().and_then(Result::ok).flatten() }
    }

    /// Renews the tokens of the sign-in to `server` and returns the stored ones.
    pub async fn renew(&self, server: &ServerApi, credentials: &mut Credentials, output: &Output) -> Result<Tokens, RefreshError> {
        let presented = stored(credentials, &server.target)?;
        let Some(refresh_token) = &presented.refresh_token else { return Err(ApiError::SignInExpired(server.target.clone()).into()) };
        // With a full disk or quota, the server must not replace the refresh token.
        let space = credentials.reserve_space()?;
        match request(server, refresh_token).await {
            Ok((response, scope)) => {
                drop(space);
                // No await between the response and this line: Ctrl-C cannot lose the tokens.
                credentials.renew(&server.target, refresh_token, response, scope)?;
                stored(credentials, &server.target)
            }
            // Without locks, another process may have been faster.
            Err(RenewalRefused::InvalidGrant) => match stored(&Credentials::load(output)?, &server.target)? {
                newer if newer.refresh_token.as_ref().map(RefreshToken::secret) != Some(refresh_token.secret()) => Ok(newer),
                _ => Err(RefreshError::invalid_grant(&server.target, &presented, now())),
            },
            Err(RenewalRefused::Api(error)) => Err(error.into()),
        }
    }
}

/// Renews the tokens of the sign-in to `server`, unless another process has replaced `stale` already. Returns the stored ones.
pub async fn renew(server: &ServerApi, stale: &AccessToken, output: &Output) -> Result<Tokens, RefreshError> {
    let lock = RenewalLock::acquire().await;
    let mut credentials = Credentials::load(output)?;
    let stored = stored(&credentials, &server.target)?;
    let is_replaced = stored.access_token.secret() != stale.secret();
    if is_replaced && !stored.need_renewal(Duration::ZERO, now()) {
        return Ok(stored);
    }
    lock.renew(server, &mut credentials, output).await
}

fn stored(credentials: &Credentials, target: &Target) -> Result<Tokens, RefreshError> {
    let sign_in = credentials.find(target).ok_or_else(|| RefreshError::SignedOut(target.clone()))?;
    Ok(sign_in.tokens.clone())
}

enum RenewalRefused {
    InvalidGrant,
    Api(ApiError),
}

impl From<ApiError> for RenewalRefused {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

/// Returns the new tokens, and the scope if the response has one.
async fn request(server: &ServerApi, refresh_token: &RefreshToken) -> Result<(Tokens, Option<String>), RenewalRefused> {
    let metadata = server.metadata().await?;
    let send = |request| send(server, request);
    let client = oauth_client(&metadata);
    let response = client.exchange_refresh_token(refresh_token).request_async(&send).await;
    let response = response.map_err(|error| request_error(server, error, refused))?;
    Ok((tokens(server, &response, now())?, granted_scope(&response)))
}

/// Once more if there is no response: the server may have replaced the refresh token. It answers a repetition with the same tokens, but not
/// after a day.
async fn send(server: &ServerApi, request: HttpRequest) -> Result<HttpResponse, TransportError> {
    match server.http.send_oauth(request.clone()).await {
        Err(why) if !matches!(why.kind, TransportErrorKind::Busy { .. }) => server.http.send_oauth(request).await,
        answer => answer,
    }
}

fn refused(server: &ServerApi, error: BasicErrorResponse) -> RenewalRefused {
    match error.error() {
        BasicErrorResponseType::InvalidGrant => RenewalRefused::InvalidGrant,
        _ => refusal(server, &error).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::target::TargetArgs;

    #[test]
    fn invalid_grant_is_explained_by_the_dates() {
        let args = TargetArgs { server: Some("https://a.example".to_owned()), ..TargetArgs::default() };
        let target = Target::resolve(&args, None).unwrap();
        let at = |minutes: i64| Some(Timestamp::from_millis(minutes * 60_000));
        let refused = |access_until, refresh_expires_at| {
            let access_token = AccessToken::new("a".to_owned());
            let presented = Tokens { access_token, expires_at: None, refresh_token: None, refresh_expires_at, access_until };
            RefreshError::invalid_grant(&target, &presented, at(100).unwrap())
        };
        assert!(matches!(refused(at(90), at(80)), RefreshError::AccessEnded { until, .. } if Some(until) == at(90)));
        assert!(matches!(refused(at(101), None), RefreshError::AccessEnded { .. }), "the clocks may differ");
        assert!(matches!(refused(at(200), at(80)), RefreshError::Unused { until, .. } if Some(until) == at(80)));
        assert!(matches!(refused(at(200), at(150)), RefreshError::EndedElsewhere { .. }));
        assert!(matches!(refused(None, None), RefreshError::EndedElsewhere { .. }));
    }
}
