//! What the person sees while the browser has the word: a spinner with the time left, or a line if nobody watches.

use std::cell::Cell;
use std::fmt::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::domain::time::Timestamp;

use super::http::NoAnswer;
use super::moments::{countdown, now};
use super::output::Output;

const WAITING: &str = "Waiting for you to decide in the browser";
const FRAME: Duration = Duration::from_millis(125);
/// No server means a code to live longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// The wait for a decision. Leaves no trace on the terminal when it ends, in whatever way.
pub struct Waiting<'a> {
    until: Timestamp,
    output: &'a Output,
    spinner: Option<ProgressBar>,
    in_trouble: Cell<bool>,
}

impl<'a> Waiting<'a> {
    /// Starts to wait for as long as the code lives.
    pub fn begin(lifetime: Duration, output: &'a Output) -> Self {
        let until = now() + lifetime.min(LONGEST_WAIT);
        let spinner = output.is_watched().then(|| spinner(until));
        if spinner.is_none() {
            output.note(&format!("{WAITING}, {} left. Ctrl-C stops.", countdown(until.since(now()))));
        }
        Self { until, output, spinner, in_trouble: Cell::new(false) }
    }

    /// By the clock on the wall: a code expires while a laptop sleeps, too.
    pub fn time_left(&self) -> Duration {
        self.until.since(now())
    }

    /// Tells that the server gave no answer and that we go on; once per trouble where lines cannot be changed.
    pub fn trouble(&self, why: &NoAnswer) {
        let words = format!("No response: {why}; trying again");
        match &self.spinner {
            Some(spinner) => spinner.set_message(words),
            None if !self.in_trouble.replace(true) => self.output.note(&format!("{words}.")),
            None => {}
        }
    }

    pub fn trouble_is_over(&self) {
        self.in_trouble.set(false);
        if let Some(spinner) = &self.spinner {
            spinner.set_message(WAITING);
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

fn spinner(until: Timestamp) -> ProgressBar {
    let time_left = move |_: &ProgressState, line: &mut dyn Write| {
        let _cannot_fail = line.write_str(&countdown(until.since(now())));
    };
    let style = ProgressStyle::with_template("{spinner} {msg}, {time_left} left")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("time_left", time_left)
        .tick_chars("|/-\\ ");
    let spinner = ProgressBar::new_spinner().with_style(style).with_message(WAITING);
    spinner.enable_steady_tick(FRAME);
    spinner
}
