//! Making a done task undone and an undone one done.

use todo_application::todo::toggle_todo;
use todo_domain::Scope;

use crate::{
    etag,
    problem::{Problem, ProblemBody},
    reply::Reply,
    request::Request,
    wire::TaskResponse,
};

/// Toggle whether a task is done
#[utoipa::path(patch, path = "/api/tasks/{id}/complete", operation_id = "toggleTask", tag = "tasks",
    security(("token" = []), ("personal_access_token" = ["tasks:write"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The id of the task"),
        ("If-Match" = Option<String>, Header, description = "Entity tags of which the task must have one"),
    ),
    responses(
        (status = 200, description = "The task as it is now", body = TaskResponse),
        (status = 404, description = "The caller has no such task", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 412, description = "The task is of none of the versions that `If-Match` names", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn complete(request: Request) -> Result<Reply, Problem> {
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
