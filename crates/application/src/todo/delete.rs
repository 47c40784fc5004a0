//! Deleting a todo.

use todo_domain::TodoId;

use crate::{App, Caller, Failure};

/// Why no todo was deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteTodoError {
    /// The caller has no such todo.
    #[error("there is no such todo")]
    NotFound,
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Deletes one todo of the caller. Of several deletions of one todo at the same time, exactly one succeeds.
///
/// # Errors
/// [`DeleteTodoError`].
pub fn delete_todo(app: &App, caller: &Caller, id: TodoId) -> Result<(), DeleteTodoError> {
    let deleted = app
        .todos
        .delete(caller.user_id(), id)
        .map_err(Failure::from)?;
    if deleted {
        Ok(())
    } else {
        Err(DeleteTodoError::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Mocks, caller, todo_id, unavailable, user_id};

    #[test]
    fn the_callers_todo_is_deleted() {
        let mut mocks = Mocks::default();
        mocks
            .todos
            .expect_delete()
            .withf(|owner, id| *owner == user_id(1) && *id == todo_id(1))
            .once()
            .returning(|_, _| Ok(true));
        assert!(delete_todo(&mocks.app(), &caller(), todo_id(1)).is_ok());
    }

    #[test]
    fn what_the_caller_does_not_have_is_not_found() {
        let mut mocks = Mocks::default();
        mocks.todos.expect_delete().returning(|_, _| Ok(false));
        assert!(matches!(
            delete_todo(&mocks.app(), &caller(), todo_id(1)),
            Err(DeleteTodoError::NotFound)
        ));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::default();
        mocks
            .todos
            .expect_delete()
            .returning(|_, _| Err(unavailable()));
        assert!(matches!(
            delete_todo(&mocks.app(), &caller(), todo_id(1)),
            Err(DeleteTodoError::Failure(Failure::Unavailable(_)))
        ));
    }
}
