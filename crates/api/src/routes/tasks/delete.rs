//! Deleting a task.

use todo_api_types::problem::ProblemBody;
use todo_application::todo::delete_todo;
use todo_domain::Scope;

use crate::{
    reply::Reply,
    request::{Request, Response},
};

/// Delete a task
#[utoipa::path(delete, path = "/api/tasks/{id}", operation_id = "deleteTask", tag = "tasks",
    security(("token" = []), ("personal_access_token" = ["tasks:write"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The id of the task"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, one of which must be that of the task"),
    ),
    responses(
        (status = 204, description = "The task is deleted"),
        (status = 404, description = "The task does not exist", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 412, description = "The task has none of the versions in `If-Match`", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn delete(request: Request) -> Response {
    request
        .for_caller(
            Scope::WriteTodos,
            |input| {
                input.nothing()?;
                Ok((input.id()?, input.precondition()?))
            },
            |app, caller, (id, precondition)| {
                delete_todo(app, caller, *id, precondition)?;
                Ok(Reply::no_content())
            },
        )
        .await
}
