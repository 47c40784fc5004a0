//! Changing a todo.

use todo_domain::{Todo, TodoChange, TodoId};

use super::precondition::{Precondition, change_if, from_refused};
use crate::{App, Caller, ServiceError};

/// Why no todo was changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateTodoError {
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

from_refused!(UpdateTodoError);

/// Changes one todo of the caller and gives it as it is then. Of changes made at the same time none is lost.
///
/// # Errors
/// [`UpdateTodoError`].
pub fn update_todo(
    app: &App,
    caller: &Caller,
    id: TodoId,
    precondition: &Precondition,
    change: &TodoChange,
) -> Result<Todo, UpdateTodoError> {
    let now = app.clock.now();
    let updated = change_if(app, caller, id, precondition, |expected| {
        Ok(app
            .todos
            .update(caller.owner(), id, expected, change, now)?)
    })?;
    Ok(updated)
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

    fn update(mocks: Mocks) -> Result<Todo, UpdateTodoError> {
        let demanded = Precondition::Nothing;
        update_todo(&mocks.app(), &caller(), todo_id(1), &demanded, &change())
    }

    #[test]
    fn the_callers_todo_is_changed_now() {
        let mut mocks = Mocks::at_now();
        mocks
            .todos
            .expect_update()
            .withf(|owner, id, expected, changed, at| {
                *owner == user_id(1).into()
                    && *id == todo_id(1)
                    && *expected == Some(3)
                    && *changed == change()
                    && *at == now()
            })
            .once()
            .returning(|_, _, _, _, _| Ok(Some(todo())));
        let demanded = Precondition::VersionIn(vec![3]);
        let updated = update_todo(&mocks.app(), &caller(), todo_id(1), &demanded, &change());
        assert_eq!(updated.unwrap(), todo());
    }

    #[test]
    fn what_the_caller_does_not_have_is_not_found() {
        let mut mocks = Mocks::at_now();
        mocks
            .todos
            .expect_update()
            .returning(|_, _, _, _, _| Ok(None));
        assert!(matches!(update(mocks), Err(UpdateTodoError::NotFound)));
    }

    #[test]
    fn a_todo_of_another_version_is_left_alone() {
        let mut mocks = Mocks::at_now();
        mocks.todos.expect_find().returning(|_, _| Ok(Some(todo())));
        let demanded = Precondition::VersionIn(Vec::new());
        assert!(matches!(
            update_todo(&mocks.app(), &caller(), todo_id(1), &demanded, &change()),
            Err(UpdateTodoError::PreconditionFailed)
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
            update(mocks),
            Err(UpdateTodoError::Service(ServiceError::Unavailable(_)))
        ));
    }
}
