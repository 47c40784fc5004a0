//! Deleting a todo.

use todo_domain::TodoId;

use super::precondition::{Precondition, change_if, from_refused};
use crate::{App, Caller, ServiceError};

/// Why no todo was deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteTodoError {
    /// The caller has no such todo.
    #[error("there is no such todo")]
    NotFound,
    /// It is not of a version that the caller demanded.
    #[error("the todo is of another version")]
    PreconditionFailed,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

from_refused!(DeleteTodoError);

/// Deletes one todo of the caller. Of several deletions of one todo at the same time, exactly one succeeds.
///
/// # Errors
/// [`DeleteTodoError`].
pub fn delete_todo(
    app: &App,
    caller: &Caller,
    id: TodoId,
    precondition: &Precondition,
) -> Result<(), DeleteTodoError> {
    change_if(app, caller, id, precondition, |expected| {
        let deleted = app.todos.delete(caller.owner(), id, expected)?;
        Ok(deleted.then_some(()))
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Mocks, caller, todo, todo_id, unavailable, user_id};

    fn delete(mocks: Mocks) -> Result<(), DeleteTodoError> {
        let demanded = Precondition::Nothing;
        delete_todo(&mocks.app(), &caller(), todo_id(1), &demanded)
    }

    #[test]
    fn the_callers_todo_is_deleted() {
        let mut mocks = Mocks::default();
        mocks
            .todos
            .expect_delete()
            .withf(|owner, id, expected| {
                *owner == user_id(1).into() && *id == todo_id(1) && expected.is_none()
            })
            .once()
            .returning(|_, _, _| Ok(true));
        assert!(delete(mocks).is_ok());
    }

    #[test]
    fn what_the_caller_does_not_have_is_not_found() {
        let mut mocks = Mocks::default();
        mocks.todos.expect_delete().returning(|_, _, _| Ok(false));
        assert!(matches!(delete(mocks), Err(DeleteTodoError::NotFound)));
    }

    #[test]
    fn a_todo_of_another_version_is_left_alone() {
        let mut mocks = Mocks::default();
        mocks.todos.expect_find().returning(|_, _| Ok(Some(todo())));
        let demanded = Precondition::VersionIn(Vec::new());
        assert!(matches!(
            delete_todo(&mocks.app(), &caller(), todo_id(1), &demanded),
            Err(DeleteTodoError::PreconditionFailed)
        ));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::default();
        mocks
            .todos
            .expect_delete()
            .returning(|_, _, _| Err(unavailable()));
        assert!(matches!(
            delete(mocks),
            Err(DeleteTodoError::Service(ServiceError::Unavailable(_)))
        ));
    }
}
