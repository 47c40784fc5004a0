//! All storage ports together.

use todo_domain::ports::{
    Archive, AttemptStore, EmailTokens, IdempotencyKeys, PersonalAccessTokens, SecurityEvents,
    SessionRepository, StorageProbe, TodoRepository, UserRepository,
};

/// An adapter that implements every storage port.
///
/// Every type that implements the ports implements this trait. Several ports have methods of the same name, so each has
/// an accessor.
pub trait Storage:
    Archive
    + AttemptStore
    + IdempotencyKeys
    + EmailTokens
    + PersonalAccessTokens
    + SecurityEvents
    + SessionRepository
    + StorageProbe
    + TodoRepository
    + UserRepository
{
    /// The archive.
    fn archive(&self) -> &dyn Archive;
    /// The guess ledger.
    fn attempt_store(&self) -> &dyn AttemptStore;
    /// The idempotency keys.
    fn idempotency_keys(&self) -> &dyn IdempotencyKeys;
    /// The mailed secrets.
    fn mailed_secrets(&self) -> &dyn EmailTokens;
    /// The personal access tokens.
    fn personal_access_tokens(&self) -> &dyn PersonalAccessTokens;
    /// The probe.
    fn probe(&self) -> &dyn StorageProbe;
    /// The security events.
    fn security_events(&self) -> &dyn SecurityEvents;
    /// The session repository.
    fn sessions(&self) -> &dyn SessionRepository;
    /// The todo repository.
    fn todos(&self) -> &dyn TodoRepository;
    /// The user repository.
    fn users(&self) -> &dyn UserRepository;
}

impl<S> Storage for S
where
    S: Archive
        + AttemptStore
        + IdempotencyKeys
        + EmailTokens
        + PersonalAccessTokens
        + SecurityEvents
        + SessionRepository
        + StorageProbe
        + TodoRepository
        + UserRepository,
{
    fn archive(&self) -> &dyn Archive {
        self
    }

    fn attempt_store(&self) -> &dyn AttemptStore {
        self
    }

    fn idempotency_keys(&self) -> &dyn IdempotencyKeys {
        self
    }

    fn mailed_secrets(&self) -> &dyn EmailTokens {
        self
    }

    fn personal_access_tokens(&self) -> &dyn PersonalAccessTokens {
        self
    }

    fn probe(&self) -> &dyn StorageProbe {
        self
    }

    fn security_events(&self) -> &dyn SecurityEvents {
        self
    }

    fn sessions(&self) -> &dyn SessionRepository {
        self
    }

    fn todos(&self) -> &dyn TodoRepository {
        self
    }

    fn users(&self) -> &dyn UserRepository {
        self
    }
}
