use diesel::{QueryableByName, sql_query, sql_types::BigInt};
use rstest::rstest;
use tempfile::TempDir;
use todo_domain::ports::StorageError;

use super::*;
use crate::{
    PoolSettings,
    database::{AnyConnection, Database},
};

#[rstest]
#[case("3.51.3", true)]
#[case("3.51.10", true)]
#[case("3.52.0", true)]
#[case("4.0.0", true)]
#[case("3.51.3.1", true)]
#[case("3.51.2", false)]
#[case("3.51.2.9", false)]
#[case("3.50.4", false)]
#[case("3.9.9", false)]
#[case("2.99.99", false)]
fn a_version_that_loses_writes_is_refused(#[case] version: &str, #[case] good: bool) {
    let version: SqliteVersion = version.parse().unwrap();
    match version.refuse_older() {
        Ok(()) => assert!(good, "{version}"),
        Err(error) => {
            assert!(!good, "{version}");
            assert!(error.to_string().contains(&version.to_string()), "{error}");
        }
    }
}

#[rstest]
#[case("")]
#[case("3.51")]
#[case("3.51.x")]
#[case("three")]
fn a_version_that_cannot_be_read_is_refused(#[case] version: &str) {
    let error = version.parse::<SqliteVersion>().unwrap_err();
    assert!(matches!(error, ConnectError::UnknownSqlite { .. }));
}

#[test]
fn the_built_in_version_is_accepted() {
    assert!(SqliteVersion::linked().unwrap() >= SqliteVersion::OLDEST);
}

#[derive(QueryableByName)]
struct CompileOption {
    #[diesel(sql_type = Text)]
    compile_options: String,
}

#[test]
fn the_built_in_library_is_thread_safe_and_caches_statements() {
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    let options: Vec<CompileOption> =
        sql_query("SELECT compile_options FROM pragma_compile_options")
            .load(&mut connection)
            .unwrap();
    let has = |wanted| options.iter().any(|one| one.compile_options == wanted);
    for wanted in ["ENABLE_QPSG", "THREADSAFE=2", "DEFAULT_MEMSTATUS=0"] {
        assert!(has(wanted), "{wanted}: see .cargo/config.toml");
    }
    assert!(!has("ENABLE_MEMORY_MANAGEMENT"));
}

#[derive(QueryableByName)]
struct Pragmas {
    #[diesel(sql_type = Text)]
    journal_mode: String,
    #[diesel(sql_type = BigInt)]
    synchronous: i64,
    #[diesel(sql_type = BigInt)]
    timeout: i64,
    #[diesel(sql_type = BigInt)]
    foreign_keys: i64,
}

fn database(folder: &TempDir, max_connections: u32) -> Database {
    let url = format!("sqlite://{}", folder.path().join("todo.db").display());
    let url: crate::DatabaseUrl = url.parse().unwrap();
    let settings = PoolSettings {
        max_connections,
        ..PoolSettings::for_kind(url.kind())
    };
    Database::new(url, &settings)
}

#[test]
fn every_connection_of_the_pool_syncs_commits() {
    let folder = TempDir::new().unwrap();
    let database = database(&folder, 2);
    let look = || {
        database.read(|connection| {
            let sql = "SELECT journal_mode, synchronous, timeout, foreign_keys \
                 FROM pragma_journal_mode, pragma_synchronous, pragma_busy_timeout, pragma_foreign_keys";
            let pragmas: Pragmas = sql_query(sql).get_result(connection)?;
            Ok(pragmas)
        })
    };
    // Twice, since the second connection finds a file that is in that mode already.
    let nested = database.read(|_| Ok(look())).unwrap().unwrap();
    for pragmas in [look().unwrap(), nested] {
        assert_eq!(pragmas.journal_mode, "wal");
        assert_eq!(pragmas.synchronous, 2, "FULL");
        assert_eq!(pragmas.timeout, 5000);
        assert_eq!(pragmas.foreign_keys, 1);
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_database_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let database = database(&folder, 1);
    database.migrate().unwrap();
    database.read(|_| Ok(())).unwrap();
    for name in ["todo.db", "todo.db-wal", "todo.db-shm"] {
        let found = std::fs::metadata(folder.path().join(name)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn an_existing_file_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("todo.db");
    std::fs::write(&file, "").unwrap();
    let given = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(&file, given).unwrap();
    database(&folder, 1).migrate().unwrap();
    let found = std::fs::metadata(&file).unwrap();
    assert_eq!(found.permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_failed_commit_after_a_returned_row_is_an_error() {
    let folder = TempDir::new().unwrap();
    let database = database(&folder, 1);
    // A reference that is looked at when the change is to be kept.
    let tables = "CREATE TABLE owners (id INTEGER PRIMARY KEY);
         CREATE TABLE things (owner REFERENCES owners DEFERRABLE INITIALLY DEFERRED)";
    database
        .write(|connection| connection.batch_execute(tables))
        .unwrap();
    let insert = "INSERT INTO things VALUES (7) RETURNING owner AS count";
    let inserted = database.write(|connection| sql_query(insert).get_result::<Count>(connection));
    assert!(inserted.is_err());
    assert_eq!(count(&database), 0);
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    #[expect(dead_code, reason = "what it is does not matter")]
    count: i64,
}

/// Inserts a row of 64 KiB.
fn insert(connection: &mut AnyConnection) -> QueryResult<usize> {
    sql_query("INSERT INTO things VALUES (zeroblob(65536))").execute(connection)
}

fn count(database: &Database) -> i64 {
    let count = database.read(|connection| {
        select(sql::<BigInt>("(SELECT count(*) FROM things)")).get_result(connection)
    });
    count.unwrap()
}

/// Lets the file grow no further than this, as a full disk does.
fn limit_pages(database: &Database, pages: u32) {
    let sql = format!("PRAGMA max_page_count = {pages}");
    database
        .read(|connection| connection.batch_execute(&sql))
        .unwrap();
}

#[test]
fn a_full_file_is_readable_and_is_writable_again_later() {
    let folder = TempDir::new().unwrap();
    // One connection, since each has a limit of its own.
    let database = database(&folder, 1);
    database
        .write(|connection| connection.batch_execute("CREATE TABLE things (bytes BLOB)"))
        .unwrap();
    database.write(insert).unwrap();
    limit_pages(&database, 1);

    for _ in 0..2 {
        let alone = StorageError::from(database.write(insert).unwrap_err());
        assert!(matches!(alone, StorageError::Full(_)), "{alone:?}");
        let together = StorageError::from(database.transaction(insert).unwrap_err());
        assert!(matches!(together, StorageError::Full(_)), "{together:?}");
        assert_eq!(count(&database), 1);
    }

    limit_pages(&database, 1_000_000);
    database.write(insert).unwrap();
    database
        .transaction(|connection| insert(connection).and_then(|_| insert(connection)))
        .unwrap();
    assert_eq!(count(&database), 4);
}
