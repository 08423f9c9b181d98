//! The authorization code flow (RFC 6749 §4.1, OpenID Connect Core §3.1): requests in the browser, decisions, and codes.

mod codes;
pub mod decisions;
pub mod next_step;
pub mod redemption;
pub mod refused_requests;
pub mod requests;
