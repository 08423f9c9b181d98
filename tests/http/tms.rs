//! The TMS API, as used by clients.

pub mod api;
pub mod endpoints;

mod audit_log;
mod auto_provisioning;
mod bad_input;
mod clients;
mod consent;
mod faults;
mod general;
mod host_names;
mod hosts;
mod isolation;
mod me;
mod me_keys;
mod openapi;
mod paging;
mod people;
mod pubkeys;
mod refusals;
mod registrations;
mod reservations;
mod retrieve;
mod tenants;
mod wire;

use crate::app::Answer;

/// The status of an error, after checking its format: the status as a text, and a message.
pub fn error(answer: &Answer) -> u16 {
    let members: Vec<&str> = answer.body.as_object().map(|body| body.keys().map(String::as_str).collect()).unwrap_or_default();
    assert_eq!(members, ["result_code", "result_msg"], "{} {}", answer.status, answer.body);
    assert_eq!(answer.body["result_code"], answer.status.to_string());
    assert!(answer.body["result_msg"].as_str().is_some_and(|sentence| !sentence.is_empty()));
    assert_eq!((answer.header("content-type"), answer.headers.get("set-cookie")), ("application/json", None));
    answer.status
}
