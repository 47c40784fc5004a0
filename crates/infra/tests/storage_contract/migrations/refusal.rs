//! What a migration does not touch.

use rstest::rstest;
use todo_infra::MigrateError;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use super::old_backend::{Shape, make_tables};
use crate::storage::Storage;

/// Everything that a database has.
fn contents(storage: &Storage, kind: Kind) -> Vec<Option<String>> {
    storage.behind.values(match kind {
        Sqlite => "SELECT sql AS value FROM sqlite_schema ORDER BY name",
        Postgres => {
            "SELECT concat_ws(' ', c.relname, a.attname, a.atttypid) AS value \
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
             WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1"
        }
    })
}

/// Refuses to migrate, changes nothing, and gives the error.
fn refused(storage: &Storage, kind: Kind) -> MigrateError {
    let before = contents(storage, kind);
    let error = storage.database.migrate().unwrap_err();
    assert_eq!(contents(storage, kind), before);
    let planning = storage.database.plan_migration().unwrap_err();
    assert_eq!(planning.to_string(), error.to_string());
    error
}

#[rstest]
fn tables_of_something_else_are_left_as_they_are(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::empty(kind) else {
        return;
    };
    storage
        .behind
        .execute("CREATE TABLE tasks (id varchar(36) PRIMARY KEY, status text NOT NULL)");
    let error = refused(&storage, kind);
    assert!(
        matches!(&error, MigrateError::NotOurs { table, .. } if table == "tasks"),
        "{error:?}"
    );
    let expected = match kind {
        Sqlite => "no migration is recorded that made it",
        Postgres => "its column `id` is varchar and not uuid",
    };
    assert!(error.to_string().contains(expected), "{error}");
}

#[rstest]
#[case(
    "ALTER TABLE tasks DROP COLUMN completed",
    "tasks",
    "it has no column `completed`"
)]
#[case(
    "ALTER TABLE tasks ADD COLUMN status text NOT NULL",
    "tasks",
    "`status` is unknown"
)]
#[case(
    "ALTER TABLE tasks ADD COLUMN priority text",
    "tasks",
    "`priority` is text and not int2"
)]
#[case(
    "ALTER TABLE users ALTER COLUMN created_at TYPE timestamptz",
    "users",
    "`created_at` is timestamptz and not timestamp"
)]
#[case(
    "CREATE TABLE sessions (id text, token text)",
    "sessions",
    "`id` is text and not uuid"
)]
#[case("DROP TABLE tasks", "users", "there is no table `tasks` beside it")]
#[case(
    "DROP TABLE tasks; DROP TABLE users; CREATE VIEW users AS SELECT 1 AS id",
    "users",
    "it is no ordinary table"
)]
fn tables_that_only_look_like_the_old_backends_are_refused(
    #[case] difference: &str,
    #[case] culprit: &str,
    #[case] expected: &str,
) {
    let Some(storage) = Storage::empty(Postgres) else {
        return;
    };
    make_tables(&storage.behind, Shape::WithPasswords);
    storage.behind.execute(difference);
    let error = refused(&storage, Postgres);
    assert!(
        matches!(&error, MigrateError::NotOurs { table, .. } if table == culprit),
        "{error:?}"
    );
    assert!(error.to_string().contains(expected), "{error}");
}

#[rstest]
fn a_database_that_is_newer_than_the_program_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    storage
        .behind
        .execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')");
    let error = refused(&storage, kind);
    assert!(
        matches!(&error, MigrateError::Newer { version } if version == "20991231000000"),
        "{error:?}"
    );
}
