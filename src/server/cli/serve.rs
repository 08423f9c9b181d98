//! `tms-portal serve`.

mod background;
mod metrics;
mod shutdown;

use std::net::TcpListener;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use self::metrics::Measured;
use super::init::SetupOptions;
use super::messages::TestPassword;
use super::reload::Reloader;
use super::secrets::SecretsTarget;
use super::{CommandError, init, lock_data, messages, open, systemd};
use crate::i18n::Languages;
use crate::server::config::Config;
use crate::server::listen::{self, ServerHandle};
use crate::server::mail::{self, MailSender, SmtpUnusable};
use crate::server::metrics::turn_on;
use crate::server::middleware::security_headers::Https;
use crate::server::service::platform::backup::check_before_start;
use crate::server::service::platform::keystore::{self, KEY_FILES};
use crate::server::service::platform::lasting::is_lasting_io;
use crate::server::service::{Clock as _, Database, SystemClock};
use crate::server::state::{self, AppState};
use crate::server::tls::TlsMode;

/// How long closing the database may take, which also empties the write-ahead log. What remains in it is read at the next start.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// In the data directory: translations that the operator adds.
pub const TRANSLATIONS_DIR: &str = "words";

/// Serves on the socket that the service manager passed, else on the configured address.
pub async fn start(mut options: SetupOptions) -> Result<(), CommandError> {
    let passed = systemd::passed_listener()?;
    if let Some(listener) = &passed {
        let address = listener.local_addr()?;
        if options.server.listen.replace(address).is_some_and(|configured| configured != address) {
            tracing::warn!(%address, "systemd listens for this portal: --listen and TMS_LISTEN have no effect");
        }
    }
    run(Config::read(&options.server)?, options, passed).await
}

