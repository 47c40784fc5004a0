//! The log: one line an event, on standard error.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::fmt;

use crate::config::{LogConfig, LogFormat};

/// Starts the log.
pub(crate) fn start(config: LogConfig) {
    let log = fmt().with_env_filter(config.filter).with_writer(stderr);
    match config.format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        LogFormat::Text => log
            .with_ansi(stderr().is_terminal())
            .with_target(false)
            .init(),
    }
}
