//! Whether this machine has a browser that the user sees, and opening it.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use oauth2::url::Url;
use thiserror::Error;

/// Opens an address with the user's own browser.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
/// Variables that `sshd` sets: the user sits at another machine.
const REMOTE_VARIABLES: [&str; 3] = ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"];
/// The user's display: X11, Wayland. macOS has no such variable.
const DISPLAY_VARIABLES: [&str; 2] = ["DISPLAY", "WAYLAND_DISPLAY"];

/// Why no browser was opened.
#[derive(Debug, Error)]
pub enum BrowserRefused {
    #[error("{OPENER}: {0}")]
    Start(#[from] io::Error),
    #[error("{OPENER} ended with {0}")]
    Failed(ExitStatus),
}

/// Whether the user probably has a browser on this machine, and [`open`] a way to it.
pub fn has_browser() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    is_at_this_machine(is_set, cfg!(target_os = "macos")) && is_installed(OPENER)
}

fn is_at_this_machine(is_set: impl Fn(&str) -> bool, has_own_display: bool) -> bool {
    !REMOTE_VARIABLES.iter().any(|name| is_set(name)) && (has_own_display || DISPLAY_VARIABLES.iter().any(|name| is_set(name)))
}

fn is_installed(program: &str) -> bool {
    let is_executable = |path: &std::path::Path| path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|directory| is_executable(&directory.join(program))))
}

/// Starts to open `url`. In a process group of its own, so that Ctrl-C does not end a browser that was started here.
pub fn open(url: &Url) -> io::Result<Child> {
    let mut command = Command::new(OPENER);
    command.arg(url.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn()
}

/// Waits until opening has failed; for ever, if it succeeds.
pub async fn failure(opening: io::Result<Child>) -> BrowserRefused {
    // On a separate thread, which does not hold up this program's end: the browser may run as long as it likes.
    let outcome = tokio::task::spawn_blocking(move || opening?.wait()).await.map_err(io::Error::other).flatten();
    match outcome {
        Err(why) => why.into(),
        Ok(status) if !status.success() => BrowserRefused::Failed(status),
        Ok(_opened) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browser_needs_a_display_here() {
        let here = |variables: &'static [&'static str], own: bool| is_at_this_machine(|name| variables.contains(&name), own);
        assert!(here(&["DISPLAY"], false) && here(&["WAYLAND_DISPLAY"], false) && here(&[], true));
        assert!(!here(&[], false));
        // With X11 forwarding, DISPLAY is set on the other machine.
        for remote in [&["SSH_CONNECTION", "DISPLAY"][..], &["SSH_TTY", "WAYLAND_DISPLAY"], &["SSH_CLIENT", "DISPLAY"]] {
            assert!(!here(remote, false) && !here(remote, true));
        }
    }
}
