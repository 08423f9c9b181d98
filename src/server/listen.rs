//! Accepting connections.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::connect_info::Connected;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{AddrListener, Address, Handle, Server};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;

use super::draining::{Drained, Draining, OpenConnection};
use super::metrics::{self, Metrics};
use super::middleware::rate_limit::Limiter;
use super::router::router;
use super::state::AppState;

/// How many connections can wait to be accepted: Linux' default (`net.core.somaxconn`).
const MAX_WAITING: u32 = 4_096;

/// Time limits of a connection, after which it is closed.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For the first byte, and for the TLS handshake.
    pub opening: Duration,
    /// For the headers of each request, from the end of the previous one. Longer than proxies keep idle connections (nginx: 60 s): a proxy
    /// that sends a request on a connection that is being closed gets no response, and its client a 502.
    pub idle: Duration,
    /// For a peer to read something of a response.
    pub write: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { opening: Duration::from_secs(10), idle: Duration::from_secs(90), write: Duration::from_secs(30) }
    }
}

/// Stops [`serve`].
#[derive(Clone, Debug, Default)]
pub struct ServerHandle {
    server: Handle<PeerAddress>,
    draining: Draining,
}

impl ServerHandle {
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts no more connections; requests that have been sent may finish within `grace`. Returns when all connections are being closed.
    pub async fn graceful_shutdown(&self, grace: Duration) {
        let deadline = Instant::now() + grace;
        self.draining.drain().await;
        self.server.graceful_shutdown(Some(deadline.saturating_duration_since(Instant::now())));
    }

    /// The number of open connections.
    pub fn open_connections(&self) -> usize {
        self.draining.open_connections()
    }

    /// Stops at once.
    pub fn shutdown(&self) {
        self.server.shutdown();
    }
}

/// Serves the portal until the handle is shut down; over TLS if configured.
pub async fn serve(listener: TcpListener, tls: Option<RustlsConfig>, handle: ServerHandle, timeouts: Timeouts, state: AppState) -> io::Result<()> {
    serve_routes(listener, tls, handle, timeouts, router(state)).await
}

pub async fn serve_routes(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    handle: ServerHandle,
    timeouts: Timeouts,
    routes: Router,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let draining = handle.draining;
    let listener = ReportingListener::new(tokio::net::TcpListener::from_std(listener)?, draining.clone());
    let mut server = Server::<PeerAddress>::from_listener(listener).handle(handle.server);
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(timeouts.idle);
    let app = routes.into_make_service_with_connect_info::<SocketAddr>();
    let acceptor = TimeoutAcceptor(timeouts);
    match tls {
        None => server.acceptor(UntilDrained { acceptor, draining }).http1_only().serve(app).await,
        Some(config) => {
            let acceptor = RustlsAcceptor::new(config).handshake_timeout(timeouts.opening).acceptor(acceptor);
            server.acceptor(UntilDrained { acceptor, draining }).http1_only().serve(app).await
        }
    }
}

/// The address of a peer; a separate type, because the type of the address determines the type of the listener.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(SocketAddr);

impl Address for PeerAddress {
    type Stream = Accepted;
    type Listener = ReportingListener;
}

impl Connected<PeerAddress> for SocketAddr {
    fn connect_info(peer: PeerAddress) -> Self {
        peer.0
    }
}

/// A listener that logs, once a minute, why it cannot accept connections, such as too many open files. They wait, and the server tries again
/// every 50 ms.
pub struct ReportingListener {
    /// `None` once the server stops.
    listener: Mutex<Option<Arc<tokio::net::TcpListener>>>,
    /// How many connections that wait are still accepted when the server stops. Limited, so that new ones cannot keep it from stopping.
    waiting: AtomicU32,
    draining: Draining,
    lines: Limiter,
}

/// A new connection.
pub struct Accepted {
    stream: TcpStream,
    connection: OpenConnection,
}

