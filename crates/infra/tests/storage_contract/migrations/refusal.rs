//! Databases that a migration refuses.

use rstest::rstest;
use todo_domain::ports::IdGenerator;
use todo_infra::{Database, DatabaseUrl, MigrateError, PoolSettings, RandomIds};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use super::old_backend::{OldSchema, create_tables};
use crate::storage::Storage;

/// The whole content of a database.
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

/// The error of a migration that is refused and changes nothing.
fn refused(storage: &Storage, kind: Kind) -> MigrateError {
    let before = contents(storage, kind);
    let error = storage.database.migrate().unwrap_err();
    assert_eq!(contents(storage, kind), before);
    let planning = storage.database.plan_migration().unwrap_err();
    assert_eq!(planning.to_string(), error.to_string());
    error
}

#[rstest]
fn foreign_tables_are_not_changed(#[values(Sqlite, Postgres)] kind: Kind) {
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
    create_tables(&storage.behind, OldSchema::WithPasswords);
    storage.behind.execute(difference);
    let error = refused(&storage, Postgres);
    assert!(
        matches!(&error, MigrateError::NotOurs { table, .. } if table == culprit),
        "{error:?}"
    );
    assert!(error.to_string().contains(expected), "{error}");
}

/// A role of another program, which is dropped with all that it owns.
struct Role<'a> {
    name: String,
    storage: &'a Storage,
}

impl<'a> Role<'a> {
    fn new(storage: &'a Storage) -> Self {
        let name = format!("evil_{}", RandomIds.user().as_uuid().simple());
        storage.behind.execute(&format!(
            "CREATE ROLE {name} LOGIN; GRANT ALL ON SCHEMA public TO {name}"
        ));
        Self { name, storage }
    }

    /// A pool of connections of this role; `None` on a server of `TEST_DATABASE_URL`, which may require a password.
    fn connect(&self) -> Option<Database> {
        let url = self.storage.behind.url();
        let own = url.replace("user=postgres", &format!("user={}", self.name));
        if own == url {
            return None;
        }
        let url: DatabaseUrl = own.parse().unwrap();
        let settings = PoolSettings::for_kind(url.kind());
        Some(Database::new(url, &settings))
    }

    /// Runs statements as this role.
    fn execute(&self, sql: &str) {
        let Self { name, .. } = self;
        self.storage
            .behind
            .execute(&format!("SET ROLE {name}; {sql}; RESET ROLE"));
    }
}

impl Drop for Role<'_> {
    fn drop(&mut self) {
        let Self { name, .. } = self;
        self.storage
            .behind
            .execute(&format!("DROP OWNED BY {name} CASCADE; DROP ROLE {name}"));
    }
}

const GUESSES: &str = "CREATE TABLE guesses (subject bytea NOT NULL PRIMARY KEY, level integer NOT NULL, \
    failed_at timestamp, succeeded_at timestamp, updated_at timestamp NOT NULL)";

#[rstest]
#[case::a_table(GUESSES, "guesses", "its owner is the role `evil_")]
#[case::the_record_of_migrations(
    "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, run_on timestamp)",
    "__diesel_schema_migrations",
    "its owner is the role `evil_"
)]
#[case::a_function_that_would_be_called(
    "CREATE FUNCTION todo_fold(varchar) RETURNS text LANGUAGE sql AS 'SELECT $1'",
    "tasks",
    "the function `todo_fold` of its triggers belongs to the role `evil_"
)]
fn what_another_role_made_is_refused(
    #[case] made: &str,
    #[case] culprit: &str,
    #[case] expected: &str,
    #[values(false, true)] is_first: bool,
) {
    let Some(storage) = Storage::empty(Postgres) else {
        return;
    };
    if is_first {
        create_tables(&storage.behind, OldSchema::WithPasswords);
    }
    let role = Role::new(&storage);
    role.execute(made);
    let error = refused(&storage, Postgres);
    assert!(
        matches!(&error, MigrateError::NotOurs { table, .. } if table == culprit),
        "{error:?}"
    );
    assert!(error.to_string().contains(expected), "{error}");
}

