//! The real `tms-keycmd`, run as sshd runs it, against a fake portal in this process.
//!
//! Every failure is checked for no output on stdout and for the exit code (0 for a denial, 1 for a failure). Nothing sleeps; what
//! hangs is ended by the program under test.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that cannot go on says so by panicking")]

mod host;
mod portal;

mod answers;
mod arguments;
mod caching;
mod check;
mod hanging;
mod link;
mod secrets;
mod settings;
mod tls;
