//! Quotas: how much one user can store.

/// The largest amounts that one user can store.
///
/// A todo counts with the bytes of its title, description and tags in UTF-8; a text counts in its longer form, as written
/// or [folded](crate::fold_case) for search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// The largest number of todos.
    pub todos: u64,
    /// The largest number of bytes in all todos.
    pub bytes: u64,
    /// The largest number of sessions. When a further one begins, the least recently used one ends.
    pub sessions: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            todos: 100_000,
            bytes: 64 * 1_024 * 1_024,
            sessions: 100,
        }
    }
}

/// A quota that a change would exceed. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuotaExceeded {
    /// The user has as many todos as allowed.
    #[error("the quota of {limit} tasks is reached")]
    Todos {
        /// The quota.
        limit: u64,
    },
    /// The todos of the user would have more bytes than allowed.
    #[error("the quota of {limit} bytes in all tasks would be exceeded")]
    Bytes {
        /// The quota.
        limit: u64,
    },
}
