//! The portal's server; see `server::cli`.

fn main() -> std::process::ExitCode {
    tms_portal::server::cli::run()
}
