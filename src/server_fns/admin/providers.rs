//! The tenant's identity providers.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::provider::claims::MfaEvidence;
use crate::domain::provider::provisioning::ProvisioningPolicy;
use crate::domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderItem {
    pub id: String,
    /// Label of its button.
    pub display_name: String,
    /// Name of its profile.
    pub kind: String,
    pub base: String,
    pub client_id: String,
    pub enabled: bool,
    pub updated_at: Timestamp,
}

/// A provider with all details except its client secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderDetail {
    pub provider: ProviderItem,
    pub has_secret: bool,
    pub scope: Option<String>,
    /// The default scope of its profile.
    pub usual_scope: String,
    pub provisioning: ProvisioningPolicy,
    /// Its profile admits existing users only.
    pub known_people_only: bool,
    pub mfa: MfaEvidence,
    pub own_names: bool,
    /// The redirect URI to register at the provider.
    pub redirect_uri: String,
    /// Post-logout redirect URI and back-channel logout URI to register.
    pub post_logout_redirect_uri: String,
    pub backchannel_logout_uri: String,
    pub people: i64,
    /// How many people have no other sign-in method.
    pub only_there: i64,
}

/// The tenant's settings of a provider, as the form sends them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderForm {
    /// When the provider was last changed, as of the form's rendering: milliseconds since 1970.
    pub seen: i64,
    pub enabled: String,
    pub display_name: String,
    pub scope: String,
    /// `open`, `invited`, or `rule` with `claim` and `values`.
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
    let Some(found) = services.provider_usage(&admin, &id).await.map_err(context::fault)? else { return Ok(None) };
    let profile = services.profiles().into_iter().find(|(name, _)| *name == found.provider.profile).map(|(_, profile)| profile);
    Ok(Some(ProviderDetail {
        has_secret: found.has_secret,
        scope: found.provider.scope.clone(),
        usual_scope: profile.as_ref().map(|profile| profile.scope.clone()).unwrap_or_default(),
        provisioning: found.provider.provisioning.clone(),
        known_people_only: profile.is_some_and(|profile| profile.known_people_only),
        mfa: found.provider.mfa.clone(),
        own_names: found.provider.own_names,
        redirect_uri: services.redirect_uri(admin.tenant_id(), &id),
        post_logout_redirect_uri: services.post_logout_redirect_uri(),
        backchannel_logout_uri: services.backchannel_logout_uri(admin.tenant_id(), &id),
        people: found.people,
        only_there: found.sole_sign_in,
        provider: found.provider.into(),
    }))
}

/// Tests a provider, and adds it if that succeeds. It admits no new users until the provisioning policy is set.
#[server(prefix = "/api", endpoint = "admin/providers/add")]
pub async fn add_provider(
    #[server(default)] provider: String,
    #[server(default)] display_name: String,
    #[server(default)] kind: String,
    #[server(default)] base: String,
    #[server(default)] client_id: String,
    #[server(default)] secret: String,
) -> Result<(), ServerFnError> {
    use crate::domain::display_text::{self, hides_something, is_valid};
    use crate::domain::ids::ProviderId;
    use crate::domain::paths::{ADMIN_PROVIDER, ADMIN_PROVIDERS_ADD, ReturnTo, encode};
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::service::admin::providers::{NewProvider, ProviderRefused};
    use crate::server::service::platform::rng::Secret;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    let typed = [("provider", &provider), ("display_name", &display_name), ("kind", &kind), ("base", &base), ("client_id", &client_id)];
    // Back to the form with what was entered, except the secret.
    let typed = typed.iter().filter(|(_, value)| !value.trim().is_empty());
    let typed: Vec<String> = typed.map(|(name, value)| format!("{name}={}", encode(value.trim()))).collect();
    let form = ReturnTo::from_untrusted(&format!("{ADMIN_PROVIDERS_ADD}?{}", typed.join("&")));
    context::redirect(&if typed.is_empty() || form == ReturnTo::default() { ReturnTo::to(ADMIN_PROVIDERS_ADD) } else { form });
    let (display_name, base, client_id, secret) = (display_name.trim(), base.trim(), client_id.trim(), secret.trim());
    let profile = services.profiles().into_iter().find(|(name, _)| *name == kind).map(|(_, profile)| profile);
    let placed = profile.is_some_and(|profile| profile.base.is_some() || is_valid(base));
    let fits = placed && is_valid(client_id) && secret.len() <= 1_000;
    let (Ok(id), Ok(display_name), true) = (ProviderId::parse(provider.trim()), display_text::parse_name(display_name), fits) else {
        let hidden = [provider.trim(), display_name, base, client_id].into_iter().any(hides_something);
        return context::flash_error(if hidden { t.name_refused_invisible() } else { t.admin_providers_incomplete() }).await;
    };
    let new = NewProvider {
        id: id.clone(),
        display_name,
        profile: kind,
        base_url: base.to_owned(),
        client_id: client_id.to_owned(),
        client_secret: Some(secret).filter(|secret| !secret.is_empty()).map(Secret::from_plaintext),
        scope: None,
        provisioning: ProvisioningPolicy::Invited,
        mfa: MfaEvidence::default(),
        own_names: false,
        // The account list receives people's access tokens, so only the operator sets its URL.
        upstream_hosts: None,
    };
    match services.add_provider(&admin, new).await {
        Ok(_) => {
            context::redirect_to_detail(ADMIN_PROVIDER, "provider", id.as_str());
            context::flash_success(t.admin_providers_added()).await
        }
        Err(Error::Refused(ProviderRefused::ProviderFailed(trouble))) => context::flash_error(t.provider_error(&trouble)).await,
        Err(Error::Refused(ProviderRefused::Exists)) => context::flash_error(t.admin_providers_exists()).await,
        Err(Error::Refused(ProviderRefused::NotFound)) => context::flash_error(t.admin_gone()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Saves the tenant's settings of a provider.
#[server(prefix = "/api", endpoint = "admin/providers/set-up")]
pub async fn set_up_provider(#[server(default)] provider: String, #[server(default)] set_up: ProviderForm) -> Result<(), ServerFnError> {
    use crate::domain::display_text::hides_something;
    use crate::domain::ids::ProviderId;
    use crate::domain::paths::{ADMIN_PROVIDER, ADMIN_PROVIDERS};
    use crate::server::context;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_PROVIDERS);
    let Ok(id) = ProviderId::parse(provider) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_PROVIDER, "provider", id.as_str());
    let seen = Timestamp::from_millis(set_up.seen);
    if hides_something(&set_up.display_name) {
        return context::flash_error(t.name_refused_invisible()).await;
    }
    let Some(edit) = set_up.into_edit() else { return context::flash_error(t.admin_providers_bad_set_up()).await };
    context::flash_edit_result(services.edit_provider(&admin, &id, Some(seen), edit).await).await
}

/// Replaces the client secret of a provider.
#[server(prefix = "/api", endpoint = "admin/providers/secret")]
pub async fn replace_secret(#[server(default)] provider: String, #[server(default)] secret: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::ProviderId;
    use crate::domain::paths::{ADMIN_PROVIDER, ADMIN_PROVIDERS};
    use crate::server::context;
    use crate::server::service::platform::rng::Secret;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_PROVIDERS);
    let Ok(id) = ProviderId::parse(provider) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_PROVIDER, "provider", id.as_str());
    let secret = secret.trim();
    if secret.is_empty() || secret.len() > 1_000 {
        return context::flash_error(t.admin_providers_secret_needed()).await;
    }
    if services.replace_provider_secret(&admin, &id, &Secret::from_plaintext(secret)).await.map_err(context::fault)? {
        context::flash_success(t.admin_saved()).await
    } else {
        context::flash_error(t.admin_gone()).await
    }
}

