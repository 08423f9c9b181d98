//! The tenant's identity providers.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::provider::{MfaEvidence, Newcomers};
use crate::domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderItem {
    pub id: String,
    /// What its button says.
    pub display_name: String,
    /// The name of its profile.
    pub kind: String,
    pub base: String,
    pub client_id: String,
    pub enabled: bool,
    pub updated_at: Timestamp,
}

/// A provider in full, but for its client's secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderDetail {
    pub provider: ProviderItem,
    pub has_secret: bool,
    pub scope: Option<String>,
    /// What its kind is asked for.
    pub usual_scope: String,
    pub newcomers: Newcomers,
    /// Its kind lets nobody new in.
    pub known_people_only: bool,
    pub mfa: MfaEvidence,
    pub own_names: bool,
    /// What is to be registered there.
    pub redirect: String,
    /// Where it sends them who have signed out there, and where it says that somebody has.
    pub signed_out: String,
    pub ended: String,
    pub people: i64,
    /// Those who have no other way in.
    pub only_there: i64,
}

/// What a tenant decides of a provider, as the form has it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderForm {
    /// When the provider had been changed last, as the form knew it: milliseconds.
    pub seen: i64,
    pub enabled: String,
    pub display_name: String,
    pub scope: String,
    /// `open`, `invited`, or `rule`: with `claim` and `values`.
    pub newcomers: String,
    pub claim: String,
    pub values: String,
    pub mfa_always: String,
    pub mfa_acr: String,
    pub mfa_amr: String,
    pub own_names: String,
}

#[server(prefix = "/api", endpoint = "admin/providers/list")]
pub async fn list_providers() -> Result<Vec<ProviderItem>, ServerFnError> {
    use crate::server::context;
    let listed = context::services()?.list_providers(&context::admin()?).await.map_err(context::fault)?;
    Ok(listed.into_iter().map(ProviderItem::from).collect())
}

#[server(prefix = "/api", endpoint = "admin/providers/find")]
pub async fn find_provider(#[server(default)] provider: String) -> Result<Option<ProviderDetail>, ServerFnError> {
    use crate::domain::ids::ProviderId;
    use crate::server::context;
    let (services, admin) = (context::services()?, context::admin()?);
    let Ok(id) = ProviderId::parse(provider) else { return Ok(None) };
    let Some(found) = services.provider_account(&admin, &id).await.map_err(context::fault)? else { return Ok(None) };
    let profile = services.profiles().into_iter().find(|(name, _)| *name == found.provider.profile).map(|(_, profile)| profile);
    Ok(Some(ProviderDetail {
        has_secret: found.has_secret,
        scope: found.provider.scope.clone(),
        usual_scope: profile.as_ref().map(|profile| profile.scope.clone()).unwrap_or_default(),
        newcomers: found.provider.newcomers.clone(),
        known_people_only: profile.is_some_and(|profile| profile.known_people_only),
        mfa: found.provider.mfa.clone(),
        own_names: found.provider.own_names,
        redirect: services.redirect_address(admin.tenant_id(), &id),
        signed_out: services.signed_out_address(),
        ended: services.ended_address(admin.tenant_id(), &id),
        people: found.people,
        only_there: found.only_there,
        provider: found.provider.into(),
    }))
}

