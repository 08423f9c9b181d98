//! The tenant's people.

use std::time::Duration;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::access_overview::LastSignIn;
use crate::domain::group::GroupMembership;
use crate::domain::pagination::{ListQuery, Page};
use crate::domain::time::Timestamp;
use crate::server_fns::host_accounts::HostAccountItem;
use crate::server_fns::identities::IdentityItem;
use crate::server_fns::sessions::SessionItem;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonItem {
    pub user: String,
    pub display_name: String,
    pub enabled: bool,
    pub admin: bool,
    pub has_password: bool,
    pub created_at: Timestamp,
    pub mfa: Option<MfaItem>,
}

/// A person's MFA record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MfaItem {
    pub enabled: bool,
    /// [`Timestamp::FOREVER`]: it does not expire.
    pub until: Timestamp,
    /// Whether it counts now: enabled and not expired.
    pub counts: bool,
}

/// A person with all details.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonDetail {
    pub person: PersonItem,
    pub host_accounts: Vec<HostAccountItem>,
    pub identities: Vec<IdentityItem>,
    pub sessions: Vec<SessionItem>,
    /// The newest sign-in; `None` if the audit log has none.
    pub last_sign_in: Option<LastSignIn>,
    pub email: Option<EmailItem>,
    pub groups: Vec<GroupMembership>,
    pub second_factors: Vec<FactorItem>,
    pub recovery_codes_left: i64,
    /// How long sign-in is still blocked after failed attempts.
    pub blocked_for: Option<Duration>,
}

/// An app or passkey that a person has enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorItem {
    /// The passkey's name; `None`: the authenticator app.
    pub passkey: Option<String>,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// A person's e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailItem {
    pub address: String,
    /// Whether an institution confirmed it; otherwise an administrator set it.
    pub from_institution: bool,
}

/// A page of the list. `show`: `enabled`, `disabled`, `admins`, `no-mfa`; `sort`: `made`.
#[server(prefix = "/api", endpoint = "admin/people/list")]
pub async fn list_people(#[server(default)] query: ListQuery) -> Result<Page<PersonItem>, ServerFnError> {
    use crate::server::context;
    let services = context::services()?;
    let listed = services.search_people(&context::admin()?, &query.params()).await.map_err(context::fault)?;
    let now = services.now();
    Ok(listed.map(|account| PersonItem::new(account, now)))
}

#[server(prefix = "/api", endpoint = "admin/people/find")]
pub async fn find_person(#[server(default)] user: String) -> Result<Option<PersonDetail>, ServerFnError> {
    use crate::domain::ids::UserId;
    use crate::server::context;
    let (services, admin) = (context::services()?, context::admin()?);
    let Ok(user) = UserId::parse(user) else { return Ok(None) };
    let Some(account) = services.person_detail(&admin, &user).await.map_err(context::fault)? else { return Ok(None) };
    let now = services.now();
    let accounts = services.host_accounts_of(&admin, &user).await.map_err(context::fault)?;
    let identities = services.identities_of(&admin, &user).await.map_err(context::fault)?;
    let sessions = services.sessions_of(&admin, &user).await.map_err(context::fault)?;
    let current = context::signed_in()?.session().session_id().clone();
    let factors = services.second_factors_of(admin.tenant_id(), &user).await.map_err(context::fault)?;
    let blocked_for = services.sign_in_blocked_for(&admin, &user).await.map_err(context::fault)?;
    let mail = services.mail_preferences_of(&admin, &user).await.map_err(context::fault)?;
    Ok(Some(PersonDetail {
        person: PersonItem::new(account, now),
        host_accounts: accounts.iter().map(|account| HostAccountItem::new(account, now)).collect(),
        identities: identities.into_iter().map(IdentityItem::from).collect(),
        sessions: sessions.into_iter().map(|session| SessionItem::new(session, Some(&current))).collect(),
        email: mail.and_then(|mail| Some(EmailItem { address: mail.address?.into(), from_institution: mail.issuer.is_some() })),
        groups: services.groups_of(&admin, &user).await.map_err(context::fault)?,
        last_sign_in: services.last_sign_in_of(&admin, &user).await.map_err(context::fault)?,
        blocked_for,
        recovery_codes_left: factors.recovery_codes_left,
        second_factors: FactorItem::all(factors),
    }))
}

