//! Refresh tokens (RFC 6749 §1.5): computed from their family, and stored nowhere.
//!
//! `tmsr_` and the base64url of the family (16 bytes), the generation (4 bytes) and an HMAC (32 bytes) over both, the tenant and the family's
//! salt. Making one takes the key and the database. The prefix is for programs that search texts for secrets.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::domain::ids::{TenantId, TokenFamilyId};
use crate::domain::token_family::{SALT_BYTES, TokenFamily};
use crate::server::service::platform::keystore::Keystore;
use crate::server::service::platform::rng::Secret;

const PREFIX: &str = "tmsr_";
/// Prefix of the ids of families, which are otherwise UUIDs.
pub(in crate::server::service) const FAMILY_PREFIX: &str = "fam";
/// Kind under which the HMAC is computed.
const MAC_KIND: &str = "refresh token";

const FAMILY_BYTES: usize = 16;
const GENERATION_BYTES: usize = 4;
const MAC_BYTES: usize = 32;
const LENGTH: usize = FAMILY_BYTES + GENERATION_BYTES + MAC_BYTES;

/// A refresh token as it was sent, not verified yet.
pub(in crate::server::service) struct RefreshToken {
    pub family: TokenFamilyId,
    pub generation: u32,
    mac: Vec<u8>,
}

impl RefreshToken {
    /// `None` if the text has not the form of a refresh token.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?);
        if bytes.len() != LENGTH {
            return None;
        }
        let (family, rest) = bytes.split_first_chunk::<FAMILY_BYTES>()?;
        let (generation, mac) = rest.split_first_chunk::<GENERATION_BYTES>()?;
        let family = TokenFamilyId::parse(format!("{FAMILY_PREFIX}_{}", Uuid::from_bytes(*family).simple())).ok()?;
        Some(Self { family, generation: u32::from_be_bytes(*generation), mac: mac.to_vec() })
    }

    /// The mark of the key under which it was computed for this family; `None` if it was not. Without a family it takes the same time.
    pub fn verify<'k>(&self, keys: &'k Keystore, tenant: &TenantId, family: Option<&TokenFamily>) -> Option<&'k [u8]> {
        let salt = family.map_or(&[0; SALT_BYTES], |family| &family.salt);
        let mark = keys.verify_mac(MAC_KIND, &mac_text(tenant, &self.family, self.generation, salt), &self.mac);
        mark.filter(|_| family.is_some_and(|family| family.id == self.family && family.tenant_id == *tenant))
    }
}

/// The refresh token of a family's current generation, under the key in use. `None` for a family that began in an earlier release.
pub(in crate::server::service) fn current(keys: &Keystore, family: &TokenFamily) -> Option<Secret> {
    let id = Uuid::try_parse(family.id.as_str().strip_prefix(FAMILY_PREFIX)?.strip_prefix('_')?).ok()?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH));
    bytes.extend_from_slice(id.as_bytes());
    bytes.extend_from_slice(&family.generation.to_be_bytes());
    bytes.extend_from_slice(&keys.mac(MAC_KIND, &mac_text(&family.tenant_id, &family.id, family.generation, &family.salt)));
    Some(Secret::from_plaintext(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(&*bytes))))
}

