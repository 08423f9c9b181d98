//! `POST /sign-in/password`: the local password.

use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::complete_first_factor;
use crate::domain::ids::TenantId;
use crate::domain::paths::{self, ReturnTo};
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::time::retry_after;
use crate::i18n::Translations;
use crate::server::middleware::http_error::HttpError;
use crate::server::preferences;
use crate::server::request_context::RequestContext;
use crate::server::service::Error;
use crate::server::service::auth::people::SignInRefused;
use crate::server::service::platform::rng::Secret;
use crate::server::sign_in::session::flash::{Flash, FlashTarget};
use crate::server::state::AppState;

#[derive(Deserialize)]
pub struct LoginForm {
    tenant: String,
    user_name: String,
    password: String,
    /// The page to continue with; anything but a page of the portal becomes the start page.
    #[serde(default)]
    then: String,
    /// Set when a signed-in person re-authenticates.
    #[serde(default)]
    again: String,
}

pub async fn post(
    State(state): State<AppState>,
    headers: HeaderMap,
    caller: RequestContext,
    Form(form): Form<LoginForm>,
) -> Result<Response, HttpError> {
    let (services, words) = (&state.services, preferences::translations(&headers, &state.languages));
    let (password, then) = (Secret::from_plaintext(form.password), ReturnTo::from_untrusted(&form.then));
    let back = if form.again.is_empty() { paths::sign_in(None, &then) } else { paths::sign_in_again(&then) };
    let Ok(tenant) = TenantId::parse(form.tenant.as_str()) else {
        services.log_refusal(&RefusedAuthentication {
            kind: CredentialKind::Password,
            tenant: ClaimedName::Unverified(&form.tenant),
            name: ClaimedName::Unverified(form.user_name.trim()),
            from: caller.from,
            failure: AuthenticationFailure::Malformed,
        });
        return refuse(&caller, None, &SignInRefused::InvalidCredentials, &form.user_name, &back, words).await.map(IntoResponse::into_response);
    };
    match services.sign_in_with_password(&tenant, &form.user_name, &password, caller.from).await {
        Ok(identity) => {
            // Where a password is the only method, there is nothing to remember.
            let remembered = !services.enabled_providers(identity.tenant_id()).await?.is_empty();
            let used = remembered.then(|| preferences::last_password_cookie(state.https.0)).flatten();
            let redirect = complete_first_factor(services, &caller, &identity, &then, words).await?;
            Ok((AppendHeaders(used.map(|cookie| (header::SET_COOKIE, cookie))), redirect).into_response())
        }
        Err(Error::Refused(refused)) => refuse(&caller, Some(tenant), &refused, &form.user_name, &back, words).await.map(IntoResponse::into_response),
        Err(Error::Internal(fault)) => Err(fault.into()),
    }
}

async fn refuse(
    caller: &RequestContext,
    tenant: Option<TenantId>,
    refused: &SignInRefused,
    user_name: &str,
    back: &str,
    words: Translations,
) -> Result<Redirect, HttpError> {
    let mut flash = Flash::new(FlashTarget::SignIn, words.sign_in_refused(refused)).with_input(user_name);
    flash.tenant = tenant;
    if let SignInRefused::TooManyTries { wait } = refused {
        flash.wait = Some(retry_after(*wait));
    }
    caller.session.set_flash(&flash).await?;
    Ok(Redirect::to(back))
}
