//! The operators' handbook: its commands are run in their order on a deployment, and what documents refer to exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::serve::Server;
use super::{CommandOutput, Deployment};
use crate::postgres;

const HANDBOOK: &str = include_str!("../../../docs/operations.md");
/// The recipient of the keys' backup in the handbook, and that of the test with its identity.
const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
const OUR_RECIPIENT: &str = "age1gjtdyg7lca8yct7u9l5jm2jk0cc35thcy96dcudgj9wx82jnq97q5zhgwr";
const OUR_IDENTITY: &str = "AGE-SECRET-KEY-1AU7EKNP5PWA6SQLWXSQ0NZA8J0NEHHEKY9H23YTJV9SPCSWKKYCSYAKAGJ";
/// The name of a backup in the handbook; the test uses the newest one.
const BACKUP: &str = "tms-portal-20261130T021500.042Z.db";

/// Commands of the handbook that need a system: blocks that begin with ```` ```sh system ````. Each is a line of a script in tests/packages, which
/// `make packages-test` runs in a booted container. Those of them that start, stop or reload the portal do so here too.
const SYSTEM_COMMANDS: [(&str, &str); 7] = [
    ("apt install ./tms-portal_*.deb", "10-install"),
    ("systemctl enable --now tms-portal.socket tms-portal.service", "15-start"),
    ("systemctl restart tms-portal.service", "20-restart"),
    ("systemctl reload tms-portal.service", "40-reload"),
    ("systemctl enable --now tms-portal-backup.timer", "61-handbook"),
    ("systemctl stop tms-portal.socket tms-portal.service", "61-handbook"),
    ("systemctl start tms-portal.socket tms-portal.service", "61-handbook"),
];

/// A fenced block of a document: what follows the fence, and the lines without their common indentation.
struct Block {
    info: String,
    lines: Vec<String>,
}

fn blocks(document: &str) -> Vec<Block> {
    let (mut found, mut open) = (Vec::new(), None::<(usize, Block)>);
    for line in document.lines() {
        let indentation = line.len() - line.trim_start().len();
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(info)) => open = Some((indentation, Block { info: info.trim().to_owned(), lines: Vec::new() })),
            (Some(_), Some(_)) => found.extend(open.take().map(|(_, block)| block)),
            (Some((outer, block)), None) => block.lines.push(line.get(*outer..).unwrap_or_default().to_owned()),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "each block ends");
    found
}

impl Block {
    /// Its commands, each on one line.
    fn commands(&self) -> Vec<String> {
        let text = self.lines.join("\n").replace("\\\n", " ");
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
    }
}

