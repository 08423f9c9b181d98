//! `tms-keycmd`: the `AuthorizedKeysCommand` of sshd on hosts.

fn main() -> std::process::ExitCode {
    tms_portal::keycmd::run()
}
