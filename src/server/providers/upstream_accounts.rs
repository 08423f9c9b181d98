//! The host accounts that a provider lists for the holder of a token (`GET /resources` of tms_provider).

use oauth2::AccessToken;
use serde_json::Value;

use super::{Providers, RequestQueue};
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::domain::upstream_accounts::ListedAccount;
use crate::server::providers::error::ProviderError;

/// The rest of a longer list is ignored: it would not fit on a page or into a session.
const MAX_LIST_ENTRIES: usize = 500;

impl Providers {
    /// Fetches the list at this URL with the person's token.
    pub async fn upstream_accounts(
        &self,
        provider: &Provider,
        list: &str,
        token: &AccessToken,
        now: Timestamp,
    ) -> Result<Vec<ListedAccount>, ProviderError> {
        let _slot = self.request_slot(provider, RequestQueue::SignIn).await?;
        let known = self.metadata(provider, now).await?;
        parse_list(&self.http.for_provider(provider, known.local).get_list(list, token.secret()).await?)
    }
}

/// `{"message": …, "data": [{"resource_id", "name", "url", "description", "username", …}]}`
fn parse_list(answer: &Value) -> Result<Vec<ListedAccount>, ProviderError> {
    let entries = answer.get("data").and_then(Value::as_array).ok_or_else(|| ProviderError::InvalidResponse("the list has no data".into()))?;
    if entries.len() > MAX_LIST_ENTRIES {
        return Err(ProviderError::InvalidResponse(format!("the list has {} entries", entries.len())));
    }
    Ok(entries.iter().map(parse_entry).collect())
}

fn parse_entry(entry: &Value) -> ListedAccount {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    let at = text("url").and_then(|url| oauth2::url::Url::parse(&url).ok()?.host_str().map(str::to_owned));
    let account = match entry.get("username") {
        None | Some(Value::Null) => None,
        // A value that is not a string is an invalid account name, but the entry is kept.
        Some(name) => Some(name.as_str().unwrap_or_default().to_owned()),
    };
    ListedAccount { names: [text("resource_id"), text("name"), at].into_iter().flatten().collect(), account }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_of_tms_provider_are_parsed() {
        let listed = parse_list(&json!({ "message": "ok", "data": [
            { "resource_id": "r-1", "name": "frontera", "url": "https://Login.Frontera.example:22/x", "description": "…", "username": "jd", "more": {} },
            { "name": "stampede", "url": "no address", "username": null },
            { "name": 7, "username": 7 },
            "no entry",
        ] }));
        let entry = |names: &[&str], account: Option<&str>| ListedAccount {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            account: account.map(str::to_owned),
        };
        let expected =
            [entry(&["r-1", "frontera", "login.frontera.example"], Some("jd")), entry(&["stampede"], None), entry(&[], Some("")), entry(&[], None)];
        assert_eq!(listed, Ok(expected.into()));
        assert_eq!(parse_list(&json!({ "data": [] })), Ok(Vec::new()));
        for broken in [json!([]), json!({}), json!({ "data": {} }), json!("data"), json!({ "data": vec![json!({}); MAX_LIST_ENTRIES + 1] })] {
            assert!(matches!(parse_list(&broken), Err(ProviderError::InvalidResponse(_))), "{broken}");
        }
    }
}
