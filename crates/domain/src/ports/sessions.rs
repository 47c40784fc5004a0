//! Where sessions are kept.

use super::StorageError;
use crate::{Session, SessionId, SessionWithSettings, Timestamp};

/// Why a session was not inserted. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InsertSessionError {
    /// Its user does not exist any more.
    #[error("the user of the session does not exist")]
    UserMissing,
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Keeps sessions. They are gone as soon as their user is.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait SessionRepository: Send + Sync {
    /// Inserts a session.
    ///
    /// # Errors
    /// MUST be [`InsertSessionError::UserMissing`] when its user does not exist.
    fn insert(&self, session: &Session) -> Result<(), InsertSessionError>;

    /// The session with this id, expired or not, and what its user has chosen; `None` when it was ended or never began.
    ///
    /// MUST see every deletion that was acknowledged, by whichever instance.
    ///
    /// # Errors
    /// [`StorageError`].
    fn find(&self, id: SessionId) -> Result<Option<SessionWithSettings>, StorageError>;

    /// Deletes a session. `false` when there was none.
    ///
    /// # Errors
    /// [`StorageError`].
    fn delete(&self, id: SessionId) -> Result<bool, StorageError>;

    /// Deletes every session that no longer counts at `now`, and tells how many there were.
    ///
    /// # Errors
    /// [`StorageError`].
    fn delete_expired(&self, now: Timestamp) -> Result<usize, StorageError>;
}
