//! What a provider lists for whoever has signed in there: hosts, and their names on them (`GET /resources` of tms_provider).

use oauth2::AccessToken;
use serde_json::Value;

use super::{Door, Providers, Trouble};
use crate::domain::provider::Provider;
use crate::domain::resources::Listed;
use crate::domain::time::Timestamp;

/// More are not shown on a page, nor kept in a session.
const LONGEST: usize = 500;

impl Providers {
    /// What the list at this address says to the holder of the token.
    pub async fn resources(&self, provider: &Provider, list: &str, token: &AccessToken, now: Timestamp) -> Result<Vec<Listed>, Trouble> {
        let _slot = self.slot(provider, Door::SignIn).await?;
        let known = self.known(provider, now).await?;
        read(&self.http.to(provider, known.local).get_list(list, token.secret()).await?)
    }
}

/// `{"message": …, "data": [{"resource_id", "name", "url", "description", "username", …}]}`
fn read(answer: &Value) -> Result<Vec<Listed>, Trouble> {
    let entries = answer.get("data").and_then(Value::as_array).ok_or_else(|| Trouble::Broken("the list has no data".into()))?;
    if entries.len() > LONGEST {
        return Err(Trouble::Broken(format!("the list has {} entries", entries.len())));
    }
    Ok(entries.iter().map(entry).collect())
}

fn entry(entry: &Value) -> Listed {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    let at = text("url").and_then(|url| oauth2::url::Url::parse(&url).ok()?.host_str().map(str::to_owned));
    let account = match entry.get("username") {
        None | Some(Value::Null) => None,
        // What is no text is no name of an account, nor is it left out.
        Some(name) => Some(name.as_str().unwrap_or_default().to_owned()),
    };
    Listed { names: [text("resource_id"), text("name"), at].into_iter().flatten().collect(), account }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_read_as_tms_provider_writes_it() {
        let listed = read(&json!({ "message": "ok", "data": [
            { "resource_id": "r-1", "name": "frontera", "url": "https://Login.Frontera.example:22/x", "description": "…", "username": "jd", "more": {} },
            { "name": "stampede", "url": "no address", "username": null },
            { "name": 7, "username": 7 },
            "no entry",
        ] }));
        let entry = |names: &[&str], account: Option<&str>| Listed {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            account: account.map(str::to_owned),
        };
        let wanted =
            [entry(&["r-1", "frontera", "login.frontera.example"], Some("jd")), entry(&["stampede"], None), entry(&[], Some("")), entry(&[], None)];
        assert_eq!(listed, Ok(wanted.into()));
        assert_eq!(read(&json!({ "data": [] })), Ok(Vec::new()));
        for broken in [json!([]), json!({}), json!({ "data": {} }), json!("data"), json!({ "data": vec![json!({}); LONGEST + 1] })] {
            assert!(matches!(read(&broken), Err(Trouble::Broken(_))), "{broken}");
        }
    }
}
