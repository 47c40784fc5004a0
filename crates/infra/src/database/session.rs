//! Timeouts of a session with PostgreSQL, set once when its connection is opened.

use std::time::Duration;

use diesel::{
    PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Integer, Text},
};

use super::watchdog::Backend;

/// How long PostgreSQL lets a session do what; zero for any time.
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
    /// What follows from the deadline of a statement; without one there are none, whatever the role has.
    ///
    /// A lock is waited for two thirds of that time, so that an answer says what it was that took so long.
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

    /// Sets them for a session, and says which process serves it.
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
