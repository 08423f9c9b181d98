//! THE INTERACTIVE BITS, all that becomes WASM. Each only adds to what works without it.

mod copy_button;
mod countdown;
mod one_press;
mod pickup_status;
mod user_code_input;

pub use copy_button::CopyButton;
pub use countdown::Countdown;
pub use one_press::OnePress;
pub use pickup_status::PickupStatus;
pub use user_code_input::UserCodeInput;
