//! How random secrets are made, and what is kept of them.

use super::BoxError;
use crate::{Secret, SecretDigest, SecretKind};

/// There is no randomness to be had.
#[derive(Debug, thiserror::Error)]
#[error("the machine gives no random bytes")]
pub struct RandomError(#[source] pub BoxError);

/// Makes random secrets.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Secrets: Send + Sync {
    /// Makes a secret that nothing else has and that nobody can guess: every bit of it MUST come from a generator that
    /// is fit for cryptography (OWASP ASVS 5.0, 11.5.1).
    ///
    /// # Errors
    /// [`RandomError`].
    fn generate(&self, kind: SecretKind) -> Result<Secret, RandomError>;

    /// What is stored of a secret: MUST be the SHA-256 (FIPS 180-4) of its whole text.
    ///
    /// No salt and no slow hash are needed, as a password needs them: nobody can try 2^192 secrets (OWASP ASVS 5.0,
    /// 6.5.2). So a digest is computed in no time, and a secret is found by it.
    fn digest(&self, secret: &Secret) -> SecretDigest;
}
