//! Why a provider cannot be reached, as far down as that is known.

use std::error::Error;
use std::io;

use rustls::CertificateError;
use thiserror::Error;

use super::reach::NoAddress;

/// Found among the causes of a failed request, the innermost of which says it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Why {
    #[error("host name not found")]
    NoSuchName,
    #[error("connection refused")]
    Refused,
    #[error("network unreachable")]
    NoRoute,
    #[error("connection closed")]
    HangsUp,
    #[error("no TLS at this address")]
    NoTls,
    #[error("unknown certificate authority")]
    UnknownAuthority,
    #[error("the certificate is for a different host name")]
    OtherName,
    #[error("the certificate has expired or is not yet valid")]
    NotNow,
    #[error("the certificate is not usable: {0}")]
    Certificate(String),
    #[error("timed out")]
    Slow,
    /// Of a request that went through a proxy, whose fault it may be.
    #[error("{why} (through the proxy {proxy})")]
    Proxied { proxy: String, why: Box<Why> },
    #[error("{0}")]
    Other(String),
}

impl Why {
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let known = causes(error).filter_map(Self::known).last();
        known.unwrap_or_else(|| Self::Other(causes(error).last().unwrap_or(error).to_string()))
    }

    fn known(error: &(dyn Error + 'static)) -> Option<Self> {
        if error.is::<NoAddress>() {
            return Some(Self::NoSuchName);
        }
        match error.downcast_ref() {
            Some(rustls::Error::InvalidCertificate(why)) => return Some(Self::from(why)),
            Some(rustls::Error::InvalidMessage(_)) => return Some(Self::NoTls),
            Some(other) => return Some(Self::Other(other.to_string())),
            None => {}
        }
        match error.downcast_ref::<io::Error>()?.kind() {
            io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => Some(Self::NoRoute),
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
                Some(Self::HangsUp)
            }
            _ => None,
        }
    }
}

impl From<&CertificateError> for Why {
    fn from(why: &CertificateError) -> Self {
        use CertificateError as E;
        match why {
            E::UnknownIssuer | E::BadSignature => Self::UnknownAuthority,
            E::NotValidForName | E::NotValidForNameContext { .. } => Self::OtherName,
            E::Expired | E::ExpiredContext { .. } | E::NotValidYet | E::NotValidYetContext { .. } => Self::NotNow,
            other => Self::Certificate(other.to_string()),
        }
    }
}

/// An error and what it comes from, the innermost last.
pub fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // An error inside an io::Error is not what that calls its source.
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inside.map_or_else(|| error.source(), |inside| Some(inside))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_cause_is_the_one_that_is_told() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let not_tls = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        for (error, why) in [
            (io::Error::other(refused), Why::Refused),
            (io::Error::other(io::Error::new(io::ErrorKind::ConnectionReset, unknown)), Why::UnknownAuthority),
            (io::Error::other(not_tls), Why::NoTls),
            (io::Error::other(NoAddress), Why::NoSuchName),
            (io::Error::other(io::Error::other("something else")), Why::Other("something else".into())),
        ] {
            assert_eq!(Why::of(&error), why);
        }
    }
}
