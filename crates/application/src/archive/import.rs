//! Putting everything into a storage.

use todo_domain::{
    ArchiveCounts, ArchiveRecord, UserId,
    ports::{Aborted, Archive, InsertArchiveError, RejectReason},
};

use crate::ServiceError;

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError<E> {
    /// A record could not be read.
    #[error(transparent)]
    Read(E),
    /// A todo stands where it is not its owner's.
    #[error("the task is not of the user before it")]
    NotOfTheUserBefore {
        /// Which record it is; the first is 0.
        record: u64,
    },
    /// The storage refuses a record.
    #[error("the storage refuses a record")]
    Refused {
        /// Which record it is; the first is 0.
        record: u64,
        /// Why it is refused.
        #[source]
        reason: RejectReason,
    },
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Inserts every record, and tells how many there were: all of them or nothing.
///
/// Each todo has to stand after its owner, with nothing between them but other todos of that owner.
///
/// # Errors
/// [`ImportError`]. Nothing was changed.
pub fn import<E>(
    archive: &dyn Archive,
    records: impl IntoIterator<Item = Result<ArchiveRecord, E>>,
) -> Result<ArchiveCounts, ImportError<E>> {
    let mut fault = None;
    let mut user: Option<UserId> = None;
    let mut next = 0;
    let mut checked = records.into_iter().map(|record| {
        let found = match record {
            Err(error) => Err(ImportError::Read(error)),
            Ok(ArchiveRecord::Todo(todo)) if user != Some(todo.owner) => {
                Err(ImportError::NotOfTheUserBefore { record: next })
            }
            Ok(record) => Ok(record),
        };
        next += 1;
        if let Ok(ArchiveRecord::User(archived)) = &found {
            user = Some(archived.credentials.user.id);
        }
        found.map_err(|error| {
            fault = Some(error);
            Aborted
        })
    });
    let inserted = archive.insert(&mut checked);
    drop(checked);
    inserted.map_err(|error| match (error, fault) {
        (InsertArchiveError::Aborted(_), Some(fault)) => fault,
        (InsertArchiveError::Refused { record, reason }, _) => {
            ImportError::Refused { record, reason }
        }
        (InsertArchiveError::Storage(error), _) => ImportError::Service(error.into()),
        (error, _) => ImportError::Service(ServiceError::Internal(error.into())),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::{Todo, ports::MockArchive};

    use super::*;
    use crate::testing::{archived_user, todo, unavailable, user_id};

    /// An archive that takes what it is given, and gives up when the records are given up.
    fn archive() -> MockArchive {
        let mut archive = MockArchive::new();
        archive.expect_insert().returning(|records| {
            let mut counts = ArchiveCounts::default();
            for record in records {
                counts.add(&record?);
            }
            Ok(counts)
        });
        archive
    }

    fn user() -> ArchiveRecord {
        ArchiveRecord::User(archived_user())
    }

    fn todo_of(owner: u128) -> ArchiveRecord {
        ArchiveRecord::Todo(Todo {
            owner: user_id(owner),
            ..todo()
        })
    }

    fn other_user() -> ArchiveRecord {
        let mut other = archived_user();
        other.credentials.user.id = user_id(2);
        ArchiveRecord::User(other)
    }

    fn all(records: Vec<ArchiveRecord>) -> impl Iterator<Item = Result<ArchiveRecord, String>> {
        records.into_iter().map(Ok)
    }

    #[test]
    fn every_record_is_inserted_and_counted() {
        let records = vec![user(), todo_of(1), todo_of(1), other_user(), todo_of(2)];
        let counts = import(&archive(), all(records)).unwrap();
        assert_eq!(counts, ArchiveCounts { users: 2, todos: 3 });
    }

    #[rstest]
    #[case::before_every_user(vec![todo_of(1), user()], 0)]
    #[case::of_nobody(vec![user(), todo_of(1), todo_of(3)], 2)]
    #[case::of_an_earlier_user(vec![user(), other_user(), todo_of(1)], 2)]
    fn a_todo_that_is_not_of_the_user_before_it_is_named(
        #[case] records: Vec<ArchiveRecord>,
        #[case] which: u64,
    ) {
        let error = import(&archive(), all(records)).unwrap_err();
        assert!(
            matches!(error, ImportError::NotOfTheUserBefore { record } if record == which),
            "{error:?}"
        );
    }

    #[test]
    fn what_cannot_be_read_ends_the_import() {
        let records = vec![Ok(user()), Err("broken"), Err("never reached")];
        let error = import(&archive(), records).unwrap_err();
        assert!(matches!(error, ImportError::Read("broken")));
    }

    #[test]
    fn what_the_storage_refuses_is_named() {
        let mut archive = MockArchive::new();
        archive.expect_insert().returning(|_| {
            Err(InsertArchiveError::Refused {
                record: 7,
                reason: RejectReason::EmailTaken,
            })
        });
        let error = import(&archive, all(Vec::new())).unwrap_err();
        assert!(matches!(
            error,
            ImportError::Refused {
                record: 7,
                reason: RejectReason::EmailTaken
            }
        ));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut archive = MockArchive::new();
        archive
            .expect_insert()
            .returning(|_| Err(unavailable().into()));
        let error = import(&archive, all(Vec::new())).unwrap_err();
        assert!(matches!(
            error,
            ImportError::Service(ServiceError::Unavailable(_))
        ));
    }

    #[test]
    fn a_storage_that_gives_up_by_itself_is_at_fault() {
        let mut archive = MockArchive::new();
        archive.expect_insert().returning(|_| Err(Aborted.into()));
        let error = import(&archive, all(Vec::new())).unwrap_err();
        assert!(matches!(
            error,
            ImportError::Service(ServiceError::Internal(_))
        ));
    }
}
