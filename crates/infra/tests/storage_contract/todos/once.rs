//! Inserting once, however often it is asked for.

use std::{thread, time::Duration};

use rstest::rstest;
use todo_domain::{
    IdempotencyKey, NotOnce, Once, Timestamp, TodoFilter, UserId,
    ports::{IdGenerator, IdempotencyKeys, InsertTodoError, TodoRepository},
};
use todo_infra::RandomIds;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, at, connect, new_todo};

fn once(user_id: UserId, request: &str, now: Timestamp) -> Once {
    Once {
        user_id,
        key: IdempotencyKey::new("key").unwrap(),
        request: request.to_owned(),
        answer: format!("the answer to {request}"),
        now,
    }
}

fn insert(storage: &Storage, once: &Once) -> Result<(), InsertTodoError> {
    let todo = new_todo(once.user_id, "Buy milk", 0);
    storage.todos().insert(&todo, Some(once))
}

fn count(storage: &Storage, owner: UserId) -> u64 {
    storage
        .todos()
        .count(owner, &TodoFilter::default())
        .unwrap()
}

#[rstest]
fn the_same_request_gets_the_first_answer(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    insert(&storage, &once(owner, "a", at(0))).unwrap();
    let again = Once {
        answer: "another answer".to_owned(),
        ..once(owner, "a", at(1))
    };
    for _ in 0..2 {
        let error = insert(&storage, &again).unwrap_err();
        let InsertTodoError::NotOnce(NotOnce::Repeated(answer)) = error else {
            panic!("{error}");
        };
        assert_eq!(answer, "the answer to a");
    }
    assert_eq!(count(&storage, owner), 1);
}

#[rstest]
fn another_request_by_the_same_key_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    insert(&storage, &once(owner, "a", at(0))).unwrap();
    let error = insert(&storage, &once(owner, "b", at(1))).unwrap_err();
    assert!(matches!(
        error,
        InsertTodoError::NotOnce(NotOnce::KeyReused)
    ));
    assert_eq!(count(&storage, owner), 1);
}

#[rstest]
fn another_user_may_use_the_same_key(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    for email in ["ada@example.com", "grace@example.com"] {
        let owner = storage.user(email).id;
        insert(&storage, &once(owner, "a", at(0))).unwrap();
        assert_eq!(count(&storage, owner), 1);
    }
}

#[rstest]
fn a_key_is_forgotten_after_a_day(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    let day = Duration::from_hours(Once::HOURS);
    insert(&storage, &once(owner, "a", at(0))).unwrap();
    let last = at(0).saturating_add(day);
    assert!(insert(&storage, &once(owner, "a", last)).is_err());
    let after = last.saturating_add(Duration::from_micros(1));
    insert(&storage, &once(owner, "b", after)).unwrap();
    assert!(insert(&storage, &once(owner, "b", after)).is_err());
    assert_eq!(count(&storage, owner), 2);
}

#[rstest]
fn what_is_before_an_instant_is_deleted_and_nothing_else(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    insert(&storage, &once(owner, "a", at(5))).unwrap();
    assert_eq!(storage.database.delete_before(at(5)).unwrap(), 0);
    assert_eq!(storage.database.delete_before(at(6)).unwrap(), 1);
    insert(&storage, &once(owner, "a", at(7))).unwrap();
    assert_eq!(count(&storage, owner), 2);
}

#[rstest]
fn the_key_is_not_kept_when_the_todo_is_not(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let nobody = RandomIds.user();
    let error = insert(&storage, &once(nobody, "a", at(0))).unwrap_err();
    assert!(matches!(error, InsertTodoError::OwnerMissing));
    let far = at(1).saturating_add(Duration::from_hours(48));
    assert_eq!(storage.database.delete_before(far).unwrap(), 0);
}

#[rstest]
fn of_requests_with_one_key_at_once_one_has_its_effect(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    let instances: Vec<_> = (0..8).map(|_| connect(&storage.behind)).collect();
    let results: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = instances
            .iter()
            .map(|instance| {
                scope.spawn(|| {
                    let todo = new_todo(owner, "Buy milk", 0);
                    TodoRepository::insert(instance, &todo, Some(&once(owner, "a", at(0))))
                })
            })
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for error in results.into_iter().filter_map(Result::err) {
        let is_right = matches!(
            &error,
            InsertTodoError::NotOnce(NotOnce::Repeated(_) | NotOnce::UnderWay)
        );
        assert!(is_right, "{error}");
    }
    assert_eq!(count(&storage, owner), 1);
}
