//! The wait for the person. Tapis' device grant is not RFC 8628's: no interval, no `slow_down`, no denial; a sentence means
//! "not yet". So the pace is ours, and the end is the code's.

use tokio::time::{sleep, timeout};

use crate::cli::device_flow::{EXPIRY_GRACE, next_backoff};
use crate::cli::failure::CliError;
use crate::cli::spinner::Spinner;

use super::api::{PollResult, TapisApi, TapisDeviceCode};
use super::credentials::TapisToken;
use super::error::TapisError;

/// Asks until the person has entered the code or it has expired, less often while there is no answer.
pub async fn poll_for_token(tapis: &TapisApi, client_id: &str, code: &TapisDeviceCode, spinner: &Spinner<'_>) -> Result<TapisToken, CliError> {
    match timeout(spinner.time_left() + EXPIRY_GRACE, poll_until_token(tapis, client_id, code, spinner)).await {
        Ok(outcome) => outcome,
        Err(_elapsed) => Err(TapisError::CodeExpired.into()),
    }
}

async fn poll_until_token(tapis: &TapisApi, client_id: &str, code: &TapisDeviceCode, spinner: &Spinner<'_>) -> Result<TapisToken, CliError> {
    let mut pause = code.interval;
    loop {
        // Nobody has entered the code before they have read it.
        sleep(pause.min(spinner.time_left())).await;
        let is_over = spinner.time_left().is_zero();
        match tapis.poll_for_token(client_id, &code.device_code).await {
            Ok(Ok(PollResult::Token(token))) => return Ok(token),
            Ok(Err(failure)) => return Err(failure),
            Ok(Ok(PollResult::Pending)) if is_over => return Err(TapisError::CodeExpired.into()),
            Ok(Ok(PollResult::Pending)) => {
                spinner.recovered();
                pause = code.interval;
            }
            Err(trouble) if is_over => return Err(tapis.transport_error(trouble)),
            Err(trouble) => {
                spinner.transient_error(&trouble);
                pause = next_backoff(pause, code.interval).max(trouble.retry_after().unwrap_or_default());
            }
        }
    }
}
