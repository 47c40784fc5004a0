//! What is said to whoever started the program, on standard output and standard error.

use std::{
    error::Error,
    fmt::Arguments,
    io::{Write, stderr, stdout},
    sync::mpsc::channel,
    thread,
    time::Duration,
};

/// For how long the process waits for whoever reads an error.
const REPORT_DEADLINE: Duration = Duration::from_secs(2);

/// Prints a line.
pub(crate) fn line(text: &str) {
    write_line(stdout().lock(), format_args!("{text}"));
}

/// Prints a line for whoever waits, where it is not taken for the result.
pub(crate) fn progress(text: &str) {
    write_line(stderr().lock(), format_args!("{text}"));
}

/// Prints an error and its causes, each on a line of its own, before the process ends.
///
/// A pipe that is full and that nobody reads keeps the process for no longer than [`REPORT_DEADLINE`].
pub(crate) fn error(error: &dyn Error) {
    let mut lines = vec![format!("todo-server: {error}")];
    let mut cause = error.source();
    while let Some(error) = cause {
        lines.push(format!("  because: {error}"));
        cause = error.source();
    }
    let text = lines.join("\n");
    let (done, is_done) = channel();
    let writing = thread::Builder::new().spawn(move || {
        progress(&text);
        // The process may have given up.
        done.send(()).ok();
    });
    if writing.is_ok() {
        is_done.recv_timeout(REPORT_DEADLINE).ok();
    }
}

/// That nobody reads any more (`todo-server | head -1`) is no reason to stop serving, as `println!` would.
fn write_line(mut to: impl Write, text: Arguments<'_>) {
    drop(writeln!(to, "{text}"));
}
