//! How a client is registered: what it may ask for, and how it proves who it is.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{CLI_CLIENT_ID, Client};
use crate::domain::authorization::AuthorizationOrigin;
use crate::domain::client_uris::{ClientUriKind, ClientUris};
use crate::domain::stored_words::stored_words;

/// A way to get tokens (RFC 6749 §1.3, RFC 8628); the words are those of the parameter `grant_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantType {
    DeviceCode,
    AuthorizationCode,
    RefreshToken,
    ClientCredentials,
}

stored_words!(GrantType {
    DeviceCode = "urn:ietf:params:oauth:grant-type:device_code",
    AuthorizationCode = "authorization_code",
    RefreshToken = "refresh_token",
    ClientCredentials = "client_credentials",
});

/// The grant type of the flow in which an authorization was given.
impl From<AuthorizationOrigin> for GrantType {
    fn from(origin: AuthorizationOrigin) -> Self {
        match origin {
            AuthorizationOrigin::Device => Self::DeviceCode,
            AuthorizationOrigin::Code => Self::AuthorizationCode,
        }
    }
}

/// The grant types that a client may use beside the device grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantTypes {
    pub authorization_code: bool,
    pub refresh_token: bool,
    pub client_credentials: bool,
}

impl GrantTypes {
    /// Each with its word.
    fn all(self) -> [(GrantType, bool); 3] {
        [
            (GrantType::AuthorizationCode, self.authorization_code),
            (GrantType::RefreshToken, self.refresh_token),
            (GrantType::ClientCredentials, self.client_credentials),
        ]
    }

    /// Reads words separated by spaces; ignores those that this release does not know.
    pub fn parse_known(text: &str) -> Self {
        let has = |grant_type: GrantType| text.split_ascii_whitespace().any(|word| word == grant_type.as_str());
        Self {
            authorization_code: has(GrantType::AuthorizationCode),
            refresh_token: has(GrantType::RefreshToken),
            client_credentials: has(GrantType::ClientCredentials),
        }
    }
}

impl fmt::Display for GrantTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.all().into_iter().filter(|(_, allowed)| *allowed).map(|(grant_type, _)| grant_type.as_str()).collect();
        f.write_str(&words.join(" "))
    }
}

/// How a client proves who it is at the authorization server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientAuthMethod {
    /// With its secret, as HTTP Basic or in the body (`client_secret_basic`, `client_secret_post`).
    Secret,
    /// With a JWT that it signs (RFC 7523 §2.2).
    PrivateKeyJwt,
    /// Not at all: any program can claim to be this client (RFC 6749 §2.1 *public*, RFC 8628 §5.6).
    None,
}

stored_words!(ClientAuthMethod {
    Secret = "secret",
    PrivateKeyJwt = "private_key_jwt",
    None = "none",
});

/// What protects a client's authorization codes from being redeemed by others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PkceRule {
    /// A code challenge (RFC 7636).
    #[default]
    Required,
    /// A code challenge, or a `nonce` that the client compares (RFC 9700 §2.1.1).
    Nonce,
    /// Neither is required. Only the operator can set this.
    Off,
}

stored_words!(PkceRule {
    Required = "required",
    Nonce = "nonce",
    Off = "off",
});

/// When a client gets a refresh token, if it may use them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefreshRule {
    /// With the scope `offline_access` (OpenID Connect Core §11).
    #[default]
    OfflineAccess,
    Always,
}

stored_words!(RefreshRule {
    OfflineAccess = "offline_access",
    Always = "always",
});

/// Whether people are asked each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConsentRule {
    /// Not if an authorization in force covers the request, or the person had their consent remembered.
    #[default]
    Remembered,
    Always,
}

stored_words!(ConsentRule {
    Remembered = "remembered",
    Always = "always",
});

/// The largest "longest access" of a client, in hours: ten years, as of a tenant.
pub const MAX_LONGEST_ACCESS_HOURS: u64 = 3_650 * 24;

/// Why a client cannot have these settings.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientSettingsRefused {
    #[error("a public client cannot get tokens for itself (client_credentials): any program could claim to be it")]
    PublicClientCredentials,
    #[error("a public client needs PKCE: any program could redeem its codes")]
    PublicWithoutPkce,
    #[error("only the operator can set that PKCE is not required (tms-portal client set --pkce off)")]
    PkceOffByOperator,
    #[error("private_key_jwt needs the client's keys, or the URL where it publishes them")]
    NoKeys,
    #[error("either the client's keys are registered, or the URL where it publishes them, not both")]
    KeysTwice,
    #[error("the client of the tms command is public and stays so")]
    CommandLineClient,
}

/// Why a document is no set of public keys of a client (RFC 7517 §5).
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, Serialize, Deserialize)]
pub enum JwksRefused {
    #[error("it is no JSON Web Key Set, an object with the member keys")]
    NotAKeySet,
    #[error("it is larger than 64 KiB")]
    TooLarge,
    #[error("it has more than 20 keys")]
    TooMany,
    #[error("it has a private or symmetric key: replace that key, and send public keys only")]
    SecretKey,
    #[error("it has no key for ES256, PS256, RS256 (2048 to 4096 bits) or EdDSA (Ed25519)")]
    NoUsableKey,
}

