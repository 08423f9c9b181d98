//! `tms-portal serve`.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum_server::Handle;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failed, init, open, words};
use crate::server::config::Config;
use crate::server::guard::headers::Https;
use crate::server::listen;
use crate::server::service::Services;
use crate::server::state::{self, AppState};
use crate::server::tls::{Tls, development};
use crate::words::Languages;

/// How long requests under way may take to finish once the server is asked to stop.
const GRACE: Duration = Duration::from_secs(10);
const TIDY_EVERY: Duration = Duration::from_secs(60);

pub async fn run(config: Config) -> Result<(), Failed> {
    let services = open(&config).await?;
    let made = init::set_up(&services, &config).await?;
    words::first_start(&made)?;
    for what in services.unsealable().await? {
        tracing::error!(
            "keys/secrets.key is not the key that {what} were encrypted with; they cannot be used until it is restored"
        );
    }
    let languages = Languages::built_in().and_of(&config.data_dir.join("words")).map_err(|refused| Failed::Other(refused.to_string()))?;
    let tls = match &config.tls {
        Tls::Elsewhere => None,
        Tls::Ours(tls) => Some(tls.clone()),
        Tls::Development => Some(development::prepare(&config.data_dir, &config.hosts(), services.now())?),
    };
    let listener = TcpListener::bind(config.listen).map_err(|error| Failed::Other(format!("cannot listen on {}: {error}", config.listen)))?;
    let handle = Handle::new();
    let tidying = tokio::spawn(tidy_now_and_then(services.clone()));
    tokio::spawn(stop_when_asked(handle.clone()));
    if matches!(config.tls, Tls::Development) && config.is_reachable() {
        tracing::warn!("Development certificate in use, but others can reach this address");
    }
    words::listening(&config, listener.local_addr()?, made.test_password.is_some());
    let https = Https(config.https());
    let state = AppState::new(state::Shared {
        services: services.clone(),
        leptos: config.leptos,
        languages,
        https,
        trusted_proxies: config.trusted_proxies,
        limits: config.limits.into(),
    });
    listen::serve(listener, tls, handle, listen::HEADER_TIMEOUT, state).await?;
    tidying.abort();
    services.close().await;
    Ok(())
}

/// The first signal lets requests under way finish; the second does not.
async fn stop_when_asked(handle: Handle<SocketAddr>) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::error!("Cannot listen for signals: stop this server with SIGKILL");
        return;
    };
    let mut next = async || tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} };
    next().await;
    tracing::info!("Stopping; requests under way may finish");
    handle.graceful_shutdown(Some(GRACE));
    next().await;
    tracing::warn!("Stopping at once");
    handle.shutdown();
}

async fn tidy_now_and_then(services: Services) {
    let mut ticks = tokio::time::interval(TIDY_EVERY);
    loop {
        ticks.tick().await;
        if let Err(fault) = services.tidy().await {
            tracing::error!(error = %fault, "Could not tidy up");
        }
    }
}
