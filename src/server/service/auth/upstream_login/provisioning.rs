//! Finds, links or creates the person of an identity that signs in.

use std::net::IpAddr;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::UserId;
use crate::domain::provider::Provider;
use crate::domain::provider::claims::VerifiedIdentity;
use crate::domain::time::Timestamp;
use crate::server::service::Error;
use crate::server::service::auth::upstream_login::UpstreamLoginRefused;
use crate::server::storage::identities::{self, Identity};
use crate::server::storage::people::{self, Person};
use crate::server::storage::{self, Connection, audit_log, mail_outbox, person_groups, second_factors, user_mfa};

/// A verified identity that signs in, and the conditions for linking it or creating a person.
pub(super) struct ProvisioningAttempt {
    pub provider: Provider,
    pub identity: VerifiedIdentity,
    /// The only person that may be signed in.
    pub only: Option<UserId>,
    pub invitation: Option<Vec<Vec<u8>>>,
    /// Until when a second factor used at the provider counts; `None`: none was used, or too long ago.
    pub mfa_until: Option<Timestamp>,
    /// Suffix for a user id that is not in use.
    pub unique_suffix: String,
    pub from: Option<IpAddr>,
    pub now: Timestamp,
}

impl ProvisioningAttempt {
    pub(super) async fn sign_in_or_provision(self, db: &mut Connection) -> Result<UserId, Error<UpstreamLoginRefused>> {
        let tenant = &self.provider.tenant_id;
        let (issuer, subject, label) = (&self.identity.issuer, &self.identity.subject, &self.identity.label);
        let known = identities::find(&mut *db, tenant, issuer, subject).await?;
        let is_other_person = |user: &UserId| self.only.as_ref().is_some_and(|only| only != user);
        let user_id = match known {
            Some(known) if is_other_person(&known.user_id) => return Err(Error::Refused(UpstreamLoginRefused::WrongPerson { label: label.clone() })),
            Some(known) => known.user_id,
            None if self.only.is_some() => return Err(Error::Refused(UpstreamLoginRefused::WrongPerson { label: label.clone() })),
            None => self.link_or_provision(db).await?,
        };
        let person = people::find(&mut *db, tenant, &user_id).await?;
        if !person.is_some_and(|person| person.enabled) {
            return Err(Error::Refused(UpstreamLoginRefused::Disabled));
        }
        identities::touch(db, tenant, issuer, subject, label, self.now).await?;
        match &self.identity.email {
            Some(address) => mail_outbox::set_claimed_address(db, tenant, &user_id, issuer, address).await?,
            // Clients are told that it is verified, which the provider does not say any more.
            None if self.identity.email_unverified => mail_outbox::forget_claimed_address(db, tenant, &user_id, issuer).await?,
            None => {}
        }
        person_groups::replace(db, tenant, &user_id, Some(issuer), &self.identity.groups).await?;
        if let Some(until) = self.mfa_until
            && user_mfa::extend(db, tenant, &user_id, until, self.now).await?
        {
            audit_log::insert(db, &self.audit_event(AuditKind::MfaOpened, &user_id)).await?;
        }
        let half = self.mfa_until.is_none() && second_factors::has_any(&mut *db, tenant, &user_id).await?;
        audit_log::insert(db, &self.audit_event(if half { AuditKind::FirstFactorVerified } else { AuditKind::SignedIn }, &user_id)).await?;
        Ok(user_id)
    }

    /// Links the identity to the invited person, or to a new one if the provisioning policy allows it. Refused otherwise.
    async fn link_or_provision(&self, db: &mut Connection) -> Result<UserId, Error<UpstreamLoginRefused>> {
        let tenant = &self.provider.tenant_id;
        let user_id = match &self.invitation {
            Some(hashes) => {
                let mut invited = None;
                for hash in hashes {
                    invited = identities::consume_invitation(db, tenant, hash, self.now).await?;
                    if invited.is_some() {
                        break;
                    }
                }
                invited.ok_or(Error::Refused(UpstreamLoginRefused::InvitationUsed))?
            }
            None if self.identity.may_provision => self.provision_person(db).await?,
            None => return Err(Error::Refused(UpstreamLoginRefused::NotInvited { label: self.identity.label.clone() })),
        };
        let identity = Identity {
            number: 0,
            issuer: self.identity.issuer.clone(),
            subject: self.identity.subject.clone(),
            user_id: user_id.clone(),
            label: self.identity.label.clone(),
            linked_at: self.now,
            last_used_at: Some(self.now),
        };
        identities::insert(db, tenant, &identity).await?;
        audit_log::insert(db, &self.audit_event(AuditKind::IdentityLinked, &user_id)).await?;
        Ok(user_id)
    }

    /// Creates the person under the first candidate id that is free: an equal name never signs in an existing person.
    async fn provision_person(&self, db: &mut Connection) -> Result<UserId, storage::Error> {
        for user_id in self.provider.user_id_candidates(&self.identity, &self.unique_suffix) {
            let person = Person {
                tenant_id: self.provider.tenant_id.clone(),
                display_name: self.identity.display_name.clone().unwrap_or_else(|| user_id.to_string()),
                user_id,
                enabled: true,
                admin: false,
                password_hash: None,
            };
            if people::insert(db, &person, self.now).await? {
                return Ok(person.user_id);
            }
        }
        Err(storage::Error::Inconsistent { table: "people", id: self.identity.label.clone(), why: "no name is free".into() })
    }

    fn audit_event(&self, kind: AuditKind, user_id: &UserId) -> AuditEvent {
        AuditEvent::new(self.provider.tenant_id.clone(), kind, self.now).of(user_id).subject(&self.identity.label).from(self.from)
    }
}
