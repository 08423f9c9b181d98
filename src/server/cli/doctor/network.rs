//! The port, the certificate, and the proxy in front of the portal.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use super::Finding;
use crate::domain::error_chain::root_cause;
use crate::domain::paths;
use crate::domain::time::Timestamp;
use crate::server::config::Config;
use crate::server::service::auth::principals::DEFAULT_TENANT;
use crate::server::tls::TlsMode;
use crate::server::tls::inspection::CertificateFinding;

const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// Whether the address can be listened on, or a portal does so already.
pub async fn port(config: &Config) -> Finding {
    const CHECK: &str = "port";
    let address = config.listen;
    let error = match TcpListener::bind(address) {
        Ok(_) => return Finding::ok(CHECK, format!("{address} is free: no portal listens on it")),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::AddrInUse if is_portal(config).await => Finding::ok(CHECK, format!("a portal answers on {address}")),
        ErrorKind::AddrInUse => {
            let advice = "stop the other program, or set another address (--listen, TMS_LISTEN or site-addr)";
            Finding::error(CHECK, format!("{address} is in use, and no portal answers there"), advice)
        }
        ErrorKind::PermissionDenied => {
            let advice = "set a port from 1024 on, or give the portal CAP_NET_BIND_SERVICE (AmbientCapabilities= in its unit)";
            Finding::error(CHECK, format!("this user may not listen on {address}: {error}"), advice)
        }
        _ => Finding::error(
            CHECK,
            format!("cannot listen on {address}: {error}"),
            "set an address of this machine (--listen, TMS_LISTEN or site-addr)",
        ),
    }
}

/// Whether metrics can be served, and who can read them.
pub fn metrics(listen: Option<SocketAddr>) -> Finding {
    const CHECK: &str = "metrics";
    let Some(address) = listen else { return Finding::ok(CHECK, "off") };
    match TcpListener::bind(address) {
        // The portal's listener, if it runs.
        Err(error) if error.kind() != ErrorKind::AddrInUse => {
            let advice = "set an address of this machine (--metrics-listen, TMS_METRICS_LISTEN or metrics-listen)";
            Finding::error(CHECK, format!("cannot listen on {address}: {error}"), advice)
        }
        _ if !address.ip().is_loopback() => {
            let advice = "set a loopback address, or let only the monitoring reach this one";
            Finding::warning(CHECK, format!("{address} has no authentication, and others may reach it"), advice)
        }
        _ => Finding::ok(CHECK, format!("on {address}, for this machine only")),
    }
}

/// Whether the metadata at the public URL name the portal's issuer to the letter, as clients compare it (RFC 8414 §3.3). Nothing while no portal
/// listens.
pub async fn issuer(config: &Config) -> Option<Finding> {
    const CHECK: &str = "issuer";
    const ADVICE: &str = "set the public URL (--public-url) that clients use, and have the proxy pass all paths to the portal";
    if !is_portal(config).await {
        return None;
    }
    let issuer = format!("{}/t/{DEFAULT_TENANT}", config.public_url);
    let url = format!("{issuer}{}", paths::OAUTH_METADATA);
    let client = reqwest::Client::builder().no_proxy().timeout(ANSWERS_WITHIN);
    let client = client.danger_accept_invalid_certs(matches!(config.tls, TlsMode::Development)).build();
    let response = match client {
        Ok(client) => client.get(&url).send().await,
        Err(error) => Err(error),
    };
    let response = match response {
        Ok(response) => response,
        // Other machines may reach it.
        Err(error) => return Some(Finding::warning(CHECK, format!("cannot fetch {url} from here: {}", root_cause(&error)), ADVICE)),
    };
    let status = response.status();
    let metadata: serde_json::Value = response.json().await.unwrap_or_default();
    Some(match metadata.get("issuer").and_then(serde_json::Value::as_str) {
        Some(named) if named == issuer => Finding::ok(CHECK, format!("{url} names {issuer}")),
        Some(named) => Finding::error(CHECK, format!("{url} names {}, not {issuer}", named.escape_debug()), ADVICE),
        None => Finding::error(CHECK, format!("{url} has no metadata of the portal (HTTP {})", status.as_u16()), ADVICE),
    })
}

