//! `HTTP_PROXY` and the like: not used for loopback servers, and named in errors.

use std::fs;
use std::io::{BufReader, Write};
use std::net::TcpListener;

use crate::authenticator::Authenticator;
use crate::machine::{Machine, Run};
use crate::portal::{Portal, read_request};

const VARIABLES: [&str; 6] = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

#[test]
fn loopback_server_bypasses_the_proxy() {
    let (portal, tapis, proxy) = (Portal::start(), Authenticator::start(), Portal::start());
    let machine = Machine::signed_in_to(&portal);
    let login = tapis.login();
    let localhost = portal.url.replace("127.0.0.1", "localhost");
    for variable in VARIABLES {
        for words in [&["hosts"][..], &["keys"], &["ssh", "testhost1"], &["hosts", "--server", &localhost, "--tenant", "test"], &login] {
            Run::of(machine.command(words).env(variable, &proxy.url).env("NO_PROXY", "").output().unwrap());
            assert!(proxy.requests().is_empty(), "{variable} {words:?}");
        }
    }
    assert!(!portal.requests().is_empty() && !tapis.requests().is_empty());
}

/// They are not looked up: a name server may not know them, or resolve them elsewhere.
#[test]
fn loopback_names_resolve_to_this_machine() {
    let portal = Portal::start();
    for name in ["localhost", "localhost.", "tms.localhost"] {
        let machine = Machine::signed_in_to(&portal);
        let credentials = fs::read_to_string(machine.path("state/credentials.json")).unwrap();
        machine.write("state/credentials.json", &credentials.replace("127.0.0.1", name), 0o600);
        let run = machine.tms(&["hosts"]);
        assert_eq!((run.code, portal.requests().len()), (Some(0), 1), "{name}: {run:?}");
    }
}

#[test]
fn proxy_is_named_in_errors_without_credentials() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = format!("http://me:secret@{closed}");
    let machine = Machine::new();
    for (variable, server) in
        [("HTTPS_PROXY", "https://portal.example.org"), ("HTTP_PROXY", "http://portal.example.org"), ("ALL_PROXY", "https://portal.example.org")]
    {
        let words = ["login", "--server", server, "--insecure-http", "--tenant", "test"];
        let run = Run::of(machine.command(&words).env(variable, &proxy).output().unwrap());
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.contains(&format!("no response from {server}")) && run.err.contains(&format!("(through the proxy {closed})")), "{run:?}");
        assert!(run.err.contains("HTTPS_PROXY") && !run.err.contains("secret"), "{run:?}");
        let run = Run::of(
            machine.command(&["tapis", "login", "--base-url", server, "--client-id", "x", "--insecure-http"]).env(variable, &proxy).output().unwrap(),
        );
        assert!(run.err.contains(&format!("(through the proxy {closed})")), "{run:?}");
    }
}

#[test]
fn proxy_error_response_names_the_proxy() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (stream, status) in listener.incoming().flatten().zip(["407 X", "502 X", "403 X", "302 X\r\nlocation: http://login.example.org/"]) {
            let mut stream = BufReader::new(stream);
            read_request(&mut stream).unwrap();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>");
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    let machine = Machine::new();
    let words = ["login", "--server", "http://portal.example.org", "--insecure-http", "--tenant", "test"];
    for said in ["HTTP 407", "HTTP 502", "HTTP 403", "redirected to http://login.example.org/"] {
        let run = Run::of(machine.command(&words).env("HTTP_PROXY", format!("http://{address}")).output().unwrap());
        assert!(run.code == Some(1) && run.err.contains(said) && run.err.contains(&format!("(through the proxy {address})")), "{said}: {run:?}");
    }
}
