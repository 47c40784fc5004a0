//! What the unit tests share: mocked ports, and values to put through them.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use todo_domain::{
    AccessClaims, AttemptCounter, Attempts, Client, Credentials, Description, Email, EmailToken,
    EventId, ExportedUser, NewPersonalAccessToken, NewTodo, PasswordHash, PersonalAccessToken,
    Scope, Secret, SecretDigest, SecretKind, SecurityEvent, SecurityEventKind, Session,
    SessionCondition, SessionId, SessionPolicy, SessionSnapshot, SessionWithSettings,
    ThrottlePolicy, Timestamp, Title, Todo, TodoId, TokenId, TokenLifetime, TokenName,
    TokenPurpose, TokenScopes, TooManyAttempts, User, UserAgent, UserId, UserSettings,
    ports::{
        BoxError, MockAccessTokens, MockAttemptStore, MockClock, MockCommonPasswords,
        MockEmailTokens, MockIdGenerator, MockIdempotencyKeys, MockMailer, MockPasswordHasher,
        MockPersonalAccessTokens, MockPublicKeys, MockRefreshTokens, MockSecrets,
        MockSecurityEvents, MockSessionRepository, MockStorageProbe, MockTodoRepository,
        MockUserRepository, StorageError,
    },
};
use uuid::Uuid;

use crate::{
    App, Caller, SessionCaller,
    account::{FailedLoginFloor, LoginLimits, RefreshLimits},
};

pub(crate) const POLICY: SessionPolicy = SessionPolicy {
    access_token: Duration::from_mins(10),
    idle: Duration::from_mins(30),
    absolute: Duration::from_hours(1),
    refresh_grace: Duration::from_secs(30),
};

/// Mocks of every port. A call that a test did not expect fails the test.
#[derive(Default)]
pub(crate) struct Mocks {
    pub(crate) users: MockUserRepository,
    pub(crate) sessions: MockSessionRepository,
    pub(crate) personal_access_tokens: MockPersonalAccessTokens,
    pub(crate) security_events: MockSecurityEvents,
    pub(crate) guesses: MockAttemptStore,
    pub(crate) todos: MockTodoRepository,
    pub(crate) idempotency_keys: MockIdempotencyKeys,
    pub(crate) probe: MockStorageProbe,
    pub(crate) hasher: MockPasswordHasher,
    pub(crate) common_passwords: MockCommonPasswords,
    pub(crate) tokens: MockAccessTokens,
    pub(crate) refresh_tokens: MockRefreshTokens,
    pub(crate) secrets: MockSecrets,
    pub(crate) mailed_secrets: MockEmailTokens,
    pub(crate) mailer: MockMailer,
    pub(crate) public_keys: MockPublicKeys,
    pub(crate) clock: MockClock,
    pub(crate) ids: MockIdGenerator,
}

impl Mocks {
    /// Mocks where it is [`now`], and events have an id.
    pub(crate) fn at_now() -> Self {
        let mut mocks = Self::default();
        mocks.clock.expect_now().return_const(now());
        mocks.ids.expect_event().return_const(event_id());
        mocks
    }

    /// The same where any guess may be made, from a device that is not known.
    pub(crate) fn unguarded(mut self) -> Self {
        let nothing = |subjects: &[_]| Ok(vec![Attempts::default(); subjects.len()]);
        self.guesses.expect_find().returning(nothing);
        self.guesses.expect_count().returning(|_, _| Ok(()));
        self.guesses.expect_succeed().returning(|_, _, _| Ok(()));
        self.secrets.expect_generate().returning(|_| Ok(device()));
        self.mailer.expect_accepts().return_const(true);
        self
    }

    /// The same where every guess comes too early.
    pub(crate) fn guarded(mut self) -> Self {
        let nothing = |subjects: &[_]| Ok(vec![Attempts::default(); subjects.len()]);
        self.guesses.expect_find().returning(nothing);
        self.guesses.expect_count().returning(|counters, _| {
            let AttemptCounter { subject, limit } = &counters[0];
            let too_many = TooManyAttempts {
                purpose: subject.purpose(),
                retry_after: Duration::from_secs(4),
                limit: *limit,
            };
            Err(too_many.into())
        });
        self.mailer.expect_accepts().return_const(true);
        self
    }

    pub(crate) fn app(self) -> App {
        App {
            users: Arc::new(self.users),
            sessions: Arc::new(self.sessions),
            personal_access_tokens: Arc::new(self.personal_access_tokens),
            security_events: Arc::new(self.security_events),
            guesses: Arc::new(self.guesses),
            todos: Arc::new(self.todos),
            idempotency_keys: Arc::new(self.idempotency_keys),
            probe: Arc::new(self.probe),
            hasher: Arc::new(self.hasher),
            common_passwords: Arc::new(self.common_passwords),
            tokens: Arc::new(self.tokens),
            refresh_tokens: Arc::new(self.refresh_tokens),
            secrets: Arc::new(self.secrets),
            mailed_secrets: Arc::new(self.mailed_secrets),
            mailer: Arc::new(self.mailer),
            public_keys: Arc::new(self.public_keys),
            clock: Arc::new(self.clock),
            ids: Arc::new(self.ids),
            session_policy: POLICY,
            throttle_policy: ThrottlePolicy::default(),
            login_limits: Arc::new(LoginLimits::new(NonZeroU32::new(20))),
            refresh_limits: Arc::new(RefreshLimits::new(NonZeroU32::new(20))),
            failed_login_floor: Arc::new(FailedLoginFloor::default()),
            security_event_retention: Duration::from_hours(24),
            public_url: None,
        }
    }
}

