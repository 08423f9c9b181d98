//! Progress output while waiting for the user's decision in the browser: a spinner with the time left, or a line if stderr is not a
//! terminal.

use std::cell::Cell;
use std::fmt::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::domain::time::Timestamp;

use super::http::TransportError;
use super::output::Output;
use super::time_format::{format_countdown, now};

const MESSAGE: &str = "Waiting for you to decide in the browser";
const FRAME_INTERVAL: Duration = Duration::from_millis(125);
/// Upper limit for the lifetime of a code.
const MAX_WAIT: Duration = Duration::from_secs(24 * 3600);

/// Progress output of one wait. Clears its line when dropped.
pub struct Spinner<'a> {
    until: Timestamp,
    output: &'a Output,
    bar: Option<ProgressBar>,
    has_warned: Cell<bool>,
}

impl<'a> Spinner<'a> {
    /// Starts with the lifetime of the code.
    pub fn start(lifetime: Duration, output: &'a Output) -> Self {
        let until = now() + lifetime.min(MAX_WAIT);
        let bar = output.is_interactive().then(|| progress_bar(until));
        if bar.is_none() {
            output.note(&format!("{MESSAGE}, {} left. Ctrl-C stops.", format_countdown(until.since(now()))));
        }
        Self { until, output, bar, has_warned: Cell::new(false) }
    }

    /// Uses wall-clock time, because a code also expires while a laptop is suspended.
    pub fn time_left(&self) -> Duration {
        self.until.since(now())
    }

    /// Reports that the server did not respond and that polling continues; without a terminal, once per outage.
    pub fn transient_error(&self, error: &TransportError) {
        let words = format!("No response: {error}; trying again");
        match &self.bar {
            Some(spinner) => spinner.set_message(words),
            None if !self.has_warned.replace(true) => self.output.note(&format!("{words}.")),
            None => {}
        }
    }

    /// Prints a message above the progress output.
    pub fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.output.note(text)),
            None => self.output.note(text),
        }
    }

    pub fn recovered(&self) {
        self.has_warned.set(false);
        if let Some(spinner) = &self.bar {
            spinner.set_message(MESSAGE);
        }
    }
}

impl Drop for Spinner<'_> {
    fn drop(&mut self) {
        if let Some(spinner) = &self.bar {
            spinner.finish_and_clear();
        }
    }
}

fn progress_bar(until: Timestamp) -> ProgressBar {
    let time_left = move |_: &ProgressState, line: &mut dyn Write| {
        let _cannot_fail = line.write_str(&format_countdown(until.since(now())));
    };
    let style = ProgressStyle::with_template("{spinner} {msg}, {time_left} left")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("time_left", time_left)
        .tick_chars("|/-\\ ");
    let spinner = ProgressBar::new_spinner().with_style(style).with_message(MESSAGE);
    spinner.enable_steady_tick(FRAME_INTERVAL);
    spinner
}