/// Creates an account. If the tenant allows local passwords, its password is shown once.
#[server(prefix = "/api", endpoint = "admin/people/add")]
pub async fn add_person(#[server(default)] user: String, #[server(default)] display_name: String) -> Result<(), ServerFnError> {
    use crate::domain::display_text;
    use crate::domain::ids::UserId;
    use crate::domain::paths::{ADMIN_PEOPLE_ADD, ADMIN_PERSON};
    use crate::server::context;
    use crate::server::service::Error;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_PEOPLE_ADD);
    let Ok(user) = UserId::parse(user.trim()) else { return context::flash_error(t.id_refused(&[&user])).await };
    let given = if display_name.trim().is_empty() { user.as_str() } else { display_name.as_str() };
    let name = match display_text::parse_name(given) {
        Ok(name) => name,
        Err(why) => return context::flash_error(t.name_refused(why)).await,
    };
    let password = admin.policy().local_passwords.then(|| services.generate_password());
    match services.add_person(&admin, &user, &name, password.as_ref()).await {
        Ok(()) => {
            context::redirect_to_detail(ADMIN_PERSON, "user", user.as_str());
            match password {
                Some(password) => context::flash_secret(ADMIN_PERSON, t.admin_people_added_with_password(), &password).await,
                None => context::flash_success(t.admin_people_added()).await,
            }
        }
        Err(Error::Refused(_)) => context::flash_error(t.admin_people_exists()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Changes a person. `change`: `disable`, `enable`, `appoint`, `dismiss`, `password`, `end-sessions`, `allow-sign-in`, `open-mfa`,
/// `enable-mfa`, `disable-mfa`, `close-mfa`, `forget-factors`.
#[server(prefix = "/api", endpoint = "admin/people/change")]
pub async fn change_person(#[server(default)] user: String, #[server(default)] change: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::UserId;
    use crate::domain::paths::{ADMIN_PEOPLE, ADMIN_PERSON};
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::service::auth::people::PersonRefused;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    let there = |done: Result<bool, crate::server::service::Fault>| if done? { Ok(()) } else { Err(Error::Refused(PersonRefused::NoPerson)) };
    context::see_other(ADMIN_PEOPLE);
    let Ok(user) = UserId::parse(user) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_PERSON, "user", user.as_str());
    let minutes = i32::try_from(admin.policy().mfa_lifetime.as_secs() / 60).unwrap_or(i32::MAX);
    let done = match change.as_str() {
        "disable" => services.set_person_enabled(&admin, &user, false).await,
        "enable" => services.set_person_enabled(&admin, &user, true).await,
        "appoint" => services.set_admin_role(&admin, &user, true).await,
        "dismiss" => services.set_admin_role(&admin, &user, false).await,
        "password" if admin.policy().local_passwords => {
            let password = services.generate_password();
            match services.set_password(&admin, &user, &password).await {
                Ok(()) => return context::flash_secret(ADMIN_PERSON, t.admin_people_new_password(), &password).await,
                Err(error) => Err(error),
            }
        }
        "end-sessions" => there(services.end_sessions_of(&admin, &user).await),
        "allow-sign-in" => there(services.allow_sign_in(&admin, &user).await),
        "open-mfa" => there(services.reopen_mfa(&admin, &user, minutes).await),
        "enable-mfa" => there(services.set_mfa_enabled(&admin, &user, true).await),
        "disable-mfa" => there(services.set_mfa_enabled(&admin, &user, false).await),
        "forget-factors" => there(services.reset_second_factors(&admin, &user).await),
        "close-mfa" => there(services.delete_mfa(&admin, &user).await),
        _ => Err(Error::Refused(PersonRefused::NoPerson)),
    };
    match done {
        Ok(()) => context::flash_success(t.admin_saved()).await,
        Err(Error::Refused(refused)) => context::flash_error(t.person_refused(refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Signs out one of a person's sessions.
#[server(prefix = "/api", endpoint = "admin/people/end-session")]
pub async fn end_session_of(#[server(default)] user: String, #[server(default)] session: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::{SessionId, UserId};
    use crate::domain::paths::{ADMIN_PEOPLE, ADMIN_PERSON};
    use crate::server::context;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_PEOPLE);
    let Ok(user) = UserId::parse(user) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_PERSON, "user", user.as_str());
    let ended = match SessionId::parse(session) {
        Ok(session) => services.end_session_of(&admin, &user, &session).await.map_err(context::fault)?,
        Err(_) => false,
    };
    if ended { context::flash_success(t.sessions_ended()).await } else { context::flash_error(t.sessions_ended_already()).await }
}

/// Links a host account to a person, for a number of days; 0: without expiry.
#[server(prefix = "/api", endpoint = "admin/people/link")]
pub async fn link_account(
    #[server(default)] user: String,
    #[server(default)] host: String,
    #[server(default)] account: String,
    #[server(default)] days: u32,
) -> Result<(), ServerFnError> {
    use crate::domain::ids::{AccountName, HostName, UserId};
    use crate::domain::paths::{ADMIN_PEOPLE, ADMIN_PERSON};
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::service::host_accounts::{HostAccountRef, LinkRefused};
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_PEOPLE);
    let Ok(user_id) = UserId::parse(user) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_PERSON, "user", user_id.as_str());
    let (Ok(host_name), Ok(account_name)) = (HostName::parse(host.trim()), AccountName::parse(account.trim())) else {
        return context::flash_error(t.id_refused(&[&host, &account])).await;
    };
    let minutes = if days == 0 { -1 } else { i32::try_from(u64::from(days.min(36_500)) * 24 * 60).unwrap_or(i32::MAX) };
    match services.link_host_account(&admin, HostAccountRef { user_id, host: host_name, account: account_name }, minutes).await {
        Ok(_) => context::flash_success(t.admin_saved()).await,
        Err(Error::Refused(LinkRefused::NoMfa)) => context::flash_error(t.admin_people_no_mfa()).await,
        Err(Error::Refused(LinkRefused::Exists)) => context::flash_error(t.admin_people_linked_already()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Unlinks a host account and deletes its keys.
#[server(prefix = "/api", endpoint = "admin/people/unlink")]
pub async fn unlink_account(
    #[server(default)] user: String,
    #[server(default)] host: String,
    #[server(default)] account: String,
) -> Result<(), ServerFnError> {
    use crate::domain::ids::{AccountName, HostName, UserId};
    use crate::domain::paths::{ADMIN_PEOPLE, ADMIN_PERSON};
    use crate::server::context;
    use crate::server::service::host_accounts::HostAccountRef;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_PEOPLE);
    let (Ok(user_id), Ok(host), Ok(account)) = (UserId::parse(user), HostName::parse(host), AccountName::parse(account)) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_PERSON, "user", user_id.as_str());
    if services.unlink_host_account(&admin, HostAccountRef { user_id, host, account }).await.map_err(context::fault)? {
        context::flash_success(t.admin_saved()).await
    } else {
        context::flash_error(t.admin_gone()).await
    }
}

/// Sets the address to which a person's notifications are sent; empty: none.
#[server(prefix = "/api", endpoint = "admin/people/email")]
pub async fn set_person_email(#[server(default)] user: String, #[server(default)] email: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::UserId;
    use crate::domain::mail::EmailAddress;
    use crate::domain::paths::{ADMIN_PEOPLE, ADMIN_PERSON};
    use crate::server::context;
    use crate::server::service::Error;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_PEOPLE);
    let Ok(user) = UserId::parse(user) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_PERSON, "user", user.as_str());
    let typed = email.trim();
    let address = match (typed.is_empty(), EmailAddress::parse(typed)) {
        (true, _) => None,
        (false, Ok(address)) => Some(address),
        (false, Err(_)) => return context::flash_error(t.admin_people_email_refused()).await,
    };
    match services.set_email(&admin, &user, address).await {
        Ok(()) => context::flash_success(t.admin_saved()).await,
        Err(Error::Refused(refused)) => context::flash_error(t.person_refused(refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Replaces the groups to which administrators added a person; `groups`: their names, separated by spaces.
#[server(prefix = "/api", endpoint = "admin/people/groups")]
pub async fn set_person_groups(#[server(default)] user: String, #[server(default)] groups: String) -> Result<(), ServerFnError> {
    use crate::domain::group::{GroupName, MAX_GROUPS};
    use crate::domain::ids::UserId;
    use crate::domain::paths::{ADMIN_PEOPLE, ADMIN_PERSON};
    use crate::server::context;
    use crate::server::service::Error;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_PEOPLE);
    let Ok(user) = UserId::parse(user) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_PERSON, "user", user.as_str());
    let names: Result<Vec<GroupName>, _> = groups.split([' ', ',', '\t']).filter(|name| !name.is_empty()).map(GroupName::parse).collect();
    let names = match names {
        Ok(names) if names.len() <= MAX_GROUPS => names,
        _ => return context::flash_error(t.admin_people_groups_refused(MAX_GROUPS)).await,
    };
    match services.set_groups(&admin, &user, names).await {
        Ok(()) => context::flash_success(t.admin_saved()).await,
        Err(Error::Refused(refused)) => context::flash_error(t.person_refused(refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Unlinks one of a person's identities.
#[server(prefix = "/api", endpoint = "admin/people/unlink-identity")]
pub async fn unlink_identity_of(#[server(default)] user: String, #[server(default)] identity: i64) -> Result<(), ServerFnError> {
    use crate::domain::ids::UserId;
    use crate::domain::paths::{ADMIN_PEOPLE, ADMIN_PERSON};
    use crate::server::context;
    use crate::server::service::Error;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_PEOPLE);
    let Ok(user) = UserId::parse(user) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_PERSON, "user", user.as_str());
    match services.unlink_identity_of(&admin, &user, identity).await {
        Ok(gone) => context::flash_success(t.identities_unlinked(gone.label)).await,
        Err(Error::Refused(refused)) => context::flash_error(t.person_refused(refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

#[cfg(feature = "ssr")]
impl PersonItem {
    fn new(account: crate::domain::person::PersonSummary, now: Timestamp) -> Self {
        Self {
            user: account.user_id.to_string(),
            display_name: account.display_name,
            enabled: account.enabled,
            admin: account.admin,
            has_password: account.has_password,
            created_at: account.created_at,
            mfa: account.mfa.map(|mfa| MfaItem { enabled: mfa.enabled, until: mfa.expires_at, counts: mfa.enabled && now < mfa.expires_at }),
        }
    }
}

#[cfg(feature = "ssr")]
impl FactorItem {
    fn all(factors: crate::domain::second_factor::SecondFactors) -> Vec<Self> {
        let item = |passkey, usage: crate::domain::second_factor::FactorUsage| Self {
            passkey,
            created_at: usage.created_at,
            last_used_at: usage.last_used_at,
        };
        let app = factors.app.map(|usage| item(None, usage));
        app.into_iter().chain(factors.passkeys.into_iter().map(|passkey| item(Some(passkey.name), passkey.usage))).collect()
    }
}
