//! Changes to a file of SQLite that share a commit.
//!
//! SQLite lets one change at a time, and a commit waits for the disk. So whoever comes while another is at it does not
//! begin a transaction of their own: they are handed the open one, and the last in the row commits it for all. Nobody
//! has an answer before that, and what one of them does wrong is undone without the others' changes (by a savepoint).
//!
//! A row is never longer than there are threads that change something, since each of them waits for the commit.

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

/// Where those who change something stand in a row.
pub(super) struct GroupCommit {
    /// For how long one of them waits for those before.
    patience: Duration,
    row: Mutex<Row>,
    next: Condvar,
}

#[derive(Default)]
struct Row {
    /// Whether somebody is at it.
    is_taken: bool,
    /// How many wait for their turn.
    waiting: usize,
    /// The transaction that the next one goes on with.
    open: Option<Group>,
}

impl fmt::Debug for GroupCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupCommit").finish_non_exhaustive()
    }
}

impl GroupCommit {
    /// A row in which each waits for so long before it gives up.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            row: Mutex::default(),
            next: Condvar::new(),
        }
    }

    /// Makes a change, all of it or nothing, and comes back when it is on the disk.
    ///
    /// `connect` is asked where no transaction is open.
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
        let fate = Arc::clone(&group.fate);
        let saw_others = group.members > 0;
        let done = group.add(work);
        // What ended the transaction for everyone is this error itself.
        let is_given_up = fate.is_known();
        turn.end(group);
        match done {
            Err(error) if saw_others && !is_given_up => {
                // It may be about a row that another member wrote, such as an address that is taken, and that is not kept
                // where the commit fails. Nothing of this member is in it.
                fate.wait()
                    .map_err(|failed| ConnectionError::Unavailable(failed.into()))?;
                Err(error.into())
            }
            Err(error) => Err(error.into()),
            Ok(value) => {
                fate.wait()?;
                Ok(value)
            }
        }
    }

    fn take_turn(&self) -> Result<Turn<'_>, ConnectionError> {
        let mut row = self.row();
        row.waiting += 1;
        let (mut row, waited) = self
            .next
            .wait_timeout_while(row, self.patience, |row| row.is_taken)
            .unwrap_or_else(PoisonError::into_inner);
        row.waiting -= 1;
        if waited.timed_out() {
            let error = "others have been changing the file for too long";
            return Err(ConnectionError::Unavailable(error.into()));
        }
        row.is_taken = true;
        Ok(Turn {
            of: self,
            open: row.open.take(),
            is_over: false,
        })
    }

    fn row(&self) -> MutexGuard<'_, Row> {
        self.row.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to be at it; the next one has it when this goes.
struct Turn<'a> {
    of: &'a GroupCommit,
    open: Option<Group>,
    is_over: bool,
}

impl Turn<'_> {
    /// Leaves a transaction to the next one, or ends it where there is nobody, or nothing to be gone on with.
    fn end(mut self, group: Group) {
        let mut row = self.of.row();
        if row.waiting > 0 && group.can_go_on() {
            // In one step: whoever waits goes away without a turn only while another has it.
            row.is_taken = false;
            row.open = Some(group);
            self.is_over = true;
            self.of.next.notify_one();
        } else {
            drop(row);
            group.end();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.of.row().is_taken = false;
            self.of.next.notify_one();
        }
    }
}

/// An open transaction, and whoever takes part in it.
struct Group {
    connection: Connection,
    members: usize,
    fate: Arc<Fate>,
}

impl Group {
    fn begin(mut connection: Connection) -> QueryResult<Self> {
        connection.connection.begin_write()?;
        Ok(Self {
            connection,
            members: 0,
            fate: Arc::default(),
        })
    }

    /// Does `work` as a part of the transaction. What fails is undone without the rest.
    fn add<T>(
        &mut self,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> QueryResult<T> {
        let is_first = self.members == 0;
        let connection = &mut self.connection.connection;
        // There is nothing yet that the first one would have to be undone without.
        if !is_first {
            connection.begin_part()?;
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
                    .inspect_err(|lost| self.fate.is(Err(Failure::GivenUp(words(lost)))))?;
                self.members += 1;
                Ok(value)
            }
            Err(error) => {
                if !is_first && connection.rollback().is_err() {
                    // SQLite has given up the transaction as a whole.
                    self.fate.is(Err(Failure::GivenUp(words(&error))));
                }
                Err(error)
            }
        }
    }

