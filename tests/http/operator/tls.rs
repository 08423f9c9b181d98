//! `tms-portal serve` with TLS.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use reqwest::{Certificate, Client};

use super::Deployment;
use super::serve::Server;

/// A client that trusts this authority only.
pub fn trusting(pem: &[u8]) -> Client {
    let certificate = Certificate::from_pem(pem).expect("a certificate");
    Client::builder().tls_built_in_root_certs(false).add_root_certificate(certificate).build().expect("a client")
}

fn ca(deployment: &Deployment) -> Vec<u8> {
    fs::read(deployment.path().join("data/tls/ca.pem")).expect("the authority's certificate")
}

#[tokio::test]
async fn https_requires_trust_in_the_development_ca() {
    let deployment = Deployment::set_up().await;
    let server = Server::start_with(&deployment, &["--tls-self-signed"]);
    let port = server.address.port();
    let url = format!("https://127.0.0.1:{port}/healthz");
    let client = trusting(&ca(&deployment));
    for url in [&url, &format!("https://localhost:{port}/healthz")] {
        let answer = client.get(url).send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_11), "{url}");
        assert!(answer.headers().contains_key("strict-transport-security"), "{url}");
    }
    let page = client.get(format!("https://127.0.0.1:{port}/sign-in")).send().await.expect("an answer");
    assert_eq!(page.status(), 200);
    let stranger = Client::new().get(&url).send().await.expect_err("it is not known to the world");
    assert!(format!("{stranger:?}").contains("UnknownIssuer"), "{stranger:?}");
    assert!(Client::new().get(format!("http://127.0.0.1:{port}/healthz")).send().await.is_err(), "there is no way around TLS");

    let file = deployment.path().join("data/tls/ca.pem").display().to_string();
    for said in [format!("curl --cacert {file} https://"), format!("SSL_CERT_FILE={file}"), format!("TMS_CA_FILE={file} tms login --server https://")]
    {
        assert!(server.said.contains(&said), "{said}\n{}", server.said);
    }
}

#[tokio::test]
async fn restart_keeps_the_ca_and_its_private_keys() {
    let deployment = Deployment::set_up().await;
    let first = ca_after_start(&deployment).await;
    assert_eq!(ca_after_start(&deployment).await, first);
    for file in ["ca-key.pem", "server.pem"] {
        let mode = fs::metadata(deployment.path().join("data/tls").join(file)).expect(file).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn public_address_with_development_ca_warns() {
    let deployment = Deployment::set_up().await;
    let reachable = ["--test-tenant-anywhere", "--tls-self-signed", "--public-url", "https://tms.example.org"];
    let refused = deployment.run(&[&["check"], &reachable[1..]].concat());
    assert!(refused.code == Some(2) && refused.err.contains("add --tls-self-signed-anywhere"), "{}", refused.err);
    let server = Server::start_with(&deployment, &[&reachable[..], &["--tls-self-signed-anywhere"]].concat());
    assert!(server.said.contains("FOR DEVELOPMENT ONLY"), "{}", server.said);
    let certificate = Certificate::from_pem(&ca(&deployment)).expect("a certificate");
    let client = Client::builder().add_root_certificate(certificate).resolve("tms.example.org", server.address).build().expect("a client");
    let url = format!("https://tms.example.org:{}/healthz", server.address.port());
    assert_eq!(client.get(url).send().await.expect("an answer").status(), 200);
}

/// Starts, sends a request, and stops within the time limit although the client is still connected.
async fn ca_after_start(deployment: &Deployment) -> Vec<u8> {
    let mut server = Server::start_with(deployment, &["--tls-self-signed"]);
    let ca = ca(deployment);
    let client = trusting(&ca);
    assert_eq!(client.get(format!("https://{}/healthz", server.address)).send().await.expect("an answer").status(), 200);
    let asked = Instant::now();
    server.signal("-TERM");
    assert_eq!(server.child.wait().expect("ended").code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    ca
}

#[tokio::test]
async fn operators_own_certificate_is_used() {
    let deployment = Deployment::set_up().await;
    drop(Server::start_with(&deployment, &["--tls-self-signed"]));
    // Certificate and key in one file, used for both settings.
    fs::copy(deployment.path().join("data/tls/server.pem"), deployment.path().join("both.pem")).expect("copied");
    let ca = ca(&deployment);
    fs::remove_dir_all(deployment.path().join("data/tls")).expect("removed");
    let arguments = ["--tls-cert", "both.pem", "--tls-key", "both.pem", "--public-url", "https://localhost"];
    let server = Server::start_with(&deployment, &arguments);
    assert_eq!(trusting(&ca).get(format!("https://{}/healthz", server.address)).send().await.expect("an answer").status(), 200);
    assert!(!deployment.path().join("data/tls").exists() && !server.said.contains("for development"), "{}", server.said);

    let said = deployment.run(&["check", "--tls-cert", "both.pem", "--tls-key", "Leptos.toml", "--public-url", "https://localhost"]);
    assert!(said.code == Some(2) && said.err.contains("--tls-key: cannot read Leptos.toml"), "{}", said.err);
}
