//! How passwords are turned into hashes and compared with them.

use super::BoxError;
use crate::{Password, PasswordAttempt, PasswordHash};

/// A hash could not be computed.
#[derive(Debug, thiserror::Error)]
#[error("the password hash could not be computed")]
pub struct HashError(#[source] pub BoxError);

/// Hashes passwords. Slow on purpose: call it where slow work belongs, and never while holding a connection.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait PasswordHasher: Send + Sync {
    /// Hashes a password with a salt of its own.
    ///
    /// # Errors
    /// [`HashError`].
    fn hash(&self, password: &Password) -> Result<PasswordHash, HashError>;

    /// Whether `attempt` is the password that `hash` was made of.
    ///
    /// Without a hash the answer is `false`, and MUST take as long as with one: nobody learns from the time whether an
    /// account exists. A hash that the adapter cannot read is answered with `false` as well.
    ///
    /// # Errors
    /// [`HashError`].
    fn verify<'a>(
        &self,
        attempt: &PasswordAttempt,
        hash: Option<&'a PasswordHash>,
    ) -> Result<bool, HashError>;
}
