//! SSH keys, and the rules that decide whether a key may log in. TMS calls them `pubkeys`.

pub mod search;

use std::time::Duration;

use super::display_text::{self, NameRefused};
use super::ids::{AccountName, AuthorizationId, ClientId, HostAccountId, HostName, TenantId, UserId};
use super::refused_lookup::RefusalReason;
use super::time::Timestamp;

/// The count in TMS' API that means unlimited.
pub const UNLIMITED: u32 = i32::MAX as u32;

/// Lookups of one key on one host within this time count as one login: during one login `sshd` asks two to four times, before and after the
/// signature and for each key that was offered before. Long enough to type a passphrase, short enough that a single-use key is not reusable
/// for long.
pub const LOGIN_WINDOW: Duration = Duration::from_secs(30);

/// A fingerprint of a public key in the notation of OpenSSH, of any hash: `SHA256:` and base64. It can be stored and shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '+' | '/' | '=');
        let valid = (1..=64).contains(&text.len()) && text.contains(':') && text.chars().all(allowed);
        valid.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Clone, Debug)]
pub struct SshKey {
    /// `id` in TMS' API.
    pub number: i64,
    pub tenant_id: TenantId,
    /// The client that created it; `None` for a person's own key.
    pub client_id: Option<ClientId>,
    pub user_id: UserId,
    pub host: HostName,
    pub account: AccountName,
    /// The person's name for it; may be empty.
    pub label: String,
    /// The authorization with whose token it was created, and with which it is revoked.
    pub authorization_id: Option<AuthorizationId>,
    /// `SHA256:` and unpadded base64, in OpenSSH's notation.
    pub fingerprint: String,
    /// An `authorized_keys` line without options or comment.
    pub public_key: String,
    pub key_type: KeyType,
    pub key_bits: u32,
    pub max_uses: u32,
    pub remaining_uses: u32,
    pub initial_ttl_minutes: u32,
    pub expires_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Supported key types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    Ed25519,
    /// NIST P-521 when generated here; P-256 and P-384 are accepted.
    Ecdsa,
    /// 4096 bits when generated here.
    Rsa,
}

impl KeyType {
    pub const ALL: [KeyType; 3] = [Self::Ed25519, Self::Ecdsa, Self::Rsa];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Ecdsa => "ecdsa",
            Self::Rsa => "rsa",
        }
    }

    /// Case-insensitive; missing or empty means ed25519. `None` for unknown types.
    pub fn parse(word: Option<&str>) -> Option<Self> {
        match word {
            None | Some("") => Some(Self::Ed25519),
            Some(word) => Self::ALL.into_iter().find(|key_type| key_type.as_str().eq_ignore_ascii_case(word)),
        }
    }
}

/// Label for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyValidity {
    Active,
    Expired,
    UsedUp,
}

impl KeyValidity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::UsedUp => "used up",
        }
    }
}

impl SshKey {
    /// State by the key's own limits. Whether it may log in depends on more: see [`KeyStatus`].
    pub fn state(&self, now: Timestamp) -> KeyValidity {
        if now >= self.expires_at {
            KeyValidity::Expired
        } else if self.remaining_uses == 0 {
            KeyValidity::UsedUp
        } else {
            KeyValidity::Active
        }
    }
}

/// Whether sshd could accept this `authorized_keys` line for a key of type `asked` (`%t`). Certificates
/// (`ssh-ed25519-cert-v01@openssh.com`) are asked for with the fingerprint of the key in them, but a plain key line does not authorize
/// them. Types unknown to OpenSSH are not compared.
pub fn line_matches_type(public_key: &str, asked: &str) -> bool {
    let of_openssh = ["ssh-", "ecdsa-", "sk-", "rsa-sha2-"].iter().any(|prefix| asked.starts_with(prefix));
    !of_openssh || public_key.split(' ').next() == Some(asked)
}

/// Why a key's label is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelRefused {
    Typed(NameRefused),
    /// The key's comment has invisible characters.
    Comment,
}

/// The label for a key: the entered name, else the key's comment; may be empty. A comment that is too long is truncated. Refuses invalid
/// names.
pub fn sanitize_label(typed: Option<&str>, comment: &str) -> Result<String, LabelRefused> {
    match display_text::parse_name(typed.unwrap_or(comment)) {
        Ok(label) => Ok(label),
        Err(NameRefused::Empty) => Ok(String::new()),
        Err(why) if typed.is_some() => Err(LabelRefused::Typed(why)),
        Err(NameRefused::TooLong) => Ok(display_text::sanitize(comment).unwrap_or_default()),
        Err(NameRefused::Invisible) => Err(LabelRefused::Comment),
    }
}

