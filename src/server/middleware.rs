//! Middleware: layers that every request passes.

pub mod bearer;
pub mod client_ip;
pub mod cookies;
pub mod form_fill;
pub mod forms;
pub mod http_error;
pub mod once;
pub mod outermost;
pub mod page_runtime;
pub mod rate_limit;
pub mod require_sign_in;
pub mod security_headers;
pub mod unavailable;
