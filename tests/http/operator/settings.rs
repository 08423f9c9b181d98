//! Settings from the file and the environment: misspelt ones, empty ones, and files that cannot be read.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::{CommandOutput, Deployment};

/// Changes the configuration file.
pub(super) fn append(deployment: &Deployment, text: &str) {
    let file = deployment.path().join("Leptos.toml");
    let settings = fs::read_to_string(&file).expect("settings") + text;
    fs::write(file, settings).expect("written");
}

#[tokio::test]
async fn unknown_settings_are_refused_by_every_command() {
    let deployment = Deployment::set_up().await;
    append(&deployment, "data-dri = \"x\"\n[portal.limit]\npages = 1\n[potral]\n");
    let person = ["person", "show", "--tenant", "test", "testuser1"];
    for words in [&["check"][..], &["serve"], &["init"], &["doctor"], &["migrate"], &["admin", "list", "--tenant", "test"], &person] {
        let said = deployment.run(words);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{words:?}: {}", said.err);
        for part in [
            "line 6: [portal] data-dri: unknown setting; did you mean data-dir?",
            "line 7: [portal.limit]: unknown section; did you mean [portal.limits]?",
            "line 9: [potral]: unknown section; did you mean [portal]?",
        ] {
            assert!(said.err.contains(part), "{words:?}: {part}\n{}", said.err);
        }
    }
}

/// The environment variables that the help of a command names.
fn variables(deployment: &Deployment, words: &[&str]) -> Vec<String> {
    let help = deployment.run(&[words, &["--help"]].concat());
    assert_eq!(help.code, Some(0), "{words:?}");
    let mut found = Vec::new();
    let mut before = "";
    for word in help.out.split_whitespace() {
        if before == "[env:" {
            found.push(word.split(['=', ']']).next().expect("a name").to_owned());
        }
        before = word;
    }
    found
}

#[tokio::test]
async fn empty_variables_count_as_unset() {
    let deployment = Deployment::empty();
    let plain = deployment.run(&["check"]);
    assert_eq!(plain.code, Some(0), "{}", plain.err);
    let commands = [&["check"][..], &["serve"], &["init"], &["doctor"], &["migrate"], &["copy"], &["tenant", "set"], &["person", "add"]];
    let mut names: Vec<String> = commands.iter().flat_map(|words| variables(&deployment, words)).collect();
    assert!(names.iter().any(|name| name == "TMS_LISTEN") && names.iter().any(|name| name == "TMS_SECRETS_TO"), "{names:?}");
    let others = ["TMS_SMTP_PASSWORD", "TMS_TEST_PASSWORD", "LEPTOS_OUTPUT_NAME", "LEPTOS_SITE_ROOT", "LEPTOS_SITE_ADDR", "LEPTOS_RELOAD_PORT"];
    names.extend(others.into_iter().chain(["LEPTOS_HASH_FILES", "LEPTOS_ENV", "LEPTOS_RELOAD_WS_PROTOCOL"]).map(str::to_owned));
    names.sort();
    names.dedup();
    let with_all = CommandOutput::from(deployment.command(&["check"]).envs(names.iter().map(|name| (name, ""))).output().expect("run"));
    assert_eq!((with_all.code, &with_all.out, &with_all.err), (Some(0), &plain.out, &plain.err));
    for name in &names {
        let with_one = CommandOutput::from(deployment.command(&["check"]).env(name, "").output().expect("run"));
        assert_eq!((with_one.code, &with_one.out), (Some(0), &plain.out), "{name}: {}", with_one.err);
    }
    let set = CommandOutput::from(deployment.command(&["check"]).env("LEPTOS_SITE_ADDR", "127.0.0.1:7").output().expect("run"));
    assert!(set.out.contains("127.0.0.1:7"), "others override the file: {}", set.out);
}

#[tokio::test]
async fn misspelt_variables_are_logged_with_the_name_that_was_meant() {
    let deployment = Deployment::empty();
    let said =
        CommandOutput::from(deployment.command(&["check"]).envs([("TMS_LISTN", "s3cret"), ("TMS_SERVICE_HOST", "10.0.0.1")]).output().expect("run"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("TMS_LISTN is unknown and has no effect; did you mean TMS_LISTEN?"), "{}", said.err);
    assert!(!said.err.contains("s3cret") && !said.err.contains("SERVICE_HOST"), "{}", said.err);
}

#[tokio::test]
async fn data_that_cannot_be_read_are_not_missing() {
    let deployment = Deployment::empty();
    let list = ["admin", "list", "--tenant", "test"];
    let missing = deployment.run(&list);
    assert!(missing.code == Some(2) && missing.err.contains("there is no portal in data"), "{}", missing.err);
    // A file in place of a directory is refused to root as well.
    let unreadable = deployment.run(&[&list[..], &["--data-dir", "Leptos.toml/data"]].concat());
    assert!(unreadable.code == Some(2) && unreadable.err.contains("cannot read Leptos.toml/data/tms-portal.db"), "{}", unreadable.err);
    assert!(!unreadable.err.contains("no portal"), "{}", unreadable.err);
    let copied = deployment.run(&["copy", "--from", "sqlite:Leptos.toml/data.db", "--to", "sqlite:copy.db"]);
    assert!(copied.code == Some(1) && copied.err.contains("--from: cannot read "), "{}", copied.err);

    let data = deployment.path().join("data");
    fs::create_dir(&data).expect("a folder");
    fs::write(data.join("tms-portal.db"), "").expect("written");
    fs::set_permissions(&data, Permissions::from_mode(0o000)).expect("set");
    // Root may read everything.
    if fs::read_dir(&data).is_err() {
        let denied = deployment.run(&list);
        assert!(denied.code == Some(2) && denied.err.contains("Permission denied") && denied.err.contains("run this as the user"), "{}", denied.err);
        let denied = deployment.run(&["serve"]);
        assert!(denied.code == Some(2) && denied.err.contains("Permission denied"), "{}", denied.err);
    }
    fs::set_permissions(&data, Permissions::from_mode(0o700)).expect("set");
}

#[tokio::test]
async fn keys_with_the_mode_of_fs_group_are_refused_with_the_remedy() {
    let deployment = Deployment::set_up().await;
    let key = deployment.path().join("data/keys/codes.key");
    for mode in [0o640, 0o660, 0o440] {
        fs::set_permissions(&key, Permissions::from_mode(mode)).expect("set");
        let refused = deployment.run(&["migrate"]);
        assert_eq!(refused.code, Some(1), "{}", refused.err);
        assert!(refused.err.contains(&format!("(mode {mode:04o})")) && refused.err.contains("fsGroupChangePolicy"), "{}", refused.err);
    }
}