/// Asks a provider, and adds it if it answers. Nobody new comes from there before somebody says who may.
#[server(prefix = "/api", endpoint = "admin/providers/add")]
pub async fn add_provider(
    #[server(default)] provider: String,
    #[server(default)] display_name: String,
    #[server(default)] kind: String,
    #[server(default)] base: String,
    #[server(default)] client_id: String,
    #[server(default)] secret: String,
) -> Result<(), ServerFnError> {
    use crate::domain::ids::ProviderId;
    use crate::domain::paths::{ADMIN_PROVIDER, ADMIN_PROVIDERS_ADD, Onward, encoded};
    use crate::domain::readable::{self, hides_something, is_readable};
    use crate::server::context::providers::{NewProvider, ProviderRefused};
    use crate::server::context::{self, Error, Secret};
    let (services, admin, w) = (context::services()?, context::admin()?, context::words());
    let typed = [("provider", &provider), ("display_name", &display_name), ("kind", &kind), ("base", &base), ("client_id", &client_id)];
    // Back to the form with what was typed, but for the secret.
    let typed = typed.iter().filter(|(_, value)| !value.trim().is_empty());
    let typed: Vec<String> = typed.map(|(name, value)| format!("{name}={}", encoded(value.trim()))).collect();
    let form = Onward::wanted(&format!("{ADMIN_PROVIDERS_ADD}?{}", typed.join("&")));
    context::go_on(&if typed.is_empty() || form == Onward::default() { Onward::to(ADMIN_PROVIDERS_ADD) } else { form });
    let (display_name, base, client_id, secret) = (display_name.trim(), base.trim(), client_id.trim(), secret.trim());
    let profile = services.profiles().into_iter().find(|(name, _)| *name == kind).map(|(_, profile)| profile);
    let placed = profile.is_some_and(|profile| profile.base.is_some() || is_readable(base));
    let fits = placed && is_readable(client_id) && secret.len() <= 1_000;
    let (Ok(id), Ok(display_name), true) = (ProviderId::parse(provider.trim()), readable::name(display_name), fits) else {
        let hidden = [provider.trim(), display_name, base, client_id].into_iter().any(hides_something);
        return context::say_refused(if hidden { w.name_refused_invisible() } else { w.admin_providers_incomplete() }).await;
    };
    let new = NewProvider {
        id: id.clone(),
        display_name,
        profile: kind,
        base: base.to_owned(),
        client_id: client_id.to_owned(),
        client_secret: Some(secret).filter(|secret| !secret.is_empty()).map(Secret::given),
        scope: None,
        newcomers: Newcomers::Invited,
        mfa: MfaEvidence::default(),
        own_names: false,
        // Whoever says where a list is gets the tokens of those who come: that is the operator.
        resources: None,
    };
    match services.add_provider(&admin, new).await {
        Ok(_) => {
            context::back_to(ADMIN_PROVIDER, "provider", id.as_str());
            context::say(w.admin_providers_added()).await
        }
        Err(Error::Refused(ProviderRefused::Trouble(trouble))) => context::say_refused(w.provider_trouble(&trouble)).await,
        Err(Error::Refused(ProviderRefused::Exists)) => context::say_refused(w.admin_providers_exists()).await,
        Err(Error::Refused(ProviderRefused::Gone)) => context::say_refused(w.admin_gone()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Saves what the tenant decides of a provider.
#[server(prefix = "/api", endpoint = "admin/providers/set-up")]
pub async fn set_up_provider(#[server(default)] provider: String, #[server(default)] set_up: ProviderForm) -> Result<(), ServerFnError> {
    use crate::domain::ids::ProviderId;
    use crate::domain::paths::{ADMIN_PROVIDER, ADMIN_PROVIDERS};
    use crate::domain::readable::hides_something;
    use crate::server::context;
    let (services, admin, w) = (context::services()?, context::admin()?, context::words());
    context::see_other(ADMIN_PROVIDERS);
    let Ok(id) = ProviderId::parse(provider) else { return Ok(()) };
    context::back_to(ADMIN_PROVIDER, "provider", id.as_str());
    let seen = Timestamp::from_millis(set_up.seen);
    if hides_something(&set_up.display_name) {
        return context::say_refused(w.name_refused_invisible()).await;
    }
    let Some(edit) = set_up.into_edit() else { return context::say_refused(w.admin_providers_bad_set_up()).await };
    context::say_edited(services.set_up_provider(&admin, &id, Some(seen), edit).await).await
}

/// Gives a provider's client another secret.
#[server(prefix = "/api", endpoint = "admin/providers/secret")]
pub async fn replace_secret(#[server(default)] provider: String, #[server(default)] secret: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::ProviderId;
    use crate::domain::paths::{ADMIN_PROVIDER, ADMIN_PROVIDERS};
    use crate::server::context::{self, Secret};
    let (services, admin, w) = (context::services()?, context::admin()?, context::words());
    context::see_other(ADMIN_PROVIDERS);
    let Ok(id) = ProviderId::parse(provider) else { return Ok(()) };
    context::back_to(ADMIN_PROVIDER, "provider", id.as_str());
    let secret = secret.trim();
    if secret.is_empty() || secret.len() > 1_000 {
        return context::say_refused(w.admin_providers_secret_needed()).await;
    }
    if services.replace_provider_secret(&admin, &id, &Secret::given(secret)).await.map_err(context::fault)? {
        context::say(w.admin_saved()).await
    } else {
        context::say_refused(w.admin_gone()).await
    }
}

/// Asks a provider what it says of itself.
#[server(prefix = "/api", endpoint = "admin/providers/test")]
pub async fn test_provider(#[server(default)] provider: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::ProviderId;
    use crate::domain::paths::{ADMIN_PROVIDER, ADMIN_PROVIDERS};
    use crate::server::context::providers::ProviderRefused;
    use crate::server::context::{self, Error};
    let (services, admin, w) = (context::services()?, context::admin()?, context::words());
    context::see_other(ADMIN_PROVIDERS);
    let Ok(id) = ProviderId::parse(provider) else { return Ok(()) };
    context::back_to(ADMIN_PROVIDER, "provider", id.as_str());
    match services.test_provider(&admin, &id).await {
        Ok(issuer) => context::say(w.admin_providers_answers(issuer)).await,
        Err(Error::Refused(ProviderRefused::Trouble(trouble))) => context::say_refused(w.provider_trouble(&trouble)).await,
        Err(Error::Refused(ProviderRefused::Gone | ProviderRefused::Exists)) => context::say_refused(w.admin_gone()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Removes a provider; who people are there stays known.
#[server(prefix = "/api", endpoint = "admin/providers/remove")]
pub async fn remove_provider(#[server(default)] provider: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::ProviderId;
    use crate::domain::paths::ADMIN_PROVIDERS;
    use crate::server::context;
    let (services, admin, w) = (context::services()?, context::admin()?, context::words());
    context::see_other(ADMIN_PROVIDERS);
    let Ok(id) = ProviderId::parse(provider) else { return Ok(()) };
    match services.remove_provider(&admin, &id).await {
        Ok(()) => context::say(w.admin_deleted(id.as_str())).await,
        refused => context::say_edited(refused).await,
    }
}

#[cfg(feature = "ssr")]
impl ProviderForm {
    /// `None`: something of it cannot be.
    fn into_edit(self) -> Option<impl FnOnce(&mut crate::domain::provider::Provider) + Send + 'static> {
        use crate::domain::readable;
        let line = |text: &str| text.len() <= 1_000 && !text.contains(char::is_control);
        let values = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let Self { display_name, scope, claim, mfa_acr, mfa_amr, .. } = &self;
        let name = readable::name(display_name).ok()?;
        let fine = [scope, claim, &self.values, mfa_acr, mfa_amr].into_iter().all(|text| line(text));
        let newcomers = match self.newcomers.as_str() {
            "rule" => Newcomers::parse(&format!("{}={}", claim.trim(), self.values)),
            plain => Newcomers::parse(plain),
        };
        let newcomers = newcomers.filter(|_| fine)?;
        let mfa = MfaEvidence { always: !self.mfa_always.is_empty(), acr: values(mfa_acr), amr: values(mfa_amr) };
        Some(move |provider: &mut crate::domain::provider::Provider| {
            provider.enabled = !self.enabled.is_empty();
            provider.display_name = name;
            provider.scope = Some(values(&self.scope).join(" ")).filter(|scope| !scope.is_empty());
            provider.newcomers = newcomers;
            provider.mfa = mfa;
            provider.own_names = !self.own_names.is_empty();
        })
    }
}

#[cfg(feature = "ssr")]
impl From<crate::domain::provider::Provider> for ProviderItem {
    fn from(provider: crate::domain::provider::Provider) -> Self {
        Self {
            id: provider.id.to_string(),
            display_name: provider.display_name,
            kind: provider.profile,
            base: provider.base,
            client_id: provider.client_id,
            enabled: provider.enabled,
            updated_at: provider.updated_at,
        }
    }
}
