//! What pages share: one small set of our own components on plain HTML elements.

mod client_name;
mod command;
mod confirm;
mod enter_code;
mod layout;
mod list;
mod page;
mod post_form;
mod problem;
mod time;
mod you_are;

pub use client_name::ClientName;
pub use command::{Command, Copyable};
pub use confirm::{Confirm, Gone, Hidden, asked_here, list_asked_from};
pub use enter_code::{EnterCodeForm, other_tenant};
pub use layout::{Frame, Layout};
pub use list::{Choice, Empty, List};
pub use page::{DocumentTitle, Page};
pub use post_form::PostForm;
pub use problem::{Help, Problem, Said, Sorry};
pub use time::{Ago, AgoOrNever, At};
pub use you_are::YouAre;
