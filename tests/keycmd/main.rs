//! The real `tms-keycmd`, run as sshd runs it, against a portal that is a few lines of `std::net` in this process.
//!
//! In every failure, two things are looked at every time ([`desk::Ran::said_nothing`]): not a byte on stdout, and the exit code (0 for a no, 1 without an answer).
//! Nothing sleeps; what hangs is ended by the program under test.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that cannot go on says so by panicking")]

mod desk;
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
