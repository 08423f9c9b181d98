//! Metrics of a running portal, and the documents about them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use regex::Regex;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tms_portal::server::metrics::families::{Exported, FAMILIES, Family, Kind};
use yaml_rust2::{Yaml, YamlLoader};

use super::Deployment;
use super::certificates::{OPTIONS, params, write_certificate};
use super::doctor::diagnose;
use super::reload::Logged;
use super::settings::append;
use super::start::taken;
use super::tls::trusting;
use crate::postgres;

const DOCS: &str = include_str!("../../../docs/monitoring.md");
const ALERTS: &str = include_str!("../../../docs/monitoring/alerts.yml");
const DASHBOARD: &str = include_str!("../../../docs/monitoring/grafana-dashboard.json");
const LISTEN: [&str; 2] = ["--metrics-listen", "127.0.0.1:0"];

/// The URL of the metrics of a portal that has started.
fn address(portal: &Logged) -> String {
    let line = portal.wait_for("Serving metrics");
    let (_, address) = line.split_once("address=").expect("it names the address");
    format!("http://{}", address.split_whitespace().next().expect("an address"))
}

async fn scrape(url: &str) -> String {
    let response = Client::new().get(format!("{url}/metrics")).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    response.text().await.expect("a text")
}

/// The values of all series.
struct Series(BTreeMap<String, f64>);

impl Series {
    fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(lines.map(|line| line.rsplit_once(' ').expect(line)).map(|(name, value)| (name.to_owned(), value.parse().expect(value))).collect())
    }

    #[track_caller]
    fn value(&self, series: &str) -> f64 {
        self.0.get(series).copied().unwrap_or_else(|| panic!("{series} is not exported: {:?}", self.0.keys()))
    }

    /// The sum of the series of a name that have this label.
    fn sum(&self, name: &str, label: &str) -> f64 {
        self.0.iter().filter(|(series, _)| series.starts_with(&format!("{name}{{")) && series.contains(label)).map(|(_, value)| value).sum()
    }
}

fn exported(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

fn names(of: impl Fn(&Family) -> bool) -> BTreeSet<&'static str> {
    FAMILIES.iter().filter(|family| of(family)).map(|family| family.name).collect()
}

fn word(kind: &Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
    }
}

