//! `tms-portal import compare`: asks the old server for each key of the old database, and compares with what hosts get here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::try_join_all;
use serde_json::json;
use tokio::time::MissedTickBehavior;

use super::super::progress::Progress;
use super::super::secrets::read_secret;
use super::super::{CommandError, open_existing};
use super::compare_lists::{self, OldAdmin};
use super::old_server::OldServer;
use super::{CANNOT, SourceOptions, cannot};
use crate::domain::progress::{Amount, ProgressObserver};
use crate::server::config::ConfigProblems;
use crate::server::service::Services;
use crate::server::service::platform::setup::FIRST_ADMIN;
use crate::server::service::tms_import::compare::{ComparedKey, Comparison, KeysToCompare};
use crate::server::service::tms_import::options::ImportOptions;
use crate::server::service::tms_import::report::{Reason, Report};
use crate::server::service::tms_import::{Mode, Observer};

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
    /// Also compare the links, delegations, addresses of hosts and clients of this tenant (its old name), as its administrator, whose secret is
    /// read from standard input
    #[arg(long, value_name = "OLD")]
    admin_of: Option<String>,
    /// The id of that administrator
    #[arg(long, value_name = "ID", default_value = FIRST_ADMIN, requires = "admin_of")]
    admin_id: String,
    /// Print JSON lines: progress, each difference, and the results
    #[arg(long)]
    pub json: bool,
}

fn parse_url(text: &str) -> Result<reqwest::Url, String> {
    let url = reqwest::Url::parse(text).map_err(|error| error.to_string())?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err("use http:// or https://".to_owned()) }
}

pub async fn run(args: &CompareArgs) -> Result<(), CommandError> {
    let (options, portal) = (args.source.options()?, args.source.portal()?);
    let old = OldServer::new(&args.old, args.ca.as_deref())?;
    let admin = args.admin_of.as_ref().map(|tenant| old_admin(args, tenant)).transpose()?;
    let mut keys = Collector { keys: KeysToCompare::default(), progress: Progress::new(args.json) };
    keys.progress.begin("reading", Amount::Unknown);
    let mut source = args.source.open().await?;
    let services = open_existing(&portal).await?;
    let planned = services.import_tms(&portal.database, &mut source, &options, Mode::Again, &mut keys).await;
    let Collector { keys, progress } = keys;
    drop(progress);
    let result = match planned {
        Ok((_, report)) => compare_all(&services, &old, admin.as_ref(), &keys.0, (&options, &report), args).await,
        Err(error) => Err(cannot(format!("--from: {error}"))),
    };
    services.close().await;
    if result? { Ok(()) } else { Err(CommandError::Exit(CANNOT)) }
}

async fn compare_all(
    services: &Services,
    old: &OldServer,
    admin: Option<&OldAdmin>,
    keys: &[ComparedKey],
    import: (&ImportOptions, &Report),
    args: &CompareArgs,
) -> Result<bool, CommandError> {
    let keys_agree = compare(services, old, keys, args).await?;
    let lists_agree = match admin {
        Some(admin) => compare_lists::run(services, old, admin, import, args.json).await?,
        None => true,
    };
    Ok(keys_agree && lists_agree)
}

fn old_admin(args: &CompareArgs, tenant: &str) -> Result<OldAdmin, CommandError> {
    if args.source.file()?.as_os_str() == "-" {
        return Err(ConfigProblems(vec!["--admin-of: standard input has the secret, so --from must be a file".to_owned()]).into());
    }
    Ok(OldAdmin { tenant: tenant.to_owned(), id: args.admin_id.clone(), secret: read_secret()? })
}

struct Collector {
    keys: KeysToCompare,
    progress: Progress,
}

impl Observer for Collector {
    fn judged(&mut self, host: &str, account: &str, fingerprint: &str, reason: Option<Reason>) {
        self.keys.judged(host, account, fingerprint, reason);
    }

    fn progress(&mut self) -> Option<&mut dyn ProgressObserver> {
        Some(&mut self.progress)
    }
}

/// Whether there is no unexpected difference.
async fn compare(services: &Services, old: &OldServer, keys: &[ComparedKey], args: &CompareArgs) -> Result<bool, CommandError> {
    let mut counts = BTreeMap::<Comparison, u64>::new();
    let group = usize::try_from((args.rate / GROUPS_PER_SECOND).max(1)).unwrap_or(1);
    let mut begin = tokio::time::interval(Duration::from_secs(1) * u32::try_from(group).unwrap_or(1) / args.rate);
    begin.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut progress, mut done) = (Progress::new(args.json), 0);
    progress.begin("comparing", Amount::Keys(keys.len() as u64));
    for keys in keys.chunks(group) {
        begin.tick().await;
        let old_answers = try_join_all(keys.iter().map(|key| old.key(key))).await.map_err(cannot)?;
        for (key, old) in keys.iter().zip(old_answers) {
            let here = services.answer_without_counting(key).await?;
            let comparison = Comparison::of(key, old.as_deref(), here.as_deref());
            let count = counts.entry(comparison).or_default();
            *count += 1;
            if comparison.is_error() && (args.json || *count <= MAX_PRINTED) {
                progress.suspend(|| print_difference(comparison, key, args.json));
            }
        }
        done += keys.len() as u64;
        progress.advance_to(done);
    }
    drop(progress);
    print_counts(&counts, args.json);
    Ok(!counts.keys().any(|comparison| comparison.is_error()))
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
