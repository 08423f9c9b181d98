//! `tms-keycmd check`: for an operator at a terminal. Looks at everything a login needs, and says what to mend.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use ssh_key::Fingerprint;

use super::arguments;
use super::cache::{self, CacheFault};
use super::config::{CacheSettings, Config};
use super::files::{self, FileFault};
use super::link::Desk;
use super::log::Log;
use super::moments::ExpiryTime;
use super::portal::{NoKey, Portal};
use super::question::Question;
use super::roots;

/// Checks everything, also after something failed: an operator wants the whole list.
pub fn check(file: &Path) -> ExitCode {
    let mut report = Report::default();
    let program = std::env::current_exe();
    match &program {
        Ok(program) => report.roots_alone("program", program),
        Err(error) => report.failed("program", format_args!("cannot determine the path of this program: {error}")),
    }
    report.roots_alone("settings", file);
    match Config::load(file) {
        Ok(config) => look_at(&config, &mut report),
        Err(fault) => report.failed("settings", fault),
    }
    if let Ok(program) = program {
        report.say(&what_to_do_next(&program.display(), file));
    }
    if report.any_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn look_at(config: &Config, report: &mut Report) {
    report.ok("settings", format_args!("host {:?}, asking {}", config.host_name, config.portal.as_uri()));
    log(&config.log, report);
    match config.credential() {
        Ok(Some(_)) => report.ok("credential", "read, and not readable by others"),
        Ok(None) => report.ok("credential", "not set"),
        Err(fault) => report.failed("credential", fault),
    }
    if config.portal.is_https() {
        match roots::load(config.ca_file.as_deref()) {
            Ok(certificates) => report.ok("certificates", format_args!("{} trusted", certificates.len())),
            Err(fault) => report.failed("certificates", fault),
        }
    }
    match &config.cache {
        None => report.ok("cache", "off"),
        Some(settings) => cache_directory(settings, report),
    }
    match Portal::new(config) {
        Ok(portal) => ask(&portal, config, report),
        Err(_) => report.failed("portal", "not checked: fix the failures above first"),
    }
    link(config, report);
    if config.expiry_time == Some(ExpiryTime::Utc) {
        expiry_time(report);
    }
    if config.min_uid == 0 {
        report.warning("min_uid", "is 0: the portal can allow logins as root");
    }
}

fn log(log: &Log, report: &mut Report) {
    match (log, log.try_out()) {
        (Log::Nowhere, _) => report.warning("log", "is off: the reasons of failed logins are not logged"),
        (Log::Syslog, Ok(())) => report.ok("log", "syslog"),
        (Log::File(path), Ok(())) => report.ok("log", path.display()),
        (Log::Syslog, Err(error)) => report.failed("log", format_args!("syslog is not listening on /dev/log: {error}")),
        (Log::File(path), Err(error)) => {
            let path = path.display();
            report.failed("log", format_args!("cannot write {path}: {error}; create it with: install -o tms-keycmd -g adm -m 0640 /dev/null {path}"));
        }
    }
}

fn cache_directory(settings: &CacheSettings, report: &mut Report) {
    let directory = settings.directory.display();
    match cache::try_out(&settings.directory) {
        Ok(()) => report.ok("cache", format_args!("{directory}, for {} s", settings.lifetime.as_secs())),
        // It should belong to the user sshd runs this as, who is not root.
        Err(CacheFault::File(FileFault::Foreign { owner, .. })) if rustix::process::geteuid().is_root() => {
            report.warning("cache", format_args!("{directory} belongs to user {owner}: run the check as that user"));
        }
        Err(fault) => {
            report.failed("cache", format_args!("{directory}: {fault}; it must have mode 0700 and belong to the AuthorizedKeysCommandUser"))
        }
    }
}

/// Asks for a key that nobody can have.
fn ask(portal: &Portal<'_>, config: &Config, report: &mut Report) {
    let made_up =
        Question { user: "tms-keycmd-check".to_owned(), uid: 65_534, fingerprint: Fingerprint::Sha256([0; 32]), key_type: "ssh-ed25519".to_owned() };
    let asked_at = Instant::now();
    let answer = portal.ask(&made_up, config.timeout);
    let millis = asked_at.elapsed().as_millis();
    match answer {
        Err(NoKey::NotFound) => {
            report.ok("portal", format_args!("valid TMS response in {millis} ms"));
            host(portal, config, report);
        }
        Err(why) => report.failed("portal", format_args!("{why} (after {millis} ms)")),
        Ok(_) => report.failed("portal", "it accepts a key that does not exist: do not use it"),
    }
}

/// What the portal knows of this host: a wrong name or tenant is answered like an unknown key, so that no login says it.
fn host(portal: &Portal<'_>, config: &Config, report: &mut Report) {
    let name = &config.host_name;
    let standing = match portal.check_host(config.timeout) {
        Ok(Some(standing)) => standing,
        Ok(None) => return report.warning("host", "the portal is too old for this check"),
        Err(NoKey::Unexpected(400)) => return report.failed("host", format_args!("{name:?} is not a valid host name: check host_name")),
        Err(why) => return report.failed("host", why),
    };
    let tenant = standing.tenant.as_deref().unwrap_or_default();
    if standing.tenant_enabled == Some(false) {
        return report.failed("host", format_args!("the tenant {tenant:?} does not exist or is disabled: check tenant"));
    }
    let (Some(registered_as), Some(registered)) = (&standing.host, standing.registered) else {
        let said = "registration can be checked only with a credential: set credential_file, or compare";
        return report.warning("host", format_args!("{said} {name:?} with the administrators' list of hosts"));
    };
    if config.tenant.as_deref().is_some_and(|configured| configured != tenant) {
        return report
            .failed("host", format_args!("the credential belongs to tenant {tenant:?}, but the settings have another tenant: check tenant"));
    }
    if !registered {
        let said = "has a credential but no registered address: an administrator must register it (POST /v1/tms/hosts)";
        return report.failed("host", format_args!("{name:?} of tenant {tenant:?} {said}"));
    }
    let required = if standing.credential_required { "required" } else { "not required" };
    report.ok("host", format_args!("registered as {registered_as:?} of tenant {tenant:?}; its credential is valid and {required}"));
    if registered_as != name {
        report.ok("host", format_args!("host_name is {name:?}, a different spelling or name of the same host"));
    }
}

/// What `tms-keycmd link` needs beyond all this.
fn link(config: &Config, report: &mut Report) {
    if config.credential_file.is_none() {
        return report.ok("link", "people cannot link accounts from this host: set credential_file to allow it");
    }
    match Desk::of(config).and_then(|desk| desk.try_out()) {
        Ok(()) => report.ok("link", "people can link accounts from this host while `tms-keycmd link` runs"),
        Err(why) => report.failed("link", why),
    }
}

/// An sshd that does not know the `Z` takes no key whose line has it.
fn expiry_time(report: &mut Report) {
    const FIRST: (u32, u32) = (9, 1);
    match sshd_version() {
        Some(version) if version < FIRST => {
            let said = "does not support expiry_time in UTC and would refuse every key: set expiry_time = \"local\"";
            report.failed("expiry_time", format_args!("OpenSSH {}.{} {said}", version.0, version.1));
        }
        Some((major, minor)) => report.ok("expiry_time", format_args!("OpenSSH {major}.{minor} supports it")),
        None => report.warning("expiry_time", "the version of sshd is unknown; before OpenSSH 9.1, set expiry_time = \"local\""),
    }
}

/// An older sshd takes `-V` for wrong usage, and says its version all the same.
fn sshd_version() -> Option<(u32, u32)> {
    let output = Command::new("/usr/sbin/sshd").arg("-V").stdin(Stdio::null()).output().ok()?;
    version_in(&String::from_utf8_lossy(&[output.stdout, output.stderr].concat()))
}

fn version_in(said: &str) -> Option<(u32, u32)> {
    let (_, version) = said.split_once("OpenSSH_")?;
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    let (major, minor) = version.split_once('.')?;
    Some((number(major)?, number(minor)?))
}

fn what_to_do_next(program: &impl Display, file: &Path) -> String {
    let settings = if file == Path::new(arguments::DEFAULT_CONFIG) { String::new() } else { format!(" --config {}", file.display()) };
    let mut next =
        format!("\nLines for sshd_config:\n    AuthorizedKeysCommand {program}{settings} %u %U %f %t\n    AuthorizedKeysCommandUser tms-keycmd\n");
    if rustix::process::geteuid().is_root() {
        next += "\nroot can read every file. Run the check again as the AuthorizedKeysCommandUser:\n";
        next += &format!("    runuser -u tms-keycmd -- {program} check{settings}\n");
    }
    next
}

/// What was said so far.
#[derive(Default)]
struct Report {
    any_failed: bool,
}

impl Report {
    fn ok(&mut self, what: &str, said: impl Display) {
        self.line("ok", what, said);
    }

    fn warning(&mut self, what: &str, said: impl Display) {
        self.line("warning", what, said);
    }

    fn failed(&mut self, what: &str, said: impl Display) {
        self.any_failed = true;
        self.line("FAILED", what, said);
    }

    /// sshd insists on it for the program, and for the settings it is as wise. Who is not root cannot make it so, and is warned.
    fn roots_alone(&mut self, what: &str, path: &Path) {
        match files::not_roots_alone(path) {
            Ok(None) => self.ok(what, format_args!("{} and the directories above it belong to root and are writable only by root", path.display())),
            Err(error) => self.failed(what, format_args!("cannot check {}: {error}", path.display())),
            Ok(Some(place)) => {
                let said =
                    format!("{} must belong to root and be writable only by root: chown root, chmod go-w, or move its contents", place.display());
                if rustix::process::geteuid().is_root() { self.failed(what, said) } else { self.warning(what, said) }
            }
        }
    }

    fn line(&mut self, verdict: &str, what: &str, said: impl Display) {
        self.say(&format!("{verdict:<8} {what:<13} {said}"));
    }

    fn say(&mut self, text: &str) {
        // Whoever closed stdout does not want to know.
        let _ = writeln!(io::stdout(), "{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_sshd_is_read_from_what_it_says() {
        assert_eq!(version_in("OpenSSH_9.2, OpenSSL 3.0.19 27 Jan 2026\n"), Some((9, 2)));
        assert_eq!(version_in("unknown option -- V\nOpenSSH_8.7p1, OpenSSL 3.0.7\nusage: sshd"), Some((8, 7)));
        assert_eq!(version_in("OpenSSH_for_Windows"), None);
    }
}
