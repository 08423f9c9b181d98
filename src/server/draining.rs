//! A server that stops gives its clients time to end their connections. It accepts those that clients have opened already, then no more,
//! answers all with `Connection: close`, and waits briefly. Otherwise hyper would close a connection without a response if its request arrives
//! at the same moment, also the first one. New connections are refused, or wait for the next server if a service manager holds the socket.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::{HeaderValue, Response, header};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either};
use tokio::sync::watch;
use tokio::time::Instant;
use tower::Service;

/// Shorter than the two seconds after which a host gives up a lookup, which may wait for the next server meanwhile.
const LIMIT: Duration = Duration::from_secs(1);
/// How long connections are accepted that clients are opening: without a service manager they would be reset. Those that wait then are
/// accepted too.
const ACCEPT_LIMIT: Duration = Duration::from_millis(20);

#[derive(Clone, Debug)]
pub struct Draining(Arc<State>);

#[derive(Debug)]
struct State {
    /// When a server that stops accepts no more connections.
    stopping: watch::Sender<Option<Instant>>,
    /// Whether it accepts no more connections.
    closed: watch::Sender<bool>,
    /// The number of open connections.
    open: watch::Sender<usize>,
    /// Whether it waits no longer for requests.
    drained: watch::Sender<bool>,
}

impl Default for Draining {
    fn default() -> Self {
        Self(Arc::new(State {
            stopping: watch::Sender::new(None),
            closed: watch::Sender::new(false),
            open: watch::Sender::new(0),
            drained: watch::Sender::new(false),
        }))
    }
}

impl Draining {
    /// Runs `accept`, which must be cancel-safe. `None`: the server stops, and accepts only what waits already.
    pub async fn accept<T>(&self, accept: impl Future<Output = T>) -> Option<T> {
        let mut stopping = self.0.stopping.subscribe();
        let stopped = async {
            let at = stopping.wait_for(Option::is_some).await.ok().and_then(|at| *at);
            tokio::time::sleep_until(at.unwrap_or_else(Instant::now)).await;
        };
        tokio::select! {
            biased;
            () = stopped => None,
            accepted = accept => Some(accepted),
        }
    }

    /// Counts a connection that was accepted, until the result is dropped.
    pub fn count(&self) -> OpenConnection {
        self.0.open.send_modify(|open| *open += 1);
        OpenConnection(self.0.clone())
    }

    pub fn open_connections(&self) -> usize {
        *self.0.open.borrow()
    }

    /// Tells that all connections which were accepted have been counted, and no more will be.
    pub fn close(&self) {
        self.0.closed.send_replace(true);
    }

    /// Lets the server stop accepting connections, waits until it has, and then until those that are open have been closed; for [`LIMIT`] each.
    pub async fn drain(&self) {
        self.0.stopping.send_replace(Some(Instant::now() + ACCEPT_LIMIT));
        let (mut closed, mut open) = (self.0.closed.subscribe(), self.0.open.subscribe());
        let _ = tokio::time::timeout(LIMIT, closed.wait_for(|closed| *closed)).await;
        let _ = tokio::time::timeout(LIMIT, open.wait_for(|open| *open == 0)).await;
        self.0.drained.send_replace(true);
    }

    /// Returns when [`Self::drain`] has ended.
    pub async fn drained(&self) {
        // The sender is here, so that there is no error.
        let _ = self.0.drained.subscribe().wait_for(|drained| *drained).await;
    }
}

#[derive(Debug)]
pub struct OpenConnection(Arc<State>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

/// The service of a connection. Copies of it are one connection.
#[derive(Clone, Debug)]
pub struct Drained<S> {
    service: S,
    connection: Arc<OpenConnection>,
}

impl<S> Drained<S> {
    pub fn new(service: S, connection: OpenConnection) -> Self {
        Self { service, connection: Arc::new(connection) }
    }
}

impl<S, R, B> Service<R> for Drained<S>
where
    S: Service<R, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    /// Boxed only while the server stops.
    type Future = Either<S::Future, BoxFuture<'static, Result<S::Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let response = self.service.call(request);
        if self.connection.0.stopping.borrow().is_some() {
            Either::Right(response.map(|response| response.map(close)).boxed())
        } else {
            Either::Left(response)
        }
    }
}

fn close<B>(mut response: Response<B>) -> Response<B> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use tower::service_fn;

    use super::*;

    #[tokio::test]
    async fn stopping_server_accepts_nothing_and_closes_what_is_open() {
        let server = Draining::default();
        assert_eq!(server.accept(std::future::ready(1)).await, Some(1));
        let respond = service_fn(async |()| Ok::<_, ()>(Response::new(())));
        let (mut service, silent) = (Drained::new(respond, server.count()), server.count());
        let mut copy = service.clone();
        assert!(service.call(()).await.expect("a response").headers().is_empty());

        let mut drained = Box::pin(server.drain());
        assert!(drained.as_mut().now_or_never().is_none(), "two connections are open");
        assert_eq!(server.accept(std::future::pending::<()>()).await, None);
        server.close();
        assert_eq!(copy.call(()).await.expect("a response").headers()[header::CONNECTION], "close");
        drop((service, silent));
        assert_eq!(*server.0.open.borrow(), 1, "a copy is the same connection");
        drop(copy);
        assert_eq!(*server.0.open.borrow(), 0);
        assert!(server.drained().now_or_never().is_none());
        drained.await;
        server.drained().await;
    }

    #[tokio::test]
    async fn idle_server_waits_for_connections_that_it_has_still_to_accept() {
        let server = Draining::default();
        let mut drained = Box::pin(server.drain());
        assert!(drained.as_mut().now_or_never().is_none(), "one may wait");
        let accepted = server.count();
        server.close();
        assert!(drained.as_mut().now_or_never().is_none(), "it has no response yet");
        drop(accepted);
        drained.await;
    }
}
