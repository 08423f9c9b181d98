//! What all use cases need: clock, random numbers, keys, sealing, set-up, housekeeping, examination of a deployment and results of forms.

pub mod backup;
pub mod clock;
pub mod data_lock;
pub(super) mod disk_full;
pub mod examination;
mod figures;
pub mod file_modes;
pub mod form_results;
pub mod housekeeping;
pub mod key_backup;
pub mod key_rotation;
pub mod keystore;
pub mod lasting;
pub mod liveness;
pub mod readiness;
pub(super) mod refusal_log;
pub mod restore;
pub mod rng;
pub(super) mod sealing;
pub mod setup;
pub mod signing_keys;
pub(super) mod write_throttle;
