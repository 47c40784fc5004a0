//! Reading one task.

use todo_api_types::{problem::ProblemBody, wire::TaskResponse};
use todo_application::todo::get_todo;
use todo_domain::Scope;

use crate::{
    etag,
    reply::Reply,
    request::{Request, Response},
};

/// Get a task
#[utoipa::path(get, path = "/api/tasks/{id}", operation_id = "getTask", tag = "tasks",
    security(("token" = []), ("personal_access_token" = ["tasks:read"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The id of the task"),
        ("If-None-Match" = Option<String>, Header, description = "Entity tags of the client's copies"),
    ),
    responses(
        (status = 200, description = "The task", body = TaskResponse,
            headers(("ETag" = String, description = "The version of the task"))),
        (status = 304, description = "The client's copy is current"),
        (status = 404, description = "The task does not exist", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn get(request: Request) -> Response {
    request
        .for_caller(
            Scope::ReadTodos,
            |input| {
                input.nothing()?;
                Ok((input.id()?, input.if_none_match()?))
            },
            |app, caller, (id, if_none_match)| {
                let todo = get_todo(app, caller, *id)?;
                let reply = Reply::ok(&TaskResponse::from(&todo))?;
                Ok(if_none_match.apply(reply, etag::of_task(&todo)))
            },
        )
        .await
}
