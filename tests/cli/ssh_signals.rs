//! While `ssh` runs, `tms` passes signals on and stops with it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Child;

use crate::machine::{Machine, kill, wait_until};
use crate::portal::Portal;

/// Starts `tms ssh` in a process group of its own, with this script in place of `ssh`.
fn start(machine: &Machine, script: &str) -> Child {
    machine.write("bin/ssh", &format!("#!/bin/sh\n{script}"), 0o755);
    machine.command(&["ssh", "testhost1"]).process_group(0).spawn().unwrap()
}

/// The state of a process in `/proc`, such as `T` for stopped.
fn state_of(process: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

#[test]
fn signals_end_ssh_and_its_status_is_returned() {
    for (signal, status) in [("-TERM", 7), ("-HUP", 8), ("-INT", 9)] {
        let portal = Portal::start();
        let machine = Machine::signed_in_to(&portal);
        let script = "trap 'exit 7' TERM; trap 'exit 8' HUP; trap 'exit 9' INT; touch \"$SSH_CALLED\"; while :; do sleep 0.05; done";
        let mut tms = start(&machine, script);
        wait_until("ssh runs", || machine.path("called").exists());
        // To `tms` alone, as a script does.
        kill(signal, &tms.id().to_string());
        assert_eq!(tms.wait().unwrap().code(), Some(status), "{signal}");
    }
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    assert_eq!(start(&machine, "kill -KILL $$").wait().unwrap().code(), Some(128 + 9), "as in a shell");
}

/// As after `~^Z`.
#[test]
fn stopped_ssh_stops_tms_until_both_continue() {
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    let mut tms = start(&machine, "kill -STOP $$; exit 5");
    wait_until("tms stops", || state_of(tms.id()) == Some('T'));
    kill("-CONT", &format!("-{}", tms.id()));
    assert_eq!(tms.wait().unwrap().code(), Some(5));
}
