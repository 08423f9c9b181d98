//! Signing in through an institution: setting out, coming back, and what a person's identities there mean here.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use super::administration::of_person as by_admin;
use super::browser_sessions::still_signed_in;
use super::entropy::Secret;
use super::people::{Identity, PersonRefused};
use super::proofs::{FreshlySignedIn, SignedIn, TenantAdmin};
use super::resources::Offer;
pub use super::storage::identities::Identity as Linked;
use super::storage::people::Person;
use super::storage::providers::Stored;
use super::storage::{self, Connection, activity, browser_sessions, identities, people, providers, second_factors, user_mfa};
use super::{Error, Fault, Services};
use crate::domain::activity::{Activity, Kind};
use crate::domain::ids::{ProviderId, SessionId, TenantId, UserId};
use crate::domain::provider::{Provider, Vouched};
use crate::domain::step_up::Shown;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
pub use crate::server::providers::{Arrival, Returned, Trouble, Why};
use crate::server::providers::{SKEW, TripSecrets, Wish};

/// How long a person may be away: to look for a telephone, a password, a second device.
pub const LONGEST_TRIP: Duration = Duration::from_secs(15 * 60);
/// How long an invitation can be used.
pub const INVITATION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

const INVITED: &str = "invitation";

/// Why somebody sets out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    SignIn,
    /// Somebody who is signed in shows once more that it is them.
    Again(UserId),
    /// Somebody who is signed in links one more identity.
    Link(UserId),
    /// Somebody who is signed in links accounts on the hosts that the provider owns.
    Hosts(UserId),
}

/// Somebody on their way to an institution and back. Kept in their session, which is sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trip {
    pub tenant_id: TenantId,
    pub provider: ProviderId,
    pub purpose: Purpose,
    /// What has to come back.
    pub state: String,
    nonce: String,
    verifier: String,
    pub since: Timestamp,
}

impl Trip {
    /// Whether it is this person's, or of a person who is not known yet.
    pub fn may_be_of(&self, tenant_id: &TenantId, user_id: &UserId) -> bool {
        match &self.purpose {
            Purpose::SignIn => true,
            Purpose::Again(whose) | Purpose::Link(whose) | Purpose::Hosts(whose) => (&self.tenant_id, whose) == (tenant_id, user_id),
        }
    }

    pub fn is_late(&self, now: Timestamp) -> bool {
        now.since(self.since) >= LONGEST_TRIP
    }

    fn secrets(&self) -> TripSecrets<'_> {
        TripSecrets { state: &self.state, nonce: &self.nonce, verifier: &self.verifier }
    }
}

/// What came of a trip.
pub enum Arrived {
    In(Identity),
    /// Who they are there, to be linked once they have said so.
    ToLink(Vouched),
    /// Their accounts on its hosts, to be linked once they have said which.
    Offered(Offer),
}

/// Why an identity is not linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotLinked {
    AlreadyYours,
    SomebodyElses,
    /// The session has been ended meanwhile.
    SignedOut,
}

/// Why an identity is not unlinked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotUnlinked {
    Gone,
    /// There is no other way in for them.
    OnlyWayIn,
}

/// Why somebody who came back is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArrivalRefused {
    /// There is no such provider, or not any more.
    NoProvider,
    /// The trip is unknown in this browser.
    NoTrip,
    /// They have been back from it.
    Used,
    TooLate,
    /// They pressed "cancel" there.
    Cancelled,
    /// The provider says it cannot (RFC 6749 §4.1.2.1).
    ProviderSays(String),
    Trouble(Trouble),
    /// It does not say which accounts they have.
    NoList(Trouble),
    /// They are not known here, and the tenant's rule does not let them come.
    NotInvited {
        label: String,
    },
    InvitationSpent,
    /// They are switched off here.
    Disabled,
    /// They were to show that it is them, and are somebody else.
    SomebodyElse {
        label: String,
    },
}