#[rstest]
#[case(
    "CREATE TRIGGER spy BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "users",
    "its trigger `spy` is unknown"
)]
#[case(
    "CREATE TRIGGER todo_tasks_before_insert BEFORE UPDATE ON tasks FOR EACH ROW \
     EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "tasks",
    "its trigger `todo_tasks_before_insert` is unknown"
)]
#[case(
    "CREATE RULE spy AS ON DELETE TO tasks DO INSTEAD NOTHING",
    "tasks",
    "it has a rule"
)]
#[case(
    "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
    "users",
    "it has row-level security"
)]
#[case(
    "ALTER TABLE tasks DROP CONSTRAINT tasks_user_id_fkey",
    "tasks",
    "has no foreign key to users"
)]
#[case(
    "CREATE TABLE sessions (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users (id), \
     created_at timestamp NOT NULL, expires_at timestamp NOT NULL)",
    "sessions",
    "its rows are not deleted with their user"
)]
fn tables_on_which_others_act_are_refused(
    #[case] difference: &str,
    #[case] culprit: &str,
    #[case] expected: &str,
) {
    let Some(storage) = Storage::empty(Postgres) else {
        return;
    };
    create_tables(&storage.behind, OldSchema::WithPasswords);
    storage.behind.execute(difference);
    let error = refused(&storage, Postgres);
    assert!(
        matches!(&error, MigrateError::NotOurs { table, .. } if table == culprit),
        "{error:?}"
    );
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn an_ordinary_role_adopts_only_its_own_tables() {
    let Some(storage) = Storage::empty(Postgres) else {
        return;
    };
    let (ours, evil) = (Role::new(&storage), Role::new(&storage));
    let Some(database) = ours.connect() else {
        return;
    };
    evil.execute(GUESSES);
    let error = database.migrate().unwrap_err();
    assert!(
        error.to_string().contains("its owner is the role `evil_"),
        "{error}"
    );
    evil.execute("DROP TABLE guesses");
    assert!(!database.migrate().unwrap().is_empty());
    let privileges = database.privileges().unwrap().unwrap();
    assert_eq!(privileges.role, ours.name);
    assert!(!privileges.is_superuser);
    assert_eq!(privileges.other_creators, std::slice::from_ref(&evil.name));
    // The tables count as those of each member of the role.
    let member = Role::new(&storage);
    let Role { name, .. } = &ours;
    storage
        .behind
        .execute(&format!("GRANT {name} TO {}", member.name));
    assert!(member.connect().unwrap().migrate().unwrap().is_empty());
}

#[test]
fn a_role_without_privileges_uses_tables_that_an_administrator_migrated() {
    let Some(storage) = Storage::new(Postgres) else {
        return;
    };
    let role = Role::new(&storage);
    let Some(database) = role.connect() else {
        return;
    };
    storage.behind.execute(&format!(
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO {}",
        role.name
    ));
    assert!(database.migrate().unwrap().is_empty());
    storage
        .behind
        .execute("DELETE FROM __diesel_schema_migrations WHERE version = '20261124200000'");
    let error = database.migrate().unwrap_err();
    assert!(matches!(error, MigrateError::NotOurs { .. }), "{error:?}");
    assert!(storage.database.privileges().unwrap().unwrap().is_superuser);
}

#[test]
fn a_foreign_trigger_on_a_migrated_table_is_refused_at_the_next_start() {
    let Some(storage) = Storage::new(Postgres) else {
        return;
    };
    assert!(storage.database.migrate().unwrap().is_empty());
    storage.behind.execute(
        "CREATE TRIGGER spy BEFORE INSERT ON users FOR EACH ROW \
         EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    );
    assert!(
        refused(&storage, Postgres)
            .to_string()
            .contains("`spy` is unknown")
    );
}

#[test]
fn triggers_call_the_functions_of_their_schema_whatever_others_create() {
    let Some(storage) = Storage::new(Postgres) else {
        return;
    };
    let user = storage.user("ada@example.com").id.as_uuid();
    // After the migration: preferred for a varchar by its exact type.
    storage.behind.execute(
        "CREATE FUNCTION todo_fold(varchar) RETURNS text LANGUAGE sql AS $$ SELECT 'evil' $$",
    );
    storage.behind.execute(&format!(
        "INSERT INTO tasks (id, user_id, title, completed, created_at, updated_at) \
         VALUES ('{user}', '{user}', 'MILK', false, '2024-01-01', '2024-01-01')"
    ));
    let folded = storage
        .behind
        .values("SELECT title_folded AS value FROM tasks");
    assert_eq!(folded, [Some("milk".to_owned())]);
}

#[rstest]
fn a_newer_database_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
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
