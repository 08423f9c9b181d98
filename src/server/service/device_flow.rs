//! The device authorization flow (RFC 8628): starting and polling grants, submitting user codes, consent and decisions.

pub mod consent;
pub(super) mod decisions;
pub mod device_grants;
pub(super) mod poll_pacing;
pub mod user_codes;
