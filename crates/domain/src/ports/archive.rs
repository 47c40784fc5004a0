//! How everything is read from a storage at once, and put into another.

use std::ops::ControlFlow;

use super::{BoxError, StorageError};
use crate::{ArchiveCounts, ArchiveRecord, ArchiveScope};

/// Whoever supplied the records gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the records were given up")]
pub struct Aborted;

/// Why a storage refuses a record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RejectReason {
    /// A user with this address is there.
    #[error("a user with this e-mail address exists already")]
    EmailTaken,
    /// A user with this id is there.
    #[error("a user with this id exists already")]
    UserExists,
    /// A todo with this id is there.
    #[error("a task with this id exists already")]
    TodoExists,
    /// The owner of the todo is not there.
    #[error("the task is of a user that does not exist")]
    OwnerMissing,
    /// The storage cannot keep it, such as a text that is longer than its column.
    #[error("the database cannot keep it")]
    Unstorable(#[source] BoxError),
}

/// Why an archive was not inserted. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InsertArchiveError {
    /// Whoever supplied the records gave up.
    #[error(transparent)]
    Aborted(#[from] Aborted),
    /// A record was refused.
    #[error("a record was refused")]
    Refused {
        /// Which one; the first is 0.
        record: u64,
        /// Why.
        #[source]
        reason: RejectReason,
    },
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Takes records one after the other, such as a closure does.
pub trait RecordWriter {
    /// Takes a record; a break means that no more are wanted.
    fn take(&mut self, record: ArchiveRecord) -> ControlFlow<()>;
}

impl<F: FnMut(ArchiveRecord) -> ControlFlow<()>> RecordWriter for F {
    fn take(&mut self, record: ArchiveRecord) -> ControlFlow<()> {
        self(record)
    }
}

/// Reads everything, and inserts everything. Neither keeps more than a few thousand records in memory.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Archive: Send + Sync {
    /// Hands the users of `scope` to `sink` with their todos, until it breaks: users in the order of their
    /// ids, and after each user the user's todos, in the order of their creation and of their ids.
    ///
    /// MUST hand over what there was at one instant, whatever is changed in the meantime, and MUST NOT keep others from
    /// changing it.
    ///
    /// # Errors
    /// [`StorageError`]. Some records may have been handed over by then.
    fn read(&self, scope: &ArchiveScope, sink: &mut dyn RecordWriter) -> Result<(), StorageError>;

    /// Inserts every record, and tells how many there were: all of them or nothing. A todo comes after its owner.
    ///
    /// # Errors
    /// MUST be [`InsertArchiveError::Aborted`] when one of `records` is an error; no more are asked for then.
    ///
    /// MUST be [`InsertArchiveError::Refused`] when a record cannot be inserted, also when what it collides with is
    /// another one of `records`. Of several such records, it may name any.
    fn insert(
        &self,
        records: &mut dyn Iterator<Item = Result<ArchiveRecord, Aborted>>,
    ) -> Result<ArchiveCounts, InsertArchiveError>;
}