impl Client {
    /// Refuses combinations that would be insecure or that cannot work.
    pub fn check_settings(&self, uris: &ClientUris) -> Result<(), ClientSettingsRefused> {
        use ClientSettingsRefused as R;
        let public = self.is_public();
        match () {
            () if !public && self.id.as_str() == CLI_CLIENT_ID => Err(R::CommandLineClient),
            () if public && self.grant_types.client_credentials => Err(R::PublicClientCredentials),
            () if public && self.pkce != PkceRule::Required => Err(R::PublicWithoutPkce),
            () if self.jwks.is_some() && uris.jwks.is_some() => Err(R::KeysTwice),
            () if self.auth_method == ClientAuthMethod::PrivateKeyJwt && self.jwks.is_none() && uris.jwks.is_none() => Err(R::NoKeys),
            () => Ok(()),
        }
    }
}

impl ClientUris {
    /// Names of the kinds of addresses in which this differs from `other`, as the audit log has them.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let differs = |kind: &ClientUriKind| match kind {
            ClientUriKind::Redirect => self.redirect != other.redirect,
            ClientUriKind::PostLogout => self.post_logout != other.post_logout,
            ClientUriKind::BackchannelLogout => self.backchannel_logout != other.backchannel_logout,
            ClientUriKind::Origin => self.origins != other.origins,
            ClientUriKind::Jwks => self.jwks != other.jwks,
        };
        let name = |kind| match kind {
            ClientUriKind::Redirect => "redirect-uris",
            ClientUriKind::PostLogout => "post-logout-uris",
            ClientUriKind::BackchannelLogout => "backchannel-logout-uri",
            ClientUriKind::Origin => "origins",
            ClientUriKind::Jwks => "jwks-uri",
        };
        ClientUriKind::ALL.into_iter().filter(differs).map(|kind| name(kind).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::client_uris::ClientEndpoint;
    use crate::domain::ids::{ClientId, TenantId};
    use crate::domain::time::Timestamp;

    fn client(id: &str) -> Client {
        let (tenant, id) = (TenantId::parse("test").expect("a tenant id"), ClientId::parse(id).expect("a client id"));
        Client::new(tenant, id, "App", "1.0", Timestamp::from_millis(0))
    }

    #[test]
    fn words_are_read_back() {
        for words in ["", "authorization_code refresh_token", "authorization_code refresh_token client_credentials"] {
            assert_eq!(GrantTypes::parse_known(words).to_string(), words);
        }
        assert_eq!(GrantTypes::parse_known("password refresh_token").to_string(), "refresh_token");
        assert_eq!(ClientAuthMethod::parse("private_key_jwt"), Some(ClientAuthMethod::PrivateKeyJwt));
        assert_eq!((PkceRule::parse("off"), PkceRule::parse("plain")), (Some(PkceRule::Off), None));
        assert_eq!(GrantType::parse("password"), None);
    }

    #[test]
    fn insecure_or_impossible_settings_are_refused() {
        use ClientSettingsRefused as R;
        let none = ClientUris::default();
        let published = ClientUris { jwks: ClientEndpoint::parse("https://app.example.org/jwks", false).ok(), ..ClientUris::default() };
        let check = |change: &dyn Fn(&mut Client), uris: &ClientUris| {
            let mut client = client("app");
            change(&mut client);
            client.check_settings(uris)
        };
        let public = |client: &mut Client| client.auth_method = ClientAuthMethod::None;
        assert_eq!(check(&|_| (), &none), Ok(()));
        assert_eq!(check(&public, &none), Ok(()));
        assert_eq!(check(&|c| (public(c), c.grant_types.client_credentials = true).1, &none), Err(R::PublicClientCredentials));
        assert_eq!(check(&|c| (public(c), c.pkce = PkceRule::Nonce).1, &none), Err(R::PublicWithoutPkce));
        assert_eq!(check(&|c| c.pkce = PkceRule::Off, &none), Ok(()), "who may set it is another question");
        let with_keys = |client: &mut Client| client.auth_method = ClientAuthMethod::PrivateKeyJwt;
        assert_eq!(check(&with_keys, &none), Err(R::NoKeys));
        assert_eq!(check(&with_keys, &published), Ok(()));
        assert_eq!(check(&|c| c.jwks = Some("{}".into()), &published), Err(R::KeysTwice));
        assert_eq!(client(CLI_CLIENT_ID).check_settings(&none), Err(R::CommandLineClient));
    }

    #[test]
    fn changes_are_named_as_options() {
        let before = client("app");
        let after = Client { pkce: PkceRule::Off, grant_types: GrantTypes::parse_known("authorization_code"), ..before.clone() };
        assert_eq!(after.differences(&before), ["grant-types", "pkce=off"]);
        assert_eq!(before.differences(&before), Vec::<String>::new());
        let uris = ClientUris { backchannel_logout: ClientEndpoint::parse("https://app.example.org/out", true).ok(), ..ClientUris::default() };
        assert_eq!(uris.differences(&ClientUris::default()), ["backchannel-logout-uri"]);
    }
}
