//! Clauses about inserting, finding and deleting todos.

use todo_domain::{Page, Priority, Title, Todo, TodoChange, TodoFilter, ports::InsertTodoError};

use crate::fixture::{TestStorage, at, description, new_todo, tags, user_id};

pub fn an_inserted_todo_is_found(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let plain = storage.todo(owner, "Buy milk", 123_456);
    assert_eq!(
        storage.todos().find(owner.into(), plain.id).unwrap(),
        Some(plain)
    );

    for due in [
        "2026-12-05",
        "0001-01-01",
        "9999-12-31",
        "2026-12-01T09:30:00.123456Z",
        "2026-12-01T00:00:00-11:30",
    ] {
        let full = Todo {
            due: Some(due.parse().unwrap()),
            ..new_todo(owner, "x", 0)
        };
        storage.todos().insert(&full, None).unwrap();
        let found = storage.todos().find(owner.into(), full.id).unwrap();
        assert_eq!(found, Some(full), "{due}");
    }

    let full = Todo {
        title: Title::new("Ünïcödé 👩‍👩‍👧 e\u{301} %_\\").unwrap(),
        description: Some(description("first\r\n\tsecond 🦀")),
        completed_at: Some(at(1_000_001)),
        priority: Priority::High,
        tags: tags(&["home", "100%_\\", "ünï \u{1f980}"]),
        updated_at: at(1_000_001),
        version: 7,
        ..new_todo(owner, "x", 999_999)
    };
    storage.todos().insert(&full, None).unwrap();
    assert_eq!(
        storage.todos().find(owner.into(), full.id).unwrap(),
        Some(full)
    );
}

pub fn a_todo_without_an_owner_is_refused(storage: &TestStorage) {
    let todo = new_todo(user_id(), "Buy milk", 0);
    let error = storage.todos().insert(&todo, None).unwrap_err();
    assert!(matches!(error, InsertTodoError::OwnerMissing));
}

pub fn a_todo_of_another_user_is_not_found(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let other = storage.user("grace@example.com").id;
    let todo = storage.todo(owner, "Buy milk", 0);
    let all = TodoFilter::default();
    let todos = storage.todos();
    assert_eq!(todos.find(other.into(), todo.id).unwrap(), None);
    assert_eq!(
        todos.list(other.into(), &all, &Page::default()).unwrap(),
        []
    );
    assert_eq!(todos.count(other.into(), &all).unwrap(), 0);
    let toggled = todos.update(other.into(), todo.id, None, &TodoChange::toggle(), at(1));
    assert_eq!(toggled.unwrap(), None);
    let untouched = todos.update(other.into(), todo.id, None, &TodoChange::default(), at(1));
    assert_eq!(untouched.unwrap(), None);
    assert!(!todos.delete(other.into(), todo.id, None).unwrap());
    assert_eq!(todos.find(owner.into(), todo.id).unwrap(), Some(todo));
}

pub fn a_todo_is_deleted_once(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let (deleted, other) = (storage.todo(owner, "a", 0), storage.todo(owner, "b", 1));
    let todos = storage.todos();
    assert!(todos.delete(owner.into(), deleted.id, None).unwrap());
    assert!(!todos.delete(owner.into(), deleted.id, None).unwrap());
    assert_eq!(todos.find(owner.into(), deleted.id).unwrap(), None);
    assert_eq!(todos.find(owner.into(), other.id).unwrap(), Some(other));
}

pub fn deleting_a_user_deletes_todos(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let todo = storage.todo(owner, "a", 0);
    storage.delete_user("ada@example.com");
    assert_eq!(storage.todos().find(owner.into(), todo.id).unwrap(), None);
}

pub fn a_todo_of_another_version_is_not_deleted(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let todo = storage.todo(owner, "a", 0);
    assert!(
        !storage
            .todos()
            .delete(owner.into(), todo.id, Some(2))
            .unwrap()
    );
    assert!(
        storage
            .todos()
            .delete(owner.into(), todo.id, Some(1))
            .unwrap()
    );
}
