//! The SMTP client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use thiserror::Error;

use crate::domain::error_chain::causes;
use crate::server::service::notifications::MailOutcome;
use crate::server::service::platform::rng::Secret;

/// Time limit of one command.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(20);
/// Time limit of one message, less than a claim lasts.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(60);
/// The server closes the connection (RFC 5321 §3.8), or wants other credentials (RFC 4954 §6), which the operator can correct: all
/// messages are sent later.
const SERVER_CODES: [&str; 6] = ["421", "454", "530", "534", "535", "538"];

/// How the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// From the start (RFC 8314).
    Implicit,
    /// By STARTTLS (RFC 3207), which is required.
    StartTls,
    /// Not at all: only on this machine.
    None,
}

/// A password that is never printed.
#[derive(Clone)]
pub struct Password(Arc<Secret>);

impl Password {
    pub fn new(text: &str) -> Self {
        Self(Arc::new(Secret::from_plaintext(text)))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// The mail server and the sender of messages.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    pub login: Option<(String, Password)>,
    pub from: Mailbox,
    /// DER certificates of authorities to trust beside the public ones.
    pub root_certs: Vec<Vec<u8>>,
}

/// The settings cannot be used.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct SmtpUnusable(String);

/// A sender: `tms@example.org`, or `Trust Manager <tms@example.org>`.
pub fn parse_sender(text: &str) -> Result<Mailbox, SmtpUnusable> {
    text.parse().map_err(|_| SmtpUnusable(format!("{text:?} is not of the form address or NAME <address>")))
}

pub struct SmtpClient {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpClient {
    pub fn new(settings: &SmtpSettings) -> Result<Self, SmtpUnusable> {
        let unusable = |error: lettre::transport::smtp::Error| SmtpUnusable(error.to_string());
        let tls = || {
            let certificates = settings.root_certs.iter().map(|der| Certificate::from_der(der.clone()));
            let mut parameters = TlsParameters::builder(settings.host.clone());
            for certificate in certificates {
                parameters = parameters.add_root_certificate(certificate?);
            }
            parameters.build()
        };
        let tls = match settings.tls {
            SmtpTls::Implicit => Tls::Wrapper(tls().map_err(unusable)?),
            SmtpTls::StartTls => Tls::Required(tls().map_err(unusable)?),
            SmtpTls::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.clone())
            .port(settings.port)
            .tls(tls)
            .timeout(Some(COMMAND_TIMEOUT))
            .hello_name(ClientId::Domain(settings.from.email.domain().to_owned()));
        if let Some((user, Password(password))) = &settings.login {
            transport = transport.credentials(Credentials::new(user.clone(), password.reveal().to_owned()));
        }
        Ok(Self { transport: transport.build(), from: settings.from.clone() })
    }

    pub fn sender(&self) -> &Mailbox {
        &self.from
    }

    /// Connects, signs in, and asks for a response (`NOOP`).
    pub async fn connect(&self) -> Result<(), SmtpUnusable> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(SmtpUnusable("the server does not respond to a command".into())),
            Err(error) => Err(SmtpUnusable(chain(&error))),
        }
    }

    pub async fn send(&self, message: Message) -> MailOutcome {
        match tokio::time::timeout(MESSAGE_TIMEOUT, self.transport.send(message)).await {
            Ok(Ok(_)) => MailOutcome::Sent,
            Ok(Err(error)) => {
                let why = chain(&error);
                match error.status().map(|code| code.to_string()) {
                    Some(code) if SERVER_CODES.contains(&code.as_str()) => MailOutcome::Failed(why),
                    Some(_) if error.is_permanent() => MailOutcome::Rejected(why),
                    Some(_) => MailOutcome::Deferred(why),
                    None => MailOutcome::Failed(why),
                }
            }
            Err(_) => MailOutcome::Failed("the mail server did not answer in time".into()),
        }
    }
}

/// An error with its causes, on one line.
fn chain(error: &lettre::transport::smtp::Error) -> String {
    let mut text = String::new();
    for cause in causes(error).map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text.replace(['\r', '\n'], " ")
}