#[tokio::test]
async fn metrics_are_off_by_default_and_never_on_the_public_address() {
    let deployment = Deployment::set_up().await;
    let off = Logged::start(&deployment, &[]);
    let http = Client::new();
    let status = async |method: Method, url: String| http.request(method, url).send().await.expect("an answer").status().as_u16();
    assert_eq!(status(Method::GET, format!("{}/metrics", off.server.url())).await, 404);
    drop(off);
    let said = deployment.run(&["check"]);
    assert!(said.out.contains("\n  metrics     off\n"), "{}", said.out);

    let portal = Logged::start(&deployment, &LISTEN);
    let url = address(&portal);
    let response = http.get(format!("{url}/metrics")).send().await.expect("an answer");
    assert_eq!((response.status().as_u16(), response.headers()["content-type"].as_bytes()), (200, &b"text/plain; version=0.0.4"[..]));
    assert_eq!(status(Method::GET, format!("{}/metrics", portal.server.url())).await, 404);
    for path in ["/", "/metrics/", "/healthz", "/readyz", "/metrics/x", "/v1/tms/version"] {
        assert_eq!(status(Method::GET, format!("{url}{path}")).await, 404, "{path}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        assert_eq!(status(method.clone(), format!("{url}/metrics")).await, 405, "{method}");
    }
}

#[tokio::test]
async fn address_for_metrics_in_use_refuses_the_start() {
    let (_taken, address) = taken();
    let fresh = Deployment::empty();
    let said = fresh.run(&["serve", "--listen", "127.0.0.1:0", "--metrics-listen", &address]);
    assert!(said.code == Some(1) && said.err.contains(&format!("cannot listen on {address} for metrics")), "{}", said.err);
    assert!(!fresh.path().join("data").exists(), "nothing is created");

    let said = fresh.run(&["check", "--listen", "127.0.0.1:3000", "--metrics-listen", "127.0.0.1:3000"]);
    assert!(said.code == Some(2) && said.err.contains("--metrics-listen: 127.0.0.1:3000 is the portal's own address"), "{}", said.err);
}

#[tokio::test]
async fn others_than_this_machine_are_warned_of() {
    let deployment = Deployment::set_up().await;
    let portal = Logged::start(&deployment, &["--metrics-listen", "0.0.0.0:0"]);
    let line = portal.wait_for("Metrics have no authentication");
    assert!(line.contains("WARN"), "{line}");
    for (address, level) in [("0.0.0.0:0", "warning"), ("127.0.0.1:0", "ok"), ("192.0.2.1:9464", "error")] {
        let (_, findings) = diagnose(&deployment, &["--metrics-listen", address]);
        let found = findings.iter().find(|(_, check, _)| check == "metrics").expect("a finding");
        assert_eq!(found.0, level, "{address}: {found:?}");
    }
}

/// A request for each kind of route; the answers do not matter.
async fn request_all(portal: &str, http: &Client) -> [&'static str; 9] {
    let lookup = json!({ "user": "x", "host": "x", "public_key_fingerprint": "SHA256:x" });
    for request in [
        http.post(format!("{portal}/v1/tms/pubkeys/creds/retrieve")).json(&lookup),
        http.get(format!("{portal}/v1/tms/version")),
        http.post(format!("{portal}/t/test/oauth/device_authorization")).form(&[("client_id", "tms-cli")]),
        http.get(format!("{portal}/device")),
        http.post(format!("{portal}/api/hosts/list")),
        http.get(format!("{portal}/sign-in")),
        http.get(format!("{portal}/nowhere.svg")),
        http.get(format!("{portal}/healthz")),
        http.get(format!("{portal}/brand/test.css")),
        http.post(format!("{portal}/sign-in/password")).form(&[("tenant", "test"), ("user_name", "testuser1"), ("password", "wrong")]),
    ] {
        request.send().await.expect("an answer");
    }
    ["key_lookup", "tms_api", "oauth", "page", "form", "sign_in", "static_file", "probe", "other"]
}

#[tokio::test]
async fn every_metric_is_exported_and_counts() {
    let deployment = Deployment::set_up().await;
    append(&deployment, "backup-dir = \"backups\"\n");
    if !postgres::is_used() {
        deployment.back_up(&[]);
    }
    let certificate = write_certificate(&deployment, &params());
    let portal = Logged::start(&deployment, &[&OPTIONS[..], &LISTEN].concat());
    let (url, http) = (address(&portal), trusting(certificate.as_bytes()));
    let routes = request_all(&format!("https://{}", portal.server.address), &http).await;

    let expected = names(|family| match family.exported {
        Exported::Always | Exported::Certificate => true,
        Exported::Sqlite | Exported::Backup => !postgres::is_used(),
    });
    // Some are measured by tasks that have begun with the portal.
    let complete = async {
        loop {
            let text = scrape(&url).await;
            if exported(&text).len() >= expected.len() {
                return text;
            }
        }
    };
    let text = tokio::time::timeout(Duration::from_secs(30), complete).await.unwrap_or_default();
    assert_eq!(exported(&text), expected, "{text}");
    for Family { name, kind, .. } in FAMILIES.iter().filter(|family| expected.contains(family.name)) {
        let kind = word(kind);
        assert!(text.contains(&format!("# TYPE {name} {kind}\n")), "{name}");
    }

    let series = Series::parse(&text);
    for route in routes {
        let label = format!("route=\"{route}\"");
        assert!(series.sum("tms_http_requests_total", &label) >= 1.0, "{route}: {text}");
        let measured = series.value(&format!("tms_http_request_duration_seconds_count{{{label}}}"));
        assert!((measured - series.sum("tms_http_requests_total", &label)).abs() < 0.5, "{route}");
    }
    for (name, least) in [
        ("tms_key_lookups_total{outcome=\"not_found\"}", 0.0),
        ("tms_sign_ins_total{method=\"password\",result=\"refused\"}", 1.0),
        ("tms_authentication_refusals_total{kind=\"password\",reason=\"wrong\"}", 1.0),
        ("tms_database_commit_duration_seconds_count", 1.0),
        ("tms_database_commit_changes_sum", 1.0),
        ("tms_ready", 1.0),
        ("tms_ready_component{component=\"database\"}", 1.0),
        ("tms_open_connections", 1.0),
        ("tms_process_open_fds", 3.0),
        ("tms_process_start_time_seconds", 1_700_000_000.0),
        ("tms_tls_certificate_not_after_timestamp_seconds", 1_700_000_000.0),
        ("tms_expiring_within_7_days{kind=\"ssh_key\"}", 0.0),
    ] {
        assert!(series.value(name) >= least, "{name}: {}", series.value(name));
    }
    assert_documents_use_exported_series(&series);
}

#[tokio::test]
async fn lookups_are_counted_by_outcome() {
    let deployment = Deployment::set_up().await;
    let portal = Logged::start(&deployment, &LISTEN);
    let url = address(&portal);
    let (tms, http) = (format!("{}/v1/tms", portal.server.url()), Client::new());
    let created: Value = http
        .post(format!("{tms}/pubkeys/creds"))
        .header("x-tms-tenant", "test")
        .header("x-tms-client-id", "testclient1")
        .header("x-tms-client-secret", "secret1")
        .json(&json!({ "client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1", "num_uses": -1, "ttl_minutes": 60 }))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let lookup = |account: &str| {
        let body = json!({ "user": account, "host": "testhost1", "public_key_fingerprint": created["public_key_fingerprint"] });
        http.post(format!("{tms}/pubkeys/creds/retrieve")).json(&body)
    };
    let before = Series::parse(&scrape(&url).await);
    assert_eq!(lookup("testhostaccount1").send().await.expect("an answer").status(), 200, "{created}");
    for _ in 0..2 {
        assert_eq!(lookup("root").send().await.expect("an answer").status(), 404);
    }
    let invalid = lookup("testhostaccount1").bearer_auth("no-such-credential");
    assert_eq!(invalid.send().await.expect("an answer").status(), 401);
    let after = Series::parse(&scrape(&url).await);
    for (series, more) in [
        ("tms_key_lookups_total{outcome=\"found\"}", 1.0),
        ("tms_key_lookups_total{outcome=\"not_found\"}", 2.0),
        ("tms_key_lookups_total{outcome=\"not_authorized\"}", 1.0),
        ("tms_key_lookups_total{outcome=\"failed\"}", 0.0),
        ("tms_key_lookup_duration_seconds_count", 3.0),
        ("tms_http_requests_total{route=\"key_lookup\",status=\"200\"}", 1.0),
        ("tms_http_requests_total{route=\"key_lookup\",status=\"404\"}", 2.0),
        ("tms_http_requests_total{route=\"key_lookup\",status=\"401\"}", 1.0),
    ] {
        assert!((after.value(series) - before.value(series) - more).abs() < 0.5, "{series}");
    }
}

#[test]
fn every_metric_is_documented() {
    let (described, _) = DOCS.split_once("### Routes").expect("the routes follow");
    let rows: Vec<Vec<&str>> =
        described.lines().filter(|line| line.starts_with("| `tms_")).map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect();
    for family in FAMILIES {
        let Family { name, kind, labels, .. } = family;
        let row = rows.iter().find(|row| row[0] == format!("`{name}`")).unwrap_or_else(|| panic!("docs/monitoring.md has no {name}"));
        assert_eq!(row[1], word(kind), "{name}");
        let documented: Vec<&str> = row[2].split(", ").map(|label| label.trim_matches('`')).filter(|label| !label.is_empty()).collect();
        assert_eq!(documented, *labels, "{name}");
    }
    assert_eq!(rows.len(), FAMILIES.len(), "docs/monitoring.md describes a metric that does not exist");
}

/// The queries of the dashboard and of the alert rules.
fn queries() -> Vec<String> {
    let rules = YamlLoader::load_from_str(ALERTS).expect("YAML");
    let groups = rules[0]["groups"].as_vec().expect("groups");
    let rules: Vec<&Yaml> = groups.iter().flat_map(|group| group["rules"].as_vec().expect("rules")).collect();
    for rule in &rules {
        let name = rule["alert"].as_str().expect("a name");
        assert!(rule["labels"]["severity"].as_str().is_some_and(|severity| ["warning", "critical"].contains(&severity)), "{name}");
        assert!(["summary", "description"].iter().all(|text| rule["annotations"][*text].as_str().is_some()), "{name}");
    }
    let alerts: Vec<String> = rules.iter().map(|rule| rule["expr"].as_str().expect("an expression").to_owned()).collect();
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let panels: Vec<String> = panels
        .flat_map(|panel| panel["targets"].as_array().expect("targets"))
        .map(|target| target["expr"].as_str().expect("a query").to_owned())
        .collect();
    assert!(alerts.len() >= 15 && panels.len() >= 20, "{} {}", alerts.len(), panels.len());
    [alerts, panels].concat()
}

fn family_of(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| match family.kind {
        Kind::Histogram(_) => ["_bucket", "_sum", "_count"].iter().any(|end| name.strip_suffix(end) == Some(family.name)),
        Kind::Counter | Kind::Gauge => family.name == name,
    })
}

