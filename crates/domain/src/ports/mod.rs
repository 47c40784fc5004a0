//! What the use cases need from the world, as traits that adapters implement.
//!
//! Every port is synchronous and object-safe. A method of a repository is one atomic fact: it happens wholly or not at
//! all, also while others run at the same time. What a method promises stands on it, and one suite of tests holds every
//! adapter to it.

mod access_tokens;
mod archive;
mod attempt_store;
mod clock;
mod common_passwords;
mod email_tokens;
mod idempotency_keys;
mod ids;
mod mailer;
mod password_hasher;
mod personal_access_tokens;
mod proof_error;
mod public_keys;
mod refresh_tokens;
mod secrets;
mod security_events;
mod sessions;
mod storage;
mod todos;
mod token_error;
mod users;

pub use access_tokens::AccessTokens;
pub use archive::{Aborted, Archive, InsertArchiveError, RecordWriter, RejectReason};
pub use attempt_store::{AttemptStore, CountGuessError};
pub use clock::Clock;
pub use common_passwords::CommonPasswords;
pub use email_tokens::{ChangeEmailError, EmailTokens};
pub use idempotency_keys::IdempotencyKeys;
pub use ids::IdGenerator;
pub use mailer::{MailError, Mailer};
pub use password_hasher::{HashError, PasswordHasher, Verification};
pub use personal_access_tokens::{InsertTokenError, PersonalAccessTokens};
pub use proof_error::ProofError;
pub use public_keys::PublicKeys;
pub use refresh_tokens::RefreshTokens;
pub use secrets::{RandomError, Secrets};
pub use security_events::SecurityEvents;
pub use sessions::SessionRepository;
pub use storage::{BoxError, ProbeError, StorageError, StorageProbe};
pub use todos::{ApplyTodosError, InsertTodoError, Owner, TodoRepository};
pub use token_error::TokenError;
pub use users::{InsertUserError, UserRepository};

#[cfg(feature = "mocks")]
pub use self::{
    access_tokens::MockAccessTokens, archive::MockArchive, attempt_store::MockAttemptStore,
    clock::MockClock, common_passwords::MockCommonPasswords, email_tokens::MockEmailTokens,
    idempotency_keys::MockIdempotencyKeys, ids::MockIdGenerator, mailer::MockMailer,
    password_hasher::MockPasswordHasher, personal_access_tokens::MockPersonalAccessTokens,
    public_keys::MockPublicKeys, refresh_tokens::MockRefreshTokens, secrets::MockSecrets,
    security_events::MockSecurityEvents, sessions::MockSessionRepository,
    storage::MockStorageProbe, todos::MockTodoRepository, users::MockUserRepository,
};
