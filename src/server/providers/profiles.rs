//! Provider profiles: built-in ones, and those of the deployment.

use std::collections::BTreeMap;
use std::path::Path;

use thiserror::Error;

use crate::domain::provider::profile::Profile;
use crate::domain::text_file;

const BUILT_IN: &str = include_str!("profiles.toml");
/// File in the data directory.
pub const FILE: &str = "profiles.toml";

/// Why profiles cannot be read.
#[derive(Debug, Error)]
#[error("{place}: {why}")]
pub struct ProfilesError {
    place: String,
    why: String,
}

#[derive(Clone, Debug)]
pub struct Profiles(BTreeMap<String, Profile>);

impl Profiles {
    /// The built-in profiles, and those of the deployment, which override them.
    pub fn read(data_dir: &Path) -> Result<Self, ProfilesError> {
        let mut profiles = parse(BUILT_IN, FILE)?;
        let file = data_dir.join(FILE);
        match std::fs::read(&file).and_then(text_file::text) {
            Ok(text) => profiles.extend(parse(&text, &file.to_string_lossy())?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(ProfilesError { place: file.to_string_lossy().into_owned(), why: error.to_string() }),
        }
        Ok(Self(profiles))
    }

    pub fn find(&self, name: &str) -> Option<&Profile> {
        self.0.get(name)
    }

    /// By name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Profile)> {
        self.0.iter().map(|(name, profile)| (name.as_str(), profile))
    }
}

fn parse(text: &str, place: &str) -> Result<BTreeMap<String, Profile>, ProfilesError> {
    toml::from_str(text).map_err(|error| ProfilesError { place: place.to_owned(), why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_profiles_are_valid_and_deployments_add_theirs() {
        let dir = tempfile::tempdir().expect("a folder");
        let ours = Profiles::read(dir.path()).expect("profiles");
        assert!(ours.all().count() >= 6 && ours.find("tapis").is_some_and(|tapis| tapis.endpoints.is_some()));
        std::fs::write(dir.path().join(FILE), "[campus]\nabout = \"Ours\"\nidentity = \"id-token\"\nscope = \"openid\"\n").expect("written");
        let both = Profiles::read(dir.path()).expect("profiles");
        assert!(both.find("campus").is_some() && both.all().count() == ours.all().count() + 1);
        std::fs::write(dir.path().join(FILE), "[campus]\nabuot = \"Ours\"\n").expect("written");
        assert!(Profiles::read(dir.path()).is_err_and(|error| error.to_string().contains("abuot")));
    }
}
