//! The product over real HTTP with real SQLite, in one test binary. Modules mirror URLs; each test has its own server.
//!
//! Time is the test's ([`app::TestClock`]); nothing sleeps.

mod app;
mod browser;

mod healthz;
