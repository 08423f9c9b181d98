//! Which tenants are imported, and what they are called here.

use std::collections::BTreeMap;

use super::options::ImportOptions;
use super::report::{Reason, Report, escaped};
use super::rows::Table;
use super::source::Contents;
use crate::domain::ids::TenantId;
use crate::server::service::platform::setup::test_data::TEST_TENANT;

/// Tenants, by the names in the old database.
pub type TenantNames = BTreeMap<String, TenantId>;

/// Which tenants are imported, and as what. Adds to the report what is not, and why the import cannot be done.
pub fn tenant_names(contents: &Contents, options: &ImportOptions, report: &mut Report) -> TenantNames {
    let mut names = TenantNames::new();
    for row in contents.rows(Table::Tenants) {
        let old = row.text("tenant");
        report.read(Table::Tenants);
        let chosen = if options.only_tenants.is_empty() {
            old != TEST_TENANT || options.with_test_tenant
        } else {
            options.only_tenants.iter().any(|name| name == old)
        };
        if !chosen {
            report.not_imported(Table::Tenants, Reason::TenantNotTaken, || old.to_owned());
            continue;
        }
        match options.tenant_here(old) {
            Ok(new) if names.values().any(|other| *other == new) => {
                report.obstacles.push(format!("two tenants would be called {new}; name another one for {} with --tenant", escaped(old)));
            }
            Ok(new) => {
                names.insert(old.to_owned(), new);
            }
            Err(refused) => report.obstacles.push(format!(
                "the tenant {:?} needs another name, because {refused}: --tenant OLD=NEW, or leave it out with --only-tenant",
                escaped(old)
            )),
        }
    }
    let exists = |name: &&String| contents.rows(Table::Tenants).iter().any(|row| row.text("tenant") == name.as_str());
    for unknown in options.tenants.keys().chain(&options.only_tenants).filter(|name| !exists(name)) {
        report.obstacles.push(format!("the old database has no tenant {}", escaped(unknown)));
    }
    names
}