impl ReportingListener {
    fn new(listener: tokio::net::TcpListener, draining: Draining) -> Self {
        let lines = Limiter::per_minute(NonZeroU32::MIN);
        Self { listener: Mutex::new(Some(Arc::new(listener))), waiting: AtomicU32::new(MAX_WAITING), draining, lines }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<tokio::net::TcpListener>>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None`: the server stops, and no connection waits.
    async fn accept(&self) -> Option<io::Result<(TcpStream, SocketAddr)>> {
        let listener = self.lock().clone()?;
        let accepted = self.draining.accept(listener.accept()).await;
        accepted.or_else(|| self.accept_waiting(&listener))
    }

    /// `None`: no connection waits, or enough have been accepted.
    fn accept_waiting(&self, listener: &tokio::net::TcpListener) -> Option<io::Result<(TcpStream, SocketAddr)>> {
        self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| waiting.checked_sub(1)).ok()?;
        accept_now(listener).transpose()
    }

    fn report(&self, error: &io::Error) {
        // Those are about one connection, which its peer has ended.
        let of_peer = matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset);
        if !of_peer {
            metrics::record(Metrics::count_accept_error);
        }
        if !of_peer && self.lines.check("accept").is_ok() {
            tracing::warn!(%error, "Connections cannot be accepted; they wait until this has ended");
        }
    }
}

/// A connection that waits; `None` if there is none. Asks the operating system: the runtime may not know of it yet.
fn accept_now(listener: &tokio::net::TcpListener) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    match TcpListener::from(listener.as_fd().try_clone_to_owned()?).accept() {
        Ok((stream, address)) => {
            stream.set_nonblocking(true)?;
            Ok(Some((TcpStream::from_std(stream)?, address)))
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

impl AddrListener<Accepted, PeerAddress> for ReportingListener {
    async fn bind_to(address: PeerAddress) -> io::Result<Self> {
        tokio::net::TcpListener::bind(address.0).await.map(|listener| Self::new(listener, Draining::default()))
    }

    async fn accept_stream(&self) -> io::Result<(Accepted, PeerAddress)> {
        let Some(accepted) = self.accept().await else {
            self.lock().take();
            self.draining.close();
            return std::future::pending().await;
        };
        let (stream, address) = accepted.inspect_err(|error| self.report(error))?;
        Ok((Accepted { stream, connection: self.draining.count() }, PeerAddress(address)))
    }

    fn get_local_addr(&self) -> io::Result<PeerAddress> {
        let listener = self.lock().clone();
        listener.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?.local_addr().map(PeerAddress)
    }
}

/// Closes connections on which nothing is sent first, and those whose peer does not read.
#[derive(Clone, Copy)]
struct TimeoutAcceptor(Timeouts);

impl<S: Send + 'static> Accept<Accepted, S> for TimeoutAcceptor {
    type Stream = Pin<Box<TimeoutStream<TcpStream>>>;
    type Service = Drained<S>;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, Accepted { stream, connection }: Accepted, service: S) -> Self::Future {
        let Timeouts { opening, write, .. } = self.0;
        async move {
            stream.set_nodelay(true)?;
            tokio::time::timeout(opening, stream.peek(&mut [0])).await??;
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(write));
            Ok((Box::pin(stream), Drained::new(service, connection)))
        }
        .boxed()
    }
}

/// Closes connections on which no request has begun when the server waits no longer for one: a silent peer would delay the stop.
#[derive(Clone)]
struct UntilDrained<A> {
    acceptor: A,
    draining: Draining,
}

impl<A, S> Accept<Accepted, S> for UntilDrained<A>
where
    A: Accept<Accepted, S>,
    A::Future: Send + 'static,
{
    type Stream = A::Stream;
    type Service = A::Service;
    type Future = BoxFuture<'static, io::Result<(A::Stream, A::Service)>>;

    fn accept(&self, accepted: Accepted, service: S) -> Self::Future {
        let (opened, draining) = (self.acceptor.accept(accepted, service), self.draining.clone());
        async move {
            tokio::select! {
                biased;
                opened = opened => opened,
                () = draining.drained() => Err(io::ErrorKind::ConnectionAborted.into()),
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A listener of a server that stops, after the time in which connections are accepted that clients are opening.
    async fn stopping() -> (ReportingListener, SocketAddr) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (address, draining) = (listener.local_addr().expect("its address"), Draining::default());
        let listener = ReportingListener::new(listener, draining.clone());
        tokio::spawn(async move { draining.drain().await });
        assert_eq!(listener.draining.accept(std::future::pending::<()>()).await, None);
        (listener, address)
    }

    #[tokio::test]
    async fn connections_that_wait_are_accepted_by_a_server_that_stops() {
        let (listener, address) = stopping().await;
        for connection in [(); 3].map(|()| std::net::TcpStream::connect(address).expect("connected")) {
            let (_, PeerAddress(peer)) = listener.accept_stream().await.expect("a connection");
            assert_eq!(peer, connection.local_addr().expect("its address"));
        }
        assert!(listener.accept_stream().now_or_never().is_none() && listener.get_local_addr().is_err(), "no other waits");
    }

    #[tokio::test]
    async fn new_connections_do_not_keep_a_server_from_stopping() {
        let (listener, address) = stopping().await;
        listener.waiting.store(1, Ordering::Relaxed);
        let _waiting = [(); 2].map(|()| std::net::TcpStream::connect(address).expect("connected"));
        assert!(listener.accept_stream().await.is_ok());
        assert!(listener.accept_stream().now_or_never().is_none() && listener.get_local_addr().is_err());
    }
}
