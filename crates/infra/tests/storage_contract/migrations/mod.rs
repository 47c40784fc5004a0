//! Migrations: [`todo_infra::Database::migrate`].

mod adoption;
mod both_writers;
mod interruption;
mod old_backend;
mod refusal;

use std::thread;

use rstest::rstest;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, connect};

#[rstest]
fn a_second_migration_does_nothing(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::empty(kind) else {
        return;
    };
    assert!(!storage.database.migrate().unwrap().is_empty());
    let user = storage.user("ada@example.com");
    assert!(storage.database.migrate().unwrap().is_empty());
    assert_eq!(storage.users().find(user.id).unwrap(), Some(user));
}

#[rstest]
fn concurrent_instances_migrate_once(#[values(Sqlite, Postgres)] kind: Kind) {
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
fn a_plan_names_the_steps_and_changes_nothing(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::empty(kind) else {
        return;
    };
    let plan = storage.database.plan_migration().unwrap();
    assert!(!plan.is_empty());
    assert!(
        plan.iter()
            .all(|step| !step.name.is_empty() && !step.why.is_empty())
    );
    assert!(storage.behind.columns("users").is_empty());
    assert_eq!(storage.database.migrate().unwrap(), plan);
    assert!(storage.database.plan_migration().unwrap().is_empty());
}

#[test]
fn a_plan_creates_no_file() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("todo.db");
    let url: todo_infra::DatabaseUrl = format!("sqlite://{}", file.display()).parse().unwrap();
    let database =
        todo_infra::Database::new(url.clone(), &todo_infra::PoolSettings::for_kind(url.kind()));
    assert_eq!(database.plan_migration().unwrap().len(), 5);
    assert!(!file.exists());
}
