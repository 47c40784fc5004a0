//! Changing a task, by PUT and by PATCH.

use todo_api_types::{
    problem::{Problem, ProblemBody},
    tasks::task_change::{UpdateTaskBody, read_task_change},
    wire::TaskResponse,
};
use todo_application::todo::update_todo;
use todo_domain::{Scope, TodoChange};

use crate::{
    etag,
    input::Input,
    reply::Reply,
    request::{Request, Response},
};

/// Update a task
///
/// Absent fields are not changed.
#[utoipa::path(put, path = "/api/tasks/{id}", operation_id = "updateTask", tag = "tasks",
    security(("token" = []), ("personal_access_token" = ["tasks:write"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The id of the task"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, one of which must be that of the task"),
    ),
    request_body = UpdateTaskBody,
    responses(
        (status = 200, description = "The updated task", body = TaskResponse),
        (status = 404, description = "The task does not exist", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "The texts would exceed a quota (`quota_exceeded`)", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 412, description = "The task has none of the versions in `If-Match`", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn put(request: Request) -> Response {
    update(request, |input| input.body(read_task_change)).await
}

/// Update a task by a JSON merge patch
///
/// RFC 7396.
#[utoipa::path(patch, path = "/api/tasks/{id}", operation_id = "patchTask", tag = "tasks",
    security(("token" = []), ("personal_access_token" = ["tasks:write"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The id of the task"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, one of which must be that of the task"),
    ),
    request_body(content(
        (UpdateTaskBody = "application/merge-patch+json"),
        (UpdateTaskBody = "application/json"),
    )),
    responses(
        (status = 200, description = "The updated task", body = TaskResponse),
        (status = 404, description = "The task does not exist", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "The texts would exceed a quota (`quota_exceeded`)", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 412, description = "The task has none of the versions in `If-Match`", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn patch(request: Request) -> Response {
    update(request, |input| input.merge_patch(read_task_change)).await
}

async fn update(
    request: Request,
    read_body: impl FnOnce(&Input) -> Result<TodoChange, Problem>,
) -> Response {
    request
        .for_caller(
            Scope::WriteTodos,
            |input| Ok((input.id()?, input.precondition()?, read_body(input)?)),
            |app, caller, (id, precondition, change)| {
                let todo = update_todo(app, caller, *id, precondition, change)?;
                Ok(Reply::ok(&TaskResponse::from(&todo))?.with_etag(etag::of_task(&todo)))
            },
        )
        .await
}
