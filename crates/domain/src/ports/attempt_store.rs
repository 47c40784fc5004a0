//! Where guesses are counted.

use super::StorageError;
use crate::{AttemptCounter, Attempts, ThrottleKey, Timestamp, TooManyAttempts};

/// Why a guess may not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CountGuessError {
    /// It comes too early.
    #[error(transparent)]
    TooMany(#[from] TooManyAttempts),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Counts guesses. It keeps the SHA-256 (FIPS 180-4) of each subject's text, and never the text.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait AttemptStore: Send + Sync {
    /// What is known of each subject, in their order; nothing of those that were never guessed at.
    ///
    /// # Errors
    /// [`StorageError`].
    fn find(&self, subjects: &[ThrottleKey]) -> Result<Vec<Attempts>, StorageError>;

    /// Counts a guess that begins at `now` as a failure of every subject, or, where [one is to be waited
    /// for](Attempts::delay), of none. Of any number at once, no more are counted than if they came one after another.
    ///
    /// # Errors
    /// [`CountGuessError`]; of several subjects, [`TooMany`](CountGuessError::TooMany) tells the longest delay.
    fn count(&self, counters: &[AttemptCounter], now: Timestamp) -> Result<(), CountGuessError>;

    /// Records that a guess succeeded at `now`: the subjects in `cleared` have no failures and a success, and those in
    /// `taken_back` have one failure less, if they have any.
    ///
    /// # Errors
    /// [`StorageError`].
    fn succeed(
        &self,
        cleared: &[ThrottleKey],
        taken_back: &[ThrottleKey],
        now: Timestamp,
    ) -> Result<(), StorageError>;

    /// Deletes what no longer matters at `now`, and tells of how many subjects.
    ///
    /// # Errors
    /// [`StorageError`].
    fn delete_forgotten(&self, now: Timestamp) -> Result<usize, StorageError>;
}
