//! The real `tms` against a portal of a few lines, with an `ssh` that only writes down how it was called.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on says so by panicking")]

mod certificates;
mod keys;
mod machine;
mod portal;
mod ssh;
