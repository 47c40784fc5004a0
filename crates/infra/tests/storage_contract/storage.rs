//! A storage with nothing in it, and values to put there.

use std::time::Duration;

use todo_domain::{
    AccessProof, Client, Description, DisplayName, Email, NewTodo, PasswordHash, SecurityEvent,
    SecurityEventKind::{self, LoggedIn, Registered, SessionEvicted},
    Session, SessionId, SessionPolicy, SessionStart, Tag, Tags, Timestamp, Title, Todo, User,
    UserAgent, UserId,
    ports::{
        Clock, IdGenerator, SecurityEvents, SessionRepository, TodoRepository, UserRepository,
    },
};
use todo_infra::{Database, PoolSettings, RandomIds, SystemClock};
use todo_testkit::{Kind, TestDatabase};

/// A migrated database of either kind. The pool is dropped before the database is.
pub(crate) struct Storage {
    pub(crate) database: Database,
    pub(crate) behind: TestDatabase,
}

impl Storage {
    /// `None` when tests on this kind are to be skipped.
    pub(crate) fn new(kind: Kind) -> Option<Self> {
        let storage = Self::on(TestDatabase::reusable(kind)?);
        storage.database.migrate().unwrap();
        Some(storage)
    }

    /// A database in which nothing has been migrated.
    pub(crate) fn empty(kind: Kind) -> Option<Self> {
        TestDatabase::new(kind).map(Self::on)
    }

    fn on(behind: TestDatabase) -> Self {
        let database = connect(&behind);
        Self { database, behind }
    }

    pub(crate) fn users(&self) -> &dyn UserRepository {
        &self.database
    }

    pub(crate) fn sessions(&self) -> &dyn SessionRepository {
        &self.database
    }

    pub(crate) fn todos(&self) -> &dyn TodoRepository {
        &self.database
    }

    /// A user that is stored.
    pub(crate) fn user(&self, email: &str) -> User {
        let user = new_user(email);
        self.users()
            .insert(&user, &hash(), &start_of(&session_of(user.id), Registered))
            .unwrap();
        user
    }

    /// A todo that is stored, created that many microseconds after the first.
    pub(crate) fn todo(&self, owner: UserId, title: &str, microseconds: i64) -> Todo {
        let todo = new_todo(owner, title, microseconds);
        self.todos().insert(&todo, None).unwrap();
        todo
    }

    /// Inserts a session.
    pub(crate) fn begin(&self, session: &Session) {
        let proof = AccessProof::new(session.user_id).with_password_hash(hash());
        self.sessions()
            .insert(&start_of(session, LoggedIn), &proof)
            .unwrap();
    }

    /// What happened to a user, the last first.
    pub(crate) fn events(&self, user: UserId) -> Vec<SecurityEventKind> {
        let events = SecurityEvents::list(&self.database, user, 100).unwrap();
        events.iter().map(|event| event.kind).collect()
    }

    /// The session with this id, without what its user has chosen.
    pub(crate) fn session(&self, id: SessionId) -> Option<Session> {
        let found = self.sessions().find(id).unwrap();
        found.map(|found| found.session)
    }

    /// Deletes a user as an operator would.
    pub(crate) fn delete_user(&self, email: &str) {
        self.behind
            .execute(&format!("DELETE FROM users WHERE email = '{email}'"));
    }
}

/// Another pool on the same database, as another instance has.
pub(crate) fn connect(behind: &TestDatabase) -> Database {
    let url: todo_infra::DatabaseUrl = behind.url().parse().unwrap();
    let settings = PoolSettings {
        // Patience for a machine that is busy with other tests.
        connection_timeout: Duration::from_secs(30),
        max_connections: 8,
        ..PoolSettings::for_kind(url.kind())
    };
    Database::new(url, &settings)
}

pub(crate) fn new_user(email: &str) -> User {
    let name = DisplayName::new("Ada Lovelace").unwrap();
    User::new(RandomIds.user(), Email::new(email).unwrap(), name, now())
}

pub(crate) fn hash() -> PasswordHash {
    PasswordHash::new("$argon2id$a-hash".to_owned())
}

pub(crate) fn session_of(user: UserId) -> Session {
    let client = Client {
        address: Some([192, 0, 2, 1].into()),
        user_agent: UserAgent::of("a browser"),
    };
    let policy = SessionPolicy::default();
    Session::begin(RandomIds.session(), user, client, now(), &policy)
}

/// The beginning of a session.
pub(crate) fn start_of(session: &Session, kind: SecurityEventKind) -> SessionStart {
    SessionStart {
        session: session.clone(),
        event: event_of(session.user_id, kind),
        replaces: None,
        eviction: event_of(session.user_id, SessionEvicted),
    }
}

/// Something that happened to a user.
pub(crate) fn event_of(user: UserId, kind: SecurityEventKind) -> SecurityEvent {
    SecurityEvent {
        id: RandomIds.event(),
        user_id: Some(user),
        kind,
        subject: None,
        client: session_of(user).client,
        created_at: now(),
    }
}

pub(crate) fn new_todo(owner: UserId, title: &str, microseconds: i64) -> Todo {
    let new = NewTodo::titled(Title::new(title).unwrap());
    Todo::new(RandomIds.todo(), owner, new, at(microseconds))
}

pub(crate) fn description(text: &str) -> Description {
    Description::new(text).unwrap()
}

pub(crate) fn tags(texts: &[&str]) -> Tags {
    Tags::new(texts.iter().map(|text| Tag::new(text).unwrap()).collect()).unwrap()
}

/// An instant that many microseconds after one in the past.
pub(crate) fn at(microseconds: i64) -> Timestamp {
    Timestamp::from_microseconds(1_700_000_000_000_000 + microseconds).unwrap()
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}
