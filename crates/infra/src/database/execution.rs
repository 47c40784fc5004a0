//! Execution of statements and transactions on pooled connections: liveness checks, repetition after conflicts, and the
//! meaning of errors.

use std::{
    ops::{Deref, DerefMut},
    time::{Duration, Instant},
};

use diesel::{QueryResult, connection::SimpleConnection, result::Error};
use r2d2::PooledConnection;

use super::{
    AnyConnection, ConnectionError, Database, DatabaseKind,
    error::{is_cancelled, is_read_only},
    group_commit::GroupCommit,
    manager::{ManagedConnection, Manager},
    retry::Repetitions,
    spans,
};

/// A connection that has answered within this time is not pinged before a change is sent on it.
const FRESH: Duration = Duration::from_secs(1);

impl Database {
    /// Runs read-only statements, and repeats them on another connection if theirs was lost.
    ///
    /// So the first read of a request detects dead connections, without a ping.
    pub(crate) fn read<T>(
        &self,
        work: impl Fn(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let _span = spans::of_use("read").entered();
        self.repeated(|_| self.read_once(&work))
    }

    fn read_once<T>(
        &self,
        work: impl Fn(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let mut attempts_left = self.settings().all_connections();
        loop {
            let mut connection = self.connection()?;
            match work(&mut connection.connection) {
                Ok(value) => {
                    connection.answered();
                    return Ok(value);
                }
                Err(error) if is_answer(&error) || self.still_answers(&mut connection) => {
                    return Err(self.failed(error, &mut connection));
                }
                Err(error) if attempts_left == 0 => {
                    return Err(ConnectionError::Unavailable(error.into()));
                }
                Err(_) => {
                    attempts_left -= 1;
                    self.counters().read_repeated();
                }
            }
        }
    }

    /// Runs one statement that changes something. It is sent once, unless PostgreSQL reports a conflict: then nothing was
    /// changed, and it is repeated as a transaction, which waits for others.
    ///
    /// SQLite reports only at the end of a statement whether its change is committed, and diesel stops reading once it has
    /// the row of `RETURNING`. So on SQLite the statement is a transaction, whose commit reports errors.
    pub(crate) fn write<T>(
        &self,
        mut work: impl FnMut(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let _span = spans::of_use("write").entered();
        if let Some(group_commit) = self.group_commit() {
            return self.commit_in_group(group_commit, work);
        }
        self.repeated(|is_first| {
            if is_first {
                self.write_once(&mut work)
            } else {
                self.transaction_once(&mut work)
            }
        })
    }

    fn write_once<T>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let mut connection = self.answering_connection()?;
        match work(&mut connection.connection) {
            Ok(value) => {
                connection.answered();
                Ok(value)
            }
            Err(error) if is_answer(&error) || self.still_answers(&mut connection) => {
                Err(self.failed(error, &mut connection))
            }
            Err(error) => Err(self.outcome_unknown(error)),
        }
    }

    /// Runs several statements that change something, atomically. They are repeated if PostgreSQL reports a conflict.
    pub(crate) fn transaction<T>(
        &self,
        mut work: impl FnMut(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let _span = spans::of_use("transaction").entered();
        if let Some(group_commit) = self.group_commit() {
            return self.commit_in_group(group_commit, work);
        }
        self.repeated(|_| self.transaction_once(&mut work))
    }

    /// As [`transaction`](Self::transaction), for work that cannot be repeated.
    pub(crate) fn unrepeated_transaction<T>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let _span = spans::of_use("transaction").entered();
        match self.group_commit() {
            Some(group_commit) => self.commit_in_group(group_commit, work),
            None => self.transaction_once(work),
        }
    }

    fn transaction_once<T>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let mut connection = self.answering_connection()?;
        let done = connection
            .connection
            .begin_write()
            .and_then(|()| self.lift_role_timeouts(&mut connection))
            .and_then(|()| work(&mut connection.connection));
        match done {
            Ok(_) if connection.slot().is_abandoned() => {
                drop(connection.connection.rollback());
                let error = "the connection was abandoned before the commit";
                Err(ConnectionError::Unavailable(error.into()))
            }
            Ok(value) => match connection.connection.commit() {
                Ok(()) => {
                    connection.answered();
                    Ok(value)
                }
                Err(error) if self.still_answers(&mut connection) => {
                    Err(self.failed(error, &mut connection))
                }
                Err(error) => Err(self.outcome_unknown(error)),
            },
            Err(error) => {
                // A transaction without a commit has no effect, whether or not the ROLLBACK succeeds.
                let rolled_back = connection.connection.rollback().is_ok();
                if (rolled_back && is_answer(&error)) || self.still_answers(&mut connection) {
                    Err(self.failed(error, &mut connection))
                } else {
                    Err(ConnectionError::Unavailable(error.into()))
                }
            }
        }
    }

    /// Repeats an attempt that conflicts, up to three times and within the deadline of a statement. The argument of
    /// `attempt` is whether it is the first.
    fn repeated<T>(
        &self,
        mut attempt: impl FnMut(bool) -> Result<T, ConnectionError>,
    ) -> Result<T, ConnectionError> {
        let deadline = self
            .statement_deadline()
            .map(|deadline| Instant::now() + deadline);
        let mut repetitions = Repetitions::new();
        let mut is_first = true;
        loop {
            let done = attempt(is_first);
            let Err(error) = &done else {
                return done;
            };
            let time_left =
                deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if !repetitions.pause_after(error, time_left) {
                return done;
            }
            self.counters().conflict_repeated();
            is_first = false;
        }
    }

    fn commit_in_group<T>(
        &self,
        group_commit: &GroupCommit,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let committed = group_commit.run(|| self.pooled_connection(), work);
        if let Err(ConnectionError::OutcomeUnknown(_)) = committed {
            self.counters().outcome_unknown();
        }
        committed
    }

    /// Runs read-only statements on a snapshot. They are not repeated.
    pub(crate) fn snapshot<T>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let _span = spans::of_use("snapshot").entered();
        let mut connection = self.answering_connection()?;
        let read = connection
            .connection
            .begin_snapshot()
            .and_then(|()| self.lift_role_timeouts(&mut connection))
            .and_then(|()| work(&mut connection.connection));
        let ended = connection.connection.rollback();
        match read.and_then(|value| ended.map(|()| value)) {
            Ok(value) => {
                connection.answered();
                Ok(value)
            }
            Err(error) if is_answer(&error) || self.still_answers(&mut connection) => {
                Err(self.failed(error, &mut connection))
            }
            Err(error) => Err(ConnectionError::Unavailable(error.into())),
        }
    }

