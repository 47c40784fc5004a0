//! What every use case is given.

use std::{fmt, sync::Arc, time::Duration};

use todo_domain::ports::{
    AccessTokens, Clock, IdGenerator, IdempotencyKeys, PasswordHasher, PublicKeys,
    SessionRepository, StorageProbe, TodoRepository, UserRepository,
};

/// The ports and the settings that the use cases work with. Cloning it is cheap.
#[derive(Clone)]
pub struct App {
    /// Keeps users.
    pub users: Arc<dyn UserRepository>,
    /// Keeps sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// Keeps todos.
    pub todos: Arc<dyn TodoRepository>,
    /// Keeps the keys of requests that are to have their effect once.
    pub idempotency_keys: Arc<dyn IdempotencyKeys>,
    /// Asks the storage whether it is well.
    pub probe: Arc<dyn StorageProbe>,
    /// Hashes passwords.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Makes and reads access tokens.
    pub tokens: Arc<dyn AccessTokens>,
    /// Tells the keys that others may verify access tokens with.
    pub public_keys: Arc<dyn PublicKeys>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes identifiers.
    pub ids: Arc<dyn IdGenerator>,
    /// How long a session lasts.
    pub session_lifetime: Duration,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("session_lifetime", &self.session_lifetime)
            .finish_non_exhaustive()
    }
}
