//! `tms whoami`

use serde_json::json;

use super::failure::Failure;
use super::moments::{in_words, left_in_words, now};
use super::output::Output;
use super::signed_in::SignedIn;
use super::target::{Place, Target};
use crate::wire::Me;

/// Asks the server whose token this is: only it knows whether the sign-in still holds.
pub async fn whoami(place: &Place, output: &Output) -> Result<(), Failure> {
    let SignedIn { server, token } = SignedIn::load(place, output)?;
    let me = server.me(&token).await?;

    let mut object = json!(me);
    if let Some(members) = object.as_object_mut() {
        members.insert("server".to_owned(), json!(server.target.server.as_str()));
    }
    output.result(&words(&me, &server.target), &object);
    Ok(())
}

fn words(me: &Me, target: &Target) -> String {
    let expires = match left_in_words(&me.expires_at, now()) {
        Some(left) => format!("{} ({left})", in_words(&me.expires_at)),
        None => in_words(&me.expires_at),
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
