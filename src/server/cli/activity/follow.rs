//! `tms-portal activity follow`.

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::super::CommandError;
use super::position_file::PositionFile;
use crate::domain::ids::TenantId;
use crate::server::config::{ConfigProblems, DataOptions};
use crate::server::service::audit_log::follow::{Followed, Follower, Gap, GapReason, Position};

/// How often the database is asked for more.
const INTERVAL: Duration = Duration::from_secs(1);
/// Exit code: there was a gap.
const GAP: u8 = 12;

#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 done, also if the reader of the output has gone; 1 failed; 2 wrong usage or settings; 12 there was a gap: events were \
                  deleted before they were followed, or the database was restored. docs/audit-events.md describes the lines."
)]
pub struct FollowArgs {
    #[command(flatten)]
    data: DataOptions,
    /// Print each event as a line of JSON; required, because there is no other format
    #[arg(long)]
    json: bool,
    /// Only this tenant's events
    #[arg(long, value_parser = |name: &str| TenantId::parse(name))]
    tenant: Option<TenantId>,
    /// Begin with the event of this number [default: the oldest]
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(0..), conflicts_with = "state")]
    from: Option<i64>,
    /// Begin after the position in this file, and keep the position there
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// End after the last event instead of waiting for more
    #[arg(long)]
    once: bool,
}

/// What is left to do after events were printed.
#[derive(PartialEq, Eq)]
enum Printed {
    All,
    /// The reader has gone.
    Closed,
}

pub async fn run(args: &FollowArgs) -> Result<(), CommandError> {
    if !args.json {
        return Err(ConfigProblems(vec!["--json: required, because there is no other format".to_owned()]).into());
    }
    let portal = args.data.existing_portal()?;
    let mut file = args.state.as_deref().map(PositionFile::open).transpose().map_err(CommandError::Other)?;
    let position = match &file {
        Some(file) => file.position(),
        None => Position { after: args.from.map_or(0, |from| from.saturating_sub(1)), at: None },
    };
    let mut follower = Follower::new(portal.database, args.tenant.clone(), position);
    let (mut had_gap, mut started, mut away) = (false, false, false);
    loop {
        let followed = match follower.next().await {
            Ok(Some(followed)) => followed,
            Ok(None) => return Err(no_tenant(args.tenant.as_ref())),
            Err(fault) if !started || args.once => return Err(fault.into()),
            Err(fault) => {
                // A database that restarts, or is being restored: nothing is lost by waiting.
                if !std::mem::replace(&mut away, true) {
                    tracing::warn!(error = %fault, "Cannot read the audit log; trying again every second");
                }
                tokio::time::sleep(INTERVAL).await;
                continue;
            }
        };
        if std::mem::take(&mut away) {
            tracing::info!("The audit log can be read again");
        }
        started = true;
        had_gap |= followed.gap.is_some();
        if print(&followed, file.as_mut())? == Printed::Closed || (args.once && !followed.more) {
            break;
        }
        if !followed.more {
            tokio::time::sleep(INTERVAL).await;
        }
    }
    if had_gap { Err(CommandError::Exit(GAP)) } else { Ok(()) }
}

fn no_tenant(tenant: Option<&TenantId>) -> CommandError {
    let tenant = tenant.map(ToString::to_string).unwrap_or_default();
    CommandError::Other(format!("tenant {tenant} does not exist"))
}

/// Prints events, then stores the position after those that were written.
fn print(followed: &Followed, file: Option<&mut PositionFile>) -> Result<Printed, CommandError> {
    let mut written = None;
    let printed = print_lines(followed, &mut written);
    let position = match &printed {
        Ok(Printed::All) => Some(followed.position),
        _ => written,
    };
    if let (Some(file), Some(position)) = (file, position) {
        file.store(position).map_err(CommandError::Other)?;
    }
    printed.map_err(|error| CommandError::Other(format!("cannot write to standard output: {error}")))
}

/// `written`: the position after the last event that was written.
fn print_lines(followed: &Followed, written: &mut Option<Position>) -> std::io::Result<Printed> {
    let mut out = std::io::stdout().lock();
    let mut write = |line: &str| match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => Ok(Printed::All),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Printed::Closed),
        Err(error) => Err(error),
    };
    if let Some(gap) = followed.gap {
        warn(gap);
        if write(&gap_line(gap))? == Printed::Closed {
            return Ok(Printed::Closed);
        }
    }
    for (position, event) in &followed.events {
        let line = serde_json::to_string(event).map_err(std::io::Error::from)?;
        if write(&line)? == Printed::Closed {
            return Ok(Printed::Closed);
        }
        *written = Some(*position);
    }
    Ok(Printed::All)
}

fn gap_line(gap: Gap) -> String {
    let reason = match gap.reason {
        GapReason::Deleted => "deleted",
        GapReason::Restored => "restored",
    };
    json!({ "gap": { "after": gap.after, "until": gap.until, "reason": reason } }).to_string()
}

fn warn(gap: Gap) {
    let Gap { after, until, reason } = gap;
    match reason {
        GapReason::Deleted => eprintln!("WARNING: events after {after}, up to {until}, were deleted before they were followed."),
        GapReason::Restored => {
            eprintln!("WARNING: the database was restored to an earlier state; the numbers after {after}, up to {until}, are given again.");
        }
    }
}
