//! Manual pages and shell completions, generated from the definition of a command line when packages are built.

use std::io;
use std::path::PathBuf;

use clap::{Command, Subcommand};
use clap_complete::Shell;

/// Those whose folder for completions is the same on all distributions.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Fish, Shell::Zsh];

#[derive(Clone, Debug, clap::Args)]
pub struct CommandDocs {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Clone, Debug, Subcommand)]
enum Kind {
    /// Write the manual pages, one for each command
    Man { dir: PathBuf },
    /// Write the completions for bash, fish and zsh
    Completions { dir: PathBuf },
}

impl CommandDocs {
    /// Writes the files, and creates their folder.
    pub fn write(&self, mut command: Command) -> io::Result<()> {
        let (Kind::Man { dir } | Kind::Completions { dir }) = &self.kind;
        std::fs::create_dir_all(dir)?;
        match self.kind {
            Kind::Man { .. } => clap_mangen::generate_to(command, dir),
            Kind::Completions { .. } => {
                let name = command.get_name().to_owned();
                SHELLS.iter().try_for_each(|shell| clap_complete::generate_to(*shell, &mut command, name.as_str(), dir).map(|_| ()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        let hidden = Command::new("doc").hide(true);
        Command::new("portal").version("1").subcommand(Command::new("serve").about("Start it")).subcommand(hidden)
    }

    fn written(kind: fn(PathBuf) -> Kind) -> Vec<String> {
        let parent = tempfile::tempdir().expect("a folder");
        let dir = parent.path().join("made/by/it");
        CommandDocs { kind: kind(dir.clone()) }.write(command()).expect("written");
        let mut names: Vec<String> =
            std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").file_name().to_string_lossy().into()).collect();
        names.sort();
        names
    }

    #[test]
    fn each_visible_command_has_a_manual_page() {
        assert_eq!(written(|dir| Kind::Man { dir }), ["portal-serve.1", "portal.1"]);
    }

    #[test]
    fn each_shell_has_a_file_of_completions() {
        assert_eq!(written(|dir| Kind::Completions { dir }), ["_portal", "portal.bash", "portal.fish"]);
    }
}
