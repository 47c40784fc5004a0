//! What is done about a PostgreSQL that is slow, read-only, or does not answer.

use std::{
    sync::mpsc::channel,
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use diesel::{
    QueryResult, RunQueryDsl, connection::SimpleConnection, dsl::sql, select, sql_types::Text,
};
use rstest::rstest;
use todo_domain::ports::{ProbeError, StorageError, StorageProbe};
use todo_testkit::{Kind::Postgres, TestDatabase};

use super::{AnyConnection, ConnectionError, Database, DatabaseKind, PoolSettings};

const DEADLINE: Duration = Duration::from_millis(300);

/// How long a test waits for something that happens soon.
const PATIENCE: Duration = Duration::from_secs(30);

fn settings() -> PoolSettings {
    PoolSettings {
        max_connections: 2,
        connection_timeout: Duration::from_secs(10),
        ..PoolSettings::for_kind(DatabaseKind::Postgres)
    }
}

/// What a server has, with a short deadline.
fn serving() -> PoolSettings {
    PoolSettings {
        statement_deadline: Some(DEADLINE),
        ..settings()
    }
}

fn connect(behind: &TestDatabase, settings: &PoolSettings) -> Database {
    Database::new(behind.url().parse().unwrap(), settings)
}

fn set_on_database(behind: &TestDatabase, setting: &str) {
    behind.execute(&format!(
        "SET TRANSACTION READ WRITE; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I {setting}', current_database()); END $$"
    ));
}

fn setting(connection: &mut AnyConnection, name: &str) -> QueryResult<String> {
    select(sql::<Text>(&format!("current_setting('{name}')"))).get_result(connection)
}

fn settings_seen(connection: &mut AnyConnection) -> QueryResult<[String; 3]> {
    Ok([
        setting(connection, "statement_timeout")?,
        setting(connection, "lock_timeout")?,
        setting(connection, "idle_in_transaction_session_timeout")?,
    ])
}

fn is_unavailable<T>(result: Result<T, ConnectionError>) -> bool {
    matches!(
        result.map_err(StorageError::from),
        Err(StorageError::Unavailable(_))
    )
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it does not happen");
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn only_connections_of_a_server_have_timeouts() {
    let Some(behind) = TestDatabase::new(Postgres) else {
        return;
    };
    set_on_database(&behind, "SET statement_timeout = ''7s''");
    let seen = |settings: &PoolSettings| connect(&behind, settings).read(settings_seen).unwrap();
    assert_eq!(seen(&serving()), ["300ms", "200ms", "300ms"]);
    assert_eq!(seen(&settings()), ["0", "0", "0"]);
}

#[test]
fn behind_a_pooler_no_session_timeouts_are_set() {
    let Some(behind) = TestDatabase::new(Postgres) else {
        return;
    };
    set_on_database(&behind, "SET statement_timeout = ''7s''");
    let pooled = |settings: PoolSettings| {
        let settings = PoolSettings {
            behind_pooler: true,
            ..settings
        };
        connect(&behind, &settings)
    };
    assert_eq!(pooled(serving()).read(settings_seen).unwrap()[0], "7s");
    let command_line = pooled(settings());
    let of_transaction = command_line.unrepeated_transaction(settings_seen);
    assert_eq!(of_transaction.unwrap()[0], "0");
    assert_eq!(command_line.snapshot(settings_seen).unwrap()[0], "0");
    assert_eq!(command_line.read(settings_seen).unwrap()[0], "7s");
}

#[test]
fn a_statement_past_its_deadline_is_cancelled_without_effect() {
    let Some(behind) = TestDatabase::new(Postgres) else {
        return;
    };
    behind.execute("CREATE TABLE numbers (number int)");
    let database = connect(&behind, &serving());
    let slow = |connection: &mut AnyConnection| {
        connection.batch_execute("INSERT INTO numbers SELECT 1 FROM pg_sleep(60)")
    };
    assert!(is_unavailable(database.write(slow)));
    assert!(is_unavailable(database.transaction(slow)));
    assert!(is_unavailable(database.read(|connection| {
        connection.batch_execute("SELECT pg_sleep(60)")
    })));
    assert_eq!(database.pool_statistics().statements_cancelled, 3);
    assert_eq!(database.pool_statistics().lost, 0);

    let holder = connect(&behind, &settings());
    let waited = holder.transaction(|connection| {
        connection.batch_execute("LOCK TABLE numbers")?;
        Ok(is_unavailable(database.write(|connection| {
            connection.batch_execute("INSERT INTO numbers VALUES (2)")
        })))
    });
    assert!(waited.unwrap());
    assert_eq!(
        behind.values("SELECT count(*)::text AS value FROM numbers"),
        [Some("0".to_owned())]
    );
}

#[test]
fn connections_to_a_read_only_database_are_closed() {
    let Some(behind) = TestDatabase::new(Postgres) else {
        return;
    };
    let database = connect(&behind, &serving());
    database.migrate().unwrap();
    database.check().unwrap();
    let write =
        || database.write(|connection| connection.batch_execute("UPDATE users SET name = name"));
    write().unwrap();

    // As after a change of roles: the same server, and whoever connects now cannot write.
    set_on_database(&behind, "SET default_transaction_read_only = on");
    behind.terminate_connections();
    let probed = database.check();
    assert!(
        matches!(
            probed,
            Err(ProbeError::Storage(StorageError::Unavailable(_)))
        ),
        "{probed:?}"
    );
    assert!(is_unavailable(write()));
    assert!(is_unavailable(database.transaction(|connection| {
        connection.batch_execute("UPDATE users SET name = name")
    })));

    set_on_database(&behind, "RESET default_transaction_read_only");
    wait_until(|| write().is_ok());
    database.check().unwrap();
}

#[rstest]
fn a_conflicting_change_is_repeated(#[values("repeatable read", "serializable")] isolation: &str) {
    let Some(behind) = TestDatabase::new(Postgres) else {
        return;
    };
    behind.execute("CREATE TABLE numbers (number int); INSERT INTO numbers VALUES (0)");
    set_on_database(
        &behind,
        &format!("SET default_transaction_isolation = ''{isolation}''"),
    );
    let (clients, rounds) = (8, 20);
    let database = connect(
        &behind,
        &PoolSettings {
            max_connections: clients,
            statement_deadline: Some(PATIENCE),
            ..settings()
        },
    );
    scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                for _ in 0..rounds {
                    database
                        .write(|connection| {
                            // What is seen is from before the pause, and another one's change is in it.
                            connection.batch_execute(
                                "SELECT pg_sleep(0.002); UPDATE numbers SET number = number + 1",
                            )
                        })
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(
        behind.values("SELECT number::text AS value FROM numbers"),
        [Some((clients * rounds).to_string())]
    );
    assert!(database.pool_statistics().conflicts_repeated > 0);
}

#[test]
fn both_transactions_of_a_deadlock_are_committed() {
    let Some(behind) = TestDatabase::new(Postgres) else {
        return;
    };
    behind.execute(
        "CREATE TABLE numbers (id int, number int); INSERT INTO numbers VALUES (1, 0), (2, 0)",
    );
    let database = connect(&behind, &settings());
    let (is_locked, others) = (
        std::sync::Barrier::new(2),
        std::sync::atomic::AtomicU32::new(0),
    );
    let both = |first: u32, second: u32| {
        database.transaction(|connection| {
            let add = |id| format!("UPDATE numbers SET number = number + 1 WHERE id = {id}");
            connection.batch_execute(&add(first))?;
            // Each holds its first row when it wants its second; the repetition waits for nobody.
            if others.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 {
                is_locked.wait();
            }
            connection.batch_execute(&add(second))
        })
    };
    scope(|scope| {
        let other = scope.spawn(|| both(2, 1));
        both(1, 2).unwrap();
        other.join().unwrap().unwrap();
    });
    assert_eq!(
        behind.values("SELECT sum(number)::text AS value FROM numbers"),
        [Some("4".to_owned())]
    );
    // On a busy machine, the server may find both in the deadlock at the same time.
    let repeated = database.pool_statistics().conflicts_repeated;
    assert!((1..=2).contains(&repeated), "{repeated}");
}

#[test]
fn the_watchdog_cancels_running_statements() {
    let Some(behind) = TestDatabase::new(Postgres) else {
        return;
    };
    let database = connect(&behind, &serving());
    database.watch().unwrap();
    let begun = Instant::now();
    let ended = database.write(|connection| {
        connection.batch_execute("SET statement_timeout = 0; SELECT pg_sleep(600)")
    });
    assert!(is_unavailable(ended));
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(database.pool_statistics().abandoned, 0);
}

#[test]
fn an_unresponsive_connection_is_abandoned_and_replaced() {
    let Some(behind) = TestDatabase::new(Postgres) else {
        return;
    };
    let settings = PoolSettings {
        max_connections: 1,
        ..serving()
    };
    let database = connect(&behind, &settings);
    database.watch().unwrap();
    let (thaw, frozen) = channel::<()>();
    scope(|scope| {
        let database = &database;
        // A thread that hangs, as in libpq when the server is frozen.
        let hanging = scope.spawn(move || {
            database.unrepeated_transaction(|_| {
                frozen.recv().unwrap_err();
                Ok(())
            })
        });
        wait_until(|| database.pool_statistics().abandoned_now == 1);
        database
            .write(|connection| connection.batch_execute("SELECT 1"))
            .unwrap();
        drop(thaw);
        assert!(
            is_unavailable(hanging.join().unwrap()),
            "it is not committed"
        );
    });
    wait_until(|| database.pool_statistics().abandoned_now == 0);
    assert_eq!(database.pool_statistics().abandoned, 1);
}

#[test]
fn the_number_of_abandoned_connections_is_limited() {
    let Some(behind) = TestDatabase::new(Postgres) else {
        return;
    };
    let settings = PoolSettings {
        max_connections: 1,
        connection_timeout: Duration::from_secs(1),
        ..serving()
    };
    let database = connect(&behind, &settings);
    database.watch().unwrap();
    let max = database.pool_statistics().max_abandoned;
    let (thaw, frozen) = channel::<()>();
    let frozen = std::sync::Mutex::new(frozen);
    scope(|scope| {
        let hang = |connections: usize| {
            let (database, frozen) = (&database, &frozen);
            scope.spawn(move || {
                drop(database.read(|_| {
                    // The first one waits for the signal, the others for it.
                    frozen.lock().unwrap().recv().unwrap_err();
                    Ok(())
                }));
            });
            wait_until(|| database.pool_statistics().abandoned_now == connections);
        };
        (1..=max).for_each(hang);
        let (database, frozen) = (&database, &frozen);
        scope.spawn(move || {
            drop(database.read(|_| {
                frozen.lock().unwrap().recv().unwrap_err();
                Ok(())
            }));
        });
        wait_until(|| database.pool_statistics().idle == 0);
        sleep(DEADLINE * 2 + Duration::from_secs(2));
        assert_eq!(database.pool_statistics().abandoned_now, max);
        assert!(is_unavailable(database.read(|_| Ok(()))));
        drop(thaw);
    });
    database.read(|_| Ok(())).unwrap();
}
