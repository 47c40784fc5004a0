//! Writing the file.

use std::io::{self, Write};

use serde::Serialize;
use todo_domain::{ArchiveCounts, ArchiveRecord};

use super::line::{EndLine, HeaderLine, RecordLine};

/// Writes a file, line by line.
#[derive(Debug)]
pub(super) struct Writer<W> {
    to: W,
}

impl<W: Write> Writer<W> {
    /// Begins a file with its first line.
    pub(super) fn begin(to: W) -> io::Result<Self> {
        let mut writer = Self { to };
        writer.line(&HeaderLine::CURRENT)?;
        Ok(writer)
    }

    pub(super) fn record(&mut self, record: &ArchiveRecord) -> io::Result<()> {
        self.line(&RecordLine::from(record))
    }

    /// Ends the file with its last line.
    pub(super) fn end(mut self, counts: ArchiveCounts) -> io::Result<W> {
        self.line(&EndLine::from(counts))?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.to, line)?;
        self.to.write_all(b"\n")
    }
}
