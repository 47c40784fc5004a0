//! An import into PostgreSQL that fails, and usage after an import.

use rstest::rstest;
use todo_domain::{
    ArchiveRecord, Credentials, ExportedUser, Title, Todo, UserId,
    ports::{Archive, InsertArchiveError, RejectReason},
};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::{
    storage::{Storage, hash, new_todo, new_user},
    usage::usage,
};

fn user(email: &str) -> (UserId, ArchiveRecord) {
    let user = new_user(email);
    let record = ExportedUser {
        credentials: Credentials {
            user: user.clone(),
            password_hash: Some(hash()),
        },
        image: None,
        disabled_at: None,
    };
    (user.id, ArchiveRecord::User(record))
}

fn insert(storage: &Storage, records: Vec<ArchiveRecord>) -> Result<(), InsertArchiveError> {
    let mut records = records.into_iter().map(Ok);
    Archive::insert(&storage.database, &mut records).map(drop)
}

fn users(storage: &Storage) -> usize {
    storage.behind.texts("users", "email").len()
}

#[test]
fn a_record_that_is_too_long_for_postgres_is_named() {
    let Some(storage) = Storage::new(Postgres) else {
        return;
    };
    let (owner, user) = user("ada@example.com");
    let long = ArchiveRecord::Todo(Todo {
        title: Title::from_stored("a".repeat(256)),
        ..new_todo(owner, "x", 0)
    });
    let error = insert(&storage, vec![user, long]).unwrap_err();
    assert!(
        matches!(
            error,
            InsertArchiveError::Refused {
                record: 1,
                reason: RejectReason::Unstorable(_)
            }
        ),
        "{error:?}"
    );
    assert_eq!(users(&storage), 0);
}

#[test]
fn a_lost_connection_is_not_blamed_on_a_record() {
    let Some(storage) = Storage::new(Postgres) else {
        return;
    };
    let (owner, user) = user("ada@example.com");
    let todos = (0..3_000).map(|number| ArchiveRecord::Todo(new_todo(owner, "todo", number)));
    let mut records = std::iter::once(user)
        .chain(todos)
        .enumerate()
        .map(|(number, record)| {
            if number == 1_500 {
                storage.behind.terminate_connections();
            }
            Ok(record)
        });
    let error = Archive::insert(&storage.database, &mut records).unwrap_err();
    assert!(matches!(error, InsertArchiveError::Storage(_)), "{error:?}");
    drop(records);
    assert_eq!(users(&storage), 0);
}

#[rstest]
fn imported_todos_are_counted(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let (ada, first) = user("ada@example.com");
    let (grace, second) = user("grace@example.com");
    let todos = [ada, grace, ada].map(|owner| ArchiveRecord::Todo(new_todo(owner, "title", 0)));
    insert(&storage, [vec![first, second], todos.to_vec()].concat()).unwrap();
    assert_eq!(usage(&storage), "1 5, 2 10");
}
