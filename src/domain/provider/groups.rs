//! Groups of a provider's users, by a claim.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::claims::Claims;
use crate::domain::group::GroupName;

/// A claim whose values put people into groups of the tenant. Values that are not listed do not: a provider cannot make up groups here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupClaim {
    pub claim: String,
    /// The group of each value.
    pub groups: BTreeMap<String, GroupName>,
}

impl GroupClaim {
    /// The groups of the claims' person, each once.
    pub fn groups(&self, claims: &Claims) -> Vec<GroupName> {
        let found: BTreeSet<&GroupName> = claims.all(&self.claim).iter().filter_map(|value| self.groups.get(value)).collect();
        found.into_iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_values_are_groups() {
        let group = |name: &str| GroupName::parse(name).expect("a group");
        let listed = [("cn=staff", "staff"), ("cn=admins", "staff"), ("cn=students", "students")];
        let groups = listed.map(|(value, name)| (value.to_owned(), group(name))).into_iter().collect();
        let mapping = GroupClaim { claim: "memberOf".into(), groups };
        let of = |values: &[&str]| {
            let mut claims = Claims::default();
            claims.insert("memberOf", values.iter().map(ToString::to_string).collect());
            claims.insert("groups", vec!["cn=students".into()]);
            mapping.groups(&claims)
        };
        assert_eq!(of(&["cn=staff", "cn=admins", "cn=root", "staff"]), [group("staff")]);
        assert_eq!(of(&["cn=students", "cn=staff"]), [group("staff"), group("students")]);
        assert!(of(&[]).is_empty());
    }
}