    /// Disables the timeouts of the role for the transaction, if there is no deadline.
    fn lift_role_timeouts(&self, connection: &mut ManagedConnection) -> QueryResult<()> {
        if !self.settings().behind_pooler || self.settings().statement_deadline.is_some() {
            return Ok(());
        }
        connection.connection.batch_execute(
            "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; \
             SET LOCAL idle_in_transaction_session_timeout = 0",
        )
    }

    /// The meaning of the error of a statement that had no effect. If the database turned read-only, all connections are
    /// closed, so that the next one reaches the primary.
    fn failed(&self, error: Error, connection: &mut ManagedConnection) -> ConnectionError {
        if is_cancelled(&error) {
            self.counters().cancelled();
        }
        if is_read_only(&error) {
            connection.discard();
            self.turned_read_only(connection.generation());
        }
        error.into()
    }

    /// Closes all connections, since the database is read-only.
    pub(super) fn turned_read_only(&self, generation: u64) {
        self.counters().lost();
        self.generations().renew_soon(generation);
    }

    /// Pings a connection; without an answer, it is lost.
    fn still_answers(&self, connection: &mut ManagedConnection) -> bool {
        let answers = connection.ping();
        if !answers {
            self.counters().lost();
        }
        answers
    }

    fn outcome_unknown(&self, error: diesel::result::Error) -> ConnectionError {
        self.counters().outcome_unknown();
        ConnectionError::OutcomeUnknown(error.into())
    }

    /// A connection that may be dead.
    fn connection(&self) -> Result<InUse, ConnectionError> {
        self.pooled_connection().map(InUse::begin)
    }

    fn pooled_connection(&self) -> Result<PooledConnection<Manager>, ConnectionError> {
        self.generations()
            .pool()
            .get()
            .map_err(|error| ConnectionError::Unavailable(error.into()))
    }

    /// A connection that is alive, as of a moment ago.
    fn answering_connection(&self) -> Result<InUse, ConnectionError> {
        for _ in 0..=self.settings().all_connections() {
            let mut connection = self.connection()?;
            if self.url().kind() == DatabaseKind::Sqlite
                || (connection.answered_within(FRESH) && !connection.is_closed())
                || self.still_answers(&mut connection)
            {
                return Ok(connection);
            }
        }
        Err(ConnectionError::Unavailable(
            "every connection of the pool was lost".into(),
        ))
    }
}

/// A connection in use, whose time of use is watched.
struct InUse(PooledConnection<Manager>);

impl InUse {
    fn begin(connection: PooledConnection<Manager>) -> Self {
        connection.slot().begin();
        Self(connection)
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.slot().end();
    }
}

impl Deref for InUse {
    type Target = ManagedConnection;

    fn deref(&self) -> &ManagedConnection {
        &self.0
    }
}

impl DerefMut for InUse {
    fn deref_mut(&mut self) -> &mut ManagedConnection {
        &mut self.0
    }
}

/// Whether the error came from the database itself, so that the connection is alive.
fn is_answer(error: &diesel::result::Error) -> bool {
    use diesel::result::DatabaseErrorKind as Kind;
    match error {
        Error::NotFound => true,
        Error::DatabaseError(kind, _) => !matches!(
            kind,
            Kind::ClosedConnection | Kind::UnableToSendCommand | Kind::Unknown
        ),
        _ => false,
    }
}
