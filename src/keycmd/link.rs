//! `tms-keycmd link`: lets people link the account they are logged in to, with `tms link`.
//!
//! **Who asks is the kernel's word alone** (`SO_PEERCRED`): a caller says nothing, and one that says anything is hung up on, so
//! that no program of theirs can be made to ask by what it forwards. The portal gets the account's name and number with this host's
//! credential; the caller gets a code to type, and how it ended, as lines of JSON.

mod account;
mod caller;
mod desk;
mod door;
mod socket;

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

use account::{Account, NoAccount};
use caller::{Caller, Gone, Line};
pub use desk::Desk;
use desk::{Asked, NoLink, Standing};
use door::{Door, Inside};

use super::budget::Budget;
use super::config::{Config, ConfigFault};
use super::failure::Failure;
use super::log::{Entry, Log};
use socket::SocketFault;

/// The portal has the last word on whether a code has expired: keep asking a little longer than it is said to live.
const LAST_QUESTION: Duration = Duration::from_secs(6);
/// After this nobody waits any more, whatever the portal says.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);
/// Between two tries to accept, while there is no file descriptor left.
const BREATHER: Duration = Duration::from_millis(100);

/// Why the helper does not run.
#[derive(Debug, Error)]
enum NotServing {
    #[error(transparent)]
    Config(#[from] ConfigFault),
    #[error(transparent)]
    Desk(#[from] NoLink),
    #[error(transparent)]
    Socket(#[from] SocketFault),
}

/// How a caller's visit ended.
#[derive(Debug, Error)]
enum Ended {
    #[error("linked to {0:?}")]
    Linked(String),
    #[error("refused in the browser")]
    Refused,
    #[error("the code expired, or was replaced")]
    Expired,
    #[error(transparent)]
    Gone(#[from] Gone),
    #[error(transparent)]
    NoAccount(#[from] NoAccount),
    #[error(transparent)]
    NoLink(#[from] NoLink),
    #[error("{0}")]
    Settings(ConfigFault),
}

/// Serves until it is stopped.
pub fn serve(file: &Path, socket: Option<&Path>) -> ExitCode {
    let (log, listener) = match prepare(file, socket) {
        Ok(prepared) => prepared,
        Err(why) => {
            Log::Syslog.write_within(Entry::fault(format!("link: {why}")), Budget::LAST_WORDS);
            return ExitCode::FAILURE;
        }
    };
    log.clone().write_within(Entry::info("link: ready"), Budget::LAST_WORDS);
    let (file, door) = (Arc::from(file), Arc::new(Door::default()));
    loop {
        match listener.accept() {
            Ok((stream, _)) => admit(stream, &file, &door, &log),
            Err(error) => {
                log.clone().write_within(Entry::fault(format!("link: cannot accept: {error}")), Budget::LAST_WORDS);
                thread::sleep(BREATHER);
            }
        }
    }
}

/// Everything that can be wrong is found out before the first caller.
fn prepare(file: &Path, socket: Option<&Path>) -> Result<(Log, UnixListener), NotServing> {
    let config = Config::load(file)?;
    Desk::of(&config)?;
    Ok((config.log.clone(), socket::listen(socket)?))
}

/// Whoever may come in gets a thread; nothing here waits for a caller.
fn admit(stream: UnixStream, file: &Arc<Path>, door: &Arc<Door>, log: &Log) {
    let caller = match Caller::meet(stream) {
        Ok(caller) => caller,
        Err(error) => return log.clone().write_within(Entry::fault(format!("link: a caller without credentials: {error}")), Budget::LAST_WORDS),
    };
    let uid = caller.uid();
    match door.enter(uid, Instant::now()) {
        Ok(inside) => {
            let (file, told) = (Arc::clone(file), log.clone());
            let started = thread::Builder::new().spawn(move || attend(caller, &inside, &file, told));
            if let Err(error) = started {
                note(log.clone(), uid, None, &error.to_string(), true);
            }
        }
        Err(full) => {
            caller.say_last(&Line::error("busy", &full));
            note(log.clone(), uid, None, &full.to_string(), false);
        }
    }
}

/// One caller, from their first moment to their last.
fn attend(mut caller: Caller, _inside: &Inside, file: &Path, log: Log) {
    let uid = caller.uid();
    let found = Account::of(uid);
    let ended = match &found {
        Ok(account) => see_through(&mut caller, account, file),
        Err(why) => Ended::NoAccount(why.clone()),
    };
    if let Some(line) = last_line(&ended) {
        caller.say_last(&line);
    }
    let trouble = match &ended {
        Ended::NoLink(why) => !matches!(why, NoLink::NotAPersons),
        Ended::Settings(_) => true,
        _ => false,
    };
    note(log, uid, found.ok().as_ref(), &ended.to_string(), trouble);
}

fn see_through(caller: &mut Caller, account: &Account, file: &Path) -> Ended {
    // Anew for each caller: a credential that was changed counts at once.
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(fault) => return Ended::Settings(fault),
    };
    if account.uid < config.min_uid {
        return Ended::NoAccount(NoAccount::NotAPersons);
    }
    link(caller, account, &config).unwrap_or_else(|ended| ended)
}

fn link(caller: &mut Caller, account: &Account, config: &Config) -> Result<Ended, Ended> {
    let desk = Desk::of(config)?;
    let asked = desk.ask(account)?;
    caller.say(&Line::code(&asked, account, &config.host_name))?;
    let last = Instant::now() + asked.lifetime().saturating_add(LAST_QUESTION).min(LONGEST_WAIT);
    while Instant::now() < last {
        caller.wait(asked.pause())?;
        match desk.standing(&asked) {
            Ok(Standing::Pending) => {}
            Ok(Standing::Linked { tms_user_id, expires_at }) => {
                // It is linked, whether or not anybody hears of it.
                let _ = caller.say(&Line::Linked { tms_user_id: &tms_user_id, expires_at: &expires_at });
                return Ok(Ended::Linked(tms_user_id));
            }
            Ok(Standing::Refused) => return Ok(Ended::Refused),
            Ok(Standing::Expired) => return Ok(Ended::Expired),
            // The code lives on while the portal is away.
            Err(why) if why.may_pass() => {}
            Err(why) => return Err(why.into()),
        }
    }
    Ok(Ended::Expired)
}

/// What the caller hears last, if anything. Not what is wrong with this host's settings.
fn last_line(ended: &Ended) -> Option<Line<'static>> {
    Some(match ended {
        Ended::Linked(_) | Ended::Gone(Gone::HungUp) => return None,
        Ended::Refused => Line::Refused,
        Ended::Expired => Line::Expired,
        Ended::Gone(Gone::Spoke) => Line::error("unexpected_input", ended),
        Ended::NoAccount(_) => Line::error("not_linkable", ended),
        Ended::NoLink(why) if why.is_for_the_caller() => Line::error(why.word(), why),
        Ended::NoLink(_) | Ended::Settings(_) => Line::error("host", &"this host is not set up for it; its operators find the reason in its log"),
    })
}

fn note(log: Log, uid: u32, account: Option<&Account>, what: &str, trouble: bool) {
    let name = account.map(|account| format!(" account={:?}", account.name)).unwrap_or_default();
    let text = format!("link: uid={uid}{name}: {what}");
    log.write_within(if trouble { Entry::fault(text) } else { Entry::info(text) }, Budget::LAST_WORDS);
}

impl From<Failure> for NoLink {
    fn from(failure: Failure) -> Self {
        Self::Host(failure.to_string())
    }
}

impl Asked {
    fn lifetime(&self) -> Duration {
        Duration::from_secs(self.expires_in)
    }

    /// No busy loop, whatever the portal says.
    fn pause(&self) -> Duration {
        Duration::from_secs(self.interval.clamp(1, 60))
    }
}
