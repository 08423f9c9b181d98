//! The report of an import, for a terminal.

use std::collections::BTreeMap;

use crate::server::service::tms_import::Outcome;
use crate::server::service::tms_import::report::{KeyGroup, Reason, Report};

/// Clients and hosts that are listed of each reason.
const MAX_NAMED: usize = 10;

pub fn print(outcome: Outcome, report: &Report) {
    println!("TMS {}, SHA-256 {}", report.release, report.sha256);
    if outcome == Outcome::NothingToDo {
        println!("Nothing to do: this file was imported before.");
        return;
    }
    for (old, new) in &report.tenants {
        println!("Tenant {}{}", old, if old == new { String::new() } else { format!(", here {new}") });
    }
    println!("\n{:<16}{:>12}{:>12}", "table", "rows", "imported");
    for (table, count) in &report.rows {
        println!("{:<16}{:>12}{:>12}", table.as_str(), count.read, count.imported);
    }
    print_keys("Keys that log in at the old server and would be refused here", &report.locked_out);
    print_keys("Keys that log in here, but not for ever", &report.will_end);
    if !report.not_imported.is_empty() {
        println!("\nNot imported:");
        for ((table, reason), group) in &report.not_imported {
            println!("  {} of {}: {}", group.rows, table.as_str(), reason.sentence());
            for example in &group.examples {
                println!("      {example}");
            }
        }
    }
    print_lines("Notes", &report.notes);
    print_lines("Errors in the old database", &report.errors);
    print_lines("It cannot be done", &report.obstacles);
    match outcome {
        Outcome::Written => println!("\nImported. The audit log has an event for each tenant."),
        _ if !report.obstacles.is_empty() => println!("\nNothing was written."),
        _ => println!("\nThis was a dry run: nothing was written. Add --yes to import."),
    }
}

fn print_keys(title: &str, list: &BTreeMap<Reason, KeyGroup>) {
    let total: u64 = list.values().map(|group| group.keys).sum();
    println!("\n{title}: {total}");
    for (reason, group) in list {
        println!("  {}: {} ({})", reason.word(), group.keys, reason.sentence());
        println!("      by client: {}", named(&group.by_client));
        println!("      by host: {}", named(&group.by_host));
        for key in &group.examples {
            println!("      {} for {}: {}@{} {}", key.client_id, key.user_id, key.account, key.host, key.fingerprint);
        }
    }
}

/// The most frequent names, with their numbers.
fn named(counts: &BTreeMap<String, u64>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by(|(_, one), (_, other)| other.cmp(one));
    let more = counts.len().saturating_sub(MAX_NAMED);
    let mut named: Vec<String> = counts.iter().take(MAX_NAMED).map(|(name, count)| format!("{name} {count}")).collect();
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    named.join(", ")
}

fn print_lines(title: &str, lines: &[String]) {
    if !lines.is_empty() {
        println!("\n{title}:");
        for line in lines {
            println!("  {line}");
        }
    }
}
