//! Where it is kept what happened to accounts.

use super::StorageError;
use crate::{EventId, SecurityEvent, Timestamp, UserId};

/// Keeps what happened to accounts. The events of a user are gone as soon as the user is.
///
/// What happens together with a change is recorded by the method that makes the change.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait SecurityEvents: Send + Sync {
    /// Records an event that goes with no change, such as a login that failed.
    ///
    /// An event of a user who is gone by now is recorded as one of no account. Those of no account are aggregated: the events
    /// of one kind from one [network](crate::network_of) within an hour are one, which counts its occurrences.
    ///
    /// # Errors
    /// [`StorageError`].
    fn record(&self, event: &SecurityEvent) -> Result<(), StorageError>;

    /// The latest events of a user, at most so many, the last one first.
    ///
    /// # Errors
    /// [`StorageError`].
    fn list(&self, user_id: UserId, limit: u32) -> Result<Vec<SecurityEvent>, StorageError>;

    /// A page of the events of a user, the last one first: those that stand after this instant and id, at most so many.
    ///
    /// # Errors
    /// [`StorageError`].
    fn list_after(
        &self,
        user_id: UserId,
        after: Option<(Timestamp, EventId)>,
        limit: u32,
    ) -> Result<Vec<SecurityEvent>, StorageError>;

    /// Deletes every event from before an instant, and tells how many there were.
    ///
    /// # Errors
    /// [`StorageError`].
    fn delete_before(&self, instant: Timestamp) -> Result<usize, StorageError>;
}
