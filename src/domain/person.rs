//! A person's account in a tenant, as administrators see it.

use super::ids::UserId;
use super::pagination::QueryParam;
use super::time::Timestamp;
use super::user_mfa::UserMfa;

#[derive(Clone, Debug)]
pub struct PersonSummary {
    pub user_id: UserId,
    /// What people read.
    pub display_name: String,
    pub enabled: bool,
    /// Has the role of an administrator in the portal.
    pub admin: bool,
    /// Signs in with a password kept here.
    pub has_password: bool,
    pub created_at: Timestamp,
    pub mfa: Option<UserMfa>,
}

/// Which people a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PersonFilter {
    #[default]
    All,
    Enabled,
    Disabled,
    Administrators,
    WithoutMfa,
}

impl QueryParam for PersonFilter {
    const ALL: &'static [(&'static str, Self)] =
        &[("", Self::All), ("enabled", Self::Enabled), ("disabled", Self::Disabled), ("admins", Self::Administrators), ("no-mfa", Self::WithoutMfa)];
}

/// The order of a list of people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PersonSort {
    #[default]
    Name,
    /// The newest account first.
    Created,
}

impl QueryParam for PersonSort {
    const ALL: &'static [(&'static str, Self)] = &[("", Self::Name), ("made", Self::Created)];
}
