//! The service manager: the socket that it passes, and what it is told (`sd_listen_fds`, `sd_notify`). Without it, nothing happens here.

use std::fmt::Display;
use std::net::TcpListener;

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use sd_notify::NotifyState;

use super::CommandError;
use crate::server::service::Services;

/// The socket that systemd listens on for the portal, if it does: it stays open during a restart, so that no connection is refused.
pub fn passed_listener() -> Result<Option<TcpListener>, CommandError> {
    let mut passed = ListenFd::from_env();
    if passed.len() > 1 {
        let reason = format!("systemd passed {} sockets, but the portal listens on one: tms-portal.socket needs one ListenStream", passed.len());
        return Err(CommandError::Lasting(reason));
    }
    let unusable = |error: &dyn Display| CommandError::Lasting(format!("systemd did not pass a TCP socket: {error}"));
    let listener = passed.take_tcp_listener(0).map_err(|error| unusable(&error))?;
    match &listener {
        Some(listener) if !socket_acceptconn(listener).map_err(|error| unusable(&error))? => {
            Err(unusable(&"it does not listen; tms-portal.socket needs ListenStream, and Accept=no"))
        }
        _ => Ok(listener),
    }
}

/// After the start, and after a reload.
pub fn tell_ready() {
    tell(&[NotifyState::Ready]);
}

/// With the time, by which systemd knows which of its signals this is about (`Type=notify-reload`).
pub fn tell_reloading() {
    let now = NotifyState::monotonic_usec_now();
    tell(&now.map_or_else(|_| vec![NotifyState::Reloading], |now| vec![NotifyState::Reloading, now]));
}

pub fn tell_stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "Cannot tell systemd {state:?}");
    }
}

/// Tells systemd's watchdog that the portal responds, three times per interval of the watchdog, and each time only after a write and a read of
/// the database have come back. An error is such a response: `/readyz` reports it, and a restart would not correct it.
pub async fn feed_watchdog(services: Services) {
    let Some(interval) = sd_notify::watchdog_enabled() else { return };
    let respond = || async { services.await_database().await };
    feed(|| tokio::time::sleep(interval / 3), respond, || tell(&[NotifyState::Watchdog])).await;
}

async fn feed<D: Future, R: Future>(mut due: impl FnMut() -> D, mut respond: impl FnMut() -> R, mut tell: impl FnMut()) {
    loop {
        due().await;
        respond().await;
        tell();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::future::{Either, pending, ready};

    use super::*;

    #[test]
    fn watchdog_is_told_only_after_each_response() {
        let mut told = 0;
        assert!(feed(|| ready(()), pending::<()>, || told += 1).now_or_never().is_none());
        assert_eq!(told, 0, "the database does not respond");

        let mut dues = 0;
        let due = || {
            dues += 1;
            if dues > 2 { Either::Left(pending::<()>()) } else { Either::Right(ready(())) }
        };
        assert!(feed(due, || ready(()), || told += 1).now_or_never().is_none());
        assert_eq!(told, 2, "once each time that it is due");
    }
}
