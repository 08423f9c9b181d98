//! How administrators and the operator set up clients: grant types, addresses, authentication, keys, rules.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::client::Client;
use crate::domain::client::registration::{ClientAuthMethod, ClientSettingsRefused, JwksRefused, PkceRule};
use crate::domain::client_uris::{ClientEndpoint, ClientUriKind, ClientUris};
use crate::domain::ids::ClientId;
use crate::domain::time::Timestamp;
use crate::server::providers::client_keys::ClientKeys;
use crate::server::providers::error::ProviderError;
use crate::server::service::admin::clients::CLIENT_SECRET;
use crate::server::service::admin::edit_refused::EditRefused;
use crate::server::service::auth::principals::TenantAdmin;
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Error, Services};
use crate::server::storage::{audit_log, client_uris, clients};

/// Stored in place of the hash of a secret for a client that has none because it authenticates with its keys.
const NO_SECRET: &[u8] = &[];

/// Why a client is not set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientEditRefused {
    /// It does not exist, or was changed meanwhile.
    Edit(EditRefused),
    Settings(ClientSettingsRefused),
    Keys(JwksRefused),
}

impl From<Error<EditRefused>> for Error<ClientEditRefused> {
    fn from(error: Error<EditRefused>) -> Self {
        error.map_refused(ClientEditRefused::Edit)
    }
}

impl From<ClientSettingsRefused> for Error<ClientEditRefused> {
    fn from(refused: ClientSettingsRefused) -> Self {
        Self::Refused(ClientEditRefused::Settings(refused))
    }
}

/// Why a client is not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddClientRefused {
    /// The tenant has a client of that id, or of that name and version.
    Exists,
    Settings(ClientEditRefused),
}

/// Why the keys that a client publishes cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestKeysRefused {
    /// No URL is registered.
    NoUrl,
    Failed(ProviderError),
}

impl Services {
    /// Changes a client's settings; the audit event names those that changed. `seen`: the state that the form showed; refused as stale if it
    /// differs from the current one. Returns the secret of a client that has to have one now; it is shown once.
    pub async fn edit_client(
        &self,
        admin: &TenantAdmin,
        id: &ClientId,
        seen: Option<Timestamp>,
        edit: impl FnOnce(&mut Client, &mut ClientUris) + Send + 'static,
    ) -> Result<Option<Secret>, Error<ClientEditRefused>> {
        let (admin, id, now) = (admin.clone(), id.clone(), self.now());
        let (secret, hash) = self.new_secret(CLIENT_SECRET);
        let work = self.try_write(move |db| {
            async move {
                let tenant = admin.tenant_id().clone();
                let found = clients::find(&mut *db, &tenant, &id).await?.ok_or(Error::Refused(ClientEditRefused::Edit(EditRefused::NotFound)))?;
                let before = Registration { client: found.client, uris: client_uris::find(&mut *db, &tenant, &id).await? };
                EditRefused::check_version(seen, before.client.updated_at)?;
                let mut after = before.clone();
                edit(&mut after.client, &mut after.uris);
                after.complete(&admin, &before, now)?;
                let changed = [after.client.differences(&before.client), after.uris.differences(&before.uris)].concat().join(" ");
                if changed.is_empty() {
                    return Ok(false);
                }
                let method_changed = after.client.auth_method != before.client.auth_method;
                if method_changed {
                    clients::replace_secret(db, &tenant, &id, stored_secret(after.client.auth_method, &hash)).await?;
                }
                clients::update(db, &after.client, now).await?;
                if after.uris != before.uris {
                    client_uris::replace(db, &tenant, &id, &after.uris).await?;
                }
                let record = AuditEvent::new(tenant, AuditKind::ClientChanged, now).client(&id).subject(changed);
                audit_log::insert(db, &record.admin(Some(admin.admin_id())).from(admin.from)).await?;
                Ok(method_changed && after.client.auth_method == ClientAuthMethod::Secret)
            }
            .boxed()
        });
        Ok(work.await?.then_some(secret))
    }

