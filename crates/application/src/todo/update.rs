//! Changing a todo.

use todo_domain::{Todo, TodoChange, TodoId};

use crate::{App, Caller, Failure};

/// Why no todo was changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateTodoError {
    /// The caller has no such todo.
    #[error("there is no such todo")]
    NotFound,
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Changes one todo of the caller and gives it as it is then. Of changes made at the same time none is lost.
///
/// # Errors
/// [`UpdateTodoError`].
pub fn update_todo(
    app: &App,
    caller: &Caller,
    id: TodoId,
    change: &TodoChange,
) -> Result<Todo, UpdateTodoError> {
    app.todos
        .update(caller.user_id(), id, change, app.clock.now())
        .map_err(Failure::from)?
        .ok_or(UpdateTodoError::NotFound)
}

#[cfg(test)]
mod tests {
    use todo_domain::{Change, Title};

    use super::*;
    use crate::testing::{Mocks, caller, now, todo, todo_id, unavailable, user_id};

    fn change() -> TodoChange {
        TodoChange {
            title: Change::To(Title::new("Buy oats").unwrap()),
            ..TodoChange::default()
        }
    }

    #[test]
    fn the_callers_todo_is_changed_now() {
        let mut mocks = Mocks::at_now();
        mocks
            .todos
            .expect_update()
            .withf(|owner, id, changed, at| {
                *owner == user_id(1) && *id == todo_id(1) && *changed == change() && *at == now()
            })
            .once()
            .returning(|_, _, _, _| Ok(Some(todo())));
        let updated = update_todo(&mocks.app(), &caller(), todo_id(1), &change()).unwrap();
        assert_eq!(updated, todo());
    }

    #[test]
    fn what_the_caller_does_not_have_is_not_found() {
        let mut mocks = Mocks::at_now();
        mocks.todos.expect_update().returning(|_, _, _, _| Ok(None));
        assert!(matches!(
            update_todo(&mocks.app(), &caller(), todo_id(1), &change()),
            Err(UpdateTodoError::NotFound)
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
            update_todo(&mocks.app(), &caller(), todo_id(1), &change()),
            Err(UpdateTodoError::Failure(Failure::Unavailable(_)))
        ));
    }
}
