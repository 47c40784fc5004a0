//! What can go wrong in any use case, and that no input can mend.

use todo_domain::{
    QuotaExceeded,
    ports::{BoxError, HashError, MailError, RandomError, StorageError, TokenError},
};

/// The service itself failed. The cause is for the log and never for a client.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Something that is needed cannot be reached; nothing was changed, and trying again later may help.
    #[error("something that is needed cannot be reached")]
    Unavailable(#[source] BoxError),
    /// The storage has no room left; nothing was changed, and trying again helps once there is room.
    #[error("the storage is full")]
    StorageFull(#[source] BoxError),
    /// The connection was lost in the middle of a change; whether the change was made is not known.
    #[error("whether the change was made is not known")]
    OutcomeUnknown(#[source] BoxError),
    /// It is not proven that the session of the caller counts; nothing was changed. It is for whoever called on that
    /// condition ([`authorize_and_run`](crate::account::authorize_and_run)), who then finds out.
    #[error("it is not proven that the session counts")]
    SessionNotProven,
    /// A quota of the caller would be exceeded; nothing was changed.
    #[error(transparent)]
    QuotaExceeded(QuotaExceeded),
    /// A fault that trying again will not mend.
    #[error("an internal fault")]
    Internal(#[source] BoxError),
}

impl From<StorageError> for ServiceError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Unavailable(source) => Self::Unavailable(source),
            StorageError::Full(source) => Self::StorageFull(source),
            StorageError::OutcomeUnknown(source) => Self::OutcomeUnknown(source),
            StorageError::SessionNotProven => Self::SessionNotProven,
            StorageError::QuotaExceeded(exceeded) => Self::QuotaExceeded(exceeded),
            error => Self::Internal(error.into()),
        }
    }
}

impl From<HashError> for ServiceError {
    fn from(error: HashError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<TokenError> for ServiceError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::KeysUnavailable(source) => Self::Unavailable(source),
            error => Self::Internal(error.into()),
        }
    }
}

impl From<RandomError> for ServiceError {
    fn from(error: RandomError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<MailError> for ServiceError {
    fn from(error: MailError) -> Self {
        Self::Unavailable(error.into())
    }
}
