//! Where sessions are kept.

use super::{ProofError, StorageError};
use crate::{
    AccessProof, Revocation, SecurityEvent, Session, SessionId, SessionPolicy, SessionStart,
    SessionWithSettings, Timestamp, UserId,
};

/// Keeps sessions. They are gone as soon as their user is.
///
/// A method that takes an event records it with what it does: both or none.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait SessionRepository: Send + Sync {
    /// Inserts a session of the user of `proof`, and deletes the session that it replaces, if that exists. Where the user has
    /// as many sessions as the [quota](crate::Quotas::sessions) allows, the least recently used one MUST be deleted, with
    /// the event of its eviction.
    ///
    /// # Errors
    /// MUST be a [`ProofError`], with nothing changed, when the proof does not hold in the transaction of the insertion.
    fn insert(&self, start: &SessionStart, proof: &AccessProof) -> Result<(), ProofError>;

    /// The session with this id, live or not, and what its user has chosen; `None` when it was ended or never began, or its
    /// user is disabled.
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

    /// A page of the sessions of a user, in the order of [`list`](SessionRepository::list): those that stand after this
    /// instant of beginning and id, at most so many.
    ///
    /// # Errors
    /// [`StorageError`].
    fn list_after(
        &self,
        user_id: UserId,
        after: Option<(Timestamp, SessionId)>,
        limit: u32,
    ) -> Result<Vec<Session>, StorageError>;

    /// Records that a session, if it is still there, was used at `now`. A later use that was recorded before stays.
    ///
    /// # Errors
    /// [`StorageError`].
    fn record_use(&self, id: SessionId, now: Timestamp) -> Result<(), StorageError>;

    /// Counts the generation of a session up at `now`, which is also a use of it, if it is still `from`.
    ///
    /// `false` when it is another by now, or the session is gone. Of several calls at the same time with one generation,
    /// exactly one MUST succeed.
    ///
    /// # Errors
    /// [`StorageError`].
    fn rotate(&self, id: SessionId, from: u32, now: Timestamp) -> Result<bool, StorageError>;

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

    /// Revokes the access of the user of `proof` as far as `revocation` says, and gives the number of sessions that were
    /// deleted. No event is recorded when there was nothing to revoke.
    ///
    /// MUST also delete whatever was granted by a transaction that is acknowledged before this one is.
    ///
    /// # Errors
    /// MUST be a [`ProofError`], with nothing changed, when the proof does not hold.
    fn revoke_all(
        &self,
        proof: &AccessProof,
        revocation: Revocation,
        event: &SecurityEvent,
    ) -> Result<usize, ProofError>;

    /// A page of the users who have a session, a personal access token or a mailed secret, in the order of their ids: those
    /// after `after`, at most `limit`.
    ///
    /// # Errors
    /// [`StorageError`].
    fn list_users_with_access(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, StorageError>;

    /// Deletes every session that is [live](Session::is_live) no more at `now`, and tells how many there were.
    ///
    /// # Errors
    /// [`StorageError`].
    fn delete_ended(&self, now: Timestamp, policy: &SessionPolicy) -> Result<usize, StorageError>;
}
