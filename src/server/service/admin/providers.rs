//! A tenant's identity providers, as its administrators configure them. Logins through them: [`crate::server::service::auth::upstream_login`].

use std::collections::BTreeSet;

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::paths;
use crate::domain::provider::Provider;
use crate::domain::provider::claims::MfaEvidence;
use crate::domain::provider::profile::Profile;
use crate::domain::provider::provisioning::ProvisioningPolicy;
use crate::domain::time::Timestamp;
use crate::domain::upstream_accounts::UpstreamHosts;
use crate::server::providers::error::ProviderError;
use crate::server::service::admin::edit_refused::EditRefused;
use crate::server::service::auth::principals::{SignedIn, TenantAdmin};
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::people::EnabledSignInMethods;
use crate::server::storage::providers::ProviderWithSecret;
use crate::server::storage::{self, Connection, audit_log, people, person_groups, providers, tenants};

/// A provider to be added.
pub struct NewProvider {
    pub id: ProviderId,
    pub display_name: String,
    pub profile: String,
    pub base_url: String,
    pub client_id: String,
    pub client_secret: Option<Secret>,
    pub scope: Option<String>,
    pub provisioning: ProvisioningPolicy,
    pub mfa: MfaEvidence,
    pub own_names: bool,
    pub upstream_hosts: Option<UpstreamHosts>,
}

/// Why a provider is not added, or its test failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderRefused {
    Exists,
    NotFound,
    ProviderFailed(ProviderError),
}

/// A provider and its use.
pub struct ProviderUsage {
    pub provider: Provider,
    /// Whether it authenticates this portal by a secret; otherwise the portal is a public client.
    pub has_secret: bool,
    /// Number of people with an identity there.
    pub people: i64,
    /// Number of those without another sign-in method.
    pub sole_sign_in: i64,
}

impl Services {
    pub async fn list_providers(&self, admin: &TenantAdmin) -> Result<Vec<Provider>, Fault> {
        Ok(providers::list(self.storage().reader(), admin.tenant_id()).await?)
    }

    pub async fn provider_usage(&self, admin: &TenantAdmin, id: &ProviderId) -> Result<Option<ProviderUsage>, Fault> {
        let (db, tenant) = (self.storage().reader(), admin.tenant_id());
        let Some(ProviderWithSecret { provider, secret_sealed }) = providers::find(db, tenant, id).await? else { return Ok(None) };
        let others: Vec<Provider> = providers::list(db, tenant).await?.into_iter().filter(|other| other.id != *id).collect();
        let others = self.enabled_sign_in_methods(admin.policy().local_passwords, &others);
        let (people, only_there) = people::count_of_issuers(db, tenant, &self.issuer_spellings(&provider), &others).await?;
        Ok(Some(ProviderUsage { provider, has_secret: secret_sealed.is_some(), people, sole_sign_in: only_there }))
    }

    /// Names and profiles of the kinds of providers.
    pub fn profiles(&self) -> Vec<(String, Profile)> {
        self.shared.providers.profiles().all().map(|(name, profile)| (name.to_owned(), profile.clone())).collect()
    }

    /// The provider's display name and the URL of its help page, if it has one.
    pub async fn provider_help(&self, tenant: &TenantId, id: &ProviderId) -> Result<Option<(String, String)>, Fault> {
        let provider = providers::find(self.storage().reader(), tenant, id).await?.map(|stored| stored.provider);
        let help = provider.as_ref().and_then(|provider| self.shared.providers.profile(provider).ok()?.help.clone());
        Ok(provider.map(|provider| provider.display_name).zip(help))
    }

    /// The redirect URI to register at the provider.
    pub fn redirect_uri(&self, tenant: &TenantId, provider: &ProviderId) -> String {
        format!("{}{}", self.public_url(), paths::upstream_callback(tenant, provider))
    }

