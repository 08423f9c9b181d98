//! Authorization requests for people: what the consent page shows, the decision, and the change of account.

#![expect(clippy::too_many_arguments, reason = "the arguments are the fields of a form")]

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::consent::{ClientItem, LifetimeItem, NetworkProximity};
use super::host_accounts::HostAccountItem;
use super::resource_servers::ResourceItem;
use crate::domain::time::Timestamp;

/// An authorization request that waits for the person's decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationItem {
    /// The handle of the request.
    pub request: String,
    pub client: ClientItem,
    pub kind: AuthorizationItemKind,
    pub returns_to: ReturnsTo,
    /// What the client is told about the person.
    pub facts: Vec<Fact>,
    /// For a client that is told the name of an account on its host.
    pub username: Option<UsernameItem>,
    /// The program that pushed the request; `None` if it came from this browser.
    pub pushed: Option<RequestOriginItem>,
    pub expires_in_seconds: u64,
    /// What is requested and available now, as a `scope` parameter.
    pub scope: String,
    pub may_read_hosts: bool,
    pub may_read_keys: bool,
    pub may_create_keys: bool,
    pub may_revoke_keys: bool,
    pub may_stay_signed_in: bool,
    /// What it asks for at resource servers besides the TMS API.
    pub resources: Vec<ResourceItem>,
    pub host_accounts: Vec<HostAccountItem>,
    /// None: it ends with the browser session.
    pub lifetimes: Vec<LifetimeItem>,
    /// The "I started this" checkbox is required.
    pub confirmation_required: bool,
    pub can_be_remembered: bool,
    /// How many people allowed the client something before, and since when; `None` for a verified client.
    pub allowed_before: Option<(i64, Option<Timestamp>)>,
}

impl AuthorizationItem {
    /// Whether the client asks for anything of the TMS API.
    pub fn delegates(&self) -> bool {
        self.may_read_hosts || self.may_read_keys || self.may_create_keys || self.may_revoke_keys
    }

    /// Whether the person has no host account for what is asked.
    pub fn needs_host_account(&self) -> bool {
        self.host_accounts.is_empty() && (self.may_create_keys || self.may_read_hosts)
    }

    /// Whether the person cannot sign in to the client, because they have no account on its host.
    pub fn lacks_username(&self) -> bool {
        self.username.as_ref().is_some_and(|username| username.accounts.is_empty())
    }
}

/// The host of a client, under whose account names people arrive there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsernameItem {
    pub host: String,
    /// The person's active accounts there.
    pub accounts: Vec<HostAccountItem>,
}

/// Which of the consent pages is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthorizationItemKind {
    /// An application asks to act for the person, and possibly who they are.
    Delegation {
        /// *Sign in only* is possible.
        with_sign_in: bool,
        /// It asks for something of the TMS API; otherwise for access to other resource servers only.
        to_hosts: bool,
    },
    /// An application asks who the person is.
    SignIn,
    /// A public client: any program can claim to be it.
    Program,
}

/// Where the browser returns to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReturnsTo {
    Host(String),
    /// A program on the person's computer.
    ThisComputer,
}

/// A fact about the person, as the client is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    UserName(String),
    Name(String),
    Email(String),
    Groups(Vec<String>),
}

/// A program's request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestOriginItem {
    pub at: Timestamp,
    pub from: Option<String>,
    /// That address compared with this browser's.
    pub proximity: NetworkProximity,
    /// The program's user agent, as sent.
    pub agent: String,
}

