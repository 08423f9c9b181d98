//! E-mail: composes and sends the notifications that wait in the outbox.

mod message;
mod smtp;

use std::time::Duration;

use tokio::sync::watch;

use crate::i18n::Languages;
use crate::server::service::notifications::{ClaimedMail, MailOutcome};
use crate::server::service::{Fault, Services};
pub use smtp::{Password, SmtpSettings, SmtpTls, SmtpUnusable, parse_sender};

/// How often the outbox is read.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// The pause when the server cannot be used: it may be down.
const FAILURE_PAUSE: Duration = Duration::from_secs(60);

/// Checks the settings without connecting to the server.
pub fn check(settings: &SmtpSettings) -> Result<(), SmtpUnusable> {
    smtp::SmtpClient::new(settings).map(drop)
}

/// Connects to the server and signs in, and sends nothing.
pub async fn connect(settings: &SmtpSettings) -> Result<(), SmtpUnusable> {
    smtp::SmtpClient::new(settings)?.connect().await
}

/// Sends what waits in the outbox.
pub struct MailSender {
    services: Services,
    smtp: smtp::SmtpClient,
    languages: Languages,
}

/// How a round of sending ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Nothing is due any more.
    Empty,
    /// The server cannot be used; messages may be due.
    Failed,
    Stopped,
}

impl MailSender {
    pub fn new(services: Services, settings: &SmtpSettings, languages: Languages) -> Result<Self, SmtpUnusable> {
        Ok(Self { services, smtp: smtp::SmtpClient::new(settings)?, languages })
    }

    /// Sends until `stop` is true or its sender is gone. A message that is being sent is finished first.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut pause = POLL_INTERVAL;
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = match self.send_due(&stop).await {
                Ok(Round::Empty) => POLL_INTERVAL,
                Ok(Round::Failed) => FAILURE_PAUSE,
                Ok(Round::Stopped) => return,
                Err(fault) => {
                    tracing::error!(error = %fault, "Could not read or change the outbox");
                    FAILURE_PAUSE
                }
            };
        }
    }

    /// Sends all messages that are due, until the server cannot be used.
    pub async fn send_due(&self, stop: &watch::Receiver<bool>) -> Result<Round, Fault> {
        while !*stop.borrow() {
            let Some(mail) = self.services.claim_mail().await? else { return Ok(Round::Empty) };
            let outcome = self.send(&mail).await;
            let failed = matches!(outcome, MailOutcome::Failed(_));
            self.services.finish_mail(mail, outcome).await?;
            if failed {
                return Ok(Round::Failed);
            }
        }
        Ok(Round::Stopped)
    }

    async fn send(&self, mail: &ClaimedMail) -> MailOutcome {
        let words = self.languages.choose(mail.language.as_deref(), None);
        match message::compose(mail, self.smtp.sender(), self.services.public_url(), self.services.now(), words) {
            Ok(message) => self.smtp.send(message).await,
            Err(why) => MailOutcome::Rejected(why.to_string()),
        }
    }
}
