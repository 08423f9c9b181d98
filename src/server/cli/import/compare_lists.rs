//! The part of the comparison that needs an administrator of the old server: links, delegations, addresses of hosts, and clients.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::CommandError;
use super::cannot;
pub use super::old_server::OldAdmin;
use super::old_server::OldServer;
use crate::server::service::tms_import::compare_lists::{List, RowComparison};
use crate::server::service::tms_import::options::ImportOptions;
use crate::server::service::tms_import::report::{Report, escaped};
use crate::server::service::{Services, TenantAdmin};

/// Differences of each list that are printed.
const MAX_PRINTED: u64 = 20;

/// Whether there is no unexpected difference. Prints the differences, and a line for each list.
pub async fn run(
    services: &Services,
    old: &OldServer,
    old_admin: &OldAdmin,
    import: (&ImportOptions, &Report),
    json: bool,
) -> Result<bool, CommandError> {
    let missing = || cannot(format!("--admin-of: the tenant {} was not imported", escaped(&old_admin.tenant)));
    let tenant = import.0.tenant_here(&old_admin.tenant).map_err(|_| missing())?;
    let admin = services.operator(&tenant).await?.ok_or_else(missing)?;
    let mut agree = true;
    for list in List::ALL {
        let rows = match list.path() {
            Some(path) => old.list(old_admin, path).await.map_err(cannot)?,
            None => clients(services, old, old_admin, &admin).await?,
        };
        let compared = services.compare_list(list, &old_admin.tenant, &admin, &rows, import).await?;
        let compared = compared.map_err(|unknown| cannot(format!("--old: {unknown}")))?;
        agree &= !compared.iter().any(|(comparison, _)| comparison.is_error());
        print(list, &compared, json);
    }
    Ok(agree)
}

/// The old server's entries of the clients that are here.
async fn clients(services: &Services, old: &OldServer, old_admin: &OldAdmin, admin: &TenantAdmin) -> Result<Vec<Value>, CommandError> {
    let mut found = Vec::new();
    for id in services.imported_clients(admin).await? {
        found.extend(old.client(old_admin, &id).await.map_err(cannot)?);
    }
    Ok(found)
}

fn print(list: List, compared: &[(RowComparison, String)], json: bool) {
    let mut counts = BTreeMap::<RowComparison, u64>::new();
    for (comparison, name) in compared {
        let count = counts.entry(*comparison).or_default();
        *count += 1;
        if !comparison.is_error() {
            continue;
        }
        if json {
            println!("{}", json!({ "event": "difference", "list": list.word(), "kind": comparison.word(), "name": name }));
        } else if *count <= MAX_PRINTED {
            let what = match comparison {
                RowComparison::OnlyHere => "only this portal has it",
                RowComparison::Different => "it is in another state here, or expires at another time",
                _ => "only the old server has it, and the import did not report it",
            };
            println!("{}: {}: {what}", list.word(), escaped(name));
        }
    }
    if json {
        let counts: BTreeMap<_, _> = counts.iter().map(|(comparison, count)| (comparison.word(), count)).collect();
        println!("{}", json!({ "event": "result", "list": list.word(), "rows": counts }));
        return;
    }
    let count = |comparison| counts.get(&comparison).copied().unwrap_or_default();
    println!(
        "{}: {} the same, {} left out as reported, {} missing, {} only here, {} different",
        list.word(),
        count(RowComparison::Same),
        count(RowComparison::LeftOut),
        count(RowComparison::Missing),
        count(RowComparison::OnlyHere),
        count(RowComparison::Different)
    );
}
