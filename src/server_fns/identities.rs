//! A person's sign-in methods.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// An identity of the person.
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

/// Links the identity that the person has just authenticated with to their account.
#[server(prefix = "/api", endpoint = "identities/link")]
pub async fn link_identity(#[server(default)] linking: String) -> Result<(), ServerFnError> {
    use crate::domain::paths::{IDENTITIES, IDENTITIES_LINK, ReturnTo, page_about};
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::service::auth::identities::IdentityLinkRefused;
    let here = ReturnTo::from_untrusted(&page_about(IDENTITIES_LINK, "linking", &linking, &ReturnTo::default()));
    let Some(person) = context::require_recent_authentication(&here)? else { return Ok(()) };
    let (services, t) = (context::services()?, context::translations());
    context::see_other(IDENTITIES);
    let Some(linked) = context::request_context()?.session.take_identity_link(&linking, services.now()).await.map_err(context::fault)? else {
        return context::flash_error(t.identities_nothing_to_link()).await;
    };
    match services.link_identity(&person, &linked).await {
        Ok(()) => context::flash_success(t.identities_linked(linked.label)).await,
        Err(Error::Refused(IdentityLinkRefused::AlreadyLinked)) => context::flash_error(t.identities_already_linked(linked.label)).await,
        Err(Error::Refused(IdentityLinkRefused::LinkedToAnother)) => context::flash_error(t.identities_linked_to_another(linked.label)).await,
        Err(Error::Refused(IdentityLinkRefused::SignedOut)) => context::flash_error(t.identities_signed_out()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Unlinks an identity.
#[server(prefix = "/api", endpoint = "identities/unlink")]
pub async fn unlink_identity(#[server(default)] identity: i64) -> Result<(), ServerFnError> {
    use crate::domain::paths::{IDENTITIES, ReturnTo};
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::service::auth::identities::IdentityUnlinkRefused;
    let Some(person) = context::require_recent_authentication(&ReturnTo::to(IDENTITIES))? else { return Ok(()) };
    let t = context::translations();
    context::see_other(IDENTITIES);
    match context::services()?.unlink_identity(&person, identity).await {
        Ok(gone) => context::flash_success(t.identities_unlinked(gone.label)).await,
        Err(Error::Refused(IdentityUnlinkRefused::NotFound)) => context::flash_error(t.identities_gone()).await,
        Err(Error::Refused(IdentityUnlinkRefused::OnlySignInMethod)) => context::flash_error(t.identities_only_way_in()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

#[cfg(feature = "ssr")]
impl From<crate::server::service::auth::identities::Identity> for IdentityItem {
    fn from(linked: crate::server::service::auth::identities::Identity) -> Self {
        Self { number: linked.number, label: linked.label, issuer: linked.issuer, linked_at: linked.linked_at, last_used_at: linked.last_used_at }
    }
}
