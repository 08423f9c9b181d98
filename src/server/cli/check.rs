//! `tms-portal check`: the settings have been read by now, and found good.

use crate::server::config::Config;

pub fn run(config: &Config) {
    println!("The settings are good.");
    println!("  listen      {}", config.listen);
    println!("  public URL  {}", config.public_url);
    println!("  data        {}", config.data_dir.display());
    println!("  site        {}", config.leptos.site_root);
    println!("  test tenant {}", if config.test_tenant { "on" } else { "off" });
}
