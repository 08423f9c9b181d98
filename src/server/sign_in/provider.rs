//! `GET /sign-in/with/…` and `GET /sign-in/back/…`: through an institution. The first is a link, because a form that leads
//! elsewhere would need an exception from `form-action`; it changes nothing but the visitor's own session.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::session::{Away, Help, Notice, Place};
use super::welcome;
use crate::domain::ids::{ProviderId, TenantId, UserId};
use crate::domain::paths::{self, Onward};
use crate::server::caller::Caller;
use crate::server::guard::rate_limit;
use crate::server::guard::trouble::Trouble;
use crate::server::preferences;
use crate::server::service::identities::{ArrivalRefused, Arrived, Purpose, Returned, Trip};
use crate::server::service::proofs::SignedIn;
use crate::server::service::{Error, Fault, Services};
use crate::server::state::AppState;
use crate::words::Words;

/// Longer ones name nothing.
const LONGEST_TAB_ID: usize = 64;

#[derive(Deserialize)]
pub struct Wanted {
    /// The page to go on to; anything but one of ours is the start page.
    #[serde(default)]
    then: String,
    /// By somebody who is signed in, and shows once more that it is them.
    #[serde(default)]
    again: String,
    /// By somebody who is signed in, and links one more identity.
    #[serde(default)]
    link: String,
    /// By somebody who is signed in, and links accounts on the hosts that the provider owns.
    #[serde(default)]
    hosts: String,
    /// The invitation of this tab, by its id.
    #[serde(default)]
    invitation: String,
}

