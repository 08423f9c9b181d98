//! Accepting connections.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum_server::Handle;
use hyper_util::rt::TokioTimer;

use super::router::router;
use super::state::AppState;

/// How long a connection may take to send its headers: an open socket alone must not cost us anything.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Answers requests until the handle says stop.
pub async fn serve(listener: TcpListener, handle: Handle<SocketAddr>, header_timeout: Duration, state: AppState) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut server = axum_server::from_tcp(listener)?.handle(handle).http1_only();
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(header_timeout);
    server.serve(router(state).into_make_service_with_connect_info::<SocketAddr>()).await
}