    /// Whether there is something that another change can be added to.
    fn can_go_on(&self) -> bool {
        self.members > 0 && !self.fate.is_known()
    }

    /// Commits what was done, and tells everyone.
    fn end(mut self) {
        if !self.can_go_on() {
            // Where it cannot be rolled back in words, the pool closes the connection, which does the same.
            drop(self.connection.connection.rollback());
            return;
        }
        let connection = &mut self.connection.connection;
        let outcome = connection
            .commit()
            .map_err(|error| Failure::to_commit(&error));
        if outcome.is_ok() {
            self.connection.answered();
        }
        self.fate.is(outcome);
    }
}

impl Drop for Group {
    /// Nobody waits for ever, whatever happens to who was to commit.
    fn drop(&mut self) {
        let words = "a change that shared the transaction was broken off".to_owned();
        self.fate.is(Err(Failure::GivenUp(words)));
    }
}

/// What becomes of a transaction.
#[derive(Default)]
struct Fate {
    outcome: Mutex<Option<Result<(), Failure>>>,
    known: Condvar,
}

impl Fate {
    /// Tells everyone, if they were told nothing else before.
    fn is(&self, outcome: Result<(), Failure>) {
        self.outcome().get_or_insert(outcome);
        self.known.notify_all();
    }

    fn is_known(&self) -> bool {
        self.outcome().is_some()
    }

    /// Waits until it is told. Somebody always does: whoever commits the transaction, or gives it up.
    fn wait(&self) -> Result<(), ConnectionError> {
        let outcome = self
            .known
            .wait_while(self.outcome(), |outcome| outcome.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        match &*outcome {
            Some(Err(failure)) => Err(failure.to_error()),
            Some(Ok(())) | None => Ok(()),
        }
    }

    fn outcome(&self) -> MutexGuard<'_, Option<Result<(), Failure>>> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a transaction failed, for each of those who took part in it, in the words of the database.
#[derive(Debug)]
enum Failure {
    /// It could not be committed, and nothing is kept.
    NotCommitted(String),
    /// The disk did not do as it was told when it was to be committed.
    OutcomeUnknown(String),
    /// It was given up before, for what another did or could not do.
    GivenUp(String),
}

impl Failure {
    fn to_commit(error: &Error) -> Self {
        if is_disk_fault(error) {
            Self::OutcomeUnknown(words(error))
        } else {
            Self::NotCommitted(words(error))
        }
    }

    fn to_error(&self) -> ConnectionError {
        let error = |words: &String| {
            Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(words.clone()))
        };
        match self {
            Self::NotCommitted(words) => ConnectionError::Statement(error(words)),
            Self::OutcomeUnknown(words) => ConnectionError::OutcomeUnknown(error(words).into()),
            Self::GivenUp(words) => ConnectionError::Unavailable(error(words).into()),
        }
    }
}

fn words(error: &Error) -> String {
    message_of(error).map_or_else(|| error.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{Sender, channel},
        thread::{self, ScopedJoinHandle, scope, yield_now},
    };

    use diesel::{
        QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::BigInt,
    };
    use tempfile::TempDir;

    use super::*;
    use crate::{DatabaseUrl, PoolSettings, database::is_unique_violation};

    /// A file with a table of numbers, of which each is there once, and may need another by the end of a transaction.
    struct Numbers {
        commits: GroupCommit,
        pool: r2d2::Pool<Manager>,
        _folder: TempDir,
    }

    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }

    impl Numbers {
        fn new() -> Self {
            Self::with_patience(Duration::from_mins(1))
        }

        fn with_patience(patience: Duration) -> Self {
            let folder = TempDir::new().unwrap();
            let url = format!("sqlite://{}", folder.path().join("numbers.db").display());
            let url: DatabaseUrl = url.parse().unwrap();
            let settings = PoolSettings::for_kind(url.kind());
            let pool = r2d2::Pool::builder()
                .max_size(2)
                .build(Manager::new(url, &settings))
                .unwrap();
            let numbers = Self {
                commits: GroupCommit::new(patience),
                pool,
                _folder: folder,
            };
            let table = "CREATE TABLE numbers (number INTEGER PRIMARY KEY,
                 needs REFERENCES numbers DEFERRABLE INITIALLY DEFERRED)";
            numbers
                .change(|connection| connection.batch_execute(table))
                .unwrap();
            numbers
        }

        fn change<T>(
            &self,
            work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
        ) -> Result<T, ConnectionError> {
            let connect = || Ok(self.pool.get().unwrap());
            self.commits.run(connect, work)
        }

