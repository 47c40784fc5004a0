//! How a storage fails, and how it is asked whether it is well.

use crate::QuotaExceeded;

/// The cause of a failure, for the log and never for a client.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A storage could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// It could not be reached; nothing was changed, and trying again later may help.
    #[error("the storage cannot be reached at the moment")]
    Unavailable(#[source] BoxError),
    /// It has no room left; nothing was changed. What only reads goes on, and changes do once there is room.
    #[error("the storage is full")]
    Full(#[source] BoxError),
    /// It was lost while it worked on a change; whether the change was made is not known.
    #[error("the storage was lost in the middle of a change")]
    OutcomeUnknown(#[source] BoxError),
    /// What was asked was on the condition that a session counts, which is not certain of what is stored of it; nothing
    /// was changed.
    #[error("it is not proven that the session counts")]
    SessionNotProven,
    /// A quota of the user would be exceeded; nothing was changed.
    #[error(transparent)]
    QuotaExceeded(#[from] QuotaExceeded),
    /// It failed in a way that trying again will not mend.
    #[error("the storage failed")]
    Internal(#[source] BoxError),
}

/// A storage would not serve a request now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// It has not the shape that this program needs.
    #[error("the storage is not migrated")]
    NotMigrated,
    /// It could not do its work.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Asks the storage whether it is well.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait StorageProbe: Send + Sync {
    /// Does one round trip to the storage, which says whether it has the shape that this program needs. One that a newer
    /// version of the program has migrated since MUST be well.
    ///
    /// # Errors
    /// [`ProbeError`] when the storage would not serve a request now.
    fn check(&self) -> Result<(), ProbeError>;
}
