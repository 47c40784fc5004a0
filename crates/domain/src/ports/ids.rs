//! Where new identifiers come from.

use crate::{EventId, SessionId, TodoId, TokenId, UserId};

/// Makes identifiers that nothing else has and that nobody can guess.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait IdGenerator: Send + Sync {
    /// An id for a new user.
    fn user(&self) -> UserId;

    /// An id for a new todo. Later ones sort after earlier ones, as far as clocks allow.
    fn todo(&self) -> TodoId;

    /// An id for a new session.
    fn session(&self) -> SessionId;

    /// An id for a new personal access token. Later ones sort after earlier ones, as far as clocks allow.
    fn token(&self) -> TokenId;

    /// An id for a new security event. Later ones sort after earlier ones, as far as clocks allow.
    fn event(&self) -> EventId;
}
