//! Group commit: concurrent changes to an SQLite file share a transaction.
//!
//! SQLite allows one writer at a time, and a commit waits for the disk. So a change that arrives while another runs does
//! not begin a transaction of its own: it joins the open one, and the last change in the queue commits it for all. No change
//! returns before that commit, and a change that fails is rolled back alone (by a savepoint).
//!
//! The queue is never longer than the number of threads that write, since each of them waits for the commit.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use diesel::{
    QueryResult,
    result::{DatabaseErrorKind, Error},
};
use r2d2::PooledConnection;

use super::{
    AnyConnection, ConnectionError,
    error::{is_disk_fault, message_of},
    manager::Manager,
};

type Connection = PooledConnection<Manager>;

/// The queue of changes to a file.
pub(super) struct GroupCommit {
    /// How long a change waits for its turn.
    queue_timeout: Duration,
    queue: Mutex<Queue>,
    turn_ended: Condvar,
}

#[derive(Default)]
struct Queue {
    /// Whether a thread has the writer turn.
    has_writer: bool,
    /// The number of threads that wait for the writer turn.
    waiting: usize,
    /// The open transaction, which the next change joins.
    open: Option<Group>,
}

impl fmt::Debug for GroupCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupCommit").finish_non_exhaustive()
    }
}

impl GroupCommit {
    /// An empty queue, in which a change waits for at most `queue_timeout`.
    pub(super) fn new(queue_timeout: Duration) -> Self {
        Self {
            queue_timeout,
            queue: Mutex::default(),
            turn_ended: Condvar::new(),
        }
    }

    /// Runs a change atomically, and returns when it is committed.
    ///
    /// `connect` is called when no transaction is open.
    pub(super) fn run<T>(
        &self,
        connect: impl FnOnce() -> Result<Connection, ConnectionError>,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let mut turn = self.take_turn()?;
        let mut group = match turn.open.take() {
            Some(group) => group,
            None => Group::begin(connect()?)?,
        };
        let outcome = Arc::clone(&group.outcome);
        let has_others = group.members > 0;
        let done = group.add(work);
        // What aborted the transaction for everyone is this error itself.
        let is_aborted = outcome.is_known();
        turn.end(group);
        match done {
            Err(error) if has_others && !is_aborted => {
                // It may be about a row that another member wrote, such as an address that is taken, and that is lost
                // if the commit fails. Nothing of this member is in it.
                outcome
                    .wait()
                    .map_err(|failed| ConnectionError::Unavailable(failed.into()))?;
                Err(error.into())
            }
            Err(error) => Err(error.into()),
            Ok(value) => {
                outcome.wait()?;
                Ok(value)
            }
        }
    }

    fn take_turn(&self) -> Result<WriterTurn<'_>, ConnectionError> {
        let mut queue = self.lock();
        queue.waiting += 1;
        let (mut queue, waited) = self
            .turn_ended
            .wait_timeout_while(queue, self.queue_timeout, |queue| queue.has_writer)
            .unwrap_or_else(PoisonError::into_inner);
        queue.waiting -= 1;
        if waited.timed_out() {
            let error = "timed out waiting for other changes to the file";
            return Err(ConnectionError::Unavailable(error.into()));
        }
        queue.has_writer = true;
        Ok(WriterTurn {
            group_commit: self,
            open: queue.open.take(),
            is_over: false,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The exclusive right to write. It passes to the next thread in the queue when it is dropped.
struct WriterTurn<'a> {
    group_commit: &'a GroupCommit,
    open: Option<Group>,
    is_over: bool,
}

impl WriterTurn<'_> {
    /// Leaves a transaction open for the next change, or finishes it if no thread waits or nothing can be added.
    fn end(mut self, group: Group) {
        let mut queue = self.group_commit.lock();
        if queue.waiting > 0 && group.can_continue() {
            // In one step: a waiting thread times out only while another has the turn.
            queue.has_writer = false;
            queue.open = Some(group);
            self.is_over = true;
            self.group_commit.turn_ended.notify_one();
        } else {
            drop(queue);
            group.finish();
        }
    }
}

impl Drop for WriterTurn<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.group_commit.lock().has_writer = false;
            self.group_commit.turn_ended.notify_one();
        }
    }
}

