//! The real `tms` against a portal and a Tapis of a few lines each, with an `ssh` that only writes down how it was called.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on says so by panicking")]

mod authenticator;
mod certificates;
mod keys;
mod machine;
mod portal;
mod ssh;
mod tapis;
mod tapis_oddities;
