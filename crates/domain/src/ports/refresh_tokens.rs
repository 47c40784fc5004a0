//! How refresh tokens are made and read.

use super::TokenError;
use crate::{RefreshClaims, RefreshToken};

/// Makes and reads refresh tokens.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait RefreshTokens: Send + Sync {
    /// Makes a token that says `claims`.
    ///
    /// MUST make the same token of the same claims, for as long as it signs with the same key: so the answer to a
    /// request that is repeated can be made again.
    ///
    /// # Errors
    /// [`TokenError::Signing`].
    fn issue(&self, claims: &RefreshClaims) -> Result<RefreshToken, TokenError>;

    /// What `token` says.
    ///
    /// MUST accept only what [`issue`](Self::issue) made with a key that is still in use, unchanged and not expired;
    /// an access token never.
    ///
    /// # Errors
    /// [`TokenError::Rejected`]; [`TokenError::KeysUnavailable`].
    fn verify(&self, token: &RefreshToken) -> Result<RefreshClaims, TokenError>;
}