/// An open transaction and the number of changes in it.
struct Group {
    connection: Connection,
    members: usize,
    outcome: Arc<CommitOutcome>,
}

impl Group {
    fn begin(mut connection: Connection) -> QueryResult<Self> {
        connection.connection.begin_write()?;
        Ok(Self {
            connection,
            members: 0,
            outcome: Arc::default(),
        })
    }

    /// Runs `work` as a part of the transaction. If it fails, it is rolled back alone.
    fn add<T>(
        &mut self,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> QueryResult<T> {
        let is_first = self.members == 0;
        let connection = &mut self.connection.connection;
        // The first change needs no savepoint: there is nothing else to keep.
        if !is_first {
            connection.begin_savepoint()?;
        }
        let done = work(connection);
        match done {
            Ok(value) if is_first => {
                self.members += 1;
                Ok(value)
            }
            Ok(value) => {
                connection
                    .commit()
                    .inspect_err(|error| self.outcome.set(Err(Failure::Aborted(message(error)))))?;
                self.members += 1;
                Ok(value)
            }
            Err(error) => {
                if !is_first && connection.rollback().is_err() {
                    // SQLite has rolled back the transaction as a whole.
                    self.outcome.set(Err(Failure::Aborted(message(&error))));
                }
                Err(error)
            }
        }
    }

    /// Whether another change can be added.
    fn can_continue(&self) -> bool {
        self.members > 0 && !self.outcome.is_known()
    }

    /// Commits the transaction, and wakes all members.
    fn finish(mut self) {
        if !self.can_continue() {
            // If the rollback fails, the pool closes the connection, which has the same effect.
            drop(self.connection.connection.rollback());
            return;
        }
        let connection = &mut self.connection.connection;
        let outcome = connection
            .commit()
            .map_err(|error| Failure::from_commit(&error));
        if outcome.is_ok() {
            self.connection.answered();
        }
        self.outcome.set(outcome);
    }
}

impl Drop for Group {
    /// No member waits forever, whatever happens to the thread that was to commit.
    fn drop(&mut self) {
        let message = "another change in the shared transaction was aborted".to_owned();
        self.outcome.set(Err(Failure::Aborted(message)));
    }
}

/// The result of the commit of a group, once it is known.
#[derive(Default)]
struct CommitOutcome {
    result: Mutex<Option<Result<(), Failure>>>,
    known: Condvar,
}

impl CommitOutcome {
    /// Sets the result if there is none yet, and wakes all members.
    fn set(&self, result: Result<(), Failure>) {
        self.lock().get_or_insert(result);
        self.known.notify_all();
    }

    fn is_known(&self) -> bool {
        self.lock().is_some()
    }

    /// Waits for the result. It is always set: by the thread that commits or aborts the transaction.
    fn wait(&self) -> Result<(), ConnectionError> {
        let result = self
            .known
            .wait_while(self.lock(), |result| result.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        match &*result {
            Some(Err(failure)) => Err(failure.to_error()),
            Some(Ok(())) | None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Result<(), Failure>>> {
        self.result.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a group failed, for each member, with the message of the database.
#[derive(Debug)]
enum Failure {
    /// The commit failed, and nothing is stored.
    NotCommitted(String),
    /// The disk failed during the commit.
    OutcomeUnknown(String),
    /// The transaction was aborted before, because of another member.
    Aborted(String),
}

impl Failure {
    fn from_commit(error: &Error) -> Self {
        if is_disk_fault(error) {
            Self::OutcomeUnknown(message(error))
        } else {
            Self::NotCommitted(message(error))
        }
    }

    fn to_error(&self) -> ConnectionError {
        let error = |message: &String| {
            Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.clone()))
        };
        match self {
            Self::NotCommitted(message) => ConnectionError::Statement(error(message)),
            Self::OutcomeUnknown(message) => ConnectionError::OutcomeUnknown(error(message).into()),
            Self::Aborted(message) => ConnectionError::Unavailable(error(message).into()),
        }
    }
}

fn message(error: &Error) -> String {
    message_of(error).map_or_else(|| error.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests;
