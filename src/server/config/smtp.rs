//! `[portal.smtp]`: the mail server for notifications.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::domain::loopback::is_loopback;
use crate::domain::text_file;
use crate::server::mail::{Password, SmtpSettings, SmtpTls, parse_sender};
use crate::server::providers::egress::read_root_certs;

/// The environment variable with the password, if there is no `password-file`.
const PASSWORD_VAR: &str = "TMS_SMTP_PASSWORD";

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SmtpSection {
    host: String,
    /// Default: 465, 587 or 25, by `tls`.
    port: Option<u16>,
    #[serde(default)]
    tls: TlsSection,
    username: Option<String>,
    password_file: Option<PathBuf>,
    /// The sender: `tms@example.org`, or `Trust Manager <tms@example.org>`.
    from: String,
    /// A file, or a folder of files, with authorities to trust beside the public ones.
    ca: Option<PathBuf>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TlsSection {
    #[default]
    StartTls,
    Implicit,
    None,
}

impl SmtpSection {
    /// Reads the password from its file or the environment.
    pub fn settings(self) -> Result<SmtpSettings, String> {
        self.settings_with(std::env::var(PASSWORD_VAR).ok()).map_err(|problem| format!("[portal.smtp] {problem}"))
    }

    fn settings_with(self, password: Option<String>) -> Result<SmtpSettings, String> {
        let (tls, port) = match self.tls {
            TlsSection::Implicit => (SmtpTls::Implicit, 465),
            TlsSection::StartTls => (SmtpTls::StartTls, 587),
            TlsSection::None => (SmtpTls::None, 25),
        };
        if tls == SmtpTls::None && !is_loopback(&self.host) {
            return Err("tls: \"none\" is allowed only for a mail server on this machine".into());
        }
        let password = match &self.password_file {
            Some(file) => Some(read_password(file).map_err(|why| format!("password-file: {}: {why}", file.display()))?),
            None => password,
        };
        let login = match (self.username, password.filter(|password| !password.is_empty())) {
            (Some(user), Some(password)) => Some((user, Password::new(&password))),
            (Some(_), None) => return Err(format!("username: needs password-file or {PASSWORD_VAR} with it")),
            (None, Some(_)) if self.password_file.is_some() => return Err("password-file: needs username with it".into()),
            (None, _) => None,
        };
        let root_certs = self.ca.map(|place| read_root_certs(&place)).transpose().map_err(|unusable| format!("ca: {unusable}"))?;
        Ok(SmtpSettings {
            host: self.host,
            port: self.port.unwrap_or(port),
            tls,
            login,
            from: parse_sender(&self.from).map_err(|refused| format!("from: {refused}"))?,
            root_certs: root_certs.unwrap_or_default().into_iter().map(|certificate| certificate.to_vec()).collect(),
        })
    }
}

/// The first line of a file that not all users can read.
fn read_password(file: &Path) -> Result<String, String> {
    let mode = std::fs::metadata(file).map_err(|error| error.to_string())?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err("all users can read or change it; set its mode to 0600 or 0640".into());
    }
    let text = std::fs::read(file).and_then(text_file::text).map_err(|error| error.to_string())?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, password: Option<&str>) -> Result<SmtpSettings, String> {
        toml::from_str::<SmtpSection>(text).map_err(|error| error.to_string())?.settings_with(password.map(str::to_owned))
    }

    #[test]
    fn settings_have_defaults_by_kind_of_tls() {
        let from = "from = \"Trust Manager <tms@example.org>\"\n";
        for (tls, port, expected) in [("", 587, SmtpTls::StartTls), ("tls = \"implicit\"", 465, SmtpTls::Implicit)] {
            let settings = read(&format!("host = \"mail.example.org\"\n{from}{tls}"), None).expect("settings");
            assert_eq!((settings.port, settings.tls), (port, expected));
        }
        assert_eq!(read(&format!("host = \"localhost\"\ntls = \"none\"\n{from}"), None).expect("settings").port, 25);
        assert!(read(&format!("host = \"mail.example.org\"\ntls = \"none\"\n{from}"), None).is_err_and(|why| why.starts_with("tls:")));
        assert!(read("host = \"localhost\"\nfrom = \"nobody\"", None).is_err_and(|why| why.starts_with("from:")));
    }

    #[test]
    fn password_is_read_from_a_private_file_or_the_environment() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "s3cret\n").expect("written");
        let text = "host = \"localhost\"\nfrom = \"tms@example.org\"\nusername = \"tms\"\n";
        let with_file = format!("{text}password-file = {:?}\n", file.path());
        let settings = read(&with_file, None).expect("settings");
        assert!(settings.login.is_some() && !format!("{settings:?}").contains("s3cret"));
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).expect("set");
        assert!(read(&with_file, None).is_err_and(|why| why.contains("all users")));
        assert!(read(text, Some("s3cret")).expect("settings").login.is_some());
        assert!(read(text, None).is_err_and(|why| why.contains(PASSWORD_VAR)));
    }
}
