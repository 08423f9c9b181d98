//! Progress of long operations: a bar with rate and time left on a terminal, or JSON lines.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

/// How often a line of JSON is printed.
const LINE_INTERVAL: Duration = Duration::from_secs(1);
const TEMPLATE: &str = "{msg} {wide_bar} {human_pos} of {human_len}, {per_sec}, {eta} left";

/// Progress of one step of an operation. The bar is drawn on standard error if that is a terminal, and removed at the end.
pub struct Progress {
    step: &'static str,
    started: Instant,
    output: Output,
}

enum Output {
    /// The time of the last line.
    Json(Option<Instant>),
    Bar(Option<ProgressBar>),
}

impl Progress {
    /// `json`: lines of JSON on standard output, one a second.
    pub fn new(step: &'static str, json: bool) -> Self {
        Self { step, started: Instant::now(), output: if json { Output::Json(None) } else { Output::Bar(None) } }
    }

    /// Shows how many of `total` are done.
    pub fn set(&mut self, done: u64, total: u64) {
        let now = Instant::now();
        match &mut self.output {
            Output::Json(last) => {
                if done >= total || last.is_none_or(|last| now.duration_since(last) >= LINE_INTERVAL) {
                    *last = Some(now);
                    println!("{}", json_line(self.step, done, total, now.duration_since(self.started)));
                }
            }
            Output::Bar(bar) => {
                let bar = bar.get_or_insert_with(|| {
                    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
                    ProgressBar::new(total).with_style(style).with_message(self.step)
                });
                bar.set_position(done);
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Output::Bar(Some(bar)) = &self.output {
            bar.finish_and_clear();
        }
    }
}

fn json_line(step: &str, done: u64, total: u64, elapsed: Duration) -> serde_json::Value {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let per_second = done.saturating_mul(1_000) / millis;
    let left = total.saturating_sub(done).checked_div(per_second);
    json!({ "event": "progress", "step": step, "done": done, "total": total, "per_second": per_second, "seconds_left": left })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_are_stated() {
        let line = |done, millis| json_line("keys", done, 1_000, Duration::from_millis(millis));
        let expected = json!({ "event": "progress", "step": "keys", "done": 500, "total": 1_000, "per_second": 250, "seconds_left": 2 });
        assert_eq!(line(500, 2_000), expected);
        assert_eq!((&line(0, 0)["per_second"], &line(0, 0)["seconds_left"]), (&json!(0), &json!(null)));
        assert_eq!(line(1_000, 1_000)["seconds_left"], json!(0));
    }
}
