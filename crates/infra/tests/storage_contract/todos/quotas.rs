//! Quotas of todos and their bytes.

use rstest::rstest;
use todo_domain::{
    Atomicity, Change, CompletionChange, IdempotencyKey, Once, QuotaExceeded, Quotas, SeenSession,
    SessionPolicy, Title, Todo, TodoChange, TodoFilter, TodoOperation, UserId,
    ports::{ApplyTodosError, InsertTodoError, StorageError, TodoRepository},
};
use todo_infra::Database;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::{
    concurrency::at_once,
    storage::{Storage, at, connect, description, new_todo, now, session_of, tags},
};

const QUOTAS: Quotas = Quotas {
    todos: 3,
    bytes: 100,
    sessions: 1,
};

const TOO_MANY: QuotaExceeded = QuotaExceeded::Todos { limit: 3 };
const TOO_LONG: QuotaExceeded = QuotaExceeded::Bytes { limit: 100 };

/// A storage with small quotas, and a user.
fn limited(kind: Kind) -> Option<(Storage, Database, UserId)> {
    let storage = Storage::new(kind)?;
    let user = storage.user("ada@example.com").id;
    let database = connect(&storage.behind).with_quotas(QUOTAS);
    Some((storage, database, user))
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

/// The usage that is stored, and that of the todos that are there: they are the same.
pub(crate) fn usage(storage: &Storage) -> String {
    let stored = "SELECT tasks || ' ' || bytes AS value FROM user_usage ORDER BY value";
    let counted =
        "SELECT count(*) || ' ' || sum(bytes) AS value FROM tasks GROUP BY user_id ORDER BY value";
    let [stored, counted] = [stored, counted].map(|sql| {
        let values: Vec<_> = storage.behind.values(sql).into_iter().flatten().collect();
        values.join(", ")
    });
    assert_eq!(stored, counted);
    stored
}

#[rstest]
fn a_user_has_no_more_todos_than_the_quota(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some((storage, database, ada)) = limited(kind) else {
        return;
    };
    let todos: Vec<_> = (0..4).map(|_| of_bytes(ada, 1)).collect();
    for todo in &todos[..3] {
        database.insert(todo, None).unwrap();
    }
    assert_eq!(exceeded(database.insert(&todos[3], None)), TOO_MANY);
    assert_eq!(usage(&storage), "3 3");
    // Another user has a quota of its own, and deleting makes room.
    let grace = storage.user("grace@example.com").id;
    database.insert(&of_bytes(grace, 1), None).unwrap();
    assert!(database.delete(ada.into(), todos[0].id, None).unwrap());
    database.insert(&todos[3], None).unwrap();
    assert_eq!(usage(&storage), "1 1, 3 3");
}

#[rstest]
fn todos_have_no_more_bytes_than_the_quota(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some((storage, database, ada)) = limited(kind) else {
        return;
    };
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
    assert_eq!(usage(&storage), "2 41");
    assert!(update(&titled(&"y".repeat(60)), Some(4)).unwrap().is_some());
    assert_eq!(usage(&storage), "2 100");
}

#[rstest]
fn a_text_counts_in_its_longer_form(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let ada = storage.user("ada@example.com").id;
    // Three characters of two bytes stand for it when it is folded.
    let mut todo = new_todo(ada, "\u{390}", 0);
    todo.description = Some(description("\u{212a}elvin"));
    todo.tags = tags(&["a"]);
    storage.todos().insert(&todo, None).unwrap();
    assert_eq!(usage(&storage), "1 17");
    let change = TodoChange {
        title: Change::To(Title::new("ab").unwrap()),
        description: Change::To(None),
        tags: Change::To(tags(&[])),
        completion: CompletionChange::Toggle,
        ..TodoChange::default()
    };
    let todos = storage.todos();
    todos
        .update(ada.into(), todo.id, None, &change, at(1))
        .unwrap();
    assert_eq!(usage(&storage), "1 2");
}

#[rstest]
fn todos_that_exceed_a_quota_are_stored_all_or_none(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some((storage, database, ada)) = limited(kind) else {
        return;
    };
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
    assert_eq!(usage(&storage), "1 50");
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
    assert_eq!(usage(&storage), "3 100");
}

#[rstest]
fn a_key_is_not_used_up_by_a_todo_that_exceeds_a_quota(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some((_storage, database, ada)) = limited(kind) else {
        return;
    };
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

#[rstest]
fn a_session_is_demanded_before_a_quota_is_told(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some((storage, database, ada)) = limited(kind) else {
        return;
    };
    let session = session_of(ada);
    storage.begin(&session);
    let guard = SeenSession::from(&session)
        .guard(now(), &SessionPolicy::default())
        .unwrap();
    database.insert(&of_bytes(ada, 100), None).unwrap();
    let todo = of_bytes(ada, 1);
    assert_eq!(exceeded(database.insert_guarded(&todo, guard)), TOO_LONG);
    storage.behind.execute("DELETE FROM sessions");
    let refused = database.insert_guarded(&todo, guard);
    assert!(
        matches!(
            refused,
            Err(InsertTodoError::Storage(StorageError::SessionNotProven))
        ),
        "{refused:?}"
    );
}

#[rstest]
fn insertions_at_the_same_time_never_exceed_a_quota(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let ada = storage.user("ada@example.com").id;
    let quotas = Quotas {
        todos: 20,
        ..Quotas::default()
    };
    let inserted = at_once(&storage, |instance| {
        let database = instance.clone().with_quotas(quotas);
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
    assert_eq!(usage(&storage), "20 20");
}

#[rstest]
fn changes_by_other_software_are_counted(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let ada = storage.user("ada@example.com").id;
    for number in 0..3 {
        storage.todo(ada, "title", number);
    }
    let id = match kind {
        Postgres => "gen_random_uuid()",
        Sqlite => "randomblob(16)",
    };
    // As the release before this one does, and as another backend does.
    for columns in ["title_folded, ", ""] {
        let values = columns.replace("title_folded", "'title'");
        storage.behind.execute(&format!(
            "INSERT INTO tasks (id, user_id, title, completed, {columns}created_at, updated_at) \
             SELECT {id}, user_id, 'title', completed, {values}created_at, updated_at FROM tasks WHERE title = 'title' LIMIT 1"
        ));
    }
    assert_eq!(usage(&storage), "5 25");
    storage
        .behind
        .execute("UPDATE tasks SET title = 'longer', title_folded = 'longer'");
    assert_eq!(usage(&storage), "5 30");
    storage.behind.execute("DELETE FROM tasks");
    assert_eq!(
        storage
            .behind
            .values("SELECT tasks || ' ' || bytes AS value FROM user_usage"),
        [Some("0 0".to_owned())]
    );
    storage.todo(ada, "title", 0);
    storage.delete_user("ada@example.com");
    assert_eq!(usage(&storage), "");
}
