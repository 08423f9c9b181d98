//! EVERYTHING THAT NEVER REACHES THE BROWSER.

mod brand;
pub mod cli;
pub mod config;
pub mod context;
mod draining;
mod export;
pub mod listen;
pub mod mail;
mod messages;
pub mod metrics;
pub mod middleware;
mod not_found;
pub mod oauth;
pub(crate) mod preferences;
pub mod providers;
pub mod request_context;
pub mod request_id;
pub mod router;
pub mod service;
pub mod sign_in;
pub mod state;
pub mod storage;
pub mod telemetry;
pub mod tls;
pub mod tms;
mod user_agent;