/// What somebody who is signed in wants there for themselves, and the page on which that begins.
type ForOneself = (fn(UserId) -> Purpose, &'static str);

impl Wanted {
    fn for_oneself(&self) -> Option<ForOneself> {
        match (self.link.is_empty(), self.hosts.is_empty()) {
            (false, _) => Some((Purpose::Link, paths::IDENTITIES)),
            (true, false) => Some((Purpose::Hosts, paths::HOSTS)),
            (true, true) => None,
        }
    }
}

/// What a provider sends back (RFC 6749 §4.1.2, RFC 9207).
#[derive(Deserialize)]
pub struct Answer {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    iss: Option<String>,
    error: Option<String>,
}

/// Off to an institution.
pub async fn set_out(
    State(state): State<AppState>,
    Path((tenant, provider)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
    caller: Caller,
) -> Result<Redirect, Trouble> {
    let (services, words) = (&state.services, preferences::words(&headers, &state.languages));
    let then = Onward::wanted(&wanted.then);
    // Nobody is made somebody else by a link from elsewhere.
    if caller.signed_in.is_some() && headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return Ok(Redirect::to(&paths::sign_in(TenantId::parse(tenant).ok().as_ref(), &then)));
    }
    let purpose = match (&caller.signed_in, wanted.for_oneself()) {
        (Some(person), _) if !wanted.again.is_empty() => Purpose::Again(person.user_id().clone()),
        // Whoever sits at a screen that was left alone must not leave a way in for themselves.
        (Some(person), Some((purpose, _))) if services.fresh(person).is_ok() && person.tenant_id().as_str() == tenant => {
            purpose(person.user_id().clone())
        }
        (Some(person), Some((_, begins))) => {
            let begins = Onward::to(begins);
            let missing = services.fresh(person).err();
            return Ok(Redirect::to(&missing.map_or_else(|| paths::sign_in_again(&begins), |missing| paths::show(missing, &begins))));
        }
        (None, Some((_, begins))) => return Ok(Redirect::to(&paths::sign_in(None, &Onward::to(begins)))),
        (_, None) => Purpose::SignIn,
    };
    let (Ok(tenant), Ok(provider)) = (TenantId::parse(tenant), ProviderId::parse(provider)) else {
        let nowhere = TurnedBack { caller: &caller, tenant: None, provider: None, purpose: &purpose, then: &then, invitation: "", words };
        return nowhere.because(&ArrivalRefused::NoProvider, None).await;
    };
    match services.set_out(&tenant, &provider, purpose.clone()).await {
        Ok((trip, address)) => {
            caller.begin_visit(services).await?;
            let away = Away { trip, then, invitation: wanted.invitation.chars().take(LONGEST_TAB_ID).collect(), spent: false };
            caller.session.add_trip(&away, services.now()).await?;
            Ok(Redirect::to(&address))
        }
        Err(Error::Refused(refused)) => {
            let invitation = &*wanted.invitation;
            let back =
                TurnedBack { caller: &caller, tenant: Some(tenant), provider: Some(&provider), purpose: &purpose, then: &then, invitation, words };
            back.because(&refused, None).await
        }
        Err(Error::Internal(fault)) => Err(fault.into()),
    }
}

/// Back from there.
pub async fn come_back(
    State(state): State<AppState>,
    Path((tenant, provider)): Path<(String, String)>,
    Query(answer): Query<Answer>,
    headers: HeaderMap,
    caller: Caller,
) -> Result<Response, Trouble> {
    if let Err(wait) = state.limits.arrivals.check(&rate_limit::network(caller.from)) {
        return Ok(rate_limit::come_back_after(wait));
    }
    let (services, words, now) = (&state.services, preferences::words(&headers, &state.languages), state.services.now());
    let Some(Away { trip, then, invitation, spent }) = caller.session.take_trip(&answer.state, now).await? else {
        let tenant = TenantId::parse(tenant).ok();
        let (then, purpose) = (Onward::default(), Purpose::SignIn);
        let back = TurnedBack { caller: &caller, tenant, provider: None, purpose: &purpose, then: &then, invitation: "", words };
        return back.because(&ArrivalRefused::NoTrip, None).await.map(IntoResponse::into_response);
    };
    // Each provider has an address of its own, so that no other's answer is taken for its (RFC 9700 §4.4).
    let its_own = trip.tenant_id.as_str() == tenant && trip.provider.as_str() == provider;
    match &caller.signed_in {
        // Another tab was faster: what comes now need not even be looked at.
        Some(person) if its_own && (spent || has_signed_in_since(&caller, person, &trip).await?) => {
            return Ok(Redirect::to(back_for(&trip.purpose, &then).as_str()).into_response());
        }
        person => {
            let whose = person.as_ref().is_some_and(|person| trip.may_be_of(person.tenant_id(), person.user_id()));
            if trip.purpose != Purpose::SignIn && !whose {
                return Ok(Redirect::to(&paths::sign_in_gone(&back_for(&trip.purpose, &then))).into_response());
            }
        }
    }
    let back = TurnedBack {
        caller: &caller,
        tenant: Some(trip.tenant_id.clone()),
        provider: Some(&trip.provider),
        purpose: &trip.purpose,
        then: &then,
        invitation: &invitation,
        words,
    };
    if spent || !its_own {
        let refused = if its_own { ArrivalRefused::Used } else { ArrivalRefused::NoTrip };
        return back.because(&refused, None).await.map(IntoResponse::into_response);
    }
    let refusal = match answer.error.as_deref() {
        Some("access_denied") => Some(ArrivalRefused::Cancelled),
        Some(error) => Some(ArrivalRefused::ProviderSays(error.chars().filter(char::is_ascii_graphic).take(60).collect())),
        None => None,
    };
    if let Some(refused) = refusal {
        let help = help(services, &trip).await?;
        return back.because(&refused, help).await.map(IntoResponse::into_response);
    }
    let returned = Returned { code: &answer.code, issuer: answer.iss.as_deref() };
    let (used, code) = caller.session.invitation(&invitation, Some(&trip.tenant_id)).await?.unzip();
    match services.arrive(&trip, &returned, code.as_deref(), caller.from).await {
        Ok(Arrived::ToLink(vouched)) => {
            let id = services.new_tab_id();
            caller.session.add_linking(&id, &vouched, now).await?;
            Ok(Redirect::to(&paths::page_about(paths::IDENTITIES_LINK, "linking", &id, &Onward::default())).into_response())
        }
        Ok(Arrived::Offered(offer)) => {
            let id = services.new_tab_id();
            caller.session.add_offer(&id, &offer, now).await?;
            Ok(Redirect::to(&paths::page_about(paths::HOSTS_PROVIDER, "offer", &id, &Onward::default())).into_response())
        }
        Ok(Arrived::In(identity)) => {
            let kept = preferences::keep_institution(&trip.provider, state.https.0);
            let onward = welcome(services, &caller, &identity, &then, words).await?;
            Ok((AppendHeaders(kept.map(|cookie| (header::SET_COOKIE, cookie))), onward).into_response())
        }
        Err(Error::Refused(refused)) => {
            if let (ArrivalRefused::InvitationSpent, Some(used)) = (&refused, used) {
                caller.session.forget_invitations(&used, None).await?;
            }
            let help = if refused.may_be_the_wrong_account() { help(services, &trip).await? } else { None };
            back.because(&refused, help).await.map(IntoResponse::into_response)
        }
        Err(Error::Internal(fault)) => Err(fault.into()),
    }
}

#[derive(Deserialize)]
pub struct Invitation {
    #[serde(default)]
    tenant: String,
    #[serde(default)]
    then: String,
    /// Empty: none of that tenant is to be used.
    #[serde(default)]
    invitation: String,
    /// The one that is to be forgotten.
    #[serde(default)]
    kept: String,
}

/// `POST /sign-in/invitation`: whether it is good is told when somebody comes with an identity, and not before.
pub async fn keep_invitation(State(state): State<AppState>, caller: Caller, Form(form): Form<Invitation>) -> Result<Redirect, Trouble> {
    let (services, session) = (&state.services, &caller.session);
    let (tenant, then) = (TenantId::parse(form.tenant).ok(), Onward::wanted(&form.then));
    let code: String = form.invitation.trim().chars().take(100).collect();
    if code.is_empty() {
        session.forget_invitations(&form.kept, tenant.as_ref()).await?;
        return Ok(Redirect::to(&paths::sign_in(tenant.as_ref(), &then)));
    }
    let id = services.new_tab_id();
    caller.begin_visit(services).await?;
    session.add_invitation(&id, tenant.clone(), &code, services.now()).await?;
    Ok(Redirect::to(&paths::sign_in_invited(tenant.as_ref(), &then, &id)))
}

/// Whether the person has signed in here, in another tab, since they set out from this one.
async fn has_signed_in_since(caller: &Caller, person: &SignedIn, trip: &Trip) -> Result<bool, Fault> {
    let who = caller.session.who().await?;
    let since = who.is_some_and(|who| who.at > trip.since);
    Ok(trip.purpose == Purpose::SignIn && since && *person.tenant_id() == trip.tenant_id)
}

/// Where a person goes on to who does not come back with what they set out for.
fn back_for(purpose: &Purpose, then: &Onward) -> Onward {
    match purpose {
        Purpose::Link(_) => Onward::to(paths::IDENTITIES),
        Purpose::Hosts(_) => Onward::to(paths::HOSTS),
        Purpose::Again(_) | Purpose::SignIn => then.clone(),
    }
}

async fn help(services: &Services, trip: &Trip) -> Result<Option<Help>, Fault> {
    let help = services.provider_help(&trip.tenant_id, &trip.provider).await?;
    Ok(help.map(|(provider, address)| Help { provider, address }))
}

/// Somebody who is not let in, and where they were going.
struct TurnedBack<'a> {
    caller: &'a Caller,
    tenant: Option<TenantId>,
    provider: Option<&'a ProviderId>,
    purpose: &'a Purpose,
    then: &'a Onward,
    invitation: &'a str,
    words: Words,
}