/// Allows (`allow`, `sign_in`: the sign-in only), denies (`deny`) or reports (`report`) a request. A repeated submission gets the first one's
/// result. A refusal is shown on the request's own page.
#[server(prefix = "/api", endpoint = "authorize/decide")]
pub async fn decide_authorization(
    #[server(default)] request: String,
    #[server(default)] decision: String,
    #[server(default)] lifetime: String,
    #[server(default)] accounts: String,
    #[server(default)] host_accounts: Vec<String>,
    #[server(default)] username_account: String,
    #[server(default)] started_this: String,
    #[server(default)] remember: String,
    #[server(default)] shown: Option<String>,
    #[server(default)] lang: String,
    #[server(default)] account: String,
) -> Result<(), ServerFnError> {
    use crate::domain::device_grant::DecisionRefused::{AlreadyDecided, Expired, NotAllowed, NotConfirmed, NotYours};
    use crate::domain::ids::HostAccountId;
    use crate::domain::paths::{self, AUTHORIZE, ReturnTo};
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::service::code_flow::decisions::AuthorizationConsent;
    use crate::server::sign_in::session::flash::{Flash, FlashTarget};
    use crate::server_fns::consent;
    let (services, caller, person) = (context::services()?, context::request_context()?, context::signed_in()?);
    context::see_other(AUTHORIZE);
    if !paths::is_handle(&request) {
        return Ok(());
    }
    let language = Some(lang.as_str()).filter(|lang| !lang.is_empty());
    // Checked as other pages to return to.
    let here = ReturnTo::from_untrusted(&paths::authorize_with(&request, language, account == "kept"));
    context::redirect(&here);
    let decided = match decision.as_str() {
        "allow" | "sign_in" => {
            // Only before allowing: denying requires nothing.
            let Some(consenting) = context::require_consent_authorization(&here)? else { return Ok(()) };
            // Access that ends with the browser session has no lifetime to choose.
            let lifetime = if lifetime.is_empty() { "0" } else { lifetime.as_str() };
            match consent::parse(lifetime, &consent::chosen_accounts(&accounts, host_accounts), &started_this, shown.as_deref()) {
                Ok(consent) => {
                    let selected = AuthorizationConsent {
                        consent,
                        username_account: HostAccountId::parse(username_account).ok(),
                        sign_in_only: decision == "sign_in",
                        remember: remember == "yes",
                    };
                    services.allow_authorization(&consenting, &request, selected).await
                }
                Err(refused) => Err(Error::Refused(refused)),
            }
        }
        "deny" | "report" => services.deny_authorization(&person, &request, decision == "report").await,
        _ => return Ok(()),
    };
    match decided {
        Ok(()) | Err(Error::Refused(AlreadyDecided)) => {
            context::redirect(&ReturnTo::from_untrusted(&paths::authorize_onward(&request, language)));
            Ok(())
        }
        // The page says why.
        Err(Error::Refused(NotYours | Expired | NotAllowed(_))) => Ok(()),
        Err(Error::Refused(refused)) => {
            let place = if refused == NotConfirmed { FlashTarget::Confirmation } else { FlashTarget::Consent };
            let flash = Flash::new(place, context::translations().decision_refused(refused));
            caller.session.set_flash(&flash.only_at(here.as_str())).await.map_err(context::fault)
        }
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Signs out and continues with another account, which may be one of another tenant. The request stays that of this browser session.
#[server(prefix = "/api", endpoint = "authorize/change-account")]
pub async fn change_account(#[server(default)] request: String, #[server(default)] lang: String) -> Result<(), ServerFnError> {
    use crate::domain::paths::{self, AUTHORIZE, ReturnTo};
    use crate::server::context;
    let (services, caller, person) = (context::services()?, context::request_context()?, context::signed_in()?);
    context::see_other(AUTHORIZE);
    let Some(tenant) = services.tenant_of_request(&request).await.map_err(context::fault)? else { return Ok(()) };
    let here = ReturnTo::from_untrusted(&paths::authorize(&request, Some(lang.as_str()).filter(|lang| !lang.is_empty())));
    context::redirect_to_url(&paths::sign_in(Some(&tenant), &here));
    services.record_sign_out(&person).await.map_err(context::fault)?;
    caller.session.change_account(&tenant).await.map_err(context::fault)
}

#[cfg(feature = "ssr")]
mod items {
    use std::net::IpAddr;

    use super::{
        AuthorizationItem, AuthorizationItemKind, ClientItem, Fact, HostAccountItem, LifetimeItem, NetworkProximity, RequestOriginItem, ResourceItem,
        ReturnsTo, UsernameItem,
    };
    use crate::domain::redirect_uri::RedirectUri;
    use crate::domain::scope::Scope;
    use crate::domain::time::Timestamp;
    use crate::server::service::SignedIn;
    use crate::server::service::code_flow::next_step::PendingAuthorization;

    impl ReturnsTo {
        pub fn of(uri: &RedirectUri) -> Self {
            match uri.host() {
                Some(host) if !uri.is_native() => Self::Host(host.to_owned()),
                _ => Self::ThisComputer,
            }
        }
    }

    impl AuthorizationItem {
        pub fn new(handle: String, pending: PendingAuthorization, person: &SignedIn, browser: Option<IpAddr>, now: Timestamp) -> Self {
            let PendingAuthorization { request, scope, resources, servers, client, host_accounts, lifetimes, allowed_before, told, username, .. } =
                pending;
            let to_hosts = !scope.delegated().is_empty();
            let kind = match (client.public, to_hosts || !resources.is_empty()) {
                (true, _) => AuthorizationItemKind::Program,
                (false, true) => AuthorizationItemKind::Delegation { with_sign_in: !scope.sign_in().is_empty(), to_hosts },
                (false, false) => AuthorizationItemKind::SignIn,
            };
            let groups = told.groups.filter(|groups| !groups.is_empty());
            let user_name = Some(Fact::UserName(person.user_id().to_string()));
            let facts = [user_name, told.name.map(Fact::Name), told.email.map(Fact::Email), groups.map(Fact::Groups)];
            let source = &request.source;
            let pushed = request.pushed.is_some().then(|| RequestOriginItem {
                at: source.at,
                from: source.from.map(|from| from.to_string()),
                proximity: NetworkProximity::of(source.from, browser),
                agent: source.agent.clone(),
            });
            Self {
                request: handle,
                kind,
                returns_to: ReturnsTo::of(&request.target.redirect_uri),
                facts: facts.into_iter().flatten().collect(),
                username: username.map(|(host, accounts)| UsernameItem {
                    host: host.to_string(),
                    accounts: accounts.iter().map(|account| HostAccountItem::new(account, now)).collect(),
                }),
                pushed,
                expires_in_seconds: request.expires_at.since(now).as_secs(),
                may_read_hosts: scope.contains(Scope::HostsRead),
                may_read_keys: scope.contains(Scope::KeysRead),
                may_create_keys: scope.contains(Scope::KeysCreate),
                may_revoke_keys: scope.contains(Scope::KeysRevoke),
                may_stay_signed_in: scope.contains(Scope::OfflineAccess),
                scope: scope.to_string(),
                resources: ResourceItem::all(&resources, &servers),
                host_accounts: host_accounts.iter().map(|account| HostAccountItem::new(account, now)).collect(),
                lifetimes: lifetimes.into_iter().map(|lifetime| LifetimeItem::new(lifetime, now)).collect(),
                confirmation_required: pending.confirmation_required,
                can_be_remembered: pending.can_be_remembered,
                allowed_before: (!client.verified).then_some((allowed_before.people, allowed_before.since)),
                client: ClientItem::of(&client),
            }
        }
    }
}
