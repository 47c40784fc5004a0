//! Deleting a task.

use todo_application::todo::delete_todo;

use crate::{
    problem::{Problem, ProblemBody},
    reply::Reply,
    request::Request,
};

/// Delete a task
#[utoipa::path(delete, path = "/api/tasks/{id}", operation_id = "deleteTask", tag = "tasks",
    params(("id" = uuid::Uuid, Path, description = "The id of the task")),
    responses(
        (status = 204, description = "The task is gone"),
        (status = 404, description = "The caller has no such task", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn delete(request: Request) -> Result<Reply, Problem> {
    request
        .for_caller(|app, caller, input| {
            input.nothing()?;
            delete_todo(app, caller, input.todo_id()?)?;
            Ok(Reply::no_content())
        })
        .await
}
