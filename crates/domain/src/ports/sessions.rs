//! Where sessions are kept.

use super::StorageError;
use crate::{
    SecurityEvent, Session, SessionId, SessionPolicy, SessionWithSettings, Timestamp, UserId,
};

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
///
/// A method that takes an event records it with what it does: both or none.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait SessionRepository: Send + Sync {
    /// Inserts a session.
    ///
    /// # Errors
    /// MUST be [`InsertSessionError::UserMissing`] when its user does not exist.
    fn insert(&self, session: &Session, event: &SecurityEvent) -> Result<(), InsertSessionError>;

    /// The session with this id, live or not, and what its user has chosen; `None` when it was ended or never began.
    ///
    /// MUST see every deletion that was acknowledged, by whichever instance.
    ///
    /// # Errors
    /// [`StorageError`].
    fn find(&self, id: SessionId) -> Result<Option<SessionWithSettings>, StorageError>;

    /// The sessions of a user, live or not, the one that began last first.
    ///
    /// # Errors
    /// [`StorageError`].
    fn list(&self, user_id: UserId) -> Result<Vec<Session>, StorageError>;

    /// Records that a session, if it is still there, was used at `now`. A later use that was recorded before stays.
    ///
    /// # Errors
    /// [`StorageError`].
    fn record_use(&self, id: SessionId, now: Timestamp) -> Result<(), StorageError>;

    /// Counts the generation of a session up at `now`, which is also a use of it, if it is still `from`.
    ///
    /// `false` when it is another by now, or the session is gone; no event is recorded then. Of several calls at the
    /// same time with one generation, exactly one MUST succeed.
    ///
    /// # Errors
    /// [`StorageError`].
    fn rotate(
        &self,
        id: SessionId,
        from: u32,
        now: Timestamp,
        event: &SecurityEvent,
    ) -> Result<bool, StorageError>;

    /// Deletes a session of this user. `false` when the user has no such session; no event is recorded then.
    ///
    /// # Errors
    /// [`StorageError`].
    fn delete(
        &self,
        user_id: UserId,
        id: SessionId,
        event: &SecurityEvent,
    ) -> Result<bool, StorageError>;

    /// Deletes every session of this user but for `except`, and tells how many there were. With none, no event is
    /// recorded.
    ///
    /// # Errors
    /// [`StorageError`].
    fn delete_all(
        &self,
        user_id: UserId,
        except: Option<SessionId>,
        event: &SecurityEvent,
    ) -> Result<usize, StorageError>;

    /// Deletes every session that is [live](Session::is_live) no more at `now`, and tells how many there were.
    ///
    /// # Errors
    /// [`StorageError`].
    fn delete_ended(&self, now: Timestamp, policy: &SessionPolicy) -> Result<usize, StorageError>;
}
