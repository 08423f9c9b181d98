//! Environment variables with misspelt names, which have no effect.

use clap::Command;

use crate::environment;
use crate::server::config::nearest;

const PREFIX: &str = "TMS_";

/// Those that are not of an option of `tms-portal`: of the log, of e-mail, of tests, and of `tms`.
const OTHERS: [&str; 8] =
    ["TMS_LOG", "TMS_LOG_FORMAT", "TMS_SMTP_PASSWORD", "TMS_TEST_PASSWORD", "TMS_SERVER", "TMS_TENANT", "TMS_CA_FILE", "TMS_CONFIG_DIR"];

/// Logs each variable that has nearly the name of one that is read. Others with the prefix are allowed: Kubernetes sets some, such as
/// `TMS_SERVICE_HOST`.
pub fn warn_of_misspelt(command: &Command) {
    let known = environment::variables(command);
    let set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for (name, meant) in misspelt(set, &known) {
        tracing::warn!("The environment variable {} is unknown and has no effect; did you mean {meant}?", name.escape_debug());
    }
}

/// Unknown names, each with the known one that is similar.
fn misspelt(set: impl Iterator<Item = String>, known: &[String]) -> Vec<(String, String)> {
    let known = || known.iter().map(String::as_str).chain(OTHERS);
    let unknown = set.filter(|name| name.starts_with(PREFIX) && known().all(|known| known != name));
    let similar = |name: &str| nearest(name.strip_prefix(PREFIX)?, known().filter_map(|known| known.strip_prefix(PREFIX)));
    unknown.filter_map(|name| similar(&name).map(|near| format!("{PREFIX}{near}")).map(|near| (name, near))).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::server::cli::PortalArgs;

    #[test]
    fn similar_names_are_found_and_others_ignored() {
        let known = environment::variables(&PortalArgs::command());
        assert!(known.len() >= 14, "{known:?}");
        let near = |name: &str| misspelt(std::iter::once(name.to_owned()), &known).pop().map(|(_, near)| near);
        for (name, meant) in
            [("TMS_LISTN", "TMS_LISTEN"), ("TMS_LOG_FROMAT", "TMS_LOG_FORMAT"), ("TMS_DATADIR", "TMS_DATA_DIR"), ("TMS_TLS_CRT", "TMS_TLS_CERT")]
        {
            assert_eq!(near(name).as_deref(), Some(meant), "{name}");
        }
        let fine = ["TMS_PORT", "TMS_SERVICE_HOST", "TMS_PORT_3000_TCP_ADDR", "TMS_TEST_DATABASE", "TMS_HOME", "LISTN", "TMS_"];
        for name in fine.into_iter().chain(OTHERS).chain(known.iter().map(String::as_str)) {
            assert_eq!(near(name), None, "{name}");
        }
    }
}
