//! Making several changes at once.

use todo_domain::{
    Atomicity, NewTodo, OperationOutcome, Todo, TodoChange, TodoId, TodoOperation,
    ports::ApplyTodosError as PortError,
};

use crate::{App, Caller, Failure};

/// One of several changes, as a caller wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedOperation {
    /// Creates a todo.
    Create(NewTodo),
    /// Changes a todo.
    Update {
        /// Which.
        id: TodoId,
        /// How.
        change: TodoChange,
    },
    /// Deletes a todo.
    Delete {
        /// Which.
        id: TodoId,
    },
}

/// Why none of the changes was made.
#[derive(Debug, thiserror::Error)]
pub enum ApplyTodosError {
    /// The caller's account was deleted a moment ago.
    #[error("the account does not exist any more")]
    CallerMissing,
    /// All were to be made or none, and this one, counted from 0, is of a todo that the caller does not have.
    #[error("operation {index} is of a todo that is not there")]
    NotFound {
        /// Which of them.
        index: usize,
    },
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Makes several changes to the caller's todos, in their order, and tells what came of each.
///
/// # Errors
/// [`ApplyTodosError`].
pub fn apply_todos(
    app: &App,
    caller: &Caller,
    wanted: Vec<WantedOperation>,
    atomicity: Atomicity,
) -> Result<Vec<OperationOutcome>, ApplyTodosError> {
    let now = app.clock.now();
    let owner = caller.user_id();
    let operations: Vec<TodoOperation> = wanted
        .into_iter()
        .map(|wanted| match wanted {
            WantedOperation::Create(new) => {
                TodoOperation::Insert(Todo::new(app.ids.todo(), owner, new, now))
            }
            WantedOperation::Update { id, change } => TodoOperation::Update { id, change },
            WantedOperation::Delete { id } => TodoOperation::Delete { id },
        })
        .collect();
    app.todos
        .apply(owner, &operations, atomicity, now)
        .map_err(|error| match error {
            PortError::OwnerMissing => ApplyTodosError::CallerMissing,
            PortError::NotFound { index } => ApplyTodosError::NotFound { index },
            PortError::Storage(error) => ApplyTodosError::Failure(error.into()),
            error => ApplyTodosError::Failure(Failure::Internal(error.into())),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Mocks, caller, new_todo, now, todo, todo_id, unavailable, user_id};

    fn refusing(error: impl Fn() -> PortError + Send + 'static) -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks
            .todos
            .expect_apply()
            .returning(move |_, _, _, _| Err(error()));
        mocks
    }

    fn delete(mocks: Mocks) -> Result<Vec<OperationOutcome>, ApplyTodosError> {
        let wanted = vec![WantedOperation::Delete { id: todo_id(1) }];
        apply_todos(&mocks.app(), &caller(), wanted, Atomicity::AllOrNothing)
    }

    #[test]
    fn the_callers_todos_are_changed_in_order() {
        let mut mocks = Mocks::at_now();
        mocks.ids.expect_todo().return_const(todo_id(1));
        let change = TodoChange::toggle();
        let expected = [
            TodoOperation::Insert(todo()),
            TodoOperation::Update {
                id: todo_id(2),
                change: change.clone(),
            },
            TodoOperation::Delete { id: todo_id(3) },
        ];
        mocks
            .todos
            .expect_apply()
            .withf(move |owner, operations, atomicity, at| {
                *owner == user_id(1)
                    && *operations == expected
                    && *atomicity == Atomicity::EachForItself
                    && *at == now()
            })
            .once()
            .returning(|_, _, _, _| Ok(vec![OperationOutcome::Deleted]));
        let wanted = vec![
            WantedOperation::Create(new_todo()),
            WantedOperation::Update {
                id: todo_id(2),
                change,
            },
            WantedOperation::Delete { id: todo_id(3) },
        ];
        let outcomes = apply_todos(&mocks.app(), &caller(), wanted, Atomicity::EachForItself);
        assert_eq!(outcomes.unwrap(), [OperationOutcome::Deleted]);
    }

    #[test]
    fn the_one_that_finds_no_todo_is_named() {
        let error = delete(refusing(|| PortError::NotFound { index: 3 })).unwrap_err();
        assert!(matches!(error, ApplyTodosError::NotFound { index: 3 }));
    }

    #[test]
    fn a_caller_deleted_meanwhile_is_said_to_be_gone() {
        let error = delete(refusing(|| PortError::OwnerMissing)).unwrap_err();
        assert!(matches!(error, ApplyTodosError::CallerMissing));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let error = delete(refusing(|| unavailable().into())).unwrap_err();
        assert!(matches!(
            error,
            ApplyTodosError::Failure(Failure::Unavailable(_))
        ));
    }
}
