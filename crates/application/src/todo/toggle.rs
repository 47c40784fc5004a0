//! Making a done todo undone and an undone one done.

use todo_domain::{Todo, TodoChange, TodoId};

use super::precondition::{Precondition, change_if, from_refused};
use crate::{App, Caller, Failure};

/// Why no todo was toggled.
#[derive(Debug, thiserror::Error)]
pub enum ToggleTodoError {
    /// The caller has no such todo.
    #[error("there is no such todo")]
    NotFound,
    /// It is not of a version that the caller demanded.
    #[error("the todo is of another version")]
    PreconditionFailed,
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

from_refused!(ToggleTodoError);

/// Toggles one todo of the caller and gives it as it is then. After n at the same time, it is as after n in a row.
///
/// # Errors
/// [`ToggleTodoError`].
pub fn toggle_todo(
    app: &App,
    caller: &Caller,
    id: TodoId,
    precondition: &Precondition,
) -> Result<Todo, ToggleTodoError> {
    let now = app.clock.now();
    let toggled = change_if(app, caller, id, precondition, |expected| {
        let change = TodoChange::toggle();
        Ok(app
            .todos
            .update(caller.user_id(), id, expected, &change, now)?)
    })?;
    Ok(toggled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Mocks, caller, now, todo, todo_id, unavailable, user_id};

    fn toggle(mocks: Mocks) -> Result<Todo, ToggleTodoError> {
        let demanded = Precondition::Nothing;
        toggle_todo(&mocks.app(), &caller(), todo_id(1), &demanded)
    }

    #[test]
    fn the_callers_todo_is_toggled_now() {
        let mut mocks = Mocks::at_now();
        mocks
            .todos
            .expect_update()
            .withf(|owner, id, expected, change, at| {
                *owner == user_id(1)
                    && *id == todo_id(1)
                    && expected.is_none()
                    && *change == TodoChange::toggle()
                    && *at == now()
            })
            .once()
            .returning(|_, _, _, _, _| Ok(Some(todo())));
        assert_eq!(toggle(mocks).unwrap(), todo());
    }

    #[test]
    fn what_the_caller_does_not_have_is_not_found() {
        let mut mocks = Mocks::at_now();
        mocks
            .todos
            .expect_update()
            .returning(|_, _, _, _, _| Ok(None));
        assert!(matches!(toggle(mocks), Err(ToggleTodoError::NotFound)));
    }

    #[test]
    fn a_todo_of_another_version_is_left_alone() {
        let mut mocks = Mocks::at_now();
        mocks.todos.expect_find().returning(|_, _| Ok(Some(todo())));
        let demanded = Precondition::VersionIn(Vec::new());
        assert!(matches!(
            toggle_todo(&mocks.app(), &caller(), todo_id(1), &demanded),
            Err(ToggleTodoError::PreconditionFailed)
        ));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::at_now();
        mocks
            .todos
            .expect_update()
            .returning(|_, _, _, _, _| Err(unavailable()));
        assert!(matches!(
            toggle(mocks),
            Err(ToggleTodoError::Failure(Failure::Unavailable(_)))
        ));
    }
}