/// A machine with the handbook's settings, before the first start.
struct Machine {
    deployment: Deployment,
    server: Option<Server>,
    listen: String,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { deployment: Deployment::empty(), server: None, listen: "127.0.0.1:0".to_owned() };
        for folder in ["etc", "safe", "pkg"] {
            fs::create_dir(machine.path(folder)).expect("a folder");
        }
        for kind in ["js", "wasm", "css"] {
            fs::write(machine.path("pkg").join(format!("tms-portal.{kind}")), "").expect("written");
        }
        let identity = machine.path("safe/identity.txt");
        fs::write(&identity, OUR_IDENTITY).expect("written");
        fs::set_permissions(&identity, Permissions::from_mode(0o600)).expect("set");
        let leptos = fs::read_to_string(machine.path("Leptos.toml")).expect("read");
        let (leptos, _) = leptos.split_once("[portal]").expect("two sections");
        let settings = blocks(HANDBOOK).into_iter().filter(|block| block.info == "toml").flat_map(|block| block.lines);
        // Later blocks add settings to the same section.
        let settings: Vec<String> = settings.filter(|line| line != "[portal]").collect();
        let settings = format!("{leptos}\n[portal]\n{}\n", machine.in_place(&settings.join("\n")));
        fs::write(machine.path("etc/portal.toml"), settings).expect("written");
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.deployment.path().join(name)
    }

    /// A text of the handbook with the places of this machine.
    fn in_place(&self, text: &str) -> String {
        let places = [
            ("/etc/tms-portal", "etc"),
            ("/var/lib/tms-portal", "data"),
            ("/var/backups/tms-portal", "backups"),
            ("/var/tmp/drill", "drill"),
            ("/mnt/safe", "safe"),
        ];
        // An address that no other process uses: all of 127.0.0.0/8 is this machine.
        let [_, a, b, c] = std::process::id().to_be_bytes();
        let metrics = format!("127.{}.{b}.{c}:9464", a | 0x80);
        let mut text = text.replace("127.0.0.1:3000", &self.listen).replace("127.0.0.1:9464", &metrics).replace(RECIPIENT, OUR_RECIPIENT);
        for (there, here) in places {
            text = text.replace(there, &self.path(here).display().to_string());
        }
        if text.contains(BACKUP) { text.replace(BACKUP, &self.newest_backup()) } else { text }
    }

    fn newest_backup(&self) -> String {
        let names = fs::read_dir(self.path("backups")).expect("a folder").map(|entry| entry.expect("an entry").file_name().display().to_string());
        names.filter(|name| name.starts_with("tms-portal-") && name.ends_with(".db")).max().expect("a backup was made before")
    }

    fn prepare<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let programs = Path::new(env!("CARGO_BIN_EXE_tms-portal")).parent().expect("a folder").display().to_string();
        let path = format!("{programs}:{}", std::env::var("PATH").unwrap_or_default());
        command.env("PATH", path).env("TMS_CONFIG", self.path("etc/portal.toml")).env("TMS_LISTEN", &self.listen).env("NO_PROXY", "*")
    }

    /// Runs a command of the portal's user.
    fn run(&self, command: &str) {
        let mut shell = self.deployment.program("sh");
        shell.args(["-c", &self.in_place(command)]);
        let said = CommandOutput::from(self.prepare(&mut shell).output().expect("run"));
        assert_eq!(said.code, Some(0), "{command}: {} {}", said.out, said.err);
    }

    /// Does here what a command of root does to the portal.
    fn run_on_system(&mut self, command: &str) {
        match command.split_whitespace().collect::<Vec<_>>()[..] {
            ["systemctl", "start", "tms-portal.socket", ..] | ["systemctl", "enable", "--now", "tms-portal.socket", ..] => self.start(),
            ["systemctl", "stop", "tms-portal.socket", ..] => self.stop(),
            ["systemctl", "restart", "tms-portal.service"] => {
                self.stop();
                self.start();
            }
            ["systemctl", "reload", "tms-portal.service"] => self.server.as_ref().expect("it runs").signal("-HUP"),
            _ => {}
        }
    }

    fn start(&mut self) {
        assert!(self.server.is_none(), "it runs already");
        let server = Server::spawn(self.prepare(&mut self.deployment.command(&["serve", "--listen", "127.0.0.1:0"])).stderr(Stdio::null()));
        self.listen = server.address.to_string();
        self.server = Some(server);
    }

    fn stop(&mut self) {
        let mut server = self.server.take().expect("it runs");
        server.signal("-TERM");
        assert_eq!(server.child.wait().expect("ended").code(), Some(0));
    }
}

fn is_missing(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err()
}

/// What an operator copies from the page works, in the order of the page.
#[test]
fn commands_of_the_handbook_work_in_their_order() {
    if postgres::is_used() {
        return;
    }
    if let Some(program) = ["curl", "sqlite3"].into_iter().find(|program| is_missing(program)) {
        println!("!!! SKIPPED: commands of the handbook: {program} is not installed");
        return;
    }
    let mut machine = Machine::new();
    let mut count = 0;
    for block in blocks(HANDBOOK) {
        for command in block.commands() {
            match block.info.as_str() {
                "sh" => machine.run(&command),
                "sh system" => machine.run_on_system(&command),
                "toml" | "yaml" => continue,
                other => panic!("blocks with {other:?} are not checked: {command}"),
            }
            count += 1;
        }
    }
    assert!(count > 40, "{count} commands");
    machine.run("curl -sSf http://127.0.0.1:3000/readyz");
}

/// What cannot be run here is run by the tests of the packages.
#[test]
fn system_commands_of_the_handbook_are_lines_of_the_tests_of_packages() {
    let named: BTreeSet<String> = blocks(HANDBOOK).iter().filter(|block| block.info == "sh system").flat_map(Block::commands).collect();
    let listed: BTreeSet<String> = SYSTEM_COMMANDS.iter().map(|(command, _)| (*command).to_owned()).collect();
    assert_eq!(named, listed);
    for (command, script) in SYSTEM_COMMANDS {
        let text = fs::read_to_string(root().join("tests/packages").join(script)).unwrap_or_else(|_| panic!("there is no script {script}"));
        assert!(text.lines().any(|line| line.trim() == command), "{script} does not run {command}");
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All documents for people: those of the root folder, and those below docs.
fn documents() -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join("docs")]);
    let is_document = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    let entries = |folder: &Path| fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect::<Vec<_>>();
    found.extend(entries(root()).into_iter().filter(is_document));
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else if is_document(&path) {
                found.push(path);
            }
        }
    }
    found
}

