//! Clauses about the session condition.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::Duration,
};

use todo_domain::{
    Direction, Page, PageLimit, PageStart, Priority,
    SecurityEventKind::LoggedOut,
    Session, SessionCondition, SessionPolicy, SessionSnapshot, Todo, TodoChange, TodoFilter,
    TodoId, TodoOrder, UserId,
    ports::{InsertTodoError, Owner, StorageError, TodoRepository},
};

use crate::fixture::{TestStorage, at, description, event_of, new_todo, session_of, tags, todo_id};

/// The condition that a session meets which begins, a second after it did.
fn guard_of(session: &Session) -> SessionCondition {
    let now = session.created_at.saturating_add(Duration::from_secs(1));
    let guard = SessionSnapshot::from(session).guard(now, &SessionPolicy::default());
    guard.unwrap()
}

/// What comes of each method that there is a condition for.
fn every_method(
    todos: &dyn TodoRepository,
    guard: SessionCondition,
    id: TodoId,
) -> Vec<(&'static str, Result<(), StorageError>)> {
    let owner = Owner::OfSession(guard);
    let all = TodoFilter::default();
    let inserted = todos.insert_guarded(&new_todo(guard.user_id, "new", 1), guard);
    let nothing = TodoChange::default();
    let toggle = TodoChange::toggle();
    vec![
        ("find", todos.find(owner, id).map(drop)),
        ("list", todos.list(owner, &all, &Page::default()).map(drop)),
        ("count", todos.count(owner, &all).map(drop)),
        (
            "update",
            todos.update(owner, id, None, &toggle, at(1)).map(drop),
        ),
        (
            "update by nothing",
            todos.update(owner, id, None, &nothing, at(1)).map(drop),
        ),
        ("delete", todos.delete(owner, id, None).map(drop)),
        (
            "insert",
            inserted.map_err(|error| match error {
                InsertTodoError::Storage(error) => error,
                error => panic!("{error:?}"),
            }),
        ),
    ]
}

/// Whether every method says that the session is not proven to count, whatever todo it is about.
fn assert_not_proven(storage: &TestStorage, guard: SessionCondition, id: TodoId) {
    for id in [id, todo_id()] {
        for (method, result) in every_method(storage.todos(), guard, id) {
            assert!(
                matches!(result, Err(StorageError::SessionNotProven)),
                "{method}: {result:?}"
            );
        }
    }
}

fn titles(storage: &TestStorage, user: UserId) -> Vec<String> {
    let todos = storage
        .todos()
        .list(user.into(), &TodoFilter::default(), &Page::default());
    todos
        .unwrap()
        .into_iter()
        .map(|todo| todo.title.as_str().to_owned())
        .collect()
}

pub fn a_valid_session_gives_the_same_results_as_no_condition(storage: &TestStorage) {
    let user = storage.user("ada@example.com").id;
    let session = session_of(user);
    storage.begin(&session);
    let guard = guard_of(&session);
    let (owner, todos) = (Owner::OfSession(guard), storage.todos());
    let full = Todo {
        description: Some(description("first\r\n\tsecond 🦀")),
        completed_at: Some(at(1_000_001)),
        due: Some("2026-12-01T00:00:00-11:30".parse().unwrap()),
        priority: Priority::High,
        tags: tags(&["home", "100%_\\"]),
        updated_at: at(1_000_001),
        version: 7,
        ..new_todo(user, "Buy milk", 999_999)
    };
    todos.insert_guarded(&full, guard).unwrap();
    let plain = new_todo(user, "Buy bread", 0);
    todos.insert_guarded(&plain, guard).unwrap();
    for todo in [&full, &plain] {
        assert_eq!(todos.find(owner, todo.id).unwrap().as_ref(), Some(todo));
        assert_eq!(
            todos.find(user.into(), todo.id).unwrap().as_ref(),
            Some(todo)
        );
    }
    let filter = TodoFilter {
        text: Some(todo_domain::SearchText::new("SECOND").unwrap()),
        ..TodoFilter::default()
    };
    let found = todos.list(owner, &filter, &Page::default());
    assert_eq!(found.unwrap(), std::slice::from_ref(&full));
    assert_eq!(todos.count(owner, &TodoFilter::default()).unwrap(), 2);

    let toggled = todos.update(owner, plain.id, Some(1), &TodoChange::toggle(), at(2));
    let toggled = toggled.unwrap().unwrap();
    assert!(toggled.is_completed());
    assert_eq!(todos.find(user.into(), plain.id).unwrap(), Some(toggled));
    assert!(todos.delete(owner, full.id, Some(7)).unwrap());
    assert_eq!(titles(storage, user), ["Buy bread"]);
}

