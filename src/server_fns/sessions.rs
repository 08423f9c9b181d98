//! The person's browser sessions.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// A browser session, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionItem {
    pub id: String,
    /// `Firefox on Linux`, as far as the browser says.
    pub browser: String,
    pub from: Option<String>,
    pub signed_in_at: Timestamp,
    pub last_seen: Timestamp,
    /// The one this page is read in.
    pub current: bool,
}

#[server(prefix = "/api", endpoint = "sessions/list")]
pub async fn list_sessions() -> Result<Vec<SessionItem>, ServerFnError> {
    use crate::server::context::{self, ListedSession, user_agent};
    let services = context::services()?;
    let person = context::signed_in()?;
    let sessions = services.list_sessions(&person).await.map_err(context::fault)?;
    let item = |session: ListedSession| SessionItem {
        browser: user_agent::in_words(&session.agent),
        from: session.from,
        signed_in_at: session.signed_in_at,
        last_seen: session.last_seen_at,
        current: session.id == *person.visit().session_id(),
        id: session.id.to_string(),
    };
    Ok(sessions.into_iter().map(item).collect())
}

#[server(prefix = "/api", endpoint = "sessions/end")]
pub async fn end_session(session: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::SessionId;
    use crate::server::context::{self, Notice, Place};
    let (services, person) = (context::services()?, context::signed_in()?);
    let ended = match SessionId::parse(session) {
        Ok(id) => services.end_session(&person, &id).await.map_err(context::fault)?,
        Err(_) => false,
    };
    let sentence = if ended { "The session has been ended." } else { "That session had ended already." };
    context::caller()?.session.set_notice(&Notice::new(Place::Said, sentence)).await.map_err(context::fault)?;
    context::see_other(crate::domain::paths::SESSIONS);
    Ok(())
}

#[server(prefix = "/api", endpoint = "sessions/end-others")]
pub async fn end_other_sessions() -> Result<(), ServerFnError> {
    use crate::server::context::{self, Notice, Place};
    let ended = context::services()?.end_other_sessions(&context::signed_in()?).await.map_err(context::fault)?;
    let sentence = match ended {
        0 => "There were no other sessions.".to_owned(),
        1 => "One other session has been ended.".to_owned(),
        n => format!("{n} other sessions have been ended."),
    };
    context::caller()?.session.set_notice(&Notice::new(Place::Said, sentence)).await.map_err(context::fault)?;
    context::see_other(crate::domain::paths::SESSIONS);
    Ok(())
}
