//! Searching tasks.

use todo_application::todo::list_todos;
use utoipa::IntoParams;

use super::{
    list::{TaskListResponse, answer},
    query::{PageQuery, Status, read_search},
};
use crate::{problem::Problem, reply::Reply, request::Request};

/// Which tasks are searched for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `read_search` reads")]
pub(crate) struct SearchQuery {
    /// What the title or the description contains, in upper or lower case.
    #[param(min_length = 1, max_length = 255)]
    q: String,
    /// Only those that are `pending`, or only those that are `completed`; `all` is as good as nothing.
    #[param(inline)]
    status: Option<Status>,
}

/// Search tasks
///
/// Newest first, unless another order is asked for.
#[utoipa::path(get, path = "/api/tasks/search", operation_id = "searchTasks", tag = "tasks",
    params(
        SearchQuery,
        PageQuery,
        ("If-None-Match" = Option<String>, Header, description = "Entity tags that the client has"),
    ),
    responses(
        (status = 200, description = "The tasks", body = TaskListResponse, headers(
            ("ETag" = String, description = "What this answer comes to"),
            ("Link" = String, description = "The next page, with `rel=\"next\"`"),
        )),
        (status = 304, description = "The client has it"),
    ))]
pub(crate) async fn search(request: Request) -> Result<Reply, Problem> {
    request
        .for_caller(|app, caller, input| {
            let wanted = input.query(read_search)?;
            answer(input, wanted, |input| Ok(list_todos(app, caller, input)?))
        })
        .await
}
