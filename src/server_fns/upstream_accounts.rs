//! Linking host accounts through the provider that owns the hosts.

use leptos::prelude::*;

/// Links the selected accounts, each `HOST ACCOUNT`. Requires a recent sign-in, for which the proposal is kept.
#[server(prefix = "/api", endpoint = "hosts/link-offered")]
pub async fn link_upstream_accounts(
    #[server(default)] accounts: Vec<String>,
    #[server(default)] offer: String,
    #[server(default)] then: String,
) -> Result<(), ServerFnError> {
    use crate::domain::paths::{HOSTS, ReturnTo, UPSTREAM_ACCOUNTS, page_about};
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::service::host_accounts::upstream_accounts::ProposalRefused;
    use crate::server::sign_in::session::flash::Flash;
    let then = ReturnTo::from_untrusted(&then);
    let (id, here) = (offer.clone(), page_about(UPSTREAM_ACCOUNTS, "offer", &offer, &then));
    let Some(person) = context::require_recent_authentication(&ReturnTo::from_untrusted(&here))? else { return Ok(()) };
    let (services, caller, t) = (context::services()?, context::request_context()?, context::translations());
    context::see_other(HOSTS);
    let Some(proposal) = caller.session.account_proposal(&id, services.now()).await.map_err(context::fault)? else {
        return context::flash_error(t.proposal_refused(ProposalRefused::NotFound)).await;
    };
    let linked = match accounts.iter().map(|account| parse_account(account)).collect::<Option<_>>() {
        Some(chosen) => services.link_proposed_accounts(&person, &proposal, chosen).await,
        None => Err(Error::Refused(ProposalRefused::CannotBeLinked)),
    };
    match linked {
        Ok(linked) => {
            caller.session.forget_account_proposal(&id, services.now()).await.map_err(context::fault)?;
            let then = then.or(HOSTS);
            context::redirect(&then);
            let flash = Flash::said(t.linked_accounts(&linked, &context::zone())).only_at(then.as_str());
            caller.session.set_flash(&flash).await.map_err(context::fault)
        }
        Err(Error::Refused(refused)) => {
            match refused {
                ProposalRefused::NotFound => caller.session.forget_account_proposal(&id, services.now()).await.map_err(context::fault)?,
                ProposalRefused::NothingSelected | ProposalRefused::CannotBeLinked | ProposalRefused::MfaMissing => context::redirect_to_url(&here),
            }
            context::flash_error(t.proposal_refused(refused)).await
        }
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Parses the value of a checkbox; names contain no spaces.
#[cfg(feature = "ssr")]
fn parse_account(value: &str) -> Option<(crate::domain::ids::HostName, crate::domain::ids::AccountName)> {
    use crate::domain::ids::{AccountName, HostName};
    let (host, account) = value.split_once(' ')?;
    HostName::parse(host).ok().zip(AccountName::parse(account).ok())
}
