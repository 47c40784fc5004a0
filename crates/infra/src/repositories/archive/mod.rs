//! Reading and inserting all data, for export and import.

mod inserting;
mod reading;
mod rows;

use todo_domain::{
    ArchiveCounts, ArchiveRecord, ArchiveScope,
    ports::{Aborted, Archive, InsertArchiveError, RecordWriter, StorageError},
};

use self::inserting::Stopped;
use crate::database::Database;

impl Archive for Database {
    fn read(&self, scope: &ArchiveScope, sink: &mut dyn RecordWriter) -> Result<(), StorageError> {
        self.snapshot(|connection| reading::read(connection, scope, sink))?;
        Ok(())
    }

    fn insert(
        &self,
        records: &mut dyn Iterator<Item = Result<ArchiveRecord, Aborted>>,
    ) -> Result<ArchiveCounts, InsertArchiveError> {
        let mut stopped_by = None;
        let inserted = self.unrepeated_transaction(|connection| {
            inserting::insert(connection, records).map_err(|stopped| match stopped {
                Stopped::Lost(error) => error,
                Stopped::By(error) => {
                    stopped_by = Some(error);
                    diesel::result::Error::RollbackTransaction
                }
            })
        });
        inserted.map_err(|error| match stopped_by {
            Some(stopped_by) => stopped_by,
            None => StorageError::from(error).into(),
        })
    }
}