pub fn pages_are_equal_with_and_without_a_condition(storage: &TestStorage) {
    let session = session_of(storage.user("ada@example.com").id);
    storage.begin(&session);
    let other = storage.user("grace@example.com").id;
    // Several at the same instant, which only their ids order.
    for nth in 0..12 {
        storage.todo(session.user_id, &format!("todo {nth}"), nth / 3);
        storage.todo(other, "theirs", nth);
    }
    let (guard, todos) = (guard_of(&session), storage.todos());
    let all = TodoFilter::default();
    let open = TodoFilter {
        completed: Some(false),
        ..TodoFilter::default()
    };
    let oldest = TodoOrder {
        direction: Direction::Ascending,
        ..TodoOrder::default()
    };
    for (filter, order, start, limit) in [
        (&all, TodoOrder::default(), PageStart::default(), 1),
        (&all, TodoOrder::default(), PageStart::default(), 5),
        (&all, TodoOrder::default(), PageStart::default(), 100),
        (&all, TodoOrder::default(), PageStart::Offset(4), 5),
        (&all, oldest, PageStart::default(), 5),
        (&open, TodoOrder::default(), PageStart::default(), 5),
    ] {
        let page = Page {
            order,
            start,
            limit: PageLimit::new(limit).unwrap(),
        };
        let with = todos.list(Owner::OfSession(guard), filter, &page).unwrap();
        let without = todos.list(session.user_id.into(), filter, &page).unwrap();
        assert_eq!(with, without, "{filter:?}, {page:?}");
        assert!(!with.is_empty(), "{page:?}");
    }
}

pub fn a_valid_session_learns_that_a_todo_does_not_exist(storage: &TestStorage) {
    let session = session_of(storage.user("ada@example.com").id);
    storage.begin(&session);
    let other = storage.user("grace@example.com").id;
    let theirs = storage.todo(other, "Buy milk", 0);
    let (owner, todos) = (Owner::OfSession(guard_of(&session)), storage.todos());
    let all = TodoFilter::default();
    assert_eq!(todos.find(owner, theirs.id).unwrap(), None);
    assert_eq!(todos.list(owner, &all, &Page::default()).unwrap(), []);
    assert_eq!(todos.count(owner, &all).unwrap(), 0);
    for change in [TodoChange::toggle(), TodoChange::default()] {
        let changed = todos.update(owner, theirs.id, None, &change, at(1));
        assert_eq!(changed.unwrap(), None);
    }
    assert!(!todos.delete(owner, theirs.id, None).unwrap());
    assert_eq!(todos.find(other.into(), theirs.id).unwrap(), Some(theirs));

    let mine = storage.todo(session.user_id, "Buy bread", 0);
    let changed = todos.update(owner, mine.id, Some(2), &TodoChange::toggle(), at(1));
    assert_eq!(changed.unwrap(), None);
    assert!(!todos.delete(owner, mine.id, Some(2)).unwrap());
}

/// What is stored of a session, where it is not what was seen.
#[derive(Debug, Clone, Copy)]
pub enum Stored {
    Nothing,
    OfAnotherUser,
    Expired,
    NotUsedForLong,
    UsedTooLongAgo,
}

