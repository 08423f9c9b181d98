//! Components that pages share: a small set on plain HTML elements.

mod client_name;
mod command;
mod confirm;
mod consent;
mod enter_code;
mod header;
mod layout;
mod list;
mod messages;
mod notifications;
mod page;
mod post_form;
mod refused_logins;
mod resource_access;
mod session;
mod time;
mod told;
mod you_are;

pub use client_name::{ClientName, ClientTrustBadge};
pub use command::{Command, Copyable};
pub use confirm::{AlreadyGone, Confirm, Hidden, back_url, confirm_url};
pub use consent::{HostChoices, LifetimeChoices, RequestFacts, StartedThis};
pub use enter_code::{EnterCodeForm, other_tenant};
pub use layout::{Frame, Layout, Preferences};
pub use list::{EmptyList, List, ListField, ListOption, PageLinks};
pub use messages::{FlashMessage, FormError, HelpContactLine, HelpLink, ServerError, TenantHelpContact};
pub use notifications::Notifications;
pub use page::{DocumentTitle, PageContent};
pub use post_form::PostForm;
pub use refused_logins::{HostRefusedLogins, MyRefusedLogins, PersonRefusedLogins};
pub use resource_access::ResourceAccess;
pub use session::SessionIslands;
pub use time::{ExactTime, RelativeTime, RelativeTimeOrNever};
pub use told::told;
pub use you_are::YouAre;
