//! The log: one line an event, on standard error.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, fmt};

use crate::config::LogFormat;

/// Starts the log.
pub(crate) fn start(filter: EnvFilter, format: LogFormat) {
    let log = fmt().with_env_filter(filter).with_writer(stderr);
    match format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        LogFormat::Text => log
            .with_ansi(stderr().is_terminal())
            .with_target(false)
            .init(),
    }
}