pub fn an_unproven_session_reads_and_changes_nothing(storage: &TestStorage, stored: Stored) {
    let user = storage.user("ada@example.com").id;
    let todo = storage.todo(user, "Buy milk", 0);
    let session = session_of(user);
    let guard = guard_of(&session);
    let stored = match stored {
        Stored::Nothing => None,
        Stored::OfAnotherUser => Some(Session {
            user_id: storage.user("grace@example.com").id,
            ..session
        }),
        Stored::Expired => Some(Session {
            expires_at: guard.expires_after,
            ..session
        }),
        Stored::NotUsedForLong => Some(Session {
            last_used_at: at(0),
            ..session
        }),
        Stored::UsedTooLongAgo => Some(Session {
            last_used_at: guard.used_after,
            ..session
        }),
    };
    if let Some(session) = &stored {
        storage.begin(session);
    }
    assert_not_proven(storage, guard, todo.id);
    let found = storage.todos().find(user.into(), todo.id).unwrap();
    assert_eq!(found, Some(todo));
    assert_eq!(titles(storage, user), ["Buy milk"]);
}

pub fn a_deleted_session_reads_and_changes_nothing(storage: &TestStorage) {
    let user = storage.user("ada@example.com").id;
    let todo = storage.todo(user, "Buy milk", 0);
    let (ended, other) = (session_of(user), session_of(user));
    storage.begin(&ended);
    storage.begin(&other);
    let found = |session: &Session| {
        let owner = Owner::OfSession(guard_of(session));
        storage.todos().find(owner, todo.id)
    };
    assert!(found(&ended).unwrap().is_some());
    delete(storage, user, &ended);
    assert_not_proven(storage, guard_of(&ended), todo.id);
    assert_eq!(found(&other).unwrap(), Some(todo));
}

pub fn a_session_of_a_deleted_user_reads_and_changes_nothing(storage: &TestStorage) {
    let user = storage.user("ada@example.com").id;
    let todo = storage.todo(user, "Buy milk", 0);
    let session = session_of(user);
    storage.begin(&session);
    storage.delete_user("ada@example.com");
    assert_not_proven(storage, guard_of(&session), todo.id);
    assert_eq!(titles(storage, user), [""; 0]);
}

pub fn no_statement_succeeds_after_the_deletion_of_its_session(storage: &TestStorage) {
    const WRITERS: i64 = 4;
    let user = storage.user("ada@example.com").id;
    let todo = storage.todo(user, "Buy milk", 0);
    for _ in 0..5 {
        let session = session_of(user);
        storage.begin(&session);
        let guard = guard_of(&session);
        let (is_deleted, was_used) = (&AtomicBool::new(false), &AtomicBool::new(false));
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let instance = storage.connect();
                scope.spawn(move || {
                    loop {
                        let begins_after = is_deleted.load(SeqCst);
                        let done = if writer % 2 == 0 {
                            let owner = Owner::OfSession(guard);
                            let change = TodoChange::toggle();
                            let todos = instance.todos();
                            let toggled = todos.update(owner, todo.id, None, &change, at(1));
                            toggled.map(|todo| assert!(todo.is_some()))
                        } else {
                            let new = new_todo(guard.user_id, "new", writer);
                            let inserted = instance.todos().insert_guarded(&new, guard);
                            inserted.map_err(|error| match error {
                                InsertTodoError::Storage(error) => error,
                                error => panic!("{error:?}"),
                            })
                        };
                        match done {
                            Ok(()) => {
                                assert!(!begins_after);
                                was_used.store(true, SeqCst);
                            }
                            Err(StorageError::SessionNotProven) if begins_after => break,
                            // On SQLite, the others may have held the file for too long; nothing was done.
                            Err(StorageError::SessionNotProven | StorageError::Unavailable(_)) => {}
                            Err(error) => panic!("{error:?}"),
                        }
                    }
                });
            }
            while !was_used.load(SeqCst) {
                thread::yield_now();
            }
            // Whoever is kept from the file by the writers tries again, as a client does.
            let event = event_of(user, LoggedOut);
            let deleted = loop {
                match storage.sessions().delete(user, session.id, &event) {
                    Err(StorageError::Unavailable(_)) => (),
                    outcome => break outcome,
                }
            };
            // Whatever came of it, so that the writers end.
            is_deleted.store(true, SeqCst);
            assert!(deleted.unwrap());
        });
    }
}

fn delete(storage: &TestStorage, user: UserId, session: &Session) {
    let event = event_of(user, LoggedOut);
    let deleted = storage.sessions().delete(user, session.id, &event);
    assert!(deleted.unwrap());
}
