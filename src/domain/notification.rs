//! Notifications: what a person should look at, derived from audit events. Shown on the home page until dismissed, and sent by e-mail.

use std::net::IpAddr;
use std::time::Duration;

use super::audit_log::{AuditEvent, AuditKind};
use super::paths::{self, encode};
use super::time::Timestamp;

/// Maximum number of a person's notifications about applications, and of their other ones; older ones are deleted, unless an e-mail waits.
pub const MAX_NOTIFICATIONS: i64 = 50;
/// How long a notification is kept.
pub const NOTIFICATION_RETENTION: Duration = days(90);
/// A network is new to a person who has not signed in from it for this long.
pub const NETWORK_MEMORY: Duration = days(90);
/// Maximum number of networks that are remembered of a person.
pub const MAX_NETWORKS: i64 = 100;
/// An application's keys are reported again after this time, once the earlier notification is dismissed.
pub const APPLICATION_KEYS_INTERVAL: Duration = days(1);

const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}

/// What a notification is about. The words are stored in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotificationKind {
    /// A sign-in from a network that is new to the person.
    NewNetwork,
    /// An application may act for the person.
    ApplicationAllowed,
    /// A key of the person's own was registered.
    KeyRegistered,
    /// An application created keys.
    ApplicationKeys,
    /// A redeemed device code or authorization code was sent again.
    DeviceReplayed,
    /// A refresh token was used after it had been replaced.
    RefreshTokenReused,
    /// A user code was submitted in two sessions.
    CodeSubmittedTwice,
    SecondFactorRemoved,
}

impl NotificationKind {
    const ALL: [(&'static str, Self); 8] = [
        ("new_network", Self::NewNetwork),
        ("application_allowed", Self::ApplicationAllowed),
        ("key_registered", Self::KeyRegistered),
        ("application_keys", Self::ApplicationKeys),
        ("device_replayed", Self::DeviceReplayed),
        ("refresh_token_reused", Self::RefreshTokenReused),
        ("code_submitted_twice", Self::CodeSubmittedTwice),
        ("second_factor_removed", Self::SecondFactorRemoved),
    ];

    /// What applications do: people can turn off e-mail about it.
    pub const OPTIONAL: [Self; 2] = [Self::ApplicationAllowed, Self::ApplicationKeys];

    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// `None` for a word that this release does not define.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind)
    }

    /// The notification that an event causes, if any. A sign-in causes one only if its network is new.
    pub fn of(event: &AuditEvent) -> Option<Self> {
        match event.kind {
            AuditKind::SignedIn if event.from.is_some() => Some(Self::NewNetwork),
            AuditKind::DeviceApproved | AuditKind::AuthorizationAllowed | AuditKind::DelegationCreated => Some(Self::ApplicationAllowed),
            AuditKind::KeyCreated if event.client_id.is_some() => Some(Self::ApplicationKeys),
            AuditKind::KeyCreated => Some(Self::KeyRegistered),
            AuditKind::DeviceReplayed | AuditKind::AuthorizationCodeReplayed => Some(Self::DeviceReplayed),
            AuditKind::RefreshTokenReused => Some(Self::RefreshTokenReused),
            AuditKind::CodeSubmittedTwice => Some(Self::CodeSubmittedTwice),
            AuditKind::SecondFactorRemoved => Some(Self::SecondFactorRemoved),
            _ => None,
        }
    }

    /// Whether it is sent by e-mail also to people who turned e-mail off: an intruder could turn it off first.
    pub fn is_always_mailed(self) -> bool {
        !Self::OPTIONAL.contains(&self)
    }

    /// Whether one notification stands for all events of an application until it is dismissed.
    pub fn is_collapsed(self) -> bool {
        self == Self::ApplicationKeys
    }
}

/// The network of an address: its /24 or /48.
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

/// Whether a sign-in is from a network that is new to the person; their very first sign-in is not.
pub fn is_new_network(last_seen_there: Option<Timestamp>, signed_in_before: bool, now: Timestamp) -> bool {
    signed_in_before && last_seen_there.is_none_or(|at| now.since(at) > NETWORK_MEMORY || at.is_ahead_of(now))
}

/// A notification as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub id: i64,
    pub kind: NotificationKind,
    pub at: Timestamp,
    pub client_id: Option<String>,
    /// Display name of the client, if it still exists.
    pub client_name: Option<String>,
    /// Whether the client may act for the person now.
    pub has_access: bool,
    /// A key's fingerprint, the name of a factor, or the device that was allowed.
    pub subject: Option<String>,
    /// IP address; `None` if it is unknown, or an administrator's.
    pub from: Option<String>,
}

