//! Groups of a tenant's people, which clients are told with the scope `groups`.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Maximum length of a group's name.
const MAX_LENGTH: usize = 100;
/// The most groups that an administrator adds one person to: ID tokens have to fit into headers of requests.
pub const MAX_GROUPS: usize = 50;

/// The name of a group, as clients compare it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupName(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a group's name has 1 to {MAX_LENGTH} ASCII letters, digits and . _ - : / @ +")]
pub struct InvalidGroupName;

impl GroupName {
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidGroupName> {
        let text = text.into();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-:/@+".contains(c);
        if (1..=MAX_LENGTH).contains(&text.len()) && text.chars().all(allowed) { Ok(Self(text)) } else { Err(InvalidGroupName) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for GroupName {
    type Error = InvalidGroupName;

    fn try_from(text: String) -> Result<Self, InvalidGroupName> {
        Self::parse(text)
    }
}

impl From<GroupName> for String {
    fn from(name: GroupName) -> Self {
        name.0
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// That a person is in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMembership {
    pub group: GroupName,
    /// The issuer whose claim says so; `None`: an administrator added them.
    pub issuer: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_names_have_no_spaces_or_commas() {
        for good in ["staff", "urn:example:group/a", "a@b.example+x_y-z", &"x".repeat(100)] {
            assert_eq!(GroupName::parse(good).map(String::from).as_deref(), Ok(good));
        }
        for bad in ["", "a b", "a,b", "a=b", "é", "a\n", &"x".repeat(101)] {
            assert_eq!(GroupName::parse(bad), Err(InvalidGroupName), "{bad}");
        }
    }
}
