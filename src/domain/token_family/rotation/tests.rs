use proptest::prelude::*;

use super::*;
use crate::domain::authorization::RequestSource;
use crate::domain::ids::{AuthorizationId, ClientId, TenantId, TokenFamilyId};
use crate::domain::scope::ScopeSet;
use crate::domain::token_family::{FamilyEnd, SALT_BYTES};

const START: Timestamp = Timestamp::from_millis(1_795_176_000_000);
const IDLE: Duration = Duration::from_secs(14 * 24 * 60 * 60);
const HOUR: u64 = 60 * 60;

fn at(seconds: u64) -> Timestamp {
    START + Duration::from_secs(seconds)
}

fn begun() -> TokenFamily {
    TokenFamily {
        tenant_id: TenantId::parse("test").expect("a tenant id"),
        id: TokenFamilyId::parse("fam_1").expect("a family id"),
        authorization_id: AuthorizationId::parse("dgr_1").expect("an authorization id"),
        client_id: ClientId::parse("tms-cli").expect("a client id"),
        scope: ScopeSet::parse_known("hosts:read"),
        resources: Vec::new(),
        salt: [0; SALT_BYTES],
        generation: 0,
        rotated_at: START,
        successor_seen: false,
        retries: 0,
        offline: true,
        session: None,
        authenticated: None,
        username_account: None,
        begun: RequestSource { at: START, from: None, agent: String::new() },
        refreshed: None,
        idle_until: Some(START + IDLE),
        state: TokenFamilyState::Live,
    }
}

/// The family after a refresh of a public client, or what the refusal is.
fn refreshed(family: &TokenFamily, generation: u32, now: Timestamp) -> Result<TokenFamily, Presented> {
    let presented = family.present(generation, now);
    family.refresh(presented, true, now + IDLE, None, now).ok_or(presented)
}

/// A family whose first refresh token was replaced at the start.
fn rotated() -> TokenFamily {
    refreshed(&begun(), 0, START).expect("rotated")
}

fn seen(family: TokenFamily) -> TokenFamily {
    TokenFamily { successor_seen: true, ..family }
}

#[test]
fn previous_token_is_accepted_for_a_minute_even_if_the_successor_was_used() {
    for (family, seconds, expected) in [
        (seen(rotated()), 0, Presented::Previous),
        (seen(rotated()), 59, Presented::Previous),
        (seen(rotated()), 60, Presented::Reused),
        (rotated(), 60, Presented::Previous),
        (rotated(), 24 * HOUR - 1, Presented::Previous),
        (rotated(), 24 * HOUR, Presented::Reused),
    ] {
        assert_eq!(family.present(0, at(seconds)), expected, "{seconds} {}", family.successor_seen);
        assert_eq!(family.present(1, at(seconds)), Presented::Current);
    }
}

#[test]
fn successor_is_sent_again_20_times_in_a_minute() {
    let mut family = rotated();
    for _ in 0..MAX_RETRIES {
        family = refreshed(&family, 0, at(1)).expect("sent again");
        assert_eq!(family.generation, 1);
    }
    assert_eq!(refreshed(&family, 0, at(1)), Err(Presented::TooOften));
    assert_eq!(refreshed(&family, 0, at(59)), Err(Presented::TooOften));
    let later = refreshed(&family, 0, at(61)).expect("the successor was not used");
    assert_eq!((later.generation, later.retries, later.rotated_at), (1, 0, at(61)));
}

#[test]
fn requests_that_come_at_once_all_get_the_successor() {
    let mut family = rotated();
    for _ in 0..100 {
        family = refreshed(&family, 0, START + Duration::from_millis(999)).expect("sent again");
    }
    assert_eq!((family.generation, family.retries), (1, 0));
}

#[test]
fn processes_that_follow_a_late_retry_get_the_same_successor() {
    let late = seen(refreshed(&rotated(), 0, at(2 * HOUR)).expect("sent again"));
    assert_eq!(late.present(0, at(2 * HOUR + 59)), Presented::Previous);
    assert_eq!(late.present(0, at(2 * HOUR + 60)), Presented::Reused);
}

#[test]
fn older_tokens_are_reused_and_later_ones_ahead() {
    let twice = refreshed(&rotated(), 1, START).expect("rotated");
    for (generation, expected) in
        [(0, Presented::Reused), (1, Presented::Previous), (2, Presented::Current), (3, Presented::Ahead), (u32::MAX, Presented::Ahead)]
    {
        assert_eq!(twice.present(generation, START), expected, "{generation}");
    }
    assert_eq!(twice.refresh(Presented::Reused, true, at(1), None, at(1)), None);
    assert_eq!(twice.refresh(Presented::Ahead, false, at(1), None, at(1)), None);
}

