//! Accepting connections.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use rustls::ServerConfig;

use super::router::router;
use super::state::AppState;

/// The time limit for the TLS handshake and for the request headers, so that idle sockets are closed.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves requests until the handle is shut down; over TLS if configured.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    handle: Handle<SocketAddr>,
    header_timeout: Duration,
    state: AppState,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut server = axum_server::from_tcp(listener)?.handle(handle);
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(header_timeout);
    let app = router(state).into_make_service_with_connect_info::<SocketAddr>();
    match tls {
        None => server.http1_only().serve(app).await,
        Some(config) => {
            let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(config)).handshake_timeout(header_timeout);
            server.acceptor(acceptor).http1_only().serve(app).await
        }
    }
}
