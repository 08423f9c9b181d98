//! Output of commands. A closed pipe (`tms-portal idp list | head -1`) is not an error: the command has been carried out.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

/// Replace the standard library's macros, which panic if the pipe is closed.
macro_rules! println {
    ($($text:tt)*) => { $crate::server::cli::out::line(format_args!($($text)*)) };
}

macro_rules! eprintln {
    ($($text:tt)*) => { $crate::server::cli::out::error_line(format_args!($($text)*)) };
}

/// What to do, after the sentence that a command cannot write its new file: one that exists may have been left by a command that was
/// interrupted. Empty for other errors.
pub fn advice_on_new_file(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::AlreadyExists => "; if an earlier command was interrupted, delete that file and run this again",
        _ => "",
    }
}

/// Prints a line on standard output. Any other write error, such as a full disk, ends the program.
pub fn line(text: Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            error_line(format_args!("tms-portal: cannot write to standard output: {error}"));
            std::process::exit(1);
        }
        _ => {}
    }
}

/// Prints a line on standard error.
pub fn error_line(text: Arguments<'_>) {
    // The failure cannot be reported anywhere.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
