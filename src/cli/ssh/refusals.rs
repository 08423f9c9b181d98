//! Why a host refused a login: the portal records it.

use std::time::Duration;

use oauth2::AccessToken;
use serde_json::json;

use super::super::output::Output;
use super::super::server_api::{ApiError, ServerApi};
use super::super::server_session::{ServerSession, SessionError};
use super::super::table::table;
use super::super::time_format::{format_time, now, parse_time};
use super::PreparedLogin;
use super::destination::Destination;
use crate::domain::paths;
use crate::domain::time::Timestamp;
use crate::wire::{MyRefusal, MyRefusals};

/// How long to ask for a reason after `ssh` failed; a user waits for it.
const ASK_TIMEOUT: Duration = Duration::from_secs(3);
/// The portal records refusals after it has answered the host.
const RECORDING_TIME: Duration = Duration::from_millis(400);
/// The portal records the same refusal once a minute; times in its response are whole seconds.
const RECORDING_INTERVAL: Duration = Duration::from_secs(61);

const HEADINGS: [&str; 4] = ["LAST REFUSED", "ACCOUNT", "TIMES", "REASON"];

impl ServerApi {
    /// The refused logins to a host, newest first.
    async fn my_refusals(&self, token: &AccessToken, host: &str, account: Option<&str>) -> Result<MyRefusals, ApiError> {
        let mut query = oauth2::url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("host", host);
        if let Some(account) = account {
            query.append_pair("host_account", account);
        }
        self.get(&format!("{}?{}", paths::MY_REFUSALS, query.finish()), token).await
    }
}

/// `tms ssh --why`: lists the refused logins to a host.
pub async fn list(session: &ServerSession, destination: &Destination, output: &Output) -> Result<(), SessionError> {
    let server = &session.server;
    let request = async |token: &AccessToken| server.my_refusals(token, destination.host(), destination.account()).await;
    let MyRefusals { refusals, num_refusals, as_of } = session.send(request).await?;
    let unreadable = num_refusals.saturating_sub(refusals.len());
    output.note_unreadable(unreadable, "refusal");
    let object = json!({
        "server": server.target.server.as_str(), "tenant": server.target.tenant, "as_of": as_of,
        "num_refusals": refusals.len(), "num_unreadable": unreadable, "refusals": refusals,
    });
    let text = match (refusals.is_empty(), unreadable) {
        (true, 0) => format!(
            "No refused login {destination} was recorded in the last 30 days. Without one, the host did not ask the portal, or the key was accepted there."
        ),
        (true, _) => format!("No refused login {destination} can be shown."),
        (false, _) => table(HEADINGS, refusals.iter().map(row)),
    };
    output.result(&text, &object);
    Ok(())
}

fn row(refusal: &MyRefusal) -> [String; 4] {
    [format_time(&refusal.last_at), format!("{}@{}", refusal.host_account, refusal.host), refusal.times.to_string(), refusal.message.clone()]
}

/// Tells why the login was refused that began at `began`, if the portal knows. Failures are not reported: `ssh` has said that it failed.
pub async fn explain(login: &PreparedLogin, began: Timestamp, output: &Output) {
    let reason = tokio::time::timeout(ASK_TIMEOUT, async {
        match find_reason(login, began).await {
            None => {
                tokio::time::sleep(RECORDING_TIME).await;
                find_reason(login, began).await
            }
            found => found,
        }
    });
    if let Ok(Some(reason)) = reason.await {
        output.note(&format!("tms: the portal refused the key for {}@{}: {reason}", login.target.host_account, login.target.host));
    }
}

async fn find_reason(login: &PreparedLogin, began: Timestamp) -> Option<String> {
    let PreparedLogin { session, target, fingerprint, .. } = login;
    let request = async |token: &AccessToken| session.server.my_refusals(token, &target.host, Some(&target.host_account)).await;
    let mut listed = session.send(request).await.ok()?;
    // Others may have tried keys of their own.
    listed.refusals.retain(|refusal| Some(&refusal.public_key_fingerprint) == fingerprint.as_ref());
    newest_since(&listed, now().since(began)).map(|refusal| refusal.message.clone())
}

/// The newest refusal of a login that began that long ago. Only the portal's times are compared: this machine's clock may be wrong.
fn newest_since(listed: &MyRefusals, ago: Duration) -> Option<&MyRefusal> {
    let since = parse_time(&listed.as_of)? - (ago + RECORDING_INTERVAL);
    listed.refusals.first().filter(|refusal| parse_time(&refusal.last_at).is_some_and(|at| at >= since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_of_this_login_is_told() {
        let refused = |last_at: &str| MyRefusal {
            client_id: None,
            first_at: "2026-11-20T12:00:00+00:00".into(),
            host: "vista".into(),
            host_account: "jdoe".into(),
            last_at: last_at.into(),
            message: "the key has expired".into(),
            public_key_fingerprint: "SHA256:x".into(),
            reason: "key_expired".into(),
            times: 1,
        };
        let listed = |last_at: &str| MyRefusals { as_of: "2026-11-20T12:10:00+00:00".into(), num_refusals: 1, refusals: vec![refused(last_at)] };
        let told = |last_at: &str, ago: u64| newest_since(&listed(last_at), Duration::from_secs(ago)).is_some();
        assert!(told("2026-11-20T12:09:58+00:00", 2) && told("2026-11-20T12:09:00+00:00", 2) && told("2026-11-20T12:00:00+00:00", 600));
        assert!(!told("2026-11-20T12:08:50+00:00", 2) && !told("yesterday", 2));
        assert!(newest_since(&MyRefusals { as_of: String::new(), ..listed("2026-11-20T12:10:00+00:00") }, Duration::ZERO).is_none());
    }
}
