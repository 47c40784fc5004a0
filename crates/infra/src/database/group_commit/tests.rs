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

/// A file with a table of unique numbers. A number may need another one when its transaction is committed.
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
        Self::with_queue_timeout(Duration::from_mins(1))
    }

    fn with_queue_timeout(queue_timeout: Duration) -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("numbers.db").display());
        let url: DatabaseUrl = url.parse().unwrap();
        let settings = PoolSettings::for_kind(url.kind());
        let pool = r2d2::Pool::builder()
            .max_size(2)
            .build(Manager::new(url, &settings))
            .unwrap();
        let numbers = Self {
            commits: GroupCommit::new(queue_timeout),
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

    /// The committed numbers.
    fn all(&self) -> Vec<i64> {
        let mut connection = self.pool.get().unwrap();
        let all: Vec<Number> = sql_query("SELECT number FROM numbers ORDER BY number")
            .load(&mut connection.connection)
            .unwrap();
        all.into_iter().map(|number| number.number).collect()
    }

    fn wait_until_waiting(&self, count: usize) {
        while self.commits.lock().waiting < count {
            yield_now();
        }
    }

    /// Inserts 1, and holds the writer turn until the sender is used or dropped.
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
fn an_error_about_a_row_of_another_member_waits_for_the_commit() {
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
fn waiting_changes_join_the_transaction_and_none_returns_before_the_commit() {
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
                let here: Vec<Number> = sql_query("SELECT number FROM numbers").load(connection)?;
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
fn a_failed_change_is_rolled_back_alone() {
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
fn a_failed_first_change_does_not_affect_the_next() {
    let numbers = Numbers::new();
    scope(|scope| {
        let wrong = scope.spawn(|| {
            numbers.change(|connection| {
                insert(connection, 1, None)?;
                numbers.wait_until_waiting(1);
                insert(connection, 1, None)
            })
        });
        while numbers.commits.lock().waiting == 0 && !numbers.commits.lock().has_writer {
            yield_now();
        }
        let second = scope.spawn(|| numbers.insert(2));
        assert!(wrong.join().unwrap().is_err());
        second.join().unwrap().unwrap();
    });
    assert_eq!(numbers.all(), [2]);
}

#[test]
fn a_failed_commit_fails_every_member() {
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
fn a_transaction_that_sqlite_rolled_back_fails_every_member() {
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
fn a_panic_fails_every_member_and_no_later_change() {
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
fn a_change_times_out_in_the_queue_and_later_changes_run() {
    let numbers = Numbers::with_queue_timeout(Duration::from_millis(50));
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
fn concurrent_changes_are_all_made_once() {
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
