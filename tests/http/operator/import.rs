//! `tms-portal import`: databases of TMS servers.

mod again;
mod command;
mod decisions;
mod example;
mod interrupted;
mod limits;
mod lists;
mod old;
mod property;
mod rows;
mod secrets;
mod server_of_0_3;
mod sources;

use std::path::Path;

use serde_json::json;
use tms_portal::server::service::tms_import::options::ImportOptions;
use tms_portal::server::service::tms_import::report::Report;
use tms_portal::server::service::tms_import::{ImportError, Mode, Observer, Outcome, Source};

use crate::app::TestApp;

/// An observer that needs nothing.
struct Unobserved;

impl Observer for Unobserved {}

impl TestApp {
    async fn import(&self, file: &Path, options: &ImportOptions, mode: Mode) -> Result<(Outcome, Report), ImportError> {
        let mut source = Source::open(file).await?;
        self.services.import_tms(&self.database, &mut source, options, mode, &mut Unobserved).await
    }

    /// An import that must succeed.
    async fn imported(&self, file: &Path, options: &ImportOptions) -> Report {
        let (outcome, report) = self.import(file, options, Mode::Write).await.expect("imported");
        assert_eq!(outcome, Outcome::Written, "{:?}", report.obstacles);
        report
    }

    /// What an import that cannot be done says.
    async fn obstacles(&self, file: &Path, options: &ImportOptions) -> String {
        let (outcome, report) = self.import(file, options, Mode::Write).await.expect("a report");
        assert_eq!(outcome, Outcome::NotWritten);
        report.obstacles.join("\n")
    }

    /// The key that a host without tenant and credential gets.
    async fn retrieve(&self, account: &str, host: &str, fingerprint: &str) -> Option<String> {
        let body = json!({ "user": account, "host": host, "public_key_fingerprint": fingerprint });
        let answer = self.unauthenticated().call("POST /pubkeys/creds/retrieve", body).await;
        (answer.status == 200).then(|| answer.body["public_key"].as_str().expect("a key").to_owned())
    }
}

/// The fingerprints of a report's keys with a reason.
fn with_reason(report: &Report, reason: &str) -> Vec<String> {
    let groups = report.locked_out.iter().chain(&report.will_end).filter(|(found, _)| found.word() == reason);
    groups.flat_map(|(_, group)| group.examples.iter().map(|key| key.fingerprint.clone())).collect()
}

/// How many rows of a table are not imported for a reason.
fn left_out(report: &Report, table: &str, reason: &str) -> u64 {
    let groups = report.not_imported.iter().filter(|((found, why), _)| found.as_str() == table && why.word() == reason);
    groups.map(|(_, group)| group.rows).sum()
}
