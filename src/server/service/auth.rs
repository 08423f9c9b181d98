//! Authentication: principals, passwords, sign-in through providers, second factors, browser sessions.

pub(super) mod attempts;
pub mod browser_sessions;
pub mod identities;
pub mod invitations;
pub mod people;
pub mod principals;
pub mod refusals;
pub mod second_factors;
pub mod upstream_login;
pub mod upstream_logout;
