//! Making a done todo undone and an undone one done.

use todo_domain::{Todo, TodoChange, TodoId};

use crate::{App, Caller, Failure};

/// Why no todo was toggled.
#[derive(Debug, thiserror::Error)]
pub enum ToggleTodoError {
    /// The caller has no such todo.
    #[error("there is no such todo")]
    NotFound,
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Toggles one todo of the caller and gives it as it is then. After n at the same time, it is as after n in a row.
///
/// # Errors
/// [`ToggleTodoError`].
pub fn toggle_todo(app: &App, caller: &Caller, id: TodoId) -> Result<Todo, ToggleTodoError> {
    app.todos
        .update(caller.user_id(), id, &TodoChange::toggle(), app.clock.now())
        .map_err(Failure::from)?
        .ok_or(ToggleTodoError::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Mocks, caller, now, todo, todo_id, unavailable, user_id};

    #[test]
    fn the_callers_todo_is_toggled_now() {
        let mut mocks = Mocks::at_now();
        mocks
            .todos
            .expect_update()
            .withf(|owner, id, change, at| {
                *owner == user_id(1)
                    && *id == todo_id(1)
                    && *change == TodoChange::toggle()
                    && *at == now()
            })
            .once()
            .returning(|_, _, _, _| Ok(Some(todo())));
        assert_eq!(
            toggle_todo(&mocks.app(), &caller(), todo_id(1)).unwrap(),
            todo()
        );
    }

    #[test]
    fn what_the_caller_does_not_have_is_not_found() {
        let mut mocks = Mocks::at_now();
        mocks.todos.expect_update().returning(|_, _, _, _| Ok(None));
        assert!(matches!(
            toggle_todo(&mocks.app(), &caller(), todo_id(1)),
            Err(ToggleTodoError::NotFound)
        ));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::at_now();
        mocks
            .todos
            .expect_update()
            .returning(|_, _, _, _| Err(unavailable()));
        assert!(matches!(
            toggle_todo(&mocks.app(), &caller(), todo_id(1)),
            Err(ToggleTodoError::Failure(Failure::Unavailable(_)))
        ));
    }
}
