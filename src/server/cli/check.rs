//! `tms-portal check`: at this point the settings have been read and validated.

use crate::domain::time::Timestamp;
use crate::server::config::{Config, ConfigProblems};
use crate::server::tls::TlsMode;
use crate::server::tls::inspection::CertificateFinding;

/// Prints the settings. `Err`: clients refuse the certificate.
pub fn run(config: &Config, now: Timestamp) -> Result<(), ConfigProblems> {
    let (mut refused, mut warnings) = (Vec::new(), Vec::new());
    if let TlsMode::OperatorCertificate(certificate) = &config.tls {
        for finding in certificate.findings(now) {
            match finding {
                CertificateFinding::Refused(why) => refused.push(format!("--tls-cert: {why}")),
                CertificateFinding::Warning(why) => warnings.push(format!("--tls-cert: {why}")),
            }
        }
    }
    if !refused.is_empty() {
        refused.append(&mut warnings);
        return Err(ConfigProblems(refused));
    }
    println!("The settings are valid.");
    println!("  listen      {}", config.listen);
    println!("  metrics     {}", config.metrics_listen.map_or_else(|| "off".to_owned(), |address| address.to_string()));
    println!("  public URL  {}", config.public_url);
    println!("  TLS         {}", tls(&config.tls));
    println!("  data        {}", config.data_dir.display());
    println!("  database    {}", config.database);
    println!("  site        {}", config.leptos.site_root);
    println!("  test tenant {}", if config.test_tenant { "on" } else { "off" });
    println!("Only the settings were checked; tms-portal doctor checks files, database, keys, port, certificate, clock and disk.");
    for warning in warnings {
        eprintln!("tms-portal: warning: {warning}");
    }
    Ok(())
}

fn tls(tls: &TlsMode) -> &'static str {
    match tls {
        TlsMode::External => "not on this listener",
        TlsMode::Development => "self-signed development certificate",
        TlsMode::OperatorCertificate(_) => "configured certificate",
    }
}
