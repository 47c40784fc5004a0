//! Making a done todo undone and an undone one done.

use todo_domain::{Todo, TodoChange, TodoId};

use super::{
    precondition::Precondition,
    update::{UpdateTodoError, update_todo},
};
use crate::{App, Caller};

/// Toggles one todo of the caller and gives it as it is then. After n at the same time, it is as after n in a row.
///
/// # Errors
/// [`UpdateTodoError`], as for any other change.
pub fn toggle_todo(
    app: &App,
    caller: &Caller,
    id: TodoId,
    precondition: &Precondition,
) -> Result<Todo, UpdateTodoError> {
    update_todo(app, caller, id, precondition, &TodoChange::toggle())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Mocks, caller, now, todo, todo_id, user_id};

    #[test]
    fn the_callers_todo_is_toggled_now() {
        let mut mocks = Mocks::at_now();
        mocks
            .todos
            .expect_update()
            .withf(|owner, id, expected, change, at| {
                *owner == user_id(1).into()
                    && *id == todo_id(1)
                    && *expected == Some(3)
                    && *change == TodoChange::toggle()
                    && *at == now()
            })
            .once()
            .returning(|_, _, _, _, _| Ok(Some(todo())));
        let demanded = Precondition::VersionIn(vec![3]);
        let toggled = toggle_todo(&mocks.app(), &caller(), todo_id(1), &demanded);
        assert_eq!(toggled.unwrap(), todo());
    }
}
