//! Linking a host account from the host itself: typing its code, and answering.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// An account that asks to be linked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkItem {
    pub request: String,
    /// As the host shows it.
    pub code: String,
    pub host: String,
    pub account: String,
    pub uid: u32,
    pub asked_at: Timestamp,
    pub expires_in_seconds: u64,
    /// When the link would end.
    pub until: Timestamp,
    pub already: AlreadyLinked,
}

/// What the account is linked to as yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlreadyLinked {
    Nobody,
    /// To this person, until then.
    Yours(Timestamp),
    /// To somebody else, and the centre shares none.
    SomebodyElses,
}

/// Takes a typed code.
#[server(prefix = "/api", endpoint = "links/enter")]
pub async fn enter_link_code(#[server(default)] user_code: String) -> Result<(), ServerFnError> {
    use crate::domain::paths::HOSTS_LINK;
    use crate::domain::user_code::UserCode;
    use crate::server::context::{self, Error, Place};
    let (services, caller, person) = (context::services()?, context::caller()?, context::signed_in()?);
    context::see_other(HOSTS_LINK);
    let kept = match services.present_link_code(&person, &user_code).await {
        Ok(request) => {
            let code = UserCode::parse(&user_code).map(|code| code.to_string()).unwrap_or_default();
            caller.session.set_waiting_link(&request, &code).await
        }
        Err(Error::Refused(refused)) => {
            caller.session.set_notice(&context::code_notice(Place::LinkCode, &refused, &user_code, context::words())).await
        }
        Err(Error::Internal(fault)) => Err(fault),
    };
    kept.map_err(context::fault)
}

/// The account that waits for the person's answer in this browser, if any.
#[server(prefix = "/api", endpoint = "links/waiting")]
pub async fn waiting_link() -> Result<Option<LinkItem>, ServerFnError> {
    use crate::server::context;
    let (services, person) = (context::services()?, context::signed_in()?);
    let Some(kept) = context::caller()?.session.waiting_link().await.map_err(context::fault)? else { return Ok(None) };
    let found = services.waiting_link(&person, &kept.request).await.map_err(context::fault)?;
    Ok(found.map(|found| LinkItem::new(found, kept.code, services.now())))
}

/// Links the account, or says "not me". A yes takes a fresh sign-in; the request waits for it.
#[server(prefix = "/api", endpoint = "links/answer")]
pub async fn answer_link(#[server(default)] request: String, #[server(default)] answer: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::LinkRequestId;
    use crate::domain::link::AnswerRefused;
    use crate::domain::paths::{HOSTS, HOSTS_LINK, Onward};
    use crate::server::context::{self, Error, Notice, Place};
    let (services, caller, person, w) = (context::services()?, context::caller()?, context::signed_in()?, context::words());
    context::see_other(HOSTS_LINK);
    let Ok(id) = LinkRequestId::parse(request) else { return Ok(()) };
    let answered = match answer.as_str() {
        "link" => {
            let Some(person) = context::freshly_signed_in(&Onward::to(HOSTS_LINK))? else { return Ok(()) };
            services.link_my_account(&person, &id).await.map(Some)
        }
        "refuse" => services.refuse_link(&person, &id).await.map(|()| None),
        _ => return Ok(()),
    };
    match answered {
        Ok(linked) => {
            caller.session.forget_waiting_link().await.map_err(context::fault)?;
            context::see_other(HOSTS);
            context::say(w.link_answered(linked.as_ref(), &context::zone())).await
        }
        Err(Error::Refused(refused)) => {
            if refused != AnswerRefused::NoMfa && refused != AnswerRefused::SomebodyElses {
                caller.session.forget_waiting_link().await.map_err(context::fault)?;
            }
            caller.session.set_notice(&Notice::new(Place::Link, w.link_refused(refused))).await.map_err(context::fault)
        }
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Puts the request that waits aside, to type another code.
#[server(prefix = "/api", endpoint = "links/another")]
pub async fn enter_another_link_code() -> Result<(), ServerFnError> {
    use crate::server::context;
    context::caller()?.session.forget_waiting_link().await.map_err(context::fault)?;
    context::see_other(crate::domain::paths::HOSTS_LINK);
    Ok(())
}

/// Signs out, and on to link the account as somebody else, who types the code once more.
#[server(prefix = "/api", endpoint = "links/switch")]
pub async fn link_as_somebody_else(#[server(default)] tenant: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::TenantId;
    use crate::domain::paths::{self, HOSTS_LINK, Onward};
    use crate::server::context;
    let (caller, services, person) = (context::caller()?, context::services()?, context::signed_in()?);
    context::go_on(&Onward::wanted(&paths::sign_in(None, &Onward::to(HOSTS_LINK))));
    let Ok(tenant) = TenantId::parse(tenant) else { return Ok(()) };
    if let Some(kept) = caller.session.waiting_link().await.map_err(context::fault)? {
        services.put_down_link(&person, &kept.request).await.map_err(context::fault)?;
    }
    services.record_sign_out(&person).await.map_err(context::fault)?;
    caller.session.switch_to(&tenant, "").await.map_err(context::fault)
}

#[cfg(feature = "ssr")]
impl LinkItem {
    fn new(waiting: crate::server::context::links::Waiting, code: String, now: Timestamp) -> Self {
        use crate::server::context::links::{Already, Waiting};
        let Waiting { request, until, already } = waiting;
        Self {
            request: request.id.to_string(),
            code,
            host: request.host.into(),
            account: request.account.into(),
            uid: request.uid,
            asked_at: request.asked_at,
            expires_in_seconds: request.expires_at.since(now).as_secs(),
            until,
            already: match already {
                Already::Nobody => AlreadyLinked::Nobody,
                Already::Yours(until) => AlreadyLinked::Yours(until),
                Already::SomebodyElses => AlreadyLinked::SomebodyElses,
            },
        }
    }
}
