//! What diesel's errors mean.

use diesel::result::{DatabaseErrorKind, Error};
use todo_domain::ports::{BoxError, StorageError};

/// A statement on a connection did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    /// The database refused or could not do what was asked.
    #[error(transparent)]
    Statement(#[from] Error),
    /// There is no connection, or it was lost where nothing can have changed.
    #[error("the database cannot be reached")]
    Unavailable(#[source] BoxError),
    /// The connection was lost where something may have changed.
    #[error("the connection was lost in the middle of a change")]
    OutcomeUnknown(#[source] BoxError),
}

impl From<ConnectionError> for StorageError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::Unavailable(source) => Self::Unavailable(source),
            ConnectionError::OutcomeUnknown(source) => Self::OutcomeUnknown(source),
            // SQLite: another process held the write lock for longer than the busy timeout.
            ConnectionError::Statement(error) if is_busy(&error) => Self::Unavailable(error.into()),
            ConnectionError::Statement(error) => Self::Internal(error.into()),
        }
    }
}

/// Whether a statement failed because a row with the same value is there.
///
/// PostgreSQL names the index that refused it, SQLite the columns (`table.column`).
pub(crate) fn is_unique_violation(error: &ConnectionError, index: &str, columns: &str) -> bool {
    match error {
        ConnectionError::Statement(Error::DatabaseError(
            DatabaseErrorKind::UniqueViolation,
            information,
        )) => {
            information.constraint_name() == Some(index) || information.message().ends_with(columns)
        }
        _ => false,
    }
}

/// Whether a statement failed because a row that it refers to is not there.
pub(crate) fn is_foreign_key_violation(error: &ConnectionError) -> bool {
    matches!(
        error,
        ConnectionError::Statement(Error::DatabaseError(
            DatabaseErrorKind::ForeignKeyViolation,
            _
        ))
    )
}

fn is_busy(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, information)
        if information.message().contains("database is locked"))
}
