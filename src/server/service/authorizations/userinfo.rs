//! What clients are told about people, in ID tokens and by the userinfo endpoint (OpenID Connect Core §5.3, §5.4).

use crate::domain::host_account::{HostUsername, username_account};
use crate::domain::id_token::PersonClaims;
use crate::domain::ids::{ClientId, TenantId, UserId};
use crate::domain::mail::verified_address;
use crate::domain::scope::{Scope, ScopeSet};
use crate::server::service::auth::principals::{TenantAdmin, TokenHolder};
use crate::server::service::{Fault, Services};
use crate::server::storage::{clients, host_accounts, mail_outbox, people, person_groups, tenants, token_families};

impl Services {
    /// What the bearer of a token may learn about its person.
    pub async fn userinfo(&self, holder: &TokenHolder) -> Result<PersonClaims, Fault> {
        let (tenant, mut selected) = (holder.tenant_id(), None);
        if holder.username_of_host.is_some() && holder.scope().contains(Scope::Profile) {
            let family = token_families::find(self.storage().reader(), tenant, holder.family_id()).await?;
            selected = family.and_then(|family| family.username_account);
        }
        let username = holder.username_of_host.as_ref().map(|host| HostUsername { host, selected: selected.as_ref() });
        self.person_claims(tenant, holder.user_id(), holder.scope(), username).await
    }

    /// What a client would be told about a person who allows it to learn all that it may ask for. `None` if one of them does not exist.
    pub async fn preview_claims(&self, admin: &TenantAdmin, client: &ClientId, person: &UserId) -> Result<Option<PersonClaims>, Fault> {
        let (reader, tenant) = (self.storage().reader(), admin.tenant_id());
        let Some(registered) = clients::find(reader, tenant, client).await? else { return Ok(None) };
        if people::find(reader, tenant, person).await?.is_none() {
            return Ok(None);
        }
        let client = registered.client;
        let username = client.username_of_host.as_ref().map(|host| HostUsername { host, selected: None });
        self.person_claims(tenant, person, &client.scope, username).await.map(Some)
    }

    /// What this scope permits to learn about a person. `username`: for a client of a host, which is told the name of their account there.
    pub(in crate::server::service) async fn person_claims(
        &self,
        tenant: &TenantId,
        person: &UserId,
        scope: &ScopeSet,
        username: Option<HostUsername<'_>>,
    ) -> Result<PersonClaims, Fault> {
        let (reader, mut claims) = (self.storage().reader(), PersonClaims::default());
        if scope.contains(Scope::Profile) {
            claims.name = people::find(reader, tenant, person).await?.map(|found| found.display_name);
            claims.preferred_username = match username {
                None => Some(person.to_string()),
                Some(HostUsername { host, selected }) => {
                    let accounts = host_accounts::of_person_on(reader, tenant, person, host).await?;
                    username_account(&accounts, selected, self.now()).map(|account| account.account.clone())
                }
            };
        }
        if scope.contains(Scope::Email) {
            let stored = mail_outbox::preferences(reader, tenant, person).await?;
            let stored = stored.and_then(|mail| Some((mail.address?, mail.issuer.is_none())));
            let domain = tenants::find(reader, tenant).await?.and_then(|tenant| tenant.policy.email_domain);
            let address = verified_address(stored, domain.as_ref(), person);
            claims.email_verified = address.is_some().then_some(true);
            claims.email = address.map(String::from);
        }
        if scope.contains(Scope::Groups) {
            let mut groups: Vec<String> =
                person_groups::of_person(reader, tenant, person).await?.into_iter().map(|found| found.group.into()).collect();
            groups.dedup();
            claims.groups = Some(groups);
        }
        Ok(claims)
    }
}
