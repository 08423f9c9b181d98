//! Files that change, have no name, or are no databases; where reports may be written.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::process::Stdio;

use tms_portal::server::service::tms_import::options::ImportOptions;
use tms_portal::server::service::tms_import::{ImportError, Mode, Source, SourceError};

use super::super::{CommandOutput, Deployment};
use super::Unobserved;
use super::command::{path, run};
use super::example::{example, files, owner};
use super::old::Old;
use super::server_of_0_3::dump;
use crate::app::TestApp;

/// A program that writes the file while it is read: two states would be mixed.
#[tokio::test]
async fn database_that_changes_during_the_import_is_refused() {
    let (app, example) = (TestApp::start().await, example());
    let (_dir, files) = files(&example.old).await;
    for file in &files[..2] {
        let mut source = Source::open(file).await.expect("opened");
        fs::OpenOptions::new().append(true).open(file).and_then(|mut file| file.write_all(b"\n")).expect("changed");
        let refused = app.services.import_tms(&app.database, &mut source, &owner("frontera", "tacc"), Mode::Write, &mut Unobserved).await;
        assert!(matches!(refused, Err(ImportError::Source(SourceError::Changed))), "{}", file.display());
    }
    assert_eq!(app.texts("SELECT id FROM tenants ORDER BY id").await, ["default", "test"]);
}

/// No copy remains when the program is killed: it has no name.
#[tokio::test]
async fn copy_of_standard_input_has_no_name() {
    let (deployment, example) = (Deployment::set_up().await, example());
    let (_dir, files) = files(&example.old).await;
    for file in [dump("utc.sql"), files[0].clone(), files[2].clone()] {
        let temporary = deployment.path().join("tmp");
        fs::create_dir_all(&temporary).expect("a folder");
        let mut command = deployment.command(&["import", "--from", "-", "--host-owner", "frontera=tacc"]);
        let is_dump = file.extension().is_some_and(|end| end == "sql");
        if is_dump {
            command = deployment.command(&["import", "--from", "-"]);
        }
        let mut child =
            command.env("TMPDIR", &temporary).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        let mut input = child.stdin.take().expect("a pipe");
        if is_dump {
            // More than a pipe holds: when it is written, most of it has been copied.
            input.write_all(&vec![b'\n'; 1 << 20]).expect("written");
            assert_eq!(fs::read_dir(&temporary).expect("a folder").count(), 0, "while it is copied");
        }
        input.write_all(&fs::read(&file).expect("read")).expect("written");
        drop(input);
        let said = CommandOutput::from(child.wait_with_output().expect("run"));
        assert_eq!(said.code, Some(11), "{}: {} {}", file.display(), said.out, said.err);
        assert_eq!(fs::read_dir(&temporary).expect("a folder").count(), 0);
    }
}

#[tokio::test]
async fn what_cannot_be_read_again_is_refused() {
    let deployment = Deployment::set_up().await;
    let fifo = deployment.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("run").success());
    assert!(fs::metadata(&fifo).expect("there").file_type().is_fifo());
    for file in [fifo.as_path(), Path::new("/dev/null")] {
        let said = run(&deployment, &["--from", &path(file)]).await;
        assert!(said.code == Some(10) && said.err.contains("import --from -"), "{}: {}", file.display(), said.err);
    }
}

/// Texts of the old database and its settings cannot control the terminal.
#[tokio::test]
async fn errors_and_hints_are_escaped() {
    let (deployment, dir) = (Deployment::set_up().await, tempfile::tempdir().expect("a folder"));
    let at = |name: &str| dir.path().join(name);
    fs::write(at("encoding.sql"), "--\nSET client_encoding = '\u{1b}[2J';\n").expect("written");
    let mut old = Old::default();
    old.add("tenants", &["1", "default", "1"]);
    old.write_sqlite(&at("tms.db")).await;
    let mut database = fs::read(at("tms.db")).expect("read");
    let text = b"CREATE TABLE tenants";
    let place = database.windows(text.len()).position(|window| window == text).expect("the schema");
    database[place..place + text.len()].copy_from_slice(b"CREATE \x1b[2J\x1b[2J\x1b[2J1");
    fs::write(at("damaged.db"), database).expect("written");
    for name in ["encoding.sql", "damaged.db"] {
        let said = run(&deployment, &["--from", &path(&at(name))]).await;
        assert!(said.code == Some(10) && !said.err.contains('\u{1b}') && !said.err.is_empty(), "{name}: {:?}", said.err);
    }
    let settings = "http_addr = \"\\u001b]0;x\"\nhttp_port = 1\nserver_urls = [\"\\u001b[2J\"]\n";
    fs::write(at("tms.toml"), settings).expect("written");
    let said = run(&deployment, &["--from", &path(&dump("utc.sql")), "--tms-toml", &path(&at("tms.toml"))]).await;
    assert!(said.out.contains("\\u{1b}[2J") && !said.out.contains('\u{1b}'), "{:?} {}", said.out, said.err);
    fs::write(at("tms.toml"), "enable_mvp = \"\u{1b}[2J\"\n").expect("written");
    let said = run(&deployment, &["--from", &path(&dump("utc.sql")), "--tms-toml", &path(&at("tms.toml"))]).await;
    assert!(said.code == Some(2) && !said.err.contains('\u{1b}'), "{:?}", said.err);
}

#[tokio::test]
async fn report_replaces_no_other_file() {
    let (deployment, example) = (Deployment::set_up().await, example());
    let (dir, files) = files(&example.old).await;
    let from = path(&files[0]);
    fs::write(dir.path().join("notes"), "mine").expect("written");
    let data = deployment.path().join("data");
    let kept: Vec<_> = [files[0].clone(), dir.path().join("notes"), data.join("keys/codes.key"), data.join("tms-portal.db")]
        .into_iter()
        .filter_map(|file| Some((fs::read(&file).ok()?, file)))
        .collect();
    let new = [data.join("report.json"), dir.path().join("tms.db-wal")];
    for report in kept.iter().map(|(_, file)| file).chain(&new) {
        let said = run(&deployment, &["--from", &from, "--host-owner", "frontera=tacc", "--report", &path(report)]).await;
        assert!(said.code == Some(10) && said.err.contains("--report: "), "{}: {}", report.display(), said.err);
    }
    for (contents, file) in &kept {
        assert_eq!(&fs::read(file).expect("read"), contents, "{}", file.display());
    }
    assert!(!new.iter().any(|file| file.exists()));
}

#[tokio::test]
async fn report_that_cannot_be_written_is_an_error() {
    let deployment = Deployment::set_up().await;
    let from = path(&dump("utc.sql"));
    let dry = run(&deployment, &["--from", &from, "--report", "/dev/full"]).await;
    assert!(dry.code == Some(10) && dry.err.contains("--report: cannot write /dev/full"), "{}", dry.err);
    let imported = run(&deployment, &["--from", &from, "--report", "/dev/full", "--yes"]).await;
    assert!(imported.code == Some(1) && imported.out.contains("Imported."), "{} {}", imported.out, imported.err);
}

/// A typo would leave the host to the tenant that has it first.
#[tokio::test]
async fn unknown_host_of_an_owner_is_an_obstacle() {
    let (app, example) = (TestApp::start().await, example());
    let (_dir, files) = files(&example.old).await;
    let mut options: ImportOptions = owner("frontera", "tacc");
    options.host_owners.extend(owner("fronterra", "tacc").host_owners);
    let obstacles = app.obstacles(&files[1], &options).await;
    assert_eq!(obstacles, "--host-owner: the old database has no host fronterra");
    app.imported(&files[1], &owner("FRONTERA", "tacc")).await;
}
