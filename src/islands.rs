//! THE INTERACTIVE BITS, all that becomes WASM. Each only adds to what works without it.
//!
//! Those of the layout listen to the whole document, so that they also work for what comes into it later.

mod confirm_dialog;
mod copying;
mod countdown;
mod documents;
mod key_file;
mod live_list;
mod local_times;
mod passkey;
mod pickup_status;
mod submit_once;
mod told;
mod user_code_input;

pub use confirm_dialog::ConfirmDialog;
pub use copying::Copying;
pub use countdown::Countdown;
pub use key_file::KeyFile;
pub use live_list::LiveList;
pub use local_times::LocalTimes;
pub use passkey::PasskeyButton;
pub use pickup_status::PickupStatus;
pub use submit_once::SubmitOnce;
pub use told::told;
pub use user_code_input::UserCodeInput;
