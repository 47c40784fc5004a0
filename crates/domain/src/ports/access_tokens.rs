//! How access tokens are made and read.

use super::BoxError;
use crate::{AccessClaims, AccessToken};

/// Why a token was not made or not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The token is malformed, not signed by us, or has expired.
    #[error("the access token is not acceptable")]
    Rejected(#[source] BoxError),
    /// A token could not be made.
    #[error("the access token could not be signed")]
    Signing(#[source] BoxError),
}

/// Makes and reads access tokens.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait AccessTokens: Send + Sync {
    /// Makes a token that says `claims`.
    ///
    /// # Errors
    /// [`TokenError::Signing`].
    fn issue(&self, claims: &AccessClaims) -> Result<AccessToken, TokenError>;

    /// What `token` says.
    ///
    /// MUST accept only what [`issue`](Self::issue) made with a key that is still in use, unchanged and not expired.
    ///
    /// # Errors
    /// [`TokenError::Rejected`].
    fn verify(&self, token: &AccessToken) -> Result<AccessClaims, TokenError>;
}