impl TurnedBack<'_> {
    async fn because(self, refused: &ArrivalRefused, help: Option<Help>) -> Result<Redirect, Trouble> {
        let Self { caller, tenant, provider, purpose, then, invitation, words } = self;
        if let ArrivalRefused::Trouble(_) | ArrivalRefused::NoList(_) | ArrivalRefused::ProviderSays(_) = refused {
            let (tenant, provider) = (tenant.as_ref().map(TenantId::as_str), provider.map(ProviderId::as_str));
            // With what others sent in quotes: it must not look like a line of ours.
            tracing::warn!(error = ?refused, tenant, provider, "A sign-in through an identity provider failed");
        }
        let place = if matches!(purpose, Purpose::Link(_) | Purpose::Hosts(_)) { Place::Refused } else { Place::SignIn };
        let mut notice = Notice::new(place, words.arrival_refused(refused));
        notice.tenant.clone_from(&tenant);
        notice.help = help;
        caller.session.set_notice(&notice).await?;
        let back = match purpose {
            Purpose::Link(_) => paths::IDENTITIES.to_owned(),
            Purpose::Hosts(_) => paths::HOSTS.to_owned(),
            Purpose::Again(_) => paths::sign_in_again(then),
            Purpose::SignIn => paths::sign_in_invited(tenant.as_ref(), then, invitation),
        };
        Ok(Redirect::to(&back))
    }
}
