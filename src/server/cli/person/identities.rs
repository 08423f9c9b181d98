//! `tms-portal person show|unlink`: a person, and who they are elsewhere. What others have written is printed so that it moves no
//! cursor.

use super::Person;
use crate::domain::ids::UserId;
use crate::server::service::identities::Linked;
use crate::server::service::people::PersonRefused;
use crate::server::service::{Error, Services, TenantAdmin};

#[derive(clap::Args)]
pub struct Unlink {
    #[command(flatten)]
    pub person: Person,
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

impl Unlink {
    fn wants(&self, linked: &Linked) -> bool {
        match self.number {
            Some(number) => linked.number == number,
            None => Some(&linked.issuer) == self.issuer.as_ref() && Some(&linked.subject) == self.subject.as_ref(),
        }
    }
}

/// What there is to say of a person.
pub async fn show(services: &Services, operator: &TenantAdmin, user: &UserId) -> Result<String, Error<PersonRefused>> {
    let account = services.account(operator, user).await?.ok_or(Error::Refused(PersonRefused::NoPerson))?;
    let state = [(!account.enabled, "disabled"), (account.admin, "administrator"), (account.has_password, "password")];
    let state: Vec<&str> = state.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
    let mut said = format!("{user}  {}  since {}  {}", account.display_name.escape_debug(), account.created_at.to_words(), state.join(", "));
    for linked in services.identities_of(operator, user).await? {
        let used = linked.last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("last used {}", at.to_words()));
        let Linked { number, issuer, subject, label, .. } = linked;
        said += &format!("\n  {number}  {}  {}  {}  {used}", issuer.escape_debug(), subject.escape_debug(), label.escape_debug());
    }
    Ok(said)
}

/// Takes an identity away.
pub async fn unlink(services: &Services, operator: &TenantAdmin, unlink: &Unlink) -> Result<String, Error<PersonRefused>> {
    let user = &unlink.person.user;
    let linked = services.identities_of(operator, user).await?.into_iter().find(|linked| unlink.wants(linked));
    let linked = linked.ok_or(Error::Refused(PersonRefused::NoIdentity))?;
    let linked = services.unlink_identity_of(operator, user, linked.number).await?;
    Ok(format!("{} has been unlinked from {user}. Open sessions continue.", linked.label.escape_debug()))
}
