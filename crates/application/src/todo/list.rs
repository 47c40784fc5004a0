//! Listing todos.

use todo_domain::{Page, Todo, TodoFilter};

use crate::{App, Caller, Failure};

/// Which todos are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListTodos {
    /// Those that meet these conditions.
    pub filter: TodoFilter,
    /// This part of them.
    pub page: Page,
    /// Whether the number of all that meet the conditions is wanted even where it costs a question of its own.
    pub with_total: bool,
}

/// A page of todos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TodoList {
    /// The todos of this page, newest first.
    pub todos: Vec<Todo>,
    /// How many there are in all: there when it was asked for, or when the page shows it.
    pub total: Option<u64>,
}

/// Why nothing was listed.
#[derive(Debug, thiserror::Error)]
pub enum ListTodosError {
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Lists todos of the caller, newest first.
///
/// # Errors
/// [`ListTodosError`].
pub fn list_todos(
    app: &App,
    caller: &Caller,
    input: &ListTodos,
) -> Result<TodoList, ListTodosError> {
    let ListTodos {
        filter,
        page,
        with_total,
    } = input;
    let owner = caller.user_id();
    let mut todos = app
        .todos
        .list(owner, filter, *page)
        .map_err(Failure::from)?;
    let goes_on = todos.len() > usize::from(page.limit.get());
    todos.truncate(page.limit.get().into());

    let shown_by_page = !goes_on && (page.offset == 0 || !todos.is_empty());
    let total = if shown_by_page {
        Some(u64::from(page.offset) + todos.len() as u64)
    } else if *with_total {
        Some(app.todos.count(owner, filter).map_err(Failure::from)?)
    } else {
        None
    };
    Ok(TodoList { todos, total })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::{PageLimit, SearchText};

    use super::*;
    use crate::testing::{Mocks, caller, todo, unavailable, user_id};

    fn input(limit: u32, offset: u32, with_total: bool) -> ListTodos {
        ListTodos {
            filter: TodoFilter {
                completed: Some(false),
                text: Some(SearchText::new("milk").unwrap()),
            },
            page: Page {
                limit: PageLimit::new(limit).unwrap(),
                offset,
            },
            with_total,
        }
    }

    fn found(n: usize) -> Mocks {
        let mut mocks = Mocks::default();
        mocks
            .todos
            .expect_list()
            .withf(|owner, filter, _| *owner == user_id(1) && *filter == input(1, 0, false).filter)
            .once()
            .return_once(move |_, _, _| Ok(vec![todo(); n]));
        mocks
    }

    #[rstest]
    #[case::nothing(0, 0, 0, Some(0))]
    #[case::not_full(1, 0, 1, Some(1))]
    #[case::exactly_full(2, 0, 2, Some(2))]
    #[case::goes_on(3, 0, 2, None)]
    #[case::the_last_page(1, 10, 1, Some(11))]
    #[case::past_the_end(0, 10, 0, None)]
    fn the_total_is_there_when_the_page_shows_it(
        #[case] found_todos: usize,
        #[case] offset: u32,
        #[case] listed: usize,
        #[case] total: Option<u64>,
    ) {
        let app = found(found_todos).app();
        let list = list_todos(&app, &caller(), &input(2, offset, false)).unwrap();
        assert_eq!(list.todos.len(), listed);
        assert_eq!(list.total, total);
    }

    #[rstest]
    #[case::goes_on(3, 0)]
    #[case::past_the_end(0, 10)]
    fn the_total_is_counted_when_asked_for_and_not_shown(
        #[case] found_todos: usize,
        #[case] offset: u32,
    ) {
        let mut mocks = found(found_todos);
        mocks
            .todos
            .expect_count()
            .withf(|owner, filter| *owner == user_id(1) && *filter == input(1, 0, false).filter)
            .once()
            .returning(|_, _| Ok(7));
        let list = list_todos(&mocks.app(), &caller(), &input(2, offset, true)).unwrap();
        assert_eq!(list.total, Some(7));
    }

    #[test]
    fn nothing_is_counted_when_the_page_shows_the_total() {
        let app = found(1).app();
        let list = list_todos(&app, &caller(), &input(2, 0, true)).unwrap();
        assert_eq!(list.total, Some(1));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure_and_not_an_empty_list() {
        let mut mocks = Mocks::default();
        mocks
            .todos
            .expect_list()
            .returning(|_, _, _| Err(unavailable()));
        assert!(matches!(
            list_todos(&mocks.app(), &caller(), &input(2, 0, false)),
            Err(ListTodosError::Failure(Failure::Unavailable(_)))
        ));

        let mut mocks = found(3);
        mocks
            .todos
            .expect_count()
            .returning(|_, _| Err(unavailable()));
        assert!(matches!(
            list_todos(&mocks.app(), &caller(), &input(2, 0, true)),
            Err(ListTodosError::Failure(Failure::Unavailable(_)))
        ));
    }
}
