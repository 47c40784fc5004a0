//! A database, and values to put into it.

use std::{ops::Deref, time::Duration};

use todo_infra::{Database, PoolSettings};
pub(crate) use todo_storage_contract::fixture::{
    at, description, digest, event_of, hash, new_todo, new_user, now, session_of, start_of, tags,
    token_id, user_id,
};
use todo_testkit::{Kind, TestDatabase};

/// A database and a pool of connections to it. The pool is dropped before the database is.
pub(crate) struct Storage {
    pub(crate) database: Database,
    pub(crate) behind: TestDatabase,
}

impl Storage {
    /// A migrated database; `None` when tests on this kind are to be skipped.
    pub(crate) fn new(kind: Kind) -> Option<Self> {
        let storage = Self::on(TestDatabase::reusable(kind)?);
        storage.database.migrate().unwrap();
        Some(storage)
    }

    /// An empty database without tables.
    pub(crate) fn empty(kind: Kind) -> Option<Self> {
        TestDatabase::new(kind).map(Self::on)
    }

    fn on(behind: TestDatabase) -> Self {
        let database = connect(&behind);
        Self { database, behind }
    }

    /// Deletes a user as an operator would.
    pub(crate) fn delete_user_by_sql(&self, email: &str) {
        self.behind
            .execute(&format!("DELETE FROM users WHERE email = '{email}'"));
    }
}

impl Deref for Storage {
    type Target = dyn todo_storage_contract::Storage;

    fn deref(&self) -> &Self::Target {
        &self.database
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
