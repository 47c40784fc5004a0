//! Clauses about idempotency: inserting one todo, and making several changes.

use std::{thread, time::Duration};

use todo_domain::{
    Atomicity, IdempotencyConflict, IdempotencyKey, Once, OperationOutcome, Timestamp, Todo,
    TodoFilter, TodoOperation, UserId,
    ports::{ApplyTodosError, BoxError, InsertTodoError, TodoRepository},
};

use crate::fixture::{TestStorage, at, new_todo, todo_id, user_id};

use self::Method::{Apply, Insert};

/// The methods that take a [`Once`].
#[derive(Debug, Clone, Copy)]
pub enum Method {
    Insert,
    Apply,
}

/// Why a request was not granted.
#[derive(Debug)]
enum Refused {
    OwnerMissing,
    NotFound,
    IdempotencyConflict(IdempotencyConflict),
    TestStorage,
}

fn once<'a, T: ?Sized>(
    user_id: UserId,
    request: &str,
    now: Timestamp,
    answer: &'a dyn Fn(&T) -> Result<String, BoxError>,
) -> Once<'a, T> {
    Once {
        user_id,
        key: IdempotencyKey::new("key").unwrap(),
        request: request.to_owned(),
        now,
        answer,
    }
}

fn apply(
    todos: &dyn TodoRepository,
    operations: &[TodoOperation],
    atomicity: Atomicity,
    once: &Once<'_, [OperationOutcome]>,
) -> Result<Vec<OperationOutcome>, Refused> {
    todos
        .apply(once.user_id, operations, atomicity, once.now, Some(once))
        .map_err(|error| match error {
            ApplyTodosError::OwnerMissing => Refused::OwnerMissing,
            ApplyTodosError::NotFound { .. } => Refused::NotFound,
            ApplyTodosError::IdempotencyConflict(not_once) => {
                Refused::IdempotencyConflict(not_once)
            }
            _ => Refused::TestStorage,
        })
}

impl Method {
    /// Asks for a new todo, and gives what that is answered with.
    fn ask(
        self,
        todos: &dyn TodoRepository,
        owner: UserId,
        request: &str,
        now: Timestamp,
    ) -> Result<String, Refused> {
        let todo = new_todo(owner, "Buy milk", 0);
        match self {
            Insert => {
                let answer = |todo: &Todo| Ok(format!("{} made {}", request, todo.id));
                let once = once(owner, request, now, &answer);
                match todos.insert(&todo, Some(&once)) {
                    Ok(()) => Ok(answer(&todo).unwrap()),
                    Err(InsertTodoError::OwnerMissing) => Err(Refused::OwnerMissing),
                    Err(InsertTodoError::IdempotencyConflict(not_once)) => {
                        Err(Refused::IdempotencyConflict(not_once))
                    }
                    Err(_) => Err(Refused::TestStorage),
                }
            }
            Apply => {
                let answer =
                    |outcomes: &[OperationOutcome]| Ok(format!("{request} made {outcomes:?}"));
                let once = once(owner, request, now, &answer);
                let operations = [TodoOperation::Insert(todo)];
                let outcomes = apply(todos, &operations, Atomicity::AllOrNothing, &once)?;
                Ok(answer(&outcomes).unwrap())
            }
        }
    }
}

fn count(storage: &TestStorage, owner: UserId) -> u64 {
    storage
        .todos()
        .count(owner.into(), &TodoFilter::default())
        .unwrap()
}

/// How many keys are kept, which are gone then.
fn keys(storage: &TestStorage) -> usize {
    let far = at(1).saturating_add(Duration::from_hours(48));
    storage.idempotency_keys().delete_before(far).unwrap()
}