impl ArrivalRefused {
    /// They may have been somebody there whom they did not mean to be.
    pub fn may_be_the_wrong_account(&self) -> bool {
        match self {
            Self::Cancelled | Self::ProviderSays(_) | Self::Trouble(_) | Self::NoList(_) | Self::NotInvited { .. } | Self::SomebodyElse { .. } => {
                true
            }
            Self::NoProvider | Self::NoTrip | Self::Used | Self::TooLate | Self::InvitationSpent | Self::Disabled => false,
        }
    }
}

impl Services {
    /// Where people of a tenant may sign in, in the order in which the centre added it.
    pub async fn providers_of(&self, tenant: &TenantId) -> Result<Vec<Provider>, Fault> {
        let all = providers::list(self.storage().reader(), tenant).await?;
        Ok(all.into_iter().filter(|provider| provider.enabled).collect())
    }

    /// Whether people can sign in to a tenant: with a password kept here, or through a provider.
    pub async fn has_sign_in(&self, tenant: &Tenant) -> Result<bool, Fault> {
        Ok(tenant.policy.local_passwords || !self.providers_of(&tenant.id).await?.is_empty())
    }

    /// The tenants in which people can sign in.
    pub async fn sign_in_tenants(&self) -> Result<Vec<Tenant>, Fault> {
        let mut tenants = Vec::new();
        for tenant in self.enabled_tenants().await? {
            if self.has_sign_in(&tenant).await? {
                tenants.push(tenant);
            }
        }
        Ok(tenants)
    }