/// The document without its fenced blocks.
fn prose(document: &str) -> String {
    let mut is_block = false;
    let is_prose = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        is_block ^= is_fence;
        !is_block && !is_fence
    };
    document.lines().filter(is_prose).collect::<Vec<_>>().join("\n")
}

/// The anchors of the headings, as GitHub derives them.
fn anchors(document: &str) -> BTreeSet<String> {
    let anchor = |heading: &str| {
        let kept = heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).collect::<String>();
        kept.replace(' ', "-")
    };
    let text = prose(document);
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    headings.map(anchor).collect()
}

/// Parts of a text between backquotes, and the text without them.
fn code_spans(text: &str) -> (Vec<String>, String) {
    let (mut code, mut rest) = (Vec::new(), String::new());
    for paragraph in text.split("\n\n") {
        for (at, part) in paragraph.split('`').enumerate() {
            if at % 2 == 1 {
                code.push(part.split_whitespace().collect::<Vec<_>>().join(" "));
            } else {
                rest.push_str(part);
            }
        }
        rest.push('\n');
    }
    (code, rest)
}

/// Links between documents name files and headings that exist. The handbook and what it refers to are installed without the source tree.
#[test]
fn links_of_documents_lead_somewhere() {
    let installed = ["operations.md", "reference.md", "hosts.md", "scaling.md", "moving-over.md", "monitoring.md", "audit-events.md", "privacy.md"]
        .map(|name| root().join("docs").join(name));
    let mut broken = Vec::new();
    for path in documents() {
        let text = fs::read_to_string(&path).expect("a text");
        let (_, text) = code_spans(&prose(&text));
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { path.clone() } else { path.parent().expect("a folder").join(file) };
            let has_anchor = || fs::read_to_string(&file).is_ok_and(|text| anchors(&text).contains(anchor));
            if !file.exists() || (!anchor.is_empty() && !has_anchor()) || (installed.contains(&path) && target.starts_with("../")) {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The words of a command of `tms-portal` in a document; `None`: it is another command.
fn words_of(line: &str) -> Option<Vec<&str>> {
    let line = line.trim().trim_start_matches("$ ");
    let line = line.strip_prefix("runuser -u tms-portal -- ").unwrap_or(line);
    let mut words = line.split(" # ").next()?.split_whitespace();
    let program = words.next()?;
    (program == "tms-portal" || program.ends_with("/tms-portal")).then(|| words.collect())
}

/// What `--help` prints of a command and the commands below it.
struct Help(BTreeMap<Vec<String>, String>);

impl Help {
    fn of(&mut self, command: &[String]) -> &str {
        self.0.entry(command.to_vec()).or_insert_with(|| {
            let words: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
            Deployment::empty().run(&words).out
        })
    }

    /// What is wrong with a command of a document.
    fn problem(&mut self, words: &[&str]) -> Option<String> {
        let mut command = Vec::new();
        for word in words.iter().take_while(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-')) {
            let help = self.of(&command).to_owned();
            let Some((_, commands)) = help.split_once("Commands:\n") else { break };
            let mut commands = commands.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
            if commands.any(|name| name == *word) {
                command.push((*word).to_owned());
            } else if help.contains("<COMMAND>") && !help.contains("Arguments:\n") {
                return Some(format!("{command:?} has no command {word}"));
            } else {
                break;
            }
        }
        let help = self.of(&command).to_owned();
        let has = |option: &str| help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).any(|word| word == option);
        let options = words.iter().map(|word| word.trim_matches(['[', ']', '`', '.', ',']));
        let mut options =
            options.filter(|word| word.starts_with("--") && word.len() > 2).map(|word| word.split(['=', '|']).next().unwrap_or_default());
        options.find(|&option| !has(option)).map(|option| format!("{command:?} has no option {option}"))
    }
}

/// Commands of `tms-portal` in documents, in blocks and in sentences, have names and options that exist. History is in the changelog.
#[test]
fn commands_of_documents_exist() {
    let mut help = Help(BTreeMap::new());
    let mut problems = Vec::new();
    for path in documents().into_iter().filter(|path| !path.ends_with("CHANGELOG.md")) {
        let text = fs::read_to_string(&path).expect("a text");
        let (mut commands, _) = code_spans(&prose(&text));
        commands.extend(blocks(&text).iter().filter(|block| block.info.starts_with("sh") || block.info == "console").flat_map(Block::commands));
        for command in commands {
            if let Some(problem) = words_of(&command).and_then(|words| help.problem(&words)) {
                problems.push(format!("{}: {command}: {problem}", path.display()));
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}
