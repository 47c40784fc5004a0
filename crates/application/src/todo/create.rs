//! Creating a todo.

use todo_domain::{NewTodo, Todo, ports::InsertTodoError};

use crate::{App, Caller, Failure};

/// Why no todo was created.
#[derive(Debug, thiserror::Error)]
pub enum CreateTodoError {
    /// The caller's account was deleted a moment ago.
    #[error("the account does not exist any more")]
    CallerMissing,
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Creates a todo of the caller.
///
/// # Errors
/// [`CreateTodoError`].
pub fn create_todo(app: &App, caller: &Caller, input: NewTodo) -> Result<Todo, CreateTodoError> {
    let todo = Todo::new(app.ids.todo(), caller.user_id(), input, app.clock.now());
    app.todos.insert(&todo).map_err(|error| match error {
        InsertTodoError::OwnerMissing => CreateTodoError::CallerMissing,
        InsertTodoError::Storage(error) => CreateTodoError::Failure(error.into()),
        error => CreateTodoError::Failure(Failure::Internal(error.into())),
    })?;
    Ok(todo)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Mocks, caller, new_todo, todo, todo_id, unavailable};

    fn mocks() -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks.ids.expect_todo().return_const(todo_id(1));
        mocks
    }

    #[test]
    fn the_caller_owns_what_is_created() {
        let mut mocks = mocks();
        mocks
            .todos
            .expect_insert()
            .withf(|stored| *stored == todo())
            .once()
            .returning(|_| Ok(()));
        let created = create_todo(&mocks.app(), &caller(), new_todo()).unwrap();
        assert_eq!(created, todo());
        assert_eq!(created.owner, caller().user_id());
    }

    #[test]
    fn a_caller_deleted_meanwhile_is_said_to_be_gone() {
        let mut mocks = mocks();
        mocks
            .todos
            .expect_insert()
            .returning(|_| Err(InsertTodoError::OwnerMissing));
        assert!(matches!(
            create_todo(&mocks.app(), &caller(), new_todo()),
            Err(CreateTodoError::CallerMissing)
        ));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = mocks();
        mocks
            .todos
            .expect_insert()
            .returning(|_| Err(unavailable().into()));
        assert!(matches!(
            create_todo(&mocks.app(), &caller(), new_todo()),
            Err(CreateTodoError::Failure(Failure::Unavailable(_)))
        ));
    }
}
