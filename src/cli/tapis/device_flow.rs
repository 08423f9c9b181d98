//! The wait for the person. Tapis' device grant is not RFC 8628's: no interval, no `slow_down`, no denial; a sentence means
//! "not yet". So the pace is ours, and the end is the code's.

use tokio::time::{sleep, timeout};

use crate::cli::device_flow::{LAST_QUESTION, longer};
use crate::cli::failure::Failure;
use crate::cli::waiting::Waiting;

use super::api::{Code, TapisApi, Word};
use super::failure::TapisFailure;
use super::sign_ins::Token;

/// Asks until the person has entered the code or it has expired, less often while there is no answer.
pub async fn wait_for_token(tapis: &TapisApi, client_id: &str, code: &Code, waiting: &Waiting<'_>) -> Result<Token, Failure> {
    match timeout(waiting.time_left() + LAST_QUESTION, ask_until_entered(tapis, client_id, code, waiting)).await {
        Ok(outcome) => outcome,
        Err(_elapsed) => Err(TapisFailure::CodeExpired.into()),
    }
}

async fn ask_until_entered(tapis: &TapisApi, client_id: &str, code: &Code, waiting: &Waiting<'_>) -> Result<Token, Failure> {
    let mut pause = code.interval;
    loop {
        // Nobody has entered the code before they have read it.
        sleep(pause.min(waiting.time_left())).await;
        let is_over = waiting.time_left().is_zero();
        match tapis.ask_for_token(client_id, &code.device_code).await {
            Ok(Ok(Word::Token(token))) => return Ok(token),
            Ok(Err(failure)) => return Err(failure),
            Ok(Ok(Word::NotYet)) if is_over => return Err(TapisFailure::CodeExpired.into()),
            Ok(Ok(Word::NotYet)) => {
                waiting.trouble_is_over();
                pause = code.interval;
            }
            Err(trouble) if is_over => return Err(tapis.no_answer(trouble)),
            Err(trouble) => {
                waiting.trouble(&trouble);
                pause = longer(pause, code.interval).max(trouble.retry_after().unwrap_or_default());
            }
        }
    }
}
