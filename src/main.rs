//! The portal's server; see `server::cli`.

/// Requests allocate many small things on many threads; this takes a tenth off each, against the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tms_portal::server::cli::run()
}
