//! `GET /sign-in/with/…` and `GET /sign-in/back/…`: sign-in through an institution. The first is a link, because a form that leads
//! elsewhere would need an exception from `form-action`; it changes nothing but the browser's own session.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::complete_first_factor;
use crate::domain::ids::{ProviderId, TenantId, UserId};
use crate::domain::paths::{self, ReturnTo};
use crate::i18n::Translations;
use crate::server::middleware::http_error::HttpError;
use crate::server::middleware::rate_limit;
use crate::server::preferences;
use crate::server::request_context::RequestContext;
use crate::server::service::auth::principals::SignedIn;
use crate::server::service::auth::upstream_login::{
    AuthorizationResponse, CallbackOutcome, LoginPurpose, UpstreamAuthorization, UpstreamLoginRefused,
};
use crate::server::service::{Error, Fault, Services};
use crate::server::sign_in::session::flash::{Flash, FlashTarget, ProviderHelp};
use crate::server::sign_in::session::upstream::PendingUpstreamLogin;
use crate::server::state::AppState;

/// Longer ids are invalid.
const MAX_TAB_ID_LENGTH: usize = 64;

#[derive(Deserialize)]
pub struct AuthorizeParams {
    /// The page to continue with; anything but a page of the portal becomes the start page.
    #[serde(default)]
    then: String,
    /// Set when a signed-in person re-authenticates.
    #[serde(default)]
    again: String,
    /// Set when a signed-in person links an identity.
    #[serde(default)]
    link: String,
    /// Set when a signed-in person links accounts on the hosts that the provider owns.
    #[serde(default)]
    hosts: String,
    /// The id of this tab's invitation.
    #[serde(default)]
    invitation: String,
}

/// The purpose of a signed-in person's login, and the page on which it starts.
type PersonalPurpose = (fn(UserId) -> LoginPurpose, &'static str);

impl AuthorizeParams {
    fn personal_purpose(&self) -> Option<PersonalPurpose> {
        match (self.link.is_empty(), self.hosts.is_empty()) {
            (false, _) => Some((LoginPurpose::Link, paths::IDENTITIES)),
            (true, false) => Some((LoginPurpose::Hosts, paths::HOSTS)),
            (true, true) => None,
        }
    }
}

/// The parameters of a callback (RFC 6749 §4.1.2, RFC 9207).
#[derive(Deserialize)]
pub struct CallbackParams {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    iss: Option<String>,
    error: Option<String>,
}

/// Redirects to an institution.
pub async fn authorize(
    State(state): State<AppState>,
    Path((tenant, provider)): Path<(String, String)>,
    Query(params): Query<AuthorizeParams>,
    headers: HeaderMap,
    caller: RequestContext,
) -> Result<Redirect, HttpError> {
    let (services, words) = (&state.services, preferences::translations(&headers, &state.languages));
    let then = ReturnTo::from_untrusted(&params.then);
    // A link on another site must not change the signed-in account.
    if caller.signed_in.is_some() && headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return Ok(Redirect::to(&paths::sign_in(TenantId::parse(tenant).ok().as_ref(), &then)));
    }
    let purpose = match (&caller.signed_in, params.personal_purpose()) {
        (Some(person), _) if !params.again.is_empty() => LoginPurpose::Reauthenticate(person.user_id().clone()),
        // Someone at an unattended screen must not be able to add their own identity.
        (Some(person), Some((purpose, _))) if services.require_recent_auth(person).is_ok() && person.tenant_id().as_str() == tenant => {
            purpose(person.user_id().clone())
        }
        (Some(person), Some((_, begins))) => {
            let begins = then.or(begins);
            let missing = services.require_recent_auth(person).err();
            return Ok(Redirect::to(&missing.map_or_else(|| paths::sign_in_again(&begins), |missing| paths::step_up(missing, &begins))));
        }
        (None, Some((_, begins))) => return Ok(Redirect::to(&paths::sign_in(None, &then.or(begins)))),
        (_, None) => LoginPurpose::SignIn,
    };
    let (Ok(tenant), Ok(provider)) = (TenantId::parse(tenant), ProviderId::parse(provider)) else {
        let nowhere = FailedLogin { caller: &caller, tenant: None, provider: None, purpose: &purpose, return_to: &then, invitation: "", words };
        return nowhere.into_redirect(&UpstreamLoginRefused::NoProvider, None).await;
    };
    match services.start_upstream_login(&tenant, &provider, purpose.clone()).await {
        Ok((authorization, address)) => {
            caller.start_session(services).await?;
            let away = PendingUpstreamLogin {
                authorization,
                return_to: then,
                invitation: params.invitation.chars().take(MAX_TAB_ID_LENGTH).collect(),
                spent: false,
            };
            caller.session.add_upstream_login(&away, services.now()).await?;
            Ok(Redirect::to(&address))
        }
        Err(Error::Refused(refused)) => {
            let invitation = &*params.invitation;
            let back = FailedLogin {
                caller: &caller,
                tenant: Some(tenant),
                provider: Some(&provider),
                purpose: &purpose,
                return_to: &then,
                invitation,
                words,
            };
            back.into_redirect(&refused, None).await
        }
        Err(Error::Internal(fault)) => Err(fault.into()),
    }
}

