//! What every use case is given.

use std::{fmt, sync::Arc, time::Duration};

use todo_domain::{
    PublicUrl, SessionPolicy, ThrottlePolicy,
    ports::{
        AccessTokens, AttemptStore, Clock, CommonPasswords, EmailTokens, IdGenerator,
        IdempotencyKeys, Mailer, PasswordHasher, PersonalAccessTokens, PublicKeys, RefreshTokens,
        Secrets, SecurityEvents, SessionRepository, StorageProbe, TodoRepository, UserRepository,
    },
};

use crate::account::{FailedLoginFloor, LoginLimits, RefreshLimits};

/// The ports and the settings that the use cases work with. Cloning it is cheap.
#[derive(Clone)]
pub struct App {
    /// Keeps users.
    pub users: Arc<dyn UserRepository>,
    /// Keeps sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// Keeps personal access tokens.
    pub personal_access_tokens: Arc<dyn PersonalAccessTokens>,
    /// Keeps what happened to accounts.
    pub security_events: Arc<dyn SecurityEvents>,
    /// Counts guesses at passwords.
    pub guesses: Arc<dyn AttemptStore>,
    /// Keeps todos.
    pub todos: Arc<dyn TodoRepository>,
    /// Keeps the keys of requests that are to have their effect once.
    pub idempotency_keys: Arc<dyn IdempotencyKeys>,
    /// Asks the storage whether it is well.
    pub probe: Arc<dyn StorageProbe>,
    /// Hashes passwords.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Knows which passwords many people choose.
    pub common_passwords: Arc<dyn CommonPasswords>,
    /// Makes and reads access tokens.
    pub tokens: Arc<dyn AccessTokens>,
    /// Makes and reads refresh tokens.
    pub refresh_tokens: Arc<dyn RefreshTokens>,
    /// Makes random secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Keeps the secrets that were mailed.
    pub mailed_secrets: Arc<dyn EmailTokens>,
    /// Sends mails.
    pub mailer: Arc<dyn Mailer>,
    /// Tells the keys that others may verify access tokens with.
    pub public_keys: Arc<dyn PublicKeys>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes identifiers.
    pub ids: Arc<dyn IdGenerator>,
    /// For how long what belongs to a session counts.
    pub session_policy: SessionPolicy,
    /// How often passwords may be guessed at.
    pub throttle_policy: ThrottlePolicy,
    /// How many logins may be in flight, and succeed.
    pub login_limits: Arc<LoginLimits>,
    /// The number of refreshes of one session.
    pub refresh_limits: Arc<RefreshLimits>,
    /// How long failed logins take at least.
    pub failed_login_floor: Arc<FailedLoginFloor>,
    /// For how long it is kept what happened to accounts.
    pub security_event_retention: Duration,
    /// Where mails link to; they link to nothing where there is no front end.
    pub public_url: Option<PublicUrl>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("session_policy", &self.session_policy)
            .field("throttle_policy", &self.throttle_policy)
            .field("login_limits", &self.login_limits)
            .field("refresh_limits", &self.refresh_limits)
            .field("security_event_retention", &self.security_event_retention)
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}
