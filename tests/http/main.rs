//! The portal over real HTTP with a real database, in one test binary. Modules mirror URLs; each test has its own server.
//!
//! The test sets the time ([`app::TestClock`]); nothing sleeps.

#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, reason = "a test that cannot go on says so by panicking")]

mod app;
mod browser;
mod database;
#[path = "../shared/database_proxy.rs"]
#[expect(dead_code, reason = "the tests in tests/crash use the rest")]
mod database_proxy;
mod institution;
mod portals;
mod postgres;

mod activity;
mod admin;
mod apis;
mod apps;
mod architecture;
mod authorizations;
mod authorize;
mod clients;
mod clock;
mod copy;
mod database_faults;
mod device;
mod display_text;
mod documents;
mod errors;
mod forms;
mod guards;
mod healthz;
mod home;
mod host_header;
mod hosts;
mod housekeeping;
mod key_rotation;
mod keys;
mod links;
mod lists;
mod logout;
mod mail;
mod migration;
mod notifications;
mod oauth;
mod openid;
mod operator;
mod passwords;
mod preferences;
mod providers;
mod races;
mod retention;
mod schema;
mod second_factors;
mod secrets;
mod sessions;
mod sign_in;
mod sign_out;
mod signing_keys;
mod statements;
mod static_files;
mod tenants;
mod tms;
mod upstream_accounts;
mod urls;