#[test]
fn client_that_authenticates_keeps_its_refresh_token() {
    let family = begun();
    let again = family.refresh(Presented::Current, false, at(HOUR) + IDLE, None, at(HOUR)).expect("refreshed");
    assert_eq!((again.generation, again.rotated_at), (0, START));
    assert_eq!((again.idle_until, again.refreshed), (Some(at(HOUR) + IDLE), Some(TokenUse { at: at(HOUR), from: None })));
    // It was a public client when the token was replaced.
    let kept = rotated().refresh(Presented::Previous, false, at(1) + IDLE, None, at(1)).expect("refreshed");
    assert_eq!(kept.generation, 1);
}

#[test]
fn ended_and_idle_families_accept_nothing() {
    let ended = rotated().end(FamilyEnd::Client, at(1)).expect("ended");
    let without_refresh_token = TokenFamily { idle_until: None, ..begun() };
    for (family, now) in [(ended, at(1)), (rotated(), START + IDLE), (without_refresh_token, at(1))] {
        for generation in 0..3 {
            assert_eq!(family.present(generation, now), Presented::Ended, "{generation}");
        }
    }
    assert_eq!(rotated().present(1, START + IDLE - Duration::from_millis(1)), Presented::Current);
}

#[test]
fn last_generation_cannot_be_rotated() {
    let last = TokenFamily { generation: u32::MAX, ..begun() };
    assert_eq!(refreshed(&last, u32::MAX, START), Err(Presented::Current));
}

#[test]
fn clock_that_is_set_back_locks_nobody_out() {
    let back = START - Duration::from_secs(300);
    assert_eq!(rotated().present(0, back), Presented::Previous);
    assert_eq!(seen(rotated()).present(1, back), Presented::Current);
    assert_eq!(seen(rotated()).present(0, START - Duration::from_secs(30)), Presented::Previous, "two portals whose clocks differ");
    assert_eq!(seen(rotated()).present(0, back), Presented::Reused);
}

#[test]
fn network_is_new_once() {
    let address = |text: &str| text.parse::<IpAddr>().ok();
    let family = TokenFamily { begun: RequestSource { at: START, from: address("192.0.2.1"), agent: String::new() }, ..begun() };
    assert_eq!((family.new_network(address("192.0.2.77")), family.new_network(None)), (None, None));
    assert_eq!(family.new_network(address("203.0.113.9")), Some("203.0.113.0/24".to_owned()));
    let refreshed = TokenFamily { refreshed: Some(TokenUse { at: START, from: address("203.0.113.9") }), ..family };
    assert_eq!((refreshed.new_network(address("203.0.113.8")), refreshed.new_network(address("192.0.2.2"))), (None, None));
    assert!(refreshed.new_network(address("198.51.100.1")).is_some());
    assert_eq!(begun().new_network(address("192.0.2.1")), None, "where it began is not known");
}

/// The authorization server, as far as one family goes.
struct Server {
    family: TokenFamily,
    now: Timestamp,
}

impl Server {
    fn new() -> Self {
        Self { family: begun(), now: START }
    }

    /// The refresh token of the response. A reused one ends the family.
    fn refresh(&mut self, generation: u32) -> Result<u32, Presented> {
        match refreshed(&self.family, generation, self.now) {
            Ok(family) => {
                self.family = family;
                Ok(self.family.generation)
            }
            Err(Presented::Reused) => {
                self.family = self.family.clone().end(FamilyEnd::TokenReuse, self.now).expect("it was live");
                Err(Presented::Reused)
            }
            Err(refused) => Err(refused),
        }
    }

    /// The use of an access token that was issued with this refresh token.
    fn use_access_token(&mut self, generation: u32) {
        self.family.successor_seen |= generation == self.family.generation;
    }

    fn wait(&mut self, span: Duration) {
        self.now = self.now + span;
    }
}

/// A program whose processes share one file, each of which writes the new refresh token before it uses the new access token.
struct Program {
    file: u32,
}