/// What the HMAC is computed over. No part can contain a space.
fn mac_text(tenant: &TenantId, family: &TokenFamilyId, generation: u32, salt: &[u8; SALT_BYTES]) -> Zeroizing<String> {
    Zeroizing::new(format!("{tenant} {family} {generation} {}", hex::encode(salt)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::authorization::RequestSource;
    use crate::domain::ids::{AuthorizationId, ClientId};
    use crate::domain::scope::ScopeSet;
    use crate::domain::time::Timestamp;
    use crate::domain::token_family::TokenFamilyState;
    use crate::server::service::SystemRng;

    fn keys() -> Keystore {
        let dir = tempfile::tempdir().expect("a folder");
        Keystore::open(dir.path(), true, &SystemRng, &[]).expect("keys")
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::parse(name).expect("a tenant id")
    }

    fn family(generation: u32) -> TokenFamily {
        let begun = Timestamp::from_millis(0);
        TokenFamily {
            tenant_id: tenant("test"),
            id: TokenFamilyId::parse("fam_0193a1b2c3d4e5f60718293a4b5c6d7e").expect("a family id"),
            authorization_id: AuthorizationId::parse("dgr_1").expect("an authorization id"),
            client_id: ClientId::parse("app").expect("a client id"),
            scope: ScopeSet::default(),
            resources: Vec::new(),
            salt: [7; SALT_BYTES],
            generation,
            rotated_at: begun,
            successor_seen: false,
            retries: 0,
            offline: true,
            session: None,
            authenticated: None,
            username_account: None,
            begun: RequestSource { at: begun, from: None, agent: String::new() },
            refreshed: None,
            idle_until: Some(begun),
            state: TokenFamilyState::Live,
        }
    }

    #[test]
    fn token_names_its_family_and_generation() {
        let (keys, family) = (keys(), family(3));
        let text = current(&keys, &family).expect("a token");
        assert_eq!((text.reveal().len(), text.reveal().starts_with("tmsr_")), (75, true));
        let token = RefreshToken::parse(text.reveal()).expect("a token");
        assert_eq!((&token.family, token.generation), (&family.id, 3));
        assert_eq!(token.verify(&keys, &family.tenant_id, Some(&family)), Some(&[][..]));
        assert_eq!(current(&keys, &family).expect("a token").reveal(), text.reveal(), "computed again");
    }

    #[test]
    fn token_is_of_one_family_tenant_generation_salt_and_key() {
        let (keys, one) = (keys(), family(3));
        let text = current(&keys, &one).expect("a token");
        let token = RefreshToken::parse(text.reveal()).expect("a token");
        let another_salt = TokenFamily { salt: [8; SALT_BYTES], ..one.clone() };
        let another_id = TokenFamily { id: TokenFamilyId::parse("fam_0193a1b2c3d4e5f60718293a4b5c6d7f").expect("a family id"), ..one.clone() };
        assert!(token.verify(&keys, &one.tenant_id, Some(&another_salt)).is_none());
        assert!(token.verify(&keys, &one.tenant_id, Some(&another_id)).is_none());
        assert!(token.verify(&keys, &one.tenant_id, None).is_none());
        assert!(token.verify(&keys, &tenant("other"), Some(&one)).is_none());
        assert!(token.verify(&self::keys(), &one.tenant_id, Some(&one)).is_none());
        assert_ne!(current(&keys, &family(4)).expect("a token").reveal(), text.reveal());
    }

    #[test]
    fn changed_bits_are_refused() {
        let (keys, family) = (keys(), family(0));
        let text = current(&keys, &family).expect("a token");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.reveal().strip_prefix(PREFIX).expect("the prefix")).expect("base64url");
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let token = RefreshToken::parse(&format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(&changed))).expect("the form of a token");
            assert!(token.verify(&keys, &family.tenant_id, Some(&family)).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn other_texts_are_no_refresh_tokens() {
        let text = current(&keys(), &family(0)).expect("a token");
        let text = text.reveal();
        let others = [
            String::new(),
            PREFIX.to_owned(),
            text.chars().skip(1).collect(),
            text.chars().take(74).collect(),
            format!("{text}A"),
            format!("{text}="),
            text.to_uppercase(),
        ];
        for other in others {
            assert!(RefreshToken::parse(&other).is_none(), "{other}");
        }
        let earlier = TokenFamily { id: TokenFamilyId::parse("tok_0193a1b2c3d4e5f60718293a4b5c6d7e").expect("a family id"), ..family(0) };
        assert!(current(&keys(), &earlier).is_none(), "it has no refresh token");
    }
}