/// Whether the program that listens on the portal's address answers as a portal does.
async fn is_portal(config: &Config) -> bool {
    let scheme = if matches!(config.tls, TlsMode::External) { "http" } else { "https" };
    let url = format!("{scheme}://{}{}", reachable(config.listen), paths::HEALTHZ);
    // The certificate is for the public URL's host. It does not matter here: nothing is sent, and anyone may see the response.
    let client = reqwest::Client::builder().no_proxy().timeout(ANSWERS_WITHIN).danger_accept_invalid_certs(true).build();
    let Ok(client) = client else { return false };
    match client.get(url).send().await {
        Ok(response) if response.status().is_success() => response.text().await.is_ok_and(|text| text == "ok\n"),
        _ => false,
    }
}

/// An address of this machine, if the listener has all of them.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Whether clients accept the certificate. That it matches its key and the public URL was checked with the settings.
pub fn certificate(tls: &TlsMode, now: Timestamp) -> Vec<Finding> {
    const CHECK: &str = "certificate";
    let tls = match tls {
        TlsMode::External => return vec![Finding::ok(CHECK, "none here: TLS ends elsewhere, or is not used")],
        TlsMode::Development => return vec![Finding::ok(CHECK, "a development certificate, which is renewed in time")],
        TlsMode::OperatorCertificate(tls) => tls,
    };
    let findings: Vec<Finding> = tls
        .findings(now)
        .into_iter()
        .map(|found| match found {
            CertificateFinding::Refused(why) => Finding::error(CHECK, why, "replace it"),
            CertificateFinding::Warning(why) => Finding::warning(CHECK, why, "replace it"),
        })
        .collect();
    if !findings.is_empty() {
        return findings;
    }
    let end = tls.expires_at().map_or_else(String::new, |end| format!(", and is valid until {}", end.humanize()));
    vec![Finding::ok(CHECK, format!("it matches its key and the public URL{end}"))]
}

/// Whether the client's address can be learnt from the proxy that terminates TLS.
pub fn proxy(config: &Config) -> Vec<Finding> {
    const CHECK: &str = "proxy";
    if !config.https() || !matches!(config.tls, TlsMode::External) {
        return vec![Finding::ok(CHECK, "none is expected: the public URL is that of this listener")];
    }
    let networks = &config.trusted_proxies.networks;
    let local = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    let mut findings = Vec::new();
    if networks.is_empty() {
        let advice = "name the proxy in trusted-proxies; without it all people share the limits of one client IP";
        findings.push(Finding::warning(CHECK, "the public URL is https, but no proxy is trusted", advice));
    } else if config.listen.ip().is_loopback() && !networks.iter().any(|network| local.iter().any(|address| network.contains(address))) {
        let advice = "add \"127.0.0.1/32\" to trusted-proxies";
        findings.push(Finding::warning(CHECK, "the portal listens on this machine only, and no proxy on this machine is trusted", advice));
    }
    if networks.iter().any(|network| network.prefix_len() == 0) {
        let advice = "name the proxy's own addresses: anyone can set the header otherwise";
        findings.push(Finding::warning(CHECK, "all addresses are trusted as proxies", advice));
    }
    if findings.is_empty() {
        let header = if config.trusted_proxies.header.is_some() { "the header of forwarded-header" } else { "X-Forwarded-For, or else Forwarded" };
        findings.push(Finding::ok(CHECK, format!("the client IP is read from {header}")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listener_on_all_addresses_is_asked_on_loopback() {
        for (listen, asked) in [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("10.0.0.1:80", "10.0.0.1:80")] {
            assert_eq!(reachable(listen.parse().expect("an address")).to_string(), asked);
        }
    }
}
