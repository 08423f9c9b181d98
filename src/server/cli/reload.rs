//! What a running portal reads again: certificate, settings and rotated keys when it gets SIGHUP, and the certificate when its files have changed.

use std::path::PathBuf;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use tokio::signal::unix::Signal;
use tokio::task::block_in_place;

use super::{CommandError, systemd};
use crate::domain::time::Timestamp;
use crate::server::config::{Config, ConfigProblems, ServerOptions, WrittenSettings};
use crate::server::state::AppState;
use crate::server::tls::served::ServedCertificate;
use crate::server::tls::{TlsMode, development};

/// How often the certificate's files are looked at, so that a renewal without SIGHUP takes effect too.
const CHECK_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// How often the development certificate is renewed if it expires soon.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

pub struct Reloader {
    options: ServerOptions,
    /// The file at the start, with which everything that needs a restart is in use.
    file: WrittenSettings,
    tls: ServedTls,
}

enum ServedTls {
    External,
    Operator(Box<ServedCertificate>),
    Development(DevelopmentCertificate),
}

impl Reloader {
    /// Prepares the certificate.
    pub fn new(options: ServerOptions, config: &Config, now: Timestamp) -> Result<Self, CommandError> {
        let tls = match &config.tls {
            TlsMode::External => ServedTls::External,
            TlsMode::OperatorCertificate(certificate) => ServedTls::Operator(Box::new(ServedCertificate::new(certificate.clone()))),
            TlsMode::Development => ServedTls::Development(DevelopmentCertificate::prepare(config, now)?),
        };
        Ok(Self { options, file: config.file.clone(), tls })
    }

    /// The TLS configuration of the listener, which follows reloads.
    pub fn tls(&self) -> Option<RustlsConfig> {
        match &self.tls {
            ServedTls::External => None,
            ServedTls::Operator(certificate) => Some(certificate.tls()),
            ServedTls::Development(certificate) => Some(certificate.tls.clone()),
        }
    }

    /// When the operator's certificate expires.
    pub fn certificate_expiry(&self) -> Option<Timestamp> {
        match &self.tls {
            ServedTls::Operator(certificate) => certificate.expires_at(),
            ServedTls::External | ServedTls::Development(_) => None,
        }
    }

    /// Runs for as long as the portal.
    pub async fn run(mut self, state: AppState, mut hangups: Signal) {
        let mut check = tokio::time::interval(CHECK_INTERVAL);
        loop {
            tokio::select! {
                // The files may be on a file system that does not respond.
                Some(()) = hangups.recv() => {
                    systemd::tell_reloading();
                    block_in_place(|| self.reload(&state));
                    // Those of a rotation, without waiting until it is noticed.
                    if let Err(fault) = state.services.reload_keys().await {
                        tracing::error!(error = %fault, "The keys were not reloaded");
                    }
                    systemd::tell_ready();
                }
                _ = check.tick() => block_in_place(|| self.check_certificate(&state)),
            }
        }
    }

    fn reload(&mut self, state: &AppState) {
        match self.try_reload(state) {
            Ok(file) => {
                let names = self.file.changes_for_restart(&file);
                if !names.is_empty() {
                    tracing::warn!(settings = names.join(", "), "Some settings have changed that take effect only after a restart");
                }
                tracing::info!("Reloaded the settings");
                self.report(state);
            }
            Err(ConfigProblems(why)) => tracing::error!(why = why.join("; "), "Nothing was reloaded: the new settings or certificate are not valid"),
        }
    }

    /// Reads everything before it changes anything. Returns the file.
    fn try_reload(&mut self, state: &AppState) -> Result<WrittenSettings, ConfigProblems> {
        let problem = |problem| ConfigProblems(vec![problem]);
        let config = Config::read(&self.options)?;
        let now = state.services.now();
        match (&mut self.tls, config.tls) {
            (ServedTls::Operator(current), TlsMode::OperatorCertificate(new)) => {
                current.check_replacement(&new, now).map_err(problem)?;
                current.replace(new);
            }
            (ServedTls::Development(current), _) => current.renew(now).map_err(problem)?,
            _ => {}
        }
        state.certificate_expiry.set(self.certificate_expiry());
        state.trusted_proxies.set(config.trusted_proxies);
        state.limits.set(config.limits);
        Ok(config.file)
    }

    /// Uses renewed files, and reports a certificate that expires.
    fn check_certificate(&mut self, state: &AppState) {
        let now = state.services.now();
        let renewed = match &mut self.tls {
            ServedTls::External => None,
            ServedTls::Operator(certificate) => certificate.reload_if_changed(now),
            ServedTls::Development(certificate) => certificate.renew_daily(now).err().map(Err),
        };
        match renewed {
            None => {}
            Some(Ok(())) => {
                tracing::info!("Reloaded the certificate, whose files have changed");
                state.certificate_expiry.set(self.certificate_expiry());
            }
            Some(Err(why)) => tracing::error!(why, "The certificate was not reloaded: the new files are not valid"),
        }
        self.report(state);
    }

    fn report(&mut self, state: &AppState) {
        if let ServedTls::Operator(certificate) = &mut self.tls {
            certificate.report(state.services.now());
        }
    }
}

/// The certificate for development while it is in use.
struct DevelopmentCertificate {
    data_dir: PathBuf,
    hosts: Vec<String>,
    tls: RustlsConfig,
    prepared_at: Timestamp,
}

impl DevelopmentCertificate {
    fn prepare(config: &Config, now: Timestamp) -> Result<Self, CommandError> {
        let (data_dir, hosts) = (config.data_dir.clone(), config.hosts());
        let tls = RustlsConfig::from_config(development::prepare(&data_dir, &hosts, now)?);
        Ok(Self { data_dir, hosts, tls, prepared_at: now })
    }

    fn renew(&mut self, now: Timestamp) -> Result<(), String> {
        let config = development::prepare(&self.data_dir, &self.hosts, now).map_err(|error| error.to_string())?;
        self.tls.reload_from_config(config);
        self.prepared_at = now;
        Ok(())
    }

    fn renew_daily(&mut self, now: Timestamp) -> Result<(), String> {
        if now.since(self.prepared_at) < RENEWAL_INTERVAL { Ok(()) } else { self.renew(now) }
    }
}
