//! `tms tapis login`

use clap::Args;
use serde_json::json;

use crate::cli::earlier::Earlier;
use crate::cli::failure::Failure;
use crate::cli::invitation::Invitation;
use crate::cli::logout::how_long;
use crate::cli::moments::now;
use crate::cli::output::Output;
use crate::cli::target::{Place, given};
use crate::cli::waiting::Waiting;
use crate::domain::time::Timestamp;

use super::api::{Code, TapisApi};
use super::claims::Claims;
use super::device_flow::wait_for_token;
use super::failure::TapisFailure;
use super::sign_ins::{SignIns, Token};

/// What `tms tapis login` takes besides the tenant.
#[derive(Args)]
pub struct Login {
    /// The ID of a client registered with the tenant [default: that of the last sign-in there]
    #[arg(long, env = "TAPIS_CLIENT_ID", value_name = "ID")]
    client_id: Option<String>,

    /// Do not draw a QR code
    #[arg(long)]
    no_qr: bool,
}

/// Shows a code, waits until it is entered in the browser, and keeps the token instead of an earlier one, which it ends.
pub async fn login(login: &Login, base_url: Option<&str>, place: &Place, output: &Output) -> Result<(), Failure> {
    let mut sign_ins = SignIns::load_to_sign_in(output)?;
    let server = sign_ins.choose(base_url, place)?;
    let remembered = sign_ins.find(&server).map(|sign_in| sign_in.client_id.as_str());
    let client_id = given(login.client_id.as_deref()).or(remembered).ok_or_else(|| TapisFailure::NoClientId(server.clone()))?.to_owned();
    sign_ins.check_writable()?;
    let tapis = TapisApi::new(server, place)?;

    let code = tapis.ask_for_code(&client_id).await?;
    let invitation = invitation(&code);
    invitation.announce(code.lifetime, code.interval, output);
    invitation.show(!login.no_qr, output);
    output.note(&format!("{}\n", how_to_read(invitation.user_code.as_str())));
    let token = {
        let waiting = Waiting::begin(code.lifetime, output);
        wait_for_token(&tapis, &client_id, &code, &waiting).await?
    };

    // No waiting between the token and this: Ctrl-C cannot lose it half way.
    let replaced = sign_ins.remember(&tapis.server, &client_id, &token)?;
    let earlier = if sign_ins.begun_anew() { Earlier::Unknown } else { Earlier::None };
    let earlier = end_all(&tapis, replaced, earlier, output).await;
    report(&tapis, &client_id, &token, earlier, output).await;
    Ok(())
}

/// Ends tokens that are kept no longer. Tapis does not take back what has ended by itself.
async fn end_all(tapis: &TapisApi, tokens: Vec<Token>, mut earlier: Earlier, output: &Output) -> Earlier {
    let now = now();
    for token in tokens.into_iter().filter(|token| token.expires_at.is_none_or(|end| now < end)) {
        let still_valid = format!("It stays valid {}; any copy of its token still works.", how_long(token.expires_at));
        earlier = earlier.and(tapis.revoke(&token.secret).await, &still_valid, output);
    }
    earlier
}

fn invitation(code: &Code) -> Invitation {
    Invitation { user_code: code.user_code.clone(), verification_uri: code.verification_uri.clone(), verification_uri_complete: None }
}

/// Tapis' codes mix capital and small letters, and some of those look alike.
fn how_to_read(user_code: &str) -> String {
    let alike = [('I', "I is a capital i"), ('l', "l is a small L"), ('O', "O is a capital o"), ('0', "0 is a zero"), ('1', "1 is a one")];
    let present = alike.into_iter().filter(|(letter, _)| user_code.contains(*letter)).map(|(_, words)| words);
    let words: Vec<&str> = std::iter::once("Upper and lower case matter").chain(present).collect();
    format!("{}.", words.join("; "))
}

/// Says who is signed in. The token is kept already, so a Tapis that cannot say changes nothing.
async fn report(tapis: &TapisApi, client_id: &str, token: &Token, earlier: Earlier, output: &Output) {
    let username = tapis.user_info(&token.secret).await.ok().map(|user| user.username);
    let words = match &username {
        Some(username) => format!("Signed in to {} as {username}.", tapis.server),
        None => format!("Signed in to {}.", tapis.server),
    };
    let object = json!({
        "event": "signed_in",
        "base_url": tapis.server.as_str(),
        "tenant": Claims::of(&token.secret).tenant,
        "username": username,
        "client_id": client_id,
        "expires_at": token.expires_at.map(Timestamp::to_rfc3339),
        "earlier_sign_in": earlier.word(),
    });
    if earlier == Earlier::Ended {
        output.note("Your earlier sign-in there on this machine was revoked.");
    }
    output.result(&words, &object);
    // It does so when the code is entered, before anybody has pressed "Connect".
    output.note("If the page in the browser still asks for something, close it: the sign-in is complete.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_look_alike_are_named() {
        assert_eq!(how_to_read("abCdEfgh"), "Upper and lower case matter.");
        assert_eq!(how_to_read("oMbhbSly"), "Upper and lower case matter; l is a small L.");
        assert_eq!(how_to_read("IlOabcde"), "Upper and lower case matter; I is a capital i; l is a small L; O is a capital o.");
    }
}
