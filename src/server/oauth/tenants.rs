//! `GET /t`: the tenants in which people can sign in, as the sign-in page lists them; without disabled ones.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::error::OAuthError;
use crate::server::service::Services;
use crate::wire::{SignInTenant, SignInTenants};

pub async fn get(State(services): State<Services>) -> Result<impl IntoResponse, OAuthError> {
    let tenants = services.sign_in_tenants().await?.into_iter();
    let tenants =
        tenants.map(|tenant| SignInTenant { issuer: services.issuer(&tenant.id), tenant: tenant.id.into(), display_name: tenant.display_name });
    Ok(([(header::CACHE_CONTROL, "public, max-age=60")], Json(SignInTenants { tenants: tenants.collect() })))
}
