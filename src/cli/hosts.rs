//! `tms hosts`

use serde_json::json;

use super::credentials::Credentials;
use super::failure::Failure;
use super::moments::in_words;
use super::output::Output;
use super::printable::Printable;
use super::server_api::{HostAccount, ServerApi};
use super::target::{Place, Target};

const HEADINGS: [&str; 5] = ["HOST", "ACCOUNT", "STATE", "LINKED", "EXPIRES"];

/// Lists the host accounts that are linked to the person and shared with this sign-in.
pub async fn hosts(place: &Place, output: &Output) -> Result<(), Failure> {
    let credentials = Credentials::load(output)?;
    let target = Target::choose(place, credentials.current())?;
    let sign_in = credentials.find(&target).ok_or_else(|| Failure::NotSignedIn(target.clone()))?;
    let server = ServerApi::new(target.clone())?;
    let hosts = server.my_hosts(&sign_in.access_token).await?.hosts;

    if hosts.is_empty() {
        output.note("No host accounts: the operators of your centre link them; tick them when you sign in with `tms login`.");
    }
    let object = json!({ "server": target.server.as_str(), "tenant": target.tenant, "num_hosts": hosts.len(), "hosts": hosts });
    output.result(&table(&hosts), &object);
    Ok(())
}

#[expect(clippy::indexing_slicing, reason = "each row has as many cells as there are columns")]
fn table(hosts: &[HostAccount]) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(hosts.iter().map(row));
    let widths: [usize; 5] = std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn row(account: &HostAccount) -> [String; 5] {
    let time = |time: &Option<Printable>| time.as_ref().map_or("-".to_owned(), |time| in_words(time.as_str()));
    [account.host.to_string(), account.host_account.to_string(), account.state.to_string(), time(&account.linked_at), time(&account.expires_at)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_headings() {
        let account = |host: &str, expires_at: &str| HostAccount {
            host: Printable::new(host),
            host_account: Printable::new("testhostaccount1"),
            state: Printable::new("active"),
            linked_at: None,
            expires_at: Some(Printable::new(expires_at)),
        };
        let table = table(&[account("testhost1", "9999-12-31T23:59:59+00:00"), account("höst", "2026-11-21T05:00:00+00:00")]);
        assert_eq!(
            table,
            "HOST       ACCOUNT           STATE   LINKED  EXPIRES\n\
             testhost1  testhostaccount1  active  -       never\n\
             höst       testhostaccount1  active  -       21 November 2026, 05:00 UTC"
        );
    }
}
