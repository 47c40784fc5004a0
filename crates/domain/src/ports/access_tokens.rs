//! How access tokens are made and read.

use super::TokenError;
use crate::{AccessClaims, AccessToken};

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
    /// [`TokenError::Rejected`]; [`TokenError::KeysUnavailable`].
    fn verify(&self, token: &AccessToken) -> Result<AccessClaims, TokenError>;
}