pub(crate) fn device() -> Secret {
    Secret::from_random(SecretKind::Device, [1, 2, 3])
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_microseconds(1_764_590_400_000_000).unwrap()
}

pub(crate) fn user_id(n: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(n))
}

pub(crate) fn todo_id(n: u128) -> TodoId {
    TodoId::from_uuid(Uuid::from_u128(n))
}

pub(crate) fn session_id(n: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(n))
}

pub(crate) fn token_id(n: u128) -> TokenId {
    TokenId::from_uuid(Uuid::from_u128(n))
}

/// A token of the first user that was made now, for 30 days, and is good for reading todos.
pub(crate) fn personal_access_token() -> PersonalAccessToken {
    let new = NewPersonalAccessToken {
        name: TokenName::new("backup").unwrap(),
        scopes: TokenScopes::new([Scope::ReadTodos]).unwrap(),
        lifetime: TokenLifetime::from_days(30).unwrap(),
    };
    PersonalAccessToken::new(token_id(1), user_id(1), new, now())
}

pub(crate) fn event_id() -> EventId {
    EventId::from_uuid(Uuid::from_u128(1))
}

pub(crate) fn client() -> Client {
    Client {
        address: Some([192, 0, 2, 1].into()),
        user_agent: UserAgent::of("a browser"),
    }
}

pub(crate) fn user() -> User {
    let name = todo_domain::DisplayName::new("Ada").unwrap();
    User::new(user_id(1), email(), name, now())
}

pub(crate) fn email() -> Email {
    Email::new("ada@example.com").unwrap()
}

pub(crate) fn password_hash() -> PasswordHash {
    PasswordHash::new("a hash".to_owned())
}

pub(crate) fn secret(kind: SecretKind) -> Secret {
    Secret::from_random(kind, [1, 2, 3])
}

pub(crate) fn digest() -> SecretDigest {
    SecretDigest::from_bytes([7; 32])
}

/// What is kept of a secret that is mailed to the first user now.
pub(crate) fn mailed_secret(purpose: TokenPurpose) -> EmailToken {
    EmailToken::new(digest(), user_id(1), purpose, email(), now())
}

pub(crate) fn archived_user() -> ExportedUser {
    ExportedUser {
        credentials: Credentials {
            user: user(),
            password_hash: Some(password_hash()),
        },
        image: None,
        disabled_at: None,
    }
}

pub(crate) fn session() -> Session {
    Session::begin(session_id(1), user_id(1), client(), now(), &POLICY)
}

/// What the token of the session says.
pub(crate) fn access_claims() -> AccessClaims {
    let expires_at = session().access_expires_at(now(), &POLICY);
    AccessClaims::new(&user(), &session(), now(), expires_at)
}

/// A session, whose user has chosen nothing.
pub(crate) fn found(session: Session) -> SessionWithSettings {
    SessionWithSettings {
        session,
        settings: UserSettings::default(),
    }
}

pub(crate) fn caller() -> Caller {
    Caller::Known {
        user_id: user_id(1),
        settings: UserSettings::default(),
    }
}

/// The condition that the session meets now.
pub(crate) fn session_condition() -> SessionCondition {
    let seen = SessionSnapshot::from(&session());
    seen.guard(now(), &POLICY).unwrap()
}

/// The first user, on the condition that their session meets it.
pub(crate) fn caller_of_session() -> Caller {
    Caller::OfSession(session_condition())
}

pub(crate) fn session_caller() -> SessionCaller {
    SessionCaller {
        settings: UserSettings::default(),
        client: client(),
        session: session(),
        token_expires_at: access_claims().expires_at,
    }
}

/// An event that happens to the first user now.
pub(crate) fn event(kind: SecurityEventKind) -> SecurityEvent {
    SecurityEvent {
        id: event_id(),
        user_id: Some(user_id(1)),
        kind,
        subject: None,
        client: client(),
        created_at: now(),
    }
}

pub(crate) fn new_todo() -> NewTodo {
    NewTodo {
        description: Some(Description::new("two litres").unwrap()),
        ..NewTodo::titled(Title::new("Buy milk").unwrap())
    }
}

pub(crate) fn todo() -> Todo {
    Todo::new(todo_id(1), user_id(1), new_todo(), now())
}

pub(crate) fn cause() -> BoxError {
    "a cause".into()
}

pub(crate) fn unavailable() -> StorageError {
    StorageError::Unavailable(cause())
}
