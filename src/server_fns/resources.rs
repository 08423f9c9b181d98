//! Linking host accounts through the provider that owns the hosts.

use leptos::prelude::*;

/// Links those accounts of the provider's offer that were left ticked, each as `HOST ACCOUNT`. It takes a fresh sign-in; the offer
/// waits for it.
#[server(prefix = "/api", endpoint = "hosts/link-offered")]
pub async fn link_offered_accounts(#[server(default)] accounts: Vec<String>, #[server(default)] offer: String) -> Result<(), ServerFnError> {
    use crate::domain::paths::{HOSTS, HOSTS_PROVIDER, Onward, page_about};
    use crate::server::context::resources::OfferRefused;
    use crate::server::context::{self, Error};
    let (id, here) = (offer.clone(), page_about(HOSTS_PROVIDER, "offer", &offer, &Onward::default()));
    let Some(person) = context::freshly_signed_in(&Onward::wanted(&here))? else { return Ok(()) };
    let (services, caller, w) = (context::services()?, context::caller()?, context::words());
    context::see_other(HOSTS);
    let Some(offer) = caller.session.offer(&id, services.now()).await.map_err(context::fault)? else {
        return context::say_refused(w.offer_refused(OfferRefused::Gone)).await;
    };
    let linked = match accounts.iter().map(|account| place(account)).collect::<Option<_>>() {
        Some(chosen) => services.link_offered(&person, &offer, chosen).await,
        None => Err(Error::Refused(OfferRefused::CannotBeLinked)),
    };
    match linked {
        Ok(linked) => {
            caller.session.forget_offer(&id, services.now()).await.map_err(context::fault)?;
            context::say(w.offer_linked(&linked, &context::zone())).await
        }
        Err(Error::Refused(refused)) => {
            match refused {
                OfferRefused::Gone => caller.session.forget_offer(&id, services.now()).await.map_err(context::fault)?,
                OfferRefused::NothingChosen | OfferRefused::CannotBeLinked | OfferRefused::NoMfa => context::go_to(&here),
            }
            context::say_refused(w.offer_refused(refused)).await
        }
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// What a tick says; no name has a space.
#[cfg(feature = "ssr")]
fn place(tick: &str) -> Option<(crate::domain::ids::HostName, crate::domain::ids::AccountName)> {
    use crate::domain::ids::{AccountName, HostName};
    let (host, account) = tick.split_once(' ')?;
    HostName::parse(host).ok().zip(AccountName::parse(account).ok())
}
