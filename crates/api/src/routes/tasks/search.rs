//! Searching tasks.

use todo_domain::Scope;
use utoipa::IntoParams;

use super::{
    list::{ListRequest, TaskListAnswers, answer},
    query::{PageQuery, Status, read_search},
};
use crate::{problem::Problem, reply::Reply, request::Request};

/// Which tasks are searched for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `read_search` reads")]
pub(crate) struct SearchQuery {
    /// What the title or the description contains, in upper or lower case.
    #[param(min_length = 1, max_length = 255, pattern = r"\S")]
    q: String,
    /// Only those that are `pending`, or only those that are `completed`; `all` is as good as nothing.
    #[param(inline)]
    status: Option<Status>,
}

/// Search tasks
///
/// Newest first, unless another order is asked for.
#[utoipa::path(get, path = "/api/tasks/search", operation_id = "searchTasks", tag = "tasks",
    security(("token" = []), ("personal_access_token" = ["tasks:read"])),
    params(
        SearchQuery,
        PageQuery,
        ("If-None-Match" = Option<String>, Header, description = "Entity tags that the client has"),
    ),
    responses(TaskListAnswers))]
pub(crate) async fn search(request: Request) -> Result<Reply, Problem> {
    request
        .for_caller_in_bulk(
            Scope::ReadTodos,
            |input| ListRequest::read(input, read_search),
            answer,
        )
        .await
}
