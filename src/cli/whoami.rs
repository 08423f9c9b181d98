//! `tms whoami`

use serde_json::json;

use super::output::Output;
use super::server_session::{ServerSession, SessionError};
use super::target::{Target, TargetArgs};
use super::time_format::{format_time, format_time_left, now, parse_time};
use crate::domain::time::Timestamp;
use crate::wire::Me;

/// Asks the server for the owner of the token: only the server knows whether the sign-in is still valid.
pub async fn run(target_args: &TargetArgs, output: &Output) -> Result<(), SessionError> {
    let session = ServerSession::load(target_args, output)?;
    let server = &session.server;
    let mut me = session.send(async |token| server.me(token).await).await?;
    // Stored, it may be older: the user can change it.
    me.access_until = me.access_until.or_else(|| session.access_until().map(Timestamp::to_rfc3339));

    let mut object = json!(me);
    if let Some(members) = object.as_object_mut() {
        members.insert("server".to_owned(), json!(server.target.server.as_str()));
    }
    let renewed_until = session.is_renewable().then_some(me.access_until.as_deref());
    output.result(&format_text(&me, renewed_until, &server.target, now()), &object);
    Ok(())
}

/// `renewed_until` is the end of the authorization, as far as known, if the access token is renewed until then.
fn format_text(me: &Me, renewed_until: Option<Option<&str>>, target: &Target, now: Timestamp) -> String {
    let end = |time: &str| match format_time_left(time, now) {
        Some(left) => format!("{} ({left})", format_time(time)),
        None => format_time(time),
    };
    let token = || format!("  token    until {}, then renewed", end(&me.expires_at));
    let ends = match renewed_until {
        None => vec![format!("  expires  {}", end(&me.expires_at))],
        Some(None) => vec![token()],
        // Within the last hour the access token is not renewed again.
        Some(Some(until)) if parse_time(until) <= parse_time(&me.expires_at) => vec![format!("  expires  {}", end(until))],
        Some(Some(until)) => vec![format!("  expires  {}", end(until)), token()],
    };
    let lines = [
        me.tms_user_id.clone(),
        format!("  server   {}", target.server),
        format!("  tenant   {}", me.tenant),
        format!("  client   {}", me.client_id),
        format!("  scope    {}", me.scope),
    ];
    [&lines[..], &ends].concat().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dates_are_shown_unless_they_are_one() {
        let args = TargetArgs { server: Some("https://a.example".to_owned()), ..TargetArgs::default() };
        let target = Target::resolve(&args, None).unwrap();
        let me = Me {
            access_until: None,
            client_id: "tms-cli".to_owned(),
            expires_at: "2026-11-21T05:00:00+00:00".to_owned(),
            scope: "hosts:read".to_owned(),
            tenant: "lab".to_owned(),
            tms_user_id: "jdoe".to_owned(),
        };
        let now = Timestamp::from_millis(1_795_237_200_000 - 3_600_000);
        let ends = |renewed_until| {
            let text = format_text(&me, renewed_until, &target, now);
            text.lines().skip(5).map(|line| line.split_once(" (").map_or(line, |(line, _)| line).trim().to_owned()).collect::<Vec<_>>()
        };
        let (own, later) = (format_time(&me.expires_at), format_time("2026-12-20T05:00:00+00:00"));
        assert_eq!(ends(None), [format!("expires  {own}")]);
        assert_eq!(ends(Some(None)), [format!("token    until {own}")]);
        assert_eq!(ends(Some(Some("2026-12-20T05:00:00+00:00"))), [format!("expires  {later}"), format!("token    until {own}")]);
        assert_eq!(ends(Some(Some("2026-11-21T05:00:00+00:00"))), [format!("expires  {own}")]);
    }
}
