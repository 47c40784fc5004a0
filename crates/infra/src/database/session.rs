//! Timeouts of a session with PostgreSQL, set when its connection is opened.

use std::time::Duration;

use diesel::{
    PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Integer, Text},
};

use super::uses::Backend;

/// The timeouts of a session with PostgreSQL; zero disables a timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimeouts {
    /// `statement_timeout`: how long a statement runs.
    pub statement: Duration,
    /// `lock_timeout`: how long a statement waits for a lock.
    pub lock: Duration,
    /// `idle_in_transaction_session_timeout`: how long a transaction waits for the next statement.
    pub idle_in_transaction: Duration,
}

#[derive(QueryableByName)]
struct Opened {
    #[diesel(sql_type = Integer)]
    pid: i32,
    #[diesel(sql_type = Text)]
    started: String,
}

impl SessionTimeouts {
    /// The timeouts for a deadline of statements; without one, all are disabled, whatever the role has.
    ///
    /// The lock timeout is two thirds of the deadline, so that the error names the lock as the cause.
    #[must_use]
    pub fn of(deadline: Option<Duration>) -> Self {
        let statement = deadline.unwrap_or_default();
        Self {
            statement,
            lock: statement * 2 / 3,
            idle_in_transaction: statement,
        }
    }

    /// The names of the settings, and their values in milliseconds.
    #[must_use]
    pub fn settings(&self) -> [(&'static str, u64); 3] {
        let milliseconds =
            |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        [
            ("statement_timeout", milliseconds(self.statement)),
            ("lock_timeout", milliseconds(self.lock)),
            (
                "idle_in_transaction_session_timeout",
                milliseconds(self.idle_in_transaction),
            ),
        ]
    }

    /// Sets the timeouts of a session, and returns the backend process that serves it.
    pub(super) fn set_on(&self, connection: &mut PgConnection) -> QueryResult<Backend> {
        let set: Vec<_> = self
            .settings()
            .iter()
            .map(|(name, value)| format!("set_config('{name}', '{value}', false)"))
            .collect();
        let sql = format!(
            "SELECT pid, backend_start::text AS started, {} FROM pg_stat_activity WHERE pid = pg_backend_pid()",
            set.join(", ")
        );
        let Opened { pid, started } = sql_query(sql).get_result(connection)?;
        Ok(Backend { pid, started })
    }
}
