//! Authentication: principals, passwords, sign-in through providers, second factors, browser sessions.

pub(super) mod attempts;
pub mod browser_sessions;
mod client_assertions;
pub mod client_authentication;
pub mod identities;
pub mod invitations;
mod logout_notices;
pub mod people;
pub mod principals;
pub mod refusals;
pub mod second_factors;
pub mod sign_out_requests;
pub mod upstream_login;
pub mod upstream_logout;

use crate::server::metrics::{self, SignInMethod, SignInResult};
use crate::server::service::Error;

/// Counts an attempt to sign in, in metrics. `is_limited`: whether it was refused without a check, by a limit.
fn count_sign_in<T, R>(method: SignInMethod, tried: &Result<T, Error<R>>, is_limited: impl FnOnce(&R) -> bool) {
    metrics::record(|metrics| {
        let result = match tried {
            Ok(_) => SignInResult::Succeeded,
            Err(Error::Refused(refused)) if is_limited(refused) => SignInResult::Limited,
            Err(Error::Refused(_)) => SignInResult::Refused,
            Err(Error::Internal(_)) => SignInResult::Failed,
        };
        metrics.count_sign_in(method, result);
    });
}
