//! Messages of the server to its operator on the terminal.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::domain::paths;
use crate::server::config::Config;
use crate::server::service::platform::setup::test_data::{TEST_PERSON, TEST_TENANT};
use crate::server::service::platform::setup::{FIRST_ADMIN, SetupSummary};
use crate::server::tls::{TlsMode, development};

/// Writes the secrets of a set-up. They are stored as hashes, so this is the only time.
pub fn write_setup(out: &mut impl Write, setup: &SetupSummary) -> std::io::Result<()> {
    let line = "*".repeat(78);
    writeln!(out, "{line}\nThese secrets are shown only once. Store them like passwords.\n")?;
    for new in &setup.new_tenants {
        writeln!(out, "Administrator of tenant {}, for the TMS API:", new.tenant)?;
        writeln!(out, "    X-TMS-ADMIN-ID      {FIRST_ADMIN}")?;
        writeln!(out, "    X-TMS-ADMIN-SECRET  {}\n", new.admin_secret.reveal())?;
    }
    if let Some(password) = &setup.test_password {
        writeln!(out, "Test user for the portal's pages (tenant {TEST_TENANT}):")?;
        writeln!(out, "    user      {TEST_PERSON}")?;
        writeln!(out, "    password  {}\n", password.reveal())?;
    }
    writeln!(out, "{line}")
}

/// Where people find the test person's password.
pub enum TestPassword {
    /// It was printed just now.
    Above,
    In(PathBuf),
    /// It was shown at an earlier start.
    Earlier,
}

/// Prints the portal's URL and the next steps. Errors are ignored: a closed terminal does not stop the server.
/// `has_people`: people were added before.
pub fn print_listening(config: &Config, address: SocketAddr, password: &TestPassword, has_people: bool) {
    let _ = write_listening(&mut std::io::stdout().lock(), config, address, password, has_people);
}

fn write_listening(out: &mut impl Write, config: &Config, address: SocketAddr, password: &TestPassword, has_people: bool) -> std::io::Result<()> {
    writeln!(out, "\ntms-portal is at {}  (listening on {address}, data in {})", config.public_url, config.data_dir.display())?;
    let mut ca = String::new();
    if matches!(config.tls, TlsMode::Development) {
        ca = format!("TMS_CA_FILE={} ", ca_file(config).display());
        write_trust(out, config)?;
    }
    if config.test_tenant {
        let place = match password {
            TestPassword::Above => "the password above".to_owned(),
            TestPassword::In(file) => format!("the password in {}", file.display()),
            TestPassword::Earlier => "the password shown at the first start".to_owned(),
        };
        writeln!(out, "\nNext steps:")?;
        writeln!(out, "  1. in another terminal:  {ca}tms login --server {} --tenant {TEST_TENANT}", config.public_url)?;
        writeln!(out, "  2. in a browser:         {}{}", config.public_url, paths::DEVICE)?;
        writeln!(out, "  3. sign in as {TEST_PERSON} with {place}")?;
        if matches!(password, TestPassword::Earlier) {
            let data_dir = config.data_dir.display();
            writeln!(out, "     forgotten? tms-portal person password --data-dir {data_dir} --tenant {TEST_TENANT} {TEST_PERSON}")?;
        }
    } else if !has_people {
        writeln!(out, "\nBefore anyone can sign in, add people to a tenant: see tms-portal tenant set --help and tms-portal person add --help.")?;
    }
    writeln!(out, "\nStop with Ctrl-C.")
}

/// Prints how clients can trust the development certificate.
fn write_trust(out: &mut impl Write, config: &Config) -> std::io::Result<()> {
    let (ca, url) = (ca_file(config), &config.public_url);
    let ca = ca.display();
    if config.is_reachable() {
        let line = "*".repeat(78);
        writeln!(out, "\n{line}\nFOR DEVELOPMENT ONLY, but others can reach this address. Users who ignore the")?;
        writeln!(out, "browser's warning cannot tell this portal from an impostor.\n{line}")?;
    }
    writeln!(out, "\nIts certificate is for development. To make clients trust it:")?;
    writeln!(out, "  curl --cacert {ca} {url}{}", paths::HEALTHZ)?;
    writeln!(out, "  TMS_CA_FILE={ca} tms login --server {url} ...")?;
    writeln!(out, "  SSL_CERT_FILE={ca}    for most other programs; browsers can import it")
}

/// The authority's file with an absolute path.
fn ca_file(config: &Config) -> PathBuf {
    let file = development::ca_file(&config.data_dir);
    std::path::absolute(&file).unwrap_or(file)
}
