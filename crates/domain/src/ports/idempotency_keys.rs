//! Where it is kept which requests were made.

use super::StorageError;
use crate::Timestamp;

/// Keeps the keys of requests that are to have their effect once. They are written together with that effect, by the
/// methods that take a [`Once`](crate::Once).
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait IdempotencyKeys: Send + Sync {
    /// Deletes every key from before an instant, and tells how many there were.
    ///
    /// # Errors
    /// [`StorageError`].
    fn delete_before(&self, instant: Timestamp) -> Result<usize, StorageError>;
}
