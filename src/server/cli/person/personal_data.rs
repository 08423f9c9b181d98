//! `tms-portal person export|erase`: what is stored about a person.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{PersonOutcome, PersonSelector};
use crate::domain::audit_log::record::RecordFields;
use crate::domain::ids::UserId;
use crate::server::cli::out;
use crate::server::service::admin::personal_data::Section;
use crate::server::service::auth::people::PersonRefused;
use crate::server::service::{Error, Fault, Services, TenantAdmin};

/// Standard output as a file name.
const STDOUT: &str = "-";

#[derive(clap::Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub person: PersonSelector,
    /// A new file, readable by its owner only; - is standard output
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 erased; 11 without --yes; 1 failed; 2 wrong usage or settings.")]
pub struct EraseArgs {
    #[command(flatten)]
    pub person: PersonSelector,
    /// Erase; without it, only report what would be removed
    #[arg(long)]
    yes: bool,
}

async fn sections(services: &Services, operator: &TenantAdmin, user: &UserId) -> Result<Vec<Section>, Error<PersonRefused>> {
    services.personal_data(operator, user).await?.ok_or(Error::Refused(PersonRefused::NoPerson))
}

/// Writes what is stored about a person as one JSON object, whose last member has their audit events.
pub async fn export(services: &Services, operator: &TenantAdmin, args: &ExportArgs) -> Result<PersonOutcome<'static>, Error<PersonRefused>> {
    let user = &args.person.user;
    let mut head = json!({ "tenant": operator.tenant_id(), "person": user, "exported_at": services.now().to_rfc3339() });
    for Section { name, rows } in sections(services, operator, user).await? {
        if let Value::Object(members) = &mut head {
            members.insert(name.to_owned(), rows.into());
        }
    }
    if args.to == Path::new(STDOUT) {
        return match write(services, operator, user, &head, &mut io::stdout().lock()).await {
            Err(WriteError::Output(error)) if error.kind() != ErrorKind::BrokenPipe => Err(Fault::new(error).into()),
            Err(WriteError::Database(fault)) => Err(fault.into()),
            _ => Ok(PersonOutcome::Printed),
        };
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&args.to).map_err(|error| unwritten(&args.to, &error))?;
    let written = write(services, operator, user, &head, &mut file).await.and_then(|()| Ok(file.sync_all()?));
    if let Err(error) = written {
        // The first error is reported.
        let _ = fs::remove_file(&args.to);
        return Err(match error {
            WriteError::Output(error) => unwritten(&args.to, &error),
            WriteError::Database(fault) => fault.into(),
        });
    }
    Ok(PersonOutcome::Message(format!("What is stored about {user} is in {}.", args.to.display())))
}

fn unwritten(file: &Path, error: &io::Error) -> Error<PersonRefused> {
    let advice = out::advice_on_new_file(error);
    Error::Internal(Fault::new(io::Error::new(error.kind(), format!("--to {}: {error}{advice}", file.display()))))
}

enum WriteError {
    Output(io::Error),
    Database(Fault),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<Fault> for WriteError {
    fn from(fault: Fault) -> Self {
        Self::Database(fault)
    }
}

async fn write(services: &Services, operator: &TenantAdmin, user: &UserId, head: &Value, out: &mut impl Write) -> Result<(), WriteError> {
    let head = head.to_string();
    write!(out, "{},\"activity\":[", head.strip_suffix('}').unwrap_or(&head))?;
    let (scope, end) = (operator.audit_log_of(user), services.last_audit_event().await?);
    let (mut after, mut separator) = (0, "\n");
    loop {
        let events = services.export_audit_events(&scope, after, end).await?;
        let Some(last) = events.last() else { break };
        after = last.row_id;
        for event in events {
            write!(out, "{separator}{}", serde_json::to_string(&RecordFields::from(event)).map_err(io::Error::from)?)?;
            separator = ",\n";
        }
    }
    out.write_all(b"\n]}\n")?;
    Ok(out.flush()?)
}

/// Erases a person, or says what would be removed.
pub async fn erase(services: &Services, operator: &TenantAdmin, args: &EraseArgs) -> Result<PersonOutcome<'static>, Error<PersonRefused>> {
    let user = &args.person.user;
    if !args.yes {
        let mut said = format!("This would remove {user} from tenant {}:", operator.tenant_id());
        for Section { name, rows } in sections(services, operator, user).await?.iter().filter(|section| !section.rows.is_empty()) {
            said += &format!("\n  {:6}  {}", rows.len(), name.replace('_', " "));
        }
        said += "\nTheir audit events would stay, with a pseudonym instead of the name. Nothing was changed: add --yes to erase.";
        return Ok(PersonOutcome::NotConfirmed(said));
    }
    let erased = services.erase_person(operator, user).await?;
    Ok(PersonOutcome::Message(format!(
        "{user} has been erased: {} rows were removed, and {} in {} audit events stands for the name.\nBackups, archives of the audit log and systems that follow it still have it; hosts may use a \
         cached key for up to 5 minutes.",
        erased.rows, erased.pseudonym, erased.events
    )))
}
