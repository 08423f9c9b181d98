//! `tms`: the user's command line.

fn main() -> std::process::ExitCode {
    tms_portal::cli::run()
}
