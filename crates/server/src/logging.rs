//! The log: one line an event, on standard error.

use std::{
    error::Error,
    io::{IsTerminal, stderr},
};

use tracing::Subscriber;
use tracing_subscriber::{
    Layer, fmt, layer::SubscriberExt, registry, registry::LookupSpan, util::SubscriberInitExt,
};

use crate::{
    config::{LogConfig, LogFormat, TraceConfig},
    traces::Traces,
};

/// Starts the log.
pub(crate) fn start(config: LogConfig) {
    registry()
        .with(config.filter)
        .with(lines(config.format))
        .init();
}

/// Starts the log, and traces where these are wanted.
///
/// Without them, what the log leaves out costs nothing: its filter is the only one that is asked.
pub(crate) fn start_with_traces(
    config: LogConfig,
    traces: Option<TraceConfig>,
) -> Result<Traces, Box<dyn Error>> {
    let Some(traces) = traces else {
        start(config);
        return Ok(Traces::none());
    };
    let (traces, layer) = Traces::start(traces)?;
    registry()
        .with(layer)
        .with(lines(config.format).with_filter(config.filter))
        .init();
    Ok(traces)
}

/// What writes the lines.
fn lines<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let lines = fmt::layer().with_writer(stderr);
    match format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => lines
            .with_ansi(stderr().is_terminal())
            .with_target(false)
            .boxed(),
    }
}
