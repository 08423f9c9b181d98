//! The person's browser sessions.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// A browser session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionItem {
    pub id: String,
    /// `Firefox on Linux`, as far as the user agent tells.
    pub browser: String,
    pub from: Option<String>,
    /// The name of the provider through which the person signed in; `None`: with the local password.
    pub provider: Option<String>,
    /// The names of the applications that the person is signed in to, as long as this session lasts.
    pub clients: Vec<String>,
    pub signed_in_at: Timestamp,
    pub last_seen: Timestamp,
    /// Whether it is the session of this request.
    pub current: bool,
}

/// The person's sessions, this one first; the latest if there are many.
#[server(prefix = "/api", endpoint = "sessions/list")]
pub async fn list_sessions() -> Result<Vec<SessionItem>, ServerFnError> {
    use crate::server::context;
    let services = context::services()?;
    let person = context::signed_in()?;
    let sessions = services.list_sessions(&person).await.map_err(context::fault)?;
    Ok(sessions.into_iter().map(|session| SessionItem::new(session, Some(person.session().session_id()))).collect())
}

#[server(prefix = "/api", endpoint = "sessions/end")]
pub async fn end_session(session: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::SessionId;
    use crate::server::context;
    let (services, person) = (context::services()?, context::signed_in()?);
    let ended = match SessionId::parse(session) {
        Ok(id) => services.end_session(&person, &id).await.map_err(context::fault)?,
        Err(_) => false,
    };
    let t = context::translations();
    context::see_other(crate::domain::paths::SESSIONS);
    if ended { context::flash_success(t.sessions_ended()).await } else { context::flash_error(t.sessions_ended_already()).await }
}

#[server(prefix = "/api", endpoint = "sessions/end-others")]
pub async fn end_other_sessions() -> Result<(), ServerFnError> {
    use crate::i18n::to_count;
    use crate::server::context;
    let ended = context::services()?.end_other_sessions(&context::signed_in()?).await.map_err(context::fault)?;
    context::see_other(crate::domain::paths::SESSIONS);
    context::flash_success(context::translations().sessions_others_ended(to_count(ended))).await
}

#[cfg(feature = "ssr")]
impl SessionItem {
    /// The longest list.
    pub const SHOWN: i64 = crate::server::service::auth::browser_sessions::SESSIONS_SHOWN;

    /// `current`: the session of this request, if it can be in the list.
    pub(super) fn new(
        session: crate::server::service::auth::browser_sessions::SessionSummary,
        current: Option<&crate::domain::ids::SessionId>,
    ) -> Self {
        Self {
            browser: crate::server::context::format_browser(&session.agent),
            from: session.from,
            provider: session.provider,
            clients: session.clients,
            signed_in_at: session.signed_in_at,
            last_seen: session.last_seen_at,
            current: Some(&session.id) == current,
            id: session.id.to_string(),
        }
    }
}
