//! `todo-server import`

use std::{
    error::Error,
    fs::File,
    io::{BufRead, BufReader, stdin},
    path::Path,
};

use todo_application::archive::{self, ImportError};
use todo_domain::{ArchiveCounts, ports::RejectReason};
use todo_infra::Database;

use super::{
    STANDARD_STREAM,
    progress::{Progress, done},
    reader::{ReadError, Reader, line_of},
};
use crate::command::{CommandResult, connect};

/// Nothing was imported, and why.
#[derive(Debug, thiserror::Error)]
enum NothingImported {
    #[error("nothing was imported")]
    File(#[source] ReadError),
    #[error(
        "nothing was imported: line {line} cannot be used: the task is not of the user before it (user_id)"
    )]
    NotOfTheUserBefore { line: u64 },
    #[error("nothing was imported: line {line} cannot be used")]
    Refused {
        line: u64,
        #[source]
        reason: RejectReason,
    },
}

/// Inserts what a file or standard input has: all of it, or nothing.
pub(crate) fn import(file: &Path) -> CommandResult {
    let input: Box<dyn BufRead> = if file.as_os_str() == STANDARD_STREAM {
        Box::new(stdin().lock())
    } else {
        let opened = File::open(file)
            .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        Box::new(BufReader::new(opened))
    };
    let reader = Reader::begin(input).map_err(NothingImported::File)?;
    let database = connect()?;
    database.migrate()?;
    let counts = insert(&database, reader)?;
    done("Imported", counts);
    Ok(())
}

fn insert(
    database: &Database,
    reader: Reader<Box<dyn BufRead>>,
) -> Result<ArchiveCounts, Box<dyn Error>> {
    let mut progress = Progress::of("Read");
    let records = reader.inspect(|record| {
        if let Ok(record) = record {
            progress.add(record);
        }
    });
    Ok(match archive::import(database, records) {
        Ok(counts) => counts,
        Err(ImportError::Read(error)) => return Err(NothingImported::File(error).into()),
        Err(ImportError::NotOfTheUserBefore { record }) => {
            let line = line_of(record);
            return Err(NothingImported::NotOfTheUserBefore { line }.into());
        }
        Err(ImportError::Refused { record, reason }) => {
            let line = line_of(record);
            return Err(NothingImported::Refused { line, reason }.into());
        }
        Err(ImportError::Service(failure)) => return Err(failure.into()),
    })
}
