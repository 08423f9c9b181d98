//! Secrets that are shown once: output that does not work is noticed before the change, or the message says how to get another secret.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{CommandError, messages};
use crate::server::service::platform::backup::sync_parent;
use crate::server::service::platform::lasting::is_lasting_io;
use crate::server::service::platform::rng::Secret;
use crate::server::service::platform::setup::SetupSummary;

/// In the data directory: the secrets of a first start without a terminal.
pub const FIRST_SECRETS: &str = "first-secrets";
/// About such files that were kept.
pub const EARLIER_SECRETS: &str = "The secrets in a file with a number may be valid: try them before you delete it";

/// Where the secrets of a set-up are written.
pub enum SecretsTarget {
    Stdout,
    /// A new file that only its owner can read.
    File(PathBuf),
    /// The same in the data directory. A file from before is kept under another name: its secrets may be valid, unless they are of a start that
    /// was killed, or of an earlier database.
    DataDir(PathBuf),
}

impl SecretsTarget {
    /// For `serve`: a file, if standard output is not a terminal. It may be a log, which others read and which is kept.
    pub fn of_server(chosen: Option<PathBuf>, data_dir: &Path) -> Self {
        match chosen {
            Some(file) => Self::File(file),
            None if io::stdout().is_terminal() => Self::Stdout,
            None => Self::DataDir(data_dir.join(FIRST_SECRETS)),
        }
    }

    /// For `init`, which is run by a person or a script that reads its output.
    pub fn of_init(chosen: Option<PathBuf>) -> Self {
        chosen.map_or(Self::Stdout, Self::File)
    }

    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Stdout => None,
            Self::File(file) | Self::DataDir(file) => Some(file),
        }
    }

    /// Writes the secrets of a set-up that is about to be made.
    pub fn write(&self, setup: &SetupSummary) -> Result<(), CommandError> {
        let unwritten = |place: &str, error: io::Error| {
            // A missing folder is one of the setting.
            let is_lasting = is_lasting_io(&error) || error.kind() == io::ErrorKind::NotFound;
            CommandError::new(&format_args!("cannot write the secrets to {place}: {error}; nothing was set up"), is_lasting)
        };
        let Some(file) = self.file() else {
            let mut out = io::stdout().lock();
            let written = messages::write_setup(&mut out, setup).and_then(|()| out.flush());
            return written.map_err(|error| unwritten("standard output", error));
        };
        let kept = if let Self::DataDir(file) = self { keep_earlier(file) } else { Ok(None) };
        if let Ok(Some(kept)) = &kept {
            // Both are found without that.
            let _ = write_out(&format!("{} is now {}. {EARLIER_SECRETS}.\n", file.display(), kept.display()));
        }
        let written = kept.and_then(|_| write_new(file, |out| messages::write_setup(out, setup)));
        written.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => CommandError::Lasting(format!(
                "{} exists already: if it has the secrets of an earlier start, store them; then delete it, and start again; nothing was set up",
                file.display()
            )),
            _ => unwritten(&file.display().to_string(), error),
        })
    }

    /// Tells where the secrets are. They can be found without that, so errors are ignored.
    pub fn announce(&self) {
        if let Some(file) = self.file() {
            let _ =
                write_out(&format!("The secrets of the first start are in {}: store them like passwords, then delete the file.\n", file.display()));
        }
    }

    /// The set-up failed after the secrets had been written. `certain`: none of them is valid.
    pub fn withdraw(&self, certain: bool) {
        let place = self.file().map_or_else(|| "above".to_owned(), |file| format!("in {}", file.display()));
        if !certain {
            eprintln!("tms-portal: it is not known whether the set-up failed; the secrets {place} are valid if the next start creates no others");
            return;
        }
        let removed = self.file().map_or(Ok(false), |file| fs::remove_file(file).map(|()| true));
        if !matches!(removed, Ok(true)) {
            eprintln!("tms-portal: the set-up failed; the secrets {place} are not valid");
        }
    }
}

/// Renames a file to its name with the first free number, which is returned. `None`: there is no file. The data directory is locked, so that no
/// other start does it at the same time.
fn keep_earlier(file: &Path) -> io::Result<Option<PathBuf>> {
    if fs::symlink_metadata(file).is_err() {
        return Ok(None);
    }
    let free = (1_u32..).map(|number| file.with_extension(number.to_string())).find(|name| fs::symlink_metadata(name).is_err());
    free.map(|free| fs::rename(file, &free).map(|()| free)).transpose()
}

