//! What the unit tests share: mocked ports, and values to put through them.

use std::{sync::Arc, time::Duration};

use todo_domain::{
    ArchivedUser, Credentials, Description, Email, NewTodo, PasswordHash, Session, SessionId,
    Timestamp, Title, Todo, TodoId, User, UserId,
    ports::{
        BoxError, MockAccessTokens, MockClock, MockIdGenerator, MockIdempotencyKeys,
        MockPasswordHasher, MockPublicKeys, MockSessionRepository, MockStorageProbe,
        MockTodoRepository, MockUserRepository, StorageError,
    },
};
use uuid::Uuid;

use crate::{App, Caller};

pub(crate) const SESSION_LIFETIME: Duration = Duration::from_hours(1);

/// Mocks of every port. A call that a test did not expect fails the test.
#[derive(Default)]
pub(crate) struct Mocks {
    pub(crate) users: MockUserRepository,
    pub(crate) sessions: MockSessionRepository,
    pub(crate) todos: MockTodoRepository,
    pub(crate) idempotency_keys: MockIdempotencyKeys,
    pub(crate) probe: MockStorageProbe,
    pub(crate) hasher: MockPasswordHasher,
    pub(crate) tokens: MockAccessTokens,
    pub(crate) public_keys: MockPublicKeys,
    pub(crate) clock: MockClock,
    pub(crate) ids: MockIdGenerator,
}

impl Mocks {
    /// Mocks where it is [`now`].
    pub(crate) fn at_now() -> Self {
        let mut mocks = Self::default();
        mocks.clock.expect_now().return_const(now());
        mocks
    }

    pub(crate) fn app(self) -> App {
        App {
            users: Arc::new(self.users),
            sessions: Arc::new(self.sessions),
            todos: Arc::new(self.todos),
            idempotency_keys: Arc::new(self.idempotency_keys),
            probe: Arc::new(self.probe),
            hasher: Arc::new(self.hasher),
            tokens: Arc::new(self.tokens),
            public_keys: Arc::new(self.public_keys),
            clock: Arc::new(self.clock),
            ids: Arc::new(self.ids),
            session_lifetime: SESSION_LIFETIME,
        }
    }
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

pub(crate) fn archived_user() -> ArchivedUser {
    ArchivedUser {
        credentials: Credentials {
            user: user(),
            password_hash: Some(password_hash()),
        },
        email_verified: false,
        image: None,
        time_zone: None,
    }
}

pub(crate) fn session() -> Session {
    Session::begin(session_id(1), user_id(1), now(), SESSION_LIFETIME)
}

pub(crate) fn caller() -> Caller {
    Caller::of(session())
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
