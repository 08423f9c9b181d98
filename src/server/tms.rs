//! The TMS credential API: `result_code` and `result_msg` flat beside the payload, as TMS' clients expect. One file per noun, one function
//! per method; each carries its description, from which [`openapi`] is generated.

pub mod auth;
pub mod clients;
pub mod delegations;
pub mod error;
pub mod extractors;
pub mod general;
pub mod hosts;
pub mod link_requests;
pub mod me;
pub mod openapi;
pub mod pubkeys;
pub mod reply;
pub mod reservations;
pub mod tenants;
pub mod user_hosts;
pub mod user_mfa;

use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::middleware::outermost::{HandlerFailure, INVALID_HOST};
use super::middleware::security_headers::public_cors;
use super::state::AppState;
use crate::domain::paths;
use error::{OVERLOADED, TmsError};

/// Time limit of a request.
pub const TIMEOUT: Duration = Duration::from_secs(25);
/// Where hosts look up keys.
pub const LOOKUP: &str = "/v1/tms/pubkeys/creds/retrieve";

pub fn router() -> Router<AppState> {
    described()
        .0
        .route("/v1", any(error::not_found))
        .route("/v1/", any(error::not_found))
        .route("/v1/{*unknown}", any(error::not_found))
        .method_not_allowed_fallback(error::method_not_allowed)
        .merge(description())
}

fn description() -> Router<AppState> {
    let router = Router::new().route(paths::OPENAPI, get(openapi::get));
    router.method_not_allowed_fallback(error::method_not_allowed).layer(public_cors())
}

/// The response to a request that got none from its handler.
pub fn respond_to_failure(failure: HandlerFailure) -> Response {
    match failure {
        HandlerFailure::TimedOut => TmsError::Busy(OVERLOADED).into_response(),
        HandlerFailure::Panicked => TmsError::Panicked.into_response(),
        HandlerFailure::InvalidHost => TmsError::BadRequest(format!("ERROR: {INVALID_HOST}")).into_response(),
    }
}

/// All endpoints, with their descriptions.
fn described() -> (Router<AppState>, OpenApi) {
    OpenApiRouter::with_openapi(openapi::base_document())
        .routes(routes!(general::hello))
        .routes(routes!(general::version))
        .routes(routes!(clients::create))
        .routes(routes!(clients::get))
        .routes(routes!(clients::list))
        .routes(routes!(clients::update))
        .routes(routes!(clients::rotate))
        .routes(routes!(clients::delete))
        .routes(routes!(user_mfa::create))
        .routes(routes!(user_mfa::get))
        .routes(routes!(user_mfa::list))
        .routes(routes!(user_mfa::update))
        .routes(routes!(user_mfa::delete))
        .routes(routes!(user_hosts::create))
        .routes(routes!(user_hosts::get))
        .routes(routes!(user_hosts::list))
        .routes(routes!(user_hosts::update))
        .routes(routes!(user_hosts::delete))
        .routes(routes!(delegations::create))
        .routes(routes!(delegations::get))
        .routes(routes!(delegations::list))
        .routes(routes!(delegations::update))
        .routes(routes!(delegations::delete))
        .routes(routes!(hosts::create))
        .routes(routes!(hosts::get))
        .routes(routes!(hosts::list))
        .routes(routes!(hosts::delete))
        .routes(routes!(hosts::check))
        .routes(routes!(hosts::refusals))
        .routes(routes!(hosts::make_credential, hosts::require_credential, hosts::remove_credential))
        .routes(routes!(link_requests::create))
        .routes(routes!(link_requests::status))
        .routes(routes!(link_requests::withdraw))
        .routes(routes!(pubkeys::create))
        .routes(routes!(pubkeys::retrieve))
        .routes(routes!(pubkeys::get))
        .routes(routes!(pubkeys::list))
        .routes(routes!(pubkeys::update))
        .routes(routes!(pubkeys::delete))
        .routes(routes!(reservations::create))
        .routes(routes!(reservations::extend))
        .routes(routes!(reservations::get))
        .routes(routes!(reservations::delete))
        .routes(routes!(reservations::delete_related))
        .routes(routes!(tenants::create, tenants::get))
        .routes(routes!(tenants::list))
        .routes(routes!(tenants::update))
        .routes(routes!(tenants::delete))
        .routes(routes!(tenants::wipe))
        .routes(routes!(me::get))
        .routes(routes!(me::get_hosts))
        .routes(routes!(me::get_keys, me::create_key))
        .routes(routes!(me::delete_key))
        .routes(routes!(me::get_refusals))
        .split_for_parts()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::extract::Request;
    use axum::middleware::from_fn;
    use tower::ServiceExt as _;
    use tracing::Span;

    use super::*;
    use crate::server::metrics::Route;
    use crate::server::middleware::outermost::{RouteRules, within_limits};

    #[tokio::test]
    async fn timeouts_and_panics_are_answered_in_json() {
        let hanging = || async { std::future::pending::<()>().await };
        async fn panicking() {
            panic!("an answer that panics, on purpose")
        }
        let rules = RouteRules { max_body: 0, timeout: Duration::ZERO, respond_to_failure, span: |_| Span::none(), route: |_| Route::TmsApi };
        let limits = from_fn(move |request, next| within_limits(rules, request, next));
        let router: Router = Router::new().route("/hangs", get(hanging)).route("/panics", get(panicking)).layer(limits);
        for (path, status) in [("/hangs", 503), ("/panics", 500)] {
            let answer = router.clone().oneshot(Request::get(path).body(Body::empty()).expect("a request")).await.expect("an answer");
            assert_eq!((answer.status().as_u16(), answer.headers().contains_key("retry-after")), (status, status == 503));
            let body = to_bytes(answer.into_body(), 1_000).await.expect("a body");
            let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(body["result_code"], status.to_string());
        }
    }
}
