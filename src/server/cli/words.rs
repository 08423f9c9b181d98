//! What the server tells its operator on the terminal.

use std::io::Write;
use std::net::SocketAddr;

use crate::domain::paths;
use crate::server::config::Config;
use crate::server::service::setup::{FIRST_ADMIN, FirstStart, TEST_PERSON, TEST_TENANT};

/// Shows the secrets that were made just now. They are stored as hashes: this is the only time.
pub fn first_start(made: &FirstStart) {
    if made.new_tenants.is_empty() && made.test_password.is_none() {
        return;
    }
    let line = "*".repeat(78);
    println!("{line}\nThese are shown once. Keep them where you keep passwords.\n");
    for new in &made.new_tenants {
        println!("Admin of tenant {}, for the TMS API's administration (X-TMS-ADMIN-ID, X-TMS-ADMIN-SECRET):", new.tenant);
        println!("    id      {FIRST_ADMIN}");
        println!("    secret  {}\n", new.admin_secret.reveal());
    }
    if let Some(password) = &made.test_password {
        println!("Sign-in of the test person, for the portal's pages (tenant {TEST_TENANT}):");
        println!("    user      {TEST_PERSON}");
        println!("    password  {}\n", password.reveal());
    }
    println!("{line}");
}

/// Says where the portal is and what to do with it. Nobody has to listen: a closed terminal does not stop a server.
pub fn listening(config: &Config, address: SocketAddr, shown_password: bool) {
    let _ = write_listening(&mut std::io::stdout().lock(), config, address, shown_password);
}

fn write_listening(out: &mut impl Write, config: &Config, address: SocketAddr, shown_password: bool) -> std::io::Result<()> {
    writeln!(out, "\ntms-portal is at {}  (listening on {address}, data in {})", config.public_url, config.data_dir.display())?;
    if config.test_tenant {
        let password = if shown_password { "the password above" } else { "the password shown at the first start" };
        writeln!(out, "\nWhat to do next:")?;
        writeln!(
            out,
            "  1. in another terminal:  tms login --server {} --tenant {TEST_TENANT}   (here: target/debug/tms login …)",
            config.public_url
        )?;
        writeln!(out, "  2. in a browser:         {}{}", config.public_url, paths::DEVICE)?;
        writeln!(out, "  3. sign in as {TEST_PERSON} with {password}")?;
        if !shown_password {
            writeln!(out, "     forgotten? tms-portal person password --tenant {TEST_TENANT} {TEST_PERSON}")?;
        }
    }
    writeln!(out, "\nStop with Ctrl-C.")
}
