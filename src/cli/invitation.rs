//! What the person has to do in the browser.

use super::output::Output;
use super::printable::Printable;
use super::qr_code;

/// A code, and where to enter it.
pub struct Invitation {
    pub user_code: Printable,
    pub verification_uri: Printable,
    pub verification_uri_complete: Option<Printable>,
}

impl Invitation {
    /// The QR code comes first: it may scroll away, the code must not.
    pub fn show(&self, no_qr: bool, output: &Output) {
        if let Some(drawing) = self.drawing(no_qr, output) {
            output.note(&format!("\n{drawing}"));
        }
        let (bold, plain) = if output.is_coloured() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        output.note("Open this page in any browser, on any machine:\n");
        output.note(&format!("    {bold}{}{plain}\n", self.verification_uri));
        output.note("and enter this code:\n");
        output.note(&format!("    {bold}{}{plain}\n", self.user_code));
    }

    fn drawing(&self, no_qr: bool, output: &Output) -> Option<String> {
        if no_qr || !output.is_watched() {
            return None;
        }
        let (_, columns) = console::Term::stderr().size_checked()?;
        let address = self.verification_uri_complete.as_ref().unwrap_or(&self.verification_uri);
        qr_code::draw(address.as_str(), usize::from(columns), output.is_coloured())
    }
}
