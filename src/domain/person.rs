//! People's accounts, as administrators see them.

use super::ids::UserId;
use super::pagination::QueryParam;
use super::time::Timestamp;
use super::user_mfa::UserMfa;

#[derive(Clone, Debug)]
pub struct PersonSummary {
    pub user_id: UserId,
    /// Display name.
    pub display_name: String,
    pub enabled: bool,
    /// Has the administrator role in the portal.
    pub admin: bool,
    /// Has a local password.
    pub has_password: bool,
    pub created_at: Timestamp,
    pub mfa: Option<UserMfa>,
}

/// Filters of the list of people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PersonFilter {
    #[default]
    All,
    Enabled,
    Disabled,
    Administrators,
    WithoutMfa,
    /// Neither app nor passkey here.
    WithoutSecondFactor,
}

impl QueryParam for PersonFilter {
    const ALL: &'static [(&'static str, Self)] = &[
        ("", Self::All),
        ("enabled", Self::Enabled),
        ("disabled", Self::Disabled),
        ("admins", Self::Administrators),
        ("no-mfa", Self::WithoutMfa),
        ("no-factor", Self::WithoutSecondFactor),
    ];
}

/// Orders of the list of people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PersonSort {
    #[default]
    Name,
    /// Newest first.
    Created,
}

impl QueryParam for PersonSort {
    const ALL: &'static [(&'static str, Self)] = &[("", Self::Name), ("made", Self::Created)];
}
