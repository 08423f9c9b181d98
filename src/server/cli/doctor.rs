//! `tms-portal doctor`: checks the system as the server would use it, and changes nothing. Each check returns findings; one function prints
//! them.

mod data;
mod extensions;
mod files;
mod network;
mod signing_keys;

use std::fmt::{self, Write as _};

use serde::Serialize;

use super::CommandError;
use crate::server::config::{Config, ServerOptions};
use crate::server::service::platform::examination::examine;
use crate::server::service::{Clock, DataLocation, SystemClock};

#[derive(clap::Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    server: ServerOptions,
    /// Also connect to the mail server and sign in there; no message is sent
    #[arg(long)]
    connect: bool,
    /// Print one JSON object, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    /// The portal works, but not as well as it should, or not for long.
    Warning,
    /// The portal does not start, or does not work correctly.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// The result of a check.
#[derive(Debug, Serialize)]
struct Finding {
    level: Level,
    check: &'static str,
    found: String,
    /// What to do; empty: nothing.
    advice: String,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { level: Level::Ok, check, found: found.into(), advice: String::new() }
    }

    fn warning(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { level: Level::Warning, check, found: found.into(), advice: advice.into() }
    }

    fn error(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { level: Level::Error, check, found: found.into(), advice: advice.into() }
    }
}

pub async fn run(args: DoctorArgs) -> Result<(), CommandError> {
    let config = match Config::read(&args.server) {
        Ok(config) => config,
        Err(problems) => {
            if args.json {
                let findings = problems.0.iter().map(|problem| Finding::error("settings", problem, "")).collect::<Vec<_>>();
                println!("{}", as_json(&findings));
            }
            return Err(problems.into());
        }
    };
    let findings = all_findings(&config, args.connect).await;
    println!("{}", if args.json { as_json(&findings) } else { as_text(&findings) });
    match count(&findings, Level::Error) {
        0 => Ok(()),
        _ => Err(CommandError::Other("the system has errors".to_owned())),
    }
}

async fn all_findings(config: &Config, connect: bool) -> Vec<Finding> {
    let mut findings = vec![Finding::ok("settings", "all are valid")];
    findings.extend(files::data_directory(&config.data_dir));
    findings.extend(files::modes_and_owners(config));
    findings.extend(files::first_secrets(&config.data_dir));
    let now = SystemClock.now();
    let examined = examine(DataLocation { dir: &config.data_dir, database: &config.database, create: false }).await;
    findings.extend(data::database(config, &examined));
    findings.push(data::keys(&examined));
    findings.extend(signing_keys::findings(&examined, config.signing_key_interval, now));
    findings.extend(data::clock(&examined, now));
    findings.push(files::site(&config.leptos));
    findings.push(extensions::translations(&config.data_dir));
    findings.push(extensions::provider_profiles(&config.data_dir));
    findings.push(extensions::mail(config, connect).await);
    findings.push(files::disk(&config.data_dir));
    findings.push(network::port(config).await);
    findings.extend(network::issuer(config).await);
    findings.push(network::metrics(config.metrics_listen));
    findings.extend(network::certificate(&config.tls, now));
    findings.extend(network::proxy(config));
    findings
}

fn count(findings: &[Finding], level: Level) -> usize {
    findings.iter().filter(|finding| finding.level == level).count()
}

fn as_text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { level, check, found, advice } in findings {
        let _ = writeln!(text, "{level:<8} {check:<15} {found}");
        if !advice.is_empty() {
            let _ = writeln!(text, "{:<24} {advice}", "");
        }
    }
    let _ = write!(text, "errors: {}, warnings: {}", count(findings, Level::Error), count(findings, Level::Warning));
    text
}

fn as_json(findings: &[Finding]) -> String {
    let (errors, warnings) = (count(findings, Level::Error), count(findings, Level::Warning));
    serde_json::json!({ "errors": errors, "warnings": warnings, "findings": findings }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_printed_with_level_and_advice() {
        let findings =
            [Finding::ok("settings", "all are valid"), Finding::warning("disk", "5 % free", "make room"), Finding::error("keys", "missing", "")];
        assert_eq!(
            as_text(&findings),
            "ok       settings        all are valid\n\
             warning  disk            5 % free\n                         make room\n\
             error    keys            missing\nerrors: 1, warnings: 1"
        );
        let json: serde_json::Value = serde_json::from_str(&as_json(&findings)).expect("JSON");
        assert_eq!((&json["errors"], &json["findings"][1]["level"], &json["findings"][1]["check"]), (&1.into(), &"warning".into(), &"disk".into()));
    }
}
