//! What pages share.

mod client_name;
mod command;
mod layout;
mod page;
mod problem;
mod time;

pub use client_name::ClientName;
pub use command::Command;
pub use layout::{Frame, Layout};
pub use page::Page;
pub use problem::{Problem, Sorry};
pub use time::Time;