/// Labels that Prometheus adds.
const ADDED: [&str; 3] = ["instance", "job", "le"];

#[test]
fn dashboard_and_alerts_use_metrics_and_labels_that_exist() {
    let selector = Regex::new(r"\b(tms_[a-z0-9_]+)(?:\{([^}]*)\})?").expect("valid");
    let grouping = Regex::new(r"\bby \(([^)]*)\)").expect("valid");
    let mut used = BTreeSet::new();
    for query in queries() {
        let mut labels: BTreeSet<&str> = ADDED.into();
        for found in selector.captures_iter(&query) {
            let family = family_of(&found[1]).unwrap_or_else(|| panic!("{} does not exist: {query}", &found[1]));
            used.insert(family.name);
            labels.extend(family.labels);
            let matchers = found.get(2).map_or("", |matchers| matchers.as_str());
            for matcher in matchers.split(',').filter(|matcher| !matcher.is_empty()) {
                let label = matcher.split(['=', '!']).next().expect("a label");
                assert!(ADDED.contains(&label) || family.labels.contains(&label), "{label}: {query}");
            }
        }
        for group in grouping.captures_iter(&query) {
            for label in group[1].split(',').map(str::trim) {
                assert!(labels.contains(label), "{label}: {query}");
            }
        }
    }
    let unused: Vec<&str> = names(|_| true).into_iter().filter(|name| !used.contains(name)).collect();
    assert_eq!(unused, ["tms_ready"], "shown neither by the dashboard nor by an alert");
}

/// Each value of a label that a query names is one that a portal exports.
fn assert_documents_use_exported_series(series: &Series) {
    let selector = Regex::new(r"\b(tms_[a-z0-9_]+)\{([^}]*)\}").expect("valid");
    let matcher = Regex::new("([a-z]+)=\"([^\"]*)\"").expect("valid");
    for query in queries() {
        for found in selector.captures_iter(&query) {
            for value in matcher.captures_iter(&found[2]).filter(|value| !ADDED.contains(&&value[1])) {
                let exists = series.0.keys().any(|name| name.starts_with(&format!("{}{{", &found[1])) && name.contains(&value[0]));
                assert!(exists, "{} of {query}", &value[0]);
            }
        }
    }
}
