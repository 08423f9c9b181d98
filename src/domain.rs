//! Domain types and rules, shared by server and browser: no I/O, no clock, no randomness. `docs/glossary.md` defines the words.
//!
//! - **tenant**: a computing centre, isolated from all others.
//! - **client**: a registered application that may ask people for access ("application" to people).
//! - **person**: a human with an account in a tenant, identified by a `UserId`.
//! - **host account**: a login on a host that is linked to a person.
//! - **link request**: a host's request to link one of its accounts to the person who enters its user code.
//! - **device grant**: one run of RFC 8628: a device asks, a person decides, the device fetches a token.
//! - **user code** and **device code**: the grant's two codes, for the person and for the device.
//! - **authorization**: what a person agreed to once, until a date; a delegation, token families and keys depend on it.
//! - **token family**: one sign-in of one program under an authorization, with all tokens that it gets.
//! - **authorization request**: a client's request that a person signs in and allows something, in a browser; its answer is an
//!   **authorization code**, which the client exchanges for tokens.
//! - **delegation**: permission for a client to act for a person on some or all of their host accounts, until its expiry.
//! - **SSH key**: a public key with which a client, or the person, logs in to one host account; TMS' `pubkey`.
//! - **refused lookup**: a host's key lookup that returned no key, with the reason.
//! - **reservation**: a client's lease that keeps a key valid beyond its expiry.
//! - **signing key**: a key that signs tokens: active, next or retired.
//! - **group**: a name that a tenant's administrators, or claims of a provider, give several people; clients are told.
//! - **session**: a browser's; **token**: a program's.
//! - **audit log**: the record of all events; people read their part as "Activity".

pub mod access_overview;
pub mod attempts;
pub mod audit_log;
pub mod authorization;
pub mod authorization_code;
pub mod authorization_request;
pub mod brand;
pub mod client;
pub mod client_uris;
pub mod code_challenge;
pub mod consent;
pub mod delegation;
pub mod device_grant;
pub mod display_text;
pub mod error_chain;
pub mod folding;
pub mod form;
pub mod group;
pub mod help_contact;
pub mod host;
pub mod host_account;
pub mod id_token;
pub mod ids;
pub mod link_request;
pub mod logout;
pub mod loopback;
pub mod mail;
pub mod notification;
pub mod pagination;
pub mod paths;
pub mod person;
pub mod private_key;
pub mod progress;
pub mod provider;
pub mod redirect_uri;
pub mod refused_authentication;
pub mod refused_lookup;
pub mod refused_request;
pub mod requested_access;
pub mod reservation;
pub mod resource_server;
pub mod scope;
pub mod second_factor;
pub mod sentence;
pub mod signing_key;
pub mod ssh_key;
pub mod step_up;
mod stored_words;
pub mod tenant;
pub mod tenant_overview;
pub mod text_file;
pub mod time;
pub mod token;
pub mod token_access;
pub mod token_family;
pub mod upstream_accounts;
pub mod user_code;
pub mod user_mfa;
