//! `tms whoami`

use serde_json::json;

use super::output::Output;
use super::server_session::{ServerSession, SessionError};
use super::target::{Target, TargetArgs};
use super::time_format::{format_time, format_time_left, now};
use crate::wire::Me;

/// Asks the server for the owner of the token: only the server knows whether the sign-in is still valid.
pub async fn run(target_args: &TargetArgs, output: &Output) -> Result<(), SessionError> {
    let ServerSession { server, token } = ServerSession::load(target_args, output)?;
    let me = server.me(&token).await?;

    let mut object = json!(me);
    if let Some(members) = object.as_object_mut() {
        members.insert("server".to_owned(), json!(server.target.server.as_str()));
    }
    output.result(&format_text(&me, &server.target), &object);
    Ok(())
}

fn format_text(me: &Me, target: &Target) -> String {
    let expires = match format_time_left(&me.expires_at, now()) {
        Some(left) => format!("{} ({left})", format_time(&me.expires_at)),
        None => format_time(&me.expires_at),
    };
    [
        me.tms_user_id.clone(),
        format!("  server   {}", target.server),
        format!("  tenant   {}", me.tenant),
        format!("  client   {}", me.client_id),
        format!("  scope    {}", me.scope),
        format!("  expires  {expires}"),
    ]
    .join("\n")
}
