//! `todo-server export`

use std::{
    error::Error,
    io::{self, BufWriter, Write, stdout},
    path::Path,
};

use todo_application::archive::{self, ExportError};
use todo_domain::{ArchiveCounts, ArchiveScope, Email};
use todo_infra::Database;

use super::{
    STANDARD_STREAM,
    output::OutputFile,
    progress::{Progress, done},
    writer::Writer,
};
use crate::command::{CommandResult, connect};

/// The file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the export cannot be written")]
struct Unwritable(#[source] io::Error);

/// Writes all users and their tasks, or those of one user, to a file or to standard output.
pub(crate) fn export(user: Option<&str>, file: &Path) -> CommandResult {
    let scope = match user {
        None => ArchiveScope::Everyone,
        Some(email) => ArchiveScope::User(
            Email::new(email).map_err(|error| format!("the address of --user {error}"))?,
        ),
    };
    let database = connect()?;
    if let Some(path) = database.url().sqlite_file().filter(|path| !path.exists()) {
        return Err(format!("there is no database {}", path.display()).into());
    }
    database.migrate()?;
    let counts = if file.as_os_str() == STANDARD_STREAM {
        let (_, counts) = write(&database, &scope, BufWriter::new(stdout().lock()))?;
        counts
    } else {
        let output = OutputFile::create(file).map_err(Unwritable)?;
        let (output, counts) = write(&database, &scope, output)?;
        output.place().map_err(Unwritable)?;
        counts
    };
    done("Exported", counts);
    Ok(())
}

fn write<W: Write>(
    database: &Database,
    scope: &ArchiveScope,
    to: W,
) -> Result<(W, ArchiveCounts), Box<dyn Error>> {
    let mut writer = Writer::begin(to).map_err(Unwritable)?;
    let mut progress = Progress::of("Exported");
    let counts = archive::export(database, scope, |record| {
        progress.add(record);
        writer.record(record)
    })
    .map_err(|error| match error {
        ExportError::Write(error) => Unwritable(error).into(),
        error => Box::<dyn Error>::from(error),
    })?;
    Ok((writer.end(counts).map_err(Unwritable)?, counts))
}
