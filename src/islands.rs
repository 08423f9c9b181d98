//! Islands: the components that also run in the browser, as WASM. Each improves a page that works without it.
//!
//! Islands of the layout listen to the whole document, so that they also serve elements that are inserted later.

mod confirm_dialog;
mod copying;
mod countdown;
mod documents;
mod kept_entries;
mod key_file;
mod live_list;
mod local_times;
mod passkey;
mod pickup_status;
mod session_watch;
mod submit_once;
mod user_code_input;

pub use confirm_dialog::ConfirmDialog;
pub use copying::Copying;
pub use countdown::Countdown;
pub use kept_entries::KeptEntries;
pub use key_file::KeyFile;
pub use live_list::LiveList;
pub use local_times::LocalTimes;
pub use passkey::PasskeyButton;
pub use pickup_status::PickupStatus;
pub use session_watch::SessionWatch;
pub use submit_once::SubmitOnce;
pub use user_code_input::UserCodeInput;
