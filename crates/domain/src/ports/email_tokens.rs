//! Where it is kept which secrets were mailed.

use super::{ProofError, StorageError};
use crate::{
    AccessProof, EmailToken, PasswordHash, SecretDigest, SecurityEvent, Timestamp, UserId,
};

/// Why an account was not moved to another address. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeEmailError {
    /// Another user has this address by now.
    #[error("another user has this e-mail address")]
    EmailTaken,
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Keeps the secrets that were mailed. They are gone as soon as their user is.
///
/// A secret is used by what it is good for, in one with it: it is gone, the change is made and the event is recorded, or
/// nothing of that happens. A method that uses one gives `false`, and changes nothing of the account, when the secret is
/// not there (any more), has expired at `now`, or was made for an address that is not the one it is good for. Of several
/// uses of one secret at the same time, exactly one MUST succeed.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait EmailTokens: Send + Sync {
    /// Keeps a secret, and records the event if there is one. Where [one](crate::TokenPurpose::max_live) of its purpose is
    /// valid at a time, it replaces any other of its user; else those that are live stay valid.
    ///
    /// `false`, and nothing is changed, when the one before it was made
    /// [too short a time ago](EmailToken::none_made_after), or when as many as may be valid at a time are live and none
    /// is replaced. Of several secrets for one user and purpose that are kept at
    /// the same time, exactly one MUST be.
    ///
    /// # Errors
    /// MUST be a [`ProofError`], with nothing changed, when `proof`, which is of the same user, does not hold in the
    /// transaction of the insertion.
    #[expect(
        clippy::needless_lifetimes,
        reason = "mockall wants the lifetime to have a name"
    )]
    fn insert<'a>(
        &self,
        secret: &EmailToken,
        proof: &AccessProof,
        event: Option<&'a SecurityEvent>,
    ) -> Result<bool, ProofError>;

    /// The secret with this digest, live or not; `None` when there is none (any more).
    ///
    /// # Errors
    /// [`StorageError`].
    fn find(&self, digest: &SecretDigest) -> Result<Option<EmailToken>, StorageError>;

    /// Uses a secret to set the hash of its user's password at `now`, and marks the address as the user's. Every session,
    /// every personal access token and every other mailed secret of the user MUST be gone with it.
    ///
    /// # Errors
    /// [`StorageError`].
    fn reset_password(
        &self,
        secret: &EmailToken,
        password_hash: &PasswordHash,
        now: Timestamp,
        event: &SecurityEvent,
    ) -> Result<bool, StorageError>;

    /// Uses a secret to mark the address of its account as the user's at `now`.
    ///
    /// # Errors
    /// [`StorageError`].
    fn verify_email(
        &self,
        secret: &EmailToken,
        now: Timestamp,
        event: &SecurityEvent,
    ) -> Result<bool, StorageError>;

    /// Uses a secret to move its account to the address that the secret was made for, at `now`. Every other mailed secret
    /// of the user MUST be gone with it, since it was sent to the former address or on behalf of its owner.
    ///
    /// # Errors
    /// MUST be [`ChangeEmailError::EmailTaken`] when another user has the address, also when both get it at the same time.
    fn change_email(
        &self,
        secret: &EmailToken,
        now: Timestamp,
        event: &SecurityEvent,
    ) -> Result<bool, ChangeEmailError>;

    /// The secret of the user's pending change of the address that is live at `now`; `None` when no change is pending.
    ///
    /// # Errors
    /// [`StorageError`].
    fn find_email_change(
        &self,
        user_id: UserId,
        now: Timestamp,
    ) -> Result<Option<EmailToken>, StorageError>;

    /// Uses a secret to cancel the pending change of the address. It was made for the present address of the account.
    ///
    /// # Errors
    /// [`StorageError`].
    fn cancel_email_change(
        &self,
        secret: &EmailToken,
        now: Timestamp,
        event: &SecurityEvent,
    ) -> Result<bool, StorageError>;

    /// Cancels the pending change of the address of the user of `proof`. `false` when none is pending; no event is
    /// recorded then.
    ///
    /// # Errors
    /// MUST be a [`ProofError`], with nothing changed, when the proof does not hold.
    fn withdraw_email_change(
        &self,
        proof: &AccessProof,
        event: &SecurityEvent,
    ) -> Result<bool, ProofError>;

    /// Deletes every secret that is [live](EmailToken::is_live) no more at `now`, and tells how many there were.
    ///
    /// # Errors
    /// [`StorageError`].
    fn delete_expired(&self, now: Timestamp) -> Result<usize, StorageError>;
}