/// Expiry of a key that lives `ttl_minutes`: negative means never, 0 now.
pub fn expiry_of(ttl_minutes: i32, now: Timestamp) -> Timestamp {
    u64::try_from(ttl_minutes).map_or(Timestamp::FOREVER, |minutes| now + Duration::from_secs(minutes * 60))
}

/// A count of TMS' API: negative means unlimited.
pub fn parse_max_uses(requested: i32) -> u32 {
    u32::try_from(requested).unwrap_or(UNLIMITED)
}

/// The current state of what a key depends on besides its own limits. `None`: the row does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependencies {
    pub person_enabled: Option<bool>,
    pub mfa: Option<MfaStatus>,
    pub link: Option<HostAccountLink>,
    /// Latest expiry of the delegations that cover this client, person and host account. A person's own key needs none.
    pub delegated_until: Option<Timestamp>,
}

/// The MFA record, for [`Dependencies`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MfaStatus {
    pub enabled: bool,
    pub expires_at: Timestamp,
}

/// The host account, for [`Dependencies`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostAccountLink {
    pub id: HostAccountId,
    /// The host's name as stored in the link.
    pub host: HostName,
    /// Whether the tenant has registered this host; also true if it registers no hosts at all.
    pub host_known: bool,
    pub expires_at: Timestamp,
}

/// Which dependency of a key is missing or expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DependencyError {
    PersonDisabled,
    Mfa,
    MfaDisabled,
    MfaExpired(Timestamp),
    Link,
    LinkExpired(Timestamp),
    Delegation,
    DelegationExpired(Timestamp),
}

impl From<DependencyError> for RefusalReason {
    fn from(missing: DependencyError) -> Self {
        match missing {
            DependencyError::PersonDisabled => Self::PersonDisabled,
            DependencyError::Mfa => Self::MfaMissing,
            DependencyError::MfaDisabled => Self::MfaDisabled,
            DependencyError::MfaExpired(_) => Self::MfaExpired,
            DependencyError::Link => Self::LinkMissing,
            DependencyError::LinkExpired(_) => Self::LinkExpired,
            DependencyError::Delegation => Self::DelegationMissing,
            DependencyError::DelegationExpired(_) => Self::DelegationExpired,
        }
    }
}

impl Dependencies {
    /// The first missing or expired dependency, in TMS' order: MFA record, host account, delegation.
    pub fn check(&self, needs_delegation: bool, now: Timestamp) -> Result<(), DependencyError> {
        if self.person_enabled == Some(false) {
            return Err(DependencyError::PersonDisabled);
        }
        let mfa = self.mfa.ok_or(DependencyError::Mfa)?;
        if !mfa.enabled {
            return Err(DependencyError::MfaDisabled);
        }
        check_expiry(mfa.expires_at, now).map_err(DependencyError::MfaExpired)?;
        let link = self.link.as_ref().ok_or(DependencyError::Link)?;
        check_expiry(link.expires_at, now).map_err(DependencyError::LinkExpired)?;
        if needs_delegation {
            let until = self.delegated_until.ok_or(DependencyError::Delegation)?;
            check_expiry(until, now).map_err(DependencyError::DelegationExpired)?;
        }
        Ok(())
    }

    /// Whether a row is missing that automatic provisioning would create.
    pub fn any_missing(&self) -> bool {
        self.mfa.is_none() || self.link.is_none() || self.delegated_until.is_none()
    }
}

fn check_expiry(until: Timestamp, now: Timestamp) -> Result<(), Timestamp> {
    if now < until { Ok(()) } else { Err(until) }
}

/// All that decides whether a key may log in now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    pub tenant_enabled: bool,
    /// Whether its client is enabled; `None`: created by no client.
    pub client_enabled: Option<bool>,
    pub dependencies: Dependencies,
    pub max_uses: u32,
    /// Logins so far; exceeds `max_uses` if that was lowered later.
    pub uses: u32,
    pub remaining_uses: u32,
    pub expires_at: Timestamp,
    /// Latest expiry of its reservations.
    pub reserved_until: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

