//! Delegations: permission for a client to act for a person.

use std::time::Duration;

use super::ids::{AuthorizationId, ClientId, TenantId, UserId};
use super::pagination::QueryParam;
use super::step_up::StepUpRequired;
use super::stored_words::stored_words;
use super::time::Timestamp;

#[derive(Clone, Debug)]
pub struct Delegation {
    pub number: i64,
    pub tenant_id: TenantId,
    pub client_id: ClientId,
    pub user_id: UserId,
    /// The authorization that it came with, if the person gave it in the portal.
    pub authorization_id: Option<AuthorizationId>,
    pub made_by: Creator,
    pub expires_at: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Filters of the list of delegations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DelegationFilter {
    #[default]
    Active,
    /// Expired or revoked.
    Ended,
    All,
}

impl QueryParam for DelegationFilter {
    const ALL: &'static [(&'static str, Self)] = &[("", Self::Active), ("ended", Self::Ended), ("all", Self::All)];
}

/// Orders of the list of delegations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DelegationSort {
    /// Newest first.
    #[default]
    Created,
    /// Earliest expiry first.
    Expires,
    Client,
}

impl QueryParam for DelegationSort {
    const ALL: &'static [(&'static str, Self)] = &[("", Self::Created), ("expires", Self::Expires), ("client", Self::Client)];
}

/// Why a delegation's expiry is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelegationChangeRefused {
    /// Does not exist, was revoked, or belongs to another person.
    NotFound,
    /// The new expiry is in the past.
    InThePast,
    /// Later than the tenant's policy lets a person grant.
    TooLong,
    /// Created by an administrator: the person may shorten it, not extend it.
    ExtensionNotAllowed,
    /// The tenant requires step-up authentication before a person extends it.
    StepUpRequired(StepUpRequired),
}

impl Delegation {
    /// Checks that the person may set the expiry to `at`, which is at most `longest` from now.
    pub fn check_new_expiry(&self, at: Timestamp, longest: Duration, now: Timestamp) -> Result<(), DelegationChangeRefused> {
        if at <= now {
            return Err(DelegationChangeRefused::InThePast);
        }
        if at <= self.expires_at {
            return Ok(());
        }
        if self.made_by != Creator::Person {
            return Err(DelegationChangeRefused::ExtensionNotAllowed);
        }
        if at > now + longest { Err(DelegationChangeRefused::TooLong) } else { Ok(()) }
    }
}

/// Who created a link or a delegation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creator {
    Admin,
    /// Automatic provisioning, because a client asked for a key.
    Mvp,
    Person,
}

stored_words!(Creator {
    Admin = "admin",
    Mvp = "mvp",
    Person = "person",
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn person_may_shorten_any_but_extend_only_own_delegations() {
        let (now, day) = (Timestamp::from_millis(1_795_176_000_000), Duration::from_secs(86_400));
        let delegation = |made_by| Delegation {
            number: 1,
            tenant_id: TenantId::parse("test").expect("a tenant"),
            client_id: ClientId::parse("c").expect("a client"),
            user_id: UserId::parse("u").expect("a person"),
            authorization_id: None,
            made_by,
            expires_at: now + 7 * day,
            created_at: now,
            updated_at: now,
        };
        for (made_by, at, allowed) in [
            (Creator::Admin, now + day, Ok(())),
            (Creator::Admin, now + 8 * day, Err(DelegationChangeRefused::ExtensionNotAllowed)),
            (Creator::Mvp, now + 8 * day, Err(DelegationChangeRefused::ExtensionNotAllowed)),
            (Creator::Person, now + 30 * day, Ok(())),
            (Creator::Person, now + 31 * day, Err(DelegationChangeRefused::TooLong)),
            (Creator::Person, now, Err(DelegationChangeRefused::InThePast)),
        ] {
            assert_eq!(delegation(made_by).check_new_expiry(at, 30 * day, now), allowed, "{made_by:?} {at:?}");
        }
    }
}
