//! The user's sign-ins to portals on this machine.

use oauth2::AccessToken;
use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

use super::credentials_file::{CredentialsError, CredentialsFile, FileContents};
use super::scopes::Scopes;
use super::target::{LastTarget, Target};

/// The sign-ins of this machine, as they were when the file was read.
pub type Credentials = CredentialsFile<CredentialsData>;

/// A sign-in to one tenant of one server.
#[derive(Serialize, Deserialize)]
pub struct PortalSignIn {
    server: String,
    tenant: String,
    pub access_token: AccessToken,
    /// What was granted.
    pub scope: String,
    /// What was requested; empty in files of an earlier `tms`.
    #[serde(default)]
    pub requested_scope: String,
    /// `None` if the server did not state it.
    pub expires_at: Option<Timestamp>,
}

#[derive(Default, Serialize, Deserialize)]
pub struct CredentialsData {
    current: Option<LastTarget>,
    #[serde(default)]
    sign_ins: Vec<PortalSignIn>,
}

impl PortalSignIn {
    pub fn new(target: &Target, access_token: AccessToken, scopes: Scopes, expires_at: Option<Timestamp>) -> Self {
        let Scopes { requested: requested_scope, granted: scope } = scopes;
        Self { server: target.server.to_string(), tenant: target.tenant.to_string(), access_token, scope, requested_scope, expires_at }
    }

    pub fn scopes(&self) -> Scopes {
        Scopes { requested: self.requested_scope.clone(), granted: self.scope.clone() }
    }

    fn is_for(&self, target: &Target) -> bool {
        self.server == target.server.as_str() && self.tenant == target.tenant.as_str()
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

    /// Removes this token, but not a newer one. The target is kept as the default for `tms login`.
    pub fn remove(&mut self, target: &Target, token: &AccessToken) -> Result<(), CredentialsError> {
        self.update(|contents| contents.sign_ins.retain(|sign_in| !sign_in.is_for(target) || sign_in.access_token.secret() != token.secret()))
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

    fn target(tenant: &str) -> Target {
        let args = TargetArgs { server: Some("https://a.example".to_owned()), tenant: Some(tenant.to_owned()), ..TargetArgs::default() };
        Target::resolve(&args, None).unwrap()
    }

    fn sign_in(target: &Target, token: &str) -> PortalSignIn {
        PortalSignIn::new(target, AccessToken::new(token.to_owned()), Scopes::default(), Some(Timestamp::from_millis(1)))
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
        assert_eq!(read.find(&target("lab")).unwrap().access_token.secret(), "new");
        assert_eq!(read.find(&target("other")).unwrap().access_token.secret(), "kept");
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
        assert_eq!(read().find(&lab0).unwrap().access_token.secret(), "newer");
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
