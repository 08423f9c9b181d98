//! Export of the audit log as a file, read page by page to limit memory.

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

use super::middleware::http_error::HttpError;
use super::preferences;
use super::request_context::RequestContext;
use super::service::audit_log::AuditLogScope;
use super::service::ssh_keys::my_keys::KeySummary;
use super::service::{Fault, Services};
use super::state::AppState;
use crate::domain::audit_log::AuditEntry;
use crate::domain::audit_log::record::RecordFields;
use crate::domain::pagination::ListParams;
use crate::domain::paths;
use crate::domain::ssh_key::search::KeyFilter;
use crate::domain::time::Zone;

/// The time zone chosen in the browser, or UTC.
struct DisplayZone(Zone);

impl<S: Sync> FromRequestParts<S> for DisplayZone {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(preferences::zone(&parts.headers).unwrap_or(Zone::UTC)))
    }
}

/// The routes; `require_sign_in` protects them.
pub fn router() -> Router<AppState> {
    Router::new()
        .route(paths::ACTIVITY_JSON, get(person_json))
        .route(paths::ACTIVITY_CSV, get(person_csv))
        .route(paths::ADMIN_ACTIVITY_JSON, get(tenant_json))
        .route(paths::ADMIN_ACTIVITY_CSV, get(tenant_csv))
}

/// An entry of the audit log in a file.
#[derive(Serialize)]
struct ExportRow {
    #[serde(flatten)]
    fields: RecordFields,
    /// The same time in the chosen time zone.
    local_time: String,
    time_zone: String,
}

impl ExportRow {
    fn new(line: AuditEntry, zone: &Zone) -> Self {
        Self { local_time: line.at.to_rfc3339_in(zone), time_zone: zone.name().to_owned(), fields: line.into() }
    }
}

async fn person_json(State(services): State<Services>, caller: RequestContext, DisplayZone(zone): DisplayZone) -> Result<Response, HttpError> {
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
    let mut params = ListParams { show: KeyFilter::All, ..ListParams::default() };
    loop {
        let page = services.list_my_keys(person, &params).await?;
        keys.extend(page.items.iter().map(|KeySummary { key, .. }| {
            json!({ "host": key.host, "account": key.account, "fingerprint": key.fingerprint, "public_key": key.public_key, "label": key.label,
                    "client": key.client_id, "created_at": key.created_at.to_rfc3339(), "expires_at": key.expires_at.to_rfc3339(),
                    "last_used_at": key.last_used_at.map(|at| at.to_rfc3339()) })
        }));
        let Some(next) = page.next else { break };
        params.after = Some(next);
    }
    let head =
        json!({ "tenant": person.tenant_id(), "user": person.user_id(), "name": person.display_name(), "host_accounts": accounts, "keys": keys });
    json_response(services, person.own_audit_log(), head.to_string(), zone).await
}

async fn person_csv(State(services): State<Services>, caller: RequestContext, DisplayZone(zone): DisplayZone) -> Result<Response, HttpError> {
    let Some(person) = &caller.signed_in else { return Ok(StatusCode::UNAUTHORIZED.into_response()) };
    csv_response(services, person.own_audit_log(), zone).await
}

async fn tenant_json(State(services): State<Services>, caller: RequestContext, DisplayZone(zone): DisplayZone) -> Result<Response, HttpError> {
    let admin = caller.signed_in.as_ref().and_then(|person| services.authorize_admin(person).ok());
    let Some(admin) = admin else { return Ok(StatusCode::FORBIDDEN.into_response()) };
    let head = json!({ "tenant": admin.tenant_id() }).to_string();
    json_response(services, admin.tenant_audit_log(), head, zone).await
}

async fn tenant_csv(State(services): State<Services>, caller: RequestContext, DisplayZone(zone): DisplayZone) -> Result<Response, HttpError> {
    let admin = caller.signed_in.as_ref().and_then(|person| services.authorize_admin(person).ok());
    let Some(admin) = admin else { return Ok(StatusCode::FORBIDDEN.into_response()) };
    csv_response(services, admin.tenant_audit_log(), zone).await
}

/// `head` is a JSON object; the entries become its last member.
async fn json_response(services: Services, record: AuditLogScope, head: String, zone: Zone) -> Result<Response, HttpError> {
    let head = format!("{},\"activity\":[", head.strip_suffix('}').unwrap_or(&head));
    let line = move |line: AuditEntry, first: bool| {
        let comma = if first { "\n" } else { ",\n" };
        Ok(format!("{comma}{}", serde_json::to_string(&ExportRow::new(line, &zone)).map_err(Fault::new)?).into_bytes())
    };
    stream_response("application/json", "tms-activity.json", services, record, head.into_bytes(), line, b"\n]}\n").await
}

async fn csv_response(services: Services, record: AuditLogScope, zone: Zone) -> Result<Response, HttpError> {
    let head = b"at,kind,person,client,subject,administrator,from,local_time,time_zone,host,account\r\n".to_vec();
    let line = move |line: AuditEntry, _first: bool| {
        let ExportRow { fields, local_time, time_zone } = ExportRow::new(line, &zone);
        let local = [Some(local_time), Some(time_zone), fields.host, fields.account];
        let event = [Some(fields.at), Some(fields.kind), fields.person, fields.client, fields.subject, fields.administrator, fields.from];
        let cells = event.into_iter().chain(local);
        let mut row = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        row.write_record(cells.map(|cell| escape_formula(cell.unwrap_or_default()))).map_err(Fault::new)?;
        row.into_inner().map_err(|error| Fault::new(error.into_error()))
    };
    stream_response("text/csv; charset=utf-8", "tms-activity.csv", services, record, head, line, b"").await
}

/// Spreadsheets evaluate cells that begin like a formula.
fn escape_formula(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

/// The first entries are read before the response begins, so that a fault has a status.
async fn stream_response<F>(
    kind: &'static str,
    name: &'static str,
    services: Services,
    record: AuditLogScope,
    head: Vec<u8>,
    line: F,
    tail: &'static [u8],
) -> Result<Response, HttpError>
where
    F: Fn(AuditEntry, bool) -> Result<Vec<u8>, Fault> + Clone + Send + 'static,
{
    let end = services.last_audit_event().await?;
    let first = services.export_audit_events(&record, 0, end).await?;
    // What precedes the next entries, and these; no entries: the end.
    let chunks = stream::try_unfold(Some((head, first)), move |step| {
        let (services, record, line) = (services.clone(), record.clone(), line.clone());
        async move {
            let Some((mut chunk, entries)) = step else { return Ok(None) };
            let Some(last) = entries.last().map(|entry| entry.row_id) else {
                chunk.extend_from_slice(tail);
                return Ok(Some((chunk, None)));
            };
            let is_first = !chunk.is_empty();
            for (n, entry) in entries.into_iter().enumerate() {
                chunk.extend(line(entry, is_first && n == 0)?);
            }
            let next = services.export_audit_events(&record, last, end).await?;
            Ok::<_, Fault>(Some((chunk, Some((Vec::new(), next)))))
        }
    });
    let chunks = chunks.map_ok(Bytes::from).inspect_err(|fault| tracing::error!(error = %fault, "An export broke off"));
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

#[cfg(test)]
mod tests {
    use super::escape_formula;

    #[test]
    fn cells_are_never_formulas() {
        assert_eq!(escape_formula("=HYPERLINK(1)".into()), "'=HYPERLINK(1)");
        assert_eq!(escape_formula("SHA256:abc".into()), "SHA256:abc");
    }
}
