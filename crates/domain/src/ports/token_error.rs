//! Why there is no token, or none that counts.

use super::BoxError;

/// Why a token was not made or not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The token is malformed, of another kind, not signed by us, or has expired.
    #[error("the token is not acceptable")]
    Rejected(#[source] BoxError),
    /// Whether the token is signed by us cannot be told at the moment; trying again later may help.
    #[error("the keys that verify tokens cannot be read at the moment")]
    KeysUnavailable(#[source] BoxError),
    /// A token could not be made.
    #[error("the token could not be signed")]
    Signing(#[source] BoxError),
}
