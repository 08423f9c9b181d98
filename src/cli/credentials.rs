//! The user's sign-ins to portals on this machine.

use oauth2::{AccessToken, RefreshToken};
use serde::{Deserialize, Serialize};

use super::credentials_file::{CredentialsError, CredentialsFile, FileContents};
use super::scopes::Scopes;
use super::target::{LastTarget, Target};
use super::tokens::Tokens;

/// The sign-ins of this machine, as they were when the file was read.
pub type Credentials = CredentialsFile<CredentialsData>;

/// A sign-in to one tenant of one server.
#[derive(Serialize, Deserialize)]
pub struct PortalSignIn {
    server: String,
    tenant: String,
    #[serde(flatten)]
    pub tokens: Tokens,
    /// What was granted.
    pub scope: String,
    /// What was requested; empty in files of an earlier `tms`.
    #[serde(default)]
    pub requested_scope: String,
}

#[derive(Default, Serialize, Deserialize)]
pub struct CredentialsData {
    current: Option<LastTarget>,
    #[serde(default)]
    sign_ins: Vec<PortalSignIn>,
}

impl PortalSignIn {
    pub fn new(target: &Target, tokens: Tokens, scopes: Scopes) -> Self {
        let Scopes { requested: requested_scope, granted: scope } = scopes;
        Self { server: target.server.to_string(), tenant: target.tenant.to_string(), tokens, scope, requested_scope }
    }

    pub fn scopes(&self) -> Scopes {
        Scopes { requested: self.requested_scope.clone(), granted: self.scope.clone() }
    }

    fn is_for(&self, target: &Target) -> bool {
        self.server == target.server.as_str() && self.tenant == target.tenant.as_str()
    }

    fn has_refresh_token(&self, token: &RefreshToken) -> bool {
        self.tokens.refresh_token.as_ref().is_some_and(|own| own.secret() == token.secret())
    }
}

impl FileContents for CredentialsData {
    const FILE_NAME: &str = "credentials.json";
}

impl Credentials {
    /// The target of the last sign-in.
    pub fn last_target(&self) -> Option<&LastTarget> {
        self.contents().current.as_ref()
    }

    pub fn find(&self, target: &Target) -> Option<&PortalSignIn> {
        self.contents().sign_ins.iter().find(|sign_in| sign_in.is_for(target))
    }

    /// Stores `sign_in` as the current one, replacing older ones for the same target. Returns the replaced ones.
    pub fn save(&mut self, target: &Target, sign_in: PortalSignIn) -> Result<Vec<PortalSignIn>, CredentialsError> {
        let mut replaced = Vec::new();
        self.update(|contents| {
            replaced.extend(contents.sign_ins.extract_if(.., |older| older.is_for(target)));
            contents.sign_ins.push(sign_in);
            contents.current = Some(LastTarget { server: target.server.to_string(), tenant: target.tenant.to_string() });
        })?;
        Ok(replaced)
    }

    /// Stores the tokens that were issued for `presented`. Changes nothing if the sign-in has another refresh token by now, or was removed.
    pub fn renew(&mut self, target: &Target, presented: &RefreshToken, tokens: Tokens, scope: Option<String>) -> Result<(), CredentialsError> {
        self.update(|contents| {
            let renewed = contents.sign_ins.iter_mut().find(|sign_in| sign_in.is_for(target) && sign_in.has_refresh_token(presented));
            if let Some(sign_in) = renewed {
                sign_in.tokens = sign_in.tokens.renewed_by(tokens);
                sign_in.scope = scope.unwrap_or_else(|| std::mem::take(&mut sign_in.scope));
            }
        })
    }

