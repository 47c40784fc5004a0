//! The log: one line an event, on standard error.

use std::{
    error::Error,
    fmt,
    io::{IsTerminal, stderr},
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use tracing::Subscriber;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
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
    traces::Traces,
};

/// How many lines wait for whoever reads the log, at most: some seconds of a server that is busy, in a few MiB. More are
/// lost.
const MAX_WAITING_LINES: usize = 16_384;

/// For how long lines that wait when a server ends are waited for. The writer itself gives up after 1.1 seconds.
const PATIENCE_AT_END: Duration = Duration::from_millis(1_500);

/// The log of a server. When it is dropped, lines that wait are given [a moment](PATIENCE_AT_END).
pub(crate) struct ServerLog {
    lost: ErrorCounter,
    writer: Option<WorkerGuard>,
}

impl fmt::Debug for ServerLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerLog").finish_non_exhaustive()
    }
}

impl ServerLog {
    /// What tells how many lines were lost so far.
    pub(crate) fn count_of_lost(&self) -> impl Fn() -> usize + Send + Sync + 'static {
        let lost = self.lost.clone();
        move || lost.dropped_lines()
    }
}

impl Drop for ServerLog {
    fn drop(&mut self) {
        let writer = self.writer.take();
        let (tell, ended) = channel();
        // It says on standard output that it gives up, where nobody may be reading either.
        thread::spawn(move || {
            drop(writer);
            tell.send(())
        });
        // Whatever comes of it, the server ends.
        ended.recv_timeout(PATIENCE_AT_END).ok();
    }
}

/// Starts the log of a command, which writes each line before it goes on.
pub(crate) fn start(config: LogConfig) {
    registry()
        .with(config.filter)
        .with(lines(config.format, stderr))
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
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(MAX_WAITING_LINES)
        .lossy(true)
        .thread_name("log")
        .finish(stderr());
    let log = ServerLog {
        lost: writer.error_counter(),
        writer: Some(guard),
    };
    let Some(traces) = traces else {
        registry()
            .with(config.filter)
            .with(lines(config.format, writer))
            .init();
        return Ok((log, Traces::none()));
    };
    let (traces, layer) = Traces::start(traces)?;
    registry()
        .with(layer)
        .with(lines(config.format, writer).with_filter(config.filter))
        .init();
    Ok((log, traces))
}

/// What makes the lines.
fn lines<S, W>(format: LogFormat, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = layer().with_writer(writer);
    match format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => lines
            .with_ansi(stderr().is_terminal())
            .with_target(false)
            .boxed(),
    }
}