/// Fetches a provider's metadata.
#[server(prefix = "/api", endpoint = "admin/providers/test")]
pub async fn test_provider(#[server(default)] provider: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::ProviderId;
    use crate::domain::paths::{ADMIN_PROVIDER, ADMIN_PROVIDERS};
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::service::admin::providers::ProviderRefused;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_PROVIDERS);
    let Ok(id) = ProviderId::parse(provider) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_PROVIDER, "provider", id.as_str());
    match services.test_provider(&admin, &id).await {
        Ok(issuer) => context::flash_success(t.admin_providers_answers(issuer)).await,
        Err(Error::Refused(ProviderRefused::ProviderFailed(trouble))) => context::flash_error(t.provider_error(&trouble)).await,
        Err(Error::Refused(ProviderRefused::NotFound | ProviderRefused::Exists)) => context::flash_error(t.admin_gone()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Removes a provider; linked identities are kept.
#[server(prefix = "/api", endpoint = "admin/providers/remove")]
pub async fn remove_provider(#[server(default)] provider: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::ProviderId;
    use crate::domain::paths::ADMIN_PROVIDERS;
    use crate::server::context;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_PROVIDERS);
    let Ok(id) = ProviderId::parse(provider) else { return Ok(()) };
    match services.remove_provider(&admin, &id).await {
        Ok(()) => context::flash_success(t.admin_deleted(id.as_str())).await,
        refused => context::flash_edit_result(refused).await,
    }
}

#[cfg(feature = "ssr")]
impl ProviderForm {
    /// `None`: a field is not valid.
    fn into_edit(self) -> Option<impl FnOnce(&mut crate::domain::provider::Provider) + Send + 'static> {
        use crate::domain::display_text;
        let line = |text: &str| text.len() <= 1_000 && !text.contains(char::is_control);
        let values = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let Self { display_name, scope, claim, mfa_acr, mfa_amr, .. } = &self;
        let name = display_text::parse_name(display_name).ok()?;
        let fine = [scope, claim, &self.values, mfa_acr, mfa_amr].into_iter().all(|text| line(text));
        let newcomers = match self.newcomers.as_str() {
            "rule" => ProvisioningPolicy::parse(&format!("{}={}", claim.trim(), self.values)),
            plain => ProvisioningPolicy::parse(plain),
        };
        let newcomers = newcomers.filter(|_| fine)?;
        let mfa = MfaEvidence { always: !self.mfa_always.is_empty(), acr: values(mfa_acr), amr: values(mfa_amr) };
        Some(move |provider: &mut crate::domain::provider::Provider| {
            provider.enabled = !self.enabled.is_empty();
            provider.display_name = name;
            provider.scope = Some(values(&self.scope).join(" ")).filter(|scope| !scope.is_empty());
            provider.provisioning = newcomers;
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
            base: provider.base_url,
            client_id: provider.client_id,
            enabled: provider.enabled,
            updated_at: provider.updated_at,
        }
    }
}
