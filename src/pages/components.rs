//! Components that pages share: a small set on plain HTML elements.

mod client_name;
mod command;
mod confirm;
mod enter_code;
mod layout;
mod list;
mod messages;
mod page;
mod post_form;
mod time;
mod you_are;

pub use client_name::ClientName;
pub use command::{Command, Copyable};
pub use confirm::{AlreadyGone, Confirm, Hidden, back_url, confirm_url};
pub use enter_code::{EnterCodeForm, other_tenant};
pub use layout::{Frame, Layout};
pub use list::{EmptyList, List, ListOption};
pub use messages::{FlashMessage, FormError, HelpLink, ServerError};
pub use page::{DocumentTitle, PageContent};
pub use post_form::PostForm;
pub use time::{ExactTime, RelativeTime, RelativeTimeOrNever};
pub use you_are::YouAre;