    /// Removes this token, but not a newer one. The target is kept as the default for `tms login`.
    pub fn remove(&mut self, target: &Target, token: &AccessToken) -> Result<(), CredentialsError> {
        self.update(|contents| contents.sign_ins.retain(|sign_in| !sign_in.is_for(target) || sign_in.tokens.access_token.secret() != token.secret()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;
    use crate::cli::output::Output;
    use crate::cli::target::TargetArgs;
    use crate::domain::time::Timestamp;

    fn target(tenant: &str) -> Target {
        let args = TargetArgs { server: Some("https://a.example".to_owned()), tenant: Some(tenant.to_owned()), ..TargetArgs::default() };
        Target::resolve(&args, None).unwrap()
    }

    fn tokens(access: &str, refresh: Option<&str>) -> Tokens {
        Tokens {
            access_token: AccessToken::new(access.to_owned()),
            expires_at: Some(Timestamp::from_millis(1)),
            refresh_token: refresh.map(|token| RefreshToken::new(token.to_owned())),
            refresh_expires_at: None,
            access_until: None,
        }
    }

    fn sign_in(target: &Target, token: &str) -> PortalSignIn {
        PortalSignIn::new(target, tokens(token, None), Scopes::default())
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn credentials_file_has_mode_0600() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("deep/tms");
        let mut credentials = Credentials::load_from(&directory, &Output::Text).unwrap();
        credentials.save(&target("lab"), sign_in(&target("lab"), "first")).unwrap();

        assert_eq!(mode(&directory), 0o700);
        assert_eq!(mode(&directory.join(CredentialsData::FILE_NAME)), 0o600);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2, "it and the lock; no temporary file is left");
    }

    #[test]
    fn each_target_has_one_sign_in_and_the_last_is_current() {
        let home = tempfile::tempdir().unwrap();
        let mut credentials = Credentials::load_from(home.path(), &Output::Text).unwrap();
        for (tenant, token) in [("lab", "old"), ("other", "kept"), ("lab", "new")] {
            credentials.save(&target(tenant), sign_in(&target(tenant), token)).unwrap();
        }

        let read = Credentials::load_from(home.path(), &Output::Text).unwrap();
        assert_eq!(read.find(&target("lab")).unwrap().tokens.access_token.secret(), "new");
        assert_eq!(read.find(&target("other")).unwrap().tokens.access_token.secret(), "kept");
        assert_eq!(read.last_target().unwrap().tenant, "lab");
    }

    /// Each command has read the file before waiting for minutes.
    #[test]
    fn concurrent_commands_keep_each_others_sign_ins() {
        let home = tempfile::tempdir().unwrap();
        let all: Vec<String> = (0..8).map(|n| format!("lab{n}")).collect();
        let read = || Credentials::load_from(home.path(), &Output::Json).unwrap();
        let mut logins: Vec<_> = all.iter().map(|tenant| (target(tenant), read())).collect();
        std::thread::scope(|scope| {
            for (target, credentials) in &mut logins {
                scope.spawn(move || credentials.save(target, sign_in(target, "token")).unwrap());
            }
        });
        assert!(all.iter().all(|tenant| read().find(&target(tenant)).is_some()));

        // One command signs out while another signs in to the same target again.
        let (mut signing_out, lab0) = (read(), target("lab0"));
        read().save(&lab0, sign_in(&lab0, "newer")).unwrap();
        signing_out.remove(&lab0, &AccessToken::new("token".to_owned())).unwrap();
        assert_eq!(read().find(&lab0).unwrap().tokens.access_token.secret(), "newer");
    }

    #[test]
    fn tokens_are_renewed_only_for_the_presented_refresh_token() {
        let home = tempfile::tempdir().unwrap();
        let lab = target("lab");
        let first = || PortalSignIn::new(&lab, tokens("access-1", Some("refresh-1")), Scopes::default());
        let read = || Credentials::load_from(home.path(), &Output::Text).unwrap();
        let stored = || read().find(&lab).map(|sign_in| sign_in.tokens.access_token.secret().clone());
        let renew = |presented: &str, access: &str, refresh: Option<&str>| {
            read().renew(&lab, &RefreshToken::new(presented.to_owned()), tokens(access, refresh), None).unwrap();
        };
        read().save(&lab, first()).unwrap();
        renew("refresh-1", "access-2", Some("refresh-2"));
        assert_eq!(stored().as_deref(), Some("access-2"));
        // A second process had presented the same token.
        renew("refresh-1", "access-3", Some("refresh-2"));
        assert_eq!(stored().as_deref(), Some("access-2"));
        renew("refresh-2", "access-4", None);
        renew("refresh-2", "access-5", None);
        assert_eq!(stored().as_deref(), Some("access-5"), "the refresh token stays if the response has none");

        read().remove(&lab, &AccessToken::new("access-5".to_owned())).unwrap();
        renew("refresh-2", "access-6", None);
        assert_eq!(stored(), None, "a sign-out is not undone");
    }

    #[test]
    fn removal_keeps_the_target_and_other_sign_ins() {
        let home = tempfile::tempdir().unwrap();
        let mut credentials = Credentials::load_from(home.path(), &Output::Text).unwrap();
        credentials.save(&target("other"), sign_in(&target("other"), "kept")).unwrap();
        credentials.save(&target("lab"), sign_in(&target("lab"), "secret-token")).unwrap();
        credentials.remove(&target("lab"), &AccessToken::new("secret-token".to_owned())).unwrap();

        let read = Credentials::load_from(home.path(), &Output::Text).unwrap();
        assert!(read.find(&target("lab")).is_none());
        assert!(read.find(&target("other")).is_some());
        assert_eq!(read.last_target().unwrap().tenant, "lab");
        assert!(!fs::read_to_string(home.path().join(CredentialsData::FILE_NAME)).unwrap().contains("secret-token"));
    }
}
