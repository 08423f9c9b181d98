//! Long operations: JSON lines with their progress, and nothing of it without a terminal.

use serde_json::{Value, json};

use super::{CommandOutput, Deployment};
use crate::postgres;

/// The lines of a command with `--json`. Nothing else is printed.
fn lines(said: &CommandOutput) -> Vec<Value> {
    assert_eq!(said.err, "");
    said.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

/// Runs it, and returns the steps of its progress and its result, which is the last line.
fn done(deployment: &Deployment, arguments: &[&str]) -> (Vec<String>, Value) {
    let said = deployment.run(&[arguments, &["--json"]].concat());
    assert_eq!(said.code, Some(0), "{arguments:?}: {} {}", said.out, said.err);
    let mut lines = lines(&said);
    let result = lines.pop().expect("a result");
    assert_eq!(result["event"], "result", "{arguments:?}");
    let mut steps: Vec<String> = Vec::new();
    for line in &lines {
        assert_eq!(line["event"], "progress", "{line}");
        let step = line["step"].as_str().expect("a step");
        if line.get("total").is_some() {
            assert!(line["done"].as_u64() <= line["total"].as_u64() && line["per_second"].is_u64(), "{line}");
        }
        if steps.last().is_none_or(|last| last != step) {
            steps.push(step.to_owned());
        }
    }
    (steps, result)
}

#[tokio::test]
async fn long_operations_print_progress_and_result_as_json_lines() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    let (steps, backup) = done(&deployment, &["backup", "--to", "backups"]);
    assert_eq!(steps, ["copying", "checking", "hashing"]);
    let file = backup["file"].as_str().expect("a file");
    assert!(deployment.path().join(file).exists() && backup["rows"]["tenants"] == 2 && backup["deleted"] == json!([]), "{backup}");

    let (steps, verified) = done(&deployment, &["verify"]);
    assert_eq!((steps, &verified["rows"]), (vec!["checking".to_owned()], &backup["rows"]));
    assert_eq!(verified["keys_compared"], true);

    let (steps, checked) = done(&deployment, &["restore", "--verify-only", file]);
    assert_eq!(steps, ["hashing", "checking"]);
    assert_eq!((&checked["restored"], &checked["sha256"], &checked["previous"]), (&json!(false), &backup["sha256"], &Value::Null));
    let (steps, restored) = done(&deployment, &["restore", file]);
    assert_eq!(steps, ["copying", "hashing", "checking"]);
    assert!(restored["restored"] == true && restored["previous"].as_str().is_some_and(|previous| previous.contains("before-restore")), "{restored}");

    let (steps, copied) = done(&deployment, &["copy", "--from", "sqlite:data/tms-portal.db", "--to", "sqlite:copy.db"]);
    assert_eq!(steps, ["copying", "comparing"]);
    let rows: u64 = backup["rows"].as_object().expect("tables").values().filter_map(Value::as_u64).sum();
    assert_eq!((&copied["rows"], &copied["source_changed"]), (&json!(rows), &json!(false)));
}

#[tokio::test]
async fn without_a_terminal_nothing_of_the_progress_is_printed() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    for arguments in [&["backup", "--to", "backups"][..], &["verify"], &["copy", "--from", "sqlite:data/tms-portal.db", "--to", "sqlite:copy.db"]] {
        let said = deployment.run(arguments);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(!said.out.contains("event") && !said.out.contains("copying") && !said.out.contains('\u{1b}'), "{arguments:?}: {}", said.out);
    }
}

/// The terminal is made by `script` (util-linux).
#[tokio::test]
async fn on_a_terminal_step_rate_and_time_left_are_shown() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    let copy = format!("{} copy --from sqlite:data/tms-portal.db --to sqlite:copy.db", env!("CARGO_BIN_EXE_tms-portal"));
    let said = deployment.program("script").env("TERM", "xterm").args(["-qec", &copy, "/dev/null"]).output();
    let Ok(said) = said.map(CommandOutput::from) else {
        println!("!!! SKIPPED: progress on a terminal: script (util-linux) is not installed");
        return;
    };
    assert_eq!(said.code, Some(0), "{}", said.out);
    for words in ["copying ", "/s, ", " left", "Copied "] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
}

#[tokio::test]
async fn errors_are_json_lines_and_keep_their_exit_codes() {
    let (deployment, nothing) = (Deployment::set_up().await, Deployment::empty());
    let failed = |deployment: &Deployment, arguments: &[&str], code: i32, why: &str| {
        let said = deployment.run(&[arguments, &["--json"]].concat());
        let lines = lines(&said);
        let error = lines.last().unwrap_or_else(|| panic!("{arguments:?}: nothing is printed"));
        assert_eq!((&error["event"], &error["exit_code"]), (&json!("error"), &json!(code)), "{arguments:?}: {error}");
        assert!(said.code == Some(code) && error["message"].as_str().is_some_and(|message| message.contains(why)), "{arguments:?}: {error}");
    };
    failed(&deployment, &["copy", "--from", "tms.db", "--to", "sqlite:copy.db"], 2, "--from: must begin with sqlite:");
    failed(&deployment, &["copy", "--from", "sqlite:missing.db", "--to", "sqlite:copy.db"], 1, "missing.db");
    failed(&deployment, &["import"], 2, "--from: name the old database");
    failed(&deployment, &["import", "--from", "missing.sql"], 10, "cannot read the file");
    failed(&deployment, &["import", "compare", "--from", "missing.sql", "--old", "http://127.0.0.1:9"], 10, "cannot read the file");
    if postgres::is_used() {
        return;
    }
    failed(&nothing, &["verify"], 2, "there is no portal in data");
    failed(&deployment, &["backup", "--to", "missing/backups"], 1, "missing does not exist");
    failed(&deployment, &["restore", "missing.db"], 1, "missing.db");
    std::fs::write(deployment.path().join("bad.db"), "no database").expect("written");
    failed(&deployment, &["restore", "--verify-only", "bad.db"], 1, "cannot be used");
}
