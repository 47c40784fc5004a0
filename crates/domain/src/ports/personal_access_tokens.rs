//! Where personal access tokens are kept.

use super::{ProofError, StorageError};
use crate::{
    AccessProof, PersonalAccessToken, SecretDigest, SecurityEvent, Timestamp, TokenId,
    TokenWithSettings, UserId,
};

/// Why a token was not inserted. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InsertTokenError {
    /// The proof does not hold any more, or the storage failed.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// Its user has [as many](PersonalAccessToken::MAX_LIVE) as a user may have.
    #[error("the user has too many tokens")]
    TooMany,
}

/// Keeps personal access tokens. They are gone as soon as their user is.
///
/// A method that takes an event records it with what it does: both or none.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait PersonalAccessTokens: Send + Sync {
    /// Inserts a token of the user of `proof`, with the digest of its secret.
    ///
    /// # Errors
    /// MUST be [`InsertTokenError::Proof`], with nothing changed, when the proof does not hold in the transaction of the
    /// insertion, and [`InsertTokenError::TooMany`] when the user has [`PersonalAccessToken::MAX_LIVE`] that are
    /// [live](PersonalAccessToken::is_live) when it is made, also when several are inserted at the same time.
    fn insert(
        &self,
        token: &PersonalAccessToken,
        digest: &SecretDigest,
        proof: &AccessProof,
        event: &SecurityEvent,
    ) -> Result<(), InsertTokenError>;

    /// The token whose secret has this digest, live or not, and what its user has chosen; `None` when it was revoked or
    /// never made, or its user is disabled.
    ///
    /// MUST see every deletion that was acknowledged, by whichever instance.
    ///
    /// # Errors
    /// [`StorageError`].
    fn find(&self, digest: &SecretDigest) -> Result<Option<TokenWithSettings>, StorageError>;

    /// The tokens of a user, live or not, the one that was made last first.
    ///
    /// # Errors
    /// [`StorageError`].
    fn list(&self, user_id: UserId) -> Result<Vec<PersonalAccessToken>, StorageError>;

    /// Records that a token, if it is still there, was used at `now`. A later use that was recorded before stays.
    ///
    /// # Errors
    /// [`StorageError`].
    fn record_use(&self, id: TokenId, now: Timestamp) -> Result<(), StorageError>;

    /// Deletes a token of this user. `false` when the user has no such token; no event is recorded then.
    ///
    /// # Errors
    /// [`StorageError`].
    fn delete(
        &self,
        user_id: UserId,
        id: TokenId,
        event: &SecurityEvent,
    ) -> Result<bool, StorageError>;

    /// Deletes every token that is [live](PersonalAccessToken::is_live) no more at `now`, and tells how many there were.
    ///
    /// # Errors
    /// [`StorageError`].
    fn delete_expired(&self, now: Timestamp) -> Result<usize, StorageError>;
}