async fn run(config: Config, options: SetupOptions, passed: Option<TcpListener>) -> Result<(), CommandError> {
    // Before anything else: without a handler SIGHUP ends the process.
    let hangups = signal(SignalKind::hangup())?;
    // What can fail comes before the database is changed.
    let languages =
        Languages::built_in().with_folder(&config.data_dir.join(TRANSLATIONS_DIR)).map_err(|refused| CommandError::Lasting(refused.to_string()))?;
    config.smtp.as_ref().map_or(Ok(()), mail::check).map_err(unusable_mail)?;
    refuse_missing_data(&config)?;
    let lock = lock_data(&config)?;
    let listener = passed.map_or_else(|| TcpListener::bind(config.listen), Ok);
    let cannot_listen = |error| CommandError::new(&format_args!("cannot listen on {}: {error}", config.listen), is_lasting_io(&error));
    let listener = listener.map_err(cannot_listen)?;
    let metrics_listener = config.metrics_listen.map(metrics::bind).transpose()?;
    let reloader = Reloader::new(options.server, &config, SystemClock.now())?;
    check_before_start(&config.database).await?;
    // Before the database is opened, whose writer is measured.
    let measuring = match metrics_listener {
        Some(listener) => {
            metrics::report(listener.local_addr()?);
            let measuring = turn_on(SystemClock.now()).map_err(|error| CommandError::Other(format!("metrics: {error}")))?;
            Some((listener, measuring))
        }
        None => None,
    };
    // A portal of several gets its keys from the first one: keys of its own would be of no use.
    let services = open(&config, matches!(config.database, Database::File(_))).await?;
    let secrets = SecretsTarget::of_server(options.secrets_to, &config.data_dir);
    let setup = init::set_up(&services, &config, &secrets).await?;
    for what in services.lost_secrets().await? {
        let key = keystore::directory(&config.data_dir).join(KEY_FILES[1]);
        tracing::error!(
            "{} is not the key that {what} were encrypted with; they cannot be used until it is restored, or they are set again",
            key.display()
        );
    }
    let mail = config.smtp.as_ref().map(|smtp| MailSender::new(services.clone(), smtp, languages.clone())).transpose();
    let mail = mail.map_err(unusable_mail)?;
    services.set_mail_enabled(mail.is_some()).await?;
    let handle = ServerHandle::new();
    background::renew_generation(&services, &config.database).await;
    let housekeeping = tokio::spawn(background::run_housekeeping(services.clone(), config.database.clone()));
    let check = tokio::spawn(background::report_damage(config.database.clone()));
    let keys = tokio::spawn(background::follow_key_rotations(services.clone()));
    let signing_keys = tokio::spawn(background::maintain_signing_keys(services.clone(), config.signing_key_interval));
    // What is not sent when the portal stops is sent after the next start.
    let logout_notices = tokio::spawn(background::send_logout_notices(services.clone()));
    let watchdog = tokio::spawn(systemd::feed_watchdog(services.clone()));
    let (stop_mail, mail_stopped) = watch::channel(false);
    let mail = mail.map(|mail| tokio::spawn(mail.run(mail_stopped)));
    let (set_deadline, deadline) = watch::channel(None);
    let signals = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(shutdown::on_signal(signals, handle.clone(), stop_mail, set_deadline));
    if matches!(config.tls, TlsMode::Development) && config.is_reachable() {
        tracing::warn!("Development certificate in use, but others can reach this address");
    }
    let test_password = match (&setup.test_password, secrets.file()) {
        (None, _) => TestPassword::Earlier,
        (Some(_), None) => TestPassword::Above,
        (Some(_), Some(file)) => TestPassword::In(file.to_owned()),
    };
    let has_people = services.has_people().await?;
    messages::print_listening(&config, listener.local_addr()?, &test_password, has_people);
    let https = Https(config.https());
    let state = AppState::new(state::AppStateInner {
        certificate_expiry: reloader.certificate_expiry().into(),
        services: services.clone(),
        leptos: config.leptos,
        languages,
        https,
        trusted_proxies: config.trusted_proxies.into(),
        limits: config.limits.into(),
    });
    let measuring = measuring.map(|(listener, metrics)| {
        let measured = Measured { metrics, portal: handle.clone(), state: state.clone(), backup_dir: config.backup_dir };
        let tasks = [tokio::spawn(metrics::serve(listener, measured)), tokio::spawn(metrics::run_upkeep(metrics))];
        tasks.into_iter().chain([tokio::spawn(background::measure_expiring(services.clone()))]).collect::<Vec<_>>()
    });
    let tls = reloader.tls();
    tokio::spawn(reloader.run(state.clone(), hangups));
    systemd::tell_ready();
    listen::serve(listener, tls, handle, listen::Timeouts::default(), state).await?;
    housekeeping.abort();
    check.abort();
    keys.abort();
    signing_keys.abort();
    logout_notices.abort();
    watchdog.abort();
    measuring.into_iter().flatten().for_each(|task| task.abort());
    if let Some(mail) = mail {
        // What is not sent by then is sent after the next start.
        tokio::select! {
            _ = mail => {}
            () = shutdown::reach(deadline) => {}
        }
    }
    if tokio::time::timeout(CLOSE_LIMIT, services.close()).await.is_err() {
        tracing::warn!("The database is still in use, and was not closed; the next start completes this");
    }
    drop(lock);
    Ok(())
}

fn unusable_mail(unusable: SmtpUnusable) -> CommandError {
    CommandError::Lasting(format!("[portal.smtp] {unusable}"))
}

/// A portal that others can reach, or whose keys exist, is created by `init` only: without a database, its data directory is probably not
/// mounted, or was lost.
fn refuse_missing_data(config: &Config) -> Result<(), CommandError> {
    let Database::File(file) = &config.database else { return Ok(()) };
    if !(config.is_reachable() || keystore::has_keys(&config.data_dir)) || file.try_exists()? {
        return Ok(());
    }
    Err(CommandError::Lasting(format!(
        "there is no database {}. If this portal has data: mount its data directory, or restore a backup (tms-portal restore). If it is new: \
         create it with tms-portal init",
        file.display()
    )))
}
