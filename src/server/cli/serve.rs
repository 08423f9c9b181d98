//! `tms-portal serve`.

use std::net::TcpListener;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

use super::reload::Reloader;
use super::{CommandError, init, messages, open};
use crate::i18n::Languages;
use crate::server::config::{Config, ServerOptions};
use crate::server::listen::{self, ServerHandle};
use crate::server::mail::MailSender;
use crate::server::middleware::security_headers::Https;
use crate::server::service::{Database, Services};
use crate::server::state::{self, AppState};
use crate::server::tls::TlsMode;

/// How long running requests, and an e-mail that is being sent, may take after the server was asked to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);
/// How long closing the database may take, which also empties the write-ahead log. What remains in it is read at the next start.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(60);

pub async fn run(config: Config, options: ServerOptions) -> Result<(), CommandError> {
    // Before anything else: without a handler SIGHUP ends the process.
    let hangups = signal(SignalKind::hangup())?;
    // A portal of several gets its keys from the first one: keys of its own would be of no use.
    let services = open(&config, matches!(config.database, Database::File(_))).await?;
    let setup = init::set_up(&services, &config).await?;
    messages::print_setup(&setup)?;
    for what in services.lost_secrets().await? {
        tracing::error!(
            "keys/secrets.key is not the key that {what} were encrypted with; they cannot be used until it is restored, or they are set again"
        );
    }
    let languages = Languages::built_in().with_folder(&config.data_dir.join("words")).map_err(|refused| CommandError::Other(refused.to_string()))?;
    let mail = config.smtp.as_ref().map(|smtp| MailSender::new(services.clone(), smtp, languages.clone())).transpose();
    let mail = mail.map_err(|unusable| CommandError::Other(format!("[portal.smtp] {unusable}")))?;
    services.set_mail_enabled(mail.is_some()).await?;
    let reloader = Reloader::new(options, &config, services.now())?;
    let listener = TcpListener::bind(config.listen).map_err(|error| CommandError::Other(format!("cannot listen on {}: {error}", config.listen)))?;
    let handle = ServerHandle::new();
    let housekeeping = tokio::spawn(run_housekeeping(services.clone()));
    let (stop_mail, mail_stopped) = watch::channel(false);
    let mail = mail.map(|mail| tokio::spawn(mail.run(mail_stopped)));
    let (set_deadline, deadline) = watch::channel(None);
    let signals = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(shutdown_on_signal(signals, handle.clone(), stop_mail, set_deadline));
    if matches!(config.tls, TlsMode::Development) && config.is_reachable() {
        tracing::warn!("Development certificate in use, but others can reach this address");
    }
    messages::print_listening(&config, listener.local_addr()?, setup.test_password.is_some());
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
    let tls = reloader.tls();
    tokio::spawn(reloader.run(state.clone(), hangups));
    listen::serve(listener, tls, handle, listen::Timeouts::default(), state).await?;
    housekeeping.abort();
    if let Some(mail) = mail {
        // What is not sent by then is sent after the next start.
        tokio::select! {
            _ = mail => {}
            () = reach(deadline) => {}
        }
    }
    if tokio::time::timeout(CLOSE_LIMIT, services.close()).await.is_err() {
        tracing::warn!("The database is still in use, and was not closed; the next start completes this");
    }
    Ok(())
}

/// After the first signal running requests, and an e-mail that is being sent, may finish; the second sets the deadline to now.
async fn shutdown_on_signal(
    (mut terminate, mut interrupt): (Signal, Signal),
    handle: ServerHandle,
    stop_mail: watch::Sender<bool>,
    deadline: watch::Sender<Option<Instant>>,
) {
    let mut next = async || tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} };
    next().await;
    tracing::info!("Stopping; requests under way may finish");
    deadline.send_replace(Some(Instant::now() + SHUTDOWN_GRACE));
    stop_mail.send_replace(true);
    handle.graceful_shutdown(Some(SHUTDOWN_GRACE));
    next().await;
    tracing::warn!("Stopping at once");
    deadline.send_replace(Some(Instant::now()));
    handle.shutdown();
}

/// Waits until the deadline, which can still change. Without one there was no signal, and nothing to wait for.
async fn reach(mut deadline: watch::Receiver<Option<Instant>>) {
    loop {
        let Some(at) = *deadline.borrow_and_update() else { return };
        tokio::select! {
            () = tokio::time::sleep_until(at) => return,
            changed = deadline.changed() => if changed.is_err() { return },
        }
    }
}

async fn run_housekeeping(services: Services) {
    let mut interval = tokio::time::interval(HOUSEKEEPING_INTERVAL);
    loop {
        interval.tick().await;
        if let Err(fault) = services.run_due_housekeeping().await {
            tracing::error!(error = %fault, "Could not tidy up");
        }
    }
}
