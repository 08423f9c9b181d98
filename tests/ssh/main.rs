//! Logins through OpenSSH: a real sshd on loopback runs the real `tms-keycmd`, which uses the real portal.
//!
//! Each refusal is tested beside a successful login, so that its reason is the intended one. Nothing sleeps: rows are made old in
//! the database. Without a usable sshd, every test prints SKIPPED on stderr; see [`environment`], and `.make/sshd` for the setup.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that cannot go on says so by panicking")]

#[path = "../http/browser.rs"]
#[expect(dead_code, reason = "the tests in tests/http use the rest")]
mod browser;
#[path = "../shared/portal.rs"]
#[expect(dead_code, reason = "the tests in tests/crash use the rest")]
mod portal;

mod environment;
mod fixture;
mod host;

mod command_line;
mod ends;
mod linking;
mod logins;
mod outages;
mod settings;
