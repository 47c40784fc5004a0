//! Why an access proof no longer holds.

use super::StorageError;

/// Access was not granted, or not revoked for someone who no longer has it. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The user does not exist any more.
    #[error("the user does not exist")]
    UserMissing,
    /// The account is disabled.
    #[error("the account is disabled")]
    UserDisabled,
    /// The session was revoked.
    #[error("the session has ended")]
    SessionEnded,
    /// The password hash is another one.
    #[error("the password has changed")]
    PasswordChanged,
    /// The address of the account is another one.
    #[error("the e-mail address has changed")]
    EmailChanged,
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
