//! Logins while the portal is down or hangs.

use std::process::Child;
use std::time::{Duration, Instant};

use crate::fixture::{Fixture, print_note};

/// Concurrent logins, as when a class begins.
const CONCURRENT_LOGINS: usize = 15;
/// A lookup has two seconds; a busy machine may need longer.
const ONE_QUESTION: Duration = Duration::from_millis(2_500);
const ONE_LOGIN: Duration = Duration::from_secs(5);

#[tokio::test]
async fn logins_fail_fast_while_the_portal_is_down() {
    let Some(mut fixture) = Fixture::start().await else { return };
    let key = fixture.key(-1, -1).await;
    fixture.host.log_in(&key).assert_logged_in();
    fixture.portal.stop();
    let login = fixture.host.log_in(&key);
    login.assert_refused("the portal is unreachable");
    print_note(format!("portal stopped: refused after {:?}", login.took));
    assert!(login.took < Duration::from_secs(2), "{login:#?}");
    fixture.portal.resume();
    fixture.host.log_in(&key).assert_logged_in();
}

#[tokio::test]
async fn hanging_portal_does_not_block_other_logins() {
    let Some(fixture) = Fixture::start().await else { return };
    let (host, account, key) = (&fixture.host, fixture.host.environment.account.as_str(), fixture.key(1, -1).await);
    let break_glass = host.unknown_key("break-glass");
    host.break_glass(&break_glass);
    fixture.portal.signal("-STOP");

    let login = host.log_in(&key);
    login.assert_refused("the portal did not respond in time");
    print_note(format!("portal hangs: refused after {:?}", login.took));
    assert!(login.took < ONE_LOGIN, "{login:#?}");

    // A key in `authorized_keys`: no lookup, also with many logins at once.
    let crowd: Vec<Child> = (0..CONCURRENT_LOGINS).map(|_| host.ssh(account, &[&key]).spawn().expect("ssh")).collect();
    let local = host.ssh(account, &[&break_glass]).output().expect("ssh");
    assert!(local.status.success(), "{}", String::from_utf8_lossy(&local.stderr));
    for login in crowd {
        let output = login.wait_with_output().expect("ssh");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("Permission denied (publickey)"), "sshd heard everybody out: {said}");
    }
    assert!(!host.sshd_log().contains("throttling"), "{}", host.sshd_log());

    let mut slowest = Duration::ZERO;
    let started: Vec<(Instant, Child)> =
        (0..CONCURRENT_LOGINS).map(|_| (Instant::now(), host.keycmd(account, 1000, &key).spawn().expect("run"))).collect();
    for (start, child) in started {
        let output = child.wait_with_output().expect("run");
        // Includes the time of waiting for the earlier ones: an upper limit.
        slowest = slowest.max(start.elapsed());
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]));
    }
    print_note(format!("portal hangs: {CONCURRENT_LOGINS} key commands at once ended within {slowest:?}"));
    assert!(slowest < ONE_QUESTION, "{slowest:?}");

    fixture.portal.signal("-CONT");
    // No login was counted, so the one use is still available.
    host.log_in(&key).assert_logged_in();
    assert_eq!(fixture.record(&key).await["remaining_uses"], 0);
}
