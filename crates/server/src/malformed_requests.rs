//! Requests that cannot be read as HTTP: counted, and logged once a minute at most.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    warn,
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// How often the log says how many there were.
const INTERVAL: Duration = Duration::from_mins(1);

/// The target of the events by which actix tells of them, each as an error.
const TARGET: &str = "actix_http::h1::dispatcher";

/// The beginning of these events.
const MESSAGE: &str = "stream error";

/// The number of requests that could not be read. Cloning it is cheap, and gives the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct MalformedRequests(Arc<AtomicU64>);

impl MalformedRequests {
    /// How many there were so far.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Keeps logging how many there were, for as long as the process lives.
    pub(crate) fn keep_logging(self) -> io::Result<()> {
        thread::Builder::new()
            .name("malformed".to_owned())
            .spawn(move || {
                let mut logged = 0;
                loop {
                    thread::sleep(INTERVAL);
                    let count = self.count();
                    if count > logged {
                        warn!(
                            requests = count - logged,
                            "requests were not HTTP, or were cut off"
                        );
                    }
                    logged = count;
                }
            })
            .map(drop)
    }

    fn is_told_by(event: &Event<'_>) -> bool {
        let metadata = event.metadata();
        if metadata.target() != TARGET || *metadata.level() != Level::ERROR {
            return false;
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        message.0.starts_with(MESSAGE)
    }
}

/// The message of an event.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

/// Formats all events but those of malformed requests, which are counted.
pub(crate) struct Counting<F> {
    format: F,
    malformed: MalformedRequests,
}

impl<F> Counting<F> {
    pub(crate) fn new(format: F, malformed: MalformedRequests) -> Self {
        Self { format, malformed }
    }
}

impl<S, N, F> FormatEvent<S, N> for Counting<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if MalformedRequests::is_told_by(event) {
            self.malformed.0.fetch_add(1, Relaxed);
            // No line is written where there is no text.
            return Ok(());
        }
        self.format.format_event(context, writer, event)
    }
}
