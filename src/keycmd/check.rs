//! `tms-keycmd check`, for operators: checks everything that a login needs, and says what to fix.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use ssh_key::Fingerprint;

use super::cache::{self, CacheError};
use super::config::{CacheSettings, KeycmdConfig};
use super::files::{self, FileError};
use super::key_query::KeyQuery;
use super::link::PortalClient;
use super::log::LogTarget;
use super::portal::{LookupError, Portal};
use super::time_format::ExpiryTime;
use super::{invocation, root_certs};

/// Runs all checks, also after failures, so that operators get the whole list.
pub fn run(file: &Path) -> ExitCode {
    let mut report = CheckReport::default();
    let program = std::env::current_exe();
    match &program {
        Ok(program) => report.check_root_owned("program", program),
        Err(error) => report.failed("program", format_args!("cannot determine the path of this program: {error}")),
    }
    report.check_root_owned("settings", file);
    match KeycmdConfig::load(file) {
        Ok(config) => check_config(&config, &mut report),
        Err(fault) => report.failed("settings", fault),
    }
    if let Ok(program) = program {
        report.print(&next_steps(&program.display(), file));
    }
    if report.any_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn check_config(config: &KeycmdConfig, report: &mut CheckReport) {
    report.ok("settings", format_args!("host {:?}, asking {}", config.host_name, config.portal.as_uri()));
    check_log(&config.log, report);
    match config.credential() {
        Ok(Some(_)) => report.ok("credential", "read, and not readable by others"),
        Ok(None) => report.ok("credential", "not set"),
        Err(fault) => report.failed("credential", fault),
    }
    if config.portal.is_https() {
        match root_certs::load(config.ca_file.as_deref()) {
            Ok(certificates) => report.ok("certificates", format_args!("{} trusted", certificates.len())),
            Err(fault) => report.failed("certificates", fault),
        }
    }
    match &config.cache {
        None => report.ok("cache", "off"),
        Some(settings) => check_cache(settings, report),
    }
    match Portal::new(config) {
        Ok(portal) => check_portal(&portal, config, report),
        Err(_) => report.failed("portal", "not checked: fix the failures above first"),
    }
    check_linking(config, report);
    if config.expiry_time == Some(ExpiryTime::Utc) {
        check_expiry_time(report);
    }
    if config.min_uid == 0 {
        report.warning("min_uid", "is 0: the portal can allow logins as root");
    }
}

fn check_log(log: &LogTarget, report: &mut CheckReport) {
    match (log, log.check_writable()) {
        (LogTarget::Off, _) => report.warning("log", "is off: the reasons of failed logins are not logged"),
        (LogTarget::Syslog, Ok(())) => report.ok("log", "syslog"),
        (LogTarget::File(path), Ok(())) => report.ok("log", path.display()),
        (LogTarget::Syslog, Err(error)) => report.failed("log", format_args!("syslog is not listening on /dev/log: {error}")),
        (LogTarget::File(path), Err(error)) => {
            let path = path.display();
            report.failed("log", format_args!("cannot write {path}: {error}; create it with: install -o tms-keycmd -g adm -m 0640 /dev/null {path}"));
        }
    }
}

fn check_cache(settings: &CacheSettings, report: &mut CheckReport) {
    let directory = settings.directory.display();
    match cache::check_writable(&settings.directory) {
        Ok(()) => report.ok("cache", format_args!("{directory}, for {} s", settings.lifetime.as_secs())),
        // It should belong to the user that sshd runs this as, which is not root.
        Err(CacheError::File(FileError::WrongOwner { owner, .. })) if rustix::process::geteuid().is_root() => {
            report.warning("cache", format_args!("{directory} belongs to user {owner}: run the check as that user"));
        }
        Err(fault) => {
            report.failed("cache", format_args!("{directory}: {fault}; it must have mode 0700 and belong to the AuthorizedKeysCommandUser"))
        }
    }
}

/// Looks up a fingerprint that no key has.
fn check_portal(portal: &Portal<'_>, config: &KeycmdConfig, report: &mut CheckReport) {
    let query =
        KeyQuery { user: "tms-keycmd-check".to_owned(), uid: 65_534, fingerprint: Fingerprint::Sha256([0; 32]), key_type: "ssh-ed25519".to_owned() };
    let started = Instant::now();
    let result = portal.look_up(&query, config.timeout);
    let millis = started.elapsed().as_millis();
    match result {
        Err(LookupError::NotFound) => {
            report.ok("portal", format_args!("valid TMS response in {millis} ms"));
            check_host(portal, config, report);
        }
        Err(why) => report.failed("portal", format_args!("{why} (after {millis} ms)")),
        Ok(_) => report.failed("portal", "it accepts a key that does not exist: do not use it"),
    }
}

/// Checks the host's name and tenant: lookups answer a wrong one like an unknown key, so logins do not reveal it.
fn check_host(portal: &Portal<'_>, config: &KeycmdConfig, report: &mut CheckReport) {
    let name = &config.host_name;
    let status = match portal.check_host(config.timeout) {
        Ok(Some(status)) => status,
        Ok(None) => return report.warning("host", "the portal is too old for this check"),
        Err(LookupError::Unexpected(400)) => return report.failed("host", format_args!("{name:?} is not a valid host name: check host_name")),
        Err(why) => return report.failed("host", why),
    };
    let tenant = status.tenant.as_deref().unwrap_or_default();
    if status.tenant_enabled == Some(false) {
        return report.failed("host", format_args!("the tenant {tenant:?} does not exist or is disabled: check tenant"));
    }
    let (Some(registered_as), Some(registered)) = (&status.host, status.registered) else {
        let problem = "registration can be checked only with a credential: set credential_file, or compare";
        return report.warning("host", format_args!("{problem} {name:?} with the administrators' list of hosts"));
    };
    if config.tenant.as_deref().is_some_and(|tenant_setting| tenant_setting != tenant) {
        return report
            .failed("host", format_args!("the credential belongs to tenant {tenant:?}, but the settings have another tenant: check tenant"));
    }
    if !registered {
        let problem = "has a credential but no registered address: an administrator must register it (POST /v1/tms/hosts)";
        return report.failed("host", format_args!("{name:?} of tenant {tenant:?} {problem}"));
    }
    let required = if status.credential_required { "required" } else { "not required" };
    report.ok("host", format_args!("registered as {registered_as:?} of tenant {tenant:?}; its credential is valid and {required}"));
    if registered_as != name {
        report.ok("host", format_args!("host_name is {name:?}, a different spelling or name of the same host"));
    }
}

/// Checks the additional requirements of `tms-keycmd link`.
fn check_linking(config: &KeycmdConfig, report: &mut CheckReport) {
    if config.credential_file.is_none() {
        return report.ok("link", "people cannot link accounts from this host: set credential_file to allow it");
    }
    match PortalClient::new(config).and_then(|client| client.check()) {
        Ok(()) => report.ok("link", "people can link accounts from this host while `tms-keycmd link` runs"),
        Err(why) => report.failed("link", why),
    }
}

/// An sshd that does not support the `Z` rejects every key whose line has it.
fn check_expiry_time(report: &mut CheckReport) {
    const FIRST: (u32, u32) = (9, 1);
    match sshd_version() {
        Some(version) if version < FIRST => {
            let problem = "does not support expiry_time in UTC and would refuse every key: set expiry_time = \"local\"";
            report.failed("expiry_time", format_args!("OpenSSH {}.{} {problem}", version.0, version.1));
        }
        Some((major, minor)) => report.ok("expiry_time", format_args!("OpenSSH {major}.{minor} supports it")),
        None => report.warning("expiry_time", "the version of sshd is unknown; before OpenSSH 9.1, set expiry_time = \"local\""),
    }
}

/// Older sshds reject `-V` as wrong usage but print their version anyway.
fn sshd_version() -> Option<(u32, u32)> {
    let output = Command::new("/usr/sbin/sshd").arg("-V").stdin(Stdio::null()).output().ok()?;
    parse_version(&String::from_utf8_lossy(&[output.stdout, output.stderr].concat()))
}

fn parse_version(output: &str) -> Option<(u32, u32)> {
    let (_, version) = output.split_once("OpenSSH_")?;
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    let (major, minor) = version.split_once('.')?;
    Some((number(major)?, number(minor)?))
}

fn next_steps(program: &impl Display, file: &Path) -> String {
    let settings = if file == Path::new(invocation::DEFAULT_CONFIG) { String::new() } else { format!(" --config {}", file.display()) };
    let mut next =
        format!("\nLines for sshd_config:\n    AuthorizedKeysCommand {program}{settings} %u %U %f %t\n    AuthorizedKeysCommandUser tms-keycmd\n");
    if rustix::process::geteuid().is_root() {
        next += "\nroot can read every file. Run the check again as the AuthorizedKeysCommandUser:\n";
        next += &format!("    runuser -u tms-keycmd -- {program} check{settings}\n");
    }
    next
}

/// The results so far.
#[derive(Default)]
struct CheckReport {
    any_failed: bool,
}

impl CheckReport {
    fn ok(&mut self, what: &str, detail: impl Display) {
        self.line("ok", what, detail);
    }

    fn warning(&mut self, what: &str, detail: impl Display) {
        self.line("warning", what, detail);
    }

    fn failed(&mut self, what: &str, detail: impl Display) {
        self.any_failed = true;
        self.line("FAILED", what, detail);
    }

    /// sshd requires root ownership for the program; for the settings it is advisable. A user other than root cannot fix it, and
    /// gets a warning.
    fn check_root_owned(&mut self, what: &str, path: &Path) {
        match files::find_not_root_owned(path) {
            Ok(None) => self.ok(what, format_args!("{} and the directories above it belong to root and are writable only by root", path.display())),
            Err(error) => self.failed(what, format_args!("cannot check {}: {error}", path.display())),
            Ok(Some(place)) => {
                let said =
                    format!("{} must belong to root and be writable only by root: chown root, chmod go-w, or move its contents", place.display());
                if rustix::process::geteuid().is_root() { self.failed(what, said) } else { self.warning(what, said) }
            }
        }
    }

    fn line(&mut self, verdict: &str, what: &str, detail: impl Display) {
        self.print(&format!("{verdict:<8} {what:<13} {detail}"));
    }

    fn print(&mut self, text: &str) {
        // Ignores a closed stdout.
        let _ = writeln!(io::stdout(), "{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sshd_version_is_parsed_from_its_output() {
        assert_eq!(parse_version("OpenSSH_9.2, OpenSSL 3.0.19 27 Jan 2026\n"), Some((9, 2)));
        assert_eq!(parse_version("unknown option -- V\nOpenSSH_8.7p1, OpenSSL 3.0.7\nusage: sshd"), Some((8, 7)));
        assert_eq!(parse_version("OpenSSH_for_Windows"), None);
    }
}
