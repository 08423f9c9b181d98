//! `tms-portal check`: at this point the settings have been read and validated.

use crate::server::config::Config;
use crate::server::tls::TlsMode;

pub fn run(config: &Config) {
    println!("The settings are valid.");
    println!("  listen      {}", config.listen);
    println!("  public URL  {}", config.public_url);
    println!("  TLS         {}", tls(&config.tls));
    println!("  data        {}", config.data_dir.display());
    println!("  database    {}", config.database);
    println!("  site        {}", config.leptos.site_root);
    println!("  test tenant {}", if config.test_tenant { "on" } else { "off" });
}

fn tls(tls: &TlsMode) -> &'static str {
    match tls {
        TlsMode::External => "not on this listener",
        TlsMode::Development => "self-signed development certificate",
        TlsMode::OperatorCertificate(_) => "configured certificate",
    }
}
