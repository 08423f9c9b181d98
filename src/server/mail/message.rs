//! The text of an e-mail. It contains no secrets and no codes; lettre encodes all headers.

use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::address::AddressError;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use thiserror::Error;

use crate::domain::notification::{Notification, NotificationKind};
use crate::domain::time::{Timestamp, Zone};
use crate::i18n::Translations;
use crate::server::service::notifications::ClaimedMail;

/// Why a message cannot be composed.
#[derive(Debug, Error)]
pub enum ComposeError {
    #[error("the person has no address")]
    MissingAddress,
    #[error("there are no notifications")]
    Empty,
    #[error("the address is not valid: {0}")]
    Address(#[from] AddressError),
    #[error("{0}")]
    Message(#[from] lettre::error::Error),
}

pub fn compose(mail: &ClaimedMail, sender: &Mailbox, public_url: &str, now: Timestamp, words: Translations) -> Result<Message, ComposeError> {
    let address = mail.address.as_ref().ok_or(ComposeError::MissingAddress)?;
    let newest = mail.notifications.first().ok_or(ComposeError::Empty)?;
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    let message = Message::builder()
        .from(sender.clone())
        .to(Mailbox::new(None, address.as_str().parse()?))
        .subject(words.mail_subject(&mail.notifications, &mail.tenant_name))
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
        // The same if it is sent again.
        .message_id(Some(format!("<notification-{}@{}>", newest.id, sender.email.domain())))
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("Content-Language", words.tag()))
        .header(ContentType::TEXT_PLAIN)
        .body(text(mail, public_url, words))?;
    Ok(message)
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn text(mail: &ClaimedMail, public_url: &str, words: Translations) -> String {
    let events: String = mail.notifications.iter().map(|about| paragraph(about, public_url, words)).collect();
    let (greeting, lead) = (words.mail_greeting(mail.display_name.as_str()), words.mail_lead(mail.user_id.as_str(), mail.tenant_name.as_str()));
    format!("{greeting}\n\n{lead}\n\n{events}{}\n\n{}\n{public_url}\n", words.mail_outro(public_url), mail.tenant_name)
}

/// One notification: when, what, and where to act if another person did it.
fn paragraph(about: &Notification, public_url: &str, words: Translations) -> String {
    let at = words.format_time(about.at, &Zone::UTC);
    let from = about.from.as_deref().filter(|_| about.kind != NotificationKind::NewNetwork);
    let from = from.map_or_else(String::new, |from| format!(" ({})", words.mail_from_address(from)));
    format!("{at}{from}\n{}\n{} {public_url}{}\n\n", words.notification(about), words.mail_not_me(), about.not_me_url())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{TenantId, UserId};
    use crate::domain::mail::EmailAddress;
    use crate::i18n::Languages;

    fn mail(tenant_name: &str, display_name: &str, client_name: &str) -> ClaimedMail {
        let about = Notification {
            id: 7,
            kind: NotificationKind::ApplicationAllowed,
            at: Timestamp::from_millis(1_795_176_000_000),
            client_id: Some("app".into()),
            client_name: Some(client_name.into()),
            has_access: true,
            subject: None,
            from: Some("192.0.2.1".into()),
        };
        ClaimedMail {
            tenant_id: TenantId::parse("test").expect("a tenant"),
            tenant_name: tenant_name.into(),
            user_id: UserId::parse("jdoe").expect("a person"),
            display_name: display_name.into(),
            address: EmailAddress::parse("jdoe@example.org").ok(),
            language: None,
            notifications: vec![about],
            rows: Vec::new(),
        }
    }

    fn composed(mail: &ClaimedMail) -> String {
        let sender = "Portal <tms@example.org>".parse().expect("a sender");
        let words = Languages::built_in().choose(None, None);
        let message = compose(mail, &sender, "https://tms.example.org", Timestamp::from_millis(1_795_176_000_000), words).expect("a message");
        String::from_utf8(message.formatted()).expect("ASCII")
    }

    #[test]
    fn message_has_headers_and_a_link_to_act() {
        let text = composed(&mail("Test", "Jane", "Gateway"));
        for part in [
            "From: Portal <tms@example.org>\r\n",
            "To: jdoe@example.org\r\n",
            "Date: Fri, 20 Nov 2026 12:00:00 +0000\r\n",
            "Message-ID: <notification-7@example.org>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Language: en\r\n",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let plain = text.replace("=\r\n", "").replace("=3D", "=");
        assert!(plain.contains("https://tms.example.org/apps/revoke?client=app"), "{text}");
    }

    #[test]
    fn names_cannot_add_headers() {
        let text = composed(&mail("Test\r\nBcc: x@example.org", "Jane\r\nBcc: x@example.org", "App\r\n.\r\nBcc: x@example.org"));
        let (headers, _) = text.split_once("\r\n\r\n").expect("headers and a body");
        assert!(!headers.lines().any(|line| line.starts_with("Bcc")), "{headers}");
    }
}
