//! `tms-keycmd`: what sshd runs on a host to learn whether a key may log in.

fn main() -> std::process::ExitCode {
    tms_portal::keycmd::run()
}
