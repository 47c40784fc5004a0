//! Moving between databases: the commands `export` and `import`, and the file that they write and read.
//!
//! `docs/export-format.md` describes the file.

mod export;
mod fields;
mod import;
mod line;
mod output;
mod progress;
mod reader;
mod writer;

pub(crate) use export::export;
pub(crate) use import::import;

/// The name of the format, in the first line of a file.
const FORMAT: &str = "todo-export";
/// The version of the format that is written, and the newest that is read.
const VERSION: u64 = 2;
/// The oldest version that is read. Its users lack `disabled_at`.
const OLDEST_VERSION: u64 = 1;
/// What stands for standard input or output in place of a file.
const STANDARD_STREAM: &str = "-";