/// The redirect back from the institution.
pub async fn callback(
    State(state): State<AppState>,
    Path((tenant, provider)): Path<(String, String)>,
    Query(answer): Query<CallbackParams>,
    headers: HeaderMap,
    caller: RequestContext,
) -> Result<Response, HttpError> {
    if let Err(wait) = state.limits.upstream_callbacks.check(&rate_limit::network(caller.from)) {
        return Ok(rate_limit::too_many_requests(wait));
    }
    let (services, words, now) = (&state.services, preferences::translations(&headers, &state.languages), state.services.now());
    let Some(PendingUpstreamLogin { authorization, return_to: then, invitation, spent }) =
        caller.session.take_upstream_login(&answer.state, now).await?
    else {
        let tenant = TenantId::parse(tenant).ok();
        let (then, purpose) = (ReturnTo::default(), LoginPurpose::SignIn);
        let back = FailedLogin { caller: &caller, tenant, provider: None, purpose: &purpose, return_to: &then, invitation: "", words };
        return back.into_redirect(&UpstreamLoginRefused::UnknownState, None).await.map(IntoResponse::into_response);
    };
    // Each provider has its own callback URL, so that another's response is not accepted (RFC 9700 §4.4).
    let its_own = authorization.tenant_id.as_str() == tenant && authorization.provider.as_str() == provider;
    match &caller.signed_in {
        // The person has signed in in another tab: this callback need not be evaluated.
        Some(person) if its_own && (spent || has_signed_in_since(&caller, person, &authorization).await?) => {
            return Ok(Redirect::to(fallback_page(&authorization.purpose, &then).as_str()).into_response());
        }
        person => {
            let whose = person.as_ref().is_some_and(|person| authorization.may_belong_to(person.tenant_id(), person.user_id()));
            if authorization.purpose != LoginPurpose::SignIn && !whose {
                return Ok(Redirect::to(&paths::sign_in_expired(&fallback_page(&authorization.purpose, &then))).into_response());
            }
        }
    }
    let back = FailedLogin {
        caller: &caller,
        tenant: Some(authorization.tenant_id.clone()),
        provider: Some(&authorization.provider),
        purpose: &authorization.purpose,
        return_to: &then,
        invitation: &invitation,
        words,
    };
    if spent || !its_own {
        let refused = if its_own { UpstreamLoginRefused::AlreadyUsed } else { UpstreamLoginRefused::UnknownState };
        return back.into_redirect(&refused, None).await.map(IntoResponse::into_response);
    }
    let refusal = match answer.error.as_deref() {
        Some("access_denied") => Some(UpstreamLoginRefused::Cancelled),
        Some(error) => Some(UpstreamLoginRefused::AuthorizationError(error.chars().filter(char::is_ascii_graphic).take(60).collect())),
        None => None,
    };
    if let Some(refused) = refusal {
        let help = provider_help(services, &authorization).await?;
        return back.into_redirect(&refused, help).await.map(IntoResponse::into_response);
    }
    let returned = AuthorizationResponse { code: &answer.code, issuer: answer.iss.as_deref() };
    let (used, code) = caller.session.invitation(&invitation, Some(&authorization.tenant_id)).await?.unzip();
    match services.finish_upstream_login(&authorization, &returned, code.as_deref(), caller.from).await {
        Ok(CallbackOutcome::LinkIdentity(identity)) => {
            let id = services.new_tab_id();
            caller.session.add_identity_link(&id, &identity, now).await?;
            Ok(Redirect::to(&paths::page_about(paths::IDENTITIES_LINK, "linking", &id, &ReturnTo::default())).into_response())
        }
        Ok(CallbackOutcome::HostAccounts(login)) => match services.propose_accounts(*login).await {
            Ok(proposal) => {
                let id = services.new_tab_id();
                caller.session.add_account_proposal(&id, &proposal, now).await?;
                Ok(Redirect::to(&paths::page_about(paths::UPSTREAM_ACCOUNTS, "offer", &id, &then)).into_response())
            }
            Err(Error::Refused(refused)) => back.refuse(services, &authorization, &refused).await,
            Err(Error::Internal(fault)) => Err(fault.into()),
        },
        Ok(CallbackOutcome::SignedIn(identity)) => {
            let kept = preferences::last_provider_cookie(&authorization.provider, state.https.0);
            let redirect = complete_first_factor(services, &caller, &identity, &then, words).await?;
            Ok((AppendHeaders(kept.map(|cookie| (header::SET_COOKIE, cookie))), redirect).into_response())
        }
        Err(Error::Refused(refused)) => {
            if let (UpstreamLoginRefused::InvitationUsed, Some(used)) = (&refused, used) {
                caller.session.forget_invitations(&used, None).await?;
            }
            back.refuse(services, &authorization, &refused).await
        }
        Err(Error::Internal(fault)) => Err(fault.into()),
    }
}

