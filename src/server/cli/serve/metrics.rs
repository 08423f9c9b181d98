//! The listener for metrics: `GET /metrics`, without authentication, and nothing else. The portal's own listener does not serve them.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::CommandError;
use crate::server::listen::{self, ServerHandle, Timeouts};
use crate::server::metrics::{Figures, Metrics};
use crate::server::service::platform::{backup, readiness};
use crate::server::state::AppState;

/// The version of Prometheus' text format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4";
/// Time limit of a response. Readiness is known within a second.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often measured values are added up, whether or not they are read.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// What the metrics are read from.
pub struct Measured {
    pub metrics: &'static Metrics,
    pub portal: ServerHandle,
    pub state: AppState,
    /// The directory of the operator's backups.
    pub backup_dir: PathBuf,
}

pub fn bind(address: SocketAddr) -> Result<TcpListener, CommandError> {
    TcpListener::bind(address).map_err(|error| CommandError::Other(format!("cannot listen on {address} for metrics: {error}")))
}

/// Warns of an address that others can reach.
pub fn report(address: SocketAddr) {
    tracing::info!(%address, "Serving metrics");
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "Metrics have no authentication, and others may reach this address");
    }
}

/// Serves the metrics until the task is aborted.
pub async fn serve(listener: TcpListener, measured: Measured) {
    let routes = Router::new().route("/metrics", get(respond)).with_state(Arc::new(measured));
    if let Err(error) = listen::serve_routes(listener, None, ServerHandle::new(), Timeouts::default(), routes).await {
        tracing::error!(%error, "Metrics are not served any more");
    }
}

pub async fn run_upkeep(metrics: &'static Metrics) {
    let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        interval.tick().await;
        metrics.run_upkeep();
    }
}

async fn respond(State(measured): State<Arc<Measured>>) -> Response {
    let Ok(figures) = tokio::time::timeout(TIMEOUT, measured.figures()).await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], measured.metrics.render(&figures)).into_response()
}

impl Measured {
    async fn figures(&self) -> Figures {
        let services = &self.state.services;
        let (problems, files) = tokio::join!(services.readiness(), services.database_files());
        let problems = problems.err().unwrap_or_default();
        let dir = self.backup_dir.clone();
        Figures {
            ready: problems.is_empty(),
            components: readiness::components(&problems).to_vec(),
            open_connections: self.portal.open_connections(),
            writes_waiting: services.waiting_writes(),
            rsa_keys_waiting: services.rsa_keys_waiting(),
            signing_keys: services.signing_keys(),
            files,
            certificate_expiry: self.state.certificate_expiry.get(),
            last_backup: tokio::task::spawn_blocking(move || backup::last_backup(&dir)).await.ok().flatten(),
        }
    }
}
