//! What an operator adds: translations, profiles of identity providers, and a mail server.

use std::path::Path;
use std::time::Duration;

use super::Finding;
use crate::i18n::Languages;
use crate::server::cli::serve::TRANSLATIONS_DIR;
use crate::server::config::Config;
use crate::server::mail::{self, SmtpSettings};
use crate::server::providers::profiles::{self, Profiles};

/// How long connecting to the mail server may take.
const CONNECTS_WITHIN: Duration = Duration::from_secs(10);

/// Whether the portal can start with the translations in the data directory.
pub fn translations(data_dir: &Path) -> Finding {
    const CHECK: &str = "translations";
    let folder = data_dir.join(TRANSLATIONS_DIR);
    match Languages::built_in().with_folder(&folder) {
        Ok(_) if folder.is_dir() => Finding::ok(CHECK, format!("those in {} can be used", folder.display())),
        Ok(_) => Finding::ok(CHECK, "the built-in ones"),
        Err(refused) => Finding::error(CHECK, refused.to_string(), "correct the file, or move it away: the portal does not start with it"),
    }
}

/// Whether the portal can start with the profiles in the data directory.
pub fn provider_profiles(data_dir: &Path) -> Finding {
    const CHECK: &str = "providers";
    match Profiles::read(data_dir) {
        Ok(found) => Finding::ok(CHECK, format!("{} profiles of identity providers", found.all().count())),
        Err(refused) => {
            let advice = format!("correct {}, or move it away: the portal does not start with it", data_dir.join(profiles::FILE).display());
            Finding::error(CHECK, refused.to_string(), advice)
        }
    }
}

/// Whether the mail settings can be used; with `connect`, also whether the server accepts them.
pub async fn mail(config: &Config, connect: bool) -> Finding {
    const CHECK: &str = "mail";
    let Some(smtp) = &config.smtp else { return Finding::ok(CHECK, "none is sent: there is no [portal.smtp]") };
    let server = format!("{}:{}", smtp.host, smtp.port);
    if let Err(unusable) = mail::check(smtp) {
        return Finding::error(CHECK, format!("[portal.smtp] {unusable}"), "correct the settings: the portal does not start with them");
    }
    if !connect {
        return Finding::ok(CHECK, format!("the settings for {server} can be used; add --connect to try them"));
    }
    match try_to_connect(smtp).await {
        Ok(()) => Finding::ok(CHECK, format!("{server} accepts a connection{}", if smtp.login.is_some() { " and the login" } else { "" })),
        Err(why) => Finding::error(CHECK, format!("{server}: {why}"), "correct [portal.smtp], or ask its operator; messages wait until it works"),
    }
}

async fn try_to_connect(smtp: &SmtpSettings) -> Result<(), String> {
    match tokio::time::timeout(CONNECTS_WITHIN, mail::connect(smtp)).await {
        Ok(connected) => connected.map_err(|unusable| unusable.to_string()),
        Err(_) => Err(format!("no answer within {} seconds", CONNECTS_WITHIN.as_secs())),
    }
}
