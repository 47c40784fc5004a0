//! Searching tasks.

use todo_api_types::tasks::list_query::{PageQuery, SearchQuery, read_search};
use todo_domain::Scope;

use super::list::{ListRequest, TaskListAnswers, answer};
use crate::request::{Request, Response};

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
pub(crate) async fn search(request: Request) -> Response {
    request
        .for_caller_in_bulk(
            Scope::ReadTodos,
            |input| ListRequest::read(input, read_search),
            answer,
        )
        .await
}
