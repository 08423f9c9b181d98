//! `tms-portal check`: the settings have been read by now, and found good.

use crate::server::config::Config;
use crate::server::tls::Tls;

pub fn run(config: &Config) {
    println!("The settings are valid.");
    println!("  listen      {}", config.listen);
    println!("  public URL  {}", config.public_url);
    println!("  TLS         {}", tls(&config.tls));
    println!("  data        {}", config.data_dir.display());
    println!("  site        {}", config.leptos.site_root);
    println!("  test tenant {}", if config.test_tenant { "on" } else { "off" });
}

fn tls(tls: &Tls) -> &'static str {
    match tls {
        Tls::Elsewhere => "not on this listener",
        Tls::Development => "self-signed development certificate",
        Tls::Ours(_) => "configured certificate",
    }
}
