//! What every request passes before it is looked at.

pub mod apart;
pub mod client_address;
pub mod cookies;
pub mod form_fill;
pub mod forms;
pub mod headers;
pub mod once;
pub mod rate_limit;
pub mod sign_in_required;
pub mod trouble;
