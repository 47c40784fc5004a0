//! The log: one line an event, on standard error.

use std::{
    error::Error,
    io::{IsTerminal, stderr},
    time::Duration,
};

use tracing::Subscriber;
use tracing_subscriber::{
    Layer,
    fmt::{MakeWriter, layer},
    layer::SubscriberExt,
    registry,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{
    config::{LogConfig, LogFormat, TraceConfig},
    log_writer::{FlushDeadlines, LogWriter},
    malformed_requests::{Counting, MalformedRequests},
    traces::Traces,
};

/// How many lines wait for whoever reads the log, at most: some seconds of a server that is busy, in a few MiB. More are
/// lost.
const MAX_WAITING_LINES: usize = 16_384;

/// How long lines that wait when a server ends are waited for: as long as somebody reads, within reason.
const FLUSH_DEADLINES: FlushDeadlines = FlushDeadlines {
    stalled: Duration::from_secs(2),
    total: Duration::from_secs(10),
};

/// The log of a server. Lines that wait are written when it is dropped, however the server ends, unless
/// [nobody reads](FLUSH_DEADLINES).
#[derive(Debug)]
pub(crate) struct ServerLog {
    writer: LogWriter,
    malformed: MalformedRequests,
}

impl ServerLog {
    /// What tells how many lines were lost so far.
    pub(crate) fn count_of_lost(&self) -> impl Fn() -> usize + Send + Sync + 'static {
        let writer = self.writer.clone();
        move || writer.lost()
    }

    /// The requests that could not be read, which are counted here.
    pub(crate) fn malformed_requests(&self) -> MalformedRequests {
        self.malformed.clone()
    }
}

impl Drop for ServerLog {
    fn drop(&mut self) {
        // Whatever comes of it, the server ends.
        self.writer.flush(FLUSH_DEADLINES);
    }
}

/// Starts the log of a command, which writes each line before it goes on.
pub(crate) fn start(config: LogConfig) {
    registry()
        .with(config.filter)
        .with(lines(config.format, stderr, MalformedRequests::default()))
        .init();
}

/// Starts the log of a server, and traces where these are wanted.
///
/// A thread of its own writes the lines. So a server goes on when whoever reads its log does not.
///
/// Without traces, what the log leaves out costs nothing: its filter is the only one that is asked.
pub(crate) fn start_with_traces(
    config: LogConfig,
    traces: Option<TraceConfig>,
) -> Result<(ServerLog, Traces), Box<dyn Error>> {
    let writer = LogWriter::start(stderr(), MAX_WAITING_LINES)?;
    let malformed = MalformedRequests::default();
    let log = ServerLog {
        writer: writer.clone(),
        malformed: malformed.clone(),
    };
    let Some(traces) = traces else {
        registry()
            .with(config.filter)
            .with(lines(config.format, writer, malformed))
            .init();
        return Ok((log, Traces::none()));
    };
    let (traces, layer) = Traces::start(traces)?;
    registry()
        .with(layer)
        .with(lines(config.format, writer, malformed).with_filter(config.filter))
        .init();
    Ok((log, traces))
}

/// What makes the lines.
fn lines<S, W>(
    format: LogFormat,
    writer: W,
    malformed: MalformedRequests,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = layer().with_writer(writer);
    match format {
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .map_event_format(|format| Counting::new(format, malformed))
            .boxed(),
        LogFormat::Text => lines
            .with_ansi(stderr().is_terminal())
            .with_target(false)
            .map_event_format(|format| Counting::new(format, malformed))
            .boxed(),
    }
}
