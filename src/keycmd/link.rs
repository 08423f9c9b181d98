//! `tms-keycmd link`: lets people link the account they are logged in to, with `tms link`.
//!
//! **Who asks is the kernel's word alone** (`SO_PEERCRED`). A caller begins with an open file, which nothing that forwards bytes can
//! carry, and says nothing more, so that no program of theirs can be made to ask by what it forwards. The portal gets the account's
//! name and number with this host's credential; the caller gets a code to type, and how it ended, as lines of JSON.

mod account;
mod caller;
mod desk;
mod door;
mod journal;
mod socket;

use std::fmt::Display;
use std::io;
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
use journal::{Journal, Refusal};

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
    #[error("cannot start a thread: {0}")]
    NoThread(io::Error),
}

/// How a caller's visit ended.
#[derive(Debug, Error)]
enum Ended {
    #[error("linked to {0:?}")]
    Linked(String),
    #[error("denied in the browser")]
    Refused,
    #[error("the code expired or was replaced")]
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
    let (journal, listener) = match prepare(file, socket) {
        Ok(prepared) => prepared,
        Err(why) => {
            Log::Syslog.write_within(Entry::fault(format!("link: {why}")), Budget::LAST_WORDS);
            return ExitCode::FAILURE;
        }
    };
    journal.note(Entry::info("link: ready"));
    let (file, door, journal) = (Arc::from(file), Arc::new(Door::default()), Arc::new(journal));
    loop {
        match listener.accept() {
            Ok((stream, _)) => admit(stream, &file, &door, &journal),
            Err(error) => {
                journal.note_refusal(Refusal::NotAccepted, Entry::fault(format!("link: cannot accept a connection: {error}")));
                thread::sleep(BREATHER);
            }
        }
    }
}

/// Everything that can be wrong is found out before the first caller.
fn prepare(file: &Path, socket: Option<&Path>) -> Result<(Journal, UnixListener), NotServing> {
    let config = Config::load(file)?;
    Desk::of(&config)?;
    let listener = socket::listen(socket)?;
    Ok((Journal::open(config.log).map_err(NotServing::NoThread)?, listener))
}

/// Whoever may come in gets a thread; nothing here waits for a caller, or for the log.
fn admit(stream: UnixStream, file: &Arc<Path>, door: &Arc<Door>, journal: &Arc<Journal>) {
    let caller = match Caller::meet(stream) {
        Ok(caller) => caller,
        Err(error) => return journal.note_refusal(Refusal::NotAccepted, Entry::fault(format!("link: a caller without credentials: {error}"))),
    };
    let uid = caller.uid();
    match door.enter(uid, Instant::now()) {
        Ok(inside) => {
            let (file, notes) = (Arc::clone(file), Arc::clone(journal));
            let started = thread::Builder::new().spawn(move || attend(caller, &inside, &file, &notes));
            if let Err(error) = started {
                journal.note_refusal(Refusal::AtTheDoor(uid), Entry::fault(line(uid, None, &error)));
            }
        }
        Err(full) => {
            journal.note_refusal(Refusal::AtTheDoor(uid), Entry::info(line(uid, None, &full)));
            caller.say_last(&Line::error("busy", &full));
        }
    }
}

/// One caller, from their first moment to their last.
fn attend(mut caller: Caller, _inside: &Inside, file: &Path, journal: &Journal) {
    let uid = caller.uid();
    let found = caller.greeting().map_err(Ended::from).and_then(|()| Ok(Account::of(uid)?));
    let (account, ended) = match found {
        Ok(account) => {
            let ended = see_through(&mut caller, &account, file);
            (Some(account), ended)
        }
        Err(ended) => (None, ended),
    };
    if let Some(line) = last_line(&ended) {
        caller.say_last(&line);
    }
    note(journal, uid, account.as_ref(), &ended);
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
    let ended = hand_over(caller, &asked, account, &config.host_name).map_err(Ended::from).and_then(|()| wait(caller, &desk, &asked));
    if matches!(ended, Err(Ended::Gone(_))) {
        desk.withdraw(&asked);
    }
    ended
}

/// Nobody who has sent something meanwhile sees the code.
fn hand_over(caller: &mut Caller, asked: &Asked, account: &Account, host: &str) -> Result<(), Gone> {
    caller.is_silent()?;
    caller.say(&Line::code(asked, account, host))
}

/// Until it is answered, or the caller goes away.
fn wait(caller: &mut Caller, desk: &Desk<'_>, asked: &Asked) -> Result<Ended, Ended> {
    let last = Instant::now() + asked.lifetime().saturating_add(LAST_QUESTION).min(LONGEST_WAIT);
    while Instant::now() < last {
        caller.wait(asked.pause())?;
        match desk.standing(asked) {
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
        Ended::Gone(Gone::NotGreeted | Gone::Spoke) => Line::error("unexpected_input", ended),
        Ended::NoAccount(_) => Line::error("not_linkable", ended),
        Ended::NoLink(why) if why.is_for_the_caller() => Line::error(why.word(), why),
        Ended::NoLink(_) | Ended::Settings(_) => {
            Line::error("host", &"this host is not set up for linking; its operators find the reason in its log")
        }
    })
}

/// A line for each visit; of those by nobody who could ask, one a minute.
fn note(journal: &Journal, uid: u32, account: Option<&Account>, ended: &Ended) {
    let line = line(uid, account, ended);
    match ended {
        _ if account.is_none() => journal.note_refusal(Refusal::Inside(uid), Entry::info(line)),
        Ended::NoLink(why) if !matches!(why, NoLink::NotAPersons) => journal.note(Entry::fault(line)),
        Ended::Settings(_) => journal.note(Entry::fault(line)),
        _ => journal.note(Entry::info(line)),
    }
}

fn line(uid: u32, account: Option<&Account>, what: &impl Display) -> String {
    let name = account.map(|account| format!(" account={:?}", account.name)).unwrap_or_default();
    format!("link: uid={uid}{name}: {what}")
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
