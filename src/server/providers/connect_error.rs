//! Why there was no connection to a provider, as specifically as known.

use std::error::Error;
use std::io;

use rustls::CertificateError;
use thiserror::Error;

use super::egress::HostNotFoundError;
use crate::domain::error_chain::{causes, root_cause};

/// Found among the causes of a failed request; the innermost one is the most specific.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConnectError {
    #[error("DNS: no address")]
    HostNotFound,
    #[error("ECONNREFUSED")]
    ConnectionRefused,
    #[error("ENETUNREACH")]
    NoRoute,
    #[error("ECONNRESET")]
    ConnectionClosed,
    #[error("TLS: InvalidMessage")]
    NoTls,
    #[error("TLS: UnknownIssuer")]
    UnknownAuthority,
    #[error("TLS: NotValidForName")]
    CertificateNameMismatch,
    #[error("TLS: Expired or NotValidYet")]
    CertificateOutsideValidity,
    #[error("TLS: {0}")]
    InvalidCertificate(String),
    #[error("ETIMEDOUT")]
    Timeout,
    /// The request went through a proxy, which may be the cause.
    #[error("{why}, proxy {proxy}")]
    Proxied { proxy: String, why: Box<ConnectError> },
    #[error("{0}")]
    Other(String),
}

impl ConnectError {
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let known = causes(error).filter_map(Self::classify).last();
        known.unwrap_or_else(|| Self::Other(root_cause(error).to_string()))
    }

    fn classify(error: &(dyn Error + 'static)) -> Option<Self> {
        if error.is::<HostNotFoundError>() {
            return Some(Self::HostNotFound);
        }
        match error.downcast_ref() {
            Some(rustls::Error::InvalidCertificate(why)) => return Some(Self::from(why)),
            Some(rustls::Error::InvalidMessage(_)) => return Some(Self::NoTls),
            Some(other) => return Some(Self::Other(other.to_string())),
            None => {}
        }
        match error.downcast_ref::<io::Error>()?.kind() {
            io::ErrorKind::ConnectionRefused => Some(Self::ConnectionRefused),
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => Some(Self::NoRoute),
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
                Some(Self::ConnectionClosed)
            }
            _ => None,
        }
    }
}

impl From<&CertificateError> for ConnectError {
    fn from(why: &CertificateError) -> Self {
        use CertificateError as E;
        match why {
            E::UnknownIssuer | E::BadSignature => Self::UnknownAuthority,
            E::NotValidForName | E::NotValidForNameContext { .. } => Self::CertificateNameMismatch,
            E::Expired | E::ExpiredContext { .. } | E::NotValidYet | E::NotValidYetContext { .. } => Self::CertificateOutsideValidity,
            other => Self::InvalidCertificate(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_cause_is_reported() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let not_tls = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        for (error, why) in [
            (io::Error::other(refused), ConnectError::ConnectionRefused),
            (io::Error::other(io::Error::new(io::ErrorKind::ConnectionReset, unknown)), ConnectError::UnknownAuthority),
            (io::Error::other(not_tls), ConnectError::NoTls),
            (io::Error::other(HostNotFoundError), ConnectError::HostNotFound),
            (io::Error::other(io::Error::other("something else")), ConnectError::Other("something else".into())),
        ] {
            assert_eq!(ConnectError::of(&error), why);
        }
    }
}
