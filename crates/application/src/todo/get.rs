//! Reading one todo.

use todo_domain::{Todo, TodoId};

use crate::{App, Caller, ServiceError};

/// Why no todo was read.
#[derive(Debug, thiserror::Error)]
pub enum GetTodoError {
    /// The caller has no such todo.
    #[error("there is no such todo")]
    NotFound,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Reads one todo of the caller.
///
/// # Errors
/// [`GetTodoError`].
pub fn get_todo(app: &App, caller: &Caller, id: TodoId) -> Result<Todo, GetTodoError> {
    app.todos
        .find(caller.owner(), id)
        .map_err(ServiceError::from)?
        .ok_or(GetTodoError::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Mocks, caller, todo, todo_id, unavailable, user_id};

    #[test]
    fn the_callers_todo_is_read() {
        let mut mocks = Mocks::default();
        mocks
            .todos
            .expect_find()
            .withf(|owner, id| *owner == user_id(1).into() && *id == todo_id(1))
            .returning(|_, _| Ok(Some(todo())));
        assert_eq!(
            get_todo(&mocks.app(), &caller(), todo_id(1)).unwrap(),
            todo()
        );
    }

    #[test]
    fn what_the_caller_does_not_have_is_not_found() {
        let mut mocks = Mocks::default();
        mocks.todos.expect_find().returning(|_, _| Ok(None));
        assert!(matches!(
            get_todo(&mocks.app(), &caller(), todo_id(1)),
            Err(GetTodoError::NotFound)
        ));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure_and_not_a_missing_todo() {
        let mut mocks = Mocks::default();
        mocks
            .todos
            .expect_find()
            .returning(|_, _| Err(unavailable()));
        assert!(matches!(
            get_todo(&mocks.app(), &caller(), todo_id(1)),
            Err(GetTodoError::Service(ServiceError::Unavailable(_)))
        ));
    }
}
