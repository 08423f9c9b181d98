//! What a person can do about an event that they did not cause.

use crate::domain::audit_log::{AuditGroup, AuditKind};
use crate::domain::paths::{self, encode};
use crate::i18n::to_count;
use crate::server::context::translations;
use crate::server_fns::audit_log::AuditEntryItem;

/// A link to an action, with its name.
pub struct Remedy {
    pub address: String,
    pub name: String,
}

/// The actions for equal events, the most fitting first. Empty if the event was caused by an administrator or by the portal, changed nothing, or took
/// access away.
pub fn remedies(events: &[AuditEntryItem], has_password: bool) -> Vec<Remedy> {
    let Some(entry) = events.first().filter(|entry| entry.admin.is_none()) else { return Vec::new() };
    let Some(kind) = AuditKind::parse(&entry.kind) else { return vec![everything()] };
    match kind {
        AuditKind::SignedIn | AuditKind::RecoveryCodeUsed | AuditKind::PasswordChangeFailed => {
            [Some(sign_out_others()), has_password.then(password)].into_iter().flatten().chain([everything()]).collect()
        }
        // A person who did this knows the password or controls the account at the institution.
        AuditKind::FirstFactorVerified | AuditKind::SecondFactorFailed => vec![if has_password { password() } else { methods() }],
        AuditKind::IdentityLinked
        | AuditKind::IdentityUnlinked
        | AuditKind::SecondFactorAdded
        | AuditKind::SecondFactorRemoved
        | AuditKind::SecondFactorRenamed
        | AuditKind::RecoveryCodesCreated
        | AuditKind::PasswordChanged
        | AuditKind::MfaOpened => vec![methods(), sign_out_others(), everything()],
        AuditKind::SignInFailed
        | AuditKind::SignInBlocked
        | AuditKind::SecretGuessingStopped
        | AuditKind::SignedOut
        | AuditKind::SessionEnded
        | AuditKind::DeviceDenied
        | AuditKind::DeviceReported
        | AuditKind::DeviceRevoked
        | AuditKind::TokensRevoked
        | AuditKind::DeviceExpired
        | AuditKind::AuthorizationDenied
        | AuditKind::AuthorizationReported
        | AuditKind::AuthorizationLapsed
        | AuditKind::DelegationRevoked
        | AuditKind::CodeGuessingStopped
        | AuditKind::KeyRevoked
        | AuditKind::EverythingRevoked
        | AuditKind::HostUnlinked
        | AuditKind::HostLinkRefused => Vec::new(),
        _ => of_object(events, entry, kind).map_or_else(|| vec![everything()], |remedy| vec![remedy, everything()]),
    }
}

/// Ends what the events are about, if it still exists.
fn of_object(events: &[AuditEntryItem], entry: &AuditEntryItem, kind: AuditKind) -> Option<Remedy> {
    let t = translations();
    match kind.group() {
        AuditGroup::Keys => {
            let mut keys: Vec<i64> = events.iter().filter_map(|entry| entry.objects.key).collect();
            keys.sort_unstable();
            keys.dedup();
            let selected: Vec<String> = keys.iter().map(|key| format!("key={key}")).collect();
            let name = t.activity_do_revoke_keys(to_count(keys.len()));
            (!keys.is_empty()).then(|| Remedy { address: format!("{}?{}", paths::KEYS_REVOKE, selected.join("&")), name })
        }
        AuditGroup::Apps => {
            let app = entry.app()?;
            let address = match entry.objects.delegation {
                Some(delegation) => format!("{}?app={delegation}&end=1", paths::APPS_CHANGE),
                None => format!("{}?client={}", paths::APPS_REVOKE, encode(entry.client.as_deref().filter(|_| entry.objects.delegated)?)),
            };
            Some(Remedy { address, name: t.activity_do_revoke_access(app) })
        }
        AuditGroup::Hosts => {
            let (id, host, account) = (entry.objects.host_account.as_ref()?, entry.host.as_ref()?, entry.account.as_ref()?);
            Some(Remedy { address: format!("{}?account={}", paths::HOSTS_UNLINK, encode(id)), name: t.activity_do_unlink(account, host) })
        }
        _ => None,
    }
}

fn everything() -> Remedy {
    Remedy { address: paths::REVOKE_EVERYTHING.to_owned(), name: translations().activity_do_everything() }
}

fn sign_out_others() -> Remedy {
    Remedy { address: format!("{}?others=1", paths::SESSIONS_END), name: translations().activity_do_sign_out() }
}

fn password() -> Remedy {
    Remedy { address: paths::IDENTITIES_PASSWORD.to_owned(), name: translations().activity_do_password() }
}

fn methods() -> Remedy {
    Remedy { address: paths::IDENTITIES.to_owned(), name: translations().activity_do_methods() }
}
