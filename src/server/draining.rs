//! A server that stops: it accepts no more connections, and waits until those that it has accepted have sent their first request. hyper would
//! close them without a response. Connections that nobody has accepted wait for the next server, if a service manager holds the socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::watch;
use tower::Service;

/// How long the first request of a connection is waited for. Longer than a TLS handshake takes; a browser may open a connection ahead of time
/// and send nothing.
const FIRST_REQUEST_LIMIT: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub struct Draining(Arc<State>);

#[derive(Debug)]
struct State {
    stopping: watch::Sender<bool>,
    /// The number of connections without a request.
    waiting: watch::Sender<usize>,
}

impl Default for Draining {
    fn default() -> Self {
        Self(Arc::new(State { stopping: watch::Sender::new(false), waiting: watch::Sender::new(0) }))
    }
}

impl Draining {
    /// Runs `accept`, which must be cancel-safe; never returns once the server stops.
    pub async fn accept<T>(&self, accept: impl Future<Output = T>) -> T {
        let mut stopping = self.0.stopping.subscribe();
        let stopped = async { stopping.wait_for(|stopping| *stopping).await.is_ok() };
        tokio::select! {
            biased;
            _ = stopped => std::future::pending().await,
            accepted = accept => accepted,
        }
    }

    /// Counts a connection that was accepted.
    pub fn begin(&self) -> FirstRequest {
        self.0.waiting.send_modify(|waiting| *waiting += 1);
        FirstRequest(Arc::new(Waiting { server: self.0.clone(), ended: AtomicBool::new(false) }))
    }

    /// Accepts no more connections, and waits for the first requests of those that were accepted.
    pub async fn drain(&self) {
        self.0.stopping.send_replace(true);
        let mut waiting = self.0.waiting.subscribe();
        let _ = tokio::time::timeout(FIRST_REQUEST_LIMIT, waiting.wait_for(|waiting| *waiting == 0)).await;
    }
}

/// A connection's first request, which has been received when this was told so or all copies are dropped.
#[derive(Clone, Debug)]
pub struct FirstRequest(Arc<Waiting>);

#[derive(Debug)]
struct Waiting {
    server: Arc<State>,
    ended: AtomicBool,
}

impl Waiting {
    fn end(&self) {
        if !self.ended.swap(true, Ordering::Relaxed) {
            self.server.waiting.send_modify(|waiting| *waiting -= 1);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.end();
    }
}

/// The service of a connection.
#[derive(Clone, Debug)]
pub struct Counted<S> {
    service: S,
    first: FirstRequest,
}

impl<S> Counted<S> {
    pub fn new(service: S, first: FirstRequest) -> Self {
        Self { service, first }
    }
}

impl<S: Service<R>, R> Service<R> for Counted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.first.0.end();
        self.service.call(request)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tower::service_fn;

    use super::*;

    #[tokio::test]
    async fn stopping_server_waits_for_the_first_request_of_accepted_connections() {
        let server = Draining::default();
        assert_eq!(server.accept(std::future::ready(1)).now_or_never(), Some(1));
        let (first, dropped) = (server.begin(), server.begin());
        let mut service = Counted::new(service_fn(async |()| Ok::<_, ()>(())), first);
        let mut drained = Box::pin(server.drain());
        assert!(drained.as_mut().now_or_never().is_none(), "two connections have sent nothing");
        assert_eq!(server.accept(std::future::ready(2)).now_or_never(), None, "no more connections are accepted");
        for _ in 0..2 {
            // The second request of a connection is not counted.
            assert_eq!(service.call(()).await, Ok(()));
        }
        assert!(drained.as_mut().now_or_never().is_none(), "one has sent nothing");
        drop(dropped);
        assert!(drained.as_mut().now_or_never().is_some());
    }
}
