//! `tms hosts`

use serde_json::json;

use super::output::Output;
use super::server_session::{ServerSession, SessionError};
use super::table::table;
use super::target::TargetArgs;
use super::time_format::format_time;
use crate::wire::{MyHost, MyHosts};

const HEADINGS: [&str; 5] = ["HOST", "ACCOUNT", "STATE", "LINKED", "EXPIRES"];

/// Lists the host accounts that are linked to the user and shared with this sign-in.
pub async fn run(target_args: &TargetArgs, output: &Output) -> Result<(), SessionError> {
    let session = ServerSession::load(target_args, output)?;
    let server = &session.server;
    let MyHosts { hosts, num_hosts } = session.send(async |token| server.my_hosts(token).await).await?;
    let unreadable = num_hosts.saturating_sub(hosts.len());

    if num_hosts == 0 {
        output.note("This sign-in covers no host accounts. Link one (with `tms link` on the host, or in the portal under Hosts), then run `tms login` and select it.");
    }
    output.note_unreadable(unreadable, "host account");
    let object = json!({ "server": server.target.server.as_str(), "tenant": server.target.tenant, "num_hosts": hosts.len(), "num_unreadable": unreadable, "hosts": hosts });
    output.result(&table(HEADINGS, hosts.iter().map(row)), &object);
    Ok(())
}

fn row(account: &MyHost) -> [String; 5] {
    [account.host.clone(), account.host_account.clone(), account.state.clone(), format_time(&account.linked_at), format_time(&account.expires_at)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_with_headings() {
        let account = |host: &str, expires_at: &str| MyHost {
            host: host.to_owned(),
            host_account: "testhostaccount1".to_owned(),
            address: None,
            state: "active".to_owned(),
            linked_at: "2026-11-01T08:00:00+00:00".to_owned(),
            expires_at: expires_at.to_owned(),
        };
        let hosts = [account("testhost1", "9999-12-31T23:59:59+00:00"), account("höst", "2026-11-21T05:00:00+00:00")];
        let table = table(HEADINGS, hosts.iter().map(row));
        assert_eq!(
            table,
            "HOST       ACCOUNT           STATE   LINKED                      EXPIRES\n\
             testhost1  testhostaccount1  active  1 November 2026, 08:00 UTC  never\n\
             höst       testhostaccount1  active  1 November 2026, 08:00 UTC  21 November 2026, 05:00 UTC"
        );
    }
}
