//! Where users are kept.

use super::{ProofError, StorageError};
use crate::{
    AccessProof, Credentials, Email, PasswordHash, Revocation, SecurityEvent, SessionStart,
    Timestamp, User, UserChange, UserId,
};

/// Why a user was not inserted. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InsertUserError {
    /// Another user has this address.
    #[error("another user has this e-mail address")]
    EmailTaken,
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Keeps users.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait UserRepository: Send + Sync {
    /// Inserts a user with the hash of the password and a first session: all of it or nothing.
    ///
    /// # Errors
    /// MUST be [`InsertUserError::EmailTaken`] when a user with this address exists, also when both are inserted at the
    /// same time: exactly one is kept.
    fn insert(
        &self,
        user: &User,
        password_hash: &PasswordHash,
        start: &SessionStart,
    ) -> Result<(), InsertUserError>;

    /// The user with this id; `None` when there is none.
    ///
    /// # Errors
    /// [`StorageError`].
    fn find(&self, id: UserId) -> Result<Option<User>, StorageError>;

    /// Applies `change` at `now` to the user with this id and gives the user as it is then; `None` when there is none.
    ///
    /// Changes made at the same time MUST happen one after the other: none is lost.
    ///
    /// # Errors
    /// [`StorageError`].
    fn update(
        &self,
        id: UserId,
        change: &UserChange,
        now: Timestamp,
    ) -> Result<Option<User>, StorageError>;

    /// The user with this address and what proves a login; `None` when there is none.
    ///
    /// # Errors
    /// [`StorageError`].
    fn find_credentials(&self, email: &Email) -> Result<Option<Credentials>, StorageError>;

    /// The user with this id and what proves a login; `None` when there is none.
    ///
    /// # Errors
    /// [`StorageError`].
    fn find_credentials_of(&self, id: UserId) -> Result<Option<Credentials>, StorageError>;

    /// Whether any user has a [hash by bcrypt](PasswordHash::is_bcrypt). It may read all users.
    ///
    /// # Errors
    /// [`StorageError`].
    fn has_bcrypt_hash(&self) -> Result<bool, StorageError>;

    /// Replaces the password of the user of `proof`, revokes access as far as `revocation` says, and records the event:
    /// all of it or nothing. Of several replacements of one password at the same time, exactly one MUST happen.
    ///
    /// # Errors
    /// MUST be a [`ProofError`], with nothing changed, when the proof does not hold.
    fn replace_password(
        &self,
        proof: &AccessProof,
        new: &PasswordHash,
        revocation: Revocation,
        event: &SecurityEvent,
    ) -> Result<(), ProofError>;

    /// Deletes the user of `proof` with all data of the user, and records the event, which is of no user: all of it or
    /// nothing.
    ///
    /// # Errors
    /// MUST be a [`ProofError`], with nothing changed, when the proof does not hold.
    fn delete(&self, proof: &AccessProof, event: &SecurityEvent) -> Result<(), ProofError>;

    /// Disables the account of a user at the time of the event, and revokes all access: sessions, personal access tokens
    /// and mailed secrets. While it is disabled, no proof of access to it holds, and no mailed secret is accepted.
    ///
    /// `false` when there is no such user. Of an account that is disabled already, what access there is is revoked; the
    /// event is recorded only if the account was enabled.
    ///
    /// # Errors
    /// [`StorageError`].
    fn disable(&self, id: UserId, event: &SecurityEvent) -> Result<bool, StorageError>;

    /// Enables the account of a user again. The event is recorded only if the account was disabled. `false` when there
    /// is no such user.
    ///
    /// # Errors
    /// [`StorageError`].
    fn enable(&self, id: UserId, event: &SecurityEvent) -> Result<bool, StorageError>;

    /// Replaces the hash of a user's password, if it is still `from`, by `to`, which is of the same password.
    ///
    /// `false` when it is another by now, or the user is gone. Of several replacements of one hash at the same time,
    /// exactly one MUST happen. MUST change nothing else: to the user, nothing has happened, so `updated_at` stays.
    ///
    /// # Errors
    /// [`StorageError`].
    fn replace_password_hash(
        &self,
        id: UserId,
        from: &PasswordHash,
        to: &PasswordHash,
    ) -> Result<bool, StorageError>;
}
