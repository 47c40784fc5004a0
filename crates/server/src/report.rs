//! What is said to whoever started the program, on standard output and standard error.

use std::{
    error::Error,
    fmt::Arguments,
    io::{Write, stderr, stdout},
};

/// Prints a line.
pub(crate) fn line(text: &str) {
    write_line(stdout().lock(), format_args!("{text}"));
}

/// Prints a line for whoever waits, where it is not taken for the result.
pub(crate) fn progress(text: &str) {
    write_line(stderr().lock(), format_args!("{text}"));
}

/// Prints an error and its causes, each on a line of its own.
pub(crate) fn error(error: &dyn Error) {
    write_line(stderr().lock(), format_args!("todo-server: {error}"));
    let mut cause = error.source();
    while let Some(error) = cause {
        write_line(stderr().lock(), format_args!("  because: {error}"));
        cause = error.source();
    }
}

/// That nobody reads any more (`todo-server | head -1`) is no reason to stop serving, as `println!` would.
fn write_line(mut to: impl Write, text: Arguments<'_>) {
    drop(writeln!(to, "{text}"));
}
