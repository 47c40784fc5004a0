//! What is said to whoever started the program, on standard output and standard error.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is where the program prints"
)]

use std::error::Error;

/// Prints a line.
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// Prints an error and its causes, each on a line of its own.
pub(crate) fn error(error: &dyn Error) {
    eprintln!("todo-server: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
}
