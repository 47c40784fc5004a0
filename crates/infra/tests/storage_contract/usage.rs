//! The stored usage of users, by which quotas are enforced.

use std::thread;

use rstest::rstest;
use todo_domain::{
    Atomicity, Change, CompletionChange, Quotas, Title, TodoChange, TodoOperation,
    ports::{InsertTodoError, StorageError, TodoRepository},
};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, at, connect, description, new_todo, tags};

/// The stored usage of each user with todos, which must equal the usage of the stored todos.
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

fn titled(title: &str) -> TodoChange {
    TodoChange {
        title: Change::To(Title::new(title).unwrap()),
        ..TodoChange::default()
    }
}

#[rstest]
fn usage_follows_every_change(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let quotas = Quotas {
        todos: 3,
        bytes: 100,
        ..Quotas::default()
    };
    let database = connect(&storage.behind).with_quotas(quotas);
    let (ada, grace) = (
        storage.user("ada@example.com").id,
        storage.user("grace@example.com").id,
    );
    let of_bytes = |owner, bytes| new_todo(owner, &"x".repeat(bytes), 0);
    let (first, second) = (of_bytes(ada, 50), of_bytes(ada, 10));
    for todo in [&first, &second, &of_bytes(grace, 1)] {
        TodoRepository::insert(&database, todo, None).unwrap();
    }
    assert_eq!(usage(&storage), "1 1, 2 60");
    assert!(TodoRepository::insert(&database, &of_bytes(ada, 41), None).is_err());
    assert_eq!(usage(&storage), "1 1, 2 60");

    let update = |title: &str| {
        TodoRepository::update(&database, ada.into(), first.id, None, &titled(title), at(1))
    };
    assert!(update(&"y".repeat(91)).is_err());
    assert!(update(&"y".repeat(90)).unwrap().is_some());
    assert_eq!(usage(&storage), "1 1, 2 100");
    assert!(update("y").unwrap().is_some());
    assert_eq!(usage(&storage), "1 1, 2 11");

    let insert = |bytes| TodoOperation::Insert(of_bytes(ada, bytes));
    let apply = |operations: &[TodoOperation]| {
        database.apply(ada, operations, Atomicity::AllOrNothing, at(1), None)
    };
    assert!(apply(&[insert(1), insert(1)]).is_err());
    assert_eq!(usage(&storage), "1 1, 2 11");
    let delete = TodoOperation::Delete { id: first.id };
    apply(&[delete, insert(30), insert(40)]).unwrap();
    assert_eq!(usage(&storage), "1 1, 3 80");
    assert!(TodoRepository::delete(&database, ada.into(), second.id, None).unwrap());
    assert_eq!(usage(&storage), "1 1, 2 70");
}

#[rstest]
fn usage_is_exact_after_concurrent_insertions(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let ada = storage.user("ada@example.com").id;
    let quotas = Quotas {
        todos: 20,
        ..Quotas::default()
    };
    thread::scope(|scope| {
        for _ in 0..8 {
            let database = connect(&storage.behind).with_quotas(quotas);
            scope.spawn(move || {
                for number in 0..10 {
                    let todo = new_todo(ada, "x", number);
                    let inserted = TodoRepository::insert(&database, &todo, None);
                    assert!(
                        matches!(
                            inserted,
                            Ok(()) | Err(InsertTodoError::Storage(StorageError::QuotaExceeded(_)))
                        ),
                        "{inserted:?}"
                    );
                }
            });
        }
    });
    assert_eq!(usage(&storage), "20 20");
}

#[rstest]
fn the_longer_form_of_a_text_is_counted(#[values(Sqlite, Postgres)] kind: Kind) {
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
    storage.delete_user_by_sql("ada@example.com");
    assert_eq!(usage(&storage), "");
}
