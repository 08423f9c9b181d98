//! Rules and words, the same for server and browser: no I/O, no clock, no randomness.
//!
//! - **tenant**: a computing centre; nothing crosses from one to another.
//! - **client**: an application that a tenant trusts ("application" to people).
//! - **person**: somebody with an account in a tenant, named by a `UserId`.
//! - **host account**: a login on a host that a person has linked.
//! - **link request**: somebody logged in to a host account asks for it to be linked; whoever enters the code decides.
//! - **device grant**: one run of RFC 8628: a device asks, a person decides, the device fetches a token.
//! - **user code** and **device code**: the grant's two names, one for the person, one for the machine.
//! - **delegation**: a person's permission for a client to act for them on some host accounts, until a date.
//! - **pubkey**: the public half of an SSH key that lets a client, or the person, in to one host account.
//! - **reservation**: a client's lease that keeps a key going beyond its end.
//! - **session**: a browser's; **token**: a machine's.
//! - **activity**: the record of what happened.

pub mod attempts;
pub mod audit_log;
pub mod brand;
pub mod client;
pub mod delegation;
pub mod device_grant;
pub mod display_text;
pub mod folding;
pub mod form;
pub mod host;
pub mod host_account;
pub mod ids;
pub mod link_request;
pub mod loopback;
pub mod page;
pub mod pagination;
pub mod paths;
pub mod person;
pub mod private_key;
pub mod provider;
pub mod reservation;
pub mod scope;
pub mod second_factor;
pub mod sentence;
pub mod ssh_key;
pub mod step_up;
pub mod tenant;
pub mod text_file;
pub mod time;
pub mod token;
pub mod upstream_accounts;
pub mod user_code;
pub mod user_mfa;
