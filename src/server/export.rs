//! What people and administrators take with them: the record as a file. Read a piece at a time, so that a long one costs no
//! memory.

use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, TryStreamExt};
use serde::Serialize;
use serde_json::json;

use super::caller::Caller;
use super::guard::trouble::Trouble;
use super::preferences;
use super::service::record::Readable;
use super::service::{Fault, Services};
use super::state::AppState;
use crate::domain::activity::Happened;
use crate::domain::listing::Wanted;
use crate::domain::paths;
use crate::domain::time::Zone;

/// The zone that was chosen for the browser that asks; else UTC.
struct InZone(Zone);

impl<S: Sync> FromRequestParts<S> for InZone {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(preferences::zone(&parts.headers).unwrap_or(Zone::UTC)))
    }
}

/// The guard lets only those in whose data they are.
pub fn router() -> Router<AppState> {
    Router::new()
        .route(paths::ACTIVITY_JSON, get(own_json))
        .route(paths::ACTIVITY_CSV, get(own_csv))
        .route(paths::ADMIN_ACTIVITY_JSON, get(tenants_json))
        .route(paths::ADMIN_ACTIVITY_CSV, get(tenants_csv))
}

/// A line of the record, in a file.
#[derive(Serialize)]
struct Exported {
    /// RFC 3339, in UTC.
    at: String,
    kind: String,
    person: Option<String>,
    client: Option<String>,
    subject: Option<String>,
    administrator: Option<String>,
    from: Option<String>,
    /// The same time in the zone that was chosen for this browser.
    local_time: String,
    time_zone: String,
}

impl Exported {
    fn new(line: Happened, zone: &Zone) -> Self {
        Self {
            local_time: line.at.to_rfc3339_in(zone),
            time_zone: zone.name().to_owned(),
            at: line.at.to_rfc3339(),
            kind: line.kind,
            person: line.person,
            client: line.client_id,
            subject: line.subject,
            administrator: line.admin,
            from: line.from,
        }
    }
}

async fn own_json(State(services): State<Services>, caller: Caller, InZone(zone): InZone) -> Result<Response, Trouble> {
    let Some(person) = &caller.signed_in else { return Ok(StatusCode::UNAUTHORIZED.into_response()) };
    let accounts = services.list_host_accounts(person).await?;
    let accounts: Vec<_> = accounts
        .iter()
        .map(|account| {
            let (linked, expires) = (account.linked_at.to_rfc3339(), account.expires_at.to_rfc3339());
            json!({ "host": account.host, "account": account.account, "linked_at": linked, "expires_at": expires })
        })
        .collect();
    let mut keys = Vec::new();
    let mut wanted = Wanted::default();
    loop {
        let piece = services.list_my_keys(person, &wanted).await?;
        keys.extend(piece.items.iter().map(|key| {
            json!({ "host": key.host, "account": key.account, "fingerprint": key.fingerprint, "public_key": key.public_key, "label": key.label,
                    "client": key.client_id, "created_at": key.created_at.to_rfc3339(), "expires_at": key.expires_at.to_rfc3339(),
                    "last_used_at": key.last_used_at.map(|at| at.to_rfc3339()) })
        }));
        let Some(next) = piece.next else { break };
        wanted.after = Some(next);
    }
    let head =
        json!({ "tenant": person.tenant_id(), "user": person.user_id(), "name": person.display_name(), "host_accounts": accounts, "keys": keys });
    Ok(as_json(services, person.own_record(), head.to_string(), zone))
}

async fn own_csv(State(services): State<Services>, caller: Caller, InZone(zone): InZone) -> Response {
    caller.signed_in.as_ref().map_or_else(|| StatusCode::UNAUTHORIZED.into_response(), |person| as_csv(services, person.own_record(), zone))
}

async fn tenants_json(State(services): State<Services>, caller: Caller, InZone(zone): InZone) -> Response {
    let admin = caller.signed_in.as_ref().and_then(|person| services.administer(person).ok());
    let Some(admin) = admin else { return StatusCode::FORBIDDEN.into_response() };
    let head = json!({ "tenant": admin.tenant_id() }).to_string();
    as_json(services, admin.tenants_record(), head, zone)
}

async fn tenants_csv(State(services): State<Services>, caller: Caller, InZone(zone): InZone) -> Response {
    let admin = caller.signed_in.as_ref().and_then(|person| services.administer(person).ok());
    admin.map_or_else(|| StatusCode::FORBIDDEN.into_response(), |admin| as_csv(services, admin.tenants_record(), zone))
}

/// `head` is an object; the record becomes its last member.
fn as_json(services: Services, record: Readable, head: String, zone: Zone) -> Response {
    let head = format!("{},\"activity\":[", head.strip_suffix('}').unwrap_or(&head));
    let line = move |line: Happened, first: bool| {
        let comma = if first { "\n" } else { ",\n" };
        Ok(format!("{comma}{}", serde_json::to_string(&Exported::new(line, &zone)).map_err(Fault::new)?).into_bytes())
    };
    file("application/json", "tms-activity.json", services, record, head.into_bytes(), line, b"\n]}\n")
}

fn as_csv(services: Services, record: Readable, zone: Zone) -> Response {
    let head = b"at,kind,person,client,subject,administrator,from,local_time,time_zone\r\n".to_vec();
    let line = move |line: Happened, _first: bool| {
        let line = Exported::new(line, &zone);
        let (local, zone) = (Some(line.local_time), Some(line.time_zone));
        let cells = [Some(line.at), Some(line.kind), line.person, line.client, line.subject, line.administrator, line.from, local, zone];
        let mut row = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        row.write_record(cells.map(|cell| harmless(cell.unwrap_or_default()))).map_err(Fault::new)?;
        row.into_inner().map_err(|error| Fault::new(error.into_error()))
    };
    file("text/csv; charset=utf-8", "tms-activity.csv", services, record, head, line, b"")
}

/// A spreadsheet would calculate what begins like a formula.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

/// How far an export has come.
enum Step {
    Head,
    /// Behind the line with that number, up to the one with the other.
    Behind(i64, i64),
    Done,
}

fn file<F>(kind: &'static str, name: &'static str, services: Services, record: Readable, head: Vec<u8>, line: F, tail: &'static [u8]) -> Response
where
    F: Fn(Happened, bool) -> Result<Vec<u8>, Fault> + Clone + Send + 'static,
{
    let pieces = stream::try_unfold(Step::Head, move |step| {
        let (services, record, head, line) = (services.clone(), record.clone(), head.clone(), line.clone());
        async move {
            let (behind, end) = match step {
                Step::Head => return Ok(Some((head, Step::Behind(0, services.record_end().await?)))),
                Step::Behind(number, end) => (number, end),
                Step::Done => return Ok(None),
            };
            let lines = services.export_record(&record, behind, end).await?;
            let Some(last) = lines.last().map(|line| line.number) else { return Ok(Some((tail.to_vec(), Step::Done))) };
            let mut piece = Vec::new();
            for (n, happened) in lines.into_iter().enumerate() {
                piece.extend(line(happened, behind == 0 && n == 0)?);
            }
            Ok::<_, Fault>(Some((piece, Step::Behind(last, end))))
        }
    });
    let pieces = pieces.map_ok(Bytes::from).inspect_err(|fault| tracing::error!(error = %fault, "An export broke off"));
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))];
    (headers, Body::from_stream(pieces)).into_response()
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(harmless("=HYPERLINK(1)".into()), "'=HYPERLINK(1)");
        assert_eq!(harmless("SHA256:abc".into()), "SHA256:abc");
    }
}
