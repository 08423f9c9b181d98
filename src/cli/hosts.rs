//! `tms hosts`

use serde_json::json;

use super::failure::Failure;
use super::moments::in_words;
use super::output::Output;
use super::printable::Printable;
use super::server_api::HostAccount;
use super::signed_in::SignedIn;
use super::table::table;
use super::target::Place;

const HEADINGS: [&str; 5] = ["HOST", "ACCOUNT", "STATE", "LINKED", "EXPIRES"];

/// Lists the host accounts that are linked to the person and shared with this sign-in.
pub async fn hosts(place: &Place, output: &Output) -> Result<(), Failure> {
    let SignedIn { server, token } = SignedIn::load(place, output)?;
    let hosts = server.my_hosts(&token).await?.hosts;

    if hosts.is_empty() {
        output.note("No host accounts: the operators of your centre link them; tick them when you sign in with `tms login`.");
    }
    let object = json!({ "server": server.target.server.as_str(), "tenant": server.target.tenant, "num_hosts": hosts.len(), "hosts": hosts });
    output.result(&table(HEADINGS, hosts.iter().map(row)), &object);
    Ok(())
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
            address: None,
            state: Printable::new("active"),
            linked_at: None,
            expires_at: Some(Printable::new(expires_at)),
        };
        let hosts = [account("testhost1", "9999-12-31T23:59:59+00:00"), account("höst", "2026-11-21T05:00:00+00:00")];
        let table = table(HEADINGS, hosts.iter().map(row));
        assert_eq!(
            table,
            "HOST       ACCOUNT           STATE   LINKED  EXPIRES\n\
             testhost1  testhostaccount1  active  -       never\n\
             höst       testhostaccount1  active  -       21 November 2026, 05:00 UTC"
        );
    }
}
