//! The labels of metrics. All values are known when the program is compiled: what callers send, such as names, is never one.

use std::marker::PhantomData;

use crate::domain::refused_authentication::{AuthenticationFailure, CredentialKind};

pub trait Label: Copy + 'static {
    const ALL: &'static [Self];

    fn as_str(self) -> &'static str;

    /// Its place in [`Self::ALL`].
    fn index(self) -> usize;
}

macro_rules! labels {
    ($($(#[$doc:meta])* $label:ident { $($(#[$value_doc:meta])* $value:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $label { $($(#[$value_doc])* $value,)* }

        impl Label for $label {
            const ALL: &'static [Self] = &[$($label::$value,)*];

            fn as_str(self) -> &'static str {
                match self { $($label::$value => $word,)* }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    )*};
}

labels! {
    /// What a request is for.
    Route {
        /// A host's lookup of a key.
        KeyLookup = "key_lookup",
        TmsApi = "tms_api",
        OAuth = "oauth",
        Page = "page",
        /// A form, or an island that sends something.
        Form = "form",
        /// Signing in and out, also of providers.
        SignIn = "sign_in",
        StaticFile = "static_file",
        /// `/healthz` and `/readyz`.
        Probe = "probe",
        Other = "other",
    }

    LookupOutcome {
        Found = "found",
        NotFound = "not_found",
        /// The host's credential is missing, not valid, or another host's.
        NotAuthorized = "not_authorized",
        /// An internal fault.
        Failed = "failed",
    }

    /// A limit against floods.
    Limit {
        DeviceRequests = "device_requests",
        OAuthRequests = "oauth_requests",
        WrongSecrets = "wrong_secrets",
        WrongRefreshTokens = "wrong_refresh_tokens",
        Registrations = "registrations",
        Pages = "pages",
        UpstreamCallbacks = "arrivals",
        /// RSA keys being generated.
        RsaKeys = "rsa_keys",
    }

    SignInMethod {
        Password = "password",
        Provider = "provider",
        SecondFactor = "second_factor",
    }

    SignInResult {
        Succeeded = "succeeded",
        Refused = "refused",
        /// Refused without a check, after too many failed attempts.
        Limited = "limited",
        /// An internal fault.
        Failed = "failed",
    }

    ProviderResult {
        Answered = "answered",
        /// Status 4xx.
        Refused = "refused",
        /// No response, or one that cannot be used.
        Failed = "failed",
    }

    /// What became of an attempt to tell a client that a person has signed out.
    LogoutNoticeResult {
        Delivered = "delivered",
        /// It is sent again later.
        Failed = "failed",
        /// It is not sent again.
        Dropped = "dropped",
    }

    /// What expires.
    Expiring {
        SshKey = "ssh_key",
        HostAccount = "host_account",
        Mfa = "mfa",
    }
}

impl Label for CredentialKind {
    const ALL: &'static [Self] = Self::ALL;

    fn as_str(self) -> &'static str {
        self.as_str()
    }

    fn index(self) -> usize {
        self as usize
    }
}

impl Label for AuthenticationFailure {
    const ALL: &'static [Self] = Self::ALL;

    fn as_str(self) -> &'static str {
        self.as_str()
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// One of something for each value of a label.
pub struct PerLabel<L, T>(Vec<T>, PhantomData<L>);

impl<L: Label, T> PerLabel<L, T> {
    pub fn new(make: impl FnMut(L) -> T) -> Self {
        Self(L::ALL.iter().copied().map(make).collect(), PhantomData)
    }

    /// Always there, as `L::ALL` has all values.
    pub fn of(&self, value: L) -> Option<&T> {
        self.0.get(value.index())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_complete<L: Label + PartialEq>() {
        for (place, value) in L::ALL.iter().enumerate() {
            assert_eq!(value.index(), place, "{}", value.as_str());
        }
    }

    #[test]
    fn values_are_at_their_places() {
        assert_complete::<Route>();
        assert_complete::<CredentialKind>();
        assert_complete::<AuthenticationFailure>();
    }
}
