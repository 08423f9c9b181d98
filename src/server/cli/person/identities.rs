//! `tms-portal person show|unlink`: a person and their linked identities. Text from providers is sanitized for the terminal.

use super::PersonSelector;
use crate::domain::group::GroupMembership;
use crate::domain::ids::UserId;
use crate::server::service::auth::identities::Identity;
use crate::server::service::auth::people::PersonRefused;
use crate::server::service::{Error, Services, TenantAdmin};

#[derive(clap::Args)]
pub struct UnlinkArgs {
    #[command(flatten)]
    pub person: PersonSelector,
    /// The identity's number, as shown by `person show`
    #[arg(required_unless_present = "issuer")]
    number: Option<i64>,
    /// Instead of a number: the identity's issuer
    #[arg(long, requires = "subject", conflicts_with = "number")]
    issuer: Option<String>,
    /// With --issuer: the identity's subject
    #[arg(long, requires = "issuer")]
    subject: Option<String>,
}

impl UnlinkArgs {
    fn matches(&self, identity: &Identity) -> bool {
        match self.number {
            Some(number) => identity.number == number,
            None => Some(&identity.issuer) == self.issuer.as_ref() && Some(&identity.subject) == self.subject.as_ref(),
        }
    }
}

/// Describes a person and their identities.
pub async fn show(services: &Services, operator: &TenantAdmin, user: &UserId) -> Result<String, Error<PersonRefused>> {
    let account = services.person_detail(operator, user).await?.ok_or(Error::Refused(PersonRefused::NoPerson))?;
    let state = [(!account.enabled, "disabled"), (account.admin, "administrator"), (account.has_password, "password")];
    let state: Vec<&str> = state.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
    let mut said = format!("{user}  {}  since {}  {}", account.display_name.escape_debug(), account.created_at.humanize(), state.join(", "));
    if let Some(address) = services.mail_preferences_of(operator, user).await?.and_then(|mail| mail.address) {
        said += &format!("\n  e-mail  {address}");
    }
    for GroupMembership { group, issuer } in services.groups_of(operator, user).await? {
        said += &format!("\n  group  {group}{}", issuer.map_or_else(String::new, |issuer| format!("  by {}", issuer.escape_debug())));
    }
    for linked in services.identities_of(operator, user).await? {
        let used = linked.last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("last used {}", at.humanize()));
        let Identity { number, issuer, subject, label, .. } = linked;
        said += &format!("\n  {number}  {}  {}  {}  {used}", issuer.escape_debug(), subject.escape_debug(), label.escape_debug());
    }
    Ok(said)
}

/// Unlinks an identity.
pub async fn unlink(services: &Services, operator: &TenantAdmin, unlink: &UnlinkArgs) -> Result<String, Error<PersonRefused>> {
    let user = &unlink.person.user;
    let linked = services.identities_of(operator, user).await?.into_iter().find(|linked| unlink.matches(linked));
    let linked = linked.ok_or(Error::Refused(PersonRefused::NoIdentity))?;
    let linked = services.unlink_identity_of(operator, user, linked.number).await?;
    Ok(format!("{} has been unlinked from {user}. Open sessions continue.", linked.label.escape_debug()))
}
