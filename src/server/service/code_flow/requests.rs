//! Authorization requests: from the browser (RFC 6749 §4.1.1) or pushed by the client (RFC 9126). They are checked and stored before anybody
//! signs in.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use crate::domain::authorization::RequestSource;
use crate::domain::authorization_request::{
    AnswerTarget, AuthorizationRequest, AuthorizationRequestState, PUSHED_LIFETIME, Parameters, REQUEST_LIFETIME, RequestContent, RequestProblem,
    Unanswerable,
};
use crate::domain::client::Client;
use crate::domain::client::registration::GrantType;
use crate::domain::ids::{AuthorizationRequestId, ClientId, TenantId};
use crate::domain::paths;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::domain::token_access::TargetRefused;
use crate::server::service::auth::principals::AuthenticatedClient;
use crate::server::service::platform::rng::Secret;
use crate::server::service::platform::sealing::open_under;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::authorization_requests::StoredRequest;
use crate::server::storage::{self, authorization_requests, client_uris, clients};
use crate::server::user_agent;

/// Kind under which the handles of requests are hashed.
pub(in crate::server::service) const REQUEST_HANDLE: &str = "authorization request";
/// What the content of a request is sealed for.
const SEALING_CONTEXT: &str = "tms-portal authorization request";
/// How the `request_uri` of a pushed request begins (RFC 9126 §2.2); its handle follows.
const REQUEST_URI_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// A request that was stored, for the address of its page.
pub struct StartedRequest {
    /// By which the page finds the request; only its HMAC is stored.
    pub handle: Secret,
    /// The language that the request asks for (`ui_locales`), in order of preference.
    pub ui_locales: Option<String>,
}

/// The response to a pushed request (RFC 9126 §2.2).
pub struct PushedRequest {
    pub request_uri: Secret,
    pub expires_in: Duration,
}

/// Why a pushed request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushRefused {
    Unanswerable(Unanswerable),
    Problem(RequestProblem),
    /// `request_uri` in a pushed request (RFC 9126 §2.1).
    HasRequestUri,
    /// `client_id` names another client than the one that authenticated.
    OtherClient,
}

/// What is sealed: the parts of a request that its client chose.
#[derive(Serialize, Deserialize)]
struct SealedContent {
    target: AnswerTarget,
    content: Result<RequestContent, RequestProblem>,
    silent: bool,
    ui_locales: Option<String>,
}

impl Services {
    /// Checks and stores a request from the browser, or opens a pushed one. Refused if it cannot be answered to its client; any other problem
    /// is stored with the request, because the client learns it only after the person has signed in.
    pub async fn start_authorization(
        &self,
        tenant: &Tenant,
        sent: &Parameters,
        from: Option<IpAddr>,
        agent: &str,
    ) -> Result<StartedRequest, Error<Unanswerable>> {
        let client = match self.requesting_client(&tenant.id, sent).await {
            Ok(client) => client,
            Err(Error::Refused(refused)) => {
                self.record_unanswerable(&tenant.id, sent, refused, from).await?;
                return Err(Error::Refused(refused));
            }
            Err(fault) => return Err(fault),
        };
        let source = source_of(self.now(), from, agent);
        let started = match sent.get("request_uri").and_then(|uri| uri.strip_prefix(REQUEST_URI_PREFIX)) {
            Some(handle) => self.open_pushed(&client, handle).await,
            None => self.store_request(&client, sent, source).await,
        };
        if let Err(Error::Refused(refused)) = &started {
            self.record_unanswerable(&tenant.id, sent, *refused, from).await?;
        }
        started
    }

    /// Checks and stores a pushed request.
    pub async fn push_authorization(
        &self,
        client: &AuthenticatedClient,
        sent: &Parameters,
        agent: &str,
    ) -> Result<PushedRequest, Error<PushRefused>> {
        let from = client.from;
        let client = client.client();
        let refused = |refused| Error::Refused(refused);
        if sent.get("request_uri").is_some() {
            return Err(refused(PushRefused::HasRequestUri));
        }
        if sent.is_repeated("client_id") || sent.get("client_id").is_some_and(|id| id != client.id.as_str()) {
            return Err(refused(PushRefused::OtherClient));
        }
        let checked = self.check_request(client, sent, true, from).await.map_err(|error| error.map_refused(PushRefused::Unanswerable));
        let (target, content) = match checked {
            Ok(checked) => checked,
            Err(error) => {
                if let Error::Refused(PushRefused::Unanswerable(unanswerable)) = &error {
                    self.record_unanswerable(&client.tenant_id, sent, *unanswerable, from).await?;
                }
                return Err(error);
            }
        };
        if let Err(problem) = content {
            self.record_problem(client, problem, from);
            return Err(refused(PushRefused::Problem(problem)));
        }
        let request = AuthorizationRequest {
            expires_at: self.now() + PUSHED_LIFETIME,
            ..self.new_request(client, target, content, is_silent(sent), source_of(self.now(), from, agent))?
        };
        let handle = self.insert_request(request, sent.get("ui_locales"), true).await?;
        let request_uri = Secret::from_plaintext(format!("{REQUEST_URI_PREFIX}{}", handle.reveal()));
        Ok(PushedRequest { request_uri, expires_in: PUSHED_LIFETIME })
    }