    /// Invites a person who is there to sign in with an identity that is not known yet. The code is shown once.
    pub async fn invite(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Option<Secret>, Fault> {
        let code = Secret::generate(self.entropy());
        let hash = self.keys().hash(INVITED, code.reveal());
        let (tenant, user, until) = (admin.tenant_id().clone(), user_id.clone(), self.now() + INVITATION);
        let record = Activity::new(tenant.clone(), Kind::PersonInvited, self.now()).of(user_id).admin(Some(admin.admin_id())).from(admin.from());
        let invited = self
            .recorded(record, move |db| {
                async move {
                    if people::find(&mut *db, &tenant, &user).await?.is_none() {
                        return Ok(false);
                    }
                    identities::invite(db, &tenant, &user, &hash, until).await?;
                    Ok(true)
                }
                .boxed()
            })
            .await?;
        Ok(invited.then_some(code))
    }

    /// Sends somebody to a provider: what to keep until they are back, and where to go.
    pub async fn set_out(&self, tenant: &TenantId, provider: &ProviderId, purpose: Purpose) -> Result<(Trip, String), Error<ArrivalRefused>> {
        let (stored, its_tenant) = self.enabled_provider(tenant, provider).await?;
        if matches!(purpose, Purpose::Hosts(_)) && stored.provider.resources.is_none() {
            return Err(Error::Refused(ArrivalRefused::NoProvider));
        }
        let secret = || Secret::generate(self.entropy()).reveal().to_owned();
        let trip = Trip {
            tenant_id: tenant.clone(),
            provider: provider.clone(),
            state: secret(),
            nonce: secret(),
            verifier: secret(),
            since: self.now(),
            purpose,
        };
        let wish = match &trip.purpose {
            Purpose::SignIn => Wish::SignIn { no_longer_ago_than: its_tenant.policy.mfa_lifetime },
            // Not `select_account`, which some providers refuse: it asks for less, and is known less.
            Purpose::Again(_) | Purpose::Link(_) | Purpose::Hosts(_) => Wish::Again,
        };
        let redirect = self.redirect_address(tenant, provider);
        let address = self.shared.providers.address(&stored.provider, &trip.secrets(), &redirect, wish, self.now()).await;
        Ok((trip, address.map_err(trouble)?))
    }

    /// Takes somebody back who went to a provider: finds out who they are there, and who that is here.
    pub async fn arrive(
        &self,
        trip: &Trip,
        returned: &Returned<'_>,
        invitation: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<Arrived, Error<ArrivalRefused>> {
        if trip.is_late(self.now()) {
            return Err(Error::Refused(ArrivalRefused::TooLate));
        }
        let (stored, _) = self.enabled_provider(&trip.tenant_id, &trip.provider).await?;
        let secret = self.client_secret(&stored)?;
        let redirect = self.redirect_address(&trip.tenant_id, &trip.provider);
        let arrival = self
            .shared
            .providers
            .arrive(&stored.provider, secret.as_ref().map(Secret::reveal), &trip.secrets(), &redirect, returned, self.now())
            .await
            .map_err(trouble)?;
        // Somebody else may have left a session open there, on a machine that several people use.
        let just_now = !matches!(trip.purpose, Purpose::SignIn);
        if just_now && arrival.authenticated_at.is_none_or(|at| at + SKEW < trip.since) {
            return Err(trouble(Trouble::NotFresh));
        }
        match &trip.purpose {
            Purpose::SignIn => self.let_in(stored.provider, None, arrival, invitation, from).await.map(Arrived::In),
            Purpose::Again(user_id) => self.let_in(stored.provider, Some(user_id.clone()), arrival, None, from).await.map(Arrived::In),
            Purpose::Link(_) => Ok(Arrived::ToLink(arrival.vouched)),
            Purpose::Hosts(user_id) => self.offer(stored.provider, user_id.clone(), arrival).await.map(Arrived::Offered),
        }
    }

    async fn let_in(
        &self,
        provider: Provider,
        only: Option<UserId>,
        arrival: Arrival,
        invitation: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<Identity, Error<ArrivalRefused>> {
        let tenant = self.enabled_tenant(&provider.tenant_id).await?.ok_or(Error::Refused(ArrivalRefused::NoProvider))?;
        let now = self.now();
        // Whoever does not say when may mean long ago.
        let at = arrival.authenticated_at.map_or(Timestamp::from_millis(0), |at| at.min(now));
        let mfa_until = Some(at + tenant.policy.mfa_lifetime).filter(|until| arrival.vouched.mfa && *until > now);
        let newcomer = Newcomer {
            invitation: invitation.map(|code| self.keys().hash(INVITED, code.trim())),
            mfa_until,
            spare: self.new_id("n"),
            vouched: arrival.vouched.clone(),
            provider: provider.clone(),
            only,
            from,
            now,
        };
        let user_id = self.attempt(move |db| newcomer.let_in(db).boxed()).await?;
        let second_at = mfa_until.map(|_| at);
        Ok(Identity { tenant_id: provider.tenant_id, user_id, shown: Shown { at, second_at }, through: Some(arrival.through) })
    }

    /// A person's identities, the oldest first.
    pub async fn list_my_identities(&self, person: &SignedIn) -> Result<Vec<Linked>, Fault> {
        Ok(identities::of_person(self.storage().reader(), person.tenant_id(), person.user_id()).await?)
    }

    /// Ties an identity that somebody has just proved to the person they are here.
    pub async fn link_identity(&self, person: &FreshlySignedIn, vouched: &Vouched) -> Result<(), Error<NotLinked>> {
        let (person, vouched, now) = (SignedIn::clone(person), vouched.clone(), self.now());
        self.attempt(move |db| link(db, person, vouched, now).boxed()).await
    }

    /// Takes an identity from the person, unless it is their only way in.
    pub async fn unlink_identity(&self, person: &FreshlySignedIn, number: i64) -> Result<Linked, Error<NotUnlinked>> {
        let (person, now) = (SignedIn::clone(person), self.now());
        self.attempt(move |db| unlink(db, person, number, now).boxed()).await
    }

    /// Who a person is elsewhere, the oldest first.
    pub async fn identities_of(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Vec<Linked>, Fault> {
        Ok(identities::of_person(self.storage().reader(), admin.tenant_id(), user_id).await?)
    }

    /// Takes an identity from a person, even their only way in; but not from the last administrator who can sign in.
    pub async fn unlink_identity_of(&self, admin: &TenantAdmin, user_id: &UserId, number: i64) -> Result<Linked, Error<PersonRefused>> {
        let linked = self.identities_of(admin, user_id).await?.into_iter().find(|identity| identity.number == number);
        let linked = linked.ok_or(Error::Refused(PersonRefused::NoIdentity))?;
        let (identity, record) = (linked.clone(), by_admin(admin, Kind::IdentityUnlinked, user_id, self.now()).subject(&linked.label));
        let admins_own = admin.session.clone();
        self.change_person(admin, record, user_id, move |db, tenant, _| {
            async move { end(db, &tenant, &identity, admins_own.as_ref()).await }.boxed()
        })
        .await?;
        Ok(linked)
    }

    async fn enabled_provider(&self, tenant: &TenantId, id: &ProviderId) -> Result<(Stored, Tenant), Error<ArrivalRefused>> {
        let stored = providers::find(self.storage().reader(), tenant, id).await?;
        let stored = stored.filter(|stored| stored.provider.enabled).ok_or(Error::Refused(ArrivalRefused::NoProvider))?;
        let tenant = self.enabled_tenant(tenant).await?.ok_or(Error::Refused(ArrivalRefused::NoProvider))?;
        Ok((stored, tenant))
    }
}

async fn link(db: &mut Connection, person: SignedIn, vouched: Vouched, now: Timestamp) -> Result<(), Error<NotLinked>> {
    if !still_signed_in(db, &person, now).await? {
        return Err(Error::Refused(NotLinked::SignedOut));
    }
    let tenant = person.tenant_id();
    match identities::find(&mut *db, tenant, &vouched.issuer, &vouched.subject).await? {
        Some(linked) if linked.user_id == *person.user_id() => return Err(Error::Refused(NotLinked::AlreadyYours)),
        Some(_) => return Err(Error::Refused(NotLinked::SomebodyElses)),
        None => {}
    }
    let identity = Linked {
        number: 0,
        issuer: vouched.issuer,
        subject: vouched.subject,
        user_id: person.user_id().clone(),
        label: vouched.label,
        linked_at: now,
        last_used_at: None,
    };
    identities::insert(db, tenant, &identity).await?;
    activity::insert(db, &of_person(&person, Kind::IdentityLinked, &identity.label, now)).await?;
    Ok(())
}

async fn unlink(db: &mut Connection, person: SignedIn, number: i64, now: Timestamp) -> Result<Linked, Error<NotUnlinked>> {
    let tenant = person.tenant_id();
    let mut linked = identities::of_person(&mut *db, tenant, person.user_id()).await?;
    let at = linked.iter().position(|identity| identity.number == number).ok_or(Error::Refused(NotUnlinked::Gone))?;
    let identity = linked.swap_remove(at);
    let password = people::find(&mut *db, tenant, person.user_id()).await?.is_some_and(|person| person.password_hash.is_some());
    if linked.is_empty() && !(password && person.tenant().policy.local_passwords) {
        return Err(Error::Refused(NotUnlinked::OnlyWayIn));
    }
    end(db, tenant, &identity, Some(person.visit().session_id())).await?;
    activity::insert(db, &of_person(&person, Kind::IdentityUnlinked, &identity.label, now)).await?;
    Ok(identity)
}

/// Deletes an identity, and ends the sessions that rest on it: somebody else may have been in by it. But not the one it is done from.
async fn end(db: &mut Connection, tenant: &TenantId, identity: &Linked, keep: Option<&SessionId>) -> Result<bool, storage::Fault> {
    browser_sessions::delete_through(&mut *db, tenant, &identity.issuer, &identity.subject, keep).await?;
    identities::delete(db, tenant, identity).await
}

fn of_person(person: &SignedIn, kind: Kind, label: &str, now: Timestamp) -> Activity {
    Activity::new(person.tenant_id().clone(), kind, now).of(person.user_id()).subject(label).from(person.visit().from)
}

fn trouble(trouble: Trouble) -> Error<ArrivalRefused> {
    Error::Refused(ArrivalRefused::Trouble(trouble.shortened()))
}

/// Somebody whom a provider vouches for, at the door.
struct Newcomer {
    provider: Provider,
    vouched: Vouched,
    /// Who it must be.
    only: Option<UserId>,
    invitation: Option<Vec<u8>>,
    /// Until when the second factor counts that they showed there; `None`: they showed none, or too long ago.
    mfa_until: Option<Timestamp>,
    /// Part of a name that nobody has.
    spare: String,
    from: Option<IpAddr>,
    now: Timestamp,
}

impl Newcomer {
    async fn let_in(self, db: &mut Connection) -> Result<UserId, Error<ArrivalRefused>> {
        let tenant = &self.provider.tenant_id;
        let (issuer, subject, label) = (&self.vouched.issuer, &self.vouched.subject, &self.vouched.label);
        let known = identities::find(&mut *db, tenant, issuer, subject).await?;
        let somebody_else = |user: &UserId| self.only.as_ref().is_some_and(|only| only != user);
        let user_id = match known {
            Some(known) if somebody_else(&known.user_id) => return Err(Error::Refused(ArrivalRefused::SomebodyElse { label: label.clone() })),
            Some(known) => known.user_id,
            None if self.only.is_some() => return Err(Error::Refused(ArrivalRefused::SomebodyElse { label: label.clone() })),
            None => self.make_known(db).await?,
        };
        let person = people::find(&mut *db, tenant, &user_id).await?;
        if !person.is_some_and(|person| person.enabled) {
            return Err(Error::Refused(ArrivalRefused::Disabled));
        }
        identities::touch(db, tenant, issuer, subject, label, self.now).await?;
        if let Some(until) = self.mfa_until
            && user_mfa::extend(db, tenant, &user_id, until, self.now).await?
        {
            activity::insert(db, &self.record(Kind::MfaOpened, &user_id)).await?;
        }
        let half = self.mfa_until.is_none() && second_factors::has_any(&mut *db, tenant, &user_id).await?;
        activity::insert(db, &self.record(if half { Kind::FirstFactorShown } else { Kind::SignedIn }, &user_id)).await?;
        Ok(user_id)
    }

    /// Ties the identity to whoever was invited, or to a new person if the tenant's rule lets them come.
    async fn make_known(&self, db: &mut Connection) -> Result<UserId, Error<ArrivalRefused>> {
        let tenant = &self.provider.tenant_id;
        let user_id = match &self.invitation {
            Some(hash) => {
                let invited = identities::spend_invitation(db, tenant, hash, self.now).await?;
                invited.ok_or(Error::Refused(ArrivalRefused::InvitationSpent))?
            }
            None if self.vouched.may_come => self.make_person(db).await?,
            None => return Err(Error::Refused(ArrivalRefused::NotInvited { label: self.vouched.label.clone() })),
        };
        let identity = Linked {
            number: 0,
            issuer: self.vouched.issuer.clone(),
            subject: self.vouched.subject.clone(),
            user_id: user_id.clone(),
            label: self.vouched.label.clone(),
            linked_at: self.now,
            last_used_at: Some(self.now),
        };
        identities::insert(db, tenant, &identity).await?;
        activity::insert(db, &self.record(Kind::IdentityLinked, &user_id)).await?;
        Ok(user_id)
    }

    /// Under the first name that is nobody's: a name alone never makes anybody somebody else.
    async fn make_person(&self, db: &mut Connection) -> Result<UserId, storage::Fault> {
        for user_id in self.provider.names_for(&self.vouched, &self.spare) {
            let person = Person {
                tenant_id: self.provider.tenant_id.clone(),
                display_name: self.vouched.display_name.clone().unwrap_or_else(|| user_id.to_string()),
                user_id,
                enabled: true,
                admin: false,
                password_hash: None,
            };
            if people::insert(db, &person, self.now).await? {
                return Ok(person.user_id);
            }
        }
        Err(storage::Fault::Inconsistent { table: "people", id: self.vouched.label.clone(), why: "no name is free".into() })
    }

    fn record(&self, kind: Kind, user_id: &UserId) -> Activity {
        Activity::new(self.provider.tenant_id.clone(), kind, self.now).of(user_id).subject(&self.vouched.label).from(self.from)
    }
}
