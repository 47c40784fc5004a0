//! Clauses about the quotas of todos and their bytes.

use todo_domain::{
    Atomicity, Change, IdempotencyKey, Once, QuotaExceeded, Quotas,
    SecurityEventKind::LoggedOut,
    SessionPolicy, SessionSnapshot, Title, Todo, TodoChange, TodoFilter, TodoOperation, UserId,
    ports::{ApplyTodosError, InsertTodoError, StorageError},
};

use super::concurrency::at_once_with;
use crate::Storage;
use crate::fixture::{TestStorage, at, event_of, new_todo, now, session_of};

const QUOTAS: Quotas = Quotas {
    todos: 3,
    bytes: 100,
    sessions: 1,
};

const TOO_MANY: QuotaExceeded = QuotaExceeded::Todos { limit: 3 };
const TOO_LONG: QuotaExceeded = QuotaExceeded::Bytes { limit: 100 };

/// A storage with small quotas, and a user.
fn limited(storage: &TestStorage) -> (Box<dyn Storage>, UserId) {
    let user = storage.user("ada@example.com").id;
    (storage.connect_with(QUOTAS), user)
}

fn exceeded(result: Result<(), InsertTodoError>) -> QuotaExceeded {
    match result {
        Err(InsertTodoError::Storage(StorageError::QuotaExceeded(exceeded))) => exceeded,
        other => panic!("{other:?}"),
    }
}

/// A todo whose title has this number of bytes.
fn of_bytes(owner: UserId, bytes: usize) -> Todo {
    new_todo(owner, &"x".repeat(bytes), 0)
}

fn titled(title: &str) -> TodoChange {
    TodoChange {
        title: Change::To(Title::new(title).unwrap()),
        ..TodoChange::default()
    }
}

pub fn the_number_of_todos_is_limited(storage: &TestStorage) {
    let (database, ada) = limited(storage);
    let database = database.todos();
    let todos: Vec<_> = (0..4).map(|_| of_bytes(ada, 1)).collect();
    for todo in &todos[..3] {
        database.insert(todo, None).unwrap();
    }
    assert_eq!(exceeded(database.insert(&todos[3], None)), TOO_MANY);
    // Another user has a quota of its own, and deleting makes room.
    let grace = storage.user("grace@example.com").id;
    database.insert(&of_bytes(grace, 1), None).unwrap();
    assert!(database.delete(ada.into(), todos[0].id, None).unwrap());
    database.insert(&todos[3], None).unwrap();
}

pub fn the_bytes_of_todos_are_limited(storage: &TestStorage) {
    let (database, ada) = limited(storage);
    let database = database.todos();
    let first = of_bytes(ada, 60);
    database.insert(&first, None).unwrap();
    assert_eq!(
        exceeded(database.insert(&of_bytes(ada, 41), None)),
        TOO_LONG
    );
    database.insert(&of_bytes(ada, 40), None).unwrap();

    let update = |change: &TodoChange, expected| {
        database.update(ada.into(), first.id, expected, change, at(1))
    };
    let longer = titled(&"y".repeat(61));
    let refused = update(&longer, None);
    assert!(
        matches!(refused, Err(StorageError::QuotaExceeded(TOO_LONG))),
        "{refused:?}"
    );
    // A todo of another version is not the one that is meant.
    assert_eq!(update(&longer, Some(7)).unwrap(), None);
    assert!(update(&titled(&"y".repeat(60)), None).unwrap().is_some());
    assert!(update(&TodoChange::toggle(), None).unwrap().is_some());
    assert!(update(&titled("y"), None).unwrap().is_some());
    assert!(update(&titled(&"y".repeat(60)), Some(4)).unwrap().is_some());
}

pub fn a_batch_that_exceeds_a_quota_stores_nothing(storage: &TestStorage) {
    let (database, ada) = limited(storage);
    let database = database.todos();
    let first = of_bytes(ada, 50);
    database.insert(&first, None).unwrap();
    let insert = |bytes| TodoOperation::Insert(of_bytes(ada, bytes));
    let longer = TodoOperation::Update {
        id: first.id,
        change: titled(&"y".repeat(101)),
    };
    let batches = [
        (vec![insert(1), insert(1), insert(1)], TOO_MANY),
        (vec![insert(25), insert(26)], TOO_LONG),
        (vec![insert(1), longer], TOO_LONG),
    ];
    for (operations, expected) in batches {
        for atomicity in [Atomicity::AllOrNothing, Atomicity::EachForItself] {
            match database.apply(ada, &operations, atomicity, at(1), None) {
                Err(ApplyTodosError::Storage(StorageError::QuotaExceeded(exceeded))) => {
                    assert_eq!(exceeded, expected);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    // The room that a batch makes, it can use.
    let operations = [
        TodoOperation::Delete { id: first.id },
        insert(30),
        insert(30),
        insert(40),
    ];
    let atomicity = Atomicity::AllOrNothing;
    database
        .apply(ada, &operations, atomicity, at(1), None)
        .unwrap();
}

pub fn a_key_is_not_used_by_a_todo_that_exceeds_a_quota(storage: &TestStorage) {
    let (database, ada) = limited(storage);
    let database = database.todos();
    let once = Once {
        user_id: ada,
        key: IdempotencyKey::new("key").unwrap(),
        request: "request".to_owned(),
        now: at(0),
        answer: &|_: &Todo| Ok("answer".to_owned()),
    };
    let full = of_bytes(ada, 100);
    database.insert(&full, None).unwrap();
    let todo = of_bytes(ada, 1);
    assert_eq!(exceeded(database.insert(&todo, Some(&once))), TOO_LONG);
    assert!(database.delete(ada.into(), full.id, None).unwrap());
    database.insert(&todo, Some(&once)).unwrap();
}

pub fn the_session_is_checked_before_the_quota(storage: &TestStorage) {
    let (database, ada) = limited(storage);
    let database = database.todos();
    let session = session_of(ada);
    storage.begin(&session);
    let guard = SessionSnapshot::from(&session)
        .guard(now(), &SessionPolicy::default())
        .unwrap();
    database.insert(&of_bytes(ada, 100), None).unwrap();
    let todo = of_bytes(ada, 1);
    assert_eq!(exceeded(database.insert_guarded(&todo, guard)), TOO_LONG);
    let event = event_of(ada, LoggedOut);
    let deleted = storage.sessions().delete(ada, session.id, &event);
    assert!(deleted.unwrap());
    let refused = database.insert_guarded(&todo, guard);
    assert!(
        matches!(
            refused,
            Err(InsertTodoError::Storage(StorageError::SessionNotProven))
        ),
        "{refused:?}"
    );
}

pub fn concurrent_insertions_cannot_exceed_a_quota(storage: &TestStorage) {
    let ada = storage.user("ada@example.com").id;
    let quotas = Quotas {
        todos: 20,
        ..Quotas::default()
    };
    let inserted = at_once_with(storage, quotas, |instance| {
        let database = instance.todos();
        (0..10)
            .filter(|number| {
                if number % 2 == 0 {
                    return database.insert(&of_bytes(ada, 1), None).is_ok();
                }
                let operations = [TodoOperation::Insert(of_bytes(ada, 1))];
                let atomicity = Atomicity::AllOrNothing;
                database
                    .apply(ada, &operations, atomicity, at(1), None)
                    .is_ok()
            })
            .count()
    });
    assert_eq!(inserted.iter().sum::<usize>(), 20);
    assert_eq!(
        storage
            .todos()
            .count(ada.into(), &TodoFilter::default())
            .unwrap(),
        20
    );
}
