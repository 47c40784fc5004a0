//! Clauses about batches of changes.

use todo_domain::{
    Atomicity, OperationOutcome, Todo, TodoChange, TodoFilter, TodoOperation,
    ports::ApplyTodosError,
};

use crate::fixture::{TestStorage, at, new_todo, user_id};

pub fn changes_are_made_in_order_with_one_outcome_each(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let (first, second) = (new_todo(owner, "a", 0), new_todo(owner, "b", 1));
    let toggle = TodoOperation::Update {
        id: first.id,
        change: TodoChange::toggle(),
    };
    let nothing = TodoOperation::Update {
        id: second.id,
        change: TodoChange::default(),
    };
    let delete = TodoOperation::Delete { id: first.id };
    let operations = [
        TodoOperation::Insert(first.clone()),
        TodoOperation::Insert(second.clone()),
        toggle,
        nothing,
        delete,
    ];
    let todos = storage.todos();
    let outcomes = todos.apply(owner, &operations, Atomicity::AllOrNothing, at(9), None);
    let mut toggled = first.clone();
    toggled.apply(&TodoChange::toggle(), at(9));
    assert_eq!(
        outcomes.unwrap(),
        [
            OperationOutcome::Written(first.clone()),
            OperationOutcome::Written(second.clone()),
            OperationOutcome::Written(toggled),
            OperationOutcome::Written(second.clone()),
            OperationOutcome::Deleted,
        ]
    );
    assert_eq!(todos.find(owner.into(), first.id).unwrap(), None);
    assert_eq!(todos.find(owner.into(), second.id).unwrap(), Some(second));
}

pub fn an_atomic_batch_with_a_missing_todo_changes_nothing(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let other = storage.user("grace@example.com").id;
    let foreign = storage.todo(other, "not yours", 0);
    let inserted = new_todo(owner, "a", 0);
    let operations = [
        TodoOperation::Insert(inserted.clone()),
        TodoOperation::Delete { id: foreign.id },
    ];
    let todos = storage.todos();
    let error = todos
        .apply(owner, &operations, Atomicity::AllOrNothing, at(9), None)
        .unwrap_err();
    assert!(matches!(error, ApplyTodosError::NotFound { index: 1 }));
    assert_eq!(todos.find(owner.into(), inserted.id).unwrap(), None);
    assert_eq!(todos.find(other.into(), foreign.id).unwrap(), Some(foreign));

    let outcomes = todos.apply(owner, &operations, Atomicity::EachForItself, at(9), None);
    let expected = [
        OperationOutcome::Written(inserted.clone()),
        OperationOutcome::NotFound,
    ];
    assert_eq!(outcomes.unwrap(), expected);
    assert_eq!(
        todos.find(owner.into(), inserted.id).unwrap(),
        Some(inserted)
    );
}

pub fn a_batch_without_an_owner_is_refused(storage: &TestStorage) {
    let nobody = user_id();
    let operations = [TodoOperation::Insert(new_todo(nobody, "a", 0))];
    for atomicity in [Atomicity::AllOrNothing, Atomicity::EachForItself] {
        let error = storage
            .todos()
            .apply(nobody, &operations, atomicity, at(9), None);
        assert!(matches!(error, Err(ApplyTodosError::OwnerMissing)));
    }
}

pub fn a_thousand_todos_are_inserted_at_once(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let todos: Vec<Todo> = (0..1_000).map(|n| new_todo(owner, "a", n)).collect();
    let operations: Vec<_> = todos.iter().cloned().map(TodoOperation::Insert).collect();
    let outcomes = storage
        .todos()
        .apply(owner, &operations, Atomicity::AllOrNothing, at(9), None);
    assert_eq!(outcomes.unwrap().len(), 1_000);
    let count = storage.todos().count(owner.into(), &TodoFilter::default());
    assert_eq!(count.unwrap(), 1_000);
}
