//! Link requests for people: submitting a code, and deciding.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// A link request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRequestItem {
    pub request: String,
    /// As the host shows it.
    pub code: String,
    pub host: String,
    pub account: String,
    pub uid: u32,
    pub requested_at: Timestamp,
    pub expires_in_seconds: u64,
    /// When the link would expire.
    pub until: Timestamp,
    pub existing: ExistingLink,
}

/// What the account is linked to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExistingLink {
    Unlinked,
    /// To this person, until then.
    Yours(Timestamp),
    /// To another person, and the tenant does not allow shared accounts.
    OtherPerson,
}

/// Submits a user code.
#[server(prefix = "/api", endpoint = "links/enter")]
pub async fn enter_link_code(#[server(default)] user_code: String, #[server(default)] grant: String) -> Result<(), ServerFnError> {
    use crate::domain::paths::{self, HOSTS_LINK};
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::sign_in::session::flash::FlashTarget;
    let (services, caller, person) = (context::services()?, context::request_context()?, context::signed_in()?);
    let grant = known_grant(grant);
    context::redirect_to_url(&paths::hosts_link_for(&grant));
    match services.submit_link_code(&person, &user_code).await {
        Ok(request) => {
            context::redirect_to_url(&paths::hosts_link_then(&request, &grant));
            Ok(())
        }
        Err(Error::Refused(refused)) => {
            let flash = crate::server::request_context::code_refused_flash(FlashTarget::LinkCode, &refused, &user_code, context::translations())
                .only_at(HOSTS_LINK);
            caller.session.set_flash(&flash).await.map_err(context::fault)
        }
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// A link request, as its person finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkRequestLookup {
    Pending(Box<LinkRequestItem>),
    /// Why it cannot be decided.
    Refused(String),
}

#[server(prefix = "/api", endpoint = "links/waiting")]
pub async fn pending_link_request(request: String) -> Result<LinkRequestLookup, ServerFnError> {
    use crate::domain::ids::LinkRequestId;
    use crate::domain::link_request::AnswerRefused::NotYours;
    use crate::server::context::{self, translations};
    use crate::server::service::Error;
    let (services, person) = (context::services()?, context::signed_in()?);
    let Ok(request) = LinkRequestId::parse(request) else { return Ok(LinkRequestLookup::Refused(translations().link_refused(NotYours))) };
    match services.pending_link(&person, &request).await {
        Ok(found) => Ok(LinkRequestLookup::Pending(Box::new(LinkRequestItem::new(found, services.now())))),
        Err(Error::Refused(refused)) => Ok(LinkRequestLookup::Refused(translations().link_refused(refused))),
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// A link request, in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRequestSummary {
    pub request: String,
    pub host: String,
    pub account: String,
}

/// All that wait for this person, newest first.
#[server(prefix = "/api", endpoint = "links/all-waiting")]
pub async fn pending_link_requests() -> Result<Vec<LinkRequestSummary>, ServerFnError> {
    use crate::server::context;
    let found = context::services()?.pending_links(&context::signed_in()?).await.map_err(context::fault)?;
    let item = |found: crate::domain::link_request::LinkRequest| LinkRequestSummary {
        request: found.id.to_string(),
        host: found.host.into(),
        account: found.account.into(),
    };
    Ok(found.into_iter().map(item).collect())
}

/// Links the account, or reports "not me". Linking requires a recent sign-in, for which the request is kept.
#[server(prefix = "/api", endpoint = "links/answer")]
pub async fn answer_link(
    #[server(default)] request: String,
    #[server(default)] answer: String,
    #[server(default)] grant: String,
) -> Result<(), ServerFnError> {
    use crate::domain::ids::LinkRequestId;
    use crate::domain::link_request::AnswerRefused;
    use crate::domain::paths::{self, ContinuedRequest, HOSTS, HOSTS_LINK, ReturnTo};
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::sign_in::session::flash::{Flash, FlashTarget};
    let (services, caller, person, t) = (context::services()?, context::request_context()?, context::signed_in()?, context::translations());
    context::see_other(HOSTS_LINK);
    let Ok(id) = LinkRequestId::parse(request) else { return Ok(()) };
    let grant = known_grant(grant);
    let (here, address) = (paths::hosts_link(&id), paths::hosts_link_then(&id, &grant));
    context::redirect_to_url(&address);
    let answered = match answer.as_str() {
        "link" => {
            let Some(person) = context::require_recent_authentication(&ReturnTo::from_untrusted(&address))? else { return Ok(()) };
            services.link_my_account(&person, &id).await.map(Some)
        }
        "refuse" => services.refuse_link(&person, &id).await.map(|()| None),
        _ => return Ok(()),
    };
    match answered {
        Ok(linked) => {
            context::see_other(HOSTS);
            let sentence = t.link_decided(linked.as_ref(), &context::zone());
            match (ContinuedRequest::parse(&grant), &linked) {
                (Some(request), Some(_)) => {
                    context::redirect_to_url(&request.page());
                    caller.session.set_flash(&Flash::said(sentence).only_at(&request.page())).await.map_err(context::fault)
                }
                _ => context::flash_success(sentence).await,
            }
        }
        Err(Error::Refused(refused @ (AnswerRefused::NoMfa | AnswerRefused::LinkedToAnother))) => {
            let flash = Flash::new(FlashTarget::Link, t.link_refused(refused)).only_at(&here);
            caller.session.set_flash(&flash).await.map_err(context::fault)
        }
        // The page of the request shows the reason.
        Err(Error::Refused(_)) => Ok(()),
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Releases a request, to enter another code; without an id, all that wait in this session. The code can be entered again anywhere.
#[server(prefix = "/api", endpoint = "links/another")]
pub async fn enter_another_link_code(#[server(default)] request: String, #[server(default)] grant: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::LinkRequestId;
    use crate::server::context;
    let (services, person) = (context::services()?, context::signed_in()?);
    context::redirect_to_url(&crate::domain::paths::hosts_link_for(&known_grant(grant)));
    services.release_link_request(&person, LinkRequestId::parse(request).ok().as_ref()).await.map_err(context::fault)
}

/// Signs out, and continues to link the account as another person, who enters the code again.
#[server(prefix = "/api", endpoint = "links/switch")]
pub async fn switch_link_tenant(#[server(default)] tenant: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::TenantId;
    use crate::domain::paths::{self, HOSTS_LINK, ReturnTo};
    use crate::server::context;
    let (caller, services, person) = (context::request_context()?, context::services()?, context::signed_in()?);
    context::redirect(&ReturnTo::from_untrusted(&paths::sign_in(None, &ReturnTo::to(HOSTS_LINK))));
    let Ok(tenant) = TenantId::parse(tenant) else { return Ok(()) };
    services.record_sign_out(&person).await.map_err(context::fault)?;
    caller.session.switch_tenant(&tenant, None).await.map_err(context::fault)
}

/// What an account is linked for; empty if it can be nothing.
#[cfg(feature = "ssr")]
fn known_grant(grant: String) -> String {
    crate::domain::paths::ContinuedRequest::parse(&grant).map_or_else(String::new, |request| request.as_str().to_owned())
}

#[cfg(feature = "ssr")]
impl LinkRequestItem {
    fn new(waiting: crate::server::service::host_accounts::link_decisions::PendingLink, now: Timestamp) -> Self {
        use crate::server::service::host_accounts::link_decisions::{CurrentLink, PendingLink};
        let PendingLink { request, code, until, current: already } = waiting;
        Self {
            request: request.id.to_string(),
            code,
            host: request.host.into(),
            account: request.account.into(),
            uid: request.uid,
            requested_at: request.requested_at,
            expires_in_seconds: request.expires_at.since(now).as_secs(),
            until,
            existing: match already {
                CurrentLink::Unlinked => ExistingLink::Unlinked,
                CurrentLink::Own(until) => ExistingLink::Yours(until),
                CurrentLink::OtherPerson => ExistingLink::OtherPerson,
            },
        }
    }
}