    /// Registers a client with all its settings. Returns its secret, if it has one; it is shown once.
    pub async fn add_client(&self, admin: &TenantAdmin, client: Client, uris: ClientUris) -> Result<Option<Secret>, Error<AddClientRefused>> {
        let now = self.now();
        let mut new = Registration { client, uris };
        let blank = Registration {
            client: Client::new(new.client.tenant_id.clone(), new.client.id.clone(), &new.client.app_name, &new.client.app_version, now),
            uris: ClientUris::default(),
        };
        new.complete(admin, &blank, now).map_err(|error| error.map_refused(AddClientRefused::Settings))?;
        let (secret, hash) = self.new_secret(CLIENT_SECRET);
        let has_secret = new.client.auth_method == ClientAuthMethod::Secret;
        let record = AuditEvent::new(admin.tenant_id().clone(), AuditKind::ClientCreated, now).client(&new.client.id);
        let record = record.admin(Some(admin.admin_id())).from(admin.from);
        self.try_write(move |db| {
            async move {
                let Registration { client, uris } = new;
                if !clients::insert(db, &client, stored_secret(client.auth_method, &hash)).await? {
                    return Err(Error::Refused(AddClientRefused::Exists));
                }
                client_uris::replace(db, &client.tenant_id, &client.id, &uris).await?;
                audit_log::insert(db, &record).await?;
                Ok(())
            }
            .boxed()
        })
        .await?;
        Ok(has_secret.then_some(secret))
    }

    /// Fetches the keys that a client publishes, for those who set it up. Returns their ids.
    pub async fn test_client_keys(&self, admin: &TenantAdmin, id: &ClientId) -> Result<Vec<String>, Error<TestKeysRefused>> {
        let endpoint = client_uris::find_endpoint(self.storage().reader(), admin.tenant_id(), id, ClientUriKind::Jwks).await?;
        let endpoint = endpoint.ok_or(Error::Refused(TestKeysRefused::NoUrl))?;
        let fetched = self.shared.providers.fetch_client_keys(&endpoint).await;
        let keys = fetched.map_err(|error| Error::Refused(TestKeysRefused::Failed(error.truncated())))?;
        Ok(keys.ids().map(str::to_owned).collect())
    }
}

/// All that is registered of a client.
#[derive(Clone)]
struct Registration {
    client: Client,
    uris: ClientUris,
}

impl Registration {
    /// Completes what was changed from `before`, or refuses it.
    fn complete(&mut self, admin: &TenantAdmin, before: &Self, now: Timestamp) -> Result<(), Error<ClientEditRefused>> {
        let Self { client, uris } = self;
        client.verified &= !client.is_public();
        // The operator decides about the portal's own network.
        if !admin.is_operator() {
            restrict_egress(&mut uris.backchannel_logout, before.uris.backchannel_logout.as_ref());
            restrict_egress(&mut uris.jwks, before.uris.jwks.as_ref());
        }
        if client.pkce == PkceRule::Off && before.client.pkce != PkceRule::Off && !admin.is_operator() {
            return Err(ClientSettingsRefused::PkceOffByOperator.into());
        }
        client.check_settings(uris)?;
        if client.jwks != before.client.jwks {
            client.jwks.as_deref().map(ClientKeys::parse).transpose().map_err(|refused| Error::Refused(ClientEditRefused::Keys(refused)))?;
        }
        if self.ends_own_tokens(before) {
            self.client.end_own_tokens(now);
        }
        Ok(())
    }

    /// Whether the tokens that the client got for itself end: it is disabled, may not get them any more, or its credentials are replaced
    /// without overlap.
    fn ends_own_tokens(&self, before: &Self) -> bool {
        let (client, was) = (&self.client, &before.client);
        let disabled = was.enabled && !client.enabled;
        let not_allowed = was.grant_types.client_credentials && !client.grant_types.client_credentials;
        let keys_replaced = client.auth_method == ClientAuthMethod::PrivateKeyJwt && !self.keeps_keys_of(before);
        disabled || not_allowed || keys_replaced || client.auth_method != was.auth_method
    }

    /// Whether the keys that were accepted before still are.
    fn keeps_keys_of(&self, before: &Self) -> bool {
        let keys = |registration: &Self| registration.client.jwks.as_deref().and_then(|text| ClientKeys::parse(text).ok());
        let url = |registration: &Self| registration.uris.jwks.as_ref().map(|endpoint| endpoint.url.clone());
        let keeps_registered = keys(before).is_none_or(|before| keys(self).is_some_and(|now| before.are_within(&now)));
        keeps_registered && url(before).is_none_or(|before| url(self) == Some(before))
    }
}

/// An endpoint that was not registered before may not be on the portal's own network.
fn restrict_egress(endpoint: &mut Option<ClientEndpoint>, before: Option<&ClientEndpoint>) {
    if let Some(endpoint) = endpoint {
        endpoint.unrestricted_egress = before.is_some_and(|before| before.url == endpoint.url && before.unrestricted_egress);
    }
}

fn stored_secret(method: ClientAuthMethod, hash: &[u8]) -> Option<&[u8]> {
    match method {
        ClientAuthMethod::Secret => Some(hash),
        ClientAuthMethod::PrivateKeyJwt => Some(NO_SECRET),
        ClientAuthMethod::None => None,
    }
}
