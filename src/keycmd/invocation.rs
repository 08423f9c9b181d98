//! The command line. sshd fills in the arguments; the user name is chosen by the connecting client.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::key_query::RawArgs;

/// The default path of the original TMS key command.
pub const DEFAULT_CONFIG: &str = "/etc/ssh/tms_keycmd/tms_keycmd.toml";

pub const VERSION: &str = concat!("tms-keycmd ", env!("CARGO_PKG_VERSION"), "\n");

pub const HELP: &str = "\
tms-keycmd tells sshd whether a key may log in, by asking the TMS portal.

  tms-keycmd [--config FILE] USER UID FINGERPRINT KEYTYPE
        run by sshd (AuthorizedKeysCommand ... %u %U %f %t): prints the key's authorized_keys line, or nothing if the key may
        not log in, and exits with 0; exits with 1 if the lookup failed (the log has the reason)
  tms-keycmd check [--config FILE]
        checks the setup of this host, reports what to fix, and prints the lines for sshd_config
  tms-keycmd link [--config FILE] [--socket PATH]
        lets people link the account they are logged in to (`tms link`): serves the socket from systemd, or creates PATH
  tms-keycmd --version | --help

FILE must be an absolute path [default: /etc/ssh/tms_keycmd/tms_keycmd.toml]. Environment variables are ignored.
";

/// A valid command line.
#[derive(Debug, PartialEq, Eq)]
pub enum Invocation {
    LookUp {
        config: PathBuf,
        args: RawArgs,
    },
    Check {
        config: PathBuf,
    },
    /// Without a socket path, systemd passes the socket.
    Link {
        config: PathBuf,
        socket: Option<PathBuf>,
    },
    Help,
    Version,
}

/// Why a command line is invalid.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum UsageError {
    #[error("the command line is wrong: sshd_config needs `AuthorizedKeysCommand /path/to/tms-keycmd %u %U %f %t`; see tms-keycmd --help")]
    Syntax,
    #[error("--config and --socket require an absolute path")]
    RelativePath,
    #[error("an argument is not UTF-8")]
    NotUtf8,
}

impl Invocation {
    /// Four arguments are always a lookup, because a user may be called `check`.
    pub fn parse(words: impl Iterator<Item = OsString>) -> Result<Self, UsageError> {
        let words: Vec<String> = words.map(|word| word.into_string().map_err(|_| UsageError::NotUtf8)).collect::<Result<_, _>>()?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (config, words) = match words.as_slice() {
            ["--config", file, words @ ..] => (absolute_path(file)?, words),
            words => (PathBuf::from(DEFAULT_CONFIG), words),
        };
        match words {
            [user, uid, fingerprint, key_type] => Ok(Self::LookUp { config, args: RawArgs::new(user, uid, fingerprint, key_type) }),
            ["check"] => Ok(Self::Check { config }),
            ["check", "--config", file] => Ok(Self::Check { config: absolute_path(file)? }),
            ["link", options @ ..] => Self::link(config, options),
            ["--help" | "-h"] => Ok(Self::Help),
            ["--version" | "-V"] => Ok(Self::Version),
            _ => Err(UsageError::Syntax),
        }
    }

    fn link(mut config: PathBuf, mut options: &[&str]) -> Result<Self, UsageError> {
        let mut socket = None;
        loop {
            match options {
                [] => return Ok(Self::Link { config, socket }),
                ["--config", file, rest @ ..] => (config, options) = (absolute_path(file)?, rest),
                ["--socket", path, rest @ ..] => (socket, options) = (Some(absolute_path(path)?), rest),
                _ => return Err(UsageError::Syntax),
            }
        }
    }
}

fn absolute_path(file: &str) -> Result<PathBuf, UsageError> {
    if Path::new(file).is_absolute() { Ok(file.into()) } else { Err(UsageError::RelativePath) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Invocation, UsageError> {
        Invocation::parse(words.iter().map(OsString::from))
    }

    #[test]
    fn four_arguments_are_a_lookup() {
        let args = |user| RawArgs::new(user, "1000", "SHA256:x", "ssh-ed25519");
        for user in ["jdoe", "check", "--help"] {
            let arguments = Invocation::LookUp { config: DEFAULT_CONFIG.into(), args: args(user) };
            assert_eq!(parse(&[user, "1000", "SHA256:x", "ssh-ed25519"]), Ok(arguments));
        }
        let arguments = Invocation::LookUp { config: "/a.toml".into(), args: args("jdoe") };
        assert_eq!(parse(&["--config", "/a.toml", "jdoe", "1000", "SHA256:x", "ssh-ed25519"]), Ok(arguments));
    }

    #[test]
    fn check_accepts_a_config_path() {
        assert_eq!(parse(&["check"]), Ok(Invocation::Check { config: DEFAULT_CONFIG.into() }));
        for words in [["check", "--config", "/a.toml"], ["--config", "/a.toml", "check"]] {
            assert_eq!(parse(&words), Ok(Invocation::Check { config: "/a.toml".into() }));
        }
    }

    #[test]
    fn link_accepts_an_optional_socket_path() {
        let link = |config: &str, socket: Option<&str>| Ok(Invocation::Link { config: config.into(), socket: socket.map(PathBuf::from) });
        assert_eq!(parse(&["link"]), link(DEFAULT_CONFIG, None));
        assert_eq!(parse(&["link", "--socket", "/s"]), link(DEFAULT_CONFIG, Some("/s")));
        assert_eq!(parse(&["--config", "/a.toml", "link", "--socket", "/s"]), link("/a.toml", Some("/s")));
        assert_eq!(parse(&["link", "--socket", "/s", "--config", "/a.toml"]), link("/a.toml", Some("/s")));
        assert_eq!(parse(&["link", "--socket", "s"]), Err(UsageError::RelativePath));
        assert_eq!(parse(&["link", "--socket"]), Err(UsageError::Syntax));
        // A user with that name logs in.
        assert!(matches!(parse(&["link", "1000", "SHA256:x", "ssh-ed25519"]), Ok(Invocation::LookUp { .. })));
    }

    #[test]
    fn other_command_lines_are_refused() {
        for words in [&[][..], &["jdoe"], &["a", "b", "c"], &["a", "b", "c", "d", "e"], &["check", "twice", "over"], &["--config"]] {
            assert_eq!(parse(words), Err(UsageError::Syntax), "{words:?}");
        }
        // A user with that name cannot cause a lookup: the next argument is not an absolute path.
        assert_eq!(parse(&["--config", "1000", "SHA256:x", "ssh-ed25519"]), Err(UsageError::RelativePath));
        assert_eq!(parse(&["check", "--config", "a.toml"]), Err(UsageError::RelativePath));
    }
}
