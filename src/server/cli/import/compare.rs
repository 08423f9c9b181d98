//! `tms-portal import compare`: asks the old server for each key of the old database, and compares with what hosts get here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::try_join_all;
use reqwest::{Certificate, Client, StatusCode, redirect};
use serde::Deserialize;
use serde_json::json;
use tokio::time::MissedTickBehavior;

use super::super::progress::Progress;
use super::super::{CommandError, open_existing};
use super::{CANNOT, SourceOptions, cannot};
use crate::domain::error_chain;
use crate::server::service::Services;
use crate::server::service::tms_import::compare::{ComparedKey, Comparison, KeysToCompare};
use crate::server::service::tms_import::{Mode, Observer};

const TIMEOUT: Duration = Duration::from_secs(10);
/// Requests begin in groups, ten times a second.
const GROUPS_PER_SECOND: u32 = 10;
/// Differences of each kind that are printed.
const MAX_PRINTED: u64 = 20;

#[derive(clap::Args)]
pub struct CompareArgs {
    #[command(flatten)]
    source: SourceOptions,
    /// The old server, such as https://tms.example.org:3000; it must be of the same data as the file
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    old: reqwest::Url,
    /// Requests per second to the old server
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// The certificate authority of the old server: a PEM file
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Print JSON lines: progress, each difference, and the result
    #[arg(long)]
    json: bool,
}

fn parse_url(text: &str) -> Result<reqwest::Url, String> {
    let url = reqwest::Url::parse(text).map_err(|error| error.to_string())?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err("use http:// or https://".to_owned()) }
}

pub async fn run(args: &CompareArgs) -> Result<(), CommandError> {
    let (options, portal) = (args.source.options()?, args.source.portal()?);
    let old = OldServer::new(args)?;
    let mut source = args.source.open().await?;
    let services = open_existing(&portal).await?;
    let mut keys = Collector { keys: KeysToCompare::default(), progress: Progress::new("reading keys", args.json) };
    let planned = services.import_tms(&portal.database, &mut source, &options, Mode::Again, &mut keys).await;
    let Collector { keys, progress } = keys;
    drop(progress);
    let result = match planned {
        Ok(_) => compare(&services, &old, &keys.0, args).await,
        Err(error) => Err(cannot(format!("--from: {error}"))),
    };
    services.close().await;
    result
}

struct Collector {
    keys: KeysToCompare,
    progress: Progress,
}

impl Observer for Collector {
    fn judged(&mut self, host: &str, account: &str, fingerprint: &str, reason: Option<crate::server::service::tms_import::report::Reason>) {
        self.keys.judged(host, account, fingerprint, reason);
    }

    fn progress(&mut self, keys: u64, of: u64) {
        self.progress.set(keys, of);
    }
}

async fn compare(services: &Services, old: &OldServer, keys: &[ComparedKey], args: &CompareArgs) -> Result<(), CommandError> {
    let mut counts = BTreeMap::<Comparison, u64>::new();
    let group = usize::try_from((args.rate / GROUPS_PER_SECOND).max(1)).unwrap_or(1);
    let mut begin = tokio::time::interval(Duration::from_secs(1) * u32::try_from(group).unwrap_or(1) / args.rate);
    begin.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut progress, mut done, total) = (Progress::new("comparing", args.json), 0, keys.len() as u64);
    for keys in keys.chunks(group) {
        begin.tick().await;
        let old_answers = try_join_all(keys.iter().map(|key| old.answer(key))).await.map_err(cannot)?;
        for (key, old) in keys.iter().zip(old_answers) {
            let here = services.answer_without_counting(key).await?;
            let comparison = Comparison::of(key, old.as_deref(), here.as_deref());
            let count = counts.entry(comparison).or_default();
            *count += 1;
            if comparison.is_error() && (args.json || *count <= MAX_PRINTED) {
                print_difference(comparison, key, args.json);
            }
        }
        done += keys.len() as u64;
        progress.set(done, total);
    }
    drop(progress);
    print_counts(&counts, args.json);
    if counts.keys().any(|comparison| comparison.is_error()) { Err(CommandError::Exit(CANNOT)) } else { Ok(()) }
}

fn print_difference(comparison: Comparison, key: &ComparedKey, json: bool) {
    if json {
        let place = (&key.account, &key.host, &key.fingerprint);
        println!("{}", json!({ "event": "difference", "kind": comparison.word(), "account": place.0, "host": place.1, "fingerprint": place.2 }));
        return;
    }
    let what = match comparison {
        Comparison::OnlyHere => "only this portal returns the key",
        Comparison::DifferentKey => "the two return different keys",
        _ => "only the old server returns the key, and the import did not report it",
    };
    println!("{}@{} {}: {what}", key.account.escape_debug(), key.host.escape_debug(), key.fingerprint.escape_debug());
}

fn print_counts(counts: &BTreeMap<Comparison, u64>, json: bool) {
    if json {
        let counts: BTreeMap<_, _> = counts.iter().map(|(comparison, count)| (comparison.word(), count)).collect();
        println!("{}", json!({ "event": "result", "keys": counts }));
        return;
    }
    let count = |comparison| counts.get(&comparison).copied().unwrap_or_default();
    println!("{} keys: the same answer", count(Comparison::Same));
    println!("{} keys: neither returns them", count(Comparison::NeitherAnswers));
    println!("{} keys: only the old server returns them, as the import reported", count(Comparison::ExpectedRefusal));
    println!("{} keys: only the old server returns them, unexpectedly", count(Comparison::UnexpectedRefusal));
    println!("{} keys: only this portal returns them", count(Comparison::OnlyHere));
    println!("{} keys: different keys", count(Comparison::DifferentKey));
}

struct OldServer {
    http: Client,
    url: String,
}

#[derive(Deserialize)]
struct OldAnswer {
    public_key: String,
}

impl OldServer {
    fn new(args: &CompareArgs) -> Result<Self, CommandError> {
        let mut client = Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).no_proxy();
        if let Some(file) = &args.ca {
            let problem = |error: &dyn std::fmt::Display| cannot(format!("--ca {}: {error}", file.display()));
            let pem = std::fs::read(file).map_err(|error| problem(&error))?;
            for certificate in Certificate::from_pem_bundle(&pem).map_err(|error| problem(&error))? {
                client = client.add_root_certificate(certificate);
            }
        }
        let http = client.build().map_err(|error| cannot(error.to_string()))?;
        Ok(Self { http, url: format!("{}/v1/tms/pubkeys/creds/retrieve", args.old.as_str().trim_end_matches('/')) })
    }

    /// The key that the old server returns; `None` if it returns none. Any other response ends the comparison.
    async fn answer(&self, key: &ComparedKey) -> Result<Option<String>, String> {
        let body = json!({ "user": key.account, "host": key.host, "public_key_fingerprint": key.fingerprint });
        let failed = |error: reqwest::Error| format!("--old: {}", error_chain::root_cause(&error));
        let response = self.http.post(&self.url).json(&body).send().await.map_err(failed)?;
        match response.status() {
            StatusCode::OK => Ok(Some(response.json::<OldAnswer>().await.map_err(failed)?.public_key)),
            StatusCode::NOT_FOUND => Ok(None),
            other => Err(format!("--old: the old server answered {other} to a lookup; is the URL right?")),
        }
    }
}