/// Result of a lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupDecision {
    /// The key is not returned. The host does not learn why.
    Refused(RefusalReason),
    /// Returned; the login has been counted already.
    SameLogin,
    /// Returned once this login has been counted.
    NewLogin,
}

impl KeyStatus {
    /// Decides a lookup at `now`.
    pub fn authorize_login(&self, now: Timestamp) -> LookupDecision {
        if let Err(reason) = self.check(now) {
            LookupDecision::Refused(reason)
        } else if self.last_used_at.is_some_and(|last| last.is_within(LOGIN_WINDOW, now)) {
            LookupDecision::SameLogin
        } else if self.remaining_uses == 0 {
            LookupDecision::Refused(RefusalReason::KeyUsedUp)
        } else {
            LookupDecision::NewLogin
        }
    }

    /// The first reason to refuse any login, except that no uses remain.
    fn check(&self, now: Timestamp) -> Result<(), RefusalReason> {
        if !self.tenant_enabled {
            return Err(RefusalReason::TenantDisabled);
        }
        if self.client_enabled == Some(false) {
            return Err(RefusalReason::ClientDisabled);
        }
        match self.reserved_until {
            _ if now < self.expires_at => {}
            None => return Err(RefusalReason::KeyExpired),
            Some(until) if now >= until => return Err(RefusalReason::ReservationEnded),
            Some(_) => {}
        }
        if self.uses > self.max_uses {
            return Err(RefusalReason::KeyUsedUp);
        }
        Ok(self.dependencies.check(self.client_enabled.is_some(), now)?)
    }

    /// When the key stops being valid if nothing else changes.
    pub fn effective_expiry(&self) -> Timestamp {
        let Dependencies { mfa, link, delegated_until, .. } = &self.dependencies;
        let own = self.reserved_until.map_or(self.expires_at, |until| until.max(self.expires_at));
        let delegated = delegated_until.filter(|_| self.client_enabled.is_some());
        let others = [mfa.map(|mfa| mfa.expires_at), link.as_ref().map(|link| link.expires_at), delegated];
        others.into_iter().flatten().fold(own, Timestamp::min)
    }

    /// Sort key among several registrations of one key that may log in; the greatest is returned. Prefers a login that was counted already,
    /// then unlimited uses, then the latest expiry.
    pub fn preference(&self, lookup: LookupDecision) -> (bool, bool, Timestamp) {
        (lookup == LookupDecision::SameLogin, !self.is_limited(), self.effective_expiry())
    }