    /// Adds a provider. Refused if it does not respond correctly or, unless an operator adds it, if it is on a private network.
    pub async fn add_provider(&self, admin: &TenantAdmin, new: NewProvider) -> Result<Provider, Error<ProviderRefused>> {
        let now = self.now();
        let provider = Provider {
            tenant_id: admin.tenant_id().clone(),
            id: new.id,
            display_name: new.display_name,
            profile: new.profile,
            base_url: new.base_url,
            client_id: new.client_id,
            scope: new.scope,
            provisioning: new.provisioning,
            mfa: new.mfa,
            own_names: new.own_names,
            upstream_hosts: new.upstream_hosts,
            group_claim: None,
            enabled: true,
            unrestricted_egress: admin.is_operator(),
            created_at: now,
            updated_at: now,
        };
        // Reported before waiting for the provider's response; the cached metadata of the existing one are kept.
        if providers::find(self.storage().reader(), &provider.tenant_id, &provider.id).await?.is_some() {
            return Err(Error::Refused(ProviderRefused::Exists));
        }
        self.probe_provider(&provider, new.client_secret.as_ref()).await?;
        let secret_sealed = new.client_secret.map(|secret| self.seal(&sealing_context(&provider.tenant_id, &provider.id), &secret)).transpose()?;
        let stored = ProviderWithSecret { provider: provider.clone(), secret_sealed };
        let record = audit_event(admin, AuditKind::ProviderAdded, &provider.id, now);
        let added = self.write_audited(record, move |db| async move { providers::insert(db, &stored).await }.boxed()).await?;
        added.then_some(provider).ok_or(Error::Refused(ProviderRefused::Exists))
    }

