//! The user's sign-ins to Tapis tenants on this machine, in their own file.

use serde::{Deserialize, Serialize};

use crate::cli::credentials_file::{CredentialsError, CredentialsFile, FileContents};
use crate::cli::server_url::ServerUrl;
use crate::cli::target::{TargetArgs, non_blank};
use crate::domain::time::Timestamp;

use super::error::TapisError;
use super::secret::TapisSecret;

/// The sign-ins to Tapis, as they were when the file was read.
pub type TapisCredentials = CredentialsFile<TapisCredentialsData>;

/// A Tapis tenant, the client ID used there, and the token if there is one.
#[derive(Serialize, Deserialize)]
pub struct TapisSignIn {
    base_url: String,
    pub client_id: String,
    pub token: Option<TapisToken>,
}

/// An access token.
#[derive(Clone, Serialize, Deserialize)]
pub struct TapisToken {
    pub secret: TapisSecret,
    /// `None` if Tapis did not state it.
    pub expires_at: Option<Timestamp>,
}

#[derive(Default, Serialize, Deserialize)]
pub struct TapisCredentialsData {
    /// The URL of the last sign-in.
    current: Option<String>,
    #[serde(default)]
    sign_ins: Vec<TapisSignIn>,
}

impl FileContents for TapisCredentialsData {
    const FILE_NAME: &str = "tapis.json";
}

impl TapisCredentials {
    /// The tenant: the given one, else that of the last sign-in.
    pub fn resolve(&self, base_url: Option<&str>, target_args: &TargetArgs) -> Result<ServerUrl, TapisError> {
        let typed = non_blank(base_url).or(self.contents().current.as_deref()).ok_or(TapisError::MissingBaseUrl)?;
        Ok(ServerUrl::parse(typed, target_args.insecure_http)?)
    }

    pub fn find(&self, server: &ServerUrl) -> Option<&TapisSignIn> {
        self.contents().sign_ins.iter().find(|sign_in| sign_in.base_url == server.as_str())
    }

    /// Stores the token and its client, replacing older ones; the tenant becomes the current one. Returns the replaced tokens.
    pub fn save(&mut self, server: &ServerUrl, client_id: &str, token: &TapisToken) -> Result<Vec<TapisToken>, CredentialsError> {
        let mut replaced = Vec::new();
        self.update(|contents| {
            replaced.extend(contents.sign_ins.extract_if(.., |older| older.base_url == server.as_str()).filter_map(|older| older.token));
            contents.sign_ins.push(TapisSignIn { base_url: server.to_string(), client_id: client_id.to_owned(), token: Some(token.clone()) });
            contents.current = Some(server.to_string());
        })?;
        replaced.retain(|older| older.secret != token.secret);
        Ok(replaced)
    }

    /// Removes this token, but not a newer one. The tenant and client are kept as defaults for `tms tapis login`.
    pub fn remove(&mut self, server: &ServerUrl, token: &TapisSecret) -> Result<(), CredentialsError> {
        self.update(|contents| {
            for sign_in in contents.sign_ins.iter_mut().filter(|sign_in| sign_in.base_url == server.as_str()) {
                sign_in.token.take_if(|kept| kept.secret == *token);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cli::output::Output;

    fn token(secret: &str) -> TapisToken {
        TapisToken { secret: TapisSecret::try_from(secret.to_owned()).unwrap(), expires_at: None }
    }

    #[test]
    fn each_tenant_has_one_sign_in_and_the_last_is_current() {
        let home = tempfile::tempdir().unwrap();
        let [a, b] = ["https://a.example", "https://b.example"].map(|url| ServerUrl::parse(url, false).unwrap());
        let mut sign_ins = TapisCredentials::load_from(home.path(), &Output::Text).unwrap();
        assert!(matches!(sign_ins.resolve(Some(" "), &TargetArgs::default()), Err(TapisError::MissingBaseUrl)));
        for (server, client_id, secret) in [(&a, "one", "old-token"), (&b, "two", "other-token"), (&a, "three", "new-token")] {
            sign_ins.save(server, client_id, &token(secret)).unwrap();
        }
        sign_ins.remove(&a, &token("new-token").secret).unwrap();

        let read = TapisCredentials::load_from(home.path(), &Output::Text).unwrap();
        assert_eq!(read.resolve(None, &TargetArgs::default()).unwrap(), a);
        let (first, second) = (read.find(&a).unwrap(), read.find(&b).unwrap());
        assert!(first.client_id == "three" && first.token.is_none());
        assert_eq!(second.token.as_ref().unwrap().secret.reveal(), "other-token");
        let text = fs::read_to_string(home.path().join(TapisCredentialsData::FILE_NAME)).unwrap();
        assert!(!text.contains("old-token") && !text.contains("new-token"), "{text}");
    }

    /// Each command has read the file before waiting for minutes.
    #[test]
    fn concurrent_commands_keep_each_others_tokens() {
        let home = tempfile::tempdir().unwrap();
        let all: Vec<ServerUrl> = (0..8).map(|n| ServerUrl::parse(&format!("https://t{n}.example"), false).unwrap()).collect();
        let read = || TapisCredentials::load_from(home.path(), &Output::Json).unwrap();
        let stored = |server: &ServerUrl| read().find(server).and_then(|sign_in| Some(sign_in.token.as_ref()?.secret.reveal().to_owned()));
        let mut logins: Vec<_> = all.iter().map(|server| (server, read())).collect();
        std::thread::scope(|scope| {
            for (server, sign_ins) in &mut logins {
                scope.spawn(move || sign_ins.save(server, "client", &token("token")).unwrap());
            }
        });
        assert!(all.iter().all(|server| stored(server).as_deref() == Some("token")));

        // One command signs out while another signs in again.
        let (mut signing_out, server) = (read(), &all[0]);
        read().save(server, "client", &token("newer")).unwrap();
        signing_out.remove(server, &token("token").secret).unwrap();
        assert_eq!(stored(server).as_deref(), Some("newer"));
    }
}
