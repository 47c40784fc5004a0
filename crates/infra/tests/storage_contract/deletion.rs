//! Cleanup by bounded statements.

use rstest::rstest;
use todo_domain::{
    SessionPolicy,
    ports::{
        AttemptStore, EmailTokens, IdempotencyKeys, PersonalAccessTokens, SecurityEvents,
        SessionRepository, StorageError,
    },
};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, now};

const ROWS: usize = 2500;

type Delete = fn(&Storage) -> Result<usize, StorageError>;

/// The table, the columns and values of a row to delete, and the function that deletes it. In the values, `$id` is a unique id,
/// `$user` is the id of the user, and `$old` is an instant of long ago.
const TABLES: [(&str, &str, &str, Delete); 6] = [
    (
        "sessions",
        "id, user_id, created_at, expires_at, generation",
        "$id, $user, $old, $old, 0",
        |storage| {
            let policy = SessionPolicy::default();
            SessionRepository::delete_ended(&storage.database, now(), &policy)
        },
    ),
    (
        "personal_access_tokens",
        "id, user_id, name, digest, scopes, created_at, expires_at",
        "$id, $user, 'a', $bytes, '', $old, $old",
        |storage| PersonalAccessTokens::delete_expired(&storage.database, now()),
    ),
    (
        "idempotency_keys",
        "user_id, key, request, answer, created_at",
        "$user, CAST(number AS text), '', '', $old",
        |storage| IdempotencyKeys::delete_before(&storage.database, now()),
    ),
    (
        "mailed_secrets",
        "digest, user_id, purpose, email, created_at, expires_at",
        "$bytes, $user, 'reset_password', '', $old, $old",
        |storage| EmailTokens::delete_expired(&storage.database, now()),
    ),
    (
        "security_events",
        "id, user_id, kind, created_at",
        "$id, $user, 'logged_in', $old",
        |storage| {
            let instant = now().saturating_sub(std::time::Duration::from_hours(1));
            SecurityEvents::delete_before(&storage.database, instant)
        },
    ),
    (
        "guesses",
        "subject, level, updated_at",
        "$bytes, 1, $old",
        |storage| AttemptStore::delete_forgotten(&storage.database, now()),
    ),
];

#[rstest]
fn cleanup_deletes_all_rows_in_bounded_statements(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[values(0, 1, 2, 3, 4, 5)] table: usize,
) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let (table, columns, values, delete) = TABLES[table];
    let _user = storage.user("ada@example.com");
    let (id, bytes, old) = match kind {
        Sqlite => ("randomblob(16)", "randomblob(32)", "0"),
        Postgres => (
            "gen_random_uuid()",
            "sha256(CAST(CAST(number AS text) AS bytea))",
            "timestamp '1970-01-01'",
        ),
    };
    let values = values
        .replace("$id", id)
        .replace("$bytes", bytes)
        .replace("$old", old)
        .replace("$user", "users.id");
    storage.behind.execute(&format!(
        "WITH RECURSIVE numbers (number) AS \
         (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {ROWS}) \
         INSERT INTO {table} ({columns}) SELECT {values} FROM numbers, users"
    ));
    if kind == Postgres {
        storage.behind.execute(&format!(
            "CREATE FUNCTION refuse_many() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF (SELECT count(*) FROM gone) > 200 THEN RAISE 'too many rows at once'; END IF; RETURN NULL; \
             END $$; \
             CREATE TRIGGER refuse_many AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone \
             FOR EACH STATEMENT EXECUTE FUNCTION refuse_many()"
        ));
    }
    assert_eq!(delete(&storage).unwrap(), ROWS);
    assert_eq!(delete(&storage).unwrap(), 0);
}