impl Notification {
    /// The page that shows what it is about.
    pub fn object_url(&self) -> String {
        let searched = |path: &str, text: Option<&String>| text.map_or_else(|| path.to_owned(), |text| format!("{path}?q={}", encode(text)));
        match self.kind {
            NotificationKind::NewNetwork => format!("{}?show=sign-ins", paths::ACTIVITY),
            NotificationKind::ApplicationAllowed => searched(paths::APPS, self.client_id.as_ref()),
            NotificationKind::KeyRegistered => searched(paths::KEYS, self.subject.as_ref()),
            NotificationKind::ApplicationKeys => {
                self.client_id.as_ref().map_or_else(|| paths::KEYS.to_owned(), |client| paths::keys_of_client(paths::KEYS, client))
            }
            NotificationKind::DeviceReplayed | NotificationKind::RefreshTokenReused | NotificationKind::CodeSubmittedTwice => {
                format!("{}?show=apps", paths::ACTIVITY)
            }
            NotificationKind::SecondFactorRemoved => paths::IDENTITIES.to_owned(),
        }
    }

    /// The page on which a person who did not cause it ends what it allowed.
    pub fn not_me_url(&self) -> String {
        match (self.kind, &self.client_id, &self.subject) {
            // Each sign-in there offers what ends it.
            (NotificationKind::NewNetwork, ..) => self.object_url(),
            (NotificationKind::ApplicationAllowed | NotificationKind::ApplicationKeys, Some(client), _) if self.has_access => {
                format!("{}?client={}", paths::APPS_REVOKE, encode(client))
            }
            (NotificationKind::KeyRegistered, _, Some(fingerprint)) => format!("{}?q={}&show=active&all=1", paths::KEYS_REVOKE, encode(fingerprint)),
            _ => paths::REVOKE_EVERYTHING.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ids::{ClientId, TenantId};
    use super::*;

    fn event(kind: AuditKind) -> AuditEvent {
        AuditEvent::new(TenantId::parse("test").expect("a tenant"), kind, Timestamp::from_millis(0))
    }

    #[test]
    fn events_map_to_notifications() {
        let client = ClientId::parse("app").expect("a client");
        let address: Option<IpAddr> = "192.0.2.1".parse().ok();
        for (event, kind) in [
            (event(AuditKind::SignedIn).from(address), Some(NotificationKind::NewNetwork)),
            (event(AuditKind::SignedIn), None),
            (event(AuditKind::FirstFactorVerified).from(address), None),
            (event(AuditKind::DeviceApproved).client(&client), Some(NotificationKind::ApplicationAllowed)),
            (event(AuditKind::DelegationCreated).client(&client), Some(NotificationKind::ApplicationAllowed)),
            (event(AuditKind::KeyCreated).client(&client), Some(NotificationKind::ApplicationKeys)),
            (event(AuditKind::KeyCreated), Some(NotificationKind::KeyRegistered)),
            (event(AuditKind::KeyUsed).client(&client), None),
            (event(AuditKind::DeviceReplayed).client(&client), Some(NotificationKind::DeviceReplayed)),
            (event(AuditKind::AuthorizationCodeReplayed).client(&client), Some(NotificationKind::DeviceReplayed)),
            (event(AuditKind::AuthorizationAllowed).client(&client), Some(NotificationKind::ApplicationAllowed)),
            (event(AuditKind::SignInAllowed).client(&client), None),
            (event(AuditKind::RefreshTokenReused).client(&client), Some(NotificationKind::RefreshTokenReused)),
            (event(AuditKind::RefreshedFromNewNetwork).client(&client), None),
            (event(AuditKind::CodeSubmittedTwice), Some(NotificationKind::CodeSubmittedTwice)),
            (event(AuditKind::SecondFactorRemoved), Some(NotificationKind::SecondFactorRemoved)),
            (event(AuditKind::SecondFactorAdded), None),
        ] {
            assert_eq!(NotificationKind::of(&event), kind, "{:?}", event.kind);
        }
    }

    #[test]
    fn every_kind_has_a_word() {
        let causes = AuditKind::ALL.iter().filter_map(|kind| NotificationKind::of(&event(*kind).from("::1".parse().ok())));
        for kind in causes.chain([NotificationKind::ApplicationKeys]) {
            assert_eq!(NotificationKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(NotificationKind::parse(""), None);
    }

    #[test]
    fn only_what_applications_do_can_be_turned_off() {
        let optional: Vec<&str> = NotificationKind::ALL.iter().filter(|(_, kind)| !kind.is_always_mailed()).map(|(word, _)| *word).collect();
        assert_eq!(optional, ["application_allowed", "application_keys"]);
    }

    #[test]
    fn networks_are_24_or_48_bits_long() {
        for (address, expected) in
            [("192.0.2.77", "192.0.2.0/24"), ("::ffff:192.0.2.77", "192.0.2.0/24"), ("2001:db8:12:34::1", "2001:db8:12::/48"), ("::1", "0:0:0::/48")]
        {
            assert_eq!(network(address.parse().expect("an address")), expected, "{address}");
        }
    }

    #[test]
    fn a_network_is_new_after_90_days() {
        let now = Timestamp::from_millis(1_795_176_000_000);
        assert!(!is_new_network(None, false, now), "the first sign-in");
        assert!(is_new_network(None, true, now));
        assert!(!is_new_network(Some(now - days(90)), true, now));
        assert!(is_new_network(Some(now - days(91)), true, now));
        assert!(is_new_network(Some(now + days(1)), true, now), "the clock was set back");
    }
}
