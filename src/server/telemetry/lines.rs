//! How lines of the log are written: as the library does, with the id of the request to which they belong.

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{Format, Full, Json, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::server::request_id;

/// `TIME LEVEL http{request_id=…}: target: message`. The id is not a span, which machines' requests have only at debug level.
pub struct TextLines(Format<Full, ()>);

impl Default for TextLines {
    fn default() -> Self {
        Self(Format::default().without_time().with_level(false))
    }
}

impl<S, N> FormatEvent<S, N> for TextLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let level = *event.metadata().level();
        let [dim, colour, end] = if writer.has_ansi_escapes() { ["\x1b[2m", colour(level), "\x1b[0m"] } else { [""; 3] };
        writer.write_str(dim)?;
        if SystemTime.format_time(&mut writer).is_err() {
            writer.write_str("<unknown time>")?;
        }
        write!(writer, "{end} {colour}{:>5}{end} ", level.as_str())?;
        if let Some(request) = request_id::current() {
            write!(writer, "{dim}http{{{request}}}:{end} ")?;
        }
        self.0.format_event(context, writer, event)
    }
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}

/// An object in which `request_id` and `trace_id` come first.
pub struct JsonLines<T>(pub Format<Json, T>);

impl<S, N, T> FormatEvent<S, N> for JsonLines<T>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    Format<Json, T>: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Some(request) = request_id::current() else { return self.0.format_event(context, writer, event) };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        write!(writer, "{{\"request_id\":\"{}\",", request.as_str())?;
        if let Some(trace) = request.trace_id() {
            write!(writer, "\"trace_id\":\"{trace}\",")?;
        }
        writer.write_str(line.strip_prefix('{').unwrap_or(&line))
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::Layer as _;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::server::request_id::RequestIds;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text")
        }
    }

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'w> MakeWriter<'w> for Written {
        type Writer = Self;

        fn make_writer(&'w self) -> Self {
            self.clone()
        }
    }

    /// Two lines, of which the second belongs to a request with this id.
    fn written(json: bool, colours: bool) -> (Vec<String>, String) {
        let written = Written::default();
        let lines = tracing_subscriber::fmt::layer().with_writer(written.clone()).with_ansi(colours);
        let lines = if json { lines.json().map_event_format(JsonLines).boxed() } else { lines.event_format(TextLines::default()).boxed() };
        let id = RequestIds::new([1; 32]).generate(crate::server::request_id::trace_id(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            tracing::info!("outside");
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(request_id::scope(id, async { tracing::warn!(name = "x", "inside") }));
        });
        (written.text().lines().map(str::to_owned).collect(), id.as_str().to_owned())
    }

    #[test]
    fn lines_of_a_request_have_its_id() {
        const TARGET: &str = "tms_portal::server::telemetry::lines::tests";
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        let (lines, id) = written(false, false);
        assert!(lines[0].ends_with(&format!("Z  INFO {TARGET}: outside")), "{lines:?}");
        assert!(lines[1].ends_with(&format!("Z  WARN http{{request_id={id} trace_id={TRACE}}}: {TARGET}: inside name=\"x\"")), "{lines:?}");
        let (lines, id) = written(true, false);
        let [outside, inside] = [0, 1].map(|line: usize| serde_json::from_str::<serde_json::Value>(&lines[line]).expect("JSON"));
        assert!(outside["fields"]["message"] == "outside" && outside.get("request_id").is_none(), "{outside}");
        assert!(inside["fields"]["name"] == "x" && inside["level"] == "WARN", "{inside}");
        assert_eq!((inside["request_id"].as_str(), inside["trace_id"].as_str()), (Some(id.as_str()), Some(TRACE)));
        let (lines, _) = written(false, true);
        assert!(lines[1].contains("\x1b[33m WARN\x1b[0m \x1b[2mhttp{"), "{lines:?}");
    }
}
