//! The command line of the system's `ssh`.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use super::destination::SshTarget;

/// `ssh` with `key` and no other key of an agent. Of repeated options, `ssh` uses the first.
pub fn ssh_command(key: &Path, target: &SshTarget, arguments: &[OsString]) -> Command {
    let mut command = Command::new("ssh");
    command.arg("-i").arg(key).args(["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-l", &target.host_account]);
    if let Some(address) = &target.address {
        // The host key is stored under the host's name, also for other addresses.
        command.args(["-o", &format!("HostName={address}"), "-o", &format!("HostKeyAlias={}", target.host)]);
    }
    // `ssh` accepts options after the host, too, up to the first word of a command: so `arguments` may contain both.
    command.arg(&target.host).args(arguments);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(account: &SshTarget, arguments: &[&str]) -> Vec<String> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let command = ssh_command(Path::new("/a b/id"), account, &arguments);
        command.get_args().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn user_arguments_follow_the_host() {
        let account = SshTarget { host: "vista".into(), host_account: "jdoe".into(), address: None };
        assert_eq!(
            words(&account, &["-p", "2222", "hostname", "-f"]),
            ["-i", "/a b/id", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-l", "jdoe", "vista", "-p", "2222", "hostname", "-f"]
        );
    }

    #[test]
    fn host_key_alias_is_the_host_name() {
        let account = SshTarget { host: "vista".into(), host_account: "jdoe".into(), address: Some("192.0.2.7".into()) };
        assert_eq!(words(&account, &[])[8..], ["-o", "HostName=192.0.2.7", "-o", "HostKeyAlias=vista", "vista"]);
    }
}
