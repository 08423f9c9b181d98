//! A person's ways to sign in.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// Who the person is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityItem {
    pub number: i64,
    /// `jdoe · TACC`.
    pub label: String,
    pub issuer: String,
    pub linked_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

#[server(prefix = "/api", endpoint = "identities/list")]
pub async fn list_identities() -> Result<Vec<IdentityItem>, ServerFnError> {
    use crate::server::context;
    let linked = context::services()?.list_my_identities(&context::signed_in()?).await.map_err(context::fault)?;
    Ok(linked.into_iter().map(IdentityItem::from).collect())
}

/// Ties the identity the person has just proved to their account.
#[server(prefix = "/api", endpoint = "identities/link")]
pub async fn link_identity(#[server(default)] linking: String) -> Result<(), ServerFnError> {
    use crate::domain::paths::{IDENTITIES, IDENTITIES_LINK, Onward, page_about};
    use crate::server::context::identities::NotLinked;
    use crate::server::context::{self, Error};
    let here = Onward::wanted(&page_about(IDENTITIES_LINK, "linking", &linking, &Onward::default()));
    let Some(person) = context::freshly_signed_in(&here)? else { return Ok(()) };
    let (services, w) = (context::services()?, context::words());
    context::see_other(IDENTITIES);
    let Some(vouched) = context::caller()?.session.take_linking(&linking, services.now()).await.map_err(context::fault)? else {
        return context::say_refused(w.identities_nothing_to_link()).await;
    };
    match services.link_identity(&person, &vouched).await {
        Ok(()) => context::say(w.identities_linked(vouched.label)).await,
        Err(Error::Refused(NotLinked::AlreadyYours)) => context::say_refused(w.identities_already_yours(vouched.label)).await,
        Err(Error::Refused(NotLinked::SomebodyElses)) => context::say_refused(w.identities_somebody_elses(vouched.label)).await,
        Err(Error::Refused(NotLinked::SignedOut)) => context::say_refused(w.identities_signed_out()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Takes one away.
#[server(prefix = "/api", endpoint = "identities/unlink")]
pub async fn unlink_identity(#[server(default)] identity: i64) -> Result<(), ServerFnError> {
    use crate::domain::paths::{IDENTITIES, Onward};
    use crate::server::context::identities::NotUnlinked;
    use crate::server::context::{self, Error};
    let Some(person) = context::freshly_signed_in(&Onward::to(IDENTITIES))? else { return Ok(()) };
    let w = context::words();
    context::see_other(IDENTITIES);
    match context::services()?.unlink_identity(&person, identity).await {
        Ok(gone) => context::say(w.identities_unlinked(gone.label)).await,
        Err(Error::Refused(NotUnlinked::Gone)) => context::say_refused(w.identities_gone()).await,
        Err(Error::Refused(NotUnlinked::OnlyWayIn)) => context::say_refused(w.identities_only_way_in()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

#[cfg(feature = "ssr")]
impl From<crate::server::context::identities::Linked> for IdentityItem {
    fn from(linked: crate::server::context::identities::Linked) -> Self {
        Self { number: linked.number, label: linked.label, issuer: linked.issuer, linked_at: linked.linked_at, last_used_at: linked.last_used_at }
    }
}
