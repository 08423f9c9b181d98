//! Authentication of clients (RFC 6749 §2.3, RFC 7523 §2.2).

use std::net::IpAddr;
use std::sync::Arc;

use futures_util::FutureExt;
use sha2::{Digest, Sha256};

use crate::domain::client::Client;
use crate::domain::client::registration::ClientAuthMethod;
use crate::domain::client_uris::ClientUriKind;
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::paths;
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::refused_request::{RefusedRequest, RefusedRequestReason};
use crate::domain::tenant::Tenant;
use crate::server::providers::client_keys::{ClientKeys, ClientKeysOwner, FetchedKeys};
use crate::server::service::admin::clients::{AuthenticationRefused, CLIENT_SECRET};
use crate::server::service::auth::client_assertions::{self, VerifiedAssertion};
use crate::server::service::auth::principals::AuthenticatedClient;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::clients::{ClientKey, ClientLookup, ClientWithSecrets};
use crate::server::storage::secret_hashes::OutdatedSecretOwner;
use crate::server::storage::{client_uris, used_assertions};

/// How a request proves that it comes from its client.
#[derive(Clone, Copy)]
pub enum ClientProof<'a> {
    /// Not at all, as public clients.
    None,
    Secret(&'a str),
    /// A JWT that the client signed.
    Assertion(&'a str),
}

/// Why a client that exists is refused.
struct ClientRefused {
    tenant: TenantId,
    failure: AuthenticationFailure,
    request: RefusedRequest,
}

impl ClientRefused {
    fn new(tenant: &Tenant, failure: AuthenticationFailure, request: impl Into<RefusedRequest>) -> Self {
        Self { tenant: tenant.id.clone(), failure, request: request.into() }
    }
}

enum Refusal {
    NoTenant,
    UnknownClient(TenantId),
    Client(ClientRefused),
}

impl Services {
    /// Authenticates a client by its secret. A public client has none; an empty one is treated as none, because some programs always send Basic
    /// credentials (docs/decisions/0005). Refused if tenant, id or secret is wrong, or the client authenticates with its keys.
    pub async fn authenticate_client(
        &self,
        tenant: &TenantId,
        id: &ClientId,
        secret: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<AuthenticatedClient, Error<AuthenticationRefused>> {
        let proof = secret.map_or(ClientProof::None, ClientProof::Secret);
        self.check_client(tenant, id, proof, from).await.map_err(|error| self.log_client_refusal(error, id, CredentialKind::ClientSecret, from).0)
    }

    /// Authenticates a client of the authorization server, in the way that is registered for it. A refusal is recorded for its tenant, if the
    /// client exists.
    pub async fn authenticate_oauth_client(
        &self,
        tenant: &TenantId,
        id: &ClientId,
        proof: ClientProof<'_>,
        from: Option<IpAddr>,
    ) -> Result<AuthenticatedClient, Error<AuthenticationRefused>> {
        let kind = match proof {
            ClientProof::Assertion(_) => CredentialKind::ClientAssertion,
            ClientProof::None | ClientProof::Secret(_) => CredentialKind::ClientSecret,
        };
        self.check_client(tenant, id, proof, from).await.map_err(|error| {
            let (refused, client) = self.log_client_refusal(error, id, kind, from);
            if let Some(ClientRefused { tenant, request, .. }) = client {
                self.record_refused_request(&tenant, id, &request, from);
            }
            refused
        })
    }

    /// Whether a program in a browser at this origin is one of a client's (RFC 6454), as it is registered.
    pub async fn is_origin_of_client(&self, tenant: &TenantId, client: &ClientId, origin: &str) -> Result<bool, Fault> {
        Ok(client_uris::is_origin_of_client(self.storage().reader(), tenant, client, origin).await?)
    }

    /// Whether it is one of any client's of a tenant, enabled both.
    pub async fn is_origin_of_tenant(&self, tenant: &TenantId, origin: &str) -> Result<bool, Fault> {
        Ok(client_uris::is_origin_of_tenant(self.storage().reader(), tenant, origin).await?)
    }

    /// Logs a refusal. The caller is not told more than `AuthenticationRefused`.
    fn log_client_refusal(
        &self,
        error: Error<Refusal>,
        id: &ClientId,
        kind: CredentialKind,
        from: Option<IpAddr>,
    ) -> (Error<AuthenticationRefused>, Option<ClientRefused>) {
        let refusal = match error {
            Error::Refused(refusal) => refusal,
            Error::Internal(fault) => return (Error::Internal(fault), None),
        };
        let log = |tenant: &TenantId, name, failure| {
            let tenant = ClaimedName::Registered(tenant.as_str());
            self.log_refusal(&RefusedAuthentication { kind, tenant, name, from, failure });
        };
        match refusal {
            Refusal::NoTenant => (Error::Refused(AuthenticationRefused::NoTenant), None),
            Refusal::UnknownClient(tenant) => {
                log(&tenant, ClaimedName::Unverified(id.as_str()), AuthenticationFailure::Unknown);
                (Error::Refused(AuthenticationRefused::InvalidCredentials), None)
            }
            Refusal::Client(client) => {
                log(&client.tenant, ClaimedName::Registered(id.as_str()), client.failure);
                (Error::Refused(AuthenticationRefused::InvalidCredentials), Some(client))
            }
        }
    }

    async fn check_client(
        &self,
        tenant: &TenantId,
        id: &ClientId,
        proof: ClientProof<'_>,
        from: Option<IpAddr>,
    ) -> Result<AuthenticatedClient, Error<Refusal>> {
        let ClientLookup { tenant, client } = self.storage().find_client(ClientKey { tenant_id: tenant.clone(), client_id: id.clone() }).await?;
        let tenant = tenant.filter(|tenant| tenant.enabled).ok_or(Error::Refused(Refusal::NoTenant))?;
        let registered = client.ok_or_else(|| Error::Refused(Refusal::UnknownClient(tenant.id.clone())))?;
        self.check_proof(&tenant, &registered, proof).await.map_err(|error| error.map_refused(Refusal::Client))?;
        Ok(AuthenticatedClient { client: registered.client, tenant, token_scope: None, from })
    }

    /// The two ways to send a secret stand for each other; any other method is the registered one, or none.
    async fn check_proof(&self, tenant: &Tenant, registered: &ClientWithSecrets, proof: ClientProof<'_>) -> Result<(), Error<ClientRefused>> {
        let ClientWithSecrets { client, secrets } = registered;
        let refuse = |failure, reason: RefusedRequestReason| Err(Error::Refused(ClientRefused::new(tenant, failure, reason)));
        if !client.enabled {
            return refuse(AuthenticationFailure::Disabled, RefusedRequestReason::ClientDisabled);
        }
        match (client.auth_method, proof) {
            (ClientAuthMethod::None, ClientProof::None | ClientProof::Secret("")) => Ok(()),
            (ClientAuthMethod::Secret, ClientProof::Secret(secret)) if !secret.is_empty() => {
                let owner = || OutdatedSecretOwner::Client(tenant.id.clone(), client.id.clone());
                let is_valid = secrets.as_ref().is_some_and(|hashes| self.accepts_secret(owner, CLIENT_SECRET, secret, hashes));
                if is_valid { Ok(()) } else { refuse(AuthenticationFailure::Wrong, RefusedRequestReason::SecretWrong) }
            }
            (ClientAuthMethod::PrivateKeyJwt, ClientProof::Assertion(assertion)) => self.check_assertion(tenant, client, assertion).await,
            (_, ClientProof::None | ClientProof::Secret("")) => refuse(AuthenticationFailure::Missing, RefusedRequestReason::CredentialsMissing),
            (_, ClientProof::Secret(_) | ClientProof::Assertion(_)) => refuse(AuthenticationFailure::NotAllowed, RefusedRequestReason::AuthMethod),
        }
    }

    /// Verifies an assertion, and remembers that it was used.
    async fn check_assertion(&self, tenant: &Tenant, client: &Client, assertion: &str) -> Result<(), Error<ClientRefused>> {
        let refused = |request: RefusedRequest| ClientRefused::new(tenant, AuthenticationFailure::Wrong, request);
        let VerifiedAssertion { id, expires_at } =
            self.verify_assertion(tenant, client, assertion).await.map_err(|error| error.map_refused(refused))?;
        let hash = token_id_hash("client assertion", &client.tenant_id, &client.id, &id);
        let is_new = self.write(move |db| async move { used_assertions::insert(db, &hash, expires_at).await }.boxed()).await?;
        if is_new { Ok(()) } else { Err(Error::Refused(refused(RefusedRequestReason::AssertionReplayed.into()))) }
    }

    async fn verify_assertion(&self, tenant: &Tenant, client: &Client, assertion: &str) -> Result<VerifiedAssertion, Error<RefusedRequest>> {
        let audiences = self.assertion_audiences(tenant, client);
        let verify = |keys: &ClientKeys| client_assertions::verify(assertion, &client.id, keys, &audiences, self.now());
        let verified = match &client.jwks {
            Some(registered) => {
                let keys = ClientKeys::parse(registered).map_err(Fault::new)?;
                verify(&keys)
            }
            None => {
                let published = self.published_keys(client, None).await?;
                match verify(&published.keys) {
                    // They may have changed since they were fetched.
                    Err(refused) if refused.reason == RefusedRequestReason::AssertionKey => {
                        verify(&self.published_keys(client, Some(&published)).await?.keys)
                    }
                    verified => verified,
                }
            }
        };
        verified.map_err(Error::Refused)
    }

    /// What an assertion of a client may name as its audience: the issuer (draft-ietf-oauth-rfc7523bis), and for old libraries the token
    /// endpoint (RFC 7523 §3).
    fn assertion_audiences(&self, tenant: &Tenant, client: &Client) -> Vec<String> {
        let issuer = self.issuer(&tenant.id);
        let endpoint = client.endpoint_audience.then(|| format!("{issuer}{}", paths::TOKEN));
        std::iter::once(issuer).chain(endpoint).collect()
    }

    /// The keys that a client publishes; `unsuitable`: the ones that did not verify.
    async fn published_keys(&self, client: &Client, unsuitable: Option<&Arc<FetchedKeys>>) -> Result<Arc<FetchedKeys>, Error<RefusedRequest>> {
        let no_keys = || Error::Refused(RefusedRequestReason::KeysUnavailable.into());
        let endpoint = client_uris::find_endpoint(self.storage().reader(), &client.tenant_id, &client.id, ClientUriKind::Jwks).await?;
        let endpoint = endpoint.ok_or_else(no_keys)?;
        let owner = ClientKeysOwner { tenant_id: client.tenant_id.clone(), client_id: client.id.clone() };
        let fetched = self.shared.providers.client_keys(owner, &endpoint, unsuitable, self.now()).await;
        fetched.map_err(|error| Error::Refused(RefusedRequest::new(RefusedRequestReason::KeysUnavailable).with(&error.truncated().to_string())))
    }

    /// The client that an assertion claims to be from, which is not verified; `None` if it names none.
    pub fn claimed_client(assertion: &str) -> Option<ClientId> {
        client_assertions::claimed_subject(assertion).and_then(|subject| ClientId::parse(subject).ok())
    }
}

/// What is stored of a token's identifier. It is no secret, so that its hash needs no key, which a rotation would replace.
pub(in crate::server::service) fn token_id_hash(kind: &str, tenant: &TenantId, client: &ClientId, id: &str) -> Vec<u8> {
    let mut hasher = Sha256::new();
    for part in [kind, tenant.as_str(), client.as_str(), id] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hasher.finalize().to_vec()
}
