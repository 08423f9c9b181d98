//! Logins through OpenSSH: a real sshd on loopback runs the real `tms-keycmd`, which asks the real portal.
//!
//! Every refusal stands beside a login that works, so that it is refused for the reason it is said to be. Nothing sleeps: what has
//! to be old is made old in the database. Where there is no sshd, or it may not be run, every test says SKIPPED on stderr; see
//! [`ground`], and `.make/sshd` for making it ready.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that cannot go on says so by panicking")]

#[path = "../http/browser.rs"]
#[expect(dead_code, reason = "the tests in tests/http use the rest")]
mod browser;
#[path = "../shared/portal.rs"]
#[expect(dead_code, reason = "the tests in tests/crash use the rest")]
mod portal;

mod ground;
mod host;
mod world;

mod command_line;
mod ends;
mod linking;
mod logins;
mod outages;
mod settings;
