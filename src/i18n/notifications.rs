//! Texts of notifications, on pages and in e-mails.

use super::Language;
use super::to_count;
use crate::domain::notification::{Notification, NotificationKind};

impl Language {
    /// One sentence.
    pub fn notification(&self, about: &Notification) -> String {
        let client = about.client_name.as_deref().or(about.client_id.as_deref()).unwrap_or("?");
        let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| self.sessions_from_unknown());
        match about.kind {
            NotificationKind::NewNetwork => self.notification_new_network(or_unknown(&about.from)),
            NotificationKind::ApplicationAllowed => match about.subject.as_deref() {
                Some(device) => self.notification_application_allowed_on(client, device),
                None => self.notification_application_allowed(client),
            },
            NotificationKind::KeyRegistered => self.notification_key_registered(about.subject.as_deref().unwrap_or("?")),
            NotificationKind::ApplicationKeys => self.notification_application_keys(client),
            NotificationKind::DeviceReplayed => self.notification_device_replayed(client),
            NotificationKind::RefreshTokenReused => self.notification_refresh_token_reused(client),
            NotificationKind::CodeSubmittedTwice => self.notification_code_submitted_twice(),
            NotificationKind::SecondFactorRemoved => self.notification_second_factor_removed(),
        }
    }

    /// The subject of an e-mail about these notifications.
    pub fn mail_subject(&self, notifications: &[Notification], tenant: &str) -> String {
        let [only] = notifications else {
            return self.mail_subject_many(tenant, to_count(notifications.len()));
        };
        let title = match only.kind {
            NotificationKind::NewNetwork => self.mail_title_new_network(),
            NotificationKind::ApplicationAllowed => self.mail_title_application_allowed(),
            NotificationKind::KeyRegistered => self.mail_title_key_registered(),
            NotificationKind::ApplicationKeys => self.mail_title_application_keys(),
            NotificationKind::DeviceReplayed | NotificationKind::CodeSubmittedTwice => self.mail_title_device_replayed(),
            NotificationKind::RefreshTokenReused => self.mail_title_refresh_token_reused(),
            NotificationKind::SecondFactorRemoved => self.mail_title_second_factor_removed(),
        };
        self.mail_subject_one(tenant, title)
    }
}
