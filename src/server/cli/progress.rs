//! Progress of long operations: a bar with rate and time left on a terminal, or JSON lines.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::domain::progress::{Amount, ProgressObserver};

/// How often a line of JSON is printed.
const LINE_INTERVAL: Duration = Duration::from_secs(1);
/// How often the display of a step of an unknown amount is drawn.
const DRAW_INTERVAL: Duration = Duration::from_millis(100);
const BYTES_TEMPLATE: &str = "{msg} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
const COUNT_TEMPLATE: &str = "{msg} {wide_bar} {human_pos} of {human_len}, {per_sec}, {eta} left";
const UNKNOWN_TEMPLATE: &str = "{spinner} {msg}, {elapsed}";

/// Shows the progress of an operation. The bar is drawn on standard error if that is a terminal, and removed at the end.
pub struct Progress {
    json: bool,
    step: Option<Step>,
}

struct Step {
    name: &'static str,
    amount: Amount,
    started: Instant,
    /// The time of the last line of JSON.
    last_line: Option<Instant>,
    is_complete: bool,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// `json`: lines of JSON on standard output, at most one a second and one at the end of a step.
    pub fn new(json: bool) -> Self {
        Self { json, step: None }
    }

    /// Prints something while the bar is not there.
    pub fn suspend(&self, print: impl FnOnce()) {
        match self.step.as_ref().and_then(|step| step.bar.as_ref()) {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

impl ProgressObserver for Progress {
    fn begin(&mut self, step: &'static str, amount: Amount) {
        // The bar of the step before is removed first.
        self.step = None;
        let bar = (!self.json).then(|| bar(step, amount));
        self.step = Some(Step { name: step, amount, started: Instant::now(), last_line: None, is_complete: false, bar });
    }

    fn advance_to(&mut self, done: u64) {
        let Some(step) = &mut self.step else { return };
        match &step.bar {
            Some(bar) => bar.set_position(done),
            None => step.print_line(done),
        }
    }
}

impl Step {
    fn print_line(&mut self, done: u64) {
        let now = Instant::now();
        let completes = !self.is_complete && total(self.amount).is_some_and(|(_, total)| done >= total);
        if completes || self.last_line.is_none_or(|last| now.duration_since(last) >= LINE_INTERVAL) {
            self.is_complete |= completes;
            self.last_line = Some(now);
            println!("{}", json_line(self.name, self.amount, done, now.duration_since(self.started)));
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(step: &'static str, amount: Amount) -> ProgressBar {
    let (bar, template) = match amount {
        Amount::Bytes(total) => (ProgressBar::new(total), BYTES_TEMPLATE),
        Amount::Rows(total) | Amount::Keys(total) => (ProgressBar::new(total), COUNT_TEMPLATE),
        Amount::Unknown => (ProgressBar::new_spinner(), UNKNOWN_TEMPLATE),
    };
    let bar = bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(step);
    if amount == Amount::Unknown && !bar.is_hidden() {
        bar.enable_steady_tick(DRAW_INTERVAL);
    }
    bar
}

/// The unit, and how much there is to do.
fn total(amount: Amount) -> Option<(&'static str, u64)> {
    match amount {
        Amount::Bytes(total) => Some(("bytes", total)),
        Amount::Rows(total) => Some(("rows", total)),
        Amount::Keys(total) => Some(("keys", total)),
        Amount::Unknown => None,
    }
}

fn json_line(step: &str, amount: Amount, done: u64, elapsed: Duration) -> serde_json::Value {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let Some((unit, total)) = total(amount) else {
        return json!({ "event": "progress", "step": step, "seconds": millis / 1_000 });
    };
    // The amount may be an estimate.
    let done = done.min(total);
    let per_second = done.saturating_mul(1_000) / millis.max(1);
    let left = total.saturating_sub(done).checked_div(per_second);
    json!({
        "event": "progress", "step": step, "unit": unit, "done": done, "total": total,
        "seconds": millis / 1_000, "per_second": per_second, "seconds_left": left,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_are_stated() {
        let line = |done, millis| json_line("copying", Amount::Bytes(1_000), done, Duration::from_millis(millis));
        let expected = json!({
            "event": "progress", "step": "copying", "unit": "bytes", "done": 500, "total": 1_000,
            "seconds": 2, "per_second": 250, "seconds_left": 2,
        });
        assert_eq!(line(500, 2_000), expected);
        assert_eq!((&line(0, 0)["per_second"], &line(0, 0)["seconds_left"]), (&json!(0), &json!(null)));
        assert_eq!((&line(1_000, 1_000)["seconds_left"], &line(1_001, 1_000)["done"]), (&json!(0), &json!(1_000)));
    }

    #[test]
    fn steps_of_unknown_amount_state_the_elapsed_time() {
        let line = json_line("checking", Amount::Unknown, 0, Duration::from_millis(3_900));
        assert_eq!(line, json!({ "event": "progress", "step": "checking", "seconds": 3 }));
    }

    /// What the templates name is known to the library, which otherwise draws the default bar.
    #[test]
    fn templates_are_valid() {
        for template in [BYTES_TEMPLATE, COUNT_TEMPLATE, UNKNOWN_TEMPLATE] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
