//! Stopping on a signal, within a limited time.

use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::server::cli::systemd;
use crate::server::listen::ServerHandle;

/// How long running requests, and an e-mail that is being sent, may take after the server was asked to stop.
const GRACE: Duration = Duration::from_secs(10);

/// After the first signal running requests, and an e-mail that is being sent, may finish; the second sets the deadline to now.
pub async fn on_signal(
    (mut terminate, mut interrupt): (Signal, Signal),
    handle: ServerHandle,
    stop_mail: watch::Sender<bool>,
    deadline: watch::Sender<Option<Instant>>,
) {
    let mut next = async || tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} };
    next().await;
    systemd::tell_stopping();
    tracing::info!("Stopping; requests in progress may finish");
    deadline.send_replace(Some(Instant::now() + GRACE));
    stop_mail.send_replace(true);
    let begun = async {
        handle.graceful_shutdown(GRACE).await;
        std::future::pending().await
    };
    tokio::select! { () = begun => {}, () = next() => {} }
    tracing::warn!("Stopping at once");
    deadline.send_replace(Some(Instant::now()));
    handle.shutdown();
}

/// Waits until the deadline, which can still change. Without one there was no signal, and nothing to wait for.
pub async fn reach(mut deadline: watch::Receiver<Option<Instant>>) {
    loop {
        let Some(at) = *deadline.borrow_and_update() else { return };
        tokio::select! {
            () = tokio::time::sleep_until(at) => return,
            changed = deadline.changed() => if changed.is_err() { return },
        }
    }
}