    /// Changes a provider's settings; the audit event names what changed. `seen`: the state that the form showed; refused as stale if it
    /// differs from the current one.
    pub async fn edit_provider(
        &self,
        admin: &TenantAdmin,
        id: &ProviderId,
        seen: Option<Timestamp>,
        edit: impl FnOnce(&mut Provider) + Send + 'static,
    ) -> Result<(), Error<EditRefused>> {
        let (services, admin, id, now) = (self.clone(), admin.clone(), id.clone(), self.now());
        self.try_write(move |db| {
            async move {
                let found = providers::find(&mut *db, admin.tenant_id(), &id).await?.ok_or(Error::Refused(EditRefused::NotFound))?.provider;
                EditRefused::check_version(seen, found.updated_at)?;
                let mut provider = found.clone();
                edit(&mut provider);
                let changed = provider.differences(&found);
                if changed.is_empty() {
                    return Ok(());
                }
                let before = services.count_admins(db, admin.tenant_id()).await?;
                providers::update(db, &provider, now).await?;
                if provider.group_claim != found.group_claim {
                    delete_unlisted_groups(db, admin.tenant_id()).await?;
                }
                services.ensure_admin_remains(db, &admin, before).await?;
                let record = audit_event(&admin, AuditKind::ProviderChanged, &id, now).subject(format!("{id}: {}", changed.join(" ")));
                audit_log::insert(db, &record).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Replaces the client secret for a provider. False if there is no such provider.
    pub async fn replace_provider_secret(&self, admin: &TenantAdmin, id: &ProviderId, secret: &Secret) -> Result<bool, Fault> {
        let (tenant, id, now) = (admin.tenant_id().clone(), id.clone(), self.now());
        let sealed = self.seal(&sealing_context(&tenant, &id), secret)?;
        let record = audit_event(admin, AuditKind::ProviderChanged, &id, now).subject(format!("{id}: secret"));
        self.write_audited(record, move |db| async move { providers::set_secret(db, &tenant, &id, &sealed, now).await }.boxed()).await
    }

    /// Removes a provider: it can no longer be used to sign in. Its identities are kept, but not the groups that only it puts people into.
    pub async fn remove_provider(&self, admin: &TenantAdmin, id: &ProviderId) -> Result<(), Error<EditRefused>> {
        let (services, admin, id, now) = (self.clone(), admin.clone(), id.clone(), self.now());
        self.shared.providers.invalidate(admin.tenant_id(), &id);
        self.try_write(move |db| {
            async move {
                let before = services.count_admins(db, admin.tenant_id()).await?;
                if !providers::delete(db, admin.tenant_id(), &id).await? {
                    return Err(Error::Refused(EditRefused::NotFound));
                }
                services.ensure_admin_remains(db, &admin, before).await?;
                delete_unlisted_groups(db, admin.tenant_id()).await?;
                audit_log::insert(db, &audit_event(&admin, AuditKind::ProviderRemoved, &id, now)).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Requests a provider's metadata. Returns its issuer; refused with the error.
    pub async fn test_provider(&self, admin: &TenantAdmin, id: &ProviderId) -> Result<String, Error<ProviderRefused>> {
        let stored = providers::find(self.storage().reader(), admin.tenant_id(), id).await?.ok_or(Error::Refused(ProviderRefused::NotFound))?;
        let secret = self.client_secret(&stored)?;
        self.probe_provider(&stored.provider, secret.as_ref()).await
    }

    /// The unsealed client secret.
    pub(in crate::server::service) fn client_secret(
        &self,
        ProviderWithSecret { provider, secret_sealed }: &ProviderWithSecret,
    ) -> Result<Option<Secret>, Fault> {
        secret_sealed.as_deref().map(|sealed| self.unseal(&sealing_context(&provider.tenant_id, &provider.id), sealed)).transpose()
    }

    async fn probe_provider(&self, provider: &Provider, client_secret: Option<&Secret>) -> Result<String, Error<ProviderRefused>> {
        let asked = self.shared.providers.test(provider, client_secret.map(Secret::reveal), self.now()).await;
        asked.map_err(|error| Error::Refused(ProviderRefused::ProviderFailed(error.truncated())))
    }

    /// Refuses a change that leaves no administrator who can sign in, if there were some (`before`), unless an operator makes it.
    async fn ensure_admin_remains(&self, db: &mut Connection, admin: &TenantAdmin, before: i64) -> Result<(), Error<EditRefused>> {
        if before > 0 && !admin.is_operator() && self.count_admins(db, admin.tenant_id()).await? == 0 {
            return Err(Error::Refused(EditRefused::NoAdminLeft));
        }
        Ok(())
    }

    /// The number of administrators of a tenant who can sign in now.
    pub(in crate::server::service) async fn count_admins(&self, db: &mut Connection, tenant: &TenantId) -> Result<i64, storage::Error> {
        let passwords = tenants::find(&mut *db, tenant).await?.is_some_and(|tenant| tenant.policy.local_passwords);
        let doors = self.enabled_sign_in_methods(passwords, &providers::list(&mut *db, tenant).await?);
        people::count_admins(db, tenant, &doors).await
    }

    fn enabled_sign_in_methods(&self, passwords: bool, providers: &[Provider]) -> EnabledSignInMethods {
        let open = providers.iter().filter(|provider| provider.enabled);
        EnabledSignInMethods { passwords, issuers: open.flat_map(|provider| self.issuer_spellings(provider)).collect() }
    }

    /// The identities with which the person can sign in: the enabled providers at which they have one, and whether they have a local
    /// password.
    pub async fn sign_in_methods(&self, person: &SignedIn) -> Result<(Vec<Provider>, bool), Fault> {
        let mut found = self.enabled_providers(person.tenant_id()).await?;
        let identities = self.list_my_identities(person).await?;
        found.retain(|provider| self.issuer_spellings(provider).iter().any(|issuer| identities.iter().any(|identity| identity.issuer == *issuer)));
        let stored = people::find(self.storage().reader(), person.tenant_id(), person.user_id()).await?;
        Ok((found, person.tenant().policy.local_passwords && stored.is_some_and(|stored| stored.password_hash.is_some())))
    }

    fn issuer_spellings(&self, provider: &Provider) -> Vec<String> {
        let issuer = self.shared.providers.profile(provider).map(|profile| profile.issuer(&provider.base_url));
        issuer.map(|issuer| vec![format!("{issuer}/"), issuer]).unwrap_or_default()
    }
}

pub(in crate::server::service) fn sealing_context(tenant: &TenantId, id: &ProviderId) -> String {
    format!("{tenant}\n{id}")
}

/// Deletes people's memberships in groups that no provider puts people into any more: they would stay until the person signs in again.
async fn delete_unlisted_groups(db: &mut Connection, tenant: &TenantId) -> Result<(), storage::Error> {
    let claims = providers::list(&mut *db, tenant).await?.into_iter().filter_map(|provider| provider.group_claim);
    let listed: BTreeSet<_> = claims.flat_map(|claim| claim.groups.into_values()).collect();
    person_groups::delete_claimed_except(db, tenant, &listed).await
}

fn audit_event(admin: &TenantAdmin, kind: AuditKind, id: &ProviderId, now: Timestamp) -> AuditEvent {
    AuditEvent::new(admin.tenant_id().clone(), kind, now).subject(id.as_str()).admin(Some(admin.admin_id())).from(admin.from())
}