#[derive(Deserialize)]
pub struct InvitationForm {
    #[serde(default)]
    tenant: String,
    #[serde(default)]
    then: String,
    /// Empty: do not use any of that tenant.
    #[serde(default)]
    invitation: String,
    /// The one to remove.
    #[serde(default)]
    kept: String,
}

/// `POST /sign-in/invitation`: whether the code is valid is revealed only at the sign-in with an identity.
pub async fn save_invitation(State(state): State<AppState>, caller: RequestContext, Form(form): Form<InvitationForm>) -> Result<Redirect, HttpError> {
    let (services, session) = (&state.services, &caller.session);
    let (tenant, then) = (TenantId::parse(form.tenant).ok(), ReturnTo::from_untrusted(&form.then));
    let code: String = form.invitation.trim().chars().take(100).collect();
    if code.is_empty() {
        session.forget_invitations(&form.kept, tenant.as_ref()).await?;
        return Ok(Redirect::to(&paths::sign_in(tenant.as_ref(), &then)));
    }
    let id = services.new_tab_id();
    caller.start_session(services).await?;
    session.add_invitation(&id, tenant.clone(), &code, services.now()).await?;
    Ok(Redirect::to(&paths::sign_in_invited(tenant.as_ref(), &then, &id)))
}

/// Whether the person has signed in here, in another tab, since this login started.
async fn has_signed_in_since(caller: &RequestContext, person: &SignedIn, authorization: &UpstreamAuthorization) -> Result<bool, Fault> {
    let who = caller.session.sign_in_record().await?;
    let since = who.is_some_and(|who| who.at > authorization.since);
    Ok(authorization.purpose == LoginPurpose::SignIn && since && *person.tenant_id() == authorization.tenant_id)
}

/// The page to continue with after an unsuccessful login.
fn fallback_page(purpose: &LoginPurpose, return_to: &ReturnTo) -> ReturnTo {
    match purpose {
        LoginPurpose::Link(_) => ReturnTo::to(paths::IDENTITIES),
        LoginPurpose::Hosts(_) => ReturnTo::to(paths::HOSTS),
        LoginPurpose::Reauthenticate(_) | LoginPurpose::SignIn => return_to.clone(),
    }
}

async fn provider_help(services: &Services, authorization: &UpstreamAuthorization) -> Result<Option<ProviderHelp>, Fault> {
    let help = services.provider_help(&authorization.tenant_id, &authorization.provider).await?;
    Ok(help.map(|(provider, address)| ProviderHelp { provider, address }))
}

/// A refused login, and where it was to lead.
struct FailedLogin<'a> {
    caller: &'a RequestContext,
    tenant: Option<TenantId>,
    provider: Option<&'a ProviderId>,
    purpose: &'a LoginPurpose,
    return_to: &'a ReturnTo,
    invitation: &'a str,
    words: Translations,
}

impl FailedLogin<'_> {
    /// After the provider has identified the person.
    async fn refuse(self, services: &Services, authorization: &UpstreamAuthorization, refused: &UpstreamLoginRefused) -> Result<Response, HttpError> {
        let help = if refused.may_be_wrong_account() { provider_help(services, authorization).await? } else { None };
        self.into_redirect(refused, help).await.map(IntoResponse::into_response)
    }

    async fn into_redirect(self, refused: &UpstreamLoginRefused, help: Option<ProviderHelp>) -> Result<Redirect, HttpError> {
        let Self { caller, tenant, provider, purpose, return_to: then, invitation, words } = self;
        if let UpstreamLoginRefused::ProviderFailed(_) | UpstreamLoginRefused::AccountListFailed(_) | UpstreamLoginRefused::AuthorizationError(_) =
            refused
        {
            let (tenant, provider) = (tenant.as_ref().map(TenantId::as_str), provider.map(ProviderId::as_str));
            // Texts from others are quoted, so that they cannot look like a log line of the portal.
            tracing::warn!(error = ?refused, tenant, provider, "A sign-in through an identity provider failed");
        }
        let place = if matches!(purpose, LoginPurpose::Link(_) | LoginPurpose::Hosts(_)) { FlashTarget::Refused } else { FlashTarget::SignIn };
        let mut flash = Flash::new(place, words.upstream_login_refused(refused));
        flash.tenant.clone_from(&tenant);
        flash.help = help;
        caller.session.set_flash(&flash).await?;
        let back = match purpose {
            LoginPurpose::Link(_) => paths::IDENTITIES.to_owned(),
            LoginPurpose::Hosts(_) => paths::HOSTS.to_owned(),
            LoginPurpose::Reauthenticate(_) => paths::sign_in_again(then),
            LoginPurpose::SignIn => paths::sign_in_invited(tenant.as_ref(), then, invitation),
        };
        Ok(Redirect::to(&back))
    }
}
