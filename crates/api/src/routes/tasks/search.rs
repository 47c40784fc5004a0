//! Searching tasks.

use todo_application::todo::list_todos;
use todo_domain::Scope;
use utoipa::IntoParams;

use super::{
    list::{TaskListAnswers, answer},
    query::{PageQuery, Status, read_search},
};
use crate::{problem::Problem, reply::Reply, request::Request};

/// The query of a search.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `read_search` reads")]
pub(crate) struct SearchQuery {
    /// Text that title or description must contain, ignoring case.
    #[param(min_length = 1, max_length = 255, pattern = r"\S")]
    q: String,
    /// Filter by completion; `all` by default.
    #[param(inline)]
    status: Option<Status>,
}

/// Search tasks
///
/// Newest first by default.
#[utoipa::path(get, path = "/api/tasks/search", operation_id = "searchTasks", tag = "tasks",
    security(("token" = []), ("personal_access_token" = ["tasks:read"])),
    params(
        SearchQuery,
        PageQuery,
        ("If-None-Match" = Option<String>, Header, description = "Entity tags of the client's copies"),
    ),
    responses(TaskListAnswers))]
pub(crate) async fn search(request: Request) -> Result<Reply, Problem> {
    request
        .for_caller_in_bulk(Scope::ReadTodos, |app, caller, input| {
            let wanted = input.query(read_search)?;
            answer(input, wanted, |input| Ok(list_todos(app, caller, input)?))
        })
        .await
}
