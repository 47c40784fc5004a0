//! Listing todos.

use todo_domain::{
    Days, DueCondition, DuePeriod, Page, PageStart, Position, TimeZone, Todo, TodoFilter,
};

use crate::{App, Caller, ServiceError};

/// Which todos are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListTodos {
    /// Those that meet these conditions.
    pub filter: TodoFilter,
    /// And are due then.
    pub due: DueQuery,
    /// This part of them, in this order.
    pub page: Page,
    /// Whether the number of all that meet the conditions is wanted even where it costs a question of its own.
    pub with_total: bool,
}

/// When todos are due that are wanted, as a caller says it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DueQuery {
    /// In this period, seen from now.
    pub period: Option<DuePeriod>,
    /// On these days; all of them, where there are several.
    pub days: Vec<Days>,
    /// Where the caller is, which tells when a day begins; where it is not said, what the user has chosen, or UTC.
    pub time_zone: Option<TimeZone>,
}

/// A page of todos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TodoList {
    /// The todos of this page.
    pub todos: Vec<Todo>,
    /// How many there are in all: there when it was asked for, or when the page shows it.
    pub total: Option<u64>,
    /// Where the next page starts; `None` when this is the last.
    pub next: Option<Position>,
}

/// Why nothing was listed.
#[derive(Debug, thiserror::Error)]
pub enum ListTodosError {
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Lists todos of the caller.
///
/// # Errors
/// [`ListTodosError`].
pub fn list_todos(
    app: &App,
    caller: &Caller,
    input: ListTodos,
) -> Result<TodoList, ListTodosError> {
    let ListTodos {
        mut filter,
        due,
        page,
        with_total,
    } = input;
    filter.due.extend(due_conditions(app, caller, due)?);
    let owner = caller.owner();
    let mut todos = app
        .todos
        .list(owner, &filter, &page)
        .map_err(ServiceError::from)?;
    let limit = usize::from(page.limit.get());
    let goes_on = todos.len() > limit;
    todos.truncate(limit);

    let total = match total_shown_by(&page, todos.len(), goes_on) {
        Some(total) => Some(total),
        None if with_total => Some(
            app.todos
                .count(owner, &filter)
                .map_err(ServiceError::from)?,
        ),
        None => None,
    };
    let next = match todos.last() {
        Some(last) if goes_on => Some(page.order.position(last)),
        _ => None,
    };
    Ok(TodoList { todos, total, next })
}

fn due_conditions(
    app: &App,
    caller: &Caller,
    due: DueQuery,
) -> Result<Vec<DueCondition>, ServiceError> {
    if due.days.is_empty() && due.period.is_none() {
        return Ok(Vec::new());
    }
    let zone = match due.time_zone {
        Some(zone) => zone,
        None => caller
            .settings()?
            .time_zone
            .clone()
            .unwrap_or(TimeZone::UTC),
    };
    let days = due.days.into_iter().map(|days| days.condition(&zone));
    let period = due
        .period
        .map(|period| period.condition(app.clock.now(), &zone));
    Ok(days.chain(period).collect())
}

/// How many todos there are in all, where a page of so many shows it: it ends where they all end, and it is known how
/// many come before it.
fn total_shown_by(page: &Page, todos: usize, goes_on: bool) -> Option<u64> {
    match page.start {
        PageStart::Offset(offset) if !goes_on && (offset == 0 || todos > 0) => {
            Some(u64::from(offset) + todos as u64)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::{PageLimit, SearchText, TodoOrder, UserSettings, date};

    use super::*;
    use crate::testing::{Mocks, caller, now, todo, unavailable, user_id};

    fn input(limit: u32, offset: u32, with_total: bool) -> ListTodos {
        ListTodos {
            filter: TodoFilter {
                completed: Some(false),
                text: Some(SearchText::new("milk").unwrap()),
                ..TodoFilter::default()
            },
            page: Page {
                limit: PageLimit::new(limit).unwrap(),
                start: PageStart::Offset(offset),
                ..Page::default()
            },
            with_total,
            ..ListTodos::default()
        }
    }

    fn found(n: usize) -> Mocks {
        let mut mocks = Mocks::default();
        mocks
            .todos
            .expect_list()
            .withf(|owner, filter, _| {
                *owner == user_id(1).into() && *filter == input(1, 0, false).filter
            })
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
        let list = list_todos(&app, &caller(), input(2, offset, false)).unwrap();
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
            .withf(|owner, filter| {
                *owner == user_id(1).into() && *filter == input(1, 0, false).filter
            })
            .once()
            .returning(|_, _| Ok(7));
        let list = list_todos(&mocks.app(), &caller(), input(2, offset, true)).unwrap();
        assert_eq!(list.total, Some(7));
    }

    #[test]
    fn a_page_that_goes_on_says_where_the_next_one_starts() {
        let list = list_todos(&found(3).app(), &caller(), input(2, 0, false)).unwrap();
        assert_eq!(list.next, Some(TodoOrder::default().position(&todo())));
        let list = list_todos(&found(2).app(), &caller(), input(2, 0, false)).unwrap();
        assert_eq!(list.next, None);
    }

    #[test]
    fn a_page_after_another_does_not_show_the_total() {
        let after = ListTodos {
            page: Page {
                start: PageStart::After(TodoOrder::default().position(&todo())),
                ..input(2, 0, false).page
            },
            ..input(2, 0, false)
        };
        let list = list_todos(&found(1).app(), &caller(), after).unwrap();
        assert_eq!(list.total, None);
    }

    #[test]
    fn days_and_periods_are_seen_from_now_and_where_the_caller_is() {
        let berlin: TimeZone = "Europe/Berlin".parse().unwrap();
        let day = Days::one(date("2025-12-01").unwrap());
        let expected = vec![
            day.condition(&berlin),
            DuePeriod::Today.condition(now(), &berlin),
        ];
        let mut mocks = Mocks::at_now();
        mocks
            .todos
            .expect_list()
            .withf(move |_, filter, _| filter.due == expected)
            .once()
            .returning(|_, _, _| Ok(Vec::new()));
        let input = ListTodos {
            due: DueQuery {
                period: Some(DuePeriod::Today),
                days: vec![day],
                time_zone: Some(berlin),
            },
            ..ListTodos::default()
        };
        assert!(list_todos(&mocks.app(), &caller(), input).is_ok());
    }

    #[rstest]
    #[case::said(Some("Europe/Berlin"), Some("Asia/Tokyo"), "Europe/Berlin")]
    #[case::chosen(None, Some("Asia/Tokyo"), "Asia/Tokyo")]
    #[case::neither(None, None, "UTC")]
    fn where_the_caller_is_is_said_or_chosen_or_utc(
        #[case] said: Option<&str>,
        #[case] chosen: Option<&str>,
        #[case] counts: &str,
    ) {
        let zone = |name: &str| name.parse::<TimeZone>().unwrap();
        let day = Days::one(date("2025-12-01").unwrap());
        let expected = vec![day.condition(&zone(counts))];
        let mut mocks = Mocks::default();
        mocks
            .todos
            .expect_list()
            .withf(move |_, filter, _| filter.due == expected)
            .once()
            .returning(|_, _, _| Ok(Vec::new()));
        let input = ListTodos {
            due: DueQuery {
                days: vec![day],
                time_zone: said.map(zone),
                ..DueQuery::default()
            },
            ..ListTodos::default()
        };
        let caller = Caller::Known {
            user_id: user_id(1),
            settings: UserSettings {
                time_zone: chosen.map(zone),
            },
        };
        assert!(list_todos(&mocks.app(), &caller, input).is_ok());
    }

    #[test]
    fn nothing_is_counted_when_the_page_shows_the_total() {
        let app = found(1).app();
        let list = list_todos(&app, &caller(), input(2, 0, true)).unwrap();
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
            list_todos(&mocks.app(), &caller(), input(2, 0, false)),
            Err(ListTodosError::Service(ServiceError::Unavailable(_)))
        ));

        let mut mocks = found(3);
        mocks
            .todos
            .expect_count()
            .returning(|_, _| Err(unavailable()));
        assert!(matches!(
            list_todos(&mocks.app(), &caller(), input(2, 0, true)),
            Err(ListTodosError::Service(ServiceError::Unavailable(_)))
        ));
    }
}
