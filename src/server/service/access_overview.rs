//! A person's access at a glance, for the home page.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::domain::access_overview::{
    AccessCount, AccessOverview, EXPIRY_WINDOW, ExpiringAccess, ExpiringKind, LastSignIn, NewestAccess, SecondFactorAdvice, expiring,
};
use crate::domain::ids::UserId;
use crate::domain::time::Timestamp;
use crate::server::service::{Fault, Services, SignedIn, TenantAdmin};
use crate::server::storage::access_overview::{self, AccessSpan, ActiveAccess, SignInRow};

/// At most this long after the event of a sign-in its session starts.
const SIGN_IN_DURATION: Duration = Duration::from_secs(30);

impl Services {
    /// What can act for a person now, what expires soon, and their last sign-in.
    pub async fn access_overview(&self, person: &SignedIn) -> Result<AccessOverview, Fault> {
        let (db, tenant, user, now) = (self.storage().reader(), person.tenant_id(), person.user_id(), self.now());
        // To count many keys takes longest; the rest is read meanwhile.
        let counted = async { Ok::<_, Fault>(access_overview::count_keys(db, tenant, user, now, now + EXPIRY_WINDOW).await?) };
        let read = async { Ok((access_overview::active_access(db, tenant, user, now).await?, self.last_sign_in(person).await?)) };
        let (keys, (access, last_sign_in)) = tokio::try_join!(counted, read)?;
        let ActiveAccess { newest_key, host_accounts, clients: delegations } = access;
        let clients: HashSet<&str> = delegations.iter().map(|delegation| delegation.name.as_str()).collect();
        let has_any = keys.active > 0 || !host_accounts.is_empty() || !clients.is_empty() || access_overview::has_any(db, tenant, user).await?;

        let mut soon = expiring(lasting(&delegations).map(|span| expiry(ExpiringKind::Client(span.name.clone()), span)), now);
        soon.extend(expiring(host_accounts.iter().map(|span| expiry(host_account(span), span)), now));
        if let Some(next) = keys.next_expiry.filter(|_| keys.expiring > 0) {
            soon.push(ExpiringAccess { what: ExpiringKind::Keys(keys.expiring.unsigned_abs()), at: Timestamp::from_millis(next) });
        }
        soon.sort_by_key(|access| access.at);

        Ok(AccessOverview {
            has_no_access_yet: !has_any,
            clients: AccessCount { count: clients.len() as u64, newest: delegations.first().map(newest) },
            keys: AccessCount { count: keys.active.unsigned_abs(), newest: newest_key.as_ref().map(newest) },
            host_accounts: AccessCount { count: host_accounts.len() as u64, newest: host_accounts.first().map(newest) },
            expiring: soon,
            last_sign_in,
            second_factor: second_factor_advice(person),
        })
    }

    /// The last sign-in other than the one that started or confirmed this session, in this browser or another.
    async fn last_sign_in(&self, person: &SignedIn) -> Result<Option<LastSignIn>, Fault> {
        let (db, tenant, user) = (self.storage().reader(), person.tenant_id(), person.user_id());
        let started = access_overview::session_start(db, tenant, user, person.session().session_id()).await?;
        let sign_ins = access_overview::last_sign_ins(db, tenant, user).await?;
        let own = [started, Some(person.auth_times.at), person.auth_times.second_at];
        let is_own = |at: Timestamp| own.into_iter().flatten().any(|own| own.since(at).max(at.since(own)) < SIGN_IN_DURATION);
        let skipped = usize::from(sign_ins.first().is_some_and(|newest| is_own(Timestamp::from_millis(newest.at))));
        let last = sign_ins.into_iter().nth(skipped);
        Ok(last.map(last_sign_in))
    }

    /// A person's newest sign-in, for administrators.
    pub async fn last_sign_in_of(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Option<LastSignIn>, Fault> {
        let sign_ins = access_overview::last_sign_ins(self.storage().reader(), admin.tenant_id(), user_id).await?;
        Ok(sign_ins.into_iter().next().map(last_sign_in))
    }
}

fn last_sign_in(row: SignInRow) -> LastSignIn {
    LastSignIn { at: Timestamp::from_millis(row.at), from: row.from_address }
}

/// The delegation of each client that expires last, if it was allowed for more than [`EXPIRY_WINDOW`]: a shorter one ends as the person chose.
fn lasting(delegations: &[AccessSpan]) -> impl Iterator<Item = &AccessSpan> {
    let mut last: HashMap<&str, &AccessSpan> = HashMap::new();
    for span in delegations {
        let known = last.entry(&span.name).or_insert(span);
        if span.expires_at > known.expires_at {
            *known = span;
        }
    }
    last.into_values().filter(|span| span.expires_at.since(span.created_at) > EXPIRY_WINDOW)
}

fn expiry(what: ExpiringKind, span: &AccessSpan) -> ExpiringAccess {
    ExpiringAccess { what, at: span.expires_at }
}

fn host_account(span: &AccessSpan) -> ExpiringKind {
    ExpiringKind::HostAccount { account: span.name.clone(), host: span.host.clone() }
}

fn newest(span: &AccessSpan) -> NewestAccess {
    let name = if span.host.is_empty() { span.name.clone() } else { format!("{}@{}", span.name, span.host) };
    NewestAccess { name, at: span.created_at }
}

/// A second factor at the provider is as good as one here.
fn second_factor_advice(person: &SignedIn) -> SecondFactorAdvice {
    let policy = &person.tenant().policy;
    if person.has_second_factor || person.auth_times.second_at.is_some() {
        SecondFactorAdvice::NotNeeded
    } else if policy.second_factor_at_consent || (person.is_admin() && policy.second_factor_for_admins) {
        SecondFactorAdvice::Required
    } else {
        SecondFactorAdvice::Suggested
    }
}