    /// The client that a request names, if it may use this flow.
    async fn requesting_client(&self, tenant: &TenantId, sent: &Parameters) -> Result<Client, Error<Unanswerable>> {
        let refused = |refused| Error::Refused(refused);
        if sent.is_repeated("client_id") || sent.is_repeated("request_uri") {
            return Err(refused(Unanswerable::Repeated));
        }
        let id = sent.get("client_id").ok_or(refused(Unanswerable::ClientMissing))?;
        let id = ClientId::parse(id).map_err(|_| refused(Unanswerable::ClientUnknown))?;
        let client = clients::find(self.storage().reader(), tenant, &id).await?.ok_or(refused(Unanswerable::ClientUnknown))?.client;
        match usable(&client) {
            Ok(()) => Ok(client),
            Err(unusable) => Err(refused(unusable)),
        }
    }

    async fn store_request(&self, client: &Client, sent: &Parameters, source: RequestSource) -> Result<StartedRequest, Error<Unanswerable>> {
        let from = source.from;
        let (target, content) = self.check_request(client, sent, false, from).await?;
        if let Err(problem) = &content {
            self.record_problem(client, *problem, from);
        }
        let request = self.new_request(client, target, content, is_silent(sent), source)?;
        let ui_locales = sent.get("ui_locales");
        Ok(StartedRequest { handle: self.insert_request(request, ui_locales, false).await?, ui_locales: ui_locales.map(str::to_owned) })
    }

    /// Opens a pushed request as a request of its own. What else stands in the address is ignored (RFC 9126 §4).
    async fn open_pushed(&self, client: &Client, handle: &str) -> Result<StartedRequest, Error<Unanswerable>> {
        let gone = Error::Refused(Unanswerable::PushedRequestGone);
        let Some((pushed, ui_locales)) = self.find_pushed(handle).await?.filter(|(pushed, _)| pushed.tenant_id == client.tenant_id) else {
            return Err(gone);
        };
        if pushed.client_id != client.id {
            return Err(Error::Refused(Unanswerable::PushedByOther));
        }
        if !pushed.is_waiting(self.now()) {
            return Err(gone);
        }
        let request =
            AuthorizationRequest { id: self.new_request_id()?, pushed: Some(pushed.id.clone()), expires_at: self.now() + REQUEST_LIFETIME, ..pushed };
        Ok(StartedRequest { handle: self.insert_request(request, ui_locales.as_deref(), false).await?, ui_locales })
    }

    async fn check_request(
        &self,
        client: &Client,
        sent: &Parameters,
        is_pushed: bool,
        from: Option<IpAddr>,
    ) -> Result<(AnswerTarget, Result<RequestContent, RequestProblem>), Error<Unanswerable>> {
        usable(client).map_err(Error::Refused)?;
        let uris = client_uris::find(self.storage().reader(), &client.tenant_id, &client.id).await?;
        let target = AnswerTarget::resolve(sent, &uris).map_err(Error::Refused)?;
        let requested = match self.requested_resources(client, sent.resources(), from).await {
            Ok(requested) => Some(requested),
            Err(Error::Refused(TargetRefused::Unknown | TargetRefused::NotGranted | TargetRefused::NotOne)) => None,
            Err(Error::Internal(fault)) => return Err(fault.into()),
        };
        let expected_person = sent.get("id_token_hint").and_then(|hint| self.hinted_person(&client.tenant_id, &client.id, hint));
        let content = RequestContent::check(sent, client, is_pushed, requested.as_ref());
        Ok((target, content.map(|content| RequestContent { expected_person, ..content })))
    }

    fn new_request(
        &self,
        client: &Client,
        target: AnswerTarget,
        content: Result<RequestContent, RequestProblem>,
        silent: bool,
        source: RequestSource,
    ) -> Result<AuthorizationRequest, Fault> {
        Ok(AuthorizationRequest {
            tenant_id: client.tenant_id.clone(),
            id: self.new_request_id()?,
            client_id: client.id.clone(),
            target,
            content,
            silent,
            expires_at: self.now() + REQUEST_LIFETIME,
            source,
            pushed: None,
            opened_by: None,
            state: AuthorizationRequestState::Waiting,
        })
    }

    fn new_request_id(&self) -> Result<AuthorizationRequestId, Fault> {
        AuthorizationRequestId::parse(self.new_id("arq")).map_err(Fault::new)
    }

