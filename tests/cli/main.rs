//! The real `tms`, with an `ssh` that only records its arguments: against the real portal ([`sign_in`]), and against small fakes of
//! a portal and of Tapis for responses that the real ones do not produce on demand.

#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

#[path = "../http/browser.rs"]
#[expect(dead_code, reason = "the tests in tests/http use the rest")]
mod browser;
#[path = "../shared/portal.rs"]
#[expect(dead_code, reason = "the tests in tests/ssh use the rest")]
mod real_portal;

mod authenticator;
mod authorization_server;
mod browser_flow;
mod certificates;
mod keys;
mod machine;
mod portal;
mod proxies;
mod refresh;
mod sign_in;
mod ssh;
mod ssh_refusals;
mod ssh_signals;
mod tapis;
mod tapis_errors;
