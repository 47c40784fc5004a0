//! The locks of a migration: one that only one instance holds, and those on tables, which are held for a moment.

use std::{thread, time::Duration};

use diesel::{
    Connection, PgConnection, QueryResult, QueryableByName, RunQueryDsl,
    connection::SimpleConnection, result::Error, sql_query, sql_types::Bool,
};

use super::super::{Listener, Progress};

/// Held while PostgreSQL is migrated, so that instances that start together wait for one another. ("todo" in ASCII)
const TURN: i64 = 0x746f_646f;

/// How often it is asked whether the turn is free.
const TURN_INTERVAL: Duration = Duration::from_millis(100);

/// For how long a lock on a table is waited for. Whoever wants to write to the table waits behind us for as long.
const LOCK_TIMEOUT_MILLISECONDS: u32 = 300;

/// How many times a lock on a table is tried for: about five minutes.
const ATTEMPTS: u32 = 150;

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What the server is made to say when it cannot give the lock. (Its own message depends on its language.)
const NOT_FREE: &str = "todo: the table is not free";

/// Why a step did not succeed.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    /// The database refused the statement, or it failed.
    #[error(transparent)]
    Statement(#[from] Error),
    /// Others were at work on a table all the time.
    #[error("the table `{table}` was in use by long transactions for minutes on end")]
    InUse { table: &'static str },
    /// Rows were held by others all the time.
    #[error("some rows of the table `{table}` were locked by others for minutes on end")]
    RowsInUse { table: &'static str },
}

/// A lock on a table, as a step needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableLock {
    pub(super) table: &'static str,
    /// As PostgreSQL names it.
    pub(super) mode: &'static str,
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

/// Waits until no other instance migrates. The turn is over when the connection is closed.
///
/// It asks again and again, and does not wait inside a statement: an index that another instance builds concurrently
/// waits for every statement that began before it, so the two would wait for each other.
pub(super) fn wait_for_turn(
    connection: &mut PgConnection,
    listener: Listener<'_>,
) -> QueryResult<()> {
    let mut told = false;
    loop {
        let sql = format!("SELECT pg_try_advisory_lock({TURN}) AS taken");
        let turn: Taken = sql_query(sql).get_result(connection)?;
        if turn.taken {
            return Ok(());
        }
        if !told {
            listener(Progress::AnotherMigrates);
            told = true;
        }
        thread::sleep(TURN_INTERVAL);
    }
}

/// Runs `sql` in a transaction that holds `lock`, and tries again while the lock cannot be had quickly.
pub(super) fn with_table_locked(
    connection: &mut PgConnection,
    lock: TableLock,
    sql: &str,
    listener: Listener<'_>,
) -> Result<(), StepError> {
    let TableLock { table, mode } = lock;
    let take_lock = format!(
        "SET LOCAL lock_timeout = {LOCK_TIMEOUT_MILLISECONDS}; \
         DO $$ BEGIN LOCK TABLE {table} IN {mode} MODE; \
         EXCEPTION WHEN lock_not_available OR deadlock_detected THEN RAISE EXCEPTION '{NOT_FREE}'; END $$"
    );
    for attempt in 1..=ATTEMPTS {
        let done = connection.transaction(|connection| {
            connection.batch_execute(&take_lock)?;
            connection.batch_execute(sql)
        });
        match done {
            Err(error) if is_not_free(&error) => {
                listener(Progress::TableInUse { table });
                thread::sleep(pause(attempt));
            }
            other => return Ok(other?),
        }
    }
    Err(StepError::InUse { table })
}

/// How long to wait after so many tries: longer each time, up to a bound.
pub(super) fn pause(attempt: u32) -> Duration {
    (Duration::from_millis(100) * attempt).min(LONGEST_PAUSE)
}

fn is_not_free(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, information) if information.message() == NOT_FREE)
}
