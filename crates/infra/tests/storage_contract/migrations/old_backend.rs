//! The tables of another backend, and its statements.

use todo_domain::ports::IdGenerator;
use todo_domain::{Email, TodoId, User, UserId};
use todo_infra::RandomIds;
use todo_testkit::{Kind::Postgres, TestDatabase};

use crate::storage::Storage;

/// The schema of the first version of this program on PostgreSQL.
pub(super) const FIRST_POSTGRES: &str = include_str!(
    "../../../../../migrations/postgres/2026-11-21-000000_create_users_tasks_sessions/up.sql"
);

/// The schema of the first version of this program on SQLite.
pub(super) const FIRST_SQLITE: &str = include_str!(
    "../../../../../migrations/sqlite/2026-11-21-000000_create_users_tasks_sessions/up.sql"
);

/// The record of its migration, on either database.
pub(super) const FIRST_RECORDED: &str = "
    CREATE TABLE __diesel_schema_migrations (
        version VARCHAR(50) PRIMARY KEY NOT NULL,
        run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
    );
    INSERT INTO __diesel_schema_migrations (version) VALUES ('20261121000000');
";

const TASKS: &str = "
    CREATE TABLE tasks (
        id uuid NOT NULL PRIMARY KEY,
        user_id uuid NOT NULL,
        title varchar(255) NOT NULL,
        description varchar,
        completed boolean NOT NULL,
        created_at timestamp NOT NULL,
        updated_at timestamp NOT NULL,
        CONSTRAINT tasks_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id)
    );
    CREATE INDEX ix_tasks_user_id ON tasks (user_id);
";

/// The variant of the schema of the old backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OldSchema {
    /// Users have a password.
    WithPasswords,
    /// Users have no password.
    WithoutPasswords,
}

/// A PostgreSQL database with the tables of the old backend and one of its users.
pub(super) struct OldBackend {
    pub(super) storage: Storage,
    pub(super) user: UserId,
}

impl OldBackend {
    pub(super) fn new(schema: OldSchema) -> Option<Self> {
        let storage = Storage::empty(Postgres)?;
        create_tables(&storage.behind, schema);
        let user = RandomIds.user();
        storage.behind.execute(&format!(
            "INSERT INTO users (id, email, email_verified, name, image, created_at, updated_at) \
             VALUES ('{}', 'ada@example.com', false, 'Ada', NULL, '2024-01-01', '2024-01-01')",
            user.as_uuid()
        ));
        Some(Self { storage, user })
    }

    /// Inserts a task with the columns that the old backend knows.
    pub(super) fn insert(&self, title: &str, description: &str, completed: bool) -> TodoId {
        let id = RandomIds.todo();
        self.storage.behind.execute(&format!(
            "INSERT INTO tasks (id, user_id, title, description, completed, created_at, updated_at) \
             VALUES ('{}', '{}', '{title}', '{description}', {completed}, '2024-02-01', '2024-02-02')",
            id.as_uuid(),
            self.user.as_uuid()
        ));
        id
    }

    /// Updates a task with the columns that the old backend knows.
    pub(super) fn update(&self, id: TodoId, title: &str, description: &str, completed: bool) {
        self.storage.behind.execute(&format!(
            "UPDATE tasks SET user_id = '{}', title = '{title}', description = '{description}', \
             completed = {completed}, created_at = '2024-02-01', updated_at = '2024-03-03' \
             WHERE id = '{}'",
            self.user.as_uuid(),
            id.as_uuid()
        ));
    }

    /// Toggles a task as the old backend does.
    pub(super) fn toggle(&self, id: TodoId, day: &str) {
        self.storage.behind.execute(&format!(
            "UPDATE tasks SET completed = NOT completed, updated_at = '{day}' WHERE id = '{}'",
            id.as_uuid()
        ));
    }

    /// The columns of a task that the old backend does not know.
    pub(super) fn details(&self, id: TodoId) -> String {
        let sql = format!(
            "SELECT concat_ws(' | ', title_folded, description_folded, \
             coalesce(completed_at::date::text, 'open'), version) AS value \
             FROM tasks WHERE id = '{}'",
            id.as_uuid()
        );
        self.storage.behind.values(&sql).remove(0).unwrap()
    }

    /// The user as this program reads it.
    pub(super) fn found_user(&self) -> Option<User> {
        let email = Email::new("ada@example.com").unwrap();
        let user = self.storage.users().find(self.user).unwrap();
        assert!(user.iter().all(|user| user.email == email));
        user
    }
}

/// Creates the tables of the old backend.
pub(super) fn create_tables(behind: &TestDatabase, schema: OldSchema) {
    let password = match schema {
        OldSchema::WithPasswords => "hashed_password varchar,",
        OldSchema::WithoutPasswords => "",
    };
    behind.execute(&format!(
        "CREATE TABLE users (
            id uuid NOT NULL PRIMARY KEY,
            email varchar(255) NOT NULL,
            {password}
            email_verified boolean NOT NULL,
            name varchar(255),
            image varchar,
            created_at timestamp NOT NULL,
            updated_at timestamp NOT NULL
        );
        CREATE UNIQUE INDEX ix_users_email ON users (email);
        {TASKS}"
    ));
}
