//! `tms whoami`

use serde_json::json;

use super::credentials::Credentials;
use super::failure::Failure;
use super::moments::{in_words, left_in_words, now};
use super::output::Output;
use super::server_api::{Me, ServerApi};
use super::target::{Place, Target};

/// Asks the server whose token this is: only it knows whether the sign-in still holds.
pub async fn whoami(place: &Place, output: &Output) -> Result<(), Failure> {
    let credentials = Credentials::load(output)?;
    let target = Target::choose(place, credentials.current())?;
    let sign_in = credentials.find(&target).ok_or_else(|| Failure::NotSignedIn(target.clone()))?;
    let server = ServerApi::new(target.clone())?;
    let me = server.me(&sign_in.access_token).await?;

    let mut object = json!(me);
    if let Some(members) = object.as_object_mut() {
        members.insert("server".to_owned(), json!(target.server.as_str()));
    }
    output.result(&words(&me, &target), &object);
    Ok(())
}

fn words(me: &Me, target: &Target) -> String {
    let expires = match left_in_words(me.expires_at.as_str(), now()) {
        Some(left) => format!("{} ({left})", in_words(me.expires_at.as_str())),
        None => in_words(me.expires_at.as_str()),
    };
    [
        me.tms_user_id.to_string(),
        format!("  server   {}", target.server),
        format!("  tenant   {}", me.tenant),
        format!("  client   {}", me.client_id),
        format!("  scope    {}", me.scope),
        format!("  expires  {expires}"),
    ]
    .join("\n")
}