    /// Whether a login must be refused if it cannot be counted.
    pub fn is_limited(&self) -> bool {
        self.max_uses < UNLIMITED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fingerprints_of_openssh_are_accepted() {
        for good in ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48"] {
            assert!(Fingerprint::parse(good).is_some(), "{good}");
        }
        let long = format!("SHA256:{}", "A".repeat(64));
        for bad in ["", "SHA256", "SHA256:a b", "SHA256:<b>", "SHA256:\u{202e}x", "SHA256:é", "SHA256:\u{1b}[2J", "SHA256:\0", &long] {
            assert!(Fingerprint::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn invisible_label_is_refused() {
        assert_eq!(sanitize_label(Some(" my  laptop "), "jane@vista"), Ok("my laptop".to_owned()));
        assert_eq!(sanitize_label(None, "jane@vista"), Ok("jane@vista".to_owned()));
        assert_eq!((sanitize_label(Some(" "), "jane"), sanitize_label(None, "")), (Ok(String::new()), Ok(String::new())));
        assert_eq!(sanitize_label(None, &"x".repeat(200)), Ok("x".repeat(display_text::MAX_LENGTH)));
        assert_eq!(sanitize_label(Some(&"x".repeat(200)), ""), Err(LabelRefused::Typed(NameRefused::TooLong)));
        for hidden in ["lap\u{200b}top", "lap\u{202e}pot", "\u{3164}"] {
            assert_eq!(sanitize_label(Some(hidden), "jane"), Err(LabelRefused::Typed(NameRefused::Invisible)), "{hidden:?}");
            assert_eq!(sanitize_label(None, hidden), Err(LabelRefused::Comment), "{hidden:?}");
        }
    }

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn minutes(n: i64) -> Timestamp {
        Timestamp::from_millis(NOW.as_millis() + n * 60_000)
    }

    fn dependencies() -> Dependencies {
        Dependencies {
            person_enabled: Some(true),
            mfa: Some(MfaStatus { enabled: true, expires_at: minutes(1) }),
            link: Some(HostAccountLink {
                id: HostAccountId::parse("hac_1").expect("an id"),
                host: HostName::parse("frontera").expect("a name"),
                host_known: true,
                expires_at: minutes(1),
            }),
            delegated_until: Some(minutes(1)),
        }
    }

    fn standing() -> KeyStatus {
        KeyStatus {
            tenant_enabled: true,
            client_enabled: Some(true),
            dependencies: dependencies(),
            max_uses: 3,
            uses: 1,
            remaining_uses: 2,
            expires_at: minutes(5),
            reserved_until: None,
            last_used_at: None,
        }
    }

    fn looked_up(change: impl FnOnce(&mut KeyStatus)) -> LookupDecision {
        let mut standing = standing();
        change(&mut standing);
        standing.authorize_login(NOW)
    }

    #[test]
    fn missing_dependencies_are_reported_in_tms_order() {
        assert_eq!(dependencies().check(true, NOW), Ok(()));
        let missing = |change: fn(&mut Dependencies)| {
            let mut dependencies = dependencies();
            change(&mut dependencies);
            dependencies.check(true, NOW)
        };
        assert_eq!(missing(|d| d.person_enabled = Some(false)), Err(DependencyError::PersonDisabled));
        assert_eq!(missing(|d| d.mfa = None), Err(DependencyError::Mfa));
        assert_eq!(missing(|d| d.mfa = Some(MfaStatus { enabled: false, expires_at: NOW })), Err(DependencyError::MfaDisabled));
        assert_eq!(missing(|d| d.mfa = Some(MfaStatus { enabled: true, expires_at: NOW })), Err(DependencyError::MfaExpired(NOW)));
        assert_eq!(missing(|d| d.link = None), Err(DependencyError::Link));
        assert_eq!(missing(|d| d.delegated_until = None), Err(DependencyError::Delegation));
        assert_eq!(missing(|d| d.delegated_until = Some(NOW)), Err(DependencyError::DelegationExpired(NOW)));
        let all_gone = Dependencies { person_enabled: None, mfa: None, link: None, delegated_until: None };
        assert_eq!(all_gone.check(true, NOW), Err(DependencyError::Mfa));
        assert!(all_gone.any_missing() && !dependencies().any_missing());
    }

    #[test]
    fn own_key_needs_no_delegation() {
        let own = Dependencies { delegated_until: None, ..dependencies() };
        assert_eq!(own.check(false, NOW), Ok(()));
        assert_eq!(looked_up(|s| (s.client_enabled, s.dependencies) = (None, own)), LookupDecision::NewLogin);
    }

    #[test]
    fn key_is_returned_only_while_all_dependencies_are_valid() {
        assert_eq!(looked_up(|_| ()), LookupDecision::NewLogin);
        let refused = |change: fn(&mut KeyStatus)| match looked_up(change) {
            LookupDecision::Refused(reason) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(|s| s.tenant_enabled = false), RefusalReason::TenantDisabled);
        assert_eq!(refused(|s| s.client_enabled = Some(false)), RefusalReason::ClientDisabled);
        assert_eq!(refused(|s| s.expires_at = NOW), RefusalReason::KeyExpired);
        assert_eq!(refused(|s| (s.expires_at, s.reserved_until) = (NOW, Some(NOW))), RefusalReason::ReservationEnded);
        assert_eq!(refused(|s| s.remaining_uses = 0), RefusalReason::KeyUsedUp);
        assert_eq!(refused(|s| (s.uses, s.max_uses) = (2, 1)), RefusalReason::KeyUsedUp);
        assert_eq!(refused(|s| s.dependencies.person_enabled = Some(false)), RefusalReason::PersonDisabled);
        assert_eq!(refused(|s| s.dependencies.mfa = None), RefusalReason::MfaMissing);
        assert_eq!(refused(|s| s.dependencies.mfa = Some(MfaStatus { enabled: false, expires_at: minutes(1) })), RefusalReason::MfaDisabled);
        assert_eq!(refused(|s| s.dependencies.mfa = Some(MfaStatus { enabled: true, expires_at: NOW })), RefusalReason::MfaExpired);
        assert_eq!(refused(|s| s.dependencies.link = None), RefusalReason::LinkMissing);
        assert_eq!(refused(|s| s.dependencies.link.as_mut().expect("a link").expires_at = NOW), RefusalReason::LinkExpired);
        assert_eq!(refused(|s| s.dependencies.delegated_until = None), RefusalReason::DelegationMissing);
        assert_eq!(refused(|s| s.dependencies.delegated_until = Some(NOW)), RefusalReason::DelegationExpired);
    }

    #[test]
    fn lookups_of_one_login_count_as_one_use() {
        let ago = |millis: i64| Some(Timestamp::from_millis(NOW.as_millis() - millis));
        assert_eq!(looked_up(|s| (s.remaining_uses, s.last_used_at) = (0, ago(29_999))), LookupDecision::SameLogin);
        let tomorrow = Some(NOW + Duration::from_secs(86_400));
        assert_eq!(looked_up(|s| s.last_used_at = tomorrow), LookupDecision::NewLogin, "the clock was set back");
        assert_eq!(looked_up(|s| (s.remaining_uses, s.last_used_at) = (0, ago(30_000))), LookupDecision::Refused(RefusalReason::KeyUsedUp));
        assert_eq!(looked_up(|s| s.last_used_at = ago(30_000)), LookupDecision::NewLogin);
        assert_eq!(
            looked_up(|s| (s.expires_at, s.last_used_at) = (NOW, ago(1))),
            LookupDecision::Refused(RefusalReason::KeyExpired),
            "an end is an end"
        );
        let lowered = |s: &mut KeyStatus| (s.max_uses, s.remaining_uses, s.last_used_at) = (0, 0, ago(1));
        assert_eq!(looked_up(lowered), LookupDecision::Refused(RefusalReason::KeyUsedUp), "so is a limit below what has been used");
    }

    #[test]
    fn reservation_extends_the_expiry_but_not_the_uses() {
        let reserved = |s: &mut KeyStatus| (s.expires_at, s.reserved_until) = (NOW, Some(minutes(1)));
        assert_eq!(looked_up(reserved), LookupDecision::NewLogin);
        assert_eq!(looked_up(|s| (s.expires_at, s.reserved_until) = (NOW, Some(NOW))), LookupDecision::Refused(RefusalReason::ReservationEnded));
        let used_up = |s: &mut KeyStatus| {
            reserved(s);
            s.remaining_uses = 0;
        };
        assert_eq!(looked_up(used_up), LookupDecision::Refused(RefusalReason::KeyUsedUp));
        let ends = |change: fn(&mut KeyStatus)| {
            let mut standing = standing();
            change(&mut standing);
            standing.effective_expiry()
        };
        assert_eq!(ends(|_| ()), minutes(1), "what it rests on ends first");
        assert_eq!(ends(|s| s.expires_at = NOW), NOW);
        assert_eq!(ends(|s| (s.expires_at, s.reserved_until) = (NOW, Some(minutes(1)))), minutes(1));
    }

    #[test]
    fn line_matches_its_own_type_only() {
        let line = "ssh-ed25519 AAAA";
        for fits in ["ssh-ed25519", "", "ed25519", "anything"] {
            assert!(line_matches_type(line, fits), "{fits}");
        }
        for other in ["ssh-ed25519-cert-v01@openssh.com", "ssh-rsa", "ssh-rsa-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com", "rsa-sha2-512"] {
            assert!(!line_matches_type(line, other), "{other}");
        }
    }

    #[test]
    fn limits_and_key_types_are_parsed_as_in_tms() {
        assert_eq!((parse_max_uses(-1), parse_max_uses(0), parse_max_uses(3)), (UNLIMITED, 0, 3));
        assert_eq!((expiry_of(-1, NOW), expiry_of(0, NOW), expiry_of(5, NOW)), (Timestamp::FOREVER, NOW, minutes(5)));
        assert_eq!(expiry_of(i32::MAX, NOW).as_millis(), NOW.as_millis() + i64::from(i32::MAX) * 60_000);
        for (word, key_type) in [(None, Some(KeyType::Ed25519)), (Some(""), Some(KeyType::Ed25519)), (Some("RSA"), Some(KeyType::Rsa))] {
            assert_eq!(KeyType::parse(word), key_type);
        }
        assert_eq!(KeyType::parse(Some("dsa")), None);
    }
}