pub fn a_repeated_request_gets_the_first_answer(storage: &TestStorage, method: Method) {
    let owner = storage.user("ada@example.com").id;
    let first = method.ask(storage.todos(), owner, "a", at(0)).unwrap();
    for _ in 0..2 {
        let refused = method.ask(storage.todos(), owner, "a", at(1)).unwrap_err();
        let Refused::IdempotencyConflict(IdempotencyConflict::Repeated(answer)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(answer, first);
    }
    assert_eq!(count(storage, owner), 1);
}

pub fn another_request_with_the_same_key_is_refused(
    storage: &TestStorage,
    method: Method,
    before: Method,
) {
    let owner = storage.user("ada@example.com").id;
    before.ask(storage.todos(), owner, "a", at(0)).unwrap();
    let refused = method.ask(storage.todos(), owner, "b", at(1)).unwrap_err();
    assert!(
        matches!(
            refused,
            Refused::IdempotencyConflict(IdempotencyConflict::KeyReused)
        ),
        "{refused:?}"
    );
    assert_eq!(count(storage, owner), 1);
}

pub fn another_user_may_use_the_same_key(storage: &TestStorage, method: Method) {
    for email in ["ada@example.com", "grace@example.com"] {
        let owner = storage.user(email).id;
        method.ask(storage.todos(), owner, "a", at(0)).unwrap();
        assert_eq!(count(storage, owner), 1);
    }
}

pub fn a_key_expires_after_a_day(storage: &TestStorage, method: Method) {
    let owner = storage.user("ada@example.com").id;
    let ask = |request, now| method.ask(storage.todos(), owner, request, now);
    let day = Duration::from_hours(IdempotencyKey::HOURS);
    ask("a", at(0)).unwrap();
    let last = at(0).saturating_add(day);
    assert!(ask("a", last).is_err());
    let after = last.saturating_add(Duration::from_micros(1));
    let answer = ask("b", after).unwrap();
    let refused = ask("b", after).unwrap_err();
    assert!(
        matches!(&refused, Refused::IdempotencyConflict(IdempotencyConflict::Repeated(again)) if *again == answer),
        "{refused:?}"
    );
    assert_eq!(count(storage, owner), 2);
}

pub fn keys_before_an_instant_are_deleted(storage: &TestStorage, method: Method) {
    let owner = storage.user("ada@example.com").id;
    method.ask(storage.todos(), owner, "a", at(5)).unwrap();
    assert_eq!(storage.idempotency_keys().delete_before(at(5)).unwrap(), 0);
    assert_eq!(storage.idempotency_keys().delete_before(at(6)).unwrap(), 1);
    method.ask(storage.todos(), owner, "a", at(7)).unwrap();
    assert_eq!(count(storage, owner), 2);
}

pub fn a_failed_insertion_stores_no_key(storage: &TestStorage, method: Method) {
    let nobody = user_id();
    let refused = method.ask(storage.todos(), nobody, "a", at(0)).unwrap_err();
    assert!(matches!(refused, Refused::OwnerMissing), "{refused:?}");
    assert_eq!(keys(storage), 0);
}

pub fn concurrent_requests_with_one_key_have_one_effect(storage: &TestStorage, method: Method) {
    let owner = storage.user("ada@example.com").id;
    let instances: Vec<_> = (0..8).map(|_| storage.connect()).collect();
    let results: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = instances
            .iter()
            .map(|instance| scope.spawn(|| method.ask(instance.todos(), owner, "a", at(0))))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let granted: Vec<_> = results.iter().flatten().collect();
    assert_eq!(granted.len(), 1);
    for refused in results.iter().filter_map(|result| result.as_ref().err()) {
        match refused {
            Refused::IdempotencyConflict(IdempotencyConflict::Repeated(answer)) => {
                assert_eq!(answer, granted[0]);
            }
            Refused::IdempotencyConflict(IdempotencyConflict::UnderWay) => (),
            refused => panic!("{refused:?}"),
        }
    }
    assert_eq!(count(storage, owner), 1);
}

pub fn a_request_without_an_answer_fails(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let todo = new_todo(owner, "Buy milk", 0);
    let without = |_: &Todo| Err("no answer".into());
    let error = storage
        .todos()
        .insert(&todo, Some(&once(owner, "a", at(0), &without)));
    assert!(matches!(error, Err(InsertTodoError::Storage(_))));

    let without = |_: &[OperationOutcome]| Err("no answer".into());
    let once = once(owner, "a", at(0), &without);
    let operations = [TodoOperation::Insert(todo)];
    let refused = apply(
        storage.todos(),
        &operations,
        Atomicity::EachForItself,
        &once,
    );
    assert!(matches!(refused, Err(Refused::TestStorage)), "{refused:?}");
    assert_eq!(count(storage, owner), 0);
    assert_eq!(keys(storage), 0);
}

pub fn a_failed_batch_stores_no_key(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let answer = |outcomes: &[OperationOutcome]| Ok(format!("{outcomes:?}"));
    let once = once(owner, "a", at(0), &answer);
    let operations = [
        TodoOperation::Insert(new_todo(owner, "Buy milk", 0)),
        TodoOperation::Delete { id: todo_id() },
    ];
    let ask = |atomicity| apply(storage.todos(), &operations, atomicity, &once);
    for _ in 0..2 {
        let refused = ask(Atomicity::AllOrNothing).unwrap_err();
        assert!(matches!(refused, Refused::NotFound), "{refused:?}");
    }
    let outcomes = ask(Atomicity::EachForItself).unwrap();
    let refused = ask(Atomicity::EachForItself).unwrap_err();
    let Refused::IdempotencyConflict(IdempotencyConflict::Repeated(again)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(again, answer(&outcomes).unwrap());
    assert_eq!(count(storage, owner), 1);
    assert_eq!(keys(storage), 1);
}
