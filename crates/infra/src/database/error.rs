//! Classification of diesel's errors.

use diesel::result::{DatabaseErrorKind, Error};
use todo_domain::ports::{BoxError, StorageError};

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    /// The database refused the statement, or it failed.
    #[error(transparent)]
    Statement(#[from] Error),
    /// There is no connection, or it was lost before anything can have changed.
    #[error("the database cannot be reached")]
    Unavailable(#[source] BoxError),
    /// The connection was lost after something may have changed.
    #[error("the connection was lost in the middle of a change")]
    OutcomeUnknown(#[source] BoxError),
}

impl From<ConnectionError> for StorageError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::Unavailable(source) => Self::Unavailable(source),
            ConnectionError::OutcomeUnknown(source) => Self::OutcomeUnknown(source),
            // Nothing was changed, and a retry helps.
            ConnectionError::Statement(error)
                if is_busy(&error)
                    || is_conflict(&error)
                    || is_cancelled(&error)
                    || is_read_only(&error) =>
            {
                Self::Unavailable(error.into())
            }
            ConnectionError::Statement(error) if is_full(&error) => Self::Full(error.into()),
            // If something may have changed, the error is `OutcomeUnknown` already.
            ConnectionError::Statement(error) if is_disk_fault(&error) => {
                Self::Unavailable(error.into())
            }
            ConnectionError::Statement(error) => Self::Internal(error.into()),
        }
    }
}

/// Whether a statement violated a unique constraint.
///
/// PostgreSQL names the index, SQLite the columns (`table.column`).
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

/// Whether a statement violated a foreign key.
pub(crate) fn is_foreign_key_violation(error: &ConnectionError) -> bool {
    matches!(
        error,
        ConnectionError::Statement(Error::DatabaseError(
            DatabaseErrorKind::ForeignKeyViolation,
            _
        ))
    )
}

/// Whether another process held the write lock of SQLite for longer than the busy timeout.
pub(super) fn is_busy(error: &Error) -> bool {
    message_of(error).is_some_and(|message| message.contains("database is locked"))
}

/// Whether PostgreSQL rolled a transaction back because of a concurrent one: a serialization failure (SQLSTATE 40001)
/// or a deadlock (40P01).
///
/// diesel has a kind for the former only, and gives no SQLSTATE. So a deadlock is recognized by the message of an English
/// server, or of Citus. In another language it is [repeated](may_be_conflict), and is an internal error if that fails.
pub(super) fn is_conflict(error: &Error) -> bool {
    is_of_kind(error, |kind| {
        matches!(kind, DatabaseErrorKind::SerializationFailure)
    }) || message_of(error).is_some_and(|message| {
        message.contains("deadlock detected") || message.contains("distributed deadlock")
    })
}

/// Whether an error is a conflict, or of a kind that diesel does not know, as a deadlock is.
pub(super) fn may_be_conflict(error: &Error) -> bool {
    let is_unknown = is_of_kind(error, |kind| matches!(kind, DatabaseErrorKind::Unknown));
    is_conflict(error) || is_unknown && !is_cancelled(error) && !is_full(error)
}

/// Whether PostgreSQL ended a statement: by `statement_timeout` or on request (57014), or by `lock_timeout` (55P03).
///
/// diesel has no kind for these, so they are recognized by the messages of an English server.
pub(super) fn is_cancelled(error: &Error) -> bool {
    message_of(error).is_some_and(|message| message.contains("canceling statement due to"))
}

/// Whether a change was refused because the database is read-only, as a standby is.
pub(super) fn is_read_only(error: &Error) -> bool {
    is_of_kind(error, |kind| {
        matches!(kind, DatabaseErrorKind::ReadOnlyTransaction)
    })
}

fn is_of_kind(error: &Error, is_meant: impl Fn(&DatabaseErrorKind) -> bool) -> bool {
    match error {
        Error::DatabaseError(kind, _) => is_meant(kind),
        Error::RollbackErrorOnCommit { commit_error, .. } => is_of_kind(commit_error, is_meant),
        _ => false,
    }
}

/// Whether a change failed since the disk is full.
///
/// SQLite has this message for a full disk and for a limited file. PostgreSQL has the message of the operating system, in
/// the language of the server; in another language than English, it is an internal error.
fn is_full(error: &Error) -> bool {
    message_of(error).is_some_and(|message| {
        message.contains("database or disk is full") || message.contains("No space left on device")
    })
}

/// Whether the disk of an SQLite file failed. Earlier writes may be stored or not.
pub(super) fn is_disk_fault(error: &Error) -> bool {
    message_of(error).is_some_and(|message| message.contains("disk I/O error"))
}

pub(super) fn message_of(error: &Error) -> Option<&str> {
    match error {
        Error::DatabaseError(_, information) => Some(information.message()),
        Error::RollbackErrorOnCommit { commit_error, .. } => message_of(commit_error),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_storage(message: &str) -> StorageError {
        let information = Box::new(message.to_owned());
        let error = Error::DatabaseError(DatabaseErrorKind::Unknown, information);
        ConnectionError::Statement(error).into()
    }

    #[test]
    fn full_and_unavailable_storage_are_distinguished() {
        for full in [
            "database or disk is full",
            "could not extend file \"base/16384/16402\": No space left on device",
        ] {
            assert!(matches!(of_storage(full), StorageError::Full(_)), "{full}");
        }
        for passing in [
            "database is locked",
            "deadlock detected",
            "canceling statement due to statement timeout",
            "canceling statement due to lock timeout",
            "canceling statement due to user request",
            "disk I/O error",
        ] {
            assert!(
                matches!(of_storage(passing), StorageError::Unavailable(_)),
                "{passing}"
            );
        }
        assert!(matches!(
            of_storage("no such table: todos"),
            StorageError::Internal(_)
        ));
    }

    #[test]
    fn the_cause_of_a_failed_commit_survives_a_failed_rollback() {
        let failed = |message: &str| {
            let information = Box::new(message.to_owned());
            Box::new(Error::DatabaseError(
                DatabaseErrorKind::Unknown,
                information,
            ))
        };
        let error = Error::RollbackErrorOnCommit {
            rollback_error: failed("cannot rollback - no transaction is active"),
            commit_error: failed("database or disk is full"),
        };
        assert!(is_full(&error));
        assert!(!is_disk_fault(&error));
    }
}