/// Writes a new file and waits until it is on disk. A file that could not be written completely is removed.
fn write_new(file: &Path, write: impl FnOnce(&mut fs::File) -> io::Result<()>) -> io::Result<()> {
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    let written = write(&mut out).and_then(|()| out.sync_all()).and_then(|()| sync_parent(file));
    written.inspect_err(|_| {
        // The first error is reported.
        let _ = fs::remove_file(file);
    })
}

/// Reads a secret from standard input, where it is in no list of processes and no history of a shell.
pub fn read_secret() -> Result<Secret, CommandError> {
    let mut secret = String::new();
    io::stdin().read_to_string(&mut secret).map_err(|error| CommandError::Other(format!("cannot read the secret: {error}")))?;
    let secret = secret.trim_start_matches('\u{feff}').trim();
    if secret.is_empty() {
        Err(CommandError::Other("standard input is empty: expected the secret".to_owned()))
    } else {
        Ok(Secret::from_plaintext(secret))
    }
}

/// Output of a secret by a command that creates it. Its beginning is written before the change, so that an output that does not work
/// prevents the change. Dropped without a secret, it says that nothing was changed.
pub struct SecretOutput {
    finished: bool,
}

impl SecretOutput {
    pub fn begin(text: &str) -> Result<Self, CommandError> {
        let written = write_out(text).map(|()| Self { finished: false });
        written
            .map_err(|error| CommandError::Other(format!("cannot write to standard output, which the secret is for: {error}; nothing was changed")))
    }

    /// Writes the secret and what follows it. `again`: the command that creates another one.
    pub fn finish(mut self, secret: &Secret, after: &str, again: &str) -> Result<(), CommandError> {
        self.finished = true;
        let written = write_out(&format!("{}{after}", secret.reveal()));
        written.map_err(|error| {
            CommandError::Other(format!("the secret was created but could not be shown: {error}; to create another one, run tms-portal {again}"))
        })
    }
}

impl Drop for SecretOutput {
    fn drop(&mut self) {
        if !self.finished {
            // The error that prevented the change is reported.
            let _ = write_out("not changed\n");
        }
    }
}

fn write_out(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn setup() -> SetupSummary {
        SetupSummary { new_tenants: Vec::new(), test_password: Some(Secret::from_plaintext("s3cret")) }
    }

    #[test]
    fn secrets_are_written_to_a_new_private_file_only() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("secrets");
        let target = SecretsTarget::of_init(Some(file.clone()));
        assert!(target.write(&setup()).is_ok());
        assert!(fs::read_to_string(&file).expect("read").contains("s3cret"));
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(matches!(target.write(&setup()), Err(CommandError::Lasting(why)) if why.contains("nothing was set up")), "it replaces no file");
        target.withdraw(false);
        assert!(file.exists(), "they may be valid");
        target.withdraw(true);
        assert!(!file.exists());
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &link).expect("a link");
        assert!(SecretsTarget::File(link).write(&setup()).is_err() && !dir.path().join("elsewhere").exists(), "it follows no link");
    }

    #[test]
    fn server_keeps_the_files_of_earlier_starts() {
        let dir = tempfile::tempdir().expect("a folder");
        let target = SecretsTarget::DataDir(dir.path().join(FIRST_SECRETS));
        for earlier in ["first-secrets.1", "first-secrets.2"] {
            assert!(target.write(&setup()).is_ok() && !dir.path().join(earlier).exists());
            fs::write(dir.path().join(FIRST_SECRETS), earlier).expect("written");
        }
        assert!(target.write(&setup()).is_ok());
        let text = |name: &str| fs::read_to_string(dir.path().join(name)).expect("read");
        assert_eq!((text("first-secrets.1"), text("first-secrets.2")), ("first-secrets.1".into(), "first-secrets.2".into()));
        assert!(text(FIRST_SECRETS).contains("s3cret"));
    }

    #[test]
    fn file_that_cannot_be_written_completely_is_removed() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("secrets");
        let full = |out: &mut fs::File| out.write_all(b"half").and_then(|()| Err(io::Error::from(io::ErrorKind::StorageFull)));
        assert!(write_new(&file, full).is_err() && !file.exists());
    }

    #[test]
    fn server_writes_to_a_file_unless_it_has_a_terminal() {
        let target = SecretsTarget::of_server(Some("x".into()), Path::new("data"));
        assert_eq!(target.file(), Some(Path::new("x")));
        let target = SecretsTarget::of_server(None, Path::new("data"));
        assert_eq!(target.file().is_none(), io::stdout().is_terminal());
    }
}
