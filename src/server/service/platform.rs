//! What every use case relies on: clock, random numbers, keys, sealing, set-up, clean-up and repeated forms.

pub mod clock;
pub mod form_results;
pub mod housekeeping;
pub mod keystore;
pub mod rng;
pub(super) mod sealing;
pub mod setup;
pub(super) mod write_throttle;
