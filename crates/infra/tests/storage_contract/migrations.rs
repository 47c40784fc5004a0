//! What [`todo_infra::Database::migrate`] promises.

use std::thread;

use rstest::rstest;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, connect};

#[rstest]
fn a_second_time_there_is_nothing_to_do(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::empty(kind) else {
        return;
    };
    assert!(!storage.database.migrate().unwrap().is_empty());
    let user = storage.user("ada@example.com");
    assert!(storage.database.migrate().unwrap().is_empty());
    assert_eq!(storage.users().find(user.id).unwrap(), Some(user));
}

#[rstest]
fn of_instances_that_start_together_one_migrates(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::empty(kind) else {
        return;
    };
    let instances: Vec<_> = (0..8).map(|_| connect(&storage.behind)).collect();
    let migrated: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = instances
            .iter()
            .map(|instance| scope.spawn(|| instance.migrate().unwrap()))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(migrated.iter().filter(|names| !names.is_empty()).count(), 1);
    storage.user("ada@example.com");
}

#[rstest]
fn tables_that_are_in_the_way_are_left_as_they_are(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::empty(kind) else {
        return;
    };
    storage
        .behind
        .execute("CREATE TABLE tasks (id varchar(36) PRIMARY KEY, status text)");
    assert!(storage.database.migrate().is_err());
    assert_eq!(storage.behind.columns("tasks"), ["id", "status"]);
    assert!(storage.behind.columns("users").is_empty());
}
