//! Polling for the token. Tapis' device grant differs from RFC 8628: no interval, no `slow_down`, no denial; a message means "not
//! yet". So this program sets the pace and stops when the code expires.

use tokio::time::{sleep, timeout};

use crate::cli::device_flow::{EXPIRY_GRACE, next_backoff};
use crate::cli::spinner::Spinner;

use super::api::{PollResult, TapisApi, TapisDeviceCode};
use super::credentials::TapisToken;
use super::error::TapisError;

/// Polls until the user has entered the code or it has expired; less often during outages.
pub async fn poll_for_token(tapis: &TapisApi, client_id: &str, code: &TapisDeviceCode, spinner: &Spinner<'_>) -> Result<TapisToken, TapisError> {
    match timeout(spinner.time_left() + EXPIRY_GRACE, poll_until_token(tapis, client_id, code, spinner)).await {
        Ok(outcome) => outcome,
        Err(_elapsed) => Err(TapisError::CodeExpired),
    }
}

async fn poll_until_token(tapis: &TapisApi, client_id: &str, code: &TapisDeviceCode, spinner: &Spinner<'_>) -> Result<TapisToken, TapisError> {
    let mut pause = code.interval;
    loop {
        // The code cannot be entered before the user has read it.
        sleep(pause.min(spinner.time_left())).await;
        let is_over = spinner.time_left().is_zero();
        match tapis.poll_for_token(client_id, &code.device_code).await {
            Ok(Ok(PollResult::Token(token))) => return Ok(token),
            Ok(Err(error)) => return Err(error),
            Ok(Ok(PollResult::Pending)) if is_over => return Err(TapisError::CodeExpired),
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