        fn insert(&self, number: i64) -> Result<(), ConnectionError> {
            self.change(|connection| insert(connection, number, None))
        }

        /// What is there, for whoever did not write it.
        fn all(&self) -> Vec<i64> {
            let mut connection = self.pool.get().unwrap();
            let all: Vec<Number> = sql_query("SELECT number FROM numbers ORDER BY number")
                .load(&mut connection.connection)
                .unwrap();
            all.into_iter().map(|number| number.number).collect()
        }

        fn wait_until_waiting(&self, count: usize) {
            while self.commits.row().waiting < count {
                yield_now();
            }
        }

        /// Inserts 1, and is at it until the sender is used or dropped.
        fn insert_first<'scope>(
            &'scope self,
            scope: &'scope thread::Scope<'scope, '_>,
            needs: Option<i64>,
        ) -> (
            Sender<()>,
            ScopedJoinHandle<'scope, Result<(), ConnectionError>>,
        ) {
            let (release, released) = channel();
            let (tell, told) = channel();
            let first = scope.spawn(move || {
                self.change(|connection| {
                    insert(connection, 1, needs)?;
                    tell.send(()).unwrap();
                    let _ = released.recv();
                    Ok(())
                })
            });
            told.recv().unwrap();
            (release, first)
        }
    }

    fn insert(connection: &mut AnyConnection, number: i64, needs: Option<i64>) -> QueryResult<()> {
        let needs = needs.map_or("NULL".to_owned(), |number| number.to_string());
        connection.batch_execute(&format!("INSERT INTO numbers VALUES ({number}, {needs})"))
    }

    #[test]
    fn an_error_about_what_another_wrote_waits_for_the_commit() {
        for fails in [false, true] {
            let numbers = Numbers::new();
            let (first, second) = scope(|scope| {
                // A number that is not there by the end fails the commit.
                let needs = fails.then_some(99);
                let (release, first) = numbers.insert_first(scope, needs);
                let second = scope.spawn(|| numbers.insert(1));
                numbers.wait_until_waiting(1);
                drop(release);
                (first.join().unwrap(), second.join().unwrap())
            });
            let second = second.unwrap_err();
            if fails {
                assert!(first.is_err());
                assert!(numbers.all().is_empty());
                assert!(
                    matches!(second, ConnectionError::Unavailable(_)),
                    "{second:?}"
                );
            } else {
                first.unwrap();
                assert!(is_unique_violation(&second, "", "numbers.number"));
            }
        }
    }

    #[test]
    fn those_who_wait_go_on_with_the_transaction_and_none_is_done_before_all_are() {
        let numbers = Numbers::new();
        scope(|scope| {
            let (release, first) = numbers.insert_first(scope, None);
            let numbers = &numbers;
            let second = scope.spawn(move || {
                let changed = numbers.change(|connection| {
                    insert(connection, 2, None)?;
                    // The first one is not told yet, nor does anybody see what it did.
                    assert!(!first.is_finished());
                    assert!(numbers.all().is_empty());
                    let here: Vec<Number> =
                        sql_query("SELECT number FROM numbers").load(connection)?;
                    assert_eq!(here.len(), 2);
                    Ok(())
                });
                (changed, first)
            });
            numbers.wait_until_waiting(1);
            release.send(()).unwrap();
            let (second, first) = second.join().unwrap();
            second.unwrap();
            assert_eq!(numbers.all(), [1, 2]);
            first.join().unwrap().unwrap();
        });
    }

    #[test]
    fn what_one_does_wrong_is_undone_without_the_others() {
        let numbers = Numbers::new();
        numbers.insert(3).unwrap();
        scope(|scope| {
            let (release, first) = numbers.insert_first(scope, None);
            let wrong = scope.spawn(|| {
                numbers.change(|connection| {
                    insert(connection, 2, None)?;
                    insert(connection, 3, None)
                })
            });
            numbers.wait_until_waiting(1);
            let last = scope.spawn(|| numbers.insert(4));
            numbers.wait_until_waiting(2);
            release.send(()).unwrap();
            let error = wrong.join().unwrap().unwrap_err();
            let ConnectionError::Statement(Error::DatabaseError(kind, _)) = error else {
                panic!("{error:?}");
            };
            assert!(matches!(kind, DatabaseErrorKind::UniqueViolation));
            first.join().unwrap().unwrap();
            last.join().unwrap().unwrap();
        });
        assert_eq!(numbers.all(), [1, 3, 4]);
    }

    #[test]
    fn what_the_first_one_does_wrong_is_in_nobodys_way() {
        let numbers = Numbers::new();
        scope(|scope| {
            let wrong = scope.spawn(|| {
                numbers.change(|connection| {
                    insert(connection, 1, None)?;
                    numbers.wait_until_waiting(1);
                    insert(connection, 1, None)
                })
            });
            while numbers.commits.row().waiting == 0 && !numbers.commits.row().is_taken {
                yield_now();
            }
            let second = scope.spawn(|| numbers.insert(2));
            assert!(wrong.join().unwrap().is_err());
            second.join().unwrap().unwrap();
        });
        assert_eq!(numbers.all(), [2]);
    }

    #[test]
    fn a_commit_that_fails_fails_for_all() {
        let numbers = Numbers::new();
        scope(|scope| {
            // There is no 7 to refer to, which is looked at by the commit.
            let (release, first) = numbers.insert_first(scope, Some(7));
            let second = scope.spawn(|| numbers.insert(2));
            numbers.wait_until_waiting(1);
            release.send(()).unwrap();
            for each in [first, second] {
                let error = each.join().unwrap().unwrap_err();
                assert!(matches!(error, ConnectionError::Statement(_)), "{error:?}");
            }
        });
        assert!(numbers.all().is_empty());
        numbers.insert(1).unwrap();
        assert_eq!(numbers.all(), [1]);
    }

    #[test]
    fn a_transaction_that_sqlite_gave_up_is_lost_for_all_who_took_part() {
        let numbers = Numbers::new();
        scope(|scope| {
            let (release, first) = numbers.insert_first(scope, None);
            let second = scope.spawn(|| {
                numbers.change(|connection| {
                    // As a disk does that is at fault, this ends the transaction as a whole.
                    connection.batch_execute("INSERT OR ROLLBACK INTO numbers VALUES (1, NULL)")
                })
            });
            numbers.wait_until_waiting(1);
            let third = scope.spawn(|| numbers.insert(3));
            numbers.wait_until_waiting(2);
            release.send(()).unwrap();
            // What one did is no answer for another, and nothing was changed.
            let error = first.join().unwrap().unwrap_err();
            assert!(
                matches!(error, ConnectionError::Unavailable(_)),
                "{error:?}"
            );
            let error = second.join().unwrap().unwrap_err();
            assert!(matches!(error, ConnectionError::Statement(_)), "{error:?}");
            third.join().unwrap().unwrap();
        });
        assert_eq!(numbers.all(), [3]);
    }

    #[test]
    fn a_panic_is_told_to_those_who_took_part_and_is_over_for_others() {
        let numbers = Numbers::new();
        scope(|scope| {
            let (release, first) = numbers.insert_first(scope, None);
            let second = scope.spawn(|| numbers.change::<()>(|_| panic!("on purpose")));
            numbers.wait_until_waiting(1);
            release.send(()).unwrap();
            assert!(second.join().is_err());
            let error = first.join().unwrap().unwrap_err();
            assert!(
                matches!(error, ConnectionError::Unavailable(_)),
                "{error:?}"
            );
        });
        assert!(numbers.all().is_empty());
        numbers.insert(1).unwrap();
        assert_eq!(numbers.all(), [1]);
    }

    #[test]
    fn whoever_waits_for_too_long_goes_away_and_the_row_goes_on() {
        let numbers = Numbers::with_patience(Duration::from_millis(50));
        scope(|scope| {
            let (release, first) = numbers.insert_first(scope, None);
            let error = numbers.insert(2).unwrap_err();
            assert!(matches!(error, ConnectionError::Unavailable(_)));
            release.send(()).unwrap();
            first.join().unwrap().unwrap();
        });
        numbers.insert(3).unwrap();
        assert_eq!(numbers.all(), [1, 3]);
    }

    #[test]
    fn many_who_change_at_once_all_do_so_once() {
        const EACH: i64 = 50;
        let numbers = Numbers::new();
        scope(|scope| {
            for thread in 0..8 {
                let numbers = &numbers;
                scope.spawn(move || {
                    for nth in 0..EACH {
                        let number = thread * EACH + nth;
                        numbers.insert(number).unwrap();
                        // It is on the disk, for all to see; and it is there already.
                        assert!(numbers.insert(number).is_err());
                    }
                });
            }
        });
        assert_eq!(numbers.all(), (0..8 * EACH).collect::<Vec<_>>());
    }
}
