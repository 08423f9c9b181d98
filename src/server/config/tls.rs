//! Whether the portal terminates TLS, and with which certificate.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;

use crate::server::tls::{self, TlsMode};

#[derive(Clone, Debug, Default, clap::Args)]
pub struct TlsOptions {
    /// For development: serve HTTPS with a certificate that the portal creates; the output at start says how to trust it
    #[arg(long, env = "TMS_TLS_SELF_SIGNED", value_parser = FalseyValueParser::new())]
    pub tls_self_signed: bool,
    /// Allow --tls-self-signed on an address that others can reach: they would get used to ignoring certificate warnings
    #[arg(long, env = "TMS_TLS_SELF_SIGNED_ANYWHERE", value_parser = FalseyValueParser::new())]
    pub tls_self_signed_anywhere: bool,
    /// Serve HTTPS with this certificate, followed by its chain (PEM)
    #[arg(long, env = "TMS_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key (PEM)
    #[arg(long, env = "TMS_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
}

impl TlsOptions {
    /// Whether the options ask for TLS, even if they are not valid.
    pub fn is_requested(&self) -> bool {
        self.tls_self_signed || self.tls_cert.is_some() || self.tls_key.is_some()
    }

    /// Reads the operator's certificate, which must be valid for `host`.
    pub fn read(&self, host: Option<&str>) -> Result<TlsMode, String> {
        match (self.tls_self_signed, &self.tls_cert, &self.tls_key) {
            (false, None, None) => Ok(TlsMode::External),
            (true, None, None) => Ok(TlsMode::Development),
            (false, Some(certificate), Some(key)) => tls::from_files(certificate, key, host).map(TlsMode::OperatorCertificate),
            (true, _, _) => Err("--tls-self-signed: makes a certificate; leave out --tls-cert and --tls-key".into()),
            (false, Some(_), None) => Err("--tls-cert: needs --tls-key with it".into()),
            (false, None, Some(_)) => Err("--tls-key: needs --tls-cert with it".into()),
        }
    }
}
