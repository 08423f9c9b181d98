//! `tms tapis login`

use clap::Args;
use serde_json::json;

use crate::cli::output::Output;
use crate::cli::previous_sign_in::PreviousSignIn;
use crate::cli::spinner::Spinner;
use crate::cli::target::{TargetArgs, non_blank};
use crate::cli::time_format::{format_validity, now};
use crate::cli::verification_prompt::VerificationPrompt;
use crate::domain::time::Timestamp;

use super::api::{TapisApi, TapisDeviceCode};
use super::claims::UnverifiedClaims;
use super::credentials::{TapisCredentials, TapisToken};
use super::device_flow::poll_for_token;
use super::error::TapisError;

/// Arguments of `tms tapis login`.
#[derive(Args)]
pub struct TapisLoginArgs {
    /// The ID of a client registered with the tenant [default: that of the last sign-in there]
    #[arg(long, env = "TAPIS_CLIENT_ID", value_name = "ID")]
    client_id: Option<String>,

    /// Do not draw a QR code
    #[arg(long)]
    no_qr: bool,
}

/// Shows a code, waits until it is entered in the browser, stores the token and revokes the one that it replaces.
pub async fn run(login: &TapisLoginArgs, base_url: Option<&str>, target_args: &TargetArgs, output: &Output) -> Result<(), TapisError> {
    let mut sign_ins = TapisCredentials::load_for_sign_in(output)?;
    let server = sign_ins.resolve(base_url, target_args)?;
    let remembered = sign_ins.find(&server).map(|sign_in| sign_in.client_id.as_str());
    let client_id = non_blank(login.client_id.as_deref()).or(remembered).ok_or_else(|| TapisError::MissingClientId(server.clone()))?.to_owned();
    sign_ins.check_writable()?;
    let tapis = TapisApi::new(server, target_args)?;

    let code = tapis.request_device_code(&client_id).await?;
    let prompt = verification_prompt(&code);
    prompt.emit_event(code.lifetime, code.interval, output);
    prompt.show(!login.no_qr, output);
    output.note(&format!("{}\n", code_reading_hint(prompt.user_code.as_str())));
    let token = {
        let spinner = Spinner::start(code.lifetime, output);
        poll_for_token(&tapis, &client_id, &code, &spinner).await?
    };

    // No await between the token and this line: Ctrl-C cannot lose the token.
    let replaced = sign_ins.save(&tapis.server, &client_id, &token)?;
    let previous = if sign_ins.was_damaged() { PreviousSignIn::Unknown } else { PreviousSignIn::None };
    let previous = revoke_replaced(&tapis, replaced, previous, output).await;
    report(&tapis, &client_id, &token, previous, output).await;
    Ok(())
}

/// Revokes replaced tokens. Tapis refuses to revoke expired ones.
async fn revoke_replaced(tapis: &TapisApi, tokens: Vec<TapisToken>, mut previous: PreviousSignIn, output: &Output) -> PreviousSignIn {
    let now = now();
    for token in tokens.into_iter().filter(|token| token.expires_at.is_none_or(|end| now < end)) {
        let still_valid = format!("It stays valid {}; any copy of its token still works.", format_validity(token.expires_at));
        previous = previous.merge(tapis.revoke(&token.secret).await, &still_valid, output);
    }
    previous
}

fn verification_prompt(code: &TapisDeviceCode) -> VerificationPrompt {
    VerificationPrompt { user_code: code.user_code.clone(), verification_uri: code.verification_uri.clone(), verification_uri_complete: None }
}

/// Tapis' codes are case-sensitive, and some of their characters look alike.
fn code_reading_hint(user_code: &str) -> String {
    let alike = [('I', "I is a capital i"), ('l', "l is a small L"), ('O', "O is a capital o"), ('0', "0 is a zero"), ('1', "1 is a one")];
    let present = alike.into_iter().filter(|(letter, _)| user_code.contains(*letter)).map(|(_, words)| words);
    let words: Vec<&str> = std::iter::once("Upper and lower case matter").chain(present).collect();
    format!("{}.", words.join("; "))
}

/// Prints who is signed in. The token is already stored, so a failure of this request does not matter.
async fn report(tapis: &TapisApi, client_id: &str, token: &TapisToken, previous: PreviousSignIn, output: &Output) {
    let username = tapis.user_info(&token.secret).await.ok().map(|user| user.username);
    let words = match &username {
        Some(username) => format!("Signed in to {} as {username}.", tapis.server),
        None => format!("Signed in to {}.", tapis.server),
    };
    let object = json!({
        "event": "signed_in",
        "base_url": tapis.server.as_str(),
        "tenant": UnverifiedClaims::decode(&token.secret).tenant,
        "username": username,
        "client_id": client_id,
        "expires_at": token.expires_at.map(Timestamp::to_rfc3339),
        "earlier_sign_in": previous.json_value(),
    });
    if previous == PreviousSignIn::Revoked {
        output.note("Your earlier sign-in there on this machine was revoked.");
    }
    output.result(&words, &object);
    // Tapis issues the token when the code is entered, before "Connect" is pressed.
    output.note("If the page in the browser still asks for something, close it: the sign-in is complete.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_letters_are_named() {
        assert_eq!(code_reading_hint("abCdEfgh"), "Upper and lower case matter.");
        assert_eq!(code_reading_hint("oMbhbSly"), "Upper and lower case matter; l is a small L.");
        assert_eq!(code_reading_hint("IlOabcde"), "Upper and lower case matter; I is a capital i; l is a small L; O is a capital o.");
    }
}
