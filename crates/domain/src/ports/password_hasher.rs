//! How passwords are turned into hashes and compared with them.

use super::BoxError;
use crate::{Password, PasswordAttempt, PasswordHash};

/// A hash could not be computed.
#[derive(Debug, thiserror::Error)]
#[error("the password hash could not be computed")]
pub struct HashError(#[source] pub BoxError);

/// What comparing an attempt with a hash came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// The hash is of another password.
    Wrong,
    /// The hash is of this password.
    Right,
    /// The hash is of this password, and protects it less well than a hash of today would.
    RightButOutdated,
}

/// Hashes passwords. Slow on purpose: call it where slow work belongs, and never while holding a connection.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait PasswordHasher: Send + Sync {
    /// Hashes a password, in its normal form, with a salt of its own.
    ///
    /// # Errors
    /// [`HashError`].
    fn hash(&self, password: &Password) -> Result<PasswordHash, HashError>;

    /// Whether `attempt` is the password that `hash` was made of. Every spelling of a password MUST be right for what
    /// [`hash`](Self::hash) made of it. Other software may have hashed what was typed as it was: whoever types the same
    /// again MUST be right, too. A hash that the adapter cannot read, or that would
    /// cost absurdly much, is of no password, and MUST take as long as a hash of today.
    ///
    /// # Errors
    /// [`HashError`].
    fn verify(
        &self,
        attempt: &PasswordAttempt,
        hash: &PasswordHash,
    ) -> Result<Verification, HashError>;

    /// Hashes a password as is done today, in place of `outdated`, which it was just found to be right for.
    ///
    /// Whoever could log in still can: MUST be a hash for which every attempt is right that is right for `outdated`.
    ///
    /// # Errors
    /// [`HashError`].
    fn renew(
        &self,
        attempt: &PasswordAttempt,
        outdated: &PasswordHash,
    ) -> Result<PasswordHash, HashError>;

    /// Takes as long as [`verify`](Self::verify) does with a hash of today for which this attempt is wrong, for where
    /// there is no hash to verify: nobody is to learn from the time whether an account exists.
    ///
    /// # Errors
    /// [`HashError`].
    fn verify_nothing(&self, attempt: &PasswordAttempt) -> Result<(), HashError>;
}
