//! Taking everything out of a storage.

use std::ops::ControlFlow;

use todo_domain::{ArchiveCounts, ArchiveRecord, ArchiveScope, ports::Archive};

use crate::ServiceError;

/// Why an export did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExportError<E> {
    /// No user has that address.
    #[error("there is no user with this e-mail address")]
    NoSuchUser,
    /// A record could not be written.
    #[error(transparent)]
    Write(E),
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Gives the records of `scope` to `write`, one after the other, and tells how many there were.
///
/// # Errors
/// [`ExportError`]. Some records may have been written by then.
pub fn export<E>(
    archive: &dyn Archive,
    scope: &ArchiveScope,
    mut write: impl FnMut(&ArchiveRecord) -> Result<(), E>,
) -> Result<ArchiveCounts, ExportError<E>> {
    let mut counts = ArchiveCounts::default();
    let mut written = Ok(());
    archive
        .read(scope, &mut |record| {
            counts.add(&record);
            written = write(&record);
            match written {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })
        .map_err(ServiceError::from)?;
    written.map_err(ExportError::Write)?;
    if counts.users == 0 && matches!(scope, ArchiveScope::User(_)) {
        return Err(ExportError::NoSuchUser);
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use todo_domain::ports::MockArchive;

    use super::*;
    use crate::testing::{archived_user, email, todo, unavailable};

    /// An archive of one user with two todos, which demands that nobody is read on to after a break.
    fn archive() -> MockArchive {
        let mut archive = MockArchive::new();
        archive.expect_read().returning(|_, sink| {
            let records = [
                ArchiveRecord::User(archived_user()),
                ArchiveRecord::Todo(todo()),
                ArchiveRecord::Todo(todo()),
            ];
            for record in records {
                if sink.take(record).is_break() {
                    break;
                }
            }
            Ok(())
        });
        archive
    }

    #[test]
    fn every_record_is_written_in_order_and_counted() {
        let mut written = Vec::new();
        let counts = export(&archive(), &ArchiveScope::Everyone, |record| {
            written.push(record.clone());
            Ok::<_, ()>(())
        });
        assert_eq!(counts.unwrap(), ArchiveCounts { users: 1, todos: 2 });
        assert_eq!(written[0], ArchiveRecord::User(archived_user()));
        assert_eq!(written[2], ArchiveRecord::Todo(todo()));
    }

    #[test]
    fn nothing_more_is_read_when_a_record_cannot_be_written() {
        let mut calls = 0;
        let result = export(&archive(), &ArchiveScope::Everyone, |_| {
            calls += 1;
            if calls == 2 {
                Err("the disk is full")
            } else {
                Ok(())
            }
        });
        assert!(matches!(
            result,
            Err(ExportError::Write("the disk is full"))
        ));
        assert_eq!(calls, 2);
    }

    #[test]
    fn a_user_who_does_not_exist_is_said_not_to() {
        let mut archive = MockArchive::new();
        archive
            .expect_read()
            .withf(|scope, _| *scope == ArchiveScope::User(email()))
            .returning(|_, _| Ok(()));
        let result = export(&archive, &ArchiveScope::User(email()), |_| Ok::<_, ()>(()));
        assert!(matches!(result, Err(ExportError::NoSuchUser)));
    }

    #[test]
    fn a_storage_without_users_is_exported_as_it_is() {
        let mut archive = MockArchive::new();
        archive.expect_read().returning(|_, _| Ok(()));
        let counts = export(&archive, &ArchiveScope::Everyone, |_| Ok::<_, ()>(()));
        assert_eq!(counts.unwrap(), ArchiveCounts::default());
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut archive = MockArchive::new();
        archive.expect_read().returning(|_, _| Err(unavailable()));
        let result = export(&archive, &ArchiveScope::Everyone, |_| Ok::<_, ()>(()));
        assert!(matches!(
            result,
            Err(ExportError::Service(ServiceError::Unavailable(_)))
        ));
    }
}
