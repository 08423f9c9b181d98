//! What verbs print. A reader that has gone (`tms-portal idp list | head -1`) is no reason to fail: the verb is done all the same.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

/// In place of the standard library's, which panic when the reader has gone.
macro_rules! println {
    ($($text:tt)*) => { $crate::server::cli::out::line(format_args!($($text)*)) };
}

macro_rules! eprintln {
    ($($text:tt)*) => { $crate::server::cli::out::error_line(format_args!($($text)*)) };
}

/// A line on standard output. What cannot be written for another reason, such as a full disk, ends the program.
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

/// A line on standard error.
pub fn error_line(text: Arguments<'_>) {
    // There is nowhere left to say that this failed.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
