//! Toggling the completion of a task.

use todo_api_types::{problem::ProblemBody, wire::TaskResponse};
use todo_application::todo::toggle_todo;
use todo_domain::Scope;

use crate::{
    etag,
    reply::Reply,
    request::{Request, Response},
};

/// Toggle the completion of a task
#[utoipa::path(patch, path = "/api/tasks/{id}/complete", operation_id = "toggleTask", tag = "tasks",
    security(("token" = []), ("personal_access_token" = ["tasks:write"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The id of the task"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, one of which must be that of the task"),
    ),
    responses(
        (status = 200, description = "The updated task", body = TaskResponse),
        (status = 404, description = "The task does not exist", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 412, description = "The task has none of the versions in `If-Match`", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn complete(request: Request) -> Response {
    request
        .for_caller(
            Scope::WriteTodos,
            |input| {
                input.nothing()?;
                Ok((input.id()?, input.precondition()?))
            },
            |app, caller, (id, precondition)| {
                let todo = toggle_todo(app, caller, *id, precondition)?;
                Ok(Reply::ok(&TaskResponse::from(&todo))?.with_etag(etag::of_task(&todo)))
            },
        )
        .await
}