impl Program {
    /// Processes read the file at the same time and refresh within a minute, whether or not others were faster. `lost`: which of the responses.
    fn refresh(&mut self, server: &mut Server, lost: &[bool]) -> Result<(), Presented> {
        let read = self.file;
        let apart = GRACE_PERIOD / u32::try_from(lost.len()).expect("few processes");
        for lost in lost {
            let issued = server.refresh(read)?;
            if !lost {
                self.file = issued;
                server.use_access_token(issued);
            }
            server.wait(apart.saturating_sub(Duration::from_millis(1)));
        }
        Ok(())
    }
}

/// Seconds between two refreshes, which are more than twice the grace period.
fn gap() -> impl Strategy<Value = u64> {
    prop_oneof![121_u64..4_000, 4_000_u64..23 * HOUR]
}

/// Which of the responses to parallel processes are lost.
fn losses() -> impl Strategy<Value = Vec<bool>> {
    prop_oneof![Just(vec![false]), Just(vec![true]), proptest::collection::vec(any::<bool>(), 1..20)]
}

proptest! {
    /// However many processes refresh at once, and whichever responses are lost, the program stays signed in. If the clock is set back to before
    /// the rotation, it may have to wait for two minutes.
    #[test]
    fn honest_program_is_never_locked_out(rounds in proptest::collection::vec((losses(), gap(), any::<bool>()), 1..60)) {
        let (mut server, mut program) = (Server::new(), Program { file: 0 });
        let mut was_set_back = false;
        for (lost, gap, set_back) in rounds {
            let before = server.family.generation;
            let result = program.refresh(&mut server, &lost);
            prop_assert!(result == Ok(()) || was_set_back && result == Err(Presented::TooOften), "{result:?}");
            prop_assert!(server.family.generation <= before + 1, "processes that refresh at once cause one rotation");
            server.wait(Duration::from_secs(gap));
            was_set_back = set_back;
            if set_back {
                server.now = server.now - Duration::from_secs(gap + 300);
            }
        }
        prop_assert!(server.family.is_live());
    }

    /// A thief with a copy of the refresh token: the second party that sends a token of the same generation shows that there are two.
    #[test]
    fn theft_is_detected_at_the_next_use(
        before in proptest::collection::vec(losses(), 0..5),
        after in proptest::collection::vec((any::<bool>(), losses(), gap()), 1..20),
    ) {
        let (mut server, mut program) = (Server::new(), Program { file: 0 });
        for lost in before {
            prop_assert_eq!(program.refresh(&mut server, &lost), Ok(()));
            server.wait(Duration::from_secs(HOUR));
        }
        let mut thief = Program { file: program.file };
        let mut last_success = None;
        for (is_thief, lost, gap) in after {
            let lost = if is_thief { vec![false] } else { lost };
            let gets_a_token = lost.contains(&false);
            let result = if is_thief { thief.refresh(&mut server, &lost) } else { program.refresh(&mut server, &lost) };
            if !server.family.is_live() {
                prop_assert_eq!(result, Err(Presented::Reused));
                return Ok(());
            }
            prop_assert_eq!(result, Ok(()));
            if gets_a_token {
                prop_assert!(last_success.is_none_or(|last| last == is_thief), "both got tokens, and it was not noticed");
                last_success = Some(is_thief);
            }
            server.wait(Duration::from_secs(gap));
        }
    }

    /// Any number of holders, at any time: each token has one successor, and none is accepted after its successor was.
    #[test]
    fn nothing_branches(steps in proptest::collection::vec((0_usize..4, any::<bool>(), 0_u64..100), 1..200)) {
        let mut server = Server::new();
        let mut holders = [0_u32; 4];
        let mut highest_accepted = 0;
        for (who, uses_access_token, gap) in steps {
            let (presented, before) = (holders[who], server.family.clone());
            match server.refresh(presented) {
                Ok(issued) => {
                    prop_assert_eq!(issued, server.family.generation);
                    prop_assert_eq!(issued, presented + 1, "each token has one successor");
                    prop_assert!(issued == before.generation || issued == before.generation + 1);
                    prop_assert!(presented >= highest_accepted, "no token is accepted after its successor was");
                    highest_accepted = presented;
                    holders[who] = issued;
                    if uses_access_token {
                        server.use_access_token(issued);
                    }
                }
                Err(Presented::Reused) => {
                    prop_assert!(presented < before.generation);
                    prop_assert_eq!(server.family.present(server.family.generation, server.now), Presented::Ended);
                    return Ok(());
                }
                Err(refused) => prop_assert_eq!(refused, Presented::TooOften),
            }
            server.wait(Duration::from_secs(gap));
        }
    }
}
