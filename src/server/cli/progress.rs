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
    shown: Shown,
}

enum Shown {
    /// The time of the last line.
    Json(Option<Instant>),
    Bar(Option<ProgressBar>),
}

impl Progress {
    /// `json`: lines of JSON on standard output, one a second.
    pub fn new(step: &'static str, json: bool) -> Self {
        Self { step, started: Instant::now(), shown: if json { Shown::Json(None) } else { Shown::Bar(None) } }
    }

    /// Shows how many of `total` are done.
    pub fn set(&mut self, done: u64, total: u64) {
        let now = Instant::now();
        match &mut self.shown {
            Shown::Json(last) => {
                if done >= total || last.is_none_or(|last| now.duration_since(last) >= LINE_INTERVAL) {
                    *last = Some(now);
                    println!("{}", json_line(self.step, done, total, now.duration_since(self.started)));
                }
            }
            Shown::Bar(bar) => {
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
        if let Shown::Bar(Some(bar)) = &self.shown {
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
        let line = |done, millis| json_line("keys", done, 1_000, Duration::from_millis(millis)).to_string();
        assert_eq!(line(500, 2_000), r#"{"done":500,"event":"progress","per_second":250,"seconds_left":2,"step":"keys","total":1000}"#);
        assert_eq!(line(0, 0), r#"{"done":0,"event":"progress","per_second":0,"seconds_left":null,"step":"keys","total":1000}"#);
        assert!(line(1_000, 1_000).contains("\"seconds_left\":0"));
    }
}
