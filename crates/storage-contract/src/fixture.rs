//! The storage under test, and values to put into it.

use std::{
    fmt,
    ops::Deref,
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
};

use todo_domain::{
    AccessProof, Client, Description, DisplayName, Email, EventId, NewTodo, PasswordHash, Quotas,
    SecretDigest, SecurityEvent,
    SecurityEventKind::{self, AccountDeleted, LoggedIn, Registered, SessionEvicted},
    Session, SessionId, SessionPolicy, SessionStart, Tag, Tags, Timestamp, Title, Todo, TodoId,
    TokenId, User, UserAgent, UserId,
};
use uuid::Uuid;

use crate::{Backend, Storage};

/// A storage that was empty when the clause began, and a way to connect further instances of the program to its data.
pub struct TestStorage<'a> {
    storage: Box<dyn Storage>,
    connect: Box<dyn Fn(Quotas) -> Box<dyn Storage> + Sync + 'a>,
}

impl<'a> TestStorage<'a> {
    /// The storage of a backend, with default quotas.
    pub fn new<B: Backend>(backend: &'a B) -> Self {
        Self {
            storage: Box::new(backend.connect(Quotas::default())),
            connect: Box::new(|quotas| Box::new(backend.connect(quotas))),
        }
    }

    /// The first instance.
    #[must_use]
    pub fn instance(&self) -> &(dyn Storage + 'static) {
        &*self.storage
    }

    /// Another instance on the same data.
    #[must_use]
    pub fn connect(&self) -> Box<dyn Storage> {
        self.connect_with(Quotas::default())
    }

    /// Another instance on the same data, with these quotas.
    #[must_use]
    pub fn connect_with(&self, quotas: Quotas) -> Box<dyn Storage> {
        (self.connect)(quotas)
    }
}

impl fmt::Debug for TestStorage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestStorage").finish_non_exhaustive()
    }
}

impl Deref for TestStorage<'_> {
    type Target = dyn Storage;

    fn deref(&self) -> &Self::Target {
        self.instance()
    }
}

impl dyn Storage + '_ {
    /// Inserts a user with this address, the password hash [`hash`] and a first session.
    pub fn user(&self, email: &str) -> User {
        let user = new_user(email);
        self.users()
            .insert(&user, &hash(), &start_of(&session_of(user.id), Registered))
            .unwrap();
        user
    }

    /// Inserts a todo that was created this many microseconds after [`at`]`(0)`.
    pub fn todo(&self, owner: UserId, title: &str, microseconds: i64) -> Todo {
        let todo = new_todo(owner, title, microseconds);
        self.todos().insert(&todo, None).unwrap();
        todo
    }

    /// Inserts a session, by the password hash [`hash`].
    pub fn begin(&self, session: &Session) {
        let proof = AccessProof::new(session.user_id).with_password_hash(hash());
        self.sessions()
            .insert(&start_of(session, LoggedIn), &proof)
            .unwrap();
    }

    /// The kinds of the events of a user, the latest first.
    pub fn events(&self, user: UserId) -> Vec<SecurityEventKind> {
        let events = self.security_events().list(user, 100).unwrap();
        events.iter().map(|event| event.kind).collect()
    }

    /// The session with this id.
    pub fn session(&self, id: SessionId) -> Option<Session> {
        let found = self.sessions().find(id).unwrap();
        found.map(|found| found.session)
    }

    /// Deletes the user with this address.
    pub fn delete_user(&self, email: &str) {
        let found = self.users().find_credentials(&Email::new(email).unwrap());
        let user = found.unwrap().unwrap().user.id;
        let event = event_of(user, AccountDeleted).of_former_user(user);
        self.users()
            .delete(&AccessProof::new(user), &event)
            .unwrap();
    }
}

/// A unique number. Later numbers are higher.
fn number() -> u64 {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    NUMBER.fetch_add(1, Relaxed)
}

/// A unique UUID. Later ones sort after earlier ones, as those of version 7 do.
fn uuid() -> Uuid {
    Uuid::from_u64_pair(u64::from_be_bytes(*b"contract"), number())
}

/// A unique id of a user.
#[must_use]
pub fn user_id() -> UserId {
    UserId::from_uuid(uuid())
}

/// A unique id of a session.
#[must_use]
pub fn session_id() -> SessionId {
    SessionId::from_uuid(uuid())
}

/// A unique id of a todo.
#[must_use]
pub fn todo_id() -> TodoId {
    TodoId::from_uuid(uuid())
}

/// A unique id of a personal access token.
#[must_use]
pub fn token_id() -> TokenId {
    TokenId::from_uuid(uuid())
}

/// A unique id of an event.
#[must_use]
pub fn event_id() -> EventId {
    EventId::from_uuid(uuid())
}

/// A unique digest.
#[must_use]
pub fn digest() -> SecretDigest {
    let mut bytes = [7; 32];
    let (first, _) = bytes.split_at_mut(8);
    first.copy_from_slice(&number().to_be_bytes());
    SecretDigest::from_bytes(bytes)
}

/// A user that is not stored.
#[must_use]
pub fn new_user(email: &str) -> User {
    let name = DisplayName::new("Ada Lovelace").unwrap();
    User::new(user_id(), Email::new(email).unwrap(), name, now())
}

/// The password hash of every user.
#[must_use]
pub fn hash() -> PasswordHash {
    PasswordHash::new("$argon2id$a-hash".to_owned())
}

/// A session that is not stored.
#[must_use]
pub fn session_of(user: UserId) -> Session {
    let client = Client {
        address: Some([192, 0, 2, 1].into()),
        user_agent: UserAgent::of("a browser"),
    };
    Session::begin(session_id(), user, client, now(), &SessionPolicy::default())
}

/// The start of a session, with an event of this kind.
#[must_use]
pub fn start_of(session: &Session, kind: SecurityEventKind) -> SessionStart {
    SessionStart {
        session: session.clone(),
        event: event_of(session.user_id, kind),
        replaces: None,
        eviction: event_of(session.user_id, SessionEvicted),
    }
}

/// An event that is not stored.
#[must_use]
pub fn event_of(user: UserId, kind: SecurityEventKind) -> SecurityEvent {
    SecurityEvent {
        id: event_id(),
        user_id: Some(user),
        kind,
        subject: None,
        client: session_of(user).client,
        created_at: now(),
    }
}

/// A todo that is not stored, created this many microseconds after [`at`]`(0)`.
#[must_use]
pub fn new_todo(owner: UserId, title: &str, microseconds: i64) -> Todo {
    let new = NewTodo::titled(Title::new(title).unwrap());
    Todo::new(todo_id(), owner, new, at(microseconds))
}

/// A description.
#[must_use]
pub fn description(text: &str) -> Description {
    Description::new(text).unwrap()
}

/// Tags.
#[must_use]
pub fn tags(texts: &[&str]) -> Tags {
    Tags::new(texts.iter().map(|text| Tag::new(text).unwrap()).collect()).unwrap()
}

/// The instant this many microseconds after a fixed one in 2023.
#[must_use]
pub fn at(microseconds: i64) -> Timestamp {
    Timestamp::from_microseconds(1_700_000_000_000_000 + microseconds).unwrap()
}

/// The current time of a clock that starts in 2027 and advances by a microsecond with each call.
#[must_use]
pub fn now() -> Timestamp {
    static CALLS: AtomicI64 = AtomicI64::new(0);
    Timestamp::from_microseconds(1_800_000_000_000_000 + CALLS.fetch_add(1, Relaxed)).unwrap()
}
