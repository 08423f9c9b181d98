//! `tms-portal person groups`: the groups that applications are told about a person.

use super::PersonSelector;
use crate::domain::group::{GroupName, MAX_GROUPS};
use crate::server::service::auth::people::PersonRefused;
use crate::server::service::{Error, Services, TenantAdmin};

#[derive(clap::Args)]
pub struct GroupsArgs {
    #[command(flatten)]
    pub person: PersonSelector,
    /// The groups; they replace those that administrators set, not those that an institution confirmed
    #[arg(value_parser = |name: &str| GroupName::parse(name), required_unless_present = "none", num_args = 1..=MAX_GROUPS)]
    groups: Vec<GroupName>,
    /// Remove the person from all groups that administrators set
    #[arg(long, conflicts_with = "groups")]
    none: bool,
}

/// Sets the groups.
pub async fn set(services: &Services, operator: &TenantAdmin, args: &GroupsArgs) -> Result<String, Error<PersonRefused>> {
    let user = &args.person.user;
    services.set_groups(operator, user, args.groups.clone()).await?;
    let names: Vec<&str> = args.groups.iter().map(GroupName::as_str).collect();
    Ok(match names.as_slice() {
        [] => format!("{user} is in no group that administrators set."),
        names => format!("{user} is in {}.", names.join(", ")),
    })
}
