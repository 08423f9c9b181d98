//! Instructions for the user to approve the request in a browser.

use std::time::Duration;

use serde_json::json;

use super::output::Output;
use super::printable::Printable;
use super::qr_code;

/// The page to open and the code to enter there.
pub struct VerificationPrompt {
    pub user_code: Printable,
    pub verification_uri: Printable,
    /// The page with the code filled in, if the server provides it.
    pub verification_uri_complete: Option<Printable>,
}

impl VerificationPrompt {
    /// Prints the instructions as a JSON event.
    pub fn emit_event(&self, expires_in: Duration, interval: Duration, output: &Output) {
        let event = json!({
            "event": "code",
            "user_code": self.user_code,
            "verification_uri": self.verification_uri,
            "verification_uri_complete": self.verification_uri_complete,
            "expires_in": expires_in.as_secs(),
            "interval": interval.as_secs(),
        });
        output.event(&event);
    }

    /// The QR code is printed first: it may scroll away, the code must not.
    pub fn show(&self, with_qr_code: bool, output: &Output) {
        if let Some(drawing) = with_qr_code.then(|| self.draw_qr_code(output)).flatten() {
            output.note(&format!("\n{drawing}"));
        }
        let (bold, plain) = if output.uses_color() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        output.note("Open this page in any browser, on any machine:\n");
        output.note(&format!("    {bold}{}{plain}\n", self.verification_uri));
        output.note("and enter this code:\n");
        output.note(&format!("    {bold}{}{plain}\n", self.user_code));
    }

    fn draw_qr_code(&self, output: &Output) -> Option<String> {
        if !output.is_interactive() {
            return None;
        }
        let (_, columns) = console::Term::stderr().size_checked()?;
        let address = self.verification_uri_complete.as_ref().unwrap_or(&self.verification_uri);
        qr_code::draw(address.as_str(), usize::from(columns), output.uses_color())
    }
}