    /// Stores a request, and returns its handle.
    async fn insert_request(&self, request: AuthorizationRequest, ui_locales: Option<&str>, is_pushed: bool) -> Result<Secret, Fault> {
        let handle = Secret::generate(self.rng());
        let hash = self.keys().hash(REQUEST_HANDLE, handle.reveal());
        let AuthorizationRequest { target, content, silent, .. } = request.clone();
        let content = SealedContent { target, content, silent, ui_locales: ui_locales.map(|locales| locales.chars().take(100).collect()) };
        let sealed = self.seal_under(SEALING_CONTEXT, handle.reveal(), &serde_json::to_vec(&content).map_err(Fault::new)?)?;
        self.write(move |db| async move { authorization_requests::insert(db, &request, is_pushed, &hash, &sealed).await }.boxed()).await?;
        Ok(handle)
    }

    /// All forms in which a handle may be stored. None for a text that is no handle.
    pub(in crate::server::service) fn handle_hashes(&self, handle: &str) -> Vec<Vec<u8>> {
        if paths::is_handle(handle) { self.keys().hashes(REQUEST_HANDLE, handle) } else { Vec::new() }
    }

    /// The tenant of a request.
    pub async fn tenant_of_request(&self, handle: &str) -> Result<Option<TenantId>, Fault> {
        Ok(self.find_opened(handle).await?.map(|request| request.tenant_id))
    }

    /// The user name that a request asks for (`login_hint`); it decides nothing.
    pub async fn login_hint(&self, handle: &str) -> Result<Option<String>, Fault> {
        Ok(self.find_opened(handle).await?.and_then(|request| request.content.ok()?.login_hint))
    }

    /// The request of a handle, other than a pushed one.
    pub(super) async fn find_opened(&self, handle: &str) -> Result<Option<AuthorizationRequest>, Fault> {
        for hash in self.handle_hashes(handle) {
            let found = authorization_requests::find_by_handle(self.storage().reader(), &hash).await?;
            if let Some(stored) = found.filter(|stored| !stored.is_pushed) {
                return open_stored(handle, stored).map(|(request, _)| Some(request));
            }
        }
        Ok(None)
    }

    /// The pushed request of a handle, and its languages.
    async fn find_pushed(&self, handle: &str) -> Result<Option<(AuthorizationRequest, Option<String>)>, Fault> {
        for hash in self.handle_hashes(handle) {
            let found = authorization_requests::find_by_handle(self.storage().reader(), &hash).await?;
            if let Some(stored) = found.filter(|stored| stored.is_pushed) {
                return open_stored(handle, stored).map(Some);
            }
        }
        Ok(None)
    }
}

/// Finds a request, other than a pushed one, by the hashes of its handle.
pub(in crate::server::service) async fn find_request(
    db: &mut storage::Connection,
    handle: &str,
    hashes: &[Vec<u8>],
) -> Result<Option<AuthorizationRequest>, Fault> {
    for hash in hashes {
        let found = authorization_requests::find_by_handle(&mut *db, hash).await?;
        if let Some(stored) = found.filter(|stored| !stored.is_pushed) {
            return open_stored(handle, stored).map(|(request, _)| Some(request));
        }
    }
    Ok(None)
}

/// The request with what was asked for, and its languages.
pub(in crate::server::service) fn open_stored(handle: &str, stored: StoredRequest) -> Result<(AuthorizationRequest, Option<String>), Fault> {
    let opened = open_under(SEALING_CONTEXT, handle, &stored.content_sealed)?;
    let SealedContent { target, content, silent, ui_locales } = serde_json::from_slice(&opened).map_err(Fault::new)?;
    let StoredRequest { tenant_id, id, client_id, source, pushed, expires_at, opened_by, state, .. } = stored;
    Ok((AuthorizationRequest { tenant_id, id, client_id, target, content, silent, source, pushed, expires_at, opened_by, state }, ui_locales))
}

/// Whether the client may use this flow now.
pub(in crate::server::service) fn usable(client: &Client) -> Result<(), Unanswerable> {
    match () {
        () if !client.enabled => Err(Unanswerable::ClientDisabled),
        () if !client.allows(GrantType::AuthorizationCode) => Err(Unanswerable::GrantNotAllowed),
        () => Ok(()),
    }
}

/// Whether no page may be shown, also if the request has another problem.
fn is_silent(sent: &Parameters) -> bool {
    sent.get("prompt").is_some_and(|prompt| prompt.split_ascii_whitespace().any(|word| word == "none"))
}

pub(super) fn source_of(at: Timestamp, from: Option<IpAddr>, agent: &str) -> RequestSource {
    RequestSource { at, from, agent: user_agent::stored(agent) }
}
