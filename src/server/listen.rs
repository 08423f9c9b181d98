//! Accepting connections.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hyper_util::rt::TokioTimer;
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;

use super::router::router;
use super::state::AppState;

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

/// Serves requests until the handle is shut down; over TLS if configured.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    handle: Handle<SocketAddr>,
    timeouts: Timeouts,
    state: AppState,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut server = axum_server::from_tcp(listener)?.handle(handle);
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(timeouts.idle);
    let app = router(state).into_make_service_with_connect_info::<SocketAddr>();
    let acceptor = TimeoutAcceptor(timeouts);
    match tls {
        None => server.acceptor(acceptor).http1_only().serve(app).await,
        Some(config) => {
            let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(config)).handshake_timeout(timeouts.opening).acceptor(acceptor);
            server.acceptor(acceptor).http1_only().serve(app).await
        }
    }
}

/// Closes connections on which nothing is sent first, and those whose peer does not read.
#[derive(Clone, Copy)]
struct TimeoutAcceptor(Timeouts);

impl<S: Send + 'static> Accept<TcpStream, S> for TimeoutAcceptor {
    type Stream = Pin<Box<TimeoutStream<TcpStream>>>;
    type Service = S;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Timeouts { opening, write, .. } = self.0;
        async move {
            stream.set_nodelay(true)?;
            tokio::time::timeout(opening, stream.peek(&mut [0])).await??;
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(write));
            Ok((Box::pin(stream), service))
        }
        .boxed()
    }
}
